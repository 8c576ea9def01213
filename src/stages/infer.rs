//! Batches to a model's results: one forward pass for all heads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::batch::{Batch, Row};
use crate::cache::PassageCache;
use crate::causes::chain;
use crate::deadline::faults;
use crate::model::{Model, ModelError, TokenBatch};
use crate::pipeline::{Halt, Outlet, Stage, panic_message};
use crate::record::{Chunk, SplitDocument, TokenCount};

/// One worker: runs its own copy of a model.
#[derive(Debug)]
pub struct Infer {
    index: usize,
    model: Model,
    /// The cache to fill. None if the model's results depend on the batch.
    cache: Option<Arc<PassageCache>>,
}

impl Infer {
    /// A worker for the batches of the model with this index in [`crate::task::Tasks::models`]. It passes on unchanged batches
    /// of other models, and those that need no inference.
    #[must_use]
    pub fn new(index: usize, model: Model, cache: Option<Arc<PassageCache>>) -> Self {
        Self { index, model, cache }
    }

    /// True if the results of its model do not depend on the batch.
    ///
    /// # Errors
    /// The model fails.
    pub(crate) fn is_batch_invariant(&mut self) -> Result<bool, ModelError> {
        self.model.is_batch_invariant()
    }

    fn infer_batch(&mut self, batch: &mut Batch) -> Result<(), ModelError> {
        let useful: usize = batch.rows.iter().map(|row| row.passage.ids.len()).sum();
        let computed = self.infer_rows(&batch.rows, &batch.chunk)?;
        batch.tokens = TokenCount { useful: useful as u64, padded: computed as u64, recalled: 0 };
        if let Some(cache) = &self.cache {
            cache.keep(batch.rows.iter().filter_map(|row| Some((row.key, row.inference.get().ok()?))));
        }
        Ok(())
    }

    /// Runs the model on rows together. If that fails, halves them until single rows fail, and gives these rows the error. Returns
    /// the number of tokens computed.
    ///
    /// # Errors
    /// The model failed for each of several rows: it is broken.
    fn infer_rows(&mut self, rows: &[Row], chunk: &Chunk<SplitDocument>) -> Result<usize, ModelError> {
        let error = match self.infer_together(rows, chunk) {
            Ok(computed) => return Ok(computed),
            Err(error) => error,
        };
        if let [row] = rows {
            row.inference.set(Err(chain(&error)));
            return Ok(0);
        }
        let (first, second) = rows.split_at(rows.len() / 2);
        let computed = self.infer_rows(first, chunk)? + self.infer_rows(second, chunk)?;
        if rows.iter().all(|row| row.inference.get().is_err()) { Err(error) } else { Ok(computed) }
    }

    fn infer_together(&mut self, rows: &[Row], chunk: &Chunk<SplitDocument>) -> Result<usize, ModelError> {
        let tokens = TokenBatch::from_passages(rows.iter().map(|row| &row.passage));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            faults::inject_panic(Self::NAME, rows.iter().map(|row| &chunk.documents[row.document].document));
            self.model.infer(&tokens)
        }));
        let outputs = outcome.map_err(|panic| ModelError::Panicked { message: panic_message(&*panic) })??;
        let mut outputs = outputs.into_iter();
        for row in rows {
            row.inference.set(Ok(outputs.by_ref().take(row.passage.segments.len()).collect()));
        }
        Ok(self.model.computed_tokens(&tokens))
    }
}

impl Stage for Infer {
    const NAME: &'static str = "infer";
    type In = Batch;
    type Out = Batch;

    fn process(&mut self, mut batch: Batch, out: &mut Outlet<'_, Batch>) -> Result<(), Halt> {
        if batch.model == self.index && batch.needs_inference {
            self.infer_batch(&mut batch)?;
        }
        out.emit(batch)
    }
}
