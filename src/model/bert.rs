//! BERT (Devlin et al. 2019) on a stream of tokens without padding. Only attention works on passages of one length together.
//!
//! A token's hidden state is the same, to the last bit, whatever else is in its batch: rows of a matrix product do not depend
//! on each other, and no passage is filled up to the length of another.

use std::path::Path;

use serde::Deserialize;
use tch::{Device, Kind, TchError, Tensor};

use super::batch::{HiddenStates, PADDING};
use super::config::{self, EncoderConfig};
use super::encoder::Encoder;
use super::kernels::{self, FusedAttention, Heads, has_amx};
use super::linear::{Linear, Norm, Place, ROWS, has_kernels};
use super::manifest::Architecture;
use super::weights::Weights;
use super::{ModelError, TokenBatch, to_i64};

/// The bytes of attention scores that are computed at once. They should stay in a core's second cache until they are used.
const SCORE_BYTES: usize = 512 * 1024;

/// With AMX, oneDNN's products with many inputs sum in another order where they have fewer rows than about this: a batch has no fewer.
const MIN_ROWS: usize = 256;

/// With AMX, oneDNN takes rows in blocks of this, and what is left over takes more time than filling it up.
const AMX_ROWS: usize = 64;

/// The part of `config.json` that only this family has.
#[derive(Debug, Deserialize)]
struct Config {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    hidden_act: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
    #[serde(default = "epsilon")]
    layer_norm_eps: f64,
}

fn absolute() -> String {
    "absolute".into()
}

fn epsilon() -> f64 {
    1e-12
}

/// A BERT without dropout and without padding.
pub(super) struct PackedBert {
    words: Tensor,
    /// The embedding of each position, with that of the only token type in use.
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    heads: usize,
    /// Attention in one pass, if the processor allows it. Otherwise, products and softmax follow one another.
    attention: Option<FusedAttention>,
    /// The number of rows is a multiple of this.
    row_block: usize,
    /// The smallest number of rows.
    min_rows: usize,
    device: Device,
}

struct Layer {
    /// Query, key and value in one product; queries come out divided by the root of a head's size.
    query_key_value: Linear,
    head_size: usize,
    attended: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    norm: Norm,
}

/// Passages of one length that follow each other in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    start: usize,
    passages: usize,
    length: usize,
}

impl Config {
    fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    fn is_known(&self) -> bool {
        self.hidden_act == "gelu" && self.position_embedding_type == "absolute"
    }
}

impl PackedBert {
    /// Loads the encoder in `folder`; `None` if it is of another family or kind.
    pub(super) fn load(folder: &Path, device: Device, kind: Kind) -> Result<Option<Self>, ModelError> {
        let path = folder.join("config.json");
        let encoder = EncoderConfig::load(&path)?;
        if encoder.model_type != Architecture::Bert {
            return Ok(None);
        }
        let config: Config = config::load_json(&path)?;
        if !config.is_known() {
            return Ok(None);
        }
        let weights = Weights::load(&folder.join("encoder.safetensors"), encoder.shapes())?;
        Parts { weights, place: Place::new(device, kind) }.network(&config).map(Some)
    }

    /// The hidden states of [`HiddenStates`].
    fn states(&mut self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let (ids, positions) = stream(batch, self.computed_tokens(batch));
        let embedded = self.words.f_index_select(0, &self.on_device(&ids))?;
        let positions = self.positions.f_index_select(0, &self.on_device(&positions))?;
        let mut states = self.norm.apply_to_sum(embedded, &positions)?;
        let runs = runs(batch.lengths(), self.scores_at_once());
        for layer in &self.layers {
            states = layer.forward(&states, &runs, self.heads, self.attention.as_mut())?;
        }
        states.f_to_kind(Kind::Float)
    }

    /// Computes the product of each linear layer with a new input of `tokens` rows.
    fn compute_products(&self, tokens: usize) -> Result<(), TchError> {
        for layer in &self.layers {
            for linear in layer.linear_layers() {
                let options = (self.words.kind(), self.device);
                let input = Tensor::f_empty([to_i64(tokens), linear.inputs], options)?;
                let _ = linear.forward(&input)?;
            }
        }
        Ok(())
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
            _ => SCORE_BYTES / (self.heads * if self.words.kind() == Kind::Float { 4 } else { 2 }),
        }
    }
}

impl Encoder for PackedBert {
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError> {
        Ok(HiddenStates { states: self.states(batch).map_err(failed)? })
    }

