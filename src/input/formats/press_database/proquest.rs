//! `ProQuest`: a line of underscores stands before each article, and its fields have labels, the text among them.

use super::lines::{self, clean, label, language, section, value};
use super::{Count, Draft, Edge, Shape};
use crate::input::refusal::Refusal;
use crate::record::Reason;

pub(super) static SHAPE: Shape = Shape {
    name: "ProQuest",
    recognise,
    edge: |line| is_rule(line).then_some(Edge::Between),
    count: |line| item(line).map(|(number, of)| Count::Item { number, of }),
    is_furniture: |lines| item(lines[0]).is_none() && !lines.iter().any(|line| field(line).is_some()),
    is_whole: |lines| lines.iter().rev().take_while(|line| !is_text(line)).any(|line| field(line).is_some()),
    parse,
};

/// Fewer labels are by chance.
const MIN_LABELS: usize = 3;

/// Labels, beside that of the text.
const LABELS: [&str; 38] = [
    "Author",
    "Publication info",
    "Abstract",
    "Links",
    "Subject",
    "Location",
    "People",
    "Company / organization",
    "Title",
    "Publication title",
    "Volume",
    "Issue",
    "Pages",
    "First page",
    "Publication year",
    "Publication date",
    "Year",
    "Section",
    "Publisher",
    "Place of publication",
    "Country of publication",
    "Publication subject",
    "ISSN",
    "Source type",
    "Language of publication",
    "Document type",
    "Document feature",
    "ProQuest document ID",
    "Document URL",
    "Copyright",
    "Last updated",
    "Database",
    "Identifier / keyword",
    "Classification",
    "Column",
    "Dateline",
    "Credit",
    "Business indexing term",
];

/// A line of nothing but underscores.
fn is_rule(line: &str) -> bool {
    const MIN_UNDERSCORES: usize = 20;
    line.len() >= MIN_UNDERSCORES && line.bytes().all(|byte| byte == b'_')
}

/// `Document 1 of 100`.
fn item(line: &str) -> Option<(u64, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["Document", number, "of", of] = words[..] else { return None };
    let number = number.parse().ok()?;
    let of = of.parse().ok()?;
    (1..=of).contains(&number).then_some((number, of))
}

/// A known label and its value.
fn field(line: &str) -> Option<(&str, &str)> {
    label(line).filter(|(label, _)| LABELS.contains(label))
}

fn is_text(line: &str) -> bool {
    line.starts_with("Full text:") || line.starts_with("Full Text:")
}

/// Labels of `ProQuest` and its text behind a line of underscores.
fn recognise(lines: &[&str]) -> bool {
    let Some(rule) = lines.iter().position(|line| is_rule(line)) else { return false };
    let behind = &lines[rule..];
    let mut labels: Vec<&str> = behind.iter().filter_map(|line| Some(field(line)?.0)).collect();
    labels.sort_unstable();
    labels.dedup();
    let is_certain =
        labels.iter().any(|label| ["Publication title", "Publication info", "ProQuest document ID"].contains(label));
    labels.len() >= MIN_LABELS && is_certain && behind.iter().any(|line| is_text(line))
}

fn parse(text: &str) -> Result<Draft, Refusal> {
    let lines: Vec<&str> = text.lines().map(clean).collect();
    let Some(start) = lines.iter().position(|line| is_text(line)) else {
        return Err(Refusal::new(Reason::Empty, "has no full text: `Full text:` is missing"));
    };
    let end = text_end(&lines, start);
    let mut draft = Draft::default();
    let first = lines.iter().position(|line| !line.is_empty() && item(line).is_none());
    draft.metadata.title =
        first.map(|place| lines[place]).filter(|line| field(line).is_none() && !is_text(line)).and_then(value);
    let mut info = None;
    for (name, text) in lines[..start].iter().chain(&lines[end..]).filter_map(|line| field(line)) {
        let metadata = &mut draft.metadata;
        match name {
            "Title" => metadata.title = value(text),
            "Author" => metadata.byline = value(text),
            "Publication title" => metadata.source = value(text),
            "Publication date" => metadata.published = value(text),
            "Section" => metadata.section = section(text),
            "Language of publication" => metadata.language = language(text),
            "Document URL" => metadata.uri = value(text),
            "ProQuest document ID" => draft.own_id = value(text),
            "Dateline" => draft.dateline = value(text),
            "Publication info" => info = value(text),
            _ => {}
        }
    }
    if draft.metadata.source.is_none() {
        draft.metadata.source = info.and_then(|info| value(info.split([';', '[']).next().unwrap_or_default()));
    }
    let first = lines[start].split_once(':').map_or("", |(_, text)| clean(text));
    let text = std::iter::once(first).chain(lines[start + 1..end].iter().copied()).collect::<Vec<_>>().join("\n");
    if ["None available.", "Not available.", "Not Available"].contains(&clean(&text)) {
        return Err(Refusal::new(Reason::Empty, "has no full text: ProQuest says that none is available"));
    }
    draft.paragraphs = lines::paragraphs(&text);
    Ok(draft)
}

