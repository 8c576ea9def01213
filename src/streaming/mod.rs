//! A stream of documents: JSON Lines or Arrow in, exactly one answer out for each, in order. An answer depends on its document and the
//! configuration alone. There is no output folder: no ledger, no unique ids, no copies.

/// Arrow streams: a row in, a row out.
mod arrow;
/// JSON Lines: a line in, a line out.
mod lines;

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use rayon::prelude::*;
use serde_json::Value;

use crate::cache::PassageCache;
use crate::config::{Config, InputConfig};
use crate::deadline::guard::Guard;
use crate::error::RunError;
use crate::input::StreamRecord;
use crate::input::candidate::Candidate;
use crate::loading;
use crate::output::line::{StatementFormat, document_record};
use crate::pipeline::{self, Halt, Interrupt, Outlet, Stage};
use crate::record::{AnalysedChunk, AnalysedDocument, Chunk, Document, Rejection};
use crate::stages::assemble::Assemble;
use crate::stages::batch::Batcher;
use crate::stages::infer::Infer;
use crate::stages::split::Split;
use crate::task::Tasks;
use arrow::{ArrowAnswers, Source};
use lines::{LineAnswers, LineChunks};

/// The time between two looks at the interrupt while no input comes.
const TICK: Duration = Duration::from_millis(100);
/// A chunk is closed at this size.
const CHUNK_BYTES: usize = 8 << 20;

/// A stream that is ready to run: models are loaded.
pub struct Streaming {
    config: Config,
    tasks: Arc<Tasks>,
    batcher: Batcher,
    /// The workers of each model.
    workers: Vec<Vec<Infer>>,
}

/// The numbers of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamCounts {
    /// Documents with results.
    pub documents: u64,
    /// Documents that were rejected.
    pub rejected: u64,
}

impl Streaming {
    /// Loads the models that `config` uses, with so many workers each, or as many as it says. Results are cached in memory only.
    ///
    /// # Errors
    /// A model that cannot be used, or whose results depend on the batch: a line out would depend on its neighbours.
    pub fn prepare(config: Config, workers: Option<NonZeroUsize>) -> Result<Self, RunError> {
        let tasks = Arc::new(Tasks::resolve(&config)?);
        let cache = Arc::new(PassageCache::in_memory(&config.cache));
        let mut loaded = loading::load(&tasks, workers.map(NonZeroUsize::get), &cache)?;
        if let Some(model) = loading::find_batch_dependent(&tasks, &mut loaded.workers)? {
            return Err(RunError::DependsOnBatch { model: model.to_owned() });
        }
        let batcher = Batcher::new(&tasks, loaded.caches)?;
        Ok(Self { config, tasks, batcher, workers: loaded.workers })
    }

    /// Answers each line of `input` with a line on `output`, until the input ends or `interrupt` is requested. Lines that have been read by
    /// then are answered. Memory does not grow with the input.
    ///
    /// # Errors
    /// An output that cannot be written, or a model that is broken.
    pub fn run(
        self,
        input: impl Read + Send + 'static,
        output: impl Write + Send,
        interrupt: &Interrupt,
    ) -> Result<StreamCounts, RunError> {
        let chunks = LineChunks::read(input, &self.config, interrupt)?;
        self.answer(chunks, LineAnswers::new(output))
    }

    /// Answers each row of `input`, an Arrow stream, with a row on `output`, another one: a record batch for each record batch. Ends as
    /// [`Self::run`] does; batches that have been read by then are answered. Memory does not grow with the number of batches.
    ///
    /// # Errors
    /// An input that is no Arrow stream with a column for texts, or that is damaged; and those of [`Self::run`].
    pub fn run_arrow(
        self,
        input: impl Read + Send + 'static,
        output: impl Write + Send,
        interrupt: &Interrupt,
    ) -> Result<StreamCounts, RunError> {
        let source = Source::read(input, &self.config, interrupt)?;
        let answers = ArrowAnswers::new(output, &source)?;
        let counts = self.answer(source.slices(), answers)?;
        source.conclude()?;
        Ok(counts)
    }

