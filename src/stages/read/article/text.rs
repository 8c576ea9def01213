//! The main text of a page.

use scraper::Html;
use trafilatura::{HtmlDateMode, Options};

use super::super::Refusal;
use super::metadata::Metadata;
use super::{PageLimits, leftovers, paragraphs, pruned};
use crate::record::Reason;

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
    let Ok(found) = trafilatura::extract(&html, &options) else { return Ok(String::new()) };
    let mut paragraphs = paragraphs::of(&found.content_html);
    leftovers::remove(&mut paragraphs, metadata);
    let texts: Vec<_> = paragraphs.into_iter().map(|paragraph| paragraph.text).collect();
    Ok(texts.join("\n\n"))
}
