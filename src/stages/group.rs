//! Sentences to passages, and those to batches of tokens: a model's rows sorted by length and cut under a token budget.
//!
//! Batches are planned inside a chunk, so what is computed together depends on the input and the configuration alone,
//! not on timing or on the number of workers.

use std::sync::Arc;

use rayon::prelude::*;

use crate::model::{ModelError, Passage, Reading, TokenBatch, Tokenizer};
use crate::pipeline::{Halt, Outlet, Stage};
use crate::record::{Chunk, Sentence, SplitDocument, TokenCount};
use crate::task::{TaskError, Tasks};

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
}

impl Batch {
    /// Its rows, padded to the longest.
    #[must_use]
    pub fn tokens(&self) -> TokenBatch {
        TokenBatch::of(self.rows.iter().map(|row| &row.passage))
    }

    /// How many tokens it has, without padding and with.
    #[must_use]
    pub fn count(&self) -> TokenCount {
        let lengths = || self.rows.iter().map(|row| row.passage.ids.len());
        let width = lengths().max().unwrap_or(0);
        TokenCount { useful: lengths().sum::<usize>() as u64, padded: (width * self.rows.len()) as u64 }
    }
}

/// Tokenises sentences and groups them into batches.
#[derive(Debug)]
pub struct Group {
    readers: Vec<Reader>,
}

/// What it takes to make batches for one model.
#[derive(Debug)]
struct Reader {
    tokenizer: Tokenizer,
    batch_tokens: usize,
}

impl Group {
    /// Makes batches for each model of `tasks`.
    ///
    /// # Errors
    /// Where a tokenizer cannot be loaded.
    pub fn new(tasks: &Tasks) -> Result<Self, TaskError> {
        let mut readers = Vec::new();
        for model in &tasks.models {
            let tokenizer = model.folder.tokenizer().map_err(|cause| TaskError::Model {
                name: model.name.clone(),
                path: model.folder.path().to_owned(),
                cause,
            })?;
            readers.push(Reader { tokenizer, batch_tokens: model.batch_tokens });
        }
        Ok(Self { readers })
    }
}

impl Stage for Group {
    const NAME: &'static str = "group";
    type In = Chunk<SplitDocument>;
    type Out = Batch;

    fn process(&mut self, chunk: Self::In, out: &mut Outlet<'_, Batch>) -> Result<(), Halt> {
        let chunk = Arc::new(chunk);
        let mut batches = Vec::new();
        for (model, reader) in self.readers.iter().enumerate() {
            let groups = plan(reader.rows(&chunk)?, reader.batch_tokens);
            batches.extend(groups.into_iter().map(|rows| (model, rows)));
        }
        // A chunk without anything to read has to pass all the same.
        let last = batches.pop().unwrap_or_default();
        let batch =
            |(model, rows), is_last| Batch { chunk: Arc::clone(&chunk), model, rows, readings: Vec::new(), is_last };
        batches.into_iter().try_for_each(|planned| out.emit(batch(planned, false)))?;
        out.emit(batch(last, true))
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
            Row { document, first_sentence, passage }
        };
        Ok(self.tokenizer.passages(sentences).into_iter().map(row).collect())
    }
}

/// Sorts rows by length and fills batches until one more row would break the budget. A row that breaks it alone gets
/// a batch of its own.
fn plan(mut rows: Vec<Row>, batch_tokens: usize) -> Vec<Vec<Row>> {
    // The sort is stable: rows of one length stay in the order of the text.
    rows.sort_by_key(|row| row.passage.ids.len());
    let mut batches: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        let width = row.passage.ids.len();
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * width <= batch_tokens => batch.push(row),
            _ => batches.push(vec![row]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(first_sentence: usize, length: usize) -> Row {
        Row { document: 0, first_sentence, passage: Passage { ids: vec![1; length], segments: Vec::new() } }
    }

    fn rows(lengths: &[usize]) -> Vec<Row> {
        lengths.iter().enumerate().map(|(place, &length)| row(place, length)).collect()
    }

    #[test]
    fn batches_hold_rows_of_like_length() {
        let batches = plan(rows(&[9, 2, 8, 2, 3]), 18);
        let lengths: Vec<Vec<usize>> =
            batches.iter().map(|batch| batch.iter().map(|row| row.passage.ids.len()).collect()).collect();
        assert_eq!(lengths, [vec![2, 2, 3], vec![8, 9]]);
    }

    proptest! {
        #[test]
        fn batches_joined_give_the_rows_back_and_keep_the_budget(
            lengths in prop::collection::vec(1_usize..300, 0..200),
            budget in 16_usize..4096,
        ) {
            let batches = plan(rows(&lengths), budget);
            for batch in &batches {
                let width = batch.iter().map(|row| row.passage.ids.len()).max().unwrap();
                prop_assert!(batch.len() == 1 || batch.len() * width <= budget);
            }
            let mut joined: Vec<Row> = batches.into_iter().flatten().collect();
            joined.sort_by_key(|row| row.first_sentence);
            prop_assert_eq!(joined, rows(&lengths));
        }
    }
}
