//! The meaning of a sentence as numbers: the mean of its tokens' hidden states, in a byte each.

use serde::{Deserialize, Serialize};

/// The mean of a segment's hidden states, as the sequence heads get it, quantized to 8 bits. The same passage has the same vector to the
/// last bit wherever the heads' results are the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SentenceVector {
    /// The value of one unit.
    scale: f32,
    /// The values in units, -127 to 127, one for each dimension of the encoder.
    values: Vec<i8>,
}

impl SentenceVector {
    /// The vector with the largest value at 127. Values that are not numbers count as 0.
    #[must_use]
    pub fn quantized(values: &[f32]) -> Self {
        /// The largest value in units.
        const LARGEST: f32 = 127.0;
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        if largest == 0.0 || !largest.is_finite() {
            return Self { scale: 0.0, values: vec![0; values.len()] };
        }
        let scale = largest / LARGEST;
        #[expect(clippy::cast_possible_truncation, reason = "from -127 to 127")]
        let values = values.iter().map(|value| (value / scale).round() as i8).collect();
        Self { scale, values }
    }

    /// The number of dimensions.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.values.len()
    }

    /// The values, one for each dimension.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let scale = f64::from(self.scale);
        self.values.iter().map(move |value| scale * f64::from(*value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_within_half_a_unit() {
        let values = [0.5_f32, -1.27, 0.003, 0.0];
        let vector = SentenceVector::quantized(&values);
        for (before, after) in values.iter().zip(vector.values()) {
            assert!((f64::from(*before) - after).abs() <= 0.005_001, "{before} became {after}");
        }
        assert_eq!(vector.dimensions(), 4);
    }

    #[test]
    fn zeros_and_values_that_are_no_numbers_give_zeros() {
        for values in [[0.0, 0.0], [f32::NAN, 0.0], [f32::INFINITY, 1.0]] {
            assert_eq!(SentenceVector::quantized(&values).values().collect::<Vec<_>>(), [0.0, 0.0]);
        }
        let values: Vec<f64> = SentenceVector::quantized(&[f32::NAN, 2.0]).values().collect();
        assert!(values[0] == 0.0 && (values[1] - 2.0).abs() < 1e-6, "{values:?}");
    }
}
