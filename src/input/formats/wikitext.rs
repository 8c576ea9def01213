//! The markup of MediaWiki to text. Templates, tables, files and references go; links and emphasis become their words. One pass, with a
//! stack of what is open, so that its time grows with the length of the text alone.

use crate::input::text::markup;

/// Marks inside each other, no more: what opens inside is text.
const MAX_DEPTH: usize = 32;

/// Elements that are dropped with all that they hold.
const DROPPED: [&str; 7] = ["ref", "gallery", "math", "timeline", "syntaxhighlight", "imagemap", "score"];

/// The maximum number of bytes of a tag or an external link.
const MAX_MARK_BYTES: usize = 1 << 12;

/// The end of an element whose content is text as it stands there.
const NOWIKI_END: &str = "</nowiki>";

/// Templates that show their last argument: links to other wikis.
const LINK_TEMPLATES: [&str; 3] = ["w", "wikipedia", "wikt"];

/// Templates that show their first argument.
const TEXT_TEMPLATES: [&str; 8] =
    ["quote", "cquote", "blockquote", "pull quote", "pullquote", "nowrap", "small", "nobr"];

/// Headings of sections that are no part of the article.
const BACK_MATTER: [&str; 11] = [
    "sources",
    "source",
    "references",
    "notes",
    "external links",
    "external link",
    "related news",
    "related articles",
    "see also",
    "sister links",
    "further reading",
];

/// The namespaces of a wiki.
pub(super) struct Namespaces {
    /// The names of those whose links are no text, in small letters.
    pub(super) unseen: Vec<String>,
}

/// An article in wiki markup.
#[derive(Debug, Default)]
pub(super) struct Article {
    /// Its text, in paragraphs with a blank line between them.
    pub(super) text: String,
    /// The date that a template of Wikinews gives.
    pub(super) date: Option<String>,
}

/// Parses wiki markup.
pub(super) fn parse(wiki: &str, namespaces: &Namespaces) -> Article {
    let mut parser = Parser { namespaces, open: Vec::new(), written: String::with_capacity(wiki.len()), date: None };
    parser.parse(wiki);
    let written = parser.close_all();
    Article { text: markup::text(&paragraphs(&written)), date: parser.date }
}

/// A mark that holds others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// `{{…}}`
    Template,
    /// `[[…]]`
    Link,
    /// `{|…|}`
    Table,
}

/// A mark that is open, and what is written inside it so far.
struct Open {
    mark: Mark,
    written: String,
}

/// The last ends of elements, so that none is looked for in vain.
struct Ends {
    dropped: [Option<usize>; DROPPED.len()],
    nowiki: Option<usize>,
}

struct Parser<'n> {
    namespaces: &'n Namespaces,
    open: Vec<Open>,
    /// The text outside of all marks.
    written: String,
    date: Option<String>,
}

