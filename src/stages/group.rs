//! Sentences to passages, and those to batches of tokens: a model's rows sorted by length and cut under a token budget.
//! Passages that have been read before are not read again.
//!
//! Batches are planned inside a chunk, so what is computed together depends on the input and the configuration alone,
//! not on timing or on the number of workers; and on what has been read before only for models to which it makes no
//! difference.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::model::{ModelError, Passage, Reading, TokenBatch, Tokenizer};
use crate::pipeline::{Halt, Outlet, Stage};
use crate::recall::{self, Key, Recall};
use crate::record::{Chunk, Sentence, SplitDocument, TokenCount};
use crate::task::{TaskError, Tasks, UsedModel};

/// Passages that go through a model together.
#[derive(Debug)]
pub struct Batch {
    /// The chunk that they belong to.
    pub chunk: Arc<Chunk<SplitDocument>>,
    /// The model that reads them, by its place in [`Tasks::models`].
    pub model: usize,
    /// The passages, shortest first. None where a chunk has nothing to read.
    pub rows: Vec<Row>,
    /// What the model found in each sentence, row by row; empty until it has read them.
    pub readings: Vec<Reading>,
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
    /// The other rows of the chunk that read the same.
    pub repeats: Vec<Row>,
}

impl Batch {
    /// Rows that have not been read yet.
    fn new(chunk: &Arc<Chunk<SplitDocument>>, model: usize, rows: Vec<Row>) -> Self {
        let (readings, tokens) = (Vec::new(), TokenCount::default());
        Self { chunk: Arc::clone(chunk), model, rows, readings, tokens, is_last: false }
    }

    /// Its rows, one after another.
    #[must_use]
    pub fn token_batch(&self) -> TokenBatch {
        TokenBatch::of(self.rows.iter().map(|row| &row.passage))
    }

    /// Each row with the readings of its sentences, once the model has read them.
    pub fn read_rows(&self) -> impl Iterator<Item = (&Row, &[Reading])> {
        let mut rest = self.readings.as_slice();
        self.rows.iter().map(move |row| {
            let (readings, later) = rest.split_at(row.passage.segments.len().min(rest.len()));
            rest = later;
            (row, readings)
        })
    }

    /// The tokens of its rows' repeats.
    #[must_use]
    pub fn repeated_tokens(&self) -> usize {
        self.rows.iter().map(|row| row.passage.ids.len() * row.repeats.len()).sum()
    }
}

/// Tokenises sentences and groups them into batches.
#[derive(Debug)]
pub struct Group {
    readers: Vec<Reader>,
    recall: Arc<Recall>,
}

/// What it takes to make batches for one model.
#[derive(Debug)]
struct Reader {
    tokenizer: Tokenizer,
    batch_tokens: usize,
    /// What passages are told apart by, where they may be recalled.
    recalled: Option<recall::Reader>,
}

impl Group {
    /// Makes batches for each model of `tasks`, without what `recall` knows.
    ///
    /// # Errors
    /// Where a tokenizer cannot be loaded.
    pub fn new(tasks: &Tasks, recall: Arc<Recall>) -> Result<Self, TaskError> {
        let reader = |model: &UsedModel| {
            let tokenizer = model.folder.tokenizer().map_err(|cause| TaskError::Model {
                name: model.name.clone(),
                path: model.folder.path().to_owned(),
                cause,
            })?;
            let recalled = model.is_recalled.then(|| recall::Reader::of(model));
            Ok(Reader { tokenizer, batch_tokens: model.batch_tokens, recalled })
        };
        Ok(Self { readers: tasks.models.iter().map(reader).collect::<Result<_, TaskError>>()?, recall })
    }

