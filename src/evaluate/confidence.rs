//! Fits the weights by which attributions are scored: logistic regression on attributions that were found in labelled articles,
//! by Newton's method with a small ridge (Hastie, Tibshirani and Friedman 2009, section 4.4).

use crate::attribution::confidence::{DEFAULT_WEIGHTS, Features};
use crate::record::ConfidenceWeights;

/// The number of features.
const FEATURES: usize = ConfidenceWeights::NAMES.len();

/// The weight of the squares of the weights' differences from the default ones: rare features keep about their default.
const RIDGE: f64 = 1.0;

/// The number of steps. Newton's method has converged after a few.
const STEPS: usize = 30;

/// The largest weight that a manifest can hold.
const LARGEST_WEIGHT: f64 = 100.0;

/// The weights of highest likelihood for `examples`: features, and true for attributions; `None` without examples of both kinds.
/// Weights have four digits after the point, as in a manifest.
#[must_use]
pub fn fit_confidence(examples: &[(Features, bool)]) -> Option<ConfidenceWeights> {
    let right = examples.iter().filter(|(_, is_right)| *is_right).count();
    if right == 0 || right == examples.len() {
        return None;
    }
    let mut weights = DEFAULT_WEIGHTS.0;
    for _ in 0..STEPS {
        let step = newton_step(examples, &weights);
        for (weight, change) in weights.iter_mut().zip(step) {
            *weight += change;
        }
    }
    Some(ConfidenceWeights(weights.map(|weight| {
        let bounded = if weight.is_finite() { weight.clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT) } else { 0.0 };
        (bounded * 1e4).round() / 1e4
    })))
}

/// The change of the weights by one step.
fn newton_step(examples: &[(Features, bool)], weights: &Features) -> Features {
    let mut gradient = [0.0; FEATURES];
    let mut curvature = [[0.0; FEATURES]; FEATURES];
    for (features, is_right) in examples {
        let sum: f64 = features.iter().zip(weights).map(|(value, weight)| value * weight).sum();
        let probability = 1.0 / (1.0 + (-sum).exp());
        let error = f64::from(u8::from(*is_right)) - probability;
        for row in 0..FEATURES {
            gradient[row] += error * features[row];
            for column in 0..FEATURES {
                curvature[row][column] += probability * (1.0 - probability) * features[row] * features[column];
            }
        }
    }
    for place in 0..FEATURES {
        gradient[place] -= RIDGE * (weights[place] - DEFAULT_WEIGHTS.0[place]);
        curvature[place][place] += RIDGE;
    }
    solve(curvature, gradient)
}

/// Solves a system of linear equations with a positive definite matrix, by Gaussian elimination.
fn solve(mut matrix: [[f64; FEATURES]; FEATURES], mut right: Features) -> Features {
    for pivot in 0..FEATURES {
        for row in pivot + 1..FEATURES {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            let pivot_row = matrix[pivot];
            for (cell, above) in matrix[row].iter_mut().zip(pivot_row).skip(pivot) {
                *cell -= factor * above;
            }
            right[row] -= factor * right[pivot];
        }
    }
    let mut solution = [0.0; FEATURES];
    for row in (0..FEATURES).rev() {
        let known: f64 = (row + 1..FEATURES).map(|column| matrix[row][column] * solution[column]).sum();
        solution[row] = (right[row] - known) / matrix[row][row];
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::confidence::score;

    /// Features with a bias and the value of one feature.
    fn example(value: f64, is_right: bool) -> (Features, bool) {
        let mut features = [0.0; FEATURES];
        features[0] = 1.0;
        features[3] = value;
        (features, is_right)
    }

    #[test]
    fn scores_are_the_shares_of_right_ones() {
        let mut examples = Vec::new();
        for number in 0..1000 {
            examples.push(example(1.0, number % 10 != 0));
            examples.push(example(-1.0, number % 10 < 3));
        }
        let weights = fit_confidence(&examples).unwrap();
        assert!((score(&weights, &example(1.0, true).0) - 0.9).abs() < 0.01);
        assert!((score(&weights, &example(-1.0, true).0) - 0.3).abs() < 0.01);
        let layout = FEATURES - 2;
        assert!(
            (weights.0[layout] - DEFAULT_WEIGHTS.0[layout]).abs() < 1e-9,
            "a feature that never occurs keeps its default"
        );
    }

    #[test]
    fn a_feature_that_decides_alone_has_a_bounded_weight() {
        let examples: Vec<_> = (0..50).map(|number| example(f64::from(number) - 24.5, number > 24)).collect();
        let weights = fit_confidence(&examples).unwrap();
        assert!(weights.0.iter().all(|weight| weight.is_finite() && weight.abs() <= 100.0));
    }

    #[test]
    fn without_wrong_ones_there_is_nothing_to_learn() {
        assert_eq!(fit_confidence(&[example(1.0, true)]), None);
        assert_eq!(fit_confidence(&[]), None);
    }
}
