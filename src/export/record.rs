//! The record of the last export, `export.json` in the output folder: what was exported, how, and from which state of the ledger. `verify`
//! and `forget` find by it what belongs to the folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::sqlite::is_in_wal_mode;
use super::tables::{CURRENT, Current, STATE};
use super::{ExportError, FORMAT};
use crate::config::values::OptionalPath;
use crate::config::{DayField, ExportConfig, Partition};
use crate::digest::sha256;
use crate::output::folder::write_whole;

/// The name of the record in the output folder.
pub const RECORD: &str = "export.json";

/// The record of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ExportRecord {
    pub(super) format: u32,
    pub(super) program: String,
    /// The hash of the ledger's seal: another one means that the tables are older than the results.
    pub(super) ledger: String,
    pub(super) parquet: Option<PathBuf>,
    pub(super) sqlite: Option<PathBuf>,
    pub(super) csv: Option<PathBuf>,
    pub(super) text: bool,
    pub(super) day: DayField,
    pub(super) time_zone: String,
    pub(super) partition: Partition,
    /// The digest of the documents in the CSV files.
    pub(super) csv_digest: Option<String>,
    /// The small files and the CSV files. `current.json` lists those of Parquet, and the database knows its own content.
    pub(super) files: BTreeMap<String, FileRecord>,
}

/// The size and the hash of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRecord {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl ExportRecord {
    pub(super) fn new(config: &ExportConfig, ledger: String) -> Self {
        let path = |path: &OptionalPath| path.get().map(Path::to_owned);
        Self {
            format: FORMAT,
            program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            ledger,
            parquet: path(&config.parquet),
            sqlite: path(&config.sqlite),
            csv: path(&config.csv),
            text: config.text,
            day: config.day,
            time_zone: config.time_zone.name().to_owned(),
            partition: config.partition,
            csv_digest: None,
            files: BTreeMap::new(),
        }
    }

    /// The record in the folder, if there is one that this version can read.
    pub(super) fn load(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(folder.join(RECORD)).ok()?).ok()
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), ExportError> {
        // Strings and numbers can always be written as JSON.
        let json = serde_json::to_vec_pretty(self).unwrap_or_default();
        let path = folder.join(RECORD);
        if std::fs::read(&path).ok().as_ref() != Some(&json) {
            write_whole(path, &json)?;
        }
        Ok(())
    }

    /// The settings of the export.
    pub(super) fn config(&self) -> ExportConfig {
        let path = |path: &Option<PathBuf>| OptionalPath::from(path.clone());
        ExportConfig {
            parquet: path(&self.parquet),
            sqlite: path(&self.sqlite),
            csv: path(&self.csv),
            text: self.text,
            day: self.day,
            time_zone: self.time_zone.as_str().try_into().unwrap_or_default(),
            partition: self.partition,
        }
    }

    /// A hash of everything that the bytes of tables depend on, except the documents.
    pub(super) fn settings_digest(&self, plan: &Plan) -> String {
        let Self { format, program, text, day, time_zone, partition, .. } = self;
        // Numbers and strings can always be written as JSON.
        let json = serde_json::to_string(&(format, program, text, day, time_zone, partition, &plan.tasks));
        sha256(json.unwrap_or_default())
    }

    /// True if an export with the same settings from the same state of the ledger has `other` as its record.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let bare = |record: &Self| Self { csv_digest: None, files: BTreeMap::new(), ..record.clone() };
        bare(self) == bare(other)
    }

    /// True if all files are there with their sizes.
    pub(super) fn is_complete(&self, folder: &Path) -> bool {
        let has_size = |path: &Path, bytes| std::fs::metadata(path).is_ok_and(|file| file.len() == bytes);
        let tables = self.parquet.as_ref().map(|path| folder.join(path));
        let has_tables = tables.is_none_or(|tables| {
            let current = Current::load(&tables);
            tables.join(STATE).exists()
                && current.is_some_and(|current| {
                    current.files.iter().all(|(path, file)| has_size(&tables.join(path), file.bytes))
                })
        });
        let has_database = self.sqlite.as_ref().is_none_or(|path| {
            // In WAL mode, a reader or the end of the process kept the last export from putting the database in order.
            let path = folder.join(path);
            path.exists() && !is_in_wal_mode(&path)
        });
        has_tables && has_database && self.files.iter().all(|(path, file)| has_size(&folder.join(path), file.bytes))
    }

    /// True if the CSV files have these documents already.
    pub(super) fn has_csv(&self, digest: &str, folder: &Path) -> bool {
        let is_there = |(path, file): (&String, &FileRecord)| {
            std::fs::metadata(folder.join(path)).is_ok_and(|found| found.len() == file.bytes)
        };
        self.csv_digest.as_deref() == Some(digest) && self.files.iter().all(is_there)
    }

    /// Warns of what this export has written and the next one does not name any more: it is not kept up to date, and words that are
    /// withdrawn stay in it.
    pub(super) fn warn_of_abandoned(&self, next: &Self) {
        for (old, new) in [(&self.parquet, &next.parquet), (&self.sqlite, &next.sqlite), (&self.csv, &next.csv)] {
            if let Some(old) = old.as_ref().filter(|_| old != new) {
                tracing::warn!("`{}` is no longer exported: remove it, as `forget` does not reach it", old.display());
            }
        }
    }
}

impl Current {
    /// The list of files in a folder of Parquet files, if there is one.
    pub(super) fn load(tables: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(tables.join(CURRENT)).ok()?).ok()
    }
}
