//! Stand-ins for kernels on platforms that cannot have them. No value of these types exists.

use crate::{Bf16, Heads, NormWeights, ShapeError, Threads};

/// Attention in tiles.
pub(crate) enum TileAttention {}

/// Attention in vectors.
pub(crate) enum VectorAttention {}

/// A linear layer.
#[derive(Debug)]
pub enum PackedLinear {}

impl TileAttention {
    /// `None`.
    pub(crate) fn find(_size: usize) -> Option<Self> {
        None
    }

    /// Is never called.
    pub(crate) fn attend(&mut self, _: &[Bf16], _: Heads, _: &mut [Bf16]) {
        match *self {}
    }
}

impl VectorAttention {
    /// `None`.
    pub(crate) fn find(_size: usize) -> Option<Self> {
        None
    }

    /// Is never called.
    pub(crate) fn attend(&mut self, _: &[Bf16], _: Heads, _: &mut [Bf16]) {
        match *self {}
    }
}

impl PackedLinear {
    /// `None`.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn new(_weight: &[Bf16], _bias: &[f32], _inputs: usize) -> Result<Option<Self>, ShapeError> {
        Ok(None)
    }

    /// Is never called.
    #[must_use]
    pub fn inputs(&self) -> usize {
        match *self {}
    }

    /// Is never called.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match *self {}
    }

    /// Is never called.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn forward(&self, _: &[Bf16], _: Threads, _: &mut [Bf16]) -> Result<(), ShapeError> {
        match *self {}
    }

    /// Is never called.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn gelu(&self, _: &[Bf16], _: Threads, _: &mut [Bf16]) -> Result<(), ShapeError> {
        match *self {}
    }

    /// Is never called.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn norm_of_sum(
        &self,
        _: &[Bf16],
        _: &[Bf16],
        _: &NormWeights,
        _: Threads,
        _: &mut [Bf16],
    ) -> Result<(), ShapeError> {
        match *self {}
    }
}
