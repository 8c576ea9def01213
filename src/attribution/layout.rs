//! Attributions that the layout of a text shows: transcripts (`MR. SMITH: …`, `Q: …`), and quotations that are signed with a
//! dash and a name.

use std::ops::Range;

use super::parts::Parts;
use super::{Page, paragraphs, words};
use crate::deadline;

/// Adds the parts that the layout shows to `parts`. They replace those that a model found in the same places.
pub(super) fn add_parts(page: &Page<'_, '_>, parts: &mut Parts) {
    let turns: Vec<Turn> =
        paragraphs(page.sentences).into_iter().filter_map(|range| Turn::from_paragraph(page.text, range)).collect();
    // A single such line may be a heading or a warning.
    if turns.len() > 1 {
        for turn in turns {
            deadline::check();
            turn.add_to(page, parts);
        }
    }
    for quotation in &page.quotations {
        deadline::check();
        if let Some(signature) = Signature::after(page, quotation) {
            signature.add_to(page, parts, quotation);
        }
    }
}

/// A speech of one speaker in a transcript. All ranges are bytes of the document.
struct Turn {
    name: Range<usize>,
    colon: Range<usize>,
    speech: Range<usize>,
}

impl Turn {
    fn from_paragraph(text: &str, paragraph: Range<usize>) -> Option<Self> {
        let line = &text[paragraph.clone()];
        let opened = line.len() - line.trim_start_matches(['"', '“']).len();
        let colon = line.find(':')?;
        let name = line.get(opened..colon)?;
        let speech = line[colon + 1..].trim_start();
        let is_turn = is_speaker(name) && !speech.is_empty() && line[colon + 1..].starts_with(char::is_whitespace);
        let start = paragraph.start;
        is_turn.then(|| Self {
            name: start + opened..start + colon,
            colon: start + colon..start + colon + 1,
            speech: paragraph.end - speech.len()..paragraph.end,
        })
    }

    fn add_to(self, page: &Page<'_, '_>, parts: &mut Parts) {
        let whole = self.name.start..self.speech.end;
        parts.sources.replace(page, &whole, self.name);
        parts.cues.replace(page, &whole, self.colon);
        parts.contents.replace(page, &whole, self.speech);
    }
}

/// Returns true if `name` can be a speaker in a transcript: a few words in capitals, or `Q` and `A`.
fn is_speaker(name: &str) -> bool {
    const MOST_WORDS: usize = 5;
    let is_answer = matches!(name, "Q" | "A" | "Q." | "A." | "Question" | "Answer");
    let is_written_large = words(name) <= MOST_WORDS
        && name.chars().any(char::is_uppercase)
        && !name.chars().any(char::is_lowercase)
        && !name.chars().any(char::is_numeric);
    is_answer || (is_written_large && name.len() > 1)
}

/// A dash and a name after a quotation.
struct Signature {
    dash: Range<usize>,
    name: Range<usize>,
}

impl Signature {
    fn after(page: &Page<'_, '_>, quotation: &Range<usize>) -> Option<Self> {
        const DASHES: [char; 5] = ['-', '–', '—', '―', '~'];
        let rest = page.text[quotation.end..].trim_start();
        let start = page.text.len() - rest.len();
        let line = short_line(rest)?.trim_end().trim_end_matches('.');
        let name = line.trim_start_matches(DASHES).trim_start();
        let dash = line[..line.len() - name.len()].trim_end();
        let name_start = start + line.len() - name.len();
        let is_signature = !dash.is_empty() && !page.text[quotation.end..start].contains("\n\n") && is_signatory(name);
        is_signature.then(|| Self { dash: start..start + dash.len(), name: name_start..name_start + name.len() })
    }

    fn add_to(self, page: &Page<'_, '_>, parts: &mut Parts, quotation: &Range<usize>) {
        parts.clear(&(self.dash.start..self.name.end));
        parts.sources.insert(page, self.name);
        parts.cues.insert(page, self.dash);
        if parts.contents.touching(quotation).is_empty() {
            parts.contents.insert(page, quotation.clone());
        }
    }
}

/// The first line of `text` if it is short. The limit keeps the search linear in a text without line breaks.
fn short_line(text: &str) -> Option<&str> {
    const MOST_CHARACTERS: usize = 200;
    let beginning = text.char_indices().nth(MOST_CHARACTERS).map_or(text, |(byte, _)| &text[..byte]);
    let line = beginning.lines().next()?;
    (line.len() < beginning.len() || beginning.len() == text.len()).then_some(line)
}

/// Returns true if the rest of a line is a name, with at most a few words about the person.
fn is_signatory(line: &str) -> bool {
    const MOST_WORDS: usize = 6;
    (1..=MOST_WORDS).contains(&words(line))
        && line.starts_with(char::is_uppercase)
        && !line.contains(['!', '?', ':', '“', '”', '"'])
}
