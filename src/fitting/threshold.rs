//! The threshold of a label: the smallest score at which enough of the archive's sentences that get the label are expected to be right.
//!
//! Examples are not drawn at random: suggestions prefer high scores. So the share of right ones among them says nothing about the archive.
//! But their choice depends on the score alone, or nearly, so the probability at a score can be learnt from them (that is the calibration).
//! The precision in the archive is then the mean probability of its sentences above the threshold.

use crate::own_labels::Estimate;

/// The number of examples that have the label, and of those that do not, below which nothing can be said about precision.
pub(super) const LEAST_EXAMPLES: usize = 8;

/// A threshold with the precision and recall that are expected in the archive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    /// The smallest score with which the label is given.
    pub(super) threshold: f32,
    pub(super) precision: Estimate,
    /// The share of those that get the label among the sentences that have it.
    pub(super) recall: f64,
}

/// The smallest threshold at which the precision `wanted`, 0 to 1, is expected. `archive` has the probabilities of the archive's sentences,
/// `examples` those of examples out of fold, with true for those that have the label. `None` if there are too few examples of either kind.
#[expect(clippy::cast_possible_truncation, reason = "scores are f32 throughout")]
pub(super) fn choose(archive: &[f32], examples: &[(f32, bool)], wanted: f64) -> Option<Measured> {
    let positives = examples.iter().filter(|(_, has_label)| *has_label).count();
    if positives < LEAST_EXAMPLES || examples.len() - positives < LEAST_EXAMPLES {
        return None;
    }
    let mut sorted = archive.to_vec();
    sorted.sort_by(|one, other| other.total_cmp(one));
    // Whatever reaches the wanted precision as a score is right often enough.
    let mut threshold = wanted as f32;
    let mut precision = wanted;
    let mut given = 0.0;
    let mut sum = 0.0;
    let mut count = 0.0;
    for (place, &score) in sorted.iter().enumerate() {
        sum += f64::from(score);
        count += 1.0;
        // Sentences with the same score get the label together.
        let is_last_of_equals = sorted.get(place + 1).is_none_or(|next| *next < score);
        if is_last_of_equals && sum / count >= wanted {
            threshold = score;
            precision = sum / count;
            given = sum;
        }
    }
    let all: f64 = archive.iter().map(|score| f64::from(*score)).sum();
    let reached = examples.iter().filter(|(score, _)| *score >= threshold).count();
    let recall = if all > 0.0 { given / all } else { 0.0 };
    Some(Measured { threshold, precision: Estimate::new(precision, reached), recall })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many examples that have the label, and others that do not.
    fn examples(positives: usize, negatives: usize) -> Vec<(f32, bool)> {
        let mut examples = vec![(0.9, true); positives];
        examples.extend(vec![(0.1, false); negatives]);
        examples
    }

    #[test]
    fn the_smallest_threshold_with_the_wanted_precision_is_chosen() {
        let archive = [0.95, 0.9, 0.85, 0.5, 0.2, 0.1, 0.1];
        let measured = choose(&archive, &examples(10, 10), 0.79).unwrap();
        assert!((measured.threshold - 0.5).abs() < 1e-6, "{measured:?}");
        assert!((measured.precision.share - 0.8).abs() < 1e-6 && measured.precision.examples == 10, "{measured:?}");
        assert!((measured.recall - 3.2 / 3.6).abs() < 1e-6, "{measured:?}");
    }

    #[test]
    fn many_sentences_with_low_scores_do_not_lower_the_threshold() {
        let mut archive = vec![0.9, 0.8];
        archive.extend(vec![0.01; 10_000]);
        let measured = choose(&archive, &examples(10, 10), 0.8).unwrap();
        assert!((measured.threshold - 0.8).abs() < 1e-6, "{measured:?}");
    }

    #[test]
    fn an_archive_without_the_label_has_the_wanted_precision_as_its_threshold() {
        let measured = choose(&[0.3, 0.1], &examples(9, 9), 0.8).unwrap();
        assert!((measured.threshold - 0.8).abs() < 1e-6 && measured.recall == 0.0, "{measured:?}");
    }

    #[test]
    fn too_few_examples_say_nothing() {
        assert_eq!(choose(&[0.9], &examples(7, 20), 0.5), None);
        assert_eq!(choose(&[0.9], &examples(20, 7), 0.5), None);
    }
}
