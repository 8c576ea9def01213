//! Mailboxes (mbox): messages one after the other, each behind a line that begins with `From `. A broken message costs only itself.

use super::Format;
use super::beginning::Beginning;
use super::lines::{self, Line};
use super::mail::{self, header_name};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::refusal::{EXCERPT_BYTES, Refusal};
use crate::input::stream::Stream;

pub(super) static FORMAT: Format = Format {
    extensions: &["mbox"],
    is_one_record: false,
    recognise,
    read: |stream, _, collector| read_messages(stream, collector),
};

/// The first bytes of the line before a message.
const MARK: &[u8] = b"From ";

/// The name of the first header of a message ends within so many bytes.
const NAME_BYTES: usize = 128;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A line that begins a message, with a header behind it; or the beginning of one in a file with the name of a mailbox.
fn recognise(beginning: &mut Beginning<'_, '_>) -> bool {
    let has_extension = beginning.has_extension(FORMAT.extensions);
    let head = beginning.head();
    if has_extension && head.starts_with(MARK) {
        return true;
    }
    let Some(end) = memchr::memchr(b'\n', head) else { return false };
    is_separator(&head[..end]) && begins_header(&head[end + 1..])
}

/// Reads every message. A line that begins the next one stands behind a blank line and before a header.
fn read_messages(stream: &mut Stream<'_>, collector: &mut Collector<'_>) -> Flow {
    let limit = collector.settings().max_document_bytes.get();
    let mut message: Option<Message> = None;
    let mut number = 1;
    let mut is_behind_blank = true;
    while let Some(line) = lines::next(stream, number, limit) {
        number += 1;
        let is_next = is_behind_blank && is_separator(&line.bytes) && begins_header(stream.peek(NAME_BYTES));
        is_behind_blank = line.bytes.trim_ascii().is_empty();
        match &mut message {
            Some(message) if !is_next => message.add(line, limit),
            _ => {
                if let Some(whole) = message.replace(Message::new(&line)) {
                    whole.send_to(limit, collector)?;
                }
            }
        }
    }
    message.map_or(Flow::Continue(()), |last| last.send_to(limit, collector))
}

/// Tells whether a line is `From SENDER Tue Mar  4 05:06:07 2031`. A sentence that begins with "From" is none.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(MARK) else { return false };
    let Ok(rest) = std::str::from_utf8(rest) else { return false };
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let date = words.windows(4).position(|words| {
        DAYS.contains(&words[0]) && MONTHS.contains(&words[1]) && is_number(words[2]) && is_clock(words[3])
    });
    let year = date.and_then(|at| words[at + 4..].iter().find(|word| word.len() == 4 && is_number(word)));
    year.is_some()
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_clock(word: &str) -> bool {
    word.split(':').count() > 1 && word.split(':').all(|part| (1..=2).contains(&part.len()) && is_number(part))
}

fn begins_header(bytes: &[u8]) -> bool {
    header_name(&bytes[..bytes.len().min(NAME_BYTES)]).is_some()
}

/// A message as far as it has been read.
struct Message {
    position: Position,
    bytes: Vec<u8>,
    /// The bytes that it has, also those that were not kept.
    length: u64,
    /// The failure that broke off one of its lines.
    failure: Option<Refusal>,
}

impl Message {
    /// The message that begins behind `line`.
    fn new(line: &Line) -> Self {
        let position = Position::Record { line: Some(line.number), byte: Some(line.byte) };
        Self { position, bytes: Vec::new(), length: 0, failure: None }
    }

    /// Adds a line. `>From ` stands for `From ` at its beginning.
    fn add(&mut self, line: Line, limit: u64) {
        self.length += line.length + 1;
        match line.into_bytes() {
            Ok(_) if self.length > limit => self.bytes.truncate(EXCERPT_BYTES),
            Ok(bytes) => {
                let marks = bytes.iter().take_while(|byte| **byte == b'>').count();
                let is_quoted = marks > 0 && bytes[marks..].starts_with(MARK);
                self.bytes.extend_from_slice(if is_quoted { &bytes[1..] } else { &bytes });
                self.bytes.push(b'\n');
            }
            Err(refusal) => self.failure = Some(refusal),
        }
    }

    fn send_to(self, limit: u64, collector: &mut Collector<'_>) -> Flow {
        match self.failure {
            Some(refusal) => collector.refuse(self.position, refusal, &self.bytes),
            None if self.length > limit => {
                collector.refuse(self.position, Refusal::too_large(self.length, limit), &self.bytes)
            }
            None => mail::put_with_attached(self.bytes, self.position, collector),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_every_cut, read_rejections, read_texts};
    use crate::record::Reason;

    fn message(number: usize, headers: &str, body: &str) -> String {
        format!(
            "From ann@quay.example Tue Mar  4 05:06:0{number} 2031\nFrom: Ann Vale <ann@quay.example>\nSubject: Letter {number}\n\
             Date: Tue, 4 Mar 2031 05:06:07 +0100\n{headers}\n{body}\n\n"
        )
    }

    #[test]
    fn messages_are_documents_and_a_broken_one_costs_only_itself() {
        let mailbox = [
            message(
                1,
                "",
                "It rained.\n\n>From noon on it snowed.\n>>From then on, nothing.\n\nFrom Monday, 4 March, fares rise.",
            ),
            message(2, "Content-Transfer-Encoding: base64\n", "<<<"),
            message(3, "Content-Type: multipart/mixed; boundary=b\n", "--b\n\nCut."),
            message(4, "", "It thawed."),
        ]
        .concat();
        let expected = [
            Ok("It rained.\n\nFrom noon on it snowed.\n>From then on, nothing.\n\nFrom Monday, 4 March, fares rise."
                .to_owned()),
            Err(Reason::Damaged),
            Err(Reason::Truncated),
            Ok("It thawed.".to_owned()),
        ];
        for name in ["a", "a.mbox"] {
            assert_eq!(read_texts(name, mailbox.as_bytes()), expected);
        }
        let places: Vec<_> =
            read_rejections("a.mbox", mailbox.as_bytes()).into_iter().map(|rejection| rejection.place).collect();
        let byte = mailbox.find("From ann@quay.example Tue Mar  4 05:06:02").unwrap();
        assert_eq!((places[0].record, places[0].line, places[0].byte), (Some(2), Some(13), Some(byte as u64)));
        read_every_cut("a.mbox", mailbox.as_bytes());
    }

    #[test]
    fn a_text_that_begins_with_from_stays_one() {
        for text in [
            "From Tue Mar 4 on, ferries sail less often.\nFares: as before.\n",
            "From Tue Mar 4 05:06 2031 on\nit rained.\n",
        ] {
            assert_eq!(read_texts("a", text.as_bytes()), [Ok(text.to_owned())]);
        }
        let mailbox = message(1, "", "It rained.");
        assert_eq!(read_texts("a.mbox", &mailbox.as_bytes()[..60]), [Err(Reason::Truncated)]);
    }
}
