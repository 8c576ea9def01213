//! The journey of an article, in flow order. Knows nothing about threads and channels.

/// Paths to chunks of documents.
pub mod read;
/// Documents to sentences.
pub mod split;
/// Sentences to batches of tokens.
pub mod group;
/// Batches to what a model reads in them.
pub mod classify;
/// What models read to statements.
pub mod assemble;
/// Statements to files.
pub mod write;
