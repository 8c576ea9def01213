//! A file of a disk or a store that can be read at any place.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::store::Object;

/// A file that several readers read at once, each at its place.
#[derive(Debug, Clone)]
pub(crate) enum RandomAccess {
    /// Of a disk.
    File(Arc<File>),
    /// Of a store.
    Object(Object),
}

impl RandomAccess {
    /// The number of its bytes.
    pub(super) fn length(&self) -> std::io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Object(object) => Ok(object.length()),
        }
    }

    /// Reads at a place. 0 at the end.
    pub(super) fn read_at(&self, into: &mut [u8], at: u64) -> std::io::Result<usize> {
        match self {
            Self::File(file) => file.read_at(into, at),
            Self::Object(object) => object.read_at(into, at),
        }
    }

    /// Fills `into` from a place on.
    pub(super) fn read_exact_at(&self, into: &mut [u8], at: u64) -> std::io::Result<()> {
        let mut filled = 0;
        while filled < into.len() {
            match self.read_at(&mut into[filled..], at + filled as u64) {
                Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => filled += length,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
