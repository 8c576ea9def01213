//! The kernels of each kind of number: bf16 and f32.

use pressrun_kernels::{
    Bf16, FusedAttention, Heads, NormWeights, PackedLinear, ROW_BLOCK, ShapeError, Threads, round_half_even, single,
    to_f32,
};

/// A kind of number that a network computes with, and its kernels.
pub(super) trait Numbers: Send + Sync + 'static {
    /// A number.
    type Value: Copy + Default + Send + Sync;
    /// A linear layer.
    type Linear: Send + Sync;
    /// Attention, with memory for intermediate results.
    type Attention: Send;

    /// The number of rows of a layer is a multiple of this.
    const ROW_BLOCK: usize;

    /// The nearest numbers.
    fn rounded(values: &[f32]) -> Vec<Self::Value>;

    /// The same numbers in f32.
    fn widened(values: &[Self::Value]) -> Vec<f32>;

    /// The layer with a `weight` of the shape `[outputs, inputs]`.
    fn linear(weight: &[f32], bias: &[f32], inputs: usize) -> Result<Self::Linear, ShapeError>;

    /// Attention of heads of `size` states.
    fn attention(size: usize) -> Result<Self::Attention, ShapeError>;

    /// Puts what each head attends to into `places`, `[tokens, heads * size]`. `rows` are queries, keys and values, `[tokens, 3 * heads *
    /// size]`.
    fn attend(
        attention: &mut Self::Attention,
        rows: &[Self::Value],
        shape: Heads,
        places: &mut [Self::Value],
    ) -> Result<(), ShapeError>;

    /// Puts the layer's results for `rows` into `places`.
    fn forward(
        layer: &Self::Linear,
        input: Input<'_, Self::Value>,
        places: &mut [Self::Value],
    ) -> Result<(), ShapeError>;

    /// Puts GELU of the layer's results into `places`.
    fn gelu(layer: &Self::Linear, input: Input<'_, Self::Value>, places: &mut [Self::Value]) -> Result<(), ShapeError>;

    /// Puts the norm of the sum of the layer's results and `others` into `places`.
    fn norm_of_sum(
        layer: &Self::Linear,
        input: Input<'_, Self::Value>,
        others: &[Self::Value],
        norm: &NormWeights,
        places: &mut [Self::Value],
    ) -> Result<(), ShapeError>;

    /// Replaces each row of `values` by the norm of its sum with the row of `others`.
    fn norm(values: &mut [Self::Value], others: &[Self::Value], norm: &NormWeights) -> Result<(), ShapeError>;
}

/// The rows that go into a layer, and the threads that share them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'i, V> {
    /// Of the shape `[rows, inputs]`.
    pub(super) rows: &'i [V],
    pub(super) threads: Threads,
}

/// 16 bits, 8 of them for the exponent.
pub(super) struct Half;

/// 32 bits. Results are the same bits on every processor.
pub(super) struct Single;

impl Numbers for Half {
    type Value = Bf16;
    type Linear = PackedLinear;
    type Attention = FusedAttention;

    const ROW_BLOCK: usize = ROW_BLOCK;

    fn rounded(values: &[f32]) -> Vec<Bf16> {
        values.iter().copied().map(round_half_even).collect()
    }

    fn widened(values: &[Bf16]) -> Vec<f32> {
        values.iter().copied().map(to_f32).collect()
    }

    fn linear(weight: &[f32], bias: &[f32], inputs: usize) -> Result<PackedLinear, ShapeError> {
        let layer = PackedLinear::new(&Self::rounded(weight), bias, inputs)?;
        layer.ok_or_else(|| ShapeError::new(format!("no kernel for {inputs} inputs and {} outputs", bias.len())))
    }

    fn attention(size: usize) -> Result<FusedAttention, ShapeError> {
        FusedAttention::find(size).ok_or_else(|| ShapeError::new(format!("no kernel for heads of {size} states")))
    }

    fn attend(
        attention: &mut FusedAttention,
        rows: &[Bf16],
        shape: Heads,
        places: &mut [Bf16],
    ) -> Result<(), ShapeError> {
        attention.attend(rows, shape, places)
    }

    fn forward(layer: &PackedLinear, input: Input<'_, Bf16>, places: &mut [Bf16]) -> Result<(), ShapeError> {
        layer.forward(input.rows, input.threads, places)
    }

    fn gelu(layer: &PackedLinear, input: Input<'_, Bf16>, places: &mut [Bf16]) -> Result<(), ShapeError> {
        layer.gelu(input.rows, input.threads, places)
    }

    fn norm_of_sum(
        layer: &PackedLinear,
        input: Input<'_, Bf16>,
        others: &[Bf16],
        norm: &NormWeights,
        places: &mut [Bf16],
    ) -> Result<(), ShapeError> {
        layer.norm_of_sum(input.rows, others, norm, input.threads, places)
    }

    fn norm(values: &mut [Bf16], others: &[Bf16], norm: &NormWeights) -> Result<(), ShapeError> {
        pressrun_kernels::norm_of_sum(values, others, norm)
    }
}

impl Numbers for Single {
    type Value = f32;
    type Linear = single::Linear;
    type Attention = single::Attention;

    const ROW_BLOCK: usize = 1;

    fn rounded(values: &[f32]) -> Vec<f32> {
        values.to_vec()
    }

    fn widened(values: &[f32]) -> Vec<f32> {
        values.to_vec()
    }

    fn linear(weight: &[f32], bias: &[f32], inputs: usize) -> Result<single::Linear, ShapeError> {
        single::Linear::new(weight, bias, inputs)
    }

    fn attention(_size: usize) -> Result<single::Attention, ShapeError> {
        Ok(single::Attention::default())
    }

    fn attend(
        attention: &mut single::Attention,
        rows: &[f32],
        shape: Heads,
        places: &mut [f32],
    ) -> Result<(), ShapeError> {
        attention.attend(rows, shape, places)
    }

    fn forward(layer: &single::Linear, input: Input<'_, f32>, places: &mut [f32]) -> Result<(), ShapeError> {
        layer.forward(input.rows, input.threads, places)
    }

    fn gelu(layer: &single::Linear, input: Input<'_, f32>, places: &mut [f32]) -> Result<(), ShapeError> {
        layer.gelu(input.rows, input.threads, places)
    }

    fn norm_of_sum(
        layer: &single::Linear,
        input: Input<'_, f32>,
        others: &[f32],
        norm: &NormWeights,
        places: &mut [f32],
    ) -> Result<(), ShapeError> {
        layer.norm_of_sum(input.rows, others, norm, input.threads, places)
    }

    fn norm(values: &mut [f32], others: &[f32], norm: &NormWeights) -> Result<(), ShapeError> {
        single::norm_of_sum(values, others, norm)
    }
}
