//! List markers: bullets, numbers and letters, at the start of a line or running on inside one.

use super::words;

/// The sign a list item starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker<'text> {
    /// A sign that is the same for every item.
    Bullet(char),
    /// A number or letter that counts up, and the signs before and after it.
    Count { value: u32, style: (&'text str, &'text str) },
}

// "(123.) " and the like; a longer number is not a list marker.
const LONGEST_MARKER: usize = 8;

/// The marker that `text` starts with.
pub(super) fn leading(text: &str) -> Option<Marker<'_>> {
    let first = text.chars().next()?;
    if is_bullet(first) {
        return Some(Marker::Bullet(first));
    }
    if is_dash_item(text) {
        return Some(Marker::Bullet('-'));
    }
    count(text)
}

/// Returns true if `next` is the next item of a list after `item`.
pub(super) fn continues(item: &str, next: &str) -> bool {
    match (leading(item), leading(next)) {
        (Some(Marker::Bullet(one)), Some(Marker::Bullet(other))) => one == other,
        (Some(Marker::Count { value, style }), Some(Marker::Count { value: next_value, style: next_style })) => {
            style == next_style && next_value == value + 1
        }
        _ => false,
    }
}

/// Returns true if `text` is the first item of a list that counts with small letters: `a. Rope`.
pub(super) fn is_first_letter(text: &str) -> bool {
    text.starts_with('a') && count(text).is_some()
}

/// The start of the marker that ends with the sign at `at`, if white space is before it.
pub(super) fn start_of_marker(text: &str, at: usize) -> Option<usize> {
    let sign = text[at..].chars().next()?;
    if is_bullet(sign) {
        return ends_in_space(&text[..at]).then_some(at);
    }
    let token = words::tail(&text[..at], LONGEST_MARKER).rsplit(char::is_whitespace).next()?;
    let start = at - token.len();
    let is_marker = !token.is_empty() && ends_in_space(&text[..start]) && count(&text[start..]).is_some();
    is_marker.then_some(start)
}

/// Returns true if `text` is only a marker without its final sign, such as `12` or `(b`.
pub(super) fn is_bare_marker(text: &str) -> bool {
    if text.len() > LONGEST_MARKER {
        return false;
    }
    let inside = text.trim_start_matches(|character| is_bullet(character) || character == '-');
    let inside = inside.trim_start().trim_start_matches('(');
    // Four digits are a year: "Who won in 2010? 1998. The rest".
    let is_number = inside.split('.').all(|part| part.len() < 4 && part.bytes().all(|byte| byte.is_ascii_digit()));
    let is_letter = inside.len() == 1 && inside.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_roman = inside.bytes().all(|byte| b"ivxIVX".contains(&byte));
    is_number || is_letter || is_roman
}

/// Returns true for a sign that only opens list items.
pub(super) fn is_bullet(character: char) -> bool {
    matches!(character, '•' | '⁃' | '‣' | '◦' | '●' | '▪' | '■' | '○')
}

fn is_dash_item(text: &str) -> bool {
    ["- ", "* ", "– ", "+ "].iter().any(|marker| text.starts_with(marker))
}

fn count(text: &str) -> Option<Marker<'_>> {
    let (open, rest) = text.strip_prefix('(').map_or(("", text), |rest| ("(", rest));
    let end = words::head(rest, LONGEST_MARKER).find(|character: char| !character.is_ascii_alphanumeric())?;
    let close = [".)", ".", ")"].into_iter().find(|close| rest[end..].starts_with(close))?;
    let is_followed_by_space = rest[end + close.len()..].starts_with(char::is_whitespace);
    let value = value(&rest[..end], close)?;
    is_followed_by_space.then_some(Marker::Count { value, style: (open, close) })
}

/// The value of a number or a letter. Letters count from 1,000, so `a` never follows `0`.
fn value(name: &str, close: &str) -> Option<u32> {
    const FIRST_LETTER: u32 = 1_000;
    match name.as_bytes() {
        // "A. Smith" is a name, so capitals need a bracket.
        [letter] if letter.is_ascii_lowercase() || (letter.is_ascii_uppercase() && close.ends_with(')')) => {
            Some(FIRST_LETTER + u32::from(*letter))
        }
        digits if digits.len() <= 3 => name.parse().ok(),
        _ => None,
    }
}

fn ends_in_space(text: &str) -> bool {
    text.ends_with(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_letters_and_bullets_are_markers() {
        for text in ["1. Rope", "(12) Rope", "3.) Rope", "b) Rope", "(B) Rope", "• Rope", "- Rope"] {
            assert!(leading(text).is_some(), "{text}");
        }
    }

    #[test]
    fn names_years_and_decimals_are_not_markers() {
        for text in ["A. Smith", "1990. The", "1.5 metres", "rope. It", "-5 degrees", "(see above)", "1.", ""] {
            assert!(leading(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_list_goes_on_with_the_next_number_in_the_same_style() {
        assert!(continues("1. Rope", "2. Sails"));
        assert!(continues("a) Rope", "b) Sails"));
        assert!(continues("• Rope", "• Sails"));
        assert!(!continues("1. Rope", "3. Sails"));
        assert!(!continues("1. Rope", "2) Sails"));
        assert!(!continues("Rope", "1. Sails"));
    }

    #[test]
    fn the_first_letter_begins_a_list() {
        assert!(is_first_letter("a. Rope"));
        assert!(!is_first_letter("b. Sails"));
        assert!(!is_first_letter("a rope"));
    }

    #[test]
    fn a_marker_is_found_from_its_last_sign() {
        assert_eq!(start_of_marker("Rope (2) Sails", 7), Some(5));
        assert_eq!(start_of_marker("Rope • Sails", 5), Some(5));
        assert_eq!(start_of_marker("Rope2. Sails", 5), None);
        assert_eq!(start_of_marker("1. Rope", 1), None);
    }

    #[test]
    fn a_bare_marker_has_no_other_word() {
        assert!(is_bare_marker("12"));
        assert!(is_bare_marker("• 9"));
        assert!(is_bare_marker("iv"));
        assert!(!is_bare_marker("No"));
        assert!(!is_bare_marker("1990"));
        assert!(!is_bare_marker("In 1990"));
    }
}
