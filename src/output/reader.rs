//! An output folder read again: documents and their statements, rejections and the report, each as its record.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::schema::{DocumentRecord, RejectionRecord, RunRecord, StatementRecord};
use crate::digest::sha256;
use crate::ledger::Kept;

/// An output folder that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system reported an error.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A line, or the whole file, is no record of its kind.
    #[error("`{}`, line {line}: no record that this version can read", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The cause.
        #[source]
        cause: serde_json::Error,
    },
    /// Statements are not as they were written.
    #[error("`{}` has other statements than were written; `pressrun verify` says more", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Statements are missing.
    #[error("`{}` has {found} statements of document `{document}`, `documents.jsonl` says {expected}", path.display())]
    Statements {
        /// The file.
        path: PathBuf,
        /// The id of the document.
        document: String,
        /// The number of its statements by its own record.
        expected: usize,
        /// The number of those that are there.
        found: usize,
    },
}

/// A reader of an output folder, of any layout and compression.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    /// The statement file that was read last, at the place where the last document ended.
    open: Option<(String, Lines)>,
}

impl Reader {
    /// A reader of `folder`. Nothing is opened yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), open: None }
    }

    /// The documents of `documents.jsonl`, in its order.
    ///
    /// # Errors
    /// A file that cannot be opened: no run has finished there.
    pub fn documents(&self) -> Result<Records<DocumentRecord>, ReadError> {
        self.records("documents.jsonl")
    }

    /// The rejections of `rejected.jsonl`, in its order.
    ///
    /// # Errors
    /// A file that cannot be opened: no run has finished there.
    pub fn rejections(&self) -> Result<Records<RejectionRecord>, ReadError> {
        self.records("rejected.jsonl")
    }

    /// The report of the last run, if one has ended.
    ///
    /// # Errors
    /// A report that cannot be read.
    pub fn report(&self) -> Result<Option<RunRecord>, ReadError> {
        let path = self.folder.join("run.json");
        match std::fs::read(&path) {
            Ok(json) => match serde_json::from_slice(&json) {
                Ok(report) => Ok(Some(report)),
                Err(cause) => Err(ReadError::Record { path, line: cause.line() as u64, cause }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(ReadError::Io { path, cause }),
        }
    }

    /// The statements of a document, in their order. Quick if documents are asked for in the order of `documents.jsonl`.
    ///
    /// # Errors
    /// A file that cannot be read, or that has fewer statements of the document than its record says.
    pub fn statements(&mut self, document: &DocumentRecord) -> Result<Vec<StatementRecord>, ReadError> {
        if document.statements == 0 {
            return Ok(Vec::new());
        }
        let name = &document.statements_file;
        // A shard has its documents mostly in the order of their records, so reading goes on where it ended.
        if let Some((_, mut lines)) = self.open.take().filter(|(open, _)| open == name) {
            let statements = statements_of(document, &mut lines)?;
            if statements.len() == document.statements {
                self.open = Some((name.clone(), lines));
                return Ok(statements);
            }
        }
        let mut lines = Lines::open(self.folder.join(name))?;
        let statements = statements_of(document, &mut lines)?;
        if statements.len() != document.statements {
            return Err(ReadError::Statements {
                path: lines.path,
                document: document.document.clone(),
                expected: document.statements,
                found: statements.len(),
            });
        }
        self.open = Some((name.clone(), lines));
        Ok(statements)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The statements at a place that the ledger has, in their order. Their hash is checked.
    ///
    /// # Errors
    /// A file that cannot be read, or that has other bytes there than were written.
    pub fn statements_at(&self, kept: &Kept) -> Result<Vec<StatementRecord>, ReadError> {
        let lines = self.lines_at(kept)?;
        records_in(&lines).collect::<serde_json::Result<_>>().map_err(|cause| ReadError::Record {
            path: self.folder.join(&kept.file),
            line: cause.line() as u64,
            cause,
        })
    }

    /// The lines of the statements at a place that the ledger has, without their compression. Their hash is checked.
    ///
    /// # Errors
    /// A file that cannot be read, or that has other bytes there than were written.
    pub(crate) fn lines_at(&self, kept: &Kept) -> Result<Vec<u8>, ReadError> {
        let path = self.folder.join(&kept.file);
        let bytes = match range(&path, kept.start, kept.length) {
            Ok(bytes) => bytes,
            Err(cause) => return Err(ReadError::Io { path, cause }),
        };
        if sha256(&bytes) != kept.sha256 {
            return Err(ReadError::Changed { path });
        }
        let is_compressed = path.extension().is_some_and(|ending| ending == "zst");
        let lines = if is_compressed { zstd::decode_all(bytes.as_slice()) } else { Ok(bytes) };
        lines.map_err(|cause| ReadError::Io { path, cause })
    }

    fn records<T>(&self, name: &str) -> Result<Records<T>, ReadError> {
        Ok(Records { lines: Lines::open(self.folder.join(name))?, record: PhantomData })
    }
}

/// The bytes from `start` on in a file.
fn range(path: &Path, start: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The next statements of a document in a file: as many as its record says, or fewer where the file ends.
fn statements_of(document: &DocumentRecord, lines: &mut Lines) -> Result<Vec<StatementRecord>, ReadError> {
    /// The beginning of a statement, to skip those of other documents quickly.
    #[derive(Deserialize)]
    struct Owner {
        document: String,
    }
    let mut statements = Vec::new();
    while statements.len() < document.statements && lines.advance()? {
        if lines.record::<Owner>()?.document == document.document {
            statements.push(lines.record()?);
        }
    }
    Ok(statements)
}

/// The records in `lines`, for what has the bytes already.
pub(super) fn records_in<T: DeserializeOwned>(lines: &[u8]) -> impl Iterator<Item = serde_json::Result<T>> {
    lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(serde_json::from_slice)
}

/// The records of a file, one a line.
#[derive(Debug)]
pub struct Records<T> {
    lines: Lines,
    record: PhantomData<T>,
}

impl<T: DeserializeOwned> Iterator for Records<T> {
    type Item = Result<T, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.lines.advance() {
            Ok(true) => Some(self.lines.record()),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// The lines of a file, one at a time, without its compression.
struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    /// The current line, with its line feed.
    line: Vec<u8>,
    /// Its number, from 1.
    number: u64,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("path", &self.path).field("number", &self.number).finish_non_exhaustive()
    }
}

impl Lines {
    fn open(path: PathBuf) -> Result<Self, ReadError> {
        match open(&path) {
            Ok(reader) => Ok(Self { path, reader, line: Vec::new(), number: 0 }),
            Err(cause) => Err(ReadError::Io { path, cause }),
        }
    }

    /// Goes to the next line. False at the end of the file.
    fn advance(&mut self) -> Result<bool, ReadError> {
        self.line.clear();
        self.number += 1;
        match self.reader.read_until(b'\n', &mut self.line) {
            Ok(length) => Ok(length > 0),
            Err(cause) => Err(ReadError::Io { path: self.path.clone(), cause }),
        }
    }

    /// The record of the current line.
    fn record<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        serde_json::from_slice(&self.line).map_err(|cause| ReadError::Record {
            path: self.path.clone(),
            line: self.number,
            cause,
        })
    }
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let file = File::open(path)?;
    if path.extension().is_some_and(|ending| ending == "zst") {
        return Ok(Box::new(BufReader::new(zstd::Decoder::new(file)?)));
    }
    Ok(Box::new(BufReader::new(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(document: &str, index: usize) -> String {
        format!("{{\"schema\":1,\"document\":\"{document}\",\"statement\":\"{document}#{index}\",\"index\":{index}}}\n")
    }

    fn document(id: &str, statements: usize, file: &str) -> DocumentRecord {
        let line = serde_json::json!({
            "schema": 1, "document": id, "place": {"source": "in.jsonl"}, "text_sha256": "", "characters": 1, "bytes": 1,
            "encoding": "UTF-8", "flags": [], "paragraphs": 1, "statements": statements, "boilerplate": 0,
            "attributions": 0, "speakers": [], "statements_file": file,
        });
        serde_json::from_value(line).unwrap()
    }

    /// The indices of the statements that `reader` gives of a document.
    fn indices(reader: &mut Reader, document: &DocumentRecord) -> Vec<usize> {
        reader.statements(document).unwrap().into_iter().map(|statement| statement.index).collect()
    }

    #[test]
    fn documents_of_a_shard_are_read_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = "statements-00000.jsonl.zst";
        let frames = [
            statement("a", 0) + &statement("a", 1),
            statement("b", 0),
            statement("c", 0) + &statement("c", 1) + &statement("c", 2),
        ];
        let frames: Vec<Vec<u8>> =
            frames.iter().map(|lines| zstd::bulk::compress(lines.as_bytes(), 3).unwrap()).collect();
        std::fs::write(folder.path().join(file), frames.concat()).unwrap();
        let mut reader = Reader::new(folder.path());
        for (id, count) in [("a", 2), ("c", 3), ("empty", 0), ("b", 1), ("a", 2)] {
            assert_eq!(indices(&mut reader, &document(id, count, file)), (0..count).collect::<Vec<_>>(), "{id}");
        }
    }

    #[test]
    fn missing_statements_and_broken_lines_are_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("statements")).unwrap();
        std::fs::write(folder.path().join("statements/a.jsonl"), statement("a", 0)).unwrap();
        let mut reader = Reader::new(folder.path());
        let error = reader.statements(&document("a", 2, "statements/a.jsonl")).unwrap_err();
        assert!(matches!(error, ReadError::Statements { expected: 2, found: 1, .. }), "{error}");
        let error = reader.statements(&document("b", 1, "statements/b.jsonl")).unwrap_err();
        assert!(matches!(error, ReadError::Io { .. }), "{error}");
        assert!(reader.documents().is_err() && reader.report().unwrap().is_none());
        std::fs::write(folder.path().join("documents.jsonl"), "{\"schema\":1}\n").unwrap();
        let error = reader.documents().unwrap().next().unwrap().unwrap_err();
        assert!(matches!(error, ReadError::Record { line: 1, .. }), "{error}");
    }
}
