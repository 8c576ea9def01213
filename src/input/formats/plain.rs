//! Plain text: a document each.

use std::io::Read;

use super::beginning::Beginning;
use super::{Format, elements};
use crate::config::InputConfig;
use crate::input::collector::{Collector, Flow, Position};
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;
use crate::input::text::decode::{decode_labelled, unmarked_utf_16};
use crate::record::{Metadata, Reason};

/// A longer first line is no title.
const MAX_TITLE_CHARACTERS: usize = 200;

pub(super) static FORMAT: Format = Format {
    extensions: &["txt", "text"],
    is_one_record: true,
    recognise,
    read: |stream, _, collector| read_whole(stream, collector, Text),
};

/// Anything that is not binary, except for XML of an unknown kind. A file with the name of a text may have zero bytes.
fn recognise(beginning: &mut Beginning<'_, '_>) -> bool {
    match beginning.first() {
        // It looked like JSON and is none.
        Some(b'{') => return true,
        Some(b'<') if elements::is_xml(beginning) => return false,
        _ => {}
    }
    beginning.has_extension(FORMAT.extensions) || !is_binary(beginning.head())
}

/// Tells whether bytes are no text. UTF-16 has zero bytes as well.
fn is_binary(head: &[u8]) -> bool {
    let is_utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || unmarked_utf_16(head).is_some();
    !is_utf16 && memchr::memchr(0, head).is_some()
}

/// The bytes of a text.
struct Text(Vec<u8>);

impl RawRecord for Text {
    fn excerpt_source(&self) -> &[u8] {
        &self.0
    }

    fn parse(self: Box<Self>, _: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        parse(self.0, None).map(Some)
    }
}

/// Reads a stream to its end as one record, which `record` makes of its bytes.
pub(super) fn read_whole<R: RawRecord + 'static>(
    stream: &mut Stream<'_>,
    collector: &mut Collector<'_>,
    record: fn(Vec<u8>) -> R,
) -> Flow {
    let limit = collector.settings().max_document_bytes.get();
    let mut bytes = Vec::new();
    // One byte over the limit is enough to know, also where the file grows while it is read.
    match stream.take(limit + 1).read_to_end(&mut bytes) {
        Err(error) => collector.refuse(Position::Whole, error.into(), &bytes),
        Ok(_) if bytes.len() as u64 > limit => {
            collector.refuse(Position::Whole, Refusal::too_large(limit + 1, limit), &bytes)
        }
        Ok(_) => collector.put(Position::Whole, record(bytes)),
    }
}

/// Decodes a text, whose first line may be its title. `charset` is its encoding if something names it.
pub(super) fn parse(bytes: Vec<u8>, charset: Option<&str>) -> Result<ParsedRecord, Refusal> {
    let (text, encoding) = decode_labelled(bytes, charset)?;
    if text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text"));
    }
    let metadata = Metadata { title: title_of(&text), ..Metadata::default() };
    Ok(ParsedRecord { metadata, ..ParsedRecord::new(text, encoding) })
}

/// The first line, if it is short, is no sentence, and a blank line or the end follows.
fn title_of(text: &str) -> Option<String> {
    let mut lines = text.trim_start().lines().map(str::trim);
    let title = lines.next()?;
    let stands_alone = lines.next().is_none_or(str::is_empty);
    let is_sentence = title.ends_with(['.', '!', '?', ':', ';', ',', '”', '"']);
    (stands_alone && !is_sentence && title.chars().count() <= MAX_TITLE_CHARACTERS).then(|| title.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_texts};
    use crate::record::Reason;

    #[test]
    fn a_file_is_a_document_and_a_first_line_that_stands_alone_its_title() {
        let article = read_article("a.txt", b"Storm hits coast\r\n\r\nIt rained.");
        assert_eq!((article.metadata.title.as_deref(), article.encoding), (Some("Storm hits coast"), "UTF-8"));
        assert!(article.text.ends_with("It rained."));
        assert_eq!(read_article("a.txt", b"It rained.\n\nA lot.").metadata.title, None);
    }

    #[test]
    fn text_is_what_looks_like_nothing_else() {
        assert_eq!(read_texts("wire", b"{Update} It rained."), [Ok("{Update} It rained.".to_owned())]);
        assert_eq!(read_texts("wire", b"It \0 rained."), [Err(Reason::UnknownFormat)]);
        assert_eq!(read_texts("wire.txt", b"It \0 rained."), [Err(Reason::NotText)]);
        assert_eq!(read_texts("wire.txt", b" \n"), [Err(Reason::Empty)]);
        assert_eq!(read_texts("a.xml", b"<story>It rained.</story>"), [Err(Reason::UnknownFormat)]);
    }
}
