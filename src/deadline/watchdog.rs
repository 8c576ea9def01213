//! Ends a run that hangs at a document: in an endless loop, of our code or a library's, which nothing in the process can end. The
//! document goes into a list, and the next run continues without it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::stopwatch::{self, Work};
use super::suspects;

/// The exit code of a run that hung: it has failed.
const EXIT_FAILED: i32 = 2;

/// The time between two checks.
const PERIOD: Duration = Duration::from_secs(1);

/// A thread that checks for hung work until this is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// The channel to the thread: it closes when this is dropped.
    _presence: Sender<()>,
}

impl Watchdog {
    /// Starts the thread, for a run that writes into `folder`.
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

/// Adds the work to the list in `folder`, and ends the process: nothing else ends a thread that hangs. The output folder is as after
/// any other sudden end.
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
