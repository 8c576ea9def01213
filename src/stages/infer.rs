//! Batches to what a model reads in them: one forward pass for all heads.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::batch::{Batch, Row};
use crate::cache::Recall;
use crate::causes::chain;
use crate::deadline::faults;
use crate::model::{Model, ModelError, TokenBatch};
use crate::pipeline::{Halt, Outlet, Stage, panic_message};
use crate::record::{Chunk, SplitDocument, TokenCount};

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

    fn read(&mut self, batch: &mut Batch) -> Result<(), ModelError> {
        let useful: usize = batch.rows.iter().map(|row| row.passage.ids.len()).sum();
        let computed = self.read_rows(&batch.rows, &batch.chunk)?;
        batch.tokens = TokenCount { useful: useful as u64, padded: computed as u64, recalled: 0 };
        if let Some(recall) = &self.recall {
            recall.keep(batch.rows.iter().filter_map(|row| Some((row.key, row.found.get().ok()?))));
        }
        Ok(())
    }

    /// Reads rows together; where that fails, halves of them, down to the rows that make it fail. Returns how many tokens were
    /// computed. A model that can read none of several rows is not to be used.
    fn read_rows(&mut self, rows: &[Row], chunk: &Chunk<SplitDocument>) -> Result<usize, ModelError> {
        let error = match self.read_together(rows, chunk) {
            Ok(computed) => return Ok(computed),
            Err(error) => error,
        };
        if let [row] = rows {
            row.found.set(Err(chain(&error)));
            return Ok(0);
        }
        let (first, second) = rows.split_at(rows.len() / 2);
        let computed = self.read_rows(first, chunk)? + self.read_rows(second, chunk)?;
        if rows.iter().all(|row| row.found.get().is_err()) { Err(error) } else { Ok(computed) }
    }

    fn read_together(&mut self, rows: &[Row], chunk: &Chunk<SplitDocument>) -> Result<usize, ModelError> {
        let tokens = TokenBatch::from_passages(rows.iter().map(|row| &row.passage));
        let read = catch_unwind(AssertUnwindSafe(|| {
            faults::inject_panic(Self::NAME, rows.iter().map(|row| &chunk.documents[row.document].document));
            self.model.infer(&tokens)
        }));
        let panicked = |panic: Box<dyn Any + Send>| ModelError::Panicked { message: panic_message(&*panic) };
        let mut readings = read.map_err(panicked)??.into_iter();
        for row in rows {
            row.found.set(Ok(readings.by_ref().take(row.passage.segments.len()).collect()));
        }
        Ok(self.model.computed_tokens(&tokens))
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
