//! The ledger to what people read: `documents.jsonl` and `rejected.jsonl`, and hashes by which damage is found.

use super::WriteError;
use super::folder::{OutputFolder, PartFile, failed, remove, step};
use super::sink::shards;
use crate::config::{Layout, OutputConfig};
use crate::digest::sha256_of_file;
use crate::ledger::{self, Ledger};

/// The SHA-256 of the ledger, as long as nobody writes into it.
pub const SEAL: &str = "ledger.sha256";

/// The files that [`seal`] notes the hashes of.
pub const SEALED: [&str; 3] = ["documents.jsonl", "rejected.jsonl", "run.json"];

/// Breaks the seal, before the ledger is written to.
///
/// # Errors
/// Where the system refuses.
pub fn unseal(folder: &OutputFolder) -> Result<(), WriteError> {
    remove(&folder.path().join(SEAL))
}

/// Writes the lists of documents and rejections, after statements that nothing refers to any more have been removed.
///
/// # Errors
/// Where the system refuses.
pub fn publish(folder: &OutputFolder, config: &OutputConfig, ledger: &mut Ledger) -> Result<(), WriteError> {
    shards::finish_rewriting(folder.path(), ledger)?;
    for file in ledger.leftovers()? {
        remove(&folder.path().join(file))?;
    }
    ledger.clear_leftovers()?;
    if config.layout == Layout::Sharded {
        shards::compact(folder.path(), config.compression, ledger)?;
    }
    let mut documents = PartFile::create(folder.path().join("documents.jsonl"))?;
    ledger.each_document_line(|line| documents.append(line))?;
    let mut rejections = PartFile::create(folder.path().join("rejected.jsonl"))?;
    ledger.each_rejection_line(|line| rejections.append(line))?;
    rejections.finish()?;
    documents.finish()
}

/// Notes what all files have to be like, in the ledger, and what the ledger has to be like, beside it.
///
/// # Errors
/// Where the system refuses.
pub fn seal(folder: &OutputFolder, ledger: Ledger) -> Result<(), WriteError> {
    for name in SEALED {
        let path = folder.path().join(name);
        // A run that broke off has left no report.
        if path.exists() {
            ledger.set(&format!("sha256 {name}"), &sha256_of_file(&path).map_err(failed(&path))?)?;
        }
    }
    // The last to let go of it puts its log into the file.
    drop(ledger);
    let path = folder.path().join(ledger::FILE);
    let digest = sha256_of_file(&path).map_err(failed(&path))?;
    step();
    folder.write_whole(SEAL, format!("{digest}  {}\n", ledger::FILE).as_bytes())
}
