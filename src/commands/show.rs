//! `pressrun show`: the statements of an output folder as a table.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::Path;

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::cli::ShowArguments;

/// How much of a statement is shown.
const TEXT_CHARACTERS: usize = 60;

/// How wide the table is, in columns of a terminal.
const TABLE_WIDTH: u16 = 150;

pub(crate) fn show(arguments: &ShowArguments) -> anyhow::Result<()> {
    let index = arguments.directory.join("documents.jsonl");
    let documents =
        File::open(&index).with_context(|| format!("cannot open `{}`: has a run finished?", index.display()))?;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(TABLE_WIDTH);
    let mut header = None;
    for line in BufReader::new(documents).lines().take(arguments.documents) {
        let document: Value = serde_json::from_str(&line?).with_context(|| format!("`{}`", index.display()))?;
        for statement in statements(&arguments.directory, &document, arguments.statements)? {
            header.get_or_insert_with(|| columns(&statement));
            table.add_row(header.iter().flatten().map(|column| cell(&statement, column)));
        }
    }
    match writeln!(std::io::stdout(), "{}", table.set_header(header.unwrap_or_default())) {
        // The reader closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// The first statements of a document.
fn statements(directory: &Path, document: &Value, most: usize) -> anyhow::Result<Vec<Value>> {
    let path = directory.join(document["statements_file"].as_str().unwrap_or_default());
    let file = File::open(&path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let is_compressed = path.extension().is_some_and(|extension| extension == "zst");
    let reader: Box<dyn Read> = if is_compressed { Box::new(zstd::Decoder::new(file)?) } else { Box::new(file) };
    let mut found = Vec::new();
    for line in BufReader::new(reader).lines() {
        let statement: Value = serde_json::from_str(&line?).with_context(|| format!("`{}`", path.display()))?;
        if statement["document"] == document["document"] {
            found.push(statement);
        }
        if found.len() == most {
            break;
        }
    }
    Ok(found)
}

/// The statement's number, what labelling tasks say, who is quoted, and the text.
fn columns(statement: &Value) -> Vec<String> {
    let fields = statement.as_object().into_iter().flatten();
    let labels = fields.filter(|(_, value)| value["label"].is_string()).map(|(name, _)| name.clone());
    let mut columns = vec!["statement".to_owned()];
    columns.extend(labels);
    columns.extend(["speaker".to_owned(), "text".to_owned()]);
    columns
}

/// Who is meant, or else the words that say who it is.
fn speaker(attribution: &Value) -> String {
    let (name, source) = (&attribution["speaker"]["name"], &attribution["source"]["text"]);
    name.as_str().or(source.as_str()).unwrap_or_default().to_owned()
}

fn cell(statement: &Value, column: &str) -> String {
    let value = match column {
        "speaker" => speaker(&statement["attributions"][0]),
        "statement" | "text" => statement[column].as_str().unwrap_or_default().to_owned(),
        task => format!(
            "{} {:.2}",
            statement[task]["label"].as_str().unwrap_or_default(),
            statement[task]["score"].as_f64().unwrap_or_default()
        ),
    };
    let printable = value.chars().map(|character| if character.is_control() { ' ' } else { character });
    let shown: String = printable.clone().take(TEXT_CHARACTERS).collect();
    if printable.count() > TEXT_CHARACTERS { format!("{shown}…") } else { shown }
}
