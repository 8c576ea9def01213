//! Resolves the sources of a document: "he" and "the prime minister" become the fullest name that the text gives.
//!
//! Names come first: all those in the text are joined into persons. Then each source is resolved, in order, and
//! every speaker helps with the pronouns that follow. A source that could mean two people means nobody.

/// Names with their acronym behind them.
mod acronyms;
/// Those who write "I": authors and signatories.
mod authors;
/// Bodies by the end of their name.
mod bodies;
/// Those whom a source does not mean.
mod candidates;
/// Documents and their publishers.
mod documents;
/// Mentions joined into persons.
mod entities;
/// Persons whom a phrase introduces at its end.
mod introductions;
/// Questions about single words.
mod lexicon;
/// The names in a text.
mod mentions;
/// The words of names and roles.
mod names;
/// The shape of phrases without a name in front.
mod phrases;
/// The persons that pronouns can mean.
mod pronouns;
/// Titles and appositions.
mod roles;
/// The kinds of sources.
mod sources;
/// A text's words.
mod words;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::deadline;
use crate::record::{Evidence, Speaker, SpeakerKind};
pub(crate) use candidates::refused;
pub use candidates::{Refusal, RefusedCandidate};

use bodies::Bodies;
use documents::Documents;
use entities::{Bearers, Entities};
use lexicon::Gender;
use mentions::{Mention, MentionKind};
use names::{Name, Role};
use pronouns::{Discourse, Referent};
use sources::{Description, SourceKind};
use words::Word;

/// Raise it by one where a source has another speaker than before. See `src/revisions.rs`.
pub(crate) const REVISION: u32 = 7;

/// The speakers of each source, in order: usually one, several who speak together, and none if the document leaves doubt.
///
/// All ranges are bytes of `text`. `sentences` are in order and do not overlap. `byline` names the author of the text, who is "I" in it.
pub(crate) fn resolve(
    text: &str,
    byline: Option<&str>,
    sentences: &[Range<usize>],
    sources: &[Range<usize>],
) -> Vec<Vec<Speaker>> {
    let mut all: Vec<Vec<Found>> = vec![Vec::new(); sources.len()];
    let words = words::find(text, sentences);
    let resolver = each_source(text, byline, &words, sources, |_, at, _, found| all[at] = found);
    all.into_iter().map(|found| found.into_iter().map(|one| resolver.introduce(one)).collect()).collect()
}

/// Resolves the sources in the order of the text, and gives `take` each one's place in `sources`, its words, and what was found.
/// Returns the resolver as it is at the end of the text.
fn each_source<'t>(
    text: &'t str,
    byline: Option<&str>,
    words: &'t [Word<'t>],
    sources: &[Range<usize>],
    mut take: impl FnMut(&Resolver<'t>, usize, Range<usize>, Vec<Found>),
) -> Resolver<'t> {
    let mut resolver = Resolver::new(text, byline, words);
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&at| sources[at].start);
    let mut seen = 0;
    for at in order {
        deadline::check();
        let first = words.partition_point(|word| word.bytes.end <= sources[at].start);
        let last = words.partition_point(|word| word.bytes.start < sources[at].end);
        resolver.follow_pronouns(seen..first);
        if first < last {
            let found = resolver.resolve(first..last);
            take(&resolver, at, first..last, found);
        }
        seen = seen.max(last);
    }
    resolver
}

/// The person or organisation that a source means.
#[derive(Debug, Clone)]
enum Meant {
    /// A person, with the role that the source itself gives.
    Person(usize, Option<String>),
    Organisation(String),
    /// The author of the text, by the byline.
    Author(String),
    /// A group without a name of its own, by the words that describe it.
    Group(String),
    /// One person or body without a name.
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
    /// The group or organisation that spoke last, with its sentence, unless one person has spoken since.
    group: Option<(usize, Vec<Found>)>,
    /// The author of the text, if the byline names one person.
    author: Option<String>,
    /// The mentions that are signatures, in a text that is a letter.
    signatures: Option<Vec<usize>>,
    /// The number of times that the text has each word, in small letters; counted when it is asked for.
    counts: OnceCell<HashMap<&'t str, usize>>,
    /// The bodies that the text names.
    bodies: Bodies,
    /// The documents that the text tells.
    documents: Documents<'t>,
    /// The persons behind each plural title that was asked for, while no other mention gets a person.
    titled: HashMap<String, Vec<usize>>,
}

