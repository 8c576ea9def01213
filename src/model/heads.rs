//! Heads: linear layers that turn hidden states into probabilities and token labels, all in f32 and on the CPU.

use std::path::Path;
use std::sync::Arc;

use pressrun_kernels::{ShapeError, Threads, single};

use super::batch::HiddenStates;
use super::config::linear_shapes;
use super::manifest::Temperature;
use super::vector::SentenceVector;
use super::viterbi::Transitions;
use super::weights::Weights;
use super::{HeadKind, HeadManifest, HeadOutputs, ModelError, TokenBatch, to_i64};

/// The heads that were asked for, in that order.
#[derive(Debug, Clone)]
pub(super) struct Heads {
    sequences: Arc<[Linear]>,
    tokens: Arc<[TokenHead]>,
    /// True if the results include the vector of each segment.
    pub(super) wants_vectors: bool,
}

/// A head that labels tokens.
#[derive(Debug)]
struct TokenHead {
    linear: Linear,
    transitions: Transitions,
}

/// The outputs of a token head for the tokens of a batch, before its bias is added. Takes 4 bytes for each token and
/// label, and the batch.
#[derive(Debug)]
pub struct TokenOutputs {
    /// Of the shape `[tokens, labels]`.
    products: Vec<f32>,
    batch: TokenBatch,
}

#[derive(Debug)]
struct Linear {
    /// Without a bias.
    layer: single::Linear,
    bias: Vec<f32>,
}

impl Heads {
    /// The heads in `wanted` from the file at `path`, for hidden states of `hidden_size`.
    pub(super) fn load(path: &Path, wanted: &[(&str, &HeadManifest)], hidden_size: i64) -> Result<Self, ModelError> {
        let shapes = wanted.iter().flat_map(|(name, head)| linear_shapes(name, to_i64(head.labels.len()), hidden_size));
        let weights = Weights::load(path, shapes)?;
        let mut sequences = Vec::new();
        let mut tokens = Vec::new();
        for (name, head) in wanted {
            match head.kind {
                HeadKind::Sequence => sequences.push(Linear::load(&weights, name, head.temperature)?),
                HeadKind::Token => {
                    let linear = Linear::load(&weights, name, None)?.with_offsets(&head.offsets);
                    tokens.push(TokenHead { linear, transitions: Transitions::new(&head.labels) });
                }
            }
        }
        Ok(Self { sequences: sequences.into(), tokens: tokens.into(), wants_vectors: false })
    }

    /// The outputs of the heads for each segment.
    pub(super) fn apply(&self, hidden: &HiddenStates, batch: &TokenBatch) -> Result<Vec<HeadOutputs>, ShapeError> {
        let mut outputs = vec![HeadOutputs::default(); batch.segments().len()];
        let pooled = mean_pool(hidden, batch);
        for head in self.sequences.iter() {
            let labels = head.bias.len();
            let mut probabilities = head.forward(&pooled)?;
            single::softmax(&mut probabilities, labels)?;
            for (output, row) in outputs.iter_mut().zip(probabilities.chunks_exact(labels)) {
                output.sequences.push(row.to_vec());
            }
        }
        if self.wants_vectors {
            for (output, values) in outputs.iter_mut().zip(pooled.chunks_exact(hidden.size)) {
                output.vector = Some(SentenceVector::quantized(values));
            }
        }
        for TokenHead { linear, transitions } in self.tokens.iter() {
            let scores = linear.log_probabilities(hidden, batch)?;
            let paths = best_paths(&scores, transitions, batch);
            let confidences = confidences(&scores, transitions.labels(), &paths);
            for (output, tokens) in outputs.iter_mut().zip(batch.segments()) {
                output.tokens.push(paths[tokens.clone()].to_vec());
                output.confidences.push(confidences[tokens.clone()].to_vec());
            }
        }
        Ok(outputs)
    }

    /// For each segment and each token head: the probabilities of its tokens' labels, token after token in one vector.
    pub(super) fn token_probabilities(
        &self,
        hidden: &HiddenStates,
        batch: &TokenBatch,
    ) -> Result<Vec<Vec<Vec<f32>>>, ShapeError> {
        let mut of_segments = vec![Vec::new(); batch.segments().len()];
        for TokenHead { linear, transitions } in self.tokens.iter() {
            let labels = transitions.labels();
            let mut probabilities = linear.forward(tokens_of(hidden, batch))?;
            single::softmax(&mut probabilities, labels)?;
            for (segment, tokens) in of_segments.iter_mut().zip(batch.segments()) {
                segment.push(probabilities[tokens.start * labels..tokens.end * labels].to_vec());
            }
        }
        Ok(of_segments)
    }

    /// The outputs of the first token head; `None` if no token head was asked for.
    pub(super) fn token_outputs(
        &self,
        hidden: &HiddenStates,
        batch: &TokenBatch,
    ) -> Result<Option<TokenOutputs>, ShapeError> {
        let Some(head) = self.tokens.first() else { return Ok(None) };
        let products = head.linear.products(tokens_of(hidden, batch))?;
        Ok(Some(TokenOutputs { products, batch: batch.clone() }))
    }

