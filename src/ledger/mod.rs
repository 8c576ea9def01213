//! The record of what is done: a `SQLite` file in the output folder, with every document, the hash of its content and the position
//! of its statements, and with every rejection. Data is safe on disk before the ledger names it, so the ledger is right whenever
//! the process ends. Documents that it does not name yet are done again.

/// The documents that a run can skip.
mod done;
/// Errors.
mod error;
/// A test with random sequences of operations.
mod model_test;
/// The history of runs.
pub mod nights;
/// Queries.
mod queries;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use rusqlite::{Connection, OpenFlags, OptionalExtension, named_params};

pub use done::Done;
pub use error::LedgerError;
pub use nights::{Night, NightKind, NightSource};
pub use queries::Outline;

/// The ledger's name in the output folder.
pub const FILE: &str = "ledger.sqlite";

/// The version of the tables. Version 1 had no nights; a run adds them, and readers can do without.
const VERSION: i64 = 2;

/// The oldest version that can be read.
const OLDEST_VERSION: i64 = 1;

/// The setting with the parts of the latest fingerprint, as JSON.
const MADE_BY_PARTS: &str = "made_by_parts";

/// The setting with the part of the input, as K/N, if the folder has one part.
const PART: &str = "part";

/// The setting with a hash of the parts that were merged, or are being merged.
const MERGE: &str = "merge";

const TABLES: &str = "
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE documents (
        number INTEGER PRIMARY KEY,
        document TEXT NOT NULL UNIQUE,
        source TEXT NOT NULL,
        record INTEGER NOT NULL,
        content BLOB,
        made_by TEXT NOT NULL,
        file TEXT NOT NULL,
        start INTEGER NOT NULL,
        length INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        line BLOB NOT NULL);
    CREATE INDEX documents_by_file ON documents (file, start);
    CREATE TABLE rejections (
        number INTEGER PRIMARY KEY,
        source TEXT NOT NULL,
        record INTEGER NOT NULL,
        reason TEXT NOT NULL,
        run INTEGER NOT NULL,
        line BLOB NOT NULL,
        UNIQUE (source, record));
    CREATE TABLE shards (number INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, length INTEGER NOT NULL);
    CREATE TABLE forgotten (document TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE leftovers (file TEXT PRIMARY KEY) WITHOUT ROWID;";

/// Everything that results depend on, except their documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultKey {
    /// The layout and compression of the files.
    pub layout: String,
    /// The part of the input, if it is processed in parts.
    pub part: Option<String>,
    /// A hash of everything else: tasks, models, versions, fields.
    pub fingerprint: String,
    /// What the hash was taken of, by name, for people: it tells what has changed when the hash has.
    pub parts: IndexMap<String, String>,
}

/// A document that has been written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub document: String,
    /// The input file that it was read from.
    pub source: String,
    /// Its record number in the input file; 0 for a whole file.
    pub record: u64,
    /// The SHA-256 of its content; `None` while it is being replaced.
    pub content: Option<Vec<u8>>,
    /// The position of its statements.
    pub kept: Kept,
    /// Its line in `documents.jsonl`.
    pub line: Vec<u8>,
}

/// The position of a document's statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The file, relative to the output folder.
    pub file: String,
    /// The offset of their first byte in the file.
    pub start: u64,
    /// Their length in the file, in bytes.
    pub length: u64,
    /// SHA-256 of these bytes.
    pub sha256: String,
}

/// Documents that were done, and are about to be replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reopened {
    /// All of them.
    pub documents: u64,
    /// Those whose results come from another fingerprint.
    pub redone: u64,
}

/// The state of the last shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardState {
    /// Its number.
    pub number: u32,
    /// Its size before compression, in bytes.
    pub bytes: u64,
    /// The length of its file, in bytes.
    pub length: u64,
}

/// The ledger of an output folder, for reading and writing.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    path: PathBuf,
    fingerprint: String,
    /// The number of this run, from 1.
    run: i64,
    /// True if the run before had another fingerprint.
    is_changed: bool,
}

