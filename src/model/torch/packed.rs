//! BERT (Devlin et al. 2019) on a stream of tokens without padding, for GPUs. Only attention works on passages of one length together.

use std::path::Path;

use tch::{Device, Kind, TchError, Tensor};

use super::failed;
use crate::model::batch::{HiddenStates, PADDING};
use crate::model::bert::{BertConfig, Run, query_key_value, runs};
use crate::model::config::EncoderConfig;
use crate::model::encoder::Encoder;
use crate::model::weights::Weights;
use crate::model::{ModelError, TokenBatch, to_i64};

/// The number of rows is a multiple of this: for fewer rows libraries have other code.
const ROWS: usize = 16;

/// The bytes of attention scores that are computed at once on a CPU. They should stay in a core's second cache until they are used.
const SCORE_BYTES: usize = 512 * 1024;

/// A BERT without dropout and without padding.
pub(super) struct PackedBert {
    words: Tensor,
    /// The embedding of each position, with that of the only token type in use.
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    heads: usize,
    head_size: usize,
    device: Device,
}

struct Layer {
    /// Query, key and value in one product; queries come out divided by the root of a head's size.
    query_key_value: Linear,
    attended: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    norm: Norm,
}

/// A linear layer. The weight has the shape `[outputs, inputs]`.
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

/// A layer norm.
struct Norm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

impl PackedBert {
    /// Loads the encoder in `folder`, which `config` describes.
    pub(super) fn load(folder: &Path, config: &BertConfig, device: Device, kind: Kind) -> Result<Self, ModelError> {
        let sizes = EncoderConfig::load(&folder.join("config.json"))?;
        let weights = Weights::load(&folder.join("encoder.safetensors"), sizes.shapes())?;
        Loader { weights, config, device, kind }.network()
    }

    fn states(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let (ids, positions) = stream(batch, self.computed_tokens(batch));
        let embedded = self.words.f_index_select(0, &self.on_device(&ids))?;
        let positions = self.positions.f_index_select(0, &self.on_device(&positions))?;
        let mut states = self.norm.apply_to_sum(embedded, &positions)?;
        let runs = runs(batch.lengths(), self.scores_at_once());
        for layer in &self.layers {
            states = self.apply(layer, &states, &runs)?;
        }
        Ok(states)
    }

    fn apply(&self, layer: &Layer, states: &Tensor, runs: &[Run]) -> Result<Tensor, TchError> {
        let attended = layer.attended.forward(&self.attention(layer, states, runs)?)?;
        let states = layer.attention_norm.apply_to_sum(attended, states)?;
        let inner = layer.up.forward(&states)?.f_gelu_("none")?;
        layer.norm.apply_to_sum(layer.down.forward(&inner)?, &states)
    }

    /// The result of attention, of the shape `[tokens, hidden size]`.
    fn attention(&self, layer: &Layer, states: &Tensor, runs: &[Run]) -> Result<Tensor, TchError> {
        let rows = layer.query_key_value.forward(states)?;
        let attended = Tensor::f_zeros(states.size(), (states.kind(), states.device()))?;
        for run in runs {
            let tokens = to_i64(run.passages * run.length);
            let start = to_i64(run.start);
            self.attend(*run, &rows.f_narrow(0, start, tokens)?, &attended.f_narrow(0, start, tokens)?)?;
        }
        Ok(attended)
    }

    /// Puts into `place`, of the shape `[tokens, hidden size]`, what each head attends to, for queries, keys and values in the shape
    /// `[tokens, 3 * hidden size]`.
    fn attend(&self, run: Run, rows: &Tensor, place: &Tensor) -> Result<(), TchError> {
        let [passages, length, heads, size] = [run.passages, run.length, self.heads, self.head_size].map(to_i64);
        let split = rows.f_view([passages, length, 3, heads, size])?.f_permute([2, 0, 3, 1, 4])?;
        let split = split.f_reshape([3, passages * heads, length, size])?;
        let scores = split.f_get(0)?.f_bmm(&split.f_get(1)?.f_transpose(1, 2)?)?;
        let found = scores.f_softmax(-1, scores.kind())?.f_bmm(&split.f_get(2)?)?;
        let found = found.f_view([passages, heads, length, size])?.f_transpose(1, 2)?;
        place.f_view([passages, length, heads, size])?.f_copy_(&found)
    }

    /// On a GPU the copy goes on while the processor prepares what comes next.
    fn on_device(&self, values: &[i64]) -> Tensor {
        let tensor = Tensor::from_slice(values);
        match self.device {
            Device::Cuda(_) => tensor.pin_memory(self.device).to_device_(self.device, Kind::Int64, true, false),
            _ => tensor,
        }
    }

