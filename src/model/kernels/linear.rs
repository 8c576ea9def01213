//! Linear layers in vectors, each with what comes after it while its sums are still at hand: bias, and GELU, or the norm of a sum. Weights are
//! put in order once.
//!
//! A row's result depends on the row alone: its sums are taken in one order, whatever other rows there are.

use std::arch::x86_64::{
    __m512, _mm512_add_ps, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_reduce_add_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_sub_ps,
};

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};
use tch::{Kind, TchError, Tensor};

use super::super::to_i64;
use super::amx::{Block, Line, ROWS, SIDE};
use super::avx512::{TOGETHER, Vectors, products, rounded, widened};
use super::gelu::gelu_of;
use super::{Bf16, NormWeights, values, values_mut};

/// So many rows are taken through all outputs before the next: few enough for a core's second cache.
const ROWS_AT_ONCE: usize = 128;

/// A linear layer.
#[derive(Debug)]
pub(in crate::model) struct PackedLinear {
    /// That there are such vectors.
    _vectors: Vectors,
    inputs: usize,
    /// By 32 outputs and 32 inputs; transposed, so that an output is a column.
    weight: Vec<Block>,
    /// By 32 outputs.
    bias: Vec<Line<f32>>,
}

/// What comes after a product with its bias.
#[derive(Clone, Copy)]
enum Then<'t> {
    Nothing,
    Gelu,
    /// The norm of the sum with other rows.
    Norm(&'t [Bf16], &'t NormWeights),
}

impl PackedLinear {
    /// Takes a weight of the shape `[outputs, inputs]` and a bias of as many outputs. None where the processor has no such vectors, or blocks of
    /// 32 do not fill the weight.
    pub(in crate::model) fn new(weight: &Tensor, bias: &Tensor) -> Result<Option<Self>, TchError> {
        let Some(vectors) = Vectors::find() else { return Ok(None) };
        let (outputs, inputs) = weight.size2()?;
        let is_whole = [inputs, outputs].iter().all(|&size| size > 0 && size % to_i64(SIDE) == 0);
        if !is_whole {
            return Ok(None);
        }
        let inputs = usize::try_from(inputs).unwrap_or(0);
        let weight = weight.f_to_kind(Kind::BFloat16)?.f_contiguous()?;
        let bias = Vec::<f32>::try_from(bias.f_to_kind(Kind::Float)?)?;
        let (bias, _) = bias.as_chunks();
        Ok(Some(Self { _vectors: vectors, inputs, weight: packed(values(&weight)?, inputs), bias: bias.to_vec() }))
    }

    /// The product with bf16 `rows` of the shape `[rows, inputs]`, plus the bias.
    ///
    /// # Errors
    ///
    /// Where there are other shapes, or rows are no multiple of eight, or no contiguous bf16 on the CPU; so also below.
    pub(in crate::model) fn forward(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        self.compute(rows, Then::Nothing)
    }

    /// GELU of it.
    pub(in crate::model) fn gelu(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        self.compute(rows, Then::Gelu)
    }

    /// The norm of the sum of it and `others`, of the shape `[rows, outputs]`.
    pub(in crate::model) fn norm_of_sum(
        &self,
        rows: &Tensor,
        others: &Tensor,
        norm: &NormWeights,
    ) -> Result<Tensor, TchError> {
        let size = [rows.size()[0], to_i64(self.outputs())];
        if others.size() != size || norm.weight.len() != self.outputs() {
            return Err(TchError::Shape(format!(
                "{:?} and a norm of {} for {size:?}",
                others.size(),
                norm.weight.len()
            )));
        }
        self.compute(rows, Then::Norm(values(others)?, norm))
    }

    fn outputs(&self) -> usize {
        self.bias.len() * SIDE
    }

