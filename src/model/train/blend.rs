//! The mean of two models' weights.

use std::collections::HashMap;
use std::path::Path;

use tch::{Kind, Tensor};

use super::recipe::{Blend, Recipe};
use super::{TrainError, at, file_error};
use crate::model::ModelFolder;

/// Checks that the model to blend with has the recipe's heads and labels.
pub(super) fn check(recipe: &Recipe) -> Result<(), TrainError> {
    recipe.model.blend.as_ref().map_or(Ok(()), |blend| check_heads(recipe, &blend.model))
}

/// Checks that the model in `folder` has the recipe's heads and labels.
pub(super) fn check_heads(recipe: &Recipe, folder: &Path) -> Result<(), TrainError> {
    let model = ModelFolder::open(folder)?;
    let heads = &model.manifest().heads;
    match recipe.heads.iter().find(|(name, head)| !heads.get(name.as_str()).is_some_and(|other| head.is_like(other))) {
        Some((name, _)) => {
            let message = format!("its head `{name}` is missing, of another kind, or has other labels");
            Err(TrainError::Base { path: folder.to_owned(), message })
        }
        None => Ok(()),
    }
}

/// Writes the model in `folder` to `to`, with the mean of its weights and those of `blend`. The manifest is left to be
/// written.
pub(super) fn blend(folder: &Path, blend: &Blend, to: &Path) -> Result<(), TrainError> {
    std::fs::create_dir_all(to).map_err(file_error(to))?;
    for name in ["config.json", "tokenizer.json"] {
        std::fs::copy(folder.join(name), to.join(name)).map_err(file_error(&to.join(name)))?;
    }
    for name in ["encoder.safetensors", "heads.safetensors"] {
        let other = blend.model.join(name);
        let means = means(tensors(&folder.join(name))?, &other, blend.share.get())?;
        let path = to.join(name);
        Tensor::write_safetensors(&means, &path).map_err(at(&path))?;
    }
    Ok(())
}

/// The mean of each tensor with that of the same name in the file `other`, which has `share` of it.
fn means(ours: Vec<(String, Tensor)>, other: &Path, share: f64) -> Result<Vec<(String, Tensor)>, TrainError> {
    let others: HashMap<String, Tensor> = tensors(other)?.into_iter().collect();
    let mean = |(name, tensor): (String, Tensor)| {
        let with = others.get(&name).filter(|with| with.size() == tensor.size()).ok_or_else(|| {
            let message = format!("it cannot be blended with: `{name}` is missing, or has another shape");
            TrainError::Base { path: other.to_owned(), message }
        })?;
        let mean = tensor.to_kind(Kind::Float).f_lerp(&with.to_kind(Kind::Float), share)?;
        Ok((name, mean.to_kind(tensor.kind())))
    };
    ours.into_iter().map(mean).collect()
}

fn tensors(path: &Path) -> Result<Vec<(String, Tensor)>, TrainError> {
    Tensor::read_safetensors(path).map_err(at(path))
}
