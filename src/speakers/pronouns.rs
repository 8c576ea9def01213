//! The persons near a place of the text, whom "he" and "she" can mean there.

use std::collections::HashMap;

use super::entities::{Bearers, Entities};
use super::lexicon::{self, Gender};
use super::mentions::{Mention, MentionKind};
use super::names::Name;
use super::roles;
use super::words::Word;
use crate::deadline;

/// The number of sentences that a pronoun reaches back.
const REACH: usize = 5;

/// The same for a person of unknown gender.
const REACH_OF_UNKNOWN: usize = 2;

/// The number of sentences that "the airline" reaches back.
const REACH_OF_BODY: usize = 3;

/// The same for "it".
const REACH_OF_IT: usize = 1;

/// The prominence of somebody in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Salience {
    /// Mentioned.
    Other,
    /// The subject of a clause.
    Subject,
    /// The speaker.
    Speaker,
}

/// Somebody whom a text mentions.
#[derive(Debug, Clone)]
pub(super) enum Referent {
    /// A known person.
    Person(usize),
    /// One of several of this name.
    Named(Name),
    /// Somebody without a name, "an official", with the gender if it is known.
    Stranger(Option<Gender>),
    /// An organisation or a place that speaks, by its name.
    Body(String),
    /// An organisation or a document without a name.
    UnnamedBody,
}

impl Referent {
    /// Returns true if a pronoun of `gender` can mean this.
    fn fits(&self, entities: &Entities, gender: Gender) -> bool {
        match self {
            Self::Person(person) => is_somebody_of(entities, *person, gender),
            Self::Named(name) => match entities.find(name, Some(gender)) {
                Bearers::One(person) => is_somebody_of(entities, person, gender),
                Bearers::Several => true,
                Bearers::Nobody => false,
            },
            Self::Stranger(own) => own.is_none_or(|own| own == gender),
            Self::Body(_) | Self::UnnamedBody => false,
        }
    }

    /// The person, once the gender is known.
    fn person(&self, entities: &Entities, gender: Gender) -> Option<usize> {
        match self {
            Self::Person(person) => Some(*person)
                .filter(|&person| entities.persons[person].is_somebody || entities.persons[person].may_be_somebody()),
            Self::Named(name) => match entities.find(name, Some(gender)) {
                Bearers::One(person) => Some(person),
                _ => None,
            },
            Self::Stranger(_) | Self::Body(_) | Self::UnnamedBody => None,
        }
    }

    /// Returns true if "it" can mean this.
    fn is_body(&self, entities: &Entities) -> bool {
        match self {
            Self::Body(_) | Self::UnnamedBody => true,
            Self::Person(person) => !entities.persons[*person].is_somebody,
            Self::Named(_) | Self::Stranger(_) => false,
        }
    }

    /// The name of an organisation, or of what could be one.
    fn body<'r>(&'r self, entities: &'r Entities) -> Option<&'r str> {
        match self {
            Self::Body(name) => Some(name),
            Self::Person(person) => Some(&entities.persons[*person].name),
            Self::Named(_) | Self::Stranger(_) | Self::UnnamedBody => None,
        }
    }
}

/// Returns true for somebody who is not known to be of the other gender. A full name that nothing shows to be a person's
/// counts too: it leaves doubt.
fn is_somebody_of(entities: &Entities, person: usize, gender: Gender) -> bool {
    let person = &entities.persons[person];
    person.gender.is_none_or(|own| own == gender) && (person.is_somebody || !person.is_thing)
}

/// Somebody at a place of the text.
#[derive(Debug, Clone)]
struct Appearance {
    word: usize,
    referent: Referent,
    salience: Salience,
}

/// The people of each sentence.
#[derive(Debug, Default)]
pub(super) struct Discourse {
    by_sentence: HashMap<usize, Vec<Appearance>>,
}

impl Discourse {
    /// The persons of all mentions outside quotations. `persons` has an entry for each mention.
    pub(super) fn new(words: &[Word], entities: &Entities, mentions: &[Mention], persons: &[Option<usize>]) -> Self {
        let mut discourse = Self::default();
        for (mention, person) in mentions.iter().zip(persons) {
            deadline::check();
            let first = &words[mention.name.start];
            let referent = person
                .map(Referent::Person)
                .or_else(|| namesake(words, entities, mention))
                .or_else(|| body(words, entities, mention));
            if let Some(referent) = referent.filter(|_| !first.is_quoted && !first.is_in_title) {
                let salience = if is_subject(words, mention) { Salience::Subject } else { Salience::Other };
                discourse.enter(words, mention.name.start, referent, salience);
            }
        }
        for (at, _) in words.iter().enumerate().filter(|(_, word)| !word.is_quoted && !word.is_capitalised()) {
            if is_nameless_body(words, at) {
                discourse.enter(words, at, Referent::UnnamedBody, Salience::Subject);
            }
            if let Some(gender) = stranger(words, at) {
                let salience = if is_object(words, at) { Salience::Other } else { Salience::Subject };
                discourse.enter(words, at, Referent::Stranger(Some(gender)), salience);
            }
        }
        discourse
    }

