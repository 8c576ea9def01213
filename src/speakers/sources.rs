//! The kinds of sources: a pronoun, a name with or without a role, a body, a description, or nobody in particular.

use std::ops::Range;

use super::lexicon::{self, Gender};
use super::mentions::Mention;
use super::roles;
use super::words::Word;
use crate::english::{BODY_NOUNS, PERSON_NOUNS};

/// The most words of a source that count. A longer one has its name at the beginning.
const LONGEST: usize = 60;

/// The kind of a source, by its words. Ranges and places count words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SourceKind {
    /// "he", "her".
    Pronoun(Gender),
    /// "who": the name right before it.
    Relative,
    /// A mention by its number, with the role that the source gives it.
    Name(usize, Option<Range<usize>>),
    /// A part of a longer name, or a name that is not a mention.
    Part(Range<usize>),
    /// "the Lee campaign": a body that has somebody's name.
    Body(Range<usize>),
    /// "the prime minister": somebody with a role, in written-out small letters.
    Described(Vec<String>),
    /// Somebody without a name. A pronoun can mean them.
    Stranger(Option<Gender>),
    /// Several people, or nobody who speaks.
    Nobody,
}

/// Classifies the source in the words of `range`. `mentions` are those of the whole text.
pub(super) fn source_kind(words: &[Word], mentions: &[Mention], range: Range<usize>) -> SourceKind {
    let range = range.start..range.end.min(range.start + LONGEST);
    let Some(first) = words[range.clone()].first() else { return SourceKind::Nobody };
    if range.len() == 1 {
        // "he'd" and "I'll" are the pronouns.
        match first.lower.split('\'').next().unwrap_or_default() {
            "he" | "him" | "his" | "himself" => return SourceKind::Pronoun(Gender::Male),
            "she" | "her" | "hers" | "herself" => return SourceKind::Pronoun(Gender::Female),
            "who" => return SourceKind::Relative,
            _ => {}
        }
    }
    let start = range.start + usize::from(roles::is_determiner(first));
    let phrase = start..range.end;
    if is_several(first) || phrase.is_empty() {
        return SourceKind::Nobody;
    }
    named(words, mentions, &phrase).unwrap_or_else(|| described(words, first, phrase))
}

/// Returns true if the first word of a source shows that it is several people: "some", "critics", "27".
fn is_several(first: &Word) -> bool {
    let stem = first.lower.split('\'').next().unwrap_or_default();
    let is_number = first.text.starts_with(|character: char| character.is_ascii_digit());
    is_number || lexicon::is_plural(&first.lower) || (lexicon::is_small(stem) && !roles::is_determiner(first))
}

/// The name at the beginning of a phrase, or after a role in it; `None` for a phrase without a name.
fn named(words: &[Word], mentions: &[Mention], phrase: &Range<usize>) -> Option<SourceKind> {
    let from = mentions.partition_point(|mention| mention.name.end <= phrase.start);
    let mut inside = (from..mentions.len()).take_while(|&at| mentions[at].name.start < phrase.end).peekable();
    let first = *inside.peek()?;
    let name = &mentions[first].name;
    if name.end > phrase.end || name.start < phrase.start {
        return Some(SourceKind::Part(phrase.clone()));
    }
    if name.start == phrase.start {
        return Some(from_name(words, mentions, first, phrase));
    }
    inside.find_map(|at| {
        with_role(words, &mentions[at], phrase).map(|role| complete(words, mentions, at, phrase, Some(role)))
    })
}

