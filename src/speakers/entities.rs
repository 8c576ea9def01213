//! The persons and organisations that a document names: its mentions, joined.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::acronyms;
use super::bodies;
use super::lexicon::{self, Gender};
use super::mentions::{Mention, MentionKind};
use super::names::{Name, Role};
use super::roles;
use super::sources::Description;
use super::words::Word;
use crate::deadline;

/// A person whom the document names.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// The fullest name.
    pub name: String,
    /// The name's words in small letters, without suffix.
    parts: Vec<String>,
    suffix: Option<String>,
    /// Known from an honorific, a role, the first name or a pronoun.
    pub gender: Option<Gender>,
    /// The roles that the document gives them, in its order.
    pub roles: Vec<Role>,
    /// Something more than capitals shows that this is a person.
    pub is_somebody: bool,
    /// An article before it, or a noun in it, shows that it is no person.
    pub is_thing: bool,
    /// The text has reported their words under a name of several words.
    pub has_spoken: bool,
    /// The number of mentions with more than one word of the name, and the word of the first.
    full_mentions: usize,
    first_mention: usize,
}

/// The persons and organisations that a document names.
#[derive(Debug, Default)]
pub(super) struct Entities {
    /// The persons, and what could be persons.
    pub persons: Vec<Person>,
    /// Persons by every end of their name: "de Lee" and "Lee" for "Ann de Lee".
    by_end: HashMap<String, Vec<usize>>,
    by_first: HashMap<String, Vec<usize>>,
    /// Persons by a nickname inside their name: "Mona" for "Ramona “Mona” Castell".
    by_nickname: HashMap<String, Vec<usize>>,
    /// Persons by the spellings that are near that of their surname; counted when it is asked for.
    by_spelling: OnceCell<HashMap<String, Vec<usize>>>,
    /// Full names of organisations by acronym and by last word.
    organisations: HashMap<String, HashSet<String>>,
    /// Full names of firms by their first word: "quux" for "Quux Holdings Inc.".
    firms: HashMap<String, HashSet<String>>,
}

impl Entities {
    /// Joins mentions into persons. Returns the entities, and the person of each mention.
    pub(super) fn new(source: &str, words: &[Word], mentions: &[Mention]) -> (Self, Vec<Option<usize>>) {
        let mut entities = Self::default();
        let mut persons = vec![None; mentions.len()];
        // Longer names come first, for shorter ones to find. The sort keeps the order of equals.
        let mut order: Vec<usize> =
            (0..mentions.len()).filter(|&at| !words[mentions[at].name.start].is_in_title).collect();
        order.sort_by_key(|&at| std::cmp::Reverse(mentions[at].name.len()));
        for &at in &order {
            deadline::check();
            let mention = &mentions[at];
            if matches!(mention.kind, MentionKind::Person | MentionKind::Unknown) || mention.name.len() == 1 {
                persons[at] = entities.place(source, words, mention);
            }
            if persons[at].is_none() {
                entities.note_organisation(source, words, mention);
            }
        }
        for (at, mention) in mentions.iter().enumerate() {
            if let (Some(person), Some(role)) = (persons[at], mention.role.clone()) {
                entities.persons[person].add_role(Role::from_words(source, words, role));
            }
        }
        (entities, persons)
    }

    /// The person of a mention, added if new.
    fn place(&mut self, source: &str, words: &[Word], mention: &Mention) -> Option<usize> {
        let name = Name::from_words(words, mention.name.clone())?;
        let known = self.find(&name, mention.gender);
        let is_new_person = known == Bearers::Nobody && (name.parts.len() > 1 || mention.kind == MentionKind::Person);
        let person = match known {
            Bearers::One(person) if mention.kind != MentionKind::Place || self.persons[person].is_somebody => person,
            _ if is_new_person && mention.kind != MentionKind::Place => {
                self.add(name.clone(), roles::text(source, words, mention.name.clone()))
            }
            _ => return None,
        };
        let known = &mut self.persons[person];
        // "Spokeswoman Foo" is a woman, whatever others of her first name are.
        known.gender = mention.gender.or(known.gender);
        // Bodies are not called by their last word, but for those that have a word of bodies there.
        let is_surname = mention.name.len() == 1
            && !lexicon::is_thing_noun(&words[mention.name.start].lower)
            && mention.kind == MentionKind::Unknown
            && known.parts.len() > 1;
        known.is_somebody |= mention.kind == MentionKind::Person || is_surname;
        known.is_thing |= is_thing(words, mention);
        if mention.name.len() > 1 {
            known.full_mentions += 1;
            known.first_mention = known.first_mention.min(mention.name.start);
        }
        Some(person)
    }

