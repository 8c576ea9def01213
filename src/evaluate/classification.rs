//! Labelled texts to the scores of the head that labelled them.

use serde::Serialize;

use super::Classified;
use super::reliability::{self, ReliabilityBin};
use super::score::{Counts, Outcome, Score, macro_f1, mean, share};
use crate::model::document::log_probability;
use crate::record::Label;

/// What a sequence head's labels are worth. The best label of a text is its most probable one, the first of equals. It is
/// right where it is one of those that the text may have. Where a text may have several, per-label figures count it for the
/// best label if that is right, and else for the first of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassificationScores {
    /// How many texts.
    pub rows: usize,
    /// The share of texts whose best label is right: one of those that are acceptable.
    pub accuracy: Option<f64>,
    /// The share of texts whose best label is the first of those that are acceptable.
    pub first_choice: Option<f64>,
    /// The accuracy on sentences whose label nobody could tell from the sentence alone; `None` where none is marked so.
    pub weak: Option<f64>,
    /// F1 over all labels' counts together: with one label a text the same as the accuracy.
    pub micro_f1: Option<f64>,
    /// The mean F1 of the labels that occur in the gold, 0 for those never predicted.
    pub macro_f1: Option<f64>,
    /// Expected calibration error in 15 bins of equal width (Guo et al. 2017, "On Calibration of Modern Neural
    /// Networks"): how far the best label's probability lies from the accuracy, 0 to 1.
    pub ece: Option<f64>,
    /// What that error is on average where every probability is true, by the chance of so few texts (Roelofs et al. 2022,
    /// "Mitigating Bias in Calibration Error Estimation"): an `ece` around it, or below, shows no fault.
    pub ece_by_chance: Option<f64>,
    /// The best labels' mean probability: above `accuracy` where the head is too sure of itself.
    pub mean_score: Option<f64>,
    /// Mean negative natural logarithm of the right labels' probability, all of them together.
    pub nll: Option<f64>,
    /// Each label that occurs in the gold or was predicted, in the head's order.
    pub per_class: Vec<ClassScore>,
    /// Which label was taken for which.
    pub confusion: Confusion,
    /// What a least score costs and gains, for 0.0, 0.1 to 0.9.
    pub coverage: Vec<Coverage>,
    /// The same for the task's own `min_score`; `None` where no configuration has been read.
    pub threshold: Option<Coverage>,
    /// The least score, in hundredths, from which on labels are right in [`RECOMMENDED_ACCURACY`] of the cases; `None` where
    /// there is none.
    pub recommended: Option<Coverage>,
    /// Documents by their own labels; `None` where the rows are no documents.
    pub documents: Option<DocumentAccuracy>,
    /// What scores promise and keep, in the bins of `ece`.
    pub reliability: Vec<ReliabilityBin>,
}

/// How often labels at or above a recommended threshold are right.
pub const RECOMMENDED_ACCURACY: f64 = 0.85;

/// What the labels of documents are worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DocumentAccuracy {
    /// How many documents have a label to measure by.
    pub rows: usize,
    /// The share whose best label is acceptable.
    pub accuracy: Option<f64>,
    /// The share whose best label is the first of those that are acceptable.
    pub first_choice: Option<f64>,
    /// The share of documents whose most frequent best label of a sentence is acceptable.
    pub most_frequent: Option<f64>,
    /// Expected calibration error in 15 bins.
    pub ece: Option<f64>,
    /// What that error is on average where every probability is true.
    pub ece_by_chance: Option<f64>,
}

/// How one label does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassScore {
    /// Its code, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its name.
    pub label: String,
    /// How well it is found.
    #[serde(flatten)]
    pub score: Score,
    /// For how many texts it was the best label.
    pub predicted: usize,
}

/// How often each label was taken for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// The names of the labels that occur in the gold or were predicted, in the head's order.
    pub labels: Vec<String>,
    /// Texts by gold label (the rows) and best label (the columns), both in the order of `labels`.
    pub counts: Vec<Vec<usize>>,
}

/// What is left when only the surest labels are given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coverage {
    /// The least probability that the best label must have.
    pub min_score: f64,
    /// The share of texts that keep a label.
    pub coverage: Option<f64>,
    /// The share of those whose label is right; `None` where there are none.
    pub accuracy: Option<f64>,
}

