//! Attention in vectors. A query is a lane: scores stand key by key, so that the largest and the sum of 32 queries' scores are found
//! side by side.

use std::arch::x86_64::{
    __m512, _mm512_add_ps, _mm512_div_ps, _mm512_fmsub_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_set1_ps,
    _mm512_setzero_ps,
};

use pulp::Simd;
use pulp::x86::V4;
use tch::{TchError, Tensor};

use super::super::{Bf16, Heads, values, values_mut};
use super::{exp2, grow, paired, rounded_up, transpose};
use crate::model::kernels::amx::{Block, Line, ROWS, SIDE};
use crate::model::kernels::avx512::{Pairs, TOGETHER, Vectors, products, products_of_columns, rounded};

/// What attends, with memory for what is computed on the way.
pub(in crate::model) struct VectorAttention {
    simd: V4,
    /// That there are such vectors.
    _vectors: Vectors,
    working: Working,
}

/// Of one head.
#[derive(Default)]
struct Working {
    /// By panel of 32 states, and then by pair of tokens.
    values: Vec<Pairs>,
    /// By panel; of 32 queries, transposed, so that a query is a column.
    queries: Vec<Block>,
    /// By key.
    scores: Vec<Queries>,
    /// By pair of keys: e to the power of each score less the largest.
    powers: Vec<Pairs>,
    /// One by the sum of a query's powers.
    shares: Queries,
}

/// A value of each of 32 queries, in two halves.
type Queries = [[f32; ROWS]; 2];

/// One passage, and where its result goes; rows are cut into lines.
struct Passage<'p> {
    simd: V4,
    length: usize,
    heads: usize,
    panels: usize,
    rows: &'p [Line<Bf16>],
    working: &'p mut Working,
    places: &'p mut [Line<Bf16>],
}

impl VectorAttention {
    /// None where the processor has no such vectors, or heads of `size` states do not fill lines of 32.
    pub(super) fn find(size: usize) -> Option<Self> {
        let (simd, vectors) = (V4::try_new()?, Vectors::find()?);
        let is_whole = size > 0 && size.is_multiple_of(SIDE);
        is_whole.then(|| Self { simd, _vectors: vectors, working: Working::default() })
    }

    /// As [`super::FusedAttention::attend`], for tensors whose shape is that.
    pub(super) fn attend(&mut self, rows: &Tensor, shape: Heads, place: &mut Tensor) -> Result<(), TchError> {
        let (length, heads, panels) = (shape.length, shape.count, shape.size / SIDE);
        self.working.fit(length, panels);
        let (rows, _) = values(rows)?.as_chunks::<SIDE>();
        let (places, _) = values_mut(place)?.as_chunks_mut::<SIDE>();
        let row = heads * panels;
        for (rows, places) in rows.chunks_exact(length * 3 * row).zip(places.chunks_exact_mut(length * row)) {
            let passage = Passage { simd: self.simd, length, heads, panels, rows, working: &mut self.working, places };
            #[expect(unsafe_code, reason = "a function for some processors may be called on those alone")]
            // SAFETY: there are a `V4` and a `Vectors`, so the processor has what the function is compiled for.
            unsafe {
                passage.attend();
            }
        }
        Ok(())
    }
}

impl Working {
    fn fit(&mut self, length: usize, panels: usize) {
        let pairs = length.div_ceil(2);
        grow(&mut self.values, panels * pairs, [[0; ROWS]; 2]);
        grow(&mut self.queries, panels, Block::EMPTY);
        grow(&mut self.scores, length, [[0.0; ROWS]; 2]);
        grow(&mut self.powers, pairs, [[0; ROWS]; 2]);
    }
}

