//! Statements to files, and documents and rejections to the ledger. Data is safe on disk before the ledger says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::config::Config;
use crate::ledger::{Entry, Kept, Ledger, Night};
use crate::output::WriteError;
use crate::output::folder::{self, OutputFolder};
use crate::output::line::{self, StatementFormat};
use crate::output::schema::DocumentRecord;
use crate::output::sink::{self, DocumentLines, Sink, shards};
use crate::pipeline::{Halt, Outlet, Stage};
use crate::record::{
    Act, AnalysedChunk, AnalysedDocument, CopyCount, Document, Reason, Rejection, TokenCount, Verdict,
};
use crate::stages::tally::Tally;
use crate::task::Tasks;

/// Counts of what was written: of one chunk, or of a run so far. Progress and the report show them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// Documents.
    pub documents: u64,
    /// Statements.
    pub statements: u64,
    /// Attributions in them.
    pub attributions: u64,
    /// Attributions that were left out because their score is too low.
    pub unsure_attributions: u64,
    /// Attributions by act, in the order of [`Act::ALL`].
    pub acts: [u64; Act::ALL.len()],
    /// Tokens that were computed or came from the cache for them.
    pub tokens: TokenCount,
    /// Bytes of input read since the start of the run.
    pub input_bytes: u64,
    /// Documents that are copies of others.
    pub copies: CopyCount,
    /// Rejections by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Statements that are boilerplate: bylines, captions and the like.
    pub boilerplate: u64,
    /// For each labelling task, the number of statements with each label; one more at the end for "unsure".
    pub labels: Vec<Vec<u64>>,
    /// For each labelling task, the number of documents with each label; one more at the end for "unsure".
    pub document_labels: Vec<Vec<u64>>,
}

impl Written {
    /// Zero counts, for the labels of `tasks`.
    #[must_use]
    pub fn none(tasks: &Tasks) -> Self {
        let labels: Vec<Vec<u64>> = tasks.labels.iter().map(|task| vec![0; task.labels.len() + 1]).collect();
        Self { labels: labels.clone(), document_labels: labels, ..Self::default() }
    }

    /// Adds the counts of a later chunk.
    pub fn add(&mut self, later: &Self) {
        self.documents += later.documents;
        self.statements += later.statements;
        self.attributions += later.attributions;
        self.unsure_attributions += later.unsure_attributions;
        self.acts.iter_mut().zip(later.acts).for_each(|(total, count)| *total += count);
        self.copies += later.copies;
        self.tokens += later.tokens;
        self.input_bytes = self.input_bytes.max(later.input_bytes);
        for (reason, count) in &later.rejected {
            *self.rejected.entry(*reason).or_default() += count;
        }
        self.boilerplate += later.boilerplate;
        let labels = self.labels.iter_mut().zip(&later.labels);
        for (total, counts) in labels.chain(self.document_labels.iter_mut().zip(&later.document_labels)) {
            total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        }
    }

    /// The number of rejections, for all reasons together.
    #[must_use]
    pub fn rejections(&self) -> u64 {
        self.rejected.values().sum()
    }

    fn count(&mut self, document: &AnalysedDocument) {
        self.documents += 1;
        self.statements += document.statements.len() as u64;
        self.attributions += line::attributions(&document.statements) as u64;
        self.unsure_attributions += document.unsure_attributions as u64;
        let acts = line::acts(&document.statements);
        self.acts.iter_mut().zip(acts).for_each(|(total, count)| *total += count as u64);
        self.copies += CopyCount::of_document(document.document.duplicate_of.as_ref());
        for statement in &document.statements {
            self.boilerplate += u64::from(statement.is_boilerplate());
            count_labels(&mut self.labels, &statement.verdicts);
        }
        count_labels(&mut self.document_labels, &document.verdicts);
    }
}

/// Adds the labels of a statement or a document to those of each task.
fn count_labels(counts: &mut [Vec<u64>], verdicts: &[Option<Verdict>]) {
    for (counts, verdict) in counts.iter_mut().zip(verdicts) {
        let unsure = counts.len() - 1;
        if let Some(verdict) = verdict {
            counts[verdict.label.unwrap_or(unsure)] += 1;
        }
    }
}

