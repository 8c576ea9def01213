//! Attention, a head and 32 queries at a time. Each query has a lane, and scores are stored by key: the maxima and the sums of scores need
//! no operations across lanes.

use pulp::Simd;

use super::linear::has_many_registers;
use super::product::{Line, PANEL, product};
use crate::exp::exp;
use crate::{Heads, ShapeError};

/// Attention, with memory for intermediate results.
#[derive(Debug, Default)]
pub struct Attention {
    /// By 32 keys: their states in columns, a line a state.
    keys: Vec<Line>,
    /// By 32 states: a line a key.
    values: Vec<Line>,
    /// 32 queries: their states in columns, a line a state.
    queries: Vec<Line>,
    /// The scores of 32 queries, a line a key; then e to the power of each score less the largest.
    scores: Vec<Line>,
}

/// The arguments of [`Attention::attend`].
struct Attend<'a> {
    working: &'a mut Attention,
    rows: &'a [f32],
    shape: Heads,
    places: &'a mut [f32],
}

impl Attention {
    /// Puts what each head attends to into `places`, which holds `[tokens, heads * size]`. `rows` are the queries, keys and values, as
    /// `[tokens, 3 * heads * size]`.
    ///
    /// # Errors
    ///
    /// A [`ShapeError`] if the lengths do not fit `shape`.
    pub fn attend(&mut self, rows: &[f32], shape: Heads, places: &mut [f32]) -> Result<(), ShapeError> {
        shape.check(rows, 3)?;
        shape.check(places, 1)?;
        self.fit(shape);
        pulp::Arch::new().dispatch(Attend { working: self, rows, shape, places });
        Ok(())
    }

    /// Makes room for a head of a passage.
    fn fit(&mut self, shape: Heads) {
        let panels = shape.size.div_ceil(PANEL);
        self.keys.resize(shape.length.div_ceil(PANEL) * shape.size, [0.0; PANEL]);
        self.values.resize(panels * shape.length, [0.0; PANEL]);
        self.queries.resize(shape.size, [0.0; PANEL]);
        self.scores.resize(shape.length.next_multiple_of(PANEL), [0.0; PANEL]);
    }
}

impl pulp::WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { working, rows, shape, places } = self;
        let hidden = shape.count * shape.size;
        let passages = rows.chunks_exact(shape.length * 3 * hidden).zip(places.chunks_exact_mut(shape.length * hidden));
        for (rows, places) in passages {
            for head in 0..shape.count {
                working.load_keys_and_values(rows, shape, head);
                for first in (0..shape.length).step_by(PANEL) {
                    working.load_queries(rows, shape, head, first);
                    working.score(simd, shape);
                    let shares = working.weigh(shape.length);
                    working.gather(simd, shape, head, &shares, &mut places[first * hidden..]);
                }
            }
        }
    }
}

impl Attention {
    #[inline(always)]
    fn load_keys_and_values(&mut self, rows: &[f32], shape: Heads, head: usize) {
        let hidden = shape.count * shape.size;
        for (token, row) in rows.chunks_exact(3 * hidden).enumerate() {
            let key = &row[hidden + head * shape.size..][..shape.size];
            let columns = &mut self.keys[token / PANEL * shape.size..][..shape.size];
            for (column, state) in columns.iter_mut().zip(key) {
                column[token % PANEL] = *state;
            }
            let value = &row[2 * hidden + head * shape.size..][..shape.size];
            for (panel, states) in value.chunks(PANEL).enumerate() {
                self.values[panel * shape.length + token][..states.len()].copy_from_slice(states);
            }
        }
    }

    /// Lanes beyond the last query keep old queries; their results are not used.
    #[inline(always)]
    fn load_queries(&mut self, rows: &[f32], shape: Heads, head: usize, first: usize) {
        let row_size = 3 * shape.count * shape.size;
        let rows = rows.chunks_exact(row_size).skip(first).take(PANEL);
        for (lane, row) in rows.enumerate() {
            let query = &row[head * shape.size..][..shape.size];
            for (column, state) in self.queries.iter_mut().zip(query) {
                column[lane] = *state;
            }
        }
    }

    #[inline(always)]
    fn score<S: Simd>(&mut self, simd: S, shape: Heads) {
        let tiles = self.keys.chunks_exact(shape.size).zip(self.scores.chunks_exact_mut(PANEL));
        for (keys, scores) in tiles {
            multiply(simd, keys, &self.queries, scores);
        }
    }

