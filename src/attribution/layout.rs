//! Attributions that the layout of a text shows: transcripts (`MR. SMITH: …`, `Q: …`), and quotations that are signed with a
//! dash and a name.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::parts::Parts;
use super::{Page, paragraphs, words};
use crate::deadline;
use crate::english::{
    ABBREVIATIONS, Abbreviation, DOCUMENT_NOUNS, FIRST_NAMES, NAMED_ORGANISATION_NOUNS, ORGANISATION_NOUNS,
    PERSON_NOUNS, PLURALS, ROLES, SPEECH_VERBS,
};
use crate::sentences::is_boilerplate;

/// Adds the parts that the layout shows to `parts`. They replace those that a model found in the same places.
pub(super) fn add_parts(page: &Page<'_, '_>, parts: &mut Parts) {
    for turn in turns(page) {
        deadline::check();
        turn.add_to(page, parts);
    }
    for paragraph in paragraphs(page.sentences) {
        deadline::check();
        add_headline_speaker(page, parts, &paragraph);
    }
    for quotation in &page.quotations {
        deadline::check();
        add_announcer(page, parts, quotation);
        if let Some(signature) = Signature::after(page, quotation) {
            signature.add_to(page, parts, quotation);
        }
    }
}

/// The turns of a transcript or an interview, if the document is one.
fn turns(page: &Page<'_, '_>) -> Vec<Turn> {
    let mut turns: Vec<Turn> = paragraphs(page.sentences)
        .into_iter()
        .filter(|range| !is_boilerplate(&page.text[range.clone()]))
        .filter_map(|range| Turn::from_paragraph(page.text, range))
        .collect();
    // A label in small letters may be any word before a colon, unless two speakers take turns.
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for turn in turns.iter().filter(|turn| !turn.is_certain) {
        *counts.entry(&page.text[turn.name.clone()]).or_default() += 1;
    }
    let is_interview = counts.values().filter(|&&count| count > 1).count() > 1;
    turns.retain(|turn| {
        turn.is_certain || is_interview && counts.get(&page.text[turn.name.clone()]).is_some_and(|&count| count > 1)
    });
    // A single such line may be a heading or a warning, and lines that are no sentences are a list.
    let sentences = turns.iter().filter(|turn| is_speech(&page.text[turn.speech.clone()])).count();
    let is_list = sentences * 2 < turns.len() || !has_speakers(page, &turns);
    if turns.len() > 1 && !is_list { turns } else { Vec::new() }
}

/// Returns true if the labels of turns are those of speakers: one of them comes back, or shows that it is a person. Labels of a
/// market ("GOLD: up") and of prizes do neither.
fn has_speakers(page: &Page<'_, '_>, turns: &[Turn]) -> bool {
    let mut seen = HashSet::new();
    turns.iter().any(|turn| {
        let name = &page.text[turn.name.clone()];
        !seen.insert(name) || is_answer(name) || is_person_label(name)
    })
}

/// Returns true for a label with a title or a first name in front, or with a comma: "MR. SMITH", "LOUISE HART, ANCHOR".
fn is_person_label(name: &str) -> bool {
    let Some((first, _)) = name.split_once(' ') else { return false };
    let first = first.to_lowercase();
    let title = ABBREVIATIONS.get(first.trim_end_matches('.'));
    let is_title = title.is_some_and(|title| title.kind == Abbreviation::Title);
    name.contains(", ") || is_title || FIRST_NAMES.contains_key(first.as_str())
}

/// Returns true if `speech` ends as sentences do and has words in small letters, or is short.
fn is_speech(speech: &str) -> bool {
    const SHORT: usize = 2;
    let has_small = speech.split_whitespace().filter(|word| word.starts_with(char::is_lowercase)).count() > 1;
    is_sentence(speech) && (has_small || words(speech) <= SHORT || speech.ends_with('?'))
}

/// Returns true if `speech` ends as sentences do.
fn is_sentence(speech: &str) -> bool {
    let end = speech.trim_end_matches(|mark: char| mark.is_whitespace() || matches!(mark, '"' | '”' | '’' | ')' | ']'));
    end.ends_with(['.', '!', '?', '…', '—', '–', '-', ':'])
}

