//! Token labels to who said what, within one sentence.
//!
//! Labels become parts; every cue takes the nearest source and the contents that are nearest to it.

use crate::record::{Attribution, AttributionKind, Span};
use crate::task::{Part, Tag};

/// A part of an attribution: half-open bytes of the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    part: Part,
    start: usize,
    end: usize,
}

/// The attributions of the sentence that `span` covers in `text`. `tags` and `offsets` have an entry a token; offsets
/// are bytes of the sentence.
pub(super) fn find(text: &str, span: Span, tags: &[Tag], offsets: &[(usize, usize)]) -> Vec<Attribution> {
    let sentence = span.slice(text);
    let pieces = pieces(sentence, tags, offsets);
    let of = |part: Part| pieces.iter().filter(move |piece| piece.part == part).copied().collect::<Vec<_>>();
    let (sources, cues, contents) = (of(Part::Source), of(Part::Cue), of(Part::Content));
    // Without a cue ("Smith: taxes must fall") the source stands in for it.
    let anchors = if cues.is_empty() { &sources } else { &cues };
    let attribution = |anchor: &Piece| {
        let content: Vec<Piece> =
            contents.iter().filter(|content| nearest(anchors, content) == Some(*anchor)).copied().collect();
        let source = nearest(&sources, anchor);
        let cue = (anchor.part == Part::Cue).then_some(*anchor);
        (!content.is_empty()).then(|| Attribution {
            kind: kind(sentence, &content),
            source: source.map(|piece| absolute(text, span, piece)),
            cue: cue.map(|piece| absolute(text, span, piece)),
            content: content.into_iter().map(|piece| absolute(text, span, piece)).collect(),
        })
    };
    anchors.iter().filter_map(attribution).collect()
}

/// Joins tokens of one part into pieces. A part that begins with an inner label begins all the same, and the inner
/// pieces of a word follow its first.
fn pieces(sentence: &str, tags: &[Tag], offsets: &[(usize, usize)]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open = None;
    let mut word_end = 0;
    for (&tag, &(start, end)) in tags.iter().zip(offsets).filter(|(_, (start, end))| start < end) {
        let continues_word = start == word_end && is_inside_word(sentence, start);
        word_end = end;
        let part = match tag {
            _ if continues_word => open,
            Tag::Outside => None,
            Tag::Begin(part) | Tag::Inside(part) => Some(part),
        };
        let is_new = part != open || (matches!(tag, Tag::Begin(_)) && !continues_word);
        open = part;
        match (part, pieces.last_mut()) {
            (None, _) => {}
            (Some(_), Some(piece)) if !is_new => piece.end = end,
            (Some(part), _) => pieces.push(Piece { part, start, end }),
        }
    }
    pieces
}

fn is_inside_word(sentence: &str, byte: usize) -> bool {
    let (before, after) = sentence.split_at(byte);
    let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    is_word(before.chars().next_back()) && is_word(after.chars().next())
}

/// The candidate with the smallest gap to `piece`, the first of equals.
fn nearest(candidates: &[Piece], piece: &Piece) -> Option<Piece> {
    let gap = |other: &Piece| other.start.saturating_sub(piece.end) + piece.start.saturating_sub(other.end);
    candidates.iter().min_by_key(|other| gap(other)).copied()
}

fn kind(sentence: &str, content: &[Piece]) -> AttributionKind {
    let quoted = quoted_ranges(sentence);
    let is_word = |(byte, character): &(usize, char)| {
        character.is_alphanumeric() && content.iter().any(|piece| (piece.start..piece.end).contains(byte))
    };
    let is_quoted = |(byte, _): (usize, char)| quoted.iter().any(|range| range.contains(&byte));
    let words = sentence.char_indices().filter(is_word);
    let (inside, all) =
        words.fold((0_usize, 0_usize), |(inside, all), word| (inside + usize::from(is_quoted(word)), all + 1));
    match inside {
        0 => AttributionKind::Indirect,
        _ if inside == all => AttributionKind::Direct,
        _ => AttributionKind::Mixed,
    }
}

/// What stands between quotation marks. A mark that is never closed reaches to the sentence's end, and one that was
/// never opened from its beginning.
fn quoted_ranges(sentence: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut open: Option<usize> = None;
    for (byte, character) in sentence.char_indices() {
        match (character, open) {
            ('“' | '«' | '„', _) | ('"', None) => open = Some(byte),
            ('”' | '»' | '"', Some(start)) => {
                ranges.push(start..byte);
                open = None;
            }
            ('”' | '»', None) if ranges.is_empty() => ranges.push(0..byte),
            _ => {}
        }
    }
    ranges.extend(open.map(|start| start..sentence.len()));
    ranges
}

