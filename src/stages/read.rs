//! Paths to chunks of documents: finds files, unpacks them as they are read, takes the records out, and gives every document an id.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::config::{InputConfig, RunConfig};
use crate::deadline::guard::Guard;
use crate::deadline::suspects::Suspects;
use crate::digest::{hexadecimal, sha256_of_all};
use crate::input::content::{self, Record};
use crate::input::copies::Copies;
use crate::input::find::Source;
use crate::input::identity::Identities;
use crate::input::intake::{Intake, Spot, Waiting};
use crate::input::layers::{self, Budget, Counted, Shell};
use crate::input::refusal;
use crate::input::stream::Stream;
use crate::ledger::Done;
use crate::pipeline::{Cause, Counter, Halt, Interrupt, Outlet, Stage};
use crate::record::{Chunk, Document, Original, Place, Rejection};

/// A chunk is also closed when its documents have this many bytes, so that long documents do not add up in memory.
const CHUNK_BYTES: u64 = 8 << 20;

/// Reads files into chunks of documents.
pub struct Read {
    pub(crate) settings: InputConfig,
    chunk_documents: usize,
    pub(crate) interrupt: Interrupt,
    limits: RunConfig,
    rejected: u64,
    found: Counter,
    identities: Identities,
    /// How many documents are in languages that are not wanted.
    filtered: Counter,
    /// What need not be done again, and how much of that was found.
    done: Option<(Done, Counter)>,
    /// The only records that are taken; none for all.
    only: Option<Places>,
    /// What has been read before, where that is looked for.
    copies: Option<Copies>,
    guard: Guard,
    /// Whether rejections come where they are among the documents.
    is_in_order: bool,
    /// Records that are not tried again.
    pub(crate) suspects: Suspects,
    /// What has been found and not been parsed.
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) waiting_bytes: usize,
    pending: Vec<Document>,
    /// How many documents the chunk has, those included that are done or in another language.
    pending_documents: usize,
    pending_bytes: u64,
    pub(crate) input_bytes: u64,
}

/// Records by file and number there (0 for all of a file), each with what is known of it.
pub type Places = HashMap<(String, u64), Known>;

/// What is known of a record, of which the rest of the input may say more than the record itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The document's id.
    pub id: Option<String>,
    /// What it is a copy of.
    pub duplicate_of: Option<Original>,
}

