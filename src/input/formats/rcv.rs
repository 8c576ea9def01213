//! Reuters Corpora RCV1 and RCV2: XML of 1996 and 1997, an article a `newsitem`, one or many a file.

use super::dateline::with_dateline;
use super::elements::Dialect;
use super::xml::Node;
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::record::{Metadata, Reason};

pub(super) static RCV: Dialect = Dialect { roots: &["newsitem"], element: "newsitem", parse };

fn parse(xml: &str, _: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let item = Node::parse(xml)?;
    let Some(text) = item.text_at(&["text"]) else {
        return Err(Refusal::new(Reason::Empty, "holds no text in `text`"));
    };
    let own_id = item.attribute("itemid");
    let metadata = Metadata {
        // A title is a headline with a country before it.
        title: item.text_at(&["headline"]).or_else(|| item.text_at(&["title"])),
        byline: item.text_at(&["byline"]),
        published: item.attribute("date").or_else(|| dublin_core(&item, "dc.date.published")),
        language: item.attribute("xml:lang"),
        source: dublin_core(&item, "dc.source").or_else(|| dublin_core(&item, "dc.publisher")),
        ..Metadata::default()
    };
    Ok(ParsedRecord {
        own_id,
        metadata,
        ..ParsedRecord::new(with_dateline(item.text_at(&["dateline"]), text), encoding)
    })
}

/// The value of `<dc element="NAME" value="…"/>`.
fn dublin_core(item: &Node<'_>, name: &str) -> Option<String> {
    let metadata = item.at(&["metadata"])?;
    let found = metadata.all("dc").find(|dc| dc.attribute("element").is_some_and(|known| known == name));
    found.and_then(|dc| dc.attribute("value"))
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_every_cut, read_texts};
    use crate::record::Reason;

    const ITEM: &str = "<?xml version=\"1.0\" encoding=\"iso-8859-1\" ?>\n\
        <newsitem itemid=\"7\" id=\"root\" date=\"2031-03-04\" xml:lang=\"en\">\n<title>ANSELM: Storm hits coast.</title>\n\
        <headline>Storm hits coast.</headline>\n<byline>Ann Vale</byline>\n<dateline>PORT ANSELM</dateline>\n<text>\n\
        <p>It rained &amp; snowed in Malm\u{f6}.</p>\n<p>Nobody was hurt.</p>\n</text>\n<copyright>(c) Nobody</copyright>\n<metadata>\n\
        <codes class=\"bip:topics:1.0\"><code code=\"GWEA\"/></codes>\n<dc element=\"dc.source\" value=\"The Wire\"/>\n</metadata>\n</newsitem>\n";

    #[test]
    fn an_item_is_a_document() {
        let latin_1: Vec<u8> = ITEM.chars().map(|character| u8::try_from(character).unwrap()).collect();
        let article = read_article("7newsML.xml", &latin_1);
        assert_eq!(article.text, "PORT ANSELM\n\nIt rained & snowed in Malmö.\n\nNobody was hurt.");
        assert_eq!((article.own_id.as_deref(), article.encoding), (Some("7"), "windows-1252"));
        let metadata = article.metadata;
        assert_eq!(
            (metadata.title.as_deref(), metadata.byline.as_deref()),
            (Some("Storm hits coast."), Some("Ann Vale"))
        );
        assert_eq!((metadata.published.as_deref(), metadata.source.as_deref()), (Some("2031-03-04"), Some("The Wire")));
        assert_eq!(metadata.language.as_deref(), Some("en"));
    }

    #[test]
    fn an_item_that_is_cut_is_rejected() {
        read_every_cut("a.xml", ITEM.as_bytes());
        assert_eq!(read_texts("a.xml", &ITEM.as_bytes()[..300]), [Err(Reason::Truncated)]);
        assert_eq!(read_texts("a.xml", b"<newsitem itemid=\"7\"><text/></newsitem>"), [Err(Reason::Empty)]);
    }
}
