//! Paragraphs that are none of the article, by their words: what the mark-up does not tell from running text.

use super::metadata::Metadata;
use super::paragraphs::Paragraph;

/// A longer paragraph is text, whatever it begins with.
const MAX_BYTES: usize = 400;

/// How a pointer to another article begins, or a word of the site about itself, in lower case.
const BEGINNINGS: &[&str] = &[
    // Other articles.
    "read more",
    "read also",
    "read next",
    "read:",
    "also read",
    "also see",
    "see also",
    "see more:",
    "related:",
    "related ",
    "more on this",
    "more from ",
    "more stories",
    "more:",
    "don't miss:",
    "recommended",
    "you may also like",
    "you might also like",
    "you might like",
    "keep reading",
    "continue reading",
    "click here",
    "watch:",
    "watch more",
    "listen:",
    "listen to this",
    "up next",
    "lea también",
    "lea más",
    "lea:",
    "lee también",
    "lee:",
    "te puede interesar",
    "puede interesarle",
    "también te puede",
    "à lire aussi",
    "lire aussi",
    "a lire aussi",
    "lire :",
    "à lire :",
    "lesen sie auch",
    "lesen sie mehr",
    "lesen sie hier",
    "mehr zum thema",
    "auch interessant",
    "zum thema:",
    "leggi anche",
    "leia também",
    "leia mais",
    "lees ook",
    "contenido relacionado",
    // Pictures.
    "photo:",
    "photos:",
    "photo by",
    "photo credit",
    "photo source",
    "photograph by",
    "image:",
    "image credit",
    "image source",
    "picture:",
    "credit:",
    "(credit",
    "(photo",
    "bild:",
    "foto:",
    "video:",
    "file photo",
    "(file photo",
    // Letters, lists and accounts.
    "sign up",
    "subscribe",
    "follow us",
    "follow @",
    "follow him",
    "follow her",
    "join us on",
    "like us on",
    "share this",
    "tweet this",
    "get the latest",
    "download the",
    "download our",
    "for the latest ",
    "never miss",
    "submit your letter",
    "send a letter",
    "we want to hear",
    "get our ",
    "support our",
    // The page itself.
    "advertisement",
    "story continues below",
    "article continues below",
    "©",
    "copyright",
    "(c) ",
    "tags:",
    "tagged:",
    "filed under",
    "posted in",
    "category:",
    "categories:",
    "+ follow",
    "loading...",
];

/// What only a word of the site about itself holds, in lower case.
const INSIDES: &[&str] = &[
    "all rights reserved",
    "affiliate links",
    "affiliate commission",
    "may receive compensation",
    "may earn a commission",
    "newsletter",
    "free sign up",
    "already a subscriber",
    "please subscribe",
    "subscribe to read",
    "subscribe now",
    "log in for",
    "read our advertiser",
    "advertising policy",
    "trust principles",
    "letters to the editor",
    "letter to the editor",
    "follow us on",
    "on twitter and",
    "on twitter @",
    "on facebook and",
    "cookie policy",
    "privacy policy",
    "terms of use",
    "terms of service",
    "may not be published, broadcast",
    "to your inbox",
];

/// Words after which a quoted or told sentence goes on: what has them is the article's own.
const MARKS_OF_TEXT: &[&str] = &[" said", " told ", "“", " says", " announced", " according to"];

/// Most of a paragraph, in percent.
const MOST: usize = 80;

/// Takes out of `paragraphs` what is none of the article: pointers to others, captions, the site's words about itself, the title where
/// it stands above the text, and headings that nothing follows.
pub(super) fn remove(paragraphs: &mut Vec<Paragraph>, metadata: &Metadata) {
    let own = paragraphs.iter().filter(|paragraph| !is_linked(paragraph)).count();
    paragraphs.retain(|paragraph| !is_leftover(paragraph, own));
    if paragraphs.first().is_some_and(|first| metadata.is_title(&first.text)) {
        paragraphs.remove(0);
    }
    while paragraphs.last().is_some_and(|last| last.is_heading) {
        paragraphs.pop();
    }
}

fn is_leftover(paragraph: &Paragraph, own: usize) -> bool {
    if paragraph.text.len() > MAX_BYTES {
        return false;
    }
    let text = paragraph.text.to_lowercase().replace('’', "'");
    let begins = BEGINNINGS.iter().any(|beginning| text.starts_with(beginning));
    let is_text = MARKS_OF_TEXT.iter().any(|mark| text.contains(mark));
    begins && (!is_text || is_linked(paragraph))
        || INSIDES.iter().any(|inside| text.contains(inside)) && !is_text
        || is_linked(paragraph) && !paragraph.is_heading && !paragraph.is_item && own >= 5
}

/// Whether most of a paragraph is links.
fn is_linked(paragraph: &Paragraph) -> bool {
    paragraph.linked_bytes * 100 > paragraph.text.len() * MOST
}
