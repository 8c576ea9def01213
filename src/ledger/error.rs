//! Errors of the ledger.

use std::path::PathBuf;

use super::VERSION;

/// A ledger that cannot be used, or not in this way.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// `SQLite` reported an error.
    #[error("cannot use the ledger `{}`", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The error.
        #[source]
        cause: rusqlite::Error,
    },
    /// The ledger is damaged.
    #[error("the ledger `{}` is damaged: {what}; restore it with its folder, or begin a new `[output] directory`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first damage that the check found.
        what: String,
    },
    /// The folder has no ledger.
    #[error("`{}` has no ledger: no run has written there", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has results, but no ledger.
    #[error("`{}` holds results of a version without a ledger: move them away or name another `[output] directory`", path.display())]
    Unknown {
        /// The folder.
        path: PathBuf,
    },
    /// The ledger has the format of another version of this program.
    #[error("the ledger `{}` has format version {found}; this program reads versions 1 to {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: i64,
    },
    /// The results in the folder have another layout or compression.
    #[error("the results in `{}` are written as {found}, and the configuration says {wanted}: name another `[output] directory`", path.display())]
    Layout {
        /// The folder.
        path: PathBuf,
        /// The layout and compression of the results.
        found: String,
        /// The layout and compression of the configuration.
        wanted: String,
    },
    /// The folder has another part of the input.
    #[error("`{}` {}", path.display(), other_part(found.as_deref(), wanted.as_deref()))]
    Part {
        /// The folder.
        path: PathBuf,
        /// The part that it has, if it has one.
        found: Option<String>,
        /// The part of this run, if it has one.
        wanted: Option<String>,
    },
    /// The folder has a merge that has not ended.
    #[error("a merge of parts into `{}` was broken off: `pressrun merge` with the same parts goes on with it", path.display())]
    Merging {
        /// The folder.
        path: PathBuf,
    },
    /// The results in the folder have another fingerprint.
    #[error(
        "{documents} documents in `{}` come from another configuration, model or version of pressrun: `--redo` or `[run] redo = true` does those again \
         that are found, or name another `[output] directory`", path.display()
    )]
    Redo {
        /// The number of documents in the folder.
        documents: u64,
        /// The folder.
        path: PathBuf,
    },
    /// The ledger does not have the document.
    #[error("there is no document `{document}` in `{}`", path.display())]
    NoDocument {
        /// Its id.
        document: String,
        /// The folder.
        path: PathBuf,
    },
}

/// The sentence about a folder that has another part than is wanted.
fn other_part(found: Option<&str>, wanted: Option<&str>) -> String {
    match (found, wanted) {
        (Some(found), Some(wanted)) => {
            format!(
                "has part {found} of the input, and this is part {wanted}: remove the folder, or name another `[output] directory`"
            )
        }
        (Some(found), None) => {
            format!(
                "has part {found} of the input, and this run has no part: give `--part {found}`, or name another `[output] directory`"
            )
        }
        (None, wanted) => {
            let part = wanted.unwrap_or_default();
            format!("has results without parts, and this is part {part}: name another `[output] directory`")
        }
    }
}
