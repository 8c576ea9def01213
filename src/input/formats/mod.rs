//! One file a format: cuts a stream into raw records, and parses a raw record. `FORMATS` is the table of them.

/// ARC, which came before WARC.
mod arc;
/// Arrow IPC: files (Feather) and streams.
mod arrow;
/// The bytes and the name by which a format is recognised.
mod beginning;
/// Pictures and other files without text.
mod binary;
/// Pages and texts that a crawler fetched.
mod capture;
/// Content that shows beyond doubt what it is.
mod certain;
/// The named columns of columnar files.
mod columns;
/// Datelines that stand apart from the text.
mod dateline;
/// Word documents.
mod docx;
/// XML and SGML with an article in each element of one name.
mod elements;
/// The records within a JSON value.
mod envelope;
/// RSS and Atom.
mod feed;
/// Named fields to a document.
mod fields;
/// Web pages.
mod html;
/// JSON: a value, several of them, or arrays of them.
mod json;
/// Values of JSON to texts and metadata.
mod json_fields;
/// JSON whose names tell where the text is.
mod known_json;
/// JSON Lines.
mod lines;
/// Lists and bytes as programs write them into cells.
mod literals;
/// Mail and saved web pages.
mod mail;
/// Documents of word processors.
mod manuscript;
/// Mailboxes.
mod mbox;
/// XML dumps of wikis.
mod mediawiki;
/// NewsML-G2.
mod newsml;
/// NewsML 1.
mod newsml1;
/// ninjs, the JSON of news agencies.
mod ninjs;
/// NITF, the XML of news agencies.
mod nitf;
/// Parquet.
mod parquet;
/// Plain text.
mod plain;
/// Exports of press databases.
mod press_database;
/// Records of ProQuest TDM Studio.
mod proquest;
/// Reuters RCV1 and RCV2.
mod rcv;
/// Reuters-21578.
mod reuters;
/// Rich Text Format.
mod rtf;
/// CSV, TSV and the like.
mod table;
/// Elements found by their tags.
mod tags;
/// Bytes read as if they were a file.
pub(super) mod testing;
/// SGML of research corpora: Gigaword, AQUAINT and TREC.
mod trec;
/// WARC, the archives of crawlers.
mod warc;
/// The markup of wikis.
mod wikitext;
/// Messages of agencies as they came over the wire.
mod wire;
/// XML as a tree.
mod xml;

pub(crate) use arrow::{ArrowStream, RowBatch};
pub(crate) use lines::next_record;
pub(super) use lines::read_pieces;

use encoding_rs::{Encoding, UTF_8};

use super::collector::{Collector, Flow, Position};
use super::layers::Container;
use super::names;
use super::refusal::Refusal;
use super::stream::Stream;
use super::text::decode::{UTF_16_BYTES, unmarked_utf_16};
use super::text::utf8::Utf8;
use crate::config::InputConfig;
use crate::record::Reason;
use beginning::Beginning;

/// The formats. The first one that recognises a stream reads it.
static FORMATS: &[&Format] = &[
    &parquet::FORMAT,
    &arrow::FORMAT,
    &docx::FORMAT,
    &rtf::FORMAT,
    &warc::FORMAT,
    &arc::FORMAT,
    &binary::FORMAT,
    &mbox::FORMAT,
    &mail::FORMAT,
    &lines::FORMAT,
    &json::FORMAT,
    &table::TSV,
    &table::CSV,
    &elements::FORMAT,
    &press_database::TEXT,
    &press_database::PAGE,
    &html::FORMAT,
    &wire::FORMAT,
    &table::UNNAMED,
    &binary::MISNAMED,
    &plain::FORMAT,
];

/// A file format.
struct Format {
    /// The extensions of its files, in small letters.
    extensions: &'static [&'static str],
    /// True if a file is one record, which is decoded as a whole and keeps the name of its encoding.
    is_one_record: bool,
    /// Tells whether a stream that no earlier format of the table has recognised is in this one.
    recognise: fn(&mut Beginning<'_, '_>) -> bool,
    /// Reads a stream to its end and puts its records into the collector.
    read: fn(&mut Stream<'_>, Container<'_>, &mut Collector<'_>) -> Flow,
}

/// Tells whether a file or an archive member of this name can be read. Of others, the content decides: see [`is_certain`].
pub(super) fn is_readable(name: &str) -> bool {
    by_extension(name).is_some() || names::is_archive(name)
}

/// Tells whether content without a telling name can be read with certainty. Takes nothing out of the stream.
pub(super) fn is_certain(stream: &mut Stream<'_>, settings: &InputConfig) -> bool {
    certain::is_certain(&mut Beginning::new(stream, "", &settings.fields), settings)
}

/// Tells whether a file of this name that begins like this is a document, though it is a zip archive.
pub(super) fn is_zipped_document(name: &str, head: &[u8]) -> bool {
    docx::is_document(&names::extension(name), head)
}

