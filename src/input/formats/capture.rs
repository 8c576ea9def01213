//! Pages and texts that a crawler fetched: HTTP headers and a body, which may be in chunks and compressed.

use std::io::Read;

use super::warc::Headers;
use super::{binary, html, plain};
use crate::config::InputConfig;
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::Refusal;
use crate::record::Reason;

/// The form in which a crawler kept a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As the server sent it, with its headers.
    Response,
    /// The body alone.
    Resource,
}

/// A response that a crawler fetched.
pub(super) struct Capture {
    pub(super) kind: Kind,
    pub(super) uri: Option<String>,
    /// The type that the crawler noted.
    pub(super) mime: Option<String>,
    /// True if the crawler kept only its beginning.
    pub(super) is_cut: bool,
    pub(super) body: Vec<u8>,
}

impl RawRecord for Capture {
    fn excerpt_source(&self) -> &[u8] {
        &self.body
    }

    fn parse(self: Box<Self>, settings: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        parse(*self, settings)
    }
}

/// A body and the type that the server gives it.
struct Message {
    mime: Option<String>,
    body: Vec<u8>,
}

/// Parses a page or a text. `None` for other things and for errors of the server.
fn parse(capture: Capture, input: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
    let is_robots = capture.uri.as_ref().is_some_and(|uri| uri.ends_with("/robots.txt"));
    let uri = capture.uri.clone();
    let limit = input.max_document_bytes.get();
    let is_cut = capture.is_cut;
    let message = match capture.kind {
        Kind::Response => response(capture, limit)?,
        Kind::Resource => Some(Message { mime: capture.mime, body: capture.body }),
    };
    let Some(Message { mime, body }) = message.filter(|message| !is_robots && !message.body.is_empty()) else {
        return Ok(None);
    };
    let mime = mime.unwrap_or_default();
    // Some servers send a compressed file as if it were the page in it.
    let body = unpacked(body, "gzip", is_cut, limit)?;
    if let Some(kind) = binary::kind(&body) {
        return Err(Refusal::new(Reason::NotText, format!("is {kind}, and not the page that the server calls it")));
    }
    let is_page = if is_mime(&mime) { is_html(&mime) } else { body.trim_ascii_start().starts_with(b"<") };
    if is_page {
        return html::parse(&body, charset(&mime).as_deref(), uri.as_deref()).map(Some);
    }
    if !is_text(&mime) {
        return Ok(None);
    }
    let mut parsed = plain::parse(body, charset(&mime).as_deref())?;
    parsed.metadata.uri = uri;
    Ok(Some(parsed))
}

fn is_mime(mime: &str) -> bool {
    mime.contains('/')
}

fn is_html(mime: &str) -> bool {
    let mime = mime.to_ascii_lowercase();
    mime.starts_with("text/html") || mime.starts_with("application/xhtml")
}

/// Tells whether a body of this type can be an article.
pub(super) fn is_text(mime: &str) -> bool {
    is_html(mime) || mime.to_ascii_lowercase().starts_with("text/plain")
}

/// `windows-1251` of `text/html; charset="windows-1251"`.
fn charset(mime: &str) -> Option<String> {
    let lower = mime.to_ascii_lowercase();
    let at = lower.find("charset=")?;
    let value = lower[at + "charset=".len()..].trim_start_matches(['"', '\'', ' ']);
    let end = value.find(['"', '\'', ';', ' ', ',']).unwrap_or(value.len());
    (end > 0).then(|| value[..end].to_owned())
}

/// The message that the server sent. `None` if it is an error or of a type that is no text.
fn response(capture: Capture, limit: u64) -> Result<Option<Message>, Refusal> {
    let body = capture.body;
    if !body.starts_with(b"HTTP/") {
        return Ok(Some(Message { mime: None, body }));
    }
    let (head, begin) = split(&body);
    let headers = Headers::parse(head);
    let status = headers.first_line().split_ascii_whitespace().nth(1).and_then(|status| status.parse::<u16>().ok());
    let mime = headers.get("content-type").map(str::to_owned);
    if !status.is_some_and(|status| (200..300).contains(&status))
        || mime.as_ref().is_some_and(|mime| is_mime(mime) && !is_text(mime))
    {
        return Ok(None);
    }
    let is_chunked = headers.get("transfer-encoding").is_some_and(|how| how.to_ascii_lowercase().contains("chunked"));
    let sent = if is_chunked { join_chunks(&body[begin..]) } else { body[begin..].to_vec() };
    let packing = headers.get("content-encoding").unwrap_or_default().to_ascii_lowercase();
    Ok(Some(Message { mime, body: unpacked(sent, &packing, capture.is_cut, limit)? }))
}

/// The headers, and the offset of the body.
fn split(message: &[u8]) -> (&[u8], usize) {
    let end = match (find_span(message, b"\r\n\r\n"), find_span(message, b"\n\n")) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let (end, begin) = end.unwrap_or((message.len(), message.len()));
    (&message[..end], begin)
}

/// The first place of `mark`: where it begins and ends.
fn find_span(message: &[u8], mark: &[u8]) -> Option<(usize, usize)> {
    memchr::memmem::find(message, mark).map(|at| (at, at + mark.len()))
}

