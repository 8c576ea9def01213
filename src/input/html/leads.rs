//! Leads: standfirsts and first paragraphs between the headline and the text that was found. Many pages keep them outside the
//! element that holds the rest of the article, so what looks for the main text does not see them.

use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use scraper::node::Element;
use scraper::{Html, Node};

use super::boilerplate_nodes::{self, Sizes};
use super::boilerplate_text;
use super::metadata::{PageMetadata, plain};
use super::paragraphs::Paragraph;
use super::tree::{is_inline, name_of, text_of};
use crate::deadline;
use crate::input::text::squeezed;

/// Words of a class or id that name a lead, whole words in any case.
const WORDS: &[&str] = &[
    "abstract",
    "bajada",
    "blurb",
    "bullets",
    "chapeau",
    "chapo",
    "copete",
    "deck",
    "dek",
    "entradilla",
    "excerpt",
    "ingress",
    "intro",
    "introduction",
    "introtext",
    "keypoints",
    "lead",
    "leadin",
    "leadtext",
    "lede",
    "manchet",
    "occhiello",
    "perex",
    "preamble",
    "sapo",
    "sommario",
    "sottotitolo",
    "standfirst",
    "strapline",
    "subhead",
    "subheader",
    "subheading",
    "subheadline",
    "subhed",
    "subline",
    "subtitle",
    "subtitulo",
    "sumario",
    "summary",
    "synopsis",
    "takeaways",
    "teaser",
    "untertitel",
    "vorspann",
];

/// Words that name a lead together with a word for a title: `subTitle`, `sub-head`.
const SUB_WORDS: &[&str] = &["title", "head", "header", "heading", "headline", "hed", "line"];

/// Words of a class or id that name the author or the date: what is in there is no lead.
const DATA_WORDS: &[&str] = &["byline", "date", "dateline", "meta", "published", "time", "timestamp"];

/// Words of a class or id that name a caption, or what is about the author.
const OTHER_WORDS: &[&str] = &[
    "author",
    "authors",
    "bio",
    "biography",
    "caption",
    "captions",
    "credit",
    "credits",
    "photo",
    "photocredit",
    "profile",
    "writer",
];

/// Properties of microdata that name a lead.
const PROPERTIES: &[&str] = &["description", "alternativeheadline", "abstract"];

/// A shorter text is a label, a byline or a date; a longer one is not all lead.
const BYTES: std::ops::RangeInclusive<usize> = 30..=1500;

/// A lead has at least so many words; one that only its place gives away has more.
const MIN_WORDS: usize = 5;
const MIN_WORDS_OF_SENTENCE: usize = 8;

/// So far above a text its heading, its caption or a box about the author begins.
const MAX_HEADING_DEPTH: usize = 3;
const MAX_OTHER_DEPTH: usize = 4;

/// So many letters and digits in common tell that a text is the description of the page.
const MIN_COMMON: usize = 40;

/// So many letters and digits tell that a text is part of the article.
const MIN_KNOWN: usize = 20;
const MIN_KNOWN_ABOVE_TITLE: usize = 60;

/// So much of the text that was found, and one paragraph more, is compared with what stands before it.
const MAX_KNOWN_BYTES: usize = 4000;

/// Leads stand among so many blocks below the headline.
const MAX_BLOCKS: usize = 60;

/// A page has a standfirst, and a first paragraph that may be lost.
const MAX_LEADS: usize = 3;

/// The leads of the article whose other paragraphs are `found`, in the order of the page.
pub(super) fn find(tree: &Html, sizes: &Sizes, page_metadata: &PageMetadata, found: &[Paragraph]) -> Vec<Paragraph> {
    let mut search = Search {
        page_metadata,
        sizes,
        description: page_metadata.description.as_deref().map(plain).unwrap_or_default(),
        known: beginning_of(found),
        has_title_heading: page_metadata.headings.iter().any(|heading| page_metadata.is_title(heading)),
        has_heading: !page_metadata.headings.is_empty(),
        is_below_title: false,
        blocks: 0,
        leads: Vec::new(),
    };
    let mut passed_over = None;
    let mut clutter = None;
    for edge in tree.tree.root().traverse() {
        deadline::check();
        match (edge, passed_over) {
            (Edge::Close(node), Some(id)) if node.id() == id => passed_over = None,
            (Edge::Close(node), None) if clutter == Some(node.id()) => clutter = None,
            (Edge::Open(node), None) if is_elsewhere(node) => passed_over = Some(node.id()),
            (Edge::Open(node), None) => {
                if clutter.is_none() && boilerplate_nodes::is_clutter(node, sizes) {
                    clutter = Some(node.id());
                }
                if search.visit(node, clutter.is_some()) {
                    break;
                }
            }
            _ => {}
        }
    }
    search.leads
}

