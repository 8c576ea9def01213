//! `pressrun evaluate`: scores a task against a labelled file.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use pressrun::config::values::Share;
use pressrun::config::{Config, Device, Precision, listed};
use pressrun::error::RunError;
use pressrun::evaluate::attributions;
use pressrun::evaluate::measure::{Comparison, Measured, Scores};
use pressrun::evaluate::table::{self, Named};
use pressrun::labelled::{LabelledSet, Layout, NO_STATEMENT_FLAG};
use pressrun::model::{FloatType, HeadManifest, ModelFolder, Report};
use serde::Serialize;

use crate::cli::EvaluateArguments;

/// A model and the head that is measured.
struct Candidate {
    folder: ModelFolder,
    head: String,
    precision: Precision,
    device: Device,
    /// The task's threshold; `None` without a configuration.
    min_score: Option<f64>,
}

/// The output of `--json`.
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

/// The name and the version of a model.
#[derive(Serialize)]
struct Identity {
    path: PathBuf,
    name: String,
    revision: String,
    precision: FloatType,
}

/// A second model, and the differences of the first from it.
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
    let scores = measured.scores(candidate.min_score);
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

/// The layout of the labelled file, for `head`.
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

/// Writes a line for each text and each document of a labelling task, or for each attribution that was found.
fn write_predictions(path: &Path, measured: &Measured) -> anyhow::Result<()> {
    let written = match measured {
        Measured::Classified(found) => write_lines(path, found.predictions()),
        Measured::Marked(rows, _) if rows.iter().any(|row| row.relations.is_some()) => {
            write_lines(path, attributions::predictions(rows))
        }
        Measured::Marked(..) => bail!("`--predictions` is for tasks that label texts or find attributions"),
    };
    written.with_context(|| format!("cannot write `{}`", path.display()))
}

fn write_lines(path: &Path, predictions: impl IntoIterator<Item = impl Serialize>) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for prediction in predictions {
        serde_json::to_writer(&mut file, &prediction)?;
        file.write_all(b"\n")?;
    }
    file.flush()
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
        let name = task.model.get_ref();
        let model = &config.models[name];
        let head = task.head.as_ref().with_context(|| {
            format!("task `{0}` has own labels: `pressrun labels card {0}` measures them", arguments.task)
        })?;
        Ok(Self {
            folder: ModelFolder::open(model.folder(name)?)?,
            head: head.get_ref().clone(),
            precision: model.precision,
            device: model.device,
            min_score: Some(task.min_score.map_or(0.0, Share::get)),
        })
    }

    fn manifest(&self) -> anyhow::Result<&HeadManifest> {
        let heads = &self.folder.manifest().heads;
        heads.get(&self.head).with_context(|| {
            let known = listed(heads.keys());
            format!("`{}` has no head `{}`, expected one of {known}", self.folder.path().display(), self.head)
        })
    }

    /// Runs the model on `set`.
    fn measure(&self, set: &LabelledSet) -> anyhow::Result<(Identity, Measured)> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = self.folder.runtime(self.precision, self.device, Some(1))?.with_threads(cores);
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

    /// Measures the same head of the model in `path`, and compares `ours` with it.
    fn against(&self, path: &Path, set: &LabelledSet, ours: &Measured) -> anyhow::Result<Baseline> {
        let other = Self { folder: ModelFolder::open(path)?, head: self.head.clone(), ..*self };
        let has_same_labels = have_same_labels(other.manifest()?, self.manifest()?);
        ensure!(has_same_labels, "`{}` has other labels in its head `{}`", path.display(), self.head);
        let (model, measured) = other.measure(set)?;
        let comparison = ours.compare(&measured)?.context("a sequence head cannot be compared with a token head")?;
        Ok(Baseline { model, scores: measured.scores(other.min_score), comparison })
    }
}

/// True if two heads have the same labels in the same order, whatever these map to in other vocabularies.
fn have_same_labels(one: &HeadManifest, other: &HeadManifest) -> bool {
    let labels = one.labels.iter().zip(&other.labels);
    one.labels.len() == other.labels.len()
        && labels.into_iter().all(|(one, other)| (&one.code, &one.label) == (&other.code, &other.label))
}

impl Evaluation {
    /// The scores as text: a line with task, model and data, the tables, and the comparison with the baseline.
    fn tables(&self) -> String {
        let name = self.model.name_and_revision();
        let skipped =
            if self.skipped > 0 { format!(", {} without a label left out", self.skipped) } else { String::new() };
        let scores = match &self.scores {
            Scores::Classification(scores) => table::classification(scores),
            Scores::Tagging(scores) => table::tagging(scores),
        };
        let comparison = match &self.baseline {
            Some(baseline) => comparison_table(&name, &self.scores, baseline),
            None => String::new(),
        };
        format!("{} by {name} on {}{skipped}\n{scores}\n{comparison}", self.task, self.data.display())
    }
}

impl Identity {
    fn name_and_revision(&self) -> String {
        format!("{} {}", self.name, self.revision)
    }
}

/// The scores of the model `name` beside those of `baseline`.
fn comparison_table(name: &str, scores: &Scores, baseline: &Baseline) -> String {
    let baseline_name = baseline.model.name_and_revision();
    match (scores, &baseline.scores, &baseline.comparison) {
        (Scores::Classification(ours), Scores::Classification(theirs), Comparison::Classification(comparison)) => {
            let ours = Named { name, scores: ours.as_ref() };
            let theirs = Named { name: &baseline_name, scores: theirs.as_ref() };
            table::classification_comparison(&ours, &theirs, comparison)
        }
        (Scores::Tagging(ours), Scores::Tagging(theirs), Comparison::Tagging(comparison)) => {
            let ours = Named { name, scores: ours };
            let theirs = Named { name: &baseline_name, scores: theirs };
            table::tagging_comparison(&ours, &theirs, comparison)
        }
        // Models of different kinds are not compared: `Candidate::against` refuses them.
        _ => String::new(),
    }
}
