//! Documents, statements and rejections to the records of `super::schema`, and these to lines of JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;

use super::SCHEMA;
use super::reader::records_in;
use super::schema::{
    AttributionRecord, DocumentLabelRecord, DocumentRecord, GivenLabelRecord, LabelRecord, RejectionRecord,
    RunnerUpRecord, SpanRecord, SpeakerRecord, StatementRecord,
};
use crate::config::IDENTIFYING_FIELDS;
use crate::digest::sha256;
use crate::model::Report;
use crate::own_labels::{FitKind, OwnLabels};
use crate::record::{
    Act, AnalysedDocument, Attribution, Document, Label, Original, Rejection, Span, Speaker, SpeakerKind, Statement,
    Verdict,
};
use crate::task::{LabelSource, LabelTask, Tasks};

/// The label of a statement whose best label is not probable enough.
pub(crate) const UNSURE: &str = "unsure";

/// The format of statements: their tasks and the fields that are wanted.
#[derive(Debug)]
pub(crate) struct StatementFormat {
    tasks: Arc<Tasks>,
    /// The fields to write besides those that identify a statement; empty for all.
    wanted: Vec<String>,
}

impl StatementFormat {
    pub(crate) fn new(tasks: Arc<Tasks>, wanted: Vec<String>) -> Self {
        Self { tasks, wanted }
    }

    /// The lines of a document's statements.
    pub(crate) fn lines(&self, document: &AnalysedDocument) -> Result<Vec<u8>, serde_json::Error> {
        let mut lines = Vec::with_capacity(document.statements.len() * 512);
        for (index, statement) in document.statements.iter().enumerate() {
            self.append(&statement_record(&self.tasks, &document.document, index, statement), &mut lines)?;
        }
        Ok(lines)
    }

    /// The lines of a document's statements under another id, and with another original.
    pub(crate) fn with_identity(
        &self,
        lines: &[u8],
        document: &str,
        duplicate_of: Option<&str>,
    ) -> Result<Vec<u8>, serde_json::Error> {
        let mut changed = Vec::with_capacity(lines.len());
        for record in records_in::<StatementRecord>(lines) {
            let record = record?;
            let record = StatementRecord {
                document: document.to_owned(),
                statement: format!("{document}#{}", record.index),
                duplicate_of: duplicate_of.map(str::to_owned),
                ..record
            };
            self.append(&record, &mut changed)?;
        }
        Ok(changed)
    }

    fn append(&self, record: &StatementRecord, lines: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        if self.wanted.is_empty() {
            serde_json::to_writer(&mut *lines, record)?;
        } else {
            // The detour over a map costs time, so it is taken only if fields are left out.
            let mut fields = serde_json::to_value(record)?;
            if let Some(fields) = fields.as_object_mut() {
                fields.retain(|name, _| self.wants(name));
            }
            serde_json::to_writer(&mut *lines, &fields)?;
        }
        lines.push(b'\n');
        Ok(())
    }

    fn wants(&self, field: &str) -> bool {
        IDENTIFYING_FIELDS.contains(&field) || self.wanted.iter().any(|wanted| wanted == field)
    }
}

