//! A run on one screen: what it needs is checked and loaded, its stages are joined, and its results are published.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use jiff::Timestamp;

use crate::cache::PassageCache;
use crate::config::values::IgnorePattern;
use crate::config::{Config, CopiesConfig, InputConfig, Layout, OutputConfig};
use crate::deadline::suspects::{self, Suspects};
use crate::deadline::watchdog::Watchdog;
use crate::digest::{hexadecimal, sha256_of_all};
use crate::drift::{self, Calendar};
use crate::error::RunError;
use crate::input::find::{FindError, Finder, Source};
use crate::input::left_out::LeftOut;
use crate::input::part::{Listing, Part, PartError};
use crate::input::store::Stores;
use crate::ledger::{Done, Ledger, LedgerError, NightKind, ResultKey};
use crate::loading::{self, Loaded};
use crate::output::folder::{OutputFolder, write_whole};
use crate::output::publish;
use crate::output::schema::DriftRecord;
use crate::page;
use crate::parts::{self, AdmissionsWriter};
use crate::pipeline::{self, Counter, Gate, Interrupt};
use crate::record::Reason;
use crate::report::{Clock, FoundCount, RunReport, metrics, new_night};
use crate::revisions::REVISIONS;
use crate::stages::assemble::Assemble;
use crate::stages::batch::Batcher;
use crate::stages::infer::Infer;
use crate::stages::read::{Known, Places, Read, ReadSettings};
use crate::stages::split::Split;
use crate::stages::write::{Write, Written};
use crate::task::Tasks;

/// The time for the list of what is left in stores, after a run was stopped.
const LAST_SURVEY: Duration = Duration::from_secs(20);

/// A run that is ready to go: everything that can be wrong with its configuration, its models, its paths and its output
/// folder has been checked.
#[derive(Debug)]
pub struct Job {
    config: Config,
    tasks: Arc<Tasks>,
    finder: Finder,
    folder: OutputFolder,
    batcher: Batcher,
    /// The workers of each model.
    workers: Vec<Vec<Infer>>,
    write: Write,
    done: Done,
    only: Option<Places>,
    suspects: Suspects,
    calendar: Calendar,
    part: Option<PartOfJob>,
    _watchdog: Option<Watchdog>,
}

/// The arguments of a run beside its configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The files, folders and patterns to read; `[input] paths` if these and `listed` are empty.
    pub paths: Vec<PathBuf>,
    /// More files and folders to read, from a list. Those that do not exist become rejections.
    pub listed: Vec<PathBuf>,
    /// Processes documents again whose results come from another configuration, model or version of pressrun, as with `[run] redo`.
    pub redo: bool,
    /// The records to process.
    pub selection: Selection,
    /// The part of the input to process, in a folder of its own, for a merge of all parts; `None` for all of it.
    pub part: Option<Part>,
}

/// What a job needs because it processes a part of the input.
#[derive(Debug)]
struct PartOfJob {
    listing: Listing,
    admissions: AdmissionsWriter,
}

