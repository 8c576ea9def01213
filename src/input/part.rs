//! A part of the input: which files it has. The name of a file alone decides that, not the files that are found beside it. Large files are in
//! pieces, see `pieces`.

use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest::hexadecimal;

/// The folder of parts in the output folder.
const FOLDER: &str = "parts";

/// The number of parts, where the system that starts them does not tell it.
const PARTS: &str = "PRESSRUN_PARTS";

/// The variables of a Slurm array.
const SLURM: [&str; 3] = ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"];

/// The variable with the number of a pod in a Kubernetes Indexed Job.
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";

/// The variables of an array job of AWS Batch.
const AWS: [&str; 2] = ["AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"];

/// One of several parts of the input. Parts are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    number: u32,
    count: u32,
}

/// A part that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It is not written as a number of a count.
    #[error("`{text}` is no part: write K/N, such as 3/40, with K from 0 to N-1 and N up to 99999")]
    Invalid {
        /// As it was given.
        text: String,
    },
    /// No system has told which part this is.
    #[error(
        "`--part auto` finds no part: it needs SLURM_ARRAY_TASK_ID (Slurm), JOB_COMPLETION_INDEX and PRESSRUN_PARTS (Kubernetes), or \
         AWS_BATCH_JOB_ARRAY_INDEX (AWS Batch); otherwise write `--part K/N`"
    )]
    NotSet,
    /// Two systems have told which part this is.
    #[error("`--part auto` finds {} set: write `--part K/N`", variables.join(" and "))]
    Ambiguous {
        /// The variables that are set.
        variables: Vec<&'static str>,
    },
    /// A variable beside the one that tells the part is not set.
    #[error("`--part auto` finds {set}, but not {missing}, the number of parts")]
    NoCount {
        /// The variable that is set.
        set: &'static str,
        /// The variable that is not set.
        missing: &'static str,
    },
    /// A variable is no number that fits.
    #[error("`--part auto` finds {variable} = `{value}`: {problem}")]
    Variable {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Standard input has no name.
    #[error("standard input has no parts: name files, or use `pressrun stream`")]
    StandardInput,
    /// The folder has parts of another count.
    #[error(
        "`{}` has parts of {found}, and this is one of {wanted}: remove them, or name another `[output] directory`",
        folder.display()
    )]
    OtherCount {
        /// The folder of all parts.
        folder: PathBuf,
        /// The number of parts by which it was begun.
        found: u32,
        /// The number of parts now.
        wanted: u32,
    },
}

impl Part {
    /// Part `number` of `count`. `None` if there is no such part.
    #[must_use]
    pub fn new(number: u32, count: u32) -> Option<Self> {
        (number < count && count < 100_000).then_some(Self { number, count })
    }

