//! Note marks and emoticons between one sentence and the next. They belong to the first.

use super::{abbreviations, words};

/// The number of bytes of the note mark or emoticon that `text` starts with; `before` ends with the sentence's mark.
pub(super) fn mark(before: &str, text: &str) -> Option<usize> {
    match text.bytes().next()? {
        b'[' => bracketed(text),
        b'0'..=b'9' => raised(before, text),
        b' ' => spaced(before, &text[1..]).map(|length| length + 1),
        b':' | b';' => emoticon(text),
        _ => None,
    }
}

/// `text` follows a single space, as in text made from a page with raised numbers.
fn spaced(before: &str, text: &str) -> Option<usize> {
    match text.bytes().next()? {
        b'[' => bracketed(text).filter(|length| is_number_list(&text[1..length - 1])),
        b'0'..=b'9' => raised(before, text).filter(|length| {
            let next = words::first(text[*length..].trim_start());
            *length <= 2 && abbreviations::is_starter(next)
        }),
        b':' | b';' => emoticon(text),
        _ => None,
    }
}

/// A note mark such as `[3]`, `[b]` or `[note 1]`.
fn bracketed(text: &str) -> Option<usize> {
    const LONGEST: usize = 20;
    let close = text.bytes().take(LONGEST).position(|byte| byte == b']')?;
    let inside = &text[1..close];
    let is_short = matches!(inside.len(), 1..=3);
    let is_numbered = inside.ends_with(|last: char| last.is_ascii_digit());
    let is_mark = is_short || is_numbered || inside == "citation needed";
    (is_mark && !inside.contains(['.', '['])).then_some(close + 1)
}

fn is_number_list(inside: &str) -> bool {
    inside.chars().all(|character| character.is_ascii_digit() || matches!(character, ' ' | ',' | '-' | '–'))
}

/// The number of a note that lost its raised position: `the rights.4 Even`. After a digit it would be a decimal.
fn raised(before: &str, text: &str) -> Option<usize> {
    const LONGEST: usize = 3;
    let sentence = before.trim_end_matches(['.', '!', '?']);
    let length = text.bytes().take(LONGEST + 1).take_while(u8::is_ascii_digit).count();
    let is_free = sentence.ends_with(|last: char| last.is_lowercase() || matches!(last, ')' | '”' | '"'));
    let next = text[length..].strip_prefix(' ')?;
    (is_free && length <= LONGEST && next.starts_with(char::is_uppercase)).then_some(length)
}

fn emoticon(text: &str) -> Option<usize> {
    const EMOTICONS: [&str; 8] = [":)", ":-)", ";)", ";-)", ":(", ":-(", ":D", ":P"];
    let length = EMOTICONS.iter().find(|emoticon| text.starts_with(**emoticon))?.len();
    let rest = &text[length..];
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_in_brackets_belong_to_the_sentence_before() {
        assert_eq!(mark("It rained.", "[3] Then"), Some(3));
        assert_eq!(mark("It rained.", " [4, 7] Then"), Some(7));
        assert_eq!(mark("It rained.", "[note 2]"), Some(8));
        assert_eq!(mark("It rained.", "[He left in a hurry.]"), None);
    }

    #[test]
    fn a_number_after_a_word_and_a_stop_is_a_note() {
        assert_eq!(mark("It rained.", "12 Then it stopped"), Some(2));
        assert_eq!(mark("It rained.", " 3 The sun came out"), Some(2));
        assert_eq!(mark("It rained.", " 3 Rivers rose"), None);
        assert_eq!(mark("It cost 4.", "5 Then"), None);
        assert_eq!(mark("It rained.", "5 litres"), None);
    }

    #[test]
    fn an_emoticon_belongs_to_the_sentence_before() {
        assert_eq!(mark("Lovely.", " :-) Thanks"), Some(4));
        assert_eq!(mark("Lovely.", " :x"), None);
    }
}
