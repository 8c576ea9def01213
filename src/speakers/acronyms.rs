//! Names that a text gives with their acronym in brackets behind them: "Foo Weather Service (FWS)".

use std::ops::Range;

use super::lexicon;
use super::words::Word;

/// The most words of such a name.
const LONGEST: usize = 12;

/// The names that have their acronym in brackets behind them, in order. They do not overlap.
pub(super) fn defined(words: &[Word]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for bracket in 1..words.len() {
        let free = found.last().map_or(0, |name| name.end);
        found.extend(name_of(words, bracket).filter(|name| name.start >= free));
    }
    found
}

/// The words that the acronym at `acronym` stands for: from the last word before the bracket back to the one that gives its
/// first letter, as Schwartz and Hearst do it (A simple algorithm for identifying abbreviation definitions, 2003).
fn name_of(words: &[Word], acronym: usize) -> Option<Range<usize>> {
    let last = acronym.checked_sub(1)?;
    let is_in_brackets = words[last].gap.trim_start() == "(" && words[acronym].gap.starts_with([')', ' ', ';', ',']);
    if !is_in_brackets || words[acronym].text.len() <= 2 || !words[acronym].is_all_capitals() {
        return None;
    }
    let letters: String = words[acronym].lower.chars().filter(|letter| letter.is_alphabetic()).collect();
    let mut left = letters.as_str();
    for at in (acronym.saturating_sub(LONGEST)..acronym).rev() {
        let word = &words[at];
        if word.sentence != words[acronym].sentence || at < last && !is_inside_name(word) {
            return None;
        }
        let own = letters_of(word);
        let first = own.get(..own.chars().next().map_or(0, char::len_utf8)).unwrap_or_default();
        let rest = [own.as_str(), first].into_iter().find_map(|own| left.strip_suffix(own).filter(|_| !own.is_empty()));
        match rest {
            Some(rest) if word.is_capitalised() => left = rest,
            _ if is_small(word) => {}
            _ => return None,
        }
        if left.is_empty() {
            return (at < last).then_some(at..acronym);
        }
    }
    None
}

/// The letters that a word gives to an acronym: "mf" for "Mid-Foo", "us" for "U.S.".
fn letters_of(word: &Word) -> String {
    let mut found = String::new();
    let mut is_first = true;
    for character in word.text.chars() {
        if character.is_alphabetic() && (is_first || character.is_uppercase()) {
            found.extend(character.to_lowercase());
        }
        is_first = !character.is_alphanumeric();
    }
    found
}

/// Returns true if nothing between a word and the next one ends a name.
fn is_inside_name(word: &Word) -> bool {
    matches!(word.gap, " " | ", " | " & ")
}

/// Returns true for a word in small letters that an acronym leaves out: "of", "and", "the".
fn is_small(word: &Word) -> bool {
    !word.is_capitalised()
        && (lexicon::is_link(&word.lower)
            || lexicon::is_particle(&word.lower)
            || matches!(word.lower.as_str(), "and" | "the" | "to" | "or" | "on" | "without"))
}

/// The acronyms that a name could have, in small letters: its initials, those without the last word, as in "CDC" for the "Centers
/// for Disease Control and Prevention", and both without a country in front.
pub(super) fn possible(name: &[Word]) -> Vec<String> {
    let whole = initials(name);
    let mut all = Vec::new();
    if name.iter().filter(|word| word.is_capitalised()).count() == whole.len() {
        all.extend(without_last(&whole));
    }
    if let [country, rest @ ..] = name
        && rest.len() > 2
        && is_country(country)
    {
        let rest = initials(rest);
        all.extend(without_last(&rest));
        all.extend(Some(rest).filter(|rest| rest.len() > 2));
    }
    all.push(whole);
    all
}

/// An acronym without its last letter, if enough are left.
fn without_last(letters: &str) -> Option<String> {
    let (end, _) = letters.char_indices().next_back()?;
    (end > 2).then(|| letters[..end].to_owned())
}

/// Returns true for the country that the name of a body can begin with: "US", "Canadian".
fn is_country(word: &Word) -> bool {
    word.text.contains('.')
        || word.is_all_capitals()
        || lexicon::is_place(&word.lower)
        || lexicon::is_group(&word.lower)
}

/// The letters of an acronym that a name could have: the first ones of its capitalised words, all of "U.S.".
pub(super) fn initials(name: &[Word]) -> String {
    name.iter().filter(|word| word.is_capitalised()).map(initials_of).collect()
}

/// All letters of "U.S." and "NATO", and the first one of other words.
fn initials_of(word: &Word) -> String {
    let all = letters_of(word);
    let is_short = word.text.contains('.') || word.is_all_capitals();
    if is_short { all } else { all.chars().take(1).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let words = words::find(text, &[]);
        let shown = |name: &Range<usize>| text[words[name.start].bytes.start..words[name.end - 1].bytes.end].to_owned();
        defined(&words).iter().map(shown).collect()
    }

    #[test]
    fn a_name_begins_with_the_first_letter_of_its_acronym() {
        assert_eq!(
            names("and the Quux of Motion Picture and Foo Producers (QMPFP) met the Children’s Oat Fund (COF)."),
            ["Quux of Motion Picture and Foo Producers", "Children’s Oat Fund"]
        );
        assert_eq!(
            names("the U.S. Oat Board (USOB), Mid-Foo SportsNet (MFSN)"),
            ["U.S. Oat Board", "Mid-Foo SportsNet"]
        );
    }

    #[test]
    fn letters_that_are_no_acronym_of_the_words_before_define_nothing() {
        for text in ["Ann Lee (LAB) spoke", "the Oat Board (a body)", "Boeing (BA)", "the Oat. Board (OB)"] {
            assert!(names(text).is_empty(), "{text}");
        }
    }
}
