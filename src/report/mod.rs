//! What a run has to say for itself: `run.json`, and a short table for people.

/// A run in Prometheus' text format.
pub mod metrics;
/// The table at the end of a run.
pub mod table;

use std::collections::BTreeMap;
use std::time::Instant;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;

use crate::causes::chain;
use crate::config::{Config, RunConfig};
use crate::digest::sha256;
use crate::error::RunError;
use crate::ledger::Ledger;
use crate::model::Runtime;
use crate::output::folder::OutputFolder;
use crate::output::line::label_key;
use crate::output::{SCHEMA, publish};
use crate::pipeline::{Cause, Interrupt, StageReport};
use crate::record::{CopyCount, Reason, TokenCount};
use crate::stages::write::Written;
use crate::task::{LabelTask, Tasks};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All input has been seen.
    Complete,
    /// It was asked to stop, and what had been read is written.
    Interrupted,
    /// Its time was over, and what had been read is written.
    Deadline,
    /// Too many inputs were rejected, and it did not go on.
    Stopped,
    /// It broke off.
    Failed,
}

/// A run's report. Field names are an interface: see `docs/output.md`.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    schema: u32,
    program: &'static str,
    version: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed, or what is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    started: String,
    finished: String,
    /// Wall time in seconds, from the first document looked for to the last written.
    pub seconds: f64,
    config: ConfigReport,
    models: Vec<ModelReport>,
    /// What became of every document.
    pub accounting: Accounting,
    /// Rejections by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Documents written that are copies of others.
    pub copies: CopyCount,
    /// Statements written.
    pub statements: u64,
    /// Attributions in them.
    pub attributions: u64,
    /// Statements among them that are none: bylines, captions and the like. They have no labels.
    pub boilerplate: u64,
    /// For each labelling task, how often each label was given to a statement.
    pub labels: IndexMap<String, IndexMap<String, u64>>,
    /// For each labelling task, how often each label was given to a document.
    pub document_labels: IndexMap<String, IndexMap<String, u64>>,
    /// What the models read.
    pub tokens: TokenReport,
    /// Bytes of input read.
    pub input_bytes: u64,
    /// Bytes of input that were not reached.
    pub input_bytes_left: u64,
    /// What was done in a second.
    pub throughput: Throughput,
    /// Where the time went.
    pub stages: Vec<StageReport>,
    #[serde(skip)]
    limits: RunConfig,
    #[serde(skip)]
    label_names: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize)]
struct ConfigReport {
    path: String,
    sha256: String,
}

#[derive(Debug, Clone, Serialize)]
struct ModelReport {
    name: String,
    path: String,
    revision: String,
    #[serde(flatten)]
    runtime: Runtime,
    batch_tokens: usize,
}

/// What became of every document: found is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Accounting {
    pub found: u64,
    pub written: u64,
    pub rejected: u64,
    /// Done by an earlier run.
    pub skipped: u64,
    /// In languages that are not wanted.
    pub filtered: u64,
}

/// How many documents a run came across.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// All of them.
    pub all: u64,
    /// Those that were done already.
    pub skipped: u64,
    /// Those in languages that are not wanted.
    pub filtered: u64,
}

/// What the models read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TokenReport {
    /// Tokens of texts.
    pub useful: u64,
    /// Tokens computed, padding included.
    pub padded: u64,
    /// The share of padding, 0 to 1.
    pub padding_waste: f64,
    /// Tokens of passages that had been read before, in this run or another.
    pub recalled: u64,
}

impl TokenReport {
    fn of(tokens: TokenCount) -> Self {
        let TokenCount { useful, padded, recalled } = tokens;
        Self { useful, padded, padding_waste: tokens.padding_waste(), recalled }
    }

    /// The share of tokens that had been read before, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn recalled_share(&self) -> f64 {
        self.recalled as f64 / (self.useful + self.recalled).max(1) as f64
    }
}

/// What was done in a second of wall time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Throughput {
    pub documents_per_second: f64,
    pub statements_per_second: f64,
    pub tokens_per_second: f64,
}

/// When a run began.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Timestamp,
    since: Instant,
}

impl Clock {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Timestamp::now(), since: Instant::now() }
    }
}

