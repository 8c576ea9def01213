//! Factiva: fields with names of two or three capital letters, `HD` to `AN`; or the same without names. `Document BAYC0000…` stands at the
//! end of each article.

use super::lines::{self, clean, is_copyright, is_date_like, is_word_count, language, language_code, value};
use super::{Draft, Edge, Shape};
use crate::input::refusal::Refusal;
use crate::record::Metadata;

pub(super) static SHAPE: Shape = Shape {
    name: "Factiva",
    recognise: |lines| has_named_fields(lines) || has_unnamed_fields(lines),
    edge: |line| accession(line).map(|_| Edge::Last),
    count: |_| None,
    is_furniture,
    is_whole: |_| false,
    parse,
};

/// Names of fields.
const NAMES: [&str; 33] = [
    "SE", "HD", "CR", "BY", "WC", "PD", "ET", "SN", "SC", "NGC", "GC", "ED", "PG", "VOL", "LA", "CY", "LP", "TD", "CT",
    "RF", "CO", "IN", "NS", "RE", "DE", "IPC", "IPD", "PUB", "AN", "ART", "CLM", "DLN", "CX",
];

/// Between the number of words and the text stand no more lines than this.
const MAX_HEAD_LINES: usize = 12;

/// The accession number of a line that ends an article: `Document BAYC000020310304e7340001a`, with or without `AN` before it.
fn accession(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = match words[..] {
        ["AN", "Document" | "Dokument" | "Documento", number]
        | ["Document" | "Dokument" | "Documento", number]
        | ["AN", number] => number,
        _ => return None,
    };
    let code_length = number.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let is_number = (1..=8).contains(&code_length)
        && (8..=40).contains(&digits)
        && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_number.then_some(number)
}

/// A line that begins with the name of a field.
struct Named<'l> {
    name: &'l str,
    value: &'l str,
    /// True if more than one space stands behind the name, so that it is surely no word of a sentence.
    is_set_off: bool,
}

impl<'l> Named<'l> {
    fn new(line: &'l str) -> Option<Self> {
        let end = line.find(char::is_whitespace).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let is_set_off = !rest.starts_with(' ') || rest.starts_with("  ") || rest.starts_with(" \t");
        NAMES.contains(&name).then(|| Self { name, value: clean(rest), is_set_off })
    }

    /// Tells whether it may begin a field behind the text: `IN the end` does not, and `IN i75 : Airlines` does.
    fn ends_text(&self) -> bool {
        let is_coded =
            || self.value.contains(" : ") && self.value.starts_with(|character: char| character.is_ascii_lowercase());
        match self.name {
            _ if self.is_set_off => true,
            "AN" => accession(&format!("AN {}", self.value)).is_some(),
            "TD" => self.value.is_empty(),
            "IPC" | "IPD" | "PUB" | "ART" | "RF" => true,
            _ => is_coded(),
        }
    }
}

/// The fields that every article has, in their order: headline, date, source, text.
fn has_named_fields(lines: &[&str]) -> bool {
    let wanted: [&[&str]; 4] = [&["HD"], &["WC", "PD"], &["SN"], &["LP", "TD"]];
    let mut place = 0;
    for names in wanted {
        let rest =
            lines.iter().skip(place).position(|line| Named::new(line).is_some_and(|field| names.contains(&field.name)));
        match rest {
            Some(distance) => place += distance + 1,
            None => return false,
        }
    }
    lines.iter().any(|line| {
        accession(line).is_some()
            || Named::new(line).is_some_and(|field| field.name == "WC" && is_word_count(field.value))
    })
}

/// `143 words`, a date, and a notice of rights below them.
fn has_unnamed_fields(lines: &[&str]) -> bool {
    (0..lines.len()).any(|place| head_end(lines, place).is_some())
}

/// The place of the notice of rights that ends the head of an article, whose number of words is at `place`.
fn head_end(lines: &[&str], place: usize) -> Option<usize> {
    let is_head = is_word_count(lines[place]) && lines.get(place + 1).is_some_and(|line| is_date_like(line));
    let behind = lines.iter().enumerate().skip(place + 2).take(MAX_HEAD_LINES);
    let is_notice =
        |line: &str| is_copyright(line) || line.to_lowercase().contains("all rights reserved") || line.contains('©');
    is_head.then(|| behind.filter(|(_, line)| is_notice(line)).map(|(end, _)| end).next()).flatten()
}

