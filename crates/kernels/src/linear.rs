//! Linear layers in tiles or vectors, fused with the step after them while the sums are at hand: the bias, then GELU or the norm of a sum.
//! Weights are reordered once.
//!
//! A row's result depends on the row alone: its sums are taken in one order, whatever other rows there are.

use std::arch::x86_64::{
    __m512, _mm512_add_ps, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_reduce_add_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_sub_ps,
};

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use crate::amx::{Block, Line, Loaded, SIDE, Tiles};
use crate::avx512::{TOGETHER, Vectors, products, round_half_even, widened};
use crate::gelu::gelu_of;
use crate::{Bf16, NormWeights, ROW_BLOCK, ShapeError, Threads};

/// The number of rows that pass through all outputs before the next: few enough for the second cache of a core.
const ROWS_AT_ONCE: usize = 128;

/// A linear layer with reordered weights.
#[derive(Debug)]
pub struct PackedLinear {
    /// Proof that the processor has such vectors.
    _vectors: Vectors,
    /// In tiles if the processor has them.
    tiles: Option<Tiles>,
    inputs: usize,
    /// By 32 outputs and 32 inputs; transposed, so that an output is a column.
    weight: Vec<Block>,
    /// By 32 outputs.
    bias: Vec<Line<f32>>,
}

/// The step after a product and its bias.
#[derive(Clone, Copy)]
enum Epilogue<'e> {
    Nothing,
    Gelu,
    /// The norm of the sum with other rows.
    Norm(&'e [Bf16], &'e NormWeights),
}

impl PackedLinear {
    /// The layer with a `weight` of the shape `[outputs, inputs]` and a bias per output. `None` if the processor has no such vectors, or
    /// the weight does not consist of whole blocks of 32 by 32.
    ///
    /// # Errors
    ///
    /// A [`ShapeError`] if the lengths do not fit each other.
    pub fn new(weight: &[Bf16], bias: &[f32], inputs: usize) -> Result<Option<Self>, ShapeError> {
        let outputs = bias.len();
        if weight.len() != outputs * inputs {
            return Err(ShapeError(format!("{} weights for {inputs} inputs and {outputs} outputs", weight.len())));
        }
        let is_whole = [inputs, outputs].iter().all(|&size| size > 0 && size.is_multiple_of(SIDE));
        if !is_whole {
            return Ok(None);
        }
        let Some(vectors) = Vectors::find() else { return Ok(None) };
        let (bias, _) = bias.as_chunks();
        let weight = packed(weight, inputs);
        Ok(Some(Self { _vectors: vectors, tiles: Tiles::find(), inputs, weight, bias: bias.to_vec() }))
    }

    /// The same layer without tiles.
    #[cfg(test)]
    fn in_vectors(self) -> Self {
        Self { tiles: None, ..self }
    }

