//! The tree without clutter, as HTML: what the main text is looked for in. Smaller than the page, and free of what could cost time
//! without being text: scripts, styles, comments, and all attributes but those that say what an element is.

use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use scraper::node::Element;
use scraper::{Html, Node};

use super::clutter;

/// Attributes that say what an element is; cut at [`MAX_VALUE_BYTES`].
const ATTRIBUTES: [&str; 5] = ["id", "class", "role", "itemprop", "href"];

/// A longer value names nothing.
const MAX_VALUE_BYTES: usize = 300;

/// Elements that have no end.
const VOID: [&str; 6] = ["br", "hr", "wbr", "col", "img", "meta"];

/// Writes the tree down without its clutter.
pub(super) fn write(tree: &Html) -> String {
    let sizes = clutter::Sizes::of(tree);
    let mut html = String::new();
    let mut dropped = None;
    for edge in tree.tree.root().traverse() {
        match (edge, dropped) {
            (Edge::Close(node), Some(id)) if node.id() == id => dropped = None,
            (_, Some(_)) => {}
            (Edge::Open(node), None) => {
                if !open(node, &sizes, &mut html) {
                    dropped = Some(node.id());
                    // What stood on both sides of it does not run together.
                    html.push(' ');
                }
            }
            (Edge::Close(node), None) => close(node, &mut html),
        }
    }
    html
}

/// Whether `node` stays.
fn open(node: NodeRef<'_, Node>, sizes: &clutter::Sizes, html: &mut String) -> bool {
    match node.value() {
        Node::Text(text) => escape(text, html),
        Node::Element(element) => {
            if clutter::is_clutter(node, element, sizes) {
                return false;
            }
            start(element, html);
        }
        _ => {}
    }
    true
}

fn close(node: NodeRef<'_, Node>, html: &mut String) {
    if let Node::Element(element) = node.value()
        && !VOID.contains(&element.name())
    {
        html.push_str("</");
        html.push_str(element.name());
        html.push('>');
    }
}

fn start(element: &Element, html: &mut String) {
    html.push('<');
    html.push_str(element.name());
    for (name, value) in ATTRIBUTES.iter().filter_map(|name| Some((name, element.attr(name)?))) {
        let end = (0..=MAX_VALUE_BYTES.min(value.len())).rev().find(|&end| value.is_char_boundary(end)).unwrap_or(0);
        html.push(' ');
        html.push_str(name);
        html.push_str("=\"");
        escape(&value[..end], html);
        html.push('"');
    }
    html.push('>');
}

fn escape(text: &str, html: &mut String) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            _ => html.push(character),
        }
    }
}
