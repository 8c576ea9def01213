//! Two configurations on the same documents; and one configuration against the stored results of an output folder.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use super::{Collector, CompareError, Comparison};
use crate::analyse::Analyser;
use crate::config::Config;
use crate::digest::sha256;
use crate::error::RunError;
use crate::job::finder;
use crate::ledger::Ledger;
use crate::output::Reader;
use crate::output::line::statement_record;
use crate::output::schema::StatementRecord;
use crate::pipeline::{finish_inline, process_inline};
use crate::record::{Chunk, Document};
use crate::reread;
use crate::stages::read::{Read, ReadSettings};

/// The configurations to compare.
#[derive(Debug)]
pub struct Sides {
    /// The old configuration.
    pub old: Config,
    /// The new configuration.
    pub new: Config,
}

/// Runs two configurations on the documents under `paths` (empty for `[input] paths`), or on a sample of so many of them, and compares the
/// results. Each runs on one thread, at the same time as the other.
///
/// # Errors
/// Configurations that read different documents, models or inputs that cannot be used, or no document.
pub fn compare_configs(sides: &Sides, paths: Vec<PathBuf>, sample: Option<usize>) -> Result<Comparison, CompareError> {
    let Sides { old, new } = sides;
    let name = |config: &Config| config.file.path.display().to_string();
    if format!("{:?}", old.input) != format!("{:?}", new.input) {
        return Err(CompareError::Input { first: name(old), second: name(new) });
    }
    let finder = finder(old, paths, Vec::new()).map_err(RunError::from).map_err(Box::new)?;
    let mut read = Read::new(&old.input, &old.run, ReadSettings::default());
    let mut collector = Collector::new(&name(old), &name(new));
    let mut pair = Pair::new(sides)?;
    let mut sampled = BTreeMap::new();
    let mut take = |chunk: Chunk<Document>, pair: &mut Pair| match sample {
        None => pair.compare(chunk.documents, &mut collector),
        Some(size) => {
            sampled.extend(chunk.documents.into_iter().map(|document| (sha256(&document.id), document)));
            while sampled.len() > size {
                sampled.pop_last();
            }
            Ok(())
        }
    };
    for source in finder.sources() {
        let (chunks, _) = process_inline(&mut read, source).map_err(CompareError::Stage)?;
        chunks.into_iter().try_for_each(|chunk| take(chunk, &mut pair))?;
    }
    let (chunks, _) = finish_inline(&mut read).map_err(CompareError::Stage)?;
    chunks.into_iter().try_for_each(|chunk| take(chunk, &mut pair))?;
    let documents: Vec<Document> = sampled.into_values().collect();
    pair.compare(documents, &mut collector)?;
    let seconds = pair.seconds;
    collector.finish(Some(seconds))
}

/// Analyses a sample of so many documents of the output folder of `config` again, and compares the results with the stored ones. `paths`
/// are the inputs of the run; empty for `[input] paths`. Documents that are no longer in the input count as being on the old side only.
///
/// # Errors
/// A folder that cannot be read, or models or inputs that cannot be used.
pub fn compare_stored(config: &Config, paths: Vec<PathBuf>, sample: u64) -> Result<Comparison, CompareError> {
    let folder = &config.output.directory;
    let entries = Ledger::open(folder)?.sample(sample)?;
    let mut analyser = Analyser::new(config).map_err(Box::new)?;
    let reader = Reader::new(folder);
    let mut collector = Collector::new(&folder.display().to_string(), &config.file.path.display().to_string());
    let found = reread::documents(config, paths, &entries).map_err(Box::new)?;
    for entry in &entries {
        let Some(document) = found.get(&entry.document) else {
            collector.add_only_old();
            continue;
        };
        let now = analyse(&mut analyser, vec![document.clone()])?.swap_remove(0);
        match now {
            Some(now) => collector.add(&reader.statements_at(&entry.kept)?, &now),
            None => collector.add_only_old(),
        }
    }
    collector.finish(None)
}

/// Two analysers and the time that they took.
struct Pair {
    old: Analyser,
    new: Analyser,
    seconds: [f64; 2],
}

impl Pair {
    fn new(sides: &Sides) -> Result<Self, CompareError> {
        let old = Analyser::new(&sides.old).map_err(Box::new)?;
        let new = Analyser::new(&sides.new).map_err(Box::new)?;
        Ok(Self { old, new, seconds: [0.0; 2] })
    }

    /// Analyses documents with both, and compares the results of those that neither rejects.
    fn compare(&mut self, documents: Vec<Document>, collector: &mut Collector) -> Result<(), CompareError> {
        if documents.is_empty() {
            return Ok(());
        }
        let copy = documents.clone();
        let (old, new) = rayon::join(|| timed(&mut self.old, documents), || timed(&mut self.new, copy));
        let (old, new) = (old?, new?);
        for (total, taken) in self.seconds.iter_mut().zip([old.seconds, new.seconds]) {
            *total += taken;
        }
        for pair in old.statements.iter().zip(&new.statements) {
            match pair {
                (Some(before), Some(now)) => collector.add(before, now),
                (Some(_), None) => collector.add_only_old(),
                (None, Some(_)) => collector.add_only_new(1),
                (None, None) => {}
            }
        }
        Ok(())
    }
}

/// The statements of documents, and the time that the analysis took.
struct Timed {
    statements: Vec<Option<Vec<StatementRecord>>>,
    seconds: f64,
}

fn timed(analyser: &mut Analyser, documents: Vec<Document>) -> Result<Timed, CompareError> {
    let since = Instant::now();
    let statements = analyse(analyser, documents)?;
    Ok(Timed { statements, seconds: since.elapsed().as_secs_f64() })
}

/// The statements of each document; `None` for one that is rejected.
fn analyse(
    analyser: &mut Analyser,
    documents: Vec<Document>,
) -> Result<Vec<Option<Vec<StatementRecord>>>, CompareError> {
    let results = analyser.analyse(documents).map_err(CompareError::Stage)?;
    let tasks = analyser.tasks();
    let mut all = Vec::with_capacity(results.len());
    for result in &results {
        all.push(result.as_ref().ok().map(|article| {
            let statements = article.statements.iter().enumerate();
            statements.map(|(index, statement)| statement_record(tasks, &article.document, index, statement)).collect()
        }));
    }
    Ok(all)
}
