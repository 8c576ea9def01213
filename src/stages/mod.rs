//! The journey of an article, in flow order. Knows nothing about threads and channels.

/// Results of models to statements.
pub mod assemble;
/// Sentences to batches of passages.
pub mod batch;
/// Batches to the results of a model.
pub mod infer;
/// Paths to chunks of documents.
pub mod read;
/// Documents to sentences.
pub mod split;
/// The counts of a run, by source.
pub(crate) mod tally;
/// Statements to files.
pub mod write;
