//! Parts at the ends of a paragraph that no mark separates from the text: datelines, labels of figures, dates, credits.

use super::words::{self, Opening};
use super::{abbreviations, punctuation};
use crate::english::{FIGURE_LABELS, MONTHS, PICTURE_LABELS, WEEKDAY_NAMES};

// No dateline is longer; the limit keeps the search linear.
const LONGEST: usize = 90;

/// The number of bytes of the dateline that `text` starts with, its dash included: `LIMA, Peru (AP) --`.
pub(super) fn dateline(text: &str) -> Option<usize> {
    let mut line = Dateline::default();
    for token in tokens(text) {
        if is_dash(token.text) {
            let end = token.start + token.text.len();
            return line.is_whole(text[end..].trim_start()).then_some(end);
        }
        line.add(token.text)?;
    }
    None
}

/// Returns true if `sentence` is a dateline and nothing else: `LIMA, Peru (AP) --`.
pub(super) fn is_dateline(sentence: &str) -> bool {
    let mut line = Dateline::default();
    for token in tokens(sentence) {
        if is_dash(token.text) {
            return token.start + token.text.len() == sentence.len() && (line.is_named() || line.has_comma);
        }
        if line.add(token.text).is_none() {
            return false;
        }
    }
    false
}

/// The number of bytes of the label that the caption `paragraph` starts with: `Figure 1.3 The harbour in 1900`.
pub(super) fn label(paragraph: &str) -> Option<usize> {
    let mut tokens = tokens(paragraph);
    let is_label = FIGURE_LABELS.contains(&tokens.next()?.text);
    let number = tokens.next().filter(|number| is_label && is_figure_number(number.text))?;
    let end = number.start + number.text.len();
    let caption = paragraph[end..].trim_start();
    (words::opening(caption) == Opening::Upper || caption.starts_with("(credit:")).then_some(end)
}

/// The start of the date at the end of `heading`: `Storm Closes Harbour Sunday, May 28, 2006`.
pub(super) fn date_at_end(heading: &str) -> Option<usize> {
    if !heading.ends_with(|last: char| last.is_ascii_digit()) {
        return None;
    }
    let mut parts = words::tail(heading, LONGEST).rsplitn(5, ' ');
    let year = parts.next()?;
    let day = parts.next()?;
    let month = parts.next()?;
    let weekday = parts.next()?;
    let is_date = is_year(year) && is_day(day.strip_suffix(',')?) && is_month(month) && is_weekday(weekday);
    let length = [weekday, month, day, year].join(" ").len();
    let start = heading.len() - length;
    (is_date && is_title(heading[..start].trim_end())).then_some(start)
}

/// The start of the address that has its first sign at `at`: `https://example.com`, `www.example.com`.
pub(super) fn start_of_address(text: &str, at: usize) -> Option<usize> {
    let (before, after) = text.split_at(at);
    let start = start_of_word(before)?;
    let is_address = match &before[start..] {
        "http" | "https" => after.starts_with("://"),
        "www" => after.starts_with('.'),
        _ => false,
    };
    is_address.then_some(start)
}

/// The start of the credit of a picture that has its colon at `at`: `The harbour Image: Ann Lee.`
pub(super) fn start_of_credit(text: &str, at: usize) -> Option<usize> {
    let (before, after) = text.split_at(at);
    let start = start_of_word(before)?;
    let is_named =
        after.starts_with(": ") && PICTURE_LABELS.contains(&&before[start..]) && is_caption(before[..start].trim_end());
    is_named.then_some(start)
}

/// The start of the last word of `text`, if it is short and has white space before it.
fn start_of_word(text: &str) -> Option<usize> {
    const LONGEST_WORD: usize = 12;
    let word = words::tail(text, LONGEST_WORD).rsplit(char::is_whitespace).next()?;
    let start = text.len() - word.len();
    text[..start].ends_with(char::is_whitespace).then_some(start)
}

/// A word or a sign between white space, and where it starts.
struct Token<'text> {
    text: &'text str,
    start: usize,
}

/// The tokens at the start of `text`; the last one may be cut short.
fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let head = words::head(text, LONGEST);
    head.split_whitespace().map(move |text| Token { text, start: text.as_ptr().addr() - head.as_ptr().addr() })
}

/// The state of the search for a dateline, after some tokens.
#[derive(Debug, Default)]
struct Dateline {
    stage: Stage,
    words: usize,
    capitals: usize,
    has_small: bool,
    has_comma: bool,
}

