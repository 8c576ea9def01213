//! The words of a text, with facts about their spelling and surroundings.

use std::collections::HashSet;
use std::ops::Range;

use super::lexicon;
use crate::deadline;
use crate::english::{EXCLAIMED_NAMES, NAME_ABBREVIATIONS};

/// A word of the text. Its bytes include a possessive ending, its text does not.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about how a word looks")]
pub(super) struct Word<'t> {
    /// The word without a possessive ending.
    pub text: &'t str,
    /// The same in small letters, with straight apostrophes.
    pub lower: String,
    /// Its bytes in the text.
    pub bytes: Range<usize>,
    /// The text between it and the next word.
    pub gap: &'t str,
    /// The number of its sentence, from 0.
    pub sentence: usize,
    /// It ends in "'s" or "s'".
    pub is_possessive: bool,
    /// It is between quotation marks.
    pub is_quoted: bool,
    /// It begins a sentence or a quotation. A capital says nothing then.
    pub is_opening: bool,
    /// Its sentence is set as a title, where capitals say nothing.
    pub is_in_title: bool,
}

impl Word<'_> {
    /// It begins with a capital.
    pub(super) fn is_capitalised(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_uppercase) || self.is_arabic_name()
    }

    /// It is a name with an article in small letters, like "al-Sadr".
    fn is_arabic_name(&self) -> bool {
        let rest = self.text.strip_prefix("al-").or_else(|| self.text.strip_prefix("el-"));
        rest.is_some_and(|rest| rest.starts_with(char::is_uppercase))
    }

    /// All its letters are capitals, and there are several.
    pub(super) fn is_all_capitals(&self) -> bool {
        let letters = self.text.chars().filter(|character| character.is_alphabetic());
        letters.clone().count() > 1 && letters.clone().all(char::is_uppercase)
    }

    /// It is one capital for a name, like "J." or "J".
    pub(super) fn is_initial(&self) -> bool {
        let letters = self.text.trim_end_matches('.');
        letters.chars().count() == 1 && letters.chars().all(char::is_uppercase)
    }

    /// Only white space is between it and the next word of its line, and it is not a possessive.
    pub(super) fn flows_on(&self) -> bool {
        !self.is_possessive && self.is_beside_next()
    }

    /// The next word follows in the same line, whether or not this one is a possessive.
    pub(super) fn is_beside_next(&self) -> bool {
        // The space after a stop may be missing: "Mr.Lee".
        // The mark of "the Workers’ Party" ends a possessive.
        let gap = if self.is_possessive { self.gap.trim_start_matches(['\'', '’']) } else { self.gap };
        (!gap.is_empty() || self.text.ends_with('.'))
            && gap.chars().all(|character| character.is_whitespace() && character != '\n')
    }

    /// A comma and white space are between it and the next word.
    pub(super) fn comma_follows(&self) -> bool {
        self.gap
            .trim_start_matches(['"', '”'])
            .strip_prefix(',')
            .is_some_and(|rest| rest.trim_matches([' ', '\u{a0}']).is_empty() && !rest.is_empty())
    }
}

/// The words of `text`, in order. `sentences` are in order too.
pub(super) fn find<'t>(text: &'t str, sentences: &[Range<usize>]) -> Vec<Word<'t>> {
    let ranges = ranges(text, sentences);
    let mut words: Vec<Word> = Vec::with_capacity(ranges.len());
    let mut sentence = 0;
    let mut is_quoted = false;
    let mut end = 0;
    for (at, bytes) in ranges.iter().enumerate() {
        deadline::check();
        let before = &text[end..bytes.start];
        is_quoted = quotes(before, at == 0, is_quoted);
        let first = sentence;
        while sentences.get(sentence + 1).is_some_and(|next| next.start <= bytes.start) {
            sentence += 1;
        }
        let next = ranges.get(at + 1).map_or(text.len(), |next| next.start);
        let mut word = word(text, bytes.clone(), next);
        word.is_opening = at == 0 || sentence != first || before.contains(['\n', '"', '“', '•', '‘', ':', '…']);
        (word.sentence, word.is_quoted) = (sentence, is_quoted);
        words.push(word);
        end = bytes.end;
    }
    mark_titles(&mut words);
    keep_endings_of_names(text, &mut words);
    words
}

/// Returns true for a capitalised word with the ending of a possessive and the verb of saying behind it: "Sotheby's said".
fn is_speaking_possessive(pair: &[Word]) -> bool {
    let [word, next] = pair else { return false };
    let is_contraction = word.text.len() < 2 || lexicon::is_small(&word.lower);
    let is_name = word.is_capitalised() && word.bytes.len() > word.text.len() && !is_contraction;
    is_name && word.is_possessive && word.gap == " " && lexicon::is_saying(&next.lower)
}

