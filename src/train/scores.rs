//! What an epoch is worth on the sets to measure by.

use serde::{Deserialize, Serialize};

use crate::evaluate::measure::{Measured, Scores};
use crate::evaluate::{ClassificationScores, PartScore, TaggingScores};

/// What an epoch is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochScores {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The mean loss of its steps.
    pub loss: f64,
    /// Tokens read a second, padding left out.
    pub tokens_per_second: f64,
    /// How long it took, without measuring.
    pub seconds: f64,
    /// The mean over heads of what decides, 0 to 1.
    pub score: f64,
    /// Each set to measure by.
    pub sets: Vec<SetScores>,
}

/// What a head is worth on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetScores {
    /// The head.
    pub head: String,
    /// The set.
    pub set: String,
    /// Whether it counts for [`EpochScores::score`].
    pub decides: bool,
    /// The number of rows.
    pub rows: usize,
    /// The share of right labels; of right words for a token head.
    pub accuracy: f64,
    /// The mean F1 of labels; of parts, by words, for a token head.
    pub macro_f1: f64,
    /// The expected calibration error of a sequence head.
    pub ece: Option<f64>,
    /// What that error is on average where every score is true, as there are so few rows.
    pub ece_by_chance: Option<f64>,
    /// The F1 of each part of a token head, by words.
    pub parts: Vec<(String, f64)>,
}

impl SetScores {
    /// Of what a head found in a set.
    pub(super) fn of(head: &str, set: &str, decides: bool, measured: &Measured) -> Self {
        let blank = Self {
            head: head.to_owned(),
            set: set.to_owned(),
            decides,
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
        let part = |part: &PartScore| (part.part.clone(), part.token.f1.unwrap_or(0.0));
        Self {
            rows: scores.rows,
            accuracy: scores.accuracy.unwrap_or(0.0),
            macro_f1: scores.macro_f1.unwrap_or(0.0),
            parts: scores.per_class.iter().map(part).collect(),
            ..self
        }
    }

    /// What decides about it: F1 of a token head, half accuracy and half macro-F1 of a sequence head.
    fn deciding(&self) -> f64 {
        if self.parts.is_empty() { f64::midpoint(self.accuracy, self.macro_f1) } else { self.macro_f1 }
    }
}

/// The mean over heads of the mean over their deciding sets.
pub(super) fn deciding_score(sets: &[SetScores]) -> f64 {
    let mut heads: indexmap::IndexMap<&str, Vec<f64>> = indexmap::IndexMap::new();
    for set in sets.iter().filter(|set| set.decides) {
        heads.entry(&set.head).or_default().push(set.deciding());
    }
    mean(&heads.values().map(|scores| mean(scores)).collect::<Vec<_>>())
}

#[expect(clippy::cast_precision_loss, reason = "a handful of scores")]
fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}
