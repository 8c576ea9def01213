//! The tree without clutter, as HTML: what the main text is looked for in. Smaller than the page, and free of what could cost time
//! without being text: scripts, styles, comments, and all attributes but those that say what an element is.
//!
//! What looks for the main text moves white space about. So where it counts, beside links and at line ends, marks stand for it.

use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use scraper::node::Element;
use scraper::{Html, Node};

use super::boilerplate_nodes::{self, Sizes};
use crate::deadline;

/// Stands for a line break. A page has no use for the character.
pub(super) const LINE_BREAK: char = '\u{E00A}';

/// Stands for white space beside a link.
pub(super) const SPACE: char = '\u{E020}';

/// Attributes that say what an element is; cut at [`MAX_VALUE_BYTES`].
const ATTRIBUTES: [&str; 5] = ["id", "class", "role", "itemprop", "href"];

/// A longer value names nothing.
const MAX_VALUE_BYTES: usize = 300;

/// Elements that only dress the text in them: the text stays, without them.
const DRESS: &[&str] = &[
    "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "mark", "nobr", "q", "s", "samp", "small", "span", "strong", "strike", "sub", "sup", "time", "tt", "u", "var",
    "wbr",
];

/// Elements whose ends are forgotten where they stand in lists, tables and quotations.
const BLOCKS: &[&str] = &["p", "div", "li", "dt", "dd", "section", "article", "h1", "h2", "h3", "h4", "h5", "h6"];

/// Writes the tree down without its clutter.
pub(super) fn write(tree: &Html) -> String {
    let sizes = Sizes::of(tree);
    let mut writer = Writer { html: String::new() };
    let mut dropped = None;
    for edge in tree.tree.root().traverse() {
        deadline::check();
        match (edge, dropped) {
            (Edge::Close(node), Some(id)) if node.id() == id => dropped = None,
            (_, Some(_)) => {}
            (Edge::Open(node), None) if boilerplate_nodes::is_clutter(node, &sizes) => {
                dropped = Some(node.id());
                // What stood on both sides of it does not run together.
                writer.html.push(' ');
            }
            (Edge::Open(node), None) => writer.open(node),
            (Edge::Close(node), None) => writer.close(node),
        }
    }
    writer.html
}

struct Writer {
    html: String,
}

impl Writer {
    fn open(&mut self, node: NodeRef<'_, Node>) {
        match node.value() {
            Node::Text(text) => self.text(node, text),
            Node::Element(element) if element.name() == "br" => self.html.push(LINE_BREAK),
            Node::Element(element) if element.name() == "q" => self.html.push('“'),
            Node::Element(element) => {
                if let Some(name) = written_name(element) {
                    self.start(name, element);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, node: NodeRef<'_, Node>) {
        let Some(element) = node.value().as_element() else { return };
        if element.name() == "q" {
            self.html.push('”');
        }
        let Some(name) = written_name(element).filter(|name| !matches!(*name, "hr" | "col" | "meta")) else { return };
        let is_after_text = !self.html.ends_with('>') || self.html.ends_with("</a>");
        if BLOCKS.contains(&name) && is_after_text && is_inside(node) {
            self.html.push(LINE_BREAK);
        }
        self.html.push_str("</");
        self.html.push_str(name);
        self.html.push('>');
    }

    fn start(&mut self, name: &str, element: &Element) {
        self.html.push('<');
        self.html.push_str(name);
        for (key, value) in ATTRIBUTES.iter().filter_map(|key| Some((key, element.attr(key)?))) {
            let is_end = |end: &usize| value.is_char_boundary(*end);
            let end = (0..=MAX_VALUE_BYTES.min(value.len())).rev().find(is_end).unwrap_or(0);
            self.html.push(' ');
            self.html.push_str(key);
            self.html.push_str("=\"");
            self.escaped(&value[..end]);
            self.html.push('"');
        }
        self.html.push('>');
    }

    fn text(&mut self, node: NodeRef<'_, Node>, text: &str) {
        let inner = text.trim();
        if inner.is_empty() {
            let is_between = is_beside_inline(node, Side::Before) && is_beside_inline(node, Side::After);
            self.html.push(if is_between { SPACE } else { ' ' });
            return;
        }
        if text.starts_with(char::is_whitespace) && is_beside_inline(node, Side::Before) {
            self.html.push(SPACE);
        }
        self.escaped(inner);
        if text.ends_with(char::is_whitespace) {
            self.html.push(if is_beside_inline(node, Side::After) { SPACE } else { ' ' });
        }
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.html.push_str("&amp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' => self.html.push_str("&quot;"),
                LINE_BREAK | SPACE => {}
                _ => self.html.push(character),
            }
        }
    }
}

/// What an element is written as; none where only what is in it is.
fn written_name(element: &Element) -> Option<&str> {
    match element.name() {
        // Its text would be read as one piece, with its tags.
        "noscript" => Some("div"),
        "br" => None,
        name => (!DRESS.contains(&name)).then_some(name),
    }
}

/// Whether `node` lies in a list, a table or a quotation.
fn is_inside(node: NodeRef<'_, Node>) -> bool {
    let is_outer = |node: NodeRef<'_, Node>| {
        node.value()
            .as_element()
            .is_some_and(|element| matches!(element.name(), "li" | "dd" | "td" | "th" | "blockquote"))
    };
    node.ancestors().take(4).any(is_outer)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// Whether a link, or what dresses text, is next to the text, or around it and it is first or last there.
fn is_beside_inline(node: NodeRef<'_, Node>, side: Side) -> bool {
    let beside = if side == Side::Before { node.prev_sibling() } else { node.next_sibling() };
    let is_inline = |node: NodeRef<'_, Node>| match node.value() {
        Node::Element(element) => element.name() == "a" || DRESS.contains(&element.name()),
        _ => false,
    };
    beside.or_else(|| node.parent()).is_some_and(is_inline)
}
