//! JSON: an object a document, alone, one after another, or in an array. Values are cut out first and parsed later.

use std::io::BufRead;
use std::ops::Range;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};

use super::beginning::Beginning;
use super::envelope::{self, Envelope, Items, WRAPPERS};
use super::json_fields::{self, Held};
use super::{Format, fields, known_json, ninjs};
use crate::config::values::FieldPath;
use crate::config::{FieldNames, InputConfig};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::{EXCERPT_BYTES, Refusal};
use crate::input::stream::Stream;
use crate::input::text::decode::decode;
use crate::input::text::json_repair::{repair, without_half_surrogates};
use crate::record::{Metadata, Reason, TextFlag};

/// The number of bytes in which an envelope is looked for.
const ENVELOPE_BYTES: usize = 1 << 20;

/// The number of bytes in which a script before a value is looked for.
const MAX_SCRIPT_BYTES: usize = 128;

/// The record separator in front of each object of a JSON text sequence (RFC 7464).
pub(super) const SEPARATOR: u8 = 0x1e;

pub(super) static FORMAT: Format = Format {
    extensions: &["json", "ninjs", "json-seq"],
    is_one_record: false,
    recognise,
    read: |stream, _, collector| read_values(stream, collector),
};

/// One or more objects, or an array of objects. An object may go over many lines. In a file with the name of JSON it may also be
/// malformed.
fn recognise(beginning: &mut Beginning<'_, '_>) -> bool {
    let has_extension = beginning.has_extension(FORMAT.extensions);
    match beginning.first() {
        Some(b'{') => has_extension || !is_malformed(beginning.long_line().0),
        Some(b'[') => has_extension || is_array_of_objects(beginning.text()),
        Some(SEPARATOR) => beginning.text()[1..].trim_ascii_start().starts_with(b"{"),
        _ => has_extension && script_bytes(beginning.text()).is_some(),
    }
}

/// The number of bytes before the value in a file that browsers load as a script: `var articles = [`, `callback({`.
fn script_bytes(text: &[u8]) -> Option<usize> {
    let begin = memchr::memchr2(b'{', b'[', text)?;
    let (last, name) = text[..begin].trim_ascii_end().split_last()?;
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_$. \t\r\n".contains(byte));
    (is_name && matches!(last, b'=' | b'(')).then_some(begin)
}

/// Tells whether a line is neither JSON nor the beginning of it.
fn is_malformed(line: &[u8]) -> bool {
    check(line).is_err_and(|error| !error.is_eof())
        && glued(line).is_none_or(|objects| check(&line[objects[0].clone()]).is_err())
}

/// The places of the objects on a line that has several, one behind the other: `{"a": 1}{"b": 2}`. None on most lines.
pub(super) fn glued(line: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut brackets = memchr::memchr_iter(b'{', line);
    if !brackets.any(|at| line[..at].iter().rfind(|byte| !is_between(**byte)) == Some(&b'}')) {
        return None;
    }
    let mut objects: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    loop {
        at += line[at..].iter().take_while(|byte| is_between(**byte)).count();
        match line.get(at) {
            None => return (objects.len() > 1).then_some(objects),
            Some(b'{') => {}
            Some(_) => return None,
        }
        let length = match Scan::default().scan(&line[at..]) {
            Step::Ends(length) => length,
            Step::GoesOn | Step::Breaks(_) => line.len() - at,
        };
        objects.push(at..at + length);
        at += length;
    }
}

/// Tells whether a byte may stand between two objects.
fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == SEPARATOR
}

/// Checks that a line is one JSON value, or nearly so.
pub(super) fn check(line: &[u8]) -> serde_json::Result<()> {
    let Err(error) = serde_json::from_slice::<IgnoredAny>(line) else { return Ok(()) };
    let repaired = std::str::from_utf8(line).map(|line| serde_json::from_str::<IgnoredAny>(&repair(line)));
    if matches!(repaired, Ok(Ok(_))) { Ok(()) } else { Err(error) }
}

