//! Arrow streams in and out: a row for each row, and a record batch for each record batch. Large batches pass through the stages in slices, so
//! memory holds a few batches with their answers, and no more of what lies between.

use std::io::{BufWriter, Read, Write};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_buffer::NullBufferBuilder;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rayon::prelude::*;

use super::{Answers, CHUNK_BYTES, RecordFormat, TICK, receive};
use crate::config::{Config, InputConfig};
use crate::error::RunError;
use crate::input::refusal::Refusal;
use crate::input::{ArrowStream, RowBatch, StreamRecord};
use crate::pipeline::{Halt, Interrupt};
use crate::record::{AnalysedDocument, Rejection};

/// The strings of a batch of answers have no more bytes than this: Arrow counts them with 31 bits, and Spark knows no others.
const MAX_BATCH_BYTES: usize = i32::MAX as usize;

/// The fields of a rejection.
const REJECTED: [&str; 4] = ["stage", "reason", "message", "excerpt"];

/// Record batches that a thread reads.
pub(super) struct Source {
    batches: Receiver<RowBatch>,
    /// The numbers of rows of the batches that have been taken up.
    lengths: (Sender<usize>, Receiver<usize>),
    failure: Arc<OnceLock<Refusal>>,
    reader: JoinHandle<()>,
    /// The number of rows in a full chunk.
    documents: usize,
    interrupt: Interrupt,
}

impl Source {
    /// Reads the record batches of `input` on a thread of its own.
    pub(super) fn read(
        input: impl Read + Send + 'static,
        config: &Config,
        interrupt: &Interrupt,
    ) -> Result<Self, RunError> {
        // A batch is read while another one is answered.
        let (sender, batches) = bounded(0);
        let failure = Arc::new(OnceLock::new());
        let of_thread = Reader {
            settings: config.input.clone(),
            sender,
            interrupt: interrupt.clone(),
            failure: Arc::clone(&failure),
        };
        // The thread may wait for input for ever, so nothing waits for the thread once the stream is interrupted.
        let reader = std::thread::Builder::new()
            .name("batches".to_owned())
            .spawn(move || of_thread.read(input))
            .map_err(|cause| RunError::NoThread { cause })?;
        let documents = config.run.chunk_documents.as_size();
        Ok(Self { batches, lengths: unbounded(), failure, reader, documents, interrupt: interrupt.clone() })
    }

    /// The batches in slices.
    pub(super) fn slices(&self) -> Slices {
        Slices {
            batches: self.batches.clone(),
            lengths: self.lengths.0.clone(),
            documents: self.documents,
            interrupt: self.interrupt.clone(),
            open: None,
            rows: 0,
        }
    }

    /// Waits for the end of the input, which may follow behind the end of its stream.
    pub(super) fn conclude(self) -> Result<(), RunError> {
        while !self.reader.is_finished() && !self.interrupt.is_requested() {
            std::thread::sleep(TICK / 10);
        }
        match self.failure.get() {
            Some(refusal) => Err(RunError::StandardInput { message: refusal.to_string() }),
            None => Ok(()),
        }
    }
}

/// Reads batches for a [`Source`].
struct Reader {
    settings: InputConfig,
    sender: Sender<RowBatch>,
    interrupt: Interrupt,
    failure: Arc<OnceLock<Refusal>>,
}

impl Reader {
    /// Sends the batches of `input` until its stream ends, nobody takes them, or the stream is interrupted; then waits for the end of the
    /// input.
    fn read(self, input: impl Read) {
        let rest = self.send_all(input).unwrap_or_else(|refusal| {
            keep(&self.failure, refusal);
            None
        });
        // After a failure is known: whoever sees that the channel is closed has to see why.
        drop(self.sender);
        // The caller has all answers now, whether it closes the input or not.
        if let Some(Err(refusal)) = rest.map(ArrowStream::expect_end) {
            keep(&self.failure, refusal);
        }
    }

