//! The admissions of a part, in a file: one for each record that became a candidate for a document, in the order of the input. Every run of
//! the part writes the file anew.
//!
//! The file is a sequence of blocks. A block has its length in the file, its length when it is unpacked, and the admissions: postcard,
//! packed with zstd.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::PartsError;
use crate::output::WriteError;
use crate::output::folder::{PartFile, failed};

/// The name of the file in the folder of a part.
pub(crate) const FILE: &str = "admissions.zst";

/// The number of admissions in a block.
const BLOCK: usize = 128;

/// A block is never larger than this when it is unpacked; a larger one is damaged.
const MAX_BLOCK_BYTES: u32 = 64 << 20;

/// The fastest level of zstd: signatures cannot be packed, and names are packed well by any.
const LEVEL: i32 = 1;

/// A candidate for a document: what decides its id and its original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Admission {
    /// The number of its file among the files of all parts.
    pub(crate) file: u64,
    /// Its file.
    pub(crate) source: String,
    /// The number of its record in the file; 0 for a whole file.
    pub(crate) record: u64,
    /// Its id in the part.
    pub(crate) id: String,
    /// The id that it has if no earlier document has it.
    pub(crate) safe_id: String,
    /// The name by which it is told apart from earlier documents with the same id.
    pub(crate) name: String,
    /// `None` if its language is not wanted: then it only keeps its id from others.
    pub(crate) wanted: Option<Wanted>,
}

/// A document of a wanted language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// The digest of its record.
    pub(crate) digest: [u8; 32],
    /// The digest of its content in the part, which depends on its original there.
    pub(crate) content: [u8; 32],
    /// The bytes of its sketch, if copies are looked for.
    pub(crate) sketch: Option<Vec<u8>>,
}

/// Writes the admissions of a part.
#[derive(Debug)]
pub struct AdmissionsWriter {
    path: PathBuf,
    file: PartFile,
    block: Vec<Admission>,
}

impl AdmissionsWriter {
    /// A writer of the file in `folder`, which keeps its name until it is finished.
    ///
    /// # Errors
    /// A file that cannot be created.
    pub fn create(folder: &Path) -> Result<Self, WriteError> {
        let path = folder.join(FILE);
        Ok(Self { file: PartFile::create(path.clone())?, path, block: Vec::with_capacity(BLOCK) })
    }

    /// Adds an admission.
    pub(crate) fn add(&mut self, admission: Admission) -> Result<(), WriteError> {
        self.block.push(admission);
        if self.block.len() >= BLOCK { self.write_block() } else { Ok(()) }
    }

    /// Writes the last block, and gives the file its name.
    pub(crate) fn finish(&mut self) -> Result<(), WriteError> {
        self.write_block()?;
        self.file.finish()
    }

    fn write_block(&mut self) -> Result<(), WriteError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let written = packed(&self.block).map_err(failed(&self.path))?;
        self.block.clear();
        self.file.append(&written)
    }
}

fn packed(block: &[Admission]) -> std::io::Result<Vec<u8>> {
    let plain = postcard::to_allocvec(block).map_err(std::io::Error::other)?;
    let content = zstd::bulk::compress(&plain, LEVEL)?;
    let mut written = Vec::with_capacity(content.len() + 8);
    for length in [content.len(), plain.len()] {
        written.extend(u32::try_from(length).map_err(std::io::Error::other)?.to_le_bytes());
    }
    written.extend(content);
    Ok(written)
}

/// Reads the admissions of a part, a block at a time.
pub(crate) struct Admissions {
    path: PathBuf,
    file: File,
    block: std::vec::IntoIter<Admission>,
}

impl Admissions {
    pub(crate) fn open(folder: &Path) -> Result<Self, PartsError> {
        let path = folder.join(FILE);
        match File::open(&path) {
            Ok(file) => Ok(Self { path, file, block: Vec::new().into_iter() }),
            Err(cause) => Err(PartsError::Io { path, cause }),
        }
    }

    /// The next block. Empty at the end of the file.
    fn read_block(&mut self) -> std::io::Result<Vec<Admission>> {
        let mut length = [0; 4];
        if self.file.read(&mut length[..1])? == 0 {
            return Ok(Vec::new());
        }
        self.file.read_exact(&mut length[1..])?;
        let packed_length = u32::from_le_bytes(length);
        self.file.read_exact(&mut length)?;
        let plain_length = u32::from_le_bytes(length);
        if packed_length.max(plain_length) > MAX_BLOCK_BYTES {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut content = vec![0; packed_length as usize];
        self.file.read_exact(&mut content)?;
        let plain = zstd::bulk::decompress(&content, plain_length as usize)?;
        postcard::from_bytes(&plain).map_err(std::io::Error::other)
    }
}

impl Iterator for Admissions {
    type Item = Result<Admission, PartsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.block.as_slice().is_empty() {
            match self.read_block() {
                Ok(block) => self.block = block.into_iter(),
                Err(cause) => return Some(Err(PartsError::Io { path: self.path.clone(), cause })),
            }
        }
        self.block.next().map(Ok)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn admission(file: u64, id: &str) -> Admission {
        Admission {
            file,
            source: format!("in/{file}.jsonl"),
            record: 1,
            id: id.to_owned(),
            safe_id: id.to_owned(),
            name: format!("{file}.1"),
            wanted: Some(Wanted { digest: [1; 32], content: [2; 32], sketch: None }),
        }
    }

    /// Writes these admissions into `folder`.
    pub(crate) fn write(folder: &Path, admissions: impl IntoIterator<Item = Admission>) {
        let mut writer = AdmissionsWriter::create(folder).unwrap();
        admissions.into_iter().for_each(|admission| writer.add(admission).unwrap());
        writer.finish().unwrap();
    }

    #[test]
    fn admissions_come_back_as_they_were_written() {
        for count in [0, 1, BLOCK, BLOCK + 1, 1000] {
            let folder = tempfile::tempdir().unwrap();
            let written: Vec<Admission> = (0..count).map(|file| admission(file as u64, &format!("a{file}"))).collect();
            write(folder.path(), written.clone());
            let read: Vec<Admission> = Admissions::open(folder.path()).unwrap().map(Result::unwrap).collect();
            assert_eq!(read, written);
        }
    }

    #[test]
    fn a_file_that_was_cut_off_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), [admission(0, "a"), admission(1, "b")]);
        let path = folder.path().join(FILE);
        let whole = std::fs::read(&path).unwrap();
        for length in 1..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(Admissions::open(folder.path()).unwrap().any(|admission| admission.is_err()), "{length}");
        }
    }
}
