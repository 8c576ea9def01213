//! Batches to what a model reads in them: one forward pass for all heads.

use crate::model::Model;
use crate::pipeline::{Halt, Outlet, Stage};
use crate::stages::group::Batch;

/// One copy of a model at work.
#[derive(Debug)]
pub struct Classify {
    index: usize,
    model: Model,
}

impl Classify {
    /// Reads the batches of the model at place `index` in [`crate::task::Tasks::models`]; passes others on.
    #[must_use]
    pub fn new(index: usize, model: Model) -> Self {
        Self { index, model }
    }
}

impl Stage for Classify {
    const NAME: &'static str = "classify";
    type In = Batch;
    type Out = Batch;

    fn process(&mut self, mut batch: Batch, out: &mut Outlet<'_, Batch>) -> Result<(), Halt> {
        if batch.model == self.index {
            batch.readings = self.model.read(&batch.tokens())?;
        }
        out.emit(batch)
    }
}
