//! WARC: a record for each response that a crawler fetched. Lengths are checked against what follows, so that a wrong one costs its own record and not the
//! next one.

use std::io::BufRead;

use super::capture::{Capture, Kind};
use super::{Format, lines};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;

pub(super) static FORMAT: Format = Format {
    extensions: &["warc", "wet"],
    is_one_record: false,
    recognise: |beginning| beginning.text().starts_with(MARK),
    read: |stream, _, collector| read_records(stream, collector),
};

/// The first bytes of a record.
const MARK: &[u8] = b"WARC/";

/// The first bytes of a record that follows another one.
const NEXT: &[u8] = b"\r\n\r\nWARC/1.";

/// Between two records stand two ends of lines; some writers are more generous.
const MAX_BETWEEN: usize = 16;

/// The lines before a record's content have no more bytes together.
const MAX_HEADER_BYTES: u64 = 1 << 16;

/// Reads every record that can be an article.
fn read_records(stream: &mut Stream<'_>, collector: &mut Collector<'_>) -> Flow {
    let limit = collector.settings().max_document_bytes.get();
    loop {
        pass_blank(stream);
        if stream.is_at_end() {
            return Flow::Continue(());
        }
        let at = stream.position();
        match record(stream, limit) {
            Ok(Some(capture)) => collector.put(Position::record(at), capture)?,
            Ok(None) => collector.check_interrupt()?,
            Err((refusal, beginning)) => {
                collector.refuse(Position::record(at), refusal, &beginning)?;
                find_record(stream);
            }
        }
    }
}

/// The record that begins here; `None` if it is of a kind that has no article. An error comes with its excerpt.
fn record(stream: &mut Stream<'_>, limit: u64) -> Result<Option<Capture>, (Refusal, Vec<u8>)> {
    stream.fill_buf().map_err(|error| (error.into(), Vec::new()))?;
    if !stream.peek(MARK.len()).starts_with(MARK) {
        let beginning = stream.peek(1).to_vec();
        return Err((Refusal::damaged("is not a WARC record"), beginning));
    }
    let headers = Headers::from_stream(stream).map_err(|refusal| (refusal, Vec::new()))?;
    capture(stream, &headers, limit).map_err(|refusal| (refusal, headers.text.into_bytes()))
}

/// The record below `headers`; `None` if it is of a kind that has no article.
fn capture(stream: &mut Stream<'_>, headers: &Headers, limit: u64) -> Result<Option<Capture>, Refusal> {
    let length = headers.get("content-length").and_then(|length| length.parse::<u64>().ok());
    let Some(length) = length else { return Err(Refusal::damaged("has no valid `Content-Length`")) };
    let kind = kind(headers);
    if length > limit {
        stream.skip(length)?;
        return match kind {
            Some(_) if headers.may_be_text() => Err(Refusal::too_large(length, limit)),
            _ => Ok(None),
        };
    }
    let body = body(stream, length)?;
    Ok(kind.map(|kind| Capture {
        kind,
        uri: headers.get("warc-target-uri").map(|uri| uri.trim_matches(['<', '>']).to_owned()),
        mime: headers.get("content-type").map(str::to_owned),
        is_cut: headers.get("warc-truncated").is_some(),
        body,
    }))
}

fn kind(headers: &Headers) -> Option<Kind> {
    // Crawlers keep their own notes under addresses of their own.
    let is_page = headers.get("warc-target-uri").is_some_and(|uri| {
        let uri = uri.trim_matches(['<', '>']);
        !["dns:", "metadata:", "warcinfo:"].iter().any(|scheme| uri.starts_with(scheme))
    });
    match headers.get("warc-type")? {
        "response" if is_page => Some(Kind::Response),
        "resource" | "conversion" if is_page => Some(Kind::Resource),
        _ => None,
    }
}

/// So many bytes; fewer where the next record begins before they are over.
fn body(stream: &mut Stream<'_>, length: u64) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    let outcome = std::io::Read::read_to_end(&mut std::io::Read::take(&mut *stream, length), &mut body);
    let is_whole = body.len() as u64 == length;
    if outcome.is_ok() && is_whole && is_followed(stream) {
        return stream.confirm(MAX_BETWEEN).map(|()| body);
    }
    if let Some(at) = memchr::memmem::find(&body, NEXT)
        && outcome.is_ok()
    {
        stream.put_back(&body[at..]);
        body.truncate(at);
        return Ok(body);
    }
    match outcome {
        Err(error) => Err(error.into()),
        Ok(_) if is_whole => Err(Refusal::damaged("is longer or shorter than it says")),
        Ok(_) => Err(Refusal::truncated("the record is cut short")),
    }
}

