//! A stream of which every row is answered. In a file, what is damaged costs only its rows; here it ends the stream, because nobody knows how
//! many answers would be missing.

use std::io::{BufRead, Read};
use std::sync::Arc;

use arrow_ipc::MessageHeader;

use super::batch::{Batches, Rows};
use super::cells::cell;
use super::messages::{self, Next};
use super::schema::{EmptyText, Table};
use super::{FEATHER_1, MARK, MARK_BYTES, skip_rest};
use crate::config::InputConfig;
use crate::input::formats::columns::{length_of, row_of};
use crate::input::refusal::{Refusal, guarded};
use crate::input::stream::{Exactly, Stream};
use crate::input::stream_record::StreamRecord;
use crate::record::Reason;

/// The record batches of an Arrow stream, one by one.
pub(crate) struct ArrowStream<'r> {
    stream: Stream<'r>,
    batches: Batches,
    max_expansion: u64,
}

/// The rows of a record batch.
pub(crate) struct RowBatch {
    rows: Rows,
    table: Arc<Table>,
    /// The largest number of bytes of a row.
    max_bytes: u64,
}

impl<'r> ArrowStream<'r> {
    /// Reads the schema of a stream.
    ///
    /// # Errors
    /// Bytes that are no Arrow stream, or a schema without a column for texts.
    pub(crate) fn open(input: impl Read + 'r, settings: &InputConfig) -> Result<Self, Refusal> {
        let mut stream = Stream::new(input);
        let head = stream.peek(MARK_BYTES);
        if head.starts_with(MARK) || head.starts_with(FEATHER_1) {
            let message = "is an Arrow file and no Arrow stream: write it with `pyarrow.ipc.new_stream`, or the like";
            return Err(Refusal::new(Reason::UnknownFormat, message));
        }
        let Next::Message(bytes) = messages::next(&mut stream)? else {
            return Err(Refusal::truncated("is no Arrow stream: it ends before its schema"));
        };
        let table = guarded(|| Table::new(messages::parse(&bytes)?, &settings.fields, EmptyText::IsRead))?;
        Ok(Self { stream, batches: Batches::new(table), max_expansion: settings.max_expansion.get() })
    }

    /// The next record batch; `None` at the end of the stream.
    ///
    /// # Errors
    /// A stream that breaks off or is damaged.
    pub(crate) fn next_batch(&mut self, settings: &InputConfig) -> Result<Option<RowBatch>, Refusal> {
        loop {
            let Next::Message(bytes) = messages::next(&mut self.stream)? else { return Ok(None) };
            let message = messages::parse(&bytes)?;
            let mut body = Exactly::new(&mut self.stream, messages::body_length(&message)?);
            let batches = &mut self.batches;
            let max_expansion = self.max_expansion;
            let mut rows = None;
            match message.header_type() {
                MessageHeader::DictionaryBatch => {
                    guarded(|| batches.add_dictionary(&message, &mut body, max_expansion))?;
                }
                MessageHeader::RecordBatch => {
                    rows = Some(guarded(|| batches.unpack(&message, &mut body, max_expansion))?);
                }
                kind => return Err(messages::damaged(format!("a message is a {kind:?}, not a record batch"))),
            }
            skip_rest(&mut body)?;
            if let Some(rows) = rows {
                let table = Arc::clone(&self.batches.table);
                return Ok(Some(RowBatch { rows, table, max_bytes: settings.max_document_bytes.get() }));
            }
        }
    }

    /// Waits for the end of the input behind the end of the stream.
    ///
    /// # Errors
    /// More bytes, which would be lost.
    pub(crate) fn expect_end(mut self) -> Result<(), Refusal> {
        if self.stream.fill_buf()?.is_empty() {
            return Ok(());
        }
        Err(messages::damaged("more bytes follow behind the end of the stream, and only one stream is read"))
    }
}

impl RowBatch {
    /// The number of rows.
    pub(crate) fn length(&self) -> usize {
        self.rows.length
    }

    /// A copy of the row at this place, with its number in the whole stream.
    pub(crate) fn row(&self, place: usize, number: u64) -> StreamRecord {
        let copied = guarded(|| {
            let columns = self.table.columns.iter().zip(&self.rows.arrays);
            let cells: Vec<_> =
                columns.filter_map(|(column, array)| Some((column, cell(&**array, place, column)?))).collect();
            let bytes = length_of(&cells);
            if bytes > self.max_bytes {
                return Err(Refusal::too_large(bytes, self.max_bytes));
            }
            Ok(row_of(&cells, self.table.flag))
        });
        match copied {
            Ok(row) => StreamRecord::new(number, row),
            Err(refusal) => StreamRecord::refused(number, refusal, Vec::new()),
        }
    }
}