    /// Sends the batches of `input`. Returns what follows when its stream has ended.
    fn send_all<'r>(&self, input: impl Read + 'r) -> Result<Option<ArrowStream<'r>>, Refusal> {
        let mut stream = ArrowStream::open(input, &self.settings)?;
        while let Some(batch) = stream.next_batch(&self.settings)? {
            if self.sender.send(batch).is_err() || self.interrupt.is_requested() {
                return Ok(None);
            }
        }
        Ok(Some(stream))
    }
}

fn keep(failure: &OnceLock<Refusal>, refusal: Refusal) {
    // There is one at most.
    let _ = failure.set(refusal);
}

/// Batches in slices of some rows. A slice has rows of one batch; a batch without rows is a slice without rows.
pub(super) struct Slices {
    batches: Receiver<RowBatch>,
    lengths: Sender<usize>,
    documents: usize,
    interrupt: Interrupt,
    /// The batch that is being cut, and the place of its next row.
    open: Option<(RowBatch, usize)>,
    /// The number of rows so far.
    rows: u64,
}

impl Slices {
    /// The next batch, or the rest of the one that is being cut. A batch that was begun is always finished.
    fn take_up(&mut self) -> Option<(RowBatch, usize)> {
        if let Some(open) = self.open.take() {
            return Some(open);
        }
        let batch = receive(&self.batches, &self.interrupt)?;
        // The stage that writes answers is there for as long as this is.
        let _ = self.lengths.send(batch.length());
        Some((batch, 0))
    }
}

impl Iterator for Slices {
    type Item = Vec<StreamRecord>;

    fn next(&mut self) -> Option<Vec<StreamRecord>> {
        let (batch, mut place) = self.take_up()?;
        let mut bytes = 0;
        let mut slice = Vec::new();
        while place < batch.length() && slice.len() < self.documents && bytes < CHUNK_BYTES {
            self.rows += 1;
            let row = batch.row(place, self.rows);
            bytes += row.memory_bytes();
            slice.push(row);
            place += 1;
        }
        self.open = (place < batch.length()).then_some((batch, place));
        Some(slice)
    }
}

/// An answer, not yet in its batch.
enum AnswerRow<'r> {
    Document { document: String, statements: String },
    Rejected(&'r Rejection),
}

/// Writes a row for each row.
pub(super) struct ArrowAnswers<W: Write> {
    writer: StreamWriter<BufWriter<W>>,
    lengths: Receiver<usize>,
    failure: Arc<OnceLock<Refusal>>,
    /// The number of rows of the batch that is being answered.
    length: Option<usize>,
    columns: Columns,
}

impl<W: Write + Send> ArrowAnswers<W> {
    /// Writes the schema at once: it is the same for every input, and whoever waits for it may not have sent anything.
    pub(super) fn new(output: W, source: &Source) -> Result<Self, RunError> {
        let columns = Columns::new();
        let writer = begin(output, &columns.schema).map_err(|cause| RunError::StandardOutput { cause })?;
        let lengths = source.lengths.1.clone();
        Ok(Self { writer, lengths, failure: Arc::clone(&source.failure), length: None, columns })
    }
}

