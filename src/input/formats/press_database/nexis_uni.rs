//! Nexis Uni and Lexis Advance: `Body` stands before the text of an article, and `End of Document` behind it.

use super::lines::{self, is_copyright, is_date_like, label, language, leading_date, section, value};
use super::{Count, Draft, Edge, Shape};
use crate::input::refusal::Refusal;
use crate::record::Metadata;

pub(super) static SHAPE: Shape = Shape {
    name: "Nexis Uni",
    recognise,
    edge: |line| is_end(line).then_some(Edge::Last),
    count: |line| announced(line).map(Count::Total),
    is_furniture: |_| false,
    is_whole: |_| false,
    parse,
};

/// Between the length and the text stand no more lines than this: byline, highlight and the like.
const MAX_LINES_TO_BODY: usize = 12;

fn is_end(line: &str) -> bool {
    ["End of Document", "Ende des Dokuments", "Fin du document", "Fin de Document"].contains(&line)
}

fn is_body(line: &str) -> bool {
    line == "Body"
}

/// The number of articles by the cover page: `Documents (100)`.
fn announced(line: &str) -> Option<u64> {
    let number = line.strip_prefix("Documents (").or_else(|| line.strip_prefix("Document ("))?.strip_suffix(')')?;
    number.parse().ok()
}

/// `Length: 143 words` and then `Body`; or `Body` and then `Load-Date:` or `Classification` and `End of Document`.
fn recognise(lines: &[&str]) -> bool {
    let is_length =
        |line: &str| label(line).is_some_and(|(label, count)| label == "Length" && lines::is_word_count(count));
    let mut has_body = false;
    let mut has_tail = false;
    for (place, line) in lines.iter().enumerate() {
        if is_body(line) {
            let before = &lines[place.saturating_sub(MAX_LINES_TO_BODY)..place];
            if before.iter().any(|line| is_length(line)) {
                return true;
            }
            has_body = true;
            has_tail = false;
        } else if is_end(line) {
            if has_body && has_tail {
                return true;
            }
            has_body = false;
        } else {
            has_tail |= begins_tail(line);
        }
    }
    false
}

fn parse(text: &str) -> Result<Draft, Refusal> {
    let lines: Vec<&str> =
        text.lines().map(lines::clean).filter(|line| !is_end(line) && !lines::is_page_number(line)).collect();
    let bodies: Vec<usize> = (0..lines.len()).filter(|&place| is_body(lines[place])).collect();
    let [body] = bodies[..] else {
        let message = format!("is no article of Nexis Uni: {} lines say `Body`, and one should", bodies.len());
        return Err(Refusal::damaged(message));
    };
    let tail = tail_start(&lines, body);
    let graphic = (body..tail).rev().find(|&place| lines[place] == "Graphic");
    let mut draft = Draft::default();
    read_head(&lines[..body], &mut draft.metadata);
    read_labels(&lines[tail..], &mut draft.metadata);
    let mut labels = lines[..body].iter().filter_map(|line| label(line));
    draft.dateline = labels.find(|(label, _)| *label == "Dateline").and_then(|(_, text)| value(text));
    draft.paragraphs = lines::paragraphs(&lines[body + 1..graphic.unwrap_or(tail)].join("\n"));
    // The title runs at the top of pages as well.
    draft.paragraphs.retain(|paragraph| draft.metadata.title.as_deref() != Some(paragraph));
    Ok(draft)
}

fn is_load_date(line: &str) -> bool {
    label(line).is_some_and(|(label, _)| label == "Load-Date")
}

/// Tells whether the fields behind the text may begin at a line.
fn begins_tail(line: &str) -> bool {
    line == "Classification" || is_load_date(line)
}

/// The place of the first line behind the text and its pictures.
fn tail_start(lines: &[&str], body: usize) -> usize {
    let load_date = (body..lines.len()).find(|&place| is_load_date(lines[place]));
    let classification = (body..lines.len()).rev().find(|&place| lines[place] == "Classification");
    load_date.into_iter().chain(classification).min().unwrap_or(lines.len())
}

/// Reads title, source and date, which have no labels and stand in this order, and the fields below them.
fn read_head(lines: &[&str], metadata: &mut Metadata) {
    let has_cover = lines.iter().any(|line| announced(line).is_some());
    let lines: Vec<&str> = lines.iter().copied().filter(|line| !line.is_empty() && !is_copyright(line)).collect();
    let dated = lines.iter().rposition(|line| leading_date(line).is_some());
    let dated = dated.or_else(|| lines.iter().rposition(|line| is_date_like(line) && !is_field(line)));
    let dated = dated.or_else(|| lines.iter().position(|line| is_field(line)).and_then(|place| place.checked_sub(1)));
    let Some(dated) = dated else {
        metadata.title = lines.first().and_then(|line| value(line));
        return;
    };
    metadata.published = lines::date(lines[dated]);
    let Some(source) = dated.checked_sub(1) else { return };
    metadata.source = value(lines[source]);
    // Of a cover page, no line is the title's.
    let title_start = if has_cover { source.saturating_sub(1) } else { 0 };
    // The title runs at the top of pages, and so may stand there twice.
    let mut title = lines[title_start..source].to_vec();
    title.dedup();
    metadata.title = value(&title.join(" "));
    read_labels(&lines[dated..], metadata);
}

