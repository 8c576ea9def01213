//! `pressrun run` and `pressrun retry`: prepare a job, run it, show its progress and print its report.

use std::time::{Duration, Instant};

use anyhow::ensure;
use jiff::{SignedDuration, Zoned};

use pressrun::config::values::TimeOfDay;
use pressrun::config::{Config, LogConfig};
use pressrun::error::RunError;
use pressrun::input::part::Part;
use pressrun::pipeline::Interrupt;
use pressrun::report::table;
use pressrun::{Job, Request, Selection};

use crate::cli::{ChosenPart, RetryArguments, RunArguments};
use crate::commands::export::export_after;
use crate::progress::Screen;

/// The exit code of a run that the user stopped: 128 plus the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// Runs the pipeline on rejected inputs again.
pub(crate) fn retry(arguments: &RetryArguments, screen: &Screen) -> anyhow::Result<()> {
    ensure!(arguments.run.part.is_none(), "a part has no retry: `pressrun run --part` tries its rejected inputs again");
    run_selection(&arguments.run, Selection::Rejected(arguments.reason.clone()), screen)
}

/// Runs the pipeline on all inputs.
pub(crate) fn run(arguments: &RunArguments, screen: &Screen) -> anyhow::Result<()> {
    run_selection(arguments, Selection::Everything, screen)
}

fn run_selection(arguments: &RunArguments, selection: Selection, screen: &Screen) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config).map_err(RunError::from)?;
    let part = part_of(arguments)?;
    screen.log().begin(&log_of_part(&config.log, part))?;
    let is_whole = selection == Selection::Everything;
    let deadline = config.run.deadline;
    let export = config.export.clone();
    let (paths, listed) = arguments.input.paths()?;
    let job = Job::prepare(config, Request { paths, listed, redo: arguments.redo, selection, part })?;
    let output = job.output().to_owned();
    let interrupt = stop_time(deadline, arguments.time).map_or_else(Interrupt::default, Interrupt::at);
    stop_on_signal(&interrupt, screen)?;

    let progress = screen.is_watched().then(|| screen.progress(job.finder().survey()));
    let (report, outcome) = job.run(&interrupt, |written| {
        if let Some(progress) = &progress {
            progress.update(written);
        }
    });
    drop(progress);
    screen.tell(&table::render(&report));
    screen.tell(&format!("results in {}", output.display()));
    if report.record.accounting.found == 0 && is_whole && part.is_none() {
        tracing::warn!(
            "no documents were found: folders are searched for files whose names or contents show that they can be read"
        );
    }
    if part.is_some() {
        // Exports are about all parts: the merge writes them.
        return outcome.map_err(Into::into);
    }
    export_after(&report, outcome, &output, &export, screen).map_err(Into::into)
}

/// The part of the input that the arguments name.
fn part_of(arguments: &RunArguments) -> Result<Option<Part>, RunError> {
    match arguments.part {
        None => Ok(None),
        Some(ChosenPart::Given(part)) => Ok(Some(part)),
        Some(ChosenPart::Auto) => Ok(Some(Part::from_environment(|name| std::env::var(name).ok())?)),
    }
}

/// The settings of the log with a file of its own for a part: `pressrun.log` becomes `pressrun.00003-of-00040.log`.
fn log_of_part(config: &LogConfig, part: Option<Part>) -> LogConfig {
    let mut config = config.clone();
    if let (Some(file), Some(part)) = (&mut config.file, part) {
        let mut name = file.file_stem().unwrap_or_default().to_owned();
        name.push(format!(".{}", part.name()));
        if let Some(extension) = file.extension() {
            name.push(".");
            name.push(extension);
        }
        file.set_file_name(name);
    }
    config
}

/// The moment to stop reading: the earlier of the configuration's deadline and the end of the time that the command line gives. It
/// leaves a minute, or a twentieth of the time if that is less, for the documents in progress.
fn stop_time(deadline: Option<TimeOfDay>, time: Option<SignedDuration>) -> Option<Instant> {
    const MARGIN: Duration = Duration::from_secs(60);
    let until_deadline = deadline.map(|deadline| deadline.after(&Zoned::now()));
    let time = time.map(|time| Duration::try_from(time).unwrap_or_default());
    let span = [until_deadline, time].into_iter().flatten().min()?;
    Some(Instant::now() + span.saturating_sub(MARGIN.min(span / 20)))
}

/// Makes the first signal end the run in order, and the second end it at once.
fn stop_on_signal(interrupt: &Interrupt, screen: &Screen) -> Result<(), ctrlc::Error> {
    let interrupt = interrupt.clone();
    let screen = screen.clone();
    ctrlc::set_handler(move || {
        if interrupt.request() {
            std::process::exit(EXIT_INTERRUPTED);
        }
        screen.say("stopping: what has been read is still written; once more stops at once");
    })
}
