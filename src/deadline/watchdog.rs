//! Ends a run that hangs at a document: in a loop without end, of our code or others', which nothing in the process can break off. The
//! document is noted, so that the next run goes on without it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::stopwatch::{self, Work};
use super::suspects;

/// The exit code of a run that hung: it has failed.
const EXIT_FAILED: i32 = 2;

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Watches as long as it is there.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// Closes when this is dropped.
    _presence: Sender<()>,
}

impl Watchdog {
    /// Watches over what stages do, for a run that writes into `folder`.
    pub(crate) fn start(folder: PathBuf) -> std::io::Result<Self> {
        let (presence, absence) = mpsc::channel::<()>();
        thread::Builder::new().name("watchdog".into()).spawn(move || {
            while absence.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                if let Some((work, spent)) = stopwatch::overdue() {
                    end(&folder, &work, spent);
                }
            }
        })?;
        Ok(Self { _presence: presence })
    }
}

/// The threads that do not come back cannot be ended but with the process. The output folder is as after any other sudden end.
fn end(folder: &Path, work: &Work, spent: Duration) -> ! {
    let Work { stage, place } = work;
    let seconds = spent.as_secs();
    match suspects::note(folder, work, spent) {
        Ok(()) => tracing::error!(
            "{place} hangs in the stage `{stage}`: {seconds} seconds of a processor, and no end. This run ends here; the next one goes on, \
             without this document"
        ),
        Err(error) => tracing::error!(
            "{place} hangs in the stage `{stage}`: {seconds} seconds of a processor, and no end. This run ends here, and the next one would hang \
             again, as {} cannot be written: {error}",
            folder.join(suspects::FILE).display()
        ),
    }
    std::process::exit(EXIT_FAILED)
}
