//! Pieces of HTML and of news XML to text: tags are removed, paragraphs are kept. Whole pages are for `html/`.

use std::borrow::Cow;

use memchr::{memchr, memchr3, memmem};

use super::controls::in_windows_1252;

/// The gap between two pieces of text, the weakest first.
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

/// Elements whose content is no text of the article: programs, pictures and their captions.
const UNSEEN: [&str; 11] =
    ["audio", "figcaption", "head", "iframe", "media", "media-metadata", "script", "style", "svg", "template", "video"];

/// The meaning of line ends between tags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::input) enum Lines {
    /// None, as in HTML.
    #[default]
    Joined,
    /// A blank line outside a `<p>` begins a paragraph, as in `WordPress`.
    Paragraphs,
    /// Each is a line end of the text, and a blank line begins a paragraph.
    Kept,
}

/// Tells whether an element of that name stands on lines of its own.
pub(super) fn is_block(name: &str) -> bool {
    BLOCKS.contains(&name)
}

/// The text of `markup`: paragraphs with a blank line between them, no other white space than single spaces and line ends.
pub(in crate::input) fn text(markup: &str) -> String {
    text_with(markup, Lines::Joined)
}

/// As [`text`], with line ends that mean something.
pub(in crate::input) fn text_with(markup: &str, lines: Lines) -> String {
    let mut page = Page { lines, ..Page::default() };
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
    lines: Lines,
    /// The number of line ends since the last word or tag.
    line_ends: usize,
    /// True if the last tag was a `<br>` and no word came since.
    is_behind_break: bool,
    is_in_paragraph: bool,
    /// The number of open `<pre>`.
    open_pres: usize,
    /// The open `<q>`.
    quotations: Vec<Quotation>,
}

/// An open `<q>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotation {
    /// It has no word yet.
    Begun,
    /// It got a quotation mark, and needs another at its end.
    Marked,
    /// The text has quotation marks of its own.
    HasMarks,
}

impl Page {
    fn text(&mut self, piece: &str) {
        let piece = unescape(piece);
        for (number, line) in piece.split('\n').enumerate() {
            if number > 0 {
                self.end_line();
            }
            self.words(line);
        }
    }

    fn end_line(&mut self) {
        self.line_ends += 1;
        let is_blank = self.line_ends > 1;
        self.open(match self.lines {
            _ if self.open_pres > 0 => Gap::Line,
            Lines::Kept if is_blank => Gap::Paragraph,
            Lines::Kept => Gap::Line,
            Lines::Paragraphs if is_blank && !self.is_in_paragraph => Gap::Paragraph,
            Lines::Paragraphs | Lines::Joined => Gap::Space,
        });
    }

    fn words(&mut self, line: &str) {
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
        if !word.chars().any(is_text) {
            return;
        }
        self.line_ends = 0;
        self.is_behind_break = false;
        if !self.written.is_empty() {
            self.written.push_str(match self.gap {
                Gap::None => "",
                Gap::Space => " ",
                Gap::Line => "\n",
                Gap::Paragraph => "\n\n",
            });
        }
        self.gap = Gap::None;
        self.begin_quotations(word);
        self.written.extend(word.chars().filter(|&character| is_text(character)));
    }

    /// Writes the quotation marks of each `<q>` that has just been opened, unless the text has its own.
    fn begin_quotations(&mut self, word: &str) {
        const MARKS: [char; 8] = ['“', '”', '"', '„', '«', '‘', '\'', '‚'];
        for place in 0..self.quotations.len() {
            if self.quotations[place] != Quotation::Begun {
                continue;
            }
            let has_marks = word.starts_with(MARKS) || place == 0 && self.written.ends_with(MARKS);
            self.quotations[place] = if has_marks { Quotation::HasMarks } else { Quotation::Marked };
            if !has_marks {
                self.written.push(if place % 2 == 0 { '“' } else { '‘' });
            }
        }
    }

