//! English abbreviations by the company they keep, and the words that tell what may follow them.

/// What an abbreviation says about the full stop after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abbreviation {
    /// Stands before a name (`Mr.`), so its full stop does not end a sentence.
    Title,
    /// Stands before a number (`No.`, `Fig.`).
    Reference,
    /// Joins what is before to what is after (`e.g.`, `vs.`).
    Joining,
    /// A month or a day of the week.
    Calendar,
    /// `a.m.` and `p.m.`.
    Clock,
    /// May stand in the middle of a sentence as well as at its end (`Inc.`, `U.S.`).
    Ambiguous,
    /// Letters with dots, most often those of a name (`J. R. Smith`).
    Initials,
}

/// What kind of abbreviation `word` is, given without its last full stop.
pub(super) fn classify(word: &str) -> Option<Abbreviation> {
    if word.len() > LONGEST || !word.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let listed = LISTS.iter().find(|(_, list)| list.binary_search(&lower.as_str()).is_ok());
    match listed {
        Some(_) if is_plain_word(word) => None,
        Some((kind, _)) => Some(*kind),
        None if is_dotted(word) => Some(Abbreviation::Initials),
        None if has_no_vowel(word) => Some(Abbreviation::Ambiguous),
        None => None,
    }
}

/// Whether `word` is written like the ones that begin sentences and are small inside them: `The`, `However`.
pub(super) fn is_starter(word: &str) -> bool {
    let stem = word.split(['\'', '’', '-']).next().unwrap_or(word);
    let mut characters = stem.chars();
    let is_upper = |character: char| character.is_uppercase();
    characters.next().is_some_and(is_upper)
        && (characters.clone().all(char::is_lowercase) || (stem.len() > 2 && characters.all(is_upper)))
        && STARTERS.binary_search(&stem.to_lowercase().as_str()).is_ok()
}

/// Whether `word` is a verb that ascribes a quotation to its speaker.
pub(super) fn is_speech_verb(word: &str) -> bool {
    SPEECH_VERBS.binary_search(&word).is_ok()
}

/// Whether `word` is known as (part of) a name that is written with an exclamation mark.
pub(super) fn is_exclaimed_name(word: &str) -> bool {
    EXCLAIMED_NAMES.binary_search(&word).is_ok()
}

/// Whether `word` goes with a time of day: a zone or a day.
pub(super) fn goes_with_clock(word: &str) -> bool {
    CLOCK_COMPANIONS.binary_search(&word).is_ok()
}

const LONGEST: usize = 12;

const LISTS: [(Abbreviation, &[&str]); 6] = [
    (Abbreviation::Title, TITLES),
    (Abbreviation::Reference, REFERENCES),
    (Abbreviation::Joining, JOINING),
    (Abbreviation::Calendar, CALENDAR),
    (Abbreviation::Clock, CLOCK),
    (Abbreviation::Ambiguous, AMBIGUOUS),
];

const TITLES: &[&str] = &[
    "adm", "ald", "amb", "asst", "atty", "bp", "brig", "capt", "capts", "cdr", "cmdr", "cmdt", "col", "comdr", "commr",
    "comr", "cpl", "cpt", "dep", "det", "dr", "drs", "ens", "fr", "gen", "gov", "govs", "gysgt", "hon", "insp", "lcpl",
    "lieut", "lt", "maj", "messrs", "mlle", "mme", "mons", "mr", "mrs", "ms", "msgr", "msgt", "mx", "pfc", "pres",
    "prof", "profs", "pvt", "radm", "rep", "reps", "rev", "revd", "rt", "sec", "sen", "sens", "sgt", "spc", "ssgt",
    "sub-lt", "supt", "supts", "treas", "tsgt", "vadm",
];

const REFERENCES: &[&str] = &[
    "app", "appx", "art", "arts", "b", "bk", "c", "ch", "chap", "cl", "d", "div", "eq", "eqn", "eqs", "est", "ex",
    "exh", "ext", "fig", "figs", "fl", "fn", "lib", "m", "n", "no", "nos", "nr", "n°", "op", "p", "para", "pg", "pl",
    "pop", "pp", "pt", "r", "ref", "reg", "sched", "sect", "stat", "tab", "tel", "vol", "vols",
];

const JOINING: &[&str] = &[
    "a.k.a", "abt", "aka", "approx", "betw", "c.f", "ca", "cf", "circ", "e.g", "eg", "esp", "i.e", "ie", "incl", "nee",
    "orig", "resp", "usu", "v", "viz", "vs",
];

const CALENDAR: &[&str] = &[
    "apr", "aug", "dec", "feb", "fri", "jan", "jul", "jun", "mar", "mon", "nov", "oct", "sat", "sep", "sept", "sun",
    "thu", "thur", "thurs", "tue", "tues", "wed",
];

const CLOCK: &[&str] = &["a.m", "p.m"];

