//! The folders of parts: what a part keeps for the merge, and whether parts belong together.
//!
//! A part cannot know two things of a document: its id, if documents of other parts have the same one, and its original, if that is in
//! another part. Both depend on all documents before it. So a part keeps of each document what decides them: its `Admission`.

/// The records of a part that became candidates for documents.
pub(crate) mod admissions;
/// Parts that cannot be merged.
mod error;
/// The folder of a part that is finished.
mod folder;
/// The admissions of all parts in the order of the input.
mod order;

use std::path::Path;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use admissions::AdmissionsWriter;
pub use error::PartsError;
pub(crate) use folder::{Parts, differences};
pub(crate) use order::InOrder;

use crate::digest::sha256_of_file;
use crate::input::part::ListingDigest;
use crate::ledger::{Ledger, LedgerError};
use crate::output::WriteError;
use crate::output::folder::failed;

/// The setting of the ledger that a part has only when it is finished.
const FINISHED: &str = "finished_part";

/// A part that is finished: it has read all of its files to their end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FinishedPart {
    /// The files that it found, also those of other parts.
    pub(crate) listing: ListingDigest,
    /// SHA-256 of the file with its admissions.
    admissions: String,
    /// The settings that decide which documents there are, by name.
    pub(crate) settings: IndexMap<String, String>,
}

/// Records that the part of `ledger` has begun, again perhaps, and is not finished.
pub(crate) fn begin(ledger: &Ledger) -> Result<(), LedgerError> {
    ledger.unset(FINISHED)
}

/// Records that the part in `folder` is finished: the files that it found, and the settings by which it read them.
pub(crate) fn finish(
    folder: &Path,
    ledger: &Ledger,
    listing: ListingDigest,
    settings: IndexMap<String, String>,
) -> Result<(), WriteError> {
    let path = folder.join(admissions::FILE);
    let admissions = sha256_of_file(&path).map_err(failed(&path))?;
    let finished = FinishedPart { listing, admissions, settings };
    // Strings and numbers can always be written as JSON.
    ledger.set(FINISHED, &serde_json::to_string(&finished).unwrap_or_default())?;
    Ok(())
}
