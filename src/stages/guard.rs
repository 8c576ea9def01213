//! Each document by itself: where work on one of them panics, it becomes a rejection, and the others go on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use crate::pipeline::panic_message;
use crate::record::{Document, EXCERPT_CHARACTERS, Reason, Rejection};

/// Does `work` on a document in the stage of that name.
pub(super) fn guarded<T>(stage: &'static str, document: &Document, work: impl FnOnce() -> T) -> Result<T, Rejection> {
    // What a panic may leave half done is the work's own, and is dropped with it.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        assert!(!is_poison(stage, document), "as the test wants it");
        work()
    }));
    outcome.map_err(|panic| refused(stage, document, Reason::Panicked, format!("panicked: {}", panic_message(&*panic))))
}

/// The rejection of a document that has been read.
pub(super) fn refused(stage: &'static str, document: &Document, reason: Reason, message: String) -> Rejection {
    let excerpt = document.text.chars().take(EXCERPT_CHARACTERS).collect();
    Rejection { place: document.place.clone(), stage, reason, message, excerpt }
}

/// Whether a test wants the stage to panic at this document: `PRESSRUN_POISON` has the stage, a colon, and part of the text.
pub(super) fn is_poison(stage: &str, document: &Document) -> bool {
    static POISON: OnceLock<Option<(String, String)>> = OnceLock::new();
    let read = || {
        std::env::var("PRESSRUN_POISON").ok()?.split_once(':').map(|(stage, text)| (stage.to_owned(), text.to_owned()))
    };
    POISON.get_or_init(read).as_ref().is_some_and(|(of, text)| of == stage && document.text.contains(text))
}