    /// The number of attention scores of one head that are computed at once.
    fn scores_at_once(&self) -> usize {
        match self.device {
            Device::Cuda(_) => usize::MAX,
            _ => SCORE_BYTES / (self.heads * size_of::<f32>()),
        }
    }
}

impl Encoder for PackedBert {
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError> {
        tch::no_grad(|| super::hidden_states(&self.states(batch)?)).map_err(failed)
    }

    fn computed_tokens(&self, batch: &TokenBatch) -> usize {
        batch.ids().len().next_multiple_of(ROWS)
    }

    fn is_packed(&self) -> bool {
        true
    }
}

impl Linear {
    fn forward(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        rows.f_linear(&self.weight, Some(&self.bias))
    }
}

impl Norm {
    /// The norm of the sum of `one` and `other`. Reuses the memory of `one`, which no other tensor shares.
    fn apply_to_sum(&self, mut one: Tensor, other: &Tensor) -> Result<Tensor, TchError> {
        let sum = one.f_add_(other)?;
        sum.f_layer_norm(self.weight.size(), Some(&self.weight), Some(&self.bias), self.epsilon, false)
    }
}

/// The ids and the positions of a batch's tokens, filled up to so many `rows`.
fn stream(batch: &TokenBatch, rows: usize) -> (Vec<i64>, Vec<i64>) {
    let mut ids = batch.ids().to_vec();
    let mut positions: Vec<i64> = batch.lengths().iter().flat_map(|&length| (0..length).map(to_i64)).collect();
    ids.resize(rows, PADDING);
    positions.resize(rows, 0);
    (ids, positions)
}

/// Weights on their way into a network.
struct Loader<'l> {
    weights: Weights,
    config: &'l BertConfig,
    device: Device,
    kind: Kind,
}

impl Loader<'_> {
    fn network(&self) -> Result<PackedBert, ModelError> {
        let hidden = to_i64(self.config.hidden_size);
        let words = self.tensor("embeddings.word_embeddings.weight", &[-1, hidden])?;
        let positions = self.tensor("embeddings.position_embeddings.weight", &[-1, hidden])?;
        // Only the first token type is in use, so its embedding can be added to the positions once.
        let types = self.tensor("embeddings.token_type_embeddings.weight", &[-1, hidden])?.f_get(0).map_err(failed)?;
        let mut layers = Vec::with_capacity(self.config.num_hidden_layers);
        for place in 0..self.config.num_hidden_layers {
            layers.push(self.layer(place)?);
        }
        Ok(PackedBert {
            words,
            positions: positions + types,
            norm: self.norm("embeddings.LayerNorm")?,
            layers,
            heads: self.config.num_attention_heads,
            head_size: self.config.head_size(),
            device: self.device,
        })
    }

    fn layer(&self, place: usize) -> Result<Layer, ModelError> {
        let layer = format!("encoder.layer.{place}");
        let weight = query_key_value(&self.weights, &layer, "weight", self.config)?;
        let bias = query_key_value(&self.weights, &layer, "bias", self.config)?;
        Ok(Layer {
            query_key_value: Linear {
                weight: self.placed(&weight, &[-1, to_i64(self.config.hidden_size)])?,
                bias: self.placed(&bias, &[-1])?,
            },
            attended: self.linear(&format!("{layer}.attention.output.dense"))?,
            attention_norm: self.norm(&format!("{layer}.attention.output.LayerNorm"))?,
            up: self.linear(&format!("{layer}.intermediate.dense"))?,
            down: self.linear(&format!("{layer}.output.dense"))?,
            norm: self.norm(&format!("{layer}.output.LayerNorm"))?,
        })
    }

    fn linear(&self, name: &str) -> Result<Linear, ModelError> {
        let bias = self.tensor(&format!("{name}.bias"), &[-1])?;
        Ok(Linear { weight: self.tensor(&format!("{name}.weight"), &[bias.size()[0], -1])?, bias })
    }

    fn norm(&self, name: &str) -> Result<Norm, ModelError> {
        let weight = self.tensor(&format!("{name}.weight"), &[-1])?;
        let bias = self.tensor(&format!("{name}.bias"), &[-1])?;
        Ok(Norm { weight, bias, epsilon: self.config.layer_norm_eps })
    }

    /// The weights called `name` in this shape, in which one size may be -1.
    fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor, ModelError> {
        self.placed(self.weights.get(name)?, shape)
    }

    fn placed(&self, values: &[f32], shape: &[i64]) -> Result<Tensor, ModelError> {
        self.try_placed(values, shape).map_err(failed)
    }

    fn try_placed(&self, values: &[f32], shape: &[i64]) -> Result<Tensor, TchError> {
        Tensor::f_from_slice(values)?.f_view(shape)?.f_to_device(self.device)?.f_to_kind(self.kind)
    }
}
