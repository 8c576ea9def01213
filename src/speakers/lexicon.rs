//! What kinds of words there are: lists as data, a word a line, in small letters.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A list of words, read from its file when it is first asked.
type Words = LazyLock<HashSet<&'static str>>;

static MALE_NAMES: Words = LazyLock::new(|| include_str!("lists/male_names.txt").lines().collect());
static FEMALE_NAMES: Words = LazyLock::new(|| include_str!("lists/female_names.txt").lines().collect());
static SHARED_NAMES: Words = LazyLock::new(|| include_str!("lists/shared_names.txt").lines().collect());
static ROLES: Words = LazyLock::new(|| include_str!("lists/roles.txt").lines().collect());
static MODIFIERS: Words = LazyLock::new(|| include_str!("lists/modifiers.txt").lines().collect());
static ORGANISATIONS: Words = LazyLock::new(|| include_str!("lists/organisations.txt").lines().collect());
static KNOWN_ORGANISATIONS: Words = LazyLock::new(|| include_str!("lists/known_organisations.txt").lines().collect());
static PLACES: Words = LazyLock::new(|| include_str!("lists/places.txt").lines().collect());
static GROUPS: Words = LazyLock::new(|| include_str!("lists/groups.txt").lines().collect());
static SMALL_WORDS: Words = LazyLock::new(|| include_str!("lists/small_words.txt").lines().collect());
static PLURALS: Words = LazyLock::new(|| include_str!("lists/plain_plurals.txt").lines().collect());

/// Two genders are all that English pronouns tell apart; where neither is known there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gender {
    Female,
    Male,
}

/// What a first name says of its bearer: nothing where it is not known, or known for both.
pub(super) fn gender_of_first_name(lower: &str) -> Option<Gender> {
    if MALE_NAMES.contains(lower) {
        Some(Gender::Male)
    } else if FEMALE_NAMES.contains(lower) {
        Some(Gender::Female)
    } else {
        None
    }
}

/// Whether this is a common first name.
pub(super) fn is_first_name(lower: &str) -> bool {
    gender_of_first_name(lower).is_some() || SHARED_NAMES.contains(lower)
}

/// The gender that an honorific gives; the inner option is empty for "Dr." and the like. None for any other word.
#[expect(clippy::option_option, reason = "whether it is an honorific, and what it then says")]
pub(super) fn honorific(lower: &str) -> Option<Option<Gender>> {
    match lower.trim_end_matches('.') {
        "mr" | "sir" | "lord" | "mister" => Some(Some(Gender::Male)),
        "mrs" | "ms" | "miss" | "lady" | "dame" | "madam" => Some(Some(Gender::Female)),
        "dr" => Some(None),
        _ => None,
    }
}

/// The gender that a role gives: "spokeswoman", "king".
pub(super) fn gender_of_role(lower: &str) -> Option<Gender> {
    const FEMALE: [&str; 14] = [
        "actress",
        "aunt",
        "daughter",
        "duchess",
        "granddaughter",
        "heiress",
        "mother",
        "niece",
        "princess",
        "queen",
        "sister",
        "socialite",
        "widow",
        "wife",
    ];
    const MALE: [&str; 15] = [
        "brother",
        "duke",
        "emperor",
        "father",
        "father-in-law",
        "grandson",
        "husband",
        "king",
        "nephew",
        "pope",
        "priest",
        "prince",
        "son",
        "son-in-law",
        "uncle",
    ];
    if lower.ends_with("woman") || FEMALE.binary_search(&lower).is_ok() {
        Some(Gender::Female)
    } else if (lower.ends_with("man") && lower != "ombudsman") || MALE.binary_search(&lower).is_ok() {
        Some(Gender::Male)
    } else {
        None
    }
}

/// Whether this names what one person is: "senator", "Sen.", "co-founder", "president-elect".
pub(super) fn is_role(lower: &str) -> bool {
    let is_listed = |part: &str| ROLES.contains(part);
    is_listed(lower)
        || lower.rsplit_once('-').is_some_and(|(first, last)| is_listed(last) || (last == "elect" && is_listed(first)))
}