    /// Adds a person who is in no mention: a single name that is a source.
    pub(super) fn add_single(&mut self, word: &Word, is_person: bool, gender: Option<Gender>) -> usize {
        let name = Name { parts: vec![word.lower.clone()], suffix: None };
        let person = self.add(name, word.text.to_owned());
        (self.persons[person].is_somebody, self.persons[person].gender) = (is_person, gender);
        person
    }

    fn add(&mut self, name: Name, written: String) -> usize {
        let person = self.persons.len();
        for from in usize::from(name.parts.len() > 1)..name.parts.len() {
            self.by_end.entry(name.parts[from..].join(" ")).or_default().push(person);
        }
        if name.parts.len() > 1 {
            self.by_first.entry(name.parts[0].clone()).or_default().push(person);
        }
        if written.contains(['“', '"', '‘', '(']) && name.parts.len() > 2 {
            self.by_nickname.entry(name.parts[name.parts.len() - 2].clone()).or_default().push(person);
        }
        let gender = lexicon::gender_of_first_name(&name.parts[0]).filter(|_| name.parts.len() > 1);
        let Name { parts, suffix } = name;
        self.persons.push(Person {
            name: written,
            parts,
            suffix,
            gender,
            roles: Vec::new(),
            is_somebody: false,
            is_thing: false,
            has_spoken: false,
            full_mentions: 0,
            first_mention: usize::MAX,
        });
        person
    }

    /// The bearer of `name` among those who are not known to be of the other gender.
    pub(super) fn find(&self, name: &Name, gender: Option<Gender>) -> Bearers {
        let is_single = name.parts.len() == 1;
        let last = name.parts.last().map_or("", String::as_str);
        let same_last = self.with_end(last).iter().copied();
        let same: Vec<usize> = same_last.filter(|&person| self.persons[person].is_called(name)).collect();
        let whole = name.parts.join(" ");
        let ending = self.with_end(&whole).iter().copied().filter(|person| is_single || !same.contains(person));
        let all: Vec<usize> = if same.is_empty() { ending.collect() } else { same };
        // "Lee Jr." is no other Lee.
        let is_suffixed = |person: &usize| name.suffix.is_none() || self.persons[*person].suffix == name.suffix;
        let all: Vec<usize> = all.into_iter().filter(is_suffixed).collect();
        let found = self.choose(&all, gender);
        if found != Bearers::Nobody || !is_single {
            return found;
        }
        let first = self.by_first.get(last).map_or(&[] as &[usize], Vec::as_slice);
        // Some languages have the family name first. Only one may have it then.
        let is_family_name = |&person: &usize| {
            let person = &self.persons[person];
            let is_told =
                person.is_somebody || person.has_spoken || person.parts.last().is_some_and(|given| given.contains('-'));
            person.parts.len() == 2 && is_told && !person.is_thing && !lexicon::is_place(last)
        };
        let is_first = lexicon::is_first_name(last) || first.len() == 1 && first.iter().all(is_family_name);
        let first = if is_first { first } else { &[] };
        match self.choose(first, gender) {
            Bearers::Nobody => self.choose(self.by_nickname.get(last).map_or(&[], Vec::as_slice), gender),
            found => found,
        }
    }

