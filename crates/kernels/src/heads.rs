//! The shape of attention.

use crate::ShapeError;

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
    fn hidden(self) -> usize {
        self.count * self.size
    }

    fn tokens(self) -> usize {
        self.passages * self.length
    }

    /// Refuses a slice that does not hold `[passages * length, parts * heads * size]`, or is empty.
    pub(crate) fn check<T>(self, values: &[T], parts: usize) -> Result<(), ShapeError> {
        if values.len() == parts * self.tokens() * self.hidden() && !values.is_empty() {
            return Ok(());
        }
        Err(ShapeError(format!("{} values for {self:?}", values.len())))
    }
}
