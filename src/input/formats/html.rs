//! A web page: a document each.

use crate::input::content::Parsed;
use crate::input::html::{self, Page, PageLimits};
use crate::input::refusal::Refusal;

/// A page to the article on it. `charset` is what the server says of it.
pub(in super::super) fn parse(bytes: &[u8], charset: Option<&str>, url: Option<&str>) -> Result<Parsed, Refusal> {
    html::extract(&Page { bytes, charset, url }, &PageLimits::default())
}