/// The chunks of a body, without the lines between them. Some crawlers join them and keep the header that speaks of them; where chunks
/// break off, the rest stays as it is.
fn join_chunks(body: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((length, begin)) = chunk(rest) {
        let end = (begin + length).min(rest.len());
        joined.extend_from_slice(&rest[begin..end]);
        rest = rest[end..].strip_prefix(b"\r\n").unwrap_or(&rest[end..]);
        if length == 0 {
            return joined;
        }
    }
    joined.extend_from_slice(rest);
    joined
}

/// The length of the chunk that begins here, and the offset of its bytes.
fn chunk(body: &[u8]) -> Option<(usize, usize)> {
    const MAX_LINE_BYTES: usize = 256;
    let end = memchr::memchr(b'\n', &body[..body.len().min(MAX_LINE_BYTES)])?;
    let line = std::str::from_utf8(&body[..end]).ok()?;
    let digits = line.split(';').next().unwrap_or_default().trim();
    let length = usize::from_str_radix(digits, 16).ok()?;
    (length <= 1 << 40).then_some((length, end + 1))
}

/// A body without its compression. Some crawlers take it off and keep the header that speaks of it.
fn unpacked(body: Vec<u8>, packing: &str, is_cut: bool, limit: u64) -> Result<Vec<u8>, Refusal> {
    let bytes = body.as_slice();
    let decoder: Box<dyn Read + '_> = match packing {
        "gzip" | "x-gzip" if bytes.starts_with(&[0x1f, 0x8b]) => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        "deflate" if bytes.first().is_some_and(|byte| byte & 0x0f == 8) => {
            Box::new(flate2::read::ZlibDecoder::new(bytes))
        }
        "deflate" if bytes.first().is_some_and(|byte| *byte != b'<') => {
            Box::new(flate2::read::DeflateDecoder::new(bytes))
        }
        "br" if bytes.first().is_some_and(|byte| *byte != b'<') => {
            Box::new(brotli_decompressor::Decompressor::new(bytes, 4096))
        }
        "zstd" if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => Box::new(zstd::Decoder::with_buffer(bytes)?),
        _ => return Ok(body),
    };
    let mut unpacked = Vec::new();
    let outcome = decoder.take(limit + 1).read_to_end(&mut unpacked);
    match outcome {
        _ if unpacked.len() as u64 > limit => Err(Refusal::too_large(limit + 1, limit)),
        Err(error) if !is_cut || unpacked.is_empty() => Err(error.into()),
        _ => Ok(unpacked),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Parses a response with this body, which the server calls a page.
    fn parse_page(body: &[u8]) -> Result<Option<String>, Reason> {
        let mut message = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n".to_vec();
        message.extend_from_slice(body);
        let capture = Capture { kind: Kind::Response, uri: None, mime: None, is_cut: false, body: message };
        let settings = InputConfig {
            max_document_bytes: crate::config::values::Whole::constant::<100_000>(),
            ..InputConfig::default()
        };
        parse(capture, &settings).map(|parsed| parsed.map(|parsed| parsed.text)).map_err(|refusal| refusal.reason)
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_page_that_is_a_compressed_file_is_unpacked_within_limits() {
        let sentence = "The storm reached the coast on Tuesday night, and the ferries stayed in port until noon.";
        let page =
            format!("<!DOCTYPE html><html><body><article><p>{sentence}</p><p>{sentence}</p></article></body></html>");
        let expected = parse_page(page.as_bytes()).unwrap();
        assert!(expected.as_ref().is_some_and(|text| text.contains(sentence)));
        assert_eq!(parse_page(&packed(page.as_bytes())).unwrap(), expected);
        assert_eq!(parse_page(&packed(&vec![b' '; 100_001])), Err(Reason::TooLarge));
        assert!(parse_page(&packed(page.as_bytes())[..40]).is_err());
    }

    #[test]
    fn pictures_and_pdf_that_the_server_calls_pages_are_no_text() {
        let pdf = b"%PDF-1.4\n1 0 obj << /Title (It rained.) >> endobj\n";
        for body in [pdf.as_slice(), b"\xff\xd8\xff\xe0\0\x10JFIF\0<p>It rained.</p>", &packed(pdf)] {
            assert_eq!(parse_page(body), Err(Reason::NotText));
        }
    }

    #[test]
    fn chunks_are_joined_and_what_is_none_stays() {
        assert_eq!(join_chunks(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), b"abcde");
        assert_eq!(join_chunks(b"<html>no chunks</html>"), b"<html>no chunks</html>");
        assert_eq!(join_chunks(b"3\r\nabc\r\nzzz"), b"abczzz");
        assert_eq!(join_chunks(b"ff\r\nabc"), b"abc");
    }

    #[test]
    fn the_charset_is_found_in_whatever_clothes() {
        assert_eq!(charset("text/html; charset=\"Windows-1251\"").as_deref(), Some("windows-1251"));
        assert_eq!(charset("text/html;Charset=utf-8;x=y").as_deref(), Some("utf-8"));
        assert_eq!(charset("text/html; charset="), None);
    }
}
