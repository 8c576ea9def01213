//! Probabilities that are too sure, or not sure enough, to a temperature that mends them.
//!
//! One number for a whole head, fitted on texts that it was not trained on (temperature scaling, Guo et al. 2017, "On
//! Calibration of Modern Neural Networks"). It changes how sure the head is, never which label is its best. Of the ways to
//! fit it we take the one that looks at the scores that are reported, those of the best labels: the least calibration error.
//! The most likely temperature is drawn away from that by the other labels, and by a few that are a matter of opinion.

use super::Classified;
use super::reliability::expected_calibration_error;
use super::score::{Outcome, mean};
use crate::model::document::log_probability;

/// Temperatures tried are powers of e to multiples of this: half a percent apart.
const STEP: f64 = 0.005;
/// How many steps from 1 they go, either way: to 0.05 and to 20.
const MOST_STEPS: i32 = 600;

/// The temperature, from 0.05 to 20, at which the expected calibration error is least, in the mean over `sets` with rows, each
/// of which counts alike: above 1 where the head is too sure. Rows must hold probabilities as they come at temperature 1.
/// Of equals it is the nearest to 1, and 1 where there are no rows.
#[must_use]
pub fn fit_temperature(sets: &[Vec<Classified>]) -> f64 {
    let sets: Vec<Vec<Fitted>> = sets.iter().map(|rows| rows.iter().map(Fitted::of).collect()).collect();
    let error = |steps: i32| {
        let temperature = temperature(steps);
        let at = |rows: &Vec<Fitted>| rows.iter().map(|row| row.at(temperature)).collect::<Vec<_>>();
        mean(sets.iter().filter_map(|rows| expected_calibration_error(&at(rows)))).unwrap_or(0.0)
    };
    let outwards = (0..=MOST_STEPS).flat_map(|steps| [steps, -steps]).map(|steps| (error(steps), steps));
    let least = outwards.reduce(|least, tried| if tried.0 < least.0 { tried } else { least });
    least.map_or(1.0, |(_, steps)| temperature(steps))
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

/// The mean negative logarithm of the probability of the right labels together, at `temperature`; 0 of no rows.
pub(super) fn mean_negative_log_likelihood(rows: &[Classified], temperature: f64) -> f64 {
    let cost = |row: &Classified| {
        let logits = logits(&row.probabilities);
        let normaliser = normaliser(&logits, temperature);
        let right: f64 = row.acceptable.iter().map(|&label| (logits[label] / temperature - normaliser).exp()).sum();
        -right.max(f64::MIN_POSITIVE).ln()
    };
    mean(rows.iter().map(cost)).unwrap_or(0.0)
}

fn temperature(steps: i32) -> f64 {
    (STEP * f64::from(steps)).exp()
}

/// A text while a temperature is looked for.
struct Fitted {
    outcome: Outcome,
    logits: Vec<f64>,
}

impl Fitted {
    fn of(row: &Classified) -> Self {
        Self { outcome: Outcome::of(row), logits: logits(&row.probabilities) }
    }

    /// What becomes of it at `temperature`: the best label stays the best.
    #[expect(clippy::cast_possible_truncation, reason = "probabilities are f32 throughout")]
    fn at(&self, temperature: f64) -> Outcome {
        Outcome { score: best_probability(&self.logits, temperature) as f32, ..self.outcome }
    }
}

/// The probabilities as they would be at `temperature`, which must be above 0. They sum to 1.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "probabilities are f32 throughout")]
pub fn with_temperature(probabilities: &[f32], temperature: f64) -> Vec<f32> {
    let logits = logits(probabilities);
    let normaliser = normaliser(&logits, temperature);
    logits.iter().map(|logit| (logit / temperature - normaliser).exp() as f32).collect()
}

fn logits(probabilities: &[f32]) -> Vec<f64> {
    probabilities.iter().copied().map(log_probability).collect()
}

/// The logarithm of what the softmax of `logits / temperature` is divided by.
fn normaliser(logits: &[f64], temperature: f64) -> f64 {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| ((logit - highest) / temperature).exp()).sum();
    highest / temperature + sum.ln()
}

/// The probability of the best label at `temperature`.
fn best_probability(logits: &[f64], temperature: f64) -> f64 {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (highest / temperature - normaliser(logits, temperature)).exp()
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
