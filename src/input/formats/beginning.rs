//! The beginning of a stream and the extension of its name, by which formats are recognised.

use crate::config::FieldNames;
use crate::input::names;
use crate::input::stream::Stream;

/// Formats are recognised within so many bytes.
pub(super) const HEAD_BYTES: usize = 1 << 14;

/// The end of a first line of JSON is looked for within so many bytes.
const LINE_BYTES: usize = 1 << 20;

/// The beginning of a stream.
pub(super) struct Beginning<'s, 'r> {
    stream: &'s mut Stream<'r>,
    extension: String,
    /// The names of fields in the configuration.
    pub(super) fields: &'s FieldNames,
}

impl<'s, 'r> Beginning<'s, 'r> {
    /// The beginning of `stream`, which comes from a file or member called `name`. Nothing is taken out of the stream.
    pub(super) fn new(stream: &'s mut Stream<'r>, name: &str, fields: &'s FieldNames) -> Self {
        Self { stream, extension: names::extension(name), fields }
    }

    /// Tells whether the name has one of these extensions.
    pub(super) fn has_extension(&self, extensions: &[&str]) -> bool {
        extensions.contains(&self.extension.as_str())
    }

    /// The first bytes as they are.
    pub(super) fn head(&mut self) -> &[u8] {
        self.stream.peek(HEAD_BYTES)
    }

    /// More of the first bytes as they are, at least so many if there are.
    pub(super) fn wide(&mut self, wanted: usize) -> &[u8] {
        self.stream.peek(wanted)
    }

    /// The first bytes behind a byte order mark and white space.
    pub(super) fn text(&mut self) -> &[u8] {
        without_blank(self.head())
    }

    /// The first byte of the text.
    pub(super) fn first(&mut self) -> Option<u8> {
        self.text().first().copied()
    }

    /// The beginning of the text in lower case, as markup is compared.
    pub(super) fn lower_text(&mut self) -> String {
        let text = self.text();
        String::from_utf8_lossy(&text[..text.len().min(HEAD_BYTES)]).to_ascii_lowercase()
    }

    /// The first line as it is.
    pub(super) fn first_line(&mut self) -> &[u8] {
        let head = self.head();
        &head[..memchr::memchr(b'\n', head).unwrap_or(head.len())]
    }

    /// The beginning of the text, up to a megabyte.
    pub(super) fn long_text(&mut self) -> &[u8] {
        without_blank(self.stream.peek(LINE_BYTES))
    }

    /// The first line of the text, even a long one. `true` if its end was found.
    pub(super) fn long_line(&mut self) -> (&[u8], bool) {
        // Most lines are short, and what is looked at counts as read in the progress of a run.
        let wanted = if self.text().contains(&b'\n') { HEAD_BYTES } else { LINE_BYTES };
        let text = without_blank(self.stream.peek(wanted));
        let end = memchr::memchr(b'\n', text);
        (&text[..end.unwrap_or(text.len())], end.is_some())
    }
}

fn without_blank(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start()
}
