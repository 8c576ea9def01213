//! Converts rows to passages, and the results of a model back to rows.

use std::ops::Range;

use rayon::prelude::*;

use super::marks::TagSet;
use super::{Gold, LabelledRow, Mark};
use crate::model::passage::Segment;
use crate::model::{HeadOutputs, Model, ModelError, Passage, TokenBatch, TokenizedText, Tokenizer};
use crate::sentences::sentences;

/// A passage of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPassage {
    /// The input of the model.
    pub passage: Passage,
    /// Its own segments, which belong to the row's text. Others are context, or the document's segment.
    pub segments: Range<usize>,
    /// The start of each own segment in the row's text, in bytes.
    pub starts: Vec<usize>,
}

/// The passages of a row. A text with a label is read whole among its neighbours; one that is longer than a passage, or
/// has marks, is split into sentences, as a run does it. A document has its own sentences. In front of each passage stands
/// the row's title where the model reads titles; before documents also where it is empty, as in a run.
///
/// # Errors
/// If the tokenizer fails.
pub fn passages(row: &LabelledRow, tokenizer: &Tokenizer) -> Result<Vec<RowPassage>, ModelError> {
    let title = tokenizer.tokenize_title(Some(&row.title))?;
    if let Gold::Document(gold) = &row.gold {
        let ranges: Vec<_> = gold.statements.iter().map(|statement| statement.range.clone()).collect();
        return passages_of_sentences(&row.text, &ranges, tokenizer, title.as_ref());
    }
    let title = title.filter(|title| title.own_tokens() > 0);
    let text = tokenizer.tokenize(&row.text)?;
    if matches!(row.gold, Gold::Marks(_)) || tokenizer.is_long(&text) {
        let mut ranges = Vec::new();
        for sentence in sentences(&row.text) {
            ranges.push(sentence.span.byte_start..sentence.span.byte_end);
        }
        return passages_of_sentences(&row.text, &ranges, tokenizer, title.as_ref());
    }
    let before = tokenizer.tokenize(&row.before)?;
    let after = tokenizer.tokenize(&row.after)?;
    let (passage, place) = tokenizer.passage_around(text, [&before, &after]);
    let passage = match &title {
        Some(title) => passage.under_title(title),
        None => passage,
    };
    let place = place + usize::from(passage.has_document);
    Ok(vec![RowPassage { passage, segments: place..place + 1, starts: vec![0] }])
}

/// The passages of a text with sentences in these ranges, in bytes.
fn passages_of_sentences(
    text: &str,
    sentences: &[Range<usize>],
    tokenizer: &Tokenizer,
    title: Option<&TokenizedText>,
) -> Result<Vec<RowPassage>, ModelError> {
    let mut texts = Vec::with_capacity(sentences.len());
    for range in sentences {
        texts.push(tokenizer.tokenize(&text[range.clone()])?);
    }
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
    /// Its own segments, each with its start in the row's text, in bytes.
    pub fn own_segments(&self) -> impl Iterator<Item = (&Segment, usize)> {
        self.passage.segments[self.segments.clone()].iter().zip(self.starts.iter().copied())
    }

    /// The range of each token of its own segments in the row's text, in bytes.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        for (segment, start) in self.own_segments() {
            for &(from, to) in &segment.offsets {
                ranges.push(start + from..start + to);
            }
        }
        ranges
    }
}

/// A passage of a row with a model's result for each of its own segments.
#[derive(Debug, Clone, PartialEq)]
pub struct PassageOutputs<R = HeadOutputs> {
    /// The passage.
    pub passage: RowPassage,
    /// The result for each own segment, in order.
    pub outputs: Vec<R>,
    /// The result for the document's segment, if there is one.
    pub document: Option<R>,
}

