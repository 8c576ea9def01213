//! The `SQLite` file. It is brought up to date document by document, in one transaction: whoever reads it has all of the old night or all
//! of the new one. The transaction runs in WAL mode, in which readers hold nothing up; afterwards the file goes back to the usual mode,
//! which programs can read that may not write beside it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, params_from_iter};

use super::counts::Counts;
use super::dimensions;
use super::plan::{DocumentReader, Plan, Planned};
use super::rows::{ATTRIBUTIONS, DOCUMENTS, Row, RowTable, STATEMENTS};
use super::table::{Cell, Kind, Table, moment};
use super::{ExportError, FORMAT, Lights, Settings, Summary, sql_failed};
use crate::output::folder::{failed, part_of, remove, step, sync_folder};

/// "PRSN": the file is ours.
pub(super) const APPLICATION: i32 = 0x5052_534e;

/// The time to wait for a program that locks the file.
const PATIENCE: Duration = Duration::from_secs(20);

/// The time to wait for a reader that is in the middle of a query.
const CHECKPOINT_PATIENCE: Duration = Duration::from_secs(2);

/// The bits of a statement's id below its document's number.
const INDEX_BITS: u32 = 24;

/// The views.
pub(super) const VIEWS: &str = include_str!("views.sqlite.sql");

/// What changes in the file.
#[derive(Debug, Default)]
struct Changes<'p> {
    /// Documents to put in, in the order of their numbers.
    new: Vec<&'p Planned>,
    /// The numbers of documents to take out.
    old: Vec<i64>,
}

/// Brings the file up to date. With `settings.redo`, everything in it is made anew.
pub(super) fn export(
    folder: &Path,
    path: &Path,
    plan: &Plan,
    settings: &Settings,
    lights: &Lights,
) -> Result<Summary, ExportError> {
    let target = Target { folder, path, plan, settings, lights, tables: tables(plan) };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    // An export that broke off before the file had its name.
    let part = part_of(path);
    remove_with_journals(&part)?;
    if fs::metadata(path).is_ok_and(|file| file.len() > 0) { target.update() } else { target.create(&part) }
}

struct Target<'t> {
    folder: &'t Path,
    path: &'t Path,
    plan: &'t Plan,
    settings: &'t Settings,
    lights: &'t Lights,
    tables: [RowTable; 3],
}

fn tables(plan: &Plan) -> [RowTable; 3] {
    [RowTable::documents, RowTable::statements, RowTable::attributions].map(|table| table(&plan.tasks, true))
}

