//! `pressrun show`: the statements of an output folder as a table.

use std::io::{ErrorKind, Write};

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};
use pressrun::output::Reader;
use pressrun::output::schema::{AttributionRecord, LabelRecord, StatementRecord};

use crate::cli::ShowArguments;

/// How much of a statement is shown.
const TEXT_CHARACTERS: usize = 60;

/// How wide the table is, in columns of a terminal.
const TABLE_WIDTH: u16 = 150;

pub(crate) fn show(arguments: &ShowArguments) -> anyhow::Result<()> {
    let mut reader = Reader::new(&arguments.directory);
    let documents = reader.documents().context("there is no list of documents: has a run finished?")?;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(TABLE_WIDTH);
    let mut tasks = None;
    for document in documents.take(arguments.documents) {
        for statement in reader.statements(&document?)?.iter().take(arguments.statements) {
            let tasks = tasks.get_or_insert_with(|| statement.tasks.keys().cloned().collect::<Vec<_>>());
            table.add_row(row(statement, tasks));
        }
    }
    if let Some(tasks) = &tasks {
        table.set_header(header(tasks));
    }
    match writeln!(std::io::stdout(), "{table}") {
        // The reader closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// The statement's number, labels by task, who is quoted, and the text.
fn header(tasks: &[String]) -> Vec<&str> {
    let tasks = tasks.iter().map(String::as_str);
    std::iter::once("statement").chain(tasks).chain(["speaker", "text"]).collect()
}

fn row(statement: &StatementRecord, tasks: &[String]) -> Vec<String> {
    let first = statement.attributions.as_ref().and_then(|attributions| attributions.first());
    let mut cells = vec![cell(&statement.statement)];
    cells.extend(tasks.iter().map(|task| cell(&label(statement.tasks.get(task)))));
    cells.push(cell(first.map_or("", speaker)));
    cells.push(cell(statement.text.as_deref().unwrap_or_default()));
    cells
}

/// A label with its score.
fn label(label: Option<&LabelRecord>) -> String {
    let name = label.and_then(|label| label.label.as_deref()).unwrap_or_default();
    let score = label.and_then(|label| label.score).unwrap_or_default();
    format!("{name} {score:.2}")
}

/// The person or organisation that is meant, or else the words of the source.
fn speaker(attribution: &AttributionRecord) -> &str {
    let name = attribution.speaker.as_ref().map(|speaker| speaker.name.as_str());
    name.or(attribution.source.as_ref().map(|source| source.text.as_str())).unwrap_or_default()
}

/// The beginning of a value, without control characters.
fn cell(value: &str) -> String {
    let printable = value.chars().map(|character| if character.is_control() { ' ' } else { character });
    let shown: String = printable.clone().take(TEXT_CHARACTERS).collect();
    if printable.count() > TEXT_CHARACTERS { format!("{shown}…") } else { shown }
}
