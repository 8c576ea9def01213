//! Those who write "I" outside quotations: the author of a column, and the signatory of a letter.

use super::mentions::{self, Mention, MentionKind};
use super::words::{self, Word};

/// A salutation is one of the first words of a sentence.
const SALUTATION_WORDS: usize = 4;

/// The person whom a byline names, if it is one person and nothing else: not "Ida Brenn and Bob Roe", not "Reuters".
pub(super) fn only_author(byline: &str) -> Option<String> {
    let byline = byline.trim();
    let name = byline.strip_prefix("By ").or_else(|| byline.strip_prefix("by ")).unwrap_or(byline).trim();
    // A name at the beginning of a sentence may be another word, so it stands inside one.
    let sentence = format!("We met {name}");
    let words = words::find(&sentence, std::slice::from_ref(&(0..sentence.len())));
    let mentions = mentions::find(&words);
    let [Mention { name: range, kind: MentionKind::Person, role: None, .. }] = mentions.as_slice() else {
        return None;
    };
    (*range == (2..words.len()) && range.len() > 1).then(|| name.to_owned())
}

/// Returns true for a text with the salutation of a letter to an editor.
pub(super) fn is_letter(words: &[Word]) -> bool {
    words.chunk_by(|one, next| one.sentence == next.sentence).any(|sentence| {
        let beginning = &sentence[..sentence.len().min(SALUTATION_WORDS)];
        let is_addressed = beginning.iter().any(|word| matches!(word.lower.as_str(), "sir" | "madam" | "editor"));
        match beginning {
            [first, ..] if matches!(first.text, "Sir" | "SIR" | "Madam") => first.comma_follows(),
            [first, ..] => is_addressed && matches!(first.lower.as_str(), "dear" | "to"),
            [] => false,
        }
    })
}

/// The mentions that are a line of their own with a person's name.
pub(super) fn signatures(words: &[Word], mentions: &[Mention]) -> Vec<usize> {
    let is_signature = |at: &usize| {
        let Mention { name, kind, .. } = &mentions[*at];
        let sentence = words[name.start].sentence;
        let begins = name.start == 0 || words[name.start - 1].sentence != sentence;
        let ends = words.get(name.end).is_none_or(|next| next.sentence != sentence);
        begins && ends && name.len() > 1 && *kind != MentionKind::Organisation
    };
    (0..mentions.len()).filter(is_signature).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byline_names_one_author_or_several_or_none() {
        for byline in ["Ann Lee", "By Ann Lee", "by Ann Lee "] {
            assert_eq!(only_author(byline).as_deref(), Some("Ann Lee"), "{byline}");
        }
        for byline in ["", "Reuters", "Ann Lee and Bob Roe", "Ann Lee, Bob Roe", "Staff", "Ann", "By Oslo Bank"] {
            assert_eq!(only_author(byline), None, "{byline}");
        }
    }
}
