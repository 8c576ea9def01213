//! The output folder: the records in it, the files that hold them, a reader of all of it, and a check that it is as it was written.

/// The output folder: one run at a time, nothing half-written under a final name.
pub mod folder;
/// Documents, statements and rejections to records and lines of JSON.
pub(crate) mod line;
/// The ledger to what people read: the files that list documents and rejections.
pub mod publish;
/// The folder read again, record by record.
pub mod reader;
/// The records, one type each.
pub mod schema;
/// Lines to statement files: a file a document, or shards.
pub(crate) mod sink;
/// A check that an output folder is as it was written.
pub mod verify;

use std::path::PathBuf;

pub use reader::{ReadError, Reader};

use crate::ledger::LedgerError;

/// The version of the output's format, in every line.
pub const SCHEMA: u32 = 1;

/// Why results could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system refused.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Another run writes there.
    #[error("another run, process {process}, is writing into `{}`", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The number of its process.
        process: String,
    },
    /// The ledger cannot be kept.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
