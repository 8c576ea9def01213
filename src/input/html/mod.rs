//! A page of HTML to the article on it: text in paragraphs, and what the page says of it.
//!
//! The page is parsed once, within limits. Metadata is collected from that tree; then the tree is written down again without what is
//! no article by its mark-up, and the crate `trafilatura` finds the main text in what is left. Rules of ours take its paragraphs
//! apart and leave out what only its words give away. All of it depends on the page alone, not on the time it takes.

/// Tags with more attributes than a page has use for.
mod attributes;
/// Elements that are no part of an article.
mod boilerplate_nodes;
/// Paragraphs that are none of the article, by their words.
mod boilerplate_text;
/// Frame sets.
mod frames;
/// Leads between the headline and the text that was found.
mod leads;
/// The data of a page about its article.
mod metadata;
/// Error pages and pages that ask for consent.
mod no_article;
/// The article in the data of a page that scripts would build.
mod page_data;
/// HTML to paragraphs.
mod paragraphs;
/// The tree without clutter, as HTML.
mod pruned;
/// The article of a short page.
mod short;
/// The main text of a page.
mod text;
/// Bytes to a tree, within limits.
mod tree;

#[cfg(test)]
mod measure;

use super::raw_record::ParsedRecord;
use super::refusal::Refusal;
use super::text::decode::decode_page;
use crate::deadline;
use crate::record::Reason;

/// A page as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<'p> {
    pub(super) bytes: &'p [u8],
    /// The encoding that the HTTP header names.
    pub(super) charset: Option<&'p str>,
    /// Where it was fetched.
    pub(super) url: Option<&'p str>,
}

/// What a page may cost. All of them are sizes, so that a page is refused on every machine or on none.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_field_names, reason = "each is a limit, and says of what")]
pub(super) struct PageLimits {
    /// Of the page as it came.
    pub(super) max_bytes: usize,
    /// Elements and texts of the page's tree.
    pub(super) max_nodes: usize,
    /// Elements around an element.
    pub(super) max_depth: usize,
    /// Of one tag.
    pub(super) max_attributes: usize,
    /// Of what is left when the clutter is gone: what the main text is looked for in.
    pub(super) max_pruned_bytes: usize,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self {
            max_bytes: 16 << 20,
            max_nodes: 100_000,
            max_depth: 256,
            max_attributes: 2000,
            max_pruned_bytes: 1 << 20,
        }
    }
}

/// The article on `page`. What others' code makes of nobody's mark-up may panic, or take its time: whoever calls this stands guard.
pub(super) fn extract(page: &Page<'_>, limits: &PageLimits) -> Result<ParsedRecord, Refusal> {
    if page.bytes.len() > limits.max_bytes {
        let message = format!("has {} bytes of HTML; {} are read", page.bytes.len(), limits.max_bytes);
        return Err(Refusal::new(Reason::TooLarge, message));
    }
    let (html, encoding) = decode_page(page.bytes, page.charset)?;
    let tree = tree::parse(&frames::without(&html), limits)?;
    deadline::check_now();
    let page_metadata = metadata::collect(&tree, page.url);
    deadline::check_now();
    let text = text::find(&tree, &page_metadata, limits)?;
    if text.is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no article: no paragraphs of text on the page"));
    }
    if let Some(kind) = no_article::kind_of_page(&page_metadata, &text) {
        return Err(Refusal::new(Reason::NoArticle, kind));
    }
    Ok(ParsedRecord { metadata: page_metadata.metadata, ..ParsedRecord::new(text, encoding) })
}

/// The article on a page, or the reason why there is none.
#[cfg(test)]
fn article_on(html: &str) -> Result<ParsedRecord, Reason> {
    let page = Page { bytes: html.as_bytes(), charset: None, url: None };
    extract(&page, &PageLimits::default()).map_err(|refusal| refusal.reason)
}

/// The paragraphs of the article on a page; none if it has no article.
#[cfg(test)]
fn paragraphs_on(html: &str) -> Vec<String> {
    article_on(html).map(|article| article.text.split("\n\n").map(str::to_owned).collect()).unwrap_or_default()
}

