//! The folder of Parquet files. A partition is a day or a month; the files of a partition are written whole, and only if its documents
//! have changed. A small database beside them, `.export.sqlite`, has the digest and the sums of each partition, from which the small
//! tables follow; without it everything is written again.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row as SqlRow, types::ValueRef};
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::dimensions;
use super::parquet::{ParquetFile, Written};
use super::plan::{DocumentReader, Plan, Planned, digest_of_all};
use super::rows::{ATTRIBUTIONS, DOCUMENTS, RowTable, STATEMENTS};
use super::table::{Cell, Kind, Table};
use super::{ExportError, FORMAT, Lights, Settings, Summary, sql_failed};
use crate::config::Partition;
use crate::output::folder::{failed, part_of, remove, step, sync_folder, write_whole};

/// The list of files, which is written last.
pub(super) const CURRENT: &str = "current.json";

/// The database of digests and sums.
pub(super) const STATE: &str = ".export.sqlite";

const STATE_TABLES: &str = "
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE partitions (partition TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE files (path TEXT PRIMARY KEY, partition TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE sums_by_source (partition TEXT, day TEXT, source TEXT, documents INTEGER, copies INTEGER, characters INTEGER,
        statements INTEGER, boilerplate INTEGER, attributions INTEGER, unattributed INTEGER,
        PRIMARY KEY (partition, day, source)) WITHOUT ROWID;
    CREATE TABLE sums_by_topic (partition TEXT, day TEXT, source TEXT, topic TEXT, statements INTEGER, in_copies INTEGER, negative INTEGER,
        neutral INTEGER, positive INTEGER, tone INTEGER, PRIMARY KEY (partition, day, source, topic)) WITHOUT ROWID;
    CREATE TABLE sums_by_speaker (partition TEXT, speaker TEXT, role TEXT, attributions INTEGER, in_copies INTEGER, said INTEGER,
        said_in_copies INTEGER, documents INTEGER, first_day TEXT, last_day TEXT, PRIMARY KEY (partition, speaker, role)) WITHOUT ROWID;
    CREATE TABLE labels (partition TEXT, task TEXT, code TEXT, label TEXT, iptc TEXT);
    CREATE INDEX labels_by_partition ON labels (partition);";

/// The rows of each small table, from the sums of all partitions.
const DAILY_SOURCES: &str =
    "SELECT day, source, sum(documents), sum(documents - copies), sum(copies), sum(characters), sum(statements),
    sum(boilerplate), sum(attributions), sum(unattributed), sum(rejected)
    FROM (SELECT *, 0 AS rejected FROM sums_by_source
        UNION ALL SELECT '', 'undated', '(none)', 0, 0, 0, 0, 0, 0, 0, ?1 WHERE ?1 > 0)
    GROUP BY day, source ORDER BY day, source";
const DAILY_TOPICS: &str =
    "SELECT day, source, topic, sum(statements), sum(in_copies), sum(negative), sum(neutral), sum(positive),
    sum(tone) / 10000.0 FROM sums_by_topic WHERE ?1 >= 0 GROUP BY day, source, topic ORDER BY day, source, topic";
const LABELS: &str =
    "SELECT DISTINCT task, code, label, iptc FROM labels WHERE ?1 >= 0 ORDER BY task, code, label, iptc";
const SOURCES: &str = "SELECT source, sum(documents), sum(documents - copies), sum(copies), sum(statements), sum(attributions),
    min(nullif(day, 'undated')), max(nullif(day, 'undated')) FROM sums_by_source WHERE ?1 >= 0 GROUP BY source ORDER BY source";
const SPEAKERS: &str = "WITH by_role AS (SELECT speaker, role, sum(attributions) AS attributions, sum(in_copies) AS in_copies,
        sum(said) AS said, sum(said_in_copies) AS said_in_copies, sum(documents) AS documents, min(nullif(first_day, 'undated')) AS first_day, max(nullif(last_day, 'undated')) AS last_day
        FROM sums_by_speaker WHERE ?1 >= 0 GROUP BY speaker, role),
    ranked AS (SELECT *, row_number() OVER (PARTITION BY speaker ORDER BY role = '', attributions DESC, role) AS place FROM by_role)
    SELECT speaker, nullif(max(CASE WHEN place = 1 THEN role END), ''), sum(attributions), sum(in_copies), sum(said), sum(said_in_copies),
        sum(documents), min(first_day), max(last_day) FROM ranked GROUP BY speaker ORDER BY speaker";

/// The content of `current.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Current {
    pub(super) format: u32,
    pub(super) files: BTreeMap<String, CurrentFile>,
}

