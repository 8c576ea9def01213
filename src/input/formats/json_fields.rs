//! Values of JSON to texts and metadata, whatever their form: lists are joined, and objects give their name or their text.

use serde_json::{Map, Value as Json};

/// Fields of an object that stands for a text.
pub(super) const TEXT_NAMES: [&str; 10] =
    ["text", "value", "content", "rendered", "paragraph", "body", "html", "p", "#text", "$t"];

/// Fields of an object that stands for a name, a date or an id, the best first.
pub(super) const WORD_NAMES: [&str; 20] = [
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

/// The text of an article. The items of a list are its paragraphs: strings, or objects with a text.
pub(super) fn text(value: Json) -> Held {
    match value {
        Json::Null => Held::Nothing,
        Json::String(text) => Held::from_text(text),
        Json::Array(items) if items.is_empty() => Held::Nothing,
        Json::Array(items) => {
            let is_readable = items.iter().any(|item| matches!(item, Json::String(_) | Json::Object(_)));
            let paragraphs: Vec<String> = items.into_iter().filter_map(|item| text(item).into_text()).collect();
            if is_readable { Held::from_text(paragraphs.join("\n\n")) } else { Held::Unreadable }
        }
        Json::Object(mut fields) => {
            let found = TEXT_NAMES.iter().find_map(|name| fields.remove(*name));
            found.map_or(Held::Unreadable, text)
        }
        Json::Number(_) | Json::Bool(_) => Held::Unreadable,
    }
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
        value => word(value),
    }
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
