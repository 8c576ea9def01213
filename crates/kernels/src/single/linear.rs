//! Linear layers, with the step after them while the sums are in a core's caches: GELU or the norm of a sum. Weights are reordered once.

use pulp::Simd;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::gelu::gelu;
use super::norm::norm_rows;
use super::product::{Line, PANEL, product};
use crate::{NormWeights, ShapeError, Threads};

/// The rows that are transposed together.
const TILE: usize = 24;

/// The number of rows that pass through all outputs before the next: few enough for the second cache of a core.
const ROWS_AT_ONCE: usize = 2 * TILE;

/// A linear layer with reordered weights.
#[derive(Debug)]
pub struct Linear {
    inputs: usize,
    outputs: usize,
    /// By 32 outputs: a line an input. Outputs beyond the last have weights of zero.
    weight: Vec<Line>,
    /// By 32 outputs.
    bias: Vec<Line>,
}

/// The step after a product and its bias.
#[derive(Clone, Copy)]
enum Epilogue<'e> {
    Nothing,
    Gelu,
    /// The norm of the sum with other rows.
    Norm(&'e [f32], &'e NormWeights),
}

impl Linear {
    /// The layer with a `weight` of the shape `[outputs, inputs]` and a bias per output.
    ///
    /// # Errors
    ///
    /// A [`ShapeError`] if the lengths do not fit each other, or are zero.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize) -> Result<Self, ShapeError> {
        let outputs = bias.len();
        if weight.len() != outputs * inputs || weight.is_empty() {
            return Err(ShapeError(format!("{} weights for {inputs} inputs and {outputs} outputs", weight.len())));
        }
        let mut lines = Vec::with_capacity(outputs.div_ceil(PANEL) * inputs);
        for panel in weight.chunks(PANEL * inputs) {
            for input in 0..inputs {
                lines.push(line(panel.iter().skip(input).step_by(inputs)));
            }
        }
        let bias = bias.chunks(PANEL).map(|panel| line(panel.iter())).collect();
        Ok(Self { inputs, outputs, weight: lines, bias })
    }

    /// The number of values in a row of arguments.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The number of values in a row of results.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Puts the product with `rows`, `[rows, inputs]`, plus the bias, into `places`, `[rows, outputs]`.
    ///
    /// # Errors
    ///
    /// A [`ShapeError`] if the lengths do not fit. The same holds for the other methods.
    pub fn forward(&self, rows: &[f32], threads: Threads, places: &mut [f32]) -> Result<(), ShapeError> {
        self.compute(rows, Epilogue::Nothing, threads, places)
    }

    /// Puts GELU of the product and the bias into `places`.
    ///
    /// # Errors
    ///
    /// As [`Self::forward`].
    pub fn gelu(&self, rows: &[f32], threads: Threads, places: &mut [f32]) -> Result<(), ShapeError> {
        self.compute(rows, Epilogue::Gelu, threads, places)
    }

    /// Puts the norm of the sum of the product, the bias and `others`, `[rows, outputs]`, into `places`.
    ///
    /// # Errors
    ///
    /// As [`Self::forward`].
    pub fn norm_of_sum(
        &self,
        rows: &[f32],
        others: &[f32],
        norm: &NormWeights,
        threads: Threads,
        places: &mut [f32],
    ) -> Result<(), ShapeError> {
        if others.len() != places.len() || norm.size() != self.outputs {
            return Err(ShapeError(format!(
                "{} values to add and a norm of {} for {} outputs",
                others.len(),
                norm.size(),
                self.outputs
            )));
        }
        self.compute(rows, Epilogue::Norm(others, norm), threads, places)
    }

    fn compute(
        &self,
        rows: &[f32],
        epilogue: Epilogue,
        threads: Threads,
        places: &mut [f32],
    ) -> Result<(), ShapeError> {
        let count = rows.len() / self.inputs;
        if !rows.len().is_multiple_of(self.inputs) || places.len() != count * self.outputs {
            return Err(ShapeError(format!(
                "{} values for rows of {} inputs, and {} results for {} outputs",
                rows.len(),
                self.inputs,
                places.len(),
                self.outputs
            )));
        }
        let in_values = ROWS_AT_ONCE * self.inputs;
        let out_values = ROWS_AT_ONCE * self.outputs;
        match threads {
            Threads::One => {
                let mut columns = Vec::new();
                for (part, (rows, places)) in rows.chunks(in_values).zip(places.chunks_mut(out_values)).enumerate() {
                    self.part(rows, epilogue.skip(part * out_values), &mut columns, places);
                }
            }
            Threads::Pool => {
                let parts = rows.par_chunks(in_values).zip(places.par_chunks_mut(out_values)).enumerate();
                parts.for_each_init(Vec::new, |columns, (part, (rows, places))| {
                    self.part(rows, epilogue.skip(part * out_values), columns, places);
                });
            }
        }
        Ok(())
    }

    /// Computes at most [`ROWS_AT_ONCE`] rows. `columns` is memory for them.
    fn part(&self, rows: &[f32], epilogue: Epilogue, columns: &mut Vec<[f32; TILE]>, places: &mut [f32]) {
        pulp::Arch::new().dispatch(Part { layer: self, rows, epilogue, columns, places });
    }
}

