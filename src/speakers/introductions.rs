//! Persons whom a phrase introduces at its end: "the head of the Foo Agency, Ann Lee".

use std::ops::Range;

use super::lexicon;
use super::mentions::{Mention, MentionKind};
use super::roles;
use super::sources::{self, SourceKind};
use super::words::Word;

/// A person at the end of a phrase. Ranges and places count words.
struct Introduction {
    /// The number of the mention.
    at: usize,
    /// The first word after the determiner.
    start: usize,
    /// The first word of the honorifics and ranks before the name, and of the role before it.
    title: usize,
    role: usize,
    name: usize,
}

/// The person whom a phrase introduces at its end, and nobody if the name can be somebody else's. `kind` is what the phrase
/// seems to be by its beginning.
pub(super) fn introduced(
    words: &[Word],
    mentions: &[Mention],
    range: &Range<usize>,
    kind: &SourceKind,
) -> Option<SourceKind> {
    let start = roles::behind_determiner(words, range.start);
    let from = match kind {
        // In "the minister of Foo, Ann Lee" the first name is the owner's.
        SourceKind::Name(at, _) if mentions[*at].kind == MentionKind::Person && !is_owner(words, &mentions[*at]) => {
            let before = range.start..mentions[*at].name.start;
            return names_owner(words, &before).then_some(SourceKind::Nobody);
        }
        SourceKind::Name(at, _) => at + 1,
        SourceKind::Body(_)
        | SourceKind::Group(_)
        | SourceKind::Nobody
        | SourceKind::Stranger(_)
        | SourceKind::Described(_) => mentions.partition_point(|mention| mention.name.start <= start),
        _ => return None,
    };
    let inside = (from..mentions.len()).take_while(|&at| mentions[at].name.end <= range.end);
    // Behind a role and a comma an unknown name is a person's: "the Foo Bank’s director, Quux Oe".
    let is_described = matches!(kind, SourceKind::Described(_));
    let is_apposition = |mention: &Mention| {
        let is_name =
            mention.kind == MentionKind::Unknown && mention.name.len() > 1 && mention.name.start > range.start;
        let before = &words[mention.name.start.saturating_sub(1)];
        is_name && before.comma_follows() && (is_described || lexicon::is_person_noun(&before.lower))
    };
    let mut persons = inside.filter(|&at| mentions[at].kind == MentionKind::Person || is_apposition(&mentions[at]));
    let at = if is_described { persons.last()? } else { persons.next()? };
    let name = mentions[at].name.start;
    let role = mentions[at].role.as_ref().filter(|role| role.end == name).map_or(name, |role| role.start);
    let title = (start..role).rev().take_while(|&at| is_title(&words[at])).last().unwrap_or(role);
    let found = Introduction { at, start, title, role, name };
    if start >= title || !ends(words, &mentions[at], range) || words[start..title].iter().any(begins_clause) {
        return None;
    }
    if words[title - 1].gap.trim_end().ends_with(',') {
        return behind_comma(words, range, &found);
    }
    let named = match kind {
        SourceKind::Name(first, _) => Some(mentions[*first].name.end),
        _ => None,
    };
    let is_told = has_body(words, &found)
        || is_native(words, &found)
        || has_field(words, &found)
        || named.is_some_and(|end| has_office(words, &found, end));
    // "Refugees" and "Dr" are no roles: "commissioner for Refugees Ann Lee".
    let first = role.min(name - 1);
    let has_role = role < name || !words[first].is_capitalised() && title == role;
    is_told.then(|| SourceKind::Name(at, has_role.then_some(first..name)))
}

/// The person behind a comma: "the spokesman for the Foo Guard, Brig. Gen. Ann Lee".
fn behind_comma(words: &[Word], range: &Range<usize>, found: &Introduction) -> Option<SourceKind> {
    let &Introduction { at, start, title, role, name } = found;
    if names_owner(words, &(start..title)) {
        return Some(SourceKind::Nobody);
    }
    let has_role = words[start..title].iter().any(|word| lexicon::is_person_noun(&word.lower));
    let is_list = words[start..title - 1].iter().any(Word::comma_follows);
    let whole = || roles::whole(words, range.start..title).or((role < name).then_some(role..name));
    ((has_role || title < name) && !is_list).then(|| SourceKind::Name(at, whole()))
}

/// Returns true for "West Foo, Ohio, native Ann Lee".
fn is_native(words: &[Word], found: &Introduction) -> bool {
    let town = (found.start..found.title).find(|&at| words[at].comma_follows());
    let has_place = town.is_some_and(|town| words[town].is_capitalised() && words[town + 1].is_capitalised());
    has_place && (found.role < found.name || is_plain_noun(&words[found.name - 1]))
}

