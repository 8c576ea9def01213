//! Tells what a run would do: which documents it would analyse and why, how many tokens that is, how long it would take, and how much
//! disk space. The input is read as in a run; no model is loaded, and nothing is written.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::cache::PassageCache;
use crate::config::Config;
use crate::error::RunError;
use crate::input::left_out::LeftOut;
use crate::job::{finder, result_key};
use crate::ledger::{Ledger, LedgerError, ResultKey};
use crate::output::Reader;
use crate::pipeline::{self, Counter, Halt, Outlet, Stage};
use crate::record::{Chunk, Document, Rejection, TokenCount};
use crate::report::table;
use crate::stages::batch::{Batch, Batcher};
use crate::stages::read::{Read, ReadSettings};
use crate::stages::split::Split;
use crate::task::Tasks;

/// The size of new results in proportion to that of the texts, if the folder has no results to judge by: 8.6 on 2,265 articles, without
/// compression.
const RESULTS_PER_TEXT: f64 = 8.6;

/// What a run would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The output folder.
    pub output: String,
    /// Documents in the output folder.
    pub stored: u64,
    /// What results depend on and has changed since the latest run, by name; empty if nothing has, or if it is not known.
    pub changes: Vec<Change>,
    /// True if results depend on something that has changed, but the latest run did not record what it depended on.
    pub is_unknown_change: bool,
    /// The number of stored documents because of which a run would stop without `--redo`; 0 if it would not stop.
    pub needs_redo: u64,
    /// Documents in the input.
    pub found: u64,
    /// Documents that are not in the output folder.
    pub new: u64,
    /// Documents whose text, metadata or original has changed.
    pub changed: u64,
    /// Documents whose results come from another configuration, model or version of pressrun.
    pub outdated: u64,
    /// Documents that are done.
    pub done: u64,
    /// Documents in languages that are not wanted.
    pub filtered: u64,
    /// Rejections by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Files that are left out because their kind is not read, by kind.
    pub left_out: BTreeMap<String, u64>,
    /// Sentences to analyse.
    pub statements: u64,
    /// Tokens that the models would read.
    pub tokens: u64,
    /// Tokens of passages that are in the cache, or twice in a chunk.
    pub recalled_tokens: u64,
    /// The time that the models would take at the speed of the latest run, in seconds; `None` without such a run.
    pub seconds: Option<f64>,
    /// An estimate of the size of the new results, in bytes.
    pub result_bytes: u64,
}

/// Something that results depend on, and that has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// Its value at the latest run, if it had one.
    pub before: Option<String>,
    /// Its value now, if it has one.
    pub now: Option<String>,
}

impl Plan {
    /// The number of documents that a run would analyse.
    #[must_use]
    pub fn to_analyse(&self) -> u64 {
        self.new + self.changed + self.outdated
    }
}

/// Reads the input under `paths` and in the list `listed` (both empty for `[input] paths`), and plans a run over it, with `redo` as on its
/// command line.
///
/// # Errors
/// The errors that a run would have before it starts, except that results of another configuration are no error.
pub fn plan(config: &Config, paths: Vec<PathBuf>, listed: Vec<PathBuf>, redo: bool) -> Result<Plan, RunError> {
    let tasks = Tasks::resolve(config)?;
    let finder = finder(config, paths, listed)?;
    let key = result_key(config, &tasks);
    let mut plan = Plan { output: config.output.directory.display().to_string(), ..Plan::default() };
    let redo = redo || config.run.redo;
    let ledger = if Ledger::is_there(&config.output.directory) {
        let ledger = Ledger::open(&config.output.directory)?;
        plan.compare_key(config, &ledger, &key, redo)?;
        Some(ledger)
    } else {
        None
    };
    let [found, skipped, filtered]: [Counter; 3] = Default::default();
    let left_out = LeftOut::default();
    let settings = ReadSettings {
        found: found.clone(),
        skipped: skipped.clone(),
        filtered: filtered.clone(),
        left_out: left_out.clone(),
        done: ledger.as_ref().map(|ledger| ledger.done_with(&key.fingerprint)).transpose()?,
        ..ReadSettings::default()
    };
    let read = Read::new(&config.input, &config.run, settings);
    let cache = Arc::new(PassageCache::open(&config.cache));
    let caches = tasks.models.iter().map(|_| cache.is_on().then(|| Arc::clone(&cache))).collect();
    let batcher = Batcher::new(&tasks, caches)?;
    let limit = config.run.document_limit();
    let sorted = Sorted::default();
    let sort = Sort { ledger, sorted: sorted.clone() };
    let mut counted = Counted::default();
    let (_, outcome) = pipeline::run(config.run.capacity(), |flow| {
        let line = flow.source("find", finder.sources()).stage(read).stage(sort);
        let line = line.stage(Split::default().within(limit)).stage(batcher.within(limit));
        line.stage(Count::default()).for_each(|total| counted = total);
    });
    outcome?;
    plan.found = found.get();
    plan.done = skipped.get();
    plan.filtered = filtered.get();
    plan.left_out = left_out.counts();
    plan.take_counts(&sorted, counted, config)?;
    Ok(plan)
}

