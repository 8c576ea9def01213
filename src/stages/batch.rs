//! Sentences to passages, and passages to batches of tokens: a model's rows are sorted by length and cut under a token budget.
//! Passages that are in the cache, or that an earlier batch has already, are not inferred again.
//!
//! Batches are planned inside a chunk, so what is computed together depends on the input and the configuration alone,
//! not on timing or on the number of workers. It depends on the cache only for models whose results do not depend on the batch.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use rayon::prelude::*;

use crate::cache::{Key, PassageCache, PassageKeys};
use crate::causes::chain;
use crate::deadline::guard::{Guard, reject_document};
use crate::deadline::stopwatch::{self, Stopwatch};
use crate::model::{HeadOutputs, ModelError, Passage, Tokenizer};
use crate::pipeline::{Halt, Outlet, Stage};
use crate::record::{Chunk, Reason, Rejection, SplitDocument, TokenCount};
use crate::task::{TaskError, Tasks};

/// Passages that go through a model together, or that need not go through it.
#[derive(Debug)]
pub struct Batch {
    /// The chunk that they belong to.
    pub chunk: Arc<Chunk<SplitDocument>>,
    /// The index of their model in [`Tasks::models`].
    pub model: usize,
    /// The passages, shortest first if they need inference. Empty if a chunk has none.
    pub rows: Vec<Row>,
    /// True if the model has to run on the rows. Otherwise their results are there already, or come from an earlier batch.
    pub needs_inference: bool,
    /// Documents of the chunk that could not be tokenised, by their indices in the chunk.
    pub rejected: Vec<(usize, Rejection)>,
    /// The number of tokens that were computed or came from the cache.
    pub tokens: TokenCount,
    /// True for the last batch of a chunk.
    pub is_last: bool,
}

/// One passage of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The index of the document in the chunk.
    pub document: usize,
    /// The index of the passage's first sentence in the document.
    pub first_sentence: usize,
    /// The sentences as the model reads them.
    pub passage: Passage,
    /// The key of the passage in the cache.
    pub key: Key,
    /// The results of the model, once they are there.
    pub inference: Inference,
}

/// A model's results for the sentences of a passage, or the message of its failure. Empty until the model has run. Rows with the
/// same key share it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inference(Arc<OnceLock<Outcome>>);

type Outcome = Result<Vec<HeadOutputs>, String>;

impl Eq for Inference {}

impl Inference {
    /// The results, one for the document's title if the passage has it, and one for each sentence.
    ///
    /// # Errors
    /// The message of the model's failure, or that it has not run yet.
    pub fn get(&self) -> Result<&[HeadOutputs], &str> {
        self.0.get().map_or(Err("the model has not run"), |outcome| outcome.as_deref().map_err(String::as_str))
    }

    /// Sets the outcome for all rows that share it.
    pub fn set(&self, outcome: Result<Vec<HeadOutputs>, String>) {
        // A passage goes through a model once, so nothing has been set yet.
        let _ = self.0.set(outcome);
    }
}

impl Batch {
    /// A batch of rows on which the model has to run.
    fn new(chunk: &Arc<Chunk<SplitDocument>>, model: usize, rows: Vec<Row>) -> Self {
        Self {
            chunk: Arc::clone(chunk),
            model,
            rows,
            needs_inference: true,
            rejected: Vec::new(),
            tokens: TokenCount::default(),
            is_last: false,
        }
    }

    /// A batch of rows whose results came from the cache, or come from other rows with the same keys.
    fn without_inference(chunk: &Arc<Chunk<SplitDocument>>, model: usize, rows: Vec<Row>) -> Self {
        let recalled: usize = rows.iter().map(|row| row.passage.ids.len()).sum();
        let tokens = TokenCount { recalled: recalled as u64, ..TokenCount::default() };
        Self { needs_inference: false, tokens, ..Self::new(chunk, model, rows) }
    }
}

/// Tokenises sentences and plans batches of passages.
#[derive(Debug)]
pub struct Batcher {
    planners: Vec<Planner>,
    guard: Guard,
}

/// The tokenizer, the token budget and the cache of one model.
#[derive(Debug)]
struct Planner {
    tokenizer: Tokenizer,
    batch_tokens: usize,
    /// The cache, and the keys of this model's passages in it. None if the model's results depend on the batch.
    cache: Option<(Arc<PassageCache>, PassageKeys)>,
    under_way: UnderWay,
}

/// Results of passages that are still somewhere between this stage and the end of the flow.
#[derive(Debug, Default)]
struct UnderWay {
    results: HashMap<Key, Weak<OnceLock<Outcome>>>,
    /// The number of entries after the last removal of those that have left the flow.
    kept: usize,
}

impl UnderWay {
    /// Lets `row` share the result of an earlier row with the same key. Returns false if there is none under way.
    fn join(&mut self, row: &mut Row) -> bool {
        if let Some(result) = self.results.get(&row.key).and_then(Weak::upgrade) {
            row.inference = Inference(result);
            return true;
        }
        self.results.insert(row.key, Arc::downgrade(&row.inference.0));
        false
    }

