//! A web page: a document each.

use crate::record::{Metadata, Reason};
use crate::stages::read::content::Parsed;
use crate::stages::read::decode::{decode_labelled, meta_charset};
use crate::stages::read::markup;
use crate::stages::read::refusal::Refusal;

/// A page to what its readers read. `charset` is what the server says of it.
pub(in super::super) fn parse(bytes: Vec<u8>, charset: Option<&str>, url: Option<&str>) -> Result<Parsed, Refusal> {
    let meta = meta_charset(&bytes);
    let (page, encoding) = decode_labelled(bytes, charset.or(meta.as_deref()))?;
    let text = markup::text(&page);
    if text.is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text"));
    }
    let metadata = Metadata { uri: url.map(str::to_owned), ..Metadata::default() };
    Ok(Parsed { own_id: None, metadata, text, encoding })
}
