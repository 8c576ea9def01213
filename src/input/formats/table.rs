//! CSV and TSV: a row a document, below a row of names. Rows are cut out first and parsed later; a quotation mark that never closes
//! costs its line and not those behind it.

use std::io::BufRead;
use std::sync::Arc;

use memchr::memchr;

use super::beginning::Beginning;
use super::{Format, fields, lines, literals};
use crate::config::{FieldNames, InputConfig};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;
use crate::input::text::decode::decode;
use crate::input::text::squeezed;
use crate::record::Reason;

/// The row of names is no longer than this.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// So many lines may stand before the header row, or be a part of it.
const MAX_PREAMBLE_LINES: u64 = 50;

/// A row that has more lines than this is none: a quotation mark has been opened by mistake.
const MAX_LINES: u64 = 10_000;

/// A file with the name of a table, and tabs between its cells.
pub(super) static TSV: Format = Format {
    extensions: &["tsv", "tab"],
    is_one_record: false,
    recognise: |beginning| is_named(beginning, &TSV),
    read: |stream, _, collector| read_table(stream, Some(b'\t'), collector),
};

/// A file with the name of a table. The header row tells what stands between its cells.
pub(super) static CSV: Format = Format {
    extensions: &["csv"],
    is_one_record: false,
    recognise: |beginning| is_named(beginning, &CSV),
    read: |stream, _, collector| read_table(stream, None, collector),
};

/// A table in a file with another name: its first line names the column of the text.
pub(super) static UNNAMED: Format = Format {
    extensions: &[],
    is_one_record: false,
    recognise: |beginning| {
        let fields = beginning.fields;
        !matches!(beginning.first(), Some(b'{' | b'<')) && is_header(beginning.first_line(), fields)
    },
    read: |stream, _, collector| read_table(stream, None, collector),
};

/// Text that begins like JSON is no table, whatever its name.
fn is_named(beginning: &mut Beginning<'_, '_>, format: &Format) -> bool {
    beginning.has_extension(format.extensions) && beginning.first() != Some(b'{')
}

/// The marks between and around the cells of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Syntax {
    delimiter: u8,
    /// True if a backslash in front of a quotation mark makes it a part of the cell, as databases write it.
    has_escapes: bool,
    /// True if quotation marks that do not stand around a whole cell are a part of it.
    has_plain_quotes: bool,
}

impl Syntax {
    /// Cells with this character between them, and quotation marks around those that need them.
    fn new(delimiter: u8) -> Self {
        Self { delimiter, has_escapes: false, has_plain_quotes: false }
    }
}

/// The syntax and the columns of a table, which all of its rows share.
struct Table {
    syntax: Syntax,
    columns: Vec<String>,
}

/// The bytes of a row.
struct Row {
    table: Arc<Table>,
    bytes: Vec<u8>,
    /// True if its quotation marks mean nothing.
    is_plain: bool,
}

