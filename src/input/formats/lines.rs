//! JSON Lines: a document a line. A bad line costs only itself, and a long one no memory. Several objects on one line are several
//! documents.

use std::io::{BufRead, Read};
use std::ops::ControlFlow;

use super::beginning::{Beginning, HEAD_BYTES};
use super::{Format, envelope, json};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::pieces::Pieces;
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;
use crate::input::stream_record::StreamRecord;
use crate::record::Reason;

pub(super) static FORMAT: Format = Format {
    extensions: &["jsonl", "ndjson"],
    is_one_record: false,
    recognise,
    read: |stream, _, collector| read_lines(stream, collector),
};

/// The end of a first line is looked for within so many bytes.
const LINE_BYTES: usize = 1 << 20;

/// A first line that is a complete JSON object, or the name of such a file. An array, an object over many lines, an envelope of records
/// and a sequence with a record separator in front of each object are none.
fn recognise(beginning: &mut Beginning<'_, '_>) -> bool {
    let is_named = beginning.has_extension(FORMAT.extensions);
    match beginning.first() {
        Some(json::SEPARATOR) => false,
        Some(b'[') => is_named && !json::is_array_of_objects(beginning.text()),
        Some(b'{') => {
            let fields = beginning.fields;
            let (line, has_end) = beginning.long_line();
            match json::check(without_comma(line)) {
                Ok(()) => (has_end || is_named) && envelope::find(line, fields).is_none(),
                // An object that goes on is JSON over many lines, whatever its name. A string is cut short at the end of its line.
                Err(error) => is_named && (!error.is_eof() || error.to_string().contains("parsing a string")),
            }
        }
        _ => is_named,
    }
}

/// A line without the comma at its end, which some programs write between records.
fn without_comma(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    line.strip_suffix(b",").map_or(line, <[u8]>::trim_ascii_end)
}

/// One line, as far as it was kept.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// The offset of its first byte.
    pub(super) byte: u64,
    pub(super) bytes: Vec<u8>,
    /// Its length in bytes, without its end.
    pub(super) length: u64,
    /// True if the line has no end.
    pub(super) is_open: bool,
    /// The failure that broke it off.
    failure: Option<Refusal>,
}

impl Line {
    /// Its bytes, unless a failure broke it off.
    pub(super) fn into_bytes(self) -> Result<Vec<u8>, Refusal> {
        self.failure.map_or(Ok(self.bytes), Err)
    }
}

/// The next line of a stream in which every line is a record, also a blank one. At most `limit` bytes of it are kept.
pub(crate) fn next_record(stream: &mut Stream<'_>, number: u64, limit: u64) -> Option<StreamRecord> {
    let Line { mut bytes, length, is_open, failure, .. } = next(stream, number, limit)?;
    if length > limit {
        return Some(StreamRecord::refused(number, Refusal::too_large(length, limit), bytes));
    }
    if let Some(refusal) = failure {
        return Some(StreamRecord::refused(number, refusal, bytes));
    }
    bytes.truncate(bytes.trim_ascii_end().len());
    if bytes.is_empty() {
        return Some(StreamRecord::refused(number, Refusal::new(Reason::Empty, "is a blank line"), bytes));
    }
    Some(StreamRecord::new(number, json::Value::new(bytes, is_open)))
}

/// Reads every line as a record. Blank lines are none.
fn read_lines(stream: &mut Stream<'_>, collector: &mut Collector<'_>) -> Flow {
    if has_old_lines(stream) && memchr::memmem::find(stream.peek(LINE_BYTES), b"}\r").is_some() {
        return put_lines(&mut Stream::new(OldLines(stream)), collector);
    }
    put_lines(stream, collector)
}

/// Tells whether lines end with a carriage return alone, as far as can be seen.
pub(super) fn has_old_lines(stream: &mut Stream<'_>) -> bool {
    // Nearly all files have a line end here.
    !stream.peek(HEAD_BYTES).contains(&b'\n') && {
        let head = stream.peek(LINE_BYTES);
        memchr::memchr(b'\r', head).is_some() && memchr::memchr(b'\n', head).is_none()
    }
}

/// A stream whose lines end with a carriage return alone, the way of old Macintoshes, with line feeds.
pub(super) struct OldLines<'s, 'r>(pub(super) &'s mut Stream<'r>);

impl Read for OldLines<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.read(into)?;
        into[..length].iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        Ok(length)
    }
}

fn put_lines(stream: &mut Stream<'_>, collector: &mut Collector<'_>) -> Flow {
    let limit = collector.settings().max_document_bytes.get();
    let mut number = 1;
    while let Some(line) = next(stream, number, limit) {
        number += 1;
        put_line(line, limit, collector)?;
    }
    Flow::Continue(())
}

