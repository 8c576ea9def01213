//! What stands between the products, for bf16 on a CPU. libtorch's own code takes one value at a time where a row is shorter than a
//! vector, or reads memory once for each step; this takes vectors of the widest kind that the processor has, and one pass.
//!
//! All of it computes in f32 and rounds once. A row's result depends on the row alone.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined into a dispatched call is compiled for the processor's vectors"
)]

use tch::{Device, Kind, TchError, Tensor};

/// As many values are summed side by side; the widest vectors hold so many f32.
const LANES: usize = 16;

type Lanes = [f32; LANES];

/// About how many values are taken together, see [`block`].
const BLOCK: usize = 4096;

/// The bits of a bf16: the upper half of an f32.
type Bf16 = u16;

/// The weights of a layer norm.
#[derive(Debug)]
pub(super) struct NormWeights {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl NormWeights {
    pub(super) fn new(weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Self, TchError> {
        let values = |tensor: &Tensor| Vec::<f32>::try_from(tensor.f_to_kind(Kind::Float)?);
        #[expect(clippy::cast_possible_truncation, reason = "a small number")]
        let epsilon = epsilon as f32;
        Ok(Self { weight: values(weight)?, bias: values(bias)?, epsilon })
    }
}

/// The softmax of bf16 `scores` over their last dimension, in their place.
pub(super) fn softmax(scores: &mut Tensor) -> Result<(), TchError> {
    let length = scores.size().last().map_or(1, |&length| usize::try_from(length).unwrap_or(1)).max(1);
    pulp::Arch::new().dispatch(Softmax { values: values_mut(scores)?, length });
    Ok(())
}

/// The layer norm of the sum of two bf16 tensors of the shape `[rows, size]`, in the place of the first.
pub(super) fn norm_of_sum(one: &mut Tensor, other: &Tensor, norm: &NormWeights) -> Result<(), TchError> {
    if one.size() != other.size() || one.size().last().map(|&size| usize::try_from(size)) != Some(Ok(norm.weight.len()))
    {
        return Err(TchError::Shape(format!(
            "{:?} and {:?} under a norm of {}",
            one.size(),
            other.size(),
            norm.weight.len()
        )));
    }
    pulp::Arch::new().dispatch(NormOfSum { values: values_mut(one)?, others: values(other)?, norm });
    Ok(())
}

/// The values of a contiguous bf16 tensor on the CPU.
#[expect(
    unsafe_code,
    reason = "tch gives no other access to a tensor's values than a copy, which takes as long as the work"
)]
fn values(tensor: &Tensor) -> Result<&[Bf16], TchError> {
    check(tensor)?;
    // SAFETY: the tensor is contiguous, so its values are `numel` times two bytes from its first, and it outlives the slice.
    // Nothing of ours shares a tensor between threads.
    Ok(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<Bf16>(), tensor.numel()) })
}

/// The values of a contiguous bf16 tensor on the CPU, which no other tensor may share.
#[expect(unsafe_code, reason = "as `values`")]
fn values_mut(tensor: &mut Tensor) -> Result<&mut [Bf16], TchError> {
    check(tensor)?;
    // SAFETY: as in `values`; and both callers are given what a product has just made.
    Ok(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<Bf16>(), tensor.numel()) })
}

fn check(tensor: &Tensor) -> Result<(), TchError> {
    let is_plain = tensor.is_contiguous() && tensor.device() == Device::Cpu && tensor.kind() == Kind::BFloat16;
    if is_plain { Ok(()) } else { Err(TchError::Kind(format!("no contiguous bf16 tensor on the CPU: {tensor:?}"))) }
}

/// The softmax of each `length` values, in their place.
struct Softmax<'s> {
    values: &'s mut [Bf16],
    length: usize,
}

impl pulp::WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let block = block(self.length);
        let mut wide = vec![0.0; block];
        for values in self.values.chunks_mut(block) {
            softmax_rows(values, &mut wide[..values.len()], self.length);
        }
    }
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
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let block = block(self.norm.weight.len());
        let mut wide = vec![0.0; block];
        for (values, others) in self.values.chunks_mut(block).zip(self.others.chunks(block)) {
            norm_rows(values, others, &mut wide[..values.len()], self.norm);
        }
    }
}

/// How many values of whole rows are taken together: few enough for a core's first cache, many enough for long loops, which
/// are those that a compiler makes vectors of.
fn block(length: usize) -> usize {
    (BLOCK / length).max(1) * length
}

#[inline(always)]
fn softmax_rows(values: &mut [Bf16], wide: &mut [f32], length: usize) {
    for (wide, value) in wide.iter_mut().zip(values.iter()) {
        *wide = to_f32(*value);
    }
    for row in wide.chunks_exact_mut(length) {
        let most = most(row);
        for score in row {
            *score -= most;
        }
    }
    for score in wide.iter_mut() {
        *score = exp(*score);
    }
    for row in wide.chunks_exact_mut(length) {
        let share = 1.0 / sum(row);
        for power in row {
            *power *= share;
        }
    }
    narrow(wide, values);
}

