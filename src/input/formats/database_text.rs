//! The plain text that news databases give out, Factiva and ProQuest: many articles in a file, each with named fields.

use super::beginning::Beginning;
use super::{Format, lines};
use crate::config::InputConfig;
use crate::input::intake::{Flow, Intake, Spot};
use crate::input::raw_record::{Parsed, RawRecord};
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;
use crate::input::text::decode::decode;
use crate::record::{Metadata, Reason};

pub(super) static FACTIVA: Format = Format {
    extensions: &[],
    is_one_record: false,
    recognise: is_factiva,
    read: |stream, _, intake| read(stream, &FACTIVA_ARTICLES, intake),
};

pub(super) static PROQUEST: Format = Format {
    extensions: &[],
    is_one_record: false,
    recognise: is_proquest,
    read: |stream, _, intake| read(stream, &PROQUEST_ARTICLES, intake),
};

/// The articles of a database.
struct Articles {
    /// Tells whether a line begins another article than the one before it.
    begins: fn(&[u8], &[u8]) -> bool,
    parse: fn(&str, &'static str) -> Result<Parsed, Refusal>,
}

static FACTIVA_ARTICLES: Articles = Articles { begins: begins_factiva, parse: parse_factiva };

static PROQUEST_ARTICLES: Articles = Articles { begins: |_, line| is_rule(line), parse: parse_proquest };

/// The bytes of an article.
struct Article {
    bytes: Vec<u8>,
    articles: &'static Articles,
}

impl RawRecord for Article {
    fn excerpt_source(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(self: Box<Self>, _: &InputConfig) -> Result<Option<Parsed>, Refusal> {
        let (text, encoding) = decode(self.bytes)?;
        (self.articles.parse)(&text, encoding).map(Some)
    }
}

/// Reads every article: lines up to one that begins another.
fn read(stream: &mut Stream<'_>, articles: &'static Articles, intake: &mut Intake<'_>) -> Flow {
    let limit = intake.settings().max_document_bytes.get();
    let mut bytes: Vec<u8> = Vec::new();
    let mut begin = stream.position();
    let mut number = 1;
    while let Some(line) = lines::next(stream, number, limit) {
        number += 1;
        let byte = line.byte;
        let line = match line.into_bytes() {
            Ok(line) => line,
            Err(refusal) => return intake.refuse(Spot::record(byte), refusal, b""),
        };
        if (articles.begins)(&bytes, &line) {
            put(std::mem::take(&mut bytes), begin, articles, intake)?;
            begin = byte;
        }
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
    }
    put(bytes, begin, articles, intake)
}

fn put(bytes: Vec<u8>, begin: u64, articles: &'static Articles, intake: &mut Intake<'_>) -> Flow {
    let limit = intake.settings().max_document_bytes.get();
    if !bytes.iter().any(u8::is_ascii_alphanumeric) {
        return Flow::Continue(());
    }
    if bytes.len() as u64 > limit {
        return intake.refuse(Spot::record(begin), Refusal::too_large(bytes.len() as u64, limit), &bytes);
    }
    intake.put(Spot::record(begin), Article { bytes, articles })
}

/// The fields of a text: its lines from one that `name` finds a name in, to the next such line. The text before the first has no name.
fn fields<'t>(text: &'t str, name: fn(&'t str) -> Option<(&'t str, &'t str)>) -> Vec<(&'t str, String)> {
    let mut fields = vec![("", String::new())];
    for line in text.lines() {
        let line = line.trim_end();
        let (value, is_first) = match name(line) {
            Some((name, value)) => {
                fields.push((name, String::new()));
                (value, true)
            }
            None => (line, false),
        };
        if let Some((_, field)) = fields.last_mut() {
            if !is_first {
                field.push('\n');
            }
            field.push_str(value);
        }
    }
    fields
}

/// The first field of one of these names that is not blank.
fn field(fields: &[(&str, String)], names: &[&str]) -> Option<String> {
    let found = fields.iter().find(|(name, value)| names.contains(name) && !value.trim().is_empty());
    found.map(|(_, value)| value.trim().to_owned())
}

/// As [`field`], on one line.
fn line(fields: &[(&str, String)], names: &[&str]) -> Option<String> {
    field(fields, names).map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The codes of Factiva: two letters at the beginning of a line.
const CODES: &[&str] = &[
    "SE", "HD", "BY", "CR", "WC", "PD", "ET", "SN", "SC", "ED", "PG", "VOL", "LA", "CY", "LP", "TD", "CT", "RF", "CO",
    "IN", "NS", "RE", "IPC", "PUB", "AN",
];

/// A headline, a date and a text under their codes.
fn is_factiva(beginning: &mut Beginning<'_, '_>) -> bool {
    let head = String::from_utf8_lossy(beginning.head()).into_owned();
    let codes: Vec<&str> = head.lines().filter_map(code).map(|(code, _)| code).collect();
    ["HD", "PD", "LP"].iter().all(|needed| codes.contains(needed))
}

/// The code and the value of a line.
fn code(line: &str) -> Option<(&str, &str)> {
    let end = line.find(['\t', ' ']).unwrap_or(line.len());
    let (code, value) = line.split_at(end);
    // A code stands apart from its value: a word of a text does not.
    let is_apart = value.is_empty() || value.starts_with('\t') || value.starts_with("   ");
    (is_apart && CODES.contains(&code)).then(|| (code, value.trim()))
}

/// An article ends with its number, `AN`.
fn begins_factiva(article: &[u8], line: &[u8]) -> bool {
    let is_code = std::str::from_utf8(line).is_ok_and(|line| code(line).is_some_and(|(code, _)| code != "AN"));
    is_code
        && [&b"\nAN\t"[..], b"\nAN   ", b"\nAN\n", b"\nAN\r"]
            .iter()
            .any(|mark| memchr::memmem::find(article, mark).is_some())
}

fn parse_factiva(article: &str, encoding: &'static str) -> Result<Parsed, Refusal> {
    let fields = fields(article, code);
    let texts: Vec<String> = ["LP", "TD"].iter().filter_map(|name| field(&fields, &[name])).collect();
    if texts.is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text in `LP` or `TD`"));
    }
    let metadata = Metadata {
        title: line(&fields, &["HD"]),
        byline: line(&fields, &["BY"]),
        published: line(&fields, &["PD"]),
        section: line(&fields, &["SE"]),
        language: line(&fields, &["LA"]),
        source: line(&fields, &["SN"]),
        ..Metadata::default()
    };
    let own_id = line(&fields, &["AN"]).map(|id| id.trim_start_matches("Document ").to_owned());
    Ok(Parsed { own_id, metadata, ..Parsed::new(texts.join("\n\n"), encoding) })
}

/// The fields of `ProQuest`, each at the beginning of a line and with a colon.
const NAMES: &[&str] = &[
    "Author",
    "Publication info",
    "ProQuest document link",
    "Abstract",
    "Full text",
    "Subject",
    "Location",
    "Company / organization",
    "People",
    "Classification",
    "Identifier / keyword",
    "Title",
    "Alternate title",
    "Publication title",
    "First page",
    "Pages",
    "Publication year",
    "Publication date",
    "Section",
    "Column",
    "Publisher",
    "Place of publication",
    "Country of publication",
    "Publication subject",
    "ISSN",
    "Source type",
    "Language of publication",
    "Document type",
    "ProQuest document ID",
    "Document URL",
    "Copyright",
    "Last updated",
];

/// A rule, the number of a document, and a full text.
fn is_proquest(beginning: &mut Beginning<'_, '_>) -> bool {
    let head = beginning.head();
    let has_line = |mark: &[u8]| head.split(|byte| *byte == b'\n').any(|line| line.starts_with(mark));
    head.split(|byte| *byte == b'\n').any(is_rule) && has_line(b"Document 1 of ") && has_line(b"Full text: ")
}

/// Tells whether a line is the rule between two documents.
fn is_rule(line: &[u8]) -> bool {
    const SHORTEST: usize = 20;
    let line = line.trim_ascii();
    line.len() >= SHORTEST && line.iter().all(|byte| *byte == b'_')
}

/// The name and the value of a line.
fn name(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    NAMES.contains(&name).then(|| (name, value.trim()))
}

fn parse_proquest(article: &str, encoding: &'static str) -> Result<Parsed, Refusal> {
    let fields = fields(article, name);
    let Some(text) = field(&fields, &["Full text"]) else {
        return Err(Refusal::new(Reason::Empty, "holds no text in `Full text`"));
    };
    let metadata = Metadata {
        uri: line(&fields, &["Document URL", "ProQuest document link"]),
        title: line(&fields, &["Title"]),
        byline: line(&fields, &["Author"]),
        published: line(&fields, &["Publication date"]),
        section: line(&fields, &["Section"]),
        language: line(&fields, &["Language of publication"]),
        source: line(&fields, &["Publication title"]),
        ..Metadata::default()
    };
    Ok(Parsed { own_id: line(&fields, &["ProQuest document ID"]), metadata, ..Parsed::new(text, encoding) })
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_articles, read_texts};

