//! `pressrun drift`: compares a night with earlier nights, and says what is unusual.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::ensure;

use pressrun::causes::chain;
use pressrun::config::{Config, DriftConfig};
use pressrun::drift::{Calendar, DriftError, examples, judge, judge_each, parse_nights, text};
use pressrun::error::RunError;
use pressrun::ledger::{Ledger, Night};
use pressrun::output::schema::{DriftRecord, DriftVerdict};

use crate::cli::DriftArguments;

const DEFAULT_CONFIG: &str = "pipeline.toml";

/// The largest number of characters shown of an example.
const EXAMPLE_CHARACTERS: usize = 90;

pub(crate) fn drift(arguments: &DriftArguments) -> anyhow::Result<()> {
    let config = config(arguments)?;
    let configured = config.as_ref().map(|config| &config.output.directory);
    let folder = arguments.directory.as_ref().or(configured).map_or(Path::new("output"), PathBuf::as_path);
    let settings = config.as_ref().map_or_else(DriftConfig::default, |config| config.drift.clone());
    let calendar = Calendar::load(&settings).map_err(RunError::from)?;
    let nights = nights(arguments, folder)?;
    if arguments.all {
        return print_all(&judge_each(&nights, &settings, &calendar)?, arguments.json);
    }
    let Some(mut record) = judge(&nights, arguments.night, &settings, &calendar)? else {
        return print("there are no nights yet\n");
    };
    let mut texts = BTreeMap::new();
    if arguments.nights.is_none() {
        match examples::add(&mut record, &nights, &calendar, folder) {
            Ok(found) => texts = found,
            // The alarms are right without them.
            Err(error) => tracing::warn!("there are no examples: {}", chain(&error)),
        }
    }
    print(&if arguments.json { json(&record)? } else { block(&record, &texts) })?;
    if arguments.fail && record.alarm_count() > 0 {
        return Err(RunError::Unusual { night: record.night, alarms: record.alarm_count() }.into());
    }
    Ok(())
}

/// The configuration, if one is named or there is one.
fn config(arguments: &DriftArguments) -> Result<Option<Config>, RunError> {
    let path = arguments.config.as_deref().or_else(|| Some(Path::new(DEFAULT_CONFIG)).filter(|path| path.exists()));
    Ok(path.map(Config::load).transpose()?)
}

fn nights(arguments: &DriftArguments, folder: &Path) -> anyhow::Result<Vec<Night>> {
    let Some(path) = &arguments.nights else {
        ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
        return Ok(Ledger::open(folder)?.nights()?);
    };
    let text =
        if path.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    let text = text.map_err(|cause| DriftError::Nights { path: path.clone(), cause })?;
    Ok(parse_nights(&text, path)?)
}

/// Prints every night, and how many have alarms.
fn print_all(records: &[DriftRecord], is_json: bool) -> anyhow::Result<()> {
    let mut output = String::new();
    for record in records {
        output += &if is_json { json(record)? } else { block(record, &BTreeMap::new()) };
    }
    if !is_json {
        let too_few = count(records, DriftVerdict::TooFewNights);
        let _ = writeln!(
            output,
            "{} of {} nights have alarms; {too_few} more have too few nights before them",
            count(records, DriftVerdict::Unusual),
            records.len() - too_few
        );
    }
    print(&output)
}

fn count(records: &[DriftRecord], verdict: DriftVerdict) -> usize {
    records.iter().filter(|record| record.verdict == verdict).count()
}

fn json(record: &DriftRecord) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string(record)?))
}

/// The lines for a night: the result, and indented what is to say about it.
fn block(record: &DriftRecord, texts: &BTreeMap<String, String>) -> String {
    let mut block = format!("{}\n", text::headline(record));
    for alarm in &record.alarms {
        // Writing to a string cannot fail.
        let _ = writeln!(block, "  {}", text::alarm(alarm));
        for id in &alarm.examples {
            let _ = writeln!(block, "      {id}  {}", texts.get(id).map(|text| beginning(text)).unwrap_or_default());
        }
    }
    for note in text::notes(record) {
        let _ = writeln!(block, "  {note}");
    }
    block
}

/// The beginning of a text, without control characters.
fn beginning(text: &str) -> String {
    let printable = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let mut beginning: String = printable.take(EXAMPLE_CHARACTERS).collect();
    if text.chars().count() > EXAMPLE_CHARACTERS {
        beginning.push('…');
    }
    beginning
}

fn print(output: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(output.as_bytes()) {
        // The reader closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
