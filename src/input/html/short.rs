//! Short pages. The search for the main text needs about 250 characters; from fewer it makes one line of everything on the page.
//! The article of a short page is the text below the headline, without menus, bylines and dates.

use ego_tree::NodeRef;
use scraper::{Html, Node};

use super::boilerplate_nodes::{self, Sizes};
use super::metadata::PageMetadata;
use super::paragraphs::{self, Paragraph};
use super::tree::name_of;
use super::{boilerplate_text, pruned};

/// The minimum number of bytes of main text. A shorter one may be the whole page in one line.
pub(super) const MIN_BYTES: usize = 300;

/// The maximum number of bytes of text outside links on a short page, or in the element that is marked as its article.
const MAX_BYTES: usize = 1500;

/// The maximum number of words of an item in a menu without links.
const MAX_MENU_WORDS: usize = 3;

/// Words of a class or id that name the byline, the date or what is around the page.
const DATA_WORDS: &[&str] = &[
    "author",
    "bottom",
    "byline",
    "date",
    "dateline",
    "footer",
    "header",
    "masthead",
    "menu",
    "meta",
    "nav",
    "navbar",
    "navigation",
    "published",
    "sidebar",
    "time",
    "timestamp",
    "topbar",
];

/// The paragraphs of a short article; empty if the page has none.
pub(super) fn paragraphs(tree: &Html, sizes: &Sizes, page_metadata: &PageMetadata) -> Vec<Paragraph> {
    let root = article_element(tree).unwrap_or_else(|| tree.tree.root());
    let html = pruned::write_below(root, tree, sizes, |node| node != root && is_around_article(node));
    let mut paragraphs = paragraphs::from_html(&html);
    if let Some(title) = paragraphs.iter().rposition(|paragraph| page_metadata.is_title(&paragraph.text)) {
        paragraphs.drain(..=title);
    }
    paragraphs.retain(|paragraph| {
        !boilerplate_text::is_linked(paragraph) && !boilerplate_text::is_placeholder(&paragraph.text)
    });
    boilerplate_text::remove(&mut paragraphs, page_metadata);
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
    only_node(tree, |node| has_attribute(node, "itemprop", "articleBody"))
        .or_else(|| only_node(tree, |node| name_of(node) == "article"))
        .or_else(|| only_node(tree, |node| name_of(node) == "main" || has_attribute(node, "role", "main")))
}

/// The node that fits, if it is the only one.
fn only_node(tree: &Html, fits: impl Fn(NodeRef<'_, Node>) -> bool) -> Option<NodeRef<'_, Node>> {
    let mut nodes = tree.tree.nodes().filter(|node| fits(*node));
    nodes.next().filter(|_| nodes.next().is_none())
}

fn has_attribute(node: NodeRef<'_, Node>, name: &str, value: &str) -> bool {
    node.value().as_element().and_then(|element| element.attr(name)) == Some(value)
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
        && !boilerplate_text::is_sentence(&paragraph.text)
}

#[cfg(test)]
mod tests {
    use super::super::{article_on, paragraphs_on};
    use crate::record::Reason;

    const MENU: &str =
        "<ul><li><a href=/>Home</a></li><li><a href=/local>Local</a></li><li><a href=/sport>Sport</a></li></ul>";
    const FOOTER: &str =
        "<div class=footer><p>Copyright Quay Courier. All rights reserved. <a href=/terms>Terms</a></p></div>";

    #[test]
    fn a_short_article_has_its_paragraphs_and_nothing_else() {
        for html in [
            "<article><h1>Quay shut</h1><div class=meta>4 March</div><p>The quay is shut.</p><p>“It hurts,” said Ada Vale.</p></article>",
            "<main><h2>Quay shut</h2><span class=date>March 4</span><p>The quay is shut.</p><p>“It hurts,” said Ada Vale.</p></main>",
            "<h1>Quay shut</h1><p>By Ada Vale</p><p>March 4, 2031</p><p>The quay is shut.</p><p>“It hurts,” said Ada Vale.</p>",
            "<div>Quay shut</div><div>The quay is shut.</div><div>“It hurts,” said Ada Vale.</div>",
            "<div>The quay is shut.<br><br>“It hurts,” said Ada Vale.</div>",
        ] {
            let page = format!(
                "<html><head><title>Quay shut | Quay Courier</title></head><body>{MENU}{html}{FOOTER}</body></html>"
            );
            assert_eq!(paragraphs_on(&page), ["The quay is shut.", "“It hurts,” said Ada Vale."], "{html}");
        }
    }

    #[test]
    fn questions_and_answers_stay_apart() {
        let talk = "<p><b>Are you angry?</b></p><p>Yes. Very.</p><p><b>Why?</b></p><p>Because nobody asked us.</p>";
        let page = format!("<title>Quay</title>{MENU}<article><h1>Quay</h1>{talk}</article>{FOOTER}");
        assert_eq!(paragraphs_on(&page), ["Are you angry?", "Yes. Very.", "Why?", "Because nobody asked us."]);
    }

    #[test]
    fn a_page_that_scripts_would_fill_is_empty() {
        for html in [
            format!("{MENU}<div id=app></div>{FOOTER}"),
            format!("{MENU}<div id=app>Loading…</div>"),
            "<div id=root></div><p>Please enable JavaScript to view this page.</p>".to_owned(),
            format!("<ul>{}</ul><div id=root></div>", "<li><a href=/x>The news of a place</a></li>".repeat(60)),
            "<ul><li>Home</li><li>Local</li></ul><div id=root></div>".to_owned(),
        ] {
            assert_eq!(article_on(&format!("<title>Quay</title>{html}")).unwrap_err(), Reason::Empty, "{html}");
        }
    }
}
