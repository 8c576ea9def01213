//! Questions about single words, as rules over the lists in `english`. Words are given in small letters.

pub(super) use crate::english::Gender;
use crate::english::{
    BODY_NOUNS, CAPITALS, COLLECTIVES, COMMON_VERBS, DOCUMENT_NOUNS, FIELDS, FIRST_NAMES, GROUPS, KNOWN_ORGANISATIONS,
    LEGAL_FORMS, MONTHS, NAME_HEADS, NAME_PARTICLES, NAMED_ORGANISATION_NOUNS, OMISSIBLE_WORDS, ORGANISATION_NOUNS,
    ORGANISATION_WORDS, PARTIES, PERSON_NOUNS, PLACE_NOUNS, PLACES, PLURALS, POST_NOMINALS, QUANTITIES, ROLE_MODIFIERS,
    ROLES, SMALL_WORDS, SPEECH_VERBS, SpeechVerb, THING_NOUNS,
};

/// The gender of those who have a first name; `None` if the name is unknown or given to both.
pub(super) fn gender_of_first_name(lower: &str) -> Option<Gender> {
    FIRST_NAMES.get(lower).copied().flatten()
}

/// Returns true for a common first name.
pub(super) fn is_first_name(lower: &str) -> bool {
    FIRST_NAMES.contains_key(lower)
}

/// The gender that an honorific gives, with an empty inner option for "Dr."; `None` for any other word.
#[expect(clippy::option_option, reason = "whether it is an honorific, and what it then says")]
pub(super) fn honorific(lower: &str) -> Option<Option<Gender>> {
    // In code, as a closed class that every word of a name is compared with.
    match lower.trim_end_matches('.') {
        "mr" | "sir" | "lord" | "mister" | "shri" | "herr" | "monsieur" | "senor" | "señor" | "signor" => {
            Some(Some(Gender::Male))
        }
        "mrs" | "ms" | "miss" | "lady" | "dame" | "madam" | "smt" | "frau" | "madame" | "senora" | "señora"
        | "signora" => Some(Some(Gender::Female)),
        "dr" => Some(None),
        _ => None,
    }
}

/// The gender that a role gives: "spokeswoman", "king". Words in -man give none: women are chairmen too.
pub(super) fn gender_of_role(lower: &str) -> Option<Gender> {
    match lower {
        "girl" | "lady" => Some(Gender::Female),
        "boy" | "gentleman" | "guy" | "man" => Some(Gender::Male),
        _ if lower.ends_with("woman") => Some(Gender::Female),
        _ => ROLES.get(without_children(lower)).and_then(|role| role.gender),
    }
}

/// The noun in "mother-of-two", and any other word as it is.
fn without_children(lower: &str) -> &str {
    lower.split_once("-of-").map_or(lower, |(parent, _)| parent)
}

/// Returns true for a noun that tells the role of one person: "senator", "Sen.", "co-founder", "president-elect".
pub(super) fn is_role(lower: &str) -> bool {
    ROLES.contains_key(without_children(lower))
        || lower
            .rsplit_once('-')
            // An all-star game is no person.
            .filter(|_| lower != "all-star")
            .is_some_and(|(first, last)| ROLES.contains_key(last) || (last == "elect" && ROLES.contains_key(first)))
}

/// Returns true for two names of one country, or a country and its people, that do not begin alike: "French" and "France".
fn are_names_of_one_country(one: &str, other: &str) -> bool {
    // In code, as a relation rather than a list of words.
    const ALIKE: [&[&str]; 12] = [
        &["american", "america", "states", "u.s.", "us", "u.s"],
        &["british", "britain", "kingdom", "uk", "u.k."],
        &["danish", "denmark"],
        &["dutch", "netherlands"],
        &["finnish", "finland"],
        &["french", "france"],
        &["irish", "ireland"],
        &["polish", "poland"],
        &["scottish", "scotland"],
        &["spanish", "spain"],
        &["swiss", "switzerland"],
        &["welsh", "wales"],
    ];
    ALIKE.iter().any(|names| names.contains(&one) && names.contains(&other))
}

