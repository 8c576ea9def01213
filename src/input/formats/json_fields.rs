//! Values of JSON to texts and metadata, whatever their form: lists are joined, and objects give their name or their text.

use serde_json::{Map, Value as Json};

/// Fields of an object that stands for a text.
pub(super) const TEXT_NAMES: [&str; 10] =
    ["text", "value", "content", "rendered", "paragraph", "body", "html", "p", "#text", "$t"];

/// Fields of an object that stands for a part of a text, and hold its smaller parts.
const TREE_NAMES: &[&str] =
    &["paragraphs", "children", "blocks", "sections", "sentences", "contents", "data", "items", "root"];

/// Fields that say what a node of a tree is.
const KINDS: [&str; 5] = ["type", "_type", "nodeType", "style", "role"];

/// Fields of a section that stand above its text.
const HEADINGS: [&str; 5] = ["heading", "title", "header", "subtitle", "question"];

/// Fields of an object that stands for a name, a date or an id, the best first.
pub(super) const WORD_NAMES: [&str; 21] = [
    "name",
    "full_name",
    "fullName",
    "display_name",
    "displayName",
    "title",
    "main",
    "original",
    "value",
    "label",
    "text",
    "rendered",
    "content",
    "term",
    "code",
    "#text",
    "$t",
    "person",
    "$oid",
    "$date",
    "$numberLong",
];

/// The content of a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It is missing, null or blank.
    Nothing,
    /// It has a text.
    Text(String),
    /// It has something else.
    Unreadable,
}

impl Held {
    fn from_text(text: String) -> Self {
        if text.trim().is_empty() { Self::Nothing } else { Self::Text(text) }
    }

    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Unreadable => None,
        }
    }
}

/// The text of an article that is the value of a field. A string may hold the JSON of an editor.
pub(super) fn body(value: Json) -> Held {
    if let Json::String(string) = &value {
        let inner = string.trim();
        let is_json = inner.starts_with(['{', '[']) && inner.ends_with(['}', ']']);
        let held = is_json.then(|| serde_json::from_str(inner).map_or(Held::Unreadable, text));
        if let Some(held @ (Held::Text(_) | Held::Nothing)) = held {
            return held;
        }
    }
    text(value)
}

/// The text of an article. The items of a list are its paragraphs: strings, or objects with a text. Editors keep a text as a tree: of
/// blocks, and of pieces of a line below them.
pub(super) fn text(value: Json) -> Held {
    match value {
        Json::Null => Held::Nothing,
        Json::String(text) => Held::from_text(text),
        Json::Array(items) if items.is_empty() => Held::Nothing,
        Json::Array(items) => {
            let is_readable =
                items.iter().any(|item| matches!(item, Json::String(_) | Json::Object(_) | Json::Array(_)));
            let is_list = items.iter().any(Json::is_array);
            let paragraphs: Vec<String> = items.into_iter().filter_map(|item| text(item).into_text()).collect();
            let is_unreadable = !is_readable || is_list && paragraphs.is_empty();
            if is_unreadable { Held::Unreadable } else { Held::from_text(paragraphs.join("\n\n")) }
        }
        Json::Object(fields) => text_of_object(fields),
        Json::Number(_) | Json::Bool(_) => Held::Unreadable,
    }
}

/// The text of an object: of a node in the tree of an editor, of a section with a heading, or of one that has nothing but a text.
fn text_of_object(mut fields: Map<String, Json>) -> Held {
    const PICTURES: [&str; 12] = [
        "audio",
        "byline",
        "caption",
        "divider",
        "embed",
        "figure",
        "gallery",
        "image",
        "interstitial_link",
        "link_list",
        "photo",
        "video",
    ];
    let kind = KINDS.iter().find_map(|name| fields.get(*name)?.as_str()).unwrap_or_default().to_owned();
    if PICTURES.contains(&kind.as_str()) {
        return Held::Nothing;
    }
    if let Some(line) = ["children", "content"].iter().find_map(|name| line_of_pieces(fields.get(*name)?, &kind)) {
        return Held::from_text(line);
    }
    let headings: Vec<String> =
        HEADINGS.iter().filter_map(|name| Some(fields.remove(*name)?.as_str()?.trim().to_owned())).collect();
    let body = TEXT_NAMES.iter().chain(TREE_NAMES).find_map(|name| fields.remove(*name));
    let body = match body {
        Some(body) => text(body),
        // A name that nobody knows still holds a text, if it is the only one.
        None => only_sentence(&fields).map_or(Held::Unreadable, Held::from_text),
    };
    match body {
        Held::Text(body) => {
            let parts: Vec<String> = headings.into_iter().filter(|part| !part.is_empty()).chain([body]).collect();
            Held::Text(parts.join("\n\n"))
        }
        other => other,
    }
}

/// The line that pieces of text make without anything between them, below a node that says what it is. None where there are blocks.
fn line_of_pieces(value: &Json, kind: &str) -> Option<String> {
    let pieces = value.as_array().filter(|pieces| !pieces.is_empty())?;
    let is_root = matches!(kind, "" | "doc" | "document" | "root" | "body" | "article");
    if is_root {
        return None;
    }
    pieces.iter().map(piece).collect()
}

/// A piece of a line: a text, a link around pieces, or nothing that is read.
fn piece(value: &Json) -> Option<String> {
    let fields = value.as_object()?;
    if let Some(text) = ["text", "value"].iter().find_map(|name| fields.get(*name)?.as_str()) {
        return Some(text.to_owned());
    }
    let kind = KINDS.iter().find_map(|name| fields.get(*name)?.as_str()).unwrap_or_default().to_ascii_lowercase();
    if kind.contains("break") {
        return Some("\n".to_owned());
    }
    let inner = ["children", "content"].iter().find_map(|name| fields.get(*name)?.as_array());
    match inner {
        Some(inner) if kind.contains("link") || kind.contains("inline") => inner.iter().map(piece).collect(),
        Some(_) => None,
        None => kind.contains("inline").then(String::new),
    }
}

