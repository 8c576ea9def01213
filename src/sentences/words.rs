//! The words on both sides of a possible boundary.

use super::punctuation;

/// The spelling of the first word after a possible boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// A capital, or a letter of a script without capitals.
    Upper,
    /// A small letter.
    Lower,
    /// A digit, or a sign that goes before one.
    Digit,
    /// Neither letter nor digit.
    Symbol,
}

// No abbreviation is longer; the limit keeps the search linear in a text without spaces.
const LONGEST_WORD: usize = 40;

/// The last word of `text`, without opening marks. Inner dots stay (`p.m`).
pub(super) fn last(text: &str) -> &str {
    let tail = tail(text, LONGEST_WORD);
    let start = tail.rfind(is_separator).map_or(0, |at| at + tail[at..].chars().next().map_or(0, char::len_utf8));
    &tail[start..]
}

/// The end of `text` from its last white space on.
pub(super) fn last_token(text: &str) -> &str {
    const LONGEST: usize = 200;
    tail(text, LONGEST).rsplit(char::is_whitespace).next().unwrap_or("")
}

/// Returns true if `text` starts with the address of a page.
pub(super) fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://") || text.starts_with("www.")
}

/// The text before the last word of `text`, trimmed.
pub(super) fn before_last(text: &str) -> &str {
    text[..text.len() - last(text).len()].trim_end()
}

/// The first word of `text`, without opening marks.
pub(super) fn first(text: &str) -> &str {
    let text = text.trim_start_matches(punctuation::is_opener);
    let end = text.char_indices().take(LONGEST_WORD).find(|(_, character)| !is_inner(*character));
    match end {
        Some((at, _)) => &text[..at],
        None => head(text, LONGEST_WORD),
    }
}

/// The spelling of the first word of `text`, after quotation marks and brackets.
pub(super) fn opening(text: &str) -> Opening {
    let mut characters = text.chars().skip_while(|character| punctuation::is_opener(*character));
    match characters.next() {
        Some('$' | '£' | '€' | '#' | '.' | '+') if characters.next().is_some_and(char::is_numeric) => Opening::Digit,
        Some(first) if first.is_lowercase() => lower(characters),
        Some(first) if first.is_alphabetic() => Opening::Upper,
        Some(first) if first.is_numeric() => Opening::Digit,
        _ => Opening::Symbol,
    }
}

/// A small letter, unless a capital soon follows as in `iPhone` or `eBay`: such names begin sentences as they are.
fn lower(rest: impl Iterator<Item = char>) -> Opening {
    const LONGEST_PREFIX: usize = 4;
    let is_name = rest.take(LONGEST_PREFIX).take_while(|character| character.is_alphabetic()).any(char::is_uppercase);
    if is_name { Opening::Upper } else { Opening::Lower }
}

/// The first `bytes` of `text`, or fewer if that would cut a character.
pub(super) fn head(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

/// The last `bytes` of `text`, or fewer if that would cut a character.
pub(super) fn tail(text: &str, bytes: usize) -> &str {
    let start = (text.len().saturating_sub(bytes)..text.len()).find(|at| text.is_char_boundary(*at));
    &text[start.unwrap_or(text.len())..]
}

fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || punctuation::is_opener(character)
        || matches!(character, '—' | '–' | '/' | ')' | ']' | ',')
}

fn is_inner(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '\'' | '’' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_keeps_its_dots_and_loses_what_opens_it() {
        assert_eq!(last("left at 5 p.m"), "p.m");
        assert_eq!(last("the rest (Calif"), "Calif");
        assert_eq!(last("ends in space "), "");
        assert_eq!(before_last("you and I"), "you and");
    }

    #[test]
    fn the_last_token_reaches_back_to_white_space() {
        assert_eq!(last_token("see http://example.com/a,b"), "http://example.com/a,b");
        assert_eq!(last_token("rope"), "rope");
        assert_eq!(last_token("rope "), "");
    }

    #[test]
    fn pages_have_addresses() {
        assert!(is_address("https://example.com"));
        assert!(is_address("www.example.com"));
        assert!(!is_address("example.com"));
    }

    #[test]
    fn the_first_word_is_found_behind_quotation_marks() {
        assert_eq!(first("“(We're late"), "We're");
        assert_eq!(first("— so"), "");
    }

    #[test]
    fn the_way_a_text_opens_is_told_by_its_first_letter() {
        assert_eq!(opening("\"The"), Opening::Upper);
        assert_eq!(opening("the"), Opening::Lower);
        assert_eq!(opening("iPhone sales"), Opening::Upper);
        assert_eq!(opening("$5"), Opening::Digit);
        assert_eq!(opening("— the"), Opening::Symbol);
        assert_eq!(opening("字"), Opening::Upper);
    }

    #[test]
    fn text_is_never_cut_inside_a_character() {
        assert_eq!(head("aé", 2), "a");
        assert_eq!(tail("éa", 2), "a");
        assert_eq!(tail("é", 9), "é");
    }
}
