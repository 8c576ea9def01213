//! Checks all that can be known of a run before it starts, and lists every problem instead of the first.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::causes::chain;
use crate::config::{Config, listed};
use crate::drift::Calendar;
use crate::expect;
use crate::job::{finder, result_key};
use crate::ledger::{Ledger, LedgerError};
use crate::output::folder::writer;
use crate::task::{LabelSource, TaskError, Tasks};

/// The size of the results in proportion to that of unpacked input: 7.8 on 2,265 articles of plain text, without compression.
const RESULTS_PER_INPUT: u64 = 8;
/// With less free disk space than this, in bytes, no run can work.
const LEAST_FREE_BYTES: u64 = 64 << 20;

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked: `input`, `model`, `output` and so on.
    pub subject: &'static str,
    /// The result.
    pub status: Status,
    /// What was found, and for a problem its remedy.
    pub message: String,
}

/// The status of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A run can use it.
    Ok,
    /// A run would start, and might not get far or not do what is wanted.
    Warning,
    /// A run would not start.
    Problem,
}

impl Status {
    /// The word in lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Check {
    fn ok(subject: &'static str, message: impl Into<String>) -> Self {
        Self { subject, status: Status::Ok, message: message.into() }
    }

    fn warning(subject: &'static str, message: impl Into<String>) -> Self {
        Self { subject, status: Status::Warning, message: message.into() }
    }

    fn problem(subject: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self { subject, status: Status::Problem, message: chain(error) }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {:<8} {}", self.status.as_str(), self.subject, self.message)
    }
}

/// Checks what a run with `config` would need. `paths` are its inputs; empty for `[input] paths`. Nothing is read but the names and
/// sizes of input files, and nothing is written.
#[must_use]
pub fn validate(config: &Config, paths: Vec<PathBuf>) -> Vec<Check> {
    let mut checks = vec![Check::ok("config", config.file.path.display().to_string())];
    let input_bytes = check_input(config, paths, &mut checks);
    match Tasks::resolve(config) {
        Ok(tasks) => check_tasks(config, &tasks, &mut checks),
        Err(error @ TaskError::OwnLabels(_)) => checks.push(Check::problem("labels", &error)),
        Err(error) => checks.push(Check::problem("model", &error)),
    }
    check_space(config, input_bytes, &mut checks);
    check_places(config, &mut checks);
    if let Err(error) = Calendar::load(&config.drift) {
        checks.push(Check::problem("drift", &error));
    }
    checks
}

/// Checks the input, and returns its size in bytes.
fn check_input(config: &Config, paths: Vec<PathBuf>, checks: &mut Vec<Check>) -> u64 {
    let finder = match finder(config, paths, Vec::new()) {
        Ok(finder) => finder,
        Err(error) => {
            checks.push(Check::problem("input", &error));
            return 0;
        }
    };
    let survey = finder.survey();
    let message =
        format!("{} {}, {}", survey.files, if survey.files == 1 { "file" } else { "files" }, in_units(survey.bytes));
    checks.push(if survey.files == 0 { Check::warning("input", message) } else { Check::ok("input", message) });
    survey.bytes
}

/// Checks the tasks, the tests, and whether the output folder has results of the same tasks.
fn check_tasks(config: &Config, tasks: &Tasks, checks: &mut Vec<Check>) {
    for model in &tasks.models {
        let manifest = model.folder.manifest();
        let path = model.folder.path().display();
        let runtime = &model.runtime;
        let message = format!(
            "{} {} in {path}, {}, {} workers, heads {}",
            model.name,
            manifest.revision,
            runtime.precision,
            runtime.workers,
            listed(&model.heads)
        );
        checks.push(Check::ok("model", message));
    }
    let unused: Vec<&String> =
        config.models.keys().filter(|name| tasks.models.iter().all(|model| model.name != **name)).collect();
    if !unused.is_empty() {
        checks.push(Check::warning("model", format!("no task uses {}", listed(unused))));
    }
    for task in &tasks.labels {
        if let LabelSource::Own(own) = &task.source {
            let calibrated = own.fitted().iter().filter(|label| label.fit.is_calibrated()).count();
            let labels = own.labels().len();
            let message = format!("{}: {labels} own labels, {calibrated} of them calibrated by examples", task.name);
            checks.push(Check::ok("labels", message));
        }
    }
    if config.tasks.is_empty() {
        checks.push(Check::warning("task", "there are no tasks: statements get no labels"));
    }
    match expect::validate(&config.file, &config.tests, tasks) {
        Ok(()) if config.tests.is_empty() => {}
        Ok(()) => checks.push(Check::ok("tests", format!("{} tests; `pressrun test` runs them", config.tests.len()))),
        Err(error) => checks.push(Check::problem("tests", &error)),
    }
    checks.push(check_output(config, tasks));
}

fn check_output(config: &Config, tasks: &Tasks) -> Check {
    const SUBJECT: &str = "output";
    let folder = &config.output.directory;
    let shown = folder.display();
    if !folder.exists() {
        return Check::ok(SUBJECT, format!("{shown} is new"));
    }
    if !folder.is_dir() {
        let error = io::Error::new(io::ErrorKind::NotADirectory, format!("`{shown}` is no folder"));
        return Check::problem(SUBJECT, &error);
    }
    match writer(folder) {
        Ok(None) => {}
        Ok(Some(process)) => {
            return Check::warning(SUBJECT, format!("a run, process {process}, is writing into {shown}"));
        }
        Err(error) => return Check::problem(SUBJECT, &error),
    }
    if !Ledger::is_there(folder) {
        return Check::ok(SUBJECT, format!("{shown} has no results"));
    }
    match stored_documents(folder, config, tasks) {
        Ok(documents) => {
            Check::ok(SUBJECT, format!("{shown} has {documents} documents with the same tasks and models"))
        }
        Err(error) => Check::problem(SUBJECT, &error),
    }
}

