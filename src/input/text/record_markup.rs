//! The markup that the text of a record should not have and often has: found with care, and turned into text.

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::{memchr, memchr3};

use super::markup::{Lines, is_block, name, tag_length, text_with, unescape};
use super::shortcodes::without_shortcodes;
use super::squeezed;

/// Tags may have been escaped once more than they should.
const MAX_ROUNDS: usize = 3;

/// Elements within a line that texts have.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark",
    "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "bdi", "bdo",
];

/// Elements that are no text themselves, and others that stand between blocks.
const OTHER: &[&str] = &[
    "audio", "br", "button", "col", "colgroup", "embed", "html", "body", "iframe", "img", "input", "noscript",
    "object", "param", "picture", "script", "source", "style", "svg", "tbody", "td", "th", "thead", "video",
];

/// The text of `raw`, where that has tags, entities or shortcodes; none where it has no markup. A text that mentions `<b>` has none.
pub(in crate::input) fn plain_text(raw: &str) -> Option<String> {
    memchr3(b'<', b'&', b'[', raw.as_bytes())?;
    let mut plain: Option<String> = None;
    for round in 0..MAX_ROUNDS {
        let text = plain.as_deref().unwrap_or(raw);
        // What a tutorial has escaped with care is no markup: beyond the first round, all of the text has to be.
        let next = if round == 0 { rendered(text) } else { escaped_twice(text) };
        let Some(next) = next else { break };
        plain = Some(next);
    }
    plain
}

/// The text of HTML from a feed or an API, and whether its tags had been escaped once more than they should.
pub(in crate::input) fn html_text(html: &str) -> (String, bool) {
    let mut text = text_with(&without_shortcodes(html), Lines::Paragraphs);
    let mut is_escaped_twice = false;
    while let Some(plain) = escaped_twice(&text) {
        (text, is_escaped_twice) = (plain, true);
    }
    (text, is_escaped_twice)
}

/// The text of `text`, where all of it is markup that was escaped once more than it should; none where it is not.
fn escaped_twice(text: &str) -> Option<String> {
    Evidence::find(text).is_whole.then(|| from_tags(text))
}

/// As [`plain_text`], for a title or a name: on one line.
pub(in crate::input) fn plain_line(raw: &str) -> Option<String> {
    plain_text(raw).map(|text| squeezed(&text))
}

fn rendered(raw: &str) -> Option<String> {
    let text = without_shortcodes(raw);
    if Evidence::find(&text).is_markup() {
        return Some(from_tags(&text));
    }
    let plain = unescape(&text);
    if plain != text {
        // A space that must not break is one for layout; texts have plain ones.
        return Some(text_without_nbsp(&text));
    }
    match text {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text),
    }
}

fn text_without_nbsp(text: &str) -> String {
    unescape(&text.replace("&nbsp;", " ").replace("&#160;", " ")).into_owned()
}

fn from_tags(text: &str) -> String {
    let has_blocks = Tags::new(text).any(|tag| is_block(&tag.name));
    text_with(text, if has_blocks { Lines::Paragraphs } else { Lines::Kept })
}

/// The signs of markup in a text.
#[derive(Debug, Default)]
struct Evidence {
    /// True if it begins and ends with blocks.
    is_whole: bool,
    /// Tags that mark something up.
    used: usize,
    /// Tags that stand between spaces or quotation marks like words.
    mentioned: usize,
    /// The used ones that begin a block or a line.
    blocks: usize,
    /// Pairs around words, and tags that no text mentions: with attributes, or between two words.
    certain: usize,
}