impl Parser<'_> {
    fn parse(&mut self, wiki: &str) {
        let ends =
            Ends { dropped: DROPPED.map(|name| wiki.rfind(&format!("</{name}"))), nowiki: wiki.rfind(NOWIKI_END) };
        let mut at = 0;
        while let Some(found) = wiki[at..].find(['{', '}', '[', ']', '<', '\'', '|']) {
            self.write(&wiki[at..at + found]);
            at += found;
            let is_line_start = wiki[..at].trim_end_matches([' ', '\t', ':']).ends_with('\n') || at == 0;
            at += self.mark(&wiki[at..], at, is_line_start, &ends);
        }
        self.write(&wiki[at..]);
    }

    /// Takes in the mark that `rest` begins with, and returns its length. `at` is its place in the whole text.
    fn mark(&mut self, rest: &str, at: usize, is_line_start: bool, ends: &Ends) -> usize {
        if rest.starts_with("{|") && is_line_start && self.push(Mark::Table) {
            return 2;
        }
        if rest.starts_with("{{") && self.push(Mark::Template) {
            return 2;
        }
        if rest.starts_with("[[") && self.push(Mark::Link) {
            return 2;
        }
        if rest.starts_with("|}") && is_line_start && self.pop(Mark::Table) {
            return 2;
        }
        if rest.starts_with("}}") && self.pop(Mark::Template) || rest.starts_with("]]") && self.pop(Mark::Link) {
            return 2;
        }
        match rest.as_bytes()[0] {
            b'[' => self.external_link(rest),
            b'<' => self.tag(rest, at, ends),
            b'\'' => self.emphasis(rest),
            _ => {
                self.write(&rest[..1]);
                1
            }
        }
    }

    fn write(&mut self, text: &str) {
        let written = self.open.last_mut().map_or(&mut self.written, |open| &mut open.written);
        written.push_str(text);
    }

    fn push(&mut self, mark: Mark) -> bool {
        let has_room = self.open.len() < MAX_DEPTH;
        if has_room {
            self.open.push(Open { mark, written: String::new() });
        }
        has_room
    }

    /// Closes the mark that was opened last of this kind, and those inside it that were not closed. `false` if none is open.
    fn pop(&mut self, mark: Mark) -> bool {
        let Some(at) = self.open.iter().rposition(|open| open.mark == mark) else { return false };
        while self.open.len() > at + 1 {
            self.close_open();
        }
        if let Some(open) = self.open.pop() {
            let text = match mark {
                Mark::Template => self.template(&open.written),
                Mark::Link => self.link(&open.written),
                Mark::Table => String::new(),
            };
            self.write(&text);
        }
        true
    }

    /// Closes a mark that has no end: what it holds stays.
    fn close_open(&mut self) {
        if let Some(open) = self.open.pop() {
            self.write(&open.written);
        }
    }

    fn close_all(&mut self) -> String {
        while !self.open.is_empty() {
            self.close_open();
        }
        std::mem::take(&mut self.written)
    }

    /// The text of a template.
    fn template(&mut self, content: &str) -> String {
        let mut parts = content.split('|').map(str::trim);
        let name = parts.next().unwrap_or_default().to_lowercase();
        let arguments: Vec<&str> = parts.collect();
        // `1=TEXT` is the first argument as well; other names are options.
        let unnamed: Vec<&str> = arguments.iter().copied().filter_map(unnamed).collect();
        let text = match name.as_str() {
            "date" | "byline" => {
                let date =
                    named(&arguments, "date").or_else(|| unnamed.first().copied()).filter(|date| !date.is_empty());
                self.date = self.date.take().or_else(|| date.map(str::to_owned));
                None
            }
            "lang" => unnamed.get(1).copied(),
            name if LINK_TEMPLATES.contains(&name) => unnamed.iter().take(2).next_back().copied(),
            name if TEXT_TEMPLATES.contains(&name) => {
                unnamed.first().copied().or_else(|| named(&arguments, "text")).or_else(|| named(&arguments, "quote"))
            }
            _ => None,
        };
        text.unwrap_or_default().to_owned()
    }

    /// The words of a link. Pictures, categories and the same article in other languages have none.
    fn link(&self, content: &str) -> String {
        let (target, label) = content.split_once('|').map_or((content, None), |(target, label)| (target, Some(label)));
        let target = target.trim();
        let prefix = target.split_once(':').map(|(prefix, _)| prefix.trim().to_lowercase()).unwrap_or_default();
        if self.namespaces.unseen.contains(&prefix) {
            return String::new();
        }
        let is_language = (2..=3).contains(&prefix.len())
            && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
            && !target.contains(": ");
        match label.map(str::trim) {
            Some(label) if !label.is_empty() => label.to_owned(),
            None if is_language && !target.starts_with(':') => String::new(),
            // `[[w:Storm (weather)|]]` shows `Storm`.
            Some(_) => without_prefix(target).split(" (").next().unwrap_or_default().to_owned(),
            None => without_prefix(target).to_owned(),
        }
    }

    /// The words of `[https://… words]`. Returns the length of the link.
    fn external_link(&mut self, rest: &str) -> usize {
        let is_link = ["http://", "https://", "//", "mailto:"].iter().any(|scheme| rest[1..].starts_with(scheme));
        let head = &rest.as_bytes()[..rest.len().min(MAX_MARK_BYTES)];
        let end = memchr::memchr2(b']', b'\n', head).filter(|end| is_link && head[*end] == b']');
        let Some(end) = end else {
            self.write("[");
            return 1;
        };
        let words = rest[1..end].split_once(' ').map_or("", |(_, words)| words);
        self.write(&words.replace("'''", "").replace("''", ""));
        end + 1
    }

    /// A tag or a comment. Tags stay for the parser of HTML unless they are dropped with what they hold. Returns the length.
    fn tag(&mut self, rest: &str, at: usize, ends: &Ends) -> usize {
        if rest.starts_with("<!--") {
            return rest.find("-->").map_or(rest.len(), |end| end + 3);
        }
        let name = rest[1..].split(|character: char| !character.is_ascii_alphabetic()).next().unwrap_or_default();
        let head = &rest.as_bytes()[..rest.len().min(MAX_MARK_BYTES)];
        let tag_end = memchr::memchr(b'>', head);
        let number = DROPPED.iter().position(|dropped| dropped.eq_ignore_ascii_case(name));
        match (number, tag_end) {
            (Some(_), Some(tag_end)) if rest[..tag_end].ends_with('/') => tag_end + 1,
            (Some(number), Some(tag_end)) if ends.dropped[number].is_some_and(|end| end > at) => {
                let end = rest.find(&format!("</{}", DROPPED[number])).unwrap_or(tag_end);
                rest[end..].find('>').map_or(rest.len(), |length| end + length + 1)
            }
            (Some(_), Some(tag_end)) => tag_end + 1,
            (None, Some(tag_end)) if name == "nowiki" && ends.nowiki.is_some_and(|end| end > at) => {
                let end = rest.find(NOWIKI_END).unwrap_or(rest.len());
                self.write(&rest[(tag_end + 1).min(end)..end].replace('<', "&lt;"));
                (end + NOWIKI_END.len()).min(rest.len())
            }
            _ => {
                self.write("<");
                1
            }
        }
    }

    /// Two to five apostrophes are emphasis. Returns their number.
    fn emphasis(&mut self, rest: &str) -> usize {
        let count = rest.bytes().take_while(|byte| *byte == b'\'').count();
        match count {
            1 | 4 => self.write("'"),
            2 | 3 | 5 => {}
            _ => self.write(&rest[5..count]),
        }
        count
    }
}

