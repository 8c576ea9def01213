//! The shape of a phrase without a name in front: its noun, its owner, and what only follows it.

use std::ops::Range;

use super::lexicon;
use super::roles;
use super::words::Word;

/// The most words of a group's name.
const LONGEST_NAME: usize = 9;

/// The words from the first to the noun that the phrase is about, without what follows it: "two Oslo officials" in "two
/// Oslo officials in the room who had slept".
pub(super) fn core(words: &[Word], phrase: &Range<usize>) -> Range<usize> {
    let mut end = phrase.start;
    for at in phrase.clone() {
        let word = &words[at];
        if at > phrase.start
            && (ends_before(word)
                || is_adverb(words, at, phrase.end)
                || lexicon::is_day(&word.lower)
                || is_participle(words, at, phrase.end))
        {
            break;
        }
        end = at + 1;
        if !word.is_beside_next() {
            break;
        }
    }
    phrase.start..end
}

/// Returns true for a word that cannot be inside the words up to a noun.
fn ends_before(word: &Word) -> bool {
    if word.is_capitalised() {
        return false;
    }
    let is_small = lexicon::is_small(&word.lower)
        && !matches!(word.lower.as_str(), "first" | "old" | "second" | "third" | "other" | "own" | "now" | "related");
    lexicon::is_link(&word.lower) || is_small || lexicon::is_saying(&word.lower)
}

/// Returns true for an adverb before a participle: "recently" in "a study recently released by".
fn is_adverb(words: &[Word], at: usize, end: usize) -> bool {
    let is_form = !words[at].is_capitalised() && words[at].lower.ends_with("ly") && words[at].flows_on();
    is_form && words[..end].get(at + 1).is_some_and(|next| next.lower.ends_with("ed"))
}

/// Returns true for a participle after its noun: "data compiled by", "people living in".
fn is_participle(words: &[Word], at: usize, end: usize) -> bool {
    let word = &words[at];
    let has_ending = !word.is_capitalised() && (word.lower.ends_with("ed") || word.lower.ends_with("ing"));
    let goes_on = words[..end].get(at + 1).is_some_and(|next| {
        let is_time = matches!(
            next.lower.as_str(),
            "today" | "yesterday" | "earlier" | "last" | "late" | "this" | "recently" | "online" | "during"
        );
        is_time
            || lexicon::is_day(&next.lower)
            || lexicon::is_link(&next.lower)
            || roles::is_determiner(next)
            || matches!(next.lower.as_str(), "as" | "that")
    });
    has_ending && (goes_on || !word.is_beside_next())
}

/// Returns true for a body whose noun is also one for a person: "coast guard", "public broadcaster".
pub(super) fn is_guard(nouns: &[Word]) -> bool {
    let [.., before, noun] = nouns else { return false };
    let is_watch = matches!(before.lower.as_str(), "border" | "coast" | "home" | "national" | "republican" | "civil");
    let is_station = matches!(before.lower.as_str(), "commercial" | "national" | "private" | "public" | "state");
    noun.lower == "guard" && is_watch || noun.lower == "broadcaster" && is_station
}

/// The range without the words that only count: "dozens of", "some of the", "more than 40", "36% of", "the same".
pub(super) fn uncounted(words: &[Word], range: Range<usize>) -> Range<usize> {
    let mut start = range.start;
    while start + 1 < range.end {
        let word = &words[start];
        let is_counted = is_quantity(word)
            || matches!(word.lower.as_str(), "a" | "an" | "the" | "these" | "those" | "other" | "than" | "same")
            || word.lower == "of" && start > range.start && is_quantity(&words[start - 1]);
        if !is_counted || !word.is_beside_next() && !word.gap.starts_with('%') {
            break;
        }
        start += 1;
    }
    start..range.end
}