/// Five paragraphs, long enough for an article.
#[cfg(test)]
const SENTENCES: [&str; 5] = [
    "The city council voted on Tuesday to dredge the harbor for the first time in thirty years.",
    "“We have waited long enough,” said Mayor Ida Thorne before the council went to its vote.",
    "Work begins in April and is to cost 4.2 million dollars, most of it paid by the state.",
    "Fishers fear for the oyster beds east of the pier and have asked a court to stop the work.",
    "A hearing is set for May 12, the clerk of the court told the families of the fishers.",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A page as newsrooms make them, with what stands around an article.
    const PAGE: &str = r##"<!DOCTYPE html>
<html lang="en-GB"><head>
<meta charset="utf-8">
<title>Harbor dredging to begin in spring | The Quay Courier</title>
<link rel="canonical" href="/2031/03/01/harbor-dredging">
<meta property="og:title" content="Harbor dredging to begin &amp; end in spring">
<meta property="og:site_name" content="The Quay Courier">
<meta property="article:section" content="Local">
<script type="application/ld+json">
{"@context": "https://schema.org", "@graph": [
  {"@type": "WebSite", "name": "The Quay Courier"},
  {"@type": ["NewsArticle"], "headline": "Harbor dredging to begin in spring", "datePublished": "2031-03-01T17:30:00-05:00",
   "dateModified": "2031-03-02 09:00:00 +0100", "author": [{"@type": "Person", "name": "By Ada Vale"}, {"@id": "#wren"}]},
  {"@type": "Person", "@id": "#wren", "name": "Tom Wren"}]}
</script></head>
<body class="single has-sidebar share-enabled">
<div id="cookie-banner"><p>We use cookies to make this site better for you and for those who pay for it.</p></div>
<nav><ul><li><a href="/">Home</a></li><li><a href="/sport">Sport</a></li></ul></nav>
<main><article>
<h1>Harbor dredging to begin in spring</h1>
<div class="article-share-bar"><a href="#">Share on all networks</a></div>
<figure><img src="a.jpg"><figcaption>The harbor at dusk last week. Photo by Lea Marsh</figcaption></figure>
<div class="article-body">
<p>The city council voted on Tuesday to dredge the harbor for the first time in <a href="/1999">thirty years</a>, after a winter in
which two ferries ran aground.</p>
<p>“We have waited long enough,” said Mayor Ida Thorne. <b>Work</b> begins in April and is to cost 4.2 million dollars, most of it
from the state.</p>
<p class="wp-caption-text caption">A dredger of the kind that will be used.</p>
<p>Read more: <a href="/ferries">Why the ferries ran aground</a></p>
<p>Fishers fear for the <q>oyster beds</q> east of the pier.<br>They have asked a court to stop the work until a study is done.</p>
<p><a href="/oysters">Oyster season opens late for the third year</a></p>
<p>A hearing is set for May 12, the clerk’s office told this newspaper.</p>
</div>
<div class="newsletter-signup"><p>Get the morning letter with all the news of the harbor, every day before breakfast.</p></div>
</article>
<section class="related-stories"><h2>Related</h2><p>Ferry company names a new chief after a long search.</p></section>
<section id="comments"><p>First! I never trusted the council with the harbor, and I never will.</p></section>
</main>
<footer><p>Copyright 2031 The Quay Courier. All rights reserved.</p></footer>
</body></html>"##;

    fn page(bytes: &[u8]) -> Page<'_> {
        Page { bytes, charset: None, url: Some("https://quay.example/2031/03/01/harbor-dredging?from=home") }
    }

    fn article(html: &str) -> ParsedRecord {
        extract(&page(html.as_bytes()), &PageLimits::default()).unwrap()
    }

    fn refusal(html: &str) -> (Reason, String) {
        let refusal = extract(&page(html.as_bytes()), &PageLimits::default()).unwrap_err();
        (refusal.reason, refusal.message)
    }

    /// A page whose article is followed by `more`.
    fn page_with(more: &str) -> String {
        let article =
            "<p>The council met on Tuesday to talk about the harbor, its ferries and its costs.</p>".repeat(5);
        format!("<html><head><title>Harbor</title></head><body><article>{article}{more}")
    }

    #[test]
    fn the_paragraphs_stay_and_what_is_around_them_goes() {
        let expected = [
            "The city council voted on Tuesday to dredge the harbor for the first time in thirty years, after a winter in which two \
             ferries ran aground.",
            "“We have waited long enough,” said Mayor Ida Thorne. Work begins in April and is to cost 4.2 million dollars, most of it \
             from the state.",
            "Fishers fear for the “oyster beds” east of the pier.\nThey have asked a court to stop the work until a study is done.",
            "A hearing is set for May 12, the clerk’s office told this newspaper.",
        ];
        assert_eq!(article(PAGE).text, expected.join("\n\n"));
    }

    #[test]
    fn what_the_page_says_of_its_article_is_found() {
        let article = article(PAGE);
        assert_eq!(article.metadata.title.as_deref(), Some("Harbor dredging to begin in spring"));
        assert_eq!(article.metadata.byline.as_deref(), Some("Ada Vale, Tom Wren"));
        assert_eq!(article.metadata.published.as_deref(), Some("2031-03-01T17:30:00-05:00"));
        assert_eq!(article.metadata.modified.as_deref(), Some("2031-03-02T09:00:00+01:00"));
        assert_eq!(article.metadata.section.as_deref(), Some("Local"));
        assert_eq!(article.metadata.language.as_deref(), Some("en-GB"));
        assert_eq!(article.metadata.uri.as_deref(), Some("https://quay.example/2031/03/01/harbor-dredging"));
        assert_eq!(article.metadata.source.as_deref(), Some("The Quay Courier"));
        assert_eq!(article.encoding, "UTF-8");
    }

    #[test]
    fn a_page_without_an_article_is_refused() {
        for html in ["", "   ", "<html><body></body></html>", "<script>var a = 'text';</script>"] {
            assert_eq!(refusal(html).0, Reason::Empty, "{html}");
        }
    }

    #[test]
    fn a_page_cut_anywhere_does_no_harm() {
        for end in (0..PAGE.len()).step_by(97) {
            if let Ok(article) = extract(&page(&PAGE.as_bytes()[..end]), &PageLimits::default()) {
                assert!(!article.text.is_empty());
            }
        }
    }

    #[test]
    fn a_page_that_nests_too_deep_is_refused_and_one_at_the_limit_is_read() {
        let nested = |depth: usize| page_with(&"<div>".repeat(depth));
        assert_eq!(refusal(&nested(10_000)), (Reason::TooLarge, "nests more than 256 elements".to_owned()));
        assert_eq!(refusal(&nested(1_000_000)).0, Reason::TooLarge);
        assert!(article(&nested(250)).text.contains("ferries"));
    }

    #[test]
    fn unclosed_tags_that_every_paragraph_repeats_are_refused() {
        let unclosed: Vec<_> = (0..200).map(|number| format!("<p><font color={number}>It rained.</p>")).collect();
        assert_eq!(refusal(&page_with(&format!("{}{}", unclosed.concat(), "<p>x".repeat(10_000)))).0, Reason::TooLarge);
    }

    #[test]
    fn json_ld_is_held_to_the_same_limits() {
        let unclosed: Vec<_> = (0..200).map(|number| format!("<p><b a={number}>x</p>")).collect();
        for body in [
            "<div>".repeat(10_000),
            "word ".repeat(1_000_000),
            format!("{}{}", unclosed.concat(), "<p>x".repeat(10_000)),
        ] {
            let json = format!(r#"{{"@type": "Article", "articleBody": "{body}", "headline": "{body}"}}"#);
            let page = page_with(&format!("<script type='application/ld+json'>{json}</script>"));
            let article = article(&page);
            assert!(article.text.contains("ferries"));
            assert_eq!(article.metadata.title.as_deref(), Some("Harbor"));
        }
    }

    #[test]
    fn long_attributes_are_read_past_and_many_refused() {
        let long = |name: &str| page_with(&format!("<p {name}=\"{}\">It rained.</p>", "a ".repeat(5_000_000)));
        for name in ["class", "id", "href", "data-x"] {
            assert!(article(&long(name)).text.contains("ferries"), "{name}");
        }
        let many: Vec<_> = (0..100_000).map(|number| format!(" a{number}")).collect();
        assert_eq!(
            refusal(&page_with(&format!("<p{}>", many.concat()))),
            (Reason::TooLarge, "has a tag with more than 2000 attributes".to_owned())
        );
    }

    #[test]
    fn endless_lines_and_pages_are_refused() {
        let line = format!("<p>{}</p>", "word ".repeat(1_000_000));
        assert_eq!(refusal(&page_with(&line)).0, Reason::TooLarge);
        assert_eq!(refusal(&"x".repeat(17 << 20)).0, Reason::TooLarge);
        assert_eq!(refusal(&page_with(&"<p>x".repeat(100_000))).0, Reason::TooLarge);
        let script = format!("<script>{}</script>", "var a = 1;".repeat(1_000_000));
        assert!(article(&page_with(&script)).text.contains("ferries"));
    }

    #[test]
    fn an_article_that_only_scripts_would_show_is_taken_from_json_ld() {
        let body = "Rain fell on the harbor all night. ".repeat(20);
        let html = format!(
            r#"<title>Rain</title><script type="application/ld+json">
            {{"@type": "NewsArticle", "articleBody": "{body}\nIt <a href='x'>stopped</a> at noon."}}</script><p>Loading the story</p>"#
        );
        let text = article(&html).text;
        assert!(text.starts_with("Rain fell") && text.ends_with("\n\nIt stopped at noon."), "{text}");
    }

    #[test]
    fn an_article_in_json_ld_may_be_escaped_html() {
        let body = SENTENCES.map(|sentence| format!("&lt;p&gt;{sentence} R&amp;amp;D&lt;/p&gt;")).concat();
        let data = serde_json::json!({"@type": "NewsArticle", "articleBody": body});
        let html = format!("<script type='application/ld+json'>{data}</script><div id=root>Loading</div>");
        assert_eq!(paragraphs_on(&html), SENTENCES.map(|sentence| format!("{sentence} R&D")));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn a_page_with_bytes_changed_does_no_harm(changes in proptest::collection::vec((0..PAGE.len(), 0_u8..=255), 1..60)) {
            let mut bytes = PAGE.as_bytes().to_vec();
            for (place, byte) in changes {
                bytes[place] = byte;
            }
            let refused = extract(&page(&bytes), &PageLimits::default()).err();
            proptest::prop_assert!(refused.is_none_or(|refusal| refusal.reason != Reason::Panicked));
        }
    }
}
