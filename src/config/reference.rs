//! The reference of `pipeline.toml`: each section and key with its type, default and meaning. All of it is read from the shipped file,
//! which has a comment for each key, and from the JSON Schema. So there is one text for the file, editors and the manual page.

use serde_json::Value;

use super::json_schema;

/// The configuration of the repository: every key with its default and a comment.
pub const SHIPPED: &str = include_str!("../../pipeline.toml");

/// A section of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionReference {
    /// The name as it is in the file, such as `input.copies` or `tasks.topic`.
    pub name: String,
    /// True if there can be several of it: `[[tests]]`.
    pub is_list: bool,
    /// Its meaning. Empty if its name says all.
    pub meaning: String,
    /// Its keys, in the order of the file.
    pub keys: Vec<KeyReference>,
}

/// A key of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReference {
    /// The name.
    pub name: String,
    /// The values that are allowed, such as "a whole number from 1 to 1024".
    pub allowed: String,
    /// The value in the shipped file, as TOML.
    pub value: ShippedValue,
    /// Its meaning, which includes the default where that is not the value of the shipped file. Empty if its name says all.
    pub meaning: String,
}

/// The value of a key in the shipped file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShippedValue {
    /// It is the default.
    Default(String),
    /// It is another value than the default.
    Chosen(String),
    /// It stands in a comment, and is not the default.
    Example(String),
    /// The file does not have the key.
    Absent,
}

/// All sections and keys, in the order of the shipped file. What only the schema has comes last.
#[must_use]
pub fn sections() -> Vec<SectionReference> {
    let schema = json_schema();
    let mut sections = shipped_sections(&schema);
    let names = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name);
    for name in names {
        let has_name = |section: &SectionReference| section.name.split('.').next() == Some(name);
        if !sections.iter().any(has_name) {
            sections.push(section_of_schema(&schema, name));
        }
    }
    sections
}

/// A line of the shipped file with a key, also in a comment.
struct KeyLine<'t> {
    name: &'t str,
    value: &'t str,
    comment: &'t str,
    is_commented_out: bool,
}

fn shipped_sections(schema: &Value) -> Vec<SectionReference> {
    let mut sections: Vec<SectionReference> = Vec::new();
    // The lines of a comment above a section belong to its meaning.
    let mut above: Vec<&str> = Vec::new();
    for line in SHIPPED.lines() {
        if line.is_empty() {
            above.clear();
        } else if let Some((name, comment)) = section_line(line) {
            let definition = section_schema(schema, name);
            let texts = above.drain(..).chain([comment]).filter(|text| !text.is_empty());
            let mut meaning = texts.collect::<Vec<_>>().join(" ");
            if meaning.is_empty() {
                meaning = description(definition);
            }
            sections.push(SectionReference { name: name.to_owned(), is_list: false, meaning, keys: Vec::new() });
        } else if let (Some(line), Some(section)) = (key_line(line), sections.last_mut()) {
            let key = key_reference(schema, &section.name, &line);
            section.keys.push(key);
        } else if let Some(text) = line.strip_prefix("# ") {
            above.push(text);
        }
    }
    sections
}

/// The name and the comment of a line `[name]  # comment`, also of one in a comment.
fn section_line(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    let (name, rest) = line.strip_prefix('[')?.split_once(']')?;
    Some((name, rest.trim_start().trim_start_matches('#').trim()))
}

fn key_line(line: &str) -> Option<KeyLine<'_>> {
    let is_commented_out = line.starts_with("# ");
    let (name, rest) = line.strip_prefix("# ").unwrap_or(line).split_once(" = ")?;
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    if !name.chars().all(is_name) {
        return None;
    }
    let mut is_quoted = false;
    let comment = rest.char_indices().find_map(|(place, letter)| {
        is_quoted ^= letter == '"';
        (letter == '#' && !is_quoted).then_some(place)
    });
    let (value, comment) = rest.split_at(comment.unwrap_or(rest.len()));
    Some(KeyLine { name, value: value.trim(), comment: comment.trim_start_matches('#').trim(), is_commented_out })
}