/// Page numbers, and the terms of the search at the end of a file.
fn is_furniture(lines: &[&str]) -> bool {
    let has_text = lines.iter().any(|line| {
        is_word_count(line) || Named::new(line).is_some_and(|field| ["HD", "LP", "TD"].contains(&field.name))
    });
    !has_text
        && (lines.iter().any(|line| line.to_lowercase().starts_with("search summary") || is_footer(line))
            || lines.iter().all(|line| accession(line).is_some()))
}

/// `Page 3 of 9 © 2031 Factiva, Inc. All rights reserved.`
fn is_footer(line: &str) -> bool {
    line.contains("Factiva, Inc.")
        || lines::is_page_number(line)
        || line.starts_with("Page ") && line.contains("Factiva")
}

fn parse(text: &str) -> Result<Draft, Refusal> {
    let text: Vec<&str> = text.lines().map(clean).filter(|line| !is_footer(line)).collect();
    let filled: Vec<&str> = text.iter().copied().filter(|line| !line.is_empty()).collect();
    if has_named_fields(&filled) { Ok(parse_named(&text)) } else { parse_unnamed(&text) }
}

/// An article whose fields have names.
fn parse_named(lines: &[&str]) -> Draft {
    let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines {
        let is_in_text = fields.last().is_some_and(|(name, _)| ["LP", "TD"].contains(name));
        match Named::new(line).filter(|field| !is_in_text || field.ends_text()) {
            Some(field) => fields.push((field.name, vec![field.value])),
            None => fields.last_mut().into_iter().for_each(|(_, lines)| lines.push(line)),
        }
    }
    let mut draft = Draft::default();
    for (name, lines) in fields {
        let metadata = &mut draft.metadata;
        let text = lines.join(" ");
        match name {
            "HD" => metadata.title = value(&text),
            "BY" => metadata.byline = value(&text),
            "PD" => metadata.published = value(&text),
            "SN" => metadata.source = value(&text),
            "SE" => metadata.section = value(&text),
            "LA" => metadata.language = language(&text),
            "AN" => draft.own_id = accession(&format!("AN {text}")).map(str::to_owned),
            "LP" | "TD" => draft.paragraphs.extend(lines::paragraphs(&lines.join("\n"))),
            _ => {}
        }
    }
    draft
}

/// An article whose fields are known by their order: section, headline, byline, number of words, date, time, source, its code, edition
/// and page, language, notice of rights, text.
fn parse_unnamed(lines: &[&str]) -> Result<Draft, Refusal> {
    let broken = || {
        Refusal::damaged("is no article of Factiva: the number of words, the date or the notice of rights is missing")
    };
    let filled: Vec<usize> = (0..lines.len()).filter(|&place| !lines[place].is_empty()).collect();
    let texts: Vec<&str> = filled.iter().map(|&place| lines[place]).collect();
    let (words, rights) =
        (0..texts.len()).find_map(|place| Some((place, head_end(&texts, place)?))).ok_or_else(broken)?;
    let mut draft =
        Draft { own_id: texts.last().and_then(|line| accession(line)).map(str::to_owned), ..Draft::default() };
    read_titles(lines.get(..filled[words]).unwrap_or_default(), &mut draft.metadata);
    let head = &texts[words + 1..rights];
    draft.metadata.published = lines::date(head[0]);
    draft.metadata.source = head[1..].iter().find(|line| !is_time(line)).and_then(|line| value(line));
    draft.metadata.language = head.iter().rev().find_map(|line| language_code(line)).map(str::to_owned);
    let text = lines[filled[rights] + 1..].iter().filter(|line| accession(line).is_none());
    draft.paragraphs = lines::paragraphs(&text.copied().collect::<Vec<_>>().join("\n"));
    Ok(draft)
}

/// Tells whether a line is a time: `09:15`, `9:15 AM`.
fn is_time(line: &str) -> bool {
    line.contains(':') && line.starts_with(|character: char| character.is_ascii_digit())
}

/// Tells whether a line is a byline by its first word.
fn is_byline(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default().to_lowercase();
    ["by", "par", "von", "por", "di", "door"].contains(&first.as_str())
}

