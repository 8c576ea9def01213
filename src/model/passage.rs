//! Sentences to passages: what a model reads in one piece, so that a sentence is understood among its neighbours.

use std::ops::Range;

/// A text as a model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizedText {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// For each token the half-open byte range of the text that it stands for; empty for special tokens.
    pub offsets: Vec<(usize, usize)>,
    /// The text was longer than the model reads and has been cut.
    pub is_truncated: bool,
}

/// Sentences that stand together, as a model reads them: one opening and one closing special token around all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// The sentences, in order; before them the document's own segment, where there is one.
    pub segments: Vec<Segment>,
    /// Whether the first segment is the document's: the opening token and the title. What a head finds in it is said of
    /// the document, not of a sentence.
    pub has_document: bool,
}

/// One sentence of a passage, or its document's title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its tokens, by their places in [`Passage::ids`].
    pub tokens: Range<usize>,
    /// For each of its tokens the half-open byte range of the sentence that it stands for; empty for special tokens.
    pub offsets: Vec<(usize, usize)>,
    /// The sentence was longer than the model reads and has been cut.
    pub is_truncated: bool,
}

impl Passage {
    /// A text on its own. Its segment has the special tokens, too.
    #[must_use]
    pub fn alone(text: TokenizedText) -> Self {
        let segment = Segment { tokens: 0..text.ids.len(), offsets: text.offsets, is_truncated: text.is_truncated };
        Self { ids: text.ids, segments: vec![segment], has_document: false }
    }

    /// Texts in a row, each with special tokens of its own at first: the opening one of the first and the closing one of
    /// the last stay. Segments have no special tokens.
    #[must_use]
    pub fn joined(texts: impl IntoIterator<Item = TokenizedText>) -> Self {
        let mut passage = Self { ids: Vec::new(), segments: Vec::new(), has_document: false };
        let mut closing = None;
        for text in texts {
            let Some((inner, opening, last)) = inner(&text) else { continue };
            closing = Some(last);
            if passage.ids.is_empty() {
                passage.ids.push(opening);
            }
            let start = passage.ids.len();
            passage.ids.extend_from_slice(&text.ids[inner.clone()]);
            let segment = Segment {
                tokens: start..passage.ids.len(),
                offsets: text.offsets[inner].to_vec(),
                is_truncated: text.is_truncated,
            };
            passage.segments.push(segment);
        }
        passage.ids.extend(closing);
        passage
    }

    /// The same passage with a document's `title` in front, which may be empty: opening token, title, closing token, sentences.
    /// The document's segment is the opening token and the title. Without a title the tokens are the passage's own.
    #[must_use]
    pub fn under_title(self, title: &TokenizedText) -> Self {
        let Some((&opening, sentences)) = self.ids.split_first() else { return self };
        let mut ids = vec![opening];
        if let Some((inner, _, closing)) = inner(title).filter(|(inner, ..)| !inner.is_empty()) {
            ids.extend_from_slice(&title.ids[inner]);
            ids.push(closing);
        }
        let shift = ids.len() - 1;
        let title_tokens = ids.len() - usize::from(shift > 0);
        let document = Segment { tokens: 0..title_tokens, offsets: vec![(0, 0); title_tokens], is_truncated: false };
        let moved = self
            .segments
            .into_iter()
            .map(|segment| Segment { tokens: segment.tokens.start + shift..segment.tokens.end + shift, ..segment });
        let segments = std::iter::once(document).chain(moved).collect();
        ids.extend_from_slice(sentences);
        Self { ids, segments, has_document: true }
    }

    /// The segments of its sentences.
    #[must_use]
    pub fn sentences(&self) -> &[Segment] {
        &self.segments[usize::from(self.has_document)..]
    }