    /// What the model at place `model` has to read of a chunk, in batches, after what it has read before.
    fn batches(&self, model: usize, chunk: &Arc<Chunk<SplitDocument>>) -> Result<Vec<Batch>, ModelError> {
        let reader = &self.readers[model];
        let mut rows = reader.rows(chunk)?;
        let mut batches = Vec::new();
        if reader.recalled.is_some() {
            let (known, readings, unknown) = self.recalled(fold(rows));
            let tokens: usize = known.iter().map(|row| row.passage.ids.len() * (1 + row.repeats.len())).sum();
            let tokens = TokenCount { recalled: tokens as u64, ..TokenCount::default() };
            if !known.is_empty() {
                batches.push(Batch { readings, tokens, ..Batch::new(chunk, model, known) });
            }
            rows = unknown;
        }
        batches.extend(plan(rows, reader.batch_tokens).into_iter().map(|rows| Batch::new(chunk, model, rows)));
        Ok(batches)
    }

    /// The rows that have been read before, with their readings, and the others.
    fn recalled(&self, rows: Vec<Row>) -> (Vec<Row>, Vec<Reading>, Vec<Row>) {
        let passages: Vec<(Key, &Passage)> = rows.iter().map(|row| (row.key, &row.passage)).collect();
        let found = self.recall.find(&passages);
        let (mut known, mut readings, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for (row, found) in rows.into_iter().zip(found) {
            match found {
                Some(found) => {
                    readings.extend(found);
                    known.push(row);
                }
                None => unknown.push(row),
            }
        }
        (known, readings, unknown)
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
            batches.extend(self.batches(model, &chunk)?);
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
    fn rows(&self, chunk: &Chunk<SplitDocument>) -> Result<Vec<Row>, ModelError> {
        let rows = |(document, split): (usize, &SplitDocument)| self.rows_of(document, split);
        let rows: Vec<Vec<Row>> = chunk.documents.par_iter().enumerate().map(rows).collect::<Result<_, _>>()?;
        Ok(rows.into_iter().flatten().collect())
    }

    fn rows_of(&self, document: usize, split: &SplitDocument) -> Result<Vec<Row>, ModelError> {
        let text = &split.document.text;
        let tokenize = |sentence: &Sentence| self.tokenizer.tokenize(sentence.span.slice(text));
        let sentences = split.sentences.par_iter().map(tokenize).collect::<Result<_, _>>()?;
        let mut next = 0;
        let row = |passage: Passage| {
            let first_sentence = next;
            next += passage.segments.len();
            let key = self.recalled.as_ref().map_or(Key::default(), |reader| reader.key(&passage));
            Row { document, first_sentence, passage, key, repeats: Vec::new() }
        };
        Ok(self.tokenizer.passages(sentences).into_iter().map(row).collect())
    }
}

/// Puts rows with the key of an earlier one under that.
fn fold(rows: Vec<Row>) -> Vec<Row> {
    let (mut folded, mut places): (Vec<Row>, HashMap<Key, usize>) = (Vec::new(), HashMap::new());
    for row in rows {
        if let Some(&place) = places.get(&row.key) {
            folded[place].repeats.push(row);
        } else {
            places.insert(row.key, folded.len());
            folded.push(row);
        }
    }
    folded
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
    use proptest::prelude::*;

    use super::*;

    fn row(first_sentence: usize, length: usize) -> Row {
        let passage = Passage { ids: vec![1; length], segments: Vec::new() };
        Row { document: 0, first_sentence, passage, key: Key::default(), repeats: Vec::new() }
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
    fn rows_that_read_the_same_are_read_once() {
        let with_key = |first_sentence, key| Row { key: [key; 16], ..row(first_sentence, 5) };
        let folded = fold(vec![with_key(0, 1), with_key(1, 2), with_key(2, 1), with_key(3, 1)]);
        let places = |rows: &[Row]| rows.iter().map(|row| row.first_sentence).collect::<Vec<_>>();
        assert_eq!(places(&folded), [0, 1]);
        assert_eq!((places(&folded[0].repeats), places(&folded[1].repeats)), (vec![2, 3], vec![]));
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
