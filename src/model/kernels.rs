//! The kernels of `crates/kernels`, for tensors. All tensors must be contiguous bf16 on the CPU.
//!
//! The two `unsafe` blocks of this crate are here: they turn a tensor's memory into a slice, as only this crate knows tensors.

use tch::{Device, Kind, TchError, Tensor};

use pressrun_kernels::{Bf16, ShapeError, Threads};
pub(super) use pressrun_kernels::{Heads, NormWeights, has_amx, multiplies_bf16};

use super::to_i64;

/// Replaces each value by its GELU.
pub(super) fn gelu(values: &mut Tensor) -> Result<(), TchError> {
    pressrun_kernels::gelu(slice_mut(values)?);
    Ok(())
}

/// Replaces `scores` by their softmax over the last dimension.
pub(super) fn softmax(scores: &mut Tensor) -> Result<(), TchError> {
    let length = scores.size().last().map_or(1, |&length| usize::try_from(length).unwrap_or(1)).max(1);
    pressrun_kernels::softmax(slice_mut(scores)?, length).map_err(refused)
}

/// The weights of a layer norm, converted to f32 on the CPU.
pub(super) fn norm_weights(weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<NormWeights, TchError> {
    #[expect(clippy::cast_possible_truncation, reason = "a small number")]
    let epsilon = epsilon as f32;
    NormWeights::new(to_f32s(weight)?, to_f32s(bias)?, epsilon).map_err(refused)
}

/// Replaces `one` by the layer norm of its sum with `other`. Both have the shape `[rows, size]`.
pub(super) fn norm_of_sum(one: &mut Tensor, other: &Tensor, norm: &NormWeights) -> Result<(), TchError> {
    if one.size() != other.size() || one.size().last() != Some(&to_i64(norm.size())) {
        return Err(TchError::Shape(format!(
            "{:?} and {:?} under a norm of {}",
            one.size(),
            other.size(),
            norm.size()
        )));
    }
    pressrun_kernels::norm_of_sum(slice_mut(one)?, slice(other)?, norm).map_err(refused)
}

/// Copies `rows` of queries, keys and values, `[passages * length, 3 * heads * size]`, into a new tensor of the shape
/// `[3, passages * heads, length, size]`.
pub(super) fn split_heads(rows: &Tensor, shape: Heads) -> Result<Tensor, TchError> {
    let size = [3, shape.passages * shape.count, shape.length, shape.size].map(to_i64);
    let mut split = Tensor::f_empty(size, (Kind::BFloat16, rows.device()))?;
    shape.split(slice(rows)?, slice_mut(&mut split)?).map_err(refused)?;
    Ok(split)
}

/// Copies `matrices`, `[passages * heads, length, size]`, to `rows`, `[passages * length, heads * size]`.
pub(super) fn join_heads(matrices: &Tensor, shape: Heads, rows: &mut Tensor) -> Result<(), TchError> {
    shape.join(slice(matrices)?, slice_mut(rows)?).map_err(refused)
}

/// A linear layer of our own.
#[derive(Debug)]
pub(super) struct PackedLinear(pressrun_kernels::PackedLinear);

impl PackedLinear {
    /// The layer with a `weight` of the shape `[outputs, inputs]`. `None` if the processor or the shape does not allow it.
    pub(super) fn new(weight: &Tensor, bias: &Tensor) -> Result<Option<Self>, TchError> {
        let (_, inputs) = weight.size2()?;
        let weight = weight.f_to_kind(Kind::BFloat16)?.f_contiguous()?;
        let inputs = usize::try_from(inputs).unwrap_or(0);
        let packed = pressrun_kernels::PackedLinear::new(slice(&weight)?, &to_f32s(bias)?, inputs).map_err(refused)?;
        Ok(packed.map(Self))
    }

    /// The product with `rows` of the shape `[rows, inputs]`, plus the bias.
    pub(super) fn forward(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        let mut places = self.places(rows)?;
        self.0.forward(slice(rows)?, threads(), slice_mut(&mut places)?).map_err(refused)?;
        Ok(places)
    }

    /// GELU of the product and the bias.
    pub(super) fn gelu(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        let mut places = self.places(rows)?;
        self.0.gelu(slice(rows)?, threads(), slice_mut(&mut places)?).map_err(refused)?;
        Ok(places)
    }

    /// The norm of the sum of the product, the bias and `others`, of the shape `[rows, outputs]`.
    pub(super) fn norm_of_sum(&self, rows: &Tensor, others: &Tensor, norm: &NormWeights) -> Result<Tensor, TchError> {
        let mut places = self.places(rows)?;
        if others.size() != places.size() {
            return Err(TchError::Shape(format!("{:?} to add to {:?}", others.size(), places.size())));
        }
        self.0.norm_of_sum(slice(rows)?, slice(others)?, norm, threads(), slice_mut(&mut places)?).map_err(refused)?;
        Ok(places)
    }

    /// A tensor for the results of `rows`.
    fn places(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        let (count, inputs) = rows.size2()?;
        if inputs != to_i64(self.0.inputs()) {
            return Err(TchError::Shape(format!("{count} rows of {inputs} for {} inputs", self.0.inputs())));
        }
        Tensor::f_empty([count, to_i64(self.0.outputs())], (Kind::BFloat16, rows.device()))
    }
}

/// Attention in one pass.
pub(super) struct FusedAttention(pressrun_kernels::FusedAttention);

impl FusedAttention {
    /// `None` if the processor or the size of heads does not allow it.
    pub(super) fn find(size: usize) -> Option<Self> {
        pressrun_kernels::FusedAttention::find(size).map(Self)
    }

    /// Puts what each head attends to into `places`, of the shape `[tokens, heads * size]`. `rows` has the shape
    /// `[tokens, 3 * heads * size]`.
    pub(super) fn attend(&mut self, rows: &Tensor, shape: Heads, places: &mut Tensor) -> Result<(), TchError> {
        self.0.attend(slice(rows)?, shape, slice_mut(places)?).map_err(refused)
    }
}

/// The passages, tokens of each, heads and states of each.
pub(super) fn sizes(shape: Heads) -> [i64; 4] {
    [shape.passages, shape.length, shape.count, shape.size].map(to_i64)
}

/// libtorch has several threads if nothing else is at work, see `Runtime::use_threads`.
fn threads() -> Threads {
    if tch::get_num_threads() > 1 { Threads::Pool } else { Threads::One }
}

fn to_f32s(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    Vec::try_from(tensor.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn refused(error: ShapeError) -> TchError {
    TchError::Shape(error.to_string())
}

/// The values of a tensor.
#[expect(
    unsafe_code,
    reason = "tch gives no other access to a tensor's values than a copy, which takes as long as the work"
)]
fn slice(tensor: &Tensor) -> Result<&[Bf16], TchError> {
    check(tensor)?;
    if tensor.numel() == 0 {
        // It may have no memory.
        return Ok(&[]);
    }
    // SAFETY: the tensor is contiguous bf16 on the CPU, so `numel` values of two bytes follow its first one, and it outlives the slice.
    // Nothing of ours shares a tensor between threads.
    Ok(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<Bf16>(), tensor.numel()) })
}

