//! Statements that show what is unusual: up to three for an alarm, each of another document.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

use super::{Calendar, DriftError};
use crate::digest::sha256;
use crate::ledger::nights::NO_SOURCE;
use crate::ledger::{Ledger, Night, NightKind};
use crate::output::schema::{AlarmKind, AlarmRecord, DocumentRecord, DriftRecord, StatementRecord};
use crate::output::{ReadError, Reader};

/// The number of examples for an alarm.
const EXAMPLES: usize = 3;

/// The number of documents in which they are looked for.
const DOCUMENTS: usize = 12;

/// Adds examples to the alarms of a comparison. Returns the texts of these statements, by their ids.
///
/// # Errors
/// A ledger or statements that cannot be read.
pub fn add(
    record: &mut DriftRecord,
    nights: &[Night],
    calendar: &Calendar,
    folder: &Path,
) -> Result<BTreeMap<String, String>, DriftError> {
    let mut texts = BTreeMap::new();
    if record.alarms.iter().all(|alarm| !has_examples(alarm)) {
        return Ok(texts);
    }
    let mut chosen: Vec<Vec<Choice>> = record.alarms.iter().map(|_| Vec::new()).collect();
    let ledger = Ledger::open(folder)?;
    let path = folder.join("documents.jsonl");
    for night in runs(record, nights, calendar) {
        ledger.each_document_line_of(night, |line| {
            let document: DocumentRecord = serde_json::from_slice(line).map_err(|cause| ReadError::Record {
                path: path.clone(),
                line: cause.line() as u64,
                cause,
            })?;
            for (alarm, chosen) in record.alarms.iter().zip(&mut chosen) {
                if let Some(rank) = document_rank(alarm, &document) {
                    offer(chosen, rank, &document);
                }
            }
            Ok::<_, DriftError>(())
        })?;
    }
    let mut reader = Reader::new(folder);
    for (alarm, chosen) in record.alarms.iter_mut().zip(chosen) {
        for Choice { document, .. } in chosen {
            if alarm.examples.len() == EXAMPLES {
                break;
            }
            if let Some(statement) = best_statement(alarm, reader.statements(&document)?) {
                texts.insert(statement.statement.clone(), statement.text.unwrap_or_default());
                alarm.examples.push(statement.statement);
            }
        }
    }
    Ok(texts)
}

/// The runs of the night: those of its day up to the last one.
fn runs(record: &DriftRecord, nights: &[Night], calendar: &Calendar) -> Vec<u32> {
    let mut runs = Vec::new();
    for night in nights.iter().filter(|night| night.night <= record.night && night.kind == NightKind::Night) {
        if calendar.day(&night.started).is_some_and(|day| day.to_string() == record.day) {
            runs.push(night.night);
        }
    }
    runs
}

/// A document in which examples are looked for.
#[derive(Debug)]
struct Choice {
    rank: f64,
    /// A hash of the id: it makes the choice as good as random, and always the same.
    hash: String,
    document: DocumentRecord,
}

/// Adds a document if it is among the best: those of the lowest rank, and of these those with the lowest hash.
fn offer(chosen: &mut Vec<Choice>, rank: f64, document: &DocumentRecord) {
    let hash = sha256(&document.document);
    let place = chosen
        .partition_point(|choice| choice.rank.total_cmp(&rank).then_with(|| choice.hash.cmp(&hash)) == Ordering::Less);
    if place < DOCUMENTS {
        chosen.insert(place, Choice { rank, hash, document: document.clone() });
        chosen.truncate(DOCUMENTS);
    }
}

/// True if statements can show the alarm.
fn has_examples(alarm: &AlarmRecord) -> bool {
    let kind = alarm.what;
    !matches!(kind, AlarmKind::MissingSource | AlarmKind::Change | AlarmKind::Rejected | AlarmKind::Speed)
}

/// The rank of a document as a place of examples, the best one lowest; `None` if it can have none.
fn document_rank(alarm: &AlarmRecord, document: &DocumentRecord) -> Option<f64> {
    let is_of_source = alarm.source.as_deref().is_none_or(|source| source_name(document) == source);
    if !has_examples(alarm) || document.statements == 0 || !is_of_source {
        return None;
    }
    let label = alarm.label.as_deref().unwrap_or_default();
    let task = alarm.task.as_ref().and_then(|task| document.tasks.get(task));
    let is_more = alarm.value >= alarm.usual;
    match alarm.what {
        AlarmKind::Share => task?.shares.get(label).filter(|share| **share > 0.0).map(|_| 0.0),
        AlarmKind::Tone => task?.mean.map(|mean| if is_more { -mean } else { mean }),
        AlarmKind::Score => task?.label.score.map(|score| if is_more { -score } else { score }),
        AlarmKind::Speakers => (document.attributions > 0).then_some(0.0),
        AlarmKind::Copies => document.duplicate_of.as_ref().map(|_| 0.0),
        AlarmKind::Length => {
            let length = f64::from(u32::try_from(document.characters).unwrap_or(u32::MAX));
            Some(if is_more { -length } else { length })
        }
        AlarmKind::Language => {
            let language = document.metadata.language.as_deref().unwrap_or(NO_SOURCE);
            (language == label).then_some(0.0)
        }
        AlarmKind::Section => {
            let section = document.metadata.section.as_deref().unwrap_or(NO_SOURCE);
            (section == label).then_some(0.0)
        }
        AlarmKind::Flag => {
            let mut words = document.flags.iter().map(|flag| serde_json::to_value(flag).unwrap_or_default());
            words.any(|word| word == label).then_some(0.0)
        }
        _ => Some(0.0),
    }
}

/// The name under which the documents of its source are counted.
fn source_name(document: &DocumentRecord) -> &str {
    document.metadata.source.as_deref().filter(|source| !source.is_empty()).unwrap_or(NO_SOURCE)
}

/// The statement of a document that shows the alarm best.
fn best_statement(alarm: &AlarmRecord, statements: Vec<StatementRecord>) -> Option<StatementRecord> {
    let ranked = statements.into_iter().filter_map(|statement| Some((statement_rank(alarm, &statement)?, statement)));
    ranked.min_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.index.cmp(&b.1.index))).map(|(_, statement)| statement)
}

/// The rank of a statement as an example, the best one lowest; `None` if it is none.
fn statement_rank(alarm: &AlarmRecord, statement: &StatementRecord) -> Option<f64> {
    let task = alarm.task.as_ref().and_then(|task| statement.tasks.get(task));
    let is_more = alarm.value >= alarm.usual;
    match alarm.what {
        AlarmKind::Share => {
            let task = task?;
            let code = task.code.as_ref().and_then(Option::as_ref).or(task.label.as_ref())?;
            // The surest one first.
            (Some(code) == alarm.label.as_ref()).then(|| -task.score.unwrap_or_default())
        }
        AlarmKind::Tone => {
            let probabilities = &task?.probabilities;
            let positive = probabilities.get("positive").copied().flatten()?;
            let negative = probabilities.get("negative").copied().flatten()?;
            let tone = positive - negative;
            Some(if is_more { -tone } else { tone })
        }
        AlarmKind::Score => task?.score.map(|score| if is_more { -score } else { score }),
        AlarmKind::Speakers => {
            let attributions = statement.attributions.as_ref()?;
            attributions.iter().any(|attribution| attribution.speaker.is_none()).then_some(0.0)
        }
        _ => Some(0.0),
    }
}