impl RawRecord for Row {
    fn excerpt_source(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(self: Box<Self>, settings: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        let parsed = parse(*self, &settings.fields)?;
        fields::without_markup(parsed, settings.markup).map(Some)
    }
}

/// The character between the cells of `line`: the most frequent one, if there is any.
fn delimiter(line: &[u8]) -> Option<u8> {
    let most = [b'\t', b',', b';', b'|'].into_iter().rev().max_by_key(|&mark| cell_count(line, mark))?;
    (cell_count(line, most) > 1).then_some(most)
}

fn cell_count(line: &[u8], delimiter: u8) -> usize {
    cells(line, Syntax::new(delimiter)).len()
}

/// Tells whether `line` names columns, the one of the text among them.
pub(super) fn is_header(line: &[u8], fields: &FieldNames) -> bool {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let text = fields.text.as_str().as_bytes();
    delimiter(line).is_some_and(|mark| cells(line, Syntax::new(mark)).iter().any(|cell| cell.trim_ascii() == text))
}

/// Reads every row below the header row, which also tells the delimiter unless that is known.
fn read_table(stream: &mut Stream<'_>, delimiter: Option<u8>, collector: &mut Collector<'_>) -> Flow {
    if lines::has_old_lines(stream) {
        let mut lines = Stream::new(lines::OldLines(stream));
        return read_rows(&mut lines, delimiter, collector);
    }
    read_rows(stream, delimiter, collector)
}

fn read_rows(stream: &mut Stream<'_>, delimiter: Option<u8>, collector: &mut Collector<'_>) -> Flow {
    let settings = collector.settings();
    let header = match find_header(stream.peek(MAX_HEADER_BYTES), delimiter, &settings.fields) {
        Ok(header) => header,
        Err(refusal) => {
            // A header row that is not there may have been cut off.
            let length = stream.peek(MAX_HEADER_BYTES).len();
            stream.consume(length);
            let failure = stream.fill_buf().err().map(Refusal::from);
            return collector.refuse(Position::Whole, failure.unwrap_or(refusal), b"");
        }
    };
    stream.consume(header.bytes);
    let table = Arc::new(header.table);
    let syntax = table.syntax;
    let limit = settings.max_document_bytes.get();
    let mut rows = Rows { stream, syntax, columns: table.columns.len(), line: header.lines + 1, limit };
    while let Some(cut) = rows.next() {
        let position = Position::Record { line: Some(cut.line), byte: Some(cut.byte) };
        match cut.refusal {
            Some(refusal) => collector.refuse(position, refusal, &cut.bytes)?,
            None if is_blank(&cut.bytes, syntax) => {}
            None => {
                let row = Row { table: Arc::clone(&table), bytes: cut.bytes, is_plain: cut.is_plain };
                collector.put(position, row)?;
            }
        }
    }
    Flow::Continue(())
}

/// Tells whether a row has nothing in any of its cells, or only what old programs write behind the last one.
fn is_blank(row: &[u8], syntax: Syntax) -> bool {
    row.iter().all(|byte| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x1a) || *byte == syntax.delimiter)
}

/// The header row, with what stands before it.
struct Header {
    /// Its bytes and those before it.
    bytes: usize,
    /// Its lines and those before it.
    lines: u64,
    table: Table,
}

/// The first of the first lines that names the column of the text. Titles, notes and blank lines may stand before it.
fn find_header(head: &[u8], known_delimiter: Option<u8>, fields: &FieldNames) -> Result<Header, Refusal> {
    let mut at = 0;
    let mut lines = 0;
    let mut named_delimiter = None;
    let mut first_names = None;
    while at < head.len() && lines < MAX_PREAMBLE_LINES {
        let line = &head[at..][..line_length(&head[at..])];
        if let Some(mark) = excel_delimiter(line) {
            named_delimiter = Some(mark);
        } else if !line.trim_ascii().is_empty() {
            let delimiter = known_delimiter.or(named_delimiter).or_else(|| delimiter(line)).unwrap_or(b',');
            let syntax =
                Syntax { delimiter, has_escapes: has_escaped_quotes(head), has_plain_quotes: delimiter == b'\t' };
            let (row, row_lines) = row_of_lines(&head[at..], syntax);
            let columns = names(row, syntax)?;
            if columns.iter().any(|column| column == fields.text.as_str()) {
                let bytes = at + row.len();
                let has_names = has_row_names(&head[bytes..], syntax, columns.len());
                let columns = has_names.then(String::new).into_iter().chain(columns).collect();
                return Ok(Header { bytes, lines: lines + row_lines, table: Table { syntax, columns } });
            }
            if !line.starts_with(b"#") {
                first_names.get_or_insert(columns);
            }
        }
        at += line.len();
        lines += 1;
    }
    let known = crate::config::listed(first_names.iter().flatten().take(20));
    Err(Refusal::new(Reason::MissingText, format!("has no column `{}`; its columns are {known}", fields.text)))
}

