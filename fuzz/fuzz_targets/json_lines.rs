//! Any bytes as JSON Lines: a document or a rejection for each line that is not blank.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pressrun::record::{Document, Place};
use pressrun_fuzz::{put, work_on_one_thread};
use pressrun_fuzz::reading::{MAX_DOCUMENT_BYTES, Reader, is_told_by_content};
use serde_json::Value;

static READER: LazyLock<Reader> = LazyLock::new(|| Reader::of(&put("wire.jsonl", "")));

// Making the reader empties the file, so that it is made first.
fuzz_target!(init: { work_on_one_thread(); LazyLock::force(&READER); }, |bytes: &[u8]| {
    put("wire.jsonl", bytes);
    let (documents, rejections) = READER.read();
    if is_told_by_content(bytes) {
        return;
    }
    let mut places: Vec<&Place> = documents.iter().map(|document| &document.place).collect();
    places.extend(rejections.iter().map(|rejection| &rejection.place));
    places.sort_by_key(|place| place.line);
    let found = places.iter().map(|place| (place.line.expect("a line has a number"), place.byte.expect("and a place")));
    let expected = lines(bytes);
    assert!(found.eq(expected.iter().map(|&(number, byte, _)| (number, byte))), "every line is accounted for, once");
    for document in &documents {
        let (_, _, line) =
            expected.iter().find(|(number, ..)| Some(*number) == document.place.line).expect("just compared");
        assert_says_what_its_line_says(document, line);
    }
});

/// The lines that are not blank, or too long to tell: number, first byte, content.
fn lines(bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    let mut start = 0;
    let all = bytes.split_inclusive(|&byte| byte == b'\n').zip(1..).map(|(line, number)| {
        let byte = start;
        start += line.len() as u64;
        (number, byte, line.strip_suffix(b"\n").unwrap_or(line))
    });
    all.filter(|(.., line)| line.len() > MAX_DOCUMENT_BYTES || !line.iter().all(u8::is_ascii_whitespace)).collect()
}

fn assert_says_what_its_line_says(document: &Document, line: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(line) else { return };
    if value.get("text").is_none() {
        // ninjs has its text elsewhere.
        return assert!(!document.text.trim().is_empty(), "{document:?}");
    }
    assert_eq!(value["text"].as_str(), Some(document.text.as_str()), "{document:?}");
    let metadata = &document.metadata;
    for (name, field) in [("title", &metadata.title), ("uri", &metadata.uri)] {
        let is_same = match &value[name] {
            Value::String(text) => field.as_deref().unwrap_or_default() == text || text.trim().is_empty(),
            Value::Number(number) => field.as_ref() == Some(&number.to_string()),
            _ => field.is_none(),
        };
        assert!(is_same, "{name}: {document:?}");
    }
}
