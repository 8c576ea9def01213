//! Documents of an output folder once more: what they come to now, against what is there.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::config::Config;
use crate::config::values::Whole;
use crate::error::RunError;
use crate::job::{Job, Only, Request};
use crate::ledger::{Entry, Ledger, LedgerError};
use crate::output::WriteError;
use crate::output::schema::DocumentRecord;
use crate::output::verify::{Fault, Verification};
use crate::pipeline::Interrupt;
use crate::record::Original;
use crate::stages::read::Known;

/// Reads `documents` of the output folder of `config` once more, and compares what comes of them with what is there. `paths` are what
/// was read, or none for `[input] paths`. What is no longer in the input cannot be compared, and is counted as a fault.
///
/// # Errors
/// As those of a run; results on other terms than those of `config` differ in the first place.
pub fn repeat(config: &Config, paths: Vec<PathBuf>, documents: u64) -> Result<Verification, RunError> {
    let ledger = Ledger::open(&config.output.directory)?;
    let expected = ledger.sample(documents)?;
    drop(ledger);
    let folder = Scratch::new()?;
    let mut config = config.clone();
    config.output.directory.clone_from(&folder.path);
    config.cache.max_bytes = Whole::of::<0>();
    config.metrics.textfile = None;
    // What was written stays when other languages are wanted.
    config.input.languages.clear();
    let only = Only::At(expected.iter().map(|entry| ((entry.source.clone(), entry.record), known(entry))).collect());
    let job = Job::prepare(config, Request { paths, listed: Vec::new(), redo: false, only })?;
    let outcome = job.run(&Interrupt::default(), |_| ()).1;
    if !matches!(outcome, Ok(()) | Err(RunError::TooManyRejected { .. })) {
        outcome?;
    }
    let mut found = HashMap::new();
    Ledger::open(&folder.path)?.each_entry(|entry| {
        found.insert((entry.source, entry.record), entry.kept.sha256);
        Ok::<_, LedgerError>(())
    })?;
    let fault = |entry: &Entry| {
        let message = match found.get(&(entry.source.clone(), entry.record)) {
            Some(sha256) if *sha256 == entry.kept.sha256 => return None,
            Some(_) => "other statements come of it now",
            None => "is no longer where it was read",
        };
        Some(Fault { file: entry.source.clone(), document: Some(entry.document.clone()), message: message.into() })
    };
    let faults = expected.iter().filter_map(fault).collect();
    Ok(Verification { documents: expected.len() as u64, statements: 0, faults })
}

/// What only the rest of the input says of a document: whether another has its id, or its text.
fn known(entry: &Entry) -> Known {
    let record: Option<DocumentRecord> = serde_json::from_slice(&entry.line).ok();
    let original = record.and_then(|record| record.duplicate_of.zip(record.similarity));
    let duplicate_of = original.map(|(id, similarity)| Original { id, percent: Original::percent(similarity) });
    Known { id: Some(entry.document.clone()), duplicate_of }
}

/// A folder that is gone afterwards.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new() -> Result<Self, WriteError> {
        let path = std::env::temp_dir().join(format!("pressrun-verify-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|cause| WriteError::Io { path: path.clone(), cause })?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left there is in nobody's way.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
