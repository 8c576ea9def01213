//! Decides whether a candidate is the end of a sentence, from the words on either side of it.

use super::abbreviations::{self, Abbreviation};
use super::candidates::Candidate;
use super::punctuation::{self, Mark};
use super::words::{self, Opening};
use super::{datelines, enumeration};

/// Returns true if the sentence ends at `candidate`.
pub(super) fn ends_sentence(candidate: &Candidate) -> bool {
    if candidate.after.is_empty() {
        return true;
    }
    match candidate.mark {
        None => begins_apart(candidate),
        Some(Mark::Ideographic | Mark::SetApart) => true,
        Some(Mark::Dash) => breaks_off(candidate),
        Some(Mark::Colon) => announces(candidate),
        Some(Mark::Quotation) => abbreviations::is_starter(words::first(candidate.after)) && !is_attribution(candidate),
        Some(_) if candidate.gap.is_empty() => is_missing_space(candidate),
        Some(_) if words::is_address(candidate.after) => true,
        Some(Mark::Stop) => ends_at_stop(candidate),
        Some(Mark::Emphatic) => ends_at_emphasis(candidate),
        Some(Mark::Ellipsis) => ends_at_ellipsis(candidate),
    }
}

/// Returns true if a list goes on, or if a credit or an address begins that is not part of the sentence.
fn begins_apart(candidate: &Candidate) -> bool {
    let Candidate { before, after, .. } = candidate;
    if words::is_address(after) {
        return words::is_address(words::last_token(before));
    }
    // Text without a list marker is a credit.
    enumeration::continues(before, after) || enumeration::leading(after).is_none()
}

/// Returns true if a whole clause announces the text after its colon. Both are sentences then.
fn announces(candidate: &Candidate) -> bool {
    const FEWEST_WORDS: usize = 5;
    const LONGEST_CLAUSE: usize = 200;
    let clause = words::tail(candidate.before, LONGEST_CLAUSE);
    let is_clause = clause.split_whitespace().nth(FEWEST_WORDS - 1).is_some();
    is_clause && !candidate.gap.is_empty() && can_be_announced(clause, candidate.after)
}

/// Returns true if `clause` could announce `after`. A list or a quotation stays with its announcement.
fn can_be_announced(clause: &str, after: &str) -> bool {
    // Farther from the colon, "this" and "following" point to something else.
    const NEAREST_WORDS: usize = 4;
    let mut words = clause.split_whitespace().rev().take(NEAREST_WORDS);
    let is_sentence = match words.find(|word| matches!(*word, "following" | "this")) {
        Some("following") => after.starts_with(char::is_uppercase) && !starts_list(after),
        Some(_) => abbreviations::is_starter(words::first(after)) && after.starts_with(char::is_uppercase),
        None => false,
    };
    is_sentence || is_lone_address(after) || datelines::dateline(after).is_some()
}

/// Returns true if nothing but an address is left. With a full stop it would be the last word of the sentence.
fn is_lone_address(after: &str) -> bool {
    words::is_address(after) && !after.ends_with('.') && !after.contains(char::is_whitespace)
}

fn starts_list(text: &str) -> bool {
    text[words::first(text).len()..].starts_with([',', ';'])
}

fn ends_at_stop(candidate: &Candidate) -> bool {
    if enumeration::is_bare_marker(candidate.before) {
        return false;
    }
    if candidate.closers.is_empty() && starts_with_dots(candidate.after) {
        return is_new_sentence_after_omission(candidate);
    }
    // After an abbreviation the number belongs to it, as in "No.5".
    let has_raised_number = candidate.closers.starts_with(|first: char| first.is_ascii_digit());
    if has_raised_number && abbreviation(candidate).is_some() {
        return false;
    }
    match words::opening(candidate.after) {
        Opening::Lower if enumeration::is_first_letter(candidate.after) => abbreviation(candidate).is_none(),
        Opening::Lower => ends_before_small_letter(candidate),
        Opening::Symbol => ends_before_symbol(candidate),
        Opening::Upper | Opening::Digit => ends_before_capital(candidate),
    }
}

fn starts_with_dots(after: &str) -> bool {
    after.starts_with('…') || punctuation::spaced_dots(after) > 0
}

