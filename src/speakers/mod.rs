//! Resolves the sources of a document: "he" and "the prime minister" become the fullest name that the text gives.
//!
//! Names come first: all those in the text are joined into persons. Then each source is resolved, in order, and
//! every speaker helps with the pronouns that follow. A source that could mean two people means nobody.

/// Mentions joined into persons.
mod entities;
/// Questions about single words.
mod lexicon;
/// The names in a text.
mod mentions;
/// The words of names and roles.
mod names;
/// The persons that pronouns can mean.
mod pronouns;
/// Titles and appositions.
mod roles;
/// The kinds of sources.
mod sources;
/// A text's words.
mod words;

use std::collections::HashSet;
use std::ops::Range;

use crate::deadline;
use crate::record::{Evidence, Speaker, SpeakerKind};
use entities::{Bearers, Entities};
use lexicon::Gender;
use mentions::{Mention, MentionKind};
use names::{Name, Role};
use pronouns::{Discourse, Referent};
use sources::SourceKind;
use words::Word;

/// Raise it by one where a source has another speaker than before. See `src/revisions.rs`.
pub(crate) const REVISION: u32 = 3;

/// The speakers of each source, in order: usually one, several who speak together, and none if the document leaves doubt.
///
/// All ranges are bytes of `text`. `sentences` are in order and do not overlap.
pub(crate) fn resolve(text: &str, sentences: &[Range<usize>], sources: &[Range<usize>]) -> Vec<Vec<Speaker>> {
    let mut speakers = vec![None; sources.len()];
    let words = words::find(text, sentences);
    let mut resolver = Resolver::new(text, &words);
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&at| sources[at].start);
    for at in order {
        deadline::check();
        let first = words.partition_point(|word| word.bytes.end <= sources[at].start);
        let last = words.partition_point(|word| word.bytes.start < sources[at].end);
        if first < last {
            speakers[at] = resolver.resolve(first..last);
        }
    }
    speakers.into_iter().map(|found| found.map(|found| resolver.introduce(found)).into_iter().collect()).collect()
}

/// The person or organisation that a source means.
#[derive(Debug, Clone)]
enum Meant {
    /// A person, with the role that the source itself gives.
    Person(usize, Option<String>),
    Organisation(String),
    /// Somebody without a name.
    Unnamed,
}

/// A speaker that was found, with the rule.
#[derive(Debug, Clone)]
struct Found {
    meant: Meant,
    evidence: Evidence,
    /// The words of the source.
    source: Range<usize>,
}

impl Meant {
    /// A person to whom the source gives no role.
    fn person(person: usize) -> Self {
        Self::Person(person, None)
    }
}

/// Resolves the sources of one document, one after the other.
struct Resolver<'t> {
    text: &'t str,
    words: &'t [Word<'t>],
    mentions: Vec<Mention>,
    /// The person of each mention.
    persons: Vec<Option<usize>>,
    entities: Entities,
    discourse: Discourse,
    /// Words that the text also has in small letters.
    small: HashSet<&'t str>,
    /// Words with a capital that is not due to the beginning of a sentence.
    capital: HashSet<&'t str>,
}

