//! Tables for other programs: Parquet, `SQLite` and CSV, and the small files that go with them. All of it follows from the ledger and the
//! statements: it can be deleted and is made again. Only what has changed is written, so that an export of an unchanged folder writes
//! nothing.

/// A check of exported files.
pub mod check;
/// Files that describe the tables to other programs.
mod companions;
/// Sums of a partition.
mod counts;
/// CSV files.
mod csv;
/// The day of a document.
mod day;
/// The small tables.
mod dimensions;
/// A Parquet file.
mod parquet;
/// The documents of a folder in short.
mod plan;
/// The record of the last export.
mod record;
/// Documents, statements and attributions as rows.
mod rows;
/// The `SQLite` file.
mod sqlite;
/// Columns and cells.
mod table;
/// The folder of Parquet files.
mod tables;
/// The labelling tasks of a folder.
mod tasks;

use std::error::Error;
use std::path::{Path, PathBuf};

use crate::config::ExportConfig;
use crate::config::values::OptionalPath;
use crate::digest::{sha256, sha256_of_file};
use crate::ledger::{Ledger, LedgerError, Night};
use crate::output::folder::{OutputFolder, failed, write_whole};
use crate::output::publish::SEAL;
use crate::output::{ReadError, WriteError};

use plan::{Plan, digest_of_all};
use record::{ExportRecord, FileRecord};

pub use record::RECORD;

/// The version of the tables. Another one makes everything anew.
const FORMAT: u32 = 2;

/// The names that `pressrun export` gives to files if `[export]` names none.
const DEFAULT_PARQUET: &str = "tables";
const DEFAULT_SQLITE: &str = "pressrun.sqlite";

/// An export that failed. The old tables are whole then.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file cannot be written, or a run is writing into the folder.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Results cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A line of the ledger is no record.
    #[error("the ledger has a document that this version cannot read")]
    Line {
        /// The cause.
        #[source]
        cause: serde_json::Error,
    },
    /// The last run broke off.
    #[error("the last run in `{}` broke off: run it again, and it goes on; then export", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// A file with the name of the database is not ours.
    #[error("`{}` is not a database that pressrun has written: move it away, or name another file in `[export] sqlite`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another program holds the database.
    #[error("another program holds `{}`: the tables of the last export are still there; end its query, then run `pressrun export`", path.display())]
    Held {
        /// The file.
        path: PathBuf,
    },
    /// There is no room for a file.
    #[error("the disk of `{}` is full: what was exported before is still there; make room, then run `pressrun export`", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// A folder for Parquet files that has other files.
    #[error("`[export] parquet` cannot be `{}`, where other files of the output are: name a folder of its own, such as \"tables\"", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// `SQLite` reported an error.
    #[error("cannot write `{}`", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The error.
        #[source]
        cause: rusqlite::Error,
    },
    /// A Parquet file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The error.
        #[source]
        cause: ::parquet::errors::ParquetError,
    },
    /// A CSV file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// The error.
        #[source]
        cause: ::csv::Error,
    },
}

impl ExportError {
    /// The same error, or [`ExportError::Full`] if that is the cause.
    fn or_full(self) -> Self {
        let path = match &self {
            Self::Write(WriteError::Io { path, .. })
            | Self::Sqlite { path, .. }
            | Self::Parquet { path, .. }
            | Self::Csv { path, .. } => path.clone(),
            _ => return self,
        };
        let mut causes = self.source();
        while let Some(cause) = causes {
            if is_full_disk(cause) {
                return Self::Full { path };
            }
            causes = cause.source();
        }
        self
    }
}

/// True for the error of a disk, a quota or a limit of file sizes that leaves no room.
fn is_full_disk(cause: &(dyn Error + 'static)) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    if let Some(cause) = cause.downcast_ref::<rusqlite::Error>() {
        return cause.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
    }
    let of_csv = cause.downcast_ref::<::csv::Error>().and_then(|cause| match cause.kind() {
        ::csv::ErrorKind::Io(cause) => Some(cause),
        _ => None,
    });
    let cause = of_csv.or_else(|| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| matches!(cause.kind(), FileTooLarge | QuotaExceeded | StorageFull))
}

