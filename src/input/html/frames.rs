//! Frame sets: the parser takes what is in `<noframes>` as one piece of text. Without the tags it is a page like any other.

use std::borrow::Cow;

use memchr::memchr_iter;

/// The elements of frame sets.
const NAMES: [&str; 3] = ["frameset", "noframes", "frame"];

/// `html` without the tags of a frame set, if it has a `<noframes>`.
pub(super) fn without(html: &str) -> Cow<'_, str> {
    let mut tags = memchr_iter(b'<', html.as_bytes()).filter(|start| tag_at(html, *start).is_some()).peekable();
    if tags.peek().is_none() || !has_noframes(html) {
        return Cow::Borrowed(html);
    }
    let mut written = String::with_capacity(html.len());
    let mut end = 0;
    for start in tags.filter(|start| *start >= end).collect::<Vec<_>>() {
        if start < end {
            continue;
        }
        written.push_str(&html[end..start]);
        end = html[start..].find('>').map_or(html.len(), |length| start + length + 1);
    }
    written.push_str(&html[end..]);
    Cow::Owned(written)
}

fn has_noframes(html: &str) -> bool {
    memchr_iter(b'<', html.as_bytes()).any(|start| tag_at(html, start) == Some("noframes"))
}

/// The element of a frame set whose tag, opening or closing, begins at `start`.
fn tag_at(html: &str, start: usize) -> Option<&'static str> {
    let tag = html.as_bytes()[start + 1..].strip_prefix(b"/").unwrap_or(&html.as_bytes()[start + 1..]);
    NAMES.into_iter().find(|name| {
        tag.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
            && tag.get(name.len()).is_none_or(|next| !next.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tags_of_a_frame_set_go() {
        let html =
            "<FRAMESET cols='1,2'><frame src=a><noframes><body><p>It rained.</p></body></NOFRAMES></frameset><framed>";
        assert_eq!(without(html), "<body><p>It rained.</p></body><framed>");
        for html in ["", "<", "<frame src=a> and no more", "<p>It rained.</p>"] {
            assert!(matches!(without(html), Cow::Borrowed(_)), "{html}");
        }
    }

    #[test]
    fn the_article_of_a_frame_set_is_read() {
        use super::super::{SENTENCES, paragraphs_on};
        let body = SENTENCES.map(|sentence| format!("<p>{sentence}</p>")).concat();
        let html = format!(
            "<html><frameset><frame src=a><noframes><body><h1>Harbor</h1>{body}</body></noframes></frameset></html>"
        );
        assert_eq!(paragraphs_on(&html), SENTENCES);
    }
}
