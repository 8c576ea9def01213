//! The check of a whole output folder: the hashes of all files, the consistency of statements, and the accounting.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::publish::{SEAL, SEALED};
use super::reader::{Reader, records_in};
use super::schema::{DocumentRecord, SpanRecord, StatementRecord};
use crate::causes::chain;
use crate::digest::{sha256, sha256_of_file};
use crate::ledger::{self, Entry, Ledger, LedgerError};

/// Something that is missing, damaged or inconsistent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, relative to the output folder.
    pub file: String,
    /// The id of the document, if the fault is in one.
    pub document: Option<String>,
    /// The description of the fault.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.document {
            Some(document) => write!(f, "{}: document `{document}`: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// The result of a check.
#[derive(Debug, Default)]
pub struct Verification {
    /// The number of documents checked.
    pub documents: u64,
    /// The number of their statements.
    pub statements: u64,
    /// The faults found.
    pub faults: Vec<Fault>,
}

/// Checks the output folder at `folder`. Nothing is written.
///
/// # Errors
/// No ledger, or one that cannot be read at all.
pub fn verify(folder: &Path) -> Result<Verification, LedgerError> {
    let mut check = Check { folder: folder.to_owned(), found: Verification::default(), files: HashSet::new() };
    // This comes before the ledger is opened: SQLite may then move its write-ahead log into the file.
    check.seal();
    let ledger = Ledger::open(folder)?;
    check.listed(&ledger)?;
    ledger.each_entry(|entry| {
        check.entry(&entry);
        Ok::<_, LedgerError>(())
    })?;
    check.unknown_files();
    check.accounting();
    Ok(check.found)
}

struct Check {
    folder: PathBuf,
    found: Verification,
    /// The statement files that the ledger knows.
    files: HashSet<String>,
}

impl Check {
    fn fault(&mut self, file: impl Into<String>, document: Option<&str>, message: impl Into<String>) {
        let fault = Fault { file: file.into(), document: document.map(str::to_owned), message: message.into() };
        self.found.faults.push(fault);
    }

    /// Checks the hash of the ledger.
    fn seal(&mut self) {
        let Ok(seal) = std::fs::read_to_string(self.folder.join(SEAL)) else {
            return self.fault(SEAL, None, "is not there: the last run broke off; run it again, and it goes on");
        };
        match sha256_of_file(&self.folder.join(ledger::FILE)) {
            Ok(found) if seal == format!("{found}  {}\n", ledger::FILE) => {}
            Ok(_) => self.fault(ledger::FILE, None, "has another hash than when it was written"),
            Err(error) => self.fault(ledger::FILE, None, format!("cannot be read: {error}")),
        }
    }

    /// Checks the files whose hashes are in the ledger.
    fn listed(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        for name in SEALED {
            let expected = ledger.setting(&format!("sha256 {name}"))?;
            match sha256_of_file(&self.folder.join(name)) {
                Ok(found) if Some(&found) == expected.as_ref() => {}
                Ok(_) => self.fault(name, None, "has another hash than when it was written"),
                Err(error) => self.fault(name, None, format!("cannot be read: {error}")),
            }
        }
        Ok(())
    }

    /// Checks the statements of a document.
    fn entry(&mut self, entry: &Entry) {
        let Entry { document, kept, line, content, .. } = entry;
        self.found.documents += 1;
        self.files.insert(kept.file.clone());
        if content.is_none() {
            self.fault(
                &kept.file,
                Some(document),
                "was being replaced when a run broke off; run it again, and it goes on",
            );
        }
        let bytes = match range(&self.folder.join(&kept.file), kept.start, kept.length) {
            Ok(bytes) => bytes,
            Err(error) => return self.fault(&kept.file, Some(document), format!("cannot be read: {error}")),
        };
        if sha256(&bytes) != kept.sha256 {
            return self.fault(&kept.file, Some(document), "has other statements than were written");
        }
        let is_compressed = Path::new(&kept.file).extension().is_some_and(|ending| ending == "zst");
        let lines = if is_compressed { zstd::decode_all(bytes.as_slice()).unwrap_or_default() } else { bytes };
        match statements(&lines, line, document) {
            Ok(statements) => self.found.statements += statements,
            Err(message) => self.fault(&kept.file, Some(document), message),
        }
    }

    /// Finds statement files that the ledger does not know.
    fn unknown_files(&mut self) {
        for entry in walkdir::WalkDir::new(&self.folder).max_depth(2).into_iter().filter_map(Result::ok) {
            let Ok(path) = entry.path().strip_prefix(&self.folder) else { continue };
            let name = path.to_string_lossy().replace('\\', "/");
            let is_empty = entry.metadata().is_ok_and(|file| file.len() == 0);
            if entry.file_type().is_file() && name.starts_with("statements") && !is_empty && !self.files.contains(&name)
            {
                self.fault(name, None, "is of no document in the ledger");
            }
        }
    }

    /// Checks the accounting of the report.
    fn accounting(&mut self) {
        match Reader::new(&self.folder).report() {
            Ok(Some(report)) if !report.accounting.adds_up() => {
                self.fault("run.json", None, "its accounting does not add up");
            }
            // `listed` reports a missing report.
            Ok(_) => {}
            Err(error) => self.fault("run.json", None, chain(&error)),
        }
    }
}

fn range(path: &Path, start: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    // A file in `statements/` belongs to one document: nothing may follow its lines.
    let is_own = path.parent().is_some_and(|folder| folder.ends_with("statements"));
    let length = if is_own { u64::MAX } else { length };
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The number of a document's statements, if they fit each other and the document's own line.
fn statements(lines: &[u8], document_line: &[u8], document: &str) -> Result<u64, String> {
    let record: DocumentRecord =
        serde_json::from_slice(document_line).map_err(|error| format!("its line is not a document record: {error}"))?;
    let mut count = 0;
    let mut end = 0;
    for statement in records_in::<StatementRecord>(lines) {
        let statement = statement.map_err(|error| format!("statement {count} is not a record: {error}"))?;
        if statement.document != document || statement.index != count {
            return Err(format!("statement {count} is of another document or place"));
        }
        if let Some(span) = Span::of_statement(&statement) {
            let is_as_long = span.end.checked_sub(span.start) == Some(span.characters());
            if span.start < end || !is_as_long || span.bytes != span.text.len() {
                return Err(format!("statement {count} does not stand where it says"));
            }
            if !parts(&statement).all(|part| span.holds(part)) {
                return Err(format!("statement {count} has an attribution that does not stand where it says"));
            }
            end = span.end;
        }
        count += 1;
    }
    if record.statements == count {
        Ok(count as u64)
    } else {
        Err(format!("has {count} statements, its line says {}", record.statements))
    }
}

/// The text of a statement and its position, in code points.
struct Span<'s> {
    text: &'s str,
    start: usize,
    end: usize,
    bytes: usize,
}

impl<'s> Span<'s> {
    /// `None` if fields have been left out.
    fn of_statement(statement: &'s StatementRecord) -> Option<Self> {
        let text = statement.text.as_deref()?;
        let bytes = match (statement.byte_start, statement.byte_end) {
            (Some(start), Some(end)) => end.saturating_sub(start),
            _ => text.len(),
        };
        Some(Self { text, start: statement.start?, end: statement.end?, bytes })
    }

    fn characters(&self) -> usize {
        self.text.chars().count()
    }

    /// True if a part has the text that stands at its place. The text of parts in other sentences is not known here.
    fn holds(&self, part: &SpanRecord) -> bool {
        if part.start < self.start || part.end > self.end || part.start > part.end {
            return part.start <= part.end;
        }
        let text = self.text.chars().skip(part.start - self.start).take(part.end - part.start);
        text.eq(part.text.chars())
    }
}

/// Sources, cues and contents of a statement.
fn parts(statement: &StatementRecord) -> impl Iterator<Item = &SpanRecord> {
    let attributions = statement.attributions.iter().flatten();
    attributions.flat_map(|attribution| attribution.source.iter().chain(&attribution.cue).chain(&attribution.content))
}
