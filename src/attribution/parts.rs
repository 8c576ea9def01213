//! Turns token labels into parts of attributions, with their places in the document.

use std::ops::Range;

use super::{Page, TaggedSentence, shared, words};
use crate::deadline;
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

    fn clear(&mut self, range: &Range<usize>) {
        let places = self.places_of(range);
        self.0.drain(places);
    }

    fn places_of(&self, range: &Range<usize>) -> Range<usize> {
        let first = self.0.partition_point(|place| place.range.end <= range.start);
        first..self.0.partition_point(|place| place.range.start < range.end).max(first)
    }
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
        let sentence = TaggedSentence { range: 0..15, paragraph: 0, tags, offsets: &offsets };
        let pieces = pieces("Kishida says no", &sentence);
        assert_eq!(pieces, [(Part::Source, 0..7), (Part::Cue, 8..12), (Part::Content, 13..15)]);
    }
}
