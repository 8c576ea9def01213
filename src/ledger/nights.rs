//! The history of an output folder: one row a run, with the numbers by which nights are compared. `run.json` tells of the last run only.
//!
//! The row is there from the start of a run, and every commit renews its counts. A run that was killed therefore leaves a row without an
//! outcome that counts what it had committed, and the next run counts the rest: no document is in two rows or in none.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ledger, LedgerError, VERSION, failed};

/// The source of documents that name none, and of rejections, whose source is not known.
pub const NO_SOURCE: &str = "(none)";

/// All sources beyond the [`MAX_SOURCES`] with the most documents.
pub const OTHER_SOURCES: &str = "(other)";

/// The largest number of sources in a row.
pub const MAX_SOURCES: usize = 1000;

/// The table of nights, and the night in which each document was written. The index is for the report of a night: without it, all lines of
/// the archive would be read to find those of tonight.
pub(super) const TABLES: &str = "
    CREATE TABLE nights (
        night INTEGER PRIMARY KEY,
        started TEXT NOT NULL,
        finished TEXT NOT NULL,
        outcome TEXT,
        numbers TEXT NOT NULL);
    ALTER TABLE documents ADD COLUMN night INTEGER;
    CREATE INDEX documents_by_night ON documents (night);";

/// One run, with the numbers of what it did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Night {
    /// The number of the run in its output folder, from 1.
    pub night: u32,
    /// The time at which it began, in UTC.
    pub started: String,
    /// The time at which it ended, in UTC, or of its last commit if it has not ended.
    pub finished: String,
    /// The way in which it ended, as in `run.json`: `complete`, `deadline`, `interrupted`, `stopped` or `failed`. `None` if it is still
    /// running, or was killed: its counts are then those of the documents it had committed.
    pub outcome: Option<String>,
    /// The kind of work it did.
    pub kind: NightKind,
    /// The name and version of the program.
    pub program: String,
    /// SHA-256 of the configuration file.
    pub configuration: String,
    /// A hash of everything that results depend on: another one means that labels cannot be compared.
    pub fingerprint: String,
    /// The revision of each model, by its name in the configuration.
    pub models: BTreeMap<String, String>,
    /// The class of the processor, `amx`, `bf16` or `f32`: scores differ by class in their last digits.
    pub processor: String,
    /// The kernels that computed scores on this processor: results are the same to the last bit only among nights with the same ones.
    /// Empty in nights of earlier versions.
    pub kernels: String,
    /// The fate of documents.
    pub documents: NightDocuments,
    /// Statements written.
    pub statements: u64,
    /// Statements that are boilerplate, and have no labels.
    pub boilerplate: u64,
    /// Attributions in the statements.
    pub attributions: u64,
    /// Attributions without a speaker.
    pub unattributed: u64,
    /// Code points of the documents written.
    pub characters: u64,
    /// Words of the documents written: pieces of text between white space.
    pub words: u64,
    /// The numbers of each source, by its name. At most [`MAX_SOURCES`], and [`OTHER_SOURCES`].
    pub sources: BTreeMap<String, NightSource>,
    /// The number of statements with each label, by task and by the label's code (its name if it has none). `unsure` is a label.
    /// Boilerplate is not counted.
    pub labels: LabelCounts,
    /// The names of labels that have codes, by task and code.
    pub label_names: BTreeMap<String, BTreeMap<String, String>>,
    /// The mean score of each task.
    pub scores: BTreeMap<String, f64>,
    /// The task that measures tone: the first with a `positive` and a `negative` label.
    pub tone_task: Option<String>,
    /// The sum of the tone of statements: positive minus negative probability.
    pub tone_sum: f64,
    /// The number of rejections by reason.
    pub reasons: BTreeMap<String, u64>,
    /// The number of documents by language; `(none)` for those of unknown language.
    pub languages: BTreeMap<String, u64>,
    /// The number of documents by section of the newspaper; `(none)` for those without one.
    pub sections: BTreeMap<String, u64>,
    /// The number of documents by remark on their text.
    pub flags: BTreeMap<String, u64>,
    /// The speed. Zero until the run has ended.
    pub speed: NightSpeed,
}

/// Counts of labels, by task and label.
pub type LabelCounts = IndexMap<String, IndexMap<String, u64>>;

/// The kind of work of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NightKind {
    /// New documents.
    #[default]
    Night,
    /// Documents done once more, after a change of configuration, model or program, or rejected inputs tried again. Its volume says
    /// nothing about the news.
    Backfill,
}

impl NightKind {
    /// The word in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Night => "night",
            Self::Backfill => "backfill",
        }
    }
}

/// The fate of the documents of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NightDocuments {
    /// All that the run came across.
    pub found: u64,
    /// Written by the run.
    pub written: u64,
    /// Of those written: documents that were in the folder before, and changed.
    pub replaced: u64,
    /// Of those written: copies of others.
    pub copies: u64,
    /// Done by an earlier run.
    pub skipped: u64,
    /// In languages that are not wanted.
    pub filtered: u64,
    /// Rejected.
    pub rejected: u64,
    /// Files and archive members that are no documents, because their kind is not read.
    pub left_out: u64,
}

