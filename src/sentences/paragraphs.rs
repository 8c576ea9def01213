//! Turns a text into paragraphs. Wrapped lines are joined; a line that was ended on purpose is a paragraph.

use super::enumeration::{self, Marker};
use super::words::{self, Opening};
use super::{abbreviations, punctuation};
use crate::deadline;
use std::ops::Range;

// Nobody wraps text at more columns than this: longer lines are whole paragraphs.
const WIDEST_WRAPPED: usize = 120;
// Shorter lines were ended on purpose, unless small letters at their starts show otherwise.
const NARROWEST_WRAPPED: usize = 40;

/// A stretch of text that no sentence leaves: running text, a heading, a list item or a row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paragraph {
    /// Its bytes in the text, without surrounding white space.
    pub(super) range: Range<usize>,
    /// It is set in columns, where full stops belong to abbreviations.
    pub(super) is_table_row: bool,
}

/// The paragraphs of `text` in order; none is empty.
pub(super) fn paragraphs(text: &str) -> Vec<Paragraph> {
    let mut found = Vec::new();
    let mut block = Vec::new();
    for line in lines(text) {
        deadline::check();
        if line.text.is_empty() {
            close(&mut block, &mut found);
        } else {
            block.push(line);
        }
    }
    close(&mut block, &mut found);
    found
}

/// Returns true if a paragraph of one sentence is a heading, a byline or a caption rather than running text.
pub(super) fn is_heading(paragraph: &str) -> bool {
    const MOST_WORDS: usize = 16;
    paragraph.split_whitespace().nth(MOST_WORDS).is_none()
        && columns(paragraph) <= WIDEST_WRAPPED
        && !ends_sentence(paragraph)
        && !paragraph.ends_with([',', ';', '-', '–', '—'])
        && !starts_lower(paragraph)
        && enumeration::leading(paragraph).is_none()
}

/// A line without the white space around it.
#[derive(Debug, Clone, Copy)]
struct Line<'text> {
    text: &'text str,
    start: usize,
    is_indented: bool,
    /// It is indented in a block that indents the first lines of paragraphs.
    begins_paragraph: bool,
}

impl Line<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn paragraph(&self) -> Paragraph {
        Paragraph { range: self.start..self.end(), is_table_row: cells(self.text) > 2 }
    }
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let (end, line_break) = line_end(text, start);
        next = (line_break > 0).then_some(end + line_break);
        Some(line(text, start, end))
    })
}

fn line(text: &str, start: usize, end: usize) -> Line<'_> {
    let rest = text[start..end].trim_start();
    let first = end - rest.len();
    Line { text: rest.trim_end(), start: first, is_indented: first > start, begins_paragraph: false }
}

/// The end of the line that starts at `start`, and the number of bytes of its line break: 0 at the end of the text.
fn line_end(text: &str, start: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    for at in start..bytes.len() {
        match bytes[at] {
            b'\n' | b'\x0C' => return (at, 1),
            b'\r' => return (at, 1 + usize::from(bytes.get(at + 1) == Some(&b'\n'))),
            // The first byte of the Unicode line and paragraph separators.
            0xE2 if text[at..].starts_with(['\u{2028}', '\u{2029}']) => return (at, 3),
            _ => {}
        }
    }
    (bytes.len(), 0)
}

/// Empties `block`, the lines between two blank ones, into `found`.
fn close(block: &mut Vec<Line>, found: &mut Vec<Paragraph>) {
    if let [only] = block.as_slice() {
        found.push(only.paragraph());
    } else {
        join(block, found);
    }
    block.clear();
}

fn join(block: &mut [Line], found: &mut Vec<Paragraph>) {
    mark_beginnings(block);
    let setting = Setting::of_block(block);
    let mut previous: Option<&Line> = None;
    for line in block {
        match (previous, found.last_mut()) {
            (Some(previous), Some(last)) if flows(previous, line, setting) => {
                last.range.end = line.end();
            }
            _ => found.push(line.paragraph()),
        }
        previous = Some(line);
    }
}

/// Marks the indented lines of a block if no two of them follow each other: they begin paragraphs then.
fn mark_beginnings(block: &mut [Line]) {
    let is_hanging = block.windows(2).any(|pair| pair[0].is_indented && pair[1].is_indented);
    let is_last = block.last().is_some_and(|line| line.is_indented);
    for line in block.iter_mut().filter(|_| !is_hanging && !is_last) {
        line.begins_paragraph = line.is_indented;
    }
}

/// The typesetting of the lines of a block.
#[derive(Debug, Clone, Copy)]
enum Setting {
    /// Every line is an item of a list without markers.
    List,
    /// Lines were broken where the next word would not have fitted into this many columns.
    Wrapped(usize),
    /// Every line was ended on purpose.
    Lines,
}

