//! The folder of a part that is finished, and the folders of all parts, which belong together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use rayon::prelude::*;

use super::{FINISHED, FinishedPart, PartsError, admissions};
use crate::digest::{hexadecimal, sha256_of_all, sha256_of_file};
use crate::input::part::Part;
use crate::ledger::{self, Ledger, Night};
use crate::output::publish::SEAL;

/// The largest number of parts that a message lists for a class of processors.
const MOST_LISTED: usize = 8;

/// The folder of a part that is finished, and that nobody has changed since.
pub(crate) struct PartFolder {
    pub(crate) path: PathBuf,
    pub(crate) part: Part,
    pub(crate) finished: FinishedPart,
    /// The fingerprint of its results.
    pub(crate) fingerprint: String,
    /// What its results come from, by name.
    pub(crate) made_by: IndexMap<String, String>,
    /// Its runs.
    pub(crate) nights: Vec<Night>,
    /// The hash of its ledger, as its last run wrote it.
    seal: String,
}

impl PartFolder {
    /// Opens the folder of a part, and checks that the part is finished and unchanged.
    fn open(path: &Path) -> Result<Self, PartsError> {
        let ledger_path = path.join(ledger::FILE);
        if !ledger_path.exists() {
            return Err(PartsError::NoPart { path: path.to_owned() });
        }
        let seal = std::fs::read_to_string(path.join(SEAL)).ok();
        let ledger = if seal.is_some() { Ledger::open_unchanging(path)? } else { Ledger::resume(path)? };
        let Some(part) = ledger.part()?.and_then(|part| part.parse().ok()) else {
            return Err(PartsError::NoPart { path: path.to_owned() });
        };
        let finished = ledger.setting(FINISHED)?.and_then(|finished| serde_json::from_str(&finished).ok());
        let (Some(seal), Some(finished)) = (seal, finished) else {
            let part: Part = part;
            return Err(PartsError::Unfinished { part: part.to_string(), path: path.to_owned() });
        };
        let folder = Self {
            path: path.to_owned(),
            part,
            finished,
            fingerprint: ledger.fingerprint().to_owned(),
            made_by: ledger.parts()?.unwrap_or_default(),
            nights: ledger.nights()?,
            seal,
        };
        folder.check_files()?;
        Ok(folder)
    }

    /// Checks the hashes of the ledger and of the admissions. Those of statements are checked when they are read.
    fn check_files(&self) -> Result<(), PartsError> {
        let sealed = self.seal.split_whitespace().next().unwrap_or_default();
        for (name, expected) in [(ledger::FILE, sealed), (admissions::FILE, self.finished.admissions.as_str())] {
            let path = self.path.join(name);
            match sha256_of_file(&path) {
                Ok(found) if found == expected => {}
                Ok(_) => return Err(PartsError::Changed { path }),
                Err(cause) => return Err(PartsError::Io { path, cause }),
            }
        }
        Ok(())
    }

    /// The version of the program that wrote it last.
    pub(crate) fn program(&self) -> String {
        self.nights.last().map(|night| night.program.clone()).unwrap_or_default()
    }

    /// Checks that `other` has the same configuration, models and input.
    fn check_same(&self, other: &Self) -> Result<(), PartsError> {
        let mut differences = differences(&other.made_by, &self.made_by);
        differences.extend(self::differences(&other.finished.settings, &self.finished.settings));
        if differences.is_empty() && self.fingerprint != other.fingerprint {
            differences.push(format!("it was written by {}, not {}", self.program(), other.program()));
        }
        if !differences.is_empty() {
            return Err(PartsError::OtherSettings {
                part: self.part.to_string(),
                path: self.path.clone(),
                other: format!("part {}", other.part),
                differences,
            });
        }
        if self.finished.listing != other.finished.listing {
            return Err(PartsError::OtherInput {
                part: self.part.to_string(),
                path: self.path.clone(),
                found: self.finished.listing.files,
                other: other.part.to_string(),
                other_found: other.finished.listing.files,
            });
        }
        Ok(())
    }
}

/// The differences between two maps, each as a name with its value in `now` and in `before`.
pub(crate) fn differences(before: &IndexMap<String, String>, now: &IndexMap<String, String>) -> Vec<String> {
    let names = now.keys().chain(before.keys().filter(|name| !now.contains_key(*name)));
    let differing = names.filter(|name| now.get(*name) != before.get(*name));
    differing
        .map(|name| format!("{name} is {}, not {}", or_missing(now.get(name)), or_missing(before.get(name))))
        .collect()
}

