//! The documents that a run writes, counted for its row in the ledger's table of nights. Memory is bounded: by the number of labels, and
//! of sources that are told apart.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;

use crate::ledger::nights::{LabelCounts, MAX_SOURCES, NO_SOURCE, OTHER_SOURCES};
use crate::ledger::{Night, NightKind, NightSource, Reopened};
use crate::output::line;
use crate::output::schema::DocumentRecord;
use crate::record::{AnalysedDocument, Reason, Statement, TextFlag, Verdict};
use crate::task::{LabelTask, Tasks};

/// The number of sources that are told apart while a run goes on. More of them than a row has, so that late ones can still become large.
const MAX_TRACKED_SOURCES: usize = 10 * MAX_SOURCES;

/// The number of languages, and of sections, that are told apart.
const MAX_NAMES: usize = 256;

/// Tone in output has four digits after the point, so sums of whole ten-thousandths do not depend on their order.
const TONE_UNITS: f64 = 1e4;

/// The counts of a run so far.
#[derive(Debug)]
pub(crate) struct Tally {
    tasks: Arc<Tasks>,
    /// What is known of the run from its start, and the counts that need no more than a number.
    night: Night,
    tone: Option<Tone>,
    all: Counts,
    sources: HashMap<String, Counts>,
    /// The sum and the number of scores of each labelling task.
    scores: Vec<(f64, u64)>,
    /// Documents whose earlier results came from another fingerprint.
    redone: u64,
}

/// The task and the labels that measure tone, by their places.
#[derive(Debug, Clone, Copy)]
struct Tone {
    task: usize,
    positive: usize,
    negative: usize,
}

/// The counts of a source, or of all.
#[derive(Debug, Clone, Default)]
struct Counts {
    documents: u64,
    copies: u64,
    statements: u64,
    attributions: u64,
    unattributed: u64,
    rejected: u64,
    characters: u64,
    /// For each labelling task, the number of statements with each label; one more at the end for "unsure".
    labels: Vec<Vec<u64>>,
    /// In ten-thousandths.
    tone: i64,
}

impl Tally {
    /// Zero counts for a run that is described by `night`.
    pub(crate) fn new(tasks: Arc<Tasks>, night: Night) -> Self {
        let tone = Tone::find(&tasks.labels);
        let tone_task = tone.map(|tone| tasks.labels[tone.task].name.clone());
        Self {
            night: Night { tone_task, label_names: label_names(&tasks.labels), ..night },
            tone,
            all: Counts::new(&tasks.labels),
            sources: HashMap::new(),
            scores: vec![(0.0, 0); tasks.labels.len()],
            redone: 0,
            tasks,
        }
    }

    /// Counts a document that was written.
    pub(crate) fn count(&mut self, document: &AnalysedDocument, record: &DocumentRecord) {
        let counts = Counts::of_document(document, record, &self.tasks.labels, self.tone);
        self.night.boilerplate += record.boilerplate as u64;
        self.night.words += document.document.text.split_whitespace().count() as u64;
        let metadata = &record.metadata;
        count_name(&mut self.night.languages, metadata.language.as_deref());
        count_name(&mut self.night.sections, metadata.section.as_deref());
        for flag in &record.flags {
            *self.night.flags.entry(flag_name(*flag).to_owned()).or_default() += 1;
        }
        for statement in &document.statements {
            for ((sum, number), verdict) in self.scores.iter_mut().zip(&statement.verdicts) {
                if let Some(verdict) = verdict {
                    *sum += f64::from(verdict.score);
                    *number += 1;
                }
            }
        }
        self.all.add(&counts);
        self.source(metadata.source.as_deref().unwrap_or(NO_SOURCE)).add(&counts);
    }

    /// Counts documents that took the place of earlier ones.
    pub(crate) fn count_replaced(&mut self, reopened: Reopened) {
        self.night.documents.replaced += reopened.documents;
        self.redone += reopened.redone;
    }

