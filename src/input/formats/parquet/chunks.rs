//! A file that several readers read at once, each at its place. The reader of the library has one place for all of them.

use std::io::{BufReader, Read};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::input::random_access::RandomAccess;

/// The file, and how long it was when it was opened.
#[derive(Clone)]
pub(super) struct Chunks {
    file: RandomAccess,
    length: u64,
}

impl Chunks {
    pub(super) fn of(file: RandomAccess) -> std::io::Result<Self> {
        let length = file.length()?;
        Ok(Self { file, length })
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::new(From { file: self.file.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        // What a file says of itself may be wrong: memory is asked for only for what is there.
        if start.saturating_add(length as u64) > self.length {
            return Err(ParquetError::EOF(format!("{length} bytes from {start} on are not in {}", self.length)));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// The file from a place on.
pub(super) struct From {
    file: RandomAccess,
    at: u64,
}

impl Read for From {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read_at(into, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}
