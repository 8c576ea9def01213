//! BERT as it runs fastest: a stream of tokens without padding for everything but attention, which takes passages of one
//! length together.
//!
//! A token's hidden state is the same, to the last bit, whatever else is in its batch: rows of a matrix product do not depend
//! on each other, and no passage is filled up to the length of another.

use std::path::Path;

use serde::Deserialize;
use tch::{Device, Kind, TchError, Tensor};

use super::batch::PADDING;
use super::config::{self, EncoderConfig};
use super::encoder::{Encoder, HiddenStates};
use super::heads::ROWS;
use super::kernels::{self, NormWeights};
use super::manifest::Architecture;
use super::weights::Weights;
use super::{ModelError, TokenBatch, to_i64};

/// How many bytes of attention scores are computed at once: they should stay in a core's second cache until they are used.
const SCORE_BYTES: i64 = 512 * 1024;

/// With AMX, products with many inputs sum in another order where they have fewer rows than about this: a batch has no fewer.
const MIN_ROWS: usize = 256;

/// What `config.json` says of the network, beside what all families say.
#[derive(Debug, Deserialize)]
struct Config {
    hidden_size: i64,
    num_hidden_layers: usize,
    num_attention_heads: i64,
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
    heads: i64,
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

struct Linear {
    /// Of the shape `[outputs, inputs]`.
    weight: Tensor,
    bias: Tensor,
}

struct Norm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
    kernel: NormWeights,
}

/// Passages of one length that follow each other in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    start: i64,
    passages: i64,
    length: i64,
}

impl Config {
    fn is_known(&self) -> bool {
        self.hidden_act == "gelu" && self.position_embedding_type == "absolute"
    }
}

impl PackedBert {
    /// The encoder in `folder`; none where it is of another family or kind.
    pub(super) fn load(folder: &Path, device: Device, kind: Kind) -> Result<Option<Self>, ModelError> {
        let path = folder.join("config.json");
        let encoder = EncoderConfig::read(&path)?;
        if encoder.model_type != Architecture::Bert {
            return Ok(None);
        }
        let config: Config = config::read(&path)?;
        if !config.is_known() {
            return Ok(None);
        }
        let weights = Weights::read(&folder.join("encoder.safetensors"), encoder.shapes())?;
        Parts { weights, device, kind }.network(&config).map(Some)
    }

    /// The hidden states of [`HiddenStates`].
    fn states(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let (ids, positions) = stream(batch);
        let embedded = self.words.f_index_select(0, &self.on_device(&ids))?;
        let positions = self.positions.f_index_select(0, &self.on_device(&positions))?;
        let mut states = self.norm.forward(&embedded.f_add(&positions)?)?;
        let runs = runs(batch.lengths(), self.scores_at_once());
        for layer in &self.layers {
            states = layer.forward(&states, &runs, self.heads)?;
        }
        states.f_to_kind(Kind::Float)
    }

    /// On a GPU the copy goes on while the processor prepares what comes next.
    fn on_device(&self, values: &[i64]) -> Tensor {
        let tensor = Tensor::from_slice(values);
        match self.device {
            Device::Cuda(_) => tensor.pin_memory(self.device).to_device_(self.device, Kind::Int64, true, false),
            _ => tensor,
        }
    }

    /// How many attention scores of one head are computed at once.
    fn scores_at_once(&self) -> i64 {
        match self.device {
            Device::Cuda(_) => i64::MAX,
            _ => SCORE_BYTES / (self.heads * if self.words.kind() == Kind::Float { 4 } else { 2 }),
        }
    }
}

impl Encoder for PackedBert {
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError> {
        Ok(HiddenStates { states: self.states(batch).map_err(failed)? })
    }

    fn computed_tokens(&self, batch: &TokenBatch) -> usize {
        rows(batch)
    }

    fn is_packed(&self) -> bool {
        true
    }

    fn products(&self, tokens: usize) -> Option<Result<(), ModelError>> {
        let products = || {
            for layer in &self.layers {
                for linear in [&layer.query_key_value, &layer.attended, &layer.up, &layer.down] {
                    let options = (linear.weight.kind(), self.device);
                    let input = Tensor::f_empty([to_i64(tokens), linear.weight.size()[1]], options)?;
                    let _ = linear.forward(&input)?;
                }
            }
            Ok(())
        };
        Some(products().map_err(failed))
    }
}

impl Layer {
    fn forward(&self, states: &Tensor, runs: &[Run], heads: i64) -> Result<Tensor, TchError> {
        let attended = self.attended.forward(&attention(&self.query_key_value.forward(states)?, runs, heads)?)?;
        let states = self.attention_norm.of_sum(attended, states)?;
        let inner = self.up.forward(&states)?.f_gelu_("none")?;
        self.norm.of_sum(self.down.forward(&inner)?, &states)
    }
}

