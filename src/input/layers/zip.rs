//! zip, from its first file to its last as they lie there. The list at its end is not needed, so that an archive may come through a
//! pipe, lie in another one, or lack its end. Names are shown and looked at, and never become paths.

use std::io::{BufRead, Read};
use std::ops::ControlFlow;

use flate2::Crc;

use super::{Container, Member, find_bytes};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::refusal::Refusal;
use crate::input::stream::{Exactly, Stream};

const FILE: &[u8] = b"PK\x03\x04";
const LISTED: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";

const HEADER_BYTES: usize = 30;

/// The list's last part has no more bytes than this.
const MAX_END_BYTES: usize = 22 + 0xffff;

/// The header before a file.
struct Header {
    name: String,
    flags: u16,
    method: u16,
    checksum: u32,
    packed_bytes: u64,
}

impl Header {
    fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0
    }

    /// True if checksum and size follow the file instead.
    fn is_open_ended(&self) -> bool {
        self.flags & 8 != 0
    }
}

/// Reads every file of the archive.
pub(super) fn read_members(stream: &mut Stream<'_>, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    loop {
        let at = stream.position();
        let head = stream.peek(4);
        let outcome = if head.starts_with(FILE) {
            match header(stream) {
                Ok(header) => file(stream, &header, container, collector)?,
                Err(refusal) => Err(refusal),
            }
        } else if head.starts_with(LISTED) || head.starts_with(END) {
            let outcome = finish(stream);
            outcome.map_or_else(
                |refusal| collector.refuse(Position::record(at), refusal, b""),
                |()| ControlFlow::Continue(()),
            )?;
            return ControlFlow::Continue(());
        } else if stream.is_at_end() {
            Err(cut())
        } else {
            let refusal =
                stream.fill_buf().map(|_| Refusal::damaged("the archive holds something else between its files"));
            Err(Refusal { goes_on: true, ..refusal.unwrap_or_else(Refusal::from) })
        };
        if let Err(refusal) = outcome {
            let goes_on = refusal.goes_on;
            collector.refuse(Position::record(at), refusal, b"")?;
            if !goes_on || !find_bytes(stream, &[FILE, LISTED, END]) {
                return ControlFlow::Continue(());
            }
        }
    }
}

fn cut() -> Refusal {
    Refusal::truncated("the archive is cut short")
}

fn header(stream: &mut Stream<'_>) -> Result<Header, Refusal> {
    let bytes = stream.take_exactly(HEADER_BYTES)?;
    let name = stream.take_exactly(short(&bytes, 26).into())?;
    let extra = stream.take_exactly(short(&bytes, 28).into())?;
    let packed_bytes = match long(&bytes, 18) {
        u32::MAX => large_size(&extra).unwrap_or_else(|| u32::MAX.into()),
        size => size.into(),
    };
    Ok(Header {
        name: String::from_utf8_lossy(&name).into_owned(),
        flags: short(&bytes, 6),
        method: short(&bytes, 8),
        checksum: long(&bytes, 14),
        packed_bytes,
    })
}

/// The packed size of a file of more than 4 GB: the second number of the field with number 1.
fn large_size(mut extra: &[u8]) -> Option<u64> {
    while extra.len() >= 4 {
        let number = short(extra, 0);
        let length = usize::from(short(extra, 2));
        let field = extra.get(4..4 + length)?;
        if number == 1 {
            return Some(u64::from_le_bytes(field.get(8..16)?.try_into().ok()?));
        }
        extra = &extra[4 + length..];
    }
    None
}

/// Reads one file.
fn file(
    stream: &mut Stream<'_>,
    header: &Header,
    container: Container<'_>,
    collector: &mut Collector<'_>,
) -> ControlFlow<(), Result<(), Refusal>> {
    let begin = stream.position();
    let is_packed = header.method != 0;
    if header.is_open_ended() && header.packed_bytes == 0 && (!is_packed || header.is_encrypted()) {
        let message = format!("`{}` does not say where it ends", header.name);
        return ControlFlow::Continue(Err(Refusal { goes_on: true, ..Refusal::damaged(message) }));
    }
    if header.is_open_ended() && header.packed_bytes == 0 {
        let member = member(stream, header, u64::MAX, container.name, collector);
        unpack(&mut *stream, header, member.as_ref(), container, collector)?;
        return ControlFlow::Continue(pass_descriptor(stream));
    }
    let member = member(stream, header, header.packed_bytes, container.name, collector);
    let packed = Exactly::new(stream, header.packed_bytes);
    unpack(packed, header, member.as_ref(), container, collector)?;
    let end = begin + header.packed_bytes;
    let passed = stream.skip(end.saturating_sub(stream.position()));
    let outcome = passed.and_then(|is_there| if is_there { Ok(()) } else { Err(cut()) });
    let is_described = header.is_open_ended();
    ControlFlow::Continue(outcome.and_then(|()| if is_described { pass_descriptor(stream) } else { Ok(()) }))
}

