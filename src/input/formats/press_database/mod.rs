//! Exports of press databases: many articles in one file, each between furniture of the database. The shapes are about lines of text, so
//! that plain text, HTML, RTF and Word documents share them.

/// Cuts a text into articles.
mod cut;
/// Factiva.
mod factiva;
/// Blocks, labels, dates and languages, as databases write them.
mod lines;
/// `LexisNexis`, as it was until 2019.
mod nexis;
/// Nexis Uni, and Lexis Advance.
mod nexis_uni;
/// `ProQuest`.
mod proquest;

use encoding_rs::{Encoding, UTF_8};
pub(super) use lines::language_code;

use super::beginning::Beginning;
use super::manuscript::take_whole;
use super::{Format, html};
use crate::input::collector::{Collector, Flow};
use crate::input::layers::Container;
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;
use crate::input::text::decode::decode_page;
use crate::input::text::markup;
use crate::input::text::utf8::Utf8;
use crate::record::Metadata;
use cut::Places;

/// A shape is recognised within so many bytes: lists of search terms and of results stand before the first article.
const HEAD_BYTES: usize = 1 << 18;

/// The shapes. The first one that recognises a text cuts it.
static SHAPES: [&Shape; 4] = [&nexis::SHAPE, &nexis_uni::SHAPE, &factiva::SHAPE, &proquest::SHAPE];

/// The lines that articles of a database have around them, and in them.
pub(super) struct Shape {
    /// The name of the database, for messages.
    name: &'static str,
    /// Tells whether these lines, trimmed and without blank ones, are surely of this shape: an article that only speaks of
    /// documents and their length is not.
    recognise: fn(&[&str]) -> bool,
    /// Tells whether an article begins or ends at a line.
    edge: fn(&str) -> Option<Edge>,
    /// The number of articles that a line announces.
    count: fn(&str) -> Option<Count>,
    /// Tells whether lines between two edges are no article and not meant to be one, like a cover page.
    is_furniture: fn(&[&str]) -> bool,
    /// Tells whether the last article of a file is whole, if no edge ends it.
    is_whole: fn(&[&str]) -> bool,
    /// Parses the lines of an article.
    parse: fn(&str) -> Result<Draft, Refusal>,
}

/// The place of a line at the edge of an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// The first line of an article.
    First,
    /// The last line of an article.
    Last,
    /// A line between two articles.
    Between,
}

/// The number of articles that a line announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    /// So many are in the file.
    Total(u64),
    /// The article has this number, of so many.
    Item { number: u64, of: u64 },
}

/// The parts of an article that have been found.
#[derive(Debug, Default)]
struct Draft {
    own_id: Option<String>,
    metadata: Metadata,
    dateline: Option<String>,
    paragraphs: Vec<String>,
}

/// Plain text.
pub(super) static TEXT: Format = Format {
    // Those of plain text.
    extensions: &[],
    is_one_record: true,
    recognise: |beginning| text_shape(beginning.wide(HEAD_BYTES)).is_some(),
    read: read_text,
};

/// HTML.
pub(super) static PAGE: Format = Format {
    // Those of web pages.
    extensions: &[],
    is_one_record: true,
    recognise: |beginning| (html::FORMAT.recognise)(beginning) && may_be_export(beginning),
    read: read_page,
};

/// The shape of a text, by its beginning.
fn shape(text: &str) -> Option<&'static Shape> {
    let mut end = HEAD_BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let beginning = &text[..end];
    let lines: Vec<&str> = beginning.lines().map(lines::clean).filter(|line| !line.is_empty()).collect();
    SHAPES.into_iter().find(|shape| (shape.recognise)(&lines))
}

/// The shape of a plain text that begins with these bytes. JSON and markup have none.
fn text_shape(head: &[u8]) -> Option<&'static Shape> {
    let head = &head[..head.len().min(HEAD_BYTES)];
    let (text, _) = match Encoding::for_bom(head) {
        Some((encoding, mark_length)) => encoding.decode_without_bom_handling(&head[mark_length..]),
        None if memchr::memchr(0, head).is_some() => return None,
        None => (String::from_utf8_lossy(head), false),
    };
    if text.trim_start().starts_with(['<', '{', '[']) {
        return None;
    }
    shape(&text)
}

fn read_text(stream: &mut Stream<'_>, _: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let head = stream.peek(HEAD_BYTES);
    let encoding = Encoding::for_bom(head).map(|(encoding, _)| encoding);
    let Some(shape) = text_shape(head) else { return super::refuse_unknown(stream, collector) };
    match encoding {
        Some(encoding) if encoding != UTF_8 => {
            let mut decoded = Stream::new(Utf8::new(stream, encoding));
            cut::read(&mut decoded, shape, &Places::Lines { encoding: Some(encoding.name()) }, collector)
        }
        _ => cut::read(stream, shape, &Places::Lines { encoding: None }, collector),
    }
}