/// Returns true if the stop before an omission (`as it was. ... The rest`) ends the sentence. If all dots have spaces
/// between them (`as it was. . . .`), the stop may be part of the ellipsis.
fn is_new_sentence_after_omission(candidate: &Candidate) -> bool {
    let (omission, rest) = candidate.after.split_at(punctuation::spaced_dots(candidate.after));
    if omission.contains(char::is_whitespace) {
        return words::opening(rest.trim_start()) == Opening::Upper;
    }
    abbreviation(candidate).is_none()
}

/// Returns true if a stop before a small letter ends a sentence, as in careless writing and before remarks in brackets:
/// after a long word that is not an abbreviation, the stop has no other purpose.
fn ends_before_small_letter(candidate: &Candidate) -> bool {
    const SHORTEST_WORD: usize = 4;
    let word = words::last(candidate.before);
    let is_word = word.chars().all(char::is_lowercase) && word.len() >= SHORTEST_WORD;
    let is_bracketed = candidate.after.starts_with('(');
    candidate.closers.is_empty() && (is_word || is_bracketed) && abbreviation(candidate).is_none()
}

fn ends_before_symbol(candidate: &Candidate) -> bool {
    !continues_with_symbol(candidate.after) && !is_signature(candidate) && abbreviation(candidate).is_none()
}

fn continues_with_symbol(after: &str) -> bool {
    let past_dash = after.trim_start_matches(['-', '–', '—']);
    after.starts_with([',', ';', ':', ')', '&', '/', '=', '+', '<', '>', '%', '|', '!', '?'])
        || (past_dash.len() < after.len() && words::opening(past_dash.trim_start()) == Opening::Lower)
}

/// Returns true if a quotation closes and the rest of the paragraph names its author: `"We must go." - Ann Lee`.
fn is_signature(candidate: &Candidate) -> bool {
    const LONGEST_NAME: usize = 40;
    let name = candidate.after.trim_start_matches(['-', '–', '—']);
    candidate.closers.ends_with(punctuation::is_quote)
        && matches!(name.len(), 1..=LONGEST_NAME)
        && !name.ends_with(['.', '!', '?'])
        && name.split_whitespace().all(|word| word.starts_with(char::is_uppercase))
}

fn ends_before_capital(candidate: &Candidate) -> bool {
    let next = words::first(candidate.after);
    let is_number = words::opening(candidate.after) == Opening::Digit;
    match abbreviation(candidate) {
        None => true,
        Some(Abbreviation::Title | Abbreviation::Joining) => false,
        Some(Abbreviation::Reference) => !is_number && !is_label(next),
        Some(Abbreviation::Calendar) => !is_number && abbreviations::is_starter(next),
        Some(Abbreviation::Clock) => {
            !is_number && !abbreviations::goes_with_clock(next) && !opens_with_time(candidate.before)
        }
        Some(Abbreviation::Ambiguous) => abbreviations::is_starter(next) || opens_quotation(candidate.after),
        Some(Abbreviation::Initials) => abbreviations::is_starter(next),
    }
}

/// The kind of the abbreviation that the full stop belongs to, if it does. A stop before a quotation mark belongs to the
/// sentence.
fn abbreviation(candidate: &Candidate) -> Option<Abbreviation> {
    if candidate.closers.contains(punctuation::is_quote) {
        return None;
    }
    let word = words::last(candidate.before);
    if is_initial(word) {
        return initial(candidate, word);
    }
    // "SEC." is not "Sec.", except in a text that is all in capitals.
    let is_acronym = is_all_capitals(word) && !is_all_capitals(words::first(candidate.after));
    if is_acronym { None } else { abbreviations::classify(word) }
}

fn is_all_capitals(word: &str) -> bool {
    word.len() > 1 && word.chars().all(char::is_uppercase)
}

fn is_initial(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(char::is_uppercase) && characters.next().is_none()
}

/// A single capital is an initial, except for the pronoun: "you and I".
fn initial(candidate: &Candidate, word: &str) -> Option<Abbreviation> {
    let previous = words::last(words::before_last(candidate.before));
    let is_pronoun = word == "I" && previous.starts_with(char::is_lowercase);
    (!is_pronoun).then_some(Abbreviation::Initials)
}

