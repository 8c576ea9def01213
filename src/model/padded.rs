//! Encoders on rectangles of tokens: a row a passage, padded to the longest.

use std::path::Path;

use tch::nn::VarStore;
use tch::{Device, Kind};

use super::batch::HiddenStates;
use super::encoder::Encoder;
use super::transformer::Transformer;
use super::{ModelError, TokenBatch};

/// A network that takes rectangles, with an attention mask for the padding.
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
    use super::super::bert::PackedBert;
    use super::*;

    #[test]
    fn packed_states_are_those_of_rust_bert() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom");
        let rows: [&[u32]; 4] = [&[101, 2023, 102], &[101, 102], &[101, 7592, 102], &[101, 2003, 2023, 2204, 102]];
        let batch = TokenBatch::from_rows(rows.into_iter());
        let states = |mut encoder: Box<dyn Encoder>| tch::no_grad(|| encoder.encode(&batch).unwrap().states);
        let (device, kind) = (Device::Cpu, Kind::Float);
        let packed = states(Box::new(PackedBert::load(&folder, device, kind).unwrap().expect("it is a BERT")));
        let padded = states(Box::new(PaddedEncoder::load(&folder, device, kind).unwrap()));
        let difference = packed.narrow(0, 0, padded.size()[0]) - padded;
        assert!(difference.abs().max().double_value(&[]) < 1e-4, "{difference:?}");
    }
}
