//! Heads: linear layers that turn hidden states into probabilities and token labels, all in f32.

use std::path::Path;

use tch::{Device, Kind, TchError, Tensor};

use super::batch::HiddenStates;
use super::config::linear_shapes;
use super::linear::ROWS;
use super::manifest::Temperature;
use super::vector::SentenceVector;
use super::viterbi::Transitions;
use super::weights::Weights;
use super::{HeadKind, HeadManifest, HeadOutputs, ModelError, TokenBatch, to_i64};

/// The heads that were asked for, in that order.
#[derive(Debug)]
pub(super) struct Heads {
    sequences: Vec<Linear>,
    tokens: Vec<(Linear, Transitions)>,
    /// True if the results include the vector of each segment.
    pub(super) wants_vectors: bool,
}

/// The outputs of a token head for the tokens of a batch, before its bias is added. Takes 4 bytes for each token and
/// label, and the batch.
#[derive(Debug)]
pub struct TokenOutputs {
    /// Of the shape `[tokens, labels]`.
    products: Tensor,
    batch: TokenBatch,
}

#[derive(Debug)]
struct Linear {
    /// Of the shape `[hidden size, labels]`.
    weight: Tensor,
    bias: Tensor,
}

impl Heads {
    /// The heads in `wanted` from the file at `path`, for hidden states of `hidden_size`.
    pub(super) fn load(
        path: &Path,
        wanted: &[(&str, &HeadManifest)],
        hidden_size: i64,
        device: Device,
    ) -> Result<Self, ModelError> {
        let shapes = wanted.iter().flat_map(|(name, head)| linear_shapes(name, to_i64(head.labels.len()), hidden_size));
        let weights = Weights::load(path, shapes)?;
        let mut heads = Self { sequences: Vec::new(), tokens: Vec::new(), wants_vectors: false };
        for (name, head) in wanted {
            let linear = Linear::load(&weights, name, device)?;
            match head.kind {
                HeadKind::Sequence => heads.sequences.push(linear.divided_by(head.temperature)),
                HeadKind::Token => {
                    heads.tokens.push((linear.with_offsets(&head.offsets), Transitions::new(&head.labels)));
                }
            }
        }
        Ok(heads)
    }

