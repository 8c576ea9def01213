//! Text to tokens, truncated to a model's maximum lengths.

use std::path::Path;
use std::sync::Arc;

use super::passage::{Passage, TokenizedText, cut};
use super::word_cache::{Tokens, WordCache};
use super::{ModelError, TokenLimits};

/// A model's tokenizer. Shared by all threads.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// `None` if the tokens of a word depend on its neighbours.
    word_cache: Option<Arc<WordCache>>,
    limits: TokenLimits,
}

impl Tokenizer {
    /// Loads a `tokenizer.json`. Its own rules of truncation and padding are switched off: texts are truncated to
    /// `limits` and never padded.
    ///
    /// # Errors
    /// If the file is not a tokenizer.
    pub fn load(path: &Path, limits: TokenLimits) -> Result<Self, ModelError> {
        let inner = load_unlimited(path).map_err(|cause| ModelError::Invalid { path: path.to_owned(), cause })?;
        Ok(Self { word_cache: WordCache::new(&inner).map(Arc::new), inner, limits })
    }

    /// The same tokenizer for a model that reads passages, with a passage for each sentence.
    #[must_use]
    pub fn by_sentence(&self) -> Self {
        let limits = TokenLimits { passage_tokens: self.limits.passage_tokens.map(|_| 1), ..self.limits };
        Self { limits, ..self.clone() }
    }

    /// The tokens of `text`, with special tokens, truncated to the longest sentence that the model takes.
    ///
    /// # Errors
    /// If the tokenizer fails on it.
    pub fn tokenize(&self, text: &str) -> Result<TokenizedText, ModelError> {
        let tokens = self.tokens(text).map_err(|cause| ModelError::Tokenizer { cause })?;
        let Tokens { mut ids, mut offsets } = tokens;
        let is_truncated = ids.len() > self.limits.text_tokens;
        if is_truncated {
            keep_ends(&mut ids, self.limits.text_tokens);
            keep_ends(&mut offsets, self.limits.text_tokens);
        }
        Ok(TokenizedText { ids, offsets, is_truncated })
    }

    fn tokens(&self, text: &str) -> tokenizers::Result<Tokens> {
        if let Some(word_cache) = &self.word_cache {
            return word_cache.tokens(text, &self.inner);
        }
        let encoding = self.inner.encode(text, true)?;
        Ok(Tokens { ids: encoding.get_ids().to_vec(), offsets: encoding.get_offsets().to_vec() })
    }

    /// True if `text` is too long for one passage.
    #[must_use]
    pub fn is_long(&self, text: &TokenizedText) -> bool {
        text.is_truncated || self.limits.passage_tokens.is_some_and(|most| text.ids.len() > most)
    }

    /// The tokens of a document's title, truncated to the model's maximum; without a title the special tokens alone. `None` for
    /// a model whose passages have no title.
    ///
    /// # Errors
    /// If the tokenizer fails on it.
    pub fn tokenize_title(&self, title: Option<&str>) -> Result<Option<TokenizedText>, ModelError> {
        let Some(title_tokens) = self.limits.title_tokens else { return Ok(None) };
        let title = self.tokenize(title.unwrap_or_default())?;
        let kept = title.own_tokens().min(title_tokens);
        Ok(Some(title.first(kept)))
    }

    /// Consecutive sentences as passages, in order: a segment a sentence, and before them the document's if there is a `title`,
    /// even an empty one. If the model has no `passage_tokens`, each sentence is a passage of its own, without a title.
    #[must_use]
    pub fn passages(&self, sentences: Vec<TokenizedText>, title: Option<&TokenizedText>) -> Vec<Passage> {
        let Some(passage_tokens) = self.limits.passage_tokens else {
            return sentences.into_iter().map(Passage::alone).collect();
        };
        let lengths: Vec<usize> = sentences.iter().map(TokenizedText::own_tokens).collect();
        let marks: Vec<u64> = sentences.iter().map(TokenizedText::mark).collect();
        let mut sentences = sentences.into_iter();
        let mut passages = Vec::new();
        for range in cut(&lengths, &marks, passage_tokens) {
            let passage = Passage::joined(sentences.by_ref().take(range.len()));
            passages.push(match title {
                Some(title) => passage.under_title(title),
                None => passage,
            });
        }
        passages
    }

    /// A text between its two neighbours, and the place of its segment. The neighbours are truncated, on their far sides, to the
    /// tokens that the text leaves of a passage; each gets half of these, and those that the other does not use.
    #[must_use]
    pub fn passage_around(&self, text: TokenizedText, neighbours: [&TokenizedText; 2]) -> (Passage, usize) {
        let Some(passage_tokens) = self.limits.passage_tokens else {
            return (Passage::alone(text), 0);
        };
        let [before, after] = neighbours;
        let room = passage_tokens.saturating_sub(text.ids.len());
        let kept_before = before.own_tokens().min((room / 2).max(room.saturating_sub(after.own_tokens())));
        let kept_after = after.own_tokens().min(room - kept_before);
        let texts = [before.last(kept_before), text, after.first(kept_after)];
        let place = usize::from(kept_before > 0);
        (Passage::joined(texts.into_iter().filter(|text| text.own_tokens() > 0)), place)
    }
}

