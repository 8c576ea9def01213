//! The sizes that pages declare, which are checked before anything is unpacked: a page of a few kilobytes may declare two gigabytes. The
//! library unpacks a page as a whole and shows its header to nobody, so the headers are parsed here. Of gzip, Brotli and old LZ4 the library
//! unpacks all that there is, whatever the header declares, so that the truth of the header is checked as well where it matters.

use std::io::{BufRead, Read};

use parquet::basic::Compression;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;

use super::chunks::Chunks;
use crate::input::layers::most_unpacked_bytes;
use crate::input::refusal::Refusal;
use crate::record::Reason;

/// No page unpacks to more bytes than this, however long it is. Writers that put a whole column of a row group into one page stop at 500 MiB.
const MAX_PAGE_BYTES: u64 = 512 << 20;

/// Pages are unpacked in pieces of so many bytes to see how many there are.
const BUFFER_BYTES: usize = 1 << 14;

/// Structures inside each other in a header, no more. Real ones have three.
const MAX_DEPTH: usize = 8;

/// Checks the pages of a file.
pub(super) struct PageCheck {
    pub(super) file: Chunks,
    /// `[input] max_expansion`.
    pub(super) max_expansion: u64,
}

impl PageCheck {
    /// Refuses a column of a row group (with its number from 0) if one of its pages declares to unpack to too much. A header that cannot be
    /// parsed ends the check: the library meets it as well and reports it.
    pub(super) fn check(&self, row_group: usize, column: &ColumnChunkMetaData) -> Result<(), Refusal> {
        if column.compression() == Compression::UNCOMPRESSED {
            return Ok(());
        }
        let (mut at, length) = column.byte_range();
        let end = at.saturating_add(length);
        while at < end {
            let Some(header) = Header::parse(self.file.get_read(at)?.take(end - at)) else { return Ok(()) };
            let most = most_unpacked_bytes(header.packed, self.max_expansion).min(MAX_PAGE_BYTES);
            if header.unpacked > most {
                let Header { packed, unpacked, .. } = header;
                let message = format!(
                    "column `{}` of row group {row_group} has a page at byte {at} that declares to unpack from {packed} to {unpacked} bytes; at most \
                     {most} bytes are allowed (see `[input] max_expansion`)",
                    column.column_path().string()
                );
                return Err(Refusal::new(Reason::TooLarge, message));
            }
            if header.packed.saturating_mul(most_expansion(column.compression())) > most {
                self.check_truth(at, &header, row_group, column)?;
            }
            at = at.saturating_add(header.length).saturating_add(header.packed);
        }
        Ok(())
    }
}

impl PageCheck {
    /// Refuses a page at a place that unpacks to more than its header says. Damaged pages are left to the library.
    fn check_truth(
        &self,
        at: u64,
        header: &Header,
        row_group: usize,
        column: &ColumnChunkMetaData,
    ) -> Result<(), Refusal> {
        if !header.is_packed {
            return Ok(());
        }
        let begin = at.saturating_add(header.length).saturating_add(header.levels);
        let packed = self.file.get_read(begin)?.take(header.packed.saturating_sub(header.levels));
        let most = header.unpacked.saturating_sub(header.levels);
        let unpacked = match column.compression() {
            Compression::GZIP(_) => count_bytes(flate2::bufread::MultiGzDecoder::new(packed), most),
            Compression::BROTLI(_) => count_bytes(brotli_decompressor::Decompressor::new(packed, BUFFER_BYTES), most),
            Compression::LZ4 => count_bytes(lz4_flex::frame::FrameDecoder::new(packed), most),
            _ => 0,
        };
        if unpacked <= most {
            return Ok(());
        }
        let message = format!(
            "column `{}` of row group {row_group} has a page at byte {at} that unpacks to more than the {} bytes that it declares",
            column.column_path().string(),
            header.unpacked
        );
        Err(Refusal::damaged(message))
    }
}

/// The bytes that a decoder gives before it ends or fails, up to one more than `most`.
fn count_bytes(decoder: impl Read, most: u64) -> u64 {
    let mut bytes = [0; BUFFER_BYTES];
    let mut decoder = decoder.take(most.saturating_add(1));
    let mut count = 0;
    while let Ok(length @ 1..) = decoder.read(&mut bytes) {
        count += length as u64;
    }
    count
}

/// The most bytes that the library makes of one byte, whatever the header says; 0 if it keeps to the header.
fn most_expansion(compression: Compression) -> u64 {
    match compression {
        Compression::GZIP(_) => 1032,
        Compression::LZ4 => 255,
        Compression::BROTLI(_) => u64::MAX,
        _ => 0,
    }
}

/// The header of a page, as far as it concerns sizes.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    /// Its own size in bytes.
    length: u64,
    /// The size of the page as it lies in the file.
    packed: u64,
    /// The size of the page after unpacking.
    unpacked: u64,
    /// The bytes in front of the page that are never packed.
    levels: u64,
    /// True unless the header says that the page is not packed, although others of its column are.
    is_packed: bool,
}

