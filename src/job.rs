//! A run on one screen: what it needs is checked and loaded, its stages are joined, and its results are published.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;

use crate::cache::Recall;
use crate::config::{Config, Layout, OutputConfig};
use crate::deadline::suspects::{self, Suspects};
use crate::deadline::watchdog::Watchdog;
use crate::digest::{hexadecimal, sha256_of_all};
use crate::error::RunError;
use crate::input::find::{FindError, Finder, Source};
use crate::input::left_out::LeftOut;
use crate::ledger::{Done, Ledger, LedgerError, Terms};
use crate::model::{Model, ModelError};
use crate::output::folder::{OutputFolder, write_whole};
use crate::output::publish;
use crate::pipeline::{self, Counter, Gate, Interrupt};
use crate::record::Reason;
use crate::report::{Clock, Found, RunReport, metrics};
use crate::revisions::REVISIONS;
use crate::stages::assemble::Assemble;
use crate::stages::batch::Group;
use crate::stages::infer::Classify;
use crate::stages::read::{Known, Places, Read, ReadSettings};
use crate::stages::split::Split;
use crate::stages::write::{Write, Written};
use crate::task::{Tasks, UsedModel};

/// A run that is ready to go: everything that can be wrong with its configuration, its models, its paths and its output
/// folder has been checked.
#[derive(Debug)]
pub struct Job {
    config: Config,
    tasks: Arc<Tasks>,
    finder: Finder,
    folder: OutputFolder,
    group: Group,
    classifiers: Vec<Vec<Classify>>,
    write: Write,
    done: Done,
    only: Option<Places>,
    suspects: Suspects,
    _watchdog: Option<Watchdog>,
}

/// What a run is asked for beside its configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// What to read; `[input] paths` where there is nothing else.
    pub paths: Vec<PathBuf>,
    /// More to read: files and folders of a list. Those that are not there become rejections.
    pub listed: Vec<PathBuf>,
    /// Whether documents are done again whose results come from another configuration, model or version of pressrun, as with `[run] redo`.
    pub redo: bool,
    /// Which records are taken.
    pub only: Only,
}

/// Which records a run takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Only {
    /// All of them.
    #[default]
    Everything,
    /// Those that were rejected by earlier runs, for one reason or for any.
    Rejected(Option<String>),
    /// Those at these places.
    At(Places),
}

impl Job {
    /// Checks and loads all that a run needs.
    ///
    /// # Errors
    /// The first thing wrong; nothing has been read or written then.
    pub fn prepare(config: Config, request: Request) -> Result<Self, RunError> {
        let tasks = Arc::new(Tasks::resolve(&config)?);
        let Request { paths, listed, redo, only } = request;
        let finder = finder(&config, paths, listed)?;
        let recall = Arc::new(Recall::open(&config.cache));
        let (mut classifiers, mut recalls) = (Vec::new(), Vec::new());
        for (index, model) in tasks.models.iter().enumerate() {
            let mut copies = load(model).map_err(|cause| model.failed(cause))?;
            let recall = recall_of(model, &mut copies, &recall).map_err(|cause| model.failed(cause))?;
            let classify = |copy| Classify::new(index, copy, recall.clone());
            classifiers.push(copies.into_iter().map(classify).collect());
            recalls.push(recall);
        }
        let group = Group::new(&tasks, recalls)?;
        let folder = OutputFolder::prepare(&config.output.directory)?;
        let (terms, redo) = (terms(&config, &tasks), redo || config.run.redo);
        let unseal = || publish::unseal(&folder).map_err(RunError::from);
        let ledger = Ledger::begin(folder.path(), &terms, redo, unseal)?;
        let suspects = suspects(folder.path(), &only).map_err(RunError::Suspects)?;
        let only = match only {
            Only::Everything => None,
            Only::Rejected(reason) => Some(unknown(ledger.rejected_places(reason.as_deref())?)),
            Only::At(places) => Some(places),
        };
        let done = ledger.done()?;
        let write = Write::new(&folder, &config, Arc::clone(&tasks), ledger)?;
        let watch = |_| Watchdog::start(folder.path().to_owned()).map_err(RunError::Suspects);
        let watchdog = config.run.document_limit().map(watch).transpose()?;
        Ok(Self { config, tasks, finder, folder, group, classifiers, write, done, only, suspects, _watchdog: watchdog })
    }

