//! The language of a text: the one that the input declares, or else the one that is detected.

use crate::config::values::LanguageCode;

/// The number of characters of a text that detection looks at.
const MAX_CHARACTERS: usize = 1000;

/// Languages that are easily confused in short texts.
const FAMILIES: [&[&str]; 9] = [
    &["af", "nl"],
    &["ar", "fa", "ur"],
    &["az", "tk", "tr", "uz"],
    &["be", "bg", "cs", "hr", "mk", "pl", "ru", "sk", "sl", "sr", "uk"],
    &["ca", "es", "fr", "it", "la", "pt", "ro"],
    &["da", "no", "sv"],
    &["he", "yi"],
    &["hi", "mr", "ne"],
    &["id", "jv"],
];

/// Fills in the language of `text` if the input declares none and detection is sure. Returns true if the language is one of
/// `wanted`. Without `wanted` every language is, and an unknown language always is.
pub(in crate::input) fn complete(declared: &mut Option<String>, text: &str, wanted: &[LanguageCode]) -> bool {
    let is_silent = declared.as_ref().is_none_or(|declared| declared.trim().is_empty());
    let detected = if is_silent || !wanted.is_empty() { detect(text) } else { None };
    let language = decide(declared.as_deref().and_then(parse_tag), detected);
    if is_silent {
        *declared = language.map(|language| language.as_str().to_owned());
    }
    wanted.is_empty() || language.is_none_or(|language| wanted.contains(&language))
}

/// Decides between the declared and the detected language. Page templates often declare `en` for any text, so detection wins, unless it
/// does not know the declared language or easily confuses the two.
fn decide(declared: Option<LanguageCode>, detected: Option<LanguageCode>) -> Option<LanguageCode> {
    let (Some(declared), Some(detected)) = (declared, detected) else { return declared.or(detected) };
    let is_known = whatlang::Lang::all().iter().any(|known| LanguageCode::from_code(known.code()) == Some(declared));
    let may_be_confused =
        FAMILIES.iter().any(|family| family.contains(&declared.as_str()) && family.contains(&detected.as_str()));
    Some(if is_known && !may_be_confused { detected } else { declared })
}

/// Parses a language tag of BCP 47 or a locale: `en`, `en-US`, `EN_us`. `None` for other words, like "English", and for unknown languages.
fn parse_tag(tag: &str) -> Option<LanguageCode> {
    let mut subtags = tag.trim().split(['-', '_']);
    let language = LanguageCode::from_code(&subtags.next()?.to_ascii_lowercase())?;
    subtags.all(is_subtag).then_some(language)
}

fn is_subtag(part: &str) -> bool {
    matches!(part.len(), 1..=8) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The language at the beginning of `text`. `None` if it is not clear, as in a few words.
fn detect(text: &str) -> Option<LanguageCode> {
    let end = text.char_indices().nth(MAX_CHARACTERS).map_or(text.len(), |(end, _)| end);
    let beginning = &text[..end];
    if is_plainly_english(beginning) {
        return LanguageCode::from_code("en");
    }
    let found = whatlang::detect(beginning).filter(whatlang::Info::is_reliable)?;
    LanguageCode::from_code(found.lang().code())
}

/// Words that are frequent in English and rare in other languages, each as a number.
const ENGLISH: [u64; 25] = numbers([
    "and", "are", "been", "for", "from", "had", "has", "have", "his", "into", "its", "not", "than", "that", "the",
    "their", "they", "this", "was", "were", "when", "which", "who", "will", "with",
]);

/// True if frequent words show that a text is in English. Most texts are, and comparing one with all languages takes longer than the rest of
/// parsing. It decides 998 of 1,000 BBC articles, after 42 words, and none of 32 pages in other languages: at most 1 % of their words are
/// in [`ENGLISH`].
fn is_plainly_english(text: &str) -> bool {
    const FEWEST_WORDS: usize = 30;
    const FEWEST_KINDS: u32 = 5;
    const ONE_IN: usize = 10;
    let mut words = 0;
    let mut found = 0;
    let mut kinds = 0_u32;
    for word in text.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty()) {
        words += 1;
        if let Some(place) = place_among_english(word) {
            found += 1;
            kinds |= 1 << place;
        }
        if words >= FEWEST_WORDS && found * ONE_IN >= words && kinds.count_ones() >= FEWEST_KINDS {
            return true;
        }
    }
    false
}

