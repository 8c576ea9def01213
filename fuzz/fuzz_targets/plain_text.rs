//! Any bytes as a text file: a document, or a rejection that says why.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pressrun_fuzz::reading::{Reader, is_told_by_content};
use pressrun_fuzz::{folder, put, work_on_one_thread};

static READER: LazyLock<Reader> = LazyLock::new(|| Reader::of(&put("article.txt", "")));

// Making the reader empties the file, so that it is made first.
fuzz_target!(init: { work_on_one_thread(); LazyLock::force(&READER); }, |bytes: &[u8]| {
    put("article.txt", bytes);
    let (documents, rejections) = READER.read();
    // What begins like markup, JSON or a table may be that.
    let unmarked = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_marked = unmarked.trim_ascii_start().first().is_some_and(|byte| b"{[<".contains(byte));
    if is_marked || is_told_by_content(bytes) || bytes.windows(4).any(|word| word == b"text") {
        return;
    }
    assert_eq!(documents.len() + rejections.len(), 1, "a file is one document");
    for rejection in rejections {
        assert!(rejection.place.line.is_none() && !rejection.message.is_empty());
    }
    for document in documents {
        assert_eq!((document.id.as_str(), document.place.source.as_str()), ("article", shown().as_str()));
        assert!(!document.text.trim().is_empty(), "an empty text is rejected");
        if let Some(title) = &document.metadata.title {
            assert!(document.text.contains(title) && title.chars().count() <= 200 && !title.contains('\n'));
        }
        assert!(document.encoding != "UTF-8" || document.text.as_bytes() == unmarked, "UTF-8 stays as it is");
        assert!(
            std::str::from_utf8(unmarked).is_err() || document.encoding.starts_with("UTF-"),
            "{}",
            document.encoding
        );
    }
});

fn shown() -> String {
    folder().join("article.txt").display().to_string()
}
