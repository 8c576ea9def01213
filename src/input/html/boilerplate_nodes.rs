//! Elements that are no part of an article, by their mark-up.

use std::collections::{HashMap, HashSet};

use ego_tree::iter::Edge;
use ego_tree::{NodeId, NodeRef};
use scraper::node::Element;
use scraper::{Html, Node};

use super::tree::{is_inline, name_of, text_of};
use crate::input::text::squeezed;

/// Elements that hold no running text of an article.
pub(super) const TAGS: &[&str] = &[
    "head",
    "script",
    "style",
    "template",
    "svg",
    "math",
    "canvas",
    "iframe",
    "object",
    "embed",
    "video",
    "audio",
    "picture",
    "img",
    "source",
    "track",
    "map",
    "area",
    "button",
    "select",
    "option",
    "input",
    "textarea",
    "label",
    "fieldset",
    "progress",
    "figcaption",
    "nav",
    "dialog",
    "menu",
    "link",
    "param",
    "rp",
    "rt",
    "rtc",
];

/// Words of a class or id that name what is beside an article, whole words in any case.
const WORDS: &[&str] = &[
    "ad",
    "addthis",
    "addtoany",
    "ads",
    "adslot",
    "advert",
    "advertisement",
    "advertising",
    "affiliate",
    "breadcrumb",
    "breadcrumbs",
    "byline",
    "caption",
    "captions",
    "consent",
    "cookie",
    "cookies",
    "copyright",
    "credit",
    "credits",
    "cta",
    "dfp",
    "disclosure",
    "disqus",
    "donate",
    "donation",
    "gdpr",
    "inread",
    "jobbox",
    "mailchimp",
    "modal",
    "newsfeed",
    "newsletter",
    "newsletters",
    "outbrain",
    "pager",
    "pagination",
    "photocredit",
    "piano",
    "popup",
    "prevnext",
    "promo",
    "promobox",
    "promos",
    "promotion",
    "share",
    "sharebar",
    "sharedaddy",
    "sharethis",
    "sharing",
    "signup",
    "social",
    "socials",
    "sponsor",
    "sponsored",
    "subscribe",
    "subscription",
    "subscriptions",
    "taboola",
    "taglist",
    "tags",
    "toolbar",
    "tweetbutton",
];

/// Words like [`WORDS`] that name links to other articles.
const LINK_WORDS: &[&str] = &[
    "mostread",
    "nextstory",
    "popular",
    "readmore",
    "readnext",
    "recirc",
    "recommended",
    "related",
    "relatedlinks",
    "trending",
];

/// A block with so many bytes of text is a paragraph.
const PARAGRAPH_BYTES: usize = 80;

/// More of a class is not looked at.
const MAX_NAME_BYTES: usize = 1000;

/// So many neighbours of a link are looked at for the words of its sentence.
const MAX_SIBLINGS: usize = 20;

/// Attributes that say what an element is for; where classes are made by a machine, those for tests say it still.
pub(super) const NAMES: [&str; 4] = ["class", "id", "data-testid", "data-component"];

/// An element with more of the page's text than one part in so many is the article, or around it, whatever it is called.
const ARTICLE_PART: usize = 4;

/// A `<noscript>` with so many bytes of text holds what scripts would show, not a word about scripts.
const NOSCRIPT_BYTES: usize = 400;

/// The amount of text in elements: in bytes, without links, which menus are made of.
pub(super) struct Sizes {
    by_element: HashMap<NodeId, usize>,
    all: usize,
    /// Headings that are paragraphs.
    paragraph_headings: HashSet<NodeId>,
    /// Elements that no reader sees.
    hidden: HashSet<NodeId>,
    /// `<div>`s that are paragraphs.
    paragraph_divs: HashSet<NodeId>,
}

impl Sizes {
    /// Measures every element of the tree.
    pub(super) fn measure(tree: &Html) -> Self {
        let mut by_element = HashMap::new();
        let mut open = vec![0];
        let mut silent = 0_usize;
        for edge in tree.tree.root().traverse() {
            match edge {
                Edge::Open(node) => match node.value() {
                    Node::Text(text) if silent == 0 => open.iter_mut().for_each(|size| *size += text.trim().len()),
                    Node::Element(element) => {
                        silent += usize::from(is_silent(element));
                        open.push(0);
                    }
                    _ => {}
                },
                Edge::Close(node) => {
                    if let Node::Element(element) = node.value() {
                        silent -= usize::from(is_silent(element));
                        by_element.insert(node.id(), open.pop().unwrap_or_default());
                    }
                }
            }
        }
        let paragraph_headings = paragraphs_in_headings(tree, &by_element);
        let all = open.first().copied().unwrap_or_default();
        let hidden = hidden_elements(tree, &by_element, all);
        let paragraph_divs = paragraphs_in_divs(tree, &by_element);
        Self { by_element, all, paragraph_headings, hidden, paragraph_divs }
    }

