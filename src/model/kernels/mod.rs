//! Element-wise and attention kernels for bf16 on CPUs. libtorch processes one value at a time when a row is shorter than a
//! vector, or makes one pass over memory per step; these kernels use the processor's widest vectors and a single pass.
//!
//! They compute in f32 and round once. A row's result depends on that row alone.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined into a dispatched call is compiled for the processor's vectors"
)]

/// Products of small matrices in tiles.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
/// Attention.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod attention;
/// Products of matrices in vectors.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod avx512;
/// The error linear unit.
mod gelu;
/// A matrix a head.
mod heads;
/// Linear layers.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod linear;
/// Layer norms.
mod norm;
/// Softmax.
mod softmax;
/// None of what other processors cannot have.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod unsupported;

use pulp::Simd;
use tch::{Device, Kind, TchError, Tensor};

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) use attention::FusedAttention;
pub(super) use gelu::gelu;
pub(super) use heads::Heads;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) use linear::PackedLinear;
pub(super) use norm::{NormWeights, norm_of_sum};
pub(super) use softmax::softmax;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(super) use unsupported::{FusedAttention, PackedLinear};

/// The number of independent accumulators, which hide the latency of dependent additions.
const SIDE_BY_SIDE: usize = 4;

/// About how many values are taken together, see [`block`].
const BLOCK: usize = 4096;

/// The bits of a bf16: the upper half of an f32.
type Bf16 = u16;

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

/// The values of a contiguous bf16 tensor on the CPU, which nothing else may read meanwhile.
#[expect(unsafe_code, reason = "as `values`")]
fn values_mut(tensor: &mut Tensor) -> Result<&mut [Bf16], TchError> {
    check(tensor)?;
    // SAFETY: as in `values`; and callers write to what a product has just made, or they have.
    Ok(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<Bf16>(), tensor.numel()) })
}

fn check(tensor: &Tensor) -> Result<(), TchError> {
    let is_plain = tensor.is_contiguous() && tensor.device() == Device::Cpu && tensor.kind() == Kind::BFloat16;
    if is_plain { Ok(()) } else { Err(TchError::Kind(format!("no contiguous bf16 tensor on the CPU: {tensor:?}"))) }
}

/// How many values of whole rows are taken together: few enough for a core's first cache, many enough for long loops, which
/// are those that a compiler makes vectors of.
fn block(length: usize) -> usize {
    (BLOCK / length).max(1) * length
}

#[inline(always)]
fn narrow(wide: &[f32], values: &mut [Bf16]) {
    for (value, wide) in values.iter_mut().zip(wide) {
        *value = from_f32(*wide);
    }
}

/// The sum of `part` of each value of a row: side by side in the lanes of vectors, then across them.
#[inline(always)]
fn sum_of<S: Simd>(simd: S, row: &[f32], part: impl Fn(S::f32s) -> S::f32s) -> f32 {
    let (vectors, rest) = S::as_simd_f32s(row);
    let (groups, single) = vectors.as_chunks::<SIDE_BY_SIDE>();
    let mut sums = [simd.splat_f32s(0.0); SIDE_BY_SIDE];
    for group in groups {
        for (sum, values) in sums.iter_mut().zip(group) {
            *sum = simd.add_f32s(*sum, part(*values));
        }
    }
    for (sum, values) in sums.iter_mut().zip(single) {
        *sum = simd.add_f32s(*sum, part(*values));
    }
    // What a vector has beyond the rest is zero, and zero's part must be, too.
    let last = part(simd.partial_load_f32s(rest));
    let [one, two, three, four] = sums;
    let (one, two) = (simd.add_f32s(one, two), simd.add_f32s(three, four));
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(one, two), last))
}

#[inline(always)]
fn sum<S: Simd>(simd: S, row: &[f32]) -> f32 {
    sum_of(simd, row, |values| values)
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

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn random(size: &[i64], scale: f64) -> Tensor {
        (Tensor::randn(size, (Kind::Float, Device::Cpu)) * scale).to_kind(Kind::BFloat16)
    }

    /// The largest difference of two tensors, as a share of the second's largest value.
    pub(super) fn difference(one: &Tensor, other: &Tensor) -> f64 {
        let (one, other) = (one.to_kind(Kind::Float), other.to_kind(Kind::Float));
        ((one - &other).abs().max() / other.abs().max()).double_value(&[])
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
}
