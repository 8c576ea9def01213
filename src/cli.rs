//! The command line. It chooses files and verbosity; `pipeline.toml` chooses behaviour.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use pressrun::input::part::{Part, PartError};

use crate::progress::Screen;

/// The version, and what this build can do.
const VERSION: &str = if cfg!(feature = "torch") {
    concat!(env!("CARGO_PKG_VERSION"), " (cpu, cuda, training)")
} else {
    concat!(env!("CARGO_PKG_VERSION"), " (cpu)")
};

/// Batch NLP for news archives: statements with speaker, topic and sentiment, as JSON Lines.
#[derive(Debug, Parser)]
#[command(version = VERSION, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Log more: -v for progress and rejections, -vv for details
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented configuration to begin with
    Init(InitArguments),
    /// Check a configuration, its paths, models and disk space, without running it
    Validate(ValidateArguments),
    /// Say what a run would do and why: documents, tokens, time, disk space
    Plan(PlanArguments),
    /// Run the pipeline: read articles, analyse them, write the results
    Run(RunArguments),
    /// Join the parts of an input, processed by `run --part`, to one output folder
    Merge(MergeArguments),
    /// Analyse JSON Lines from standard input, and write one line for each to standard output
    Stream(StreamArguments),
    /// Parse files and print their documents as JSON Lines, without a model
    Read(ReadArguments),
    /// Run the pipeline again on rejected inputs
    Retry(RetryArguments),
    /// List the runs of an output folder with their numbers
    Nights(NightsArguments),
    /// Show the state of an output folder (also during a run)
    Status(FolderArguments),
    /// Bring tables of the results for other programs up to date
    Export(ExportArguments),
    /// Check that an output folder is complete and unchanged
    Verify(VerifyArguments),
    /// Make a page about the last night: what changed, sources, topics, speakers (HTML, or text for mail)
    Report(ReportArguments),
    /// Remove documents from an output folder permanently
    Forget(ForgetArguments),
    /// Show the statements of an output folder as a table
    Show(ShowArguments),
    /// Compare two configurations on articles, or two output folders: labels that flip, shares, speakers
    Compare(CompareArguments),
    /// Say why a statement has its labels and speakers
    Explain(ExplainArguments),
    /// Compare a night with earlier nights, and say what is unusual
    Drift(DriftArguments),
    /// Split text or JSON Lines from standard input into sentences
    Split(SplitArguments),
    /// Run the `[[tests]]` of a configuration: texts with expected results
    Test(TestArguments),
    /// Fit own labels to their examples, check them, measure them, and take in answers
    #[command(subcommand)]
    Labels(LabelsCommand),
    /// Suggest the statements that an own label should be checked on next, for a labelling tool
    Suggest(SuggestArguments),
    /// Train a model on labelled sets
    Train(TrainArguments),
    /// Score a task against a labelled file
    Evaluate(EvaluateArguments),
    /// Print a script that lets a shell complete commands and options
    Completions(CompletionsArguments),
    /// Print the manual page of pressrun, or write all manual pages into a folder
    Man(ManArguments),
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArguments {
    /// Labelled JSON Lines; docs/training.md describes the fields
    pub(crate) data: PathBuf,

    /// A task of the configuration, or with `--model` a head of that model
    #[arg(short, long)]
    pub(crate) task: String,

    /// Configuration file
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,

    /// Model folder to use instead of the model that the configuration names for the task
    #[arg(short, long)]
    pub(crate) model: Option<PathBuf>,

    /// Second model folder, for a row-by-row comparison
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) against: Option<PathBuf>,

    /// Use only rows that have this value in this field; may be repeated
    #[arg(long, value_name = "FIELD=VALUE", value_parser = field_and_value)]
    pub(crate) only: Vec<(String, String)>,

    /// Field that holds the label [default: the first known label field in the row]
    #[arg(long, value_name = "FIELD")]
    pub(crate) label: Option<String>,

    /// Text between several values of a label field, such as "|" in "1|5"
    #[arg(long, value_name = "TEXT")]
    pub(crate) separator: Option<String>,

    /// Field that holds the text [default: text]
    #[arg(long, value_name = "FIELD")]
    pub(crate) text: Option<String>,

    /// Ignore the context fields `title`, `before` and `after`
    #[arg(long)]
    pub(crate) alone: bool,

    /// Write the scores of every row to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) predictions: Option<PathBuf>,

    /// Print one JSON object instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