    /// Removes the entries of passages that have left the flow, if there may be many.
    fn tidy(&mut self) {
        /// So few entries are not worth a pass over the map.
        const FEW: usize = 4096;
        if self.results.len() > 2 * self.kept + FEW {
            self.results.retain(|_, result| result.strong_count() > 0);
            self.kept = self.results.len();
        }
    }
}

impl Batcher {
    /// Plans batches for each model of `tasks`. `caches` has the cache of each model, or `None` if the model's results depend on
    /// the batch.
    ///
    /// # Errors
    /// A tokenizer that cannot be loaded.
    pub fn new(tasks: &Tasks, caches: Vec<Option<Arc<PassageCache>>>) -> Result<Self, TaskError> {
        let mut planners = Vec::with_capacity(tasks.models.len());
        for (model, cache) in tasks.models.iter().zip(caches) {
            planners.push(Planner {
                tokenizer: model.folder.tokenizer().map_err(|cause| model.failed(cause))?,
                batch_tokens: model.batch_tokens,
                cache: cache.map(|cache| (cache, PassageKeys::new(model))),
                under_way: UnderWay::default(),
            });
        }
        Ok(Self { planners, guard: Guard::new(Self::NAME) })
    }

    /// Rejects documents on which the stage has worked for longer than `limit`.
    #[must_use]
    pub fn within(self, limit: Option<Duration>) -> Self {
        Self { guard: self.guard.within(limit), ..self }
    }

    /// The batches of a chunk on which the model with the index `model` has to run, then one batch of the rows that need no
    /// inference, if there are any.
    fn batches(&mut self, model: usize, chunk: &Arc<Chunk<SplitDocument>>) -> Vec<Batch> {
        let planner = &mut self.planners[model];
        let (rows, rejected) = planner.rows(chunk, self.guard);
        let (to_infer, others) = planner.without_known(rows);
        let mut batches = Vec::new();
        for rows in plan(to_infer, planner.batch_tokens) {
            batches.push(Batch::new(chunk, model, rows));
        }
        if !others.is_empty() || !rejected.is_empty() {
            batches.push(Batch { rejected, ..Batch::without_inference(chunk, model, others) });
        }
        batches
    }
}

impl Stage for Batcher {
    const NAME: &'static str = "batch";
    type In = Chunk<SplitDocument>;
    type Out = Batch;

    fn process(&mut self, chunk: Self::In, out: &mut Outlet<'_, Batch>) -> Result<(), Halt> {
        let chunk = Arc::new(chunk);
        let mut batches = Vec::new();
        for model in 0..self.planners.len() {
            batches.extend(self.batches(model, &chunk));
        }
        if batches.is_empty() {
            // A chunk without passages has to reach the next stages all the same.
            batches.push(Batch::new(&chunk, 0, Vec::new()));
        }
        if let Some(last) = batches.last_mut() {
            last.is_last = true;
        }
        // The last batch has to hold the last reference to the chunk: `Assemble` takes the chunk out of it without a copy.
        drop(chunk);
        batches.into_iter().try_for_each(|batch| out.emit(batch))
    }
}

impl Planner {
    /// Splits rows into those that need inference, and those that are in the cache or share the result of another row.
    fn without_known(&mut self, rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
        let Some((cache, _)) = &self.cache else { return (rows, Vec::new()) };
        let mut first = Vec::new();
        let mut others = Vec::new();
        // The order matters: results go into the cache before they leave the flow, so a result that is no longer under way is
        // found in the cache.
        for mut row in rows {
            if self.under_way.join(&mut row) { others.push(row) } else { first.push(row) }
        }
        self.under_way.tidy();
        let passages: Vec<(Key, &Passage)> = first.iter().map(|row| (row.key, &row.passage)).collect();
        let cached = cache.find(&passages);
        let mut to_infer = Vec::new();
        for (row, outputs) in first.into_iter().zip(cached) {
            let Some(outputs) = outputs else {
                to_infer.push(row);
                continue;
            };
            row.inference.set(Ok(outputs));
            others.push(row);
        }
        (to_infer, others)
    }

    /// The rows of a chunk, and the documents that cannot be tokenised, by their indices in the chunk.
    fn rows(&self, chunk: &Chunk<SplitDocument>, guard: Guard) -> (Vec<Row>, Vec<(usize, Rejection)>) {
        let outcomes: Vec<Result<Vec<Row>, Rejection>> = chunk
            .documents
            .par_iter()
            .enumerate()
            .map(|(index, split)| {
                let rows = guard.on(&split.document, || self.rows_of_document(index, split))?;
                rows.map_err(|error| not_tokenized(split, &error))
            })
            .collect();
        let mut rows = Vec::new();
        let mut rejected = Vec::new();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(of_document) => rows.extend(of_document),
                Err(rejection) => rejected.push((index, rejection)),
            }
        }
        (rows, rejected)
    }

    fn rows_of_document(&self, document: usize, split: &SplitDocument) -> Result<Vec<Row>, ModelError> {
        let text = &split.document.text;
        // rayon may run a sentence on a thread that works on another document: the time is to count for this one.
        let watch = Stopwatch::running();
        let sentences = split
            .sentences
            .par_iter()
            .map(|sentence| stopwatch::timed(watch.clone(), || self.tokenizer.tokenize(sentence.span.slice(text))))
            .collect::<Result<_, _>>()?;
        let title = self.tokenizer.tokenize_title(split.document.metadata.title.as_deref())?;
        let mut rows = Vec::new();
        let mut first_sentence = 0;
        for passage in self.tokenizer.passages(sentences, title.as_ref()) {
            let sentences = passage.sentences().len();
            let key = self.cache.as_ref().map_or(Key::default(), |(_, keys)| keys.key(&passage));
            rows.push(Row { document, first_sentence, passage, key, inference: Inference::default() });
            first_sentence += sentences;
        }
        Ok(rows)
    }
}

