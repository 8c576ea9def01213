//! Plain text files: a document each.

use std::io::Read;

use super::decode::decode;
use super::find::Source;
use super::{Record, Refusal, too_large, unreadable};
use crate::record::{Metadata, Reason, Rejection};

/// A title is no longer than this.
const MAX_TITLE_CHARACTERS: usize = 200;

/// Reads the file whole.
pub(super) fn read(source: &Source, max_bytes: u64) -> Result<Record, Rejection> {
    let bytes = read_bytes(source, max_bytes).map_err(|refusal| refusal.into_rejection(source.place(), b""))?;
    let beginning = bytes[..bytes.len().min(1024)].to_vec();
    let refused = |refusal: Refusal| refusal.into_rejection(source.place(), &beginning);
    let (text, encoding) = decode(bytes).map_err(refused)?;
    if text.trim().is_empty() {
        return Err(refused(Refusal::new(Reason::Empty, "holds no text")));
    }
    let metadata = Metadata { title: title_of(&text), ..Metadata::default() };
    Ok(Record { place: source.place(), own_id: None, name: source.name.clone(), metadata, text, encoding })
}

fn read_bytes(source: &Source, max_bytes: u64) -> Result<Vec<u8>, Refusal> {
    let file = std::fs::File::open(&source.path).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::new();
    // One byte over the limit is enough to know, also where the file grows while it is read.
    file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > max_bytes { Err(too_large(source.bytes, max_bytes)) } else { Ok(bytes) }
}

/// The first line, where it is short, followed by a blank line or the end, and no sentence.
fn title_of(text: &str) -> Option<String> {
    let mut lines = text.trim_start().lines().map(str::trim);
    let title = lines.next()?;
    let stands_alone = lines.next().is_none_or(str::is_empty);
    let is_sentence = title.ends_with(['.', '!', '?', ':', ';', ',', '”', '"']);
    (stands_alone && !is_sentence && title.chars().count() <= MAX_TITLE_CHARACTERS).then(|| title.to_owned())
}
