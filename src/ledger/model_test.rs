//! Random sequences of operations on a ledger, compared with a model of it in memory: whatever ends a run, the next one finds
//! what was committed.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const DOCUMENTS: [&str; 4] = ["a", "b", "c", "d"];
const SOURCES: [&str; 2] = ["in.jsonl", "other.jsonl"];
const REASONS: [&str; 2] = ["empty", "too_large"];
const FINGERPRINTS: [&str; 2] = ["one", "two"];

/// One thing that happens to a ledger. Documents, sources and the like are places in the lists above.
#[derive(Debug, Clone)]
enum Event {
    Add {
        document: usize,
        content: u8,
        source: usize,
        record: u64,
    },
    Reject {
        source: usize,
        record: u64,
        reason: usize,
    },
    Reopen {
        documents: Vec<usize>,
    },
    Commit {
        shard: Option<(u32, u64)>,
    },
    Forget {
        document: usize,
        has_own_file: bool,
    },
    ForgetRejections {
        source: usize,
    },
    ClearLeftovers,
    /// The ledger is closed and opened again, with this fingerprint. What was not committed is lost.
    Next {
        fingerprint: usize,
    },
    /// The process is killed: another one finds the files as they are.
    Kill {
        fingerprint: usize,
    },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let (document, source, record) = (0..DOCUMENTS.len(), 0..SOURCES.len(), 0..3_u64);
    let event = prop_oneof![
        6 => (document.clone(), 0..3_u8, source.clone(), record.clone())
            .prop_map(|(document, content, source, record)| Event::Add { document, content, source, record }),
        3 => (source.clone(), record, 0..REASONS.len())
            .prop_map(|(source, record, reason)| Event::Reject { source, record, reason }),
        2 => prop::collection::vec(document.clone(), 0..3).prop_map(|documents| Event::Reopen { documents }),
        4 => prop::option::of((0..3_u32, 0..9_u64)).prop_map(|shard| Event::Commit { shard }),
        2 => (document, any::<bool>())
            .prop_map(|(document, has_own_file)| Event::Forget { document, has_own_file }),
        1 => source.prop_map(|source| Event::ForgetRejections { source }),
        1 => Just(Event::ClearLeftovers),
        2 => (0..FINGERPRINTS.len()).prop_map(|fingerprint| Event::Next { fingerprint }),
        2 => (0..FINGERPRINTS.len()).prop_map(|fingerprint| Event::Kill { fingerprint }),
    ];
    prop::collection::vec(event, 1..40)
}

/// The content of a ledger.
#[derive(Debug, Clone, Default, PartialEq)]
struct State {
    /// In the order in which they came first.
    documents: Vec<(Entry, &'static str)>,
    rejections: BTreeMap<(&'static str, u64), (&'static str, u64)>,
    forgotten: BTreeSet<&'static str>,
    leftovers: BTreeSet<String>,
    shards: BTreeMap<u32, u64>,
}

/// A ledger in memory: as it is, and as it was committed.
#[derive(Debug, Default)]
struct Model {
    now: State,
    safe: State,
    fingerprint: &'static str,
    run: u64,
}

impl Model {
    fn begin(&mut self, fingerprint: usize) {
        self.now = self.safe.clone();
        self.fingerprint = FINGERPRINTS[fingerprint];
        self.run += 1;
    }

    fn commit(&mut self) {
        self.safe = self.now.clone();
    }

    fn add(&mut self, entry: Entry) {
        let source = SOURCES.into_iter().find(|source| *source == entry.source).unwrap();
        let (record, run) = (entry.record, self.run);
        let is_answered = |place: &(&str, u64)| place.0 == source && [record, 0].contains(&place.1);
        self.now.rejections.retain(|place, (_, rejected)| !(is_answered(place) && *rejected < run));
        match self.now.documents.iter_mut().find(|(known, _)| known.document == entry.document) {
            Some(known) => *known = (entry, self.fingerprint),
            None => self.now.documents.push((entry, self.fingerprint)),
        }
    }