/// Writes statements into files, and documents and rejections into the ledger.
#[derive(Debug)]
pub struct Write {
    tasks: Arc<Tasks>,
    format: StatementFormat,
    sink: Box<dyn Sink>,
    ledger: Ledger,
    commit_every: Duration,
    committed: Instant,
    written: Written,
    tally: Tally,
}

impl Write {
    /// A stage that writes into `folder` in the layout of `config`, and continues after the documents in `ledger`. The row of `night`
    /// is in the ledger from now on.
    ///
    /// # Errors
    /// Files that cannot be created.
    pub fn new(
        folder: &OutputFolder,
        config: &Config,
        tasks: Arc<Tasks>,
        mut ledger: Ledger,
        night: Night,
    ) -> Result<Self, WriteError> {
        shards::finish_rewriting(folder.path(), &mut ledger)?;
        let sink = sink::open(folder, &config.output, &ledger)?;
        let mut write = Self::with_sink(sink, config, tasks, ledger, night);
        write.ledger.add_night(&write.tally.night())?;
        write.ledger.commit(None)?;
        Ok(write)
    }

    fn with_sink(sink: Box<dyn Sink>, config: &Config, tasks: Arc<Tasks>, ledger: Ledger, night: Night) -> Self {
        let wanted = config.output.fields.iter().map(|field| field.get_ref().clone()).collect();
        Self {
            format: StatementFormat::new(Arc::clone(&tasks), wanted),
            sink,
            ledger,
            commit_every: Duration::from_millis(config.run.commit_milliseconds.get()),
            committed: Instant::now(),
            written: Written::none(&tasks),
            tally: Tally::new(Arc::clone(&tasks), night),
            tasks,
        }
    }

    fn write(&mut self, chunk: &AnalysedChunk) -> Result<(), Halt> {
        let format = &self.format;
        let labels = &self.tasks.labels;
        let lines: Vec<Vec<u8>> =
            chunk.documents.par_iter().map(|document| format.lines(document)).collect::<Result<_, _>>()?;
        let records: Vec<DocumentRecord> =
            chunk.documents.par_iter().map(|document| line::document_record(document, labels)).collect();
        // The ledger must not claim documents whose files are about to be replaced.
        let replaced = self.ledger.reopen(chunk.documents.iter().map(|document| document.document.id.as_str()))?;
        if replaced.documents > 0 {
            self.tally.count_replaced(replaced);
            self.commit()?;
        }
        let to_write: Vec<DocumentLines<'_>> = records
            .iter()
            .zip(&lines)
            .map(|(record, lines)| DocumentLines { document: &record.document, lines })
            .collect();
        let kept = self.sink.write(&to_write)?;
        for ((analysed, record), kept) in chunk.documents.iter().zip(records).zip(kept) {
            self.tally.count(analysed, &record);
            self.ledger.add(&entry(&analysed.document, record, kept)?)?;
        }
        Ok(())
    }

    /// Syncs the files, then commits the ledger.
    fn commit(&mut self) -> Result<(), WriteError> {
        let shard = self.sink.commit()?;
        folder::step();
        self.ledger.add_night(&self.tally.night())?;
        self.ledger.commit(shard)?;
        self.committed = Instant::now();
        Ok(())
    }

    fn emit(&mut self, out: &mut Outlet<'_, Written>) -> Result<(), Halt> {
        out.emit(std::mem::replace(&mut self.written, Written::none(&self.tasks)))
    }
}

fn entry(document: &Document, mut record: DocumentRecord, kept: Kept) -> Result<Entry, serde_json::Error> {
    record.statements_file.clone_from(&kept.file);
    Ok(Entry {
        document: document.id.clone(),
        source: document.place.source.clone(),
        record: document.place.number(),
        content: Some(document.content.to_vec()),
        line: line::to_line(&record)?,
        kept,
    })
}

impl Stage for Write {
    const NAME: &'static str = "write";
    type In = AnalysedChunk;
    type Out = Written;

    fn process(&mut self, chunk: AnalysedChunk, out: &mut Outlet<'_, Written>) -> Result<(), Halt> {
        self.write(&chunk)?;
        if self.committed.elapsed() >= self.commit_every {
            self.commit()?;
        }
        chunk.documents.iter().for_each(|document| self.written.count(document));
        self.written.tokens = chunk.tokens;
        self.written.input_bytes = chunk.input_bytes;
        self.emit(out)
    }

