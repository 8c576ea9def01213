//! NewsML-G2: an article a `newsItem`, with its text as NITF, as XHTML or plain.

use super::nitf;
use super::xml::Node;
use crate::input::content::Parsed;
use crate::input::refusal::Refusal;
use crate::input::text::markup;
use crate::record::{Metadata, Reason};

pub(super) fn parse(xml: &str, encoding: &'static str) -> Result<Parsed, Refusal> {
    let item = Node::parse(xml)?;
    let Some(text) = item.at(&["contentSet"]).and_then(text).filter(|text| !text.trim().is_empty()) else {
        return Err(Refusal::new(Reason::Empty, "holds no text in `contentSet`"));
    };
    let said = |way: &[&str]| item.at(way).and_then(Node::said);
    let first = said(&["contentMeta", "contentCreated"]).or_else(|| said(&["itemMeta", "firstCreated"]));
    let version = said(&["contentMeta", "contentModified"]).or_else(|| said(&["itemMeta", "versionCreated"]));
    let provider = item.at(&["itemMeta", "provider"]);
    let guid = item.attribute("guid");
    let metadata = Metadata {
        uri: guid.clone(),
        title: said(&["contentMeta", "headline"]).or_else(|| nitf::headline(&item)),
        byline: said(&["contentMeta", "by"]).or_else(|| item.anywhere("byline").and_then(Node::said)),
        modified: first.as_ref().and(version.clone()),
        published: first.or(version),
        section: said(&["contentMeta", "section"]),
        language: item
            .at(&["contentMeta", "language"])
            .and_then(|language| language.attribute("tag"))
            .or_else(|| item.attribute("xml:lang")),
        source: provider.and_then(|provider| {
            let name = provider.at(&["name"]).and_then(Node::said);
            name.or_else(|| provider.attribute("literal")).or_else(|| provider.attribute("qcode"))
        }),
    };
    Ok(Parsed { own_id: guid, metadata, text, encoding })
}

fn text(content: &Node<'_>) -> Option<String> {
    if let Some(inline) = content.at(&["inlineXML"]) {
        let page = || inline.anywhere("body").map_or_else(|| inline.inner(), Node::inner);
        return Some(nitf::body(inline).unwrap_or_else(|| markup::text(page())));
    }
    let inline = content.at(&["inlineData"])?;
    let is_markup = inline.attribute("contenttype").is_some_and(|kind| kind.contains("html") || kind.contains("xml"));
    Some(if is_markup { markup::text(&inline.written_markup()) } else { inline.written_markup() })
}
