//! Word documents (DOCX): a zip archive of parts in XML, read as one document. What a reader sees of the text is read, in its order; headers,
//! footers, comments and deletions are left out, and notes stand at the end.

/// The parts of the archive.
mod package;
/// The XML of a part.
mod story;

use super::Format;
use super::manuscript::{Manuscript, take_whole};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::layers::{Budget, Container};
use crate::input::refusal::{EXCERPT_BYTES, Refusal, guarded};
use crate::input::stream::Stream;
use package::Package;

pub(super) static FORMAT: Format = Format {
    extensions: &["docx", "docm"],
    is_one_record: true,
    recognise: |beginning| {
        let has_extension = beginning.has_extension(FORMAT.extensions);
        let head = beginning.head();
        begins_archive(head) || has_extension && head.starts_with(COMPOUND_FILE)
    },
    read: read_document,
};

/// The first bytes of a zip archive.
const ARCHIVE: &[u8] = b"PK\x03\x04";

/// The first bytes of an encrypted document, and of one of Word 97.
const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Tells whether a file of this extension that begins like this is a document, and no archive of other files: by its name, or by the part
/// that stands first.
pub(super) fn is_document(extension: &str, head: &[u8]) -> bool {
    begins_archive(head) && (FORMAT.extensions.contains(&extension) || begins_with_part(head))
}

fn begins_archive(head: &[u8]) -> bool {
    head.starts_with(ARCHIVE)
}

/// Tells whether the first member of an archive has the name of a part.
fn begins_with_part(head: &[u8]) -> bool {
    const HEADER_BYTES: usize = 30;
    let length = head.get(26..28).map_or(0, |bytes| usize::from(u16::from_le_bytes([bytes[0], bytes[1]])));
    let name = head.get(HEADER_BYTES..HEADER_BYTES + length).unwrap_or_default();
    let is_xml = name.ends_with(b".xml") || name.ends_with(b".rels");
    let is_in_part_folder = [&b"_rels/"[..], b"docProps/", b"word/"].iter().any(|folder| name.starts_with(folder));
    let is_open_document = name == b"mimetype" && memchr::memmem::find(head, package::OPEN_DOCUMENT).is_some();
    is_open_document || name == b"[Content_Types].xml" || is_xml && is_in_part_folder
}

fn read_document(stream: &mut Stream<'_>, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let Some(bytes) = take_whole(stream, collector)? else { return Flow::Continue(()) };
    let limit = collector.settings().max_document_bytes.get();
    match guarded(|| parse(&bytes, limit, container.budget)) {
        Ok(manuscript) => manuscript.send_to(collector),
        Err(refusal) => collector.refuse(Position::Whole, refusal, &bytes[..bytes.len().min(EXCERPT_BYTES)]),
    }
}

