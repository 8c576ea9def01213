//! Compares the results of two configurations, or of two output folders: labels that flipped, shares that moved, speakers that were
//! gained and lost.

/// Two configurations on the same documents.
mod configs;
/// Two output folders.
mod folders;
/// The comparison as a page of HTML.
mod html;
/// Conditions under which a comparison fails.
mod limit;
/// The comparison for people.
mod text;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use indexmap::IndexMap;
use serde::Serialize;

use crate::config::ConfigError;
use crate::digest::sha256;
use crate::error::RunError;
use crate::ledger::LedgerError;
use crate::output::ReadError;
use crate::output::schema::StatementRecord;
use crate::pipeline::StageError;
use crate::record::SpeakerKind;

pub use configs::{Sides, compare_configs, compare_stored};
pub use folders::compare_folders;
pub use limit::{Limit, LimitError};

/// The number of examples of each change.
const EXAMPLES: usize = 10;
/// The name of boilerplate among the labels.
const BOILERPLATE: &str = "boilerplate";
/// The standard normal quantile of a two-sided interval of 95 %.
const Z95: f64 = 1.96;

/// A comparison that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The configurations, models or inputs cannot be used.
    #[error(transparent)]
    Run(#[from] Box<RunError>),
    /// A ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Results cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A stage failed.
    #[error("the articles could not be analysed: {0}")]
    Stage(StageError),
    /// The configurations read different articles.
    #[error(
        "`{first}` and `{second}` differ in `[input]`, so they read different articles: run both, and compare their output folders"
    )]
    Input {
        /// The first configuration.
        first: String,
        /// The second configuration.
        second: String,
    },
    /// No document is on both sides.
    #[error("there is nothing to compare: no document is on both sides")]
    Nothing,
}

impl From<ConfigError> for CompareError {
    fn from(error: ConfigError) -> Self {
        Self::Run(Box::new(error.into()))
    }
}

/// The differences between two sides, the old and the new one.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// The name of the old side.
    pub old: String,
    /// The name of the new side.
    pub new: String,
    /// Documents on both sides.
    pub documents: u64,
    /// Documents on the old side only.
    pub only_old: u64,
    /// Documents on the new side only.
    pub only_new: u64,
    /// Statements on both sides, at the same place in the same document.
    pub statements: u64,
    /// Statements on the old side only: sentences were split elsewhere.
    pub statements_only_old: u64,
    /// Statements on the new side only.
    pub statements_only_new: u64,
    /// The labelling tasks, by name. Only tasks of both sides are compared.
    pub tasks: IndexMap<String, TaskComparison>,
    /// Tasks that only one side has.
    pub other_tasks: Vec<String>,
    /// The speakers of attributions.
    pub speakers: SpeakerComparison,
    /// The time that each side took, in seconds; `None` if nothing was analysed.
    pub seconds: Option<[f64; 2]>,
}

/// The labels of one task.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TaskComparison {
    /// Statements with another label on the new side.
    pub flips: u64,
    /// The flips by their labels, the most frequent first.
    pub by_labels: Vec<Flip>,
    /// The share of each label on both sides, in the order of the labels' names.
    pub shares: Vec<ShareChange>,
}

/// Statements that went from one label to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flip {
    /// The label on the old side.
    pub from: String,
    /// The label on the new side.
    pub to: String,
    /// The number of statements.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<Example>,
}

/// A statement that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The id of the statement.
    pub statement: String,
    /// Its text, if the results have texts.
    pub text: Option<String>,
}

/// The share of a label among the statements of both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShareChange {
    /// The label.
    pub label: String,
    /// The number of statements on the old side.
    pub old_statements: u64,
    /// The number of statements on the new side.
    pub new_statements: u64,
    /// The share on the old side, 0 to 1.
    pub old: f64,
    /// The share on the new side, 0 to 1.
    pub new: f64,
    /// The 95 % interval of the difference, by the variance between documents; `None` with one document.
    pub interval: Option<[f64; 2]>,
}

/// The named speakers of attributions, counted once for each statement and name.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SpeakerComparison {
    /// Speakers on the old side.
    pub old: u64,
    /// Speakers on the new side.
    pub new: u64,
    /// Speakers of statements that only the new side has.
    pub gained: SpeakerChange,
    /// Speakers of statements that only the old side has.
    pub lost: SpeakerChange,
}

/// Speakers that only one side has.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SpeakerChange {
    /// The number of speakers, counted once for each statement and name.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<SpeakerExample>,
}

/// A speaker that only one side has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpeakerExample {
    /// The name of the speaker.
    pub name: String,
    /// The statement.
    #[serde(flatten)]
    pub example: Example,
}

