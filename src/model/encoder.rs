//! Tokens to hidden states.

use std::path::Path;

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use super::bert::PackedBert;
use super::transformer::Transformer;
use super::{ModelError, TokenBatch};

/// The hidden states of a batch.
#[derive(Debug)]
pub(super) struct HiddenStates {
    /// f32 of the shape `[tokens, hidden size]`: a row for each token of the batch, in its order; then perhaps some that
    /// mean nothing.
    pub(super) states: Tensor,
}

/// What turns tokens into hidden states.
pub(super) trait Encoder: Send {
    /// Reads a batch that is not empty.
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError>;

    /// How many tokens it computes for `batch`, those that only fill up included.
    fn computed_tokens(&self, batch: &TokenBatch) -> usize;

    /// Whether it reads a stream without padding.
    fn is_packed(&self) -> bool {
        false
    }

    /// Computes the matrix products of linear layers for `tokens` tokens and nothing else: what no encoder of this shape
    /// can be faster than. None where that is not known.
    fn products(&self, _tokens: usize) -> Option<Result<(), ModelError>> {
        None
    }
}

/// The encoder in `folder`: packed where we have a packed network of its family, else in rectangles.
pub(super) fn load(folder: &Path, device: Device, kind: Kind) -> Result<Box<dyn Encoder>, ModelError> {
    match PackedBert::load(folder, device, kind)? {
        Some(packed) => Ok(Box::new(packed)),
        None => Ok(Box::new(PaddedEncoder::load(folder, device, kind)?)),
    }
}

/// A network that reads rectangles, under an attention mask of ours.
pub(super) struct PaddedEncoder {
    network: Transformer,
    device: Device,
}

impl PaddedEncoder {
    pub(super) fn load(folder: &Path, device: Device, kind: Kind) -> Result<Self, ModelError> {
        let mut store = VarStore::new(device);
        let weights = folder.join("encoder.safetensors");
        let network = Transformer::load(&store, &folder.join("config.json"), &weights, 0.0)?;
        store.freeze();
        store.set_kind(kind);
        Ok(Self { network, device })
    }
}

impl Encoder for PaddedEncoder {
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError> {
        let states = self.network.hidden_states(batch, self.device, false)?;
        Ok(HiddenStates { states: states.to_kind(Kind::Float) })
    }

    fn computed_tokens(&self, batch: &TokenBatch) -> usize {
        batch.rectangle_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_states_are_those_of_rust_bert() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom");
        let rows: [&[u32]; 4] = [&[101, 2023, 102], &[101, 102], &[101, 7592, 102], &[101, 2003, 2023, 2204, 102]];
        let batch = TokenBatch::of_rows(rows.into_iter());
        let states = |mut encoder: Box<dyn Encoder>| tch::no_grad(|| encoder.encode(&batch).unwrap().states);
        let (device, kind) = (Device::Cpu, Kind::Float);
        let packed = states(Box::new(PackedBert::load(&folder, device, kind).unwrap().expect("it is a BERT")));
        let padded = states(Box::new(PaddedEncoder::load(&folder, device, kind).unwrap()));
        let difference = packed.narrow(0, 0, padded.size()[0]) - padded;
        assert!(difference.abs().max().double_value(&[]) < 1e-4, "{difference:?}");
    }
}
