//! The main text of a page.

use std::borrow::Cow;

use scraper::Html;
use trafilatura::{HtmlDateMode, Options};

use super::boilerplate_nodes::Sizes;
use super::metadata::PageMetadata;
use super::paragraphs::{self, Paragraph};
use super::{PageLimits, boilerplate_text, leads, page_data, pruned, short, tree};
use crate::deadline;
use crate::input::refusal::Refusal;
use crate::record::Reason;

/// If the article's text in JSON-LD is longer than the visible text by this factor, scripts would show it, and it is the article.
const BODY_TIMES: usize = 2;

/// HTML is escaped so many times at most.
const MAX_ESCAPES: usize = 3;

/// The paragraphs of the article, with a blank line between; empty where there are none.
pub(super) fn find(tree: &Html, page_metadata: &PageMetadata, limits: &PageLimits) -> Result<String, Refusal> {
    let sizes = Sizes::measure(tree);
    let html = pruned::write(tree, &sizes);
    if html.len() > limits.max_pruned_bytes {
        let message = format!("has {} bytes of text and mark-up; {} are searched", html.len(), limits.max_pruned_bytes);
        return Err(Refusal::new(Reason::TooLarge, message));
    }
    deadline::check_now();
    let options = Options::default()
        .with_fallback(true)
        .with_exclude_comments(true)
        .with_links(true)
        .with_html_date_mode(HtmlDateMode::Disabled);
    let found = trafilatura::extract(&html, &options).map(|found| found.content_html).unwrap_or_default();
    deadline::check_now();
    let mut in_sight = own_paragraphs(&found, page_metadata);
    if bytes_of(&in_sight) < short::MIN_BYTES
        || !in_sight.iter().any(|paragraph| boilerplate_text::is_sentence(&paragraph.text))
    {
        let paragraphs = short::paragraphs(tree, &sizes, page_metadata);
        if paragraphs.is_empty() || short::is_short(tree, &sizes) {
            in_sight = paragraphs;
        }
    }
    let body = page_metadata.body.as_deref().filter(|body| body.len() > BODY_TIMES * bytes_of(&in_sight));
    let mut paragraphs = body.and_then(|body| of_body(body, page_metadata, limits)).unwrap_or(in_sight);
    if paragraphs.is_empty() {
        let body = page_data::article(tree);
        paragraphs = body.and_then(|body| of_body(&body, page_metadata, limits)).unwrap_or_default();
    }
    let leads = leads::find(tree, &sizes, page_metadata, &paragraphs);
    let texts: Vec<_> = leads.into_iter().chain(paragraphs).map(|paragraph| paragraph.text).collect();
    Ok(texts.join("\n\n"))
}

/// HTML whose tags were escaped, once or twice, as HTML.
fn unescaped(body: &str) -> Cow<'_, str> {
    let mut body = Cow::Borrowed(body);
    for _ in 0..MAX_ESCAPES {
        if !body.contains("&lt;/") && !body.contains("&lt;br") && !body.contains("&amp;lt;/") {
            break;
        }
        body = Cow::Owned(body.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"));
    }
    body
}

fn bytes_of(paragraphs: &[Paragraph]) -> usize {
    paragraphs.iter().map(|paragraph| paragraph.text.len()).sum()
}

/// The paragraphs of an article's text in JSON-LD: lines, or HTML. None where it is over the limits, or nothing is left of it.
fn of_body(body: &str, page_metadata: &PageMetadata, limits: &PageLimits) -> Option<Vec<Paragraph>> {
    let body = unescaped(body);
    let tree = tree::parse(&body.replace('\n', "<p>"), limits).ok()?;
    let html = pruned::write(&tree, &Sizes::measure(&tree));
    let paragraphs = own_paragraphs(&html, page_metadata);
    (html.len() <= limits.max_pruned_bytes && !paragraphs.is_empty()).then_some(paragraphs)
}

fn own_paragraphs(html: &str, page_metadata: &PageMetadata) -> Vec<Paragraph> {
    let mut paragraphs = paragraphs::from_html(html);
    boilerplate_text::remove(&mut paragraphs, page_metadata);
    paragraphs
}
