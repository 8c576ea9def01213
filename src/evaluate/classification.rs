//! Labelled texts to the scores of the head that labelled them.

use serde::Serialize;

use super::Classified;
use super::reliability::{self, ReliabilityBin};
use super::score::{Counts, Outcome, Score, log_probability, macro_f1, mean, share};
use crate::record::Label;

/// What a sequence head's labels are worth. The best label of a text is its most probable one, the first of equals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassificationScores {
    /// How many texts.
    pub rows: usize,
    /// The share of texts whose best label is right.
    pub accuracy: Option<f64>,
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
    /// Mean negative natural logarithm of the right label's probability.
    pub nll: Option<f64>,
    /// Each label that occurs in the gold or was predicted, in the head's order.
    pub per_class: Vec<ClassScore>,
    /// Which label was taken for which.
    pub confusion: Confusion,
    /// What a least score costs and gains, for 0.0, 0.1 to 0.9.
    pub coverage: Vec<Coverage>,
    /// What scores promise and keep, in the bins of `ece`.
    pub reliability: Vec<ReliabilityBin>,
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
        let counts = class_counts(outcomes.iter().copied(), labels.len());
        let present: Vec<usize> = (0..labels.len()).filter(|&class| occurs(&counts[class])).collect();
        Self {
            rows: rows.len(),
            accuracy: accuracy(&outcomes),
            micro_f1: counts.iter().copied().sum::<Counts>().f1(),
            macro_f1: macro_f1(&counts),
            ece: reliability::expected_calibration_error(&outcomes),
            ece_by_chance: reliability::calibration_error_by_chance(&outcomes),
            mean_score: mean(outcomes.iter().map(|outcome| f64::from(outcome.score))),
            nll: mean(rows.iter().map(|row| -log_probability(row.probabilities[row.gold]))),
            per_class: present.iter().map(|&class| ClassScore::of(&labels[class], &counts[class])).collect(),
            confusion: Confusion::of(&outcomes, &present, labels),
            coverage: (0..10).map(|tenths| Coverage::of(&outcomes, tenths)).collect(),
            reliability: reliability::bins(&outcomes),
        }
    }
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
    /// With a least score of so many `tenths`, compared as `f32`, as a run does.
    fn of(outcomes: &[Outcome], tenths: u8) -> Self {
        let least = f32::from(tenths) / 10.0;
        let kept: Vec<Outcome> = outcomes.iter().copied().filter(|outcome| outcome.score >= least).collect();
        Self {
            min_score: f64::from(tenths) / 10.0,
            coverage: share(kept.len(), outcomes.len()),
            accuracy: accuracy(&kept),
        }
    }
}

fn accuracy(outcomes: &[Outcome]) -> Option<f64> {
    share(outcomes.iter().filter(|outcome| outcome.is_right()).count(), outcomes.len())
}

fn occurs(counts: &Counts) -> bool {
    counts.gold + counts.found > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(names: &[&str]) -> Vec<Label> {
        names.iter().map(|&name| Label { code: None, label: name.to_owned(), iptc: None }).collect()
    }

    fn row(gold: usize, probabilities: &[f32]) -> Classified {
        Classified { gold, probabilities: probabilities.to_vec() }
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
        prop::collection::vec(row.prop_map(|(gold, probabilities)| Classified { gold, probabilities }), 1..40)
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
