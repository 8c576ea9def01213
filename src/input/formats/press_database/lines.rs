//! Blocks, labels, dates and languages, as databases write them.

use crate::input::text::dates::to_rfc3339;
use crate::input::text::squeezed;

/// A line of a block that goes on in the next one is longer than this, in characters.
const MIN_WRAPPED_CHARACTERS: usize = 50;

/// The maximum number of words of a date with a weekday and a time.
const MAX_DATE_WORDS: usize = 8;

/// A line without the white space around it.
pub(super) fn clean(line: &str) -> &str {
    line.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}')
}

/// The blocks of a text: its lines, cleaned, in groups between blank ones.
pub(super) fn blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks = vec![Vec::new()];
    for line in text.lines().map(clean) {
        match blocks.last_mut() {
            Some(block) if !line.is_empty() => block.push(line),
            Some(block) if !block.is_empty() => blocks.push(Vec::new()),
            _ => {}
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// The paragraphs of an article's text. Lines that were broken to a width are joined; others stay lines. Without any blank line each
/// long line is a paragraph.
pub(super) fn paragraphs(text: &str) -> Vec<String> {
    let blocks = blocks(text);
    if let [block] = blocks.as_slice()
        && block.len() > 1
        && !is_wrapped(block)
    {
        return block.iter().map(|line| (*line).to_owned()).collect();
    }
    blocks.iter().map(|block| paragraph(block)).collect()
}

/// The lines of a block as one paragraph.
pub(super) fn paragraph(block: &[&str]) -> String {
    block.join(if is_wrapped(block) { " " } else { "\n" })
}

/// Tells whether the lines of a block were broken to a width: each but the last is long, and none very long.
fn is_wrapped(block: &[&str]) -> bool {
    const MAX_WRAPPED_CHARACTERS: usize = 110;
    let Some((_, before)) = block.split_last() else { return false };
    before.iter().all(|line| (MIN_WRAPPED_CHARACTERS..=MAX_WRAPPED_CHARACTERS).contains(&line.chars().count()))
}

/// The label at the start of a line, before a colon, and the value behind it.
pub(super) fn label(line: &str) -> Option<(&str, &str)> {
    const MAX_LABEL_BYTES: usize = 40;
    let (label, value) = line.split_once(':')?;
    (!label.is_empty()
        && label.len() <= MAX_LABEL_BYTES
        && label.chars().all(|character| character.is_alphabetic() || " -/&".contains(character)))
    .then(|| (label.trim_end(), clean(value)))
}

/// The value of a field, if it has one.
pub(super) fn value(text: &str) -> Option<String> {
    let text = squeezed(text);
    (!text.is_empty()).then_some(text)
}

/// The date at the start of a line, with nothing but an edition behind it.
pub(super) fn leading_date(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().take(MAX_DATE_WORDS).collect();
    (3..=words.len()).rev().map(|length| words[..length].join(" ")).find(|beginning| to_rfc3339(beginning).is_some())
}

/// Tells whether a line may be a date in some language: few words, a day or a month, and a year.
pub(super) fn is_date_like(line: &str) -> bool {
    let words: Vec<&str> = line.split([' ', ',', '\u{a0}', '.']).filter(|word| !word.is_empty()).collect();
    let has_year = words.iter().any(|word| word.len() == 4 && is_between(word, 1600, 2199));
    let has_day = words.iter().any(|word| word.len() <= 2 && is_between(word, 1, 31));
    let is_short = (2..=MAX_DATE_WORDS).contains(&words.len());
    leading_date(line).is_some() || (is_short && has_year && (has_day || words.len() == 2))
}

fn is_between(word: &str, least: u16, most: u16) -> bool {
    word.parse().is_ok_and(|number| (least..=most).contains(&number))
}

/// The date of a line, as far as it is one.
pub(super) fn date(line: &str) -> Option<String> {
    leading_date(line).or_else(|| value(line))
}

/// Tells whether a line is a notice of rights.
pub(super) fn is_copyright(line: &str) -> bool {
    let lower = line.to_lowercase();
    lower.starts_with("copyright ")
        || lower.starts_with('©')
        || lower.starts_with("(c) ")
        || lower == "all rights reserved"
        || lower == "all rights reserved."
}

/// Tells whether a line is the number of a page: `Page 1 of 3`.
pub(super) fn is_page_number(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words[..], ["Page", number, "of", all] if is_number(number) && is_number(all))
}

/// Tells whether a word is a number.
pub(super) fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells whether a text is a number of words: `1,043 words`.
pub(super) fn is_word_count(text: &str) -> bool {
    const WORDS: [&str; 10] =
        ["words", "word", "mots", "wörter", "woorden", "palabras", "palavras", "parole", "ord", "words."];
    let Some((number, words)) = text.rsplit_once(char::is_whitespace) else { return false };
    let is_number = !number.is_empty()
        && number.chars().all(|character| character.is_ascii_digit() || ",. \u{a0}".contains(character));
    is_number && WORDS.contains(&words.to_lowercase().as_str())
}

/// The code of a language that databases name, or the name itself.
pub(super) fn language(name: &str) -> Option<String> {
    let first = name.split([';', ',']).next().unwrap_or_default().trim();
    language_code(first).map(str::to_owned).or_else(|| value(name))
}

/// The code of a language that databases name.
pub(in crate::input::formats) fn language_code(name: &str) -> Option<&'static str> {
    const LANGUAGES: [(&str, &[&str]); 18] = [
        ("ar", &["arabic"]),
        ("da", &["danish", "dansk"]),
        ("de", &["german", "deutsch", "allemand"]),
        ("en", &["english", "englisch", "anglais", "inglés", "inglese", "engels"]),
        ("es", &["spanish", "español", "spanisch", "espagnol"]),
        ("fi", &["finnish", "suomi"]),
        ("fr", &["french", "français", "französisch", "francés"]),
        ("hi", &["hindi"]),
        ("it", &["italian", "italiano", "italienisch", "italien"]),
        ("ja", &["japanese"]),
        ("ko", &["korean"]),
        ("nl", &["dutch", "nederlands", "niederländisch", "dutch; flemish"]),
        ("no", &["norwegian", "norsk"]),
        ("pl", &["polish", "polski"]),
        ("pt", &["portuguese", "português"]),
        ("ru", &["russian"]),
        ("sv", &["swedish", "svenska"]),
        ("zh", &["chinese", "chinese - simplified", "chinese - traditional"]),
    ];
    let name = name.trim().to_lowercase();
    LANGUAGES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(code, _)| *code)
}

