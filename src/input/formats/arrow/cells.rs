//! The values of a column, as text.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::{DataType, TimeUnit};
use jiff::Timestamp;

use crate::input::formats::columns::{Cell, Column, Items, day, moment};

/// A value, not yet copied.
pub(super) enum Value<'a> {
    Bytes(&'a [u8]),
    Text(String),
}

impl AsRef<[u8]> for Value<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

/// The content of a row in a column; `None` of nothing.
pub(super) fn cell<'a>(array: &'a dyn Array, row: usize, column: &Column) -> Option<Cell<Value<'a>>> {
    let mut values = Vec::new();
    add_values(array, row, &mut values);
    match column.items {
        Items::Nth(place) if is_list(array.data_type()) => values.into_iter().nth(place).flatten().map(Cell::One),
        _ => Cell::from_items(values.into_iter().flatten()),
    }
}

/// Tells whether a type is a list, or an object that holds one.
fn is_list(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(fields) => fields.first().is_some_and(|field| is_list(field.data_type())),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => true,
        _ => false,
    }
}

/// Adds the values of a row: those of a list one by one, `None` for one that is null.
fn add_values<'a>(array: &'a dyn Array, row: usize, values: &mut Vec<Option<Value<'a>>>) {
    if array.is_null(row) {
        values.push(None);
        return;
    }
    match array.data_type() {
        // It has been made with the wanted field alone.
        DataType::Struct(_) => add_values(array.as_struct().column(0), row, values),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            let items = usize::try_from(offsets[row]).unwrap_or(0)..usize::try_from(offsets[row + 1]).unwrap_or(0);
            items.for_each(|item| add_values(list.values(), item, values));
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let offsets = list.value_offsets();
            let items = usize::try_from(offsets[row]).unwrap_or(0)..usize::try_from(offsets[row + 1]).unwrap_or(0);
            items.for_each(|item| add_values(list.values(), item, values));
        }
        DataType::FixedSizeList(_, length) => {
            let length = usize::try_from(*length).unwrap_or(0);
            let list = array.as_fixed_size_list();
            (row * length..(row + 1) * length).for_each(|item| add_values(list.values(), item, values));
        }
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let key = integer(dictionary.keys(), row).and_then(|key| usize::try_from(key).ok());
            match key.filter(|key| *key < dictionary.values().len()) {
                Some(key) => add_values(&**dictionary.values(), key, values),
                None => values.push(None),
            }
        }
        _ => values.push(value(array, row)),
    }
}

fn value(array: &dyn Array, row: usize) -> Option<Value<'_>> {
    let bytes = match array.data_type() {
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        DataType::BinaryView => array.as_binary_view().value(row),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        _ => return text(array, row).map(Value::Text),
    };
    Some(Value::Bytes(bytes))
}

/// A value that is no text, as text.
fn text(array: &dyn Array, row: usize) -> Option<String> {
    match array.data_type() {
        DataType::Boolean => Some(array.as_boolean().value(row).to_string()),
        DataType::Float16 => Some(native::<Float16Type>(array, row).to_string()),
        DataType::Float32 => Some(native::<Float32Type>(array, row).to_string()),
        DataType::Float64 => Some(native::<Float64Type>(array, row).to_string()),
        DataType::Date32 => {
            let days = native::<Date32Type>(array, row);
            Some(day(days.into()).unwrap_or_else(|| days.to_string()))
        }
        DataType::Date64 => {
            const MILLISECONDS: i64 = 24 * 60 * 60 * 1000;
            let time = native::<Date64Type>(array, row);
            Some(day(time.div_euclid(MILLISECONDS)).unwrap_or_else(|| time.to_string()))
        }
        DataType::Timestamp(unit, zone) => {
            let (value, time) = timestamp(array, row, *unit);
            Some(time.map_or_else(|| value.to_string(), |time| moment(time, zone.is_some())))
        }
        _ => integer(array, row).map(|number| number.to_string()),
    }
}

/// The number of a moment, and the moment if there is such.
fn timestamp(array: &dyn Array, row: usize, unit: TimeUnit) -> (i64, Option<Timestamp>) {
    match unit {
        TimeUnit::Second => {
            let value = native::<TimestampSecondType>(array, row);
            (value, Timestamp::from_second(value).ok())
        }
        TimeUnit::Millisecond => {
            let value = native::<TimestampMillisecondType>(array, row);
            (value, Timestamp::from_millisecond(value).ok())
        }
        TimeUnit::Microsecond => {
            let value = native::<TimestampMicrosecondType>(array, row);
            (value, Timestamp::from_microsecond(value).ok())
        }
        TimeUnit::Nanosecond => {
            let value = native::<TimestampNanosecondType>(array, row);
            (value, Timestamp::from_nanosecond(value.into()).ok())
        }
    }
}

fn integer(array: &dyn Array, row: usize) -> Option<i128> {
    Some(match array.data_type() {
        DataType::Int8 => native::<Int8Type>(array, row).into(),
        DataType::Int16 => native::<Int16Type>(array, row).into(),
        DataType::Int32 => native::<Int32Type>(array, row).into(),
        DataType::Int64 => native::<Int64Type>(array, row).into(),
        DataType::UInt8 => native::<UInt8Type>(array, row).into(),
        DataType::UInt16 => native::<UInt16Type>(array, row).into(),
        DataType::UInt32 => native::<UInt32Type>(array, row).into(),
        DataType::UInt64 => native::<UInt64Type>(array, row).into(),
        _ => return None,
    })
}

fn native<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}