impl Evidence {
    fn find(text: &str) -> Self {
        let mut evidence = Self::default();
        // The ends of start tags by name, of those that have no end tag yet.
        let mut open: HashMap<String, usize> = HashMap::new();
        let mut begins = false;
        let mut ends = false;
        for tag in Tags::new(text) {
            let before = &text[..tag.start];
            let behind = &text[tag.start + tag.length..];
            let is_block = is_block(&tag.name) || matches!(tag.name.as_str(), "html" | "body" | "script" | "style");
            begins |= is_block && !tag.is_end && before.trim().is_empty();
            ends = is_block && tag.is_end && behind.trim().is_empty();
            if before.ends_with('`') || is_mention(before, behind) && !tag.has_attributes {
                evidence.mentioned += 1;
                continue;
            }
            evidence.used += 1;
            evidence.blocks += usize::from(!tag.is_end && is_block || tag.name == "br");
            let is_between_words = before.ends_with(is_of_sentence) && behind.starts_with(is_of_sentence);
            evidence.certain += usize::from(tag.has_attributes || is_block && is_between_words);
            if tag.is_end {
                let content = open.remove(&tag.name).map(|start| &text[start..tag.start]);
                let is_around_words = content.is_some_and(|content| {
                    content.contains(char::is_alphanumeric) && !content.ends_with(char::is_whitespace)
                });
                evidence.certain += usize::from(is_around_words && !is_block);
            } else if !behind.starts_with(char::is_whitespace) {
                open.insert(tag.name, tag.start + tag.length);
            }
        }
        evidence.is_whole = begins && ends;
        if has_comment(text) {
            evidence.used += 1;
            evidence.certain += 1;
        }
        evidence
    }

    fn is_markup(&self) -> bool {
        self.is_whole || self.used > self.mentioned && (self.blocks > 0 || self.certain > 0)
    }
}

fn has_comment(text: &str) -> bool {
    text.split_once("<!--").is_some_and(|(_, behind)| behind.contains("-->"))
}

/// Tells whether a tag stands alone between these, like a word.
fn is_mention(before: &str, behind: &str) -> bool {
    const AROUND: [char; 16] = [' ', '"', '“', '”', '\'', '‘', '’', '`', '(', ')', ',', '.', ';', ':', '!', '?'];
    let is_word_like =
        before.ends_with([' ', '"', '“', '\'', '‘', '`', '(']) && (behind.is_empty() || behind.starts_with(AROUND));
    is_word_like || before.is_empty() && behind.starts_with(' ')
}

fn is_of_sentence(character: char) -> bool {
    character.is_alphanumeric() || ".,;:!?”’\"'“‘>".contains(character)
}

/// A tag that HTML knows.
#[derive(Debug)]
struct Tag {
    start: usize,
    length: usize,
    name: String,
    is_end: bool,
    has_attributes: bool,
}

/// The tags of a text, without comments.
struct Tags<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tags<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The tag that begins at `start`; none where what stands there only looks like one.
    fn tag(&self, start: usize) -> Option<Tag> {
        let rest = &self.text[start..];
        let is_end = rest.starts_with("</");
        let inside = rest[1..].strip_prefix('/').unwrap_or(&rest[1..]);
        if !inside.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return None;
        }
        let length = tag_length(rest);
        let tag = &rest[..length];
        let name = name(tag);
        if !tag.ends_with('>') || !is_known(&name) {
            return None;
        }
        let end_of_name = inside.find(|character: char| character.is_whitespace() || "/>".contains(character))?;
        let behind_name = inside[end_of_name..length - (rest.len() - inside.len())].trim_end_matches('>');
        let attributes = behind_name.trim().trim_matches('/').trim();
        let has_attributes = attributes.contains('=') && !is_end;
        (attributes.is_empty() || has_attributes && !attributes.contains('<')).then_some(Tag {
            start,
            length,
            name,
            is_end,
            has_attributes,
        })
    }
}

impl Iterator for Tags<'_> {
    type Item = Tag;

    fn next(&mut self) -> Option<Tag> {
        loop {
            let start = self.at + memchr(b'<', &self.text.as_bytes()[self.at..])?;
            match self.tag(start) {
                Some(tag) => {
                    self.at = start + tag.length;
                    return Some(tag);
                }
                None => self.at = start + 1,
            }
        }
    }
}

