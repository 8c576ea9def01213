//! Attention in AMX tiles.

use pulp::x86::V4;
use pulp::{NullaryFnOnce, Simd, f32x16};

use super::{exp2, grow, narrow_half_up, paired, transpose};
use crate::amx::{Block, Line, Loaded, ROWS, SIDE, Tiles};
use crate::{Bf16, Heads};

/// Added to the scores of tokens that only fill up a block. Their powers are zero.
const ABSENT: f32 = -1e30;

/// Attention, with memory for intermediate results.
pub(crate) struct TileAttention {
    simd: V4,
    tiles: Tiles,
    packed: Packed,
    working: Working,
}

/// The matrices of a head, cut into blocks of 32 tokens and panels of 32 states.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// The number of tokens; the last block is filled up.
    length: usize,
    blocks: usize,
    heads: usize,
    panels: usize,
}

/// A passage in the order that tiles need.
#[derive(Default)]
struct Packed {
    /// By head, token and panel.
    queries: Vec<Line<Bf16>>,
    /// By head, block and panel; transposed, so that a token is a column.
    keys: Vec<Block>,
    /// By head, panel and block.
    values: Vec<Block>,
}

/// Intermediate results of one head and 32 queries.
#[derive(Default)]
struct Working {
    /// By query and block.
    scores: Vec<Line<f32>>,
    /// e to the power of each score less the largest.
    powers: Vec<Line<Bf16>>,
    /// The reciprocal of the sum of a query's powers.
    shares: Line<f32>,
    /// By query and panel: values weighted by powers.
    found: Vec<Line<f32>>,
}

impl TileAttention {
    /// `None` if the processor has no tiles, or heads of `size` states do not fill them.
    pub(crate) fn find(size: usize) -> Option<Self> {
        let simd = V4::try_new()?;
        let tiles = Tiles::find()?;
        let is_whole = size > 0 && size.is_multiple_of(SIDE);
        is_whole.then(|| Self { simd, tiles, packed: Packed::default(), working: Working::default() })
    }

    /// [`crate::FusedAttention::attend`], for slices of that shape.
    pub(crate) fn attend(&mut self, rows: &[Bf16], shape: Heads, places: &mut [Bf16]) {
        let cut = Cut {
            length: shape.length,
            blocks: shape.length.div_ceil(SIDE),
            heads: shape.count,
            panels: shape.size / SIDE,
        };
        self.packed.fit(cut);
        self.working.fit(cut);
        let tiles = self.tiles.load();
        let (rows, _) = rows.as_chunks::<SIDE>();
        let (places, _) = places.as_chunks_mut::<SIDE>();
        let row = cut.row();
        for (rows, places) in rows.chunks_exact(cut.length * 3 * row).zip(places.chunks_exact_mut(cut.length * row)) {
            let packed = &mut self.packed;
            let working = &mut self.working;
            self.simd.vectorize(Passage { simd: self.simd, tiles: &tiles, cut, rows, packed, working, places });
        }
    }
}

impl Cut {
    /// The number of lines in a row of states.
    fn row(self) -> usize {
        self.heads * self.panels
    }

    /// The number of pieces of 32 tokens and 32 states in a head's keys, and in its values.
    fn pieces(self) -> usize {
        self.blocks * self.panels
    }

    /// The number of lines in a head's queries.
    fn queries(self) -> usize {
        self.blocks * SIDE * self.panels
    }
}

impl Packed {
    fn fit(&mut self, cut: Cut) {
        grow(&mut self.queries, cut.heads * cut.queries(), [0; SIDE]);
        grow(&mut self.keys, cut.heads * cut.pieces(), Block::EMPTY);
        grow(&mut self.values, cut.heads * cut.pieces(), Block::EMPTY);
    }
}

impl Working {
    fn fit(&mut self, cut: Cut) {
        grow(&mut self.scores, SIDE * cut.blocks, [0.0; SIDE]);
        grow(&mut self.powers, SIDE * cut.blocks, [0; SIDE]);
        grow(&mut self.found, SIDE * cut.panels, [0.0; SIDE]);
    }
}

/// One passage and the place of its result; rows are cut into lines.
struct Passage<'p> {
    simd: V4,
    tiles: &'p Loaded,
    cut: Cut,
    rows: &'p [Line<Bf16>],
    packed: &'p mut Packed,
    working: &'p mut Working,
    places: &'p mut [Line<Bf16>],
}

impl NullaryFnOnce for Passage<'_> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        for half in 0..self.cut.blocks * 2 {
            self.pack(half);
        }
        for head in 0..self.cut.heads {
            for first in (0..self.cut.length).step_by(SIDE) {
                self.score(head, first);
                self.weigh(first);
                self.gather(head);
                self.write(head, first);
            }
        }
    }
}

