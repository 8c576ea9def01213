//! Control characters, which no text has: those of windows-1252 in disguise become the characters that they mean, and the others go.

use std::borrow::Cow;

/// Mends `text` in place. Gives back whether it had control characters other than tabs and line ends.
///
/// U+0080 to U+009F are bytes of windows-1252 that were taken for Latin-1: quotation marks, dashes and the like. In a text that
/// `is_mojibake` they are parts of other characters, and stay. Form feeds and vertical tabs become line ends.
pub(in crate::input) fn mend(text: &mut String, is_mojibake: bool) -> bool {
    // Nearly all texts end here.
    if !has_controls(text.as_bytes(), is_mojibake) {
        return false;
    }
    let characters = text.chars();
    *text =
        characters.filter_map(|known| if is_kept(known, is_mojibake) { Some(known) } else { meaning(known) }).collect();
    true
}

fn is_kept(character: char, is_mojibake: bool) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\u{80}'..='\u{9f}' => is_mojibake,
        other => !other.is_control(),
    }
}

/// Returns true if [`is_kept`] is false for a character of this text.
fn has_controls(text: &[u8], is_mojibake: bool) -> bool {
    /// Bytes that are looked at together: without an exit in between, the compiler makes vector code of it.
    const CHUNK: usize = 64;
    /// The first byte of U+0080 to U+009F.
    const FIRST_BYTE: u8 = 0xc2;
    text.chunks(CHUNK).any(|chunk| chunk.iter().fold(false, |found, &byte| found | is_control_byte(byte)))
        || !is_mojibake && memchr::memchr_iter(FIRST_BYTE, text).any(|at| matches!(text.get(at + 1), Some(0x80..=0x9f)))
}

/// Returns true for a control character of one byte that no text has.
fn is_control_byte(byte: u8) -> bool {
    matches!(byte, 0..0x20 | 0x7f) & !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// The character that a control character stands for.
fn meaning(control: char) -> Option<char> {
    match control {
        '\u{b}' | '\u{c}' => Some('\n'),
        '\u{80}'..='\u{9f}' => in_windows_1252(u8::try_from(u32::from(control)).ok()?),
        _ => None,
    }
}

/// The character of a byte from 0x80 to 0x9F in windows-1252, which has none for five of them.
pub(super) fn in_windows_1252(byte: u8) -> Option<char> {
    let bytes = [byte];
    let decoded: Cow<'_, str> = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes).0;
    decoded.chars().next().filter(|character| !character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str) -> (String, bool) {
        let mut mended = text.to_owned();
        let has_controls = mend(&mut mended, false);
        (mended, has_controls)
    }

    #[test]
    fn bytes_of_windows_1252_become_the_characters_that_they_mean() {
        let quotation = "\u{93}We don\u{92}t know,\u{94} said Orla Venn \u{96} the boats\u{92} speaker\u{85}";
        let expected = "“We don’t know,” said Orla Venn – the boats’ speaker…";
        assert_eq!(mended(quotation), (expected.to_owned(), true));
        assert_eq!(mended("a\u{81}b\u{9d}c\u{80}"), ("abc€".to_owned(), true), "five bytes have no character");
    }

    #[test]
    fn bytes_tell_whether_there_are_controls() {
        for character in '\0'..'\u{2100}' {
            for is_mojibake in [false, true] {
                let text = format!("a{character}é");
                assert_eq!(
                    has_controls(text.as_bytes(), is_mojibake),
                    !is_kept(character, is_mojibake),
                    "{character:?}"
                );
            }
        }
    }

    #[test]
    fn other_controls_go_and_white_space_stays() {
        assert_eq!(mended("\u{1}a\u{0}b\u{1b}c\u{7f}"), ("abc".to_owned(), true));
        assert_eq!(mended("one\u{c}two\u{b}three"), ("one\ntwo\nthree".to_owned(), true));
        let plain = "one\ttwo\r\nthree\u{a0}“four” Âé\u{200b}";
        assert_eq!(mended(plain), (plain.to_owned(), false));
    }

    #[test]
    fn in_a_garbled_text_they_are_parts_of_characters() {
        let mut text = "â€œNo,â€\u{9d} she said\u{0}".to_owned();
        assert!(mend(&mut text, true));
        assert_eq!(text, "â€œNo,â€\u{9d} she said");
    }
}