/// Tells whether the next record or nothing follows.
fn is_followed(stream: &mut Stream<'_>) -> bool {
    let next = stream.peek(MAX_BETWEEN + MARK.len());
    let between = next.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let next = &next[between..];
    next.is_empty() || next.starts_with(MARK)
}

fn pass_blank(stream: &mut Stream<'_>) {
    while matches!(stream.peek(1).first(), Some(b'\r' | b'\n')) {
        stream.consume(1);
    }
}

/// Passes on to the next line that begins a record.
fn find_record(stream: &mut Stream<'_>) {
    const LINE: &[u8] = b"\nWARC/1.";
    loop {
        let buffer = stream.peek(LINE.len());
        let found = memchr::memmem::find(buffer, LINE);
        let has_more = buffer.len() >= LINE.len();
        let passed = found.map_or((buffer.len() + 1).saturating_sub(LINE.len()), |at| at + 1);
        let passed = if has_more { passed } else { buffer.len() };
        stream.consume(passed);
        if found.is_some() || !has_more {
            return;
        }
    }
}

/// The lines before a record's content.
pub(super) struct Headers {
    /// All of them.
    text: String,
    named: Vec<(String, String)>,
}

impl Headers {
    fn from_stream(stream: &mut Stream<'_>) -> Result<Self, Refusal> {
        let mut text = Vec::new();
        loop {
            let Some(line) = lines::next(stream, 0, MAX_HEADER_BYTES) else {
                return Err(Refusal::truncated("the record is cut short"));
            };
            let is_open = line.is_open;
            let bytes = line.into_bytes()?;
            if is_open {
                return Err(Refusal::truncated("the record is cut short"));
            }
            if bytes.trim_ascii().is_empty() {
                return Ok(Self::parse(&text));
            }
            text.extend_from_slice(&bytes);
            text.push(b'\n');
            if text.len() as u64 > MAX_HEADER_BYTES {
                return Err(Refusal::damaged(format!("has a header of more than {MAX_HEADER_BYTES} bytes")));
            }
        }
    }

    /// Of lines `Name: value`; one that begins with white space goes on with the one before it.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut named: Vec<(String, String)> = Vec::new();
        for line in text.lines().skip(1) {
            if let (true, Some((_, value))) = (line.starts_with([' ', '\t']), named.last_mut()) {
                value.push(' ');
                value.push_str(line.trim());
            } else {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                named.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        Self { text, named }
    }

    /// The value of the first line of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Its first line.
    pub(super) fn first_line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    fn may_be_text(&self) -> bool {
        self.get("warc-identified-payload-type").is_none_or(super::capture::is_text)
    }
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_articles, read_texts};
    use crate::record::Reason;

    fn record(kind: &str, uri: &str, mime: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {uri}\r\nContent-Type: {mime}\r\n\
             Content-Length: {length}\r\n\r\n{body}\r\n\r\n"
        )
    }

    #[test]
    fn responses_and_resources_with_text_are_documents() {
        let answer = |status: &str, mime: &str| format!("HTTP/1.1 {status}\r\nContent-Type: {mime}\r\n\r\nIt rained.");
        let archive = [
            record("warcinfo", "<x>", "application/warc-fields", "software: a test"),
            record("response", "http://a.example/1", "application/http", &answer("200 OK", "text/plain")),
            record("response", "http://a.example/2", "application/http", &answer("404 Not Found", "text/plain")),
            record("response", "http://a.example/3", "application/http", &answer("200 OK", "image/png")),
            record("request", "http://a.example/4", "application/http", "GET / HTTP/1.1"),
            record("conversion", "<http://a.example/5>", "text/plain", "It snowed."),
        ];
        let articles = read_articles("a", archive.concat().as_bytes());
        let found: Vec<_> =
            articles.iter().map(|article| (article.metadata.uri.as_deref(), article.text.as_str())).collect();
        assert_eq!(found, [(Some("http://a.example/1"), "It rained."), (Some("http://a.example/5"), "It snowed.")]);
    }

    #[test]
    fn a_wrong_length_costs_no_other_record() {
        let right = record("resource", "http://a.example/1", "text/plain", "It rained.");
        let wrong = right.replace("Content-Length: 10", "Content-Length: 7");
        let archive = [right.as_str(), &wrong, &right].concat();
        let rained = Ok("It rained.".to_owned());
        assert_eq!(read_texts("a.warc", archive.as_bytes()), [rained.clone(), Err(Reason::Damaged), rained]);
        let cut = &right[..right.len() - 8];
        assert_eq!(read_texts("a.warc", cut.as_bytes()), [Err(Reason::Truncated)]);
    }
}
