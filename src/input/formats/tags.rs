//! Elements of markup that may be no well-formed XML, such as SGML, found by their tags.

use crate::input::text::markup;

/// The content of all elements of that name. One that does not end goes to the end.
pub(super) fn all<'a>(markup: &'a str, name: &str) -> Vec<&'a str> {
    let close = format!("</{name}>");
    let mut found = Vec::new();
    let mut rest = markup;
    while let Some(behind) = behind_tag(rest, name) {
        let (content, behind) = behind.split_once(&close).unwrap_or((behind, ""));
        found.push(content);
        rest = behind;
    }
    found
}

/// The content of the first element of that name, if it ends.
pub(super) fn inside<'a>(markup: &'a str, name: &str) -> Option<&'a str> {
    let behind = behind_tag(markup, name)?;
    behind.split_once(&format!("</{name}>")).map(|(content, _)| content)
}

/// The text of the first element of that name, unless it is empty.
pub(super) fn text(markup: &str, name: &str) -> Option<String> {
    inside(markup, name).map(markup::text).filter(|text| !text.is_empty())
}

/// An attribute of the first tag of that name, with or without quotation marks, unless it is empty.
pub(super) fn attribute(markup: &str, tag: &str, name: &str) -> Option<String> {
    let attributes = attributes(markup, tag)?;
    let value = attributes.match_indices(name).find_map(|(at, _)| {
        let is_whole = attributes[..at].ends_with(|before: char| before.is_ascii_whitespace());
        attributes[at + name.len()..].strip_prefix('=').filter(|_| is_whole)
    })?;
    let value = match value.chars().next().filter(|mark| matches!(mark, '"' | '\'')) {
        Some(mark) => value[1..].split(mark).next()?,
        None => value.split_ascii_whitespace().next()?,
    };
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

/// The markup behind the first tag of that name.
fn behind_tag<'a>(markup: &'a str, name: &str) -> Option<&'a str> {
    let rest = &markup[tag_at(markup, name)?..];
    rest.split_once('>').map(|(_, behind)| behind)
}

/// The attributes of the first tag of that name, as they stand there.
fn attributes<'a>(markup: &'a str, name: &str) -> Option<&'a str> {
    let rest = &markup[tag_at(markup, name)? + 1 + name.len()..];
    rest.split_once('>').map(|(attributes, _)| attributes)
}

/// The place of the first tag of that name.
fn tag_at(markup: &str, name: &str) -> Option<usize> {
    let open = format!("<{name}");
    let is_whole = |at: &usize| markup[at + open.len()..].starts_with(['>', ' ', '\n', '\r', '\t']);
    memchr::memmem::find_iter(markup.as_bytes(), &open).find(is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKUP: &str = "<HEADS>no</HEADS><HEAD>One &amp; two</HEAD>\n<HEAD\nid='7' type=story x.id=\"8\" >Three";

    #[test]
    fn elements_are_found_by_whole_names() {
        assert_eq!(all(MARKUP, "HEAD"), ["One &amp; two", "Three"]);
        assert_eq!((inside(MARKUP, "HEADS"), inside("<A>b", "A")), (Some("no"), None));
        assert_eq!(text(MARKUP, "HEAD").as_deref(), Some("One & two"));
        assert_eq!((text("<A></A>", "A"), text(MARKUP, "B")), (None, None));
    }

    #[test]
    fn attributes_may_have_any_quotation_marks_or_none() {
        let tag = &MARKUP[MARKUP.find("<HEAD\n").unwrap()..];
        let found = ["id", "type", "x.id", "e"].map(|name| attribute(tag, "HEAD", name));
        assert_eq!(found, [Some("7".to_owned()), Some("story".to_owned()), Some("8".to_owned()), None]);
        assert_eq!((attribute("<A b=\"\">", "A", "b"), attribute("<A b=\"c", "A", "b")), (None, None));
    }
}
