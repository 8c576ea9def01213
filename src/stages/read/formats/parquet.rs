//! Parquet: a row a document. Only the columns that the configuration names are read, some rows at a time.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use jiff::Timestamp;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::fields;
use crate::config::FieldNames;
use crate::config::values::FieldPath;
use crate::record::Reason;
use crate::stages::read::content::{Content, Parsed};
use crate::stages::read::decode::decode;
use crate::stages::read::intake::{Flow, Intake, Spot};
use crate::stages::read::layers::Shell;
use crate::stages::read::refusal::Refusal;
use crate::stages::read::stream::Stream;

/// What a file begins and ends with.
pub(super) const MARK: &[u8] = b"PAR1";

/// So many rows are read of one column before the next one.
const ROWS_AT_ONCE: usize = 256;

/// A row: what it has in the named columns, by their paths.
pub(in super::super) struct Row {
    cells: Vec<(String, Vec<u8>)>,
}

impl Row {
    /// Its longest cell, which should be the text.
    pub(in super::super) fn longest(&self) -> &[u8] {
        self.cells.iter().map(|(_, cell)| cell.as_slice()).max_by_key(|cell| cell.len()).unwrap_or_default()
    }
}

impl From<Row> for Content {
    fn from(row: Row) -> Self {
        Self::Columns(row)
    }
}

/// Reads every row. What lies in an archive, is compressed or comes through a pipe is kept in a temporary file meanwhile: the list of its
/// parts stands at its end.
pub(super) fn read(stream: &mut Stream<'_>, shell: Shell<'_>, intake: &mut Intake<'_, '_>) -> Flow {
    let file = match shell.file {
        Some(file) => file.try_clone().map_err(Refusal::from),
        None => kept(stream),
    };
    let opened = file.and_then(|file| super::super::guarded(|| Ok(SerializedFileReader::new(file)?)));
    let reader = match opened {
        Ok(reader) => reader,
        Err(refusal) => return intake.refuse(Spot::Whole, refusal, b""),
    };
    let columns = match columns(reader.metadata().file_metadata().schema_descr(), &intake.settings().fields) {
        Ok(columns) => columns,
        Err(refusal) => return intake.refuse(Spot::Whole, refusal, b""),
    };
    let mut row = 0;
    for number in 0..reader.num_row_groups() {
        let group = super::super::guarded(|| Ok(reader.get_row_group(number)?));
        let outcome = group.and_then(|group| read_group(&*group, &columns, shell, &mut row, intake));
        match outcome {
            Ok(flow) => flow?,
            Err(refusal) => intake.refuse(Spot::Record { line: None, byte: None }, refusal, b"")?,
        }
    }
    Flow::Continue(())
}

fn kept(stream: &mut Stream<'_>) -> Result<File, Refusal> {
    let mut file = tempfile::tempfile()?;
    std::io::copy(stream, &mut file)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

impl From<ParquetError> for Refusal {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::EOF(message) => Self::truncated(format!("is cut short: {message}")),
            ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
                Ok(error) => Self::from(*error),
                Err(cause) => Self::damaged(format!("is no Parquet that can be read: {cause}")),
            },
            error => Self::damaged(format!("is no Parquet that can be read: {error}")),
        }
    }
}

/// A column that a field of the configuration names.
struct Column {
    path: String,
    /// Its number in the file.
    leaf: usize,
    /// Which item of the list is meant, where it holds lists.
    item: usize,
}

/// The columns of the named fields.
fn columns(schema: &SchemaDescriptor, names: &FieldNames) -> Result<Vec<Column>, Refusal> {
    let FieldNames { id, text, title, byline, published, modified, section, uri, language, source } = names;
    let paths = [id, text, title, byline, published, modified, section, uri, language, source];
    let columns: Vec<Column> = paths.into_iter().filter_map(|path| column(schema, path)).collect();
    if columns.iter().any(|column| column.path == text.as_str()) {
        return Ok(columns);
    }
    let known = schema.columns().iter().take(20).map(|column| column.path().string());
    let message = format!("has no column `{text}`; its columns are {}", crate::config::listed(known));
    Err(Refusal::new(Reason::MissingText, message))
}

