//! Queries, keys and values from a row a token to a matrix a head, and back.

use tch::{Kind, TchError, Tensor};

use super::super::to_i64;
use super::{Bf16, values, values_mut};

/// As many values are moved at once: a head has so many states, or twice.
const MOVED: usize = 32;

/// Passages of one length, whose tokens follow each other, and the heads that attend to them.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Heads {
    /// How many passages.
    pub(in crate::model) passages: usize,
    /// How many tokens each has.
    pub(in crate::model) length: usize,
    /// How many heads.
    pub(in crate::model) count: usize,
    /// How many states a head has.
    pub(in crate::model) size: usize,
}

impl Heads {
    /// Takes bf16 rows of queries, keys and values, in the shape `[passages * length, 3 * heads * size]`, to the shape
    /// `[3, passages * heads, length, size]`.
    pub(in crate::model) fn split(self, rows: &Tensor) -> Result<Tensor, TchError> {
        let shape = [3, self.passages * self.count, self.length, self.size].map(to_i64);
        let mut split = Tensor::f_empty(shape, (Kind::BFloat16, rows.device()))?;
        self.check(rows, 3)?;
        let (rows, places) = (values(rows)?, values_mut(&mut split)?);
        let places = places.chunks_exact_mut(self.tokens() * self.hidden());
        for (part, places) in places.enumerate() {
            self.for_each(3, |matrix, row| {
                copy(&rows[part * self.hidden() + row..][..self.size], &mut places[matrix..]);
            });
        }
        Ok(split)
    }

    /// Takes bf16 matrices of the shape `[passages * heads, length, size]` to `rows` of the shape `[passages * length, heads * size]`.
    pub(in crate::model) fn join(self, found: &Tensor, rows: &mut Tensor) -> Result<(), TchError> {
        self.check(found, 1)?;
        self.check(rows, 1)?;
        let (found, rows) = (values(found)?, values_mut(rows)?);
        self.for_each(1, |matrix, row| copy(&found[matrix..][..self.size], &mut rows[row..]));
        Ok(())
    }

    /// Passages, tokens of each, heads and states of each.
    pub(in crate::model) fn sizes(self) -> [i64; 4] {
        [self.passages, self.length, self.count, self.size].map(to_i64)
    }

    fn hidden(self) -> usize {
        self.count * self.size
    }

    fn tokens(self) -> usize {
        self.passages * self.length
    }

    /// Tells of the states of each head and token where they begin among matrices, and where in the first of as many `parts` as a row has.
    #[inline(always)]
    fn for_each(self, parts: usize, mut tell: impl FnMut(usize, usize)) {
        let mut matrix = 0;
        for passage in 0..self.passages {
            for head in 0..self.count {
                for token in passage * self.length..(passage + 1) * self.length {
                    tell(matrix, token * parts * self.hidden() + head * self.size);
                    matrix += self.size;
                }
            }
        }
    }

    /// Refuses a tensor that is not of the shape `[passages * length, parts * heads * size]`, or is empty.
    pub(super) fn check(self, tensor: &Tensor, parts: usize) -> Result<(), TchError> {
        if tensor.numel() == parts * self.tokens() * self.hidden() && self.tokens() > 0 && self.hidden() > 0 {
            return Ok(());
        }
        Err(TchError::Shape(format!("{:?} for {self:?}", tensor.size())))
    }
}

/// Copies to the beginning of `to`, in pieces whose length is known, for which nothing has to be called.
#[inline(always)]
fn copy(from: &[Bf16], to: &mut [Bf16]) {
    let (pieces, rest) = from.as_chunks::<MOVED>();
    let (places, rest_places) = to[..from.len()].as_chunks_mut::<MOVED>();
    for (place, piece) in places.iter_mut().zip(pieces) {
        *place = *piece;
    }
    for (place, value) in rest_places.iter_mut().zip(rest) {
        *place = *value;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{difference, random};
    use super::*;

    #[test]
    fn heads_are_split_and_joined_as_by_permuting() {
        for (heads, size) in [(2, 8), (3, 32), (2, 64), (2, 37)] {
            let shape = Heads { passages: 2, length: 5, count: heads, size };
            let [heads, size] = [heads, size].map(to_i64);
            let rows = random(&[10, 3 * heads * size], 2.0);
            let exact = rows.view([2, 5, 3, heads, size]).permute([2, 0, 3, 1, 4]).reshape([3, 2 * heads, 5, size]);
            let split = shape.split(&rows).unwrap();
            assert!(difference(&split, &exact) == 0.0);
            let mut joined = Tensor::zeros([10, heads * size], (Kind::BFloat16, rows.device()));
            shape.join(&split.get(0), &mut joined).unwrap();
            assert!(difference(&joined, &rows.narrow(1, 0, heads * size)) == 0.0);
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let shape = Heads { passages: 2, length: 5, count: 2, size: 8 };
        assert!(shape.split(&random(&[9, 48], 1.0)).is_err());
        assert!(shape.join(&random(&[4, 5, 8], 1.0), &mut random(&[9, 16], 1.0)).is_err());
    }
}
