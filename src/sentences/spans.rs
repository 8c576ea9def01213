//! Turns segments into sentences, with offsets in code points as well as bytes.

use super::{Segment, segment};
use crate::record::{Sentence, Span};

/// The sentences of `text`, in order. They do not overlap, and every letter and digit is in one of them.
#[must_use]
pub fn sentences(text: &str) -> Vec<Sentence> {
    let mut ruler = Ruler { text, byte: 0, character: 0 };
    segment(text)
        .into_iter()
        .map(|Segment { start, end, paragraph, heading }| Sentence {
            span: ruler.span(start, end),
            paragraph,
            is_heading: heading,
        })
        .collect()
}

/// Converts byte offsets to code points, in one pass over the text.
struct Ruler<'t> {
    text: &'t str,
    byte: usize,
    character: usize,
}

impl Ruler<'_> {
    fn span(&mut self, byte_start: usize, byte_end: usize) -> Span {
        Span { start: self.advance(byte_start), end: self.advance(byte_end), byte_start, byte_end }
    }

    fn advance(&mut self, byte: usize) -> usize {
        self.character += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        self.character
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_count_code_points_and_bytes() {
        let text = "Zürich – schön.\n\nÇa va? Oui.";
        let spans: Vec<_> = sentences(text).iter().map(|sentence| sentence.span).collect();
        assert_eq!(spans[0], Span { start: 0, end: 15, byte_start: 0, byte_end: 19 });
        assert_eq!((spans[1].slice(text), spans[2].slice(text)), ("Ça va?", "Oui."));
        for span in spans {
            let by_characters: String = text.chars().skip(span.start).take(span.end - span.start).collect();
            assert_eq!(by_characters, span.slice(text));
        }
    }

    proptest! {
        #[test]
        fn a_span_is_the_same_place_in_code_points_and_in_bytes(
            pieces in prop::collection::vec(
                prop::sample::select(&["é", "字。", "👩‍👩", "İs ", "One. ", "Two! ", "\n\n", "“", "”", " ", "\r\n"][..]),
                0..60,
            ),
            other in any::<String>(),
        ) {
            for text in [pieces.concat(), other] {
                let mut end = 0;
                for Sentence { span, .. } in sentences(&text) {
                    let before = text[..span.byte_start].chars().count();
                    prop_assert_eq!((span.start, span.end), (before, before + span.slice(&text).chars().count()));
                    prop_assert!(span.start >= end && span.start < span.end);
                    end = span.end;
                }
            }
        }
    }

    #[test]
    fn a_heading_is_a_sentence_of_its_own() {
        let text = "Storm hits coast\n\nIt rained for days. Rivers rose.";
        let found: Vec<_> = sentences(text)
            .iter()
            .map(|sentence| (sentence.span.slice(text), sentence.paragraph, sentence.is_heading))
            .collect();
        let expected = [("Storm hits coast", 0, true), ("It rained for days.", 1, false), ("Rivers rose.", 1, false)];
        assert_eq!(found, expected);
    }
}
