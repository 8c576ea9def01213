//! Softmax.
//!
//! Fused attention has softmaxes of its own: their sums follow the layout of its scores, and a bf16 power needs fewer terms of `exp`.

use pulp::Simd;

use crate::bf16::narrow;
use crate::rows::{block, sum};
use crate::{Bf16, ShapeError, to_f32};

/// Replaces each row of `length` scores by its softmax.
///
/// # Errors
///
/// A [`ShapeError`] if there are no whole rows.
pub fn softmax(scores: &mut [Bf16], length: usize) -> Result<(), ShapeError> {
    if length == 0 || !scores.len().is_multiple_of(length) {
        return Err(ShapeError(format!("{} scores for rows of {length}", scores.len())));
    }
    pulp::Arch::new().dispatch(Softmax { values: scores, length });
    Ok(())
}

/// The arguments of [`softmax`].
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
    // Some values are seen twice, which does not change the largest.
    match row.len().checked_sub(S::F32_LANES) {
        Some(start) => simd.reduce_max_f32s(simd.max_f32s(most, simd.partial_load_f32s(&row[start..]))),
        None => rest.iter().copied().fold(f32::NEG_INFINITY, larger),
    }
}

#[inline(always)]
fn larger(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}

/// e to the power of a number that is not positive, to about seven digits. Powers too small for a normal number are 0 or the least one.
///
/// Cody and Waite's reduction to half an octave around 0, then the first terms of the series.
#[inline(always)]
fn exp(power: f32) -> f32 {
    /// Added to a small number, this leaves the number, rounded to an integer, in the last bits of the sum.
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
    use super::*;
    use crate::reference::{self, difference, random};

    #[test]
    fn powers_are_those_of_the_standard_library() {
        for step in 0..60_000_u16 {
            let power = -f32::from(step) / 690.0;
            assert!((exp(power) - power.exp()).abs() <= 3e-7 * power.exp(), "{power}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn softmax_is_that_of_f64_for_any_length() {
        for length in [1, 2, 15, 16, 17, 33, 126, 512] {
            let mut scores = random(24 * length, 8.0);
            let exact: Vec<f64> = reference::widened(&scores).chunks(length).flat_map(reference::softmax).collect();
            softmax(&mut scores, length).unwrap();
            assert!(difference(&scores, &exact) < 0.005, "{length}");
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        assert!(softmax(&mut [0; 7], 2).is_err());
        assert!(softmax(&mut [0; 7], 0).is_err());
        assert!(softmax(&mut [], 3).is_ok());
    }
}
