//! The network of an encoder, of any family that we know. The only place that names `rust_bert`.

use std::path::Path;

use rust_bert::bert::{BertConfig, BertEmbeddings, BertModel};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tch::{Device, Tensor, nn};

use super::manifest::Architecture;
use super::mpnet::{Mpnet, MpnetConfig};
use super::{ModelError, TokenBatch};

/// A network that turns token ids into hidden states.
pub(super) enum Transformer {
    /// rust-bert's.
    Bert(Box<BertModel<BertEmbeddings>>),
    /// Ours.
    Mpnet(Box<Mpnet>),
}

/// What every family's `config.json` says.
#[derive(Deserialize)]
pub(super) struct EncoderConfig {
    /// The family.
    pub(super) model_type: Architecture,
    /// The size of a hidden state.
    pub(super) hidden_size: i64,
}

impl EncoderConfig {
    /// Reads the `config.json` at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, ModelError> {
        read(path)
    }
}

impl Transformer {
    /// A network as the `config.json` at `path` describes it, with fresh weights under `root`, to be loaded. `dropout`
    /// is the share of states and of attention that is dropped at random while it learns.
    pub(super) fn new(root: &nn::Path<'_>, path: &Path, dropout: f64) -> Result<Self, ModelError> {
        match EncoderConfig::read(path)?.model_type {
            Architecture::Bert => {
                let mut config: BertConfig = read(path)?;
                config.hidden_dropout_prob = dropout;
                config.attention_probs_dropout_prob = dropout;
                Ok(Self::Bert(Box::new(BertModel::new_with_optional_pooler(root, &config, false))))
            }
            Architecture::Mpnet => {
                let mut config: MpnetConfig = read(path)?;
                config.hidden_dropout_prob = dropout;
                config.attention_probs_dropout_prob = dropout;
                Ok(Self::Mpnet(Box::new(Mpnet::new(root, config))))
            }
        }
    }

    /// The last hidden states, of the shape `[tokens, hidden size]`, of the tokens of `batch`. Under dropout if `train`.
    pub(super) fn hidden_states(&self, batch: &TokenBatch, device: Device, train: bool) -> Result<Tensor, ModelError> {
        let rectangle = batch.rectangle();
        let of_shape = |values: &[i64]| Tensor::from_slice(values).view(rectangle.shape).to_device(device);
        let states = self.of_rectangle(&of_shape(&rectangle.ids), &of_shape(&rectangle.mask), train)?;
        let places = Tensor::from_slice(&rectangle.places).to_device(device);
        let stream = states.f_flatten(0, 1).and_then(|states| states.f_index_select(0, &places));
        stream.map_err(|error| ModelError::Encoder { message: error.to_string() })
    }

    /// The last hidden states, of the shape `[rows, width, hidden size]`, of token `ids` of the shape `[rows, width]` with
    /// their `mask`, 1 for tokens and 0 for padding.
    fn of_rectangle(&self, ids: &Tensor, mask: &Tensor, train: bool) -> Result<Tensor, ModelError> {
        let failed = |message: String| ModelError::Encoder { message };
        match self {
            Self::Bert(model) => model
                .forward_t(Some(ids), Some(mask), None, None, None, None, None, train)
                .map(|output| output.hidden_state)
                .map_err(|error| failed(error.to_string())),
            Self::Mpnet(model) => model.hidden_states(ids, mask, train).map_err(|error| failed(error.to_string())),
        }
    }
}

pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ModelError> {
    let text = std::fs::read(path).map_err(|cause| ModelError::Unreadable { path: path.to_owned(), cause })?;
    serde_json::from_slice(&text)
        .map_err(|cause| ModelError::Invalid { path: path.to_owned(), message: cause.to_string() })
}
