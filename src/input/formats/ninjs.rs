//! ninjs, the JSON of news agencies, from version 1 to 3: the names of its fields have changed, and what they hold has not.

use serde_json::Value as Json;

use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::input::text::record_markup::html_text;
use crate::record::{Metadata, Reason};

/// An object to a document, where it is ninjs with a text; none where it is not.
pub(super) fn parse(object: &Json, encoding: &'static str) -> Option<Result<ParsedRecord, Refusal>> {
    let body = body(object)?;
    if body.trim().is_empty() {
        return Some(Err(Refusal::new(Reason::Empty, "is ninjs with an empty body")));
    }
    let first = word(object, &["firstcreated", "firstCreated"]);
    let version = word(object, &["versioncreated", "versionCreated"]);
    let metadata = Metadata {
        uri: word(object, &["uri", "guid"]),
        title: word(object, &["headline", "title"]).or_else(|| best(object, &["headlines"], "main")),
        byline: word(object, &["byline", "by"]),
        modified: first.as_ref().and(version.clone()),
        published: first.or(version),
        section: word(object, &["section"]),
        language: word(object, &["language"]),
        source: best(object, &["infosource", "infosources", "infoSources"], "")
            .or_else(|| word(object, &["source", "copyrightholder", "copyrightHolder"])),
    };
    let own_id = metadata.uri.clone();
    Some(Ok(ParsedRecord { own_id, metadata, ..ParsedRecord::new(body, encoding) }))
}

/// Tells whether an object has one of the fields that hold the text of ninjs.
pub(super) fn has_body(object: &Json) -> bool {
    ["body_xhtml", "body_html", "body_text", "bodies"].iter().any(|name| object.get(name).is_some())
}

/// The text, empty where its fields are: from markup where there is some, which has paragraphs.
fn body(object: &Json) -> Option<String> {
    let mut is_there = false;
    for name in ["body_xhtml", "body_html", "body_text"] {
        let Some(body) = object[name].as_str() else { continue };
        is_there = true;
        let text = if name == "body_text" { body.to_owned() } else { html_text(body).0 };
        if !text.trim().is_empty() {
            return Some(text);
        }
    }
    body_of_list(object).or_else(|| is_there.then(String::new))
}

/// The text of a list of bodies.
fn body_of_list(object: &Json) -> Option<String> {
    let bodies: Vec<&Json> = object["bodies"].as_array()?.iter().filter(|body| body["value"].is_string()).collect();
    let marked = bodies.iter().find(|body| is_markup(body));
    let marked = marked.map(|body| html_text(body["value"].as_str().unwrap_or_default()).0);
    marked.or_else(|| bodies.first().and_then(|body| body["value"].as_str()).map(str::to_owned))
}

fn is_markup(body: &Json) -> bool {
    let kind = word(body, &["contenttype", "contentType"]).unwrap_or_default().to_ascii_lowercase();
    kind.contains("html") || kind.contains("xml") || kind.is_empty() && body["role"] == "html"
}

/// The first of the fields of these names that is not blank.
fn word(object: &Json, names: &[&str]) -> Option<String> {
    let word = names.iter().find_map(|name| object[*name].as_str().filter(|text| !text.trim().is_empty()));
    word.map(str::to_owned)
}

/// The value or name of a list's first item of this role, or else of its first item.
fn best(object: &Json, lists: &[&str], role: &str) -> Option<String> {
    let items = lists.iter().find_map(|name| object[*name].as_array())?;
    let item = items.iter().find(|item| item["role"] == role).or_else(|| items.first())?;
    word(item, &["value", "name"])
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_texts};
    use crate::record::Reason;

    #[test]
    fn an_object_with_a_body_instead_of_the_text_field_is_ninjs() {
        let article = read_article(
            "a.json",
            br#"{"uri": "urn:1", "headline": "Storm", "versioncreated": "2031-03-04",
                "body_xhtml": "<p>One.</p><p>Two.</p>"}"#,
        );
        assert_eq!(article.text, "One.\n\nTwo.");
        assert_eq!((article.own_id.as_deref(), article.metadata.title.as_deref()), (Some("urn:1"), Some("Storm")));
        assert_eq!((article.metadata.published.as_deref(), article.metadata.modified), (Some("2031-03-04"), None));
    }

    #[test]
    fn version_3_has_a_list_of_bodies() {
        let bodies = br#"{"bodies": [{"value": "Plain.", "contenttype": "text/plain"},
            {"value": "<p>Marked.</p>", "contenttype": "text/html"}]}"#;
        assert_eq!(read_texts("a.json", bodies), [Ok("Marked.".to_owned())]);
        assert_eq!(read_texts("a.json", br#"{"body_text": " "}"#), [Err(Reason::Empty)]);
        assert_eq!(read_texts("a.json", br#"{"headline": "Storm"}"#), [Err(Reason::MissingText)]);
    }
}
