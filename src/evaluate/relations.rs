//! Who said what, found and right: scores of parts that belong together.
//!
//! Each relation found is paired with at most one of the gold, that with which it shares most, and a part is right where
//! it is right in such a pair. So a right source of the wrong content counts for nothing. The same parts, exact and
//! overlapping, are reported for BBC's Citron. All is counted in words, as for marks.

use std::ops::Range;

use serde::Serialize;

use super::score::{Counts, share};
use super::{Marked, Score, span};
use crate::labelled::Mark;

/// What was said in a text. All ranges are bytes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What was to be found.
    pub gold: Vec<Related>,
    /// What was found.
    pub found: Vec<Related>,
    /// What stands between quotation marks, of as many words as are to count.
    pub quotations: Vec<Range<usize>>,
}

/// A source, a cue and a content that belong together; each may be missing or have several pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Related {
    /// Who says it.
    pub source: Vec<Range<usize>>,
    /// The words that report it.
    pub cue: Vec<Range<usize>>,
    /// What is said.
    pub content: Vec<Range<usize>>,
}

/// What relations are worth.
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

/// How many relations are right in some way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelationScore {
    /// Where the same words are marked.
    pub exact: Score,
    /// Where at least one word is shared; a part that is missing in both is right.
    pub overlap: Score,
}

/// Contents between quotation marks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DirectScores {
    /// How many were to be found.
    pub support: usize,
    /// The share of which at least half was found to be said.
    pub recall: Option<f64>,
    /// The share of all of them that were found with a source that shares a word with the right one.
    pub source: Option<f64>,
}

/// The words of each part, by their places in the text.
struct Words {
    source: Vec<usize>,
    cue: Vec<usize>,
    content: Vec<usize>,
}

impl Related {
    /// Marks that belong together. `parts` are the places of source, cue and content among the names of parts.
    #[must_use]
    pub fn of_marks(marks: &[Mark], parts: [usize; 3]) -> Self {
        let of = |part: usize| marks.iter().filter(|mark| mark.part == part).map(|mark| mark.range.clone()).collect();
        let [source, cue, content] = parts.map(of);
        Self { source, cue, content }
    }
}

impl RelationScores {
    /// The scores over all rows; none where no row says what belongs together.
    #[must_use]
    pub fn of(rows: &[Marked]) -> Option<Self> {
        let tallies: Vec<Tally> = rows.iter().filter_map(Tally::of).collect();
        if tallies.is_empty() {
            return None;
        }
        let score = |way: usize| tallies.iter().map(|tally| tally.ways[way]).sum::<Counts>().score();
        let of = |part: usize| RelationScore { exact: score(2 * part), overlap: score(2 * part + 1) };
        let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum();
        let quotations = sum(|tally| tally.quotations);
        Some(Self {
            source: of(0),
            cue: of(1),
            content: of(2),
            all: of(3),
            direct: DirectScores {
                support: quotations,
                recall: share(sum(|tally| tally.quotations_found), quotations),
                source: share(sum(|tally| tally.quotations_with_source), quotations),
            },
        })
    }
}

/// The counts of one text.
struct Tally {
    /// Source, cue, content and all three, each exact and overlapping.
    ways: [Counts; 8],
    quotations: usize,
    quotations_found: usize,
    quotations_with_source: usize,
}

impl Tally {
    fn of(row: &Marked) -> Option<Self> {
        let said = row.said.as_ref()?;
        let words = |related: &Vec<Related>| related.iter().map(|related| Words::of(row, related)).collect::<Vec<_>>();
        let (found, mut gold) = (words(&said.found), words(&said.gold));
        gold.retain(|words| !(words.source.is_empty() && words.cue.is_empty() && words.content.is_empty()));
        let mut right = [0; 8];
        for (ours, theirs) in pairs(&found, &gold) {
            let ways = found[ours].ways(&gold[theirs]);
            right.iter_mut().zip(ways).for_each(|(right, way)| *right += usize::from(way));
        }
        let ways = right.map(|right| Counts::one_to_one(found.len(), right, gold.len()));
        let mut tally = Self { ways, quotations: 0, quotations_found: 0, quotations_with_source: 0 };
        for quotation in &said.quotations {
            tally.add_quotation(&places(row, std::slice::from_ref(quotation)), &found, &gold);
        }
        Some(tally)
    }

