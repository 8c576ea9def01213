//! The best path through the scores of token labels (Viterbi 1967). An inside label follows its own kind only, so no part begins
//! in its middle.

use crate::record::Label;

/// The allowed transitions between labels of the form `O`, `B-name`, `I-name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transitions {
    labels: usize,
    /// For each label those that may stand before it.
    before: Vec<Vec<usize>>,
    /// For each label, true if it may come first.
    first: Vec<bool>,
}

impl Transitions {
    pub(super) fn new(labels: &[Label]) -> Self {
        let names: Vec<&str> = labels.iter().map(|label| label.label.as_str()).collect();
        let mut before = Vec::with_capacity(names.len());
        for label in &names {
            before.push((0..names.len()).filter(|&other| may_follow(label, names[other])).collect());
        }
        Self { labels: names.len(), before, first: names.iter().map(|label| !label.starts_with("I-")).collect() }
    }

    /// The number of labels.
    pub(super) fn labels(&self) -> usize {
        self.labels
    }

    /// The allowed path with the highest sum of `scores`, which has a row of one score a label for each token.
    pub(super) fn best_path(&self, scores: &[f32]) -> Vec<usize> {
        let mut rows = scores.chunks_exact(self.labels.max(1));
        let Some(first) = rows.next() else { return Vec::new() };
        let mut sums = first.to_vec();
        for (sum, &may_be_first) in sums.iter_mut().zip(&self.first) {
            if !may_be_first {
                *sum = f32::NEG_INFINITY;
            }
        }
        let mut back: Vec<Vec<usize>> = Vec::new();
        for row in rows {
            let from: Vec<usize> = self.before.iter().map(|before| best(before.iter().copied(), &sums)).collect();
            sums = row.iter().zip(&from).map(|(score, &from)| sums[from] + score).collect();
            back.push(from);
        }
        let mut label = best(0..self.labels, &sums);
        let mut path = vec![label];
        for from in back.iter().rev() {
            label = from[label];
            path.push(label);
        }
        path.reverse();
        path
    }
}

/// True if `label` may stand right after `before`.
fn may_follow(label: &str, before: &str) -> bool {
    match label.strip_prefix("I-") {
        Some(part) => before.strip_prefix("B-").or(before.strip_prefix("I-")) == Some(part),
        None => true,
    }
}

/// The first place with the highest sum.
fn best(places: impl Iterator<Item = usize>, sums: &[f32]) -> usize {
    places.reduce(|best, place| if sums[place] > sums[best] { place } else { best }).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transitions() -> Transitions {
        let label = |name: &str| Label { code: None, label: name.to_owned(), iptc: None };
        Transitions::new(&["O", "B-cue", "I-cue", "B-source", "I-source"].map(label))
    }

    #[test]
    fn an_inside_label_follows_its_own_kind_only() {
        // Each token alone: O, I-source, I-cue.
        let scores = [2.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 2.0, 0.0, 1.9];
        assert_eq!(transitions().best_path(&scores), [3, 4, 4]);
    }

    #[test]
    fn an_allowed_path_is_kept() {
        let scores = [0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(transitions().best_path(&scores), [1, 2, 0]);
        assert!(transitions().best_path(&[]).is_empty());
    }
}