    /// Turns scores into powers, and returns the reciprocals of their sums.
    #[inline(always)]
    fn weigh(&mut self, length: usize) -> Line {
        let scores = &mut self.scores[..length];
        let mut largest = [f32::NEG_INFINITY; PANEL];
        for line in scores.iter() {
            for (largest, score) in largest.iter_mut().zip(line) {
                *largest = if *score > *largest { *score } else { *largest };
            }
        }
        let mut sums = [0.0; PANEL];
        for line in scores.iter_mut() {
            for ((score, largest), sum) in line.iter_mut().zip(&largest).zip(&mut sums) {
                *score = exp(*score - largest);
                *sum += *score;
            }
        }
        sums.map(|sum| 1.0 / sum)
    }

    /// Multiplies powers by values, and writes the results of 32 queries, or of fewer at the end, to their places.
    #[inline(always)]
    fn gather<S: Simd>(&mut self, simd: S, shape: Heads, head: usize, shares: &Line, places: &mut [f32]) {
        let hidden = shape.count * shape.size;
        let mut found = [[0.0; PANEL]; PANEL];
        for (panel, values) in self.values.chunks_exact(shape.length).enumerate() {
            multiply(simd, &self.scores[..shape.length], values, &mut found);
            let states = panel * PANEL..shape.size.min((panel + 1) * PANEL);
            let rows = places.chunks_exact_mut(hidden);
            for ((row, found), share) in rows.zip(&found).zip(shares) {
                let places = &mut row[head * shape.size..][states.clone()];
                for (place, value) in places.iter_mut().zip(found) {
                    *place = value * share;
                }
            }
        }
    }
}

/// Puts the product of 32 rows, which are given by their columns, and the lines on the right into `places`.
#[inline(always)]
fn multiply<S: Simd>(simd: S, left: &[Line], right: &[Line], places: &mut [Line]) {
    /// The rows that are multiplied at once, by the number of vector registers.
    const MANY: usize = 8;
    const FEW: usize = 4;
    const ZERO: Line = [0.0; PANEL];
    if has_many_registers::<S>() {
        for first in (0..PANEL).step_by(MANY) {
            product::<S, MANY, PANEL>(simd, left, first, right, &ZERO, &mut places[first..]);
        }
    } else {
        for first in (0..PANEL).step_by(FEW) {
            product::<S, FEW, PANEL>(simd, left, first, right, &ZERO, &mut places[first..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{self, difference_f32, f64s, random_f32};

    const HEADS: usize = 3;

    fn shape(passages: usize, length: usize, size: usize) -> Heads {
        Heads { passages, length, count: HEADS, size }
    }

    fn random_rows(shape: Heads) -> Vec<f32> {
        random_f32(shape.passages * shape.length * 3 * shape.count * shape.size, 0.8)
    }

    fn attended(rows: &[f32], shape: Heads) -> Vec<f32> {
        let mut places = vec![1.0; rows.len() / 3];
        // Memory that another passage has used.
        let mut attention = Attention::default();
        let other = random_rows(self::shape(1, 70, 40));
        attention.attend(&other, self::shape(1, 70, 40), &mut vec![0.0; other.len() / 3]).unwrap();
        attention.attend(rows, shape, &mut places).unwrap();
        places
    }

    #[test]
    fn it_is_attention_for_any_length_and_size() {
        for (length, size) in [(1, 32), (2, 5), (15, 64), (31, 32), (32, 24), (33, 33), (126, 32), (200, 96)] {
            let shape = shape(2, length, size);
            let rows = random_rows(shape);
            let exact = reference::attention(&f64s(&rows), shape);
            let difference = difference_f32(&attended(&rows, shape), &exact);
            assert!(difference < 5e-6, "{length} tokens, {size} states: {difference}");
        }
    }

    #[test]
    fn a_passage_is_the_same_beside_any_other() {
        for length in [3, 28, 45] {
            let both = shape(2, length, 32);
            let mut rows = random_rows(both);
            let half = rows.len() / 2;
            rows[half..].fill(f32::NAN);
            let beside = attended(&rows, both);
            let alone = attended(&rows[..half], shape(1, length, 32));
            assert!(alone == beside[..alone.len()], "{length}");
            assert!(beside[alone.len()..].iter().all(|value| value.is_nan()), "NaN stays NaN");
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let rows = random_rows(shape(1, 20, 32));
        let mut places = vec![0.0; rows.len() / 3];
        let mut attention = Attention::default();
        assert!(attention.attend(&rows, shape(1, 21, 32), &mut places).is_err());
        assert!(attention.attend(&rows, shape(1, 20, 32), &mut places[1..]).is_err());
    }
}