impl Ledger {
    /// Opens the ledger in `folder` for a run, or creates it. With `redo`, documents with another fingerprint are done again. Calls
    /// `unseal` before the first change, so that no list of checksums vouches for results that are about to change.
    ///
    /// # Errors
    /// A damaged ledger; results of another layout; results of another fingerprint, without `redo`. Nothing has been written then.
    pub fn begin<E: From<LedgerError>>(
        folder: &Path,
        key: &ResultKey,
        redo: bool,
        unseal: impl FnOnce() -> Result<(), E>,
    ) -> Result<Self, E> {
        let path = folder.join(FILE);
        if !path.exists() && folder.join("documents.jsonl").exists() {
            return Err(LedgerError::Unknown { path: folder.to_owned() }.into());
        }
        let mut ledger = Self::connect(path)?;
        ledger.check()?;
        ledger.check_key(folder, key, redo)?;
        unseal()?;
        ledger.add_nights()?;
        let is_changed = ledger.setting("made_by")?.is_some_and(|before| before != key.fingerprint);
        ledger.is_changed = is_changed && ledger.one("SELECT EXISTS (SELECT 1 FROM documents)")?;
        ledger.fingerprint.clone_from(&key.fingerprint);
        ledger.set("layout", &key.layout)?;
        if let Some(part) = &key.part {
            ledger.set(PART, part)?;
        }
        ledger.set("made_by", &key.fingerprint)?;
        ledger.set(MADE_BY_PARTS, &serde_json::to_string(&key.parts).unwrap_or_default())?;
        ledger.count_run().map_err(failed(&ledger.path))?;
        Ok(ledger)
    }

    /// True if `folder` has a ledger.
    #[must_use]
    pub fn is_there(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// Opens the ledger in `folder` and checks it.
    ///
    /// # Errors
    /// No ledger, or a damaged one.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        let ledger = Self::resume(folder)?;
        ledger.check()?;
        Ok(ledger)
    }

