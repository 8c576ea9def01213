//! Rows of columnar files, which are Parquet and Arrow: finds the columns of the fields that the configuration names, and makes a document of
//! the cells of a row.

use jiff::Timestamp;

use super::fields;
use super::json_fields::{TEXT_NAMES, WORD_NAMES};
use crate::config::values::FieldPath;
use crate::config::{FieldNames, InputConfig};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::layers::Container;
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::Refusal;
use crate::input::text::decode::decode;
use crate::record::{Metadata, Reason, TextFlag};

/// So many columns of a file are listed where the one of the text is missing.
const MAX_LISTED_COLUMNS: usize = 20;

/// A column of a file that holds values, not other columns.
pub(super) struct Leaf {
    /// The names on the way to it. Levels that lists put in between have none.
    pub(super) names: Vec<String>,
    /// True if it has lists of values.
    pub(super) is_list: bool,
}

impl Leaf {
    /// Tells whether it is at these steps of `path`. A number among the steps says which item of a list is meant.
    fn is_at(&self, path: &FieldPath, steps: &[String]) -> bool {
        if matches!(self.names.as_slice(), [name] if name == path.as_str()) {
            return true;
        }
        if !self.is_list {
            return self.names == steps;
        }
        self.names.iter().eq(steps.iter().filter(|step| step.parse::<usize>().is_err()))
    }
}

/// A column that a field of the configuration names.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) path: String,
    /// The number of its leaf.
    pub(super) leaf: usize,
    /// The items that are meant if it holds lists.
    pub(super) items: Items,
}

/// The items of a list that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Items {
    /// The one at this place, from 0.
    Nth(usize),
    /// All of them, with this between them.
    Joined(&'static str),
}

/// The columns of the named fields among the leaves of a file.
pub(super) fn columns(leaves: &[Leaf], names: &FieldNames) -> Result<Vec<Column>, Refusal> {
    let text = &names.text;
    let metadata = names.metadata.iter().zip(Metadata::NAMES).map(|(path, name)| (path, name, WORD_NAMES.as_slice()));
    let fields = [(&names.id, "id", WORD_NAMES.as_slice()), (text, "text", TEXT_NAMES.as_slice())];
    let fields = fields.into_iter().chain(metadata);
    let columns: Vec<Column> = fields.filter_map(|(path, field, inner)| column(leaves, path, field, inner)).collect();
    if columns.iter().any(|column| column.path == text.as_str()) {
        return Ok(columns);
    }
    let known = leaves.iter().take(MAX_LISTED_COLUMNS).map(|leaf| leaf.names.join("."));
    let message = format!("has no column `{text}`; its columns are {}", crate::config::listed(known));
    Err(Refusal::new(Reason::MissingText, message))
}

/// The column that `path` names, or else one inside it that has a text or a name.
fn column(leaves: &[Leaf], path: &FieldPath, field: &str, inner: &[&str]) -> Option<Column> {
    let leaf_at = |steps: &[String]| leaves.iter().position(|leaf| leaf.is_at(path, steps));
    let inner_at = |name: &&str| leaf_at(&[path.steps(), &[(*name).to_owned()]].concat());
    let leaf = leaf_at(path.steps()).or_else(|| inner.iter().find_map(inner_at))?;
    let items = match (path.steps().iter().find_map(|step| step.parse().ok()), field) {
        (Some(place), _) => Items::Nth(place),
        (None, "text") => Items::Joined("\n\n"),
        (None, "byline") => Items::Joined(", "),
        (None, _) => Items::Nth(0),
    };
    Some(Column { path: path.as_str().to_owned(), leaf, items })
}

/// The content of a row in a column, not yet copied: of a value that stands in many rows there is one copy in the file.
pub(super) enum Cell<V> {
    One(V),
    /// Items of a list.
    Several(Vec<V>),
}

impl<V: AsRef<[u8]>> Cell<V> {
    /// The cell of the wanted items of a list; `None` of none.
    pub(super) fn from_items(mut items: impl Iterator<Item = V>) -> Option<Self> {
        let first = items.next()?;
        let Some(second) = items.next() else { return Some(Self::One(first)) };
        Some(Self::Several([first, second].into_iter().chain(items).collect()))
    }

