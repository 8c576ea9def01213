//! The number of files and archive members that are left out because pressrun does not read their kind, by kind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many kinds are told apart; the rest is counted together, so that odd names take no memory.
const MAX_KINDS: usize = 64;

/// The kind of all that comes after [`MAX_KINDS`] others.
const OTHER: &str = "other";

/// Counts what is left out, by kind: `.docx`, `no extension`. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct LeftOut(Arc<Mutex<BTreeMap<String, u64>>>);

impl LeftOut {
    /// Counts one more of a kind. The counts depend on the order of the calls if there are many kinds, so call this in the order of the input.
    pub fn add(&self, kind: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = if counts.contains_key(kind) || counts.len() < MAX_KINDS { kind } else { OTHER };
        *counts.entry(kind.to_owned()).or_default() += 1;
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_beyond_the_limit_are_counted_together() {
        let left_out = LeftOut::default();
        for number in 0..MAX_KINDS + 5 {
            left_out.clone().add(&format!(".{number}"));
        }
        left_out.add(".0");
        let counts = left_out.counts();
        assert_eq!((counts.len(), counts[".0"], counts[OTHER]), (MAX_KINDS + 1, 2, 5));
    }
}
