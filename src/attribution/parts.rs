//! Turns token labels into parts of attributions, with their places in the document.

use std::ops::Range;

use super::{Page, TaggedSentence, gap, shared, words};
use crate::deadline;
use crate::english::{CUE_ACTS, CueAct, HEARER_VERBS};
use crate::sentences::is_boilerplate;
use crate::task::{Part, Tag};

/// All parts of a document.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) sources: Placed,
    pub(super) cues: Placed,
    pub(super) contents: Placed,
}

/// Parts of one kind, in order. They do not overlap.
#[derive(Debug, Default)]
pub(super) struct Placed(Vec<Place>);

/// The place of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// In bytes of the document.
    pub(super) range: Range<usize>,
    /// The first of its sentences.
    pub(super) first: usize,
    /// The last of its sentences.
    pub(super) last: usize,
}

impl Parts {
    /// The parts that the labels of all tokens make.
    pub(super) fn from_labels(page: &Page<'_, '_>) -> Self {
        let mut parts = Self::default();
        for sentence in page.sentences {
            deadline::check();
            // Links and credits are nobody's words.
            if is_boilerplate(&page.text[sentence.range.clone()]) {
                continue;
            }
            for (part, range) in pieces(page.text, sentence) {
                parts.of_kind(part).insert(page, range);
            }
        }
        parts
    }

    fn of_kind(&mut self, part: Part) -> &mut Placed {
        match part {
            Part::Source => &mut self.sources,
            Part::Cue => &mut self.cues,
            Part::Content => &mut self.contents,
        }
    }

    /// Removes all parts that touch `range`.
    pub(super) fn clear(&mut self, range: &Range<usize>) {
        for placed in [&mut self.sources, &mut self.cues, &mut self.contents] {
            placed.clear(range);
        }
    }

    /// Extends sources that end in the middle of a phrase ("on the night of") by the name or date that follows.
    pub(super) fn complete_sources(&mut self, page: &Page<'_, '_>) {
        for at in 0..self.sources.0.len() {
            deadline::check();
            let place = &self.sources.0[at];
            let limit = page.sentences[place.last].range.end;
            let free = [self.sources.0.get(at + 1), self.cues.next_after(place), self.contents.next_after(place)];
            let limit = free.into_iter().flatten().map(|next| next.range.start).fold(limit, usize::min);
            let end = end_of_clause(page.text, &place.range, self.cues.next_after(place), limit)
                .unwrap_or_else(|| end_of_phrase(page.text, place.range.clone(), limit));
            self.sources.0[at].range.end = end;
        }
    }

    /// Removes sources that are told something ("the jury was told"). A name alone behind that is the source of what
    /// follows, and no content.
    pub(super) fn drop_hearers(&mut self, page: &Page<'_, '_>) {
        let mut names = Vec::new();
        let Self { sources, cues, contents } = self;
        sources.0.retain(|source| {
            deadline::check();
            let cue = cues.next_after(source).filter(|cue| is_passive(page.text, &source.range, &cue.range));
            if let Some(cue) = cue {
                let next = contents.next_after(cue).filter(|content| is_bare_name(&page.text[content.range.clone()]));
                names.extend(next.map(|name| name.range.clone()));
            }
            cue.is_none()
        });
        for name in names {
            deadline::check();
            self.contents.clear(&name);
            self.sources.insert(page, name);
        }
    }

    /// Gives what somebody was told the source in its words, if these report somebody: "the jury was told Ann Lee had admitted
    /// that she left".
    pub(super) fn split_nested_reports(&mut self, page: &Page<'_, '_>) {
        let mut nested = Vec::new();
        for cue in &self.cues.0 {
            deadline::check();
            let content = self.contents.next_after(cue).filter(|content| gap(&cue.range, &content.range) <= WIDEST_GAP);
            let content = content.filter(|_| ends_in_passive(page, cue));
            let report = content.and_then(|content| NestedReport::parse(page.text, &content.range));
            nested.extend(report.map(|report| (cue.range.clone(), report)));
        }
        for (outer, NestedReport { source, cue, content }) in nested {
            deadline::check();
            let whole = source.start..content.end;
            self.cues.clear(&outer);
            self.cues.replace(page, &whole, cue);
            self.sources.replace(page, &whole, source);
            self.contents.replace(page, &whole, content);
        }
    }

    /// Joins the contents in a quotation into one that reaches to its marks, if they have at least half of its words: a
    /// quotation has one speaker, to its end.
    pub(super) fn complete_quotations(&mut self, page: &Page<'_, '_>) {
        for quotation in &page.quotations {
            deadline::check();
            let touching = self.contents.touching(quotation);
            let covered: usize = touching.iter().map(|place| words(&page.text[shared(&place.range, quotation)])).sum();
            if let [first, .., last] | [first @ last] = touching
                && covered * 2 >= words(&page.text[quotation.clone()])
            {
                let whole = first.range.start.min(quotation.start)..last.range.end.max(quotation.end);
                self.contents.replace(page, &whole, whole.clone());
            }
        }
    }
}

