//! HTML to paragraphs: a block of it is one, and two line breaks in a row end one. A single line break stays.

use ego_tree::iter::Edge;
use scraper::{Html, Node};

use super::pruned::{LINE_BREAK, SPACE};
use crate::input::text::squeezed;

/// A paragraph, and how much of it is links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Paragraph {
    pub(super) text: String,
    /// Bytes of `text` in links.
    pub(super) linked_bytes: usize,
    /// It is a heading.
    pub(super) is_heading: bool,
    /// It is an item of a list.
    pub(super) is_item: bool,
    /// It is a row of a table.
    pub(super) is_row: bool,
}

/// Elements that do not end a paragraph.
const INLINE: [&str; 32] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "mark", "q", "ruby", "rt", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "u", "var",
    "wbr",
];

/// The paragraphs of `html`.
pub(super) fn from_html(html: &str) -> Vec<Paragraph> {
    let tree = Html::parse_fragment(html);
    let mut writer = Writer::default();
    for edge in tree.tree.root().traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Text(text) => writer.push(text),
                Node::Element(element) => writer.open(element.name()),
                _ => {}
            },
            Edge::Close(node) => {
                if let Node::Element(element) = node.value() {
                    writer.close(element.name());
                }
            }
        }
    }
    writer.end();
    writer.done
}

/// Paragraphs as they are written.
#[derive(Default)]
struct Writer {
    done: Vec<Paragraph>,
    /// The kind of the paragraph that is written, without its text.
    kind: Paragraph,
    text: String,
    linked_bytes: usize,
    links: usize,
    is_after_link: bool,
    headings: usize,
    lists: usize,
    tables: usize,
    breaks: usize,
}

impl Writer {
    /// White space at the ends of `text`, where a link is, is none of the page's.
    fn push(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.kind.is_heading = self.headings > 0;
            self.kind.is_item = self.lists > 0;
            self.kind.is_row = self.tables > 0;
        }
        if self.links > 0 {
            self.linked_bytes += text.trim().len();
        }
        let text = if self.links > 0 || self.is_after_link { text.trim_start() } else { text };
        self.is_after_link &= text.is_empty();
        for character in text.chars() {
            match character {
                LINE_BREAK => self.line_break(),
                '\n' => self.text.push(' '),
                _ => {
                    self.text.push(character);
                    if !character.is_whitespace() {
                        self.breaks = 0;
                    }
                }
            }
        }
    }

    /// A link begins or ends: what white space there is before it is none of the page's.
    fn link_edge(&mut self) {
        if !self.text.ends_with(SPACE) {
            self.text.truncate(self.text.trim_end_matches(' ').len());
        }
    }

    fn open(&mut self, name: &str) {
        match name {
            "a" => {
                self.link_edge();
                self.links += 1;
            }
            "br" => {}
            "td" | "th" => self.text.push(' '),
            _ if INLINE.contains(&name) => {}
            _ => self.end(),
        }
        self.headings += usize::from(is_heading(name));
        self.lists += usize::from(is_list(name));
        self.tables += usize::from(name == "table");
    }

    fn close(&mut self, name: &str) {
        match name {
            "a" => {
                self.link_edge();
                self.links = self.links.saturating_sub(1);
                self.is_after_link = true;
            }
            "td" | "th" => self.text.push(' '),
            "br" => {}
            _ if INLINE.contains(&name) => {}
            _ => self.end(),
        }
        self.headings -= usize::from(is_heading(name));
        self.lists -= usize::from(is_list(name));
        self.tables -= usize::from(name == "table");
    }

    fn line_break(&mut self) {
        self.text.push('\n');
        self.breaks += 1;
        if self.breaks > 1 {
            self.end();
        }
    }

    fn end(&mut self) {
        let lines: Vec<_> = std::mem::take(&mut self.text).replace(SPACE, " ").split('\n').map(squeezed).collect();
        let text = lines.join("\n").trim().to_owned();
        let linked_bytes = std::mem::take(&mut self.linked_bytes).min(text.len());
        self.breaks = 0;
        if !text.is_empty() {
            self.done.push(Paragraph { text, linked_bytes, ..self.kind.clone() });
        }
    }
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

fn is_list(name: &str) -> bool {
    matches!(name, "ul" | "ol" | "dl" | "table")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(html: &str) -> Vec<String> {
        from_html(html).into_iter().map(|paragraph| paragraph.text).collect()
    }

    #[test]
    fn blocks_are_paragraphs_and_a_single_line_break_stays() {
        assert_eq!(texts("<p>One.</p> <p>Two\n <b>and</b> a half.</p>three"), ["One.", "Two and a half.", "three"]);
        let html = "<p>Mole Lane\u{E00A} Quay\u{E00A}\u{E00A}Next.\u{E00A} \u{E00A}</p>";
        assert_eq!(texts(html), ["Mole Lane\nQuay", "Next."]);
        assert_eq!(texts("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>"), ["a b", "c"]);
    }

    #[test]
    fn white_space_beside_a_link_is_only_what_the_page_has() {
        let html =
            "<p>So said <a>Vale</a> , and <a> Thorne</a>\u{E020}too, of the\u{E020}<a>harbor</a>’s <a>beds</a> .</p>";
        assert_eq!(texts(html), ["So said".to_owned() + "Vale, and" + "Thorne too, of the harbor’s" + "beds."]);
    }

    #[test]
    fn links_headings_and_items_are_known() {
        let paragraphs = from_html("<h2>News</h2><ul><li><a>All linked</a></li></ul><p>Half <a>linked</a></p>");
        let known: Vec<_> = paragraphs.iter().map(|one| (one.is_heading, one.is_item, one.linked_bytes)).collect();
        assert_eq!(known, [(true, false, 0), (false, true, 10), (false, false, 6)]);
    }
}
