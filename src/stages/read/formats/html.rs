//! A web page: a document each.

use crate::stages::read::article::{self, Page, PageLimits};
use crate::stages::read::content::Parsed;
use crate::stages::read::refusal::Refusal;

/// A page to the article on it. `charset` is what the server says of it.
pub(in super::super) fn parse(bytes: &[u8], charset: Option<&str>, url: Option<&str>) -> Result<Parsed, Refusal> {
    article::extract(&Page { bytes, charset, url }, &PageLimits::default())
}
