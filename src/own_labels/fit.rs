//! The file of fitted labels (`labels/desk.fit.json`), and the scores that it gives.
//!
//! A sentence's vector is centred (the mean vector of the archive is subtracted) and brought to length 1. A label has a direction and a
//! bias; its score is `1 / (1 + exp(-(direction · vector + bias)))`. With eight examples or more that is a probability. With fewer it is
//! not: it tells how far the sentence stands out from those of the archive, 0.5 for the average one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OwnLabelSettings;
use super::definition::LabelFile;
use crate::model::SentenceVector;

/// The version of the file's format. Raise it by one if files of before can no longer be used.
const SCHEMA: u32 = 1;

/// Fitted labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// The version of the format.
    pub schema: u32,
    /// The SHA-256 of the file of labels and its examples.
    pub labels_sha256: String,
    /// The fingerprint of the model whose vectors they are.
    pub model: String,
    /// The precision at which thresholds were set, 0 to 1.
    pub min_precision: f64,
    /// True if a statement could have several labels.
    pub multiple: bool,
    /// The number of sentences of the archive that labels were compared with.
    pub background: usize,
    /// The mean vector of these sentences.
    pub mean: Vec<f32>,
    /// The labels, in the order of the file of labels.
    pub labels: Vec<FittedLabel>,
}

/// A fitted label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedLabel {
    /// The key in the output.
    pub code: String,
    /// The name for people.
    pub name: String,
    /// What it was fitted to.
    pub fit: FitKind,
    /// The number of examples that have the label.
    pub examples: usize,
    /// The number of examples that do not have it.
    pub counterexamples: usize,
    /// The direction, one number for each dimension.
    pub direction: Vec<f32>,
    /// The number that is added to the product of the direction and a vector.
    pub bias: f64,
    /// The smallest score with which it is given, 0 to 1.
    pub threshold: f32,
    /// True if the threshold follows from the wanted precision; false for the usual threshold.
    pub is_threshold_measured: bool,
    /// The share of right ones that is expected among the archive's sentences that get the label.
    pub precision: Option<Estimate>,
    /// The share that is expected to get the label among the archive's sentences that have it.
    pub recall: Option<f64>,
    /// The share of the archive's sentences that get the label.
    pub share: f64,
}

/// What a label was fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum FitKind {
    /// Its description alone.
    Description,
    /// One to seven examples, and its description if it has one. Not calibrated.
    Prototype,
    /// Eight examples or more.
    Examples,
}

impl FitKind {
    /// The word in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::Prototype => "prototype",
            Self::Examples => "examples",
        }
    }

    /// True if scores are probabilities.
    #[must_use]
    pub fn is_calibrated(self) -> bool {
        self == Self::Examples
    }
}