/// The role that a phrase gives a mention inside it: all words before the name.
fn with_role(words: &[Word], mention: &Mention, phrase: &Range<usize>) -> Option<Range<usize>> {
    let before = phrase.start..mention.name.start;
    let last = &words[before.clone()].last()?;
    if last.comma_follows() {
        let ends = mention.name.end >= phrase.end || !words[mention.name.end - 1].is_beside_next();
        return roles::whole(words, before).filter(|_| ends);
    }
    let own = mention.role.clone().filter(|role| role.end == mention.name.start);
    // An honorific before the name is not a role.
    let role_end = own.map_or(mention.whole.start, |role| role.start).max(before.start);
    let is_role = lexicon::is_role(&last.lower) || mention.role.is_some() || lexicon::honorific(&last.lower).is_some();
    let is_plain = words[before.start..role_end].iter().all(|word| {
        word.is_beside_next()
            && !lexicon::is_link(&word.lower)
            && !lexicon::is_small(&word.lower)
            && !lexicon::is_plural(&word.lower)
    });
    let end = if lexicon::honorific(&last.lower).is_some() { before.end - 1 } else { before.end };
    (is_role && is_plain).then_some(before.start..end)
}

/// Reads a phrase that begins with the name of `mentions[at]`.
fn from_name(words: &[Word], mentions: &[Mention], at: usize, phrase: &Range<usize>) -> SourceKind {
    let end = mentions[at].name.end;
    let last = &words[end - 1];
    if end < phrase.end && last.gap == "/" {
        return SourceKind::Nobody;
    }
    if end == phrase.end || !(last.is_beside_next() || last.is_possessive) {
        return complete(words, mentions, at, phrase, None);
    }
    if let Some(body) = body_end(words, end, phrase.end) {
        return SourceKind::Body(phrase.start..body);
    }
    if is_clause(&words[end]) && !last.is_possessive {
        return complete(words, mentions, at, phrase, None);
    }
    let next = mentions.get(at + 1).filter(|next| next.name.end <= phrase.end);
    let is_owned = last.is_possessive && next.is_some_and(|next| next.name.start == end);
    let role = next.and_then(|next| with_role(words, next, phrase)).or(is_owned.then_some(end..end));
    role.map_or(SourceKind::Nobody, |role| complete(words, mentions, at + 1, phrase, Some(role)))
}

/// The mention, unless others are named with it.
fn complete(
    words: &[Word],
    mentions: &[Mention],
    at: usize,
    phrase: &Range<usize>,
    role: Option<Range<usize>>,
) -> SourceKind {
    let name_end = mentions[at].name.end;
    if name_end < phrase.end && words[name_end - 1].is_possessive {
        // "Senator Lee's doctor" is somebody else.
        let body = body_end(words, name_end, phrase.end);
        return body.map_or(SourceKind::Nobody, |end| SourceKind::Body(mentions[at].name.start..end));
    }
    let end = mentions[at].whole.end.max(name_end);
    let has_others = (name_end..phrase.end).any(|word| {
        let is_joined = matches!(words[word].lower.as_str(), "and" | "or" | "others");
        let is_aside = words[name_end..word].iter().any(is_clause_word);
        is_joined && !is_aside && word >= end
    });
    if has_others { SourceKind::Nobody } else { SourceKind::Name(at, role.filter(|role| !role.is_empty())) }
}

/// Returns true if the word begins a clause about the name before it.
fn is_clause_word(word: &Word) -> bool {
    is_clause(word) && !matches!(word.lower.as_str(), "and" | "or") && !roles::is_determiner(word)
}

fn is_clause(word: &Word) -> bool {
    lexicon::is_link(&word.lower) || lexicon::is_small(&word.lower) || lexicon::is_saying(&word.lower)
}

/// One past the noun that makes a name that of a body: "campaign", if only a clause follows.
fn body_end(words: &[Word], noun: usize, end: usize) -> Option<usize> {
    if !BODY_NOUNS.contains(words[noun].lower.as_str()) {
        return None;
    }
    let is_last = noun + 1 == end
        || !words[noun].is_beside_next()
        || matches!(words[noun + 1].lower.as_str(), "which" | "that" | "itself");
    is_last.then_some(noun + 1)
}

