//! Bytes to text, and what a text is.

/// Control characters to what they mean.
pub(super) mod controls;
/// Dates as sources write them.
pub(super) mod dates;
/// Bytes to text.
pub(super) mod decode;
/// Line ends that were escaped once too often.
pub(super) mod escapes;
/// JSON that is not quite valid.
pub(super) mod json_repair;
/// The language of a text.
pub(super) mod language;
/// Pieces of markup to text.
pub(super) mod markup;
/// Texts that have been decoded wrongly before.
pub(super) mod mojibake;
/// Markup in the texts of records.
pub(super) mod record_markup;
/// The marks of WordPress.
mod shortcodes;
/// Streams in UTF-16.
pub(super) mod utf8;

/// `text` on one line: all white space as single spaces, and none at the ends.
pub(super) fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !squeezed.is_empty() {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
    }
    squeezed
}
