//! English vocabulary as data: each list is a text file in this folder, and the statics below are the lists by name.
//!
//! To add a word, add a line to a file. A file begins with comment lines (`#`) on its purpose, origin and licence. The
//! rest is a word per line, sorted, in sections (`[title]`) if there are several kinds. Marks may follow a word.

mod file;
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// A list of words, parsed when it is first used.
pub(crate) type Words = LazyLock<HashSet<&'static str>>;

/// A list of words of several kinds, parsed when it is first used.
pub(crate) type Kinds<Kind> = LazyLock<HashMap<&'static str, Kind>>;

/// The kind of an abbreviation, which tells what its full stop can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Abbreviation {
    /// Stands before a name (`Mr.`), so its full stop does not end a sentence.
    Title,
    /// Stands before a number (`No.`, `Fig.`).
    Reference,
    /// Joins the words on both sides (`e.g.`, `vs.`).
    Joining,
    /// A month or a day of the week.
    Calendar,
    /// `a.m.` and `p.m.`.
    Clock,
    /// May stand in the middle of a sentence as well as at its end (`Inc.`, `U.S.`).
    Ambiguous,
    /// Letters with dots, usually those of a name (`J. R. Smith`). No list has these.
    Initials,
}

/// An abbreviation in the lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedAbbreviation {
    pub kind: Abbreviation,
    /// In small letters it is an ordinary word.
    pub is_also_word: bool,
}

/// The rule that a verb of speech is for; `speech_verbs.txt` has the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpeechVerb {
    /// For both rules.
    Everywhere,
    /// For the splitter, after a quotation and a name.
    Quotations,
    /// For the search for names, right before or after a name.
    Names,
}

/// The genders that English pronouns distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gender {
    Female,
    Male,
}

/// Properties of a noun for a role, from its marks in `roles.txt`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoleNoun {
    /// The gender of everybody who has the role.
    pub gender: Option<Gender>,
    /// The form by which abbreviations and variants of a role are compared.
    pub written_out: Option<&'static str>,
    /// Says little about a person without more words: "rival".
    pub is_untelling: bool,
    /// Many people in a text can have it: "aide".
    pub is_vague: bool,
    /// A common surname as well: "King".
    pub is_surname: bool,
}

/// A word that makes a name that of an organisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrganisationWord {
    /// A surname as well: "Church".
    pub is_surname: bool,
}

/// Abbreviations in small letters, without their last full stop. Those of months and weekdays are among them.
pub(crate) static ABBREVIATIONS: LazyLock<HashMap<String, ListedAbbreviation>> = LazyLock::new(|| {
    let listed = file::entries(ABBREVIATIONS_FILE).filter_map(|entry| Some((kind_of_abbreviation(&entry)?, entry)));
    let calendar = [MONTHS_FILE, WEEKDAYS_FILE].into_iter().flat_map(file::entries);
    let calendar = calendar.filter(|entry| entry.section == "abbreviations");
    let all = listed.chain(calendar.map(|entry| (Abbreviation::Calendar, entry)));
    all.map(|(kind, entry)| {
        (entry.word.to_ascii_lowercase(), ListedAbbreviation { kind, is_also_word: entry.marks == "also-a-word" })
    })
    .collect()
});

/// Full names of months, in the order of the year.
pub(crate) static MONTH_NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| file::section(MONTHS_FILE, "names"));

/// Months as they are written: `January`, `Jan`.
pub(crate) static MONTHS: Words = LazyLock::new(|| file::words(MONTHS_FILE));

/// Full names of weekdays, from Monday on.
pub(crate) static WEEKDAY_NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| file::section(WEEKDAYS_FILE, "names"));

/// Weekdays as they are written: `Monday`, `Mon`.
pub(crate) static WEEKDAYS: Words = LazyLock::new(|| file::words(WEEKDAYS_FILE));

/// Zones and other words that may follow a time of day.
pub(crate) static CLOCK_WORDS: Words = LazyLock::new(|| file::words(include_str!("clock_words.txt")));

/// Verbs that report speech.
pub(crate) static SPEECH_VERBS: Kinds<SpeechVerb> = LazyLock::new(|| {
    file::kinds(include_str!("speech_verbs.txt"), |entry| match entry.section {
        "everywhere" => Some(SpeechVerb::Everywhere),
        "quotations" => Some(SpeechVerb::Quotations),
        "names" => Some(SpeechVerb::Names),
        _ => None,
    })
});

/// The act that a word or a phrase of a cue stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CueAct {
    Say,
    Think,
    Ask,
    Deny,
    Refuse,
}

/// Words and phrases of cues, in small letters, by the act that they stand for.
pub(crate) static CUE_ACTS: Kinds<CueAct> = LazyLock::new(|| {
    let acts = file::phrase_entries(ACTS_FILE).filter_map(|entry| Some((entry.word, cue_act(entry.section)?)));
    acts.collect()
});

