//! Compression and archives around a format, recognised by their first bytes, one inside another.

/// Limits on the bytes that a file unpacks to.
mod budget;
/// gzip, member by member.
mod gzip;
/// LZ4, frame by frame.
mod lz4;
/// Files of a tar archive.
mod tar;
/// Files of a zip archive.
mod zip;
/// zstd, with and without a dictionary.
mod zstd;

use std::io::{BufRead, Read};

use super::collector::{Collector, Flow, Position};
use super::formats;
use super::names::{extension, kind, without_compression};
use super::pieces::Pieces;
use super::random_access::RandomAccess;
use super::refusal::Refusal;
use super::stream::Stream;
use crate::config::InputConfig;
use crate::record::Reason;
pub(super) use budget::most_unpacked_bytes;
pub(crate) use budget::{Budget, Counted};

/// So many layers may lie around a format.
const MAX_LAYERS: usize = 4;

/// Layers are recognised within so many bytes.
const HEAD_BYTES: usize = 1 << 14;

/// So many packed bytes of a file of unknown name are unpacked to see what it is.
const SNIFFED_BYTES: usize = 1 << 16;

/// As [`SNIFFED_BYTES`] for bzip2, which unpacks nothing before it has a block of up to 900,000 bytes.
const SNIFFED_BZIP2_BYTES: usize = 1 << 20;

/// xz may want so much memory.
const MAX_XZ_BYTES: u64 = 256 << 20;

/// Something that holds other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Lz4,
    Zip,
    Tar,
}

impl Layer {
    /// The layer that begins with these bytes.
    fn recognise(head: &[u8]) -> Option<Self> {
        if head.starts_with(&[0x1f, 0x8b]) {
            Some(Self::Gzip)
        } else if head.starts_with(&zstd::MAGIC) || begins_skippable(head) {
            Some(Self::Zstd)
        } else if head.starts_with(b"BZh")
            && head.get(4..10).is_none_or(|block| matches!(block, b"1AY&SY" | b"\x17rE8P\x90"))
        {
            Some(Self::Bzip2)
        } else if head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
            Some(Self::Xz)
        } else if head.starts_with(&lz4::MAGIC) {
            Some(Self::Lz4)
        } else if head.starts_with(b"PK\x03\x04")
            || head.starts_with(b"PK\x05\x06")
            || head.starts_with(b"PK\x07\x08PK\x03\x04")
        {
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
pub(crate) struct Container<'b> {
    /// The name of the file that it comes from.
    pub(super) name: &'b str,
    pub(super) budget: &'b Budget,
    /// The file itself, where there is one and nothing lies around what it holds.
    pub(super) file: Option<&'b RandomAccess>,
    depth: usize,
}

impl<'b> Container<'b> {
    pub(crate) fn new(name: &'b str, file: Option<&'b RandomAccess>, budget: &'b Budget) -> Self {
        Self { name, budget, file, depth: 0 }
    }

