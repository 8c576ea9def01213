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

/// A destination for the lines of statements. Lines are safe on disk once `commit` has returned.
pub(crate) trait Sink: std::fmt::Debug + Send {
    /// Writes the lines of documents, in their order, and returns their positions.
    fn write(&mut self, documents: &[DocumentLines<'_>]) -> Result<Vec<Kept>, WriteError>;

    /// Syncs all lines to disk, and returns the state of the last shard, if there are shards.
    fn commit(&mut self) -> Result<Option<ShardState>, WriteError>;

    /// Ends the last file. Nothing is written afterwards.
    fn finish(&mut self) -> Result<(), WriteError>;
}

/// The sink of the configured layout. It continues after the documents in `ledger`.
pub(crate) fn open(folder: &OutputFolder, config: &OutputConfig, ledger: &Ledger) -> Result<Box<dyn Sink>, WriteError> {
    Ok(match config.layout {
        Layout::Document => Box::new(documents::Documents::new(folder.statements()?, config.compression)),
        Layout::Sharded => Box::new(shards::Shards::resume(folder.path(), config, ledger.last_shard()?)?),
    })
}

/// The position of `content`, which begins at `start` in `file`.
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
