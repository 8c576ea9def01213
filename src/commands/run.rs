//! `pressrun run`: prepares a job, watches over it, and says how it ended.

use pressrun::config::Config;
use pressrun::error::RunError;
use pressrun::pipeline::Interrupt;
use pressrun::report::table;
use pressrun::{Job, Redo};

use crate::cli::RunArguments;
use crate::progress::Screen;

/// Stopped by the user: 128 and the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

pub(crate) fn run(arguments: &RunArguments, screen: &Screen) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config).map_err(RunError::from)?;
    let output = config.output.directory.clone();
    let redo = if arguments.redo { Redo::Yes } else { Redo::AsConfigured };
    let job = Job::prepare(config, arguments.paths.clone(), redo)?;
    let interrupt = Interrupt::default();
    stop_on_signal(&interrupt, screen)?;

    let progress = screen.is_watched().then(|| screen.progress(job.finder().survey()));
    let (report, outcome) = job.run(&interrupt, |written| {
        if let Some(progress) = &progress {
            progress.update(written);
        }
    });
    drop(progress);
    if !screen.is_quiet() {
        screen.say(&table::render(&report));
        screen.say(&format!("results in {}", output.display()));
    }
    if report.accounting.found == 0 {
        tracing::warn!("no documents were found: only .txt and .jsonl files are read from folders");
    }
    outcome.map_err(Into::into)
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