    /// The same for a stream of bytes that differ from those of the file.
    pub(super) fn without_file(self) -> Self {
        Self { file: None, ..self }
    }
}

/// Reads what is in `stream` to its end.
pub(crate) fn read_layers(stream: &mut Stream<'_>, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let head = stream.peek(HEAD_BYTES);
    let layer = Layer::recognise(head)
        .filter(|layer| *layer != Layer::Zip || !formats::is_zipped_document(container.name, head));
    let Some(layer) = layer else {
        return formats::read_format(stream, container, collector);
    };
    if container.depth >= MAX_LAYERS {
        let message = format!("lies in more than {MAX_LAYERS} archives and compressions");
        return collector.refuse(Position::Whole, Refusal::new(Reason::TooDeep, message), b"");
    }
    match layer {
        Layer::Gzip => unpack(gzip::Members::new(stream), container, collector),
        Layer::Zstd => match zstd::decoder(stream) {
            Ok(decoder) => unpack(decoder, container, collector),
            Err(refusal) => collector.refuse(Position::Whole, refusal, b""),
        },
        Layer::Bzip2 => unpack(bzip2::bufread::MultiBzDecoder::new(stream), container, collector),
        Layer::Xz => match xz() {
            Ok(xz) => unpack(liblzma::bufread::XzDecoder::new_stream(stream, xz), container, collector),
            Err(error) => {
                collector.refuse(Position::Whole, Refusal::damaged(format!("cannot be unpacked: {error}")), b"")
            }
        },
        Layer::Lz4 => unpack(lz4::Frames::new(stream), container, collector),
        Layer::Zip => zip::read_members(stream, container, collector),
        Layer::Tar => tar::read_members(stream, container, collector),
    }
}

/// Reads the records of a file that begin in `pieces`, if they can be told apart: lines of JSON with nothing around them. Otherwise the file is
/// read as a whole, or not at all: `None` then, if it is in another part.
pub(crate) fn read_pieces(
    stream: &mut Stream<'_>,
    pieces: &Pieces,
    length: u64,
    container: Container<'_>,
    collector: &mut Collector<'_>,
) -> Option<Flow> {
    let has_layer = Layer::recognise(stream.peek(HEAD_BYTES)).is_some();
    if !has_layer && formats::is_lines(stream, container.name, collector.settings()) {
        return Some(formats::read_pieces(stream, pieces, length, collector));
    }
    pieces.has_first().then(|| read_layers(stream, container, collector))
}

/// Tells whether what is in `stream` can be read with certainty, although its name does not tell. Archives never are: office documents and
/// programs are zip archives as well. Takes nothing out of the stream.
pub(crate) fn is_certain(stream: &mut Stream<'_>, settings: &InputConfig) -> bool {
    is_certain_inside(stream, settings, 0)
}

fn is_certain_inside(stream: &mut Stream<'_>, settings: &InputConfig, depth: usize) -> bool {
    let Some(layer) = Layer::recognise(stream.peek(HEAD_BYTES)) else {
        return formats::is_certain(stream, settings);
    };
    let unpacked = if depth < MAX_LAYERS { beginning(layer, stream) } else { None };
    unpacked.is_some_and(|unpacked| is_certain_inside(&mut Stream::new(unpacked), settings, depth + 1))
}

/// Unpacks the beginning of `stream`, which stays as it is. `None` for archives.
fn beginning<'s>(layer: Layer, stream: &'s mut Stream<'_>) -> Option<Box<dyn Read + 's>> {
    let packed = stream.peek(if layer == Layer::Bzip2 { SNIFFED_BZIP2_BYTES } else { SNIFFED_BYTES });
    match layer {
        Layer::Gzip => Some(Box::new(flate2::bufread::MultiGzDecoder::new(packed))),
        Layer::Zstd => Some(Box::new(::zstd::Decoder::with_buffer(packed).ok()?)),
        Layer::Bzip2 => Some(Box::new(bzip2::bufread::MultiBzDecoder::new(packed))),
        Layer::Xz => Some(Box::new(liblzma::bufread::XzDecoder::new_stream(packed, xz().ok()?))),
        Layer::Lz4 => Some(Box::new(lz4_flex::frame::FrameDecoder::new(packed))),
        Layer::Zip | Layer::Tar => None,
    }
}

fn xz() -> Result<liblzma::stream::Stream, liblzma::stream::Error> {
    liblzma::stream::Stream::new_stream_decoder(MAX_XZ_BYTES, liblzma::stream::CONCATENATED)
}

fn unpack(decoder: impl Read, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let mut unpacked = Stream::new(container.budget.watch(decoder));
    let inner =
        Container { name: without_compression(container.name), file: None, depth: container.depth + 1, ..container };
    read_layers(&mut unpacked, inner, collector)
}

/// A file in an archive.
struct Member<'a> {
    name: String,
    /// The name of the archive.
    archive: &'a str,
}