    /// The person whose surname a single name misspells by one letter, if there is only one: "Quuz" for "Ann Quux".
    pub(super) fn misspelt(&self, name: &Name, gender: Option<Gender>) -> Option<usize> {
        const SHORTEST: usize = 5;
        let [written] = name.parts.as_slice() else { return None };
        if written.chars().count() < SHORTEST || lexicon::is_first_name(written) || name.suffix.is_some() {
            return None;
        }
        let index = self.by_spelling.get_or_init(|| self.spellings());
        let mut near: Vec<usize> =
            without_a_letter(written).filter_map(|form| index.get(&form)).flatten().copied().collect();
        near.sort_unstable();
        near.dedup();
        let mut all = near.into_iter().filter(|&person| {
            let one = &self.persons[person];
            let is_other = gender.zip(one.gender).is_some_and(|(wanted, own)| wanted != own);
            one.is_somebody && !is_other && is_one_letter_off(written, one.surname())
        });
        all.next().filter(|_| all.next().is_none())
    }

    /// The persons of several names by their surname, whole and without each of its letters: two words that differ by a letter
    /// have one of these forms in common.
    fn spellings(&self) -> HashMap<String, Vec<usize>> {
        let mut index: HashMap<String, Vec<usize>> = HashMap::new();
        for (person, one) in self.persons.iter().enumerate().filter(|(_, one)| one.parts.len() > 1) {
            deadline::check();
            for form in without_a_letter(one.surname()) {
                index.entry(form).or_default().push(person);
            }
        }
        index
    }

    /// The persons whose name ends in these words.
    fn with_end(&self, words: &str) -> &[usize] {
        self.by_end.get(words).map_or(&[], Vec::as_slice)
    }

    /// The one of `persons` that fits. A junior does not compete for the bare surname.
    fn choose(&self, persons: &[usize], gender: Option<Gender>) -> Bearers {
        let fits =
            |&&person: &&usize| gender.is_none() || self.persons[person].gender.is_none_or(|own| Some(own) == gender);
        let fitting: Vec<usize> = persons.iter().filter(fits).copied().collect();
        let seniors: Vec<usize> =
            fitting.iter().copied().filter(|&person| self.persons[person].suffix.is_none()).collect();
        let known: Vec<usize> = fitting.iter().copied().filter(|&person| self.persons[person].is_somebody).collect();
        match (fitting.as_slice(), seniors.as_slice()) {
            ([one], _) | (_, [one]) => Bearers::One(*one),
            _ if known.len() == 1 => Bearers::One(known[0]),
            ([], _) => Bearers::Nobody,
            _ => self.main(&fitting).map_or(Bearers::Several, Bearers::One),
        }
    }

    /// The main bearer of a name: named in full first, and more than twice as often as all the others together.
    fn main(&self, persons: &[usize]) -> Option<usize> {
        let first = persons.iter().copied().min_by_key(|&person| self.persons[person].first_mention)?;
        let others: usize =
            persons.iter().filter(|&&other| other != first).map(|&other| self.persons[other].full_mentions).sum();
        (self.persons[first].full_mentions > 2 * others).then_some(first)
    }

    fn note_organisation(&mut self, source: &str, words: &[Word], mention: &Mention) {
        let Mention { name, kind, .. } = mention;
        if name.len() < 2 {
            return;
        }
        let written = roles::text(source, words, name.clone());
        let last = &words[name.end - 1];
        if let [or, acronym, ..] = &words[name.end.min(words.len())..]
            && last.comma_follows()
            && or.lower == "or"
            && acronym.is_all_capitals()
            && acronym.gap.starts_with(',')
        {
            // "The Quux Foo Union, or FQU,".
            self.organisations.entry(acronym.lower.replace('.', "")).or_default().insert(written.clone());
        }
        if let Some(acronym) = words.get(name.end).filter(|_| last.gap.trim_start() == "(") {
            let letters = acronyms::initials(&words[name.clone()]).to_uppercase();
            let bare = acronym.text.replace('.', "");
            // "The U.S. Quux Service (QS)", "Mid-Foo SportsNet (MFSN)".
            let is_short = letters.ends_with(&bare) && words[name.start].text.contains('.')
                || *kind == MentionKind::Organisation
                    && (letters.ends_with(&bare)
                        || letters.chars().next() == bare.chars().next()
                        || are_same_letters(&letters, &bare));
            if acronym.is_all_capitals() && (letters == bare || is_short) {
                self.organisations.entry(acronym.lower.replace('.', "")).or_default().insert(written.clone());
            }
        }
        if *kind == MentionKind::Organisation {
            for acronym in acronyms::possible(&words[name.clone()]) {
                self.organisations.entry(acronym).or_default().insert(written.clone());
            }
        }
        if lexicon::is_legal_form(&last.lower)
            || *kind == MentionKind::Organisation && may_lose_last(&words[name.clone()])
        {
            self.firms.entry(words[name.start].lower.clone()).or_default().insert(written.clone());
        }
        for (at, word) in words[name.clone()].iter().enumerate() {
            let is_last = name.start + at + 1 == name.end && lexicon::is_organisation_word(&word.lower);
            let is_head = words[name.clone()].get(at + 1).is_some_and(|next| !next.is_capitalised())
                && lexicon::is_organisation_word(&word.lower);
            if is_last || is_head || lexicon::is_named_organisation_noun(&word.lower) {
                self.organisations.entry(word.lower.clone()).or_default().insert(written.clone());
            }
        }
    }

