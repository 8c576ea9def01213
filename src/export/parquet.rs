//! Rows to a Parquet file: a column a buffer, a row group when there is enough. Files are written without Arrow, whose arrays would be a
//! second copy of what is here already.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use sha2::{Digest, Sha256};

use super::ExportError;
use super::table::{Cell, Kind, Table};
use crate::digest::hexadecimal;
use crate::output::WriteError;
use crate::output::folder::PartFile;

/// The rows of a row group: `DuckDB`'s own size, the unit of its parallel work.
const ROW_GROUP_ROWS: usize = 122_880;

/// A row group is closed at this many bytes of text, too, so that memory is bounded.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// The columns by which single rows are looked for.
const BLOOM_FILTERS: [&str; 2] = ["document", "speaker"];

/// Columns whose values hardly repeat, so that a dictionary is waste.
const NO_DICTIONARY: [&str; 4] = ["statement", "text", "content", "text_sha256"];

/// The size and the hash of a file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// A Parquet file that is being written.
pub(super) struct ParquetFile {
    path: PathBuf,
    writer: SerializedFileWriter<HashedFile>,
    buffers: Vec<Buffer>,
    rows: usize,
    /// Bytes of text in the buffers.
    bytes: usize,
}

/// The values of a column in a row group, without nulls, and for each row whether it has one.
#[derive(Debug)]
struct Buffer {
    values: Values,
    levels: Vec<i16>,
}

#[derive(Debug)]
enum Values {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>),
    Real(Vec<f64>),
    Flag(Vec<bool>),
    Time(Vec<i64>),
}

impl ParquetFile {
    /// Begins the file at `path`. It bears the ending `.part` until it is complete.
    pub(super) fn create(path: PathBuf, table: &Table) -> Result<Self, ExportError> {
        let file = HashedFile { file: PartFile::create(path.clone())?, digest: Sha256::new(), bytes: 0 };
        let writer = schema(table)
            .and_then(|schema| SerializedFileWriter::new(file, schema, properties(table)))
            .map_err(failed(&path))?;
        let buffers = table.columns.iter().map(|column| Buffer::new(column.kind)).collect();
        Ok(Self { path, writer, buffers, rows: 0, bytes: 0 })
    }

    /// Adds a row.
    pub(super) fn push(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportError> {
        for (buffer, cell) in self.buffers.iter_mut().zip(cells) {
            self.bytes += buffer.push(cell);
        }
        self.rows += 1;
        if self.rows >= ROW_GROUP_ROWS || self.bytes >= ROW_GROUP_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Completes the file. It keeps its ending until all files of the export are complete.
    pub(super) fn complete(mut self) -> Result<Written, ExportError> {
        self.flush()?;
        let HashedFile { mut file, digest, bytes } = self.writer.into_inner().map_err(failed(&self.path))?;
        file.sync()?;
        Ok(Written { bytes, sha256: hexadecimal(&digest.finalize()) })
    }

    /// Writes the rows that wait as a row group.
    fn flush(&mut self) -> Result<(), ExportError> {
        if self.rows > 0 {
            write_group(&mut self.writer, &mut self.buffers).map_err(failed(&self.path))?;
            self.rows = 0;
            self.bytes = 0;
        }
        Ok(())
    }
}

fn write_group(writer: &mut SerializedFileWriter<HashedFile>, buffers: &mut [Buffer]) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for buffer in buffers {
        match &mut buffer.values {
            Values::Text(values) => write_column::<ByteArrayType>(&mut group, values, &buffer.levels)?,
            Values::Integer(values) | Values::Time(values) => {
                write_column::<Int64Type>(&mut group, values, &buffer.levels)?;
            }
            Values::Real(values) => write_column::<DoubleType>(&mut group, values, &buffer.levels)?,
            Values::Flag(values) => write_column::<BoolType>(&mut group, values, &buffer.levels)?,
        }
        buffer.levels.clear();
    }
    group.close()?;
    Ok(())
}

/// Writes the next column of a row group and empties `values`.
fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, HashedFile>,
    values: &mut Vec<T::T>,
    levels: &[i16],
) -> Result<(), ParquetError> {
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(values, Some(levels), None)?;
        column.close()?;
    }
    values.clear();
    Ok(())
}

impl Buffer {
    fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Text => Values::Text(Vec::new()),
            Kind::Integer => Values::Integer(Vec::new()),
            Kind::Real => Values::Real(Vec::new()),
            Kind::Flag => Values::Flag(Vec::new()),
            Kind::Time => Values::Time(Vec::new()),
        };
        Self { values, levels: Vec::new() }
    }

    /// Adds a value, and returns its size if it is text. A date without a time is no moment: it is null here.
    fn push(&mut self, cell: &Cell<'_>) -> usize {
        let mut bytes = 0;
        let is_there = match (&mut self.values, cell) {
            (Values::Text(values), Cell::Text(text)) => {
                bytes = text.len();
                values.push(ByteArray::from(text.as_bytes().to_vec()));
                true
            }
            (Values::Integer(values), Cell::Integer(value)) | (Values::Time(values), Cell::Time(value)) => {
                values.push(*value);
                true
            }
            (Values::Real(values), Cell::Real(value)) => {
                values.push(*value);
                true
            }
            (Values::Flag(values), Cell::Flag(value)) => {
                values.push(*value);
                true
            }
            _ => false,
        };
        self.levels.push(is_there.into());
        bytes
    }
}

/// The schema of a table. Every column may have nulls.
fn schema(table: &Table) -> Result<TypePtr, ParquetError> {
    let mut fields = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        let (physical, logical) = match column.kind {
            Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (PhysicalType::INT64, None),
            Kind::Real => (PhysicalType::DOUBLE, None),
            Kind::Flag => (PhysicalType::BOOLEAN, None),
            Kind::Time => (PhysicalType::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        };
        let field = Type::primitive_type_builder(&column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()?;
        fields.push(Arc::new(field));
    }
    Ok(Arc::new(Type::group_type_builder(table.name).with_fields(fields).build()?))
}

fn properties(table: &Table) -> WriterPropertiesPtr {
    let zstd = ZstdLevel::try_new(3).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(zstd))
        .set_created_by(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned());
    let has = |name: &str| table.columns.iter().any(|column| column.name == name);
    for name in BLOOM_FILTERS.into_iter().filter(|name| has(name)) {
        properties = properties.set_column_bloom_filter_max_ndv(ColumnPath::from(name), ROW_GROUP_ROWS as u64);
    }
    for name in NO_DICTIONARY.into_iter().filter(|name| has(name)) {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    Arc::new(properties.build())
}

fn failed(path: &Path) -> impl Fn(ParquetError) -> ExportError + use<> {
    let path = path.to_owned();
    move |cause| ExportError::Parquet { path: path.clone(), cause }
}

/// A file that is hashed while it is written.
struct HashedFile {
    file: PartFile,
    digest: Sha256,
    bytes: u64,
}

impl io::Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.append(bytes).map_err(|error| match error {
            WriteError::Io { cause, .. } => cause,
            other => io::Error::other(other),
        })?;
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // `PartFile` flushes when it is synced.
        Ok(())
    }
}
