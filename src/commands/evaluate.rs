//! `pressrun evaluate`: what a task's labels are worth, measured on a labelled file.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use pressrun::config::{Config, Device, Precision, listed};
use pressrun::error::RunError;
use pressrun::evaluate::classification::coverage_at;
use pressrun::evaluate::measure::{Comparison, Measured, Scores};
use pressrun::evaluate::table::{self, Named};
use pressrun::labelled::{LabelledSet, Layout, NO_STATEMENT_FLAG};
use pressrun::model::{FloatType, HeadManifest, ModelFolder, Report, Runtime};
use serde::Serialize;

use crate::cli::EvaluateArguments;

/// A model and the head that is measured.
struct Candidate {
    folder: ModelFolder,
    head: String,
    precision: Precision,
    device: Device,
    /// The task's threshold; `None` where no configuration names one.
    min_score: Option<f64>,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Evaluation {
    task: String,
    head: String,
    data: PathBuf,
    /// Rows, or sentences of documents, that have no label to measure by.
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
    precision: FloatType,
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
    let head = candidate.manifest()?;
    let set = LabelledSet::load(&arguments.data, &layout(arguments, head), head)?;
    let set = if arguments.alone { set.alone() } else { set };
    let (model, measured) = candidate.measure(&set)?;
    if let Some(path) = &arguments.predictions {
        write_predictions(path, &measured)?;
    }
    let baseline = arguments.against.as_ref().map(|path| candidate.against(path, &set, &measured)).transpose()?;
    let scores = candidate.scores(&measured);
    let evaluation = Evaluation {
        task: arguments.task.clone(),
        head: candidate.head,
        data: arguments.data.clone(),
        skipped: set.texts() - measured.rows(),
        model,
        scores,
        baseline,
    };
    let text = if arguments.json { serde_json::to_string(&evaluation)? } else { evaluation.tables() };
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        // The reader closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// How the labelled file is read for `head`.
fn layout(arguments: &EvaluateArguments, head: &HeadManifest) -> Layout {
    let default = Layout::default();
    Layout {
        text: arguments.text.clone().unwrap_or(default.text),
        label: arguments.label.clone(),
        separator: arguments.separator.clone(),
        flag: Some(NO_STATEMENT_FLAG).filter(|_| head.report == Report::Boilerplate && arguments.label.is_none()),
        only: arguments.only.iter().cloned().collect(),
        ..Layout::default()
    }
}

/// Writes a line for each text and each document of a labelling task.
fn write_predictions(path: &Path, measured: &Measured) -> anyhow::Result<()> {
    let Measured::Classified(found) = measured else {
        bail!("`--predictions` is for tasks that label texts, not for tasks that mark parts of them");
    };
    let failed = || format!("cannot write `{}`", path.display());
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).with_context(failed)?);
    for prediction in found.predictions() {
        serde_json::to_writer(&mut file, &prediction).with_context(failed)?;
        file.write_all(b"\n").with_context(failed)?;
    }
    file.flush().with_context(failed)
}

impl Candidate {
    /// The head named `--task` of `--model`, or the task of the configuration.
    fn new(arguments: &EvaluateArguments) -> anyhow::Result<Self> {
        if let Some(path) = &arguments.model {
            let folder = ModelFolder::open(path)?;
            let head = arguments.task.clone();
            return Ok(Self { folder, head, precision: Precision::Auto, device: Device::Cpu, min_score: None });
        }
        let config = Config::load(&arguments.config).map_err(RunError::from)?;
        let task = config.tasks.get(&arguments.task).with_context(|| {
            let known = listed(config.tasks.keys());
            format!("`{}` has no task `{}`, expected one of {known}", arguments.config.display(), arguments.task)
        })?;
        let model = &config.models[task.model.get_ref()];
        let (folder, head) = (ModelFolder::open(&model.path)?, task.head.get_ref().clone());
        let min_score = Some(task.min_score.get());
        Ok(Self { folder, head, precision: model.precision, device: model.device, min_score })
    }

    fn manifest(&self) -> anyhow::Result<&HeadManifest> {
        let heads = &self.folder.manifest().heads;
        heads.get(&self.head).with_context(|| {
            let known = listed(heads.keys());
            format!("`{}` has no head `{}`, expected one of {known}", self.folder.path().display(), self.head)
        })
    }

    /// The scores of what has been measured, also at the task's own threshold.
    fn scores(&self, measured: &Measured) -> Scores {
        let mut scores = measured.scores();
        if let (Scores::Classification(scores), Measured::Classified(found)) = (&mut scores, measured) {
            scores.threshold = self.min_score.map(|min_score| coverage_at(&found.rows, min_score));
        }
        scores
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
        let head = self.head.clone();
        let other = Self { folder, head, precision: self.precision, device: self.device, min_score: self.min_score };
        let is_alike = labels_are_alike(other.manifest()?, self.manifest()?);
        ensure!(is_alike, "`{}` has other labels in its head `{}`", path.display(), self.head);
        let (model, measured) = other.measure(set)?;
        let comparison = ours.compare(&measured)?.context("a sequence head cannot be compared with a token head")?;
        Ok(Baseline { model, scores: other.scores(&measured), comparison })
    }
}

/// Whether two heads have the same labels in the same order, whatever these map to in other vocabularies.
fn labels_are_alike(one: &HeadManifest, other: &HeadManifest) -> bool {
    let labels = one.labels.iter().zip(&other.labels);
    one.labels.len() == other.labels.len()
        && labels.into_iter().all(|(one, other)| (&one.code, &one.label) == (&other.code, &other.label))
}

impl Evaluation {
    fn tables(&self) -> String {
        let name = |model: &Identity| format!("{} {}", model.name, model.revision);
        let skipped =
            if self.skipped > 0 { format!(", {} without a label left out", self.skipped) } else { String::new() };
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
                    let scores = Named { name: &ours, scores: scores.as_ref() };
                    let other = Named { name: theirs, scores: other.as_ref() };
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
