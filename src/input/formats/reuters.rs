//! Reuters-21578: SGML of 1987, an article a `REUTERS`. Lines stay as they were on the wire.

use crate::input::content::Parsed;
use crate::input::refusal::Refusal;
use crate::input::text::markup;
use crate::record::{Metadata, Reason};

pub(super) fn parse(article: &str, encoding: &'static str) -> Result<Parsed, Refusal> {
    let tag = &article[..article.find('>').unwrap_or(article.len())];
    let text = inside(article, "BODY").or_else(|| inside(article, "TEXT").map(behind_title)).unwrap_or_default();
    let text = lines(text);
    if text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text in `BODY` or `TEXT`"));
    }
    let word = |name: &str| inside(article, name).map(markup::text).filter(|text| !text.is_empty());
    let metadata = Metadata {
        title: word("TITLE"),
        byline: word("AUTHOR"),
        published: word("DATE"),
        source: Some("Reuters".to_owned()),
        ..Metadata::default()
    };
    Ok(Parsed { own_id: attribute(tag, "NEWID"), metadata, text, encoding })
}

/// What stands between the tags of that name.
fn inside<'a>(article: &'a str, name: &str) -> Option<&'a str> {
    let open = format!("<{name}");
    let mut from = 0;
    loop {
        let at = from + article[from..].find(&open)?;
        let behind = &article[at + open.len()..];
        if behind.starts_with(['>', ' ', '\n', '\r']) {
            let content = behind.split_once('>')?.1;
            return content.split_once(&format!("</{name}>")).map(|(content, _)| content);
        }
        from = at + open.len();
    }
}

/// A story without a body has its text behind the title.
fn behind_title(text: &str) -> &str {
    text.rsplit_once("</TITLE>").map_or(text, |(_, behind)| behind)
}

/// The text with its entities as characters and without the marks of the wire, which no text has.
fn lines(text: &str) -> String {
    let text = markup::unescape(text);
    let is_kept = |character: &char| !character.is_control() || matches!(character, '\n' | '\t');
    text.chars().filter(is_kept).collect::<String>().trim_matches('\n').to_owned()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!("{name}=\""))?.1;
    value.split_once('"').map(|(value, _)| value.to_owned())
}