impl Member<'_> {
    /// The number of bytes that show whether to read it; 0 if its name tells.
    fn sniffed_bytes(&self) -> usize {
        if formats::is_readable(&self.name) || self.is_ignored() { 0 } else { SNIFFED_BYTES }
    }

    /// True if it is neither read nor counted: it is hidden, as on a walk, or describes the web archives of a WACZ.
    fn is_ignored(&self) -> bool {
        is_hidden(&self.name) || extension(self.archive) == "wacz" && !self.name.starts_with("archive/")
    }

    /// Tells whether to read it: its name or the beginning of its content shows that it can be read. Counts it otherwise, unless it is
    /// ignored.
    fn is_taken(&self, beginning: impl Read, collector: &mut Collector<'_>) -> bool {
        if self.is_ignored() {
            return false;
        }
        let is_taken =
            formats::is_readable(&self.name) || is_certain(&mut Stream::new(beginning), collector.settings());
        if !is_taken {
            collector.leave_out(&kind(&self.name));
        }
        is_taken
    }

    /// Reads its content.
    fn read_content(&self, content: impl Read, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
        let before = collector.enter(&self.name);
        let mut stream = Stream::new(content);
        let flow = read_layers(
            &mut stream,
            Container { name: &self.name, file: None, depth: container.depth + 1, ..container },
            collector,
        );
        collector.leave(before);
        flow
    }

    /// Says why it cannot be read.
    fn refuse(&self, refusal: Refusal, collector: &mut Collector<'_>) -> Flow {
        let before = collector.enter(&self.name);
        let flow = collector.refuse(Position::Whole, refusal, b"");
        collector.leave(before);
        flow
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::input::formats::testing::read_layers;
    use crate::record::Reason;

    fn warc(number: usize) -> Vec<u8> {
        let page = "It rained.";
        let head = "WARC/1.1\r\nWARC-Type: resource\r\nContent-Type: text/plain";
        let record = format!(
            "{head}\r\nWARC-Target-URI: https://a.example/{number}\r\nContent-Length: {}\r\n\r\n{page}\r\n\r\n",
            page.len()
        );
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(record.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = ::zip::write::SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Stored);
        for (name, bytes) in members {
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn a_wacz_is_its_web_archives_alone() {
        let bytes = archive(&[
            ("archive/data.warc.gz", warc(1)),
            ("archive/more.warc.gz", warc(2)),
            (
                "pages/pages.jsonl",
                b"{\"format\":\"json-pages-1.0\"}\n{\"url\":\"https://a.example/1\",\"text\":\"It rained.\"}\n"
                    .to_vec(),
            ),
            ("datapackage.json", b"{\"profile\":\"data-package\"}".to_vec()),
        ]);
        let rained = Ok("It rained.".to_owned());
        assert_eq!(read_layers("crawl.wacz", &bytes), [rained.clone(), rained.clone()]);
        for end in (0..bytes.len()).step_by(97) {
            read_layers("crawl.wacz", &bytes[..end]);
        }
        let inside = bytes.windows(10).position(|window| window == b"more.warc.").unwrap() + 40;
        assert_eq!(read_layers("crawl.wacz", &bytes[..inside])[..2], [rained, Err(Reason::Truncated)]);
    }

    #[test]
    fn lz4_is_a_layer_like_others() {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(b"{\"text\":\"It rained.\"}\n{\"text\":\"It snowed.\"}\n").unwrap();
        let packed = encoder.finish().unwrap();
        let expected = ["It rained.", "It snowed."].map(|text| Ok(text.to_owned()));
        assert_eq!(read_layers("a.jsonl.lz4", &packed), expected);
        assert_eq!(read_layers("a.jsonl.lz4", &packed[..packed.len() - 8]).last(), Some(&Err(Reason::Truncated)));
    }
}
