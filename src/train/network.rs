//! An encoder and heads whose weights can be fitted.

use tch::nn::VarStore;
use tch::{Device, Kind, TchError, Tensor};

use super::TrainError;
use super::recipe::Recipe;
use crate::model::config::{EncoderConfig, linear_shapes};
use crate::model::heads::mean_pool;
use crate::model::transformer::Transformer;
use crate::model::weights::Weights;
use crate::model::{ModelFolder, TokenBatch, to_i64};

/// An encoder and heads whose weights can be fitted.
pub(super) struct Network {
    encoder: Transformer,
    /// The encoder's weights, in the kind that it computes in.
    pub(super) encoder_weights: VarStore,
    /// The heads' weights, f32: `<head>.weight` and `<head>.bias`.
    pub(super) head_weights: VarStore,
    heads: Vec<(Tensor, Tensor)>,
    head_dropout: f64,
}

/// What the encoder makes of a batch, f32.
pub(super) struct States {
    /// Of the shape `[tokens, hidden size]`.
    tokens: Tensor,
    /// Of the shape `[segments, hidden size]`.
    segments: Tensor,
}

impl Network {
    /// The encoder of the recipe's base, with the heads that the base has as well, if it is a finished model, and others fresh.
    pub(super) fn new(recipe: &Recipe, kind: Kind) -> Result<Self, TrainError> {
        let config = recipe.model.base.join("config.json");
        let (path, base) = (config.clone(), EncoderConfig::load(&config)?);
        base.check_limits(recipe.model.limits()).map_err(|fault| TrainError::Base { path, cause: fault.into() })?;
        let mut encoder_weights = VarStore::new(Device::Cpu);
        let path = super::base_weights(&recipe.model.base);
        let encoder = Transformer::load(&encoder_weights, &config, &path, recipe.training.dropout.get())?;
        encoder_weights.set_kind(kind);
        let head_weights = VarStore::new(Device::Cpu);
        let heads = recipe.heads.iter().map(|(name, head)| {
            let (root, labels) = (head_weights.root() / name.as_str(), to_i64(head.labels.len()));
            let weight =
                root.var("weight", &[labels, base.hidden_size], tch::nn::Init::Randn { mean: 0.0, stdev: 0.02 });
            (weight, root.zeros("bias", &[labels]))
        });
        let heads = heads.collect();
        take_up_heads(&head_weights, recipe, base.hidden_size)?;
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

    /// One pass under dropout.
    pub(super) fn read(&self, batch: &TokenBatch) -> Result<States, TrainError> {
        let tokens = self.encoder.hidden_states(batch, Device::Cpu, true)?.f_to_kind(Kind::Float)?;
        let segments = mean_pool(&tokens, batch)?;
        Ok(States { tokens, segments })
    }

    /// The outputs of the head at place `head` for the segments at `places`, of the shape `[places, labels]`.
    pub(super) fn of_segments(&self, head: usize, states: &States, places: &[i64]) -> Result<Tensor, TchError> {
        let chosen = states.segments.f_index_select(0, &Tensor::from_slice(places))?;
        self.output(head, &chosen)
    }

    /// The same for tokens.
    pub(super) fn of_tokens(&self, head: usize, states: &States, places: &[i64]) -> Result<Tensor, TchError> {
        self.output(head, &states.tokens.f_index_select(0, &Tensor::from_slice(places))?)
    }

    fn output(&self, head: usize, input: &Tensor) -> Result<Tensor, TchError> {
        let (weight, bias) = &self.heads[head];
        input.f_dropout(self.head_dropout, true)?.f_linear(weight, Some(bias))
    }
}

/// Gives the heads that the recipe's base has under the same names, with the same labels, its weights.
fn take_up_heads(weights: &VarStore, recipe: &Recipe, hidden_size: i64) -> Result<(), TrainError> {
    let base = &recipe.model.base;
    if !base.join("model.toml").exists() {
        return Ok(());
    }
    let model = ModelFolder::open(base)?;
    let heads = &model.manifest().heads;
    let known =
        recipe.heads.iter().filter(|(name, head)| heads.get(name.as_str()).is_some_and(|has| head.is_like(has)));
    let shapes = known.flat_map(|(name, head)| linear_shapes(name, to_i64(head.labels.len()), hidden_size));
    Ok(Weights::load(&base.join("heads.safetensors"), shapes)?.fill_known(weights)?)
}