/// Returns true for a noun in small letters that has the form of an occupation: "cosmologist", "bagmaker". Words of this
/// form are too many to list, and some are no occupations, so only the place right before a name makes one a role.
pub(super) fn has_form_of_role(lower: &str) -> bool {
    const ENDINGS: [&str; 14] = [
        "ist", "ician", "ologian", "maker", "keeper", "writer", "worker", "owner", "holder", "master", "player",
        "driver", "woman", "person",
    ];
    const SHORTEST: usize = 7;
    lower.len() >= SHORTEST && !is_group(lower) && ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// Returns true for a noun that can only mean one person: a role, or a word like "woman".
pub(super) fn is_person_noun(lower: &str) -> bool {
    is_role(lower) || PERSON_NOUNS.contains(lower) || has_form_of_role(lower) || lower.ends_with("-year-old")
}

/// Returns true for a noun that can refer back to any organisation: "airline".
pub(super) fn is_organisation_noun(lower: &str) -> bool {
    ORGANISATION_NOUNS.contains(lower)
}

/// Returns true for a noun that can refer back to an organisation that has it in its name: "council".
pub(super) fn is_named_organisation_noun(lower: &str) -> bool {
    NAMED_ORGANISATION_NOUNS.contains(lower)
}

/// Returns true for a field that offices are named after: "trade", "fisheries".
pub(super) fn is_field(lower: &str) -> bool {
    FIELDS.contains(lower)
}

/// Returns true for what an organisation publishes, and for those who speak for it: "report", "analysts".
pub(super) fn is_document_noun(lower: &str) -> bool {
    DOCUMENT_NOUNS.contains(lower)
}

/// Returns true for a word that tells how many of a group are meant: "dozens".
pub(super) fn is_quantity(lower: &str) -> bool {
    QUANTITIES.contains(lower)
}

/// Returns true for a noun in the singular that means many people or an institution: "police".
pub(super) fn is_collective(lower: &str) -> bool {
    COLLECTIVES.contains(lower)
}

/// Returns true for a noun for several persons: "voters", "firefighters".
pub(super) fn is_plural_person(lower: &str) -> bool {
    const ENDINGS: [&str; 14] = [
        "ers", "ors", "ists", "ians", "ants", "ees", "ents", "men", "women", "people", "crats", "icans", "cops",
        "youths",
    ];
    const SHORTEST: usize = 5;
    let singular = lower.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let singular = singular.as_deref().or_else(|| lower.strip_suffix('s'));
    let is_formed = lower.len() >= SHORTEST && ENDINGS.iter().any(|ending| lower.ends_with(ending));
    let is_thing = is_document_noun(lower) && !matches!(lower, "analysts" | "economists" | "researchers");
    !is_thing && (is_formed || singular.is_some_and(|noun| is_role(noun) || PERSON_NOUNS.contains(noun)))
}

/// Returns true for the plural of a noun for a body: "charities", "unions".
pub(super) fn is_plural_body(lower: &str) -> bool {
    let singular = lower.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let singular = singular.as_deref().or_else(|| lower.strip_suffix('s'));
    singular.is_some_and(|noun| is_organisation_noun(noun) || is_named_organisation_noun(noun))
}

/// Returns true for a noun for a body of people, whether it stands in a name or refers back to one: "ministry", "airline".
pub(super) fn is_body_noun(lower: &str) -> bool {
    is_organisation_noun(lower)
        || is_named_organisation_noun(lower)
        || is_organisation_word(lower)
        || BODY_NOUNS.contains(lower)
        || is_collective(lower)
}

/// Returns true for the plural of a role: "senators", "Sens.".
pub(super) fn is_plural_role(lower: &str) -> bool {
    let singular = lower.strip_suffix('s').or_else(|| lower.strip_suffix("s."));
    matches!(lower, "messrs" | "messrs." | "profs." | "reps." | "sens.") || singular.is_some_and(is_role)
}

/// The role of each of those whom a plural means: "senator" for "senators".
pub(super) fn singular_role(lower: &str) -> Option<&str> {
    lower.strip_suffix('s').filter(|singular| is_role(singular)).map(plain_role)
}

/// Returns true for the plural name of a party: "tories".
pub(super) fn is_party(lower: &str) -> bool {
    PARTIES.contains(lower)
}

/// Returns true for letters after a name that are no part of it: "MP".
pub(super) fn is_post_nominal(word: &str) -> bool {
    POST_NOMINALS.contains(word)
}

/// Returns true if the words joined by hyphens are a well-known organisation: "downing-street".
pub(super) fn is_known_organisation(joined: &str) -> bool {
    KNOWN_ORGANISATIONS.contains(joined)
}

/// The written-out form of a role, which is the same for "Sen." and "the senator".
pub(super) fn plain_role(lower: &str) -> &str {
    ROLES.get(lower).and_then(|role| role.written_out).unwrap_or(lower)
}

/// Returns true for a role that says little about a person without more words: "rival".
pub(super) fn is_untelling_role(lower: &str) -> bool {
    ROLES.get(lower).is_some_and(|role| role.is_untelling)
}

/// Returns true for a role that many people in a text can have: "aide".
pub(super) fn is_vague_role(lower: &str) -> bool {
    ROLES.get(lower).is_some_and(|role| role.is_vague)
}

/// Returns true for a role that is a common surname as well: "King".
pub(super) fn is_surname_too(lower: &str) -> bool {
    ROLES.get(lower).is_some_and(|role| role.is_surname)
}

/// Returns true for a word before a role that tells more of a person than of the office: "the embattled Republican governor".
pub(super) fn is_epithet(lower: &str) -> bool {
    matches!(
        lower,
        "beleaguered"
            | "billionaire"
            | "conservative"
            | "democratic"
            | "embattled"
            | "incumbent"
            | "labour"
            | "liberal"
            | "longtime"
            | "outgoing"
            | "republican"
            | "sitting"
            | "socialist"
            | "tory"
            | "veteran"
    )
}

/// Returns true for two forms of a name: "Norway" and "Norwegian".
pub(super) fn are_akin(one: &str, other: &str) -> bool {
    const SHORTEST: usize = 4;
    let shared = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    // Austria is not Australia.
    let is_austrian = one.starts_with("austri") != other.starts_with("austri") && one.starts_with("austr");
    one == other
        || are_names_of_one_country(one, other)
        || shared >= SHORTEST && shared + 5 >= one.len().max(other.len()) && !is_austrian
}

/// Returns true for a word that may stand in small letters inside a role before its noun: "former", "campaign".
pub(super) fn is_modifier(lower: &str) -> bool {
    ROLE_MODIFIERS.contains(lower) || is_role(lower)
}

/// Returns true if a capitalised name with this word is one of an organisation: "Party", "University".
pub(super) fn is_organisation_word(lower: &str) -> bool {
    ORGANISATION_WORDS.contains_key(lower)
}

/// Returns true for a noun that begins a name in front of "of": "Port of Oslo".
pub(super) fn is_name_head(lower: &str) -> bool {
    NAME_HEADS.contains(lower)
}

/// Returns true if the word makes a name that of an organisation, as a part of it or alone. After a first name, words
/// that are surnames as well do not count.
pub(super) fn is_organisation(lower: &str, follows_first_name: bool) -> bool {
    match ORGANISATION_WORDS.get(lower) {
        Some(word) => !(follows_first_name && word.is_surname),
        None => KNOWN_ORGANISATIONS.contains(lower),
    }
}

/// Returns true for a place, or a large part of the name of one.
pub(super) fn is_place(lower: &str) -> bool {
    PLACES.contains(lower)
}

/// The country whose government is called by its capital: "Moscow".
pub(super) fn country_of_capital(lower: &str) -> Option<&'static str> {
    CAPITALS.get(lower).map(String::as_str)
}

