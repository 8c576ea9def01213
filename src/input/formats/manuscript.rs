//! A document of a word processor after its file has been read: paragraphs and properties. It is an article, or the export of a press
//! database.

use std::io::Read;
use std::ops::ControlFlow;

use super::press_database;
use crate::config::InputConfig;
use crate::input::collector::{Collector, Flow, Position};
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;
use crate::record::{Metadata, Reason};

/// The maximum length of a first paragraph that is a title.
const MAX_TITLE_CHARACTERS: usize = 200;

/// Titles and authors that programs write when nobody has named any.
const PLACEHOLDERS: [&str; 14] = [
    "microsoft word - ",
    "document",
    "dokument",
    "untitled",
    "unknown",
    "microsoft office user",
    "python-docx",
    "apache poi",
    "user",
    "admin",
    "administrator",
    "author",
    "title",
    "word document",
];

/// Paragraphs and properties of a document.
#[derive(Debug, Default)]
pub(super) struct Manuscript {
    /// As the properties of the document say it.
    pub(super) metadata: Metadata,
    /// The title by the styles of paragraphs.
    pub(super) styled_title: Option<String>,
    /// The paragraphs, without blank ones.
    pub(super) paragraphs: Vec<String>,
    /// The name of the encoding of the file.
    pub(super) encoding: &'static str,
    /// True if the file ends before the document does.
    pub(super) is_cut: bool,
}

impl Manuscript {
    /// Adds paragraphs, without white space at the ends of their lines.
    pub(super) fn push(&mut self, paragraph: &str) {
        let lines: Vec<&str> = paragraph.split('\n').map(str::trim).collect();
        let paragraph = lines.join("\n");
        let paragraph = paragraph.trim();
        if !paragraph.is_empty() {
            self.paragraphs.push(paragraph.to_owned());
        }
    }

    /// Puts the articles of an export into the collector, or else the document itself.
    pub(super) fn send_to(self, collector: &mut Collector<'_>) -> Flow {
        let text = self.paragraphs.join("\n\n");
        let limit = collector.settings().max_document_bytes.get();
        if text.len() as u64 > limit {
            return collector.refuse(Position::Whole, Refusal::too_large(text.len() as u64, limit), text.as_bytes());
        }
        if let Some(flow) = press_database::read_if_export(&text, self.encoding, collector) {
            flow?;
            if self.is_cut {
                let position = Position::Record { line: None, byte: None };
                return collector.refuse(position, Refusal::truncated("the file is cut short"), b"");
            }
            return Flow::Continue(());
        }
        if self.is_cut {
            return collector.refuse(Position::Whole, Refusal::truncated("the file is cut short"), text.as_bytes());
        }
        let metadata = Metadata { title: self.title(), ..without_placeholders(self.metadata) };
        collector.put(Position::Whole, Whole { metadata, text, encoding: self.encoding })
    }

    /// The title of the properties, of the style, or the first paragraph if it looks like one.
    fn title(&self) -> Option<String> {
        let named = self.metadata.title.clone().filter(|title| !is_placeholder(title));
        named.or_else(|| self.styled_title.clone()).or_else(|| self.first_line())
    }

    fn first_line(&self) -> Option<String> {
        let first = self.paragraphs.first().filter(|_| self.paragraphs.len() > 1)?;
        let is_sentence = first.ends_with(['.', '!', '?', ':', ';', ',', '”', '"']) || first.contains('\n');
        (!is_sentence && first.chars().count() <= MAX_TITLE_CHARACTERS).then(|| first.clone())
    }
}

fn without_placeholders(metadata: Metadata) -> Metadata {
    let byline = metadata.byline.filter(|byline| !is_placeholder(byline));
    Metadata { byline, ..metadata }
}

/// Tells whether a program has made up a title or an author.
fn is_placeholder(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let without_number = lower.trim_end_matches(|character: char| character.is_ascii_digit() || character == ' ');
    lower.is_empty() || PLACEHOLDERS.contains(&without_number) || lower.starts_with(PLACEHOLDERS[0])
}

/// A document that is one article.
struct Whole {
    metadata: Metadata,
    text: String,
    encoding: &'static str,
}

impl RawRecord for Whole {
    fn excerpt_source(&self) -> &[u8] {
        self.text.as_bytes()
    }

    fn parse(self: Box<Self>, _: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        let Self { metadata, text, encoding } = *self;
        if text.is_empty() {
            return Err(Refusal::new(Reason::Empty, "holds no text"));
        }
        Ok(Some(ParsedRecord { metadata, ..ParsedRecord::new(text, encoding) }))
    }
}

/// Reads a stream to its end. `None` if it cannot be read, or is too long: that is refused then.
pub(super) fn take_whole(stream: &mut Stream<'_>, collector: &mut Collector<'_>) -> ControlFlow<(), Option<Vec<u8>>> {
    let limit = collector.settings().max_document_bytes.get();
    let mut bytes = Vec::new();
    match stream.take(limit + 1).read_to_end(&mut bytes) {
        Err(error) => collector.refuse(Position::Whole, error.into(), &bytes)?,
        Ok(_) if bytes.len() as u64 > limit => {
            collector.refuse(Position::Whole, Refusal::too_large(limit + 1, limit), &bytes)?;
        }
        Ok(_) => return ControlFlow::Continue(Some(bytes)),
    }
    ControlFlow::Continue(None)
}