impl Target<'_> {
    /// Makes a file that nobody reads yet.
    fn create(&self, part: &Path) -> Result<Summary, ExportError> {
        step();
        let database = Connection::open(part).map_err(self.failed())?;
        let in_memory = "PRAGMA foreign_keys = off; PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA cache_size = -65536; BEGIN;";
        database.execute_batch(in_memory).map_err(self.failed())?;
        let summary = self.fill(&database)?;
        database.execute_batch("COMMIT").map_err(self.failed())?;
        database.close().map_err(|(_, error)| self.failed()(error))?;
        step();
        fs::File::open(part).and_then(|file| file.sync_all()).map_err(failed(part))?;
        step();
        remove_with_journals(self.path)?;
        fs::rename(part, self.path).map_err(failed(self.path))?;
        sync_folder(self.path)?;
        Ok(summary)
    }

    /// Brings the file up to date that is there.
    fn update(&self) -> Result<Summary, ExportError> {
        let database = open(self.path)?;
        let is_usable = is_current(&database, self.settings).map_err(self.failed())?;
        let changes = if is_usable { self.changes(&database)? } else { Changes::default() };
        let is_changed = !is_usable || !changes.new.is_empty() || !changes.old.is_empty();
        let lights = if is_usable { setting(&database, "lights").map_err(self.failed())? } else { None };
        if !is_changed && lights.as_ref() == Some(&self.lights.digest) {
            // A reader, or the end of the process, may have kept the last export from putting the file in order.
            let is_held = is_in_wal_mode(self.path) && self.leave_wal(&database)?;
            return Ok(Summary { is_held, bytes: self.size(), ..Summary::default() });
        }
        self.enter_wal(&database)?;
        step();
        let mut summary = match self.write(&database, is_usable.then_some(&changes)) {
            Ok(summary) => summary,
            Err(error) => {
                // What was there before stays, in the mode in which it was. The first error is the one to tell.
                let _ = database.execute_batch("ROLLBACK");
                let _ = self.leave_wal(&database);
                return Err(error);
            }
        };
        step();
        summary.is_held = self.leave_wal(&database)?;
        database.close().map_err(|(_, error)| self.failed()(error))?;
        step();
        summary.bytes = self.size();
        Ok(summary)
    }

    /// Writes `changes` in one transaction, or everything anew without them.
    fn write(&self, database: &Connection, changes: Option<&Changes<'_>>) -> Result<Summary, ExportError> {
        database
            .execute_batch(
                "PRAGMA foreign_keys = off; PRAGMA cache_size = -65536; PRAGMA secure_delete = on; BEGIN IMMEDIATE;",
            )
            .map_err(self.failed())?;
        let summary = if let Some(changes) = changes {
            self.change(database, changes)?
        } else {
            drop_all(database).map_err(self.failed())?;
            self.fill(database)?
        };
        step();
        database.execute_batch("COMMIT").map_err(self.failed())?;
        Ok(summary)
    }

    /// Puts everything into an empty database, in the open transaction. Indexes come last, as that is quicker.
    fn fill(&self, database: &Connection) -> Result<Summary, ExportError> {
        self.create_tables(database).map_err(self.failed())?;
        let documents: Vec<&Planned> = self.plan.documents.iter().collect();
        let mut summary = self.insert(database, &documents, false)?;
        self.index(database).map_err(self.failed())?;
        summary.bytes = self.size();
        Ok(summary)
    }

    /// Everything that comes after the rows of a new file.
    fn index(&self, database: &Connection) -> rusqlite::Result<()> {
        database.execute_batch(&self.indexes())?;
        for (search, ..) in SEARCHES {
            database.execute_batch(&format!("INSERT INTO {search}({search}) VALUES ('rebuild')"))?;
        }
        database.execute_batch(&Self::daily_sources("WHERE true"))?;
        database.execute_batch(&self.daily_topics("WHERE true"))?;
        self.write_small_tables(database)?;
        database.execute_batch(VIEWS)?;
        database.execute_batch("PRAGMA analysis_limit = 1000; ANALYZE;")
    }

    /// Takes out and puts in what has changed.
    fn change(&self, database: &Connection, changes: &Changes<'_>) -> Result<Summary, ExportError> {
        let mut days = BTreeSet::new();
        for &number in &changes.old {
            days.extend(delete(database, number).map_err(self.failed())?);
        }
        step();
        let mut summary = self.insert(database, &changes.new, true)?;
        summary.removed = (changes.old.len() as u64).saturating_sub(changes.new.len() as u64);
        days.extend(changes.new.iter().map(|document| document.day.to_string()));
        self.count_days(database, &days).map_err(self.failed())?;
        if !changes.old.is_empty() {
            // The index would keep words of deleted rows until it is merged: https://sqlite.org/fts5.html#the_optimize_command.
            for (search, ..) in SEARCHES {
                let optimize = format!("INSERT INTO {search}({search}) VALUES ('optimize')");
                database.execute_batch(&optimize).map_err(self.failed())?;
            }
        }
        Ok(summary)
    }

    /// Counts the documents of these days again.
    fn count_days(&self, database: &Connection, days: &BTreeSet<String>) -> rusqlite::Result<()> {
        for day in days {
            for table in ["daily_sources", "daily_topics"] {
                database.prepare_cached(&format!("DELETE FROM {table} WHERE day = ?"))?.execute([day])?;
            }
            database.prepare_cached(&Self::daily_sources("WHERE d.day = ?"))?.execute([day])?;
            database.prepare_cached(&self.daily_topics("WHERE d.day = ?"))?.execute([day])?;
        }
        self.write_small_tables(database)
    }

    /// The documents that are new, changed or gone.
    fn changes(&self, database: &Connection) -> Result<Changes<'_>, ExportError> {
        compare(database, &self.plan.documents).map_err(self.failed())
    }

    fn create_tables(&self, database: &Connection) -> rusqlite::Result<()> {
        let settings = &self.settings.digest;
        let mut commands = format!(
            "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT};
             CREATE TABLE _settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
             INSERT INTO _settings VALUES ('settings', '{settings}');
             CREATE TABLE _exported (document_id INTEGER PRIMARY KEY, digest BLOB NOT NULL);\n"
        );
        for table in &self.tables {
            commands.push_str(&create(&table.table));
        }
        for name in dimensions::NAMES {
            commands.push_str(&create(&dimensions::table(name)));
        }
        for (search, table, columns) in SEARCHES {
            let _ = writeln!(
                commands,
                "CREATE VIRTUAL TABLE {search} USING fts5({columns}, content=\"{table}\", content_rowid=\"id\", \
                 tokenize=\"unicode61 remove_diacritics 2\");"
            );
        }
        database.execute_batch(&commands)
    }

    fn indexes(&self) -> String {
        let mut indexes = "
            CREATE INDEX documents_day ON documents (day, source);
            CREATE INDEX documents_original ON documents (duplicate_of);
            CREATE INDEX statements_document ON statements (document_id);
            CREATE INDEX statements_day ON statements (day, source);
            CREATE INDEX attributions_document ON attributions (document_id);
            CREATE INDEX attributions_day ON attributions (day, source);
            CREATE INDEX attributions_speaker ON attributions (speaker);"
            .to_owned();
        for task in &self.plan.tasks.tasks {
            let column = self.label_column(&task.name);
            let name = quoted(&format!("statements_{}", task.name));
            let _ = write!(indexes, "CREATE INDEX {name} ON statements ({column}, day);");
        }
        indexes
    }

    /// The column with the labels of a task in the table of statements, as SQL takes it.
    fn label_column(&self, task: &str) -> String {
        let [_, statements, _] = &self.tables;
        statements.label_column(task).map_or("NULL".to_owned(), quoted)
    }

    fn daily_sources(condition: &str) -> String {
        format!(
            "INSERT INTO daily_sources SELECT d.day, d.source, count(*), sum(NOT d.copy), sum(d.copy), sum(d.characters), sum(d.statements),
                 sum(d.boilerplate), sum(d.attributions), sum(d.unattributed), 0
             FROM documents d {condition} GROUP BY d.day, d.source"
        )
    }

    fn daily_topics(&self, condition: &str) -> String {
        let column = |task: &String| format!("s.{}", self.label_column(task));
        let topic = self.plan.tasks.topic.as_ref().map_or("'(none)'".to_owned(), column);
        let tone = self.plan.tasks.tone.as_ref().map_or("NULL".to_owned(), column);
        format!(
            "INSERT INTO daily_topics SELECT d.day, d.source, {topic}, count(*), sum(s.copy),
                 sum(coalesce({tone} = 'negative', 0)), sum(coalesce({tone} = 'neutral', 0)), sum(coalesce({tone} = 'positive', 0)),
                 round(coalesce(sum(s.tone), 0.0), 4)
             FROM documents d JOIN statements s ON s.document_id = d.id
             {condition} AND s.boilerplate IS NOT 1 AND {topic} IS NOT NULL GROUP BY 1, 2, 3"
        )
    }

    /// Puts documents in, in the order of their numbers.
    fn insert(&self, database: &Connection, documents: &[&Planned], with_search: bool) -> Result<Summary, ExportError> {
        let mut summary = Summary::default();
        let mut counts = Counts::default();
        let mut digests = documents.iter();
        let inserts: Vec<String> = self.tables.iter().map(|table| insert(&table.table)).collect();
        let reader = DocumentReader::open(self.folder)?;
        reader.each(documents, |document| {
            for (row_table, insert) in self.tables.iter().zip(&inserts) {
                let mut statement = database.prepare_cached(insert).map_err(self.failed())?;
                row_table.each_row(document, &self.plan.tasks, self.settings.config.text, |row, cells| {
                    let keys = keys(document.number, row);
                    let keys = keys.iter().map(|key| key as &dyn ToSql);
                    let cells = cells.iter().map(|cell| cell as &dyn ToSql);
                    statement.execute(params_from_iter(keys.chain(cells))).map(|_| ()).map_err(self.failed())
                })?;
            }
            if with_search {
                add_to_search(database, document.number).map_err(self.failed())?;
            }
            counts.add_labels_of(document);
            if let Some(planned) = digests.next() {
                let mut statement =
                    database.prepare_cached("INSERT INTO _exported VALUES (?, ?)").map_err(self.failed())?;
                statement.execute((planned.number, planned.digest.as_slice())).map_err(self.failed())?;
            }
            summary.documents += 1;
            summary.statements += document.statements.len() as u64;
            Ok(())
        })?;
        add_labels(database, &counts).map_err(self.failed())?;
        Ok(summary)
    }

    /// The tables that are small, or follow from others: written whole.
    fn write_small_tables(&self, database: &Connection) -> rusqlite::Result<()> {
        for task in &self.plan.tasks.tasks {
            let query = format!(
                "DELETE FROM labels WHERE task = ? AND NOT EXISTS (SELECT 1 FROM statements s WHERE s.{} = labels.label)",
                self.label_column(&task.name)
            );
            database.execute(&query, [&task.name])?;
        }
        database.execute_batch(
            "DELETE FROM speakers;
             INSERT INTO speakers
             WITH spoken AS (
                     SELECT speaker, coalesce(role, '') AS role, act IN ('say', 'ask', 'deny') AS said, copy, day, document_id
                     FROM attributions WHERE speaker IS NOT NULL
                     UNION ALL
                     SELECT other.value, '', act IN ('say', 'ask', 'deny'), copy, day, document_id FROM attributions,
                         json_each('[' || replace(json_quote(also), '; ', '\",\"') || ']') AS other WHERE also IS NOT NULL),
                 by_role AS (SELECT speaker, role, count(*) AS attributions, sum(copy) AS in_copies, sum(said) AS said,
                     sum(said AND copy) AS said_in_copies, min(nullif(day, 'undated')) AS first_day, max(nullif(day, 'undated')) AS last_day
                     FROM spoken GROUP BY 1, 2),
                 ranked AS (SELECT *, row_number() OVER (PARTITION BY speaker ORDER BY role = '', attributions DESC, role) AS place FROM by_role),
                 documents AS (SELECT speaker, count(DISTINCT document_id) AS documents FROM spoken GROUP BY speaker)
             SELECT r.speaker, nullif(max(CASE WHEN place = 1 THEN role END), ''), sum(attributions), sum(in_copies), sum(said),
                 sum(said_in_copies), max(d.documents), min(first_day), max(last_day)
             FROM ranked r JOIN documents d ON d.speaker = r.speaker GROUP BY r.speaker ORDER BY r.speaker;
             UPDATE daily_sources SET rejected = 0 WHERE rejected <> 0;
             DELETE FROM daily_sources WHERE documents = 0;",
        )?;
        if self.lights.rejected > 0 {
            let known = database.execute(
                "UPDATE daily_sources SET rejected = ? WHERE day = 'undated' AND source = '(none)'",
                [self.lights.rejected],
            )?;
            if known == 0 {
                let row = "INSERT INTO daily_sources VALUES ('undated', '(none)', 0, 0, 0, 0, 0, 0, 0, 0, ?)";
                database.execute(row, [self.lights.rejected])?;
            }
        }
        database.execute_batch(
            "DELETE FROM sources;
             INSERT INTO sources SELECT source, sum(documents), sum(originals), sum(copies), sum(statements), sum(attributions),
                 min(nullif(day, 'undated')), max(nullif(day, 'undated')) FROM daily_sources WHERE documents > 0 GROUP BY source ORDER BY source;
             DELETE FROM nights;",
        )?;
        let mut statement = database.prepare(&insert(&dimensions::table("nights")))?;
        for night in &self.lights.nights {
            statement.execute(params_from_iter(dimensions::night_row(night)))?;
        }
        database.execute("INSERT OR REPLACE INTO _settings VALUES ('lights', ?)", [&self.lights.digest])?;
        Ok(())
    }

    /// Switches to WAL mode, in which readers do not hold the transaction up. The switch locks the file for a moment: so it does not wait for
    /// readers while it keeps new ones out, but tries again, and it does not wait for the disk.
    fn enter_wal(&self, database: &Connection) -> Result<(), ExportError> {
        database.busy_timeout(Duration::ZERO).map_err(self.failed())?;
        database.execute_batch("PRAGMA synchronous = off").map_err(self.failed())?;
        let since = Instant::now();
        loop {
            match database.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)) {
                Ok(_) => break,
                Err(error) if is_busy(&error) && since.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) if is_busy(&error) => return Err(ExportError::Held { path: self.path.to_owned() }),
                Err(error) => return Err(self.failed()(error)),
            }
        }
        database.execute_batch("PRAGMA synchronous = full").map_err(self.failed())?;
        database.busy_timeout(PATIENCE).map_err(self.failed())
    }

    /// Moves the log into the file and leaves WAL mode, so that programs can read the file that may not write beside it. A program that
    /// keeps the file open can hold that up. Returns true if words of removed documents may be in the file until the next export.
    fn leave_wal(&self, database: &Connection) -> Result<bool, ExportError> {
        database.busy_timeout(Duration::ZERO).map_err(self.failed())?;
        let since = Instant::now();
        while self.is_log_busy(database)? {
            if since.elapsed() > CHECKPOINT_PATIENCE {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // Refused as long as another program has the file open, and that does no harm.
        let _ = database.pragma_update(None, "journal_mode", "delete");
        Ok(false)
    }

    /// Moves the log into the file. True if a reader does not let go of old pages.
    fn is_log_busy(&self, database: &Connection) -> Result<bool, ExportError> {
        match database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0)) {
            Err(error) if is_busy(&error) => Ok(true),
            answer => answer.map_err(self.failed()),
        }
    }

    fn size(&self) -> u64 {
        fs::metadata(self.path).map_or(0, |file| file.len())
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> ExportError + use<> {
        sql_failed(self.path)
    }
}

