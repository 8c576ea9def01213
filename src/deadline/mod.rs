//! Limits on the time that one document may take, so that a bad document costs itself and not the run.
//!
//! `[run] document_timeout` is processor time, not time on the clock: a loaded machine makes no document slow. Three things can go
//! wrong with a document, and each ends in another way:
//!
//! 1. The work panics. The `guard` catches the panic: the document becomes a rejection with the reason `panicked`.
//! 2. The work takes too long, and calls `check`. That unwinds it to the `guard`: a rejection with the reason `too_slow`.
//! 3. The work takes too long, and never calls `check`. The `watchdog` notes the document among the `suspects` and ends the
//!    process. The next run rejects the document without a try, and goes on.
//!
//! How the parts work together:
//!
//! - A stage has a `guard::Guard`. `Guard::on` starts a stopwatch for a document, does the work, and catches what unwinds out of it.
//! - `stopwatch` counts the processor time of a document over all threads that work on it. The stopwatch that runs on a thread is
//!   in a thread-local variable, so that pure text code need not pass it on.
//! - Loops over a text call `check` in each round. Most calls only count; every 64th reads the time, and unwinds where the time is
//!   over. It unwinds as a panic does, but prints nothing. Steps that are few and long call `check_now`. Outside of a guard
//!   both do nothing.
//! - `watchdog` is a thread that looks once a second for a document that has taken more than twice its time. Such work will not
//!   end by itself, and nothing can end a thread from outside: so it notes the document in `suspects.jsonl` and ends the process
//!   with the code 2. The output folder is as after any sudden end, and the next run continues it.
//! - `suspects` is the list of those documents. `pressrun retry` clears it, and a document whose file has changed is tried again.
//! - `faults` are the panics, slow documents and hangs that tests ask for. A release has none of them.

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

pub(crate) use stopwatch::{check, check_now};
