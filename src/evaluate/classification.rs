//! Scores of a sequence head, from texts with their right labels and the probabilities that the head gave.

use serde::Serialize;

use super::Classified;
use super::reliability::{self, ReliabilityBin};
use super::score::{Counts, Outcome, Score, macro_f1, mean, share};
use crate::model::document::log_probability;
use crate::record::Label;

/// The scores of a sequence head. The best label of a text is its most probable one, the first of equals. It is right if it is
/// one of those that the text may have. If a text may have several, per-label figures count it for the best label if that is
/// right, and otherwise for the first of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassificationScores {
    /// The number of texts.
    pub rows: usize,
    /// The share of texts whose best label is right: one of those that are acceptable. 0 to 1, as all scores here.
    pub accuracy: Option<f64>,
    /// The share of texts whose best label is the first of those that are acceptable.
    pub first_choice: Option<f64>,
    /// The accuracy on sentences that do not show their label by themselves; `None` if none is marked so.
    pub weak: Option<f64>,
    /// F1 over all labels' counts together: with one label a text the same as the accuracy.
    pub micro_f1: Option<f64>,
    /// The mean F1 of the labels that occur in the gold, 0 for those never predicted.
    pub macro_f1: Option<f64>,
    /// Expected calibration error in 15 bins of equal width: the distance of the best label's probability from the accuracy
    /// (Guo et al. 2017, "On Calibration of Modern Neural Networks").
    pub ece: Option<f64>,
    /// The mean of that error if every probability is true, by the chance of so few texts (Roelofs et al. 2022, "Mitigating
    /// Bias in Calibration Error Estimation"): an `ece` around it, or below, shows no fault.
    pub ece_by_chance: Option<f64>,
    /// The best labels' mean probability: above `accuracy` if the head is too sure.
    pub mean_score: Option<f64>,
    /// Mean negative natural logarithm of the right labels' probability, all of them together, in nats.
    pub nll: Option<f64>,
    /// Each label that occurs in the gold or was predicted, in the head's order.
    pub per_class: Vec<ClassScore>,
    /// The texts by gold label and predicted label.
    pub confusion: Confusion,
    /// Coverage and accuracy at the thresholds 0.0, 0.1 to 0.9.
    pub coverage: Vec<Coverage>,
    /// The same for the task's own `min_score`; `None` without a configuration.
    pub threshold: Option<Coverage>,
    /// The same for the lowest threshold, in hundredths, at which the accuracy is [`RECOMMENDED_ACCURACY`] or more; `None` if
    /// there is none.
    pub recommended: Option<Coverage>,
    /// The scores of the documents' own labels; `None` if the rows are not from documents.
    pub documents: Option<DocumentAccuracy>,
    /// Mean score and accuracy in each bin of `ece`.
    pub reliability: Vec<ReliabilityBin>,
}

/// The accuracy that labels have at a recommended threshold.
pub const RECOMMENDED_ACCURACY: f64 = 0.85;

/// The scores of documents' own labels, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DocumentAccuracy {
    /// The number of documents with a gold label.
    pub rows: usize,
    /// The share whose best label is acceptable.
    pub accuracy: Option<f64>,
    /// The share whose best label is the first of those that are acceptable.
    pub first_choice: Option<f64>,
    /// The share of documents in which the most frequent best label of the sentences is acceptable.
    pub most_frequent: Option<f64>,
    /// Expected calibration error in 15 bins.
    pub ece: Option<f64>,
    /// The mean of that error if every probability is true.
    pub ece_by_chance: Option<f64>,
}

/// The scores of one label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassScore {
    /// Its code, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its name.
    pub label: String,
    /// Precision, recall and F1.
    #[serde(flatten)]
    pub score: Score,
    /// The number of texts whose best label it was.
    pub predicted: usize,
}

/// A confusion matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// The names of the labels that occur in the gold or were predicted, in the head's order.
    pub labels: Vec<String>,
    /// The number of texts by gold label (the rows) and best label (the columns), both in the order of `labels`.
    pub counts: Vec<Vec<usize>>,
}

