//! Products of small matrices.

use pulp::Simd;

/// The columns of the matrix on the right.
pub(super) const PANEL: usize = 32;

/// A row of the matrix on the right, or of a product.
pub(super) type Line = [f32; PANEL];

/// The vectors of columns that are multiplied at once.
const VECTORS: usize = 2;

/// Puts into `places`, a line a row, `ROWS` rows of the product of a matrix on the left, which is given by its columns, and one on the
/// right: the rows from `first` on. Each sum begins with the value of `start`.
///
/// # Panics
///
/// If there are fewer rows, or fewer places.
#[inline(always)]
pub(super) fn product<S: Simd, const ROWS: usize, const WIDTH: usize>(
    simd: S,
    left: &[[f32; WIDTH]],
    first: usize,
    right: &[Line],
    start: &Line,
    places: &mut [Line],
) {
    assert!(first + ROWS <= WIDTH && places.len() >= ROWS, "too few rows or places");
    let passes = PANEL / (VECTORS * S::F32_LANES);
    for pass in 0..passes {
        let column = pass * VECTORS;
        let start = vectors::<S>(start, column);
        let mut sums = [start; ROWS];
        for (left, right) in left.iter().zip(right) {
            let right = vectors::<S>(right, column);
            for (sum, left) in sums.iter_mut().zip(&left[first..first + ROWS]) {
                let left = simd.splat_f32s(*left);
                sum[0] = simd.mul_add_f32s(left, right[0], sum[0]);
                sum[1] = simd.mul_add_f32s(left, right[1], sum[1]);
            }
        }
        for (place, sum) in places.iter_mut().zip(sums) {
            let (place, _) = S::as_mut_simd_f32s(place);
            place[column..column + VECTORS].copy_from_slice(&sum);
        }
    }
}

/// Two vectors of a line.
#[inline(always)]
fn vectors<S: Simd>(line: &Line, first: usize) -> [S::f32s; VECTORS] {
    let (vectors, _) = S::as_simd_f32s(line);
    [vectors[first], vectors[first + 1]]
}