    /// The organisation that "it" at `word` means, if the sentences before it leave no doubt. `noun`: "airline", where "the
    /// airline" stands there.
    pub(super) fn body(&self, words: &[Word], entities: &Entities, word: usize, noun: Option<&str>) -> Option<String> {
        let sentence = words[word].sentence;
        let reach = if noun.is_some() { REACH_OF_BODY } else { REACH_OF_IT };
        let near = (sentence.saturating_sub(reach)..=sentence).rev();
        let fits = |one: &&Appearance| {
            let name = one.referent.body(entities);
            let is_excluded = name.zip(noun).is_some_and(|(name, noun)| is_place(name) || !is_called(name, noun));
            one.word < word && one.referent.is_body(entities) && !is_excluded
        };
        let mut bodies =
            near.filter_map(|sentence| self.by_sentence.get(&sentence)).flat_map(|all| all.iter().rev().filter(fits));
        // From the place backwards, up to the one that was the last to speak.
        let mut found: Option<&str> = None;
        let mut has_spoken = false;
        let mut is_sure = true;
        for one in bodies.by_ref() {
            let name = one.referent.body(entities)?;
            if found.is_some_and(|found| found != name) {
                return None;
            }
            found = Some(name);
            has_spoken |= one.salience == Salience::Speaker;
            // "It" means a body that has its name for certain, and that spoke in a sentence before.
            is_sure &= matches!(one.referent, Referent::Body(_)) && words[one.word].sentence < sentence;
            if one.salience == Salience::Speaker {
                break;
            }
        }
        let is_country = noun.is_none() && found.is_some_and(is_place);
        found.filter(|_| has_spoken && !is_country && (is_sure || noun.is_some())).map(str::to_owned)
    }

    /// The body that a text is about before a word, where it can be called by a noun: named more than twice as often as all
    /// others that can be.
    pub(super) fn main_body(&self, words: &[Word], entities: &Entities, word: usize, noun: &str) -> Option<String> {
        const REACH: usize = 15;
        const OFTEN: usize = 2;
        if !lexicon::is_organisation_noun(noun) {
            return None;
        }
        let sentence = words[word].sentence;
        let near = (sentence.saturating_sub(REACH)..=sentence).filter_map(|sentence| self.by_sentence.get(&sentence));
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for one in near.flatten().filter(|one| one.word < word && one.referent.is_body(entities)) {
            if let Some(name) = one.referent.body(entities).filter(|name| !is_place(name) && is_called(name, noun)) {
                *counts.entry(name).or_default() += 1;
            }
        }
        // A name that has the kind in it, if only one has.
        let mut evident = counts.keys().filter(|name| lexicon::is_evident(name, noun));
        if let (Some(name), None) = (evident.next(), evident.next()) {
            return Some((*name).to_owned());
        }
        let all: usize = counts.values().sum();
        let most = |(_, count): &(&&str, &usize)| **count >= OFTEN && **count > 2 * (all - **count);
        if let Some((name, _)) = counts.iter().find(most) {
            return Some((*name).to_owned());
        }
        // Or the one that is named most often and was the last to act.
        let near = (sentence.saturating_sub(REACH_OF_BODY)..=sentence).rev();
        let last = near.filter_map(|sentence| self.by_sentence.get(&sentence)).find_map(|there| {
            let all = there
                .iter()
                .filter(|one| one.word < word && one.salience > Salience::Other && one.referent.is_body(entities));
            let named = all.filter_map(|one| one.referent.body(entities).map(|name| (one.word, name)));
            named.filter(|(_, name)| counts.contains_key(name)).max_by_key(|(at, _)| *at)
        });
        let (_, last) = last?;
        let count = counts[last];
        let is_most = counts.iter().all(|(name, other)| *name == last || *other < count);
        (count >= OFTEN && is_most).then(|| last.to_owned())
    }

