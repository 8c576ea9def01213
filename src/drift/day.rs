//! The runs of a day as one night. A run that was killed and the one that went on after it are the same night, and each alone would
//! have too few documents.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::DriftError;
use super::calendar::Calendar;
use crate::ledger::nights::LabelCounts;
use crate::ledger::{Night, NightKind, NightSource};
use crate::output::schema::{ChangeRecord, ChangedPart, DayKind};

/// The night of a day.
#[derive(Debug, Clone)]
pub(super) struct Day {
    /// The number of its last run.
    pub(super) night: u32,
    pub(super) date: Date,
    pub(super) kind: DayKind,
    /// The end of its last run.
    pub(super) end: End,
    pub(super) setup: Setup,
    pub(super) total: Tally,
    pub(super) sources: BTreeMap<String, Tally>,
    /// The sum of the scores of each task, and the number of statements.
    scores: BTreeMap<String, (f64, f64)>,
    pub(super) tone_task: Option<String>,
    pub(super) languages: BTreeMap<String, u64>,
    pub(super) sections: BTreeMap<String, u64>,
    pub(super) flags: BTreeMap<String, u64>,
    pub(super) reasons: BTreeMap<String, u64>,
    pub(super) seconds: f64,
    label_names: BTreeMap<String, BTreeMap<String, String>>,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It saw all of its input.
    Complete,
    /// It stopped reading at its deadline.
    Deadline,
    /// It broke off, was stopped or was killed.
    Unfinished,
}

/// Everything about pressrun that can make a night differ from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setup {
    program: String,
    fingerprint: String,
    models: BTreeMap<String, String>,
    processor: String,
    configuration: String,
}

/// Counts of the documents of a night, of all sources or of some.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) documents: u64,
    pub(super) copies: u64,
    pub(super) attributions: u64,
    pub(super) unattributed: u64,
    pub(super) rejected: u64,
    pub(super) characters: u64,
    pub(super) labels: LabelCounts,
    pub(super) tone_sum: f64,
}

/// The nights of the days on which runs up to `number` did new work, the first one first.
///
/// # Errors
/// A run whose start is no time.
pub(super) fn days(nights: &[Night], number: u32, calendar: &Calendar) -> Result<Vec<Day>, DriftError> {
    let mut days: Vec<Day> = Vec::new();
    for night in nights.iter().filter(|night| night.kind == NightKind::Night && night.night <= number) {
        let date = calendar.day(&night.started);
        let date = date.ok_or_else(|| DriftError::Start { night: night.night, started: night.started.clone() })?;
        match days.last_mut().filter(|last| last.date == date) {
            Some(last) => last.add(night),
            None => days.push(Day::new(night, date, calendar.kind(date))),
        }
    }
    Ok(days)
}

impl Day {
    fn new(night: &Night, date: Date, kind: DayKind) -> Self {
        let mut day = Self {
            night: night.night,
            date,
            kind,
            end: End::Unfinished,
            setup: Setup::of_run(night),
            total: Tally::default(),
            sources: BTreeMap::new(),
            scores: BTreeMap::new(),
            tone_task: None,
            languages: BTreeMap::new(),
            sections: BTreeMap::new(),
            flags: BTreeMap::new(),
            reasons: BTreeMap::new(),
            seconds: 0.0,
            label_names: BTreeMap::new(),
        };
        day.add(night);
        day
    }

    /// Adds a later run of the same day.
    fn add(&mut self, night: &Night) {
        self.night = night.night;
        self.end = match night.outcome.as_deref() {
            Some("complete") => End::Complete,
            Some("deadline") => End::Deadline,
            _ => End::Unfinished,
        };
        self.setup = Setup::of_run(night);
        self.total.add(&Tally::of_run(night));
        for (source, counts) in &night.sources {
            self.sources.entry(source.clone()).or_default().add(&Tally::of_source(counts));
        }
        for (task, score) in &night.scores {
            let labelled = real(labelled(&night.labels, task));
            let sums = self.scores.entry(task.clone()).or_default();
            *sums = (sums.0 + score * labelled, sums.1 + labelled);
        }
        self.tone_task = night.tone_task.clone().or(self.tone_task.take());
        add_counts(&mut self.languages, &night.languages);
        add_counts(&mut self.sections, &night.sections);
        add_counts(&mut self.flags, &night.flags);
        add_counts(&mut self.reasons, &night.reasons);
        self.seconds += night.speed.seconds;
        self.label_names.extend(night.label_names.clone());
    }

    /// True if the night saw as much of its input as it should.
    pub(super) fn is_finished(&self) -> bool {
        self.end != End::Unfinished
    }

    /// The mean score of a task.
    pub(super) fn score(&self, task: &str) -> Option<f64> {
        self.scores.get(task).filter(|(_, statements)| *statements > 0.0).map(|(sum, statements)| sum / statements)
    }

    /// The tasks that have scores.
    pub(super) fn scored_tasks(&self) -> impl Iterator<Item = &String> {
        self.scores.keys()
    }

    /// The name of a label.
    pub(super) fn label_name(&self, task: &str, label: &str) -> Option<&str> {
        self.label_names.get(task)?.get(label).map(String::as_str)
    }

