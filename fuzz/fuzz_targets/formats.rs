//! Any bytes under any name: documents and rejections, and all of them counted. The first byte chooses the name, or `FORMAT=a.docx` does.
#![no_main]

use std::io::Write;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pressrun_fuzz::reading::{MAX_DOCUMENT_BYTES, Reader};
use pressrun_fuzz::{forgive_libraries, put, work_on_one_thread};
use zip::write::SimpleFileOptions;

/// New names come last: seeds count them.
const NAMES: [&str; 20] = [
    "a",
    "a.json",
    "a.csv",
    "a.tsv",
    "a.html",
    "a.xml",
    "a.sgm",
    "a.warc",
    "a.arc",
    "a.parquet",
    "a.tar",
    "a.zip",
    "a.arrow",
    "a.docx",
    // The text of a Word document: the archive around it is made here, because hardly any change of one leaves it whole.
    WORD_TEXT,
    "a.rtf",
    "a.eml",
    "a.mbox",
    "a.txt",
    "a.iptc",
];

const WORD_TEXT: &str = "text.docx";

/// Files of the first names are small. Others hold little in so many bytes.
const SMALL_NAMES: usize = 12;

const MAX_LONG_DOCUMENT_BYTES: usize = 1 << 16;

static READERS: LazyLock<Vec<Reader>> = LazyLock::new(|| {
    let limit = |number| if number < SMALL_NAMES { MAX_DOCUMENT_BYTES } else { MAX_LONG_DOCUMENT_BYTES };
    NAMES.iter().enumerate().map(|(number, name)| Reader::with_limit(&put(name, ""), limit(number))).collect()
});

/// The number of the name that all files get.
static CHOSEN: LazyLock<Option<usize>> = LazyLock::new(|| {
    let name = std::env::var("FORMAT").ok()?;
    let number = NAMES.iter().position(|known| *known == name);
    Some(number.unwrap_or_else(|| panic!("FORMAT={name} is none of {NAMES:?}")))
});

// Making the readers empties the files, so that they are made first.
fuzz_target!(init: { work_on_one_thread(); forgive_libraries(); LazyLock::force(&CHOSEN); LazyLock::force(&READERS); }, |bytes: &[u8]| {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let number = CHOSEN.unwrap_or_else(|| usize::from(first) % NAMES.len());
    if NAMES[number] == WORD_TEXT {
        put(NAMES[number], word_document(bytes));
    } else {
        put(NAMES[number], bytes);
    }
    let (documents, _) = READERS[number].read();
    assert!(documents.iter().all(|document| !document.text.trim().is_empty()), "an empty text is rejected");
});

/// A Word document whose text is in `xml`. What follows a zero byte are its footnotes.
fn word_document(bytes: &[u8]) -> Vec<u8> {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for name in ["word/document.xml", "word/footnotes.xml"] {
        let Some(part) = parts.next() else { break };
        writer.start_file(name, options).expect("an archive in memory can be written");
        writer.write_all(part).expect("an archive in memory can be written");
    }
    writer.finish().expect("an archive in memory can be written").into_inner()
}