/// A share that is expected in the archive, with its 90 % interval by Wilson's method.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The share, 0 to 1.
    pub share: f64,
    /// The number of examples that it rests on.
    pub examples: usize,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Estimate {
    /// A share that rests on so many examples. Without examples the interval is 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 examples")]
    pub fn new(share: f64, examples: usize) -> Self {
        /// The standard normal quantile of a two-sided interval of 90 %.
        const Z90: f64 = 1.644_854;
        if examples == 0 {
            return Self { share, examples, low: 0.0, high: 1.0 };
        }
        let n = examples as f64;
        let z2 = Z90 * Z90;
        let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z90 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
        Self { share, examples, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
    }
}

impl Fit {
    /// An empty fit of these labels and settings to the vectors of the model with this fingerprint.
    #[must_use]
    pub fn new(file: &LabelFile, model: &str, settings: OwnLabelSettings) -> Self {
        Self {
            schema: SCHEMA,
            labels_sha256: file.digest.clone(),
            model: model.to_owned(),
            min_precision: settings.min_precision,
            multiple: settings.has_several,
            background: 0,
            mean: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// Parses a file of fitted labels.
    ///
    /// # Errors
    /// The fault, if it is not such a file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fit: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let dimensions = fit.mean.len();
        if fit.schema != SCHEMA {
            return Err(format!("its format is {}, and this version of pressrun has {SCHEMA}", fit.schema));
        }
        for label in &fit.labels {
            if label.direction.len() != dimensions {
                return Err(format!("label `{}` is not complete", label.code));
            }
        }
        Ok(fit)
    }

    /// The text of the file: the same fit always gives the same bytes.
    ///
    /// # Errors
    /// Numbers that JSON cannot hold.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Something that has changed since the labels were fitted; `None` if nothing has.
    #[must_use]
    pub fn change(&self, file: &LabelFile, model: &str, settings: OwnLabelSettings) -> Option<&'static str> {
        let has_other_precision = (self.min_precision - settings.min_precision).abs() > f64::EPSILON;
        if self.labels_sha256 != file.digest {
            Some("their file or its examples changed")
        } else if self.model != model {
            Some("the model changed")
        } else if has_other_precision {
            Some("`min_precision` changed")
        } else if self.multiple != settings.has_several {
            Some("`multiple` changed")
        } else {
            None
        }
    }

    /// The vector of a sentence without the mean, of length 1.
    #[must_use]
    pub fn centred(&self, vector: &SentenceVector) -> Vec<f64> {
        self.centred_values(vector.values())
    }

    /// As [`Self::centred`], of the values of a vector.
    pub(super) fn centred_values(&self, values: impl Iterator<Item = f64>) -> Vec<f64> {
        centred(values, &self.mean)
    }

    /// The score of each label for a centred vector.
    #[must_use]
    pub fn scores(&self, centred: &[f64]) -> Vec<f32> {
        self.labels.iter().map(|label| label.score(centred)).collect()
    }
}

/// `values` without `mean`, brought to length 1. Of values that are all the mean it is zeros.
pub fn centred(values: impl Iterator<Item = f64>, mean: &[f32]) -> Vec<f64> {
    let mut centred: Vec<f64> = values.zip(mean).map(|(value, mean)| value - f64::from(*mean)).collect();
    let length = centred.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length > 0.0 {
        for value in &mut centred {
            *value /= length;
        }
    }
    centred
}

impl FittedLabel {
    /// The score for a centred vector, 0 to 1. The product is summed up in the order of the dimensions.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "scores are f32 throughout")]
    pub fn score(&self, centred: &[f64]) -> f32 {
        let terms = self.direction.iter().zip(centred);
        let product: f64 = terms.map(|(direction, value)| f64::from(*direction) * value).sum();
        (1.0 / (1.0 + (-(product + self.bias)).exp())) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(fit: FitKind) -> FittedLabel {
        FittedLabel {
            code: "a".to_owned(),
            name: "A".to_owned(),
            fit,
            examples: 9,
            counterexamples: 0,
            direction: vec![1.0, 0.0],
            bias: 0.0,
            threshold: 0.5,
            is_threshold_measured: false,
            precision: None,
            recall: None,
            share: 0.1,
        }
    }

    #[test]
    fn a_score_is_one_half_where_product_and_bias_cancel() {
        let calibrated = FittedLabel { bias: -0.25, ..label(FitKind::Examples) };
        assert!((calibrated.score(&[0.25, 0.0]) - 0.5).abs() < 1e-6);
        assert!(calibrated.score(&[0.3, 0.0]) > 0.5);
    }

    #[test]
    fn a_centred_vector_has_length_one() {
        let vector = centred([3.0, 5.0].into_iter(), &[0.0, 1.0]);
        assert!((vector[0] - 0.6).abs() < 1e-12 && (vector[1] - 0.8).abs() < 1e-12);
        assert_eq!(centred([1.0, 1.0].into_iter(), &[1.0, 1.0]), [0.0, 0.0]);
    }

    #[test]
    fn intervals_are_those_of_wilson() {
        let estimate = Estimate::new(0.8, 10);
        assert!((estimate.low - 0.5412).abs() < 1e-3 && (estimate.high - 0.9314).abs() < 1e-3, "{estimate:?}");
        assert_eq!((Estimate::new(0.8, 0).low, Estimate::new(0.8, 0).high), (0.0, 1.0));
    }

    #[test]
    fn a_damaged_file_is_no_fit() {
        assert!(Fit::parse("{").is_err());
        let fit = Fit {
            schema: 1,
            labels_sha256: String::new(),
            model: String::new(),
            min_precision: 0.8,
            multiple: false,
            background: 3,
            mean: vec![0.0],
            labels: vec![label(FitKind::Description)],
        };
        assert_eq!(Fit::parse(&fit.to_text().unwrap()).unwrap_err(), "label `a` is not complete");
        let whole = Fit { mean: vec![0.0, 0.1], ..fit.clone() };
        assert_eq!(Fit::parse(&whole.to_text().unwrap()).unwrap(), whole);
        assert!(Fit::parse(&Fit { schema: 9, ..fit }.to_text().unwrap()).unwrap_err().starts_with("its format is 9"));
    }
}
