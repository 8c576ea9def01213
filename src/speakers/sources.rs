//! The kinds of sources: a pronoun, a name with or without a role, a body, a description, or nobody in particular.

use std::ops::Range;

use super::lexicon::{self, Gender};
use super::mentions::{Mention, MentionKind};
use super::roles;
use super::words::Word;
use crate::english::BODY_NOUNS;

/// The most words of a source that count. A longer one has its name at the beginning.
const LONGEST: usize = 60;

/// The kind of a source, by its words. Ranges and places count words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SourceKind {
    /// "he", "her".
    Pronoun(Gender),
    /// "it", "its".
    Neuter,
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
    /// "the airline": an organisation, by the noun that refers back to it.
    DescribedBody(String),
    /// Somebody without a name. A pronoun can mean them.
    Stranger(Option<Gender>),
    /// An organisation or a document without a name: "a charity", "the report". "It" can mean them.
    UnnamedBody,
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
            "it" | "its" | "itself" => return SourceKind::Neuter,
            "who" => return SourceKind::Relative,
            _ => {}
        }
    }
    let start = range.start + usize::from(roles::is_determiner(first));
    let phrase = start..range.end;
    if let Some(party) = party(words, &phrase) {
        return SourceKind::Body(party);
    }
    let is_named = mentions.get(mentions.partition_point(|mention| mention.name.end <= phrase.start));
    let is_named = is_named.is_some_and(|mention| mention.name.start == phrase.start && mention.name.len() > 1);
    if phrase.is_empty() || !is_named && is_several(first) && !has_role_before_name(words, mentions, &phrase) {
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

/// A phrase that is only the name of a party: "the Tories".
fn party(words: &[Word], phrase: &Range<usize>) -> Option<Range<usize>> {
    let [only] = &words[phrase.clone()] else { return None };
    let is_name = only.is_capitalised() && (!only.is_opening || !only.text.ends_with('s'));
    (lexicon::is_party(&only.lower) && is_name).then(|| phrase.clone())
}

/// Returns true if the phrase is a name with the role of one person in front, whatever its first word: "Police spokesman
/// Bob Lee".
fn has_role_before_name(words: &[Word], mentions: &[Mention], phrase: &Range<usize>) -> bool {
    let from = mentions.partition_point(|mention| mention.name.end <= phrase.start);
    let named = mentions.get(from).map(|mention| mention.name.start).filter(|name| phrase.contains(name));
    named.and_then(|name| name.checked_sub(1)).is_some_and(|noun| {
        noun > phrase.start && lexicon::is_role(&words[noun].lower) && words[phrase.start..noun].iter().all(is_plain)
    })
}

/// Returns true for a word that can stand inside a role before its noun.
fn is_plain(word: &Word) -> bool {
    // "Police" and "staff" have no ending of a plural and may stand before a role.
    let ends_plural = word.lower.ends_with('s') || word.lower.ends_with("men");
    let is_plural = ends_plural && lexicon::is_plural(&word.lower);
    word.is_beside_next() && !(lexicon::is_link(&word.lower) || lexicon::is_small(&word.lower) || is_plural)
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
        return if is_of_origin(words, name, phrase) { None } else { Some(from_name(words, mentions, first, phrase)) };
    }
    inside.find_map(|at| {
        with_role(words, &mentions[at], phrase)
            .map(|role| complete(words, mentions, at, phrase, Some(role)))
            .or_else(|| with_noun(words, &mentions[at], phrase).then(|| complete(words, mentions, at, phrase, None)))
    })
}

/// Returns true if a phrase begins with an origin and has a plain noun for an organisation after it: "the Peruvian
/// newspaper". It is described then, and has no name.
fn is_of_origin(words: &[Word], name: &Range<usize>, phrase: &Range<usize>) -> bool {
    let is_origin = words[name.clone()].iter().all(|word| {
        let is_adjective = ["ian", "ese", "ish", "-led", "-based"].iter().any(|ending| word.lower.ends_with(ending));
        is_adjective || lexicon::is_group(&word.lower) || lexicon::is_place(&word.lower) || word.text.len() == 2
    });
    let noun = words.get(name.end).filter(|_| name.end < phrase.end && words[name.end - 1].flows_on());
    is_origin
        && noun.is_some_and(|noun| lexicon::is_organisation_noun(&noun.lower) || lexicon::is_document_noun(&noun.lower))
}

