//! Queries of a ledger. They do not change it.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row};

use super::{Entry, Kept, Ledger, LedgerError, ShardState, VERSION, failed};

/// The columns of an [`Entry`].
const COLUMNS: &str = "document, source, record, content, file, start, length, sha256, line";

/// A document in short: what decides which tables it changes.
#[derive(Debug, Clone, Copy)]
pub struct Outline<'l> {
    /// Its number, which it keeps when it is replaced.
    pub number: i64,
    /// Its id.
    pub document: &'l str,
    /// SHA-256 of its statements, as they are in their file.
    pub sha256: &'l str,
    /// Its line in `documents.jsonl`.
    pub line: &'l [u8],
    /// The fingerprint of its results: documents with the same one have the same fields.
    pub fingerprint: &'l str,
    /// The night in which it was written, if that is known.
    pub night: Option<u32>,
}

impl Ledger {
    /// The state of the last shard at the last commit, if there are shards.
    ///
    /// # Errors
    /// An error of the database.
    pub fn last_shard(&self) -> Result<Option<ShardState>, LedgerError> {
        let query = "SELECT number, bytes, length FROM shards ORDER BY number DESC LIMIT 1";
        self.query(|connection| {
            connection
                .query_row(query, (), |row| {
                    Ok(ShardState { number: row.get(0)?, bytes: row.get(1)?, length: row.get(2)? })
                })
                .optional()
        })
    }

    /// True if there are rejections of earlier runs.
    ///
    /// # Errors
    /// An error of the database.
    pub fn has_old_rejections(&self) -> Result<bool, LedgerError> {
        let query = "SELECT EXISTS (SELECT 1 FROM rejections WHERE run < ?)";
        self.query(|connection| connection.query_row(query, [self.run], |row| row.get(0)))
    }

    /// True if a document was removed permanently.
    ///
    /// # Errors
    /// An error of the database.
    pub(crate) fn has_forgotten_any(&self) -> Result<bool, LedgerError> {
        self.one("SELECT EXISTS (SELECT 1 FROM forgotten)")
    }

    /// The files of removed documents that are still to be removed.
    ///
    /// # Errors
    /// An error of the database.
    pub fn leftovers(&self) -> Result<Vec<String>, LedgerError> {
        let mut files = Vec::new();
        self.each("SELECT file FROM leftovers", |row| {
            files.push(row.get(0)?);
            Ok(())
        })?;
        Ok(files)
    }

    /// Calls `visit` with every line of `documents.jsonl`, in the order in which the documents were first added.
    ///
    /// # Errors
    /// An error of the database or of `visit`.
    pub fn each_document_line<E: From<LedgerError>>(&self, visit: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.each_line("SELECT line FROM documents ORDER BY number", visit)
    }

    /// Calls `visit` with the line of every document that was written in a night, in the order in which the documents were first added.
    /// Documents from before there were nights are those of the first one.
    ///
    /// # Errors
    /// An error of the database or of `visit`.
    pub fn each_document_line_of<E: From<LedgerError>>(
        &self,
        night: u32,
        visit: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.version()? < VERSION {
            return self.each_document_line(visit);
        }
        // The number of a night is no text that could change the query.
        let is_older = format!("night IS NULL AND {night} = (SELECT min(night) FROM nights)");
        self.each_line(
            &format!("SELECT line FROM documents WHERE night = {night} OR {is_older} ORDER BY number"),
            visit,
        )
    }

    /// Calls `visit` with every line of `rejected.jsonl`, by input file and record number.
    ///
    /// # Errors
    /// An error of the database or of `visit`.
    pub fn each_rejection_line<E: From<LedgerError>>(
        &self,
        visit: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_line("SELECT line FROM rejections ORDER BY source, record", visit)
    }

    /// Calls `visit` with every document, by statement file and position in it.
    ///
    /// # Errors
    /// An error of the database or of `visit`.
    pub fn each_entry<E: From<LedgerError>>(&self, mut visit: impl FnMut(Entry) -> Result<(), E>) -> Result<(), E> {
        let mut outcome = Ok(());
        let query = format!("SELECT {COLUMNS} FROM documents ORDER BY file, start");
        self.each(&query, |row| {
            if outcome.is_ok() {
                outcome = visit(entry(row)?);
            }
            Ok(())
        })?;
        outcome
    }