/// The effect of a threshold: less probable labels are not given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coverage {
    /// The threshold: the lowest probability that the best label must have.
    pub min_score: f64,
    /// The share of texts that keep a label.
    pub coverage: Option<f64>,
    /// The share of those whose label is right; `None` if there are none.
    pub accuracy: Option<f64>,
}

impl ClassificationScores {
    /// The scores of a head with `labels` on `rows`, without `threshold` and `documents`.
    ///
    /// # Panics
    /// If a row has a right label or a probability at a place beyond `labels`, or no right label.
    #[must_use]
    pub fn from_rows(rows: &[Classified], labels: &[Label]) -> Self {
        Self::from_outcomes(rows, &outcomes_of_rows(rows), labels)
    }

    /// As [`Self::from_rows`], with an outcome for each row.
    pub(super) fn from_outcomes(rows: &[Classified], outcomes: &[Outcome], labels: &[Label]) -> Self {
        let weak_rows = rows.iter().zip(outcomes).filter(|(row, _)| row.is_weak);
        let weak: Vec<Outcome> = weak_rows.map(|(_, outcome)| *outcome).collect();
        let counts = class_counts(outcomes.iter().copied(), labels.len());
        let present: Vec<usize> = (0..labels.len()).filter(|&class| occurs(&counts[class])).collect();
        Self {
            rows: rows.len(),
            accuracy: accuracy(outcomes),
            first_choice: first_choice(outcomes),
            weak: accuracy(&weak),
            micro_f1: counts.iter().copied().sum::<Counts>().f1(),
            macro_f1: macro_f1(&counts),
            ece: reliability::expected_calibration_error(outcomes),
            ece_by_chance: reliability::calibration_error_by_chance(outcomes),
            mean_score: mean(outcomes.iter().map(|outcome| f64::from(outcome.score))),
            nll: mean(rows.iter().map(negative_log_likelihood)),
            per_class: present.iter().map(|&class| ClassScore::new(&labels[class], &counts[class])).collect(),
            confusion: Confusion::new(outcomes, &present, labels),
            coverage: (0..10).map(|tenths| Coverage::new(outcomes, f64::from(tenths) / 10.0)).collect(),
            threshold: None,
            recommended: recommended_threshold(outcomes),
            documents: None,
            reliability: reliability::reliability_bins(outcomes),
        }
    }
}

impl DocumentAccuracy {
    /// The scores of `documents`. `rows` are their labelled sentences, in the same order of lines, with an outcome for each.
    /// `None` without documents.
    pub(super) fn new(documents: &[Classified], rows: &[Classified], outcomes: &[Outcome]) -> Option<Self> {
        if documents.is_empty() {
            return None;
        }
        let document_outcomes = outcomes_of_rows(documents);
        let mut sentences = rows.iter().zip(outcomes).peekable();
        let mut agreeing = 0;
        for document in documents {
            let mut counts = vec![0_usize; document.probabilities.len()];
            while let Some((row, outcome)) = sentences.next_if(|(row, _)| row.place.line <= document.place.line) {
                if row.place.line == document.place.line {
                    counts[outcome.best] += 1;
                }
            }
            // The first of equals, as for probabilities.
            let most_frequent = (0..counts.len()).rev().max_by_key(|&label| counts[label]);
            agreeing += usize::from(most_frequent.is_some_and(|label| document.acceptable.contains(&label)));
        }
        Some(Self {
            rows: documents.len(),
            accuracy: accuracy(&document_outcomes),
            first_choice: first_choice(&document_outcomes),
            most_frequent: share(agreeing, documents.len()),
            ece: reliability::expected_calibration_error(&document_outcomes),
            ece_by_chance: reliability::calibration_error_by_chance(&document_outcomes),
        })
    }
}

/// The outcome of each of `rows`, in order.
pub(super) fn outcomes_of_rows(rows: &[Classified]) -> Vec<Outcome> {
    rows.iter().map(Outcome::new).collect()
}

/// The lowest threshold, in hundredths, at which labels are right as often as is recommended.
fn recommended_threshold(outcomes: &[Outcome]) -> Option<Coverage> {
    (0..100)
        .map(|hundredths| Coverage::new(outcomes, f64::from(hundredths) / 100.0))
        .find(|coverage| coverage.accuracy.is_some_and(|accuracy| accuracy >= RECOMMENDED_ACCURACY))
}

