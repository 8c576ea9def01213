//! The vectors that labels are fitted to: those of descriptions, of examples, and of sentences of the archive.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use super::{FittingError, OwnTask};
use crate::analyse::{Analyser, SentenceReading};
use crate::config::Config;
use crate::digest::sha256;
use crate::error::RunError;
use crate::job::finder;
use crate::ledger::Ledger;
use crate::model::SentenceVector;
use crate::own_labels::definition::folded;
use crate::own_labels::fit::centred;
use crate::pipeline::{finish_inline, process_inline};
use crate::record::{Chunk, Document};
use crate::reread;
use crate::stages::read::{Read, ReadSettings};
use crate::task::Tasks;

/// The number of documents of the archive that labels are compared with.
const BACKGROUND_DOCUMENTS: usize = 2000;
/// The number of their sentences.
const BACKGROUND_SENTENCES: usize = 10_000;
/// The number of these that are read by themselves, too.
const SENTENCES_ALONE: usize = 500;
/// The number of documents that are analysed together.
const CHUNK_DOCUMENTS: usize = 32;

/// A sentence of the archive.
#[derive(Debug, Clone)]
pub(super) struct BackgroundSentence {
    /// Its id: that of its document, `#` and its index.
    pub(super) statement: String,
    pub(super) text: String,
    /// Its vector without the mean, of length 1.
    pub(super) vector: Vec<f64>,
}

/// The vectors that labels are fitted to. All but the mean are centred and of length 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Vectors {
    /// The mean vector of the archive's sentences.
    pub(super) mean: Vec<f32>,
    /// Sentences of the archive that are not boilerplate.
    pub(super) background: Vec<BackgroundSentence>,
    /// For each example of the label file; `None` if the model cannot read it.
    pub(super) examples: Vec<Option<Vec<f64>>>,
    /// For each label, those of its description.
    pub(super) about: Vec<Vec<Vec<f64>>>,
    /// For each label, those of what it is not about.
    pub(super) not_about: Vec<Vec<Vec<f64>>>,
    /// The number of examples that were read in their articles.
    pub(super) in_articles: usize,
    /// Examples whose statements are not in the output folder any more; they were read by themselves.
    pub(super) gone: Vec<String>,
    /// The folded texts of all examples.
    example_texts: HashSet<String>,
}

impl Vectors {
    /// True if the text of a sentence is an example.
    pub(super) fn is_example(&self, sentence: &BackgroundSentence) -> bool {
        self.example_texts.contains(&folded(&sentence.text))
    }

    /// Computes the vectors for a task, from the archive under `paths` (empty for `[input] paths`).
    pub(super) fn collect(
        task: &OwnTask<'_>,
        analyser: &mut Analyser,
        paths: Vec<PathBuf>,
    ) -> Result<Self, FittingError> {
        let archive = archive(task, analyser, paths.clone())?;
        if archive.is_empty() {
            return Err(FittingError::NoArchive);
        }
        let mut vectors = Self { mean: mean(archive.iter().map(|(_, reading)| &reading.vector)), ..Self::default() };
        for (document, reading) in &archive {
            vectors.background.push(BackgroundSentence {
                statement: format!("{document}#{}", reading.index),
                text: reading.text.clone(),
                vector: centred(reading.vector.values(), &vectors.mean),
            });
        }
        // Texts that are read by themselves have another mean than sentences in their passages.
        let texts: Vec<&str> = archive.iter().take(SENTENCES_ALONE).map(|(_, reading)| reading.text.as_str()).collect();
        let alone = analyser.vectors_of_texts(task.model, &texts)?;
        let mean_alone = mean(alone.iter().flatten());
        vectors.add_descriptions(task, analyser, &mean_alone)?;
        vectors.add_examples(task, analyser, paths, &mean_alone)?;
        Ok(vectors)
    }

    fn add_descriptions(
        &mut self,
        task: &OwnTask<'_>,
        analyser: &mut Analyser,
        mean_alone: &[f32],
    ) -> Result<(), FittingError> {
        for label in &task.file.labels {
            for (phrases, all) in [(&label.about, &mut self.about), (&label.not_about, &mut self.not_about)] {
                let phrases: Vec<&str> = phrases.iter().map(String::as_str).collect();
                let found = analyser.vectors_of_texts(task.model, &phrases)?;
                all.push(found.iter().flatten().map(|vector| centred(vector.values(), mean_alone)).collect());
            }
        }
        Ok(())
    }

    /// Adds the examples: those with the id of a statement as they stand in their articles, the others by themselves.
    fn add_examples(
        &mut self,
        task: &OwnTask<'_>,
        analyser: &mut Analyser,
        paths: Vec<PathBuf>,
        mean_alone: &[f32],
    ) -> Result<(), FittingError> {
        let examples = &task.file.examples;
        let in_articles = statements(task, analyser, paths)?;
        let mut alone: Vec<usize> = Vec::new();
        self.examples = vec![None; examples.len()];
        for (place, example) in examples.iter().enumerate() {
            self.example_texts.insert(folded(&example.text));
            let found = example.statement.as_ref().map(|statement| (statement, in_articles.get(statement)));
            match found {
                Some((_, Some(reading))) if folded(&reading.text) == folded(&example.text) => {
                    self.examples[place] = Some(centred(reading.vector.values(), &self.mean));
                    self.in_articles += 1;
                    continue;
                }
                Some((statement, _)) => self.gone.push(statement.clone()),
                None => {}
            }
            alone.push(place);
        }
        let texts: Vec<&str> = alone.iter().map(|&place| examples[place].text.as_str()).collect();
        let vectors = analyser.vectors_of_texts(task.model, &texts)?;
        for (place, vector) in alone.into_iter().zip(&vectors) {
            self.examples[place] = vector.as_ref().map(|vector| centred(vector.values(), mean_alone));
        }
        Ok(())
    }
}

