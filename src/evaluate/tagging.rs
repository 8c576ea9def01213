//! Scores of a token head: by word, by exact span, by touching span.
//!
//! The unit is the word: a mark that begins or ends within a word, or includes white space, is as good as one that does not. A
//! mark that touches no word is left out, and the same mark twice counts once.

use std::ops::Range;

use serde::Serialize;

use super::score::{Counts, Score, macro_f1, share};
use super::{AttributionScores, Marked, RelationScores, word_span};
use crate::labelled::Mark;

/// The scores of a token head, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaggingScores {
    /// The number of texts.
    pub rows: usize,
    /// The number of their words.
    pub words: usize,
    /// The share of words with the right label: the first part that covers the word, or none.
    pub accuracy: Option<f64>,
    /// F1 over the words of all parts together.
    pub micro_f1: Option<f64>,
    /// The mean F1 over words of the parts that occur in the gold.
    pub macro_f1: Option<f64>,
    /// Each part, in the order of their names.
    pub per_class: Vec<PartScore>,
    /// The scores of relations, if the parts are sources, cues and contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relations: Option<Box<RelationScores>>,
    /// The scores of attributions by act and speaker, if the gold has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributions: Option<Box<AttributionScores>>,
}

/// The scores of one part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartScore {
    /// Its name.
    #[serde(rename = "label")]
    pub part: String,
    /// By words: each that a mark of the part touches.
    pub token: Score,
    /// By spans, right if they cover the same words as one of the gold.
    pub span_exact: Score,
    /// By spans, right if they share a word with one of the gold; a span of the gold is found if a predicted one shares a word
    /// with it.
    pub span_overlap: Score,
}

/// The counts of one part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PartCounts {
    pub(super) token: Counts,
    pub(super) exact: Counts,
    overlap: Counts,
}

/// A half-open range of places in a list of words: those that a mark touches.
type Span = Range<usize>;

impl TaggingScores {
    /// The scores of a head that marks `parts`, on `rows`. Marks of other parts are left out.
    #[must_use]
    pub fn from_rows(rows: &[Marked], parts: &[String]) -> Self {
        let counts: Vec<PartCounts> = (0..parts.len()).map(|part| PartCounts::from_rows(rows, part)).collect();
        let tokens: Vec<Counts> = counts.iter().map(|counts| counts.token).collect();
        let words = rows.iter().map(|row| row.words.len()).sum();
        Self {
            rows: rows.len(),
            words,
            accuracy: share(rows.iter().map(|row| count_right_words(row, parts.len())).sum(), words),
            micro_f1: tokens.iter().copied().sum::<Counts>().f1(),
            macro_f1: macro_f1(&tokens),
            per_class: parts.iter().zip(&counts).map(|(part, counts)| PartScore::new(part, counts)).collect(),
            relations: RelationScores::from_rows(rows).map(Box::new),
            attributions: None,
        }
    }
}

impl PartScore {
    fn new(part: &str, counts: &PartCounts) -> Self {
        Self {
            part: part.to_owned(),
            token: counts.token.score(),
            span_exact: counts.exact.score(),
            span_overlap: counts.overlap.score(),
        }
    }
}

impl PartCounts {
    /// The counts of one text.
    pub(super) fn new(row: &Marked, part: usize) -> Self {
        let found = spans_of_part(row, &row.found, part);
        let gold = spans_of_part(row, &row.gold, part);
        Self {
            token: token_counts(&found, &gold, row.words.len()),
            exact: Counts::one_to_one(found.len(), found.iter().filter(|span| gold.contains(span)).count(), gold.len()),
            overlap: Counts {
                found: found.len(),
                right: count_touching(&found, &gold),
                gold: gold.len(),
                hit: count_touching(&gold, &found),
            },
        }
    }

    fn from_rows(rows: &[Marked], part: usize) -> Self {
        let mut sum = Self::default();
        for row in rows {
            let counts = Self::new(row, part);
            sum.token += counts.token;
            sum.exact += counts.exact;
            sum.overlap += counts.overlap;
        }
        sum
    }
}

/// The words under each mark of `part`, each span once.
fn spans_of_part(row: &Marked, marks: &[Mark], part: usize) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for mark in marks.iter().filter(|mark| mark.part == part) {
        let span = word_span(&row.words, &mark.range);
        if !span.is_empty() && !spans.contains(&span) {
            spans.push(span);
        }
    }
    spans
}

fn token_counts(found: &[Span], gold: &[Span], words: usize) -> Counts {
    let found = covered_words(found, words);
    let gold = covered_words(gold, words);
    let both = found.iter().zip(&gold).filter(|(found, gold)| **found && **gold).count();
    Counts::one_to_one(count_true(&found), both, count_true(&gold))
}

/// For each of `words` words, true if one of `spans` covers it.
fn covered_words(spans: &[Span], words: usize) -> Vec<bool> {
    let mut covered = vec![false; words];
    for span in spans {
        covered[span.clone()].fill(true);
    }
    covered
}

fn count_true(flags: &[bool]) -> usize {
    flags.iter().filter(|flag| **flag).count()
}

/// The number of `spans` that share a word with one of `others`.
fn count_touching(spans: &[Span], others: &[Span]) -> usize {
    spans.iter().filter(|span| others.iter().any(|other| shares_word(span, other))).count()
}

fn shares_word(one: &Span, other: &Span) -> bool {
    one.start < other.end && other.start < one.end
}

