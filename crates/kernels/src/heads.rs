//! Queries, keys and values between their two orders in memory: one row per token, and one matrix per head.

use crate::{Bf16, ShapeError};

/// The number of values that are copied at once: a head usually has as many states, or twice as many.
const COPIED: usize = 32;

/// Passages of one length, whose tokens follow each other, and the heads that attend to them.
#[derive(Debug, Clone, Copy)]
pub struct Heads {
    /// The number of passages.
    pub passages: usize,
    /// The number of tokens in each.
    pub length: usize,
    /// The number of heads.
    pub count: usize,
    /// The number of states of a head.
    pub size: usize,
}

impl Heads {
    /// Copies `rows` of queries, keys and values, as `[passages * length, 3 * heads * size]`, to `matrices`, as
    /// `[3, passages * heads, length, size]`.
    ///
    /// # Errors
    ///
    /// A [`ShapeError`] if a slice has another length.
    pub fn split(self, rows: &[Bf16], matrices: &mut [Bf16]) -> Result<(), ShapeError> {
        self.check(rows, 3)?;
        self.check(matrices, 3)?;
        let parts = matrices.chunks_exact_mut(self.tokens() * self.hidden());
        for (part, matrices) in parts.enumerate() {
            self.for_each(3, |matrix, row| {
                copy(&rows[part * self.hidden() + row..][..self.size], &mut matrices[matrix..]);
            });
        }
        Ok(())
    }

    /// Copies `matrices`, as `[passages * heads, length, size]`, to `rows`, as `[passages * length, heads * size]`.
    ///
    /// # Errors
    ///
    /// A [`ShapeError`] if a slice has another length.
    pub fn join(self, matrices: &[Bf16], rows: &mut [Bf16]) -> Result<(), ShapeError> {
        self.check(matrices, 1)?;
        self.check(rows, 1)?;
        self.for_each(1, |matrix, row| copy(&matrices[matrix..][..self.size], &mut rows[row..]));
        Ok(())
    }

    fn hidden(self) -> usize {
        self.count * self.size
    }

    fn tokens(self) -> usize {
        self.passages * self.length
    }

    /// Calls `visit` for the states of each head and token, with their start among matrices, and their start in the first of the
    /// `parts` of a row.
    #[inline(always)]
    fn for_each(self, parts: usize, mut visit: impl FnMut(usize, usize)) {
        let mut matrix = 0;
        for passage in 0..self.passages {
            for head in 0..self.count {
                for token in passage * self.length..(passage + 1) * self.length {
                    visit(matrix, token * parts * self.hidden() + head * self.size);
                    matrix += self.size;
                }
            }
        }
    }

    /// Refuses a slice that does not hold `[passages * length, parts * heads * size]`, or is empty.
    pub(crate) fn check(self, values: &[Bf16], parts: usize) -> Result<(), ShapeError> {
        if values.len() == parts * self.tokens() * self.hidden() && !values.is_empty() {
            return Ok(());
        }
        Err(ShapeError(format!("{} values for {self:?}", values.len())))
    }
}

/// Copies to the beginning of `to`, in pieces of known length, which need no call of `memcpy`.
#[inline(always)]
fn copy(from: &[Bf16], to: &mut [Bf16]) {
    let (pieces, rest) = from.as_chunks::<COPIED>();
    let (places, rest_places) = to[..from.len()].as_chunks_mut::<COPIED>();
    for (place, piece) in places.iter_mut().zip(pieces) {
        *place = *piece;
    }
    for (place, value) in rest_places.iter_mut().zip(rest) {
        *place = *value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{self, random};

    #[test]
    fn heads_are_split_and_joined_as_by_permuting() {
        for (count, size) in [(2, 8), (3, 32), (2, 64), (2, 37)] {
            let shape = Heads { passages: 2, length: 5, count, size };
            let rows = random(10 * 3 * count * size, 2.0);
            let mut matrices = vec![0; rows.len()];
            shape.split(&rows, &mut matrices).unwrap();
            assert_eq!(matrices, reference::split(&rows, shape));

            let queries = &matrices[..rows.len() / 3];
            let mut joined = vec![0; queries.len()];
            shape.join(queries, &mut joined).unwrap();
            let first_parts: Vec<Bf16> =
                rows.chunks(3 * count * size).flat_map(|row| &row[..count * size]).copied().collect();
            assert_eq!(joined, first_parts);
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let shape = Heads { passages: 2, length: 5, count: 2, size: 8 };
        assert!(shape.split(&[0; 9 * 48], &mut [0; 10 * 48]).is_err());
        assert!(shape.split(&[0; 10 * 48], &mut [0; 9 * 48]).is_err());
        assert!(shape.join(&[0; 4 * 5 * 8], &mut [0; 9 * 16]).is_err());
        assert!(Heads { length: 0, ..shape }.split(&[], &mut []).is_err());
    }
}
