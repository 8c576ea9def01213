//! NewsML-G2: an article a `newsItem`, with its text as NITF, as XHTML or plain.

use super::elements::Dialect;
use super::nitf;
use super::xml::Node;
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::input::text::markup;
use crate::input::text::record_markup::html_text;
use crate::record::{Metadata, Reason};

pub(super) static NEWSML: Dialect =
    Dialect { roots: &["newsMessage", "newsItem", "packageItem"], element: "newsItem", parse };

fn parse(xml: &str, _: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let item = Node::parse(xml)?;
    let Some(text) = item.at(&["contentSet"]).and_then(text).filter(|text| !text.trim().is_empty()) else {
        return Err(Refusal::new(Reason::Empty, "holds no text in `contentSet`"));
    };
    let first =
        item.text_at(&["contentMeta", "contentCreated"]).or_else(|| item.text_at(&["itemMeta", "firstCreated"]));
    let version =
        item.text_at(&["contentMeta", "contentModified"]).or_else(|| item.text_at(&["itemMeta", "versionCreated"]));
    let provider = item.at(&["itemMeta", "provider"]);
    let guid = item.attribute("guid");
    let metadata = Metadata {
        uri: guid.clone(),
        title: item.text_at(&["contentMeta", "headline"]).or_else(|| nitf::headline(&item)),
        byline: item.text_at(&["contentMeta", "by"]).or_else(|| item.anywhere("byline").and_then(nitf::byline)),
        modified: first.as_ref().and(version.clone()),
        published: first.or(version),
        section: item.text_at(&["contentMeta", "section"]),
        language: item
            .at(&["contentMeta", "language"])
            .and_then(|language| language.attribute("tag"))
            .or_else(|| item.attribute("xml:lang")),
        source: provider.and_then(|provider| {
            let name = provider.text_at(&["name"]);
            name.or_else(|| provider.attribute("literal")).or_else(|| provider.attribute("qcode"))
        }),
    };
    Ok(ParsedRecord { own_id: guid, metadata, ..ParsedRecord::new(text, encoding) })
}

fn text(content: &Node<'_>) -> Option<String> {
    if let Some(inline) = content.at(&["inlineXML"]) {
        let page = inline.anywhere("body").unwrap_or(inline);
        return Some(nitf::body(inline).unwrap_or_else(|| markup::text(page.inner())));
    }
    let inline = content.at(&["inlineData"])?;
    let is_markup = inline.attribute("contenttype").is_some_and(|kind| kind.contains("html") || kind.contains("xml"));
    Some(if is_markup { html_text(&inline.written_markup()).0 } else { inline.written_markup() })
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_texts};
    use crate::record::Reason;

    #[test]
    fn an_item_is_a_document_whose_text_is_nitf_xhtml_or_plain() {
        let item = |content: &str| {
            format!(
                "<newsItem guid=\"urn:1\" xml:lang=\"en\"><itemMeta><provider literal=\"EX\"/></itemMeta>\
                 <contentMeta><headline>Storm</headline></contentMeta><contentSet>{content}</contentSet></newsItem>"
            )
        };
        let message = [
            "<?xml version=\"1.0\"?><newsMessage><itemSet>".to_owned(),
            item("<inlineXML><nitf><body><body.content><p>One.</p></body.content></body></nitf></inlineXML>"),
            item("<inlineXML><html><head><title>Storm</title></head><body><p>Two.</p></body></html></inlineXML>"),
            item("<inlineData contenttype=\"text/plain\">Three &amp; four.</inlineData>"),
            item(""),
            "</itemSet></newsMessage>".to_owned(),
        ]
        .concat();
        let expected = ["One.", "Two.", "Three & four."].map(|text| Ok(text.to_owned()));
        let texts = read_texts("a", message.as_bytes());
        assert_eq!((&texts[..3], &texts[3..]), (&expected[..], &[Err(Reason::Empty)][..]));
    }

    #[test]
    fn an_item_names_its_provider_and_language() {
        let item = b"<newsItem guid=\"urn:1\" xml:lang=\"en\"><itemMeta><provider literal=\"EX\"/>\
            <versionCreated>2031-03-05</versionCreated><firstCreated>2031-03-04</firstCreated></itemMeta>\
            <contentSet><inlineData>One.</inlineData></contentSet></newsItem>";
        let article = read_article("a.xml", item);
        assert_eq!((article.own_id.as_deref(), article.metadata.source.as_deref()), (Some("urn:1"), Some("EX")));
        let metadata = article.metadata;
        assert_eq!(
            (metadata.published.as_deref(), metadata.modified.as_deref()),
            (Some("2031-03-04"), Some("2031-03-05"))
        );
    }
}
