//! `pressrun run`: prepares a job, watches over it, and says how it ended.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Zoned};

use pressrun::config::Config;
use pressrun::config::values::TimeOfDay;
use pressrun::error::RunError;
use pressrun::pipeline::Interrupt;
use pressrun::report::table;
use pressrun::{Job, Only, Request};

use crate::cli::{RetryArguments, RunArguments};
use crate::progress::Screen;

/// Stopped by the user: 128 and the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// Runs what was rejected once more.
pub(crate) fn retry(arguments: &RetryArguments, screen: &Screen) -> anyhow::Result<()> {
    take(&arguments.run, Only::Rejected(arguments.reason.clone()), screen)
}

pub(crate) fn run(arguments: &RunArguments, screen: &Screen) -> anyhow::Result<()> {
    take(arguments, Only::Everything, screen)
}

fn take(arguments: &RunArguments, only: Only, screen: &Screen) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config).map_err(RunError::from)?;
    screen.log().begin(&config.log)?;
    let is_whole = only == Only::Everything;
    let (output, deadline) = (config.output.directory.clone(), config.run.deadline);
    let (paths, listed) = arguments.input.paths()?;
    let job = Job::prepare(config, Request { paths, listed, redo: arguments.redo, only })?;
    let interrupt = until(deadline, arguments.time).map_or_else(Interrupt::default, Interrupt::at);
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
    if report.record.accounting.found == 0 && is_whole {
        tracing::warn!(
            "no documents were found: folders are searched for files whose names or contents show that they can be read"
        );
    }
    outcome.map_err(Into::into)
}

/// When to stop reading: the earlier of the configuration's deadline and the time that the command line gives, less a minute (or a
/// twentieth of what there is) for what is under way then.
fn until(deadline: Option<TimeOfDay>, time: Option<SignedDuration>) -> Option<Instant> {
    const MARGIN: Duration = Duration::from_secs(60);
    let until_deadline = deadline.map(|deadline| deadline.after(&Zoned::now()));
    let time = time.map(|time| Duration::try_from(time).unwrap_or_default());
    let span = [until_deadline, time].into_iter().flatten().min()?;
    Some(Instant::now() + span.saturating_sub(MARGIN.min(span / 20)))
}

/// The first signal ends the run in order, the second at once.
fn stop_on_signal(interrupt: &Interrupt, screen: &Screen) -> Result<(), ctrlc::Error> {
    let (interrupt, screen) = (interrupt.clone(), screen.clone());
    ctrlc::set_handler(move || {
        if interrupt.request() {
            std::process::exit(EXIT_INTERRUPTED);
        }
        screen.say("stopping: what has been read is still written; once more stops at once");
    })
}
