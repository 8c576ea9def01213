//! Temperature scaling: fits the divisor of a head's logits at which its scores are true probabilities.
//!
//! One number for a whole head, fitted on texts that it was not trained on (Guo et al. 2017, "On Calibration of Modern Neural
//! Networks"). It changes the scores, never which label is the best. The objective is the expected calibration error, as that
//! measures the scores that are reported, those of the best labels. The temperature of the highest likelihood is also
//! influenced by the other labels, and by a few texts whose label is a matter of opinion.

use super::Classified;
use super::reliability::expected_calibration_error;
use super::score::{Outcome, mean};
use crate::model::document::log_probability;

/// Temperatures tried are powers of e to multiples of this: half a percent apart.
const STEP: f64 = 0.005;
/// The number of steps from 1 in each direction: to 0.05 and to 20.
const MOST_STEPS: i32 = 600;

/// The temperature, from 0.05 to 20, with the least expected calibration error in the mean over `sets`, each of which counts
/// alike; sets without rows are left out. Above 1 if the head is too sure. Rows must have the head's probabilities at
/// temperature 1. Of equally good temperatures it is the nearest to 1, and 1 if there are no rows.
///
/// Temperature scaling is from Guo et al. 2017, "On Calibration of Modern Neural Networks".
#[must_use]
pub fn fit_temperature(sets: &[Vec<Classified>]) -> f64 {
    let sets: Vec<Vec<FittedRow>> = sets.iter().map(|rows| rows.iter().map(FittedRow::new).collect()).collect();
    let mut best_steps = 0;
    let mut least_error = f64::INFINITY;
    // From 1 outwards, so that the nearest of equals is the first.
    for steps in (0..=MOST_STEPS).flat_map(|steps| [steps, -steps]) {
        let error = mean_calibration_error(&sets, temperature_at(steps));
        if error < least_error {
            least_error = error;
            best_steps = steps;
        }
    }
    temperature_at(best_steps)
}

/// The temperature, of powers of e to multiples of 5 percent from 0.2 to 5, at which the right labels of `rows` are most likely.
pub(super) fn likelihood_temperature(rows: &[Classified]) -> f64 {
    /// Powers of e to multiples of this are tried.
    const COARSE_STEP: f64 = 0.05;
    const MOST_COARSE_STEPS: i32 = 32;
    let mut best = (f64::INFINITY, 1.0);
    for steps in -MOST_COARSE_STEPS..=MOST_COARSE_STEPS {
        let temperature = (COARSE_STEP * f64::from(steps)).exp();
        let cost = mean_negative_log_likelihood(rows, temperature);
        if cost < best.0 {
            best = (cost, temperature);
        }
    }
    best.1
}

/// The mean negative natural logarithm of the probability of a row's right labels together, at `temperature`; 0 without rows.
pub(super) fn mean_negative_log_likelihood(rows: &[Classified], temperature: f64) -> f64 {
    mean(rows.iter().map(|row| negative_log_likelihood(row, temperature))).unwrap_or(0.0)
}

fn negative_log_likelihood(row: &Classified, temperature: f64) -> f64 {
    let logits = to_logits(&row.probabilities);
    let normaliser = log_normaliser(&logits, temperature);
    let right: f64 = row.acceptable.iter().map(|&label| (logits[label] / temperature - normaliser).exp()).sum();
    -right.max(f64::MIN_POSITIVE).ln()
}

/// The temperature `steps` steps away from 1.
fn temperature_at(steps: i32) -> f64 {
    (STEP * f64::from(steps)).exp()
}

/// The mean over `sets` of the expected calibration error at `temperature`; 0 without rows.
fn mean_calibration_error(sets: &[Vec<FittedRow>], temperature: f64) -> f64 {
    let errors = sets.iter().filter_map(|rows| {
        let outcomes: Vec<Outcome> = rows.iter().map(|row| row.outcome_at(temperature)).collect();
        expected_calibration_error(&outcomes)
    });
    mean(errors).unwrap_or(0.0)
}

/// A row that a temperature is fitted on.
struct FittedRow {
    /// The outcome at temperature 1.
    outcome: Outcome,
    logits: Vec<f64>,
}

impl FittedRow {
    fn new(row: &Classified) -> Self {
        Self { outcome: Outcome::new(row), logits: to_logits(&row.probabilities) }
    }

