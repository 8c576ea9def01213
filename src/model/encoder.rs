//! Tokens to hidden states.

use super::batch::HiddenStates;
use super::{ModelError, TokenBatch};

/// A network that turns tokens into hidden states.
pub(super) trait Encoder: Send {
    /// The hidden states of a batch, which must not be empty.
    fn encode(&mut self, batch: &TokenBatch) -> Result<HiddenStates, ModelError>;

    /// The number of tokens that it computes for `batch`, padding included.
    fn computed_tokens(&self, batch: &TokenBatch) -> usize;

    /// True if it takes a stream without padding.
    fn is_packed(&self) -> bool {
        false
    }

    /// Computes the matrix products of linear layers for `tokens` tokens and nothing else: a lower bound of the time of any
    /// encoder of this shape. `None` if that is not known.
    fn products(&self, _tokens: usize) -> Option<Result<(), ModelError>> {
        None
    }

    /// A copy for another thread that shares its weights. `None` if it cannot share them.
    fn sharing_weights(&self) -> Option<Box<dyn Encoder>> {
        None
    }
}
