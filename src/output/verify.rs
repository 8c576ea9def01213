//! A whole output folder checked: hashes of all that was written, statements against each other, and the accounting.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::publish::{SEAL, SEALED};
use crate::digest::{sha256, sha256_of_file};
use crate::ledger::{self, Entry, Ledger, LedgerError};

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, relative to the output folder.
    pub file: String,
    /// The document, where it is about one.
    pub document: Option<String>,
    /// What is wrong.
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

/// What was looked at, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Verification {
    /// Documents looked at.
    pub documents: u64,
    /// Their statements.
    pub statements: u64,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// Checks the output folder at `folder`. Nothing is written.
///
/// # Errors
/// No ledger there, or one that cannot be read at all.
pub fn verify(folder: &Path) -> Result<Verification, LedgerError> {
    let mut check = Check { folder: folder.to_owned(), found: Verification::default(), files: HashSet::new() };
    // Before the ledger is opened, which may put its log into it.
    check.seal();
    let ledger = Ledger::open(folder)?;
    check.listed(&ledger)?;
    ledger.each_entry(|entry| {
        check.entry(&entry);
        Ok::<_, LedgerError>(())
    })?;
    check.strangers();
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

    /// The files whose hashes the ledger has.
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

    /// Statement files that the ledger does not know.
    fn strangers(&mut self) {
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

    fn accounting(&mut self) {
        let Ok(report) = std::fs::read(self.folder.join("run.json")) else { return };
        let report: Value = serde_json::from_slice(&report).unwrap_or_default();
        let count = |name: &str| report["accounting"][name].as_u64().unwrap_or(0);
        if count("found") != count("written") + count("rejected") + count("skipped") + count("filtered") {
            self.fault("run.json", None, "its accounting does not add up");
        }
    }
}

fn range(path: &Path, start: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    // A file of its own has nothing else in it.
    let is_own = path.parent().is_some_and(|folder| folder.ends_with("statements"));
    let length = if is_own { u64::MAX } else { length };
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How many statements a document has, if they fit each other and the document's own line.
fn statements(lines: &[u8], document_line: &[u8], document: &str) -> Result<u64, String> {
    let of_document: Value =
        serde_json::from_slice(document_line).map_err(|error| format!("its line is no JSON: {error}"))?;
    let (mut count, mut end) = (0, 0);
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let statement: Value =
            serde_json::from_slice(line).map_err(|error| format!("statement {count} is no JSON: {error}"))?;
        let wrong = |what: &str| format!("statement {count} {what}");
        if statement["document"] != document || statement["index"] != count {
            return Err(wrong("is of another document or place"));
        }
        if let Some(span) = Span::of(&statement) {
            if span.start < end || span.start + span.characters() != span.end || span.bytes != span.text.len() as u64 {
                return Err(wrong("does not stand where it says"));
            }
            if !parts(&statement).all(|part| span.holds(&part)) {
                return Err(wrong("has an attribution that does not stand where it says"));
            }
            end = span.end;
        }
        count += 1;
    }
    let expected = &of_document["statements"];
    if *expected == count { Ok(count) } else { Err(format!("has {count} statements, its line says {expected}")) }
}

/// A text and where it stands, in code points.
struct Span<'s> {
    text: &'s str,
    start: u64,
    end: u64,
    bytes: u64,
}

impl<'s> Span<'s> {
    /// None where fields have been left out.
    fn of(value: &'s Value) -> Option<Self> {
        let number = |name: &str| value[name].as_u64();
        let (text, start, end) = (value["text"].as_str()?, number("start")?, number("end")?);
        let bytes = number("byte_end")
            .zip(number("byte_start"))
            .map_or(text.len() as u64, |(end, start)| end.saturating_sub(start));
        Some(Self { text, start, end, bytes })
    }

    fn characters(&self) -> u64 {
        self.text.chars().count() as u64
    }

    /// Whether a part has the text that stands at its place; parts of other sentences cannot be told.
    fn holds(&self, part: &Span<'_>) -> bool {
        if part.start < self.start || part.end > self.end || part.start > part.end {
            return part.start <= part.end;
        }
        let skipped = usize::try_from(part.start - self.start).unwrap_or(usize::MAX);
        let length = usize::try_from(part.end - part.start).unwrap_or(usize::MAX);
        self.text.chars().skip(skipped).take(length).eq(part.text.chars())
    }
}

/// Sources, cues and contents of a statement.
fn parts(statement: &Value) -> impl Iterator<Item = Span<'_>> {
    let attributions = statement["attributions"].as_array().into_iter().flatten();
    attributions.flat_map(|attribution| {
        let contents = attribution["content"].as_array().into_iter().flatten();
        [&attribution["source"], &attribution["cue"]].into_iter().chain(contents).filter_map(Span::of)
    })
}