impl Passage<'_> {
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
    fn attend(mut self) {
        for head in 0..self.heads {
            self.pair_values(head);
            for first in (0..self.length).step_by(SIDE) {
                if self.length - first > ROWS {
                    self.attend_from::<2>(head, first);
                } else {
                    self.attend_from::<1>(head, first);
                }
            }
        }
    }

    /// Of 32 queries, or of 16.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
    fn attend_from<const HALVES: usize>(&mut self, head: usize, first: usize) {
        self.transpose_queries::<HALVES>(head, first);
        let most = self.score::<HALVES>(head);
        self.weigh(most);
        self.gather(head, first);
    }

    fn pairs(&self) -> usize {
        self.length.div_ceil(2)
    }

    /// A token's queries, keys or values: the kinds 0, 1 and 2. Zeros beyond the last token.
    #[inline(always)]
    fn line(&self, token: usize, kind: usize, head: usize, panel: usize) -> Line<Bf16> {
        let place = (token * 3 + kind) * self.heads * self.panels + head * self.panels + panel;
        if token < self.length { self.rows[place] } else { [0; SIDE] }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
    fn pair_values(&mut self, head: usize) {
        let pairs = self.pairs();
        for panel in 0..self.panels {
            for pair in 0..pairs {
                let one = self.line(2 * pair, 2, head, panel);
                let other = self.line(2 * pair + 1, 2, head, panel);
                self.working.values[panel * pairs + pair] = paired(self.simd, one, other);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
    fn transpose_queries<const HALVES: usize>(&mut self, head: usize, first: usize) {
        for panel in 0..self.panels {
            for half in 0..HALVES {
                let mut queries = [self.simd.splat_u32s(0); ROWS];
                for (place, query) in queries.iter_mut().enumerate() {
                    *query = pulp::cast(self.line(first + half * ROWS + place, 0, head, panel));
                }
                transpose(self.simd, &mut queries);
                for (row, queries) in self.working.queries[panel].0.iter_mut().zip(queries) {
                    row[half] = pulp::cast(queries);
                }
            }
        }
    }

    /// Keys times queries; gives each query's largest score.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
    fn score<const HALVES: usize>(&mut self, head: usize) -> [__m512; HALVES] {
        let row = self.heads * self.panels;
        let mut most = [_mm512_set1_ps(f32::NEG_INFINITY); HALVES];
        for first in (0..self.length).step_by(TOGETHER) {
            let mut keys = [&[][..]; TOGETHER];
            for (key, line) in keys.iter_mut().enumerate() {
                // What is computed again for the last key is left alone.
                let token = (first + key).min(self.length - 1);
                *line = &self.rows[(token * 3 + 1) * row + head * self.panels..][..self.panels];
            }
            let scores = products::<HALVES>(keys, &self.working.queries[..self.panels]);
            for (place, scores) in self.working.scores[first..self.length].iter_mut().zip(scores) {
                for half in 0..HALVES {
                    most[half] = _mm512_max_ps(most[half], scores[half]);
                    place[half] = pulp::cast(scores[half]);
                }
            }
        }
        most
    }

    /// Scores to powers, and what each is of their sum.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
    fn weigh<const HALVES: usize>(&mut self, most: [__m512; HALVES]) {
        let octave = _mm512_set1_ps(std::f32::consts::LOG2_E);
        let pairs = self.pairs();
        for half in 0..HALVES {
            let most = _mm512_mul_ps(most[half], octave);
            let mut sum = _mm512_setzero_ps();
            for pair in 0..pairs {
                let power = |token: usize| {
                    let score = pulp::cast(self.working.scores[token][half]);
                    exp2(self.simd, pulp::cast(_mm512_fmsub_ps(score, octave, most)))
                };
                let one = power(2 * pair);
                let other = if 2 * pair + 1 < self.length { power(2 * pair + 1) } else { self.simd.splat_f32s(0.0) };
                sum = _mm512_add_ps(sum, pulp::cast(self.simd.add_f32s(one, other)));
                let (lower, upper) = (rounded_up(self.simd, one), rounded_up(self.simd, other));
                let lower = self.simd.avx512f._mm512_srli_epi32::<16>(pulp::cast(lower));
                let upper = self.simd.and_u32s(upper, self.simd.splat_u32s(0xffff_0000));
                self.working.powers[pair][half] = pulp::cast(self.simd.or_u32s(pulp::cast(lower), upper));
            }
            self.working.shares[half] = pulp::cast(_mm512_div_ps(_mm512_set1_ps(1.0), sum));
        }
    }

    /// Powers times values, to where they belong.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
    fn gather(&mut self, head: usize, first: usize) {
        let (row, pairs) = (self.heads * self.panels, self.pairs());
        let powers = &self.working.powers[..pairs];
        for (panel, values) in self.working.values[..self.panels * pairs].chunks_exact(pairs).enumerate() {
            for query in (0..SIDE.min(self.length - first)).step_by(TOGETHER) {
                let found = products_of_columns(powers, query, values);
                let places = self.places[(first + query) * row + head * self.panels + panel..].iter_mut().step_by(row);
                let shares = &self.working.shares.as_flattened()[query..];
                for ((place, found), share) in places.zip(found).zip(shares) {
                    let share = _mm512_set1_ps(*share);
                    *place = rounded([_mm512_mul_ps(found[0], share), _mm512_mul_ps(found[1], share)]);
                }
            }
        }
    }
}