impl<'t> Resolver<'t> {
    fn new(text: &'t str, words: &'t [Word<'t>]) -> Self {
        let mentions = mentions::find(words);
        let (entities, persons) = Entities::new(text, words, &mentions);
        let discourse = Discourse::new(words, &entities, &mentions, &persons);
        let small = words.iter().filter(|word| !word.is_capitalised()).map(|word| word.text).collect();
        let capital = words
            .iter()
            .filter(|word| word.is_capitalised() && !word.is_opening && !word.is_in_title)
            .map(|word| word.text)
            .collect();
        Self { text, words, mentions, persons, entities, discourse, small, capital }
    }

    /// The meaning of the source in a range of words. Notes the speaker for the pronouns to come.
    fn resolve(&mut self, range: Range<usize>) -> Option<Found> {
        let kind = sources::source_kind(self.words, &self.mentions, range.clone());
        let meant = match &kind {
            SourceKind::Pronoun(gender) => self.pronoun(range.start, *gender).map(Meant::person),
            SourceKind::Relative => self.relative(range.start).map(Meant::person),
            SourceKind::Name(at, role) => self.name(*at, role.clone()),
            SourceKind::Part(range) => self.part(range.clone()),
            SourceKind::Body(range) => Some(Meant::Organisation(roles::text(self.text, self.words, range.clone()))),
            SourceKind::Described(role) => self.described(range.start, role).map(Meant::person),
            SourceKind::Neuter => self.body(range.start, None),
            SourceKind::DescribedBody(noun) => self.body(range.start, Some(noun)),
            SourceKind::Stranger(_) | SourceKind::UnnamedBody | SourceKind::Nobody => None,
        };
        if let Some(referent) = self.referent(meant.as_ref(), &kind) {
            self.discourse.speak(self.words, range.start, referent);
        }
        let is_unnamed = matches!(kind, SourceKind::Stranger(_) | SourceKind::UnnamedBody);
        let meant = meant.or(is_unnamed.then_some(Meant::Unnamed))?;
        Some(Found { meant, evidence: evidence(&kind), source: range })
    }

    /// The one to note as the speaker of a source.
    fn referent(&self, meant: Option<&Meant>, kind: &SourceKind) -> Option<Referent> {
        match (meant, kind) {
            (Some(Meant::Person(person, _)), _) => Some(Referent::Person(*person)),
            (Some(Meant::Organisation(name)), _) => Some(Referent::Body(name.clone())),
            (None, SourceKind::Neuter | SourceKind::DescribedBody(_) | SourceKind::UnnamedBody) => {
                Some(Referent::UnnamedBody)
            }
            (None, SourceKind::Pronoun(gender)) => Some(Referent::Stranger(Some(*gender))),
            (None, SourceKind::Stranger(gender)) => Some(Referent::Stranger(*gender)),
            (None, SourceKind::Described(_)) => Some(Referent::Stranger(None)),
            (None, SourceKind::Name(at, _)) => {
                Name::from_words(self.words, self.mentions[*at].name.clone()).map(Referent::Named)
            }
            _ => None,
        }
    }

    fn pronoun(&mut self, word: usize, gender: Gender) -> Option<usize> {
        let person = self.discourse.referent(self.words, &self.entities, word, gender)?;
        self.entities.persons[person].gender = Some(gender);
        Some(person)
    }

    /// The organisation that "it" or "the airline" at a word means.
    fn body(&self, word: usize, noun: Option<&String>) -> Option<Meant> {
        let named = noun.and_then(|noun| self.entities.organisation(noun)).map(str::to_owned);
        let is_named_only = noun.is_some_and(|noun| !lexicon::is_organisation_noun(noun));
        if named.is_some() || is_named_only {
            return named.map(Meant::Organisation);
        }
        self.discourse.body(self.words, &self.entities, word, noun.is_some()).map(Meant::Organisation)
    }

    /// The person with a role, if the text has just mentioned them or if only one person can hold the office.
    fn described(&self, word: usize, role: &[String]) -> Option<usize> {
        let person = self.entities.with_role(role)?;
        let is_office =
            matches!(role.last().map(String::as_str), Some("president" | "minister" | "pope" | "chancellor"));
        (is_office || self.discourse.is_present(self.words, word, person)).then_some(person)
    }

    /// The person whose name is right before the word: "Ann Lee, who said".
    fn relative(&self, word: usize) -> Option<usize> {
        let before = word.checked_sub(1)?;
        let at = self.mentions.partition_point(|mention| mention.name.end <= before);
        self.mentions.get(at).filter(|mention| mention.name.contains(&before))?;
        let is_beside = self.words[before].comma_follows() || self.words[before].flows_on();
        self.persons[at].filter(|&person| is_beside && self.entities.persons[person].is_somebody)
    }

    fn name(&mut self, at: usize, role: Option<Range<usize>>) -> Option<Meant> {
        let mention = self.mentions[at].clone();
        if let Some(person) = self.person(at, &mention) {
            let role = role.or(mention.role).map(|role| Role::from_words(self.text, self.words, role));
            let text = role.as_ref().filter(|role| role.is_telling()).map(|role| role.text.clone());
            if let Some(role) = role {
                self.entities.persons[person].add_role(role);
            }
            return Some(Meant::Person(person, text));
        }
        let organisation =
            matches!(mention.kind, MentionKind::Organisation | MentionKind::Place) || mention.name.len() > 1;
        (organisation && self.is_proper(&mention.name)).then(|| Meant::Organisation(self.organisation(&mention.name)))
    }

    /// The person of a mention that is a source. A single name that nothing else explains is added.
    fn person(&mut self, at: usize, mention: &Mention) -> Option<usize> {
        if let Some(person) = self.persons[at] {
            return Some(person);
        }
        let name = Name::from_words(self.words, mention.name.clone())?;
        match self.entities.find(&name, mention.gender) {
            Bearers::One(person) if mention.kind != MentionKind::Place || self.entities.persons[person].is_somebody => {
                Some(person)
            }
            Bearers::Nobody if self.is_single(mention) => {
                let is_person = mention.kind == MentionKind::Person;
                let person = self.entities.add_single(&self.words[mention.name.start], is_person, mention.gender);
                self.persons[at] = Some(person);
                Some(person)
            }
            _ => None,
        }
    }

    /// Returns true if a mention seems to be a single name of somebody.
    fn is_single(&self, mention: &Mention) -> bool {
        let word = &self.words[mention.name.start];
        let is_name = mention.name.len() == 1 && matches!(mention.kind, MentionKind::Unknown | MentionKind::Person);
        is_name && !lexicon::is_group(&word.lower) && self.is_proper(&mention.name)
    }

    /// Returns true if a name has its capitals because it is one.
    fn is_proper(&self, name: &Range<usize>) -> bool {
        let first = &self.words[name.start];
        let last = &self.words[name.end - 1];
        let is_body = name.len() > 1 && lexicon::is_organisation_word(&last.lower);
        let is_plural = !is_body && lexicon::is_plural(&last.lower)
            || (lexicon::is_group(&last.lower) && last.lower.ends_with('s'));
        let is_doubtful =
            first.is_opening && name.len() == 1 && !first.is_all_capitals() && !self.capital.contains(first.text);
        let acts = self.words.get(name.end).is_some_and(|next| lexicon::is_common_verb(&next.lower));
        let is_common = self.small.contains(first.lower.as_str())
            || first.text.ends_with('s')
            || !(self.speaks(name) || acts && first.flows_on());
        !(is_plural || first.is_in_title || is_doubtful && is_common)
    }

    /// Returns true if a verb of saying is right before or after a name.
    fn speaks(&self, name: &Range<usize>) -> bool {
        let before = name.start.checked_sub(1).and_then(|at| self.words.get(at));
        let beside = [before, self.words.get(name.end)];
        beside.into_iter().flatten().any(|word| lexicon::is_saying(&word.lower))
    }

    fn organisation(&self, name: &Range<usize>) -> String {
        let short = self.words[name.end - 1].lower.replace('.', "");
        let full = self.entities.organisation(&short).filter(|_| name.len() == 1);
        full.map_or_else(|| roles::text(self.text, self.words, name.clone()), str::to_owned)
    }

    /// The bearer of the name that a source is a part of.
    fn part(&mut self, range: Range<usize>) -> Option<Meant> {
        let Range { start, end } = range;
        if let Bearers::One(person) = self.entities.find(&Name::from_words(self.words, range)?, None) {
            return Some(Meant::person(person));
        }
        let at = self.mentions.partition_point(|mention| mention.name.end < end);
        let is_last =
            self.mentions.get(at).is_some_and(|mention| mention.name.end == end && mention.name.start <= start);
        if is_last { self.name(at, None) } else { None }
    }

    fn introduce(&self, found: Found) -> Speaker {
        let Found { meant, evidence, source } = found;
        let (name, role, kind) = match meant {
            Meant::Organisation(name) => (Some(name), None, SpeakerKind::Organisation),
            Meant::Person(person, role) => {
                let person = &self.entities.persons[person];
                let role = role.or_else(|| person.role().map(str::to_owned));
                (Some(person.name.clone()), role, SpeakerKind::Person)
            }
            Meant::Unnamed => (None, None, SpeakerKind::Unnamed),
        };
        let is_whole = name.as_ref().is_none_or(|name| self.has_words_of(source, name));
        let evidence = if evidence == Evidence::Name && !is_whole { Evidence::PartOfName } else { evidence };
        Speaker { name, role, kind, evidence }
    }

    /// Returns true if a source has all words of a name.
    fn has_words_of(&self, source: Range<usize>, name: &str) -> bool {
        let text = roles::text(self.text, self.words, source);
        name.split_whitespace().all(|word| text.contains(word))
    }
}

/// The rule by which a source of some kind finds its speaker.
fn evidence(kind: &SourceKind) -> Evidence {
    match kind {
        SourceKind::Pronoun(_) | SourceKind::Neuter => Evidence::Pronoun,
        SourceKind::Relative => Evidence::Relative,
        SourceKind::Name(..) | SourceKind::Part(_) | SourceKind::Body(_) => Evidence::Name,
        SourceKind::Described(_) => Evidence::Role,
        SourceKind::DescribedBody(_) => Evidence::Noun,
        SourceKind::Stranger(_) | SourceKind::UnnamedBody | SourceKind::Nobody => Evidence::Description,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name and the role of each source that stands in square brackets, if it has a name.
    fn speakers(marked: &str) -> Vec<Option<(String, String)>> {
        let found = resolve_marked(marked).into_iter().map(|found| found.into_iter().next());
        found.map(|one| one.and_then(|one| Some((one.name?, one.role.unwrap_or_default())))).collect()
    }

    /// The kind of the speaker of each source, and the rule.
    fn evidence(marked: &str) -> Vec<(SpeakerKind, Evidence)> {
        resolve_marked(marked).into_iter().flatten().map(|one| (one.kind, one.evidence)).collect()
    }

    /// Resolves the sources that stand in square brackets; sentences end with a full stop and a space.
    fn resolve_marked(marked: &str) -> Vec<Vec<Speaker>> {
        let (mut text, mut sources, mut sentences, mut start) = (String::new(), Vec::new(), Vec::new(), 0);
        for character in marked.chars() {
            match character {
                '[' => sources.push(text.len()..text.len()),
                ']' => sources.last_mut().unwrap().end = text.len(),
                _ => text.push(character),
            }
            if text.ends_with(". ") && !text.ends_with("Ms. ") {
                sentences.push(start..text.len());
                start = text.len();
            }
        }
        sentences.push(start..text.len());
        resolve(&text, &sentences, &sources)
    }

    fn speaker(name: &str, role: &str) -> (String, String) {
        (name.to_owned(), role.to_owned())
    }

    #[test]
    fn a_surname_and_a_pronoun_get_the_full_name_and_the_role() {
        let text =
            "Japan met Prime Minister Fumio Kishida. [Kishida] said no. Then [he] slept. [The prime minister] said so.";
        assert_eq!(speakers(text), vec![Some(speaker("Fumio Kishida", "Prime Minister")); 3]);
    }

    #[test]
    fn the_full_name_may_come_later() {
        let found = speakers("“No,” said [Lee]. Later Ann Lee, a farmer from Ohio, slept.");
        assert_eq!(found, [Some(speaker("Ann Lee", "farmer from Ohio"))]);
    }

    #[test]
    fn organisations_are_themselves() {
        let found = speakers("[The White House] said no. [NASA] agreed. [The Lee campaign] wept.");
        assert_eq!(
            found,
            [Some(speaker("White House", "")), Some(speaker("NASA", "")), Some(speaker("Lee campaign", ""))]
        );
    }

    #[test]
    fn those_who_are_not_clear_are_nobody() {
        let found = speakers(
            "[Critics] said no. [An official] said so. [They] slept. Ann Lee slept while Eva Roe sang. [She] wept.",
        );
        assert_eq!(found, vec![None; 4]);
    }

    #[test]
    fn somebody_without_a_name_takes_the_pronouns_that_follow() {
        assert_eq!(speakers("[Ann Lee] said no. [An official] said yes. [She] said more.")[2], None);
    }

    #[test]
    fn a_relative_pronoun_means_the_name_before_it() {
        assert_eq!(speakers("We met Ann Lee, [who] said no.")[0], Some(speaker("Ann Lee", "")));
    }

    #[test]
    fn a_pronoun_teaches_the_gender() {
        let found = speakers("[Quux Foo, 52,] said no. [She] slept. Bob Roe slept. [She] said more.");
        assert_eq!(found[1..], [Some(speaker("Quux Foo", "")), Some(speaker("Quux Foo", ""))]);
    }

    #[test]
    fn a_full_name_that_nothing_explains_leaves_doubt() {
        let found = speakers("[Ann Lee] said no. [Quux Foo] said yes. [She] slept.");
        assert_eq!(found[2], None);
        assert_eq!(speakers("[Agence Quux] reported that. [He] left.")[1], None);
        let found = speakers("[Quux Foo] said no. [She] slept. Later Foo left.");
        assert_eq!(found[1], Some(speaker("Quux Foo", "")), "bodies are not called by a surname");
    }

    #[test]
    fn an_organisation_is_meant_by_it_and_by_a_noun() {
        let text = "[Quuxair] reported a loss. [The airline] said no. [It] said so. [The company] agreed.";
        assert_eq!(speakers(text), vec![Some(speaker("Quuxair", "")); 4]);
        assert_eq!(speakers("Quuxair sued Oslo Bank. [The company] said no."), [None]);
        assert_eq!(speakers("[Quuxair] said no. [A charity] said so. [It] wept.")[2], None);
        let text = "It rained on Oslo City Council. It rained. It rained. It rained. [The council] wept.";
        assert_eq!(speakers(text), [Some(speaker("Oslo City Council", ""))]);
    }

    #[test]
    fn a_drop_capital_belongs_to_its_word() {
        assert_eq!(speakers("[J UDGE Ann Lee] said no. S HE slept"), [Some(speaker("Ann Lee", "Judge"))]);
    }

    #[test]
    fn firms_and_parties_speak() {
        let found = speakers("[Foo & Quux] said no. [Boeing] said so. [Surrey Police] said so. [Downing Street] wept.");
        let names = ["Foo & Quux", "Boeing", "Surrey Police", "Downing Street"].map(|name| Some(speaker(name, "")));
        assert_eq!(found, names);
        assert_eq!(
            speakers("[Ask Quuxes] said no. [The Tories] said so. [NASA] wept."),
            ["Ask Quuxes", "Tories", "NASA"].map(|name| Some(speaker(name, "")))
        );
        let text = "The Environmental Protection Agency slept. [The EPA] said no.";
        assert_eq!(speakers(text), [Some(speaker("Environmental Protection Agency", ""))]);
    }

    #[test]
    fn chairmen_can_be_women() {
        let found = speakers("[Council chairman Leonie Quux] said no. [She] slept.");
        assert_eq!(found, vec![Some(speaker("Leonie Quux", "Council chairman")); 2]);
    }

    #[test]
    fn nicknames_and_first_names_in_brackets_are_parts_of_names() {
        let found = speakers("[Ann “Mona” Lee, 52,] said no. [Mona] slept. [Lord (David) Quux] wept. [Quux] sang.");
        let mona = Some(speaker("Ann “Mona” Lee", ""));
        assert_eq!(found, [mona.clone(), mona, Some(speaker("David Quux", "")), Some(speaker("David Quux", ""))]);
    }

    #[test]
    fn a_role_with_the_same_words_is_one_person_s() {
        let found = speakers("[Opposition leader Ann Lee] said no. [The opposition leader] wept. [The leader] slept.");
        assert_eq!(found[1], Some(speaker("Ann Lee", "Opposition leader")));
        assert_eq!(found[2], None);
    }

    #[test]
    fn roles_of_an_open_class_are_no_part_of_the_name() {
        for (source, role) in [
            ("Arsenal boss Quux Foo", "Arsenal boss"),
            ("Defender Quux Foo", "Defender"),
            ("Taxi driver Quux Foo", "Taxi driver"),
            ("Oslo vexillologist Quux Foo", "Oslo vexillologist"),
            ("Mum-of-three Ann Foo", "Mum-of-three"),
            ("Ann’s barrister, Quux Foo,", "Ann’s barrister"),
            ("Council member Quux Foo, who voted no,", "Council member"),
        ] {
            let found = speakers(&format!("[{source}] said no."));
            assert_eq!(
                found,
                [Some((
                    source
                        .trim_start_matches(role)
                        .trim_start_matches(", ")
                        .split(',')
                        .next()
                        .unwrap()
                        .trim()
                        .to_owned(),
                    role.to_owned()
                ))]
            );
        }
    }

    #[test]
    fn the_main_bearer_of_a_surname_is_named_first_and_most() {
        let text = "It rained on Bob Lee. It snowed on Bob Lee. It hailed on Bob Lee and on Ann Lee. [Lee] said no.";
        assert_eq!(speakers(text), [Some(speaker("Bob Lee", ""))]);
        assert_eq!(speakers("It rained on Bob Lee and on Ann Lee. [Lee] said no."), [None]);
    }

    #[test]
    fn a_description_needs_its_person_nearby() {
        let far = "It rained. ".repeat(9);
        assert_eq!(speakers("Senator Ann Lee slept. [The senator] said no.")[0], Some(speaker("Ann Lee", "Senator")));
        assert_eq!(speakers(&format!("Senator Ann Lee slept. {far}[The senator] said no.")), [None]);
    }

    #[test]
    fn the_role_in_the_source_itself_comes_first() {
        let text = "Mayor Ann Lee slept. [Ann Lee, a farmer from Ohio,] said no. [She] said more.";
        assert_eq!(speakers(text), [Some(speaker("Ann Lee", "farmer from Ohio")), Some(speaker("Ann Lee", "Mayor"))]);
    }

    #[test]
    fn titles_and_strange_letters_do_no_harm() {
        assert_eq!(speakers("[Storm] Closes Quiet Harbour Before Sunday"), [None]);
        let found = speakers("It rained on Zoë Núñez. [Núñez] said no. [ZOË NÚÑEZ]: Never.");
        assert_eq!(found, vec![Some(speaker("Zoë Núñez", "")); 2]);
        assert!(resolve("", &[], &[0..0, 5..9]).iter().all(Vec::is_empty));
    }

    #[test]
    fn each_speaker_has_its_kind_and_the_rule() {
        let text = "[Prime Minister Ann Lee] said no. [Lee] slept. [She] wept. [The prime minister] sang. We met Ann Lee, [who] left.";
        let rules = [Evidence::Name, Evidence::PartOfName, Evidence::Pronoun, Evidence::Role, Evidence::Relative];
        assert_eq!(evidence(text), rules.map(|rule| (SpeakerKind::Person, rule)));
        let bodies = [Evidence::Name, Evidence::Noun, Evidence::Pronoun];
        let found = evidence("[Oslo City Council] said no. [The council] slept. [It] wept.");
        assert_eq!(found, bodies.map(|rule| (SpeakerKind::Organisation, rule)));
        assert_eq!(evidence("[A spokesman] said no."), [(SpeakerKind::Unnamed, Evidence::Description)]);
    }
}