const AMBIGUOUS: &[&str] = &[
    "acad", "al", "ala", "alta", "anon", "apt", "ariz", "ark", "assn", "assoc", "atl", "ave", "b.c", "bldg", "blvd",
    "bros", "cal", "calif", "cent", "cie", "co", "colo", "conf", "conn", "corp", "cos", "ctr", "cu", "d.c", "del",
    "dept", "dist", "e.u", "ed", "eds", "exec", "fla", "ft", "ga", "govt", "hrs", "hwy", "ill", "inc", "ind", "inst",
    "intl", "jr", "kan", "ky", "la", "lb", "lbs", "ltd", "ma", "mass", "md", "mfg", "mfr", "mgr", "mich", "min",
    "minn", "misc", "miss", "mo", "mont", "mt", "n.c", "n.d", "n.h", "n.j", "n.m", "n.v", "n.y", "natl", "neb", "nev",
    "okla", "ont", "ore", "oz", "pa", "pac", "penn", "penna", "ph.d", "pkwy", "plc", "prelim", "prov", "pty", "r.i",
    "rd", "rte", "ry", "s.a", "s.c", "s.d", "sask", "sq", "sqq", "sr", "st", "ste", "tenn", "tex", "u.k", "u.n", "u.s",
    "u.s.a", "univ", "va", "vt", "w.va", "wash", "wis", "wyo", "yrs",
];

const CLOCK_COMPANIONS: &[&str] = &[
    "AEST",
    "Apr",
    "April",
    "Aug",
    "August",
    "BST",
    "CDT",
    "CEST",
    "CET",
    "CST",
    "CT",
    "Central",
    "Daily",
    "Daylight",
    "Dec",
    "December",
    "EDT",
    "EST",
    "ET",
    "Eastern",
    "Feb",
    "February",
    "Fri",
    "Friday",
    "Fridays",
    "GMT",
    "IST",
    "JST",
    "Jan",
    "January",
    "Jul",
    "July",
    "Jun",
    "June",
    "Local",
    "MDT",
    "MST",
    "MT",
    "Mar",
    "March",
    "May",
    "Mon",
    "Monday",
    "Mondays",
    "Mountain",
    "Nov",
    "November",
    "Oct",
    "October",
    "PDT",
    "PST",
    "PT",
    "Pacific",
    "Sat",
    "Saturday",
    "Saturdays",
    "Sep",
    "Sept",
    "September",
    "Standard",
    "Sun",
    "Sunday",
    "Sundays",
    "Thu",
    "Thur",
    "Thurs",
    "Thursday",
    "Thursdays",
    "Tue",
    "Tues",
    "Tuesday",
    "Tuesdays",
    "UTC",
    "Wed",
    "Wednesday",
    "Wednesdays",
];

const SPEECH_VERBS: &[&str] = &[
    "added",
    "adds",
    "admits",
    "admitted",
    "agreed",
    "announced",
    "answered",
    "answers",
    "argued",
    "argues",
    "asked",
    "asks",
    "begged",
    "called",
    "cried",
    "cries",
    "declared",
    "declares",
    "demanded",
    "exclaimed",
    "explained",
    "explains",
    "gasped",
    "groaned",
    "growled",
    "grumbled",
    "hissed",
    "inquired",
    "insisted",
    "insists",
    "joked",
    "jokes",
    "laughed",
    "mumbled",
    "murmured",
    "muttered",
    "noted",
    "notes",
    "observed",
    "quipped",
    "recalled",
    "recalls",
    "remarked",
    "repeated",
    "replied",
    "replies",
    "responded",
    "said",
    "says",
    "screamed",
    "shouted",
    "shouts",
    "shrieked",
    "sighed",
    "snapped",
    "snarled",
    "sobbed",
    "stammered",
    "stated",
    "suggested",
    "thought",
    "told",
    "urged",
    "warned",
    "whispered",
    "whispers",
    "wondered",
    "wonders",
    "writes",
    "wrote",
    "yelled",
    "yells",
];

const STARTERS: &[&str] = &[
    "a",
    "about",
    "according",
    "additionally",
    "after",
    "again",
    "all",
    "also",
    "although",
    "among",
    "an",
    "analysts",
    "and",
    "another",
    "any",
    "are",
    "as",
    "at",
    "because",
    "before",
    "billions",
    "both",
    "but",
    "by",
    "can",
    "could",
    "critics",
    "despite",
    "did",
    "do",
    "does",
    "dozens",
    "during",
    "each",
    "earlier",
    "eight",
    "either",
    "even",
    "every",
    "everyone",
    "experts",
    "few",
    "finally",
    "five",
    "for",
    "former",
    "four",
    "from",
    "further",
    "furthermore",
    "had",
    "has",
    "have",
    "he",
    "hello",
    "hence",
    "her",
    "here",
    "his",
    "how",
    "however",
    "hundreds",
    "i",
    "if",
    "in",
    "indeed",
    "initially",
    "instead",
    "investors",
    "is",
    "it",
    "its",
    "last",
    "later",
    "let",
    "like",
    "many",
    "maybe",
    "meanwhile",
    "millions",
    "more",
    "moreover",
    "most",
    "much",
    "my",
    "neither",
    "never",
    "nevertheless",
    "nine",
    "no",
    "nobody",
    "none",
    "nonetheless",
    "nor",
    "not",
    "nothing",
    "now",
    "of",
    "officials",
    "oh",
    "okay",
    "on",
    "once",
    "one",
    "only",
    "or",
    "other",
    "others",
    "our",
    "over",
    "overall",
    "people",
    "perhaps",
    "please",
    "recently",
    "said",
    "seven",
    "several",
    "she",
    "should",
    "since",
    "six",
    "so",
    "some",
    "someone",
    "sometimes",
    "soon",
    "still",
    "such",
    "ten",
    "than",
    "that",
    "the",
    "their",
    "then",
    "there",
    "therefore",
    "these",
    "they",
    "this",
    "those",
    "though",
    "thousands",
    "three",
    "thus",
    "to",
    "today",
    "together",
    "two",
    "under",
    "unfortunately",
    "unless",
    "unlike",
    "until",
    "was",
    "we",
    "well",
    "were",
    "what",
    "when",
    "where",
    "whereas",
    "whether",
    "which",
    "while",
    "who",
    "whose",
    "why",
    "will",
    "with",
    "within",
    "without",
    "would",
    "yeah",
    "yes",
    "yesterday",
    "yet",
    "you",
    "your",
];