    fn rejected(&mut self, rejection: Rejection, _: &mut Outlet<'_, Written>) -> Result<(), Halt> {
        tracing::info!(place = %rejection.place, reason = rejection.reason.as_str(), "rejected: {}", rejection.message);
        let line = line::rejection(&rejection)?;
        let Rejection { place, reason, .. } = &rejection;
        self.ledger.reject(&place.source, place.number(), reason.as_str(), &line)?;
        self.tally.count_rejection(rejection.reason);
        *self.written.rejected.entry(rejection.reason).or_default() += 1;
        Ok(())
    }

    fn finish(&mut self, out: &mut Outlet<'_, Written>) -> Result<(), Halt> {
        self.commit()?;
        self.sink.finish()?;
        self.emit(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;
    use crate::ledger::ResultKey;
    use crate::output::schema::StatementRecord;
    use crate::output::sink::memory::Memory;
    use crate::pipeline::run_inline;
    use crate::record::{Original, Statement};

    fn analysed(id: &str, original: Option<Original>) -> AnalysedDocument {
        let document = Document { id: id.to_owned(), ..Document::of_text("One here. Two here.".to_owned()) };
        let sentences = crate::sentences::sentences(&document.text);
        let statement = |sentence| Statement { sentence, verdicts: vec![], attributions: vec![], flags: vec![] };
        AnalysedDocument {
            statements: sentences.into_iter().map(statement).collect(),
            document: Document { duplicate_of: original, ..document },
            verdicts: vec![],
            unsure_attributions: 0,
        }
    }

    /// The records of a chunk's statements and documents, written with the configuration `text`.
    fn written(text: &str, documents: Vec<AnalysedDocument>) -> (Vec<String>, Vec<DocumentRecord>) {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::parse(ConfigFile { path: "pipeline.toml".into(), text: text.to_owned() }).unwrap();
        let key = ResultKey {
            layout: "memory".to_owned(),
            part: None,
            fingerprint: "test".to_owned(),
            parts: indexmap::IndexMap::new(),
        };
        let ledger = Ledger::begin(folder.path(), &key, false, || Ok::<_, WriteError>(())).unwrap();
        let memory = Memory::default();
        let write = Write::with_sink(Box::new(memory.clone()), &config, Arc::default(), ledger, Night::default());
        let chunk = AnalysedChunk { documents, input_bytes: 1, tokens: TokenCount::default() };
        let (progress, _) = run_inline(write, [chunk]).unwrap();
        assert!(memory.is_finished());
        let mut records = Vec::new();
        let ledger = Ledger::open(folder.path()).unwrap();
        ledger
            .each_document_line(|line| {
                records.push(serde_json::from_slice(line).unwrap());
                Ok::<_, WriteError>(())
            })
            .unwrap();
        assert_eq!(progress.iter().map(|written| written.documents).sum::<u64>(), records.len() as u64);
        (memory.committed().lines().map(str::to_owned).collect(), records)
    }

    #[test]
    fn every_line_has_the_same_keys_whether_or_not_it_is_of_a_copy() {
        let copy = Original { id: "a".to_owned(), percent: 90 };
        let (lines, documents) = written("", vec![analysed("a", None), analysed("b", Some(copy))]);
        let statements: Vec<StatementRecord> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let originals: Vec<_> = statements.iter().map(|statement| statement.duplicate_of.as_deref()).collect();
        assert_eq!(originals, [None, None, Some("a"), Some("a")]);
        let is_named = |line: &String| line.contains("\"duplicate_of\":");
        assert!(lines.iter().all(is_named), "{lines:?}");
        assert_eq!((documents[0].similarity, documents[1].similarity), (None, Some(0.9)));
        assert_eq!(documents[1].statements_file, "memory");
    }

    #[test]
    fn fields_that_are_not_wanted_are_left_out_and_the_others_keep_their_order() {
        let fields = "[output]\nfields = [\"flags\", \"text\"]\n";
        let (lines, _) = written(fields, vec![analysed("a", None)]);
        let first = r#"{"schema":1,"document":"a","statement":"a#0","index":0,"text":"One here.","flags":[]}"#;
        assert_eq!(lines[0], first);
    }
}
