//! Rows to what a model reads, and what it read back to rows.

use std::ops::Range;

use rayon::prelude::*;

use super::marks::TagSet;
use super::{Gold, LabelledRow, Mark};
use crate::model::passage::Segment;
use crate::model::{Model, ModelError, Passage, Reading, TokenBatch, TokenizedText, Tokenizer};
use crate::record::Sentence;
use crate::sentences::sentences;

/// A passage of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPassage {
    /// What the model reads.
    pub passage: Passage,
    /// Those of its segments that belong to the row's text; others are context.
    pub segments: Range<usize>,
    /// Where each of them begins in the row's text, in bytes.
    pub starts: Vec<usize>,
}

/// The passages of a row. A text with a label is read whole among its neighbours; one that is longer than a passage, or
/// has marks, is split into sentences, as a run does it.
///
/// # Errors
/// Where the tokenizer cannot make sense of it.
pub fn passages(row: &LabelledRow, tokenizer: &Tokenizer) -> Result<Vec<RowPassage>, ModelError> {
    let text = tokenizer.tokenize(&row.text)?;
    if matches!(row.gold, Gold::Marks(_)) || tokenizer.is_long(&text) {
        return split(&row.text, tokenizer);
    }
    let (before, after) = (tokenizer.tokenize(&row.before)?, tokenizer.tokenize(&row.after)?);
    let (passage, place) = tokenizer.passage_around(text, [&before, &after]);
    Ok(vec![RowPassage { passage, segments: place..place + 1, starts: vec![0] }])
}

fn split(text: &str, tokenizer: &Tokenizer) -> Result<Vec<RowPassage>, ModelError> {
    let sentences = sentences(text);
    let tokenize = |sentence: &Sentence| tokenizer.tokenize(sentence.span.slice(text));
    let texts: Vec<TokenizedText> = sentences.iter().map(tokenize).collect::<Result<_, _>>()?;
    let mut starts = sentences.iter().map(|sentence| sentence.span.byte_start);
    let row_passage = |passage: Passage| {
        let starts: Vec<usize> = starts.by_ref().take(passage.segments.len()).collect();
        RowPassage { segments: 0..starts.len(), starts, passage }
    };
    Ok(tokenizer.passages(texts).into_iter().map(row_passage).collect())
}

impl RowPassage {
    /// Its segments that belong to the row's text, each with where it begins.
    pub fn own_segments(&self) -> impl Iterator<Item = (&Segment, usize)> {
        self.passage.segments[self.segments.clone()].iter().zip(self.starts.iter().copied())
    }

    /// What each token of its own segments covers of the row's text, in bytes.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let of = |(segment, start): (&Segment, usize)| {
            segment.offsets.iter().map(move |&(from, to)| start + from..start + to).collect::<Vec<_>>()
        };
        self.own_segments().flat_map(of).collect()
    }
}

/// A passage of a row with what a model found in each segment that belongs to the row's text.
#[derive(Debug, Clone, PartialEq)]
pub struct PassageReading<R = Reading> {
    /// The passage.
    pub passage: RowPassage,
    /// What was found in each of its own segments, in order.
    pub readings: Vec<R>,
}

/// What a model with one head found in the passages of each of `rows`, in order. Batches have at most `batch_tokens`,
/// padding included, of passages of like length.
///
/// # Errors
/// Where the tokenizer or libtorch fails.
pub fn read_all(
    rows: &[LabelledRow],
    tokenizer: &Tokenizer,
    model: &mut Model,
    batch_tokens: usize,
) -> Result<Vec<Vec<PassageReading>>, ModelError> {
    read_all_by(rows, tokenizer, batch_tokens, |batch| model.read(batch))
}

/// The same where `read` says what is found in each segment of a batch.
///
/// # Errors
/// Where the tokenizer or `read` fails.
pub fn read_all_by<R: Clone + Send>(
    rows: &[LabelledRow],
    tokenizer: &Tokenizer,
    batch_tokens: usize,
    mut read: impl FnMut(&TokenBatch) -> Result<Vec<R>, ModelError>,
) -> Result<Vec<Vec<PassageReading<R>>>, ModelError> {
    let unread = |passage| PassageReading { passage, readings: Vec::new() };
    let of_row = |row| passages(row, tokenizer).map(|passages| passages.into_iter().map(unread).collect());
    let mut found: Vec<Vec<PassageReading<R>>> = rows.par_iter().map(of_row).collect::<Result<_, _>>()?;
    let mut passages: Vec<&mut PassageReading<R>> = found.iter_mut().flatten().collect();
    passages.sort_by_key(|found| found.length());
    let mut rest = passages.as_mut_slice();
    while let Some(first) = rest.first() {
        let mut count = 1.max(batch_tokens / first.length().max(1)).min(rest.len());
        while count > 1 && count * rest[count - 1].length() > batch_tokens {
            count -= 1;
        }
        let (batch, later) = std::mem::take(&mut rest).split_at_mut(count);
        read_batch(batch, &mut read)?;
        rest = later;
    }
    Ok(found)
}

fn read_batch<R: Clone>(
    batch: &mut [&mut PassageReading<R>],
    read: impl FnOnce(&TokenBatch) -> Result<Vec<R>, ModelError>,
) -> Result<(), ModelError> {
    let tokens = TokenBatch::of(batch.iter().map(|found| &found.passage.passage));
    let mut readings = read(&tokens)?.into_iter();
    for found in batch {
        let all: Vec<R> = readings.by_ref().take(found.passage.passage.segments.len()).collect();
        found.readings = all[found.passage.segments.clone()].to_vec();
    }
    Ok(())
}

impl<R> PassageReading<R> {
    fn length(&self) -> usize {
        self.passage.passage.ids.len()
    }
}

/// The probabilities of a whole text's labels: the mean over what was read of it.
#[must_use]
pub fn mean_probabilities(found: &[PassageReading]) -> Vec<f32> {
    let readings = found.iter().flat_map(|found| &found.readings);
    let rows: Vec<&Vec<f32>> = readings.filter_map(|reading| reading.sequences.first()).collect();
    let labels = rows.first().map_or(0, |row| row.len());
    #[expect(clippy::cast_precision_loss, reason = "a text has some hundred sentences")]
    (0..labels).map(|label| rows.iter().map(|row| row[label]).sum::<f32>() / rows.len() as f32).collect()
}

/// The marks that a token head made in a whole text.
#[must_use]
pub fn found_marks(text: &str, found: &[PassageReading], tags: &TagSet) -> Vec<Mark> {
    let of = |found: &PassageReading| {
        let labels = found.readings.iter().filter_map(|reading| reading.tokens.first());
        let labels: Vec<usize> = labels.flatten().copied().collect();
        tags.marks(text, &labels, &found.passage.ranges())
    };
    found.iter().flat_map(of).collect()
}
