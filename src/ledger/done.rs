//! The documents that a run can skip.

use std::path::PathBuf;

use rusqlite::{Connection, Params};

use super::{LedgerError, failed};

/// A view of the ledger for the stage that skips documents. It reads while a [`super::Ledger`] on another thread writes.
#[derive(Debug)]
pub struct Done {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) fingerprint: String,
}

impl Done {
    /// True if a document with this id came from another record than the one with the number `record` in the file `source`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn knows_elsewhere(&self, document: &str, source: &str, record: u64) -> Result<bool, LedgerError> {
        self.answer(
            "SELECT EXISTS (SELECT 1 FROM documents WHERE document = ? AND NOT (source = ? AND record = ?))",
            (document, source, record),
        )
    }

    /// True if the user had the document removed permanently.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn has_forgotten(&self, document: &str) -> Result<bool, LedgerError> {
        self.answer("SELECT EXISTS (SELECT 1 FROM forgotten WHERE document = ?)", [document])
    }

    /// True if a document with this id and this SHA-256 of its content is done with the fingerprint of the run, or was removed
    /// permanently.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn has(&self, document: &str, content: &[u8]) -> Result<bool, LedgerError> {
        self.answer(
            "SELECT EXISTS (SELECT 1 FROM documents WHERE document = ?1 AND content = ?2 AND made_by = ?3)
                 OR EXISTS (SELECT 1 FROM forgotten WHERE document = ?1)",
            (document, content, &self.fingerprint),
        )
    }

    /// The answer to a query for one Boolean value.
    fn answer(&self, query: &str, parameters: impl Params) -> Result<bool, LedgerError> {
        self.connection
            .prepare_cached(query)
            .and_then(|mut statement| statement.query_row(parameters, |row| row.get(0)))
            .map_err(failed(&self.path))
    }
}