    /// Passages of sentences alone in a row as one: the opening special token of the first and the closing one of the last
    /// stay.
    #[must_use]
    pub fn chained<'p>(passages: impl IntoIterator<Item = &'p Self>) -> Self {
        let mut chain = Self { ids: Vec::new(), segments: Vec::new(), has_document: false };
        for passage in passages {
            // The closing token of what came before gives way; an opening one would stand in the middle.
            chain.ids.pop();
            let skipped = usize::from(!chain.ids.is_empty());
            let shift = chain.ids.len();
            chain.ids.extend_from_slice(&passage.ids[skipped..]);
            let moved = |place: usize| place + shift - skipped;
            chain.segments.extend(passage.segments.iter().map(|segment| Segment {
                tokens: moved(segment.tokens.start)..moved(segment.tokens.end),
                ..segment.clone()
            }));
        }
        chain
    }
}

/// The places of a text's own tokens, and its opening and closing special tokens.
fn inner(text: &TokenizedText) -> Option<(Range<usize>, u32, u32)> {
    match text.ids.as_slice() {
        [opening, inner @ .., closing] => Some((1..inner.len() + 1, *opening, *closing)),
        _ => None,
    }
}

/// Where to cut a document into passages: each range holds the places of sentences that stand together. `lengths` are
/// the sentences' own tokens; a passage has at most `passage_tokens`, special tokens included, unless one sentence alone
/// has more, and half of that or more where sentences allow it.
///
/// Between these bounds a passage ends before the sentence with the smallest of `marks`, which depend on the sentence alone.
/// So two documents that share paragraphs share passages, too, wherever the paragraphs stand in them: what has been read
/// of one is known of the other (content-defined chunking, as in Muthitacharoen et al. 2001).
#[must_use]
pub fn cut(lengths: &[usize], marks: &[u64], passage_tokens: usize) -> Vec<Range<usize>> {
    const SPECIAL: usize = 2;
    let room = passage_tokens.saturating_sub(SPECIAL).max(1);
    let mut ranges = Vec::new();
    let (mut start, mut rest) = (0, lengths.iter().sum::<usize>());
    while start < lengths.len() {
        let end = if rest <= room { lengths.len() } else { end_of_passage(lengths, marks, start, rest, room) };
        rest -= lengths[start..end].iter().sum::<usize>();
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// Where the passage that begins at `start` ends, with `rest` tokens from there on.
fn end_of_passage(lengths: &[usize], marks: &[u64], start: usize, rest: usize, room: usize) -> usize {
    let least = room / 2;
    let ends = (start + 1..lengths.len()).scan(0, |tokens, end| {
        *tokens += lengths[end - 1];
        Some((end, *tokens))
    });
    let ends: Vec<(usize, usize)> = ends.take_while(|&(_, tokens)| tokens <= room).collect();
    // Neither this passage nor what is left should be too short to say anything.
    let good = ends.iter().filter(|&&(_, tokens)| tokens >= least && rest - tokens >= least);
    let half = ends.iter().min_by_key(|&&(_, tokens)| tokens.abs_diff(rest / 2));
    let chosen = good.min_by_key(|&&(end, _)| marks[end]).or(half);
    chosen.map_or(start + 1, |&(end, _)| end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(ids: &[u32]) -> TokenizedText {
        TokenizedText {
            ids: ids.to_vec(),
            offsets: (0..ids.len()).map(|at| (at, at + 1)).collect(),
            is_truncated: false,
        }
    }

    #[test]
    fn joined_texts_share_their_special_tokens() {
        let passage = Passage::joined([text(&[101, 7, 8, 102]), text(&[101, 9, 102])]);
        assert_eq!(passage.ids, [101, 7, 8, 9, 102]);
        let places: Vec<_> = passage.segments.iter().map(|segment| segment.tokens.clone()).collect();
        assert_eq!(places, [1..3, 3..4]);
        assert_eq!(passage.segments[1].offsets, [(1, 2)]);
    }

    #[test]
    fn chained_passages_are_what_joined_texts_are() {
        let texts = [text(&[101, 7, 8, 102]), text(&[101, 9, 102]), text(&[101, 10, 11, 102])];
        let passages = [Passage::joined(texts[..2].to_vec()), Passage::joined(texts[2..].to_vec())];
        assert_eq!(Passage::chained(&passages), Passage::joined(texts));
    }

    #[test]
    fn a_title_stands_before_the_sentences_and_is_the_documents_segment() {
        let sentences = Passage::joined([text(&[101, 7, 8, 102]), text(&[101, 9, 102])]);
        let passage = sentences.clone().under_title(&text(&[101, 5, 6, 102]));
        assert_eq!(passage.ids, [101, 5, 6, 102, 7, 8, 9, 102]);
        let places: Vec<_> = passage.segments.iter().map(|segment| segment.tokens.clone()).collect();
        assert_eq!(places, [0..3, 4..6, 6..7]);
        assert_eq!(passage.sentences().len(), 2);
        let untitled = sentences.clone().under_title(&text(&[101, 102]));
        assert_eq!((&untitled.ids, untitled.segments[0].tokens.clone()), (&sentences.ids, 0..1));
        assert_eq!(untitled.sentences(), sentences.segments);
    }

    #[test]
    fn a_text_alone_keeps_its_special_tokens() {
        assert_eq!(Passage::alone(text(&[101, 7, 102])).segments[0].tokens, 0..3);
    }

    #[test]
    fn a_passage_ends_before_the_sentence_with_the_smallest_mark() {
        assert_eq!(cut(&[10; 6], &[0, 0, 7, 3, 9, 9], 42), [0..3, 3..6]);
        assert_eq!(cut(&[10; 6], &[0, 0, 3, 7, 9, 9], 42), [0..2, 2..6]);
        assert_eq!(cut(&[10; 5], &[0; 5], 42), [0..2, 2..5], "what is left is not too short");
        assert_eq!(cut(&[10; 3], &[0; 3], 32).len(), 1, "what fits is not cut");
    }

    #[test]
    fn a_long_sentence_stands_alone() {
        assert_eq!(cut(&[10, 50, 10], &[0; 3], 32), [0..1, 1..2, 2..3]);
        assert!(cut(&[], &[], 32).is_empty());
    }

    #[test]
    fn texts_that_end_alike_are_soon_cut_alike() {
        let mut chance = fastrand::Rng::with_seed(1);
        let mut sentences = |count: usize| -> Vec<(usize, u64)> {
            (0..count).map(|_| (chance.usize(10..40), chance.u64(..))).collect()
        };
        let (mut alike, pairs) = (0, 300);
        for _ in 0..pairs {
            let shared = sentences(50);
            // Counted from the end, which is where the texts are the same.
            let mut ends = |lead: usize| -> Vec<usize> {
                let (lengths, marks): (Vec<usize>, Vec<u64>) =
                    sentences(lead).into_iter().chain(shared.clone()).unzip();
                let starts = cut(&lengths, &marks, 128).into_iter().map(|range| lengths.len() - range.start);
                starts.filter(|&start| start <= 35).collect()
            };
            alike += usize::from(ends(1) == ends(4));
        }
        assert!(alike * 100 >= pairs * 90, "{alike} of {pairs} have the same passages from the sixteenth sentence on");
    }

    proptest! {
        #[test]
        fn every_sentence_is_in_one_passage_and_the_limit_holds(
            sentences in prop::collection::vec((0_usize..80, any::<u64>()), 0..60),
            passage_tokens in 3_usize..200,
        ) {
            let (lengths, marks): (Vec<usize>, Vec<u64>) = sentences.into_iter().unzip();
            let ranges = cut(&lengths, &marks, passage_tokens);
            let places: Vec<usize> = ranges.iter().cloned().flatten().collect();
            prop_assert_eq!(places, (0..lengths.len()).collect::<Vec<_>>());
            for range in ranges {
                let tokens: usize = lengths[range.clone()].iter().sum();
                prop_assert!(range.len() == 1 || tokens + 2 <= passage_tokens);
            }
        }
    }
}
