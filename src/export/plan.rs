//! The documents of a folder in short: which tables and files each of them belongs to, and a digest that tells whether it has changed.
//! What an export holds in memory of the archive is this list, about 150 bytes a document.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::ExportError;
use super::day::Day;
use super::rows::ExportedDocument;
use super::tasks::TaskFields;
use crate::config::{DayField, ExportConfig};
use crate::digest::hexadecimal;
use crate::ledger::nights::NO_SOURCE;
use crate::ledger::{Ledger, Outline};
use crate::output::Reader;
use crate::output::schema::DocumentRecord;

/// Bytes of JSON that are read and parsed together.
const MAX_PIECE_BYTES: u64 = 8 << 20;

/// zstd makes statements about this many times smaller.
const TYPICAL_COMPRESSION: u64 = 10;

/// Documents that are read together.
const MAX_PIECE_DOCUMENTS: usize = 128;

/// All documents of a folder.
#[derive(Debug)]
pub(super) struct Plan {
    /// In the order in which they were first added.
    pub(super) documents: Vec<Planned>,
    pub(super) tasks: TaskFields,
}

/// A document of the plan.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    /// Its number in the ledger, which it keeps when it is replaced.
    pub(super) number: i64,
    pub(super) document: Box<str>,
    pub(super) source: Arc<str>,
    pub(super) day: Day,
    /// A hash of everything that the tables show of it.
    pub(super) digest: [u8; 32],
}

/// The part of a document's line that decides its place.
#[derive(Debug, Deserialize)]
struct Head<'l> {
    #[serde(borrow)]
    published: Option<Cow<'l, str>>,
    #[serde(borrow)]
    modified: Option<Cow<'l, str>>,
    #[serde(borrow)]
    source: Option<Cow<'l, str>>,
}

impl Plan {
    /// The plan of a folder.
    pub(super) fn new(folder: &Path, config: &ExportConfig) -> Result<Self, ExportError> {
        let ledger = Ledger::resume(folder)?;
        let mut plan = Self { documents: Vec::new(), tasks: TaskFields::default() };
        let mut sources: HashSet<Arc<str>> = HashSet::new();
        let mut fingerprints = HashSet::new();
        ledger.each_outline(|outline| {
            if !fingerprints.contains(outline.fingerprint) {
                fingerprints.insert(outline.fingerprint.to_owned());
                plan.tasks.add(&parsed(outline.line)?);
            }
            let head: Head<'_> = parsed(outline.line)?;
            let date = match config.day {
                DayField::Published => &head.published,
                DayField::Modified => &head.modified,
            };
            let source = head.source.as_deref().unwrap_or(NO_SOURCE);
            let source = sources.get(source).cloned().unwrap_or_else(|| {
                let source: Arc<str> = source.into();
                sources.insert(Arc::clone(&source));
                source
            });
            plan.documents.push(Planned {
                number: outline.number,
                document: outline.document.into(),
                source,
                day: Day::of_date(date.as_deref(), config.time_zone.get()),
                digest: digest(&outline),
            });
            Ok::<_, ExportError>(())
        })?;
        Ok(plan)
    }

    /// The documents of each partition, by source and id.
    pub(super) fn partitions(&self, config: &ExportConfig) -> BTreeMap<String, Vec<&Planned>> {
        let mut partitions: BTreeMap<String, Vec<&Planned>> = BTreeMap::new();
        for document in &self.documents {
            partitions.entry(document.day.folder(config.partition)).or_default().push(document);
        }
        for documents in partitions.values_mut() {
            documents.sort_unstable_by(|one, other| {
                (one.day, &one.source, &one.document).cmp(&(other.day, &other.source, &other.document))
            });
        }
        partitions
    }
}

fn digest(outline: &Outline<'_>) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(outline.sha256);
    digest.update(outline.night.unwrap_or(0).to_le_bytes());
    digest.update(outline.line);
    digest.finalize().into()
}

/// A digest of `settings` and of documents, in their order.
pub(super) fn digest_of_all<'p>(settings: &str, documents: impl IntoIterator<Item = &'p Planned>) -> String {
    let mut digest = Sha256::new();
    digest.update(settings);
    for document in documents {
        digest.update(document.digest);
    }
    hexadecimal(&digest.finalize())
}

/// The record of a line of the ledger.
fn parsed<'l, T: Deserialize<'l>>(line: &'l [u8]) -> Result<T, ExportError> {
    serde_json::from_slice(line).map_err(|cause| ExportError::Line { cause })
}

/// A reader of documents with their statements.
#[derive(Debug)]
pub(super) struct DocumentReader {
    ledger: Ledger,
    reader: Reader,
}

impl DocumentReader {
    pub(super) fn open(folder: &Path) -> Result<Self, ExportError> {
        Ok(Self { ledger: Ledger::resume(folder)?, reader: Reader::new(folder) })
    }

    /// Reads `documents` piece by piece, and calls `visit` with each, in their order. The documents of a piece are parsed side by side.
    pub(super) fn each(
        &self,
        documents: &[&Planned],
        mut visit: impl FnMut(&ExportedDocument) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let mut rest = documents;
        while !rest.is_empty() {
            let mut piece = Vec::new();
            let mut bytes = 0;
            for planned in rest.iter().take(MAX_PIECE_DOCUMENTS) {
                let (entry, night) = self.ledger.entry_with_number(planned.number)?;
                let is_compressed = Path::new(&entry.kept.file).extension().is_some_and(|ending| ending == "zst");
                bytes += entry.kept.length * if is_compressed { TYPICAL_COMPRESSION } else { 1 };
                piece.push((*planned, entry, night));
                if bytes >= MAX_PIECE_BYTES {
                    break;
                }
            }
            rest = &rest[piece.len()..];
            let reader = self.reader.folder();
            let documents: Vec<ExportedDocument> = piece
                .into_par_iter()
                .map(|(planned, entry, night)| {
                    let record: DocumentRecord = parsed(&entry.line)?;
                    let statements = if record.statements == 0 {
                        Vec::new()
                    } else {
                        Reader::new(reader).statements_at(&entry.kept)?
                    };
                    Ok(ExportedDocument::new(planned.number, record, statements, planned.day, night))
                })
                .collect::<Result<_, ExportError>>()?;
            documents.iter().try_for_each(&mut visit)?;
        }
        Ok(())
    }
}
