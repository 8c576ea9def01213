//! Results of passages in a `SQLite` file of bounded size. Safe to delete while no run is going on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::Key;

/// The name of the file. Its table is `readings`. Both words are older than the rest; other names would lose existing caches.
const FILE: &str = "readings.sqlite";

/// The version of the table. A file of another version is emptied.
const SCHEMA: i64 = 1;

/// The time that another run may hold the file. Then this one goes on without an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Length in bytes of the SHA-256 prefix stored before each value: a damaged entry counts as a miss.
const CHECK: usize = 8;

/// Values by their keys, in a file.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    connection: Mutex<Connection>,
    max_bytes: u64,
    has_warned: AtomicBool,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("cannot make the folder `{}`", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("cannot use `{}`", path.display())]
    File {
        path: PathBuf,
        #[source]
        cause: rusqlite::Error,
    },
}

impl Store {
    /// Opens the file in `folder`, or creates it. It may grow to `max_bytes`.
    pub(super) fn open(folder: &Path, max_bytes: u64) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|cause| StoreError::Folder { path: folder.to_owned(), cause })?;
        let path = folder.join(FILE);
        let opened = connect(&path).or_else(|_| {
            // A damaged file is replaced: everything in it can be inferred again.
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(folder.join(format!("{FILE}{end}")));
            }
            connect(&path)
        });
        let connection = opened.map_err(|cause| StoreError::File { path: path.clone(), cause })?;
        Ok(Self { path, connection: Mutex::new(connection), max_bytes, has_warned: AtomicBool::new(false) })
    }

    /// The values of `keys`, in their order; `None` for keys that are missing and values that are damaged.
    pub(super) fn find(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        let connection = self.connection();
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            let stored = self.ok_or_warn(value(&connection, key)).flatten();
            values.push(stored.and_then(checked));
        }
        values
    }

    /// Adds `values`, and removes the oldest ones if the file is too large.
    pub(super) fn keep(&self, values: &[(Key, Arc<[u8]>)]) {
        let mut connection = self.connection();
        self.ok_or_warn(add(&mut connection, values).and_then(|()| shrink(&connection, self.max_bytes)));
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of `result`. The first error is logged.
    fn ok_or_warn<T>(&self, result: rusqlite::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                if !self.has_warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(path = %self.path.display(), %error, "the cache file failed; some passages are inferred again");
                }
                None
            }
        }
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != SCHEMA {
        connection.execute_batch(
            "DROP TABLE IF EXISTS readings;
             CREATE TABLE readings (place INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, value BLOB NOT NULL);",
        )?;
        connection.pragma_update(None, "user_version", SCHEMA)?;
    }
    Ok(connection)
}

fn value(connection: &Connection, key: &Key) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT value FROM readings WHERE key = ?")?;
    statement.query_row([key.as_slice()], |row| row.get(0)).optional()
}

fn add(connection: &mut Connection, values: &[(Key, Arc<[u8]>)]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO readings (key, value) VALUES (?, ?)")?;
        for (key, value) in values {
            let mut checked = check(value).to_vec();
            checked.extend_from_slice(value);
            statement.execute((key.as_slice(), checked))?;
        }
    }
    transaction.commit()
}

/// Removes the oldest tenth of the values if they take more than `max_bytes`. The file keeps its size, and new values fill the
/// free pages.
fn shrink(connection: &Connection, max_bytes: u64) -> rusqlite::Result<()> {
    let used_pages = number(connection, "page_count")? - number(connection, "freelist_count")?;
    let used_bytes = used_pages * number(connection, "page_size")?;
    if u64::try_from(used_bytes).unwrap_or(0) > max_bytes {
        connection.execute(
            "DELETE FROM readings WHERE place <= (SELECT min(place) + (max(place) - min(place) + 10) / 10 FROM readings)",
            (),
        )?;
    }
    Ok(())
}

/// The value of a pragma that is a number.
fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// The check of a value: the beginning of its SHA-256.
fn check(value: &[u8]) -> [u8; CHECK] {
    let mut check = [0; CHECK];
    check.copy_from_slice(&Sha256::digest(value)[..CHECK]);
    check
}

/// The value behind its check; `None` if they do not fit.
fn checked(mut value: Vec<u8>) -> Option<Vec<u8>> {
    let rest = value.split_off(CHECK.min(value.len()));
    (check(&rest) == *value).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Key {
        let mut key = Key::default();
        key[..4].copy_from_slice(&number.to_le_bytes());
        key
    }

    fn fill(store: &Store, numbers: std::ops::Range<u32>) {
        let values: Vec<(Key, Arc<[u8]>)> = numbers.map(|number| (key(number), vec![1; 500].into())).collect();
        values.chunks(50).for_each(|values| store.keep(values));
    }

    #[test]
    fn the_oldest_go_when_there_is_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 300_000).unwrap();
        fill(&store, 0..2000);
        let found: Vec<bool> =
            store.find(&(0..2000).map(key).collect::<Vec<_>>()).iter().map(Option::is_some).collect();
        assert!(!found[0] && found[1999], "the last are kept, the first are not");
        let kept = found.iter().filter(|found| **found).count();
        assert!((250..600).contains(&kept), "{kept}");
        assert!(std::fs::metadata(folder.path().join("readings.sqlite")).unwrap().len() < 600_000);
    }

    #[test]
    fn a_damaged_value_is_a_miss() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1 << 20).unwrap();
        fill(&store, 0..2);
        store
            .connection()
            .execute("UPDATE readings SET value = zeroblob(508) WHERE key = ?", [key(0).as_slice()])
            .unwrap();
        store.connection().execute("UPDATE readings SET value = x'00' WHERE key = ?", [key(1).as_slice()]).unwrap();
        assert_eq!(store.find(&[key(0), key(1), key(2)]), [None, None, None]);
    }

    #[test]
    fn a_file_that_is_not_a_database_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("readings.sqlite"), [7; 4096]).unwrap();
        let store = Store::open(folder.path(), 1 << 20).unwrap();
        fill(&store, 0..1);
        assert!(store.find(&[key(0)])[0].is_some());
    }
}
