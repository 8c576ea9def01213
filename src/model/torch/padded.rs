//! Encoders on rectangles of tokens: a row a passage, padded to the longest.

use std::path::Path;

use tch::nn::VarStore;
use tch::{Device, Kind};

use super::transformer::Transformer;
use super::{failed, rectangle};
use crate::model::batch::HiddenStates;
use crate::model::encoder::Encoder;
use crate::model::{ModelError, TokenBatch};

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
        let states = tch::no_grad(|| self.network.hidden_states(batch, self.device, false))?;
        super::hidden_states(&states).map_err(failed)
    }

    fn computed_tokens(&self, batch: &TokenBatch) -> usize {
        rectangle::size(batch)
    }
}

#[cfg(test)]
mod tests {
    use pressrun_kernels::multiplies_bf16;
    use pressrun_testing::{Need, found_or_skip};

    use super::super::packed::PackedBert;
    use super::*;
    use crate::config;
    use crate::model::bert::{self, BertConfig};
    use crate::model::config::EncoderConfig;
    use crate::model::{FloatType, Runtime, Tokenizer};

    const NEWSROOM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/newsroom");

    fn tokenizer() -> Tokenizer {
        crate::model::ModelFolder::open(Path::new(NEWSROOM)).unwrap().tokenizer().unwrap()
    }

    /// Lines of a document and a few short texts.
    fn batch() -> TokenBatch {
        let tokenizer = tokenizer();
        let text = include_str!("../../../README.md");
        let mut rows: Vec<Vec<u32>> = text.lines().map(|line| tokenizer.tokenize(line).unwrap().ids).collect();
        rows.retain(|row| (3..64).contains(&row.len()));
        rows.extend([vec![101, 102], vec![101, 7592, 102]]);
        TokenBatch::from_rows(rows.iter().map(Vec::as_slice))
    }

    fn ours(precision: FloatType, threads: usize) -> Box<dyn Encoder> {
        let folder = Path::new(NEWSROOM);
        let config = BertConfig::load(folder).unwrap().expect("it is a BERT");
        let sizes = EncoderConfig::load(&folder.join("config.json")).unwrap();
        let runtime = Runtime { precision, device: config::Device::Cpu, workers: 1, threads };
        bert::load(folder, &config, &sizes, &runtime).unwrap()
    }

    fn of_rust_bert(batch: &TokenBatch) -> Vec<f32> {
        PaddedEncoder::load(Path::new(NEWSROOM), Device::Cpu, Kind::Float).unwrap().encode(batch).unwrap().values
    }

    fn largest_difference(found: &[f32], exact: &[f32]) -> f32 {
        assert!(found.len() >= exact.len());
        found.iter().zip(exact).map(|(found, exact)| (found - exact).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn our_states_are_those_of_rust_bert() {
        let batch = batch();
        let exact = of_rust_bert(&batch);
        let difference = largest_difference(&ours(FloatType::F32, 1).encode(&batch).unwrap().values, &exact);
        assert!(difference < 1e-4, "{difference}");
        let of_threads = ours(FloatType::F32, 2).encode(&batch).unwrap().values;
        assert!(of_threads == ours(FloatType::F32, 1).encode(&batch).unwrap().values, "any number of threads");
        let Some(()) = found_or_skip(Need::Avx512, multiplies_bf16().then_some(())) else { return };
        let difference = largest_difference(&ours(FloatType::Bf16, 1).encode(&batch).unwrap().values, &exact);
        assert!(difference < 0.2, "{difference}");
    }

    /// `PRESSRUN_PASSAGES=passages.txt cargo test --release --lib of_many_passages -- --ignored --nocapture`, with a line a passage.
    #[test]
    #[ignore = "needs a file of passages"]
    fn our_states_of_many_passages_are_those_of_rust_bert() {
        let path = std::env::var("PRESSRUN_PASSAGES").expect("PRESSRUN_PASSAGES names a file");
        let text = std::fs::read_to_string(path).expect("the file can be read");
        let tokenizer = tokenizer();
        let rows: Vec<Vec<u32>> = text.lines().map(|line| tokenizer.tokenize(line).unwrap().ids).collect();
        let mut largest = [0f32; 2];
        let precisions: &[FloatType] =
            if multiplies_bf16() { &[FloatType::F32, FloatType::Bf16] } else { &[FloatType::F32] };
        for rows in rows.chunks(16) {
            let batch = TokenBatch::from_rows(rows.iter().map(Vec::as_slice));
            let exact = of_rust_bert(&batch);
            for (largest, &precision) in largest.iter_mut().zip(precisions) {
                let found = ours(precision, 1).encode(&batch).unwrap();
                *largest = largest.max(largest_difference(&found.values, &exact));
            }
        }
        println!("{} passages, largest difference of a state in f32 and bf16: {largest:?}", rows.len());
        assert!(largest[0] < 1e-4, "{largest:?}");
    }

    #[test]
    fn states_for_gpus_are_those_of_rust_bert() {
        let folder = Path::new(NEWSROOM);
        let batch = batch();
        let config = BertConfig::load(folder).unwrap().unwrap();
        let mut packed = PackedBert::load(folder, &config, Device::Cpu, Kind::Float).unwrap();
        let difference = largest_difference(&packed.encode(&batch).unwrap().values, &of_rust_bert(&batch));
        assert!(difference < 1e-4, "{difference}");
    }
}
