//! Relations that report nothing: scare quotes, names, questions that only lead to an answer, single words.

use std::ops::Range;

use super::{Page, Relation, words};
use crate::deadline;
use crate::english::{NAMING_VERBS, WORK_NOUNS};

/// Marks that close a quotation.
const QUOTATION_MARKS: [char; 5] = ['"', '”', '’', '\'', '»'];

/// The relations that report something, without the pieces of content that have no word.
pub(super) fn reported(page: &Page<'_, '_>, mut relations: Vec<Relation>) -> Vec<Relation> {
    for relation in &mut relations {
        deadline::check();
        relation.content.retain(|piece| words(&page.text[piece.clone()]) > 0);
        drop_stray_words(page, relation);
    }
    relations.retain(|relation| reports_something(page, relation));
    relations
}

/// Drops pieces of one word without quotation marks beside longer ones.
fn drop_stray_words(page: &Page<'_, '_>, relation: &mut Relation) {
    let is_whole = |piece: &Range<usize>| words(&page.text[piece.clone()]) > 1 || page.is_quoted(piece);
    if relation.content.iter().any(is_whole) {
        relation.content.retain(is_whole);
    }
}

fn reports_something(page: &Page<'_, '_>, relation: &Relation) -> bool {
    let is_nothing = relation.content.is_empty()
        || is_question_before_answer(page, relation)
        || is_given_name(page, relation)
        || is_plea(page, relation);
    if is_nothing {
        return false;
    }
    let is_quoted = relation.content.iter().any(|piece| page.is_quoted(piece));
    let is_bare = relation.source.is_none() && relation.cue.is_none();
    if !is_quoted {
        return !is_bare && !is_single_word(page, relation);
    }
    !(is_bare && (is_scare_quote(page, relation) || is_title(page, relation)))
}

/// Returns true for a plea in court: "has pleaded not guilty".
fn is_plea(page: &Page<'_, '_>, relation: &Relation) -> bool {
    let Some(cue) = &relation.cue else { return false };
    let is_plea = page.text[cue.clone()]
        .to_lowercase()
        .split_whitespace()
        .any(|word| matches!(word, "plead" | "pleaded" | "pleading" | "pleads" | "pled"));
    let parts = relation.content.iter().chain([cue]);
    let has_guilt = parts.into_iter().any(|range| page.text[range.clone()].to_lowercase().contains("guilty"));
    is_plea && has_guilt
}

/// Returns true for quoted words in a sentence that are the title of a work, or a motto: the song “Harbour Lights”, the slogan
/// “now or never”.
fn is_title(page: &Page<'_, '_>, relation: &Relation) -> bool {
    const MOST_WORDS: usize = 8;
    let [content] = relation.content.as_slice() else { return false };
    let (first, _) = page.sentences_of(content);
    let start = page.sentences[first].range.start.min(content.start);
    let text = &page.text[content.clone()];
    let before = page.text[start..content.start].trim_end_matches([' ', ',', ':']);
    let is_named = before
        .rsplit(|sign: char| !sign.is_alphanumeric())
        .next()
        .is_some_and(|noun| WORK_NOUNS.contains(noun.to_lowercase().as_str()) || is_naming_verb(noun));
    let has_mark = text.trim_end_matches(QUOTATION_MARKS).ends_with([',', '.', '!', '?', '…']);
    let is_inside = before.contains(char::is_alphanumeric);
    is_inside && words(text) <= MOST_WORDS && (is_named || !has_mark && has_capitals(text))
}

/// Returns true for two words or more that begin with capitals, but for small words inside.
fn has_capitals(text: &str) -> bool {
    let all = text.split(|sign: char| !(sign.is_alphanumeric() || matches!(sign, '\'' | '’')));
    let all: Vec<&str> = all.filter(|word| word.contains(char::is_alphanumeric)).collect();
    let is_large = |word: &&str| word.starts_with(|first: char| first.is_uppercase() || first.is_numeric());
    all.len() > 1
        && all.iter().all(|word| is_large(word) || word.len() < 4)
        && all.first().is_some_and(is_large)
        && all.last().is_some_and(is_large)
}

/// Returns true for a content of one word that says nothing alone. "He said no" says something.
fn is_single_word(page: &Page<'_, '_>, relation: &Relation) -> bool {
    const ANSWERS: [&str; 5] = ["no", "not", "otherwise", "so", "yes"];
    let [content] = relation.content.as_slice() else { return false };
    if relation.cue.as_ref().is_some_and(|cue| words(&page.text[cue.clone()]) == 0) {
        // A turn of an interview: "Amara Diallo: Very."
        return false;
    }
    let text = page.text[content.clone()].trim_matches(|character: char| !character.is_alphanumeric());
    words(text) < 2 && !ANSWERS.contains(&text.to_lowercase().as_str())
}

/// Returns true for a few quoted words inside a sentence that nobody is said to have spoken: the “smart” meter.
fn is_scare_quote(page: &Page<'_, '_>, relation: &Relation) -> bool {
    const MOST_WORDS: usize = 3;
    let [content] = relation.content.as_slice() else { return false };
    let (first, last) = page.sentences_of(content);
    let sentence =
        page.sentences[first].range.start.min(content.start)..page.sentences[last].range.end.max(content.end);
    let inside = words(&page.text[content.clone()]);
    let has_mark = page.text[content.clone()].trim_end_matches(QUOTATION_MARKS).ends_with([',', '.', '!', '?', '…']);
    inside <= MOST_WORDS && !has_mark && words(&page.text[sentence]) > inside
}

/// Returns true if the cue gives a name: he was nicknamed “the Fox”.
fn is_given_name(page: &Page<'_, '_>, relation: &Relation) -> bool {
    const MOST_WORDS: usize = 6;
    let Some(cue) = &relation.cue else { return false };
    let length: usize = relation.content.iter().map(|piece| words(&page.text[piece.clone()])).sum();
    length <= MOST_WORDS && page.text[cue.clone()].split_whitespace().any(is_naming_verb)
}

fn is_naming_verb(word: &str) -> bool {
    let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
    NAMING_VERBS.contains(bare.to_lowercase().as_str())
}

/// Returns true if the cue is a participle that opens its sentence, with the one who answers after it: "Asked whether he
/// would go, Bob Lee said no".
fn is_question_before_answer(page: &Page<'_, '_>, relation: &Relation) -> bool {
    let Some(cue) = &relation.cue else { return false };
    let text = &page.text[cue.clone()];
    let is_participle = ["Asked", "Challenged", "Pressed", "Questioned"].iter().any(|verb| text.starts_with(verb));
    let (first, _) = page.sentences_of(cue);
    let before = page.text.get(page.sentences[first].range.start..cue.start);
    let opens = before.is_some_and(|before| words(before) == 0);
    let is_after = relation.content.first().is_some_and(|content| content.start >= cue.end);
    let has_source_before = relation.source.as_ref().is_some_and(|source| source.end <= cue.start);
    is_participle && opens && is_after && !has_source_before
}
