//! The names that a text mentions, with their titles and appositions.

use std::collections::HashSet;
use std::ops::Range;

use super::acronyms;
use super::lexicon::{self, Gender};
use super::roles;
use super::words::Word;
use crate::deadline;

/// The kind of the bearer of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MentionKind {
    /// Somebody, as a title or a first name shows.
    Person,
    /// A body that speaks.
    Organisation,
    /// A town, a state, a country.
    Place,
    /// A capitalised name of anything.
    Unknown,
}

/// A name in the text. All ranges count words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    /// Name, role and apposition together.
    pub whole: Range<usize>,
    /// The name alone, without titles.
    pub name: Range<usize>,
    /// The role of the person, without a determiner.
    pub role: Option<Range<usize>>,
    /// The gender that the role or the honorific gives.
    pub gender: Option<Gender>,
    /// The kind of the bearer.
    pub kind: MentionKind,
}

/// The mentions in `words`, in order. Their names do not overlap.
pub(super) fn find(words: &[Word]) -> Vec<Mention> {
    let names = inner_capitals(words);
    let defined = acronyms::defined(words);
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        deadline::check();
        let run = run(words, at);
        let next = defined.partition_point(|name| name.start < run.start);
        let name = defined.get(next).filter(|name| name.start < run.end && name.end >= run.end);
        let end = name.map_or(run.end, |name| name.end);
        at = end.max(at + 1);
        match name {
            Some(name) => found.push(body_with_acronym(words, run.start..end, name, &names)),
            None => found.extend(mention(words, run, &names)),
        }
    }
    drop_epithets(words, &mut found);
    found
}

/// A body whose name has an acronym behind it. `run`: its words with the capitalised ones before, such as "US".
fn body_with_acronym(words: &[Word], run: Range<usize>, name: &Range<usize>, names: &HashSet<&str>) -> Mention {
    let before = trim(words, run.start..name.start, names);
    // "NORWAY The Foo Weather Service (FWS)" begins behind the article.
    let after_small =
        before.clone().rev().find(|&at| lexicon::is_small(&words[at].lower)).map_or(before.start, |at| at + 1);
    let start = if before.end == name.start { after_small } else { name.start };
    let name = start..run.end;
    Mention { whole: name.clone(), name, role: None, gender: None, kind: MentionKind::Organisation }
}

/// The words that have a capital inside a sentence of the text, and never a small letter.
fn inner_capitals<'w>(words: &[Word<'w>]) -> HashSet<&'w str> {
    let small: HashSet<&str> =
        words.iter().filter(|word| !word.is_capitalised()).map(|word| word.lower.as_str()).collect();
    let inner = words.iter().filter(|word| word.is_capitalised() && !word.is_opening && !word.is_in_title);
    inner.filter(|word| !small.contains(word.lower.as_str())).map(|word| word.text).collect()
}

/// Removes "Honest" from "Honest Ann Lee" if the text has "Ann Lee" too.
fn drop_epithets(words: &[Word], mentions: &mut [Mention]) {
    let names: HashSet<_> = mentions.iter().map(|mention| lowered(&words[mention.name.clone()])).collect();
    for mention in mentions {
        let rest = mention.name.start + 1..mention.name.end;
        if has_epithet(&words[mention.name.clone()]) && names.contains(&lowered(&words[rest.clone()])) {
            mention.name = rest;
        }
    }
}

fn lowered<'w>(name: &'w [Word]) -> Vec<&'w str> {
    name.iter().map(|word| word.lower.as_str()).collect()
}

/// The capitalised words that belong together from `start` on.
fn run(words: &[Word], start: usize) -> Range<usize> {
    if !words[start].is_capitalised() {
        return start..start;
    }
    let mut end = start + 1;
    while let Some(next) = next_of_run(words, start, end) {
        end = next;
    }
    start..end
}

