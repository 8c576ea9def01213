//! Documents that a text tells more than once: "the report" is the one that it has said more of before.

use std::collections::HashMap;
use std::ops::Range;

use super::lexicon;
use super::mentions::Mention;
use super::phrases;
use super::roles;
use super::sources;
use super::words::Word;

/// The most words of a document's phrase, before and after its noun.
const LONGEST: usize = 14;

/// The most places of a noun that are looked at.
const MOST: usize = 6;

/// The places of the documents that a text tells, by their nouns.
#[derive(Debug, Default)]
pub(super) struct Documents<'t> {
    by_noun: HashMap<&'t str, Vec<usize>>,
}

impl<'t> Documents<'t> {
    /// All nouns of documents outside quotations.
    pub(super) fn new(words: &'t [Word<'_>]) -> Self {
        let mut documents = Self::default();
        for (at, word) in words.iter().enumerate().filter(|(_, word)| !word.is_quoted) {
            if lexicon::is_document_noun(&word.lower) && !lexicon::is_plural_person(&word.lower) {
                documents.by_noun.entry(&word.lower).or_default().push(at);
            }
        }
        documents
    }

    /// The places of the same noun before a word, the nearest first.
    pub(super) fn before(&self, words: &[Word], noun: usize, limit: usize) -> Vec<usize> {
        let all = self.by_noun.get(words[noun].lower.as_str()).map_or(&[] as &[usize], Vec::as_slice);
        let before = all.partition_point(|&at| at < limit);
        all[..before].iter().rev().take(MOST).copied().collect()
    }

    /// The places of the same noun behind it, the nearest first.
    pub(super) fn after(&self, words: &[Word], noun: usize) -> Vec<usize> {
        let all = self.by_noun.get(words[noun].lower.as_str()).map_or(&[] as &[usize], Vec::as_slice);
        let after = all.partition_point(|&at| at <= noun);
        all[after..].iter().take(MOST).copied().collect()
    }
}

/// Returns true for the phrase of a document that tells right behind its noun by whom it is.
pub(super) fn has_publisher(words: &[Word], noun: usize, phrase: &Range<usize>) -> bool {
    words.get(noun + 1).is_some_and(|link| noun + 1 < phrase.end && matches!(link.lower.as_str(), "by" | "from"))
}

/// The noun of a source that is a document told before: "the report", "that new study".
pub(super) fn told_before(words: &[Word], range: &Range<usize>) -> Option<usize> {
    let first = &words[range.start];
    let core = phrases::core(words, range);
    let noun = core.end.checked_sub(1).filter(|&noun| noun > range.start)?;
    let is_definite = matches!(first.lower.as_str(), "the" | "this" | "that");
    let is_plain = words[range.start + 1..=noun].iter().all(|word| !word.is_capitalised() && !word.is_possessive);
    let is_document = lexicon::is_document_noun(&words[noun].lower) && !lexicon::is_plural_person(&words[noun].lower);
    let is_document = is_document
        && !matches!(words[noun].lower.as_str(), "blog" | "book" | "investigation" | "page" | "paper" | "website");
    let is_one = !words[noun].lower.ends_with('s') || words[noun].lower.ends_with("ss");
    let is_end = is_one && (core.end == range.end || words[noun].comma_follows());
    (is_definite && is_plain && is_document && is_end).then_some(noun)
}

/// The phrase of the document whose noun is at `noun`, with its determiner and with what follows up to the verb.
pub(super) fn phrase(words: &[Word], mentions: &[Mention], noun: usize) -> Range<usize> {
    start(words, mentions, noun)..end(words, noun)
}

fn start(words: &[Word], mentions: &[Mention], noun: usize) -> usize {
    let mut start = noun;
    while let Some(before) = start.checked_sub(1).filter(|before| noun - before <= LONGEST) {
        let word = &words[before];
        if !word.is_beside_next() || word.sentence != words[noun].sentence {
            break;
        }
        let at = mentions.partition_point(|mention| mention.name.end <= before);
        if let Some(mention) = mentions.get(at).filter(|mention| mention.name.contains(&before)) {
            start = mention.name.start;
            continue;
        }
        if sources::is_clause(word) && !word.is_capitalised() && !is_determiner(word) {
            break;
        }
        start = before;
        if is_determiner(word) {
            break;
        }
    }
    start
}

