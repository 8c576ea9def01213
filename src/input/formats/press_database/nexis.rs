//! `LexisNexis` as it was until 2019: `1 of 100 DOCUMENTS` stands before an article, and its fields have labels in capital letters.

use super::lines::{self, label, language, section, value};
use super::{Count, Draft, Edge, Shape};
use crate::record::Metadata;

pub(super) static SHAPE: Shape = Shape {
    name: "LexisNexis",
    recognise,
    edge: |line| item(line).map(|_| Edge::First),
    count: |line| item(line).map(|(number, of)| Count::Item { number, of }),
    is_furniture: |lines| item(lines[0]).is_none(),
    is_whole: |lines| {
        lines.iter().any(|line| lines::is_copyright(line) || role(line).is_some_and(|(role, _)| role.is_after_text()))
    },
    parse: |text| Ok(parse(text)),
};

/// A shorter article has fewer labels than any that was exported.
const MIN_LABELS: usize = 2;

/// The number of the article that begins at a line, and the number of all: `1 of 100 DOCUMENTS`, `LEVEL 1 - 5 OF 27 STORIES`.
fn item(line: &str) -> Option<(u64, u64)> {
    let rest = ["LEVEL 1 - ", "FOCUS - "].iter().find_map(|start| line.strip_prefix(start)).unwrap_or(line);
    let words: Vec<&str> = rest.split_whitespace().collect();
    let ([number, "of" | "OF", of, "DOCUMENTS" | "DOCUMENT" | "STORIES"]
    | ["Dokument", number, "von", of]
    | ["Document", number, "de", of]) = words[..]
    else {
        return None;
    };
    let number = number.parse().ok()?;
    let of = of.parse().ok()?;
    (1..=of).contains(&number).then_some((number, of))
}

/// A first line of an article with labels below it, one of them that of the length.
fn recognise(lines: &[&str]) -> bool {
    let Some(start) = lines.iter().position(|line| item(line).is_some()) else { return false };
    let article = lines[start + 1..].iter().take_while(|line| item(line).is_none());
    let mut labels: Vec<&str> =
        article.filter_map(|line| Some(label(line)?.0).filter(|_| role(line).is_some())).collect();
    labels.sort_unstable();
    labels.dedup();
    labels.len() >= MIN_LABELS
}

/// The use of a labelled block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Title,
    Byline,
    Section,
    /// Before the text, and a part of it.
    Dateline,
    /// Before the text, and of no use.
    Head,
    /// The text itself.
    Body,
    Language,
    Address,
    /// After the text, and of no use.
    Tail,
}

impl Role {
    fn is_after_text(self) -> bool {
        matches!(self, Self::Language | Self::Address | Self::Tail)
    }
}

/// The role of the block that begins with this line, and the value behind the label.
fn role(line: &str) -> Option<(Role, &str)> {
    let (label, value) = label(line)?;
    let role = match label {
        "HEADLINE" | "TITLE" => Role::Title,
        "BYLINE" | "AUTOR" | "AUTEUR" => Role::Byline,
        "SECTION" | "RUBRIK" | "RUBRIQUE" => Role::Section,
        "DATELINE" => Role::Dateline,
        "LENGTH" | "LÄNGE" | "LONGUEUR" | "HIGHLIGHT" | "SERIES" | "SOURCE" | "INSERT" | "ENCART" => Role::Head,
        "BODY" => Role::Body,
        "LANGUAGE" | "SPRACHE" | "LANGUE" => Role::Language,
        "URL" => Role::Address,
        "LOAD-DATE" | "UPDATE" | "DATE-CHARGEMENT" | "PUBLICATION-TYPE" | "TYPE-PUBLICATION" | "PUB-TYPE"
        | "JOURNAL-CODE" | "DOCUMENT-TYPE" | "GRAPHIC" | "GRAFIK" | "SUBJECT" | "SUJET" | "COMPANY" | "SOCIETE"
        | "ORGANIZATION" | "PERSON" | "GEOGRAPHIC" | "COUNTRY" | "STATE" | "CITY" | "TICKER" | "INDUSTRY"
        | "CORRECTION" | "CORRECTION-DATE" | "DISTRIBUTION" | "ACC-NO" | "TYPE" | "NAME" | "NOTES" | "ISSN"
        | "LOAD DATE" => Role::Tail,
        _ => return None,
    };
    Some((role, value))
}