/// The result of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// What was done for each form that is exported: its name and path, and the numbers.
    pub targets: Vec<(&'static str, PathBuf, Summary)>,
}

/// What was written of a form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Documents written, that is, new or changed ones and those that share a file with them.
    pub documents: u64,
    /// Their statements.
    pub statements: u64,
    /// Partitions written.
    pub partitions: u64,
    /// Documents or partitions removed.
    pub removed: u64,
    /// Files of the form, written or not.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// True if a reader holds the database, so that words of removed documents leave the file only with the next export.
    pub is_held: bool,
}

/// Settings of an export.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    config: ExportConfig,
    /// A hash of everything that the bytes depend on, except the documents.
    digest: String,
    /// True to make everything anew.
    redo: bool,
}

/// The small facts of an export beside its documents.
#[derive(Debug, Clone, Default)]
struct Lights {
    nights: Vec<Night>,
    /// The number of rejections.
    rejected: u64,
    /// A hash of them.
    digest: String,
}

/// Brings the tables of the output folder up to date with its results. What `config` does not name is taken from the last export, or else
/// the usual Parquet folder and `SQLite` file are written. With `redo`, everything is made anew.
///
/// # Errors
/// A folder without finished results, or files that cannot be written. What was there before is whole then.
pub fn export(folder: &Path, config: Option<&ExportConfig>, redo: bool) -> Result<Exported, ExportError> {
    let last = ExportRecord::load(folder);
    let config = effective_config(config, last.as_ref());
    if !Ledger::is_there(folder) {
        return Err(LedgerError::Missing { path: folder.to_owned() }.into());
    }
    let locked = OutputFolder::prepare(folder)?;
    let seal = std::fs::read_to_string(folder.join(SEAL));
    let Ok(seal) = seal else { return Err(ExportError::Unfinished { path: folder.to_owned() }) };
    let mut record = ExportRecord::new(&config, sha256(&seal));
    let before = last.filter(|_| !redo);
    if before.as_ref().is_some_and(|before| before.is_same(&record) && before.is_complete(folder)) {
        return Ok(unchanged(folder, &config));
    }
    if let Some(before) = &before {
        before.warn_of_abandoned(&record);
    }
    let exported = write_all(&locked, &config, redo, before.as_ref(), &mut record).map_err(ExportError::or_full)?;
    record.save(folder).map_err(ExportError::or_full)?;
    Ok(exported)
}

/// Brings what has been exported from the folder up to date, with the settings of the last export, if there was one.
///
/// # Errors
/// As [`export`].
pub fn refresh(folder: &Path) -> Result<(), ExportError> {
    match ExportRecord::load(folder) {
        Some(_) => export(folder, None, false).map(|_| ()),
        None => Ok(()),
    }
}

/// The configuration with names for what is written.
fn effective_config(config: Option<&ExportConfig>, last: Option<&ExportRecord>) -> ExportConfig {
    let last = last.map(ExportRecord::config);
    let mut effective = config.or(last.as_ref()).cloned().unwrap_or_default();
    if !effective.names_any() {
        effective.parquet = last.as_ref().map_or(OptionalPath::from(DEFAULT_PARQUET), |last| last.parquet.clone());
        effective.sqlite = last.as_ref().map_or(OptionalPath::from(DEFAULT_SQLITE), |last| last.sqlite.clone());
        effective.csv = last.map_or(OptionalPath::default(), |last| last.csv);
    }
    effective
}

/// Nothing to do for any form.
fn unchanged(folder: &Path, config: &ExportConfig) -> Exported {
    let named = [("Parquet", &config.parquet), ("SQLite", &config.sqlite), ("CSV", &config.csv)];
    let targets =
        named.into_iter().filter_map(|(form, path)| Some((form, folder.join(path.get()?), Summary::default())));
    Exported { targets: targets.collect() }
}