    /// The part that Slurm, Kubernetes or AWS Batch gave this process, by the values that `variable` gives for the names of environment
    /// variables.
    ///
    /// # Errors
    /// No variable of these systems, those of two of them, or values that do not fit.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, PartError> {
        let set = [SLURM[0], KUBERNETES, AWS[0]].into_iter().filter(|name| variable(name).is_some());
        let name = match set.collect::<Vec<_>>().as_slice() {
            [] => return Err(PartError::NotSet),
            [name] => *name,
            several => return Err(PartError::Ambiguous { variables: several.to_vec() }),
        };
        let (own_count, first) = match name {
            _ if name == SLURM[0] => (SLURM[1], Some(SLURM[2])),
            _ if name == AWS[0] => (AWS[1], None),
            _ => (PARTS, None),
        };
        // A count that the user gives is that of all parts, also where only some of them are started again.
        let is_given = variable(PARTS).is_some();
        let count_name = if is_given { PARTS } else { own_count };
        let Some(count) = number(&variable, count_name)? else {
            return Err(PartError::NoCount { set: name, missing: count_name });
        };
        let first = match first.filter(|_| !is_given) {
            Some(first) => number(&variable, first)?.unwrap_or(0),
            None => 0,
        };
        let index = number(&variable, name)?.unwrap_or(0);
        index.checked_sub(first).and_then(|number| Self::new(number, count)).ok_or_else(|| PartError::Variable {
            variable: name,
            value: variable(name).unwrap_or_default(),
            problem: "the numbers have to run from the first one to the number of parts without a gap; to start some parts of a \
                      larger array again, set PRESSRUN_PARTS to the number of all parts",
        })
    }

    /// Its number, from 0.
    #[must_use]
    pub fn number(self) -> u32 {
        self.number
    }

    /// The number of parts.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }

    /// True if it has the file that was found as `path`: the first eight bytes of the SHA-256 of the path, as a number, modulo the number
    /// of parts, give the part.
    #[must_use]
    pub fn has(self, path: &str) -> bool {
        let digest = Sha256::digest(path);
        let hash = digest.iter().take(8).fold(0, |hash: u64, &byte| hash << 8 | u64::from(byte));
        hash % u64::from(self.count) == u64::from(self.number)
    }

    /// Its folder in the output folder `output`.
    #[must_use]
    pub fn folder(self, output: &Path) -> PathBuf {
        output.join(FOLDER).join(self.name())
    }

    /// Its name in file names, `00003-of-00040`.
    #[must_use]
    pub fn name(self) -> String {
        format!("{:05}-of-{:05}", self.number, self.count)
    }

    /// Checks that the output folder `output` has no parts of another count.
    ///
    /// # Errors
    /// It has some.
    pub fn check_siblings(self, output: &Path) -> Result<(), PartError> {
        let folder = output.join(FOLDER);
        let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(()) };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let count =
                name.to_str().and_then(|name| name.split_once("-of-")).and_then(|(_, count)| count.parse().ok());
            if let Some(found) = count.filter(|&count| count != self.count) {
                return Err(PartError::OtherCount { folder, found, wanted: self.count });
            }
        }
        Ok(())
    }
}

/// The number in a variable, if it is set.
fn number(variable: impl Fn(&str) -> Option<String>, name: &'static str) -> Result<Option<u32>, PartError> {
    let Some(value) = variable(name) else { return Ok(None) };
    match value.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(PartError::Variable { variable: name, value, problem: "it is no whole number" }),
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl FromStr for Part {
    type Err = PartError;

    fn from_str(text: &str) -> Result<Self, PartError> {
        let numbers =
            text.split_once('/').and_then(|(number, count)| Some((number.parse().ok()?, count.parse().ok()?)));
        numbers
            .and_then(|(number, count)| Self::new(number, count))
            .ok_or_else(|| PartError::Invalid { text: text.to_owned() })
    }
}

/// The files that a part found, its own and those of other parts, in their order. All parts have to find the same ones: otherwise a file
/// may be in no part, and the order of all records is not known. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Listing(Arc<Mutex<Listed>>);

#[derive(Debug, Default)]
struct Listed {
    files: u64,
    names: Sha256,
}

/// A [`Listing`] in short: equal if the same files were found in the same order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingDigest {
    /// The number of files.
    pub files: u64,
    /// SHA-256 of their paths, and of the sizes of those that parts share.
    pub sha256: String,
}

impl Listing {
    /// Adds the next file, with its size if parts share it.
    pub(crate) fn add(&self, path: &str, shared_bytes: Option<u64>) {
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.files += 1;
        listed.names.update((path.len() as u64).to_le_bytes());
        listed.names.update(path);
        if let Some(bytes) = shared_bytes {
            listed.names.update(bytes.to_le_bytes());
        }
    }

