//! Nights and alarms for tests.
#![cfg(test)]

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jiff::ToSpan;
use jiff::civil::Date;

use super::day::real;
use crate::ledger::nights::{NightDocuments, NightSource, NightSpeed};
use crate::ledger::{Night, NightKind};
use crate::output::schema::{AlarmCause, AlarmKind, AlarmRecord};

/// The labels of the task `topic` in these nights.
pub(crate) const TOPICS: [&str; 6] = ["1", "3", "12", "16", "29", "unsure"];

/// The statements of a document.
const STATEMENTS: u64 = 20;

/// The alarm of a source that fell silent.
pub(crate) fn missing_alarm(source: &str) -> AlarmRecord {
    AlarmRecord {
        night: 9,
        what: AlarmKind::MissingSource,
        task: None,
        label: None,
        name: None,
        source: Some(source.to_owned()),
        value: Some(0.0),
        usual: Some(60.0),
        low: Some(41.0),
        high: Some(88.0),
        strength: Some(43.1),
        nights_used: 8,
        twice: false,
        cause: AlarmCause::Input,
        because: None,
        moved: Vec::new(),
        examples: Vec::new(),
    }
}

/// The documents of a source in a night, and the shares of its topics in percent.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) source: &'static str,
    pub(crate) documents: u64,
    pub(crate) topics: [u64; TOPICS.len()],
}

/// The shares of topics in a usual night, in percent.
pub(crate) const USUAL_TOPICS: [u64; TOPICS.len()] = [20, 10, 30, 25, 5, 10];

/// The deliveries of a usual night.
pub(crate) fn usual() -> Vec<Delivery> {
    [("Courier", 120), ("Gazette", 200), ("Herald", 60), ("Tribune", 90)]
        .map(|(source, documents)| Delivery { source, documents, topics: USUAL_TOPICS })
        .to_vec()
}

/// The night of a day, started at ten in the evening.
pub(crate) fn night(number: u32, day: Date, deliveries: &[Delivery]) -> Night {
    let mut sources = BTreeMap::new();
    for Delivery { source, documents, topics } in deliveries.iter().filter(|delivery| delivery.documents > 0) {
        let statements = documents * STATEMENTS;
        let counts =
            TOPICS.iter().zip(topics).map(|(label, percent)| ((*label).to_owned(), statements * percent / 100));
        let labels = IndexMap::from([("topic".to_owned(), counts.collect())]);
        let counts = NightSource {
            documents: *documents,
            originals: documents - documents / 10,
            copies: documents / 10,
            statements,
            attributions: documents * 3,
            unattributed: *documents,
            rejected: 0,
            characters: documents * 2400,
            labels,
            tone_sum: -0.1 * f64::from(u32::try_from(statements).unwrap()),
        };
        sources.insert((*source).to_owned(), counts);
    }
    let sum = |count: fn(&NightSource) -> u64| sources.values().map(count).sum::<u64>();
    let mut labels: IndexMap<String, IndexMap<String, u64>> = IndexMap::new();
    for (task, counts) in sources.values().flat_map(|source| &source.labels) {
        for (label, count) in counts {
            *labels.entry(task.clone()).or_default().entry(label.clone()).or_default() += count;
        }
    }
    let documents = sum(|source| source.documents);
    Night {
        night: number,
        started: format!("{day}T22:00:00Z"),
        finished: format!("{day}T23:00:00Z"),
        outcome: Some("complete".to_owned()),
        kind: NightKind::Night,
        program: "pressrun 0.1.0".to_owned(),
        configuration: "c".repeat(64),
        fingerprint: "f".repeat(64),
        models: BTreeMap::from([("newsroom".to_owned(), "2026.11.8".to_owned())]),
        processor: "amx".to_owned(),
        kernels: String::new(),
        documents: NightDocuments {
            found: documents + 2,
            written: documents,
            copies: sum(|source| source.copies),
            rejected: 2,
            ..NightDocuments::default()
        },
        statements: sum(|source| source.statements),
        boilerplate: 0,
        attributions: sum(|source| source.attributions),
        unattributed: sum(|source| source.unattributed),
        characters: sum(|source| source.characters),
        words: sum(|source| source.characters) / 6,
        labels,
        label_names: BTreeMap::from([(
            "topic".to_owned(),
            BTreeMap::from([("1".to_owned(), "Macroeconomics".to_owned()), ("29".to_owned(), "Sports".to_owned())]),
        )]),
        scores: BTreeMap::from([("topic".to_owned(), 0.7)]),
        tone_task: Some("topic".to_owned()),
        tone_sum: sources.values().map(|source| source.tone_sum).sum(),
        reasons: BTreeMap::from([("not_text".to_owned(), 2)]),
        languages: BTreeMap::from([("en".to_owned(), documents)]),
        sections: BTreeMap::from([("news".to_owned(), documents - documents / 5), ("sport".to_owned(), documents / 5)]),
        flags: BTreeMap::new(),
        speed: NightSpeed { seconds: real(documents) * 8.0, ..NightSpeed::default() },
        sources,
    }
}

/// So many usual nights of workdays, from Monday 3 March 2031 on.
pub(crate) fn workdays(count: u32) -> Vec<Night> {
    let mut nights = Vec::new();
    let mut day = jiff::civil::date(2031, 3, 3);
    for number in 1..=count {
        nights.push(night(number, day, &usual()));
        day = next_workday(day);
    }
    nights
}

/// The workday after a day.
pub(crate) fn next_workday(day: Date) -> Date {
    use jiff::civil::Weekday::{Friday, Saturday};
    let days = match day.weekday() {
        Friday => 3,
        Saturday => 2,
        _ => 1,
    };
    day + days.days()
}

/// The day on which a night started.
pub(crate) fn day_of(night: &Night) -> Date {
    night.started[..10].parse().unwrap()
}
