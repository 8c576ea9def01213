//! Documents, statements and rejections to lines of JSON. Field names are an interface: see `docs/output.md`.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::SCHEMA;
use crate::config::IDENTIFYING_FIELDS;
use crate::digest::sha256;
use crate::model::Report;
use crate::record::{
    AnalysedDocument, Attribution, Document, Label, Metadata, Original, Place, Rejection, Span, Speaker, Statement,
    TextFlag, Verdict,
};
use crate::task::{LabelTask, Tasks};

/// What a statement is called whose best label is not probable enough.
pub(crate) const UNSURE: &str = "unsure";

/// How statements are written.
#[derive(Debug)]
pub(crate) struct StatementFormat {
    tasks: Arc<Tasks>,
    /// The fields to write beside those that identify a statement; empty for all.
    wanted: Vec<String>,
}

impl StatementFormat {
    pub(crate) fn new(tasks: Arc<Tasks>, wanted: Vec<String>) -> Self {
        Self { tasks, wanted }
    }

    /// A line a statement.
    pub(crate) fn lines(&self, document: &AnalysedDocument) -> Result<Vec<u8>, serde_json::Error> {
        let mut lines = Vec::with_capacity(document.statements.len() * 512);
        for (index, statement) in document.statements.iter().enumerate() {
            let line = StatementLine { format: self, document: &document.document, index, statement };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    fn wants(&self, field: &str) -> bool {
        self.wanted.is_empty()
            || IDENTIFYING_FIELDS.contains(&field)
            || self.wanted.iter().any(|wanted| wanted == field)
    }
}

/// A value and a line feed.
pub(crate) fn to_line(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// A rejection's line.
pub(crate) fn rejection(rejection: &Rejection) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        schema: u32,
        #[serde(flatten)]
        rejection: &'a Rejection,
    }
    to_line(&Line { schema: SCHEMA, rejection })
}

struct StatementLine<'a> {
    format: &'a StatementFormat,
    document: &'a Document,
    index: usize,
    statement: &'a Statement,
}

impl Serialize for StatementLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (Document { id, metadata, text, .. }, span) = (self.document, self.statement.sentence.span);
        let mut fields = Fields { map: serializer.serialize_map(None)?, format: self.format };
        fields.put("schema", &SCHEMA)?;
        fields.put("document", id)?;
        fields.put("statement", &format_args!("{id}#{}", self.index))?;
        fields.put("index", &self.index)?;
        fields.put("text", span.slice(text))?;
        fields.put("start", &span.start)?;
        fields.put("end", &span.end)?;
        fields.put("byte_start", &span.byte_start)?;
        fields.put("byte_end", &span.byte_end)?;
        fields.put("paragraph", &self.statement.sentence.paragraph)?;
        fields.put("uri", &metadata.uri)?;
        fields.put("title", &metadata.title)?;
        fields.put("byline", &metadata.byline)?;
        fields.put("published", &metadata.published)?;
        fields.put("modified", &metadata.modified)?;
        fields.put("section", &metadata.section)?;
        fields.put("language", &metadata.language)?;
        fields.put("source", &metadata.source)?;
        if let Some(original) = &self.document.duplicate_of {
            fields.put("duplicate_of", &original.id)?;
        }
        self.findings(&mut fields)?;
        fields.put("flags", &self.statement.flags)?;
        fields.map.end()
    }
}

impl StatementLine<'_> {
    fn findings<M: SerializeMap>(&self, fields: &mut Fields<'_, M>) -> Result<(), M::Error> {
        let tasks = &self.format.tasks;
        for (task, verdict) in tasks.labels.iter().zip(&self.statement.verdicts) {
            fields.put(&task.name, &VerdictValue { task, verdict: verdict.as_ref() })?;
        }
        if tasks.attribution.is_some() {
            let text = &self.document.text;
            let found = self.statement.attributions.iter();
            let values: Vec<_> = found.map(|attribution| AttributionValue::new(attribution, text)).collect();
            fields.put("attributions", &values)?;
        }
        Ok(())
    }
}

/// A map that leaves out what nobody wants.
struct Fields<'a, M> {
    map: M,
    format: &'a StatementFormat,
}

impl<M: SerializeMap> Fields<'_, M> {
    fn put(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), M::Error> {
        if self.format.wants(name) { self.map.serialize_entry(name, value) } else { Ok(()) }
    }
}

struct VerdictValue<'a> {
    task: &'a LabelTask,
    /// `None` of boilerplate: every field is null.
    verdict: Option<&'a Verdict>,
}

impl Serialize for VerdictValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.put_fields(&mut map)?;
        map.end()
    }
}

