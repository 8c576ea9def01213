//! The JSON-LD of an article: in a list, in a `@graph`, or as it stands; also where its JSON is a little broken.

use scraper::{ElementRef, Html};
use serde_json::Value;

use super::super::tree::elements;
use super::{or, tidy};
use crate::record::Metadata;

/// More of a page's JSON-LD is not read.
const MAX_OBJECTS: usize = 2000;

/// The JSON-LD of a page's article.
#[derive(Default)]
pub(super) struct LinkedData {
    pub(super) metadata: Metadata,
    /// The article's text.
    pub(super) body: Option<String>,
}

/// Reads a page's JSON-LD: the article, then the page itself. Of several articles it takes the one with the `address` of the page
/// or with one of its `titles`, and all of them if none fits.
pub(super) fn linked_data(tree: &Html, address: Option<&str>, titles: &[&str]) -> LinkedData {
    let values: Vec<Value> = scripts(tree).iter().filter_map(|script| parse(script)).collect();
    let mut objects = Vec::new();
    for value in &values {
        flatten(value, &mut objects);
    }
    let all = Objects(objects);
    let address = address.map(path_of);
    let titles: Vec<String> = titles.iter().flat_map(|title| tidy::beginnings(title)).map(tidy::plain).collect();
    let mut articles: Vec<&Value> = all.of_kind(is_article).collect();
    if let Some(best) = articles.iter().map(|article| fit(article, address.as_deref(), &titles)).max() {
        articles.retain(|article| fit(article, address.as_deref(), &titles) == best);
    }
    let body = articles.iter().find_map(|article| word(&article["articleBody"]));
    let pages = all.of_kind(|kind| kind.ends_with("WebPage")).map(|object| all.page(object));
    let metadata = articles.into_iter().map(|article| all.article(article)).chain(pages).fold(Metadata::default(), or);
    LinkedData { metadata, body }
}

/// The fit of an article to the page: 2 by its address, 1 by its title, otherwise 0.
fn fit(article: &Value, address: Option<&str>, titles: &[String]) -> u8 {
    let addresses = [&article["url"], &article["mainEntityOfPage"], &article["@id"]];
    let has_address = addresses.iter().any(|value| {
        let uri = value.as_str().or_else(|| value["@id"].as_str()).or_else(|| value["url"].as_str());
        uri.is_some_and(|uri| Some(path_of(uri).as_str()) == address)
    });
    let title = word(&article["headline"]).or_else(|| word(&article["name"])).and_then(|title| tidy::line(&title));
    match title.map(|title| tidy::plain(&title)) {
        _ if has_address => 2,
        Some(title) if !title.is_empty() && titles.contains(&title) => 1,
        _ => 0,
    }
}

/// An address without its scheme, host and fragment: sites name themselves in several ways.
fn path_of(uri: &str) -> String {
    let uri = uri.trim().split('#').next().unwrap_or_default();
    let path = uri.split_once("://").map_or(uri, |(_, rest)| rest.find('/').map_or("", |start| &rest[start..]));
    path.trim_end_matches('/').to_ascii_lowercase()
}

fn scripts(tree: &Html) -> Vec<String> {
    elements(tree).filter(|element| is_linked_data(*element)).map(|element| element.text().collect()).collect()
}

fn is_linked_data(element: ElementRef<'_>) -> bool {
    let kind = element.value().attr("type").unwrap_or_default();
    element.value().name() == "script" && kind.trim().to_ascii_lowercase().starts_with("application/ld+json")
}

/// JSON, also between comment marks, with line breaks in its strings, commas before a bracket, or a semicolon after it.
fn parse(script: &str) -> Option<Value> {
    let mut script = bare(script);
    for (before, after) in [("<!--", "-->"), ("//<![CDATA[", "//]]>"), ("<![CDATA[", "]]>")] {
        if let Some(inner) = script.strip_prefix(before) {
            script = bare(inner.trim_end().strip_suffix(after).unwrap_or(inner));
        }
    }
    let parsed = serde_json::from_str(script).or_else(|_| serde_json::from_str(&mended(script)));
    // Some programs write the quotation marks of JSON as they would in text.
    parsed.or_else(|_| serde_json::from_str(&mended(&script.replace("&quot;", "\"").replace("&#34;", "\"")))).ok()
}

fn bare(script: &str) -> &str {
    script.trim().trim_matches([';', '\u{feff}']).trim()
}

