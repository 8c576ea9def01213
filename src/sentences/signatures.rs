//! Signatures under letters: a name and a place on lines of their own, which are no headings.

use super::paragraphs::{self, Paragraph};

/// Returns true if the paragraph at `at` is a line of a signature: two or three short lines with capitals, with a blank
/// line before and after them, and running text before that.
pub(super) fn is_signature(text: &str, paragraphs: &[Paragraph], at: usize) -> bool {
    const MOST_LINES: usize = 3;
    let first = (at.saturating_sub(MOST_LINES)..at).rev().take_while(|&line| is_joined(text, paragraphs, line)).last();
    let first = first.unwrap_or(at);
    let last = (at..paragraphs.len()).take(MOST_LINES).find(|&line| !is_joined(text, paragraphs, line)).unwrap_or(at);
    let lines = &paragraphs[first..=last];
    let follows_text =
        first.checked_sub(1).is_some_and(|before| paragraphs::ends_sentence(&text[paragraphs[before].range.clone()]));
    (2..=MOST_LINES).contains(&lines.len())
        && follows_text
        && lines.iter().all(|line| is_name(&text[line.range.clone()]))
        && text[lines[0].range.clone()].contains(' ')
}

/// Returns true if no blank line is between a paragraph and the next.
fn is_joined(text: &str, paragraphs: &[Paragraph], at: usize) -> bool {
    let next = paragraphs.get(at + 1);
    next.is_some_and(|next| text[paragraphs[at].range.end..next.range.start].matches('\n').count() < 2)
}

/// Returns true for a few words with capitals and without digits, that are no byline.
fn is_name(line: &str) -> bool {
    const MOST_WORDS: usize = 4;
    const MOST_BYTES: usize = 50;
    line.len() <= MOST_BYTES
        && line.split_whitespace().count() <= MOST_WORDS
        && line.split_whitespace().all(|word| word.starts_with(char::is_uppercase))
        && !line.ends_with(['.', '!', '?', ':'])
        && !line.contains(|character: char| character.is_ascii_digit())
        && !line.starts_with("By ")
        && line.contains(char::is_lowercase)
}
