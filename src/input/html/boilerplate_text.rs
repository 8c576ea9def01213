//! Paragraphs that are none of the article, by their words: what the mark-up does not tell from running text.

use super::metadata::{PageMetadata, is_date};
use super::paragraphs::Paragraph;

/// A longer paragraph is text, whatever it begins with.
const MAX_BYTES: usize = 400;

/// Among so many paragraphs of text one that is all link leads elsewhere.
const MIN_OWN: usize = 5;

/// An entry of a list of articles is no longer, and the line above it.
const MAX_ENTRY_BYTES: usize = 160;
const MAX_POINTER_BYTES: usize = 60;

/// A list of articles has so many links, and so many words in each, or it has as many links as a menu.
const MIN_LINKS: usize = 2;
const MIN_TITLE_WORDS: usize = 4;
const MIN_MENU_LINKS: usize = 10;

/// Beginnings that no sentence of an article has, in lower case: pointers to other articles, captions, words of the site.
const BEGINNINGS: &[&str] = &[
    "read more",
    "read also",
    "read next",
    "read:",
    "also read:",
    "also see:",
    "see also",
    "see more:",
    "related:",
    "more on this",
    "more:",
    "don't miss:",
    "recommended:",
    "recommended for you",
    "you may also like",
    "you might also like",
    "you might like",
    "keep reading",
    "continue reading",
    "click here",
    "watch:",
    "listen:",
    "listen to this article",
    "up next:",
    "lea también",
    "lea más",
    "lea:",
    "lee también",
    "lee:",
    "te puede interesar",
    "puede interesarle",
    "también te puede",
    "contenido relacionado",
    "à lire aussi",
    "lire aussi",
    "a lire aussi",
    "lire:",
    "à lire:",
    "lesen sie auch",
    "lesen sie mehr",
    "mehr zum thema",
    "auch interessant",
    "zum thema:",
    "leggi anche",
    "leia também",
    "leia mais",
    "lees ook",
    "photo:",
    "photos:",
    "photo by ",
    "photo credit",
    "photo source",
    "photograph by ",
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
    "sign up ",
    "subscribe to our",
    "subscribe now",
    "subscribe today",
    "follow us",
    "follow @",
    "follow him on",
    "follow her on",
    "join us on",
    "like us on",
    "find us on",
    "share this",
    "tweet this",
    "get the latest",
    "download our",
    "never miss",
    "submit your letter",
    "send a letter",
    "send us ",
    "we want to hear",
    "get our ",
    "for the latest news",
    "for the latest stories",
    "for more news",
    "for more stories",
    "story continues below",
    "article continues below",
    "©",
    "copyright 1",
    "copyright 2",
    "copyright ©",
    "copyright (c)",
    "to read the full story",
    "tell us what you think",
    "tags:",
    "tagged:",
    "filed under:",
    "posted in:",
    "category:",
    "categories:",
    "+ follow",
    "http://",
    "https://",
];

/// Lines of the site that stand alone, in lower case.
const LABELS: &[&str] = &["advertisement", "comments", "log in", "share", "sign in", "subscribe", "tweet"];

/// Beginnings that a sentence may have; a heading or a link with one is a pointer to other articles.
const LINKED_BEGINNINGS: &[&str] = &[
    "more from ",
    "more stories",
    "more on ",
    "posted in",
    "filed under",
    "related",
    "recommended",
    "copyright",
    "up next",
    "also read",
    "watch ",
    "subscribe",
    "advertisement",
];

/// Phrases that only a site uses, about itself, in lower case.
const INSIDES: &[&str] = &[
    "all rights reserved",
    "affiliate links",
    "affiliate commission",
    "may receive compensation",
    "may earn a commission",
    "free sign up",
    "already a subscriber",
    "please subscribe",
    "sign up here",
    "logged in to post a comment",
    "logged in to comment",
    "log in to comment",
    "um kommentare zu schreiben",
    "subscribe to read",
    "subscribe now",
    "trust principles",
    "may not be published, broadcast",
    "to your inbox",
    "follow us on",
];

