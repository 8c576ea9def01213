//! Marked texts to the scores of the head that marked them: by word, by exact span, by touching span.
//!
//! All is counted in words: a mark that begins or ends within a word, or takes in white space, is as good as one that
//! does not. A mark that touches no word is left out, and the same mark twice counts once.

use std::ops::Range;

use serde::Serialize;

use super::score::{Counts, Score, macro_f1, share};
use super::{Marked, RelationScores, span};
use crate::labelled::Mark;

/// What a token head's marks are worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaggingScores {
    /// How many texts.
    pub rows: usize,
    /// How many words they have.
    pub words: usize,
    /// The share of words with the right label: the first part that covers the word, or none.
    pub accuracy: Option<f64>,
    /// F1 over the words of all parts together.
    pub micro_f1: Option<f64>,
    /// The mean F1 over words of the parts that occur in the gold.
    pub macro_f1: Option<f64>,
    /// Each part, in the order of their names.
    pub per_class: Vec<PartScore>,
    /// Who said what, where the parts are sources, cues and contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relations: Option<Box<RelationScores>>,
}

/// How one part does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartScore {
    /// Its name.
    #[serde(rename = "label")]
    pub part: String,
    /// Words: each that a mark of the part touches.
    pub token: Score,
    /// Spans, right where they cover the same words as one of the gold.
    pub span_exact: Score,
    /// Spans, right where they share a word with one of the gold, and those of the gold found where one found does.
    pub span_overlap: Score,
}

/// What was found of one part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PartCounts {
    pub(super) token: Counts,
    pub(super) exact: Counts,
    overlap: Counts,
}

/// Places in a list of words, from the first that a mark touches to behind the last.
type Span = Range<usize>;

impl TaggingScores {
    /// The scores of a head that marks `parts`. Marks of other parts are left out.
    #[must_use]
    pub fn of(rows: &[Marked], parts: &[String]) -> Self {
        let counts: Vec<PartCounts> = (0..parts.len()).map(|part| PartCounts::of_all(rows, part)).collect();
        let tokens: Vec<Counts> = counts.iter().map(|counts| counts.token).collect();
        let words = rows.iter().map(|row| row.words.len()).sum();
        Self {
            rows: rows.len(),
            words,
            accuracy: share(rows.iter().map(|row| right_words(row, parts.len())).sum(), words),
            micro_f1: tokens.iter().copied().sum::<Counts>().f1(),
            macro_f1: macro_f1(&tokens),
            per_class: parts.iter().zip(&counts).map(|(part, counts)| PartScore::of(part, counts)).collect(),
            relations: RelationScores::of(rows).map(Box::new),
        }
    }
}

impl PartScore {
    fn of(part: &str, counts: &PartCounts) -> Self {
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
    pub(super) fn of(row: &Marked, part: usize) -> Self {
        let (found, gold) = (spans(row, &row.found, part), spans(row, &row.gold, part));
        Self {
            token: token_counts(&found, &gold, row.words.len()),
            exact: Counts::one_to_one(found.len(), found.iter().filter(|span| gold.contains(span)).count(), gold.len()),
            overlap: Counts {
                found: found.len(),
                right: touched(&found, &gold),
                gold: gold.len(),
                hit: touched(&gold, &found),
            },
        }
    }

    fn of_all(rows: &[Marked], part: usize) -> Self {
        rows.iter().map(|row| Self::of(row, part)).fold(Self::default(), |sum, counts| Self {
            token: sum.token + counts.token,
            exact: sum.exact + counts.exact,
            overlap: sum.overlap + counts.overlap,
        })
    }
}

/// The words under each mark of `part`, each span once.
fn spans(row: &Marked, marks: &[Mark], part: usize) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for mark in marks.iter().filter(|mark| mark.part == part) {
        let span = span(&row.words, &mark.range);
        if !span.is_empty() && !spans.contains(&span) {
            spans.push(span);
        }
    }
    spans
}

fn token_counts(found: &[Span], gold: &[Span], words: usize) -> Counts {
    let (found, gold) = (covered(found, words), covered(gold, words));
    let both = found.iter().zip(&gold).filter(|(found, gold)| **found && **gold).count();
    Counts::one_to_one(count(&found), both, count(&gold))
}

/// Whether each word lies in one of `spans`.
fn covered(spans: &[Span], words: usize) -> Vec<bool> {
    let mut covered = vec![false; words];
    for span in spans {
        covered[span.clone()].fill(true);
    }
    covered
}

fn count(flags: &[bool]) -> usize {
    flags.iter().filter(|flag| **flag).count()
}

/// How many of `spans` share a word with one of `others`.
fn touched(spans: &[Span], others: &[Span]) -> usize {
    let touches = |one: &Span, other: &Span| one.start < other.end && other.start < one.end;
    spans.iter().filter(|span| others.iter().any(|other| touches(span, other))).count()
}

fn right_words(row: &Marked, parts: usize) -> usize {
    let (found, gold) = (labels(row, &row.found, parts), labels(row, &row.gold, parts));
    found.iter().zip(&gold).filter(|(found, gold)| found == gold).count()
}

/// The first part that covers each word.
fn labels(row: &Marked, marks: &[Mark], parts: usize) -> Vec<Option<usize>> {
    let mut labels = vec![None; row.words.len()];
    // Backwards, so that the first part has the last word.
    for part in (0..parts).rev() {
        for span in spans(row, marks, part) {
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
        Marked { words: words(TEXT), gold: gold.to_vec(), found: found.to_vec(), said: None }
    }

    fn source(gold: &[Mark], found: &[Mark]) -> PartScore {
        TaggingScores::of(&[marked(gold, found)], &parts()).per_class.remove(0)
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
        let scores = TaggingScores::of(&[marked(&[mark(0, "Ann")], &[mark(1, "Ann")])], &parts());
        assert_eq!((scores.micro_f1, scores.macro_f1), (Some(0.0), Some(0.0)));
        assert_eq!(scores.per_class[1].span_overlap.precision, Some(0.0));
        // One of eight words is wrong.
        assert_eq!(scores.accuracy, Some(7.0 / 8.0));
    }

    #[test]
    fn micro_weighs_words_and_macro_weighs_parts() {
        let gold = [mark(0, "Ann Lee"), mark(1, "said")];
        let scores = TaggingScores::of(&[marked(&gold, &[mark(0, "Ann Lee")])], &parts());
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
        assert_eq!(TaggingScores::of(&[row], &parts()).accuracy, Some(1.0));
    }

    #[test]
    fn nothing_read_is_null() {
        let scores = TaggingScores::of(&[], &parts());
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
            let scores = TaggingScores::of(&[marked(&gold, &found)], &parts());
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
