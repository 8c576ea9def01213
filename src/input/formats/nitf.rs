//! NITF, the XML of news agencies and of many archives.

use super::dateline::with_dateline;
use super::elements::Dialect;
use super::xml::Node;
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::input::text::{markup, squeezed};
use crate::record::{Metadata, Reason};

pub(super) static NITF: Dialect = Dialect { roots: &["nitf"], element: "nitf", parse };

/// The way to the data on the publication.
const PUBDATA: &[&str] = &["head", "pubdata"];

fn parse(xml: &str, _: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let nitf = Node::parse(xml)?;
    let text = body(&nitf).unwrap_or_default();
    if text.is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text in `body.content`"));
    }
    let metadata = Metadata {
        uri: nitf
            .attribute_at(PUBDATA, "ex-ref")
            .or_else(|| nitf.attribute_at(&["head", "docdata", "doc-id"], "id-string")),
        title: headline(&nitf),
        byline: nitf.at(&["body", "body.head"]).and_then(bylines),
        published: nitf
            .attribute_at(&["head", "docdata", "date.release"], "norm")
            .or_else(|| nitf.attribute_at(PUBDATA, "date.publication"))
            .or_else(|| nitf.attribute_at(&["head", "docdata", "date.issue"], "norm")),
        modified: nitf.attribute_at(&["head", "revision-history"], "norm"),
        section: nitf.attribute_at(PUBDATA, "position.section").or_else(|| meta(&nitf, "online_sections")),
        language: nitf.attribute("xml:lang").or_else(|| nitf.attribute_at(&["body"], "xml:lang")),
        source: nitf
            .attribute_at(PUBDATA, "name")
            .or_else(|| nitf.attribute_at(&["head", "docdata", "doc-id"], "regsrc")),
    };
    let text = with_dateline(nitf.text_at(&["body", "body.head", "dateline"]), text);
    let own_id = nitf.attribute_at(&["head", "docdata", "doc-id"], "id-string").or_else(|| nitf.attribute("id"));
    Ok(ParsedRecord { own_id, metadata, ..ParsedRecord::new(text, encoding) })
}

/// The title of what is NITF, or holds it.
pub(super) fn headline(node: &Node<'_>) -> Option<String> {
    let headline = node.anywhere("hedline").and_then(|hedline| hedline.at(&["hl1"]));
    headline.or_else(|| node.at(&["head", "title"])).and_then(Node::text)
}

/// The bylines of an article, each of an author of their own.
fn bylines(head: &Node<'_>) -> Option<String> {
    let bylines: Vec<String> = head.all("byline").filter_map(byline).collect();
    Some(bylines.join(", ")).filter(|bylines| !bylines.is_empty())
}

/// The names in a byline, or all of it where none is marked up. The title of the author stands there without a space.
pub(super) fn byline(node: &Node<'_>) -> Option<String> {
    let people: Vec<String> = node.all("person").filter_map(Node::text).collect();
    let byline =
        if people.is_empty() { markup::text(&node.inner().replace("<byttl", ", <byttl")) } else { people.join(", ") };
    let byline = squeezed(&byline).replace(" ,", ",");
    Some(byline).filter(|byline| !byline.is_empty())
}

/// The text of what is NITF, or holds it. Where its lead stands there twice, alone and in the full text, it is taken once.
pub(super) fn body(node: &Node<'_>) -> Option<String> {
    // A note to editors has a text of its own.
    let content = node.anywhere_outside("body.content", "note")?;
    let full = content.all("block").find(|block| block.attribute("class").is_some_and(|class| class == "full_text"));
    let content = full.unwrap_or(content);
    Some(markup::text(content.inner()))
}

fn meta(nitf: &Node<'_>, name: &str) -> Option<String> {
    let head = nitf.at(&["head"])?;
    let found = head.all("meta").find(|meta| meta.attribute("name").is_some_and(|known| known == name));
    found.and_then(|meta| meta.attribute("content"))
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_texts};
    use crate::record::Reason;

    #[test]
    fn a_note_to_editors_and_captions_are_no_text() {
        let article = read_article(
            "a.xml",
            b"<nitf><body><body.head><note><body.content><p>Hold.</p></body.content></note>\
            <byline>By <person>Ida Brenn</person><byttl>Harbour correspondent</byttl></byline></body.head>\
            <body.content><p>One.</p><media><media-caption>The quay.</media-caption></media><p><q>Two,</q> she said.</p>\
            </body.content></body></nitf>",
        );
        assert_eq!(article.text, "One.\n\n\u{201c}Two,\u{201d} she said.");
        assert_eq!(article.metadata.byline.as_deref(), Some("Ida Brenn"));
    }

    #[test]
    fn the_file_is_a_document() {
        let article = read_article(
            "a",
            b"<?xml version=\"1.0\"?><nitf><head><docdata><doc-id id-string=\"n1\" regsrc=\"EX\"/>\
            <date.release norm=\"20310304T050607Z\"/></docdata><pubdata position.section=\"Local\"/></head><body>\
            <body.head><hedline><hl1>Storm</hl1></hedline><byline>By Ann</byline></body.head><body.content>\
            <block class=\"lead_paragraph\"><p>One.</p></block><block class=\"full_text\"><p>One.</p><p>Two.</p></block>\
            </body.content></body></nitf>",
        );
        assert_eq!((article.own_id.as_deref(), article.text.as_str()), (Some("n1"), "One.\n\nTwo."));
        let metadata = article.metadata;
        assert_eq!((metadata.title.as_deref(), metadata.byline.as_deref()), (Some("Storm"), Some("By Ann")));
        assert_eq!((metadata.published.as_deref(), metadata.source.as_deref()), (Some("20310304T050607Z"), Some("EX")));
        assert_eq!(read_texts("a", b"<nitf><body/></nitf>"), [Err(Reason::Empty)]);
    }
}