impl VerdictValue<'_> {
    fn put_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let labels = &self.task.labels;
        let given = self.verdict.and_then(|verdict| verdict.label).map(|label| &labels[label]);
        if labels.iter().any(|label| label.code.is_some()) {
            map.serialize_entry("code", &given.and_then(|label| label.code.as_ref()))?;
        }
        map.serialize_entry("label", &self.verdict.map(|_| given.map_or(UNSURE, |label| &label.label)))?;
        map.serialize_entry("score", &self.verdict.map(|verdict| rounded(verdict.score)))?;
        if labels.iter().any(|label| label.iptc.is_some()) {
            map.serialize_entry("iptc", &given.and_then(|label| label.iptc.as_ref()))?;
        }
        match self.task.report {
            Report::RunnerUp => map.serialize_entry("runner_up", &self.runner_up())?,
            Report::Distribution => {
                for (place, label) in labels.iter().enumerate() {
                    let probability = self.verdict.map(|verdict| rounded(verdict.probabilities[place]));
                    map.serialize_entry(&label.label, &probability)?;
                }
            }
            // Such a head gives no labels.
            Report::Boilerplate => {}
        }
        Ok(())
    }
}

#[derive(serde::Serialize)]
struct RunnerUp<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    label: &'a str,
    score: f64,
}

impl VerdictValue<'_> {
    /// The most probable of the labels that were not given.
    fn runner_up(&self) -> Option<RunnerUp<'_>> {
        let verdict = self.verdict?;
        let others = verdict.probabilities.iter().enumerate().filter(|(label, _)| Some(*label) != verdict.label);
        // The first of equals, as where a label is given.
        let (best, &score) = others.reduce(|best, other| if other.1 > best.1 { other } else { best })?;
        let Label { code, label, .. } = &self.task.labels[best];
        Some(RunnerUp { code: code.as_deref(), label, score: rounded(score) })
    }
}

#[derive(serde::Serialize)]
struct AttributionValue<'a> {
    attribution: usize,
    kind: crate::record::AttributionKind,
    source: Option<SpanValue<'a>>,
    speaker: Option<&'a Speaker>,
    cue: Option<SpanValue<'a>>,
    content: Vec<SpanValue<'a>>,
}

#[derive(serde::Serialize)]
struct SpanValue<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

impl<'a> AttributionValue<'a> {
    fn new(attribution: &'a Attribution, text: &'a str) -> Self {
        let value = |span: &Span| SpanValue { text: span.slice(text), start: span.start, end: span.end };
        Self {
            attribution: attribution.number,
            kind: attribution.kind,
            source: attribution.source.as_ref().map(value),
            speaker: attribution.speaker.as_ref(),
            cue: attribution.cue.as_ref().map(value),
            content: attribution.content.iter().map(value).collect(),
        }
    }
}

/// A document's line in `documents.jsonl`.
#[derive(Debug, serde::Serialize)]
pub(crate) struct DocumentLine {
    schema: u32,
    document: String,
    place: Place,
    #[serde(flatten)]
    metadata: Metadata,
    #[serde(flatten)]
    duplicate_of: Option<Original>,
    text_sha256: String,
    characters: usize,
    bytes: usize,
    encoding: &'static str,
    flags: Vec<TextFlag>,
    paragraphs: usize,
    statements: usize,
    /// How many of them are no statements but bylines, captions and the like.
    boilerplate: usize,
    attributions: usize,
    speakers: Vec<SpeakerLine>,
    pub(crate) statements_file: String,
    #[serde(flatten)]
    tasks: IndexMap<String, DocumentLabel>,
}

/// What a document reports of one speaker.
#[derive(Debug, serde::Serialize)]
struct SpeakerLine {
    #[serde(flatten)]
    speaker: Speaker,
    /// How many statements report something of them.
    statements: usize,
    /// Of these, by task: the mean of positive less negative.
    mean: IndexMap<String, f64>,
}

/// What a labelling task said of a document: its own label, as a statement has one, and what it said of the statements.
#[derive(Debug)]
struct DocumentLabel {
    task: LabelTask,
    verdict: Option<Verdict>,
    summary: LabelSummary,
}

impl Serialize for DocumentLabel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        VerdictValue { task: &self.task, verdict: self.verdict.as_ref() }.put_fields(&mut map)?;
        map.serialize_entry("shares", &self.summary.shares)?;
        if let Some(mean) = self.summary.mean {
            map.serialize_entry("mean", &mean)?;
        }
        map.end()
    }
}

/// What a labelling task said of a document's statements.
#[derive(Debug)]
struct LabelSummary {
    /// The share of each label that was given, by code where there is one.
    shares: BTreeMap<String, f64>,
    /// The mean of positive less negative, where there are such labels.
    mean: Option<f64>,
}

