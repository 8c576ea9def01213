//! CSV and TSV: a row a document, below a row of names. Rows are cut out first and parsed later; a quotation mark that never closes
//! costs its line and not those behind it.

use std::io::BufRead;
use std::sync::Arc;

use memchr::memchr;

use super::beginning::Beginning;
use super::{Format, fields, lines};
use crate::config::{FieldNames, InputConfig};
use crate::input::intake::{Flow, Intake, Spot};
use crate::input::raw_record::{Parsed, RawRecord};
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;
use crate::input::text::decode::decode;
use crate::record::Reason;

/// The row of names is no longer than this.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// A row that has more lines than this is none: a quotation mark has been opened by mistake.
const MAX_LINES: u64 = 10_000;

/// A file with the name of a table, and tabs between its cells.
pub(super) static TSV: Format = Format {
    extensions: &["tsv", "tab"],
    is_one_record: false,
    recognise: |beginning| is_named(beginning, &TSV),
    read: |stream, _, intake| read(stream, Some(b'\t'), intake),
};

/// A file with the name of a table. The header row tells what stands between its cells.
pub(super) static CSV: Format = Format {
    extensions: &["csv"],
    is_one_record: false,
    recognise: |beginning| is_named(beginning, &CSV),
    read: |stream, _, intake| read(stream, None, intake),
};

/// A table in a file with another name: its first line names the column of the text.
pub(super) static UNNAMED: Format = Format {
    extensions: &[],
    is_one_record: false,
    recognise: |beginning| {
        let fields = beginning.fields;
        !matches!(beginning.first(), Some(b'{' | b'<')) && is_header(beginning.first_line(), fields)
    },
    read: |stream, _, intake| read(stream, None, intake),
};

/// Text that begins like JSON is no table, whatever its name.
fn is_named(beginning: &mut Beginning<'_, '_>, format: &Format) -> bool {
    beginning.has_extension(format.extensions) && beginning.first() != Some(b'{')
}

/// The delimiter and the columns of a table, which all of its rows share.
struct Table {
    delimiter: u8,
    columns: Vec<String>,
}

/// The bytes of a row.
struct Row {
    table: Arc<Table>,
    bytes: Vec<u8>,
}

impl RawRecord for Row {
    fn excerpt_source(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(self: Box<Self>, settings: &InputConfig) -> Result<Option<Parsed>, Refusal> {
        parse(*self, &settings.fields).map(Some)
    }
}

/// The character between the cells of `line`: the most frequent one, if there is any.
fn delimiter(line: &[u8]) -> Option<u8> {
    let most = [b'\t', b',', b';', b'|'].into_iter().rev().max_by_key(|&mark| cells(line, mark).len())?;
    (cells(line, most).len() > 1).then_some(most)
}

/// Tells whether `line` names columns, the one of the text among them.
fn is_header(line: &[u8], fields: &FieldNames) -> bool {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let text = fields.text.as_str().as_bytes();
    delimiter(line).is_some_and(|mark| cells(line, mark).iter().any(|cell| cell.trim_ascii() == text))
}

/// Reads every row below the header row, which also tells the delimiter unless that is known.
fn read(stream: &mut Stream<'_>, delimiter: Option<u8>, intake: &mut Intake<'_>) -> Flow {
    let limit = intake.settings().max_document_bytes.get();
    let header = lines::next(stream, 1, MAX_HEADER_BYTES).map(lines::Line::into_bytes);
    let table = match header.unwrap_or_else(|| Ok(Vec::new())).and_then(|header| table(header, delimiter, intake)) {
        Ok(table) => Arc::new(table),
        Err(refusal) => return intake.refuse(Spot::Whole, refusal, b""),
    };
    let mut rows = Rows { stream, delimiter: table.delimiter, columns: table.columns.len(), line: 2, limit };
    while let Some(cut) = rows.next() {
        let spot = Spot::Record { line: Some(cut.line), byte: Some(cut.byte) };
        match cut.refusal {
            Some(refusal) => intake.refuse(spot, refusal, &cut.bytes)?,
            None if cut.bytes.trim_ascii().is_empty() => {}
            None => intake.put(spot, Row { table: Arc::clone(&table), bytes: cut.bytes })?,
        }
    }
    Flow::Continue(())
}

fn table(header: Vec<u8>, known_delimiter: Option<u8>, intake: &Intake<'_>) -> Result<Table, Refusal> {
    let (header, _) = decode(header)?;
    let line = header.trim_end_matches(['\r', '\n']).as_bytes();
    let delimiter = known_delimiter.or_else(|| delimiter(line)).unwrap_or(b',');
    let names = cells(line, delimiter);
    let columns: Vec<String> = names.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    let text = &intake.settings().fields.text;
    if columns.iter().any(|column| column == text.as_str()) {
        return Ok(Table { delimiter, columns });
    }
    let known = crate::config::listed(columns.iter().take(20));
    Err(Refusal::new(Reason::MissingText, format!("has no column `{text}`; its columns are {known}")))
}

/// Rows, one by one.
struct Rows<'s, 'r> {
    stream: &'s mut Stream<'r>,
    delimiter: u8,
    columns: usize,
    /// The number of the next line.
    line: u64,
    limit: u64,
}

/// A row that has been cut out.
struct Cut {
    line: u64,
    byte: u64,
    bytes: Vec<u8>,
    refusal: Option<Refusal>,
}

impl Rows<'_, '_> {
    /// The next row: as many lines as its quotation marks hold together, unless that makes no row.
    fn next(&mut self) -> Option<Cut> {
        let first = lines::next(self.stream, self.line, self.limit)?;
        let mut cut = Cut { line: first.number, byte: first.byte, bytes: Vec::new(), refusal: None };
        self.line += 1;
        let length = first.length;
        match first.into_bytes() {
            Err(refusal) => cut.refusal = Some(refusal),
            Ok(bytes) if length > self.limit => {
                (cut.bytes, cut.refusal) = (bytes, Some(Refusal::too_large(length, self.limit)));
            }
            Ok(bytes) => {
                cut.bytes = bytes;
                self.complete(&mut cut);
            }
        }
        Some(cut)
    }

