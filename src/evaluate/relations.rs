//! Scores of relations: a source, a cue and a content that belong together.
//!
//! Each relation found is paired with at most one of the gold, the one with which it shares most words. A part is right if it is
//! right in such a pair, so a right source of the wrong content counts for nothing. The same parts, exact and overlapping, are
//! reported for BBC's Citron. The unit is the word, as for marks.

use std::cmp::Reverse;
use std::ops::Range;

use serde::Serialize;

use super::score::{Counts, share};
use super::{Marked, Score, word_span};
use crate::attribution::confidence::Features;
use crate::labelled::Mark;
use crate::record::Act;

/// The relations of a text. All ranges are bytes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TextRelations {
    /// The right relations.
    pub gold: Vec<GoldRelation>,
    /// The relations found.
    pub found: Vec<FoundRelation>,
    /// The text between quotation marks, of quotations that have enough words to be measured.
    pub quotations: Vec<Range<usize>>,
}

/// A right relation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoldRelation {
    /// Its parts.
    pub spans: RelationSpans,
    /// What the source does with the content, if the gold says it.
    pub act: Option<Act>,
    /// The speaker, if the article tells who it is.
    pub speaker: Option<String>,
}

/// A relation that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRelation {
    /// Its parts.
    pub spans: RelationSpans,
    /// What the source does with the content.
    pub act: Act,
    /// The probability that it is an attribution.
    pub score: f32,
    /// The features that the score comes from.
    pub features: Features,
    /// The names of the speakers.
    pub speakers: Vec<String>,
}

/// A source, a cue and a content that belong together; each may be missing or have several pieces. All ranges are bytes of the
/// text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelationSpans {
    /// The words for the speaker.
    pub source: Vec<Range<usize>>,
    /// The words that report it.
    pub cue: Vec<Range<usize>>,
    /// The words that were said.
    pub content: Vec<Range<usize>>,
}

/// The scores of relations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelationScores {
    /// Right sources.
    pub source: RelationScore,
    /// Right cues.
    pub cue: RelationScore,
    /// Right contents.
    pub content: RelationScore,
    /// Relations of which all three are right.
    pub all: RelationScore,
    /// Quotations alone.
    pub direct: DirectScores,
}

/// The scores of one part of relations, by two definitions of right.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelationScore {
    /// Right if the same words are marked.
    pub exact: Score,
    /// Right if at least one word is shared; a part that is missing in both is right.
    pub overlap: Score,
}

/// The scores of contents between quotation marks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DirectScores {
    /// The number of quotations in the gold.
    pub support: usize,
    /// The share of them of which at least half is in the content of one relation found.
    pub recall: Option<f64>,
    /// The share of all of them that were found with a source that shares a word with the right one.
    pub source: Option<f64>,
}

/// The words of each part of a relation, by their places in the text, in order.
pub(super) struct RelationWords {
    pub(super) source: Vec<usize>,
    pub(super) cue: Vec<usize>,
    pub(super) content: Vec<usize>,
}

impl RelationSpans {
    /// The relation that `marks` form. `parts` are the places of source, cue and content among the names of parts.
    #[must_use]
    pub fn from_marks(marks: &[Mark], parts: [usize; 3]) -> Self {
        let [source, cue, content] =
            parts.map(|part| marks.iter().filter(|mark| mark.part == part).map(|mark| mark.range.clone()).collect());
        Self { source, cue, content }
    }
}

impl RelationScores {
    /// The scores over all rows; `None` if no row has relations.
    #[must_use]
    pub fn from_rows(rows: &[Marked]) -> Option<Self> {
        let tallies: Vec<Tally> = rows.iter().filter_map(Tally::from_row).collect();
        if tallies.is_empty() {
            return None;
        }
        let quotations = tallies.iter().map(|tally| tally.quotations).sum();
        let quotations_found = tallies.iter().map(|tally| tally.quotations_found).sum();
        let quotations_with_source = tallies.iter().map(|tally| tally.quotations_with_source).sum();
        Some(Self {
            source: RelationScore::new(&tallies, 0),
            cue: RelationScore::new(&tallies, 1),
            content: RelationScore::new(&tallies, 2),
            all: RelationScore::new(&tallies, 3),
            direct: DirectScores {
                support: quotations,
                recall: share(quotations_found, quotations),
                source: share(quotations_with_source, quotations),
            },
        })
    }
}

