//! What a reader sees of an article's data: its heading, its byline, its date.

use ego_tree::NodeRef;
use scraper::{ElementRef, Html, Node};

use super::super::tree::{squeezed, text_of};
use crate::input::html::boilerplate_nodes::NAMES;
use crate::input::text::dates::to_rfc3339;
use crate::record::Metadata;

/// A longer text is no byline and no date.
const MAX_CHARACTERS: usize = 100;

/// A page has one such heading, or a few by mistake.
const MAX_HEADINGS: usize = 20;

/// Words of a class that say that an author is named here.
const AUTHOR_WORDS: [&str; 5] = ["byline", "author", "authors", "authorname", "writer"];

/// Words of a class that say that a date is named here.
const DATE_WORDS: [&str; 10] =
    ["date", "dateline", "published", "publish", "pubdate", "timestamp", "time", "posted", "datetime", "created"];

/// What stands on the page. `url` is where it was fetched.
pub(super) fn read(tree: &Html, url: Option<&str>) -> Metadata {
    let elements = || tree.tree.nodes().filter_map(ElementRef::wrap);
    let html = elements().find(|element| element.value().name() == "html");
    let title = elements().find(|element| element.value().name() == "title").map(|element| text_of(*element));
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
    let elements = tree.tree.nodes().filter_map(ElementRef::wrap);
    let texts = elements.filter(|element| element.value().name() == "h1").map(|element| text_of(*element));
    texts.filter(|text| !text.is_empty()).take(MAX_HEADINGS).collect()
}

/// The first short text that is marked as an author's name: by `rel`, else by a class.
fn byline(tree: &Html) -> Option<String> {
    let elements = || tree.tree.nodes().filter_map(ElementRef::wrap);
    let is_author = |element: &ElementRef<'_>| element.value().attr("rel").is_some_and(|rel| rel.contains("author"));
    let by_rel = elements().filter(is_author).map(|element| text_of(*element)).find(|text| is_name(text));
    let by_class = || {
        let marked = elements().filter(|element| is_marked(*element, &AUTHOR_WORDS));
        marked.map(|element| text_of(*element)).find(|text| is_name(text))
    };
    by_rel.or_else(by_class)
}

/// Two to six words that begin with capitals, "by" and small words apart.
fn is_name(text: &str) -> bool {
    let text = super::tidy::byline(text).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let capitals = words.iter().filter(|word| word.starts_with(char::is_uppercase)).count();
    let has_digits = text.contains(|character: char| character.is_ascii_digit());
    (2..=6).contains(&words.len()) && capitals >= 2 && !has_digits && !text.contains([':', '/', '|', '?', '!'])
}

/// The first date of a `<time>`, else of an element whose class speaks of one.
fn date(tree: &Html) -> Option<String> {
    let elements = || tree.tree.nodes().filter_map(ElementRef::wrap);
    let in_time = |element: ElementRef<'_>| {
        let value = element.value().attr("datetime").map_or_else(|| text_of(*element), str::to_owned);
        to_rfc3339(&value)
    };
    let by_time = elements().filter(|element| element.value().name() == "time").find_map(in_time);
    let by_class = || {
        let marked = elements().filter(|element| is_marked(*element, &DATE_WORDS));
        marked
            .map(|element| text_of(*element))
            .filter(|text| text.len() <= MAX_CHARACTERS)
            .find_map(|text| to_rfc3339(&text))
    };
    by_time.or_else(by_class).or_else(|| date_in_words(tree))
}

/// The first short text that says when the article was published.
fn date_in_words(tree: &Html) -> Option<String> {
    let texts = tree.tree.nodes().filter_map(|node| node.value().as_text());
    let says_so = |text: &str| {
        let words = if text.len() > MAX_CHARACTERS { String::new() } else { text.to_ascii_lowercase() };
        ["published", "posted", "first published"].iter().any(|start| words.starts_with(start))
    };
    texts.map(|text| text.trim()).filter(|text| says_so(text)).find_map(|text| to_rfc3339(&squeezed(text)))
}

/// Whether a class or the id of `element` has one of `words`, and its text is short.
fn is_marked(element: ElementRef<'_>, words: &[&str]) -> bool {
    let mut names = NAMES.iter().filter_map(|name| element.value().attr(name));
    let has_word = |name: &str| {
        name.split(|character: char| !character.is_ascii_alphanumeric())
            .any(|word| words.iter().any(|known| word.eq_ignore_ascii_case(known)))
    };
    let is_comment = |node: NodeRef<'_, Node>| {
        let element = node.value().as_element();
        let names = element.map(|element| ["class", "id"].map(|name| element.attr(name).unwrap_or_default()));
        names.is_some_and(|names| names.iter().any(|name| name.to_ascii_lowercase().contains("comment")))
    };
    let mut texts = element.text();
    names.any(has_word)
        && texts.by_ref().take(20).map(str::len).sum::<usize>() < 4 * MAX_CHARACTERS
        && !element.ancestors().any(is_comment)
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
