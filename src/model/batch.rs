//! Tokens of many passages, one after another: a stream without padding.

use std::ops::Range;

use tch::Tensor;

use super::{Passage, to_i64};

/// Passages that go through an encoder together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenBatch {
    ids: Vec<i64>,
    lengths: Vec<usize>,
    segments: Vec<Range<usize>>,
}

/// The same tokens as a rectangle, for networks that need one: a row a passage, filled up to the longest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rectangle {
    /// The number of rows, and of tokens in each.
    pub(super) shape: [i64; 2],
    /// Token ids, row by row.
    pub(super) ids: Vec<i64>,
    /// 1 for a token, 0 for padding, in the shape of the ids.
    pub(super) mask: Vec<i64>,
    /// The place of each token of the stream in `ids`.
    pub(super) places: Vec<i64>,
}

/// The hidden states of a batch.
#[derive(Debug)]
pub(super) struct HiddenStates {
    /// f32 of the shape `[rows, hidden size]`: a row for each token of the batch, in its order; then there may be rows of
    /// padding.
    pub(super) states: Tensor,
}

/// The token id of padding. Its results are ignored, but it has to exist in every vocabulary.
pub(super) const PADDING: i64 = 0;

impl TokenBatch {
    /// A batch of `passages`, in order.
    pub fn from_passages<'p>(passages: impl Iterator<Item = &'p Passage>) -> Self {
        let mut batch = Self::default();
        for passage in passages {
            let segments = passage.segments.iter().map(|segment| segment.tokens.clone());
            batch.push(&passage.ids, segments);
        }
        batch
    }

    /// A batch of rows of token ids, each of one segment.
    pub fn from_rows<'r>(rows: impl Iterator<Item = &'r [u32]>) -> Self {
        let mut batch = Self::default();
        for row in rows {
            batch.push(row, std::iter::once(0..row.len()));
        }
        batch
    }

    fn push(&mut self, ids: &[u32], segments: impl Iterator<Item = Range<usize>>) {
        let start = self.ids.len();
        self.segments.extend(segments.map(|segment| start + segment.start..start + segment.end));
        self.ids.extend(ids.iter().copied().map(i64::from));
        self.lengths.push(ids.len());
    }

    /// True if it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The segments of all rows, as ranges of places in [`Self::ids`].
    #[must_use]
    pub fn segments(&self) -> &[Range<usize>] {
        &self.segments
    }

    /// The number of tokens of each row.
    #[must_use]
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The rows, as ranges of places in [`Self::ids`].
    pub fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        self.lengths.iter().scan(0, |end, &length| {
            *end += length;
            Some(*end - length..*end)
        })
    }

    /// Token ids, row after row.
    #[must_use]
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// The number of tokens in the rectangle of [`Self::rectangle`], padding included.
    #[must_use]
    pub(super) fn rectangle_size(&self) -> usize {
        self.lengths.len() * self.width()
    }

    pub(super) fn rectangle(&self) -> Rectangle {
        let width = self.width();
        let shape = [to_i64(self.lengths.len()), to_i64(width)];
        let mut ids = vec![PADDING; self.rectangle_size()];
        let mut mask = vec![0; self.rectangle_size()];
        let mut places = Vec::with_capacity(self.ids.len());
        for (row, tokens) in self.rows().enumerate() {
            let range = row * width..row * width + tokens.len();
            ids[range.clone()].copy_from_slice(&self.ids[tokens]);
            mask[range.clone()].fill(1);
            places.extend(range.map(to_i64));
        }
        Rectangle { shape, ids, mask, places }
    }

    fn width(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_stand_one_after_another() {
        let rows: [&[u32]; 3] = [&[101, 5, 102], &[101, 102], &[101, 7, 102]];
        let batch = TokenBatch::from_rows(rows.into_iter());
        assert_eq!(batch.ids(), [101, 5, 102, 101, 102, 101, 7, 102]);
        assert_eq!(batch.rows().collect::<Vec<_>>(), [0..3, 3..5, 5..8]);
        assert_eq!(batch.segments(), [0..3, 3..5, 5..8]);
    }

    #[test]
    fn a_rectangle_is_filled_up_and_masked() {
        let rows: [&[u32]; 2] = [&[101, 102], &[101, 5, 102]];
        let rectangle = TokenBatch::from_rows(rows.into_iter()).rectangle();
        assert_eq!(rectangle.shape, [2, 3]);
        assert_eq!(rectangle.ids, [101, 102, 0, 101, 5, 102]);
        assert_eq!(rectangle.mask, [1, 1, 0, 1, 1, 1]);
        assert_eq!(rectangle.places, [0, 1, 3, 4, 5]);
    }

    proptest! {
        #[test]
        fn rows_joined_give_the_stream_and_the_rectangle_loses_none_of_it(
            rows in prop::collection::vec(prop::collection::vec(1_u32..1000, 0..20), 0..20),
        ) {
            let batch = TokenBatch::from_rows(rows.iter().map(Vec::as_slice));
            let of_rows: Vec<Vec<i64>> = batch.rows().map(|row| batch.ids()[row].to_vec()).collect();
            let expected = rows.iter().map(|row| row.iter().copied().map(i64::from).collect::<Vec<_>>());
            prop_assert_eq!(&of_rows, &expected.collect::<Vec<_>>());
            let Rectangle { shape, ids, mask, places } = batch.rectangle();
            prop_assert_eq!(shape[0] * shape[1], to_i64(ids.len()));
            let found: Vec<i64> = places.iter().map(|&place| ids[usize::try_from(place).unwrap()]).collect();
            prop_assert_eq!(found, batch.ids());
            let is_padding = |place: usize| mask[place] == 0 && ids[place] == PADDING;
            let padding = (0..ids.len()).filter(|&place| is_padding(place)).count();
            prop_assert_eq!(padding + places.len(), ids.len());
        }
    }

    #[test]
    fn no_rows_make_an_empty_batch() {
        assert!(TokenBatch::from_rows(std::iter::empty()).is_empty());
    }
}