/// The file if it is to be read, which its name or its beginning shows.
fn member<'a>(
    stream: &mut Stream<'_>,
    header: &Header,
    max_packed_bytes: u64,
    archive: &'a str,
    collector: &mut Collector<'_>,
) -> Option<Member<'a>> {
    if header.name.ends_with('/') {
        return None;
    }
    let member = Member { name: header.name.clone(), archive };
    let packed = stream.peek(member.sniffed_bytes());
    let length = packed.len().min(usize::try_from(max_packed_bytes).unwrap_or(usize::MAX));
    let beginning = decoder(&packed[..length], header).unwrap_or_else(|_| Box::new(std::io::empty()));
    member.is_taken(beginning, collector).then_some(member)
}

/// Reads the file if there is a `member` to read. If its end can only be found by unpacking, unpacks it in any case.
fn unpack(
    packed: impl BufRead,
    header: &Header,
    member: Option<&Member<'_>>,
    container: Container<'_>,
    collector: &mut Collector<'_>,
) -> Flow {
    if member.is_none() && !header.is_open_ended() {
        return collector.check_interrupt();
    }
    let decoder = match (decoder(packed, header), member) {
        (Ok(decoder), _) => decoder,
        (Err(refusal), Some(member)) => return member.refuse(refusal, collector),
        (Err(_), None) => return ControlFlow::Continue(()),
    };
    let checksum = (!header.is_open_ended()).then_some(header.checksum);
    let mut checked = Checked { inner: container.budget.watch(decoder), checksum, seen: Crc::new() };
    match member {
        Some(member) => member.read_content(&mut checked, container, collector)?,
        None => collector.check_interrupt()?,
    }
    if header.is_open_ended() {
        // What is wrong with it has been said, or is of no interest.
        let _ = std::io::copy(&mut checked, &mut std::io::sink());
    }
    ControlFlow::Continue(())
}

fn decoder<'p>(packed: impl BufRead + 'p, header: &Header) -> Result<Box<dyn Read + 'p>, Refusal> {
    match header.method {
        _ if header.is_encrypted() => Err(Refusal::damaged("is encrypted")),
        0 => Ok(Box::new(packed)),
        8 => Ok(Box::new(flate2::bufread::DeflateDecoder::new(packed))),
        12 => Ok(Box::new(bzip2::bufread::BzDecoder::new(packed))),
        93 => Ok(Box::new(::zstd::Decoder::with_buffer(packed)?)),
        95 => match super::xz() {
            Ok(xz) => Ok(Box::new(liblzma::bufread::XzDecoder::new_stream(packed, xz))),
            Err(error) => Err(Refusal::damaged(format!("cannot be unpacked: {error}"))),
        },
        method => Err(Refusal::damaged(format!("uses unsupported compression method {method}"))),
    }
}

/// Fails at its end where it is not what was packed.
struct Checked<R> {
    inner: R,
    checksum: Option<u32>,
    seen: Crc,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(into)?;
        self.seen.update(&into[..length]);
        let is_wrong = self.checksum.is_some_and(|checksum| checksum != self.seen.sum());
        if length == 0 && !into.is_empty() && is_wrong {
            return Err(Refusal::damaged("does not fit its checksum").into());
        }
        Ok(length)
    }
}

/// Skips the data descriptor behind a file whose size was not known: with or without a mark, in two sizes.
fn pass_descriptor(stream: &mut Stream<'_>) -> Result<(), Refusal> {
    let head = stream.peek(28);
    let is_marked = head.starts_with(DESCRIPTOR);
    let lengths: [usize; 2] = if is_marked { [16, 24] } else { [12, 20] };
    let Some(length) =
        lengths.into_iter().find(|&length| head.get(length..).is_some_and(|rest| rest.starts_with(b"PK")))
    else {
        return if head.len() < 20 {
            Err(cut())
        } else {
            Err(Refusal { goes_on: true, ..Refusal::damaged("the end of a member was not found") })
        };
    };
    stream.skip(length as u64).map(|_| ())
}

/// Reads the list to its end, which has to be there.
fn finish(stream: &mut Stream<'_>) -> Result<(), Refusal> {
    let mut tail = Vec::new();
    loop {
        let bytes = stream.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        tail.extend_from_slice(bytes);
        let length = bytes.len();
        stream.consume(length);
        tail.drain(..tail.len().saturating_sub(MAX_END_BYTES));
    }
    let end = memchr::memmem::rfind(&tail, END);
    if end.is_some_and(|at| tail.len() >= at + 22) { Ok(()) } else { Err(cut()) }
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
