//! JSON Lines: a document a line. A bad line costs only itself, and a long one no memory.

use std::fs::File;
use std::io::{BufRead, BufReader};

use serde_json::{Map, Value};

use super::decode::decode;
use super::find::Source;
use super::{Record, Refusal, shown, too_large, unreadable};
use crate::config::FieldNames;
use crate::record::{EXCERPT_CHARACTERS, Metadata, Place, Reason, Rejection};

/// The lines of a file.
pub(super) struct Lines {
    reader: BufReader<File>,
    source: String,
    name: String,
    max_line_bytes: u64,
    line_number: u64,
    offset: u64,
    is_broken: bool,
}

/// One line, as far as it was kept.
struct Line {
    place: Place,
    number: u64,
    bytes: Vec<u8>,
    length: u64,
}

impl Lines {
    pub(super) fn open(source: &Source, max_line_bytes: u64) -> Result<Self, Rejection> {
        let file = File::open(&source.path).map_err(|error| unreadable(&error).into_rejection(source.place(), b""))?;
        Ok(Self {
            reader: BufReader::with_capacity(1 << 18, file),
            source: shown(&source.path),
            name: source.name.clone(),
            max_line_bytes,
            line_number: 0,
            offset: 0,
            is_broken: false,
        })
    }

    /// How far the file has been read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.offset
    }

    /// The next record, or what became of it. Blank lines are no records.
    pub(super) fn next_record(&mut self, fields: &FieldNames) -> Option<Result<Record, Rejection>> {
        loop {
            let line = match self.next_line() {
                Ok(line) => line?,
                Err(rejection) => return Some(Err(rejection)),
            };
            if line.length > self.max_line_bytes {
                let refusal = too_large(line.length, self.max_line_bytes);
                return Some(Err(refusal.into_rejection(line.place, &line.bytes)));
            }
            if !line.bytes.iter().all(u8::is_ascii_whitespace) {
                return Some(self.record(line, fields));
            }
        }
    }

    fn record(&self, line: Line, fields: &FieldNames) -> Result<Record, Rejection> {
        let excerpt = line.bytes[..line.bytes.len().min(4 * EXCERPT_CHARACTERS)].to_vec();
        let name = format!("{}.{}", self.name, line.number);
        parse(line.bytes, line.place.clone(), name, fields)
            .map_err(|refusal| refusal.into_rejection(line.place, &excerpt))
    }

    /// The next line without its end. Beyond the limit bytes are counted and dropped.
    fn next_line(&mut self) -> Result<Option<Line>, Rejection> {
        let place = Place::line(&self.source, self.line_number + 1, self.offset);
        let (mut bytes, mut length) = (Vec::new(), 0_u64);
        while !self.is_broken {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) => {
                    self.is_broken = true;
                    return Err(unreadable(&error).into_rejection(place, &bytes));
                }
            };
            if buffer.is_empty() {
                break;
            }
            let newline = memchr::memchr(b'\n', buffer);
            let part = &buffer[..newline.unwrap_or(buffer.len())];
            let room = self.max_line_bytes.saturating_sub(length);
            bytes.extend_from_slice(&part[..part.len().min(usize::try_from(room).unwrap_or(usize::MAX))]);
            length += part.len() as u64;
            let consumed = part.len() + usize::from(newline.is_some());
            self.reader.consume(consumed);
            self.offset += consumed as u64;
            if newline.is_some() {
                break;
            }
        }
        if self.offset == place.byte.unwrap_or(0) {
            return Ok(None);
        }
        self.line_number += 1;
        Ok(Some(Line { place, number: self.line_number, bytes, length }))
    }
}

fn parse(bytes: Vec<u8>, place: Place, name: String, fields: &FieldNames) -> Result<Record, Refusal> {
    let (json, encoding) = decode(bytes)?;
    let mut object: Map<String, Value> = serde_json::from_str(&json).map_err(|error| not_json(&error))?;
    let text = match object.remove(&fields.text) {
        Some(Value::String(text)) => text,
        Some(_) => return Err(wrong_type(&fields.text, "no string")),
        None => return Err(Refusal::new(Reason::MissingText, format!("has no field `{}`", fields.text))),
    };
    if text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, format!("holds no text in `{}`", fields.text)));
    }
    let own_id = word(&mut object, &fields.id)?;
    let metadata = Metadata {
        uri: word(&mut object, &fields.uri)?,
        title: word(&mut object, &fields.title)?,
        published: word(&mut object, &fields.published)?,
        language: word(&mut object, &fields.language)?,
        source: word(&mut object, &fields.source)?,
    };
    Ok(Record { place, own_id, name, metadata, text, encoding })
}

/// A field that holds a string or a number; nothing where it is missing, null or blank.
fn word(object: &mut Map<String, Value>, field: &str) -> Result<Option<String>, Refusal> {
    match object.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(wrong_type(field, "neither a string nor a number")),
    }
}

/// A record is one line: where in it is the column alone.
fn not_json(error: &serde_json::Error) -> Refusal {
    let message = error.to_string().replace(" at line 1 column ", " at column ");
    Refusal::new(Reason::InvalidJson, format!("is no JSON object: {message}"))
}

fn wrong_type(field: &str, what: &str) -> Refusal {
    Refusal::new(Reason::WrongType, format!("holds {what} in `{field}`"))
}
