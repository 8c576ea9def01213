//! A web page: a document each.

use super::beginning::Beginning;
use super::{Format, plain};
use crate::config::InputConfig;
use crate::input::html::{self, Page, PageLimits};
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::Refusal;

pub(super) static FORMAT: Format = Format {
    extensions: &["html", "htm", "xhtml"],
    is_one_record: true,
    recognise,
    read: |stream, _, collector| plain::read_whole(stream, collector, PageBytes),
};

/// Markup that looks like a page, or anything in a file with the name of one. Text that begins like JSON is never a page.
fn recognise(beginning: &mut Beginning<'_, '_>) -> bool {
    let has_extension = beginning.has_extension(FORMAT.extensions);
    match beginning.first() {
        Some(b'{') => false,
        Some(b'<') => has_extension || is_page(&beginning.lower_text()),
        _ => has_extension,
    }
}

fn is_page(lower_text: &str) -> bool {
    is_doctype(lower_text) || lower_text.contains("<html") || lower_text.contains("<body")
}

/// Tells whether a text in lower case says that it is HTML.
pub(super) fn is_doctype(lower_text: &str) -> bool {
    lower_text.starts_with("<!doctype html")
}

/// The bytes of a page.
struct PageBytes(Vec<u8>);

impl RawRecord for PageBytes {
    fn excerpt_source(&self) -> &[u8] {
        &self.0
    }

    fn parse(self: Box<Self>, _: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        parse(&self.0, None, None).map(Some)
    }
}

/// Finds the article on a page. `charset` is the encoding that the server names.
pub(super) fn parse(bytes: &[u8], charset: Option<&str>, url: Option<&str>) -> Result<ParsedRecord, Refusal> {
    html::extract(&Page { bytes, charset, url }, &PageLimits::default())
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::read_article;

    const PAGE: &[u8] = b"<!DOCTYPE html><html lang=\"en\"><head><title>Storm hits coast</title></head><body>\
        <nav><a href=\"/\">Home</a></nav><article><h1>Storm hits coast</h1>\
        <p>The storm reached the coast on Tuesday night, and the ferries stayed in port until noon.</p>\
        <p>Nobody was hurt, the harbour office said, but three boats sank.</p></article></body></html>";

    #[test]
    fn a_page_is_its_article_whatever_its_name() {
        for name in ["a.html", "a", "a.xml"] {
            let article = read_article(name, PAGE);
            assert_eq!(article.metadata.title.as_deref(), Some("Storm hits coast"), "{name}");
            assert!(
                article.text.contains("three boats sank") && !article.text.contains("Home"),
                "{name}: {}",
                article.text
            );
        }
    }
}