/// Returns true if a phrase has a noun for an organisation right before the name of a mention: "the charity Shelter".
fn with_noun(words: &[Word], mention: &Mention, phrase: &Range<usize>) -> bool {
    let Some(noun) = words[phrase.start..mention.name.start].last() else { return false };
    let is_noun = lexicon::is_organisation_noun(&noun.lower) || lexicon::is_named_organisation_noun(&noun.lower);
    is_noun && mention.kind != MentionKind::Person && words[phrase.start..mention.name.start].iter().all(is_plain)
}

/// The role that a phrase gives a mention inside it: all words before the name.
fn with_role(words: &[Word], mention: &Mention, phrase: &Range<usize>) -> Option<Range<usize>> {
    let before = phrase.start..mention.name.start;
    let end = mention.name.end;
    if end < phrase.end && words[end - 1].flows_on() && !is_clause(&words[end]) && !words[end].is_capitalised() {
        // In "the chief Brexit negotiator" the name belongs to the noun.
        return None;
    }
    let last = &words[before.clone()].last()?;
    if last.comma_follows() {
        let ends = mention.name.end >= phrase.end || !words[mention.name.end - 1].is_beside_next();
        return roles::whole(words, before).filter(|_| ends);
    }
    let own = mention.role.clone().filter(|role| role.end == mention.name.start);
    // An honorific before the name is not a role.
    let role_end = own.map_or(mention.whole.start, |role| role.start).max(before.start);
    let is_role = lexicon::is_role(&last.lower) || mention.role.is_some() || lexicon::honorific(&last.lower).is_some();
    let is_plain = words[before.start..role_end].iter().all(is_plain);
    let end = if lexicon::honorific(&last.lower).is_some() { before.end - 1 } else { before.end };
    if end < before.end && end > before.start && words[end - 1].comma_follows() {
        // "The head of the port, Mr Lee".
        return roles::whole(words, before.start..end);
    }
    (is_role && is_plain).then_some(before.start..end)
}

/// Reads a phrase that begins with the name of `mentions[at]`.
fn from_name(words: &[Word], mentions: &[Mention], at: usize, phrase: &Range<usize>) -> SourceKind {
    let name = &mentions[at].name;
    let is_followed_by_role = mentions[at].role.as_ref().is_some_and(|role| role.start == name.end);
    let end =
        if is_followed_by_role && mentions[at].whole.end <= phrase.end { mentions[at].whole.end } else { name.end };
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
    if words[end].lower == "based" {
        let based = (at + 1..mentions.len()).find(|&next| mentions[next].name.start == end + 1);
        return based.map_or(SourceKind::Nobody, |based| complete(words, mentions, based, phrase, None));
    }
    if is_clause(&words[end]) && !last.is_possessive {
        return complete(words, mentions, at, phrase, None);
    }
    if is_published_by(words, &mentions[at], phrase) {
        return complete(words, mentions, at, phrase, None);
    }
    let next = mentions.get(at + 1).filter(|next| next.name.end <= phrase.end);
    let is_owned = last.is_possessive && next.is_some_and(|next| next.name.start == end);
    let role = next.and_then(|next| with_role(words, next, phrase)).or(is_owned.then_some(end..end));
    role.map_or(SourceKind::Nobody, |role| complete(words, mentions, at + 1, phrase, Some(role)))
}

/// Returns true if all that follows the name of an organisation is what it publishes: "an Oslo Bank report".
fn is_published_by(words: &[Word], mention: &Mention, phrase: &Range<usize>) -> bool {
    let end = mention.name.end;
    mention.kind == MentionKind::Organisation
        && end + 1 == phrase.end
        && words[end - 1].flows_on()
        && lexicon::is_document_noun(&words[end].lower)
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
    let has_others = (end..phrase.end).any(|word| {
        let is_joined = matches!(words[word].lower.as_str(), "and" | "or" | "others");
        let is_aside = words[name_end..word].iter().any(is_clause_word);
        is_joined && !is_aside && !is_inside_apposition(words, name_end, word)
    });
    if has_others { SourceKind::Nobody } else { SourceKind::Name(at, role.filter(|role| !role.is_empty())) }
}

