//! Parquet: a row a document. Only the columns that the configuration names are read, some rows at a time.

/// Values of a column.
mod cells;

use std::fs::File;
use std::io::{Seek, SeekFrom};

use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::fields;
use crate::config::FieldNames;
use crate::config::values::FieldPath;
use crate::record::Reason;
use crate::stages::read::content::{Content, Parsed};
use crate::stages::read::decode::decode;
use crate::stages::read::guarded;
use crate::stages::read::intake::{Flow, Intake, Spot};
use crate::stages::read::layers::Shell;
use crate::stages::read::refusal::Refusal;
use crate::stages::read::stream::Stream;
use cells::{Cell, Wanted};

/// What a file begins and ends with.
pub(super) const MARK: &[u8] = b"PAR1";

/// So many rows are read of one column before the next one.
const ROWS_AT_ONCE: usize = 256;

/// A row: what it has in the named columns, by their paths.
pub(in crate::stages::read) struct Row {
    cells: Vec<(String, Vec<u8>)>,
}

impl Row {
    /// Its longest cell, which should be the text.
    pub(in crate::stages::read) fn longest(&self) -> &[u8] {
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
    let opened = file.and_then(|file| guarded(|| Ok(SerializedFileReader::new(file)?)));
    let reader = match opened {
        Ok(reader) => reader,
        Err(refusal) => return intake.refuse(Spot::Whole, refusal, b""),
    };
    let columns = match columns(reader.metadata().file_metadata().schema_descr(), &intake.settings().fields) {
        Ok(columns) => columns,
        Err(refusal) => return intake.refuse(Spot::Whole, refusal, b""),
    };
    for number in 0..reader.num_row_groups() {
        let group = guarded(|| Ok(reader.get_row_group(number)?));
        let outcome = group.and_then(|group| read_group(&*group, &columns, shell, intake));
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

/// Reads some rows, again and again, until there are no more.
fn read_group(
    group: &dyn RowGroupReader,
    columns: &[Column],
    shell: Shell<'_>,
    intake: &mut Intake<'_, '_>,
) -> Result<Flow, Refusal> {
    for column in columns {
        let packed = group.metadata().column(column.leaf).compressed_size();
        shell.budget.add_read(u64::try_from(packed).unwrap_or(0));
    }
    let mut readers = guarded(|| {
        let open = |column| -> Result<(ColumnReader, &Column), Refusal> {
            let column: &Column = column;
            Ok((group.get_column_reader(column.leaf)?, column))
        };
        columns.iter().map(open).collect::<Result<Vec<_>, Refusal>>()
    })?;
    let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    while left > 0 {
        let rows = left.min(ROWS_AT_ONCE);
        left -= rows;
        let mut cells = guarded(|| {
            let read = |(reader, column): &mut (ColumnReader, &Column)| {
                let known = group.metadata().schema_descr().column(column.leaf);
                cells::read(reader, &Wanted { rows, item: column.item, column: &known })
            };
            readers.iter_mut().map(read).collect::<Result<Vec<_>, Refusal>>()
        })?;
        for number in 0..rows {
            let of_row = cells.iter_mut().map(|cells| cells.get_mut(number).and_then(Option::take));
            let found = columns.iter().zip(of_row).filter_map(|(column, cell)| Some((column.path.clone(), cell?)));
            let flow = put(found.collect(), shell, intake)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
    }
    Ok(Flow::Continue(()))
}

fn put(found: Vec<(String, Cell)>, shell: Shell<'_>, intake: &mut Intake<'_, '_>) -> Result<Flow, Refusal> {
    let limit = intake.settings().max_document_bytes.get();
    let bytes = found.iter().map(|(_, cell)| cell.bytes().len() as u64).sum();
    shell.budget.unpack(bytes)?;
    let spot = Spot::Record { line: None, byte: None };
    if bytes > limit {
        return Ok(intake.refuse(spot, Refusal::too_large(bytes, limit), b""));
    }
    // Only now: of a value that stands in many rows there is one copy in the file.
    let cells = found.into_iter().map(|(path, cell)| (path, cell.bytes().to_vec())).collect();
    Ok(intake.put(spot, Row { cells }))
}

/// A row to a document.
pub(in crate::stages::read) fn parse(row: Row, names: &FieldNames) -> Result<Parsed, Refusal> {
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
