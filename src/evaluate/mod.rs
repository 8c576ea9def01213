//! Gold labels and a model's predictions to scores, calibration, and comparisons of two models.
//!
//! Only `measure` runs a model; the rest is pure. An undefined score, such as the precision of a label that was never predicted,
//! is `None` and becomes `null`, never `NaN`.

/// Precision, recall and F1.
pub mod score;

/// Scores of attributions by act and speaker.
pub mod attributions;
/// Scores of a sequence head: one label a text.
pub mod classification;
/// Scores of relations: a source, a cue and a content that belong together.
pub mod relations;
/// Reliability bins and expected calibration error.
pub mod reliability;
/// Scores of a token head: parts marked in a text.
pub mod tagging;

/// Temperature scaling.
pub mod calibration;
/// The weights by which attributions are scored.
pub mod confidence;
/// The weight of a document in the labels of its sentences.
pub mod document_scaling;

/// Two models on the same rows, with intervals.
pub mod compare;

/// Scores as tables of text.
pub mod table;

/// Predictions of a model for labelled rows.
pub mod measure;

#[cfg(test)]
mod speakers;

use std::ops::Range;

pub use attributions::AttributionScores;
pub use calibration::{fit_temperature, with_temperature};
pub use classification::{ClassificationScores, DocumentAccuracy};
pub use compare::{CompareError, compare_classification, compare_tagging};
pub use confidence::fit_confidence;
pub use document_scaling::fit_document_scaling;
pub use relations::{FoundRelation, GoldRelation, RelationScores, RelationSpans, TextRelations};
pub use reliability::ReliabilityBin;
pub use score::Score;
pub use tagging::{PartScore, TaggingScores};

use crate::labelled::Mark;

/// One text that a sequence head labelled, or one sentence of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Classified {
    /// Its place in its file.
    pub place: RowPlace,
    /// The labels that are right, by their places in the head's labels, the best first. There is at least one.
    pub acceptable: Vec<usize>,
    /// The sentence alone does not show its label, even to a person.
    pub is_weak: bool,
    /// The probability of each of the head's labels, in their order.
    pub probabilities: Vec<f32>,
}

/// The place of a labelled text in its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowPlace {
    /// The line, from 1. Sentences of one document share it.
    pub line: u64,
    /// The sentence in the document of that line, from 0; `None` if the line has one label.
    pub statement: Option<usize>,
}

impl Classified {
    /// A text whose only right label is the one at place `gold`.
    #[must_use]
    pub fn new(gold: usize, probabilities: Vec<f32>) -> Self {
        Self { place: RowPlace::default(), acceptable: vec![gold], is_weak: false, probabilities }
    }

    /// The place of the most probable label, the first of equals, and its probability. NaN is never the best; if no probability
    /// is above 0, the first label is.
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
#[derive(Debug, Clone, PartialEq)]
pub struct Marked {
    /// The text's words, as [`words`] finds them: in order, without overlaps.
    pub words: Vec<Range<usize>>,
    /// The right marks.
    pub gold: Vec<Mark>,
    /// The marks that the head made.
    pub found: Vec<Mark>,
    /// The relations of sources, cues and contents, if the head marks these.
    pub relations: Option<TextRelations>,
}

/// The words of a text, as byte ranges in order: runs of letters and digits, and each other character that is not white
/// space alone, as in BERT's basic tokenizer.
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
fn word_span(words: &[Range<usize>], range: &Range<usize>) -> Range<usize> {
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
