//! Analyses documents in memory: the stages of a run one after another on the calling thread, without an output folder.

use std::sync::Arc;

use crate::cache::PassageCache;
use crate::config::Config;
use crate::error::RunError;
use crate::loading::{self, Loaded};
use crate::pipeline::{StageError, process_inline};
use crate::record::{AnalysedDocument, Chunk, Document, Place, Rejection, SplitDocument};
use crate::stages::assemble::Assemble;
use crate::stages::batch::{Batch, Batcher};
use crate::stages::infer::Infer;
use crate::stages::split::Split;
use crate::task::Tasks;

/// Runs the tasks of a configuration on documents, with one copy of each model.
#[derive(Debug)]
pub struct Analyser {
    tasks: Arc<Tasks>,
    split: Split,
    batcher: Batcher,
    /// The worker of each model.
    workers: Vec<Infer>,
    assemble: Assemble,
}

/// The results for a document, or the reason why it has none.
pub type Analysis = Result<AnalysedDocument, Rejection>;

impl Analyser {
    /// Loads the models that `config` uses. Results are cached in memory only.
    ///
    /// # Errors
    /// A model that cannot be used or loaded.
    pub fn new(config: &Config) -> Result<Self, RunError> {
        Self::with_tasks(config, Tasks::resolve(config)?)
    }

    /// As [`Self::new`], with the tasks of `config` changed.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn with_tasks(config: &Config, tasks: Tasks) -> Result<Self, RunError> {
        let tasks = Arc::new(tasks);
        let cache = Arc::new(PassageCache::in_memory(&config.cache));
        let Loaded { workers, caches } = loading::load(&tasks, Some(1), &cache)?;
        Ok(Self {
            split: Split::default(),
            batcher: Batcher::new(&tasks, caches)?,
            workers: workers.into_iter().flatten().collect(),
            assemble: Assemble::new(Arc::clone(&tasks)),
            tasks,
        })
    }

    /// The tasks that are run.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Analyses documents, whose places differ. Returns one result for each, in their order.
    ///
    /// # Errors
    /// The error of a stage that cannot go on, for example because a model fails for every passage.
    pub fn analyse(&mut self, documents: Vec<Document>) -> Result<Vec<Analysis>, StageError> {
        let order: Vec<Place> = documents.iter().map(|document| document.place.clone()).collect();
        let (chunks, mut rejections) = process_inline(&mut self.split, Chunk { documents, input_bytes: 0 })?;
        let mut analysed = Vec::new();
        for chunk in chunks {
            for batch in self.infer(chunk)? {
                let (chunks, rejected) = process_inline(&mut self.assemble, batch)?;
                rejections.extend(rejected);
                analysed.extend(chunks.into_iter().flat_map(|chunk| chunk.documents));
            }
        }
        let mut results: Vec<Analysis> = analysed.into_iter().map(Ok).collect();
        results.extend(rejections.into_iter().map(Err));
        results.sort_by_cached_key(|result| order.iter().position(|place| place == place_of(result)));
        Ok(results)
    }

    /// Runs the models on documents that are split already. The rows of the batches have the results.
    ///
    /// # Errors
    /// As [`Self::analyse`].
    pub(crate) fn infer(&mut self, chunk: Chunk<SplitDocument>) -> Result<Vec<Batch>, StageError> {
        // These stages pass rejections on inside the batches.
        let (batches, _) = process_inline(&mut self.batcher, chunk)?;
        let mut inferred = Vec::with_capacity(batches.len());
        for batch in batches {
            let mut waiting = vec![batch];
            for worker in &mut self.workers {
                let mut passed = Vec::new();
                for batch in waiting {
                    passed.extend(process_inline(worker, batch)?.0);
                }
                waiting = passed;
            }
            inferred.extend(waiting);
        }
        Ok(inferred)
    }
}

fn place_of(analysis: &Analysis) -> &Place {
    match analysis {
        Ok(analysed) => &analysed.document.place,
        Err(rejection) => &rejection.place,
    }
}