/// The numbers of a source in a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NightSource {
    /// Documents written.
    pub documents: u64,
    /// Of these, those that are no copies.
    pub originals: u64,
    /// Of these, copies.
    pub copies: u64,
    /// Statements.
    pub statements: u64,
    /// Attributions.
    pub attributions: u64,
    /// Attributions without a speaker.
    pub unattributed: u64,
    /// Rejections. Their source is not known, so all are those of [`NO_SOURCE`].
    pub rejected: u64,
    /// Code points.
    pub characters: u64,
    /// Counts of labels, by task and label.
    pub labels: LabelCounts,
    /// The sum of the tone of statements.
    pub tone_sum: f64,
}

/// The speed of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NightSpeed {
    /// Elapsed seconds.
    pub seconds: f64,
    /// Words a second.
    pub words_per_second: f64,
    /// Statements a second.
    pub statements_per_second: f64,
    /// The seconds that each stage was at work, in the order of the stages.
    pub stages: IndexMap<String, f64>,
}

impl Night {
    /// The kernels, or the class of the processor if they are not known.
    #[must_use]
    pub fn kernels(&self) -> &str {
        if self.kernels.is_empty() { &self.processor } else { &self.kernels }
    }
}

/// All nights of a ledger, the first one first.
///
/// # Errors
/// An error of the database, or a row that this version cannot read.
pub fn nights(connection: &Connection) -> rusqlite::Result<Vec<Night>> {
    connection.prepare("SELECT numbers, outcome FROM nights ORDER BY night")?.query_map((), from_row)?.collect()
}

impl Ledger {
    /// Adds a night, or renews it, in the open transaction.
    ///
    /// # Errors
    /// An error of the database.
    pub fn add_night(&mut self, night: &Night) -> Result<(), LedgerError> {
        // Numbers and strings can always be written as JSON.
        let numbers = serde_json::to_string(night).unwrap_or_default();
        self.write(|connection| {
            connection.prepare_cached("INSERT OR REPLACE INTO nights VALUES (?, ?, ?, ?, ?)")?.execute((
                night.night,
                &night.started,
                &night.finished,
                &night.outcome,
                numbers,
            ))
        })?;
        Ok(())
    }

    /// The row of the run that this ledger was opened for, or of the last run.
    ///
    /// # Errors
    /// An error of the database.
    pub fn tonight(&self) -> Result<Option<Night>, LedgerError> {
        let query = "SELECT numbers, outcome FROM nights WHERE night = ?";
        self.connection.query_row(query, [self.run], from_row).optional().map_err(failed(&self.path))
    }

    /// All nights, the first one first. A folder of an older version has the one that its `run.json` tells of.
    ///
    /// # Errors
    /// An error of the database.
    pub fn nights(&self) -> Result<Vec<Night>, LedgerError> {
        if self.version()? < VERSION {
            return Ok(self.first_night().into_iter().collect());
        }
        nights(&self.connection).map_err(failed(&self.path))
    }

    /// Adds the table of nights to a ledger of the version before, with the run that `run.json` tells of as the first.
    pub(super) fn add_nights(&mut self) -> Result<(), LedgerError> {
        if self.version()? == VERSION {
            return Ok(());
        }
        let first = self.first_night();
        self.write(|connection| {
            connection.execute_batch(TABLES)?;
            connection.pragma_update(None, "user_version", VERSION)
        })?;
        if let Some(first) = first {
            self.add_night(&first)?;
        }
        self.commit(None)
    }

    /// The version of the tables.
    pub(super) fn version(&self) -> Result<i64, LedgerError> {
        self.one("PRAGMA user_version")
    }

    /// The night that `run.json` tells of, as far as it goes: it has no sources, languages and speakers.
    fn first_night(&self) -> Option<Night> {
        let report = std::fs::read(self.path.parent()?.join("run.json")).ok()?;
        let run = self.setting("run").ok()??.parse().ok()?;
        Some(from_report(run, &serde_json::from_slice(&report).ok()?))
    }
}

/// The night of a row: its JSON, and the outcome.
fn from_row(row: &Row) -> rusqlite::Result<Night> {
    let numbers = row.get_ref(0)?;
    let night: Night = serde_json::from_str(numbers.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, numbers.data_type(), error.into()))?;
    Ok(Night { outcome: row.get(1)?, ..night })
}