    /// Bytes of text on the page, without links.
    pub(super) fn of_page(&self) -> usize {
        self.all
    }

    /// Bytes of text in an element, without links.
    pub(super) fn of_element(&self, node: NodeRef<'_, Node>) -> usize {
        self.by_element.get(&node.id()).copied().unwrap_or_default()
    }

    /// True for a heading that is a paragraph in truth.
    pub(super) fn is_paragraph_heading(&self, node: NodeRef<'_, Node>) -> bool {
        self.paragraph_headings.contains(&node.id())
    }

    /// True for a `<div>` that is a paragraph.
    pub(super) fn is_paragraph_div(&self, node: NodeRef<'_, Node>) -> bool {
        self.paragraph_divs.contains(&node.id())
    }

    /// True for an element with so much of the page's text that it is the article, or around it.
    pub(super) fn is_article(&self, node: NodeRef<'_, Node>) -> bool {
        self.of_element(node) * ARTICLE_PART > self.all
    }
}

/// The elements that their style or an attribute hides. If they hold much of the page's text, scripts show it: all of an article, or its
/// parts one after the other. What stands there in sight as well is hidden all the same.
fn hidden_elements(tree: &Html, by_element: &HashMap<NodeId, usize>, all: usize) -> HashSet<NodeId> {
    let elements = tree.tree.nodes().filter(|node| node.value().as_element().is_some_and(is_hidden));
    let (copies, others): (Vec<_>, Vec<_>) = elements.partition(|node| {
        let size = by_element.get(&node.id()).copied().unwrap_or_default();
        size * ARTICLE_PART > all && is_copy(*node, tree)
    });
    let sizes = others.iter().filter_map(|node| by_element.get(&node.id()));
    let is_shown_by_scripts = sizes.sum::<usize>() * ARTICLE_PART > all;
    let hidden = copies.iter().chain(others.iter().filter(|_| !is_shown_by_scripts));
    hidden.map(NodeRef::id).collect()
}

fn is_hidden(element: &Element) -> bool {
    let is_by_attribute = element.attr("hidden").is_some_and(|value| !value.eq_ignore_ascii_case("until-found"));
    is_by_attribute
        || element.attr("style").is_some_and(|style| {
            let style: String =
                style.chars().filter(|character| !character.is_whitespace()).take(MAX_NAME_BYTES).collect();
            let style = style.to_ascii_lowercase();
            style.contains("display:none") || style.contains("visibility:hidden")
        })
}

/// True if most of the longer texts in an element stand elsewhere on the page, too.
fn is_copy(node: NodeRef<'_, Node>, tree: &Html) -> bool {
    let is_inside = |text: &NodeRef<'_, Node>| text.ancestors().any(|above| above == node);
    let long =
        |text: &NodeRef<'_, Node>| text.value().as_text().is_some_and(|text| text.trim().len() >= PARAGRAPH_BYTES);
    let of_text = |text: NodeRef<'_, Node>| text.value().as_text().map(|text| squeezed(text)).unwrap_or_default();
    let (inside, outside): (Vec<_>, Vec<_>) = tree.tree.nodes().filter(long).partition(is_inside);
    let outside = outside.into_iter().map(of_text).collect::<Vec<_>>().join(" ");
    let copied = inside.iter().filter(|text| outside.contains(&of_text(**text))).count();
    !inside.is_empty() && copied * 2 > inside.len()
}

/// The headings that are paragraphs in truth: whole sentences, where headings have more of them than `<p>` elements have text.
fn paragraphs_in_headings(tree: &Html, by_element: &HashMap<NodeId, usize>) -> HashSet<NodeId> {
    let bytes = |node: &NodeRef<'_, Node>| by_element.get(&node.id()).copied().unwrap_or_default();
    let headings = tree.tree.nodes().filter(|node| matches!(name_of(*node), "h2" | "h3" | "h4" | "h5" | "h6"));
    let headings: Vec<_> = headings.filter(|node| is_paragraph_of_text(*node)).collect();
    let in_headings: usize = headings.iter().map(bytes).sum();
    let paragraphs = tree.tree.nodes().filter(|node| name_of(*node) == "p");
    let in_paragraphs: usize = paragraphs.map(|node| bytes(&node)).sum();
    if in_headings > in_paragraphs { headings.iter().map(NodeRef::id).collect() } else { HashSet::new() }
}

