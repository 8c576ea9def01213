//! RSS and Atom with full content: an article an item.

use super::xml::Node;
use crate::input::content::Parsed;
use crate::input::refusal::Refusal;
use crate::input::text::markup;
use crate::record::{Metadata, Reason};

/// An `item` of RSS, 0.9 to 2.0.
pub(super) fn rss(item: &str, channel: &str, encoding: &'static str) -> Result<Parsed, Refusal> {
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

/// An `entry` of Atom.
pub(super) fn atom(entry: &str, feed: &str, encoding: &'static str) -> Result<Parsed, Refusal> {
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