/// A file of `current.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CurrentFile {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Brings the folder of Parquet files up to date.
pub(super) fn export(
    folder: &Path,
    tables: &Path,
    plan: &Plan,
    settings: &Settings,
    lights: &Lights,
) -> Result<Summary, ExportError> {
    let mut target = Target::open(folder, tables, plan, settings)?;
    match target.prepare(folder, lights) {
        Ok(mut summary) => {
            target.publish(&mut summary)?;
            Ok(summary)
        }
        Err(error) => {
            // The first error is the one to tell, and the next export removes what is left.
            let _ = target.remove_incomplete();
            Err(error)
        }
    }
}

/// The folder, while it is written. New files are complete, and all changes of the state are in one open transaction, before the first
/// old file goes: an export that fails leaves the old tables as they were.
struct Target<'t> {
    tables: PathBuf,
    plan: &'t Plan,
    settings: &'t Settings,
    state: Connection,
    counts: Counts,
    written: Vec<(String, Written)>,
    /// Files that are complete and wait for their names.
    staged: Vec<PathBuf>,
    /// Files that go.
    gone: Vec<PathBuf>,
    is_begun: bool,
    /// True if files of an export that broke off may lie about.
    has_strays: bool,
}

impl<'t> Target<'t> {
    fn open(folder: &Path, tables: &Path, plan: &'t Plan, settings: &'t Settings) -> Result<Self, ExportError> {
        if folder.starts_with(tables) || tables == folder.join("statements") {
            return Err(ExportError::Folder { path: tables.to_owned() });
        }
        fs::create_dir_all(tables).map_err(failed(tables))?;
        let path = tables.join(STATE);
        let state = open_state(&path, settings.redo).map_err(sql_failed(&path))?;
        let mut target = Self {
            tables: tables.to_owned(),
            plan,
            settings,
            state,
            counts: Counts::default(),
            written: Vec::new(),
            staged: Vec::new(),
            gone: Vec::new(),
            is_begun: false,
            has_strays: false,
        };
        // An export that broke off may have left files behind with words that are withdrawn by now.
        target.has_strays = target.setting("writing")?.is_some();
        if target.has_strays {
            target.remove_incomplete()?;
        }
        Ok(target)
    }

    /// Writes the files that change beside the old ones.
    fn prepare(&mut self, folder: &Path, lights: &Lights) -> Result<Summary, ExportError> {
        let mut summary = Summary::default();
        let config = &self.settings.config;
        let partitions = self.plan.partitions(config);
        let known = self.known()?;
        let has_day = config.partition == Partition::Month;
        let row_tables = [RowTable::documents, RowTable::statements, RowTable::attributions]
            .map(|table| table(&self.plan.tasks, has_day));
        let reader = DocumentReader::open(folder)?;
        for (partition, documents) in &partitions {
            let digest = digest_of_all(&self.settings.digest, documents.iter().copied());
            if known.get(partition) == Some(&digest) && self.has_files(partition)? {
                continue;
            }
            self.begin()?;
            self.write(&reader, partition, documents, &row_tables, &mut summary)?;
            self.keep(partition, &digest)?;
            summary.partitions += 1;
        }
        for partition in known.keys().filter(|partition| !partitions.contains_key(*partition)) {
            self.begin()?;
            self.remove(partition)?;
            summary.removed += 1;
        }
        let is_changed = summary.partitions + summary.removed > 0;
        if is_changed || self.setting("lights")?.as_ref() != Some(&lights.digest) || !self.has_files("")? {
            self.begin()?;
            self.write_dimensions(lights)?;
            self.set("lights", &lights.digest)?;
        }
        if self.has_strays {
            self.gone.extend(self.files_of_partitions(|path, partition| {
                path.ends_with("part-0.parquet") && !partitions.contains_key(partition)
            }));
        }
        Ok(summary)
    }