/// Returns true for a noun that ends the name of a place: "island".
pub(super) fn is_place_noun(lower: &str) -> bool {
    PLACE_NOUNS.contains(lower)
}

/// Returns true for a noun that begins or ends the name of a thing or an event: "hurricane", "prize".
pub(super) fn is_thing_noun(lower: &str) -> bool {
    THING_NOUNS.contains(lower)
}

/// Returns true for a month, or its abbreviation.
pub(super) fn is_month(lower: &str) -> bool {
    let bare = lower.trim_end_matches('.');
    MONTHS.iter().any(|month| month.eq_ignore_ascii_case(bare))
}

/// Returns true if a body with these words in its name can be called by a noun: "the agency" is no ministry.
pub(super) fn can_be_called(name: &[&str], noun: &str) -> bool {
    const PUBLIC: [&str; 24] = [
        "administration",
        "agency",
        "army",
        "authority",
        "bureau",
        "cabinet",
        "commission",
        "committee",
        "congress",
        "council",
        "court",
        "department",
        "embassy",
        "government",
        "house",
        "ministry",
        "office",
        "parliament",
        "party",
        "pentagon",
        "police",
        "senate",
        "service",
        "university",
    ];
    let has = |words: &[&str]| name.iter().any(|word| words.contains(word));
    match noun {
        _ if has(&[noun]) => true,
        "agency" | "regulator" | "watchdog" => has(&[
            "administration",
            "authority",
            "bureau",
            "center",
            "centre",
            "commission",
            "department",
            "office",
            "service",
        ]),
        "department" | "ministry" => has(&["department", "ministry", "office"]),
        "school" | "college" | "university" => has(&["academy", "college", "institute", "school", "university"]),
        "newspaper" | "paper" | "daily" | "tabloid" => has(&[
            "chronicle",
            "gazette",
            "globe",
            "guardian",
            "herald",
            "journal",
            "mail",
            "mirror",
            "news",
            "post",
            "star",
            "sun",
            "telegraph",
            "times",
            "tribune",
        ]),
        "bank" | "lender" => has(&["bank", "banco", "banque"]),
        "party" | "government" | "council" | "court" | "commission" | "committee" | "board" | "police" | "union"
        | "assembly" => false,
        _ if is_organisation_noun(noun) => !has(&PUBLIC),
        _ => false,
    }
}

