//! Pictures, PDF and other files that hold no text, by their first bytes. They are refused whatever their name says. So are files that are
//! named like a binary file and begin like none: what stands in them is damaged, or an error message of the server that they came from.

use std::io::BufRead;

use super::Format;
use crate::input::collector::Position;
use crate::input::names::extension;
use crate::input::refusal::{EXCERPT_BYTES, Refusal};
use crate::record::Reason;

/// A stream that begins like a binary file. Formats that read such files stand before it in the table.
pub(super) static FORMAT: Format = Format {
    extensions: &[],
    is_one_record: true,
    recognise: |beginning| kind(beginning.head()).is_some(),
    read: |stream, _, collector| {
        let head = stream.peek(HEAD_BYTES);
        let message = format!("is {}", kind(head).unwrap_or("binary"));
        collector.refuse(Position::Whole, Refusal::new(Reason::NotText, message), b"")
    },
};

/// A stream that is named like a binary file and was not recognised as one. Only plain text stands behind it in the table.
pub(super) static MISNAMED: Format = Format {
    // Those of the formats that it is no file of.
    extensions: &[],
    is_one_record: true,
    recognise: |beginning| {
        let is_named = NAMES.iter().any(|(extensions, _)| beginning.has_extension(extensions));
        is_named && beginning.first().is_some()
    },
    read: |stream, container, collector| {
        let extension = extension(container.name);
        let kind = NAMES.iter().find(|(extensions, _)| extensions.contains(&extension.as_str()));
        let kind = kind.map_or("binary", |(_, kind)| kind);
        let message = format!("is named `.{extension}` but is not {kind}");
        let head = stream.peek(EXCERPT_BYTES).to_vec();
        stream.consume(head.len());
        // A file that is cut short may lack what it would be recognised by.
        let failure = stream.fill_buf().err().map(Refusal::from);
        collector.refuse(Position::Whole, failure.unwrap_or_else(|| Refusal::new(Reason::NotText, message)), &head)
    },
};

/// The extensions of binary files, and what these files are.
const NAMES: [(&[&str], &str); 10] = [
    (&["docx", "docm"], "a Word document"),
    (&["parquet"], "a Parquet file"),
    (&["arrow", "feather", "ipc"], "an Arrow file"),
    (&["zip", "wacz"], "a zip archive"),
    (&["tar", "tgz", "tzst", "tbz2", "txz"], "a tar archive"),
    (&["pdf"], "a PDF document"),
    (&["jpg", "jpeg", "png", "gif", "tif", "tiff", "webp"], "a picture"),
    (&["xlsx", "pptx", "odt", "ods", "epub"], "an Office document or a book"),
    (&["mp3", "mp4", "m4a", "avi", "mov", "wav", "ogg"], "a recording"),
    (&["7z", "rar", "exe", "sqlite"], "an archive or a program"),
];

/// Kinds are recognised within so many bytes.
const HEAD_BYTES: usize = 16;

/// The first bytes of binary files, and what these files are.
const MAGICS: [(&[u8], &str); 28] = [
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
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Office document (of Word, Excel or PowerPoint 97 to 2003), or an encrypted one",
    ),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"%!PS-Adobe", "a PostScript document"),
    (b"8BPS\0\x01", "a Photoshop picture"),
    (b"fLaC\0", "a FLAC recording"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"Obj\x01", "an Avro file"),
    (b"RDX2\n", "an R workspace"),
    (b"RDX3\n", "an R workspace"),
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
    use crate::input::formats::testing::{read_rejections, read_texts};

    #[test]
    fn a_binary_file_is_refused_whatever_its_name() {
        let pdf = b"%PDF-1.4\n1 0 obj << /Title (It rained.) >> endobj\n";
        for name in ["a.html", "a.txt", "a.csv", "a.json", "a"] {
            assert_eq!(read_texts(name, pdf), [Err(Reason::NotText)], "{name}");
        }
        assert_eq!(read_texts("a.html", b"\xff\xd8\xff\xe0\0\x10JFIF\0<html>"), [Err(Reason::NotText)]);
        let old = read_rejections("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more").remove(0);
        assert!(old.reason == Reason::NotText && old.message.contains("Word"), "{}", old.message);
        assert_eq!(kind(b"RIFF\x10\0\0\0WEBPVP8 "), Some("a picture or recording"));
        assert_eq!(kind(b"\0\0\0\x20ftypisom"), Some("an MP4 film"));
        assert_eq!((kind(b"RIFF raff."), kind(b"GIF files"), kind(b"")), (None, None, None));
    }

    #[test]
    fn a_file_that_is_named_like_a_binary_one_and_is_none_is_no_text() {
        for name in ["a.docx", "a.parquet", "a.arrow", "a.zip", "a.pdf", "a.JPG"] {
            let rejection = read_rejections(name, b"404: there is no such file.").remove(0);
            assert_eq!(rejection.reason, Reason::NotText, "{name}");
            assert!(rejection.message.starts_with("is named `."), "{}", rejection.message);
            assert_eq!(read_texts(name, b""), [Err(Reason::Empty)], "{name}");
        }
        let text = || Ok("It rained.".to_owned());
        assert_eq!(read_texts("a.docx", b"{\\rtf1 It rained.}"), [text()], "the content decides");
        assert_eq!(read_texts("a.doc", b"It rained."), [text()]);
    }
}