/// Words for answers and statements: after a negation they make a cue a refusal.
pub(crate) static ANSWER_WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| file::section(ACTS_FILE, "answer").into_iter().collect());

/// Words with which many sentences begin.
pub(crate) static SENTENCE_STARTERS: Words = LazyLock::new(|| file::words(include_str!("sentence_starters.txt")));

/// Words before the exclamation mark of a name, as they are written.
pub(crate) static EXCLAIMED_NAMES: Words = LazyLock::new(|| file::words(include_str!("exclaimed_names.txt")));

/// Labels of figures, as they are written.
pub(crate) static FIGURE_LABELS: LazyLock<Vec<&'static str>> = LazyLock::new(|| file::section(LABELS_FILE, "figures"));

/// Labels of the credits of pictures, as they are written.
pub(crate) static PICTURE_LABELS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| file::section(LABELS_FILE, "pictures"));

/// Words that may stand before "by" in a byline.
pub(crate) static BYLINE_WORDS: Words = LazyLock::new(|| file::words(include_str!("byline_words.txt")));

/// News agencies whose name may be a whole line, in small letters.
pub(crate) static AGENCIES: LazyLock<Vec<&'static str>> = LazyLock::new(|| file::phrases(BOILERPLATE_FILE, "agencies"));

/// Phrases that begin a line of a publisher, in small letters.
pub(crate) static PUBLISHER_OPENINGS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| file::phrases(BOILERPLATE_FILE, "openings"));

/// Phrases that stand anywhere in a line of a publisher, in small letters.
pub(crate) static PUBLISHER_NOTICES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| file::phrases(BOILERPLATE_FILE, "notices"));

/// First names, with the gender of those who bear them unless it can be either.
pub(crate) static FIRST_NAMES: Kinds<Option<Gender>> = LazyLock::new(|| {
    file::kinds(include_str!("first_names.txt"), |entry| match entry.section {
        "female" => Some(Some(Gender::Female)),
        "male" => Some(Some(Gender::Male)),
        "either" => Some(None),
        _ => None,
    })
});

/// Nouns for what one person is.
pub(crate) static ROLES: Kinds<RoleNoun> =
    LazyLock::new(|| file::kinds(include_str!("roles.txt"), |entry| Some(role_noun(entry.marks))));

/// Words that may stand inside a role before its noun.
pub(crate) static ROLE_MODIFIERS: Words = LazyLock::new(|| file::words(include_str!("role_modifiers.txt")));

/// Words that make a role another one.
pub(crate) static ROLE_LIMITS: Words = LazyLock::new(|| file::words(include_str!("role_limits.txt")));

/// Words that make a name that of an organisation.
pub(crate) static ORGANISATION_WORDS: Kinds<OrganisationWord> = LazyLock::new(|| {
    file::kinds(include_str!("organisation_words.txt"), |entry| {
        Some(OrganisationWord { is_surname: entry.marks == "surname" })
    })
});

/// Nouns that begin a name in front of "of": "port".
pub(crate) static NAME_HEADS: Words = LazyLock::new(|| file::words(include_str!("name_heads.txt")));

/// Legal forms of firms, without a full stop at the end.
pub(crate) static LEGAL_FORMS: Words = LazyLock::new(|| file::words(include_str!("legal_forms.txt")));

/// Last words of the names of bodies that are often left out.
pub(crate) static OMISSIBLE_WORDS: Words = LazyLock::new(|| file::words(include_str!("omissible_words.txt")));

/// Well-known organisations that have a name of one word.
pub(crate) static KNOWN_ORGANISATIONS: Words = LazyLock::new(|| file::words(include_str!("known_organisations.txt")));

/// Nouns by which a text refers back to an organisation, whatever its name: "airline".
pub(crate) static ORGANISATION_NOUNS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| file::section(ORGANISATION_NOUNS_FILE, "any").into_iter().collect());

/// Nouns by which a text refers back to an organisation that has them in its name: "council".
pub(crate) static NAMED_ORGANISATION_NOUNS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| file::section(ORGANISATION_NOUNS_FILE, "named").into_iter().collect());

/// Nouns for works and mottoes, which have a name in quotation marks after them.
pub(crate) static WORK_NOUNS: Words = LazyLock::new(|| file::words(include_str!("work_nouns.txt")));

/// Verbs that give something a name.
pub(crate) static NAMING_VERBS: Words = LazyLock::new(|| file::words(include_str!("naming_verbs.txt")));

/// Participles whose passive has the hearer as its subject.
pub(crate) static HEARER_VERBS: Words = LazyLock::new(|| file::words(include_str!("hearer_verbs.txt")));

/// Nouns for what an organisation publishes, and for those who speak for it without a name.
pub(crate) static DOCUMENT_NOUNS: Words = LazyLock::new(|| file::words(include_str!("document_nouns.txt")));

/// Fields that offices are named after.
pub(crate) static FIELDS: Words = LazyLock::new(|| file::words(include_str!("fields.txt")));

