//! `MPNet` (Song et al. 2020), which rust-bert does not have: BERT's layers, with one table of biases by the distance
//! between tokens that all layers share, and without token types. Weights have the names of the published ones.

use serde::Deserialize;
use tch::nn::{self, Module, Path};
use tch::{Kind, TchError, Tensor};

use crate::model::config::FIRST_POSITION;

/// All distances from this one on share one bias.
const FAR: f64 = 128.0;

/// `config.json`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct MpnetConfig {
    hidden_size: i64,
    intermediate_size: i64,
    num_attention_heads: i64,
    num_hidden_layers: i64,
    vocab_size: i64,
    max_position_embeddings: i64,
    relative_attention_num_buckets: i64,
    layer_norm_eps: f64,
    /// The share of states that is dropped at random while it learns.
    pub(super) hidden_dropout_prob: f64,
    /// The same for attention.
    pub(super) attention_probs_dropout_prob: f64,
}

/// The encoder.
#[derive(Debug)]
pub(crate) struct Mpnet {
    words: nn::Embedding,
    positions: nn::Embedding,
    norm: nn::LayerNorm,
    distances: nn::Embedding,
    layers: Vec<Layer>,
    config: MpnetConfig,
}

#[derive(Debug)]
struct Layer {
    query: nn::Linear,
    key: nn::Linear,
    value: nn::Linear,
    output: nn::Linear,
    attention_norm: nn::LayerNorm,
    widen: nn::Linear,
    narrow: nn::Linear,
    norm: nn::LayerNorm,
}

impl Mpnet {
    /// A network with new weights under `root`, to be loaded.
    pub(super) fn new(root: &Path<'_>, config: MpnetConfig) -> Self {
        let embeddings = root / "embeddings";
        let encoder = root / "encoder";
        let hidden = config.hidden_size;
        let words = new_embedding(&embeddings / "word_embeddings", config.vocab_size, hidden);
        let positions = new_embedding(&embeddings / "position_embeddings", config.max_position_embeddings, hidden);
        let norm = config.norm(&embeddings / "LayerNorm");
        let distances = new_embedding(
            &encoder / "relative_attention_bias",
            config.relative_attention_num_buckets,
            config.num_attention_heads,
        );
        let mut layers = Vec::new();
        for place in 0..config.num_hidden_layers {
            layers.push(Layer::new(&(&encoder / "layer" / place), &config));
        }
        Self { words, positions, norm, distances, layers, config }
    }

    /// The last hidden states, of the shape `[rows, width, hidden size]`, of token `ids` of the shape `[rows, width]` with
    /// their `mask`, 1 for tokens and 0 for padding.
    pub(super) fn hidden_states(&self, ids: &Tensor, mask: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let width = ids.size()[1];
        let places = Tensor::f_arange(width, (Kind::Int64, ids.device()))?;
        let positions = self.positions.forward(&places.f_add_scalar(FIRST_POSITION)?);
        let embedded = self.norm.forward(&self.words.forward(ids).f_add(&positions)?);
        let mut states = embedded.f_dropout(self.config.hidden_dropout_prob, train)?;
        let bias = self.bias(&places, mask)?;
        for layer in &self.layers {
            states = layer.forward(&states, &bias, &self.config, train)?;
        }
        Ok(states)
    }

    /// The bias that is added to the attention scores between tokens at `places`, of the shape `[rows, heads, width, width]`.
    fn bias(&self, places: &Tensor, mask: &Tensor) -> Result<Tensor, TchError> {
        let distances = places.f_unsqueeze(0)?.f_sub(&places.f_unsqueeze(1)?)?;
        let buckets = buckets(&distances, self.config.relative_attention_num_buckets)?;
        let bias = self.distances.forward(&buckets).f_permute([2, 0, 1])?.f_unsqueeze(0)?;
        let is_padding = mask.f_eq(0)?.f_unsqueeze(1)?.f_unsqueeze(1)?;
        bias.f_expand([mask.size()[0], -1, -1, -1], false)?.f_masked_fill(&is_padding, -10_000.0)
    }
}

impl Layer {
    fn new(root: &Path<'_>, config: &MpnetConfig) -> Self {
        let hidden = config.hidden_size;
        let wide = config.intermediate_size;
        let attention = root / "attention";
        Self {
            query: new_linear(&attention / "attn" / "q", hidden, hidden),
            key: new_linear(&attention / "attn" / "k", hidden, hidden),
            value: new_linear(&attention / "attn" / "v", hidden, hidden),
            output: new_linear(&attention / "attn" / "o", hidden, hidden),
            attention_norm: config.norm(&attention / "LayerNorm"),
            widen: new_linear(root / "intermediate" / "dense", hidden, wide),
            narrow: new_linear(root / "output" / "dense", wide, hidden),
            norm: config.norm(root / "output" / "LayerNorm"),
        }
    }

    fn forward(&self, states: &Tensor, bias: &Tensor, config: &MpnetConfig, train: bool) -> Result<Tensor, TchError> {
        let attended = self.output.forward(&self.attend(states, bias, config, train)?);
        let attended = attended.f_dropout(config.hidden_dropout_prob, train)?;
        let states = self.attention_norm.forward(&attended.f_add(states)?);
        let changed = self.narrow.forward(&self.widen.forward(&states).f_gelu("none")?);
        let changed = changed.f_dropout(config.hidden_dropout_prob, train)?;
        Ok(self.norm.forward(&changed.f_add(&states)?))
    }