/// An analyser for the vectors of `config`, with the results of earlier runs.
pub(super) fn analyser(config: &Config) -> Result<Analyser, FittingError> {
    let tasks = Tasks::without_own_labels(config).map_err(RunError::from).map_err(Box::new)?;
    Ok(Analyser::with_cache_file(config, tasks).map_err(Box::new)?)
}

/// Sentences of the archive with the ids of their documents: of a sample of the output folder's documents, or of the input if there is no
/// output folder yet.
fn archive(
    task: &OwnTask<'_>,
    analyser: &mut Analyser,
    paths: Vec<PathBuf>,
) -> Result<Vec<(String, SentenceReading)>, FittingError> {
    let documents = sample(task.config, paths, BACKGROUND_DOCUMENTS)?;
    let mut sentences = Vec::new();
    for documents in documents.chunks(CHUNK_DOCUMENTS) {
        let readings = analyser.vectors(task.model, documents.to_vec())?;
        for (document, readings) in documents.iter().zip(readings) {
            let counted = readings.into_iter().filter(|reading| !reading.is_boilerplate);
            sentences.extend(counted.map(|reading| (document.id.clone(), reading)));
        }
        if sentences.len() >= BACKGROUND_SENTENCES {
            break;
        }
    }
    sentences.truncate(BACKGROUND_SENTENCES);
    Ok(sentences)
}

/// A sample of at most so many documents, always the same: of the output folder, or of the input if there is no output folder yet.
pub(super) fn sample(config: &Config, paths: Vec<PathBuf>, size: usize) -> Result<Vec<Document>, FittingError> {
    let folder = &config.output.directory;
    if Ledger::is_there(folder) {
        let entries = Ledger::open(folder)?.sample_by_content(size as u64)?;
        let mut found = reread::documents(config, paths.clone(), &entries).map_err(Box::new)?;
        let documents: Vec<Document> = entries.iter().filter_map(|entry| found.remove(&entry.document)).collect();
        if !documents.is_empty() {
            return Ok(documents);
        }
    }
    sample_of_input(config, paths, size)
}

/// The documents of the input whose ids have the smallest hashes.
fn sample_of_input(config: &Config, paths: Vec<PathBuf>, size: usize) -> Result<Vec<Document>, FittingError> {
    let finder = finder(config, paths, Vec::new()).map_err(RunError::from).map_err(Box::new)?;
    let mut read = Read::new(&config.input, &config.run, ReadSettings::default());
    let mut sampled = BTreeMap::new();
    let mut chunks: Vec<Chunk<Document>> = Vec::new();
    for source in finder.sources() {
        chunks.extend(process_inline(&mut read, source)?.0);
        keep_smallest(&mut sampled, &mut chunks, size);
    }
    chunks.extend(finish_inline(&mut read)?.0);
    keep_smallest(&mut sampled, &mut chunks, size);
    Ok(sampled.into_values().collect())
}

/// Moves the documents of `chunks` into `sampled`, and keeps so many with the smallest hashes.
fn keep_smallest(sampled: &mut BTreeMap<String, Document>, chunks: &mut Vec<Chunk<Document>>, size: usize) {
    let documents = chunks.drain(..).flat_map(|chunk| chunk.documents);
    sampled.extend(documents.map(|document| (sha256(&document.id), document)));
    while sampled.len() > size {
        sampled.pop_last();
    }
}

/// The statements of the output folder that examples name, by their ids.
fn statements(
    task: &OwnTask<'_>,
    analyser: &mut Analyser,
    paths: Vec<PathBuf>,
) -> Result<HashMap<String, SentenceReading>, FittingError> {
    let folder = &task.config.output.directory;
    let named = task.file.examples.iter().filter_map(|example| example.statement.as_deref());
    let documents: BTreeSet<&str> = named.filter_map(|id| Some(id.rsplit_once('#')?.0)).collect();
    if documents.is_empty() || !Ledger::is_there(folder) {
        return Ok(HashMap::new());
    }
    let ledger = Ledger::open(folder)?;
    let mut entries = Vec::new();
    for document in documents {
        entries.extend(ledger.entry(document)?);
    }
    let mut found = reread::documents(task.config, paths, &entries).map_err(Box::new)?;
    let documents: Vec<Document> = entries.iter().filter_map(|entry| found.remove(&entry.document)).collect();
    let mut statements = HashMap::new();
    for documents in documents.chunks(CHUNK_DOCUMENTS) {
        let readings = analyser.vectors(task.model, documents.to_vec())?;
        for (document, readings) in documents.iter().zip(readings) {
            for reading in readings {
                statements.insert(format!("{}#{}", document.id, reading.index), reading);
            }
        }
    }
    Ok(statements)
}

/// The mean of vectors; empty without vectors.
#[expect(clippy::cast_possible_truncation, reason = "a mean is f32 as its vectors were")]
fn mean<'v>(vectors: impl Iterator<Item = &'v SentenceVector>) -> Vec<f32> {
    let mut sum: Vec<f64> = Vec::new();
    let mut count = 0.0;
    for vector in vectors {
        sum.resize(vector.dimensions(), 0.0);
        for (sum, value) in sum.iter_mut().zip(vector.values()) {
            *sum += value;
        }
        count += 1.0;
    }
    sum.into_iter().map(|value| (value / count) as f32).collect()
}
