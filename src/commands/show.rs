//! `pressrun show`: the documents and statements of an output folder as a table.

use std::io::{ErrorKind, Write};

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};
use pressrun::output::Reader;
use pressrun::output::schema::{AttributionRecord, DocumentRecord, LabelRecord, StatementRecord};
use pressrun::record::Act;

use crate::cli::ShowArguments;

/// The largest number of characters shown of a text.
const TEXT_CHARACTERS: usize = 60;

/// The width of the table, in columns of a terminal.
const TABLE_WIDTH: u16 = 150;

pub(crate) fn show(arguments: &ShowArguments) -> anyhow::Result<()> {
    let mut reader = Reader::new(&arguments.directory);
    let documents = reader.documents().context("there is no list of documents: has a run finished?")?;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(TABLE_WIDTH);
    let mut tasks = None;
    for document in documents.take(arguments.documents) {
        let document = document?;
        let tasks = tasks.get_or_insert_with(|| document.tasks.keys().cloned().collect::<Vec<_>>());
        table.add_row(document_row(&document, tasks));
        for statement in reader.statements(&document)?.iter().take(arguments.statements) {
            table.add_row(statement_row(statement, tasks));
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

/// The header: id, labels by task, speaker, and the text or the title.
fn header(tasks: &[String]) -> Vec<&str> {
    let tasks = tasks.iter().map(String::as_str);
    std::iter::once("document, statement").chain(tasks).chain(["speaker", "text"]).collect()
}

/// The document's own labels, the most reported speaker, and its title.
fn document_row(document: &DocumentRecord, tasks: &[String]) -> Vec<String> {
    let mut cells = vec![cell(&document.document)];
    cells.extend(tasks.iter().map(|task| cell(&label(document.tasks.get(task).map(|found| &found.label)))));
    cells.push(cell(document.speakers.first().map_or("", |speaker| speaker.name.as_str())));
    cells.push(cell(document.metadata.title.as_deref().unwrap_or_default()));
    cells
}

fn statement_row(statement: &StatementRecord, tasks: &[String]) -> Vec<String> {
    let first = statement.attributions.as_ref().and_then(|attributions| attributions.first());
    let mut cells = vec![cell(&statement.statement)];
    cells.extend(tasks.iter().map(|task| cell(&label(statement.tasks.get(task)))));
    cells.push(cell(&first.map(speaker).unwrap_or_default()));
    cells.push(cell(statement.text.as_deref().unwrap_or_default()));
    cells
}

/// A label with its score; empty for boilerplate, which has no label.
fn label(label: Option<&LabelRecord>) -> String {
    match label.and_then(|label| Some((label.label.as_deref()?, label.score?))) {
        Some((name, score)) => format!("{name} {score:.2}"),
        None => String::new(),
    }
}

/// The names of the speakers, or else the words of the source, with the act if they do not simply say it.
fn speaker(attribution: &AttributionRecord) -> String {
    let speakers = attribution.speaker.iter().chain(&attribution.also);
    let names: Vec<&str> = speakers.filter_map(|speaker| speaker.name.as_deref()).collect();
    let source = attribution.source.as_ref().map(|source| source.text.clone());
    let shown = if names.is_empty() { source.unwrap_or_default() } else { names.join(", ") };
    match attribution.act {
        Act::Say => shown,
        act => format!("{shown} ({})", act.as_str()).trim_start().to_owned(),
    }
}

/// The beginning of a value, without control characters.
fn cell(value: &str) -> String {
    let printable = value.chars().map(|character| if character.is_control() { ' ' } else { character });
    let shown: String = printable.clone().take(TEXT_CHARACTERS).collect();
    if printable.count() > TEXT_CHARACTERS { format!("{shown}…") } else { shown }
}