fn count_right_words(row: &Marked, parts: usize) -> usize {
    let found = labels_of_words(row, &row.found, parts);
    let gold = labels_of_words(row, &row.gold, parts);
    found.iter().zip(&gold).filter(|(found, gold)| found == gold).count()
}

/// The first part that covers each word.
fn labels_of_words(row: &Marked, marks: &[Mark], parts: usize) -> Vec<Option<usize>> {
    let mut labels = vec![None; row.words.len()];
    // Backwards, so that the first part overwrites the others.
    for part in (0..parts).rev() {
        for span in spans_of_part(row, marks, part) {
            labels[span].fill(Some(part));
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::words;
    use proptest::prelude::*;

    const TEXT: &str = "Rain is coming, said Ann Lee.";

    fn parts() -> Vec<String> {
        ["source", "cue"].map(str::to_owned).to_vec()
    }

    fn mark(part: usize, quote: &str) -> Mark {
        let start = TEXT.find(quote).unwrap();
        Mark { part, range: start..start + quote.len() }
    }

    fn marked(gold: &[Mark], found: &[Mark]) -> Marked {
        Marked { words: words(TEXT), gold: gold.to_vec(), found: found.to_vec(), relations: None }
    }

    fn source(gold: &[Mark], found: &[Mark]) -> PartScore {
        TaggingScores::from_rows(&[marked(gold, found)], &parts()).per_class.remove(0)
    }

    #[test]
    fn half_a_span_is_half_the_words_no_exact_span_and_one_overlap() {
        let score = source(&[mark(0, "Ann Lee")], &[mark(0, "Lee")]);
        assert_eq!((score.token.precision, score.token.recall), (Some(1.0), Some(0.5)));
        assert_eq!((score.token.f1, score.token.support), (Some(2.0 / 3.0), 2));
        assert_eq!((score.span_exact.f1, score.span_overlap.f1), (Some(0.0), Some(1.0)));
    }

    #[test]
    fn one_found_span_may_hit_two_of_the_gold() {
        let gold = [mark(0, "Rain"), mark(0, "coming"), mark(0, "Ann")];
        let overlap = source(&gold, &[mark(0, "Rain is coming"), mark(0, "said")]).span_overlap;
        assert_eq!((overlap.precision, overlap.recall, overlap.support), (Some(0.5), Some(2.0 / 3.0), 3));
    }

    #[test]
    fn white_space_and_parts_of_words_do_not_matter() {
        let exact = source(&[mark(0, "Ann Lee")], &[mark(0, " Ann L")]).span_exact;
        assert_eq!((exact.precision, exact.recall), (Some(1.0), Some(1.0)));
    }

    #[test]
    fn a_span_of_another_part_is_wrong() {
        let scores = TaggingScores::from_rows(&[marked(&[mark(0, "Ann")], &[mark(1, "Ann")])], &parts());
        assert_eq!((scores.micro_f1, scores.macro_f1), (Some(0.0), Some(0.0)));
        assert_eq!(scores.per_class[1].span_overlap.precision, Some(0.0));
        // One of eight words is wrong.
        assert_eq!(scores.accuracy, Some(7.0 / 8.0));
    }

    #[test]
    fn micro_weighs_words_and_macro_weighs_parts() {
        let gold = [mark(0, "Ann Lee"), mark(1, "said")];
        let scores = TaggingScores::from_rows(&[marked(&gold, &[mark(0, "Ann Lee")])], &parts());
        assert_eq!((scores.micro_f1, scores.macro_f1), (Some(0.8), Some(0.5)));
    }

    #[test]
    fn marks_without_words_and_marks_twice_do_not_count() {
        let empty = Mark { part: 0, range: 1..1 };
        let space = Mark { part: 0, range: 4..5 };
        let exact = source(&[mark(0, "Ann")], &[mark(0, "Ann"), mark(0, "Ann"), empty, space]).span_exact;
        assert_eq!((exact.precision, exact.recall), (Some(1.0), Some(1.0)));
    }

    #[test]
    fn a_word_under_two_parts_has_the_first() {
        let row = marked(&[mark(1, "Ann"), mark(0, "Ann")], &[mark(0, "Ann")]);
        assert_eq!(TaggingScores::from_rows(&[row], &parts()).accuracy, Some(1.0));
    }

    #[test]
    fn nothing_read_is_null() {
        let scores = TaggingScores::from_rows(&[], &parts());
        assert_eq!((scores.accuracy, scores.micro_f1, scores.macro_f1), (None, None, None));
        assert!(serde_json::to_value(&scores).unwrap()["per_class"][0]["token"]["f1"].is_null());
    }

    fn marks() -> impl Strategy<Value = Vec<Mark>> {
        let mark = (0..3_usize, 0..30_usize, 0..30_usize);
        prop::collection::vec(mark.prop_map(|(part, start, length)| Mark { part, range: start..start + length }), 0..5)
    }

    proptest! {
        #[test]
        fn any_marks_score_shares_and_no_exact_span_is_no_overlap(gold in marks(), found in marks()) {
            let scores = TaggingScores::from_rows(&[marked(&gold, &found)], &parts());
            for part in &scores.per_class {
                for score in [part.token, part.span_exact, part.span_overlap] {
                    let values = [score.precision, score.recall, score.f1];
                    prop_assert!(values.into_iter().flatten().all(|value| (0.0..=1.0).contains(&value)));
                }
                prop_assert!(part.span_exact.recall <= part.span_overlap.recall);
            }
        }
    }
}