/// A value and a line feed.
pub(crate) fn to_line(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// The line of a rejection.
pub(crate) fn rejection(rejection: &Rejection) -> Result<Vec<u8>, serde_json::Error> {
    let Rejection { place, stage, reason, message, excerpt } = rejection;
    to_line(&RejectionRecord {
        schema: SCHEMA,
        place: place.clone(),
        stage: (*stage).to_owned(),
        reason: *reason,
        message: message.clone(),
        excerpt: excerpt.clone(),
    })
}

/// The record of a statement, with all fields.
pub(crate) fn statement_record(
    tasks: &Tasks,
    document: &Document,
    index: usize,
    statement: &Statement,
) -> StatementRecord {
    let span = statement.sentence.span;
    let labels = tasks.labels.iter().zip(&statement.verdicts);
    let attributions = statement.attributions.iter();
    StatementRecord {
        schema: SCHEMA,
        document: document.id.clone(),
        statement: format!("{}#{index}", document.id),
        index,
        text: Some(span.slice(&document.text).to_owned()),
        start: Some(span.start),
        end: Some(span.end),
        byte_start: Some(span.byte_start),
        byte_end: Some(span.byte_end),
        paragraph: Some(statement.sentence.paragraph),
        metadata: document.metadata.clone(),
        duplicate_of: document.duplicate_of.as_ref().map(|original| original.id.clone()),
        tasks: labels.map(|(task, verdict)| (task.name.clone(), label_record(task, verdict.as_ref()))).collect(),
        attributions: tasks
            .attribution
            .is_some()
            .then(|| attributions.map(|attribution| attribution_record(attribution, &document.text)).collect()),
        flags: Some(statement.flags.clone()),
    }
}

/// The result of a task; `verdict` is `None` of boilerplate, and then every field is null.
fn label_record(task: &LabelTask, verdict: Option<&Verdict>) -> LabelRecord {
    let labels = &task.labels;
    let given = verdict.and_then(|verdict| verdict.label).map(|label| &labels[label]);
    let has_codes = labels.iter().any(|label| label.code.is_some());
    let has_topics = labels.iter().any(|label| label.iptc.is_some());
    let own = match &task.source {
        LabelSource::Head { .. } => None,
        LabelSource::Own(own) => Some(own),
    };
    let has_runner_up = own.is_none() && task.report == Report::RunnerUp;
    LabelRecord {
        code: has_codes.then(|| given.and_then(|label| label.code.clone())),
        label: verdict.map(|_| given.map_or(UNSURE, |label| label.label.as_str()).to_owned()),
        score: verdict.map(|verdict| rounded(verdict.score)),
        iptc: has_topics.then(|| given.and_then(|label| label.iptc.clone())),
        runner_up: has_runner_up.then(|| verdict.and_then(|verdict| runner_up(task, verdict))),
        labels: own.filter(|own| own.has_several()).map(|own| verdict.map(|verdict| given_labels(own, verdict))),
        fit: own.map(|own| fit_of(own, verdict)),
        probabilities: if task.report == Report::Distribution { probabilities(task, verdict) } else { IndexMap::new() },
    }
}

/// The own labels that a statement has: its label first, then the others by score.
fn given_labels(own: &OwnLabels, verdict: &Verdict) -> Vec<GivenLabelRecord> {
    let mut given: Vec<usize> =
        (0..own.labels().len()).filter(|&label| own.is_given(label, verdict.probabilities[label])).collect();
    // The label of the statement comes first. The sort is stable: of equals the first in the file stays first.
    given.sort_by(|&one, &other| {
        let score = |label: usize| verdict.probabilities[label];
        (verdict.label == Some(other)).cmp(&(verdict.label == Some(one))).then(score(other).total_cmp(&score(one)))
    });
    let records = given.into_iter().map(|label| {
        let fitted = &own.fitted()[label];
        GivenLabelRecord {
            code: fitted.code.clone(),
            label: fitted.name.clone(),
            score: rounded(verdict.probabilities[label]),
        }
    });
    records.collect()
}

/// What the own label of a verdict was fitted to.
fn fit_of(own: &OwnLabels, verdict: Option<&Verdict>) -> Option<FitKind> {
    Some(own.fitted()[verdict?.label?].fit)
}

/// The probability of each label, in the order of the head.
fn probabilities(task: &LabelTask, verdict: Option<&Verdict>) -> IndexMap<String, Option<f64>> {
    let mut probabilities = IndexMap::with_capacity(task.labels.len());
    for (place, label) in task.labels.iter().enumerate() {
        let probability = verdict.map(|verdict| rounded(verdict.probabilities[place]));
        probabilities.insert(label.label.clone(), probability);
    }
    probabilities
}

/// The most probable of the labels that were not given.
fn runner_up(task: &LabelTask, verdict: &Verdict) -> Option<RunnerUpRecord> {
    let others = verdict.probabilities.iter().enumerate().filter(|(label, _)| Some(*label) != verdict.label);
    // The first of equals, as where a label is given.
    let (best, &score) = others.reduce(|best, other| if other.1 > best.1 { other } else { best })?;
    let Label { code, label, .. } = &task.labels[best];
    Some(RunnerUpRecord { code: code.clone(), label: label.clone(), score: rounded(score) })
}

/// The record of an attribution in the document with this text.
pub(crate) fn attribution_record(attribution: &Attribution, text: &str) -> AttributionRecord {
    AttributionRecord {
        attribution: attribution.number,
        act: attribution.act,
        kind: attribution.kind,
        score: rounded(attribution.score),
        source: attribution.source.map(|span| span_record(span, text)),
        speaker: attribution.speaker.clone(),
        also: attribution.also.clone(),
        cue: attribution.cue.map(|span| span_record(span, text)),
        content: attribution.content.iter().map(|&span| span_record(span, text)).collect(),
    }
}

fn span_record(span: Span, text: &str) -> SpanRecord {
    SpanRecord { text: span.slice(text).to_owned(), start: span.start, end: span.end }
}

/// The record of a document, all but the file of its statements, which is known when they are written.
pub(crate) fn document_record(analysed: &AnalysedDocument, tasks: &[LabelTask]) -> DocumentRecord {
    let document = &analysed.document;
    let statements = &analysed.statements;
    let mut labels = IndexMap::new();
    for (place, task) in tasks.iter().enumerate() {
        let verdict = analysed.verdicts.get(place).and_then(Option::as_ref);
        labels.insert(task.name.clone(), document_label_record(task, place, verdict, statements));
    }
    DocumentRecord {
        schema: SCHEMA,
        document: document.id.clone(),
        place: document.place.clone(),
        metadata: document.metadata.clone(),
        duplicate_of: document.duplicate_of.as_ref().map(|original| original.id.clone()),
        similarity: document.duplicate_of.as_ref().map(Original::share),
        text_sha256: sha256(&document.text),
        characters: document.text.chars().count(),
        bytes: document.text.len(),
        encoding: document.encoding.to_owned(),
        flags: document.flags.clone(),
        paragraphs: statements.last().map_or(0, |last| last.sentence.paragraph + 1),
        statements: statements.len(),
        boilerplate: statements.iter().filter(|statement| statement.is_boilerplate()).count(),
        attributions: attributions(statements),
        acts: acts_by_name(acts(statements)),
        unsure_attributions: analysed.unsure_attributions,
        speakers: speakers(tasks, statements),
        statements_file: String::new(),
        tasks: labels,
    }
}

/// The number of attributions in `statements`: one that goes over several of them counts once.
pub(crate) fn attributions(statements: &[Statement]) -> usize {
    let numbers = statements.iter().flat_map(|statement| &statement.attributions).map(|attribution| attribution.number);
    numbers.max().map_or(0, |last| last + 1)
}

/// The number of attributions without a speaker.
pub(crate) fn unattributed(statements: &[Statement]) -> u64 {
    let mut numbers: Vec<usize> = statements
        .iter()
        .flat_map(|statement| &statement.attributions)
        .filter(|attribution| attribution.speaker.is_none())
        .map(|attribution| attribution.number)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.len() as u64
}

/// The number of attributions in `statements` by act, in the order of [`Act::ALL`].
pub(crate) fn acts(statements: &[Statement]) -> [usize; Act::ALL.len()] {
    let mut counts = [0; Act::ALL.len()];
    let mut next = 0;
    for attribution in statements.iter().flat_map(|statement| &statement.attributions) {
        // One that goes over several statements counts at its first.
        if attribution.number >= next {
            next = attribution.number + 1;
            counts[attribution.act as usize] += 1;
        }
    }
    counts
}

/// Counts by act under the names of the acts.
pub(crate) fn acts_by_name<Count>(counts: [Count; Act::ALL.len()]) -> IndexMap<String, Count> {
    Act::ALL.into_iter().map(|act| act.as_str().to_owned()).zip(counts).collect()
}

/// The statements that report somebody.
#[derive(Default)]
struct Reported<'s> {
    role: Option<&'s String>,
    kind: Option<SpeakerKind>,
    /// Those that report what they said.
    said: Vec<&'s Statement>,
    thoughts: Vec<&'s Statement>,
    refusals: Vec<&'s Statement>,
}