fn parse(text: &str) -> Draft {
    let blocks = lines::blocks(text);
    let blocks = without_item(&blocks);
    let first_label = blocks.iter().position(|block| role(block[0]).is_some()).unwrap_or(blocks.len());
    let start = text_start(&blocks, first_label);
    let end = text_end(&blocks, start);
    let mut draft = Draft::default();
    read_heading(&blocks[..first_label], &mut draft.metadata);
    for block in blocks[first_label..start].iter().chain(&blocks[end..]) {
        if let Some((role, first)) = role(block[0]) {
            let value = [&[first], &block[1..]].concat().join(" ");
            if role == Role::Dateline {
                draft.dateline = lines::value(&value);
            }
            read_field(role, &value, &mut draft.metadata);
        }
    }
    for block in &blocks[start..end] {
        let lines: Vec<&str> =
            block.iter().map(|line| without_body_label(line)).filter(|line| !line.is_empty()).collect();
        draft.paragraphs.extend(Some(lines::paragraph(&lines)).filter(|paragraph| !paragraph.is_empty()));
    }
    draft
}

/// The place of the first block of the text: without a label, or with that of the text.
fn text_start(blocks: &[Vec<&str>], first_label: usize) -> usize {
    blocks[first_label..]
        .iter()
        .position(|block| role(block[0]).is_none_or(|(role, _)| role == Role::Body))
        .map_or(blocks.len(), |distance| first_label + distance)
}

fn without_body_label(line: &str) -> &str {
    line.strip_prefix("BODY:").map_or(line, lines::clean)
}

/// The blocks of an article without the line that numbers it.
fn without_item<'t>(blocks: &[Vec<&'t str>]) -> Vec<Vec<&'t str>> {
    without_lines(blocks, |line| item(line).is_some())
}

