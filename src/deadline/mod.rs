//! An end to work on documents that takes too long: a document costs itself, not the run.
//!
//! `guard` bounds the work on one document. Where that looks at its `stopwatch` it is broken off; where it never does, the `watchdog`
//! ends the process, and leaves the document among the `suspects` that the next run does not try.

/// Each document by itself.
pub(crate) mod guard;
/// How long a document takes.
pub(crate) mod stopwatch;
/// Documents at which runs hung.
pub mod suspects;
/// An end to runs that hang.
pub(crate) mod watchdog;