/// Returns true for a word that tells how many: "dozens", "most", "27".
pub(super) fn is_quantity(word: &Word) -> bool {
    let is_number = word.text.starts_with(|character: char| character.is_ascii_digit())
        && !word.lower.ends_with("-year-old")
        && word.text.len() < 8;
    let is_year = word.text.len() == 4 && (word.text.starts_with("19") || word.text.starts_with("20"));
    is_number && !is_year || lexicon::is_quantity(&word.lower)
}

/// The name of a group without one of its own: its words, with what tells whose or where they are.
pub(super) fn group_name(words: &[Word], phrase: &Range<usize>) -> Range<usize> {
    let mut core = core(words, phrase);
    let limit = phrase.end.min(core.start + LONGEST_NAME);
    if let Some(second) = second_group(words, core.end, limit) {
        core.end = second;
    }
    let has_link = core.end < limit
        && words[core.end - 1].is_beside_next()
        && matches!(words[core.end].lower.as_str(), "of" | "at" | "in" | "from" | "for" | "with");
    if !has_link {
        return core;
    }
    let after_link = core.end + 1;
    let mut end = after_link;
    for at in after_link..limit {
        let word = &words[at];
        let is_article = matches!(word.lower.as_str(), "the" | "a" | "an");
        let ends = ends_before(word) && !is_article && word.lower != "of" || is_participle(words, at, phrase.end);
        if ends {
            break;
        }
        end = at + 1;
        if !word.is_beside_next() {
            break;
        }
    }
    // No article or link at the end.
    while end > core.end && (ends_before(&words[end - 1])) {
        end -= 1;
    }
    core.start..end
}

/// One past "ranchers" in "hunters and ranchers", where a first group ends at `and`.
fn second_group(words: &[Word], and: usize, limit: usize) -> Option<usize> {
    let is_joined = and + 1 < limit && words[and].lower == "and" && words[and - 1].is_beside_next();
    let second = core(words, &(and + 1..limit));
    let last = second.end.checked_sub(1).filter(|_| is_joined && !second.is_empty())?;
    let is_plain = words[second.clone()].iter().all(|word| !word.is_capitalised());
    (is_plain && is_group_noun(&words[last])).then_some(second.end)
}

/// Returns true for a noun that means several people, or a body of people: "officials", "police", "family".
pub(super) fn is_group_noun(word: &Word) -> bool {
    let lower = word.lower.as_str();
    // Those who wrote a study, or are named one by one.
    let is_named_elsewhere = matches!(
        lower,
        "authors"
            | "candidates"
            | "doctors"
            | "men"
            | "participants"
            | "principals"
            | "researchers"
            | "scientists"
            | "women"
    );
    if is_named_elsewhere || lexicon::is_small(lower) && lower != "people" {
        return false;
    }
    if lexicon::is_plural(lower) || lexicon::is_collective(lower) {
        return !lexicon::is_document_noun(lower) || lexicon::is_plural_person(lower);
    }
    let is_nationality = lexicon::is_group(lower) && lower.ends_with('s');
    if matches!(lower, "communities" | "crews" | "outlets" | "stations" | "tribes") && !word.is_capitalised() {
        return true;
    }
    lexicon::is_plural_person(lower) || lexicon::is_plural_body(lower) || is_nationality
}

/// Returns true for a group that "the" need not single out among others of the text: "the police", "the experts". "The
/// companies" are those that it has named.
pub(super) fn is_clear_group(word: &Word) -> bool {
    let lower = word.lower.as_str();
    let is_general = matches!(lower, "people" | "women" | "men" | "members" | "companies" | "campaigns" | "businesses");
    let is_institution = matches!(
        lower,
        "army"
            | "community"
            | "electorate"
            | "family"
            | "industry"
            | "jury"
            | "market"
            | "media"
            | "military"
            | "navy"
            | "opposition"
            | "police"
            | "press"
            | "public"
    );
    // "The Danes" are their people.
    let is_people = word.is_capitalised() && lexicon::is_group(lower) && lower.ends_with('s');
    is_institution || is_people || lexicon::is_plural(lower) && lower.ends_with('s') && !is_general
}