    /// The body that was the last to speak before "it", where no other has come since.
    pub(super) fn speaking_body(&self, words: &[Word], entities: &Entities, word: usize) -> Option<String> {
        const REACH: usize = 3;
        let sentence = words[word].sentence;
        let near = (sentence.saturating_sub(REACH)..=sentence).filter_map(|sentence| self.by_sentence.get(&sentence));
        let before: Vec<&Appearance> = near.flatten().filter(|one| one.word < word).collect();
        let speakers = before.iter().filter(|one| one.salience == Salience::Speaker);
        let candidate = speakers.max_by_key(|one| one.word)?;
        // A single name that nothing shows to be a person's is that of a body, if "it" follows.
        let name = match &candidate.referent {
            Referent::Body(name) => name,
            Referent::Person(person) if entities.persons[*person].is_unexplained() => &entities.persons[*person].name,
            _ => return None,
        };
        // "The FTSE 250-listed group" is no body of that name.
        let is_number = words
            .get(candidate.word + 1)
            .is_some_and(|next| next.text.starts_with(|first: char| first.is_ascii_digit()));
        if is_place(name) || is_number {
            return None;
        }
        // Behind a quotation, "it said" goes on with the same body; elsewhere any other may be meant.
        let is_trailing = word.checked_sub(1).is_some_and(|before| words[before].gap.contains([',', '"', '”']))
            && words.get(word + 1).is_some_and(|next| lexicon::is_saying(&next.lower));
        let least = if is_trailing { Salience::Subject } else { Salience::Other };
        let is_rival = |one: &&&Appearance| {
            one.word > candidate.word
                && one.salience >= least
                && one.referent.is_body(entities)
                && one.referent.body(entities).is_none_or(|other| other != name && !is_place(other))
        };
        let is_described = (candidate.word + 1..word).any(|at| is_described_body(words, at));
        (!is_described && before.iter().find(is_rival).is_none()).then(|| name.clone())
    }

    /// The one who speaks in the sentence of a verb and before the word at `limit`, or who is the only subject before the verb.
    pub(super) fn subject(&self, words: &[Word], verb: usize, limit: usize) -> Option<Referent> {
        const NEAR: usize = 5;
        let there = self.by_sentence.get(&words[verb].sentence).map_or(&[] as &[Appearance], Vec::as_slice);
        let mut speakers = there.iter().filter(|one| one.salience == Salience::Speaker && one.word < limit);
        if let Some(speaker) = speakers.next_back() {
            return Some(speaker.referent.clone());
        }
        let mut subjects =
            there.iter().filter(|one| one.salience == Salience::Subject && one.word < verb && one.word + NEAR >= verb);
        let subject = subjects.next()?;
        subjects.next().is_none().then(|| subject.referent.clone())
    }

    /// The only person near `word`, if they have spoken or acted last.
    pub(super) fn only_person(&self, words: &[Word], entities: &Entities, word: usize) -> Option<usize> {
        let sentence = words[word].sentence;
        let near = (sentence.saturating_sub(REACH_OF_UNKNOWN)..=sentence)
            .filter_map(|sentence| self.by_sentence.get(&sentence));
        let mut found = None;
        let mut is_subject = false;
        for one in near.flatten().filter(|one| one.word < word) {
            match &one.referent {
                Referent::Person(person) if entities.persons[*person].is_somebody => {
                    if found.is_some_and(|found| found != *person) {
                        return None;
                    }
                    found = Some(*person);
                    is_subject |= one.salience > Salience::Other;
                }
                Referent::Person(person) if entities.persons[*person].is_thing => {}
                Referent::Person(_) | Referent::Named(_) | Referent::Stranger(_) => return None,
                Referent::Body(_) | Referent::UnnamedBody => {}
            }
        }
        found.filter(|_| is_subject)
    }

    /// The person whom a text has just let speak, or whom it was about, where nobody else has been so prominent since.
    pub(super) fn last_person(&self, words: &[Word], entities: &Entities, word: usize) -> Option<usize> {
        let sentence = words[word].sentence;
        let near = (sentence.saturating_sub(REACH_OF_UNKNOWN)..=sentence)
            .filter_map(|sentence| self.by_sentence.get(&sentence));
        let before: Vec<&Appearance> = near.flatten().filter(|one| one.word < word).collect();
        let best = before.iter().filter(|one| !one.referent.is_body(entities)).map(|one| one.salience).max()?;
        let mut top = before.iter().filter(|one| one.salience == best && !one.referent.is_body(entities));
        let Referent::Person(person) = top.next()?.referent else { return None };
        let is_same = |one: &Appearance| matches!(one.referent, Referent::Person(other) if other == person);
        let last = before.iter().filter(|one| is_same(one)).map(|one| one.word).max()?;
        let is_rival = |one: &&&Appearance| {
            one.word > last && one.salience > Salience::Other && !is_same(one) && !one.referent.is_body(entities)
        };
        let is_alone = top.all(|one| is_same(one)) && before.iter().find(is_rival).is_none();
        (best > Salience::Other && is_alone && entities.persons[person].is_somebody).then_some(person)
    }