/// Returns true for an article, a possessive pronoun, "this" or "that".
fn is_determiner(word: &Word) -> bool {
    roles::is_determiner(word) || matches!(word.lower.as_str(), "this" | "that")
}

fn end(words: &[Word], noun: usize) -> usize {
    let limit = words.len().min(noun + LONGEST);
    let ends = |at: &usize| {
        let word = &words[*at];
        word.sentence != words[noun].sentence
            || words[*at - 1].gap.contains([',', ';', ':', '"', '“'])
            || is_verb(word)
            || !word.is_capitalised() && word.lower.ends_with("ly")
            || matches!(
                word.lower.as_str(),
                "after" | "before" | "last" | "on" | "this" | "who" | "which" | "that" | "whose" | "while" | "but"
            )
    };
    (noun + 1..limit).find(ends).unwrap_or(limit)
}

/// Returns true for a verb that ends the phrase of a document, unlike "published" and "was" in "a report was published by".
fn is_verb(word: &Word) -> bool {
    let is_part = is_publishing(&word.lower) || matches!(word.lower.as_str(), "is" | "was" | "were" | "compiled");
    lexicon::is_common_verb(&word.lower) && !word.is_capitalised() && !is_part
}

/// The verb by which somebody publishes the document whose phrase begins at `start`: "said" in "said in a statement",
/// "released" in "released a report". Returns true beside it where the verb reports speech.
pub(super) fn verb(words: &[Word], start: usize) -> Option<(usize, bool)> {
    const NEAR: usize = 5;
    let before = start.checked_sub(1).filter(|&before| words[before].sentence == words[start].sentence)?;
    if is_publishing(&words[before].lower) {
        return Some((before, false));
    }
    if !matches!(words[before].lower.as_str(), "in" | "on" | "through" | "via") {
        return None;
    }
    // "In a report, Lee said": the verb follows.
    let begins = before == 0 || words[before - 1].sentence != words[before].sentence;
    if begins {
        let there = (start..words.len()).take_while(|&at| words[at].sentence == words[start].sentence);
        return there.into_iter().find(|&at| lexicon::is_saying(&words[at].lower)).map(|verb| (verb, true));
    }
    let near = (before.saturating_sub(NEAR)..before).rev();
    let verb = near
        .take_while(|&at| words[at].sentence == words[start].sentence && words[at].is_beside_next())
        .find(|&at| lexicon::is_saying(&words[at].lower))?;
    Some((verb, true))
}

/// Returns true for a verb of publishing.
fn is_publishing(lower: &str) -> bool {
    matches!(
        lower,
        "adopted"
            | "approved"
            | "circulated"
            | "conducted"
            | "filed"
            | "issued"
            | "issues"
            | "passed"
            | "posted"
            | "published"
            | "publishes"
            | "released"
            | "releases"
            | "sent"
            | "sends"
            | "signed"
            | "submitted"
            | "tweeted"
            | "wrote"
    )
}

/// Returns true for records of a kind that is told: "court documents", "Israeli figures". Those of a government are its own.
pub(super) fn are_records(words: &[Word]) -> bool {
    let [.., noun] = words else { return false };
    let is_record = matches!(
        noun.lower.as_str(),
        "data" | "documents" | "figures" | "polling" | "polls" | "records" | "reports" | "statistics" | "studies"
    );
    match words {
        [kind, _] => {
            let is_kind = matches!(
                kind.lower.as_str(),
                "court"
                    | "internal"
                    | "leaked"
                    | "media"
                    | "news"
                    | "official"
                    | "press"
                    | "previous"
                    | "public"
                    | "recent"
            );
            is_record && (is_kind || lexicon::is_group(&kind.lower)) && kind.flows_on()
        }
        _ => false,
    }
}

/// Returns true for a word that tells when records were made.
pub(super) fn is_time(lower: &str) -> bool {
    matches!(lower, "earlier" | "initial" | "later" | "local" | "multiple" | "previous" | "recent" | "several" | "some")
}