impl Placed {
    pub(super) fn insert(&mut self, page: &Page<'_, '_>, range: Range<usize>) {
        let (first, last) = page.sentences_of(&range);
        let at = self.0.partition_point(|place| place.range.start < range.start);
        self.0.insert(at, Place { range, first, last });
    }

    /// Replaces all parts that touch `cleared` by `range`, which is inside it. If that is a single part, nothing moves.
    pub(super) fn replace(&mut self, page: &Page<'_, '_>, cleared: &Range<usize>, range: Range<usize>) {
        let (first, last) = page.sentences_of(&range);
        self.0.splice(self.places_of(cleared), [Place { range, first, last }]);
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.0
    }

    /// The parts that touch `range`.
    pub(super) fn touching(&self, range: &Range<usize>) -> &[Place] {
        &self.0[self.places_of(range)]
    }

    /// The first part that begins at or after the end of a place.
    fn next_after(&self, place: &Place) -> Option<&Place> {
        self.0.get(self.0.partition_point(|part| part.range.start < place.range.end))
    }

    fn clear(&mut self, range: &Range<usize>) {
        let places = self.places_of(range);
        self.0.drain(places);
    }

    fn places_of(&self, range: &Range<usize>) -> Range<usize> {
        let first = self.0.partition_point(|place| place.range.end <= range.start);
        first..self.0.partition_point(|place| place.range.start < range.end).max(first)
    }
}

/// The end of a source that was cut inside its relative clause: the comma before the cue.
fn end_of_clause(text: &str, source: &Range<usize>, cue: Option<&Place>, limit: usize) -> Option<usize> {
    const LONGEST: usize = 200;
    let cue = cue.filter(|cue| cue.range.start <= limit && cue.range.start <= source.end + LONGEST)?;
    let rest = text.get(source.end..cue.range.start)?.trim_end().strip_suffix(',')?;
    let has_clause = [" who ", " whose ", " which "].iter().any(|word| text[source.clone()].contains(word));
    let is_inside = has_clause && words(rest) > 0 && !rest.contains(['"', '“', '”', '.', ';', ':', ',']);
    is_inside.then_some(source.end + rest.len())
}

/// The end of a source that was cut after a preposition or an article: past the capitalised words and numbers behind it.
fn end_of_phrase(text: &str, source: Range<usize>, limit: usize) -> usize {
    const MOST_WORDS: usize = 5;
    let last = text[source.clone()].rsplit(char::is_whitespace).next().unwrap_or_default();
    let is_cut = matches!(last, "a" | "an" | "at" | "by" | "for" | "from" | "in" | "of" | "on" | "the" | "to" | "with");
    let mut end = source.end;
    for word in text[source.end..limit.max(source.end)].split_inclusive(char::is_whitespace).take(MOST_WORDS + 1) {
        let bare = word.trim();
        let name = bare.trim_end_matches([',', '.', ';', ':', '”', '"']);
        let is_part = bare.is_empty() || name.starts_with(|first: char| first.is_uppercase() || first.is_ascii_digit());
        if !is_cut || !is_part {
            break;
        }
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        end = if bare.is_empty() { end } else { start + name.len() };
        if name.len() < bare.len() {
            break;
        }
    }
    end
}

/// Returns true if a source is the subject of a passive that makes it the hearer: "the jury was told".
fn is_passive(text: &str, source: &Range<usize>, cue: &Range<usize>) -> bool {
    const WIDEST_GAP: usize = 12;
    if source.end > cue.start || cue.start - source.end > WIDEST_GAP {
        return false;
    }
    let mut words = text[source.end..cue.end].split_whitespace().map(|word| word.trim_end_matches([',', ':']));
    let is_auxiliary =
        words.next().is_some_and(|word| matches!(word, "was" | "were" | "is" | "are" | "has" | "have" | "had"));
    let participle = words.find(|word| *word != "been" && *word != "being");
    is_auxiliary
        && text[source.end..cue.end]
            .split_whitespace()
            .any(|word| matches!(word, "was" | "were" | "is" | "are" | "been"))
        && participle.is_some_and(|word| HEARER_VERBS.contains(word))
}

/// The most bytes between a cue and what it reports.
const WIDEST_GAP: usize = 3;