    /// Opens the ledger in `folder` without the check of [`Self::open`], which takes longer the larger the ledger is: for processes
    /// that have checked it already.
    ///
    /// # Errors
    /// No ledger.
    pub(crate) fn resume(folder: &Path) -> Result<Self, LedgerError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Err(LedgerError::Missing { path: folder.to_owned() });
        }
        let mut ledger = Self::connect(path)?;
        ledger.run = ledger.setting("run")?.and_then(|run| run.parse().ok()).unwrap_or(0);
        ledger.fingerprint = ledger.setting("made_by")?.unwrap_or_default();
        Ok(ledger)
    }

    /// Opens the ledger in `folder` for reading only, without a file beside it, so that many can be open. Nobody may write into it: a
    /// finished part.
    ///
    /// # Errors
    /// No ledger, or one of another version.
    pub(crate) fn open_unchanging(folder: &Path) -> Result<Self, LedgerError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Err(LedgerError::Missing { path: folder.to_owned() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(unchanging(&path), flags).map_err(failed(&path))?;
        // Many are open at once, and each is read from its beginning to its end.
        connection.pragma_update(None, "cache_size", -256).map_err(failed(&path))?;
        let mut ledger = Self { connection, path, fingerprint: String::new(), run: 0, is_changed: false };
        let version = ledger.version()?;
        if version != VERSION {
            return Err(LedgerError::Version { path: ledger.path, found: version });
        }
        ledger.fingerprint = ledger.setting("made_by")?.unwrap_or_default();
        Ok(ledger)
    }

    /// Opens the database, and creates the tables if it is empty.
    fn connect(path: PathBuf) -> Result<Self, LedgerError> {
        let connection = connect(&path).map_err(failed(&path))?;
        let ledger = Self { connection, path, fingerprint: String::new(), run: 0, is_changed: false };
        let version: i64 = ledger.one("PRAGMA user_version")?;
        if version == 0 && ledger.one::<i64>("SELECT count(*) FROM sqlite_schema")? == 0 {
            let nights = nights::TABLES;
            ledger.batch(&format!("BEGIN; {TABLES} {nights} PRAGMA user_version = {VERSION}; COMMIT;"))?;
        } else if !(OLDEST_VERSION..=VERSION).contains(&version) {
            return Err(LedgerError::Version { path: ledger.path, found: version });
        }
        Ok(ledger)
    }

    /// Checks the file for damage.
    fn check(&self) -> Result<(), LedgerError> {
        let what: String = self.one("PRAGMA quick_check(1)")?;
        if what == "ok" { Ok(()) } else { Err(LedgerError::Damaged { path: self.path.clone(), what }) }
    }

    /// Checks that a run with this key may add to the results in `folder`.
    ///
    /// # Errors
    /// Results of another layout, or without `redo` of another fingerprint.
    pub(crate) fn check_key(&self, folder: &Path, key: &ResultKey, redo: bool) -> Result<(), LedgerError> {
        let Some(found) = self.setting("layout")? else { return Ok(()) };
        self.check_part(folder, key.part.as_deref())?;
        if self.is_merging()? {
            return Err(LedgerError::Merging { path: folder.to_owned() });
        }
        if found != key.layout {
            return Err(LedgerError::Layout { path: folder.to_owned(), found, wanted: key.layout.clone() });
        }
        let documents = self.one("SELECT count(*) FROM documents")?;
        if documents > 0 && !redo && self.setting("made_by")?.as_ref() != Some(&key.fingerprint) {
            return Err(LedgerError::Redo { documents, path: folder.to_owned() });
        }
        Ok(())
    }

    /// Checks that the folder has this part of the input, or with `None` that it has no part.
    ///
    /// # Errors
    /// It has another part.
    pub(crate) fn check_part(&self, folder: &Path, wanted: Option<&str>) -> Result<(), LedgerError> {
        let found = self.setting(PART)?;
        if found.as_deref() == wanted {
            return Ok(());
        }
        Err(LedgerError::Part { path: folder.to_owned(), found, wanted: wanted.map(str::to_owned) })
    }

    /// The part of the input that the folder has, as K/N, if it has one.
    ///
    /// # Errors
    /// An error of the database.
    pub fn part(&self) -> Result<Option<String>, LedgerError> {
        self.setting(PART)
    }

    /// True if a merge has begun to write here and has not ended.
    ///
    /// # Errors
    /// An error of the database.
    pub fn is_merging(&self) -> Result<bool, LedgerError> {
        // No run can come before it has ended, so it is the only night.
        let query = "SELECT count(*) = 1 AND coalesce(max(outcome), 'failed') = 'failed' FROM nights";
        Ok(self.merge()?.is_some() && self.one(query)?)
    }

    /// A hash of the parts that were merged here, or are being merged.
    ///
    /// # Errors
    /// An error of the database.
    pub(crate) fn merge(&self) -> Result<Option<String>, LedgerError> {
        self.setting(MERGE)
    }

    /// Records, and commits, that the parts with the hash `parts` are being merged here, by a run that `night` describes.
    ///
    /// # Errors
    /// An error of the database.
    pub(crate) fn begin_merge(&mut self, parts: &str, night: &Night) -> Result<(), LedgerError> {
        self.add_night(night)?;
        self.set(MERGE, parts)?;
        self.commit(None)
    }

    fn count_run(&mut self) -> rusqlite::Result<()> {
        self.run = self.connection.query_row(
            "INSERT INTO settings VALUES ('run', 1) ON CONFLICT DO UPDATE SET value = value + 1
             RETURNING CAST(value AS INTEGER)",
            (),
            |row| row.get(0),
        )?;
        Ok(())
    }

    /// The number of the run that this ledger was opened for, from 1.
    #[must_use]
    pub fn run(&self) -> u32 {
        u32::try_from(self.run).unwrap_or(u32::MAX)
    }

    /// The fingerprint of the run.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// True if the run before had another fingerprint, so that this one does documents again.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// What the latest results come from, by name; `None` if an earlier version of pressrun wrote them, which did not say.
    ///
    /// # Errors
    /// An error of the database.
    pub fn parts(&self) -> Result<Option<IndexMap<String, String>>, LedgerError> {
        Ok(self.setting(MADE_BY_PARTS)?.and_then(|parts| serde_json::from_str(&parts).ok()))
    }

    /// As [`Self::done`], for a run with another fingerprint than the latest one had.
    ///
    /// # Errors
    /// As [`Self::done`].
    pub(crate) fn done_with(&self, fingerprint: &str) -> Result<Done, LedgerError> {
        Ok(Done { fingerprint: fingerprint.to_owned(), ..self.done()? })
    }

    /// A view of the documents that are done, for another thread.
    ///
    /// # Errors
    /// The file cannot be opened a second time.
    pub fn done(&self) -> Result<Done, LedgerError> {
        let connection = connect(&self.path).map_err(failed(&self.path))?;
        Ok(Done { connection, path: self.path.clone(), fingerprint: self.fingerprint.clone() })
    }

    /// Marks those of `documents` that are done as not done, before their files are replaced, and returns their number. If there are any,
    /// the change has to be committed before the files are touched.
    ///
    /// # Errors
    /// An error of the database.
    pub fn reopen<'d>(&mut self, documents: impl Iterator<Item = &'d str>) -> Result<Reopened, LedgerError> {
        let fingerprint = self.fingerprint.clone();
        self.write(|connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE documents SET content = NULL WHERE document = ? AND content IS NOT NULL RETURNING made_by <> ?",
            )?;
            let mut reopened = Reopened::default();
            for document in documents {
                let is_redone =
                    statement.query_row((document, &fingerprint), |row| row.get::<_, bool>(0)).optional()?;
                reopened.documents += u64::from(is_redone.is_some());
                reopened.redone += u64::from(is_redone == Some(true));
            }
            Ok(reopened)
        })
    }

    /// Adds a document, or replaces it. Removes the rejection of its record by an earlier run, if there is one.
    ///
    /// # Errors
    /// An error of the database.
    pub fn add(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let fingerprint = self.fingerprint.clone();
        let run = self.run;
        self.write(|connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO documents (document, source, record, content, made_by, file, start, length, sha256, line, night)
                 VALUES (:document, :source, :record, :content, :made_by, :file, :start, :length, :sha256, :line, :night)
                 ON CONFLICT (document) DO UPDATE SET source = :source, record = :record, content = :content, made_by = :made_by, file = :file,
                     start = :start, length = :length, sha256 = :sha256, line = :line, night = :night",
            )?;
            let Entry { document, source, record, content, kept, line } = entry;
            let Kept { file, start, length, sha256 } = kept;
            statement.execute(named_params! {
                ":document": document, ":source": source, ":record": record, ":content": content, ":made_by": fingerprint, ":file": file,
                ":start": start, ":length": length, ":sha256": sha256, ":line": line, ":night": run,
            })?;
            // Record 0 is the whole file. A rejection by this run stays, as that of a file that changed while its records were read.
            let mut statement = connection
                .prepare_cached("DELETE FROM rejections WHERE source = ? AND record IN (?, 0) AND run < ?")?;
            statement.execute((source, record, run))
        })?;
        Ok(())
    }

    /// Adds the rejection of a record (0 for the whole file) of an input file, or replaces it.
    ///
    /// # Errors
    /// An error of the database.
    pub fn reject(&mut self, source: &str, record: u64, reason: &str, line: &[u8]) -> Result<(), LedgerError> {
        let run = self.run;
        self.write(|connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO rejections (source, record, reason, run, line) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (source, record) DO UPDATE SET reason = ?3, run = ?4, line = ?5",
            )?;
            statement.execute((source, record, reason, run, line))
        })?;
        Ok(())
    }

    /// Commits all changes since the last commit, with the state of the last shard, if there are shards.
    ///
    /// # Errors
    /// An error of the database.
    pub fn commit(&mut self, shard: Option<ShardState>) -> Result<(), LedgerError> {
        if let Some(ShardState { number, bytes, length }) = shard {
            self.write(|connection| {
                connection.execute("INSERT OR REPLACE INTO shards VALUES (?, ?, ?)", (number, bytes, length))
            })?;
        }
        if self.connection.is_autocommit() { Ok(()) } else { self.batch("COMMIT") }
    }

    /// Removes the rejections by earlier runs in an input file that this run has read whole: those that still hold were found again.
    ///
    /// # Errors
    /// An error of the database.
    pub fn forget_rejections(&mut self, source: &str) -> Result<(), LedgerError> {
        let run = self.run;
        self.write(|connection| {
            let mut statement = connection.prepare_cached("DELETE FROM rejections WHERE source = ? AND run < ?")?;
            statement.execute((source, run))
        })?;
        Ok(())
    }

    /// Removes a document permanently, and commits: later runs skip it. With `has_own_file`, its statement file becomes one of the
    /// leftovers.
    ///
    /// # Errors
    /// A document that is not in the ledger. Changes that were not committed are lost then.
    pub fn forget(&mut self, document: &str, has_own_file: bool) -> Result<(), LedgerError> {
        let removed = self.write(|connection| {
            if has_own_file {
                connection.execute(
                    "INSERT OR IGNORE INTO leftovers SELECT file FROM documents WHERE document = ?",
                    [document],
                )?;
            }
            connection.execute("INSERT OR IGNORE INTO forgotten VALUES (?)", [document])?;
            connection.execute("DELETE FROM documents WHERE document = ?", [document])
        })?;
        if removed == 0 {
            self.batch("ROLLBACK")?;
            let path = self.path.parent().unwrap_or(Path::new("")).to_owned();
            return Err(LedgerError::NoDocument { document: document.to_owned(), path });
        }
        self.batch("COMMIT")
    }

    /// Empties the list of leftovers, after their files were removed.
    ///
    /// # Errors
    /// An error of the database.
    pub fn clear_leftovers(&mut self) -> Result<(), LedgerError> {
        self.batch("DELETE FROM leftovers")
    }

    /// Records, and commits, that a shard was rewritten: the new offsets of its documents, and that its file is still to be renamed.
    ///
    /// # Errors
    /// An error of the database.
    pub fn move_documents(&mut self, number: u32, file: &str, starts: &[(String, u64)]) -> Result<(), LedgerError> {
        self.write(|connection| {
            for (document, start) in starts {
                connection
                    .prepare_cached("UPDATE documents SET start = ? WHERE document = ?")?
                    .execute((start, document))?;
            }
            let length = "(SELECT coalesce(sum(length), 0) FROM documents WHERE file = ?2)";
            connection.execute(&format!("UPDATE shards SET length = {length} WHERE number = ?1"), (number, file))?;
            connection.execute("INSERT OR REPLACE INTO settings VALUES ('rewritten', ?)", [file])
        })?;
        self.batch("COMMIT")
    }

    /// Records that the rewritten shard has its name.
    ///
    /// # Errors
    /// An error of the database.
    pub fn clear_rewritten(&mut self) -> Result<(), LedgerError> {
        self.batch("DELETE FROM settings WHERE name = 'rewritten'")
    }

    /// Sets `name` to `value`.
    ///
    /// # Errors
    /// An error of the database.
    pub fn set(&self, name: &str, value: &str) -> Result<(), LedgerError> {
        self.connection
            .execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
            .map_err(failed(&self.path))?;
        Ok(())
    }

    /// Removes the value of `name`.
    ///
    /// # Errors
    /// An error of the database.
    pub(crate) fn unset(&self, name: &str) -> Result<(), LedgerError> {
        self.connection.execute("DELETE FROM settings WHERE name = ?", [name]).map_err(failed(&self.path))?;
        Ok(())
    }

    /// Does `work` in the open transaction, or begins one.
    fn write<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        if self.connection.is_autocommit() {
            self.batch("BEGIN IMMEDIATE")?;
        }
        work(&self.connection).map_err(failed(&self.path))
    }

    fn batch(&self, commands: &str) -> Result<(), LedgerError> {
        self.connection.execute_batch(commands).map_err(failed(&self.path))
    }
}