/// Returns true for "the port’s head of fisheries Ann Lee", but not for "the mother of the driver Ann Lee".
fn has_field(words: &[Word], found: &Introduction) -> bool {
    let noun = &words[found.title - 1];
    let leads = |at: usize| lexicon::is_role(&words[at].lower) && lexicon::is_link(&words[at + 1].lower);
    found.role == found.name && is_plain_noun(noun) && !is_somebody(noun) && (found.start..found.title - 1).any(leads)
}

/// Returns true for "ambassador to the WXO Ann Lee", but not for "ally of President Lee" and "lawyer for Ann Lee".
fn has_body(words: &[Word], found: &Introduction) -> bool {
    let capitalised =
        (found.start..found.name).rev().take_while(|&at| words[at].is_capitalised() && words[at].is_beside_next());
    let Some(first) = capitalised.last() else { return false };
    let Some(before) = first.checked_sub(1) else { return false };
    let link = if words[before].lower == "the" { before.checked_sub(1) } else { Some(before) };
    let Some(link) = link.filter(|&link| link > found.start && lexicon::is_link(&words[link].lower)) else {
        return false;
    };
    let is_held = first < found.title && words[first..found.title].iter().all(|word| !lexicon::is_role(&word.lower));
    let is_office = (found.start..link).any(|at| lexicon::is_office(&words[at].lower));
    is_held && is_office
}

/// Returns true for "Foo and Quux Development (FQD) Secretary Lee", and for "Foo Hall of Famer Ann Lee". `end`: one past the
/// first name.
fn has_office(words: &[Word], found: &Introduction, end: usize) -> bool {
    let is_capital = found.role < found.name && words[found.role - 1].is_capitalised();
    let is_joined =
        words[end.min(found.role)..found.role].iter().any(|word| matches!(word.lower.as_str(), "and" | "or"));
    !is_joined && (is_capital || words[found.name - 1].lower == "famer")
}

/// Returns true if a phrase has nothing after the name that belongs to it.
fn ends(words: &[Word], mention: &Mention, range: &Range<usize>) -> bool {
    let last = &words[mention.name.end - 1];
    // "The analyst, Ann Lee of the Foo Bank".
    let has_link = words.get(mention.name.end).is_some_and(|next| lexicon::is_link(&next.lower))
        && mention.name.start > range.start
        && words[mention.name.start - 1].comma_follows();
    let is_apart = last.comma_follows() || last.gap.starts_with(" (") || has_link;
    mention.name.end == range.end || !last.is_possessive && is_apart
}

/// Returns true if the name behind a comma can be that of an owner: "the lawyer for Foo’s accuser, Ann Lee". `before`: the
/// words up to the name.
fn names_owner(words: &[Word], before: &Range<usize>) -> bool {
    let link = before.clone().find(|&at| lexicon::is_link(&words[at].lower));
    let comma = before.clone().rev().find(|&at| words[at].comma_follows());
    link.zip(comma).is_some_and(|(link, comma)| {
        link < comma && is_somebody(&words[comma]) && words[link..comma].iter().any(|word| word.is_possessive)
    })
}

/// Returns true for a name that only tells whose a role is: "Foo" in "the minister of Foo".
fn is_owner(words: &[Word], mention: &Mention) -> bool {
    mention.name.start.checked_sub(1).is_some_and(|link| words[link].lower == "of" && words[link].is_beside_next())
}

/// Returns true for an honorific or a rank before a name.
fn is_title(word: &Word) -> bool {
    let is_rank = word.text.ends_with('.') && !word.is_initial();
    word.is_capitalised() && word.is_beside_next() && (is_rank || lexicon::honorific(&word.lower).is_some())
}

/// Returns true for a noun in small letters that may mean a person, listed or not: "accuser".
fn is_somebody(noun: &Word) -> bool {
    let has_form = noun.lower.ends_with("er") || noun.lower.ends_with("or");
    !noun.is_capitalised() && (has_form || lexicon::is_person_noun(&noun.lower))
}

/// Returns true for a word in small letters right before a name that is no part of the grammar.
fn is_plain_noun(word: &Word) -> bool {
    !word.is_capitalised() && word.flows_on() && !sources::is_clause(word)
}

/// Returns true for a word whose clause may have a name of its own.
fn begins_clause(word: &Word) -> bool {
    sources::is_leading(&word.lower) || lexicon::is_saying(&word.lower)
}
