//! RSS and Atom with full content: an article an item.

use super::elements::Dialect;
use super::xml::Node;
use crate::input::raw_record::Parsed;
use crate::input::refusal::Refusal;
use crate::input::text::markup;
use crate::record::{Metadata, Reason};

pub(super) static RSS: Dialect = Dialect { roots: &["rss", "RDF"], element: "item", parse: parse_item };

pub(super) static ATOM: Dialect = Dialect { roots: &["feed"], element: "entry", parse: parse_entry };

/// Parses an `item` of RSS, 0.9 to 2.0. `channel` is the feed before its first item.
fn parse_item(item: &str, channel: &str, encoding: &'static str) -> Result<Parsed, Refusal> {
    let item = Node::parse(item)?;
    let said = |name: &str| item.exactly(name).and_then(Node::said);
    let body = item.exactly("content:encoded").or_else(|| item.exactly("description"));
    let metadata = Metadata {
        uri: said("link").or_else(|| item.attribute("rdf:about")).or_else(|| said("guid")),
        title: item
            .exactly("title")
            .map(|title| markup::text(&title.written_markup()))
            .filter(|title| !title.is_empty()),
        byline: said("dc:creator").or_else(|| said("author")),
        published: said("pubDate").or_else(|| said("dc:date")),
        modified: said("atom:updated").or_else(|| said("dcterms:modified")),
        section: said("category").or_else(|| said("dc:subject")),
        language: said("dc:language")
            .or_else(|| of_channel(channel, "language"))
            .or_else(|| of_channel(channel, "dc:language")),
        source: said("source").or_else(|| of_channel(channel, "title")),
    };
    let text = body.map(|body| markup::text(&body.written_markup())).unwrap_or_default();
    document(text, said("guid"), metadata, encoding)
}

/// Parses an `entry` of Atom. `feed` is the feed before its first entry.
fn parse_entry(entry: &str, feed: &str, encoding: &'static str) -> Result<Parsed, Refusal> {
    let entry = Node::parse(entry)?;
    let said = |way: &[&str]| entry.at(way).and_then(Node::said);
    let is_main = |link: &&Node<'_>| link.attribute("rel").is_none_or(|rel| rel == "alternate");
    let body = entry.at(&["content"]).or_else(|| entry.at(&["summary"]));
    let metadata = Metadata {
        uri: entry.all("link").find(is_main).and_then(|link| link.attribute("href")).or_else(|| said(&["id"])),
        title: entry.at(&["title"]).map(content).filter(|title| !title.is_empty()),
        byline: said(&["author", "name"]),
        published: said(&["published"]),
        modified: said(&["updated"]),
        section: entry
            .at(&["category"])
            .and_then(|category| category.attribute("label").or_else(|| category.attribute("term"))),
        language: entry.attribute("xml:lang").or_else(|| lang_of(feed)),
        source: said(&["source", "title"]).or_else(|| of_channel(feed, "title")),
    };
    document(body.map(content).unwrap_or_default(), said(&["id"]), metadata, encoding)
}

/// What an element of Atom says, by its type.
fn content(node: &Node<'_>) -> String {
    match node.attribute("type").as_deref() {
        Some("xhtml" | "application/xhtml+xml") => markup::text(node.inner()),
        Some("html" | "text/html") => markup::text(&node.written_markup()),
        _ => node.written_markup().trim().to_owned(),
    }
}

fn document(
    text: String,
    own_id: Option<String>,
    metadata: Metadata,
    encoding: &'static str,
) -> Result<Parsed, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text in its content or its description"));
    }
    Ok(Parsed { own_id, metadata, text, encoding })
}

/// What the first element of that name says, of those before the first article.
fn of_channel(channel: &str, name: &str) -> Option<String> {
    let begin = channel.find(&format!("<{name}>")).map(|at| at + name.len() + 2);
    let begin = begin.or_else(|| {
        let at = channel.find(&format!("<{name} "))?;
        Some(at + channel[at..].find('>')? + 1)
    })?;
    let end = begin + channel[begin..].find(&format!("</{name}>"))?;
    Some(markup::text(&channel[begin..end])).filter(|text| !text.is_empty())
}

fn lang_of(feed: &str) -> Option<String> {
    let value = feed.split_once("xml:lang=")?.1;
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let value = value[1..].split(quote).next()?;
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_articles};

    #[test]
    fn an_item_of_rss_is_a_document() {
        let feed = b"<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>The Example</title>\
            <language>en-gb</language><item><title>Storm &amp; rain</title><guid>g1</guid><category>Local</category>\
            <link>https://a.example/1</link><description>Short.</description>\
            <content:encoded><![CDATA[<p>One.</p><p>Two.</p>]]></content:encoded></item>\
            <item><title>Two</title><description>&lt;b&gt;Three.&lt;/b&gt;</description></item></channel></rss>";
        let articles = read_articles("a", feed);
        assert_eq!(
            articles.iter().map(|article| article.text.as_str()).collect::<Vec<_>>(),
            ["One.\n\nTwo.", "Three."]
        );
        assert_eq!(articles[0].own_id.as_deref(), Some("g1"));
        let metadata = &articles[0].metadata;
        assert_eq!(
            (metadata.title.as_deref(), metadata.source.as_deref()),
            (Some("Storm & rain"), Some("The Example"))
        );
        assert_eq!((metadata.language.as_deref(), metadata.section.as_deref()), (Some("en-gb"), Some("Local")));
    }

    #[test]
    fn an_entry_of_atom_is_a_document() {
        let feed = b"<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\"><title>The Example</title>\
            <entry><id>urn:1</id><title>Storm</title><link rel=\"self\" href=\"x\"/>\
            <link href=\"https://a.example/1\"/><author><name>Ann</name></author><content type=\"html\">&lt;p&gt;One.&lt;/p&gt;</content></entry></feed>";
        let article = read_article("a", feed);
        assert_eq!((article.own_id.as_deref(), article.text.as_str()), (Some("urn:1"), "One."));
        let metadata = article.metadata;
        assert_eq!((metadata.uri.as_deref(), metadata.byline.as_deref()), (Some("https://a.example/1"), Some("Ann")));
        assert_eq!((metadata.language.as_deref(), metadata.source.as_deref()), (Some("en"), Some("The Example")));
    }
}