impl Plan {
    /// Finds what has changed since the latest run.
    fn compare_key(
        &mut self,
        config: &Config,
        ledger: &Ledger,
        key: &ResultKey,
        redo: bool,
    ) -> Result<(), LedgerError> {
        self.stored = ledger.counts()?.0;
        match ledger.check_key(&config.output.directory, key, redo) {
            Err(LedgerError::Redo { documents, .. }) => self.needs_redo = documents,
            outcome => outcome?,
        }
        if self.stored == 0 || ledger.fingerprint() == key.fingerprint {
            return Ok(());
        }
        match ledger.parts()? {
            Some(before) => self.changes = changes(&before, &key.parts),
            None => self.is_unknown_change = true,
        }
        Ok(())
    }

    /// Takes the counts of the documents to analyse, and estimates time and space from earlier results.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "estimates for people"
    )]
    fn take_counts(&mut self, sorted: &Sorted, counted: Counted, config: &Config) -> Result<(), RunError> {
        let Counted { statements, tokens, rejected } = counted;
        self.new = sorted.new.get();
        self.changed = sorted.changed.get();
        self.outdated = sorted.outdated.get();
        self.statements = statements;
        self.tokens = tokens.useful;
        self.recalled_tokens = tokens.recalled;
        self.rejected = rejected;
        let folder = &config.output.directory;
        let latest = Reader::new(folder).report().ok().flatten();
        let speed = latest.map(|run| run.throughput.tokens_per_second).filter(|speed| *speed > 0.0);
        self.seconds = speed.map(|speed| self.tokens as f64 / speed);
        let stored = if self.stored > 0 { Ledger::resume(folder)?.result_bytes()? } else { None };
        let per_text = stored.map_or(RESULTS_PER_TEXT, |(results, texts)| results as f64 / texts.max(1) as f64);
        self.result_bytes = (sorted.text_bytes.get() as f64 * per_text) as u64;
        Ok(())
    }
}

/// The entries that differ between two maps, in the order of `now`, then those that only `before` has.
fn changes(before: &indexmap::IndexMap<String, String>, now: &indexmap::IndexMap<String, String>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, value) in now.iter().filter(|(name, value)| before.get(*name) != Some(value)) {
        let before = before.get(name).cloned();
        changes.push(Change { name: name.clone(), before, now: Some(value.clone()) });
    }
    for (name, value) in before.iter().filter(|(name, _)| !now.contains_key(*name)) {
        changes.push(Change { name: name.clone(), before: Some(value.clone()), now: None });
    }
    changes
}

/// Counts of documents to analyse, by the reason.
#[derive(Debug, Clone, Default)]
struct Sorted {
    new: Counter,
    changed: Counter,
    outdated: Counter,
    /// The size of their texts in bytes.
    text_bytes: Counter,
}

/// A stage that counts documents by the reason for which they are analysed, and passes them on.
struct Sort {
    ledger: Option<Ledger>,
    sorted: Sorted,
}

impl Stage for Sort {
    const NAME: &'static str = "sort";
    type In = Chunk<Document>;
    type Out = Chunk<Document>;