    /// The outputs of the heads for each segment.
    pub(super) fn apply(&self, hidden: &HiddenStates, batch: &TokenBatch) -> Result<Vec<HeadOutputs>, TchError> {
        let mut outputs = vec![HeadOutputs::default(); batch.segments().len()];
        let pooled = mean_pool(&hidden.states, batch)?;
        for head in &self.sequences {
            let probabilities = head.forward(&pooled)?.f_softmax(-1, Kind::Float)?.to_device(Device::Cpu);
            for (output, row) in outputs.iter_mut().zip(Vec::<Vec<f32>>::try_from(&probabilities)?) {
                output.sequences.push(row);
            }
        }
        if self.wants_vectors {
            let pooled = Vec::<Vec<f32>>::try_from(&pooled.to_device(Device::Cpu))?;
            for (output, values) in outputs.iter_mut().zip(pooled) {
                output.vector = Some(SentenceVector::quantized(&values));
            }
        }
        for (head, transitions) in &self.tokens {
            let scores = head.log_probabilities(&hidden.states)?;
            let paths = best_paths(&scores, transitions, batch)?;
            let confidences = confidences(&scores, transitions.labels(), &paths)?;
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
    ) -> Result<Vec<Vec<Vec<f32>>>, TchError> {
        let mut of_segments = vec![Vec::new(); batch.segments().len()];
        for (head, transitions) in &self.tokens {
            let all = Vec::<f32>::try_from(head.log_probabilities(&hidden.states)?.f_exp()?.f_view(-1)?)?;
            let labels = transitions.labels();
            for (segment, tokens) in of_segments.iter_mut().zip(batch.segments()) {
                segment.push(all[tokens.start * labels..tokens.end * labels].to_vec());
            }
        }
        Ok(of_segments)
    }

    /// The outputs of the first token head; `None` if no token head was asked for.
    pub(super) fn token_outputs(
        &self,
        hidden: &HiddenStates,
        batch: &TokenBatch,
    ) -> Result<Option<TokenOutputs>, TchError> {
        let Some((head, _)) = self.tokens.first() else { return Ok(None) };
        Ok(Some(TokenOutputs { products: hidden.states.f_matmul(&head.weight)?, batch: batch.clone() }))
    }

    /// For each segment the labels of its tokens, decoded by the first token head with `offsets` added to its outputs. The
    /// operations are those of [`Self::apply`], so the labels are the same as if the manifest had these offsets.
    pub(super) fn decode(&self, outputs: &TokenOutputs, offsets: &[f64]) -> Result<Vec<Vec<usize>>, TchError> {
        let Some((head, transitions)) = self.tokens.first() else { return Ok(Vec::new()) };
        let scores = outputs.products.f_add(&head.bias_plus(offsets))?.f_log_softmax(-1, Kind::Float)?;
        let paths = best_paths(&scores.to_device(Device::Cpu), transitions, &outputs.batch)?;
        Ok(outputs.batch.segments().iter().map(|tokens| paths[tokens.clone()].to_vec()).collect())
    }
}

/// The label of each token of the batch, from the best path of its row.
fn best_paths(scores: &Tensor, transitions: &Transitions, batch: &TokenBatch) -> Result<Vec<usize>, TchError> {
    let labels = scores.size().last().map_or(1, |&labels| usize::try_from(labels).unwrap_or(1));
    let scores = Vec::<f32>::try_from(scores.f_contiguous()?.f_view(-1)?)?;
    let mut path = Vec::with_capacity(batch.ids().len());
    for row in batch.rows() {
        path.extend(transitions.best_path(&scores[row.start * labels..row.end * labels]));
    }
    Ok(path)
}

/// The probability of each token's label in `path`, in 255ths, from log-probabilities.
fn confidences(scores: &Tensor, labels: usize, path: &[usize]) -> Result<Vec<u8>, TchError> {
    let scores = Vec::<f32>::try_from(scores.f_contiguous()?.f_view(-1)?)?;
    let of_path = path.iter().enumerate().map(|(token, label)| scores[token * labels + label]);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 255")]
    let confidences = of_path.map(|score| (score.exp().clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    Ok(confidences)
}

impl Linear {
    fn load(weights: &Weights, name: &str, device: Device) -> Result<Self, ModelError> {
        let weight = weights.get(&format!("{name}.weight"))?.transpose(0, 1).to_device(device);
        let bias = weights.get(&format!("{name}.bias"))?.to_device(device);
        Ok(Self { weight, bias })
    }

    /// Itself with its outputs divided by `temperature`.
    fn divided_by(self, temperature: Option<Temperature>) -> Self {
        match temperature.map(Temperature::get) {
            Some(divisor) => Self { weight: self.weight / divisor, bias: self.bias / divisor },
            None => self,
        }
    }

    /// Itself with `offsets` added to its outputs, if there are any.
    fn with_offsets(self, offsets: &[f64]) -> Self {
        if offsets.is_empty() {
            return self;
        }
        Self { bias: self.bias_plus(offsets), ..self }
    }

    fn bias_plus(&self, offsets: &[f64]) -> Tensor {
        &self.bias + Tensor::from_slice(offsets).to_kind(Kind::Float).to_device(self.bias.device())
    }

    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_matmul(&self.weight)?.f_add(&self.bias)
    }

    /// The log-probabilities of each row's labels, of the shape `[rows, labels]`, on the CPU.
    fn log_probabilities(&self, input: &Tensor) -> Result<Tensor, TchError> {
        Ok(self.forward(input)?.f_log_softmax(-1, Kind::Float)?.to_device(Device::Cpu))
    }
}

/// The mean over each segment's tokens, f32, of `states` in the shape `[tokens, hidden size]`. Its shape is `[segments,
/// hidden size]`; then come rows of zeros up to a multiple of [`ROWS`].
pub(crate) fn mean_pool(states: &Tensor, batch: &TokenBatch) -> Result<Tensor, TchError> {
    let device = states.device();
    let mut tokens = Vec::new();
    let mut segments = Vec::new();
    for (segment, range) in batch.segments().iter().enumerate() {
        tokens.extend(range.clone().map(to_i64));
        segments.resize(tokens.len(), to_i64(segment));
    }
    let rows = batch.segments().len().next_multiple_of(ROWS);
    #[expect(clippy::cast_precision_loss, reason = "a segment has some hundred tokens")]
    let mut shares: Vec<f32> = batch.segments().iter().map(|range| 1.0 / range.len().max(1) as f32).collect();
    shares.resize(rows, 0.0);
    let tokens = Tensor::from_slice(&tokens).to_device(device);
    let segments = Tensor::from_slice(&segments).to_device(device);
    let shares = Tensor::from_slice(&shares).to_device(device);
    let states = states.f_index_select(0, &tokens)?;
    // Sums are taken token by token, so that a segment's mean does not depend on what else is in the batch.
    let sums = Tensor::f_zeros([to_i64(rows), states.size()[1]], (Kind::Float, device))?;
    let sums = sums.f_index_add(0, &segments, &states)?;
    sums.f_mul(&shares.f_unsqueeze(1)?)
}
