//! The records of ProQuest TDM Studio: an article a `RECORD`, with its text as escaped HTML.

use super::elements::Dialect;
use super::press_database::language_code;
use super::xml::Node;
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::input::text::record_markup::html_text;
use crate::record::{Metadata, Reason};

pub(super) static PROQUEST: Dialect = Dialect { roots: &["RECORD"], element: "RECORD", parse };

fn parse(xml: &str, _: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let record = Node::parse(xml)?;
    let bodies = ["Text", "HiddenText", "Abstract"].into_iter().filter_map(|name| record.anywhere(name));
    let mut texts = bodies.map(|body| html_text(&body.written_markup()).0);
    let Some(text) = texts.find(|text| !text.trim().is_empty()) else {
        return Err(Refusal::new(Reason::Empty, "holds no text in `Text`"));
    };
    let authors: Vec<String> = record.at(&["Contrib"]).map(authors).unwrap_or_default();
    let metadata = Metadata {
        title: record.text_at(&["Obj", "TitleAtt", "Title"]),
        // Names have commas of their own: `Brenn, Ida`.
        byline: Some(authors.join("; ")).filter(|names| !names.is_empty()),
        published: record.text_at(&["Obj", "NumericDate"]),
        language: record
            .text_at(&["Obj", "Language", "ISO", "ISOCode"])
            .or_else(|| record.text_at(&["Obj", "Language", "RawLang"]))
            .map(|language| language_code(&language).map_or(language, str::to_owned)),
        source: record.text_at(&["DFS", "PubFrosting", "Title"]),
        ..Metadata::default()
    };
    Ok(ParsedRecord { own_id: record.text_at(&["GOID"]), metadata, ..ParsedRecord::new(text, encoding) })
}

fn authors(contributors: &Node<'_>) -> Vec<String> {
    contributors.all("Author").filter_map(name).collect()
}

fn name(author: &Node<'_>) -> Option<String> {
    author.at(&["OriginalForm"]).or_else(|| author.at(&["NormalizedForm"])).and_then(Node::text)
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::read_article;

    #[test]
    fn a_record_has_escaped_html() {
        let record = b"<?xml version=\"1.0\"?>\n<RECORD><GOID>12</GOID><Obj><TitleAtt><Title>Quay</Title></TitleAtt><NumericDate>2031-03-04</NumericDate>\
            </Obj><Contrib><Author><OriginalForm>Brenn, Ida</OriginalForm></Author></Contrib><TextInfo><Text>&lt;html&gt;&lt;body&gt;&lt;p&gt;One.&lt;/p&gt;\n\
            &lt;p&gt;Two.&lt;/p&gt;&lt;/body&gt;&lt;/html&gt;</Text></TextInfo><DFS><PubFrosting><Title>Courier</Title></PubFrosting></DFS></RECORD>";
        let article = read_article("a.xml", record);
        assert_eq!((article.own_id.as_deref(), article.text.as_str()), (Some("12"), "One.\n\nTwo."));
        let metadata = article.metadata;
        assert_eq!((metadata.title.as_deref(), metadata.byline.as_deref()), (Some("Quay"), Some("Brenn, Ida")));
        assert_eq!((metadata.published.as_deref(), metadata.source.as_deref()), (Some("2031-03-04"), Some("Courier")));
    }
}
