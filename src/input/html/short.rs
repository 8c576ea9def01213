//! Short pages: what looks for the main text wants some 250 characters, and of less it makes one line of all there is on the page.
//! On a short page the article is what stands below the headline without menus, bylines and dates.

use ego_tree::NodeRef;
use scraper::{Html, Node};

use super::boilerplate_nodes::{self, Sizes};
use super::metadata::Said;
use super::paragraphs::{self, Paragraph};
use super::{boilerplate_text, leads, pruned};

/// Main text of fewer bytes may be a whole page in one line.
pub(super) const MIN_BYTES: usize = 300;

/// A page with more text outside links has its article somewhere; it is not looked for here, unless an element says that it is it.
const MAX_BYTES: usize = 1500;

/// A menu without links has items of so many words.
const MAX_MENU_WORDS: usize = 3;

/// Words of a class or id that name the byline, the date or what is around the page.
const DATA_WORDS: &[&str] = &[
    "author", "bottom", "byline", "date", "dateline", "footer", "header", "masthead", "menu", "meta", "nav", "navbar", "navigation",
    "published", "sidebar", "time", "timestamp", "topbar",
];

/// The paragraphs of a short article; empty if the page has none.
pub(super) fn paragraphs(tree: &Html, sizes: &Sizes, said: &Said) -> Vec<Paragraph> {
    let root = article_element(tree).unwrap_or_else(|| tree.tree.root());
    let html = pruned::write_below(root, tree, sizes, |node| node != root && is_around_article(node));
    let mut paragraphs = paragraphs::of(&html);
    if let Some(title) = paragraphs.iter().rposition(|paragraph| said.is_title(&paragraph.text)) {
        paragraphs.drain(..=title);
    }
    paragraphs.retain(|paragraph| {
        !boilerplate_text::is_linked(paragraph) && !boilerplate_text::is_placeholder(&paragraph.text)
    });
    boilerplate_text::remove(&mut paragraphs, said);
    if paragraphs.iter().all(is_menu_item) {
        paragraphs.clear();
    }
    paragraphs
}

/// True if the page has so little text that all of it below the headline may be its article.
pub(super) fn is_short(tree: &Html, sizes: &Sizes) -> bool {
    sizes.of_page() <= MAX_BYTES || article_element(tree).is_some_and(|article| sizes.of_element(article) <= MAX_BYTES)
}

/// The one element that says that it holds the article.
fn article_element(tree: &Html) -> Option<NodeRef<'_, Node>> {
    let only = |is_it: &dyn Fn(NodeRef<'_, Node>) -> bool| {
        let mut nodes = tree.tree.nodes().filter(|node| is_it(*node));
        nodes.next().filter(|_| nodes.next().is_none())
    };
    let attribute = |node: NodeRef<'_, Node>, name: &str, value: &str| {
        node.value().as_element().and_then(|element| element.attr(name)).is_some_and(|found| found == value)
    };
    only(&|node| attribute(node, "itemprop", "articleBody"))
        .or_else(|| only(&|node| pruned::name_of(node) == "article"))
        .or_else(|| only(&|node| pruned::name_of(node) == "main" || attribute(node, "role", "main")))
}

fn is_around_article(node: NodeRef<'_, Node>) -> bool {
    let Some(element) = node.value().as_element() else { return false };
    matches!(element.name(), "header" | "footer" | "nav" | "aside" | "time" | "form")
        || !matches!(element.name(), "html" | "body" | "main" | "article")
            && boilerplate_nodes::is_named_by(element, DATA_WORDS)
}

/// True for an item of a list that is no sentence.
fn is_menu_item(paragraph: &Paragraph) -> bool {
    paragraph.is_item
        && paragraph.text.split_whitespace().count() <= MAX_MENU_WORDS
        && !leads::is_sentence(&paragraph.text)
}
