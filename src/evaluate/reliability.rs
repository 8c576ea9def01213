//! Reliability bins and expected calibration error: scores compared with how often labels are right.

use serde::Serialize;

use super::score::{Outcome, average};

/// The number of bins of the expected calibration error, as in Guo et al. 2017.
const BINS: u8 = 15;

/// The texts whose best labels have scores in one range: a bar of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The scores are above this ...
    pub above: f64,
    /// ... and not above this.
    pub up_to: f64,
    /// The number of texts.
    pub rows: usize,
    /// The mean score; `None` without texts.
    pub mean_score: Option<f64>,
    /// The share of texts whose best label is right, 0 to 1; `None` without texts. It equals the mean score if the head is
    /// calibrated.
    pub accuracy: Option<f64>,
}

/// Sums over the texts of a bin.
#[derive(Debug, Clone, Copy, Default)]
struct BinSums {
    rows: usize,
    /// The number of texts with a right label.
    right: f64,
    score: f64,
    /// The variance of `right` if every score is the probability of being right.
    variance: f64,
}

/// The bins, from the lowest scores to the highest.
pub(super) fn reliability_bins(outcomes: &[Outcome]) -> Vec<ReliabilityBin> {
    let mut bins = Vec::with_capacity(BINS.into());
    for (place, sums) in (0..BINS).zip(&sums_by_bin(outcomes)) {
        bins.push(ReliabilityBin {
            above: f64::from(place) / f64::from(BINS),
            up_to: f64::from(place + 1) / f64::from(BINS),
            rows: sums.rows,
            mean_score: average(sums.score, sums.rows),
            accuracy: average(sums.right, sums.rows),
        });
    }
    bins
}

/// The distance between mean score and accuracy in each bin, weighted by the bin's share of the texts; 0 to 1, `None` without
/// texts. From Guo et al. 2017, "On Calibration of Modern Neural Networks".
pub(super) fn expected_calibration_error(outcomes: &[Outcome]) -> Option<f64> {
    average(sums_by_bin(outcomes).iter().map(|sums| (sums.right - sums.score).abs()).sum(), outcomes.len())
}

/// The mean expected calibration error of a head whose scores are all true, which comes from the chance of so few texts alone.
/// The number of right labels of a bin varies around the sum of its scores, by the mean absolute deviation of a normal
/// distribution. From Roelofs et al. 2022, "Mitigating Bias in Calibration Error Estimation".
pub(super) fn calibration_error_by_chance(outcomes: &[Outcome]) -> Option<f64> {
    let deviations = sums_by_bin(outcomes).map(|sums| (std::f64::consts::FRAC_2_PI * sums.variance).sqrt());
    average(deviations.iter().sum(), outcomes.len())
}

fn sums_by_bin(outcomes: &[Outcome]) -> [BinSums; BINS as usize] {
    let mut bins = [BinSums::default(); BINS as usize];
    for outcome in outcomes {
        let bin = &mut bins[bin_of_score(outcome.score)];
        let score = f64::from(outcome.score);
        bin.rows += 1;
        bin.right += f64::from(u8::from(outcome.is_right()));
        bin.score += score;
        bin.variance += score * (1.0 - score);
    }
    bins
}

/// The place of a score's bin. A bin includes its upper end, not its lower.
fn bin_of_score(score: f32) -> usize {
    (1..BINS).take_while(|&edge| score > f32::from(edge) / f32::from(BINS)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Classified;

    fn outcomes(scores: &[(f32, bool)]) -> Vec<Outcome> {
        let rows = scores.iter().map(|&(score, is_right)| Classified::new(usize::from(!is_right), vec![score, 0.0]));
        rows.map(|row| Outcome::new(&row)).collect()
    }

    #[test]
    fn bins_have_mean_score_and_accuracy() {
        let bins = reliability_bins(&outcomes(&[(0.75, true), (0.77, false), (0.8, true), (1.0, true)]));
        assert_eq!(bins.len(), 15);
        assert_eq!(
            bins[0],
            ReliabilityBin { above: 0.0, up_to: 1.0 / 15.0, rows: 0, mean_score: None, accuracy: None }
        );
        // Above 11/15 = 0.733 and up to 12/15 = 0.8, which belongs to it.
        assert_eq!((bins[11].rows, bins[11].accuracy), (3, Some(2.0 / 3.0)));
        assert!(bins[11].mean_score.is_some_and(|score| (score - 2.32 / 3.0).abs() < 1e-6));
        assert_eq!((bins[14].rows, bins[14].mean_score), (1, Some(1.0)));
    }

    #[test]
    fn true_scores_err_by_chance_as_often_as_that() {
        // 300 texts in each of two bins, right as often as they promise, over and over: the mean error is what is expected.
        let mut state = 7_u64;
        let mut chance = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f32::from(u16::try_from(state >> 48).unwrap()) / f32::from(u16::MAX)
        };
        let mut trial = || {
            let scores = [0.55, 0.85].into_iter().flat_map(|score| [score; 300]);
            outcomes(&scores.map(|score| (score, chance() < score)).collect::<Vec<_>>())
        };
        let expected = calibration_error_by_chance(&trial()).unwrap();
        let mean = (0..400).filter_map(|_| expected_calibration_error(&trial())).sum::<f64>() / 400.0;
        assert!((mean / expected - 1.0).abs() < 0.1, "{mean} is not {expected}");
        assert_eq!(calibration_error_by_chance(&[]), None);
    }
}
