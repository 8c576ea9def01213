//! Envelopes of JSON: the records within a value, as in `{"articles": […]}`, found by its shape or by `[input.fields] records`.

use std::sync::Arc;

use crate::config::FieldNames;
use crate::record::Metadata;

/// Envelopes are looked for in brackets inside each other, no more.
const MAX_DEPTH: u64 = 6;

/// Fields that hold an article beside other fields, the way of Elasticsearch and of APIs.
pub(super) const WRAPPERS: [&str; 12] = [
    "_source",
    "fields",
    "attributes",
    "article",
    "doc",
    "document",
    "item",
    "node",
    "row",
    "story",
    "data",
    "properties",
];

/// Fields that hold texts of an article when their names are not the configured ones.
const BODIES: [&str; 7] =
    ["articleBody", "body_xhtml", "body_html", "body_text", "bodies", "content_html", "content_text"];

/// Names of lists of records.
const LISTS: [&str; 18] = [
    "_items",
    "articles",
    "content",
    "data",
    "docs",
    "documents",
    "entries",
    "hits",
    "items",
    "list",
    "news",
    "posts",
    "records",
    "response",
    "results",
    "rows",
    "stories",
    "values",
];

/// Fields that records have beside their text, whatever the configuration says.
const METADATA: [&str; 10] = ["_id", "author", "date", "guid", "headline", "id", "link", "published", "title", "url"];

/// Lists that belong to an article, with texts that are none.
const PARTS: [&str; 19] = [
    "attachments",
    "blocks",
    "body",
    "captions",
    "chapters",
    "contents",
    "paragraphs",
    "sections",
    "authors",
    "comments",
    "embeds",
    "images",
    "links",
    "media",
    "related",
    "replies",
    "subjects",
    "tags",
    "associations",
];

/// The place of the records within a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Envelope {
    /// The number of bytes before the first record.
    pub(super) begin: usize,
    /// The number of brackets that are open there.
    pub(super) depth: u64,
    pub(super) items: Items,
}

/// The form of the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Items {
    /// Objects in a list.
    Listed,
    /// Objects in an object, each by its id.
    Keyed,
    /// Lists of cells in a list, with the names of the columns.
    Rows(Arc<[String]>),
    /// Objects of cells, one a column: the whole value.
    Columns,
}

/// The envelope that a value is; none where it is a record. `window` is its beginning.
pub(super) fn find(window: &[u8], fields: &FieldNames) -> Option<Envelope> {
    let mut cursor = Cursor { bytes: window, at: 0 };
    cursor.pass_blank();
    let search = Search { fields };
    match &fields.records {
        Some(path) => search.at_path(cursor, path.steps()),
        None => match search.object(cursor, 0)? {
            Shape::Envelope { envelope, .. } => Some(envelope),
            Shape::Article | Shape::Other => None,
        },
    }
}

/// The records that follow in the object around a list of records that has ended, inside so many brackets. `window` begins behind the list.
pub(super) fn find_more(window: &[u8], fields: &FieldNames, depth: u64) -> Option<Envelope> {
    let mut cursor = Cursor { bytes: window, at: 0 };
    let search = Search { fields };
    if fields.records.is_some() {
        return None;
    }
    while let Some(key) = cursor.key() {
        let found = match cursor.peek() {
            _ if PARTS.contains(&key.as_str()) => None,
            Some(b'[') => search.list(cursor, depth, None).filter(|(_, is_sure)| *is_sure),
            Some(b'{') => match search.object(cursor, depth) {
                Some(Shape::Envelope { envelope, is_sure }) => Some((envelope, is_sure)),
                _ => None,
            },
            _ => None,
        };
        if let Some((envelope, _)) = found {
            return Some(envelope);
        }
        cursor.pass_value()?;
    }
    None
}

/// The title of a JSON Feed, by its fields `before` the first item. Other envelopes have titles of other things.
pub(super) fn feed_title(before: &[u8]) -> Option<String> {
    memchr::memmem::find(before, b"jsonfeed.org/version")?;
    let mut cursor = Cursor { bytes: before, at: 0 };
    cursor.pass_blank();
    cursor.enter(b'{')?;
    while cursor.key()? != "title" {
        cursor.pass_value()?;
    }
    serde_json::Deserializer::from_slice(&before[cursor.at..]).into_iter().next()?.ok()
}

