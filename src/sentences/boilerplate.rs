//! Sentences that are no statements, by their form alone: bylines, agencies, credits, links and notes of databases.
//!
//! A model finds more of them, but it has seen few of each kind, and these forms leave no doubt.

/// Names of agencies that stand on a line of their own.
const AGENCIES: [&str; 12] = [
    "ap",
    "afp",
    "pa",
    "upi",
    "dpa",
    "reuters",
    "bloomberg",
    "associated press",
    "the associated press",
    "press association",
    "agence france-presse",
    "united press international",
];

/// Beginnings of lines that lead elsewhere or belong to the publisher.
const OPENINGS: [&str; 22] = [
    "read more",
    "read also",
    "read next",
    "see also",
    "more:",
    "related:",
    "related stories",
    "watch:",
    "listen:",
    "click here",
    "sign up for",
    "sign up to",
    "subscribe to",
    "follow us",
    "follow him on",
    "follow her on",
    "share this",
    "load-date:",
    "copyright ",
    "photo:",
    "photograph:",
    "image:",
];

/// Words inside a line that only publishers write.
const NOTICES: [&str; 4] = ["all rights reserved", "getty images", "©", "(reporting by "];

/// The most words of a byline: two names and a role.
const MOST_WORDS_OF_BYLINE: usize = 9;

/// The most words of a line that leads elsewhere.
const MOST_WORDS_OF_LINE: usize = 25;

/// Whether a sentence is a byline, an agency, a credit, a link or a publisher's note by its form.
#[must_use]
pub fn is_boilerplate(sentence: &str) -> bool {
    let sentence = sentence.trim();
    let words = sentence.split_whitespace().count();
    if words > MOST_WORDS_OF_LINE {
        return false;
    }
    let lower = sentence.to_lowercase();
    AGENCIES.contains(&lower.as_str())
        || OPENINGS.iter().any(|opening| lower.starts_with(opening))
        || NOTICES.iter().any(|notice| lower.contains(notice))
        || (words <= MOST_WORDS_OF_BYLINE && is_byline(sentence))
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
            "He said more: nothing would change.",
            "By hook or by crook",
        ] {
            assert!(!is_boilerplate(line), "{line}");
        }
    }
}