/// The index of a word in [`ENGLISH`], ignoring case.
fn place_among_english(word: &str) -> Option<usize> {
    const LONGEST: usize = 5;
    let number = (word.len() <= LONGEST && word.is_ascii()).then(|| number(word.as_bytes()))?;
    ENGLISH.iter().position(|&known| known == number)
}

/// A word of up to eight ASCII letters as a number, ignoring case.
const fn number(word: &[u8]) -> u64 {
    let mut number = 0;
    let mut place = 0;
    while place < word.len() {
        number = number << 8 | word[place].to_ascii_lowercase() as u64;
        place += 1;
    }
    number
}

const fn numbers<const N: usize>(words: [&str; N]) -> [u64; N] {
    let (mut numbers, mut place) = ([0; N], 0);
    while place < N {
        numbers[place] = number(words[place].as_bytes());
        place += 1;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "The council voted on the plan on Tuesday evening after a long debate, and the mayor said that work on the new \
                           bridge would begin in spring.";
    const GERMAN: &str = "Der Rat hat am Dienstagabend nach langer Debatte über den Plan abgestimmt, und die Bürgermeisterin sagte, die \
                          Arbeiten an der neuen Brücke würden im Frühling beginnen.";

    fn complete_with(said: Option<&str>, text: &str, wanted: &[&str]) -> (Option<String>, bool) {
        let wanted: Vec<_> = wanted.iter().map(|code| LanguageCode::from_code(code).unwrap()).collect();
        let mut said = said.map(str::to_owned);
        let is_wanted = complete(&mut said, text, &wanted);
        (said, is_wanted)
    }

    #[test]
    fn languages_are_detected_where_a_text_is_long_enough() {
        let japanese =
            "市議会は火曜日の夜、長い議論の末に計画について採決し、市長は新しい橋の工事が春に始まると述べた。";
        let french = "Le conseil a voté mardi soir après un long débat, et la maire a dit que les travaux du nouveau pont \
                      commenceraient au printemps.";
        let chinese = "市议会星期二晚上经过长时间辩论后就该计划进行了表决，市长说新桥的工程将于春天开始。";
        for (text, code) in [(TEXT, "en"), (GERMAN, "de"), (japanese, "ja"), (french, "fr"), (chinese, "zh")] {
            assert_eq!(detect(text).map(LanguageCode::as_str), Some(code), "{text}");
        }
        for text in ["", "Hi.", "12 – 34 – 56", "Storm hits", "🙂 🙂"] {
            assert_eq!(detect(text), None, "{text}");
        }
    }

    #[test]
    fn plain_english_is_what_detection_says_too() {
        let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        for name in ["harbor-budget.txt", "storm-aftermath.txt"] {
            let text = std::fs::read_to_string(examples.join(name)).unwrap();
            let beginning: String = text.chars().take(MAX_CHARACTERS).collect();
            assert!(is_plainly_english(&beginning), "{name}");
            let found = whatlang::detect(&beginning).unwrap();
            assert!(found.is_reliable() && found.lang() == whatlang::Lang::Eng, "{name}");
        }
        let dutch = "De raad stemde dinsdagavond na een lang debat over het plan, en de burgemeester zei dat het werk aan de nieuwe brug \
                     in het voorjaar zou beginnen. Dat was het plan van The Who, dat is wat hij had.";
        let german_with_titles = format!("{GERMAN} Sie sahen The Wind That Shakes the Barley und This Is Not a Film.");
        for text in
            [dutch, &german_with_titles, &"the and of that ".repeat(20), "They said that the plan was not for them."]
        {
            assert!(!is_plainly_english(text), "{text}");
        }
    }

    #[test]
    fn english_words_are_known_in_any_case() {
        for word in ["the", "The", "WITH", "their"] {
            assert!(place_among_english(word).is_some(), "{word}");
        }
        for word in ["th", "thé", "theirs", "", "th\u{0}"] {
            assert!(place_among_english(word).is_none(), "{word}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_text_is_looked_at() {
        let begins_german = format!("{}{}", GERMAN.repeat(7), TEXT.repeat(100));
        assert_eq!(detect(&begins_german).map(LanguageCode::as_str), Some("de"));
        let wide = "é".repeat(3 * MAX_CHARACTERS);
        assert!(detect(&wide).is_none_or(|language| language.as_str() != "en"), "cut between characters");
    }

    #[test]
    fn every_language_that_can_be_detected_has_a_code() {
        for language in whatlang::Lang::all() {
            let code = LanguageCode::from_code(language.code()).map(LanguageCode::as_str);
            assert_eq!(code.map(str::len), Some(2), "{language:?}");
        }
    }

    #[test]
    fn tags_name_languages_and_words_do_not() {
        for (tag, code) in
            [("en", "en"), ("en-US", "en"), ("EN_us", "en"), (" eng ", "en"), ("zh-Hant-TW", "zh"), ("nb-NO", "no")]
        {
            assert_eq!(parse_tag(tag).map(LanguageCode::as_str), Some(code), "{tag}");
        }
        for word in ["English", "", "-", "und", "mul", "xx", "en, de", "en/US", "e", "en-", "7"] {
            assert_eq!(parse_tag(word), None, "{word}");
        }
    }

    #[test]
    fn what_the_input_says_stays_and_the_text_decides() {
        assert_eq!(complete_with(Some("en-US"), GERMAN, &["en"]), (Some("en-US".to_owned()), false));
        assert_eq!(complete_with(Some("en-US"), GERMAN, &["de"]), (Some("en-US".to_owned()), true));
        assert_eq!(complete_with(Some("en-US"), TEXT, &["de"]), (Some("en-US".to_owned()), false));
        assert_eq!(complete_with(Some("en-US"), "Hi.", &["de"]), (Some("en-US".to_owned()), false));
        assert_eq!(complete_with(None, GERMAN, &[]), (Some("de".to_owned()), true));
        assert_eq!(complete_with(Some(" "), GERMAN, &["de"]), (Some("de".to_owned()), true));
        assert_eq!(complete_with(None, GERMAN, &["en", "fr"]), (Some("de".to_owned()), false));
    }

    #[test]
    fn a_text_is_not_taken_for_one_in_a_language_like_its_own() {
        let croatian = "Gradsko vijeće je u utorak navečer nakon duge rasprave glasovalo o planu, a gradonačelnik je rekao da će \
                        radovi na novom mostu početi u proljeće.";
        assert_eq!(detect(croatian).map(LanguageCode::as_str), Some("hr"));
        for (tag, wanted) in [("hr", "hr"), ("sr-Latn", "sr"), ("bs", "bs")] {
            assert!(complete_with(Some(tag), croatian, &[wanted]).1, "{tag}");
        }
        assert!(!complete_with(Some("en"), croatian, &["en"]).1);
    }

    #[test]
    fn every_family_is_of_languages_that_are_known() {
        for code in FAMILIES.into_iter().flatten() {
            assert!(
                whatlang::Lang::all()
                    .iter()
                    .any(|known| LanguageCode::from_code(known.code()).unwrap().as_str() == *code),
                "{code}"
            );
        }
    }

    #[test]
    fn what_is_no_tag_stays_and_the_text_decides() {
        assert_eq!(complete_with(Some("Deutsch"), GERMAN, &["en"]), (Some("Deutsch".to_owned()), false));
        assert_eq!(complete_with(Some("Deutsch"), GERMAN, &["de"]), (Some("Deutsch".to_owned()), true));
        assert_eq!(complete_with(Some("und"), TEXT, &["de"]), (Some("und".to_owned()), false));
    }

    #[test]
    fn a_text_of_which_nobody_knows_is_let_through() {
        assert_eq!(complete_with(None, "Hi.", &["de"]), (None, true));
        assert_eq!(complete_with(Some("unknown"), "Hi.", &["de"]), (Some("unknown".to_owned()), true));
    }
}
