//! Documents at which runs hung. A run that cannot go on notes the document and ends; the next one leaves it out.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Write};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::stopwatch::Work;
use crate::record::Place;

/// Their list in the output folder, a line each.
pub const FILE: &str = "suspects.jsonl";

/// A document at which a run hung, as long as its file is what it was.
#[derive(Debug, Serialize, Deserialize)]
struct Suspect {
    place: Place,
    stage: String,
    seconds: u64,
    file: Version,
}

/// What tells a file from what it is once it has been changed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    bytes: u64,
    modified_ns: u64,
}

impl Version {
    fn of(path: &str) -> Result<Self> {
        let file = std::fs::metadata(path)?;
        let since = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self { bytes: file.len(), modified_ns: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX) })
    }
}

/// What is not tried again, by file and number there.
#[derive(Debug, Default)]
pub struct Suspects {
    messages: HashMap<(String, u64), String>,
}

impl Suspects {
    /// Those in the output folder whose files have not changed since.
    ///
    /// # Errors
    /// A list that is there and cannot be read.
    pub fn of(folder: &Path) -> Result<Self> {
        let mut text = String::new();
        match File::open(folder.join(FILE)) {
            Ok(mut file) => file.read_to_string(&mut text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        // The last line may have been broken off.
        let suspects = text.lines().filter_map(|line| serde_json::from_str::<Suspect>(line).ok());
        let unchanged =
            suspects.filter(|suspect| Version::of(&suspect.place.source).is_ok_and(|now| now == suspect.file));
        let message = |Suspect { place, stage, seconds, .. }: Suspect| {
            let message = format!(
                "an earlier run hung at it in the stage `{stage}` for {seconds} seconds; `pressrun retry` tries it again"
            );
            ((place.source.clone(), place.number()), message)
        };
        Ok(Self { messages: unchanged.map(message).collect() })
    }

    /// Why the record at `place` is not tried again; none where it is.
    #[must_use]
    pub fn message(&self, place: &Place) -> Option<&str> {
        if self.messages.is_empty() {
            return None;
        }
        self.messages.get(&(place.source.clone(), place.number())).map(String::as_str)
    }
}

/// Notes that `work` hung for so long. What came from standard input cannot be told from other input again.
pub(crate) fn note(folder: &Path, work: &Work, spent: Duration) -> Result<()> {
    let Ok(file) = Version::of(&work.place.source) else { return Ok(()) };
    let suspect = Suspect { place: work.place.clone(), stage: work.stage.to_owned(), seconds: spent.as_secs(), file };
    let mut line = serde_json::to_vec(&suspect)?;
    line.push(b'\n');
    let mut list = OpenOptions::new().append(true).create(true).open(folder.join(FILE))?;
    list.write_all(&line)?;
    list.sync_all()
}

/// Forgets all of them, so that they are tried again.
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
        let is_suspect = |line| Suspects::of(folder.path()).unwrap().message(&place(line)).is_some();
        assert!(!is_suspect(3));
        note(folder.path(), &Work { stage: "split", place: place(3) }, Duration::from_secs(130)).unwrap();
        note(folder.path(), &Work { stage: "split", place: Place::file("<stdin>") }, Duration::from_secs(130)).unwrap();
        std::fs::OpenOptions::new().append(true).open(folder.path().join(FILE)).unwrap().write_all(b"{\"pla").unwrap();
        assert!(is_suspect(3) && !is_suspect(4));
        let message = Suspects::of(folder.path()).unwrap().message(&place(3)).unwrap().to_owned();
        assert!(message.contains("`split` for 130 seconds"), "{message}");
        std::fs::write(&input, "{ }").unwrap();
        assert!(!is_suspect(3));
        clear(folder.path()).unwrap();
        clear(folder.path()).unwrap();
        assert!(!folder.path().join(FILE).exists());
    }
}