/// Words that tell how many of a group are meant.
pub(crate) static QUANTITIES: Words = LazyLock::new(|| file::words(include_str!("quantities.txt")));

/// Nouns in the singular for many people or an institution.
pub(crate) static COLLECTIVES: Words = LazyLock::new(|| file::words(include_str!("collectives.txt")));

/// Capitals that stand for the government of their country, with the country.
pub(crate) static CAPITALS: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
    let entries = file::entries(include_str!("capitals.txt"));
    entries.filter_map(|entry| Some((entry.word, entry.marks.strip_prefix('=')?.replace('-', " ")))).collect()
});

/// Nouns that end the name of a place.
pub(crate) static PLACE_NOUNS: Words = LazyLock::new(|| file::words(include_str!("place_nouns.txt")));

/// Nouns that begin or end the name of a thing or an event.
pub(crate) static THING_NOUNS: Words = LazyLock::new(|| file::words(include_str!("thing_nouns.txt")));

/// Plural names of parties.
pub(crate) static PARTIES: Words = LazyLock::new(|| file::words(include_str!("parties.txt")));

/// Letters after a name that are no part of it, as they are written.
pub(crate) static POST_NOMINALS: Words = LazyLock::new(|| file::words(include_str!("post_nominals.txt")));

/// Nouns that make a name before them that of a body: "campaign".
pub(crate) static BODY_NOUNS: Words = LazyLock::new(|| file::words(include_str!("body_nouns.txt")));

/// Nouns for one person that are not a role.
pub(crate) static PERSON_NOUNS: Words = LazyLock::new(|| file::words(include_str!("person_nouns.txt")));

/// Plain nouns for several people.
pub(crate) static PLURALS: Words = LazyLock::new(|| file::words(include_str!("plurals.txt")));

/// Places, and large parts of their names.
pub(crate) static PLACES: Words = LazyLock::new(|| file::words(include_str!("places.txt")));

/// Nationalities, parties' members, creeds and feasts, and the names of months and weekdays; in small letters.
pub(crate) static GROUPS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let calendar = MONTH_NAMES.iter().chain(WEEKDAY_NAMES.iter()).map(|name| name.to_ascii_lowercase());
    file::entries(include_str!("groups.txt")).map(|entry| entry.word.to_owned()).chain(calendar).collect()
});

/// Words that hold sentences together, or stand before a name without being part of it.
pub(crate) static SMALL_WORDS: Words = LazyLock::new(|| file::words(include_str!("small_words.txt")));

/// Words that may stand in small letters inside a name.
pub(crate) static NAME_PARTICLES: Words = LazyLock::new(|| file::words(include_str!("name_particles.txt")));

/// Abbreviations that are part of a name, as they are written, without their full stop.
pub(crate) static NAME_ABBREVIATIONS: Words = LazyLock::new(|| file::words(include_str!("name_abbreviations.txt")));

/// Verbs and adverbs that follow a subject.
pub(crate) static COMMON_VERBS: Words = LazyLock::new(|| file::words(include_str!("common_verbs.txt")));

// Files that several statics are made of.
const ACTS_FILE: &str = include_str!("acts.txt");
const ABBREVIATIONS_FILE: &str = include_str!("abbreviations.txt");
const BOILERPLATE_FILE: &str = include_str!("boilerplate.txt");
const ORGANISATION_NOUNS_FILE: &str = include_str!("organisation_nouns.txt");
const MONTHS_FILE: &str = include_str!("months.txt");
const WEEKDAYS_FILE: &str = include_str!("weekdays.txt");
const LABELS_FILE: &str = include_str!("labels.txt");

fn cue_act(section: &str) -> Option<CueAct> {
    match section {
        "say" => Some(CueAct::Say),
        "think" => Some(CueAct::Think),
        "ask" => Some(CueAct::Ask),
        "deny" => Some(CueAct::Deny),
        "refuse" => Some(CueAct::Refuse),
        _ => None,
    }
}

fn kind_of_abbreviation(entry: &file::Entry) -> Option<Abbreviation> {
    match entry.section {
        "title" => Some(Abbreviation::Title),
        "reference" => Some(Abbreviation::Reference),
        "joining" => Some(Abbreviation::Joining),
        "clock" => Some(Abbreviation::Clock),
        "ambiguous" => Some(Abbreviation::Ambiguous),
        _ => None,
    }
}

fn role_noun(marks: &'static str) -> RoleNoun {
    let mut noun =
        RoleNoun { gender: None, written_out: None, is_untelling: false, is_vague: false, is_surname: false };
    for mark in marks.split_whitespace() {
        match mark {
            "female" => noun.gender = Some(Gender::Female),
            "male" => noun.gender = Some(Gender::Male),
            "untelling" => noun.is_untelling = true,
            "vague" => noun.is_vague = true,
            "surname" => noun.is_surname = true,
            _ => noun.written_out = mark.strip_prefix('='),
        }
    }
    noun
}
