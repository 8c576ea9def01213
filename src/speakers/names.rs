//! The words of names and roles, ready to be compared.

use std::ops::Range;

use super::lexicon;
use super::roles;
use super::words::Word;
use crate::english::ROLE_LIMITS;

/// The role of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    /// As it is written.
    pub text: String,
    /// Its words before any link ("of", "for"), written out and in small letters.
    pub words: Vec<String>,
}

impl Role {
    /// The role in a range of words.
    pub(super) fn from_words(source: &str, words: &[Word], range: Range<usize>) -> Self {
        let plain = words[range.clone()]
            .iter()
            .take_while(|word| !lexicon::is_link(&word.lower) && word.lower != "and")
            .map(|word| lexicon::plain_role(&word.lower).to_owned())
            .collect();
        Self { text: roles::text(source, words, range), words: plain }
    }

    /// Returns true if the role says something by itself, unlike "rival".
    pub(super) fn is_telling(&self) -> bool {
        self.text.contains(' ') || !lexicon::is_untelling_role(&self.text.to_lowercase())
    }

    /// Returns true if a description with these words can mean this role. "The senator" can be the one from Ohio, but not
    /// a former one.
    pub(super) fn contains(&self, wanted: &[String]) -> bool {
        wanted.iter().all(|word| self.words.contains(word))
            && self.words.last() == wanted.last()
            && !self.words.iter().any(|word| ROLE_LIMITS.contains(word.as_str()) && !wanted.contains(word))
    }
}

/// A name's words.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// In small letters, without suffix.
    pub parts: Vec<String>,
    /// "jr", "iii".
    pub suffix: Option<String>,
}

impl Name {
    /// The name in a range of words; `None` if there is only a suffix.
    pub(super) fn from_words(words: &[Word], range: Range<usize>) -> Option<Self> {
        let suffix = words[range.clone()]
            .last()
            .filter(|word| lexicon::is_suffix(word.text))
            .map(|word| word.lower.trim_end_matches('.').to_owned());
        let plain = words[range].iter().filter(|word| !lexicon::is_suffix(word.text));
        let parts: Vec<String> = plain.map(|word| word.lower.clone()).collect();
        (!parts.is_empty()).then_some(Self { parts, suffix })
    }
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn role(text: &str) -> Role {
        let words = words::find(text, &[]);
        Role::from_words(text, &words, 0..words.len())
    }

    #[test]
    fn a_role_is_known_by_the_words_before_its_link() {
        assert_eq!(role("Ohio Sen.").words, ["ohio", "senator"]);
        assert_eq!(role("president of the Oslo bank").words, ["president"]);
    }

    #[test]
    fn a_description_does_not_mean_a_deputy_or_a_former_one() {
        let is_president = |text: &str| role(text).contains(&["president".to_owned()]);
        assert!(is_president("Norwegian President") && is_president("president of the bank"));
        assert!(!is_president("vice president") && !is_president("Former President"));
    }

    #[test]
    fn a_role_that_needs_another_person_says_nothing_alone() {
        assert!(!role("rival").is_telling());
        assert!(role("rival of the mayor").is_telling() && role("Mayor").is_telling());
    }

    #[test]
    fn a_suffix_is_no_part_of_the_surname() {
        let words = words::find("Bob Lee, Jr.", &[]);
        let name = Name::from_words(&words, 0..3).unwrap();
        assert_eq!((name.parts, name.suffix.as_deref()), (vec!["bob".to_owned(), "lee".to_owned()], Some("jr")));
        assert!(Name::from_words(&words, 2..3).is_none());
    }
}