/// The address of a database that nobody changes.
fn unchanging(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => address.push_str("%25"),
            '?' => address.push_str("%3f"),
            '#' => address.push_str("%23"),
            other => address.push(other),
        }
    }
    address.push_str("?immutable=1");
    address
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    /// The time that another process may hold the file.
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // Documents that were changed or forgotten leave no word behind.
    connection.pragma_update(None, "secure_delete", "on")?;
    Ok(connection)
}

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> LedgerError + use<> {
    let path = path.to_owned();
    move |cause| LedgerError::Sqlite { path: path.clone(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result_key(fingerprint: &str) -> ResultKey {
        ResultKey { layout: "document".into(), part: None, fingerprint: fingerprint.into(), parts: IndexMap::new() }
    }

    fn begin(folder: &Path, key: &ResultKey, redo: bool) -> Result<Ledger, LedgerError> {
        Ledger::begin(folder, key, redo, || Ok(()))
    }

    fn an_entry(document: &str, content: u8) -> Entry {
        Entry {
            document: document.into(),
            source: "in.jsonl".into(),
            record: 1,
            content: Some(vec![content]),
            kept: Kept { file: format!("statements/{document}.jsonl"), start: 0, length: 7, sha256: "0".into() },
            line: format!("{document}\n").into(),
        }
    }

    fn lines(ledger: &Ledger) -> String {
        let mut lines = Vec::new();
        ledger
            .each_document_line(|line| {
                lines.extend_from_slice(line);
                Ok::<_, LedgerError>(())
            })
            .unwrap();
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn committed_documents_are_done_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        {
            let mut ledger = begin(folder.path(), &result_key("a"), false).unwrap();
            ledger.add(&an_entry("kept", 1)).unwrap();
            ledger.commit(None).unwrap();
            ledger.add(&an_entry("lost", 1)).unwrap();
        }
        let ledger = begin(folder.path(), &result_key("a"), false).unwrap();
        let done = ledger.done().unwrap();
        assert!(
            done.has("kept", &[1]).unwrap() && !done.has("kept", &[2]).unwrap() && !done.has("lost", &[1]).unwrap()
        );
        assert_eq!(lines(&ledger), "kept\n");
    }

    #[test]
    fn results_of_another_fingerprint_need_redo() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = begin(folder.path(), &result_key("a"), false).unwrap();
        ledger.add(&an_entry("x", 1)).unwrap();
        ledger.commit(None).unwrap();
        drop(ledger);
        let refused = begin(folder.path(), &result_key("b"), false).unwrap_err();
        assert!(matches!(refused, LedgerError::Redo { documents: 1, .. }), "{refused}");
        let ledger = begin(folder.path(), &result_key("b"), true).unwrap();
        assert!(!ledger.done().unwrap().has("x", &[1]).unwrap());
        drop(ledger);
        begin(folder.path(), &result_key("b"), false).unwrap();
    }

    #[test]
    fn a_folder_has_one_part_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let of_part = |part: &str| ResultKey { part: Some(part.to_owned()), ..result_key("a") };
        drop(begin(folder.path(), &of_part("3/40"), false).unwrap());
        drop(begin(folder.path(), &of_part("3/40"), false).unwrap());
        for (key, wanted) in
            [(of_part("3/41"), "part 3/41"), (of_part("4/40"), "part 4/40"), (result_key("a"), "no part")]
        {
            let message = begin(folder.path(), &key, true).unwrap_err().to_string();
            assert!(message.contains("part 3/40") && message.contains(wanted), "{message}");
        }
        let whole = tempfile::tempdir().unwrap();
        drop(begin(whole.path(), &result_key("a"), false).unwrap());
        let message = begin(whole.path(), &of_part("0/2"), false).unwrap_err().to_string();
        assert!(message.contains("results without parts"), "{message}");
    }

    #[test]
    fn nothing_is_added_to_a_merge_that_has_not_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = begin(folder.path(), &result_key("a"), false).unwrap();
        ledger.begin_merge("parts", &Night { night: 1, ..Night::default() }).unwrap();
        let refused = begin(folder.path(), &result_key("a"), false).unwrap_err();
        assert!(matches!(refused, LedgerError::Merging { .. }), "{refused}");
        ledger.add_night(&Night { night: 1, outcome: Some("complete".to_owned()), ..Night::default() }).unwrap();
        ledger.commit(None).unwrap();
        begin(folder.path(), &result_key("a"), false).unwrap();
    }

    #[test]
    fn a_ledger_that_nobody_changes_is_read_without_files_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("50% of #1?");
        std::fs::create_dir(&odd).unwrap();
        let mut ledger = begin(&odd, &result_key("a"), false).unwrap();
        ledger.add(&an_entry("x", 1)).unwrap();
        ledger.reject("in.jsonl", 2, "empty", b"line\n").unwrap();
        ledger.commit(None).unwrap();
        drop(ledger);
        let ledger = Ledger::open_unchanging(&odd).unwrap();
        assert_eq!(ledger.current_entry("x", &[1]).unwrap(), Some(an_entry("x", 1)));
        assert_eq!(ledger.current_entry("x", &[2]).unwrap(), None);
        assert!(ledger.has_rejection("in.jsonl", 2).unwrap() && !ledger.has_rejection("in.jsonl", 1).unwrap());
        assert_eq!(std::fs::read_dir(&odd).unwrap().count(), 1);
    }

    #[test]
    fn a_document_that_is_being_replaced_is_not_done_and_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = begin(folder.path(), &result_key("a"), false).unwrap();
        ledger.add(&an_entry("x", 1)).unwrap();
        ledger.add(&an_entry("y", 1)).unwrap();
        let reopened = ledger.reopen(["x", "new"].into_iter()).unwrap();
        assert_eq!(reopened, Reopened { documents: 1, redone: 0 });
        assert_eq!(ledger.reopen(std::iter::once("new")).unwrap(), Reopened::default());
        ledger.commit(None).unwrap();
        assert!(!ledger.done().unwrap().has("x", &[1]).unwrap());
        ledger.add(&an_entry("x", 2)).unwrap();
        ledger.commit(None).unwrap();
        assert!(ledger.done().unwrap().has("x", &[2]).unwrap());
        assert_eq!(lines(&ledger), "x\ny\n");
    }

    #[test]
    fn a_rejection_of_a_whole_file_stays_beside_what_this_run_read_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = begin(folder.path(), &result_key("a"), false).unwrap();
        ledger.reject("in.jsonl", 0, "changed", b"changed\n").unwrap();
        ledger.add(&an_entry("x", 1)).unwrap();
        ledger.commit(None).unwrap();
        assert_eq!(ledger.rejections().unwrap(), [("changed".to_owned(), 1)]);
        assert!(!ledger.done().unwrap().knows_elsewhere("x", "in.jsonl", 1).unwrap());
        assert!(ledger.done().unwrap().knows_elsewhere("x", "in.jsonl", 2).unwrap());
        drop(ledger);
        let mut ledger = begin(folder.path(), &result_key("a"), false).unwrap();
        ledger.add(&an_entry("x", 2)).unwrap();
        ledger.commit(None).unwrap();
        assert!(ledger.rejections().unwrap().is_empty(), "the next run has read the file again");
    }

    #[test]
    fn a_forgotten_document_stays_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = begin(folder.path(), &result_key("a"), false).unwrap();
        ledger.add(&an_entry("x", 1)).unwrap();
        ledger.commit(None).unwrap();
        ledger.forget("x", true).unwrap();
        assert_eq!(
            (lines(&ledger), ledger.leftovers().unwrap()),
            (String::new(), vec!["statements/x.jsonl".to_owned()])
        );
        assert!(ledger.done().unwrap().has("x", &[9]).unwrap());
        assert!(matches!(ledger.forget("x", true), Err(LedgerError::NoDocument { .. })));
        ledger.add(&an_entry("z", 1)).unwrap();
        ledger.commit(None).unwrap();
    }

    #[test]
    fn a_torn_ledger_is_named() {
        let folder = tempfile::tempdir().unwrap();
        drop(begin(folder.path(), &result_key("a"), false).unwrap());
        let path = folder.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4096..].fill(7);
        std::fs::write(&path, bytes).unwrap();
        let error = begin(folder.path(), &result_key("a"), false).unwrap_err();
        assert!(matches!(error, LedgerError::Damaged { .. } | LedgerError::Sqlite { .. }), "{error}");
    }
}