/// Subjects that news may have, too; a text that also speaks to the reader is the site's own.
const SITE_WORDS: &[&str] = &[
    "newsletter",
    "cookie policy",
    "privacy policy",
    "terms of use",
    "terms of service",
    "letters to the editor",
    " on twitter",
    " on facebook",
    " on instagram",
    " app for ",
    " apps for ",
    "advertising policy",
    "advertiser disclosure",
];

/// Words that speak to the reader.
const ADDRESSES: &[&str] =
    &["sign up ", "subscribe ", "follow ", "submit ", "download ", "our ", "your ", "you ", "by clicking"];

/// Marks of reported speech: a paragraph with one of them belongs to the article. They are pieces of text and fewer than the
/// verbs in `english/speech_verbs.txt`.
const MARKS_OF_TEXT: &[&str] = &[" said", " told ", "“", "\"", " says", " announced", " according to"];

/// A longer text with a time of the day is no date.
const MAX_DATE_BYTES: usize = 120;

/// Most of a paragraph, in percent.
const MOST: usize = 80;

/// Removes from `paragraphs` all that is no part of the article: pointers to others, captions, the site's words about itself, the title where
/// it stands above the text, and headings that nothing follows.
pub(super) fn remove(paragraphs: &mut Vec<Paragraph>, page_metadata: &PageMetadata) {
    let own = paragraphs.iter().filter(|paragraph| !is_linked(paragraph)).count();
    if own >= MIN_OWN {
        remove_lists_of_links(paragraphs);
    }
    paragraphs.retain(|paragraph| !is_leftover(paragraph, own));
    let start = paragraphs
        .iter()
        .take_while(|Paragraph { text, .. }| page_metadata.is_title(text) || is_date(text) || is_byline_or_date(text))
        .count();
    paragraphs.drain(..start);
    while paragraphs.last().is_some_and(|last| last.is_heading || is_pointer(last)) {
        paragraphs.pop();
    }
}

/// Removes lists of links to other articles, with the headings above them and the short lines between them.
fn remove_lists_of_links(paragraphs: &mut Vec<Paragraph>) {
    let mut kept = Vec::with_capacity(paragraphs.len());
    let mut rest = std::mem::take(paragraphs).into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut list = vec![first];
        while let Some(next) = rest.next_if(|next| is_entry(next) && (is_entry(&list[0]) || is_pointer(&list[0]))) {
            list.push(next);
        }
        if !leads_elsewhere(&list) {
            kept.append(&mut list);
        }
    }
    *paragraphs = kept;
}

/// True for a line that may be an entry of a list of articles.
fn is_entry(paragraph: &Paragraph) -> bool {
    (paragraph.is_item || paragraph.is_heading) && !paragraph.is_row && paragraph.text.len() <= MAX_ENTRY_BYTES
}

/// True for the line above a list of other articles: `More great stories`.
fn is_pointer(paragraph: &Paragraph) -> bool {
    let text = lower_case(&paragraph.text);
    text.len() <= MAX_POINTER_BYTES && !is_sentence(&text) && (text == "more" || begins(&text, &["more ", "more:"]))
}

/// True for a list of links: of titles, or of so many words that it is a menu. Below a line that says so, a part of each entry is enough.
fn leads_elsewhere(list: &[Paragraph]) -> bool {
    let linked: Vec<&Paragraph> = list.iter().filter(|entry| is_linked(entry)).collect();
    let words: usize = linked.iter().map(|entry| entry.text.split_whitespace().count()).sum();
    // Below the title of another article there may be a line about it, marked up as a heading. An item without a link is none.
    let is_list = linked.len() >= MIN_LINKS
        && linked.len() * 5 >= list.len() * 2
        && list.iter().all(|entry| is_linked(entry) || entry.is_heading);
    let has_titles = words >= linked.len() * MIN_TITLE_WORDS || linked.len() >= MIN_MENU_LINKS;
    let is_pointed_at =
        list.len() > MIN_LINKS && is_pointer(&list[0]) && list[1..].iter().all(|entry| entry.linked_bytes > 0);
    is_list && has_titles || is_pointed_at
}

