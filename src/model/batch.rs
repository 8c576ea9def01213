//! Tokens of many passages, one after another: a stream without padding.

use std::ops::Range;

use super::Passage;

/// Passages that go through an encoder together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenBatch {
    ids: Vec<i64>,
    lengths: Vec<usize>,
    segments: Vec<Range<usize>>,
}

/// The hidden states of a batch.
#[derive(Debug)]
pub(super) struct HiddenStates {
    /// Of the shape `[rows, size]`: a row for each token of the batch, in its order; then there may be rows of padding.
    pub(super) values: Vec<f32>,
    /// The number of values of a state.
    pub(super) size: usize,
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

    proptest! {
        #[test]
        fn rows_joined_give_the_stream(
            rows in prop::collection::vec(prop::collection::vec(1_u32..1000, 0..20), 0..20),
        ) {
            let batch = TokenBatch::from_rows(rows.iter().map(Vec::as_slice));
            let of_rows: Vec<Vec<i64>> = batch.rows().map(|row| batch.ids()[row].to_vec()).collect();
            let expected = rows.iter().map(|row| row.iter().copied().map(i64::from).collect::<Vec<_>>());
            prop_assert_eq!(&of_rows, &expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_rows_make_an_empty_batch() {
        assert!(TokenBatch::from_rows(std::iter::empty()).is_empty());
    }
}