/// Reads the lines that begin in `pieces` of a file of so many bytes. In other pieces it only counts them.
pub(in crate::input) fn read_pieces(
    stream: &mut Stream<'_>,
    pieces: &Pieces,
    length: u64,
    collector: &mut Collector<'_>,
) -> Flow {
    let limit = collector.settings().max_document_bytes.get();
    let mut number = 1;
    loop {
        let position = stream.position();
        if pieces.has(position) {
            let end = pieces.end(position);
            while stream.position() < end {
                let Some(line) = next(stream, number, limit) else { return Flow::Continue(()) };
                number += 1;
                put_line(line, limit, collector)?;
            }
        } else {
            let Some(begin) = pieces.next_own(position, length) else { return Flow::Continue(()) };
            number += skip_lines(stream, begin, number, collector)?;
            if stream.position() < begin {
                return Flow::Continue(());
            }
        }
    }
}

/// Passes over the lines that begin before `end`, and returns their number. `number` is that of the first one.
fn skip_lines(stream: &mut Stream<'_>, end: u64, number: u64, collector: &mut Collector<'_>) -> ControlFlow<(), u64> {
    let mut lines = 0;
    loop {
        collector.check_interrupt()?;
        let position = stream.position();
        let buffer = match stream.fill_buf() {
            Ok([]) => return ControlFlow::Continue(lines),
            Ok(buffer) => buffer,
            Err(error) => {
                // Nothing behind it can be read, and some of it was to be read here.
                let position = Position::Line { line: number + lines, byte: position };
                collector.refuse(position, error.into(), b"")?;
                return ControlFlow::Continue(lines);
            }
        };
        // A line feed in the last byte before `end` ends the last line that begins before it.
        let before = usize::try_from((end - 1).saturating_sub(position)).unwrap_or(usize::MAX).min(buffer.len());
        lines += memchr::memchr_iter(b'\n', &buffer[..before]).count() as u64;
        let last = memchr::memchr(b'\n', &buffer[before..]);
        let passed = last.map_or(buffer.len(), |at| before + at + 1);
        stream.consume(passed);
        if last.is_some() {
            return ControlFlow::Continue(lines + 1);
        }
    }
}

fn put_line(line: Line, limit: u64, collector: &mut Collector<'_>) -> Flow {
    let position = Position::Line { line: line.number, byte: line.byte };
    if let Some(refusal) = line.failure {
        return collector.refuse(position, refusal, &line.bytes);
    }
    if line.length > limit {
        return collector.refuse(position, Refusal::too_large(line.length, limit), &line.bytes);
    }
    if line.bytes.iter().all(u8::is_ascii_whitespace) {
        return Flow::Continue(());
    }
    let mut bytes = line.bytes;
    bytes.truncate(bytes.trim_ascii_end().len());
    if bytes.ends_with(b"},") {
        bytes.pop();
    }
    let Some(objects) = json::glued(&bytes) else {
        return collector.put(position, json::Value::new(bytes, line.is_open));
    };
    for object in objects {
        let position = Position::Line { line: line.number, byte: line.byte + object.start as u64 };
        let is_open = line.is_open && object.end == bytes.len();
        collector.put(position, json::Value::new(bytes[object].to_vec(), is_open))?;
    }
    Flow::Continue(())
}