/// The beginning of the text that was found, plain.
fn beginning_of(found: &[Paragraph]) -> String {
    let mut beginning = String::new();
    for paragraph in found {
        if beginning.len() > MAX_KNOWN_BYTES {
            break;
        }
        beginning.push_str(&plain(&paragraph.text));
    }
    beginning
}

/// True for an element that holds no lead, whatever it is called.
fn is_elsewhere(node: NodeRef<'_, Node>) -> bool {
    let name = name_of(node);
    matches!(name, "nav" | "aside" | "footer" | "figure" | "table" | "noscript")
        || boilerplate_nodes::TAGS.contains(&name)
}

struct Search<'s> {
    page_metadata: &'s PageMetadata,
    sizes: &'s Sizes,
    /// The description of the page, plain.
    description: String,
    /// The beginning of the text that was found, plain.
    known: String,
    /// A first-level heading is the title; others are the name of the site or the like.
    has_title_heading: bool,
    /// The page has a first-level heading.
    has_heading: bool,
    is_below_title: bool,
    blocks: usize,
    leads: Vec<Paragraph>,
}

impl Search<'_> {
    /// Looks at a node, which may lie in clutter; true if the article has begun, and so the search ends.
    fn visit(&mut self, node: NodeRef<'_, Node>, is_in_clutter: bool) -> bool {
        if let Some(text) = node.value().as_text() {
            return !node.ancestors().take(MAX_HEADING_DEPTH).any(|above| self.is_mere_heading(above))
                && self.is_known(&plain(text));
        }
        let Some(element) = node.value().as_element() else { return false };
        if element.name() == "h1" {
            self.is_below_title |= !self.has_title_heading || self.page_metadata.is_title(&text_of(node));
            return false;
        }
        let is_block = matches!(
            element.name(),
            "p" | "div" | "li" | "h2" | "h3" | "h4" | "section" | "span" | "summary" | "blockquote"
        );
        if !is_block || !node.has_children() || !node.children().all(|child| is_inline(child) || is_passive(child)) {
            return false;
        }
        // A `<span>` is a block only where it stands in one alone.
        if element.name() == "span" && node.parent().is_some_and(is_inline) {
            return false;
        }
        let text = shown_text(node, self.sizes);
        let plain_text = plain(&text);
        if plain_text.is_empty() || self.page_metadata.is_title(&text) {
            self.is_below_title |= !plain_text.is_empty();
            return false;
        }
        // The text may repeat the words of a heading above it.
        if !self.is_mere_heading(node) && self.is_known(&plain_text) {
            return true;
        }
        if self.is_below_title || !self.has_heading {
            self.blocks += 1;
            if self.is_lead(node, &text, &plain_text, is_in_clutter) {
                self.known.push_str(&plain_text);
                self.leads.push(Paragraph { text, ..Paragraph::default() });
            }
        }
        self.blocks >= MAX_BLOCKS || self.leads.len() >= MAX_LEADS
    }

    /// True for a heading that is not in truth a paragraph.
    fn is_mere_heading(&self, node: NodeRef<'_, Node>) -> bool {
        is_heading(node) && !self.sizes.is_paragraph_heading(node)
    }

    /// True for a piece of the text that was found. Above the headline a menu may have names that the text has, too.
    fn is_known(&self, plain_text: &str) -> bool {
        let min_characters = if self.is_below_title || !self.has_heading { MIN_KNOWN } else { MIN_KNOWN_ABOVE_TITLE };
        plain_text.chars().nth(min_characters).is_some() && self.known.contains(plain_text)
    }

    fn is_lead(&self, node: NodeRef<'_, Node>, text: &str, plain_text: &str, is_in_clutter: bool) -> bool {
        let words = text.split_whitespace().count();
        if !BYTES.contains(&text.len()) || words < MIN_WORDS || is_mostly_links(node, text) {
            return false;
        }
        if self.known.contains(plain_text)
            || boilerplate_text::is_of_site(text)
            || boilerplate_text::is_byline_or_date(text)
        {
            return false;
        }
        if is_named_near(node, MAX_OTHER_DEPTH, |words| words.iter().any(|word| OTHER_WORDS.contains(&word.as_str()))) {
            return false;
        }
        // Headers keep the lead beside the byline, in one element that is called after the byline.
        if self.is_description(plain_text) || is_named_lead(node, 1) {
            return true;
        }
        let is_data = is_named_near(node, 1, |words| words.iter().any(|word| DATA_WORDS.contains(&word.as_str())));
        let is_long = words >= MIN_WORDS_OF_SENTENCE;
        let fits = match name_of(node) {
            // A heading needs no full stop; one in quotation marks repeats what somebody says below.
            "h2" | "h3" | "h4" => is_long && !text.starts_with(['“', '"', '„', '«', '‘']),
            "p" => is_long && boilerplate_text::is_sentence(text),
            _ => is_long && boilerplate_text::is_sentence(text) && is_in_header(node),
        };
        !is_in_clutter && !is_data && (fits || is_named_lead(node, 2))
    }

    fn is_description(&self, plain_text: &str) -> bool {
        let common = self.description.chars().zip(plain_text.chars()).take_while(|(one, other)| one == other).count();
        common >= MIN_COMMON
    }
}

