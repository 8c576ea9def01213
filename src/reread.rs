//! Reads documents of an output folder again from their places in the input.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::config::Config;
use crate::error::RunError;
use crate::job::finder;
use crate::ledger::Entry;
use crate::output::schema::DocumentRecord;
use crate::pipeline::{PipelineError, run_inline};
use crate::record::{Document, Original};
use crate::stages::read::{Known, Places, Read, ReadSettings};

/// The documents of `entries`, by their ids. `paths` are the inputs of the run; empty for `[input] paths`. Documents that are no longer
/// where they were read are missing.
///
/// # Errors
/// Inputs that are not there.
pub(crate) fn documents(
    config: &Config,
    paths: Vec<PathBuf>,
    entries: &[Entry],
) -> Result<HashMap<String, Document>, RunError> {
    let mut input = config.input.clone();
    // A stored document counts even if its language is no longer wanted.
    input.languages.clear();
    let only = places(entries);
    let files: HashSet<&str> = entries.iter().map(|entry| entry.source.as_str()).collect();
    let read = Read::new(&input, &config.run, ReadSettings { only: Some(only), ..ReadSettings::default() });
    let finder = finder(config, paths, Vec::new())?;
    let sources = finder.sources().filter(|source| files.contains(source.place().source.as_str()));
    let outcome = run_inline(read, sources);
    let (chunks, _) = outcome.map_err(|cause| PipelineError::Failed { stage: "read", cause })?;
    let documents = chunks.into_iter().flat_map(|chunk| chunk.documents);
    Ok(documents.map(|document| (document.id.clone(), document)).collect())
}

/// The places of stored documents, with their ids and originals.
pub(crate) fn places(entries: &[Entry]) -> Places {
    entries.iter().map(|entry| ((entry.source.clone(), entry.record), known(entry))).collect()
}

/// The id and the original of a stored document. A run learns them from the rest of the input, which is not read here.
fn known(entry: &Entry) -> Known {
    let record: Option<DocumentRecord> = serde_json::from_slice(&entry.line).ok();
    let original = record.and_then(|record| record.duplicate_of.zip(record.similarity));
    let duplicate_of = original.map(|(id, similarity)| Original { id, percent: Original::percent(similarity) });
    Known { id: Some(entry.document.clone()), duplicate_of }
}