/// The records that a run processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Selection {
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
        let calendar = Calendar::load(&config.drift)?;
        let Request { paths, listed, redo, selection, part } = request;
        let finder = finder(&config, paths, listed)?.of_part(part, config.input.piece_bytes.get())?;
        let config = match part {
            Some(part) => config_of_part(config, part)?,
            None => config,
        };
        let shared_cache = Arc::new(PassageCache::open(&config.cache));
        let Loaded { mut workers, caches } = loading::load(&tasks, None, &shared_cache)?;
        if part.is_some()
            && let Some(model) = loading::find_batch_dependent(&tasks, &mut workers)?
        {
            tracing::warn!(
                model,
                "the results of this model depend on the batch: the last digits of its scores will not be those of one run"
            );
        }
        let batcher = Batcher::new(&tasks, caches)?;
        let folder = OutputFolder::prepare(&config.output.directory)?;
        let key = ResultKey { part: part.map(|part| part.to_string()), ..result_key(&config, &tasks) };
        let redo = redo || config.run.redo;
        let ledger = Ledger::begin(folder.path(), &key, redo, || publish::unseal(&folder).map_err(RunError::from))?;
        let part = match part {
            Some(_) => Some(PartOfJob::begin(&folder, &ledger)?),
            None => None,
        };
        let suspects = suspects(folder.path(), &selection).map_err(RunError::Suspects)?;
        let mut night = new_night(&config, &tasks, &ledger);
        if matches!(selection, Selection::Rejected(_)) {
            night.kind = NightKind::Backfill;
        }
        let only = match selection {
            Selection::Everything => None,
            Selection::Rejected(reason) => Some(unknown(ledger.rejected_places(reason.as_deref())?)),
            Selection::At(places) => Some(places),
        };
        let done = ledger.done()?;
        let write = Write::new(&folder, &config, Arc::clone(&tasks), ledger, night)?;
        let watchdog = match config.run.document_limit() {
            Some(_) => Some(Watchdog::start(folder.path().to_owned()).map_err(RunError::Suspects)?),
            None => None,
        };
        Ok(Self {
            config,
            tasks,
            finder,
            folder,
            batcher,
            workers,
            write,
            done,
            only,
            suspects,
            calendar,
            part,
            _watchdog: watchdog,
        })
    }

    /// The folder that it writes into.
    #[must_use]
    pub fn output(&self) -> &Path {
        self.folder.path()
    }

    /// The finder of its input.
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
        let Self {
            config,
            tasks,
            finder,
            folder,
            batcher,
            workers,
            write,
            done,
            only,
            suspects,
            calendar,
            part,
            _watchdog,
        } = self;
        let clock = Clock::start();
        let mut written = Written::none(&tasks);
        let [found, skipped, filtered]: [Counter; 3] = Default::default();
        let left_out = LeftOut::default();
        let is_whole = only.is_none();
        let limit = config.run.document_limit();
        let gate = Gate::new(Some(config.run.memory.get()).filter(|&bytes| bytes > 0));
        let listing = part.as_ref().map(|part| part.listing.clone());
        let found_until_stop = finder.clone().until(interrupt.clone());
        let sources = match (&only, &listing) {
            (Some(only), _) => sources_of(&found_until_stop, only),
            (None, Some(listing)) => found_until_stop.listed_sources(listing.clone()),
            (None, None) => found_until_stop.sources(),
        };
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
            admissions: part.map(|part| part.admissions),
        };
        let read = Read::new(&config.input, &config.run, settings);

        let (stages, outcome) = pipeline::run(config.run.capacity(), |flow| {
            let mut line = flow
                .source("find", sources.take_while(|_| !interrupt.is_requested()).map(Source::begin))
                .entrance(read, gate)
                .stage(Split::default().within(limit))
                .stage(batcher.within(limit));
            for of_model in workers {
                line = line.workers(of_model);
            }
            line.stage(Assemble::new(Arc::clone(&tasks)).within(limit)).stage(write).for_each(|progress| {
                written.add(&progress);
                observe(&written);
            });
        });

        let found = FoundCount {
            all: found.get(),
            skipped: skipped.get(),
            filtered: filtered.get(),
            left_out: left_out.counts(),
        };
        let mut report = RunReport::new(&config, &tasks, clock, found, &written, &stages);
        if interrupt.cause().is_some() {
            let survey = finder.clone().until(Interrupt::at(Instant::now() + LAST_SURVEY)).survey();
            report.record.input_bytes_left = survey.bytes.saturating_sub(written.input_bytes);
        }
        let outcome = outcome
            .map_err(RunError::from)
            .and_then(|()| list(&config, is_whole.then_some(&finder), interrupt, &folder))
            .and_then(|()| finish_part(&config, listing.as_ref(), interrupt, &folder));
        let (report, outcome) = report.conclude(outcome, interrupt, &folder);
        let followed = follow_up(&config, &calendar, &folder, &report, outcome.is_ok());
        (report, outcome.and(followed))
    }
}

