//! Tokens to hidden states.

use super::batch::HiddenStates;
use super::{ModelError, TokenBatch};

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
