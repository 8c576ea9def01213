//! Pictures, PDF and other files that hold no text, by their first bytes. They are refused whatever their name says.

use super::Format;
use crate::input::intake::Spot;
use crate::input::refusal::Refusal;
use crate::record::Reason;

/// A stream that begins like a binary file. Formats that read such files stand before it in the table.
pub(super) static FORMAT: Format = Format {
    extensions: &[],
    is_one_record: true,
    recognise: |beginning| kind(beginning.head()).is_some(),
    read: |stream, _, intake| {
        let head = stream.peek(HEAD_BYTES);
        let message = format!("is {}", kind(head).unwrap_or("binary"));
        intake.refuse(Spot::Whole, Refusal::new(Reason::NotText, message), b"")
    },
};

/// Kinds are recognised within so many bytes.
const HEAD_BYTES: usize = 16;

/// The first bytes of binary files, and what these files are.
const MAGICS: [(&[u8], &str); 20] = [
    (b"%PDF-", "a PDF document"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"\0\0\x01\0", "an icon"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
    (b"OggS\0", "an Ogg recording"),
    (b"ID3\x03", "an MP3 recording"),
    (b"ID3\x04", "an MP3 recording"),
    (b"\x1a\x45\xdf\xa3", "a Matroska film"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// The kind of a binary file that begins with `bytes`; `None` for all others, which may be text.
pub(super) fn kind(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"RIFF") && matches!(bytes.get(8..12), Some(b"WEBP" | b"WAVE" | b"AVI ")) {
        return Some("a picture or recording");
    }
    if bytes.starts_with(b"\0") && bytes.get(4..8) == Some(b"ftyp") {
        return Some("an MP4 film");
    }
    MAGICS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::formats::testing::read_texts;

    #[test]
    fn a_binary_file_is_refused_whatever_its_name() {
        let pdf = b"%PDF-1.4\n1 0 obj << /Title (It rained.) >> endobj\n";
        for name in ["a.html", "a.txt", "a.csv", "a.json", "a"] {
            assert_eq!(read_texts(name, pdf), [Err(Reason::NotText)], "{name}");
        }
        assert_eq!(read_texts("a.html", b"\xff\xd8\xff\xe0\0\x10JFIF\0<html>"), [Err(Reason::NotText)]);
        assert_eq!(kind(b"RIFF\x10\0\0\0WEBPVP8 "), Some("a picture or recording"));
        assert_eq!(kind(b"\0\0\0\x20ftypisom"), Some("an MP4 film"));
        assert_eq!((kind(b"RIFF raff."), kind(b"GIF files"), kind(b"")), (None, None, None));
    }
}