fn key_reference(schema: &Value, section: &str, line: &KeyLine) -> KeyReference {
    let definition = &section_schema(schema, section)["properties"][line.name];
    let value = line.value.to_owned();
    let value = match (line.is_commented_out, tells_default(section, line.name)) {
        (_, false) => ShippedValue::Default(value),
        (false, true) => ShippedValue::Chosen(value),
        (true, true) => ShippedValue::Example(value),
    };
    // A comment that tells nothing but the default needs the description of the schema before it.
    let meaning = if line.comment.is_empty() || line.comment.starts_with('(') {
        format!("{} {}", description(definition).trim_end_matches('.'), line.comment).trim().to_owned()
    } else {
        line.comment.to_owned()
    };
    KeyReference { name: line.name.to_owned(), allowed: allowed_values(schema, definition), value, meaning }
}

/// True if a comment tells the default of a key, so that it is not the value of the file. In sections with names of the user's choice,
/// such as `[tasks.topic]`, the comment on the first key of a name counts for all.
fn tells_default(section: &str, key: &str) -> bool {
    let kind = section.split_once('.').filter(|(kind, _)| matches!(*kind, "models" | "tasks")).map(|(kind, _)| kind);
    let mut is_inside = false;
    SHIPPED.lines().any(|line| {
        if let Some((name, _)) = section_line(line) {
            is_inside = name == section || kind.is_some_and(|kind| name.split('.').next() == Some(kind));
        }
        let line = key_line(line).filter(|line| is_inside && line.name == key);
        line.is_some_and(|line| ["(default", "(no default"].iter().any(|words| line.comment.contains(words)))
    })
}

/// A section that the shipped file does not have.
fn section_of_schema(schema: &Value, name: &str) -> SectionReference {
    let definition = section_schema(schema, name);
    let properties = definition["properties"].as_object().into_iter().flatten();
    let required = definition["required"].as_array();
    let keys = properties.map(|(key, of_key)| {
        let is_required = required.is_some_and(|names| names.iter().any(|name| name == key));
        let mut meaning = description(of_key);
        if is_required {
            meaning += " (no default)";
        }
        let allowed = allowed_values(schema, of_key);
        KeyReference { name: key.clone(), allowed, value: ShippedValue::Absent, meaning }
    });
    SectionReference {
        name: name.to_owned(),
        is_list: schema["properties"][name]["type"] == "array",
        meaning: description(definition),
        keys: keys.collect(),
    }
}

/// The schema of a section: `input.copies` is inside `input`, and `tasks.topic` is one of `tasks`.
fn section_schema<'s>(schema: &'s Value, name: &str) -> &'s Value {
    let mut definition = schema;
    for step in name.split('.') {
        let named = &definition["properties"][step];
        definition = resolved(schema, if named.is_null() { &definition["additionalProperties"] } else { named });
        if definition["type"] == "array" {
            definition = resolved(schema, &definition["items"]);
        }
    }
    definition
}

/// The definition that a schema refers to, or itself.
fn resolved<'s>(schema: &'s Value, definition: &'s Value) -> &'s Value {
    let inner = if definition["allOf"].is_array() { &definition["allOf"][0] } else { definition };
    match inner["$ref"].as_str() {
        Some(path) => schema.pointer(path.trim_start_matches('#')).unwrap_or(inner),
        None => inner,
    }
}

/// The description in a schema, in one line. Those of sections begin with their name, which goes.
fn description(definition: &Value) -> String {
    let text = definition["description"].as_str().unwrap_or_default().replace('\n', " ");
    match text.strip_prefix("`[").and_then(|rest| rest.split_once("]`: ")) {
        Some((_, text)) => text.to_owned(),
        None => text,
    }
}

/// The values that a schema allows, in words.
fn allowed_values(schema: &Value, definition: &Value) -> String {
    let definition = resolved(schema, definition);
    let alternatives = ["oneOf", "anyOf"].into_iter().find_map(|key| definition[key].as_array());
    if let Some(alternatives) = alternatives {
        return joined(alternatives.iter().map(|one| allowed_values(schema, one)));
    }
    if let Some(values) = definition["enum"].as_array() {
        return joined(values.iter().map(Value::to_string));
    }
    if !definition["const"].is_null() {
        return definition["const"].to_string();
    }
    let minimum = &definition["minimum"];
    let limits = match (minimum.is_null(), definition["maximum"].is_null()) {
        (false, false) => format!(" from {minimum} to {}", definition["maximum"]),
        (false, true) => format!(" from {minimum}"),
        _ => String::new(),
    };
    // ["integer", "null"] is an integer that can be left out.
    let kind = definition["type"].as_str().or_else(|| definition["type"][0].as_str());
    match kind {
        Some("integer") => format!("a whole number{limits}"),
        Some("number") => format!("a number{limits}"),
        Some("boolean") => "true or false".to_owned(),
        Some("string") => "a string".to_owned(),
        Some("array") => format!("a list, each item {}", allowed_values(schema, &definition["items"])),
        Some("object") => {
            format!("a table, each value {}", allowed_values(schema, &definition["additionalProperties"]))
        }
        _ => "any value".to_owned(),
    }
}