/// Gives names like "Sotheby's" their ending back, which looks like that of a possessive. A possessive has no verb of saying
/// behind it, and a text has its name without the ending, too.
fn keep_endings_of_names<'t>(text: &'t str, words: &mut [Word<'t>]) {
    let mut names: HashSet<String> =
        words.windows(2).filter(|pair| is_speaking_possessive(pair)).map(|pair| pair[0].lower.clone()).collect();
    if names.is_empty() {
        return;
    }
    for word in words.iter().filter(|word| !word.is_possessive) {
        names.remove(&word.lower);
    }
    for word in words.iter_mut().filter(|word| word.is_possessive && names.contains(&word.lower)) {
        word.text = &text[word.bytes.clone()];
        word.lower = word.text.to_lowercase().replace('’', "'");
        word.is_possessive = false;
    }
}

fn word(text: &str, bytes: Range<usize>, next: usize) -> Word<'_> {
    let written = &text[bytes.clone()];
    let bare = ["'s", "’s", "'S", "’S"].iter().find_map(|ending| written.strip_suffix(ending));
    let gap = &text[bytes.end..next];
    let ends_plural = written.ends_with('s')
        && gap.strip_prefix(['\'', '’']).is_some_and(|rest| rest.starts_with(char::is_whitespace));
    let stem = bare.unwrap_or(written);
    Word {
        text: stem,
        // A drop capital has a space behind it.
        lower: stem.to_lowercase().replace('’', "'").replace(' ', ""),
        bytes,
        gap,
        sentence: 0,
        is_possessive: bare.is_some() || ends_plural,
        is_quoted: false,
        is_opening: false,
        is_in_title: false,
    }
}

/// Returns true if a quotation is open after `gap`. One that is never closed ends with its paragraph.
/// `follows_space`: no word is right before the gap.
fn quotes(gap: &str, mut follows_space: bool, mut is_open: bool) -> bool {
    let mut characters = gap.chars().peekable();
    while let Some(character) = characters.next() {
        is_open = match character {
            '“' | '«' => true,
            '”' | '»' | '\n' => false,
            // A mark right behind a word or a stop closes, also where none was open: a page may have lost the first.
            '"' if !follows_space => false,
            '"' => characters.peek().is_none_or(|next| !next.is_whitespace()) || !is_open,
            _ => is_open,
        };
        follows_space = character.is_whitespace() || matches!(character, '(' | '[' | '—' | '–');
    }
    is_open
}

fn ranges(text: &str, sentences: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open: Option<usize> = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character.is_alphanumeric() {
            open.get_or_insert(at);
            continue;
        }
        let Some(start) = open else { continue };
        let goes_on = characters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        // "Mr.Lee" without a space is two words.
        let is_title = character == '.' && NAME_ABBREVIATIONS.contains(&text[start..at]);
        let next = at + character.len_utf8();
        let begins_sentence = sentences.binary_search_by_key(&next, |sentence| sentence.start).is_ok();
        let is_inner = !is_title
            && !begins_sentence
            && matches!(character, '\'' | '’' | '-' | '.' | '&' | '\u{300}'..='\u{36f}')
            && goes_on;
        if !is_inner {
            open = None;
            let is_exclaimed = character == '!' && EXCLAIMED_NAMES.contains(&text[start..at]) && {
                let rest = &text[next..];
                let follows = next + rest.len() - rest.trim_start().len();
                sentences.binary_search_by_key(&follows, |sentence| sentence.start).is_err()
            };
            // "E! News" is a name.
            let keeps_stop = is_exclaimed || character == '.' && is_abbreviation(&text[start..at]);
            let end = at + usize::from(keeps_stop);
            let end = end + if keeps_stop { possessive_ending(&text[end..]) } else { 0 };
            found.push(start..end);
            while characters.peek().is_some_and(|(next, _)| *next < end) {
                characters.next();
            }
        }
    }
    found.extend(open.map(|start| start..text.len()));
    join_drop_capitals(text, &found)
}

/// The bytes of the possessive ending that an abbreviation has after its stop: "the U.N.’s agency".
fn possessive_ending(after: &str) -> usize {
    let ending = ["'s", "’s"].iter().find(|ending| after.starts_with(**ending));
    let goes_on = |ending: &str| after[ending.len()..].starts_with(char::is_alphanumeric);
    ending.map_or(0, |ending| if goes_on(ending) { 0 } else { ending.len() })
}

/// Joins the first letter of a paragraph with the rest of its word, where a page has set it as a picture: "S HE", "J UDGE".
/// "A" and "I" are words themselves.
fn join_drop_capitals(text: &str, words: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(words.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let opens = joined.last().is_none_or(|last| text[last.end..word.start].contains(['\n', '.', '!', '?', '”']));
        let rest = words.get(at + 1).filter(|rest| opens && is_drop_capital(text, word, rest));
        joined.push(word.start..rest.unwrap_or(word).end);
        at += 1 + usize::from(rest.is_some());
    }
    joined
}

fn is_drop_capital(text: &str, word: &Range<usize>, rest: &Range<usize>) -> bool {
    matches!(text[word.clone()].as_bytes(), [b'B'..=b'H' | b'J'..=b'Z'])
        && &text[word.end..rest.start] == " "
        && rest.len() > 1
        && text[rest.clone()].chars().all(char::is_uppercase)
}

