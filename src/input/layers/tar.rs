//! tar: header, content, header, content. Read as it comes, so that an archive may be compressed or come through a pipe, and one bad
//! header costs only its file. Names are shown and looked at, and never become paths.

use std::ops::ControlFlow;

use super::{Container, Member};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::refusal::Refusal;
use crate::input::stream::{Exactly, Stream};

const BLOCK_BYTES: usize = 512;

/// Names and other things that are told in more than a header are no longer than this.
const MAX_EXTENSION_BYTES: u64 = 1 << 16;

/// The header of a file.
struct Header {
    name: String,
    kind: u8,
    size: u64,
}

/// A longer name or size of the next file, which comes before its header.
#[derive(Default)]
struct Extension {
    name: Option<String>,
    size: Option<u64>,
}

/// Tells whether `head` begins with a header.
pub(super) fn is_header(head: &[u8]) -> bool {
    head.get(..BLOCK_BYTES).is_some_and(|block| checksum_fits(block) && block[0] != 0)
}

/// Reads every file of the archive.
pub(super) fn read_members(stream: &mut Stream<'_>, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let mut extension = Extension::default();
    loop {
        let at = stream.position();
        let outcome = match next_header(stream) {
            Ok(Some(header)) => file(stream, header, &mut extension, container, collector)?,
            Ok(None) => return ControlFlow::Continue(()),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = outcome {
            let goes_on = refusal.goes_on;
            collector.refuse(Position::record(at), refusal, b"")?;
            if !goes_on || !find_header(stream) {
                return ControlFlow::Continue(());
            }
        }
    }
}

/// Reads one file, or keeps what is told of the next one.
fn file(
    stream: &mut Stream<'_>,
    header: Header,
    extension: &mut Extension,
    container: Container<'_>,
    collector: &mut Collector<'_>,
) -> ControlFlow<(), Result<(), Refusal>> {
    if matches!(header.kind, b'L' | b'x') {
        return ControlFlow::Continue(extend(stream, &header, extension));
    }
    let Extension { name, size } = std::mem::take(extension);
    let name = name.unwrap_or(header.name);
    let size = size.unwrap_or(header.size);
    let end = stream.position() + size;
    if matches!(header.kind, b'0' | b'7' | 0) && !name.ends_with('/') {
        let member = Member { name, archive: container.name };
        let beginning = stream.peek(member.sniffed_bytes());
        let length = beginning.len().min(usize::try_from(size).unwrap_or(usize::MAX));
        if member.is_taken(&beginning[..length], collector) {
            member.read_content(Exactly::new(stream, size), container, collector)?;
        } else {
            collector.check_interrupt()?;
        }
    }
    ControlFlow::Continue(finish(stream, end))
}

/// Passes to the block behind a file.
fn finish(stream: &mut Stream<'_>, end: u64) -> Result<(), Refusal> {
    let end = end.next_multiple_of(BLOCK_BYTES as u64);
    if stream.skip(end.saturating_sub(stream.position()))? { Ok(()) } else { Err(cut()) }
}

fn cut() -> Refusal {
    Refusal::truncated("the archive is cut short")
}

/// A long name, or what pax has to say.
fn extend(stream: &mut Stream<'_>, header: &Header, extension: &mut Extension) -> Result<(), Refusal> {
    let end = stream.position() + header.size;
    if header.size > MAX_EXTENSION_BYTES {
        finish(stream, end)?;
        return Err(Refusal {
            goes_on: true,
            ..Refusal::damaged("a member's name or pax header is longer than 64 KiB")
        });
    }
    let bytes = stream.take_exactly(usize::try_from(header.size).unwrap_or_default())?;
    if header.kind == b'L' {
        extension.name = Some(text(&bytes));
    } else {
        for (key, value) in pax(&bytes) {
            match key {
                "path" => extension.name = Some(value.to_owned()),
                "size" => extension.size = value.parse().ok(),
                _ => {}
            }
        }
    }
    finish(stream, end)
}

/// Lines of `LENGTH KEY=VALUE`.
fn pax(bytes: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let space = memchr::memchr(b' ', rest)?;
        let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
        let line = rest.get(space + 1..length)?;
        rest = &rest[length..];
        std::str::from_utf8(line).ok()?.strip_suffix('\n')?.split_once('=')
    })
}

/// The next header; none at the end of the archive.
fn next_header(stream: &mut Stream<'_>) -> Result<Option<Header>, Refusal> {
    let block = stream.take_exactly(BLOCK_BYTES).map_err(|refusal| match refusal.reason {
        crate::record::Reason::Truncated => cut(),
        _ => refusal,
    })?;
    if block.iter().all(|&byte| byte == 0) {
        return Ok(None);
    }
    let size = number(&block[124..136]).filter(|size| i64::try_from(*size).is_ok());
    match size {
        Some(size) if checksum_fits(&block) => Ok(Some(Header { name: name(&block), kind: block[156], size })),
        _ => Err(Refusal {
            goes_on: true,
            ..Refusal::damaged("the archive has a header that does not fit its checksum")
        }),
    }
}

/// Passes on to the next header, block by block.
fn find_header(stream: &mut Stream<'_>) -> bool {
    loop {
        let head = stream.peek(BLOCK_BYTES);
        if is_header(head) {
            return true;
        }
        if head.len() < BLOCK_BYTES || stream.skip(BLOCK_BYTES as u64).is_err() {
            return false;
        }
    }
}

fn name(block: &[u8]) -> String {
    let name = text(&block[..100]);
    let prefix = if &block[257..263] == b"ustar\0" { text(&block[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

fn text(field: &[u8]) -> String {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// A number in octal digits, or in binary if the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let mut number = 0_u64;
        for &byte in &field[1..] {
            number = number.checked_mul(256)?.checked_add(u64::from(byte))?;
        }
        return (field[0] == 0x80).then_some(number);
    }
    let digits = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

fn checksum_fits(block: &[u8]) -> bool {
    // The checksum counts its own eight bytes as spaces.
    let expected = sum(&block[..148]) + 8 * u64::from(b' ') + sum(&block[156..]);
    number(&block[148..156]) == Some(expected)
}