    fn process(&mut self, chunk: Self::In, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        for document in &chunk.documents {
            self.sorted.text_bytes.add(document.text.len() as u64);
            let stored = self.ledger.as_ref().map(|ledger| ledger.entry(&document.id)).transpose()?.flatten();
            match stored {
                None => self.sorted.new.add(1),
                Some(entry) if entry.content.as_deref() == Some(&document.content) => self.sorted.outdated.add(1),
                Some(_) => self.sorted.changed.add(1),
            }
        }
        out.emit(chunk)
    }
}

/// The work of the models, and the rejections before it.
#[derive(Debug, Clone, Default)]
struct Counted {
    statements: u64,
    tokens: TokenCount,
    rejected: BTreeMap<String, u64>,
}

/// A stage that counts statements and tokens, and emits the counts at the end.
#[derive(Default)]
struct Count(Counted);

impl Stage for Count {
    const NAME: &'static str = "count";
    type In = Batch;
    type Out = Counted;

    fn process(&mut self, batch: Batch, out: &mut Outlet<'_, Counted>) -> Result<(), Halt> {
        let tokens: usize = batch.rows.iter().map(|row| row.passage.ids.len()).sum();
        if batch.needs_inference {
            self.0.tokens.useful += tokens as u64;
        } else {
            self.0.tokens.recalled += tokens as u64;
        }
        for (_, rejection) in batch.rejected {
            self.rejected(rejection, out)?;
        }
        if batch.is_last {
            let sentences: usize = batch.chunk.documents.iter().map(|document| document.sentences.len()).sum();
            self.0.statements += sentences as u64;
        }
        Ok(())
    }

    fn rejected(&mut self, rejection: Rejection, _: &mut Outlet<'_, Counted>) -> Result<(), Halt> {
        *self.0.rejected.entry(rejection.reason.as_str().to_owned()).or_default() += 1;
        Ok(())
    }

    fn finish(&mut self, out: &mut Outlet<'_, Counted>) -> Result<(), Halt> {
        out.emit(std::mem::take(&mut self.0))
    }
}

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "output      {}: {} documents", self.output, self.stored)?;
        for Change { name, before, now } in &self.changes {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
            writeln!(f, "changed     {name}: {} → {}", value(before), value(now))?;
        }
        if self.is_unknown_change {
            writeln!(f, "changed     something that results depend on; the latest run did not record what")?;
        }
        if self.needs_redo > 0 {
            let documents = self.needs_redo;
            writeln!(
                f,
                "stops       {documents} documents come from before the change: give --redo, or another [output] directory"
            )?;
        }
        writeln!(f, "input       {} documents", self.found)?;
        let reasons = [
            (self.new, "new"),
            (self.changed, "with another text, metadata or original than stored"),
            (self.outdated, "of another configuration, model or version"),
        ];
        writeln!(f, "to analyse  {} documents, {} statements", self.to_analyse(), self.statements)?;
        for (count, reason) in reasons.into_iter().filter(|(count, _)| *count > 0) {
            writeln!(f, "            {count} {reason}")?;
        }
        writeln!(f, "done        {} documents", self.done)?;
        if self.filtered > 0 {
            writeln!(f, "filtered    {} documents in other languages", self.filtered)?;
        }
        if !self.rejected.is_empty() {
            let reasons = self.rejected.iter().map(|(reason, count)| format!("{reason} {count}"));
            let total: u64 = self.rejected.values().sum();
            writeln!(f, "rejected    {total}: {}", reasons.collect::<Vec<_>>().join(", "))?;
        }
        if let Some(kinds) = table::left_out(&self.left_out) {
            writeln!(f, "left out    {kinds}")?;
        }
        writeln!(f, "tokens      {} to infer, {} in the cache or repeated", self.tokens, self.recalled_tokens)?;
        match self.seconds {
            Some(seconds) => writeln!(f, "time        {} at the speed of the latest run", duration(seconds))?,
            None => writeln!(f, "time        not known: no run in this folder has inferred anything yet")?,
        }
        #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
        let megabytes = self.result_bytes as f64 / 1e6;
        writeln!(f, "disk        about {megabytes:.1} MB of results")
    }
}

/// A time for people.
fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        "1 s or less".to_owned()
    } else if seconds < 90.0 {
        format!("about {seconds:.0} s")
    } else if seconds < 5400.0 {
        format!("about {:.0} min", seconds / 60.0)
    } else {
        format!("about {:.1} h", seconds / 3600.0)
    }
}