pub(super) fn is_array_of_objects(text: &[u8]) -> bool {
    text[1..].trim_ascii_start().starts_with(b"{")
}

/// The bytes of what should be a JSON object.
pub(super) struct Value {
    bytes: Vec<u8>,
    /// True if the file ends here, so that the object may be cut short.
    is_open: bool,
    form: Form,
    /// The title of the feed that it is an item of.
    feed_title: Option<Arc<str>>,
}

/// The form of a value.
enum Form {
    Object,
    /// An object that has its id in front of it.
    Keyed(String),
    /// A list of cells, with the names of its columns.
    Row(Arc<[String]>),
}

impl Value {
    pub(super) fn new(bytes: Vec<u8>, is_open: bool) -> Self {
        Self { bytes, is_open, form: Form::Object, feed_title: None }
    }
}

impl RawRecord for Value {
    fn excerpt_source(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(self: Box<Self>, settings: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        parse(*self, settings).map(Some)
    }
}

/// Reads every object, in arrays and envelopes or not.
fn read_values(stream: &mut Stream<'_>, collector: &mut Collector<'_>) -> Flow {
    let settings = collector.settings();
    let limit = settings.max_document_bytes.get();
    if stream.peek(3).starts_with(b"\xef\xbb\xbf") {
        stream.consume(3);
    }
    let script = script_bytes(stream.peek(MAX_SCRIPT_BYTES));
    stream.consume(script.unwrap_or_default());
    let mut elements = Elements {
        stream,
        fields: &settings.fields,
        limit,
        around: Around::Nothing,
        may_be_envelope: true,
        is_script: script.is_some(),
        feed_title: None,
    };
    loop {
        let end_position = Position::record(elements.stream.position());
        match elements.next() {
            Ok(Some(Element { position, content: Ok(value), is_columns: true })) => {
                put_columns(position, value, collector)?;
            }
            Ok(Some(Element { position, content: Ok(value), .. })) => collector.put(position, value)?,
            Ok(Some(Element { position, content: Err((refusal, beginning)), .. })) => {
                collector.refuse(position, refusal, &beginning)?;
            }
            Ok(None) if matches!(elements.around, Around::Nothing) => return Flow::Continue(()),
            Ok(None) => return collector.refuse(end_position, Refusal::truncated("the array is cut short"), b""),
            Err(refusal) if refusal.goes_on => collector.refuse(end_position, refusal, b"")?,
            Err(refusal) => return collector.refuse(end_position, refusal, b""),
        }
    }
}

/// Puts the rows of a table that has an object or a list a column: `{"title": {"0": "…"}, "text": {"0": "…"}}`.
fn put_columns(position: Position, value: Value, collector: &mut Collector<'_>) -> Flow {
    let text = collector.settings().fields.text.as_str();
    let Ok(mut columns) = serde_json::from_slice::<Map<String, Json>>(&value.bytes) else {
        return collector.put(position, value);
    };
    for cells in columns.values_mut() {
        if let Json::Array(items) = cells {
            *cells = std::mem::take(items).into_iter().enumerate().map(|(row, item)| (row.to_string(), item)).collect();
        }
    }
    let labels: Vec<String> =
        columns.get(text).and_then(Json::as_object).map(|cells| cells.keys().cloned().collect()).unwrap_or_default();
    for label in labels {
        let row: Map<String, Json> = columns
            .iter_mut()
            .filter_map(|(name, cells)| Some((name.clone(), cells.get_mut(&label)?.take())))
            .collect();
        collector.put(position, Value::new(Json::Object(row).to_string().into_bytes(), false))?;
    }
    Flow::Continue(())
}

/// A value, or why it is none and how it begins.
struct Element {
    position: Position,
    content: Result<Value, (Refusal, Vec<u8>)>,
    /// True if it is all rows of a table, an object a column.
    is_columns: bool,
}

/// The brackets around the next value.
enum Around {
    Nothing,
    Array,
    /// So many brackets of an envelope, and the form of what is in it.
    Envelope(u64, Items),
}

/// Values, one by one.
struct Elements<'s, 'r> {
    stream: &'s mut Stream<'r>,
    fields: &'s FieldNames,
    limit: u64,
    around: Around,
    /// True if the next value outside brackets is looked at for being an envelope.
    may_be_envelope: bool,
    /// True if the values stand in a script.
    is_script: bool,
    /// The title of the feed that the values are items of.
    feed_title: Option<Arc<str>>,
}

impl Elements<'_, '_> {
    /// The next value; arrays that are not inside something are gone into, and so are envelopes.
    fn next(&mut self) -> Result<Option<Element>, Refusal> {
        loop {
            let Some(&first) = self.stream.fill_buf()?.first() else { return Ok(None) };
            match (&self.around, first) {
                (_, b',' | b' ' | b'\t' | b'\r' | b'\n' | SEPARATOR) => self.stream.consume(1),
                (Around::Nothing, b';' | b')') if self.is_script => self.stream.consume(1),
                (Around::Nothing, b'[') => {
                    self.around = Around::Array;
                    self.stream.consume(1);
                }
                (Around::Array, b']') => {
                    self.around = Around::Nothing;
                    self.stream.consume(1);
                }
                (Around::Envelope(depth, _), b']' | b'}') => {
                    let depth = *depth - 1;
                    self.around = Around::Nothing;
                    self.stream.consume(1);
                    match envelope::find_more(self.stream.peek(ENVELOPE_BYTES), self.fields, depth) {
                        Some(Envelope { begin, depth, items }) => {
                            self.stream.consume(begin);
                            self.around = Around::Envelope(depth, items);
                        }
                        None => self.leave(depth)?,
                    }
                }
                (Around::Nothing, b'{') if self.may_be_envelope => {
                    let window = self.stream.peek(ENVELOPE_BYTES);
                    match envelope::find(window, self.fields) {
                        Some(Envelope { items: Items::Columns, .. }) => {
                            return Ok(Some(Element { is_columns: true, ..element(self.stream, self.limit) }));
                        }
                        Some(Envelope { begin, depth, items }) => {
                            self.feed_title = envelope::feed_title(&window[..begin]).map(Arc::from);
                            self.stream.consume(begin);
                            self.around = Around::Envelope(depth, items);
                        }
                        None => self.may_be_envelope = false,
                    }
                }
                _ => {
                    let element = element(self.stream, self.limit);
                    if let Some(element) = self.formed(element) {
                        return Ok(Some(element));
                    }
                }
            }
        }
    }

