//! Rich Text Format: text with control words in groups. What a reader sees of the text is read, in its order; headers, footers, pictures and
//! deletions are left out, and footnotes stand at the end.

/// Code pages.
mod charset;
/// Groups and their destinations.
mod reader;
/// Bytes to control words.
mod tokens;

use super::Format;
use super::manuscript::take_whole;
use crate::input::collector::{Collector, Flow, Position};
use crate::input::layers::Container;
use crate::input::refusal::{EXCERPT_BYTES, guarded};
use crate::input::stream::Stream;

pub(super) static FORMAT: Format = Format {
    extensions: &["rtf"],
    is_one_record: true,
    recognise: |beginning| beginning.text().starts_with(MARK),
    read: read_document,
};

/// The first bytes of a file.
const MARK: &[u8] = b"{\\rtf";

fn read_document(stream: &mut Stream<'_>, _: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let Some(bytes) = take_whole(stream, collector)? else { return Flow::Continue(()) };
    match guarded(|| reader::parse(&bytes)) {
        Ok(manuscript) => manuscript.send_to(collector),
        Err(refusal) => collector.refuse(Position::Whole, refusal, &bytes[..bytes.len().min(EXCERPT_BYTES)]),
    }
}
