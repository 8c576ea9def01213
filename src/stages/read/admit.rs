//! Parsed records to chunks of documents: gives ids, finds copies, leaves out what is done or filtered.

use super::Known;
use super::extract::{ParsedRecord, ParsedRecords};
use crate::config::RunConfig;
use crate::input::candidate::{Candidate, content_digest};
use crate::input::copies::{Copies, Sketch};
use crate::input::identity::Identities;
use crate::ledger::Done;
use crate::output::WriteError;
use crate::parts::AdmissionsWriter;
use crate::parts::admissions::{Admission, Wanted};
use crate::pipeline::{Cause, Counter, Halt, Interrupt, Outlet};
use crate::record::{Chunk, Document, Original, Rejection};

/// A chunk is also closed when its documents have this many bytes, so that long documents do not add up in memory.
const CHUNK_BYTES: u64 = 8 << 20;

/// Makes documents of parsed records, and chunks of documents.
pub(super) struct Admit {
    settings: AdmitSettings,
    identities: Identities,
    rejected: u64,
    chunk: OpenChunk,
}

/// The rules for admitting records, and the state that the run shares with the stage.
pub(super) struct AdmitSettings {
    pub(super) run: RunConfig,
    pub(super) interrupt: Interrupt,
    pub(super) found: Counter,
    pub(super) skipped: Counter,
    pub(super) filtered: Counter,
    pub(super) done: Option<Done>,
    /// Finds copies, if they are looked for.
    pub(super) copies: Option<Copies>,
    pub(super) is_in_order: bool,
    /// Keeps what decides ids and copies, if the input is processed in parts.
    pub(super) admissions: Option<AdmissionsWriter>,
}

/// A chunk that is being filled.
#[derive(Default)]
struct OpenChunk {
    documents: Vec<Document>,
    /// The documents of the chunk, and those that are left out of it because they are done or filtered.
    admitted: usize,
    /// The bytes of their texts.
    bytes: u64,
    /// The bytes of input that had been read when the latest record was found.
    input_bytes: u64,
}

impl Admit {
    pub(super) fn new(settings: AdmitSettings) -> Self {
        Self { settings, identities: Identities::default(), rejected: 0, chunk: OpenChunk::default() }
    }

    /// Takes records in the order of the input, until the run is interrupted.
    pub(super) fn take_records(
        &mut self,
        records: ParsedRecords,
        out: &mut Outlet<'_, Chunk<Document>>,
    ) -> Result<(), Halt> {
        for ParsedRecord { outcome, file, known, input_bytes } in records.records {
            if self.settings.interrupt.is_requested() {
                break;
            }
            self.chunk.input_bytes = input_bytes;
            match outcome {
                Ok(None) => {}
                Ok(Some(candidate)) => self.admit(candidate, file, known.as_ref(), out)?,
                Err(rejection) => self.reject(rejection, out)?,
            }
        }
        self.chunk.input_bytes = self.chunk.input_bytes.max(records.input_bytes);
        self.close_chunk_in_order(out)
    }

    /// Ends the input: closes the last chunk, which may have only documents that are left out.
    pub(super) fn finish(&mut self, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        if let Some(admissions) = &mut self.settings.admissions {
            admissions.finish()?;
        }
        if self.chunk.admitted == 0 { Ok(()) } else { self.close_chunk(out) }
    }

    fn reject(&mut self, rejection: Rejection, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        self.settings.found.add(1);
        self.rejected += 1;
        if self.settings.run.is_too_much(self.rejected, self.settings.found.get()) {
            self.settings.interrupt.stop(Cause::Limit);
        }
        self.close_chunk_in_order(out)?;
        out.reject(rejection)
    }

    fn admit(
        &mut self,
        candidate: Candidate,
        file: u64,
        known: Option<&Known>,
        out: &mut Outlet<'_, Chunk<Document>>,
    ) -> Result<(), Halt> {
        self.settings.found.add(1);
        let id = self.assign_id(&candidate, known)?;
        self.chunk.bytes += candidate.text.len() as u64;
        self.chunk.admitted += 1;
        if candidate.is_wanted {
            self.add_document(id, candidate, file, known)?;
        } else {
            self.settings.filtered.add(1);
            self.keep_admission(&candidate, &id, file, None)?;
        }
        if self.chunk.admitted >= self.settings.run.chunk_documents.as_size() || self.chunk.bytes >= CHUNK_BYTES {
            self.close_chunk(out)?;
        }
        Ok(())
    }

