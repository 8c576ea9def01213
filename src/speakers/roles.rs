//! Roles of persons: titles before a name, and appositions before or after it.

use std::ops::Range;

use super::lexicon;
use super::words::Word;

/// The most words of a title or apposition.
const LONGEST: usize = 14;

/// The first word of the role with the noun at `noun`. The words before the noun that can only belong to it are part of
/// the role.
pub(super) fn start(words: &[Word], noun: usize) -> usize {
    // "Foo Hall of Famer".
    let is_famer = noun >= 2 && words[noun].lower == "famer" && words[noun - 2].lower == "hall";
    let noun = if is_famer { noun - 2 } else { noun };
    let before = (noun.saturating_sub(LONGEST)..noun).rev();
    let belonging = before.take_while(|&at| {
        let word = &words[at];
        let is_taken = if word.is_capitalised() { can_begin(word) } else { lexicon::is_modifier(&word.lower) };
        is_taken && word.is_beside_next() && word.sentence == words[noun].sentence
    });
    belonging.last().unwrap_or(noun)
}

/// Returns true if a capitalised word before a role's noun is part of the role: "Texas senator", not "Meanwhile senator".
fn can_begin(word: &Word) -> bool {
    let is_honorific = lexicon::honorific(&word.lower).is_some();
    !(lexicon::is_small(&word.lower) || is_honorific || word.is_opening && is_lead_in(word))
}

/// Returns true if the first word of a sentence looks like an adverb or a verb rather than a name.
pub(super) fn is_lead_in(word: &Word) -> bool {
    let has_ending = ["ly", "ing", "ed"].iter().any(|ending| word.lower.ends_with(ending));
    has_ending && !lexicon::is_first_name(&word.lower) && !lexicon::is_modifier(&word.lower)
}

/// The role in `range`, without its determiner, if the range has nothing else: "a spokesman for the mayor".
pub(super) fn whole(words: &[Word], range: Range<usize>) -> Option<Range<usize>> {
    let start = range.start + usize::from(is_determiner(words.get(range.start)?));
    let end = cut(words, start..range.end);
    let noun = (start..end).find(|&at| is_occupation(&words[at]) && closes(words, at + 1, end))?;
    let is_plain = words[start..noun].iter().all(|word| {
        !lexicon::is_small(&word.lower) && !lexicon::is_link(&word.lower) && !lexicon::is_saying(&word.lower)
    });
    (is_plain && end - start <= LONGEST).then_some(start..end)
}

/// Returns true for a role, listed or of an occupation's form.
fn is_occupation(word: &Word) -> bool {
    lexicon::is_role(&word.lower) || !word.is_capitalised() && lexicon::has_form_of_role(&word.lower)
}

/// Returns true if a role's noun is complete before the word `at`: nothing follows, or a link, or another role.
fn closes(words: &[Word], at: usize, end: usize) -> bool {
    let Some(word) = words[..end].get(at) else { return true };
    lexicon::is_link(&word.lower)
        || words[at - 1].gap.contains(',')
        || (word.lower == "and" && words[at..end].iter().take(4).any(|word| lexicon::is_role(&word.lower)))
}

/// The end of the words of `range` that can be a role: a relative clause ends them.
fn cut(words: &[Word], range: Range<usize>) -> usize {
    let clause = range
        .clone()
        .find(|&at| matches!(words[at].lower.as_str(), "who" | "whose" | "which" | "that" | "where" | "when" | "whom"));
    clause.unwrap_or(range.end)
}

/// The role in an apposition after the word `last`: "Ann Lee, a farmer from Ohio, …".
pub(super) fn after(words: &[Word], last: usize) -> Option<Range<usize>> {
    let mut first = last + 1;
    if !words[last].comma_follows() {
        return None;
    }
    // An age may come first.
    if words.get(first)?.text.chars().all(|character| character.is_ascii_digit()) && words[first].comma_follows() {
        first += 1;
    }
    let end = segment_end(words, first)?;
    whole(words, first..end)
}

/// The end of the words from `first` on that only white space separates.
fn segment_end(words: &[Word], first: usize) -> Option<usize> {
    let last = (first..words.len().min(first + LONGEST + 1)).find(|&at| !words[at].is_beside_next())?;
    Some(last + 1)
}

