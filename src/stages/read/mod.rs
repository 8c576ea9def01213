//! Paths to chunks of documents: finds files, decodes them, takes the records out, and gives every document an id.

/// A page of HTML to the article on it.
#[allow(dead_code, reason = "the readers of pages and of web archives call it")]
mod article;
/// Dates as sources write them.
#[allow(dead_code, reason = "the readers of structured formats call it")]
mod dates;
/// Bytes to text.
mod decode;
/// Which files there are.
pub mod find;
/// Ids that are unique and safe as file names.
mod identity;
/// Records of a JSON Lines file.
mod jsonl;
/// Plain text files.
mod plain;

use std::collections::HashSet;
use std::path::Path;

use crate::config::{FieldNames, InputConfig, RunConfig};
use crate::digest::sha256_of_all;
use crate::ledger::Done;
use crate::pipeline::{Cause, Counter, Halt, Interrupt, Outlet, Stage};
use crate::record::{Chunk, Document, EXCERPT_CHARACTERS, Metadata, Place, Reason, Rejection};
use find::{Format, Source};
use identity::Identities;

/// A chunk is also closed when its documents have this many bytes, so that long documents do not add up in memory.
const CHUNK_BYTES: u64 = 8 << 20;

/// Reads files into chunks of documents.
#[derive(Debug)]
pub struct Read {
    fields: FieldNames,
    max_document_bytes: u64,
    chunk_documents: usize,
    interrupt: Interrupt,
    limits: RunConfig,
    rejected: u64,
    found: Counter,
    identities: Identities,
    /// What need not be done again, and how much of that was found.
    done: Option<(Done, Counter)>,
    /// The only records that are taken, by file and number there (0 for all of a file); none for all.
    only: Option<HashSet<(String, u64)>>,
    pending: Vec<Document>,
    /// How many documents the chunk has, those included that are done.
    pending_documents: usize,
    pending_bytes: u64,
    input_bytes: u64,
}

/// A record before it has an id.
struct Record {
    place: Place,
    /// The id that the record itself has.
    own_id: Option<String>,
    /// The id that it gets where it has none.
    name: String,
    metadata: Metadata,
    text: String,
    encoding: &'static str,
}

/// Why a record is refused: becomes a [`Rejection`] where the place and the bytes are known.
#[derive(Debug)]
struct Refusal {
    reason: Reason,
    message: String,
}

impl Refusal {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    fn into_rejection(self, place: Place, bytes: &[u8]) -> Rejection {
        let beginning = &bytes[..bytes.len().min(4 * EXCERPT_CHARACTERS)];
        let excerpt = String::from_utf8_lossy(beginning).chars().take(EXCERPT_CHARACTERS).collect();
        Rejection { place, stage: Read::NAME, reason: self.reason, message: self.message, excerpt }
    }
}

impl Read {
    /// A reader that counts in `found` every document it comes across, and stops when `interrupt` says so.
    #[must_use]
    pub fn new(input: &InputConfig, run: &RunConfig, found: Counter, interrupt: Interrupt) -> Self {
        Self {
            fields: input.fields.clone(),
            max_document_bytes: input.max_document_bytes.get(),
            chunk_documents: run.chunk_documents.as_size(),
            interrupt,
            limits: run.clone(),
            rejected: 0,
            found,
            identities: Identities::default(),
            done: None,
            only: None,
            pending: Vec::new(),
            pending_documents: 0,
            pending_bytes: 0,
            input_bytes: 0,
        }
    }

    /// Leaves out what is done, and counts it in `skipped`. Chunks are what they would be otherwise, without those documents:
    /// so a run that goes on computes the same batches.
    #[must_use]
    pub fn without(self, done: Done, skipped: Counter) -> Self {
        Self { done: Some((done, skipped)), ..self }
    }

    /// Takes only records at these places: files, and numbers in them (0 for all of a file). None of them has been done yet, so
    /// that a document which is there under the same id is another.
    #[must_use]
    pub fn only(self, places: HashSet<(String, u64)>) -> Self {
        Self { only: Some(places), ..self }
    }

    fn is_wanted(&self, place: &Place) -> bool {
        let is_among = |only: &HashSet<(String, u64)>, record| only.contains(&(place.source.clone(), record));
        self.only.as_ref().is_none_or(|only| is_among(only, place.line.unwrap_or(0)) || is_among(only, 0))
    }

    /// The id of a record; where only some are taken, none that a document has that is there.
    fn id(&mut self, record: &Record) -> Result<String, Halt> {
        let mut id = self.identities.assign(record);
        if let (Some(_), Some((done, _))) = (&self.only, &self.done) {
            while done.knows(&id)? {
                id = self.identities.assign(record);
            }
        }
        Ok(id)
    }

