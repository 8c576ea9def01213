//! Each document by itself: where work on one of them panics or takes too long, it becomes a rejection, and the others go on.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::Duration;

use super::stopwatch::{self, Stopwatch, TooSlow, Work};
use crate::pipeline::panic_message;
use crate::record::{Document, EXCERPT_CHARACTERS, Place, Reason, Rejection};

/// What stands between the documents of a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    stage: &'static str,
    /// How long processors may work on one document.
    limit: Option<Duration>,
}

impl Guard {
    /// One of the stage of that name, which leaves each document all the time that it takes.
    pub(crate) fn of(stage: &'static str) -> Self {
        Self { stage, limit: None }
    }

    /// One that rejects documents on which processors have worked for longer.
    pub(crate) fn within(self, limit: Option<Duration>) -> Self {
        Self { limit, ..self }
    }

    /// Does `work` on a document.
    pub(crate) fn on<T>(&self, document: &Document, work: impl FnOnce() -> T) -> Result<T, Rejection> {
        self.at(&document.place, || document.text.as_str().into(), work)
            .map_err(|(reason, message)| refused(self.stage, document, reason, message))
    }

    /// Does `work` on what is at `place`, and says why where that cannot be done. `text` is what tests know it by.
    pub(crate) fn at<'t, T>(
        &self,
        place: &Place,
        text: impl Fn() -> Cow<'t, str>,
        work: impl FnOnce() -> T,
    ) -> Result<T, (Reason, String)> {
        let watch = |limit| Stopwatch::new(limit, Work { stage: self.stage, place: place.clone() });
        let watched = || {
            stopwatch::timed(self.limit.map(watch), || {
                poison(self.stage, text);
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

/// What a test wants to go wrong, and where: a variable of the environment has the stage, a colon, and part of the text.
struct Poison {
    variable: &'static str,
    wanted: OnceLock<Option<(String, String)>>,
}

static PANIC: Poison = Poison::of("PRESSRUN_POISON");
/// Work that goes on for ever, and looks at its watch.
static SLOW: Poison = Poison::of("PRESSRUN_SLOW_POISON");
/// Work that goes on for ever, and does not.
static HANG: Poison = Poison::of("PRESSRUN_HANG_POISON");

impl Poison {
    const fn of(variable: &'static str) -> Self {
        Self { variable, wanted: OnceLock::new() }
    }

    fn is_in<'t>(&self, stage: &str, text: impl Fn() -> Cow<'t, str>) -> bool {
        let named = || {
            let value = std::env::var(self.variable).ok()?;
            value.split_once(':').map(|(stage, text)| (stage.to_owned(), text.to_owned()))
        };
        let wanted = self.wanted.get_or_init(named).as_ref();
        wanted.is_some_and(|(of, part)| of == stage && text().contains(part.as_str()))
    }
}

fn poison<'t>(stage: &str, text: impl Fn() -> Cow<'t, str>) {
    assert!(!PANIC.is_in(stage, &text), "as the test wants it");
    while SLOW.is_in(stage, &text) {
        stopwatch::look();
    }
    while HANG.is_in(stage, &text) {
        std::hint::spin_loop();
    }
}

/// Whether a test wants the stage to panic at this document.
pub(crate) fn is_poison(stage: &str, document: &Document) -> bool {
    PANIC.is_in(stage, || document.text.as_str().into())
}
