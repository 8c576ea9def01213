//! Which format it is, by content; by name only where the content could be several.

use serde::de::IgnoredAny;

use super::elements::Dialect;
use super::table;
use crate::config::FieldNames;
use crate::input::kind::Kind;
use crate::input::stream::Stream;

/// So much is looked at.
const HEAD_BYTES: usize = 1 << 14;

/// So much is looked at for the end of a first line of JSON.
const LINE_BYTES: usize = 1 << 20;

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Plain,
    JsonLines,
    Json,
    Html,
    Table,
    Elements(Dialect),
    Parquet,
    Warc,
    Arc,
    Unknown,
}

/// The format of what is in `stream`; `kind` is what its name says.
pub(super) fn format(stream: &mut Stream<'_>, kind: Kind, fields: &FieldNames) -> Format {
    let head = stream.peek(HEAD_BYTES);
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    match text.first() {
        _ if head.starts_with(super::parquet::MARK) => Format::Parquet,
        _ if text.starts_with(b"WARC/") => Format::Warc,
        _ if text.starts_with(super::arc::MARK) => Format::Arc,
        _ if kind == Kind::JsonLines => Format::JsonLines,
        Some(b'{') if kind == Kind::Json => json(stream, true),
        Some(b'{') => json(stream, false),
        Some(b'[') if kind == Kind::Json || is_array_of_objects(text) => Format::Json,
        _ if matches!(kind, Kind::Csv | Kind::Tsv) => Format::Table,
        Some(b'<') => markup(text, kind),
        _ if kind == Kind::Html => Format::Html,
        _ if table::is_header(first_line(head), fields) => Format::Table,
        _ => plain(head, kind),
    }
}

fn first_line(head: &[u8]) -> &[u8] {
    &head[..memchr::memchr(b'\n', head).unwrap_or(head.len())]
}

fn markup(text: &[u8], kind: Kind) -> Format {
    let beginning = String::from_utf8_lossy(&text[..text.len().min(HEAD_BYTES)]).to_ascii_lowercase();
    let is_page = beginning.starts_with("<!doctype html") || beginning.contains("<html") || beginning.contains("<body");
    let is_xml = beginning.starts_with("<?xml") || kind == Kind::Xml;
    match Dialect::of(text) {
        Some(dialect) if !beginning.starts_with("<!doctype html") => Format::Elements(dialect),
        _ if is_page || kind == Kind::Html => Format::Html,
        _ if is_xml => Format::Unknown,
        _ => plain(text, kind),
    }
}

/// Text, where it is not plain that it is something else.
fn plain(head: &[u8], kind: Kind) -> Format {
    let is_utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    let is_binary = !is_utf16 && memchr::memchr(0, head).is_some();
    if is_binary && kind != Kind::Text { Format::Unknown } else { Format::Plain }
}

/// Lines, where the first one is a whole object; otherwise one or more objects, as they come.
fn json(stream: &mut Stream<'_>, is_json_by_name: bool) -> Format {
    let head = stream.peek(LINE_BYTES);
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let line = &head[..memchr::memchr(b'\n', head).unwrap_or(head.len())];
    let is_whole_line = line.len() < head.len();
    match serde_json::from_slice::<IgnoredAny>(line) {
        Ok(_) if is_whole_line => Format::JsonLines,
        Ok(_) => Format::Json,
        Err(error) if error.is_eof() || is_json_by_name => Format::Json,
        // It only begins like JSON.
        Err(_) => Format::Plain,
    }
}

fn is_array_of_objects(text: &[u8]) -> bool {
    text[1..].trim_ascii_start().starts_with(b"{")
}
