//! Own labels: a task without a trained head. Its labels are described in a file, by words, by examples, or by both, and found from the
//! vectors of sentences that a model computes anyway.
//!
//! `definition` is the file that users write. `fit` is the file beside it that `pressrun labels fit` writes: for each label a direction in
//! the space of vectors, and a threshold.

/// The file of labels, and its examples.
pub mod definition;
/// The file of fitted labels, and the scores that they give.
pub mod fit;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use definition::{Example, LabelFile, OwnLabel};
pub use fit::{Estimate, Fit, FitKind, FittedLabel};

use crate::config::ConfigError;
use crate::digest::sha256;
use crate::model::SentenceVector;
use crate::record::Label;

/// The reasons why own labels cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnLabelError {
    /// The file of labels, or that of examples, is wrong.
    #[error(transparent)]
    Definition(#[from] ConfigError),
    /// The labels have not been fitted.
    #[error("the labels of task `{task}` have not been fitted: run `pressrun labels fit {task}` first")]
    NotFitted {
        /// The task.
        task: String,
    },
    /// Something that the labels were fitted to has changed.
    #[error("the labels of task `{task}` were fitted before {change}: run `pressrun labels fit {task}` again")]
    Stale {
        /// The task.
        task: String,
        /// The change.
        change: &'static str,
    },
    /// The file of fitted labels is damaged.
    #[error("cannot use `{}`: {reason}; run `pressrun labels fit` again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// The file of fitted labels cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
}

/// Own labels that are ready to be given.
#[derive(Debug, Clone)]
pub struct OwnLabels {
    fit: Fit,
    /// The labels as the output names them, in the order of the file.
    labels: Vec<Label>,
    /// The SHA-256 of the file of fitted labels, in hexadecimal digits.
    digest: String,
    /// The smallest score for each label, 0 to 1.
    thresholds: Vec<f32>,
    /// True if a statement can have several of them.
    has_several: bool,
}

/// The path of the file of fitted labels for the file of labels `path`: `desk.fit.json` for `desk.toml`.
#[must_use]
pub fn fit_path(path: &Path) -> PathBuf {
    path.with_extension("fit.json")
}

impl OwnLabels {
    /// Loads the labels of the file at `path` for `task`, and checks that they were fitted to the file as it is, to the model with the
    /// fingerprint `model`, and for this precision. `min_score` is the threshold of all labels; `None` for those of the fit.
    ///
    /// # Errors
    /// A file that is wrong, or labels that have not been fitted, or not to these files.
    pub fn load(task: &str, path: &Path, model: &str, settings: OwnLabelSettings) -> Result<Arc<Self>, OwnLabelError> {
        let file = LabelFile::load(path)?;
        let fit_path = fit_path(path);
        let text = match std::fs::read_to_string(&fit_path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(OwnLabelError::NotFitted { task: task.to_owned() });
            }
            Err(cause) => return Err(OwnLabelError::Unreadable { path: fit_path, cause }),
        };
        let fit = Fit::parse(&text).map_err(|reason| OwnLabelError::Damaged { path: fit_path, reason })?;
        if let Some(change) = fit.change(&file, model, settings) {
            return Err(OwnLabelError::Stale { task: task.to_owned(), change });
        }
        Ok(Arc::new(Self::new(fit, settings, sha256(&text))))
    }

    /// The labels of `fit`, whose file has this SHA-256.
    #[must_use]
    pub fn new(fit: Fit, settings: OwnLabelSettings, digest: String) -> Self {
        let labels = fit.labels.iter().map(|label| Label {
            code: Some(label.code.clone()),
            label: label.name.clone(),
            iptc: None,
        });
        let thresholds = fit.labels.iter().map(|label| settings.min_score.unwrap_or(label.threshold));
        Self {
            labels: labels.collect(),
            thresholds: thresholds.collect(),
            has_several: settings.has_several,
            digest,
            fit,
        }
    }

    /// The labels as the output names them, in the order of the file.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The fitted labels, in the same order.
    #[must_use]
    pub fn fitted(&self) -> &[FittedLabel] {
        &self.fit.labels
    }

    /// The fit.
    #[must_use]
    pub fn fit(&self) -> &Fit {
        &self.fit
    }

    /// The SHA-256 of the file of fitted labels, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The smallest score with which each label is given, 0 to 1.
    #[must_use]
    pub fn thresholds(&self) -> &[f32] {
        &self.thresholds
    }

    /// True if a statement can have several of the labels.
    #[must_use]
    pub fn has_several(&self) -> bool {
        self.has_several
    }

    /// The score of each label for a sentence, 0 to 1 each. They do not sum to 1.
    #[must_use]
    pub fn scores(&self, vector: &SentenceVector) -> Vec<f32> {
        self.fit.scores(&self.fit.centred(vector))
    }

    /// The score of each label for a document: those of the mean of its sentences' vectors. `None` without sentences.
    pub fn document_scores<'v>(&self, vectors: impl Iterator<Item = &'v SentenceVector>) -> Option<Vec<f32>> {
        let mut sum = vec![0.0; self.fit.mean.len()];
        let mut count = 0.0;
        for vector in vectors {
            for (sum, value) in sum.iter_mut().zip(vector.values()) {
                *sum += value;
            }
            count += 1.0;
        }
        if count == 0.0 {
            return None;
        }
        for value in &mut sum {
            *value /= count;
        }
        Some(self.fit.scores(&self.fit.centred_values(sum.into_iter())))
    }

    /// The best label for these scores, whether or not it reaches its threshold: the one that is farthest above its threshold, or least
    /// below it, on the scale of log-odds. Of equals it is the first.
    #[must_use]
    pub fn best(&self, scores: &[f32]) -> Option<usize> {
        let mut best = None;
        let mut largest = f64::NEG_INFINITY;
        for (label, (&score, &threshold)) in scores.iter().zip(&self.thresholds).enumerate() {
            let margin = log_odds(score) - log_odds(threshold);
            if best.is_none() || margin > largest {
                best = Some(label);
                largest = margin;
            }
        }
        best
    }

    /// True if a label is given with this score.
    #[must_use]
    pub fn is_given(&self, label: usize, score: f32) -> bool {
        self.thresholds.get(label).is_some_and(|&threshold| score >= threshold)
    }
}

/// The keys of a task that concern own labels.
#[derive(Debug, Clone, Copy)]
pub struct OwnLabelSettings {
    /// True if a statement can have several labels.
    pub has_several: bool,
    /// The precision at which thresholds are set, 0 to 1.
    pub min_precision: f64,
    /// The threshold of all labels; `None` for those of the fit.
    pub min_score: Option<f32>,
}

/// The logarithm of the odds of a probability, which is kept away from 0 and 1.
fn log_odds(probability: f32) -> f64 {
    /// The smallest distance from 0 and 1: that of neighbouring f32 below 1.
    const LEAST: f64 = 6e-8;
    let probability = f64::from(probability).clamp(LEAST, 1.0 - LEAST);
    (probability / (1.0 - probability)).ln()
}
