//! Layer norms.

use pulp::Simd;
use tch::{Device, Kind, TchError, Tensor};

use super::{Bf16, block, narrow, sum, sum_of, to_f32, values, values_mut};

/// The weights of a layer norm.
#[derive(Debug)]
pub(in crate::model) struct NormWeights {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
    pub(super) epsilon: f32,
}

impl NormWeights {
    pub(in crate::model) fn new(weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Self, TchError> {
        let values = |tensor: &Tensor| Vec::try_from(tensor.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?);
        #[expect(clippy::cast_possible_truncation, reason = "a small number")]
        let epsilon = epsilon as f32;
        Ok(Self { weight: values(weight)?, bias: values(bias)?, epsilon })
    }
}

/// The layer norm of the sum of two bf16 tensors of the shape `[rows, size]`, in the place of the first.
pub(in crate::model) fn norm_of_sum(one: &mut Tensor, other: &Tensor, norm: &NormWeights) -> Result<(), TchError> {
    let (sizes, length) = ([one.size(), other.size()], norm.weight.len());
    if sizes[0] != sizes[1] || sizes[0].last().map(|&size| usize::try_from(size)) != Some(Ok(length)) {
        return Err(TchError::Shape(format!("{sizes:?} under a norm of {length}")));
    }
    pulp::Arch::new().dispatch(NormOfSum { values: values_mut(one)?, others: values(other)?, norm });
    Ok(())
}

/// The norm of the sums of two values each, in the place of the first.
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
    use super::super::tests::{difference, random};
    use super::*;

    #[test]
    fn a_norm_of_a_sum_is_that_of_f32_for_any_size() {
        for size in [8, 16, 20, 384, 5000] {
            let [one, other] = [3.0, 1.0].map(|scale| random(&[5, size], scale));
            let [weight, bias] = [1.0, 1.0].map(|scale| random(&[size], scale));
            let float = |tensor: &Tensor| tensor.to_kind(tch::Kind::Float);
            let sum = float(&one) + float(&other);
            let exact = sum.layer_norm([size], Some(&float(&weight)), Some(&float(&bias)), 1e-12, false);
            let norm = NormWeights::new(&weight, &bias, 1e-12).unwrap();
            let mut found = one.copy();
            norm_of_sum(&mut found, &other, &norm).unwrap();
            assert!(difference(&found, &exact) < 0.005, "{size}");
        }
    }
}