fn not_tokenized(split: &SplitDocument, error: &ModelError) -> Rejection {
    reject_document(Batcher::NAME, &split.document, Reason::ModelFailed, chain(error))
}

/// Sorts rows by length and fills batches until one more row would break the budget. A row that breaks it alone gets
/// a batch of its own.
fn plan(mut rows: Vec<Row>, batch_tokens: usize) -> Vec<Vec<Row>> {
    // The sort is stable: rows of one length stay in the order of the text.
    rows.sort_by_key(|row| row.passage.ids.len());
    let mut batches: Vec<Vec<Row>> = Vec::new();
    let mut tokens = 0;
    for row in rows {
        tokens += row.passage.ids.len();
        match batches.last_mut() {
            Some(batch) if tokens <= batch_tokens => batch.push(row),
            _ => {
                tokens = row.passage.ids.len();
                batches.push(vec![row]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::pipeline::run_inline;
    use crate::record::Document;
    use crate::sentences::sentences;

    fn row(first_sentence: usize, length: usize) -> Row {
        let passage = Passage { ids: vec![1; length], segments: Vec::new(), has_document: false };
        Row { document: 0, first_sentence, passage, key: Key::default(), inference: Inference::default() }
    }

    fn rows(lengths: &[usize]) -> Vec<Row> {
        lengths.iter().enumerate().map(|(place, &length)| row(place, length)).collect()
    }

    #[test]
    fn batches_hold_rows_of_like_length() {
        let batches = plan(rows(&[9, 2, 8, 2, 3]), 18);
        let lengths: Vec<Vec<usize>> =
            batches.iter().map(|batch| batch.iter().map(|row| row.passage.ids.len()).collect()).collect();
        assert_eq!(lengths, [vec![2, 2, 3, 8], vec![9]]);
    }

    #[test]
    fn rows_with_the_same_key_share_a_result_as_long_as_one_of_them_is_under_way() {
        let with_key = |key| Row { key: [key; 16], ..row(0, 5) };
        let mut under_way = UnderWay::default();
        let first = with_key(1);
        let mut second = with_key(1);
        let mut other = with_key(2);
        assert!(!under_way.join(&mut first.clone()));
        assert!(under_way.join(&mut second) && !under_way.join(&mut other));
        let output = HeadOutputs { sequences: vec![vec![1.0]], ..HeadOutputs::default() };
        first.inference.set(Ok(vec![output.clone()]));
        assert_eq!(
            (second.inference.get(), other.inference.get()),
            (Ok([output].as_slice()), Err("the model has not run"))
        );
        drop((first, second));
        assert!(!under_way.join(&mut with_key(1)), "it is through");
    }

    #[test]
    fn a_document_that_takes_too_long_is_rejected_and_the_next_one_gets_its_batches() {
        let config = Config::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pipeline.toml"))).unwrap();
        let stage = Batcher::new(&Tasks::resolve(&config).unwrap(), vec![None]).unwrap();
        let document = |text: String| SplitDocument { sentences: sentences(&text), document: Document::of_text(text) };
        let chunk =
            Chunk { documents: vec![document("One here. ".repeat(100_000)), document("Two.".into())], input_bytes: 1 };
        let (batches, _) = run_inline(stage.within(Some(Duration::from_millis(50))), [chunk]).unwrap();
        let rejected: Vec<_> = batches.iter().flat_map(|batch| &batch.rejected).collect();
        assert_eq!((rejected.len(), rejected[0].0, rejected[0].1.reason), (1, 0, Reason::TooSlow));
        assert!(batches.iter().flat_map(|batch| &batch.rows).all(|row| row.document == 1));
    }

    proptest! {
        #[test]
        fn batches_joined_give_the_rows_back_and_keep_the_budget(
            lengths in prop::collection::vec(1_usize..300, 0..200),
            budget in 16_usize..4096,
        ) {
            let batches = plan(rows(&lengths), budget);
            for batch in &batches {
                let tokens: usize = batch.iter().map(|row| row.passage.ids.len()).sum();
                prop_assert!(batch.len() == 1 || tokens <= budget);
            }
            let mut joined: Vec<Row> = batches.into_iter().flatten().collect();
            joined.sort_by_key(|row| row.first_sentence);
            prop_assert_eq!(joined, rows(&lengths));
        }
    }
}
