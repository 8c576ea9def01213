//! pressrun: batch NLP for news archives.
//!
//! Reads articles, splits them into sentences, finds who said what, gives every statement a topic and a sentiment with
//! a transformer, and writes JSON Lines per document. `ARCHITECTURE.md` has the map. Each group of modules uses only those below it.

/// Documents analysed in memory.
mod analyse;
/// The wiring of a run.
mod job;
/// Models, loaded for their workers.
mod loading;
/// Parts of an input, joined to one output folder.
mod merge;
/// Documents processed again, for `verify --sample`.
mod repeat;
/// Documents of an output folder, read again.
mod reread;
/// The revisions of the parts that shape results.
mod revisions;
/// A stream of documents.
mod streaming;

/// `[[tests]]`: texts with expected results.
pub mod expect;

/// Explanations of the results of a statement.
pub mod explain;

/// Own labels: fitted, measured, and the statements to label next.
pub mod fitting;

/// Checks of a configuration before a run.
pub mod validate;

/// Comparisons of two configurations or output folders.
pub mod compare;

/// The plan of a run.
pub mod plan;

/// The report of a run: `run.json`, metrics, a table.
pub mod report;

/// Errors that end a run, and their exit codes.
pub mod error;

/// The page of the morning after.
pub mod page;

/// Training: from labelled sets to a model.
#[cfg(feature = "torch")]
pub mod train;

/// Evaluation: scores of a model on labelled sets.
pub mod evaluate;

/// Labelled texts for training and evaluation.
pub mod labelled;

/// Tables of the results for other programs.
pub mod export;

/// The folders of parts, for runs on many machines.
pub mod parts;

/// The stages that a document passes through. Knows nothing about threads.
pub mod stages;

/// Drift: a night compared with earlier nights.
pub mod drift;

/// The output: its records, a reader of them, and the folder they are in.
pub mod output;

/// The input: from files to articles.
pub mod input;

/// Attributions: from token labels to who said what.
pub mod attribution;
/// Word lists.
mod english;
/// The sentence splitter.
pub mod sentences;
/// Speakers: the person or organisation that a source means.
mod speakers;

/// The cache of inference results.
pub mod cache;
/// The time limit of a document.
pub mod deadline;
/// The record of finished documents.
pub mod ledger;
/// Tasks joined with their models and heads.
pub mod task;

/// Own labels: labels that users describe instead of training a head.
pub mod own_labels;

/// Encoders, heads, tokenizers.
pub mod model;

/// An error and its causes in one line.
pub mod causes;
/// Configuration: `pipeline.toml`, checked.
pub mod config;
/// SHA-256 digests.
mod digest;
/// The engine: stages, channels, workers. Knows nothing about text.
pub mod pipeline;
/// The data that flows through a run.
pub mod record;

pub use analyse::{Analyser, Analysis};
pub use job::{Job, Request, Selection, finder, forget};
pub use merge::Merge;
pub use repeat::repeat;
pub use streaming::{StreamCounts, Streaming};
