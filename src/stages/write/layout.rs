//! Lines to statement files: a file a document, or shards of many documents.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::WriteError;
use super::folder::{OutputFolder, PartFile, failed, sync_folder, write_one_of_many};
use crate::config::{Compression, Layout, OutputConfig};

/// zstd's own default: the fastest level that still compresses JSON about tenfold.
const ZSTD_LEVEL: i32 = 3;

/// Where the lines of statements go.
#[derive(Debug)]
pub(super) enum Statements {
    /// A file a document.
    Documents { folder: PathBuf, compression: Compression },
    /// Files of many documents.
    Shards(Shards),
}

impl Statements {
    pub(super) fn new(folder: &OutputFolder, config: &OutputConfig) -> Result<Self, WriteError> {
        Ok(match config.layout {
            Layout::Document => Self::Documents { folder: folder.statements()?, compression: config.compression },
            Layout::Sharded => Self::Shards(Shards {
                folder: folder.path().to_owned(),
                compression: config.compression,
                shard_bytes: config.shard_bytes.get(),
                number: 0,
                open: None,
            }),
        })
    }

    /// Keeps the lines of each document, by its id. Returns the file that holds them, relative to the output folder.
    pub(super) fn write(&mut self, documents: &[(&str, Vec<u8>)]) -> Result<Vec<String>, WriteError> {
        match self {
            Self::Documents { folder, compression } => write_documents(folder, *compression, documents),
            Self::Shards(shards) => documents.iter().map(|(_, lines)| shards.append(lines)).collect(),
        }
    }

    pub(super) fn finish(&mut self) -> Result<(), WriteError> {
        match self {
            Self::Documents { .. } => Ok(()),
            Self::Shards(shards) => shards.close(),
        }
    }
}

fn write_documents(
    folder: &Path,
    compression: Compression,
    documents: &[(&str, Vec<u8>)],
) -> Result<Vec<String>, WriteError> {
    let write = |(id, lines): &(&str, Vec<u8>)| {
        let path = folder.join(format!("{id}.{}", ending(compression)));
        let content = compress(lines, compression).map_err(failed(&path))?;
        write_one_of_many(path, &content)?;
        Ok(format!("statements/{id}.{}", ending(compression)))
    };
    let files = documents.par_iter().map(write).collect();
    sync_folder(&folder.join("any"))?;
    files
}

/// Files of many documents, in order. A document's statements are never spread over two.
#[derive(Debug)]
pub(super) struct Shards {
    folder: PathBuf,
    compression: Compression,
    shard_bytes: u64,
    number: u32,
    open: Option<Shard>,
}

#[derive(Debug)]
struct Shard {
    name: String,
    file: PartFile,
    bytes: u64,
}

impl Shards {
    /// Each document is a zstd frame of its own: frames joined are a valid file, and what is in one does not depend
    /// on the ones before.
    fn append(&mut self, lines: &[u8]) -> Result<String, WriteError> {
        let mut shard = self.open.take().map_or_else(|| self.begin(), Ok)?;
        let content = compress(lines, self.compression).map_err(failed(&self.folder.join(&shard.name)))?;
        shard.file.append(&content)?;
        shard.bytes += lines.len() as u64;
        let (name, is_full) = (shard.name.clone(), shard.bytes >= self.shard_bytes);
        self.open = Some(shard);
        if is_full {
            self.close()?;
        }
        Ok(name)
    }

    fn begin(&self) -> Result<Shard, WriteError> {
        let name = format!("statements-{:05}.{}", self.number, ending(self.compression));
        let file = PartFile::create(self.folder.join(&name))?;
        Ok(Shard { name, file, bytes: 0 })
    }

    fn close(&mut self) -> Result<(), WriteError> {
        let Some(mut shard) = self.open.take() else { return Ok(()) };
        self.number += 1;
        shard.file.finish()
    }
}

fn ending(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "jsonl",
        Compression::Zstd => "jsonl.zst",
    }
}

fn compress(lines: &[u8], compression: Compression) -> std::io::Result<std::borrow::Cow<'_, [u8]>> {
    Ok(match compression {
        Compression::None => lines.into(),
        Compression::Zstd => zstd::bulk::compress(lines, ZSTD_LEVEL)?.into(),
    })
}