/// The labels above the text.
const FIELDS: [&str; 6] = ["Section", "Length", "Byline", "Dateline", "Highlight", "Series"];

/// Tells whether a line has one of these labels.
fn is_field(line: &str) -> bool {
    label(line).is_some_and(|(label, _)| FIELDS.contains(&label))
}

fn read_labels(lines: &[&str], metadata: &mut Metadata) {
    for (label, text) in lines.iter().filter_map(|line| label(line)) {
        match label {
            "Byline" => metadata.byline = value(text),
            "Section" => metadata.section = section(text),
            "Language" => metadata.language = language(text),
            "URL" => metadata.uri = value(text),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::input::formats::press_database::check_cuts;
    use crate::input::formats::testing::{read_articles, read_file, read_texts};
    use crate::record::Reason;

    const COVER: &str = "Date and Time: Tuesday, March 4, 2031 9:00:00 AM CET\n\nJob Number: 77\n\nDocuments (2)\n\n\
        1. Quay to close for two years\n\nClient/Matter: -None-\n\nSearch Terms: quay\n\n2. Schools reopen\n\n\
        Client/Matter: -None-\n\nContent Type\n\nNews\n\n";

    const FIRST: &str = "Quay to close for two years\n\nBay Courier (Bergen)\n\nMarch 4, 2031 Tuesday 9:20 AM GMT\n\n\
        Copyright 2031 Bay Courier All Rights Reserved\n\n\nSection:\u{a0}NEWS; Version:2\n\nLength:\u{a0}143 words\n\n\
        Byline:\u{a0}Ida Brenn\n\nBody\n\n\nThe harbour council voted on Tuesday to close the northern quay.\n\n\
        “Nothing would change, we were told,” said Orla Venn.\n\nGraphic\n\n The quay in January.\n\n\
        Classification\n\n\nLanguage: ENGLISH\n\nPublication-Type: Newspaper\n\nLoad-Date: March 5, 2031\n\n\nEnd of Document\n\n";

    const SECOND: &str = "Schools reopen\nBay Courier\nMarch 5, 2031 Wednesday\nLength: 65 words\nBody\n\
        Two schools in the valley reopened on Monday.\nPage 1 of 3\nSchools reopen\nParents had kept some pupils at home.\n\
        Load-Date: March 5, 2031\nEnd of Document\n";

    fn export() -> String {
        [COVER, FIRST, SECOND].concat()
    }

    #[test]
    fn each_article_is_a_document_without_the_furniture() {
        let articles = read_articles("a.txt", export().as_bytes());
        let [first, second] = articles.as_slice() else { panic!("{articles:?}") };
        assert_eq!(
            first.text,
            "The harbour council voted on Tuesday to close the northern quay.\n\n\
            “Nothing would change, we were told,” said Orla Venn."
        );
        let metadata = &first.metadata;
        assert_eq!(metadata.title.as_deref(), Some("Quay to close for two years"));
        assert_eq!(
            (metadata.source.as_deref(), metadata.byline.as_deref()),
            (Some("Bay Courier (Bergen)"), Some("Ida Brenn"))
        );
        assert_eq!(metadata.published.as_deref(), Some("March 4, 2031 Tuesday 9:20 AM GMT"));
        assert_eq!((metadata.section.as_deref(), metadata.language.as_deref()), (Some("NEWS"), Some("en")));
        assert_eq!(
            second.text,
            "Two schools in the valley reopened on Monday.\n\nParents had kept some pupils at home."
        );
        assert_eq!(second.metadata.title.as_deref(), Some("Schools reopen"));
        assert_eq!(second.metadata.source.as_deref(), Some("Bay Courier"));
    }

    #[test]
    fn a_broken_article_and_a_wrong_number_are_said() {
        let without_end = export().replacen("End of Document", "", 1);
        assert_eq!(read_texts("a.txt", without_end.as_bytes()), [Err(Reason::Damaged), Err(Reason::Truncated)]);
        let cut = &export()[..COVER.len() + FIRST.len() + 150];
        let outcomes = read_file("a.txt", cut.as_bytes());
        assert!(matches!(outcomes.as_slice(), [Ok(_), Err(Reason::Truncated)]), "{outcomes:?}");
        let lost = [COVER, FIRST].concat();
        assert!(matches!(read_file("a.txt", lost.as_bytes()).as_slice(), [Ok(_), Err(Reason::Truncated)]));
    }

    #[test]
    fn an_export_cut_anywhere_is_read_as_far_as_it_goes() {
        check_cuts("a.txt", &export());
    }

    #[test]
    fn an_article_that_uses_such_words_stays_as_it_is() {
        let text =
            "Body\n\nThe inquest heard of the body on Tuesday. Length: unknown, the coroner said.\n\nEnd of Document\n";
        assert_eq!(read_texts("a.txt", text.as_bytes()), [Ok(text.to_owned())]);
    }
}