/// Gives the content of a headline the speaker before its colon: "Minister: strike will cost more". A model found the content
/// alone, or the label is that of a speaker and a claim follows.
fn add_headline_speaker(page: &Page<'_, '_>, parts: &mut Parts, paragraph: &Range<usize>) {
    const MOST_WORDS: usize = 4;
    let line = &page.text[paragraph.clone()];
    let Some(colon) = short_line(line).and_then(|line| line.find(": ")) else { return };
    let colon = paragraph.start + colon;
    let label = paragraph.start..colon;
    let is_label =
        words(&page.text[label.clone()]) <= MOST_WORDS && page.text[label.clone()].starts_with(char::is_uppercase);
    let is_alone = parts.sources.touching(paragraph).is_empty() && parts.cues.touching(paragraph).is_empty();
    let said = colon + 2..paragraph.start + short_line(line).map_or(0, str::len);
    let is_reported = !parts.cues.touching(&said).is_empty();
    let is_claimed = names_speaker(&page.text[label.clone()]) && is_claim(&page.text[said.clone()]) && !is_reported;
    if is_label && is_claimed && !is_sentence(line) {
        parts.clear(paragraph);
        parts.sources.insert(page, label);
        parts.cues.insert(page, colon..colon + 1);
        parts.contents.insert(page, said);
        return;
    }
    let is_announced = match parts.contents.touching(paragraph) {
        [content] => {
            content.range.start == colon + 2 && page.text[content.range.clone()].starts_with(char::is_lowercase)
        }
        _ => false,
    };
    if is_label && is_alone && is_announced && !is_sentence(line) {
        parts.sources.insert(page, label);
        parts.cues.insert(page, colon..colon + 1);
    }
}

/// Returns true for a label that can be a speaker in a headline: a role, an organisation, a group, a document, or a known first
/// name with a surname.
fn names_speaker(label: &str) -> bool {
    let lowered = label.to_lowercase();
    let Some(last) = lowered.split_whitespace().next_back() else { return false };
    let singular = last.strip_suffix('s').unwrap_or(last);
    let is_noun = [last, singular].iter().any(|noun| {
        ROLES.contains_key(noun)
            || [&*ORGANISATION_NOUNS, &*NAMED_ORGANISATION_NOUNS, &*PLURALS, &*DOCUMENT_NOUNS, &*PERSON_NOUNS]
                .iter()
                .any(|list| list.contains(noun))
    });
    let first = lowered.split_whitespace().next().filter(|_| words(label) > 1 && is_title_case(label));
    let is_person = first.is_some_and(|first| FIRST_NAMES.contains_key(first));
    label.contains(char::is_lowercase) && (is_noun || is_person)
}

/// Returns true for words of a headline that somebody can have said: a clause with a verb, but no question, or a quotation.
fn is_claim(said: &str) -> bool {
    const FEWEST_WORDS: usize = 3;
    const VERBS: [&str; 24] = [
        "are", "aren't", "can", "can't", "cannot", "could", "had", "has", "have", "is", "isn't", "may", "might",
        "must", "need", "needs", "not", "shall", "should", "was", "were", "will", "won't", "would",
    ];
    let lowered = said.to_lowercase().replace('’', "'");
    let mut all = lowered.split_whitespace();
    let is_question = matches!(all.next(), Some("how" | "what" | "when" | "where" | "which" | "who" | "why"));
    let is_quotation = said.starts_with(['\'', '‘', '"', '“']);
    words(said) >= FEWEST_WORDS && !is_question && (is_quotation || all.any(|word| VERBS.contains(&word)))
}

/// Gives a quotation after a colon the speaker in its sentence, if a model found none: "Another posted: “…”", "Lee himself
/// was at a loss: “…”".
fn add_announcer(page: &Page<'_, '_>, parts: &mut Parts, quotation: &Range<usize>) {
    const MOST_WORDS: usize = 4;
    const LONGEST: usize = 120;
    let (first, _) = page.sentences_of(quotation);
    let start = page.sentences[first].range.start;
    if quotation.start.saturating_sub(start) > LONGEST {
        return;
    }
    let clause = page.text.get(start..quotation.start).unwrap_or_default();
    let Some(clause) = clause.trim_end().strip_suffix(':') else { return };
    let whole = start..start + clause.len() + 1;
    if !parts.sources.touching(&whole).is_empty() || !parts.cues.touching(&whole).is_empty() {
        return;
    }
    let himself = [" himself", " herself"].iter().find_map(|word| clause.find(word).map(|at| at + word.len()));
    let (subject, verb) = clause.rsplit_once(' ').unwrap_or(("", clause));
    if let Some(end) = himself.filter(|&end| words(&clause[..end]) <= MOST_WORDS) {
        parts.sources.insert(page, start..start + end);
    } else if SPEECH_VERBS.contains_key(verb) && (1..=MOST_WORDS).contains(&words(subject)) {
        parts.sources.insert(page, start..start + subject.len());
        parts.cues.insert(page, start + subject.len() + 1..start + clause.len());
    }
}

/// A speech of one speaker in a transcript. All ranges are bytes of the document.
struct Turn {
    name: Range<usize>,
    colon: Range<usize>,
    speech: Range<usize>,
    /// Its label can hardly be anything else: capitals, or `Q` and `A`.
    is_certain: bool,
}

