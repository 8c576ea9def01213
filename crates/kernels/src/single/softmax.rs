//! Softmax and its logarithm.

use super::sum_of;
use crate::ShapeError;
use crate::exp::exp;

/// Replaces each row of `length` values by its softmax.
///
/// # Errors
///
/// A [`ShapeError`] if there are no whole rows.
pub fn softmax(values: &mut [f32], length: usize) -> Result<(), ShapeError> {
    check(values, length)?;
    for row in values.chunks_exact_mut(length) {
        let largest = largest(row);
        for value in row.iter_mut() {
            *value = exp(*value - largest);
        }
        let share = 1.0 / sum_of(row, |power| power);
        for power in row {
            *power *= share;
        }
    }
    Ok(())
}

/// Replaces each row of `length` values by the logarithms of its softmax.
///
/// # Errors
///
/// A [`ShapeError`] if there are no whole rows.
pub fn log_softmax(values: &mut [f32], length: usize) -> Result<(), ShapeError> {
    check(values, length)?;
    for row in values.chunks_exact_mut(length) {
        let largest = largest(row);
        let sum = sum_of(row, |value| exp(value - largest));
        // The standard library's logarithm differs between systems in its last bit.
        let shift = largest + libm::logf(sum);
        for value in row {
            *value -= shift;
        }
    }
    Ok(())
}

fn check(values: &[f32], length: usize) -> Result<(), ShapeError> {
    if length == 0 || !values.len().is_multiple_of(length) {
        return Err(ShapeError(format!("{} values for rows of {length}", values.len())));
    }
    Ok(())
}

fn largest(row: &[f32]) -> f32 {
    row.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{self, random_f32};

    #[test]
    fn softmax_and_its_logarithm_are_those_of_f64() {
        for length in [1, 7, 21, 40, 100] {
            let scores = random_f32(5 * length, 6.0);
            let wide: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
            let exact: Vec<f64> = wide.chunks(length).flat_map(reference::softmax).collect();
            let mut shares = scores.clone();
            softmax(&mut shares, length).unwrap();
            let mut logarithms = scores;
            log_softmax(&mut logarithms, length).unwrap();
            for ((share, logarithm), exact) in shares.iter().zip(&logarithms).zip(exact) {
                assert!((f64::from(*share) - exact).abs() < 1e-6, "{length}");
                assert!((f64::from(*logarithm) - exact.ln()).abs() < 1e-5, "{length}");
            }
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        assert!(softmax(&mut [0.0; 7], 2).is_err());
        assert!(log_softmax(&mut [0.0; 7], 0).is_err());
        assert!(softmax(&mut [], 3).is_ok());
    }
}