/// Returns true if `word` could follow "Vol." or "Fig." like a number: `B`, `IV`. The words "A" and "I" do not count, and
/// acronyms (`CIA`) are no numbers.
fn is_label(word: &str) -> bool {
    match word.as_bytes() {
        [letter] => b"BCDEFVXL".contains(letter),
        letters => !letters.is_empty() && letters.iter().all(|letter| b"IVXLC".contains(letter)),
    }
}

fn opens_quotation(after: &str) -> bool {
    after.starts_with(['"', '“'])
}

/// Returns true if the sentence so far is only a time: "At 5 a.m."
fn opens_with_time(before: &str) -> bool {
    const MOST_WORDS: usize = 3;
    // Grammar rather than vocabulary.
    const PREPOSITIONS: [&str; 9] = ["About", "After", "Around", "At", "Before", "By", "From", "Since", "Until"];
    const LONGEST: usize = 30;
    let mut words = words::head(before, LONGEST).split_whitespace();
    before.len() <= LONGEST
        && words.next().is_some_and(|first| PREPOSITIONS.contains(&first))
        && words.nth(MOST_WORDS - 1).is_none()
}

fn ends_at_emphasis(candidate: &Candidate) -> bool {
    let is_name = abbreviations::is_exclaimed_name(words::last(candidate.before)) && candidate.closers.is_empty();
    match words::opening(candidate.after) {
        Opening::Lower => false,
        Opening::Symbol => !continues_with_symbol(candidate.after) && punctuation::spaced_dots(candidate.after) == 0,
        // The title of a work may end like this, with its year in brackets.
        Opening::Digit => !candidate.after.starts_with('('),
        Opening::Upper if is_name => {
            abbreviations::is_starter(words::first(candidate.after)) && !continues_title(candidate.after)
        }
        Opening::Upper => !is_attribution(candidate),
    }
}

/// Returns true if two words with a capital follow a name with an exclamation mark: `Moulin Rouge! The Musical`.
fn continues_title(after: &str) -> bool {
    const LONGEST_TITLE: usize = 60;
    let second = words::head(after, LONGEST_TITLE).split_whitespace().nth(1);
    second.is_some_and(|second| is_capitalised(words::first(second)))
}

fn ends_at_ellipsis(candidate: &Candidate) -> bool {
    let is_pause = candidate.before.ends_with(char::is_whitespace);
    let is_bracketed = candidate.before.ends_with(['[', '(']);
    match words::opening(candidate.after) {
        Opening::Lower => false,
        Opening::Symbol => !continues_with_symbol(candidate.after),
        Opening::Upper if is_bracketed => !candidate.after.starts_with('('),
        // "I" has its capital everywhere.
        Opening::Upper => !(is_attribution(candidate) || (is_pause && is_pronoun_i(candidate.after))),
        Opening::Digit => !is_pause,
    }
}

fn is_pronoun_i(after: &str) -> bool {
    words::first(after).split(['\'', '’']).next() == Some("I")
}

/// Returns true if a speaker breaks off with a dash and begins another sentence: `if we — She woke up`. A dash after a
/// name or a bracket may belong to a dateline, and "I" has its capital everywhere.
fn breaks_off(candidate: &Candidate) -> bool {
    let next = words::first(candidate.after);
    candidate.before.ends_with(char::is_whitespace)
        && !candidate.gap.is_empty()
        && words::last(candidate.before.trim_end()).starts_with(char::is_lowercase)
        && candidate.after.starts_with(next)
        && abbreviations::is_starter(next)
        && !is_pronoun_i(candidate.after)
}

/// Returns true if a quotation closes here and its speaker follows: `"Why?" John Smith asked.`
fn is_attribution(candidate: &Candidate) -> bool {
    const LONGEST_NAME: usize = 3;
    const LONGEST_ATTRIBUTION: usize = 80;
    if !candidate.closers.contains(punctuation::is_quote) {
        return false;
    }
    let mut is_named = false;
    for word in words::head(candidate.after, LONGEST_ATTRIBUTION).split_whitespace().take(LONGEST_NAME + 1) {
        if is_named && abbreviations::is_speech_verb(words::first(word)) {
            return true;
        }
        is_named = word == "I" || (word.starts_with(char::is_uppercase) && !abbreviations::is_starter(word));
        if !is_named {
            return false;
        }
    }
    false
}