/// Parses a document. No part may have more bytes than `limit`, whatever it says of itself.
fn parse(bytes: &[u8], limit: u64, budget: &Budget) -> Result<Manuscript, Refusal> {
    if bytes.starts_with(COMPOUND_FILE) {
        return Err(Refusal::damaged(
            "is encrypted, or a document of Word 97 to 2003: save it without a password, as DOCX",
        ));
    }
    let mut package = Package::open(bytes, limit, budget)?;
    let mut manuscript = Manuscript { encoding: "UTF-8", ..Manuscript::default() };
    let main = package.main_part()?;
    let story = story::read_main(&main.xml)?;
    manuscript.styled_title = story.title;
    for paragraph in &story.paragraphs {
        manuscript.push(paragraph);
    }
    for (kind, ids) in [("footnotes", story.footnotes), ("endnotes", story.endnotes)] {
        let Some(xml) = package.beside(&main.name, kind)?.filter(|_| !ids.is_empty()) else { continue };
        for note in story::read_notes(&xml, &ids)? {
            manuscript.push(&note);
        }
    }
    if let Some(core) = package.part("docProps/core.xml")? {
        manuscript.metadata = story::read_properties(&core)?;
    }
    Ok(manuscript)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::CompressionMethod;
    use zip::write::SimpleFileOptions;

    use crate::config::InputConfig;
    use crate::input::formats::testing::{read_article, read_articles, read_layers, read_texts};
    use crate::input::layers::Budget;
    use crate::record::Reason;

    const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="x"/>"#;

    const DOCUMENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<w:document xmlns:w="w" xmlns:mc="mc" xmlns:wps="wps" xmlns:r="r"><w:body>
<w:p><w:pPr><w:pStyle w:val="Title"/></w:pPr><w:r><w:t>Quay to close</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">The harbour council </w:t></w:r><w:hyperlink r:id="rId4"><w:r><w:t>voted &amp; sang</w:t></w:r></w:hyperlink>
<w:del w:id="1"><w:r><w:delText> on Monday</w:delText></w:r></w:del><w:ins w:id="2"><w:r><w:t xml:space="preserve"> on Tuesday</w:t></w:r></w:ins>
<w:moveFrom><w:r><w:t> elsewhere</w:t></w:r></w:moveFrom><w:r><w:rPr><w:vanish/></w:rPr><w:t> hidden</w:t></w:r>
<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>
<w:r><w:t>.</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:br/><w:t>It rains.</w:t></w:r></w:p>
<w:p><w:pPr><w:rPr><w:del w:id="3"/></w:rPr></w:pPr><w:r><w:t xml:space="preserve">One paragraph, </w:t></w:r></w:p>
<w:p><w:r><w:t>whose end was deleted.</w:t></w:r><w:r><mc:AlternateContent><mc:Choice><w:drawing><wps:txbx><w:txbxContent>
<w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><w:p><w:r><w:t>In a box.</w:t></w:r></w:p>
</w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Boats</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>40</w:t></w:r></w:p></w:tc></w:tr>
<w:tr><w:trPr><w:del w:id="4"/></w:trPr><w:tc><w:p><w:r><w:t>Deleted</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
<w:p/></w:body></w:document>"#;

    const NOTES: &str = r#"<w:footnotes xmlns:w="w"><w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>
<w:footnote w:id="2"><w:p><w:r><w:t>Said on Tuesday.</w:t></w:r></w:p></w:footnote></w:footnotes>"#;

    const CORE: &str = r#"<cp:coreProperties xmlns:cp="cp" xmlns:dc="dc" xmlns:dcterms="t"><dc:title>The quay, to close</dc:title>
<dc:creator>Ida Brenn</dc:creator><dcterms:created>2031-03-04T09:00:00Z</dcterms:created><dcterms:modified>2031-03-05T09:00:00Z</dcterms:modified>
<dc:language>en-GB</dc:language></cp:coreProperties>"#;

    fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in parts {
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            writer.start_file(*name, options).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn document() -> Vec<u8> {
        archive(&[
            ("[Content_Types].xml", TYPES),
            ("word/document.xml", DOCUMENT),
            ("word/footnotes.xml", NOTES),
            ("word/header1.xml", r#"<w:hdr xmlns:w="w"><w:p><w:r><w:t>Bay Courier</w:t></w:r></w:p></w:hdr>"#),
            ("docProps/core.xml", CORE),
        ])
    }

    /// A document with these paragraphs.
    fn of_paragraphs(paragraphs: &[&str]) -> Vec<u8> {
        let paragraphs: Vec<_> =
            paragraphs.iter().map(|text| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")).collect();
        let xml = format!(r#"<w:document xmlns:w="w"><w:body>{}</w:body></w:document>"#, paragraphs.concat());
        archive(&[("[Content_Types].xml", TYPES), ("word/document.xml", &xml)])
    }

    #[test]
    fn a_document_is_its_text_in_order() {
        let article = read_article("a.docx", &document());
        let expected = [
            "Quay to close",
            "The harbour council voted & sang on Tuesday.\nIt rains.",
            "One paragraph, whose end was deleted.",
            "In a box.",
            "Boats\t40",
            "Said on Tuesday.",
        ];
        let paragraphs: Vec<String> = article
            .text
            .split("\n\n")
            .map(|text| text.split('\n').map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n"))
            .collect();
        assert_eq!(paragraphs, expected);
        let metadata = article.metadata;
        assert_eq!(
            (metadata.title.as_deref(), metadata.byline.as_deref()),
            (Some("The quay, to close"), Some("Ida Brenn"))
        );
        assert_eq!(metadata.published.as_deref(), Some("2031-03-04T09:00:00Z"));
        assert_eq!(
            (metadata.modified.as_deref(), metadata.language.as_deref()),
            (Some("2031-03-05T09:00:00Z"), Some("en-GB"))
        );
    }

    #[test]
    fn an_export_in_a_document_is_its_articles() {
        let export = of_paragraphs(&[
            "Quay to close",
            "Bay Courier",
            "March 4, 2031 Tuesday",
            "Length:\u{a0}143 words",
            "Byline:\u{a0}Ida Brenn",
            "Body",
            "The quay will close.",
            "It rains.",
            "Load-Date: March 5, 2031",
            "End of Document",
            "Schools reopen",
            "Bay Courier",
            "March 5, 2031 Wednesday",
            "Length:\u{a0}65 words",
            "Body",
            "Two schools reopened.",
            "Classification",
            "Language: ENGLISH",
            "End of Document",
        ]);
        let articles = read_articles("a.docx", &export);
        let texts: Vec<_> = articles
            .iter()
            .map(|article| (article.metadata.title.as_deref().unwrap(), article.text.as_str()))
            .collect();
        assert_eq!(
            texts,
            [("Quay to close", "The quay will close.\n\nIt rains."), ("Schools reopen", "Two schools reopened.")]
        );
    }

    #[test]
    fn a_document_cut_anywhere_is_one_rejection() {
        let document = document();
        for end in (30..document.len()).step_by(97) {
            assert!(matches!(read_texts("a.docx", &document[..end]).as_slice(), [Err(_)]), "{end}");
        }
        assert_eq!(read_texts("a.docx", &document[..document.len() - 1]).len(), 1);
    }

    #[test]
    fn bytes_changed_anywhere_never_make_it_panic() {
        let document = document();
        for at in (0..document.len()).step_by(7) {
            let mut damaged = document.clone();
            damaged[at] ^= 0x15;
            let outcomes = read_texts("a.docx", &damaged);
            assert!(outcomes.len() == 1 && outcomes != [Err(Reason::Panicked)], "{at}: {outcomes:?}");
        }
    }

    #[test]
    fn parts_that_unpack_to_too_much_are_rejected_whatever_they_say_of_themselves() {
        const LIMIT: u32 = 100_000;
        let config = InputConfig::default();
        let budget = Budget::new(&config);
        let reason = |bytes: &[u8]| super::parse(bytes, LIMIT.into(), &budget).unwrap_err().reason;
        let bomb = archive(&[("[Content_Types].xml", TYPES), ("word/document.xml", &" ".repeat(LIMIT as usize + 1))]);
        assert_eq!(reason(&bomb), Reason::TooLarge);
        let mut lying = bomb.clone();
        for at in memchr::memmem::find_iter(&bomb, &(LIMIT + 1).to_le_bytes()) {
            lying[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
        }
        assert_ne!(lying, bomb);
        assert!(matches!(reason(&lying), Reason::TooLarge | Reason::Damaged));
    }

    #[test]
    fn a_document_is_not_opened_as_an_archive_wherever_it_lies() {
        let inner = of_paragraphs(&["Quay to close", "The quay will close."]);
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in ["2031/a.docx", "b.docx"] {
            writer
                .start_file(name, SimpleFileOptions::default().compression_method(CompressionMethod::Stored))
                .unwrap();
            writer.write_all(&inner).unwrap();
        }
        let outer = writer.finish().unwrap().into_inner();
        let text = || Ok("Quay to close\n\nThe quay will close.".to_owned());
        assert_eq!(read_layers("news.zip", &outer), [text(), text()]);
        assert_eq!(read_layers("a.docx", &inner), [text()]);
        assert_eq!(read_layers("a", &inner), [text()], "the first part tells");
    }

    #[test]
    fn other_files_of_office_and_empty_documents_are_rejected_once() {
        let sheet = archive(&[("[Content_Types].xml", TYPES), ("xl/workbook.xml", "<workbook/>")]);
        assert_eq!(read_texts("a.docx", &sheet), [Err(Reason::UnknownFormat)]);
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        writer
            .start_file("mimetype", SimpleFileOptions::default().compression_method(CompressionMethod::Stored))
            .unwrap();
        writer.write_all(b"application/vnd.oasis.opendocument.text").unwrap();
        writer.start_file("content.xml", SimpleFileOptions::default()).unwrap();
        writer.write_all(b"<office:document-content/>").unwrap();
        let open = writer.finish().unwrap().into_inner();
        assert_eq!(read_layers("a.odt", &open), [Err(Reason::UnknownFormat)]);
        assert_eq!(read_texts("a.docx", &of_paragraphs(&[])), [Err(Reason::Empty)]);
        assert_eq!(read_texts("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more"), [Err(Reason::Damaged)]);
        let deep = format!(r#"<w:document xmlns:w="w">{}"#, "<w:p>".repeat(100_000));
        assert_eq!(read_texts("a.docx", &archive(&[("word/document.xml", &deep)])), [Err(Reason::TooDeep)]);
        assert_eq!(
            read_texts("a.docx", &archive(&[("word/document.xml", "<w:document><w:p>")])),
            [Err(Reason::Damaged)]
        );
    }
}
