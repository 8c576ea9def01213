//! The threshold of a label: the smallest score at which enough of those that get the label are right.

use crate::own_labels::Estimate;

/// The number of examples that have the label, and of those that do not, below which nothing can be said about precision.
pub(super) const LEAST_EXAMPLES: usize = 8;

/// A threshold with the precision and recall that it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    /// The smallest score with which the label is given.
    pub(super) threshold: f32,
    /// The share of right ones among those that get the label.
    pub(super) precision: Estimate,
    /// The share of those that get the label among those that have it.
    pub(super) recall: Estimate,
    /// True if the precision is at least the wanted one.
    pub(super) is_reached: bool,
}

/// The smallest threshold with at least the precision `wanted`, 0 to 1; without one, that of the largest lower end of the interval. At least
/// [`LEAST_EXAMPLES`] have to get the label. `scores` are the scores of examples with true for those that have the label. `None` if there
/// are too few of either kind.
pub(super) fn choose(scores: &[(f32, bool)], wanted: f64) -> Option<Measured> {
    let positives = scores.iter().filter(|(_, has_label)| *has_label).count();
    if positives < LEAST_EXAMPLES || scores.len() - positives < LEAST_EXAMPLES {
        return None;
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut right = 0;
    let mut reached: Option<Measured> = None;
    let mut best: Option<Measured> = None;
    for (place, &(score, has_label)) in sorted.iter().enumerate() {
        right += usize::from(has_label);
        let given = place + 1;
        // Examples with the same score get the label together.
        let is_last_of_equals = sorted.get(given).is_none_or(|next| next.0 < score);
        if !is_last_of_equals || given < LEAST_EXAMPLES {
            continue;
        }
        let precision = Estimate::new(right, given);
        let is_reached = precision.share() >= wanted;
        let measured = Measured { threshold: score, precision, recall: Estimate::new(right, positives), is_reached };
        if is_reached {
            reached = Some(measured);
        }
        if best.is_none_or(|best| precision.low > best.precision.low) {
            best = Some(measured);
        }
    }
    reached.or(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores that fall from 1: true for each `+`.
    #[expect(clippy::cast_precision_loss, reason = "few scores")]
    fn scores(answers: &str) -> Vec<(f32, bool)> {
        answers.chars().enumerate().map(|(place, answer)| (1.0 - place as f32 / 100.0, answer == '+')).collect()
    }

    #[test]
    fn the_smallest_threshold_with_the_wanted_precision_is_chosen() {
        let measured = choose(&scores("++++++++-+--------"), 0.9).unwrap();
        assert_eq!((measured.precision.right, measured.precision.all), (9, 10));
        assert_eq!((measured.recall.right, measured.recall.all, measured.is_reached), (9, 9, true));
        assert!((measured.threshold - 0.91).abs() < 1e-6);
    }

    #[test]
    fn without_the_wanted_precision_the_surest_threshold_is_chosen() {
        let measured = choose(&scores("++-++-++-++-++-------"), 0.95).unwrap();
        assert!(!measured.is_reached && measured.precision.all >= LEAST_EXAMPLES, "{measured:?}");
    }

    #[test]
    fn too_few_examples_say_nothing() {
        assert_eq!(choose(&scores("+++++++----------"), 0.5), None);
        assert_eq!(choose(&scores("++++++++++-------"), 0.5), None);
    }

    #[test]
    fn examples_with_the_same_score_get_the_label_together() {
        let mut all = vec![(0.9, true); 9];
        all.extend([(0.5, true), (0.5, false), (0.5, false)]);
        all.extend(vec![(0.1, false); 8]);
        assert!((choose(&all, 0.85).unwrap().threshold - 0.9).abs() < 1e-6);
    }
}
