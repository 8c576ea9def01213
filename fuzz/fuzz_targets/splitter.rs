//! Any text to sentences, which are in order, trimmed, and leave no letter or digit behind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pressrun::sentences::sentences;
use pressrun_fuzz::slice;

fuzz_target!(|text: &str| {
    let (mut end, mut paragraph) = (0, 0);
    for sentence in sentences(text) {
        let words = slice(&sentence.span, text);
        assert!(!words.is_empty() && words == words.trim(), "{words:?}");
        assert!(sentence.span.byte_start >= end, "sentences overlap");
        assert!(!text[end..sentence.span.byte_start].contains(char::is_alphanumeric), "left behind");
        assert!(sentence.paragraph == paragraph || sentence.paragraph == paragraph + 1, "a paragraph is left out");
        (end, paragraph) = (sentence.span.byte_end, sentence.paragraph);
    }
    assert!(!text[end..].contains(char::is_alphanumeric), "left behind at the end");
});
