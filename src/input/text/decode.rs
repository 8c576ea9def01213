//! Bytes to text: by byte order mark, as UTF-8, by what is said of their encoding, or by detection.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, MACINTOSH, UTF_8, UTF_16BE, UTF_16LE};

use crate::input::refusal::Refusal;
use crate::record::Reason;

/// A text has no more than one zero in so many bytes.
const MIN_BYTES_BY_ZERO: usize = 50;

/// The bytes in which UTF-16 without a byte order mark is looked for.
pub(in crate::input) const UTF_16_BYTES: usize = 512;

/// UTF-16 without a byte order mark: of the first characters, nearly every second byte is a zero, and the others are none.
pub(in crate::input) fn unmarked_utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    const MIN_BYTES: usize = 16;
    let head = &bytes[..bytes.len().min(UTF_16_BYTES) & !1];
    if head.len() < MIN_BYTES {
        return None;
    }
    let zeros = |first: usize| head.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let is_wide = |zeros: usize, others: usize| others == 0 && zeros * 2 > head.len() / 2;
    match (zeros(0), zeros(1)) {
        (even, odd) if is_wide(odd, even) => Some(UTF_16LE),
        (even, odd) if is_wide(even, odd) => Some(UTF_16BE),
        _ => None,
    }
}

/// A text, and the WHATWG name of the encoding that it came in.
pub(super) type Decoded = (String, &'static str);

/// Browsers look for a `<meta>` in 1,024 bytes; some pages have a long comment before it.
const META_BYTES: usize = 4096;

/// Of a hundred characters of a page, so many may be broken: cut in the middle, or pasted from elsewhere.
const MAX_BROKEN_PERCENT: usize = 2;

/// Decodes `bytes` in the encoding that their format declares, or as [`decode`] does if that fails.
pub(in crate::input) fn decode_labelled(bytes: Vec<u8>, label: Option<&str>) -> Result<Decoded, Refusal> {
    let labelled = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    if Encoding::for_bom(&bytes).is_none()
        // What can be read as a label is not UTF-16, or it has been decoded on the way.
        && let Some(encoding) = labelled.filter(|encoding| ![UTF_8, UTF_16BE, UTF_16LE].contains(encoding))
        && let Ok(decoded) = decode_as(encoding, &bytes)
    {
        return Ok(decoded);
    }
    decode(bytes)
}

/// The encoding that a page names in its first lines: `charset=` or, in XML, `encoding=`.
pub(in crate::input) fn meta_charset(bytes: &[u8]) -> Option<String> {
    const HEAD_BYTES: usize = 2048;
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]).to_ascii_lowercase();
    let declaration = head.starts_with("<?xml").then(|| head.split("?>").next()).flatten();
    let named = declaration.and_then(|text| text.split_once("encoding")).or_else(|| head.split_once("charset"));
    let value = named?.1.trim_start().strip_prefix('=')?.trim_start_matches([' ', '"', '\'']);
    let end = value.find(|character: char| !character.is_ascii_alphanumeric() && !"-_:.".contains(character));
    Some(value[..end.unwrap_or(value.len())].to_owned()).filter(|name| !name.is_empty())
}

/// Decodes `bytes`, without their byte order mark.
pub(in crate::input) fn decode(bytes: Vec<u8>) -> Result<Decoded, Refusal> {
    if let Some((encoding, mark_length)) = Encoding::for_bom(&bytes) {
        return decode_as(encoding, &bytes[mark_length..]);
    }
    if let Some(encoding) = unmarked_utf_16(&bytes) {
        return decode_as(encoding, &bytes);
    }
    // A few stray zeros are control characters, which go and are flagged.
    if memchr::memchr_iter(0, &bytes).count() * MIN_BYTES_BY_ZERO > bytes.len() {
        return Err(Refusal::new(
            Reason::NotText,
            "holds zero bytes: binary data, or UTF-16 without a byte order mark",
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, UTF_8.name())),
        Err(error) => {
            let (text, encoding) = decode_as(detect(error.as_bytes()), error.as_bytes())?;
            if is_broken(&text) {
                return Err(Refusal::new(Reason::NotText, "holds control characters: binary data"));
            }
            Ok((text, encoding))
        }
    }
}