/// The value of the first argument of that name.
fn named<'a>(arguments: &[&'a str], name: &str) -> Option<&'a str> {
    let mut pairs = arguments.iter().filter_map(|argument| argument.split_once('='));
    pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The value of an argument without a name, or with a number for one.
fn unnamed(argument: &str) -> Option<&str> {
    let Some((key, value)) = argument.split_once('=') else { return Some(argument) };
    let key = key.trim();
    if key.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value.trim());
    }
    // An equals sign in the middle of a sentence is no name's.
    let is_name = key.len() < 30 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-".contains(&byte));
    (!is_name).then_some(argument)
}

/// `Storm` of `w:Storm`. A colon that a space follows belongs to a title.
fn without_prefix(target: &str) -> &str {
    let target = target.trim_start_matches(':');
    match target.split_once(':') {
        Some((prefix, title)) if prefix.len() < 12 && !title.starts_with(' ') => without_prefix(title),
        _ => target,
    }
}

/// Lines of wiki markup as paragraphs of HTML, without what follows the article.
fn paragraphs(wiki: &str) -> String {
    let mut html = String::with_capacity(wiki.len());
    let mut left_out_level = None;
    let mut is_in_list = false;
    for line in wiki.lines().map(str::trim) {
        if let Some((level, heading)) = heading(line) {
            if left_out_level.is_none_or(|left_out| level <= left_out) {
                let is_back_matter = BACK_MATTER.contains(&heading.to_lowercase().as_str());
                left_out_level = is_back_matter.then_some(level);
            }
            if left_out_level.is_none() {
                html.extend(["<p>", heading, "<p>"]);
            }
            continue;
        }
        // A switch, such as `__NOTOC__`.
        let is_switch = line.starts_with("__") && line.ends_with("__");
        if left_out_level.is_some() || is_switch {
            continue;
        }
        let is_item = line.starts_with(['*', '#', ':', ';']);
        if line.is_empty() || line.starts_with("----") {
            html.push_str("<p>");
        } else if is_item {
            html.extend(["<br>", line.trim_start_matches(['*', '#', ':', ';', ' '])]);
        } else {
            // Items are lines of their own. A text behind them is the next line.
            html.extend([if is_in_list { "<br>" } else { "" }, line, "\n"]);
        }
        is_in_list = is_item;
    }
    html
}