impl<W: Write + Send> Answers for ArrowAnswers<W> {
    fn write(
        &mut self,
        documents: &[AnalysedDocument],
        rejected: &[Rejection],
        format: &RecordFormat,
    ) -> Result<(), Halt> {
        let length = match self.length {
            Some(length) => length,
            None => self.lengths.recv()?,
        };
        let mut rows: Vec<(Option<u64>, AnswerRow<'_>)> = documents
            .par_iter()
            .map(|analysed| Ok((analysed.document.place.line, answer(analysed, format)?)))
            .collect::<Result<_, std::io::Error>>()?;
        rows.extend(rejected.iter().map(|rejection| (rejection.place.line, AnswerRow::Rejected(rejection))));
        rows.sort_by_key(|(number, _)| *number);
        for (_, row) in rows {
            self.columns.add(&row)?;
        }
        self.length = (self.columns.rows < length).then_some(length);
        if self.length.is_none() {
            let batch = self.columns.finish()?;
            self.writer.write(&batch).map_err(io_error)?;
            self.writer.flush().map_err(io_error)?;
        }
        Ok(())
    }

    /// Marks the end, unless the input broke off.
    fn finish(&mut self) -> Result<(), Halt> {
        if self.failure.get().is_none() {
            self.writer.finish().map_err(io_error)?;
            self.writer.flush().map_err(io_error)?;
        }
        Ok(())
    }
}

fn answer<'r>(analysed: &AnalysedDocument, format: &RecordFormat) -> Result<AnswerRow<'r>, std::io::Error> {
    let document = format.document(analysed)?;
    let statements = format.statements(analysed)?;
    Ok(AnswerRow::Document {
        document: String::from_utf8(document).map_err(std::io::Error::other)?,
        statements: String::from_utf8(statements).map_err(std::io::Error::other)?,
    })
}

/// A writer that has written the schema.
fn begin<W: Write>(output: W, schema: &Schema) -> std::io::Result<StreamWriter<BufWriter<W>>> {
    let mut writer = StreamWriter::try_new(BufWriter::new(output), schema).map_err(io_error)?;
    writer.flush().map_err(io_error)?;
    Ok(writer)
}

/// The error of the output, which tells a reader that went away from others.
fn io_error(error: ArrowError) -> std::io::Error {
    match error {
        ArrowError::IoError(_, cause) => cause,
        other => std::io::Error::other(other),
    }
}

/// The columns of the batch that is being answered.
struct Columns {
    schema: SchemaRef,
    document: StringBuilder,
    statements: ListBuilder<StringBuilder>,
    rejected: [StringBuilder; REJECTED.len()],
    is_rejected: NullBufferBuilder,
    rows: usize,
    /// The bytes of all strings.
    bytes: usize,
}

impl Columns {
    fn new() -> Self {
        let schema = Schema::new(vec![
            Field::new("document", DataType::Utf8, true),
            Field::new_list("statements", Field::new_list_field(DataType::Utf8, true), true),
            Field::new_struct("rejected", rejected_fields(), true),
        ]);
        Self {
            schema: Arc::new(schema),
            document: StringBuilder::new(),
            statements: ListBuilder::new(StringBuilder::new()),
            rejected: std::array::from_fn(|_| StringBuilder::new()),
            is_rejected: NullBufferBuilder::new(0),
            rows: 0,
            bytes: 0,
        }
    }

    fn add(&mut self, row: &AnswerRow<'_>) -> std::io::Result<()> {
        self.bytes += match row {
            AnswerRow::Document { document, statements } => document.len() + statements.len(),
            AnswerRow::Rejected(Rejection { message, excerpt, .. }) => message.len() + excerpt.len() + 64,
        };
        if self.bytes > MAX_BATCH_BYTES {
            return Err(std::io::Error::other(
                "the answers to a record batch have more than 2 GiB: send smaller batches",
            ));
        }
        self.rows += 1;
        match row {
            AnswerRow::Document { document, statements } => {
                self.document.append_value(document);
                for statement in statements.lines() {
                    self.statements.values().append_value(statement);
                }
                self.statements.append(true);
                self.rejected.iter_mut().for_each(StringBuilder::append_null);
                self.is_rejected.append_null();
            }
            AnswerRow::Rejected(Rejection { stage, reason, message, excerpt, .. }) => {
                self.document.append_null();
                self.statements.append_null();
                for (column, value) in self.rejected.iter_mut().zip([stage, reason.as_str(), message, excerpt]) {
                    column.append_value(value);
                }
                self.is_rejected.append_non_null();
            }
        }
        Ok(())
    }

    /// The batch, and begins the next one.
    fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let rejected: Vec<ArrayRef> =
            self.rejected.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        let rejected = StructArray::try_new(rejected_fields(), rejected, self.is_rejected.finish())?;
        let columns: Vec<ArrayRef> =
            vec![Arc::new(self.document.finish()), Arc::new(self.statements.finish()), Arc::new(rejected)];
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

fn rejected_fields() -> Fields {
    REJECTED.map(|name| Field::new(name, DataType::Utf8, true)).into_iter().collect()
}