/// Decodes a page of HTML, as forgiving as a browser: by byte order mark; as UTF-8 where it is that, since labels err more often;
/// by `charset`, the label of its HTTP header; by its own `<meta>`; by detection. What is broken becomes U+FFFD.
pub(in crate::input) fn decode_page<'p>(
    bytes: &'p [u8],
    charset: Option<&str>,
) -> Result<(Cow<'p, str>, &'static str), Refusal> {
    if let Some((encoding, mark_length)) = Encoding::for_bom(bytes) {
        return forgive(encoding, &bytes[mark_length..]);
    }
    let said = charset
        .and_then(|label| Encoding::for_label(label.trim_matches(['"', '\'', ' ']).as_bytes()))
        .or_else(|| in_meta(bytes));
    match said {
        Some(encoding) if [ISO_2022_JP, UTF_16BE, UTF_16LE].contains(&encoding) => forgive(encoding, bytes),
        _ if is_utf8(bytes) => forgive(UTF_8, bytes),
        Some(encoding) if encoding != UTF_8 => forgive(encoding, bytes),
        // Broken UTF-8, or a label that is wrong.
        Some(_) => forgive(UTF_8, bytes).or_else(|_| forgive(detect(bytes), bytes)),
        None => forgive(guess_utf_16(bytes).unwrap_or_else(|| detect(bytes)), bytes),
    }
}

/// Also where the last character is cut.
fn is_utf8(bytes: &[u8]) -> bool {
    guess_utf_16(bytes).is_none()
        && std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// UTF-16 without a mark: a page begins with `<`, or white space.
fn guess_utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [b'<' | b' ' | b'\n' | b'\r', 0, ..] => Some(UTF_16LE),
        [0, b'<' | b' ' | b'\n' | b'\r', ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// The encoding that a page names for itself. It is not UTF-16: then the name itself could not be read.
fn in_meta(bytes: &[u8]) -> Option<&'static Encoding> {
    const CHARSET: &[u8] = b"charset";
    let start = bytes[..bytes.len().min(META_BYTES)].to_ascii_lowercase();
    let mut places = memchr::memmem::find_iter(&start, CHARSET);
    let named = places.find_map(|place| charset_value(&start[place + CHARSET.len()..]))?;
    Some(if [UTF_16BE, UTF_16LE].contains(&named) { UTF_8 } else { named })
}

/// The encoding in `="utf-8"`, which follows `charset`.
fn charset_value(bytes: &[u8]) -> Option<&'static Encoding> {
    let value = bytes.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let label = value.split(|byte| b"\"'; />?".contains(byte)).find(|label| !label.is_empty())?;
    Encoding::for_label(label)
}

fn forgive<'p>(encoding: &'static Encoding, bytes: &'p [u8]) -> Result<(Cow<'p, str>, &'static str), Refusal> {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    if is_broken(&text) {
        return Err(Refusal::new(Reason::NotText, format!("cannot be decoded as {}", encoding.name())));
    }
    Ok((text, encoding.name()))
}

/// True if a text has too many characters that could not be decoded, or control characters.
fn is_broken(text: &str) -> bool {
    let broken = text.chars().filter(|&character| is_broken_character(character)).count();
    broken > 1 && broken * 100 > text.chars().count() * MAX_BROKEN_PERCENT
}

fn is_broken_character(character: char) -> bool {
    let is_white = matches!(character, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1b}');
    character == '\u{FFFD}' || character < ' ' && !is_white
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    if is_macintosh(bytes) { MACINTOSH } else { detector.guess(None, Utf8Detection::Deny) }
}