impl ClassificationScores {
    /// The scores of a head with `labels`.
    ///
    /// # Panics
    /// Where a gold label's place or a probability's lies beyond `labels`.
    #[must_use]
    pub fn of(rows: &[Classified], labels: &[Label]) -> Self {
        let outcomes: Vec<Outcome> = rows.iter().map(Outcome::of).collect();
        let weak: Vec<Outcome> = rows.iter().filter(|row| row.is_weak).map(Outcome::of).collect();
        let counts = class_counts(outcomes.iter().copied(), labels.len());
        let present: Vec<usize> = (0..labels.len()).filter(|&class| occurs(&counts[class])).collect();
        Self {
            rows: rows.len(),
            accuracy: accuracy(&outcomes),
            first_choice: first_choice(&outcomes),
            weak: accuracy(&weak),
            micro_f1: counts.iter().copied().sum::<Counts>().f1(),
            macro_f1: macro_f1(&counts),
            ece: reliability::expected_calibration_error(&outcomes),
            ece_by_chance: reliability::calibration_error_by_chance(&outcomes),
            mean_score: mean(outcomes.iter().map(|outcome| f64::from(outcome.score))),
            nll: mean(rows.iter().map(negative_log_likelihood)),
            per_class: present.iter().map(|&class| ClassScore::of(&labels[class], &counts[class])).collect(),
            confusion: Confusion::of(&outcomes, &present, labels),
            coverage: (0..10).map(|tenths| Coverage::of(&outcomes, f64::from(tenths) / 10.0)).collect(),
            threshold: None,
            recommended: recommended(&outcomes),
            documents: None,
            reliability: reliability::bins(&outcomes),
        }
    }
}

impl DocumentAccuracy {
    /// Of `documents` whose sentences are `rows`, in the same order.
    #[must_use]
    pub fn of(documents: &[Classified], rows: &[Classified]) -> Option<Self> {
        let outcomes: Vec<Outcome> = documents.iter().map(Outcome::of).collect();
        if outcomes.is_empty() {
            return None;
        }
        let mut sentences = rows.iter().peekable();
        let mut agreeing = 0;
        for document in documents {
            let mut counts = vec![0_usize; document.probabilities.len()];
            while let Some(row) = sentences.next_if(|row| row.place.line <= document.place.line) {
                if row.place.line == document.place.line {
                    counts[Outcome::of(row).best] += 1;
                }
            }
            // The first of equals, as for probabilities.
            let most_frequent = (0..counts.len()).rev().max_by_key(|&label| counts[label]);
            agreeing += usize::from(most_frequent.is_some_and(|label| document.acceptable.contains(&label)));
        }
        Some(Self {
            rows: outcomes.len(),
            accuracy: accuracy(&outcomes),
            first_choice: first_choice(&outcomes),
            most_frequent: share(agreeing, documents.len()),
            ece: reliability::expected_calibration_error(&outcomes),
            ece_by_chance: reliability::calibration_error_by_chance(&outcomes),
        })
    }
}

/// What becomes of `rows` where less probable labels than `min_score` are not given.
#[must_use]
pub fn coverage_at(rows: &[Classified], min_score: f64) -> Coverage {
    Coverage::of(&rows.iter().map(Outcome::of).collect::<Vec<_>>(), min_score)
}

/// The least score, in hundredths, at which labels are right as often as is recommended.
fn recommended(outcomes: &[Outcome]) -> Option<Coverage> {
    let at = (0..100).map(|hundredths| Coverage::of(outcomes, f64::from(hundredths) / 100.0));
    at.into_iter().find(|coverage| coverage.accuracy.is_some_and(|accuracy| accuracy >= RECOMMENDED_ACCURACY))
}

fn negative_log_likelihood(row: &Classified) -> f64 {
    -log_probability(row.acceptable.iter().map(|&label| row.probabilities[label]).sum())
}

/// What was found of each label.
pub(super) fn class_counts(outcomes: impl Iterator<Item = Outcome>, classes: usize) -> Vec<Counts> {
    let mut counts = vec![Counts::default(); classes];
    for outcome in outcomes {
        counts[outcome.best].found += 1;
        counts[outcome.gold].gold += 1;
        if outcome.is_right() {
            counts[outcome.gold].right += 1;
            counts[outcome.gold].hit += 1;
        }
    }
    counts
}

impl ClassScore {
    fn of(label: &Label, counts: &Counts) -> Self {
        Self { code: label.code.clone(), label: label.label.clone(), score: counts.score(), predicted: counts.found }
    }
}

