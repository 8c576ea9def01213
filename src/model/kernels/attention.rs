//! Attention in tiles. What a head computes for 32 queries stays in a core's first two caches, and is rounded to bf16 where libtorch
//! rounds it: as powers, and in the end.
//!
//! A passage's result depends on the passage alone: others are in none of its products.

use pulp::x86::V4;
use pulp::{NullaryFnOnce, Simd, f32x16, u32x16};
use tch::{TchError, Tensor};

use super::tiles::{Loaded, ROWS, SIDE, Tile, Tiles};
use super::{Bf16, Heads, values, values_mut};

/// Added to the score of a token that is not there; its power is zero.
const ABSENT: f32 = -1e30;

/// 32 values of a row.
type Line<T> = [T; SIDE];

/// What attends, with memory for what is computed on the way.
pub(in crate::model) struct TileAttention {
    simd: V4,
    tiles: Tiles,
    packed: Packed,
    working: Working,
}

/// How the matrices of a head are cut: into blocks of 32 tokens, and panels of 32 states.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// How many tokens there are; the last block is filled up.
    length: usize,
    blocks: usize,
    heads: usize,
    panels: usize,
}

/// A passage in the order in which tiles take it.
#[derive(Default)]
struct Packed {
    /// By head, token and panel.
    queries: Vec<Line<Bf16>>,
    /// By head, block and panel; transposed, so that a token is a column.
    keys: Vec<[Tile; 2]>,
    /// By head, panel and block.
    values: Vec<[Tile; 2]>,
}

/// Of one head and 32 queries.
#[derive(Default)]
struct Working {
    /// By query and block.
    scores: Vec<Line<f32>>,
    /// e to the power of each score less the largest.
    powers: Vec<Line<Bf16>>,
    /// One by the sum of a query's powers.
    shares: Line<f32>,
    /// By query and panel: values weighed by powers.
    found: Vec<Line<f32>>,
}

impl TileAttention {
    /// None where the processor has no tiles, or heads of `size` states do not fill them.
    pub(in crate::model) fn find(size: usize) -> Option<Self> {
        let (simd, tiles) = (V4::try_new()?, Tiles::find()?);
        let is_whole = size > 0 && size.is_multiple_of(SIDE);
        is_whole.then(|| Self { simd, tiles, packed: Packed::default(), working: Working::default() })
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
            return Err(TchError::Shape(format!("{shape:?} for tiles of {SIDE}")));
        }
        let cut = Cut {
            length: shape.length,
            blocks: shape.length.div_ceil(SIDE),
            heads: shape.count,
            panels: shape.size / SIDE,
        };
        self.packed.fit(cut);
        self.working.fit(cut);
        let tiles = self.tiles.load();
        let (rows, _) = values(rows)?.as_chunks::<SIDE>();
        let (places, _) = values_mut(place)?.as_chunks_mut::<SIDE>();
        let row = cut.row();
        for (rows, places) in rows.chunks_exact(cut.length * 3 * row).zip(places.chunks_exact_mut(cut.length * row)) {
            let (packed, working) = (&mut self.packed, &mut self.working);
            self.simd.vectorize(Passage { simd: self.simd, tiles: &tiles, cut, rows, packed, working, places });
        }
        Ok(())
    }
}

impl Cut {
    /// The lines of a row of states.
    fn row(self) -> usize {
        self.heads * self.panels
    }

    /// How many pairs of tiles a head's keys take, or its values.
    fn tiles(self) -> usize {
        self.blocks * self.panels
    }

    /// The lines of a head's queries.
    fn queries(self) -> usize {
        self.blocks * SIDE * self.panels
    }
}

impl Packed {
    fn fit(&mut self, cut: Cut) {
        grow(&mut self.queries, cut.heads * cut.queries(), [0; SIDE]);
        grow(&mut self.keys, cut.heads * cut.tiles(), [[[0; ROWS]; ROWS]; 2]);
        grow(&mut self.values, cut.heads * cut.tiles(), [[[0; ROWS]; ROWS]; 2]);
    }
}

impl Working {
    fn fit(&mut self, cut: Cut) {
        grow(&mut self.scores, SIDE * cut.blocks, [0.0; SIDE]);
        grow(&mut self.powers, SIDE * cut.blocks, [0; SIDE]);
        grow(&mut self.found, SIDE * cut.panels, [0.0; SIDE]);
    }
}

/// What is there already stays: whoever reads a place has written to it.
fn grow<T: Clone>(places: &mut Vec<T>, count: usize, empty: T) {
    if places.len() < count {
        places.resize(count, empty);
    }
}

