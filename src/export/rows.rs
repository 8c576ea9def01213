//! Documents, statements and attributions as rows: every column of the three tables, with its name, its meaning and its value. A new
//! column is one entry here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::day::{Day, microseconds};
use super::table::{Cell, Column, Content, Kind, Table};
use super::tasks::TaskFields;
use crate::ledger::nights::NO_SOURCE;
use crate::output::schema::{AttributionRecord, DocumentRecord, LabelRecord, StatementRecord};
use crate::record::{Flag, Speaker};

/// The names of the tables.
pub(super) const DOCUMENTS: &str = "documents";
/// See [`DOCUMENTS`].
pub(super) const STATEMENTS: &str = "statements";
/// See [`DOCUMENTS`].
pub(super) const ATTRIBUTIONS: &str = "attributions";

/// A document with its statements, as it is exported.
#[derive(Debug)]
pub(super) struct ExportedDocument {
    /// The number of the document in the ledger.
    pub(super) number: i64,
    pub(super) record: DocumentRecord,
    pub(super) statements: Vec<StatementRecord>,
    pub(super) attributions: Vec<JoinedAttribution>,
    pub(super) day: Day,
    /// The day as text.
    pub(super) day_name: String,
    pub(super) night: Option<u32>,
}

/// An attribution with all its content: a quotation may go over several statements.
#[derive(Debug)]
pub(super) struct JoinedAttribution {
    /// The index of the first statement with content of it.
    pub(super) first: usize,
    /// The number of statements with content of it.
    pub(super) statements: usize,
    /// As it is in its first statement.
    pub(super) record: AttributionRecord,
    /// All of the content.
    pub(super) content: String,
    /// One past the last code point of the content.
    pub(super) end: usize,
}

/// A row: a document, and the statement or the attribution in it that the row is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) document: &'a ExportedDocument,
    pub(super) statement: Option<&'a StatementRecord>,
    pub(super) attribution: Option<&'a JoinedAttribution>,
    pub(super) tasks: &'a TaskFields,
}

/// A table with the value of each column.
#[derive(Debug, Clone)]
pub(super) struct RowTable {
    pub(super) table: Table,
    values: Vec<Value>,
}

/// The value of a column.
#[derive(Debug, Clone)]
enum Value {
    Of(for<'a> fn(Row<'a>) -> Cell<'a>),
    /// A part of a task's result.
    Label(String, LabelPart),
}

#[derive(Debug, Clone)]
enum LabelPart {
    Label,
    Code,
    Score,
    RunnerUp,
    Probability(String),
    /// The mean of positive minus negative probability, of documents.
    Mean,
}

impl ExportedDocument {
    pub(super) fn new(
        number: i64,
        record: DocumentRecord,
        statements: Vec<StatementRecord>,
        day: Day,
        night: Option<u32>,
    ) -> Self {
        let attributions = joined(&statements);
        Self { number, record, statements, attributions, day, day_name: day.to_string(), night }
    }

    pub(super) fn source(&self) -> &str {
        self.record.metadata.source.as_deref().unwrap_or(NO_SOURCE)
    }

    pub(super) fn is_copy(&self) -> bool {
        self.record.duplicate_of.is_some()
    }

    pub(super) fn unattributed(&self) -> usize {
        self.attributions.iter().filter(|attribution| attribution.record.speaker.is_none()).count()
    }
}

/// The attributions of a document, in the order of their numbers.
fn joined(statements: &[StatementRecord]) -> Vec<JoinedAttribution> {
    let mut attributions: BTreeMap<usize, JoinedAttribution> = BTreeMap::new();
    for (index, statement) in statements.iter().enumerate() {
        for record in statement.attributions.iter().flatten() {
            let known = attributions.entry(record.attribution);
            known.or_insert_with(|| JoinedAttribution::new(index, record)).add(record);
        }
    }
    attributions.into_values().collect()
}

impl JoinedAttribution {
    fn new(first: usize, record: &AttributionRecord) -> Self {
        Self { first, statements: 0, record: record.clone(), content: String::new(), end: 0 }
    }

    /// Adds the content in a statement. An ellipsis stands for words between two pieces that are no content.
    fn add(&mut self, record: &AttributionRecord) {
        /// Pieces of neighbouring sentences have no more than white space between them.
        const GAP: usize = 2;
        for piece in &record.content {
            if !self.content.is_empty() {
                self.content.push_str(if piece.start <= self.end + GAP { " " } else { " … " });
            }
            self.content.push_str(&piece.text);
            self.end = piece.end;
        }
        self.statements += 1;
    }

