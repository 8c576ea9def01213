//! A stream of documents: JSON Lines in, exactly one line out for each, in order. A line out depends on its line in and the configuration
//! alone. There is no output folder: no ledger, no unique ids, no copies.

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::cache::PassageCache;
use crate::config::{Config, InputConfig};
use crate::deadline::guard::Guard;
use crate::error::RunError;
use crate::input::StreamLine;
use crate::input::candidate::Candidate;
use crate::input::stream::Stream;
use crate::loading;
use crate::output::line::{StatementFormat, document_record};
use crate::pipeline::{self, Halt, Interrupt, Outlet, Stage};
use crate::record::{AnalysedChunk, AnalysedDocument, Chunk, Document, Reason, Rejection};
use crate::stages::assemble::Assemble;
use crate::stages::batch::Batcher;
use crate::stages::infer::Infer;
use crate::stages::split::Split;
use crate::task::Tasks;

/// A chunk that is not full is closed when no line has come for so long: then the input pauses, and waits for its answers perhaps.
const PAUSE: Duration = Duration::from_millis(10);
/// The time between two looks at the interrupt while no line comes.
const TICK: Duration = Duration::from_millis(100);
/// A chunk is closed at this size.
const CHUNK_BYTES: usize = 8 << 20;
/// The number of lines that may wait for their chunk. Long ones are counted by their bytes in the chunk.
const WAITING_LINES: usize = 64;

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
    /// Lines that were rejected.
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

    /// Answers each line of `input` on `output`, until the input ends or `interrupt` is requested. Lines that have been read by then are
    /// answered. Memory does not grow with the input.
    ///
    /// # Errors
    /// An output that cannot be written, or a model that is broken.
    pub fn run(
        self,
        input: impl Read + Send + 'static,
        output: impl Write + Send,
        interrupt: &Interrupt,
    ) -> Result<StreamCounts, RunError> {
        let Self { config, tasks, batcher, workers } = self;
        let limit = config.run.document_limit();
        let (sender, lines) = bounded(WAITING_LINES);
        let max_bytes = config.input.max_document_bytes.get();
        // The thread may wait for input for ever, so nothing waits for the thread.
        std::thread::Builder::new()
            .name("lines".to_owned())
            .spawn(move || send_lines(input, max_bytes, &sender))
            .map_err(|cause| RunError::NoThread { cause })?;
        let chunks = Chunks { lines, documents: config.run.chunk_documents.as_size(), interrupt: interrupt.clone() };
        let parse = Parse { input: config.input.clone(), guard: Guard::new(Parse::NAME).within(limit) };
        let fields = config.output.fields.iter().map(|field| field.get_ref().clone()).collect();
        let statements = StatementFormat::new(Arc::clone(&tasks), fields);
        let format = LineFormat { statements, tasks: Arc::clone(&tasks) };
        let answer = Answer { format, output, rejected: Vec::new() };
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

/// Sends the lines of `input` until it ends or nobody takes them.
fn send_lines(input: impl Read, max_bytes: u64, sender: &Sender<StreamLine>) {
    let mut stream = Stream::new(input);
    let mut number = 1;
    while let Some(line) = StreamLine::read(&mut stream, number, max_bytes) {
        number += 1;
        if sender.send(line).is_err() {
            break;
        }
    }
}

/// Lines in groups: full ones while lines come fast, smaller ones when the input pauses.
struct Chunks {
    lines: Receiver<StreamLine>,
    /// The number of lines in a full chunk.
    documents: usize,
    interrupt: Interrupt,
}

impl Iterator for Chunks {
    type Item = Vec<StreamLine>;

    fn next(&mut self) -> Option<Vec<StreamLine>> {
        let first = loop {
            match self.lines.recv_timeout(TICK) {
                Ok(line) => break line,
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.interrupt.is_requested() => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        let mut bytes = first.bytes();
        let mut chunk = vec![first];
        while chunk.len() < self.documents && bytes < CHUNK_BYTES {
            let Ok(line) = self.lines.recv_timeout(PAUSE) else { break };
            bytes += line.bytes();
            chunk.push(line);
        }
        Some(chunk)
    }
}

/// Lines to documents.
struct Parse {
    input: InputConfig,
    guard: Guard,
}

impl Stage for Parse {
    const NAME: &'static str = "read";
    type In = Vec<StreamLine>;
    type Out = Chunk<Document>;

    fn process(&mut self, lines: Vec<StreamLine>, out: &mut Outlet<'_, Chunk<Document>>) -> Result<(), Halt> {
        let parsed: Vec<Result<Candidate, Rejection>> =
            lines.into_par_iter().map(|line| line.parse(&self.input, &self.guard)).collect();
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

/// Results to lines of the output, in the order of the input.
struct Answer<W> {
    format: LineFormat,
    output: W,
    /// The rejections since the last chunk. Those of a chunk come before its results.
    rejected: Vec<Rejection>,
}

/// A line of the output for a rejected line of the input.
#[derive(Serialize)]
struct RejectedLine<'r> {
    rejected: RejectedRecord<'r>,
}

/// A rejection without its place, which is that of the line.
#[derive(Serialize)]
struct RejectedRecord<'r> {
    stage: &'r str,
    reason: Reason,
    message: &'r str,
    excerpt: &'r str,
}

impl<W: Write + Send> Stage for Answer<W> {
    const NAME: &'static str = "answer";
    type In = AnalysedChunk;
    type Out = StreamCounts;

    fn process(&mut self, chunk: AnalysedChunk, out: &mut Outlet<'_, StreamCounts>) -> Result<(), Halt> {
        let rejected = std::mem::take(&mut self.rejected);
        let counts = StreamCounts { documents: chunk.documents.len() as u64, rejected: rejected.len() as u64 };
        let format = &self.format;
        let mut lines: Vec<(Option<u64>, Vec<u8>)> = chunk
            .documents
            .par_iter()
            .map(|analysed| Ok((analysed.document.place.line, format.document_line(analysed)?)))
            .collect::<serde_json::Result<_>>()?;
        for rejection in &rejected {
            lines.push((rejection.place.line, rejected_line(rejection)?));
        }
        lines.sort_by_key(|(number, _)| *number);
        for (_, line) in lines {
            self.output.write_all(&line)?;
        }
        // Whoever waits for these answers may not send more lines before they come.
        self.output.flush()?;
        out.emit(counts)
    }

    fn rejected(&mut self, rejection: Rejection, _: &mut Outlet<'_, StreamCounts>) -> Result<(), Halt> {
        self.rejected.push(rejection);
        Ok(())
    }
}

/// The form of the lines for documents.
struct LineFormat {
    statements: StatementFormat,
    tasks: Arc<Tasks>,
}

impl LineFormat {
    /// `{"document":…,"statements":[…]}`: the records of a run, without the document's place and file.
    fn document_line(&self, analysed: &AnalysedDocument) -> serde_json::Result<Vec<u8>> {
        let mut document = serde_json::to_value(document_record(analysed, &self.tasks.labels))?;
        if let Value::Object(fields) = &mut document {
            fields.shift_remove("place");
            fields.shift_remove("statements_file");
        }
        let mut line = b"{\"document\":".to_vec();
        serde_json::to_writer(&mut line, &document)?;
        line.extend_from_slice(b",\"statements\":[");
        let statements = self.statements.lines(analysed)?;
        let mut separator: &[u8] = b"";
        for statement in statements.split(|&byte| byte == b'\n').filter(|statement| !statement.is_empty()) {
            line.extend_from_slice(separator);
            line.extend_from_slice(statement);
            separator = b",";
        }
        line.extend_from_slice(b"]}\n");
        Ok(line)
    }
}

fn rejected_line(rejection: &Rejection) -> serde_json::Result<Vec<u8>> {
    let Rejection { stage, reason, message, excerpt, .. } = rejection;
    let mut line =
        serde_json::to_vec(&RejectedLine { rejected: RejectedRecord { stage, reason: *reason, message, excerpt } })?;
    line.push(b'\n');
    Ok(line)
}
