//! `config.json`: the family and the sizes of an encoder, which give the shapes of its tensors. The file may come from anybody,
//! so it is checked before memory is allocated or anything is divided.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::manifest::Architecture;
use super::weights::Shape;
use super::{ModelError, TokenLimits, to_i64};

/// The position of the first token of `MPNet`: the ones before it are for padding.
pub(super) const FIRST_POSITION: i64 = 2;

/// No size is larger: products of two do not overflow.
const LARGEST: i64 = 1 << 24;

/// A vocabulary and the positions are no smaller: a network is tried with so many (see `Model::is_batch_invariant`).
const FEWEST_WORDS: i64 = 8;
const FEWEST_POSITIONS: i64 = 64;

/// The part of `config.json` that every family has.
#[derive(Debug, Deserialize)]
pub(crate) struct EncoderConfig {
    /// The family.
    pub(crate) model_type: Architecture,
    /// The size of a hidden state.
    pub(crate) hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: i64,
    num_attention_heads: i64,
    /// The number of different tokens that it knows.
    pub(super) vocab_size: i64,
    max_position_embeddings: i64,
    /// Of BERT.
    #[serde(default)]
    type_vocab_size: i64,
    /// Of `MPNet`.
    #[serde(default)]
    relative_attention_num_buckets: i64,
}

/// A fault in the sizes of an encoder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SizeFault {
    #[error("`{name}` is {size}, expected a whole number from {least} to {most}")]
    Range { name: &'static str, size: i64, least: i64, most: i64 },
    #[error("{hidden} states for {heads} heads")]
    Heads { hidden: i64, heads: i64 },
    #[error("{longest} tokens are to be read at once, and the encoder has {positions} positions")]
    Positions { longest: usize, positions: i64 },
}

impl EncoderConfig {
    /// Reads and checks the `config.json` at `path`.
    pub(crate) fn load(path: &Path) -> Result<Self, ModelError> {
        let config: Self = load_json(path)?;
        config.check().map_err(|fault| ModelError::Invalid { path: path.to_owned(), cause: fault.into() })?;
        Ok(config)
    }

    /// Checks that there is a position for each token that is to be read at once.
    pub(crate) fn check_limits(&self, limits: TokenLimits) -> Result<(), SizeFault> {
        /// The special token between a title and the sentences.
        const SEPARATOR: usize = 1;
        let title = limits.title_tokens.map_or(0, |tokens| tokens + SEPARATOR);
        let longest = limits.text_tokens.max(limits.passage_tokens.unwrap_or(0)) + title;
        let positions = match self.model_type {
            Architecture::Bert => self.max_position_embeddings,
            Architecture::Mpnet => self.max_position_embeddings - FIRST_POSITION,
        };
        if to_i64(longest) <= positions {
            return Ok(());
        }
        Err(SizeFault::Positions { longest, positions })
    }

    fn check(&self) -> Result<(), SizeFault> {
        for (name, size, least, most) in self.sizes() {
            if !(least..=most).contains(&size) {
                return Err(SizeFault::Range { name, size, least, most });
            }
        }
        if self.hidden_size % self.num_attention_heads != 0 {
            return Err(SizeFault::Heads { hidden: self.hidden_size, heads: self.num_attention_heads });
        }
        Ok(())
    }