/// `own` is how many paragraphs there are that are no links.
fn is_leftover(paragraph: &Paragraph, own: usize) -> bool {
    if paragraph.text.len() > MAX_BYTES {
        return false;
    }
    let is_linked = is_linked(paragraph);
    let text = lower_case(&paragraph.text);
    let is_pointer = (is_linked || paragraph.is_heading) && begins(&text, LINKED_BEGINNINGS);
    let is_lone_link = is_linked && !paragraph.is_heading && !paragraph.is_item && own >= MIN_OWN;
    names_site(&text) && (is_linked || !holds(&text, MARKS_OF_TEXT)) || is_pointer || is_lone_link
}

/// True for words of the site about itself, a caption or a pointer, unless somebody says them.
pub(super) fn is_of_site(text: &str) -> bool {
    let text = lower_case(text);
    names_site(&text) && !holds(&text, MARKS_OF_TEXT)
}

/// True for a byline or a date, by its words.
pub(super) fn is_byline_or_date(text: &str) -> bool {
    let is_byline = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("by ")) && !is_sentence(text);
    let has_time = text.split_whitespace().any(|word| {
        let parts: Vec<&str> = word.split(':').collect();
        parts.len() == 2
            && parts[0].len() <= 2
            && parts.iter().all(|part| part.starts_with(|digit: char| digit.is_ascii_digit()))
    });
    is_byline || has_time && text.len() < MAX_DATE_BYTES
}

/// True if a sentence ends at the end of `text`.
pub(super) fn is_sentence(text: &str) -> bool {
    text.trim_end_matches(['”', '"', '’', '\'', ')', '»']).ends_with(['.', '!', '?', '…'])
}

/// True for words that stand on a page until scripts have loaded it.
pub(super) fn is_placeholder(text: &str) -> bool {
    let text = lower_case(text);
    matches!(
        text.trim_end_matches(['.', '…', ' ']),
        "loading" | "please wait" | "one moment" | "wird geladen" | "cargando"
    ) || text.len() < MAX_BYTES
        && text.contains("javascript")
        && holds(&text, &["enable", "aktivier", "activer", "activez", "habilit", "disabled", "requires", "turn on"])
}

fn names_site(text: &str) -> bool {
    begins(text, BEGINNINGS)
        || holds(text, INSIDES)
        || holds(text, SITE_WORDS) && begins(text, ADDRESSES)
        || LABELS.contains(&text)
        || is_address(text)
}

