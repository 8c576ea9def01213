//! Sentences to passages, and those to batches of tokens: a model's rows sorted by length and cut under a token budget.
//! Passages that have been read before are not read again.
//!
//! Batches are planned inside a chunk, so what is computed together depends on the input and the configuration alone,
//! not on timing or on the number of workers; and on what has been read before only for models to which it makes no
//! difference.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use rayon::prelude::*;

use crate::cache::{self, Key, Recall};
use crate::causes::chain;
use crate::deadline::guard::{Guard, refused};
use crate::deadline::stopwatch::{self, Stopwatch};
use crate::model::{ModelError, Passage, Reading, Tokenizer};
use crate::pipeline::{Halt, Outlet, Stage};
use crate::record::{Chunk, Reason, Rejection, Sentence, SplitDocument, TokenCount};
use crate::task::{TaskError, Tasks, UsedModel};

/// Passages that go through a model together, or that need not go through it.
#[derive(Debug)]
pub struct Batch {
    /// The chunk that they belong to.
    pub chunk: Arc<Chunk<SplitDocument>>,
    /// The model that reads them, by its place in [`Tasks::models`].
    pub model: usize,
    /// The passages, shortest first where they are to be read. None where a chunk has nothing to read.
    pub rows: Vec<Row>,
    /// Whether the model is to read them. What the others are waiting for is in this batch or in earlier ones.
    pub is_to_be_read: bool,
    /// Documents of the chunk that could not be tokenised, by their places.
    pub refused: Vec<(usize, Rejection)>,
    /// How many tokens it took.
    pub tokens: TokenCount,
    /// Whether it is the last batch of its chunk.
    pub is_last: bool,
}

/// One passage of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The document, by its place in the chunk.
    pub document: usize,
    /// The first of its sentences, by its place in the document.
    pub first_sentence: usize,
    /// The sentences as the model reads them.
    pub passage: Passage,
    /// What it is recalled by.
    pub key: Key,
    /// What the model finds in each sentence.
    pub found: Found,
}

/// What a model finds in the sentences of a passage, once it has read them, or why it could not. Passages that read the same
/// share it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found(Arc<OnceLock<Outcome>>);

type Outcome = Result<Vec<Reading>, String>;

impl Eq for Found {}

impl Found {
    /// What was found.
    ///
    /// # Errors
    /// Why there is nothing.
    pub fn get(&self) -> Result<&[Reading], &str> {
        self.0.get().map_or(Err("has not been read"), |outcome| outcome.as_deref().map_err(String::as_str))
    }

    /// Tells all who share it.
    pub fn set(&self, outcome: Result<Vec<Reading>, String>) {
        // A passage is given to a model once, so there is nothing yet.
        let _ = self.0.set(outcome);
    }
}

impl Batch {
    /// Rows that a model is to read.
    fn new(chunk: &Arc<Chunk<SplitDocument>>, model: usize, rows: Vec<Row>) -> Self {
        let tokens = TokenCount::default();
        Self { chunk: Arc::clone(chunk), model, rows, is_to_be_read: true, refused: Vec::new(), tokens, is_last: false }
    }

    /// Rows that have been read before or are being read.
    fn without_reading(chunk: &Arc<Chunk<SplitDocument>>, model: usize, rows: Vec<Row>) -> Self {
        let recalled: usize = rows.iter().map(|row| row.passage.ids.len()).sum();
        let tokens = TokenCount { recalled: recalled as u64, ..TokenCount::default() };
        Self { is_to_be_read: false, tokens, ..Self::new(chunk, model, rows) }
    }
}

/// Tokenises sentences and groups them into batches.
#[derive(Debug)]
pub struct Group {
    readers: Vec<Reader>,
    guard: Guard,
}

/// What it takes to make batches for one model.
#[derive(Debug)]
struct Reader {
    tokenizer: Tokenizer,
    batch_tokens: usize,
    /// What remembers its passages, and what it tells them apart by, where they may be recalled.
    recall: Option<(Arc<Recall>, cache::Reader)>,
    under_way: UnderWay,
}