impl Turn {
    fn from_paragraph(text: &str, paragraph: Range<usize>) -> Option<Self> {
        let line = &text[paragraph.clone()];
        let opened = line.len() - line.trim_start_matches(['"', '“']).len();
        let is_numbered = line.starts_with("Q. ") || line.starts_with("A. ");
        let colon = if is_numbered { 1 } else { line.find(':')? };
        let name = without_remark(line.get(opened..colon)?);
        let speech = line[colon + 1..].trim_start();
        let is_certain = is_speaker(name);
        let is_turn = (is_certain || is_title_case(name))
            && !speech.is_empty()
            && line[colon + 1..].starts_with(char::is_whitespace);
        let start = paragraph.start;
        is_turn.then(|| Self {
            name: start + opened..start + opened + name.len(),
            colon: start + colon..start + colon + 1,
            speech: paragraph.end - speech.len()..paragraph.end,
            is_certain,
        })
    }

    fn add_to(self, page: &Page<'_, '_>, parts: &mut Parts) {
        let whole = self.name.start..self.speech.end;
        parts.sources.replace(page, &whole, self.name);
        parts.cues.replace(page, &whole, self.colon);
        parts.contents.replace(page, &whole, self.speech);
    }
}

/// A label without a remark in brackets: "PELLAN (voice-over)".
fn without_remark(label: &str) -> &str {
    let open = label.strip_suffix(')').and_then(|label| label.rfind(" ("));
    open.map_or(label, |open| &label[..open])
}

/// Returns true if `name` can be a speaker in a transcript: a few words in capitals, or `Q` and `A`.
fn is_speaker(name: &str) -> bool {
    const MOST_WORDS: usize = 5;
    let is_written_large = words(name) <= MOST_WORDS
        && name.chars().any(char::is_uppercase)
        && !name.chars().any(char::is_lowercase)
        && !name.chars().any(char::is_numeric);
    is_answer(name) || (is_written_large && name.len() > 1)
}

/// Returns true for the labels of questions and answers.
fn is_answer(name: &str) -> bool {
    matches!(name, "Q" | "A" | "Q." | "A." | "Question" | "Answer")
}

/// Returns true if `name` can be a speaker in an interview: a few words with capitals.
fn is_title_case(name: &str) -> bool {
    const MOST_WORDS: usize = 4;
    (1..=MOST_WORDS).contains(&name.split_whitespace().count())
        && name
            .split_whitespace()
            .all(|word| word.starts_with(char::is_uppercase) || matches!(word, "of" | "the" | "de"))
        && name.chars().all(|sign| sign.is_alphabetic() || matches!(sign, ' ' | '.' | '-' | '’' | '\''))
}

/// A dash and a name after a quotation.
struct Signature {
    dash: Range<usize>,
    name: Range<usize>,
}

impl Signature {
    fn after(page: &Page<'_, '_>, quotation: &Range<usize>) -> Option<Self> {
        const DASHES: [char; 5] = ['-', '–', '—', '―', '~'];
        let rest = page.text[quotation.end..].trim_start();
        let start = page.text.len() - rest.len();
        let line = short_line(rest)?.trim_end().trim_end_matches('.');
        let name = line.trim_start_matches(DASHES).trim_start();
        let dash = line[..line.len() - name.len()].trim_end();
        let name_start = start + line.len() - name.len();
        let is_signature = !dash.is_empty() && !page.text[quotation.end..start].contains("\n\n") && is_signatory(name);
        is_signature.then(|| Self { dash: start..start + dash.len(), name: name_start..name_start + name.len() })
    }

    fn add_to(self, page: &Page<'_, '_>, parts: &mut Parts, quotation: &Range<usize>) {
        parts.clear(&(self.dash.start..self.name.end));
        parts.sources.insert(page, self.name);
        parts.cues.insert(page, self.dash);
        if parts.contents.touching(quotation).is_empty() {
            parts.contents.insert(page, quotation.clone());
        }
    }
}

/// The first line of `text` if it is short. The limit keeps the search linear in a text without line breaks.
fn short_line(text: &str) -> Option<&str> {
    const MOST_CHARACTERS: usize = 200;
    let beginning = text.char_indices().nth(MOST_CHARACTERS).map_or(text, |(byte, _)| &text[..byte]);
    let line = beginning.lines().next()?;
    (line.len() < beginning.len() || beginning.len() == text.len()).then_some(line)
}

/// Returns true if the rest of a line is a name, with at most a few words about the person.
fn is_signatory(line: &str) -> bool {
    const MOST_WORDS: usize = 6;
    (1..=MOST_WORDS).contains(&words(line))
        && line.starts_with(char::is_uppercase)
        && !line.contains(['!', '?', ':', '“', '”', '"'])
}