impl<'s> Reported<'s> {
    fn add(&mut self, speaker: &'s Speaker, act: Act, statement: &'s Statement) {
        self.role = self.role.or(speaker.role.as_ref());
        self.kind = self.kind.or(Some(speaker.kind));
        let statements = match act {
            Act::Say | Act::Ask | Act::Deny => &mut self.said,
            Act::Think => &mut self.thoughts,
            Act::Refuse => &mut self.refusals,
        };
        if statements.last().is_none_or(|last| !std::ptr::eq(*last, statement)) {
            statements.push(statement);
        }
    }
}

/// The people and organisations that a document reports, the most reported first. One name is one speaker, with the first role that
/// is told. Only what they said counts as a statement of theirs.
fn speakers(tasks: &[LabelTask], statements: &[Statement]) -> Vec<SpeakerRecord> {
    let mut all: IndexMap<&str, Reported<'_>> = IndexMap::new();
    for statement in statements {
        for attribution in &statement.attributions {
            for speaker in attribution.speaker.iter().chain(&attribution.also) {
                if let Some(name) = &speaker.name {
                    all.entry(name).or_default().add(speaker, attribution.act, statement);
                }
            }
        }
    }
    let mut records: Vec<SpeakerRecord> = Vec::with_capacity(all.len());
    for (name, Reported { role, kind, said, thoughts, refusals }) in all {
        records.push(SpeakerRecord {
            name: name.to_owned(),
            role: role.cloned(),
            kind: kind.unwrap_or(SpeakerKind::Person),
            statements: said.len(),
            thoughts: thoughts.len(),
            refusals: refusals.len(),
            mean: if said.is_empty() { IndexMap::new() } else { means(tasks, &said) },
        });
    }
    // Stable: of equals the first to speak comes first.
    records.sort_by_key(|record| std::cmp::Reverse((record.statements, record.thoughts, record.refusals)));
    records
}

