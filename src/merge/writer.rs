//! Documents of parts to the output folder, in the order of the input, with the ids and originals that one run would give them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::totals::Totals;
use crate::config::Config;
use crate::error::RunError;
use crate::input::candidate::content_digest;
use crate::input::copies::{Copies, Sketch};
use crate::input::identity::Identities;
use crate::ledger::{Entry, Ledger};
use crate::output::WriteError;
use crate::output::folder;
use crate::output::line::{self, StatementFormat};
use crate::output::reader::Reader;
use crate::output::schema::DocumentRecord;
use crate::output::sink::{DocumentLines, Sink};
use crate::parts::admissions::Admission;
use crate::parts::{InOrder, Parts, PartsError};
use crate::record::Original;
use crate::task::Tasks;

/// The number of documents that are read and written together.
const CHUNK_DOCUMENTS: usize = 64;

/// Documents are also written when their statements have so many bytes together.
const CHUNK_BYTES: u64 = 8 << 20;

/// The number of documents between two messages about progress.
const PROGRESS: u64 = 10_000;

/// The ids and originals of documents, by all documents before them.
struct Decisions {
    identities: Identities,
    copies: Option<Copies>,
}

/// The id and the original of a document.
struct Decision {
    id: String,
    original: Option<Original>,
    content: [u8; 32],
}

impl Decisions {
    /// The decision for the next admission. `None` if its language is not wanted: it has an id, and nothing else.
    fn decide(&mut self, admission: &Admission) -> Option<Decision> {
        let id = self.identities.assign(&admission.safe_id, &admission.name);
        let wanted = admission.wanted.as_ref()?;
        let sketch = wanted.sketch.as_deref().and_then(Sketch::from_bytes);
        let compared = self.copies.as_mut().zip(sketch);
        let original = compared.and_then(|(copies, sketch)| copies.original_of(&id, sketch));
        let content = content_digest(&wanted.digest, original.as_ref());
        Some(Decision { id, original, content })
    }
}

/// A document that is about to be written.
struct Waiting {
    decision: Decision,
    /// Its entry in the ledger of its part.
    entry: Entry,
    /// The place of its part.
    part: usize,
}

/// A document with what is written of it.
struct Ready {
    record: DocumentRecord,
    lines: Vec<u8>,
}

/// Writes the documents of parts.
pub(super) struct Writer<'m> {
    parts: &'m Parts,
    format: StatementFormat,
    ledger: Ledger,
    sink: Box<dyn Sink>,
    commit_every: Duration,
    committed: Instant,
    /// The number of documents that an earlier try has written.
    already_written: u64,
    waiting: Vec<Waiting>,
    waiting_bytes: u64,
}

impl<'m> Writer<'m> {
    pub(super) fn new(
        config: &Config,
        tasks: &Arc<Tasks>,
        parts: &'m Parts,
        ledger: Ledger,
        sink: Box<dyn Sink>,
    ) -> Self {
        let fields = config.output.fields.iter().map(|field| field.get_ref().clone()).collect();
        Self {
            parts,
            format: StatementFormat::new(Arc::clone(tasks), fields),
            ledger,
            sink,
            commit_every: Duration::from_millis(config.run.commit_milliseconds.get()),
            committed: Instant::now(),
            already_written: 0,
            waiting: Vec::new(),
            waiting_bytes: 0,
        }
    }

    /// Writes all documents and rejections, and returns the ledger.
    pub(super) fn write_all(mut self, config: &Config, totals: &mut Totals) -> Result<Ledger, RunError> {
        self.already_written = self.ledger.counts()?.0;
        let ledgers = self.parts.paths().map(Ledger::open_unchanging).collect::<Result<Vec<_>, _>>()?;
        let in_order = InOrder::new(self.parts.paths())?;
        let mut decisions = Decisions { identities: Identities::default(), copies: Copies::new(&config.input.copies) };
        for next in in_order {
            let (part, admission) = next?;
            let Some(decision) = decisions.decide(&admission) else {
                totals.found.filtered += 1;
                continue;
            };
            if let Some(entry) = entry_of(&ledgers[part], &admission, &self.parts.folders[part].path)? {
                self.waiting_bytes += entry.kept.length;
                self.waiting.push(Waiting { decision, entry, part });
            }
            if self.waiting.len() >= CHUNK_DOCUMENTS || self.waiting_bytes >= CHUNK_BYTES {
                self.write_waiting(totals)?;
            }
        }
        self.write_waiting(totals)?;
        self.commit()?;
        self.sink.finish()?;
        for part in &ledgers {
            part.each_rejection(|source, record, reason, line| self.ledger.reject(source, record, reason, line))?;
            self.ledger.commit(None)?;
        }
        Ok(self.ledger)
    }