/// The number of documents in an output folder to which a run with `config` can add.
fn stored_documents(folder: &Path, config: &Config, tasks: &Tasks) -> Result<u64, LedgerError> {
    let ledger = Ledger::open(folder)?;
    ledger.check_key(folder, &result_key(config, tasks), config.run.redo)?;
    Ok(ledger.counts()?.0)
}

/// Compares the free disk space with an estimate of what a run needs.
fn check_space(config: &Config, input_bytes: u64, checks: &mut Vec<Check>) {
    let folder = existing(&config.output.directory);
    let free = match free_bytes(&folder) {
        Ok(free) => free,
        Err(error) => {
            checks.push(Check::problem("disk", &error));
            return;
        }
    };
    let needed = input_bytes.saturating_mul(RESULTS_PER_INPUT);
    let message = format!(
        "{} free at {}, about {} needed for new results of uncompressed input",
        in_units(free),
        folder.display(),
        in_units(needed)
    );
    checks.push(if free < LEAST_FREE_BYTES {
        Check::problem("disk", &io::Error::new(io::ErrorKind::StorageFull, message))
    } else if free < needed {
        Check::warning("disk", message)
    } else {
        Check::ok("disk", message)
    });
}

/// Checks that files can be created where the configuration wants them.
fn check_places(config: &Config, checks: &mut Vec<Check>) {
    let parent = |path: &PathBuf| path.parent().map(Path::to_owned).unwrap_or_default();
    let mut places = vec![("output", config.output.directory.clone())];
    if config.cache.max_bytes.get() > 0 {
        places.push(("cache", config.cache.directory.clone()));
    }
    // These files are written into folders that are there.
    let files = [("log", &config.log.file), ("metrics", &config.metrics.textfile), ("report", &config.report.html)];
    for (subject, path) in files {
        let Some(folder) = path.as_ref().map(parent) else { continue };
        if !folder.as_os_str().is_empty() && !folder.is_dir() {
            let message = format!("the folder `{}` does not exist", folder.display());
            checks.push(Check::problem(subject, &io::Error::new(io::ErrorKind::NotFound, message)));
        } else {
            places.push((subject, folder));
        }
    }
    for (subject, folder) in places {
        let folder = existing(&folder);
        if let Err(error) = tempfile::tempfile_in(&folder) {
            let message = format!("no file can be written in `{}`: {error}", folder.display());
            checks.push(Check::problem(subject, &io::Error::new(error.kind(), message)));
        }
    }
}

/// The folder itself if it exists, or else the nearest one above it that does.
fn existing(folder: &Path) -> PathBuf {
    let above = folder.ancestors().find(|folder| folder.is_dir());
    above.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// The free space of the file system of `folder`, for this user, in bytes.
fn free_bytes(folder: &Path) -> io::Result<u64> {
    let system = rustix::fs::statvfs(folder)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

/// A number of bytes with a unit.
#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn in_units(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;

    /// The checks of a configuration with this text, in a folder of its own that has one article.
    fn checks_of(text: &str) -> (tempfile::TempDir, Vec<Check>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "One here.").unwrap();
        let path = folder.path().join("pipeline.toml");
        let config = Config::parse(ConfigFile { path, text: text.to_owned() }).unwrap();
        let checks = validate(&config, Vec::new());
        (folder, checks)
    }

    fn problems(checks: &[Check]) -> Vec<&'static str> {
        checks.iter().filter(|check| check.status == Status::Problem).map(|check| check.subject).collect()
    }

    #[test]
    fn a_configuration_without_faults_has_no_problems() {
        let (_folder, checks) = checks_of("[input]\npaths = [\"a.txt\"]\n");
        assert_eq!(problems(&checks), [""; 0]);
        assert_eq!(checks[1].message, "1 file, 9 bytes");
        assert!(checks.iter().any(|check| check.subject == "task" && check.status == Status::Warning), "{checks:?}");
    }

    #[test]
    fn every_problem_is_found_and_not_the_first_alone() {
        let text = "[input]\npaths = [\"absent\"]\n[models.m]\npath = \"m\"\n[tasks.topic]\nmodel = \"m\"\nhead = \"topic\"\n\
                    [log]\nfile = \"no/pressrun.log\"\n[drift]\nholidays = \"holidays.txt\"\n";
        let (_folder, checks) = checks_of(text);
        assert_eq!(problems(&checks), ["input", "model", "log", "drift"]);
        assert!(checks.iter().any(|check| check.message.contains("no` does not exist")), "{checks:?}");
    }

    #[test]
    fn an_output_folder_that_is_a_file_is_a_problem() {
        let (_folder, checks) = checks_of("[input]\npaths = [\"a.txt\"]\n[output]\ndirectory = \"a.txt\"\n");
        assert_eq!(problems(&checks), ["output"]);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(in_units(999), "999 bytes");
        assert_eq!(in_units(1_234_000), "1.2 MB");
        assert_eq!(in_units(7_000_000_000_000_000), "7000.0 TB");
    }
}