/// The part of a dateline that its last token belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Place,
    /// A month, or a day with more to come.
    Date,
    InBrackets,
    /// The brackets around an agency have closed.
    Agency,
}

impl Dateline {
    /// Adds the next token; `None` if it cannot be in a dateline at this place.
    fn add(&mut self, token: &str) -> Option<()> {
        let word = token.trim_end_matches(',');
        if !self.may_go_on(token, word) {
            return None;
        }
        self.stage = self.stage_after(token, word);
        // Only the first place is set in capitals.
        if self.stage == Stage::Place && !self.has_comma {
            self.add_place(word);
        }
        self.has_comma |= word.len() < token.len();
        Some(())
    }

    fn may_go_on(&self, token: &str, word: &str) -> bool {
        match (self.stage, token.strip_prefix('(')) {
            (Stage::InBrackets, _) => true,
            (Stage::Agency, _) => false,
            (_, Some(agency)) => agency.starts_with(char::is_uppercase),
            (Stage::Date, None) => is_day(word) || is_year(word),
            (Stage::Place, None) => is_place_word(word),
        }
    }

    fn stage_after(&self, token: &str, word: &str) -> Stage {
        let has_more_date = self.stage == Stage::Date && word.len() < token.len();
        if self.stage == Stage::InBrackets || token.starts_with('(') {
            if token.ends_with(')') { Stage::Agency } else { Stage::InBrackets }
        } else if has_more_date || is_month(word) {
            Stage::Date
        } else {
            Stage::Place
        }
    }

    fn add_place(&mut self, word: &str) {
        self.words += 1;
        self.capitals += word.chars().filter(|character| character.is_uppercase()).count();
        self.has_small |= word.contains(char::is_lowercase);
    }

    /// Returns true if the tokens so far are a dateline before a dash and `after`.
    fn is_whole(&self, after: &str) -> bool {
        let is_place_list = self.has_comma && abbreviations::is_starter(words::first(after));
        self.stage != Stage::InBrackets && (self.is_named() || is_place_list) && is_story(after)
    }

    /// Returns true if the tokens so far end with an agency, or name a place in capitals.
    fn is_named(&self) -> bool {
        const FEWEST_CAPITALS: usize = 4;
        const MOST_WORDS: usize = 4;
        let is_set_in_capitals = self.capitals >= FEWEST_CAPITALS && self.words <= MOST_WORDS && !self.has_small;
        self.stage == Stage::Agency || self.stage != Stage::InBrackets && is_set_in_capitals
    }
}

fn is_dash(token: &str) -> bool {
    matches!(token, "-" | "--" | "–" | "—")
}

/// Returns true if `word` may be part of a place's name or a month. A full stop must belong to an abbreviation: `Ore.`.
fn is_place_word(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
        && word.chars().all(|character| character.is_alphabetic() || matches!(character, '.' | '\'' | '’' | '-' | '/'))
        && word.strip_suffix('.').is_none_or(|stem| abbreviations::classify(stem).is_some())
}

fn is_month(word: &str) -> bool {
    MONTHS.contains(word.strip_suffix('.').unwrap_or(word))
}

/// Returns true if `word` is a weekday in full with a comma behind it.
fn is_weekday(word: &str) -> bool {
    word.strip_suffix(',').is_some_and(|day| WEEKDAY_NAMES.contains(&day))
}

