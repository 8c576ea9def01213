//! Limits on the bytes that a file unpacks to: in all, and for each byte of it.

use std::cell::Cell;
use std::io::Read;

use crate::config::InputConfig;
use crate::input::refusal::Refusal;
use crate::record::Reason;

/// So much may come of any file: what is small does no harm, however it was packed.
const FREE_BYTES: u64 = 64 << 20;

/// The bytes that one file has given and may give.
#[derive(Debug)]
pub(crate) struct Budget {
    read: Cell<u64>,
    unpacked: Cell<u64>,
    max_expansion: u64,
    max_unpacked_bytes: u64,
}

impl Budget {
    pub(crate) fn new(input: &InputConfig) -> Self {
        Self {
            read: Cell::new(0),
            unpacked: Cell::new(0),
            max_expansion: input.max_expansion.get(),
            max_unpacked_bytes: input.max_unpacked_bytes.get(),
        }
    }

    /// The number of bytes of the file itself that have been read.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.get()
    }

    /// Counts bytes of the file that were read by somebody else.
    pub(in super::super) fn add_read(&self, bytes: u64) {
        self.read.set(self.read.get().saturating_add(bytes));
    }

    /// Counts what comes out of a decoder, and fails where it is too much.
    pub(super) fn watch<R: Read>(&self, decoder: R) -> Watched<'_, R> {
        Watched { decoder, budget: self }
    }

    /// Counts what came out of the file, and fails where it is too much.
    pub(in super::super) fn unpack(&self, bytes: u64) -> Result<(), Refusal> {
        let unpacked = self.unpacked.get().saturating_add(bytes);
        self.unpacked.set(unpacked);
        if unpacked > self.max_unpacked_bytes {
            let limit = self.max_unpacked_bytes;
            return Err(too_large(format!("unpacks to more than the {limit} bytes of `[input] max_unpacked_bytes`")));
        }
        if unpacked > most_unpacked_bytes(self.read.get(), self.max_expansion) {
            let limit = self.max_expansion;
            return Err(too_large(format!("unpacks to more than {limit} times its size (`[input] max_expansion`)")));
        }
        Ok(())
    }
}

/// The number of bytes that `packed` bytes may unpack to.
pub(in super::super) fn most_unpacked_bytes(packed: u64, max_expansion: u64) -> u64 {
    FREE_BYTES.saturating_add(max_expansion.saturating_mul(packed))
}

fn too_large(message: String) -> Refusal {
    Refusal::new(Reason::TooLarge, message)
}

/// A file whose bytes are counted.
pub(crate) struct Counted<'b, R> {
    pub(crate) file: R,
    pub(crate) budget: &'b Budget,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read(into)?;
        self.budget.read.set(self.budget.read.get() + length as u64);
        Ok(length)
    }
}

pub(super) struct Watched<'b, R> {
    decoder: R,
    budget: &'b Budget,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.decoder.read(into)?;
        self.budget.unpack(length as u64)?;
        Ok(length)
    }
}