/// Returns true if the "and" at a place joins two roles of the same person: "Ann Lee, a cook and keeper of bees,".
fn is_inside_apposition(words: &[Word], name_end: usize, and: usize) -> bool {
    let Some(next) = words.get(and + 1).filter(|_| words[name_end - 1].comma_follows() && and > name_end) else {
        return false;
    };
    let first = &words[name_end];
    let is_apposition = matches!(first.lower.as_str(), "a" | "an" | "the") || !first.is_capitalised();
    let is_someone_else = next.is_capitalised() || roles::is_determiner(next) || lexicon::is_plural(&next.lower);
    is_apposition && !lexicon::is_plural(&first.lower) && !is_someone_else && words[and].lower == "and"
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
    if !lexicon::is_person_noun(&noun.lower) {
        return described_thing(first, noun, end == phrase.end);
    }
    // "The aide" can be anybody, "the Oslo aide" is the one whom the text calls so.
    let is_vague = lexicon::is_vague_role(&noun.lower) && nouns.len() == 1;
    let is_definite = first.lower == "the" && end == phrase.end && !is_vague;
    if is_definite && lexicon::is_role(&noun.lower) {
        return SourceKind::Described(nouns.iter().map(|word| lexicon::plain_role(&word.lower).to_owned()).collect());
    }
    SourceKind::Stranger(lexicon::gender_of_role(&noun.lower))
}

/// Reads a phrase whose noun is not one for persons.
fn described_thing(first: &Word, noun: &Word, is_bare: bool) -> SourceKind {
    let is_body = lexicon::is_organisation_noun(&noun.lower) || lexicon::is_named_organisation_noun(&noun.lower);
    let is_new = matches!(first.lower.as_str(), "a" | "an" | "another" | "one");
    if is_body && is_bare && first.lower == "the" {
        SourceKind::DescribedBody(noun.lower.clone())
    } else if is_body || lexicon::is_document_noun(&noun.lower) {
        SourceKind::UnnamedBody
    } else if is_new && !lexicon::is_plural(&noun.lower) {
        SourceKind::Stranger(None)
    } else {
        SourceKind::Nobody
    }
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
        ] {
            assert_eq!(classified(text).0, SourceKind::Nobody, "{text}");
        }
    }

    #[test]
    fn documents_and_organisations_without_a_name_are_no_persons() {
        assert_eq!(classified("the report").0, SourceKind::UnnamedBody);
        assert_eq!(classified("a charity").0, SourceKind::UnnamedBody);
        assert_eq!(classified("the airline").0, SourceKind::DescribedBody("airline".to_owned()));
        assert_eq!(classified("It").0, SourceKind::Neuter);
    }

    #[test]
    fn a_noun_for_an_organisation_may_stand_beside_its_name() {
        assert_eq!(name("the charity Quux"), pair("Quux", ""));
        assert_eq!(name("the Oslo Bank report"), pair("Oslo Bank", ""));
        assert_eq!(classified("the Peruvian newspaper").0, SourceKind::DescribedBody("newspaper".to_owned()));
        assert_eq!(classified("the Tories").1, "Tories");
    }

    #[test]
    fn an_and_inside_an_apposition_names_nobody_else() {
        assert_eq!(name("Ann Lee, a cook and keeper of bees,"), pair("Ann Lee", ""));
        assert_eq!(name("Quux Foo, judge and cook,"), pair("Quux Foo", ""));
        assert_eq!(classified("Ann Lee, a cook, and her friends").0, SourceKind::Nobody);
        assert_eq!(classified("Ann Lee, a cook and Bob Roe").0, SourceKind::Nobody);
    }

    #[test]
    fn letters_after_a_name_are_no_part_of_it() {
        assert_eq!(name("Quux Foo MP"), pair("Quux Foo", ""));
        assert_eq!(name("Labour MP Quux Foo"), pair("Quux Foo", "Labour MP"));
        assert_eq!(name("Police bomb squad chief Quux Foo"), pair("Quux Foo", "Police bomb squad chief"));
    }

    #[test]
    fn one_without_a_name_is_a_stranger() {
        assert_eq!(classified("a mother-of-two").0, SourceKind::Stranger(Some(Gender::Female)));
        assert_eq!(classified("a lollipop seller").0, SourceKind::Stranger(None));
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