fn is_heading(node: NodeRef<'_, Node>) -> bool {
    matches!(name_of(node), "h1" | "h2" | "h3" | "h4")
}

/// True for comments and for elements without words of their own.
fn is_passive(node: NodeRef<'_, Node>) -> bool {
    match node.value() {
        Node::Comment(_) => true,
        Node::Element(element) => {
            matches!(element.name(), "br" | "wbr" | "img" | "svg" | "script" | "style" | "meta" | "link")
        }
        _ => false,
    }
}

fn is_mostly_links(node: NodeRef<'_, Node>, text: &str) -> bool {
    let links = node.descendants().filter(|node| name_of(*node) == "a");
    links.map(|link| text_of(link).len()).sum::<usize>() * 2 > text.len()
}

/// The text of a block without clutter, with single spaces.
fn shown_text(node: NodeRef<'_, Node>, sizes: &Sizes) -> String {
    let mut text = String::new();
    let mut dropped = None;
    for edge in node.traverse() {
        match edge {
            Edge::Close(inner) if dropped == Some(inner.id()) => dropped = None,
            Edge::Open(inner) if dropped.is_none() => match inner.value() {
                Node::Text(piece) => text.push_str(piece),
                Node::Element(element) if element.name() == "br" => text.push(' '),
                _ if inner != node && boilerplate_nodes::is_clutter(inner, sizes) => dropped = Some(inner.id()),
                _ => {}
            },
            _ => {}
        }
    }
    squeezed(&text)
}

/// True if the element, or one close around it, is named as a lead.
fn is_named_lead(node: NodeRef<'_, Node>, levels: usize) -> bool {
    is_named_near(node, levels, |words| {
        words.iter().any(|word| WORDS.contains(&word.as_str()))
            || words.windows(2).any(|pair| pair[0] == "sub" && SUB_WORDS.contains(&pair[1].as_str()))
    }) || around(node, levels).any(|element| {
        let property = element.attr("itemprop").unwrap_or_default().to_ascii_lowercase();
        PROPERTIES.contains(&property.as_str())
    })
}

/// True if a class or the like of the element, or of one up to `levels` above it, has words that fit.
fn is_named_near(node: NodeRef<'_, Node>, levels: usize, fits: impl Fn(&[String]) -> bool) -> bool {
    around(node, levels).any(|element| {
        let mut names = boilerplate_nodes::names_of(element).flat_map(str::split_ascii_whitespace);
        names.any(|name| {
            let words: Vec<String> = boilerplate_nodes::words(name).map(str::to_ascii_lowercase).collect();
            fits(&words)
        })
    })
}