    /// The known id of a document, or a new one. If only some records are read, no document from another place has the new id.
    fn assign_id(&mut self, candidate: &Candidate, known: Option<&Known>) -> Result<String, Halt> {
        if let Some(id) = known.and_then(|known| known.id.clone()) {
            return Ok(id);
        }
        let safe_id = candidate.safe_id();
        let mut id = self.identities.assign(&safe_id, &candidate.name);
        if let (Some(_), Some(done)) = (known, &self.settings.done) {
            while done.knows_elsewhere(&id, &candidate.place.source, candidate.place.number())? {
                id = self.identities.assign(&safe_id, &candidate.name);
            }
        }
        Ok(id)
    }

    /// Adds a document to the chunk, unless it is already done.
    fn add_document(
        &mut self,
        id: String,
        mut candidate: Candidate,
        file: u64,
        known: Option<&Known>,
    ) -> Result<(), Halt> {
        let sketch = candidate.sketch.take();
        let kept_sketch = sketch.as_ref().filter(|_| self.settings.admissions.is_some()).map(Sketch::to_bytes);
        let duplicate_of = self.find_original(&id, sketch, known)?;
        let content = content_digest(&candidate.digest, duplicate_of.as_ref());
        let wanted = Wanted { digest: candidate.digest, content, sketch: kept_sketch };
        self.keep_admission(&candidate, &id, file, Some(wanted))?;
        let Candidate { place, metadata, text, encoding, flags, .. } = candidate;
        if !self.is_done(&id, &content)? {
            self.chunk.documents.push(Document { id, place, metadata, text, encoding, flags, duplicate_of, content });
        }
        Ok(())
    }

    /// The document that a record is a copy of. Forgotten documents are no originals.
    fn find_original(
        &mut self,
        id: &str,
        sketch: Option<Sketch>,
        known: Option<&Known>,
    ) -> Result<Option<Original>, Halt> {
        if let Some(known) = known {
            return Ok(known.duplicate_of.clone());
        }
        let Some((copies, sketch)) = self.settings.copies.as_mut().zip(sketch) else {
            return Ok(None);
        };
        let is_forgotten = self.settings.done.as_ref().map_or(Ok(false), |done| done.has_forgotten(id))?;
        Ok(if is_forgotten { None } else { copies.original_of(id, sketch) })
    }

    /// Keeps what decides the id and the original of a document once the documents of other parts are known.
    fn keep_admission(
        &mut self,
        candidate: &Candidate,
        id: &str,
        file: u64,
        wanted: Option<Wanted>,
    ) -> Result<(), WriteError> {
        let Some(admissions) = &mut self.settings.admissions else { return Ok(()) };
        admissions.add(Admission {
            file,
            source: candidate.place.source.clone(),
            record: candidate.place.number(),
            id: id.to_owned(),
            safe_id: candidate.safe_id(),
            name: candidate.name.clone(),
            wanted,
        })
    }

    fn is_done(&self, id: &str, content: &[u8]) -> Result<bool, Halt> {
        let Some(done) = &self.settings.done else { return Ok(false) };
        let is_done = done.has(id, content)?;
        self.settings.skipped.add(u64::from(is_done));
        Ok(is_done)
    }

    fn close_chunk_in_order(&mut self, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        let is_due = self.settings.is_in_order && !self.chunk.documents.is_empty();
        if is_due { self.close_chunk(out) } else { Ok(()) }
    }

    fn close_chunk(&mut self, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        let input_bytes = self.chunk.input_bytes;
        let closed = std::mem::replace(&mut self.chunk, OpenChunk { input_bytes, ..OpenChunk::default() });
        out.emit(Chunk { documents: closed.documents, input_bytes })
    }
}
