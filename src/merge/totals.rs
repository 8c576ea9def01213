//! The numbers of a merge: those of the documents, counted as they are written, and those of the parts' reports.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;
use serde_json::Value;

use super::sum;
use crate::config::Config;
use crate::ledger::Night;
use crate::ledger::nights::{NO_SOURCE, OTHER_SOURCES};
use crate::output::line::label_key;
use crate::output::reader::Reader;
use crate::output::schema::{DocumentRecord, RunRecord, StageRecord};
use crate::parts::{Parts, PartsError};
use crate::record::{Act, CopyCount, Original, Reason, TokenCount};
use crate::report::{Clock, FoundCount, RunReport};
use crate::stages::write::Written;
use crate::task::{LabelTask, Tasks};

/// The largest number of sources of which copies are counted one by one.
const MAX_SOURCES: usize = 10_000;

/// The numbers of a merge.
pub(super) struct Totals {
    pub(super) found: FoundCount,
    pub(super) written: Written,
    tasks: Vec<LabelTask>,
    /// The number of copies by source.
    copies: HashMap<String, u64>,
    /// The times of each stage in the last runs of the parts.
    stages: IndexMap<String, StageRecord>,
}

impl Totals {
    pub(super) fn new(tasks: &Tasks) -> Self {
        Self {
            found: FoundCount::default(),
            written: Written::none(tasks),
            tasks: tasks.labels.clone(),
            copies: HashMap::new(),
            stages: IndexMap::new(),
        }
    }

    /// Adds what only the reports of the parts tell: what was found and rejected, and the work.
    pub(super) fn add_reports(&mut self, parts: &Parts) -> Result<(), PartsError> {
        for part in &parts.folders {
            let changed = || PartsError::Changed { path: part.path.join("run.json") };
            let RunRecord { accounting, rejected, left_out, tokens, input_bytes, stages, .. } =
                Reader::new(&part.path).report()?.ok_or_else(changed)?;
            self.found.all += accounting.found;
            for (kind, count) in left_out {
                *self.found.left_out.entry(kind).or_default() += count;
            }
            for (reason, count) in rejected {
                let reason: Reason = serde_json::from_value(Value::String(reason)).map_err(|_| changed())?;
                *self.written.rejected.entry(reason).or_default() += count;
            }
            self.written.input_bytes += input_bytes;
            self.written.tokens +=
                TokenCount { useful: tokens.useful, padded: tokens.padded, recalled: tokens.recalled };
            for stage in stages {
                self.add_stage(stage);
            }
        }
        Ok(())
    }

    fn add_stage(&mut self, stage: StageRecord) {
        let Some(sum) = self.stages.get_mut(&stage.stage) else {
            self.stages.insert(stage.stage.clone(), stage);
            return;
        };
        sum.threads += stage.threads;
        sum.items_in += stage.items_in;
        sum.items_out += stage.items_out;
        sum.busy_seconds += stage.busy_seconds;
        sum.starved_seconds += stage.starved_seconds;
        sum.blocked_seconds += stage.blocked_seconds;
    }

    /// Counts a document.
    pub(super) fn count(&mut self, record: &DocumentRecord, original: Option<&Original>) {
        let written = &mut self.written;
        written.documents += 1;
        written.statements += record.statements as u64;
        written.attributions += record.attributions as u64;
        written.unsure_attributions += record.unsure_attributions as u64;
        written.boilerplate += record.boilerplate as u64;
        for (count, act) in written.acts.iter_mut().zip(Act::ALL) {
            *count += record.acts.get(act.as_str()).copied().unwrap_or(0) as u64;
        }
        written.copies += CopyCount::of_document(original);
        for (task, counts) in self.tasks.iter().zip(&mut written.document_labels) {
            let label = record.tasks.get(&task.name).and_then(|task| task.label.label.as_ref());
            if let Some(label) = label {
                let place = task.labels.iter().position(|known| known.label == *label);
                counts[place.unwrap_or(task.labels.len())] += 1;
            }
        }
        if original.is_some() {
            let source = record.metadata.source.as_deref().unwrap_or(NO_SOURCE);
            let is_tracked = self.copies.contains_key(source) || self.copies.len() < MAX_SOURCES;
            *self.copies.entry(if is_tracked { source } else { OTHER_SOURCES }.to_owned()).or_default() += 1;
        }
    }

    /// The row of the merge among the nights: `row`, with the sums of the parts' nights and the counts of the merge.
    pub(super) fn night(&mut self, row: Night, parts: &Parts, tasks: &Tasks) -> Night {
        let mut night = row;
        night.documents.written = self.written.documents;
        night.documents.copies = self.written.copies.exact + self.written.copies.near;
        night.documents.rejected = self.written.rejections();
        night.reasons =
            self.written.rejected.iter().map(|(reason, &count)| (reason.as_str().to_owned(), count)).collect();
        let copies: BTreeMap<String, u64> = self.copies.iter().map(|(name, &count)| (name.clone(), count)).collect();
        sum::add_nights(&mut night, parts.nights(), tasks, &copies);
        for (task, counts) in self.tasks.iter().zip(&mut self.written.labels) {
            let Some(labels) = night.labels.get(&task.name) else { continue };
            for (place, count) in counts.iter_mut().enumerate() {
                let label = (place < task.labels.len()).then_some(place);
                *count = labels.get(label_key(task, label)).copied().unwrap_or(0);
            }
        }
        night
    }

    /// The report of the merge. Its times are those of the parts.
    pub(super) fn report(self, config: &Config, tasks: &Tasks, parts: &Parts, clock: Clock) -> RunReport {
        let report = RunReport::new(config, tasks, clock, self.found, &self.written, &[]);
        let started = parts.nights().map(|night| night.started.as_str()).filter(|started| !started.is_empty()).min();
        let seconds = parts.nights().map(|night| night.speed.seconds).sum();
        report.with_times(started, seconds, self.stages.into_values().collect())
    }
}
