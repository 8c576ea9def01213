//! Objects of JSON whose text is not in the configured field, and whose names tell where it is: JSON Feed, posts of WordPress, JSON-LD,
//! articles with a list of `contents` as the Washington Post has them.

use serde_json::Value as Json;

use super::json_fields::{Held, names, text, word};
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::input::text::record_markup::html_text;
use crate::record::{Metadata, Reason};

/// The place of the text in an object, and the names of its metadata: each the best first.
struct Shape {
    body: fn(&Json) -> Option<String>,
    id: &'static [&'static str],
    uri: &'static [&'static str],
    title: &'static [&'static str],
    byline: &'static [&'static str],
    published: &'static [&'static str],
    modified: &'static [&'static str],
    section: &'static [&'static str],
    language: &'static [&'static str],
    source: &'static [&'static str],
}

const SHAPES: [Shape; 4] = [
    Shape {
        body: json_feed,
        id: &["id"],
        uri: &["url", "external_url", "id"],
        title: &["title"],
        byline: &["authors", "author"],
        published: &["date_published"],
        modified: &["date_modified"],
        section: &["tags"],
        language: &["language"],
        source: &[],
    },
    Shape {
        body: wordpress,
        id: &["id"],
        uri: &["link"],
        title: &["title"],
        byline: &["author_name", "/_embedded/author", "/yoast_head_json/author"],
        published: &["date_gmt", "date"],
        modified: &["modified_gmt", "modified"],
        section: &["section", "/_embedded/wp:term/0"],
        language: &["lang"],
        source: &["/yoast_head_json/og_site_name"],
    },
    Shape {
        body: schema_org,
        id: &["@id", "identifier"],
        uri: &["url", "@id"],
        title: &["headline", "name"],
        byline: &["author", "creator"],
        published: &["datePublished"],
        modified: &["dateModified"],
        section: &["articleSection"],
        language: &["inLanguage"],
        source: &["publisher"],
    },
    Shape {
        body: contents,
        id: &["id"],
        uri: &["article_url", "url"],
        title: &["title"],
        byline: &["author", "byline"],
        published: &["published_date", "published"],
        modified: &["modified_date"],
        section: &["section"],
        language: &["language"],
        source: &["source"],
    },
];

/// An object to a document, where it has one of these shapes; none where it does not.
pub(super) fn parse(object: &Json, encoding: &'static str) -> Option<Result<ParsedRecord, Refusal>> {
    let (shape, body) = SHAPES.iter().find_map(|shape| Some((shape, (shape.body)(object)?)))?;
    if body.trim().is_empty() {
        return Some(Err(Refusal::new(Reason::Empty, "holds no text")));
    }
    let metadata = Metadata {
        uri: first(object, shape.uri),
        title: first(object, shape.title),
        byline: first_of(object, shape.byline, names),
        published: first(object, shape.published),
        modified: first(object, shape.modified),
        section: first(object, shape.section),
        language: first(object, shape.language),
        source: first(object, shape.source),
    };
    Some(Ok(ParsedRecord { own_id: first(object, shape.id), metadata, ..ParsedRecord::new(body, encoding) }))
}

fn first(object: &Json, fields: &[&str]) -> Option<String> {
    first_of(object, fields, word)
}

fn first_of(object: &Json, fields: &[&str], held: fn(Json) -> Held) -> Option<String> {
    let value = |field: &str| if field.starts_with('/') { object.pointer(field) } else { object.get(field) };
    fields.iter().find_map(|field| held(value(field)?.clone()).into_text())
}

fn json_feed(object: &Json) -> Option<String> {
    let html = object.get("content_html").and_then(Json::as_str).map(|html| html_text(html).0);
    if html.is_none() && object.get("content_text").is_none() {
        return None;
    }
    let text = html.filter(|text| !text.trim().is_empty()).or_else(|| string(object, "content_text"));
    let text = text.filter(|text| !text.trim().is_empty()).or_else(|| string(object, "summary"));
    Some(text.unwrap_or_default())
}

