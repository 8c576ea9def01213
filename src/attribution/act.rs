//! The act of an attribution, from the words of its cue: said, thought, asked, denied, refused.

use crate::english::{ANSWER_WORDS, CUE_ACTS, CueAct};
use crate::record::Act;

/// The number of words of the longest phrase in the list.
const LONGEST_PHRASE: usize = 3;

/// The act that a cue stands for. Without a cue, quotation marks or a colon say that it was said.
pub(super) fn act(cue: Option<&str>) -> Act {
    cue.map_or(Act::Say, |cue| act_of_words(&lowered_words(cue)))
}

/// Returns true if the list has a word of the cue.
pub(super) fn is_known(cue: &str) -> bool {
    let words = lowered_words(cue);
    (0..words.len()).any(|at| longest_phrase(&words, at).is_some())
}

/// The first act decides: in "said he believes" it is that of "said". A refusal anywhere in the cue, and a negation before a
/// word for an answer, come before that.
fn act_of_words(words: &[String]) -> Act {
    if words.iter().any(|word| CUE_ACTS.get(word.as_str()) == Some(&CueAct::Refuse)) {
        return Act::Refuse;
    }
    let mut first = None;
    let mut is_negated = false;
    for (at, word) in words.iter().enumerate() {
        is_negated |= is_negation(words, at);
        let may_refuse = first.is_none_or(|first| first == CueAct::Say);
        if is_negated && may_refuse && ANSWER_WORDS.contains(word.as_str()) {
            return Act::Refuse;
        }
        match longest_phrase(words, at) {
            // "Did not deny", but "pleaded not guilty".
            Some((CueAct::Deny, _)) if is_negated && first.is_none() => return Act::Say,
            Some((found, _)) if may_refuse => {
                first = first.or(Some(found));
                if found != CueAct::Say {
                    break;
                }
            }
            _ => {}
        }
    }
    match first {
        Some(CueAct::Think) => Act::Think,
        Some(CueAct::Ask) => Act::Ask,
        Some(CueAct::Deny) => Act::Deny,
        Some(CueAct::Say | CueAct::Refuse) | None => Act::Say,
    }
}

/// The act of the longest phrase that begins at a word, and its number of words.
fn longest_phrase(words: &[String], at: usize) -> Option<(CueAct, usize)> {
    let longest = LONGEST_PHRASE.min(words.len() - at);
    (1..=longest).rev().find_map(|length| {
        let phrase = words[at..at + length].join(" ");
        CUE_ACTS.get(phrase.as_str()).map(|&found| (found, length))
    })
}

fn is_negation(words: &[String], at: usize) -> bool {
    let is_before_to = words.get(at + 1).is_some_and(|next| next == "to");
    match words[at].as_str() {
        "not" | "no" | "never" | "nor" | "without" | "cannot" => true,
        "failed" | "unable" | "unwilling" | "yet" => is_before_to,
        word => word.ends_with("n't"),
    }
}

/// The words of a cue in small letters, with straight apostrophes.
fn lowered_words(cue: &str) -> Vec<String> {
    let plain = cue.to_lowercase().replace('’', "'");
    let words = plain.split(|sign: char| !(sign.is_alphanumeric() || matches!(sign, '\'' | '-')));
    words.map(|word| word.trim_matches(['\'', '-'])).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: Act, cues: &[&str]) {
        for cue in cues {
            assert_eq!(act(Some(cue)), expected, "{cue}");
        }
    }

    #[test]
    fn what_was_said_is_said() {
        check(Act::Say, &["said", "told reporters", "According to", "has warned", ":", "—", "called", "agreed"]);
        check(Act::Say, &["said he believes", "responded to a request for comment", "expressed hope"]);
        assert_eq!(act(None), Act::Say);
    }

    #[test]
    fn beliefs_wishes_and_plans_are_thoughts() {
        check(Act::Think, &["believes", "is expected", "hopes", "had planned", "does not want", "are concerned about"]);
    }

    #[test]
    fn questions_and_demands_are_asked() {
        check(Act::Ask, &["asked whether", "called for", "has called on", "urged", "wanted to know", "was asked"]);
    }

    #[test]
    fn denials_are_denials_unless_they_are_denied() {
        check(Act::Deny, &["denied", "has rejected", "ruled out", "pleaded not guilty"]);
        check(Act::Say, &["did not deny", "did not rule out"]);
    }

    #[test]
    fn what_was_not_said_is_refused() {
        check(
            Act::Refuse,
            &["declined to comment", "did not say", "refused to say", "would not comment", "wouldn’t specify"],
        );
        check(Act::Refuse, &["did not immediately respond to a request for comment", "said he had no comment"]);
        check(Act::Refuse, &["has not yet said", "was not available for comment", "failed to respond"]);
    }

    #[test]
    fn a_known_cue_has_a_word_of_the_list() {
        assert!(is_known("has told") && is_known("ruled out"));
        assert!(!is_known("voted") && !is_known("—"));
    }
}