/// One past the next word of a run from `start` that so far ends before `end`; `None` at the end of the run.
fn next_of_run(words: &[Word], start: usize, end: usize) -> Option<usize> {
    let last = &words[end - 1];
    let next = words.get(end)?;
    if next.sentence != last.sentence {
        return None;
    }
    let is_firm = next.is_capitalised() && matches!(next.lower.trim_end_matches('.'), "inc" | "llc" | "llp" | "ltd");
    if last.comma_follows() && (lexicon::is_suffix(next.text) || is_firm) {
        return Some(end + 1);
    }
    if let Some(after) = after_inserted_name(words, end) {
        return Some(after);
    }
    if !last.flows_on() && !is_joined_by_ampersand(last) {
        return None;
    }
    if is_branch(last, next) && end - start > 1 {
        return Some(end + 1);
    }
    if next.is_capitalised() {
        // A dateline ends before the article: "WASHINGTON The".
        let is_dateline = last.is_all_capitals() && next.text == "The";
        return (!is_dateline).then_some(end + 1);
    }
    if joins_fields(words, end) {
        return Some(end + 2);
    }
    if next.lower == "of" && words.get(end + 1).is_some_and(|famer| famer.text == "Famer") {
        return Some(end + 2);
    }
    if lexicon::is_appeal(&last.lower) && next.lower == "the" && next.flows_on() {
        // "Save the Quuxes".
        return words.get(end + 1).filter(|noun| noun.is_capitalised()).map(|_| end + 2);
    }
    if next.lower == "of" && next.flows_on() && has_link_of_body(&words[start..end]) {
        // "The Office for the Coordination of Quux Affairs".
        return words.get(end + 1).filter(|noun| noun.is_capitalised()).map(|_| end + 2);
    }
    let links = (end..words.len()).take(2).take_while(|&at| continues(words, end, at)).count();
    let capital = words.get(end + links)?;
    (links > 0 && capital.is_capitalised() && !lexicon::is_small(&capital.lower)).then_some(end + links + 1)
}

