//! JSON: an object a document, alone, one after another, or in an array. Values are cut out first and parsed later.

use std::io::BufRead;

use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};

use super::beginning::Beginning;
use super::{Format, ninjs};
use crate::config::values::FieldPath;
use crate::config::{FieldNames, InputConfig};
use crate::input::intake::{Flow, Intake, Spot};
use crate::input::raw_record::{Parsed, RawRecord};
use crate::input::refusal::{EXCERPT_BYTES, Refusal};
use crate::input::stream::Stream;
use crate::input::text::decode::decode;
use crate::record::{Metadata, Reason};

pub(super) static FORMAT: Format = Format {
    extensions: &["json", "ninjs"],
    is_one_record: false,
    recognise,
    read: |stream, _, intake| read(stream, intake),
};

/// One or more objects, or an array of objects. An object may go over many lines. In a file with the name of JSON it may also be
/// malformed.
fn recognise(beginning: &mut Beginning<'_, '_>) -> bool {
    let has_extension = beginning.has_extension(FORMAT.extensions);
    match beginning.first() {
        Some(b'{') => has_extension || !is_malformed(beginning.long_line().0),
        Some(b'[') => has_extension || is_array_of_objects(beginning.text()),
        _ => false,
    }
}

/// Tells whether a line is neither JSON nor the beginning of it.
fn is_malformed(line: &[u8]) -> bool {
    check(line).is_err_and(|error| !error.is_eof())
}

/// Checks that a line is one JSON value.
pub(super) fn check(line: &[u8]) -> serde_json::Result<()> {
    serde_json::from_slice::<IgnoredAny>(line).map(|_| ())
}

fn is_array_of_objects(text: &[u8]) -> bool {
    text[1..].trim_ascii_start().starts_with(b"{")
}

/// The bytes of what should be a JSON object.
pub(super) struct Value {
    pub(super) bytes: Vec<u8>,
    /// True if the file ends here, so that the object may be cut short.
    pub(super) is_open: bool,
}

