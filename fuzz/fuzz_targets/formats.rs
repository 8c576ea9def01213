//! Any bytes under any name: documents and rejections, and all of them counted.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pressrun_fuzz::{put, work_on_one_thread};
use pressrun_fuzz::reading::Reader;

const NAMES: [&str; 12] =
    ["a", "a.json", "a.csv", "a.tsv", "a.html", "a.xml", "a.sgm", "a.warc", "a.arc", "a.parquet", "a.tar", "a.zip"];

static READERS: LazyLock<Vec<Reader>> = LazyLock::new(|| NAMES.iter().map(|name| Reader::of(&put(name, ""))).collect());

// Making the readers empties the files, so that they are made first.
fuzz_target!(init: { work_on_one_thread(); LazyLock::force(&READERS); }, |bytes: &[u8]| {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let number = usize::from(first) % NAMES.len();
    put(NAMES[number], bytes);
    let (documents, _) = READERS[number].read();
    assert!(documents.iter().all(|document| !document.text.trim().is_empty()), "an empty text is rejected");
});
