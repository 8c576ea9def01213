//! An article's data as a reader sees it: its heading, its byline, its date.

use ego_tree::NodeRef;
use scraper::{ElementRef, Html, Node};

use super::super::tree::{elements, text_of};
use crate::input::html::boilerplate_nodes::{self, NAMES};
use crate::input::text::dates::to_rfc3339;
use crate::input::text::squeezed;
use crate::record::Metadata;

/// A longer text is no byline and no date.
const MAX_CHARACTERS: usize = 100;

/// A page has one such heading, or a few by mistake.
const MAX_HEADINGS: usize = 20;

/// So many names, dates and properties are asked whether they are beside the article.
pub(super) const MAX_CANDIDATES: usize = 1000;

/// Words of a class that say that an author is named here.
const AUTHOR_WORDS: [&str; 5] = ["byline", "author", "authors", "authorname", "writer"];

/// Words of a class that say that a date is named here.
const DATE_WORDS: [&str; 10] =
    ["date", "dateline", "published", "publish", "pubdate", "timestamp", "time", "posted", "datetime", "created"];

/// Words of a class or id that name what stands beside an article.
const SIDE_WORDS: &[&str] = &[
    "aside",
    "latest",
    "mostread",
    "nav",
    "navigation",
    "popular",
    "recent",
    "recirc",
    "recommended",
    "related",
    "sidebar",
    "teaser",
    "teasers",
    "trending",
];

/// Reads the page. `url` is where it was fetched.
pub(super) fn visible(tree: &Html, url: Option<&str>) -> Metadata {
    let html = elements(tree).find(|element| element.value().name() == "html");
    let title = elements(tree).find(|element| element.value().name() == "title").map(|element| text_of(*element));
    let heading = headings(tree).into_iter().next();
    Metadata {
        title: title.filter(|title| !title.is_empty()).or(heading),
        byline: byline(tree),
        published: date(tree).or_else(|| url.and_then(date_in_url)),
        language: html
            .and_then(|html| ["lang", "xml:lang"].iter().find_map(|name| html.value().attr(name)))
            .map(str::to_owned),
        ..Metadata::default()
    }
}

/// The texts of the page's first-level headings.
pub(super) fn headings(tree: &Html) -> Vec<String> {
    let texts = elements(tree).filter(|element| element.value().name() == "h1").map(|element| text_of(*element));
    texts.filter(|text| !text.is_empty()).take(MAX_HEADINGS).collect()
}

/// True for an element in a sidebar, a menu, a footer or a list of other articles.
pub(super) fn is_beside(node: NodeRef<'_, Node>) -> bool {
    let mut around = std::iter::once(node).chain(node.ancestors()).filter_map(|node| node.value().as_element());
    around.any(|element| match element.name() {
        "aside" | "nav" | "footer" => true,
        "html" | "body" | "main" | "article" => false,
        _ => boilerplate_nodes::is_named_by(element, SIDE_WORDS),
    })
}

/// The first short text that is marked as an author's name: by `rel`, otherwise by a class; or a line that begins with "By".
fn byline(tree: &Html) -> Option<String> {
    let byline = author_by_rel(tree).or_else(|| author_by_class(tree)).or_else(|| line_with_by(tree))?;
    Some(without_capitals(&byline))
}

fn author_by_rel(tree: &Html) -> Option<String> {
    let authors =
        elements(tree).filter(|element| element.value().attr("rel").is_some_and(|rel| rel.contains("author")));
    authors.map(|element| text_of(*element)).find(|text| is_name(text))
}

fn author_by_class(tree: &Html) -> Option<String> {
    let marked = elements(tree).filter(|element| is_marked(*element, &AUTHOR_WORDS));
    marked.flat_map(|element| lines_of(*element)).find(|line| is_name(line))
}

/// The text below `node` in lines: blocks and line breaks end one.
fn lines_of(node: NodeRef<'_, Node>) -> Vec<String> {
    let mut text = String::new();
    for below in node.descendants() {
        match below.value() {
            Node::Text(piece) => text.push_str(&piece.replace('\n', " ")),
            Node::Element(element)
                if matches!(element.name(), "br" | "p" | "div" | "li" | "h1" | "h2" | "h3" | "h4" | "time") =>
            {
                text.push('\n');
            }
            _ => {}
        }
    }
    text.lines().map(squeezed).filter(|line| !line.is_empty()).collect()
}

/// The first line of the page that is "By" and a name.
fn line_with_by(tree: &Html) -> Option<String> {
    let texts = tree.tree.nodes().filter(|node| node.value().as_text().is_some_and(|text| begins_with_by(text.trim())));
    let lines = texts.filter_map(|node| Some((node, squeezed(node.value().as_text()?))));
    let mut names = lines.filter(|(_, line)| is_name(line) && is_all_names(line)).take(MAX_CANDIDATES);
    names.find(|(node, _)| !is_beside(*node)).map(|(_, line)| line)
}