fn is_known(name: &str) -> bool {
    // Of the blocks, those of news XML are words that may stand between angle brackets elsewhere.
    const OF_NEWS: &[&str] = &[
        "body.content",
        "bq",
        "block",
        "byline",
        "dateline",
        "distributor",
        "hedline",
        "hl1",
        "hl2",
        "media",
        "note",
        "tagline",
    ];
    INLINE.contains(&name) || OTHER.contains(&name) || is_block(name) && !OF_NEWS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_paragraphs_and_entities_characters() {
        let html =
            "<p>The <b>harbour</b> council voted.</p><p>&ldquo;We were told&rdquo; &amp; <q>no</q><br/>more.</p>\r\n";
        assert_eq!(plain_text(html).as_deref(), Some("The harbour council voted.\n\n“We were told” & “no”\nmore."));
        assert_eq!(plain_text("First.<p>Second.<P class=x>Third.").as_deref(), Some("First.\n\nSecond.\n\nThird."));
        assert_eq!(plain_text("One.<br><br>Two.<br>Three.").as_deref(), Some("One.\n\nTwo.\nThree."));
        assert_eq!(plain_text("<p> Spaced </p>").as_deref(), Some("Spaced"));
        let scripts = "<div><script>if (a < b) { x(); }</script>One.<!-- two --><style>p {}</style></div>";
        assert_eq!(plain_text(scripts).as_deref(), Some("One."));
    }

    #[test]
    fn tags_within_lines_leave_the_lines() {
        let text = "The <em>Courier</em> said.\nMore <a href=\"x\">links</a>.\n\nEnd.";
        assert_eq!(plain_text(text).as_deref(), Some("The Courier said.\nMore links.\n\nEnd."));
    }

    #[test]
    fn entities_alone_leave_everything_else() {
        let text = "&ldquo;No,&rdquo;  said  Orla&nbsp;Venn &#8211; twice.\n\nA &lt; B";
        assert_eq!(plain_text(text).as_deref(), Some("“No,”  said  Orla Venn – twice.\n\nA < B"));
    }

    #[test]
    fn what_was_escaped_twice_is_read_twice() {
        assert_eq!(
            plain_text("&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two &amp;amp; three.&lt;/p&gt;").as_deref(),
            Some("One.\n\nTwo & three.")
        );
        let tutorial = "<p>Write &lt;b&gt;bold&lt;/b&gt; for bold.</p>";
        assert_eq!(plain_text(tutorial).as_deref(), Some("Write <b>bold</b> for bold."));
    }

    #[test]
    fn html_has_paragraphs_by_blank_lines_and_may_be_escaped_twice() {
        assert_eq!(html_text("One\nline.\n\n<b>Two</b>."), ("One line.\n\nTwo.".to_owned(), false));
        assert_eq!(html_text("&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;"), ("One.\n\nTwo.".to_owned(), true));
        assert_eq!(html_text("<p>Write &lt;b&gt;bold&lt;/b&gt;.</p>"), ("Write <b>bold</b>.".to_owned(), false));
    }

    #[test]
    fn a_text_that_only_mentions_tags_stays() {
        for text in [
            "The tag <b> makes text bold, and </b> ends it.",
            "<b> is a tag.",
            "He asked for a <p>, a \"<br>\" and a (<div>).",
            "If a < b and b > c then a<b, c>d.",
            "Write to <ida@b.example> or <https://b.example/>.",
            "x <- 3; y <unknown>z</unknown>; I <3 you; <i.e.> this",
            "Use `<p>Hello</p>` for a paragraph.",
            "AT&T, R&D; &nosuch; & so on [sic]",
            "A line <a and b> c",
        ] {
            assert_eq!(plain_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_title_stays_on_one_line() {
        assert_eq!(plain_line("Quay &amp; boats").as_deref(), Some("Quay & boats"));
        assert_eq!(plain_line("<h1>Quay<br>to <em>close</em></h1>").as_deref(), Some("Quay to close"));
        assert_eq!(plain_line("Quay < boats"), None);
    }

    #[test]
    fn posts_of_wordpress_have_paragraphs_and_no_shortcodes() {
        let post = "<!-- wp:paragraph -->\n[dropcap]T[/dropcap]he <strong>quay</strong>.\n\n\
                    [caption id=\"a\"]<img src=\"q.jpg\"/> The quay.[/caption]\n\nTwo.\n<h2>Three</h2>\nFour.\n\nFive.";
        assert_eq!(plain_text(post).as_deref(), Some("The quay.\n\nTwo.\n\nThree\n\nFour.\n\nFive."));
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[<>/pbq &;=\"`a\n\\[\\]é]{0,60}") {
            plain_text(&text);
        }
    }
}
