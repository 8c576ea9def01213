//! CSV files as R and spreadsheets want them: `doc_id` and `text` come first, cells are quoted where RFC 4180 says so. They are written
//! whole if any document has changed.

use std::fs;
use std::path::Path;

use super::plan::{DocumentReader, Plan, Planned};
use super::rows::{ATTRIBUTIONS, ExportedDocument, Row, RowTable, STATEMENTS};
use super::table::Cell;
use super::{ExportError, Settings, Summary};
use crate::output::WriteError;
use crate::output::folder::{PartFile, failed, part_of};

/// The column that becomes `text`, by table.
const TEXTS: [(&str, &str); 2] = [(STATEMENTS, "text"), (ATTRIBUTIONS, "content")];

/// The names of the files.
pub(super) const FILES: [&str; 3] = ["documents.csv", "statements.csv", "attributions.csv"];

/// Writes the files. Those that cannot be completed are removed: the largest files of an export should not keep a full disk full.
pub(super) fn export(folder: &Path, csv: &Path, plan: &Plan, settings: &Settings) -> Result<Summary, ExportError> {
    fs::create_dir_all(csv).map_err(failed(csv))?;
    let written = write(folder, csv, plan, settings);
    if written.is_err() {
        for name in FILES {
            let _ = fs::remove_file(part_of(&csv.join(name)));
        }
    }
    written
}

fn write(folder: &Path, csv: &Path, plan: &Plan, settings: &Settings) -> Result<Summary, ExportError> {
    let tables =
        [RowTable::documents, RowTable::statements, RowTable::attributions].map(|table| table(&plan.tasks, true));
    let mut files = Vec::new();
    for (table, name) in tables.iter().zip(FILES) {
        files.push(CsvFile::create(csv, name, table)?);
    }
    let mut documents: Vec<&Planned> = plan.documents.iter().collect();
    documents.sort_unstable_by(|one, other| {
        (one.day, &one.source, &one.document).cmp(&(other.day, &other.source, &other.document))
    });
    let mut summary = Summary::default();
    DocumentReader::open(folder)?.each(&documents, |document| {
        let text = if settings.config.text { text_of(document) } else { String::new() };
        for (table, file) in tables.iter().zip(&mut files) {
            table.each_row(document, &plan.tasks, settings.config.text, |row, cells| file.push(row, &text, &cells))?;
        }
        summary.documents += 1;
        summary.statements += document.statements.len() as u64;
        Ok(())
    })?;
    // All files are complete before the first one takes the place of an old one.
    let mut parts = files.into_iter().map(CsvFile::complete).collect::<Result<Vec<_>, _>>()?;
    parts.iter_mut().try_for_each(PartFile::finish)?;
    summary.files = FILES.len() as u64;
    Ok(summary)
}

/// The statements of a document in a row, with an empty line between paragraphs.
fn text_of(document: &ExportedDocument) -> String {
    let mut text = String::new();
    let mut paragraph = None;
    for statement in &document.statements {
        if !text.is_empty() {
            text.push_str(if statement.paragraph == paragraph { " " } else { "\n\n" });
        }
        text.push_str(statement.text.as_deref().unwrap_or_default());
        paragraph = statement.paragraph;
    }
    text
}

struct CsvFile {
    writer: csv::Writer<Part>,
    path: std::path::PathBuf,
    /// The place of the column that becomes `text`; that of a document comes from its statements.
    text: Option<usize>,
    /// The places of the other columns, in their order.
    others: Vec<usize>,
}

impl CsvFile {
    fn create(folder: &Path, name: &str, table: &RowTable) -> Result<Self, ExportError> {
        let path = folder.join(name);
        let writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Part(PartFile::create(path.clone())?));
        let text = TEXTS.iter().find(|(name, _)| *name == table.table.name);
        let columns = &table.table.columns;
        let place = |name: &str| columns.iter().position(|column| column.name == name);
        let text = text.and_then(|(_, column)| place(column));
        let others: Vec<usize> = (0..columns.len()).filter(|place| Some(*place) != text).collect();
        let mut file = Self { writer, path, text, others };
        let names = file.others.iter().map(|&place| columns[place].name.to_string());
        let header: Vec<String> = ["doc_id".to_owned(), "text".to_owned()].into_iter().chain(names).collect();
        file.write(header.iter().map(String::as_str))?;
        Ok(file)
    }

    fn push(&mut self, row: Row<'_>, document_text: &str, cells: &[Cell<'_>]) -> Result<(), ExportError> {
        let document = &row.document.record.document;
        let id = match (row.statement, row.attribution) {
            (Some(statement), _) => statement.statement.clone(),
            (None, Some(attribution)) => format!("{document}#{}", attribution.record.attribution),
            (None, None) => document.clone(),
        };
        let text = self.text.map_or(document_text.into(), |place| cells[place].shown());
        let others: Vec<_> = self.others.iter().map(|&place| cells[place].shown()).collect();
        let all = [id.as_str(), &*text].into_iter().chain(others.iter().map(|cell| &**cell));
        self.write(all)
    }

    fn write<'c>(&mut self, cells: impl Iterator<Item = &'c str>) -> Result<(), ExportError> {
        self.writer.write_record(cells).map_err(|cause| ExportError::Csv { path: self.path.clone(), cause })
    }

    fn complete(self) -> Result<PartFile, ExportError> {
        let Self { writer, path, .. } = self;
        let Part(mut part) = writer.into_inner().map_err(|error| failed(&path)(error.into_error()))?;
        part.sync()?;
        Ok(part)
    }
}

/// A file that has its name once it is complete.
struct Part(PartFile);

impl std::io::Write for Part {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.0.append(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(WriteError::Io { cause, .. }) => Err(cause),
            Err(other) => Err(std::io::Error::other(other)),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