impl Setting {
    fn of_block(block: &[Line]) -> Self {
        let width = block.iter().map(|line| columns(line.text)).max().unwrap_or(0);
        let small = block.iter().filter(|line| starts_lower(line.text)).count();
        let is_narrow_column = block.len() > 3 && small * 2 >= block.len();
        if is_bare_list(block) {
            Self::List
        } else if width <= WIDEST_WRAPPED && (width >= NARROWEST_WRAPPED || is_narrow_column) {
            Self::Wrapped(width)
        } else {
            Self::Lines
        }
    }
}

/// Returns true if the lines are list items without markers: several short lines in small letters, none of which ends a
/// sentence.
fn is_bare_list(block: &[Line]) -> bool {
    block.len() > 2
        && block.iter().all(|line| {
            starts_lower(line.text)
                && !ends_sentence(line.text)
                && !line.text.ends_with(',')
                && columns(line.text) < NARROWEST_WRAPPED
        })
}

/// Returns true if `next` continues the paragraph of `line`.
fn flows(line: &Line, next: &Line, setting: Setting) -> bool {
    if is_next_turn(line.text, next.text) {
        return false;
    }
    if matches!(setting, Setting::List) || cells(line.text) > 1 || cells(next.text) > 1 || starts_item(line, next) {
        return false;
    }
    // Names have capitals at the start of a line and elsewhere; a small letter shows that the sentence continues.
    if starts_lower(next.text) || ends_in_title(line.text) {
        return true;
    }
    match setting {
        Setting::Wrapped(width) => {
            is_full(line, next, width) && !starts_paragraph(line, next) && !changes_style(line.text, next.text)
        }
        Setting::List | Setting::Lines => false,
    }
}

/// Returns true if `next` begins the turn of another speaker: `Q: And then?`, `MR. LEE: So be it.`
fn is_next_turn(line: &str, next: &str) -> bool {
    const LONGEST_LABEL: usize = 40;
    if !ends_sentence(line) {
        return false;
    }
    let is_answer = next.starts_with("Q. ") || next.starts_with("A. ") && line.starts_with("Q. ");
    let label = words::head(next, LONGEST_LABEL).split_once(": ").map_or("", |(label, _)| label);
    let is_large =
        !label.is_empty() && label.chars().all(|letter| letter.is_uppercase() || matches!(letter, ' ' | '.' | ','));
    is_answer || is_large && label.contains(char::is_uppercase)
}

/// Returns true if `line` was wrapped: the first word of `next` would not have fitted on it.
fn is_full(line: &Line, next: &Line, width: usize) -> bool {
    // Ragged text leaves some room, and the widest line may stick out.
    const SLACK_DIVISOR: usize = 8;
    let word = next.text.split_whitespace().next().map_or(0, columns);
    columns(line.text) + 1 + word >= width - width / SLACK_DIVISOR
}

fn starts_paragraph(line: &Line, next: &Line) -> bool {
    let is_first_indented = next.is_indented && !line.is_indented;
    (is_first_indented && (ends_sentence(line.text) || is_headline_before(line, next))) || is_byline(next.text)
}

/// Returns true if an indented line is the first of a paragraph under a headline.
fn is_headline_before(line: &Line, next: &Line) -> bool {
    next.begins_paragraph
        && words::opening(next.text) == Opening::Upper
        && !line.text.ends_with(['-', '–', '—', ',', ';'])
        && enumeration::leading(line.text).is_none()
}

/// Returns true if `next` begins a list item. Otherwise its number or dash is part of the sentence.
fn starts_item(line: &Line, next: &Line) -> bool {
    match enumeration::leading(next.text) {
        Some(Marker::Bullet(bullet)) if enumeration::is_bullet(bullet) => true,
        Some(_) => {
            let width = columns(line.text).max(columns(next.text));
            ends_sentence(line.text)
                || line.text.ends_with([':', ';'])
                || enumeration::leading(line.text).is_some()
                || !is_full(line, next, width)
        }
        None => false,
    }
}

/// The number of cells of a line set in columns; 1 for running text.
fn cells(line: &str) -> usize {
    const GAP: &str = "   ";
    if line.len() > WIDEST_WRAPPED * 2 || starts_lower(line) || !line.contains(['\t', ' ']) {
        return 1;
    }
    let cells = line.split('\t').flat_map(|part| part.split(GAP)).filter(|cell| !cell.trim().is_empty()).count();
    let is_marker = enumeration::leading(line).is_some() && cells > 1;
    cells - usize::from(is_marker)
}

fn is_byline(text: &str) -> bool {
    const MOST_WORDS: usize = 6;
    let name = text.strip_prefix("By ").or_else(|| text.strip_prefix("BY "));
    name.is_some_and(|name| {
        name.split_whitespace().nth(MOST_WORDS).is_none() && is_title_case(name) && !ends_sentence(text)
    })
}

