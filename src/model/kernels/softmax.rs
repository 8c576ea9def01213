//! Softmax.

use pulp::Simd;
use tch::{TchError, Tensor};

use super::{Bf16, block, narrow, sum, to_f32, values_mut};

/// The softmax of bf16 `scores` over their last dimension, in their place.
pub(in crate::model) fn softmax(scores: &mut Tensor) -> Result<(), TchError> {
    let length = scores.size().last().map_or(1, |&length| usize::try_from(length).unwrap_or(1)).max(1);
    pulp::Arch::new().dispatch(Softmax { values: values_mut(scores)?, length });
    Ok(())
}

/// The softmax of each `length` values, in their place.
struct Softmax<'s> {
    values: &'s mut [Bf16],
    length: usize,
}

impl pulp::WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let block = block(self.length);
        let mut wide = vec![0.0; block];
        for values in self.values.chunks_mut(block) {
            softmax_rows(simd, values, &mut wide[..values.len()], self.length);
        }
    }
}

#[inline(always)]
fn softmax_rows<S: Simd>(simd: S, values: &mut [Bf16], wide: &mut [f32], length: usize) {
    for (wide, value) in wide.iter_mut().zip(values.iter()) {
        *wide = to_f32(*value);
    }
    for row in wide.chunks_exact_mut(length) {
        let most = most(simd, row);
        for score in row {
            *score -= most;
        }
    }
    for score in wide.iter_mut() {
        *score = exp(*score);
    }
    for row in wide.chunks_exact_mut(length) {
        let share = 1.0 / sum(simd, row);
        for power in row {
            *power *= share;
        }
    }
    narrow(wide, values);
}

/// The largest value of a row.
#[inline(always)]
fn most<S: Simd>(simd: S, row: &[f32]) -> f32 {
    let (vectors, rest) = S::as_simd_f32s(row);
    let least = simd.splat_f32s(f32::NEG_INFINITY);
    let most = vectors.iter().fold(least, |most, values| simd.max_f32s(most, *values));
    // The last values may be seen twice, which makes no difference.
    match row.len().checked_sub(S::F32_LANES) {
        Some(start) => simd.reduce_max_f32s(simd.max_f32s(most, simd.partial_load_f32s(&row[start..]))),
        None => rest.iter().copied().fold(f32::NEG_INFINITY, larger),
    }
}

#[inline(always)]
fn larger(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}

/// e to the power of a number that is not positive, to about seven digits; what would be no normal number is 0 or the least.
///
/// Cody and Waite's reduction to half an octave around 0, then the first terms of the series.
#[inline(always)]
fn exp(power: f32) -> f32 {
    /// The sum of this and a small number has that number, rounded to an integer, in its last bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const LEAST: f32 = -87.0;
    let power = if power > LEAST { power } else { LEAST };
    let rounded = power * std::f32::consts::LOG2_E + ROUND;
    let octaves = rounded - ROUND;
    let rest = (power - octaves * LN_2_HIGH) - octaves * LN_2_LOW;
    let mut value: f32 = 1.0 / 720.0;
    for term in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        value = value.mul_add(rest, term);
    }
    value * f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits()))
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::super::tests::{difference, random};
    use super::*;

    #[test]
    fn powers_are_those_of_the_standard_library() {
        for step in 0..60_000_u16 {
            let power = -f32::from(step) / 690.0;
            assert!((exp(power) - power.exp()).abs() <= 3e-7 * power.exp(), "{power}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn softmax_is_that_of_f32_for_any_length() {
        for length in [1, 2, 15, 16, 17, 33, 126, 512] {
            let scores = random(&[6, 4, length], 8.0);
            let exact = scores.to_kind(Kind::Float).softmax(-1, Kind::Float);
            let mut found = scores.copy();
            softmax(&mut found).unwrap();
            assert!(difference(&found, &exact) < 0.005, "{length}");
        }
    }
}