impl Passage<'_> {
    /// Packs 16 tokens, the half block with the number `half`. Tokens beyond the last are zeros.
    #[inline(always)]
    fn pack(&mut self, half: usize) {
        let Cut { length, blocks, panels, .. } = self.cut;
        let row = self.cut.row();
        let tokens = half * ROWS..length.min((half + 1) * ROWS);
        for part in 0..row {
            let head = part / panels;
            let panel = part % panels;
            for token in tokens.clone() {
                self.packed.queries[(head * blocks * SIDE + token) * panels + panel] = self.line(token, 0, part);
            }
            let mut keys = [self.simd.splat_u32s(0); ROWS];
            for (token, key) in keys.iter_mut().enumerate() {
                *key = pulp::cast(self.line(half * ROWS + token, 1, part));
            }
            transpose(self.simd, &mut keys);
            let place = head * self.cut.pieces() + half / 2 * panels + panel;
            for (row, keys) in self.packed.keys[place].0.iter_mut().zip(keys) {
                row[half % 2] = pulp::cast(keys);
            }
            let place = head * self.cut.pieces() + panel * blocks + half / 2;
            for pair in 0..ROWS / 2 {
                let token = half * ROWS + 2 * pair;
                let found = paired(self.simd, self.line(token, 2, part), self.line(token + 1, 2, part));
                self.packed.values[place].0[half % 2 * ROWS / 2 + pair] = found;
            }
        }
    }

    /// A part of a token's query, key or value (the kinds 0, 1 and 2).
    #[inline(always)]
    fn line(&self, token: usize, kind: usize, part: usize) -> Line<Bf16> {
        if token < self.cut.length { self.rows[(token * 3 + kind) * self.cut.row() + part] } else { [0; SIDE] }
    }

    /// Multiplies queries by keys.
    #[inline(always)]
    fn score(&mut self, head: usize, first: usize) {
        let Cut { blocks, panels, .. } = self.cut;
        let queries = &self.packed.queries[head * self.cut.queries()..][first * panels..self.cut.queries()];
        let keys = &self.packed.keys[head * self.cut.pieces()..][..self.cut.pieces()];
        for (block, keys) in keys.chunks_exact(panels).enumerate() {
            let scores = self.working.scores[block..].as_flattened_mut();
            self.tiles.multiply(queries.as_flattened(), panels * SIDE, keys, scores, blocks * SIDE);
        }
    }

    /// Turns scores into powers and the reciprocals of their sums.
    #[inline(always)]
    fn weigh(&mut self, first: usize) {
        let Cut { length, blocks, .. } = self.cut;
        let last = (blocks - 1) * SIDE;
        let absence: Line<f32> = std::array::from_fn(|token| if last + token < length { 0.0 } else { ABSENT });
        let rows = self.working.scores.chunks_exact_mut(blocks).zip(self.working.powers.chunks_exact_mut(blocks));
        for ((scores, powers), share) in rows.zip(&mut self.working.shares).take(length - first) {
            *share = softmax(self.simd, scores, &absence, powers);
        }
    }

    /// Multiplies powers by values.
    #[inline(always)]
    fn gather(&mut self, head: usize) {
        let Cut { blocks, panels, .. } = self.cut;
        let values = &self.packed.values[head * self.cut.pieces()..][..self.cut.pieces()];
        for (panel, values) in values.chunks_exact(blocks).enumerate() {
            let found = self.working.found[panel..].as_flattened_mut();
            self.tiles.multiply(self.working.powers.as_flattened(), blocks * SIDE, values, found, panels * SIDE);
        }
    }

    /// Writes results to their places, in bf16.
    #[inline(always)]
    fn write(&mut self, head: usize, first: usize) {
        let panels = self.cut.panels;
        let rows = self.places.chunks_exact_mut(self.cut.row()).skip(first);
        let found = self.working.found.chunks_exact(panels).zip(&self.working.shares);
        for (row, (found, share)) in rows.zip(found) {
            let share = self.simd.splat_f32s(*share);
            for (place, found) in row[head * panels..].iter_mut().zip(found) {
                let [one, other] = halves(found);
                *place = narrow_half_up(self.simd, self.simd.mul_f32s(one, share), self.simd.mul_f32s(other, share));
            }
        }
    }
}

/// Puts e to the power of each score less the largest into `powers`, and returns the reciprocal of their sum. `absence` is added to
/// the last scores.
#[inline(always)]
fn softmax(simd: V4, scores: &mut [Line<f32>], absence: &Line<f32>, powers: &mut [Line<Bf16>]) -> f32 {
    let Some(last) = scores.last_mut() else { return 1.0 };
    let ([one, other], [absent, absent_too]) = (halves(last), halves(absence));
    *last = pulp::cast([simd.add_f32s(one, absent), simd.add_f32s(other, absent_too)]);
    let mut most = simd.splat_f32s(f32::NEG_INFINITY);
    for scores in scores.iter() {
        let [one, other] = halves(scores);
        most = simd.max_f32s(most, simd.max_f32s(one, other));
    }
    let octave = simd.splat_f32s(std::f32::consts::LOG2_E);
    let most = simd.splat_f32s(-std::f32::consts::LOG2_E * simd.reduce_max_f32s(most));
    let mut sum = simd.splat_f32s(0.0);
    for (scores, powers) in scores.iter().zip(powers) {
        let [one, other] = halves(scores);
        let one = exp2(simd, simd.mul_add_f32s(one, octave, most));
        let other = exp2(simd, simd.mul_add_f32s(other, octave, most));
        sum = simd.add_f32s(sum, simd.add_f32s(one, other));
        *powers = narrow_half_up(simd, one, other);
    }
    1.0 / simd.reduce_sum_f32s(sum)
}

#[inline(always)]
fn halves(line: &Line<f32>) -> [f32x16; 2] {
    pulp::cast(*line)
}