/// `a`, `a or b`, `a, b or c`.
fn joined(values: impl Iterator<Item = String>) -> String {
    let mut values: Vec<String> = values.collect();
    let last = values.pop().unwrap_or_default();
    if values.is_empty() { last } else { format!("{} or {last}", values.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(section: &str, name: &str) -> KeyReference {
        let section = sections().into_iter().find(|known| known.name == section).unwrap();
        section.keys.into_iter().find(|key| key.name == name).unwrap()
    }

    /// The keys of a section of the schema that are not sections themselves.
    fn keys_of_schema(schema: &Value, section: &str) -> Vec<String> {
        let properties = section_schema(schema, section)["properties"].as_object().unwrap();
        let is_section = |value: &Value| !resolved(schema, value)["properties"].is_null();
        properties.iter().filter(|(_, value)| !is_section(value)).map(|(key, _)| key.clone()).collect()
    }

    #[test]
    fn every_section_and_key_of_the_schema_is_there() {
        let schema = json_schema();
        let sections = sections();
        let mut count = 0;
        for name in schema["properties"].as_object().unwrap().keys() {
            let kind: Vec<_> = sections.iter().filter(|section| section.name.split('.').next() == Some(name)).collect();
            assert!(!kind.is_empty(), "{name}");
            let known: Vec<&str> = kind.iter().flat_map(|section| &section.keys).map(|key| key.name.as_str()).collect();
            for section in &kind {
                for key in keys_of_schema(&schema, &section.name) {
                    assert!(known.contains(&key.as_str()), "[{name}] {key}");
                    count += 1;
                }
            }
        }
        assert!(count > 80, "{count}");
        for section in &sections {
            for key in &section.keys {
                assert!(keys_of_schema(&schema, &section.name).contains(&key.name), "[{}] {}", section.name, key.name);
                let is_field = section.name == "input.fields";
                assert!(is_field || !key.meaning.is_empty(), "[{}] {} has no meaning", section.name, key.name);
                assert_ne!(key.allowed, "any value", "[{}] {}", section.name, key.name);
            }
        }
    }

    #[test]
    fn the_default_is_the_value_unless_a_comment_tells_it() {
        assert_eq!(key("input", "order").value, ShippedValue::Default("\"name\"".to_owned()));
        assert_eq!(key("input", "paths").value, ShippedValue::Chosen("[\"examples\"]".to_owned()));
        assert_eq!(key("tasks.sentiment", "min_score").value, ShippedValue::Chosen("0.0".to_owned()));
        assert_eq!(key("tasks.desk", "multiple").value, ShippedValue::Default("false".to_owned()));
        assert_eq!(key("export", "parquet").value, ShippedValue::Example("\"tables\"".to_owned()));
        assert_eq!(key("tests", "text").value, ShippedValue::Absent);
        assert_eq!(key("models.newsroom", "path").meaning, "The model's folder (no default)");
    }

    #[test]
    fn types_are_told_in_words() {
        assert_eq!(key("input", "order").allowed, "\"name\" or \"newest\"");
        assert_eq!(key("models.newsroom", "workers").allowed, "\"auto\" or a whole number from 1 to 1024");
        assert_eq!(key("input.copies", "similarity").allowed, "a number from 0 to 1");
        assert_eq!(key("run", "redo").allowed, "true or false");
        assert_eq!(key("input", "ignore").allowed, "a list, each item a string");
        assert_eq!(key("export", "csv").allowed, "a string or false");
        assert_eq!(key("tests", "statement").allowed, "a whole number from 0");
    }

    #[test]
    fn a_comment_begins_after_the_value() {
        let line = key_line("# id = \"a # b\" # the id").unwrap();
        assert_eq!((line.name, line.value, line.comment, line.is_commented_out), ("id", "\"a # b\"", "the id", true));
        assert!(key_line("# A missing key has its default; an unknown key is an error.").is_none());
    }
}