    /// Returns true if a person appears shortly before `word`.
    pub(super) fn is_present(&self, words: &[Word], word: usize, person: usize) -> bool {
        let sentence = words[word].sentence;
        (sentence.saturating_sub(REACH)..=sentence)
            .filter_map(|sentence| self.by_sentence.get(&sentence))
            .flatten()
            .any(|one| one.word < word && matches!(one.referent, Referent::Person(other) if other == person))
    }

    /// Those who appear at most as far before `word` as a pronoun reaches, each with the word of the appearance; the nearest first.
    pub(super) fn before(&self, words: &[Word], word: usize) -> Vec<(usize, &Referent)> {
        let sentence = words[word].sentence;
        let near = (sentence.saturating_sub(REACH)..=sentence).filter_map(|sentence| self.by_sentence.get(&sentence));
        let mut all: Vec<(usize, &Referent)> =
            near.flatten().filter(|one| one.word < word).map(|one| (one.word, &one.referent)).collect();
        all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        all
    }

    /// Notes somebody whom a pronoun at `word` means as the subject of its clause.
    pub(super) fn act(&mut self, words: &[Word], word: usize, person: usize) {
        self.enter(words, word, Referent::Person(person), Salience::Subject);
    }

    /// Notes the speaker at `word`.
    pub(super) fn speak(&mut self, words: &[Word], word: usize, referent: Referent) {
        self.enter(words, word, referent, Salience::Speaker);
    }

    fn enter(&mut self, words: &[Word], word: usize, referent: Referent, salience: Salience) {
        self.by_sentence.entry(words[word].sentence).or_default().push(Appearance { word, referent, salience });
    }

    /// The person that a pronoun of `gender` at `word` means, if the sentences before it leave no doubt.
    pub(super) fn referent(&self, words: &[Word], entities: &Entities, word: usize, gender: Gender) -> Option<usize> {
        let sentence = words[word].sentence;
        let mut choice = prominent(self.fitting(entities, sentence, gender).filter(|(at, ..)| *at < word));
        let mut passed: Vec<Option<usize>> = Vec::new();
        if choice == Choice::Nobody {
            passed.extend(
                self.fitting(entities, sentence, gender).filter(|(at, ..)| *at < word).map(|(.., person)| person),
            );
        }
        let mut at_back = 0;
        for back in 1..=REACH.min(sentence) {
            if choice != Choice::Nobody {
                break;
            }
            at_back = back;
            choice = prominent(self.fitting(entities, sentence - back, gender));
            if !self.has_spoken(sentence - back, choice) {
                choice = choice.near(entities, back);
            }
            if choice == Choice::Nobody {
                passed.extend(self.fitting(entities, sentence - back, gender).map(|(.., person)| person));
            }
        }
        match choice {
            Choice::One(person) if self.is_doubtful(words, entities, (word, sentence - at_back), gender, person) => {
                None
            }
            Choice::One(person) if at_back == 0 && self.has_object(words, word, person) => None,
            Choice::One(person)
                if at_back > 0 && self.has_asked(words, entities, (word, sentence - at_back), gender, person) =>
            {
                None
            }
            // Somebody else, mentioned since, could be meant as well.
            Choice::One(person)
                if passed.iter().all(|&other| {
                    let is_thing = other.is_none_or(|other| !entities.persons[other].is_somebody);
                    other == Some(person) || is_thing && entities.persons[person].gender.is_some()
                }) && !self.has_stranger(sentence - at_back + 1..=sentence, gender, word) =>
            {
                Some(person)
            }
            // Nobody was a subject, and only one person was there at all.
            Choice::Nobody => {
                let near = (sentence.saturating_sub(REACH_OF_UNKNOWN)..=sentence).rev();
                let mut all = near
                    .flat_map(|sentence| self.fitting(entities, sentence, gender))
                    .filter(|(at, ..)| *at < word)
                    .map(|(.., person)| person);
                let first = all.next()??;
                let is_known = entities.persons[first].gender == Some(gender);
                (is_known && all.all(|other| other == Some(first))).then_some(first)
            }
            _ => None,
        }
    }