/// The role before a comma and the name at `name`: "the group's director, Ann Lee, …".
pub(super) fn before_comma(words: &[Word], name: usize) -> Option<Range<usize>> {
    let last = name.checked_sub(1).filter(|&last| words[last].comma_follows())?;
    let first = (last.saturating_sub(LONGEST)..last)
        .rev()
        .take_while(|&at| words[at].is_beside_next() && words[at].sentence == words[name].sentence)
        .find(|&at| begins(words, at))?;
    let role = whole(words, first..name)?;
    (role.end == name).then_some(role)
}

/// Returns true if a role can begin with the word `at`: a determiner, or a name in the possessive. A role after "a" is
/// not that of the following name: "Asked by a judge, Lee said".
fn begins(words: &[Word], at: usize) -> bool {
    let word = &words[at];
    let is_first = at == 0 || !words[at - 1].is_possessive && !is_determiner(&words[at - 1]);
    let is_definite = is_determiner(word) && !matches!(word.lower.as_str(), "a" | "an" | "another" | "one");
    is_definite || (word.is_possessive && word.is_capitalised() && is_first)
}

/// The place of the word at `at`, or of the one behind it if it is a determiner.
pub(super) fn behind_determiner(words: &[Word], at: usize) -> usize {
    at + usize::from(is_determiner(&words[at]))
}

/// Returns true for an article or a possessive pronoun.
pub(super) fn is_determiner(word: &Word) -> bool {
    matches!(
        word.lower.as_str(),
        "the" | "a" | "an" | "his" | "her" | "its" | "their" | "our" | "my" | "your" | "another" | "one"
    )
}

/// The text of a range of words, with single spaces.
pub(super) fn text(source: &str, words: &[Word], range: Range<usize>) -> String {
    let Some(last) = words[range.clone()].last() else { return String::new() };
    let end = last.bytes.start + last.text.len();
    let text = source[words[range.start].bytes.start..end].split_whitespace().collect::<Vec<_>>().join(" ");
    let text = without_drop_capital(&words[range.start], text);
    // A name may begin inside a bracket: "Lord (David) Lee".
    if text.contains(')') && !text.contains('(') { text.replace(')', "") } else { text }
}

/// The text "Judge Lee" for "J UDGE Lee".
fn without_drop_capital(first: &Word, text: String) -> String {
    let Some((letter, rest)) = first.text.split_once(' ') else { return text };
    [letter, &rest.to_lowercase(), &text[first.text.len().min(text.len())..]].concat()
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn shown(text: &str, find: impl Fn(&[Word]) -> Option<Range<usize>>) -> Option<String> {
        let words = words::find(text, &[]);
        find(&words).map(|range| super::text(text, &words, range))
    }

    #[test]
    fn an_apposition_is_a_role() {
        let role = |text: &str| shown(text, |words| after(words, 1));
        assert_eq!(role("Ann Lee, a farmer from Ohio, said").as_deref(), Some("farmer from Ohio"));
        assert_eq!(role("Ann Lee, 52, Japan’s prime minister, said").as_deref(), Some("Japan’s prime minister"));
        assert_eq!(
            role("Ann Lee, president and founder of Mend, said").as_deref(),
            Some("president and founder of Mend")
        );
        assert_eq!(role("Ann Lee, a farmer who sells eggs, said").as_deref(), Some("farmer"));
    }

    #[test]
    fn what_only_follows_a_name_is_no_role() {
        let role = |text: &str| shown(text, |words| after(words, 1));
        assert_eq!(role("Ann Lee, the farmer said, was late"), None);
        assert_eq!(role("Ann Lee, Bob Roe and the mayor, said"), None);
        assert_eq!(role("Ann Lee, spokesman Bob Roe said."), None);
        assert_eq!(role("Ann Lee, who is a farmer, said"), None);
    }

    #[test]
    fn a_role_may_stand_before_a_comma() {
        let role = |text: &str, name| shown(text, |words| before_comma(words, name));
        assert_eq!(
            role("The group’s executive director, Ann Lee, said", 4).as_deref(),
            Some("group’s executive director")
        );
        assert_eq!(role("Norway's prime minister, Ann Lee, said", 3).as_deref(), Some("Norway's prime minister"));
        assert_eq!(role("It rained on farmers, Ann Lee said", 4), None);
    }

    #[test]
    fn a_title_takes_the_words_that_belong_to_it() {
        let begin = |text: &str, noun| shown(text, |words| Some(start(words, noun)..noun + 1));
        assert_eq!(
            begin("Meanwhile former Lee campaign manager Bob Roe", 4).as_deref(),
            Some("former Lee campaign manager")
        );
        assert_eq!(begin("The quiet Norwegian Prime Minister Ann Lee", 4).as_deref(), Some("Norwegian Prime Minister"));
    }
}