    fn compute(&self, rows: &Tensor, then: Then) -> Result<Tensor, TchError> {
        let (count, inputs) = rows.size2()?;
        if inputs != to_i64(self.inputs) || count % to_i64(TOGETHER) != 0 {
            return Err(TchError::Shape(format!("{count} rows of {inputs} for {} inputs", self.inputs)));
        }
        let mut found = Tensor::f_empty([count, to_i64(self.outputs())], (Kind::BFloat16, rows.device()))?;
        let places = values_mut(&mut found)?;
        let (in_values, out_values) = (ROWS_AT_ONCE * self.inputs, ROWS_AT_ONCE * self.outputs());
        let part = |(part, (rows, places)): (usize, (&[Bf16], &mut [Bf16]))| {
            self.part(rows, then.from(part * out_values), places);
        };
        // Several threads are given where nothing else is at work, see `Runtime::use_threads`.
        if tch::get_num_threads() > 1 {
            let places = places.par_chunks_mut(out_values);
            values(rows)?.par_chunks(in_values).zip(places).enumerate().for_each(part);
        } else {
            values(rows)?.chunks(in_values).zip(places.chunks_mut(out_values)).enumerate().for_each(part);
        }
        Ok(found)
    }

    /// Some rows, at most [`ROWS_AT_ONCE`], and where their results go.
    fn part(&self, rows: &[Bf16], then: Then, places: &mut [Bf16]) {
        let (lines, _) = places.as_chunks_mut();
        let mut sums = if let Then::Norm(..) = then { vec![[0.0; SIDE]; lines.len()] } else { Vec::new() };
        #[expect(unsafe_code, reason = "functions for some processors may be called on those alone")]
        // SAFETY: there is a `Vectors`, so the processor has what the functions are compiled for.
        unsafe {
            self.multiply(rows, then, &mut sums, lines);
            if let Then::Norm(others, norm) = then {
                norm_rows(&mut sums, others.as_chunks().0, norm, lines);
            }
        }
    }

    /// Puts sums that a norm is wanted of into `sums`, and all else into `places`.
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    fn multiply(&self, rows: &[Bf16], then: Then, sums: &mut [Line<f32>], places: &mut [Line<Bf16>]) {
        let (inputs, row) = (self.inputs / SIDE, self.bias.len());
        let (rows, _) = rows.as_chunks();
        for (panel, (weight, bias)) in self.weight.chunks_exact(inputs).zip(&self.bias).enumerate() {
            for (tile, rows) in rows.chunks_exact(TOGETHER * inputs).enumerate() {
                let first = tile * TOGETHER * row + panel;
                let mut left = [&[][..]; TOGETHER];
                for (left, row) in left.iter_mut().zip(rows.chunks_exact(inputs)) {
                    *left = row;
                }
                let found = products::<2>(left, weight);
                // A loop for each, which a compiler unrolls, so that sums stay where they are.
                match then {
                    Then::Nothing => {
                        for (tile_row, found) in found.into_iter().enumerate() {
                            places[first + tile_row * row] = rounded(plus(found, bias));
                        }
                    }
                    Then::Gelu => {
                        for (tile_row, found) in found.into_iter().enumerate() {
                            places[first + tile_row * row] = rounded(gelu(plus(found, bias)));
                        }
                    }
                    Then::Norm(..) => {
                        for (tile_row, found) in found.into_iter().enumerate() {
                            sums[first + tile_row * row] = pulp::cast(plus(found, bias));
                        }
                    }
                }
            }
        }
    }
}

impl Then<'_> {
    /// The same without the first values of other rows.
    fn from(self, first: usize) -> Self {
        match self {
            Self::Norm(others, norm) => Self::Norm(&others[first..], norm),
            other => other,
        }
    }
}

/// A weight in the order of [`PackedLinear::weight`].
fn packed(weight: &[Bf16], inputs: usize) -> Vec<Block> {
    let pair = |output: usize, input: usize| {
        let place = output * inputs + input;
        u32::from(weight[place]) | u32::from(weight[place + 1]) << 16
    };
    let half = |output: usize, input: usize| std::array::from_fn(|column| pair(output + column, input));
    let block = |output: usize, input: usize| {
        Block(std::array::from_fn(|row| [output, output + ROWS].map(|output| half(output, input + 2 * row))))
    };
    let outputs = (0..weight.len() / inputs).step_by(SIDE);
    outputs.flat_map(|output| (0..inputs).step_by(SIDE).map(move |input| block(output, input))).collect()
}