impl<'t> Resolver<'t> {
    fn new(text: &'t str, byline: Option<&str>, words: &'t [Word<'t>]) -> Self {
        let mentions = mentions::find(words);
        let (entities, persons) = Entities::new(text, words, &mentions);
        let discourse = Discourse::new(words, &entities, &mentions, &persons);
        let small = words.iter().filter(|word| !word.is_capitalised()).map(|word| word.text).collect();
        let capital = words
            .iter()
            .filter(|word| word.is_capitalised() && !word.is_opening && !word.is_in_title)
            .map(|word| word.text)
            .collect();
        let bodies = Bodies::new(text, words, &mentions);
        let signatures = authors::is_letter(words).then(|| authors::signatures(words, &mentions));
        Self {
            text,
            words,
            mentions,
            persons,
            entities,
            discourse,
            small,
            capital,
            group: None,
            author: byline.and_then(authors::only_author),
            signatures,
            counts: OnceCell::new(),
            bodies,
            documents: Documents::new(words),
            titled: HashMap::new(),
        }
    }

    /// Notes whom the pronouns between two sources mean, where they are subjects: "She sat down." They keep somebody present.
    fn follow_pronouns(&mut self, between: Range<usize>) {
        for at in between {
            let word = &self.words[at];
            let gender = match word.lower.as_str() {
                "he" => Gender::Male,
                "she" => Gender::Female,
                _ => continue,
            };
            if word.is_quoted {
                continue;
            }
            if let Some(person) = self.pronoun(at, gender) {
                self.discourse.act(self.words, at, person);
            }
        }
    }

    /// The meaning of the source in a range of words. Notes the speaker for the pronouns to come.
    fn resolve(&mut self, range: Range<usize>) -> Vec<Found> {
        let kind = sources::source_kind(self.words, &self.mentions, range.clone());
        let mut meanings = self.meanings(&kind, &range);
        if meanings.is_empty()
            && let Some(noun) = documents::told_before(self.words, &range)
        {
            meanings = self.publisher(noun, range.start);
        }
        if meanings.is_empty() {
            meanings = self.pair(&range);
        }
        if meanings.is_empty() {
            meanings = self.described_body(&range);
        }
        if meanings.is_empty() {
            meanings = self.records(&range);
        }
        let mut found: Vec<Found> =
            meanings.into_iter().map(|(meant, evidence)| Found { meant, evidence, source: range.clone() }).collect();
        if let Some(referent) = self.referent(&found, &kind) {
            self.discourse.speak(self.words, range.start, referent);
        }
        let is_unnamed = matches!(kind, SourceKind::Stranger(_) | SourceKind::UnnamedBody);
        self.group = match found.first().map(|one| &one.meant) {
            Some(Meant::Group(_) | Meant::Organisation(_)) => Some((self.words[range.start].sentence, found.clone())),
            _ if found.len() > 1 => Some((self.words[range.start].sentence, found.clone())),
            _ => None,
        };
        if found.len() > 1 {
            let mut names = HashSet::new();
            found.retain(|one| names.insert(self.introduce(one.clone()).name));
        }
        if found.is_empty() && is_unnamed {
            found.push(Found { meant: Meant::Unnamed, evidence: Evidence::Description, source: range });
        }
        found
    }

    /// The speakers that a source of some kind means, each with the rule.
    fn meanings(&mut self, kind: &SourceKind, range: &Range<usize>) -> Vec<(Meant, Evidence)> {
        let start = range.start;
        let one = |meant: Option<Meant>, evidence: Evidence| meant.map(|meant| (meant, evidence)).into_iter().collect();
        match kind {
            // Inside a quotation "he" is somebody whom the speaker means.
            SourceKind::Pronoun(gender) if self.words[start].is_quoted && range.len() == 1 => {
                one(self.quoted_pronoun(start, *gender).map(Meant::person), Evidence::Pronoun)
            }
            // "In his view, Lee said": he comes later.
            SourceKind::Pronoun(_) if self.is_told_later(start) => Vec::new(),
            SourceKind::Pronoun(gender) => one(self.pronoun(start, *gender).map(Meant::person), Evidence::Pronoun),
            SourceKind::Neuter => one(self.body(start, None), Evidence::Pronoun),
            SourceKind::They => self.they(start),
            SourceKind::Relative => one(self.relative(start).map(Meant::person), Evidence::Relative),
            SourceKind::Name(at, role) => match self.name(*at, role.clone()) {
                None if self.mentions[*at].kind != MentionKind::Person => self.unnamed(range),
                found => one(found, Evidence::Name),
            },
            SourceKind::Several(all) => self.several(all, range),
            SourceKind::Part(part) => match self.part(part.clone()) {
                None => self.unnamed(range),
                found => one(found, Evidence::Name),
            },
            SourceKind::Body(body) => one(Some(Meant::Organisation(self.written_out(body))), Evidence::Name),
            SourceKind::Group(group) => self.group(range, group),
            SourceKind::OwnedGroup(gender, group) => {
                one(self.owned_group(start, *gender, group), Evidence::Description)
            }
            SourceKind::Published(by) => {
                if let SourceKind::DescribedBody(noun) = by.as_ref() {
                    let is_plain = !matches!(noun.as_str(), "department" | "government" | "office");
                    return one(self.body(start, Some(noun)).filter(|_| is_plain), Evidence::Document);
                }
                let publishers = self.meanings(by, range);
                publishers.into_iter().map(|(meant, _)| (meant, Evidence::Document)).collect()
            }
            SourceKind::Described(role) => one(self.described(start, role).map(Meant::person), Evidence::Role),
            SourceKind::DescribedBody(noun) => {
                match self.body(start, Some(noun)).filter(|body| self.is_told(body, range)) {
                    None => one(self.institution(range), Evidence::Description),
                    found => one(found, Evidence::Noun),
                }
            }
            SourceKind::Author => one(self.author_at(start), Evidence::Author),
            SourceKind::Stranger(gender) => {
                one(self.definite_stranger(range, *gender).map(Meant::person), Evidence::Role)
            }
            SourceKind::UnnamedBody | SourceKind::Nobody => Vec::new(),
        }
    }

    /// The body that a phrase describes: one that the text names with these words, the one that the text is about, or an
    /// institution by its own words.
    fn described_body(&self, range: &Range<usize>) -> Vec<(Meant, Evidence)> {
        let Some(described) = bodies::description(self.words, range) else { return Vec::new() };
        let words: Vec<&str> = self.words[described.clone()].iter().map(|word| word.lower.as_str()).collect();
        if let Some(name) = self.bodies.called(&words) {
            return vec![(Meant::Organisation(name.to_owned()), Evidence::Noun)];
        }
        let Some((noun, before)) = words.split_last() else { return Vec::new() };
        let is_any = before.is_empty() || !lexicon::is_named_organisation_noun(noun);
        let main = || self.discourse.main_body(self.words, &self.entities, range.start, noun);
        if let Some(name) = is_any.then(main).flatten() {
            return vec![(Meant::Organisation(name), Evidence::Noun)];
        }
        let is_owned =
            self.words[described.start..described.end - 2.min(described.len())].iter().any(|word| word.is_possessive);
        let is_institution = !before.is_empty() && !is_owned && bodies::is_institution(noun);
        if is_institution { vec![(Meant::Group(self.shown(&described)), Evidence::Description)] } else { Vec::new() }
    }

    /// Records that nobody in particular has published, by their own words: "court documents", "media reports".
    fn records(&self, range: &Range<usize>) -> Vec<(Meant, Evidence)> {
        let counted = phrases::uncounted(self.words, range.clone());
        let core = phrases::core(self.words, &counted);
        let described = match &self.words[core.clone()] {
            [first, _, _] if documents::is_time(&first.lower) => core.start + 1..core.end,
            [_, _] | [_] => core,
            _ => return Vec::new(),
        };
        let is_whole = described.end == range.end || self.words[described.end - 1].comma_follows();
        let is_told = is_whole && documents::are_records(&self.words[described.clone()]);
        if is_told { vec![(Meant::Group(self.shown(&described)), Evidence::Description)] } else { Vec::new() }
    }

    /// The two whom "the couple" or "the two" means: those who spoke together, or are the only pair that is named together.
    fn pair(&self, range: &Range<usize>) -> Vec<(Meant, Evidence)> {
        const REACH: usize = 4;
        let [first, rest @ ..] = &self.words[range.clone()] else { return Vec::new() };
        let is_pair = match rest {
            [noun] => matches!(noun.lower.as_str(), "couple" | "duo" | "pair" | "two"),
            [two, noun] => two.lower == "two" && matches!(noun.lower.as_str(), "men" | "women"),
            _ => false,
        };
        if !is_pair || first.lower != "the" || first.is_quoted {
            return Vec::new();
        }
        let sentence = first.sentence.saturating_sub(REACH);
        let from = self.mentions.partition_point(|mention| self.words[mention.name.start].sentence < sentence);
        let end = self.mentions.partition_point(|mention| mention.name.start < range.start);
        let is_joined = |at: &usize| {
            let between = self.mentions[*at].name.end..self.mentions[at + 1].name.start;
            between.len() == 1 && self.words[between.start].lower == "and" && self.words[between.start].is_beside_next()
        };
        let persons = |at: usize| Some((self.persons[at]?, self.persons[at + 1]?));
        let mut pairs: Vec<(usize, usize)> =
            (from..end.saturating_sub(1)).filter(is_joined).filter_map(persons).collect();
        pairs.dedup();
        let [(one, other)] = pairs.as_slice() else { return Vec::new() };
        [one, other].map(|&person| (Meant::person(person), Evidence::Role)).into()
    }

    /// Those who have published the document of the noun, where the text has said so before the word at `limit`.
    fn publisher(&mut self, noun: usize, limit: usize) -> Vec<(Meant, Evidence)> {
        for at in self.documents.before(self.words, noun, limit) {
            let phrase = documents::phrase(self.words, &self.mentions, at);
            let mut found = self.publisher_at(at, &phrase);
            // "A study in Foo" is not by Foo.
            found.retain(|meant| !matches!(meant, Meant::Organisation(name) if pronouns::is_place(name)));
            if !found.is_empty() {
                return found.into_iter().map(|meant| (meant, Evidence::Document)).collect();
            }
            if matches!(self.words[phrase.start].lower.as_str(), "a" | "an" | "another") {
                break;
            }
        }
        // Or the only publisher that is told later.
        let mut later = Vec::new();
        for at in self.documents.after(self.words, noun) {
            let phrase = documents::phrase(self.words, &self.mentions, at);
            if documents::has_publisher(self.words, at, &phrase) {
                later = self.publisher_at(at, &phrase);
                if !later.is_empty() {
                    break;
                }
            }
        }
        later.retain(|meant| !matches!(meant, Meant::Organisation(name) if pronouns::is_place(name)));
        later.into_iter().map(|meant| (meant, Evidence::Document)).collect()
    }

    /// The publisher of the document whose noun is at `noun`, by its phrase or by the verb before it.
    fn publisher_at(&mut self, noun: usize, phrase: &Range<usize>) -> Vec<Meant> {
        let start = roles::behind_determiner(self.words, phrase.start).min(noun);
        let is_told = self.words[phrase.start..noun].iter().any(Word::is_capitalised)
            || matches!(self.words[phrase.start].lower.as_str(), "his" | "her" | "its")
            || self.words[noun + 1..phrase.end.max(noun + 1)]
                .iter()
                .any(|word| matches!(word.lower.as_str(), "by" | "from"));
        if is_told && let Some(kind) = sources::published(self.words, &self.mentions, &(start..noun + 1), phrase) {
            let found = self.meanings(&kind, phrase);
            if !found.is_empty() {
                return found.into_iter().map(|(meant, _)| meant).collect();
            }
        }
        let publisher = documents::verb(self.words, phrase.start).and_then(|(verb, is_saying)| {
            self.discourse.subject(self.words, verb, if is_saying { noun.max(verb + 1) } else { verb })
        });
        let meant = publisher.and_then(|referent| match referent {
            Referent::Person(person) => Some(Meant::person(person)),
            Referent::Body(name) => Some(Meant::Organisation(name)),
            Referent::Named(_) | Referent::Stranger(_) | Referent::UnnamedBody => None,
        });
        meant.into_iter().collect()
    }

    /// The one who writes "I" at a word: whoever has signed the letter, or the author of the text.
    fn author_at(&self, word: usize) -> Option<Meant> {
        if self.words[word].is_quoted {
            return None;
        }
        if let Some(signatures) = &self.signatures {
            let next = signatures.partition_point(|&at| self.mentions[at].name.start <= word);
            return self.persons[*signatures.get(next)?].map(Meant::person);
        }
        self.author.clone().map(Meant::Author)
    }

    /// The text of a range of words.
    fn shown(&self, range: &Range<usize>) -> String {
        roles::text(self.text, self.words, range.clone())
    }

    /// The text of a range of words, with the full names of the bodies that it has acronyms of: "Quux Weather Service officials".
    fn written_out(&self, range: &Range<usize>) -> String {
        let shown = self.shown(range);
        let acronym = |at: &usize| {
            let word = &self.words[*at];
            let full = || self.entities.organisation(&word.lower.replace('.', ""));
            (word.is_all_capitals() && word.text.len() > 2 && !word.text.contains('.')).then(full).flatten()
        };
        let Some((at, full)) = range.clone().find_map(|at| Some((at, acronym(&at)?))) else { return shown };
        if shown.contains(full) { shown } else { shown.replacen(self.words[at].text, full, 1) }
    }

    /// Those whom "Ann Lee and Bob Roe" names, if the first is known.
    fn several(&mut self, all: &[SourceKind], range: &Range<usize>) -> Vec<(Meant, Evidence)> {
        let each: Vec<_> = all.iter().map(|kind| self.meanings(kind, range)).collect();
        if each.first().is_none_or(Vec::is_empty) { Vec::new() } else { each.into_iter().flatten().collect() }
    }

    /// The body or group of a source that has no name after all: "Firefighters", "U.S. officials" behind a dateline.
    fn unnamed(&mut self, range: &Range<usize>) -> Vec<(Meant, Evidence)> {
        if range.len() == 1 {
            return self.common_group(range).map(|meant| (meant, Evidence::Description)).into_iter().collect();
        }
        let kind = sources::unnamed(self.words, &self.mentions, range.clone());
        kind.map(|kind| self.meanings(&kind, range)).unwrap_or_default()
    }

    /// A group by its own words, or those whom the text names with the role: "the senators" are the two that it has named.
    fn group(&mut self, range: &Range<usize>, group: &Range<usize>) -> Vec<(Meant, Evidence)> {
        let first = &self.words[range.start];
        let noun = &self.words[group.end - 1];
        let is_anaphoric = matches!(first.lower.as_str(), "the" | "both") && group.start == range.start + 1;
        if let Some(role) = lexicon::singular_role(&noun.lower).filter(|_| is_anaphoric && group.len() == 1) {
            let named = self.with_plural_title(role);
            let persons = if named.is_empty() { self.entities.with_noun(role) } else { named };
            if let [one, other] = persons.as_slice() {
                return [one, other].map(|&person| (Meant::person(person), Evidence::Role)).into();
            }
            if !persons.is_empty() {
                return Vec::new();
            }
        }
        let is_authority = noun.lower == "authorities";
        if group.len() == 1 && !is_authority && (is_anaphoric && noun.lower.ends_with('s') || self.names_one_of(noun)) {
            return Vec::new();
        }
        if self.is_named_elsewhere(range, group) {
            return Vec::new();
        }
        vec![(Meant::Group(self.shown(group)), Evidence::Description)]
    }

    /// Returns true for a group that an article tells elsewhere: "two banks", "other countries", "hundreds of people",
    /// "unions". Officials may be without a name.
    fn is_named_elsewhere(&self, range: &Range<usize>, group: &Range<usize>) -> bool {
        let noun = self.words[group.end - 1].lower.as_str();
        let count = &self.words[range.start];
        let is_counted = matches!(count.lower.as_str(), "two" | "three" | "four" | "five" | "both" | "other");
        let is_plural_body = lexicon::is_plural_body(noun) && noun != "authorities";
        let is_bare = group.len() == 1;
        let words = &self.words[group.clone()];
        // "Members of the committee" are those of one that the text has named.
        let links = words.windows(2).any(|pair| lexicon::is_link(&pair[0].lower) && roles::is_determiner(&pair[1]));
        let is_side = matches!(words[0].lower.as_str(), "critics" | "opponents" | "proponents" | "supporters");
        let is_anaphoric = links && !is_side && !words[1..].iter().any(Word::is_capitalised);
        // "The military" is the one of the country that the text is about. These are called so in every text.
        let is_common =
            matches!(noun, "army" | "family" | "government" | "market" | "media" | "police" | "press" | "public");
        let is_institution = is_bare && count.lower == "the" && lexicon::is_collective(noun) && !is_common;
        is_anaphoric
            || is_institution
            || is_counted && group.start > range.start && !matches!(noun, "officials" | "sources")
            || is_bare && (noun == "people" && group.start > range.start || is_plural_body)
    }

    /// Returns true if the text names somebody whom a plural without more words can mean: an expert of the trade, where it
    /// says "experts".
    fn names_one_of(&self, noun: &Word) -> bool {
        let kinds: &[&str] = match noun.lower.as_str() {
            "academics" | "experts" | "historians" | "specialists" => &[
                "academic",
                "analyst",
                "author",
                "director",
                "economist",
                "expert",
                "fellow",
                "historian",
                "lecturer",
                "professor",
                "researcher",
                "scholar",
                "scientist",
                "specialist",
                "strategist",
            ],
            "lawmakers" | "legislators" | "politicians" => {
                &["congressman", "congresswoman", "lawmaker", "legislator", "mp", "representative", "senator"]
            }
            "activists" | "advocates" | "campaigners" | "critics" | "opponents" | "supporters" => {
                &["activist", "advocate", "campaigner", "critic", "opponent"]
            }
            _ => &[],
        };
        kinds.iter().any(|kind| !self.entities.with_noun(kind).is_empty())
    }

    /// The persons behind a plural title: "Senators Ann Lee and Bob Roe".
    fn with_plural_title(&mut self, role: &str) -> Vec<usize> {
        if let Some(found) = self.titled.get(role) {
            return found.clone();
        }
        let found = self.find_plural_title(role);
        self.titled.insert(role.to_owned(), found.clone());
        found
    }

    fn find_plural_title(&self, role: &str) -> Vec<usize> {
        const NEAR: usize = 5;
        let mut found = Vec::new();
        for (at, mention) in self.mentions.iter().enumerate() {
            let has_title = self.words[mention.whole.start..mention.name.start]
                .iter()
                .any(|word| lexicon::singular_role(word.lower.trim_end_matches('.')) == Some(role));
            if !has_title {
                continue;
            }
            let second = (at + 1..self.mentions.len()).find(|&next| self.persons[next].is_some()).filter(|&next| {
                let between = mention.name.end..self.mentions[next].name.start;
                between.len() <= NEAR && self.words[between].iter().any(|word| word.lower == "and")
            });
            found.extend([Some(at), second].into_iter().flatten().filter_map(|at| self.persons[at]));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns true if a body has the words before the noun of its description in its name, where the noun alone could be
    /// any: "the sheriff’s office".
    fn is_told(&self, body: &Meant, range: &Range<usize>) -> bool {
        let Meant::Organisation(name) = body else { return true };
        let Some((noun, modifiers)) = self.words[range.start + 1..range.end].split_last() else { return true };
        let lower = name.to_lowercase();
        let is_general = matches!(noun.lower.as_str(), "department" | "government" | "office");
        !is_general || modifiers.iter().all(|word| lower.contains(word.lower.as_str()))
    }

    /// The group that spoke last, if nobody else has since.
    fn they(&self, word: usize) -> Vec<(Meant, Evidence)> {
        const REACH: usize = 1;
        let pronoun = &self.words[word];
        let near =
            self.group.as_ref().filter(|(sentence, _)| sentence + REACH >= pronoun.sentence && !pronoun.is_quoted);
        let found = near.map(|(_, found)| found.as_slice()).unwrap_or_default();
        let is_object = pronoun.lower != "they";
        if is_object && found.iter().any(|one| matches!(one.meant, Meant::Organisation(_))) {
            return Vec::new();
        }
        found.iter().map(|one| (one.meant.clone(), Evidence::Pronoun)).collect()
    }

    /// An institution that a text need not name: "the government", "the fire department".
    fn institution(&self, range: &Range<usize>) -> Option<Meant> {
        let last = &self.words[range.end - 1];
        let own = range.start + 1..range.end;
        let is_owned = self.words[own.clone()].iter().any(|word| word.is_possessive);
        let is_clear = !matches!(last.lower.as_str(), "administration" | "agency" | "department" | "team");
        let is_told = own.len() > 1 && is_clear && !is_owned && lexicon::is_named_organisation_noun(&last.lower);
        let is_common = matches!(last.lower.as_str(), "army" | "government" | "opposition" | "police");
        (is_common || is_told).then(|| Meant::Group(self.shown(&own)))
    }

    /// A word such as "Firefighters" that has its capital because it begins a sentence.
    fn common_group(&self, range: &Range<usize>) -> Option<Meant> {
        let [word] = &self.words[range.clone()] else { return None };
        let is_group = word.is_opening && phrases::is_group_noun(word) && !self.capital.contains(word.text);
        is_group.then(|| Meant::Group(word.text.to_owned()))
    }

    /// "His lawyers", by the name of the one whose they are.
    fn owned_group(&mut self, word: usize, gender: Gender, group: &Range<usize>) -> Option<Meant> {
        let person = self.pronoun(word, gender)?;
        let name = &self.entities.persons[person].name;
        Some(Meant::Group(format!("{name}’s {}", self.shown(group))))
    }

    /// The one to note as the speaker of a source.
    fn referent(&self, found: &[Found], kind: &SourceKind) -> Option<Referent> {
        match (found.first().map(|found| &found.meant), kind) {
            (Some(_), SourceKind::Several(_) | SourceKind::They) | (Some(Meant::Group(_) | Meant::Unnamed), _) => None,
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

    /// Returns true for "his" behind the preposition that begins a sentence, where a comma and a name follow.
    fn is_told_later(&self, word: usize) -> bool {
        let own = &self.words[word];
        let Some(before) = word.checked_sub(1).filter(|&before| self.words[before].sentence == own.sentence) else {
            return false;
        };
        let begins = before == 0 || self.words[before - 1].sentence != own.sentence;
        let is_owner = matches!(own.lower.as_str(), "his" | "her");
        if !is_owner || !begins || !lexicon::is_link(&self.words[before].lower) {
            return false;
        }
        let from = self.mentions.partition_point(|mention| mention.name.start <= word);
        let there =
            self.mentions[from..].iter().take_while(|mention| self.words[mention.name.start].sentence == own.sentence);
        there.into_iter().any(|mention| self.words[mention.name.start - 1].comma_follows())
    }

    /// The only person whom a quotation names before a pronoun in the same sentence: "Lee is wrong when he says".
    fn quoted_pronoun(&self, word: usize, gender: Gender) -> Option<usize> {
        let sentence = self.words[word].sentence;
        let end = self.mentions.partition_point(|mention| mention.name.start < word);
        let there = (0..end).rev().take_while(|&at| self.words[self.mentions[at].name.start].sentence == sentence);
        let mut persons = there
            .filter(|&at| self.words[self.mentions[at].name.start].is_quoted)
            .filter_map(|at| self.persons[at])
            .filter(|&person| self.entities.persons[person].gender.is_none_or(|own| own == gender));
        let person = persons.next().filter(|&person| self.entities.persons[person].is_somebody)?;
        persons.all(|other| other == person).then_some(person)
    }

    fn pronoun(&mut self, word: usize, gender: Gender) -> Option<usize> {
        let person = self.discourse.referent(self.words, &self.entities, word, gender)?;
        let known = &mut self.entities.persons[person];
        known.gender = Some(gender);
        known.is_somebody = true;
        Some(person)
    }

    /// The organisation that "it" or "the airline" at a word means.
    fn body(&self, word: usize, noun: Option<&String>) -> Option<Meant> {
        let noun = noun.map(String::as_str);
        if noun.is_none() && self.words[word].is_quoted {
            return None;
        }
        let near = self.discourse.body(self.words, &self.entities, word, noun);
        let named = || {
            let noun = noun?;
            self.entities.organisation(noun).filter(|name| pronouns::is_called(name, noun)).map(str::to_owned)
        };
        let it = || if noun.is_none() { self.discourse.speaking_body(self.words, &self.entities, word) } else { None };
        near.or_else(named).or_else(it).map(Meant::Organisation)
    }

    /// The person with a role, if only one person in the text can have it, or only one whom the text has just mentioned.
    fn described(&self, word: usize, described: &Description) -> Option<usize> {
        let all = self.entities.with_role(described);
        let noun = described.nouns.last().map_or("", String::as_str);
        let is_office = matches!(
            noun,
            "president" | "minister" | "pm" | "premier" | "pope" | "pontiff" | "chancellor" | "mayor" | "governor"
        );
        match all.as_slice() {
            [only] if is_office || !described.owner.is_empty() => Some(*only),
            // "Lee’s doctor" is not Lee.
            [] if described.is_definite
                && !described.has_other_owner
                && can_describe_anybody(described)
                && !self.words[word].is_quoted
                && described.owner.iter().all(|word| lexicon::is_place(word) || lexicon::is_group(word)) =>
            {
                let person = self.near_person(word)?;
                // Somebody who has another office does not have this one too.
                let is_other = is_office;
                let is_office = is_office || !described.owner.is_empty() || described.nouns.len() > 1;
                (!is_other && (!is_office || self.has_no_office(person))).then_some(person)
            }
            all => {
                let mut present =
                    all.iter().copied().filter(|&person| self.discourse.is_present(self.words, word, person));
                present.next().filter(|_| present.next().is_none())
            }
        }
    }

    /// Returns true for a person to whom the text gives no role that says something.
    fn has_no_office(&self, person: usize) -> bool {
        self.entities.persons[person].roles.iter().all(|role| !role.is_telling())
    }

    /// The only person near a word, or the one who has just spoken.
    fn near_person(&self, word: usize) -> Option<usize> {
        let only = self.discourse.only_person(self.words, &self.entities, word);
        only.or_else(|| self.discourse.last_person(self.words, &self.entities, word))
    }

    /// The only person near "the 31-year-old" or "the veteran racer", if nothing says that it is somebody else.
    fn definite_stranger(&self, range: &Range<usize>, gender: Option<Gender>) -> Option<usize> {
        let core = phrases::core(self.words, range);
        let noun = &self.words[core.end - 1];
        let is_owned = self.words[core.clone()].iter().any(|word| word.is_possessive);
        let is_whole = (core.end == range.end || noun.comma_follows()) && !is_owned;
        let is_general = matches!(
            noun.lower.as_str(),
            "man" | "woman" | "boy" | "girl" | "source" | "user" | "official" | "person" | "participant" | "guard"
        );
        if self.words[range.start].lower != "the"
            || self.words[range.start].is_quoted
            || !is_whole
            || is_general
            || core.len() < 2
        {
            return None;
        }
        let person = self.near_person(range.start)?;
        let own = self.entities.persons[person].gender;
        (gender.is_none() || own.is_none() || own == gender).then_some(person)
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
        let first = &self.words[mention.name.start];
        if self.is_ambiguous(&mention.name) {
            return None;
        }
        if mention.name.len() == 1
            && self.persons[at].is_none_or(|person| !self.entities.persons[person].is_somebody)
            && let Some(full) = self.entities.firm(&first.lower)
        {
            return Some(Meant::Organisation(full.to_owned()));
        }
        if self.persons[at].is_none()
            && mention.name.len() == 1
            && self.has_article(&mention.name)
            && let Some(full) = self.entities.long_form(&first.lower)
        {
            return Some(Meant::Organisation(full.to_owned()));
        }
        if let Some(person) = self.person(at, &mention) {
            self.entities.persons[person].has_spoken |= mention.name.len() > 1 && !first.is_in_title;
            let role = role.or(mention.role).map(|role| Role::from_words(self.text, self.words, role));
            let text = role.as_ref().filter(|role| role.is_telling()).map(|role| role.text.clone());
            if let Some(role) = role {
                self.entities.persons[person].is_somebody = true;
                self.entities.persons[person].add_role(role);
            }
            return Some(Meant::Person(person, text));
        }
        let organisation =
            matches!(mention.kind, MentionKind::Organisation | MentionKind::Place) || mention.name.len() > 1;
        let is_place = mention.kind == MentionKind::Place && !self.words[mention.name.start].is_in_title;
        (organisation && (is_place || self.is_proper(&mention.name)))
            .then(|| Meant::Organisation(self.organisation(&mention.name)))
    }

    /// The person of a mention that is a source. A single name that nothing else explains is added.
    fn person(&mut self, at: usize, mention: &Mention) -> Option<usize> {
        let name = Name::from_words(self.words, mention.name.clone())?;
        if let Some(person) = self.persons[at] {
            let is_bare = mention.name.len() == 1 && !self.entities.persons[person].name.contains(' ');
            return self.misspelt(&name, mention).filter(|_| is_bare).or(Some(person));
        }
        match self.entities.find(&name, mention.gender) {
            Bearers::One(person) if mention.kind != MentionKind::Place || self.entities.persons[person].is_somebody => {
                Some(person)
            }
            Bearers::Nobody if self.is_single(mention) => {
                if let Some(person) = self.misspelt(&name, mention) {
                    self.assign(at, person);
                    return Some(person);
                }
                let is_person = mention.kind == MentionKind::Person;
                let person = self.entities.add_single(&self.words[mention.name.start], is_person, mention.gender);
                self.entities.persons[person].is_thing |= self.has_article(&mention.name);
                self.assign(at, person);
                Some(person)
            }
            _ => None,
        }
    }

    /// Notes the person of a mention.
    fn assign(&mut self, at: usize, person: usize) {
        self.persons[at] = Some(person);
        self.titled.clear();
    }

    /// The person whose surname a single name seems to misspell: the text has the right form more often.
    fn misspelt(&self, name: &Name, mention: &Mention) -> Option<usize> {
        let person = self.entities.misspelt(name, mention.gender)?;
        let surname = self.entities.persons[person].surname();
        let counts = self.counts.get_or_init(|| {
            let mut counts = HashMap::new();
            self.words.iter().for_each(|word| *counts.entry(word.lower.as_str()).or_default() += 1);
            counts
        });
        let written = self.words[mention.name.start].lower.as_str();
        (counts.get(surname) > counts.get(written)).then_some(person)
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
        let is_plural = !is_body && name.len() < 3 && lexicon::is_plural(&last.lower)
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
        if let Some(country) =
            lexicon::country_of_capital(&short).filter(|country| self.stands_alone(name) && self.names(country))
        {
            return country.to_owned();
        }
        let full = self.entities.organisation(&short).filter(|_| name.len() == 1 && short != "government");
        full.map_or_else(|| roles::text(self.text, self.words, name.clone()), str::to_owned)
    }

    /// Returns true if "the" is before a name.
    fn has_article(&self, name: &Range<usize>) -> bool {
        let article = name.start.checked_sub(1).map(|at| &self.words[at]);
        article.is_some_and(|article| article.lower == "the" && article.is_beside_next())
    }

    /// Returns true for a single word that names nobody in particular: "Washington" where the text is about the United
    /// States, "the Norwegian".
    fn is_ambiguous(&self, name: &Range<usize>) -> bool {
        let word = &self.words[name.start];
        let is_nationality = self.has_article(name) && lexicon::is_group(&word.lower) && !word.lower.ends_with('s');
        let is_capital = word.lower == "washington" && self.stands_alone(name) && self.names("United States");
        name.len() == 1 && (is_nationality || is_capital)
    }

    /// Returns true for a single name that no other name or noun is right before.
    fn stands_alone(&self, name: &Range<usize>) -> bool {
        let before = name.start.checked_sub(1).map(|at| &self.words[at]).filter(|word| word.is_beside_next());
        let is_part = before.is_some_and(|word| {
            let is_name = word.is_capitalised() && !word.is_opening
                || word.text.starts_with(|first: char| first.is_ascii_digit());
            is_name || lexicon::is_place_noun(&word.lower) || word.lower == "city"
        });
        name.len() == 1 && !is_part
    }

    /// Returns true if the text has the name of a country, or "US" for the United States.
    fn names(&self, country: &str) -> bool {
        let is_named = |at: usize| {
            let mut words = self.words[at..].iter();
            country.split(' ').all(|part| words.next().is_some_and(|word| word.text == part))
        };
        let is_short =
            |word: &Word| country == "United States" && matches!(word.text, "US" | "U.S." | "U.S" | "America");
        (0..self.words.len()).any(|at| is_named(at) || is_short(&self.words[at]))
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
            Meant::Author(name) => (Some(name), None, SpeakerKind::Person),
            Meant::Person(person, role) => {
                let person = &self.entities.persons[person];
                let role = role.or_else(|| person.role().map(str::to_owned));
                let is_body = !person.is_somebody && (person.is_thing || !person.name.contains(' '));
                let kind = if is_body { SpeakerKind::Organisation } else { SpeakerKind::Person };
                (Some(person.name.clone()), role, kind)
            }
            Meant::Group(name) => (Some(name), None, SpeakerKind::Unnamed),
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

/// Returns true for a description that says nothing of an office: "the 67-year-old", "the billionaire".
fn can_describe_anybody(described: &Description) -> bool {
    let Some(noun) = described.nouns.last() else { return false };
    !lexicon::is_vague_role(noun) && !matches!(noun.as_str(), "source" | "user" | "official")
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
            if character == ' ' && text.ends_with(". ") && !text.ends_with("Ms. ") {
                sentences.push(start..text.len());
                start = text.len();
            }
        }
        sentences.push(start..text.len());
        resolve(&text, Some("By Ida Brenn"), &sentences, &sources)
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
            "[Some] said no. [An official] said so. [They] slept. Ann Lee slept while Eva Roe sang. [She] wept.",
        );
        assert_eq!(found, vec![None; 4]);
    }

    #[test]
    fn somebody_without_a_name_takes_the_pronouns_that_follow() {
        assert_eq!(speakers("[Ann Lee] said no. [An official] said yes. [She] said more.")[2], None);
    }

    #[test]
    fn the_name_of_one_body_may_have_an_and() {
        for name in [
            "Food and Drink Federation",
            "Office of Management and Budget",
            "Organization for Economic Cooperation and Development",
        ] {
            let found = resolve_marked(&format!("[The {name}] said no."));
            let names: Vec<_> = found[0].iter().filter_map(|one| one.name.as_deref()).collect();
            assert_eq!(names, [name]);
        }
        let two = resolve_marked("They met. [Oslo Bank and Bob Roe] said no. [Oslo Bank and Help the Aged] said more.");
        assert_eq!((two[0].len(), two[1].len()), (2, 2));
    }

    /// The name of each source that stands in square brackets.
    fn names(marked: &str) -> Vec<Option<String>> {
        speakers(marked).into_iter().map(|found| found.map(|(name, _)| name)).collect()
    }

    #[test]
    fn a_name_keeps_all_its_words() {
        for (source, name) in [
            ("World charity Save the Quuxes", "Save the Quuxes"),
            ("The Stop the Noise Coalition", "Stop the Noise Coalition"),
            ("Quux Tools, Inc., a maker of saws,", "Quux Tools, Inc."),
            ("The Office for the Study and Prevention of Quuxes", "Office for the Study and Prevention of Quuxes"),
            ("FQW Local 12", "FQW Local 12"),
        ] {
            assert_eq!(names(&format!("It rained. [{source}] said no.")), [Some(name.to_owned())], "{source}");
        }
    }

    #[test]
    fn a_noun_in_front_of_a_name_is_no_part_of_it() {
        for (source, name) in [
            ("Evacuee Ann Lee", "Ann Lee"),
            ("Foo Ball Hall of Famer Ann Lee", "Ann Lee"),
            ("Norway’s Quuxa news agency", "Quuxa"),
            ("the state-run Quuxa news agency", "Quuxa"),
            ("Nature charity the Quux Trust", "Quux Trust"),
            ("Norway’s peak body, the Herring Council,", "Herring Council"),
        ] {
            assert_eq!(names(&format!("It rained. [{source}] said no.")), [Some(name.to_owned())], "{source}");
        }
    }

    #[test]
    fn a_full_name_at_the_end_of_a_source_is_its_speaker() {
        for source in [
            "Harbour expert and CEO of House of Oats Ann Lee",
            "The suspect, identified as Ann Lee",
            "Mayor and Foo Hall of Famer Ann Lee",
            "Another woman, Quuxa Lee",
        ] {
            let found = names(&format!("It rained. [{source}] said no.")).remove(0);
            assert!(found.is_some_and(|name| source.ends_with(&name) && name.ends_with(" Lee")), "{source}");
        }
    }

    #[test]
    fn a_doubt_about_a_person_is_nobody() {
        for text in [
            "Mr. Bob Roe met host Cy Poe. Asked Poe. “Yes,” [he] said.",
            "Ann Lee fired an anchor after [she] said no.",
            "Ann Lee slept. She sang. What [the department’s inspector general] said was new.",
            "Bob Roe sang. [Norway’s national broadcaster] said no.",
        ] {
            assert_eq!(names(text), [None], "{text}");
        }
    }

    #[test]
    fn it_means_the_single_name_that_has_just_spoken() {
        assert_eq!(names("[Quux] said no. [It] said it was late."), vec![Some("Quux".to_owned()); 2]);
    }

    #[test]
    fn the_author_of_a_column_or_a_letter_is_the_one_who_writes_i() {
        let column = "The quay is shut. [I] think it is a shame. “I hate it,” said [Bob Roe].";
        assert_eq!(speakers(column), [Some(speaker("Ida Brenn", "")), Some(speaker("Bob Roe", ""))]);
        let letter = "Sir, the report was unfair. [I] told the board. Ann Lee. Alton. ";
        assert_eq!(speakers(letter), [Some(speaker("Ann Lee", ""))]);
        assert_eq!(speakers("Sir, the report was unfair. [I] told the board."), [None], "nobody has signed");
    }

    #[test]
    fn labels_of_an_interview_are_no_initials() {
        assert_eq!(speakers("Ann Lee met us. [Q]. Did it rain? [A]. Not once."), [None, None]);
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
        let found = speakers(
            "[Opposition leader Ann Lee] said no. Bob Roe, a party leader, slept. [The opposition leader] wept. [The leader] slept.",
        );
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
        assert!(resolve("", None, &[], &[0..0, 5..9]).iter().all(Vec::is_empty));
    }

    #[test]
    fn each_speaker_has_its_kind_and_the_rule() {
        let text = "[Prime Minister Ann Lee] said no. [Lee] slept. [She] wept. [The prime minister] sang. We met Ann Lee, [who] left.";
        let rules = [Evidence::Name, Evidence::PartOfName, Evidence::Pronoun, Evidence::Role, Evidence::Relative];
        assert_eq!(evidence(text), rules.map(|rule| (SpeakerKind::Person, rule)));
        let bodies = [Evidence::Name, Evidence::Noun, Evidence::Pronoun];
        let found = evidence("[Quuxair] said no. [The airline] slept. [It] wept.");
        assert_eq!(found, bodies.map(|rule| (SpeakerKind::Organisation, rule)));
        assert_eq!(evidence("[A spokesman] said no."), [(SpeakerKind::Unnamed, Evidence::Description)]);
    }

    /// The names of all speakers of the first source.
    fn together(marked: &str) -> Vec<String> {
        resolve_marked(marked).remove(0).into_iter().filter_map(|one| one.name).collect()
    }

    #[test]
    fn groups_are_called_by_their_own_words() {
        let group =
            |text: &str| resolve_marked(text).remove(0).pop().map(|one| (one.name.unwrap_or_default(), one.kind));
        let unnamed = |name: &str| Some((name.to_owned(), SpeakerKind::Unnamed));
        assert_eq!(group("[Firefighters] said no."), unnamed("Firefighters"));
        assert_eq!(group("Then [dozens of local officials] said no."), unnamed("local officials"));
        assert_eq!(group("[Farmers and ranchers] said no."), unnamed("Farmers and ranchers"));
        assert_eq!(group("Then [critics of the plan who had come] said no."), unnamed("critics of the plan"));
        assert_eq!(group("Then [the Foo campaign officials] said no."), unnamed("Foo campaign officials"));
        let body = |name: &str| Some((name.to_owned(), SpeakerKind::Organisation));
        assert_eq!(group("Then [Las Quuxas police] said no."), body("Las Quuxas police"));
        assert_eq!(group("Then [the Norwegian coast guard] said no."), body("Norwegian coast guard"));
        assert_eq!(
            group("Then [the Department of Food and Fisheries] said no."),
            body("Department of Food and Fisheries")
        );
    }

    #[test]
    fn groups_that_only_the_text_can_tell_are_nobody() {
        for source in ["the companies", "some", "others", "the two men", "researchers", "each side", "the man’s family"]
        {
            assert_eq!(speakers(&format!("Then [{source}] said no.")), [None], "{source}");
        }
    }

    #[test]
    fn a_document_is_its_publisher_s() {
        for source in [
            "a report by the Oslo Bank",
            "an Oslo Bank report released today",
            "the Oslo Bank’s website",
            "a new study published by the Oslo Bank",
        ] {
            let found = resolve_marked(&format!("Then [{source}] said no."));
            let [speaker] = found[0].as_slice() else { panic!("{source}") };
            assert_eq!(
                (speaker.name.as_deref(), speaker.evidence),
                (Some("Oslo Bank"), Evidence::Document),
                "{source}"
            );
        }
        let found = resolve_marked("[Ann Lee] said no. [Her website] said so. [A report on Oslo] wept.");
        assert_eq!(found[1][0].name.as_deref(), Some("Ann Lee"));
        assert_eq!(found[2][0].name, None);
    }

    #[test]
    fn two_who_speak_together_are_two_speakers() {
        assert_eq!(together("Then [Ann Lee and Bob Roe] said no."), ["Ann Lee", "Bob Roe"]);
        assert_eq!(together("It rained on Ann Lee and Bob Roe. [Lee and Roe] said no."), ["Ann Lee", "Bob Roe"]);
        assert_eq!(
            together("It rained on Ann Lee and Bob Roe. [Senators Lee and Roe] said no."),
            ["Ann Lee", "Bob Roe"]
        );
        assert_eq!(together("Then [NASA and the Oslo Bank] said no."), ["NASA", "Oslo Bank"]);
        assert_eq!(together("Then [Ann Lee and the host] said no."), ["Ann Lee"]);
        assert_eq!(together("[Firms such as Quux and Foo] said no."), ["Quux", "Foo"]);
        assert_eq!(together("[Farmers, including Ann Lee,] said no."), ["Farmers"]);
    }

    #[test]
    fn a_person_at_the_end_of_a_phrase_is_the_speaker() {
        for source in [
            "the head of the Foo Agency, Ann Lee",
            "the head of the Foo Ports Agency (FPA), Ann Lee",
            "the chief minister of Quux Foo, Ms. Ann Lee,",
            "a spokesman for the Foo Guard, Brig. Gen. Ann Lee",
            "West Foo, N.Y., native Ann Lee",
            "Foo County Sheriff's Dept. spokeswoman Ann Lee",
            "the Foo Times’s Oslo correspondent, Ann Lee",
            "Foo Aid's Norway representative Ann Lee",
            "the Workers’ Party candidate, Ms Ann Lee,",
            "the port’s head of fisheries Ann Lee",
            "Foo Bureau of Investigation Director Ann Lee",
        ] {
            let text = format!("Then [{source}] said that it had rained on the port for two days.");
            assert_eq!(together(&text), ["Ann Lee"], "{source}");
        }
        assert_eq!(together("Then [the lawyer for Foo’s accuser, Ann Lee,] said no."), [""; 0]);
    }

    #[test]
    fn datelines_months_and_salutations_are_no_part_of_a_name() {
        for source in ["OSLO Ann Lee", "Norway Ann Lee", "Frau Ann Lee", "Coun Ann Lee"] {
            assert_eq!(together(&format!("It rained. [{source}] said no.")), ["Ann Lee"], "{source}");
        }
        assert_eq!(together("OSLO The [Lee] plan is bad, Ann Lee said."), ["Ann Lee"]);
        assert_eq!(together("Then [a September Foo Bank report] said no."), ["Foo Bank"]);
        assert_eq!(together("Then [Feb. 9 projections] said no."), [""; 0]);
    }

    #[test]
    fn a_body_that_is_only_described_is_nobody() {
        for source in [
            "the West Foo, Ohio, company",
            "an Oslo magazine",
            "an Oslo police oversight panel",
            "the F.O.O.’s children’s agency",
            "the recent Foo Farms, Ports and Energy Forum",
            "the National Foo Study",
            "the Norwegian",
        ] {
            assert_eq!(together(&format!("Then [{source}] said no.")), [""; 0], "{source}");
        }
        assert_eq!(together("Then [the Lee-led Senate] said no."), ["Senate"]);
    }

    #[test]
    fn a_document_with_a_title_is_its_publisher_s() {
        assert_eq!(together("Then [the Foo Report by the Oslo Bank] said no."), ["Oslo Bank"]);
        assert_eq!(together("Then [NASA’s Daily Foo Report] said no."), ["NASA"]);
        assert_eq!(together("Then [a draft report seen by NASA] said no."), [""; 0]);
    }

    #[test]
    fn a_misspelt_surname_is_the_one_that_the_text_has_more_often() {
        let text = "It rained on Ann Castell. Castell slept. [Castel] said no. [The Castells] wept.";
        let names: Vec<_> = speakers(text).into_iter().map(|one| one.map(|(name, _)| name)).collect();
        assert_eq!(names[0].as_deref(), Some("Ann Castell"));
        assert_ne!(names[1].as_deref(), Some("Ann Castell"));
        let text = "It rained on Ann Castell. Castel slept. Castel wept. [Castel] said no.";
        assert_eq!(speakers(text)[0].as_ref().map(|one| one.0.as_str()), Some("Castel"));
    }

    #[test]
    fn the_beginning_of_a_body_s_name_is_short_for_it() {
        assert_eq!(together("It rained on the Metropolitan Police. Then [the Met] said no."), ["Metropolitan Police"]);
        assert_eq!(together("It rained on the Norwegian Coffee Institute. Then [Norway] said no."), ["Norway"]);
    }

    #[test]
    fn groups_that_an_article_names_are_those_or_nobody() {
        let text = "We met Senators Ann Lee and Bob Roe. [The senators] said no.";
        let found = resolve_marked(text).remove(0).into_iter().filter_map(|one| one.name).collect::<Vec<_>>();
        assert_eq!(found, ["Ann Lee", "Bob Roe"]);
        assert_eq!(together("[Experts] said no. We met Ann Lee, a historian, too."), [""; 0]);
        for source in [
            "two banks",
            "other countries",
            "hundreds of people",
            "unions",
            "members of the committee",
            "the experts",
            "the military",
        ] {
            assert_eq!(together(&format!("Then [{source}] said no.")), [""; 0], "{source}");
        }
        for (source, name) in [("two officials", "officials"), ("critics of the plan", "critics of the plan")] {
            assert_eq!(together(&format!("Then [{source}] said no.")), [name], "{source}");
        }
        assert_eq!(together("Then [the mayor’s rivals, Ann Lee and Bob Roe,] said no."), ["Ann Lee", "Bob Roe"]);
    }

    #[test]
    fn a_pronoun_with_two_candidates_is_nobody() {
        let text = "[Bob Roe] said no. It rained on Tom Poe, and [he] wept.";
        assert_eq!(speakers(text)[1], None, "somebody else is named beside the pronoun");
        assert_eq!(speakers("Bob Roe’s plan failed when Tom Poe slept. Then [he] left.")[0], None);
        assert_eq!(
            speakers("It rained on Tom Poe. Quux Foo slept. [He] said no.")[0],
            None,
            "a name that tells no gender"
        );
        assert_eq!(speakers("[NASA] said no. The report slept. [It] wept.")[1], None);
        assert_eq!(speakers("[Oslo Bank] said no. They rejected [their] plea.")[1], None);
    }

    #[test]
    fn washington_is_nobody_where_the_text_is_about_the_country() {
        assert_eq!(speakers("It rained in the United States. Then [Washington] said no."), [None]);
        assert_eq!(
            speakers("It rained in China. Then [the capital city Beijing] said no.")[0].as_ref().unwrap().0,
            "Beijing"
        );
    }

    #[test]
    fn they_are_the_group_that_spoke_last() {
        let found = speakers("[Oslo police] said no. [They] slept. [Ann Lee] said so. [They] wept.");
        assert_eq!(found[1], Some(speaker("Oslo police", "")));
        assert_eq!(found[3], None);
    }

    #[test]
    fn a_role_may_be_told_by_its_owner() {
        let text = "It rained when Norwegian President Ann Lee met Mexican President Bob Roe at the port. [The president of Norway] said no. \
                    [Mexico’s president] said so. [The president] wept.";
        let names = speakers(text).into_iter().map(|one| one.map(|(name, _)| name)).collect::<Vec<_>>();
        assert_eq!(names, [Some("Ann Lee".to_owned()), Some("Bob Roe".to_owned()), None]);
        let text = "Ann Lee, head of Foo Bank, slept. [The head of Foo Bank] said no. [The head of Quux] wept.";
        assert_eq!(speakers(text)[0].as_ref().map(|one| one.0.as_str()), Some("Ann Lee"));
        assert_eq!(speakers(text)[1], None);
    }

    #[test]
    fn a_body_is_named_behind_its_noun() {
        for source in ["the union, the United Foo Workers", "the ruling Foo party"] {
            let name = if source.contains("union") { "United Foo Workers" } else { "Foo" };
            assert_eq!(speakers(&format!("Then [{source}] said no.")), [Some(speaker(name, ""))], "{source}");
        }
    }

    #[test]
    fn a_capital_is_its_government_where_the_text_names_the_country() {
        assert_eq!(speakers("It rained in North Korea. Then [Pyongyang] said no."), [Some(speaker("North Korea", ""))]);
        assert_eq!(speakers("Then [Pyongyang] said no."), [Some(speaker("Pyongyang", ""))]);
    }

    #[test]
    fn things_and_places_are_no_persons_that_a_pronoun_can_mean() {
        let found = speakers("[Ann Lee] said no. It rained on the Foo Accord and on Quux Island. [She] slept.");
        assert_eq!(found[1], Some(speaker("Ann Lee", "")));
    }

    #[test]
    fn a_pronoun_that_is_no_source_keeps_its_person_present() {
        let rain = "It rained. ".repeat(4);
        let found = speakers(&format!("[Ann Lee] said no. {rain}Then she left. {rain}[She] slept."));
        assert_eq!(found[1], Some(speaker("Ann Lee", "")));
    }

    #[test]
    fn a_surname_may_look_like_a_verb() {
        let text = "It rained on London Breed. Later Breed slept. [Breed] said no.";
        assert_eq!(speakers(text), [Some(speaker("London Breed", ""))]);
    }

    #[test]
    fn a_junior_is_not_the_senior() {
        assert_ne!(speakers("It rained on Bob Lee. [Lee Jr.] said no."), [Some(speaker("Bob Lee", ""))]);
    }

    #[test]
    fn names_behind_bodies_and_ages_are_persons() {
        for source in [
            "University of Foo entomologist Ken Quux",
            "36-year-old Ken Quux, a cook,",
            "the port’s chief, Mr Ken Quux,",
        ] {
            let found = resolve_marked(&format!("Then [{source}] said no."));
            assert_eq!(found[0][0].name.as_deref(), Some("Ken Quux"), "{source}");
        }
    }

    /// The name and the rule of the last source, if it has a name.
    fn last(marked: &str) -> Option<(String, Evidence)> {
        let speaker = resolve_marked(marked).pop()?.into_iter().next()?;
        Some((speaker.name?, speaker.evidence))
    }

    #[test]
    fn a_document_that_the_text_has_told_is_its_publisher_s() {
        for text in [
            "[A report by the Oslo Bank] said no. [The report] said more.",
            "The Oslo Bank released a new study. [The study] said no.",
            "[The Oslo Bank] said so in a statement. [The statement] said more.",
            "In a letter to Foo, [the Oslo Bank] said no. [The letter] said more.",
            "It rained. [The report] said no. The report by the Oslo Bank was late.",
        ] {
            assert_eq!(last(text), Some(("Oslo Bank".to_owned(), Evidence::Document)), "{text}");
        }
        for text in [
            "[A report] said no. [The report] said more.",
            "A study in Norway was late. [The study] said no.",
            "A report by the Oslo Bank was late. A report was better. [The report] said no.",
        ] {
            assert_eq!(last(text), None, "{text}");
        }
    }

    #[test]
    fn a_body_may_be_called_by_the_end_of_its_name() {
        let text = "It rained on the National Weather Service. Then [the weather service] said no.";
        assert_eq!(last(text), Some(("National Weather Service".to_owned(), Evidence::Noun)));
        assert_eq!(last("Then [the fire service] said no."), Some(("fire service".to_owned(), Evidence::Description)));
        let text = "It rained on the Oslo City Council and on the Foo Town Council. Then [the council] said no.";
        assert_eq!(last(text), None);
        let text = "Quuxair slept. Quuxair wept. It rained on Foo. Then [the airline] said no.";
        assert_eq!(last(text), Some(("Quuxair".to_owned(), Evidence::Noun)));
        let text = "It rained on Quux Corp and on Foo. Then [the company] said no.";
        assert_eq!(last(text), Some(("Quux Corp".to_owned(), Evidence::Noun)));
    }

    #[test]
    fn a_description_means_the_only_person_who_has_spoken() {
        for source in ["The 31-year-old", "The veteran racer", "The billionaire"] {
            let text = format!("[Ann Lee] said no. [{source}] said more.");
            assert_eq!(last(&text), Some(("Ann Lee".to_owned(), Evidence::Role)), "{source}");
            let text = format!("[Ann Lee] said no. [Bob Roe] said more. [{source}] wept.");
            assert_ne!(last(&text).map(|found| found.0).as_deref(), Some("Ann Lee"), "{source}");
        }
        assert_eq!(last("[Oslo Mayor Ann Lee] said no. [The prime minister] said more."), None);
        assert_eq!(last("[Ann Lee] said no. [Lee’s 31-year-old daughter] said more."), None);
    }

    #[test]
    fn a_couple_is_the_two_who_are_named_together() {
        assert_eq!(together("[The couple] said no."), [""; 0]);
        let found = resolve_marked("Ann Lee and Bob Roe slept. Then [the couple] said no.").remove(0);
        let names: Vec<_> = found.into_iter().filter_map(|one| one.name).collect();
        assert_eq!(names, ["Ann Lee", "Bob Roe"]);
        assert_eq!(together("Then [Ann Lee and other senators] said no."), ["Ann Lee"]);
    }

    #[test]
    fn a_person_may_be_named_right_behind_a_body() {
        for source in [
            "the ambassador to the WXO Ann Lee",
            "former director of the FOO Ann Lee",
            "senior scientist at the Foo Monitoring Service Ann Lee",
        ] {
            assert_eq!(together(&format!("Then [{source}] said no.")), ["Ann Lee"], "{source}");
        }
        for source in ["the lawyer of the FOO Ann Lee", "a critic of House Speaker Ann Lee"] {
            assert_eq!(together(&format!("Then [{source}] said no.")), [""; 0], "{source}");
        }
    }

    #[test]
    fn bodies_are_named_behind_their_kind_and_their_place() {
        for (source, name) in [
            ("a group called the Foo Quux", "Foo Quux"),
            ("the country’s Foo Ministry", "Foo Ministry"),
            ("the city of Quux", "city of Quux"),
            ("the Foo County sheriff’s office", "Foo County sheriff’s office"),
            ("an Oslo Bank press statement", "Oslo Bank"),
            ("Thursday’s report from the Oslo Bank", "Oslo Bank"),
        ] {
            assert_eq!(together(&format!("Then [{source}] said no.")), [name], "{source}");
        }
        let text = "It rained on the Quux Foo Union, or QFU, in May. Then [the QFU] said no.";
        assert_eq!(last(text).unwrap().0, "Quux Foo Union");
    }

    #[test]
    fn records_are_called_by_their_own_words() {
        for (source, name) in [("court documents", "court documents"), ("recent media reports", "media reports")] {
            assert_eq!(last(&format!("Then [{source}] said no.")), Some((name.to_owned(), Evidence::Description)));
        }
        assert_eq!(last("Then [reports] said no."), None);
        assert_eq!(last("Then [government data] said no."), None);
    }

    #[test]
    fn a_pronoun_inside_a_quotation_means_the_person_named_in_it() {
        let text = "[Ann Lee] slept. “Bob Roe is wrong when [he] says no. ";
        assert_eq!(last(text).map(|found| found.0).as_deref(), Some("Bob Roe"));
        assert_eq!(last("[Bob Roe] slept. “[He] said no. "), None);
    }

    #[test]
    fn a_single_name_that_has_spoken_can_be_a_person() {
        let found = |text: &str| last(text).map(|found| found.0);
        assert_eq!(found("We met Quuxova. “No,” [Quuxova] said. [She] slept.").as_deref(), Some("Quuxova"));
        assert_eq!(found("[The Quux] said no. [He] slept."), None);
        assert_eq!(found("[QUUX] said no. [He] slept."), None);
        assert_eq!(found("Ann Lee slept. “No,” [Quuxova] said. [She] slept."), None);
    }

    #[test]
    fn it_goes_on_with_the_body_that_spoke_last() {
        let found = |text: &str| last(text).map(|found| found.0);
        let text = "[Oslo Bank] said no. It rained in the town. “No,” [it] said.";
        assert_eq!(found(text).as_deref(), Some("Oslo Bank"));
        assert_eq!(found("[Oslo Bank] said no. It rained. When the agency slept, [it] wept."), None);
        assert_eq!(found("[Oslo Bank] said no. [Ann Lee] said more. “No,” [it] said."), None);
    }

    #[test]
    fn names_of_bodies_go_on_behind_their_first_noun() {
        for name in [
            "Quux Observatory for Foo Rights",
            "Port of Quux",
            "Committee to Protect Quuxes",
            "Centers for Disease Control and Prevention",
            "Joint Chiefs of Staff",
        ] {
            assert_eq!(together(&format!("It rained. Then [the {name}] said no.")), [name]);
        }
        assert_eq!(together("It rained on the Quux Press on Monday. [The Quux Press] said no."), ["Quux Press"]);
    }

    #[test]
    fn an_acronym_is_the_body_that_the_text_has_written_out() {
        let text = "It rained on the Children’s Oat Fund (COF) in May. [The COF] said no.";
        assert_eq!(together(text), ["Children’s Oat Fund"]);
        let text = "It rained on the US Centers for Oat Control and Prevention in May. [The COC] said no.";
        assert_eq!(together(text), ["US Centers for Oat Control and Prevention"]);
        assert_eq!(together("The US Department of Oats slept. [The USDO] said no."), ["US Department of Oats"]);
        assert_eq!(together("We saw CNN International. [CNN] said no."), ["CNN"]);
    }

    #[test]
    fn firms_and_channels_are_called_by_their_first_word() {
        assert_eq!(together("We met Quux Oats Inc. in May. [Quux] said no."), ["Quux Oats Inc."]);
        assert_eq!(together("We saw Quux News in May. [Quux] said no."), ["Quux News"]);
        assert_eq!(together("We met Ann Quux and Quux Airlines. [Quux] said no."), ["Ann Quux"]);
    }

    #[test]
    fn an_ending_like_that_of_a_possessive_can_be_part_of_a_name() {
        assert_eq!(together("It rained in town. [Quuxald’s] said that Quuxald’s cooks slept."), ["Quuxald’s"]);
        assert_eq!(together("We met Bob Quux. [Quux’s] said that he will sleep."), ["Bob Quux"]);
    }

    #[test]
    fn one_who_has_spoken_under_a_full_name_is_called_by_the_first_one() {
        assert_eq!(last("[Oshqu Gunsfoo] said no. It rained. [Oshqu] said more.").unwrap().0, "Oshqu Gunsfoo");
        assert_eq!(last("It rained on Oshqu Gunsfoo. [Oshqu] said more.").unwrap().0, "Oshqu");
    }

    #[test]
    fn a_role_tells_more_of_the_gender_than_a_first_name() {
        assert_eq!(last("Spokeswoman [Bob Quux] said no. [She] said more.").unwrap().0, "Bob Quux");
    }

    #[test]
    fn the_only_subject_of_the_sentence_before_is_meant_whomever_they_met() {
        assert_eq!(last("Mr Bob Lee helped Mr Ivo Roe. [He] said no.").unwrap().0, "Bob Lee");
        assert_eq!(last("Mr Bob Lee and Mr Ivo Roe slept. [He] said no."), None);
    }

    #[test]
    fn a_place_in_capitals_before_the_article_is_no_part_of_a_name() {
        assert_eq!(last("OSLO CITY Quux Foolee was born. [Quux Foolee] said no.").unwrap().0, "Quux Foolee");
    }

    /// Words that rules look for.
    const WORDS: &str = "Ann Lee Foo Hall the The a his her their he She it they who I of for at to and or director ambassador minister \
        spokesman head Secretary company report statement office police others couple 31-year-old called former country WXO (WXO) \
        Bank’s native Ohio said “No no” Mr.";

    proptest::proptest! {
        #[test]
        fn no_order_of_words_does_harm(
            words in proptest::collection::vec((proptest::sample::select(WORDS.split_whitespace().collect::<Vec<_>>()), proptest::sample::select(vec!["", ",", ".", "’s", " -"])), 1..40),
            sources in proptest::collection::vec((0_usize..40, 1_usize..9), 1..6),
        ) {
            let mut text = String::new();
            let mut spans = Vec::new();
            for (word, sign) in &words {
                if !text.is_empty() {
                    text.push(' ');
                }
                let start = text.len();
                text.push_str(word);
                spans.push(start..text.len());
                text.push_str(sign);
            }
            let sentences: Vec<_> = crate::sentences::sentences(&text)
                .iter()
                .map(|sentence| sentence.span.byte_start..sentence.span.byte_end)
                .collect();
            let mut ranges = Vec::new();
            for (first, length) in sources {
                let first = first % spans.len();
                let last = (first + length - 1).min(spans.len() - 1);
                ranges.push(spans[first].start..spans[last].end);
            }
            proptest::prop_assert_eq!(resolve(&text, Some("Ann Lee"), &sentences, &ranges).len(), ranges.len());
        }
    }
}