/// The next line without its end. Beyond the limit bytes are counted and dropped.
pub(super) fn next(stream: &mut Stream<'_>, number: u64, limit: u64) -> Option<Line> {
    let mut line = Line { number, byte: stream.position(), bytes: Vec::new(), length: 0, is_open: true, failure: None };
    while line.is_open {
        let buffer = match stream.fill_buf() {
            Ok([]) => break,
            Ok(buffer) => buffer,
            Err(error) => {
                line.failure = Some(error.into());
                return Some(line);
            }
        };
        let newline = memchr::memchr(b'\n', buffer);
        let part = &buffer[..newline.unwrap_or(buffer.len())];
        let room = limit.saturating_sub(line.length);
        line.bytes.extend_from_slice(&part[..part.len().min(usize::try_from(room).unwrap_or(usize::MAX))]);
        line.length += part.len() as u64;
        line.is_open = newline.is_none();
        let consumed = part.len() + usize::from(newline.is_some());
        stream.consume(consumed);
    }
    (stream.position() > line.byte).then_some(line)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use crate::config::InputConfig;
    use crate::input::collector::{Collector, Flow, LocatedRecord, RecordSink};
    use crate::input::formats::testing::read_texts;
    use crate::input::layers::{Budget, Container, read_layers, read_pieces};
    use crate::input::part::Part;
    use crate::input::pieces::Pieces;
    use crate::input::stream::Stream;
    use crate::pipeline::Interrupt;
    use crate::record::{Place, Reason, Rejection};

    #[test]
    fn the_content_decides_whatever_the_name() {
        let one_and_two = [Ok("One.".to_owned()), Ok("Two.".to_owned())];
        for content in [
            "[\n{\"text\": \"One.\"},\n{\"text\": \"Two.\"}\n]\n",
            "{\n  \"text\": \"One.\"\n}\n{\n  \"text\": \"Two.\"\n}\n",
            "{\"text\": \"One.\"},\n{\"text\": \"Two.\"},\n",
            "\u{feff}{\"text\": \"One.\"}\r\n{\"text\": \"Two.\"}",
        ] {
            for name in ["a.jsonl", "a.json", "a"] {
                assert_eq!(read_texts(name, content.as_bytes()), one_and_two, "{name}: {content}");
            }
        }
        assert_eq!(
            read_texts("a.jsonl", b"[1]\n{\"text\": \"One.\"}"),
            [Err(Reason::InvalidJson), Ok("One.".to_owned())]
        );
    }

    #[test]
    fn objects_without_line_feeds_between_them_are_documents() {
        let one_and_two = [Ok("One }{ {.".to_owned()), Ok("Two.".to_owned())];
        let one = "{\"text\": \"One }{ {.\", \"more\": {\"x\": {}}}";
        let two = "{\"text\": \"Two.\"}";
        for content in [
            format!("{one}{two}"),
            format!("{one} {two}\n"),
            format!("{one}\r{two}\r"),
            format!("\u{1e}{one}\n\u{1e}{two}\n"),
            format!("\u{1e}{one}\u{1e}{two}"),
        ] {
            for name in ["a.jsonl", "a.json", "a"] {
                assert_eq!(read_texts(name, content.as_bytes()), one_and_two, "{name}: {content}");
            }
        }
        let cut = format!("{one}{{\"text\": \"Two");
        assert_eq!(read_texts("a.jsonl", cut.as_bytes()), [one_and_two[0].clone(), Err(Reason::Truncated)]);
        let wrong = format!("{one} and {two}\n{two}");
        assert_eq!(read_texts("a.jsonl", wrong.as_bytes()), [Err(Reason::InvalidJson), one_and_two[1].clone()]);
    }

    /// Keeps the places of records, and the reasons of those that are refused before they are parsed.
    #[derive(Default)]
    struct Places(Vec<(Place, Option<Reason>)>);

    impl RecordSink for Places {
        fn put(&mut self, record: Result<LocatedRecord, Rejection>) -> Flow {
            self.0.push(match record {
                Ok(record) => (record.place, None),
                Err(rejection) => (rejection.place, Some(rejection.reason)),
            });
            ControlFlow::Continue(())
        }

        fn leave_out(&mut self, _: &str) {}
    }

    /// The records of a file, or of some pieces of it.
    fn places(bytes: &[u8], pieces: Option<&Pieces>) -> Vec<(Place, Option<Reason>)> {
        let max_document_bytes = crate::config::values::Whole::constant::<50>();
        let config = InputConfig { max_document_bytes, ..InputConfig::default() };
        let budget = Budget::new(&config);
        let interrupt = Interrupt::default();
        let mut places = Places::default();
        let mut collector = Collector::new(&config, &interrupt, "a.jsonl".into(), "a".into(), &mut places);
        let container = Container::new("a.jsonl", None, &budget);
        let stream = &mut Stream::new(bytes);
        let flow = match pieces {
            None => read_layers(stream, container, &mut collector),
            Some(pieces) => read_pieces(stream, pieces, bytes.len() as u64, container, &mut collector)
                .unwrap_or(ControlFlow::Continue(())),
        };
        assert!(flow.is_continue());
        places.0
    }

    #[test]
    fn records_are_the_same_in_pieces_of_any_size() {
        let object = |text: &str| format!("{{\"text\": \"{text}\"}}");
        let lines = [
            object("One."),
            String::new(),
            "no JSON".to_owned(),
            object("Two.\r"),
            format!("{}{}", object("Three"), object("Four.")),
            object(&"long ".repeat(30)),
            "\r".to_owned(),
            object("Fünf."),
            object("6"),
        ];
        let old_lines = lines.join("\r").replace('\n', "");
        let array = format!("[{},\n{}]", object("One."), object("Two."));
        for content in [
            lines.join("\n"),
            lines.join("\n") + "\n",
            format!("\u{feff}{}\r\n\r\n", lines.join("\r\n")),
            "\n".repeat(70) + &object("One."),
            old_lines,
            array,
        ] {
            let whole = places(content.as_bytes(), None);
            assert!(!whole.is_empty());
            let length = content.len() as u64;
            for piece_bytes in (1..40).chain([97, 150, length - 1]).filter(|&bytes| bytes < length) {
                let mut all = Vec::new();
                for number in 0..3 {
                    let part = Part::new(number, 3).unwrap();
                    let pieces = Pieces::new(part, "a.jsonl", length, piece_bytes).unwrap();
                    all.extend(places(content.as_bytes(), Some(&pieces)));
                }
                // Stable: those of a line stay as they are.
                all.sort_by_key(|(place, _)| (place.line, place.record));
                assert_eq!(all, whole, "{piece_bytes}: {content:?}");
            }
        }
    }

    #[test]
    fn a_bad_line_costs_only_itself() {
        let lines =
            b"{\"id\": 1, \"text\": \"One.\"}\n\n{\"text\": 2}\nno JSON\n{\"text\": \"Two.\"}\n{\"text\": \"Cut";
        let one_and_two = [
            Ok("One.".to_owned()),
            Err(Reason::WrongType),
            Err(Reason::InvalidJson),
            Ok("Two.".to_owned()),
            Err(Reason::Truncated),
        ];
        assert_eq!(read_texts("a.jsonl", lines), one_and_two);
        assert_eq!(read_texts("a", lines), one_and_two, "the first line is a complete object");
    }
}
