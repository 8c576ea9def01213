//! Paths to chunks of documents, in two steps: *extract* parses the records of files, *admit* makes documents of them.

/// Parsed records to chunks of documents.
mod admit;
/// Files to parsed records.
mod extract;

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{InputConfig, RunConfig};
use crate::deadline::guard::Guard;
use crate::deadline::suspects::Suspects;
use crate::input::copies::Copies;
use crate::input::find::Source;
use crate::input::left_out::LeftOut;
use crate::input::refusal;
use crate::ledger::Done;
use crate::parts::AdmissionsWriter;
use crate::pipeline::{Counter, Halt, Interrupt, Outlet, Stage};
use crate::record::{Chunk, Document, Original};
use admit::{Admit, AdmitSettings};
use extract::{Extract, ExtractSettings};

/// Reads files into chunks of documents.
pub struct Read {
    extract: Extract,
    admit: Admit,
}

/// The choices for a reader that are not in the configuration. By default every record is read and nothing is done yet.
#[derive(Debug, Default)]
pub struct ReadSettings {
    /// Stops reading when it is requested.
    pub interrupt: Interrupt,
    /// Counts records that are, or should be, documents.
    pub found: Counter,
    /// Counts documents that are left out because they are already done.
    pub skipped: Counter,
    /// Counts documents that are left out because of their language.
    pub filtered: Counter,
    /// Counts files and archive members that are left out because their kind is not read.
    pub left_out: LeftOut,
    /// The documents that are already done. Chunks are the same as without this, but for the documents that are left out, so that a
    /// continued run computes the same batches.
    pub done: Option<Done>,
    /// The only records to read, if not all. A document with the same id from another place is another document. Copies are not looked
    /// for then; only those that are known are marked.
    pub only: Option<Places>,
    /// Records at which earlier runs hung. They are rejected.
    pub suspects: Suspects,
    /// True to give rejections at their place among the documents, and documents as soon as they are parsed, whatever that makes of
    /// chunks.
    pub is_in_order: bool,
    /// Keeps what decides ids and copies, if the input is processed in parts.
    pub admissions: Option<AdmissionsWriter>,
}

/// Records by the name of their file and their number in it (0 for a whole file).
pub type Places = HashMap<(String, u64), Known>;

/// Facts about a record that depend on the rest of the input, known from an earlier run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The document's id.
    pub id: Option<String>,
    /// The document that it is a copy of.
    pub duplicate_of: Option<Original>,
}

impl Read {
    /// A reader for the formats, filters and limits of the configuration.
    #[must_use]
    pub fn new(input: &InputConfig, run: &RunConfig, settings: ReadSettings) -> Self {
        let ReadSettings {
            interrupt,
            found,
            skipped,
            filtered,
            left_out,
            done,
            only,
            suspects,
            is_in_order,
            admissions,
        } = settings;
        let copies = if only.is_some() { None } else { Copies::new(&input.copies) };
        let extract = ExtractSettings {
            input: Arc::new(input.clone()),
            guard: Guard::new(Self::NAME).within(run.document_limit()),
            interrupt: interrupt.clone(),
            only,
            suspects,
            is_comparing: copies.is_some(),
            left_out,
        };
        let run = run.clone();
        let admit = AdmitSettings { run, interrupt, found, skipped, filtered, done, copies, is_in_order, admissions };
        Self { extract: Extract::new(extract), admit: Admit::new(admit) }
    }
}

impl Stage for Read {
    const NAME: &'static str = refusal::STAGE;
    type In = Source;
    type Out = Chunk<Document>;

    fn process(&mut self, source: Source, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        let Self { extract, admit } = self;
        extract.read_file(&source, &mut |records| admit.take_records(records, out))
    }

    fn finish(&mut self, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        self.admit.take_records(self.extract.parse_waiting(), out)?;
        self.admit.finish(out)
    }
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Read").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, ConfigFile};
    use crate::input::find::Finder;
    use crate::pipeline::run_inline;
    use crate::record::{EXCERPT_CHARACTERS, Reason, Rejection};

    /// Reads all files of a new folder, with chunks of two documents and at most 1,000 bytes a document.
    fn read(files: &[(&str, &[u8])]) -> (Vec<Chunk<Document>>, Vec<Rejection>, u64) {
        read_with("max_document_bytes = 1000", files)
    }

