//! Tokens to hidden states, by rust-bert's models.

use std::path::Path;

use rust_bert::bert::{BertConfig, BertEmbeddings, BertModel};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use super::{ModelError, TokenBatch};

/// The hidden states of a batch.
#[derive(Debug)]
pub(super) struct HiddenStates {
    /// f32 of the shape `[texts, width, hidden size]`.
    pub(super) states: Tensor,
    /// 1.0 for a token and 0.0 for padding, of the shape `[texts, width, 1]`.
    pub(super) mask: Tensor,
}

/// What turns tokens into hidden states.
pub(super) trait Encoder: Send {
    /// Reads a batch that is not empty.
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError>;
}

/// rust-bert's `BertModel` under an attention mask of ours.
pub(super) struct BertEncoder {
    model: BertModel<BertEmbeddings>,
    device: Device,
}

impl BertEncoder {
    pub(super) fn load(folder: &Path, device: Device, kind: Kind) -> Result<Self, ModelError> {
        let config = read_config(&folder.join("config.json"))?;
        let mut weights = VarStore::new(device);
        let model = BertModel::new_with_optional_pooler(weights.root(), &config, false);
        let path = folder.join("encoder.safetensors");
        weights.load(&path).map_err(|cause| ModelError::Torch { path, cause })?;
        weights.freeze();
        weights.set_kind(kind);
        Ok(Self { model, device })
    }
}

impl Encoder for BertEncoder {
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError> {
        let shape = [to_i64(batch.lengths().len()), to_i64(batch.width())];
        let ids = Tensor::from_slice(batch.ids()).view(shape).to_device(self.device);
        let mask = Tensor::from_slice(&batch.mask()).view(shape).to_device(self.device);
        let output = self
            .model
            .forward_t(Some(&ids), Some(&mask), None, None, None, None, None, false)
            .map_err(|error| ModelError::Encoder { message: error.to_string() })?;
        Ok(HiddenStates {
            states: output.hidden_state.to_kind(Kind::Float),
            mask: mask.to_kind(Kind::Float).unsqueeze(-1),
        })
    }
}

fn read_config(path: &Path) -> Result<BertConfig, ModelError> {
    let text = std::fs::read(path).map_err(|cause| ModelError::Unreadable { path: path.to_owned(), cause })?;
    serde_json::from_slice(&text)
        .map_err(|cause| ModelError::Invalid { path: path.to_owned(), message: cause.to_string() })
}

fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
