//! `pressrun labels`: own labels, from their file to a fit that a run can use.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::Context;

use pressrun::config::Config;
use pressrun::error::RunError;
use pressrun::fitting::{self, FittedText, Imported, OwnTask, ToolFormat};

use crate::cli::{AnswerFormat, FitArguments, ImportArguments, LabelsCommand, OwnTaskArguments};

/// Runs a subcommand.
///
/// # Errors
/// A configuration, a file of labels or of answers, or a model that cannot be used.
pub(crate) fn labels(command: &LabelsCommand) -> anyhow::Result<()> {
    match command {
        LabelsCommand::Fit(arguments) => fit(arguments),
        LabelsCommand::Check(arguments) => check(arguments),
        LabelsCommand::Card(arguments) => card(arguments),
        LabelsCommand::Conflicts(arguments) => conflicts(arguments),
        LabelsCommand::Import(arguments) => import(arguments),
    }
}

fn fit(arguments: &FitArguments) -> anyhow::Result<()> {
    let config = load(&arguments.task.config)?;
    let task = OwnTask::open(&config, arguments.task.task.as_deref()).map_err(RunError::from)?;
    let fitted = fitting::fit(&task, arguments.paths.clone()).map_err(RunError::from)?;
    let path = fitting::write(&task, &fitted.fit).map_err(RunError::from)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        return print_json(&fitted.cards, &mut out);
    }
    write!(out, "{}", FittedText { fitted: &fitted, task: task.name, is_whole: false })?;
    writeln!(out, "\nwritten to {}", path.display())?;
    Ok(())
}

fn card(arguments: &FitArguments) -> anyhow::Result<()> {
    let config = load(&arguments.task.config)?;
    let task = OwnTask::open(&config, arguments.task.task.as_deref()).map_err(RunError::from)?;
    let fitted = fitting::fit(&task, arguments.paths.clone()).map_err(RunError::from)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        return print_json(&fitted.cards, &mut out);
    }
    write!(out, "{}", FittedText { fitted: &fitted, task: task.name, is_whole: true })?;
    Ok(())
}

fn check(arguments: &OwnTaskArguments) -> anyhow::Result<()> {
    let config = load(&arguments.config)?;
    let task = OwnTask::open(&config, arguments.task.as_deref()).map_err(RunError::from)?;
    task.check().map_err(RunError::from)?;
    let mut out = std::io::stdout().lock();
    let (labels, examples) = (task.file.labels.len(), task.file.examples.len());
    writeln!(out, "{}: {labels} labels and {examples} examples without a contradiction", task.name)?;
    for remark in task.remarks() {
        writeln!(out, "{remark}")?;
    }
    Ok(())
}

fn conflicts(arguments: &FitArguments) -> anyhow::Result<()> {
    let config = load(&arguments.task.config)?;
    let task = OwnTask::open(&config, arguments.task.task.as_deref()).map_err(RunError::from)?;
    let found = fitting::conflicts(&task, arguments.paths.clone()).map_err(RunError::from)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        return print_json(&found, &mut out);
    }
    for conflict in &found {
        writeln!(out, "{conflict}")?;
    }
    writeln!(out, "{} questions", found.len())?;
    Ok(())
}

fn import(arguments: &ImportArguments) -> anyhow::Result<()> {
    let config = load(&arguments.config)?;
    let task = OwnTask::open(&config, arguments.task.as_deref()).map_err(RunError::from)?;
    let text = read_text(&arguments.answers)?;
    let imported = fitting::import(&task, &text, arguments.format.map(tool_format)).map_err(RunError::from)?;
    let mut out = std::io::stdout().lock();
    let Imported { file, accepted, refused, unanswered, known, left_out } = &imported;
    for reason in left_out {
        writeln!(out, "left out: {reason}")?;
    }
    writeln!(
        out,
        "{}: {accepted} examples and {refused} counterexamples added; {known} known before, {unanswered} without an answer, {} left out",
        file.display(),
        left_out.len()
    )?;
    if accepted + refused > 0 {
        writeln!(out, "`pressrun labels fit {}` fits the labels to them", task.name)?;
    }
    Ok(())
}

/// The text of a file, or of standard input for `-`.
fn read_text(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

fn load(path: &Path) -> Result<Config, RunError> {
    Ok(Config::load(path)?)
}

fn print_json(value: &impl serde::Serialize, out: &mut impl Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}

/// The form that an argument names.
pub(crate) fn tool_format(format: AnswerFormat) -> ToolFormat {
    match format {
        AnswerFormat::LabelStudio => ToolFormat::LabelStudio,
        AnswerFormat::Prodigy => ToolFormat::Prodigy,
        AnswerFormat::Argilla => ToolFormat::Argilla,
        AnswerFormat::Doccano => ToolFormat::Doccano,
        AnswerFormat::Csv => ToolFormat::Csv,
    }
}
