//! The check of exported files, for `pressrun verify`.

use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::record::ExportRecord;
use super::sqlite::{open, setting};
use super::tables::{CURRENT, Current};
use super::{Lights, RECORD};
use crate::causes::chain;
use crate::digest::{sha256, sha256_of_file};
use crate::output::publish::SEAL;
use crate::output::verify::Fault;

/// The faults of what was exported from the folder: files that are missing or have other bytes than were written, and a database that does
/// not have the documents of the ledger. Tables that are older than the results are no fault.
#[must_use]
pub fn check(folder: &Path) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !folder.join(RECORD).exists() {
        return faults;
    }
    let Some(record) = ExportRecord::load(folder) else {
        faults.push(fault(
            RECORD,
            "is no record of an export that this version can read; `pressrun export` writes it again",
        ));
        return faults;
    };
    let files = record.files.iter().map(|(path, file)| (path.clone(), folder.join(path), file.bytes, &file.sha256));
    files.for_each(|(name, path, bytes, sha256)| faults.extend(fault_of_file(&name, &path, bytes, sha256)));
    if let Some(parquet) = &record.parquet {
        faults.extend(faults_of_tables(folder, parquet));
    }
    if let Some(sqlite) = &record.sqlite {
        faults.extend(fault_of_database(folder, sqlite, &record));
    }
    faults
}

fn fault(file: impl Into<String>, message: impl Into<String>) -> Fault {
    Fault { file: file.into(), document: None, message: message.into() }
}

fn fault_of_file(name: &str, path: &Path, bytes: u64, sha256: &str) -> Option<Fault> {
    match sha256_of_file(path) {
        Ok(found) if found == sha256 && std::fs::metadata(path).is_ok_and(|file| file.len() == bytes) => None,
        Ok(_) => Some(fault(name, "has other bytes than were exported; `pressrun export --redo` writes it again")),
        Err(error) => Some(fault(name, format!("cannot be read: {error}; `pressrun export` writes it again"))),
    }
}

fn faults_of_tables(folder: &Path, parquet: &Path) -> Vec<Fault> {
    let tables = folder.join(parquet);
    let Some(current) = Current::load(&tables) else {
        let list = parquet.join(CURRENT);
        return vec![fault(list.to_string_lossy(), "cannot be read; `pressrun export` writes it again")];
    };
    let files = current.files.iter();
    let faults = files.filter_map(|(path, file)| {
        let name = parquet.join(path);
        fault_of_file(&name.to_string_lossy(), &tables.join(path), file.bytes, &file.sha256)
    });
    let mut faults: Vec<Fault> = faults.collect();
    faults.extend(unknown_files(&tables, &current).into_iter().map(|path| {
        let name = parquet.join(path);
        fault(name.to_string_lossy(), "is not in the list of exported files, but readers find it; remove it")
    }));
    faults
}

/// Parquet files in partitions that are not in the list: a reader of all files would count them.
fn unknown_files(tables: &Path, current: &Current) -> Vec<PathBuf> {
    let mut unknown = Vec::new();
    for table in ["documents", "statements", "attributions"] {
        for entry in walkdir::WalkDir::new(tables.join(table)).sort_by_file_name().into_iter().filter_map(Result::ok) {
            let Ok(path) = entry.path().strip_prefix(tables) else { continue };
            let is_table = path.extension().is_some_and(|ending| ending == "parquet");
            if is_table && !current.files.contains_key(path.to_string_lossy().as_ref()) {
                unknown.push(path.to_owned());
            }
        }
    }
    unknown
}

fn fault_of_database(folder: &Path, sqlite: &Path, record: &ExportRecord) -> Option<Fault> {
    let name = sqlite.to_string_lossy();
    let path = folder.join(sqlite);
    if !path.exists() {
        return Some(fault(name, "is not there; `pressrun export` writes it again"));
    }
    let database = match open(&path) {
        Ok(database) => database,
        Err(error) => return Some(fault(name, chain(&error))),
    };
    let damage = database.query_row("PRAGMA quick_check(1)", (), |row| row.get::<_, String>(0));
    match damage {
        Ok(damage) if damage == "ok" => {}
        Ok(damage) => {
            return Some(fault(
                name,
                format!("is damaged: {damage}; remove it, and `pressrun export` writes it again"),
            ));
        }
        Err(error) => return Some(fault(name, format!("cannot be read: {error}"))),
    }
    // Only tables from this very state of the ledger have to agree with it.
    let seal = std::fs::read_to_string(folder.join(SEAL)).ok()?;
    if sha256(&seal) != record.ledger {
        return None;
    }
    match differs(folder, &database, record) {
        Ok(None) => None,
        Ok(Some(message)) => Some(fault(name, format!("{message}; `pressrun export --redo` writes it again"))),
        Err(message) => Some(fault(name, message)),
    }
}

/// The difference between the database and the ledger, if there is one.
fn differs(folder: &Path, database: &rusqlite::Connection, record: &ExportRecord) -> Result<Option<String>, String> {
    let plan = Plan::new(folder, &record.config()).map_err(|error| chain(&error))?;
    let lights = Lights::new(folder).map_err(|error| chain(&error))?;
    let shown = |error: rusqlite::Error| format!("cannot be read: {error}");
    if setting(database, "settings").map_err(shown)? != Some(record.settings_digest(&plan)) {
        return Ok(Some("has other settings than the export says".to_owned()));
    }
    if setting(database, "lights").map_err(shown)? != Some(lights.digest) {
        return Ok(Some("does not have the nights of the ledger".to_owned()));
    }
    let count = |query: &str| database.query_row(query, (), |row| row.get::<_, i64>(0)).map_err(shown);
    let documents = i64::try_from(plan.documents.len()).unwrap_or(i64::MAX);
    if count("SELECT count(*) FROM documents")? != documents {
        return Ok(Some("does not have the documents of the ledger".to_owned()));
    }
    let mut statement = database.prepare("SELECT digest FROM _exported ORDER BY document_id").map_err(shown)?;
    let digests = statement.query_map((), |row| row.get::<_, Vec<u8>>(0)).map_err(shown)?;
    let mut planned = plan.documents.iter();
    for digest in digests {
        let digest = digest.map_err(shown)?;
        if planned.next().is_none_or(|document| document.digest[..] != digest[..]) {
            return Ok(Some("has other documents than the ledger".to_owned()));
        }
    }
    for (table, sum) in [("statements", "statements"), ("attributions", "attributions")] {
        if count(&format!("SELECT count(*) FROM {table}"))?
            != count(&format!("SELECT coalesce(sum({sum}), 0) FROM documents"))?
        {
            return Ok(Some(format!("does not have as many {table} as its documents say")));
        }
    }
    Ok(None)
}