impl RelationScore {
    /// The score of the part at place `part` in [`Tally::exact`] and [`Tally::overlap`].
    fn new(tallies: &[Tally], part: usize) -> Self {
        Self {
            exact: tallies.iter().map(|tally| tally.exact[part]).sum::<Counts>().score(),
            overlap: tallies.iter().map(|tally| tally.overlap[part]).sum::<Counts>().score(),
        }
    }
}

/// The counts of one text.
struct Tally {
    /// Of source, cue, content and all three.
    exact: [Counts; 4],
    /// In the same order.
    overlap: [Counts; 4],
    quotations: usize,
    quotations_found: usize,
    quotations_with_source: usize,
}

impl Tally {
    /// `None` if the row has no relations.
    fn from_row(row: &Marked) -> Option<Self> {
        let relations = row.relations.as_ref()?;
        let found: Vec<RelationWords> =
            relations.found.iter().map(|found| RelationWords::new(row, &found.spans)).collect();
        let mut gold: Vec<RelationWords> =
            relations.gold.iter().map(|gold| RelationWords::new(row, &gold.spans)).collect();
        gold.retain(|words| !words.is_empty());
        let mut exact = [0; 4];
        let mut overlap = [0; 4];
        for (found_place, gold_place) in pairs(&found, &gold) {
            let words = &found[found_place];
            let gold_words = &gold[gold_place];
            for (count, is_right) in exact.iter_mut().zip(words.exactly_right(gold_words)) {
                *count += usize::from(is_right);
            }
            for (count, is_right) in overlap.iter_mut().zip(words.overlapping(gold_words)) {
                *count += usize::from(is_right);
            }
        }
        let mut tally = Self {
            exact: exact.map(|right| Counts::one_to_one(found.len(), right, gold.len())),
            overlap: overlap.map(|right| Counts::one_to_one(found.len(), right, gold.len())),
            quotations: 0,
            quotations_found: 0,
            quotations_with_source: 0,
        };
        for quotation in &relations.quotations {
            tally.add_quotation(&words_in_ranges(row, std::slice::from_ref(quotation)), &found, &gold);
        }
        Some(tally)
    }

    /// Counts a quotation if at least 80 % of it is content of a relation of the gold.
    fn add_quotation(&mut self, quotation: &[usize], found: &[RelationWords], gold: &[RelationWords]) {
        let Some(right) = gold.iter().find(|words| words.has_quoted(quotation, 8)) else { return };
        self.quotations += 1;
        let candidates = found.iter().filter(|words| words.has_quoted(quotation, 5));
        let Some(best) = candidates.max_by_key(|words| count_shared(&words.content, quotation)) else { return };
        self.quotations_found += 1;
        self.quotations_with_source += usize::from(overlaps(&best.source, &right.source));
    }
}

impl RelationWords {
    pub(super) fn new(row: &Marked, spans: &RelationSpans) -> Self {
        Self {
            source: words_in_ranges(row, &spans.source),
            cue: words_in_ranges(row, &spans.cue),
            content: words_in_ranges(row, &spans.content),
        }
    }

    fn is_empty(&self) -> bool {
        self.source.is_empty() && self.cue.is_empty() && self.content.is_empty()
    }

    /// True if at least `tenths` tenths of the words of `quotation` are content.
    pub(super) fn has_quoted(&self, quotation: &[usize], tenths: usize) -> bool {
        count_shared(&self.content, quotation) * 10 >= quotation.len() * tenths
    }

    /// For source, cue, content and all three: true if they are the same words as in `gold`.
    fn exactly_right(&self, gold: &Self) -> [bool; 4] {
        let source = self.source == gold.source;
        let cue = self.cue == gold.cue;
        let content = self.content == gold.content;
        [source, cue, content, source && cue && content]
    }

    /// For source, cue, content and all three: true if they share a word with those of `gold`.
    fn overlapping(&self, gold: &Self) -> [bool; 4] {
        let source = overlaps(&self.source, &gold.source);
        let cue = overlaps(&self.cue, &gold.cue);
        let content = overlaps(&self.content, &gold.content);
        [source, cue, content, source && cue && content]
    }
}

