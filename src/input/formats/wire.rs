//! Messages of news agencies as they came over the wire, IPTC 7901 and ANPA 1312: a header, a text and a trailer, each behind a control
//! character of its own.

use std::io::{BufRead, Read};

use super::Format;
use super::beginning::Beginning;
use crate::config::InputConfig;
use crate::input::collector::{Collector, Flow, Position};
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::{EXCERPT_BYTES, Refusal};
use crate::input::stream::Stream;
use crate::input::text::decode::decode;
use crate::record::{Metadata, Reason};

pub(super) static FORMAT: Format = Format {
    extensions: &["iptc", "anpa"],
    is_one_record: false,
    recognise,
    read: |stream, _, collector| read_messages(stream, collector),
};

const START_OF_HEADER: u8 = 1;
const START_OF_TEXT: u8 = 2;
const END_OF_TEXT: u8 = 3;
const END_OF_MESSAGE: u8 = 4;

/// Stands before a message of ANPA.
const SYNCHRONISATION: u8 = 0x16;

/// A header that begins the file, and a text behind it.
fn recognise(beginning: &mut Beginning<'_, '_>) -> bool {
    let head = beginning.text();
    let marks = head.iter().filter(|byte| (START_OF_HEADER..=END_OF_MESSAGE).contains(byte));
    let first = head.iter().find(|byte| **byte != SYNCHRONISATION);
    first == Some(&START_OF_HEADER) && marks.take(2).eq(&[START_OF_HEADER, START_OF_TEXT])
}

/// The bytes of a message.
struct Message(Vec<u8>);

impl RawRecord for Message {
    fn excerpt_source(&self) -> &[u8] {
        &self.0
    }

    fn parse(self: Box<Self>, _: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        let (message, encoding) = decode(self.0)?;
        parse(&message, encoding).map(Some)
    }
}

/// Reads every message.
fn read_messages(stream: &mut Stream<'_>, collector: &mut Collector<'_>) -> Flow {
    let limit = collector.settings().max_document_bytes.get();
    loop {
        let begin = stream.position();
        let mut message = Vec::new();
        if let Err(error) = stream.by_ref().take(limit + 1).read_until(END_OF_MESSAGE, &mut message) {
            return collector.refuse(Position::record(begin), error.into(), b"");
        }
        if message.is_empty() {
            return Flow::Continue(());
        }
        if message.len() as u64 > limit {
            let refusal = Refusal::too_large(message.len() as u64, limit);
            message.truncate(EXCERPT_BYTES);
            collector.refuse(Position::record(begin), refusal, &message)?;
        } else if message.iter().any(u8::is_ascii_alphanumeric) {
            collector.put(Position::record(begin), Message(message))?;
        }
    }
}

fn parse(message: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let (header, body) = message.split_once(char::from(START_OF_TEXT)).unwrap_or(("", message));
    let Some((body, _)) = body.split_once(char::from(END_OF_TEXT)) else {
        return Err(Refusal::truncated("the message is cut short"));
    };
    // ANPA has the title in its header, between a caret and an angle bracket.
    let title_of_header = header.lines().rev().find_map(title_of_line);
    let mut lines = body.lines().map(without_controls).peekable();
    // A title stands before the first line that begins a paragraph: one that is indented, or behind a blank line.
    let mut title = Vec::new();
    while let Some(line) = lines.next_if(|line| !line.starts_with(' ') && !line.trim().is_empty()) {
        title.push(line.trim().to_owned());
    }
    let mut paragraphs: Vec<String> = Vec::new();
    if title.last().is_some_and(|line| line.ends_with('.')) {
        paragraphs.push(std::mem::take(&mut title).join(" "));
    }
    let mut is_open = false;
    for line in lines {
        match paragraphs.last_mut() {
            Some(paragraph) if is_open && !line.starts_with("  ") => {
                paragraph.push(' ');
                paragraph.push_str(line.trim());
            }
            _ => paragraphs.push(line.trim().to_owned()),
        }
        is_open = !line.trim().is_empty();
    }
    if paragraphs.is_empty() {
        paragraphs = std::mem::take(&mut title);
    }
    let text = paragraphs.iter().map(|paragraph| paragraph.trim()).filter(|paragraph| !paragraph.is_empty());
    let text = text.collect::<Vec<_>>().join("\n\n");
    if text.is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text"));
    }
    let title = Some(title.join(" ").trim().to_owned()).filter(|title| !title.is_empty()).or(title_of_header);
    Ok(ParsedRecord { metadata: Metadata { title, ..Metadata::default() }, ..ParsedRecord::new(text, encoding) })
}

/// `Quay to close` of `^Quay to close<`.
fn title_of_line(line: &str) -> Option<String> {
    let (_, title) = line.split_once('^')?;
    let title = without_controls(title.trim().strip_suffix('<')?);
    Some(title.trim().to_owned()).filter(|title| !title.is_empty())
}

/// A line without control characters, which are marks of typesetting.
fn without_controls(line: &str) -> String {
    line.chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_articles, read_texts};
    use crate::record::Reason;

    #[test]
    fn a_message_has_a_header_a_title_and_indented_paragraphs() {
        let message = "\u{1}abc0123 4 i 1234 XYZ\r\nquay-harbour\r\n\u{2}Quay to close\r\n      BERGEN (XYZ) - The council\r\nvoted.\r\n      It closed.\r\n\
            \u{3}\r\n041515 GMT MAR 31\u{4}\r\n";
        let articles = read_articles("a.txt", message.repeat(2).as_bytes());
        assert_eq!(articles.len(), 2);
        assert_eq!(articles[1].text, "BERGEN (XYZ) - The council voted.\n\nIt closed.");
        assert_eq!(articles[0].metadata.title.as_deref(), Some("Quay to close"));
    }

    #[test]
    fn a_message_of_anpa_has_its_title_in_its_header() {
        let message = "\u{16}\u{16}\u{1}V0123\u{1f}xyz-\r\nr i \u{13}^Quay-Close,0123\r\n^Quay to close<\r\n\u{2}   BERGEN (XYZ) _ One.\r\n\u{14}   Two.\r\n\
            \u{3}\r\n^XYZ-01-01-31 0715EST<\u{4}";
        let article = &read_articles("a.txt", message.as_bytes())[0];
        assert_eq!(article.text, "BERGEN (XYZ) _ One.\n\nTwo.");
        assert_eq!(article.metadata.title.as_deref(), Some("Quay to close"));
    }

    #[test]
    fn a_message_that_is_cut_short_says_so() {
        assert_eq!(read_texts("a", b"\x01header\r\n\x02Title\r\n  One."), [Err(Reason::Truncated)]);
        assert_eq!(read_texts("a.txt", b"\x01A text."), [Ok("\u{1}A text.".to_owned())]);
    }
}
