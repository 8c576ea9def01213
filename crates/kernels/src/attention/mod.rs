//! Attention in one pass: a head's work for 32 queries (two products, and the softmax between them) stays in the first two caches of a
//! core. It is rounded to bf16 where libtorch rounds: as powers, and at the end.
//!
//! A passage's result depends on the passage alone: no product has values of another.

/// In tiles.
mod amx;
/// In vectors.
mod avx512;

use pulp::x86::V4;
use pulp::{Simd, f32x16, u32x16};

use crate::Bf16;
use crate::amx::{Line, ROWS, SIDE};

pub(crate) use amx::TileAttention;
pub(crate) use avx512::VectorAttention;

/// Makes room for `count` elements. Old contents may stay, as every element is written before it is read.
fn grow<T: Clone>(places: &mut Vec<T>, count: usize, empty: T) {
    if places.len() < count {
        places.resize(count, empty);
    }
}

/// 2 to the power of a number that is not positive, to a relative 1e-4; neighbouring bf16 differ by 4e-3.
///
/// The polynomial equals the power at the four Chebyshev nodes between -1/2 and 1/2.
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

/// The nearest bf16 to each value, and the larger of two.
#[inline(always)]
fn narrow_half_up(simd: V4, one: f32x16, other: f32x16) -> Line<Bf16> {
    const UPPER_HALVES: Line<u16> = {
        let (mut places, mut place) = ([1; SIDE], 1);
        while place < SIDE {
            places[place] = places[place - 1] + 2;
            place += 1;
        }
        places
    };
    let one = round_half_up(simd, one);
    let other = round_half_up(simd, other);
    pulp::cast(simd.avx512bw._mm512_permutex2var_epi16(pulp::cast(one), pulp::cast(UPPER_HALVES), pulp::cast(other)))
}

/// Values whose upper halves are the nearest bf16, and the larger of two. NaN stays NaN, as its lower half is zero.
///
/// One addition. Everything outside of attention rounds to even; to do so here, too, would change results.
#[inline(always)]
fn round_half_up(simd: V4, values: f32x16) -> u32x16 {
    simd.add_u32s(pulp::cast(values), simd.splat_u32s(0x8000))
}

/// The values of two rows as pairs, in two halves.
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
    let one = pulp::cast(one);
    let other = pulp::cast(other);
    [
        pulp::cast(simd.avx512bw._mm512_permutex2var_epi16(one, pulp::cast(PLACES[0]), other)),
        pulp::cast(simd.avx512bw._mm512_permutex2var_epi16(one, pulp::cast(PLACES[1]), other)),
    ]
}

/// Transposes 16 by 16 values: lines that are 1, 2, 4 and 8 apart exchange what belongs to the other.
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
                let one = pulp::cast(lines[first]);
                let other = pulp::cast(lines[first + apart]);
                let found = simd.avx512f._mm512_permutex2var_epi32(one, pulp::cast(*places), other);
                let next = simd.avx512f._mm512_permutex2var_epi32(one, pulp::cast(*next_places), other);
                (lines[first], lines[first + apart]) = (pulp::cast(found), pulp::cast(next));
            }
        }
    }
}
