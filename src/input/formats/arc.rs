//! ARC, which came before WARC: a line with address, date, type and length, then what the crawler got.

use std::io::Read;

use super::capture::{Capture, Kind};
use super::{Format, lines};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;

pub(super) static FORMAT: Format = Format {
    extensions: &["arc"],
    is_one_record: false,
    recognise: |beginning| beginning.text().starts_with(MARK),
    read: |stream, _, collector| read_records(stream, collector),
};

/// The first bytes of a file.
const MARK: &[u8] = b"filedesc:";

/// The line before a record has no more bytes.
const MAX_LINE_BYTES: u64 = 1 << 16;

/// The line before a record.
struct Header {
    uri: String,
    length: u64,
}

/// Reads every record that can be an article.
fn read_records(stream: &mut Stream<'_>, collector: &mut Collector<'_>) -> Flow {
    let limit = collector.settings().max_document_bytes.get();
    let mut is_lost = false;
    while let Some(line) = lines::next(stream, 0, MAX_LINE_BYTES) {
        let position = Position::record(line.byte);
        let bytes = match line.into_bytes() {
            Ok(bytes) => bytes,
            Err(refusal) => {
                collector.refuse(position, refusal, b"")?;
                continue;
            }
        };
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        match Header::parse(&String::from_utf8_lossy(&bytes)) {
            Some(header) => {
                is_lost = false;
                record(stream, header, position, limit, collector)?;
            }
            // Everything up to the next record is one loss.
            None if is_lost => {}
            None => {
                is_lost = true;
                collector.refuse(position, Refusal::damaged("is not an ARC record"), &bytes)?;
            }
        }
    }
    Flow::Continue(())
}

fn record(
    stream: &mut Stream<'_>,
    header: Header,
    position: Position,
    limit: u64,
    collector: &mut Collector<'_>,
) -> Flow {
    let is_page = header.uri.starts_with("http");
    let beginning = header.uri.clone().into_bytes();
    if !is_page || header.length > limit {
        return match stream.skip(header.length) {
            Ok(true) if is_page => collector.refuse(position, Refusal::too_large(header.length, limit), &beginning),
            Ok(true) => Flow::Continue(()),
            Ok(false) => collector.refuse(position, Refusal::truncated("the record is cut short"), &beginning),
            Err(refusal) => collector.refuse(position, refusal, &beginning),
        };
    }
    let mut body = Vec::new();
    match stream.take(header.length).read_to_end(&mut body) {
        Err(error) => collector.refuse(position, error.into(), &beginning),
        Ok(_) if (body.len() as u64) < header.length => {
            collector.refuse(position, Refusal::truncated("the record is cut short"), &beginning)
        }
        Ok(_) => {
            let capture = Capture { kind: Kind::Response, uri: Some(header.uri), mime: None, is_cut: false, body };
            collector.put(position, capture)
        }
    }
}

impl Header {
    /// `ADDRESS IP DATE TYPE LENGTH`, or in version 2 with five more before the length. An address may have spaces.
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let length = words.last()?.parse().ok()?;
        let date = words.iter().take(words.len() - 1).rposition(|word| is_date(word))?;
        let uri = words.get(..date.checked_sub(1)?)?.join(" ");
        uri.contains(':').then_some(Self { uri, length })
    }
}

/// A date as ARC has it: a year and so on, down to minutes or seconds.
fn is_date(word: &str) -> bool {
    (12..=14).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::read_texts;
    use crate::record::Reason;

    fn record(uri: &str, body: &str) -> String {
        format!("{uri} 192.0.2.1 20310304050607 text/html {}\n{body}\n", body.len())
    }

    #[test]
    fn pages_and_texts_are_documents() {
        let archive = [
            record("filedesc://a.arc", "1 0 Somebody"),
            record("dns:a.example", "192.0.2.1"),
            record("http://a.example/a story", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nIt rained."),
            "stray\nlines\n".to_owned(),
            record("http://a.example/2", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nIt snowed."),
        ]
        .concat();
        let snowed = Ok("It snowed.".to_owned());
        assert_eq!(read_texts("a", archive.as_bytes()), [Ok("It rained.".to_owned()), Err(Reason::Damaged), snowed]);
        let cut = read_texts("a", &archive.as_bytes()[..archive.len() - 5]);
        assert_eq!(cut.last(), Some(&Err(Reason::Truncated)));
    }
}