/// Puts into `places` the norm of each row of `sums` and `others` added.
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
        *place = rounded(plus([_mm512_mul_ps(one, scaled[0]), _mm512_mul_ps(other, scaled[1])], bias));
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
    use tch::Device;

    use super::super::tests::{difference, random};
    use super::*;

    const ROWS: i64 = 136;

    /// A layer with its weight, bias and input, in f32.
    fn layer(inputs: i64, outputs: i64) -> Option<(PackedLinear, [Tensor; 3])> {
        let (weight, bias) = (random(&[outputs, inputs], 0.1), random(&[outputs], 1.0));
        let layer = PackedLinear::new(&weight, &bias).unwrap()?;
        Some((layer, [weight, bias, random(&[ROWS, inputs], 1.0)].map(|tensor| tensor.to_kind(Kind::Float))))
    }

    #[test]
    fn it_is_a_linear_layer_of_any_size_and_what_comes_after_it() {
        for (inputs, outputs) in [(32, 32), (64, 160), (384, 96), (1536, 384)] {
            let Some((layer, [weight, bias, input])) = layer(inputs, outputs) else { return };
            let exact = input.linear(&weight, Some(&bias));
            let input = input.to_kind(Kind::BFloat16);
            assert!(difference(&layer.forward(&input).unwrap(), &exact) < 0.005, "{inputs}, {outputs}");
            assert!(difference(&layer.gelu(&input).unwrap(), &exact.gelu("none")) < 0.005, "{inputs}, {outputs}");

            let others = random(&[ROWS, outputs], 1.0);
            let [scale, shift] = [1.0, 1.0].map(|scale| random(&[outputs], scale));
            let norm = NormWeights::new(&scale, &shift, 1e-12).unwrap();
            let float = |tensor: &Tensor| tensor.to_kind(Kind::Float);
            let sum = exact + float(&others);
            let exact = sum.layer_norm([outputs], Some(&float(&scale)), Some(&float(&shift)), 1e-12, false);
            assert!(difference(&layer.norm_of_sum(&input, &others, &norm).unwrap(), &exact) < 0.005);
        }
    }

    #[test]
    fn a_row_is_the_same_among_any_others() {
        let Some((layer, [_, _, input])) = layer(384, 64) else { return };
        let input = input.to_kind(Kind::BFloat16);
        let all = layer.gelu(&input).unwrap();
        for (first, rows) in [(0, 8), (72, 64), (128, 8)] {
            assert!(layer.gelu(&input.narrow(0, first, rows)).unwrap() == all.narrow(0, first, rows));
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let Some((layer, _)) = layer(64, 32) else { return };
        assert!(layer.forward(&random(&[8, 32], 1.0)).is_err(), "other inputs");
        assert!(layer.forward(&random(&[7, 64], 1.0)).is_err(), "seven rows");
        assert!(layer.forward(&random(&[8, 64], 1.0).to_kind(Kind::Float)).is_err(), "f32");
        assert!(layer.forward(&Tensor::zeros([0, 64], (Kind::BFloat16, Device::Cpu))).unwrap().numel() == 0);
        let norm = |size: i64| NormWeights::new(&random(&[size], 1.0), &random(&[size], 1.0), 1e-12).unwrap();
        let rows = random(&[8, 64], 1.0);
        assert!(layer.norm_of_sum(&rows, &random(&[16, 32], 1.0), &norm(32)).is_err(), "other rows to add");
        assert!(layer.norm_of_sum(&rows, &random(&[8, 32], 1.0), &norm(64)).is_err(), "another norm");
        assert!(PackedLinear::new(&random(&[32, 40], 1.0), &random(&[32], 1.0)).unwrap().is_none());
    }
}
