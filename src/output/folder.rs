//! The output folder: one run at a time, and nothing half-written under a final name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::WriteError;

/// The folder of statement files in the layout `document`.
const STATEMENTS: &str = "statements";

/// A folder that this process alone writes into.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    /// The lock, held until the run ends. The system releases it however the process ends.
    _lock: File,
}

impl OutputFolder {
    /// Creates the folder if need be, locks it, and removes files that are incomplete.
    ///
    /// # Errors
    /// A folder that cannot be created or written, or that another process is writing.
    pub fn prepare(path: &Path) -> Result<Self, WriteError> {
        fs::create_dir_all(path).map_err(failed(path))?;
        let mut lock = lock(path)?;
        lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id())).map_err(failed(path))?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        for name in ["documents.jsonl", "rejected.jsonl", "run.json", "admissions.zst"] {
            remove(&part_of(&path.join(name)))?;
        }
        remove_parts(&path.join(STATEMENTS))?;
        Ok(folder)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that appears under its name completely or not at all.
    ///
    /// # Errors
    /// An error of the system.
    pub fn write_whole(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        write_whole(self.path.join(name), content)
    }

    /// The folder of statement files, made if need be.
    pub(super) fn statements(&self) -> Result<PathBuf, WriteError> {
        let path = self.path.join(STATEMENTS);
        fs::create_dir_all(&path).map_err(failed(&path))?;
        Ok(path)
    }
}

/// Writes a file that appears under its name completely or not at all.
///
/// # Errors
/// An error of the system.
pub fn write_whole(path: PathBuf, content: &[u8]) -> Result<(), WriteError> {
    let mut file = PartFile::create(path)?;
    file.append(content)?;
    file.finish()
}

/// The id of the process holding the lock of a folder, if any.
///
/// # Errors
/// An error of the system.
pub fn writer(folder: &Path) -> Result<Option<String>, WriteError> {
    match lock(folder) {
        Ok(_) => Ok(None),
        Err(WriteError::Locked { process, .. }) => Ok(Some(process)),
        Err(error) => Err(error),
    }
}

/// A file that bears the ending `.part` until it is complete.
#[derive(Debug)]
pub(crate) struct PartFile {
    path: PathBuf,
    part: PathBuf,
    writer: BufWriter<File>,
}

impl PartFile {
    pub(crate) fn create(path: PathBuf) -> Result<Self, WriteError> {
        let part = part_of(&path);
        step();
        let file = File::create(&part).map_err(failed(&part))?;
        Ok(Self { path, part, writer: BufWriter::new(file) })
    }

    /// Continues a file after its first `length` bytes: the incomplete file, or a copy of the one under the final name.
    pub(super) fn resume(path: PathBuf, length: u64) -> Result<Self, WriteError> {
        let part = part_of(&path);
        // An incomplete file beside one that is long enough is an incomplete copy of it.
        if fs::metadata(&path).is_ok_and(|file| file.len() >= length) {
            step();
            fs::copy(&path, &part).map_err(failed(&part))?;
        }
        step();
        let mut file = OpenOptions::new().write(true).open(&part).map_err(failed(&part))?;
        file.set_len(length).and_then(|()| file.seek(std::io::SeekFrom::End(0))).map_err(failed(&part))?;
        Ok(Self { path, part, writer: BufWriter::new(file) })
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        if is_step() {
            // A process may also end in the middle of a write.
            let _ = self.writer.write_all(&bytes[..bytes.len() / 2]).and_then(|()| self.writer.flush());
            std::process::abort();
        }
        self.writer.write_all(bytes).map_err(failed(&self.part))
    }

    /// Syncs the file to disk, then gives it its name.
    pub(crate) fn finish(&mut self) -> Result<(), WriteError> {
        self.sync()?;
        self.rename()?;
        sync_folder(&self.path)
    }

    /// Syncs the file to disk.
    pub(crate) fn sync(&mut self) -> Result<(), WriteError> {
        step();
        self.writer.flush().and_then(|()| self.writer.get_ref().sync_all()).map_err(failed(&self.part))
    }

