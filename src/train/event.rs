//! Progress of a training, for an observer.

use super::scores::EpochScores;

/// An event of a training.
#[derive(Debug, Clone)]
pub enum Event<'e> {
    /// A teacher begins to label a set, which can take minutes.
    Labelling {
        /// The name of the teacher's folder.
        teacher: &'e str,
        /// The set's name.
        set: &'e str,
        /// The number of texts in the set, with synthetic ones.
        texts: usize,
    },
    /// All sets have been read, and the training starts.
    Started {
        /// The number of passages to learn from.
        examples: usize,
        /// The number of batches in all epochs.
        batches: usize,
    },
    /// An interrupted training continues after this epoch.
    Resumed(&'e EpochScores),
    /// The weights have been updated by a batch.
    Step(Step),
    /// An epoch has ended and been saved.
    Epoch(&'e EpochScores),
    /// The model is finished and calibrated.
    Finished(&'e EpochScores),
}

/// The progress after one batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The batch in the epoch, from 1.
    pub batch: usize,
    /// The number of batches in the epoch.
    pub batches: usize,
    /// The mean loss of the epoch so far.
    pub loss: f64,
    /// The norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Tokens per second in the epoch so far, without padding.
    pub tokens_per_second: f64,
}
