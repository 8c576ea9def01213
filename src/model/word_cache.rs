//! A cache of the tokens of words: a tokenizer of BERT's kind splits each word independently, and a few words are most of any text.

use std::sync::Arc;

use quick_cache::sync::Cache;
use tokenizers::models::ModelWrapper;
use tokenizers::normalizers::NormalizerWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;

/// Tokens, and their places in their text.
#[derive(Debug, PartialEq)]
pub(super) struct Tokens {
    pub(super) ids: Vec<u32>,
    /// Half-open ranges of bytes.
    pub(super) offsets: Vec<(usize, usize)>,
}

/// The maximum number of words in the cache.
const WORDS: usize = 1 << 16;

/// Longer words are rare, and not cached.
const MAX_WORD_BYTES: usize = 32;

/// Characters that surely end a word. The tokenizer may treat other spaces as control characters, which it drops.
const SPACES: [char; 4] = [' ', '\t', '\n', '\r'];

/// Words of one tokenizer with their tokens.
#[derive(Debug)]
pub(super) struct WordCache {
    known: Cache<Box<str>, Arc<Tokens>>,
    /// The tokens that open and close every text.
    ends: [u32; 2],
}

impl WordCache {
    /// An empty cache for `tokenizer`; `None` if the tokens of a word may depend on its neighbours.
    pub(super) fn new(tokenizer: &tokenizers::Tokenizer) -> Option<Self> {
        let by_word = matches!(tokenizer.get_pre_tokenizer(), Some(PreTokenizerWrapper::BertPreTokenizer(_)))
            && matches!(tokenizer.get_normalizer(), None | Some(NormalizerWrapper::BertNormalizer(_)))
            && matches!(tokenizer.get_model(), ModelWrapper::WordPiece(_));
        let mut added = tokenizer.get_added_tokens_decoder().into_values();
        let spans_words = added.any(|token| token.lstrip || token.rstrip || token.content.contains(SPACES));
        let ends = tokenizer.encode("", true).ok()?.get_ids().try_into().ok()?;
        (by_word && !spans_words).then(|| Self { known: Cache::new(WORDS), ends })
    }

    /// The tokens of `text`, with those that open and close it.
    pub(super) fn tokens(&self, text: &str, tokenizer: &tokenizers::Tokenizer) -> tokenizers::Result<Tokens> {
        let [first, last] = self.ends;
        let mut tokens = Tokens { ids: vec![first], offsets: vec![(0, 0)] };
        let mut start = 0;
        for word in text.split(SPACES) {
            if !word.is_empty() {
                self.add(word, start, &mut tokens, tokenizer)?;
            }
            start += word.len() + 1;
        }
        tokens.ids.push(last);
        tokens.offsets.push((0, 0));
        Ok(tokens)
    }

    /// Adds the tokens of `word`, which begins at the byte `start` of the text.
    fn add(
        &self,
        word: &str,
        start: usize,
        tokens: &mut Tokens,
        tokenizer: &tokenizers::Tokenizer,
    ) -> tokenizers::Result<()> {
        let found = match self.known.get(word) {
            Some(found) => found,
            None => self.tokenize(word, tokenizer)?,
        };
        tokens.ids.extend(&found.ids);
        tokens.offsets.extend(found.offsets.iter().map(|&(from, to)| (start + from, start + to)));
        Ok(())
    }

    /// Tokenizes `word` and caches the result.
    fn tokenize(&self, word: &str, tokenizer: &tokenizers::Tokenizer) -> tokenizers::Result<Arc<Tokens>> {
        let encoding = tokenizer.encode(word, false)?;
        let found = Tokens { ids: encoding.get_ids().to_vec(), offsets: encoding.get_offsets().to_vec() };
        let found = Arc::new(found);
        if word.len() <= MAX_WORD_BYTES {
            self.known.insert(word.into(), Arc::clone(&found));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn tokenizer() -> tokenizers::Tokenizer {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom/tokenizer.json");
        let mut tokenizer = tokenizers::Tokenizer::from_file(path).unwrap();
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).unwrap();
        tokenizer
    }

    fn whole(text: &str, tokenizer: &tokenizers::Tokenizer) -> Tokens {
        let encoding = tokenizer.encode(text, true).unwrap();
        Tokens { ids: encoding.get_ids().to_vec(), offsets: encoding.get_offsets().to_vec() }
    }

    #[test]
    fn what_stands_between_words_is_no_word() {
        let (tokenizer, text) =
            (tokenizer(), "  The “Überall” café\u{a0}—\u{85}said\r\n\tMr.\u{b}O’Neil  [SEP] [MASK]. ");
        let words = WordCache::new(&tokenizer).unwrap();
        for _ in 0..2 {
            assert_eq!(words.tokens(text, &tokenizer).unwrap(), whole(text, &tokenizer));
        }
    }

    #[test]
    fn a_tokenizer_that_looks_beyond_words_is_left_alone() {
        let mut tokenizer = tokenizer();
        tokenizer.with_pre_tokenizer(None::<PreTokenizerWrapper>);
        assert!(WordCache::new(&tokenizer).is_none());
    }

    proptest! {
        #[test]
        fn word_by_word_is_as_in_one_piece(text in "(\\PC|[ a-z\u{300}\u{301}\u{85}\u{b}\u{200b}\u{2028}\u{3000}字ς\r\n\t]){0,40}") {
            let tokenizer = tokenizer();
            let words = WordCache::new(&tokenizer).unwrap();
            prop_assert_eq!(words.tokens(&text, &tokenizer).unwrap(), whole(&text, &tokenizer));
        }
    }
}
