//! A web page: a document each.

use crate::record::Metadata;
use crate::stages::read::article::{self, Article, Page, PageLimits};
use crate::stages::read::content::Parsed;
use crate::stages::read::refusal::Refusal;

/// A page to the article on it. `charset` is what the server says of it.
pub(in super::super) fn parse(bytes: &[u8], charset: Option<&str>, url: Option<&str>) -> Result<Parsed, Refusal> {
    let article = article::extract(&Page { bytes, charset, url }, &PageLimits::default())?;
    let Article { text, title, byline, published, modified, section, language, uri, source, encoding } = article;
    let uri = uri.or_else(|| url.map(str::to_owned));
    let metadata = Metadata { uri, title, byline, published, modified, section, language, source };
    Ok(Parsed { own_id: None, metadata, text, encoding })
}