impl RawRecord for Value {
    fn excerpt_source(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(self: Box<Self>, settings: &InputConfig) -> Result<Option<Parsed>, Refusal> {
        parse(*self, &settings.fields).map(Some)
    }
}

/// Reads every object, in arrays or not.
fn read(stream: &mut Stream<'_>, intake: &mut Intake<'_>) -> Flow {
    let limit = intake.settings().max_document_bytes.get();
    let mut is_in_array = false;
    if stream.peek(3).starts_with(b"\xef\xbb\xbf") {
        stream.consume(3);
    }
    loop {
        let spot_of_end = Spot::record(stream.position());
        match next(stream, &mut is_in_array, limit) {
            Ok(Some(Element { spot, content: Ok(value) })) => intake.put(spot, value)?,
            Ok(Some(Element { spot, content: Err((refusal, beginning)) })) => {
                intake.refuse(spot, refusal, &beginning)?;
            }
            Ok(None) if is_in_array => {
                return intake.refuse(spot_of_end, Refusal::truncated("the array is cut short"), b"");
            }
            Ok(None) => return Flow::Continue(()),
            Err(refusal) if refusal.goes_on => intake.refuse(spot_of_end, refusal, b"")?,
            Err(refusal) => return intake.refuse(spot_of_end, refusal, b""),
        }
    }
}

/// A value, or why it is none and how it begins.
struct Element {
    spot: Spot,
    content: Result<Value, (Refusal, Vec<u8>)>,
}

/// The next value; arrays that are not inside something are gone into.
fn next(stream: &mut Stream<'_>, is_in_array: &mut bool, limit: u64) -> Result<Option<Element>, Refusal> {
    loop {
        let buffer = stream.fill_buf()?;
        let Some(&first) = buffer.first() else { return Ok(None) };
        match first {
            b'[' if !*is_in_array => *is_in_array = true,
            b']' if *is_in_array => *is_in_array = false,
            b',' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => return Ok(Some(element(stream, limit))),
        }
        stream.consume(1);
    }
}

/// The state of a scan through a value.
#[derive(Default)]
struct Scan {
    depth: u64,
    is_in_string: bool,
    is_escaped: bool,
}

/// The outcome of a scan through a piece of a value.
enum Step {
    /// The value goes on behind it.
    GoesOn,
    /// The value ends after so many bytes.
    Ends(usize),
    /// A string goes over the end of its line, after so many bytes: where it should have ended nobody knows.
    Breaks(usize),
}

impl Scan {
    fn scan(&mut self, piece: &[u8]) -> Step {
        let mut at = 0;
        while at < piece.len() {
            if self.is_escaped {
                self.is_escaped = false;
                at += 1;
            } else if self.is_in_string {
                let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', &piece[at..]) else { return Step::GoesOn };
                at += found + 1;
                match piece[at - 1] {
                    b'"' => self.is_in_string = false,
                    b'\\' => self.is_escaped = true,
                    _ => return Step::Breaks(at),
                }
            } else {
                at += 1;
                match piece[at - 1] {
                    b'"' => self.is_in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' if self.depth <= 1 => return Step::Ends(if self.depth == 1 { at } else { at - 1 }),
                    b'}' | b']' => self.depth -= 1,
                    b',' | b'\n' if self.depth == 0 => return Step::Ends(at - 1),
                    _ => {}
                }
            }
        }
        Step::GoesOn
    }
}

/// Cuts out the value that begins here.
fn element(stream: &mut Stream<'_>, limit: u64) -> Element {
    let begin = stream.position();
    let mut bytes = Vec::new();
    let outcome = cut(stream, limit, &mut bytes);
    let length = stream.position() - begin;
    let outcome = match outcome {
        Ok(()) if length > limit => Err(Refusal::too_large(length, limit)),
        outcome => outcome,
    };
    let content = match outcome {
        Ok(()) => Ok(Value { bytes, is_open: false }),
        Err(refusal) => {
            bytes.truncate(EXCERPT_BYTES);
            Err((refusal, bytes))
        }
    };
    Element { spot: Spot::record(begin), content }
}

/// Takes the bytes of a value, and keeps as many as are allowed.
fn cut(stream: &mut Stream<'_>, limit: u64, kept: &mut Vec<u8>) -> Result<(), Refusal> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut scan = Scan::default();
    loop {
        let buffer = stream.fill_buf()?;
        if buffer.is_empty() {
            let is_inside = scan.depth > 0 || scan.is_in_string;
            return if is_inside { Err(Refusal::truncated("the object is cut short")) } else { Ok(()) };
        }
        let step = scan.scan(buffer);
        let part = match step {
            Step::GoesOn => buffer,
            Step::Ends(length) | Step::Breaks(length) => &buffer[..length],
        };
        kept.extend_from_slice(&part[..part.len().min(limit.saturating_sub(kept.len()))]);
        // A bracket too many ends nothing, and has to be passed over.
        let passed = part.len().max(1);
        stream.consume(passed);
        match step {
            Step::GoesOn => {}
            Step::Ends(_) => return Ok(()),
            Step::Breaks(_) => {
                find_object(stream);
                let message = "is no JSON object: a string goes over the end of its line";
                return Err(Refusal::new(Reason::InvalidJson, message));
            }
        }
    }
}

/// Passes on to a line that begins with an object.
fn find_object(stream: &mut Stream<'_>) {
    loop {
        // At the beginning of a line.
        match stream.fill_buf().map(<[u8]>::first) {
            Ok(Some(b' ' | b'\t' | b',')) => stream.consume(1),
            Ok(Some(b'{') | None) | Err(_) => return,
            Ok(Some(_)) => pass_line(stream),
        }
    }
}

fn pass_line(stream: &mut Stream<'_>) {
    while let Ok(buffer) = stream.fill_buf()
        && !buffer.is_empty()
    {
        let newline = memchr::memchr(b'\n', buffer);
        let passed = newline.map_or(buffer.len(), |at| at + 1);
        stream.consume(passed);
        if newline.is_some() {
            return;
        }
    }
}

/// An object to a document: by the fields that the configuration names, or else as ninjs.
fn parse(value: Value, fields: &FieldNames) -> Result<Parsed, Refusal> {
    let is_open = value.is_open;
    let (json, encoding) = decode(value.bytes)?;
    let object: Map<String, Json> = serde_json::from_str(&json).map_err(|error| not_json(&error, is_open))?;
    let mut object = Json::Object(object);
    let text = match take_value(&mut object, &fields.text) {
        Some(Json::String(text)) => text,
        Some(_) => return Err(wrong_type(&fields.text, "no string")),
        None => {
            let missing = format!("has no field `{}`", fields.text);
            return ninjs::parse(&object, encoding).unwrap_or_else(|| Err(Refusal::new(Reason::MissingText, missing)));
        }
    };
    if text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, format!("holds no text in `{}`", fields.text)));
    }
    let own_id = word(&mut object, &fields.id)?;
    let metadata = Metadata::try_from_fields(|place, field| {
        let path = &fields.metadata[place];
        // Authors alone come in lists.
        if field.name == "byline" { names(&mut object, path) } else { word(&mut object, path) }
    })?;
    Ok(Parsed { own_id, metadata, text, encoding })
}

