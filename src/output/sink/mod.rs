//! Sinks for the lines of statements: one file a layout, and memory in tests.

/// A file a document.
mod documents;
/// Memory, for tests.
#[cfg(test)]
pub(crate) mod memory;
/// Files of many documents.
pub(crate) mod shards;

use std::borrow::Cow;
use std::io;

use super::WriteError;
use super::folder::OutputFolder;
use crate::config::{Compression, Layout, OutputConfig};
use crate::digest::sha256;
use crate::ledger::{Kept, Ledger, ShardState};

/// zstd's own default: the fastest level that still compresses JSON about tenfold.
const ZSTD_LEVEL: i32 = 3;

/// The lines of a document's statements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DocumentLines<'d> {
    /// The id of the document.
    pub(crate) document: &'d str,
    /// The lines, each with its line feed.
    pub(crate) lines: &'d [u8],
}

/// A place for the lines of statements. What was put is safe when `commit` has returned.
pub(crate) trait Sink: std::fmt::Debug + Send {
    /// Takes the lines of documents, in their order, and returns where they are.
    fn put(&mut self, documents: &[DocumentLines<'_>]) -> Result<Vec<Kept>, WriteError>;

    /// Makes what was put safe on disk, and returns how far the last shard goes, if there are shards.
    fn commit(&mut self) -> Result<Option<ShardState>, WriteError>;

    /// Ends the last file. Nothing is put afterwards.
    fn finish(&mut self) -> Result<(), WriteError>;
}

/// The sink of the configured layout, which goes on after what `ledger` knows.
pub(crate) fn open(folder: &OutputFolder, config: &OutputConfig, ledger: &Ledger) -> Result<Box<dyn Sink>, WriteError> {
    Ok(match config.layout {
        Layout::Document => Box::new(documents::Documents::new(folder.statements()?, config.compression)),
        Layout::Sharded => Box::new(shards::Shards::resume(folder.path(), config, ledger.last_shard()?)?),
    })
}

/// The place of `content`, which begins at `start` of `file`.
fn kept(file: String, start: u64, content: &[u8]) -> Kept {
    Kept { file, start, length: content.len() as u64, sha256: sha256(content) }
}

/// The ending of statement files.
fn ending(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "jsonl",
        Compression::Zstd => "jsonl.zst",
    }
}

fn compress(lines: &[u8], compression: Compression) -> io::Result<Cow<'_, [u8]>> {
    Ok(match compression {
        Compression::None => lines.into(),
        Compression::Zstd => zstd::bulk::compress(lines, ZSTD_LEVEL)?.into(),
    })
}
