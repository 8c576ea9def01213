//! Text to tokens, cut to what a model reads.

use std::path::Path;

use super::ModelError;

/// A model's tokenizer. Shared by all threads.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    max_tokens: usize,
}

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

impl Tokenizer {
    /// Loads a `tokenizer.json`. Its own rules of truncation and padding are switched off: texts are cut to
    /// `max_tokens` and never padded.
    ///
    /// # Errors
    /// Where the file is no tokenizer.
    pub fn load(path: &Path, max_tokens: usize) -> Result<Self, ModelError> {
        let invalid =
            |cause: tokenizers::Error| ModelError::Invalid { path: path.to_owned(), message: cause.to_string() };
        let mut inner = tokenizers::Tokenizer::from_file(path).map_err(invalid)?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(invalid)?;
        Ok(Self { inner, max_tokens })
    }

    /// The tokens of `text`.
    ///
    /// # Errors
    /// Where the tokenizer cannot make sense of it.
    pub fn tokenize(&self, text: &str) -> Result<TokenizedText, ModelError> {
        let encoding = self.inner.encode(text, true).map_err(|cause| ModelError::Tokenizer { cause })?;
        let (mut ids, mut offsets) = (encoding.get_ids().to_vec(), encoding.get_offsets().to_vec());
        let is_truncated = ids.len() > self.max_tokens;
        if is_truncated {
            keep_ends(&mut ids, self.max_tokens);
            keep_ends(&mut offsets, self.max_tokens);
        }
        Ok(TokenizedText { ids, offsets, is_truncated })
    }
}

/// Cuts before the last item, which is the closing special token.
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
        Tokenizer::load(&path, max_tokens).unwrap()
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
}
