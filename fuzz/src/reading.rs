//! What holds for everything that is read, from whatever file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use pressrun::config::{Config, ConfigFile};
use pressrun::pipeline::{Counter, run_inline};
use pressrun::record::{Chunk, Document, Rejection};
use pressrun::stages::read::{Read, ReadSettings};
use pressrun::input::find::Finder;

/// Longer documents are rejected.
pub const MAX_DOCUMENT_BYTES: usize = 400;

const CHUNK_DOCUMENTS: usize = 3;

/// Reads one file, again and again.
pub struct Reader {
    config: Config,
    finder: Finder,
}

impl Reader {
    /// Of the file at `path`, which has to be there.
    pub fn of(path: &Path) -> Self {
        Self::with_limit(path, MAX_DOCUMENT_BYTES)
    }

    /// As [`Self::of`]; documents may have so many bytes.
    pub fn with_limit(path: &Path, max_document_bytes: usize) -> Self {
        let text =
            format!("[input]\nmax_document_bytes = {max_document_bytes}\n[run]\nchunk_documents = {CHUNK_DOCUMENTS}\n");
        let config = Config::parse(ConfigFile { path: "pipeline.toml".into(), text }).expect("it is valid");
        let finder = Finder::new(&[PathBuf::from(path)], Vec::new(), Path::new("output")).expect("the file is there");
        Self { config, finder }
    }

    /// What is in the file now.
    pub fn read(&self) -> (Vec<Document>, Vec<Rejection>) {
        let found = Counter::default();
        let filtered = Counter::default();
        let settings =
            ReadSettings { found: found.clone(), filtered: filtered.clone(), ..ReadSettings::default() };
        let stage = Read::new(&self.config.input, &self.config.run, settings);
        let (chunks, rejections) = run_inline(stage, self.finder.sources()).expect("no file stops a run");
        let bytes = self.finder.survey().bytes;
        assert!(chunks.iter().all(|chunk| chunk.input_bytes <= bytes), "more is read than there is");
        // Documents that are left out count for the size of a chunk.
        let documents = if filtered.get() == 0 {
            documents(chunks)
        } else {
            chunks.into_iter().flat_map(|chunk| chunk.documents).collect()
        };
        let counted = (documents.len() + rejections.len()) as u64 + filtered.get();
        assert_eq!(found.get(), counted, "found = read + rejected + filtered");
        assert_ids_are_names(&documents);
        assert!(rejections.iter().all(|rejection| rejection.excerpt.chars().count() <= 160));
        (documents, rejections)
    }
}

/// Whether content says more than the name of the file: another format, or something that lies around one.
pub fn is_told_by_content(bytes: &[u8]) -> bool {
    const MARKS: [&[u8]; 12] = [
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"\xfd7zXZ",
        b"PK",
        b"PAR1",
        b"WARC/",
        b"filedesc:",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\x50\x2a\x4d\x18",
        b"\x5f\x2a\x4d\x18",
    ];
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let is_skippable = bytes.len() > 3 && bytes[1..4] == [0x2a, 0x4d, 0x18];
    // The header of a tar archive has so many bytes.
    is_skippable || bytes.len() >= 512 || MARKS.iter().any(|mark| bytes.starts_with(mark) || text.starts_with(mark))
}

fn documents(chunks: Vec<Chunk<Document>>) -> Vec<Document> {
    let is_full = |chunk: &Chunk<Document>| chunk.documents.len() == CHUNK_DOCUMENTS;
    let (last, others) = chunks.split_last().map_or((None, chunks.as_slice()), |(last, others)| (Some(last), others));
    assert!(others.iter().all(is_full), "a chunk is full, but for the last");
    assert!(last.is_none_or(|last| (1..=CHUNK_DOCUMENTS).contains(&last.documents.len())));
    chunks.into_iter().flat_map(|chunk| chunk.documents).collect()
}

/// Ids are unique where upper and lower case are one, and cannot leave a folder or hide in it.
fn assert_ids_are_names(documents: &[Document]) {
    let mut seen = HashSet::new();
    for Document { id, .. } in documents {
        let is_safe = |character: char| character.is_ascii_alphanumeric() || "-_.~".contains(character);
        assert!(!id.is_empty() && id.len() <= 200 && !id.starts_with('.') && id.chars().all(is_safe), "{id:?}");
        assert!(seen.insert(id.to_ascii_lowercase()), "{id:?} is there twice");
    }
}
