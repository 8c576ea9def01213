//! Gold labels and a model's own to scores: how often they agree, how sure the model may be, which of two is better.
//!
//! Pure but for `measure`, which runs a model. What is undefined, as the precision of a label never given, is `None`
//! and becomes `null`, never `NaN`.

/// What is right of what was found and of what was to be found.
pub mod score;

/// One label a text.
pub mod classification;
/// Parts that belong together.
pub mod relations;
/// Whether scores are true.
pub mod reliability;
/// Parts marked in a text.
pub mod tagging;

/// Probabilities that keep their promise.
pub mod calibration;
/// How much a document counts in the labels of its sentences.
pub mod document_scaling;

/// Whether one model is better than another.
pub mod compare;

/// Scores for people.
pub mod table;

/// What a model finds in labelled rows.
pub mod measure;

use std::ops::Range;

pub use calibration::{fit_temperature, with_temperature};
pub use classification::{ClassificationScores, DocumentAccuracy};
pub use compare::{CompareError, compare_classification, compare_tagging};
pub use document_scaling::fit_document_scaling;
pub use relations::{Related, RelationScores, Said};
pub use reliability::ReliabilityBin;
pub use score::Score;
pub use tagging::{PartScore, TaggingScores};

use crate::labelled::Mark;

/// One text that a sequence head labelled, or one sentence of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Classified {
    /// Where it stands in its file.
    pub place: RowPlace,
    /// The labels that are right, by their places in the head's labels, the best first. There is at least one.
    pub acceptable: Vec<usize>,
    /// Nobody could tell the label from the sentence alone.
    pub is_weak: bool,
    /// The probability that the head gave each of its labels.
    pub probabilities: Vec<f32>,
}

/// Where a labelled text stands in its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowPlace {
    /// The line, from 1. Sentences of one document share it.
    pub line: u64,
    /// The sentence in the document of that line, from 0; `None` where the line has one label.
    pub statement: Option<usize>,
}

impl Classified {
    /// A text for which the label at place `gold` alone is right.
    #[must_use]
    pub fn new(gold: usize, probabilities: Vec<f32>) -> Self {
        Self { place: RowPlace::default(), acceptable: vec![gold], is_weak: false, probabilities }
    }

    /// The most probable label, the first of equals, and its probability. NaN is never the best; where no probability is
    /// above 0 the first label is.
    #[must_use]
    pub fn best(&self) -> (usize, f32) {
        let mut best = (0, 0.0);
        for (label, &probability) in self.probabilities.iter().enumerate() {
            if probability > best.1 {
                best = (label, probability);
            }
        }
        best
    }
}

/// One text in which a token head marked parts. All ranges are bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The text's words, as [`words`] finds them: in order, without overlaps.
    pub words: Vec<Range<usize>>,
    /// What was to be marked.
    pub gold: Vec<Mark>,
    /// What the head marked.
    pub found: Vec<Mark>,
    /// Which of it belongs together, where the head marks sources, cues and contents.
    pub said: Option<Said>,
}

/// The words of a text: runs of letters and digits, and each other character that is no white space alone, as in
/// BERT's basic tokenizer.
#[must_use]
pub fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut in_run = false;
    for (start, character) in text.char_indices() {
        let end = start + character.len_utf8();
        let continues = character.is_alphanumeric();
        match words.last_mut().filter(|_| in_run && continues) {
            Some(word) => word.end = end,
            None if character.is_whitespace() => {}
            None => words.push(start..end),
        }
        in_run = continues;
    }
    words
}

/// The words that `range` touches, by their places in `words`.
fn span(words: &[Range<usize>], range: &Range<usize>) -> Range<usize> {
    if range.is_empty() {
        return 0..0;
    }
    let first = words.partition_point(|word| word.end <= range.start);
    first..words.partition_point(|word| word.start < range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits_and_lone_marks() {
        let text = "\u{201c}Zoë's 2nd,\u{201d}  she said...";
        let found: Vec<&str> = words(text).into_iter().map(|word| &text[word]).collect();
        let expected = ["\u{201c}", "Zoë", "'", "s", "2nd", ",", "\u{201d}", "she", "said", ".", ".", "."];
        assert_eq!(found, expected);
    }

    #[test]
    fn white_space_has_no_words() {
        assert!(words(" \n\u{a0}").is_empty());
    }
}
