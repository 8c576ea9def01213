//! Texts that somebody has decoded wrongly before they came here.

/// Whether a text has been UTF-8, was read as windows-1252, and was written down so: `Ã©` for `é`, more than once.
pub(in crate::input) fn is_garbled(text: &str) -> bool {
    const ENOUGH: usize = 2;
    let bytes = text.as_bytes();
    // What begins a sequence in UTF-8 is a letter from `Â` to `ô` then, and those begin with this byte.
    let letters = memchr::memchr_iter(0xc3, bytes).filter(|&at| is_garbled_at(&text[at..]));
    letters.take(ENOUGH).count() == ENOUGH
}

/// Whether a sequence of two or more bytes of UTF-8 stands here, each as the character that it is in windows-1252.
fn is_garbled_at(text: &str) -> bool {
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

/// The byte that a character is in windows-1252; none for those of ASCII, which are the same everywhere.
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
        assert!(is_garbled("A cafÃ© in MÃ¼nchen"));
        assert!(is_garbled("â€œNo,â€\u{9d} she said"));
        assert!(!is_garbled("Ein Café in München, São Paulo, ÀÉ, “No”, Ã"));
        assert!(!is_garbled("One cafÃ© may be a quotation"));
    }
}
