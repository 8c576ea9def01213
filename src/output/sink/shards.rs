//! Statement files of many documents, in their order. A document's statements are never spread over two.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{DocumentLines, Sink, compress, ending, kept};
use crate::config::{Compression, OutputConfig};
use crate::ledger::{Kept, Ledger, ShardState};
use crate::output::WriteError;
use crate::output::folder::{PartFile, failed, part_of, remove, step, sync_folder};

/// Files of many documents, and the one that is being written.
#[derive(Debug)]
pub(super) struct Shards {
    folder: PathBuf,
    compression: Compression,
    shard_bytes: u64,
    state: ShardState,
    open: Option<PartFile>,
}

impl Shards {
    /// Continues after the state of the last shard at the last commit.
    pub(super) fn resume(folder: &Path, config: &OutputConfig, last: Option<ShardState>) -> Result<Self, WriteError> {
        let compression = config.compression;
        remove_unknown(folder, compression, last.map_or(0, |last| last.number + 1))?;
        let mut shards = Self {
            folder: folder.to_owned(),
            compression,
            shard_bytes: config.shard_bytes.get(),
            state: last.unwrap_or(ShardState { number: 0, bytes: 0, length: 0 }),
            open: None,
        };
        // A full shard is opened too if it does not have its final name yet.
        if last.is_some() && !(shards.is_full() && shards.has_final_name()) {
            shards.open = Some(PartFile::resume(shards.path(), shards.state.length)?);
        }
        Ok(shards)
    }

    fn is_full(&self) -> bool {
        self.state.bytes >= self.shard_bytes
    }

    /// True if the file with the final name of the shard is complete.
    fn has_final_name(&self) -> bool {
        std::fs::metadata(self.path()).is_ok_and(|file| file.len() == self.state.length)
    }

    /// Writes the lines of a document. Each document is a zstd frame of its own: joined frames are a valid file, and a frame does not
    /// depend on the ones before it.
    fn append(&mut self, lines: &[u8]) -> Result<Kept, WriteError> {
        if self.is_full() {
            self.close()?;
            self.state = ShardState { number: self.state.number + 1, bytes: 0, length: 0 };
        }
        let path = self.path();
        let content = compress(lines, self.compression).map_err(failed(&path))?;
        let file = match &mut self.open {
            Some(file) => file,
            None => self.open.insert(PartFile::create(path)?),
        };
        file.append(&content)?;
        let kept = kept(name(self.state.number, self.compression), self.state.length, &content);
        self.state.bytes += lines.len() as u64;
        self.state.length += content.len() as u64;
        Ok(kept)
    }

    /// Gives the open shard its final name.
    fn close(&mut self) -> Result<(), WriteError> {
        self.open.take().map_or(Ok(()), |mut file| file.finish())
    }

    fn path(&self) -> PathBuf {
        self.folder.join(name(self.state.number, self.compression))
    }
}

impl Sink for Shards {
    fn write(&mut self, documents: &[DocumentLines<'_>]) -> Result<Vec<Kept>, WriteError> {
        documents.iter().map(|document| self.append(document.lines)).collect()
    }

    fn commit(&mut self) -> Result<Option<ShardState>, WriteError> {
        let Some(file) = &mut self.open else { return Ok(None) };
        file.sync()?;
        Ok(Some(self.state))
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.close()
    }
}

/// Removes the shards from number `first` on: a run that broke off wrote them, and did not commit them to the ledger.
fn remove_unknown(folder: &Path, compression: Compression, first: u32) -> Result<(), WriteError> {
    for number in first.. {
        let path = folder.join(name(number, compression));
        let part = part_of(&path);
        if !path.exists() && !part.exists() {
            break;
        }
        remove(&path)?;
        remove(&part)?;
    }
    Ok(())
}

/// Removes the lines of removed documents from shards.
pub(crate) fn compact(folder: &Path, compression: Compression, ledger: &mut Ledger) -> Result<(), WriteError> {
    let shards = ledger.last_shard()?.map_or(0, |last| last.number + 1);
    for number in 0..shards {
        let name = name(number, compression);
        let path = folder.join(&name);
        if std::fs::metadata(&path).map_err(failed(&path))?.len() != ledger.bytes_in_use(&name)? {
            rewrite(&path, &name, number, &ledger.entries_of(&name)?, ledger)?;
        }
    }
    Ok(())
}

/// Rewrites a shard with only these documents. The ledger is changed before the file gets its name. If the process ends in between,
/// the next one calls [`finish_rewriting`].
fn rewrite(
    path: &Path,
    name: &str,
    number: u32,
    documents: &[(String, Kept)],
    ledger: &mut Ledger,
) -> Result<(), WriteError> {
    let mut old = File::open(path).map_err(failed(path))?;
    let mut new = PartFile::create(path.to_owned())?;
    let mut starts = Vec::new();
    let mut length = 0;
    for (document, kept) in documents {
        let mut content = Vec::new();
        old.seek(SeekFrom::Start(kept.start)).map_err(failed(path))?;
        old.by_ref().take(kept.length).read_to_end(&mut content).map_err(failed(path))?;
        new.append(&content)?;
        starts.push((document.clone(), length));
        length += kept.length;
    }
    new.sync()?;
    step();
    ledger.move_documents(number, name, &starts)?;
    finish_rewriting(path.parent().unwrap_or(Path::new("")), ledger)
}

/// Gives a rewritten shard its final name, if that is still to be done.
pub(crate) fn finish_rewriting(folder: &Path, ledger: &mut Ledger) -> Result<(), WriteError> {
    let Some(name) = ledger.rewritten()? else { return Ok(()) };
    let path = folder.join(name);
    step();
    match std::fs::rename(part_of(&path), &path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&path)(error)),
        _ => sync_folder(&path)?,
    }
    step();
    ledger.clear_rewritten().map_err(Into::into)
}

fn name(number: u32, compression: Compression) -> String {
    format!("statements-{number:05}.{}", ending(compression))
}
