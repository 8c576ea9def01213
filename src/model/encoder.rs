//! Tokens to hidden states.

use std::path::Path;

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use super::transformer::Transformer;
use super::{ModelError, TokenBatch};

/// The hidden states of a batch.
#[derive(Debug)]
pub(super) struct HiddenStates {
    /// f32 of the shape `[rows, width, hidden size]`.
    pub(super) states: Tensor,
}

/// What turns tokens into hidden states.
pub(super) trait Encoder: Send {
    /// Reads a batch that is not empty.
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError>;
}

/// A network with the weights of a model folder, under an attention mask of ours.
pub(super) struct TransformerEncoder {
    network: Transformer,
    device: Device,
}

impl TransformerEncoder {
    pub(super) fn load(folder: &Path, device: Device, kind: Kind) -> Result<Self, ModelError> {
        let mut weights = VarStore::new(device);
        let network = Transformer::new(&weights.root(), &folder.join("config.json"), 0.0)?;
        let path = folder.join("encoder.safetensors");
        weights.load(&path).map_err(|cause| ModelError::Torch { path, cause })?;
        weights.freeze();
        weights.set_kind(kind);
        Ok(Self { network, device })
    }
}

impl Encoder for TransformerEncoder {
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError> {
        let shape = [to_i64(batch.lengths().len()), to_i64(batch.width())];
        let ids = Tensor::from_slice(batch.ids()).view(shape).to_device(self.device);
        let mask = Tensor::from_slice(&batch.mask()).view(shape).to_device(self.device);
        let states = self.network.hidden_states(&ids, &mask, false)?;
        Ok(HiddenStates { states: states.to_kind(Kind::Float) })
    }
}

fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
