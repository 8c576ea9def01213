//! Layer norms.

use pulp::Simd;

use super::{sum, sum_of};
use crate::{NormWeights, ShapeError};

/// Replaces each row of `values` by the layer norm of its sum with the row of `others`.
///
/// # Errors
///
/// A [`ShapeError`] if the slices have different lengths, or do not consist of whole rows.
pub fn norm_of_sum(values: &mut [f32], others: &[f32], norm: &NormWeights) -> Result<(), ShapeError> {
    norm.check_rows(values.len(), others.len())?;
    pulp::Arch::new().dispatch(NormOfSum { values, others, norm });
    Ok(())
}

/// The arguments of [`norm_of_sum`].
struct NormOfSum<'s> {
    values: &'s mut [f32],
    others: &'s [f32],
    norm: &'s NormWeights,
}

impl pulp::WithSimd for NormOfSum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        norm_rows(self.values, self.others, self.norm);
    }
}

/// The same, as a part of what is compiled for the processor's vectors.
#[inline(always)]
pub(super) fn norm_rows(values: &mut [f32], others: &[f32], norm: &NormWeights) {
    #[expect(clippy::cast_precision_loss, reason = "a row has some hundred values")]
    let length = norm.size() as f32;
    for (row, others) in values.chunks_exact_mut(norm.size()).zip(others.chunks_exact(norm.size())) {
        for (value, other) in row.iter_mut().zip(others) {
            *value += other;
        }
        let mean = sum(row) / length;
        for value in row.iter_mut() {
            *value -= mean;
        }
        let scale = 1.0 / (sum_of(row, |value| value * value) / length + norm.epsilon).sqrt();
        for ((value, weight), bias) in row.iter_mut().zip(&norm.weight).zip(&norm.bias) {
            *value = (*value * scale).mul_add(*weight, *bias);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{self, random_f32, sums};

    #[test]
    fn a_norm_of_a_sum_is_that_of_f64_for_any_size() {
        for size in [8, 20, 384, 5000] {
            let mut values = random_f32(5 * size, 3.0);
            let others = random_f32(5 * size, 1.0);
            let norm = NormWeights::new(random_f32(size, 1.0), random_f32(size, 1.0), 1e-12).unwrap();
            let exact = reference::norm(&sums(&reference::f64s(&values), &reference::f64s(&others)), &norm);
            norm_of_sum(&mut values, &others, &norm).unwrap();
            assert!(reference::difference_f32(&values, &exact) < 1e-5, "{size}");
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let norm = NormWeights::new(vec![1.0; 8], vec![0.0; 8], 1e-12).unwrap();
        assert!(norm_of_sum(&mut [0.0; 16], &[0.0; 8], &norm).is_err());
        assert!(norm_of_sum(&mut [0.0; 12], &[0.0; 12], &norm).is_err());
    }
}
