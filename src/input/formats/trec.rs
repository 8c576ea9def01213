//! SGML of research corpora: an article a `DOC`. LDC's Gigaword and AQUAINT name its parts alike everywhere; in TREC each newspaper has
//! names of its own. Files have no root.

use jiff::civil::Date;

use super::dateline::with_dateline;
use super::elements::Dialect;
use super::tags;
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::input::text::markup;
use crate::record::{Metadata, Reason};

pub(super) static TREC: Dialect = Dialect { roots: &["DOC", "DOCSTREAM"], element: "DOC", parse };

/// The elements with a headline: of LDC, AP, the Wall Street Journal and others.
const TITLES: [&str; 6] = ["HEADLINE", "HEAD", "HL", "TITLE", "TTL", "HT"];

/// The elements with the text, in their order: a first paragraph, which the Wall Street Journal and the San Jose Mercury News set apart,
/// and the rest.
const TEXTS: [&str; 3] = ["LEADPARA", "LP", "TEXT"];

/// The publishers by the letters that ids begin with.
const PUBLISHERS: [(&str, &str); 14] = [
    ("AFE", "Agence France-Presse"),
    ("AFP", "Agence France-Presse"),
    ("AP", "Associated Press"),
    ("APE", "Associated Press"),
    ("APW", "Associated Press"),
    ("CNA", "Central News Agency"),
    ("FT", "Financial Times"),
    ("LA", "Los Angeles Times"),
    ("LTW", "Los Angeles Times/Washington Post"),
    ("NYT", "The New York Times"),
    ("SJMN", "San Jose Mercury News"),
    ("WSJ", "The Wall Street Journal"),
    ("XIE", "Xinhua"),
    ("XIN", "Xinhua"),
];

fn parse(article: &str, _: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let text: Vec<String> = TEXTS
        .iter()
        .flat_map(|name| tags::all(article, name))
        .map(text_of)
        .filter(|text| !text.trim().is_empty())
        .collect();
    if text.is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text in `TEXT`"));
    }
    let id =
        tags::attribute(article, "DOC", "id").or_else(|| word(article, "DOCNO")).or_else(|| word(article, "DOCID"));
    let heading =
        TITLES.iter().find_map(|name| lines_of(article, name)).map(|lines| Heading::new(&lines)).unwrap_or_default();
    let date = ["DATE_TIME", "DATE", "DD"].iter().find_map(|name| word(article, name));
    let text = with_dateline(word(article, "DATELINE"), text.join("\n\n"));
    let metadata = Metadata {
        title: heading.title,
        byline: word(article, "BYLINE").or(heading.byline),
        published: id.as_deref().and_then(date_of_id).or_else(|| date.map(|date| date_of_words(&date).unwrap_or(date))),
        section: word(article, "SECTION").or_else(|| word(article, "PAGE")),
        source: word(article, "PUB")
            .or_else(|| id.as_deref().and_then(publisher).map(str::to_owned))
            .or_else(|| word(article, "SO")),
        ..Metadata::default()
    };
    Ok(ParsedRecord { own_id: id, metadata, ..ParsedRecord::new(text, encoding) })
}

/// Tells whether a `DOC` is no article by the type that LDC gives it: a note to editors, or a list of prices or results.
pub(super) fn is_left_out(article: &str) -> bool {
    tags::attribute(article, "DOC", "type").is_some_and(|kind| kind != "story")
}

/// A headline and what stands under it.
#[derive(Default)]
struct Heading {
    title: Option<String>,
    byline: Option<String>,
}

impl Heading {
    /// Parses the lines of a headline. In the Wall Street Journal a byline may follow, or a rule and a subtitle; the Financial Times has
    /// a date before it.
    fn new(lines: &[String]) -> Self {
        let end = lines.iter().position(|line| is_rule(line) || is_byline(line)).unwrap_or(lines.len());
        let title = lines[..end].join(" ");
        let behind_date = title.strip_prefix("FT ").and_then(|rest| rest.split_once(" / ")).map(|(_, title)| title);
        let title = behind_date.unwrap_or(&title).trim().to_owned();
        Self {
            title: Some(title).filter(|title| !title.is_empty()),
            byline: lines.iter().find(|line| is_byline(line)).cloned(),
        }
    }
}

fn is_rule(line: &str) -> bool {
    line.bytes().all(|byte| byte == b'-')
}

fn is_byline(line: &str) -> bool {
    line.starts_with("By ")
}

