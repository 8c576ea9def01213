//! BERT (Devlin et al. 2019) on CPUs, on a stream of tokens without padding. Only attention works on passages of one length together.
//!
//! A token's hidden state is the same, to the last bit, whatever else is in its batch: rows of a matrix product do not depend
//! on each other, and no passage is filled up to the length of another.

use std::path::Path;
use std::sync::Arc;

use pressrun_kernels::{Heads, NormWeights, ShapeError, Threads};
use serde::Deserialize;

use super::batch::{HiddenStates, PADDING};
use super::config::{self, EncoderConfig};
use super::encoder::Encoder;
use super::manifest::Architecture;
use super::numbers::{Half, Input, Numbers, Single};
use super::weights::Weights;
use super::{FloatType, ModelError, Runtime, TokenBatch, failed};

/// The part of `config.json` that only this family has.
#[derive(Debug, Deserialize)]
pub(super) struct BertConfig {
    pub(super) hidden_size: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
    #[serde(default = "epsilon")]
    pub(super) layer_norm_eps: f64,
}

fn absolute() -> String {
    "absolute".into()
}

fn epsilon() -> f64 {
    1e-12
}

/// A BERT without dropout and without padding.
struct Bert<N: Numbers> {
    network: Arc<Network<N>>,
    attention: N::Attention,
    memory: Memory<N>,
    threads: Threads,
}

/// The weights, which all copies share.
struct Network<N: Numbers> {
    /// The embedding of each token id.
    words: Vec<N::Value>,
    /// The embedding of each position, with that of the only token type in use.
    positions: Vec<N::Value>,
    norm: NormWeights,
    layers: Vec<Layer<N>>,
    heads: usize,
    hidden_size: usize,
}

struct Layer<N: Numbers> {
    /// Query, key and value in one product; queries come out divided by the root of a head's size.
    query_key_value: N::Linear,
    attended: N::Linear,
    attention_norm: NormWeights,
    up: N::Linear,
    inner_size: usize,
    down: N::Linear,
    norm: NormWeights,
}

/// Intermediate results of a batch, a row a token.
struct Memory<N: Numbers> {
    states: Vec<N::Value>,
    next: Vec<N::Value>,
    query_key_value: Vec<N::Value>,
    attended: Vec<N::Value>,
    inner: Vec<N::Value>,
}

/// Passages of one length that follow each other in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) passages: usize,
    pub(super) length: usize,
}

impl BertConfig {
    /// Reads the `config.json` in `folder`; `None` if it is of another family or of a kind that our networks do not compute.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, ModelError> {
        let path = folder.join("config.json");
        if EncoderConfig::load(&path)?.model_type != Architecture::Bert {
            return Ok(None);
        }
        let config: Self = config::load_json(&path)?;
        let is_known = config.hidden_act == "gelu" && config.position_embedding_type == "absolute";
        Ok(is_known.then_some(config))
    }

    pub(super) fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    /// True if the kernels for bf16 take layers and heads of these sizes.
    pub(super) fn fits_bf16(&self) -> bool {
        let sizes = [self.hidden_size, self.intermediate_size, self.head_size()];
        sizes.iter().all(|size| size.is_multiple_of(pressrun_kernels::ROW_BLOCK))
    }
}

/// Loads the encoder in `folder`, which `config` and `sizes` describe. Its copies share their weights.
pub(super) fn load(
    folder: &Path,
    config: &BertConfig,
    sizes: &EncoderConfig,
    runtime: &Runtime,
) -> Result<Box<dyn Encoder>, ModelError> {
    let weights = Weights::load(&folder.join("encoder.safetensors"), sizes.shapes())?;
    let threads = if runtime.threads > 1 { Threads::Pool } else { Threads::One };
    Ok(match runtime.precision {
        FloatType::Bf16 => Box::new(Bert::<Half>::new(&weights, config, threads)?),
        FloatType::F32 => Box::new(Bert::<Single>::new(&weights, config, threads)?),
    })
}

impl<N: Numbers> Bert<N> {
    fn new(weights: &Weights, config: &BertConfig, threads: Threads) -> Result<Self, ModelError> {
        let network = Network::new(weights, config)?;
        let attention = N::attention(config.head_size()).map_err(failed)?;
        Ok(Self { network: Arc::new(network), attention, memory: Memory::default(), threads })
    }

