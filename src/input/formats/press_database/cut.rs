//! Cuts a text into articles at the lines that its shape knows, one at a time: an export may be long.

use super::{Count, Draft, Edge, Shape, lines};
use crate::config::InputConfig;
use crate::input::collector::{Collector, Flow, Position};
use crate::input::formats::dateline::with_dateline;
use crate::input::formats::lines as text_lines;
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::{EXCERPT_BYTES, Refusal};
use crate::input::stream::Stream;
use crate::input::text::decode::decode;
use crate::record::Reason;

/// Lines at edges are no longer than this.
const MAX_EDGE_BYTES: usize = 200;

/// The relation of a stream's lines to the places of articles in a file.
pub(super) enum Places {
    /// They are the lines of the file, in this encoding if it is known already.
    Lines { encoding: Option<&'static str> },
    /// Nothing: the text was converted from a file in this encoding.
    None { encoding: &'static str },
}

impl Places {
    fn encoding(&self) -> Option<&'static str> {
        match self {
            Self::Lines { encoding } => *encoding,
            Self::None { encoding } => Some(encoding),
        }
    }

    fn position(&self, part: &Part) -> Position {
        match self {
            Self::Lines { .. } => Position::Record { line: Some(part.line), byte: Some(part.byte) },
            Self::None { .. } => Position::Record { line: None, byte: None },
        }
    }
}

/// The lines between two edges.
#[derive(Default)]
struct Part {
    /// The number of its first line that is not blank.
    line: u64,
    /// The offset of that line.
    byte: u64,
    bytes: Vec<u8>,
    /// Its length, also of what was not kept.
    length: u64,
}

impl Part {
    /// Adds a line, as far as the part is not over the limit.
    fn push(&mut self, line: &[u8], length: u64, limit: u64) {
        self.length += length + 1;
        if self.length <= limit {
            self.bytes.extend_from_slice(line);
            self.bytes.push(b'\n');
        }
    }
}

/// An article and what stands around it.
struct Article {
    shape: &'static Shape,
    bytes: Vec<u8>,
    /// The encoding of the file, if the bytes have been decoded.
    encoding: Option<&'static str>,
    /// True if its end is there.
    is_whole: bool,
}

impl RawRecord for Article {
    fn excerpt_source(&self) -> &[u8] {
        self.bytes.trim_ascii_start()
    }

    fn parse(self: Box<Self>, _: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        if !self.is_whole {
            let message = format!("the article is cut short: its end, as {} writes it, is missing", self.shape.name);
            return Err(Refusal::truncated(message));
        }
        let (text, encoding) = match self.encoding {
            Some(encoding) => (String::from_utf8_lossy(&self.bytes).into_owned(), encoding),
            None => decode(self.bytes)?,
        };
        let Draft { own_id, metadata, dateline, paragraphs } = (self.shape.parse)(&text)?;
        if paragraphs.is_empty() {
            return Err(Refusal::new(Reason::Empty, format!("holds no text of an article of {}", self.shape.name)));
        }
        let text = with_dateline(dateline, paragraphs.join("\n\n"));
        Ok(Some(ParsedRecord { own_id, metadata, ..ParsedRecord::new(text, encoding) }))
    }
}

/// Reads every article.
pub(super) fn read(
    stream: &mut Stream<'_>,
    shape: &'static Shape,
    places: &Places,
    collector: &mut Collector<'_>,
) -> Flow {
    let limit = collector.settings().max_document_bytes.get();
    let mut cutter = Cutter { shape, places, limit, part: Part::default(), has_begun: false, tally: Tally::default() };
    let mut number = 0;
    while let Some(line) = text_lines::next(stream, number + 1, limit) {
        number += 1;
        let line_position = LinePosition { line: number, byte: line.byte, length: line.length };
        match line.into_bytes() {
            Ok(bytes) => cutter.take_line(&bytes, &line_position, collector)?,
            Err(refusal) => {
                let goes_on = refusal.goes_on;
                cutter.refuse_part(refusal, collector)?;
                if !goes_on {
                    return Flow::Continue(());
                }
            }
        }
    }
    cutter.finish_part(false, collector)?;
    cutter.check_count(collector)
}

/// The place of a line in its file, and its length in bytes.
struct LinePosition {
    line: u64,
    byte: u64,
    length: u64,
}

struct Cutter<'c> {
    shape: &'static Shape,
    places: &'c Places,
    limit: u64,
    part: Part,
    /// True from the first line of the first article on.
    has_begun: bool,
    tally: Tally,
}