    fn start(&self) -> usize {
        self.record.content.first().map_or(0, |piece| piece.start)
    }
}

impl<'a> Row<'a> {
    pub(super) fn of_document(document: &'a ExportedDocument, tasks: &'a TaskFields) -> Self {
        Self { document, statement: None, attribution: None, tasks }
    }

    fn first_statement(&self) -> Option<&'a StatementRecord> {
        self.attribution.and_then(|attribution| self.document.statements.get(attribution.first))
    }

    fn speaker(&self) -> Option<&'a Speaker> {
        self.attribution.and_then(|attribution| attribution.record.speaker.as_ref())
    }

    fn has_flag(&self, flag: Flag) -> Cell<'a> {
        let flags = self.statement.and_then(|statement| statement.flags.as_ref());
        flags.map_or(Cell::Null, |flags| Cell::Flag(flags.contains(&flag)))
    }

    /// The result of a task: that of the statement in its row, and otherwise that of the document.
    fn label(&self, task: &str) -> Option<&'a LabelRecord> {
        match self.statement {
            Some(statement) => statement.tasks.get(task),
            None => self.document.record.tasks.get(task).map(|found| &found.label),
        }
    }
}

/// The tone of a statement: positive minus negative probability, in ten-thousandths.
#[expect(clippy::cast_possible_truncation, reason = "from -10,000 to 10,000")]
pub(super) fn tone_units(statement: &StatementRecord, tasks: &TaskFields) -> Option<i64> {
    let label = statement.tasks.get(tasks.tone.as_ref()?)?;
    let units = |name: &str| Some((label.probabilities.get(name).copied().flatten()? * 1e4).round() as i64);
    Some(units("positive")? - units("negative")?)
}

#[expect(clippy::cast_precision_loss, reason = "few digits")]
fn tone<'a>(statement: Option<&StatementRecord>, tasks: &TaskFields) -> Cell<'a> {
    let units = statement.and_then(|statement| tone_units(statement, tasks));
    Cell::maybe_real(units.map(|units| units as f64 / 1e4))
}

/// The label of the topic task, of a statement.
pub(super) fn topic<'a>(statement: &'a StatementRecord, tasks: &TaskFields) -> Option<&'a str> {
    statement.tasks.get(tasks.topic.as_ref()?)?.label.as_deref()
}

impl RowTable {
    /// The documents, one row each.
    pub(super) fn documents(tasks: &TaskFields, has_day: bool) -> Self {
        let mut columns = Columns::new(has_day);
        columns.fact("document", Kind::Text, "The id of the document", |row| Cell::text(&row.document.record.document));
        columns.day();
        columns.fact("published", Kind::Time, "The time of publication", |row| {
            published(row.document.record.metadata.published.as_deref())
        });
        columns.source();
        columns.fact("section", Kind::Text, "The section of the newspaper", |row| {
            Cell::maybe_text(row.document.record.metadata.section.as_deref())
        });
        columns.fact("language", Kind::Text, "The language", |row| {
            Cell::maybe_text(row.document.record.metadata.language.as_deref())
        });
        columns.fact("uri", Kind::Text, "The address of the article", |row| {
            Cell::maybe_text(row.document.record.metadata.uri.as_deref())
        });
        columns.words("title", "The headline", |row| Cell::maybe_text(row.document.record.metadata.title.as_deref()));
        columns.words("byline", "The author", |row| Cell::maybe_text(row.document.record.metadata.byline.as_deref()));
        columns.fact("duplicate_of", Kind::Text, "The id of the document that this one is a copy of", |row| {
            Cell::maybe_text(row.document.record.duplicate_of.as_deref())
        });
        columns.fact("similarity", Kind::Real, "The share of the text that is copied, 0 to 1", |row| {
            Cell::maybe_real(row.document.record.similarity)
        });
        columns
            .fact("copy", Kind::Flag, "True for a copy of another document", |row| Cell::Flag(row.document.is_copy()));
        columns
            .fact("text_sha256", Kind::Text, "SHA-256 of the text", |row| Cell::text(&row.document.record.text_sha256));
        columns.fact("characters", Kind::Integer, "The length of the text in code points", |row| {
            Cell::count(row.document.record.characters)
        });
        columns.fact("statements", Kind::Integer, "The number of statements, boilerplate included", |row| {
            Cell::count(row.document.statements.len())
        });
        columns.fact("boilerplate", Kind::Integer, "The number of statements that are boilerplate", |row| {
            Cell::count(row.document.record.boilerplate)
        });
        columns.fact("attributions", Kind::Integer, "The number of attributions", |row| {
            Cell::count(row.document.attributions.len())
        });
        columns.fact("unattributed", Kind::Integer, "The number of attributions without a speaker", |row| {
            Cell::count(row.document.unattributed())
        });
        columns.fact("undated", Kind::Flag, "True if the document has no date that names a day", |row| {
            Cell::Flag(row.document.day == Day::Undated)
        });
        columns.fact("night", Kind::Integer, "The run that wrote the document; empty if it is not known", |row| {
            row.document.night.map_or(Cell::Null, |night| Cell::Integer(night.into()))
        });
        columns.labels(tasks, true);
        columns.table(DOCUMENTS, "Articles. `copy` tells copies from originals")
    }

