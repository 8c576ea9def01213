//! The shortcodes of WordPress and its like, `[dropcap]T[/dropcap]he`: the marks go, and what they enclose stays where it is text.

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::{memchr, memmem};

/// Shortcodes that enclose no text of the article: pictures, their captions, addresses.
const MEDIA: [&str; 16] = [
    "audio",
    "caption",
    "embed",
    "facebook",
    "gallery",
    "googlemaps",
    "iframe",
    "img",
    "instagram",
    "playlist",
    "tweet",
    "twitter",
    "video",
    "vimeo",
    "wp_caption",
    "youtube",
];

/// Shortcodes that also stand alone and without attributes.
const ALONE: [&str; 8] =
    ["adsense", "advertisement", "contact-form", "gallery", "nextpage", "playlist", "toc", "newsletter"];

/// A longer mark is none.
const MAX_MARK_BYTES: usize = 2000;

/// `text` without its shortcodes. A word between brackets is one where it has attributes, is closed again, or is known to stand
/// alone; `[sic]` stays.
pub(super) fn without_shortcodes(text: &str) -> Cow<'_, str> {
    if memchr(b'[', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let ends = last_ends(text);
    let mut written = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = memchr(b'[', &text.as_bytes()[at..]) {
        let start = at + found;
        at = start + 1;
        let Some(mark) = Mark::parse(&text[start..]) else { continue };
        let is_closed = ends.get(mark.name).is_some_and(|&end| end > start);
        if !(mark.is_end || mark.has_attributes || is_closed || ALONE.contains(&mark.name)) {
            continue;
        }
        let behind = start + mark.length;
        let is_media = !mark.is_end && is_closed && MEDIA.contains(&mark.name);
        let end = if is_media { behind_end(text, behind, mark.name) } else { behind };
        written.push_str(&text[copied..start]);
        (copied, at) = (end, end);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    written.push_str(&text[copied..]);
    Cow::Owned(written)
}

/// The place of the last end mark of each name.
fn last_ends(text: &str) -> HashMap<&str, usize> {
    let starts = memmem::find_iter(text.as_bytes(), b"[/");
    starts.filter_map(|start| Some((Mark::parse(&text[start..])?.name, start))).collect()
}

/// The place behind the next end mark of that name.
fn behind_end(text: &str, from: usize, name: &str) -> usize {
    let end = format!("[/{name}]");
    memmem::find(&text.as_bytes()[from..], end.as_bytes()).map_or(from, |at| from + at + end.len())
}

/// A piece of text between two brackets that may be a shortcode.
struct Mark<'t> {
    name: &'t str,
    is_end: bool,
    has_attributes: bool,
    /// The length in bytes, brackets included.
    length: usize,
}

impl<'t> Mark<'t> {
    /// The mark that `text` begins with.
    fn parse(text: &'t str) -> Option<Self> {
        let window = &text.as_bytes()[..text.len().min(MAX_MARK_BYTES)];
        let close = memchr(b']', window)?;
        let inside = text[1..close].trim_end_matches('/');
        let is_end = inside.starts_with('/');
        let inside = inside.trim_start_matches('/');
        let end = inside.bytes().position(|byte| !is_of_name(byte)).unwrap_or(inside.len());
        let (name, attributes) = inside.split_at(end);
        let is_link = text[close + 1..].starts_with('(');
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) || is_link || inside.contains(['[', '\n']) {
            return None;
        }
        // `[url=https://…]` or `[gallery ids="1,2"]`
        let has_attributes =
            attributes.starts_with('=') || attributes.starts_with(' ') && attributes.split(' ').any(is_attribute);
        let is_sound = attributes.trim().is_empty() || has_attributes;
        is_sound.then_some(Self { name, is_end, has_attributes, length: close + 1 })
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
}

/// Tells whether this is `name=value`.
fn is_attribute(part: &str) -> bool {
    let Some((name, _)) = part.split_once('=') else { return false };
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_the_text_between_them_stays() {
        assert_eq!(without_shortcodes("[dropcap]T[/dropcap]he harbour"), "The harbour");
        assert_eq!(
            without_shortcodes("[pullquote align=\"left\"]We knew.[/pullquote] More [b]bold[/b]"),
            "We knew. More bold"
        );
        assert_eq!(without_shortcodes("See [url=https://x.example]the list[/url]."), "See the list.");
        assert_eq!(without_shortcodes("One[gallery ids=\"1,2\"] two [gallery] three[nextpage]"), "One two  three");
    }

    #[test]
    fn captions_and_addresses_are_no_text() {
        let caption = "Before\n[caption id=\"a_1\" width=\"300\"]<img src=\"q.jpg\" /> The quay.[/caption]\nafter";
        assert_eq!(without_shortcodes(caption), "Before\n\nafter");
        assert_eq!(without_shortcodes("[embed]https://x.example/v[/embed]End"), "End");
    }

    #[test]
    fn words_that_an_editor_put_between_brackets_stay() {
        let text = "“[the] mayor [sic] said [he would]” [1] [link](https://x.example) [a = b] [Laughs] [/ [";
        assert!(matches!(without_shortcodes(text), Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[\\[\\]/a-c= \"é\\n]{0,60}") {
            without_shortcodes(&text);
        }
    }
}
