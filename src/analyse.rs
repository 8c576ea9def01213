//! Analyses documents in memory: the stages of a run one after another on the calling thread, without an output folder.

use std::sync::Arc;

use crate::cache::PassageCache;
use crate::config::Config;
use crate::error::RunError;
use crate::loading::{self, Loaded};
use crate::model::SentenceVector;
use crate::pipeline::{StageError, process_inline};
use crate::record::{AnalysedDocument, Chunk, Document, Metadata, Place, Rejection, Sentence, Span, SplitDocument};
use crate::sentences::is_boilerplate;
use crate::stages::assemble::Assemble;
use crate::stages::batch::{Batch, Batcher};
use crate::stages::infer::Infer;
use crate::stages::split::Split;
use crate::task::Tasks;

/// Runs the tasks of a configuration on documents, with one copy of each model.
#[derive(Debug)]
pub struct Analyser {
    tasks: Arc<Tasks>,
    split: Split,
    batcher: Batcher,
    /// The worker of each model.
    workers: Vec<Infer>,
    assemble: Assemble,
}

/// A sentence of a document, as a model read it.
#[derive(Debug, Clone)]
pub(crate) struct SentenceReading {
    /// Its index in the document.
    pub(crate) index: usize,
    pub(crate) text: String,
    pub(crate) vector: SentenceVector,
    pub(crate) is_boilerplate: bool,
}

/// The results for a document, or the reason why it has none.
pub type Analysis = Result<AnalysedDocument, Rejection>;

impl Analyser {
    /// Loads the models that `config` uses. Results are cached in memory only.
    ///
    /// # Errors
    /// A model that cannot be used or loaded.
    pub fn new(config: &Config) -> Result<Self, RunError> {
        Self::with_tasks(config, Tasks::resolve(config)?)
    }