/// The text of the first element of that name, on one line, unless it is empty.
fn word(article: &str, name: &str) -> Option<String> {
    let text = markup::text(tags::all(article, name).first()?);
    let words: Vec<&str> = text.split_whitespace().collect();
    Some(words.join(" ")).filter(|text| !text.is_empty())
}

/// The lines of the first element of that name that has any, without the marks that the Wall Street Journal puts before them.
fn lines_of(article: &str, name: &str) -> Option<Vec<String>> {
    let lines = tags::all(article, name).into_iter().map(|content| {
        let text = markup::text(&format!("<pre>{content}</pre>"));
        let lines = text.lines().map(|line| line.trim_start_matches('@').trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
    });
    lines.into_iter().find(|lines| !lines.is_empty())
}

/// The text of an element: paragraphs where it has some, otherwise the lines as they are, whose indentation begins paragraphs.
fn text_of(content: &str) -> String {
    if content.contains("<P>") || content.contains("<p>") {
        return markup::text(content);
    }
    let mut text = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let tag = &rest[at..];
        let is_tag = tag[1..].starts_with(|next: char| next.is_ascii_alphabetic() || next == '/' || next == '!');
        let end = tag.find('>').filter(|_| is_tag).map_or(1, |end| end + 1);
        text.push_str(if end == 1 { "<" } else { "" });
        rest = &tag[end..];
    }
    text.push_str(rest);
    let mut text = markup::unescape(&text).into_owned();
    text.retain(|character| !character.is_control() || matches!(character, '\n' | '\t'));
    text.trim_end().trim_start_matches('\n').to_owned()
}

/// The letters before the first digit or mark.
fn prefix(id: &str) -> &str {
    &id[..id.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(id.len())]
}

fn publisher(id: &str) -> Option<&'static str> {
    let prefix = prefix(id).to_ascii_uppercase();
    PUBLISHERS.iter().find(|(letters, _)| *letters == prefix).map(|(_, publisher)| *publisher)
}

/// The date in an id: `AFP_ENG_19940512.0001`, `APW19980601.0001`, `AP880212-0004`; in those of the Los Angeles Times, `LA010189-0001`,
/// the year comes last.
fn date_of_id(id: &str) -> Option<String> {
    let digits = id.split(|character: char| !character.is_ascii_digit()).find(|digits| !digits.is_empty())?;
    match digits.len() {
        8 => date(&digits[..4], &digits[4..6], &digits[6..]),
        6 if prefix(id) == "LA" => date(&format!("19{}", &digits[4..]), &digits[..2], &digits[2..4]),
        6 => date(&format!("19{}", &digits[..2]), &digits[2..4], &digits[4..]),
        _ => None,
    }
}

/// The date in `910514`, `03/04/87` (month first) or `January 1, 1989, Sunday, Home Edition`. `None` for others.
fn date_of_words(words: &str) -> Option<String> {
    if words.len() == 6 && words.bytes().all(|byte| byte.is_ascii_digit()) {
        return date(&format!("19{}", &words[..2]), &words[2..4], &words[4..]);
    }
    let parts: Vec<&str> = words.split('/').collect();
    if let [month, day, year] = parts[..]
        && year.len() == 2
    {
        return date(&format!("19{year}"), month, day);
    }
    let parts: Vec<&str> = words.split(',').collect();
    (parts.len() > 2).then(|| parts[..2].join(","))
}

