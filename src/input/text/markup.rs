//! Pieces of HTML and of news XML to text: tags go, paragraphs stay. For whole pages there is more to do than this.

use std::borrow::Cow;

use memchr::{memchr, memchr3, memmem};

/// What is between two pieces of text, the weakest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
    Paragraph,
}

/// Elements that stand on lines of their own.
const BLOCKS: [&str; 44] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "bq",
    "block",
    "body.content",
    "byline",
    "caption",
    "center",
    "dateline",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hedline",
    "header",
    "hl1",
    "hl2",
    "hr",
    "li",
    "main",
    "nav",
    "note",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tagline",
    "tr",
    "ul",
    "distributor",
    "media",
];

/// Elements whose content is not for readers.
const UNSEEN: [&str; 7] = ["script", "style", "template", "head", "iframe", "svg", "media-metadata"];

/// The text of `markup`: paragraphs with a blank line between them, no other white space than single spaces and line ends.
pub(in crate::input) fn text(markup: &str) -> String {
    let mut page = Page::default();
    let mut rest = markup;
    while let Some(at) = memchr(b'<', rest.as_bytes()) {
        page.text(&rest[..at]);
        rest = page.tag(&rest[at..]);
    }
    page.text(rest);
    page.written
}

#[derive(Debug, Default)]
struct Page {
    written: String,
    gap: Gap,
    /// Inside how many elements the ends of lines count.
    kept_lines: usize,
}

impl Page {
    fn text(&mut self, piece: &str) {
        let piece = unescape(piece);
        for (number, line) in piece.split('\n').enumerate() {
            if number > 0 {
                self.open(if self.kept_lines > 0 { Gap::Line } else { Gap::Space });
            }
            self.words(line);
        }
    }

    fn words(&mut self, line: &str) {
        let is_space = |character: char| character.is_whitespace() || character == '\u{a0}' || character == '\u{feff}';
        let mut rest = line;
        while let Some(character) = rest.chars().next() {
            if is_space(character) {
                self.open(Gap::Space);
                rest = rest.trim_start_matches(is_space);
            } else {
                let end = rest.find(is_space).unwrap_or(rest.len());
                self.word(&rest[..end]);
                rest = &rest[end..];
            }
        }
    }

    fn word(&mut self, word: &str) {
        // Characters that no text has: NUL and its like.
        let is_text = |character: &char| !character.is_control();
        if !word.chars().any(|character| is_text(&character)) {
            return;
        }
        if !self.written.is_empty() {
            self.written.push_str(match self.gap {
                Gap::None => "",
                Gap::Space => " ",
                Gap::Line => "\n",
                Gap::Paragraph => "\n\n",
            });
        }
        self.gap = Gap::None;
        self.written.extend(word.chars().filter(is_text));
    }

    fn open(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Takes in what begins with `<`, and gives back what is behind it.
    fn tag<'m>(&mut self, markup: &'m str) -> &'m str {
        if let Some(rest) = markup.strip_prefix("<!--") {
            return behind(rest, "-->");
        }
        if let Some(rest) = markup.strip_prefix("<![CDATA[") {
            let end = memmem::find(rest.as_bytes(), b"]]>").unwrap_or(rest.len());
            self.text(&rest[..end]);
            return rest.get(end + 3..).unwrap_or_default();
        }
        let is_tag = markup[1..].starts_with(|next: char| next.is_ascii_alphabetic() || "/!?".contains(next));
        if !is_tag {
            self.text("<");
            return &markup[1..];
        }
        let (tag, rest) = markup.split_at(tag_length(markup));
        let is_end = tag.starts_with("</");
        let name = name(tag);
        if !is_end && !tag.ends_with("/>") && UNSEEN.contains(&name.as_str()) {
            return behind_element(rest, &name);
        }
        self.element(&name, is_end);
        rest
    }

    fn element(&mut self, name: &str, is_end: bool) {
        match name {
            "br" => self.open(Gap::Line),
            "td" | "th" => self.open(Gap::Space),
            "pre" if is_end => self.kept_lines = self.kept_lines.saturating_sub(1),
            "pre" => self.kept_lines += 1,
            _ => {}
        }
        if BLOCKS.contains(&name) {
            self.open(if matches!(name, "li" | "tr" | "dt" | "dd") { Gap::Line } else { Gap::Paragraph });
        }
    }
}

