//! Probabilities that are too sure, or not sure enough, to a temperature that mends them.
//!
//! Guo et al. 2017, "On Calibration of Modern Neural Networks": one number for a whole head, fitted on texts that it
//! was not trained on. It changes how sure the head is, never which label is its best.

use super::Classified;

/// The least probability that a logarithm is taken of.
const LEAST_PROBABILITY: f64 = 1e-12;
/// Where a temperature is looked for.
const TEMPERATURES: (f64, f64) = (0.05, 20.0);
/// How close the search comes to the best logarithm of a temperature.
const TOLERANCE: f64 = 1e-6;
/// The golden ratio less one: sections cut so can be cut again and share a point.
const SECTION: f64 = 0.618_033_988_749_894_8;

/// The temperature, from 0.05 to 20, under which the gold labels are most likely: above 1 where the head is too sure.
/// `rows` must hold probabilities as they come at temperature 1. It is 1 without rows.
///
/// # Panics
/// Where a gold label's place lies beyond the probabilities.
#[must_use]
pub fn fit_temperature(rows: &[Classified]) -> f64 {
    if rows.is_empty() {
        return 1.0;
    }
    let rows: Vec<(usize, Vec<f64>)> = rows.iter().map(|row| (row.gold, logits(&row.probabilities))).collect();
    let loss = |temperature: f64| -> f64 {
        rows.iter().map(|(gold, logits)| normaliser(logits, temperature) - logits[*gold] / temperature).sum()
    };
    golden_section(TEMPERATURES.0.ln(), TEMPERATURES.1.ln(), |log| loss(log.exp())).exp()
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

/// Where a function with one valley between `low` and `high` is lowest.
fn golden_section(mut low: f64, mut high: f64, loss: impl Fn(f64) -> f64) -> f64 {
    let (mut left, mut right) = (high - SECTION * (high - low), low + SECTION * (high - low));
    let (mut left_loss, mut right_loss) = (loss(left), loss(right));
    while high - low > TOLERANCE {
        if left_loss <= right_loss {
            (high, right, right_loss) = (right, left, left_loss);
            left = high - SECTION * (high - low);
            left_loss = loss(left);
        } else {
            (low, left, left_loss) = (left, right, right_loss);
            right = low + SECTION * (high - low);
            right_loss = loss(right);
        }
    }
    f64::midpoint(low, high)
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