/// Collects a comparison, document by document. Memory is bounded by the numbers of labels and examples.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    comparison: Comparison,
    tasks: IndexMap<String, TaskCollector>,
    other_tasks: BTreeSet<String>,
    gained: Sample<SpeakerExample>,
    lost: Sample<SpeakerExample>,
}

/// The flips and counts of a task so far.
#[derive(Debug, Default)]
struct TaskCollector {
    flips: BTreeMap<(String, String), (u64, Sample<Example>)>,
    labels: BTreeMap<String, LabelSums>,
    /// The sums over documents of the number of statements and of its square.
    statements: f64,
    statements_squared: f64,
}

/// Sums over documents for one label. `y` is the number of its statements on the new side minus that on the old side, `n` the number of
/// statements.
#[derive(Debug, Clone, Copy, Default)]
struct LabelSums {
    old: u64,
    new: u64,
    y_squared: f64,
    y_times_n: f64,
}

impl Collector {
    pub(crate) fn new(old: &str, new: &str) -> Self {
        let comparison = Comparison { old: old.to_owned(), new: new.to_owned(), ..Comparison::default() };
        Self { comparison, ..Self::default() }
    }

    /// Counts a document that only the old side has.
    pub(crate) fn add_only_old(&mut self) {
        self.comparison.only_old += 1;
    }

    /// Counts documents that only the new side has.
    pub(crate) fn add_only_new(&mut self, documents: u64) {
        self.comparison.only_new += documents;
    }

    /// Compares the statements of a document that both sides have.
    pub(crate) fn add(&mut self, old: &[StatementRecord], new: &[StatementRecord]) {
        self.comparison.documents += 1;
        let mut new_by_place: HashMap<_, &StatementRecord> =
            new.iter().map(|statement| (place(statement), statement)).collect();
        let mut pairs = Vec::with_capacity(old.len());
        for before in old {
            match new_by_place.remove(&place(before)) {
                Some(now) => pairs.push((before, now)),
                None => self.comparison.statements_only_old += 1,
            }
        }
        self.comparison.statements_only_new += new_by_place.len() as u64;
        self.comparison.statements += pairs.len() as u64;
        self.add_labels(&pairs);
        for (before, now) in pairs {
            self.add_speakers(before, now);
        }
    }

    fn add_labels(&mut self, pairs: &[(&StatementRecord, &StatementRecord)]) {
        let Some((before, now)) = pairs.first() else { return };
        for task in before.tasks.keys().chain(now.tasks.keys()) {
            if !(before.tasks.contains_key(task) && now.tasks.contains_key(task)) {
                self.other_tasks.insert(task.clone());
            }
        }
        for task in before.tasks.keys().filter(|task| now.tasks.contains_key(*task)) {
            self.tasks.entry(task.clone()).or_default().add(task, pairs);
        }
    }

    fn add_speakers(&mut self, before: &StatementRecord, now: &StatementRecord) {
        let names_before = named_speakers(before);
        let names_now = named_speakers(now);
        let speakers = &mut self.comparison.speakers;
        speakers.old += names_before.len() as u64;
        speakers.new += names_now.len() as u64;
        for name in names_now.iter().filter(|name| !names_before.contains(name)) {
            speakers.gained.count += 1;
            self.gained.add(&now.statement, || speaker_example(name, now));
        }
        for name in names_before.iter().filter(|name| !names_now.contains(name)) {
            speakers.lost.count += 1;
            self.lost.add(&before.statement, || speaker_example(name, before));
        }
    }

    /// The comparison of all documents.
    ///
    /// # Errors
    /// [`CompareError::Nothing`] if no document is on both sides.
    pub(crate) fn finish(self, seconds: Option<[f64; 2]>) -> Result<Comparison, CompareError> {
        let mut comparison = self.comparison;
        if comparison.documents == 0 {
            return Err(CompareError::Nothing);
        }
        let documents = comparison.documents;
        comparison.tasks = self.tasks.into_iter().map(|(name, task)| (name, task.finish(documents))).collect();
        comparison.other_tasks = self.other_tasks.into_iter().collect();
        comparison.speakers.gained.examples = self.gained.into_items();
        comparison.speakers.lost.examples = self.lost.into_items();
        comparison.seconds = seconds;
        Ok(comparison)
    }
}