    /// The statements, one row each.
    pub(super) fn statements(tasks: &TaskFields, has_day: bool) -> Self {
        let mut columns = Columns::new(has_day);
        columns.fact("statement", Kind::Text, "The id of the statement", |row| {
            Cell::maybe_text(row.statement.map(|statement| statement.statement.as_str()))
        });
        columns.fact("document", Kind::Text, "The id of the document", |row| Cell::text(&row.document.record.document));
        columns.fact("index", Kind::Integer, "The number of the statement in the document, from 0", |row| {
            row.statement.map_or(Cell::Null, |statement| Cell::count(statement.index))
        });
        columns.day();
        columns.source();
        columns.fact("start", Kind::Integer, "The first code point of the sentence in the text", |row| {
            row.statement.and_then(|statement| statement.start).map_or(Cell::Null, Cell::count)
        });
        columns.fact("end", Kind::Integer, "One past the last code point", |row| {
            row.statement.and_then(|statement| statement.end).map_or(Cell::Null, Cell::count)
        });
        columns.words("text", "The sentence", |row| {
            Cell::maybe_text(row.statement.and_then(|statement| statement.text.as_deref()))
        });
        columns
            .fact("heading", Kind::Flag, "True for a title, a heading or the like", |row| row.has_flag(Flag::Heading));
        columns.fact(
            "boilerplate",
            Kind::Flag,
            "True for a byline, a caption, a link or the like, which has no labels",
            |row| row.has_flag(Flag::Boilerplate),
        );
        columns.fact("truncated", Kind::Flag, "True if the model has read only its beginning", |row| {
            row.has_flag(Flag::Truncated)
        });
        columns
            .fact("copy", Kind::Flag, "True in a copy of another document", |row| Cell::Flag(row.document.is_copy()));
        columns.fact("tone", Kind::Real, "Positive minus negative probability, -1 to 1", |row| {
            tone(row.statement, row.tasks)
        });
        columns.labels(tasks, false);
        columns.table(STATEMENTS, "Sentences with their labels")
    }

