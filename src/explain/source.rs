//! Reads one article of an output folder again from its place in the input.

use std::collections::HashMap;
use std::path::PathBuf;

use super::ExplainError;
use crate::config::Config;
use crate::error::RunError;
use crate::input::find::Finder;
use crate::job::finder;
use crate::ledger::Entry;
use crate::pipeline::run_inline;
use crate::record::Document;
use crate::stages::read::{Known, Places, Read, ReadSettings};

/// Reads the document of `entry` again. `paths` are the inputs of the run; empty for `[input] paths`.
///
/// # Errors
/// Inputs that are not there, or a document that is no longer where it was read.
pub(super) fn reread(config: &Config, paths: Vec<PathBuf>, entry: &Entry) -> Result<Document, ExplainError> {
    let mut input = config.input.clone();
    // A stored document counts even if its language is no longer wanted.
    input.languages.clear();
    let known = Known { id: Some(entry.document.clone()), duplicate_of: None };
    let only: Places = HashMap::from([((entry.source.clone(), entry.record), known)]);
    let read = Read::new(&input, &config.run, ReadSettings { only: Some(only), ..ReadSettings::default() });
    let finder: Finder = finder(config, paths, Vec::new()).map_err(RunError::from).map_err(Box::new)?;
    let source = finder.sources().filter(|source| source.place().source == entry.source);
    let (chunks, rejections) = run_inline(read, source).map_err(ExplainError::Stage)?;
    let mut documents = chunks.into_iter().flat_map(|chunk| chunk.documents);
    documents.find(|document| document.id == entry.document).ok_or_else(|| ExplainError::Gone {
        document: entry.document.clone(),
        source_file: entry.source.clone(),
        reason: rejections.first().map_or_else(String::new, |rejection| format!(": {}", rejection.message)),
    })
}