    /// The full name of the organisation that the document calls by an acronym or a last word, if there is only one.
    pub(super) fn organisation(&self, lower: &str) -> Option<&str> {
        longest_form(self.organisations.get(lower)?)
    }

    /// The full name of the firm that the document calls by its first word, if there is only one.
    pub(super) fn firm(&self, lower: &str) -> Option<&str> {
        longest_form(self.firms.get(lower)?)
    }

    /// The full name of the organisation that a document calls by the beginning of its first word: "the Fed".
    pub(super) fn long_form(&self, short: &str) -> Option<&str> {
        const SHORTEST: usize = 3;
        const FEWEST_MORE: usize = 3;
        // A longer name has an acronym.
        const MOST_WORDS: usize = 3;
        if short.len() < SHORTEST || lexicon::is_first_name(short) {
            return None;
        }
        let begins = |name: &&str| {
            if name.split(' ').count() > MOST_WORDS {
                return false;
            }
            let first = name.split(' ').next().unwrap_or_default().to_lowercase();
            first.len() >= short.len() + FEWEST_MORE && first.starts_with(short)
        };
        let mut all = self.organisations.values().flatten().map(String::as_str).filter(begins);
        let first = all.next()?;
        all.all(|other| other == first).then_some(first)
    }

    /// The persons with a role that has this noun.
    pub(super) fn with_noun(&self, noun: &str) -> Vec<usize> {
        let persons = (0..self.persons.len()).filter(|&person| self.persons[person].is_somebody);
        persons
            .filter(|&person| {
                self.persons[person].roles.iter().any(|role| role.words.last().is_some_and(|own| own == noun))
            })
            .collect()
    }

    /// The persons with the role that a description tells: those who have it in the same words, or else those for whom it
    /// fits.
    pub(super) fn with_role(&self, description: &Description) -> Vec<usize> {
        let with = |fits: &dyn Fn(&Role) -> bool| -> Vec<usize> {
            let persons = (0..self.persons.len()).filter(|&person| self.persons[person].is_somebody);
            persons.filter(|&person| self.persons[person].roles.iter().any(fits)).collect()
        };
        let same = with(&|role| role.words == description.nouns && role.is_of(&description.owner));
        if same.is_empty() { with(&|role| role.fits(description)) } else { same }
    }
}

/// Returns true for a body's name of two words that is often called by the first one alone: "Quux News".
fn may_lose_last(name: &[Word]) -> bool {
    let [first, last] = name else { return false };
    let is_common = lexicon::is_place(&first.lower)
        || lexicon::is_group(&first.lower)
        || lexicon::is_first_name(&first.lower)
        || lexicon::is_organisation_word(&first.lower)
        || lexicon::is_field(&first.lower);
    // "QUUX International" may be a part of "QUUX".
    let is_part = first.is_all_capitals() && last.lower == "international";
    lexicon::is_left_out(&last.lower) && !is_common && !is_part
}

/// The longest of some names, if all the others are short forms of it.
fn longest_form(names: &HashSet<String>) -> Option<&str> {
    let longest = names.iter().max_by_key(|name| (name.len(), std::cmp::Reverse(name.as_str())))?;
    names.iter().all(|name| bodies::is_form_of(name, longest)).then_some(longest.as_str())
}