    fn attend(&self, states: &Tensor, bias: &Tensor, config: &MpnetConfig, train: bool) -> Result<Tensor, TchError> {
        let (rows, width, _) = states.size3()?;
        let heads = config.num_attention_heads;
        let query = forward_by_head(&self.query, states, heads)?;
        let key = forward_by_head(&self.key, states, heads)?;
        let value = forward_by_head(&self.value, states, heads)?;
        #[expect(clippy::cast_precision_loss, reason = "some dozen")]
        let scale = ((config.hidden_size / heads) as f64).sqrt();
        let scores = query.f_div_scalar(scale)?.f_matmul(&key.f_transpose(2, 3)?)?.f_add(bias)?;
        let shares = scores.f_softmax(-1, states.kind())?.f_dropout(config.attention_probs_dropout_prob, train)?;
        shares.f_matmul(&value)?.f_transpose(1, 2)?.f_reshape([rows, width, -1])
    }
}

impl MpnetConfig {
    fn norm(&self, path: Path<'_>) -> nn::LayerNorm {
        let config = nn::LayerNormConfig { eps: self.layer_norm_eps, ..nn::LayerNormConfig::default() };
        nn::layer_norm(path, vec![self.hidden_size], config)
    }
}

fn new_embedding(path: Path<'_>, rows: i64, width: i64) -> nn::Embedding {
    nn::embedding(path, rows, width, nn::EmbeddingConfig::default())
}

fn new_linear(path: Path<'_>, inputs: i64, outputs: i64) -> nn::Linear {
    nn::linear(path, inputs, outputs, nn::LinearConfig::default())
}

/// The output of `linear` for `states` of the shape `[rows, width, hidden size]`, in the shape `[rows, heads, width, head size]`.
fn forward_by_head(linear: &nn::Linear, states: &Tensor, heads: i64) -> Result<Tensor, TchError> {
    let (rows, width, _) = states.size3()?;
    linear.forward(states).f_view([rows, width, heads, -1])?.f_transpose(1, 2)
}

/// The place in the table of biases of each distance to another token, positive to the right (T5's buckets, Raffel et al.
/// 2020): half of the table for each direction, half of that exact, the rest by the logarithm.
fn buckets(distances: &Tensor, count: i64) -> Result<Tensor, TchError> {
    let half = count / 2;
    let exact = count / 4;
    let size = distances.f_abs()?;
    #[expect(clippy::cast_precision_loss, reason = "some dozen")]
    let steps = (half - exact) as f64;
    #[expect(clippy::cast_precision_loss, reason = "some dozen")]
    let first = exact as f64;
    let log = size.f_clamp_min(1)?.f_to_kind(Kind::Float)?.f_div_scalar(first)?.f_log()?;
    let step = log.f_div_scalar((FAR / first).ln())?.f_mul_scalar(steps)?.f_to_kind(Kind::Int64)?;
    let far = step.f_add_scalar(exact)?.f_clamp_max(half - 1)?;
    let bucket = size.f_where_self(&size.f_lt(exact)?, &far)?;
    bucket.f_add(&distances.f_gt(0)?.f_to_kind(Kind::Int64)?.f_mul_scalar(half)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny() -> Mpnet {
        let config = MpnetConfig {
            hidden_size: 8,
            intermediate_size: 16,
            num_attention_heads: 2,
            num_hidden_layers: 2,
            vocab_size: 20,
            max_position_embeddings: 16,
            relative_attention_num_buckets: 8,
            layer_norm_eps: 1e-5,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
        };
        tch::manual_seed(3);
        Mpnet::new(&nn::VarStore::new(tch::Device::Cpu).root(), config)
    }

    #[test]
    fn padding_changes_nothing() {
        let model = tiny();
        let states = |ids: &[i64], mask: &[i64]| {
            let tensor = |values: &[i64]| Tensor::from_slice(values).view([1, -1]);
            model.hidden_states(&tensor(ids), &tensor(mask), false).unwrap().narrow(1, 0, 3)
        };
        let (alone, padded) = (states(&[0, 7, 2], &[1, 1, 1]), states(&[0, 7, 2, 0, 0], &[1, 1, 1, 0, 0]));
        assert!(f64::try_from((alone - padded).abs().max()).unwrap() < 1e-5);
    }

    #[test]
    fn the_order_of_tokens_matters() {
        let model = tiny();
        let last = |ids: &[i64]| {
            let ids = Tensor::from_slice(ids).view([1, -1]);
            model.hidden_states(&ids, &ids.ones_like(), false).unwrap().select(1, 3)
        };
        assert!(f64::try_from((last(&[0, 7, 9, 2]) - last(&[0, 9, 7, 2])).abs().max()).unwrap() > 1e-3);
    }

    #[test]
    fn near_distances_are_told_apart_and_far_ones_are_not() {
        let places =
            |distances: &[i64]| Vec::<i64>::try_from(buckets(&Tensor::from_slice(distances), 32).unwrap()).unwrap();
        assert_eq!(places(&[0, -1, -7, 1, 7]), [0, 1, 7, 17, 23]);
        assert_eq!(places(&[-8, -11, -12, -17, 70]), [8, 8, 9, 10, 30], "wider and wider");
        assert_eq!(places(&[-127, -128, -400, 400]), [15, 15, 15, 31]);
    }
}