/// The element and up to `levels` above it, without those that hold the whole page or article.
fn around(node: NodeRef<'_, Node>, levels: usize) -> impl Iterator<Item = &Element> {
    let around = std::iter::once(node).chain(node.ancestors().take(levels));
    let elements = around.filter_map(|node| node.value().as_element());
    elements.take_while(|element| !matches!(element.name(), "html" | "body" | "main" | "article" | "header"))
}

fn is_headline(node: NodeRef<'_, Node>) -> bool {
    name_of(node) == "h1"
}

/// True for an element beside the headline, or in one `<header>` with it.
fn is_in_header(node: NodeRef<'_, Node>) -> bool {
    node.prev_siblings().any(is_headline)
        || node
            .ancestors()
            .find(|node| name_of(*node) == "header")
            .is_some_and(|header| header.descendants().any(is_headline))
}

#[cfg(test)]
mod tests {
    use super::super::{SENTENCES, paragraphs_on};

    fn paragraphs(head: &str, lead: &str) -> Vec<String> {
        let [_, rest @ ..] = SENTENCES;
        let rest = rest.map(|sentence| format!("<p>{sentence}</p>")).concat();
        paragraphs_on(&format!(
            "<html><head><title>Harbor</title>{head}</head><body><article>{lead}<div class=article-body>{rest}</div></article></body></html>"
        ))
    }

    #[test]
    fn a_lead_outside_the_body_is_the_first_paragraph() {
        let lead = SENTENCES[0];
        for html in [
            format!("<header><h1>Harbor</h1><p class=perex>{lead}</p></header>"),
            format!("<header><h1>Harbor</h1><h2 class=deck>{lead}</h2></header>"),
            format!("<header><h1>Harbor</h1><h2>{}</h2></header>", lead.trim_end_matches('.')),
            format!("<h1>Harbor</h1><div class=meta><p class=c-dek>{lead}</p><p>By Ada Vale</p></div>"),
            format!(
                "<h1>Harbor</h1><div class=byline-social><p>4 May 2031, 7:15 a.m.</p><div class=subTitle>{lead}</div></div>"
            ),
            format!("<h1>Harbor</h1><div itemprop=description>{lead}</div>"),
            format!("<h1>Harbor</h1><div class=x1><p>{lead}</p></div>"),
        ] {
            let found = paragraphs("", &html);
            assert_eq!(found.len(), SENTENCES.len(), "{html}");
            assert!(lead.starts_with(&found[0]), "{html}");
        }
        let tag = format!("<meta name=description content='{lead}'>");
        assert_eq!(paragraphs(&tag, &format!("<h1>Harbor</h1><div class=x1>{lead}</div>")), SENTENCES);
    }

    #[test]
    fn a_lead_in_the_text_stands_there_once() {
        let paragraphs: String = SENTENCES.map(|sentence| format!("<p class=lead>{sentence}</p>")).concat();
        assert_eq!(paragraphs_on(&format!("<article><h1>Harbor</h1>{paragraphs}</article>")), SENTENCES);
    }

    #[test]
    fn captions_bylines_and_boxes_are_no_leads() {
        for html in [
            "<h1>Harbor</h1><p class=byline>By Ada Vale and the staff of the Quay Courier</p>",
            "<h1>Harbor</h1><p>Updated on Monday the 4th of May at 7:15 in the morning.</p>",
            "<h1>Harbor</h1><div class=photo><p class=summary>The harbor at dusk, as it was last week. Photo by Lea Marsh.</p></div>",
            "<h1>Harbor</h1><div class=author-bio><p>Ada Vale has written about the harbor and its ferries for years.</p></div>",
            "<h1>Harbor</h1><p>Sign up for our morning letter with all the news of the harbor.</p>",
            "<h1>Harbor</h1><aside><p>The ferry company has a new chief after a long search.</p></aside>",
            "<p class=teaser>The ferry company has a new chief after a long search.</p><h1>Harbor</h1>",
        ] {
            assert_eq!(paragraphs("", html), SENTENCES[1..], "{html}");
        }
    }
}