fn field_and_value(text: &str) -> Result<(String, String), String> {
    let (field, value) = text.split_once('=').ok_or_else(|| "expected FIELD=VALUE".to_owned())?;
    Ok((field.to_owned(), value.to_owned()))
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Write a page for each command, and pipeline.toml(5), into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// Id of the statement, as in the output: a document's id, # and a number, such as a1b2c3#7
    pub(crate) statement: String,

    /// The inputs of the run [default: `[input] paths` of the configuration]
    #[arg(long = "input", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Print JSON, with the scores of all labels and the weights of all words
    #[arg(long)]
    pub(crate) json: bool,

    /// Configuration file of the run
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Folder for `pipeline.toml`, its JSON Schema, and own labels
    #[arg(default_value = ".")]
    pub(crate) directory: PathBuf,

    /// Model folder [default: models/newsroom in the current folder, or the installed one]
    #[arg(short, long)]
    pub(crate) model: Option<PathBuf>,

    /// Also write example articles, as the input of the first run
    #[arg(long)]
    pub(crate) examples: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArguments {
    /// Files, folders and glob patterns of the run [default: `[input] paths` of the configuration]
    pub(crate) paths: Vec<PathBuf>,

    /// Print a JSON array with one object per check
    #[arg(long)]
    pub(crate) json: bool,

    /// Configuration file
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

fn limit(text: &str) -> Result<pressrun::compare::Limit, String> {
    text.parse().map_err(|error: pressrun::compare::LimitError| error.to_string())
}

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// Old configuration file, or old output folder
    pub(crate) old: PathBuf,

    /// New configuration file, or new output folder
    pub(crate) new: PathBuf,

    /// With two configurations: files, folders and glob patterns [default: `[input] paths` of the old one]
    pub(crate) paths: Vec<PathBuf>,

    /// With two configurations: compare a sample of so many documents
    #[arg(short, long, value_name = "DOCUMENTS")]
    pub(crate) sample: Option<usize>,

    /// Print JSON, with all flips and examples
    #[arg(long)]
    pub(crate) json: bool,

    /// Also write the comparison to this file, as a page
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// Exit with code 1 above this limit: flips>2%, flips.TASK>2% or speakers>2% (old speakers that are lost); may be repeated
    #[arg(long, value_name = "LIMIT", value_parser = limit)]
    pub(crate) fail_on: Vec<pressrun::compare::Limit>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Plan a run with `--redo`
    #[arg(long)]
    pub(crate) redo: bool,

    /// Also analyse so many stored documents again, and show the labels that would flip
    #[arg(short, long, default_value_t = 0, value_name = "DOCUMENTS")]
    pub(crate) sample: u64,

    /// Exit with code 3 if there are documents to analyse
    #[arg(long)]
    pub(crate) exit_code: bool,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Configuration file
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct StreamArguments {
    /// Read and write Arrow IPC streams instead of lines: a row out for each row in, a record batch for each record batch
    #[arg(long)]
    pub(crate) arrow: bool,

    /// Workers per model [default: `workers` of the configuration]
    #[arg(short, long, value_name = "N")]
    pub(crate) workers: Option<std::num::NonZeroUsize>,

    /// Configuration file; `[input]` but its paths, `[models]`, `[tasks]`, `[output] fields` and `[run]` are used
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// Files with `[[tests]]` [default: those of the configuration]
    pub(crate) files: Vec<PathBuf>,

    /// Also write the outcomes to this file, as XML for continuous integration (junit)
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,

    /// Print a test made from this statement of the output folder, such as a1b2c3#7, instead of running tests
    #[arg(long, value_name = "STATEMENT", conflicts_with_all = ["files", "junit"])]
    pub(crate) from: Option<String>,

    /// Configuration file
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LabelsCommand {
    /// Fit the labels to their descriptions, their examples and the archive, and write the result beside their file
    Fit(FitArguments),
    /// Check the files of labels and examples, without a model
    Check(OwnTaskArguments),
    /// Measure the labels: precision, recall, overlaps, the nearest wrong examples
    Card(FitArguments),
    /// List examples whose answers contradict each other, as questions
    Conflicts(FitArguments),
    /// Add the answers of a labelling tool to the file of examples
    Import(ImportArguments),
}

#[derive(Debug, Args)]
pub(crate) struct OwnTaskArguments {
    /// A task with own labels [default: the only one of the configuration]
    pub(crate) task: Option<String>,

    /// Configuration file
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct FitArguments {
    #[command(flatten)]
    pub(crate) task: OwnTaskArguments,

    /// The inputs of the run, in which the archive's articles are read again [default: `[input] paths` of the configuration]
    #[arg(long = "input", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The answers: the export of a labelling tool, or a table; - for standard input
    pub(crate) answers: PathBuf,

    /// A task with own labels [default: the only one of the configuration]
    #[arg(short, long)]
    pub(crate) task: Option<String>,

    /// The form of the answers [default: found by their fields]
    #[arg(short, long, value_enum)]
    pub(crate) format: Option<AnswerFormat>,

    /// Configuration file
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SuggestArguments {
    #[command(flatten)]
    pub(crate) task: OwnTaskArguments,

    /// The label, by its code or name
    #[arg(short, long)]
    pub(crate) label: String,

    /// Number of statements
    #[arg(short = 'n', long, default_value_t = 40)]
    pub(crate) count: usize,

    /// Number of documents of the archive to look through
    #[arg(long, default_value_t = 2000)]
    pub(crate) documents: usize,

    /// The labelling tool
    #[arg(short, long, value_enum, default_value_t = AnswerFormat::Csv)]
    pub(crate) format: AnswerFormat,

    /// The inputs of the run, in which the archive's articles are read again [default: `[input] paths` of the configuration]
    #[arg(long = "input", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

/// The form of suggestions and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerFormat {
    /// JSON of Label Studio
    LabelStudio,
    /// JSON Lines of Prodigy
    Prodigy,
    /// JSON of Argilla's records
    Argilla,
    /// JSON Lines of doccano
    Doccano,
    /// A table
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    /// Recipe: the sets and settings of the training; see models/newsroom/recipe.toml
    pub(crate) recipe: PathBuf,
    /// Skip training; calibrate the finished model in the recipe's output folder on the recipe's dev sets
    #[arg(long)]
    pub(crate) calibrate: bool,
    /// Folder of the labelled files, instead of the one that the recipe names
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Override the recipe's seed and write to `<output>-N`, to measure chance variation or train several teachers
    #[arg(long, value_name = "N", conflicts_with = "calibrate")]
    pub(crate) seed: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Stop reading after this time, such as 8h or 90m; documents in progress are still written
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) time: Option<jiff::SignedDuration>,

    /// Reprocess documents whose results come from a different configuration or model
    #[arg(long)]
    pub(crate) redo: bool,

    /// Process part K of N (K from 0) into a folder of its own, for `pressrun merge`; `auto` takes both from Slurm, Kubernetes or AWS Batch
    #[arg(long, value_name = "K/N", value_parser = part)]
    pub(crate) part: Option<ChosenPart>,

    /// Configuration file
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

/// A part as it is written on the command line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ChosenPart {
    /// The one that environment variables tell.
    Auto,
    /// This one.
    Given(Part),
}

fn part(text: &str) -> Result<ChosenPart, String> {
    if text == "auto" {
        return Ok(ChosenPart::Auto);
    }
    text.parse().map(ChosenPart::Given).map_err(|error: PartError| error.to_string())
}

#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    /// Folders of all parts, in any order, such as output/parts/*
    #[arg(required = true)]
    pub(crate) parts: Vec<PathBuf>,

    /// Output folder, without results [default: `[output] directory` of the configuration]
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,

    /// Merge parts although processors of different kinds computed them, so that scores differ in their last digits
    #[arg(long)]
    pub(crate) allow_mixed_processors: bool,

    /// Configuration file of the parts
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ReadArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Configuration file; only `[input]` is used [default: pipeline.toml if it exists, otherwise built-in defaults]
    #[arg(short, long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InputArguments {
    /// Files, folders, glob patterns, or - for standard input [default: `[input] paths` of the configuration]
    paths: Vec<PathBuf>,

    /// Also read the files and folders listed in this file, one per line; - for standard input
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
}

impl InputArguments {
    /// The paths given as arguments, and the paths listed in `--files-from`.
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
    /// Output folder
    #[arg(default_value = "output")]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct NightsArguments {
    /// Output folder
    #[arg(default_value = "output")]
    pub(crate) directory: PathBuf,

    /// Print one JSON object per run with all its numbers, by source and label
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Output folder [default: the one in `--config`, or `output` if there is no configuration]
    pub(crate) directory: Option<PathBuf>,

    /// Write everything again, not only what has changed
    #[arg(long)]
    pub(crate) redo: bool,

    /// Configuration file, whose `[export]` is used [default: pipeline.toml if it exists, otherwise the settings of the last export]
    #[arg(short, long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DriftArguments {
    /// Output folder [default: the one in `--config`, or `output` if there is no configuration]
    #[arg(conflicts_with = "nights")]
    pub(crate) directory: Option<PathBuf>,

    /// Judge the night with this number, as `pressrun nights` lists them [default: the last one]
    #[arg(short, long, value_name = "N")]
    pub(crate) night: Option<u32>,

    /// Judge every night as if it were the last one, to see how often there would have been alarms
    #[arg(long, conflicts_with_all = ["night", "fail"])]
    pub(crate) all: bool,

    /// Read the nights from this file instead of a ledger, as `pressrun nights --json` prints them; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) nights: Option<PathBuf>,

    /// Print JSON, one object a night; docs/schema/drift.schema.json describes it
    #[arg(long)]
    pub(crate) json: bool,

    /// Exit with code 1 if there are alarms
    #[arg(long)]
    pub(crate) fail: bool,

    /// Configuration file, whose `[drift]` is used [default: pipeline.toml if it exists, otherwise built-in defaults]
    #[arg(short, long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Output folder [default: the one in `--config`, or `output` if there is no configuration]
    #[arg(conflicts_with = "sample")]
    pub(crate) directory: Option<PathBuf>,

    /// Reprocess N documents and compare with the stored results, in the output folder of `--config`
    #[arg(short, long, default_value_t = 0, value_name = "DOCUMENTS")]
    pub(crate) sample: u64,

    /// With `--sample`: the inputs of the run [default: `[input] paths` of the configuration]
    #[arg(long = "input", value_name = "PATH", requires = "sample")]
    pub(crate) paths: Vec<PathBuf>,

    /// Configuration file of the run
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Output folder [default: the one in `--config`, or `output` if there is no configuration]
    pub(crate) directory: Option<PathBuf>,

    /// Print at most 25 lines of text instead, for mail
    #[arg(short, long)]
    pub(crate) text: bool,

    /// File to write; - for standard output [default: `[report] html` of the configuration, or report.html; with `--text`, -]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Configuration file; only `[output] directory`, `[report]` and `[drift]` are used [default: pipeline.toml if it exists, otherwise
    /// built-in defaults]
    #[arg(short, long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArguments {
    /// Document ids, as listed in `documents.jsonl`
    #[arg(required = true)]
    pub(crate) documents: Vec<String>,

    /// Configuration file, which names the output folder
    #[arg(short, long, default_value = "pipeline.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArguments {
    /// Retry only inputs that were rejected for this reason
    #[arg(long)]
    pub(crate) reason: Option<String>,

    #[command(flatten)]
    pub(crate) run: RunArguments,
}

#[derive(Debug, Args)]
pub(crate) struct SplitArguments {
    /// Format of standard input
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) format: SplitFormat,

    /// Print the sentences themselves, one per line, instead of JSON with their positions
    #[arg(short, long)]
    pub(crate) text: bool,
}

/// The format of standard input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitFormat {
    /// JSON Lines if the input begins with `{`, otherwise text
    #[default]
    Auto,
    /// One text
    Text,
    /// JSON objects with `text` and optionally `id`
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// Output folder
    #[arg(default_value = "output")]
    pub(crate) directory: PathBuf,

    /// Number of statements to show per document
    #[arg(short = 'n', long, default_value_t = 3)]
    pub(crate) statements: usize,

    /// Number of documents to show
    #[arg(short, long, default_value_t = 20)]
    pub(crate) documents: usize,
}

impl Cli {
    /// True if only errors are printed.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Starts logging. Warnings go to the screen; progress and rejections go to the log file, if one is configured. The
    /// flags and `PRESSRUN_LOG` override these levels.
    pub(crate) fn start_log(&self, screen: &Screen) {
        const DONE: &str = "pressrun=info,warn";
        let (to_screen, to_file) = match (self.quiet, self.verbose) {
            (true, _) => ("error", DONE),
            (false, 0) => ("warn", DONE),
            (false, 1) => (DONE, DONE),
            (false, _) => ("debug", "debug"),
        };
        let log = screen.log().clone();
        let screen = screen.clone();
        let shown = tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(move || screen.writer())
            .with_filter(log_filter(to_screen));
        let kept = tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(false)
            .without_time()
            .with_writer(move || log.writer())
            .with_filter(log_filter(to_file));
        tracing_subscriber::registry().with(shown).with(kept).init();
    }
}

/// Libraries whose messages may have signed addresses in them.
const NETWORK_LIBRARIES: [&str; 8] =
    ["h2", "hyper", "hyper_util", "object_store", "reqwest", "rustls", "rustls_platform_verifier", "tower_http"];

/// The filter that `PRESSRUN_LOG` describes, or else the one of `level`.
fn log_filter(level: &str) -> EnvFilter {
    let filter = EnvFilter::try_from_env("PRESSRUN_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let silenced = NETWORK_LIBRARIES.iter().filter_map(|library| format!("{library}=off").parse().ok());
    silenced.fold(filter, EnvFilter::add_directive)
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
