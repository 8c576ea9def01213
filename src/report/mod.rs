//! The report of a run: `run.json`, and a short table for people.

/// The metrics of a run in Prometheus' text format.
pub mod metrics;
/// The table at the end of a run.
pub mod table;

use std::collections::BTreeMap;
use std::time::Instant;

use indexmap::IndexMap;
use jiff::Timestamp;

use crate::causes::chain;
use crate::config::{Config, RunConfig};
use crate::digest::sha256;
use crate::error::RunError;
use crate::ledger::nights::NightSpeed;
use crate::ledger::{Ledger, LedgerError, Night, NightKind};
use crate::model::processor_class;
use crate::output::folder::OutputFolder;
use crate::output::line::{acts_by_name, label_key};
use crate::output::schema::{
    Accounting, ConfigRecord, ModelRecord, Outcome, RunRecord, StageRecord, Throughput, TokenRecord,
};
use crate::output::{SCHEMA, publish};
use crate::pipeline::{Cause, Interrupt, StageReport};
use crate::record::TokenCount;
use crate::stages::tally::to_the_second;
use crate::stages::write::Written;
use crate::task::{LabelTask, Tasks, UsedModel};

/// The report of a run, with the limits by which it is judged and the names that the table shows.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// The content of `run.json`.
    pub record: RunRecord,
    limits: RunConfig,
    label_names: BTreeMap<String, String>,
}

/// The numbers of documents that a run found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundCount {
    /// All of them.
    pub all: u64,
    /// Those that were already done.
    pub skipped: u64,
    /// Those in languages that are not wanted.
    pub filtered: u64,
    /// Files and archive members that were left out because their kind is not read, by kind. They are no documents.
    pub left_out: BTreeMap<String, u64>,
}

/// The start of a run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Timestamp,
    since: Instant,
}

impl Clock {
    /// A clock that starts now.
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
        found: FoundCount,
        written: &Written,
        stages: &[StageReport],
    ) -> Self {
        let seconds = clock.since.elapsed().as_secs_f64();
        let record = RunRecord {
            schema: SCHEMA,
            program: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            outcome: Outcome::Complete,
            error: None,
            started: to_the_second(clock.started),
            finished: to_the_second(Timestamp::now()),
            seconds,
            config: ConfigRecord {
                path: config.file.path.to_string_lossy().into_owned(),
                sha256: sha256(&config.file.text),
            },
            models: tasks.models.iter().map(model_record).collect(),
            accounting: Accounting {
                found: found.all,
                written: written.documents,
                rejected: written.rejections(),
                skipped: found.skipped,
                filtered: found.filtered,
            },
            rejected: written.rejected.iter().map(|(reason, &count)| (reason.as_str().to_owned(), count)).collect(),
            left_out: found.left_out,
            copies: written.copies,
            statements: written.statements,
            attributions: written.attributions,
            acts: acts_by_name(written.acts),
            unsure_attributions: written.unsure_attributions,
            boilerplate: written.boilerplate,
            labels: tasks.labels.iter().zip(&written.labels).map(label_counts).collect(),
            document_labels: tasks.labels.iter().zip(&written.document_labels).map(label_counts).collect(),
            tokens: token_record(written.tokens),
            input_bytes: written.input_bytes,
            input_bytes_left: 0,
            throughput: throughput(written, seconds),
            stages: stages.iter().map(stage_record).collect(),
        };
        Self { record, limits: config.run.clone(), label_names: label_names(tasks) }
    }

    /// The report with the times of the runs that did the work, which began at `started`.
    pub(crate) fn with_times(mut self, started: Option<&str>, seconds: f64, stages: Vec<StageRecord>) -> Self {
        let record = &mut self.record;
        if let Some(started) = started {
            started.clone_into(&mut record.started);
        }
        record.seconds = seconds;
        record.throughput = Throughput {
            documents_per_second: rate(record.accounting.written, seconds),
            statements_per_second: rate(record.statements, seconds),
            tokens_per_second: rate(record.tokens.useful, seconds),
        };
        record.stages = stages;
        self
    }

    /// Sets the outcome of the run and writes the report to `run.json`.
    ///
    /// # Errors
    /// The error of the run, too many rejections, or a report that cannot be written.
    pub fn conclude(
        mut self,
        outcome: Result<(), RunError>,
        interrupt: &Interrupt,
        folder: &OutputFolder,
    ) -> (Self, Result<(), RunError>) {
        let judged = outcome.and_then(|()| self.judge(interrupt));
        self.record.outcome = match &judged {
            _ if interrupt.cause() == Some(Cause::Limit) => Outcome::Stopped,
            Ok(()) if interrupt.cause() == Some(Cause::Deadline) => Outcome::Deadline,
            Ok(()) | Err(RunError::TooManyRejected { .. }) => Outcome::Complete,
            Err(RunError::Interrupted) => Outcome::Interrupted,
            Err(_) => Outcome::Failed,
        };
        self.record.error = judged.as_ref().err().map(|error| chain(error));
        let kept = self.keep(folder);
        (self, judged.and(kept))
    }

    /// Checks the accounting, the interrupt and the limits on rejections.
    fn judge(&self, interrupt: &Interrupt) -> Result<(), RunError> {
        let Accounting { found, written, rejected, skipped, filtered } = self.record.accounting;
        if !self.record.accounting.adds_up() {
            return Err(RunError::Accounting { found, written, rejected, skipped, filtered });
        }
        if interrupt.cause() == Some(Cause::Asked) {
            return Err(RunError::Interrupted);
        }
        let max_count = self.limits.max_rejected_documents.get();
        let allowed = if self.limits.is_over_share(rejected, found) {
            format!("max_rejected = {}", self.limits.max_rejected.get())
        } else if rejected > max_count {
            format!("max_rejected_documents = {max_count}")
        } else {
            return Ok(());
        };
        Err(RunError::TooManyRejected { rejected, found, allowed })
    }

    /// Writes the report, and the hashes of the folder if the run did not fail.
    fn keep(&self, folder: &OutputFolder) -> Result<(), RunError> {
        // Numbers and strings can always be written as JSON.
        let json = serde_json::to_vec_pretty(&self.record).unwrap_or_default();
        folder.write_whole("run.json", &json)?;
        let mut ledger = Ledger::resume(folder.path())?;
        self.end_night(&mut ledger)?;
        if self.record.outcome != Outcome::Failed {
            publish::seal(folder, ledger)?;
        }
        Ok(())
    }

    /// Completes the night's row. Its counts of documents stay those of the last commit.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn end_night(&self, ledger: &mut Ledger) -> Result<(), LedgerError> {
        let Some(mut night) = ledger.tonight()? else { return Ok(()) };
        let RunRecord { started, finished, outcome, accounting, left_out, seconds, throughput, stages, .. } =
            &self.record;
        night.started.clone_from(started);
        night.finished.clone_from(finished);
        night.outcome = Some(outcome.as_str().to_owned());
        night.documents.found = accounting.found;
        night.documents.skipped = accounting.skipped;
        night.documents.filtered = accounting.filtered;
        night.documents.left_out = left_out.values().sum();
        night.speed = NightSpeed {
            seconds: *seconds,
            words_per_second: (night.words as f64 / seconds.max(1e-9) * 10.0).round() / 10.0,
            statements_per_second: throughput.statements_per_second,
            stages: stages.iter().map(|stage| (stage.stage.clone(), stage.busy_seconds)).collect(),
        };
        ledger.add_night(&night)?;
        ledger.commit(None)
    }
}

