//! Layer norms.

use pulp::Simd;

use crate::bf16::narrow;
use crate::rows::{block, sum, sum_of};
use crate::{Bf16, ShapeError, to_f32};

/// The weights of a layer norm.
#[derive(Debug)]
pub struct NormWeights {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) epsilon: f32,
}

impl NormWeights {
    /// The norm of rows as long as `weight` and `bias`.
    ///
    /// # Errors
    ///
    /// A [`ShapeError`] if these have different lengths, or are empty.
    pub fn new(weight: Vec<f32>, bias: Vec<f32>, epsilon: f32) -> Result<Self, ShapeError> {
        if weight.len() != bias.len() || weight.is_empty() {
            return Err(ShapeError(format!("{} weights and {} biases of a norm", weight.len(), bias.len())));
        }
        Ok(Self { weight, bias, epsilon })
    }

    /// The length of a row.
    #[must_use]
    pub fn size(&self) -> usize {
        self.weight.len()
    }

    /// Refuses numbers of values that differ, or are not those of whole rows.
    pub(crate) fn check_rows(&self, values: usize, others: usize) -> Result<(), ShapeError> {
        if values == others && values.is_multiple_of(self.size()) {
            return Ok(());
        }
        Err(ShapeError(format!("{values} and {others} values under a norm of {}", self.size())))
    }
}

/// Replaces each row of `values` by the layer norm of its sum with the row of `others`.
///
/// # Errors
///
/// A [`ShapeError`] if the slices have different lengths, or do not consist of whole rows.
pub fn norm_of_sum(values: &mut [Bf16], others: &[Bf16], norm: &NormWeights) -> Result<(), ShapeError> {
    norm.check_rows(values.len(), others.len())?;
    pulp::Arch::new().dispatch(NormOfSum { values, others, norm });
    Ok(())
}

/// The arguments of [`norm_of_sum`].
struct NormOfSum<'s> {
    values: &'s mut [Bf16],
    others: &'s [Bf16],
    norm: &'s NormWeights,
}

impl pulp::WithSimd for NormOfSum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let block = block(self.norm.weight.len());
        let mut wide = vec![0.0; block];
        for (values, others) in self.values.chunks_mut(block).zip(self.others.chunks(block)) {
            let wide = &mut wide[..values.len()];
            add(wide, values, others);
            norm_rows(simd, wide, self.norm);
            narrow(wide, values);
        }
    }
}

#[inline(always)]
fn add(sums: &mut [f32], values: &[Bf16], others: &[Bf16]) {
    for ((sum, value), other) in sums.iter_mut().zip(values).zip(others) {
        *sum = to_f32(*value) + to_f32(*other);
    }
}

#[inline(always)]
fn norm_rows<S: Simd>(simd: S, wide: &mut [f32], norm: &NormWeights) {
    #[expect(clippy::cast_precision_loss, reason = "a row has some hundred values")]
    let length = norm.weight.len() as f32;
    for row in wide.chunks_exact_mut(norm.weight.len()) {
        let mean = sum(simd, row) / length;
        for value in row.iter_mut() {
            *value -= mean;
        }
        let scale = 1.0 / (sum_of(simd, row, |values| simd.mul_f32s(values, values)) / length + norm.epsilon).sqrt();
        for ((value, weight), bias) in row.iter_mut().zip(&norm.weight).zip(&norm.bias) {
            *value = *value * scale * weight + bias;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{self, difference, random, random_f32};

    #[test]
    fn a_norm_of_a_sum_is_that_of_f64_for_any_size() {
        for size in [8, 16, 20, 384, 5000] {
            let mut values = random(5 * size, 3.0);
            let others = random(5 * size, 1.0);
            let norm = NormWeights::new(random_f32(size, 1.0), random_f32(size, 1.0), 1e-12).unwrap();
            let sums = reference::sums(&reference::widened(&values), &reference::widened(&others));
            let exact = reference::norm(&sums, &norm);
            norm_of_sum(&mut values, &others, &norm).unwrap();
            assert!(difference(&values, &exact) < 0.005, "{size}");
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let norm = NormWeights::new(vec![1.0; 8], vec![0.0; 8], 1e-12).unwrap();
        assert!(norm_of_sum(&mut [0; 16], &[0; 8], &norm).is_err());
        assert!(norm_of_sum(&mut [0; 12], &[0; 12], &norm).is_err());
        assert!(NormWeights::new(vec![1.0; 8], vec![0.0; 7], 1e-12).is_err());
        assert!(NormWeights::new(Vec::new(), Vec::new(), 1e-12).is_err());
    }
}
