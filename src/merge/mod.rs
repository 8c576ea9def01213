//! Parts to one output folder, with the same bytes as if one run had processed the whole input.
//!
//! Only ids, originals and the names of statement files can differ from what the parts wrote. They are decided again, in the order of the
//! input, from the admissions that the parts kept; everything else is taken over. Memory does not grow with the input, except as in a run.
//!
//! A merge that was broken off goes on: the documents in the ledger are the first ones, because it adds them in order.

/// The nights of parts as one night.
mod sum;

/// The numbers of a merge.
mod totals;
/// Documents of parts to the output folder.
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::config::Config;
use crate::deadline::suspects;
use crate::drift::Calendar;
use crate::error::RunError;
use crate::job::{document_settings, follow_up, layout_name, result_key};
use crate::ledger::{Ledger, LedgerError, Night, ResultKey};
use crate::output::folder::OutputFolder;
use crate::output::publish::{self, SEAL};
use crate::output::sink::{self, Sink};
use crate::parts::{Parts, PartsError, differences};
use crate::pipeline::Interrupt;
use crate::report::{Clock, RunReport, new_night};
use crate::task::Tasks;
use totals::Totals;
use writer::Writer;

/// The beginnings of names, in what results depend on, that belong to the machine that computed them. Another machine may merge.
const OF_MACHINE: [&str; 2] = ["precision of ", "device of "];

/// A merge that is ready to go: the parts belong together, and the folder can be written.
pub struct Merge {
    config: Config,
    tasks: Arc<Tasks>,
    calendar: Calendar,
    parts: Parts,
    folder: OutputFolder,
    ledger: Ledger,
    sink: Box<dyn Sink>,
}

impl Merge {
    /// Checks the parts in the folders `parts`, and prepares the output folder of `config` for them. `None` if they are merged there
    /// already. Parts from different kinds of processors are refused unless `allows_mixed_processors`.
    ///
    /// # Errors
    /// Parts that are missing, twice, unfinished, or that do not belong together or to the configuration; a folder that has other results.
    pub fn prepare(config: Config, parts: &[PathBuf], allows_mixed_processors: bool) -> Result<Option<Self>, RunError> {
        let tasks = Arc::new(Tasks::resolve(&config)?);
        let calendar = Calendar::load(&config.drift)?;
        let parts = Parts::open(parts, allows_mixed_processors)?;
        check_configuration(&config, &tasks, &parts)?;
        let folder = OutputFolder::prepare(&config.output.directory)?;
        let Some(ledger) = begin(&folder, &config, &tasks, &parts)? else { return Ok(None) };
        let sink = sink::open(&folder, &config.output, &ledger)?;
        Ok(Some(Self { config, tasks, calendar, parts, folder, ledger, sink }))
    }

    /// Merges the parts. When this returns, the report is in `run.json` too; the result says whether all is well.
    pub fn run(self) -> (RunReport, Result<(), RunError>) {
        let Self { config, tasks, calendar, parts, folder, ledger, sink } = self;
        let clock = Clock::start();
        let mut totals = Totals::new(&tasks);
        let writer = Writer::new(&config, &tasks, &parts, ledger, sink);
        let outcome = totals.add_reports(&parts).map_err(RunError::from);
        let outcome = outcome.and_then(|()| {
            let mut ledger = writer.write_all(&config, &mut totals)?;
            parts.check_unchanged()?;
            let night = totals.night(first_row(&config, &tasks, &parts, &ledger), &parts, &tasks);
            ledger.add_night(&night)?;
            ledger.commit(None)?;
            suspects::join(parts.paths(), folder.path()).map_err(RunError::Suspects)?;
            publish::publish(&folder, &config.output, &mut ledger).map_err(RunError::from)
        });
        let report = totals.report(&config, &tasks, &parts, clock);
        let (report, outcome) = report.conclude(outcome, &Interrupt::default(), &folder);
        let followed = follow_up(&config, &calendar, &folder, &report, outcome.is_ok());
        (report, outcome.and(followed))
    }
}