    fn items(&self) -> &[V] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Several(values) => values,
        }
    }

    /// The number of bytes that it has with `between` between its items.
    fn length(&self, between: &str) -> u64 {
        let items = self.items();
        let bytes = items.iter().map(|item| item.as_ref().len() as u64).fold(0, u64::saturating_add);
        bytes.saturating_add(((items.len() - 1) * between.len()) as u64)
    }

    fn join(&self, between: &str) -> Vec<u8> {
        match self {
            Self::One(value) => value.as_ref().to_vec(),
            Self::Several(values) => {
                let values: Vec<&[u8]> = values.iter().map(AsRef::as_ref).collect();
                values.join(between.as_bytes())
            }
        }
    }
}

impl Items {
    fn between(self) -> &'static str {
        match self {
            Self::Nth(_) => "",
            Self::Joined(between) => between,
        }
    }
}

/// Takes in a row: its cells in the columns that have one. Counts what is copied before it is copied.
pub(super) fn put_row<V: AsRef<[u8]>>(
    cells: &[(&Column, Cell<V>)],
    flag: Option<TextFlag>,
    container: Container<'_>,
    collector: &mut Collector<'_>,
) -> Result<Flow, Refusal> {
    let limit = collector.settings().max_document_bytes.get();
    let bytes = length_of(cells);
    // Empty cells take time as well, and a few bytes may stand for any number of them.
    let items: usize = cells.iter().map(|(_, cell)| cell.items().len()).sum();
    container.budget.unpack(bytes.max(items as u64).max(1))?;
    let position = Position::Record { line: None, byte: None };
    if bytes > limit {
        return Ok(collector.refuse(position, Refusal::too_large(bytes, limit), b""));
    }
    Ok(collector.put(position, row_of(cells, flag)))
}

/// The number of bytes that cells have when they are copied.
pub(super) fn length_of<V: AsRef<[u8]>>(cells: &[(&Column, Cell<V>)]) -> u64 {
    let lengths = cells.iter().map(|(column, cell)| cell.length(column.items.between()));
    lengths.fold(0, u64::saturating_add)
}

/// A row with copies of its cells.
pub(super) fn row_of<V: AsRef<[u8]>>(cells: &[(&Column, Cell<V>)], flag: Option<TextFlag>) -> Row {
    let cells = cells.iter().map(|(column, cell)| (column.path.clone(), cell.join(column.items.between())));
    Row { cells: cells.collect(), flag }
}

/// The cells of a row in the named columns, each with the path of its column.
pub(super) struct Row {
    cells: Vec<(String, Vec<u8>)>,
    flag: Option<TextFlag>,
}

impl RawRecord for Row {
    /// The longest cell, which should be the text.
    fn excerpt_source(&self) -> &[u8] {
        self.cells.iter().map(|(_, cell)| cell.as_slice()).max_by_key(|cell| cell.len()).unwrap_or_default()
    }

    fn parse(self: Box<Self>, settings: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        let flag = self.flag;
        let mut parsed = parse(*self, &settings.fields)?;
        if let Some(flag) = flag {
            parsed.flag(flag);
        }
        fields::without_markup(parsed, settings.markup).map(Some)
    }
}

/// A row to a document.
fn parse(row: Row, names: &FieldNames) -> Result<ParsedRecord, Refusal> {
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
        None => document.map(|parsed| ParsedRecord { encoding, ..parsed }),
    }
}

/// A moment as RFC 3339, without a zone if none is known.
pub(super) fn moment(time: Timestamp, is_utc: bool) -> String {
    let text = time.to_string();
    if is_utc { text } else { text.trim_end_matches('Z').to_owned() }
}

/// The day that is so many days after the first one of 1970.
pub(super) fn day(days: i64) -> Option<String> {
    let span = jiff::Span::new().try_days(days).ok()?;
    let day = jiff::civil::date(1970, 1, 1).checked_add(span).ok()?;
    Some(day.to_string())
}
