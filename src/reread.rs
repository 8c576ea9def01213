//! Reads documents of an output folder again from their places in the input.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::RunError;
use crate::input::find::Finder;
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
    let finder = finder(config, paths, Vec::new())?;
    let files = files_of(&finder, entries);
    let mut only = Places::new();
    for entry in entries {
        if let Some(file) = files.get(&entry.document) {
            only.insert((file.clone(), entry.record), known(entry));
        }
    }
    let wanted: HashSet<&String> = files.values().collect();
    let read = Read::new(&input, &config.run, ReadSettings { only: Some(only), ..ReadSettings::default() });
    let sources = finder.sources().filter(|source| wanted.contains(&source.place().source));
    let outcome = run_inline(read, sources);
    let (chunks, _) = outcome.map_err(|cause| PipelineError::Failed { stage: "read", cause })?;
    let documents = chunks.into_iter().flat_map(|chunk| chunk.documents);
    let mut found: HashMap<String, Document> = documents.map(|document| (document.id.clone(), document)).collect();
    // A file under another path is the same one only if it has the same content.
    for entry in entries.iter().filter(|entry| files.get(&entry.document) != Some(&entry.source)) {
        if found.get(&entry.document).is_some_and(|document| entry.content.as_deref() != Some(&document.content)) {
            found.remove(&entry.document);
        }
    }
    Ok(found)
}

/// The file of each document, by the document's id. The path of a file depends on the folder that pressrun was started in: if no file has
/// the stored path, it is the only one whose path ends with the stored one, or with which the stored one ends.
fn files_of(finder: &Finder, entries: &[Entry]) -> HashMap<String, String> {
    let mut by_name: HashMap<&OsStr, Vec<&Entry>> = HashMap::new();
    for entry in entries {
        by_name.entry(name_of(&entry.source)).or_default().push(entry);
    }
    let mut exact = HashMap::new();
    let mut similar: HashMap<String, Vec<String>> = HashMap::new();
    for source in finder.sources() {
        let path = source.place().source;
        for entry in by_name.get(name_of(&path)).into_iter().flatten() {
            if path == entry.source {
                exact.insert(entry.document.clone(), path.clone());
            } else if Path::new(&path).ends_with(&entry.source) || Path::new(&entry.source).ends_with(&path) {
                similar.entry(entry.document.clone()).or_default().push(path.clone());
            }
        }
    }
    for (document, paths) in similar {
        if let [path] = paths.as_slice() {
            exact.entry(document).or_insert_with(|| path.clone());
        }
    }
    exact
}

/// The last part of a path.
fn name_of(path: &str) -> &OsStr {
    Path::new(path).file_name().unwrap_or_default()
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
