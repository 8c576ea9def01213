//! The network of an encoder, of any family that we know. The only place that names `rust_bert`.

use std::path::Path;

use rust_bert::bert::{BertConfig, BertEmbeddings, BertModel};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use super::mpnet::{Mpnet, MpnetConfig};
use super::rectangle::Rectangle;
use super::variables::fill;
use crate::model::config::{EncoderConfig, load_json};
use crate::model::manifest::Architecture;
use crate::model::weights::Weights;
use crate::model::{ModelError, TokenBatch};

/// A network that turns token ids into hidden states.
pub(crate) enum Transformer {
    /// rust-bert's.
    Bert(Box<BertModel<BertEmbeddings>>),
    /// Ours.
    Mpnet(Box<Mpnet>),
}

impl Transformer {
    /// A network in `store` as the `config.json` at `path` describes it, with the weights in the file `weights`. `dropout` is
    /// the share of states and of attention that is dropped at random in training.
    pub(crate) fn load(store: &VarStore, path: &Path, weights: &Path, dropout: f64) -> Result<Self, ModelError> {
        let config = EncoderConfig::load(path)?;
        // Checked before the network allocates as much memory as its configuration demands.
        let weights = Weights::load(weights, config.shapes())?;
        let network = match config.model_type {
            Architecture::Bert => {
                let mut config: BertConfig = load_json(path)?;
                config.hidden_dropout_prob = dropout;
                config.attention_probs_dropout_prob = dropout;
                Self::Bert(Box::new(BertModel::new_with_optional_pooler(store.root(), &config, false)))
            }
            Architecture::Mpnet => {
                let mut config: MpnetConfig = load_json(path)?;
                config.hidden_dropout_prob = dropout;
                config.attention_probs_dropout_prob = dropout;
                Self::Mpnet(Box::new(Mpnet::new(&store.root(), config)))
            }
        };
        fill(store, &weights)?;
        Ok(network)
    }

    /// The last hidden states, of the shape `[tokens, hidden size]`, of the tokens of `batch`. Under dropout if `train`.
    pub(crate) fn hidden_states(&self, batch: &TokenBatch, device: Device, train: bool) -> Result<Tensor, ModelError> {
        let rectangle = Rectangle::new(batch);
        let ids = Tensor::from_slice(&rectangle.ids).view(rectangle.shape).to_device(device);
        let mask = Tensor::from_slice(&rectangle.mask).view(rectangle.shape).to_device(device);
        let states = self.forward_rectangle(&ids, &mask, train)?;
        let places = Tensor::from_slice(&rectangle.places).to_device(device);
        let stream = states.f_flatten(0, 1).and_then(|states| states.f_index_select(0, &places));
        stream.map_err(|cause| ModelError::Encoder { cause: cause.into() })
    }

    /// The last hidden states, of the shape `[rows, width, hidden size]`, of token `ids` of the shape `[rows, width]` with
    /// their `mask`, 1 for tokens and 0 for padding.
    fn forward_rectangle(&self, ids: &Tensor, mask: &Tensor, train: bool) -> Result<Tensor, ModelError> {
        match self {
            Self::Bert(model) => model
                .forward_t(Some(ids), Some(mask), None, None, None, None, None, train)
                .map(|output| output.hidden_state)
                .map_err(|cause| ModelError::Encoder { cause: cause.into() }),
            Self::Mpnet(model) => {
                model.hidden_states(ids, mask, train).map_err(|cause| ModelError::Encoder { cause: cause.into() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_promises_more_than_the_weights_have_asks_for_no_memory() {
        let newsroom = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let config = std::fs::read_to_string(newsroom.join("config.json")).unwrap();
        std::fs::write(&path, config.replace("\"vocab_size\": 30522", "\"vocab_size\": 16000000")).unwrap();
        let store = VarStore::new(Device::Cpu);
        let error = Transformer::load(&store, &path, &newsroom.join("encoder.safetensors"), 0.0).err().unwrap();
        let expected = "word_embeddings.weight` is of the shape [30522, 384], expected [16000000, 384]";
        let message = crate::causes::chain(&error);
        assert!(message.ends_with(expected), "{message}");
        assert!(store.is_empty());
    }
}