    fn end_quotation(&mut self) {
        if self.quotations.pop() == Some(Quotation::Marked) {
            self.written.push(if self.quotations.len().is_multiple_of(2) { '”' } else { '’' });
        }
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
        self.line_ends = 0;
        if !is_end && !tag.ends_with("/>") && UNSEEN.contains(&name.as_str()) {
            return behind_element(rest, &name);
        }
        self.element(&name, is_end);
        rest
    }

    fn element(&mut self, name: &str, is_end: bool) {
        match name {
            "br" => {
                self.open(if self.is_behind_break { Gap::Paragraph } else { Gap::Line });
                self.is_behind_break = true;
            }
            "td" | "th" => self.open(Gap::Space),
            "pre" if is_end => self.open_pres = self.open_pres.saturating_sub(1),
            "pre" => self.open_pres += 1,
            "q" if is_end => self.end_quotation(),
            "q" => self.quotations.push(Quotation::Begun),
            _ => {}
        }
        if is_block(name) {
            self.is_in_paragraph = name == "p" && !is_end;
            self.open(if matches!(name, "li" | "tr" | "dt" | "dd") { Gap::Line } else { Gap::Paragraph });
        }
    }
}

/// False for control characters such as NUL, except for those that stand for a character of windows-1252.
fn is_text(character: char) -> bool {
    !character.is_control() || matches!(character, '\u{80}'..='\u{9f}')
}

/// U+0085 does not count as white space: it stands for the ellipsis of windows-1252.
fn is_space(character: char) -> bool {
    character.is_whitespace() && character != '\u{85}' || matches!(character, '\u{a0}' | '\u{feff}')
}

/// The length of a tag. A `>` between quotation marks does not end it, unless nothing else does.
pub(super) fn tag_length(markup: &str) -> usize {
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
pub(super) fn name(tag: &str) -> String {
    let name = tag.trim_start_matches(['<', '/']);
    let end = name.find(|character: char| character.is_whitespace() || "/>".contains(character)).unwrap_or(name.len());
    let name = &name[..end];
    name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase()
}

fn behind<'m>(markup: &'m str, end: &str) -> &'m str {
    memmem::find(markup.as_bytes(), end.as_bytes()).map_or("", |at| &markup[at + end.len()..])
}

/// The text after the end of an element that has begun.
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

/// `text` with its entities replaced by the characters that they name. An unknown entity stays as it is, and none is looked up elsewhere.
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
        0x80..=0x9f => Some(Cow::Owned(in_windows_1252(u8::try_from(code).ok()?)?.to_string())),
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
        assert_eq!(text("a<br>b<br />\n<br>c <br> d"), "a\nb\n\nc\nd", "two breaks begin a paragraph");
    }

    #[test]
    fn blank_lines_are_paragraphs_where_they_are_meant() {
        let post = "One\n<b>bold</b>\n \nTwo<h2>Head</h2>\n<p>Three\n\nfour</p>";
        assert_eq!(text_with(post, Lines::Paragraphs), "One bold\n\nTwo\n\nHead\n\nThree four");
        assert_eq!(text(post), "One bold Two\n\nHead\n\nThree four");
        assert_eq!(text_with("One\nTwo <i>x</i>\n\nThree", Lines::Kept), "One\nTwo x\n\nThree");
    }

    #[test]
    fn q_is_quotation_marks_where_there_are_none() {
        assert_eq!(text("<p><q>We were told <q>no</q>,</q> she said.</p>"), "“We were told ‘no’,” she said.");
        assert_eq!(text("<q>“No,”</q> and “<q>no</q>” and <q> \"no\" </q>"), "“No,” and “no” and \"no\"");
        assert_eq!(text("</q><q></q>a"), "a");
    }

    #[test]
    fn captions_are_left_out() {
        assert_eq!(text("<p>a</p><figure><img><figcaption>b</figcaption></figure><media>c</media><p>d</p>"), "a\n\nd");
    }
}
