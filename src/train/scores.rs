//! The scores of an epoch on the dev sets.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::evaluate::measure::{Measured, Scores};
use crate::evaluate::{ClassificationScores, TaggingScores};

/// The scores of one epoch on all dev sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochScores {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The mean loss of its steps.
    pub loss: f64,
    /// Training tokens per second, without padding.
    pub tokens_per_second: f64,
    /// The time of the training steps, without the evaluation.
    pub seconds: f64,
    /// The score by which the best epoch is selected, 0 to 1: the mean over heads of the mean over their sets.
    pub score: f64,
    /// The scores on each dev set.
    pub sets: Vec<SetScores>,
}

/// The scores of a head on one dev set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetScores {
    /// The head.
    pub head: String,
    /// The set.
    pub set: String,
    /// The set does not count for [`EpochScores::score`].
    pub report_only: bool,
    /// The number of rows.
    pub rows: usize,
    /// The share of texts with the right label; for a token head, of words.
    pub accuracy: f64,
    /// The mean F1 of the labels; for a token head, of the parts, counted in words.
    pub macro_f1: f64,
    /// The expected calibration error of a sequence head.
    pub ece: Option<f64>,
    /// The mean of that error over samples of the same size from a perfectly calibrated model.
    pub ece_by_chance: Option<f64>,
    /// The F1 of each part of a token head, counted in words.
    pub parts: Vec<(String, f64)>,
}

impl SetScores {
    /// The scores of `measured` on the set called `set`.
    pub(super) fn new(head: &str, set: &str, report_only: bool, measured: &Measured) -> Self {
        let blank = Self {
            head: head.to_owned(),
            set: set.to_owned(),
            report_only,
            rows: 0,
            accuracy: 0.0,
            macro_f1: 0.0,
            ece: None,
            ece_by_chance: None,
            parts: Vec::new(),
        };
        match measured.scores(None) {
            Scores::Classification(scores) => blank.with_labels(&scores),
            Scores::Tagging(scores) => blank.with_parts(&scores),
        }
    }

    fn with_labels(self, scores: &ClassificationScores) -> Self {
        Self {
            rows: scores.rows,
            accuracy: scores.accuracy.unwrap_or(0.0),
            macro_f1: scores.macro_f1.unwrap_or(0.0),
            ece: scores.ece,
            ece_by_chance: scores.ece_by_chance,
            ..self
        }
    }

    fn with_parts(self, scores: &TaggingScores) -> Self {
        let mut parts = Vec::new();
        for part in &scores.per_class {
            parts.push((part.part.clone(), part.token.f1.unwrap_or(0.0)));
        }
        Self {
            rows: scores.rows,
            accuracy: scores.accuracy.unwrap_or(0.0),
            macro_f1: scores.macro_f1.unwrap_or(0.0),
            parts,
            ..self
        }
    }

    /// The score that counts for the selection: the mean F1 of a token head, half accuracy and half macro-F1 of a sequence head.
    fn selection_score(&self) -> f64 {
        if self.parts.is_empty() { f64::midpoint(self.accuracy, self.macro_f1) } else { self.macro_f1 }
    }
}

/// The mean over heads of the mean over their sets. Sets that are only reported are left out.
pub(super) fn selection_score(sets: &[SetScores]) -> f64 {
    let mut heads: IndexMap<&str, Vec<f64>> = IndexMap::new();
    for set in sets.iter().filter(|set| !set.report_only) {
        heads.entry(&set.head).or_default().push(set.selection_score());
    }
    let mut means = Vec::new();
    for scores in heads.values() {
        means.push(mean(scores));
    }
    mean(&means)
}

/// The mean of `values`; 0 where there are none.
#[expect(clippy::cast_precision_loss, reason = "a handful of scores")]
pub(super) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}