impl Header {
    /// Parses a header in the compact protocol of Thrift. `None` if it is none.
    fn parse(bytes: impl BufRead) -> Option<Self> {
        let mut thrift = Thrift { bytes: bytes.bytes(), length: 0 };
        let mut packed = None;
        let mut unpacked = None;
        let mut second_version = SecondVersion { levels: 0, is_packed: true };
        let mut field = 0;
        loop {
            let kind = thrift.next_field(&mut field)?;
            if kind == END {
                break;
            }
            match (field, kind) {
                (2, INTEGER) => unpacked = thrift.size(),
                (3, INTEGER) => packed = thrift.size(),
                (8, STRUCTURE) => second_version = SecondVersion::parse(&mut thrift)?,
                _ => thrift.skip(kind, 0)?,
            }
        }
        let SecondVersion { levels, is_packed } = second_version;
        Some(Self { length: thrift.length, packed: packed?, unpacked: unpacked?, levels, is_packed })
    }
}

/// The part of a header that pages of the second version have.
struct SecondVersion {
    levels: u64,
    is_packed: bool,
}

impl SecondVersion {
    fn parse<R: Read>(thrift: &mut Thrift<R>) -> Option<Self> {
        let mut found = Self { levels: 0, is_packed: true };
        let mut field = 0;
        loop {
            match (thrift.next_field(&mut field)?, field) {
                (END, _) => return Some(found),
                (INTEGER, 5 | 6) => found.levels = found.levels.saturating_add(thrift.size()?),
                (FALSE, 7) => found.is_packed = false,
                (kind, _) => thrift.skip(kind, 1)?,
            }
        }
    }
}

/// The type of integers with 32 bits.
const INTEGER: u8 = 5;

/// The type of structures.
const STRUCTURE: u8 = 12;

/// The type of a boolean that is false.
const FALSE: u8 = 2;

/// The type that ends a structure.
const END: u8 = 0;

/// Values in the compact protocol of Thrift.
struct Thrift<R> {
    bytes: std::io::Bytes<R>,
    /// The number of bytes parsed.
    length: u64,
}

impl<R: Read> Thrift<R> {
    fn byte(&mut self) -> Option<u8> {
        self.length += 1;
        self.bytes.next()?.ok()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// An integer that must not be negative: positive ones are even numbers in this protocol.
    fn size(&mut self) -> Option<u64> {
        self.varint().filter(|value| value % 2 == 0).map(|value| value / 2)
    }

    /// The type of the next field of a structure, whose number goes into `field`; [`END`] at the end of the structure.
    fn next_field(&mut self, field: &mut u64) -> Option<u8> {
        let head = self.byte()?;
        if head == 0 {
            return Some(END);
        }
        *field = match head >> 4 {
            0 => self.size()?,
            step => field.checked_add(step.into())?,
        };
        Some(head & 0x0f).filter(|kind| *kind != END)
    }

    /// Passes over a value of a type.
    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            // The type of a boolean field says its value.
            1 | 2 => Some(()),
            3 => self.byte().map(|_| ()),
            4..=6 => self.varint().map(|_| ()),
            7 => self.skip_bytes(8),
            8 => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            9 | 10 => self.skip_list(depth),
            STRUCTURE if depth < MAX_DEPTH => {
                let mut field = 0;
                loop {
                    match self.next_field(&mut field)? {
                        END => return Some(()),
                        kind => self.skip(kind, depth + 1)?,
                    }
                }
            }
            _ => None,
        }
    }

    fn skip_list(&mut self, depth: usize) -> Option<()> {
        let head = self.byte()?;
        let length = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        for _ in 0..length {
            match head & 0x0f {
                1 | 2 => self.skip_bytes(1)?,
                kind => self.skip(kind, depth + 1)?,
            }
        }
        Some(())
    }

    fn skip_bytes(&mut self, length: u64) -> Option<()> {
        for _ in 0..length {
            self.byte()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_sizes_whatever_else_it_holds() {
        // A data page of 300 bytes from 7, with a checksum, and statistics of text, boolean and list in its inner structure.
        let inner = [0x15, 2, 0x15, 0, 0x2c, 0x18, 3, b'a', b'b', b'c', 0x11, 0x19, 0x25, 2, 4, 0, 0];
        let mut bytes = vec![0x15, 0, 0x15, 0xd8, 0x04, 0x15, 14, 0x15, 9, 0x1c];
        bytes.extend_from_slice(&inner);
        bytes.push(0);
        let length = bytes.len() as u64;
        let expected = Some(Header { length, packed: 7, unpacked: 300, levels: 0, is_packed: true });
        assert_eq!(Header::parse(bytes.as_slice()), expected);
        assert_eq!(Header::parse([bytes.as_slice(), b"page"].concat().as_slice()), expected);
        assert_eq!(Header::parse(&bytes[..bytes.len() - 1]), None);
        // A page of the second version with 2 and 3 bytes of levels, which is not packed.
        let second = [0x15, 6, 0x15, 40, 0x15, 40, 0x5c, 0x55, 4, 0x15, 6, 0x12, 0, 0];
        let length = second.len() as u64;
        let expected = Some(Header { length, packed: 20, unpacked: 20, levels: 5, is_packed: false });
        assert_eq!(Header::parse(second.as_slice()), expected);
        assert_eq!(Header::parse([0x15, 0, 0x15, 1, 0x15, 14, 0].as_slice()), None, "a negative size");
    }
}