/// Returns true for a mention that nothing shows to be a person, with an article ("the Foo Accord") or a noun for a thing.
fn is_thing(words: &[Word], mention: &Mention) -> bool {
    let name = &mention.name;
    let article = name.start.checked_sub(1).map(|at| &words[at]).filter(|word| word.is_beside_next());
    let has_article = article.is_some_and(|word| matches!(word.lower.as_str(), "the" | "a" | "an" | "this" | "its"));
    let has_noun = [name.start, name.end - 1].iter().any(|&at| lexicon::is_thing_noun(&words[at].lower));
    mention.kind == MentionKind::Unknown && name.len() > 1 && (has_article || has_noun)
}

/// Returns true for an acronym in the order of another language: "CNE" for a National Electoral Council.
fn are_same_letters(one: &str, other: &str) -> bool {
    let sorted = |letters: &str| {
        let mut letters: Vec<char> = letters.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(one) == sorted(other)
}

/// The bearers of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearers {
    /// This one.
    One(usize),
    /// More than one could be meant.
    Several,
    /// None so far.
    Nobody,
}

impl Person {
    /// The last word of the name, in small letters.
    pub(super) fn surname(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// Returns true for a single name that nothing explains: "Quux".
    pub(super) fn is_unexplained(&self) -> bool {
        !self.is_somebody && self.parts.len() == 1 && !lexicon::is_first_name(&self.parts[0])
    }

    /// Returns true for a name that nothing shows to be a person's, but that can be one: "Quuxova", not "QUUX" or "the Quux".
    pub(super) fn may_be_somebody(&self) -> bool {
        let has_form = self.name.split(' ').all(|word| {
            let rest = word.chars().skip(1);
            word.starts_with(char::is_uppercase) && rest.filter(|letter| letter.is_alphabetic()).all(char::is_lowercase)
        });
        let is_body = self.parts.iter().any(|word| lexicon::is_organisation(word, false) || lexicon::is_place(word));
        !self.is_thing && has_form && !is_body
    }

    /// Returns true if a name of several words is this person's: the first and the last word agree.
    fn is_called(&self, name: &Name) -> bool {
        let (Some(first), Some(last)) = (name.parts.first(), name.parts.last()) else { return false };
        let is_several = name.parts.len() > 1 && self.parts.len() > 1;
        let own = &self.parts[0];
        let agrees = own == first || is_initial_of(own, first) || is_initial_of(first, own);
        let whole = is_several || self.parts == name.parts;
        whole && agrees && self.parts.last() == Some(last) && self.suffix == name.suffix
    }

    /// The role to show: the first that says something by itself.
    pub(super) fn role(&self) -> Option<&str> {
        self.roles.iter().find(|role| role.is_telling()).map(|role| role.text.as_str())
    }

    /// Adds a role, unless it says nothing new.
    pub(super) fn add_role(&mut self, role: Role) {
        match self.roles.iter().position(|known| role.text.ends_with(&known.text) || known.text.ends_with(&role.text)) {
            Some(at) if role.text.len() > self.roles[at].text.len() => self.roles[at] = role,
            Some(_) => {}
            None => self.roles.push(role),
        }
    }
}

/// A word, and the word without each of its letters.
fn without_a_letter(word: &str) -> impl Iterator<Item = String> {
    let without = |(at, letter): (usize, char)| [&word[..at], &word[at + letter.len_utf8()..]].concat();
    word.char_indices().map(without).chain(std::iter::once(word.to_owned()))
}

/// Returns true for two words that differ by one letter, or by two neighbours that have changed places. The first letter
/// is the same.
fn is_one_letter_off(one: &str, other: &str) -> bool {
    if one == other || one.strip_suffix('s') == Some(other) || one.chars().next() != other.chars().next() {
        return false;
    }
    let (mut one, mut other) = (one.chars(), other.chars());
    let mut rests = (one.as_str(), other.as_str());
    let mut letters = (one.next(), other.next());
    while letters.0 == letters.1 {
        rests = (one.as_str(), other.as_str());
        letters = (one.next(), other.next());
    }
    // What follows the first letter that differs.
    let (after, behind) = (one.as_str(), other.as_str());
    let is_close = after == behind || after == rests.1 || rests.0 == behind;
    let is_swapped = (one.next(), other.next()) == (letters.1, letters.0) && one.as_str() == other.as_str();
    is_close || is_swapped
}

/// Returns true for an initial and a name that begins with it: "J." and "john".
fn is_initial_of(initial: &str, name: &str) -> bool {
    initial.ends_with('.') && name.starts_with(initial.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::super::{mentions, words};
    use super::*;

    fn entities(text: &str) -> Entities {
        let words = words::find(text, &[]);
        Entities::new(text, &words, &mentions::find(&words)).0
    }

    fn found(text: &str, name: &str, gender: Option<Gender>) -> Option<String> {
        let entities = entities(text);
        let words = words::find(name, &[]);
        match entities.find(&Name::from_words(&words, 0..words.len())?, gender) {
            Bearers::One(person) => Some(entities.persons[person].name.clone()),
            _ => None,
        }
    }

    #[test]
    fn the_fullest_name_wins() {
        let text = "It rained on Ann Lee. Later it snowed on Ann B. Lee, too";
        assert_eq!(found(text, "Lee", None).as_deref(), Some("Ann B. Lee"));
        assert_eq!(found(text, "Ann", None).as_deref(), Some("Ann B. Lee"));
        assert_eq!(entities(text).persons.len(), 1);
    }

    #[test]
    fn two_of_one_surname_are_told_apart_by_gender_or_not_at_all() {
        let text = "It rained on Ann Lee and snowed on Bob Lee";
        assert_eq!(found(text, "Lee", None), None);
        assert_eq!(found(text, "Lee", Some(Gender::Female)).as_deref(), Some("Ann Lee"));
        assert_eq!(found(text, "Bob", None).as_deref(), Some("Bob Lee"));
    }

    #[test]
    fn a_junior_leaves_the_surname_to_the_senior() {
        let text = "It rained on Bob Lee Jr. and snowed on Bob Lee";
        assert_eq!(found(text, "Lee", None).as_deref(), Some("Bob Lee"));
        assert_eq!(found(text, "Bob Lee Jr.", None).as_deref(), Some("Bob Lee Jr."));
    }

    #[test]
    fn compound_surnames_are_found_by_their_ends() {
        let text = "by Ana Quux de la Foo";
        assert_eq!(found(text, "de la Foo", None).as_deref(), Some("Ana Quux de la Foo"));
        assert_eq!(found(text, "Foo", None).as_deref(), Some("Ana Quux de la Foo"));
    }

    #[test]
    fn acronyms_and_last_words_lead_to_full_names() {
        let entities = entities("The World Health Organization (WHO) and the Oslo Times met.");
        assert_eq!(entities.organisation("who"), Some("World Health Organization"));
        assert_eq!(entities.organisation("times"), Some("Oslo Times"));
        assert_eq!(entities.organisation("quux"), None);
    }

    #[test]
    fn a_description_finds_the_one_who_has_the_role() {
        let entities = entities(
            "Oslo Mayor Ann Lee met former President Bob Roe, and Sen. Cy Poe, a vice president of Mend, slept.",
        );
        let wanted = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let name = |text: &str| {
            let description =
                Description { nouns: wanted(text), owner: Vec::new(), has_other_owner: false, is_definite: true };
            let [only] = entities.with_role(&description)[..] else { return None };
            Some(entities.persons[only].name.as_str())
        };
        assert_eq!(name("mayor"), Some("Ann Lee"));
        assert_eq!(name("senator"), Some("Cy Poe"));
        assert_eq!(name("president"), None);
        assert_eq!(name("former president"), Some("Bob Roe"));
    }

    #[test]
    fn one_letter_may_be_other_missing_more_or_swapped() {
        for other in ["costell", "castel", "castelll", "casetll"] {
            assert!(is_one_letter_off(other, "castell"), "{other}");
        }
        for other in ["castell", "castells", "bastell", "cass", "cosdell", "tscaell", "castellas"] {
            assert!(!is_one_letter_off(other, "castell"), "{other}");
        }
    }
}