/// The search indexes: name, table, columns.
const SEARCHES: [(&str, &str, &str); 2] =
    [("statements_search", STATEMENTS, "text"), ("attributions_search", ATTRIBUTIONS, "content, source_text")];

/// Opens a file that must be ours, or empty.
pub(super) fn open(path: &Path) -> Result<Connection, ExportError> {
    let database = Connection::open(path).map_err(sql_failed(path))?;
    database.busy_timeout(PATIENCE).map_err(sql_failed(path))?;
    match database.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0)) {
        Ok(APPLICATION) => Ok(database),
        Ok(_) => Err(ExportError::Foreign { path: path.to_owned() }),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(ExportError::Foreign { path: path.to_owned() })
        }
        Err(error) if is_busy(&error) => Err(ExportError::Held { path: path.to_owned() }),
        Err(error) => Err(sql_failed(path)(error)),
    }
}

/// True if the tables have the form that this version and these settings give them.
fn is_current(database: &Connection, settings: &Settings) -> rusqlite::Result<bool> {
    let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(version == FORMAT && !settings.redo && setting(database, "settings")?.as_ref() == Some(&settings.digest))
}

pub(super) fn setting(database: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = database.prepare("SELECT value FROM _settings WHERE name = ?")?;
    let mut rows = statement.query([name])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// True if the file is in WAL mode, which an export leaves unless another program keeps the file open. The header of the file says so:
/// <https://sqlite.org/fileformat2.html#file_format_version_numbers>.
pub(super) fn is_in_wal_mode(path: &Path) -> bool {
    /// The place of the version of the format in the header, and its value for WAL mode.
    const VERSION: usize = 18;
    const WAL: u8 = 2;
    let mut header = [0; VERSION + 1];
    let is_there = fs::File::open(path).and_then(|mut file| file.read_exact(&mut header)).is_ok();
    is_there && header[VERSION] == WAL
}

/// Removes a database with the files beside it.
fn remove_with_journals(path: &Path) -> Result<(), ExportError> {
    for ending in ["", "-journal", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let name = PathBuf::from(name);
        if name.exists() {
            remove(&name)?;
        }
    }
    Ok(())
}

/// Removes all tables and views.
fn drop_all(database: &Connection) -> rusqlite::Result<()> {
    // Virtual tables take those with them that hold their data, and views must not outlive their tables.
    for condition in ["type = 'view'", "type = 'table' AND sql LIKE 'CREATE VIRTUAL%'", "type = 'table'"] {
        let query = format!("SELECT type, name FROM sqlite_schema WHERE {condition} AND name NOT LIKE 'sqlite_%'");
        let mut statement = database.prepare(&query)?;
        let found: Vec<(String, String)> =
            statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        drop(statement);
        for (kind, name) in found {
            database.execute_batch(&format!("DROP {kind} IF EXISTS {}", quoted(&name)))?;
        }
    }
    Ok(())
}

/// Takes a document out, and returns its day. The search index has to be told the old words.
fn delete(database: &Connection, number: i64) -> rusqlite::Result<Vec<String>> {
    for (search, table, columns) in SEARCHES {
        let command = format!(
            "INSERT INTO {search}({search}, rowid, {columns}) SELECT 'delete', id, {columns} FROM {table} WHERE document_id = ?"
        );
        database.prepare_cached(&command)?.execute([number])?;
    }
    let mut statement = database.prepare_cached("SELECT day FROM documents WHERE id = ?")?;
    let days = statement.query_map([number], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for command in [
        "DELETE FROM statements WHERE document_id = ?",
        "DELETE FROM attributions WHERE document_id = ?",
        "DELETE FROM documents WHERE id = ?",
        "DELETE FROM _exported WHERE document_id = ?",
    ] {
        database.prepare_cached(command)?.execute([number])?;
    }
    Ok(days)
}

/// The documents that are new, changed or gone, compared with those in the file. Both are in the order of their numbers.
fn compare<'p>(database: &Connection, planned: &'p [Planned]) -> rusqlite::Result<Changes<'p>> {
    let mut changes = Changes::default();
    let mut planned = planned.iter().peekable();
    let mut statement = database.prepare("SELECT document_id, digest FROM _exported ORDER BY document_id")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        changes.new.extend(std::iter::from_fn(|| planned.next_if(|document| document.number < number)));
        match planned.next_if(|document| document.number == number) {
            Some(document) if row.get_ref(1)?.as_blob()? == document.digest => {}
            Some(document) => {
                changes.old.push(number);
                changes.new.push(document);
            }
            None => changes.old.push(number),
        }
    }
    changes.new.extend(planned);
    Ok(changes)
}