    fn computed_tokens(&self, batch: &TokenBatch) -> usize {
        batch.ids().len().next_multiple_of(self.row_block).max(self.min_rows)
    }

    fn is_packed(&self) -> bool {
        true
    }

    fn products(&self, tokens: usize) -> Option<Result<(), ModelError>> {
        Some(self.compute_products(tokens).map_err(failed))
    }
}

impl Layer {
    fn linear_layers(&self) -> [&Linear; 4] {
        [&self.query_key_value, &self.attended, &self.up, &self.down]
    }

    fn forward(
        &self,
        states: &Tensor,
        runs: &[Run],
        heads: usize,
        attention: Option<&mut FusedAttention>,
    ) -> Result<Tensor, TchError> {
        let attended = self.attention(states, runs, heads, attention)?;
        let states = self.attended.norm_of_sum(&attended, states, &self.attention_norm)?;
        let inner = self.up.gelu(&states)?;
        self.down.norm_of_sum(&inner, &states, &self.norm)
    }

    /// The result of attention, of the shape `[tokens, hidden size]`.
    fn attention(
        &self,
        states: &Tensor,
        runs: &[Run],
        heads: usize,
        mut attention: Option<&mut FusedAttention>,
    ) -> Result<Tensor, TchError> {
        let rows = self.query_key_value.forward(states)?;
        let attended = Tensor::f_empty(states.size(), (states.kind(), states.device()))?;
        let mut end = 0;
        for &Run { start, passages, length } in runs {
            let tokens = to_i64(passages * length);
            let shape = Heads { passages, length, count: heads, size: self.head_size };
            let start = to_i64(start);
            let rows = rows.f_narrow(0, start, tokens)?;
            let mut place = attended.f_narrow(0, start, tokens)?;
            match &mut attention {
                Some(attention) => attention.attend(&rows, shape, &mut place)?,
                None => attend(&rows, shape, place)?,
            }
            end = start + tokens;
        }
        let _ = attended.f_narrow(0, end, attended.size()[0] - end)?.f_zero_()?;
        Ok(attended)
    }
}

/// Puts into `place`, of the shape `[tokens, hidden size]`, what each head attends to, for queries, keys and values in the shape
/// `[tokens, 3 * hidden size]`.
fn attend(rows: &Tensor, shape: Heads, mut place: Tensor) -> Result<(), TchError> {
    let has_kernels = has_kernels(rows);
    let split = if has_kernels { kernels::split_heads(rows, shape)? } else { permuted(rows, shape)? };
    let query = split.f_get(0)?;
    let key = split.f_get(1)?;
    let value = split.f_get(2)?;
    let found = softmax(query.f_bmm(&key.f_transpose(1, 2)?)?)?.f_bmm(&value)?;
    if has_kernels {
        return kernels::join_heads(&found, shape, &mut place);
    }
    let [passages, length, heads, size] = kernels::sizes(shape);
    let found = found.f_view([passages, heads, length, size])?.f_transpose(1, 2)?;
    place.f_view([passages, length, heads, size])?.f_copy_(&found)
}

/// Does the same as [`kernels::split_heads`].
fn permuted(rows: &Tensor, shape: Heads) -> Result<Tensor, TchError> {
    let [passages, length, heads, size] = kernels::sizes(shape);
    let split = rows.f_view([passages, length, 3, heads, size])?.f_permute([2, 0, 3, 1, 4])?;
    split.f_reshape([3, passages * heads, length, size])
}

fn softmax(mut scores: Tensor) -> Result<Tensor, TchError> {
    if !has_kernels(&scores) {
        return scores.f_softmax(-1, scores.kind());
    }
    kernels::softmax(&mut scores)?;
    Ok(scores)
}

/// The ids and the positions of a batch's tokens, filled up to so many `rows`.
fn stream(batch: &TokenBatch, rows: usize) -> (Vec<i64>, Vec<i64>) {
    let mut ids = batch.ids().to_vec();
    let mut positions: Vec<i64> = batch.lengths().iter().flat_map(|&length| (0..length).map(to_i64)).collect();
    ids.resize(rows, PADDING);
    positions.resize(rows, 0);
    (ids, positions)
}

/// Passages of one length together, as long as one head's scores of them are at most `scores`.
fn runs(lengths: &[usize], scores: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut start = 0;
    for &length in lengths {
        match runs.last_mut() {
            Some(run) if run.length == length && (run.passages + 1).saturating_mul(length * length) <= scores => {
                run.passages += 1;
            }
            _ => runs.push(Run { start, passages: 1, length }),
        }
        start += length;
    }
    runs
}

