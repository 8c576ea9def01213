//! Loops over rows that several kernels share.

use pulp::Simd;

/// The number of independent accumulators, which hide the latency of dependent additions.
const SIDE_BY_SIDE: usize = 4;

/// The approximate number of values in a block.
const BLOCK: usize = 4096;

/// The number of values of whole rows that are processed together: few enough for the first cache of a core, and enough for the
/// long loops that compilers vectorise.
pub(crate) fn block(length: usize) -> usize {
    (BLOCK / length).max(1) * length
}

/// The sum of a row.
#[inline(always)]
pub(crate) fn sum<S: Simd>(simd: S, row: &[f32]) -> f32 {
    sum_of(simd, row, |values| values)
}

/// The sum of `part` of each value of a row: first in the lanes of vectors, then across them.
#[inline(always)]
pub(crate) fn sum_of<S: Simd>(simd: S, row: &[f32], part: impl Fn(S::f32s) -> S::f32s) -> f32 {
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
    // The lanes beyond the rest are zero, so `part` of zero must be zero.
    let last = part(simd.partial_load_f32s(rest));
    let [one, two, three, four] = sums;
    let one_and_two = simd.add_f32s(one, two);
    let three_and_four = simd.add_f32s(three, four);
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(one_and_two, three_and_four), last))
}
