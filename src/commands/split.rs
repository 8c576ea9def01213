//! `pressrun split`: standard input to sentences, to be used and measured without a model.

use std::io::{BufRead, BufWriter, ErrorKind, Write};

use anyhow::{Context, bail};
use pressrun::record::Sentence;
use pressrun::sentences::sentences;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::{SplitArguments, SplitFormat};

/// How many lines are split at once: enough for all cores, few enough to be held in memory.
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
    /// Where each sentence begins and ends, in code points.
    spans: Vec<[usize; 2]>,
}

/// # Errors
/// Where standard input cannot be read or is no UTF-8, or a line holds no text: those after it are split all the same.
pub(crate) fn split(arguments: &SplitArguments) -> anyhow::Result<()> {
    let (mut input, mut output) = (std::io::stdin().lock(), BufWriter::new(std::io::stdout().lock()));
    let outcome = if is_json_lines(arguments.format, &mut input)? {
        split_lines(input, &mut output, arguments.text)
    } else {
        split_text(input, &mut output, arguments.text)
    };
    match outcome.and_then(|()| Ok(output.flush()?)) {
        // The reader closed the pipe.
        Err(error) if is_broken_pipe(&error) => Ok(()),
        outcome => outcome,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
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
    let mut lines = input.lines().enumerate().map(|(place, line)| (place + 1, line));
    let mut bad = 0_usize;
    loop {
        let block: Vec<_> = lines.by_ref().take(LINES_AT_ONCE).collect();
        if block.is_empty() {
            break;
        }
        let found: Vec<_> =
            block.into_par_iter().filter_map(|(number, line)| rendered(number, line, wants_text)).collect();
        for text in found {
            match text {
                Ok(text) => output.write_all(&text)?,
                Err(message) => {
                    bad += 1;
                    tracing::error!("{message}");
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

/// What is written for a line, or what is wrong with it; nothing for a blank line.
fn rendered(number: usize, line: std::io::Result<String>, wants_text: bool) -> Option<Result<Vec<u8>, String>> {
    let wrong = |cause: &dyn std::fmt::Display| format!("standard input, line {number}: {cause}");
    let line = match line {
        Ok(line) if line.trim().is_empty() => return None,
        Ok(line) => line,
        Err(error) => return Some(Err(wrong(&error))),
    };
    let rendered = |input: Input| {
        let mut bytes = Vec::new();
        write(&mut bytes, &input, wants_text).map(|()| bytes).map_err(|error| wrong(&error))
    };
    // A record is one line: where in it is the column alone.
    let place = |error: serde_json::Error| wrong(&error.to_string().replace(" at line 1 column ", " at column "));
    Some(serde_json::from_str(&line).map_err(place).and_then(rendered))
}

fn write(output: &mut impl Write, input: &Input, wants_text: bool) -> anyhow::Result<()> {
    let found = sentences(&input.text);
    if wants_text {
        for sentence in found {
            let words: Vec<&str> = sentence.span.slice(&input.text).split_whitespace().collect();
            writeln!(output, "{}", words.join(" "))?;
        }
        return Ok(());
    }
    let span = |sentence: &Sentence| [sentence.span.start, sentence.span.end];
    serde_json::to_writer(&mut *output, &Output { id: input.id.clone(), spans: found.iter().map(span).collect() })
        .map_err(std::io::Error::from)?;
    Ok(writeln!(output)?)
}
