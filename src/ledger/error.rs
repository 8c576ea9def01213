//! What can be wrong with a ledger.

use std::path::PathBuf;

use super::VERSION;

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database refused.
    #[error("cannot use the ledger `{}`", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rusqlite::Error,
    },
    /// It is damaged.
    #[error("the ledger `{}` is damaged: {what}; restore it with its folder, or begin a new `[output] directory`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// There is none.
    #[error("`{}` has no ledger: no run has written there", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// There are results that it does not know.
    #[error("`{}` holds results of a version without a ledger: move them away or name another `[output] directory`", path.display())]
    Unknown {
        /// The folder.
        path: PathBuf,
    },
    /// It was made by another version of this program.
    #[error("the ledger `{}` has format version {found}; this program reads version {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// The results there have another form.
    #[error("the results in `{}` are written as {found}, and the configuration says {wanted}: name another `[output] directory`", path.display())]
    Layout {
        /// The folder.
        path: PathBuf,
        /// As they are.
        found: String,
        /// As they are wanted.
        wanted: String,
    },
    /// The results there depend on something else.
    #[error(
        "{documents} documents in `{}` come from another configuration, model or version of pressrun: `--redo` or `[run] redo = true` does those again \
         that are found, or name another `[output] directory`", path.display()
    )]
    Redo {
        /// How many.
        documents: u64,
        /// The folder.
        path: PathBuf,
    },
    /// A document that it does not know.
    #[error("there is no document `{document}` in `{}`", path.display())]
    NoDocument {
        /// Its id.
        document: String,
        /// The folder.
        path: PathBuf,
    },
}
