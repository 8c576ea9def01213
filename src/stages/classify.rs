//! Batches to what a model reads in them: one forward pass for all heads.

use std::sync::Arc;

use crate::model::{Model, ModelError};
use crate::pipeline::{Halt, Outlet, Stage};
use crate::recall::Recall;
use crate::record::TokenCount;
use crate::stages::group::Batch;

/// One copy of a model at work.
#[derive(Debug)]
pub struct Classify {
    index: usize,
    model: Model,
    /// What remembers what it reads; none for models whose readings depend on the batch.
    recall: Option<Arc<Recall>>,
}

impl Classify {
    /// Reads the batches of the model at place `index` in [`crate::task::Tasks::models`]; passes others on, and those that
    /// have been read before.
    #[must_use]
    pub fn new(index: usize, model: Model, recall: Option<Arc<Recall>>) -> Self {
        Self { index, model, recall }
    }
}

impl Classify {
    fn read(&mut self, batch: &mut Batch) -> Result<(), ModelError> {
        let tokens = batch.token_batch();
        let mut readings = self.model.read(&tokens)?.into_iter();
        let computed = self.model.computed_tokens(&tokens);
        batch.tokens = TokenCount { useful: tokens.ids().len() as u64, padded: computed as u64, recalled: 0 };
        for row in &batch.rows {
            row.found.set(readings.by_ref().take(row.passage.segments.len()).collect());
        }
        if let Some(recall) = &self.recall {
            recall.keep(batch.rows.iter().map(|row| (row.key, row.found.get())));
        }
        Ok(())
    }
}

impl Stage for Classify {
    const NAME: &'static str = "classify";
    type In = Batch;
    type Out = Batch;

    fn process(&mut self, mut batch: Batch, out: &mut Outlet<'_, Batch>) -> Result<(), Halt> {
        if batch.model == self.index && batch.is_to_be_read {
            self.read(&mut batch)?;
        }
        out.emit(batch)
    }
}
