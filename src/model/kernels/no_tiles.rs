//! Stands for attention in tiles where a processor cannot have them.

use tch::{TchError, Tensor};

use super::Heads;

/// There is none.
pub(in crate::model) enum TileAttention {}

impl TileAttention {
    /// None.
    pub(in crate::model) fn find(_size: usize) -> Option<Self> {
        None
    }

    /// Is never called.
    pub(in crate::model) fn attend(&mut self, _: &Tensor, _: Heads, _: &mut Tensor) -> Result<(), TchError> {
        match *self {}
    }
}
