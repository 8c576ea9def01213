//! `pressrun nights`: lists the runs of an output folder with their numbers.

use std::io::{ErrorKind, Write};

use anyhow::ensure;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use pressrun::ledger::{Ledger, Night};
use pressrun::output::folder::writer;

use crate::cli::NightsArguments;

/// The columns of the table.
const HEADER: [&str; 12] = [
    "night",
    "started",
    "minutes",
    "outcome",
    "kind",
    "found",
    "written",
    "copies",
    "rejected",
    "statements",
    "attributions",
    "sources",
];

pub(crate) fn nights(arguments: &NightsArguments) -> anyhow::Result<()> {
    let folder = &arguments.directory;
    ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
    let nights = Ledger::open(folder)?.nights()?;
    let lines = if arguments.json {
        nights.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?.join("\n")
    } else {
        table(&nights, writer(folder)?.is_some())
    };
    match writeln!(std::io::stdout(), "{lines}") {
        // The reader closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// A row a night. The last one is still going on if a run is writing into the folder.
fn table(nights: &[Night], is_running: bool) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(HEADER);
    for (place, night) in nights.iter().enumerate() {
        table.add_row(row(night, is_running && place + 1 == nights.len()));
    }
    for column in table.column_iter_mut().filter(|column| ![1, 3, 4].contains(&column.index)) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn row(night: &Night, is_running: bool) -> [String; HEADER.len()] {
    let outcome = night.outcome.as_deref().unwrap_or(if is_running { "running" } else { "killed" });
    let documents = &night.documents;
    [
        night.night.to_string(),
        night.started.clone(),
        format!("{:.1}", night.speed.seconds / 60.0),
        outcome.to_owned(),
        night.kind.as_str().to_owned(),
        documents.found.to_string(),
        documents.written.to_string(),
        documents.copies.to_string(),
        documents.rejected.to_string(),
        night.statements.to_string(),
        night.attributions.to_string(),
        night.sources.len().to_string(),
    ]
}
