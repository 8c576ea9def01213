//! Reprocesses documents of an output folder and compares the results with the stored ones.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::config::Config;
use crate::config::values::Whole;
use crate::error::RunError;
use crate::job::{Job, Request, Selection};
use crate::ledger::{Ledger, LedgerError};
use crate::output::WriteError;
use crate::output::verify::{Fault, Verification};
use crate::pipeline::Interrupt;
use crate::reread::places;

/// Reprocesses a sample of documents of the output folder of `config`, and compares the results with the stored ones. `paths` are the
/// inputs of the run; empty for `[input] paths`. A document that is no longer in the input is a fault.
///
/// # Errors
/// The errors of a run. If the stored results come from another configuration, they differ, and that is no error but a fault.
pub fn repeat(config: &Config, paths: Vec<PathBuf>, documents: u64) -> Result<Verification, RunError> {
    let ledger = Ledger::open(&config.output.directory)?;
    let expected = ledger.sample(documents)?;
    drop(ledger);
    let folder = Scratch::new()?;
    let mut config = config.clone();
    config.output.directory.clone_from(&folder.path);
    config.cache.max_bytes = Whole::constant::<0>();
    config.metrics.textfile = None;
    // A stored document counts even if its language is no longer wanted.
    config.input.languages.clear();
    let selection = Selection::At(places(&expected));
    let request = Request { paths, selection, ..Request::default() };
    let job = Job::prepare(config, request)?;
    let outcome = job.run(&Interrupt::default(), |_| ()).1;
    if !matches!(outcome, Ok(()) | Err(RunError::TooManyRejected { .. })) {
        outcome?;
    }
    let mut found = HashMap::new();
    Ledger::open(&folder.path)?.each_entry(|entry| {
        found.insert((entry.source, entry.record), entry.kept.sha256);
        Ok::<_, LedgerError>(())
    })?;
    let mut faults = Vec::new();
    for entry in &expected {
        let message = match found.get(&(entry.source.clone(), entry.record)) {
            Some(sha256) if *sha256 == entry.kept.sha256 => continue,
            Some(_) => "other statements come of it now",
            None => "is no longer where it was read",
        };
        faults.push(Fault {
            file: entry.source.clone(),
            document: Some(entry.document.clone()),
            message: message.into(),
        });
    }
    Ok(Verification { documents: expected.len() as u64, statements: 0, faults })
}

/// A temporary folder, removed when this is dropped.
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
        // A folder that cannot be removed does no harm.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
