//! Questions about single words, as rules over the lists in `english`. Words are given in small letters.

pub(super) use crate::english::Gender;
use crate::english::{
    COMMON_VERBS, DOCUMENT_NOUNS, FIRST_NAMES, GROUPS, KNOWN_ORGANISATIONS, NAME_PARTICLES, NAMED_ORGANISATION_NOUNS,
    ORGANISATION_NOUNS, ORGANISATION_WORDS, PARTIES, PERSON_NOUNS, PLACES, PLURALS, POST_NOMINALS, ROLE_MODIFIERS,
    ROLES, SMALL_WORDS, SPEECH_VERBS, SpeechVerb,
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
        "mr" | "sir" | "lord" | "mister" | "shri" => Some(Some(Gender::Male)),
        "mrs" | "ms" | "miss" | "lady" | "dame" | "madam" | "smt" => Some(Some(Gender::Female)),
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
            .is_some_and(|(first, last)| ROLES.contains_key(last) || (last == "elect" && ROLES.contains_key(first)))
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

/// Returns true for what an organisation publishes, and for those who speak for it: "report", "analysts".
pub(super) fn is_document_noun(lower: &str) -> bool {
    DOCUMENT_NOUNS.contains(lower)
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

/// Returns true for a word that may stand in small letters inside a role before its noun: "former", "campaign".
pub(super) fn is_modifier(lower: &str) -> bool {
    ROLE_MODIFIERS.contains(lower) || is_role(lower)
}

/// Returns true if a capitalised name with this word is one of an organisation: "Party", "University".
pub(super) fn is_organisation_word(lower: &str) -> bool {
    ORGANISATION_WORDS.contains_key(lower)
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
