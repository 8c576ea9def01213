//! Loads models: copies of them for the workers, and their cache.

use std::sync::Arc;

use crate::cache::PassageCache;
use crate::model::{Model, ModelError};
use crate::stages::infer::Infer;
use crate::task::{TaskError, Tasks, UsedModel};

/// The models of all tasks, ready to run, in the order of [`Tasks::models`].
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// The workers of each model, each with a copy of it.
    pub(crate) workers: Vec<Vec<Infer>>,
    /// The cache of each model's results; `None` if they depend on the batch, or if the cache is off.
    pub(crate) caches: Vec<Option<Arc<PassageCache>>>,
}

/// Loads so many copies of each model, or as many as the configuration says.
///
/// # Errors
/// A model that cannot be loaded, or fails at the check of its batch invariance.
pub(crate) fn load(tasks: &Tasks, copies: Option<usize>, cache: &Arc<PassageCache>) -> Result<Loaded, TaskError> {
    let mut loaded = Loaded::default();
    for (index, model) in tasks.models.iter().enumerate() {
        let copies = copies.unwrap_or(model.runtime.workers);
        let mut models = copies_of(model, copies).map_err(|cause| model.failed(cause))?;
        let cache = cache_for(model, &mut models, cache).map_err(|cause| model.failed(cause))?;
        loaded.workers.push(models.into_iter().map(|copy| Infer::new(index, copy, cache.clone())).collect());
        loaded.caches.push(cache);
    }
    Ok(loaded)
}

/// The name of the first model whose results depend on the batch, if there is one.
///
/// # Errors
/// A model that fails at the check.
pub(crate) fn find_batch_dependent<'t>(
    tasks: &'t Tasks,
    workers: &mut [Vec<Infer>],
) -> Result<Option<&'t str>, TaskError> {
    for (model, workers) in tasks.models.iter().zip(workers) {
        let is_invariant = workers.first_mut().map_or(Ok(false), Infer::is_batch_invariant);
        if !is_invariant.map_err(|cause| model.failed(cause))? {
            return Ok(Some(&model.name));
        }
    }
    Ok(None)
}

fn copies_of(model: &UsedModel, copies: usize) -> Result<Vec<Model>, ModelError> {
    tracing::info!(model = model.name, revision = model.folder.manifest().revision, runtime = ?model.runtime, "loading");
    let heads: Vec<&str> = model.heads.iter().map(String::as_str).collect();
    let first = model.folder.load(&model.runtime, 0, &heads)?.with_vectors(model.wants_vectors);
    let load = |worker| match first.sharing_weights() {
        Some(copy) => Ok(copy),
        None => model.folder.load(&model.runtime, worker, &heads).map(|copy| copy.with_vectors(model.wants_vectors)),
    };
    let others = (1..copies).map(load).collect::<Result<Vec<_>, _>>()?;
    Ok(std::iter::once(first).chain(others).collect())
}

/// The cache for `model`; `None` if its results depend on the batch.
fn cache_for(
    model: &UsedModel,
    copies: &mut [Model],
    cache: &Arc<PassageCache>,
) -> Result<Option<Arc<PassageCache>>, ModelError> {
    if !cache.is_on() {
        return Ok(None);
    }
    let is_invariant = copies.first_mut().map_or(Ok(false), Model::is_batch_invariant)?;
    if !is_invariant {
        tracing::info!(model = model.name, "the cache is not used: the results of this model depend on the batch");
    }
    Ok(is_invariant.then(|| Arc::clone(cache)))
}
