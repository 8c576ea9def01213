//! What need not be done again.

use std::path::PathBuf;

use rusqlite::Connection;

use super::{LedgerError, failed};

/// Which documents need not be done again. Reads beside a [`super::Ledger`] that writes.
#[derive(Debug)]
pub struct Done {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) made_by: String,
}

impl Done {
    /// Whether there is a document of that name from another place than this: a file, and a number in it.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn knows_elsewhere(&self, document: &str, source: &str, record: u64) -> Result<bool, LedgerError> {
        let known = || {
            let query =
                "SELECT EXISTS (SELECT 1 FROM documents WHERE document = ? AND NOT (source = ? AND record = ?))";
            self.connection.prepare_cached(query)?.query_row((document, source, record), |row| row.get(0))
        };
        known().map_err(failed(&self.path))
    }

    /// Whether a document is not wanted any more.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn has_forgotten(&self, document: &str) -> Result<bool, LedgerError> {
        let known = || {
            let query = "SELECT EXISTS (SELECT 1 FROM forgotten WHERE document = ?)";
            self.connection.prepare_cached(query)?.query_row([document], |row| row.get(0))
        };
        known().map_err(failed(&self.path))
    }

    /// Whether a document's results are there, made from the same content on the same terms, or are not wanted any more.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn has(&self, document: &str, content: &[u8]) -> Result<bool, LedgerError> {
        let known = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM documents WHERE document = ?1 AND content = ?2 AND made_by = ?3)
                     OR EXISTS (SELECT 1 FROM forgotten WHERE document = ?1)",
            )?;
            statement.query_row((document, content, &self.made_by), |row| row.get(0))
        };
        known().map_err(failed(&self.path))
    }
}