/// The part of the paper, without the page and the edition that databases write behind it.
pub(super) fn section(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(';').map(str::trim).filter(|part| !is_page_or_edition(part)).collect();
    value(&parts.join("; "))
}

fn is_page_or_edition(part: &str) -> bool {
    const STARTS: [&str; 8] = ["pg.", "pg", "page", "pag", "p.", "s.", "version", "edition"];
    let lower = part.to_lowercase();
    STARTS.iter().any(|start| lower.strip_prefix(start).is_some_and(|rest| !rest.starts_with(char::is_alphabetic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_were_broken_to_a_width_are_joined() {
        let wrapped =
            "The harbour council voted on Tuesday to close the northern quay for two\nyears, the council said.";
        let expected =
            "The harbour council voted on Tuesday to close the northern quay for two years, the council said.";
        assert_eq!(paragraphs(&format!("{wrapped}\n\n  Roses\n  Violets\n")), [expected, "Roses\nViolets"]);
        assert_eq!(paragraphs("Short one.\nShort two."), ["Short one.", "Short two."]);
    }

    #[test]
    fn dates_are_found_before_weekdays_and_editions() {
        assert_eq!(leading_date("March 4, 2031 Tuesday").as_deref(), Some("March 4, 2031 Tuesday"));
        assert_eq!(
            leading_date("March 4, 2031 Tuesday Late Edition - Final").as_deref(),
            Some("March 4, 2031 Tuesday")
        );
        assert_eq!(leading_date("The council met on March 4, 2031"), None);
        assert!(is_date_like("4 mars 2031") && is_date_like("März 2031") && !is_date_like("Plan 2031 for the harbour"));
    }

    #[test]
    fn sections_lose_pages_and_languages_get_codes() {
        assert_eq!(section("NEWS; Pg. 3").as_deref(), Some("NEWS"));
        assert_eq!(
            section("Section A; Column 1; Metro Desk; Pg. 1").as_deref(),
            Some("Section A; Column 1; Metro Desk")
        );
        assert_eq!(section("Pg. 9"), None);
        assert_eq!(
            ["ENGLISH", "English; French", "Klingon"].map(language),
            [Some("en"), Some("en"), Some("Klingon")].map(|name| name.map(str::to_owned))
        );
        assert!(is_word_count("1,043 words") && is_word_count("65 mots") && !is_word_count("In other words"));
    }
}
