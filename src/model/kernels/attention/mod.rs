//! Attention in one pass: what a head computes for 32 queries, two products and the softmax between them, stays in a core's first two caches,
//! and is rounded to bf16 where libtorch rounds it: as powers, and in the end.
//!
//! A passage's result depends on the passage alone: others are in none of its products.

/// In tiles.
mod amx;
/// In vectors.
mod avx512;

use pulp::x86::V4;
use pulp::{Simd, f32x16, u32x16};
use tch::{TchError, Tensor};

use super::amx::{Line, ROWS, SIDE};
use super::{Bf16, Heads};
use amx::TileAttention;
use avx512::VectorAttention;

/// What attends, with memory for what is computed on the way.
pub(in crate::model) enum FusedAttention {
    /// Where the processor has tiles.
    InTiles(TileAttention),
    /// Where it multiplies bf16 in vectors alone.
    InVectors(VectorAttention),
}

impl FusedAttention {
    /// None where the processor does not multiply bf16, or heads of `size` states do not fill lines of 32.
    pub(in crate::model) fn find(size: usize) -> Option<Self> {
        let in_vectors = || VectorAttention::find(size).map(Self::InVectors);
        TileAttention::find(size).map(Self::InTiles).or_else(in_vectors)
    }

    /// Puts into `place`, bf16 of the shape `[tokens, heads * size]`, what each head attends to, for `rows` of queries, keys and values in the
    /// shape `[tokens, 3 * heads * size]`.
    ///
    /// # Errors
    ///
    /// Where they have other shapes, or are no contiguous bf16 on the CPU.
    pub(in crate::model) fn attend(&mut self, rows: &Tensor, shape: Heads, place: &mut Tensor) -> Result<(), TchError> {
        shape.check(rows, 3)?;
        shape.check(place, 1)?;
        if !shape.size.is_multiple_of(SIDE) {
            return Err(TchError::Shape(format!("{shape:?} for lines of {SIDE}")));
        }
        match self {
            Self::InTiles(tiles) => tiles.attend(rows, shape, place),
            Self::InVectors(vectors) => vectors.attend(rows, shape, place),
        }
    }
}

/// What is there already stays: whoever reads a place has written to it.
fn grow<T: Clone>(places: &mut Vec<T>, count: usize, empty: T) {
    if places.len() < count {
        places.resize(count, empty);
    }
}

/// 2 to the power of a number that is not positive, to 1e-4 of it, where a bf16 tells 4e-3 apart.
///
/// The polynomial is equal to the power at the four Chebyshev nodes between -1/2 and 1/2.
#[inline(always)]
fn exp2(simd: V4, power: f32x16) -> f32x16 {
    const TERMS: [f32; 4] = [0.055_838_283, 0.242_639_48, 0.693_136_7, 0.999_924_56];
    const TO_NEAREST: i32 = 8;
    let octaves: f32x16 = pulp::cast(simd.avx512f._mm512_roundscale_ps::<TO_NEAREST>(pulp::cast(power)));
    let rest = simd.sub_f32s(power, octaves);
    let mut value = simd.splat_f32s(TERMS[0]);
    for term in &TERMS[1..] {
        value = simd.mul_add_f32s(value, rest, simd.splat_f32s(*term));
    }
    pulp::cast(simd.avx512f._mm512_scalef_ps(pulp::cast(value), pulp::cast(octaves)))
}

/// The nearest bf16 to each value.
#[inline(always)]
fn rounded(simd: V4, one: f32x16, other: f32x16) -> Line<Bf16> {
    const UPPER_HALVES: Line<u16> = {
        let (mut places, mut place) = ([1; SIDE], 1);
        while place < SIDE {
            places[place] = places[place - 1] + 2;
            place += 1;
        }
        places
    };
    let (one, other) = (rounded_up(simd, one), rounded_up(simd, other));
    pulp::cast(simd.avx512bw._mm512_permutex2var_epi16(pulp::cast(one), pulp::cast(UPPER_HALVES), pulp::cast(other)))
}

/// Values whose upper halves are the nearest bf16, the larger of two. What is no number stays none: its lower half was zero.
#[inline(always)]
fn rounded_up(simd: V4, values: f32x16) -> u32x16 {
    simd.add_u32s(pulp::cast(values), simd.splat_u32s(0x8000))
}

/// The values of two rows in pairs, and the pairs in two halves.
#[inline(always)]
fn paired(simd: V4, one: Line<Bf16>, other: Line<Bf16>) -> [[u32; ROWS]; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "a vector has 32 places")]
    const PLACES: [Line<u16>; 2] = {
        let (mut places, mut place) = ([[0; SIDE]; 2], 0);
        while place < ROWS {
            let [lower, upper] = &mut places;
            lower[2 * place] = place as u16;
            lower[2 * place + 1] = (SIDE + place) as u16;
            upper[2 * place] = (ROWS + place) as u16;
            upper[2 * place + 1] = (SIDE + ROWS + place) as u16;
            place += 1;
        }
        places
    };
    let (one, other) = (pulp::cast(one), pulp::cast(other));
    [
        pulp::cast(simd.avx512bw._mm512_permutex2var_epi16(one, pulp::cast(PLACES[0]), other)),
        pulp::cast(simd.avx512bw._mm512_permutex2var_epi16(one, pulp::cast(PLACES[1]), other)),
    ]
}