/// The numbers that a `run.json` has. What it lacks stays empty.
fn from_report(night: u32, report: &Value) -> Night {
    let text = |pointer: &str| report.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let count = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let real = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).unwrap_or_default();
    let list = |pointer: &str| report.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let word = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let models = list("/models").iter().map(|model| (word(model, "name"), word(model, "revision"))).collect();
    let stages = list("/stages");
    let stages = stages.iter().map(|stage| (word(stage, "stage"), stage["busy_seconds"].as_f64().unwrap_or_default()));
    Night {
        night,
        started: text("/started"),
        finished: text("/finished"),
        outcome: Some(text("/outcome")),
        program: format!("{} {}", text("/program"), text("/version")),
        configuration: text("/config/sha256"),
        models,
        documents: NightDocuments {
            found: count("/accounting/found"),
            written: count("/accounting/written"),
            replaced: 0,
            copies: count("/copies/exact") + count("/copies/near"),
            skipped: count("/accounting/skipped"),
            filtered: count("/accounting/filtered"),
            rejected: count("/accounting/rejected"),
            left_out: counts(&report["left_out"]).values().sum(),
        },
        statements: count("/statements"),
        boilerplate: count("/boilerplate"),
        attributions: count("/attributions"),
        labels: serde_json::from_value(report["labels"].clone()).unwrap_or_default(),
        reasons: counts(&report["rejected"]),
        speed: NightSpeed {
            seconds: real("/seconds"),
            words_per_second: 0.0,
            statements_per_second: real("/throughput/statements_per_second"),
            stages: stages.collect(),
        },
        ..Night::default()
    }
}

/// The counts of a JSON object, by key.
fn counts(object: &Value) -> BTreeMap<String, u64> {
    serde_json::from_value(object.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::ResultKey;

    fn begin(folder: &std::path::Path) -> Ledger {
        let key = ResultKey { layout: "document".into(), part: None, fingerprint: "a".into(), parts: IndexMap::new() };
        Ledger::begin(folder, &key, false, || Ok::<_, LedgerError>(())).unwrap()
    }

    #[test]
    fn each_run_has_a_row_that_its_commits_renew() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = begin(folder.path());
        let mut night = Night { night: first.run(), statements: 1, ..Night::default() };
        first.add_night(&night).unwrap();
        first.commit(None).unwrap();
        night.statements = 2;
        night.sources.insert(NO_SOURCE.to_owned(), NightSource { documents: 1, ..NightSource::default() });
        first.add_night(&night).unwrap();
        first.commit(None).unwrap();
        night.statements = 3;
        first.add_night(&night).unwrap();
        drop(first);
        let mut second = begin(folder.path());
        let killed = Night { statements: 2, ..night.clone() };
        assert_eq!(second.nights().unwrap(), std::slice::from_ref(&killed), "what it had committed");
        let night = Night { night: second.run(), outcome: Some("complete".to_owned()), ..Night::default() };
        second.add_night(&night).unwrap();
        second.commit(None).unwrap();
        assert_eq!(second.tonight().unwrap().as_ref(), Some(&night));
        assert_eq!(Ledger::open(folder.path()).unwrap().nights().unwrap(), [killed, night]);
    }

    #[test]
    fn the_run_of_an_older_folder_becomes_its_first_night() {
        let folder = tempfile::tempdir().unwrap();
        drop(begin(folder.path()));
        let old = Connection::open(folder.path().join(super::super::FILE)).unwrap();
        old.execute_batch("DROP TABLE nights; DROP INDEX documents_by_night; ALTER TABLE documents DROP COLUMN night; PRAGMA user_version = 1")
            .unwrap();
        drop(old);
        let report = serde_json::json!({
            "outcome": "deadline", "started": "2031-03-01T22:00:00Z", "finished": "2031-03-02T02:00:00Z", "seconds": 14400.0,
            "program": "pressrun", "version": "0.1.0", "models": [{"name": "newsroom", "revision": "7"}], "statements": 9,
            "accounting": {"found": 5, "written": 3, "rejected": 2, "skipped": 0, "filtered": 0}, "rejected": {"empty": 2},
            "labels": {"topic": {"29": 4, "unsure": 5}}, "stages": [{"stage": "read", "busy_seconds": 1.5}],
        });
        std::fs::write(folder.path().join("run.json"), report.to_string()).unwrap();
        let before = Ledger::open(folder.path()).unwrap().nights().unwrap();
        assert_eq!(Ledger::open(folder.path()).unwrap().version().unwrap(), 1, "readers change nothing");
        let ledger = begin(folder.path());
        let nights = ledger.nights().unwrap();
        assert_eq!((nights.as_slice(), ledger.run()), (before.as_slice(), 2));
        let [night] = nights.as_slice() else { panic!("{nights:?}") };
        assert_eq!((night.night, night.outcome.as_deref(), night.statements), (1, Some("deadline"), 9));
        assert_eq!((night.documents.written, night.labels["topic"]["unsure"], night.reasons["empty"]), (3, 5, 2));
        assert_eq!((night.models["newsroom"].as_str(), night.speed.stages["read"]), ("7", 1.5));
    }

    #[test]
    fn a_row_of_another_version_is_read_as_far_as_it_goes() {
        let night: Night = serde_json::from_str(r#"{"night": 2, "statements": 3, "unheard_of": {}}"#).unwrap();
        assert_eq!(night, Night { night: 2, statements: 3, ..Night::default() });
    }
}