    /// Returns true if somebody without a name, whom a pronoun of `gender` can mean, is in some sentences before a word.
    fn has_stranger(&self, sentences: std::ops::RangeInclusive<usize>, gender: Gender, word: usize) -> bool {
        let mut there = sentences.filter_map(|sentence| self.by_sentence.get(&sentence)).flatten();
        there.any(|one| {
            one.word < word && matches!(one.referent, Referent::Stranger(own) if own.is_none_or(|own| own == gender))
        })
    }

    /// The words of a sentence that mean a person.
    fn places_of(&self, person: usize, sentence: usize) -> impl Iterator<Item = usize> {
        let there = self.by_sentence.get(&sentence).into_iter().flatten();
        there.filter(move |one| matches!(one.referent, Referent::Person(other) if other == person)).map(|one| one.word)
    }

    /// Returns true if somebody without a name is the object of a verb between a person and a pronoun in one sentence: "Lee
    /// fired an anchor after she slept".
    fn has_object(&self, words: &[Word], word: usize, person: usize) -> bool {
        let last = self.places_of(person, words[word].sentence).filter(|&at| at < word).max();
        last.is_some_and(|last| (last + 1..word).any(|at| is_new_object(words, at)))
    }

    /// Returns true if a person has only asked in their sentence, and somebody else can answer. `place`: the word of the
    /// pronoun, and the sentence of the person.
    fn has_asked(
        &self,
        words: &[Word],
        entities: &Entities,
        (word, sentence): (usize, usize),
        gender: Gender,
        person: usize,
    ) -> bool {
        let Some(last) = self.places_of(person, sentence).max() else { return false };
        let near = last.saturating_sub(1)..words.len().min(last + 4);
        let asks = words[near].iter().any(|near| {
            near.sentence == sentence && matches!(near.lower.as_str(), "asked" | "asks" | "pressed" | "quizzed")
        });
        asks && (sentence.saturating_sub(1)..=sentence)
            .flat_map(|near| self.fitting(entities, near, gender))
            .any(|(at, _, other)| at < word && other.is_some_and(|other| other != person))
    }

    /// Returns true if the person of a choice has spoken in a sentence.
    fn has_spoken(&self, sentence: usize, choice: Choice) -> bool {
        let Choice::One(person) = choice else { return false };
        let mut there = self.by_sentence.get(&sentence).into_iter().flatten();
        there.any(|one| {
            one.salience == Salience::Speaker && matches!(one.referent, Referent::Person(other) if other == person)
        })
    }

    /// Returns true if a person who was only a subject leaves doubt. `place`: the word of the pronoun, and the sentence of
    /// the person.
    fn is_doubtful(
        &self,
        words: &[Word],
        entities: &Entities,
        (word, sentence): (usize, usize),
        gender: Gender,
        person: usize,
    ) -> bool {
        let near = |reach: usize| sentence.saturating_sub(reach)..=words[word].sentence;
        let is_other = |(at, _, other): &(usize, Salience, Option<usize>)| *at < word && *other != Some(person);
        let is_sure = entities.persons[person].is_somebody;
        if !is_sure
            && (near(REACH_OF_UNKNOWN).flat_map(|near| self.fitting(entities, near, gender)).any(|one| is_other(&one)))
        {
            return true;
        }
        let there = self.by_sentence.get(&sentence).into_iter().flatten().filter(|one| one.word < word);
        let mut as_speaker = there.filter(|one| one.salience == Salience::Speaker);
        if as_speaker.any(|one| matches!(one.referent, Referent::Person(other) if other == person)) {
            return false;
        }
        if !is_sure {
            return true;
        }
        let has_rival = entities.persons[person].gender.is_none() && {
            let near = sentence.saturating_sub(REACH_OF_UNKNOWN)..=words[word].sentence;
            let mut all = near.flat_map(|near| self.fitting(entities, near, gender)).filter(|(at, ..)| *at < word);
            all.any(|(.., other)| other != Some(person))
        };
        let mut beside = self.fitting(entities, sentence, gender).filter(|(at, ..)| *at < word);
        // "Lee said that Roe had slept": the one who spoke before can be meant in the next clause.
        let before = sentence.checked_sub(1).filter(|_| words[word].sentence == sentence);
        let before = before.map_or(Choice::Nobody, |before| prominent(self.fitting(entities, before, gender)));
        // Beside somebody of a known gender a name that nothing shows to be a person leaves no doubt.
        let is_known = entities.persons[person].gender.is_some();
        let is_rival = |other: Option<usize>| {
            other != Some(person) && (!is_known || other.is_some_and(|other| entities.persons[other].is_somebody))
        };
        // The subject of the sentence before is meant, whomever a verb behind it has as its object.
        let is_just_before = sentence + 1 == words[word].sentence && is_known;
        let subject =
            self.fitting(entities, sentence, gender).find(|(.., one)| *one == Some(person)).map(|(at, ..)| at);
        let is_object = |at: usize| {
            let between = subject.map_or(at..at, |subject| subject..at);
            is_just_before && words.get(between).is_some_and(|between| between.iter().any(is_verb))
        };
        has_rival
            || beside.any(|(at, _, other)| is_rival(other) && !is_object(at))
            || before != Choice::Nobody && before != Choice::One(person)
    }

