//! Finds the places of a paragraph where a sentence may end; `boundary` decides.

use super::punctuation::{self, Mark};
use super::{datelines, enumeration, footnotes, words};
use std::ops::Range;

/// A place where a sentence may end, with the text around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'text> {
    /// The sentence up to the mark.
    pub(super) before: &'text str,
    /// The mark that ends the sentence; `None` before a list item, an address or a credit.
    pub(super) mark: Option<Mark>,
    /// Quotation marks, brackets and note marks that close with the sentence.
    pub(super) closers: &'text str,
    /// The white space after all that.
    pub(super) gap: &'text str,
    /// The paragraph from the next word on.
    pub(super) after: &'text str,
    end: usize,
}

/// Walks through a paragraph and remembers where the current sentence began.
pub(super) struct Scanner<'text> {
    paragraph: &'text str,
    start: usize,
    first_word: Option<usize>,
    cursor: usize,
    item_tried_at: Option<usize>,
    lead: Option<usize>,
}

impl<'text> Scanner<'text> {
    /// A scanner of `paragraph`, which has no white space at its ends.
    pub(super) fn new(paragraph: &'text str) -> Self {
        let mut scanner = Self { paragraph, start: 0, first_word: None, cursor: 0, item_tried_at: None, lead: None };
        scanner.begin(0);
        scanner.lead = scanner.lead.or_else(|| datelines::label(paragraph));
        scanner
    }

    /// The next place where the current sentence may end.
    pub(super) fn next_candidate(&mut self) -> Option<Candidate<'text>> {
        // A sentence has a word, so no mark before its first word can end it.
        self.cursor = self.cursor.max(self.first_word?);
        if let Some(end) = self.lead.take() {
            return Some(self.set_apart(end));
        }
        while let Some(at) = find_sign(self.paragraph, self.cursor) {
            if self.item_tried_at != Some(at) {
                self.item_tried_at = Some(at);
                self.cursor = at;
                if let Some(candidate) = self.before_item(at) {
                    return Some(candidate);
                }
            }
            if let Some(candidate) = self.after_quotation(at).or_else(|| self.after_mark(at)) {
                return Some(candidate);
            }
        }
        self.cursor = self.paragraph.len();
        let date = datelines::date_at_end(self.paragraph).filter(|date| *date > self.start)?;
        Some(self.set_apart(date))
    }

    /// Ends the current sentence at `candidate` and begins the next one.
    pub(super) fn cut(&mut self, candidate: &Candidate<'text>) -> Range<usize> {
        let sentence = self.start..candidate.end;
        self.begin(candidate.end);
        sentence
    }

    /// The part of the paragraph after the last cut.
    pub(super) fn rest(&self) -> Range<usize> {
        self.start..self.paragraph.len()
    }

    /// Returns true if the current sentence has a word. Without one it is not a sentence.
    pub(super) fn has_word(&self) -> bool {
        self.first_word.is_some()
    }

    fn begin(&mut self, at: usize) {
        let rest = &self.paragraph[at..];
        self.start = self.paragraph.len() - rest.trim_start().len();
        self.first_word = rest.find(char::is_alphanumeric).map(|word| at + word);
        self.lead = datelines::dateline(&self.paragraph[self.start..]).map(|length| self.start + length);
    }

    /// The candidate that ends before or at `place`, where the sentence is cut in any case.
    fn set_apart(&self, place: usize) -> Candidate<'text> {
        let before = self.paragraph[self.start..place].trim_end();
        let end = self.start + before.len();
        let after = self.paragraph[end..].trim_start();
        let gap = &self.paragraph[end..self.paragraph.len() - after.len()];
        Candidate { before, mark: Some(Mark::SetApart), closers: "", gap, after, end }
    }

    fn before_item(&self, at: usize) -> Option<Candidate<'text>> {
        let start = enumeration::start_of_marker(self.paragraph, at)
            .or_else(|| datelines::start_of_address(self.paragraph, at))
            .or_else(|| datelines::start_of_credit(self.paragraph, at))
            .filter(|start| *start > self.start)?;
        let before = self.paragraph[self.start..start].trim_end();
        let end = self.start + before.len();
        let gap = &self.paragraph[end..start];
        Some(Candidate { before, mark: None, closers: "", gap, after: &self.paragraph[start..], end })
    }

    /// The candidate after a quotation that closes at `at` without a stop, and that a colon announced.
    fn after_quotation(&mut self, at: usize) -> Option<Candidate<'text>> {
        const LONGEST: usize = 400;
        let close = self.paragraph[at..].chars().next().filter(|close| matches!(close, '"' | '”'))?;
        let end = at + close.len_utf8();
        let is_free = self.paragraph[end..].starts_with(' ');
        let is_open_ended = self.paragraph[..at].ends_with(|last: char| {
            !last.is_whitespace() && !matches!(last, '.' | ',' | '!' | '?' | '…' | ':' | ';' | '"' | '”')
        });
        if !is_free || !is_open_ended {
            return None;
        }
        let sentence = words::tail(&self.paragraph[self.start..at], LONGEST);
        let open = sentence.rfind(if close == '"' { '"' } else { '“' })?;
        if !sentence[..open].trim_end().ends_with(':') {
            return None;
        }
        self.cursor = end;
        let after = self.paragraph[end..].trim_start();
        let gap = &self.paragraph[end..self.paragraph.len() - after.len()];
        let before = &self.paragraph[self.start..at];
        Some(Candidate { before, mark: Some(Mark::Quotation), closers: &self.paragraph[at..end], gap, after, end })
    }

    fn after_mark(&mut self, at: usize) -> Option<Candidate<'text>> {
        let Some((length, mark)) = self.mark(at) else {
            self.cursor = at + self.paragraph[at..].chars().next().map_or(1, char::len_utf8);
            return None;
        };
        let mark_end = at + length;
        let end = mark_end + self.closers(mark_end);
        let closers = &self.paragraph[mark_end..end];
        let after = self.paragraph[end..].trim_start();
        let gap = &self.paragraph[end..self.paragraph.len() - after.len()];
        self.cursor = end;
        Some(Candidate { before: &self.paragraph[self.start..at], mark: Some(mark), closers, gap, after, end })
    }

    /// The number of bytes that close with a sentence whose mark ends at `from`.
    fn closers(&self, from: usize) -> usize {
        let before = &self.paragraph[..from];
        let mut rest = &self.paragraph[from..];
        while let Some(length) = punctuation::closer(rest).or_else(|| footnotes::mark(before, rest)) {
            rest = &rest[length..];
        }
        self.paragraph.len() - from - rest.len()
    }

    fn mark(&self, at: usize) -> Option<(usize, Mark)> {
        // Dots set apart belong together; the first dot after a word is that word's own.
        let (length, mark) = punctuation::run(&self.paragraph[at..])?;
        if self.paragraph[..at].ends_with(char::is_whitespace) {
            let spaced = punctuation::spaced_dots(&self.paragraph[at..]);
            return Some(if spaced > length { (spaced, Mark::Ellipsis) } else { (length, mark) });
        }
        if mark == Mark::Stop
            && self.is_in_quotation(at)
            && let Some(dots) = self.paragraph[at + 1..].strip_prefix(' ').map(punctuation::spaced_dots)
            && dots > length
            && self.paragraph[at + 2..at + 2 + dots].contains(' ')
        {
            // Four dots set apart in a speech: the stop of the sentence and an ellipsis.
            return Some((length + 1 + dots, Mark::Ellipsis));
        }
        Some((length, mark))
    }

    /// Returns true if the current sentence has opened a quotation before `at` and not closed it.
    fn is_in_quotation(&self, at: usize) -> bool {
        const LONGEST: usize = 400;
        let sentence = words::tail(&self.paragraph[self.start..at], LONGEST);
        let opened = sentence.matches('“').count();
        sentence.matches('"').count() % 2 == 1 || opened > sentence.matches('”').count()
    }
}

