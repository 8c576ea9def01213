//! Combines a head's probabilities of a document's sentences and of its title.
//!
//! A sentence that says little by itself ("He paused.") takes its label from the document. With `p[i]` the probabilities of
//! sentence `i` of `n`, and `q` those of the title, which is inferred once with each passage:
//!
//! ```text
//! title        t    = mean over passages of ln q
//! others       o[i] = sum over j != i of ln p[j] / (n - 1 + 2)
//! sentence i   softmax(ln p[i] + weight * (o[i] + title_weight * t))
//! document     softmax((sum over j of ln p[j] / n + title_weight * t) / temperature)
//! ```
//!
//! The two that are added to the number of other sentences stand for neutral sentences: a single neighbour has little
//! influence, twenty have much. All of it is computed in f64 and in the order of the text, so the same probabilities give the
//! same scores.

use super::manifest::DocumentScaling;

/// The number of neutral sentences that are counted among the others.
const NEUTRAL_SENTENCES: f64 = 2.0;

/// Probabilities below this are raised to it before a logarithm is taken.
const LEAST_PROBABILITY: f64 = 1e-12;

/// The probabilities of one sequence head in a document, summed up so that scores can be computed.
#[derive(Debug, Clone)]
pub struct DocumentScores {
    scaling: DocumentScaling,
    /// For each label the sum of the sentences' log-probabilities.
    sentences: Vec<f64>,
    /// The number of sentences.
    count: f64,
    /// For each label the mean of the title's log-probabilities; 0 without a title.
    title: Vec<f64>,
    has_title: bool,
}

impl DocumentScores {
    /// Sums up the probabilities of a document's sentences, in order, and those of its title, once for each passage. Each item
    /// has one probability a label, in the head's order. Both iterators may be empty.
    pub fn new<'p>(
        scaling: DocumentScaling,
        sentences: impl Iterator<Item = &'p [f32]>,
        titles: impl Iterator<Item = &'p [f32]>,
    ) -> Self {
        let (mut sentences, count) = sum_of_logs(sentences);
        let (mut title, passages) = sum_of_logs(titles);
        for sum in &mut title {
            *sum /= passages;
        }
        let has_title = !title.is_empty();
        let labels = sentences.len().max(title.len());
        sentences.resize(labels, 0.0);
        title.resize(labels, 0.0);
        Self { scaling, sentences, count, title, has_title }
    }

    /// The scores of a sentence with these probabilities, label by label; they sum to 1. `is_counted` is true for one of the
    /// sentences given to [`Self::new`]: it is then not a neighbour of itself.
    #[must_use]
    pub fn sentence(&self, probabilities: &[f32], is_counted: bool) -> Vec<f32> {
        let own = if is_counted { 1.0 } else { 0.0 };
        let others = self.count - own + NEUTRAL_SENTENCES;
        let mut logits = Vec::with_capacity(probabilities.len());
        for (label, &probability) in probabilities.iter().enumerate() {
            let log = log_probability(probability);
            let mean_of_others = (self.sentences[label] - own * log) / others;
            logits.push(log + self.scaling.weight * (mean_of_others + self.scaling.title_weight * self.title[label]));
        }
        softmax(&logits)
    }

    /// The document's own scores, label by label, which sum to 1; `None` without sentences and title.
    #[must_use]
    pub fn document(&self) -> Option<Vec<f32>> {
        if self.count == 0.0 && !self.has_title {
            return None;
        }
        let mut logits = Vec::with_capacity(self.sentences.len());
        for (sum, title) in self.sentences.iter().zip(&self.title) {
            let mean = sum / self.count.max(1.0);
            logits.push((mean + self.scaling.title_weight * title) / self.scaling.temperature.get());
        }
        Some(softmax(&logits))
    }
}

/// For each label the sum of the logarithms of its probabilities; and the number of rows.
fn sum_of_logs<'p>(rows: impl Iterator<Item = &'p [f32]>) -> (Vec<f64>, f64) {
    let mut sums = Vec::new();
    let mut count = 0.0;
    for row in rows {
        sums.resize(row.len(), 0.0);
        for (sum, &probability) in sums.iter_mut().zip(row) {
            *sum += log_probability(probability);
        }
        count += 1.0;
    }
    (sums, count)
}

/// The natural logarithm of a probability; of 1e-12 if it is smaller, or not a number.
pub(crate) fn log_probability(probability: f32) -> f64 {
    // `max` turns the NaN that `clamp` lets through into a number.
    f64::from(probability).clamp(LEAST_PROBABILITY, 1.0).max(LEAST_PROBABILITY).ln()
}

#[expect(clippy::cast_possible_truncation, reason = "probabilities are f32 throughout")]
fn softmax(logits: &[f64]) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = logits.iter().map(|logit| (logit - highest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|exponential| (exponential / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(weight: f64, title_weight: f64, sentences: &[[f32; 2]], titles: &[[f32; 2]]) -> DocumentScores {
        let scaling = DocumentScaling { weight, title_weight, temperature: 1.0.try_into().unwrap() };
        DocumentScores::new(
            scaling,
            sentences.iter().map(<[f32; 2]>::as_slice),
            titles.iter().map(<[f32; 2]>::as_slice),
        )
    }

    #[track_caller]
    fn assert_near(found: f32, expected: f32) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    #[test]
    fn a_sentence_that_says_nothing_takes_the_label_of_its_document() {
        let sentences = [[0.9, 0.1], [0.8, 0.2], [0.5, 0.5]];
        let document = scores(1.0, 0.0, &sentences, &[]);
        assert!(document.sentence(&sentences[2], true)[0] > 0.6);
        assert!(document.sentence(&sentences[0], true)[0] > 0.9);
    }

    #[test]
    fn a_sentence_is_no_neighbour_of_itself() {
        let document = scores(1.0, 0.0, &[[0.7, 0.3]], &[]);
        assert_near(document.sentence(&[0.7, 0.3], true)[0], 0.7);
    }

    #[test]
    fn without_weight_sentences_stay_as_they_are() {
        let document = scores(0.0, 1.0, &[[0.9, 0.1], [0.2, 0.8]], &[[0.6, 0.4]]);
        assert_near(document.sentence(&[0.2, 0.8], true)[1], 0.8);
    }

    #[test]
    fn the_title_counts_in_the_document_as_much_as_it_is_told_to() {
        assert_near(scores(0.0, 0.0, &[[0.5, 0.5]], &[[0.9, 0.1]]).document().unwrap()[0], 0.5);
        assert_near(scores(0.0, 1.0, &[[0.5, 0.5]], &[[0.9, 0.1]]).document().unwrap()[0], 0.9);
        assert_near(scores(0.0, 1.0, &[], &[[0.9, 0.1], [0.9, 0.1]]).document().unwrap()[0], 0.9);
        assert!(scores(0.0, 1.0, &[], &[]).document().is_none());
    }
}