/// One passage, and where its result goes; rows are cut into lines.
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
    /// Puts 16 tokens in order, the `half`th half block. Those beyond the last are zeros.
    #[inline(always)]
    fn pack(&mut self, half: usize) {
        let Cut { length, blocks, panels, .. } = self.cut;
        let row = self.cut.row();
        let tokens = half * ROWS..length.min((half + 1) * ROWS);
        for part in 0..row {
            let (head, panel) = (part / panels, part % panels);
            for token in tokens.clone() {
                self.packed.queries[(head * blocks * SIDE + token) * panels + panel] = self.line(token, 0, part);
            }
            let mut keys = [self.simd.splat_u32s(0); ROWS];
            for (token, key) in keys.iter_mut().enumerate() {
                *key = pulp::cast(self.line(half * ROWS + token, 1, part));
            }
            transpose(self.simd, &mut keys);
            self.packed.keys[head * self.cut.tiles() + half / 2 * panels + panel][half % 2] = pulp::cast(keys);
            let place = head * self.cut.tiles() + panel * blocks + half / 2;
            for pair in 0..ROWS / 2 {
                let token = half * ROWS + 2 * pair;
                let found = paired(self.simd, self.line(token, 2, part), self.line(token + 1, 2, part));
                for (tile, found) in self.packed.values[place].iter_mut().zip(found) {
                    tile[half % 2 * ROWS / 2 + pair] = found;
                }
            }
        }
    }

    /// A part of a token's queries, keys or values: the kinds 0, 1 and 2.
    #[inline(always)]
    fn line(&self, token: usize, kind: usize, part: usize) -> Line<Bf16> {
        if token < self.cut.length { self.rows[(token * 3 + kind) * self.cut.row() + part] } else { [0; SIDE] }
    }

    /// Queries times keys.
    #[inline(always)]
    fn score(&mut self, head: usize, first: usize) {
        let Cut { blocks, panels, .. } = self.cut;
        let queries = &self.packed.queries[head * self.cut.queries()..][first * panels..self.cut.queries()];
        let keys = &self.packed.keys[head * self.cut.tiles()..][..self.cut.tiles()];
        for (block, keys) in keys.chunks_exact(panels).enumerate() {
            let scores = self.working.scores[block..].as_flattened_mut();
            self.tiles.multiply(queries.as_flattened(), panels * SIDE, keys, scores, blocks * SIDE);
        }
    }

    /// Scores to powers, and what each is of their sum.
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

    /// Powers times values.
    #[inline(always)]
    fn gather(&mut self, head: usize) {
        let Cut { blocks, panels, .. } = self.cut;
        let values = &self.packed.values[head * self.cut.tiles()..][..self.cut.tiles()];
        for (panel, values) in values.chunks_exact(blocks).enumerate() {
            let found = self.working.found[panel..].as_flattened_mut();
            self.tiles.multiply(self.working.powers.as_flattened(), blocks * SIDE, values, found, panels * SIDE);
        }
    }

    /// What was found to where it belongs, in bf16.
    #[inline(always)]
    fn write(&mut self, head: usize, first: usize) {
        let panels = self.cut.panels;
        let rows = self.places.chunks_exact_mut(self.cut.row()).skip(first);
        let found = self.working.found.chunks_exact(panels).zip(&self.working.shares);
        for (row, (found, share)) in rows.zip(found) {
            let share = self.simd.splat_f32s(*share);
            for (place, found) in row[head * panels..].iter_mut().zip(found) {
                let [one, other] = halves(found);
                *place = rounded(self.simd, self.simd.mul_f32s(one, share), self.simd.mul_f32s(other, share));
            }
        }
    }
}

/// Puts into `powers` e to the power of each score less the largest, and gives one by their sum. `absence` is added to the last scores.
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
        *powers = rounded(simd, one, other);
    }
    1.0 / simd.reduce_sum_f32s(sum)
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

#[inline(always)]
fn halves(line: &Line<f32>) -> [f32x16; 2] {
    pulp::cast(*line)
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

    fn shape(passages: usize, length: usize, size: usize) -> Heads {
        Heads { passages, length, count: 5, size }
    }

    fn found(attention: &mut TileAttention, rows: &Tensor, shape: Heads) -> Tensor {
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
        let Some(mut attention) = TileAttention::find(32) else { return };
        for (length, size) in [(1, 32), (2, 32), (15, 64), (16, 32), (17, 32), (126, 32), (33, 64), (64, 96), (200, 32)]
        {
            let shape = shape(2, length, size);
            let rows = rows(shape);
            let [passages, tokens, heads, states] = shape.sizes();
            let split = rows.to_kind(Kind::Float).view([passages, tokens, 3, heads, states]).permute([2, 0, 3, 1, 4]);
            let scores = split.get(0).matmul(&split.get(1).transpose(2, 3));
            let exact = scores.softmax(-1, Kind::Float).matmul(&split.get(2)).transpose(1, 2);
            let exact = exact.reshape([passages * tokens, heads * states]);
            let difference = difference(&found(&mut attention, &rows, shape), &exact);
            assert!(difference < 0.006, "{length} tokens, {size} states: {difference}");
        }
    }

    #[test]
    fn a_passage_is_the_same_beside_any_other() {
        let Some(mut attention) = TileAttention::find(32) else { return };
        for length in [3, 28, 45] {
            let (one, both) = (shape(1, length, 32), shape(2, length, 32));
            let rows = rows(both);
            let tokens = to_i64(length);
            let _ = rows.narrow(0, tokens, tokens).fill_(f64::NAN);
            let beside = found(&mut attention, &rows, both).narrow(0, 0, tokens);
            let alone = found(&mut attention, &rows.narrow(0, 0, tokens), one);
            assert!(alone == beside, "{length}");
        }
    }

    #[test]
    fn numbers_that_are_none_stay_none() {
        let Some(mut attention) = TileAttention::find(32) else { return };
        let shape = shape(1, 20, 32);
        let rows = rows(shape);
        let _ = rows.narrow(0, 7, 1).fill_(f64::NAN);
        assert!(found(&mut attention, &rows, shape).to_kind(Kind::Float).isnan().all().int64_value(&[]) == 1);
    }

    #[test]
    fn other_shapes_are_refused() {
        assert!(TileAttention::find(24).is_none() && TileAttention::find(0).is_none());
        let Some(mut attention) = TileAttention::find(32) else { return };
        let rows = rows(shape(1, 20, 32));
        let mut place = random(&[20, 160], 1.0);
        assert!(attention.attend(&rows, shape(1, 21, 32), &mut place).is_err());
        assert!(attention.attend(&rows, Heads { count: 10, ..shape(1, 20, 16) }, &mut place).is_err());
        assert!(attention.attend(&rows.to_kind(Kind::Float), shape(1, 20, 32), &mut place).is_err());
    }
}
