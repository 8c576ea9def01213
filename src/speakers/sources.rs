//! The kinds of sources: a pronoun, a name with or without a role, a body, a description, or nobody in particular.

use std::ops::Range;

use super::introductions;
use super::lexicon::{self, Gender};
use super::mentions::{self, Mention, MentionKind};
use super::phrases;
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
    /// "the prime minister", "the head of the bank": somebody with a role.
    Described(Description),
    /// "the airline": an organisation, by the noun that refers back to it.
    DescribedBody(String),
    /// "Ann Lee and Bob Roe": those who speak together.
    Several(Vec<SourceKind>),
    /// "a report by the ministry": what somebody has published.
    Published(Box<SourceKind>),
    /// "Oslo police", "local officials": a group that is called by its own words.
    Group(Range<usize>),
    /// "his lawyers": a group by its owner's pronoun.
    OwnedGroup(Gender, Range<usize>),
    /// "they".
    They,
    /// "I".
    Author,
    /// Somebody without a name. A pronoun can mean them.
    Stranger(Option<Gender>),
    /// An organisation or a document without a name: "a charity", "the report". "It" can mean them.
    UnnamedBody,
    /// Several people, or nobody who speaks.
    Nobody,
}

/// A person by their role instead of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    /// The role's words before any link, in written-out small letters. The last is its noun.
    pub nouns: Vec<String>,
    /// The other words that tell whose role it is, in small letters: "oslo" in "the mayor of Oslo" and "Oslo’s mayor".
    pub owner: Vec<String>,
    /// The owner is told in small letters: "the department’s inspector".
    pub has_other_owner: bool,
    /// It begins with "the" or an owner. A description with "a" needs an owner that fits.
    pub is_definite: bool,
}

/// Classifies the source in the words of `range`. `mentions` are those of the whole text.
pub(super) fn source_kind(words: &[Word], mentions: &[Mention], range: Range<usize>) -> SourceKind {
    let range = range.start..range.end.min(range.start + LONGEST);
    if is_label(&words[range.clone()]) {
        return SourceKind::Nobody;
    }
    if let Some(owned) = without_owner(words, &range) {
        return source_kind(words, mentions, owned);
    }
    if let Some(name) = called(words, mentions, &range) {
        return SourceKind::Name(name, None);
    }
    if let Some(name) = named_beside(words, mentions, &range) {
        return SourceKind::Name(name, None);
    }
    let kind = short(words, mentions, range.clone());
    if let Some(place) = governed_place(words, mentions, &range) {
        return SourceKind::Body(place);
    }
    let told = introductions::introduced(words, mentions, &range, &kind)
        .or_else(|| examples(words, mentions, &range))
        .or_else(|| listed(words, mentions, &range, &kind))
        .or_else(|| titled_document(words, mentions, &range, &kind));
    if let Some(told) = told {
        return told;
    }
    match kind {
        // "White nationalist and former guard Ann Lee".
        kind @ SourceKind::Described(_) => people(words, mentions, &range).unwrap_or(kind),
        kind @ (SourceKind::Nobody | SourceKind::Stranger(_) | SourceKind::UnnamedBody) => {
            longer(words, mentions, range).unwrap_or(kind)
        }
        kind => kind,
    }
}

/// The publisher of a document that has a title: "the Foo Report by Quux", "Quux’s Foo Survey", or nobody.
fn titled_document(
    words: &[Word],
    mentions: &[Mention],
    range: &Range<usize>,
    kind: &SourceKind,
) -> Option<SourceKind> {
    let start = roles::behind_determiner(words, range.start);
    let noun = (start + 1..range.end).find(|&at| is_study(&words[at].lower))?;
    let is_end = noun + 1 == range.end || !words[noun].is_beside_next() || is_clause(&words[noun + 1]);
    let is_name = match kind {
        SourceKind::Name(at, _) => mentions[*at].kind == MentionKind::Unknown || mentions[*at].name.contains(&noun),
        SourceKind::Body(_) | SourceKind::Nobody => true,
        _ => false,
    };
    if !is_end || words[noun].is_possessive || !is_name || words[start..noun].iter().any(is_clause_word) {
        return None;
    }
    let owner = (start..noun).find(|&at| words[at].is_possessive && words[at].is_capitalised());
    let by = noun + 1 < range.end && matches!(words[noun + 1].lower.as_str(), "by" | "from");
    let publisher = if by && noun + 2 < range.end {
        source_kind(words, mentions, noun + 2..range.end)
    } else if let Some(owner) = owner {
        source_kind(words, mentions, start..owner + 1)
    } else {
        let has_body = lexicon::is_body_noun(&words[noun - 1].lower);
        let is_title =
            words[noun].lower == "study" && words[noun - 1].is_capitalised() && !has_body && start + 1 < noun;
        return is_title.then_some(SourceKind::Nobody);
    };
    let is_known = matches!(publisher, SourceKind::Name(..) | SourceKind::Body(_) | SourceKind::Several(_));
    is_known.then(|| SourceKind::Published(Box::new(publisher)))
}

/// The name behind "the country’s": "Quux Ministry" in "the country’s Quux Ministry".
fn without_owner(words: &[Word], range: &Range<usize>) -> Option<Range<usize>> {
    let [the, owner, name, ..] = words.get(range.clone())? else { return None };
    let is_place = matches!(
        owner.lower.as_str(),
        "city" | "country" | "county" | "island" | "nation" | "province" | "region" | "state" | "town"
    );
    let is_owner = owner.is_possessive && !owner.is_capitalised() && is_place;
    (the.lower == "the" && is_owner && name.is_capitalised() && !name.is_in_title).then_some(range.start + 2..range.end)
}