/// Returns true if only the space between two sentences is missing: `the world.Today is`.
fn is_missing_space(candidate: &Candidate) -> bool {
    let word = words::last(candidate.before.trim_end_matches(['"', '”', '’', ')', '\'']));
    let next = words::first(candidate.after);
    let is_small = word.chars().all(|character| character.is_lowercase() || character.is_numeric());
    let is_amount = word.starts_with(['$', '£', '€']) || word.starts_with(|first: char| first.is_ascii_digit());
    let is_plain = is_small || is_amount || is_certain_start(next) || are_capitalised(candidate, word, next);
    word.len() > 1
        && is_plain
        && is_capitalised(next)
        && !is_in_address(candidate)
        && abbreviations::classify(word).is_none()
}

/// Returns true if two words with capitals meet at a stop, as in `on Monday.Mayor Lee`, and are not the name of a page
/// (`Booking.Com`) or of a piece of code (`System.Out`).
fn are_capitalised(candidate: &Candidate, word: &str, next: &str) -> bool {
    const FEWEST_WORDS: usize = 3;
    const LONGEST: usize = 80;
    const SHORTEST_WORD: usize = 4;
    let is_long = words::tail(candidate.before, LONGEST).split_whitespace().nth(FEWEST_WORDS - 1).is_some();
    let is_plain = is_capitalised(word) && word.chars().skip(1).all(char::is_lowercase) && word.len() >= SHORTEST_WORD;
    let is_free = candidate.after[candidate.after.find(next).unwrap_or(0) + next.len()..]
        .starts_with(|character: char| character.is_whitespace() || matches!(character, ',' | '\'' | '’'));
    is_long && is_plain && is_free && !matches!(next, "Com" | "Net" | "Org" | "Co" | "Tv" | "Io" | "Js")
}

/// Returns true if the characters on both sides, up to the next white space, look like an address or a line of code.
fn is_in_address(candidate: &Candidate) -> bool {
    const LONGEST: usize = 80;
    let before = words::tail(candidate.before, LONGEST).rsplit(char::is_whitespace).next().unwrap_or("");
    let after = words::head(candidate.after, LONGEST).split_whitespace().next().unwrap_or("");
    let after = after.strip_prefix('(').unwrap_or(after);
    before.contains(['/', '@', '_', '\\']) || before.starts_with("www.") || after.contains(['/', '@', '_', '('])
}

fn is_certain_start(word: &str) -> bool {
    abbreviations::is_starter(word) || abbreviations::classify(word) == Some(Abbreviation::Title)
}