    fn states(&mut self, batch: &TokenBatch, rows: usize) -> Result<Vec<f32>, ShapeError> {
        let Self { network, attention, memory, threads } = self;
        network.embed(batch, rows, memory)?;
        let runs = runs(batch.lengths(), usize::MAX);
        for layer in &network.layers {
            layer.forward(network, &runs, *threads, attention, memory)?;
        }
        Ok(N::widened(&memory.states))
    }
}

impl<N: Numbers> Encoder for Bert<N> {
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError> {
        let values = self.states(batch, self.computed_tokens(batch)).map_err(failed)?;
        Ok(HiddenStates { values, size: self.network.hidden_size })
    }

    fn computed_tokens(&self, batch: &TokenBatch) -> usize {
        batch.ids().len().next_multiple_of(N::ROW_BLOCK)
    }

    fn is_packed(&self) -> bool {
        true
    }

    fn products(&self, tokens: usize) -> Option<Result<(), ModelError>> {
        Some(self.network.products(tokens.next_multiple_of(N::ROW_BLOCK), self.threads).map_err(failed))
    }

    fn sharing_weights(&self) -> Option<Box<dyn Encoder>> {
        let size = self.network.hidden_size / self.network.heads;
        let attention = N::attention(size).ok()?;
        let network = Arc::clone(&self.network);
        Some(Box::new(Self { network, attention, memory: Memory::default(), threads: self.threads }))
    }
}

impl<N: Numbers> Network<N> {
    fn new(weights: &Weights, config: &BertConfig) -> Result<Self, ModelError> {
        let words = weights.get("embeddings.word_embeddings.weight")?;
        let mut positions = weights.get("embeddings.position_embeddings.weight")?.to_vec();
        // Only the first token type is in use, so its embedding can be added to the positions once.
        let types = weights.get("embeddings.token_type_embeddings.weight")?;
        for position in positions.chunks_exact_mut(config.hidden_size) {
            for (value, of_type) in position.iter_mut().zip(types) {
                *value += of_type;
            }
        }
        let mut layers = Vec::with_capacity(config.num_hidden_layers);
        for place in 0..config.num_hidden_layers {
            layers.push(Layer::new(weights, place, config)?);
        }
        Ok(Self {
            words: N::rounded(words),
            positions: N::rounded(&positions),
            norm: norm(weights, "embeddings.LayerNorm", config)?,
            layers,
            heads: config.num_attention_heads,
            hidden_size: config.hidden_size,
        })
    }

    /// Puts the embeddings of a batch's tokens, filled up to so many `rows`, into `memory.states`.
    fn embed(&self, batch: &TokenBatch, rows: usize, memory: &mut Memory<N>) -> Result<(), ShapeError> {
        memory.fit(rows, self);
        let padding = std::iter::repeat_n((PADDING, 0), rows - batch.ids().len());
        let positions = batch.lengths().iter().flat_map(|&length| 0..length);
        let tokens = batch.ids().iter().copied().zip(positions).chain(padding);
        let states =
            memory.states.chunks_exact_mut(self.hidden_size).zip(memory.next.chunks_exact_mut(self.hidden_size));
        for ((state, position_state), (id, position)) in states.zip(tokens) {
            let id = usize::try_from(id).unwrap_or(0);
            state.copy_from_slice(&self.words[id * self.hidden_size..][..self.hidden_size]);
            position_state.copy_from_slice(&self.positions[position * self.hidden_size..][..self.hidden_size]);
        }
        N::norm(&mut memory.states, &memory.next, &self.norm)
    }

    /// Computes the product of each linear layer with an input of `rows` rows.
    fn products(&self, rows: usize, threads: Threads) -> Result<(), ShapeError> {
        let mut memory = Memory::<N>::default();
        memory.fit(rows, self);
        for layer in &self.layers {
            let input = Input { rows: &memory.states[..], threads };
            N::forward(&layer.query_key_value, input, &mut memory.query_key_value)?;
            N::forward(&layer.attended, input, &mut memory.next)?;
            N::forward(&layer.up, input, &mut memory.inner)?;
            N::forward(&layer.down, Input { rows: &memory.inner, threads }, &mut memory.next)?;
        }
        Ok(())
    }
}

