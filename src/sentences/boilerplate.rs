//! Sentences that are no statements, by their form alone: datelines, bylines, agencies, credits, links and notes of databases.
//!
//! A model finds more of them, but it has seen few of each kind, and these forms leave no doubt.

use super::datelines::is_dateline;
use crate::english::{AGENCIES, PUBLISHER_NOTICES, PUBLISHER_OPENINGS};

/// The most words of a byline: two names and a role.
const MOST_WORDS_OF_BYLINE: usize = 9;

/// The most words of a line that leads elsewhere.
const MOST_WORDS_OF_LINE: usize = 25;

/// Returns true if a sentence is a dateline, a byline, an agency, a credit, a link or a publisher's note by its form.
#[must_use]
pub fn is_boilerplate(sentence: &str) -> bool {
    let sentence = sentence.trim();
    let words = sentence.split_whitespace().count();
    if words > MOST_WORDS_OF_LINE {
        return false;
    }
    let lower = sentence.to_lowercase();
    AGENCIES.contains(&lower.as_str())
        || PUBLISHER_OPENINGS.iter().any(|opening| opens_with(&lower, opening))
        || PUBLISHER_NOTICES.iter().any(|notice| lower.contains(notice))
        || is_dateline(sentence)
        || (words <= MOST_WORDS_OF_BYLINE && is_byline(sentence))
}

/// Returns true if `line` begins with a phrase, and not with a longer word: "copyright", not "copyrighted".
fn opens_with(line: &str, phrase: &str) -> bool {
    let rest = line.strip_prefix(phrase);
    rest.is_some_and(|rest| !(phrase.ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric)))
}

/// "By Ann Lee", "By Ann Lee and Bob Stone", "BY ANN LEE, Staff Writer": names behind "by", and no end of a sentence.
fn is_byline(line: &str) -> bool {
    let mut words = line.split_whitespace();
    if !words.next().is_some_and(|first| first.eq_ignore_ascii_case("by")) || line.ends_with(['.', '!', '?', ':']) {
        return false;
    }
    let mut capitalised = 0;
    for word in words {
        let is_joint = ["and", "in", "for", "of", "the", "de", "van", "von", "&"].contains(&word);
        if word.starts_with(char::is_uppercase) {
            capitalised += 1;
        } else if !is_joint {
            return false;
        }
    }
    capitalised >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_publishers_are_boilerplate() {
        for line in [
            "By Dexter Rowntree",
            "BY ANN LEE, Staff Writer",
            "By Ann Lee and Bob Stone",
            "REUTERS",
            "PORT CALLOWAY, Feb. 12, 2031 (Pressrun Wire) —",
            "LONDON –",
            "Lima, Peru --",
            "Load-Date: December 3, 2001",
            "READ MORE: Ten ways to save",
            "Photo: Ann Lee / Getty Images",
            "© 2024 The Daily Sheet. All rights reserved.",
            "(Reporting by Ann Lee; editing by Bob Stone)",
            "Sign up for our newsletter",
        ] {
            assert!(is_boilerplate(line), "{line}");
        }
    }

    #[test]
    fn sentences_are_none() {
        for line in [
            "By Tuesday evening the water had gone.",
            "By Friday",
            "By then Ann Lee had left town",
            "Reuters reported a loss.",
            "The photographs were shown.",
            "Copyrighted works were burned.",
            "He said more: nothing would change.",
            "By hook or by crook",
            "LONDON — the storm has passed",
            "He paused —",
            "Ann Lee —",
        ] {
            assert!(!is_boilerplate(line), "{line}");
        }
    }
}