/// Returns true for the legal form that ends the name of a firm: "Inc.".
pub(super) fn is_legal_form(lower: &str) -> bool {
    LEGAL_FORMS.contains(lower.trim_end_matches('.'))
}

/// Returns true for the last word of a body's name that is often left out: "Foo News" is called "Foo".
pub(super) fn is_left_out(lower: &str) -> bool {
    OMISSIBLE_WORDS.contains(lower)
}

/// Returns true for the verb that a body's name can begin with in front of "the": "Save the Quuxes".
pub(super) fn is_appeal(lower: &str) -> bool {
    // A closed class, as far as names go.
    matches!(lower, "feed" | "free" | "heal" | "help" | "save" | "stop")
}

/// Returns true if a name tells by itself that its bearer is what a noun says: "Quux Corp" is a company.
pub(super) fn is_evident(name: &str, noun: &str) -> bool {
    let lower = name.to_lowercase();
    let last = lower.rsplit(' ').next().unwrap_or_default().trim_end_matches('.');
    match noun {
        "company" | "corporation" | "firm" => is_legal_form(last),
        "network" => {
            matches!(
                lower.as_str(),
                "abc"
                    | "bbc"
                    | "cbs"
                    | "cnn"
                    | "espn"
                    | "fox"
                    | "fox news"
                    | "itv"
                    | "msnbc"
                    | "nbc"
                    | "nbc news"
                    | "npr"
                    | "pbs"
            )
        }
        "bank" | "lender" => matches!(last, "bank" | "bancorp" | "banking"),
        _ => false,
    }
}