fn column(schema: &SchemaDescriptor, path: &FieldPath) -> Option<Column> {
    let leaf = (0..schema.num_columns()).find(|&leaf| is_at(&schema.column(leaf), path))?;
    let item = path.steps().iter().find_map(|step| step.parse().ok()).unwrap_or(0);
    Some(Column { path: path.as_str().to_owned(), leaf, item })
}

/// Whether a column is what `path` names: lists have elements in between that nobody names, and a number says which item is meant.
fn is_at(column: &ColumnDescriptor, path: &FieldPath) -> bool {
    const OF_LISTS: [&str; 6] = ["list", "element", "item", "array", "bag", "array_element"];
    let parts = column.path().parts();
    if matches!(parts, [name] if name == path.as_str()) {
        return true;
    }
    if column.max_rep_level() == 0 {
        return parts == path.steps();
    }
    let named = parts.iter().filter(|part| !OF_LISTS.contains(&part.as_str()));
    let wanted = path.steps().iter().filter(|step| step.parse::<usize>().is_err());
    column.max_rep_level() == 1 && named.eq(wanted)
}

/// A value, not yet copied.
enum Cell {
    Bytes(ByteArray),
    Text(String),
}

impl Cell {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes.data(),
            Self::Text(text) => text.as_bytes(),
        }
    }
}

fn read_group(
    group: &dyn RowGroupReader,
    columns: &[Column],
    shell: Shell<'_>,
    row: &mut u64,
    intake: &mut Intake<'_, '_>,
) -> Result<Flow, Refusal> {
    let limit = intake.settings().max_document_bytes;
    for column in columns {
        let packed = group.metadata().column(column.leaf).compressed_size();
        shell.budget.add_read(u64::try_from(packed).unwrap_or(0));
    }
    let open = |column: &Column| Ok(group.get_column_reader(column.leaf)?);
    let mut readers = super::super::guarded(|| columns.iter().map(open).collect::<Result<Vec<_>, Refusal>>())?;
    let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    while left > 0 {
        let rows = left.min(ROWS_AT_ONCE);
        left -= rows;
        let mut cells = super::super::guarded(|| {
            let read =
                |(reader, column): (&mut ColumnReader, &Column)| cells(reader, rows, column.item, group, column.leaf);
            readers.iter_mut().zip(columns).map(read).collect::<Result<Vec<_>, Refusal>>()
        })?;
        for number in 0..rows {
            *row += 1;
            let of_row = columns.iter().zip(&mut cells).filter_map(|(column, cells)| {
                cells.get_mut(number).and_then(Option::take).map(|cell| (column.path.clone(), cell))
            });
            let found: Vec<(String, Cell)> = of_row.collect();
            let bytes = found.iter().map(|(_, cell)| cell.bytes().len() as u64).sum();
            shell.budget.unpack(bytes)?;
            let spot = Spot::Record { line: None, byte: None };
            let flow = if bytes > limit {
                intake.refuse(spot, Refusal::too_large(bytes, limit), b"")
            } else {
                let cells = found.into_iter().map(|(path, cell)| (path, cell.bytes().to_vec())).collect();
                intake.put(spot, Row { cells })
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
    }
    Ok(Flow::Continue(()))
}

/// What the next rows have in a column.
fn cells(
    reader: &mut ColumnReader,
    rows: usize,
    item: usize,
    group: &dyn RowGroupReader,
    leaf: usize,
) -> Result<Vec<Option<Cell>>, Refusal> {
    let column = group.metadata().schema_descr().column(leaf);
    let text = |text: String| Cell::Text(text);
    match reader {
        ColumnReader::ByteArrayColumnReader(reader) => {
            values(reader, &column, rows, item, |value: ByteArray| Cell::Bytes(value))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            values(reader, &column, rows, item, |value: FixedLenByteArray| Cell::Bytes(value.into()))
        }
        ColumnReader::Int32ColumnReader(reader) => {
            values(reader, &column, rows, item, |value| text(number(i64::from(value), &column)))
        }
        ColumnReader::Int64ColumnReader(reader) => {
            values(reader, &column, rows, item, |value| text(number(value, &column)))
        }
        ColumnReader::Int96ColumnReader(reader) => values(reader, &column, rows, item, |value: Int96| {
            text(Timestamp::from_millisecond(value.to_millis()).map_or_else(|_| String::new(), |time| time.to_string()))
        }),
        ColumnReader::BoolColumnReader(reader) => {
            values(reader, &column, rows, item, |value: bool| text(value.to_string()))
        }
        ColumnReader::FloatColumnReader(reader) => {
            values(reader, &column, rows, item, |value: f32| text(value.to_string()))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            values(reader, &column, rows, item, |value: f64| text(value.to_string()))
        }
    }
}

fn values<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    column: &ColumnDescriptor,
    rows: usize,
    item: usize,
    cell: impl Fn(T::T) -> Cell,
) -> Result<Vec<Option<Cell>>, Refusal> {
    let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut found, is_list) = (0, column.max_rep_level() > 0);
    while found < rows {
        let repetitions = is_list.then_some(&mut repetitions);
        let definitions = (column.max_def_level() > 0).then_some(&mut definitions);
        let (more, ..) = reader.read_records(rows - found, definitions, repetitions, &mut values)?;
        if more == 0 {
            return Err(Refusal::damaged("is no Parquet that can be read: a column has fewer rows than it says"));
        }
        found += more;
    }
    let mut values = values.into_iter();
    if column.max_def_level() == 0 {
        return Ok(values.map(|value| Some(cell(value))).collect());
    }
    let mut cells: Vec<Option<Cell>> = Vec::with_capacity(rows);
    let mut place = 0;
    for (level, definition) in definitions.into_iter().enumerate() {
        let is_new = repetitions.get(level).is_none_or(|&repetition| repetition == 0);
        place = if is_new { 0 } else { place + 1 };
        if is_new {
            cells.push(None);
        }
        if definition == column.max_def_level() {
            let value = values.next();
            if let Some(last) = cells.last_mut().filter(|_| !is_list || place == item) {
                *last = value.map(&cell);
            }
        }
    }
    Ok(cells)
}