/// The arguments of [`Linear::part`].
struct Part<'p> {
    layer: &'p Linear,
    rows: &'p [f32],
    epilogue: Epilogue<'p>,
    columns: &'p mut Vec<[f32; TILE]>,
    places: &'p mut [f32],
}

impl pulp::WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, rows, epilogue, columns, places } = self;
        let tile_values = TILE * layer.inputs;
        columns.resize(rows.len().div_ceil(tile_values) * layer.inputs, [0.0; TILE]);
        for (rows, columns) in rows.chunks(tile_values).zip(columns.chunks_exact_mut(layer.inputs)) {
            transpose(rows, layer.inputs, columns);
        }
        let panels = layer.weight.chunks_exact(layer.inputs).zip(&layer.bias);
        for (panel, (weight, bias)) in panels.enumerate() {
            for (columns, places) in columns.chunks_exact(layer.inputs).zip(places.chunks_mut(TILE * layer.outputs)) {
                let mut found = multiply(simd, columns, weight, bias);
                if let Epilogue::Gelu = epilogue {
                    for value in found.as_flattened_mut() {
                        *value = gelu(*value);
                    }
                }
                for (row, found) in places.chunks_exact_mut(layer.outputs).zip(&found) {
                    copy(found, &mut row[panel * PANEL..]);
                }
            }
        }
        if let Epilogue::Norm(others, norm) = epilogue {
            norm_rows(places, others, norm);
        }
    }
}

impl Epilogue<'_> {
    /// The same without the first values of other rows.
    fn skip(self, first: usize) -> Self {
        match self {
            Self::Norm(others, norm) => Self::Norm(&others[first..], norm),
            other => other,
        }
    }
}

/// The product of a tile and 32 outputs.
#[inline(always)]
fn multiply<S: Simd>(simd: S, columns: &[[f32; TILE]], weight: &[Line], bias: &Line) -> [Line; TILE] {
    /// As many sums as fit into 32 vector registers, beside the two vectors of weights and one of arguments.
    const MANY: usize = 12;
    /// The same for 16 registers.
    const FEW: usize = 6;
    let mut found = [[0.0; PANEL]; TILE];
    if has_many_registers::<S>() {
        for first in (0..TILE).step_by(MANY) {
            product::<S, MANY, TILE>(simd, columns, first, weight, bias, &mut found[first..]);
        }
    } else {
        for first in (0..TILE).step_by(FEW) {
            product::<S, FEW, TILE>(simd, columns, first, weight, bias, &mut found[first..]);
        }
    }
    found
}

/// True if there are 32 vector registers: with AVX-512 and on aarch64.
#[inline(always)]
pub(super) fn has_many_registers<S: Simd>() -> bool {
    S::F32_LANES >= 16 || cfg!(target_arch = "aarch64")
}

/// Copies `rows` of `inputs` values to columns. Rows beyond the last are zeros.
#[inline(always)]
fn transpose(rows: &[f32], inputs: usize, columns: &mut [[f32; TILE]]) {
    if rows.len() < TILE * inputs {
        columns.fill([0.0; TILE]);
    }
    for (place, row) in rows.chunks_exact(inputs).enumerate() {
        for (column, value) in columns.iter_mut().zip(row) {
            column[place] = *value;
        }
    }
}

/// Copies as many values of a line as there are places.
#[inline(always)]
fn copy(line: &Line, places: &mut [f32]) {
    if let Some(places) = places.first_chunk_mut::<PANEL>() {
        *places = *line;
    } else {
        let count = places.len();
        places.copy_from_slice(&line[..count]);
    }
}