    /// Adds the lines that belong to the row. Where they make none, either a quotation mark was opened by mistake, and they are rows of
    /// their own, or the row itself is broken or cut short.
    fn complete(&mut self, cut: &mut Cut) {
        let mut state = State::default();
        state.scan(&cut.bytes, self.delimiter);
        if !state.is_quoted {
            return;
        }
        let line = self.line;
        let behind_first = cut.bytes.len();
        let mut taken = Vec::new();
        let mut looks = Looks::default();
        while state.is_quoted && self.line - line <= MAX_LINES && cut.bytes.len() as u64 <= self.limit {
            let Some(next) = self.take_line(&mut taken) else { break };
            looks.see(&next, self.delimiter, self.columns);
            cut.bytes.push(b'\n');
            cut.bytes.extend_from_slice(&next);
            state.scan(&next, self.delimiter);
        }
        if !state.is_quoted && state.cells == self.columns {
            return;
        }
        let is_at_end = state.is_quoted && self.stream.is_at_end();
        if looks.are_rows(is_at_end) {
            self.stream.put_back(&taken);
            self.line = line;
            cut.bytes.truncate(behind_first);
            cut.refusal = Some(Refusal::damaged("has a quotation mark that opens and does not close"));
        } else if is_at_end {
            cut.refusal = Some(Refusal::truncated("the row is cut short: a quotation mark opens and does not close"));
        } else if state.is_quoted {
            cut.refusal = Some(Refusal::too_large(cut.bytes.len() as u64, self.limit));
        }
    }

    /// The next line, which is also kept as it was, its end included.
    fn take_line(&mut self, taken: &mut Vec<u8>) -> Option<Vec<u8>> {
        let buffer = self.stream.fill_buf().ok()?;
        let mut line = match memchr(b'\n', buffer) {
            Some(end) => buffer[..=end].to_vec(),
            None => Vec::new(),
        };
        if line.is_empty() {
            self.stream.read_until(b'\n', &mut line).ok()?;
        } else {
            self.stream.consume(line.len());
        }
        if line.is_empty() {
            return None;
        }
        taken.extend_from_slice(&line);
        self.line += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Some(line)
    }
}

/// Counts lines that look like rows, each by itself.
#[derive(Debug, Default)]
struct Looks {
    lines: usize,
    rows: usize,
}

impl Looks {
    fn see(&mut self, line: &[u8], delimiter: u8, columns: usize) {
        let mut state = State::default();
        state.scan(line, delimiter);
        self.lines += usize::from(!line.trim_ascii().is_empty());
        self.rows += usize::from(state.cells == columns);
    }

