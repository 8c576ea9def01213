//! Reuters-21578: SGML of 1987, an article a `REUTERS`. Lines stay as they were on the wire.

use super::dateline::with_dateline;
use super::elements::Dialect;
use super::tags;
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::input::text::markup;
use crate::record::{Metadata, Reason};

pub(super) static REUTERS: Dialect = Dialect { roots: &["REUTERS"], element: "REUTERS", parse };

fn parse(article: &str, _: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let text =
        tags::inside(article, "BODY").or_else(|| tags::inside(article, "TEXT").map(behind_title)).unwrap_or_default();
    let text = lines(text);
    if text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text in `BODY` or `TEXT`"));
    }
    let text = with_dateline(tags::text(article, "DATELINE"), text);
    let metadata = Metadata {
        title: tags::text(article, "TITLE"),
        byline: tags::text(article, "AUTHOR"),
        published: tags::text(article, "DATE"),
        source: Some("Reuters".to_owned()),
        ..Metadata::default()
    };
    Ok(ParsedRecord {
        own_id: tags::attribute(article, "REUTERS", "NEWID"),
        metadata,
        ..ParsedRecord::new(text, encoding)
    })
}

/// A story without a body has its text behind the title.
fn behind_title(text: &str) -> &str {
    text.rsplit_once("</TITLE>").map_or(text, |(_, behind)| behind)
}

/// The text with its entities as characters and without the marks of the wire, which no text has.
fn lines(text: &str) -> String {
    let mut text = markup::unescape(text).into_owned();
    text.retain(|character| !character.is_control() || matches!(character, '\n' | '\t'));
    text.trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::read_articles;

    #[test]
    fn an_article_keeps_its_lines_and_loses_the_marks_of_the_wire() {
        let articles = read_articles(
            "a.sgm",
            b"<!DOCTYPE lewis SYSTEM \"lewis.dtd\">\n<REUTERS TOPICS=\"YES\" NEWID=\"7\">\n<DATE>26-FEB-1987</DATE>\n<TEXT>&#2;\n\
            <TITLE>STORM &amp; RAIN</TITLE>\n<DATELINE>    BERGEN, Feb 26 - </DATELINE><BODY>One line\nand another.\n&#3;</BODY></TEXT>\n</REUTERS>\n\
            <REUTERS NEWID=\"8\"><TEXT TYPE=\"BRIEF\"><TITLE>SNOW</TITLE>It snowed.</TEXT></REUTERS>\n",
        );
        let found: Vec<_> = articles.iter().map(|article| (article.own_id.as_deref(), article.text.as_str())).collect();
        assert_eq!(found, [(Some("7"), "BERGEN, Feb 26\n\nOne line\nand another."), (Some("8"), "It snowed.")]);
        let metadata = &articles[0].metadata;
        assert_eq!((metadata.title.as_deref(), metadata.source.as_deref()), (Some("STORM & RAIN"), Some("Reuters")));
    }
}
