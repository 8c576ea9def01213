//! The messages that a stream consists of: each has metadata of a declared length, and a body of the length that the metadata declare.

use std::io::BufRead;

use arrow_ipc::{Message, MessageHeader, root_as_message};

use crate::input::refusal::Refusal;
use crate::input::stream::Stream;

/// The first bytes of a message, since 2019.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];

/// Metadata of a message have no more bytes than this.
const MAX_METADATA_BYTES: usize = 16 << 20;

/// A schema that tells what a file is has no more bytes than this.
const MAX_FIRST_BYTES: usize = 1 << 20;

/// The next part of a stream.
pub(super) enum Next {
    /// The metadata of a message.
    Message(Vec<u8>),
    /// The end.
    Nothing {
        /// True if a mark says so. A stream may simply stop as well.
        is_closed: bool,
    },
}

/// Takes the metadata of the next message, whose body follows.
pub(super) fn next(stream: &mut Stream<'_>) -> Result<Next, Refusal> {
    if stream.peek(1).is_empty() {
        stream.fill_buf()?;
        return Ok(Next::Nothing { is_closed: false });
    }
    let mut mark = word(stream)?;
    if mark == CONTINUATION {
        mark = word(stream)?;
    }
    match usize::try_from(i32::from_le_bytes(mark)) {
        Ok(0) => Ok(Next::Nothing { is_closed: true }),
        Ok(length) if length <= MAX_METADATA_BYTES => Ok(Next::Message(stream.take_exactly(length)?)),
        _ => Err(damaged("a message begins with a length that none has")),
    }
}

fn word(stream: &mut Stream<'_>) -> Result<[u8; 4], Refusal> {
    let bytes = stream.take_exactly(4)?;
    Ok([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// The message with these metadata.
pub(super) fn parse(metadata: &[u8]) -> Result<Message<'_>, Refusal> {
    root_as_message(metadata).map_err(|error| damaged(format!("the metadata of a message are invalid: {error}")))
}

/// The length of the body of a message.
pub(super) fn body_length(message: &Message<'_>) -> Result<u64, Refusal> {
    u64::try_from(message.bodyLength()).map_err(|_| damaged("a message has a body of negative length"))
}

/// The bytes of the first message with what stands before them, by the first bytes of a stream.
pub(super) fn first_length(head: &[u8]) -> Option<usize> {
    let before = if head.starts_with(&CONTINUATION) { 8 } else { 4 };
    let length = head.get(before - 4..before)?;
    let length = usize::try_from(i32::from_le_bytes([length[0], length[1], length[2], length[3]])).ok()?;
    (1..=MAX_FIRST_BYTES).contains(&length).then_some(before + length)
}

/// Tells whether a stream that begins like this has a schema as its first message, also where that is cut.
pub(super) fn is_schema(beginning: &[u8]) -> bool {
    let Some(length) = first_length(beginning) else { return false };
    let before = if beginning.starts_with(&CONTINUATION) { 8 } else { 4 };
    match beginning.get(before..length) {
        Some(metadata) => root_as_message(metadata).is_ok_and(|message| message.header_type() == MessageHeader::Schema),
        None => before == 8,
    }
}

/// A file that breaks the rules of the format.
pub(super) fn damaged(message: impl std::fmt::Display) -> Refusal {
    Refusal::damaged(format!("is no Arrow that can be read: {message}"))
}
