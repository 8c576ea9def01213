//! Relations of a document to the attributions of its statements.

use std::ops::Range;

use super::{Page, Relation, shared};
use crate::record::{Attribution, AttributionKind, Span, Speaker, Statement};

/// Gives each statement the attributions of which something is said in it, with what is said of them there. `speakers`
/// has an entry a relation.
pub(super) fn place(
    page: &Page<'_, '_>,
    relations: &[Relation],
    speakers: &[Option<Speaker>],
    statements: &mut [Statement],
) {
    for (number, (relation, speaker)) in relations.iter().zip(speakers).enumerate() {
        let ruler = Ruler { page, statements };
        let attribution = Attribution {
            number,
            kind: kind(page, &relation.content),
            source: relation.source.as_ref().map(|range| ruler.span(range)),
            speaker: speaker.clone(),
            cue: relation.cue.as_ref().map(|range| ruler.span(range)),
            content: Vec::new(),
        };
        let pieces: Vec<(usize, Span)> = relation.content.iter().flat_map(|range| ruler.pieces(range)).collect();
        for of_sentence in pieces.chunk_by(|one, other| one.0 == other.0) {
            let content = of_sentence.iter().map(|(_, span)| *span).collect();
            statements[of_sentence[0].0].attributions.push(Attribution { content, ..attribution.clone() });
        }
    }
}

/// Whether all words of a content, none or some stand between quotation marks.
fn kind(page: &Page<'_, '_>, content: &[Range<usize>]) -> AttributionKind {
    let words = content.iter().flat_map(|range| {
        let letters = page.text[range.clone()].char_indices().filter(|(_, character)| character.is_alphanumeric());
        letters.map(|(byte, _)| range.start + byte)
    });
    let (mut inside, mut all) = (0_usize, 0_usize);
    for byte in words {
        inside += usize::from(page.is_quoted(&(byte..byte + 1)));
        all += 1;
    }
    match inside {
        0 => AttributionKind::Indirect,
        _ if inside == all => AttributionKind::Direct,
        _ => AttributionKind::Mixed,
    }
}

/// Measures in code points what is given in bytes, from the beginning of a sentence.
struct Ruler<'p, 's> {
    page: &'p Page<'p, 'p>,
    statements: &'s [Statement],
}

impl Ruler<'_, '_> {
    fn span(&self, range: &Range<usize>) -> Span {
        let (first, last) = self.page.sentences_of(range);
        Span {
            start: self.character(first, range.start),
            end: self.character(last, range.end),
            byte_start: range.start,
            byte_end: range.end,
        }
    }

    fn character(&self, sentence: usize, byte: usize) -> usize {
        let span = self.statements[sentence].sentence.span;
        span.start + self.page.text[span.byte_start..byte].chars().count()
    }

    /// What of `range` stands in each of its sentences, without the white space between them.
    fn pieces(&self, range: &Range<usize>) -> Vec<(usize, Span)> {
        let (first, last) = self.page.sentences_of(range);
        let piece = |sentence: usize| (sentence, shared(range, &self.page.sentences[sentence].range));
        let pieces = (first..=last).map(piece).filter(|(_, range)| !range.is_empty());
        pieces.map(|(sentence, range)| (sentence, self.span(&range))).collect()
    }
}