/// The row of a run that begins.
#[must_use]
pub fn new_night(config: &Config, tasks: &Tasks, ledger: &Ledger) -> Night {
    let models = tasks.models.iter().map(|model| (model.name.clone(), model.folder.manifest().revision.clone()));
    Night {
        night: ledger.run(),
        started: to_the_second(Timestamp::now()),
        kind: if ledger.is_changed() { NightKind::Backfill } else { NightKind::Night },
        program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        configuration: sha256(&config.file.text),
        fingerprint: ledger.fingerprint().to_owned(),
        models: models.collect(),
        processor: processor_class().to_owned(),
        kernels: kernels(tasks),
        ..Night::default()
    }
}

/// The kernels of all models, each once; `none` without a model.
fn kernels(tasks: &Tasks) -> String {
    if tasks.models.is_empty() {
        return "none".to_owned();
    }
    let mut kernels: Vec<String> = tasks.models.iter().map(|model| model.runtime.kernels()).collect();
    kernels.sort();
    kernels.dedup();
    kernels.join(", ")
}

fn throughput(written: &Written, seconds: f64) -> Throughput {
    Throughput {
        documents_per_second: rate(written.documents, seconds),
        statements_per_second: rate(written.statements, seconds),
        tokens_per_second: rate(written.tokens.useful, seconds),
    }
}

/// The count per second, with one digit after the point.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(count: u64, seconds: f64) -> f64 {
    (count as f64 / seconds.max(1e-9) * 10.0).round() / 10.0
}

fn token_record(tokens: TokenCount) -> TokenRecord {
    let TokenCount { useful, padded, recalled } = tokens;
    TokenRecord { useful, padded, padding_waste: tokens.padding_waste(), recalled }
}

fn model_record(model: &UsedModel) -> ModelRecord {
    ModelRecord {
        name: model.name.clone(),
        path: model.folder.path().to_string_lossy().into_owned(),
        revision: model.folder.manifest().revision.clone(),
        precision: model.runtime.precision.to_string(),
        device: model.runtime.device.as_str().to_owned(),
        workers: model.runtime.workers,
        batch_tokens: model.batch_tokens,
    }
}

fn stage_record(stage: &StageReport) -> StageRecord {
    StageRecord {
        stage: stage.stage.to_owned(),
        threads: stage.threads,
        items_in: stage.items_in,
        items_out: stage.items_out,
        busy_seconds: stage.busy_seconds,
        starved_seconds: stage.starved_seconds,
        blocked_seconds: stage.blocked_seconds,
    }
}

/// The name of a task and the counts of its labels, without zeros, in the order of the head, with "unsure" at the end.
fn label_counts((task, counts): (&LabelTask, &Vec<u64>)) -> (String, IndexMap<String, u64>) {
    let mut by_label = IndexMap::new();
    for (index, &count) in counts.iter().enumerate() {
        // The count behind those of the labels is that of "unsure".
        let label = (index < task.labels.len()).then_some(index);
        if count > 0 {
            by_label.insert(label_key(task, label).to_owned(), count);
        }
    }
    (task.name.clone(), by_label)
}

/// The names of labels for people, by their codes.
fn label_names(tasks: &Tasks) -> BTreeMap<String, String> {
    let labels = tasks.labels.iter().flat_map(|task| &task.labels);
    labels.filter_map(|label| Some((label.code.clone()?, label.label.clone()))).collect()
}