/// The blocks without some lines, and without blocks of nothing else.
fn without_lines<'t>(blocks: &[Vec<&'t str>], is_left_out: fn(&str) -> bool) -> Vec<Vec<&'t str>> {
    let mut blocks = blocks.to_vec();
    for block in &mut blocks {
        block.retain(|line| !is_left_out(line));
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// Labels that surely stand behind the text.
const TAIL_LABELS: [&str; 9] = [
    "LOAD-DATE",
    "LANGUAGE",
    "SPRACHE",
    "LANGUE",
    "PUBLICATION-TYPE",
    "TYPE-PUBLICATION",
    "DATE-CHARGEMENT",
    "UPDATE",
    "JOURNAL-CODE",
];

/// The place of the block behind the text: the first of the labels and notices of rights that stand at the end.
fn text_end(blocks: &[Vec<&str>], start: usize) -> usize {
    let tail =
        blocks[start..].iter().position(|block| label(block[0]).is_some_and(|(label, _)| TAIL_LABELS.contains(&label)));
    let mut end = tail.map_or(blocks.len(), |distance| start + distance);
    while end > start && is_tail(&blocks[end - 1]) {
        end -= 1;
    }
    end
}

/// Tells whether a block may stand behind the text.
fn is_tail(block: &[&str]) -> bool {
    role(block[0]).is_some_and(|(role, _)| role.is_after_text()) || block.iter().any(|line| lines::is_copyright(line))
}

/// Reads source, date and headline, which have no labels: they stand in this order, or with the headline before the date.
fn read_heading(blocks: &[Vec<&str>], metadata: &mut Metadata) {
    let blocks = without_lines(blocks, lines::is_copyright);
    let Some((dated, line)) = place_of_date(&blocks) else {
        metadata.source = blocks.first().and_then(|block| value(&block.join(" ")));
        metadata.title = blocks.get(1..).and_then(|title| value(&title.concat().join(" ")));
        return;
    };
    let block = &blocks[dated];
    metadata.published = lines::date(block[line]);
    let source = if dated > 0 { blocks[0].first() } else { block[..line].first() };
    metadata.source = source.and_then(|source| value(source));
    let behind = &blocks[dated + 1..];
    let title = if behind.is_empty() { blocks.get(1..dated).unwrap_or_default() } else { behind };
    metadata.title = value(&title.concat().join(" "));
}

/// The block with the date, and the line of it: a date that can be read, or else what looks like one.
fn place_of_date(blocks: &[Vec<&str>]) -> Option<(usize, usize)> {
    place_of(blocks, |line| lines::leading_date(line).is_some()).or_else(|| place_of(blocks, lines::is_date_like))
}

fn place_of(blocks: &[Vec<&str>], is_wanted: fn(&str) -> bool) -> Option<(usize, usize)> {
    blocks
        .iter()
        .enumerate()
        .find_map(|(place, block)| block.iter().position(|line| is_wanted(line)).map(|line| (place, line)))
}

fn read_field(role: Role, text: &str, metadata: &mut Metadata) {
    let (place, found) = match role {
        Role::Title => (&mut metadata.title, value(text)),
        Role::Byline => (&mut metadata.byline, value(text)),
        Role::Section => (&mut metadata.section, section(text)),
        Role::Language => (&mut metadata.language, language(text)),
        Role::Address => (&mut metadata.uri, value(text)),
        Role::Dateline | Role::Head | Role::Body | Role::Tail => return,
    };
    if found.is_some() {
        *place = found;
    }
}

#[cfg(test)]
mod tests {
    use crate::input::formats::press_database::check_cuts;
    use crate::input::formats::testing::{read_articles, read_texts};
    use crate::record::Reason;

    const EXPORT: &str = "\n\nDownload Request: Selected Items: 1-2\nTime Of Request: Tuesday, March 04, 2031  16:51:31\n\n\
        Terms: (quay AND close)\n\n\n                               1 of 2 DOCUMENTS\n\n\n\n\
        \x20                                 Bay Courier\n\n                            March 4, 2031 Tuesday\n\
        \x20                                Late Edition - Final\n\nQuay to close for two years; Fishermen call it\na betrayal\n\n\
        BYLINE: Ida Brenn\n\nSECTION: NEWS; Pg. 3\n\nLENGTH: 143 words\n\nDATELINE: BERGEN\n\n\n\
        The harbour council voted on Tuesday to close the northern quay for two years,\na decision that fishermen called a betrayal.\n\n\
        \u{201c}We were told that nothing would change,\u{201d} said Orla Venn.\n\nNOTES: are what she had.\n\nIt rains.\n\n\
        GRAPHIC: The quay in January.\n\nLOAD-DATE: March 5, 2031\n\nLANGUAGE: ENGLISH\n\nPUBLICATION-TYPE: Newspaper\n\n\n\
        \x20                       Copyright 2031 Bay Courier\n                              All Rights Reserved\n\n\
        \x20                              2 of 2 DOCUMENTS\n\n                  Copyright 2031 Bay Courier\n\n\
        \x20                                 Bay Courier\n\nMarch 5, 2031\n\nSECTION: Pg. 9\n\nLENGTH: 65 words\n\n\
        HEADLINE: Schools reopen\n\nBODY:\n   Two schools in the valley reopened on Monday.\n\nLOAD-DATE: March 6, 2031\n";

    #[test]
    fn each_article_is_a_document_without_the_furniture() {
        let articles = read_articles("a.txt", EXPORT.as_bytes());
        let [first, second] = articles.as_slice() else { panic!("{articles:?}") };
        assert_eq!(
            first.text,
            "BERGEN\n\nThe harbour council voted on Tuesday to close the northern quay for two years, a decision that fishermen called a \
             betrayal.\n\n“We were told that nothing would change,” said Orla Venn.\n\nNOTES: are what she had.\n\nIt rains."
        );
        let metadata = &first.metadata;
        assert_eq!(metadata.title.as_deref(), Some("Quay to close for two years; Fishermen call it a betrayal"));
        assert_eq!((metadata.source.as_deref(), metadata.byline.as_deref()), (Some("Bay Courier"), Some("Ida Brenn")));
        assert_eq!(
            (metadata.published.as_deref(), metadata.section.as_deref()),
            (Some("March 4, 2031 Tuesday"), Some("NEWS"))
        );
        assert_eq!(metadata.language.as_deref(), Some("en"));
        assert_eq!(second.text, "Two schools in the valley reopened on Monday.");
        let metadata = &second.metadata;
        assert_eq!(
            (metadata.title.as_deref(), metadata.source.as_deref()),
            (Some("Schools reopen"), Some("Bay Courier"))
        );
        assert_eq!((metadata.published.as_deref(), metadata.section.as_deref()), (Some("March 5, 2031"), None));
    }

    #[test]
    fn what_is_cut_short_missing_or_empty_is_said() {
        let outcomes =
            |text: &str| read_texts("a.txt", text.as_bytes()).into_iter().map(Result::err).collect::<Vec<_>>();
        let cut = EXPORT.find("in the valley").unwrap();
        assert_eq!(outcomes(&EXPORT[..cut]), [None, None], "a notice of rights stands in its heading");
        let cut = EXPORT.find("said Orla").unwrap();
        assert_eq!(outcomes(&EXPORT[..cut]), [Some(Reason::Truncated), Some(Reason::Truncated)]);
        assert_eq!(
            outcomes(&EXPORT.replace("1 of 2 DOC", "1 of 3 DOC").replace("2 of 2 DOC", "3 of 3 DOC")),
            [None, None, Some(Reason::Truncated)]
        );
        assert_eq!(outcomes(&[EXPORT, EXPORT].concat()), [None, None, None, None], "two exports were put together");
        assert_eq!(outcomes(&EXPORT.replace("2 of 2 DOC", "3 of 9 DOC")), [None, None], "articles of several exports");
        let empty = EXPORT.replace("   Two schools in the valley reopened on Monday.\n", "");
        assert_eq!(outcomes(&empty), [None, Some(Reason::Empty)]);
    }

    #[test]
    fn an_export_cut_anywhere_is_read_as_far_as_it_goes() {
        check_cuts("a.txt", EXPORT);
    }

    #[test]
    fn an_article_that_uses_such_words_stays_as_it_is() {
        let text = "The clerk found\n\n1 of 100 DOCUMENTS\n\nLENGTH: he shrugged.\n";
        assert_eq!(read_texts("a.txt", text.as_bytes()), [Ok(text.to_owned())]);
    }
}