    /// The number of values in a row of arguments.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The number of values in a row of results.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.bias.len() * SIDE
    }

    /// Puts the product with `rows`, `[rows, inputs]`, plus the bias, into `places`, `[rows, outputs]`.
    ///
    /// # Errors
    ///
    /// A [`ShapeError`] if the lengths do not fit, or the number of rows is no multiple of [`ROW_BLOCK`]. The same holds for the other methods.
    pub fn forward(&self, rows: &[Bf16], threads: Threads, places: &mut [Bf16]) -> Result<(), ShapeError> {
        self.compute(rows, Epilogue::Nothing, threads, places)
    }

    /// Puts GELU of the product and the bias into `places`.
    ///
    /// # Errors
    ///
    /// As [`Self::forward`].
    pub fn gelu(&self, rows: &[Bf16], threads: Threads, places: &mut [Bf16]) -> Result<(), ShapeError> {
        self.compute(rows, Epilogue::Gelu, threads, places)
    }

    /// Puts the norm of the sum of the product, the bias and `others`, `[rows, outputs]`, into `places`.
    ///
    /// # Errors
    ///
    /// As [`Self::forward`].
    pub fn norm_of_sum(
        &self,
        rows: &[Bf16],
        others: &[Bf16],
        norm: &NormWeights,
        threads: Threads,
        places: &mut [Bf16],
    ) -> Result<(), ShapeError> {
        if others.len() != places.len() || norm.size() != self.outputs() {
            return Err(ShapeError(format!(
                "{} values to add and a norm of {} for {} outputs",
                others.len(),
                norm.size(),
                self.outputs()
            )));
        }
        self.compute(rows, Epilogue::Norm(others, norm), threads, places)
    }

    fn compute(
        &self,
        rows: &[Bf16],
        epilogue: Epilogue,
        threads: Threads,
        places: &mut [Bf16],
    ) -> Result<(), ShapeError> {
        let count = rows.len() / self.inputs;
        let is_whole = rows.len().is_multiple_of(self.inputs) && count.is_multiple_of(ROW_BLOCK);
        if !is_whole || places.len() != count * self.outputs() {
            return Err(ShapeError(format!(
                "{} values for rows of {} inputs, and {} results",
                rows.len(),
                self.inputs,
                places.len()
            )));
        }
        let in_values = ROWS_AT_ONCE * self.inputs;
        let out_values = ROWS_AT_ONCE * self.outputs();
        match threads {
            Threads::One => {
                for (part, (rows, places)) in rows.chunks(in_values).zip(places.chunks_mut(out_values)).enumerate() {
                    self.part(rows, epilogue.skip(part * out_values), places);
                }
            }
            Threads::Pool => {
                let parts = rows.par_chunks(in_values).zip(places.par_chunks_mut(out_values)).enumerate();
                parts.for_each(|(part, (rows, places))| self.part(rows, epilogue.skip(part * out_values), places));
            }
        }
        Ok(())
    }

    /// Computes at most [`ROWS_AT_ONCE`] rows.
    fn part(&self, rows: &[Bf16], epilogue: Epilogue, places: &mut [Bf16]) {
        let (lines, _) = places.as_chunks_mut();
        let mut sums = if let Epilogue::Norm(..) = epilogue { vec![[0.0; SIDE]; lines.len()] } else { Vec::new() };
        #[expect(unsafe_code, reason = "functions with target features may only be called on such processors")]
        // SAFETY: there is a `Vectors`, so the processor has the features that the functions are compiled for.
        unsafe {
            match self.tiles {
                Some(tiles) => self.multiply_in_tiles(&tiles.load(), rows, epilogue, &mut sums, lines),
                None => self.multiply(rows, epilogue, &mut sums, lines),
            }
            if let Epilogue::Norm(others, norm) = epilogue {
                norm_rows(&mut sums, others.as_chunks().0, norm, lines);
            }
        }
    }

    /// Puts sums that still need a norm into `sums`, and finished results into `places`.
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    fn multiply(&self, rows: &[Bf16], epilogue: Epilogue, sums: &mut [Line<f32>], places: &mut [Line<Bf16>]) {
        let inputs = self.inputs / SIDE;
        let row = self.bias.len();
        let (rows, _) = rows.as_chunks();
        for (panel, (weight, bias)) in self.weight.chunks_exact(inputs).zip(&self.bias).enumerate() {
            for (tile, rows) in rows.chunks_exact(TOGETHER * inputs).enumerate() {
                let first = tile * TOGETHER * row + panel;
                let mut left = [&[][..]; TOGETHER];
                for (left, row) in left.iter_mut().zip(rows.chunks_exact(inputs)) {
                    *left = row;
                }
                let found = products::<2>(left, weight);
                // One loop per case: the compiler unrolls them, and the sums stay in registers.
                match epilogue {
                    Epilogue::Nothing => {
                        for (tile_row, found) in found.into_iter().enumerate() {
                            places[first + tile_row * row] = round_half_even(plus(found, bias));
                        }
                    }
                    Epilogue::Gelu => {
                        for (tile_row, found) in found.into_iter().enumerate() {
                            places[first + tile_row * row] = round_half_even(gelu(plus(found, bias)));
                        }
                    }
                    Epilogue::Norm(..) => {
                        for (tile_row, found) in found.into_iter().enumerate() {
                            sums[first + tile_row * row] = pulp::cast(plus(found, bias));
                        }
                    }
                }
            }
        }
    }

    /// The same in tiles.
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    fn multiply_in_tiles(
        &self,
        tiles: &Loaded,
        rows: &[Bf16],
        epilogue: Epilogue,
        sums: &mut [Line<f32>],
        places: &mut [Line<Bf16>],
    ) {
        let row = self.bias.len();
        let mut found = Product([[0.0; SIDE]; SIDE]);
        for (panel, (weight, bias)) in self.weight.chunks_exact(self.inputs / SIDE).zip(&self.bias).enumerate() {
            for (block, rows) in rows.chunks_exact(SIDE * self.inputs).enumerate() {
                tiles.multiply(rows, self.inputs, weight, found.0.as_flattened_mut(), SIDE);
                for (block_row, found) in found.0.iter().enumerate() {
                    let place = (block * SIDE + block_row) * row + panel;
                    let found = plus(pulp::cast(*found), bias);
                    match epilogue {
                        Epilogue::Nothing => places[place] = round_half_even(found),
                        Epilogue::Gelu => places[place] = round_half_even(gelu(found)),
                        Epilogue::Norm(..) => sums[place] = pulp::cast(found),
                    }
                }
            }
        }
    }
}

/// The product of 32 rows and 32 outputs.
#[repr(C, align(64))]
struct Product([Line<f32>; SIDE]);

