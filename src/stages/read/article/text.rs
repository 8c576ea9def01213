//! The main text of a page.

use scraper::Html;
use trafilatura::{HtmlDateMode, Options};

use super::super::Refusal;
use super::metadata::Metadata;
use super::paragraphs::Paragraph;
use super::{PageLimits, leftovers, paragraphs, pruned};
use crate::record::Reason;

/// Where the article's text in JSON-LD is so many times as long as what is in sight, scripts would show it: that is the article then.
const BODY_TIMES: usize = 2;

/// The paragraphs of the article, with a blank line between; empty where there are none.
pub(super) fn find(tree: &Html, metadata: &Metadata, limits: &PageLimits) -> Result<String, Refusal> {
    let html = pruned::write(tree);
    if html.len() > limits.max_pruned_bytes {
        let message = format!("has {} bytes of text and mark-up; {} are searched", html.len(), limits.max_pruned_bytes);
        return Err(Refusal::new(Reason::TooLarge, message));
    }
    let options = Options::default()
        .with_fallback(true)
        .with_exclude_comments(true)
        .with_links(true)
        .with_html_date_mode(HtmlDateMode::Disabled);
    let found = trafilatura::extract(&html, &options).map(|found| found.content_html).unwrap_or_default();
    let mut paragraphs = paragraphs::of(&found);
    leftovers::remove(&mut paragraphs, metadata);
    if let Some(body) = metadata.body.as_deref()
        && body.len() > BODY_TIMES * bytes_of(&paragraphs)
    {
        let body = Html::parse_document(&body.replace('\n', "<p>"));
        paragraphs = paragraphs::of(&pruned::write(&body));
        leftovers::remove(&mut paragraphs, metadata);
    }
    let texts: Vec<_> = paragraphs.into_iter().map(|paragraph| paragraph.text).collect();
    Ok(texts.join("\n\n"))
}

fn bytes_of(paragraphs: &[Paragraph]) -> usize {
    paragraphs.iter().map(|paragraph| paragraph.text.len()).sum()
}