    /// Each size with its limits.
    fn sizes(&self) -> [(&'static str, i64, i64, i64); 7] {
        [
            ("hidden_size", self.hidden_size, 1, LARGEST),
            ("intermediate_size", self.intermediate_size, 1, LARGEST),
            ("num_hidden_layers", self.num_hidden_layers, 1, LARGEST),
            ("num_attention_heads", self.num_attention_heads, 1, LARGEST),
            ("vocab_size", self.vocab_size, FEWEST_WORDS, LARGEST),
            ("max_position_embeddings", self.max_position_embeddings, FEWEST_POSITIONS, LARGEST),
            match self.model_type {
                Architecture::Bert => ("type_vocab_size", self.type_vocab_size, 1, LARGEST),
                // A quarter of them counts single tokens, and there are fewer of those than of the farthest.
                Architecture::Mpnet => ("relative_attention_num_buckets", self.relative_attention_num_buckets, 4, 508),
            },
        ]
    }

    /// The tensors that its network has.
    pub(super) fn shapes(&self) -> impl Iterator<Item = Shape> {
        // One layer at a time: a file that lacks one ends the search, however many there should be.
        self.embeddings().into_iter().chain((0..self.num_hidden_layers).flat_map(|place| self.layer(place)))
    }

    fn embeddings(&self) -> Vec<Shape> {
        let mut shapes = vec![
            self.embedding("word_embeddings", self.vocab_size),
            self.embedding("position_embeddings", self.max_position_embeddings),
            match self.model_type {
                Architecture::Bert => self.embedding("token_type_embeddings", self.type_vocab_size),
                Architecture::Mpnet => {
                    let shape = vec![self.relative_attention_num_buckets, self.num_attention_heads];
                    ("encoder.relative_attention_bias.weight".to_owned(), shape)
                }
            },
        ];
        shapes.extend(self.norm("embeddings.LayerNorm"));
        shapes
    }

    fn embedding(&self, name: &str, rows: i64) -> Shape {
        (format!("embeddings.{name}.weight"), vec![rows, self.hidden_size])
    }

    fn layer(&self, place: i64) -> Vec<Shape> {
        let hidden = self.hidden_size;
        let wide = self.intermediate_size;
        let (linear, norm) = match self.model_type {
            Architecture::Bert => (["self.query", "self.key", "self.value", "output.dense"], "output.LayerNorm"),
            Architecture::Mpnet => (["attn.q", "attn.k", "attn.v", "attn.o"], "LayerNorm"),
        };
        let layer = format!("encoder.layer.{place}");
        let mut shapes: Vec<Shape> = linear
            .iter()
            .flat_map(|name| linear_shapes(&format!("{layer}.attention.{name}"), hidden, hidden))
            .collect();
        shapes.extend(self.norm(&format!("{layer}.attention.{norm}")));
        shapes.extend(linear_shapes(&format!("{layer}.intermediate.dense"), wide, hidden));
        shapes.extend(linear_shapes(&format!("{layer}.output.dense"), hidden, wide));
        shapes.extend(self.norm(&format!("{layer}.output.LayerNorm")));
        shapes
    }

    fn norm(&self, name: &str) -> [Shape; 2] {
        ["weight", "bias"].map(|end| (format!("{name}.{end}"), vec![self.hidden_size]))
    }
}

/// The tensors of a linear layer.
pub(crate) fn linear_shapes(name: &str, outputs: i64, inputs: i64) -> [Shape; 2] {
    [(format!("{name}.weight"), vec![outputs, inputs]), (format!("{name}.bias"), vec![outputs])]
}

/// Reads the JSON file at `path`.
pub(super) fn load_json<T: DeserializeOwned>(path: &Path) -> Result<T, ModelError> {
    let text = std::fs::read(path).map_err(|cause| ModelError::Unreadable { path: path.to_owned(), cause })?;
    serde_json::from_slice(&text).map_err(|cause| ModelError::Invalid { path: path.to_owned(), cause: cause.into() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config(changes: &[(&str, Value)]) -> Value {
        let mut config = json!({
            "model_type": "bert", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2,
            "num_attention_heads": 2, "vocab_size": 20, "max_position_embeddings": 64, "type_vocab_size": 2,
            "relative_attention_num_buckets": 32
        });
        for (name, value) in changes {
            config[*name] = value.clone();
        }
        config
    }

    fn read(changes: &[(&str, Value)]) -> Result<EncoderConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config(changes).to_string()).unwrap();
        let shown = format!("cannot use `{}`: ", path.display());
        EncoderConfig::load(&path).map_err(|error| crate::causes::chain(&error).replace(&shown, ""))
    }

    #[test]
    fn sizes_that_no_network_has_are_refused() {
        for (name, size) in [
            ("hidden_size", 0),
            ("num_attention_heads", 0),
            ("num_attention_heads", -2),
            ("num_hidden_layers", 0),
            ("vocab_size", i64::MAX),
            ("max_position_embeddings", 63),
            ("type_vocab_size", 0),
        ] {
            let message = read(&[(name, size.into())]).unwrap_err();
            assert!(message.starts_with(&format!("`{name}` is {size}, expected a whole number from ")), "{message}");
        }
        assert_eq!(read(&[("num_attention_heads", 3.into())]).unwrap_err(), "8 states for 3 heads");
        let mpnet =
            |buckets: i64| read(&[("model_type", "mpnet".into()), ("relative_attention_num_buckets", buckets.into())]);
        assert!(mpnet(3).is_err() && mpnet(4).is_ok() && mpnet(508).is_ok() && mpnet(512).is_err());
    }

    #[test]
    fn what_is_read_at_once_has_a_position_each() {
        let limits = |text_tokens, passage_tokens| TokenLimits { text_tokens, passage_tokens, title_tokens: None };
        let bert = read(&[]).unwrap();
        assert!(bert.check_limits(limits(64, Some(32))).is_ok());
        assert!(bert.check_limits(limits(65, None)).is_err() && bert.check_limits(limits(8, Some(65))).is_err());
        let mpnet = read(&[("model_type", "mpnet".into())]).unwrap();
        let message = mpnet.check_limits(limits(63, None)).unwrap_err().to_string();
        assert_eq!(message, "63 tokens are to be read at once, and the encoder has 62 positions");
    }

    #[test]
    fn layers_that_a_file_lacks_are_not_all_looked_for() {
        let config = read(&[("num_hidden_layers", LARGEST.into())]).unwrap();
        assert_eq!(config.shapes().nth(20).unwrap().0, "encoder.layer.0.output.LayerNorm.bias");
    }
}
