//! Files to articles: finds files, unpacks them as they are read, tells their formats, and takes the records out.

/// Raise it by one where a file gives other documents than before: other ids, texts, metadata or flags. See `src/revisions.rs`.
pub const REVISION: u32 = 4;

/// Parsed records, before they have ids.
pub(crate) mod candidate;
/// The place and name of each record that a format finds.
pub(crate) mod collector;
/// Copies of earlier documents.
pub(crate) mod copies;
/// Files and folders to read.
pub mod find;
/// One file a format.
mod formats;
/// A page of HTML to the article on it.
mod html;
/// Ids that are unique and safe as file names.
pub(crate) mod identity;
/// Compression and archives.
pub(crate) mod layers;
/// Files of kinds that are not read, counted.
pub mod left_out;
/// The parts of a file's name.
mod names;
/// Parts of the input, for several machines.
pub mod part;
/// Pieces of large files, for several machines.
mod pieces;
/// Files that can be read at any place.
pub(crate) mod random_access;
/// Records before and after they are parsed.
pub(crate) mod raw_record;
/// Reasons to refuse a record.
pub(crate) mod refusal;
/// Input from object stores and web servers.
pub mod store;
/// Bytes that can be looked at before they are taken.
pub(crate) mod stream;
/// Records of a stream that each get an answer.
mod stream_record;
/// Bytes to text, and what a text is.
mod text;

pub(crate) use formats::{ArrowStream, RowBatch, next_record};
pub(crate) use stream_record::StreamRecord;