/// True if the bytes only make sense in the encoding of old Macintoshes, which the detector does not know. Its apostrophe (0xD5) and
/// `é` (0x8E) between small letters, and its closing quotation mark (0xD3) behind a comma, are capital letters in windows-1252.
fn is_macintosh(bytes: &[u8]) -> bool {
    const ENOUGH: usize = 2;
    let enough = high_bytes(bytes).filter(|&at| is_of_macintosh(bytes, at)).take(ENOUGH).count() == ENOUGH;
    enough && !high_bytes(bytes).any(|at| is_mark_of_windows(bytes, at))
}

/// The places of bytes that are not ASCII.
fn high_bytes(bytes: &[u8]) -> impl Iterator<Item = usize> {
    (0..bytes.len()).filter(|&at| bytes[at] >= 0x80)
}

fn is_of_macintosh(bytes: &[u8], at: usize) -> bool {
    let (before, behind) = around(bytes, at);
    match bytes[at] {
        0xd5 | 0x8e => before.is_ascii_lowercase() && (behind.is_ascii_lowercase() || is_end_of_word(behind)),
        0xd3 => b",.!?".contains(&before) && is_end_of_word(behind),
        _ => false,
    }
}

/// True if this is a quotation mark or a dash of windows-1252, which would be a letter with an accent on a Macintosh.
fn is_mark_of_windows(bytes: &[u8], at: usize) -> bool {
    let (before, behind) = around(bytes, at);
    matches!(bytes[at], 0x91..=0x94 | 0x96 | 0x97) && (is_end_of_word(before) || is_end_of_word(behind))
}

/// The bytes before and behind one; a space where there is none.
fn around(bytes: &[u8], at: usize) -> (u8, u8) {
    let before = at.checked_sub(1).and_then(|at| bytes.get(at));
    (*before.unwrap_or(&b' '), *bytes.get(at + 1).unwrap_or(&b' '))
}