/// Runs `model` on the passages of each of `rows`, and gives its results in the same order. A batch has passages of similar
/// length, and at most `batch_tokens` tokens, padding included.
///
/// # Errors
/// If the tokenizer or the model fails.
pub fn infer_rows(
    rows: &[LabelledRow],
    tokenizer: &Tokenizer,
    model: &mut Model,
    batch_tokens: usize,
) -> Result<Vec<Vec<PassageOutputs>>, ModelError> {
    infer_rows_with(rows, tokenizer, batch_tokens, |batch| model.infer(batch))
}

/// Does the same with any function `infer` that gives a result for each segment of a batch.
///
/// # Errors
/// If the tokenizer or `infer` fails.
pub fn infer_rows_with<R: Clone + Send>(
    rows: &[LabelledRow],
    tokenizer: &Tokenizer,
    batch_tokens: usize,
    mut infer: impl FnMut(&TokenBatch) -> Result<Vec<R>, ModelError>,
) -> Result<Vec<Vec<PassageOutputs<R>>>, ModelError> {
    let passages_of_rows: Vec<Vec<RowPassage>> =
        rows.par_iter().map(|row| passages(row, tokenizer)).collect::<Result<_, _>>()?;
    let mut found = Vec::with_capacity(rows.len());
    for passages in passages_of_rows {
        let mut of_row = Vec::with_capacity(passages.len());
        for passage in passages {
            of_row.push(PassageOutputs { passage, outputs: Vec::new(), document: None });
        }
        found.push(of_row);
    }
    let mut passages: Vec<&mut PassageOutputs<R>> = found.iter_mut().flatten().collect();
    passages.sort_by_key(|found| found.length());
    let mut rest = passages.as_mut_slice();
    while let Some(first) = rest.first() {
        let mut count = 1.max(batch_tokens / first.length().max(1)).min(rest.len());
        while count > 1 && count * rest[count - 1].length() > batch_tokens {
            count -= 1;
        }
        let (batch, later) = std::mem::take(&mut rest).split_at_mut(count);
        infer_batch(batch, &mut infer)?;
        rest = later;
    }
    Ok(found)
}

fn infer_batch<R: Clone>(
    batch: &mut [&mut PassageOutputs<R>],
    infer: impl FnOnce(&TokenBatch) -> Result<Vec<R>, ModelError>,
) -> Result<(), ModelError> {
    let tokens = TokenBatch::from_passages(batch.iter().map(|found| &found.passage.passage));
    let mut outputs = infer(&tokens)?.into_iter();
    for found in batch {
        let all: Vec<R> = outputs.by_ref().take(found.passage.passage.segments.len()).collect();
        found.outputs = all[found.passage.segments.clone()].to_vec();
        found.document = all.into_iter().next().filter(|_| found.passage.passage.has_document);
    }
    Ok(())
}

impl<R> PassageOutputs<R> {
    fn length(&self) -> usize {
        self.passage.passage.ids.len()
    }
}

/// The probabilities of a whole text's labels: the mean over its segments.
#[must_use]
pub fn mean_probabilities(found: &[PassageOutputs]) -> Vec<f32> {
    let outputs = found.iter().flat_map(|found| &found.outputs);
    let rows: Vec<&Vec<f32>> = outputs.filter_map(|output| output.sequences.first()).collect();
    let labels = rows.first().map_or(0, |row| row.len());
    #[expect(clippy::cast_precision_loss, reason = "a text has some hundred sentences")]
    (0..labels).map(|label| rows.iter().map(|row| row[label]).sum::<f32>() / rows.len() as f32).collect()
}

/// The marks of a token head in a whole text.
#[must_use]
pub fn found_marks(text: &str, found: &[PassageOutputs], tags: &TagSet) -> Vec<Mark> {
    let mut marks = Vec::new();
    for passage in found {
        let labels = passage.outputs.iter().filter_map(|output| output.tokens.first());
        let labels: Vec<usize> = labels.flatten().copied().collect();
        marks.extend(tags.marks(text, &labels, &passage.passage.ranges()));
    }
    marks
}