    fn read_with(settings: &str, files: &[(&str, &[u8])]) -> (Vec<Chunk<Document>>, Vec<Rejection>, u64) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let text = format!("[run]\nchunk_documents = 2\n[input]\n{settings}\n");
        let config = Config::parse(ConfigFile { path: "pipeline.toml".into(), text }).unwrap();
        let found = Counter::default();
        let settings = ReadSettings { found: found.clone(), ..ReadSettings::default() };
        let stage = Read::new(&config.input, &config.run, settings);
        let finder = Finder::new(&[folder.path().to_owned()], Vec::new(), Path::new("output")).unwrap();
        let (chunks, rejections) = run_inline(stage, finder.sources()).unwrap();
        (chunks, rejections, found.get())
    }

    fn ids(chunks: &[Chunk<Document>]) -> Vec<Vec<&str>> {
        chunks.iter().map(|chunk| chunk.documents.iter().map(|document| document.id.as_str()).collect()).collect()
    }

    fn reasons(rejections: &[Rejection]) -> Vec<Reason> {
        rejections.iter().map(|rejection| rejection.reason).collect()
    }

    #[test]
    fn files_become_chunks_in_the_order_of_their_names() {
        let (chunks, rejections, found) =
            read(&[("b/2.txt", b"Two."), ("a.txt", b"A."), ("b/1.txt", b"One."), ("notes.md", b"no document")]);
        assert_eq!(ids(&chunks), [vec!["a", "b.1"], vec!["b.2"]]);
        assert!(rejections.is_empty());
        assert_eq!(found, 3);
        assert_eq!(chunks[1].input_bytes, 10 + "no document".len() as u64, "what is left out is passed over");
    }

    #[test]
    fn a_bad_line_costs_only_itself() {
        let lines = b"{\"id\":\"x\",\"text\":\"One.\"}\n\nnot json\n{\"id\":\"y\"}\n[1]\n{\"text\":7}\n{\"text\":\" \"}\n{\"id\":5,\"text\":\"Two.\"}";
        let (chunks, rejections, found) = read(&[("wire.jsonl", lines)]);
        assert_eq!(ids(&chunks), [["x", "5"]]);
        let expected =
            [Reason::InvalidJson, Reason::MissingText, Reason::InvalidJson, Reason::WrongType, Reason::Empty];
        assert_eq!(reasons(&rejections), expected);
        assert_eq!(rejections[0].place.line, Some(3));
        assert_eq!(rejections[0].place.byte, Some(26));
        assert_eq!(rejections[0].excerpt, "not json");
        assert_eq!(found, 7);
    }

    #[test]
    fn what_cannot_be_text_is_refused_with_its_reason() {
        let long = vec![b'a'; 1001];
        let (chunks, rejections, found) =
            read(&[("a.txt", b""), ("b.txt", b" \r\n\t"), ("c.txt", b"\x89PNG\0\0\x01"), ("d.txt", &long)]);
        assert!(chunks.is_empty());
        assert_eq!(reasons(&rejections), [Reason::Empty, Reason::Empty, Reason::NotText, Reason::TooLarge]);
        assert_eq!(found, 4);
    }

    #[test]
    fn a_line_over_the_limit_is_refused_and_the_next_one_read() {
        let mut lines = format!("{{\"text\":\"{}\"}}\n", "a".repeat(300_000)).into_bytes();
        lines.extend(b"{\"id\":\"next\",\"text\":\"Short.\"}\n");
        let (chunks, rejections, _) = read(&[("a.jsonl", &lines)]);
        assert_eq!(ids(&chunks), [["next"]]);
        assert_eq!(reasons(&rejections), [Reason::TooLarge]);
        assert_eq!(rejections[0].excerpt.chars().count(), EXCERPT_CHARACTERS);
        assert_eq!(chunks[0].documents[0].place.line, Some(2));
    }

    #[test]
    fn documents_with_the_same_id_are_told_apart() {
        let lines =
            b"{\"id\":\"x\",\"text\":\"One.\"}\n{\"id\":\"X\",\"text\":\"Two.\"}\n{\"id\":\"x\",\"text\":\"Three.\"}\n";
        let (chunks, _, _) = read(&[("a.jsonl", lines)]);
        let all: Vec<&str> = ids(&chunks).concat();
        assert_eq!(all[0], "x");
        assert!(all[1].starts_with("X~") && all[2].starts_with("x~") && all[1][2..] != all[2][2..], "{all:?}");
    }

    #[test]
    fn copies_are_marked_in_the_order_of_the_input() {
        let story = |name: &str| (0..60).map(|word| format!("{name}{word}")).collect::<Vec<_>>().join(" ");
        let (strike, budget) = (story("strike"), story("budget"));
        let lines = |lines: &[(&str, &str, &str)]| {
            let line = |(id, language, text): &(_, _, _)| {
                format!("{}\n", serde_json::json!({"id": id, "language": language, "text": text}))
            };
            lines.iter().map(line).collect::<String>()
        };
        let first = lines(&[("other", "de", &budget), ("whole", "en", &strike), ("budget", "en", &budget)]);
        let second = lines(&[("same", "en", &strike), ("longer", "en", &format!("Wire report. {strike}"))]);
        let files = [("a.jsonl", first.as_bytes()), ("b.jsonl", second.as_bytes())];
        let (chunks, _, _) = read_with("languages = [\"en\"]", &files);
        let documents = chunks.iter().flat_map(|chunk| &chunk.documents);
        let marks: Vec<_> = documents.map(|document| (document.id.as_str(), document.duplicate_of.clone())).collect();
        let whole = |percent| Some(Original { id: "whole".into(), percent });
        let longer = marks[3].1.as_ref().unwrap().percent;
        assert!((80..100).contains(&longer), "{longer}");
        let expected = [("whole", None), ("budget", None), ("same", whole(100)), ("longer", whole(longer))];
        assert_eq!(marks, expected, "what is filtered is no original");
        let contents: Vec<_> =
            chunks.iter().flat_map(|chunk| &chunk.documents).map(|document| document.content).collect();
        let (chunks, _, _) = read_with("languages = [\"en\"]\ncopies.remember = 0", &files);
        let documents: Vec<_> = chunks.iter().flat_map(|chunk| &chunk.documents).collect();
        assert!(documents.iter().all(|document| document.duplicate_of.is_none()));
        let is_same: Vec<_> =
            documents.iter().zip(&contents).map(|(document, content)| document.content == *content).collect();
        assert_eq!(is_same, [true, true, false, false], "what is marked otherwise is done again");
    }

    #[test]
    fn legacy_encodings_are_decoded_and_named() {
        let (chunks, _, _) = read(&[
            ("a.txt", b"\x93Caf\xe9 culture,\x94 she said \x96 naturally."),
            ("b.txt", b"\xef\xbb\xbfCaf\xc3\xa9."),
            ("c.txt", b"\xff\xfeH\0i\0.\0"),
        ]);
        let documents: Vec<_> = chunks.iter().flat_map(|chunk| &chunk.documents).collect();
        assert_eq!(documents[0].text, "“Café culture,” she said – naturally.");
        assert_eq!(documents[0].encoding, "windows-1252");
        assert_eq!((documents[1].text.as_str(), documents[1].encoding), ("Café.", "UTF-8"));
        assert_eq!((documents[2].text.as_str(), documents[2].encoding), ("Hi.", "UTF-16LE"));
    }

    #[test]
    fn a_text_file_s_first_line_is_its_title_where_it_stands_alone() {
        let (chunks, _, _) =
            read(&[("a.txt", b"\nStorm hits coast\n\nIt rained."), ("b.txt", b"It rained.\n\nA lot.")]);
        let titles: Vec<_> = chunks[0].documents.iter().map(|document| document.metadata.title.as_deref()).collect();
        assert_eq!(titles, [Some("Storm hits coast"), None]);
    }

    #[test]
    fn an_interrupted_reader_takes_no_more() {
        let interrupt = Interrupt::default();
        interrupt.request();
        let found = Counter::default();
        let config = Config::parse(ConfigFile { path: "pipeline.toml".into(), text: String::new() }).unwrap();
        let settings = ReadSettings { found: found.clone(), interrupt, ..ReadSettings::default() };
        let stage = Read::new(&config.input, &config.run, settings);
        let finder = Finder::new(&[env!("CARGO_MANIFEST_DIR").into()], Vec::new(), Path::new("output")).unwrap();
        assert!(run_inline(stage, finder.sources()).unwrap().0.is_empty());
        assert_eq!(found.get(), 0);
    }
}
