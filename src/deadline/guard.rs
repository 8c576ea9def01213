//! A limit around the work on one document: where the work panics or takes too long, the document becomes a rejection, and the others go on.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::faults;
use super::stopwatch::{self, Stopwatch, TooSlow, Work};
use crate::pipeline::panic_message;
use crate::record::{Document, EXCERPT_CHARACTERS, Place, Reason, Rejection};

/// Keeps what goes wrong with one document of a stage from the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    stage: &'static str,
    /// How long processors may work on one document.
    limit: Option<Duration>,
}

impl Guard {
    /// A guard for the stage of that name, without a limit on the time of a document.
    pub(crate) fn of(stage: &'static str) -> Self {
        Self { stage, limit: None }
    }

    /// The same guard with a limit: documents on which processors have worked for longer are rejected.
    pub(crate) fn within(self, limit: Option<Duration>) -> Self {
        Self { limit, ..self }
    }

    /// Does `work` on a document.
    pub(crate) fn on<T>(&self, document: &Document, work: impl FnOnce() -> T) -> Result<T, Rejection> {
        self.at(&document.place, || document.text.as_str().into(), work)
            .map_err(|(reason, message)| refused(self.stage, document, reason, message))
    }

    /// Does `work` on what is at `place`, or returns why it cannot be done. `text` is the text of the document, by which tests choose
    /// where faults are injected.
    pub(crate) fn at<'t, T>(
        &self,
        place: &Place,
        text: impl Fn() -> Cow<'t, str>,
        work: impl FnOnce() -> T,
    ) -> Result<T, (Reason, String)> {
        let watch = |limit| Stopwatch::new(limit, Work { stage: self.stage, place: place.clone() });
        let watched = || {
            stopwatch::timed(self.limit.map(watch), || {
                faults::inject(self.stage, text);
                work()
            })
        };
        // What a panic may leave half done is the work's own, and is dropped with it.
        catch_unwind(AssertUnwindSafe(watched)).map_err(|panic| {
            if panic.is::<TooSlow>() {
                (Reason::TooSlow, self.too_slow())
            } else {
                (Reason::Panicked, format!("panicked: {}", panic_message(&*panic)))
            }
        })
    }

    fn too_slow(&self) -> String {
        let seconds = self.limit.unwrap_or_default().as_secs();
        format!("took more of a processor's time than the {seconds} seconds that `[run] document_timeout` allows")
    }
}

/// The rejection of a document that has been read.
pub(crate) fn refused(stage: &'static str, document: &Document, reason: Reason, message: String) -> Rejection {
    let excerpt = document.text.chars().take(EXCERPT_CHARACTERS).collect();
    Rejection { place: document.place.clone(), stage, reason, message, excerpt }
}