/// Tells whether a line has so few words that it may be a section or a name.
fn is_short(line: &str) -> bool {
    line.split_whitespace().count() <= 3
}

/// Reads section, headline and byline, of which only the headline is always there.
fn read_titles(lines: &[&str], metadata: &mut Metadata) {
    let text = lines.join("\n");
    let blocks = lines::blocks(&text);
    let mut items: Vec<String> = match blocks.as_slice() {
        [block] => block.iter().map(|line| (*line).to_owned()).collect(),
        blocks => blocks.iter().map(|block| block.join(" ")).collect(),
    };
    // The heads of pages.
    items.retain(|item| !["Factiva", "Dow Jones", "Factiva Dow Jones"].contains(&item.as_str()));
    if items.len() > 1
        && (items.last().is_some_and(|item| is_byline(item))
            || (items.len() > 2 && items.last().is_some_and(|item| is_short(item))))
    {
        metadata.byline = items.pop();
    }
    if items.len() > 1 && is_short(&items[0]) {
        metadata.section = Some(items.remove(0));
    } else if items.len() == 2 && is_short(&items[1]) {
        metadata.byline = items.pop();
    }
    metadata.title = value(&items.join(" "));
}

#[cfg(test)]
mod tests {
    use crate::input::formats::press_database::check_cuts;
    use crate::input::formats::testing::{read_articles, read_file, read_texts};
    use crate::record::Reason;

    const NAMED: &str = "\n\nSE\tLocal\n\nHD\tQuay to Close for Two Years\n\nBY\tBy Ida Brenn\n\nWC\t143 words\n\nPD\t4 March 2031\n\n\
        ET\t09:15\n\nSN\tBay Courier\n\nSC\tBAYC\n\nLA\tEnglish\n\nCY\tCopyright 2031\n\nLP\n\n\
        The harbour council voted on Tuesday to close the northern quay.\n\nIN the end, fishermen called it a betrayal.\n\nTD\n\n\
        A second vote is due in October.\n\nNS\tgvote : Elections | gpol : Politics\n\nRE\tnorw : Norway\n\n\
        AN\tDocument BAYC000020310304e7340001a\n\n\nHD  Schools Reopen\nWC  65 words\nPD  5 March 2031\nSN  Bay Courier\n\
        LA  English\nCY  Copyright 2031\nTD\nTwo schools in the valley reopened on Monday.\nAN  Document BAYC000020310305e7340001b\n\n\
        Search Summary\nText\tquay\n© 2031 Factiva, Inc. All rights reserved.\n";

    const UNNAMED: &str = "Local\nQuay to Close for Two Years\nBy Ida Brenn\n143 words\n4 March 2031\n09:15\nBay Courier\nBAYC\nEnglish\n\
        (c) 2031 Bay Courier. All rights reserved.\n\nThe harbour council voted on Tuesday to close the northern quay.\n\n\
        A second vote is due in October.\n\nDocument BAYC000020310304e7340001a\n\nPage 1 of 2 © 2031 Factiva, Inc. All rights reserved.\n\
        Schools Reopen After Inspectors Find Nothing\n65 words\n5 March 2031\nBay Courier\nBAYC\n12\nEnglish\nCopyright 2031 Bay Courier\n\n\
        Two schools in the valley reopened on Monday.\n\nDocument BAYC000020310305e7340001b\n";

    #[test]
    fn each_article_with_named_fields_is_a_document() {
        let articles = read_articles("a.txt", NAMED.as_bytes());
        let [first, second] = articles.as_slice() else { panic!("{articles:?}") };
        assert_eq!(
            first.text,
            "The harbour council voted on Tuesday to close the northern quay.\n\nIN the end, fishermen called it a betrayal.\n\n\
             A second vote is due in October."
        );
        assert_eq!(first.own_id.as_deref(), Some("BAYC000020310304e7340001a"));
        let metadata = &first.metadata;
        assert_eq!(metadata.title.as_deref(), Some("Quay to Close for Two Years"));
        assert_eq!((metadata.byline.as_deref(), metadata.section.as_deref()), (Some("By Ida Brenn"), Some("Local")));
        assert_eq!(
            (metadata.published.as_deref(), metadata.source.as_deref()),
            (Some("4 March 2031"), Some("Bay Courier"))
        );
        assert_eq!(metadata.language.as_deref(), Some("en"));
        assert_eq!(second.text, "Two schools in the valley reopened on Monday.");
        assert_eq!(second.metadata.title.as_deref(), Some("Schools Reopen"));
    }

