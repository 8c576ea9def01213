//! A page of HTML to the article on it: text in paragraphs, and what the page says of it.
//!
//! The page is parsed once, within limits. Metadata is collected from that tree; then the tree is written down again without what is
//! no article by its mark-up, and the crate `trafilatura` finds the main text in what is left. Rules of ours take its paragraphs
//! apart and leave out what only its words give away. All of it depends on the page alone, not on the time it takes.

/// Tags with more attributes than a page has use for.
mod attributes;
/// Which elements are no part of an article.
mod clutter;
/// Paragraphs that are none of the article, by their words.
mod leftovers;
/// What a page says of its article.
mod metadata;
/// HTML to paragraphs.
mod paragraphs;
/// The tree without clutter, as HTML.
mod pruned;
/// The main text of a page.
mod text;
/// Bytes to a tree, within limits.
mod tree;

#[cfg(test)]
mod measure;

use super::Refusal;
use super::decode::decode_page;
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

/// An article, and what its page says of it. Dates are RFC 3339 where they can be read, else as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Article {
    /// Paragraphs, with a blank line between.
    pub(super) text: String,
    pub(super) title: Option<String>,
    /// The authors' names.
    pub(super) byline: Option<String>,
    pub(super) published: Option<String>,
    pub(super) modified: Option<String>,
    pub(super) section: Option<String>,
    pub(super) language: Option<String>,
    /// The canonical URL.
    pub(super) uri: Option<String>,
    /// The site or publisher.
    pub(super) source: Option<String>,
    /// The WHATWG name of the encoding that it came in.
    pub(super) encoding: &'static str,
}

/// The article on `page`.
pub(super) fn extract(page: &Page<'_>, limits: &PageLimits) -> Result<Article, Refusal> {
    if page.bytes.len() > limits.max_bytes {
        let message = format!("has {} bytes of HTML; {} are read", page.bytes.len(), limits.max_bytes);
        return Err(Refusal::new(Reason::TooLarge, message));
    }
    let (html, encoding) = decode_page(page.bytes, page.charset)?;
    let tree = tree::parse(&html, limits)?;
    let metadata = metadata::collect(&tree, page.url);
    let text = text::find(&tree, &metadata, limits)?;
    if text.is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no article: no paragraphs of text on the page"));
    }
    Ok(Article { text, encoding, ..metadata.into_article() })
}