    /// Writes the documents that are waiting.
    fn write_waiting(&mut self, totals: &mut Totals) -> Result<(), RunError> {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        // An earlier try may have ended in the middle of what is a chunk now.
        let missing = self.already_written.saturating_sub(totals.written.documents);
        let written = usize::try_from(missing).unwrap_or(usize::MAX).min(waiting.len());
        let (format, parts) = (&self.format, self.parts);
        let ready: Vec<Result<Ready, PartsError>> = waiting
            .par_iter()
            .enumerate()
            .map(|(place, document)| prepare(document, format, &parts.folders[document.part].path, place >= written))
            .collect();
        let ready = ready.into_iter().collect::<Result<Vec<_>, _>>()?;
        for (document, Ready { record, .. }) in waiting.iter().zip(&ready) {
            totals.count(record, document.decision.original.as_ref());
        }
        let new = &ready[written..];
        let lines: Vec<DocumentLines<'_>> =
            new.iter().map(|new| DocumentLines { document: &new.record.document, lines: &new.lines }).collect();
        let kept = self.sink.write(&lines)?;
        for ((Waiting { decision, entry, .. }, Ready { record, .. }), kept) in
            waiting.into_iter().zip(ready).skip(written).zip(kept)
        {
            let record = DocumentRecord { statements_file: kept.file.clone(), ..record };
            let line =
                line::to_line(&record).map_err(|cause| lines_of(&entry.document, Path::new(&entry.source), cause))?;
            let content = Some(decision.content.to_vec());
            self.ledger.add(&Entry { document: decision.id, content, kept, line, ..entry })?;
        }
        if totals.written.documents % PROGRESS < CHUNK_DOCUMENTS as u64 {
            tracing::info!(documents = totals.written.documents, "merged");
        }
        if self.committed.elapsed() >= self.commit_every { self.commit().map_err(Into::into) } else { Ok(()) }
    }

    /// Syncs the files, then commits the ledger.
    fn commit(&mut self) -> Result<(), WriteError> {
        let shard = self.sink.commit()?;
        folder::step();
        self.ledger.commit(shard)?;
        self.committed = Instant::now();
        Ok(())
    }
}

/// The entry of a document in the ledger of its part. `None` if the part rejected the document after it was read.
fn entry_of(ledger: &Ledger, admission: &Admission, folder: &Path) -> Result<Option<Entry>, PartsError> {
    let Some(wanted) = &admission.wanted else { return Ok(None) };
    let entry = ledger.current_entry(&admission.id, &wanted.content)?;
    if entry.is_none() && !ledger.has_rejection(&admission.source, admission.record)? {
        return Err(PartsError::Lost { document: admission.id.clone(), path: folder.to_owned() });
    }
    Ok(entry)
}

/// The record of a document and, if it `is_new`, its statements, with its id and original.
fn prepare(document: &Waiting, format: &StatementFormat, folder: &Path, is_new: bool) -> Result<Ready, PartsError> {
    let Waiting { decision: Decision { id, original, .. }, entry, .. } = document;
    let failed = |cause| lines_of(&entry.document, folder, cause);
    let record: DocumentRecord = serde_json::from_slice(&entry.line).map_err(failed)?;
    let duplicate_of = original.as_ref().map(|original| original.id.clone());
    let is_same = record.document == *id && record.duplicate_of == duplicate_of;
    let mut lines = if is_new { Reader::new(folder).lines_at(&entry.kept)? } else { Vec::new() };
    if !is_same {
        lines = format.with_identity(&lines, id, duplicate_of.as_deref()).map_err(failed)?;
    }
    let similarity = original.as_ref().map(Original::share);
    Ok(Ready { record: DocumentRecord { document: id.clone(), duplicate_of, similarity, ..record }, lines })
}

/// The error for lines of a document that cannot be read or written.
fn lines_of(document: &str, folder: &Path, cause: serde_json::Error) -> PartsError {
    PartsError::Record { path: folder.to_owned(), document: document.to_owned(), cause }
}