    fn reopen(&mut self, documents: &[usize]) -> Reopened {
        let mut reopened = Reopened::default();
        for (entry, fingerprint) in &mut self.now.documents {
            let is_meant = documents.iter().any(|&document| DOCUMENTS[document] == entry.document);
            if is_meant && entry.content.take().is_some() {
                reopened.documents += 1;
                reopened.redone += u64::from(*fingerprint != self.fingerprint);
            }
        }
        reopened
    }

    /// A document that is not there takes with it what was not committed.
    fn forget(&mut self, document: &'static str, has_own_file: bool) -> bool {
        let Some(at) = self.now.documents.iter().position(|(entry, _)| entry.document == document) else {
            self.now = self.safe.clone();
            return false;
        };
        let (entry, _) = self.now.documents.remove(at);
        if has_own_file {
            self.now.leftovers.insert(entry.kept.file);
        }
        self.now.forgotten.insert(document);
        self.commit();
        true
    }

    fn is_done(&self, document: &str, content: u8) -> bool {
        let same = |(entry, fingerprint): &(Entry, &str)| {
            entry.document == document && entry.content == Some(vec![content]) && *fingerprint == self.fingerprint
        };
        self.safe.documents.iter().any(same) || self.safe.forgotten.contains(document)
    }
}

fn entry(document: usize, content: u8, source: usize, record: u64) -> Entry {
    let document = DOCUMENTS[document];
    Entry {
        document: document.into(),
        source: SOURCES[source].into(),
        record,
        content: Some(vec![content]),
        kept: Kept {
            file: format!("statements/{document}.jsonl"),
            start: 0,
            length: u64::from(content),
            sha256: content.to_string(),
        },
        line: format!("{document} {content}\n").into(),
    }
}

fn begin(folder: &Path, fingerprint: usize) -> Ledger {
    let key = ResultKey {
        layout: "document".into(),
        part: None,
        fingerprint: FINGERPRINTS[fingerprint].into(),
        parts: indexmap::IndexMap::new(),
    };
    Ledger::begin(folder, &key, true, || Ok::<_, LedgerError>(())).unwrap()
}

/// A folder with the files of another, as they are at this moment.
fn as_found(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        // What is shared by the processes that have it open is nothing to a machine that was cut off.
        if !file.path().to_string_lossy().ends_with("-shm") {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    copy
}

/// Checks that `ledger` holds what `model` has committed.
fn compare(ledger: &Ledger, model: &Model) -> Result<(), TestCaseError> {
    let safe = &model.safe;
    let mut entries = Vec::new();
    let keep = |entry| {
        entries.push(entry);
        Ok::<_, LedgerError>(())
    };
    ledger.each_entry(keep).unwrap();
    entries.sort_by(|one, other| one.document.cmp(&other.document));
    let mut expected: Vec<Entry> = safe.documents.iter().map(|(entry, _)| entry.clone()).collect();
    let open = expected.iter().filter(|entry| entry.content.is_none()).count();
    prop_assert_eq!(ledger.counts().unwrap(), (expected.len() as u64, open as u64));
    let order: Vec<Vec<u8>> = expected.iter().map(|entry| entry.line.clone()).collect();
    expected.sort_by(|one, other| one.document.cmp(&other.document));
    prop_assert_eq!(entries, expected);
    let mut lines = Vec::new();
    let keep = |line: &[u8]| {
        lines.push(line.to_vec());
        Ok::<_, LedgerError>(())
    };
    ledger.each_document_line(keep).unwrap();
    prop_assert_eq!(lines, order);
    compare_rejections(ledger, model)?;
    prop_assert_eq!(ledger.leftovers().unwrap().into_iter().collect::<BTreeSet<_>>(), safe.leftovers.clone());
    let last = safe.shards.last_key_value().map(|(&number, &length)| ShardState { number, bytes: 2 * length, length });
    prop_assert_eq!(ledger.last_shard().unwrap(), last);
    let done = ledger.done().unwrap();
    for (document, content) in DOCUMENTS.into_iter().flat_map(|document| [0, 1, 2].map(|content| (document, content))) {
        prop_assert_eq!(done.has(document, &[content]).unwrap(), model.is_done(document, content), "{}", document);
        let is_elsewhere =
            |entry: &Entry| entry.document == document && (entry.source.as_str(), entry.record) != (SOURCES[0], 1);
        let is_known = safe.documents.iter().any(|(entry, _)| is_elsewhere(entry));
        prop_assert_eq!(done.knows_elsewhere(document, SOURCES[0], 1).unwrap(), is_known);
    }
    Ok(())
}

fn compare_rejections(ledger: &Ledger, model: &Model) -> Result<(), TestCaseError> {
    let rejections = &model.safe.rejections;
    let mut lines = Vec::new();
    let keep = |line: &[u8]| {
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        Ok::<_, LedgerError>(())
    };
    ledger.each_rejection_line(keep).unwrap();
    let expected: Vec<String> =
        rejections.iter().map(|((source, record), (reason, _))| format!("{source} {record} {reason}")).collect();
    prop_assert_eq!(lines, expected);
    prop_assert_eq!(ledger.has_old_rejections().unwrap(), rejections.values().any(|(_, run)| *run < model.run));
    for reason in [None, Some(REASONS[0]), Some("nothing")] {
        let is_meant = |found: &&str| reason.is_none_or(|reason| reason == *found);
        let places = rejections.iter().filter(|(_, (found, _))| is_meant(found)).map(|(place, _)| *place);
        let expected = places.map(|(source, record)| (source.to_owned(), record)).collect();
        prop_assert_eq!(ledger.rejected_places(reason).unwrap(), expected);
    }
    Ok(())
}

/// Lets `event`, which does not end a run, happen to both.
fn happen(event: &Event, ledger: &mut Ledger, model: &mut Model) {
    match event {
        Event::Add { document, content, source, record } => {
            let entry = entry(*document, *content, *source, *record);
            ledger.add(&entry).unwrap();
            model.add(entry);
        }
        Event::Reject { source, record, reason } => {
            let (source, reason) = (SOURCES[*source], REASONS[*reason]);
            ledger.reject(source, *record, reason, format!("{source} {record} {reason}").as_bytes()).unwrap();
            model.now.rejections.insert((source, *record), (reason, model.run));
        }
        Event::Reopen { documents } => {
            let reopened = ledger.reopen(documents.iter().map(|&document| DOCUMENTS[document])).unwrap();
            assert_eq!(reopened, model.reopen(documents));
        }
        Event::Commit { shard } => {
            let shard = shard.map(|(number, length)| ShardState { number, bytes: 2 * length, length });
            ledger.commit(shard).unwrap();
            model.now.shards.extend(shard.map(|shard| (shard.number, shard.length)));
            model.commit();
        }
        Event::Forget { document, has_own_file } => {
            let is_there = ledger.forget(DOCUMENTS[*document], *has_own_file).is_ok();
            assert_eq!(is_there, model.forget(DOCUMENTS[*document], *has_own_file));
        }
        Event::ForgetRejections { source } => {
            ledger.forget_rejections(SOURCES[*source]).unwrap();
            let is_kept =
                |place: &(&str, u64), (_, run): &mut (&str, u64)| place.0 != SOURCES[*source] || *run == model.run;
            model.now.rejections.retain(is_kept);
        }
        Event::ClearLeftovers => {
            // At the end of a run, when all has been committed.
            ledger.commit(None).unwrap();
            ledger.clear_leftovers().unwrap();
            model.now.leftovers.clear();
            model.commit();
        }
        Event::Next { .. } | Event::Kill { .. } => unreachable!("they end a run"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_ledger_says_what_was_committed_whatever_ends_a_run(events in events()) {
        let mut folder = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        model.begin(0);
        let mut ledger = begin(folder.path(), 0);
        for event in events.iter().chain([&Event::Kill { fingerprint: 0 }]) {
            match event {
                Event::Next { fingerprint } => {
                    drop(ledger);
                    ledger = begin(folder.path(), *fingerprint);
                    model.begin(*fingerprint);
                    compare(&ledger, &model)?;
                }
                Event::Kill { fingerprint } => {
                    let found = as_found(folder.path());
                    drop(ledger);
                    folder = found;
                    ledger = begin(folder.path(), *fingerprint);
                    model.begin(*fingerprint);
                    compare(&ledger, &model)?;
                }
                event => happen(event, &mut ledger, &mut model),
            }
        }
    }
}
