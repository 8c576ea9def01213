//! Sentences to batches of tokens: a model's rows sorted by length and cut under a token budget.
//!
//! Batches are planned inside a chunk, so what is computed together depends on the input and the configuration alone,
//! not on timing or on the number of workers.

use std::sync::Arc;

use rayon::prelude::*;

use crate::model::{ModelError, Reading, TokenBatch, TokenizedText, Tokenizer};
use crate::pipeline::{Halt, Outlet, Stage};
use crate::record::{Chunk, SplitDocument, TokenCount};
use crate::task::{TaskError, Tasks};

/// Sentences that go through a model together.
#[derive(Debug)]
pub struct Batch {
    /// The chunk that they belong to.
    pub chunk: Arc<Chunk<SplitDocument>>,
    /// The model that reads them, by its place in [`Tasks::models`].
    pub model: usize,
    /// The sentences, shortest first. None where a chunk has nothing to read.
    pub rows: Vec<Row>,
    /// What the model found in each row; empty until it has read them.
    pub readings: Vec<Reading>,
    /// Whether it is the last batch of its chunk.
    pub is_last: bool,
}

/// One sentence of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The document, by its place in the chunk.
    pub document: usize,
    /// The sentence, by its place in the document.
    pub sentence: usize,
    /// The sentence as the model reads it.
    pub tokens: TokenizedText,
}

impl Batch {
    /// Its rows, padded to the longest.
    #[must_use]
    pub fn tokens(&self) -> TokenBatch {
        TokenBatch::pad(self.rows.iter().map(|row| row.tokens.ids.as_slice()))
    }

    /// How many tokens it has, without padding and with.
    #[must_use]
    pub fn count(&self) -> TokenCount {
        let lengths = || self.rows.iter().map(|row| row.tokens.ids.len());
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
        let sentences = |(document, split): (usize, &SplitDocument)| {
            (0..split.sentences.len()).map(move |sentence| (document, sentence)).collect::<Vec<_>>()
        };
        let places: Vec<_> = chunk.documents.iter().enumerate().flat_map(sentences).collect();
        let row = |&(document, sentence): &(usize, usize)| {
            let split = &chunk.documents[document];
            let text = split.sentences[sentence].span.slice(&split.document.text);
            Ok(Row { document, sentence, tokens: self.tokenizer.tokenize(text)? })
        };
        places.par_iter().map(row).collect()
    }
}

/// Sorts rows by length and fills batches until one more row would break the budget. A row that breaks it alone gets
/// a batch of its own.
fn plan(mut rows: Vec<Row>, batch_tokens: usize) -> Vec<Vec<Row>> {
    // The sort is stable: rows of one length stay in the order of the text.
    rows.sort_by_key(|row| row.tokens.ids.len());
    let mut batches: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        let width = row.tokens.ids.len();
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

    fn row(sentence: usize, length: usize) -> Row {
        let tokens = TokenizedText { ids: vec![1; length], offsets: vec![(0, 0); length], is_truncated: false };
        Row { document: 0, sentence, tokens }
    }

    fn rows(lengths: &[usize]) -> Vec<Row> {
        lengths.iter().enumerate().map(|(sentence, &length)| row(sentence, length)).collect()
    }

    #[test]
    fn batches_hold_rows_of_like_length() {
        let batches = plan(rows(&[9, 2, 8, 2, 3]), 18);
        let lengths: Vec<Vec<usize>> =
            batches.iter().map(|batch| batch.iter().map(|row| row.tokens.ids.len()).collect()).collect();
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
                let width = batch.iter().map(|row| row.tokens.ids.len()).max().unwrap();
                prop_assert!(batch.len() == 1 || batch.len() * width <= budget);
            }
            let mut joined: Vec<Row> = batches.into_iter().flatten().collect();
            joined.sort_by_key(|row| row.sentence);
            prop_assert_eq!(joined, rows(&lengths));
        }
    }
}
