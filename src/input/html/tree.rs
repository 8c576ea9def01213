//! Bytes to a tree, within limits: a page that nests too deep or repeats too much is refused while it is parsed.

use ego_tree::NodeRef;
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, driver};
use scraper::node::Element;
use scraper::{ElementRef, Html, HtmlTreeSink, Node};

use super::{PageLimits, attributes};
use crate::deadline;
use crate::input::refusal::Refusal;
use crate::input::text::squeezed;
use crate::record::Reason;

/// The page is parsed in pieces of this size, and measured after each: unclosed `<b>`s can make a whole tree of every paragraph.
const PIECE_BYTES: usize = 1024;

/// More text is not looked at where a title or a name is wanted.
const MAX_TEXT_BYTES: usize = 4000;

/// More of a style is not looked at.
const MAX_STYLE_CHARACTERS: usize = 300;

/// A word of a sentence has no more elements and texts in it.
const MAX_WORD_NODES: usize = 50;

/// Elements that end a line.
const BLOCKS: &[&str] = &[
    "article",
    "blockquote",
    "div",
    "dl",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
];

/// Elements that only dress the text in them: the text stays, without them.
pub(super) const DRESS: &[&str] = &[
    "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "mark", "nobr", "q", "rb", "ruby", "s", "samp", "small", "span", "strong", "strike", "sub", "sup", "time", "tt",
    "u", "var", "wbr",
];

/// Parses `html`, whatever it is, as a browser would.
pub(super) fn parse(html: &str, limits: &PageLimits) -> Result<Html, Refusal> {
    if attributes::most_attributes(html.as_bytes()) > limits.max_attributes {
        return Err(too_much(format!("has a tag with more than {} attributes", limits.max_attributes)));
    }
    // What is in `<noscript>` is what there is where no script runs.
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let options = ParseOpts { tree_builder, ..ParseOpts::default() };
    let mut parser = driver::parse_document(HtmlTreeSink::new(Html::new_document()), options);
    let mut nodes = 0;
    for piece in pieces(html) {
        deadline::check();
        parser.process(StrTendril::from_slice(piece));
        let parsed = parser.tokenizer.sink.sink.0.borrow();
        nodes = check(&parsed, nodes, limits)?;
    }
    let parsed = parser.finish();
    // What was moved, as out of a broken table, may lie deeper than where it was made.
    check(&parsed, 0, limits)?;
    Ok(parsed)
}

/// All elements of a page, in the order of the document.
pub(super) fn elements(tree: &Html) -> impl Iterator<Item = ElementRef<'_>> {
    tree.tree.nodes().filter_map(ElementRef::wrap)
}

/// Looks at the nodes that are new since there were `before`; how many there are now.
fn check(parsed: &Html, before: usize, limits: &PageLimits) -> Result<usize, Refusal> {
    let nodes = parsed.tree.nodes().len();
    if nodes > limits.max_nodes {
        return Err(too_much(format!("has more than {} elements and texts", limits.max_nodes)));
    }
    let mut new = parsed.tree.nodes().rev().take(nodes.saturating_sub(before));
    if new.any(|node| node.ancestors().nth(limits.max_depth).is_some()) {
        return Err(too_much(format!("nests more than {} elements", limits.max_depth)));
    }
    Ok(nodes)
}

fn too_much(what: String) -> Refusal {
    Refusal::new(Reason::TooLarge, what)
}

/// `text` in pieces of about [`PIECE_BYTES`].
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = (PIECE_BYTES..rest.len()).find(|&end| rest.is_char_boundary(end)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The name of an element; empty for other nodes.
pub(super) fn name_of(node: NodeRef<'_, Node>) -> &str {
    node.value().as_element().map_or("", |element| element.name())
}

/// True for text, and for elements that do not interrupt it.
pub(super) fn is_inline(node: NodeRef<'_, Node>) -> bool {
    match node.value() {
        Node::Text(_) => true,
        Node::Element(element) => match element.name() {
            "a" | "button" | "label" => true,
            "span" => !is_block_by_style(element),
            name if name.contains('-') => is_word_of_site(node),
            name => DRESS.contains(&name),
        },
        _ => false,
    }
}

/// True for a `<span>` that its style makes a block.
pub(super) fn is_block_by_style(element: &Element) -> bool {
    element.attr("style").is_some_and(|style| {
        let style: String = style.chars().take(MAX_STYLE_CHARACTERS).filter(|character| *character != ' ').collect();
        style.to_ascii_lowercase().contains("display:block")
    })
}

/// True for an element of the site's own (`<x-term>`, `<amp-img>`) that stands beside text and holds no block, so that it is a word of a
/// sentence, or nothing.
fn is_word_of_site(node: NodeRef<'_, Node>) -> bool {
    let is_text = |beside: Option<NodeRef<'_, Node>>| {
        beside.is_some_and(|node| node.value().as_text().is_some_and(|text| !text.trim().is_empty()))
    };
    (is_text(node.prev_sibling()) || is_text(node.next_sibling()))
        && !node.descendants().take(MAX_WORD_NODES).any(|below| BLOCKS.contains(&name_of(below)))
}

/// The text below `node`, with single spaces; of much text a beginning that is longer than any title or name.
pub(super) fn text_of(node: NodeRef<'_, Node>) -> String {
    let mut text = String::new();
    for below in node.descendants() {
        if let Some(piece) = below.value().as_text() {
            text.push_str(piece);
        }
        if text.len() > MAX_TEXT_BYTES {
            break;
        }
    }
    squeezed(&text)
}
