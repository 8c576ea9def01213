//! Finds quotations: the text from an opening mark to the one that closes it, also over several paragraphs.

use std::ops::Range;

use crate::deadline;

/// A pair of marks, by what opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `“…”`.
    Curly,
    /// `„…“`.
    Low,
    /// `"…"`.
    Straight,
    /// `''…''` and ` ``…'' `, as typewriters and wire services have them.
    Twofold,
    /// `«…»`.
    Angle,
    /// `‘…’`.
    SingleCurly,
    /// `'…'`.
    SingleStraight,
}

/// An opening mark that has not been closed yet.
#[derive(Debug, Clone, Copy)]
struct Open {
    style: Style,
    start: usize,
}

/// The quotations in `text` with their marks, in order: byte ranges that do not overlap. A quotation inside another is
/// part of it. One that is not closed in its paragraph reaches to the paragraph's end. If the next paragraph opens with the
/// same mark, the quotation continues there, as a range of its own.
pub(super) fn quotations(text: &str, paragraphs: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for paragraph in paragraphs {
        deadline::check();
        in_paragraph(&text[paragraph.clone()], paragraph.start, &mut found);
    }
    found
}

fn in_paragraph(paragraph: &str, offset: usize, found: &mut Vec<Range<usize>>) {
    let mut open: Option<Open> = None;
    let mut at = 0;
    while let Some(length) = paragraph[at..].chars().next().map(char::len_utf8) {
        let around = Around { paragraph, at };
        match (around.mark(), open) {
            (Some((_, width)), Some(begun)) if around.closes(begun.style, width) => {
                found.push(offset + begun.start..offset + at + width);
                open = None;
                at += width;
            }
            (Some((style, width)), None) if around.opens(style, width) => {
                open = Some(Open { style, start: at });
                at += width;
            }
            _ => at += length,
        }
    }
    // Without its closing mark a single one was an apostrophe.
    let rest = open.filter(|open| !matches!(open.style, Style::SingleCurly | Style::SingleStraight));
    found.extend(rest.map(|open| offset + open.start..offset + paragraph.trim_end().len()));
}

/// A place in a paragraph.
struct Around<'t> {
    paragraph: &'t str,
    at: usize,
}

impl Around<'_> {
    /// The mark at this place, and its number of bytes.
    fn mark(&self) -> Option<(Style, usize)> {
        let rest = &self.paragraph[self.at..];
        if rest.starts_with("''") || rest.starts_with("``") {
            return Some((Style::Twofold, 2));
        }
        let first = rest.chars().next()?;
        let style = match first {
            '“' | '”' => Style::Curly,
            '„' => Style::Low,
            '"' => Style::Straight,
            '«' | '»' => Style::Angle,
            '‘' | '’' => Style::SingleCurly,
            '\'' => Style::SingleStraight,
            _ => return None,
        };
        Some((style, first.len_utf8()))
    }

    fn starts_with(&self, mark: &str) -> bool {
        self.paragraph[self.at..].starts_with(mark)
    }

    fn before(&self) -> Option<char> {
        self.paragraph[..self.at].chars().next_back()
    }

    fn after(&self, width: usize) -> Option<char> {
        self.paragraph[self.at + width..].chars().next()
    }

    fn opens(&self, style: Style, width: usize) -> bool {
        let is_free = self.before().is_none_or(|before| before.is_whitespace() || is_bracket_or_dash(before));
        let meets_text = self.after(width).is_some_and(|after| !after.is_whitespace());
        match style {
            Style::Curly => self.starts_with("“"),
            Style::Low => true,
            Style::Angle => self.starts_with("«"),
            Style::Straight | Style::Twofold => meets_text && is_free,
            Style::SingleCurly => self.starts_with("‘") && is_free && meets_text,
            Style::SingleStraight => is_free && self.after(width).is_some_and(char::is_alphabetic),
        }
    }

    fn closes(&self, style: Style, width: usize) -> bool {
        let is_free = self.after(width).is_none_or(|after| !after.is_alphanumeric());
        match style {
            Style::Curly => self.starts_with("”"),
            Style::Low => self.starts_with("“") || self.starts_with("”"),
            Style::Angle => self.starts_with("»"),
            Style::Straight => self.starts_with("\"") && is_free,
            Style::Twofold => self.starts_with("''") && is_free,
            Style::SingleCurly => self.starts_with("’") && is_free && !self.is_possessive(width),
            Style::SingleStraight => self.starts_with("'") && is_free && !self.is_possessive(width),
        }
    }

    /// Returns true if a single mark is the apostrophe of a plural: `the workers' plan`. It has an s before it, and a word
    /// in small letters after it.
    fn is_possessive(&self, width: usize) -> bool {
        let mut after = self.paragraph[self.at + width..].chars();
        self.before() == Some('s') && after.next() == Some(' ') && after.next().is_some_and(char::is_lowercase)
    }
}

fn is_bracket_or_dash(character: char) -> bool {
    matches!(character, '(' | '[' | '{' | '-' | '–' | '—' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let mut start = 0;
        let paragraphs: Vec<Range<usize>> = text
            .split("\n\n")
            .map(|paragraph| {
                let range = start..start + paragraph.len();
                start = range.end + 2;
                range
            })
            .collect();
        quotations(text, &paragraphs).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn marks_of_every_style_are_paired() {
        assert_eq!(found("“Yes,” she said. \"No,\" he said."), ["“Yes,”", "\"No,\""]);
        assert_eq!(found("''We won,'' he said. ``Not yet,'' she said."), ["''We won,''", "``Not yet,''"]);
        assert_eq!(found("«Oui», said Marie. „Ja“, said Max."), ["«Oui»", "„Ja“"]);
        assert_eq!(found("‘It’s late,’ she said. 'I don't know,' he said."), ["‘It’s late,’", "'I don't know,'"]);
    }

    #[test]
    fn what_is_quoted_inside_belongs_to_the_quotation() {
        assert_eq!(found("“He told me ‘go away’ and left,” she said."), ["“He told me ‘go away’ and left,”"]);
    }

    #[test]
    fn an_apostrophe_is_no_quotation() {
        assert!(found("The workers' plan of the '90s isn't theirs.").is_empty());
        assert!(found("The workers’ plan of the ’90s isn’t theirs.").is_empty());
        assert_eq!(found("'The workers' plan failed,' he said."), ["'The workers' plan failed,'"]);
    }

    #[test]
    fn a_quotation_goes_on_in_the_next_paragraph() {
        let text = "“We tried.\n\n“Then we left,” she said.\n\nNobody came.";
        assert_eq!(found(text), ["“We tried.", "“Then we left,”"]);
    }

    #[test]
    fn a_mark_that_is_not_closed_reaches_to_the_end_of_its_paragraph() {
        assert_eq!(found("He said: \"We will see.\n\nThen he left. \"Bye,\" he said."), ["\"We will see.", "\"Bye,\""]);
        assert!(found("It was 5'10\" tall, and 6\" wide.").is_empty());
    }
}