fn string(object: &Json, field: &str) -> Option<String> {
    object.get(field).and_then(Json::as_str).map(str::to_owned)
}

fn wordpress(object: &Json) -> Option<String> {
    object["content"]["rendered"].as_str().map(|html| html_text(html).0)
}

fn schema_org(object: &Json) -> Option<String> {
    object["articleBody"].as_str().map(|body| html_text(body).0)
}

fn contents(object: &Json) -> Option<String> {
    let items = object.get("contents")?.as_array()?;
    let paragraphs = items.iter().filter(|item| item["type"] == "sanitized_html" && item["content"].is_string());
    let paragraphs = paragraphs.map(|item| item["content"].clone());
    let Held::Text(html) = text(Json::Array(paragraphs.collect())) else { return None };
    Some(html_text(&html).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(object: &Json) -> ParsedRecord {
        parse(object, "UTF-8").unwrap().unwrap()
    }

    #[test]
    fn a_json_feed_has_html_or_text() {
        let item = json!({
            "id": 7, "url": "https://b.example/7", "title": "Quay", "content_html": "<p>One.</p><p>Two.</p>",
            "date_published": "2031-03-04T07:15:00Z", "authors": [{"name": "Ida Brenn"}, {"name": "Per Holm"}], "tags": ["Local"]
        });
        let ParsedRecord { own_id, metadata, text, .. } = parsed(&item);
        assert_eq!((own_id.as_deref(), text.as_str()), (Some("7"), "One.\n\nTwo."));
        assert_eq!(metadata.byline.as_deref(), Some("Ida Brenn, Per Holm"));
        assert_eq!(metadata.section.as_deref(), Some("Local"));
        let plain = json!({"content_html": "", "content_text": "One.\n\nTwo."});
        assert_eq!(parsed(&plain).text, "One.\n\nTwo.");
    }

    #[test]
    fn a_post_has_rendered_content() {
        let post = json!({"id": 7, "title": {"rendered": "Quay"}, "content": {"rendered": "<p>One.</p>\n<p>Two.</p>"}});
        let ParsedRecord { metadata, text, .. } = parsed(&post);
        assert_eq!((metadata.title.as_deref(), text.as_str()), (Some("Quay"), "One.\n\nTwo."));
        let embedded = json!({"content": {"rendered": "<p>One.</p>"}, "_embedded": {"author": [{"name": "Ida Brenn"}], "wp:term": [[{"name": "Local"}]]}});
        let metadata = parsed(&embedded).metadata;
        assert_eq!((metadata.byline.as_deref(), metadata.section.as_deref()), (Some("Ida Brenn"), Some("Local")));
    }

    #[test]
    fn an_article_of_schema_org_has_a_body() {
        let article =
            json!({"@type": "NewsArticle", "headline": "Quay", "articleBody": "One.", "author": {"name": "Ida Brenn"}});
        let ParsedRecord { metadata, text, .. } = parsed(&article);
        assert_eq!((metadata.byline.as_deref(), text.as_str()), (Some("Ida Brenn"), "One."));
    }

    #[test]
    fn of_a_list_of_contents_the_paragraphs_are_the_text() {
        let contents = json!([
            {"type": "title", "content": "Quay"}, {"type": "sanitized_html", "content": "One <i>word</i>."}, null,
            {"type": "sanitized_html", "content": "Two."}, {"type": "image", "fullcaption": "The quay."}
        ]);
        let ParsedRecord { metadata, text, .. } =
            parsed(&json!({"id": "b", "author": "Ida Brenn", "contents": contents}));
        assert_eq!((metadata.byline.as_deref(), text.as_str()), (Some("Ida Brenn"), "One word.\n\nTwo."));
    }

    #[test]
    fn other_objects_have_no_text() {
        for object in [json!({}), json!({"contents": "x"}), json!({"contents": []}), json!({"content": "x"}), json!([])]
        {
            assert!(parse(&object, "UTF-8").is_none(), "{object}");
        }
    }
}