    /// A quotation counts where most of it is content of the gold.
    fn add_quotation(&mut self, quotation: &[usize], found: &[Words], gold: &[Words]) {
        let is_said = |words: &&Words, least: usize| shared(&words.content, quotation) * 10 >= quotation.len() * least;
        let Some(right) = gold.iter().find(|words| is_said(words, 8)) else { return };
        self.quotations += 1;
        let found =
            found.iter().filter(|words| is_said(words, 5)).max_by_key(|words| shared(&words.content, quotation));
        self.quotations_found += usize::from(found.is_some());
        self.quotations_with_source += usize::from(found.is_some_and(|found| overlap(&found.source, &right.source)));
    }
}

impl Words {
    fn of(row: &Marked, related: &Related) -> Self {
        Self {
            source: places(row, &related.source),
            cue: places(row, &related.cue),
            content: places(row, &related.content),
        }
    }

    /// In which ways these are right.
    fn ways(&self, gold: &Self) -> [bool; 8] {
        let parts = [(&self.source, &gold.source), (&self.cue, &gold.cue), (&self.content, &gold.content)];
        let [source, cue, content] = parts.map(|(ours, theirs)| (ours == theirs, overlap(ours, theirs)));
        let all = (source.0 && cue.0 && content.0, source.1 && cue.1 && content.1);
        [source.0, source.1, cue.0, cue.1, content.0, content.1, all.0, all.1]
    }
}

/// The words under all of `ranges`, in order, each once.
fn places(row: &Marked, ranges: &[Range<usize>]) -> Vec<usize> {
    let mut places: Vec<usize> = ranges.iter().flat_map(|range| span(&row.words, range)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Pairs each relation found with one of the gold: those first that share most, a word of the cue counting for three.
fn pairs(found: &[Words], gold: &[Words]) -> Vec<(usize, usize)> {
    let mut candidates = Vec::new();
    for (ours, one) in found.iter().enumerate() {
        for (theirs, other) in gold.iter().enumerate() {
            let common = 3 * shared(&one.cue, &other.cue) + shared(&one.content, &other.content);
            if common > 0 {
                candidates.push((std::cmp::Reverse(common), ours, theirs));
            }
        }
    }
    candidates.sort_unstable();
    let (mut taken, mut pairs) = ((vec![false; found.len()], vec![false; gold.len()]), Vec::new());
    for (_, ours, theirs) in candidates {
        if !taken.0[ours] && !taken.1[theirs] {
            (taken.0[ours], taken.1[theirs]) = (true, true);
            pairs.push((ours, theirs));
        }
    }
    pairs
}

fn shared(one: &[usize], other: &[usize]) -> usize {
    one.iter().filter(|word| other.binary_search(word).is_ok()).count()
}

fn overlap(one: &[usize], other: &[usize]) -> bool {
    shared(one, other) > 0 || (one.is_empty() && other.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::words;

    const TEXT: &str = "\"It is late now,\" Ann Lee said. Bob thinks so.";

    fn related(source: Range<usize>, cue: Range<usize>, content: Range<usize>) -> Related {
        let some = |range: Range<usize>| if range.is_empty() { Vec::new() } else { vec![range] };
        Related { source: some(source), cue: some(cue), content: some(content) }
    }

    fn scores(found: Vec<Related>) -> RelationScores {
        let gold = vec![related(18..25, 26..30, 0..17), related(32..35, 36..42, 43..45)];
        let said = Said { gold, found, quotations: std::iter::once(0..17).collect() };
        RelationScores::of(&[Marked { words: words(TEXT), gold: vec![], found: vec![], said: Some(said) }]).unwrap()
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