/// The written-out form of a role, so that "Sen." and "the senator" meet.
pub(super) fn plain_role(lower: &str) -> &str {
    match lower {
        "sen." => "senator",
        "rep." | "congressman" | "congresswoman" => "representative",
        "gov." => "governor",
        "gen." => "general",
        "col." => "colonel",
        "capt." => "captain",
        "sgt." => "sergeant",
        "adm." => "admiral",
        "prof." => "professor",
        "rev." => "reverend",
        "advisor" => "adviser",
        _ => lower,
    }
}

/// Whether a word in small letters may stand inside a role before its noun: "former", "campaign".
pub(super) fn is_modifier(lower: &str) -> bool {
    MODIFIERS.contains(lower) || is_role(lower)
}

/// Whether a capitalised name with this word is one of an organisation: "Party", "University".
pub(super) fn is_organisation_word(lower: &str) -> bool {
    ORGANISATIONS.contains(lower)
}

/// Whether the word alone is the name of a well-known organisation.
pub(super) fn is_known_organisation(lower: &str) -> bool {
    KNOWN_ORGANISATIONS.contains(lower)
}

/// Whether the word is a place, or a large part of one's name.
pub(super) fn is_place(lower: &str) -> bool {
    PLACES.contains(lower)
}

/// Whether the word is a day, a month, a nationality, a party's member or a creed.
pub(super) fn is_group(lower: &str) -> bool {
    GROUPS.contains(lower)
}

/// Whether the word is one of those that hold sentences together, or stand before a name without being part of it.
pub(super) fn is_small(lower: &str) -> bool {
    SMALL_WORDS.contains(lower)
}

/// Whether the word is a plain noun for several people.
pub(super) fn is_plural(lower: &str) -> bool {
    PLURALS.contains(lower)
}

/// Whether the word can stand in small letters inside a name.
pub(super) fn is_particle(lower: &str) -> bool {
    const PARTICLES: [&str; 20] = [
        "al", "ben", "bin", "bint", "da", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el", "ibn",
        "la", "van", "von", "y",
    ];
    PARTICLES.binary_search(&lower).is_ok()
}

/// Whether the word ends a name without being its surname.
pub(super) fn is_suffix(word: &str) -> bool {
    matches!(word, "Jr." | "Jr" | "Sr." | "Sr" | "II" | "III" | "IV" | "Esq.")
}

/// Whether the word links a role to what it is a role in: "of", "for".
pub(super) fn is_link(lower: &str) -> bool {
    matches!(lower, "of" | "for" | "at" | "in" | "with" | "to" | "on" | "from" | "under" | "by")
}

/// Whether the word reports speech.
pub(super) fn is_saying(lower: &str) -> bool {
    const SAYING: [&str; 24] = [
        "added",
        "announced",
        "argued",
        "asked",
        "claimed",
        "concluded",
        "continued",
        "declared",
        "explained",
        "insisted",
        "joked",
        "noted",
        "recalled",
        "replied",
        "responded",
        "said",
        "say",
        "says",
        "stated",
        "tells",
        "told",
        "tweeted",
        "warned",
        "wrote",
    ];
    SAYING.binary_search(&lower).is_ok()
}

/// Whether the word after a subject shows that it is one.
pub(super) fn is_common_verb(lower: &str) -> bool {
    const VERBS: [&str; 42] = [
        "also", "appeared", "became", "began", "called", "came", "can", "could", "did", "didn't", "does", "doesn't",
        "found", "gave", "gets", "goes", "got", "had", "has", "is", "kept", "knows", "made", "makes", "may", "might",
        "never", "must", "now", "often", "should", "spoke", "then", "took", "wants", "was", "went", "will", "won",
        "won't", "would", "wouldn't",
    ];
    VERBS.contains(&lower) || is_saying(lower) || (lower.ends_with("ed") && lower.len() > 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_in_small_letters() {
        for list in [
            include_str!("lists/male_names.txt"),
            include_str!("lists/female_names.txt"),
            include_str!("lists/shared_names.txt"),
            include_str!("lists/roles.txt"),
            include_str!("lists/modifiers.txt"),
            include_str!("lists/organisations.txt"),
            include_str!("lists/known_organisations.txt"),
            include_str!("lists/places.txt"),
            include_str!("lists/groups.txt"),
            include_str!("lists/small_words.txt"),
            include_str!("lists/plain_plurals.txt"),
        ] {
            assert!(list.lines().is_sorted(), "{}", list.lines().next().unwrap_or_default());
            assert_eq!(list, list.to_lowercase());
        }
    }

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
