//! The ledger to lists for users: `documents.jsonl` and `rejected.jsonl`, and the hashes by which `verify` finds damage.

use super::WriteError;
use super::folder::{OutputFolder, PartFile, failed, remove, step};
use super::sink::shards;
use crate::config::{Layout, OutputConfig};
use crate::digest::sha256_of_file;
use crate::ledger::{self, Ledger};

/// The name of the file with the SHA-256 of the ledger. It exists only while no run writes into the ledger.
pub const SEAL: &str = "ledger.sha256";

/// The files whose hashes [`seal`] stores in the ledger.
pub const SEALED: [&str; 3] = ["documents.jsonl", "rejected.jsonl", "run.json"];

/// Removes the hash of the ledger, before the ledger is changed.
///
/// # Errors
/// An error of the system.
pub fn unseal(folder: &OutputFolder) -> Result<(), WriteError> {
    remove(&folder.path().join(SEAL))
}

/// Removes the statements of removed documents, then writes the lists of documents and rejections.
///
/// # Errors
/// An error of the system.
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

/// Stores the hashes of the lists and of the report in the ledger, and the hash of the ledger in a file beside it.
///
/// # Errors
/// An error of the system.
pub fn seal(folder: &OutputFolder, ledger: Ledger) -> Result<(), WriteError> {
    for name in SEALED {
        let path = folder.path().join(name);
        // There is no report after a run that broke off.
        if path.exists() {
            ledger.set(&format!("sha256 {name}"), &sha256_of_file(&path).map_err(failed(&path))?)?;
        }
    }
    // SQLite moves its write-ahead log into the file when the last connection is closed.
    drop(ledger);
    let path = folder.path().join(ledger::FILE);
    let digest = sha256_of_file(&path).map_err(failed(&path))?;
    step();
    folder.write_whole(SEAL, format!("{digest}  {}\n", ledger::FILE).as_bytes())
}
