//! Bytes to text: by byte order mark, as UTF-8, or by detection.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

use super::refusal::Refusal;
use crate::record::Reason;

/// A text, and the WHATWG name of the encoding that it came in.
pub(super) type Decoded = (String, &'static str);

/// Decodes `bytes` as their format says that they are encoded; as it would be without that where they are not.
pub(super) fn decode_labelled(bytes: Vec<u8>, label: Option<&str>) -> Result<Decoded, Refusal> {
    let labelled = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    if Encoding::for_bom(&bytes).is_none()
        && let Some(encoding) = labelled.filter(|encoding| *encoding != UTF_8)
        && let Ok(decoded) = decode_as(encoding, &bytes)
    {
        return Ok(decoded);
    }
    decode(bytes)
}

/// What a page says in its first lines of how it is encoded: `charset=` or, in XML, `encoding=`.
pub(super) fn meta_charset(bytes: &[u8]) -> Option<String> {
    const HEAD_BYTES: usize = 2048;
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]).to_ascii_lowercase();
    let declaration = head.starts_with("<?xml").then(|| head.split("?>").next()).flatten();
    let said = declaration.and_then(|text| text.split_once("encoding")).or_else(|| head.split_once("charset"));
    let value = said?.1.trim_start().strip_prefix('=')?.trim_start_matches([' ', '"', '\'']);
    let end = value.find(|character: char| !character.is_ascii_alphanumeric() && !"-_:.".contains(character));
    Some(value[..end.unwrap_or(value.len())].to_owned()).filter(|name| !name.is_empty())
}

/// Whether a text has been UTF-8, was read as windows-1252, and was written down so: `Ã©` for `é`, more than once.
pub(super) fn is_garbled(text: &str) -> bool {
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
        0xc3..=0xdf | 0xc2 => 1,
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

/// Decodes `bytes`, without their byte order mark.
pub(super) fn decode(bytes: Vec<u8>) -> Result<Decoded, Refusal> {
    if let Some((encoding, mark_length)) = Encoding::for_bom(&bytes) {
        return decode_as(encoding, &bytes[mark_length..]);
    }
    if memchr::memchr(0, &bytes).is_some() {
        return Err(Refusal::new(
            Reason::NotText,
            "holds zero bytes: binary data, or UTF-16 without a byte order mark",
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, UTF_8.name())),
        Err(error) => decode_as(detect(error.as_bytes()), error.as_bytes()),
    }
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Deny)
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Result<Decoded, Refusal> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(|text| (text.into_owned(), encoding.name()))
        .ok_or_else(|| {
            Refusal::new(Reason::NotText, format!("is not valid UTF-8, and not valid {} either", encoding.name()))
        })
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

    #[test]
    fn a_label_is_believed_where_the_bytes_agree() {
        let decode = |bytes: &[u8], label| decode_labelled(bytes.to_vec(), Some(label)).unwrap();
        assert_eq!(decode(b"\xe9t\xe9", "iso-8859-1"), ("été".to_owned(), "windows-1252"));
        assert_eq!(decode("été".as_bytes(), "utf-8"), ("été".to_owned(), "UTF-8"));
        assert_eq!(decode(b"\xb3\xf3d\xbc", "iso-8859-2").0, "łódź");
        assert_eq!(decode("été".as_bytes(), "no-such").0, "été");
    }
}
