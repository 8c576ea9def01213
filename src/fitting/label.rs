//! One label: from its description and its examples to a direction and a threshold.

use rayon::prelude::*;

use super::logistic::{Line, Row, dot};
use super::threshold::{self, LEAST_EXAMPLES};
use super::vectors::Vectors;
use crate::digest::sha256;
use crate::own_labels::{FitKind, FittedLabel, LabelFile, OwnLabelSettings};

/// The usual threshold of a probability.
const USUAL_PROBABILITY: f32 = 0.5;
/// The share of the archive's sentences that get a label whose scores are no probabilities.
const USUAL_SHARE: f64 = 0.03;
/// The weight of a description against examples: as many as these.
const DESCRIPTION_WEIGHT: f64 = 2.0;
/// The part of what a label is not, in a direction.
const REFUSED_PART: f64 = 0.5;
/// The penalties that are tried.
const PENALTIES: [f64; 4] = [10.0, 3.0, 1.0, 0.3];
/// The number of folds.
const FOLDS: usize = 5;
/// The largest number of sentences of the archive among the negative rows.
const WEAK_ROWS: usize = 1000;
/// The largest weight of such a row: a sentence of the archive may have the label.
const WEAK_WEIGHT: f64 = 0.1;
/// The weight of all these rows together, for each example that has the label.
const WEAK_ROWS_PER_EXAMPLE: f64 = 0.5;
/// The slope at which a logistic curve is nearest to the distribution function of the normal distribution.
const NORMAL_SLOPE: f64 = 1.702;

/// A label with what is known of its examples.
#[derive(Debug, Clone)]
pub(super) struct LabelFit {
    pub(super) fitted: FittedLabel,
    /// The examples that were used, by their places in [`LabelFile::examples`], with their scores out of fold and true for those that have
    /// the label. Empty unless the label was fitted to examples.
    pub(super) scores: Vec<(usize, f32, bool)>,
}

/// Fits all labels of a file, side by side.
pub(super) fn fit_all(file: &LabelFile, vectors: &Vectors, settings: OwnLabelSettings) -> Vec<LabelFit> {
    (0..file.labels.len()).into_par_iter().map(|label| fit(file, label, vectors, settings)).collect()
}

/// Fits the label with the place `label`.
fn fit(file: &LabelFile, label: usize, vectors: &Vectors, settings: OwnLabelSettings) -> LabelFit {
    let answers = answers(file, label, vectors, settings.has_several);
    let positives = answers.iter().filter(|answer| answer.has_label).count();
    if positives < LEAST_EXAMPLES {
        by_direction(file, label, vectors, &answers)
    } else {
        by_examples(file, label, vectors, settings, &answers)
    }
}

/// An example of this or another label, as an answer to the question whether it has this one.
#[derive(Debug, Clone, Copy)]
struct Answer<'v> {
    /// The place in [`LabelFile::examples`].
    example: usize,
    vector: &'v [f64],
    has_label: bool,
}

/// The answers for a label: its own examples and counterexamples, and the examples of other labels unless a sentence can have several.
fn answers<'v>(file: &LabelFile, label: usize, vectors: &'v Vectors, has_several: bool) -> Vec<Answer<'v>> {
    let mut answers = Vec::new();
    for (place, (example, vector)) in file.examples.iter().zip(&vectors.examples).enumerate() {
        let Some(vector) = vector else { continue };
        let is_own = example.label == label;
        if is_own || (example.is_accepted && !has_several) {
            answers.push(Answer { example: place, vector, has_label: is_own && example.is_accepted });
        }
    }
    answers
}