/// JSON without control characters, and without commas that nothing follows.
fn mended(json: &str) -> String {
    let mut mended = String::with_capacity(json.len());
    let mut is_in_string = false;
    let mut is_escaped = false;
    for character in json.chars() {
        match character {
            '"' if !is_escaped => is_in_string = !is_in_string,
            ']' | '}' if !is_in_string => {
                let end = mended.trim_end_matches([',', ' ']).len();
                mended.truncate(end);
            }
            _ => {}
        }
        is_escaped = character == '\\' && !is_escaped;
        mended.push(if character.is_control() { ' ' } else { character });
    }
    mended
}

/// All objects that stand for themselves: of lists, of `@graph`s, and what a page is about.
fn flatten<'v>(value: &'v Value, objects: &mut Vec<&'v Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| flatten(value, objects)),
        Value::Object(object) if objects.len() < MAX_OBJECTS => {
            objects.push(value);
            let inner = ["@graph", "mainEntity", "mainEntityOfPage", "hasPart", "about"].map(|key| object.get(key));
            inner.into_iter().flatten().for_each(|value| flatten(value, objects));
        }
        _ => {}
    }
}

/// Of schema.org: `NewsArticle`, `BlogPosting`, `Report` and their kin.
fn is_article(kind: &str) -> bool {
    kind.ends_with("Article") || kind.ends_with("Posting") && kind != "JobPosting" || kind == "Report"
}

/// The objects of a page, which name each other by `@id`.
struct Objects<'v>(Vec<&'v Value>);

