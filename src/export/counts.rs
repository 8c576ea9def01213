//! What the documents of a partition add up to: by day and source, by topic, by speaker.

use std::collections::{BTreeMap, BTreeSet};

use super::day::Day;
use super::rows::{ExportedDocument, tone_units, topic};
use super::tasks::TaskFields;
use crate::ledger::nights::NO_SOURCE;
use crate::output::schema::{AttributionRecord, StatementRecord};
use crate::record::Flag;

/// The sums of a partition.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// By day and source.
    pub(super) sources: BTreeMap<(Day, String), SourceSums>,
    /// By day, source and topic.
    pub(super) topics: BTreeMap<(Day, String, String), TopicSums>,
    /// By name and role.
    pub(super) speakers: BTreeMap<(String, String), SpeakerSums>,
    /// Task, code, label and Media Topic.
    pub(super) labels: BTreeSet<GivenLabel>,
}

/// A label that was given: task, code, label and Media Topic.
pub(super) type GivenLabel = (String, Option<String>, String, Option<String>);

/// The sums of a day and source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SourceSums {
    pub(super) documents: i64,
    pub(super) copies: i64,
    pub(super) characters: i64,
    pub(super) statements: i64,
    pub(super) boilerplate: i64,
    pub(super) attributions: i64,
    pub(super) unattributed: i64,
}

/// The sums of a day, source and topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TopicSums {
    pub(super) statements: i64,
    pub(super) in_copies: i64,
    pub(super) negative: i64,
    pub(super) neutral: i64,
    pub(super) positive: i64,
    /// In ten-thousandths, so that the sum does not depend on the order.
    pub(super) tone: i64,
}

/// The sums of a speaker in a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpeakerSums {
    pub(super) attributions: i64,
    pub(super) in_copies: i64,
    /// Attributions that report what the speaker said.
    pub(super) said: i64,
    pub(super) said_in_copies: i64,
    /// Documents in which this role of the speaker comes first.
    pub(super) documents: i64,
    pub(super) first: Day,
    pub(super) last: Day,
}

impl Counts {
    /// Adds a document.
    pub(super) fn add(&mut self, document: &ExportedDocument, tasks: &TaskFields) {
        let source = document.source();
        let sums = self.sources.entry((document.day, source.to_owned())).or_default();
        sums.documents += 1;
        sums.copies += i64::from(document.is_copy());
        sums.characters += integer(document.record.characters);
        sums.statements += integer(document.statements.len());
        sums.boilerplate += integer(document.record.boilerplate);
        sums.attributions += integer(document.attributions.len());
        sums.unattributed += integer(document.unattributed());
        for statement in document.statements.iter().filter(|statement| is_labelled(statement, tasks)) {
            let topic = if tasks.topic.is_some() { topic(statement, tasks) } else { Some(NO_SOURCE) };
            if let Some(topic) = topic {
                let key = (document.day, source.to_owned(), topic.to_owned());
                self.topics.entry(key).or_default().add(statement, document.is_copy(), tasks);
            }
        }
        self.add_labels_of(document);
        self.add_speakers(document);
    }

    /// Adds only the labels of a document.
    pub(super) fn add_labels_of(&mut self, document: &ExportedDocument) {
        document.statements.iter().for_each(|statement| self.add_labels(statement));
    }

    fn add_labels(&mut self, statement: &StatementRecord) {
        for (task, found) in &statement.tasks {
            if let Some(label) = &found.label {
                let code = found.code.clone().flatten();
                let iptc = found.iptc.clone().flatten();
                self.labels.insert((task.clone(), code, label.clone(), iptc));
            }
        }
    }

    fn add_speakers(&mut self, document: &ExportedDocument) {
        let mut known = BTreeSet::new();
        let is_copy = document.is_copy();
        for AttributionRecord { act, speaker, also, .. } in document.attributions.iter().map(|joined| &joined.record) {
            let of_speaker = speaker.iter().map(|speaker| (speaker, speaker.role.as_deref()));
            // The tables keep the names alone of those who speak together with the speaker.
            for (speaker, role) in of_speaker.chain(also.iter().map(|speaker| (speaker, None))) {
                // Somebody without a name is no one in particular.
                let Some(name) = &speaker.name else { continue };
                let key = (name.clone(), role.unwrap_or_default().to_owned());
                let sums = self.speakers.entry(key).or_insert_with(|| SpeakerSums::none(document.day));
                sums.attributions += 1;
                sums.in_copies += i64::from(is_copy);
                sums.said += i64::from(act.is_said());
                sums.said_in_copies += i64::from(act.is_said() && is_copy);
                sums.documents += i64::from(known.insert(name));
                sums.first = sums.first.min(document.day);
                sums.last = sums.last.max(document.day);
            }
        }
    }
}

impl SpeakerSums {
    fn none(day: Day) -> Self {
        Self { attributions: 0, in_copies: 0, said: 0, said_in_copies: 0, documents: 0, first: day, last: day }
    }
}

impl TopicSums {
    fn add(&mut self, statement: &StatementRecord, is_copy: bool, tasks: &TaskFields) {
        self.statements += 1;
        self.in_copies += i64::from(is_copy);
        let label = tasks.tone.as_ref().and_then(|tone| statement.tasks.get(tone)?.label.as_deref());
        match label {
            Some("negative") => self.negative += 1,
            Some("neutral") => self.neutral += 1,
            Some("positive") => self.positive += 1,
            _ => {}
        }
        self.tone += tone_units(statement, tasks).unwrap_or(0);
    }
}

/// True if the statement is no boilerplate. Where `[output] fields` leaves the flags out, its labels tell.
fn is_labelled(statement: &StatementRecord, tasks: &TaskFields) -> bool {
    match &statement.flags {
        Some(flags) => !flags.contains(&Flag::Boilerplate),
        None => {
            tasks.topic.as_ref().is_none_or(|task| statement.tasks.get(task).is_some_and(|found| found.label.is_some()))
        }
    }
}

fn integer(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