impl TaskCollector {
    /// Adds the statements of one document.
    fn add(&mut self, task: &str, pairs: &[(&StatementRecord, &StatementRecord)]) {
        let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (before, now) in pairs {
            let from = label(before, task);
            let to = label(now, task);
            counts.entry(from.clone()).or_default().0 += 1;
            counts.entry(to.clone()).or_default().1 += 1;
            if from != to {
                let (count, examples) = self.flips.entry((from, to)).or_default();
                *count += 1;
                examples.add(&now.statement, || example(now));
            }
        }
        let n = as_float(pairs.len() as u64);
        self.statements += n;
        self.statements_squared += n * n;
        for (label, (old, new)) in counts {
            let sums = self.labels.entry(label).or_default();
            sums.old += old;
            sums.new += new;
            let y = as_float(new) - as_float(old);
            sums.y_squared += y * y;
            sums.y_times_n += y * n;
        }
    }

    fn finish(self, documents: u64) -> TaskComparison {
        let mut by_labels: Vec<Flip> = Vec::with_capacity(self.flips.len());
        for ((from, to), (count, examples)) in self.flips {
            by_labels.push(Flip { from, to, count, examples: examples.into_items() });
        }
        // The sort is stable: flips of one count stay in the order of their labels.
        by_labels.sort_by_key(|flip| Reverse(flip.count));
        let (n, n_squared) = (self.statements, self.statements_squared);
        TaskComparison {
            flips: by_labels.iter().map(|flip| flip.count).sum(),
            shares: self.labels.into_iter().map(|(label, sums)| sums.share(label, n, n_squared, documents)).collect(),
            by_labels,
        }
    }
}

impl LabelSums {
    /// The shares of the label, and the interval of their difference. The difference is a ratio of sums over documents, so its variance is
    /// that of a ratio estimator with documents as clusters (Cochran, Sampling Techniques, 3rd ed., 1977, section 9A.1).
    fn share(self, label: String, n: f64, n_squared: f64, documents: u64) -> ShareChange {
        let old = as_float(self.old) / n;
        let new = as_float(self.new) / n;
        let difference = new - old;
        let clusters = as_float(documents);
        let residuals = self.y_squared - 2.0 * difference * self.y_times_n + difference * difference * n_squared;
        let interval = (documents > 1).then(|| {
            let variance = residuals.max(0.0) * clusters / (clusters - 1.0) / (n * n);
            let half = Z95 * variance.sqrt();
            [difference - half, difference + half]
        });
        ShareChange { label, old_statements: self.old, new_statements: self.new, old, new, interval }
    }
}

/// A number as a float. Numbers of statements are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn as_float(number: u64) -> f64 {
    number as f64
}

/// The place of a statement in its document: code points, or its number if the results have no positions.
fn place(statement: &StatementRecord) -> (usize, usize) {
    match (statement.start, statement.end) {
        (Some(start), Some(end)) => (start, end),
        _ => (statement.index, usize::MAX),
    }
}

/// The label that a statement has in a task.
fn label(statement: &StatementRecord, task: &str) -> String {
    let label = statement.tasks.get(task).and_then(|result| result.label.clone());
    label.unwrap_or_else(|| BOILERPLATE.to_owned())
}

/// The names of a statement's speakers, each once.
fn named_speakers(statement: &StatementRecord) -> Vec<&str> {
    let attributions = statement.attributions.iter().flatten();
    let speakers = attributions.flat_map(|attribution| attribution.speaker.iter().chain(&attribution.also));
    let mut names: Vec<&str> = speakers
        .filter(|speaker| speaker.kind != SpeakerKind::Unnamed)
        .filter_map(|speaker| speaker.name.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn example(statement: &StatementRecord) -> Example {
    Example { statement: statement.statement.clone(), text: statement.text.clone() }
}

fn speaker_example(name: &str, statement: &StatementRecord) -> SpeakerExample {
    SpeakerExample { name: name.to_owned(), example: example(statement) }
}

/// A sample of at most [`EXAMPLES`] items: those whose ids have the smallest hashes. It is as good as random, and always the same.
#[derive(Debug)]
struct Sample<T> {
    items: BTreeMap<(String, u64), T>,
    added: u64,
}

impl<T> Default for Sample<T> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), added: 0 }
    }
}

impl<T> Sample<T> {
    fn add(&mut self, id: &str, item: impl FnOnce() -> T) {
        self.added += 1;
        self.items.insert((sha256(id), self.added), item());
        if self.items.len() > EXAMPLES {
            self.items.pop_last();
        }
    }

    fn into_items(self) -> Vec<T> {
        self.items.into_values().collect()
    }
}

