//! What is done, in a `SQLite` file in the output folder: every document with a hash of what was read and where its statements
//! are, and every rejection. Data is safe on disk before the ledger says that it is there, so what it says is true whatever
//! happens to the process; what it does not say yet is done again.

/// What need not be done again.
mod done;
/// What can be wrong with it.
mod error;
/// Any sequence of what runs do to it.
mod model_test;
/// What it says.
mod queries;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, named_params};

pub use done::Done;
pub use error::LedgerError;

/// The ledger's name in the output folder.
pub const FILE: &str = "ledger.sqlite";

/// The version of the tables.
const VERSION: i64 = 1;

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

/// What results depend on beside their document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How they are written.
    pub layout: String,
    /// A hash of all else: tasks, models, fields.
    pub made_by: String,
}

/// A document that has been written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub document: String,
    /// The file that it was read from.
    pub source: String,
    /// Its number there; 0 for a whole file.
    pub record: u64,
    /// SHA-256 of what was read of it; none while it is being replaced.
    pub content: Option<Vec<u8>>,
    /// Where its statements are.
    pub kept: Kept,
    /// Its line in `documents.jsonl`.
    pub line: Vec<u8>,
}

/// Where a document's statements are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The file, relative to the output folder.
    pub file: String,
    /// Their first byte in it.
    pub start: u64,
    /// How many bytes they have there.
    pub length: u64,
    /// SHA-256 of these bytes.
    pub sha256: String,
}

/// How far the last shard has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardState {
    /// Its number.
    pub number: u32,
    /// Its bytes before compression.
    pub bytes: u64,
    /// Its bytes.
    pub length: u64,
}

/// The ledger of an output folder, to write into.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    path: PathBuf,
    made_by: String,
    run: i64,
}

impl Ledger {
    /// Opens the ledger in `folder` for a run on `terms`, or begins it. With `redo` documents on other terms are done again. Before
    /// it writes into what is there it lets `unseal` say that nobody relies on that any more.
    ///
    /// # Errors
    /// A damaged ledger; results of another form; results on other terms, without `redo`. Nothing has been written then.
    pub fn begin<E: From<LedgerError>>(
        folder: &Path,
        terms: &Terms,
        redo: bool,
        unseal: impl FnOnce() -> Result<(), E>,
    ) -> Result<Self, E> {
        let path = folder.join(FILE);
        if !path.exists() && folder.join("documents.jsonl").exists() {
            return Err(LedgerError::Unknown { path: folder.to_owned() }.into());
        }
        let mut ledger = Self::connect(path)?;
        ledger.check()?;
        ledger.agree(folder, terms, redo)?;
        unseal()?;
        ledger.made_by.clone_from(&terms.made_by);
        ledger.set("layout", &terms.layout)?;
        ledger.set("made_by", &terms.made_by)?;
        ledger.count_run().map_err(failed(&ledger.path))?;
        Ok(ledger)
    }