/// The first of these numbers, for a message.
fn first_of(mut numbers: Vec<String>) -> String {
    if numbers.len() > MOST_LISTED {
        numbers.truncate(MOST_LISTED);
        numbers.push("…".to_owned());
    }
    numbers.join(", ")
}

fn or_missing(value: Option<&String>) -> &str {
    value.map_or("missing", String::as_str)
}

/// Checks that sorted parts are all parts of one count, each once.
fn check_numbers(folders: &[PartFolder]) -> Result<(), PartsError> {
    let Some(first) = folders.first() else { return Err(PartsError::Missing { numbers: vec![0], count: 1 }) };
    if let Some(other) = folders.iter().find(|folder| folder.part.count() != first.part.count()) {
        return Err(PartsError::OtherCount {
            part: first.part.to_string(),
            path: first.path.clone(),
            other: other.part.to_string(),
            other_path: other.path.clone(),
        });
    }
    if let Some(pair) = folders.windows(2).find(|pair| pair[0].part == pair[1].part) {
        return Err(PartsError::Twice {
            part: pair[0].part.to_string(),
            first: pair[0].path.clone(),
            second: pair[1].path.clone(),
        });
    }
    let count = first.part.count();
    let mut there = folders.iter().map(|folder| folder.part.number()).peekable();
    let numbers: Vec<u32> = (0..count).filter(|&number| there.next_if_eq(&number).is_none()).collect();
    if numbers.is_empty() { Ok(()) } else { Err(PartsError::Missing { numbers, count }) }
}

/// All parts of an input, in the order of their numbers: at least one.
pub(crate) struct Parts {
    pub(crate) folders: Vec<PartFolder>,
}

impl Parts {
    /// Opens the folders at `paths`, in any order. They have to be all parts of one input, finished, with the same configuration, models
    /// and version, and unless `allows_mixed_processors` from processors of one class.
    pub(crate) fn open(paths: &[PathBuf], allows_mixed_processors: bool) -> Result<Self, PartsError> {
        let opened: Vec<Result<PartFolder, PartsError>> = paths.par_iter().map(|path| PartFolder::open(path)).collect();
        let mut folders = opened.into_iter().collect::<Result<Vec<_>, _>>()?;
        folders.sort_by_key(|folder| folder.part);
        check_numbers(&folders)?;
        if let Some((first, others)) = folders.split_first() {
            others.iter().try_for_each(|other| other.check_same(first))?;
        }
        let parts = Self { folders };
        let classes = parts.processor_classes();
        if classes.len() > 1 && !allows_mixed_processors {
            return Err(PartsError::Processors { classes });
        }
        Ok(parts)
    }

    /// The first part. All others have the same settings.
    pub(crate) fn first(&self) -> &PartFolder {
        &self.folders[0]
    }

    /// The folders.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(|folder| folder.path.as_path())
    }

    /// The nights of all parts.
    pub(crate) fn nights(&self) -> impl Iterator<Item = &Night> {
        self.folders.iter().flat_map(|folder| &folder.nights)
    }

    /// The nights in which documents were written.
    pub(crate) fn working_nights(&self) -> impl Iterator<Item = &Night> {
        self.nights().filter(|night| night.documents.written > 0)
    }

    /// Checks that no part was run again since it was opened.
    pub(crate) fn check_unchanged(&self) -> Result<(), PartsError> {
        let is_changed =
            |folder: &&PartFolder| std::fs::read_to_string(folder.path.join(SEAL)).ok().as_ref() != Some(&folder.seal);
        match self.folders.iter().find(is_changed) {
            Some(folder) => Err(PartsError::Changed { path: folder.path.join(ledger::FILE) }),
            None => Ok(()),
        }
    }

    /// A hash of all parts with everything that they have.
    pub(crate) fn hash(&self) -> String {
        hexadecimal(&sha256_of_all(self.folders.iter().map(|folder| folder.seal.as_str())))
    }

    /// The classes of processors by which documents were computed, each with its parts.
    fn processor_classes(&self) -> Vec<String> {
        let mut classes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for folder in &self.folders {
            for night in folder.nights.iter().filter(|night| night.documents.written > 0) {
                let parts = classes.entry(night.kernels()).or_default();
                let part = folder.part.number().to_string();
                if parts.last() != Some(&part) {
                    parts.push(part);
                }
            }
        }
        classes.into_iter().map(|(class, parts)| format!("{class} (parts {})", first_of(parts))).collect()
    }
}