/// At most 32 values, filled up with zeros.
fn line<'v>(values: impl Iterator<Item = &'v f32>) -> Line {
    let mut line = [0.0; PANEL];
    for (place, value) in line.iter_mut().zip(values) {
        *place = *value;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{self, difference_f32, f64s, random_f32, sums};

    const COUNT: usize = 53;

    #[test]
    fn it_is_a_linear_layer_of_any_size_and_the_step_after_it() {
        for (inputs, outputs) in [(32, 32), (20, 7), (64, 160), (384, 100), (1536, 384)] {
            let weight = random_f32(outputs * inputs, 0.1);
            let bias = random_f32(outputs, 1.0);
            let rows = random_f32(COUNT * inputs, 1.0);
            let layer = Linear::new(&weight, &bias, inputs).unwrap();
            let exact = reference::linear_f64(&f64s(&rows), inputs, &f64s(&weight), &f64s(&bias));
            let mut found = vec![9.0; exact.len()];
            layer.forward(&rows, Threads::One, &mut found).unwrap();
            assert!(difference_f32(&found, &exact) < 2e-6, "{inputs}, {outputs}");

            layer.gelu(&rows, Threads::One, &mut found).unwrap();
            let exact_gelu: Vec<f64> = exact.iter().copied().map(reference::gelu).collect();
            assert!(difference_f32(&found, &exact_gelu) < 2e-6, "{inputs}, {outputs}");

            let others = random_f32(COUNT * outputs, 0.9);
            let norm = NormWeights::new(random_f32(outputs, 1.0), random_f32(outputs, 0.9), 1e-12).unwrap();
            layer.norm_of_sum(&rows, &others, &norm, Threads::One, &mut found).unwrap();
            let exact_norm = reference::norm(&sums(&exact, &f64s(&others)), &norm);
            assert!(difference_f32(&found, &exact_norm) < 1e-5, "{inputs}, {outputs}");
        }
    }

    #[test]
    fn a_row_is_the_same_among_any_others_and_with_any_threads() {
        let layer = Linear::new(&random_f32(64 * 384, 0.1), &random_f32(64, 1.0), 384).unwrap();
        let rows = random_f32(COUNT * 384, 1.0);
        let mut all = vec![0.0; COUNT * 64];
        layer.gelu(&rows, Threads::One, &mut all).unwrap();
        for (first, count) in [(0, 1), (7, 30), (52, 1)] {
            let mut found = vec![0.0; count * 64];
            layer.gelu(&rows[first * 384..][..count * 384], Threads::One, &mut found).unwrap();
            assert_eq!(found, all[first * 64..][..count * 64]);
        }
        let mut found = vec![0.0; COUNT * 64];
        layer.gelu(&rows, Threads::Pool, &mut found).unwrap();
        assert_eq!(found, all);
    }

    /// Adds what the vector units of several widths compute for the same arguments.
    struct Widths<'w>(&'w Linear, &'w [f32]);

    impl Widths<'_> {
        fn results(&self) -> Vec<Vec<f32>> {
            let mut results = vec![self.with(pulp::Scalar::new())];
            #[cfg(target_arch = "x86_64")]
            {
                results.extend(pulp::x86::V3::try_new().map(|simd| self.with_vectors(simd)));
                results.extend(pulp::x86::V4::try_new().map(|simd| self.with_vectors(simd)));
            }
            #[cfg(target_arch = "aarch64")]
            results.extend(pulp::aarch64::Neon::try_new().map(|simd| self.with_vectors(simd)));
            results
        }

        fn with_vectors<S: Simd>(&self, simd: S) -> Vec<f32> {
            let mut places = vec![0.0; COUNT * self.0.outputs];
            let others = vec![0.25; places.len()];
            let norm = NormWeights::new(vec![1.5; self.0.outputs], vec![0.1; self.0.outputs], 1e-12).unwrap();
            for epilogue in [Epilogue::Gelu, Epilogue::Norm(&others, &norm)] {
                let mut columns = Vec::new();
                let (layer, rows) = (self.0, self.1);
                simd.vectorize(Run(Part { layer, rows, epilogue, columns: &mut columns, places: &mut places }, simd));
            }
            places
        }

        fn with(&self, simd: pulp::Scalar) -> Vec<f32> {
            self.with_vectors(simd)
        }
    }

    /// A part with the vectors that it is to use.
    struct Run<'r, S>(Part<'r>, S);

    impl<S: Simd> pulp::NullaryFnOnce for Run<'_, S> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            pulp::WithSimd::with_simd(self.0, self.1);
        }
    }

    #[test]
    fn results_are_the_same_bits_with_vectors_of_any_width() {
        let layer = Linear::new(&random_f32(96 * 100, 0.1), &random_f32(96, 1.0), 100).unwrap();
        let rows = random_f32(COUNT * 100, 1.0);
        let results = Widths(&layer, &rows).results();
        assert!(results.iter().all(|result| *result == results[0]));
    }

    #[test]
    fn other_shapes_are_refused() {
        assert!(Linear::new(&[0.0; 32 * 32], &[0.0; 64], 32).is_err(), "too many biases");
        assert!(Linear::new(&[], &[], 32).is_err(), "no outputs");
        let layer = Linear::new(&[0.0; 32 * 64], &[0.0; 32], 64).unwrap();
        let mut places = vec![0.0; 8 * 32];
        assert!(layer.forward(&[0.0; 8 * 64 - 1], Threads::One, &mut places).is_err(), "no whole rows");
        assert!(layer.forward(&[0.0; 8 * 64], Threads::One, &mut places[1..]).is_err(), "too few places");
        assert!(layer.forward(&[], Threads::One, &mut []).is_ok());
        let norm = NormWeights::new(vec![1.0; 64], vec![1.0; 64], 1e-12).unwrap();
        assert!(layer.norm_of_sum(&[0.0; 8 * 64], &[0.0; 8 * 32], &norm, Threads::One, &mut places).is_err());
    }
}
