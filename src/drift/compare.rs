//! A value against those of other nights: the median, and the spread around it that is usual.

use super::measure::{Direction, Sample, Scale};

/// Half of all normally distributed values are closer to the median than their standard deviation by this factor.
const DEVIATIONS: f64 = 1.4826;

/// A value beside those of other nights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    pub(super) value: f64,
    /// The median of the others.
    pub(super) usual: f64,
    /// The least and the largest usual value.
    pub(super) low: f64,
    pub(super) high: f64,
    /// The distance from the median on the scale, with its sign.
    pub(super) distance: f64,
    /// The same in usual spreads.
    pub(super) strength: f64,
    /// The strength from which on the value is unusual.
    pub(super) limit: f64,
    /// The number of others.
    pub(super) nights: usize,
}

/// The strength from which on one of `series` values is unusual, compared with so many nights. With more series, chance has more
/// tries; with fewer nights, the spread is less certain.
pub(super) fn limit(sensitivity: f64, series: usize, nights: usize) -> f64 {
    let tries = f64::from(u32::try_from(series.max(1)).unwrap_or(u32::MAX));
    let known = f64::from(u32::try_from(nights.max(1)).unwrap_or(u32::MAX));
    (sensitivity * sensitivity + tries.ln()).sqrt() * (1.0 + 2.0 / known)
}

/// Compares a value with those of other nights. There has to be at least one.
pub(super) fn compare(scale: Scale, tonight: Sample, past: &[Sample], limit: f64) -> Comparison {
    let scaled: Vec<f64> = past.iter().map(|&sample| scale.scaled(sample)).collect();
    let middle = median(scaled.clone());
    let deviation = median(scaled.iter().map(|value| (value - middle).abs()).collect());
    let spread = (DEVIATIONS * deviation).max(scale.floor(middle, tonight.documents));
    let distance = scale.scaled(tonight) - middle;
    Comparison {
        value: tonight.value,
        usual: median(past.iter().map(|sample| sample.value).collect()),
        low: scale.value(middle - limit * spread, tonight.documents),
        high: scale.value(middle + limit * spread, tonight.documents),
        distance,
        strength: distance / spread,
        limit,
        nights: past.len(),
    }
}

impl Comparison {
    /// True if the value is outside of what is usual, in one of the directions that count.
    pub(super) fn is_unusual(&self, direction: Direction) -> bool {
        let counts = match direction {
            Direction::Both => true,
            Direction::Up => self.strength > 0.0,
            Direction::Down => self.strength < 0.0,
        };
        counts && self.strength.abs() > self.limit
    }
}

/// The middle value, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.as_slice() {
        [] => f64::NAN,
        odd if odd.len() % 2 == 1 => odd[middle],
        even => f64::midpoint(even[middle - 1], even[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(values: &[f64]) -> Vec<Sample> {
        values.iter().map(|&value| Sample { value, documents: value }).collect()
    }

    #[test]
    fn one_odd_night_in_the_past_does_not_hide_the_next() {
        let past = counts(&[500.0, 520.0, 490.0, 18.0, 510.0, 505.0, 495.0, 515.0]);
        let tonight = Sample { value: 18.0, documents: 18.0 };
        let comparison = compare(Scale::Count, tonight, &past, limit(3.5, 1, past.len()));
        assert!(comparison.is_unusual(Direction::Both) && !comparison.is_unusual(Direction::Up), "{comparison:?}");
        assert!(comparison.low > 300.0 && comparison.high < 800.0, "{comparison:?}");
    }

    #[test]
    fn the_same_value_is_in_the_middle_of_what_is_usual() {
        for value in [0.0, 3.0, 700.0] {
            let past = counts(&[value; 7]);
            let comparison = compare(Scale::Count, past[0], &past, limit(3.5, 1, 7));
            assert!(comparison.strength.abs() < 1e-12 && (comparison.usual - value).abs() < 1e-9, "{comparison:?}");
            assert!(comparison.low <= value && value <= comparison.high, "{comparison:?}");
        }
    }

    #[test]
    fn a_label_needs_several_documents_to_appear() {
        let past = [Sample { value: 0.0, documents: 500.0 }; 28];
        let share = |documents: f64| Sample { value: documents / 500.0, documents: 500.0 };
        let limit = limit(3.5, 29, 28);
        assert!(!compare(Scale::Share, share(6.0), &past, limit).is_unusual(Direction::Both));
        assert!(compare(Scale::Share, share(10.0), &past, limit).is_unusual(Direction::Both));
    }

    #[test]
    fn the_limit_grows_with_tries_and_falls_with_nights() {
        assert!((limit(3.5, 1, 1_000_000) - 3.5).abs() < 1e-3);
        assert!(limit(3.5, 30, 28) > limit(3.5, 1, 28) && limit(3.5, 1, 7) > limit(3.5, 1, 28));
    }
}
