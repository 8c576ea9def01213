//! Counts to precision, recall and F1.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::Serialize;

use super::Classified;

/// Precision, recall and F1, each 0 to 1, or `None` if the denominator is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Score {
    /// The share of predictions that are right; `None` without predictions.
    pub precision: Option<f64>,
    /// The share of the gold that was predicted; `None` without gold.
    pub recall: Option<f64>,
    /// The harmonic mean of both, 0 if one of them is `None`; `None` if both are.
    pub f1: Option<f64>,
    /// The number of items in the gold.
    pub support: usize,
}

/// The counts that scores are computed from. Counts of disjoint texts add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The number of predictions.
    pub(crate) found: usize,
    /// The number of predictions that are right.
    pub(crate) right: usize,
    /// The number of items in the gold.
    pub(crate) gold: usize,
    /// The number of items in the gold that were found: `right`, unless one prediction can hit two.
    pub(crate) hit: usize,
}

/// The best label of one text, compared with the right ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outcome {
    /// The place of the right label that the text counts for.
    pub(super) gold: usize,
    /// The place of the best label.
    pub(super) best: usize,
    /// The probability of the best label.
    pub(super) score: f32,
    /// The best label is the first of those that are right.
    pub(super) is_first_choice: bool,
}

/// `part` of `whole`, as 0 to 1; `None` if `whole` is 0.
#[expect(clippy::cast_precision_loss, reason = "counts lie far below 2^53")]
pub(crate) fn share(part: usize, whole: usize) -> Option<f64> {
    average(part as f64, whole)
}

/// The mean of `count` values with this `sum`; `None` if `count` is 0.
#[expect(clippy::cast_precision_loss, reason = "counts lie far below 2^53")]
pub(crate) fn average(sum: f64, count: usize) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}

/// The mean, summed in order; `None` without values.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    average(sum, count)
}

/// The mean F1 over the classes that occur in the gold, the usual macro F1; `None` if none does.
pub(crate) fn macro_f1(counts: &[Counts]) -> Option<f64> {
    mean(counts.iter().filter(|counts| counts.gold > 0).filter_map(Counts::f1))
}

impl Outcome {
    /// The outcome of `row`, which has at least one right label.
    pub(super) fn new(row: &Classified) -> Self {
        let (best, score) = row.best();
        let first = row.acceptable[0];
        let gold = if row.acceptable.contains(&best) { best } else { first };
        Self { gold, best, score: score.min(1.0), is_first_choice: best == first }
    }

    pub(super) fn is_right(&self) -> bool {
        self.gold == self.best
    }
}

impl Counts {
    /// The counts of predictions that each match one item of the gold.
    pub(crate) fn one_to_one(found: usize, right: usize, gold: usize) -> Self {
        Self { found, right, gold, hit: right }
    }

    pub(crate) fn score(&self) -> Score {
        Score {
            precision: share(self.right, self.found),
            recall: share(self.hit, self.gold),
            f1: self.f1(),
            support: self.gold,
        }
    }

    /// Divides only once: if `hit` is `right`, this is exactly 2 `right` / (`found` + `gold`).
    pub(crate) fn f1(&self) -> Option<f64> {
        if self.found + self.gold == 0 {
            return None;
        }
        let product = 2 * self.right * self.hit;
        Some(share(product, self.right * self.gold + self.hit * self.found).unwrap_or(0.0))
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            found: self.found + other.found,
            right: self.right + other.right,
            gold: self.gold + other.gold,
            hit: self.hit + other.hit,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn f1_is_the_harmonic_mean_of_unlike_precision_and_recall() {
        // Precision 1/2, recall 3/4.
        let score = Counts { found: 4, right: 2, gold: 4, hit: 3 }.score();
        assert_eq!((score.precision, score.recall, score.f1), (Some(0.5), Some(0.75), Some(0.6)));
    }

    #[test]
    fn what_was_never_found_has_no_precision_and_an_f1_of_0() {
        let score = Counts::one_to_one(0, 0, 3).score();
        assert_eq!((score.precision, score.recall, score.f1), (None, Some(0.0), Some(0.0)));
    }

    #[test]
    fn nothing_at_all_has_no_score() {
        assert_eq!(Counts::default().score(), Score { precision: None, recall: None, f1: None, support: 0 });
        assert_eq!(macro_f1(&[Counts::default()]), None);
    }

    #[test]
    fn macro_f1_leaves_out_what_is_not_in_the_gold() {
        let counts = [Counts::one_to_one(2, 1, 1), Counts::one_to_one(5, 0, 0), Counts::one_to_one(0, 0, 4)];
        assert_eq!(macro_f1(&counts), Some(f64::midpoint(2.0 / 3.0, 0.0)));
    }

    proptest! {
        #[test]
        fn scores_are_shares(found in 0..9_usize, gold in 0..9_usize, right in 0..9_usize, hit in 0..9_usize) {
            let score = Counts { found, right: right.min(found), gold, hit: hit.min(gold) }.score();
            for value in [score.precision, score.recall, score.f1].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&value));
            }
        }
    }
}