/// The `<div>`s that are paragraphs, where they have more text than `<p>` elements: what looks for the main text reads the words of a `<div>` up
/// to its first link alone. Short ones are called like the long ones.
fn paragraphs_in_divs(tree: &Html, by_element: &HashMap<NodeId, usize>) -> HashSet<NodeId> {
    let bytes = |node: &NodeRef<'_, Node>| by_element.get(&node.id()).copied().unwrap_or_default();
    let divs = tree.tree.nodes().filter(|node| name_of(*node) == "div" && bytes(node) > 0 && is_line(*node));
    let divs: Vec<_> = divs.collect();
    let (long, short): (Vec<_>, Vec<_>) = divs.into_iter().partition(|node| bytes(node) >= PARAGRAPH_BYTES);
    let in_divs: usize = long.iter().map(bytes).sum();
    let paragraphs = tree.tree.nodes().filter(|node| name_of(*node) == "p");
    if in_divs <= paragraphs.map(|node| bytes(&node)).sum() {
        return HashSet::new();
    }
    let classes: HashSet<&str> = long.iter().filter_map(|node| class_of(*node)).collect();
    let short = short.iter().filter(|node| class_of(**node).is_some_and(|class| classes.contains(class)));
    long.iter().chain(short).map(NodeRef::id).collect()
}

fn class_of(node: NodeRef<'_, Node>) -> Option<&str> {
    node.value().as_element()?.attr("class")
}

/// True for an element with words of its own and no block in it.
fn is_line(node: NodeRef<'_, Node>) -> bool {
    node.children().any(is_shown_text)
        && node
            .descendants()
            .skip(1)
            .all(|below| !below.value().is_element() || is_inline(below) || name_of(below) == "img")
}

/// True for an element whose text is long enough for a paragraph and ends like a sentence.
pub(super) fn is_paragraph_of_text(node: NodeRef<'_, Node>) -> bool {
    let text = text_of(node);
    text.len() >= PARAGRAPH_BYTES && text.ends_with(['.', '”', '"'])
}

fn is_silent(element: &Element) -> bool {
    matches!(element.name(), "a" | "head" | "script" | "style" | "option" | "button")
        || element.name() == "template" && !is_shadow_root(element)
}

/// True if the element at `node` is no part of an article.
pub(super) fn is_clutter(node: NodeRef<'_, Node>, sizes: &Sizes) -> bool {
    let Some(element) = node.value().as_element() else { return false };
    match element.name() {
        "html" | "body" | "main" | "article" => false,
        "noscript" => sizes.of_element(node) < NOSCRIPT_BYTES || text_of(node).starts_with('<'),
        "figure" => !has_table(node),
        "template" => !is_shadow_root(element),
        "button" | "label" => !is_amid_sentence(node),
        name if TAGS.contains(&name) => true,
        _ if sizes.hidden.contains(&node.id()) || is_card(node) => true,
        _ => {
            is_named(element)
                && !(sizes.is_article(node)
                    || is_within_sentence(node)
                    || begins_with_paragraph(node, element)
                    || has_post(node))
        }
    }
}

/// True for an element that is named after the links in it, but begins with a paragraph of text.
fn begins_with_paragraph(node: NodeRef<'_, Node>, element: &Element) -> bool {
    if is_inline(node) || !is_named_by(element, LINK_WORDS) {
        return false;
    }
    let Some(first) = node.descendants().find(|node| is_shown_text(*node)) else { return false };
    let block = first.ancestors().find(|node| !is_inline(*node));
    let is_link = first.ancestors().take_while(|above| *above != node).any(|above| name_of(above) == "a");
    !is_link && block.is_some_and(|block| text_of(block).len() >= PARAGRAPH_BYTES && !has_links(block))
}

/// True for an element that is named after clutter and holds a post of a social network, which an article quotes.
pub(super) fn is_around_post(node: NodeRef<'_, Node>, element: &Element) -> bool {
    is_named(element) && has_post(node)
}

