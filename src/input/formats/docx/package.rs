//! The parts of a Word document, taken out of its archive within limits.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::story::attribute;
use crate::input::layers::Budget;
use crate::input::refusal::Refusal;
use crate::input::text::decode::decode;
use crate::record::Reason;

/// The archive of a document.
pub(super) struct Package<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
    /// The most bytes that a part may have.
    limit: u64,
    budget: &'b Budget,
}

/// The part with the text.
pub(super) struct MainPart {
    pub(super) name: String,
    pub(super) xml: String,
}

/// The beginning of the MIME types of `OpenDocument` files, which stands in their first part.
pub(super) const OPEN_DOCUMENT: &[u8] = b"application/vnd.oasis.opendocument";

/// The usual name of the part with the text.
const MAIN: &str = "word/document.xml";

impl<'b> Package<'b> {
    pub(super) fn open(bytes: &'b [u8], limit: u64, budget: &'b Budget) -> Result<Self, Refusal> {
        // The list of members stands at the end.
        let has_end = memchr::memmem::rfind(bytes, b"PK\x05\x06").is_some();
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
            if has_end {
                damaged(&error)
            } else {
                Refusal::truncated("is cut short: the end of the document's archive is missing")
            }
        })?;
        Ok(Self { archive, limit, budget })
    }

    /// The part with the text: the one that the relations of the document name.
    pub(super) fn main_part(&mut self) -> Result<MainPart, Refusal> {
        let related = self.part("_rels/.rels")?.and_then(|relations| main_name(&relations));
        let name = related.filter(|name| self.has(name)).unwrap_or_else(|| MAIN.to_owned());
        match self.part(&name)? {
            Some(xml) => Ok(MainPart { name, xml }),
            None if self.part("mimetype")?.is_some_and(|kind| kind.as_bytes().starts_with(OPEN_DOCUMENT)) => {
                Err(Refusal::new(Reason::UnknownFormat, "is an OpenDocument file, which is not read: save it as DOCX"))
            }
            None => Err(Refusal::new(Reason::UnknownFormat, format!("is no text document: `{MAIN}` is missing"))),
        }
    }

    /// The part of a kind, like `footnotes`, in the folder of the main part.
    pub(super) fn beside(&mut self, main: &str, kind: &str) -> Result<Option<String>, Refusal> {
        let folder = main.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        self.part(&format!("{folder}{kind}.xml"))
    }

    fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// The text of a part, if the document has it.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let file = match self.archive.by_name(name) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(damaged(&error)),
        };
        if file.size() > self.limit {
            return Err(Refusal::too_large(file.size(), self.limit));
        }
        let mut bytes = Vec::new();
        let outcome = file.take(self.limit + 1).read_to_end(&mut bytes);
        self.budget.unpack(bytes.len() as u64)?;
        if bytes.len() as u64 > self.limit {
            return Err(Refusal::too_large(bytes.len() as u64, self.limit));
        }
        outcome.map_err(|error| Refusal::damaged(format!("`{name}` cannot be unpacked: {error}")))?;
        decode(bytes).map(|(xml, _)| Some(xml))
    }
}

fn damaged(error: &ZipError) -> Refusal {
    Refusal::damaged(format!("the document's archive cannot be read: {error}"))
}

/// The target of the relation that names the part with the text.
fn main_name(relations: &str) -> Option<String> {
    let mut reader = quick_xml::Reader::from_str(relations);
    loop {
        let tag = match reader.read_event().ok()? {
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => tag,
            quick_xml::events::Event::Eof => return None,
            _ => continue,
        };
        if attribute(&tag, "Type").is_some_and(|kind| kind.ends_with("/officeDocument")) {
            return attribute(&tag, "Target").map(|target| target.trim_start_matches('/').to_owned());
        }
    }
}