/// The values of a tensor that shares no memory with one that is read at the same time.
#[expect(unsafe_code, reason = "as `slice`")]
fn slice_mut(tensor: &mut Tensor) -> Result<&mut [Bf16], TchError> {
    check(tensor)?;
    if tensor.numel() == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as in `slice`. Callers own the tensor: it is new, or a part of a new one that no other slice covers.
    Ok(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<Bf16>(), tensor.numel()) })
}

fn check(tensor: &Tensor) -> Result<(), TchError> {
    let is_plain = tensor.is_contiguous() && tensor.device() == Device::Cpu && tensor.kind() == Kind::BFloat16;
    if is_plain { Ok(()) } else { Err(TchError::Kind(format!("no contiguous bf16 tensor on the CPU: {tensor:?}"))) }
}

#[cfg(test)]
mod tests {
    use pressrun_testing::{Need, found_or_skip};

    use super::*;

    fn random(size: &[i64], scale: f64) -> Tensor {
        (Tensor::randn(size, (Kind::Float, Device::Cpu)) * scale).to_kind(Kind::BFloat16)
    }

    fn float(tensor: &Tensor) -> Tensor {
        tensor.to_kind(Kind::Float)
    }

    /// The largest difference of two tensors, as a share of the second's largest value.
    fn difference(one: &Tensor, other: &Tensor) -> f64 {
        let one = float(one);
        let other = float(other);
        ((one - &other).abs().max() / other.abs().max()).double_value(&[])
    }

    #[test]
    fn rounding_is_that_of_libtorch() {
        for bits in (0..u32::MAX).step_by(9973) {
            let value = f32::from_bits(bits);
            let expected = Tensor::from(value).to_kind(Kind::BFloat16).double_value(&[]);
            let found = f64::from(pressrun_kernels::to_f32(pressrun_kernels::round_half_even(value)));
            assert!(found.total_cmp(&expected).is_eq() || found.is_nan() && expected.is_nan(), "{value}");
        }
    }

    #[test]
    fn results_in_place_are_those_of_libtorch() {
        let values = random(&[6, 4, 33], 3.0);
        let mut found = values.copy();
        gelu(&mut found).unwrap();
        assert!(difference(&found, &float(&values).gelu("none")) < 0.005);

        let mut found = values.copy();
        softmax(&mut found).unwrap();
        assert!(difference(&found, &float(&values).softmax(-1, Kind::Float)) < 0.005);
    }

