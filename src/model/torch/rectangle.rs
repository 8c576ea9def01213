//! Tokens of many passages as a rectangle.

use crate::model::batch::PADDING;
use crate::model::{TokenBatch, to_i64};

/// The tokens of a batch for networks that need a rectangle: a row a passage, filled up to the longest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rectangle {
    /// The number of rows, and of tokens in each.
    pub(super) shape: [i64; 2],
    /// Token ids, row by row.
    pub(super) ids: Vec<i64>,
    /// 1 for a token, 0 for padding, in the shape of the ids.
    pub(super) mask: Vec<i64>,
    /// The place of each token of the batch in `ids`.
    pub(super) places: Vec<i64>,
}

impl Rectangle {
    pub(super) fn new(batch: &TokenBatch) -> Self {
        let width = width(batch);
        let shape = [to_i64(batch.lengths().len()), to_i64(width)];
        let mut ids = vec![PADDING; size(batch)];
        let mut mask = vec![0; size(batch)];
        let mut places = Vec::with_capacity(batch.ids().len());
        for (row, tokens) in batch.rows().enumerate() {
            let range = row * width..row * width + tokens.len();
            ids[range.clone()].copy_from_slice(&batch.ids()[tokens]);
            mask[range.clone()].fill(1);
            places.extend(range.map(to_i64));
        }
        Self { shape, ids, mask, places }
    }
}

/// The number of tokens in the rectangle of `batch`, padding included.
pub(super) fn size(batch: &TokenBatch) -> usize {
    batch.lengths().len() * width(batch)
}

fn width(batch: &TokenBatch) -> usize {
    batch.lengths().iter().copied().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rectangle_is_filled_up_and_masked() {
        let rows: [&[u32]; 2] = [&[101, 102], &[101, 5, 102]];
        let rectangle = Rectangle::new(&TokenBatch::from_rows(rows.into_iter()));
        assert_eq!(rectangle.shape, [2, 3]);
        assert_eq!(rectangle.ids, [101, 102, 0, 101, 5, 102]);
        assert_eq!(rectangle.mask, [1, 1, 0, 1, 1, 1]);
        assert_eq!(rectangle.places, [0, 1, 3, 4, 5]);
    }

    proptest! {
        #[test]
        fn no_token_is_lost(rows in prop::collection::vec(prop::collection::vec(1_u32..1000, 0..20), 0..20)) {
            let batch = TokenBatch::from_rows(rows.iter().map(Vec::as_slice));
            let Rectangle { shape, ids, mask, places } = Rectangle::new(&batch);
            prop_assert_eq!(shape[0] * shape[1], to_i64(ids.len()));
            let found: Vec<i64> = places.iter().map(|&place| ids[usize::try_from(place).unwrap()]).collect();
            prop_assert_eq!(found, batch.ids());
            let is_padding = |place: usize| mask[place] == 0 && ids[place] == PADDING;
            let padding = (0..ids.len()).filter(|&place| is_padding(place)).count();
            prop_assert_eq!(padding + places.len(), ids.len());
        }
    }
}
