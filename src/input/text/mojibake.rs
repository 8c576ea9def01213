//! Detection of texts that were decoded wrongly before they came here.

/// True if a text was UTF-8 and was decoded as windows-1252: it has `Ã©` for `é` or the like more than once.
pub(in crate::input) fn is_mojibake(text: &str) -> bool {
    const ENOUGH: usize = 2;
    let bytes = text.as_bytes();
    // The first byte of a sequence in UTF-8 is then a letter from `Â` to `ô`, and these letters begin with 0xc3.
    let letters = memchr::memchr_iter(0xc3, bytes).filter(|&at| is_mojibake_at(&text[at..]));
    letters.take(ENOUGH).count() == ENOUGH
}

/// True if the text begins with a UTF-8 sequence whose bytes were each decoded as windows-1252.
fn is_mojibake_at(text: &str) -> bool {
    let mut bytes = text.chars().map(byte_in_windows_1252);
    let Some(Some(first)) = bytes.next() else { return false };
    let followers = match first {
        0xc2..=0xdf => 1,
        0xe0..=0xef => 2,
        0xf0..=0xf4 => 3,
        _ => return false,
    };
    bytes.by_ref().take(followers).filter(|byte| byte.is_some_and(|byte| matches!(byte, 0x80..=0xbf))).count()
        == followers
}

/// The byte of a character in windows-1252; `None` for ASCII, which is the same in all encodings.
fn byte_in_windows_1252(character: char) -> Option<u8> {
    let mut buffer = [0; 4];
    match u32::from(character) {
        0x80..=0xff => u8::try_from(u32::from(character)).ok(),
        0x100.. => {
            let (bytes, _, is_wrong) = encoding_rs::WINDOWS_1252.encode(character.encode_utf8(&mut buffer));
            (!is_wrong).then(|| bytes[0])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_decoded_wrongly_is_noticed_and_what_was_not_is_not() {
        assert!(is_mojibake("A cafÃ© in MÃ¼nchen"));
        assert!(is_mojibake("â€œNo,â€\u{9d} she said"));
        assert!(!is_mojibake("Ein Café in München, São Paulo, ÀÉ, “No”, Ã"));
        assert!(!is_mojibake("One cafÃ© may be a quotation"));
    }
}