    /// As [`Self::new`], with the tasks of `config` changed.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn with_tasks(config: &Config, tasks: Tasks) -> Result<Self, RunError> {
        Self::with_cache(tasks, PassageCache::in_memory(&config.cache))
    }

    /// As [`Self::with_tasks`], with the results of earlier runs, and kept for later ones.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn with_cache_file(config: &Config, tasks: Tasks) -> Result<Self, RunError> {
        Self::with_cache(tasks, PassageCache::open(&config.cache))
    }

    fn with_cache(tasks: Tasks, cache: PassageCache) -> Result<Self, RunError> {
        let tasks = Arc::new(tasks);
        let cache = Arc::new(cache);
        let Loaded { workers, caches } = loading::load(&tasks, Some(1), &cache)?;
        Ok(Self {
            split: Split::default(),
            batcher: Batcher::new(&tasks, caches)?,
            workers: workers.into_iter().flatten().collect(),
            assemble: Assemble::new(Arc::clone(&tasks)),
            tasks,
        })
    }

    /// The tasks that are run.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Analyses documents, whose places differ. Returns one result for each, in their order.
    ///
    /// # Errors
    /// The error of a stage that cannot go on, for example because a model fails for every passage.
    pub fn analyse(&mut self, documents: Vec<Document>) -> Result<Vec<Analysis>, StageError> {
        let order: Vec<Place> = documents.iter().map(|document| document.place.clone()).collect();
        let (chunks, mut rejections) = process_inline(&mut self.split, Chunk { documents, input_bytes: 0 })?;
        let mut analysed = Vec::new();
        for chunk in chunks {
            for batch in self.infer(chunk)? {
                let (chunks, rejected) = process_inline(&mut self.assemble, batch)?;
                rejections.extend(rejected);
                analysed.extend(chunks.into_iter().flat_map(|chunk| chunk.documents));
            }
        }
        let mut results: Vec<Analysis> = analysed.into_iter().map(Ok).collect();
        results.extend(rejections.into_iter().map(Err));
        results.sort_by_cached_key(|result| order.iter().position(|place| place == place_of(result)));
        Ok(results)
    }

    /// The sentences of documents with their vectors from the model number `model`, for each document in their order. Documents that a
    /// stage rejects have no sentences.
    ///
    /// # Errors
    /// As [`Self::analyse`].
    pub(crate) fn vectors(
        &mut self,
        model: usize,
        documents: Vec<Document>,
    ) -> Result<Vec<Vec<SentenceReading>>, StageError> {
        let order: Vec<Place> = documents.iter().map(|document| document.place.clone()).collect();
        let mut all = vec![Vec::new(); order.len()];
        let (chunks, _) = process_inline(&mut self.split, Chunk { documents, input_bytes: 0 })?;
        for chunk in chunks {
            let documents = chunk.documents.clone();
            let batches = self.infer(chunk)?;
            for (split, readings) in documents.iter().zip(self.readings(model, &documents, &batches)) {
                if let Some(place) = order.iter().position(|place| *place == split.document.place) {
                    all[place] = readings;
                }
            }
        }
        Ok(all)
    }

    /// The sentences of each document of a chunk, from its batches.
    fn readings(&self, model: usize, documents: &[SplitDocument], batches: &[Batch]) -> Vec<Vec<SentenceReading>> {
        let mut all: Vec<Vec<Option<SentenceReading>>> =
            documents.iter().map(|split| vec![None; split.sentences.len()]).collect();
        for row in batches.iter().filter(|batch| batch.model == model).flat_map(|batch| &batch.rows) {
            let Ok(outputs) = row.inference.get() else { continue };
            let split = &documents[row.document];
            let of_sentences = outputs.iter().skip(usize::from(row.passage.has_document));
            for (index, output) in (row.first_sentence..).zip(of_sentences) {
                let sentence = split.sentences[index];
                let text = sentence.span.slice(&split.document.text);
                let is_boilerplate = is_boilerplate(text)
                    || self.tasks.boilerplate.iter().filter(|task| task.model == model).any(|task| task.finds(output));
                let Some(vector) = output.vector.clone() else { continue };
                all[row.document][index] =
                    Some(SentenceReading { index, text: text.to_owned(), vector, is_boilerplate });
            }
        }
        all.into_iter().map(|sentences| sentences.into_iter().flatten().collect()).collect()
    }

    /// The vectors of texts from the model number `model`, each read by itself as one sentence. `None` for a text that the model cannot
    /// read.
    ///
    /// # Errors
    /// As [`Self::analyse`].
    pub(crate) fn vectors_of_texts(
        &mut self,
        model: usize,
        texts: &[&str],
    ) -> Result<Vec<Option<SentenceVector>>, StageError> {
        /// The number of texts that are read together.
        const TEXTS: usize = 256;
        let mut vectors = Vec::with_capacity(texts.len());
        for texts in texts.chunks(TEXTS) {
            let documents: Vec<SplitDocument> = texts.iter().map(|text| one_sentence(text)).collect();
            let mut found = vec![None; documents.len()];
            for batch in self.infer(Chunk { documents, input_bytes: 0 })? {
                for row in batch.rows.iter().filter(|_| batch.model == model) {
                    let outputs = row.inference.get().ok();
                    found[row.document] = outputs.and_then(|outputs| outputs.last()?.vector.clone());
                }
            }
            vectors.extend(found);
        }
        Ok(vectors)
    }

    /// Runs the models on documents that are split already. The rows of the batches have the results.
    ///
    /// # Errors
    /// As [`Self::analyse`].
    pub(crate) fn infer(&mut self, chunk: Chunk<SplitDocument>) -> Result<Vec<Batch>, StageError> {
        // These stages pass rejections on inside the batches.
        let (batches, _) = process_inline(&mut self.batcher, chunk)?;
        let mut inferred = Vec::with_capacity(batches.len());
        for batch in batches {
            let mut waiting = vec![batch];
            for worker in &mut self.workers {
                let mut passed = Vec::new();
                for batch in waiting {
                    passed.extend(process_inline(worker, batch)?.0);
                }
                waiting = passed;
            }
            inferred.extend(waiting);
        }
        Ok(inferred)
    }
}

/// A text as a document of one sentence.
fn one_sentence(text: &str) -> SplitDocument {
    let span = Span { start: 0, end: text.chars().count(), byte_start: 0, byte_end: text.len() };
    SplitDocument {
        document: Document {
            id: String::new(),
            place: Place::file(String::new()),
            metadata: Metadata::default(),
            text: text.to_owned(),
            encoding: "UTF-8",
            flags: Vec::new(),
            duplicate_of: None,
            content: [0; 32],
        },
        sentences: vec![Sentence { span, paragraph: 0, is_heading: false }],
    }
}

fn place_of(analysis: &Analysis) -> &Place {
    match analysis {
        Ok(analysed) => &analysed.document.place,
        Err(rejection) => &rejection.place,
    }
}