    /// Where the input is found.
    #[must_use]
    pub fn finder(&self) -> &Finder {
        &self.finder
    }

    /// Runs it to its end, or until `interrupt` is requested and what is under way is done. Tells `observe` after
    /// each chunk what has been written since the start. When this returns the report is in `run.json` too; the
    /// result says whether all is well.
    ///
    /// Where a document hangs, the process ends with the code 2: see [`mod@crate::deadline::suspects`].
    pub fn run(self, interrupt: &Interrupt, mut observe: impl FnMut(&Written)) -> (RunReport, Result<(), RunError>) {
        let Self { config, tasks, finder, folder, group, classifiers, write, done, only, suspects, _watchdog } = self;
        let (clock, mut written) = (Clock::start(), Written::none(&tasks));
        let [found, skipped, filtered]: [Counter; 3] = Default::default();
        let left_out = LeftOut::default();
        let (is_whole, limit) = (only.is_none(), config.run.document_limit());
        let gate = Gate::new(Some(config.run.memory.get()).filter(|&bytes| bytes > 0));
        let sources = only.as_ref().map_or_else(|| finder.sources(), |only| sources_of(&finder, only));
        let settings = ReadSettings {
            interrupt: interrupt.clone(),
            found: found.clone(),
            skipped: skipped.clone(),
            filtered: filtered.clone(),
            left_out: left_out.clone(),
            done: Some(done),
            only,
            suspects,
            is_in_order: false,
        };
        let read = Read::new(&config.input, &config.run, settings);

        let (stages, outcome) = pipeline::run(capacity(&config), |flow| {
            let mut line = flow
                .source("find", sources.take_while(|_| !interrupt.is_requested()))
                .entrance(read, gate)
                .stage(Split::default().within(limit))
                .stage(group.within(limit));
            for classify in classifiers {
                line = line.workers(classify);
            }
            line.stage(Assemble::new(Arc::clone(&tasks)).within(limit)).stage(write).for_each(|progress| {
                written.add(&progress);
                observe(&written);
            });
        });

        let left_out = left_out.counts();
        let found = Found { all: found.get(), skipped: skipped.get(), filtered: filtered.get(), left_out };
        let mut report = RunReport::new(&config, &tasks, clock, found, &written, &stages);
        if interrupt.cause().is_some() {
            report.record.input_bytes_left = finder.survey().bytes.saturating_sub(written.input_bytes);
        }
        let outcome = outcome
            .map_err(RunError::from)
            .and_then(|()| list(&config, is_whole.then_some(&finder), interrupt, &folder));
        let (report, outcome) = report.conclude(outcome, interrupt, &folder);
        let measured = config.metrics.textfile.as_ref().map_or(Ok(()), |path| measure(path, &report, outcome.is_ok()));
        (report, outcome.and(measured))
    }
}

/// Finds what is named, or else what the configuration names.
///
/// # Errors
/// A path that does not exist, a pattern that fits nothing, or nothing at all.
pub fn finder(config: &Config, paths: Vec<PathBuf>, listed: Vec<PathBuf>) -> Result<Finder, FindError> {
    let paths = if paths.is_empty() && listed.is_empty() { config.input.paths.clone() } else { paths };
    let ignored = config.input.ignore.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    let finder = Finder::new(&paths, listed, &config.output.directory)?;
    Ok(finder.ignoring(ignored).in_order(config.input.order))
}

/// One copy of `model` for each of its workers.
fn load(model: &UsedModel) -> Result<Vec<Model>, ModelError> {
    tracing::info!(model = model.name, revision = model.folder.manifest().revision, runtime = ?model.runtime, "loading");
    let heads: Vec<&str> = model.heads.iter().map(String::as_str).collect();
    let copy = |worker| model.folder.load(&model.runtime, worker, &heads);
    (0..model.runtime.workers).into_par_iter().map(copy).collect()
}

/// What remembers the readings of `model`; none where they depend on the batch.
fn recall_of(model: &UsedModel, copies: &mut [Model], recall: &Arc<Recall>) -> Result<Option<Arc<Recall>>, ModelError> {
    if !recall.is_on() {
        return Ok(None);
    }
    let is_invariant = copies.first_mut().map_or(Ok(false), Model::is_batch_invariant)?;
    if !is_invariant {
        tracing::info!(model = model.name, "readings depend on the batch here, so that none are recalled");
    }
    Ok(is_invariant.then(|| Arc::clone(recall)))
}