/// Returns true if a cue ends a passive that has the hearer as its subject: "was told".
fn ends_in_passive(page: &Page<'_, '_>, cue: &Place) -> bool {
    let start = page.sentences[cue.first].range.start.min(cue.range.start);
    let mut words =
        page.text[start..cue.range.end].split_whitespace().rev().map(|word| word.trim_end_matches([',', ':']));
    let is_hearer = words.next().is_some_and(|word| HEARER_VERBS.contains(word));
    is_hearer && words.next().is_some_and(|word| matches!(word, "was" | "were" | "is" | "are" | "been"))
}

/// A report at the beginning of a content. All ranges are bytes of the document.
struct NestedReport {
    source: Range<usize>,
    cue: Range<usize>,
    content: Range<usize>,
}

impl NestedReport {
    /// A name, perhaps an age, a verb of saying, and what was said: "Ann Lee, 36, had admitted to police that she left".
    fn parse(text: &str, content: &Range<usize>) -> Option<Self> {
        const MOST_WORDS: usize = 12;
        const MOST_NAMES: usize = 4;
        let whole = &text[content.clone()];
        let words: Vec<Range<usize>> = whole
            .split_whitespace()
            .take(MOST_WORDS)
            .map(|word| {
                let start = content.start + (word.as_ptr() as usize - whole.as_ptr() as usize);
                start..start + word.len()
            })
            .collect();
        let word = |at: usize| words.get(at).map(|range| text[range.clone()].trim_end_matches(','));
        let first = usize::from(word(0) == Some("that"));
        let names =
            (first..words.len()).take_while(|&at| word(at).is_some_and(|name| name.starts_with(char::is_uppercase)));
        let names = names.count();
        if !(2..=MOST_NAMES).contains(&names) {
            return None;
        }
        let last_name = first + names - 1;
        let source_end = words[last_name].start + word(last_name)?.len();
        let mut at = last_name + 1;
        at += usize::from(word(at)?.bytes().all(|byte| byte.is_ascii_digit()));
        let cue_start = words.get(at)?.start;
        at += usize::from(matches!(word(at)?, "has" | "had" | "have"));
        if !matches!(CUE_ACTS.get(word(at)?), Some(CueAct::Say | CueAct::Deny)) {
            return None;
        }
        let cue_end = words[at].start + word(at)?.len();
        // "To police" belongs to neither.
        let that = (at + 1..words.len()).find(|&next| word(next) == Some("that"));
        let start = that.or((word(at + 1)? != "to").then_some(at + 1)).map(|start| words[start].start)?;
        Some(Self { source: words[first].start..source_end, cue: cue_start..cue_end, content: start..content.end })
    }
}

/// Returns true for two to four words with capitals and nothing else.
fn is_bare_name(text: &str) -> bool {
    let name = text.trim_end_matches(',');
    (2..=4).contains(&name.split_whitespace().count())
        && name.split_whitespace().all(|word| word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase))
        && !text.contains(['.', '“', '"', '!', '?'])
}

/// Joins tokens into parts. An inner label without a first one begins a part too, and the inner tokens of a word belong to
/// the part of its first.
fn pieces(text: &str, sentence: &TaggedSentence<'_>) -> Vec<(Part, Range<usize>)> {
    let mut pieces: Vec<(Part, Range<usize>)> = Vec::new();
    let mut open = None;
    let mut word_end = sentence.range.start;
    for (&tag, &(start, end)) in sentence.tags.iter().zip(sentence.offsets).filter(|(_, (start, end))| start < end) {
        let range = sentence.range.start + start..sentence.range.start + end;
        let continues_word = range.start == word_end && is_inside_word(text, range.start);
        word_end = range.end;
        let part = match tag {
            _ if continues_word => open,
            Tag::Outside => None,
            Tag::Begin(part) | Tag::Inside(part) => Some(part),
        };
        let is_new = part != open || (matches!(tag, Tag::Begin(_)) && !continues_word);
        open = part;
        match (part, pieces.last_mut()) {
            (None, _) => {}
            (Some(_), Some((_, piece))) if !is_new => piece.end = range.end,
            (Some(part), _) => pieces.push((part, range)),
        }
    }
    pieces
}

/// Returns true if letters or digits are on both sides of `byte`. No part begins or ends there.
pub(crate) fn is_inside_word(text: &str, byte: usize) -> bool {
    let (before, after) = text.split_at(byte);
    before.ends_with(char::is_alphanumeric) && after.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_never_cut() {
        let tags = vec![Tag::Begin(Part::Source), Tag::Outside, Tag::Begin(Part::Cue), Tag::Begin(Part::Content)];
        let offsets = [(0, 3), (3, 7), (8, 12), (13, 15)];
        let sentence = TaggedSentence { range: 0..15, paragraph: 0, tags, confidences: &[], offsets: &offsets };
        let pieces = pieces("Kishida says no", &sentence);
        assert_eq!(pieces, [(Part::Source, 0..7), (Part::Cue, 8..12), (Part::Content, 13..15)]);
    }
}
