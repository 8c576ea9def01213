//! The mean of several models' weights.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tch::{Kind, Tensor};

use super::export::{self, HEADS, WEIGHTS};
use super::recipe::Recipe;
use super::{TrainError, at};
use crate::model::ModelFolder;

/// Checks that the models to blend with have no head whose labels differ from the recipe's. They may lack a head.
pub(super) fn check(recipe: &Recipe) -> Result<(), TrainError> {
    for blend in &recipe.model.blend {
        let model = ModelFolder::open(&blend.model)?;
        let heads = &model.manifest().heads;
        for (name, head) in &recipe.heads {
            if heads.get(name.as_str()).is_some_and(|other| !head.is_like(other)) {
                return Err(other_head(name, &blend.model));
            }
        }
    }
    Ok(())
}

/// Checks that the model in `folder` has the recipe's heads and labels.
pub(super) fn check_heads(recipe: &Recipe, folder: &Path) -> Result<(), TrainError> {
    let model = ModelFolder::open(folder)?;
    let heads = &model.manifest().heads;
    for (name, head) in &recipe.heads {
        if !heads.get(name.as_str()).is_some_and(|other| head.is_like(other)) {
            return Err(other_head(name, folder));
        }
    }
    Ok(())
}

fn other_head(name: &str, folder: &Path) -> TrainError {
    let message = format!("its head `{name}` is missing, of another kind, or has other labels");
    TrainError::Base { path: folder.to_owned(), cause: message.into() }
}

/// Writes the mean of `models` to `to`: each has the share of it that stands beside it, the shares sum to 1, and the first gives the
/// settings and the precision. A head that a model lacks is the first model's in its place. The manifest is left to be written.
pub(super) fn blend(models: &[(PathBuf, f64)], to: &Path) -> Result<(), TrainError> {
    let (first, _) = &models[0];
    export::begin(first, to)?;
    for name in WEIGHTS {
        let mut sums = tensors(&first.join(name))?;
        let firsts: Vec<Tensor> = sums.iter().map(|(_, tensor)| tensor.shallow_clone()).collect();
        let kinds: Vec<Kind> = sums.iter().map(|(_, tensor)| tensor.kind()).collect();
        for (_, sum) in &mut sums {
            *sum = sum.f_zeros_like()?.f_to_kind(Kind::Float)?;
        }
        for (folder, share) in models {
            add(&mut sums, &firsts, &folder.join(name), *share)?;
        }
        let rounded = |((name, mean), kind): ((String, Tensor), Kind)| (name, mean.to_kind(kind));
        let means: Vec<_> = sums.into_iter().zip(kinds).map(rounded).collect();
        export::write_tensors(&means, &to.join(name))?;
    }
    Ok(())
}

/// Adds to each sum its `share` of the tensor of the same name in the file at `path`, or of that in `firsts` where the file
/// has no such head.
fn add(sums: &mut [(String, Tensor)], firsts: &[Tensor], path: &Path, share: f64) -> Result<(), TrainError> {
    let is_of_heads = path.ends_with(HEADS);
    let tensors: HashMap<String, Tensor> = tensors(path)?.into_iter().collect();
    for ((name, sum), first) in sums.iter_mut().zip(firsts) {
        let tensor = tensors.get(name).or(if is_of_heads { Some(first) } else { None });
        let tensor = tensor.filter(|tensor| tensor.size() == sum.size()).ok_or_else(|| {
            let message = format!("it cannot be blended with: `{name}` is missing, or has another shape");
            TrainError::Base { path: path.to_owned(), cause: message.into() }
        })?;
        *sum = sum.f_add(&tensor.to_kind(Kind::Float).f_mul_scalar(share)?)?;
    }
    Ok(())
}

fn tensors(path: &Path) -> Result<Vec<(String, Tensor)>, TrainError> {
    Tensor::read_safetensors(path).map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_has_its_share_of_the_mean() {
        let folder = tempfile::tempdir().unwrap();
        let model = |value: f64| {
            let path = folder.path().join(value.to_string());
            std::fs::create_dir(&path).unwrap();
            for name in ["config.json", "tokenizer.json"] {
                std::fs::write(path.join(name), "{}").unwrap();
            }
            for (name, kind) in WEIGHTS.into_iter().zip([Kind::Half, Kind::Float]) {
                let tensor = Tensor::full([3], value, (kind, tch::Device::Cpu));
                Tensor::write_safetensors(&[("weight", tensor)], path.join(name)).unwrap();
            }
            path
        };
        let to = folder.path().join("mean");
        blend(&[(model(1.0), 0.25), (model(2.0), 0.25), (model(6.0), 0.5)], &to).unwrap();
        let [encoder, heads] = WEIGHTS.map(|name| tensors(&to.join(name)).unwrap().remove(0).1);
        assert_eq!((encoder.kind(), heads.kind()), (Kind::Half, Kind::Float));
        assert!((encoder.double_value(&[1]) - 3.75).abs() < 1e-3 && (heads.double_value(&[1]) - 3.75).abs() < 1e-6);
        assert!(to.join("tokenizer.json").exists());

        let other = Tensor::full([2], 9.0, (Kind::Float, tch::Device::Cpu));
        Tensor::write_safetensors(&[("other", other)], model(4.0).join(WEIGHTS[1])).unwrap();
        blend(&[(folder.path().join("2"), 0.5), (folder.path().join("4"), 0.5)], &to).unwrap();
        let [encoder, heads] = WEIGHTS.map(|name| tensors(&to.join(name)).unwrap().remove(0).1);
        assert!((encoder.double_value(&[1]) - 3.0).abs() < 1e-3, "the mean of both");
        assert!((heads.double_value(&[1]) - 2.0).abs() < 1e-6, "the other model lacks the head");
    }
}