/// Tells whether a number stands in front of each of the first rows, for which the header row has no cell: R writes tables so.
fn has_row_names(rows: &[u8], syntax: Syntax, columns: usize) -> bool {
    const MAX_ROWS: usize = 10;
    let mut rest = rows;
    let mut numbers: Vec<u64> = Vec::new();
    while numbers.len() < MAX_ROWS {
        let row = row_of_lines(rest, syntax).0;
        // The last row may be cut short.
        if row.is_empty() || !row.ends_with(b"\n") && !numbers.is_empty() {
            break;
        }
        let cells = cells(row.trim_ascii_end(), syntax);
        let number = cells.first().and_then(|cell| std::str::from_utf8(cell).ok()?.parse().ok());
        match number.filter(|number| cells.len() == columns + 1 && !numbers.contains(number)) {
            Some(number) => numbers.push(number),
            None => return false,
        }
        rest = &rest[row.len()..];
    }
    !numbers.is_empty()
}

/// The length of the first line, with its end.
fn line_length(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1)
}

/// The delimiter in the line `sep=;`, which spreadsheets write before the header row.
fn excel_delimiter(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_end();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', mark] => Some(*mark),
        // A tab is white space at the end of the line.
        b"sep=" => Some(b'\t'),
        _ => None,
    }
}

/// Tells whether quotation marks in quoted cells have a backslash before them: one that ends a cell has no letter behind it.
fn has_escaped_quotes(head: &[u8]) -> bool {
    let mut places = memchr::memmem::find_iter(head, b"\\\"");
    places.any(|at| head.get(at + 2).is_some_and(u8::is_ascii_alphanumeric))
}

/// The first row and the number of its lines: those that quotation marks hold together.
fn row_of_lines(bytes: &[u8], syntax: Syntax) -> (&[u8], u64) {
    let mut end = 0;
    let mut lines = 0;
    let mut state = State::default();
    while end < bytes.len() && lines < MAX_PREAMBLE_LINES {
        let length = line_length(&bytes[end..]);
        state.scan(bytes[end..end + length].trim_ascii_end(), syntax);
        end += length;
        lines += 1;
        if !state.is_quoted {
            return (&bytes[..end], lines);
        }
    }
    (&bytes[..line_length(bytes)], 1)
}

/// The names in a header row, each on one line.
fn names(row: &[u8], syntax: Syntax) -> Result<Vec<String>, Refusal> {
    let (row, _) = decode(row.to_vec())?;
    let cells = cells(row.trim_end_matches(['\r', '\n']).as_bytes(), syntax);
    Ok(cells.iter().map(|cell| squeezed(&String::from_utf8_lossy(cell))).collect())
}

/// Rows, one by one.
struct Rows<'s, 'r> {
    stream: &'s mut Stream<'r>,
    syntax: Syntax,
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
    is_plain: bool,
    refusal: Option<Refusal>,
}