/// The mean of each task over `statements`, if it has such labels.
fn means(tasks: &[LabelTask], statements: &[&Statement]) -> IndexMap<String, f64> {
    let mut means = IndexMap::new();
    for (place, task) in tasks.iter().enumerate() {
        if let Some(mean) = balance(task, place, statements) {
            means.insert(task.name.clone(), mean);
        }
    }
    means
}

/// The mean of the probability of `positive` minus that of `negative`, over statements that are not boilerplate; `None` if the task
/// has no such labels.
#[expect(clippy::cast_precision_loss, reason = "a document has fewer than 2^52 statements")]
fn balance(task: &LabelTask, place: usize, statements: &[&Statement]) -> Option<f64> {
    let positive = task.labels.iter().position(|label| label.label == "positive")?;
    let negative = task.labels.iter().position(|label| label.label == "negative")?;
    let mut sum = 0.0;
    let mut count = 0_usize;
    for verdict in statements.iter().filter_map(|statement| statement.verdicts[place].as_ref()) {
        sum += f64::from(verdict.probabilities[positive]) - f64::from(verdict.probabilities[negative]);
        count += 1;
    }
    Some(rounded_f64(sum / count.max(1) as f64))
}

/// The document's own label, and the shares of the labels of its statements.
#[expect(clippy::cast_precision_loss, reason = "a document has fewer than 2^52 statements")]
fn document_label_record(
    task: &LabelTask,
    place: usize,
    verdict: Option<&Verdict>,
    statements: &[Statement],
) -> DocumentLabelRecord {
    let mut total = 0_usize;
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    for verdict in statements.iter().filter_map(|statement| statement.verdicts[place].as_ref()) {
        *counts.entry(label_key(task, verdict.label)).or_default() += 1.0;
        total += 1;
    }
    DocumentLabelRecord {
        label: label_record(task, verdict),
        shares: counts.into_iter().map(|(key, count)| (key.to_owned(), rounded_f64(count / total as f64))).collect(),
        mean: balance(task, place, &statements.iter().collect::<Vec<_>>()),
    }
}

/// The key under which a label is counted: its code, or its name if it has no code.
pub(crate) fn label_key(task: &LabelTask, label: Option<usize>) -> &str {
    label.map_or(UNSURE, |label| {
        let label = &task.labels[label];
        label.code.as_deref().unwrap_or(&label.label)
    })
}

/// The value with four digits after the point: the fifth depends on the hardware.
fn rounded(value: f32) -> f64 {
    rounded_f64(f64::from(value))
}

fn rounded_f64(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
