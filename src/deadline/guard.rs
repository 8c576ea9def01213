//! A guard around the work on one document: if the work panics or takes too long, the document is rejected, and the run goes on.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::faults;
use super::stopwatch::{self, Stopwatch, TooSlow, Work};
use crate::pipeline::panic_message;
use crate::record::{Document, EXCERPT_CHARACTERS, Place, Reason, Rejection};

/// Turns panics and overlong work on a document of a stage into a rejection of that document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    stage: &'static str,
    /// The limit on the processor time of one document.
    limit: Option<Duration>,
}

impl Guard {
    /// A guard for the stage with this name, without a time limit.
    pub(crate) fn new(stage: &'static str) -> Self {
        Self { stage, limit: None }
    }

    /// The same guard with a limit on the processor time of a document.
    pub(crate) fn within(self, limit: Option<Duration>) -> Self {
        Self { limit, ..self }
    }

    /// Does `work` on a document.
    ///
    /// # Errors
    /// The rejection of the document.
    pub(crate) fn on<T>(&self, document: &Document, work: impl FnOnce() -> T) -> Result<T, Rejection> {
        self.at(&document.place, || document.text.as_str().into(), work)
            .map_err(|(reason, message)| reject_document(self.stage, document, reason, message))
    }

    /// Does `work` on the input at `place`. Tests choose by `text`, the text of the input, where faults are injected.
    ///
    /// # Errors
    /// The reason and the message of a rejection.
    pub(crate) fn at<'t, T>(
        &self,
        place: &Place,
        text: impl Fn() -> Cow<'t, str>,
        work: impl FnOnce() -> T,
    ) -> Result<T, (Reason, String)> {
        let watch = self.limit.map(|limit| Stopwatch::new(limit, Work { stage: self.stage, place: place.clone() }));
        // Everything that a panic leaves half done belongs to the work, and is dropped with it.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            stopwatch::timed(watch, || {
                faults::inject(self.stage, text);
                work()
            })
        }));
        outcome.map_err(|panic| {
            if panic.is::<TooSlow>() {
                (Reason::TooSlow, self.too_slow_message())
            } else {
                (Reason::Panicked, format!("panicked: {}", panic_message(&*panic)))
            }
        })
    }

    fn too_slow_message(&self) -> String {
        let seconds = self.limit.unwrap_or_default().as_secs();
        format!("took more of a processor's time than the {seconds} seconds that `[run] document_timeout` allows")
    }
}

/// The rejection of a document by a stage after `read`.
pub(crate) fn reject_document(stage: &'static str, document: &Document, reason: Reason, message: String) -> Rejection {
    let excerpt = document.text.chars().take(EXCERPT_CHARACTERS).collect();
    Rejection { place: document.place.clone(), stage, reason, message, excerpt }
}
