//! JSON that is not quite valid, as programs write it, to JSON that is: half surrogates, `NaN`, raw control characters in strings.

use std::fmt::Write;

/// A number of more digits may not fit into 64 bits.
const MAX_INTEGER_DIGITS: usize = 18;

/// `json` with its common mistakes mended; what it cannot mend stays, for the parser to report.
///
/// - A half of a surrogate pair becomes U+FFFD.
/// - `NaN`, `Infinity` and `-Infinity` become `null`.
/// - Raw control characters in strings are escaped, and so are backslashes that escape nothing.
/// - Commas before a closing bracket go.
/// - Integers of 19 or more digits become strings: as numbers they would lose their last digits.
pub(in crate::input) fn repair(json: &str) -> String {
    let mut written = String::with_capacity(json.len() + 16);
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string(rest, &mut written),
            'N' | 'I' | '-' | '0'..='9' => word(rest, &mut written),
            ',' if ends_list(&rest[1..]) => 1,
            _ => {
                written.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    written
}

/// `bytes` without the halves of surrogate pairs that some programs write into UTF-8: each becomes U+FFFD.
pub(in crate::input) fn without_half_surrogates(mut bytes: Vec<u8>) -> Vec<u8> {
    const REPLACEMENT: &[u8; 3] = b"\xef\xbf\xbd";
    let Err(error) = std::str::from_utf8(&bytes) else { return bytes };
    // What is no UTF-8 for another reason is another encoding.
    for at in error.valid_up_to()..bytes.len().saturating_sub(2) {
        if matches!(bytes[at..at + 3], [0xed, 0xa0..=0xbf, 0x80..=0xbf]) {
            bytes[at..at + 3].copy_from_slice(REPLACEMENT);
        }
    }
    bytes
}

/// Tells whether nothing but white space stands before a closing bracket.
fn ends_list(rest: &str) -> bool {
    rest.trim_start_matches([' ', '\t', '\r', '\n']).starts_with(['}', ']'])
}

/// Copies the number or the name that `json` begins with, and gives back its length.
fn word(json: &str, written: &mut String) -> usize {
    let length = json.bytes().position(|byte| !is_of_word(byte)).unwrap_or(json.len());
    let word = &json[..length];
    let digits = word.strip_prefix('-').unwrap_or(word);
    if matches!(word, "NaN" | "Infinity" | "-Infinity") {
        written.push_str("null");
    } else if digits.len() > MAX_INTEGER_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        written.push('"');
        written.push_str(word);
        written.push('"');
    } else {
        written.push_str(word);
    }
    length
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// Copies the string that `json` begins with, and gives back its length.
fn string(json: &str, written: &mut String) -> usize {
    let bytes = json.as_bytes();
    written.push('"');
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                written.push('"');
                return at + 1;
            }
            b'\\' => at += escape(&json[at..], written),
            control @ 0..0x20 => {
                // Writing to a string cannot fail.
                let _ = write!(written, "\\u{control:04x}");
                at += 1;
            }
            _ => {
                let plain = bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
                let end = plain.map_or(bytes.len(), |length| at + length);
                written.push_str(&json[at..end]);
                at = end;
            }
        }
    }
    at
}

/// Copies the escape that `json` begins with, and gives back its length.
fn escape(json: &str, written: &mut String) -> usize {
    match json.as_bytes().get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
            written.push_str(&json[..2]);
            2
        }
        Some(b'\'') => {
            written.push('\'');
            2
        }
        Some(b'u') => match unit(json) {
            None => escaped_backslash(written),
            Some(0xd800..=0xdbff) if json.get(6..).and_then(unit).is_some_and(is_low) => {
                written.push_str(&json[..12]);
                12
            }
            Some(0xd800..=0xdfff) => {
                written.push('\u{fffd}');
                6
            }
            Some(_) => {
                written.push_str(&json[..6]);
                6
            }
        },
        _ => escaped_backslash(written),
    }
}

fn escaped_backslash(written: &mut String) -> usize {
    written.push_str("\\\\");
    1
}

/// The number of the `\u` escape that `json` begins with.
fn unit(json: &str) -> Option<u16> {
    let digits = json.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

fn is_low(unit: u16) -> bool {
    (0xdc00..=0xdfff).contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn repaired(json: &str) -> Value {
        assert!(serde_json::from_str::<Value>(json).is_err(), "is valid: {json}");
        serde_json::from_str(&repair(json)).unwrap_or_else(|error| panic!("{error}: {}", repair(json)))
    }

    #[test]
    fn common_mistakes_are_mended() {
        assert_eq!(repaired(r#"{"a": "x\ud83d y\ude00"}"#), json!({"a": "x\u{fffd} y\u{fffd}"}));
        assert_eq!(repaired(r#"{"a": NaN, "b": [-Infinity, Infinity]}"#), json!({"a": null, "b": [null, null]}));
        assert_eq!(repaired("{\"a\": \"one\ttwo\nthree\u{1}\"}"), json!({"a": "one\ttwo\nthree\u{1}"}));
        assert_eq!(repaired(r#"{"a": "it\'s C:\dir \x"}"#), json!({"a": "it's C:\\dir \\x"}));
        assert_eq!(repaired(r#"{"a": [1, 2,], }"#), json!({"a": [1, 2]}));
    }

    #[test]
    fn valid_json_stays_as_it_is() {
        for json in [r#"{"a": "\ud83d\ude00 \u00e9 NaN, ]\\", "b": [-1.5e3, true, null]}"#, "{}", "\"a\"", ""] {
            assert_eq!(repair(json), json);
        }
    }

    #[test]
    fn a_long_integer_keeps_its_digits() {
        let repaired: Value = serde_json::from_str(&repair(r#"{"id": 123456789012345678901, "n": 12.5}"#)).unwrap();
        assert_eq!(repaired, json!({"id": "123456789012345678901", "n": 12.5}));
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[\\\\\"ud8c0-9NaI,}\\]é\u{1}\n]{0,40}") {
            repair(&text);
        }
    }
}