impl Rows<'_, '_> {
    /// The next row: as many lines as its quotation marks hold together, unless that makes no row.
    fn next(&mut self) -> Option<Cut> {
        let first = lines::next(self.stream, self.line, self.limit)?;
        let mut cut = Cut { line: first.number, byte: first.byte, bytes: Vec::new(), is_plain: false, refusal: None };
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
        state.scan(&cut.bytes, self.syntax);
        if !state.is_quoted {
            return;
        }
        let line = self.line;
        let behind_first = cut.bytes.len();
        let mut taken = Vec::new();
        let mut looks = Looks::default();
        while state.is_quoted && self.line - line <= MAX_LINES && cut.bytes.len() as u64 <= self.limit {
            let Some(next) = self.take_line(&mut taken) else { break };
            looks.see(&next, self.syntax, self.columns);
            cut.bytes.push(b'\n');
            cut.bytes.extend_from_slice(&next);
            state.scan(&next, self.syntax);
        }
        if !state.is_quoted && state.cells == self.columns {
            return;
        }
        let is_at_end = state.is_quoted && self.stream.is_at_end();
        let is_plain = self.is_plain_row(&cut.bytes[..behind_first]);
        if is_plain && (taken.is_empty() || looks.are_rows(false)) {
            self.stream.put_back(&taken);
            self.line = line;
            cut.bytes.truncate(behind_first);
            cut.is_plain = true;
        } else if looks.are_rows(is_at_end) {
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

    /// Tells whether a line is a row if its quotation marks mean nothing, and they may.
    fn is_plain_row(&self, line: &[u8]) -> bool {
        let delimiters = memchr::memchr_iter(self.syntax.delimiter, line).count();
        self.syntax.has_plain_quotes && delimiters + 1 == self.columns
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
    fn see(&mut self, line: &[u8], syntax: Syntax, columns: usize) {
        let mut state = State::default();
        state.scan(line, syntax);
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
    fn scan(&mut self, line: &[u8], syntax: Syntax) {
        let mut at = 0;
        if !self.is_quoted && line.first() == Some(&b'"') {
            (self.is_quoted, at) = (true, 1);
        }
        loop {
            if self.is_quoted {
                let Some(end) = next_quote(line, at, syntax) else { return };
                at = end + 1;
                if line.get(at) == Some(&b'"') {
                    at += 1;
                } else {
                    self.is_quoted = false;
                }
                continue;
            }
            let Some(next) = memchr(syntax.delimiter, &line[at..]) else { return };
            at += next + 1;
            self.cells += 1;
            if line.get(at) == Some(&b'"') {
                (self.is_quoted, at) = (true, at + 1);
            }
        }
    }
}

/// The place of the next quotation mark that is not escaped.
fn next_quote(row: &[u8], from: usize, syntax: Syntax) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = row.get(at..)?;
        if !syntax.has_escapes {
            return memchr(b'"', rest).map(|found| at + found);
        }
        at += memchr::memchr2(b'"', b'\\', rest)?;
        if row[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// The cells of a row, without their quotation marks.
fn cells(row: &[u8], syntax: Syntax) -> Vec<Vec<u8>> {
    let mut cells = Vec::new();
    let mut rest = row;
    loop {
        let (cell, length) =
            if rest.first() == Some(&b'"') { quoted_cell(rest, syntax) } else { plain_cell(rest, syntax) };
        cells.push(cell);
        if length == rest.len() {
            return cells;
        }
        rest = &rest[length + 1..];
    }
}

/// A cell up to the next delimiter, and its length.
fn plain_cell(row: &[u8], syntax: Syntax) -> (Vec<u8>, usize) {
    let length = memchr(syntax.delimiter, row).unwrap_or(row.len());
    (row[..length].to_vec(), length)
}

/// A cell that begins with a quotation mark, and its length. Where it goes on behind the closing one, the marks are a part of it.
fn quoted_cell(row: &[u8], syntax: Syntax) -> (Vec<u8>, usize) {
    let mut cell = Vec::new();
    let mut at = 1;
    loop {
        let Some(end) = next_quote(row, at, syntax) else {
            cell.extend_from_slice(&row[at.min(row.len())..]);
            break (cell, row.len());
        };
        cell.extend_from_slice(&row[at..end]);
        at = end + 1;
        if row.get(at) != Some(&b'"') {
            let behind = memchr(syntax.delimiter, &row[at..]).map_or(row.len(), |length| at + length);
            break if row[at..behind].trim_ascii().is_empty() {
                (if syntax.has_escapes { unescaped(&cell) } else { cell }, behind)
            } else if syntax.has_plain_quotes {
                plain_cell(row, syntax)
            } else {
                (row[..behind].to_vec(), behind)
            };
        }
        cell.push(b'"');
        at += 1;
    }
}

/// A cell without the backslashes of its escapes.
fn unescaped(cell: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(cell.len());
    let mut bytes = cell.iter();
    while let Some(&byte) = bytes.next() {
        written.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(&escaped) => escaped,
                None => byte,
            },
            _ => byte,
        });
    }
    written
}

/// The words that programs write into cells that have nothing in them.
const NOTHING: [&[u8]; 8] = [b"\\N", b"NA", b"NULL", b"NaN", b"NaT", b"None", b"nan", b"<NA>"];

/// A row to a document. Cells that are missing at its end are empty.
fn parse(row: Row, names: &FieldNames) -> Result<ParsedRecord, Refusal> {
    let Row { table, bytes, is_plain } = row;
    let (text, encoding) = decode(bytes)?;
    let row = text.trim_end_matches(['\r', '\n']).as_bytes();
    let mut cells = if is_plain {
        row.split(|byte| *byte == table.syntax.delimiter).map(<[u8]>::to_vec).collect()
    } else {
        cells(row, table.syntax)
    };
    let found = cells.len();
    let expected = table.columns.len();
    if cells.iter().skip(expected).any(|cell| !cell.trim_ascii().is_empty()) {
        return Err(Refusal::damaged(format!("has {found} cells, and the header row names {expected} columns")));
    }
    fields::document(names, encoding, |path| {
        let at = table.columns.iter().position(|column| column == path.as_str())?;
        let cell = cells.get_mut(at).map(std::mem::take).filter(|cell| !NOTHING.contains(&cell.as_slice()));
        let cell = String::from_utf8_lossy(&cell.unwrap_or_default()).into_owned();
        let join = if path == &names.text { "\n\n" } else { ", " };
        Some(literals::joined(&cell, join).unwrap_or(cell))
    })
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_texts};
    use crate::record::{Reason, TextFlag};

    #[test]
    fn a_cell_may_have_delimiters_quotation_marks_and_lines() {
        let rows = b"id;title;text\r\n1;\"A \"\"storm\"\"; again\";\"It rained.\nA lot.\"\r\n";
        for name in ["a.csv", "a"] {
            let article = read_article(name, rows);
            assert_eq!((article.own_id.as_deref(), article.text.as_str()), (Some("1"), "It rained.\nA lot."), "{name}");
            assert_eq!(article.metadata.title.as_deref(), Some("A \"storm\"; again"), "{name}");
        }
    }

    fn texts(rows: &str) -> Vec<Result<String, Reason>> {
        read_texts("a.csv", rows.as_bytes())
    }

    fn one_and_two() -> [Result<String, Reason>; 2] {
        ["One.", "Two."].map(|text| Ok(text.to_owned()))
    }

    #[test]
    fn rows_without_anything_in_them_are_none() {
        assert_eq!(texts("id,text\n1,One.\n,\n \n2,Two.\n,,,\n\u{1a}\0\0"), one_and_two());
    }

    #[test]
    fn the_header_row_is_found_behind_a_preamble() {
        for preamble in [
            "sep=;\r\n",
            "\"sep=;\"\n",
            "\n\n",
            "# a comment, with text\n#\n",
            "Report of May\n\n",
            "\u{feff}sep=;\n",
            "",
        ] {
            assert_eq!(texts(&format!("{preamble}title;text\r\nA;One.\r\nB;Two.\r\n")), one_and_two(), "{preamble}");
        }
        let article = read_article("a.csv", b"Report\n\nid,text\n1,One.\n");
        assert_eq!(article.own_id.as_deref(), Some("1"));
    }

    #[test]
    fn the_header_row_may_have_lines_and_a_comma_too_many() {
        assert_eq!(texts("title,\"source\n(publication)\",text\nA,B,One.\nA,B,Two.\n"), one_and_two());
        assert_eq!(texts("title,text,\nA,One.\nB,Two.,\n"), one_and_two());
        assert_eq!(texts("title,\"text\n\"\nA,One.\nB,Two.\n"), one_and_two());
    }

    #[test]
    fn lines_may_end_with_carriage_returns() {
        assert_eq!(texts("title,text\rA,One.\rB,\"Two.\"\r"), one_and_two());
    }

    #[test]
    fn cells_that_are_missing_are_empty_and_those_too_many_are_named() {
        assert_eq!(texts("text,byline,section\nOne.\nTwo.,A,B,\n"), one_and_two());
        assert_eq!(texts("text,byline\nOne.,A,B\nTwo.\n"), [Err(Reason::Damaged), Ok("Two.".to_owned())]);
        let article = read_article("a.csv", b"text,byline,title\nOne.,\\N\n");
        assert_eq!((article.metadata.byline, article.metadata.title), (None, None));
    }

    #[test]
    fn a_row_may_have_a_number_that_the_header_row_does_not_name() {
        let rows = "\"title\",\"text\"\n\"1\",\"A\",\"One.\"\n\"3\",\"B\",\"Two.\"\n";
        assert_eq!(texts(rows), one_and_two());
        let article = read_article("a.tsv", b"title\ttext\n7\tQuay\tOne.");
        assert_eq!((article.metadata.title.as_deref(), article.text.as_str()), (Some("Quay"), "One."));
        for unsure in
            ["title,text\nA,One,two.\n", "title,text\n1,A,One.\n1,B,Two.\n", "title,text\n1,A,One.\nB,Two,three.\n"]
        {
            assert_eq!(texts(unsure).iter().filter(|text| text.is_ok()).count(), 0, "{unsure}");
        }
    }

    #[test]
    fn words_of_programs_for_nothing_are_nothing() {
        for nothing in ["nan", "NULL", "None", "<NA>", "\\N"] {
            assert_eq!(texts(&format!("title,text\nA,{nothing}\n")), [Err(Reason::Empty)]);
            let article = read_article("a.csv", format!("byline,text\n{nothing},None of it.\n").as_bytes());
            assert_eq!((article.metadata.byline, article.text.as_str()), (None, "None of it."));
        }
    }

    #[test]
    fn lists_in_cells_are_joined() {
        let article =
            read_article("a.csv", b"byline,text\n\"['Ida Brenn', \"\"Per O'Hare\"\"]\",\"['One.', 'Two.']\"\n");
        assert_eq!(article.metadata.byline.as_deref(), Some("Ida Brenn, Per O'Hare"));
        assert_eq!(article.text, "One.\n\nTwo.");
    }

    #[test]
    fn quotation_marks_may_have_backslashes() {
        let rows = r#"id,title,text
1,"A","He said \"no\", and \"yes\"."
2,"B\\","One.\nTwo, \"three\""
"#;
        let expected = ["He said \"no\", and \"yes\".", "One.\nTwo, \"three\""].map(|text| Ok(text.to_owned()));
        assert_eq!(texts(rows), expected);
        assert_eq!(texts("id,text,title\n1,\"C:\\\",A\n"), [Ok("C:\\".to_owned())], "no letter follows");
    }

    #[test]
    fn quotation_marks_at_the_beginning_of_a_cell_may_be_a_part_of_it() {
        let rows = "id\ttext\n1\t\"No,\" she said.\n2\t\"Never.\"\n3\t\"Open\n4\tFour.\n5\tFive.\n";
        let expected = ["\"No,\" she said.", "Never.", "\"Open", "Four.", "Five."].map(|text| Ok(text.to_owned()));
        assert_eq!(read_texts("a.tsv", rows.as_bytes()), expected);
        assert_eq!(texts("id,text\n1,\"No,\" she said\n"), [Ok("\"No,\" she said".to_owned())]);
    }

    #[test]
    fn markup_in_a_cell_becomes_text() {
        let article = read_article("a.csv", b"title,text\nQuay &amp; boats,\"<p>One.</p><p>Two.</p>\"\n");
        assert_eq!(article.metadata.title.as_deref(), Some("Quay & boats"));
        assert_eq!((article.text.as_str(), &article.flags[..]), ("One.\n\nTwo.", &[TextFlag::Markup][..]));
    }

    #[test]
    fn a_text_of_a_spreadsheet_in_utf_16_is_a_table() {
        let utf_16: Vec<u8> =
            "\u{feff}title\ttext\r\nA\t\"One.\"\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for name in ["a.txt", "a.csv", "a"] {
            assert_eq!(read_texts(name, &utf_16), [Ok("One.".to_owned())], "{name}");
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
            Err(Reason::Empty),
            Ok("Six.".to_owned()),
        ];
        assert_eq!(read_texts("a.csv", rows), expected);
        assert_eq!(read_texts("a.csv", b"id,body\n1,One.\n"), [Err(Reason::MissingText)]);
    }
}