    fn rename(&self) -> Result<(), WriteError> {
        step();
        fs::rename(&self.part, &self.path).map_err(failed(&self.path))
    }
}

/// Writes a file completely, but does not sync the folder: the caller does that once for many files.
pub(super) fn write_one_of_many(path: PathBuf, content: &[u8]) -> Result<(), WriteError> {
    let mut file = PartFile::create(path)?;
    file.append(content)?;
    file.sync()?;
    file.rename()
}

/// Syncs the folder of `path` to disk.
pub(crate) fn sync_folder(path: &Path) -> Result<(), WriteError> {
    step();
    // Only Unix lets a folder be opened and synced.
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        // A path without a folder is in the current one.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))?;
    }
    Ok(())
}

pub(crate) fn failed(path: &Path) -> impl Fn(std::io::Error) -> WriteError + use<> {
    let path = path.to_owned();
    move |cause| WriteError::Io { path: path.clone(), cause }
}

/// The path of a file while it is incomplete.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// Removes a file, if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), WriteError> {
    step();
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => Ok(()),
    }
}

fn remove_parts(folder: &Path) -> Result<(), WriteError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(failed(folder))?.path();
        if path.extension().is_some_and(|ending| ending == "part") {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Locks the folder. The holder of the lock has written its process id into the lock file.
fn lock(folder: &Path) -> Result<File, WriteError> {
    let path = folder.join(".lock");
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = open.map_err(failed(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            file.read_to_string(&mut process).map_err(failed(&path))?;
            Err(WriteError::Locked { path: folder.to_owned(), process })
        }
        Err(TryLockError::Error(cause)) => Err(failed(&path)(cause)),
    }
}

/// Ends the process before a file operation, if a test asks for that. See `deadline::faults` for fail points.
pub(crate) fn step() {
    if is_step() {
        std::process::abort();
    }
}

/// True if a test asks for the end of the process. `FAILPOINTS='file-operation=4*off->return'` ends it before the fifth file operation.
fn is_step() -> bool {
    fail::fail_point!("file-operation", |_| true);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_half_written_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for file in
            ["documents.jsonl", "documents.jsonl.part", "statements/b.jsonl", "statements/c.jsonl.part", "notes.md"]
        {
            fs::create_dir_all(folder.path().join("statements")).unwrap();
            fs::write(folder.path().join(file), "x").unwrap();
        }
        let _output = OutputFolder::prepare(folder.path()).unwrap();
        let left = ["documents.jsonl", "statements/b.jsonl", "notes.md"].map(|file| folder.path().join(file).exists());
        assert_eq!(left, [true; 3]);
        assert!(
            !folder.path().join("documents.jsonl.part").exists()
                && !folder.path().join("statements/c.jsonl.part").exists()
        );
    }

    #[test]
    fn a_second_run_on_the_same_folder_is_refused_with_the_first_s_number() {
        let folder = tempfile::tempdir().unwrap();
        let first = OutputFolder::prepare(folder.path()).unwrap();
        let refused = OutputFolder::prepare(folder.path()).unwrap_err();
        assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
        assert_eq!(writer(folder.path()).unwrap(), Some(std::process::id().to_string()));
        drop(first);
        assert_eq!(writer(folder.path()).unwrap(), None);
        OutputFolder::prepare(folder.path()).unwrap();
    }

    #[test]
    fn a_file_goes_on_where_it_was_safe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let resumed = |length| {
            let mut file = PartFile::resume(path.clone(), length).unwrap();
            file.append(b"new").unwrap();
            file.finish().unwrap();
            fs::read_to_string(&path).unwrap()
        };
        fs::write(part_of(&path), "safe, torn").unwrap();
        assert_eq!(resumed(5), "safe,new", "its part");
        fs::write(part_of(&path), "sa").unwrap();
        assert_eq!(resumed(8), "safe,newnew", "a copy that was broken off is made again");
    }
}