fn negative_log_likelihood(row: &Classified) -> f64 {
    -log_probability(row.acceptable.iter().map(|&label| row.probabilities[label]).sum())
}

/// The counts of each of `classes` labels, in the head's order.
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
    fn new(label: &Label, counts: &Counts) -> Self {
        Self { code: label.code.clone(), label: label.label.clone(), score: counts.score(), predicted: counts.found }
    }
}

impl Confusion {
    /// The matrix of the labels at the places `present`.
    fn new(outcomes: &[Outcome], present: &[usize], labels: &[Label]) -> Self {
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
    /// The effect of the threshold `min_score`, which is compared as `f32`, as in a run.
    pub(super) fn new(outcomes: &[Outcome], min_score: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "scores are f32 throughout")]
        let threshold = min_score as f32;
        let kept: Vec<Outcome> = outcomes.iter().copied().filter(|outcome| outcome.score >= threshold).collect();
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
        ClassificationScores::from_rows(&rows, &labels(&["a", "b", "c", "d"]))
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
        assert_eq!(ClassificationScores::from_rows(&rows, &labels(&["a", "b"])).ece, Some(0.0));
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
        let scores = ClassificationScores::from_rows(&rows, &labels(&["a", "b", "c"]));
        assert_near(scores.accuracy, 2.0 / 3.0);
        assert_near(scores.first_choice, 1.0 / 3.0);
        assert_near(scores.weak, 1.0);
        assert_eq!(scores.confusion.counts, [[0, 0, 1], [0, 1, 0], [0, 0, 1]]);
    }

    #[test]
    fn the_recommended_threshold_is_the_lowest_with_the_recommended_accuracy() {
        let rows: Vec<_> =
            (0..100_u8).map(|text| row(usize::from(text < 30), &[0.5 + 0.005 * f32::from(text), 0.0])).collect();
        // From text 18 on, 70 of 82 are right: .854.
        let found = ClassificationScores::from_rows(&rows, &labels(&["a", "b"])).recommended.unwrap();
        assert_eq!((found.min_score, found.coverage), (0.59, Some(0.82)));
    }

    #[test]
    fn a_document_is_right_by_its_own_label_and_by_the_most_frequent_of_its_sentences() {
        let rows = [statement(1, &[0], 0), statement(1, &[0], 0), statement(1, &[0], 1), statement(3, &[1], 2)];
        let documents = [statement(1, &[0], 2), statement(3, &[1], 1)];
        let found = DocumentAccuracy::new(&documents, &rows, &outcomes_of_rows(&rows)).unwrap();
        assert_eq!((found.accuracy, found.most_frequent), (Some(0.5), Some(0.5)));
        assert_eq!(DocumentAccuracy::new(&[], &rows, &outcomes_of_rows(&rows)), None);
    }

    #[test]
    fn nothing_read_is_null_and_never_nan() {
        let scores = ClassificationScores::from_rows(&[], &labels(&["a"]));
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
        let outcome = Outcome::new(&row(1, &[f32::NAN, 0.4, f32::NAN]));
        assert_eq!((outcome.best, outcome.score), (1, 0.4));
    }

    fn rows() -> impl Strategy<Value = Vec<Classified>> {
        let row = (0..4_usize, prop::collection::vec(0.0..=1.0_f32, 4));
        prop::collection::vec(row.prop_map(|(gold, probabilities)| Classified::new(gold, probabilities)), 1..40)
    }

    proptest! {
        #[test]
        fn scores_are_shares_and_micro_f1_is_the_accuracy(rows in rows()) {
            let scores = ClassificationScores::from_rows(&rows, &labels(&["a", "b", "c", "d"]));
            prop_assert_eq!(scores.micro_f1, scores.accuracy);
            let classes = scores.per_class.iter().map(|class| class.score);
            let values = classes.flat_map(|score| [score.precision, score.recall, score.f1]);
            for value in values.chain([scores.macro_f1, scores.ece]).flatten() {
                prop_assert!((0.0..=1.0).contains(&value));
            }
        }
    }
}
