//! The confidence in an attribution: the probability that a reader of the article would say that it is one.
//!
//! A logistic model over a few features: how sure the model is of the labels of the parts, which parts there are, and what
//! the cue is like. Its weights are fitted when a model is calibrated (`evaluate::confidence`).

use std::ops::Range;

use super::{Page, Relation, act, words};
use crate::record::{Act, ConfidenceWeights};
use crate::task::{Part, Tag};

/// The values of the features, in the order of [`ConfidenceWeights::NAMES`].
pub type Features = [f64; ConfidenceWeights::NAMES.len()];

/// The weights of models that have none of their own. They were fitted on the outputs of the newsroom model 2026.11.8 for 145 articles. None of
/// these has a transcript or a signed quotation, so the weight of `layout` is chosen by hand: the layout of a text is hardly a mistake.
pub const DEFAULT_WEIGHTS: ConfidenceWeights = ConfidenceWeights([
    -1.3718, 0.4885, 0.0579, 0.2215, 0.2588, 0.7834, -1.6175, 1.8884, 0.5634, 0.0306, 1.4204, -0.5391, -0.3114, 0.3363,
    -0.1954, -0.0195, 2.5000, -0.0403,
]);

/// The probability for some features.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a probability")]
pub fn score(weights: &ConfidenceWeights, features: &Features) -> f32 {
    let sum: f64 = weights.0.iter().zip(features).map(|(weight, value)| weight * value).sum();
    (1.0 / (1.0 + (-sum).exp())) as f32
}

/// The features of a relation with an act.
pub(super) fn features(page: &Page<'_, '_>, relation: &Relation, act: Act) -> Features {
    let source = relation.source.as_ref().map(|range| LabelledTokens::of(page, range, Part::Source));
    let cue = relation.cue.as_ref().map(|range| LabelledTokens::of(page, range, Part::Cue));
    let mut content = LabelledTokens::default();
    for piece in &relation.content {
        content.add(page, piece, Part::Content);
    }
    let cue_text = relation.cue.as_ref().map(|range| &page.text[range.clone()]);
    let has_layout = [&source, &cue].into_iter().flatten().any(|tokens| tokens.labelled == 0);
    [
        1.0,
        flag(source.is_some()),
        flag(cue.is_some()),
        source.as_ref().map_or(0.0, LabelledTokens::confidence),
        cue.as_ref().map_or(0.0, LabelledTokens::confidence),
        content.confidence(),
        content.share(),
        quoted_share(page, relation),
        word_count(page, relation),
        flag(has_cue_beside(page, relation)),
        flag(cue_text.is_some_and(act::is_known)),
        flag(act == Act::Think),
        flag(act == Act::Ask),
        flag(act == Act::Deny),
        flag(act == Act::Refuse),
        flag(begins_with(page, relation.content.first(), &["to"])),
        flag(has_layout),
        flag(begins_with(page, relation.source.as_ref(), &["i", "we", "our", "my", "you"])),
    ]
}

/// The tokens of a part and those among them that have its label.
#[derive(Debug, Default)]
struct LabelledTokens {
    all: usize,
    labelled: usize,
    /// The sum of the probabilities of the labels of the latter, in 255ths.
    sum: usize,
}

impl LabelledTokens {
    fn of(page: &Page<'_, '_>, range: &Range<usize>, part: Part) -> Self {
        let mut tokens = Self::default();
        tokens.add(page, range, part);
        tokens
    }

    fn add(&mut self, page: &Page<'_, '_>, range: &Range<usize>, part: Part) {
        let (first, last) = page.sentences_of(range);
        for sentence in &page.sentences[first..=last] {
            for (place, (start, end)) in sentence.offsets.iter().enumerate() {
                let is_inside = sentence.range.start + start < range.end && sentence.range.start + end > range.start;
                if !is_inside || start == end {
                    continue;
                }
                self.all += 1;
                if matches!(sentence.tags.get(place), Some(Tag::Begin(found) | Tag::Inside(found)) if *found == part) {
                    self.labelled += 1;
                    self.sum += usize::from(sentence.confidences.get(place).copied().unwrap_or(u8::MAX));
                }
            }
        }
    }

    /// The log-odds of the mean probability of the labelled tokens, between -4 and 4; 0 if there are none.
    fn confidence(&self) -> f64 {
        const LARGEST: f64 = 4.0;
        if self.labelled == 0 {
            return 0.0;
        }
        let mean = (ratio(self.sum, self.labelled) / f64::from(u8::MAX)).clamp(1e-3, 1.0 - 1e-3);
        (mean / (1.0 - mean)).ln().clamp(-LARGEST, LARGEST)
    }

    /// The share of the tokens that are labelled.
    fn share(&self) -> f64 {
        ratio(self.labelled, self.all.max(1))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a text has fewer than 2^52 tokens")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}

/// The share of the content's bytes that is between quotation marks, to the piece.
fn quoted_share(page: &Page<'_, '_>, relation: &Relation) -> f64 {
    let all: usize = relation.content.iter().map(Range::len).sum();
    let quoted: usize = relation.content.iter().filter(|piece| page.is_quoted(piece)).map(Range::len).sum();
    ratio(quoted, all.max(1))
}

/// The logarithm of the number of words of the content.
#[expect(clippy::cast_precision_loss, reason = "a text has fewer than 2^52 words")]
fn word_count(page: &Page<'_, '_>, relation: &Relation) -> f64 {
    let count: usize = relation.content.iter().map(|piece| words(&page.text[piece.clone()])).sum();
    (1.0 + count as f64).ln()
}

/// Returns true if a cue stands in a sentence of the content.
fn has_cue_beside(page: &Page<'_, '_>, relation: &Relation) -> bool {
    let Some(cue) = &relation.cue else { return false };
    let (cue_first, cue_last) = page.sentences_of(cue);
    relation.content.iter().any(|piece| {
        let (first, last) = page.sentences_of(piece);
        first <= cue_last && cue_first <= last
    })
}

/// Returns true if the first word of a range is one of `words`.
fn begins_with(page: &Page<'_, '_>, range: Option<&Range<usize>>, words: &[&str]) -> bool {
    let first = range.and_then(|range| page.text[range.clone()].split(|sign: char| !sign.is_alphanumeric()).next());
    first.is_some_and(|first| words.contains(&first.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_a_probability() {
        let mut features = [0.0; ConfidenceWeights::NAMES.len()];
        assert!((score(&DEFAULT_WEIGHTS, &features) - 0.5).abs() < 1e-6);
        features[3] = 4.0;
        let more = score(&DEFAULT_WEIGHTS, &features);
        features[3] = -4.0;
        let less = score(&DEFAULT_WEIGHTS, &features);
        assert!(0.0 < less && less < more && more < 1.0);
    }

    #[test]
    fn unknown_probabilities_count_as_sure_and_missing_labels_as_nothing() {
        let sure = LabelledTokens { all: 2, labelled: 2, sum: 510 };
        assert_eq!((sure.confidence(), sure.share()), (4.0, 1.0));
        let nothing = LabelledTokens { all: 2, labelled: 0, sum: 0 };
        assert!(nothing.confidence().abs() < 1e-9);
    }
}