/// Returns true for a role that somebody has at a body, rather than for somebody else.
pub(super) fn is_office(lower: &str) -> bool {
    matches!(
        lower,
        "ambassador"
            | "analyst"
            | "ceo"
            | "chairman"
            | "chief"
            | "chancellor"
            | "commissioner"
            | "correspondent"
            | "curator"
            | "director"
            | "economist"
            | "editor"
            | "fellow"
            | "founder"
            | "governor"
            | "head"
            | "manager"
            | "minister"
            | "president"
            | "professor"
            | "representative"
            | "scientist"
            | "secretary"
    )
}

/// Returns true for a day of the week.
pub(super) fn is_day(lower: &str) -> bool {
    lower.ends_with("day") && is_group(lower)
}

/// Returns true for a day, a month, a nationality, a party's member or a creed.
pub(super) fn is_group(lower: &str) -> bool {
    GROUPS.contains(lower)
}

/// Returns true for a word that holds sentences together, or stands before a name without being part of it.
pub(super) fn is_small(lower: &str) -> bool {
    SMALL_WORDS.contains(lower)
}

/// Returns true for a plain noun for several people.
pub(super) fn is_plural(lower: &str) -> bool {
    PLURALS.contains(lower)
}

/// Returns true for a word that can stand in small letters inside a name.
pub(super) fn is_particle(lower: &str) -> bool {
    NAME_PARTICLES.contains(lower)
}

/// Returns true for a word that ends a name without being its surname.
pub(super) fn is_suffix(word: &str) -> bool {
    matches!(word, "Jr." | "Jr" | "Sr." | "Sr" | "II" | "III" | "IV" | "Esq.")
}

/// Returns true for a preposition that links a role to its field: "of", "for".
pub(super) fn is_link(lower: &str) -> bool {
    // Grammar rather than vocabulary.
    matches!(lower, "of" | "for" | "at" | "in" | "with" | "to" | "on" | "from" | "under" | "by")
}

/// Returns true for a verb that reports speech.
pub(super) fn is_saying(lower: &str) -> bool {
    matches!(SPEECH_VERBS.get(lower), Some(SpeechVerb::Everywhere | SpeechVerb::Names))
}

/// Returns true for a word after a name that shows the name to be a subject.
pub(super) fn is_common_verb(lower: &str) -> bool {
    COMMON_VERBS.contains(lower) || is_saying(lower) || (lower.ends_with("ed") && lower.len() > 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_name_for_both_has_no_gender() {
        assert_eq!(gender_of_first_name("fumio"), Some(Gender::Male));
        assert_eq!(gender_of_first_name("ann"), Some(Gender::Female));
        assert_eq!(gender_of_first_name("pat"), None);
        assert!(is_first_name("pat"));
    }

    #[test]
    fn roles_have_hyphens_and_genders() {
        assert!(is_role("president-elect") && is_role("co-founder") && is_role("sen."));
        assert!(!is_role("spokesmen"));
        assert_eq!(gender_of_role("spokeswoman"), Some(Gender::Female));
        assert_eq!(gender_of_role("chairman"), None);
        assert_eq!(gender_of_role("mother-of-two"), Some(Gender::Female));
    }

    #[test]
    fn occupations_that_are_not_listed_show_in_their_form() {
        assert!(has_form_of_role("bagmaker") && has_form_of_role("vexillologist"));
        assert!(!has_form_of_role("list") && !has_form_of_role("driver"));
        assert!(is_person_noun("mother-of-two") && is_person_noun("36-year-old"));
    }

    #[test]
    fn honorifics_give_a_gender_but_for_doctors() {
        assert_eq!(honorific("ms."), Some(Some(Gender::Female)));
        assert_eq!(honorific("dr."), Some(None));
        assert_eq!(honorific("president"), None);
    }
}
