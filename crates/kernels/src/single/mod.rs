//! Kernels for f32, whose results are the same bits on every processor.
//!
//! Each result of a product is one chain of fused multiply-adds, in the order of the inputs. Sums along a row use a fixed number of
//! lanes. So nothing depends on the width of the processor's vectors, and a row's result depends on that row alone.

/// Attention.
mod attention;
/// The Gaussian error linear unit.
mod gelu;
/// Linear layers.
mod linear;
/// Layer norms.
mod norm;
/// Products of small matrices.
mod product;
/// Softmax and its logarithm.
mod softmax;

pub use attention::Attention;
pub use linear::Linear;
pub use norm::norm_of_sum;
pub use softmax::{log_softmax, softmax};

/// The lanes of sums along a row.
const LANES: usize = 32;

/// The sum of a row: lane by lane, then across the lanes.
#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    sum_of(row, |value| value)
}

/// The sum of `part` of each value of a row.
#[inline(always)]
fn sum_of(row: &[f32], part: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (pieces, rest) = row.as_chunks::<LANES>();
    for piece in pieces {
        for (sum, value) in lanes.iter_mut().zip(piece) {
            *sum += part(*value);
        }
    }
    for (sum, value) in lanes.iter_mut().zip(rest) {
        *sum += part(*value);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_f64_for_any_length() {
        for length in [0, 1, 31, 32, 33, 384, 1000] {
            let row = crate::reference::random_f32(length, 1.0);
            let exact: f64 = row.iter().map(|value| f64::from(*value)).sum();
            assert!((f64::from(sum(&row)) - exact).abs() < 1e-4, "{length}");
        }
    }
}