impl DocumentLine {
    /// All but the file of its statements, which is known when they are written.
    pub(crate) fn new(analysed: &AnalysedDocument, tasks: &[LabelTask]) -> Self {
        let (document, statements) = (&analysed.document, &analysed.statements);
        let mut labels = IndexMap::new();
        for (place, task) in tasks.iter().enumerate() {
            let verdict = analysed.verdicts.get(place).cloned().flatten();
            let label = DocumentLabel { task: task.clone(), verdict, summary: summarise(task, place, statements) };
            labels.insert(task.name.clone(), label);
        }
        Self {
            schema: SCHEMA,
            document: document.id.clone(),
            place: document.place.clone(),
            metadata: document.metadata.clone(),
            duplicate_of: document.duplicate_of.clone(),
            text_sha256: sha256(&document.text),
            characters: document.text.chars().count(),
            bytes: document.text.len(),
            encoding: document.encoding,
            flags: document.flags.clone(),
            paragraphs: statements.last().map_or(0, |last| last.sentence.paragraph + 1),
            statements: statements.len(),
            boilerplate: statements.iter().filter(|statement| statement.is_boilerplate()).count(),
            attributions: attributions(statements),
            speakers: speakers(tasks, statements),
            statements_file: String::new(),
            tasks: labels,
        }
    }
}

/// How many attributions statements have: one that goes over several of them counts once.
pub(crate) fn attributions(statements: &[Statement]) -> usize {
    let numbers = statements.iter().flat_map(|statement| &statement.attributions).map(|attribution| attribution.number);
    numbers.max().map_or(0, |last| last + 1)
}

/// Who is reported in a document: the most reported first. One name is one speaker, with the first role that is told.
fn speakers(tasks: &[LabelTask], statements: &[Statement]) -> Vec<SpeakerLine> {
    let mut reported: IndexMap<&str, (Option<&String>, Vec<&Statement>)> = IndexMap::new();
    for statement in statements {
        for speaker in statement.attributions.iter().filter_map(|found| found.speaker.as_ref()) {
            let (role, of_speaker) = reported.entry(&speaker.name).or_default();
            *role = role.or(speaker.role.as_ref());
            if of_speaker.last().is_none_or(|last| !std::ptr::eq(*last, statement)) {
                of_speaker.push(statement);
            }
        }
    }
    let line = |(name, (role, statements)): (&str, (Option<&String>, Vec<&Statement>))| SpeakerLine {
        speaker: Speaker { name: name.to_owned(), role: role.cloned() },
        statements: statements.len(),
        mean: means(tasks, &statements),
    };
    let mut lines: Vec<SpeakerLine> = reported.into_iter().map(line).collect();
    // Stable: of equals the first to speak comes first.
    lines.sort_by_key(|line| std::cmp::Reverse(line.statements));
    lines
}

fn means(tasks: &[LabelTask], statements: &[&Statement]) -> IndexMap<String, f64> {
    let mean = |(place, task): (usize, &LabelTask)| {
        let mean = balance(task, place, statements);
        mean.map(|mean| (task.name.clone(), mean))
    };
    tasks.iter().enumerate().filter_map(mean).collect()
}

/// The mean of positive less negative over statements that are no boilerplate, where a task has such labels.
#[expect(clippy::cast_precision_loss, reason = "a document has fewer than 2^52 statements")]
fn balance(task: &LabelTask, place: usize, statements: &[&Statement]) -> Option<f64> {
    let position = |name: &str| task.labels.iter().position(|label| label.label == name);
    let (positive, negative) = position("positive").zip(position("negative"))?;
    let mut sum = 0.0;
    let mut count = 0_usize;
    for verdict in statements.iter().filter_map(|statement| statement.verdicts[place].as_ref()) {
        sum += f64::from(verdict.probabilities[positive]) - f64::from(verdict.probabilities[negative]);
        count += 1;
    }
    Some(rounded_f64(sum / count.max(1) as f64))
}

#[expect(clippy::cast_precision_loss, reason = "a document has fewer than 2^52 statements")]
fn summarise(task: &LabelTask, place: usize, statements: &[Statement]) -> LabelSummary {
    let mut total = 0_usize;
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    for verdict in statements.iter().filter_map(|statement| statement.verdicts[place].as_ref()) {
        *counts.entry(label_key(task, verdict.label)).or_default() += 1.0;
        total += 1;
    }
    let shares = counts.into_iter().map(|(key, count)| (key.to_owned(), rounded_f64(count / total as f64))).collect();
    LabelSummary { shares, mean: balance(task, place, &statements.iter().collect::<Vec<_>>()) }
}

/// What a label is counted under: its code where it has one, else its name.
pub(crate) fn label_key(task: &LabelTask, label: Option<usize>) -> &str {
    label.map_or(UNSURE, |label| {
        let label = &task.labels[label];
        label.code.as_deref().unwrap_or(&label.label)
    })
}

/// Four digits: the fifth is noise of the hardware.
fn rounded(value: f32) -> f64 {
    rounded_f64(f64::from(value))
}

fn rounded_f64(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