impl PartOfJob {
    fn begin(folder: &OutputFolder, ledger: &Ledger) -> Result<Self, RunError> {
        parts::begin(ledger)?;
        Ok(Self { listing: Listing::default(), admissions: AdmissionsWriter::create(folder.path())? })
    }
}

/// The configuration of a part: its own folder in the output folder. Metrics and the page are about all parts, so the merge writes them.
fn config_of_part(config: Config, part: Part) -> Result<Config, PartError> {
    part.check_siblings(&config.output.directory)?;
    if Ledger::is_there(&config.output.directory) {
        let folder = config.output.directory.display();
        tracing::warn!(
            "`{folder}` has results already, so the parts have to be merged into another folder: `pressrun merge -o`"
        );
    }
    let mut config = config;
    config.output.directory = part.folder(&config.output.directory);
    config.metrics.textfile = None;
    config.report.html = None;
    Ok(config)
}

/// Records that a part is finished, unless it was stopped before it had read all of its files.
fn finish_part(
    config: &Config,
    listing: Option<&Listing>,
    interrupt: &Interrupt,
    folder: &OutputFolder,
) -> Result<(), RunError> {
    let Some(listing) = listing.filter(|_| interrupt.cause().is_none()) else { return Ok(()) };
    let ledger = Ledger::resume(folder.path())?;
    parts::finish(folder.path(), &ledger, listing.digest(), document_settings(config)).map_err(Into::into)
}

/// Writes what follows from a run: metrics, and the page about the night.
pub(crate) fn follow_up(
    config: &Config,
    calendar: &Calendar,
    folder: &OutputFolder,
    report: &RunReport,
    is_success: bool,
) -> Result<(), RunError> {
    let measured =
        config.metrics.textfile.as_ref().map_or(Ok(()), |path| {
            measure(path, report, is_success, compare_nights(folder, config, calendar)?.as_ref())
        });
    measured.and(write_page(config, calendar))
}

/// Finds what is named, or else what the configuration names.
///
/// # Errors
/// A path that does not exist, a pattern that fits nothing, or nothing at all.
pub fn finder(config: &Config, paths: Vec<PathBuf>, listed: Vec<PathBuf>) -> Result<Finder, FindError> {
    let paths = if paths.is_empty() && listed.is_empty() { config.input.paths.clone() } else { paths };
    let ignored = config.input.ignore.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    let stores = Stores::new(config.input.retry_seconds.get());
    let finder = Finder::with_stores(&paths, listed, &config.output.directory, stores)?;
    Ok(finder.ignoring(ignored).in_order(config.input.order))
}