    /// The counts without those of a source.
    pub(super) fn without(&self, source: &str) -> Tally {
        let mut rest = self.total.clone();
        if let Some(counts) = self.sources.get(source) {
            rest.subtract(counts);
        }
        rest
    }
}

impl Setup {
    fn of_run(night: &Night) -> Self {
        Self {
            program: night.program.clone(),
            fingerprint: night.fingerprint.clone(),
            models: night.models.clone(),
            processor: night.processor.clone(),
            configuration: night.configuration.clone(),
        }
    }

    /// The changes from `before` to this one, without those on which results do not depend.
    pub(super) fn result_changes(&self, before: &Self) -> Vec<ChangeRecord> {
        let names: std::collections::BTreeSet<&String> = before.models.keys().chain(self.models.keys()).collect();
        let mut changes: Vec<ChangeRecord> = names
            .into_iter()
            .map(|name| (name, before.models.get(name), self.models.get(name)))
            .filter(|(_, before, now)| before != now)
            .map(|(name, before, now)| ChangeRecord {
                part: ChangedPart::Model,
                name: Some(name.clone()),
                before: before.cloned(),
                now: now.cloned(),
            })
            .collect();
        changes.extend(change(ChangedPart::Processor, &before.processor, &self.processor));
        // A patch release has the same fingerprint and gives the same results.
        if let Some(results) = change(ChangedPart::Results, &before.fingerprint, &self.fingerprint) {
            changes.extend(change(ChangedPart::Program, &before.program, &self.program));
            if changes.is_empty() {
                changes.push(results);
            }
        }
        changes
    }

    /// All changes from `before` to this one.
    pub(super) fn changes(&self, before: &Self) -> Vec<ChangeRecord> {
        let mut changes = self.result_changes(before);
        changes.extend(self.configuration_change(before));
        changes
    }

    /// The change of the configuration file from `before` to this one.
    pub(super) fn configuration_change(&self, before: &Self) -> Option<ChangeRecord> {
        change(ChangedPart::Configuration, &before.configuration, &self.configuration)
    }
}

/// A change from one text to another. An empty text is unknown, as in the first night of a folder of an older version.
fn change(part: ChangedPart, before: &str, now: &str) -> Option<ChangeRecord> {
    let is_change = before != now && !before.is_empty() && !now.is_empty();
    is_change.then(|| ChangeRecord { part, name: None, before: Some(before.to_owned()), now: Some(now.to_owned()) })
}

impl Tally {
    fn of_run(night: &Night) -> Self {
        Self {
            documents: night.documents.written,
            copies: night.documents.copies,
            attributions: night.attributions,
            unattributed: night.unattributed,
            rejected: night.documents.rejected,
            characters: night.characters,
            labels: night.labels.clone(),
            tone_sum: night.tone_sum,
        }
    }

    fn of_source(source: &NightSource) -> Self {
        Self {
            documents: source.documents,
            copies: source.copies,
            attributions: source.attributions,
            unattributed: source.unattributed,
            rejected: source.rejected,
            characters: source.characters,
            labels: source.labels.clone(),
            tone_sum: source.tone_sum,
        }
    }

    /// The number of statements with a label of a task, "unsure" included.
    pub(super) fn labelled(&self, task: &str) -> u64 {
        labelled(&self.labels, task)
    }

    /// The number of statements with a label.
    pub(super) fn with_label(&self, task: &str, label: &str) -> u64 {
        self.labels.get(task).and_then(|counts| counts.get(label)).copied().unwrap_or_default()
    }

    fn add(&mut self, other: &Self) {
        for (sum, count) in self.counts().into_iter().zip(other.clone().counts()) {
            *sum += *count;
        }
        for (task, counts) in &other.labels {
            let sums = self.labels.entry(task.clone()).or_default();
            for (label, count) in counts {
                *sums.entry(label.clone()).or_default() += count;
            }
        }
        self.tone_sum += other.tone_sum;
    }

    fn subtract(&mut self, other: &Self) {
        for (sum, count) in self.counts().into_iter().zip(other.clone().counts()) {
            *sum = sum.saturating_sub(*count);
        }
        for (task, counts) in &other.labels {
            for (label, count) in counts {
                if let Some(sum) = self.labels.get_mut(task).and_then(|sums| sums.get_mut(label)) {
                    *sum = sum.saturating_sub(*count);
                }
            }
        }
        self.tone_sum -= other.tone_sum;
    }

    /// All whole numbers but those of labels.
    fn counts(&mut self) -> [&mut u64; 6] {
        let Self { documents, copies, attributions, unattributed, rejected, characters, .. } = self;
        [documents, copies, attributions, unattributed, rejected, characters]
    }
}

fn labelled(labels: &LabelCounts, task: &str) -> u64 {
    labels.get(task).map(|counts| counts.values().sum()).unwrap_or_default()
}

fn add_counts(sums: &mut BTreeMap<String, u64>, counts: &BTreeMap<String, u64>) {
    for (key, count) in counts {
        *sums.entry(key.clone()).or_default() += count;
    }
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts of a night are far below 2^53")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}
