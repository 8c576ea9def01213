//! Products of bf16 matrices in vectors, for processors that multiply pairs of bf16 (AVX-512) but have no tiles.

use std::arch::x86_64::{
    __m256i, __m512, __m512bh, __m512i, _mm512_castsi512_ps, _mm512_cvtepu16_epi32, _mm512_cvtne2ps_pbh,
    _mm512_dpbf16_ps, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_slli_epi32,
};

use crate::Bf16;
use crate::amx::{Block, Line, ROWS};

/// The number of rows that are multiplied together. Their 16 vectors of sums are more than a processor has in flight, and leave
/// registers for the rest.
pub(crate) const TOGETHER: usize = 8;

/// Two values of each of 32 columns, the first in the lower half.
pub(crate) type Pairs = [[u32; ROWS]; 2];

/// The sums of some rows, 16 columns of them or 32.
pub(crate) type Sums<const HALVES: usize> = [[__m512; HALVES]; TOGETHER];

/// Proof that this processor multiplies pairs of bf16.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vectors(());

impl Vectors {
    /// `None` if the processor has no such vectors.
    pub(crate) fn find() -> Option<Self> {
        let has_all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512bf16");
        has_all.then_some(Self(()))
    }
}

/// Eight rows of `left` times `right`, or the first half of its columns, summed in f32 in the order of its rows.
///
/// # Panics
///
/// If a row has fewer lines than there are blocks.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) fn products<const HALVES: usize>(left: [&[Line<Bf16>]; TOGETHER], right: &[Block]) -> Sums<HALVES> {
    let mut sums = [[_mm512_setzero_ps(); HALVES]; TOGETHER];
    for (step, Block(block)) in right.iter().enumerate() {
        let mut lines = [&[[0; 2]; ROWS]; TOGETHER];
        for (line, row) in lines.iter_mut().zip(left) {
            *line = pairs(&row[step]);
        }
        let (twos, _) = block.as_chunks::<2>();
        for (two, right) in twos.iter().enumerate() {
            for (place, right) in right.iter().enumerate() {
                for (sums, line) in sums.iter_mut().zip(lines) {
                    add(sums, pulp::cast(line[2 * two + place]), right);
                }
            }
        }
    }
    sums
}

/// The same for a transposed `left`: its eight columns from `first` on.
///
/// # Panics
///
/// If there are fewer columns.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) fn products_of_columns(left: &[Pairs], first: usize, right: &[Pairs]) -> Sums<2> {
    let mut sums = [[_mm512_setzero_ps(); 2]; TOGETHER];
    for (left, right) in left.iter().zip(right) {
        let columns = &left.as_flattened()[first..][..TOGETHER];
        for (sums, left) in sums.iter_mut().zip(columns) {
            add(sums, left.cast_signed(), right);
        }
    }
    sums
}

/// Adds the products of a row's pair and the pair of each column.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn add<const HALVES: usize>(sums: &mut [__m512; HALVES], left: i32, right: &Pairs) {
    let left = as_pairs(_mm512_set1_epi32(left));
    for (sum, right) in sums.iter_mut().zip(right) {
        *sum = _mm512_dpbf16_ps(*sum, left, as_pairs(pulp::cast(*right)));
    }
}

/// The nearest bf16 to each value, and the even one of two.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[expect(unsafe_code, reason = "see `as_pairs`")]
pub(crate) fn round_half_even([one, other]: [__m512; 2]) -> Line<Bf16> {
    // SAFETY: both are 32 values of 16 bits.
    unsafe { std::mem::transmute::<__m512bh, Line<Bf16>>(_mm512_cvtne2ps_pbh(other, one)) }
}

/// The same values in f32.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) fn widened(line: &Line<Bf16>) -> [__m512; 2] {
    let [one, other]: [__m256i; 2] = pulp::cast(*line);
    let [one, other] = [_mm512_cvtepu16_epi32(one), _mm512_cvtepu16_epi32(other)];
    [_mm512_castsi512_ps(_mm512_slli_epi32::<16>(one)), _mm512_castsi512_ps(_mm512_slli_epi32::<16>(other))]
}

fn pairs(line: &Line<Bf16>) -> &[[Bf16; 2]; ROWS] {
    let (pairs, _) = line.as_chunks();
    pairs.try_into().expect("32 values are 16 pairs")
}

#[inline(always)]
#[expect(unsafe_code, reason = "nothing else tells the compiler that the bits of a vector are pairs of bf16")]
fn as_pairs(bits: __m512i) -> __m512bh {
    // SAFETY: both are 64 bytes, and any bits are bf16.
    unsafe { std::mem::transmute(bits) }
}

#[cfg(test)]
mod tests {
    use pressrun_testing::{Need, found_or_skip};

    use super::*;
    use crate::amx::SIDE;
    use crate::amx::tests::check_product;

    #[test]
    #[expect(unsafe_code, reason = "functions with target features may only be called on such processors")]
    fn a_product_is_that_of_its_values() {
        let Some(_) = found_or_skip(Need::Avx512, Vectors::find()) else { return };
        check_product(|left, left_row, right, place, place_row| {
            for first in (0..SIDE).step_by(TOGETHER) {
                let rows = std::array::from_fn(|row| left[(first + row) * left_row..].as_chunks().0);
                // SAFETY: there is a `Vectors`.
                let sums = unsafe { products::<2>(rows, right) };
                for (row, sums) in sums.into_iter().enumerate() {
                    place[(first + row) * place_row..][..SIDE].copy_from_slice(&pulp::cast::<_, Line<f32>>(sums));
                }
            }
        });
    }
}