fn add_labels(database: &Connection, counts: &Counts) -> rusqlite::Result<()> {
    let known = "SELECT 1 FROM labels WHERE task = ?1 AND code IS ?2 AND label = ?3 AND iptc IS ?4";
    let insert = format!("INSERT INTO labels SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS ({known})");
    let mut statement = database.prepare(&insert)?;
    for (task, code, label, iptc) in &counts.labels {
        statement.execute((task, code, label, iptc))?;
    }
    Ok(())
}

fn add_to_search(database: &Connection, number: i64) -> rusqlite::Result<()> {
    for (search, table, columns) in SEARCHES {
        let command = format!(
            "INSERT INTO {search}(rowid, {columns}) SELECT id, {columns} FROM {table} WHERE document_id = ? ORDER BY id"
        );
        database.prepare_cached(&command)?.execute([number])?;
    }
    Ok(())
}

/// The keys of a row: its own id, and that of its document, which the row of a document has not. Ids follow from the document's number, so
/// that they are the same whenever the row is written.
fn keys(number: i64, row: Row<'_>) -> Vec<i64> {
    let id = |index: usize| (number << INDEX_BITS) | i64::try_from(index).unwrap_or(i64::MAX);
    match (row.statement, row.attribution) {
        (Some(statement), _) => vec![id(statement.index), number],
        (None, Some(attribution)) => vec![id(attribution.record.attribution), number, id(attribution.first)],
        (None, None) => vec![number],
    }
}