/// Returns true for the number of a union's branch: "Quux Local 12".
fn is_branch(last: &Word, next: &Word) -> bool {
    last.text == "Local" && next.text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns true for a body's name that already has a link with its noun before it: "Office for the Coordination".
fn has_link_of_body(name: &[Word]) -> bool {
    let Some(link) = name.iter().position(|word| !word.is_capitalised() && lexicon::is_link(&word.lower)) else {
        return false;
    };
    let after = name[link + 1..].iter().filter(|word| word.is_capitalised()).count();
    link > 0 && (1..4).contains(&after) && lexicon::is_organisation_word(&name[link - 1].lower)
}

/// One past the surname of a name that has a nickname in quotation marks or a first name in brackets inside: "Ann
/// “Annie” Lee", "Lord (David) Lee".
fn after_inserted_name(words: &[Word], end: usize) -> Option<usize> {
    const MARKS: [(&str, &str); 6] =
        [(" “", "” "), (" \"", "\" "), (" ‘", "’ "), (" '", "' "), (" (", ") "), (" ''", "'' ")];
    let inserted = words.get(end).filter(|word| word.is_capitalised())?;
    let surname = words.get(end + 1).filter(|word| word.is_capitalised())?;
    let is_between = MARKS.contains(&(words[end - 1].gap, inserted.gap));
    // An acronym in brackets is not part of a name.
    (is_between && !inserted.is_all_capitals() && surname.sentence == words[end - 1].sentence).then_some(end + 2)
}

/// Returns true if the "and" at `end` is inside a name: "Department of Trade and Industry".
fn joins_fields(words: &[Word], end: usize) -> bool {
    let Some([last, and, next]) = words.get(end - 1..end + 2) else { return false };
    let are_fields = lexicon::is_field(&last.lower) && lexicon::is_field(&next.lower);
    and.lower == "and" && and.flows_on() && are_fields && next.is_capitalised()
}

/// Returns true if "&" is between the word and the next one, as in the names of firms.
fn is_joined_by_ampersand(word: &Word) -> bool {
    word.gap == " & " && !word.is_possessive
}

/// Returns true if the word `at` in small letters may be inside a name that has its last capital before `end`.
fn continues(words: &[Word], end: usize, at: usize) -> bool {
    let last = &words[end - 1];
    let word = &words[at];
    let has_parts =
        lexicon::is_organisation_word(&last.lower) || (lexicon::is_role(&last.lower) && word.lower != "for");
    let is_head = lexicon::is_name_head(&last.lower);
    let is_link = match word.lower.as_str() {
        "of" => has_parts || is_head,
        "for" | "on" => has_parts,
        "to" => has_purpose(&last.lower),
        _ => false,
    };
    let is_article = word.lower == "the" && at > end && (has_parts || is_head);
    word.flows_on() && (lexicon::is_particle(&word.lower) || is_link || is_article)
}

/// Returns true for a body that may be named after what it is to do: "Committee to Protect Quuxes".
fn has_purpose(lower: &str) -> bool {
    matches!(lower, "campaign" | "coalition" | "commission" | "committee" | "foundation" | "fund" | "task")
}

fn mention(words: &[Word], run: Range<usize>, names: &HashSet<&str>) -> Option<Mention> {
    let run = trim(words, run, names);
    if run.is_empty() {
        return None;
    }
    let title = title(words, run.clone());
    let after_title = title.map_or(run.start, |noun| title_end(words, noun, run.end));
    let name_end = post_nominals(words, after_title..run.end);
    let name = after_opening_noun(words, trim_groups(words, after_title..name_end));
    if title.is_some() && kind_by_name(words, name.clone()) == MentionKind::Organisation {
        // In "Justice Department" the first word is part of the name, not a title.
        return Some(Mention {
            whole: run.clone(),
            name: run,
            role: None,
            gender: None,
            kind: MentionKind::Organisation,
        });
    }
    let is_only_origin = name.len() == 1 && words.get(name.start).is_some_and(is_controlled);
    if name.is_empty() || is_only_origin || is_only_role(words, name.clone()) || is_of_group(words, &name) {
        return None;
    }
    Some(with_role(words, name, title))
}

/// The end of a name without the letters after it: "Ann Lee MP".
fn post_nominals(words: &[Word], name: Range<usize>) -> usize {
    const FEWEST_WORDS: usize = 2;
    let shortest = name.start + FEWEST_WORDS;
    let last = (shortest..name.end).rev().find(|&at| !lexicon::is_post_nominal(words[at].text));
    last.map_or(name.end.min(shortest), |last| last + 1)
}

/// Drops words before a name that have a capital for another reason, and days after it.
fn trim(words: &[Word], run: Range<usize>, names: &HashSet<&str>) -> Range<usize> {
    if is_imperative_name(words, &run) || is_known_pair(&words[run.clone()]) {
        return run;
    }
    let start = run.clone().find(|&at| !has_other_capital(&words[at], names)).unwrap_or(run.end);
    let start = after_dateline(words, start..run.end);
    // "The Foo Press on Monday" is the Foo Press.
    let is_outside = |at: &usize| is_day(&words[*at]) || !words[*at].is_capitalised();
    let end = run.clone().rev().find(|at| !is_outside(at)).map_or(start, |last| last + 1);
    if end > start && end < run.end && is_branch(&words[end - 1], &words[end]) {
        return start..end + 1;
    }
    start..end.max(start)
}

/// The start of a name behind the place of a dateline: "OSLO CITY Ann Lee", "Norway Ann Lee".
fn after_dateline(words: &[Word], run: Range<usize>) -> usize {
    let Some(first) = words.get(run.start).filter(|_| run.len() > 2) else { return run.start };
    if let Some(given) = after_body(words, &run) {
        return given;
    }
    if let Some(name) = after_place_in_capitals(words, &run) {
        return name;
    }
    let is_apart = lexicon::is_place(&first.lower) || is_compass(&first.lower) || first.is_all_capitals();
    if !is_apart || lexicon::is_first_name(&first.lower) {
        return run.start;
    }
    let is_given = |at: &usize| lexicon::is_first_name(&words[*at].lower) && !words[*at].is_all_capitals();
    let is_dateline = |at: usize| words[at].is_all_capitals() || lexicon::is_place(&words[at].lower);
    let given = (run.start + 1..run.end - 1).find(is_given);
    given.filter(|&given| (run.start..given).all(is_dateline)).unwrap_or(run.start)
}

/// The start of a name behind a place in capitals that begins its sentence: "OSLO CITY Quux Lee".
fn after_place_in_capitals(words: &[Word], run: &Range<usize>) -> Option<usize> {
    const FEWEST_WORDS: usize = 2;
    let name = run.clone().find(|&at| !words[at].is_all_capitals() || words[at].text.contains('.'))?;
    let place = &words[run.start..name];
    let is_place = place.iter().any(|word| lexicon::is_place(&word.lower) || lexicon::is_place_noun(&word.lower));
    let is_dateline = is_place && words[run.start].is_opening && !place.iter().any(|word| word.text.len() < 4);
    (is_dateline && run.end - name >= FEWEST_WORDS).then_some(name)
}

/// The start of a person's name behind that of a body: "Foo Monitoring Service Ann Lee".
fn after_body(words: &[Word], run: &Range<usize>) -> Option<usize> {
    let given = run.end.checked_sub(2).filter(|&given| given > run.start)?;
    let body = &words[given - 1];
    let is_body = matches!(
        body.lower.as_str(),
        "agency"
            | "bureau"
            | "commission"
            | "department"
            | "insider"
            | "institute"
            | "service"
            | "treasury"
            | "university"
    ) || follows_office(words, run.start)
        && !lexicon::is_first_name(&body.lower)
        && !body.is_initial()
        && !lexicon::is_role(&body.lower)
        && lexicon::honorific(&body.lower).is_none();
    let is_person = lexicon::is_first_name(&words[given].lower)
        && !lexicon::is_place(&words[given].lower)
        && !lexicon::is_organisation_word(&words[given + 1].lower)
        && !lexicon::is_role(&words[given + 1].lower);
    (is_body && is_person).then_some(given)
}

/// Returns true if capitalised words from `start` on are the end of a body's name that an office leads to: "Bank" in "the
/// head of the Foo Bank", "Quux" in "CEO of Foo of Quux".
fn follows_office(words: &[Word], start: usize) -> bool {
    const REACH: usize = 5;
    let before = (start.saturating_sub(REACH)..start).rev();
    let mut linked = before.take_while(|&at| words[at].is_beside_next() && words[at].sentence == words[start].sentence);
    let mut has_link = false;
    linked
        .find_map(|at| {
            let word = &words[at];
            let is_link = matches!(word.lower.as_str(), "of" | "at" | "for" | "to");
            if has_link && lexicon::is_office(&word.lower) {
                return Some(true);
            }
            let goes_on = is_link || word.lower == "the" && !word.is_capitalised() || has_link && word.is_capitalised();
            has_link |= is_link;
            (!goes_on).then_some(false)
        })
        .unwrap_or(false)
}

/// Returns true for a name that begins like a command: "Ask Jeeves said". A command has no verb of saying after it.
fn is_imperative_name(words: &[Word], run: &Range<usize>) -> bool {
    let is_command =
        matches!(words[run.start].lower.as_str(), "ask" | "get" | "give" | "go" | "let" | "make" | "share");
    let is_subject = words.get(run.end).is_some_and(|verb| lexicon::is_saying(&verb.lower) && !verb.is_capitalised());
    is_command && run.len() == 2 && is_subject
}

/// Returns true for a word before a name that has its capital for another reason.
fn has_other_capital(word: &Word, names: &HashSet<&str>) -> bool {
    let is_known = lexicon::is_organisation(&word.lower, false) || names.contains(word.text);
    // "WHO" is an acronym.
    lexicon::is_small(&word.lower) && !(word.is_all_capitals() && names.contains(word.text))
        || (word.is_opening && (roles::is_lead_in(word) && !is_known || lexicon::is_plural(&word.lower)))
        || (word.is_opening && is_plural_noun(&word.lower) && !names.contains(word.text))
        || word.lower.chars().all(|character| !character.is_alphabetic())
        || is_seat(word)
        || is_date(word)
        // A salutation.
        || word.is_opening && word.lower == "dear"
}

/// Returns true for a noun for several documents or people: "figures", "doctors".
fn is_plural_noun(lower: &str) -> bool {
    lower.ends_with('s') && lower != "census" && (lexicon::is_document_noun(lower) || lexicon::is_plural_role(lower))
}

/// Returns true for the party and the state of a member of Congress: "D-California".
fn is_seat(word: &Word) -> bool {
    let place = word.text.strip_prefix(['D', 'I', 'R']).and_then(|rest| rest.strip_prefix('-'));
    place.is_some_and(|place| place.starts_with(char::is_uppercase))
}

/// Returns true for a month that is nobody's name: "Feb", "September".
fn is_date(word: &Word) -> bool {
    let is_name = lexicon::is_first_name(&word.lower)
        || matches!(word.lower.as_str(), "april" | "august" | "jan" | "june" | "mar" | "march" | "may");
    lexicon::is_month(&word.lower) && !is_name
}

fn is_day(word: &Word) -> bool {
    lexicon::is_group(&word.lower) && word.lower.ends_with("day")
}

/// Drops nationalities, parties and origins before a name, unless they are the whole name or part of an organisation's.
fn trim_groups(words: &[Word], name: Range<usize>) -> Range<usize> {
    if kind_by_name(words, name.clone()) == MentionKind::Organisation {
        // "The Foo-led Senate" is the Senate.
        let after_control = name.clone().rev().find(|&at| is_controlled(&words[at])).map_or(name.start, |at| at + 1);
        return if after_control < name.end { after_control..name.end } else { name };
    }
    let after_origin = name.clone().rev().find(|&at| is_origin(&words[at])).map_or(name.start, |at| at + 1);
    let start = (after_origin..name.end).find(|&at| !is_adjective(&words[at])).unwrap_or(name.start);
    start..name.end
}

/// A name without the noun that begins its sentence in front of it: "Evictee Ann Lee" is Ann Lee.
fn after_opening_noun(words: &[Word], name: Range<usize>) -> Range<usize> {
    const ENDINGS: [&str; 6] = ["ee", "eer", "ist", "cian", "tive", "owner"];
    let [noun, given, surname] = &words[name.clone()] else { return name };
    let follows_title = name.start.checked_sub(1).is_some_and(|at| lexicon::is_role(&words[at].lower));
    let is_noun = (noun.is_opening || follows_title)
        && noun.text.len() > 5
        && ENDINGS.iter().any(|ending| noun.lower.ends_with(ending))
        && !lexicon::is_organisation_word(&surname.lower);
    if is_noun && !given.is_initial() && has_epithet(&words[name.clone()]) { name.start + 1..name.end } else { name }
}

/// Returns true for a nationality, a party or a modifier that is not a first name as well.
fn is_adjective(word: &Word) -> bool {
    (lexicon::is_group(&word.lower) || lexicon::is_modifier(&word.lower)) && !lexicon::is_first_name(&word.lower)
}

/// Returns true if a known first name follows a word that is none, as in "Honest Ann Lee".
fn has_epithet(name: &[Word]) -> bool {
    match name {
        [first, given, _, ..] => {
            let is_given = lexicon::is_first_name(&first.lower) || first.is_initial();
            !is_given && lexicon::is_first_name(&given.lower) && !lexicon::is_organisation_word(&first.lower)
        }
        _ => false,
    }
}

/// Returns true for an adjective that is made from a name: "Korean-born", "Boston-area".
fn is_origin(word: &Word) -> bool {
    let last = word.text.rsplit_once('-').map(|(_, last)| last);
    last.is_some_and(|last| last.len() > 3 && last.starts_with(char::is_lowercase))
}

/// Returns true for an adjective that tells who is behind a body: "Foo-led", "Oslo-based".
pub(super) fn is_controlled(word: &Word) -> bool {
    let last = word.text.rsplit_once('-').map(|(_, last)| last);
    matches!(
        last,
        Some("affiliated" | "aligned" | "backed" | "based" | "controlled" | "led" | "owned" | "run" | "supported")
    )
}

/// The last word of a title inside a run, with a name after it.
fn title(words: &[Word], run: Range<usize>) -> Option<usize> {
    (run.start..run.end.saturating_sub(1)).rev().find(|&at| {
        let word = &words[at];
        let is_surname = at > run.start
            && lexicon::is_surname_too(&word.lower)
            && (is_given(&words[at - 1]) || lexicon::is_suffix(words[at + 1].text));
        let is_role = lexicon::is_role(&word.lower) && !lexicon::is_first_name(&word.lower);
        let is_role = is_role || at == run.start && lexicon::is_plural_role(&word.lower);
        (is_role || lexicon::honorific(&word.lower).is_some()) && !is_surname
    })
}

fn is_given(word: &Word) -> bool {
    lexicon::is_first_name(&word.lower) || lexicon::honorific(&word.lower).is_some()
}

/// One past a title whose noun is at `noun`: "Secretary of State Ann Lee" has one that reaches to the first name.
fn title_end(words: &[Word], noun: usize, end: usize) -> usize {
    let first = noun + 1;
    if words[..end].get(first).is_none_or(|word| word.lower != "of") {
        return first;
    }
    let after_link = first + 1 + usize::from(words[..end].get(first + 1).is_some_and(|word| word.lower == "the"));
    (after_link + 1..end).find(|&at| lexicon::is_first_name(&words[at].lower)).unwrap_or((after_link + 1).min(end))
}

/// Returns true for words that end in a nationality or a party and name nobody: "Central European", "House
/// Republicans". A single word may still be somebody's surname.
fn is_of_group(words: &[Word], name: &Range<usize>) -> bool {
    let last = &words[name.end - 1];
    let is_surname = lexicon::is_first_name(&last.lower) || last.lower == "may";
    let is_group = lexicon::is_group(&last.lower) && (name.len() > 1 || last.lower.ends_with('s'));
    is_group && !is_surname && kind_by_name(words, name.clone()) == MentionKind::Unknown
}

/// Returns true for a role without a name, such as "Prime Minister".
fn is_only_role(words: &[Word], name: Range<usize>) -> bool {
    let last = &words[name.end - 1];
    if name.len() > 1 && lexicon::is_organisation_word(&last.lower) {
        // "National Guard", "Morning Star".
        return false;
    }
    let is_surname =
        lexicon::is_surname_too(&last.lower) || name.len() > 1 && lexicon::is_first_name(&words[name.start].lower);
    lexicon::is_role(&last.lower) && !is_surname && !lexicon::is_first_name(&last.lower)
}

fn with_role(words: &[Word], name: Range<usize>, title: Option<usize>) -> Mention {
    let honorific = title.and_then(|noun| lexicon::honorific(&words[noun].lower));
    let before = match title {
        Some(noun) if honorific.is_some() || lexicon::is_plural_role(&words[noun].lower) => None,
        Some(noun) => Some(roles::start(words, noun)..name.start),
        None => role_in_front(words, name.start),
    };
    let role = before.or_else(|| role_behind(words, name.end)).or_else(|| beside(words, &name));
    let first = role.as_ref().map_or(name.start, |role| role.start.min(name.start)).min(title.unwrap_or(name.start));
    let last = role.as_ref().map_or(name.end, |role| role.end.max(name.end));
    let kind = match kind_by_name(words, name.clone()) {
        MentionKind::Unknown if role.is_some() || honorific.is_some() || is_shown_as_person(words, &name) => {
            MentionKind::Person
        }
        MentionKind::Organisation | MentionKind::Place if honorific.is_some() => MentionKind::Person,
        kind => kind,
    };
    let role = role.filter(|_| kind == MentionKind::Person);
    let gender = honorific.flatten().or_else(|| role.clone().and_then(|role| gender_of(words, role)));
    Mention { whole: first..last, name, role, gender, kind }
}

/// The letters after a name if they are a role: "Ann Lee MP".
fn role_behind(words: &[Word], end: usize) -> Option<Range<usize>> {
    let letters = words.get(end).filter(|_| words[end - 1].is_beside_next())?;
    (lexicon::is_post_nominal(letters.text) && lexicon::is_role(&letters.lower)).then_some(end..end + 1)
}

/// Returns true if what follows a name is only said of a person: an age, or "who".
fn is_shown_as_person(words: &[Word], name: &Range<usize>) -> bool {
    let next = words.get(name.end).filter(|_| words[name.end - 1].comma_follows());
    let Some(next) = next.filter(|_| name.len() > 1) else { return false };
    let is_age = matches!(next.text.len(), 1 | 2)
        && next.text.bytes().all(|byte| byte.is_ascii_digit())
        && next.gap.starts_with([',', '.', ';']);
    next.lower == "who" || is_age
}

/// The role in small letters right before a name: "former campaign manager Ann Lee", "secretary of state Ann Lee".
fn role_in_front(words: &[Word], name: usize) -> Option<Range<usize>> {
    let noun = name.checked_sub(1).filter(|&last| words[last].flows_on())?;
    let is_occupation = !words[noun].is_capitalised() && lexicon::has_form_of_role(&words[noun].lower);
    if lexicon::is_role(&words[noun].lower) || is_occupation {
        return Some(roles::start(words, noun)..name);
    }
    let office = noun.checked_sub(2).filter(|_| matches!(words[noun].lower.as_str(), "state" | "staff" | "defense"))?;
    let is_office = words[office + 1].lower == "of" && lexicon::is_role(&words[office].lower);
    is_office.then(|| roles::start(words, office)..name)
}

/// The role after a name and a comma, or before a comma and a name.
fn beside(words: &[Word], name: &Range<usize>) -> Option<Range<usize>> {
    let ends_here = words[name.end - 1].comma_follows();
    roles::after(words, name.end - 1).or_else(|| roles::before_comma(words, name.start).filter(|_| ends_here))
}

fn gender_of(words: &[Word], role: Range<usize>) -> Option<Gender> {
    // The noun that counts is the last before a link: "the senator's wife", "wife of the senator".
    let before_link = words[role].iter().take_while(|word| !lexicon::is_link(&word.lower));
    before_link.filter_map(|word| lexicon::gender_of_role(&word.lower)).last()
}

/// The kind of a name's bearer, as far as the words of the name tell.
fn kind_by_name(words: &[Word], name: Range<usize>) -> MentionKind {
    let Some(first) = words[name.clone()].first() else { return MentionKind::Unknown };
    let is_given = lexicon::is_first_name(&first.lower) && !lexicon::is_place(&first.lower) && name.len() > 1;
    if words[name.clone()].iter().all(|word| lexicon::is_place(&word.lower) || is_compass(&word.lower))
        || is_of_place(&words[name.clone()])
    {
        MentionKind::Place
    } else if has_organisation_word(&words[name.clone()], is_given)
        || is_acronym(words, &name)
        || (name.start..name.end - 1).any(|at| is_joined_by_ampersand(&words[at]))
        || is_known_pair(&words[name.clone()])
    {
        MentionKind::Organisation
    } else if name.len() > 1 && (is_given || has_initial(&words[name.clone()])) {
        MentionKind::Person
    } else {
        MentionKind::Unknown
    }
}

/// Returns true if a word of a name makes it that of an organisation. A place in front does not: "London Foo".
fn has_organisation_word(name: &[Word], is_given: bool) -> bool {
    let Some(first) = name.first() else { return false };
    let rest = if name.len() > 1 && lexicon::is_place(&first.lower) { &name[1..] } else { name };
    rest.iter().any(|word| lexicon::is_organisation(&word.lower, is_given))
}

/// Returns true for a name that begins or ends like that of a place: "San Foo", "Rural Ireland", "Foo Island".
fn is_of_place(name: &[Word]) -> bool {
    let [first, .., last] = name else { return false };
    let begins = matches!(first.lower.as_str(), "los" | "las" | "san" | "santa" | "fort" | "mount" | "lake");
    let ends = lexicon::is_place(&last.lower) || lexicon::is_place_noun(&last.lower);
    let is_organisation = name.iter().any(|word| lexicon::is_organisation_word(&word.lower));
    (begins || ends) && !lexicon::is_first_name(&first.lower) && !first.is_initial() && !is_organisation
}

/// Returns true for a well-known organisation that has a name of two words: "Downing Street".
fn is_known_pair(name: &[Word]) -> bool {
    let [first, last] = name else { return false };
    lexicon::is_known_organisation(&format!("{}-{}", first.lower, last.lower))
}

fn is_acronym(words: &[Word], name: &Range<usize>) -> bool {
    name.len() == 1 && words[name.start].is_all_capitals()
}

/// Returns true if an initial is before the last word: "Ann B. Lee".
fn has_initial(name: &[Word]) -> bool {
    name[..name.len() - 1].iter().any(Word::is_initial)
}

/// Returns true for a word that is only the beginning of a place's name.
fn is_compass(lower: &str) -> bool {
    matches!(lower, "new" | "north" | "south" | "east" | "west" | "los" | "las" | "san" | "santa" | "saint" | "st.")
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    /// Name, role and kind of each mention.
    fn mentions(text: &str) -> Vec<(String, Option<String>, MentionKind)> {
        let words = words::find(text, &[]);
        let shown = |range: Range<usize>| roles::text(text, &words, range);
        find(&words).into_iter().map(|found| (shown(found.name), found.role.map(shown), found.kind)).collect()
    }

    fn people(text: &str) -> Vec<(String, String)> {
        let persons = mentions(text).into_iter().filter(|(_, _, kind)| *kind == MentionKind::Person);
        persons.map(|(name, role, _)| (name, role.unwrap_or_default())).collect()
    }

    fn person(name: &str, role: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), role.to_owned())]
    }

    #[test]
    fn titles_before_a_name_are_its_role() {
        assert_eq!(people("Prime Minister Fumio Kishida"), person("Fumio Kishida", "Prime Minister"));
        assert_eq!(people("said Oslo Mayor Ann de Lee Jr."), person("Ann de Lee Jr.", "Oslo Mayor"));
        assert_eq!(people("Former Secretary of State Ann Lee"), person("Ann Lee", "Former Secretary of State"));
        assert_eq!(people("the Roe campaign spokesman Bob Lee"), person("Bob Lee", "Roe campaign spokesman"));
        assert_eq!(people("former secretary of state Ann Lee"), person("Ann Lee", "former secretary of state"));
    }

    #[test]
    fn appositions_are_roles() {
        assert_eq!(
            people("Fumio Kishida, Japan’s prime minister, said"),
            person("Fumio Kishida", "Japan’s prime minister")
        );
        assert_eq!(people("Bob Lee, a spokesman for Roe."), person("Bob Lee", "spokesman for Roe"));
        assert_eq!(people("The mayor’s lawyer, Ann Lee, wept"), person("Ann Lee", "mayor’s lawyer"));
    }

    #[test]
    fn honorifics_give_gender_but_no_role() {
        let words = words::find("Ms. Quux slept.", &[]);
        let found = find(&words);
        assert_eq!((found[0].gender, found[0].kind), (Some(Gender::Female), MentionKind::Person));
        assert_eq!(found[0].role, None);
    }

    #[test]
    fn organisations_places_and_persons_are_told_apart() {
        let kinds = |text: &str| mentions(text).into_iter().map(|(name, _, kind)| (name, kind)).collect::<Vec<_>>();
        assert_eq!(kinds("in New York"), [("New York".to_owned(), MentionKind::Place)]);
        assert_eq!(kinds("the Justice Department"), [("Justice Department".to_owned(), MentionKind::Organisation)]);
        assert_eq!(
            kinds("the Ministry of the Interior"),
            [("Ministry of the Interior".to_owned(), MentionKind::Organisation)]
        );
        assert_eq!(kinds("by NASA"), [("NASA".to_owned(), MentionKind::Organisation)]);
        assert_eq!(kinds("by Ann Fox"), [("Ann Fox".to_owned(), MentionKind::Person)]);
        assert_eq!(kinds("by Quux Foo"), [("Quux Foo".to_owned(), MentionKind::Unknown)]);
    }

    #[test]
    fn words_with_capitals_for_other_reasons_are_left_out() {
        assert_eq!(people("On Monday Ann Lee said"), person("Ann Lee", ""));
        assert_eq!(people("Usually Ann Lee Sunday slept"), person("Ann Lee", ""));
        assert_eq!(people("Republican Ann Lee"), person("Ann Lee", "Republican"));
        assert!(mentions("But The Prime Minister").is_empty());
        assert!(mentions("Two Central Europeans").is_empty());
        let twice = mentions("Ann Lee slept when Honest Ann Lee sang");
        assert!(twice.iter().all(|(name, ..)| name == "Ann Lee"));
        assert_eq!(people("by Oslo-born Ann Lee"), person("Ann Lee", ""));
    }

    #[test]
    fn a_surname_may_look_like_a_title() {
        assert_eq!(people("Rep. Steve King III said"), person("Steve King III", "Rep."));
        assert_eq!(people("by Steve King"), person("Steve King", ""));
    }
}
