//! Content that shows beyond doubt what it is, so that a file is read whatever its name. Plain text and tables never do: a README or a
//! source file is no article.

use serde::de::IgnoredAny;

use super::beginning::Beginning;
use super::{arc, arrow, elements, html, json, lines, parquet, warc};
use crate::config::InputConfig;
use crate::input::raw_record::RawRecord;

/// Marks of programs that write pages. A file that has one is no page but the source of such a program.
const PROGRAM_MARKS: [&str; 3] = ["<?php", "<?=", "<%@"];

/// The namespace of RSS 1.0. Other RDF is no feed.
const RSS_NAMESPACE: &[u8] = b"purl.org/rss/";

/// Tells whether content can be read with certainty: a web archive, Parquet, Arrow, a page, markup of a known dialect, or JSON that begins with
/// an article.
pub(super) fn is_certain(beginning: &mut Beginning<'_, '_>, settings: &InputConfig) -> bool {
    let has_magic = [&parquet::FORMAT, &arrow::FORMAT, &warc::FORMAT, &arc::FORMAT]
        .iter()
        .any(|format| (format.recognise)(beginning));
    has_magic
        || match beginning.first() {
            Some(b'<') => is_page(beginning) || is_known_markup(beginning),
            Some(b'{' | b'[') => begins_with_article(beginning, settings),
            _ => false,
        }
}

/// Tells whether the first element or the document type is that of HTML.
fn is_page(beginning: &mut Beginning<'_, '_>) -> bool {
    let text = beginning.lower_text();
    let rest = without_prolog(text.as_bytes());
    let is_root = ["<!doctype html", "<html"].iter().any(|mark| rest.starts_with(mark.as_bytes()));
    is_root && !PROGRAM_MARKS.iter().any(|mark| text.contains(mark)) && (html::FORMAT.recognise)(beginning)
}

/// Tells whether the first element is the root of a dialect.
fn is_known_markup(beginning: &mut Beginning<'_, '_>) -> bool {
    let text = beginning.text();
    let rest = without_document_type(without_prolog(text));
    let tag = &rest[..memchr::memchr(b'>', rest).map_or(rest.len(), |end| end + 1)];
    let is_other_rdf =
        memchr::memmem::find(tag, b"RDF").is_some() && memchr::memmem::find(text, RSS_NAMESPACE).is_none();
    tag.first() == Some(&b'<')
        && elements::dialect(tag).is_some()
        && !is_other_rdf
        && (elements::FORMAT.recognise)(beginning)
}

/// Cuts off the XML declaration and comments.
fn without_prolog(text: &[u8]) -> &[u8] {
    let mut rest = text.trim_ascii_start();
    loop {
        let end: &[u8] = match rest {
            _ if rest.starts_with(b"<?xml") => b"?>",
            _ if rest.starts_with(b"<!--") => b"-->",
            _ => return rest,
        };
        let Some(at) = memchr::memmem::find(rest, end) else { return b"" };
        rest = rest[at + end.len()..].trim_ascii_start();
    }
}

/// Cuts off a document type, which may hold declarations in brackets.
fn without_document_type(text: &[u8]) -> &[u8] {
    if !text.starts_with(b"<!") {
        return text;
    }
    let close = memchr::memchr(b'>', text).unwrap_or(text.len());
    let has_declarations = memchr::memchr(b'[', &text[..close]).is_some();
    let end: &[u8] = if has_declarations { b"]>" } else { b">" };
    memchr::memmem::find(text, end).map_or(b"", |at| without_prolog(&text[at + end.len()..]))
}

/// Tells whether JSON begins with an object that is an article by the fields of the configuration.
fn begins_with_article(beginning: &mut Beginning<'_, '_>, settings: &InputConfig) -> bool {
    if !(lines::FORMAT.recognise)(beginning) && !(json::FORMAT.recognise)(beginning) {
        return false;
    }
    let text = beginning.long_text();
    let text = text.strip_prefix(b"[").unwrap_or(text);
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    if values.next().is_none_or(|value| value.is_err()) {
        return false;
    }
    let bytes = text[..values.byte_offset()].to_vec();
    Box::new(json::Value::new(bytes, false)).parse(settings).is_ok_and(|article| article.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::stream::Stream;

    fn is_certain_content(content: &[u8]) -> bool {
        let settings = InputConfig::default();
        let mut stream = Stream::new(content);
        is_certain(&mut Beginning::new(&mut stream, "", &settings.fields), &settings)
    }

    #[test]
    fn archives_pages_feeds_and_articles_in_json_are_certain() {
        let long = format!("{{\"id\": 1, \"text\": \"{}\"}}\n", "It rained. ".repeat(10_000));
        let certain: [&str; 13] = [
            "WARC/1.0\r\n",
            "filedesc://a.arc 0.0.0.0 20310304050607 text/plain 77\n",
            "PAR1",
            "ARROW1\0\0",
            "\u{feff}\n<!DOCTYPE html>\n<title>A</title>",
            "<?xml version=\"1.0\"?><!-- saved --><HTML lang=\"en\">",
            "<!DOCTYPE lewis SYSTEM \"lewis.dtd\">\n<REUTERS NEWID=\"1\">",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE nitf [<!ENTITY a \"b\">]>\n<nitf>",
            "<rss version=\"2.0\">",
            "<rdf:RDF xmlns=\"http://purl.org/rss/1.0/\">",
            "{\"text\": \"It rained.\"}\n{\"x\": 1}\n",
            "[\n  {\n    \"text\": \"It rained.\"\n  },\n",
            &long,
        ];
        for content in certain {
            assert!(is_certain_content(content.as_bytes()), "{}", &content[..content.len().min(80)]);
        }
    }

    #[test]
    fn texts_tables_programs_and_other_data_are_not_certain() {
        let uncertain = [
            "",
            "It rained.",
            "id,text\n1,It rained.\n",
            "<?php echo 1; ?><!DOCTYPE html>",
            "<!DOCTYPE html><title><?= $title ?></title>",
            "<svg><metadata><rdf:RDF></rdf:RDF></metadata></svg>",
            "<rdf:RDF xmlns:owl=\"http://www.w3.org/2002/07/owl#\">",
            "<project><rss/></project>",
            "<p>It rained.</p>",
            "{\"version\": 3, \"sources\": []}",
            "{\"text\": \" \"}",
            "{\"text\": \"It rained.\"",
            "{ color: red }",
            "\u{89}PNG",
        ];
        for content in uncertain {
            assert!(!is_certain_content(content.as_bytes()), "{content}");
        }
    }
}
