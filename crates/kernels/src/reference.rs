//! The same results by plain loops in f64: the oracle of the tests.

#![expect(clippy::cast_precision_loss, reason = "lengths are small numbers")]

use crate::{Bf16, Heads, NormWeights, round_half_even, to_f32};

/// Normally distributed bf16 numbers, the same in every run.
pub(crate) fn random(count: usize, scale: f32) -> Vec<Bf16> {
    let mut random = fastrand::Rng::with_seed(count as u64 ^ u64::from(scale.to_bits()));
    let mut values = Vec::new();
    for _ in 0..count {
        // The sum of twelve uniform numbers has a variance of one.
        let normal = (0..12).map(|_| random.f32()).sum::<f32>() - 6.0;
        values.push(round_half_even(normal * scale));
    }
    values
}

/// The same kind of numbers in f32.
pub(crate) fn random_f32(count: usize, scale: f32) -> Vec<f32> {
    random(count, scale).into_iter().map(to_f32).collect()
}

/// The largest difference, as a share of the largest exact value.
pub(crate) fn difference(found: &[Bf16], exact: &[f64]) -> f64 {
    assert_eq!(found.len(), exact.len());
    let differences = widened(found).into_iter().zip(exact).map(|(found, exact)| (found - exact).abs());
    // Unlike `f64::max`, this keeps what is not a number.
    let largest = differences.fold(0.0, |largest, difference| if difference <= largest { largest } else { difference });
    largest / exact.iter().fold(0.0, |largest, exact| exact.abs().max(largest))
}

/// The same for f32.
pub(crate) fn difference_f32(found: &[f32], exact: &[f64]) -> f64 {
    assert_eq!(found.len(), exact.len());
    let differences = found.iter().zip(exact).map(|(found, exact)| (f64::from(*found) - exact).abs());
    let largest = differences.fold(0.0, |largest, difference| if difference <= largest { largest } else { difference });
    largest / exact.iter().fold(0.0, |largest, exact| exact.abs().max(largest))
}

/// The same numbers in f64.
pub(crate) fn f64s(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// The same numbers in f64.
pub(crate) fn widened(values: &[Bf16]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(to_f32(value))).collect()
}

/// The nearest bf16 to a number, and the even one of two.
pub(crate) fn round(value: f32) -> Bf16 {
    let lower = (value.to_bits() >> 16) as Bf16;
    let upper = lower + 1;
    let to_lower = (f64::from(value) - magnitude(lower)).abs();
    let to_upper = (f64::from(value) - magnitude(upper)).abs();
    if value.is_infinite() || to_lower < to_upper || to_lower.total_cmp(&to_upper).is_eq() && lower.is_multiple_of(2) {
        lower
    } else {
        upper
    }
}

/// The number, where infinity stands for the first power of two that a bf16 cannot hold.
fn magnitude(value: Bf16) -> f64 {
    let value = f64::from(to_f32(value));
    if value.is_infinite() { value.signum() * 2.0_f64.powi(128) } else { value }
}

/// GELU, by a series for the normal distribution.
pub(crate) fn gelu(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let mut term = x;
    let mut sum = x;
    let mut divisor = 1.0;
    while term.abs() > sum.abs() * 1e-17 {
        divisor += 2.0;
        term *= x * x / divisor;
        sum += term;
    }
    x * (0.5 + density * sum)
}

/// The sums of values in the same places.
pub(crate) fn sums(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| one + other).collect()
}

/// Softmax of one row.
pub(crate) fn softmax(row: &[f64]) -> Vec<f64> {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// The layer norm of each row.
pub(crate) fn norm(rows: &[f64], norm: &NormWeights) -> Vec<f64> {
    let size = norm.weight.len();
    let mut normed = Vec::new();
    for row in rows.chunks_exact(size) {
        let mean = row.iter().sum::<f64>() / size as f64;
        let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / size as f64;
        let deviation = (variance + f64::from(norm.epsilon)).sqrt();
        for ((value, weight), bias) in row.iter().zip(&norm.weight).zip(&norm.bias) {
            normed.push((value - mean) / deviation * f64::from(*weight) + f64::from(*bias));
        }
    }
    normed
}

/// A linear layer: `weight` is `[outputs, inputs]`.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) fn linear(rows: &[Bf16], inputs: usize, weight: &[Bf16], bias: &[f32]) -> Vec<f64> {
    linear_f64(&widened(rows), inputs, &widened(weight), &f64s(bias))
}

/// The same for f64.
pub(crate) fn linear_f64(rows: &[f64], inputs: usize, weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let mut found = Vec::new();
    for row in rows.chunks_exact(inputs) {
        for (weight, bias) in weight.chunks_exact(inputs).zip(bias) {
            found.push(product(row, weight) + bias);
        }
    }
    found
}

fn product(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// Attention to queries, keys and values, `[passages, length, 3, heads, size]`, as `[passages, length, heads, size]`.
pub(crate) fn attention(rows: &[f64], shape: Heads) -> Vec<f64> {
    let mut found = Vec::new();
    for query in 0..shape.passages * shape.length {
        let first = query / shape.length * shape.length;
        for head in 0..shape.count {
            let mut scores = Vec::new();
            for token in first..first + shape.length {
                scores.push(product(states(rows, shape, [query, 0, head]), states(rows, shape, [token, 1, head])));
            }
            let mut sum = vec![0.0; shape.size];
            for (token, share) in (first..).zip(softmax(&scores)) {
                for (sum, value) in sum.iter_mut().zip(states(rows, shape, [token, 2, head])) {
                    *sum += share * value;
                }
            }
            found.extend(sum);
        }
    }
    found
}

/// The states of a token's query, key or value (the kinds 0, 1 and 2) for a head.
fn states(rows: &[f64], shape: Heads, [token, kind, head]: [usize; 3]) -> &[f64] {
    &rows[((token * 3 + kind) * shape.count + head) * shape.size..][..shape.size]
}
