//! Messages of news agencies as they came over the wire, IPTC 7901 and ANPA 1312: a header, the text and a line with the time, between
//! control characters.

use std::io::BufRead;

use super::beginning::Beginning;
use super::{Format, plain};
use crate::config::InputConfig;
use crate::input::intake::{Flow, Intake, Spot};
use crate::input::raw_record::{Parsed, RawRecord};
use crate::input::refusal::{EXCERPT_BYTES, Refusal};
use crate::input::stream::Stream;

pub(super) static FORMAT: Format = Format {
    extensions: &["iptc", "anpa"],
    is_one_record: false,
    recognise,
    read: |stream, _, intake| read(stream, intake),
};

/// The character before the header of a message.
const HEADER: u8 = 0x01;

/// The character before its text.
const TEXT: u8 = 0x02;

/// The characters behind its text: the end of the text, and the end of the transmission.
const ENDS: [u8; 2] = [0x03, 0x04];

/// Fill characters that may stand between messages.
const FILL: [u8; 6] = [0x00, 0x16, 0x7f, b'\r', b'\n', b' '];

/// The header of a message ends within so many bytes.
const MAX_HEADER_BYTES: usize = 1 << 10;

/// The line with the time behind a message ends within so many bytes.
const MAX_TIME_BYTES: usize = 64;

/// The control characters that begin a message, with a header of printable characters between them. No article has them.
fn recognise(beginning: &mut Beginning<'_, '_>) -> bool {
    let head = beginning.head();
    let fill = head.iter().take_while(|byte| FILL.contains(byte)).count();
    let Some(message) = head[fill..].strip_prefix(&[HEADER]) else { return false };
    let header = &message[..message.len().min(MAX_HEADER_BYTES)];
    let end = memchr::memchr(TEXT, header);
    end.is_some_and(|end| header[..end].iter().all(|byte| is_printable(*byte)))
}

/// Tells whether a header may have this character. Units are separated by `0x1f` in some.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte >= 0x80 || matches!(byte, b' ' | b'\r' | b'\n' | b'\t' | 0x1f)
}

/// Reads every message.
fn read(stream: &mut Stream<'_>, intake: &mut Intake<'_>) -> Flow {
    let limit = intake.settings().max_document_bytes.get();
    loop {
        let passed = pass_to(stream, &[HEADER], 0);
        let at = stream.position();
        match passed {
            Ok(Piece { end: None, .. }) => return Flow::Continue(()),
            Ok(_) => {
                stream.consume(1);
                put_message(stream, at, limit, intake)?;
            }
            Err(refusal) => {
                let goes_on = refusal.goes_on;
                intake.refuse(Spot::record(at), refusal, b"")?;
                if !goes_on {
                    return Flow::Continue(());
                }
            }
        }
    }
}

fn put_message(stream: &mut Stream<'_>, at: u64, limit: u64, intake: &mut Intake<'_>) -> Flow {
    match message(stream, limit) {
        Ok(message) => intake.put(Spot::record(at), message),
        Err((refusal, beginning)) => intake.refuse(Spot::record(at), refusal, &beginning),
    }
}

/// The message whose header begins here.
fn message(stream: &mut Stream<'_>, limit: u64) -> Result<Message, (Refusal, Vec<u8>)> {
    let header = pass_to(stream, &[TEXT, HEADER], MAX_HEADER_BYTES as u64).map_err(|refusal| (refusal, Vec::new()))?;
    if header.end != Some(TEXT) {
        return Err((Refusal::truncated("the header of the message is cut short"), header.bytes));
    }
    stream.consume(1);
    let text =
        pass_to(stream, &[ENDS[0], ENDS[1], HEADER], limit).map_err(|refusal| (refusal, header.bytes.clone()))?;
    if text.length > limit {
        let excerpt = text.bytes[..text.bytes.len().min(EXCERPT_BYTES)].to_vec();
        return Err((Refusal::too_large(text.length, limit), excerpt));
    }
    if !text.end.is_some_and(|end| ENDS.contains(&end)) {
        return Err((Refusal::truncated("the message is cut short"), text.bytes));
    }
    stream.consume(1);
    let behind = stream.peek(MAX_TIME_BYTES);
    let behind = &behind[..behind.len().min(MAX_TIME_BYTES)];
    let time = behind.split(|byte| *byte == HEADER || ENDS.contains(byte)).next().unwrap_or_default();
    Ok(Message { header: header.bytes, text: text.bytes, time: String::from_utf8_lossy(time).into_owned() })
}

/// Bytes up to a mark.
struct Piece {
    /// The bytes, as far as they are kept.
    bytes: Vec<u8>,
    length: u64,
    /// The mark that ends them. `None` at the end of the stream.
    end: Option<u8>,
}

