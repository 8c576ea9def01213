//! The words of a sentence that speak for a label and against it: the sentence is read again without each of them.

use std::ops::Range;

use serde::Serialize;

use crate::model::document::log_probability;
use crate::record::{Sentence, Span, SplitDocument};

/// The largest number of words that are left out, one by one. Further words of a longer sentence have no weight.
pub(super) const MAX_WORDS: usize = 60;

/// A word, and what it does to the score of a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WordWeight {
    /// The word.
    pub word: String,
    /// Its first code point in the document's text.
    pub start: usize,
    /// One past its last code point.
    pub end: usize,
    /// The log-odds of the label with the word minus those without it: above 0 the word speaks for the label.
    pub weight: f64,
}

/// The words of `sentence` as byte ranges of its text, the first [`MAX_WORDS`].
pub(super) fn words(sentence: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut begin = None;
    for (place, character) in sentence.char_indices() {
        let is_inner = begin.is_some() && matches!(character, '\'' | '’' | '-');
        match (character.is_alphanumeric() || is_inner, begin) {
            (true, None) => begin = Some(place),
            (false, Some(start)) => {
                words.push(start..place);
                begin = None;
            }
            _ => {}
        }
    }
    words.extend(begin.map(|start| start..sentence.len()));
    for word in &mut words {
        let kept = sentence[word.clone()].trim_end_matches(['\'', '’', '-']).len();
        word.end = word.start + kept;
    }
    words.truncate(MAX_WORDS);
    words
}

/// The passage without the bytes `word` of its sentence number `index`.
pub(super) fn without(passage: &SplitDocument, index: usize, word: &Range<usize>) -> SplitDocument {
    let start = passage.sentences[index].span.byte_start;
    let removed = start + word.start..start + word.end;
    let mut text = passage.document.text.clone();
    let characters = text[removed.clone()].chars().count();
    text.replace_range(removed.clone(), "");
    let mut sentences: Vec<Sentence> = passage.sentences.clone();
    for sentence in &mut sentences[index..] {
        sentence.span = shortened(sentence.span, removed.start, removed.len(), characters);
    }
    let mut document = passage.document.clone();
    document.text = text;
    SplitDocument { document, sentences }
}

/// A span after so many bytes and characters at byte `at` were removed, which lie inside it or before it.
fn shortened(span: Span, at: usize, bytes: usize, characters: usize) -> Span {
    let mut shortened = span;
    if span.byte_start > at {
        shortened.byte_start -= bytes;
        shortened.start -= characters;
    }
    shortened.byte_end -= bytes;
    shortened.end -= characters;
    shortened
}

/// The logarithm of the odds of a probability.
pub(super) fn log_odds(probability: f32) -> f64 {
    log_probability(probability) - log_probability(1.0 - probability)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Document;
    use crate::sentences::sentences;

    #[test]
    fn words_are_letters_digits_and_what_joins_them() {
        let text = "“Don't”, said the vice-president’s aide - at 5.30 p.m.";
        let found: Vec<&str> = words(text).into_iter().map(|word| &text[word]).collect();
        assert_eq!(found, ["Don't", "said", "the", "vice-president’s", "aide", "at", "5", "30", "p", "m"]);
    }

    #[test]
    fn later_sentences_move_when_a_word_is_left_out() {
        let text = "Zoë paid £5. She left.";
        let passage = SplitDocument { sentences: sentences(text), document: Document::of_text(text.to_owned()) };
        let shorter = without(&passage, 0, &words("Zoë paid £5.")[0]);
        assert_eq!(shorter.document.text, " paid £5. She left.");
        let texts: Vec<&str> =
            shorter.sentences.iter().map(|sentence| sentence.span.slice(&shorter.document.text)).collect();
        assert_eq!(texts, [" paid £5.", "She left."]);
        let second = shorter.sentences[1].span;
        assert_eq!((second.start, second.end), (10, 19));
    }

    #[test]
    fn log_odds_are_those_of_the_textbook() {
        assert!(log_odds(0.5).abs() < 1e-6);
        assert!((log_odds(0.9) - 9_f64.ln()).abs() < 1e-5);
        assert!(log_odds(1.0).is_finite() && log_odds(0.0).is_finite());
    }
}