/// The columns of keys, which [`keys`] fills.
fn key_columns(table: &str) -> &'static [(&'static str, &'static str)] {
    match table {
        DOCUMENTS => &[("id", "INTEGER PRIMARY KEY")],
        STATEMENTS => &[("id", "INTEGER PRIMARY KEY"), ("document_id", "INTEGER NOT NULL REFERENCES documents (id)")],
        ATTRIBUTIONS => &[
            ("id", "INTEGER PRIMARY KEY"),
            ("document_id", "INTEGER NOT NULL REFERENCES documents (id)"),
            ("statement_id", "INTEGER REFERENCES statements (id)"),
        ],
        _ => &[],
    }
}

/// The names of columns that identify a row of a table without ids.
fn primary_key(table: &str) -> &'static str {
    match table {
        "daily_sources" => ", PRIMARY KEY (day, source)) WITHOUT ROWID",
        "daily_topics" => ", PRIMARY KEY (day, source, topic)) WITHOUT ROWID",
        "sources" => ", PRIMARY KEY (source)) WITHOUT ROWID",
        "speakers" => ", PRIMARY KEY (speaker)) WITHOUT ROWID",
        "nights" => ", PRIMARY KEY (night))",
        DOCUMENTS => ", UNIQUE (document))",
        _ => ")",
    }
}

fn create(table: &Table) -> String {
    let mut columns: Vec<String> =
        key_columns(table.name).iter().map(|(name, definition)| format!("{name} {definition}")).collect();
    for column in &table.columns {
        let kind = match column.kind {
            Kind::Text | Kind::Time => "TEXT",
            Kind::Integer | Kind::Flag => "INTEGER",
            Kind::Real => "REAL",
        };
        columns.push(format!("{} {kind}", quoted(&column.name)));
    }
    format!("CREATE TABLE {} ({}{};\n", table.name, columns.join(", "), primary_key(table.name))
}

fn insert(table: &Table) -> String {
    let count = key_columns(table.name).len() + table.columns.len();
    let values = vec!["?"; count].join(", ");
    format!("INSERT INTO {} VALUES ({values})", table.name)
}

/// A name as SQL takes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Integer(value) => ToSqlOutput::from(*value),
            Self::Real(value) => ToSqlOutput::from(*value),
            Self::Flag(value) => ToSqlOutput::from(*value),
            Self::Time(microseconds) => ToSqlOutput::from(moment(*microseconds)),
        })
    }
}
