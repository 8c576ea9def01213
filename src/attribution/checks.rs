//! Relations that report nothing: scare quotes, names, questions that only lead to an answer, single words.

use super::{Page, Relation, words};
use crate::deadline;
use crate::english::NAMING_VERBS;

/// The relations that report something, without the pieces of content that have no word.
pub(super) fn reported(page: &Page<'_, '_>, mut relations: Vec<Relation>) -> Vec<Relation> {
    for relation in &mut relations {
        deadline::check();
        relation.content.retain(|piece| words(&page.text[piece.clone()]) > 0);
    }
    relations.retain(|relation| reports_something(page, relation));
    relations
}

fn reports_something(page: &Page<'_, '_>, relation: &Relation) -> bool {
    if relation.content.is_empty() || is_question_before_answer(page, relation) || is_given_name(page, relation) {
        return false;
    }
    let is_quoted = relation.content.iter().any(|piece| page.is_quoted(piece));
    let is_bare = relation.source.is_none() && relation.cue.is_none();
    if is_quoted { !(is_bare && is_scare_quote(page, relation)) } else { !is_bare && !is_single_word(page, relation) }
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
    let has_mark =
        page.text[content.clone()].trim_end_matches(['"', '”', '’', '\'', '»']).ends_with([',', '.', '!', '?', '…']);
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