/// Rows become columns: lines that are 1, 2, 4 and 8 apart change what they have of each other.
#[inline(always)]
fn transpose(simd: V4, lines: &mut [u32x16; ROWS]) {
    const APART: [usize; 4] = [1, 2, 4, 8];
    #[expect(clippy::cast_possible_truncation, reason = "a vector has 32 places")]
    const PLACES: [[[u32; ROWS]; 2]; 4] = {
        let (mut places, mut round) = ([[[0; ROWS]; 2]; 4], 0);
        while round < 4 {
            let mut lane = 0;
            while lane < ROWS {
                let is_first = lane & APART[round] == 0;
                places[round][0][lane] = (if is_first { lane } else { ROWS + lane - APART[round] }) as u32;
                places[round][1][lane] = (if is_first { lane + APART[round] } else { ROWS + lane }) as u32;
                lane += 1;
            }
            round += 1;
        }
        places
    };
    for (apart, [places, next_places]) in APART.into_iter().zip(&PLACES) {
        for first in 0..ROWS {
            if first & apart == 0 {
                let (one, other) = (pulp::cast(lines[first]), pulp::cast(lines[first + apart]));
                let found = simd.avx512f._mm512_permutex2var_epi32(one, pulp::cast(*places), other);
                let next = simd.avx512f._mm512_permutex2var_epi32(one, pulp::cast(*next_places), other);
                (lines[first], lines[first + apart]) = (pulp::cast(found), pulp::cast(next));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::super::tests::{difference, random};
    use super::*;
    use crate::model::to_i64;

    /// Tries both kinds of attention, where they are.
    fn with_each(mut tries: impl FnMut(FusedAttention)) {
        let in_tiles = TileAttention::find(32).map(FusedAttention::InTiles);
        let in_vectors = VectorAttention::find(32).map(FusedAttention::InVectors);
        in_tiles.into_iter().chain(in_vectors).for_each(&mut tries);
    }

    fn shape(passages: usize, length: usize, size: usize) -> Heads {
        Heads { passages, length, count: 5, size }
    }

    fn found(attention: &mut FusedAttention, rows: &Tensor, shape: Heads) -> Tensor {
        let [passages, length, heads, size] = shape.sizes();
        let mut place = Tensor::ones([passages * length, heads * size], (Kind::BFloat16, Device::Cpu));
        attention.attend(rows, shape, &mut place).unwrap();
        place
    }

    fn rows(shape: Heads) -> Tensor {
        let [passages, length, heads, size] = shape.sizes();
        random(&[passages * length, 3 * heads * size], 0.8)
    }

    #[test]
    fn it_is_attention_for_any_length() {
        const SHAPES: [(usize, usize); 9] =
            [(1, 32), (2, 32), (15, 64), (16, 32), (17, 32), (126, 32), (33, 64), (64, 96), (200, 32)];
        with_each(|mut attention| {
            for (length, size) in SHAPES {
                let shape = shape(2, length, size);
                let rows = rows(shape);
                let [passages, tokens, heads, states] = shape.sizes();
                let split =
                    rows.to_kind(Kind::Float).view([passages, tokens, 3, heads, states]).permute([2, 0, 3, 1, 4]);
                let scores = split.get(0).matmul(&split.get(1).transpose(2, 3));
                let exact = scores.softmax(-1, Kind::Float).matmul(&split.get(2)).transpose(1, 2);
                let exact = exact.reshape([passages * tokens, heads * states]);
                let difference = difference(&found(&mut attention, &rows, shape), &exact);
                assert!(difference < 0.006, "{length} tokens, {size} states: {difference}");
            }
        });
    }

    #[test]
    fn a_passage_is_the_same_beside_any_other() {
        with_each(|mut attention| {
            for length in [3, 28, 45] {
                let (one, both) = (shape(1, length, 32), shape(2, length, 32));
                let rows = rows(both);
                let tokens = to_i64(length);
                let _ = rows.narrow(0, tokens, tokens).fill_(f64::NAN);
                let beside = found(&mut attention, &rows, both).narrow(0, 0, tokens);
                let alone = found(&mut attention, &rows.narrow(0, 0, tokens), one);
                assert!(alone == beside, "{length}");
            }
        });
    }

    #[test]
    fn numbers_that_are_none_stay_none() {
        let shape = shape(1, 20, 32);
        let rows = rows(shape);
        let _ = rows.narrow(0, 7, 1).fill_(f64::NAN);
        with_each(|mut attention| {
            assert!(found(&mut attention, &rows, shape).to_kind(Kind::Float).isnan().all().int64_value(&[]) == 1);
        });
    }

    #[test]
    fn other_shapes_are_refused() {
        assert!(FusedAttention::find(24).is_none() && FusedAttention::find(0).is_none());
        let rows = rows(shape(1, 20, 32));
        let mut place = random(&[20, 160], 1.0);
        with_each(|mut attention| {
            assert!(attention.attend(&rows, shape(1, 21, 32), &mut place).is_err());
            assert!(attention.attend(&rows, Heads { count: 10, ..shape(1, 20, 16) }, &mut place).is_err());
            assert!(attention.attend(&rows.to_kind(Kind::Float), shape(1, 20, 32), &mut place).is_err());
        });
    }
}
