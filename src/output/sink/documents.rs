//! A statement file a document, each written whole.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{DocumentLines, Sink, compress, ending, kept};
use crate::config::Compression;
use crate::ledger::{Kept, ShardState};
use crate::output::WriteError;
use crate::output::folder::{failed, sync_folder, write_one_of_many};

/// A file a document.
#[derive(Debug)]
pub(super) struct Documents {
    folder: PathBuf,
    compression: Compression,
}

impl Documents {
    /// A sink that writes into `folder`.
    pub(super) fn new(folder: PathBuf, compression: Compression) -> Self {
        Self { folder, compression }
    }
}

impl Sink for Documents {
    fn write(&mut self, documents: &[DocumentLines<'_>]) -> Result<Vec<Kept>, WriteError> {
        let files =
            documents.par_iter().map(|document| write_file(&self.folder, self.compression, *document)).collect();
        sync_folder(&self.folder.join("any"))?;
        files
    }

    fn commit(&mut self) -> Result<Option<ShardState>, WriteError> {
        // `write` has synced every file.
        Ok(None)
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        Ok(())
    }
}

fn write_file(folder: &Path, compression: Compression, document: DocumentLines<'_>) -> Result<Kept, WriteError> {
    let name = format!("{}.{}", document.document, ending(compression));
    let path = folder.join(&name);
    let content = compress(document.lines, compression).map_err(failed(&path))?;
    write_one_of_many(path, &content)?;
    Ok(kept(format!("statements/{name}"), 0, &content))
}