const ALSO_WORDS: &[&str] = &[
    "adm", "ala", "app", "ark", "art", "atl", "cal", "cent", "cl", "col", "conf", "cu", "dec", "del", "dep", "dist",
    "ens", "ex", "fl", "fn", "fr", "ga", "gen", "hon", "hwy", "ill", "ind", "jun", "la", "lib", "ma", "mar", "mass",
    "miss", "mo", "mon", "op", "ore", "pa", "pac", "pl", "pt", "ref", "reg", "rep", "reps", "sat", "sec", "sub", "sun",
    "tab", "va", "wash", "wed",
];

const EXCLAIMED_NAMES: &[&str] = &["Jeopardy", "Oklahoma", "Wham", "Yahoo", "Yum"];

/// Whether `word`, written small, is a word of its own and not the abbreviation (`Mass.`, but "in mass").
fn is_plain_word(word: &str) -> bool {
    ALSO_WORDS.binary_search(&word).is_ok()
}

/// Whether single letters or short syllables are joined by dots: `U.S`, `Ph.D`, `i.v`.
fn is_dotted(word: &str) -> bool {
    word.contains('.')
        && word.split('.').all(|part| matches!(part.len(), 1 | 2) && part.chars().all(char::is_alphabetic))
}

/// Whether `word` can only be an abbreviation, such as `bldg`. Inner capitals make a unit or an acronym (`GHz`, `PCs`),
/// which takes no stop, and `mhm` is a sound.
fn has_no_vowel(word: &str) -> bool {
    let is_sound = word.bytes().all(|byte| b"hmpstzHMPS".contains(&byte));
    let is_vowel = |byte: u8| b"AEIOUYaeiouy".contains(&byte);
    matches!(word.len(), 2..=5)
        && !is_sound
        && !word.bytes().any(is_vowel)
        && word.bytes().skip(1).all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_sorted_for_the_binary_search() {
        let lists = LISTS.iter().map(|(_, list)| *list);
        for list in lists.chain([CLOCK_COMPANIONS, SPEECH_VERBS, STARTERS, EXCLAIMED_NAMES, ALSO_WORDS]) {
            let unsorted = list.windows(2).find(|pair| pair[0] >= pair[1]);
            assert_eq!(unsorted, None);
        }
    }

    #[test]
    fn abbreviations_are_known_by_their_kind() {
        assert_eq!(classify("Gen"), Some(Abbreviation::Title));
        assert_eq!(classify("No"), Some(Abbreviation::Reference));
        assert_eq!(classify("vs"), Some(Abbreviation::Joining));
        assert_eq!(classify("Sept"), Some(Abbreviation::Calendar));
        assert_eq!(classify("P.M"), Some(Abbreviation::Clock));
        assert_eq!(classify("Inc"), Some(Abbreviation::Ambiguous));
    }

    #[test]
    fn unlisted_abbreviations_show_in_their_letters() {
        assert_eq!(classify("M.B.A"), Some(Abbreviation::Initials));
        assert_eq!(classify("blvds"), Some(Abbreviation::Ambiguous));
        assert_eq!(classify("NBC"), None);
        assert_eq!(classify("GHz"), None);
        assert_eq!(classify("hmm"), None);
        assert_eq!(classify("off"), None);
    }

    #[test]
    fn small_words_are_not_taken_for_abbreviations() {
        assert_eq!(classify("mass"), None);
        assert_eq!(classify("Mass"), Some(Abbreviation::Ambiguous));
    }

    #[test]
    fn starters_have_a_capital_and_nothing_added_but_an_ending() {
        assert!(is_starter("However"));
        assert!(is_starter("It's"));
        assert!(is_starter("THE"));
        assert!(!is_starter("the"));
        assert!(!is_starter("Government"));
        assert!(!is_starter("IT"));
    }
}
