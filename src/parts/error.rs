//! Parts that cannot be merged, and why.

use std::path::PathBuf;

use crate::causes::chain;
use crate::ledger::LedgerError;
use crate::output::ReadError;

/// Parts that cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// The system reported an error.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        #[source]
        cause: std::io::Error,
    },
    /// A ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The output of a part cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The folder has no part.
    #[error("`{}` is no part: `pressrun run --part` did not write it", path.display())]
    NoPart {
        /// The folder.
        path: PathBuf,
    },
    /// The part has not read all of its input.
    #[error("part {part} in `{}` is not finished: run it again, and it goes on", path.display())]
    Unfinished {
        /// The part, as K/N.
        part: String,
        /// Its folder.
        path: PathBuf,
    },
    /// A file is not as it was when the part ended.
    #[error("`{}` is not as it was when its part ended: run the part again, or restore its folder", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A part is named twice.
    #[error("part {part} is there twice: `{}` and `{}`", first.display(), second.display())]
    Twice {
        /// The part, as K/N.
        part: String,
        /// One folder.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// Not all parts are named.
    #[error("{} of {count} parts are missing: {}", numbers.len(), listed(numbers))]
    Missing {
        /// Their numbers.
        numbers: Vec<u32>,
        /// The number of all parts.
        count: u32,
    },
    /// Parts of different counts.
    #[error("`{}` is part {part}, and `{}` is part {other}: they are of different runs", path.display(), other_path.display())]
    OtherCount {
        /// The part, as K/N.
        part: String,
        /// Its folder.
        path: PathBuf,
        /// The other part.
        other: String,
        /// The folder of the other part.
        other_path: PathBuf,
    },
    /// A part has another configuration, model or version than the first one or the configuration.
    #[error("part {part} in `{}` has other settings than {other}: {}", path.display(), differences.join("; "))]
    OtherSettings {
        /// The part, as K/N.
        part: String,
        /// Its folder.
        path: PathBuf,
        /// The part or the configuration with which it was compared.
        other: String,
        /// The differences, each as a name and both values.
        differences: Vec<String>,
    },
    /// Parts were computed on processors that round differently.
    #[error(
        "the parts were computed on processors that round differently in the last digits: {}; `--allow-mixed-processors` merges them all the same",
        classes.join("; ")
    )]
    Processors {
        /// The classes, each with parts that have it.
        classes: Vec<String>,
    },
    /// Parts found different files.
    #[error(
        "part {part} in `{}` found {found} files, and part {other} found {other_found}, or in another order, or a large one with another size: \
         files came, went or changed while the parts ran, or they were started in different folders. Run the parts again with the same input; what is done is skipped", path.display()
    )]
    OtherInput {
        /// The part, as K/N.
        part: String,
        /// Its folder.
        path: PathBuf,
        /// The number of files that it found.
        found: u64,
        /// The other part.
        other: String,
        /// The number of files that the other part found.
        other_found: u64,
    },
    /// A document is neither written nor rejected.
    #[error("document `{document}` of `{}` is neither written nor rejected there: run the part again", path.display())]
    Lost {
        /// Its id in the part.
        document: String,
        /// The folder of the part.
        path: PathBuf,
    },
    /// The output folder has results that are not from a merge of these parts.
    #[error("`{}` has results already: remove them, or name another folder", path.display())]
    HasResults {
        /// The folder.
        path: PathBuf,
    },
    /// The output folder has a broken-off merge of other parts.
    #[error(
        "`{}` has a broken-off merge of other parts, or of these before they changed: remove the folder, or name another one",
        path.display()
    )]
    OtherMerge {
        /// The folder.
        path: PathBuf,
    },
    /// Lines of a part are no records.
    #[error("`{}` has lines of document `{document}` that this version cannot read: {}", path.display(), chain(cause))]
    Record {
        /// The folder of the part.
        path: PathBuf,
        /// The id of the document in the part.
        document: String,
        /// The cause.
        cause: serde_json::Error,
    },
}

impl PartsError {
    /// True if the parts do not belong together, so that running them again as they are does not help.
    #[must_use]
    pub fn is_of_configuration(&self) -> bool {
        matches!(self, Self::OtherSettings { .. } | Self::OtherCount { .. } | Self::Processors { .. })
    }
}

/// Numbers, with the first ones written out.
fn listed(numbers: &[u32]) -> String {
    const MOST: usize = 20;
    let mut first: Vec<String> = numbers.iter().take(MOST).map(u32::to_string).collect();
    if numbers.len() > MOST {
        first.push("…".to_owned());
    }
    first.join(", ")
}