impl Confusion {
    fn of(outcomes: &[Outcome], present: &[usize], labels: &[Label]) -> Self {
        let mut all = vec![vec![0; labels.len()]; labels.len()];
        for outcome in outcomes {
            all[outcome.gold][outcome.best] += 1;
        }
        Self {
            labels: present.iter().map(|&class| labels[class].label.clone()).collect(),
            counts: present.iter().map(|&gold| present.iter().map(|&best| all[gold][best]).collect()).collect(),
        }
    }
}

impl Coverage {
    /// With a least score, compared as `f32`, as a run does.
    fn of(outcomes: &[Outcome], min_score: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "scores are f32 throughout")]
        let least = min_score as f32;
        let kept: Vec<Outcome> = outcomes.iter().copied().filter(|outcome| outcome.score >= least).collect();
        Self { min_score, coverage: share(kept.len(), outcomes.len()), accuracy: accuracy(&kept) }
    }
}

fn accuracy(outcomes: &[Outcome]) -> Option<f64> {
    share(outcomes.iter().filter(|outcome| outcome.is_right()).count(), outcomes.len())
}

fn first_choice(outcomes: &[Outcome]) -> Option<f64> {
    share(outcomes.iter().filter(|outcome| outcome.is_first_choice).count(), outcomes.len())
}