/// A value by what is in it.
#[derive(Debug)]
enum Shape {
    Article,
    /// `is_sure` if the records have more than a text.
    Envelope {
        envelope: Envelope,
        is_sure: bool,
    },
    Other,
}

struct Search<'f> {
    fields: &'f FieldNames,
}

impl Search<'_> {
    /// The records at a configured path.
    fn at_path(&self, mut cursor: Cursor<'_>, steps: &[String]) -> Option<Envelope> {
        let mut depth = 0;
        for step in steps {
            cursor.enter(b'{')?;
            depth += 1;
            while cursor.key()? != *step {
                cursor.pass_value()?;
            }
        }
        if cursor.peek()? == b'{' {
            return Some(Envelope { begin: cursor.at + 1, depth: depth + 1, items: Items::Keyed });
        }
        cursor.enter(b'[')?;
        let header = self.header(cursor);
        let (begin, items) =
            header.map_or((cursor.at, Items::Listed), |(begin, names)| (begin, Items::Rows(names.into())));
        Some(Envelope { begin, depth: depth + 1, items })
    }

    /// The shape of the object that begins here, inside so many brackets; none where it is no object.
    fn object(&self, mut cursor: Cursor<'_>, depth: u64) -> Option<Shape> {
        let begin = cursor.at;
        cursor.enter(b'{')?;
        let mut best: Option<(Envelope, bool)> = None;
        let mut names = None;
        let mut values = 0;
        let mut articles = 0;
        let mut has_title = false;
        // The window may end anywhere.
        while let Some(key) = cursor.key() {
            if self.is_text(&key) {
                let is_column = depth == 0 && (cursor.is_object_of_strings() || self.is_list_of_texts(cursor, begin));
                let envelope = Envelope { begin: 0, depth: 0, items: Items::Columns };
                return Some(if is_column { Shape::Envelope { envelope, is_sure: true } } else { Shape::Article });
            }
            values += 1;
            has_title |= self.is_title(&key);
            match cursor.peek() {
                Some(b'{') if depth < MAX_DEPTH && best.is_none() => match self.object(cursor, depth + 1) {
                    Some(Shape::Article) if WRAPPERS.contains(&key.as_str()) => return Some(Shape::Article),
                    Some(Shape::Article) => articles += 1,
                    Some(Shape::Envelope { envelope, is_sure }) => best = Some((envelope, is_sure)),
                    Some(Shape::Other) | None => {}
                },
                Some(b'[') if key == "columns" => names = cursor.strings().filter(|names| self.name_text(names)),
                Some(b'[') if best.is_none() && !PARTS.contains(&key.as_str()) => {
                    let found = self.list(cursor, depth + 1, names.as_ref());
                    best = found.filter(|(_, is_sure)| *is_sure || LISTS.contains(&key.as_str()));
                }
                _ => {}
            }
            if cursor.pass_value().is_none() {
                break;
            }
        }
        // What has a title and a list of bare texts is an article in parts.
        best = best.filter(|(_, is_sure)| *is_sure || !has_title);
        if best.is_none() && !has_title && (articles > 1 || articles == 1 && values == 1) {
            best = Some((Envelope { begin: begin + 1, depth: depth + 1, items: Items::Keyed }, true));
        }
        Some(best.map_or(Shape::Other, |(envelope, is_sure)| Shape::Envelope { envelope, is_sure }))
    }

    /// Tells whether the list of texts that begins here is a column: the object at `begin` has a title or an id for each of them.
    fn is_list_of_texts(&self, cursor: Cursor<'_>, begin: usize) -> bool {
        let Some(texts) = cursor.strings().map(|texts| texts.len()).filter(|texts| *texts > 1) else { return false };
        let mut cursor = Cursor { at: begin, ..cursor };
        if cursor.enter(b'{').is_none() {
            return false;
        }
        while let Some(key) = cursor.key() {
            let is_single = self.is_title(&key) || matches!(key.as_str(), "id" | "_id" | "uri" | "url");
            if is_single && cursor.strings().is_some_and(|values| values.len() == texts) {
                return true;
            }
            if cursor.pass_value().is_none() {
                break;
            }
        }
        false
    }

    /// The list that begins here inside so many brackets, where it holds articles, and whether these have more than a text.
    fn list(&self, mut cursor: Cursor<'_>, depth: u64, names: Option<&Vec<String>>) -> Option<(Envelope, bool)> {
        cursor.enter(b'[')?;
        let begin = cursor.at;
        let depth = depth + 1;
        match (cursor.peek()?, names) {
            (b'{', _) => {
                let is_article = matches!(self.object(cursor, depth), Some(Shape::Article));
                is_article.then(|| (Envelope { begin, depth, items: Items::Listed }, self.has_metadata(cursor)))
            }
            (b'[', Some(names)) => Some((Envelope { begin, depth, items: Items::Rows(names.as_slice().into()) }, true)),
            (b'[', None) => {
                let (begin, names) = self.header(cursor)?;
                Some((Envelope { begin, depth, items: Items::Rows(names.into()) }, true))
            }
            _ => None,
        }
    }

    /// Tells whether the object that begins here has a field of metadata.
    fn has_metadata(&self, mut cursor: Cursor<'_>) -> bool {
        if cursor.enter(b'{').is_none() {
            return false;
        }
        while let Some(key) = cursor.key() {
            if self.is_metadata(&key) || WRAPPERS.contains(&key.as_str()) {
                return true;
            }
            if cursor.pass_value().is_none() {
                break;
            }
        }
        false
    }

    fn is_title(&self, key: &str) -> bool {
        let mut fields = self.fields.metadata.iter().zip(Metadata::NAMES);
        matches!(key, "title" | "headline") || fields.any(|(path, name)| name == "title" && path.as_str() == key)
    }

    fn is_metadata(&self, key: &str) -> bool {
        let is_configured = self.fields.paths().any(|path| path != &self.fields.text && path.as_str() == key);
        is_configured || METADATA.contains(&key)
    }

    /// The names of columns in the first list of a list, where the text is among them, and the place behind it.
    fn header(&self, mut cursor: Cursor<'_>) -> Option<(usize, Vec<String>)> {
        let names = cursor.strings().filter(|names| self.name_text(names))?;
        cursor.pass_value()?;
        Some((cursor.at, names))
    }

    fn name_text(&self, names: &[String]) -> bool {
        names.iter().any(|name| name == self.fields.text.as_str())
    }

    fn is_text(&self, key: &str) -> bool {
        let path = &self.fields.text;
        key == path.as_str() || path.steps().first().is_some_and(|step| step == key) || BODIES.contains(&key)
    }
}

