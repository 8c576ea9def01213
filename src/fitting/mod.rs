//! Own labels, above the models: fits them to their descriptions and examples, measures them, finds examples that contradict each other,
//! and chooses the statements to label next. `crate::own_labels` gives the labels in a run.

/// The answers of labelling tools.
mod answers;
/// Measurements of labels, for people.
mod card;
/// Examples that contradict each other.
mod conflicts;
/// One label.
mod label;
/// Logistic regression.
mod logistic;
/// The examples that are nearest to a sentence.
mod nearest;
/// The statements to label next.
mod suggest;
/// Thresholds.
mod threshold;
/// The vectors that labels are fitted to.
mod vectors;

use std::io;
use std::path::{Path, PathBuf};

use crate::causes::chain;
use crate::config::{Config, ConfigError, listed};
use crate::error::RunError;
use crate::ledger::LedgerError;
use crate::output::ReadError;
use crate::output::folder::part_of;
use crate::own_labels::{Fit, LabelFile, OwnLabelError, OwnLabelSettings, fit_path};
use crate::pipeline::{PipelineError, StageError};
use crate::task::{TaskError, own_label_settings};
use vectors::Vectors;

pub use answers::{Imported, ToolFormat, export, import};
pub use card::{Card, FittedText, Neighbour, Overlap};
pub use conflicts::{Conflict, conflicts};
pub use nearest::NearestExample;
pub(crate) use nearest::nearest;
pub use suggest::{Suggestion, SuggestionReason, SuggestionSettings, suggest};

/// Own labels that cannot be fitted, or statements that cannot be suggested.
#[derive(Debug, thiserror::Error)]
pub enum FittingError {
    /// The configuration has no such task, or the task has a head.
    #[error("{0}")]
    Task(String),
    /// The file of labels or of examples is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The labels cannot be used.
    #[error(transparent)]
    OwnLabels(#[from] OwnLabelError),
    /// Examples contradict each other.
    #[error("{}", .0.join("\n"))]
    Contradictions(Vec<String>),
    /// There is nothing to compare labels with.
    #[error("there are no sentences to compare labels with: neither the output folder nor the input has any")]
    NoArchive,
    /// The models or the inputs cannot be used.
    #[error(transparent)]
    Run(#[from] Box<RunError>),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Results cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A stage failed.
    #[error("the articles could not be analysed: {0}")]
    Stage(StageError),
    /// A file cannot be read or written.
    #[error("cannot use `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// Answers have another form.
    #[error("{0}")]
    Answers(String),
}

impl From<StageError> for FittingError {
    fn from(error: StageError) -> Self {
        Self::Stage(error)
    }
}

impl From<FittingError> for RunError {
    /// Errors of labels and their files are errors of the configuration.
    fn from(error: FittingError) -> Self {
        match error {
            FittingError::Config(cause) => cause.into(),
            FittingError::OwnLabels(cause) => TaskError::from(cause).into(),
            FittingError::Run(cause) => *cause,
            FittingError::Ledger(cause) => cause.into(),
            FittingError::Stage(cause) => PipelineError::Failed { stage: "analyse", cause }.into(),
            other => Self::Labels { message: chain(&other) },
        }
    }
}

/// A task with own labels, and its files.
#[derive(Debug)]
pub struct OwnTask<'c> {
    /// The configuration.
    pub config: &'c Config,
    /// The name of the task.
    pub name: &'c str,
    /// The file of labels, with its examples.
    pub file: LabelFile,
    /// The keys of the task.
    pub settings: OwnLabelSettings,
    /// The place of the model in the tasks' list of models.
    model: usize,
}

impl<'c> OwnTask<'c> {
    /// The task with this name; without a name the only one that has own labels.
    ///
    /// # Errors
    /// If there is no such task, or its file of labels is wrong.
    pub fn open(config: &'c Config, name: Option<&str>) -> Result<Self, FittingError> {
        let own: Vec<&'c String> =
            config.tasks.iter().filter(|(_, task)| task.labels.is_some()).map(|(name, _)| name).collect();
        let chosen = match name {
            Some(name) => own.iter().find(|known| **known == name),
            None if own.len() == 1 => own.first(),
            None => None,
        };
        let Some(&name) = chosen else {
            let file = config.file.path.display();
            return Err(FittingError::Task(match name {
                _ if own.is_empty() => format!(
                    "`{file}` has no task with own labels: add `[tasks.desk]` with `model` and `labels = \"labels/desk.toml\"`"
                ),
                Some(name) => format!("`{file}` has no task `{name}` with own labels, expected one of {}", listed(own)),
                None => format!("name one of the tasks with own labels: {}", listed(own)),
            }));
        };
        let task = &config.tasks[name];
        let path = task.labels.as_ref().map(|labels| labels.get_ref().clone()).unwrap_or_default();
        let mut models: Vec<&str> = Vec::new();
        for task in config.tasks.values() {
            let model = task.model.get_ref().as_str();
            if !models.contains(&model) {
                models.push(model);
            }
        }
        let model = models.iter().position(|model| model == task.model.get_ref()).unwrap_or_default();
        let file = LabelFile::load(&path)?;
        Ok(Self { config, name, file, settings: own_label_settings(task), model })
    }