    #[test]
    fn a_norm_of_a_sum_is_that_of_libtorch() {
        let [weight, bias] = [1.0, 1.0].map(|scale| random(&[20], scale));
        let [one, other] = [3.0, 1.0].map(|scale| random(&[5, 20], scale));
        let sum = float(&one) + float(&other);
        let exact = sum.layer_norm([20], Some(&float(&weight)), Some(&float(&bias)), 1e-12, false);
        let norm = norm_weights(&weight, &bias, 1e-12).unwrap();
        let mut found = one.copy();
        norm_of_sum(&mut found, &other, &norm).unwrap();
        assert!(difference(&found, &exact) < 0.005);
        assert!(norm_of_sum(&mut found, &random(&[5, 10], 1.0), &norm).is_err(), "another size");
    }

    #[test]
    fn heads_are_split_and_joined_as_by_permuting() {
        let shape = Heads { passages: 2, length: 5, count: 3, size: 37 };
        let rows = random(&[10, 3 * 3 * 37], 2.0);
        let exact = rows.view([2, 5, 3, 3, 37]).permute([2, 0, 3, 1, 4]).reshape([3, 6, 5, 37]);
        let split = split_heads(&rows, shape).unwrap();
        assert!(split == exact);
        let mut joined = Tensor::zeros([10, 3 * 37], (Kind::BFloat16, Device::Cpu));
        join_heads(&split.get(0), shape, &mut joined).unwrap();
        assert!(joined == rows.narrow(1, 0, 3 * 37));
        assert!(split_heads(&rows.narrow(0, 0, 9), shape).is_err(), "another length");
    }

    #[test]
    fn only_contiguous_bf16_is_taken() {
        let mut transposed = random(&[4, 6], 1.0).transpose(0, 1);
        assert!(gelu(&mut transposed).is_err());
        assert!(gelu(&mut float(&random(&[4, 6], 1.0))).is_err());
        assert!(gelu(&mut random(&[0, 6], 1.0)).is_ok(), "no values at all");
    }

    #[test]
    fn a_packed_layer_is_that_of_libtorch() {
        let [weight, bias] = [random(&[160, 64], 0.1), random(&[160], 1.0)];
        let packed = PackedLinear::new(&weight, &bias).unwrap();
        let Some(layer) = found_or_skip(Need::Avx512, packed) else { return };
        let rows = random(&[136, 64], 1.0);
        let exact = float(&rows).linear(&float(&weight), Some(&float(&bias)));
        assert!(difference(&layer.forward(&rows).unwrap(), &exact) < 0.005);
        assert!(difference(&layer.gelu(&rows).unwrap(), &exact.gelu("none")) < 0.005);

        let others = random(&[136, 160], 1.0);
        let [scale, shift] = [1.0, 1.0].map(|scale| random(&[160], scale));
        let norm = norm_weights(&scale, &shift, 1e-12).unwrap();
        let sum = exact + float(&others);
        let exact = sum.layer_norm([160], Some(&float(&scale)), Some(&float(&shift)), 1e-12, false);
        assert!(difference(&layer.norm_of_sum(&rows, &others, &norm).unwrap(), &exact) < 0.005);

        assert!(layer.forward(&random(&[8, 32], 1.0)).is_err(), "other inputs");
        assert!(layer.forward(&random(&[7, 64], 1.0)).is_err(), "seven rows");
        assert!(layer.forward(&float(&random(&[8, 64], 1.0))).is_err(), "f32");
        assert!(layer.forward(&random(&[0, 64], 1.0)).unwrap().numel() == 0);
        assert!(layer.norm_of_sum(&rows, &others.narrow(0, 0, 8), &norm).is_err(), "other rows to add");
    }

    #[test]
    fn attention_is_that_of_libtorch() {
        let Some(mut attention) = found_or_skip(Need::Avx512, FusedAttention::find(32)) else { return };
        let shape = Heads { passages: 2, length: 17, count: 5, size: 32 };
        let rows = random(&[34, 3 * 160], 0.8);
        let split = float(&rows).view([2, 17, 3, 5, 32]).permute([2, 0, 3, 1, 4]);
        let scores = split.get(0).matmul(&split.get(1).transpose(2, 3));
        let exact = scores.softmax(-1, Kind::Float).matmul(&split.get(2)).transpose(1, 2).reshape([34, 160]);
        let mut places = Tensor::ones([34, 160], (Kind::BFloat16, Device::Cpu));
        attention.attend(&rows, shape, &mut places).unwrap();
        assert!(difference(&places, &exact) < 0.006);
        assert!(attention.attend(&float(&rows), shape, &mut places).is_err(), "f32");
    }
}