/// The format of files of this name.
fn by_extension(name: &str) -> Option<&'static Format> {
    let extension = names::extension(name);
    FORMATS.iter().copied().find(|format| format.extensions.contains(&extension.as_str()))
}

/// Reads the records of a stream, whatever its format.
pub(super) fn read_format(stream: &mut Stream<'_>, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let head = stream.peek(UTF_16_BYTES);
    match Encoding::for_bom(head).map(|(encoding, _)| encoding).or_else(|| unmarked_utf_16(head)) {
        Some(encoding)
            if encoding != UTF_8 && (!is_one_record(container.name) || begins_table(stream, encoding, collector)) =>
        {
            let mut decoded = Stream::new(Utf8::new(stream, encoding));
            read_as_it_is(&mut decoded, container.without_file(), collector)
        }
        _ => read_as_it_is(stream, container, collector),
    }
}

/// Tells whether a stream with the name of a file has lines of JSON that end with line feeds, so that it can be read in pieces. Takes nothing
/// out of the stream.
pub(super) fn is_lines(stream: &mut Stream<'_>, name: &str, settings: &InputConfig) -> bool {
    let head = stream.peek(UTF_16_BYTES);
    let encoding = Encoding::for_bom(head).map(|(encoding, _)| encoding).or_else(|| unmarked_utf_16(head));
    if encoding.is_some_and(|encoding| encoding != UTF_8) || lines::has_old_lines(stream) {
        return false;
    }
    let mut beginning = Beginning::new(stream, name, &settings.fields);
    let format = FORMATS.iter().copied().find(|format| (format.recognise)(&mut beginning));
    format.is_some_and(|format| std::ptr::eq(format, &raw const lines::FORMAT))
}

/// Tells whether a stream in UTF-16 begins with a header row, as the "Unicode text" of spreadsheets does.
fn begins_table(stream: &mut Stream<'_>, encoding: &'static Encoding, collector: &Collector<'_>) -> bool {
    const HEADER_BYTES: usize = 1 << 12;
    let head = stream.peek(HEADER_BYTES);
    let (head, ..) = encoding.decode(&head[..head.len().min(HEADER_BYTES)]);
    head.lines().next().is_some_and(|line| table::is_header(line.as_bytes(), &collector.settings().fields))
}

/// Tells whether a file of this name should be one record. One of an unknown extension should be a text.
fn is_one_record(name: &str) -> bool {
    by_extension(name).map_or_else(|| !names::is_archive(name), |format| format.is_one_record)
}

fn read_as_it_is(stream: &mut Stream<'_>, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let mut beginning = Beginning::new(stream, container.name, &collector.settings().fields);
    match FORMATS.iter().find(|format| (format.recognise)(&mut beginning)) {
        Some(format) => (format.read)(stream, container, collector),
        None => refuse_unknown(stream, collector),
    }
}

/// Refuses a stream that is in no format of the table.
fn refuse_unknown(stream: &mut Stream<'_>, collector: &mut Collector<'_>) -> Flow {
    let head = stream.peek(1).to_vec();
    collector.refuse(Position::Whole, Refusal::new(Reason::UnknownFormat, "is not in a supported format"), &head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_can_be_read() {
        for name in ["a.jsonl.gz", "A.TXT", "b/a.warc.gz", "a.tgz", "a.tar.xz", "a.zip", "a.sgm"] {
            assert!(is_readable(name), "{name}");
        }
        for name in ["a.png", "a.b/c", "a.gz", ".gz", "txt"] {
            assert!(!is_readable(name), "{name}");
        }
    }

    #[test]
    fn no_two_formats_have_the_same_extension() {
        let mut extensions: Vec<&str> = FORMATS.iter().flat_map(|format| format.extensions).copied().collect();
        let before = extensions.len();
        extensions.sort_unstable();
        extensions.dedup();
        assert_eq!(extensions.len(), before);
    }

    #[test]
    fn every_example_may_be_cut_anywhere() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/formats");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            // Tests of the layers cut what is compressed or archived.
            if !matches!(names::extension(name).as_str(), "gz" | "zst" | "lz4" | "zip" | "wacz") {
                testing::read_every_cut(name, &std::fs::read(&path).unwrap());
            }
        }
    }

    #[test]
    fn a_text_of_unknown_name_keeps_the_name_of_its_encoding() {
        let utf_16: Vec<u8> =
            "\u{feff}{\"text\": \"One.\"}\n{\"text\": \"Two.\"}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(testing::read_article("a", &utf_16).encoding, "UTF-16LE");
        assert_eq!(testing::read_articles("a.jsonl", &utf_16).len(), 2);
        assert_eq!(testing::read_articles("a.jsonl", &utf_16[2..]).len(), 2, "without a byte order mark");
    }
}
