//! The state that a killed training continues from, written at the end of each epoch.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::recipe::Recipe;
use super::scores::EpochScores;
use super::teacher::HeadSoftLabels;
use super::{TrainError, at, base_weights, file_error};
use crate::digest::{sha256, sha256_of_file};

/// The keys that may change during a training: they only concern the finished model. The seed has its own check.
const MAY_CHANGE: [(&str, &[&str]); 2] = [
    ("model", &["name", "revision", "base_note", "output", "data", "notes", "average_epochs", "average_with"]),
    ("training", &["seed"]),
];

/// The folder of a training, next to the model's folder.
pub(super) struct Checkpoint {
    folder: PathBuf,
    /// The digest of everything that the training depends on.
    fingerprint: String,
}

/// The progress of a training.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Progress {
    fingerprint: String,
    /// The number of optimizer steps.
    pub(super) steps: usize,
    /// The scores of the finished epochs.
    pub(super) epochs: Vec<EpochScores>,
}

impl Checkpoint {
    /// Opens the folder, or creates it.
    pub(super) fn open(recipe: &Recipe) -> Result<Self, TrainError> {
        let folder = recipe.model.beside_output(".training");
        std::fs::create_dir_all(&folder).map_err(file_error(&folder))?;
        Ok(Self { folder, fingerprint: fingerprint(recipe)? })
    }

    /// The progress of an interrupted training; `None` for a new one.
    pub(super) fn progress(&self) -> Result<Option<Progress>, TrainError> {
        let path = self.folder.join("progress.json");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(TrainError::File { path, cause }),
        };
        let progress: Option<Progress> = serde_json::from_slice(&bytes).ok();
        match progress.filter(|progress| progress.fingerprint == self.fingerprint) {
            Some(progress) => Ok(Some(progress)),
            None => Err(TrainError::OtherTraining { folder: self.folder.clone() }),
        }
    }

    /// The soft labels of the set called `set`: those of an earlier start of this training, or those that `compute` gives.
    pub(super) fn soft_labels(
        &self,
        set: &str,
        compute: impl FnOnce() -> Result<HeadSoftLabels, TrainError>,
    ) -> Result<HeadSoftLabels, TrainError> {
        let path = self.folder.join(format!("soft-labels-{set}-{}.json", &self.fingerprint[..16]));
        // The file is only a cache: if it cannot be read, the labels are computed again.
        if let Some(labels) = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(labels);
        }
        let labels = compute()?;
        if !labels.is_empty() {
            write_json(&path, &labels)?;
        }
        Ok(labels)
    }

    /// The tensors that the training continues from.
    pub(super) fn state(&self, progress: &Progress) -> Result<HashMap<String, Tensor>, TrainError> {
        let path = self.state_path(progress.epochs.len());
        Ok(Tensor::read_safetensors(&path).map_err(at(&path))?.into_iter().collect())
    }

    /// Saves the state at the end of an epoch. A kill at any moment leaves this epoch or the one before.
    pub(super) fn save(
        &self,
        state: &[(String, Tensor)],
        steps: usize,
        epochs: &[EpochScores],
    ) -> Result<(), TrainError> {
        let path = self.state_path(epochs.len());
        Tensor::write_safetensors(state, &path).map_err(at(&path))?;
        let progress = Progress { fingerprint: self.fingerprint.clone(), steps, epochs: epochs.to_vec() };
        write_json(&self.folder.join("progress.json"), &progress)?;
        if epochs.len() > 1 {
            let _ = std::fs::remove_file(self.state_path(epochs.len() - 1));
        }
        Ok(())
    }

    /// The folder of an epoch's model, from 1.
    pub(super) fn epoch_folder(&self, epoch: usize) -> PathBuf {
        self.folder.join(format!("epoch-{epoch:02}"))
    }

    /// The folder of the averaged model.
    pub(super) fn average_folder(&self) -> PathBuf {
        self.folder.join("average")
    }

    /// Removes the folder at the end of the training.
    pub(super) fn remove(self) -> Result<(), TrainError> {
        std::fs::remove_dir_all(&self.folder).map_err(file_error(&self.folder))
    }

    fn state_path(&self, epochs: usize) -> PathBuf {
        self.folder.join(format!("state-{epochs:02}.safetensors"))
    }
}

/// Writes `value` to `path` by way of another name, so that the file is complete or missing.
fn write_json(path: &Path, value: &impl Serialize) -> Result<(), TrainError> {
    let text =
        serde_json::to_vec(value).map_err(|cause| TrainError::Base { path: path.to_owned(), cause: cause.into() })?;
    let part = path.with_extension("part");
    std::fs::write(&part, text).map_err(file_error(&part))?;
    std::fs::rename(&part, path).map_err(file_error(path))
}

/// SHA-256 of everything that the weights depend on: the recipe without [`MAY_CHANGE`], the seed and every file.
fn fingerprint(recipe: &Recipe) -> Result<String, TrainError> {
    let mut files = vec![base_weights(&recipe.model.base)];
    for set in recipe.heads.values().flat_map(|head| &head.sets) {
        files.push(set.train.clone());
        files.extend(set.dev.clone());
        files.extend(set.also.values().flat_map(|also| also.train.iter().chain(&also.dev)).cloned());
        files.extend(set.teachers.iter().chain(set.distilled_heads.values()).map(|folder| folder.join("model.toml")));
    }
    let mut text = fixed_sections(recipe)? + &recipe.training.seed.get().to_string();
    if let Some(file) = &recipe.heads_file {
        text += &file.text;
    }
    for path in &files {
        text += &sha256_of_file(path).map_err(file_error(path))?;
    }
    Ok(sha256(text.as_bytes()))
}

/// The recipe without comments and without [`MAY_CHANGE`].
fn fixed_sections(recipe: &Recipe) -> Result<String, TrainError> {
    let mut sections: toml::Table = recipe.file.sections()?;
    for (section, keys) in MAY_CHANGE {
        if let Some(section) = sections.get_mut(section).and_then(toml::Value::as_table_mut) {
            section.retain(|key, _| !keys.contains(&key));
        }
    }
    Ok(sections.to_string())
}
