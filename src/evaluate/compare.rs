//! Compares two models on the same texts: the difference of their scores, with a confidence interval.
//!
//! Paired bootstrap (Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation"): texts are drawn
//! again and again with replacement, the same for both models, and the difference of their scores is taken each time.

use std::ops::Range;

use serde::Serialize;

use super::classification::{class_counts, outcomes_of_rows};
use super::reliability::expected_calibration_error;
use super::score::{Counts, Outcome, macro_f1, share};
use super::tagging::PartCounts;
use super::{Classified, Marked};

/// The number of resamples of the bootstrap.
pub const RESAMPLES: usize = 1000;
/// The seed of the resamples, so that the same models always compare alike.
pub const SEED: u64 = 2004;

/// The difference of two models' scores, with its 95 % percentile interval; all 0 without rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The difference over all rows.
    pub difference: f64,
    /// The lower bound of the middle 95 % of the resamples.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
    /// The share of resamples with a difference above 0.
    pub share_better: f64,
}

/// The differences between two sequence heads, ours less the baseline's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassificationComparison {
    /// In accuracy.
    pub accuracy: Interval,
    /// In macro F1, over the labels in the gold of each resample.
    pub macro_f1: Interval,
    /// In expected calibration error over all rows: below 0 if ours is better calibrated. `None` without rows.
    pub ece_difference: Option<f64>,
}

/// The differences between two token heads, ours less the baseline's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaggingComparison {
    /// In each part, in the order of their names.
    pub per_class: Vec<PartComparison>,
}

/// The differences between two token heads in one part. A resample in which a part neither occurs nor was found counts as an
/// F1 of 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartComparison {
    /// Its name.
    pub part: String,
    /// In F1 over words.
    pub token_f1: Interval,
    /// In F1 over exact spans.
    pub span_exact_f1: Interval,
}

/// The reasons why two models cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// They have different numbers of rows.
    #[error("cannot compare {ours} rows with {baseline}")]
    Lengths {
        /// The number of ours.
        ours: usize,
        /// The number of the baseline's.
        baseline: usize,
    },
    /// The gold or the words differ, so the rows are not of the same texts in the same order.
    #[error("cannot compare row {row}: it is not the same text in both")]
    Gold {
        /// The first such row, counted from 0.
        row: usize,
    },
}

/// Compares two sequence heads whose labels are in the same order. Row by row, both must be of the same texts.
///
/// # Errors
/// If the rows differ in number or gold.
pub fn compare_classification(
    ours: &[Classified],
    baseline: &[Classified],
) -> Result<ClassificationComparison, CompareError> {
    check_rows(ours, baseline, |ours, baseline| {
        (&ours.acceptable, ours.place) == (&baseline.acceptable, baseline.place)
    })?;
    let documents = rows_by_document(ours);
    let ours = Outcomes::new(ours);
    let baseline = Outcomes::new(baseline);
    let errors = expected_calibration_error(&ours.rows).zip(expected_calibration_error(&baseline.rows));
    Ok(ClassificationComparison {
        accuracy: paired_interval(&documents, RESAMPLES, SEED, |rows| {
            ours.accuracy_on(rows) - baseline.accuracy_on(rows)
        }),
        macro_f1: paired_interval(&documents, RESAMPLES, SEED, |rows| {
            ours.macro_f1_on(rows) - baseline.macro_f1_on(rows)
        }),
        ece_difference: errors.map(|(ours, baseline)| ours - baseline),
    })
}

/// Compares two token heads that mark `parts`. Row by row, both must be of the same texts.
///
/// # Errors
/// If the rows differ in number, words or gold.
pub fn compare_tagging(
    ours: &[Marked],
    baseline: &[Marked],
    parts: &[String],
) -> Result<TaggingComparison, CompareError> {
    check_rows(ours, baseline, |ours, baseline| ours.gold == baseline.gold && ours.words == baseline.words)?;
    let mut per_class = Vec::with_capacity(parts.len());
    for (part, name) in parts.iter().enumerate() {
        let ours: Vec<PartCounts> = ours.iter().map(|row| PartCounts::new(row, part)).collect();
        let baseline: Vec<PartCounts> = baseline.iter().map(|row| PartCounts::new(row, part)).collect();
        per_class.push(PartComparison {
            part: name.clone(),
            token_f1: f1_interval(&ours, &baseline, |counts| counts.token),
            span_exact_f1: f1_interval(&ours, &baseline, |counts| counts.exact),
        });
    }
    Ok(TaggingComparison { per_class })
}

/// The rows of each text: sentences of one document depend on each other, so they are drawn together.
fn rows_by_document(rows: &[Classified]) -> Vec<Range<usize>> {
    let mut documents = Vec::new();
    let mut start = 0;
    for document in rows.chunk_by(are_of_one_document) {
        documents.push(start..start + document.len());
        start += document.len();
    }
    documents
}

fn are_of_one_document(one: &Classified, next: &Classified) -> bool {
    one.place.statement.is_some() && one.place.line == next.place.line
}

