//! Limits on the time that one document may take, so that a bad document is lost and not the run.
//!
//! `[run] document_timeout` is processor time, not wall-clock time: a document does not become too slow because the machine is busy.
//! Three things can go wrong with a document, and each has its own end:
//!
//! 1. The work panics. The `guard` catches the panic: the document is rejected with the reason `panicked`.
//! 2. The work takes too long, and calls `check`. That unwinds it to the `guard`: a rejection with the reason `too_slow`.
//! 3. The work takes too long, and never calls `check`. The `watchdog` adds the document to the `suspects` and ends the
//!    process. The next run rejects the document at once, and goes on.
//!
//! How the parts work together:
//!
//! - A stage has a `guard::Guard`. `Guard::on` starts a stopwatch for a document, does the work, and catches what unwinds out of it.
//! - `stopwatch` counts the processor time of a document over all threads that work on it. The stopwatch that runs on a thread is
//!   in a thread-local variable, so that pure text code need not pass it on.
//! - Loops over a text call `check` in each round. Most calls only count; every 64th reads the time, and unwinds if the time is
//!   over. It unwinds as a panic does, but prints nothing. Steps that are few and long call `check_now`. Outside of a guard
//!   both do nothing.
//! - `watchdog` is a thread that looks once a second for a document that has taken more than twice its time. Such work will not
//!   end by itself, and nothing can end a thread from outside. So the watchdog adds the document to `suspects.jsonl` and ends the
//!   process with exit code 2. The output folder is as after any sudden end, and the next run continues it.
//! - `suspects` is the list of those documents. `pressrun retry` clears it, and a document whose file has changed is tried again.
//! - `faults` are the panics, slow documents and hangs that tests inject. A release has none of them.

/// Faults that tests inject.
pub(crate) mod faults;
/// A limit around the work on one document.
pub(crate) mod guard;
/// The time that a document takes.
pub(crate) mod stopwatch;
/// Documents at which runs hung.
pub mod suspects;
/// An end to runs that hang.
pub(crate) mod watchdog;

#[cfg(test)]
pub(crate) use stopwatch::work_of_thread;
pub(crate) use stopwatch::{check, check_now};
