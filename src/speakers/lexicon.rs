//! Questions about single words, as rules over the lists in `english`. Words are given in small letters.

pub(super) use crate::english::Gender;
use crate::english::{
    COMMON_VERBS, FIRST_NAMES, GROUPS, KNOWN_ORGANISATIONS, NAME_PARTICLES, ORGANISATION_WORDS, PLACES, PLURALS,
    ROLE_MODIFIERS, ROLES, SMALL_WORDS, SPEECH_VERBS, SpeechVerb,
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
        "mr" | "sir" | "lord" | "mister" => Some(Some(Gender::Male)),
        "mrs" | "ms" | "miss" | "lady" | "dame" | "madam" => Some(Some(Gender::Female)),
        "dr" => Some(None),
        _ => None,
    }
}

/// The gender that a role gives: "spokeswoman", "king".
pub(super) fn gender_of_role(lower: &str) -> Option<Gender> {
    if lower.ends_with("woman") {
        Some(Gender::Female)
    } else if lower.ends_with("man") && lower != "ombudsman" {
        Some(Gender::Male)
    } else {
        ROLES.get(lower).and_then(|role| role.gender)
    }
}

/// Returns true for a noun that tells the role of one person: "senator", "Sen.", "co-founder", "president-elect".
pub(super) fn is_role(lower: &str) -> bool {
    ROLES.contains_key(lower)
        || lower
            .rsplit_once('-')
            .is_some_and(|(first, last)| ROLES.contains_key(last) || (last == "elect" && ROLES.contains_key(first)))
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
        assert_eq!(gender_of_role("ombudsman"), None);
    }

    #[test]
    fn honorifics_give_a_gender_but_for_doctors() {
        assert_eq!(honorific("ms."), Some(Some(Gender::Female)));
        assert_eq!(honorific("dr."), Some(None));
        assert_eq!(honorific("president"), None);
    }
}