/// A number as its column means it: a moment, a day, or itself.
fn number(value: i64, column: &ColumnDescriptor) -> String {
    let unit = match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Timestamp(time)), _) => Some((time.unit, time.is_adjusted_to_u_t_c)),
        (_, ConvertedType::TIMESTAMP_MILLIS) => Some((TimeUnit::MILLIS, true)),
        (_, ConvertedType::TIMESTAMP_MICROS) => Some((TimeUnit::MICROS, true)),
        (_, ConvertedType::DATE) => return day(value).unwrap_or_else(|| value.to_string()),
        _ => None,
    };
    let moment = unit.and_then(|(unit, is_utc)| {
        let moment = match unit {
            TimeUnit::MILLIS => Timestamp::from_millisecond(value),
            TimeUnit::MICROS => Timestamp::from_microsecond(value),
            TimeUnit::NANOS => Timestamp::from_nanosecond(value.into()),
        };
        let text = moment.ok()?.to_string();
        Some(if is_utc { text } else { text.trim_end_matches('Z').to_owned() })
    });
    moment.unwrap_or_else(|| value.to_string())
}

fn day(days: i64) -> Option<String> {
    let span = jiff::Span::new().try_days(days).ok()?;
    let day = jiff::civil::date(1970, 1, 1).checked_add(span).ok()?;
    Some(day.to_string())
}

/// A row to a document.
pub(in super::super) fn parse(row: Row, names: &FieldNames) -> Result<Parsed, Refusal> {
    let mut cells = row.cells;
    let mut encoding = encoding_rs::UTF_8.name();
    let mut refusal = None;
    let take = |path: &FieldPath| {
        let (_, cell) = cells.iter_mut().find(|(name, _)| name == path.as_str())?;
        match decode(std::mem::take(cell)) {
            Ok((text, found)) => {
                if path == &names.text {
                    encoding = found;
                }
                Some(text)
            }
            Err(error) => {
                refusal.get_or_insert(error);
                None
            }
        }
    };
    let document = fields::document(names, "", take);
    match refusal {
        Some(refusal) => Err(refusal),
        None => document.map(|parsed| Parsed { encoding, ..parsed }),
    }
}