/// The articles that were announced, and those that were found.
#[derive(Default)]
struct Tally {
    /// The number by all cover pages: exports may have been put together.
    total: u64,
    /// The exports in the file whose articles have numbers.
    exports: Vec<Numbered>,
    found: u64,
}

/// An export whose articles have numbers that rise.
struct Numbered {
    first: u64,
    last: u64,
    /// The number of articles as the first one says it.
    of: u64,
    found: u64,
    /// True if its articles do not agree on that number: somebody has made it up of several.
    is_mixed: bool,
}

impl Cutter<'_> {
    fn take_line(&mut self, bytes: &[u8], line_position: &LinePosition, collector: &mut Collector<'_>) -> Flow {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_EDGE_BYTES)]);
        let text = if bytes.len() <= MAX_EDGE_BYTES { lines::clean(&text) } else { "…" };
        match (self.shape.edge)(text) {
            Some(Edge::First) => {
                // A cover page stands before the first article.
                if self.has_begun {
                    self.finish_part(true, collector)?;
                }
                self.part = Part::default();
                self.has_begun = true;
                self.add(bytes, text, line_position);
            }
            Some(Edge::Last) => {
                self.add(bytes, text, line_position);
                self.finish_part(true, collector)?;
            }
            Some(Edge::Between) => self.finish_part(true, collector)?,
            None => self.add(bytes, text, line_position),
        }
        collector.check_interrupt()
    }

    fn add(&mut self, bytes: &[u8], text: &str, line_position: &LinePosition) {
        let is_first = self.part.length == 0;
        if is_first && text.is_empty() {
            return;
        }
        if is_first {
            self.part.line = line_position.line;
            self.part.byte = line_position.byte;
        }
        match (self.shape.count)(text) {
            Some(Count::Total(total)) => self.tally.total = self.tally.total.saturating_add(total),
            Some(Count::Item { number, of }) if is_first => self.tally.add_item(number, of),
            _ => {}
        }
        self.part.push(bytes, line_position.length, self.limit);
    }

    /// Puts the lines since the last edge into the collector, if they are an article.
    fn finish_part(&mut self, has_end: bool, collector: &mut Collector<'_>) -> Flow {
        let part = std::mem::take(&mut self.part);
        let position = self.places.position(&part);
        if part.length > self.limit {
            self.tally.found += 1;
            let excerpt = &part.bytes[..part.bytes.len().min(EXCERPT_BYTES)];
            return collector.refuse(position, Refusal::too_large(part.length, self.limit), excerpt);
        }
        let text = String::from_utf8_lossy(&part.bytes);
        let lines: Vec<&str> = text.lines().map(lines::clean).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() || (self.shape.is_furniture)(&lines) {
            return Flow::Continue(());
        }
        self.tally.found += 1;
        let encoding = self.places.encoding();
        let is_whole = has_end || (self.shape.is_whole)(&lines);
        collector.put(position, Article { shape: self.shape, bytes: part.bytes, encoding, is_whole })
    }

    /// Rejects the article in which a failure came.
    fn refuse_part(&mut self, refusal: Refusal, collector: &mut Collector<'_>) -> Flow {
        let part = std::mem::take(&mut self.part);
        self.tally.found += 1;
        collector.refuse(self.places.position(&part), refusal, &part.bytes)
    }

    /// Rejects what was announced and is not there.
    fn check_count(self, collector: &mut Collector<'_>) -> Flow {
        match self.tally.complaint() {
            Some(message) => {
                collector.refuse(Position::Record { line: None, byte: None }, Refusal::truncated(message), b"")
            }
            None => Flow::Continue(()),
        }
    }
}

impl Tally {
    fn add_item(&mut self, number: u64, of: u64) {
        match self.exports.last_mut().filter(|export| export.last < number) {
            Some(export) => {
                export.last = number;
                export.found += 1;
                export.is_mixed |= export.of != of;
            }
            None => self.exports.push(Numbered { first: number, last: number, of, found: 1, is_mixed: false }),
        }
    }

    /// The sentence to say if more articles were announced than were found.
    fn complaint(&self) -> Option<String> {
        if self.found < self.total {
            return Some(format!("the file announces {} documents; {} were found", self.total, self.found));
        }
        self.exports.iter().find_map(Numbered::complaint)
    }
}

impl Numbered {
    fn complaint(&self) -> Option<String> {
        // Whoever exports in several files starts a later one in the middle, and may end it there.
        let until = if self.first == 1 { self.of.max(self.last) } else { self.last };
        let expected = until - self.first + 1;
        let Self { first, found, .. } = self;
        (!self.is_mixed && *found < expected).then(|| {
            format!("the file numbers its documents from {first} to {until}; {found} of these {expected} were found")
        })
    }
}
