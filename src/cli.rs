//! The command line. It chooses files and verbosity; `pipeline.toml` chooses behaviour.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::progress::Screen;

/// Batch NLP for news archives: statements with speaker, topic and sentiment, as JSON Lines.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Say more: -v what is done and what is rejected, -vv details
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read articles, find what is in them, write it down
    Run(RunArguments),
    /// Show what is found in files, as JSON Lines, without a model
    Read(ReadArguments),
    /// Run once more what was rejected
    Retry(RetryArguments),
    /// Say what an output folder holds, also while a run is going on
    Status(FolderArguments),
    /// Check that an output folder is as it was written
    Verify(VerifyArguments),
    /// Remove documents from an output folder, for good
    Forget(ForgetArguments),
    /// Show the statements of an output folder as a table
    Show(ShowArguments),
    /// Split text or JSON Lines from standard input into sentences
    Split(SplitArguments),
    /// Fit a model to labelled sets
    Train(TrainArguments),
    /// Measure what a task's labels are worth on a labelled file
    Evaluate(EvaluateArguments),
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArguments {
    /// Labelled JSON Lines; docs/training.md says which fields are read
    pub(crate) data: PathBuf,

    /// The task of the configuration, or a head of `--model`
    #[arg(short, long)]
    pub(crate) task: String,

    /// The configuration
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,

    /// A model folder, instead of the task's model in the configuration
    #[arg(short, long)]
    pub(crate) model: Option<PathBuf>,

    /// A second model folder to compare with, row by row
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) against: Option<PathBuf>,

    /// Read only rows with this value in this field; may be given several times
    #[arg(long, value_name = "FIELD=VALUE", value_parser = field_and_value)]
    pub(crate) only: Vec<(String, String)>,

    /// The field of the label [default: the first of those known that a row has]
    #[arg(long, value_name = "FIELD")]
    pub(crate) label: Option<String>,

    /// Leave out what stands before and after each text
    #[arg(long)]
    pub(crate) alone: bool,

    /// Write one JSON object instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

fn field_and_value(text: &str) -> Result<(String, String), String> {
    let (field, value) = text.split_once('=').ok_or_else(|| "expected FIELD=VALUE".to_owned())?;
    Ok((field.to_owned(), value.to_owned()))
}

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    /// What to train on and how; see models/newsroom/recipe.toml
    pub(crate) recipe: PathBuf,
    /// Train nothing: calibrate the finished model in the recipe's output folder on the recipe's dev sets
    #[arg(long)]
    pub(crate) calibrate: bool,
    /// Take this seed instead of the recipe's, and write to `<output>-N`: to tell a gain from chance, or for several teachers
    #[arg(long, value_name = "N", conflicts_with = "calibrate")]
    pub(crate) seed: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Stop reading after so long, as in 8h or 90m; what is under way is still written
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) time: Option<jiff::SignedDuration>,

    /// Do documents again whose results come from another configuration or model
    #[arg(long)]
    pub(crate) redo: bool,

    /// The configuration
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ReadArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// The configuration, of which `[input]` counts [default: pipeline.toml, or else the defaults]
    #[arg(short, long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InputArguments {
    /// Files, folders, patterns, or - for standard input [default: `[input] paths` of the configuration]
    paths: Vec<PathBuf>,

    /// Read also the files and folders that this file lists, one a line; - for standard input
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
}

impl InputArguments {
    /// What was named, and what was listed.
    pub(crate) fn paths(&self) -> std::io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
        let list = match &self.files_from {
            None => String::new(),
            Some(file) if file.as_os_str() == "-" => std::io::read_to_string(std::io::stdin())?,
            Some(file) => std::fs::read_to_string(file).map_err(|error| {
                std::io::Error::new(error.kind(), format!("cannot read `{}`: {error}", file.display()))
            })?,
        };
        let listed = list.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(PathBuf::from).collect();
        Ok((self.paths.clone(), listed))
    }
}

#[derive(Debug, Args)]
pub(crate) struct FolderArguments {
    /// The output folder
    #[arg(default_value = "output")]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The output folder [default: that of `--config`, or `output` where there is no configuration]
    #[arg(conflicts_with = "sample")]
    pub(crate) directory: Option<PathBuf>,

    /// Read so many documents once more and compare, in the output folder of `--config`
    #[arg(short, long, default_value_t = 0, value_name = "DOCUMENTS")]
    pub(crate) sample: u64,

    /// With `--sample`: what was read [default: `[input] paths` of the configuration]
    #[arg(long = "input", value_name = "PATH", requires = "sample")]
    pub(crate) paths: Vec<PathBuf>,

    /// The configuration of the run
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArguments {
    /// Ids of documents, as `documents.jsonl` has them
    #[arg(required = true)]
    pub(crate) documents: Vec<String>,

    /// The configuration, which names the output folder
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArguments {
    /// Only what was rejected for this reason
    #[arg(long)]
    pub(crate) reason: Option<String>,

    #[command(flatten)]
    pub(crate) run: RunArguments,
}

#[derive(Debug, Args)]
pub(crate) struct SplitArguments {
    /// What standard input is
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) format: SplitFormat,

    /// Write the sentences themselves, one a line, instead of where they stand
    #[arg(short, long)]
    pub(crate) text: bool,
}

/// How standard input is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitFormat {
    /// JSON Lines where it begins with `{`, else text
    #[default]
    Auto,
    /// One text
    Text,
    /// Objects with `text` and, if wanted, `id`
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The output folder
    #[arg(default_value = "output")]
    pub(crate) directory: PathBuf,

    /// How many statements of each document to show
    #[arg(short = 'n', long, default_value_t = 3)]
    pub(crate) statements: usize,

    /// How many documents to show
    #[arg(short, long, default_value_t = 20)]
    pub(crate) documents: usize,
}

impl Cli {
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Begins logging: warnings to the screen, and what is done and rejected to the log, if there is to be one. The flags or
    /// `PRESSRUN_LOG` say otherwise.
    pub(crate) fn start_log(&self, screen: &Screen) {
        const DONE: &str = "pressrun=info,warn";
        let (to_screen, to_file) = match (self.quiet, self.verbose) {
            (true, _) => ("error", DONE),
            (false, 0) => ("warn", DONE),
            (false, 1) => (DONE, DONE),
            (false, _) => ("debug", "debug"),
        };
        let filter = |level| EnvFilter::try_from_env("PRESSRUN_LOG").unwrap_or_else(|_| EnvFilter::new(level));
        let (screen, log) = (screen.clone(), screen.log().clone());
        let shown = tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(move || screen.writer())
            .with_filter(filter(to_screen));
        let kept = tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(false)
            .without_time()
            .with_writer(move || log.writer())
            .with_filter(filter(to_file));
        tracing_subscriber::registry().with(shown).with(kept).init();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