/// Reads a phrase without a name of its own.
fn described(words: &[Word], first: &Word, phrase: Range<usize>) -> SourceKind {
    let end = phrase.clone().find(|&at| at > phrase.start && is_clause(&words[at])).unwrap_or(phrase.end);
    let end = (phrase.start..end).find(|&at| !words[at].is_beside_next()).map_or(end, |last| (last + 1).min(end));
    let nouns = &words[phrase.start..end];
    let Some(noun) = nouns.last() else { return SourceKind::Nobody };
    let is_human = lexicon::is_role(&noun.lower) || PERSON_NOUNS.contains(noun.lower.as_str());
    if !is_human {
        return SourceKind::Nobody;
    }
    let is_definite = first.lower == "the" && end == phrase.end && !lexicon::is_vague_role(&noun.lower);
    if is_definite && lexicon::is_role(&noun.lower) {
        return SourceKind::Described(nouns.iter().map(|word| lexicon::plain_role(&word.lower).to_owned()).collect());
    }
    SourceKind::Stranger(lexicon::gender_of_role(&noun.lower))
}

#[cfg(test)]
mod tests {
    use super::super::{mentions, words};
    use super::*;

    fn classified(text: &str) -> (SourceKind, String, String) {
        let words = words::find(text, &[]);
        let mentions = mentions::find(&words);
        let kind = source_kind(&words, &mentions, 0..words.len());
        let shown = |range: Range<usize>| roles::text(text, &words, range);
        let (name, role) = match &kind {
            SourceKind::Name(at, role) => {
                (shown(mentions[*at].name.clone()), role.clone().map_or(String::new(), shown))
            }
            SourceKind::Body(range) | SourceKind::Part(range) => (shown(range.clone()), String::new()),
            _ => (String::new(), String::new()),
        };
        (kind, name, role)
    }

    fn name(text: &str) -> (String, String) {
        let (_, name, role) = classified(text);
        (name, role)
    }

    fn pair(name: &str, role: &str) -> (String, String) {
        (name.to_owned(), role.to_owned())
    }

    #[test]
    fn names_are_read_with_the_role_in_front() {
        assert_eq!(name("longtime rural pollster Ann Lee"), pair("Ann Lee", "longtime rural pollster"));
        assert_eq!(name("Roe campaign spokesman Bob Lee"), pair("Bob Lee", "Roe campaign spokesman"));
        assert_eq!(name("a spokesman for Roe, Bob Lee,"), pair("Bob Lee", "spokesman for Roe"));
        assert_eq!(name("Ms. Lee, who was late"), pair("Lee", ""));
        assert_eq!(name("the Oslo Times"), pair("Oslo Times", ""));
        assert_eq!(name("Oslo Times's Ann Lee"), pair("Ann Lee", ""));
    }

    #[test]
    fn bodies_are_called_after_somebody() {
        assert_eq!(classified("the Lee campaign").1, "Lee campaign");
        assert_eq!(classified("Lee’s office, which slept").1, "Lee’s office");
        assert_eq!(classified("Lee campaign officials").0, SourceKind::Nobody);
    }

    #[test]
    fn several_are_nobody() {
        for text in [
            "Lee and Roe",
            "some voters",
            "critics",
            "they",
            "Lee and his friends",
            "Lee, others",
            "Senator Ann Lee’s doctor",
            "27 percent",
            "the report",
        ] {
            assert_eq!(classified(text).0, SourceKind::Nobody, "{text}");
        }
    }

    #[test]
    fn one_without_a_name_is_a_stranger() {
        assert_eq!(classified("a Lee spokeswoman").0, SourceKind::Nobody);
        assert_eq!(classified("a spokeswoman").0, SourceKind::Stranger(Some(Gender::Female)));
        assert_eq!(classified("an official who asked not to be named").0, SourceKind::Stranger(None));
    }

    #[test]
    fn a_definite_role_is_a_description() {
        assert_eq!(classified("the prime minister").0, SourceKind::Described(vec!["prime".into(), "minister".into()]));
        assert_eq!(classified("The senator").0, SourceKind::Described(vec!["senator".into()]));
    }
}
