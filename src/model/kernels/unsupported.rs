//! Stands for what a processor cannot have.

use tch::{TchError, Tensor};

use super::{Heads, NormWeights};

/// There is none.
pub(in crate::model) enum FusedAttention {}

/// There is none.
#[derive(Debug)]
pub(in crate::model) enum PackedLinear {}

impl FusedAttention {
    /// None.
    pub(in crate::model) fn find(_size: usize) -> Option<Self> {
        None
    }

    /// Is never called.
    pub(in crate::model) fn attend(&mut self, _: &Tensor, _: Heads, _: &mut Tensor) -> Result<(), TchError> {
        match *self {}
    }
}

impl PackedLinear {
    /// None.
    pub(in crate::model) fn new(_: &Tensor, _: &Tensor) -> Result<Option<Self>, TchError> {
        Ok(None)
    }

    /// Is never called.
    pub(in crate::model) fn forward(&self, _: &Tensor) -> Result<Tensor, TchError> {
        match *self {}
    }

    /// Is never called.
    pub(in crate::model) fn gelu(&self, _: &Tensor) -> Result<Tensor, TchError> {
        match *self {}
    }

    /// Is never called.
    pub(in crate::model) fn norm_of_sum(&self, _: &Tensor, _: &Tensor, _: &NormWeights) -> Result<Tensor, TchError> {
        match *self {}
    }
}
