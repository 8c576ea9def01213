//! The tree without clutter, as HTML: what the main text is looked for in. Smaller than the page, and free of what could cost time
//! without being text: scripts, styles, comments, and all attributes but those that say what an element is.
//!
//! What looks for the main text moves white space about. So where it counts, beside links and at line ends, marks stand for it.

use std::collections::{HashMap, HashSet};

use ego_tree::iter::Edge;
use ego_tree::{NodeId, NodeRef};
use scraper::node::Element;
use scraper::{Html, Node};

use super::boilerplate_nodes::{self, Sizes};
use super::tree::{DRESS, is_inline, name_of};
use crate::deadline;

/// Stands for a line break. A page has no use for the character.
pub(super) const LINE_BREAK: char = '\u{E00A}';

/// Stands for white space beside a link.
pub(super) const SPACE: char = '\u{E020}';

/// Attributes that say what an element is; cut at [`MAX_VALUE_BYTES`].
const ATTRIBUTES: [&str; 5] = ["id", "class", "role", "itemprop", "href"];

/// A longer value names nothing.
const MAX_VALUE_BYTES: usize = 300;

/// A table with so many paragraphs in a large cell arranges a page.
const MIN_CELL_PARAGRAPHS: usize = 2;

/// Empty lines part paragraphs in an element with so many bytes of text.
const MIN_FLOW_BYTES: usize = 400;

/// So many bytes of text beside a block are a paragraph.
const MIN_LOOSE_BYTES: usize = 80;

/// Elements whose ends are forgotten where they stand in lists, tables and quotations.
const BLOCKS: &[&str] = &["p", "div", "li", "dt", "dd", "section", "article", "h1", "h2", "h3", "h4", "h5", "h6"];

/// Elements whose text may be one paragraph after the other, with empty lines between them instead of `<p>`s.
const FLOWS: &[&str] = &["body", "main", "article", "section", "div", "center", "form", "td", "pre"];

/// Writes the tree down without its clutter.
pub(super) fn write(tree: &Html, sizes: &Sizes) -> String {
    write_below(tree.tree.root(), tree, sizes, |_| false)
}