/// Texts of one row each.
pub(super) fn single_rows(rows: usize) -> Vec<Range<usize>> {
    (0..rows).map(|row| row..row + 1).collect()
}

/// The 95 % percentile interval of a `difference`, by bootstrap over texts. `difference` gets the places of the drawn rows;
/// `texts` has the rows of each text, in order. Draws as many texts as there are, with replacement, `resamples` times, and
/// always the same ones for the same `seed`.
#[must_use]
pub fn paired_interval(
    texts: &[Range<usize>],
    resamples: usize,
    seed: u64,
    difference: impl Fn(&[usize]) -> f64,
) -> Interval {
    let mut indices: Vec<usize> = texts.iter().cloned().flatten().collect();
    let whole = difference(&indices);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut drawn = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        indices.clear();
        for _ in texts {
            indices.extend(texts[random.usize(..texts.len())].clone());
        }
        drawn.push(difference(&indices));
    }
    drawn.sort_by(f64::total_cmp);
    let better = drawn.iter().filter(|difference| **difference > 0.0).count();
    Interval {
        difference: whole,
        low: drawn.get(tail(resamples)).copied().unwrap_or(whole),
        high: drawn.iter().rev().nth(tail(resamples)).copied().unwrap_or(whole),
        share_better: share(better, resamples).unwrap_or(0.0),
    }
}

/// The number of sorted resamples outside the interval at each end: 2.5 %.
fn tail(resamples: usize) -> usize {
    resamples / 40
}

fn check_rows<Row>(
    ours: &[Row],
    baseline: &[Row],
    is_same_text: impl Fn(&Row, &Row) -> bool,
) -> Result<(), CompareError> {
    if ours.len() != baseline.len() {
        return Err(CompareError::Lengths { ours: ours.len(), baseline: baseline.len() });
    }
    match ours.iter().zip(baseline).position(|(ours, baseline)| !is_same_text(ours, baseline)) {
        Some(row) => Err(CompareError::Gold { row }),
        None => Ok(()),
    }
}

/// The outcomes of one sequence head.
struct Outcomes {
    rows: Vec<Outcome>,
    /// One more than the last label's place.
    classes: usize,
}

impl Outcomes {
    fn new(rows: &[Classified]) -> Self {
        let rows = outcomes_of_rows(rows);
        let classes = rows.iter().map(|row| row.gold.max(row.best) + 1).max().unwrap_or(0);
        Self { rows, classes }
    }

    fn accuracy_on(&self, indices: &[usize]) -> f64 {
        let right = indices.iter().filter(|&&index| self.rows[index].is_right()).count();
        share(right, indices.len()).unwrap_or(0.0)
    }

    fn macro_f1_on(&self, indices: &[usize]) -> f64 {
        let counts = class_counts(indices.iter().map(|&index| self.rows[index]), self.classes);
        macro_f1(&counts).unwrap_or(0.0)
    }
}

/// The interval of the difference in F1, for the counts that `counts` selects.
fn f1_interval(ours: &[PartCounts], baseline: &[PartCounts], counts: fn(&PartCounts) -> Counts) -> Interval {
    let ours: Vec<Counts> = ours.iter().map(counts).collect();
    let baseline: Vec<Counts> = baseline.iter().map(counts).collect();
    paired_interval(&single_rows(ours.len()), RESAMPLES, SEED, |rows| f1_on(&ours, rows) - f1_on(&baseline, rows))
}