fn is_end_of_word(byte: u8) -> bool {
    b" \t\r\n\".,;:!?".contains(&byte)
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
    fn a_label_is_believed_where_the_bytes_agree() {
        let decode = |bytes: &[u8], label| decode_labelled(bytes.to_vec(), Some(label)).unwrap();
        assert_eq!(decode(b"\xe9t\xe9", "iso-8859-1"), ("été".to_owned(), "windows-1252"));
        assert_eq!(decode("été".as_bytes(), "utf-8"), ("été".to_owned(), "UTF-8"));
        assert_eq!(decode(b"\xb3\xf3d\xbc", "iso-8859-2").0, "łódź");
        assert_eq!(decode("été".as_bytes(), "no-such").0, "été");
    }

    fn page(bytes: &[u8], charset: Option<&str>) -> (String, &'static str) {
        let (text, encoding) = decode_page(bytes, charset).unwrap();
        (text.into_owned(), encoding)
    }

    #[test]
    fn a_mark_goes_before_valid_utf_8_before_labels_before_detection() {
        assert_eq!(page(b"\xef\xbb\xbfCaf\xc3\xa9", Some("latin1")), ("Café".to_owned(), "UTF-8"));
        assert_eq!(page("Café".as_bytes(), Some("latin1")), ("Café".to_owned(), "UTF-8"));
        assert_eq!(page(b"caf\xe9 \xa4", Some(" \"iso-8859-15\"")), ("café €".to_owned(), "ISO-8859-15"));
        let meta = b"<meta charset=windows-1251><p>\xcf\xf0\xe8\xe2\xe5\xf2";
        assert_eq!(page(meta, None).0, "<meta charset=windows-1251><p>Привет");
        assert_eq!(page(meta, Some("koi8-r")).1, "KOI8-R");
        let older = b"<META HTTP-EQUIV='Content-Type' CONTENT='text/html; CHARSET = Shift_JIS'>\x93\xfa\x96\x7b";
        assert!(page(older, None).0.ends_with("日本"));
        assert_eq!(page(b"\x93Caf\xe9 culture,\x94 she said \x96 naturally.", None).1, "windows-1252");
    }

    #[test]
    fn a_label_that_is_wrong_or_unknown_costs_nothing() {
        assert_eq!(page("Café".as_bytes(), Some("klingon")).0, "Café");
        let western = [b"caf\xe9 \xe0 la cr\xe8me ".repeat(10), b"tr\xe8s".to_vec()].concat();
        assert_eq!(page(&western, Some("utf-8")).1, "windows-1252");
        assert_eq!(page(b"<meta charset=utf-16>plain", None), ("<meta charset=utf-16>plain".to_owned(), "UTF-8"));
    }

    #[test]
    fn a_page_cut_within_a_character_is_still_utf_8() {
        assert_eq!(page(b"caf\xc3\xa9 \xe2\x82", None), ("café \u{FFFD}".to_owned(), "UTF-8"));
        let broken = [b"caf\xc3\xa9 ".repeat(50), b"\xff".to_vec(), b"caf\xc3\xa9".repeat(5)].concat();
        assert_eq!(page(&broken, Some("utf-8")).1, "UTF-8");
    }

    #[test]
    fn seven_and_sixteen_bit_encodings_are_read() {
        assert_eq!(page(b"<\0p\0>\0H\0i\0", None), ("<p>Hi".to_owned(), "UTF-16LE"));
        assert_eq!(page(b"\0<\0p\0>\0H", Some("utf-16be")).0, "<p>H");
        assert_eq!(page(b"\x1b$B$3\x1b(B", Some("iso-2022-jp")).0, "こ");
    }

    #[test]
    fn the_encoding_of_old_macintoshes_is_told_from_that_of_windows() {
        let decoded = |bytes: &[u8]| decode(bytes.to_vec()).unwrap();
        let row =
            b"Quay,\"\xd2We were told nothing would change,\xd3 said Orla Venn \xd1 the council\xd5s vote was final.\"";
        let expected = "Quay,\"“We were told nothing would change,” said Orla Venn — the council’s vote was final.\"";
        assert_eq!(decoded(row), (expected.to_owned(), "macintosh"));
        assert_eq!(decoded(b"The caf\x8e\xd5s owner, Andr\x8e Br\x9el\x8e").0, "The café’s owner, André Brûlé");
        for western in [
            &b"\x93Caf\xe9 culture,\x94 she said \x96 it\x92s natural. OCASI\xd3N, S\xd5ES, \xd3DINN, \x8eivot"[..],
            b"El se\xf1or dijo: \xabNo es una opci\xf3n\xbb",
        ] {
            assert_eq!(decoded(western).1, "windows-1252");
        }
    }

    #[test]
    fn utf_16_without_a_mark_and_stray_zeros_are_read() {
        let wide = |unit: fn(u16) -> [u8; 2]| "The quay is “shut”.".encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        assert_eq!(decode(wide(u16::to_le_bytes)).unwrap(), ("The quay is “shut”.".to_owned(), "UTF-16LE"));
        assert_eq!(decode(wide(u16::to_be_bytes)).unwrap().1, "UTF-16BE");
        let stray = [b"The quay is shut. ".repeat(5), b"\0It rains.".to_vec()].concat();
        assert!(decode(stray).is_ok());
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for bytes in [
            &b"\x89PNG\0\0\0\x01\0\0"[..],
            &[0; 100],
            &b"GIF89a\0\x01\0\xff\xfe\0\0"[..],
            b"\xff\xd8\xff\xe0\x10JFIF\x01\xa1",
        ] {
            assert_eq!(decode_page(bytes, None).unwrap_err().reason, Reason::NotText);
            assert_eq!(decode(bytes.to_vec()).unwrap_err().reason, Reason::NotText);
        }
    }
}