fn occurs(counts: &Counts) -> bool {
    counts.gold + counts.found > 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::RowPlace;

    fn labels(names: &[&str]) -> Vec<Label> {
        names.iter().map(|&name| Label { code: None, label: name.to_owned(), iptc: None }).collect()
    }

    fn row(gold: usize, probabilities: &[f32]) -> Classified {
        Classified::new(gold, probabilities.to_vec())
    }

    /// Five texts: a taken for a twice and for b once, b for b once, c for a; nothing is taken for c, d never occurs.
    fn scores() -> ClassificationScores {
        let rows = [
            row(0, &[0.9, 0.1, 0.0, 0.0]),
            row(0, &[0.5, 0.5, 0.0, 0.0]),
            row(0, &[0.2, 0.8, 0.0, 0.0]),
            row(1, &[0.0, 1.0, 0.0, 0.0]),
            row(2, &[0.6, 0.1, 0.3, 0.0]),
        ];
        ClassificationScores::of(&rows, &labels(&["a", "b", "c", "d"]))
    }

    #[track_caller]
    fn assert_near(value: Option<f64>, expected: f64) {
        assert!(value.is_some_and(|value| (value - expected).abs() < 1e-6), "{value:?} is not {expected}");
    }

    #[test]
    fn accuracy_and_f1_are_those_done_by_hand() {
        let scores = scores();
        assert_near(scores.accuracy, 3.0 / 5.0);
        assert_near(scores.micro_f1, 3.0 / 5.0);
        // F1 of a: 2·2/(3+3); of b: 2·1/(2+1); of c: 0.
        assert_near(scores.macro_f1, (2.0 / 3.0 + 2.0 / 3.0 + 0.0) / 3.0);
    }

    #[test]
    fn calibration_error_and_likelihood_are_those_done_by_hand() {
        let scores = scores();
        // Best scores 0.9 right, 0.5 right, 0.8 wrong, 1.0 right, 0.6 wrong: each alone in its bin.
        assert_near(scores.ece, (0.1 + 0.5 + 0.8 + 0.0 + 0.6) / 5.0);
        assert_near(scores.nll, -(0.9_f64 * 0.5 * 0.2 * 1.0 * 0.3).ln() / 5.0);
    }

    #[test]
    fn texts_of_one_bin_make_up_for_each_other() {
        let rows = [row(0, &[0.75, 0.25]), row(0, &[0.75, 0.25]), row(0, &[0.75, 0.25]), row(1, &[0.75, 0.25])];
        assert_eq!(ClassificationScores::of(&rows, &labels(&["a", "b"])).ece, Some(0.0));
    }

    #[test]
    fn a_label_never_predicted_scores_0_and_one_that_never_occurs_is_left_out() {
        let per_class = scores().per_class;
        let names: Vec<&str> = per_class.iter().map(|class| class.label.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(per_class[2].predicted, 0);
        assert_eq!(per_class[2].score, Score { precision: None, recall: Some(0.0), f1: Some(0.0), support: 1 });
    }

    #[test]
    fn confusion_has_gold_in_rows_and_predictions_in_columns() {
        assert_eq!(scores().confusion.counts, [[2, 1, 0], [0, 1, 0], [1, 0, 0]]);
    }

    #[test]
    fn coverage_falls_as_the_least_score_rises() {
        let coverage = scores().coverage;
        assert_eq!(coverage.len(), 10);
        assert_eq!(coverage[0], Coverage { min_score: 0.0, coverage: Some(1.0), accuracy: Some(0.6) });
        // A score of exactly 0.8 is kept: 0.9 right, 0.8 wrong, 1.0 right.
        assert_eq!(coverage[8], Coverage { min_score: 0.8, coverage: Some(0.6), accuracy: Some(2.0 / 3.0) });
        assert_eq!(coverage[9], Coverage { min_score: 0.9, coverage: Some(0.4), accuracy: Some(1.0) });
    }

    fn statement(line: u64, acceptable: &[usize], best: usize) -> Classified {
        let mut probabilities = vec![0.0; 3];
        probabilities[best] = 1.0;
        let place = RowPlace { line, statement: Some(0) };
        Classified { place, acceptable: acceptable.to_vec(), is_weak: line == 2, probabilities }
    }

    #[test]
    fn any_acceptable_label_is_right_and_the_first_is_the_first_choice() {
        let rows = [statement(1, &[0, 1], 1), statement(1, &[0, 1], 2), statement(2, &[2], 2)];
        let scores = ClassificationScores::of(&rows, &labels(&["a", "b", "c"]));
        assert_near(scores.accuracy, 2.0 / 3.0);
        assert_near(scores.first_choice, 1.0 / 3.0);
        assert_near(scores.weak, 1.0);
        assert_eq!(scores.confusion.counts, [[0, 0, 1], [0, 1, 0], [0, 0, 1]]);
    }

    #[test]
    fn the_recommended_threshold_is_the_least_that_keeps_its_promise() {
        let rows: Vec<_> =
            (0..100_u8).map(|text| row(usize::from(text < 30), &[0.5 + 0.005 * f32::from(text), 0.0])).collect();
        // From text 18 on, 70 of 82 are right: .854.
        let found = ClassificationScores::of(&rows, &labels(&["a", "b"])).recommended.unwrap();
        assert_eq!((found.min_score, found.coverage), (0.59, Some(0.82)));
    }

    #[test]
    fn a_document_is_right_by_its_own_label_and_by_the_most_frequent_of_its_sentences() {
        let rows = [statement(1, &[0], 0), statement(1, &[0], 0), statement(1, &[0], 1), statement(3, &[1], 2)];
        let documents = [statement(1, &[0], 2), statement(3, &[1], 1)];
        let found = DocumentAccuracy::of(&documents, &rows).unwrap();
        assert_eq!((found.accuracy, found.most_frequent), (Some(0.5), Some(0.5)));
        assert_eq!(DocumentAccuracy::of(&[], &rows), None);
    }

    #[test]
    fn nothing_read_is_null_and_never_nan() {
        let scores = ClassificationScores::of(&[], &labels(&["a"]));
        let json = serde_json::to_value(&scores).unwrap();
        assert_eq!((scores.accuracy, scores.ece, scores.coverage[0].coverage), (None, None, None));
        assert_eq!((&json["macro_f1"], &json["per_class"]), (&serde_json::Value::Null, &serde_json::json!([])));
    }

    #[test]
    fn a_class_is_one_flat_object_in_order() {
        let json = serde_json::to_string(&scores().per_class[2]).unwrap();
        assert_eq!(json, r#"{"label":"c","precision":null,"recall":0.0,"f1":0.0,"support":1,"predicted":0}"#);
    }

    #[test]
    fn a_probability_that_is_no_number_is_never_the_best() {
        let outcome = Outcome::of(&row(1, &[f32::NAN, 0.4, f32::NAN]));
        assert_eq!((outcome.best, outcome.score), (1, 0.4));
    }

    fn rows() -> impl Strategy<Value = Vec<Classified>> {
        let row = (0..4_usize, prop::collection::vec(0.0..=1.0_f32, 4));
        prop::collection::vec(row.prop_map(|(gold, probabilities)| Classified::new(gold, probabilities)), 1..40)
    }

    proptest! {
        #[test]
        fn scores_are_shares_and_micro_f1_is_the_accuracy(rows in rows()) {
            let scores = ClassificationScores::of(&rows, &labels(&["a", "b", "c", "d"]));
            prop_assert_eq!(scores.micro_f1, scores.accuracy);
            let classes = scores.per_class.iter().map(|class| class.score);
            let values = classes.flat_map(|score| [score.precision, score.recall, score.f1]);
            for value in values.chain([scores.macro_f1, scores.ece]).flatten() {
                prop_assert!((0.0..=1.0).contains(&value));
            }
        }
    }
}
