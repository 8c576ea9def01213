//! Probabilities that are too sure, or not sure enough, to a temperature that mends them.
//!
//! One number for a whole head, fitted on texts that it was not trained on (temperature scaling, Guo et al. 2017, "On
//! Calibration of Modern Neural Networks"). It changes how sure the head is, never which label is its best. Of the ways to
//! fit it we take the one that looks at the score that is reported: the best labels' mean probability becomes the share of
//! them that is right (Clarté et al. 2023, "Expectation consistency for calibration of neural networks"). The most likely
//! temperature is drawn away from that by a few labels that are wrong or a matter of opinion.

use super::Classified;

/// The least probability that a logarithm is taken of.
const LEAST_PROBABILITY: f64 = 1e-12;
/// Where a temperature is looked for.
const TEMPERATURES: (f64, f64) = (0.05, 20.0);
/// How often the interval that holds a temperature's logarithm is halved: down to 1e-8.
const HALVINGS: u32 = 30;

/// The temperature, from 0.05 to 20, at which the best labels are on average as sure as they are right: above 1 where the
/// head is too sure. `rows` must hold probabilities as they come at temperature 1. It is 1 without rows.
#[must_use]
pub fn fit_temperature(rows: &[Classified]) -> f64 {
    if rows.is_empty() {
        return 1.0;
    }
    let logits: Vec<Vec<f64>> = rows.iter().map(|row| logits(&row.probabilities)).collect();
    let right = rows.iter().filter(|row| best(&row.probabilities) == Some(row.gold)).count();
    let (mut low, mut high) = (TEMPERATURES.0.ln(), TEMPERATURES.1.ln());
    // The higher the temperature, the less sure.
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        let sure: f64 = logits.iter().map(|logits| best_probability(logits, middle.exp())).sum();
        if sure > count(right) { low = middle } else { high = middle }
    }
    f64::midpoint(low, high).exp()
}

/// The probabilities as they would be at `temperature`, which must be above 0. They sum to 1.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "probabilities are f32 throughout")]
pub fn with_temperature(probabilities: &[f32], temperature: f64) -> Vec<f32> {
    let logits = logits(probabilities);
    let normaliser = normaliser(&logits, temperature);
    logits.iter().map(|logit| (logit / temperature - normaliser).exp() as f32).collect()
}

/// The natural logarithm of a probability, of 1e-12 where it is smaller or no number.
pub(super) fn log_probability(probability: f32) -> f64 {
    // `max` turns the `NaN` that `clamp` lets through into a number.
    f64::from(probability).clamp(LEAST_PROBABILITY, 1.0).max(LEAST_PROBABILITY).ln()
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

fn best(probabilities: &[f32]) -> Option<usize> {
    (0..probabilities.len()).reduce(|best, label| if probabilities[label] > probabilities[best] { label } else { best })
}

/// The probability of the best label at `temperature`.
fn best_probability(logits: &[f64], temperature: f64) -> f64 {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (highest / temperature - normaliser(logits, temperature)).exp()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn count(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each probability so many texts that it is kept: of 100 with 0.7 for the first label, 70 are of that label.
    fn calibrated() -> Vec<Classified> {
        let shares = [(55, 0.55), (70, 0.7), (80, 0.8), (95, 0.95)];
        let texts = shares.into_iter().flat_map(|share| (0..100).map(move |text| (text, share)));
        texts
            .map(|(text, (right, sure))| Classified {
                gold: usize::from(text >= right),
                probabilities: vec![sure, 1.0 - sure],
            })
            .collect()
    }

    fn at(rows: &[Classified], temperature: f64) -> Vec<Classified> {
        let change = |row: &Classified| with_temperature(&row.probabilities, temperature);
        rows.iter().map(|row| Classified { gold: row.gold, probabilities: change(row) }).collect()
    }

    #[track_caller]
    fn assert_near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-3, "{value} is not {expected}");
    }

    #[test]
    fn probabilities_that_keep_their_promise_are_left_alone() {
        assert_near(fit_temperature(&calibrated()), 1.0);
    }

    #[test]
    fn a_head_twice_too_sure_or_too_unsure_is_found_out() {
        assert_near(fit_temperature(&at(&calibrated(), 0.5)), 2.0);
        assert_near(fit_temperature(&at(&calibrated(), 2.0)), 0.5);
    }

    #[test]
    fn temperature_squares_odds_at_one_half() {
        let sharper = with_temperature(&[0.2, 0.8], 0.5);
        assert_near(sharper[0].into(), 0.04 / 0.68);
        assert_near(sharper[1].into(), 0.64 / 0.68);
    }

    #[test]
    fn zeros_stay_finite_and_sum_to_one() {
        let rows = [Classified { gold: 1, probabilities: vec![1.0, 0.0] }];
        assert!(fit_temperature(&rows).is_finite());
        assert_eq!(with_temperature(&[0.0, 1.0], 0.05), [0.0, 1.0]);
        assert_eq!(with_temperature(&[0.0, 0.0], 3.0), [0.5, 0.5]);
        assert_near(with_temperature(&[f32::NAN, 1.0], 1.0)[1].into(), 1.0);
    }

    #[test]
    fn no_rows_need_no_temperature() {
        assert_near(fit_temperature(&[]), 1.0);
    }
}
