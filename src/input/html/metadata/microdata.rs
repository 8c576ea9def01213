//! The microdata of an article: `itemprop`.

use scraper::{ElementRef, Html};

use super::super::tree::{elements, text_of};
use super::page;
use crate::record::Metadata;

/// Properties that are read.
const PROPERTIES: [&str; 7] =
    ["headline", "author", "creator", "datePublished", "dateModified", "articleSection", "inLanguage"];

/// Reads a page's microdata, outside `<meta>` in its head.
pub(super) fn microdata(tree: &Html) -> Metadata {
    let mut found = Metadata::default();
    let with_properties = elements(tree).filter_map(|element| {
        let properties = element.value().attr("itemprop")?;
        properties
            .split_ascii_whitespace()
            .any(|property| PROPERTIES.contains(&property))
            .then_some((element, properties))
    });
    let of_article = with_properties.take(page::MAX_CANDIDATES).filter(|(element, _)| !page::is_beside(**element));
    for (element, properties) in of_article {
        for property in properties.split_ascii_whitespace() {
            if let Some(place) = place(&mut found, property).filter(|place| place.is_none()) {
                *place = value(element);
            }
        }
    }
    found
}

fn place<'f>(found: &'f mut Metadata, property: &str) -> Option<&'f mut Option<String>> {
    match property {
        "headline" => Some(&mut found.title),
        "author" | "creator" => Some(&mut found.byline),
        "datePublished" => Some(&mut found.published),
        "dateModified" => Some(&mut found.modified),
        "articleSection" => Some(&mut found.section),
        "inLanguage" => Some(&mut found.language),
        _ => None,
    }
}

/// The value of an element: in an attribute, as the name in it, or its text.
fn value(element: ElementRef<'_>) -> Option<String> {
    let attribute = ["content", "datetime"].iter().find_map(|name| element.value().attr(name));
    let value = attribute.map_or_else(|| name_or_text(element), str::to_owned);
    (!value.trim().is_empty()).then_some(value)
}

fn name_or_text(element: ElementRef<'_>) -> String {
    match element.descendent_elements().find(|inner| inner.value().attr("itemprop") == Some("name")) {
        Some(name) => name.value().attr("content").map_or_else(|| text_of(*name), str::to_owned),
        None => text_of(*element),
    }
}
