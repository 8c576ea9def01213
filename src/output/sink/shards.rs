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
    /// Goes on after the shard that was committed last.
    pub(super) fn resume(folder: &Path, config: &OutputConfig, last: Option<ShardState>) -> Result<Self, WriteError> {
        let (compression, shard_bytes) = (config.compression, config.shard_bytes.get());
        let state = last.unwrap_or(ShardState { number: 0, bytes: 0, length: 0 });
        remove_unknown(folder, compression, last.map_or(0, |last| last.number + 1))?;
        let mut shards = Self { folder: folder.to_owned(), compression, shard_bytes, state, open: None };
        let has_its_name = || std::fs::metadata(shards.path()).is_ok_and(|file| file.len() == state.length);
        // One that is full goes on, too, as long as it has not got its name.
        if last.is_some() && !(state.bytes >= shard_bytes && has_its_name()) {
            shards.open = Some(PartFile::resume(shards.path(), state.length)?);
        }
        Ok(shards)
    }

    /// Each document is a zstd frame of its own: frames joined are a valid file, and what is in one does not depend
    /// on the ones before.
    fn append(&mut self, lines: &[u8]) -> Result<Kept, WriteError> {
        if self.state.bytes >= self.shard_bytes {
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

    /// Gives the open shard its name.
    fn close(&mut self) -> Result<(), WriteError> {
        self.open.take().map_or(Ok(()), |mut file| file.finish())
    }

    fn path(&self) -> PathBuf {
        self.folder.join(name(self.state.number, self.compression))
    }
}

impl Sink for Shards {
    fn put(&mut self, documents: &[DocumentLines<'_>]) -> Result<Vec<Kept>, WriteError> {
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

/// Removes shards from number `first` on: what a run wrote that was broken off before the ledger knew.
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

/// Removes from shards what is of no document any more.
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

/// Rewrites a shard with these documents alone. The ledger knows before the file has its name: [`finish_rewriting`] ends what
/// was broken off between.
fn rewrite(
    path: &Path,
    name: &str,
    number: u32,
    documents: &[(String, Kept)],
    ledger: &mut Ledger,
) -> Result<(), WriteError> {
    let mut old = File::open(path).map_err(failed(path))?;
    let mut new = PartFile::create(path.to_owned())?;
    let (mut starts, mut length) = (Vec::new(), 0);
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

/// Gives a shard that has been rewritten its name, where that is not done yet.
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