    /// Opens the ledger in `folder` as it is.
    ///
    /// # Errors
    /// None there, or a damaged one.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        let ledger = Self::resume(folder)?;
        ledger.check()?;
        Ok(ledger)
    }

    /// As [`Self::open`], where this process has checked it already: that takes time with its size.
    ///
    /// # Errors
    /// None there.
    pub(crate) fn resume(folder: &Path) -> Result<Self, LedgerError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Err(LedgerError::Missing { path: folder.to_owned() });
        }
        let mut ledger = Self::connect(path)?;
        ledger.run = ledger.setting("run")?.and_then(|run| run.parse().ok()).unwrap_or(0);
        ledger.made_by = ledger.setting("made_by")?.unwrap_or_default();
        Ok(ledger)
    }

    fn connect(path: PathBuf) -> Result<Self, LedgerError> {
        let connection = connect(&path).map_err(failed(&path))?;
        let ledger = Self { connection, path, made_by: String::new(), run: 0 };
        let version: i64 = ledger.one("PRAGMA user_version")?;
        if version == 0 && ledger.one::<i64>("SELECT count(*) FROM sqlite_schema")? == 0 {
            let begin = format!("BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;");
            ledger.connection.execute_batch(&begin).map_err(failed(&ledger.path))?;
        } else if version != VERSION {
            return Err(LedgerError::Version { path: ledger.path, found: version });
        }
        Ok(ledger)
    }

    fn check(&self) -> Result<(), LedgerError> {
        let what: String = self.one("PRAGMA quick_check(1)")?;
        if what == "ok" { Ok(()) } else { Err(LedgerError::Damaged { path: self.path.clone(), what }) }
    }

    fn agree(&self, folder: &Path, terms: &Terms, redo: bool) -> Result<(), LedgerError> {
        let Some(found) = self.setting("layout")? else { return Ok(()) };
        let path = || folder.to_owned();
        if found != terms.layout {
            return Err(LedgerError::Layout { path: path(), found, wanted: terms.layout.clone() });
        }
        let documents = self.one("SELECT count(*) FROM documents")?;
        if documents > 0 && !redo && self.setting("made_by")?.as_ref() != Some(&terms.made_by) {
            return Err(LedgerError::Redo { documents, path: path() });
        }
        Ok(())
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

    /// What is done already, for another thread.
    ///
    /// # Errors
    /// Where the file cannot be opened once more.
    pub fn done(&self) -> Result<Done, LedgerError> {
        let connection = connect(&self.path).map_err(failed(&self.path))?;
        Ok(Done { connection, path: self.path.clone(), made_by: self.made_by.clone() })
    }

    /// Says of those of `documents` that are done that they are no longer, before their files are replaced. Returns whether
    /// there were any: then it has to be committed first.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn reopen<'d>(&mut self, documents: impl Iterator<Item = &'d str>) -> Result<bool, LedgerError> {
        self.write(|connection| {
            let mut statement = connection
                .prepare_cached("UPDATE documents SET content = NULL WHERE document = ? AND content IS NOT NULL")?;
            documents
                .map(|document| statement.execute([document]))
                .try_fold(false, |any, changed| Ok(any | (changed? > 0)))
        })
    }

    /// Adds a document, or replaces it. What was rejected at its place no longer is.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn put(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let (made_by, run) = (self.made_by.clone(), self.run);
        self.write(|connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO documents (document, source, record, content, made_by, file, start, length, sha256, line)
                 VALUES (:document, :source, :record, :content, :made_by, :file, :start, :length, :sha256, :line)
                 ON CONFLICT (document) DO UPDATE SET source = :source, record = :record, content = :content, made_by = :made_by, file = :file,
                     start = :start, length = :length, sha256 = :sha256, line = :line",
            )?;
            let Entry { document, source, record, content, kept, line } = entry;
            let Kept { file, start, length, sha256 } = kept;
            statement.execute(named_params! {
                ":document": document, ":source": source, ":record": record, ":content": content, ":made_by": made_by, ":file": file,
                ":start": start, ":length": length, ":sha256": sha256, ":line": line,
            })?;
            // That the whole file changed while it was read is said by this run beside its records.
            let mut statement = connection
                .prepare_cached("DELETE FROM rejections WHERE source = ? AND record IN (?, 0) AND run < ?")?;
            statement.execute((source, record, run))
        })?;
        Ok(())
    }

    /// Adds a rejection of the record with a number (0 for a whole file) in a file, or replaces it.
    ///
    /// # Errors
    /// Where the database refuses.
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

    /// Makes safe what was put since the last time, with how far the last shard has been written.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn commit(&mut self, shard: Option<ShardState>) -> Result<(), LedgerError> {
        if let Some(ShardState { number, bytes, length }) = shard {
            self.write(|connection| {
                connection.execute("INSERT OR REPLACE INTO shards VALUES (?, ?, ?)", (number, bytes, length))
            })?;
        }
        if self.connection.is_autocommit() { Ok(()) } else { self.batch("COMMIT") }
    }

    /// Removes rejections of earlier runs in one of the files that this run has read: it would have found them again.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn forget_rejections(&mut self, source: &str) -> Result<(), LedgerError> {
        let run = self.run;
        self.write(|connection| {
            let mut statement = connection.prepare_cached("DELETE FROM rejections WHERE source = ? AND run < ?")?;
            statement.execute((source, run))
        })?;
        Ok(())
    }

    /// Removes a document, and does not take it in again. Its file, if it has one of its own, is among the leftovers then.
    ///
    /// # Errors
    /// A document that is not there.
    pub fn forget(&mut self, document: &str, has_own_file: bool) -> Result<(), LedgerError> {
        let removed = self.write(|connection| {
            if has_own_file {
                let leave = "INSERT OR IGNORE INTO leftovers SELECT file FROM documents WHERE document = ?";
                connection.execute(leave, [document])?;
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

    /// Says that the leftovers are gone.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn clear_leftovers(&mut self) -> Result<(), LedgerError> {
        self.batch("DELETE FROM leftovers")
    }

    /// Says that a shard has been rewritten: where its documents begin now, and that its file is still to be renamed.
    ///
    /// # Errors
    /// Where the database refuses.
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

    /// Says that the shard has its name.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn clear_rewritten(&mut self) -> Result<(), LedgerError> {
        self.batch("DELETE FROM settings WHERE name = 'rewritten'")
    }

    /// Notes `value` under `name`.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn set(&self, name: &str, value: &str) -> Result<(), LedgerError> {
        let set = self.connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value));
        set.map(|_| ()).map_err(failed(&self.path))
    }

    /// Begins a transaction where none is under way.
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

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    /// How long somebody who looks in may hold it.
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> LedgerError + use<> {
    let path = path.to_owned();
    move |cause| LedgerError::Sqlite { path: path.clone(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(made_by: &str) -> Terms {
        Terms { layout: "document".into(), made_by: made_by.into() }
    }

    fn begin(folder: &Path, terms: &Terms, redo: bool) -> Result<Ledger, LedgerError> {
        Ledger::begin(folder, terms, redo, || Ok(()))
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
        let see = |line: &[u8]| {
            lines.extend_from_slice(line);
            Ok::<_, LedgerError>(())
        };
        ledger.each_document_line(see).unwrap();
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn what_was_committed_is_done_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        {
            let mut ledger = begin(folder.path(), &terms("a"), false).unwrap();
            ledger.put(&an_entry("kept", 1)).unwrap();
            ledger.commit(None).unwrap();
            ledger.put(&an_entry("lost", 1)).unwrap();
        }
        let ledger = begin(folder.path(), &terms("a"), false).unwrap();
        let done = ledger.done().unwrap();
        assert!(
            done.has("kept", &[1]).unwrap() && !done.has("kept", &[2]).unwrap() && !done.has("lost", &[1]).unwrap()
        );
        assert_eq!(lines(&ledger), "kept\n");
    }

    #[test]
    fn other_terms_want_to_be_said_yes_to() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = begin(folder.path(), &terms("a"), false).unwrap();
        ledger.put(&an_entry("x", 1)).unwrap();
        ledger.commit(None).unwrap();
        drop(ledger);
        let refused = begin(folder.path(), &terms("b"), false).unwrap_err();
        assert!(matches!(refused, LedgerError::Redo { documents: 1, .. }), "{refused}");
        let ledger = begin(folder.path(), &terms("b"), true).unwrap();
        assert!(!ledger.done().unwrap().has("x", &[1]).unwrap());
        drop(ledger);
        begin(folder.path(), &terms("b"), false).unwrap();
    }

    #[test]
    fn a_document_that_is_being_replaced_is_not_done_and_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = begin(folder.path(), &terms("a"), false).unwrap();
        ledger.put(&an_entry("x", 1)).unwrap();
        ledger.put(&an_entry("y", 1)).unwrap();
        assert!(ledger.reopen(["x", "new"].into_iter()).unwrap() && !ledger.reopen(std::iter::once("new")).unwrap());
        ledger.commit(None).unwrap();
        assert!(!ledger.done().unwrap().has("x", &[1]).unwrap());
        ledger.put(&an_entry("x", 2)).unwrap();
        ledger.commit(None).unwrap();
        assert!(ledger.done().unwrap().has("x", &[2]).unwrap());
        assert_eq!(lines(&ledger), "x\ny\n");
    }

    #[test]
    fn a_rejection_of_a_whole_file_stays_beside_what_this_run_read_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = begin(folder.path(), &terms("a"), false).unwrap();
        ledger.reject("in.jsonl", 0, "changed", b"changed\n").unwrap();
        ledger.put(&an_entry("x", 1)).unwrap();
        ledger.commit(None).unwrap();
        assert_eq!(ledger.rejections().unwrap(), [("changed".to_owned(), 1)]);
        assert!(!ledger.done().unwrap().knows_elsewhere("x", "in.jsonl", 1).unwrap());
        assert!(ledger.done().unwrap().knows_elsewhere("x", "in.jsonl", 2).unwrap());
        drop(ledger);
        let mut ledger = begin(folder.path(), &terms("a"), false).unwrap();
        ledger.put(&an_entry("x", 2)).unwrap();
        ledger.commit(None).unwrap();
        assert!(ledger.rejections().unwrap().is_empty(), "the next run has read the file anew");
    }

    #[test]
    fn what_was_forgotten_stays_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = begin(folder.path(), &terms("a"), false).unwrap();
        ledger.put(&an_entry("x", 1)).unwrap();
        ledger.commit(None).unwrap();
        ledger.forget("x", true).unwrap();
        assert_eq!(
            (lines(&ledger), ledger.leftovers().unwrap()),
            (String::new(), vec!["statements/x.jsonl".to_owned()])
        );
        assert!(ledger.done().unwrap().has("x", &[9]).unwrap());
        assert!(matches!(ledger.forget("x", true), Err(LedgerError::NoDocument { .. })));
        ledger.put(&an_entry("z", 1)).unwrap();
        ledger.commit(None).unwrap();
    }

    #[test]
    fn a_torn_ledger_is_named() {
        let folder = tempfile::tempdir().unwrap();
        drop(begin(folder.path(), &terms("a"), false).unwrap());
        let path = folder.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4096..].fill(7);
        std::fs::write(&path, bytes).unwrap();
        let error = begin(folder.path(), &terms("a"), false).unwrap_err();
        assert!(matches!(error, LedgerError::Damaged { .. } | LedgerError::Sqlite { .. }), "{error}");
    }
}
