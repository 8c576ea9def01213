//! The mean of several models' weights.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tch::{Kind, Tensor};

use super::export::{self, HEADS, WEIGHTS};
use super::recipe::Recipe;
use super::{TrainError, at};
use crate::model::ModelFolder;

/// Checks that the models to average with have no head whose labels differ from the recipe's. They may lack a head.
pub(super) fn check_models(recipe: &Recipe) -> Result<(), TrainError> {
    for other in &recipe.model.average_with {
        let model = ModelFolder::open(&other.model)?;
        for (name, head) in &recipe.heads {
            let head_of_other = model.manifest().heads.get(name.as_str());
            if head_of_other.is_some_and(|of_other| !head.is_like(of_other)) {
                return Err(other_head(name, &other.model));
            }
        }
    }
    Ok(())
}

/// Checks that the model in `folder` has the recipe's heads and labels.
pub(super) fn check_heads(recipe: &Recipe, folder: &Path) -> Result<(), TrainError> {
    let model = ModelFolder::open(folder)?;
    for (name, head) in &recipe.heads {
        if !model.manifest().heads.get(name.as_str()).is_some_and(|other| head.is_like(other)) {
            return Err(other_head(name, folder));
        }
    }
    Ok(())
}

fn other_head(name: &str, folder: &Path) -> TrainError {
    let message = format!("its head `{name}` is missing, of another kind, or has other labels");
    TrainError::Base { path: folder.to_owned(), cause: message.into() }
}

/// Writes the weighted mean of `models`, folders with shares that sum to 1, to `to`. The first model gives the configuration, the
/// tokenizer and the precision, and also each head that another model lacks. The manifest is not written.
pub(super) fn write_average(models: &[(PathBuf, f64)], to: &Path) -> Result<(), TrainError> {
    let (first, _) = &models[0];
    export::begin(first, to)?;
    for name in WEIGHTS {
        let of_first = tensors(&first.join(name))?;
        let mut sums = Vec::new();
        for (name, tensor) in &of_first {
            sums.push((name.clone(), tensor.f_zeros_like()?.f_to_kind(Kind::Float)?));
        }
        for (folder, share) in models {
            add(&mut sums, &of_first, &folder.join(name), *share)?;
        }
        let mut means = Vec::new();
        for ((name, mean), (_, tensor)) in sums.into_iter().zip(&of_first) {
            means.push((name, mean.f_to_kind(tensor.kind())?));
        }
        export::write_tensors(&means, &to.join(name))?;
    }
    Ok(())
}

/// Adds to each sum the tensor of the same name in the file at `path`, multiplied by `share`. If the file lacks a head, the
/// head of the first model is added in its place.
fn add(
    sums: &mut [(String, Tensor)],
    of_first: &[(String, Tensor)],
    path: &Path,
    share: f64,
) -> Result<(), TrainError> {
    let has_heads = path.ends_with(HEADS);
    let of_model: HashMap<String, Tensor> = tensors(path)?.into_iter().collect();
    for ((name, sum), (_, first)) in sums.iter_mut().zip(of_first) {
        let tensor = of_model.get(name).or(if has_heads { Some(first) } else { None });
        let Some(tensor) = tensor.filter(|tensor| tensor.size() == sum.size()) else {
            let message = format!("cannot average with it: `{name}` is missing, or has another shape");
            return Err(TrainError::Base { path: path.to_owned(), cause: message.into() });
        };
        *sum = sum.f_add(&tensor.f_to_kind(Kind::Float)?.f_mul_scalar(share)?)?;
    }
    Ok(())
}

fn tensors(path: &Path) -> Result<Vec<(String, Tensor)>, TrainError> {
    Tensor::read_safetensors(path).map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_model(folder: &Path, value: f64) -> PathBuf {
        let path = folder.join(value.to_string());
        std::fs::create_dir(&path).unwrap();
        for name in ["config.json", "tokenizer.json"] {
            std::fs::write(path.join(name), "{}").unwrap();
        }
        for (name, kind) in WEIGHTS.into_iter().zip([Kind::Half, Kind::Float]) {
            let tensor = Tensor::full([3], value, (kind, tch::Device::Cpu));
            Tensor::write_safetensors(&[("weight", tensor)], path.join(name)).unwrap();
        }
        path
    }

    #[test]
    fn each_model_has_its_share_of_the_mean() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("mean");
        let [one, two, six] = [1.0, 2.0, 6.0].map(|value| write_model(folder.path(), value));
        write_average(&[(one, 0.25), (two.clone(), 0.25), (six, 0.5)], &to).unwrap();
        let [encoder, heads] = WEIGHTS.map(|name| tensors(&to.join(name)).unwrap().remove(0).1);
        assert_eq!((encoder.kind(), heads.kind()), (Kind::Half, Kind::Float));
        assert!((encoder.double_value(&[1]) - 3.75).abs() < 1e-3 && (heads.double_value(&[1]) - 3.75).abs() < 1e-6);
        assert!(to.join("tokenizer.json").exists());

        let four = write_model(folder.path(), 4.0);
        let other = Tensor::full([2], 9.0, (Kind::Float, tch::Device::Cpu));
        Tensor::write_safetensors(&[("other", other)], four.join(WEIGHTS[1])).unwrap();
        write_average(&[(two, 0.5), (four, 0.5)], &to).unwrap();
        let [encoder, heads] = WEIGHTS.map(|name| tensors(&to.join(name)).unwrap().remove(0).1);
        assert!((encoder.double_value(&[1]) - 3.0).abs() < 1e-3, "the mean of both");
        assert!((heads.double_value(&[1]) - 2.0).abs() < 1e-6, "the other model lacks the head");
    }
}
