//! The words of names and roles, ready to be compared.

use std::ops::Range;

use super::lexicon;
use super::roles;
use super::sources::Description;
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

    /// Returns true if a description can mean this role. "The senator" can be the one from Ohio, but not a former one, and
    /// "the Norwegian president" is not the one of France.
    pub(super) fn fits(&self, description: &Description) -> bool {
        let Some((noun, modifiers)) = description.nouns.split_last() else { return false };
        // A party or an opinion says who somebody is, but not which office they have: "the Republican governor".
        let told: Vec<String> = modifiers.iter().filter(|word| !lexicon::is_epithet(word)).cloned().collect();
        let modifiers = told.as_slice();
        let Some((own_noun, own)) = self.words.split_last() else { return false };
        let is_limited = |words: &[String], others: &[String]| {
            words.iter().any(|word| ROLE_LIMITS.contains(word.as_str()) && !others.contains(word))
        };
        if !is_same_office(noun, own_noun) || is_limited(own, modifiers) || is_limited(modifiers, own) {
            return false;
        }
        let text = self.text.to_lowercase();
        let knows = |word: &String| text.split([' ', '’', '\'', '-']).any(|own| lexicon::are_akin(own, word));
        let is_told = modifiers.iter().all(knows) && description.owner.iter().all(knows);
        let has_owner = self
            .text
            .split(' ')
            .any(|word| word.starts_with(char::is_uppercase) && !lexicon::is_role(&word.to_lowercase()));
        let is_open = !has_owner && own.iter().all(|word| modifiers.contains(word));
        let names_owner = !modifiers.is_empty() || !description.owner.is_empty();
        if noun == own_noun {
            is_told && (names_owner || description.is_definite) || description.is_definite && is_open
        } else {
            description.is_definite && is_told && names_owner
        }
    }

    /// Returns true if the role's words have those of an owner, or the owner is unknown.
    pub(super) fn is_of(&self, owner: &[String]) -> bool {
        let text = self.text.to_lowercase();
        owner.iter().all(|word| text.split([' ', '’', '\'', '-']).any(|own| lexicon::are_akin(own, word)))
    }
}

/// Returns true for two nouns that one office can have: "pope" and "pontiff", "leader" and "president".
fn is_same_office(wanted: &str, own: &str) -> bool {
    wanted == own
        || matches!(
            (wanted, own),
            ("pontiff", "pope")
                | ("leader", "president" | "minister" | "premier" | "chancellor" | "pm")
                | ("premier" | "pm", "minister")
                | ("minister", "premier" | "pm")
                | ("lawmaker" | "legislator", "senator" | "representative" | "mp")
                | ("politician", "senator" | "representative" | "mp" | "minister")
                | ("spokesperson", "spokesman" | "spokeswoman")
        )
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
        let described = |nouns: &[&str], owner: &[&str]| Description {
            nouns: nouns.iter().map(|&noun| noun.to_owned()).collect(),
            owner: owner.iter().map(|&word| word.to_owned()).collect(),
            has_other_owner: false,
            is_definite: true,
        };
        let is_president = |text: &str| role(text).fits(&described(&["president"], &[]));
        assert!(is_president("Norwegian President") && is_president("president of the bank"));
        assert!(!is_president("vice president") && !is_president("Former President"));
        assert!(role("President of Norway").fits(&described(&["president"], &["norwegian"])));
        assert!(!role("French President").fits(&described(&["president"], &["norway"])));
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
