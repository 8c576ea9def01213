//! What lies around a format: compression and archives, told by their first bytes, one inside another.

/// How much a file may unpack to.
mod budget;
/// gzip, member by member.
mod gzip;
/// Files of a tar archive.
mod tar;
/// Files of a zip archive.
mod zip;

use std::fs::File;
use std::io::{BufRead, Read};
use std::ops::ControlFlow;

use super::formats;
use super::intake::{Flow, Intake, Spot};
use super::names::without_compression;
use super::refusal::Refusal;
use super::stream::Stream;
use crate::record::Reason;
pub(crate) use budget::{Budget, Counted};

/// So many layers may lie around a format.
const MAX_LAYERS: usize = 4;

/// Where the name of a format stands in a file at the latest.
const HEAD_BYTES: usize = 1 << 14;

/// xz may want so much memory.
const MAX_XZ_BYTES: u64 = 256 << 20;

/// Something that holds other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Zip,
    Tar,
}

impl Layer {
    fn of(head: &[u8]) -> Option<Self> {
        let begins = |magic: &[u8]| head.starts_with(magic);
        if begins(&[0x1f, 0x8b]) {
            Some(Self::Gzip)
        } else if begins(&[0x28, 0xb5, 0x2f, 0xfd]) || (begins_skippable(head)) {
            Some(Self::Zstd)
        } else if begins(b"BZh") && head.get(4..10).is_none_or(|block| matches!(block, b"1AY&SY" | b"\x17rE8P\x90")) {
            Some(Self::Bzip2)
        } else if begins(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
            Some(Self::Xz)
        } else if begins(b"PK\x03\x04") || begins(b"PK\x05\x06") || begins(b"PK\x07\x08PK\x03\x04") {
            Some(Self::Zip)
        } else {
            tar::is_header(head).then_some(Self::Tar)
        }
    }
}

fn begins_skippable(head: &[u8]) -> bool {
    head.len() > 3 && head[0] & 0xf0 == 0x50 && head[1..4] == [0x2a, 0x4d, 0x18]
}

/// A stream and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shell<'b> {
    /// The name of the file that it comes from.
    pub(super) name: &'b str,
    pub(super) budget: &'b Budget,
    /// The file itself, where there is one and nothing lies around what it holds.
    pub(super) file: Option<&'b File>,
    depth: usize,
}

impl<'b> Shell<'b> {
    pub(crate) fn new(name: &'b str, file: Option<&'b File>, budget: &'b Budget) -> Self {
        Self { name, budget, file, depth: 0 }
    }

    /// Where what is read is no longer what the file has.
    pub(super) fn without_file(self) -> Self {
        Self { file: None, ..self }
    }
}

/// Reads what is in `stream` to its end.
pub(crate) fn read(stream: &mut Stream<'_>, shell: Shell<'_>, intake: &mut Intake<'_>) -> Flow {
    let head = stream.peek(HEAD_BYTES);
    let layer = Layer::of(head).filter(|layer| *layer != Layer::Zip || !formats::is_zipped_document(shell.name, head));
    let Some(layer) = layer else {
        return formats::read(stream, shell, intake);
    };
    if shell.depth >= MAX_LAYERS {
        let message = format!("lies in more than {MAX_LAYERS} archives and compressions");
        return intake.refuse(Spot::Whole, Refusal::new(Reason::TooDeep, message), b"");
    }
    match layer {
        Layer::Gzip => unpack(gzip::Members::new(stream), shell, intake),
        Layer::Zstd => match zstd::Decoder::with_buffer(stream) {
            Ok(decoder) => unpack(decoder, shell, intake),
            Err(error) => intake.refuse(Spot::Whole, error.into(), b""),
        },
        Layer::Bzip2 => unpack(bzip2::bufread::MultiBzDecoder::new(stream), shell, intake),
        Layer::Xz => match xz() {
            Ok(xz) => unpack(liblzma::bufread::XzDecoder::new_stream(stream, xz), shell, intake),
            Err(error) => intake.refuse(Spot::Whole, Refusal::damaged(format!("cannot be unpacked: {error}")), b""),
        },
        Layer::Zip => zip::read(stream, shell, intake),
        Layer::Tar => tar::read(stream, shell, intake),
    }
}

fn xz() -> Result<liblzma::stream::Stream, liblzma::stream::Error> {
    liblzma::stream::Stream::new_stream_decoder(MAX_XZ_BYTES, liblzma::stream::CONCATENATED)
}

fn unpack(decoder: impl Read, shell: Shell<'_>, intake: &mut Intake<'_>) -> Flow {
    let mut unpacked = Stream::new(shell.budget.watch(decoder));
    let inner = Shell { name: without_compression(shell.name), file: None, depth: shell.depth + 1, ..shell };
    read(&mut unpacked, inner, intake)
}

/// A file in an archive.
struct Member {
    name: String,
}

impl Member {
    /// Reads it, where its name says that it can be read: what else lies in an archive is left out, as on a walk.
    fn read(&self, content: impl Read, shell: Shell<'_>, intake: &mut Intake<'_>) -> Flow {
        if !self.is_wanted() {
            return intake.check_interrupt();
        }
        let before = intake.enter(&self.name);
        let mut stream = Stream::new(content);
        let flow = read(&mut stream, Shell { name: &self.name, file: None, depth: shell.depth + 1, ..shell }, intake);
        intake.leave(before);
        flow
    }

    /// Says why it cannot be read.
    fn refuse(&self, refusal: Refusal, intake: &mut Intake<'_>) -> Flow {
        if !self.is_wanted() {
            return ControlFlow::Continue(());
        }
        let before = intake.enter(&self.name);
        let flow = intake.refuse(Spot::Whole, refusal, b"");
        intake.leave(before);
        flow
    }

    fn is_wanted(&self) -> bool {
        formats::is_readable(&self.name) && !is_hidden(&self.name)
    }
}

/// Passes on to the first of `marks` that comes. `false` where none does.
fn find_bytes(stream: &mut Stream<'_>, marks: &[&[u8]]) -> bool {
    let longest = marks.iter().map(|mark| mark.len()).max().unwrap_or(0);
    loop {
        let bytes = stream.peek(longest);
        let found = marks.iter().filter_map(|mark| memchr::memmem::find(bytes, mark)).min();
        let passed = found.unwrap_or((bytes.len() + 1).saturating_sub(longest));
        let has_more = bytes.len() >= longest;
        stream.consume(passed);
        if found.is_some() || !has_more {
            return found.is_some();
        }
    }
}

fn is_hidden(name: &str) -> bool {
    // As macOS leaves them: `__MACOSX/._article.txt`.
    name.split('/').any(|part| part.starts_with('.') && part != "." && part != ".." || part == "__MACOSX")
}
