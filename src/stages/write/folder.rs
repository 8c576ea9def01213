//! The output folder: one run at a time, and nothing half-written under a final name.

use std::fs::{self, File, TryLockError};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::WriteError;

/// What a run leaves behind, besides the folder of statement files. A new run replaces all of it.
const FILES: [&str; 3] = ["documents.jsonl", "rejected.jsonl", "run.json"];

/// The folder of statement files in the layout `document`.
const STATEMENTS: &str = "statements";

/// Where the results of the last finished run wait until the next one has finished.
const PREVIOUS: &str = ".previous";

/// A folder that this run alone writes into.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    /// Held until the run ends; the system lets go of it whatever happens to the process.
    _lock: File,
}

impl OutputFolder {
    /// Makes the folder ready for a new run. The results of the last finished run are moved into `.previous`, where
    /// they stay until [`Self::discard_previous`]; what an unfinished run left is removed.
    ///
    /// # Errors
    /// A folder that cannot be made or written, or that another run is writing.
    pub fn prepare(path: &Path) -> Result<Self, WriteError> {
        fs::create_dir_all(path).map_err(failed(path))?;
        let folder = Self { path: path.to_owned(), _lock: lock(path)? };
        let previous = path.join(PREVIOUS);
        if path.join("documents.jsonl").exists() {
            remove_results(&previous)?;
            fs::create_dir_all(&previous).map_err(failed(&previous))?;
            for entry in results(path)? {
                let kept = previous.join(entry.file_name().unwrap_or_default());
                fs::rename(&entry, kept).map_err(failed(&entry))?;
            }
        }
        remove_results(path)?;
        Ok(folder)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the results of the run before, once this one's are complete.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn discard_previous(&self) -> Result<(), WriteError> {
        let previous = self.path.join(PREVIOUS);
        remove_results(&previous)?;
        match fs::remove_dir(&previous) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(&previous)(error)),
            _ => Ok(()),
        }
    }

    /// Writes a file whole: it is under its name completely, or not at all.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn write_whole(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        let mut file = PartFile::create(self.path.join(name))?;
        file.append(content)?;
        file.finish()
    }

    /// The folder of statement files, made if need be.
    pub(super) fn statements(&self) -> Result<PathBuf, WriteError> {
        let path = self.path.join(STATEMENTS);
        fs::create_dir_all(&path).map_err(failed(&path))?;
        Ok(path)
    }
}

/// A file that bears the ending `.part` until it is complete.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    part: PathBuf,
    writer: BufWriter<File>,
}

impl PartFile {
    pub(super) fn create(path: PathBuf) -> Result<Self, WriteError> {
        let part = part_of(&path);
        let file = File::create(&part).map_err(failed(&part))?;
        Ok(Self { path, part, writer: BufWriter::new(file) })
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.writer.write_all(bytes).map_err(failed(&self.part))
    }

    /// Makes it safe on disk, then gives it its name.
    pub(super) fn finish(&mut self) -> Result<(), WriteError> {
        self.sync()?;
        self.rename()?;
        sync_folder(&self.path)
    }

    fn sync(&mut self) -> Result<(), WriteError> {
        self.writer.flush().and_then(|()| self.writer.get_ref().sync_all()).map_err(failed(&self.part))
    }

    fn rename(&self) -> Result<(), WriteError> {
        fs::rename(&self.part, &self.path).map_err(failed(&self.path))
    }
}

impl Drop for PartFile {
    /// An abandoned part is of no use to anybody. Once renamed it is no longer there.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.part);
    }
}

/// Writes a file whole but for the folder's own entry, which the caller makes safe once for many files.
pub(super) fn write_one_of_many(path: PathBuf, content: &[u8]) -> Result<(), WriteError> {
    let mut file = PartFile::create(path)?;
    file.append(content)?;
    file.sync()?;
    file.rename()
}

/// Makes the entries of the folder around `path` safe on disk.
pub(super) fn sync_folder(path: &Path) -> Result<(), WriteError> {
    // Only Unix lets a folder be opened and synced.
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))?;
    }
    Ok(())
}

