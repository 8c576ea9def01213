//! The documents at which runs hung. A run that hangs adds the document to a list and ends; the next run rejects the document.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Write};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::stopwatch::Work;
use crate::record::Place;

/// The name of the list in the output folder, with one document a line.
pub const FILE: &str = "suspects.jsonl";

/// A document at which a run hung. It is one only as long as its file is unchanged.
#[derive(Debug, Serialize, Deserialize)]
struct Suspect {
    place: Place,
    stage: String,
    seconds: u64,
    file: Version,
}

/// The size and modification time of a file, by which changes of the file are noticed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    bytes: u64,
    modified_ns: u64,
}

impl Version {
    fn of_file(path: &str) -> Result<Self> {
        let file = std::fs::metadata(path)?;
        let since = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self { bytes: file.len(), modified_ns: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX) })
    }
}

/// The records that are not tried again.
#[derive(Debug, Default)]
pub struct Suspects {
    /// The messages of their rejections, by file and record number.
    messages: HashMap<(String, u64), String>,
}

impl Suspects {
    /// Loads the list in the output folder, without documents whose files have changed since.
    ///
    /// # Errors
    /// A list that exists and cannot be read.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut text = String::new();
        match File::open(folder.join(FILE)) {
            Ok(mut file) => file.read_to_string(&mut text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let mut messages = HashMap::new();
        for line in text.lines() {
            // The last line may be incomplete.
            let Ok(Suspect { place, stage, seconds, file }) = serde_json::from_str(line) else { continue };
            if Version::of_file(&place.source).is_ok_and(|now| now == file) {
                let message = format!(
                    "an earlier run hung at it in the stage `{stage}` for {seconds} seconds; `pressrun retry` tries it again"
                );
                messages.insert((place.source.clone(), place.number()), message);
            }
        }
        Ok(Self { messages })
    }

    /// The message of the rejection if the record at `place` is not tried again.
    #[must_use]
    pub fn message(&self, place: &Place) -> Option<&str> {
        if self.messages.is_empty() {
            return None;
        }
        self.messages.get(&(place.source.clone(), place.number())).map(String::as_str)
    }
}

/// Adds to the list that `work` hung, and the time spent on it. Documents from standard input are not added: a later run could not
/// recognise them.
pub(crate) fn note(folder: &Path, work: &Work, spent: Duration) -> Result<()> {
    let Ok(file) = Version::of_file(&work.place.source) else { return Ok(()) };
    let suspect = Suspect { place: work.place.clone(), stage: work.stage.to_owned(), seconds: spent.as_secs(), file };
    let mut line = serde_json::to_vec(&suspect)?;
    line.push(b'\n');
    let mut list = OpenOptions::new().append(true).create(true).open(folder.join(FILE))?;
    list.write_all(&line)?;
    list.sync_all()
}

/// Joins the lists of `folders` to one in `folder`, if there are any.
pub(crate) fn join<'f>(folders: impl Iterator<Item = &'f Path>, folder: &Path) -> Result<()> {
    let mut joined = Vec::new();
    for folder in folders {
        match std::fs::read(folder.join(FILE)) {
            Ok(list) => joined.extend(list),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if joined.is_empty() { Ok(()) } else { std::fs::write(folder.join(FILE), joined) }
}

/// Removes the list: all its documents are tried again.
pub(crate) fn clear(folder: &Path) -> Result<()> {
    match std::fs::remove_file(folder.join(FILE)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspect_is_one_until_its_file_changes_or_all_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("a.jsonl");
        std::fs::write(&input, "{}").unwrap();
        let place = |line| Place { line: Some(line), ..Place::file(input.to_str().unwrap()) };
        let is_suspect = |line| Suspects::load(folder.path()).unwrap().message(&place(line)).is_some();
        assert!(!is_suspect(3));
        note(folder.path(), &Work { stage: "split", place: place(3) }, Duration::from_secs(130)).unwrap();
        note(folder.path(), &Work { stage: "split", place: Place::file("<stdin>") }, Duration::from_secs(130)).unwrap();
        std::fs::OpenOptions::new().append(true).open(folder.path().join(FILE)).unwrap().write_all(b"{\"pla").unwrap();
        assert!(is_suspect(3) && !is_suspect(4));
        let message = Suspects::load(folder.path()).unwrap().message(&place(3)).unwrap().to_owned();
        assert!(message.contains("`split` for 130 seconds"), "{message}");
        std::fs::write(&input, "{ }").unwrap();
        assert!(!is_suspect(3));
        clear(folder.path()).unwrap();
        clear(folder.path()).unwrap();
        assert!(!folder.path().join(FILE).exists());
    }
}