fn begins_with_by(text: &str) -> bool {
    text.len() <= MAX_CHARACTERS && (text.starts_with("By ") || text.starts_with("BY "))
}

/// True if every word begins with a capital, "and" apart.
fn is_all_names(text: &str) -> bool {
    text.split_whitespace().all(|word| matches!(word, "and" | "&") || word.starts_with(char::is_uppercase))
}

/// `IDA BRENN and PER HOLM` as it is written elsewhere. Names with a small letter in them stay.
fn without_capitals(names: &str) -> String {
    let words: Vec<&str> = names.split_whitespace().collect();
    if words.iter().any(|word| !is_joint(word) && word.chars().any(char::is_lowercase)) {
        return names.to_owned();
    }
    let written = words.iter().map(|word| if is_joint(word) { word.to_lowercase() } else { capitalised(word) });
    written.collect::<Vec<_>>().join(" ")
}

/// True for a word between names.
fn is_joint(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "by" | "and" | "&")
}

/// The first letter, and each behind a mark, large; the others small.
fn capitalised(word: &str) -> String {
    let mut is_first = true;
    let mut written = String::new();
    for character in word.chars() {
        if is_first {
            written.push(character);
        } else {
            written.extend(character.to_lowercase());
        }
        is_first = !character.is_alphanumeric();
    }
    written
}

/// Two to six words that begin with capitals, "by" and small words apart.
fn is_name(text: &str) -> bool {
    let text = super::tidy::byline(text).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let capitals = words.iter().filter(|word| word.starts_with(char::is_uppercase)).count();
    let has_digits = text.contains(|character: char| character.is_ascii_digit());
    (2..=6).contains(&words.len()) && capitals >= 2 && !has_digits && !text.contains([':', '/', '|', '?', '!'])
}

/// The first date of a `<time>`, otherwise of an element whose class speaks of one; none of those beside the article.
fn date(tree: &Html) -> Option<String> {
    let times = elements(tree).filter(|element| element.value().name() == "time").filter_map(|element| {
        let value = element.value().attr("datetime").map_or_else(|| text_of(*element), str::to_owned);
        Some((element, to_rfc3339(&value)?))
    });
    let marked = elements(tree).filter(|element| is_marked(*element, &DATE_WORDS)).filter_map(|element| {
        let text = text_of(*element);
        Some((element, to_rfc3339(&text).filter(|_| text.len() <= MAX_CHARACTERS)?))
    });
    first_of_article(times).or_else(|| first_of_article(marked)).or_else(|| date_in_words(tree))
}

/// The first date that is not beside the article.
fn first_of_article<'t>(dates: impl Iterator<Item = (ElementRef<'t>, String)>) -> Option<String> {
    dates.take(MAX_CANDIDATES).find(|(element, _)| !is_beside(**element)).map(|(_, date)| date)
}

/// The first short text that says when the article was published.
fn date_in_words(tree: &Html) -> Option<String> {
    let texts = tree.tree.nodes().filter_map(|node| node.value().as_text());
    texts.map(|text| text.trim()).filter(|text| tells_publication(text)).find_map(|text| to_rfc3339(&squeezed(text)))
}

fn tells_publication(text: &str) -> bool {
    let words = if text.len() > MAX_CHARACTERS { String::new() } else { text.to_ascii_lowercase() };
    ["published", "posted", "first published"].iter().any(|start| words.starts_with(start))
}

/// True if a class or the id of `element` has one of `words`, and its text is short.
fn is_marked(element: ElementRef<'_>, words: &[&str]) -> bool {
    let mut names = NAMES.iter().filter_map(|name| element.value().attr(name));
    let mut texts = element.text();
    names.any(|name| has_word(name, words))
        && texts.by_ref().take(20).map(str::len).sum::<usize>() < 4 * MAX_CHARACTERS
        && !element.ancestors().any(is_comment)
}

fn has_word(name: &str, words: &[&str]) -> bool {
    name.split(|character: char| !character.is_ascii_alphanumeric())
        .any(|word| words.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

fn is_comment(node: NodeRef<'_, Node>) -> bool {
    let Some(element) = node.value().as_element() else { return false };
    let mut names = ["class", "id"].iter().filter_map(|name| element.attr(name));
    names.any(|name| name.to_ascii_lowercase().contains("comment"))
}

/// `/2031/03/01/` in an address: year, month and day, as nobody writes them otherwise.
fn date_in_url(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let parts: Vec<&str> = path.split('/').collect();
    let joined = parts.windows(3).find(|three| {
        three[0].len() == 4
            && three[1].len() == 2
            && three[2].len() == 2
            && three.iter().all(|part| part.parse::<u16>().is_ok())
    })?;
    to_rfc3339(&joined.join("-"))
}