fn f1_on(counts: &[Counts], indices: &[usize]) -> f64 {
    indices.iter().map(|&index| counts[index]).sum::<Counts>().f1().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{ClassificationScores, words};
    use crate::labelled::Mark;
    use crate::record::Label;

    /// 90 texts with three labels by turns, of which the first `right` are labelled right.
    fn labelled(right: usize) -> Vec<Classified> {
        let row = |text: usize| {
            let best = if text < right { text % 3 } else { (text + 1) % 3 };
            let probability = |class| if class == best { 0.8 } else { 0.1 };
            Classified::new(text % 3, (0..3).map(probability).collect())
        };
        (0..90).map(row).collect()
    }

    fn marked(found: &str) -> Marked {
        let text = "so said Ann Lee today";
        let mark = |quote: &str| {
            let start = text.find(quote).unwrap();
            vec![Mark { part: 0, range: start..start + quote.len() }]
        };
        Marked { words: words(text), gold: mark("Ann Lee"), found: mark(found), relations: None }
    }

    #[test]
    fn a_model_does_not_differ_from_itself() {
        let nothing = Interval { difference: 0.0, low: 0.0, high: 0.0, share_better: 0.0 };
        let comparison = compare_classification(&labelled(60), &labelled(60)).unwrap();
        assert_eq!((comparison.accuracy, comparison.macro_f1), (nothing, nothing));
        assert_eq!(comparison.ece_difference, Some(0.0));
    }

    #[test]
    fn models_that_err_elsewhere_as_often_have_zero_within_their_interval() {
        let mut baseline = labelled(60);
        for (text, row) in baseline.iter_mut().enumerate() {
            // Right where ours is wrong, and wrong where 30 of ours are right.
            let gold = row.acceptable[0];
            let best = if text >= 30 { gold } else { (gold + 1) % 3 };
            row.probabilities = (0..3_usize).map(|class| if class == best { 0.8 } else { 0.1 }).collect();
        }
        let accuracy = compare_classification(&labelled(60), &baseline).unwrap().accuracy;
        assert!(accuracy.difference.abs() < 1e-12);
        assert!(accuracy.low < 0.0 && 0.0 < accuracy.high && (0.3..0.7).contains(&accuracy.share_better));
    }

    #[test]
    fn a_clearly_better_model_lies_above_zero_and_the_worse_below() {
        let better = compare_classification(&labelled(81), &labelled(45)).unwrap();
        assert!((better.accuracy.difference - 0.4).abs() < 1e-12);
        assert!(better.accuracy.low > 0.0 && better.macro_f1.low > 0.0 && better.ece_difference < Some(0.0));
        // 36 of 90 texts differ: 1.96 standard errors, the root of 0.4 · 0.6 / 90, to each side.
        assert!((better.accuracy.high - better.accuracy.low - 0.202).abs() < 0.03);
        let worse = compare_classification(&labelled(45), &labelled(81)).unwrap();
        assert!(worse.accuracy.high < 0.0 && worse.accuracy.share_better == 0.0);
    }

    #[test]
    fn differences_are_those_of_the_scores() {
        let labels = ["a", "b", "c"].map(|name| Label { code: None, label: name.to_owned(), iptc: None });
        let macro_f1 = |rows: &[Classified]| ClassificationScores::from_rows(rows, &labels).macro_f1.unwrap();
        let comparison = compare_classification(&labelled(80), &labelled(47)).unwrap();
        let expected = macro_f1(&labelled(80)) - macro_f1(&labelled(47));
        assert!((comparison.macro_f1.difference - expected).abs() < 1e-12);
    }

    #[test]
    fn marks_are_compared_part_by_part() {
        let (whole, half) = (vec![marked("Ann Lee"); 20], vec![marked("Ann"); 20]);
        let parts = ["source", "cue"].map(str::to_owned);
        let [source, cue] = compare_tagging(&whole, &half, &parts).unwrap().per_class.try_into().unwrap();
        assert_eq!((source.token_f1.difference, source.token_f1.low), (1.0 - 2.0 / 3.0, 1.0 - 2.0 / 3.0));
        assert_eq!((source.span_exact_f1.difference, source.span_exact_f1.share_better), (1.0, 1.0));
        assert_eq!((cue.token_f1.difference, cue.token_f1.high), (0.0, 0.0));
    }

    #[test]
    fn the_interval_leaves_out_two_and_a_half_percent_at_each_end() {
        // A difference that counts up: whole, then 1 to 1000.
        let calls = std::cell::Cell::new(0.0);
        let interval = paired_interval(&single_rows(1), 1000, SEED, |_| calls.replace(calls.get() + 1.0));
        assert_eq!((interval.difference, interval.low, interval.high), (0.0, 26.0, 975.0));
    }

    #[test]
    fn sentences_of_a_document_are_drawn_together() {
        let mut rows = labelled(60)[..5].to_vec();
        for (row, line) in rows.iter_mut().zip([1, 1, 2, 3, 3]) {
            row.place = crate::evaluate::RowPlace { line, statement: Some(0) };
        }
        assert_eq!(rows_by_document(&rows), [0..2, 2..3, 3..5]);
        for row in &mut rows {
            row.place.statement = None;
        }
        assert_eq!(rows_by_document(&rows).len(), 5, "rows without sentences stand alone");
    }

    #[test]
    fn the_same_seed_draws_the_same_rows_and_another_draws_others() {
        let drawn = |seed| {
            let seen = std::cell::RefCell::new(Vec::new());
            let _ = paired_interval(&single_rows(9), 3, seed, |rows| {
                seen.borrow_mut().push(rows.to_vec());
                0.0
            });
            seen.into_inner()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert_eq!(drawn(1)[0], (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn rows_of_other_texts_are_refused() {
        let (ours, mut baseline) = (labelled(60), labelled(60));
        baseline[7].acceptable = vec![2];
        assert_eq!(compare_classification(&ours, &baseline), Err(CompareError::Gold { row: 7 }));
        let lengths = CompareError::Lengths { ours: 90, baseline: 89 };
        assert_eq!(compare_classification(&ours, &baseline[1..]), Err(lengths));
        let (mut other, parts) = (marked("Ann"), ["source".to_owned()]);
        other.words.pop();
        assert_eq!(compare_tagging(&[marked("Ann")], &[other], &parts), Err(CompareError::Gold { row: 0 }));
    }

    #[test]
    fn no_rows_differ_by_nothing() {
        let comparison = compare_classification(&[], &[]).unwrap();
        assert_eq!((comparison.accuracy.difference, comparison.ece_difference), (0.0, None));
        let source = compare_tagging(&[], &[], &["source".to_owned()]).unwrap().per_class.remove(0);
        assert_eq!((source.token_f1.difference, source.token_f1.high), (0.0, 0.0));
    }
}