/// Returns true if a line that is set as a title is followed by one that is not.
fn changes_style(line: &str, next: &str) -> bool {
    line.starts_with('#') || (is_title_case(line) && !ends_sentence(line) && !is_title_case(next))
}

/// Returns true if all longer words of `text` have a capital.
fn is_title_case(text: &str) -> bool {
    const SHORTEST_CAPITALISED: usize = 5;
    !starts_lower(text)
        && !text.split_whitespace().any(|word| starts_lower(word) && columns(word) >= SHORTEST_CAPITALISED)
}

fn ends_in_title(text: &str) -> bool {
    text.strip_suffix('.')
        .is_some_and(|text| abbreviations::classify(words::last(text)) == Some(abbreviations::Abbreviation::Title))
}

fn starts_lower(text: &str) -> bool {
    words::opening(text) == Opening::Lower
}

/// Returns true if `text` ends with the mark of a sentence.
pub(super) fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(|character| punctuation::is_quote(character) || matches!(character, ')' | ']' | '*' | '_'))
        .ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        paragraphs(text).into_iter().map(|paragraph| &text[paragraph.range]).collect()
    }

    #[test]
    fn blank_lines_part_paragraphs_whatever_the_line_break() {
        for line_break in ["\n", "\r\n", "\r"] {
            let text = ["One", "", " \t", "Two", ""].join(line_break);
            assert_eq!(split(&text), ["One", "Two"]);
        }
        assert_eq!(split("One\u{2028}\u{2028}Two"), ["One", "Two"]);
    }

    #[test]
    fn wrapped_lines_are_one_paragraph() {
        let text = "The harbour was closed for the third day in a row because of the storm, and\n\
                    Captain Lee said that nobody would sail before Sunday, when the wind was to\n\
                    turn.";
        assert_eq!(split(text).len(), 1);
    }

    #[test]
    fn a_narrow_newspaper_column_is_one_paragraph() {
        let text = "The harbour was closed for\nthe third day in a row, and\nCaptain Lee told reporters\n\
                    that nobody would sail\nbefore Sunday.";
        assert_eq!(split(text).len(), 1);
    }

    #[test]
    fn a_short_line_before_a_capital_stands_alone() {
        let text = "Storm Closes Harbour\nBy Ann Lee\n\
                    The harbour was closed for the third day in a row on Friday, and\n\
                    the ferries stayed in.";
        assert_eq!(split(text)[..2], ["Storm Closes Harbour", "By Ann Lee"]);
        assert_eq!(split(text).len(), 3);
    }

    #[test]
    fn a_headline_as_wide_as_the_text_stands_alone() {
        let text = "Storm Closes Harbour for Third Day as Ferries Wait for Calmer Seas\n\
                    The harbour was closed for the third day in a row on Friday, and\nthe ferries stayed in.";
        assert_eq!(split(text).len(), 2);
    }

    #[test]
    fn an_indent_after_a_full_line_starts_a_paragraph() {
        let text = "  The harbour was closed for the third day in a row because of the wind.\n\
                    \x20 Nobody would sail before Sunday, the captain of the larger ferry said.\n\
                    All of them waited.";
        assert_eq!(split(&text.replacen("  The", "The", 1)).len(), 2);
    }

    #[test]
    fn list_items_are_paragraphs_with_or_without_markers() {
        assert_eq!(split("We need:\n- rope\n- sails\n").len(), 3);
        assert_eq!(split("1. Buy rope\n2. Mend the\n   sails").len(), 2);
        assert_eq!(split("rope\nnew sails\nanchors, chains").len(), 3);
    }

    #[test]
    fn a_number_that_was_wrapped_to_the_next_line_is_no_list_item() {
        let text = "The ferry company counted all its passengers again, and there were only\n\
                    30. The year before there had been more than two thousand of them.";
        assert_eq!(split(text).len(), 1);
    }

    #[test]
    fn table_rows_stand_alone() {
        let text = "Name      Party     Votes\nSmith     Dem.      1,200\nJones\tRep.\t900";
        let rows = paragraphs(text);
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|row| row.is_table_row));
    }

    #[test]
    fn a_title_at_the_end_of_a_line_keeps_its_name() {
        assert_eq!(split("It was signed by Mr.\nSmith.").len(), 1);
    }

    #[test]
    fn headings_are_short_and_end_without_a_stop() {
        assert!(is_heading("Storm Closes Harbour"));
        assert!(is_heading("By Ann Lee"));
        assert!(!is_heading("It rained."));
        assert!(!is_heading("- rope"));
        assert!(!is_heading("and then, of course,"));
        assert!(!is_heading(&"word ".repeat(40)));
    }
}
