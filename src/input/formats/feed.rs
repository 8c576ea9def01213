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
    let body = item.exactly("content:encoded").or_else(|| item.exactly("description"));
    let metadata = Metadata {
        uri: item.text_of("link").or_else(|| item.attribute("rdf:about")).or_else(|| item.text_of("guid")),
        title: item
            .exactly("title")
            .map(|title| markup::text(&title.written_markup()))
            .filter(|title| !title.is_empty()),
        byline: item.text_of("dc:creator").or_else(|| item.text_of("author")),
        published: item.text_of("pubDate").or_else(|| item.text_of("dc:date")),
        modified: item.text_of("atom:updated").or_else(|| item.text_of("dcterms:modified")),
        section: item.text_of("category").or_else(|| item.text_of("dc:subject")),
        language: item
            .text_of("dc:language")
            .or_else(|| channel_text(channel, "language"))
            .or_else(|| channel_text(channel, "dc:language")),
        source: item.text_of("source").or_else(|| channel_text(channel, "title")),
    };
    let text = body.map(|body| markup::text(&body.written_markup())).unwrap_or_default();
    document(text, item.text_of("guid"), metadata, encoding)
}

/// Parses an `entry` of Atom. `feed` is the feed before its first entry.
fn parse_entry(entry: &str, feed: &str, encoding: &'static str) -> Result<Parsed, Refusal> {
    let entry = Node::parse(entry)?;
    let link = entry.all("link").find(|link| link.attribute("rel").is_none_or(|rel| rel == "alternate"));
    let body = entry.at(&["content"]).or_else(|| entry.at(&["summary"]));
    let metadata = Metadata {
        uri: link.and_then(|link| link.attribute("href")).or_else(|| entry.text_at(&["id"])),
        title: entry.at(&["title"]).map(content).filter(|title| !title.is_empty()),
        byline: entry.text_at(&["author", "name"]),
        published: entry.text_at(&["published"]),
        modified: entry.text_at(&["updated"]),
        section: entry
            .at(&["category"])
            .and_then(|category| category.attribute("label").or_else(|| category.attribute("term"))),
        language: entry.attribute("xml:lang").or_else(|| lang_of(feed)),
        source: entry.text_at(&["source", "title"]).or_else(|| channel_text(feed, "title")),
    };
    document(body.map(content).unwrap_or_default(), entry.text_at(&["id"]), metadata, encoding)
}

/// The text of an element of Atom, by its type.
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

/// The text of the first element of this name before the first article.
fn channel_text(channel: &str, name: &str) -> Option<String> {
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
