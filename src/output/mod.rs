//! The output folder: its records, its files, a reader, and a check that nothing has changed.

/// The output folder: one run at a time, nothing half-written under a final name.
pub mod folder;
/// Documents, statements and rejections to records and lines of JSON.
pub(crate) mod line;
/// A statement found by its id.
pub mod lookup;
/// The ledger to lists for users: the files with documents and rejections.
pub mod publish;
/// A reader of the folder, record by record.
pub mod reader;
/// The records, one type each.
pub mod schema;
/// Lines to statement files: a file a document, or shards.
pub(crate) mod sink;
/// A check that an output folder is complete and unchanged.
pub mod verify;

use std::path::PathBuf;

pub use reader::{ReadError, Reader};

use crate::ledger::LedgerError;

/// The version of the output's format, in every line.
pub const SCHEMA: u32 = 1;

/// Results that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system reported an error.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error.
        #[source]
        cause: std::io::Error,
    },
    /// Another run is writing into the folder.
    #[error("another run, process {process}, is writing into `{}`", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The id of its process.
        process: String,
    },
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