fn has_post(node: NodeRef<'_, Node>) -> bool {
    const CLASSES: &[&str] = &["twitter", "instagram", "bluesky", "mastodon"];
    node.descendants()
        .filter_map(|below| below.value().as_element())
        .any(|element| element.name() == "blockquote" && is_named_by(element, CLASSES))
}

/// True for a card that pages show when a reader points at a word: a picture and several links behind the word, on its line.
fn is_card(node: NodeRef<'_, Node>) -> bool {
    name_of(node) == "span"
        && node.prev_sibling().is_some_and(|word| name_of(word) == "a" || is_shown_text(word))
        && has_links(node)
        && node.descendants().any(|below| name_of(below) == "img")
}

fn is_shown_text(node: NodeRef<'_, Node>) -> bool {
    node.value().as_text().is_some_and(|text| !text.trim().is_empty())
}

/// True for an element with several links.
fn has_links(node: NodeRef<'_, Node>) -> bool {
    node.descendants().filter(|node| name_of(*node) == "a").nth(1).is_some()
}

/// True if `node` is a link or the like with other words on its line: its class says what it does, not what it says.
fn is_within_sentence(node: NodeRef<'_, Node>) -> bool {
    let mut inlines = std::iter::once(node).chain(node.ancestors()).take_while(|node| is_inline(*node));
    !has_links(node) && inlines.any(|inline| has_words(inline.prev_siblings()) || has_words(inline.next_siblings()))
}

/// True if words stand before and behind `node` on its line.
fn is_amid_sentence(node: NodeRef<'_, Node>) -> bool {
    has_words(node.prev_siblings()) && has_words(node.next_siblings())
}

/// True for a template that browsers show in the place of its parent's content.
pub(super) fn is_shadow_root(element: &Element) -> bool {
    element.attr("shadowrootmode").is_some()
}

/// True if there are words among `siblings` before the first block or line break.
fn has_words<'t>(siblings: impl Iterator<Item = NodeRef<'t, Node>>) -> bool {
    let mut line = siblings.take(MAX_SIBLINGS).take_while(|node| is_inline(*node) || node.value().is_comment());
    line.any(|node| node.value().as_text().is_some_and(|text| text.contains(char::is_alphabetic)))
}

fn has_table(node: NodeRef<'_, Node>) -> bool {
    node.descendants().any(|node| name_of(node) == "table")
}

fn is_named(element: &Element) -> bool {
    has_word(element, |word| is_one_of(word, WORDS) || is_one_of(word, LINK_WORDS))
}

/// The beginnings of an element's class, id and the like.
pub(super) fn names_of(element: &Element) -> impl Iterator<Item = &str> {
    let names = NAMES.iter().filter_map(|name| element.attr(name));
    names.map(|name| {
        let end = (0..=MAX_NAME_BYTES.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
        &name[..end.unwrap_or_default()]
    })
}

/// True if a class or the like of an element has one of `known`, which are in lower case.
pub(super) fn is_named_by(element: &Element, known: &[&str]) -> bool {
    has_word(element, |word| is_one_of(word, known))
}

fn has_word(element: &Element, is_wanted: impl Fn(&str) -> bool) -> bool {
    names_of(element).any(|name| words(name).any(&is_wanted))
}

fn is_one_of(word: &str, known: &[&str]) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// The words of `articleShareBar related-links__item`.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|character: char| !character.is_ascii_alphanumeric()).flat_map(humps)
}