impl TokenizedText {
    /// The number of tokens without special ones.
    #[must_use]
    pub fn own_tokens(&self) -> usize {
        self.ids.len().saturating_sub(2)
    }

    /// A number that depends on its tokens alone, on every machine (FNV-1a).
    fn mark(&self) -> u64 {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for &id in &self.ids {
            hash = (hash ^ u64::from(id)).wrapping_mul(0x0100_0000_01b3);
        }
        // The byte order decides which mark is the smallest: another one would cut texts into other passages (see `REVISION`).
        hash.swap_bytes()
    }

    /// Its first `count` tokens between its special ones.
    fn first(&self, count: usize) -> Self {
        self.without(1 + count..self.ids.len().saturating_sub(1))
    }

    /// Its last `count` tokens between its special ones.
    fn last(&self, count: usize) -> Self {
        self.without(1..self.ids.len().saturating_sub(1 + count))
    }

    fn without(&self, places: std::ops::Range<usize>) -> Self {
        let mut cut = self.clone();
        if places.start < places.end {
            cut.ids.drain(places.clone());
            cut.offsets.drain(places);
            cut.is_truncated = true;
        }
        cut
    }
}

/// Loads a tokenizer that neither pads nor truncates.
fn load_unlimited(path: &Path) -> tokenizers::Result<tokenizers::Tokenizer> {
    let mut tokenizer = tokenizers::Tokenizer::from_file(path)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None)?;
    Ok(tokenizer)
}

/// Truncates to `count` items, of which the last, the closing special token, stays the last.
fn keep_ends<T: Copy>(items: &mut Vec<T>, count: usize) {
    if let Some(&last) = items.last() {
        items.truncate(count.saturating_sub(1));
        items.push(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer(max_tokens: usize) -> Tokenizer {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom/tokenizer.json");
        Tokenizer::load(&path, TokenLimits { text_tokens: max_tokens, passage_tokens: Some(16), title_tokens: None })
            .unwrap()
    }

    #[test]
    fn tokens_know_their_bytes() {
        let text = "Überall café news";
        let tokenized = tokenizer(64).tokenize(text).unwrap();
        assert_eq!(tokenized.offsets.first(), Some(&(0, 0)), "[CLS] stands for nothing");
        assert_eq!(tokenized.offsets.last(), Some(&(0, 0)), "[SEP] stands for nothing");
        let words: String = tokenized.offsets.iter().map(|&(start, end)| &text[start..end]).collect();
        assert_eq!(words, "Überallcafénews");
    }

    #[test]
    fn a_short_text_is_neither_padded_nor_cut() {
        let tokenized = tokenizer(64).tokenize("Rates rose.").unwrap();
        assert_eq!(tokenized.ids.len(), 5);
        assert!(!tokenized.is_truncated);
    }

    #[test]
    fn a_long_text_is_cut_and_keeps_its_closing_token() {
        let text = "word ".repeat(500);
        let tokenized = tokenizer(32).tokenize(&text).unwrap();
        assert!(tokenized.is_truncated);
        assert_eq!((tokenized.ids.len(), tokenized.offsets.len()), (32, 32));
        assert_eq!((tokenized.ids[0], tokenized.ids[31]), (101, 102));
    }

    #[test]
    fn a_text_stands_between_its_neighbours() {
        let tokenizer = tokenizer(64);
        let tokenize = |text| tokenizer.tokenize(text).unwrap();
        let (before, after) = (tokenize("a b c d e f g h i j k l"), tokenize("m n"));
        let (passage, place) = tokenizer.passage_around(tokenize("x y z"), [&before, &after]);
        assert_eq!((passage.ids.len(), place), (16, 1));
        assert_eq!(passage.ids[1..10], before.ids[4..13], "the nearest of what is before");
        assert_eq!(passage.segments[1].tokens, 10..13);
        let nothing = tokenize("");
        assert_eq!(tokenizer.passage_around(tokenize("x"), [&nothing, &nothing]).1, 0);
    }

    #[test]
    fn sentences_are_read_in_passages() {
        let tokenizer = tokenizer(64);
        let sentences = ["a b c d e f", "g h i j k", "l m n o p q r"].map(|text| tokenizer.tokenize(text).unwrap());
        let passages = tokenizer.passages(sentences.to_vec(), None);
        let segments = |passages: &[Passage]| passages.iter().map(|passage| passage.segments.len()).collect::<Vec<_>>();
        assert_eq!(segments(&passages), [2, 1]);
        assert_eq!(segments(&tokenizer.by_sentence().passages(sentences.to_vec(), None)), [1, 1, 1]);
    }
}