/// The name of a body or a person that a phrase introduces: "a group called the Foo Quuxes", "the group, known as Foo Quux".
fn called(words: &[Word], mentions: &[Mention], range: &Range<usize>) -> Option<usize> {
    const FARTHEST: usize = 6;
    let near = range.start + 1..range.end.min(range.start + FARTHEST);
    let verb = near
        .into_iter()
        .find(|&at| matches!(words[at].lower.as_str(), "called" | "calling" | "identified" | "known" | "named"))?;
    let noun = &words[verb - 1];
    let is_body =
        !noun.is_capitalised() && (lexicon::is_organisation_noun(&noun.lower) || lexicon::is_collective(&noun.lower));
    let before = match words[verb].lower.as_str() {
        "calling" => "itself",
        "identified" | "known" => "as",
        _ => "",
    };
    let name =
        verb + 1 + usize::from(!before.is_empty() && words.get(verb + 1).is_some_and(|next| next.lower == before));
    let name = roles::behind_determiner(words.get(..range.end)?.get(name).map(|_| words)?, name);
    let at = mentions.partition_point(|mention| mention.name.start < name);
    let mention = mentions.get(at).filter(|mention| mention.name.start == name && mention.name.end <= range.end)?;
    // "The suspect, identified as Ann Lee".
    let is_somebody = !noun.is_capitalised()
        && lexicon::is_person_noun(&noun.lower)
        && mention.kind != MentionKind::Organisation
        && mention.name.len() > 1;
    (is_body || is_somebody).then_some(at)
}

/// The name at the end of a phrase with the noun of a body and an article before it: "nature charity the Quux Trust".
fn named_beside(words: &[Word], mentions: &[Mention], range: &Range<usize>) -> Option<usize> {
    let at = mentions.partition_point(|mention| mention.name.end < range.end);
    let mention = mentions.get(at).filter(|mention| mention.name.end == range.end && mention.name.len() > 1)?;
    let article = mention.name.start.checked_sub(1).filter(|&article| article > range.start)?;
    let noun = &words[article - 1];
    let is_body = lexicon::is_organisation_noun(&noun.lower) || matches!(noun.lower.as_str(), "body" | "nonprofit");
    let is_beside = words[article].lower == "the" && words[article].is_beside_next() && noun.flows_on();
    let is_plain = words[range.start..article]
        .iter()
        .all(|word| word.is_beside_next() && !lexicon::is_link(&word.lower) && !lexicon::is_saying(&word.lower));
    let is_named = is_beside && is_body && !noun.is_capitalised() && is_plain;
    (is_named && mention.kind != MentionKind::Person).then_some(at)
}

/// A place or a government by its kind and its name: "city of Foo", "government of Quux".
fn governed_place(words: &[Word], mentions: &[Mention], range: &Range<usize>) -> Option<Range<usize>> {
    let start = roles::behind_determiner(words, range.start);
    let [kind, of, ..] = words.get(start..range.end)? else { return None };
    let is_kind = matches!(kind.lower.as_str(), "city" | "government" | "state" | "town" | "village");
    if !is_kind || kind.is_capitalised() || of.lower != "of" || start == range.start {
        return None;
    }
    let name = start + 2;
    let at = mentions.partition_point(|mention| mention.name.start < name);
    let mention = mentions.get(at).filter(|mention| mention.name.start == name && mention.name.end == range.end)?;
    (mention.kind != MentionKind::Person).then_some(start..mention.name.end)
}

/// Returns true for the label of a question or an answer: "Q. Did it rain?" names nobody.
fn is_label(words: &[Word]) -> bool {
    matches!(words, [word] if matches!(word.text, "Q" | "Q." | "A" | "A."))
}

/// Returns true for a noun of documents that have titles of their own.
fn is_study(lower: &str) -> bool {
    matches!(lower, "index" | "outlook" | "report" | "review" | "study" | "survey")
}

/// Classifies a source that is a pronoun, or a name or role with little around it.
fn short(words: &[Word], mentions: &[Mention], range: Range<usize>) -> SourceKind {
    let Some(first) = words[range.clone()].first() else { return SourceKind::Nobody };
    if range.len() == 1 {
        // "he'd" and "I'll" are the pronouns.
        match first.lower.split('\'').next().unwrap_or_default() {
            "he" | "him" | "his" | "himself" => return SourceKind::Pronoun(Gender::Male),
            "she" | "her" | "hers" | "herself" => return SourceKind::Pronoun(Gender::Female),
            "it" | "its" | "itself" => return SourceKind::Neuter,
            "who" => return SourceKind::Relative,
            "they" | "them" | "their" | "themselves" => return SourceKind::They,
            "i" | "me" | "my" | "myself" => return SourceKind::Author,
            _ => {}
        }
    }
    let start = roles::behind_determiner(words, range.start);
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
    if is_seated(words, phrase) {
        return SourceKind::Nobody;
    }
    let is_base = end < phrase.end && words[end].lower == "based" && matches!(last.gap, "-" | " -" | " ");
    if !is_base && (end == phrase.end || !(last.is_beside_next() || last.is_possessive)) {
        return complete(words, mentions, at, phrase, None);
    }
    if is_any_body(words, end, phrase) {
        return SourceKind::Nobody;
    }
    if let Some(body) = body_end(words, end, phrase.end) {
        return SourceKind::Body(phrase.start..body);
    }
    if is_base {
        let rest = end + 1..phrase.end;
        let inside = (at + 1..mentions.len()).take_while(|&next| mentions[next].name.start < phrase.end);
        let based = inside.into_iter().find(|&next| {
            mentions[next].name.start == rest.start
                || with_noun(words, &mentions[next], &rest)
                || with_role(words, &mentions[next], &rest).is_some()
        });
        return based.map_or(SourceKind::Nobody, |based| complete(words, mentions, based, phrase, None));
    }
    if is_clause(&words[end]) && !last.is_possessive {
        return complete(words, mentions, at, phrase, None);
    }
    if is_published_by(words, &mentions[at], phrase) {
        return complete(words, mentions, at, phrase, None);
    }
    let next = mentions.get(at + 1).filter(|next| next.name.end <= phrase.end);
    let is_owned = last.is_possessive
        && next.is_some_and(|next| {
            // In "Foo’s Oslo correspondent" the second name belongs to the noun.
            let ends = next.name.end == phrase.end || !words[next.name.end - 1].flows_on();
            next.name.start == end && (ends || is_clause(&words[next.name.end]))
        });
    let role = next.and_then(|next| with_role(words, next, phrase)).or(is_owned.then_some(end..end));
    role.map_or(SourceKind::Nobody, |role| complete(words, mentions, at + 1, phrase, Some(role)))
}

