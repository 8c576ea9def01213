//! Converts marked parts of a text to token labels, and back.

use std::ops::Range;

use crate::attribution::is_inside_word;
use crate::record::Label;

/// A part of a text with a name of its own, such as the source of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The index of the part in the list of their names.
    pub part: usize,
    /// The range in the text, in bytes.
    pub range: Range<usize>,
}

/// The meanings of the labels of a token head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSet {
    /// The names of the parts, in the order of their first label.
    pub parts: Vec<String>,
    /// For each label its part, and true if it begins one; `None` for a label outside all parts.
    tags: Vec<Option<(usize, bool)>>,
}

impl TagSet {
    /// Parses labels of the form `O`, `B-name`, `I-name`.
    #[must_use]
    pub fn new(labels: &[Label]) -> Self {
        let mut set = Self { parts: Vec::new(), tags: Vec::new() };
        for label in labels {
            let tag = label.label.split_once('-').map(|(position, name)| (set.part(name), position == "B"));
            set.tags.push(tag);
        }
        set
    }

    fn part(&mut self, name: &str) -> usize {
        self.parts.iter().position(|known| known == name).unwrap_or_else(|| {
            self.parts.push(name.to_owned());
            self.parts.len() - 1
        })
    }

    /// The label of each token, of tokens that cover `ranges` of a text with `marks`. The first token of a mark begins
    /// it; so does the first token at all.
    #[must_use]
    pub fn labels(&self, ranges: &[Range<usize>], marks: &[Mark]) -> Vec<usize> {
        let mut open = None;
        let mut labels = Vec::with_capacity(ranges.len());
        for range in ranges {
            let mark = marks.iter().position(|mark| mark.range.start < range.end && range.start < mark.range.end);
            let tag = mark.map(|place| (marks[place].part, open != Some(place)));
            open = mark;
            labels.push(self.tags.iter().position(|&known| known == tag).unwrap_or(0));
        }
        labels
    }

    /// The one-hot target of the label with the index `label`.
    #[must_use]
    pub fn only(&self, label: usize) -> Vec<f32> {
        (0..self.tags.len()).map(|other| f32::from(u8::from(other == label))).collect()
    }

    /// The marks that token labels make in a text. The inner pieces of a word follow its first.
    #[must_use]
    pub fn marks(&self, text: &str, labels: &[usize], ranges: &[Range<usize>]) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        let mut open = None;
        let mut last_end = 0;
        for (&label, range) in labels.iter().zip(ranges).filter(|(_, range)| !range.is_empty()) {
            let continues_word = range.start == last_end && is_inside_word(text, range.start);
            last_end = range.end;
            let tag = if continues_word { open.map(|part| (part, false)) } else { self.tags[label] };
            match (tag, marks.last_mut()) {
                (Some((part, false)), Some(mark)) if open == Some(part) => mark.range.end = range.end,
                (Some((part, _)), _) => marks.push(Mark { part, range: range.clone() }),
                (None, _) => {}
            }
            open = tag.map(|(part, _)| part);
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags() -> TagSet {
        let label = |name: &&str| Label { code: None, label: (*name).to_owned(), iptc: None };
        TagSet::new(&["O", "B-source", "I-source", "B-cue", "I-cue"].iter().map(label).collect::<Vec<_>>())
    }

    #[test]
    fn marks_become_labels_and_marks_again() {
        let text = "Ann Lee said no";
        let marks = vec![Mark { part: 0, range: 0..7 }, Mark { part: 1, range: 8..12 }];
        let ranges = [0..3, 4..7, 8..10, 10..12, 13..15];
        let labels = tags().labels(&ranges, &marks);
        assert_eq!(labels, [1, 2, 3, 4, 0]);
        assert_eq!(tags().marks(text, &labels, &ranges), marks);
    }

    #[test]
    fn neighbouring_marks_of_one_part_stay_apart() {
        let marks = vec![Mark { part: 0, range: 0..3 }, Mark { part: 0, range: 4..7 }];
        let labels = tags().labels(&[0..3, 4..7], &marks);
        assert_eq!(labels, [1, 1]);
        assert_eq!(tags().marks("Ann Lee", &labels, &[0..3, 4..7]), marks);
    }

    #[test]
    fn a_word_is_never_cut() {
        assert_eq!(tags().marks("Kishida", &[1, 0], &[0..3, 3..7]), [Mark { part: 0, range: 0..7 }]);
        assert!(tags().marks("Kishida", &[0, 1], &[0..3, 3..7]).is_empty());
    }
}
