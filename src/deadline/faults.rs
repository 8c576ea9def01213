//! Faults that tests inject into the work on documents, by fail points of the crate `fail`.
//!
//! The environment variable `FAILPOINTS` names a point and its action. The action is `return(STAGE:TEXT)`, and the fault then
//! strikes in that stage at every document whose text contains `TEXT`:
//!
//! ```text
//! FAILPOINTS='document-panics=return(split:Poison)' pressrun run input
//! ```
//!
//! The points exist only where the feature `failpoints` of the crate is on, and `[dev-dependencies]` alone turns it on. Cargo's feature
//! resolver (since edition 2021) turns features of dev-dependencies on in builds that include tests, benchmarks or examples, for
//! all crates of that build. So `cargo test` builds the program with the points, and tests can start it. `cargo build`, `cargo run`
//! and `cargo install` leave them out: there `fail_point!` is nothing at all, and the functions below always return `None`.
//! `output::folder` has one more point, `file-operation`, at which exports can end, too.
//!
//! Both kinds of build put the program in the same place: after `cargo test`, the one in `target/release` has the points until
//! `cargo build` puts the other one there. `.ci/run` checks the features of a release.

use std::borrow::Cow;

use fail::fail_point;

use crate::record::Document;

/// Panics, runs until the time limit, or hangs, if a test injects that fault in `stage` at a document with this text.
pub(super) fn inject<'t>(stage: &str, text: impl Fn() -> Cow<'t, str>) {
    assert!(!strikes(document_panics(), stage, &text), "as the test wants it");
    if strikes(document_is_slow(), stage, &text) {
        loop {
            super::check();
        }
    }
    if strikes(document_hangs(), stage, &text) {
        loop {
            std::hint::spin_loop();
        }
    }
}

/// Panics if a test injects a panic in `stage` at one of `documents`.
pub(crate) fn inject_panic<'d>(stage: &str, mut documents: impl Iterator<Item = &'d Document>) {
    let is_struck = documents.any(|document| strikes(document_panics(), stage, || document.text.as_str().into()));
    assert!(!is_struck, "as the test wants it");
}

/// True if the fault `wanted`, of the form `STAGE:TEXT`, strikes in `stage` at a document with this text.
fn strikes<'t>(wanted: Option<String>, stage: &str, text: impl Fn() -> Cow<'t, str>) -> bool {
    let Some(wanted) = wanted else { return false };
    let Some((wanted_stage, part)) = wanted.split_once(':') else { return false };
    wanted_stage == stage && text().contains(part)
}

/// The fault of documents that panic, as `STAGE:TEXT`.
fn document_panics() -> Option<String> {
    fail_point!("document-panics", |action| action);
    None
}

/// The fault of work that never ends, but calls `check`, as `STAGE:TEXT`.
fn document_is_slow() -> Option<String> {
    fail_point!("document-is-slow", |action| action);
    None
}

/// The fault of work that never ends and does not call `check`, as `STAGE:TEXT`.
fn document_hangs() -> Option<String> {
    fail_point!("document-hangs", |action| action);
    None
}