/// True for the name of a site alone, such as `quay.example`.
fn is_address(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && text.rsplit_once('.').is_some_and(|(name, end)| {
            name.len() > 1 && end.len() > 1 && end.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
}

fn lower_case(text: &str) -> String {
    text.to_lowercase().replace('’', "'").replace(" :", ":")
}

fn begins(text: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| text.starts_with(beginning))
}

fn holds(text: &str, insides: &[&str]) -> bool {
    insides.iter().any(|inside| text.contains(inside))
}

/// True if most of a paragraph is links.
pub(super) fn is_linked(paragraph: &Paragraph) -> bool {
    paragraph.linked_bytes * 100 > paragraph.text.len() * MOST
}

#[cfg(test)]
mod tests {
    use super::super::paragraphs;
    use super::*;
    use crate::record::Metadata;

    fn kept(html: &str) -> Vec<String> {
        let mut paragraphs = paragraphs::from_html(html);
        let metadata = Metadata { title: Some("Rain on the Quay".to_owned()), ..Metadata::default() };
        remove(&mut paragraphs, &PageMetadata { metadata, ..PageMetadata::default() });
        paragraphs.into_iter().map(|paragraph| paragraph.text).collect()
    }

    #[test]
    fn pointers_and_words_of_the_site_go() {
        for leftover in [
            "Read more: The ferries of the quay",
            "Lesen Sie auch: Regen am Kai",
            "Photo: Lea Marsh",
            "© 2031 The Quay Courier",
            "Sign up for our morning letter",
            "This page contains affiliate links.",
            "Advertisement",
        ] {
            assert_eq!(
                kept(&format!("<p>It rained.</p><p>{leftover}</p><p>It stopped.</p>")),
                ["It rained.", "It stopped."]
            );
        }
    }

    #[test]
    fn news_of_what_sites_speak_of_stays() {
        for text in [
            "Subscribers to both letters rose by a tenth.",
            "Related costs were 5 million dollars.",
            "Copyright law was changed in May.",
            "Filed under seal, the papers name two ferries.",
            "The firm changed its privacy policy in March.",
            "The newsletter of the port had 20,000 readers.",
            "For the latest quarter, its profit fell.",
            "Advertisements for the ferry were banned.",
            "Recommended doses differ.",
            "It posted a film on Facebook.",
        ] {
            assert_eq!(kept(&format!("<p>{text}</p>")), [text]);
        }
    }

    #[test]
    fn what_somebody_says_stays_however_it_begins() {
        for text in [
            "Subscribe to the idea or leave, Mayor Thorne said on Monday.",
            "Follow us, she told the crews of both ferries.",
        ] {
            assert_eq!(kept(&format!("<p>{text}</p>")), [text]);
        }
    }

    #[test]
    fn the_title_above_and_headings_below_go() {
        let html =
            "<h2>Rain on the quay!</h2><p>It rained.</p><h2>Later</h2><p>It stopped.</p><h2>More</h2><h3>News</h3>";
        assert_eq!(kept(html), ["It rained.", "Later", "It stopped."]);
    }

    #[test]
    fn lists_of_other_articles_go() {
        let text = "<p>It rained again.</p>".repeat(5);
        let titles = ["The ferries of the quay", "Why the harbor fills with sand", "How the bay gets its salt"];
        let items = titles.map(|title| format!("<li><a>{title}</a></li>")).concat();
        let parts = titles.map(|title| format!("<li>Read on: <a>{title}</a></li>")).concat();
        let cards = titles.map(|title| format!("<h3><a>{title}</a></h3><h4>And what it costs</h4>")).concat();
        let menu = "<li><a>Sport</a></li>".repeat(10);
        for list in [
            format!("<ul>{items}</ul>"),
            format!("<h4>The race of the ferries</h4><ul>{items}</ul>"),
            format!("<p>More great Courier stories</p><ul>{parts}</ul>"),
            format!("<div>{cards}</div>"),
            format!("<ul>{menu}</ul>"),
        ] {
            assert_eq!(kept(&format!("{text}{list}<p>It stopped.</p>")).len(), 6, "{list}");
        }
    }

    #[test]
    fn lists_of_the_article_stay() {
        let text = "<p>It rained again.</p>".repeat(5);
        for list in [
            "<ul><li>The first ferry</li><li>The second ferry</li></ul>",
            "<p>Three ferries run:</p><ul><li><a>Ada</a></li><li><a>Ida</a></li><li><a>Eva</a></li></ul>",
            "<ul><li><a>The first ferry of the quay</a></li><li><a>The second ferry of the quay</a></li><li>A third one</li></ul>",
            "<h3><a>The first ferry of the quay</a></h3><p>It is old.</p><h3><a>The second ferry of the quay</a></h3><p>It is new.</p>",
            "<ul><li><a>The law of the harbor</a> of 2031 forbids it, and always has.</li><li>The <a>second</a> allows it.</li></ul>",
        ] {
            let lines = kept(list).len();
            assert_eq!(kept(&format!("{text}{list}<p>It stopped.</p>")).len(), 6 + lines, "{list}");
        }
    }

    #[test]
    fn a_paragraph_that_is_a_link_goes_from_among_others() {
        let text = "<p>It rained again.</p>".repeat(5);
        assert_eq!(kept(&format!("{text}<p><a>The ferries of the quay</a></p>")).len(), 5);
        assert_eq!(kept("<p>It rained.</p><p><a>The ferries of the quay</a></p>").len(), 2);
    }
}