fn is_day(word: &str) -> bool {
    matches!(word.len(), 1 | 2) && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns true if `number` is the number of a figure, without a mark after it: `3`, `15.16`, `2b`.
fn is_figure_number(number: &str) -> bool {
    let digits = number.strip_suffix(|last: char| last.is_ascii_lowercase()).unwrap_or(number);
    digits.split(['.', '-']).all(|part| matches!(part.len(), 1..=3) && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns true if `text` could be a picture's caption before a credit. A full stop at its end belongs to an abbreviation.
fn is_caption(text: &str) -> bool {
    text.ends_with('.') || (is_title(text) && !words::last(text).eq_ignore_ascii_case("the"))
}

/// Returns true if `text` could be a headline before a date, rather than a sentence that the date is part of.
fn is_title(text: &str) -> bool {
    // Grammar rather than vocabulary: a date after one of these belongs to the sentence.
    const LEADING_UP: [&str; 14] =
        ["after", "and", "before", "by", "dated", "for", "from", "late", "next", "of", "on", "since", "to", "until"];
    text.ends_with(|last: char| {
        last.is_alphanumeric() || punctuation::is_quote(last) || matches!(last, '?' | '!' | ')')
    }) && !LEADING_UP.contains(&words::last(text))
}

/// Returns true if `text` is running text, and not the rest of a title.
fn is_story(text: &str) -> bool {
    let is_started = matches!(words::opening(text), Opening::Upper | Opening::Digit);
    // The limit keeps many datelines before many quotation marks linear.
    let end = words::tail(text, LONGEST)
        .trim_end_matches(|character| punctuation::is_quote(character) || matches!(character, ')' | ']'));
    is_started && end.ends_with(['.', '!', '?', '…', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dateline_of(text: &str) -> &str {
        &text[..dateline(text).unwrap_or(0)]
    }

    #[test]
    fn a_dateline_has_a_place_in_capitals_and_a_dash() {
        assert_eq!(dateline_of("LIMA - The harbour closed."), "LIMA -");
        assert_eq!(dateline_of("SALEM, Ore. -- The harbour closed."), "SALEM, Ore. --");
        assert_eq!(dateline_of("NEW YORK, Sept. 3, 2004 — \"Go,\" he said."), "NEW YORK, Sept. 3, 2004 —");
        assert_eq!(dateline_of("LIMA The harbour closed."), "");
    }

    #[test]
    fn a_place_in_small_letters_needs_an_agency_or_a_land() {
        assert_eq!(dateline_of("Lima (Reuters) - Shares rose."), "Lima (Reuters) -");
        assert_eq!(dateline_of("(Reuters) - Shares rose."), "(Reuters) -");
        assert_eq!(dateline_of("Salem, Oregon, United States – The harbour closed."), "Salem, Oregon, United States –");
        assert_eq!(dateline_of("Salem - The harbour closed."), "");
    }

    #[test]
    fn no_dateline_stands_before_a_small_letter_or_in_a_title() {
        assert_eq!(dateline_of("LIMA - the harbour - closed."), "");
        assert_eq!(dateline_of("LIMA - A Guide to the Harbour"), "");
        assert_eq!(dateline_of("Lee, Orr and Hill - They left."), "");
        assert_eq!(dateline_of("LIMA 2004 - The harbour closed."), "");
        assert_eq!(dateline_of("TV - It is off."), "");
    }

    #[test]
    fn a_label_has_a_number_and_a_caption() {
        assert_eq!(label("Figure 1.3 The harbour in 1900"), Some(10));
        assert_eq!(label("Table 2 “Boats” by year"), Some(7));
        assert_eq!(label("Figure 3 shows the harbour."), None);
        assert_eq!(label("Figure of Speech"), None);
        assert_eq!(label("Figure 3"), None);
    }

    #[test]
    fn what_merely_looks_like_a_dateline_is_none() {
        assert_eq!(dateline_of("EVERYBODY IN THE TOWN LEFT AT NOON - The harbour closed."), "");
        assert_eq!(dateline_of("(2004) - The harbour closed."), "");
        assert_eq!(dateline_of("LIMA (AP) (Reuters) - The harbour closed."), "");
        assert_eq!(dateline_of("The ferry is late - It rained."), "");
        assert_eq!(dateline_of(""), "");
    }

    #[test]
    fn an_address_is_found_from_its_first_sign() {
        assert_eq!(start_of_address("See http://example.com", 8), Some(4));
        assert_eq!(start_of_address("See www.example.com", 7), Some(4));
        assert_eq!(start_of_address("See note: it", 8), None);
        assert_eq!(start_of_address("http://example.com", 4), None);
    }

    #[test]
    fn a_credit_is_found_from_its_colon() {
        assert_eq!(start_of_credit("The harbour Image: Ann Lee.", 17), Some(12));
        assert_eq!(start_of_credit("The harbour in Salem, Ore. Photo: Ann Lee.", 32), Some(27));
        assert_eq!(start_of_credit("The Image: A Guide", 9), None);
        assert_eq!(start_of_credit("Image: Ann Lee.", 5), None);
    }

    #[test]
    fn a_date_at_the_end_of_a_headline_is_found() {
        assert_eq!(date_at_end("Storm Closes Harbour Sunday, May 28, 2006"), Some(21));
        assert_eq!(date_at_end("The harbour will open on Sunday, May 28, 2006"), None);
        assert_eq!(date_at_end("Storm Closes Harbour, Sunday, May 28, 2006"), None);
        assert_eq!(date_at_end("Sunday, May 28, 2006"), None);
        assert_eq!(date_at_end("Storm Closes Harbour May 28, 2006"), None);
    }
}