    /// Remarks on the file that keep nothing from working: labels with too few examples to measure them.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for (place, label) in self.file.labels.iter().enumerate() {
            let examples = self.file.accepted(place).count();
            let code = &label.code;
            if examples < threshold::LEAST_EXAMPLES {
                let what = if examples == 0 { "a description alone".to_owned() } else { counted(examples, "example") };
                remarks.push(format!(
                    "{code}: {what}, so scores are not calibrated and nobody can say how precise it is; it takes {} examples",
                    threshold::LEAST_EXAMPLES
                ));
            }
        }
        remarks
    }

    /// # Errors
    /// [`FittingError::Contradictions`] if examples contradict each other.
    pub fn check(&self) -> Result<(), FittingError> {
        let found = self.file.contradictions(self.settings.has_several);
        if found.is_empty() {
            return Ok(());
        }
        Err(FittingError::Contradictions(found.iter().map(|pair| self.file.describe(pair)).collect()))
    }
}

/// Fitted labels with their measurements.
#[derive(Debug)]
pub struct Fitted {
    /// The fit.
    pub fit: Fit,
    /// A card for each label, in the order of the file.
    pub cards: Vec<Card>,
    /// The number of examples that were read in their articles.
    pub in_articles: usize,
    /// The ids of statements of examples that are not in the output folder any more: their texts were read by themselves.
    pub gone: Vec<String>,
}

/// Fits the labels of a task to their descriptions and examples, and to the archive: a sample of the output folder, whose documents are
/// read again under `paths` (empty for `[input] paths`), or of the input if there is no output folder yet. The same files give the same
/// bits.
///
/// # Errors
/// Examples that contradict each other, an archive without sentences, or models or inputs that cannot be used.
pub fn fit(task: &OwnTask<'_>, paths: Vec<PathBuf>) -> Result<Fitted, FittingError> {
    task.check()?;
    let mut analyser = vectors::analyser(task.config)?;
    let vectors = Vectors::collect(task, &mut analyser, paths)?;
    let fits = label::fit_all(&task.file, &vectors, task.settings);
    let fingerprint = &analyser.tasks().models[task.model].folder.manifest().fingerprint;
    let mut fit = Fit::new(&task.file, fingerprint, task.settings);
    fit.background = vectors.background.len();
    fit.mean.clone_from(&vectors.mean);
    fit.labels = fits.iter().map(|fit| fit.fitted.clone()).collect();
    let cards = card::cards(task, &vectors, &fits);
    Ok(Fitted { fit, cards, in_articles: vectors.in_articles, gone: vectors.gone })
}

/// Writes a fit beside the file of labels, and returns the path.
///
/// # Errors
/// A file that cannot be written.
pub fn write(task: &OwnTask<'_>, fit: &Fit) -> Result<PathBuf, FittingError> {
    let path = fit_path(&task.file.file.path);
    let text = fit.to_text().map_err(|cause| FittingError::File { path: path.clone(), cause: cause.into() })?;
    replace(&path, text.as_bytes())?;
    Ok(path)
}

/// Writes a file under another name first, so that it is never there by half.
fn replace(path: &Path, content: &[u8]) -> Result<(), FittingError> {
    let part = part_of(path);
    let outcome = std::fs::write(&part, content).and_then(|()| std::fs::rename(&part, path));
    outcome.map_err(|cause| FittingError::File { path: path.to_owned(), cause })
}

/// A number with its word: `1 example`, `3 examples`.
fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
