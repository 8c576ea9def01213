//! Finds a statement of an output folder by its id.

use std::path::{Path, PathBuf};

use super::schema::{DocumentRecord, StatementRecord};
use super::{ReadError, Reader};
use crate::ledger::{Entry, Ledger, LedgerError};

/// A statement with the document that it is from.
#[derive(Debug, Clone)]
pub struct StoredStatement {
    /// The document's entry in the ledger.
    pub entry: Entry,
    /// The record of the document.
    pub document: DocumentRecord,
    /// All statements of the document, in their order.
    pub statements: Vec<StatementRecord>,
    /// The index of the statement in `statements`.
    pub index: usize,
}

impl StoredStatement {
    /// The record of the statement.
    #[must_use]
    pub fn statement(&self) -> &StatementRecord {
        &self.statements[self.index]
    }
}

/// A statement that cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The id has another form.
    #[error("`{id}` is no id of a statement: expected a document's id, `#` and a number, as in `a1b2c3#7`")]
    Form {
        /// The id.
        id: String,
    },
    /// The folder has no such document.
    #[error("`{}` has no document `{document}`", folder.display())]
    Document {
        /// The output folder.
        folder: PathBuf,
        /// The id of the document.
        document: String,
    },
    /// The document has no such statement.
    #[error("document `{document}` has {statements} statements, numbered from 0, and no number {index}")]
    Statement {
        /// The id of the document.
        document: String,
        /// The number of its statements.
        statements: usize,
        /// The number that was asked for.
        index: usize,
    },
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The results cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Finds the statement with this `id`, such as `a1b2c3#7`, in an output folder.
///
/// # Errors
/// An id of another form, a document or a statement that is not there, or a folder that cannot be read.
pub fn find_statement(folder: &Path, id: &str) -> Result<StoredStatement, LookupError> {
    let parts = id.rsplit_once('#').and_then(|(document, index)| Some((document, index.parse::<usize>().ok()?)));
    let (document, index) = parts.ok_or_else(|| LookupError::Form { id: id.to_owned() })?;
    let entry = Ledger::resume(folder)?
        .entry(document)?
        .ok_or_else(|| LookupError::Document { folder: folder.to_owned(), document: document.to_owned() })?;
    let record = serde_json::from_slice(&entry.line).map_err(|cause| ReadError::Record {
        path: folder.join("documents.jsonl"),
        line: cause.line() as u64,
        cause,
    })?;
    let statements = Reader::new(folder).statements_at(&entry.kept)?;
    if index >= statements.len() {
        let statements = statements.len();
        return Err(LookupError::Statement { document: document.to_owned(), statements, index });
    }
    Ok(StoredStatement { entry, document: record, statements, index })
}
