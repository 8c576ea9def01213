//! `<meta>` and `<link>` elements about an article: Open Graph, Dublin Core and the names that newsrooms use.

use std::collections::HashMap;

use super::super::tree::elements;
use crate::record::Metadata;
use scraper::{ElementRef, Html};

/// Names that give a value, the most trusted first.
const TITLE: &[&str] =
    &["og:title", "parsely-title", "sailthru.title", "dc.title", "dcterms.title", "twitter:title", "headline", "title"];
const BYLINE: &[&str] = &[
    "parsely-author",
    "sailthru.author",
    "dc.creator",
    "dcterms.creator",
    "author",
    "article:author_name",
    "article:author",
    "og:article:author",
    "byl",
    "byline",
    "citation_author",
];
const PUBLISHED: &[&str] = &[
    "article:published_time",
    "og:published_time",
    "og:article:published_time",
    "parsely-pub-date",
    "datepublished",
    "publication_date",
    "publish-date",
    "pubdate",
    "publishdate",
    "sailthru.date",
    "dcterms.created",
    "dcterms.issued",
    "dc.date.issued",
    "dc.date.created",
    "dc.date",
    "dcterms.date",
    "article.published",
    "citation_publication_date",
    "article_date_original",
    "originalpublicationdate",
    "cxenseparse:recs:publishtime",
    "date",
];
const MODIFIED: &[&str] = &[
    "article:modified_time",
    "og:updated_time",
    "og:article:modified_time",
    "datemodified",
    "lastmod",
    "last-modified",
    "dcterms.modified",
    "dc.date.modified",
    "article.updated",
    "lastmodified",
];
const SECTION: &[&str] = &["article:section", "og:article:section", "parsely-section", "section", "article.section"];
const LANGUAGE: &[&str] = &["dc.language", "dcterms.language", "language", "content-language"];
const DESCRIPTION: &[&str] = &["og:description", "description", "twitter:description", "dc.description"];
const SOURCE: &[&str] =
    &["og:site_name", "dc.publisher", "dcterms.publisher", "publisher", "application-name", "twitter:app:name:iphone"];

/// The data in a page's `<meta>` and `<link>` elements.
pub(super) struct TagData {
    pub(super) metadata: Metadata,
    /// The language that Open Graph gives: many sites leave it at its default, so it is trusted least.
    pub(super) locale: Option<String>,
    /// The description, which often is the lead.
    pub(super) description: Option<String>,
}

/// Reads a page's `<meta>` and `<link>` elements.
pub(super) fn tag_data(tree: &Html) -> TagData {
    let tags = Tags::collect(tree);
    let metadata = Metadata {
        title: tags.first(TITLE),
        byline: tags.all(BYLINE),
        published: tags.first(PUBLISHED),
        modified: tags.first(MODIFIED),
        section: tags.first(SECTION),
        language: tags.first(LANGUAGE),
        uri: tags.canonical.clone().or_else(|| tags.first(&["og:url"])),
        source: tags.first(SOURCE),
    };
    TagData { metadata, locale: tags.first(&["og:locale"]), description: tags.first(DESCRIPTION) }
}

/// The values of a page's tags, by their names in lower case.
#[derive(Default)]
struct Tags {
    values: HashMap<String, Vec<String>>,
    canonical: Option<String>,
}

impl Tags {
    fn collect(tree: &Html) -> Self {
        let mut tags = Self::default();
        for element in elements(tree) {
            match element.value().name() {
                "meta" => tags.add_meta(element),
                "link" if is_canonical(element) && tags.canonical.is_none() => {
                    tags.canonical = element.value().attr("href").map(str::to_owned);
                }
                _ => {}
            }
        }
        tags
    }

    fn add_meta(&mut self, meta: ElementRef<'_>) {
        let Some(content) = meta.value().attr("content").filter(|content| !content.trim().is_empty()) else { return };
        let names = ["property", "name", "itemprop", "http-equiv"].iter().filter_map(|key| meta.value().attr(key));
        for name in names {
            self.values.entry(name.trim().to_ascii_lowercase()).or_default().push(content.to_owned());
        }
    }

    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.values.get(*name)?.first().cloned())
    }

    /// The values of the first name that has any that are no addresses: of several authors each has a tag.
    fn all(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            let mut values: Vec<&str> = Vec::new();
            for value in self.values.get(*name)?.iter().map(|value| value.trim()) {
                if !value.contains("://") && !values.contains(&value) {
                    values.push(value);
                }
            }
            (!values.is_empty()).then(|| values.join(", "))
        })
    }
}

fn is_canonical(link: ElementRef<'_>) -> bool {
    link.value().attr("rel").is_some_and(|rel| rel.trim().eq_ignore_ascii_case("canonical"))
}