/// Passes on to the first of `marks`, and keeps `limit` bytes of what is before it.
fn pass_to(stream: &mut Stream<'_>, marks: &[u8], limit: u64) -> Result<Piece, Refusal> {
    let mut piece = Piece { bytes: Vec::new(), length: 0, end: None };
    loop {
        let buffer = stream.fill_buf()?;
        if buffer.is_empty() {
            return Ok(piece);
        }
        let found = buffer.iter().position(|byte| marks.contains(byte));
        let part = &buffer[..found.unwrap_or(buffer.len())];
        let room = usize::try_from(limit.saturating_sub(piece.length)).unwrap_or(usize::MAX);
        piece.bytes.extend_from_slice(&part[..part.len().min(room)]);
        piece.length += part.len() as u64;
        piece.end = found.map(|at| buffer[at]);
        let length = part.len();
        stream.consume(length);
        if piece.end.is_some() {
            return Ok(piece);
        }
    }
}

/// A message of an agency.
struct Message {
    header: Vec<u8>,
    text: Vec<u8>,
    /// The beginning of what follows the text.
    time: String,
}

impl RawRecord for Message {
    fn excerpt_source(&self) -> &[u8] {
        &self.text
    }

    fn parse(self: Box<Self>, _: &InputConfig) -> Result<Option<Parsed>, Refusal> {
        let header = String::from_utf8_lossy(&self.header).into_owned();
        let mut parsed = plain::parse(without_marks(&self.text), None)?;
        let source = source(&header);
        parsed.metadata.source = source.map(str::to_owned);
        parsed.metadata.published = published(&self.time);
        Ok(Some(parsed))
    }
}

/// The text without control characters and the typesetters' marks of ANPA: `^` before a line, `<` or `>` behind it.
fn without_marks(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_end();
        let line = line.strip_prefix(b"^").unwrap_or(line);
        let line = line.strip_suffix(b"<").or_else(|| line.strip_suffix(b">")).unwrap_or(line);
        kept.extend(line.iter().filter(|byte| !byte.is_ascii_control() || **byte == b'\t'));
        kept.push(b'\n');
    }
    kept.trim_ascii_end().to_vec()
}

/// The agency in a header of IPTC 7901: `dpa0123 4 pl 245` gives `dpa`. `None` for others.
fn source(header: &str) -> Option<&str> {
    let mut words = header.split_whitespace();
    let name = words.next()?;
    let letters = name.trim_end_matches(|character: char| character.is_ascii_digit());
    let is_source = (2..=4).contains(&letters.len()) && letters.bytes().all(|byte| byte.is_ascii_alphabetic());
    let has_number = name.len() > letters.len();
    let priority = words.next()?;
    (is_source && has_number && priority.len() == 1).then_some(letters)
}

/// The time behind a message: `041530 GMT Mar 31` is a day, an hour and a minute, a month and a year.
fn published(time: &str) -> Option<String> {
    let words: Vec<&str> = time.split_whitespace().filter(|word| !word.eq_ignore_ascii_case("gmt")).take(3).collect();
    let [moment, month, year] = words[..] else { return None };
    let is_moment = moment.len() == 6 && moment.bytes().all(|byte| byte.is_ascii_digit());
    let is_utc = time.to_ascii_lowercase().contains("gmt");
    let year: u16 = year.parse().ok().filter(|year| *year < 100)?;
    let year = if year < 70 { 2000 + year } else { 1900 + year };
    let date = is_moment.then(|| format!("{} {month} {year}", &moment[..2]))?;
    Some(if is_utc { format!("{date} {}:{} GMT", &moment[2..4], &moment[4..]) } else { date })
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_articles, read_every_cut, read_texts};
    use crate::record::Reason;

    const WIRE: &str = "\x16\x16\x01quc0123 4 pl 12  quc 0456\r\n\r\nWeather/\r\n\x02Storm hits coast\r\n\r\nIt rained.\r\n\x03\r\n041530 GMT Mar 31\r\n\x04\r\n\
        \x01a0124\x1f\r\nr a bc-Storm   03-04 0012\r\n\x02^BC-Storm<\r\n\r\n^It snowed.>\r\n\x03\x04\x16\x16";

    #[test]
    fn a_message_is_a_document() {
        let articles = read_articles("wire", WIRE.as_bytes());
        let texts: Vec<_> = articles.iter().map(|article| article.text.as_str()).collect();
        assert_eq!(texts, ["Storm hits coast\n\nIt rained.", "BC-Storm\n\nIt snowed."]);
        let metadata = &articles[0].metadata;
        assert_eq!((metadata.title.as_deref(), metadata.source.as_deref()), (Some("Storm hits coast"), Some("quc")));
        assert_eq!(metadata.published.as_deref(), Some("04 Mar 2031 15:30 GMT"));
        assert_eq!(
            (articles[1].metadata.title.as_deref(), articles[1].metadata.source.as_deref()),
            (Some("BC-Storm"), None)
        );
    }

    #[test]
    fn a_message_that_is_cut_costs_only_itself() {
        read_every_cut("wire", WIRE.as_bytes());
        let without_end = WIRE.replacen('\x03', "", 1).replacen('\x04', "", 1);
        let snowed = Ok("BC-Storm\n\nIt snowed.".to_owned());
        assert_eq!(read_texts("wire", without_end.as_bytes()), [Err(Reason::Truncated), snowed]);
        assert_eq!(
            read_texts("wire", b"It rained.\x01\x02\x03 A lot."),
            [Ok("It rained.\x01\x02\x03 A lot.".to_owned())]
        );
    }
}
