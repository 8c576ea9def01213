//! Looking into a ledger: what it says, without changing it.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, Row};

use super::{Entry, Kept, Ledger, LedgerError, ShardState, failed};

/// What an [`Entry`] is made of.
const COLUMNS: &str = "document, source, record, content, file, start, length, sha256, line";

impl Ledger {
    /// How far the last shard had been written when it was last committed.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn last_shard(&self) -> Result<Option<ShardState>, LedgerError> {
        let state = |row: &Row| Ok(ShardState { number: row.get(0)?, bytes: row.get(1)?, length: row.get(2)? });
        let query = "SELECT number, bytes, length FROM shards ORDER BY number DESC LIMIT 1";
        self.connection.query_row(query, (), state).optional().map_err(failed(&self.path))
    }

    /// Whether there are rejections of earlier runs.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn has_old_rejections(&self) -> Result<bool, LedgerError> {
        let query = "SELECT EXISTS (SELECT 1 FROM rejections WHERE run < ?)";
        self.connection.query_row(query, [self.run], |row| row.get(0)).map_err(failed(&self.path))
    }

    /// Files that are of no document any more.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn leftovers(&self) -> Result<Vec<String>, LedgerError> {
        let mut files = Vec::new();
        self.each("SELECT file FROM leftovers", |row| {
            files.push(row.get(0)?);
            Ok(())
        })?;
        Ok(files)
    }

    /// Shows every line of `documents.jsonl`, in the order in which the documents came first.
    ///
    /// # Errors
    /// Where the database refuses, or `see` fails.
    pub fn each_document_line<E: From<LedgerError>>(&self, see: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.each_line("SELECT line FROM documents ORDER BY number", see)
    }

    /// Shows every line of `rejected.jsonl`, by file and place in it.
    ///
    /// # Errors
    /// Where the database refuses, or `see` fails.
    pub fn each_rejection_line<E: From<LedgerError>>(&self, see: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.each_line("SELECT line FROM rejections ORDER BY source, record", see)
    }

    /// Shows every document, by file and place in it.
    ///
    /// # Errors
    /// Where the database refuses, or `see` fails.
    pub fn each_entry<E: From<LedgerError>>(&self, mut see: impl FnMut(Entry) -> Result<(), E>) -> Result<(), E> {
        let mut outcome = Ok(());
        let query = format!("SELECT {COLUMNS} FROM documents ORDER BY file, start");
        self.each(&query, |row| {
            if outcome.is_ok() {
                outcome = see(entry(row)?);
            }
            Ok(())
        })?;
        outcome
    }

    /// The documents of one file, in its order.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn entries_of(&self, file: &str) -> Result<Vec<(String, Kept)>, LedgerError> {
        let kept = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT document, file, start, length, sha256 FROM documents WHERE file = ? ORDER BY start",
            )?;
            let kept = |row: &Row| Ok((row.get(0)?, kept(row, 1)?));
            statement.query_map([file], kept)?.collect::<rusqlite::Result<_>>()
        };
        kept().map_err(failed(&self.path))
    }

    /// How many bytes of a file are of documents.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn bytes_in_use(&self, file: &str) -> Result<u64, LedgerError> {
        let query = "SELECT coalesce(sum(length), 0) FROM documents WHERE file = ?";
        self.connection.query_row(query, [file], |row| row.get(0)).map_err(failed(&self.path))
    }

    /// The shard that has been rewritten but perhaps not renamed yet.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn rewritten(&self) -> Result<Option<String>, LedgerError> {
        self.setting("rewritten")
    }

    /// As many documents as are wanted, chosen by the hashes of their statements: which ones is as good as chance, and always the same.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn sample(&self, documents: u64) -> Result<Vec<Entry>, LedgerError> {
        let sample = || {
            let query = format!("SELECT {COLUMNS} FROM documents WHERE content IS NOT NULL ORDER BY sha256 LIMIT ?");
            let mut statement = self.connection.prepare(&query)?;
            statement.query_map([documents], entry)?.collect::<rusqlite::Result<_>>()
        };
        sample().map_err(failed(&self.path))
    }

    /// Where what was rejected is, for one reason or all of them.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn rejected_places(&self, reason: Option<&str>) -> Result<HashSet<(String, u64)>, LedgerError> {
        let places = || {
            let query = "SELECT source, record FROM rejections WHERE ?1 IS NULL OR reason = ?1";
            let mut statement = self.connection.prepare(query)?;
            statement.query_map([reason], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()
        };
        places().map_err(failed(&self.path))
    }

    /// How many documents there are, and how many of them are being replaced.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn counts(&self) -> Result<(u64, u64), LedgerError> {
        Ok((
            self.one("SELECT count(*) FROM documents")?,
            self.one("SELECT count(*) FROM documents WHERE content IS NULL")?,
        ))
    }

    /// How many rejections there are for each reason.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn rejections(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        let mut counts = Vec::new();
        self.each("SELECT reason, count(*) FROM rejections GROUP BY reason", |row| {
            counts.push((row.get(0)?, row.get(1)?));
            Ok(())
        })?;
        Ok(counts)
    }

    /// What was noted under `name`.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn setting(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let query = "SELECT value FROM settings WHERE name = ?";
        self.connection.query_row(query, [name], |row| row.get(0)).optional().map_err(failed(&self.path))
    }

    pub(super) fn one<T: rusqlite::types::FromSql>(&self, query: &str) -> Result<T, LedgerError> {
        self.connection.query_row(query, (), |row| row.get(0)).map_err(failed(&self.path))
    }

    fn each(&self, query: &str, mut see: impl FnMut(&Row) -> rusqlite::Result<()>) -> Result<(), LedgerError> {
        let mut all = || {
            let mut statement = self.connection.prepare(query)?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                see(row)?;
            }
            Ok(())
        };
        all().map_err(failed(&self.path))
    }

    fn each_line<E: From<LedgerError>>(
        &self,
        query: &str,
        mut see: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        self.each(query, |row| {
            if outcome.is_ok() {
                outcome = see(row.get_ref(0)?.as_blob()?);
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

/// The four columns from `first` on.
fn kept(row: &Row, first: usize) -> rusqlite::Result<Kept> {
    Ok(Kept {
        file: row.get(first)?,
        start: row.get(first + 1)?,
        length: row.get(first + 2)?,
        sha256: row.get(first + 3)?,
    })
}
