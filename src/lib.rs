//! pressrun: batch NLP for news archives.
//!
//! Reads articles, splits them into sentences, finds who said what, gives every statement a topic and a sentiment with
//! a transformer, and writes JSON Lines per document. `ARCHITECTURE.md` has the map. Each group of modules uses only those below it.

/// The wiring of a run.
mod job;
/// Documents once more.
mod repeat;
/// The revisions of the parts that shape results.
mod revisions;

/// What a run has to say for itself.
pub mod report;

/// What can go wrong with a run.
pub mod error;

/// Labelled sets to a model.
pub mod train;

/// What a model's labels are worth.
pub mod evaluate;

/// Labelled texts, to train on and measure by.
pub mod labelled;

/// The journey of an article. Knows nothing about threads.
pub mod stages;

/// What a run leaves behind.
pub mod output;

/// Files to articles.
pub mod input;

/// Token labels to who said what.
pub mod attribution;
/// Word lists.
mod english;
/// Text to sentences: where they begin and end.
pub mod sentences;
/// Who is meant by a source.
mod speakers;

/// What models have read before.
pub mod cache;
/// An end to work that takes too long.
pub mod deadline;
/// What is done.
pub mod ledger;
/// What is to be found, and the models that find it.
pub mod task;

/// Encoders, heads, tokenizers.
pub mod model;

/// Errors for people.
pub mod causes;
/// `pipeline.toml` to a valid configuration.
pub mod config;
/// SHA-256 digests.
mod digest;
/// The engine that moves it. Knows nothing about text.
pub mod pipeline;
/// What flows through a run.
pub mod record;

pub use job::{Job, Request, Selection, finder, forget};
pub use repeat::repeat;
