//! `pressrun evaluate`: what a task's labels are worth, measured on a labelled file.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use pressrun::config::{Config, Device, Precision, listed};
use pressrun::error::RunError;
use pressrun::evaluate::measure::{Comparison, Measured, Scores};
use pressrun::evaluate::table::{self, Named};
use pressrun::labelled::{LabelledSet, Layout};
use pressrun::model::{HeadManifest, ModelFolder, Runtime};
use serde::Serialize;

use crate::cli::EvaluateArguments;

/// A model and the head that is measured.
struct Candidate {
    folder: ModelFolder,
    head: String,
    precision: Precision,
    device: Device,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Evaluation {
    task: String,
    head: String,
    data: PathBuf,
    /// Rows without a single right label.
    skipped: usize,
    model: Identity,
    #[serde(flatten)]
    scores: Scores,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Baseline>,
}

/// Which model it is.
#[derive(Serialize)]
struct Identity {
    path: PathBuf,
    name: String,
    revision: String,
    precision: &'static str,
}

/// A second model, and how the first differs from it.
#[derive(Serialize)]
struct Baseline {
    model: Identity,
    #[serde(flatten)]
    scores: Scores,
    comparison: Comparison,
}

pub(crate) fn evaluate(arguments: &EvaluateArguments) -> anyhow::Result<()> {
    let candidate = Candidate::new(arguments)?;
    let set = LabelledSet::read(&arguments.data, &layout(arguments), candidate.manifest()?)?;
    let set = if arguments.alone { set.alone() } else { set };
    let (model, measured) = candidate.measure(&set)?;
    let baseline = arguments.against.as_ref().map(|path| candidate.against(path, &set, &measured)).transpose()?;
    let evaluation = Evaluation {
        task: arguments.task.clone(),
        head: candidate.head,
        data: arguments.data.clone(),
        skipped: set.rows.len() + set.skipped - measured.rows(),
        model,
        scores: measured.scores(),
        baseline,
    };
    let text = if arguments.json { serde_json::to_string(&evaluation)? } else { evaluation.tables() };
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        // The reader closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn layout(arguments: &EvaluateArguments) -> Layout {
    Layout { label: arguments.label.clone(), only: arguments.only.iter().cloned().collect(), ..Layout::default() }
}

impl Candidate {
    /// The head named `--task` of `--model`, or the task of the configuration.
    fn new(arguments: &EvaluateArguments) -> anyhow::Result<Self> {
        if let Some(path) = &arguments.model {
            let folder = ModelFolder::open(path)?;
            return Ok(Self { folder, head: arguments.task.clone(), precision: Precision::Auto, device: Device::Cpu });
        }
        let config = Config::load(&arguments.config).map_err(RunError::from)?;
        let task = config.tasks.get(&arguments.task).with_context(|| {
            let known = listed(config.tasks.keys());
            format!("`{}` has no task `{}`, expected one of {known}", arguments.config.display(), arguments.task)
        })?;
        let model = &config.models[task.model.get_ref()];
        let (folder, head) = (ModelFolder::open(&model.path)?, task.head.get_ref().clone());
        Ok(Self { folder, head, precision: model.precision, device: model.device })
    }

    fn manifest(&self) -> anyhow::Result<&HeadManifest> {
        let heads = &self.folder.manifest().heads;
        heads.get(&self.head).with_context(|| {
            let known = listed(heads.keys());
            format!("`{}` has no head `{}`, expected one of {known}", self.folder.path().display(), self.head)
        })
    }

    fn measure(&self, set: &LabelledSet) -> anyhow::Result<(Identity, Measured)> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = Runtime::resolve(self.precision, self.device, Some(1))?;
        runtime.use_threads(cores);
        let mut model = self.folder.load(&runtime, 0, &[&self.head])?;
        let measured = Measured::new(set, self.manifest()?, &self.folder.tokenizer()?, &mut model)?;
        let manifest = self.folder.manifest();
        let identity = Identity {
            path: self.folder.path().to_owned(),
            name: manifest.name.clone(),
            revision: manifest.revision.clone(),
            precision: runtime.precision,
        };
        Ok((identity, measured))
    }

    /// The same head of the model in `path`, and how `ours` differs from it.
    fn against(&self, path: &Path, set: &LabelledSet, ours: &Measured) -> anyhow::Result<Baseline> {
        let folder = ModelFolder::open(path)?;
        let other = Self { folder, head: self.head.clone(), precision: self.precision, device: self.device };
        let is_alike = other.manifest()?.labels == self.manifest()?.labels;
        ensure!(is_alike, "`{}` has other labels in its head `{}`", path.display(), self.head);
        let (model, measured) = other.measure(set)?;
        let comparison = ours.compare(&measured)?.context("a sequence head cannot be compared with a token head")?;
        Ok(Baseline { model, scores: measured.scores(), comparison })
    }
}

impl Evaluation {
    fn tables(&self) -> String {
        let name = |model: &Identity| format!("{} {}", model.name, model.revision);
        let skipped = if self.skipped > 0 { format!(", {} rows left out", self.skipped) } else { String::new() };
        let head = format!("{} by {} on {}{skipped}\n", self.task, name(&self.model), self.data.display());
        let scores = match &self.scores {
            Scores::Classification(scores) => table::classification(scores),
            Scores::Tagging(scores) => table::tagging(scores),
        };
        let (ours, theirs) = (name(&self.model), self.baseline.as_ref().map(|baseline| name(&baseline.model)));
        let comparison = self.baseline.as_ref().zip(theirs.as_ref()).map(|(baseline, theirs)| {
            match (&self.scores, &baseline.scores, &baseline.comparison) {
                (
                    Scores::Classification(scores),
                    Scores::Classification(other),
                    Comparison::Classification(comparison),
                ) => {
                    let (scores, other) = (Named { name: &ours, scores }, Named { name: theirs, scores: other });
                    table::classification_comparison(&scores, &other, comparison)
                }
                (Scores::Tagging(scores), Scores::Tagging(other), Comparison::Tagging(comparison)) => {
                    let (scores, other) = (Named { name: &ours, scores }, Named { name: theirs, scores: other });
                    table::tagging_comparison(&scores, &other, comparison)
                }
                _ => String::new(),
            }
        });
        format!("{head}{scores}\n{}", comparison.unwrap_or_default())
    }
}
