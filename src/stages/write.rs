//! Statements to files, and what is done into the ledger: data is safe on disk before the ledger says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::config::Config;
use crate::ledger::{Entry, Kept, Ledger};
use crate::output::WriteError;
use crate::output::folder::{self, OutputFolder};
use crate::output::layout::{self, Statements};
use crate::output::line::{self, DocumentLine, StatementFormat};
use crate::pipeline::{Halt, Outlet, Stage};
use crate::record::{AnalysedChunk, AnalysedDocument, CopyCount, Document, Reason, Rejection, TokenCount, Verdict};
use crate::task::Tasks;

/// What has been written since the last time: for progress and for the report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// Documents.
    pub documents: u64,
    /// Statements.
    pub statements: u64,
    /// Attributions in them.
    pub attributions: u64,
    /// What the models read for them.
    pub tokens: TokenCount,
    /// How many bytes of input have been read so far.
    pub input_bytes: u64,
    /// Documents that are copies of others.
    pub copies: CopyCount,
    /// Rejections by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Statements that are none: bylines, captions and the like.
    pub boilerplate: u64,
    /// For each labelling task, how often each label was given to a statement; one more at the end for "unsure".
    pub labels: Vec<Vec<u64>>,
    /// The same for documents.
    pub document_labels: Vec<Vec<u64>>,
}

impl Written {
    /// Nothing yet, for so many labels in each task.
    #[must_use]
    pub fn none(tasks: &Tasks) -> Self {
        let labels: Vec<Vec<u64>> = tasks.labels.iter().map(|task| vec![0; task.labels.len() + 1]).collect();
        Self { labels: labels.clone(), document_labels: labels, ..Self::default() }
    }

    /// Adds what came after.
    pub fn add(&mut self, later: &Self) {
        self.documents += later.documents;
        self.statements += later.statements;
        self.attributions += later.attributions;
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

    /// All rejections.
    #[must_use]
    pub fn rejections(&self) -> u64 {
        self.rejected.values().sum()
    }

    fn count(&mut self, document: &AnalysedDocument) {
        self.documents += 1;
        self.statements += document.statements.len() as u64;
        self.attributions += line::attributions(&document.statements) as u64;
        self.copies += CopyCount::of(document.document.duplicate_of.as_ref());
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

/// Writes statements, and what is known of documents and rejections into the ledger.
#[derive(Debug)]
pub struct Write {
    tasks: Arc<Tasks>,
    format: StatementFormat,
    statements: Statements,
    ledger: Ledger,
    commit_every: Duration,
    committed: Instant,
    written: Written,
}

impl Write {
    /// Writes into `folder` as `config` says, after what `ledger` knows.
    ///
    /// # Errors
    /// Where its files cannot be created.
    pub fn new(
        folder: &OutputFolder,
        config: &Config,
        tasks: Arc<Tasks>,
        mut ledger: Ledger,
    ) -> Result<Self, WriteError> {
        let wanted = config.output.fields.iter().map(|field| field.get_ref().clone()).collect();
        layout::finish_rewriting(folder.path(), &mut ledger)?;
        Ok(Self {
            format: StatementFormat::new(Arc::clone(&tasks), wanted),
            statements: Statements::new(folder, &config.output, &ledger)?,
            ledger,
            commit_every: Duration::from_millis(config.run.commit_milliseconds.get()),
            committed: Instant::now(),
            written: Written::none(&tasks),
            tasks,
        })
    }

    fn write(&mut self, chunk: &AnalysedChunk) -> Result<(), Halt> {
        let (format, labels) = (&self.format, &self.tasks.labels);
        let lines = |document| Ok((format.lines(document)?, DocumentLine::new(document, labels)));
        let lines = chunk.documents.par_iter().map(lines).collect::<Result<Vec<_>, serde_json::Error>>()?;
        let (statements, lines): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
        let ids = || chunk.documents.iter().map(|document| document.document.id.as_str());
        if self.ledger.reopen(ids())? {
            self.commit()?;
        }
        let kept = self.statements.write(&ids().zip(statements).collect::<Vec<_>>())?;
        for ((analysed, line), kept) in chunk.documents.iter().zip(lines).zip(kept) {
            self.ledger.put(&entry(&analysed.document, line, kept)?)?;
        }
        Ok(())
    }

    /// What is on disk first, the ledger then.
    fn commit(&mut self) -> Result<(), WriteError> {
        let shard = self.statements.sync()?;
        folder::step();
        self.ledger.commit(shard)?;
        self.committed = Instant::now();
        Ok(())
    }

    fn emit(&mut self, out: &mut Outlet<'_, Written>) -> Result<(), Halt> {
        out.emit(std::mem::replace(&mut self.written, Written::none(&self.tasks)))
    }
}

fn entry(document: &Document, mut line: DocumentLine, kept: Kept) -> Result<Entry, serde_json::Error> {
    line.statements_file.clone_from(&kept.file);
    Ok(Entry {
        document: document.id.clone(),
        source: document.place.source.clone(),
        record: document.place.number(),
        content: Some(document.content.to_vec()),
        line: line::to_line(&line)?,
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
        let (Rejection { place, reason, .. }, line) = (&rejection, line::rejection(&rejection)?);
        self.ledger.reject(&place.source, place.number(), reason.as_str(), &line)?;
        *self.written.rejected.entry(rejection.reason).or_default() += 1;
        Ok(())
    }

    fn finish(&mut self, out: &mut Outlet<'_, Written>) -> Result<(), Halt> {
        self.commit()?;
        self.statements.finish()?;
        self.emit(out)
    }
}