/// The documents that are not tried again. Whoever retries what took too long wants them tried.
fn suspects(folder: &Path, only: &Only) -> std::io::Result<Suspects> {
    match only {
        Only::Everything => Suspects::of(folder),
        Only::Rejected(reason) if reason.as_deref().is_none_or(|reason| reason == Reason::TooSlow.as_str()) => {
            suspects::clear(folder)?;
            Ok(Suspects::default())
        }
        Only::Rejected(_) | Only::At(_) => Ok(Suspects::default()),
    }
}

type Sources = Box<dyn Iterator<Item = Source> + Send>;

/// Places of which nothing else is known.
fn unknown(places: HashSet<(String, u64)>) -> Places {
    places.into_iter().map(|place| (place, Known::default())).collect()
}

/// The files that have records at these places.
fn sources_of(finder: &Finder, places: &Places) -> Sources {
    let files: HashSet<String> = places.keys().map(|(file, _)| file.clone()).collect();
    Box::new(finder.sources().filter(move |source| files.contains(&source.place().source)))
}

/// Writes the run's numbers for whoever watches.
fn measure(path: &Path, report: &RunReport, is_success: bool) -> Result<(), RunError> {
    let text = metrics::render(&report.record, is_success, Timestamp::now().as_second(), &metrics::before(path));
    write_whole(path.to_owned(), text.as_bytes()).map_err(Into::into)
}

/// Lists what is done. After a whole run of what `finder` finds the rejections of earlier ones in those files are over.
fn list(
    config: &Config,
    finder: Option<&Finder>,
    interrupt: &Interrupt,
    folder: &OutputFolder,
) -> Result<(), RunError> {
    let mut ledger = Ledger::resume(folder.path())?;
    if let Some(finder) = finder.filter(|_| interrupt.cause().is_none())
        && ledger.has_old_rejections()?
    {
        finder.sources().try_for_each(|source| ledger.forget_rejections(&source.place().source))?;
        ledger.commit(None)?;
    }
    publish::publish(folder, &config.output, &mut ledger).map_err(Into::into)
}

/// Removes what is known of `documents` from the output folder of `config`. Later runs leave them out.
///
/// # Errors
/// A document that is not there, and then none is removed that comes after it; results of another form than `config` has; a run that
/// is going on.
pub fn forget(config: &Config, documents: &[String]) -> Result<(), RunError> {
    let folder = &config.output.directory;
    let wanted = layout_name(&config.output);
    if let Some(found) = Ledger::open(folder)?.setting("layout")?.filter(|found| *found != wanted) {
        return Err(LedgerError::Layout { path: folder.clone(), found, wanted }.into());
    }
    let folder = OutputFolder::prepare(folder)?;
    publish::unseal(&folder)?;
    let mut ledger = Ledger::resume(folder.path())?;
    let has_own_file = config.output.layout == Layout::Document;
    let forgotten = documents.iter().try_for_each(|document| ledger.forget(document, has_own_file));
    publish::publish(&folder, &config.output, &mut ledger)?;
    publish::seal(&folder, ledger)?;
    forgotten.map_err(Into::into)
}

/// What the results of a run depend on: the tasks with their models, the parts of this program, and the fields that are written.
fn terms(config: &Config, tasks: &Tasks) -> Terms {
    let mut parts = vec![tasks.fingerprint()];
    parts.extend(REVISIONS.iter().map(|(part, revision)| format!("{part} {revision}")));
    parts.extend(config.output.fields.iter().map(|field| field.get_ref().as_str().to_owned()));
    let made_by = sha256_of_all(parts.iter().map(String::as_str));
    Terms { layout: layout_name(&config.output), made_by: hexadecimal(&made_by) }
}

/// How results are written, as ledgers hold it: a folder with another text is refused.
fn layout_name(config: &OutputConfig) -> String {
    format!("{}, {}", config.layout, config.compression)
}

fn capacity(config: &Config) -> NonZeroUsize {
    NonZeroUsize::new(config.run.channel_capacity.as_size()).unwrap_or(NonZeroUsize::MIN)
}
