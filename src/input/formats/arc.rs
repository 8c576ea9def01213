//! ARC, which came before WARC: a line with address, date, type and length, then what the crawler got.

use std::io::Read;

use super::capture::{Capture, Kind};
use super::lines;
use crate::input::intake::{Flow, Intake, Spot};
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;

/// What the file begins with.
pub(super) const MARK: &[u8] = b"filedesc:";

/// The line before a record has no more bytes.
const MAX_LINE_BYTES: u64 = 1 << 16;

/// What the line before a record says.
struct Header {
    uri: String,
    length: u64,
}

/// Reads every record that can be an article.
pub(super) fn read(stream: &mut Stream<'_>, intake: &mut Intake<'_, '_>) -> Flow {
    let limit = intake.settings().max_document_bytes.get();
    let mut is_lost = false;
    while let Some(line) = lines::next(stream, 0, MAX_LINE_BYTES) {
        let spot = Spot::record(line.byte);
        let bytes = match line.into_bytes() {
            Ok(bytes) => bytes,
            Err(refusal) => {
                intake.refuse(spot, refusal, b"")?;
                continue;
            }
        };
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        match Header::parse(&String::from_utf8_lossy(&bytes)) {
            Some(header) => {
                is_lost = false;
                record(stream, header, spot, limit, intake)?;
            }
            // Everything up to the next record is one loss.
            None if is_lost => {}
            None => {
                is_lost = true;
                intake.refuse(spot, Refusal::damaged("holds something that is no record"), &bytes)?;
            }
        }
    }
    Flow::Continue(())
}

fn record(stream: &mut Stream<'_>, header: Header, spot: Spot, limit: u64, intake: &mut Intake<'_, '_>) -> Flow {
    let is_page = header.uri.starts_with("http");
    let beginning = header.uri.clone().into_bytes();
    if !is_page || header.length > limit {
        return match stream.skip(header.length) {
            Ok(true) if is_page => intake.refuse(spot, Refusal::too_large(header.length, limit), &beginning),
            Ok(true) => Flow::Continue(()),
            Ok(false) => intake.refuse(spot, Refusal::truncated("the record is cut short"), &beginning),
            Err(refusal) => intake.refuse(spot, refusal, &beginning),
        };
    }
    let mut body = Vec::new();
    match stream.take(header.length).read_to_end(&mut body) {
        Err(error) => intake.refuse(spot, error.into(), &beginning),
        Ok(_) if (body.len() as u64) < header.length => {
            intake.refuse(spot, Refusal::truncated("the record is cut short"), &beginning)
        }
        Ok(_) => {
            let capture = Capture { kind: Kind::Response, uri: Some(header.uri), mime: None, is_cut: false, body };
            intake.put(spot, capture)
        }
    }
}

impl Header {
    /// `ADDRESS IP DATE TYPE LENGTH`, or in version 2 with five more before the length. An address may have spaces.
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let length = words.last()?.parse().ok()?;
        let is_date = |word: &&str| (12..=14).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
        let date = words.iter().take(words.len() - 1).rposition(is_date)?;
        let uri = words.get(..date.checked_sub(1)?)?.join(" ");
        uri.contains(':').then_some(Self { uri, length })
    }
}