    /// The attributions, one row each.
    pub(super) fn attributions(_: &TaskFields, has_day: bool) -> Self {
        let mut columns = Columns::new(has_day);
        columns.fact("document", Kind::Text, "The id of the document", |row| Cell::text(&row.document.record.document));
        columns.fact("attribution", Kind::Integer, "The number of the attribution in the document", |row| {
            row.attribution.map_or(Cell::Null, |found| Cell::count(found.record.attribution))
        });
        columns.fact("statement", Kind::Text, "The id of the first statement with content of it", |row| {
            Cell::maybe_text(row.first_statement().map(|statement| statement.statement.as_str()))
        });
        columns.fact("statements", Kind::Integer, "The number of statements with content of it", |row| {
            row.attribution.map_or(Cell::Null, |found| Cell::count(found.statements))
        });
        columns.day();
        columns.source();
        columns
            .fact("copy", Kind::Flag, "True in a copy of another document", |row| Cell::Flag(row.document.is_copy()));
        columns.fact(
            "act",
            Kind::Text,
            "`say`, `ask`, `deny`: a statement of the source; `think`, `refuse`: none",
            |row| row.attribution.map_or(Cell::Null, |found| Cell::text(found.record.act.as_str())),
        );
        columns.fact("kind", Kind::Text, "`direct`, `indirect` or `mixed`", |row| {
            row.attribution.map_or(Cell::Null, |found| word(&found.record.kind))
        });
        columns.fact("score", Kind::Real, "The probability that it is an attribution", |row| {
            row.attribution.map_or(Cell::Null, |found| Cell::Real(found.record.score))
        });
        columns.fact("has_speaker", Kind::Flag, "True if the document makes clear who speaks", |row| {
            row.attribution.map_or(Cell::Null, |found| Cell::Flag(found.record.speaker.is_some()))
        });
        columns.fact("speaker_kind", Kind::Text, "`person`, `organisation` or `unnamed`", |row| {
            row.speaker().map_or(Cell::Null, |speaker| word(&speaker.kind))
        });
        columns.fact("evidence", Kind::Text, "The rule by which the speaker was found", |row| {
            row.speaker().map_or(Cell::Null, |speaker| word(&speaker.evidence))
        });
        columns.words("speaker", "The person or organisation that speaks; empty for one without a name", |row| {
            Cell::maybe_text(row.speaker().and_then(|speaker| speaker.name.as_deref()))
        });
        columns.words("role", "The role of the speaker, in the words of the document", |row| {
            Cell::maybe_text(row.speaker().and_then(|speaker| speaker.role.as_deref()))
        });
        columns.words(
            "also",
            "The names of others who say it together with the speaker, with semicolons between them",
            |row| row.attribution.map_or(Cell::Null, names_of_others),
        );
        columns.words("cue", "The reporting words", |row| {
            let cue = row.attribution.and_then(|found| found.record.cue.as_ref());
            Cell::maybe_text(cue.map(|cue| cue.text.as_str()))
        });
        columns.words("source_text", "The words that name the source", |row| {
            let source = row.attribution.and_then(|found| found.record.source.as_ref());
            Cell::maybe_text(source.map(|source| source.text.as_str()))
        });
        columns.words("content", "What was said; `…` stands for words between its pieces", |row| {
            Cell::maybe_text(row.attribution.map(|found| found.content.as_str()))
        });
        columns.fact("start", Kind::Integer, "The first code point of the content in the text", |row| {
            row.attribution.map_or(Cell::Null, |found| Cell::count(found.start()))
        });
        columns.fact("end", Kind::Integer, "One past its last code point", |row| {
            row.attribution.map_or(Cell::Null, |found| Cell::count(found.end))
        });
        columns.fact("topic", Kind::Text, "The topic of the first statement", |row| {
            Cell::maybe_text(row.first_statement().and_then(|statement| topic(statement, row.tasks)))
        });
        columns
            .fact("tone", Kind::Real, "The tone of the first statement", |row| tone(row.first_statement(), row.tasks));
        columns.table(ATTRIBUTIONS, "Who said what: each quotation once, whole")
    }

    /// The column with the labels of a task.
    pub(super) fn label_column(&self, task: &str) -> Option<&str> {
        let is_label = |value: &Value| matches!(value, Value::Label(name, LabelPart::Label) if name == task);
        let place = self.values.iter().position(is_label)?;
        Some(&self.table.columns[place].name)
    }

    /// The cells of a row.
    pub(super) fn cells<'a>(&self, row: Row<'a>, has_words: bool) -> Vec<Cell<'a>> {
        let mut cells: Vec<Cell<'a>> = self.values.iter().map(|value| value.cell(row)).collect();
        if !has_words {
            self.table.without_words(&mut cells);
        }
        cells
    }

    /// Calls `visit` with the cells of every row that a document has in this table.
    pub(super) fn each_row<'a, E>(
        &self,
        document: &'a ExportedDocument,
        tasks: &'a TaskFields,
        has_words: bool,
        mut visit: impl FnMut(Row<'a>, Vec<Cell<'a>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let row = Row::of_document(document, tasks);
        match self.table.name {
            STATEMENTS => document.statements.iter().try_for_each(|statement| {
                let row = Row { statement: Some(statement), ..row };
                visit(row, self.cells(row, has_words))
            }),
            ATTRIBUTIONS => document.attributions.iter().try_for_each(|attribution| {
                let row = Row { attribution: Some(attribution), ..row };
                visit(row, self.cells(row, has_words))
            }),
            _ => visit(row, self.cells(row, has_words)),
        }
    }
}

impl Value {
    fn cell<'a>(&self, row: Row<'a>) -> Cell<'a> {
        match self {
            Self::Of(value) => value(row),
            Self::Label(task, LabelPart::Mean) => {
                Cell::maybe_real(row.document.record.tasks.get(task).and_then(|found| found.mean))
            }
            Self::Label(task, part) => row.label(task).map_or(Cell::Null, |label| part.cell(label)),
        }
    }
}

impl LabelPart {
    fn cell<'a>(&self, label: &'a LabelRecord) -> Cell<'a> {
        match self {
            Self::Label => Cell::maybe_text(label.label.as_deref()),
            Self::Code => Cell::maybe_text(label.code.as_ref().and_then(Option::as_deref)),
            Self::Score => Cell::maybe_real(label.score),
            Self::RunnerUp => {
                let runner_up = label.runner_up.as_ref().and_then(Option::as_ref);
                Cell::maybe_text(runner_up.map(|runner_up| runner_up.label.as_str()))
            }
            Self::Probability(name) => Cell::maybe_real(label.probabilities.get(name).copied().flatten()),
            Self::Mean => Cell::Null,
        }
    }
}