/// Writes what is below `root` without its clutter and without the nodes that `is_left_out`.
pub(super) fn write_below(
    root: NodeRef<'_, Node>,
    tree: &Html,
    sizes: &Sizes,
    is_left_out: impl Fn(NodeRef<'_, Node>) -> bool,
) -> String {
    let preformatted = preformatted_articles(tree, sizes);
    let broken = broken_flows(tree, sizes, &preformatted);
    let layout_tables = layout_tables(tree, sizes, &broken);
    let mut writer =
        Writer { html: String::new(), flows: Vec::new(), sizes, broken, layout_tables, preformatted, quotations: 0 };
    let mut dropped = None;
    for edge in root.traverse() {
        deadline::check();
        match (edge, dropped) {
            (Edge::Close(node), Some(id)) if node.id() == id => dropped = None,
            (_, Some(_)) => {}
            (Edge::Open(node), None) if boilerplate_nodes::is_clutter(node, sizes) || is_left_out(node) => {
                dropped = Some(node.id());
                // What stood on both sides of it does not run together; a reading stands in the word itself.
                if !matches!(name_of(node), "rp" | "rt" | "rtc") {
                    writer.html.push(' ');
                }
            }
            (Edge::Open(node), None) => writer.open(node),
            (Edge::Close(node), None) => writer.close(node),
        }
    }
    writer.html
}

/// The elements whose text is paragraphs of its own: much text with empty lines in it, which are two line breaks in a row, or a
/// paragraph of text beside a block.
fn broken_flows(tree: &Html, sizes: &Sizes, preformatted: &HashSet<NodeId>) -> HashSet<NodeId> {
    let breaks =
        tree.tree.nodes().filter(|node| name_of(*node) == "br" && is_line_break(next_shown(*node, Side::After)));
    let large = breaks
        .filter_map(flow_of)
        .filter(|flow| tree.tree.get(*flow).is_some_and(|flow| sizes.of_element(flow) >= MIN_FLOW_BYTES));
    large.chain(mixed_flows(tree)).chain(preformatted.iter().copied()).collect()
}

/// The elements with a paragraph of text beside a block.
fn mixed_flows(tree: &Html) -> HashSet<NodeId> {
    let is_paragraph =
        |node: &NodeRef<'_, Node>| node.value().as_text().is_some_and(|text| text.trim().len() >= MIN_LOOSE_BYTES);
    let with_text: HashSet<NodeId> = tree.tree.nodes().filter(is_paragraph).filter_map(flow_of).collect();
    let blocks = tree.tree.nodes().filter(|node| {
        node.value().is_element() && !is_inline(*node) && !matches!(name_of(*node), "br" | "img" | "script" | "style")
    });
    blocks.filter_map(flow_of).filter(|flow| with_text.contains(flow)).collect()
}

/// The block that a node stands in, if it is one of [`FLOWS`].
fn flow_of(node: NodeRef<'_, Node>) -> Option<NodeId> {
    let block = node.ancestors().find(|above| !is_inline(*above))?;
    FLOWS.contains(&name_of(block)).then(|| block.id())
}

fn is_line_break(node: Option<NodeRef<'_, Node>>) -> bool {
    node.is_some_and(|node| name_of(node) == "br")
}

/// The next sibling that is neither blank nor a comment.
fn next_shown(node: NodeRef<'_, Node>, side: Side) -> Option<NodeRef<'_, Node>> {
    let mut beside = sibling(node, side);
    while let Some(hidden) = beside {
        match hidden.value() {
            Node::Comment(_) => {}
            Node::Text(text) if text.trim().is_empty() => {}
            _ => return Some(hidden),
        }
        beside = sibling(hidden, side);
    }
    None
}

/// The tables that only arrange a page: a cell of theirs holds several paragraphs and much of the page's text.
fn layout_tables(tree: &Html, sizes: &Sizes, broken: &HashSet<NodeId>) -> HashSet<NodeId> {
    let mut paragraphs_in_cell: HashMap<NodeId, usize> = HashMap::new();
    for node in tree.tree.nodes() {
        let paragraphs = if name_of(node) == "p" { 1 } else { MIN_CELL_PARAGRAPHS };
        if name_of(node) == "p" || broken.contains(&node.id()) {
            let mut around = std::iter::once(node).chain(node.ancestors());
            if let Some(cell) = around.find(|node| name_of(*node) == "td") {
                *paragraphs_in_cell.entry(cell.id()).or_default() += paragraphs;
            }
        }
    }
    let cells = paragraphs_in_cell.into_iter().filter(|(_, paragraphs)| *paragraphs >= MIN_CELL_PARAGRAPHS);
    let cells = cells.filter_map(|(id, _)| tree.tree.get(id)).filter(|cell| sizes.is_article(*cell));
    cells.flat_map(|cell| cell.ancestors().filter(|node| name_of(*node) == "table")).map(|table| table.id()).collect()
}

struct Writer<'s> {
    html: String,
    sizes: &'s Sizes,
    /// The open elements that are written as blocks, the innermost last.
    flows: Vec<Flow>,
    broken: HashSet<NodeId>,
    layout_tables: HashSet<NodeId>,
    /// Elements with preformatted paragraphs.
    preformatted: HashSet<NodeId>,
    /// Quotations that are open.
    quotations: usize,
}

/// An open block.
struct Flow {
    /// Empty lines part its paragraphs, so each of them is written as a `<p>`.
    is_broken: bool,
    /// Such a `<p>` is open.
    is_in_paragraph: bool,
}

impl Writer<'_> {
    fn open(&mut self, node: NodeRef<'_, Node>) {
        match node.value() {
            Node::Text(text) => self.text(node, text),
            Node::Element(element) if element.name() == "br" => self.line_break(node),
            Node::Element(element) if element.name() == "q" => {
                self.begin_paragraph();
                self.html.push(if self.quotations.is_multiple_of(2) { '“' } else { '‘' });
                self.quotations += 1;
            }
            Node::Element(element) => {
                let Some(name) = self.written_name(node, element) else { return };
                if name == "a" {
                    self.begin_paragraph();
                } else {
                    self.end_paragraph();
                    self.flows.push(Flow { is_broken: self.broken.contains(&node.id()), is_in_paragraph: false });
                }
                // What looks for the main text would leave out a post by the names of what is around it.
                let is_nameless = boilerplate_nodes::is_around_post(node, element);
                self.start(name, element, if is_nameless { &[] } else { &ATTRIBUTES });
            }
            _ => {}
        }
    }

    fn close(&mut self, node: NodeRef<'_, Node>) {
        let Some(element) = node.value().as_element() else { return };
        if element.name() == "q" {
            self.quotations -= 1;
            self.html.push(if self.quotations.is_multiple_of(2) { '”' } else { '’' });
        }
        let Some(name) = self.written_name(node, element) else {
            // A block in a paragraph is a line of it.
            if element.name() == "span" && !is_inline(node) {
                self.html.push(LINE_BREAK);
            }
            return;
        };
        if name != "a" {
            self.end_paragraph();
            self.flows.pop();
        }
        if matches!(name, "hr" | "col" | "meta") {
            return;
        }
        let is_after_text = !self.html.ends_with('>') || self.html.ends_with("</a>");
        if BLOCKS.contains(&name) && is_after_text && is_inside(node) {
            self.html.push(LINE_BREAK);
        }
        self.html.push_str("</");
        self.html.push_str(name);
        self.html.push('>');
    }

    /// The name an element is written with; none if only its content is written.
    fn written_name<'e>(&self, node: NodeRef<'_, Node>, element: &'e Element) -> Option<&'e str> {
        match element.name() {
            // Its text would be read as one piece, with its tags.
            "noscript" | "template" => Some("div"),
            "pre" if self.preformatted.contains(&node.id()) => Some("div"),
            "br" | "button" | "label" => None,
            "span" if !is_inline(node) => node.parent().is_some_and(is_flow).then_some("p"),
            "h2" | "h3" | "h4" | "h5" | "h6" if self.sizes.is_paragraph_heading(node) => Some("p"),
            "div" if !self.broken.contains(&node.id()) && self.sizes.is_paragraph_div(node) => Some("p"),
            name if name.contains('-') && is_inline(node) => None,
            name if name.contains('-') && boilerplate_nodes::is_paragraph_of_text(node) && !has_blocks(node) => {
                Some("p")
            }
            "table" | "tbody" | "thead" | "tfoot" | "tr" | "td" | "th" if self.is_of_layout(node) => Some("div"),
            name => (!DRESS.contains(&name)).then_some(name),
        }
    }

    /// True for a table that arranges the page, and for its rows and cells.
    fn is_of_layout(&self, node: NodeRef<'_, Node>) -> bool {
        if self.layout_tables.is_empty() {
            return false;
        }
        let mut around = std::iter::once(node).chain(node.ancestors());
        around.find(|node| name_of(*node) == "table").is_some_and(|table| self.layout_tables.contains(&table.id()))
    }

    fn is_preformatted(&self, node: NodeRef<'_, Node>) -> bool {
        !self.preformatted.is_empty() && flow_of(node).is_some_and(|flow| self.preformatted.contains(&flow))
    }

    fn begin_paragraph(&mut self) {
        if let Some(flow) = self.flows.last_mut().filter(|flow| flow.is_broken && !flow.is_in_paragraph) {
            flow.is_in_paragraph = true;
            self.html.push_str("<p>");
        }
    }

    fn end_paragraph(&mut self) {
        if let Some(flow) = self.flows.last_mut().filter(|flow| flow.is_in_paragraph) {
            flow.is_in_paragraph = false;
            self.html.push_str("</p>");
        }
    }

    fn line_break(&mut self, node: NodeRef<'_, Node>) {
        let is_broken = self.flows.last().is_some_and(|flow| flow.is_broken);
        if is_broken && [Side::Before, Side::After].iter().any(|side| is_line_break(next_shown(node, *side))) {
            self.end_paragraph();
        } else {
            self.html.push(LINE_BREAK);
        }
    }

    fn start(&mut self, name: &str, element: &Element, attributes: &[&str]) {
        self.html.push('<');
        self.html.push_str(name);
        for (key, value) in attributes.iter().filter_map(|key| Some((key, element.attr(key)?))) {
            let longest = MAX_VALUE_BYTES.min(value.len());
            let end = (0..=longest).rev().find(|&end| value.is_char_boundary(end)).unwrap_or(0);
            self.html.push(' ');
            self.html.push_str(key);
            self.html.push_str("=\"");
            self.escaped(&value[..end]);
            self.html.push('"');
        }
        self.html.push('>');
    }

    /// Lines as they are, with paragraphs between blank ones.
    fn write_lines(&mut self, text: &str) {
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                self.end_paragraph();
                continue;
            }
            if number > 0 && self.flows.last().is_some_and(|flow| flow.is_in_paragraph) {
                self.html.push(LINE_BREAK);
            }
            self.begin_paragraph();
            self.escaped(line.trim());
        }
        if text.ends_with([' ', '\n']) {
            self.html.push(' ');
        }
    }

    fn text(&mut self, node: NodeRef<'_, Node>, text: &str) {
        if self.is_preformatted(node) {
            return self.write_lines(text);
        }
        let inner = text.trim();
        if inner.is_empty() {
            let is_between = is_beside_inline(node, Side::Before) && is_beside_inline(node, Side::After);
            self.html.push(if is_between { SPACE } else { ' ' });
            return;
        }
        self.begin_paragraph();
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

fn is_flow(node: NodeRef<'_, Node>) -> bool {
    FLOWS.contains(&name_of(node))
}

/// The preformatted elements with most of the page's text, as sites show the messages of agencies. Others hold programs.
fn preformatted_articles(tree: &Html, sizes: &Sizes) -> HashSet<NodeId> {
    let elements = tree.tree.nodes().filter(|node| name_of(*node) == "pre");
    elements.filter(|node| sizes.of_element(*node) * 2 > sizes.of_page()).map(|node| node.id()).collect()
}

fn has_blocks(node: NodeRef<'_, Node>) -> bool {
    node.descendants().any(|below| BLOCKS.contains(&name_of(below)))
}

/// True for a node in a list, a table or a quotation.
fn is_inside(node: NodeRef<'_, Node>) -> bool {
    node.ancestors().take(4).any(|node| matches!(name_of(node), "li" | "dd" | "td" | "th" | "blockquote"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// True if text, a link or what dresses text is next to the text `node`, or around it and it is first or last there. Comments
/// are passed over: pages that a server rendered have one between any two pieces of text.
fn is_beside_inline(node: NodeRef<'_, Node>, side: Side) -> bool {
    let mut beside = sibling(node, side);
    while let Some(comment) = beside.filter(|node| node.value().is_comment()) {
        beside = sibling(comment, side);
    }
    beside.or_else(|| node.parent()).is_some_and(is_inline)
}

fn sibling(node: NodeRef<'_, Node>, side: Side) -> Option<NodeRef<'_, Node>> {
    match side {
        Side::Before => node.prev_sibling(),
        Side::After => node.next_sibling(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SENTENCES, paragraphs_on};

    /// A page with `body` between a menu and lists of other stories.
    fn page(body: &str) -> String {
        let cards: Vec<_> = (0..6)
            .map(|number| format!("<div><h3><a href='/{number}'>Story {number}</a></h3><p>What else the week brought to the quay.</p></div>"))
            .collect();
        format!(
            "<html><head><title>Harbor</title></head><body><ul><li><a href=/>Home</a></li></ul>{body}{}</body></html>",
            cards.concat()
        )
    }

    fn article(first: &str) -> String {
        let paragraphs: Vec<_> = SENTENCES.map(|sentence| format!("<p>{sentence}</p>")).to_vec();
        page(&format!("<article><h1>Harbor</h1><p>{first}</p>{}</article>", paragraphs.concat()))
    }

    #[test]
    fn comments_do_not_glue_words() {
        let first = "Crews<!-- --> of the 40 <!-- -->boat<!-- --> owners met, said<!-- --> <a href=/x>Ada Vale</a>, and they<!-- --> went.";
        assert_eq!(paragraphs_on(&article(first))[0], "Crews of the 40 boat owners met, said Ada Vale, and they went.");
        assert_eq!(
            paragraphs_on(&article("Fer<!-- -->ries wait for the crews of the quay."))[0],
            "Ferries wait for the crews of the quay."
        );
    }

    #[test]
    fn links_and_the_like_in_a_sentence_stay_whatever_their_class() {
        for class in ["affiliate-link", "popup", "tags", "share", "copyright"] {
            for tag in ["a", "span"] {
                let first = format!(
                    "The crews like the <{tag} class='{class}' href=/x>Northwind net</{tag}> best of all the nets."
                );
                assert_eq!(
                    paragraphs_on(&article(&first))[0],
                    "The crews like the Northwind net best of all the nets."
                );
            }
        }
        assert!(!paragraphs_on(&article("<a class=share href=/x>Share the story</a>")).concat().contains("Share"));
    }

    #[test]
    fn a_paragraph_in_a_div_stays_whole_behind_its_link() {
        let [first, rest @ ..] = SENTENCES;
        let rest = rest.map(|sentence| format!("<div class=body__paragraph>{sentence}</div>")).concat();
        let first = first.replace("for the first time", "<a href=/1>for the first time</a>");
        let html = format!("<article><h1>Harbor</h1><div class=body__paragraph>{first}</div>{rest}</article>");
        assert_eq!(paragraphs_on(&html), SENTENCES);
        let short =
            html.replace("</article>", "<div class=body__paragraph>It <a href=/2>rains</a> now.</div></article>");
        assert_eq!(paragraphs_on(&short).last().map(String::as_str), Some("It rains now."));
    }

    #[test]
    fn empty_lines_part_paragraphs() {
        for line in ["<br><br>", "<br/>\n<br/>\n<br/>", "<br> <!-- an ad --> <br>"] {
            let text = SENTENCES.join(line);
            for html in [format!("<div class=content--2x>{text}<br></div>"), format!("<div><b>{text}</b></div>")] {
                assert_eq!(paragraphs_on(&page(&html))[..SENTENCES.len()], SENTENCES, "{html}");
            }
        }
    }

    #[test]
    fn text_beside_a_block_is_a_paragraph() {
        let [first, rest @ ..] = SENTENCES;
        let rest = rest.map(|sentence| format!("<p>{sentence}</p>")).concat();
        let links = "<ul><li><a href=/1>Ferry full</a></li><li><a href=/2>Pier shut</a></li></ul>";
        let html = format!("<article><h1>Harbor</h1><div><aside>{links}</aside>{first}</div>{rest}</article>");
        assert_eq!(paragraphs_on(&page(&html)), SENTENCES);
    }

    #[test]
    fn a_table_may_arrange_the_page() {
        let menu = "<td><a href=/1>Local</a><br><a href=/2>Sport</a></td>";
        for text in [SENTENCES.join("<p>"), SENTENCES.join("<br><br>")] {
            let html = format!("<table><tr>{menu}<td><font size=3>{text}</font></td></tr></table>");
            assert_eq!(paragraphs_on(&html), SENTENCES);
        }
    }

    #[test]
    fn elements_of_the_site_buttons_and_readings_do_not_break_a_sentence() {
        for word in [
            "<x-term>Northwind net</x-term>",
            "<button class=glossary>Northwind net</button>",
            "<label>Northwind</label> net",
            "<amp-img src=x></amp-img>Northwind net",
            "<ruby>Northwind<rp>(</rp><rt>nor</rt><rp>)</rp></ruby> net",
        ] {
            let first = format!("The crews like the {word} best of all the nets.");
            assert_eq!(
                paragraphs_on(&article(&first))[0],
                "The crews like the Northwind net best of all the nets.",
                "{word}"
            );
        }
    }

    #[test]
    fn paragraphs_are_read_whatever_they_are_marked_up_as() {
        let headings = SENTENCES.map(|sentence| format!("<h4>{sentence}</h4>")).concat();
        let spans = SENTENCES.map(|sentence| format!("<span style='display: block'>{sentence}</span>")).concat();
        let preformatted = format!("<pre>{}</pre>", SENTENCES.join("\n \n"));
        for body in [headings, spans, preformatted] {
            assert_eq!(
                paragraphs_on(&page(&format!("<h1>Harbor</h1><div class=story>{body}</div>"))),
                SENTENCES,
                "{body}"
            );
        }
    }

    #[test]
    fn a_shadow_root_is_read() {
        let text = SENTENCES.map(|sentence| format!("<p>{sentence}</p>")).concat();
        let html =
            format!("<article><h1>Harbor</h1><div><template shadowrootmode=open>{text}</template></div></article>");
        assert_eq!(paragraphs_on(&html), SENTENCES);
    }

    #[test]
    fn quotations_get_their_marks() {
        let first = "She said <q>the quay is <q>dead</q> now</q> and left.";
        assert_eq!(paragraphs_on(&article(first))[0], "She said “the quay is ‘dead’ now” and left.");
        assert_eq!(paragraphs_on("<p><q>The quay is dead</q>, she said."), ["“The quay is dead”, she said."]);
    }
}