    /// Counts a rejection. Its source is not known.
    pub(crate) fn count_rejection(&mut self, reason: Reason) {
        *self.night.reasons.entry(reason.as_str().to_owned()).or_default() += 1;
        self.all.rejected += 1;
        self.source(NO_SOURCE).rejected += 1;
    }

    /// The row of the night, as far as the run has got.
    pub(crate) fn night(&self) -> Night {
        let mut night = self.night.clone();
        night.finished = to_the_second(Timestamp::now());
        night.documents.written = self.all.documents;
        night.documents.copies = self.all.copies;
        night.documents.rejected = self.all.rejected;
        night.documents.found = self.all.documents + self.all.rejected;
        // An earlier run has begun to do documents again, and this one goes on.
        if self.redone * 2 > night.documents.written {
            night.kind = NightKind::Backfill;
        }
        let NightSource { statements, attributions, unattributed, characters, labels, tone_sum, .. } =
            self.all.to_night(&self.tasks.labels);
        let scores = self.tasks.labels.iter().zip(&self.scores);
        let scores = scores.filter(|(_, (_, number))| *number > 0);
        night.scores = scores.map(|(task, scores)| (task.name.clone(), mean(*scores))).collect();
        night.sources = self.largest_sources();
        Night { statements, attributions, unattributed, characters, labels, tone_sum, ..night }
    }

    /// The counts of a source, or those of all others once there are too many.
    fn source(&mut self, name: &str) -> &mut Counts {
        let is_tracked = self.sources.contains_key(name) || self.sources.len() < MAX_TRACKED_SOURCES;
        let name = if is_tracked { name } else { OTHER_SOURCES };
        let tasks = &self.tasks.labels;
        self.sources.entry(name.to_owned()).or_insert_with(|| Counts::new(tasks))
    }

    /// The sources with the most documents, and the others as one.
    fn largest_sources(&self) -> BTreeMap<String, NightSource> {
        let mut sources: Vec<(&String, &Counts)> = self.sources.iter().collect();
        sources.sort_by_key(|(name, counts)| (std::cmp::Reverse(counts.documents), *name));
        let mut others = Counts::new(&self.tasks.labels);
        let mut largest = BTreeMap::new();
        for (place, (name, counts)) in sources.into_iter().enumerate() {
            if place < MAX_SOURCES && name != OTHER_SOURCES {
                largest.insert(name.clone(), counts.to_night(&self.tasks.labels));
            } else {
                others.add(counts);
            }
        }
        if others.documents + others.rejected > 0 {
            largest.insert(OTHER_SOURCES.to_owned(), others.to_night(&self.tasks.labels));
        }
        largest
    }
}

impl Tone {
    /// The first task that has a positive and a negative label.
    fn find(tasks: &[LabelTask]) -> Option<Self> {
        tasks.iter().enumerate().find_map(|(task, LabelTask { labels, .. })| {
            let place = |name| labels.iter().position(|label| label.label == name);
            Some(Self { task, positive: place("positive")?, negative: place("negative")? })
        })
    }

    /// The tone of a statement in ten-thousandths: positive minus negative probability, each rounded as in the output.
    fn of_statement(self, statement: &Statement) -> i64 {
        let Some(Some(Verdict { probabilities, .. })) = statement.verdicts.get(self.task) else { return 0 };
        units(probabilities[self.positive]) - units(probabilities[self.negative])
    }
}

impl Counts {
    fn new(tasks: &[LabelTask]) -> Self {
        Self { labels: tasks.iter().map(|task| vec![0; task.labels.len() + 1]).collect(), ..Self::default() }
    }