/// The words under all of `ranges`, in order, each once.
pub(super) fn words_in_ranges(row: &Marked, ranges: &[Range<usize>]) -> Vec<usize> {
    let mut words: Vec<usize> = ranges.iter().flat_map(|range| word_span(&row.words, range)).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Pairs each relation found with one of the gold: first those that share most words, where a word of the cue counts as three.
/// Gives their places in `found` and in `gold`.
fn pairs(found: &[RelationWords], gold: &[RelationWords]) -> Vec<(usize, usize)> {
    let mut candidates = Vec::new();
    for (found_place, one) in found.iter().enumerate() {
        for (gold_place, other) in gold.iter().enumerate() {
            let common = 3 * count_shared(&one.cue, &other.cue) + count_shared(&one.content, &other.content);
            if common > 0 {
                candidates.push((Reverse(common), found_place, gold_place));
            }
        }
    }
    candidates.sort_unstable();
    let mut is_found_paired = vec![false; found.len()];
    let mut is_gold_paired = vec![false; gold.len()];
    let mut pairs = Vec::new();
    for (_, found_place, gold_place) in candidates {
        if !is_found_paired[found_place] && !is_gold_paired[gold_place] {
            is_found_paired[found_place] = true;
            is_gold_paired[gold_place] = true;
            pairs.push((found_place, gold_place));
        }
    }
    pairs
}

/// The number of words in both; both are sorted.
pub(super) fn count_shared(one: &[usize], other: &[usize]) -> usize {
    one.iter().filter(|word| other.binary_search(word).is_ok()).count()
}

pub(super) fn overlaps(one: &[usize], other: &[usize]) -> bool {
    count_shared(one, other) > 0 || (one.is_empty() && other.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::words;

    const TEXT: &str = "\"It is late now,\" Ann Lee said. Bob thinks so.";

    fn related(source: Range<usize>, cue: Range<usize>, content: Range<usize>) -> RelationSpans {
        let [source, cue, content] =
            [source, cue, content].map(|range| if range.is_empty() { Vec::new() } else { vec![range] });
        RelationSpans { source, cue, content }
    }

    fn scores(found: Vec<RelationSpans>) -> RelationScores {
        let gold = vec![related(18..25, 26..30, 0..17), related(32..35, 36..42, 43..45)];
        let gold = gold.into_iter().map(|spans| GoldRelation { spans, ..GoldRelation::default() }).collect();
        let found = found
            .into_iter()
            .map(|spans| FoundRelation { spans, act: Act::Say, score: 1.0, features: [0.0; 18], speakers: vec![] })
            .collect();
        let relations = TextRelations { gold, found, quotations: std::iter::once(0..17).collect() };
        let row = Marked { words: words(TEXT), gold: vec![], found: vec![], relations: Some(relations) };
        RelationScores::from_rows(&[row]).unwrap()
    }

    #[test]
    fn what_is_right_in_all_parts_is_right() {
        let scores = scores(vec![related(18..25, 26..30, 0..17), related(32..35, 36..42, 43..45)]);
        assert_eq!((scores.all.exact.f1, scores.all.overlap.f1), (Some(1.0), Some(1.0)));
        assert_eq!(scores.direct, DirectScores { support: 1, recall: Some(1.0), source: Some(1.0) });
    }

    #[test]
    fn a_part_of_a_part_overlaps() {
        let scores = scores(vec![related(22..25, 26..30, 0..17)]);
        assert_eq!((scores.source.exact.f1, scores.source.overlap.precision), (Some(0.0), Some(1.0)));
        assert_eq!(
            (scores.cue.exact.recall, scores.all.exact.f1, scores.all.overlap.recall),
            (Some(0.5), Some(0.0), Some(0.5))
        );
    }

    #[test]
    fn a_right_source_of_the_wrong_content_is_wrong() {
        let scores = scores(vec![related(32..35, 0..0, 0..17)]);
        assert_eq!((scores.source.overlap.f1, scores.content.exact.f1), (Some(0.0), Some(2.0 / 3.0)));
        assert_eq!(scores.direct, DirectScores { support: 1, recall: Some(1.0), source: Some(0.0) });
    }

    #[test]
    fn nothing_is_paired_twice() {
        let scores = scores(vec![related(18..25, 26..30, 0..17), related(18..25, 26..30, 0..10)]);
        assert_eq!((scores.cue.exact.precision, scores.cue.exact.recall), (Some(0.5), Some(0.5)));
    }
}