impl Epilogue<'_> {
    /// The same without the first values of other rows.
    fn skip(self, first: usize) -> Self {
        match self {
            Self::Norm(others, norm) => Self::Norm(&others[first..], norm),
            other => other,
        }
    }
}

/// The weight in the order of [`PackedLinear::weight`].
fn packed(weight: &[Bf16], inputs: usize) -> Vec<Block> {
    let mut blocks = Vec::with_capacity(weight.len() / (SIDE * SIDE));
    for output in (0..weight.len() / inputs).step_by(SIDE) {
        for input in (0..inputs).step_by(SIDE) {
            blocks.push(packed_block(weight, inputs, [output, input]));
        }
    }
    blocks
}

/// The block of 32 outputs and 32 inputs from `output` and `input` on.
fn packed_block(weight: &[Bf16], inputs: usize, [output, input]: [usize; 2]) -> Block {
    let mut block = Block::EMPTY;
    for (row, halves) in block.0.iter_mut().enumerate() {
        for (column, pair) in halves.as_flattened_mut().iter_mut().enumerate() {
            let place = (output + column) * inputs + input + 2 * row;
            *pair = u32::from(weight[place]) | u32::from(weight[place + 1]) << 16;
        }
    }
    block
}

/// Puts the norm of each row of the sum of `sums` and `others` into `places`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn norm_rows(sums: &mut [Line<f32>], others: &[Line<Bf16>], norm: &NormWeights, places: &mut [Line<Bf16>]) {
    let ((weight, _), (bias, _)) = (norm.weight.as_chunks(), norm.bias.as_chunks());
    let row = weight.len();
    let rows = sums.chunks_exact_mut(row).zip(others.chunks_exact(row)).zip(places.chunks_exact_mut(row));
    for ((sums, others), places) in rows {
        norm_row(sums, others, [weight, bias], norm.epsilon, places);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn norm_row(
    sums: &mut [Line<f32>],
    others: &[Line<Bf16>],
    [weight, bias]: [&[Line<f32>]; 2],
    epsilon: f32,
    places: &mut [Line<Bf16>],
) {
    #[expect(clippy::cast_precision_loss, reason = "a row has some hundred values")]
    let length = (weight.len() * SIDE) as f32;
    let mut total = [_mm512_setzero_ps(); 2];
    for (sums, other) in sums.iter_mut().zip(others) {
        let [one, other] = plus(widened(other), sums);
        total = [_mm512_add_ps(total[0], one), _mm512_add_ps(total[1], other)];
        *sums = pulp::cast([one, other]);
    }
    let mean = _mm512_set1_ps(_mm512_reduce_add_ps(_mm512_add_ps(total[0], total[1])) / length);
    let mut squares = [_mm512_setzero_ps(); 2];
    for sums in sums.iter_mut() {
        let [one, other] = pulp::cast(*sums);
        let [one, other] = [_mm512_sub_ps(one, mean), _mm512_sub_ps(other, mean)];
        squares = [_mm512_fmadd_ps(one, one, squares[0]), _mm512_fmadd_ps(other, other, squares[1])];
        *sums = pulp::cast([one, other]);
    }
    let variance = _mm512_reduce_add_ps(_mm512_add_ps(squares[0], squares[1])) / length;
    let scale = _mm512_set1_ps(1.0 / (variance + epsilon).sqrt());
    for (((sums, weight), bias), place) in sums.iter().zip(weight).zip(bias).zip(places) {
        let ([one, other], [weight, other_weight]): ([__m512; 2], [__m512; 2]) =
            (pulp::cast(*sums), pulp::cast(*weight));
        let scaled = [_mm512_mul_ps(weight, scale), _mm512_mul_ps(other_weight, scale)];
        *place = round_half_even(plus([_mm512_mul_ps(one, scaled[0]), _mm512_mul_ps(other, scaled[1])], bias));
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn plus([one, other]: [__m512; 2], bias: &Line<f32>) -> [__m512; 2] {
    let [bias, other_bias] = pulp::cast(*bias);
    [_mm512_add_ps(one, bias), _mm512_add_ps(other, other_bias)]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn gelu(values: [__m512; 2]) -> [__m512; 2] {
    let mut line: Line<f32> = pulp::cast(values);
    for value in &mut line {
        *value = gelu_of(*value);
    }
    pulp::cast(line)
}

#[cfg(test)]
mod tests {
    use pressrun_testing::{Need, found_or_skip};

    use super::*;
    use crate::amx::ROWS;
    use crate::reference::{self, difference, random, random_f32, sums, widened};

    const COUNT: usize = 160;

    /// A layer and its arguments.
    struct Case {
        layer: PackedLinear,
        rows: Vec<Bf16>,
        /// The product with the bias.
        exact: Vec<f64>,
    }

    impl Case {
        fn new(inputs: usize, outputs: usize) -> Option<Self> {
            let weight = random(outputs * inputs, 0.1);
            let bias = random_f32(outputs, 1.0);
            let layer = found_or_skip(Need::Avx512, PackedLinear::new(&weight, &bias, inputs).unwrap())?;
            let rows = random(COUNT * inputs, 1.0);
            let exact = reference::linear(&rows, inputs, &weight, &bias);
            Some(Self { layer, rows, exact })
        }
    }

    fn norm(size: usize) -> NormWeights {
        NormWeights::new(random_f32(size, 1.0), random_f32(size, 0.9), 1e-12).unwrap()
    }

    #[test]
    fn it_is_a_linear_layer_of_any_size_and_the_step_after_it() {
        for (inputs, outputs) in [(32, 32), (64, 160), (384, 96), (1536, 384)] {
            let Some(case) = Case::new(inputs, outputs) else { return };
            if found_or_skip(Need::Amx, case.layer.tiles).is_some() {
                check_steps(&case, "tiles");
            }
            check_steps(&Case { layer: case.layer.in_vectors(), ..case }, "vectors");
        }
    }

    fn check_steps(case: &Case, kind: &str) {
        let Case { layer, rows, exact } = case;
        let inputs = layer.inputs();
        let outputs = layer.outputs();
        let mut found = vec![0; exact.len()];
        layer.forward(rows, Threads::One, &mut found).unwrap();
        assert!(difference(&found, exact) < 0.005, "{kind}: {inputs}, {outputs}");

        layer.gelu(rows, Threads::One, &mut found).unwrap();
        let exact_gelu: Vec<f64> = exact.iter().copied().map(reference::gelu).collect();
        assert!(difference(&found, &exact_gelu) < 0.005, "{kind}: {inputs}, {outputs}");

        let others = random(COUNT * outputs, 0.9);
        let norm = norm(outputs);
        layer.norm_of_sum(rows, &others, &norm, Threads::One, &mut found).unwrap();
        let exact_norm = reference::norm(&sums(exact, &widened(&others)), &norm);
        assert!(difference(&found, &exact_norm) < 0.005, "{kind}: {inputs}, {outputs}");
    }

    #[test]
    fn a_row_is_the_same_among_any_others_and_with_any_threads() {
        let Some(Case { layer, rows, .. }) = Case::new(384, 64) else { return };
        let mut all = vec![0; COUNT * 64];
        layer.gelu(&rows, Threads::One, &mut all).unwrap();
        for (first, count) in [(0, 32), (64, 64), (128, 32)] {
            let mut found = vec![0; count * 64];
            layer.gelu(&rows[first * 384..][..count * 384], Threads::One, &mut found).unwrap();
            assert_eq!(found, all[first * 64..][..count * 64]);
        }
        let mut found = vec![0; COUNT * 64];
        layer.gelu(&rows, Threads::Pool, &mut found).unwrap();
        assert_eq!(found, all);
    }

    #[test]
    fn other_shapes_are_refused() {
        assert!(PackedLinear::new(&[0; 32 * 40], &[0.0; 32], 40).unwrap().is_none(), "no whole blocks");
        assert!(PackedLinear::new(&[0; 32 * 32], &[0.0; 64], 32).is_err(), "too many biases");
        let Some(Case { layer, .. }) = Case::new(64, 32) else { return };
        let mut places = vec![0; 32 * 32];
        assert!(layer.forward(&[0; 32 * 64 - 1], Threads::One, &mut places).is_err(), "no whole rows");
        assert!(layer.forward(&[0; 24 * 64], Threads::One, &mut places[..24 * 32]).is_err(), "no whole block");
        assert!(layer.forward(&[0; 32 * 64], Threads::One, &mut places[1..]).is_err(), "too few places");
        assert!(layer.forward(&[], Threads::One, &mut []).is_ok());
        let rows = [0; 32 * 64];
        assert!(layer.norm_of_sum(&rows, &[0; 64 * 32], &norm(32), Threads::One, &mut places).is_err(), "other rows");
        assert!(layer.norm_of_sum(&rows, &[0; 32 * 32], &norm(64), Threads::One, &mut places).is_err(), "another norm");
    }

    #[test]
    fn weights_are_packed_by_blocks_and_pairs_of_inputs() {
        let weight: Vec<Bf16> = (0..64 * 96).collect();
        let blocks = packed(&weight, 96);
        assert_eq!(blocks.len(), 2 * 3);
        for (place, Block(block)) in blocks.iter().enumerate() {
            let output = place / 3 * SIDE + ROWS + 5;
            let input = place % 3 * SIDE + 2 * 7;
            let [one, other] = [0, 1].map(|next| u32::from(weight[output * 96 + input + next]));
            assert_eq!(block[7][1][5], one | other << 16);
        }
    }
}
