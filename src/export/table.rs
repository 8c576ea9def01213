//! Tables without their destination: names, columns and cells. Parquet, `SQLite` and CSV are written from the same ones, and the
//! descriptions in `metadata.yml` come from here, too.

use std::borrow::Cow;

use jiff::Timestamp;

/// The kind of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Real,
    Flag,
    /// A moment: microseconds since 1970 in Parquet, otherwise RFC 3339 in UTC. A date without a time is kept only as text.
    Time,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: Cow<'static, str>,
    pub(super) kind: Kind,
    pub(super) content: Content,
    pub(super) meaning: Cow<'static, str>,
}

/// The content of a column by the right to pass it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Numbers, labels and identifiers.
    Facts,
    /// Words of the article. `text = false` leaves them empty.
    Words,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) columns: Vec<Column>,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Text(Cow<'a, str>),
    Integer(i64),
    Real(f64),
    Flag(bool),
    /// Microseconds since 1970.
    Time(i64),
}

impl Column {
    pub(super) const fn fact(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), kind, content: Content::Facts, meaning: Cow::Borrowed(meaning) }
    }
}

impl Table {
    /// A row of cells, with those of words emptied where words are not wanted.
    pub(super) fn without_words(&self, cells: &mut [Cell<'_>]) {
        for (column, cell) in self.columns.iter().zip(cells) {
            if column.content == Content::Words {
                *cell = Cell::Null;
            }
        }
    }
}

impl<'a> Cell<'a> {
    pub(super) fn text(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }

    pub(super) fn maybe_text(value: Option<&'a str>) -> Self {
        value.map_or(Self::Null, Self::text)
    }

    pub(super) fn count(value: usize) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub(super) fn maybe_real(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::Real)
    }

    /// The value as text for people and for CSV; nothing for null.
    pub(super) fn shown(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Integer(value) => Cow::Owned(value.to_string()),
            Self::Real(value) => Cow::Owned(value.to_string()),
            Self::Flag(value) => Cow::Borrowed(if *value { "1" } else { "0" }),
            Self::Time(microseconds) => Cow::Owned(moment(*microseconds)),
        }
    }
}

/// A moment as RFC 3339 in UTC.
pub(super) fn moment(microseconds: i64) -> String {
    Timestamp::from_microsecond(microseconds).map(|time| time.to_string()).unwrap_or_default()
}