/// A label with few examples or none: the direction of its description and its examples.
fn by_direction(file: &LabelFile, label: usize, vectors: &Vectors, answers: &[Answer<'_>]) -> LabelFit {
    let own = answers.iter().filter(|answer| file.examples[answer.example].label == label);
    let (accepted, refused): (Vec<Answer<'_>>, Vec<Answer<'_>>) = own.partition(|answer| answer.has_label);
    let described = mean_direction(vectors.about[label].iter().map(Vec::as_slice));
    let shown = mean_direction(accepted.iter().map(|answer| answer.vector));
    let mut direction = match (described, shown) {
        (Some(described), Some(shown)) => {
            let share = DESCRIPTION_WEIGHT / (DESCRIPTION_WEIGHT + as_f64(accepted.len()));
            combined(&described, share, &shown, 1.0 - share)
        }
        (Some(direction), None) | (None, Some(direction)) => direction,
        (None, None) => vec![0.0; vectors.mean.len()],
    };
    let not_about = vectors.not_about[label].iter().map(Vec::as_slice);
    if let Some(avoided) = mean_direction(not_about.chain(refused.iter().map(|answer| answer.vector))) {
        direction = combined(&direction, 1.0, &avoided, -REFUSED_PART);
    }
    let fit = if accepted.is_empty() { FitKind::Description } else { FitKind::Prototype };
    let mut fitted = blank(file, label, fit, accepted.len(), refused.len());
    let products: Vec<f64> = vectors.background.iter().map(|sentence| dot(&direction, &sentence.vector)).collect();
    let Spread { mean, deviation } = Spread::new(&products);
    let slope = NORMAL_SLOPE / deviation;
    fitted.direction = direction.iter().map(|value| single(value * slope)).collect();
    fitted.bias = -slope * mean;
    fitted.threshold = usual_threshold(&fitted, vectors);
    fitted.share = share_given(&fitted, vectors);
    LabelFit { fitted, scores: Vec::new() }
}

/// A label with enough examples: a logistic regression, calibrated and measured out of fold.
fn by_examples(
    file: &LabelFile,
    label: usize,
    vectors: &Vectors,
    settings: OwnLabelSettings,
    answers: &[Answer<'_>],
) -> LabelFit {
    let sample = Sample::new(file, label, vectors, answers);
    let mut best: Option<(f64, f64, Vec<f64>)> = None;
    for penalty in PENALTIES {
        let odds = sample.out_of_fold(penalty);
        let loss = sample.loss(&odds);
        if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
            best = Some((loss, penalty, odds));
        }
    }
    let (_, penalty, odds) = best.unwrap_or_default();
    let calibration = sample.calibration(&odds);
    let line = Line::zero(vectors.mean.len()).fitted(&sample.rows, penalty);
    let mut scores = Vec::with_capacity(answers.len());
    for (answer, odds) in answers.iter().zip(&odds) {
        scores.push((answer.example, calibration.probability(*odds), answer.has_label));
    }
    let own = file.examples.iter().filter(|example| example.label == label);
    let (accepted, refused): (Vec<_>, Vec<_>) = own.partition(|example| example.is_accepted);
    let mut fitted = blank(file, label, FitKind::Examples, accepted.len(), refused.len());
    fitted.direction = line.direction().iter().map(|value| single(value * calibration.slope)).collect();
    fitted.bias = line.bias() * calibration.slope + calibration.shift;
    let of_archive: Vec<f32> = vectors.background.iter().map(|sentence| fitted.score(&sentence.vector)).collect();
    let of_examples: Vec<(f32, bool)> = scores.iter().map(|(_, score, has_label)| (*score, *has_label)).collect();
    match threshold::choose(&of_archive, &of_examples, settings.min_precision) {
        Some(measured) => {
            fitted.threshold = measured.threshold;
            fitted.is_threshold_measured = true;
            fitted.precision = Some(measured.precision);
            fitted.recall = Some(measured.recall);
        }
        None => fitted.threshold = USUAL_PROBABILITY,
    }
    fitted.share = share_given(&fitted, vectors);
    LabelFit { fitted, scores }
}

/// The rows of a label: its answers, then sentences of the archive, then its description.
struct Sample<'v> {
    rows: Vec<Row<'v>>,
    /// The fold of each row; `None` for the description, which is in all folds.
    folds: Vec<Option<usize>>,
}

impl<'v> Sample<'v> {
    fn new(file: &LabelFile, label: usize, vectors: &'v Vectors, answers: &[Answer<'v>]) -> Self {
        let mut sample = Self { rows: Vec::new(), folds: Vec::new() };
        let positives = answers.iter().filter(|answer| answer.has_label).count();
        for (answer, fold) in answers.iter().zip(folds(file, answers)) {
            sample.add(answer.vector, answer.has_label, 1.0, Some(fold));
        }
        let weak = vectors.background.iter().filter(|sentence| !vectors.is_example(sentence)).take(WEAK_ROWS);
        let weight = WEAK_ROWS_PER_EXAMPLE * as_f64(positives) / as_f64(weak.clone().count().max(1));
        for (place, sentence) in weak.enumerate() {
            sample.add(&sentence.vector, false, weight.min(WEAK_WEIGHT), Some(place % FOLDS));
        }
        for (phrases, is_positive) in [(&vectors.about[label], true), (&vectors.not_about[label], false)] {
            for phrase in phrases {
                sample.add(phrase, is_positive, DESCRIPTION_WEIGHT / as_f64(phrases.len()), None);
            }
        }
        sample
    }

    fn add(&mut self, vector: &'v [f64], is_positive: bool, weight: f64, fold: Option<usize>) {
        self.rows.push(Row { vector, is_positive, weight });
        self.folds.push(fold);
    }

    /// The log-odds of each row, from a line that was fitted without its fold.
    fn out_of_fold(&self, penalty: f64) -> Vec<f64> {
        let mut odds = vec![0.0; self.rows.len()];
        let features = self.rows.first().map_or(0, |row| row.vector.len());
        for fold in 0..FOLDS {
            let others = self.rows.iter().zip(&self.folds).filter(|(_, other)| **other != Some(fold));
            let rows: Vec<Row<'_>> = others.map(|(row, _)| *row).collect();
            let line = Line::zero(features).fitted(&rows, penalty);
            for (place, row) in self.rows.iter().enumerate().filter(|(place, _)| self.folds[*place] == Some(fold)) {
                odds[place] = line.log_odds(row.vector);
            }
        }
        odds
    }

    /// The log loss of calibrated log-odds.
    fn loss(&self, odds: &[f64]) -> f64 {
        /// Keeps the logarithm finite.
        const LEAST: f64 = 1e-6;
        let calibration = self.calibration(odds);
        let mut loss = 0.0;
        for ((row, odds), _) in self.rows.iter().zip(odds).zip(&self.folds).filter(|(_, fold)| fold.is_some()) {
            let probability = f64::from(calibration.probability(*odds)).clamp(LEAST, 1.0 - LEAST);
            loss -= row.weight * if row.is_positive { probability.ln() } else { (1.0 - probability).ln() };
        }
        loss
    }

    /// The line from log-odds out of fold to those that are right on average (Platt, "Probabilistic Outputs for Support Vector Machines",
    /// 1999).
    fn calibration(&self, odds: &[f64]) -> Calibration {
        /// Keeps the line from being too steep where all rows are told apart.
        const PENALTY: f64 = 0.01;
        /// The least slope: log-odds that say nothing must not be turned around.
        const LEAST_SLOPE: f64 = 0.05;
        let values: Vec<[f64; 1]> = odds.iter().map(|odds| [*odds]).collect();
        let with_folds = self.rows.iter().zip(&values).zip(&self.folds).filter(|(_, fold)| fold.is_some());
        let rows: Vec<Row<'_>> = with_folds.map(|((row, value), _)| Row { vector: value, ..*row }).collect();
        let line = Line::zero(1).fitted(&rows, PENALTY);
        Calibration { slope: line.direction()[0].max(LEAST_SLOPE), shift: line.bias() }
    }
}