pub(super) fn failed(path: &Path) -> impl Fn(std::io::Error) -> WriteError + use<> {
    let path = path.to_owned();
    move |cause| WriteError::Io { path: path.clone(), cause }
}

fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

fn lock(folder: &Path) -> Result<File, WriteError> {
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(failed(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(WriteError::Locked { path: folder.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(failed(&path)(cause)),
    }
}

/// What runs have left in `folder`, parts included, and nothing else that may lie there.
fn results(folder: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(folder)(error)),
    };
    let is_result = |name: &str| {
        let whole = name.strip_suffix(".part").unwrap_or(name);
        whole == STATEMENTS || FILES.contains(&whole) || is_shard(whole)
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed(folder))?;
        if entry.file_name().to_str().is_some_and(is_result) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn is_shard(name: &str) -> bool {
    let number = name.strip_prefix("statements-").and_then(|rest| rest.split_once(".jsonl"));
    number.is_some_and(|(digits, ending)| {
        digits.bytes().all(|digit| digit.is_ascii_digit()) && matches!(ending, "" | ".zst")
    })
}

/// Removes what [`results`] finds. In the folder of statement files it removes only those, so that a file that
/// somebody else put there keeps the folder in place.
fn remove_results(folder: &Path) -> Result<(), WriteError> {
    for path in results(folder)? {
        if !path.is_dir() {
            fs::remove_file(&path).map_err(failed(&path))?;
            continue;
        }
        for entry in fs::read_dir(&path).map_err(failed(&path))? {
            let file = entry.map_err(failed(&path))?.path();
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if [".jsonl", ".jsonl.zst", ".part"].iter().any(|ending| name.ends_with(ending)) {
                fs::remove_file(&file).map_err(failed(&file))?;
            }
        }
        // It stays where it is not empty.
        let _ = fs::remove_dir(&path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = walkdir::WalkDir::new(folder)
            .into_iter()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    fn put(folder: &Path, files: &[&str]) {
        for file in files {
            fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
            fs::write(folder.join(file), "x").unwrap();
        }
    }

    #[test]
    fn the_last_finished_run_is_kept_until_the_next_has_finished() {
        let folder = tempfile::tempdir().unwrap();
        put(
            folder.path(),
            &["documents.jsonl", "run.json", "statements/a.jsonl", "statements-00000.jsonl.zst", "notes.md"],
        );
        let output = OutputFolder::prepare(folder.path()).unwrap();
        let kept = [
            ".lock",
            ".previous/documents.jsonl",
            ".previous/run.json",
            ".previous/statements-00000.jsonl.zst",
            ".previous/statements/a.jsonl",
            "notes.md",
        ];
        assert_eq!(names(folder.path()), kept);
        output.discard_previous().unwrap();
        assert_eq!(names(folder.path()), [".lock", "notes.md"]);
    }

    #[test]
    fn what_an_unfinished_run_left_is_removed_and_the_finished_one_before_it_kept() {
        let folder = tempfile::tempdir().unwrap();
        put(
            folder.path(),
            &[
                ".previous/documents.jsonl",
                "documents.jsonl.part",
                "statements/b.jsonl",
                "statements/c.jsonl.part",
                "statements/readme",
            ],
        );
        let _output = OutputFolder::prepare(folder.path()).unwrap();
        assert_eq!(names(folder.path()), [".lock", ".previous/documents.jsonl", "statements/readme"]);
    }

    #[test]
    fn a_second_run_on_the_same_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = OutputFolder::prepare(folder.path()).unwrap();
        assert!(matches!(OutputFolder::prepare(folder.path()), Err(WriteError::Locked { .. })));
        drop(first);
        OutputFolder::prepare(folder.path()).unwrap();
    }

    #[test]
    fn an_abandoned_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = PartFile::create(folder.path().join("a.jsonl")).unwrap();
        file.append(b"half a li").unwrap();
        assert_eq!(names(folder.path()), ["a.jsonl.part"]);
        drop(file);
        assert!(names(folder.path()).is_empty());
    }
}
