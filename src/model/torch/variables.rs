//! Weights to tensors and variables.

use tch::nn::VarStore;
use tch::{TchError, Tensor};

use crate::model::ModelError;
use crate::model::weights::Weights;

/// Gives the variables of `store` their values.
///
/// # Errors
/// If one has no value in `weights`.
pub(super) fn fill(store: &VarStore, weights: &Weights) -> Result<(), ModelError> {
    for (name, variable) in store.variables() {
        copy(weights, weights.get(&name)?, variable)?;
    }
    Ok(())
}

/// Gives the variables of `store` their values, except those that have none in `weights`.
///
/// # Errors
/// If libtorch refuses a value.
pub(crate) fn fill_known(store: &VarStore, weights: &Weights) -> Result<(), ModelError> {
    for (name, variable) in store.variables() {
        if let Some(values) = weights.find(&name) {
            copy(weights, values, variable)?;
        }
    }
    Ok(())
}

fn copy(weights: &Weights, values: &[f32], variable: Tensor) -> Result<(), ModelError> {
    try_copy(values, variable)
        .map_err(|cause| ModelError::Torch { path: weights.path().to_owned(), cause: cause.into() })
}

fn try_copy(values: &[f32], mut variable: Tensor) -> Result<(), TchError> {
    let values = Tensor::f_from_slice(values)?.f_view(variable.size().as_slice())?;
    tch::no_grad(|| variable.f_copy_(&values))
}
