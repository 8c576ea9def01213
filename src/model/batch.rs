//! Tokens of many passages, padded to the width of the longest.

use std::ops::Range;

use super::Passage;

/// Passages that go through an encoder together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenBatch {
    ids: Vec<i64>,
    lengths: Vec<usize>,
    segments: Vec<(usize, Range<usize>)>,
    width: usize,
}

/// The id that fills a row up. Masked, so its meaning does not matter, but it has to exist in every vocabulary.
const PADDING: i64 = 0;

impl TokenBatch {
    /// Pads passages to the longest.
    pub fn of<'p>(passages: impl Iterator<Item = &'p Passage> + Clone) -> Self {
        let segments = |(row, passage): (usize, &'p Passage)| {
            passage.segments.iter().map(move |segment| (row, segment.tokens.clone()))
        };
        let segments = passages.clone().enumerate().flat_map(segments).collect();
        Self { segments, ..Self::pad(passages.map(|passage| passage.ids.as_slice())) }
    }

    /// Pads `rows` of token ids to the longest. Each is one segment.
    pub fn pad<'r>(rows: impl Iterator<Item = &'r [u32]> + Clone) -> Self {
        let lengths: Vec<usize> = rows.clone().map(<[u32]>::len).collect();
        let width = lengths.iter().copied().max().unwrap_or(0);
        let mut ids = Vec::with_capacity(lengths.len() * width);
        for row in rows {
            ids.extend(row.iter().copied().map(i64::from));
            ids.resize(ids.len() + width - row.len(), PADDING);
        }
        let segments = lengths.iter().enumerate().map(|(row, &length)| (row, 0..length)).collect();
        Self { ids, lengths, segments, width }
    }

    /// Whether it holds no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The segments of all rows: the row, and the segment's tokens in it.
    #[must_use]
    pub fn segments(&self) -> &[(usize, Range<usize>)] {
        &self.segments
    }

    /// The number of tokens of each row.
    #[must_use]
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The number of tokens of the longest row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Token ids, a row of [`Self::width`] a passage.
    #[must_use]
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// 1 for a token, 0 for padding, in the shape of [`Self::ids`].
    #[must_use]
    pub fn mask(&self) -> Vec<i64> {
        let row = |&length: &usize| (0..self.width).map(move |column| i64::from(column < length));
        self.lengths.iter().flat_map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_padded_to_the_longest_and_masked() {
        let rows: [&[u32]; 2] = [&[101, 5, 102], &[101, 102]];
        let batch = TokenBatch::pad(rows.into_iter());
        assert_eq!(batch.ids(), [101, 5, 102, 101, 102, 0]);
        assert_eq!(batch.mask(), [1, 1, 1, 1, 1, 0]);
        assert_eq!((batch.lengths(), batch.width()), ([3, 2].as_slice(), 3));
    }

    #[test]
    fn no_rows_make_an_empty_batch() {
        assert!(TokenBatch::pad(std::iter::empty()).is_empty());
    }
}