impl<N: Numbers> Layer<N> {
    fn new(weights: &Weights, place: usize, config: &BertConfig) -> Result<Self, ModelError> {
        let layer = format!("encoder.layer.{place}");
        let weight = query_key_value(weights, &layer, "weight", config)?;
        let bias = query_key_value(weights, &layer, "bias", config)?;
        Ok(Self {
            query_key_value: N::linear(&weight, &bias, config.hidden_size).map_err(failed)?,
            attended: linear::<N>(weights, &format!("{layer}.attention.output.dense"))?,
            attention_norm: norm(weights, &format!("{layer}.attention.output.LayerNorm"), config)?,
            up: linear::<N>(weights, &format!("{layer}.intermediate.dense"))?,
            inner_size: config.intermediate_size,
            down: linear::<N>(weights, &format!("{layer}.output.dense"))?,
            norm: norm(weights, &format!("{layer}.output.LayerNorm"), config)?,
        })
    }

    /// Replaces `memory.states` by the states after this layer.
    fn forward(
        &self,
        network: &Network<N>,
        runs: &[Run],
        threads: Threads,
        attention: &mut N::Attention,
        memory: &mut Memory<N>,
    ) -> Result<(), ShapeError> {
        let Memory { states, next, query_key_value, attended, inner } = memory;
        N::forward(&self.query_key_value, Input { rows: states, threads }, query_key_value)?;
        let hidden = network.hidden_size;
        let mut end = 0;
        for &Run { start, passages, length } in runs {
            end = start + passages * length;
            let shape = Heads { passages, length, count: network.heads, size: hidden / network.heads };
            let rows = &query_key_value[start * 3 * hidden..end * 3 * hidden];
            N::attend(attention, rows, shape, &mut attended[start * hidden..end * hidden])?;
        }
        // Rows beyond the last token attend to nothing.
        attended[end * hidden..].fill(N::Value::default());
        N::norm_of_sum(&self.attended, Input { rows: attended, threads }, states, &self.attention_norm, next)?;
        N::gelu(&self.up, Input { rows: next, threads }, inner)?;
        N::norm_of_sum(&self.down, Input { rows: inner, threads }, next, &self.norm, states)
    }
}

impl<N: Numbers> Default for Memory<N> {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            next: Vec::new(),
            query_key_value: Vec::new(),
            attended: Vec::new(),
            inner: Vec::new(),
        }
    }
}

impl<N: Numbers> Memory<N> {
    /// Makes room for so many rows. Old contents may stay, as every value is written before it is read.
    fn fit(&mut self, rows: usize, network: &Network<N>) {
        let hidden = rows * network.hidden_size;
        let inner = network.layers.first().map_or(0, |layer| rows * layer.inner_size);
        for (values, size) in [
            (&mut self.states, hidden),
            (&mut self.next, hidden),
            (&mut self.query_key_value, 3 * hidden),
            (&mut self.attended, hidden),
            (&mut self.inner, inner),
        ] {
            values.resize(size, N::Value::default());
        }
    }
}

/// The weights or biases, by the `end` of their names, of query, key and value one below the other.
pub(super) fn query_key_value(
    weights: &Weights,
    layer: &str,
    end: &str,
    config: &BertConfig,
) -> Result<Vec<f32>, ModelError> {
    #[expect(clippy::cast_precision_loss, reason = "a head has some ten states")]
    let scale = 1.0 / (config.head_size() as f32).sqrt();
    let query = weights.get(&format!("{layer}.attention.self.query.{end}"))?;
    let mut all: Vec<f32> = query.iter().map(|value| value * scale).collect();
    all.extend(weights.get(&format!("{layer}.attention.self.key.{end}"))?);
    all.extend(weights.get(&format!("{layer}.attention.self.value.{end}"))?);
    Ok(all)
}

fn linear<N: Numbers>(weights: &Weights, name: &str) -> Result<N::Linear, ModelError> {
    let weight = weights.get(&format!("{name}.weight"))?;
    let bias = weights.get(&format!("{name}.bias"))?;
    N::linear(weight, bias, weight.len() / bias.len().max(1)).map_err(failed)
}

fn norm(weights: &Weights, name: &str, config: &BertConfig) -> Result<NormWeights, ModelError> {
    let weight = weights.get(&format!("{name}.weight"))?.to_vec();
    let bias = weights.get(&format!("{name}.bias"))?.to_vec();
    #[expect(clippy::cast_possible_truncation, reason = "a small number")]
    let epsilon = config.layer_norm_eps as f32;
    NormWeights::new(weight, bias, epsilon).map_err(failed)
}

/// Passages of one length together, as long as one head's scores of them are at most `scores`.
pub(super) fn runs(lengths: &[usize], scores: usize) -> Vec<Run> {
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