/// The only text of several words in an object that has no other.
fn only_sentence(fields: &Map<String, Json>) -> Option<String> {
    let mut texts = fields.values().filter_map(Json::as_str).filter(|text| text.trim().contains(' '));
    texts.next().filter(|_| texts.next().is_none()).map(str::to_owned)
}

/// A field of metadata. Of a list it is the first item that says something.
pub(super) fn word(value: Json) -> Held {
    match value {
        Json::Null => Held::Nothing,
        Json::String(text) => Held::from_text(text),
        Json::Number(number) => Held::Text(number.to_string()),
        Json::Array(items) if items.is_empty() => Held::Nothing,
        Json::Array(items) => {
            items.into_iter().find_map(|item| word(item).into_text()).map_or(Held::Unreadable, Held::Text)
        }
        Json::Object(fields) if fields.is_empty() => Held::Nothing,
        Json::Object(fields) if is_numbered(&fields) => word(Json::Array(fields.into_values().collect())),
        Json::Object(mut fields) => {
            let found = WORD_NAMES.iter().find_map(|name| word(fields.remove(*name)?).into_text());
            found.or_else(|| full_name(&mut fields)).map_or(Held::Unreadable, Held::Text)
        }
        Json::Bool(_) => Held::Unreadable,
    }
}

/// As [`word`]; the items of a list are joined by commas.
pub(super) fn names(value: Json) -> Held {
    match value {
        Json::Array(items) if !items.is_empty() => {
            let names: Vec<String> = items.into_iter().filter_map(|item| word(item).into_text()).collect();
            if names.is_empty() { Held::Unreadable } else { Held::Text(names.join(", ")) }
        }
        Json::Object(fields) if is_numbered(&fields) => names(Json::Array(fields.into_values().collect())),
        value => word(value),
    }
}

/// Tells whether an object is a list, as PHP writes one that has lost an item.
fn is_numbered(fields: &Map<String, Json>) -> bool {
    !fields.is_empty() && fields.keys().all(|key| key.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A first and a last name.
fn full_name(fields: &mut Map<String, Json>) -> Option<String> {
    const FIRST: [&str; 5] = ["first_name", "firstName", "firstname", "given", "first"];
    const LAST: [&str; 5] = ["last_name", "lastName", "lastname", "family", "last"];
    let names: Vec<String> = [FIRST, LAST]
        .iter()
        .filter_map(|names| names.iter().find_map(|name| word(fields.remove(*name)?).into_text()))
        .collect();
    (!names.is_empty()).then(|| names.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn held(text: &str) -> Held {
        Held::Text(text.to_owned())
    }

    #[test]
    fn items_of_a_text_are_paragraphs() {
        assert_eq!(text(json!(["One.", "", "Two.", null])), held("One.\n\nTwo."));
        assert_eq!(
            text(json!([{"type": "p", "text": "One."}, {"content": ["Two.", "Three."]}])),
            held("One.\n\nTwo.\n\nThree.")
        );
        assert_eq!(text(json!({"rendered": "One."})), held("One."));
        assert_eq!([json!([]), json!(null), json!(" "), json!([""])].map(text), [const { Held::Nothing }; 4]);
        let tree = json!({"type": "doc", "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "One "}, {"type": "text", "text": "word."}]},
            {"type": "image", "title": "A quay"},
            {"type": "paragraph", "content": [{"type": "text", "text": "Two."}]}
        ]});
        assert_eq!(text(tree), held("One word.\n\nTwo."));
        let spans = json!([{"_type": "block", "children": [{"_type": "span", "text": "One "}, {"_type": "span", "text": "word."}]}]);
        assert_eq!(text(spans), held("One word."));
        assert_eq!(text(json!({"blocks": [{"type": "paragraph", "data": {"text": "One."}}]})), held("One."));
        assert_eq!(text(json!([{"heading": "Next", "paragraphs": ["One.", "Two."]}])), held("Next\n\nOne.\n\nTwo."));
        assert_eq!(
            text(json!([["One.", "Two."], [{"sentence": "Three words here."}]])),
            held("One.\n\nTwo.\n\nThree words here.")
        );
        assert_eq!([json!(7), json!([7]), json!({"a": "b"}), json!(true)].map(text), [const { Held::Unreadable }; 4]);
    }

    #[test]
    fn metadata_is_a_name_or_the_first_of_a_list() {
        assert_eq!(word(json!({"id": 3, "name": "Bay Courier"})), held("Bay Courier"));
        assert_eq!(word(json!(["", "Local", "Harbour"])), held("Local"));
        assert_eq!(word(json!({"$date": {"$numberLong": "1930374900000"}})), held("1930374900000"));
        assert_eq!(word(json!(12)), held("12"));
        assert_eq!([json!({}), json!([]), json!(null), json!("")].map(word), [const { Held::Nothing }; 4]);
        assert_eq!([json!({"a": "b"}), json!([[]]), json!(true)].map(word), [const { Held::Unreadable }; 3]);
    }

    #[test]
    fn bylines_are_joined() {
        assert_eq!(names(json!(["Ida Brenn", "Per Holm"])), held("Ida Brenn, Per Holm"));
        let people = json!([{"name": "Ida Brenn"}, {"first_name": "Per", "last_name": "Holm"}, {"id": 3}]);
        assert_eq!(names(people), held("Ida Brenn, Per Holm"));
        assert_eq!(names(json!({"original": "By Ida Brenn"})), held("By Ida Brenn"));
    }
}