/// The moment of publication; a date alone stays text.
fn published(date: Option<&str>) -> Cell<'_> {
    match date.map(|date| (date, microseconds(date))) {
        None => Cell::Null,
        Some((_, Some(microseconds))) => Cell::Time(microseconds),
        Some((date, None)) => Cell::text(date),
    }
}

/// The word that stands for a value in JSON.
fn word(value: &impl Serialize) -> Cell<'static> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Cell::Text(Cow::Owned(word)),
        _ => Cell::Null,
    }
}

/// The names of those who speak together with the speaker, with semicolons between them, as names may have commas.
fn names_of_others(attribution: &JoinedAttribution) -> Cell<'static> {
    let names: Vec<&str> = attribution.record.also.iter().filter_map(|speaker| speaker.name.as_deref()).collect();
    if names.is_empty() { Cell::Null } else { Cell::Text(Cow::Owned(names.join("; "))) }
}

/// Columns while a table is put together.
struct Columns {
    list: Vec<Column>,
    values: Vec<Value>,
    /// True if the table has the day as a column. Hive folders that are named after the day have it in their name, and readers do
    /// not like it twice.
    has_day: bool,
}

impl Columns {
    fn new(has_day: bool) -> Self {
        Self { list: Vec::new(), values: Vec::new(), has_day }
    }

    fn push(&mut self, column: Column, value: Value) {
        self.list.push(column);
        self.values.push(value);
    }

    fn fact(&mut self, name: &'static str, kind: Kind, meaning: &'static str, value: for<'a> fn(Row<'a>) -> Cell<'a>) {
        self.push(Column::fact(name, kind, meaning), Value::Of(value));
    }

    fn words(&mut self, name: &'static str, meaning: &'static str, value: for<'a> fn(Row<'a>) -> Cell<'a>) {
        let column = Column { content: Content::Words, ..Column::fact(name, Kind::Text, meaning) };
        self.push(column, Value::Of(value));
    }

    fn day(&mut self) {
        if self.has_day {
            self.fact("day", Kind::Text, "The day, or `undated`", |row| Cell::text(&row.document.day_name));
        }
    }

    fn source(&mut self) {
        self.fact("source", Kind::Text, "The publisher, or `(none)`", |row| Cell::text(row.document.source()));
    }

    /// The columns of the labelling tasks. They come last: a task whose name is taken gets another one.
    fn labels(&mut self, tasks: &TaskFields, of_documents: bool) {
        for task in &tasks.tasks {
            let name = &task.name;
            self.label(
                name.clone(),
                Kind::Text,
                format!("The label of the task {name}; `unsure` below its threshold"),
                name,
                LabelPart::Label,
            );
            if task.has_codes {
                self.label(
                    format!("{name}_code"),
                    Kind::Text,
                    format!("The code of the {name}"),
                    name,
                    LabelPart::Code,
                );
            }
            self.label(
                format!("{name}_score"),
                Kind::Real,
                format!("The probability of the {name}"),
                name,
                LabelPart::Score,
            );
            if task.has_runner_up {
                let meaning = format!("The most probable {name} that was not given");
                self.label(format!("{name}_runner_up"), Kind::Text, meaning, name, LabelPart::RunnerUp);
            }
            for label in &task.probabilities {
                let part = LabelPart::Probability(label.clone());
                let column = format!("{name}_{}", identifier(label));
                self.label(column, Kind::Real, format!("The probability of {label}"), name, part);
            }
            if of_documents && task.has_mean() {
                let meaning = "The mean of positive minus negative probability over the statements".to_owned();
                self.label(format!("{name}_mean"), Kind::Real, meaning, name, LabelPart::Mean);
            }
        }
    }

    fn label(&mut self, mut name: String, kind: Kind, meaning: String, task: &str, part: LabelPart) {
        while self.has(&name) {
            name.push_str("_label");
        }
        let column = Column { name: name.into(), kind, content: Content::Facts, meaning: meaning.into() };
        self.push(column, Value::Label(task.to_owned(), part));
    }

    fn has(&self, name: &str) -> bool {
        self.list.iter().any(|column| column.name.eq_ignore_ascii_case(name))
    }

    fn table(self, name: &'static str, meaning: &'static str) -> RowTable {
        RowTable { table: Table { name, meaning, columns: self.list }, values: self.values }
    }
}

/// A label as a part of a column's name.
fn identifier(label: &str) -> String {
    let letters = label.chars().map(|letter| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '_' });
    letters.collect()
}