/// What each head attends to, of the shape `[tokens, hidden size]`, for queries, keys and values in the shape
/// `[tokens, 3 * hidden size]`.
fn attention(query_key_value: &Tensor, runs: &[Run], heads: i64) -> Result<Tensor, TchError> {
    let (tokens, hidden) = (query_key_value.size()[0], query_key_value.size()[1] / 3);
    let options = (query_key_value.kind(), query_key_value.device());
    let attended = Tensor::f_empty([tokens, hidden], options)?;
    let mut end = 0;
    for &Run { start, passages, length } in runs {
        end = start + passages * length;
        let part = query_key_value.f_narrow(0, start, passages * length)?;
        let part = part.f_view([passages, length, 3, heads, hidden / heads])?.f_permute([2, 0, 3, 1, 4])?;
        let part = part.f_reshape([3, passages * heads, length, hidden / heads])?;
        let (query, key, value) = (part.f_get(0)?, part.f_get(1)?, part.f_get(2)?);
        let shares = softmax(query.f_bmm(&key.f_transpose(1, 2)?)?)?;
        let found = shares.f_bmm(&value)?.f_view([passages, heads, length, hidden / heads])?;
        let mut place = attended.f_narrow(0, start, passages * length)?;
        place = place.f_view([passages, length, heads, hidden / heads])?;
        place.f_copy_(&found.f_transpose(1, 2)?)?;
    }
    let _ = attended.f_narrow(0, end, tokens - end)?.f_zero_()?;
    Ok(attended)
}

fn softmax(mut scores: Tensor) -> Result<Tensor, TchError> {
    if !has_kernels(&scores) {
        return scores.f_softmax(-1, scores.kind());
    }
    kernels::softmax(&mut scores)?;
    Ok(scores)
}

/// Whether we have code for a tensor that is faster than libtorch's.
fn has_kernels(tensor: &Tensor) -> bool {
    tensor.kind() == Kind::BFloat16 && tensor.device() == Device::Cpu
}

/// How many tokens are computed for a batch, so that no row of a product depends on how many there are.
fn rows(batch: &TokenBatch) -> usize {
    batch.ids().len().next_multiple_of(ROWS).max(MIN_ROWS)
}

/// The ids and the positions of a batch's tokens, filled up.
fn stream(batch: &TokenBatch) -> (Vec<i64>, Vec<i64>) {
    let rows = rows(batch);
    let mut ids = batch.ids().to_vec();
    let mut positions: Vec<i64> = batch.lengths().iter().flat_map(|&length| (0..length).map(to_i64)).collect();
    ids.resize(rows, PADDING);
    positions.resize(rows, 0);
    (ids, positions)
}

/// Passages of one length together, as long as one head's scores of them are at most `scores`.
fn runs(lengths: &[usize], scores: i64) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut start = 0;
    for length in lengths.iter().copied().map(to_i64) {
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

impl Linear {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_linear(&self.weight, Some(&self.bias))
    }
}

impl Norm {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let size = self.weight.size();
        input.f_layer_norm(size, Some(&self.weight), Some(&self.bias), self.epsilon, false)
    }

    /// The norm of `one` and `other` added; `one` is a tensor of its own, whose memory may be used.
    fn of_sum(&self, mut one: Tensor, other: &Tensor) -> Result<Tensor, TchError> {
        if !has_kernels(&one) {
            return self.forward(&one.f_add_(other)?);
        }
        kernels::norm_of_sum(&mut one, other, &self.kernel)?;
        Ok(one)
    }
}

/// Weights on their way into a network.
struct Parts {
    weights: Weights,
    device: Device,
    kind: Kind,
}

impl Parts {
    fn network(&self, config: &Config) -> Result<PackedBert, ModelError> {
        let get = |name: &str| self.weights.get(&format!("embeddings.{name}_embeddings.weight"));
        let types = get("token_type")?.f_get(0).map_err(failed)?;
        let layer = |place| self.layer(place, config);
        Ok(PackedBert {
            words: self.placed(get("word")?),
            positions: self.placed(&(get("position")? + types)),
            norm: self.norm("embeddings.LayerNorm", config)?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_, _>>()?,
            heads: config.num_attention_heads,
            device: self.device,
        })
    }

    fn layer(&self, place: usize, config: &Config) -> Result<Layer, ModelError> {
        let name = |part: &str| format!("encoder.layer.{place}.{part}");
        #[expect(clippy::cast_precision_loss, reason = "a head has some ten states")]
        let scale = 1.0 / ((config.hidden_size / config.num_attention_heads) as f64).sqrt();
        let part = |part: &str, end: &str| self.weights.get(&name(&format!("attention.self.{part}.{end}")));
        let fused = |end: &str| {
            let query = part("query", end)? * scale;
            Ok(self.placed(&Tensor::f_cat(&[&query, part("key", end)?, part("value", end)?], 0).map_err(failed)?))
        };
        Ok(Layer {
            query_key_value: Linear { weight: fused("weight")?, bias: fused("bias")? },
            attended: self.linear(&name("attention.output.dense"))?,
            attention_norm: self.norm(&name("attention.output.LayerNorm"), config)?,
            up: self.linear(&name("intermediate.dense"))?,
            down: self.linear(&name("output.dense"))?,
            norm: self.norm(&name("output.LayerNorm"), config)?,
        })
    }

    fn linear(&self, name: &str) -> Result<Linear, ModelError> {
        let get = |end: &str| Ok(self.placed(self.weights.get(&format!("{name}.{end}"))?));
        Ok(Linear { weight: get("weight")?, bias: get("bias")? })
    }

    fn norm(&self, name: &str, config: &Config) -> Result<Norm, ModelError> {
        let Linear { weight, bias } = self.linear(name)?;
        let epsilon = config.layer_norm_eps;
        Ok(Norm { kernel: NormWeights::new(&weight, &bias, epsilon).map_err(failed)?, weight, bias, epsilon })
    }

    fn placed(&self, tensor: &Tensor) -> Tensor {
        tensor.to_device(self.device).to_kind(self.kind)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(cause: TchError) -> ModelError {
    ModelError::Encoder { message: cause.to_string() }
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
