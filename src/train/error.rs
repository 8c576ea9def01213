//! Errors that end a training.

use std::path::{Path, PathBuf};

use tch::TchError;

use crate::config::ConfigError;
use crate::labelled::LabelledError;
use crate::model::{Cause, ModelError};

/// An error that ends a training.
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
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The encoder to start from cannot be used.
    #[error("cannot use `{}`", path.display())]
    Base {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: Cause,
    },
    /// Weights cannot be read or written.
    #[error("libtorch failed on `{}`", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: TchError,
    },
    /// An operation of libtorch failed.
    #[error("libtorch failed")]
    Torch(#[from] TchError),
    /// The loss is not finite.
    #[error(
        "the loss is {loss} at step {step} of epoch {epoch}: the training has diverged; try a smaller `learning_rate` than {learning_rate}"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The step, from 1.
        step: usize,
        /// The loss: NaN or infinite.
        loss: f64,
        /// The recipe's learning rate.
        learning_rate: f64,
    },
    /// A teacher of a set lacks a head or has other labels.
    #[error("`{}` cannot teach head `{head}`: {message}", path.display())]
    Teacher {
        /// The teacher's folder.
        path: PathBuf,
        /// The head.
        head: String,
        /// The cause.
        message: &'static str,
    },
    /// The checkpoint belongs to a different training.
    #[error("`{}` belongs to a training with a different recipe, data or base: remove it to start over", folder.display())]
    OtherTraining {
        /// The folder of the checkpoint.
        folder: PathBuf,
    },
}

/// Maps an I/O error to that of the file at `path`.
pub(super) fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> TrainError {
    let path = path.to_owned();
    move |cause| TrainError::File { path, cause }
}

/// Maps an error of libtorch to that of the file at `path`.
pub(super) fn at(path: &Path) -> impl FnOnce(TchError) -> TrainError {
    let path = path.to_owned();
    move |cause| TrainError::Weights { path, cause }
}