#[inline(always)]
fn norm_rows(values: &mut [Bf16], others: &[Bf16], wide: &mut [f32], norm: &NormWeights) {
    for ((wide, value), other) in wide.iter_mut().zip(values.iter()).zip(others) {
        *wide = to_f32(*value) + to_f32(*other);
    }
    #[expect(clippy::cast_precision_loss, reason = "a row has some hundred values")]
    let length = norm.weight.len() as f32;
    for row in wide.chunks_exact_mut(norm.weight.len()) {
        let mean = sum(row) / length;
        for value in row.iter_mut() {
            *value -= mean;
        }
        let scale = 1.0 / (sum_of_squares(row) / length + norm.epsilon).sqrt();
        for ((value, weight), bias) in row.iter_mut().zip(&norm.weight).zip(&norm.bias) {
            *value = *value * scale * weight + bias;
        }
    }
    narrow(wide, values);
}

#[inline(always)]
fn narrow(wide: &[f32], values: &mut [Bf16]) {
    for (value, wide) in values.iter_mut().zip(wide) {
        *value = from_f32(*wide);
    }
}

/// The largest value of a row.
#[inline(always)]
fn most(row: &[f32]) -> f32 {
    let Some((_, last)) = row.split_last_chunk::<LANES>() else {
        return row.iter().copied().fold(f32::NEG_INFINITY, larger);
    };
    // The last lanes may be seen twice, which makes no difference.
    let mut most = *last;
    for part in row.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            most[lane] = larger(most[lane], part[lane]);
        }
    }
    most.into_iter().fold(f32::NEG_INFINITY, larger)
}

#[inline(always)]
fn larger(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}

#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    let (parts, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for part in parts {
        for lane in 0..LANES {
            sums[lane] += part[lane];
        }
    }
    rest.iter().fold(total(sums), |sum, value| sum + value)
}

#[inline(always)]
fn sum_of_squares(row: &[f32]) -> f32 {
    let (parts, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for part in parts {
        for lane in 0..LANES {
            sums[lane] += part[lane] * part[lane];
        }
    }
    rest.iter().fold(total(sums), |sum, value| sum + value * value)
}

#[inline(always)]
fn to_f32(value: Bf16) -> f32 {
    f32::from_bits(u32::from(value) << 16)
}

/// The nearest bf16, the even one of two.
#[inline(always)]
fn from_f32(value: f32) -> Bf16 {
    const NAN: u16 = 0x7fc0;
    let bits = value.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16;
    if value.is_nan() { NAN } else { rounded }
}

/// The sum of all lanes, in halves, which is the order of the fewest steps.
#[inline(always)]
fn total(mut sums: Lanes) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
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
    let mut value = 1.0 / 720.0;
    for term in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        value = value * rest + term;
    }
    value * f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(size: &[i64], scale: f64) -> Tensor {
        (Tensor::randn(size, (Kind::Float, Device::Cpu)) * scale).to_kind(Kind::BFloat16)
    }

    /// The largest difference of two tensors, as a share of the second's largest value.
    fn difference(one: &Tensor, other: &Tensor) -> f64 {
        let (one, other) = (one.to_kind(Kind::Float), other.to_kind(Kind::Float));
        ((one - &other).abs().max() / other.abs().max()).double_value(&[])
    }

    #[test]
    fn powers_are_those_of_the_standard_library() {
        for step in 0..60_000_u16 {
            let power = -f32::from(step) / 690.0;
            assert!((exp(power) - power.exp()).abs() <= 3e-7 * power.exp(), "{power}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn rounding_is_that_of_libtorch() {
        for bits in (0..u32::MAX).step_by(9973) {
            let value = f32::from_bits(bits);
            let expected = Tensor::from(value).to_kind(Kind::BFloat16).double_value(&[]);
            let found = f64::from(to_f32(from_f32(value)));
            assert!(found.total_cmp(&expected).is_eq() || found.is_nan() && expected.is_nan(), "{value}");
        }
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

    #[test]
    fn a_norm_of_a_sum_is_that_of_f32_for_any_size() {
        for size in [8, 16, 20, 384, 5000] {
            let (one, other, weight, bias) =
                (random(&[5, size], 3.0), random(&[5, size], 1.0), random(&[size], 1.0), random(&[size], 1.0));
            let float = |tensor: &Tensor| tensor.to_kind(Kind::Float);
            let sum = float(&one) + float(&other);
            let exact = sum.layer_norm([size], Some(&float(&weight)), Some(&float(&bias)), 1e-12, false);
            let norm = NormWeights::new(&weight, &bias, 1e-12).unwrap();
            let mut found = one.copy();
            norm_of_sum(&mut found, &other, &norm).unwrap();
            assert!(difference(&found, &exact) < 0.005, "{size}");
        }
    }
}