    /// Takes in one record, or what became of it.
    fn take(&mut self, record: Result<Record, Rejection>, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        if !self.is_wanted(record.as_ref().map_or_else(|rejection| &rejection.place, |record| &record.place)) {
            return Ok(());
        }
        self.found.add(1);
        let record = match record {
            Ok(record) => record,
            Err(rejection) => {
                self.rejected += 1;
                if self.limits.is_too_much(self.rejected, self.found.get()) {
                    self.interrupt.stop(Cause::Limit);
                }
                return out.reject(rejection);
            }
        };
        let id = self.id(&record)?;
        self.pending_bytes += record.text.len() as u64;
        self.pending_documents += 1;
        let Record { place, metadata, text, encoding, .. } = record;
        let content = content(&metadata, &text, encoding);
        if !self.is_done(&id, &content)? {
            self.pending.push(Document { id, place, metadata, text, encoding, content });
        }
        if self.pending_documents >= self.chunk_documents || self.pending_bytes >= CHUNK_BYTES {
            self.close_chunk(out)?;
        }
        Ok(())
    }

    fn is_done(&self, id: &str, content: &[u8]) -> Result<bool, Halt> {
        let Some((done, skipped)) = &self.done else { return Ok(false) };
        let is_done = done.has(id, content)?;
        skipped.add(u64::from(is_done));
        Ok(is_done)
    }

    fn close_chunk(&mut self, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        (self.pending_documents, self.pending_bytes) = (0, 0);
        out.emit(Chunk { documents: std::mem::take(&mut self.pending), input_bytes: self.input_bytes })
    }

    fn read_records(
        &mut self,
        source: &Source,
        format: Format,
        out: &mut Outlet<'_, Chunk<Document>>,
    ) -> Result<(), Halt> {
        match format {
            Format::PlainText => {
                let record = plain::read(source, self.max_document_bytes);
                self.input_bytes += source.bytes;
                self.take(record, out)
            }
            Format::JsonLines => self.read_lines(source, out),
        }
    }

    fn read_lines(&mut self, source: &Source, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        let mut lines = match jsonl::Lines::open(source, self.max_document_bytes) {
            Ok(lines) => lines,
            Err(rejection) => return self.take(Err(rejection), out),
        };
        let before = self.input_bytes;
        while !self.interrupt.is_requested()
            && let Some(line) = lines.next_record(&self.fields)
        {
            self.input_bytes = before + lines.bytes_read();
            self.take(line, out)?;
        }
        Ok(())
    }
}

impl Stage for Read {
    const NAME: &'static str = "read";
    type In = Source;
    type Out = Chunk<Document>;

    fn process(&mut self, source: Source, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        if self.interrupt.is_requested() {
            return Ok(());
        }
        match source.check() {
            Ok(format) => self.read_records(&source, format, out),
            Err(refusal) => self.take(Err(refusal.into_rejection(source.place(), b"")), out),
        }
    }

    fn finish(&mut self, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        if self.pending_documents == 0 { Ok(()) } else { self.close_chunk(out) }
    }
}

/// What tells a document from another version of it.
fn content(metadata: &Metadata, text: &str, encoding: &str) -> [u8; 32] {
    let Metadata { uri, title, published, language, source } = metadata;
    let fields = [uri, title, published, language, source].map(|field| field.as_deref());
    let present = fields.map(|field| if field.is_some() { "+" } else { "-" });
    sha256_of_all(fields.map(Option::unwrap_or_default).into_iter().chain(present).chain([text, encoding]))
}

/// What the operating system said, without its number.
fn unreadable(error: &std::io::Error) -> Refusal {
    Refusal::new(Reason::Unreadable, format!("cannot be read: {error}"))
}

fn too_large(bytes: u64, limit: u64) -> Refusal {
    let message = format!("has {bytes} bytes or more; `[input] max_document_bytes` allows {limit}");
    Refusal::new(Reason::TooLarge, message)
}

/// A path as it is shown and hashed: the same on every system.
fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigFile};
    use crate::pipeline::run_inline;

    /// Reads all files of a new folder, with chunks of two documents and at most 1,000 bytes a document.
    fn read(files: &[(&str, &[u8])]) -> (Vec<Chunk<Document>>, Vec<Rejection>, u64) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let text = "[input]\nmax_document_bytes = 1000\n[run]\nchunk_documents = 2\n".to_owned();
        let config = Config::parse(ConfigFile { path: "pipeline.toml".into(), text }).unwrap();
        let found = Counter::default();
        let stage = Read::new(&config.input, &config.run, found.clone(), Interrupt::default());
        let finder = find::Finder::new(&[folder.path().to_owned()], Path::new("output")).unwrap();
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
        let finder = find::Finder::new(&[env!("CARGO_MANIFEST_DIR").into()], Path::new("output")).unwrap();
        assert!(run_inline(stage, finder.sources()).unwrap().0.is_empty());
        assert_eq!(found.get(), 0);
    }
}
