//! `pressrun split`: splits standard input into sentences, without a model.

use std::io::{BufRead, BufWriter, Write};

use anyhow::{Context, bail};
use pressrun::sentences::sentences;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::{SplitArguments, SplitFormat};

/// The number of lines split in parallel: enough for all cores, few enough for the memory.
const LINES_AT_ONCE: usize = 1024;

/// A line of the input.
#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    id: Value,
    text: String,
}

/// A line of the output.
#[derive(Serialize)]
struct Output {
    id: Value,
    /// The start and end of each sentence, in code points.
    spans: Vec<[usize; 2]>,
}

/// Splits standard input and prints the sentences.
///
/// # Errors
/// Standard input that cannot be read or is not UTF-8, or lines without a text. The lines after these are split all the same.
pub(crate) fn split(arguments: &SplitArguments) -> anyhow::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut output = BufWriter::new(std::io::stdout().lock());
    let outcome = if is_json_lines(arguments.format, &mut input)? {
        split_lines(input, &mut output, arguments.text)
    } else {
        split_text(input, &mut output, arguments.text)
    };
    outcome?;
    output.flush()?;
    Ok(())
}

fn is_json_lines(format: SplitFormat, input: &mut impl BufRead) -> std::io::Result<bool> {
    Ok(match format {
        SplitFormat::Text => false,
        SplitFormat::Jsonl => true,
        SplitFormat::Auto => input.fill_buf()?.trim_ascii_start().starts_with(b"{"),
    })
}

fn split_text(mut input: impl BufRead, output: &mut impl Write, wants_text: bool) -> anyhow::Result<()> {
    let mut text = String::new();
    input.read_to_string(&mut text).context("cannot read standard input")?;
    write(output, &Input { id: Value::Null, text: text.trim_start_matches('\u{feff}').to_owned() }, wants_text)
}

fn split_lines(input: impl BufRead, output: &mut impl Write, wants_text: bool) -> anyhow::Result<()> {
    let mut lines = (1..).zip(input.lines());
    let mut bad = 0_usize;
    loop {
        let block: Vec<_> = lines.by_ref().take(LINES_AT_ONCE).collect();
        if block.is_empty() {
            break;
        }
        let outcomes: Vec<(usize, Result<Vec<u8>, String>)> =
            block.into_par_iter().map(|(number, line)| (number, split_line(line, wants_text))).collect();
        for (number, outcome) in outcomes {
            match outcome {
                Ok(text) => output.write_all(&text)?,
                Err(cause) => {
                    bad += 1;
                    tracing::error!("standard input, line {number}: {cause}");
                }
            }
        }
    }
    if bad > 0 {
        output.flush()?;
        bail!("standard input: {bad} lines could not be split");
    }
    Ok(())
}

/// The output for a line; empty for a blank line.
///
/// # Errors
/// The description of what is wrong with the line.
fn split_line(line: std::io::Result<String>, wants_text: bool) -> Result<Vec<u8>, String> {
    let line = line.map_err(|error| error.to_string())?;
    if line.trim().is_empty() {
        return Ok(Vec::new());
    }
    // The line number of serde is always 1 here: a record is one line.
    let input: Input =
        serde_json::from_str(&line).map_err(|error| error.to_string().replace(" at line 1 column ", " at column "))?;
    let mut bytes = Vec::new();
    write(&mut bytes, &input, wants_text).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Writes the sentences of a text.
fn write(output: &mut impl Write, input: &Input, wants_text: bool) -> anyhow::Result<()> {
    let found = sentences(&input.text);
    if wants_text {
        for sentence in found {
            let words: Vec<&str> = sentence.span.slice(&input.text).split_whitespace().collect();
            writeln!(output, "{}", words.join(" "))?;
        }
        return Ok(());
    }
    let spans = found.iter().map(|sentence| [sentence.span.start, sentence.span.end]).collect();
    serde_json::to_writer(&mut *output, &Output { id: input.id.clone(), spans }).map_err(std::io::Error::from)?;
    Ok(writeln!(output)?)
}