/// Passages that have been given to the model, or recalled, and are not through the flow yet.
#[derive(Debug, Default)]
struct UnderWay {
    found: HashMap<Key, Weak<OnceLock<Outcome>>>,
    /// How many there were when those that are through were last removed.
    kept: usize,
}

impl UnderWay {
    /// Lets `row` share what an earlier one of the same key finds; false where none is under way.
    fn join(&mut self, row: &mut Row) -> bool {
        if let Some(found) = self.found.get(&row.key).and_then(Weak::upgrade) {
            row.found = Found(found);
            return true;
        }
        self.found.insert(row.key, Arc::downgrade(&row.found.0));
        false
    }

    /// Forgets what is through, now and then.
    fn tidy(&mut self) {
        /// So many are not worth the trouble.
        const FEW: usize = 4096;
        if self.found.len() > 2 * self.kept + FEW {
            self.found.retain(|_, found| found.strong_count() > 0);
            self.kept = self.found.len();
        }
    }
}

impl Group {
    /// Makes batches for each model of `tasks`, without what is known to what remembers its readings.
    ///
    /// # Errors
    /// Where a tokenizer cannot be loaded.
    pub fn new(tasks: &Tasks, recalls: Vec<Option<Arc<Recall>>>) -> Result<Self, TaskError> {
        let reader = |(model, recall): (&UsedModel, Option<Arc<Recall>>)| {
            Ok(Reader {
                tokenizer: model.folder.tokenizer().map_err(|cause| model.failed(cause))?,
                batch_tokens: model.batch_tokens,
                recall: recall.map(|recall| (recall, cache::Reader::of(model))),
                under_way: UnderWay::default(),
            })
        };
        let readers = tasks.models.iter().zip(recalls).map(reader).collect::<Result<_, TaskError>>()?;
        Ok(Self { readers, guard: Guard::of(Self::NAME) })
    }

    /// Rejects documents on which it has worked for longer than `limit`.
    #[must_use]
    pub fn within(self, limit: Option<Duration>) -> Self {
        Self { guard: self.guard.within(limit), ..self }
    }

    /// What the model at place `model` has to read of a chunk, in batches, and then what it need not read.
    fn batches(&mut self, model: usize, chunk: &Arc<Chunk<SplitDocument>>) -> Vec<Batch> {
        let reader = &mut self.readers[model];
        let (rows, refused) = reader.rows(chunk, self.guard);
        let (to_read, others) = reader.without_known(rows);
        let batches = plan(to_read, reader.batch_tokens).into_iter().map(|rows| Batch::new(chunk, model, rows));
        let needs_more = !others.is_empty() || !refused.is_empty();
        let others = needs_more.then(|| Batch { refused, ..Batch::without_reading(chunk, model, others) });
        batches.chain(others).collect()
    }
}

impl Stage for Group {
    const NAME: &'static str = "group";
    type In = Chunk<SplitDocument>;
    type Out = Batch;

    fn process(&mut self, chunk: Self::In, out: &mut Outlet<'_, Batch>) -> Result<(), Halt> {
        let chunk = Arc::new(chunk);
        let mut batches = Vec::new();
        for model in 0..self.readers.len() {
            batches.extend(self.batches(model, &chunk));
        }
        if batches.is_empty() {
            // A chunk without anything to read has to pass all the same.
            batches.push(Batch::new(&chunk, 0, Vec::new()));
        }
        batches.last_mut().into_iter().for_each(|last| last.is_last = true);
        // The last batch is to hold the last reference to the chunk.
        drop(chunk);
        batches.into_iter().try_for_each(|batch| out.emit(batch))
    }
}

impl Reader {
    /// The rows that are to be read, and those that were read before or share what another finds.
    fn without_known(&mut self, rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
        let Some((recall, _)) = &self.recall else { return (rows, Vec::new()) };
        // In this order: what is no longer under way can be recalled.
        let (mut first, mut others) = (Vec::new(), Vec::new());
        for mut row in rows {
            if self.under_way.join(&mut row) { others.push(row) } else { first.push(row) }
        }
        self.under_way.tidy();
        let passages: Vec<(Key, &Passage)> = first.iter().map(|row| (row.key, &row.passage)).collect();
        let recalled = recall.find(&passages);
        let mut to_read = Vec::new();
        for (row, recalled) in first.into_iter().zip(recalled) {
            let Some(readings) = recalled else {
                to_read.push(row);
                continue;
            };
            row.found.set(Ok(readings));
            others.push(row);
        }
        (to_read, others)
    }

