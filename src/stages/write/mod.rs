//! Statements to files. A chunk is safe on disk before this stage says that it is written.

/// The output folder: one run at a time, nothing half-written under a final name.
pub mod folder;
/// Lines to statement files: a file a document, or shards.
mod layout;
/// Documents and statements to lines of JSON.
mod line;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use crate::config::OutputConfig;
use crate::pipeline::{Halt, Outlet, Stage};
use crate::record::{AnalysedChunk, AnalysedDocument, Reason, Rejection, TokenCount};
use crate::task::Tasks;
use folder::{OutputFolder, PartFile};
use layout::Statements;
pub(crate) use line::label_key;
use line::{DocumentLine, StatementFormat};

/// The version of the output's format, in every line.
pub const SCHEMA: u32 = 1;

/// Why results could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system refused.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Another run writes there.
    #[error("another run is writing into `{}`", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

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
    /// Rejections by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// For each labelling task, how often each label was given; one more at the end for "unsure".
    pub labels: Vec<Vec<u64>>,
}

impl Written {
    /// Nothing yet, for so many labels in each task.
    #[must_use]
    pub fn none(tasks: &Tasks) -> Self {
        Self { labels: tasks.labels.iter().map(|task| vec![0; task.labels.len() + 1]).collect(), ..Self::default() }
    }

    /// Adds what came after.
    pub fn add(&mut self, later: &Self) {
        self.documents += later.documents;
        self.statements += later.statements;
        self.attributions += later.attributions;
        self.tokens += later.tokens;
        self.input_bytes = self.input_bytes.max(later.input_bytes);
        for (reason, count) in &later.rejected {
            *self.rejected.entry(*reason).or_default() += count;
        }
        for (total, counts) in self.labels.iter_mut().zip(&later.labels) {
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
        for statement in &document.statements {
            for (counts, verdict) in self.labels.iter_mut().zip(&statement.verdicts) {
                let unsure = counts.len() - 1;
                counts[verdict.label.unwrap_or(unsure)] += 1;
            }
        }
    }
}

/// Writes statements, documents and rejections.
#[derive(Debug)]
pub struct Write {
    tasks: Arc<Tasks>,
    format: StatementFormat,
    statements: Statements,
    documents: PartFile,
    rejections: PartFile,
    written: Written,
}

/// A document as it goes to the files.
struct Lines {
    statements: Vec<u8>,
    document: DocumentLine,
}

impl Write {
    /// Writes into `folder` as `config` says.
    ///
    /// # Errors
    /// Where its files cannot be created.
    pub fn new(folder: &OutputFolder, config: &OutputConfig, tasks: Arc<Tasks>) -> Result<Self, WriteError> {
        let wanted = config.fields.iter().map(|field| field.get_ref().clone()).collect();
        Ok(Self {
            format: StatementFormat::new(Arc::clone(&tasks), wanted),
            statements: Statements::new(folder, config)?,
            documents: PartFile::create(folder.path().join("documents.jsonl"))?,
            rejections: PartFile::create(folder.path().join("rejected.jsonl"))?,
            written: Written::none(&tasks),
            tasks,
        })
    }

    fn lines(&self, document: &AnalysedDocument) -> Result<Lines, serde_json::Error> {
        Ok(Lines {
            statements: self.format.lines(document)?,
            document: DocumentLine::new(document, &self.tasks.labels),
        })
    }

    fn write(&mut self, chunk: &AnalysedChunk) -> Result<(), Halt> {
        let lines: Vec<Lines> =
            chunk.documents.par_iter().map(|document| self.lines(document)).collect::<Result<_, _>>()?;
        let (statements, mut documents): (Vec<_>, Vec<_>) =
            lines.into_iter().map(|lines| (lines.statements, lines.document)).unzip();
        let ids = chunk.documents.iter().map(|document| document.document.id.as_str());
        let files = self.statements.write(&ids.zip(statements).collect::<Vec<_>>())?;
        for (document, file) in documents.iter_mut().zip(files) {
            document.statements_file = file;
            self.documents.append(&line::to_line(document)?)?;
        }
        Ok(())
    }

    fn emit(&mut self, out: &mut Outlet<'_, Written>) -> Result<(), Halt> {
        out.emit(std::mem::replace(&mut self.written, Written::none(&self.tasks)))
    }
}

impl Stage for Write {
    const NAME: &'static str = "write";
    type In = AnalysedChunk;
    type Out = Written;

    fn process(&mut self, chunk: AnalysedChunk, out: &mut Outlet<'_, Written>) -> Result<(), Halt> {
        self.write(&chunk)?;
        chunk.documents.iter().for_each(|document| self.written.count(document));
        self.written.tokens = chunk.tokens;
        self.written.input_bytes = chunk.input_bytes;
        self.emit(out)
    }

    fn rejected(&mut self, rejection: Rejection, _: &mut Outlet<'_, Written>) -> Result<(), Halt> {
        tracing::info!(place = %rejection.place, reason = rejection.reason.as_str(), "rejected: {}", rejection.message);
        self.rejections.append(&line::rejection(&rejection)?)?;
        *self.written.rejected.entry(rejection.reason).or_default() += 1;
        Ok(())
    }

    /// Puts the files under their final names. `documents.jsonl` comes last: where it is, all of it is.
    fn finish(&mut self, out: &mut Outlet<'_, Written>) -> Result<(), Halt> {
        self.statements.finish()?;
        self.rejections.finish()?;
        self.documents.finish()?;
        self.emit(out)
    }
}