fn is_capitalised(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(char::is_uppercase) && characters.next().is_some_and(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::super::candidates::Scanner;
    use super::*;

    /// Whether a sentence ends inside `text`, which has one place in question.
    fn ends(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        std::iter::from_fn(|| scanner.next_candidate()).any(|candidate| ends_sentence(&candidate))
    }

    #[test]
    fn a_stop_before_a_capital_ends_a_sentence_unless_it_is_an_abbreviations() {
        assert!(ends("It rained. Lee left"));
        assert!(!ends("Then Capt. Lee left"));
        assert!(!ends("In the U.S. Senate"));
        assert!(ends("In the U.S. They"));
        assert!(ends("In the U.S. \"We left"));
        assert!(!ends("He met J. R. \"Bud\" Lee"));
        assert!(ends("He sued the SEC. Lee won"));
        assert!(!ends("ST. LOUIS"));
    }

    #[test]
    fn a_stop_before_a_small_letter_ends_a_sentence_only_after_a_plain_word() {
        assert!(ends("it rained. we left"));
        assert!(!ends("sold by the Acme Co. of Boston"));
        assert!(!ends("\"It rained.\" she said"));
    }

    #[test]
    fn references_take_numbers_and_letters() {
        assert!(!ends("See Fig. 5"));
        assert!(!ends("See Vol. IV"));
        assert!(ends("He said no. A man"));
        assert!(ends("He said no. CIA agents"));
    }

    #[test]
    fn a_clock_time_goes_with_days_and_zones() {
        assert!(!ends("It opens at 9 a.m. Saturday"));
        assert!(!ends("It opens at 9 a.m. EST"));
        assert!(ends("It opens at 9 a.m. Tickets are free"));
    }

    #[test]
    fn a_name_with_an_exclamation_mark_does_not_end_a_sentence() {
        assert!(!ends("He ran Yahoo! Finance"));
        assert!(ends("He ran Yahoo! But why"));
        assert!(!ends("We saw Moulin Rouge! The Musical with her"));
        assert!(!ends("He spoke to E! News there"));
    }

    #[test]
    fn the_year_of_a_work_stays_with_its_title() {
        assert!(!ends("She wrote Who Knows? (1990) and"));
    }

    #[test]
    fn an_address_after_a_sentence_is_set_off() {
        assert!(ends("More is on our page. https://example.com"));
    }

    #[test]
    fn an_address_follows_another_but_not_a_word() {
        assert!(ends("http://example.com http://example.org"));
        assert!(!ends("The rest is on http://example.org"));
    }

    #[test]
    fn a_clause_may_announce_a_sentence() {
        assert!(ends("The captain then told us this: We must go"));
        assert!(ends("The captain then said the following: Ferries are late"));
        assert!(ends("The list of all ferries is here: http://example.com/list"));
        assert!(ends("The captain wrote it all down: LIMA (AP) - It rained."));
    }

    #[test]
    fn a_colon_before_a_list_or_a_quotation_does_not_end_a_sentence() {
        assert!(!ends("The captain asked for the following: Rope, sails and bread"));
        assert!(!ends("The captain then told us this: \"We must go\""));
        assert!(!ends("The captain had one wish left: The storm should end"));
        assert!(!ends("She said this: We must go"));
        assert!(!ends("This week the captain was of two minds: The storm and the fee"));
        assert!(!ends("The captain has a page here: http://example.com is new"));
    }

    #[test]
    fn a_missing_space_is_seen_beside_capitals_quotations_and_brackets() {
        assert!(ends("They voted on Monday.Mayor Lee left"));
        assert!(ends("She called it \"a good day\".The road opens"));
        assert!(ends("It cost them $2.5m.(Two of them left)"));
        assert!(!ends("They met on the page of Booking.Com again"));
        assert!(!ends("They called the method System.Out.println again"));
    }

    #[test]
    fn a_quotation_after_a_colon_may_close_without_a_stop() {
        assert!(ends("One fan wrote: \"so proud of u\" Another left"));
        assert!(ends("One fan wrote: “no words 😭” The club left"));
        assert!(!ends("One fan called it \"a shame\" The Times reported"));
        assert!(!ends("She read: \"War and Peace\" again"));
    }

    #[test]
    fn titles_in_debates_and_old_first_names_do_not_end_sentences() {
        assert!(!ends("I thank my hon. Friend"));
        assert!(!ends("See Cols. 14"));
        assert!(!ends("Then Smt. Lee and Chas. Orr met Lt.-Gen. Sato"));
    }

    #[test]
    fn dots_after_a_stop_belong_to_what_follows() {
        assert!(ends("It rained. ... the rest"));
        assert!(ends("It rained. … The rest"));
        assert!(!ends("sold by Acme Co. ... the rest"));
    }

    #[test]
    fn the_author_of_a_quotation_stays_with_it() {
        assert!(!ends("\"We must go.\" - Ann Lee"));
        assert!(!ends("“We must go.” — Ann Lee"));
        assert!(ends("\"We must go.\" - The captain rose from her seat"));
    }

    #[test]
    fn many_people_may_begin_a_sentence_after_an_abbreviation() {
        assert!(ends("They left the U.S. Thousands stayed"));
        assert!(!ends("They left the U.S. Embassy"));
    }

    #[test]
    fn an_omission_in_brackets_goes_on_before_a_bracket() {
        assert!(!ends("The plan [...] (Hill 5)"));
        assert!(ends("The plan [...] They agreed"));
    }
}
