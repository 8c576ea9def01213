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
    /// Those of its segments that belong to the row's text; others are context, or the document's.
    pub segments: Range<usize>,
    /// Where each of them begins in the row's text, in bytes.
    pub starts: Vec<usize>,
}

/// The passages of a row. A text with a label is read whole among its neighbours; one that is longer than a passage, or
/// has marks, is split into sentences, as a run does it. A document has its own sentences. In front of each passage stands
/// the row's title where the model reads titles; before documents also where it is empty, as in a run.
///
/// # Errors
/// Where the tokenizer cannot make sense of it.
pub fn passages(row: &LabelledRow, tokenizer: &Tokenizer) -> Result<Vec<RowPassage>, ModelError> {
    let title = tokenizer.tokenize_title(Some(&row.title))?;
    if let Gold::Document(gold) = &row.gold {
        let ranges: Vec<_> = gold.statements.iter().map(|statement| statement.range.clone()).collect();
        return of_sentences(&row.text, &ranges, tokenizer, title.as_ref());
    }
    let title = title.filter(|title| title.own_tokens() > 0);
    let text = tokenizer.tokenize(&row.text)?;
    if matches!(row.gold, Gold::Marks(_)) || tokenizer.is_long(&text) {
        let bytes = |sentence: Sentence| sentence.span.byte_start..sentence.span.byte_end;
        let ranges: Vec<_> = sentences(&row.text).into_iter().map(bytes).collect();
        return of_sentences(&row.text, &ranges, tokenizer, title.as_ref());
    }
    let (before, after) = (tokenizer.tokenize(&row.before)?, tokenizer.tokenize(&row.after)?);
    let (passage, place) = tokenizer.passage_around(text, [&before, &after]);
    let passage = match &title {
        Some(title) => passage.under_title(title),
        None => passage,
    };
    let place = place + usize::from(passage.has_document);
    Ok(vec![RowPassage { passage, segments: place..place + 1, starts: vec![0] }])
}

/// The passages of a text whose sentences stand at these places, in bytes.
fn of_sentences(
    text: &str,
    sentences: &[Range<usize>],
    tokenizer: &Tokenizer,
    title: Option<&TokenizedText>,
) -> Result<Vec<RowPassage>, ModelError> {
    let tokenize = |range: &Range<usize>| tokenizer.tokenize(&text[range.clone()]);
    let texts: Vec<TokenizedText> = sentences.iter().map(tokenize).collect::<Result<_, _>>()?;
    let mut starts = sentences.iter().map(|range| range.start);
    let mut passages = Vec::new();
    for passage in tokenizer.passages(texts, title) {
        let first = usize::from(passage.has_document);
        let starts: Vec<usize> = starts.by_ref().take(passage.sentences().len()).collect();
        passages.push(RowPassage { segments: first..first + starts.len(), starts, passage });
    }
    Ok(passages)
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
    /// What was found in the document's segment, where there is one.
    pub document: Option<R>,
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
    read_all_by(rows, tokenizer, batch_tokens, |batch| model.infer(batch))
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
    let unread = |passage| PassageReading { passage, readings: Vec::new(), document: None };
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
    let tokens = TokenBatch::from_passages(batch.iter().map(|found| &found.passage.passage));
    let mut readings = read(&tokens)?.into_iter();
    for found in batch {
        let all: Vec<R> = readings.by_ref().take(found.passage.passage.segments.len()).collect();
        found.readings = all[found.passage.segments.clone()].to_vec();
        found.document = all.into_iter().next().filter(|_| found.passage.passage.has_document);
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