    fn of_document(
        document: &AnalysedDocument,
        record: &DocumentRecord,
        tasks: &[LabelTask],
        tone: Option<Tone>,
    ) -> Self {
        let mut counts = Self {
            documents: 1,
            copies: u64::from(record.duplicate_of.is_some()),
            statements: record.statements as u64,
            attributions: record.attributions as u64,
            unattributed: line::unattributed(&document.statements),
            characters: record.characters as u64,
            ..Self::new(tasks)
        };
        for statement in &document.statements {
            for (counts, verdict) in counts.labels.iter_mut().zip(&statement.verdicts) {
                let unsure = counts.len() - 1;
                if let Some(verdict) = verdict {
                    counts[verdict.label.unwrap_or(unsure)] += 1;
                }
            }
            counts.tone += tone.map_or(0, |tone| tone.of_statement(statement));
        }
        counts
    }

    fn add(&mut self, other: &Self) {
        self.documents += other.documents;
        self.copies += other.copies;
        self.statements += other.statements;
        self.attributions += other.attributions;
        self.unattributed += other.unattributed;
        self.rejected += other.rejected;
        self.characters += other.characters;
        self.tone += other.tone;
        for (totals, counts) in self.labels.iter_mut().zip(&other.labels) {
            totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 ten-thousandths")]
    fn to_night(&self, tasks: &[LabelTask]) -> NightSource {
        NightSource {
            documents: self.documents,
            originals: self.documents - self.copies,
            copies: self.copies,
            statements: self.statements,
            attributions: self.attributions,
            unattributed: self.unattributed,
            rejected: self.rejected,
            characters: self.characters,
            labels: label_counts(tasks, &self.labels),
            tone_sum: self.tone as f64 / TONE_UNITS,
        }
    }
}

/// The counts of labels by their keys, without zeros, in the order of the head, with "unsure" at the end.
fn label_counts(tasks: &[LabelTask], counts: &[Vec<u64>]) -> LabelCounts {
    let mut by_task = LabelCounts::new();
    for (task, counts) in tasks.iter().zip(counts) {
        let mut by_label = IndexMap::new();
        for (index, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let label = (index < task.labels.len()).then_some(index);
            by_label.insert(line::label_key(task, label).to_owned(), count);
        }
        by_task.insert(task.name.clone(), by_label);
    }
    by_task
}

/// The names of labels that have codes, by task.
fn label_names(tasks: &[LabelTask]) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut names: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for task in tasks {
        for label in &task.labels {
            if let Some(code) = &label.code {
                names.entry(task.name.clone()).or_default().insert(code.clone(), label.label.clone());
            }
        }
    }
    names
}

fn count_name(counts: &mut BTreeMap<String, u64>, name: Option<&str>) {
    let name = name.unwrap_or(NO_SOURCE);
    let is_tracked = counts.contains_key(name) || counts.len() < MAX_NAMES;
    let name = if is_tracked { name } else { OTHER_SOURCES };
    *counts.entry(name.to_owned()).or_default() += 1;
}

/// The word for a remark, as in the output.
fn flag_name(flag: TextFlag) -> &'static str {
    match flag {
        TextFlag::Mojibake => "mojibake",
        TextFlag::Markup => "markup",
        TextFlag::Controls => "controls",
        TextFlag::Repaired => "repaired",
        TextFlag::Metadata => "metadata",
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 statements")]
fn mean((sum, number): (f64, u64)) -> f64 {
    (sum / number as f64 * TONE_UNITS).round() / TONE_UNITS
}

/// A probability in ten-thousandths.
#[expect(clippy::cast_possible_truncation, reason = "from 0 to 10,000")]
fn units(probability: f32) -> i64 {
    (f64::from(probability) * TONE_UNITS).round() as i64
}

/// A time as text, rounded to the second.
pub(crate) fn to_the_second(time: Timestamp) -> String {
    time.round(jiff::Unit::Second).unwrap_or(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Report;
    use crate::record::{Document, Label, Original};
    use crate::task::LabelSource;

    fn tasks() -> Arc<Tasks> {
        let label = |label: &str, code: Option<&str>| Label {
            code: code.map(str::to_owned),
            label: label.to_owned(),
            iptc: None,
        };
        let task = |name: &str, labels| LabelTask {
            name: name.to_owned(),
            model: 0,
            source: LabelSource::Head { slot: 0 },
            labels,
            report: Report::Distribution,
            min_score: 0.0,
            document: None,
        };
        let topic = task("topic", vec![label("Defence", Some("16")), label("Sport", Some("29"))]);
        let tone = task("mood", vec![label("negative", None), label("positive", None)]);
        Arc::new(Tasks { labels: vec![topic, tone], ..Tasks::default() })
    }

    fn verdict(label: Option<usize>, probabilities: [f32; 2]) -> Verdict {
        Verdict { label, score: probabilities[0].max(probabilities[1]), probabilities: probabilities.to_vec() }
    }

    fn count(tally: &mut Tally, source: Option<&str>, original: Option<Original>) {
        let mut document = Document::of_text("One here. Two here.".to_owned());
        document.metadata.source = source.map(str::to_owned);
        document.duplicate_of = original;
        let sentences = crate::sentences::sentences(&document.text);
        let statements = sentences.into_iter().map(|sentence| Statement {
            sentence,
            verdicts: vec![Some(verdict(None, [0.5, 0.4])), Some(verdict(Some(1), [0.1, 0.9]))],
            attributions: vec![],
            flags: vec![],
        });
        let document =
            AnalysedDocument { statements: statements.collect(), document, verdicts: vec![], unsure_attributions: 0 };
        let record = line::document_record(&document, &tally.tasks.labels.clone());
        tally.count(&document, &record);
    }

    #[test]
    fn a_night_is_the_sum_of_its_sources() {
        let mut tally = Tally::new(tasks(), Night { night: 3, ..Night::default() });
        count(&mut tally, Some("The Gazette"), None);
        count(&mut tally, Some("The Gazette"), Some(Original { id: "a".to_owned(), percent: 90 }));
        count(&mut tally, None, None);
        tally.count_rejection(Reason::Empty);
        let night = tally.night();
        assert_eq!((night.night, night.documents.found, night.documents.written, night.documents.copies), (3, 4, 3, 1));
        assert_eq!((night.statements, night.words, night.documents.rejected), (6, 12, 1));
        assert_eq!(night.labels["topic"], IndexMap::from([("unsure".to_owned(), 6)]));
        assert_eq!((night.tone_task.as_deref(), night.tone_sum), (Some("mood"), 4.8));
        assert_eq!(night.scores, BTreeMap::from([("topic".to_owned(), 0.5), ("mood".to_owned(), 0.9)]));
        assert_eq!(night.label_names["topic"]["16"], "Defence");
        let gazette = &night.sources["The Gazette"];
        assert_eq!((gazette.documents, gazette.originals, gazette.copies, gazette.tone_sum), (2, 1, 1, 3.2));
        let none = &night.sources[NO_SOURCE];
        assert_eq!((none.documents, none.rejected, none.labels["mood"]["positive"]), (1, 1, 2));
        assert_eq!(night.reasons, BTreeMap::from([("empty".to_owned(), 1)]));
    }

    #[test]
    fn small_sources_are_joined() {
        let mut tally = Tally::new(tasks(), Night::default());
        for number in 0..MAX_SOURCES + 2 {
            count(&mut tally, Some(&format!("{number:05}")), None);
        }
        count(&mut tally, Some("01001"), None);
        let sources = tally.night().sources;
        assert_eq!((sources.len(), sources["01001"].documents, sources[OTHER_SOURCES].documents), (1001, 2, 2));
    }

    #[test]
    fn a_night_that_mostly_does_documents_again_is_a_backfill() {
        let mut tally = Tally::new(tasks(), Night::default());
        count(&mut tally, None, None);
        tally.count_replaced(Reopened { documents: 1, redone: 0 });
        assert_eq!(tally.night().kind, NightKind::Night, "a correction");
        tally.count_replaced(Reopened { documents: 1, redone: 1 });
        assert_eq!(tally.night().kind, NightKind::Backfill);
    }
}
