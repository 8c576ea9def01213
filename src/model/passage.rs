//! Sentences to passages. A model gets a passage in one piece, so each sentence is labelled in the context of its neighbours.

use std::ops::Range;

/// The tokens of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizedText {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// For each token its half-open byte range in the text; empty for special tokens.
    pub offsets: Vec<(usize, usize)>,
    /// The text was longer than the model's maximum and has been truncated.
    pub is_truncated: bool,
}

/// Neighbouring sentences that a model gets in one piece: one opening and one closing special token around all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// The sentences, in order; before them the document's own segment, where there is one.
    pub segments: Vec<Segment>,
    /// True if the first segment is the document's: the opening token and the title. Its labels are for the document, not for a
    /// sentence.
    pub has_document: bool,
}

/// One sentence of a passage, or its document's title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its tokens, as a range of places in [`Passage::ids`].
    pub tokens: Range<usize>,
    /// For each of its tokens its half-open byte range in the sentence; empty for special tokens.
    pub offsets: Vec<(usize, usize)>,
    /// The sentence was longer than the model's maximum and has been truncated.
    pub is_truncated: bool,
}

impl Passage {
    /// A passage of one text. Its segment has the special tokens, too.
    #[must_use]
    pub fn alone(text: TokenizedText) -> Self {
        let segment = Segment { tokens: 0..text.ids.len(), offsets: text.offsets, is_truncated: text.is_truncated };
        Self { ids: text.ids, segments: vec![segment], has_document: false }
    }

    /// A passage of several texts. Each of `texts` has special tokens: only the opening one of the first and the closing one of
    /// the last are kept. Segments have no special tokens.
    #[must_use]
    pub fn joined(texts: impl IntoIterator<Item = TokenizedText>) -> Self {
        let mut passage = Self { ids: Vec::new(), segments: Vec::new(), has_document: false };
        let mut closing = None;
        for text in texts {
            let Some((inner, opening, closing_of_text)) = inner(&text) else { continue };
            closing = Some(closing_of_text);
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
        let mut segments = vec![document];
        for segment in self.segments {
            let tokens = segment.tokens.start + shift..segment.tokens.end + shift;
            segments.push(Segment { tokens, ..segment });
        }
        ids.extend_from_slice(sentences);
        Self { ids, segments, has_document: true }
    }

    /// The segments of its sentences.
    #[must_use]
    pub fn sentences(&self) -> &[Segment] {
        &self.segments[usize::from(self.has_document)..]
    }

    /// Joins passages without titles to one: only the opening special token of the first and the closing one of the last are
    /// kept.
    #[must_use]
    pub fn chained<'p>(passages: impl IntoIterator<Item = &'p Self>) -> Self {
        let mut chain = Self { ids: Vec::new(), segments: Vec::new(), has_document: false };
        for passage in passages {
            // The closing token of the passage before, and this one's opening token, would be in the middle.
            chain.ids.pop();
            let skipped = usize::from(!chain.ids.is_empty());
            let shift = chain.ids.len();
            chain.ids.extend_from_slice(&passage.ids[skipped..]);
            for segment in &passage.segments {
                let tokens = segment.tokens.start + shift - skipped..segment.tokens.end + shift - skipped;
                chain.segments.push(Segment { tokens, ..segment.clone() });
            }
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

/// Cuts a document into passages: each range has the places of the sentences of one. `lengths` are the sentences' numbers of
/// tokens without special ones. A passage has at most `passage_tokens`, special tokens included, unless one sentence alone
/// has more, and half of that or more if the sentences allow it.
///
/// Between these bounds a passage ends before the sentence with the smallest of `marks`, which depend on the sentence alone.
/// So two documents that share paragraphs also share passages, wherever the paragraphs are in them, and a cached result of
/// one serves the other. This is content-defined chunking (Muthitacharoen et al. 2001, "A Low-bandwidth Network File System").
#[must_use]
pub fn cut(lengths: &[usize], marks: &[u64], passage_tokens: usize) -> Vec<Range<usize>> {
    const SPECIAL: usize = 2;
    let room = passage_tokens.saturating_sub(SPECIAL).max(1);
    let mut ranges = Vec::new();
    let mut start = 0;
    let mut rest = lengths.iter().sum::<usize>();
    while start < lengths.len() {
        let end = if rest <= room { lengths.len() } else { end_of_passage(lengths, marks, start, rest, room) };
        rest -= lengths[start..end].iter().sum::<usize>();
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// The end of the passage that begins at `start`, with `rest` tokens from there on.
fn end_of_passage(lengths: &[usize], marks: &[u64], start: usize, rest: usize, room: usize) -> usize {
    let least = room / 2;
    let mut ends = Vec::new();
    let mut tokens = 0;
    for end in start + 1..lengths.len() {
        tokens += lengths[end - 1];
        if tokens > room {
            break;
        }
        ends.push((end, tokens));
    }
    // Neither this passage nor the rest should be too short to give context.
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
