//! Why a training cannot begin or go on.

use std::path::{Path, PathBuf};

use tch::TchError;

use crate::config::ConfigError;
use crate::labelled::LabelledError;
use crate::model::{Cause, ModelError};

/// Why a model cannot be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The recipe is wrong.
    #[error(transparent)]
    Recipe(#[from] ConfigError),
    /// A labelled set is wrong.
    #[error(transparent)]
    Labelled(#[from] LabelledError),
    /// A model cannot be loaded.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file cannot be read or written.
    #[error("cannot read or write `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The encoder to begin from cannot be used.
    #[error("cannot use `{}`", path.display())]
    Base {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: Cause,
    },
    /// Weights cannot be read or written.
    #[error("libtorch failed on `{}`", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: TchError,
    },
    /// libtorch refused an operation.
    #[error("libtorch failed")]
    Torch(#[from] TchError),
    /// A step has led nowhere.
    #[error(
        "the loss is {loss} at step {step} of epoch {epoch}: the training has diverged; try a smaller `learning_rate` than {learning_rate}"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The step, from 1.
        step: usize,
        /// What it was: not a number, or infinite.
        loss: f64,
        /// As the recipe has it.
        learning_rate: f64,
    },
    /// A set's teacher cannot teach this head.
    #[error("`{}` cannot teach head `{head}`: {message}", path.display())]
    Teacher {
        /// The teacher's folder.
        path: PathBuf,
        /// The head.
        head: String,
        /// Why.
        message: &'static str,
    },
    /// A training under way is another one.
    #[error("`{}` is of a training with another recipe, other data or another base: remove it to begin anew", folder.display())]
    OtherTraining {
        /// The folder of the training under way.
        folder: PathBuf,
    },
}

/// A failure to read or write the file `path`.
pub(super) fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> TrainError {
    let path = path.to_owned();
    move |cause| TrainError::File { path, cause }
}

/// A failure of libtorch at the file `path`.
pub(super) fn at(path: &Path) -> impl FnOnce(TchError) -> TrainError {
    let path = path.to_owned();
    move |cause| TrainError::Weights { path, cause }
}