/// The level and the words of a heading: `== Sources ==`.
fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'=').count();
    let words = line.get(level..)?.trim_end_matches('=').trim();
    ((1..=6).contains(&level) && line.len() > 2 * level && line.ends_with('=')).then_some((level, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(wiki: &str) -> String {
        parse(wiki, &Namespaces { unseen: vec!["file".into(), "category".into()] }).text
    }

    #[test]
    fn links_and_emphasis_are_their_words() {
        let wiki = "'''It''' ''rained'' in [[Port Anselm]], the [[w:Coast|coast]]'s [[w:Town (place)|]] and [https://a.example/x the '''harbour'''].\n\
            {{w|Ann Vale}} and {{w|Ben Marsh|Mr Marsh}} left [https://a.example].";
        assert_eq!(
            text(wiki),
            "It rained in Port Anselm, the coast's Town and the harbour. Ann Vale and Mr Marsh left ."
        );
        assert_eq!(text("[[Storm: a history]] it's 1 < 2 &amp; [[fr:Tempête]]"), "Storm: a history it's 1 < 2 &");
    }

    #[test]
    fn what_is_no_text_goes() {
        let wiki = "{{date|March 4, 2031}}\n{{Infobox\n| a = {{b|c}}\n| d = [[e]]\n}}\n[[File:a.jpg|thumb|A [[boat|ship]] {{w|x}}.]]\n\
            It rained.<ref name=\"a\">[[A]]</ref> It snowed.<ref name=\"a\" /><!-- no -->\n\n{| class=\"x\"\n|-\n| A cell\n|}\n\n\
            == Aftermath ==\nIt thawed.\n* One\n* Two\n\n== Sources ==\n* {{source|url=x}}\n* A paper\n=== More ===\nNo.\n[[Category:Weather]]";
        let article = parse(wiki, &Namespaces { unseen: vec!["file".into(), "category".into()] });
        assert_eq!(article.text, "It rained. It snowed.\n\nAftermath\n\nIt thawed.\nOne\nTwo");
        assert_eq!(article.date.as_deref(), Some("March 4, 2031"));
    }

    #[test]
    fn marks_without_end_cost_no_text() {
        assert_eq!(text("It [[rained {{all night.\n\nIt snowed."), "It rained all night.\n\nIt snowed.");
        assert_eq!(text("{{x|[[It}} rained]]."), "rained]].");
        assert_eq!(text("It rained.<ref>A source. It snowed."), "It rained.A source. It snowed.");
        for mark in ["{{", "[[", "{|\n", "<ref>", "<!--", "'''''''", "}}", "[http://", "<nowiki>", "<ref", "{{w|"] {
            text(&mark.repeat(20_000));
        }
    }
}