fn absolute(text: &str, sentence: Span, piece: Piece) -> Span {
    let (byte_start, byte_end) = (sentence.byte_start + piece.start, sentence.byte_start + piece.end);
    let start = sentence.start + text[sentence.byte_start..byte_start].chars().count();
    Span { start, end: start + text[byte_start..byte_end].chars().count(), byte_start, byte_end }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tags words by what stands in brackets before them: `[s Kishida] [c said] [x taxes fall]`.
    fn attributions(marked: &str) -> Vec<(AttributionKind, String, String, Vec<String>)> {
        let (mut text, mut tags, mut offsets) = ("Ünrelated. ".to_owned(), Vec::new(), Vec::new());
        let offset = text.len();
        let (mut part, mut is_first) = (None, false);
        for word in marked.split_inclusive([' ', ']']) {
            match word.trim_end() {
                "[s" => (part, is_first) = (Some(Part::Source), true),
                "[c" => (part, is_first) = (Some(Part::Cue), true),
                "[x" => (part, is_first) = (Some(Part::Content), true),
                trimmed => {
                    let closed = trimmed.ends_with(']');
                    let plain = trimmed.trim_end_matches(']');
                    let start = text.len() - offset;
                    text.push_str(plain);
                    offsets.push((start, text.len() - offset));
                    tags.push(match part {
                        None => Tag::Outside,
                        Some(part) if is_first => Tag::Begin(part),
                        Some(part) => Tag::Inside(part),
                    });
                    is_first = false;
                    if closed {
                        part = None;
                    }
                    if word.ends_with(' ') {
                        text.push(' ');
                    }
                }
            }
        }
        let span = Span { start: 11, end: text.chars().count(), byte_start: offset, byte_end: text.len() };
        let show = |span: Option<Span>| span.map_or(String::new(), |span| span.slice(&text).to_owned());
        find(&text, span, &tags, &offsets)
            .into_iter()
            .map(|found| {
                let content = found.content.iter().map(|&span| show(Some(span))).collect();
                (found.kind, show(found.source), show(found.cue), content)
            })
            .collect()
    }

    fn expected(
        kind: AttributionKind,
        source: &str,
        cue: &str,
        content: &[&str],
    ) -> (AttributionKind, String, String, Vec<String>) {
        (kind, source.into(), cue.into(), content.iter().map(|&piece| piece.into()).collect())
    }

    #[test]
    fn source_cue_and_content_are_joined() {
        let found = attributions("[s Prime Minister Kishida] [c stated] [x that Japan would arm]");
        let kishida =
            expected(AttributionKind::Indirect, "Prime Minister Kishida", "stated", &["that Japan would arm"]);
        assert_eq!(found, [kishida]);
    }

    #[test]
    fn a_content_around_its_cue_is_one_attribution() {
        let found = attributions("[x “Taxes fall,”] [s she] [c said,] [x “and soon.”]");
        assert_eq!(found, [expected(AttributionKind::Direct, "she", "said,", &["“Taxes fall,”", "“and soon.”"])]);
    }

    #[test]
    fn two_cues_make_two_attributions() {
        let found = attributions("[s Ann] [c says] [x yes] but [s Bob] [c says] [x “no” firmly]");
        assert_eq!(found[0], expected(AttributionKind::Indirect, "Ann", "says", &["yes"]));
        assert_eq!(found[1], expected(AttributionKind::Mixed, "Bob", "says", &["“no” firmly"]));
    }

    #[test]
    fn a_cue_without_content_says_nothing() {
        assert!(attributions("[s Ann] [c spoke] at length").is_empty());
    }

    #[test]
    fn a_source_can_do_without_a_cue() {
        assert_eq!(
            attributions("[s Smith:] [x taxes must fall]"),
            [expected(AttributionKind::Indirect, "Smith:", "", &["taxes must fall"])]
        );
    }

    #[test]
    fn a_word_is_never_cut() {
        let tags = [Tag::Begin(Part::Source), Tag::Outside, Tag::Begin(Part::Cue), Tag::Begin(Part::Content)];
        let pieces = pieces("Kishida says no", &tags, &[(0, 3), (3, 7), (8, 12), (13, 15)]);
        assert_eq!((pieces[0].start, pieces[0].end), (0, 7));
        assert_eq!(pieces.len(), 3);
    }
}