    /// The outcome at `temperature`: only the score changes, as the best label stays the best.
    #[expect(clippy::cast_possible_truncation, reason = "probabilities are f32 throughout")]
    fn outcome_at(&self, temperature: f64) -> Outcome {
        Outcome { score: best_probability(&self.logits, temperature) as f32, ..self.outcome }
    }
}

/// The probabilities as they would be at `temperature`, which must be above 0. They sum to 1.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "probabilities are f32 throughout")]
pub fn with_temperature(probabilities: &[f32], temperature: f64) -> Vec<f32> {
    let logits = to_logits(probabilities);
    let normaliser = log_normaliser(&logits, temperature);
    logits.iter().map(|logit| (logit / temperature - normaliser).exp() as f32).collect()
}

/// Logits up to a constant, which softmax ignores.
fn to_logits(probabilities: &[f32]) -> Vec<f64> {
    probabilities.iter().copied().map(log_probability).collect()
}

/// The logarithm of the denominator of the softmax of `logits / temperature`.
fn log_normaliser(logits: &[f64], temperature: f64) -> f64 {
    // Subtracting the highest logit keeps the exponentials from overflowing.
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| ((logit - highest) / temperature).exp()).sum();
    highest / temperature + sum.ln()
}

/// The probability of the best label at `temperature`.
fn best_probability(logits: &[f64], temperature: f64) -> f64 {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (highest / temperature - log_normaliser(logits, temperature)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each probability so many texts that it is kept: of 100 with 0.7 for the first label, 70 are of that label.
    fn calibrated() -> Vec<Classified> {
        let shares = [(55, 0.55), (70, 0.7), (80, 0.8), (95, 0.95)];
        let texts = shares.into_iter().flat_map(|share| (0..100).map(move |text| (text, share)));
        texts.map(|(text, (right, sure))| Classified::new(usize::from(text >= right), vec![sure, 1.0 - sure])).collect()
    }

    fn at(rows: &[Classified], temperature: f64) -> Vec<Classified> {
        let change = |row: &Classified| with_temperature(&row.probabilities, temperature);
        rows.iter().map(|row| Classified { probabilities: change(row), ..row.clone() }).collect()
    }

    #[track_caller]
    fn assert_near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-3, "{value} is not {expected}");
    }

    #[test]
    fn probabilities_that_keep_their_promise_are_left_alone() {
        assert_near(fit_temperature(&[calibrated()]), 1.0);
    }

    #[test]
    fn a_head_twice_too_sure_or_too_unsure_is_found_out() {
        let found = |made: f64| fit_temperature(&[at(&calibrated(), made)]);
        assert!((found(0.5).ln() - 2.0_f64.ln()).abs() < STEP);
        assert!((found(2.0).ln() - 0.5_f64.ln()).abs() < STEP);
    }

    #[test]
    fn a_small_set_counts_as_much_as_a_large_one() {
        let (sure, unsure) = (at(&calibrated(), 0.5), at(&calibrated(), 2.0));
        let few = unsure.iter().step_by(4).cloned().collect();
        let both = fit_temperature(&[sure.clone(), few]);
        assert!(both < fit_temperature(&[[sure, unsure.iter().step_by(4).cloned().collect()].concat()]), "{both}");
    }

    #[test]
    fn temperature_squares_odds_at_one_half() {
        let sharper = with_temperature(&[0.2, 0.8], 0.5);
        assert_near(sharper[0].into(), 0.04 / 0.68);
        assert_near(sharper[1].into(), 0.64 / 0.68);
    }

    #[test]
    fn zeros_stay_finite_and_sum_to_one() {
        let rows = [Classified::new(1, vec![1.0, 0.0])];
        assert!(fit_temperature(&[rows.to_vec(), Vec::new()]).is_finite());
        assert_eq!(with_temperature(&[0.0, 1.0], 0.05), [0.0, 1.0]);
        assert_eq!(with_temperature(&[0.0, 0.0], 3.0), [0.5, 0.5]);
        assert_near(with_temperature(&[f32::NAN, 1.0], 1.0)[1].into(), 1.0);
    }

    #[test]
    fn no_rows_need_no_temperature() {
        assert_near(fit_temperature(&[]), 1.0);
        assert_near(fit_temperature(&[Vec::new()]), 1.0);
    }
}