/// The place of the first line behind the text: from there on, lines have known labels, with their values below them.
fn text_end(lines: &[&str], start: usize) -> usize {
    const MAX_VALUE_LINES: usize = 3;
    let mut end = lines.len();
    let mut without_label = 0;
    for place in (start + 1..lines.len()).rev().filter(|&place| !lines[place].is_empty()) {
        if field(lines[place]).is_some() {
            end = place;
            without_label = 0;
        } else {
            without_label += 1;
        }
        if without_label > MAX_VALUE_LINES {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use crate::input::formats::press_database::check_cuts;
    use crate::input::formats::testing::{read_articles, read_file, read_texts};
    use crate::record::Reason;

    const EXPORT: &str = "____________________________________________________________\n\nReport Information from ProQuest\n4 March 2031 09:00\n\
        ____________________________________________________________\n\nDocument 1 of 3\n\nQuay to close\n\nAuthor: Brenn, Ida\n\n\
        Publication info: Bay Courier ; Bergen [Bergen]04 Mar 2031: A.4.\n\nAbstract: None available.\n\n\
        Full text: The harbour council voted on Tuesday to close the northern quay.\n\nLocation: the northern quay, which has moved.\n\n\
        A second vote is due in October.\n\nIt rains.\n\nIt rained.\n\nIt will rain.\n\nSubject: Harbours\n\nTitle: Quay to close\n\nPublication title: Bay Courier\n\n\
        Publication date: Mar 4, 2031\n\nSection: News\n\nLanguage of publication: English\n\nProQuest document ID: 1234567\n\n\
        Document URL: https://x.example/1\n\n____________________________________________________________\n\nDocument 2 of 3\n\n\
        Schools reopen\n\nFull text: None available.\n\nTitle: Schools reopen\n\nPublication title: Bay Courier\n\n\
        ____________________________________________________________\n\nDocument 3 of 3\n\nFerry late\n\n\
        Full text: The ferry was late on Monday.\n\nTitle: Ferry late\n\nPublication date: Mar 6, 2031\n\n\
        ____________________________________________________________\n\nContact us at: https://x.example Database copyright 2031\n";

    #[test]
    fn each_article_is_a_document_and_one_without_text_a_rejection() {
        let outcomes = read_file("a.txt", EXPORT.as_bytes());
        let [Ok(first), Err(Reason::Empty), Ok(third)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
        assert_eq!(
            first.text,
            "The harbour council voted on Tuesday to close the northern quay.\n\nLocation: the northern quay, which has moved.\n\n\
             A second vote is due in October.\n\nIt rains.\n\nIt rained.\n\nIt will rain."
        );
        let metadata = &first.metadata;
        assert_eq!(
            (metadata.title.as_deref(), metadata.byline.as_deref()),
            (Some("Quay to close"), Some("Brenn, Ida"))
        );
        assert_eq!(
            (metadata.source.as_deref(), metadata.published.as_deref()),
            (Some("Bay Courier"), Some("Mar 4, 2031"))
        );
        assert_eq!((metadata.section.as_deref(), metadata.language.as_deref()), (Some("News"), Some("en")));
        assert_eq!((metadata.uri.as_deref(), first.own_id.as_deref()), (Some("https://x.example/1"), Some("1234567")));
        assert_eq!(third.text, "The ferry was late on Monday.");
    }

    #[test]
    fn a_missing_and_a_cut_article_are_said() {
        let cut = EXPORT.find("late on Monday").unwrap();
        let outcomes = read_file("a.txt", &EXPORT.as_bytes()[..cut]);
        assert!(matches!(outcomes.as_slice(), [Ok(_), Err(Reason::Empty), Err(Reason::Truncated)]), "{outcomes:?}");
        let lost = EXPORT.replace(" of 3\n", " of 4\n").replace("Document 3 of 4", "Document 4 of 4");
        assert_eq!(read_file("a.txt", lost.as_bytes()).last().unwrap().as_ref().err(), Some(&Reason::Truncated));
        assert_eq!(read_articles("a", EXPORT.replace("None available", "It rained").as_bytes()).len(), 3);
    }

    #[test]
    fn an_export_cut_anywhere_is_read_as_far_as_it_goes() {
        check_cuts("a.txt", EXPORT);
    }

    #[test]
    fn an_article_that_uses_such_words_stays_as_it_is() {
        let text = "Title: Bay Courier\n____________________\nFull text: see below. Subject: rain.\n";
        assert_eq!(read_texts("a.txt", text.as_bytes()), [Ok(text.to_owned())]);
    }
}
