//! Plain text: a document each.

use std::io::Read;

use crate::input::content::{Content, Parsed};
use crate::input::intake::{Flow, Intake, Spot};
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;
use crate::input::text::decode::decode_labelled;
use crate::record::{Metadata, Reason};

/// A title is no longer than this.
const MAX_TITLE_CHARACTERS: usize = 200;

/// Reads all of it.
pub(super) fn read(stream: &mut Stream<'_>, intake: &mut Intake<'_, '_>) -> Flow {
    read_whole(stream, intake, Content::Text)
}

/// Reads all of it as one record.
pub(super) fn read_whole(
    stream: &mut Stream<'_>,
    intake: &mut Intake<'_, '_>,
    content: impl FnOnce(Vec<u8>) -> Content,
) -> Flow {
    let limit = intake.settings().max_document_bytes.get();
    let mut bytes = Vec::new();
    // One byte over the limit is enough to know, also where the file grows while it is read.
    match stream.take(limit + 1).read_to_end(&mut bytes) {
        Err(error) => intake.refuse(Spot::Whole, error.into(), &bytes),
        Ok(_) if bytes.len() as u64 > limit => intake.refuse(Spot::Whole, Refusal::too_large(limit + 1, limit), &bytes),
        Ok(_) => intake.put(Spot::Whole, content(bytes)),
    }
}

/// Bytes to text, and its first line to a title.
pub(in super::super) fn parse(bytes: Vec<u8>) -> Result<Parsed, Refusal> {
    parse_labelled(bytes, None)
}

/// As [`parse`], where something says how it is encoded.
pub(super) fn parse_labelled(bytes: Vec<u8>, charset: Option<&str>) -> Result<Parsed, Refusal> {
    let (text, encoding) = decode_labelled(bytes, charset)?;
    if text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text"));
    }
    let metadata = Metadata { title: title_of(&text), ..Metadata::default() };
    Ok(Parsed { own_id: None, metadata, text, encoding })
}

/// The first line, where it is short, followed by a blank line or the end, and no sentence.
fn title_of(text: &str) -> Option<String> {
    let mut lines = text.trim_start().lines().map(str::trim);
    let title = lines.next()?;
    let stands_alone = lines.next().is_none_or(str::is_empty);
    let is_sentence = title.ends_with(['.', '!', '?', ':', ';', ',', '”', '"']);
    (stands_alone && !is_sentence && title.chars().count() <= MAX_TITLE_CHARACTERS).then(|| title.to_owned())
}