impl<'v> Objects<'v> {
    fn of_kind(&self, is_kind: impl Fn(&str) -> bool) -> impl Iterator<Item = &'v Value> {
        self.0.iter().copied().filter(move |object| {
            all_of(&object["@type"]).any(|kind| kind.as_str().is_some_and(|kind| is_kind(name_of_kind(kind))))
        })
    }

    /// The object that `value` names by its `@id` alone; else `value`.
    fn resolved(&self, value: &'v Value) -> &'v Value {
        let is_reference = value.as_object().is_some_and(|object| object.len() <= 2 && !object.contains_key("name"));
        let id = value["@id"].as_str().filter(|_| is_reference);
        if id.is_none() {
            return value;
        }
        let named = self.0.iter().find(|object| object["@id"].as_str() == id && !object["name"].is_null());
        named.copied().unwrap_or(value)
    }

    fn article(&self, object: &'v Value) -> Metadata {
        let title = word(&object["headline"]).or_else(|| word(&object["name"]));
        let authors = self.names(&object["author"]).or_else(|| self.names(&object["creator"]));
        let section = all_of(&object["articleSection"]).find_map(word);
        let source = self.names(&object["publisher"]);
        Metadata { title, byline: authors, section, source, ..self.page(object) }
    }

    fn page(&self, object: &'v Value) -> Metadata {
        Metadata {
            published: word(&object["datePublished"]).or_else(|| word(&object["dateCreated"])),
            modified: word(&object["dateModified"]),
            language: all_of(&object["inLanguage"]).find_map(word),
            uri: uri(&object["url"]).or_else(|| uri(&object["mainEntityOfPage"])),
            source: self.names(&object["publisher"]),
            ..Metadata::default()
        }
    }

    /// The names of people or organisations: objects, references, lists or plain names.
    fn names(&self, value: &'v Value) -> Option<String> {
        let mut names: Vec<String> = Vec::new();
        for one in all_of(value) {
            let object = self.resolved(one);
            let name = word(one).or_else(|| all_of(&object["name"]).find_map(word));
            let name = name.and_then(|name| tidy::byline(&name)).filter(|name| !names.contains(name));
            names.extend(name);
        }
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// The kind without its vocabulary: `schema:NewsArticle`, `http://schema.org/NewsArticle`.
fn name_of_kind(kind: &str) -> &str {
    kind.rsplit(['/', ':', '#']).next().unwrap_or(kind)
}

/// The values of a list; else the value itself.
fn all_of(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.as_array().map(Vec::as_slice);
    list.unwrap_or_else(|| std::slice::from_ref(value)).iter()
}

/// A web address: as it is, or as an `@id`.
fn uri(value: &Value) -> Option<String> {
    word(value).or_else(|| word(&value["@id"])).filter(|uri| uri.contains("://"))
}

/// A string that is not blank, also as `@value`.
fn word(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value["@value"].as_str())?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scripts: &[&str]) -> Metadata {
        let script = |json: &&str| format!("<script type='application/ld+json'>{json}</script>");
        linked_data(&Html::parse_document(&scripts.iter().map(script).collect::<String>()), None, &[]).metadata
    }

    #[test]
    fn an_article_is_found_wherever_it_stands() {
        for json in [
            r#"{"@type": "NewsArticle", "headline": "Rain"}"#,
            r#"[{"@type": "Organization", "headline": "x"}, {"@type": ["Thing", "BlogPosting"], "headline": "Rain"}]"#,
            r#"{"@graph": [{"@type": "WebPage", "mainEntity": {"@type": "schema:Report", "headline": "Rain"}}]}"#,
            "<!-- {\"@type\": \"http://schema.org/Article\", \"headline\": \"Rain\"}; -->",
            "{\"@type\": \"LiveBlogPosting\", \"headline\": \"Rain\", \"description\": \"a\nb\"}",
        ] {
            assert_eq!(of(&["{broken", json]).title.as_deref(), Some("Rain"), "{json}");
        }
    }

    #[test]
    fn authors_are_objects_references_or_names() {
        let authors = r##"{"@graph": [{"@type": "Article", "author": [{"@id": "#v"}, "Tom Wren", {"name": "By Ida Moss"}, "Tom Wren"]},
            {"@id": "#v", "@type": "Person", "name": "Ada Vale"}]}"##;
        assert_eq!(of(&[authors]).byline.as_deref(), Some("Ada Vale, Tom Wren, Ida Moss"));
    }

    #[test]
    fn a_page_says_what_its_article_leaves_out_and_other_things_nothing() {
        let json = r#"[{"@type": "WebPage", "datePublished": "2031-03-01", "inLanguage": "en"},
            {"@type": "NewsArticle", "publisher": {"name": "The Quay Courier"}, "articleSection": ["Local", "Sea"]},
            {"@type": "JobPosting", "datePosted": "2031", "title": "Clerk"}, {"@type": "Product", "name": "Boat"}]"#;
        let expected = Metadata {
            published: Some("2031-03-01".to_owned()),
            language: Some("en".to_owned()),
            source: Some("The Quay Courier".to_owned()),
            section: Some("Local".to_owned()),
            ..Metadata::default()
        };
        assert_eq!(of(&[json]), expected);
        assert_eq!(of(&[&"[".repeat(10_000), r#"{"@type": 7}"#, "null"]), Metadata::default());
    }

    fn of_page(json: &str, address: &str, titles: &[&str]) -> Option<String> {
        let html = format!("<script type='application/ld+json'>{json}</script>");
        linked_data(&Html::parse_document(&html), Some(address), titles).metadata.title
    }

    #[test]
    fn of_several_articles_the_one_of_the_page_is_taken() {
        let articles = r#"[{"@type": "Article", "headline": "Ferry full", "url": "https://quay.example/ferry"},
            {"@type": "Article", "headline": "Rain", "mainEntityOfPage": {"@id": "http://www.quay.example/rain/"}}]"#;
        assert_eq!(of_page(articles, "https://quay.example/rain#top", &[]).as_deref(), Some("Rain"));
        assert_eq!(of_page(articles, "https://quay.example/x", &["Rain | The Quay Courier"]).as_deref(), Some("Rain"));
        assert_eq!(of_page(articles, "https://quay.example/x", &["Snow"]).as_deref(), Some("Ferry full"));
    }

    #[test]
    fn other_articles_add_nothing_to_the_one_of_the_page() {
        let articles = r#"[{"@type": "Article", "headline": "Ferry", "author": "Tom Wren"}, {"@type": "Article", "headline": "Rain"}]"#;
        let html = format!("<script type='application/ld+json'>{articles}</script>");
        let found = linked_data(&Html::parse_document(&html), None, &["Rain"]).metadata;
        assert_eq!((found.title.as_deref(), found.byline), (Some("Rain"), None));
    }

    #[test]
    fn commas_before_a_bracket_are_forgiven() {
        let json =
            r#"{"@type": "Article", "headline": "Rain, [again,] and \", }", "author": [{"name": "Ada Vale", }, ], }"#;
        let found = of(&[json]);
        assert_eq!(found.title.as_deref(), Some("Rain, [again,] and \", }"));
        assert_eq!(found.byline.as_deref(), Some("Ada Vale"));
    }
}