    #[test]
    fn fields_without_names_are_known_by_their_order() {
        let articles = read_articles("a", UNNAMED.as_bytes());
        let [first, second] = articles.as_slice() else { panic!("{articles:?}") };
        assert!(
            first.text.starts_with("The harbour council") && first.text.ends_with("due in October."),
            "{}",
            first.text
        );
        let metadata = &first.metadata;
        assert_eq!(metadata.title.as_deref(), Some("Quay to Close for Two Years"));
        assert_eq!((metadata.byline.as_deref(), metadata.section.as_deref()), (Some("By Ida Brenn"), Some("Local")));
        assert_eq!(
            (metadata.published.as_deref(), metadata.source.as_deref()),
            (Some("4 March 2031"), Some("Bay Courier"))
        );
        assert_eq!(second.text, "Two schools in the valley reopened on Monday.");
        assert_eq!(second.metadata.title.as_deref(), Some("Schools Reopen After Inspectors Find Nothing"));
        assert_eq!(
            (second.metadata.source.as_deref(), second.metadata.language.as_deref()),
            (Some("Bay Courier"), Some("en"))
        );
    }

    #[test]
    fn an_article_without_end_or_text_is_rejected() {
        let cut = NAMED.find("valley").unwrap();
        let outcomes = read_file("a.txt", &NAMED.as_bytes()[..cut]);
        assert!(matches!(outcomes.as_slice(), [Ok(_), Err(Reason::Truncated)]), "{outcomes:?}");
        let empty = NAMED.replace("Two schools in the valley reopened on Monday.\n", "");
        assert!(matches!(read_file("a.txt", empty.as_bytes()).as_slice(), [Ok(_), Err(Reason::Empty)]));
    }

    #[test]
    fn a_page_with_a_table_of_fields_is_an_export() {
        let row = |name: &str, value: &str| {
            format!("<tr><td class=\"index\"><b>{name}</b>&nbsp;</td><td>{value}</td></tr>\n")
        };
        let article = |title: &str, text: &str, number: &str| {
            let fields = [
                row("HD", &format!("<b class='enHeadline'>{title}</b>\n")),
                row("WC", "143 words"),
                row("PD", "4 March 2031"),
                row("SN", "Bay Courier"),
                row("LA", "English"),
                row("CY", "(c) 2031"),
                format!(
                    "<tr><td><p><b>LP</b>&nbsp;</p></td><td><p class=\"articleParagraph enarticleParagraph\">{text}</p></td></tr>"
                ),
                row("NS", "<br/>gcat : Political/General News"),
                row("AN", &format!("<br/>Document BAYC00002031030{number}e7340001a")),
            ];
            format!("<div class=\"article enArticle\"><table>{}</table></div>", fields.concat())
        };
        let page = format!(
            "<!DOCTYPE html><html><head><title>Factiva</title></head><body>{}<br/>{}<div id=\"pageFooter\">© 2031 Factiva, Inc.</div></body></html>",
            article("Quay to Close", "The quay will close.", "4"),
            article("Schools Reopen", "Two schools reopened.", "5"),
        );
        let articles = read_articles("a.html", page.as_bytes());
        let texts: Vec<_> = articles
            .iter()
            .map(|article| (article.metadata.title.as_deref().unwrap(), article.text.as_str()))
            .collect();
        assert_eq!(texts, [("Quay to Close", "The quay will close."), ("Schools Reopen", "Two schools reopened.")]);
    }

    #[test]
    fn an_export_cut_anywhere_is_read_as_far_as_it_goes() {
        check_cuts("a.txt", NAMED);
        check_cuts("a", UNNAMED);
    }

    #[test]
    fn an_article_that_uses_such_words_stays_as_it_is() {
        let text = "He wrote 143 words\n\non 4 March 2031.\n\nDocument 12 was lost. HD televisions are SN 4.\n";
        assert_eq!(read_texts("a.txt", text.as_bytes()), [Ok(text.to_owned())]);
    }
}