impl Comparison {
    /// The share of statements whose label of `task` flipped, 0 to 1; of any task if it is `None`, and then the largest. `None` if there is
    /// no such task.
    #[must_use]
    pub fn flipped_share(&self, task: Option<&str>) -> Option<f64> {
        let flips = match task {
            Some(task) => self.tasks.get(task)?.flips,
            None => self.tasks.values().map(|task| task.flips).max().unwrap_or(0),
        };
        Some(as_float(flips) / as_float(self.statements.max(1)))
    }

    /// The share of the old side's speakers that the new side does not have, 0 to 1.
    #[must_use]
    pub fn lost_share(&self) -> f64 {
        as_float(self.speakers.lost.count) / as_float(self.speakers.old.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statements of a document with these topics.
    fn statements(document: &str, topics: &[&str]) -> Vec<StatementRecord> {
        let record = |(index, topic): (usize, &&str)| {
            serde_json::from_value(serde_json::json!({
                "schema": 1, "document": document, "statement": format!("{document}#{index}"), "index": index,
                "text": format!("Sentence {index}."), "start": index * 10, "end": index * 10 + 9, "byte_start": 0, "byte_end": 0,
                "paragraph": 0, "duplicate_of": null, "topic": { "label": topic, "score": 0.5 }, "attributions": [], "flags": []
            }))
            .unwrap()
        };
        topics.iter().enumerate().map(record).collect()
    }

    fn compare(documents: &[(&[&str], &[&str])]) -> Comparison {
        let mut collector = Collector::new("a", "b");
        for (number, (old, new)) in documents.iter().enumerate() {
            let id = format!("d{number}");
            collector.add(&statements(&id, old), &statements(&id, new));
        }
        collector.finish(None).unwrap()
    }

    #[test]
    fn flips_are_counted_by_their_labels_and_have_examples() {
        let comparison = compare(&[(&["A", "A", "B"], &["A", "B", "B"]), (&["A", "C"], &["B", "A"])]);
        let topic = &comparison.tasks["topic"];
        let flips: Vec<_> = topic.by_labels.iter().map(|flip| (&*flip.from, &*flip.to, flip.count)).collect();
        assert_eq!(flips, [("A", "B", 2), ("C", "A", 1)]);
        assert_eq!((topic.flips, comparison.statements, comparison.documents), (3, 5, 2));
        assert_eq!(topic.by_labels[1].examples[0].statement, "d1#1");
        assert_eq!(comparison.flipped_share(None), Some(0.6));
        assert_eq!(comparison.flipped_share(Some("absent")), None);
    }

    #[test]
    fn a_side_compared_with_itself_has_no_change() {
        let comparison = compare(&[(&["A", "B"], &["A", "B"]), (&["B"], &["B"])]);
        let topic = &comparison.tasks["topic"];
        assert!(topic.by_labels.is_empty());
        assert!(
            topic
                .shares
                .iter()
                .all(|share| share.old_statements == share.new_statements && share.interval == Some([0.0, 0.0]))
        );
    }

    #[test]
    fn intervals_grow_when_the_changes_are_in_few_documents() {
        let spread = compare(&[(&["A", "A"], &["A", "B"]), (&["A", "A"], &["A", "B"]), (&["A", "A"], &["A", "B"])]);
        let clustered = compare(&[(&["A", "A"], &["B", "B"]), (&["A", "A"], &["A", "A"]), (&["A", "A"], &["A", "B"])]);
        let width = |comparison: &Comparison| {
            let [low, high] = comparison.tasks["topic"].shares[1].interval.unwrap();
            high - low
        };
        assert!(width(&spread).abs() < 1e-9, "each document changed alike");
        // By hand: y = 2, 0, 1 of n = 2 each, D = .5, residuals 1, -1, 0, variance 2 · 3 / 2 / 36 = 1 / 12.
        assert!((width(&clustered) - 2.0 * 1.96 * (1.0_f64 / 12.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn statements_that_only_one_side_has_are_counted() {
        let comparison = compare(&[(&["A", "A", "A"], &["A"])]);
        assert_eq!((comparison.statements, comparison.statements_only_old, comparison.statements_only_new), (1, 2, 0));
    }

    #[test]
    fn a_sample_is_small_and_does_not_depend_on_the_order() {
        let sample = |ids: &mut dyn Iterator<Item = u32>| {
            let mut sample = Sample::default();
            ids.for_each(|id| sample.add(&id.to_string(), || id));
            sample.into_items()
        };
        let forward = sample(&mut (0..1000));
        assert_eq!((forward.len(), &forward), (EXAMPLES, &sample(&mut (0..1000).rev())));
    }

    #[test]
    fn nothing_on_both_sides_is_an_error() {
        assert!(matches!(Collector::new("a", "b").finish(None), Err(CompareError::Nothing)));
    }
}
