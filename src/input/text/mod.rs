//! Bytes to text, and what a text is.

/// Dates as sources write them.
pub(super) mod dates;
/// Bytes to text.
pub(super) mod decode;
/// The language of a text.
pub(super) mod language;
/// Pieces of markup to text.
pub(super) mod markup;
/// Texts that have been decoded wrongly before.
pub(super) mod mojibake;
/// Streams in UTF-16.
pub(super) mod utf8;