/// How long a tag is; a `>` between quotation marks does not end it, unless nothing else does.
fn tag_length(markup: &str) -> usize {
    let bytes = markup.as_bytes();
    let mut at = 1;
    while let Some(found) = memchr3(b'>', b'"', b'\'', &bytes[at..]) {
        at += found + 1;
        match bytes[at - 1] {
            b'>' => return at,
            quote => match memchr(quote, &bytes[at..]) {
                Some(end) => at += end + 1,
                None => break,
            },
        }
    }
    memchr(b'>', bytes).map_or(markup.len(), |end| end + 1)
}

/// The name of a tag, in small letters, without what stands before a colon.
fn name(tag: &str) -> String {
    let name = tag.trim_start_matches(['<', '/']);
    let end = name.find(|character: char| character.is_whitespace() || "/>".contains(character)).unwrap_or(name.len());
    let name = &name[..end];
    name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase()
}

fn behind<'m>(markup: &'m str, end: &str) -> &'m str {
    memmem::find(markup.as_bytes(), end.as_bytes()).map_or("", |at| &markup[at + end.len()..])
}

/// What follows the end of an element that has begun.
fn behind_element<'m>(markup: &'m str, element: &str) -> &'m str {
    let mut rest = markup;
    while let Some(at) = memmem::find(rest.as_bytes(), b"</") {
        let tag = &rest[at..];
        let (tag, behind) = tag.split_at(tag_length(tag));
        if name(tag) == element {
            return behind;
        }
        rest = behind;
    }
    ""
}

/// `text` with its entities as the characters that they name. One that is not known stays as it is; none is ever looked up elsewhere.
pub(in crate::input) fn unescape(text: &str) -> Cow<'_, str> {
    let Some(first) = memchr(b'&', text.as_bytes()) else { return Cow::Borrowed(text) };
    let mut written = text[..first].to_owned();
    let mut rest = &text[first..];
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        written.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(MAX_ENTITY_BYTES).position(|byte| byte == b';');
        let known = end.and_then(|end| Some((character(&rest[1..end])?, end + 1)));
        let (replacement, length) = known.unwrap_or((Cow::Borrowed("&"), 1));
        written.push_str(&replacement);
        rest = &rest[length..];
    }
    written.push_str(rest);
    Cow::Owned(written)
}

/// No entity has a longer name.
const MAX_ENTITY_BYTES: usize = 36;

fn character(entity: &str) -> Option<Cow<'static, str>> {
    let Some(number) = entity.strip_prefix('#') else {
        return quick_xml::escape::resolve_html5_entity(entity).map(Cow::Borrowed);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    match code {
        // As every browser reads them, whatever the standard says.
        0x80..=0x9f => {
            let byte = [u8::try_from(code).ok()?];
            Some(Cow::Owned(encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte).0.into_owned()))
        }
        _ => char::from_u32(code).map(|character| Cow::Owned(character.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_stay_and_tags_go() {
        let markup =
            "<p>One <b>bold</b>\n word.</p><p class=\"a>b\">Two&nbsp;&amp; three<br/>lines</p>\n<ul><li>x<li>y</ul>";
        assert_eq!(text(markup), "One bold word.\n\nTwo & three\nlines\n\nx\ny");
    }

    #[test]
    fn what_readers_do_not_see_is_left_out() {
        let markup = "a<script>if (1 < 2) { '</p>' }</script><!-- b > --><style>p {}</style><![CDATA[ c < d]]>";
        assert_eq!(text(markup), "a c < d");
        assert_eq!(text("a<script>b"), "a");
    }

    #[test]
    fn what_only_looks_like_a_tag_stays() {
        assert_eq!(text("1 < 2 and 3 > 2, <3"), "1 < 2 and 3 > 2, <3");
        assert_eq!(text("a <b c"), "a");
        assert_eq!(text("x <a href=\"y>z"), "x z");
    }

    #[test]
    fn entities_are_characters_where_they_are_known() {
        assert_eq!(unescape("&eacute;&#233;&#xe9;&#146; &nosuch; & &#0; &"), "ééé’ &nosuch; & \0 &");
        assert_eq!(text("a&#3;b&#x2028;c"), "ab c");
    }

    #[test]
    fn lines_stay_where_they_are_meant() {
        assert_eq!(text("<pre>1 2\n3 4</pre>5\n6"), "1 2\n3 4\n\n5 6");
    }
}
