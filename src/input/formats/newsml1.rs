//! NewsML 1: an article a `NewsItem`, with its text as NITF, as XHTML or plain.

use super::elements::Dialect;
use super::nitf;
use super::xml::Node;
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::input::text::markup;
use crate::record::{Metadata, Reason};

pub(super) static NEWSML_1: Dialect = Dialect { roots: &["NewsML", "NewsItem"], element: "NewsItem", parse };

fn parse(xml: &str, _: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let item = Node::parse(xml)?;
    let Some(content) = item.anywhere("DataContent") else {
        return Err(Refusal::new(Reason::Empty, "holds no text in `DataContent`"));
    };
    let text = nitf::body(content).unwrap_or_else(|| markup::text(content.inner()));
    if text.is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text in `DataContent`"));
    }
    let own_id =
        item.text_at(&["Identification", "NewsIdentifier", "PublicIdentifier"]).or_else(|| public_identifier(&item));
    let first = item.text_at(&["NewsManagement", "FirstCreated"]);
    let revision = item.text_at(&["NewsManagement", "ThisRevisionCreated"]);
    let metadata = Metadata {
        uri: own_id.clone(),
        title: item.anywhere("HeadLine").and_then(Node::text).or_else(|| nitf::headline(content)),
        byline: item.anywhere("ByLine").or_else(|| content.anywhere("byline")).and_then(nitf::byline),
        modified: first.as_ref().and(revision.clone()),
        published: first.or(revision),
        section: formal_name(&item, "SubjectMatter"),
        language: item.attribute("xml:lang").or_else(|| formal_name(&item, "Language")),
        source: item
            .anywhere("Provider")
            .and_then(|provider| provider.at(&["Party"])?.attribute("FormalName"))
            .or_else(|| item.text_at(&["Identification", "NewsIdentifier", "ProviderId"])),
    };
    Ok(ParsedRecord { own_id, metadata, ..ParsedRecord::new(text, encoding) })
}

/// The formal name of the first element of that name.
fn formal_name(item: &Node<'_>, name: &str) -> Option<String> {
    item.anywhere(name).and_then(|node| node.attribute("FormalName"))
}

/// The public identifier of an item, which follows from its parts.
fn public_identifier(item: &Node<'_>) -> Option<String> {
    let identifier = item.at(&["Identification", "NewsIdentifier"])?;
    let provider = identifier.text_at(&["ProviderId"])?;
    let date = identifier.text_at(&["DateId"])?;
    let item_id = identifier.text_at(&["NewsItemId"])?;
    let revision = identifier.text_at(&["RevisionId"]).unwrap_or_else(|| "1".to_owned());
    Some(format!("urn:newsml:{provider}:{date}:{item_id}:{revision}"))
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::read_article;

    #[test]
    fn an_item_has_its_metadata_around_its_text() {
        for content in
            ["<p>One.</p><p>Two.</p>", "<nitf><body><body.content><p>One.</p><p>Two.</p></body.content></body></nitf>"]
        {
            let item = format!(
                "<?xml version=\"1.0\"?><NewsML><NewsEnvelope/><NewsItem xml:lang=\"en\"><Identification><NewsIdentifier>\
                 <ProviderId>agency.example</ProviderId><DateId>20310304</DateId><NewsItemId>q</NewsItemId></NewsIdentifier></Identification>\
                 <NewsManagement><FirstCreated>20310304T071500Z</FirstCreated></NewsManagement><NewsComponent><NewsLines>\
                 <HeadLine>Quay</HeadLine><ByLine>Ida Brenn</ByLine></NewsLines><ContentItem><DataContent>{content}</DataContent>\
                 </ContentItem></NewsComponent></NewsItem></NewsML>"
            );
            let article = read_article("a.xml", item.as_bytes());
            assert_eq!(
                (article.own_id.as_deref(), article.text.as_str()),
                (Some("urn:newsml:agency.example:20310304:q:1"), "One.\n\nTwo.")
            );
            let metadata = article.metadata;
            assert_eq!((metadata.title.as_deref(), metadata.byline.as_deref()), (Some("Quay"), Some("Ida Brenn")));
            assert_eq!(
                (metadata.language.as_deref(), metadata.published.as_deref()),
                (Some("en"), Some("20310304T071500Z"))
            );
        }
    }
}