    /// Most of them do; at the end of a file, where a row may be cut short, some are not enough to tell.
    fn are_rows(&self, is_at_end: bool) -> bool {
        let enough = if is_at_end { 3 } else { 1 };
        self.lines >= enough && self.rows * 2 > self.lines
    }
}

/// The state of a scan through a row.
#[derive(Debug)]
struct State {
    cells: usize,
    is_quoted: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { cells: 1, is_quoted: false }
    }
}

impl State {
    /// Goes on over a line.
    fn scan(&mut self, line: &[u8], delimiter: u8) {
        let mut at = 0;
        if !self.is_quoted && line.first() == Some(&b'"') {
            (self.is_quoted, at) = (true, 1);
        }
        loop {
            if self.is_quoted {
                let Some(end) = memchr(b'"', &line[at..]) else { return };
                at += end + 1;
                if line.get(at) == Some(&b'"') {
                    at += 1;
                } else {
                    self.is_quoted = false;
                }
                continue;
            }
            let Some(next) = memchr(delimiter, &line[at..]) else { return };
            at += next + 1;
            self.cells += 1;
            if line.get(at) == Some(&b'"') {
                (self.is_quoted, at) = (true, at + 1);
            }
        }
    }
}

/// The cells of a row, without their quotation marks.
fn cells(row: &[u8], delimiter: u8) -> Vec<Vec<u8>> {
    let mut cells = Vec::new();
    let mut rest = row;
    loop {
        let (cell, behind) = if rest.first() == Some(&b'"') { quoted(&rest[1..]) } else { (Vec::new(), rest) };
        let end = memchr(delimiter, behind).unwrap_or(behind.len());
        cells.push([cell, behind[..end].to_vec()].concat());
        if end == behind.len() {
            return cells;
        }
        rest = &behind[end + 1..];
    }
}

/// The text between quotation marks, and the bytes that follow.
fn quoted(row: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut cell = Vec::new();
    let mut rest = row;
    while let Some(end) = memchr(b'"', rest) {
        cell.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        if rest.first() != Some(&b'"') {
            return (cell, rest);
        }
        cell.push(b'"');
        rest = &rest[1..];
    }
    cell.extend_from_slice(rest);
    (cell, &[])
}

/// A row to a document.
fn parse(row: Row, names: &FieldNames) -> Result<Parsed, Refusal> {
    let Row { table, bytes } = row;
    let (text, encoding) = decode(bytes)?;
    let mut cells = cells(text.trim_end_matches('\r').as_bytes(), table.delimiter);
    if cells.len() != table.columns.len() {
        let found = cells.len();
        let expected = table.columns.len();
        return Err(Refusal::damaged(format!("has {found} cells, and the first row names {expected} columns")));
    }
    fields::document(names, encoding, |path| {
        let at = table.columns.iter().position(|column| column == path.as_str())?;
        let cell = std::mem::take(cells.get_mut(at)?);
        Some(String::from_utf8_lossy(&cell).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_texts};
    use crate::record::Reason;

    #[test]
    fn a_cell_may_have_delimiters_quotation_marks_and_lines() {
        let rows = b"id;title;text\r\n1;\"A \"\"storm\"\"; again\";\"It rained.\nA lot.\"\r\n";
        for name in ["a.csv", "a"] {
            let article = read_article(name, rows);
            assert_eq!((article.own_id.as_deref(), article.text.as_str()), (Some("1"), "It rained.\nA lot."), "{name}");
            assert_eq!(article.metadata.title.as_deref(), Some("A \"storm\"; again"), "{name}");
        }
    }

    #[test]
    fn tabs_separate_the_cells_of_a_tsv_file() {
        assert_eq!(read_texts("a.tsv", b"a,b,c,d\ttext\n1\tOne, two.\n"), [Ok("One, two.".to_owned())]);
    }

    #[test]
    fn a_quotation_mark_that_does_not_close_costs_its_line() {
        let rows = b"id,text\n1,One.\n2,\"Two.\n3,Three.\n4,Four.\n5\n6,Six.\n";
        let expected = [
            Ok("One.".to_owned()),
            Err(Reason::Damaged),
            Ok("Three.".to_owned()),
            Ok("Four.".to_owned()),
            Err(Reason::Damaged),
            Ok("Six.".to_owned()),
        ];
        assert_eq!(read_texts("a.csv", rows), expected);
        assert_eq!(read_texts("a.csv", b"id,body\n1,One.\n"), [Err(Reason::MissingText)]);
    }
}