    /// Passes chunks of records through all stages, and gives the results to `answers`.
    fn answer(
        self,
        chunks: impl Iterator<Item = Vec<StreamRecord>> + Send,
        answers: impl Answers,
    ) -> Result<StreamCounts, RunError> {
        let Self { config, tasks, batcher, workers } = self;
        let limit = config.run.document_limit();
        let parse = Parse { input: config.input.clone(), guard: Guard::new(Parse::NAME).within(limit) };
        let fields = config.output.fields.iter().map(|field| field.get_ref().clone()).collect();
        let statements = StatementFormat::new(Arc::clone(&tasks), fields);
        let format = RecordFormat { statements, tasks: Arc::clone(&tasks) };
        let answer = Answer { format, answers, rejected: Vec::new() };
        let mut counts = StreamCounts::default();
        let (_, outcome) = pipeline::run(config.run.capacity(), |flow| {
            let line = flow.source("lines", chunks).stage(parse).stage(Split::default().within(limit));
            let mut line = line.stage(batcher.within(limit));
            for of_model in workers {
                line = line.workers(of_model);
            }
            let line = line.stage(Assemble::new(tasks).within(limit)).stage(answer);
            line.for_each(|of_chunk: StreamCounts| {
                counts.documents += of_chunk.documents;
                counts.rejected += of_chunk.rejected;
            });
        });
        outcome?;
        Ok(counts)
    }
}

/// The next item that a reading thread sends. `None` at the end of the input, or when nothing has come and the stream is interrupted.
fn receive<T>(items: &Receiver<T>, interrupt: &Interrupt) -> Option<T> {
    loop {
        match items.recv_timeout(TICK) {
            Ok(item) => return Some(item),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if interrupt.is_requested() => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Records to documents.
struct Parse {
    input: InputConfig,
    guard: Guard,
}

impl Stage for Parse {
    const NAME: &'static str = "read";
    type In = Vec<StreamRecord>;
    type Out = Chunk<Document>;

    fn process(&mut self, records: Vec<StreamRecord>, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        let parsed: Vec<Result<Candidate, Rejection>> =
            records.into_par_iter().map(|record| record.parse(&self.input, &self.guard)).collect();
        let mut documents = Vec::with_capacity(parsed.len());
        for candidate in parsed {
            match candidate {
                Ok(candidate) => documents.push(document(candidate)),
                Err(rejection) => out.reject(rejection)?,
            }
        }
        out.emit(Chunk { documents, input_bytes: 0 })
    }
}

fn document(candidate: Candidate) -> Document {
    let id = candidate.id_by_itself();
    let Candidate { place, metadata, text, encoding, flags, digest, .. } = candidate;
    Document { id, place, metadata, text, encoding, flags, duplicate_of: None, content: digest }
}

/// The form in which answers leave the program.
trait Answers: Send {
    /// Writes the answers to the records of a chunk in their order, by the numbers of their places. Whoever waits for them may not send
    /// more before they come.
    fn write(
        &mut self,
        documents: &[AnalysedDocument],
        rejected: &[Rejection],
        format: &RecordFormat,
    ) -> Result<(), Halt>;

    /// Ends the output.
    fn finish(&mut self) -> Result<(), Halt>;
}

/// Results to answers.
struct Answer<A> {
    format: RecordFormat,
    answers: A,
    /// The rejections since the last chunk. Those of a chunk come before its results.
    rejected: Vec<Rejection>,
}

impl<A: Answers> Stage for Answer<A> {
    const NAME: &'static str = "answer";
    type In = AnalysedChunk;
    type Out = StreamCounts;

    fn process(&mut self, chunk: AnalysedChunk, out: &mut Outlet<'_, StreamCounts>) -> Result<(), Halt> {
        let rejected = std::mem::take(&mut self.rejected);
        self.answers.write(&chunk.documents, &rejected, &self.format)?;
        out.emit(StreamCounts { documents: chunk.documents.len() as u64, rejected: rejected.len() as u64 })
    }

    fn rejected(&mut self, rejection: Rejection, _: &mut Outlet<'_, StreamCounts>) -> Result<(), Halt> {
        self.rejected.push(rejection);
        Ok(())
    }

    fn finish(&mut self, _: &mut Outlet<'_, StreamCounts>) -> Result<(), Halt> {
        self.answers.finish()
    }
}

/// The records of a document as a run writes them.
struct RecordFormat {
    statements: StatementFormat,
    tasks: Arc<Tasks>,
}

impl RecordFormat {
    /// The record of the document as JSON, without its place and file.
    fn document(&self, analysed: &AnalysedDocument) -> serde_json::Result<Vec<u8>> {
        let mut document = serde_json::to_value(document_record(analysed, &self.tasks.labels))?;
        if let Value::Object(fields) = &mut document {
            fields.shift_remove("place");
            fields.shift_remove("statements_file");
        }
        serde_json::to_vec(&document)
    }

    /// The records of its statements as JSON, a line each.
    fn statements(&self, analysed: &AnalysedDocument) -> serde_json::Result<Vec<u8>> {
        self.statements.lines(analysed)
    }
}

/// The records in lines of JSON.
fn each_line(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}