    /// A value in the form that it has in its envelope; none where it stands there beside the records.
    fn formed(&self, element: Element) -> Option<Element> {
        let Element { position, content: Ok(mut value), is_columns } = element else { return Some(element) };
        match &self.around {
            Around::Envelope(_, Items::Keyed) => {
                let (key, object) = keyed(&value.bytes)?;
                value = Value { bytes: object.to_vec(), form: Form::Keyed(key), ..value };
            }
            Around::Envelope(_, Items::Rows(names)) => value.form = Form::Row(Arc::clone(names)),
            _ => {}
        }
        value.feed_title.clone_from(&self.feed_title);
        Some(Element { position, content: Ok(value), is_columns })
    }

    /// Passes over the rest of an envelope, up to the end of so many brackets.
    fn leave(&mut self, depth: u64) -> Result<(), Refusal> {
        let mut scan = Scan { depth, ..Scan::default() };
        while scan.depth > 0 {
            let buffer = self.stream.fill_buf()?;
            if buffer.is_empty() {
                return Err(Refusal::truncated("the object is cut short"));
            }
            let (passed, is_end) = match scan.scan(buffer) {
                Step::GoesOn => (buffer.len(), false),
                Step::Ends(length) => (length, true),
                Step::Breaks(length) => {
                    // The string ends with its line.
                    scan = Scan { depth: scan.depth, ..Scan::default() };
                    (length, false)
                }
            };
            self.stream.consume(passed);
            if is_end {
                break;
            }
        }
        Ok(())
    }
}

/// The key and the object of `"key": {…}`.
fn keyed(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut keys = serde_json::Deserializer::from_slice(bytes).into_iter::<String>();
    let key = keys.next()?.ok()?;
    let object = bytes[keys.byte_offset()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    object.starts_with(b"{").then_some((key, object))
}

/// The state of a scan through a value.
#[derive(Default)]
struct Scan {
    depth: u64,
    is_in_string: bool,
    is_escaped: bool,
    /// True behind the end of a line in a string, where there was nothing but white space since.
    is_behind_line: bool,
}

/// The outcome of a scan through a piece of a value.
enum Step {
    /// The value goes on behind it.
    GoesOn,
    /// The value ends after so many bytes.
    Ends(usize),
    /// A string runs past the end of its line, after this many bytes, and the rest is not text.
    Breaks(usize),
}

impl Scan {
    fn scan(&mut self, piece: &[u8]) -> Step {
        let mut at = 0;
        while at < piece.len() {
            if self.is_escaped {
                self.is_escaped = false;
                at += 1;
            } else if self.is_behind_line {
                match self.scan_behind_line(&piece[at..]) {
                    Some(blank) => at += blank,
                    None => return Step::Breaks(at),
                }
            } else if self.is_in_string {
                let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', &piece[at..]) else { return Step::GoesOn };
                at += found + 1;
                match piece[at - 1] {
                    b'"' => self.is_in_string = false,
                    b'\\' => self.is_escaped = true,
                    _ => self.is_behind_line = true,
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

impl Scan {
    /// Passes over white space behind the end of a line in a string, and gives back its length. `None` where a bracket or a key follows: then
    /// the string should have ended with its line. Otherwise it has a line end that should have been escaped.
    fn scan_behind_line(&mut self, piece: &[u8]) -> Option<usize> {
        let blank = piece.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let mut behind = piece[blank..].iter();
        match behind.next() {
            None => return Some(blank),
            Some(b'{' | b'}' | b'[' | b']') => return None,
            Some(b'"')
                if !matches!(behind.find(|byte| !byte.is_ascii_whitespace()), None | Some(b',' | b'}' | b']')) =>
            {
                return None;
            }
            Some(_) => self.is_behind_line = false,
        }
        Some(blank)
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
        Ok(()) => Ok(Value::new(bytes, false)),
        Err(refusal) => {
            bytes.truncate(EXCERPT_BYTES);
            Err((refusal, bytes))
        }
    };
    Element { position: Position::record(begin), content, is_columns: false }
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
        let passed = if matches!(step, Step::Breaks(_)) { part.len() } else { part.len().max(1) };
        stream.consume(passed);
        match step {
            Step::GoesOn => {}
            Step::Ends(_) => return Ok(()),
            Step::Breaks(_) => {
                find_object(stream);
                let message = "is not a JSON object: a string runs past the end of its line";
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

/// An object to a document: by the fields that the configuration names, or else by the names of a known shape.
fn parse(value: Value, settings: &InputConfig) -> Result<ParsedRecord, Refusal> {
    let Value { bytes, is_open, form, feed_title } = value;
    let (json, encoding) = decode(without_half_surrogates(bytes))?;
    let (object, is_repaired) = parse_object(&json, is_open, &form)?;
    let mut parsed = document(object, &settings.fields, encoding)?;
    if is_repaired {
        parsed.flag(TextFlag::Repaired);
    }
    if let Some(title) = feed_title {
        parsed.metadata.source.get_or_insert_with(|| title.as_ref().to_owned());
    }
    if let Form::Keyed(key) = form
        && !WRAPPERS.contains(&key.as_str())
    {
        parsed.own_id.get_or_insert(key);
    }
    fields::without_markup(parsed, settings.markup)
}

/// The object of a value, and whether its JSON had to be repaired.
fn parse_object(json: &str, is_open: bool, form: &Form) -> Result<(Json, bool), Refusal> {
    match object_of(json, form) {
        Ok(object) if has_long_integer(&object) => Ok((object_of(&repair(json), form).unwrap_or(object), false)),
        Ok(object) => Ok((object, false)),
        Err(error) => match object_of(&repair(json), form) {
            Ok(object) => Ok((object, true)),
            Err(_) => Err(not_json(&error, is_open)),
        },
    }
}

fn object_of(json: &str, form: &Form) -> serde_json::Result<Json> {
    let object: Map<String, Json> = match form {
        Form::Object | Form::Keyed(_) => serde_json::from_str(json)?,
        Form::Row(names) => names.iter().cloned().zip(serde_json::from_str::<Vec<Json>>(json)?).collect(),
    };
    Ok(Json::Object(object))
}

/// Tells whether a field of an object is an integer that does not fit into 64 bits, and has lost its last digits.
fn has_long_integer(object: &Json) -> bool {
    const LARGEST: f64 = 1.8e19;
    let Some(fields) = object.as_object() else { return false };
    let mut fractions = fields.values().filter(|value| value.is_f64()).filter_map(Json::as_f64);
    fractions.any(|number| number.abs() > LARGEST)
}

fn document(mut object: Json, names: &FieldNames, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    unwrap_fields(&mut object, names);
    let is_null = find(&object, &names.text).is_some_and(Json::is_null);
    let text = match take_value(&mut object, &names.text).map(json_fields::body) {
        Some(Held::Text(text)) => text,
        Some(Held::Unreadable) => {
            let message = format!("holds neither a text nor a list of texts in `{}`", names.text);
            return Err(Refusal::new(Reason::WrongType, message));
        }
        Some(Held::Nothing) if !is_null => {
            return Err(Refusal::new(Reason::Empty, format!("holds no text in `{}`", names.text)));
        }
        Some(Held::Nothing) | None if is_action(&object) => return Ok(ParsedRecord::left_out(encoding)),
        Some(Held::Nothing) | None => {
            let known = ninjs::parse(&object, encoding).or_else(|| known_json::parse(&object, encoding));
            return known.unwrap_or_else(|| Err(missing_text(&object, names)));
        }
    };
    let mut parsed = ParsedRecord::new(text, encoding);
    let mut is_readable = true;
    let mut word = |path: &FieldPath, held: fn(Json) -> Held| {
        let held = take_value(&mut object, path).map_or(Held::Nothing, held);
        is_readable &= held != Held::Unreadable;
        held.into_text()
    };
    parsed.own_id = word(&names.id, json_fields::word);
    parsed.metadata = Metadata::try_from_fields(|place, field| {
        // Authors alone are named all.
        let held = if field.name == "byline" { json_fields::names } else { json_fields::word };
        Ok::<_, Refusal>(word(&names.metadata[place], held))
    })?;
    if !is_readable {
        parsed.flag(TextFlag::Metadata);
    }
    Ok(parsed)
}

/// Moves the fields of an article up where another object holds it: `{"_id": "1", "_source": {"text": "…"}}`.
fn unwrap_fields(object: &mut Json, names: &FieldNames) {
    if find(object, &names.text).is_some() {
        return;
    }
    let wrapper = WRAPPERS.iter().find(|wrapper| object.get(**wrapper).is_some_and(|value| is_article(value, names)));
    let Some(wrapper) = wrapper else { return };
    let Some(outer) = object.as_object_mut() else { return };
    let Some(Json::Object(inner)) = outer.remove(*wrapper) else { return };
    let own_id = outer.remove("_id");
    outer.extend(inner);
    if let (Some(own_id), false) = (own_id, outer.contains_key(names.id.as_str())) {
        outer.insert(names.id.as_str().to_owned(), own_id);
    }
}

/// True for an object with a text.
fn is_article(value: &Json, names: &FieldNames) -> bool {
    value.is_object() && (find(value, &names.text).is_some() || ninjs::has_body(value))
}

/// The value at `path`: in the field of that name, dots and all, or else inside others.
fn find<'o>(object: &'o Json, path: &FieldPath) -> Option<&'o Json> {
    object.get(path.as_str()).or_else(|| {
        path.steps().iter().try_fold(object, |value, step| match value {
            Json::Object(fields) => fields.get(step),
            Json::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    })
}

/// As [`find`], taken out of the object.
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

/// Tells whether an object only says what a search engine should do with the next line: `{"index": {"_id": "1"}}`.
fn is_action(object: &Json) -> bool {
    let Some(fields) = object.as_object().filter(|fields| fields.len() == 1) else { return false };
    let action = ["index", "create"].iter().find_map(|name| fields.get(*name)?.as_object());
    action.is_some_and(|target| target.keys().all(|key| key.starts_with('_')))
}

fn missing_text(object: &Json, names: &FieldNames) -> Refusal {
    const MOST_NAMED: usize = 20;
    let listed = |fields: &Map<String, Json>| crate::config::listed(fields.keys().take(MOST_NAMED));
    let known = object.as_object().map(listed).unwrap_or_default();
    let inside =
        inner_records(object, 0).map(|(path, fields)| format!("; the objects in `{path}` have {}", listed(fields)));
    let inside = inside.unwrap_or_default();
    let records = names.records.as_ref().map(|path| format!("no records at `{path}` and ")).unwrap_or_default();
    let message = format!("has {records}no field `{}`; its fields are {known}{inside}", names.text);
    Refusal::new(Reason::MissingText, message)
}

/// The path of the first list of objects in an object, and the fields of the first of them.
fn inner_records(object: &Json, depth: usize) -> Option<(String, &Map<String, Json>)> {
    const MAX_DEPTH: usize = 3;
    object.as_object()?.iter().find_map(|(name, value)| match value {
        Json::Array(items) => Some((name.clone(), items.first()?.as_object()?)),
        Json::Object(_) if depth < MAX_DEPTH => {
            inner_records(value, depth + 1).map(|(path, fields)| (format!("{name}.{path}"), fields))
        }
        _ => None,
    })
}

/// Messages name the column alone if the record is one line.
fn not_json(error: &serde_json::Error, is_open: bool) -> Refusal {
    let message = error.to_string().replace(" at line 1 column ", " at column ");
    let reason = match error.classify() {
        serde_json::error::Category::Eof if is_open => Reason::Truncated,
        _ if message.starts_with("recursion limit") => Reason::TooDeep,
        _ => Reason::InvalidJson,
    };
    Refusal::new(reason, format!("is not a JSON object: {message}"))
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_articles, read_texts};
    use crate::record::{Reason, TextFlag};

    #[test]
    fn records_are_found_in_envelopes() {
        let one_and_two = [Ok("One.".to_owned()), Ok("Two.".to_owned())];
        for envelope in [
            r#"{"status": "ok", "articles": [{"text": "One."}, {"text": "Two."}], "next": {"a": [1]}}"#,
            r#"{"response": {"results": [{"id": "1", "fields": {"text": "One."}}, {"fields": {"text": "Two."}}]}}"#,
            r#"{"took": 3, "hits": {"total": 2, "hits": [{"_id": "1", "_source": {"text": "One."}}, {"_source": {"text": "Two."}}]}}"#,
            r#"{"version": "1.1", "items": [{"content_html": "<p>One.</p>"}, {"content_text": "Two."}]}"#,
            r#"{"values": [["id", "text"], ["1", "One."], ["2", "Two."]]}"#,
            r#"{"a1": {"text": "One."}, "n": 3, "a2": {"text": "Two."}}"#,
            r#"{"id": {"0": "1", "1": "2"}, "text": {"0": "One.", "1": "Two."}}"#,
            r#"{"columns": ["id", "text"], "index": [0, 1], "data": [["1", "One."], ["2", "Two."]]}"#,
        ] {
            for name in ["a.json", "a.jsonl", "a"] {
                for end in ["", "\n"] {
                    assert_eq!(
                        read_texts(name, format!("{envelope}{end}").as_bytes()),
                        one_and_two,
                        "{name}: {envelope}"
                    );
                }
            }
        }
        let days = r#"{"2031-03-04": [{"title": "A", "text": "One."}], "n": 1, "2031-03-05": [{"title": "B", "text": "Two."}], "tags": []}"#;
        assert_eq!(read_texts("a.json", days.as_bytes()), one_and_two, "every list of an object");
        for script in [
            "var articles = [{\"text\": \"One.\"}, {\"text\": \"Two.\"}];\n",
            "callback({\"articles\": [{\"text\": \"One.\"}, {\"text\": \"Two.\"}]});",
        ] {
            assert_eq!(read_texts("a.json", script.as_bytes()), one_and_two, "{script}");
        }
        let lists = r#"{"title": ["A", "B"], "text": ["One.", "Two."]}"#;
        assert_eq!(read_texts("a.json", lists.as_bytes()), one_and_two, "columns as lists");
        let pages =
            r#"{"articles": [{"text": "One."}], "page": 1}"#.to_owned() + "\n" + r#"{"articles": [{"text": "Two."}]}"#;
        assert_eq!(read_texts("a.jsonl", pages.as_bytes()), one_and_two);
        assert_eq!(read_texts("a.json", b"{\"articles\": [{\"text\": \"One.\"}").last(), Some(&Err(Reason::Truncated)));
    }

    #[test]
    fn records_in_envelopes_have_their_ids() {
        let ids = |json: &str| {
            read_articles("a.json", json.as_bytes()).into_iter().map(|article| article.own_id).collect::<Vec<_>>()
        };
        let a_and_b = [Some("a".to_owned()), Some("b".to_owned())];
        assert_eq!(ids(r#"{"a": {"text": "One."}, "b": {"text": "Two."}}"#), a_and_b);
        assert_eq!(
            ids(
                r#"{"hits": [{"_id": "a", "_source": {"text": "x"}}, {"_id": "c", "_source": {"id": "b", "text": "y"}}]}"#
            ),
            a_and_b
        );
    }

    #[test]
    fn lists_and_objects_are_read_whatever_the_field() {
        let article = read_article(
            "a.json",
            br#"{"text": ["One.", {"text": "Two."}], "byline": [{"name": "Ida Brenn"}, "Per Holm"], "source": {"name": "Courier"},
                "section": ["Local", "Harbour"], "title": {"rendered": "Quay &amp; boats"}}"#,
        );
        assert_eq!(article.text, "One.\n\nTwo.");
        assert_eq!(article.metadata.byline.as_deref(), Some("Ida Brenn, Per Holm"));
        assert_eq!(article.metadata.source.as_deref(), Some("Courier"));
        assert_eq!(article.metadata.section.as_deref(), Some("Local"));
        assert_eq!(article.metadata.title.as_deref(), Some("Quay & boats"));
        assert_eq!(article.flags, [TextFlag::Markup]);
    }

    #[test]
    fn a_field_that_cannot_be_read_costs_only_itself() {
        let article =
            read_article("a.json", br#"{"text": "One.", "source": {"x": 1}, "section": true, "title": "Quay"}"#);
        assert_eq!((article.metadata.source, article.metadata.section), (None, None));
        assert_eq!(article.metadata.title.as_deref(), Some("Quay"));
        assert_eq!(article.flags, [TextFlag::Metadata]);
    }

    #[test]
    fn nearly_valid_json_is_repaired() {
        for json in [
            &br#"{"text": "One \ud83d.", "score": NaN}"#[..],
            b"{\"text\": \"One \xed\xa0\xbd.\", \"score\": NaN}",
            b"{\"text\": \"One\t.\",}",
            b"[{\"text\":\n\"One.\n\nTwo.\"\n}]",
        ] {
            let article = read_article(if json[0] == b'[' { "a.json" } else { "a.jsonl" }, json);
            assert!(article.text.starts_with("One") && article.text.ends_with('.'), "{}", article.text);
            assert_eq!(article.flags, [TextFlag::Repaired]);
        }
        let long = read_article("a.jsonl", br#"{"id": 123456789012345678901, "text": "One."}"#);
        assert_eq!((long.own_id.as_deref(), long.flags.len()), (Some("123456789012345678901"), 0));
    }

    #[test]
    fn a_string_that_does_not_close_behind_the_records_ends_with_its_line() {
        let envelope = "{\"articles\": [{\"id\": 1, \"text\": \"One.\"}],\n \"next\": \"x,\n \"more\": [1],\n \"last\": {\"a\": 1}\n}";
        assert_eq!(read_texts("a.json", envelope.as_bytes()), [Ok("One.".to_owned())]);
    }

    #[test]
    fn the_title_of_a_feed_is_the_source_of_its_items() {
        let feed = |version: &str| {
            let feed = format!(
                r#"{{"version": "{version}", "title": "Bay Courier", "items": [{{"id": "1", "content_text": "One."}}]}}"#
            );
            read_article("a.json", feed.as_bytes()).metadata.source
        };
        assert_eq!(feed("https://jsonfeed.org/version/1.1").as_deref(), Some("Bay Courier"));
        assert_eq!(feed("7"), None, "other envelopes have titles of other things");
    }

    #[test]
    fn a_string_that_holds_the_json_of_an_editor_is_no_text() {
        let blocks = r#"{\"blocks\": [{\"type\": \"paragraph\", \"data\": {\"text\": \"One.\"}}, {\"data\": {\"text\": \"Two.\"}}]}"#;
        let texts = read_texts(
            "a.jsonl",
            format!("{{\"text\": \"{blocks}\"}}\n{{\"text\": \"[One] {{two}}\"}}\n{{\"text\": \"[]\"}}").as_bytes(),
        );
        assert_eq!(texts, [Ok("One.\n\nTwo.".to_owned()), Ok("[One] {two}".to_owned()), Err(Reason::Empty)]);
    }

    #[test]
    fn lines_that_tell_a_search_engine_what_to_do_are_left_out() {
        let lines = b"{\"index\": {\"_index\": \"news\", \"_id\": \"1\"}}\n{\"text\": \"One.\"}\n{\"create\": {}}\n{\"text\": \"Two.\"}\n";
        let left_out: Vec<bool> = read_articles("a.jsonl", lines).iter().map(|article| article.is_left_out).collect();
        assert_eq!(left_out, [true, false, true, false]);
    }

    #[test]
    fn a_missing_text_names_the_fields_of_the_records_inside() {
        use crate::config::InputConfig;
        use crate::input::raw_record::RawRecord;
        let json = br#"{"status": "ok", "response": {"results": [{"headline": "Quay", "story": "One."}]}}"#;
        let refusal = Box::new(super::Value::new(json.to_vec(), false)).parse(&InputConfig::default()).err().unwrap();
        assert!(
            refusal.message.ends_with("the objects in `response.results` have `headline`, `story`"),
            "{}",
            refusal.message
        );
    }

    #[test]
    fn markup_in_a_text_becomes_paragraphs() {
        let article = read_article("a.jsonl", br#"{"text": "<p>One &amp; <b>two</b>.</p><p>Three.</p>"}"#);
        assert_eq!((article.text.as_str(), &article.flags[..]), ("One & two.\n\nThree.", &[TextFlag::Markup][..]));
    }

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
        let array = b"[{\"text\": \"One.\"}, {\"text\": \"Not closed},\n{\"text\": \"Two.\"}, {\"text\": \"Cut";
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
