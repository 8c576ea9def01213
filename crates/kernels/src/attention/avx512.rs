//! Attention in AVX-512 vectors. Each query has a lane, and scores are stored by key: the maxima and the sums of 32 queries' scores need no
//! operations across lanes.

use std::arch::x86_64::{
    __m512, _mm512_add_ps, _mm512_div_ps, _mm512_fmsub_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_set1_ps,
    _mm512_setzero_ps,
};

use pulp::Simd;
use pulp::x86::V4;

use super::{exp2, grow, paired, round_half_up, transpose};
use crate::amx::{Block, Line, ROWS, SIDE};
use crate::avx512::{Pairs, TOGETHER, Vectors, products, products_of_columns, round_half_even};
use crate::{Bf16, Heads};

/// Attention, with memory for intermediate results.
pub(crate) struct VectorAttention {
    simd: V4,
    /// Proof that the processor has such vectors.
    _vectors: Vectors,
    working: Working,
}

/// Intermediate results of one head.
#[derive(Default)]
struct Working {
    /// By panel of 32 states, and then by pair of tokens.
    values: Vec<Pairs>,
    /// By panel: 32 queries, transposed, so that a query is a column.
    queries: Vec<Block>,
    /// By key.
    scores: Vec<Queries>,
    /// By pair of keys: e to the power of each score less the largest.
    powers: Vec<Pairs>,
    /// The reciprocal of the sum of a query's powers.
    shares: Queries,
}

/// A value of each of 32 queries, in two halves.
type Queries = [[f32; ROWS]; 2];

/// One passage and the place of its result; rows are cut into lines.
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
    /// `None` if the processor has no such vectors, or heads of `size` states do not fill lines of 32.
    pub(crate) fn find(size: usize) -> Option<Self> {
        let simd = V4::try_new()?;
        let vectors = Vectors::find()?;
        let is_whole = size > 0 && size.is_multiple_of(SIDE);
        is_whole.then(|| Self { simd, _vectors: vectors, working: Working::default() })
    }

    /// [`crate::FusedAttention::attend`], for slices of that shape.
    pub(crate) fn attend(&mut self, rows: &[Bf16], shape: Heads, places: &mut [Bf16]) {
        let Heads { length, count: heads, size, .. } = shape;
        let panels = size / SIDE;
        self.working.fit(length, panels);
        let (rows, _) = rows.as_chunks::<SIDE>();
        let (places, _) = places.as_chunks_mut::<SIDE>();
        let row = heads * panels;
        for (rows, places) in rows.chunks_exact(length * 3 * row).zip(places.chunks_exact_mut(length * row)) {
            let passage = Passage { simd: self.simd, length, heads, panels, rows, working: &mut self.working, places };
            #[expect(unsafe_code, reason = "functions with target features may only be called on such processors")]
            // SAFETY: there are a `V4` and a `Vectors`, so the processor has the features that the function is compiled for.
            unsafe {
                passage.attend();
            }
        }
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

    /// Attends from 32 queries, or from 16.
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

    /// A token's query, key or value (the kinds 0, 1 and 2). Zeros beyond the last token.
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

    /// Multiplies keys by queries, and returns each query's largest score.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
    fn score<const HALVES: usize>(&mut self, head: usize) -> [__m512; HALVES] {
        let row = self.heads * self.panels;
        let mut most = [_mm512_set1_ps(f32::NEG_INFINITY); HALVES];
        for first in (0..self.length).step_by(TOGETHER) {
            let mut keys = [&[][..]; TOGETHER];
            for (key, line) in keys.iter_mut().enumerate() {
                // Rows beyond the last key repeat it; their scores are not stored.
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

    /// Turns scores into powers and the reciprocals of their sums.
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
                let lower = round_half_up(self.simd, one);
                let upper = round_half_up(self.simd, other);
                let lower = self.simd.avx512f._mm512_srli_epi32::<16>(pulp::cast(lower));
                let upper = self.simd.and_u32s(upper, self.simd.splat_u32s(0xffff_0000));
                self.working.powers[pair][half] = pulp::cast(self.simd.or_u32s(pulp::cast(lower), upper));
            }
            self.working.shares[half] = pulp::cast(_mm512_div_ps(_mm512_set1_ps(1.0), sum));
        }
    }

    /// Multiplies powers by values, and writes the results to their places.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
    fn gather(&mut self, head: usize, first: usize) {
        let row = self.heads * self.panels;
        let pairs = self.pairs();
        let powers = &self.working.powers[..pairs];
        for (panel, values) in self.working.values[..self.panels * pairs].chunks_exact(pairs).enumerate() {
            for query in (0..SIDE.min(self.length - first)).step_by(TOGETHER) {
                let found = products_of_columns(powers, query, values);
                let places = self.places[(first + query) * row + head * self.panels + panel..].iter_mut().step_by(row);
                let shares = &self.working.shares.as_flattened()[query..];
                for ((place, found), share) in places.zip(found).zip(shares) {
                    let share = _mm512_set1_ps(*share);
                    *place = round_half_even([_mm512_mul_ps(found[0], share), _mm512_mul_ps(found[1], share)]);
                }
            }
        }
    }
}