impl Read {
    /// A reader that counts in `found` every document it comes across, and stops when `interrupt` says so.
    #[must_use]
    pub fn new(input: &InputConfig, run: &RunConfig, found: Counter, interrupt: Interrupt) -> Self {
        Self {
            settings: input.clone(),
            chunk_documents: run.chunk_documents.as_size(),
            interrupt,
            limits: run.clone(),
            rejected: 0,
            found,
            identities: Identities::default(),
            filtered: Counter::default(),
            done: None,
            only: None,
            copies: Copies::new(&input.copies),
            guard: Guard::new(Self::NAME).within(run.document_limit()),
            is_in_order: false,
            suspects: Suspects::default(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            pending: Vec::new(),
            pending_documents: 0,
            pending_bytes: 0,
            input_bytes: 0,
        }
    }

    /// Counts in `filtered` the documents that are left out for their language.
    #[must_use]
    pub fn counting_filtered(self, filtered: Counter) -> Self {
        Self { filtered, ..self }
    }

    /// Leaves out what is done, and counts it in `skipped`. Chunks are what they would be otherwise, without those documents:
    /// so a run that goes on computes the same batches.
    #[must_use]
    pub fn without(self, done: Done, skipped: Counter) -> Self {
        Self { done: Some((done, skipped)), ..self }
    }

    /// Gives rejections where they are among the documents, and documents as soon as they are parsed, whatever that makes of chunks.
    #[must_use]
    pub fn in_order(self) -> Self {
        Self { is_in_order: true, ..self }
    }

    /// Rejects records at which runs before have hung.
    #[must_use]
    pub fn suspecting(self, suspects: Suspects) -> Self {
        Self { suspects, ..self }
    }

    /// Takes only records at these places. A document that is there under the same id, from another place, is another. What is a
    /// copy of what cannot be told then, but for what is known.
    #[must_use]
    pub fn only(self, places: Places) -> Self {
        Self { only: Some(places), copies: None, ..self }
    }

    pub(crate) fn is_wanted(&self, place: &Place) -> bool {
        self.only.is_none() || self.known(place).is_some()
    }

    /// What is known of the record at `place`, where it is among the only ones that are taken.
    fn known(&self, place: &Place) -> Option<&Known> {
        let at = |number| self.only.as_ref()?.get(&(place.source.clone(), number));
        at(place.number()).or_else(|| at(0))
    }

    /// The id of a record; where only some are taken, none that a document has that is there from another place.
    fn id(&mut self, record: &Record) -> Result<String, Halt> {
        if let Some(id) = self.known(&record.place).and_then(|known| known.id.clone()) {
            return Ok(id);
        }
        let mut id = self.identities.assign(record);
        if let (Some(_), Some((done, _))) = (&self.only, &self.done) {
            while done.knows_elsewhere(&id, &record.place.source, record.place.number())? {
                id = self.identities.assign(record);
            }
        }
        Ok(id)
    }

    /// Parses what waits, side by side, and takes it in, in order.
    pub(crate) fn settle(&mut self, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        self.waiting_bytes = 0;
        let (settings, guard, is_compared) = (&self.settings, &self.guard, self.copies.is_some());
        let parse = |Waiting { raw, input_bytes }: Waiting| {
            (raw.and_then(|raw| content::parse(raw, settings, guard, is_compared)), input_bytes)
        };
        let records: Vec<_> = std::mem::take(&mut self.waiting).into_par_iter().map(parse).collect();
        let input_bytes = self.input_bytes;
        for (record, input_bytes) in records {
            if self.interrupt.is_requested() {
                break;
            }
            self.input_bytes = input_bytes;
            if let Some(record) = record.transpose() {
                self.take(record, out)?;
            }
        }
        self.input_bytes = self.input_bytes.max(input_bytes);
        self.close_chunk_in_order(out)
    }

    /// Takes in one record, or what became of it.
    fn take(&mut self, record: Result<Record, Rejection>, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        self.found.add(1);
        let record = match record {
            Ok(record) => record,
            Err(rejection) => {
                self.rejected += 1;
                if self.limits.is_too_much(self.rejected, self.found.get()) {
                    self.interrupt.stop(Cause::Limit);
                }
                self.close_chunk_in_order(out)?;
                return out.reject(rejection);
            }
        };
        let id = self.id(&record)?;
        self.pending_bytes += record.text.len() as u64;
        self.pending_documents += 1;
        if record.is_wanted {
            self.take_wanted(id, record)?;
        } else {
            self.filtered.add(1);
        }
        if self.pending_documents >= self.chunk_documents || self.pending_bytes >= CHUNK_BYTES {
            self.close_chunk(out)?;
        }
        Ok(())
    }

    fn take_wanted(&mut self, id: String, mut record: Record) -> Result<(), Halt> {
        let duplicate_of = self.original_of(&id, &mut record)?;
        let Record { place, metadata, text, encoding, flags, content, .. } = record;
        let content = duplicate_of.as_ref().map_or(content, |original| digest_of_copy(&content, original));
        if !self.is_done(&id, &content)? {
            self.pending.push(Document { id, place, metadata, text, encoding, flags, duplicate_of, content });
        }
        Ok(())
    }

    /// What a record is a copy of. What is not wanted any more is no original.
    fn original_of(&mut self, id: &str, record: &mut Record) -> Result<Option<Original>, Halt> {
        if let Some(known) = self.known(&record.place) {
            return Ok(known.duplicate_of.clone());
        }
        let Some((copies, sketch)) = self.copies.as_mut().zip(record.sketch.take()) else { return Ok(None) };
        let is_forgotten = self.done.as_ref().map_or(Ok(false), |(done, _)| done.has_forgotten(id))?;
        Ok(if is_forgotten { None } else { copies.original_of(id, sketch) })
    }

    fn is_done(&self, id: &str, content: &[u8]) -> Result<bool, Halt> {
        let Some((done, skipped)) = &self.done else { return Ok(false) };
        let is_done = done.has(id, content)?;
        skipped.add(u64::from(is_done));
        Ok(is_done)
    }

    fn close_chunk_in_order(&mut self, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        if self.is_in_order && !self.pending.is_empty() { self.close_chunk(out) } else { Ok(()) }
    }

    fn close_chunk(&mut self, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        (self.pending_documents, self.pending_bytes) = (0, 0);
        out.emit(Chunk { documents: std::mem::take(&mut self.pending), input_bytes: self.input_bytes })
    }
}

impl Stage for Read {
    const NAME: &'static str = refusal::STAGE;
    type In = Source;
    type Out = Chunk<Document>;

    fn process(&mut self, source: Source, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        if self.interrupt.is_requested() {
            return Ok(());
        }
        let budget = Budget::new(&self.settings);
        let mut intake = Intake::new(self, &source, &budget, out);
        let flow = match source.open() {
            Ok(opened) => {
                let name = source.path.to_string_lossy();
                let mut stream = Stream::new(Counted { file: opened.bytes(), budget: &budget });
                let flow = layers::read(&mut stream, Shell::new(&name, opened.file(), &budget), &mut intake);
                match opened.change(&source) {
                    Some(message) if flow.is_continue() => intake.refuse_changed(message),
                    _ => flow,
                }
            }
            Err(refusal) => intake.refuse(Spot::Whole, refusal, b""),
        };
        intake.finish(flow)
    }

    fn finish(&mut self, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        self.settle(out)?;
        if self.pending_documents == 0 { Ok(()) } else { self.close_chunk(out) }
    }
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Read").field("settings", &self.settings).field("found", &self.found).finish_non_exhaustive()
    }
}

/// What tells a copy from another version of it, and from what it is where its original is another.
fn digest_of_copy(content: &[u8], original: &Original) -> [u8; 32] {
    sha256_of_all([&hexadecimal(content), original.id.as_str(), &original.percent.to_string()])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, ConfigFile};
    use crate::input::find::Finder;
    use crate::pipeline::run_inline;
    use crate::record::{EXCERPT_CHARACTERS, Reason};

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
        let stage = Read::new(&config.input, &config.run, found.clone(), Interrupt::default());
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
        assert_eq!(chunks[1].input_bytes, 10);
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
        let stage = Read::new(&config.input, &config.run, found.clone(), interrupt);
        let finder = Finder::new(&[env!("CARGO_MANIFEST_DIR").into()], Vec::new(), Path::new("output")).unwrap();
        assert!(run_inline(stage, finder.sources()).unwrap().0.is_empty());
        assert_eq!(found.get(), 0);
    }
}
