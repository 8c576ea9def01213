//! The columns of a schema, and the ways to those that the configuration names.

use std::sync::Arc;

use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Endianness, Message, MetadataVersion};
use arrow_schema::{DataType, Field, FieldRef};

use super::messages::damaged;
use crate::config::FieldNames;
use crate::input::formats::columns::{Column, Leaf, columns};
use crate::input::refusal::Refusal;
use crate::record::{Reason, TextFlag};

/// The columns of a file, and those of them that are read.
pub(super) struct Table {
    pub(super) fields: Vec<FieldRef>,
    pub(super) version: MetadataVersion,
    pub(super) columns: Vec<Column>,
    /// The way to each column.
    pub(super) ways: Vec<Way>,
    /// The flag of every row, if a named column cannot be read.
    pub(super) flag: Option<TextFlag>,
}

/// The way to a column through the objects that it is inside.
#[derive(Clone)]
pub(super) struct Way {
    /// The number of the outermost field.
    pub(super) field: usize,
    /// The number of the field in each object on the way.
    pub(super) inner: Vec<usize>,
    content: Content,
}

impl Way {
    /// The way to the first field.
    pub(super) fn to_first() -> Self {
        Self { field: 0, inner: Vec::new(), content: Content::Values }
    }
}

/// The content of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Values,
    /// Nothing at all: a column of the type that has nulls alone.
    Nothing,
    /// Something that is neither a text nor a number, a date or a moment: the name of its type.
    Other(String),
}

/// What becomes of a table whose texts are all missing, because their column has the type of nulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EmptyText {
    /// It is refused as a whole.
    IsRefused,
    /// Each of its rows is read, and has no text.
    IsRead,
}

impl Table {
    pub(super) fn new(message: Message<'_>, names: &FieldNames, empty_text: EmptyText) -> Result<Self, Refusal> {
        let schema = message.header_as_schema().ok_or_else(|| damaged("the first message is no schema"))?;
        if schema.endianness() != Endianness::Little {
            return Err(Refusal::new(Reason::UnknownFormat, "is Arrow of a big-endian machine, which is not read"));
        }
        let known = try_fb_to_schema(schema).map_err(damaged)?;
        let mut found = Vec::new();
        for (number, field) in known.fields().iter().enumerate() {
            add_leaves(field, number, &mut Steps::default(), &mut found);
        }
        let (leaves, ways): (Vec<Leaf>, Vec<Way>) = found.into_iter().unzip();
        let mut columns = columns(&leaves, names)?;
        let text = columns.iter().find(|column| column.path == names.text.as_str());
        match text.map(|column| &ways[column.leaf].content) {
            Some(Content::Nothing) if empty_text == EmptyText::IsRefused => {
                return Err(Refusal::new(Reason::MissingText, format!("has nothing in its column `{}`", names.text)));
            }
            Some(Content::Other(kind)) => {
                let message = format!("has no text in its column `{}`, but values of the type {kind}", names.text);
                return Err(Refusal::new(Reason::MissingText, message));
            }
            _ => {}
        }
        let has_others = columns.iter().any(|column| matches!(ways[column.leaf].content, Content::Other(_)));
        columns.retain(|column| ways[column.leaf].content == Content::Values);
        let ways = columns.iter().map(|column| ways[column.leaf].clone()).collect();
        let flag = has_others.then_some(TextFlag::Metadata);
        Ok(Self { fields: known.fields().to_vec(), version: message.version(), columns, ways, flag })
    }
}

/// The steps to a field.
#[derive(Default)]
struct Steps {
    names: Vec<String>,
    inner: Vec<usize>,
    is_list: bool,
}

/// Adds the columns inside a field.
fn add_leaves(field: &Field, number: usize, steps: &mut Steps, found: &mut Vec<(Leaf, Way)>) {
    steps.names.push(field.name().clone());
    add_leaves_of(field.data_type(), number, steps, found);
    steps.names.pop();
}

fn add_leaves_of(kind: &DataType, number: usize, steps: &mut Steps, found: &mut Vec<(Leaf, Way)>) {
    match kind {
        DataType::Struct(fields) => {
            for (place, field) in fields.iter().enumerate() {
                steps.inner.push(place);
                add_leaves(field, number, steps, found);
                steps.inner.pop();
            }
        }
        DataType::List(item) | DataType::LargeList(item) => add_items(item, number, steps, found),
        DataType::FixedSizeList(item, length) if *length > 0 => add_items(item, number, steps, found),
        _ => {
            let leaf = Leaf { names: steps.names.clone(), is_list: steps.is_list };
            found.push((leaf, Way { field: number, inner: steps.inner.clone(), content: content(kind) }));
        }
    }
}

/// Adds the columns of the items of a list, which have a name that nobody uses.
fn add_items(item: &Field, number: usize, steps: &mut Steps, found: &mut Vec<(Leaf, Way)>) {
    let before = std::mem::replace(&mut steps.is_list, true);
    add_leaves_of(item.data_type(), number, steps, found);
    steps.is_list = before;
}

fn content(kind: &DataType) -> Content {
    match kind {
        DataType::Null => Content::Nothing,
        DataType::Dictionary(_, values) if is_value(values) => Content::Values,
        kind if is_value(kind) => Content::Values,
        kind => Content::Other(kind.to_string()),
    }
}

/// Tells whether a type is one of texts, numbers, days and moments.
fn is_value(kind: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Boolean, Date32, Date64, FixedSizeBinary, Float16, Float32, Float64, LargeBinary,
        LargeUtf8, Timestamp, Utf8, Utf8View,
    };
    match kind {
        FixedSizeBinary(length) => *length > 0,
        Binary | BinaryView | LargeBinary | LargeUtf8 | Utf8 | Utf8View => true,
        kind => {
            matches!(kind, Boolean | Date32 | Date64 | Timestamp(..) | Float16 | Float32 | Float64) || kind.is_integer()
        }
    }
}

/// The same type with bytes instead of text: texts are decoded one by one, so that one of them in a wrong encoding costs only itself.
pub(super) fn with_bytes(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8 => DataType::Binary,
        DataType::LargeUtf8 => DataType::LargeBinary,
        DataType::Utf8View => DataType::BinaryView,
        DataType::Dictionary(keys, values) => DataType::Dictionary(keys.clone(), Box::new(with_bytes(values))),
        kind => kind.clone(),
    }
}

/// A field without a name for values of a type.
pub(super) fn nameless(kind: DataType) -> FieldRef {
    Arc::new(Field::new("", kind, true))
}