/// Weights on their way into a network.
struct Parts {
    weights: Weights,
    place: Place,
}

impl Parts {
    fn network(&self, config: &Config) -> Result<PackedBert, ModelError> {
        let words = self.weights.get("embeddings.word_embeddings.weight")?;
        let positions = self.weights.get("embeddings.position_embeddings.weight")?;
        // Only the first token type is in use, so its embedding can be added to the positions once.
        let types = self.weights.get("embeddings.token_type_embeddings.weight")?.f_get(0).map_err(failed)?;
        let mut layers = Vec::with_capacity(config.num_hidden_layers);
        for place in 0..config.num_hidden_layers {
            layers.push(self.layer(place, config)?);
        }
        let takes_few_rows = layers.iter().flat_map(Layer::linear_layers).all(Linear::takes_few_rows);
        Ok(PackedBert {
            words: self.place.placed(words).map_err(failed)?,
            positions: self.place.placed(&(positions + types)).map_err(failed)?,
            norm: self.norm("embeddings.LayerNorm", config)?,
            layers,
            heads: config.num_attention_heads,
            attention: self.attention(config),
            row_block: if self.place.has_kernels() && has_amx() { AMX_ROWS } else { ROWS },
            min_rows: if takes_few_rows { ROWS } else { MIN_ROWS },
            device: self.place.device,
        })
    }

    fn attention(&self, config: &Config) -> Option<FusedAttention> {
        if self.place.has_kernels() { FusedAttention::find(config.head_size()) } else { None }
    }

    fn layer(&self, place: usize, config: &Config) -> Result<Layer, ModelError> {
        let layer = format!("encoder.layer.{place}");
        let weight = self.query_key_value(&layer, "weight", config)?;
        let bias = self.query_key_value(&layer, "bias", config)?;
        Ok(Layer {
            query_key_value: self.place.linear(&weight, &bias).map_err(failed)?,
            head_size: config.head_size(),
            attended: self.linear(&format!("{layer}.attention.output.dense"))?,
            attention_norm: self.norm(&format!("{layer}.attention.output.LayerNorm"), config)?,
            up: self.linear(&format!("{layer}.intermediate.dense"))?,
            down: self.linear(&format!("{layer}.output.dense"))?,
            norm: self.norm(&format!("{layer}.output.LayerNorm"), config)?,
        })
    }

    /// The weights or biases, by the `end` of their names, of query, key and value one below the other.
    fn query_key_value(&self, layer: &str, end: &str, config: &Config) -> Result<Tensor, ModelError> {
        #[expect(clippy::cast_precision_loss, reason = "a head has some ten states")]
        let scale = 1.0 / (config.head_size() as f64).sqrt();
        let query = self.weights.get(&format!("{layer}.attention.self.query.{end}"))? * scale;
        let key = self.weights.get(&format!("{layer}.attention.self.key.{end}"))?;
        let value = self.weights.get(&format!("{layer}.attention.self.value.{end}"))?;
        Tensor::f_cat(&[&query, key, value], 0).map_err(failed)
    }

    fn linear(&self, name: &str) -> Result<Linear, ModelError> {
        let weight = self.weights.get(&format!("{name}.weight"))?;
        let bias = self.weights.get(&format!("{name}.bias"))?;
        self.place.linear(weight, bias).map_err(failed)
    }

    fn norm(&self, name: &str, config: &Config) -> Result<Norm, ModelError> {
        let weight = self.weights.get(&format!("{name}.weight"))?;
        let bias = self.weights.get(&format!("{name}.bias"))?;
        self.place.norm(weight, bias, config.layer_norm_eps).map_err(failed)
    }
}

fn failed(cause: TchError) -> ModelError {
    ModelError::Encoder { cause: cause.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_of_one_length_are_taken_together_within_bounds() {
        let run = |start, passages, length| Run { start, passages, length };
        assert_eq!(runs(&[2, 2, 3, 2], 100), [run(0, 2, 2), run(4, 1, 3), run(7, 1, 2)]);
        assert_eq!(runs(&[4, 4, 4], 32), [run(0, 2, 4), run(8, 1, 4)]);
        assert_eq!(runs(&[9, 9], 1), [run(0, 1, 9), run(9, 1, 9)], "a passage alone may break the bound");
    }
}