impl std::fmt::Debug for Merge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merge").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Checks that the parts were made with this configuration.
fn check_configuration(config: &Config, tasks: &Tasks, parts: &Parts) -> Result<(), PartsError> {
    let part = parts.first();
    let key = result_key(config, tasks);
    let mut found = differences(&without_machine(&key.parts), &without_machine(&part.made_by));
    found.extend(differences(&document_settings(config), &part.finished.settings));
    // The fingerprint depends on the machine, too, and can be compared only if that is of the same kind.
    if found.is_empty() && key.parts == part.made_by && key.fingerprint != part.fingerprint {
        found.push(format!("it was written by {}, and this is pressrun {}", part.program(), env!("CARGO_PKG_VERSION")));
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(PartsError::OtherSettings {
        part: part.part.to_string(),
        path: part.path.clone(),
        other: "the configuration".to_owned(),
        differences: found,
    })
}

/// What results depend on, without what belongs to the machine.
fn without_machine(parts: &IndexMap<String, String>) -> IndexMap<String, String> {
    let is_of_machine = |name: &str| OF_MACHINE.iter().any(|beginning| name.starts_with(beginning));
    let kept = parts.iter().filter(|(name, _)| !is_of_machine(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The ledger of the output folder: a new one, or that of a merge of the same parts that was broken off. `None` if the parts are merged.
fn begin(folder: &OutputFolder, config: &Config, tasks: &Tasks, parts: &Parts) -> Result<Option<Ledger>, RunError> {
    let path = folder.path();
    let hash = parts.hash();
    let made_by = parts.first();
    let key = ResultKey {
        layout: layout_name(&config.output),
        part: None,
        fingerprint: made_by.fingerprint.clone(),
        parts: made_by.made_by.clone(),
    };
    if Ledger::is_there(path) {
        let ledger = Ledger::open(path)?;
        ledger.check_part(path, None)?;
        let nights = ledger.nights()?;
        let is_same = ledger.merge()?.as_ref() == Some(&hash);
        let is_ended = nights.iter().any(|night| night.outcome.is_some()) && path.join(SEAL).exists();
        match ledger.merge()? {
            // Runs, and the removal of documents, come only after a merge that has ended.
            Some(_) if is_same && (is_ended || nights.len() > 1 || ledger.has_forgotten_any()?) => return Ok(None),
            Some(_) if is_same => return go_on(folder, ledger, &key).map(Some),
            Some(_) if ledger.is_merging()? => return Err(PartsError::OtherMerge { path: path.to_owned() }.into()),
            None if nights.is_empty() && ledger.counts()?.0 == 0 => {}
            _ => return Err(PartsError::HasResults { path: path.to_owned() }.into()),
        }
    }
    let mut ledger = Ledger::begin(path, &key, false, || publish::unseal(folder).map_err(RunError::from))?;
    let night = first_row(config, tasks, parts, &ledger);
    ledger.begin_merge(&hash, &night)?;
    Ok(Some(ledger))
}

/// Goes on with the ledger of a merge that was broken off.
fn go_on(folder: &OutputFolder, ledger: Ledger, key: &ResultKey) -> Result<Ledger, RunError> {
    let found = ledger.setting("layout")?.unwrap_or_default();
    if found != key.layout {
        let path = folder.path().to_owned();
        return Err(LedgerError::Layout { path, found, wanted: key.layout.clone() }.into());
    }
    publish::unseal(folder)?;
    Ok(ledger)
}

/// The row of the merge among the nights, without counts. The processors are those that computed the parts.
fn first_row(config: &Config, tasks: &Tasks, parts: &Parts, ledger: &Ledger) -> Night {
    let started = parts.nights().map(|night| night.started.as_str()).filter(|started| !started.is_empty()).min();
    let night = new_night(config, tasks, ledger);
    Night {
        started: started.map_or_else(|| night.started.clone(), str::to_owned),
        processor: same(parts.working_nights().map(|night| night.processor.as_str())),
        kernels: same(parts.working_nights().map(Night::kernels)),
        ..night
    }
}

/// The value that all have, or `mixed`.
fn same<'v>(mut values: impl Iterator<Item = &'v str>) -> String {
    let first = values.next().unwrap_or_default();
    if values.all(|value| value == first) { first.to_owned() } else { "mixed".to_owned() }
}
