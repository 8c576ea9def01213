//! The network of a training: an encoder and heads with trainable weights.

use tch::nn::VarStore;
use tch::{Device, Kind, TchError, Tensor};

use super::TrainError;
use super::recipe::Recipe;
use crate::model::config::{EncoderConfig, linear_shapes};
use crate::model::torch::transformer::Transformer;
use crate::model::torch::variables::fill_known;
use crate::model::weights::Weights;
use crate::model::{ModelFolder, TokenBatch, to_i64};

/// An encoder and heads with trainable weights.
pub(super) struct Network {
    encoder: Transformer,
    /// The encoder's weights, in the precision that it computes in.
    pub(super) encoder_weights: VarStore,
    /// The heads' weights, f32: `<head>.weight` and `<head>.bias`.
    pub(super) head_weights: VarStore,
    heads: Vec<(Tensor, Tensor)>,
    head_dropout: f64,
}

/// The hidden states of a batch, f32.
pub(super) struct States {
    /// Of the shape `[tokens, hidden size]`.
    tokens: Tensor,
    /// Of the shape `[segments, hidden size]`.
    segments: Tensor,
}

impl Network {
    /// Loads the encoder of the recipe's base. If the base is a finished model, heads with the same labels start from its weights.
    pub(super) fn new(recipe: &Recipe, kind: Kind) -> Result<Self, TrainError> {
        let config = recipe.model.base.join("config.json");
        let base = EncoderConfig::load(&config)?;
        base.check_limits(recipe.model.limits())
            .map_err(|fault| TrainError::Base { path: config.clone(), cause: fault.into() })?;
        let mut encoder_weights = VarStore::new(Device::Cpu);
        let path = super::base_weights(&recipe.model.base);
        let encoder = Transformer::load(&encoder_weights, &config, &path, recipe.training.dropout.get())?;
        encoder_weights.set_kind(kind);
        let head_weights = VarStore::new(Device::Cpu);
        let mut heads = Vec::new();
        for (name, head) in &recipe.heads {
            let root = head_weights.root() / name.as_str();
            let labels = to_i64(head.labels.len());
            let init = tch::nn::Init::Randn { mean: 0.0, stdev: 0.02 };
            let weight = root.var("weight", &[labels, base.hidden_size], init);
            heads.push((weight, root.zeros("bias", &[labels])));
        }
        load_heads_of_base(&head_weights, recipe, base.hidden_size)?;
        let head_dropout = recipe.training.head_dropout.get();
        let mut network = Self { encoder, encoder_weights, head_weights, heads, head_dropout };
        if !recipe.training.fit_embeddings {
            network.freeze("embeddings.word_embeddings");
        }
        Ok(network)
    }

    fn freeze(&mut self, prefix: &str) {
        for (name, tensor) in self.encoder_weights.variables() {
            if name.starts_with(prefix) {
                let _ = tensor.set_requires_grad(false);
            }
        }
    }

    /// Runs one forward pass with dropout.
    pub(super) fn forward(&self, batch: &TokenBatch) -> Result<States, TrainError> {
        let tokens = self.encoder.hidden_states(batch, Device::Cpu, true)?.f_to_kind(Kind::Float)?;
        let segments = mean_pool(&tokens, batch)?;
        Ok(States { tokens, segments })
    }

    /// The outputs of the head with the index `head` for the segments with the indices `places`, of the shape
    /// `[places, labels]`.
    pub(super) fn segment_outputs(&self, head: usize, states: &States, places: &[i64]) -> Result<Tensor, TchError> {
        let chosen = states.segments.f_index_select(0, &Tensor::from_slice(places))?;
        self.output(head, &chosen)
    }

    /// The outputs of the head with the index `head` for the tokens with the indices `places`, of the shape `[places, labels]`.
    pub(super) fn token_outputs(&self, head: usize, states: &States, places: &[i64]) -> Result<Tensor, TchError> {
        self.output(head, &states.tokens.f_index_select(0, &Tensor::from_slice(places))?)
    }

    fn output(&self, head: usize, input: &Tensor) -> Result<Tensor, TchError> {
        let (weight, bias) = &self.heads[head];
        input.f_dropout(self.head_dropout, true)?.f_linear(weight, Some(bias))
    }
}

/// The mean over each segment's tokens, f32, of `states` in the shape `[tokens, hidden size]`. Its shape is `[segments, hidden size]`.
fn mean_pool(states: &Tensor, batch: &TokenBatch) -> Result<Tensor, TchError> {
    let mut tokens = Vec::new();
    let mut segments = Vec::new();
    for (segment, range) in batch.segments().iter().enumerate() {
        tokens.extend(range.clone().map(to_i64));
        segments.resize(tokens.len(), to_i64(segment));
    }
    #[expect(clippy::cast_precision_loss, reason = "a segment has some hundred tokens")]
    let shares: Vec<f32> = batch.segments().iter().map(|range| 1.0 / range.len().max(1) as f32).collect();
    let states = states.f_index_select(0, &Tensor::from_slice(&tokens))?;
    let sums = Tensor::f_zeros([to_i64(shares.len()), states.size()[1]], (Kind::Float, states.device()))?;
    let sums = sums.f_index_add(0, &Tensor::from_slice(&segments), &states)?;
    sums.f_mul(&Tensor::from_slice(&shares).f_unsqueeze(1)?)
}

/// Copies the heads of the recipe's base, if it is a finished model, to heads with the same names and labels.
fn load_heads_of_base(weights: &VarStore, recipe: &Recipe, hidden_size: i64) -> Result<(), TrainError> {
    let base = &recipe.model.base;
    if !base.join("model.toml").exists() {
        return Ok(());
    }
    let model = ModelFolder::open(base)?;
    let mut shapes = Vec::new();
    for (name, head) in &recipe.heads {
        if model.manifest().heads.get(name.as_str()).is_some_and(|of_base| head.is_like(of_base)) {
            shapes.extend(linear_shapes(name, to_i64(head.labels.len()), hidden_size));
        }
    }
    let of_base = Weights::load(&base.join("heads.safetensors"), shapes.into_iter())?;
    Ok(fill_known(weights, &of_base)?)
}
