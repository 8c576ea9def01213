//! Each document by itself: where work on one of them panics or takes too long, it becomes a rejection, and the others go on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::Duration;

use super::stopwatch::{self, Stopwatch, TooSlow};
use crate::pipeline::panic_message;
use crate::record::{Document, EXCERPT_CHARACTERS, Reason, Rejection};

/// What stands between the documents of a stage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    stage: &'static str,
    /// How long processors may work on one document.
    limit: Option<Duration>,
}

impl Guard {
    /// One of the stage of that name, which leaves each document all the time that it takes.
    pub(super) fn of(stage: &'static str) -> Self {
        Self { stage, limit: None }
    }

    /// One that rejects documents on which processors have worked for longer.
    pub(super) fn within(self, limit: Option<Duration>) -> Self {
        Self { limit, ..self }
    }

    /// Does `work` on a document.
    pub(super) fn on<T>(&self, document: &Document, work: impl FnOnce() -> T) -> Result<T, Rejection> {
        let watched = || {
            stopwatch::timed(self.limit.map(Stopwatch::new), || {
                poison(self.stage, document);
                work()
            })
        };
        // What a panic may leave half done is the work's own, and is dropped with it.
        catch_unwind(AssertUnwindSafe(watched)).map_err(|panic| {
            let (reason, message) = if panic.is::<TooSlow>() {
                (Reason::TooSlow, self.too_slow())
            } else {
                (Reason::Panicked, format!("panicked: {}", panic_message(&*panic)))
            };
            refused(self.stage, document, reason, message)
        })
    }

    fn too_slow(&self) -> String {
        let seconds = self.limit.unwrap_or_default().as_secs();
        format!("took more of a processor's time than the {seconds} seconds that `[run] document_timeout` allows")
    }
}

/// The rejection of a document that has been read.
pub(super) fn refused(stage: &'static str, document: &Document, reason: Reason, message: String) -> Rejection {
    let excerpt = document.text.chars().take(EXCERPT_CHARACTERS).collect();
    Rejection { place: document.place.clone(), stage, reason, message, excerpt }
}

/// Panics, or goes on for ever, where a test wants that.
fn poison(stage: &str, document: &Document) {
    static SLOW: OnceLock<Option<(String, String)>> = OnceLock::new();
    assert!(!is_poison(stage, document), "as the test wants it");
    while is_named(SLOW.get_or_init(|| named("PRESSRUN_SLOW_POISON")).as_ref(), stage, document) {
        stopwatch::look();
    }
}

/// Whether a test wants the stage to panic at this document: `PRESSRUN_POISON` has the stage, a colon, and part of the text.
pub(super) fn is_poison(stage: &str, document: &Document) -> bool {
    static POISON: OnceLock<Option<(String, String)>> = OnceLock::new();
    is_named(POISON.get_or_init(|| named("PRESSRUN_POISON")).as_ref(), stage, document)
}

fn named(variable: &str) -> Option<(String, String)> {
    std::env::var(variable).ok()?.split_once(':').map(|(stage, text)| (stage.to_owned(), text.to_owned()))
}

fn is_named(poison: Option<&(String, String)>, stage: &str, document: &Document) -> bool {
    poison.is_some_and(|(of, text)| of == stage && document.text.contains(text))
}
