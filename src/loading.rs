//! Loads models: copies of them for the workers, and their cache.

use std::sync::Arc;

use rayon::prelude::*;

use crate::cache::PassageCache;
use crate::model::{Model, ModelError};
use crate::stages::infer::Infer;
use crate::task::{TaskError, UsedModel};

/// A model that is ready to run.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The workers, each with a copy of the model.
    pub(crate) workers: Vec<Infer>,
    /// The cache of its results; `None` if they depend on the batch, or if the cache is off.
    pub(crate) cache: Option<Arc<PassageCache>>,
    /// True if its results do not depend on the batch.
    pub(crate) is_batch_invariant: bool,
}

/// Loads `copies` of `model`, which has this `index` in [`crate::task::Tasks::models`].
///
/// # Errors
/// The model cannot be loaded, or fails at the check of its batch invariance.
pub(crate) fn load(
    index: usize,
    model: &UsedModel,
    copies: usize,
    cache: &Arc<PassageCache>,
) -> Result<Loaded, TaskError> {
    let mut models = copies_of(model, copies).map_err(|cause| model.failed(cause))?;
    let is_batch_invariant = match models.first_mut() {
        Some(first) => first.is_batch_invariant().map_err(|cause| model.failed(cause))?,
        None => false,
    };
    if cache.is_on() && !is_batch_invariant {
        tracing::info!(model = model.name, "the cache is not used: the results of this model depend on the batch");
    }
    let cache = (cache.is_on() && is_batch_invariant).then(|| Arc::clone(cache));
    let workers = models.into_iter().map(|copy| Infer::new(index, copy, cache.clone())).collect();
    Ok(Loaded { workers, cache, is_batch_invariant })
}

fn copies_of(model: &UsedModel, copies: usize) -> Result<Vec<Model>, ModelError> {
    tracing::info!(model = model.name, revision = model.folder.manifest().revision, runtime = ?model.runtime, "loading");
    let heads: Vec<&str> = model.heads.iter().map(String::as_str).collect();
    (0..copies).into_par_iter().map(|worker| model.folder.load(&model.runtime, worker, &heads)).collect()
}