fn date(year: &str, month: &str, day: &str) -> Option<String> {
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok().map(|date| date.to_string())
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_articles, read_every_cut, read_texts};
    use crate::record::Reason;

    #[test]
    fn a_story_of_gigaword_is_a_document_and_other_types_are_left_out() {
        let corpus = "<DOC id=\"XIN_ENG_20310304.0001\" type=\"story\" >\n<HEADLINE>\nStorm hits\ncoast\n</HEADLINE>\n<DATELINE>\nPORT ANSELM, March 4\n\
            </DATELINE>\n<TEXT>\n<P>\nIt rained\nall night.\n</P>\n<P>\nThen it snowed &AMP; froze.\n</P>\n</TEXT>\n</DOC>\n\
            <DOC id=\"XIN_ENG_20310304.0002\" type=\"advis\" >\n<TEXT>\nEDITORS: wait.\n</TEXT>\n</DOC>\n\
            <DOC id=\"XIN_ENG_20310304.0003\" type=\"story\" >\n<TEXT>\n</TEXT>\n</DOC>\n";
        assert_eq!(read_texts("a", corpus.as_bytes())[1..], [Err(Reason::Empty)]);
        let first = &corpus[..corpus.find("<DOC id=\"XIN_ENG_20310304.0003").unwrap()];
        let article = read_article("xin_eng_203103", first.as_bytes());
        assert_eq!(article.text, "PORT ANSELM, March 4\n\nIt rained all night.\n\nThen it snowed & froze.");
        assert_eq!(article.own_id.as_deref(), Some("XIN_ENG_20310304.0001"));
        let metadata = article.metadata;
        assert_eq!((metadata.title.as_deref(), metadata.source.as_deref()), (Some("Storm hits coast"), Some("Xinhua")));
        assert_eq!(metadata.published.as_deref(), Some("2031-03-04"));
        read_every_cut("a.sgm", corpus.as_bytes());
        let stream = format!("<?xml version=\"1.0\"?>\n<DOCSTREAM>\n{first}");
        assert_eq!(read_texts("a.xml", stream.as_bytes()).last(), Some(&Err(Reason::Truncated)));
    }

    #[test]
    fn the_newspapers_of_trec_name_their_parts_each_in_its_way() {
        let corpus = "<DOC>\n<DOCNO> AP880212-0004 </DOCNO>\n<FILEID>AP-NR-02-12-88 1637EST</FILEID>\n<HEAD>Storm Hits Coast</HEAD>\n<HEAD>With Photo</HEAD>\n\
            <BYLINE>By ANN VALE</BYLINE>\n<DATELINE>PORT ANSELM (AP) </DATELINE>\n<TEXT>\n   It rained\nall night.\n   Then it snowed.\n</TEXT>\n</DOC>\n\
            <DOC>\n<DOCNO>WSJ900402-0001</DOCNO>\n<HL>\n    Storm Hits Coast:\n    Ferries Stop\n    ----\n    By Ann Vale\n</HL>\n<DD> 04/02/90 </DD>\n<SO> THE JOURNAL (J)</SO>\n\
            <LP>\n   It rained.\n</LP>\n<TEXT>\n   Then 1 < 2.\n</TEXT>\n</DOC>\n\
            <DOC>\n<DOCNO>FT911-3</DOCNO>\n<DATE>910514</DATE>\n<HEADLINE>\nFT  14 MAY 91 / Weather: Storm hits coast\n</HEADLINE>\n<TEXT>\nIt rained.\n</TEXT>\n\
            <PUB>The Times of Finance\n</PUB>\n<PAGE>\nLondon Page 20\n</PAGE>\n</DOC>\n\
            <DOC>\n<DOCNO> LA010189-0001 </DOCNO>\n<DATE>\n<P>\nJanuary 1, 1989, Sunday, Home Edition\n</P>\n</DATE>\n<SECTION><P>Metro; Part 1</P></SECTION>\n\
            <HEADLINE>\n<P>\nSTORM HITS COAST;\n</P>\n<P>\nFERRIES STOP\n</P>\n</HEADLINE>\n<TEXT>\n<P>\nIt rained.\n</P>\n<P>\nIt snowed.\n</P>\n</TEXT>\n</DOC>\n";
        let articles = read_articles("trec", corpus.as_bytes());
        let texts: Vec<_> = articles.iter().map(|article| article.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "PORT ANSELM (AP)\n\n   It rained\nall night.\n   Then it snowed.",
                "   It rained.\n\n   Then 1 < 2.",
                "It rained.",
                "It rained.\n\nIt snowed."
            ]
        );
        let found = |take: fn(&crate::record::Metadata) -> &Option<String>| -> Vec<Option<&str>> {
            articles.iter().map(|article| take(&article.metadata).as_deref()).collect()
        };
        let titles = [
            "Storm Hits Coast",
            "Storm Hits Coast: Ferries Stop",
            "Weather: Storm hits coast",
            "STORM HITS COAST; FERRIES STOP",
        ];
        assert_eq!(found(|metadata| &metadata.title), titles.map(Some));
        let dates = ["1988-02-12", "1990-04-02", "1991-05-14", "1989-01-01"];
        assert_eq!(found(|metadata| &metadata.published), dates.map(Some));
        let sources = ["Associated Press", "The Wall Street Journal", "The Times of Finance", "Los Angeles Times"];
        assert_eq!(found(|metadata| &metadata.source), sources.map(Some));
        assert_eq!(found(|metadata| &metadata.byline), [Some("By ANN VALE"), Some("By Ann Vale"), None, None]);
        assert_eq!(found(|metadata| &metadata.section), [None, None, Some("London Page 20"), Some("Metro; Part 1")]);
        read_every_cut("a.sgm", corpus.as_bytes());
    }
}
