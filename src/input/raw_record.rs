//! A record before and after its format has parsed it.

use super::refusal::Refusal;
use crate::config::InputConfig;
use crate::record::{Metadata, TextFlag};

/// A record that its format has cut out of a file and not parsed yet. Records are parsed side by side, hence `Send`.
pub(crate) trait RawRecord: Send {
    /// The bytes that a rejection shows the beginning of.
    fn excerpt_source(&self) -> &[u8];

    /// Parses the record. `None` is no article and is not meant to be one, like a picture in a web archive.
    ///
    /// # Errors
    /// Why it cannot be a document.
    fn parse(self: Box<Self>, settings: &InputConfig) -> Result<Option<ParsedRecord>, Refusal>;

    /// About how many bytes of memory the record takes.
    fn memory_bytes(&self) -> usize {
        self.excerpt_source().len()
    }
}

/// The text and metadata of a record.
#[derive(Debug)]
pub(crate) struct ParsedRecord {
    /// The id in the record itself.
    pub(super) own_id: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) text: String,
    /// The name of the encoding that the text was decoded from.
    pub(super) encoding: &'static str,
    /// Remarks on the text, each once.
    pub(super) flags: Vec<TextFlag>,
    /// True if the record is no article, and is to be counted as left out.
    pub(super) is_left_out: bool,
}

impl ParsedRecord {
    /// A text without an id and metadata.
    pub(super) fn new(text: String, encoding: &'static str) -> Self {
        Self { own_id: None, metadata: Metadata::default(), text, encoding, flags: Vec::new(), is_left_out: false }
    }

    /// A record that is no article and needs no text.
    pub(super) fn left_out(encoding: &'static str) -> Self {
        Self { is_left_out: true, ..Self::new("-".to_owned(), encoding) }
    }

    /// Adds a remark on the text, unless it is there.
    pub(super) fn flag(&mut self, flag: TextFlag) {
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }
}