/// `articleShareBar` to its three words.
fn humps(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let bytes = rest.as_bytes();
        let end = (1..bytes.len())
            .find(|&place| bytes[place].is_ascii_uppercase() && bytes[place - 1].is_ascii_lowercase())
            .unwrap_or(bytes.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(class: &str) -> bool {
        is_named_in("class", class)
    }

    fn is_named_in(attribute: &str, name: &str) -> bool {
        let tree = Html::parse_fragment(&format!("<div {attribute}='{name}'></div>"));
        let mut elements = tree.tree.nodes().filter_map(|node| node.value().as_element());
        elements.any(is_named)
    }

    #[test]
    fn clutter_is_named_by_whole_words() {
        for class in ["share", "post-share", "articleShareBar", "related_links x", "x AD", "wp-caption-text caption"] {
            assert!(named(class), "{class}");
        }
        assert!(is_named_in("data-testid", "prism-related") && !is_named_in("title", "related"));
        for class in ["", "shareholder", "article-body", "headline", "loads", "unrelated", "story__text"] {
            assert!(!named(class), "{class}");
        }
    }

    #[test]
    fn what_holds_much_of_the_text_is_kept_whatever_its_name() {
        let html = format!("<div class=related><p>{}</p></div><div class=related>Other.</div>", "Text. ".repeat(50));
        let tree = Html::parse_document(&html);
        let sizes = Sizes::measure(&tree);
        let is_div =
            |node: &NodeRef<'_, Node>| node.value().as_element().is_some_and(|element| element.name() == "div");
        let verdicts: Vec<bool> = tree.tree.nodes().filter(is_div).map(|node| is_clutter(node, &sizes)).collect();
        assert_eq!(verdicts, [false, true]);
    }

    #[test]
    fn what_no_reader_sees_is_no_part_of_the_article() {
        use super::super::{SENTENCES, paragraphs_on};
        let text = SENTENCES.map(|sentence| format!("<p>{sentence}</p>")).concat();
        let trap = "Words that no reader of the page ever sees, as they are a trap for the robots of others.";
        for hidden in [
            format!("<p style='display: none'>{trap}</p>"),
            format!("<div hidden><p>{trap}</p></div>"),
            format!("<p style='color:red;VISIBILITY:hidden'>{trap}</p>"),
        ] {
            let html = format!("<article><h1>Harbor</h1>{text}{hidden}</article>");
            assert_eq!(paragraphs_on(&html), SENTENCES, "{hidden}");
        }
        let card = "<span style='display:none'><a href=/1>Council</a> <a href=/2>More on it</a></span>";
        let shown = "<span class=card><img src=x><a href=/1>Council</a><a href=/2>More on it</a></span>";
        for card in [card, shown] {
            let text = text.replace("city council", &format!("city council{card}"));
            assert_eq!(paragraphs_on(&format!("<article><h1>Harbor</h1>{text}</article>")), SENTENCES, "{card}");
        }
        let streamed = format!("<div id=root></div><div hidden id='S:0'><h1>Harbor</h1>{text}</div>");
        assert_eq!(paragraphs_on(&streamed), SENTENCES, "a script would show it");
        let copy = format!("<div style='display:none'><div>{}</div></div>", SENTENCES.join(" "));
        assert_eq!(paragraphs_on(&format!("<article><h1>Harbor</h1>{text}{copy}</article>")).len(), SENTENCES.len());
    }

    #[test]
    fn a_post_that_the_article_quotes_stays() {
        use super::super::{SENTENCES, paragraphs_on};
        let [first, rest @ ..] = SENTENCES;
        let rest = rest.map(|sentence| format!("<p>{sentence}</p>")).concat();
        let post = "<div class=social-embed><blockquote class=twitter-tweet><p>We will fight this in court, all of us.</p>— Ada Vale</blockquote></div>";
        let paragraphs = paragraphs_on(&format!("<article><h1>Harbor</h1><p>{first}</p>{post}{rest}</article>"));
        assert!(paragraphs[1].starts_with("We will fight this in court"), "{paragraphs:?}");
    }

    #[test]
    fn a_paragraph_with_a_box_of_links_stays() {
        use super::super::{SENTENCES, paragraphs_on};
        let [first, rest @ ..] = SENTENCES;
        let rest = rest.map(|sentence| format!("<p>{sentence}</p>")).concat();
        let links = "<a href=/1>Ferry full again</a> <a href=/2>Pier shut</a>";
        for first in [
            format!("<p>{first}<div class=related><ul><li>{links}</li></ul></div></p>"),
            format!("<p>{first} <span class=related-box>{links}</span></p>"),
            format!("<p><span class=related>{links}</span>{first}</p>"),
            format!("<div class=with-related><p>{first}</p><aside>{links}</aside></div>"),
            format!("<p class=related-wrapper>{first}</p>"),
        ] {
            assert_eq!(
                paragraphs_on(&format!("<article><h1>Harbor</h1>{first}{rest}</article>")),
                SENTENCES,
                "{first}"
            );
        }
        let box_of_links = format!(
            "<div class=related><h3>Related</h3><p>{links}</p><p>Why the ferries of the harbor ran aground in a winter without ice, and who pays for it now.</p></div>"
        );
        assert_eq!(
            paragraphs_on(&format!("<article><h1>Harbor</h1><p>{}</p>{box_of_links}{rest}</article>", SENTENCES[0])),
            SENTENCES
        );
    }
}