impl RunReport {
    /// The report of a run that has just ended, without its outcome.
    #[must_use]
    pub fn new(
        config: &Config,
        tasks: &Tasks,
        clock: Clock,
        found: Found,
        written: &Written,
        stages: Vec<StageReport>,
    ) -> Self {
        let seconds = clock.since.elapsed().as_secs_f64();
        let second = |time: Timestamp| time.round(jiff::Unit::Second).unwrap_or(time).to_string();
        Self {
            schema: SCHEMA,
            program: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            outcome: Outcome::Complete,
            error: None,
            started: second(clock.started),
            finished: second(Timestamp::now()),
            seconds,
            config: ConfigReport {
                path: config.file.path.to_string_lossy().into_owned(),
                sha256: sha256(&config.file.text),
            },
            models: model_reports(tasks),
            accounting: Accounting {
                found: found.all,
                written: written.documents,
                rejected: written.rejections(),
                skipped: found.skipped,
                filtered: found.filtered,
            },
            rejected: written.rejected.iter().map(|(reason, &count)| (Reason::as_str(*reason), count)).collect(),
            copies: written.copies,
            statements: written.statements,
            attributions: written.attributions,
            boilerplate: written.boilerplate,
            labels: tasks.labels.iter().zip(&written.labels).map(label_counts).collect(),
            document_labels: tasks.labels.iter().zip(&written.document_labels).map(label_counts).collect(),
            tokens: TokenReport::of(written.tokens),
            input_bytes: written.input_bytes,
            input_bytes_left: 0,
            throughput: Throughput::new(written, seconds),
            stages,
            limits: config.run.clone(),
            label_names: label_names(tasks),
        }
    }

    /// Judges how the run ended and keeps the report in `run.json`.
    pub fn conclude(
        mut self,
        outcome: Result<(), RunError>,
        interrupt: &Interrupt,
        folder: &OutputFolder,
    ) -> (Self, Result<(), RunError>) {
        let judged = outcome.and_then(|()| self.judge(interrupt));
        self.outcome = match &judged {
            _ if interrupt.cause() == Some(Cause::Limit) => Outcome::Stopped,
            Ok(()) if interrupt.cause() == Some(Cause::Deadline) => Outcome::Deadline,
            Ok(()) | Err(RunError::TooManyRejected { .. }) => Outcome::Complete,
            Err(RunError::Interrupted) => Outcome::Interrupted,
            Err(_) => Outcome::Failed,
        };
        self.error = judged.as_ref().err().map(|error| chain(error));
        let kept = self.keep(folder);
        (self, judged.and(kept))
    }

    fn judge(&self, interrupt: &Interrupt) -> Result<(), RunError> {
        let Accounting { found, written, rejected, skipped, filtered } = self.accounting;
        if found != written + rejected + skipped + filtered {
            return Err(RunError::Accounting { found, written, rejected, skipped, filtered });
        }
        if interrupt.cause() == Some(Cause::Asked) {
            return Err(RunError::Interrupted);
        }
        let (share, count) = (self.limits.max_rejected.get(), self.limits.max_rejected_documents.get());
        let allowed = if self.limits.is_over_share(rejected, found) {
            format!("max_rejected = {share}")
        } else if rejected > count {
            format!("max_rejected_documents = {count}")
        } else {
            return Ok(());
        };
        Err(RunError::TooManyRejected { rejected, found, allowed })
    }

    fn keep(&self, folder: &OutputFolder) -> Result<(), RunError> {
        // Plain numbers and strings always have a form in JSON.
        let json = serde_json::to_vec_pretty(self).unwrap_or_default();
        folder.write_whole("run.json", &json)?;
        if self.outcome != Outcome::Failed {
            publish::seal(folder, Ledger::resume(folder.path())?)?;
        }
        Ok(())
    }
}

impl Throughput {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn new(written: &Written, seconds: f64) -> Self {
        let rate = |count: u64| (count as f64 / seconds.max(1e-9) * 10.0).round() / 10.0;
        Self {
            documents_per_second: rate(written.documents),
            statements_per_second: rate(written.statements),
            tokens_per_second: rate(written.tokens.useful),
        }
    }
}

fn model_reports(tasks: &Tasks) -> Vec<ModelReport> {
    let report = |model: &crate::task::UsedModel| ModelReport {
        name: model.name.clone(),
        path: model.folder.path().to_string_lossy().into_owned(),
        revision: model.folder.manifest().revision.clone(),
        runtime: model.runtime.clone(),
        batch_tokens: model.batch_tokens,
    };
    tasks.models.iter().map(report).collect()
}

/// How often each label was given that was given at all, in the order of the head, "unsure" last.
fn label_counts((task, counts): (&LabelTask, &Vec<u64>)) -> (String, IndexMap<String, u64>) {
    let label = |place: usize| Some(place).filter(|&place| place < task.labels.len());
    let count = |(place, &count): (usize, &u64)| (count > 0).then(|| (label_key(task, label(place)).to_owned(), count));
    (task.name.clone(), counts.iter().enumerate().filter_map(count).collect())
}

/// The names that people read, by what is counted.
fn label_names(tasks: &Tasks) -> BTreeMap<String, String> {
    let labels = tasks.labels.iter().flat_map(|task| &task.labels);
    labels.filter_map(|label| Some((label.code.clone()?, label.label.clone()))).collect()
}