/// Returns true for a body that is told by its seat alone: "the West Foo, Ohio, company".
fn is_seated(words: &[Word], phrase: &Range<usize>) -> bool {
    let town = phrase.clone().find(|&at| !words[at].is_capitalised() || words[at].comma_follows());
    let Some(state) = town.filter(|&at| words[at].comma_follows()).map(|at| at + 1) else { return false };
    let ends = |at: usize| words[at].comma_follows() || words[at].gap.starts_with(".,");
    let last = (state..phrase.end).find(|&at| !words[at].is_capitalised() || ends(at)).filter(|&at| ends(at));
    let noun = last.map(|last| last + 1).filter(|&noun| noun < phrase.end && words[noun - 1].is_capitalised());
    noun.is_some_and(|noun| lexicon::is_body_noun(&words[noun].lower) || lexicon::is_person_noun(&words[noun].lower))
}

/// Returns true for one of many bodies: "an Oslo magazine" is not called so.
fn is_any_body(words: &[Word], noun: usize, phrase: &Range<usize>) -> bool {
    let article = phrase.start.checked_sub(1).map(|at| &words[at]);
    let is_any = article.is_some_and(|word| matches!(word.lower.as_str(), "a" | "an") && word.is_beside_next());
    is_any && matches!(words[noun].lower.as_str(), "agency" | "company" | "magazine" | "newspaper" | "organization")
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

/// Returns true for a word of grammar or of speech, which ends the words up to a noun.
pub(super) fn is_clause(word: &Word) -> bool {
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
    if !lexicon::is_person_noun(&noun.lower) || phrases::is_guard(nouns) {
        let has_capital = nouns.iter().any(Word::is_capitalised);
        return described_thing(first, noun, end == phrase.end, has_capital);
    }
    // "The aide" can be anybody, "the Oslo aide" is the one whom the text calls so.
    let is_vague = lexicon::is_vague_role(&noun.lower) && nouns.len() == 1;
    let is_definite = first.lower == "the" && end == phrase.end && !is_vague;
    if is_definite && lexicon::is_role(&noun.lower) {
        let nouns_have_owner = nouns.iter().any(|word| word.is_possessive && !word.is_capitalised());
        let nouns = nouns.iter().map(|word| lexicon::plain_role(&word.lower).to_owned()).collect();
        return SourceKind::Described(Description {
            nouns,
            owner: Vec::new(),
            has_other_owner: nouns_have_owner,
            is_definite,
        });
    }
    SourceKind::Stranger(lexicon::gender_of_role(&noun.lower))
}

/// Reads a phrase whose noun is not one for persons.
fn described_thing(first: &Word, noun: &Word, is_bare: bool, has_capital: bool) -> SourceKind {
    let is_body = lexicon::is_organisation_noun(&noun.lower) || lexicon::is_named_organisation_noun(&noun.lower);
    let is_new = matches!(first.lower.as_str(), "a" | "an" | "another" | "one");
    if is_body && is_bare && first.lower == "the" && !has_capital {
        SourceKind::DescribedBody(noun.lower.clone())
    } else if is_body || lexicon::is_document_noun(&noun.lower) {
        SourceKind::UnnamedBody
    } else if is_new && !lexicon::is_plural(&noun.lower) {
        SourceKind::Stranger(None)
    } else {
        SourceKind::Nobody
    }
}

/// Classifies a phrase whose name turned out to be none: "Hunters and ranchers".
pub(super) fn unnamed(words: &[Word], mentions: &[Mention], range: Range<usize>) -> Option<SourceKind> {
    let kind = nameless(words, mentions, range)?;
    matches!(kind, SourceKind::Body(_) | SourceKind::Group(_)).then_some(kind)
}

/// Classifies a longer phrase: several persons, a document and who published it, a body or a group by its own words, a
/// person by a role with an owner.
fn longer(words: &[Word], mentions: &[Mention], range: Range<usize>) -> Option<SourceKind> {
    let phrase = without_examples(words, &range);
    if phrase.is_empty() {
        return None;
    }
    people(words, mentions, &phrase)
        .or_else(|| joined(words, mentions, &(range.start..phrase.end)))
        .or_else(|| nameless(words, mentions, range))
}

/// A phrase without its determiner, and without the examples behind it: "firms" in "the firms such as Quux".
fn without_examples(words: &[Word], range: &Range<usize>) -> Range<usize> {
    let first = &words[range.start];
    let start =
        range.start + usize::from(roles::is_determiner(first) || matches!(first.lower.as_str(), "both" | "even"));
    let examples = (start + 1..range.end).find(|&at| is_example(words, at));
    start..examples.unwrap_or(range.end)
}

/// The persons whom a list behind a comma tells: "the mayor’s rivals, Ann Lee and Bob Roe". `kind` is what the phrase
/// seems to be by its beginning.
fn listed(words: &[Word], mentions: &[Mention], range: &Range<usize>, kind: &SourceKind) -> Option<SourceKind> {
    let end = match kind {
        SourceKind::Nobody => phrases::core(words, range).end,
        SourceKind::Group(group) => group.end,
        _ => return None,
    };
    let is_list = end > range.start && end < range.end && words[end - 1].comma_follows();
    let noun = words[range.start..end].last().filter(|noun| is_list && !noun.is_capitalised())?;
    let several = people(words, mentions, &(end..range.end))?;
    (lexicon::is_plural_person(&noun.lower) && matches!(several, SourceKind::Several(_))).then_some(several)
}

/// Those who speak for a group, where "such as" tells them: "firms such as Quux and Foo".
fn examples(words: &[Word], mentions: &[Mention], range: &Range<usize>) -> Option<SourceKind> {
    let such = (range.start + 1..range.end).find(|&at| words[at].lower == "such" && is_example(words, at))?;
    let phrase = such + 2..range.end;
    if words[range.start..such].iter().any(Word::comma_follows) {
        return None;
    }
    people(words, mentions, &phrase)
}

/// Classifies a phrase whose names are no speakers themselves.
fn nameless(words: &[Word], mentions: &[Mention], range: Range<usize>) -> Option<SourceKind> {
    let first = &words[range.start];
    let phrase = without_examples(words, &range);
    if phrase.is_empty() {
        return None;
    }
    let counted = phrases::uncounted(words, phrase.clone());
    let core = whole_core(words, mentions, &counted);
    let noun = words.get(core.end.checked_sub(1)?).filter(|_| !core.is_empty())?;
    let is_group = phrases::is_group_noun(noun);
    if let Some(name) = apposition(words, mentions, &core, &phrase)
        .filter(|_| is_group || lexicon::is_body_noun(&noun.lower) || noun.lower == "body")
    {
        return Some(SourceKind::Name(name, None));
    }
    if lexicon::is_document_noun(&noun.lower) && !is_group && !lexicon::is_plural_person(&noun.lower) {
        return published(words, mentions, &core, &(range.start..phrase.end));
    }
    let is_new = matches!(first.lower.as_str(), "a" | "an" | "another" | "one");
    if lexicon::is_person_noun(&noun.lower) && counted.start == phrase.start && !phrases::is_guard(&words[core.clone()])
    {
        return description(words, first, &core, &phrase);
    }
    let has_name = words[core.clone()].iter().any(|word| word.is_capitalised() && !word.is_opening);
    let is_nationality = core.len() == 1 && lexicon::is_group(&noun.lower);
    let is_body = lexicon::is_body_noun(&noun.lower) || noun.is_capitalised() && !is_nationality;
    if let Some(gender) = owner_gender(first).filter(|_| is_group || is_body) {
        return Some(SourceKind::OwnedGroup(gender, phrases::group_name(words, &counted)));
    }
    if matches!(first.lower.as_str(), "each" | "either" | "every" | "neither") {
        return None;
    }
    // "The Foo County sheriff’s office" is a body, "the Foo bank’s customers" are somebody’s.
    let owners =
        if noun.lower == "office" && core.len() > 2 { core.start..core.end - 2 } else { core.start..core.end - 1 };
    let is_owned = owners.into_iter().any(|at| words[at].is_possessive && !words[at].is_capitalised());
    let is_someone_s = roles::is_determiner(first) && !is_new && first.lower != "the";
    if is_owned || is_someone_s || is_new && !is_group {
        return None;
    }
    let is_joined = words.get(core.end).is_some_and(|next| core.end < phrase.end && next.lower == "and");
    let is_plural = is_group && (noun.lower.ends_with('s') || noun.lower.ends_with("people"));
    let is_any = is_new && core.len() > 1 && !noun.is_capitalised();
    if is_any && matches!(noun.lower.as_str(), "agency" | "magazine" | "newspaper" | "panel" | "website") {
        return None;
    }
    if has_name && is_body && !is_plural && lexicon::is_organisation_noun(&noun.lower) && !noun.is_capitalised() {
        return generic_body(words, mentions, &core, first);
    }
    let is_date = core.len() == 1 && lexicon::is_month(&noun.lower);
    let is_role = noun.is_capitalised() && lexicon::is_plural_role(&noun.lower);
    if has_name && is_body && !is_plural && !is_date && !is_role {
        let name = body_name(words, mentions, &counted, core.end);
        if let Some(person) = person_at_end(words, mentions, &name) {
            return Some(SourceKind::Name(person, None));
        }
        let is_led = |at: &usize| mentions::is_controlled(&words[*at]);
        let start = name.clone().rev().find(is_led).map_or(name.start, |at| at + 1);
        let name = if start < core.end { start..name.end } else { name };
        let name = agency_name(words, &name).unwrap_or(name);
        if !is_whole(words, mentions, &name, &phrase) {
            return None;
        }
        return (!is_joined || name.end > core.end).then_some(SourceKind::Body(name));
    }
    let is_definite = matches!(first.lower.as_str(), "the" | "these" | "those" | "both");
    let is_told = has_name && core.len() > 1 || !is_definite || phrases::is_clear_group(noun);
    (is_group && is_told).then(|| SourceKind::Group(phrases::group_name(words, &counted)))
}

/// The name alone of a news agency: "Quux" in "the state Quux news agency" and "Norway’s Quux news agency".
fn agency_name(words: &[Word], name: &Range<usize>) -> Option<Range<usize>> {
    let [.., before, noun] = &words[name.clone()] else { return None };
    let is_agency = noun.lower == "agency" && before.lower == "news" && !before.is_capitalised();
    let end = name.end - 2;
    let capitalised = (name.start..end).rev().take_while(|&at| words[at].is_capitalised() && words[at].flows_on());
    let start = capitalised.last().filter(|_| is_agency)?;
    let is_origin =
        words[start..end].iter().all(|word| lexicon::is_group(&word.lower) || lexicon::is_place(&word.lower));
    (!is_origin).then_some(start..end)
}

/// Returns false for a part of a list ("Foo Farms, Ports and Energy Forum"), a person, or a body told by its owner.
fn is_whole(words: &[Word], mentions: &[Mention], name: &Range<usize>, phrase: &Range<usize>) -> bool {
    let last = &words[name.end - 1];
    let is_list = name.end < phrase.end && last.comma_follows() && words[name.end].is_capitalised();
    let from = mentions.partition_point(|mention| mention.name.end < name.end);
    let is_person = mentions.get(from).is_some_and(|mention| {
        mention.kind == MentionKind::Person && mention.name.end == name.end && mention.name.len() > 1
    });
    // "The WXO’s weather agency" has a name of its own.
    let first = &words[name.start];
    let is_described =
        first.is_possessive && first.is_all_capitals() && !last.is_capitalised() && last.lower == "agency";
    !is_list && !is_person && !is_described
}

/// The person with a role whose name ends what seemed to be a body: "Foo Division of Ports Director Ann Lee".
fn person_at_end(words: &[Word], mentions: &[Mention], name: &Range<usize>) -> Option<usize> {
    let at = mentions.partition_point(|mention| mention.name.end < name.end);
    let mention = mentions.get(at).filter(|mention| mention.name.end == name.end && mention.name.start > name.start)?;
    let is_role = lexicon::is_role(&words[mention.name.start - 1].lower);
    (is_role && mention.kind == MentionKind::Person).then_some(at)
}

/// The words up to the noun of a phrase, over names with a link inside: "the Department of Foo official".
fn whole_core(words: &[Word], mentions: &[Mention], phrase: &Range<usize>) -> Range<usize> {
    let core = phrases::core(words, phrase);
    let at = mentions.partition_point(|mention| mention.name.end <= core.end);
    let reaching = mentions.get(at).filter(|mention| mention.name.start < core.end && mention.name.end <= phrase.end);
    reaching.map_or(core.clone(), |mention| core.start..phrases::core(words, &(mention.name.end - 1..phrase.end)).end)
}

/// The name after the comma that ends the words up to a noun: "the union, the United Foo Workers".
fn apposition(words: &[Word], mentions: &[Mention], core: &Range<usize>, phrase: &Range<usize>) -> Option<usize> {
    if core.end >= phrase.end || !words[core.end - 1].comma_follows() {
        return None;
    }
    let start = roles::behind_determiner(words, core.end);
    let at = mentions.partition_point(|mention| mention.name.end <= start);
    let mention = mentions.get(at).filter(|mention| mention.name.start == start && mention.name.end <= phrase.end)?;
    let last = &words[mention.name.end - 1];
    (mention.name.end == phrase.end || !last.is_beside_next()).then_some(at)
}

/// A body with a general noun: "the ruling Foo party" has its name in front of the noun, "the Oslo-based company" is only
/// described.
fn generic_body(words: &[Word], mentions: &[Mention], core: &Range<usize>, first: &Word) -> Option<SourceKind> {
    let noun = core.end - 1;
    let at = mentions.partition_point(|mention| mention.name.end <= core.start);
    let mut inside = (at..mentions.len()).take_while(|&at| mentions[at].name.end <= noun);
    let name = inside.find(|&at| {
        let mention = &mentions[at];
        let is_owner = words[mention.name.start..noun].iter().any(|word| word.is_possessive);
        mention.kind != MentionKind::Place && !is_owner && !is_of_origin(words, &mention.name, &(core.start..core.end))
    });
    let described = (first.lower == "the").then(|| SourceKind::DescribedBody(words[noun].lower.clone()));
    name.map(|at| SourceKind::Name(at, None)).or(described)
}

/// A name or a body with others: "Lee and the host", "the Oslo government and Quux".
fn joined(words: &[Word], mentions: &[Mention], phrase: &Range<usize>) -> Option<SourceKind> {
    let mut ands = phrase.clone().filter(|&at| words[at].lower == "and" && words[at].is_beside_next());
    let and = ands.next().filter(|&and| ands.next().is_none() && and > phrase.start && and + 1 < phrase.end)?;
    if let Some(body) = body_around(words, phrase, and) {
        return Some(body);
    }
    let first = source_kind(words, mentions, phrase.start..and);
    let is_named = match &first {
        SourceKind::Name(at, _) => {
            let mention = &mentions[*at];
            mention.kind != MentionKind::Unknown
                || mention.name.len() > 1
                || !words[mention.name.start].is_opening
                || words[mention.name.start].is_beside_next()
                    && words[and + 1..phrase.end].iter().any(roles::is_determiner)
        }
        SourceKind::Body(_) | SourceKind::Pronoun(_) => true,
        _ => false,
    };
    if !is_named || words[phrase.start..and].iter().any(|word| word.gap.contains(',')) {
        return None;
    }
    if matches!(words[and + 1].lower.as_str(), "other" | "others" | "some") {
        // "Lee and other senators".
        return Some(first);
    }
    let second = source_kind(words, mentions, and + 1..phrase.end);
    if let SourceKind::Name(at, _) = &second
        && goes_on(words, &mentions[*at], phrase)
    {
        // "Quux and Help the Aged".
        return Some(SourceKind::Nobody);
    }
    if let (SourceKind::Name(at, _), SourceKind::Group(group)) = (&first, &second)
        && mentions[*at].name.len() == 1
        && mentions[*at].kind != MentionKind::Person
        && lexicon::is_group(&words[group.start].lower)
        && group.len() > 1
    {
        // "US and Norwegian researchers".
        return Some(SourceKind::Group(phrase.start..group.end));
    }
    let is_second = !matches!(second, SourceKind::Nobody | SourceKind::Part(_) | SourceKind::Author);
    is_second.then(|| SourceKind::Several(vec![first, second]))
}

/// The body whose name has the "and" in it: "the Food and Drink Federation", "the Office of Management and Budget". It may
/// also be two bodies, where both have a name of their own; then nobody is sure to speak.
fn body_around(words: &[Word], phrase: &Range<usize>, and: usize) -> Option<SourceKind> {
    let begins = roles::behind_determiner(words, phrase.start);
    let (before, after) = (begins..and, and + 1..phrase.end);
    let [first, ..] = &words[before.clone()] else { return None };
    let end = after.clone().find(|&at| !words[at].is_capitalised()).unwrap_or(after.end);
    let last = words[after.start..end].last()?;
    let is_shared = begins > phrase.start && before.len() == 1 && after.start + 1 < end;
    if is_shared && is_common_name(first) && lexicon::is_body_noun(&last.lower) {
        return Some(SourceKind::Body(begins..end));
    }
    let of = before.clone().skip(1).find(|&at| matches!(words[at].lower.as_str(), "of" | "for" | "on"))?;
    let is_office = words[of - 1].is_capitalised() && lexicon::is_body_noun(&words[of - 1].lower);
    (is_office && end == after.start + 1 && lexicon::is_field(&last.lower)).then_some(SourceKind::Body(begins..end))
}

/// Returns true for a capitalised word that is no acronym.
fn is_common_name(word: &Word) -> bool {
    word.is_capitalised() && word.text.chars().any(char::is_lowercase) && !word.is_possessive
}

/// Returns true if a name goes on behind a mention: "Help" in "Help the Aged".
fn goes_on(words: &[Word], mention: &Mention, phrase: &Range<usize>) -> bool {
    let end = mention.name.end;
    let rest = words.get(end..phrase.end).unwrap_or_default();
    words[end - 1].flows_on() && matches!(rest, [the, next, ..] if the.lower == "the" && next.is_capitalised())
}

/// Returns true if examples of a group begin at a word: "such as Quux", "including Quux".
fn is_example(words: &[Word], at: usize) -> bool {
    let next = words.get(at + 1).map_or("", |next| next.lower.as_str());
    match words[at].lower.as_str() {
        "such" => next == "as",
        "including" | "like" | "especially" | "notably" | "involving" => true,
        _ => false,
    }
}

/// The name of a body that ends at `end`, or further on if the name does: "Department of Trade and Industry".
fn body_name(words: &[Word], mentions: &[Mention], phrase: &Range<usize>, end: usize) -> Range<usize> {
    let at = mentions.partition_point(|mention| mention.name.end < end);
    let whole = mentions.get(at).filter(|mention| mention.name.start < end && mention.name.end <= phrase.end);
    match whole {
        Some(mention) if mention.name.end > end => phrase.start..mention.name.end,
        _ => phrases::group_name(words, phrase),
    }
}

/// The gender of the owner that a possessive pronoun tells.
fn owner_gender(word: &Word) -> Option<Gender> {
    match word.lower.as_str() {
        "his" => Some(Gender::Male),
        "her" => Some(Gender::Female),
        _ => None,
    }
}

/// The names in a phrase that speak themselves, without those that only tell whose or where somebody is.
fn people(words: &[Word], mentions: &[Mention], phrase: &Range<usize>) -> Option<SourceKind> {
    let from = mentions.partition_point(|mention| mention.name.end <= phrase.start);
    let inside = (from..mentions.len()).take_while(|&at| mentions[at].name.start < phrase.end);
    let main: Vec<usize> = inside.filter(|&at| is_main(words, mentions, at, phrase)).collect();
    let role = |at: usize| with_role(words, &mentions[at], phrase).filter(|role| !role.is_empty());
    let named = |at: usize| SourceKind::Name(at, role(at));
    let is_person = |at: &usize| mentions[*at].kind == MentionKind::Person;
    match main.as_slice() {
        [] => None,
        [only] => {
            let mention = &mentions[*only];
            // In "the Foo and Quux leaders" the first name is part of the noun as well.
            let is_joined = words.get(mention.name.end).is_some_and(|next| {
                mention.name.end < phrase.end
                    && matches!(next.lower.as_str(), "and" | "or")
                    && mention.kind != MentionKind::Person
            });
            (!is_joined && is_alone(words, mention, phrase)).then(|| named(*only))
        }
        [.., before, last] if are_joined(words, mentions, *before, *last) => {
            Some(SourceKind::Several(main.iter().map(|&at| SourceKind::Name(at, None)).collect()))
        }
        _ => {
            let mut persons = main.iter().copied().filter(is_person);
            let only = persons.next().filter(|_| persons.next().is_none())?;
            Some(named(only))
        }
    }
}

/// Returns true if the only name of a phrase is its speaker: a person, or a name at the end of the words up to the noun, as
/// in "the flight tracker Quux".
fn is_alone(words: &[Word], mention: &Mention, phrase: &Range<usize>) -> bool {
    let starts = mention.name.start == phrase.start || mention.whole.start <= phrase.start;
    let follows_noun = mention.name.start > phrase.start && {
        let before = &words[mention.name.start - 1];
        before.is_beside_next() && !before.is_possessive && !lexicon::is_small(&before.lower)
    };
    mention.kind == MentionKind::Person || starts || follows_noun
}

/// Returns true if a name is no part of a noun or of what follows a link: "Oslo" in "the Oslo bank" and "a bank in Oslo" is.
fn is_main(words: &[Word], mentions: &[Mention], at: usize, phrase: &Range<usize>) -> bool {
    let mention = &mentions[at];
    let name = &mention.name;
    if name.start < phrase.start || name.end > phrase.end || words[name.end - 1].is_possessive {
        return false;
    }
    let next = words.get(name.end).filter(|_| name.end < phrase.end && words[name.end - 1].is_beside_next());
    let is_part_of_noun = next.is_some_and(|next| !is_clause(next) && !is_aside(next, mention));
    !is_part_of_noun && !is_governed(words, mentions, at, phrase)
}

/// Returns true for a word after a name that begins an apposition without a comma: "Ann Lee founder of Mend".
fn is_aside(next: &Word, mention: &Mention) -> bool {
    mention.kind == MentionKind::Person && mention.name.len() > 1 && lexicon::is_role(&next.lower)
}

/// Returns true if a link or a clause leads to the name: "the mother of Ann Lee".
fn is_governed(words: &[Word], mentions: &[Mention], at: usize, phrase: &Range<usize>) -> bool {
    let mention = &mentions[at];
    let others = &mentions[..at];
    let own = mention.role.as_ref().filter(|role| role.end <= mention.name.start);
    let start = own.map_or(mention.name.start, |role| role.start).max(phrase.start);
    let before = (phrase.start..start).rev().take_while(|&at| words[at].is_beside_next());
    let mut passed = 0;
    for at in before {
        let word = &words[at];
        let nearest = others.partition_point(|other| other.name.start <= at);
        if others[..nearest].last().is_some_and(|other| other.name.contains(&at)) {
            // A link inside a name leads nowhere: "University of Foo".
            passed += 1;
            continue;
        }
        let leads = lexicon::is_link(&word.lower) || is_leading(&word.lower);
        if leads && !word.is_capitalised() {
            let is_title = at == phrase.start + 1
                && passed > 0
                && lexicon::is_role(&words[at - 1].lower)
                && !(phrase.start > 0 && roles::is_determiner(&words[phrase.start - 1]));
            let is_office = word.lower == "of" || word.lower == "for";
            return !(is_title && is_office && !lexicon::is_role(&words[mention.name.start - 1].lower));
        }
        passed += 1;
    }
    false
}

/// Returns true for a word that leads to a name which does not speak itself: "who", "about".
pub(super) fn is_leading(lower: &str) -> bool {
    matches!(
        lower,
        "who"
            | "whom"
            | "whose"
            | "which"
            | "that"
            | "where"
            | "when"
            | "as"
            | "than"
            | "like"
            | "including"
            | "against"
            | "about"
            | "after"
            | "before"
            | "between"
            | "during"
            | "over"
            | "into"
            | "within"
            | "near"
            | "behind"
            | "among"
    )
}

/// Returns true if "and" is right before the last of two names or of its role.
fn are_joined(words: &[Word], mentions: &[Mention], before: usize, last: usize) -> bool {
    let between = mentions[before].name.end..mentions[last].name.start;
    let and = between.clone().rev().find(|&at| matches!(words[at].lower.as_str(), "and" | "or" | "&"));
    and.is_some_and(|and| words[and..between.end].iter().all(Word::is_beside_next))
}

/// The publisher of a document: "a report by Quux", "Quux data", "Quux’s website".
pub(super) fn published(
    words: &[Word],
    mentions: &[Mention],
    core: &Range<usize>,
    phrase: &Range<usize>,
) -> Option<SourceKind> {
    let first = &words[phrase.start];
    let publish = |kind: SourceKind| match kind {
        SourceKind::Name(..)
        | SourceKind::Part(_)
        | SourceKind::Body(_)
        | SourceKind::Several(_)
        | SourceKind::Described(_)
        | SourceKind::DescribedBody(_)
        | SourceKind::Pronoun(_)
        | SourceKind::OwnedGroup(..) => Some(SourceKind::Published(Box::new(kind))),
        SourceKind::Group(group) => words[group.clone()]
            .iter()
            .any(Word::is_capitalised)
            .then(|| SourceKind::Published(Box::new(SourceKind::Group(group)))),
        _ => None,
    };
    let noun = core.end - 1;
    // "Thursday’s report" is not by Thursday.
    let is_time = |word: &Word| {
        lexicon::is_day(&word.lower)
            || lexicon::is_month(&word.lower)
            || matches!(word.lower.as_str(), "month" | "today" | "week" | "year" | "yesterday")
    };
    let owner = (core.start..noun).rev().find(|&at| words[at].is_possessive && !is_time(&words[at]));
    if let Some(owner) = owner {
        let start = if first.lower == "the" { phrase.start } else { core.start };
        return publish(source_kind(words, mentions, start..owner + 1))
            .or_else(|| owner_name(words, core.start..owner + 1));
    }
    let is_direct = words.get(core.end).is_some_and(|link| matches!(link.lower.as_str(), "by" | "from"));
    if is_direct
        && core.end + 1 < phrase.end
        && let Some(publisher) = publish(source_kind(words, mentions, core.end + 1..phrase.end))
    {
        return Some(publisher);
    }
    if let Some(gender) = owner_gender(first) {
        return Some(SourceKind::Published(Box::new(SourceKind::Pronoun(gender))));
    }
    if first.lower == "its" {
        return Some(SourceKind::Published(Box::new(SourceKind::Neuter)));
    }
    // "A draft Oslo Bank report": the name before the noun.
    let capital = (core.start..noun).find(|&at| can_publish(&words[at]));
    let last = (core.start..noun)
        .rev()
        .find(|&at| !matches!(words[at].lower.as_str(), "press" | "news" | "media" | "survey" | "poll"));
    if let (Some(capital), Some(last)) = (capital, last)
        && capital <= last
    {
        // "A Quux park statement" is by Quux.
        let name = (capital..=last).find(|&at| !words[at].is_capitalised()).unwrap_or(last + 1);
        let whole = publish(source_kind(words, mentions, capital..last + 1));
        let publisher = whole.or_else(|| publish(source_kind(words, mentions, capital..name)));
        if publisher.is_some() {
            return publisher;
        }
    }
    let is_read = |by: &usize| {
        matches!(words[by - 1].lower.as_str(), "obtained" | "read" | "reviewed" | "seen" | "shared" | "viewed")
    };
    if (core.end..phrase.end).any(|at| words[at].lower == "by" && is_read(&at)) {
        return None;
    }
    let by = ["by", "from", "at", "of"]
        .iter()
        .find_map(|link| (core.end..phrase.end).find(|&at| words[at].lower == *link).filter(|&at| at + 1 < phrase.end));
    by.and_then(|by| publish(source_kind(words, mentions, by + 1..phrase.end)))
}

/// Returns true for a capitalised word that is no day, no number, and no site that has everybody's posts.
fn can_publish(word: &Word) -> bool {
    let is_site = matches!(
        word.lower.as_str(),
        "facebook"
            | "gofundme"
            | "instagram"
            | "linkedin"
            | "telegram"
            | "tiktok"
            | "twitter"
            | "weibo"
            | "whatsapp"
            | "youtube"
    );
    let is_date = lexicon::is_day(&word.lower) || lexicon::is_month(&word.lower);
    word.is_capitalised() && !is_site && !is_date && !word.text.starts_with(|first: char| first.is_ascii_digit())
}

/// The name of an owner that is no mention.
fn owner_name(words: &[Word], range: Range<usize>) -> Option<SourceKind> {
    let is_name = words[range.start].is_capitalised() && range.len() > 1;
    is_name.then(|| SourceKind::Published(Box::new(SourceKind::Body(range))))
}

/// A person by a role and its owner: "the CEO of Quux", "Oslo’s mayor", "the Norwegian prime minister".
fn description(words: &[Word], first: &Word, core: &Range<usize>, phrase: &Range<usize>) -> Option<SourceKind> {
    let noun = core.end - 1;
    let after_owner = (core.start..noun).rev().find(|&at| words[at].is_possessive).map_or(core.start, |at| at + 1);
    let nouns: Vec<String> =
        words[after_owner..core.end].iter().map(|word| lexicon::plain_role(&word.lower).to_owned()).collect();
    let rest =
        words[core.end..phrase.end].iter().take_while(|word| !matches!(word.lower.as_str(), "who" | "which" | "that"));
    let owner = words[core.start..after_owner].iter().chain(rest);
    let owner: Vec<String> = owner.filter(|word| word.is_capitalised()).map(|word| word.lower.clone()).collect();
    let is_definite = first.lower == "the" || after_owner > core.start;
    if !is_definite && owner.is_empty() {
        return None;
    }
    let has_other_owner =
        words[core.start..after_owner].iter().any(|word| word.is_possessive && !word.is_capitalised());
    Some(SourceKind::Described(Description { nouns, owner, has_other_owner, is_definite }))
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

    fn described_by(nouns: &[&str]) -> SourceKind {
        let nouns = nouns.iter().map(|&noun| noun.to_owned()).collect();
        SourceKind::Described(Description { nouns, owner: Vec::new(), has_other_owner: false, is_definite: true })
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
        assert_eq!(classified("Lee campaign officials").0, SourceKind::Group(0..3));
    }

    #[test]
    fn several_without_names_are_a_group_or_nobody() {
        for text in ["some", "27 percent"] {
            assert_eq!(classified(text).0, SourceKind::Nobody, "{text}");
        }
        for (text, name) in [("some voters", 1..2), ("critics", 0..1), ("27 of the voters", 3..4)] {
            assert_eq!(classified(text).0, SourceKind::Group(name), "{text}");
        }
        assert_eq!(classified("they").0, SourceKind::They);
        assert!(matches!(classified("Senator Ann Lee’s doctor").0, SourceKind::Described(_)));
        assert!(matches!(classified("Lee and Roe").0, SourceKind::Several(_)));
        assert_eq!(name("Ann Lee and his friends"), pair("Ann Lee", ""));
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
        assert_eq!(name("Ann Lee, a cook, and her friends"), pair("Ann Lee", ""));
        assert!(matches!(classified("Ann Lee, a cook and Bob Roe").0, SourceKind::Several(_)));
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
        assert_eq!(classified("the prime minister").0, described_by(&["prime", "minister"]));
        assert_eq!(classified("The senator").0, described_by(&["senator"]));
    }
}
