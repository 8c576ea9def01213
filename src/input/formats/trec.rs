//! The SGML of TREC and of the Gigaword corpora: an article a `DOC`. It is no XML: tags may stay open, and `&` may mean itself.

use super::elements::Dialect;
use super::reuters::inside;
use crate::input::raw_record::Parsed;
use crate::input::refusal::Refusal;
use crate::input::text::markup::{self, Lines};
use crate::record::{Metadata, Reason};

pub(super) static TREC: Dialect = Dialect { roots: &["DOC"], element: "DOC", parse };

fn parse(article: &str, _: &str, encoding: &'static str) -> Result<Parsed, Refusal> {
    let word = |names: &[&str]| {
        let texts = names.iter().filter_map(|name| inside(article, name));
        texts
            .map(|text| markup::text(text).split_whitespace().collect::<Vec<_>>().join(" "))
            .find(|text| !text.is_empty())
    };
    let text = inside(article, "TEXT").unwrap_or_default();
    // Where there are no paragraphs, lines stay as they were on the wire.
    let has_paragraphs = text.contains("<P>") || text.contains("<p>");
    let text = markup::text_with(text, if has_paragraphs { Lines::Joined } else { Lines::Kept });
    if text.is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text in `TEXT`"));
    }
    let tag = &article[..article.find('>').unwrap_or(article.len())];
    let own_id = word(&["DOCNO", "DOCID"]).or_else(|| id_of_tag(tag));
    let metadata = Metadata {
        title: word(&["HEADLINE", "HEAD", "HL", "TITLE", "TI"]),
        byline: word(&["BYLINE", "AUTHOR"]),
        published: word(&["DATE_TIME", "DATETIME", "DATE", "DATE1", "DD"]).or_else(|| date_of_id(own_id.as_deref()?)),
        section: word(&["SECTION"]),
        ..Metadata::default()
    };
    Ok(Parsed { own_id, metadata, ..Parsed::new(text, encoding) })
}

fn id_of_tag(tag: &str) -> Option<String> {
    let (_, value) = tag.split_once("id=\"")?;
    value.split_once('"').map(|(id, _)| id.to_owned())
}

/// `20310304` of `XYZ_ENG_20310304.0001`.
fn date_of_id(id: &str) -> Option<String> {
    let (before, _) = id.rsplit_once('.')?;
    let (_, date) = before.rsplit_once('_')?;
    (date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit())).then(|| date.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_articles};

    #[test]
    fn a_doc_of_gigaword_has_paragraphs_and_its_date_in_its_id() {
        let doc = "<DOC id=\"XYZ_ENG_20310304.0001\" type=\"story\" >\n<HEADLINE>\nQuay &AMP; boats\n</HEADLINE>\n<DATELINE>\nBergen\n</DATELINE>\n\
            <TEXT>\n<P>\nOne\nline.\n</P>\n<P>\nTwo.\n</P>\n</TEXT>\n</DOC>\n";
        let articles = read_articles("a.sgml", doc.repeat(2).as_bytes());
        assert_eq!(articles.len(), 2);
        assert_eq!(
            (articles[0].own_id.as_deref(), articles[0].text.as_str()),
            (Some("XYZ_ENG_20310304.0001"), "One line.\n\nTwo.")
        );
        assert_eq!(articles[0].metadata.published.as_deref(), Some("20310304"));
    }

    #[test]
    fn a_doc_of_trec_has_lines() {
        let doc = b"<DOC>\n<DOCNO> AP310300-0001 </DOCNO>\n<HEAD>Quay\nTo Close</HEAD>\n<BYLINE>By IDA BRENN</BYLINE>\n<TEXT>\nOne & two.\nThree.\n</TEXT>\n</DOC>";
        let article = read_article("a", doc);
        assert_eq!((article.own_id.as_deref(), article.text.as_str()), (Some("AP310300-0001"), "One & two.\nThree."));
        assert_eq!(article.metadata.title.as_deref(), Some("Quay To Close"));
        assert_eq!(article.metadata.byline.as_deref(), Some("By IDA BRENN"));
    }
}