    /// The people of a sentence whom a pronoun of `gender` can mean.
    fn fitting(
        &self,
        entities: &Entities,
        sentence: usize,
        gender: Gender,
    ) -> impl Iterator<Item = (usize, Salience, Option<usize>)> {
        let all = self.by_sentence.get(&sentence).into_iter().flatten();
        all.filter(move |one| one.referent.fits(entities, gender))
            .map(move |one| (one.word, one.salience, one.referent.person(entities, gender)))
    }
}

/// Returns true for a verb in small letters.
fn is_verb(word: &Word) -> bool {
    !word.is_capitalised() && lexicon::is_common_verb(&word.lower)
}

/// The gender of somebody without a name whom the word `at` introduces: "a woman", "a young man".
fn stranger(words: &[Word], at: usize) -> Option<Gender> {
    let gender = match words[at].lower.as_str() {
        "girl" => Some(Gender::Female),
        "boy" | "guy" => Some(Gender::Male),
        lower => lexicon::gender_of_role(lower),
    }?;
    // A name after it would tell the person.
    let is_named = words.get(at + 1).is_some_and(Word::is_capitalised) && !words[at].gap.contains('.');
    let is_new = words[at.saturating_sub(2)..at].iter().any(|word| {
        matches!(word.lower.as_str(), "a" | "an" | "one" | "another" | "his" | "her") && word.is_beside_next()
    });
    (is_new && !is_named).then_some(gender)
}

/// Returns true for the noun of somebody new, to whose phrase a link or a verb leads: "an anchor" in "fired an anchor".
fn is_new_object(words: &[Word], noun: usize) -> bool {
    let word = &words[noun];
    let is_named = words.get(noun + 1).is_some_and(|next| next.is_capitalised() && word.is_beside_next());
    let is_new = (noun.saturating_sub(2)..noun)
        .any(|at| matches!(words[at].lower.as_str(), "a" | "an" | "another") && words[at].is_beside_next());
    is_new && !word.is_capitalised() && !is_named && lexicon::is_role(&word.lower) && is_object(words, noun)
}

/// Returns true if a link or a verb leads to the phrase of a noun: "with a woman", "met a young man".
fn is_object(words: &[Word], noun: usize) -> bool {
    let article = (noun.saturating_sub(2)..noun).rev().find(|&at| roles::is_determiner(&words[at]));
    let before = article.and_then(|article| article.checked_sub(1)).map(|at| &words[at]);
    before.is_some_and(|word| {
        let is_verb = lexicon::is_common_verb(&word.lower) && !lexicon::is_saying(&word.lower);
        word.sentence == words[noun].sentence && word.is_beside_next() && (lexicon::is_link(&word.lower) || is_verb)
    })
}

/// Returns true for the noun of a document or a body that begins its sentence without a name: "The report found".
fn is_nameless_body(words: &[Word], noun: usize) -> bool {
    let Some(first) = noun.checked_sub(1).map(|at| &words[at]) else { return false };
    let lower = words[noun].lower.as_str();
    let is_body = lower == "government" || lexicon::is_document_noun(lower) && !lower.ends_with('s');
    let has_verb =
        words.get(noun + 1).is_some_and(|next| words[noun].flows_on() && lexicon::is_common_verb(&next.lower));
    first.is_opening && roles::is_determiner(first) && is_body && has_verb
}

