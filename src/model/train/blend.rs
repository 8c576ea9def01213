//! The mean of several models' weights.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tch::{Kind, Tensor};

use super::recipe::Recipe;
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

/// Writes the model in `first` to `to`, after the mean has been taken with each of `others` in turn, which has the share of it that stands
/// beside it. The manifest is left to be written.
pub(super) fn blend(first: &Path, others: &[(PathBuf, f64)], to: &Path) -> Result<(), TrainError> {
    std::fs::create_dir_all(to).map_err(file_error(to))?;
    for name in ["config.json", "tokenizer.json"] {
        std::fs::copy(first.join(name), to.join(name)).map_err(file_error(&to.join(name)))?;
    }
    for name in ["encoder.safetensors", "heads.safetensors"] {
        let mut means = tensors(&first.join(name))?;
        let kinds: Vec<Kind> = means.iter().map(|(_, tensor)| tensor.kind()).collect();
        for (folder, share) in others {
            means = mean(means, &folder.join(name), *share)?;
        }
        let rounded = |((name, mean), kind): ((String, Tensor), Kind)| (name, mean.to_kind(kind));
        let means: Vec<_> = means.into_iter().zip(kinds).map(rounded).collect();
        let path = to.join(name);
        Tensor::write_safetensors(&means, &path).map_err(at(&path))?;
    }
    Ok(())
}

/// The mean of each tensor, in f32, with that of the same name in the file `other`, which has `share` of it.
fn mean(ours: Vec<(String, Tensor)>, other: &Path, share: f64) -> Result<Vec<(String, Tensor)>, TrainError> {
    let others: HashMap<String, Tensor> = tensors(other)?.into_iter().collect();
    let mean = |(name, tensor): (String, Tensor)| {
        let with = others.get(&name).filter(|with| with.size() == tensor.size()).ok_or_else(|| {
            let message = format!("it cannot be blended with: `{name}` is missing, or has another shape");
            TrainError::Base { path: other.to_owned(), message }
        })?;
        Ok((name, tensor.to_kind(Kind::Float).f_lerp(&with.to_kind(Kind::Float), share)?))
    };
    ours.into_iter().map(mean).collect()
}

fn tensors(path: &Path) -> Result<Vec<(String, Tensor)>, TrainError> {
    Tensor::read_safetensors(path).map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_has_its_share_of_the_mean_so_far() {
        let folder = tempfile::tempdir().unwrap();
        let model = |value: f64| {
            let path = folder.path().join(value.to_string());
            std::fs::create_dir(&path).unwrap();
            for name in ["config.json", "tokenizer.json"] {
                std::fs::write(path.join(name), "{}").unwrap();
            }
            for (name, kind) in [("encoder.safetensors", Kind::Half), ("heads.safetensors", Kind::Float)] {
                let tensor = Tensor::full([3], value, (kind, tch::Device::Cpu));
                Tensor::write_safetensors(&[("weight", tensor)], path.join(name)).unwrap();
            }
            path
        };
        let (first, to) = (model(1.0), folder.path().join("mean"));
        let mut others = vec![(model(2.0), 1.0 / 2.0), (model(6.0), 1.0 / 3.0)];
        let found =
            || ["encoder.safetensors", "heads.safetensors"].map(|name| tensors(&to.join(name)).unwrap().remove(0).1);
        blend(&first, &others, &to).unwrap();
        let [encoder, heads] = found();
        assert_eq!((encoder.kind(), heads.kind()), (Kind::Half, Kind::Float));
        assert!((encoder.double_value(&[1]) - 3.0).abs() < 1e-3 && (heads.double_value(&[1]) - 3.0).abs() < 1e-6);

        others.push((model(7.0), 0.25));
        blend(&first, &others, &to).unwrap();
        assert!((found()[1].double_value(&[2]) - 4.0).abs() < 1e-6);
    }
}