    /// Removes incomplete files. Files of other names are not ours, and stay.
    fn remove_incomplete(&self) -> Result<(), ExportError> {
        for path in self.files_of_partitions(|path, _| path.ends_with("part-0.parquet.part")) {
            remove(&path)?;
            let _ = path.parent().map(fs::remove_dir);
        }
        for name in dimensions::NAMES {
            remove(&part_of(&self.tables.join(format!("{name}.parquet"))))?;
        }
        remove(&part_of(&self.tables.join(CURRENT)))?;
        Ok(())
    }

    /// The files in folders of partitions for which `is_wanted` is true. It gets the path, and the name of the partition.
    fn files_of_partitions(&self, is_wanted: impl Fn(&Path, &str) -> bool) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        for table in [DOCUMENTS, STATEMENTS, ATTRIBUTIONS] {
            for entry in walkdir::WalkDir::new(self.tables.join(table)).into_iter().filter_map(Result::ok) {
                let name = entry.path().parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
                let is_partition = name.starts_with("day=") || name.starts_with("month=");
                if is_partition && is_wanted(entry.path(), &name) {
                    paths.push(entry.path().to_owned());
                }
            }
        }
        paths
    }

    /// The digests of the partitions that are there.
    fn known(&self) -> Result<HashMap<String, String>, ExportError> {
        self.query(|state| {
            let mut statement = state.prepare("SELECT partition, digest FROM partitions")?;
            statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// True if all files of a partition (the empty one: the small tables) are there with their sizes.
    fn has_files(&self, partition: &str) -> Result<bool, ExportError> {
        let files: Vec<(String, u64)> = self.query(|state| {
            let mut statement = state.prepare_cached("SELECT path, bytes FROM files WHERE partition = ?")?;
            statement.query_map([partition], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })?;
        let is_there =
            |(path, bytes): &(String, u64)| fs::metadata(self.tables.join(path)).is_ok_and(|file| file.len() == *bytes);
        Ok(!files.is_empty() && files.iter().all(is_there))
    }

    /// Notes that files are about to be written, and opens the transaction.
    fn begin(&mut self) -> Result<(), ExportError> {
        if !self.is_begun {
            self.set("writing", "1")?;
            self.is_begun = true;
        }
        if self.state.is_autocommit() {
            self.query(|state| state.execute_batch("BEGIN IMMEDIATE"))?;
        }
        Ok(())
    }

    /// Writes the files of a partition.
    fn write(
        &mut self,
        reader: &DocumentReader,
        partition: &str,
        documents: &[&Planned],
        row_tables: &[RowTable; 3],
        summary: &mut Summary,
    ) -> Result<(), ExportError> {
        let mut files = Vec::new();
        for RowTable { table, .. } in row_tables {
            let name = format!("{}/{partition}/part-0.parquet", table.name);
            let path = self.tables.join(&name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(failed(folder))?;
            }
            files.push((name, ParquetFile::create(path, table)?));
        }
        let Self { counts, plan, settings, .. } = self;
        reader.each(documents, |document| {
            counts.add(document, &plan.tasks);
            for (row_table, (_, file)) in row_tables.iter().zip(&mut files) {
                row_table.each_row(document, &plan.tasks, settings.config.text, |_, cells| file.push(&cells))?;
            }
            summary.documents += 1;
            summary.statements += document.statements.len() as u64;
            Ok(())
        })?;
        for (name, file) in files {
            let written = file.complete()?;
            self.staged.push(self.tables.join(&name));
            self.written.push((name, written));
        }
        Ok(())
    }

    /// Stores what a partition holds now.
    fn keep(&mut self, partition: &str, digest: &str) -> Result<(), ExportError> {
        let counts = std::mem::take(&mut self.counts);
        let files = std::mem::take(&mut self.written);
        let has_words = self.settings.config.text;
        self.query(|state| {
            forget(state, partition)?;
            keep_counts(state, partition, &counts, has_words)?;
            keep_files(state, partition, &files)?;
            state.execute("INSERT INTO partitions VALUES (?, ?)", (partition, digest))?;
            Ok(())
        })?;
        step();
        Ok(())
    }

    /// Removes a partition that has no documents any more.
    fn remove(&mut self, partition: &str) -> Result<(), ExportError> {
        let paths: Vec<String> = self.query(|state| {
            let mut statement = state.prepare("SELECT path FROM files WHERE partition = ?")?;
            statement.query_map([partition], |row| row.get(0))?.collect()
        })?;
        self.gone.extend(paths.into_iter().map(|path| self.tables.join(path)));
        self.query(|state| forget(state, partition))
    }

    /// Writes the small tables.
    fn write_dimensions(&mut self, lights: &Lights) -> Result<(), ExportError> {
        let mut files = Vec::new();
        for name in dimensions::NAMES {
            let table = dimensions::table(name);
            let file = format!("{name}.parquet");
            let mut parquet = ParquetFile::create(self.tables.join(&file), &table)?;
            match query_of(name) {
                None => lights.nights.iter().try_for_each(|night| parquet.push(&dimensions::night_row(night)))?,
                Some(query) => self.each_row(query, lights.rejected, &table, |cells| parquet.push(cells))?,
            }
            let written = parquet.complete()?;
            self.staged.push(self.tables.join(&file));
            files.push((file, written));
        }
        self.query(|state| {
            forget(state, "")?;
            keep_files(state, "", &files)
        })?;
        step();
        Ok(())
    }

    /// Calls `visit` with the rows of `query` as cells of `table`.
    fn each_row(
        &self,
        query: &str,
        rejected: u64,
        table: &Table,
        mut visit: impl FnMut(&[Cell<'_>]) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let mut outcome = Ok(());
        self.query(|state| {
            let mut statement = state.prepare(query)?;
            let mut rows = statement.query([rejected])?;
            while let Some(row) = rows.next()? {
                let mut cells = cells_of(row, table)?;
                if !self.settings.config.text {
                    table.without_words(&mut cells);
                }
                outcome = visit(&cells);
                if outcome.is_err() {
                    break;
                }
            }
            Ok(())
        })?;
        outcome
    }

    /// Gives new files their names, removes those that go, and commits. The list of files comes last, and only if it has changed.
    fn publish(self, summary: &mut Summary) -> Result<(), ExportError> {
        let mut folders = BTreeMap::new();
        for path in &self.staged {
            step();
            fs::rename(part_of(path), path).map_err(failed(path))?;
            folders.insert(path.parent(), path);
        }
        for path in folders.into_values() {
            sync_folder(path)?;
        }
        for path in &self.gone {
            remove(path)?;
            // The folder is empty now, unless somebody else has put something there.
            let _ = path.parent().map(fs::remove_dir);
        }
        if !self.state.is_autocommit() {
            self.query(|state| state.execute_batch("COMMIT"))?;
        }
        step();
        let files: BTreeMap<String, CurrentFile> = self.query(|state| {
            let mut statement = state.prepare("SELECT path, bytes, sha256 FROM files")?;
            let rows = statement
                .query_map((), |row| Ok((row.get(0)?, CurrentFile { bytes: row.get(1)?, sha256: row.get(2)? })))?;
            rows.collect()
        })?;
        summary.bytes = files.values().map(|file| file.bytes).sum();
        summary.files = files.len() as u64;
        // Strings and numbers can always be written as JSON.
        let current = serde_json::to_vec_pretty(&Current { format: FORMAT, files }).unwrap_or_default();
        let path = self.tables.join(CURRENT);
        if fs::read(&path).ok().as_ref() != Some(&current) {
            write_whole(path, &current)?;
        }
        if self.is_begun || self.has_strays {
            self.query(|state| state.execute_batch("DELETE FROM settings WHERE name = 'writing'"))?;
        }
        let path = self.tables.join(STATE);
        self.state.close().map_err(|(_, error)| sql_failed(&path)(error))
    }

    fn setting(&self, name: &str) -> Result<Option<String>, ExportError> {
        self.query(|state| {
            let mut statement = state.prepare("SELECT value FROM settings WHERE name = ?")?;
            let mut rows = statement.query([name])?;
            rows.next()?.map(|row| row.get(0)).transpose()
        })
    }

    fn set(&self, name: &str, value: &str) -> Result<(), ExportError> {
        self.query(|state| state.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value)))?;
        Ok(())
    }

    fn query<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, ExportError> {
        work(&self.state).map_err(sql_failed(&self.tables.join(STATE)))
    }
}

/// Opens the database of digests and sums. One of another version is made anew: it holds nothing that cannot be had again.
fn open_state(path: &Path, redo: bool) -> rusqlite::Result<Connection> {
    let usable = if redo { None } else { connect(path).ok() };
    if let Some((state, _)) = usable.filter(|(_, version)| *version == FORMAT) {
        return Ok(state);
    }
    for ending in ["", "-journal", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let _ = fs::remove_file(PathBuf::from(name));
    }
    let (state, _) = connect(path)?;
    // The settings say that files are being written, as files of an earlier version may lie about.
    state.pragma_update(None, "journal_mode", "wal")?;
    state.execute_batch(&format!(
        "BEGIN; {STATE_TABLES} INSERT INTO settings VALUES ('writing', '1'); PRAGMA user_version = {FORMAT}; COMMIT;"
    ))?;
    Ok(state)
}

/// The database, and the version of its tables.
fn connect(path: &Path) -> rusqlite::Result<(Connection, u32)> {
    let state = Connection::open(path)?;
    state.busy_timeout(std::time::Duration::from_secs(10))?;
    state.pragma_update(None, "secure_delete", "on")?;
    // A commit that a power cut takes away costs no more than writing a partition again.
    state.pragma_update(None, "synchronous", "normal")?;
    let version = state.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((state, version))
}

/// The query for a small table; `None` for nights, which come from the ledger.
fn query_of(name: &str) -> Option<&'static str> {
    match name {
        "daily_sources" => Some(DAILY_SOURCES),
        "daily_topics" => Some(DAILY_TOPICS),
        "labels" => Some(LABELS),
        "sources" => Some(SOURCES),
        "speakers" => Some(SPEAKERS),
        _ => None,
    }
}

fn forget(state: &Connection, partition: &str) -> rusqlite::Result<()> {
    for table in ["partitions", "files", "sums_by_source", "sums_by_topic", "sums_by_speaker", "labels"] {
        state.prepare_cached(&format!("DELETE FROM {table} WHERE partition = ?"))?.execute([partition])?;
    }
    Ok(())
}

fn keep_files(state: &Connection, partition: &str, files: &[(String, Written)]) -> rusqlite::Result<()> {
    let mut statement = state.prepare_cached("INSERT INTO files VALUES (?, ?, ?, ?)")?;
    for (path, Written { bytes, sha256 }) in files {
        statement.execute((path, partition, bytes, sha256))?;
    }
    Ok(())
}

fn keep_counts(state: &Connection, partition: &str, counts: &Counts, has_words: bool) -> rusqlite::Result<()> {
    let mut statement = state.prepare_cached("INSERT INTO sums_by_source VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for ((day, source), sums) in &counts.sources {
        statement.execute((
            partition,
            day.to_string(),
            source,
            sums.documents,
            sums.copies,
            sums.characters,
            sums.statements,
            sums.boilerplate,
            sums.attributions,
            sums.unattributed,
        ))?;
    }
    let mut statement = state.prepare_cached("INSERT INTO sums_by_topic VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for ((day, source, topic), sums) in &counts.topics {
        statement.execute((
            partition,
            day.to_string(),
            source,
            topic,
            sums.statements,
            sums.in_copies,
            sums.negative,
            sums.neutral,
            sums.positive,
            sums.tone,
        ))?;
    }
    let mut statement = state.prepare_cached("INSERT INTO labels VALUES (?, ?, ?, ?, ?)")?;
    for (task, code, label, iptc) in &counts.labels {
        statement.execute((partition, task, code, label, iptc))?;
    }
    if has_words {
        let mut statement =
            state.prepare_cached("INSERT INTO sums_by_speaker VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        for ((speaker, role), sums) in &counts.speakers {
            statement.execute((
                partition,
                speaker,
                role,
                sums.attributions,
                sums.in_copies,
                sums.said,
                sums.said_in_copies,
                sums.documents,
                sums.first.to_string(),
                sums.last.to_string(),
            ))?;
        }
    }
    Ok(())
}

/// The values of a row of the database as cells of a table.
fn cells_of<'r>(row: &'r SqlRow<'_>, table: &Table) -> rusqlite::Result<Vec<Cell<'r>>> {
    let mut cells = Vec::with_capacity(table.columns.len());
    for (place, column) in table.columns.iter().enumerate() {
        cells.push(match (row.get_ref(place)?, column.kind) {
            (ValueRef::Text(text), _) => Cell::Text(String::from_utf8_lossy(text)),
            (ValueRef::Integer(value), Kind::Flag) => Cell::Flag(value != 0),
            (ValueRef::Integer(value), _) => Cell::Integer(value),
            (ValueRef::Real(value), _) => Cell::Real(value),
            _ => Cell::Null,
        });
    }
    Ok(cells)
}