/// The documents that are not tried again. Whoever retries what took too long wants them tried.
fn suspects(folder: &Path, selection: &Selection) -> std::io::Result<Suspects> {
    match selection {
        Selection::Everything => Suspects::load(folder),
        Selection::Rejected(reason) if reason.as_deref().is_none_or(|reason| reason == Reason::TooSlow.as_str()) => {
            suspects::clear(folder)?;
            Ok(Suspects::default())
        }
        Selection::Rejected(_) | Selection::At(_) => Ok(Suspects::default()),
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

/// The last night of a folder compared with earlier ones.
fn compare_nights(
    folder: &OutputFolder,
    config: &Config,
    calendar: &Calendar,
) -> Result<Option<DriftRecord>, RunError> {
    let nights = Ledger::resume(folder.path())?.nights()?;
    Ok(drift::judge(&nights, None, &config.drift, calendar)?)
}

/// Writes the page about the last night, if the configuration names a file for it.
fn write_page(config: &Config, calendar: &Calendar) -> Result<(), RunError> {
    let Some(path) = &config.report.html else { return Ok(()) };
    let page = page::collect(&config.output.directory, (&config.report).into(), &config.drift, calendar)?;
    write_whole(path.clone(), page.to_html().as_bytes()).map_err(Into::into)
}

/// Writes the run's numbers for whoever watches.
fn measure(path: &Path, report: &RunReport, is_success: bool, drift: Option<&DriftRecord>) -> Result<(), RunError> {
    let now = Timestamp::now().as_second();
    let text = metrics::render(&report.record, drift, is_success, now, &metrics::before(path));
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
    let ledger = Ledger::open(folder)?;
    // The merge would miss it, and a merge that goes on counts the documents that are there.
    ledger.check_part(folder, None)?;
    if ledger.is_merging()? {
        return Err(LedgerError::Merging { path: folder.clone() }.into());
    }
    if let Some(found) = ledger.setting("layout")?.filter(|found| *found != wanted) {
        return Err(LedgerError::Layout { path: folder.clone(), found, wanted }.into());
    }
    drop(ledger);
    let folder = OutputFolder::prepare(folder)?;
    publish::unseal(&folder)?;
    let mut ledger = Ledger::resume(folder.path())?;
    let has_own_file = config.output.layout == Layout::Document;
    let forgotten = documents.iter().try_for_each(|document| ledger.forget(document, has_own_file));
    publish::publish(&folder, &config.output, &mut ledger)?;
    publish::seal(&folder, ledger)?;
    // A page may quote what was forgotten.
    if config.report.html.as_ref().is_some_and(|path| path.exists()) {
        write_page(config, &Calendar::load(&config.drift)?)?;
    }
    forgotten.map_err(Into::into)
}

/// Everything that results depend on: the tasks with their models, the parts of this program, and the fields that are written.
pub(crate) fn result_key(config: &Config, tasks: &Tasks) -> ResultKey {
    let fields: Vec<String> = config.output.fields.iter().map(|field| field.get_ref().clone()).collect();
    let mut hashed = vec![tasks.fingerprint()];
    hashed.extend(REVISIONS.iter().map(|(part, revision)| format!("{part} {revision}")));
    hashed.extend(fields.iter().cloned());
    let fingerprint = hexadecimal(&sha256_of_all(hashed.iter().map(String::as_str)));
    let mut parts = tasks.parts();
    parts.extend(
        REVISIONS.iter().map(|(part, revision)| (format!("pressrun's {part}"), format!("revision {revision}"))),
    );
    parts.insert("[output] fields".to_owned(), if fields.is_empty() { "all".to_owned() } else { fields.join(", ") });
    ResultKey { layout: layout_name(&config.output), part: None, fingerprint, parts }
}

/// The settings that decide which documents there are and what they are copies of, by name. They are not in the key of results, because
/// documents have hashes that change with them; but parts have to agree on them.
pub(crate) fn document_settings(config: &Config) -> IndexMap<String, String> {
    let InputConfig {
        order,
        ignore,
        languages,
        max_document_bytes,
        max_expansion,
        max_unpacked_bytes,
        piece_bytes,
        markup,
        copies,
        fields,
        paths: _,
        retry_seconds: _,
    } = &config.input;
    let CopiesConfig { similarity, remember } = copies;
    let settings = [
        ("order", format!("{order:?}")),
        ("ignore", format!("{:?}", ignore.iter().map(IgnorePattern::as_str).collect::<Vec<_>>())),
        ("languages", format!("{languages:?}")),
        ("max_document_bytes", max_document_bytes.get().to_string()),
        ("max_expansion", max_expansion.get().to_string()),
        ("max_unpacked_bytes", max_unpacked_bytes.get().to_string()),
        ("piece_bytes", piece_bytes.get().to_string()),
        ("markup", format!("{markup:?}")),
        ("copies.similarity", similarity.get().to_string()),
        ("copies.remember", remember.get().to_string()),
        ("fields", format!("{fields:?}")),
    ];
    settings.into_iter().map(|(name, value)| (format!("[input] {name}"), value)).collect()
}

/// The layout and compression of the output, as ledgers store them: a folder with others is refused.
pub(crate) fn layout_name(config: &OutputConfig) -> String {
    format!("{}, {}", config.layout, config.compression)
}