    /// The files so far, in short.
    #[must_use]
    pub fn digest(&self) -> ListingDigest {
        let listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ListingDigest { files: listed.files, sha256: hexadecimal(&listed.names.clone().finalize()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(variables: &[(&str, &str)]) -> Result<String, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Part::from_environment(variable).map(|part| part.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_part_is_a_number_below_a_count() {
        assert_eq!("3/40".parse(), Ok(Part { number: 3, count: 40 }));
        for text in ["40/40", "3", "3/", "/40", "-1/4", "0/0", "1/100000", "auto"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
        assert_eq!(Part::new(3, 40).unwrap().folder(Path::new("out")), Path::new("out/parts/00003-of-00040"));
    }

    #[test]
    fn each_file_is_in_one_part_by_its_name_alone() {
        let parts: Vec<Part> = (0..7).map(|number| Part::new(number, 7).unwrap()).collect();
        let mut files = [0; 7];
        for file in 0..700 {
            let path = format!("archive/2031/{file:03}.jsonl");
            let owners: Vec<usize> = (0..7).filter(|&part| parts[part].has(&path)).collect();
            assert_eq!(owners.len(), 1, "{path}");
            files[owners[0]] += 1;
        }
        assert!(files.iter().all(|files| (70..130).contains(files)), "{files:?}");
        // Another version may not move files to other parts: int.from_bytes(sha256(b"archive/2031/03.jsonl").digest()[:8]) % 40
        let owner = (0..40).find(|&number| Part::new(number, 40).unwrap().has("archive/2031/03.jsonl"));
        assert_eq!(owner, Some(23));
    }

    #[test]
    fn the_part_comes_from_the_variables_of_one_system() {
        let slurm = [("SLURM_ARRAY_TASK_ID", "5"), ("SLURM_ARRAY_TASK_COUNT", "40"), ("SLURM_ARRAY_TASK_MIN", "1")];
        assert_eq!(auto(&slurm).as_deref(), Ok("4/40"));
        assert_eq!(auto(&[("JOB_COMPLETION_INDEX", "3"), ("PRESSRUN_PARTS", "8")]).as_deref(), Ok("3/8"));
        let aws = [("AWS_BATCH_JOB_ARRAY_INDEX", "0"), ("AWS_BATCH_JOB_ARRAY_SIZE", "2")];
        assert_eq!(auto(&aws).as_deref(), Ok("0/2"));
        assert!(auto(&[("PRESSRUN_PARTS", "8")]).unwrap_err().contains("JOB_COMPLETION_INDEX and PRESSRUN_PARTS"));
        let two = auto(&[&slurm[..], &aws[..]].concat()).unwrap_err();
        assert!(two.contains("SLURM_ARRAY_TASK_ID and AWS_BATCH_JOB_ARRAY_INDEX"), "{two}");
        assert!(auto(&[("JOB_COMPLETION_INDEX", "3")]).unwrap_err().contains("not PRESSRUN_PARTS"));
        assert!(auto(&[("JOB_COMPLETION_INDEX", "3"), ("PRESSRUN_PARTS", "x")]).unwrap_err().contains("whole number"));
    }

    #[test]
    fn some_parts_of_a_larger_array_need_its_size() {
        let again = [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_COUNT", "2"), ("SLURM_ARRAY_TASK_MIN", "3")];
        assert!(auto(&again).unwrap_err().contains("set PRESSRUN_PARTS"));
        assert_eq!(auto(&[&again[..], &[("PRESSRUN_PARTS", "40")]].concat()).as_deref(), Ok("7/40"));
    }

    #[test]
    fn parts_of_another_count_are_noticed() {
        let output = tempfile::tempdir().unwrap();
        let part = Part::new(0, 3).unwrap();
        part.check_siblings(output.path()).unwrap();
        std::fs::create_dir_all(Part::new(1, 3).unwrap().folder(output.path())).unwrap();
        part.check_siblings(output.path()).unwrap();
        std::fs::create_dir_all(Part::new(1, 4).unwrap().folder(output.path())).unwrap();
        let error = part.check_siblings(output.path()).unwrap_err();
        assert!(matches!(error, PartError::OtherCount { found: 4, wanted: 3, .. }), "{error}");
    }

    #[test]
    fn listings_are_equal_if_the_same_files_come_in_the_same_order() {
        let digest = |paths: &[&str]| {
            let listing = Listing::default();
            for path in paths {
                listing.add(path, None);
            }
            listing.digest()
        };
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
        assert_ne!(digest(&["a", "b"]), digest(&["b", "a"]));
        assert_ne!(digest(&["ab"]), digest(&["a", "b"]));
    }
}
