//! What a training needs to go on after it was killed: written whole as each epoch ends.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::recipe::Recipe;
use super::scores::EpochScores;
use super::teacher::Opinions;
use super::{TrainError, at, base_weights, file_error};
use crate::digest::{sha256, sha256_of_file};

/// What may change while a training is under way: what becomes of its epochs, and where; the seed is looked at apart.
const MAY_CHANGE: [(&str, &[&str]); 2] = [
    ("model", &["name", "revision", "base_note", "output", "data", "notes", "mean_of_epochs", "blend"]),
    ("training", &["seed"]),
];

/// The folder of a training under way, beside the model that comes out.
pub(super) struct Checkpoint {
    folder: PathBuf,
    /// What the training was begun with.
    fingerprint: String,
}

/// How far a training is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Progress {
    fingerprint: String,
    /// Steps taken.
    pub(super) steps: usize,
    /// The scores of the epochs that have ended.
    pub(super) epochs: Vec<EpochScores>,
}

impl Checkpoint {
    /// Makes the folder, or finds it.
    pub(super) fn open(recipe: &Recipe) -> Result<Self, TrainError> {
        let folder = recipe.model.beside_output(".training");
        std::fs::create_dir_all(&folder).map_err(file_error(&folder))?;
        Ok(Self { folder, fingerprint: fingerprint(recipe)? })
    }

    /// How far the training was when it broke off; none where it begins.
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

    /// What teachers say of the set called `set`: `ask` is asked once, and a training that is taken up again reads what
    /// it said.
    pub(super) fn opinions(
        &self,
        set: &str,
        ask: impl FnOnce() -> Result<Opinions, TrainError>,
    ) -> Result<Opinions, TrainError> {
        let path = self.folder.join(format!("opinions-{set}-{}.json", &self.fingerprint[..16]));
        // A file that cannot be read is as good as none: it is only what has been asked before.
        if let Some(said) = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(said);
        }
        let said = ask()?;
        if !said.is_empty() {
            write_json(&path, &said)?;
        }
        Ok(said)
    }

    /// The tensors that the training needs to go on.
    pub(super) fn state(&self, progress: &Progress) -> Result<HashMap<String, Tensor>, TrainError> {
        let path = self.state_path(progress.epochs.len());
        Ok(Tensor::read_safetensors(&path).map_err(at(&path))?.into_iter().collect())
    }

    /// Writes all down. A kill at any moment leaves this epoch or the one before.
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

    /// Where the model of an epoch is written, from 1.
    pub(super) fn epoch_folder(&self, epoch: usize) -> PathBuf {
        self.folder.join(format!("epoch-{epoch:02}"))
    }

    /// Where the mean is written.
    pub(super) fn blend_folder(&self) -> PathBuf {
        self.folder.join("blend")
    }

    /// The training is over.
    pub(super) fn remove(self) -> Result<(), TrainError> {
        std::fs::remove_dir_all(&self.folder).map_err(file_error(&self.folder))
    }

    fn state_path(&self, epochs: usize) -> PathBuf {
        self.folder.join(format!("state-{epochs:02}.safetensors"))
    }
}

/// Writes `value` to `path`, whole or not at all.
fn write_json(path: &Path, value: &impl Serialize) -> Result<(), TrainError> {
    let text =
        serde_json::to_vec(value).map_err(|cause| TrainError::Base { path: path.to_owned(), cause: cause.into() })?;
    let part = path.with_extension("part");
    std::fs::write(&part, text).map_err(file_error(&part))?;
    std::fs::rename(&part, path).map_err(file_error(path))
}

/// SHA-256 over what a training learns from, and how: the recipe's lasting part, the seed and every file.
fn fingerprint(recipe: &Recipe) -> Result<String, TrainError> {
    let sets = recipe.heads.values().flat_map(|head| &head.sets);
    let mut files = vec![base_weights(&recipe.model.base)];
    for set in sets {
        files.push(set.train.clone());
        files.extend(set.dev.clone());
        files.extend(set.also.values().flat_map(|also| also.train.iter().chain(&also.dev)).cloned());
        files.extend(set.teachers.iter().chain(set.taught.values()).map(|folder| folder.join("model.toml")));
    }
    let mut text = lasting(recipe)? + &recipe.training.seed.get().to_string();
    if let Some(file) = &recipe.heads_file {
        text += &file.text;
    }
    for path in &files {
        text += &digest(path)?;
    }
    Ok(sha256(text.as_bytes()))
}

/// The recipe without comments and without what may change.
fn lasting(recipe: &Recipe) -> Result<String, TrainError> {
    let mut sections: toml::Table = recipe.file.sections()?;
    for (section, keys) in MAY_CHANGE {
        if let Some(section) = sections.get_mut(section).and_then(toml::Value::as_table_mut) {
            section.retain(|key, _| !keys.contains(&key));
        }
    }
    Ok(sections.to_string())
}

fn digest(path: &Path) -> Result<String, TrainError> {
    sha256_of_file(path).map_err(file_error(path))
}
