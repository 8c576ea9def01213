//! The journey of an article, in flow order. Knows nothing about threads and channels.

/// What models read to statements.
pub mod assemble;
/// Batches to what a model reads in them.
pub mod classify;
/// Sentences to batches of tokens.
pub mod group;
/// Each document by itself.
mod guard;
/// Paths to chunks of documents.
pub mod read;
/// Documents to sentences.
pub mod split;
/// How long a document takes.
pub(crate) mod stopwatch;
/// Statements to files.
pub mod write;
