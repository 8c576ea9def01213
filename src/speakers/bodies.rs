//! Bodies that a text has named, found by the end of their name: "the weather service" is the National Weather Service.

use std::collections::HashMap;
use std::ops::Range;

use super::lexicon;
use super::mentions::{Mention, MentionKind};
use super::roles;
use super::words::Word;

/// The most names with one noun that are kept: a text with so many means none of them for certain.
const MOST: usize = 50;

/// The names of bodies and places in a text, by their last word, and by the first one before "of".
#[derive(Debug, Default)]
pub(super) struct Bodies {
    by_noun: HashMap<String, Vec<String>>,
}

impl Bodies {
    /// All names of several words that are nobody's.
    pub(super) fn new(source: &str, words: &[Word], mentions: &[Mention]) -> Self {
        let mut bodies = Self::default();
        for mention in mentions.iter().filter(|mention| mention.kind != MentionKind::Person && mention.name.len() > 1) {
            let name = &words[mention.name.clone()];
            let written = roles::text(source, words, mention.name.clone());
            let mut nouns = vec![&name[name.len() - 1].lower];
            if matches!(name[1].lower.as_str(), "of" | "for") {
                nouns.push(&name[0].lower);
            }
            for noun in nouns {
                let names = bodies.by_noun.entry(singular(noun).to_owned()).or_default();
                if names.len() < MOST && !names.contains(&written) {
                    names.push(written.clone());
                }
            }
        }
        bodies
    }

    /// The only body that has the words of a description at the end of its name. Of two forms of a name the longer counts.
    pub(super) fn called(&self, described: &[&str]) -> Option<&str> {
        let (noun, before) = described.split_last()?;
        let names = self.by_noun.get(singular(noun))?;
        if names.len() == MOST {
            return None;
        }
        let fits = |name: &&String| {
            let lower = name.to_lowercase();
            before.iter().all(|word| lower.split([' ', '’', '\'']).any(|own| singular(own) == singular(word)))
        };
        let mut fitting: Vec<&str> = names.iter().filter(fits).map(String::as_str).collect();
        fitting.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let longest = *fitting.first()?;
        fitting.iter().all(|name| is_form_of(name, longest)).then_some(longest)
    }
}

/// Returns true if all words of a name are in a longer form of it.
pub(super) fn is_form_of(name: &str, longer: &str) -> bool {
    let longer = longer.to_lowercase();
    name.to_lowercase().split(' ').all(|word| longer.split(' ').any(|own| own == word))
}

/// A word without the ending of a plural.
fn singular(lower: &str) -> &str {
    lower.strip_suffix('s').unwrap_or(lower)
}

/// The words of a phrase that only describes a body: "weather service" in "the weather service".
pub(super) fn description(words: &[Word], range: &Range<usize>) -> Option<Range<usize>> {
    let first = words.get(range.start).filter(|first| first.lower == "the" && first.is_beside_next())?;
    let described = range.start + 1..range.end;
    let (noun, before) = words[described.clone()].split_last()?;
    let is_plain =
        |word: &Word| !word.is_capitalised() && !lexicon::is_small(&word.lower) && !lexicon::is_link(&word.lower);
    let is_whole = before.iter().all(|word| is_plain(word) && (word.is_beside_next()));
    let is_plural = noun.lower.ends_with('s') && !noun.lower.ends_with("ss");
    let is_somebody = lexicon::is_person_noun(&noun.lower) || lexicon::is_document_noun(&noun.lower);
    (first.sentence == noun.sentence && is_whole && is_plain(noun) && !is_somebody && before.len() < 5 && !is_plural)
        .then_some(described)
}

/// Returns true for the noun of an institution that every town or country has.
pub(super) fn is_institution(lower: &str) -> bool {
    matches!(lower, "brigade" | "office" | "service" | "station" | "unit")
}