/// A place in the beginning of a value. Everything is `None` where that ends.
#[derive(Debug, Clone, Copy)]
struct Cursor<'w> {
    bytes: &'w [u8],
    at: usize,
}

impl Cursor<'_> {
    fn pass_blank(&mut self) {
        let rest = self.bytes[self.at..].iter();
        self.at += rest.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',')).count();
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes into a bracket.
    fn enter(&mut self, bracket: u8) -> Option<()> {
        if self.peek()? != bracket {
            return None;
        }
        self.at += 1;
        self.pass_blank();
        Some(())
    }

    /// The next key of an object; the cursor is at its value then.
    fn key(&mut self) -> Option<String> {
        self.pass_blank();
        let begin = self.at;
        if self.peek()? != b'"' {
            return None;
        }
        self.pass_value()?;
        let key = serde_json::from_slice(&self.bytes[begin..self.at]).ok()?;
        self.pass_blank();
        self.enter(b':')?;
        Some(key)
    }

    /// The strings of the list that begins here, where it holds nothing else.
    fn strings(self) -> Option<Vec<String>> {
        serde_json::Deserializer::from_slice(&self.bytes[self.at..]).into_iter().next()?.ok()
    }

    /// Tells whether an object begins here whose values are strings or null, as far as it can be seen.
    fn is_object_of_strings(mut self) -> bool {
        if self.enter(b'{').is_none() {
            return false;
        }
        let mut values = 0;
        while let Some(key) = self.key() {
            // `{"value": "…"}` is a text, and `{"0": "…"}` a column.
            if super::json_fields::TEXT_NAMES.contains(&key.as_str()) || !matches!(self.peek(), Some(b'"' | b'n')) {
                return false;
            }
            values += 1;
            if self.pass_value().is_none() {
                break;
            }
        }
        values > 0
    }

    fn pass_value(&mut self) -> Option<()> {
        let mut depth = 0_u64;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => self.pass_string()?,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.checked_sub(1)?,
                _ if depth > 0 => continue,
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => return None,
                _ => {
                    let mut rest = self.bytes[self.at..].iter();
                    self.at +=
                        rest.position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'}' | b']'))?;
                }
            }
            if depth == 0 {
                self.pass_blank();
                return Some(());
            }
        }
    }

    /// Passes over the rest of a string.
    fn pass_string(&mut self) -> Option<()> {
        loop {
            self.at += memchr::memchr2(b'"', b'\\', &self.bytes[self.at..])?;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Some(());
            }
            self.at += 2;
            if self.at > self.bytes.len() {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The JSON from the first record on, the depth, and the form.
    fn found(json: &str) -> Option<(&str, u64, Items)> {
        let envelope = find(json.as_bytes(), &FieldNames::default())?;
        Some((&json[envelope.begin..], envelope.depth, envelope.items))
    }

    #[test]
    fn lists_of_articles_are_found_wherever_they_are() {
        let records = r#"{"id": 1, "text": "x"}]"#;
        for (before, depth, behind) in [
            (r#"{"articles": ["#, 2, "}"),
            (r#"{"status": "ok", "total": 2, "list": [1, {"a": "]\""}], "items": [ "#, 2, ", \"next\": null}"),
            (r#"{"response": {"results": ["#, 3, "}}"),
        ] {
            let json = format!("{before}{records}{behind}");
            assert_eq!(found(&json), Some((&json[before.len()..], depth, Items::Listed)), "{json}");
        }
        let hits = r#"{"hits": {"total": {"value": 2}, "hits": [{"_id": "1", "_source": {"text": "x"}}]}}"#;
        assert_eq!(found(hits).map(|(_, depth, items)| (depth, items)), Some((3, Items::Listed)));
        assert!(
            found(r#"{"version": "https://jsonfeed.org/version/1.1", "items": [{"content_html": "x"}]}"#).is_some()
        );
        assert!(found(r#"{"items": [{"text": "cut sho"#).is_some(), "the beginning is enough");
    }

    #[test]
    fn objects_by_their_ids_and_tables_are_found() {
        let keyed = r#"{"a": {"text": "x"}, "b": {"text": "y"}}"#;
        assert_eq!(found(keyed), Some((&keyed[1..], 1, Items::Keyed)));
        let split = r#"{"columns":["id","text"],"index":[0],"data":[["1","x"]]}"#;
        let names: Arc<[String]> = ["id".to_owned(), "text".to_owned()].into();
        assert_eq!(found(split), Some((r#"["1","x"]]}"#, 2, Items::Rows(names.clone()))));
        let rows = r#"{"range": "A1", "values": [["id", "text"], ["1", "x"]]}"#;
        assert_eq!(found(rows), Some((r#"["1", "x"]]}"#, 2, Items::Rows(names))));
        let columns = r#"{"id": {"0": "1"}, "text": {"0": "x"}}"#;
        assert_eq!(found(columns), Some((columns, 0, Items::Columns)));
    }

    #[test]
    fn columns_may_be_lists_and_trees_are_no_columns() {
        let lists = r#"{"title": ["A", "B"], "text": ["x", "y"]}"#;
        assert_eq!(found(lists), Some((lists, 0, Items::Columns)));
        assert_eq!(found(r#"{"title": "A", "text": ["x", "y"]}"#), None);
        assert_eq!(found(r#"{"title": "A", "text": {"type": "doc", "content": [{"text": "x"}]}}"#), None);
    }

    #[test]
    fn an_article_is_no_envelope() {
        for json in [
            r#"{"authors": [{"text": "x"}], "text": "y"}"#,
            r#"{"related": [{"text": "x"}], "title": "no text"}"#,
            r#"{"parts": [{"type": "p", "text": "x"}]}"#,
            r#"{"title": "x", "content": [{"type": "p", "text": "x"}]}"#,
            r#"{"title": "x", "intro": {"text": "x"}, "main": {"text": "y"}}"#,
            r#"{"title": "x", "content": {"text": "y"}}"#,
            r#"{"text": {"value": "x"}}"#,
            r#"{"body_html": "x", "items": [{"text": "y"}]}"#,
            r#"{"title": "x", "_source": {"text": "y"}}"#,
            "[1]",
            "{",
            "",
            r#"{"a" 1}"#,
        ] {
            assert_eq!(found(json), None, "{json}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(json in "[{}\\[\\],:\"\\\\ text0n]{0,60}") {
            found(&json);
        }
    }
}