/// Returns true if a full stop after `word` belongs to it.
fn is_abbreviation(word: &str) -> bool {
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase) && word != "I";
    is_initial
        || NAME_ABBREVIATIONS.contains(word)
        // As transcripts have them: "MR. LEE".
        || (is_large(word) && NAME_ABBREVIATIONS.iter().any(|known| known.eq_ignore_ascii_case(word)))
        || (word.contains('.') && word.len() < 8 && !word.ends_with("com"))
}

fn is_large(word: &str) -> bool {
    word.chars().all(char::is_uppercase)
}

/// Marks the words of sentences in which nearly every word of weight has a capital.
fn mark_titles(words: &mut [Word]) {
    for sentence in words.chunk_by_mut(|one, next| one.sentence == next.sentence) {
        let mut all = 0;
        let mut small = 0;
        for word in sentence.iter().filter(|word| !lexicon::is_small(&word.lower)) {
            all += 1;
            small += usize::from(!word.is_capitalised());
        }
        // "Ann Lee of the Oslo Bank said" has many capitals, but the verb of a title has one too.
        let is_sentence = sentence.first().is_some_and(|first| first.text.starts_with(char::is_lowercase))
            || sentence.iter().any(|word| matches!(word.text, "said" | "says" | "told" | "according"));
        let is_title = all > 4 && small * 8 <= all && !is_sentence;
        for word in sentence {
            word.is_in_title = is_title;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        find(text, &[]).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn titles_in_capitals_keep_their_stops() {
        assert_eq!(texts("MR. LEE: So be it."), ["MR.", "LEE", "So", "be", "it"]);
    }

    #[test]
    fn a_name_may_have_an_exclamation_mark() {
        assert_eq!(
            texts("E! News and Yahoo! said no! It ended"),
            ["E!", "News", "and", "Yahoo!", "said", "no", "It", "ended"]
        );
    }

    #[test]
    fn names_keep_their_inner_marks_and_stops() {
        assert_eq!(
            texts("Mr. O’Hara-Lee, J. K. Oe Jr. (AT&T)"),
            ["Mr.", "O’Hara-Lee", "J.", "K.", "Oe", "Jr.", "AT&T"]
        );
        assert_eq!(texts("in the U.S. It ended."), ["in", "the", "U.S.", "It", "ended"]);
    }

    #[test]
    fn a_sentence_without_a_space_before_it_begins_a_word() {
        let text = "in London.She left";
        let words = find(text, &[0..10, 10..text.len()]);
        assert_eq!(words.iter().map(|word| word.text).collect::<Vec<_>>(), ["in", "London", "She", "left"]);
    }

    #[test]
    fn drop_capitals_are_part_of_their_words() {
        assert_eq!(texts("S HE left. J UDGE Lee"), ["S HE", "left", "J UDGE", "Lee"]);
        assert_eq!(texts("A NEW law. See B ANN"), ["A", "NEW", "law", "See", "B", "ANN"]);
    }

    #[test]
    fn a_title_without_a_space_behind_it_is_a_word() {
        assert_eq!(texts("Mr.Lee slept"), ["Mr.", "Lee", "slept"]);
    }

    #[test]
    fn possessives_are_cut_off() {
        let words = find("Ann’s and the voters’ view—Lee's", &[]);
        let possessive: Vec<_> = words.iter().filter(|word| word.is_possessive).map(|word| word.text).collect();
        assert_eq!(possessive, ["Ann", "voters", "Lee"]);
    }

    #[test]
    fn quotations_are_seen_and_end_with_their_paragraph() {
        let words = find("Ann said “no way” twice.\n\n\"Yes, she did.\nBob slept", &[]);
        let quoted: Vec<_> = words.iter().filter(|word| word.is_quoted).map(|word| word.text).collect();
        assert_eq!(quoted, ["no", "way", "Yes", "she", "did"]);
    }

    #[test]
    fn a_mark_right_behind_a_word_closes_a_quotation() {
        let words = find("Ann wept\" and left. \"Yes,\" she said. (\"No,\" he said.)", &[]);
        let quoted: Vec<_> = words.iter().filter(|word| word.is_quoted).map(|word| word.text).collect();
        assert_eq!(quoted, ["Yes", "No"]);
    }

    #[test]
    fn titles_are_told_from_sentences() {
        assert!(find("said Ann Lee of Oslo Bank Norway", &[]).iter().all(|word| !word.is_in_title));
        assert!(find("Storm Closes Small Harbour for Days", &[]).iter().all(|word| word.is_in_title));
        assert!(find("Ann Lee closed the harbour in Oslo", &[]).iter().all(|word| !word.is_in_title));
    }

    #[test]
    fn a_capital_at_the_start_of_a_sentence_is_known() {
        let text = "One. Two: three “four five”";
        let words = find(text, &[0..4, 5..text.len()]);
        let opening: Vec<_> = words.iter().filter(|word| word.is_opening).map(|word| word.text).collect();
        assert_eq!(opening, ["One", "Two", "three", "four"]);
    }
}