/// Takes out the value at `path`: in the field of that name, dots and all, or else inside others.
fn take_value(object: &mut Json, path: &FieldPath) -> Option<Json> {
    if let Some(value) = object.get_mut(path.as_str()) {
        return Some(value.take());
    }
    let found = path.steps().iter().try_fold(object, |value, step| match value {
        Json::Object(fields) => fields.get_mut(step),
        Json::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    });
    found.map(Json::take)
}

/// A field that holds a string or a number; nothing where it is missing, null or blank.
fn word(object: &mut Json, field: &FieldPath) -> Result<Option<String>, Refusal> {
    match take_value(object, field) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(Json::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(wrong_type(field, "neither a string nor a number")),
    }
}

/// As [`word`]; a list of strings is joined.
fn names(object: &mut Json, field: &FieldPath) -> Result<Option<String>, Refusal> {
    match take_value(object, field) {
        Some(Json::Array(items)) if items.iter().all(Json::is_string) => {
            let names: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
            Ok(Some(names.join(", ")).filter(|text| !text.trim().is_empty()))
        }
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(wrong_type(field, "neither a string nor a list of strings")),
    }
}

/// Messages name the column alone if the record is one line.
fn not_json(error: &serde_json::Error, is_open: bool) -> Refusal {
    let message = error.to_string().replace(" at line 1 column ", " at column ");
    let reason = match error.classify() {
        serde_json::error::Category::Eof if is_open => Reason::Truncated,
        _ if message.starts_with("recursion limit") => Reason::TooDeep,
        _ => Reason::InvalidJson,
    };
    Refusal::new(reason, format!("is no JSON object: {message}"))
}

fn wrong_type(field: &FieldPath, what: &str) -> Refusal {
    Refusal::new(Reason::WrongType, format!("holds {what} in `{field}`"))
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_texts};
    use crate::record::Reason;

    #[test]
    fn objects_are_documents_alone_in_a_row_or_in_an_array() {
        let one_and_two = [Ok("One.".to_owned()), Ok("Two.".to_owned())];
        assert_eq!(
            read_texts("a", b"[{\"text\": \"One.\"},\n{\"text\": \"Two.\", \"more\": [{\"x\": \"}\"}]}]"),
            one_and_two
        );
        assert_eq!(read_texts("a", b"{\n\"text\": \"One.\"\n}\n{\n\"text\": \"Two.\"}"), one_and_two);
        assert_eq!(read_texts("a.json", b"{\"text\": \"One.\"}"), one_and_two[..1]);
    }

    #[test]
    fn an_object_that_breaks_off_costs_itself_and_the_end_of_its_array() {
        let array = b"[{\"text\": \"One.\"}, {\"text\": \"A line\nends.\"},\n{\"text\": \"Two.\"}, {\"text\": \"Cut";
        let expected = [
            Ok("One.".to_owned()),
            Err(Reason::InvalidJson),
            Ok("Two.".to_owned()),
            Err(Reason::Truncated),
            Err(Reason::Truncated),
        ];
        assert_eq!(read_texts("a.json", array), expected);
    }

    #[test]
    fn fields_are_words_numbers_or_lists_of_authors() {
        let article = read_article(
            "a.json",
            b"{\"id\": 7, \"text\": \"One.\", \"byline\": [\"Ann\", \"Bob\"], \"title\": \" \"}",
        );
        assert_eq!(article.own_id.as_deref(), Some("7"));
        assert_eq!((article.metadata.byline.as_deref(), article.metadata.title), (Some("Ann, Bob"), None));
    }
}