    /// Calls `visit` with what decides which tables a document changes, in the order in which documents were first added.
    ///
    /// # Errors
    /// An error of the database or of `visit`.
    pub fn each_outline<E: From<LedgerError>>(
        &self,
        mut visit: impl FnMut(Outline<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        let night = self.night_column()?;
        let query = format!("SELECT number, document, sha256, line, made_by, {night} FROM documents ORDER BY number");
        self.each(&query, |row| {
            if outcome.is_ok() {
                outcome = visit(Outline {
                    number: row.get(0)?,
                    document: row.get_ref(1)?.as_str()?,
                    sha256: row.get_ref(2)?.as_str()?,
                    line: row.get_ref(3)?.as_blob()?,
                    fingerprint: row.get_ref(4)?.as_str()?,
                    night: row.get(5)?,
                });
            }
            Ok(())
        })?;
        outcome
    }

    /// The document with this number, and the night in which it was written, if that is known.
    ///
    /// # Errors
    /// An error of the database, also if there is no such document.
    pub fn entry_with_number(&self, number: i64) -> Result<(Entry, Option<u32>), LedgerError> {
        let night = self.night_column()?;
        let query = format!("SELECT {COLUMNS}, {night} FROM documents WHERE number = ?");
        self.query(|connection| {
            connection.prepare_cached(&query)?.query_row([number], |row| Ok((entry(row)?, row.get(9)?)))
        })
    }

    /// The document with this id, if it is done.
    ///
    /// # Errors
    /// An error of the database.
    pub fn entry(&self, document: &str) -> Result<Option<Entry>, LedgerError> {
        let query = format!("SELECT {COLUMNS} FROM documents WHERE document = ?");
        self.query(|connection| connection.prepare_cached(&query)?.query_row([document], entry).optional())
    }

    /// The document with this id and content, if it is done with the latest fingerprint.
    ///
    /// # Errors
    /// An error of the database.
    pub(crate) fn current_entry(&self, document: &str, content: &[u8]) -> Result<Option<Entry>, LedgerError> {
        let query = format!("SELECT {COLUMNS} FROM documents WHERE document = ? AND content = ? AND made_by = ?");
        self.query(|connection| {
            let mut statement = connection.prepare_cached(&query)?;
            statement.query_row((document, content, &self.fingerprint), entry).optional()
        })
    }

    /// True if a record (0 for the whole file) of an input file is rejected.
    ///
    /// # Errors
    /// An error of the database.
    pub(crate) fn has_rejection(&self, source: &str, record: u64) -> Result<bool, LedgerError> {
        let query = "SELECT EXISTS (SELECT 1 FROM rejections WHERE source = ? AND record = ?)";
        self.query(|connection| connection.prepare_cached(query)?.query_row((source, record), |row| row.get(0)))
    }

    /// Calls `visit` with every rejection: its file, its record number, its reason and its line.
    ///
    /// # Errors
    /// An error of the database or of `visit`.
    pub(crate) fn each_rejection<E: From<LedgerError>>(
        &self,
        mut visit: impl FnMut(&str, u64, &str, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        self.each("SELECT source, record, reason, line FROM rejections ORDER BY source, record", |row| {
            if outcome.is_ok() {
                let reason = row.get_ref(2)?.as_str()?;
                outcome = visit(row.get_ref(0)?.as_str()?, row.get(1)?, reason, row.get_ref(3)?.as_blob()?);
            }
            Ok(())
        })?;
        outcome
    }

    /// The column with the night of a document; ledgers of the first version have none.
    fn night_column(&self) -> Result<&'static str, LedgerError> {
        Ok(if self.version()? == VERSION { "night" } else { "NULL" })
    }

    /// The ids of the documents of one statement file and the positions of their statements, in the order of the file.
    ///
    /// # Errors
    /// An error of the database.
    pub fn entries_of(&self, file: &str) -> Result<Vec<(String, Kept)>, LedgerError> {
        self.query(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT document, file, start, length, sha256 FROM documents WHERE file = ? ORDER BY start",
            )?;
            statement.query_map([file], |row| Ok((row.get(0)?, kept(row, 1)?)))?.collect()
        })
    }

    /// The number of bytes of a statement file that belong to documents.
    ///
    /// # Errors
    /// An error of the database.
    pub fn bytes_in_use(&self, file: &str) -> Result<u64, LedgerError> {
        let query = "SELECT coalesce(sum(length), 0) FROM documents WHERE file = ?";
        self.query(|connection| connection.query_row(query, [file], |row| row.get(0)))
    }

    /// The bytes of the statements of all documents, and those of the texts of these documents; `None` without documents.
    ///
    /// # Errors
    /// An error of the database.
    pub fn result_bytes(&self) -> Result<Option<(u64, u64)>, LedgerError> {
        let query =
            "SELECT sum(length), sum(json_extract(CAST(line AS TEXT), '$.bytes')) FROM documents HAVING count(*) > 0";
        self.query(|connection| connection.query_row(query, (), |row| Ok((row.get(0)?, row.get(1)?))).optional())
    }

    /// The name of a shard that was rewritten, and may still have to be renamed.
    ///
    /// # Errors
    /// An error of the database.
    pub fn rewritten(&self) -> Result<Option<String>, LedgerError> {
        self.setting("rewritten")
    }

    /// A sample of at most so many documents. They are chosen by the hashes of their statements, so the sample is as good as random
    /// and always the same.
    ///
    /// # Errors
    /// An error of the database.
    pub fn sample(&self, documents: u64) -> Result<Vec<Entry>, LedgerError> {
        let query = format!("SELECT {COLUMNS} FROM documents WHERE content IS NOT NULL ORDER BY sha256 LIMIT ?");
        self.query(|connection| connection.prepare(&query)?.query_map([documents], entry)?.collect())
    }

    /// A sample of at most so many documents, chosen by the hashes of their texts and metadata: it stays the same whatever their results are.
    ///
    /// # Errors
    /// An error of the database.
    pub fn sample_by_content(&self, documents: u64) -> Result<Vec<Entry>, LedgerError> {
        let query =
            format!("SELECT {COLUMNS} FROM documents WHERE content IS NOT NULL ORDER BY content, document LIMIT ?");
        self.query(|connection| connection.prepare(&query)?.query_map([documents], entry)?.collect())
    }

    /// The file and record number of each rejected input, for one reason or all of them.
    ///
    /// # Errors
    /// An error of the database.
    pub fn rejected_places(&self, reason: Option<&str>) -> Result<HashSet<(String, u64)>, LedgerError> {
        let query = "SELECT source, record FROM rejections WHERE ?1 IS NULL OR reason = ?1";
        self.query(|connection| {
            connection.prepare(query)?.query_map([reason], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// The number of documents, and the number of those that are being replaced.
    ///
    /// # Errors
    /// An error of the database.
    pub fn counts(&self) -> Result<(u64, u64), LedgerError> {
        Ok((
            self.one("SELECT count(*) FROM documents")?,
            self.one("SELECT count(*) FROM documents WHERE content IS NULL")?,
        ))
    }

    /// The number of rejections for each reason.
    ///
    /// # Errors
    /// An error of the database.
    pub fn rejections(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        let mut counts = Vec::new();
        self.each("SELECT reason, count(*) FROM rejections GROUP BY reason", |row| {
            counts.push((row.get(0)?, row.get(1)?));
            Ok(())
        })?;
        Ok(counts)
    }

    /// The value that was set under `name`, if any.
    ///
    /// # Errors
    /// An error of the database.
    pub fn setting(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let query = "SELECT value FROM settings WHERE name = ?";
        self.query(|connection| connection.query_row(query, [name], |row| row.get(0)).optional())
    }

    /// The single value that `query` returns.
    pub(super) fn one<T: rusqlite::types::FromSql>(&self, query: &str) -> Result<T, LedgerError> {
        self.query(|connection| connection.query_row(query, (), |row| row.get(0)))
    }

    /// Does `work` with the database, and adds the path to its errors.
    fn query<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        work(&self.connection).map_err(failed(&self.path))
    }

    /// Calls `visit` with every row of `query`.
    fn each(&self, query: &str, mut visit: impl FnMut(&Row) -> rusqlite::Result<()>) -> Result<(), LedgerError> {
        self.query(|connection| {
            let mut statement = connection.prepare(query)?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                visit(row)?;
            }
            Ok(())
        })
    }

    /// Calls `visit` with the first column of every row of `query`, until it fails.
    fn each_line<E: From<LedgerError>>(
        &self,
        query: &str,
        mut visit: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        self.each(query, |row| {
            if outcome.is_ok() {
                outcome = visit(row.get_ref(0)?.as_blob()?);
            }
            Ok(())
        })?;
        outcome
    }
}

fn entry(row: &Row) -> rusqlite::Result<Entry> {
    Ok(Entry {
        document: row.get(0)?,
        source: row.get(1)?,
        record: row.get(2)?,
        content: row.get(3)?,
        kept: kept(row, 4)?,
        line: row.get(8)?,
    })
}

/// The position of a document's statements, from the four columns from `first` on.
fn kept(row: &Row, first: usize) -> rusqlite::Result<Kept> {
    Ok(Kept {
        file: row.get(first)?,
        start: row.get(first + 1)?,
        length: row.get(first + 2)?,
        sha256: row.get(first + 3)?,
    })
}