    /// What is to be read of a chunk, and which of its documents cannot be.
    fn rows(&self, chunk: &Chunk<SplitDocument>, guard: Guard) -> (Vec<Row>, Vec<(usize, Rejection)>) {
        let rows = |(place, split): (usize, &SplitDocument)| {
            let outcome = guard
                .on(&split.document, || self.rows_of(place, split))
                .and_then(|rows| rows.map_err(|error| not_tokenized(split, &error)));
            (place, outcome)
        };
        let all: Vec<_> = chunk.documents.par_iter().enumerate().map(rows).collect();
        let (mut rows, mut refused) = (Vec::new(), Vec::new());
        for (place, outcome) in all {
            match outcome {
                Ok(found) => rows.extend(found),
                Err(rejection) => refused.push((place, rejection)),
            }
        }
        (rows, refused)
    }

    fn rows_of(&self, document: usize, split: &SplitDocument) -> Result<Vec<Row>, ModelError> {
        let text = &split.document.text;
        let watch = Stopwatch::running();
        let tokenize = |sentence: &Sentence| {
            stopwatch::timed(watch.clone(), || self.tokenizer.tokenize(sentence.span.slice(text)))
        };
        let sentences = split.sentences.par_iter().map(tokenize).collect::<Result<_, _>>()?;
        let title = self.tokenizer.tokenize_title(split.document.metadata.title.as_deref())?;
        let mut next = 0;
        let row = |passage: Passage| {
            let first_sentence = next;
            next += passage.sentences().len();
            let key = self.recall.as_ref().map_or(Key::default(), |(_, reader)| reader.key(&passage));
            Row { document, first_sentence, passage, key, found: Found::default() }
        };
        Ok(self.tokenizer.passages(sentences, title.as_ref()).into_iter().map(row).collect())
    }
}

fn not_tokenized(split: &SplitDocument, error: &ModelError) -> Rejection {
    refused(Group::NAME, &split.document, Reason::ModelFailed, chain(error))
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
        Row { document: 0, first_sentence, passage, key: Key::default(), found: Found::default() }
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
    fn rows_share_what_is_found_as_long_as_one_of_them_is_under_way() {
        let with_key = |key| Row { key: [key; 16], ..row(0, 5) };
        let (mut under_way, first, mut second, mut other) =
            (UnderWay::default(), with_key(1), with_key(1), with_key(2));
        assert!(!under_way.join(&mut first.clone()));
        assert!(under_way.join(&mut second) && !under_way.join(&mut other));
        let reading = Reading { sequences: vec![vec![1.0]], tokens: Vec::new() };
        first.found.set(Ok(vec![reading.clone()]));
        assert_eq!((second.found.get(), other.found.get()), (Ok([reading].as_slice()), Err("has not been read")));
        drop((first, second));
        assert!(!under_way.join(&mut with_key(1)), "it is through");
    }

    #[test]
    fn a_document_that_takes_too_long_is_rejected_and_the_next_one_is_grouped() {
        let config = Config::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pipeline.toml"))).unwrap();
        let group = Group::new(&Tasks::resolve(&config).unwrap(), vec![None]).unwrap();
        let document = |text: String| SplitDocument { sentences: sentences(&text), document: Document::of_text(text) };
        let chunk =
            Chunk { documents: vec![document("One here. ".repeat(100_000)), document("Two.".into())], input_bytes: 1 };
        let (batches, _) = run_inline(group.within(Some(Duration::from_millis(50))), [chunk]).unwrap();
        let refused: Vec<_> = batches.iter().flat_map(|batch| &batch.refused).collect();
        assert_eq!((refused.len(), refused[0].0, refused[0].1.reason), (1, 0, Reason::TooSlow));
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
