//! The journey of an article, in flow order. Knows nothing about threads and channels.

/// What models read to statements.
pub mod assemble;
/// Sentences to batches of tokens.
pub mod batch;
/// Batches to what a model reads in them.
pub mod infer;
/// Paths to chunks of documents.
pub mod read;
/// Documents to sentences.
pub mod split;
/// Statements to files.
pub mod write;
