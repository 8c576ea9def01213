//! Abbreviations and the words around them: rules over the lists in `english`.

pub(super) use crate::english::Abbreviation;
use crate::english::{
    ABBREVIATIONS, CLOCK_WORDS, EXCLAIMED_NAMES, MONTHS, SENTENCE_STARTERS, SPEECH_VERBS, SpeechVerb, WEEKDAY_NAMES,
    WEEKDAYS,
};

// No listed abbreviation has more bytes.
const LONGEST: usize = 12;

/// The kind of the abbreviation `word`, given without its last full stop; `None` for other words.
pub(super) fn classify(word: &str) -> Option<Abbreviation> {
    if word.len() > LONGEST || !word.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    match ABBREVIATIONS.get(lower.as_str()) {
        // `Mass.` is an abbreviation, the last word of "in mass." is not.
        Some(listed) if listed.is_also_word && lower == word => None,
        Some(listed) => Some(listed.kind),
        None if is_joined_title(word) => Some(Abbreviation::Title),
        None if is_dotted(word) => Some(Abbreviation::Initials),
        None if has_no_vowel(word) => Some(Abbreviation::Ambiguous),
        None => None,
    }
}

/// Returns true if `word` has a capital and is one of the words that often begin a sentence: `The`, `However`.
pub(super) fn is_starter(word: &str) -> bool {
    let stem = word.split(['\'', '’', '-']).next().unwrap_or(word);
    let mut characters = stem.chars();
    characters.next().is_some_and(char::is_uppercase)
        && (characters.clone().all(char::is_lowercase) || (stem.len() > 2 && characters.all(char::is_uppercase)))
        && SENTENCE_STARTERS.contains(stem.to_lowercase().as_str())
}

/// Returns true if `word` is a verb that attributes a quotation to its speaker.
pub(super) fn is_speech_verb(word: &str) -> bool {
    matches!(SPEECH_VERBS.get(word), Some(SpeechVerb::Everywhere | SpeechVerb::Quotations))
}

/// Returns true if `word` can be (part of) a name that is written with an exclamation mark.
pub(super) fn is_exclaimed_name(word: &str) -> bool {
    EXCLAIMED_NAMES.contains(word)
}

/// Returns true if `word` may follow a time of day: a zone, a month, or a day as in `Friday`, `Fri` and `Fridays`.
pub(super) fn goes_with_clock(word: &str) -> bool {
    let is_plural_day = word.strip_suffix('s').is_some_and(|day| WEEKDAY_NAMES.contains(&day));
    CLOCK_WORDS.contains(word) || MONTHS.contains(word) || WEEKDAYS.contains(word) || is_plural_day
}

/// Returns true for two titles in one, such as `Lt.-Gen`.
fn is_joined_title(word: &str) -> bool {
    word.split_once('-').is_some_and(|(first, last)| {
        [first.trim_end_matches('.'), last].iter().all(|title| {
            let listed = ABBREVIATIONS.get(title.to_ascii_lowercase().as_str());
            listed.is_some_and(|listed| listed.kind == Abbreviation::Title) && title.starts_with(char::is_uppercase)
        })
    })
}

/// Returns true if single letters or short syllables are joined by dots: `U.S`, `Ph.D`, `i.v`.
fn is_dotted(word: &str) -> bool {
    word.contains('.')
        && word.split('.').all(|part| matches!(part.len(), 1 | 2) && part.chars().all(char::is_alphabetic))
}

/// Returns true if `word` can only be an abbreviation, such as `bldg`.
fn has_no_vowel(word: &str) -> bool {
    // `Mhm` is a sound.
    let is_sound = word.bytes().all(|byte| b"hmpstzHMPS".contains(&byte));
    matches!(word.len(), 2..=5)
        && !is_sound
        && !word.bytes().any(|byte| b"AEIOUYaeiouy".contains(&byte))
        // Inner capitals make a unit or an acronym (`GHz`, `PCs`), which has no full stop.
        && word.bytes().skip(1).all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_abbreviation_is_short_enough_to_be_found() {
        let long = ABBREVIATIONS.keys().find(|word| word.len() > LONGEST);
        assert_eq!(long, None);
    }

    #[test]
    fn abbreviations_are_known_by_their_kind() {
        assert_eq!(classify("Gen"), Some(Abbreviation::Title));
        assert_eq!(classify("Lt.-Gen"), Some(Abbreviation::Title));
        assert_eq!(classify("co-Gen"), None);
        assert_eq!(classify("No"), Some(Abbreviation::Reference));
        assert_eq!(classify("vs"), Some(Abbreviation::Joining));
        assert_eq!(classify("Sept"), Some(Abbreviation::Calendar));
        assert_eq!(classify("P.M"), Some(Abbreviation::Clock));
        assert_eq!(classify("Inc"), Some(Abbreviation::Ambiguous));
    }

    #[test]
    fn unlisted_abbreviations_show_in_their_letters() {
        assert_eq!(classify("M.B.A"), Some(Abbreviation::Initials));
        assert_eq!(classify("blvds"), Some(Abbreviation::Ambiguous));
        assert_eq!(classify("NBC"), None);
        assert_eq!(classify("GHz"), None);
        assert_eq!(classify("hmm"), None);
        assert_eq!(classify("off"), None);
    }

    #[test]
    fn small_words_are_not_taken_for_abbreviations() {
        assert_eq!(classify("mass"), None);
        assert_eq!(classify("Mass"), Some(Abbreviation::Ambiguous));
    }

    #[test]
    fn starters_have_a_capital_and_nothing_added_but_an_ending() {
        assert!(is_starter("However"));
        assert!(is_starter("It's"));
        assert!(is_starter("THE"));
        assert!(!is_starter("the"));
        assert!(!is_starter("Government"));
        assert!(!is_starter("IT"));
    }
}