/// The next byte at or after `from` that may start a terminator or a bullet, or end a list marker, a label or the first
/// part of an address.
fn find_sign(paragraph: &str, from: usize) -> Option<usize> {
    let bytes = paragraph.as_bytes();
    (from..bytes.len()).find(|&at| match bytes[at] {
        b'.' | b'!' | b'?' | b')' | b':' | b'"' => true,
        b'-' => bytes.get(at + 1) == Some(&b'-'),
        // The first bytes of dashes, dots, bullets and full-width marks.
        0xE2 => matches!(bytes.get(at + 1), Some(0x80 | 0x81 | 0x96 | 0x97)),
        0xE3 => bytes.get(at + 1) == Some(&0x80),
        0xEF => matches!(bytes.get(at + 1), Some(0xBC | 0xBD)),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_shows_the_text_around_its_mark() {
        let candidate = Scanner::new("He said \"No.\"[2]  Then").next_candidate().unwrap();
        assert_eq!(candidate.before, "He said \"No");
        assert_eq!(candidate.mark, Some(Mark::Stop));
        assert_eq!(candidate.closers, "\"[2]");
        assert_eq!(candidate.gap, "  ");
        assert_eq!(candidate.after, "Then");
    }

    #[test]
    fn a_cut_begins_the_next_sentence() {
        let mut scanner = Scanner::new("One. Two. Three");
        let first = scanner.next_candidate().unwrap();
        assert_eq!(scanner.cut(&first), 0..4);
        assert_eq!(scanner.next_candidate().unwrap().before, "Two");
        assert_eq!(scanner.rest(), 5..15);
    }

    #[test]
    fn marks_before_the_first_word_are_no_candidates() {
        let mut scanner = Scanner::new("... ?! One");
        assert!(scanner.next_candidate().is_none());
        assert!(scanner.has_word());
    }

    #[test]
    fn a_dateline_is_the_first_candidate_whatever_stops_it_has() {
        let mut scanner = Scanner::new("SALEM, Ore. (AP) -- It rained. Lee left.");
        let dateline = scanner.next_candidate().unwrap();
        assert_eq!(dateline.mark, Some(Mark::SetApart));
        assert_eq!(scanner.cut(&dateline), 0..19);
        assert_eq!(scanner.next_candidate().unwrap().before, "It rained");
    }

    #[test]
    fn a_date_behind_a_headline_is_the_last_candidate() {
        let mut scanner = Scanner::new("Storm Closes Harbour Sunday, May 28, 2006");
        let headline = scanner.next_candidate().unwrap();
        assert_eq!(scanner.cut(&headline), 0..20);
        assert!(scanner.next_candidate().is_none());
    }

    #[test]
    fn a_list_marker_is_a_candidate_before_its_stop_is() {
        let mut scanner = Scanner::new("1. Rope 2. Sails");
        let marks: Vec<_> = std::iter::from_fn(|| scanner.next_candidate()).map(|found| found.mark).collect();
        assert_eq!(marks, [Some(Mark::Stop), None, Some(Mark::Stop)]);
    }
}