/// Returns true if a body of this name can be called "the airline" or the like.
pub(super) fn is_called(name: &str, noun: &str) -> bool {
    let lower = name.to_lowercase();
    if noun == "government" {
        return lower.ends_with(noun) || lower.starts_with("government of");
    }
    lexicon::can_be_called(&lower.split([' ', '-']).collect::<Vec<_>>(), noun)
}

/// Returns true for the noun of a body in small letters: "the administration".
fn is_described_body(words: &[Word], noun: usize) -> bool {
    let word = &words[noun];
    let is_body = lexicon::is_organisation_noun(&word.lower) || lexicon::is_named_organisation_noun(&word.lower);
    let Some(first) = noun.checked_sub(1).map(|at| &words[at]) else { return false };
    let is_body = is_body || lexicon::is_collective(&word.lower);
    let is_document = lexicon::is_document_noun(&word.lower) && first.is_opening;
    !word.is_quoted && !word.is_capitalised() && first.lower == "the" && (is_body || is_document)
}

/// Returns true if every word of a name is one of a place.
pub(super) fn is_place(name: &str) -> bool {
    name.split(' ').all(|word| lexicon::is_place(&word.to_lowercase()))
}

/// The organisation or place that a mention names, or a single name that could be one.
fn body(words: &[Word], entities: &Entities, mention: &Mention) -> Option<Referent> {
    let last = &words[mention.name.end - 1];
    let is_short = mention.name.len() == 1;
    let is_body = match mention.kind {
        MentionKind::Organisation | MentionKind::Place => true,
        MentionKind::Unknown => {
            // "Foreign students" is no name.
            let next = words.get(mention.name.end).filter(|_| last.is_opening && last.flows_on());
            let is_adjective =
                next.is_some_and(|next| next.lower.ends_with('s') && lexicon::is_plural_person(&next.lower));
            is_short && !last.text.ends_with('s') && !lexicon::is_group(&last.lower) && !is_adjective
        }
        MentionKind::Person => false,
    };
    let full = entities.organisation(&last.lower.replace('.', "")).filter(|_| is_short).map(str::to_owned);
    is_body.then(|| Referent::Body(full.unwrap_or_else(|| written(&words[mention.name.clone()]))))
}

/// The words of a name with single spaces.
fn written(name: &[Word]) -> String {
    name.iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
}

/// A name that several people in the text have.
fn namesake(words: &[Word], entities: &Entities, mention: &Mention) -> Option<Referent> {
    let name = Name::from_words(words, mention.name.clone())?;
    (entities.find(&name, mention.gender) == Bearers::Several).then_some(Referent::Named(name))
}

/// The result of a look at the most prominent people of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    One(usize),
    Doubtful,
    Nobody,
}

impl Choice {
    /// The same choice, except for somebody of unknown gender who is too far away.
    fn near(self, entities: &Entities, back: usize) -> Self {
        match self {
            Self::One(person) if back > REACH_OF_UNKNOWN && entities.persons[person].gender.is_none() => Self::Doubtful,
            choice => choice,
        }
    }
}

/// The choice among subjects and speakers. Speakers come first.
fn prominent(all: impl Iterator<Item = (usize, Salience, Option<usize>)>) -> Choice {
    let all: Vec<_> = all.filter(|(_, salience, _)| *salience > Salience::Other).collect();
    let best = all.iter().map(|(_, salience, _)| *salience).max();
    let mut top = all.iter().filter(|(_, salience, _)| Some(*salience) == best).map(|(.., person)| *person);
    match top.next() {
        None => Choice::Nobody,
        Some(Some(first)) if top.all(|other| other == Some(first)) => Choice::One(first),
        Some(_) => last_to_speak(&all).map_or(Choice::Doubtful, Choice::One),
    }
}

/// The only person of a sentence, who speaks in it behind somebody without a name: "Asked by a reporter, Lee said".
fn last_to_speak(all: &[(usize, Salience, Option<usize>)]) -> Option<usize> {
    let (_, salience, last) = all.iter().max_by_key(|(at, salience, _)| (*at, *salience))?;
    let person = last.filter(|_| *salience == Salience::Speaker)?;
    let is_alone = all.iter().all(|(.., other)| other.is_none_or(|other| other == person));
    let is_subject = all.iter().any(|(_, salience, other)| *salience == Salience::Subject && other == last);
    (is_alone && is_subject).then_some(person)
}

