//! The values of a column, as text.

use jiff::Timestamp;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, Int96};
use parquet::schema::types::ColumnDescriptor;

use crate::input::formats::columns::{Cell, Items, day, moment};
use crate::input::refusal::Refusal;

/// A value, not yet copied.
pub(super) enum Value {
    Bytes(ByteArray),
    Text(String),
}

impl AsRef<[u8]> for Value {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes.data(),
            Self::Text(text) => text.as_bytes(),
        }
    }
}

/// What is wanted of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'c> {
    pub(super) rows: usize,
    pub(super) items: Items,
    pub(super) column: &'c ColumnDescriptor,
}

/// What the next rows have in a column.
pub(super) fn read(reader: &mut ColumnReader, wanted: &Wanted<'_>) -> Result<Vec<Option<Cell<Value>>>, Refusal> {
    match reader {
        ColumnReader::ByteArrayColumnReader(reader) => values(reader, wanted, Value::Bytes),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            values(reader, wanted, |value| Value::Bytes(value.into()))
        }
        ColumnReader::Int32ColumnReader(reader) => {
            values(reader, wanted, |value| Value::Text(number(value.into(), wanted.column)))
        }
        ColumnReader::Int64ColumnReader(reader) => {
            values(reader, wanted, |value| Value::Text(number(value, wanted.column)))
        }
        ColumnReader::Int96ColumnReader(reader) => values(reader, wanted, |value| Value::Text(old_moment(value))),
        ColumnReader::BoolColumnReader(reader) => values(reader, wanted, |value| Value::Text(value.to_string())),
        ColumnReader::FloatColumnReader(reader) => values(reader, wanted, |value| Value::Text(value.to_string())),
        ColumnReader::DoubleColumnReader(reader) => values(reader, wanted, |value| Value::Text(value.to_string())),
    }
}

fn values<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    wanted: &Wanted<'_>,
    value_of: impl Fn(T::T) -> Value,
) -> Result<Vec<Option<Cell<Value>>>, Refusal> {
    let mut values = Vec::new();
    let mut definitions = Vec::new();
    let mut repetitions = Vec::new();
    let mut found = 0;
    let is_list = wanted.column.max_rep_level() > 0;
    while found < wanted.rows {
        let repetitions = is_list.then_some(&mut repetitions);
        let definitions = (wanted.column.max_def_level() > 0).then_some(&mut definitions);
        let (more, ..) = reader.read_records(wanted.rows - found, definitions, repetitions, &mut values)?;
        if more == 0 {
            return Err(Refusal::damaged("is no Parquet that can be read: a column has fewer rows than it says"));
        }
        found += more;
    }
    if wanted.column.max_def_level() == 0 {
        return Ok(values.into_iter().map(|value| Some(Cell::One(value_of(value)))).collect());
    }
    let rows = rows(values, &definitions, &repetitions, wanted);
    Ok(rows.into_iter().map(|values| Cell::from_items(values.into_iter().map(&value_of))).collect())
}

/// The wanted values of each row: the levels say where there is none, and where a list goes on.
fn rows<T>(values: Vec<T>, definitions: &[i16], repetitions: &[i16], wanted: &Wanted<'_>) -> Vec<Vec<T>> {
    let is_list = wanted.column.max_rep_level() > 0;
    let mut values = values.into_iter();
    let mut rows = Vec::with_capacity(wanted.rows);
    let mut place = 0;
    for (level, &definition) in definitions.iter().enumerate() {
        let is_new = repetitions.get(level).is_none_or(|&repetition| repetition == 0);
        place = if is_new { 0 } else { place + 1 };
        if is_new {
            rows.push(Vec::new());
        }
        if definition == wanted.column.max_def_level() {
            let value = values.next();
            let is_wanted = !is_list || matches!(wanted.items, Items::Joined(_)) || wanted.items == Items::Nth(place);
            if let Some(row) = rows.last_mut().filter(|_| is_wanted) {
                row.extend(value);
            }
        }
    }
    rows
}

fn old_moment(value: Int96) -> String {
    Timestamp::from_millisecond(value.to_millis()).map_or_else(|_| String::new(), |time| time.to_string())
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
    let text = unit.and_then(|(unit, is_utc)| {
        let time = match unit {
            TimeUnit::MILLIS => Timestamp::from_millisecond(value),
            TimeUnit::MICROS => Timestamp::from_microsecond(value),
            TimeUnit::NANOS => Timestamp::from_nanosecond(value.into()),
        };
        Some(moment(time.ok()?, is_utc))
    });
    text.unwrap_or_else(|| value.to_string())
}