    /// For each segment the labels of its tokens, decoded by the first token head with `offsets` added to its outputs. The
    /// operations are those of [`Self::apply`], so the labels are the same as if the manifest had these offsets.
    pub(super) fn decode(&self, outputs: &TokenOutputs, offsets: &[f64]) -> Result<Vec<Vec<usize>>, ShapeError> {
        let Some(TokenHead { linear, transitions }) = self.tokens.first() else { return Ok(Vec::new()) };
        let mut scores = outputs.products.clone();
        add_to_rows(&mut scores, &linear.bias_plus(offsets));
        single::log_softmax(&mut scores, transitions.labels())?;
        let paths = best_paths(&scores, transitions, &outputs.batch);
        Ok(outputs.batch.segments().iter().map(|tokens| paths[tokens.clone()].to_vec()).collect())
    }
}

/// The states of the batch's tokens, without padding.
fn tokens_of<'h>(hidden: &'h HiddenStates, batch: &TokenBatch) -> &'h [f32] {
    &hidden.values[..batch.ids().len() * hidden.size]
}

/// The label of each token of the batch, from the best path of its row.
fn best_paths(scores: &[f32], transitions: &Transitions, batch: &TokenBatch) -> Vec<usize> {
    let labels = transitions.labels();
    let mut path = Vec::with_capacity(batch.ids().len());
    for row in batch.rows() {
        path.extend(transitions.best_path(&scores[row.start * labels..row.end * labels]));
    }
    path
}

/// The probability of each token's label in `path`, in 255ths, from log-probabilities.
fn confidences(scores: &[f32], labels: usize, path: &[usize]) -> Vec<u8> {
    let of_path = path.iter().enumerate().map(|(token, label)| scores[token * labels + label]);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 255")]
    let confidences = of_path.map(|score| (libm::expf(score).clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    confidences
}

impl Linear {
    /// The head called `name`, with its outputs divided by `temperature`.
    fn load(weights: &Weights, name: &str, temperature: Option<Temperature>) -> Result<Self, ModelError> {
        #[expect(clippy::cast_possible_truncation, reason = "a number near 1")]
        let divisor = temperature.map_or(1.0, |temperature| temperature.get() as f32);
        let weight = divided(weights.get(&format!("{name}.weight"))?, divisor);
        let bias = divided(weights.get(&format!("{name}.bias"))?, divisor);
        let inputs = weight.len() / bias.len().max(1);
        let layer = single::Linear::new(&weight, &vec![0.0; bias.len()], inputs);
        Ok(Self { layer: layer.map_err(|cause| ModelError::Encoder { cause: cause.into() })?, bias })
    }

    /// Itself with `offsets` added to its outputs, if there are any.
    fn with_offsets(self, offsets: &[f64]) -> Self {
        if offsets.is_empty() {
            return self;
        }
        Self { bias: self.bias_plus(offsets), ..self }
    }

    #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
    fn bias_plus(&self, offsets: &[f64]) -> Vec<f32> {
        self.bias.iter().zip(offsets).map(|(bias, offset)| bias + *offset as f32).collect()
    }

    /// The products with rows of hidden states, without the bias, of the shape `[rows, labels]`.
    fn products(&self, rows: &[f32]) -> Result<Vec<f32>, ShapeError> {
        let mut products = vec![0.0; rows.len() / self.layer.inputs() * self.bias.len()];
        self.layer.forward(rows, Threads::One, &mut products)?;
        Ok(products)
    }

    fn forward(&self, rows: &[f32]) -> Result<Vec<f32>, ShapeError> {
        let mut values = self.products(rows)?;
        add_to_rows(&mut values, &self.bias);
        Ok(values)
    }

    /// The log-probabilities of each token's labels, of the shape `[tokens, labels]`.
    fn log_probabilities(&self, hidden: &HiddenStates, batch: &TokenBatch) -> Result<Vec<f32>, ShapeError> {
        let mut scores = self.forward(tokens_of(hidden, batch))?;
        single::log_softmax(&mut scores, self.bias.len())?;
        Ok(scores)
    }
}

fn divided(values: &[f32], divisor: f32) -> Vec<f32> {
    values.iter().map(|value| value / divisor).collect()
}

fn add_to_rows(rows: &mut [f32], others: &[f32]) {
    for row in rows.chunks_exact_mut(others.len()) {
        for (value, other) in row.iter_mut().zip(others) {
            *value += other;
        }
    }
}

/// The mean over each segment's tokens of the hidden states, of the shape `[segments, hidden size]`.
fn mean_pool(hidden: &HiddenStates, batch: &TokenBatch) -> Vec<f32> {
    let mut means = vec![0.0; batch.segments().len() * hidden.size];
    for (mean, tokens) in means.chunks_exact_mut(hidden.size).zip(batch.segments()) {
        // Token by token, so that a segment's mean does not depend on what else is in the batch.
        for state in hidden.values[tokens.start * hidden.size..tokens.end * hidden.size].chunks_exact(hidden.size) {
            for (sum, value) in mean.iter_mut().zip(state) {
                *sum += value;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a segment has some hundred tokens")]
        let share = 1.0 / tokens.len().max(1) as f32;
        for value in mean {
            *value *= share;
        }
    }
    means
}