/// Returns true if the mention is the subject of its clause: it is at the beginning, or a verb follows.
fn is_subject(words: &[Word], mention: &Mention) -> bool {
    let last = &words[mention.name.end - 1];
    if last.is_possessive {
        return false;
    }
    let before = mention.whole.start.checked_sub(1).map(|at| &words[at]);
    let is_first = before.is_none_or(|word| word.sentence != last.sentence);
    let is_object = before.is_some_and(|word| !is_first && lexicon::is_link(&word.lower) && word.is_beside_next());
    let has_verb = words
        .get(mention.whole.end)
        .is_some_and(|next| next.sentence == last.sentence && lexicon::is_common_verb(&next.lower));
    let is_said = before.is_some_and(|word| {
        !is_first && word.is_beside_next() && lexicon::is_saying(&word.lower) && word.lower != "told"
    });
    let opens = is_first
        || before.is_some_and(|word| begins_clause(&word.lower))
        || before.is_some_and(|word| word.sentence == last.sentence && begins_sentence(words, mention.whole.start - 1));
    !is_object && (has_verb || is_said || opens)
}

/// Returns true if a clause with a subject of its own follows the word.
fn begins_clause(lower: &str) -> bool {
    matches!(lower, "although" | "because" | "if" | "that" | "though" | "until" | "when" | "whether" | "while")
}

/// Returns true if the word at `at` leads to the subject of its sentence: "But", "Meanwhile,", "The".
fn begins_sentence(words: &[Word], at: usize) -> bool {
    let is_first = at == 0 || words[at - 1].sentence != words[at].sentence;
    let leads = roles::is_determiner(&words[at])
        || roles::is_lead_in(&words[at])
        || matches!(
            words[at].lower.as_str(),
            "but" | "and" | "meanwhile" | "still" | "yet" | "however" | "when" | "while" | "as" | "after" | "if" | "so"
        );
    is_first && leads
}

#[cfg(test)]
mod tests {
    use super::super::{mentions, words};
    use super::*;

    /// Whom the last "he" or "she" means.
    fn referent(text: &str) -> Option<String> {
        let mut sentences = Vec::new();
        let mut start = 0;
        for piece in text.split_inclusive(". ") {
            sentences.push(start..start + piece.len());
            start += piece.len();
        }
        let words = words::find(text, &sentences);
        let mentions = mentions::find(&words);
        let (entities, persons) = Entities::new(text, &words, &mentions);
        let discourse = Discourse::new(&words, &entities, &mentions, &persons);
        let at = words.iter().rposition(|word| matches!(word.lower.as_str(), "he" | "she"))?;
        let gender = if words[at].lower == "he" { Gender::Male } else { Gender::Female };
        discourse.referent(&words, &entities, at, gender).map(|person| entities.persons[person].name.clone())
    }

    #[test]
    fn a_pronoun_means_the_last_subject_of_its_gender() {
        assert_eq!(referent("Bob Roe slept. Ann Lee sang. Then he left.").as_deref(), Some("Bob Roe"));
        assert_eq!(referent("Bob Roe slept. Ann Lee sang. Then she left.").as_deref(), Some("Ann Lee"));
    }

    #[test]
    fn two_subjects_are_one_too_many() {
        assert_eq!(referent("Bob Roe slept while Tom Poe was away. Then he left."), None);
    }

    #[test]
    fn a_name_that_came_between_leaves_doubt() {
        assert_eq!(referent("Bob Roe slept. It rained on Tom Poe. Then he left."), None);
        assert_eq!(referent("Bob Roe slept. It rained on Bob Roe. Then he left.").as_deref(), Some("Bob Roe"));
    }

    #[test]
    fn names_inside_quotations_are_not_on_the_scene() {
        assert_eq!(referent("Bob Roe slept. “Tom Poe is late,” he said").as_deref(), Some("Bob Roe"));
    }

    #[test]
    fn somebody_without_a_name_can_be_meant_as_well() {
        assert_eq!(referent("Ann Lee slept. Later a young woman sang. She left."), None);
        assert_eq!(referent("Ann Lee slept. Later a young man sang. She left.").as_deref(), Some("Ann Lee"));
    }

    #[test]
    fn a_namesake_is_told_by_the_pronoun() {
        let text = "It rained on Ann Lee and snowed on Bob Lee. Lee slept. Then she left.";
        assert_eq!(referent(text).as_deref(), Some("Ann Lee"));
    }

    #[test]
    fn a_pronoun_does_not_reach_far() {
        let between = "It rained. ".repeat(REACH);
        assert_eq!(referent(&format!("Bob Roe slept. {between}He left.")), None);
    }
}