    #[test]
    fn articles_of_factiva_end_with_their_number() {
        let article = "\n\nSE\tLocal\n\nHD\tQuay to\nClose\n\nBY\tBy Ida Brenn\n\nPD\t4 March 2031\n\nSN\tBay Courier\n\nLP\n\nOne.\n\nTD\n\nTwo.\n\nHe said.\n\n\
            AN\tDocument B1\n\n";
        let articles = read_articles("a.txt", article.repeat(2).as_bytes());
        assert_eq!(articles.len(), 2);
        assert_eq!(
            (articles[1].own_id.as_deref(), articles[1].text.as_str()),
            (Some("B1"), "One.\n\nTwo.\n\nHe said.")
        );
        let metadata = &articles[0].metadata;
        assert_eq!(
            (metadata.title.as_deref(), metadata.byline.as_deref()),
            (Some("Quay to Close"), Some("By Ida Brenn"))
        );
        assert_eq!((metadata.section.as_deref(), metadata.source.as_deref()), (Some("Local"), Some("Bay Courier")));
    }

    #[test]
    fn articles_of_proquest_stand_between_rules() {
        let article = format!(
            "{}\n\nDocument 1 of 2\n\nQuay\n\nAuthor: Brenn, Ida\n\nFull text: One.\n\nTwo: three.\n\nSubject: Harbours\n\nTitle: Quay\n\n\
             Publication title: Bay Courier\n\nPublication date: Mar 4, 2031\n\n",
            "_".repeat(60)
        );
        let articles = read_articles("a.txt", article.repeat(2).as_bytes());
        assert_eq!(articles.len(), 2);
        assert_eq!(articles[1].text, "One.\n\nTwo: three.");
        let metadata = &articles[0].metadata;
        assert_eq!((metadata.title.as_deref(), metadata.byline.as_deref()), (Some("Quay"), Some("Brenn, Ida")));
        assert_eq!(
            (metadata.published.as_deref(), metadata.source.as_deref()),
            (Some("Mar 4, 2031"), Some("Bay Courier"))
        );
    }

    #[test]
    fn a_text_with_such_words_is_a_text() {
        for text in
            ["HD is short for harbour department.\n\nPD\n\nLP is out.", "____\n\nFull text: One.\n\nAuthor: Ida"]
        {
            assert_eq!(read_texts("a.txt", text.as_bytes()), [Ok(text.to_owned())]);
        }
    }
}