/// Tells whether a page has a word that some shape needs. Its text decides later.
fn may_be_export(beginning: &mut Beginning<'_, '_>) -> bool {
    const SIGNS: [&[u8]; 5] = [b" DOCUMENTS", b" STORIES", b"End of Document", b"articleParagraph", b"Full text:"];
    let head = beginning.wide(HEAD_BYTES);
    SIGNS.iter().any(|sign| memchr::memmem::find(head, sign).is_some())
}

/// Cuts a page that is an export, and reads any other as a page.
fn read_page(stream: &mut Stream<'_>, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let Some(bytes) = take_whole(stream, collector)? else { return Flow::Continue(()) };
    if let Ok((html, encoding)) = decode_page(&bytes, None) {
        let text = markup::text(&html);
        if let Some(shape) = shape(&text) {
            return read_converted(&text, shape, encoding, collector);
        }
    }
    (html::FORMAT.read)(&mut Stream::new(bytes.as_slice()), container.without_file(), collector)
}

/// Cuts a text that was converted from something else, if it is an export.
pub(super) fn read_if_export(text: &str, encoding: &'static str, collector: &mut Collector<'_>) -> Option<Flow> {
    Some(read_converted(text, shape(text)?, encoding, collector))
}

fn read_converted(text: &str, shape: &'static Shape, encoding: &'static str, collector: &mut Collector<'_>) -> Flow {
    cut::read(&mut Stream::new(text.as_bytes()), shape, &Places::None { encoding }, collector)
}

/// Checks that an export which ends anywhere gives articles or rejections, and that each article has text.
#[cfg(test)]
fn check_cuts(name: &str, text: &str) {
    for end in (1..text.len()).step_by(97) {
        let outcomes = super::testing::read_texts(name, &text.as_bytes()[..end]);
        assert!(!outcomes.is_empty(), "{end}");
        assert!(outcomes.iter().flatten().all(|text| !text.trim().is_empty()), "{end}");
    }
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_articles, read_texts};
    use crate::record::Reason;

    const ARTICLE: &str = "1 of 1 DOCUMENTS\n\nBay Courier\n\nMarch 4, 2031 Tuesday\n\nQuay to close\n\nLENGTH: 143 words\n\nSECTION: News\n\n\
        The café by the quay will close.\n\nLANGUAGE: ENGLISH\n\nCopyright 2031 Bay Courier\n";

    #[test]
    fn encodings_are_those_of_the_file() {
        let utf_16: Vec<u8> = format!("\u{feff}{ARTICLE}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let [article] = read_articles("a.txt", &utf_16).try_into().unwrap();
        assert_eq!((article.text.as_str(), article.encoding), ("The café by the quay will close.", "UTF-16LE"));
        let windows = encoding_rs::WINDOWS_1252.encode(ARTICLE).0;
        let [article] = read_articles("a", &windows).try_into().unwrap();
        assert_eq!((article.text.as_str(), article.encoding), ("The café by the quay will close.", "windows-1252"));
    }

    #[test]
    fn an_export_as_html_is_cut_and_a_page_that_speaks_of_documents_is_a_page() {
        let paragraphs: Vec<_> = ARTICLE.split("\n\n").map(|text| format!("<div><p>{text}</p></div><br>")).collect();
        let page = format!("<html><head><title> </title></head><body>{}</body></html>", paragraphs.concat());
        assert_eq!(read_texts("a.html", page.as_bytes()), [Ok("The café by the quay will close.".to_owned())]);
        let page = "<html><head><title>Files</title></head><body><article><p>The clerk lost 1 of 100 DOCUMENTS on Tuesday, the court heard.</p>\
            <p>LENGTH: he could not say how long it was, and nobody in the room could help him.</p></article></body></html>";
        assert!(read_texts("a.html", page.as_bytes())[0].as_ref().is_ok_and(|text| text.starts_with("The clerk")));
    }

    #[test]
    fn an_article_over_the_limit_costs_only_itself() {
        let long = ARTICLE.replace("The café", &format!("{}\n", "The café ".repeat(20)).repeat(200_000));
        let text = [ARTICLE, &long, ARTICLE].concat();
        let outcomes = read_texts("a.txt", text.as_bytes());
        assert!(matches!(outcomes.as_slice(), [Ok(_), Err(Reason::TooLarge), Ok(_)]), "{outcomes:?}");
    }
}