fn write_all(
    locked: &OutputFolder,
    config: &ExportConfig,
    redo: bool,
    before: Option<&ExportRecord>,
    record: &mut ExportRecord,
) -> Result<Exported, ExportError> {
    let folder = locked.path();
    let plan = Plan::new(folder, config)?;
    let settings = Settings { config: config.clone(), digest: record.settings_digest(&plan), redo };
    let lights = Lights::new(folder)?;
    let parquet = config.parquet.get().map(|path| folder.join(path));
    let sqlite = config.sqlite.get().map(|path| folder.join(path));
    // Each form reads the statements for itself, so that both cores have work.
    let (of_parquet, of_sqlite) = rayon::join(
        || parquet.as_ref().map(|tables| tables::export(folder, tables, &plan, &settings, &lights)).transpose(),
        || sqlite.as_ref().map(|path| sqlite::export(folder, path, &plan, &settings, &lights)).transpose(),
    );
    let mut exported = Exported::default();
    if let (Some(tables), Some(summary)) = (&parquet, of_parquet?) {
        exported.targets.push(("Parquet", tables.clone(), summary));
        if !plan.documents.is_empty() {
            keep(record, folder, &tables.join("views.sql"), &companions::duckdb_views(config.partition))?;
        }
    }
    if let (Some(path), Some(summary)) = (&sqlite, of_sqlite?) {
        exported.targets.push(("SQLite", path.clone(), summary));
        let database = path.file_stem().unwrap_or_default().to_string_lossy();
        let beside = path.parent().unwrap_or(Path::new(""));
        keep(record, folder, &beside.join("metadata.yml"), &companions::metadata(&database, &plan.tasks))?;
        keep(record, folder, &beside.join("datasette.yml"), &companions::datasette(&database))?;
        let grafana = beside.join("grafana");
        keep(record, folder, &grafana.join("datasource.yml"), &companions::grafana_datasource())?;
        keep(record, folder, &grafana.join("dashboards.yml"), &companions::grafana_provider())?;
        keep(record, folder, &grafana.join("dashboards/pressrun.json"), &companions::grafana_dashboard())?;
    }
    if let Some(path) = config.csv.get().map(|path| folder.join(path)) {
        let digest = digest_of_all(&settings.digest, &plan.documents);
        let is_current = before.is_some_and(|before| before.has_csv(&digest, folder));
        let summary = if is_current { Summary::default() } else { csv::export(folder, &path, &plan, &settings)? };
        record.csv_digest = Some(digest);
        for name in csv::FILES {
            let known =
                before.filter(|_| is_current).and_then(|before| before.files.get(&relative(folder, &path.join(name))));
            let file = match known {
                Some(file) => file.clone(),
                None => FileRecord::of_file(&path.join(name))?,
            };
            record.files.insert(relative(folder, &path.join(name)), file);
        }
        exported.targets.push(("CSV", path, summary));
    }
    Ok(exported)
}

/// Writes a small file if its content is another one, and notes its hash.
fn keep(record: &mut ExportRecord, folder: &Path, path: &Path, content: &str) -> Result<(), ExportError> {
    if std::fs::read(path).ok().as_deref() != Some(content.as_bytes()) {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        write_whole(path.to_owned(), content.as_bytes())?;
    }
    let file = FileRecord { bytes: content.len() as u64, sha256: sha256(content) };
    record.files.insert(relative(folder, path), file);
    Ok(())
}

/// A path as the record has it: relative to the output folder if it is in there.
fn relative(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned()
}

impl Lights {
    fn new(folder: &Path) -> Result<Self, ExportError> {
        let ledger = Ledger::resume(folder)?;
        let nights = ledger.nights()?;
        let rejected = ledger.rejections()?.iter().map(|(_, count)| count).sum();
        // Numbers and strings can always be written as JSON.
        let json = serde_json::to_string(&(&nights, rejected)).unwrap_or_default();
        Ok(Self { nights, rejected, digest: sha256(json) })
    }
}

impl FileRecord {
    /// The size and the hash of a file.
    fn of_file(path: &Path) -> Result<Self, WriteError> {
        let bytes = std::fs::metadata(path).map_err(failed(path))?.len();
        Ok(Self { bytes, sha256: sha256_of_file(path).map_err(failed(path))? })
    }
}

fn sql_failed(path: &Path) -> impl Fn(rusqlite::Error) -> ExportError + use<> {
    let path = path.to_owned();
    move |cause| ExportError::Sqlite { path: path.clone(), cause }
}