/// The fold of each answer. Folds have the same share of both kinds, and hashes make the order of the file immaterial.
fn folds(file: &LabelFile, answers: &[Answer<'_>]) -> Vec<usize> {
    let mut folds = vec![0; answers.len()];
    for kind in [true, false] {
        let mut places: Vec<usize> = (0..answers.len()).filter(|&place| answers[place].has_label == kind).collect();
        places.sort_by_cached_key(|&place| sha256(&file.examples[answers[place].example].text));
        for (rank, place) in places.into_iter().enumerate() {
            folds[place] = rank % FOLDS;
        }
    }
    folds
}

/// A line from log-odds to log-odds.
#[derive(Debug, Clone, Copy)]
struct Calibration {
    slope: f64,
    shift: f64,
}

impl Calibration {
    fn probability(self, odds: f64) -> f32 {
        single(1.0 / (1.0 + (-(self.slope * odds + self.shift)).exp()))
    }
}

fn blank(file: &LabelFile, label: usize, fit: FitKind, examples: usize, counterexamples: usize) -> FittedLabel {
    let own = &file.labels[label];
    FittedLabel {
        code: own.code.clone(),
        name: own.name.clone(),
        fit,
        examples,
        counterexamples,
        direction: Vec::new(),
        bias: 0.0,
        threshold: 1.0,
        is_threshold_measured: false,
        precision: None,
        recall: None,
        share: 0.0,
    }
}

/// The mean and the standard deviation of numbers.
struct Spread {
    mean: f64,
    deviation: f64,
}

impl Spread {
    /// The deviation is 1 where all numbers are the same.
    fn new(values: &[f64]) -> Self {
        let count = as_f64(values.len().max(1));
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
        Self { mean, deviation: if variance > 0.0 { variance.sqrt() } else { 1.0 } }
    }
}

/// The score above which the usual share of the archive's sentences is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
fn usual_threshold(fitted: &FittedLabel, vectors: &Vectors) -> f32 {
    let mut scores: Vec<f32> = vectors.background.iter().map(|sentence| fitted.score(&sentence.vector)).collect();
    scores.sort_by(|one, other| other.total_cmp(one));
    let place = (USUAL_SHARE * as_f64(scores.len())).ceil() as usize;
    scores.get(place.saturating_sub(1)).copied().unwrap_or(1.0)
}

/// The share of the archive's sentences that get the label.
fn share_given(fitted: &FittedLabel, vectors: &Vectors) -> f64 {
    let given = vectors.background.iter().filter(|sentence| fitted.score(&sentence.vector) >= fitted.threshold);
    as_f64(given.count()) / as_f64(vectors.background.len().max(1))
}

/// The mean of vectors, of length 1. `None` without vectors.
fn mean_direction<'v>(vectors: impl Iterator<Item = &'v [f64]>) -> Option<Vec<f64>> {
    let mut sum: Option<Vec<f64>> = None;
    for vector in vectors {
        let sum = sum.get_or_insert_with(|| vec![0.0; vector.len()]);
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += value;
        }
    }
    sum.map(of_length_one)
}

/// The sum of two vectors with these factors, of length 1.
fn combined(one: &[f64], factor: f64, other: &[f64], other_factor: f64) -> Vec<f64> {
    of_length_one(one.iter().zip(other).map(|(one, other)| factor * one + other_factor * other).collect())
}

fn of_length_one(mut vector: Vec<f64>) -> Vec<f64> {
    let length = dot(&vector, &vector).sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    }
    vector
}

#[expect(clippy::cast_possible_truncation, reason = "scores and directions are f32")]
fn single(value: f64) -> f32 {
    value as f32
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 sentences")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
