//! Checks of the lists themselves: form, order, and words that must not be in two of them.
#![cfg(test)]

use super::*;
use std::fs;
use std::path::Path;

/// The text of every list in this folder, with its file name.
fn files() -> Vec<(String, &'static str)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/english");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text: &'static str = fs::read_to_string(&path).unwrap().leak();
            (name, text)
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The entries of a file: lines in a file of phrases, words with marks in any other.
fn parsed(name: &str, file: &'static str) -> Vec<file::Entry> {
    const PHRASES: [&str; 2] = ["acts.txt", "boilerplate.txt"];
    if PHRASES.contains(&name) { file::phrase_entries(file).collect() } else { file::entries(file).collect() }
}

fn entries_of(name: &str) -> impl Iterator<Item = file::Entry> {
    let (_, file) = files().into_iter().find(|(known, _)| known == name).unwrap();
    parsed(name, file).into_iter()
}

/// The words of a list file in small letters.
fn words_of(name: &str) -> HashSet<String> {
    entries_of(name).map(|entry| entry.word.to_lowercase()).collect()
}

#[test]
fn every_list_says_its_origin_and_licence_at_the_top() {
    for (name, file) in files() {
        let head: Vec<&str> = file.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(head.len() > 2, "{name}");
        assert!(head.last().unwrap().contains("Origin: ") && head.last().unwrap().contains("Licence: "), "{name}");
    }
}

#[test]
fn every_list_is_sorted_and_has_each_word_once() {
    for (name, file) in files() {
        let mut entries = parsed(&name, file);
        // "Comment" is a "say", and a "refuse" after "no".
        entries.retain(|entry| (name.as_str(), entry.section) != ("acts.txt", "answer"));
        let words: HashSet<&str> = entries.iter().map(|entry| entry.word).collect();
        assert_eq!(words.len(), entries.len(), "{name} has a word twice");
        for section in entries.chunk_by(|one, next| one.section == next.section) {
            let is_calendar = section[0].section == "names" && ["months.txt", "weekdays.txt"].contains(&name.as_str());
            let unsorted = section.windows(2).find(|pair| pair[0].word >= pair[1].word);
            assert!(is_calendar || unsorted.is_none(), "{name}: {unsorted:?}");
        }
        for line in file.lines() {
            assert_eq!(line, line.trim(), "{name}");
        }
    }
}

#[test]
fn every_section_and_mark_is_known() {
    const MARKS: [&str; 6] = ["also-a-word", "female", "male", "surname", "untelling", "vague"];
    for (name, file) in files() {
        for entry in parsed(&name, file) {
            let unknown = entry.marks.split(' ').find(|mark| {
                !mark.is_empty() && !MARKS.contains(mark) && mark.strip_prefix('=').is_none_or(str::is_empty)
            });
            assert_eq!(unknown, None, "{name}: {}", entry.word);
        }
    }
    let sizes = [
        ("acts.txt", CUE_ACTS.len() + ANSWER_WORDS.len()),
        ("first_names.txt", FIRST_NAMES.len()),
        ("speech_verbs.txt", SPEECH_VERBS.len()),
        ("boilerplate.txt", AGENCIES.len() + PUBLISHER_NOTICES.len() + PUBLISHER_OPENINGS.len()),
        ("labels.txt", FIGURE_LABELS.len() + PICTURE_LABELS.len()),
        ("months.txt", MONTHS.len()),
        ("organisation_nouns.txt", ORGANISATION_NOUNS.len() + NAMED_ORGANISATION_NOUNS.len()),
        ("weekdays.txt", WEEKDAYS.len()),
    ];
    for (name, size) in sizes {
        assert_eq!(size, entries_of(name).count(), "{name} has an unknown section");
    }
    let of_calendar = MONTHS.len() - MONTH_NAMES.len() + WEEKDAYS.len() - WEEKDAY_NAMES.len();
    assert_eq!(ABBREVIATIONS.len(), entries_of("abbreviations.txt").count() + of_calendar);
}

#[test]
fn lists_that_must_not_overlap_do_not() {
    let pairs = [
        ("abbreviations.txt", "months.txt"),
        ("abbreviations.txt", "weekdays.txt"),
        ("clock_words.txt", "months.txt"),
        ("clock_words.txt", "weekdays.txt"),
        ("common_verbs.txt", "speech_verbs.txt"),
        ("groups.txt", "months.txt"),
        ("groups.txt", "small_words.txt"),
        ("groups.txt", "weekdays.txt"),
        ("months.txt", "weekdays.txt"),
        ("document_nouns.txt", "organisation_nouns.txt"),
        ("document_nouns.txt", "roles.txt"),
        ("organisation_nouns.txt", "person_nouns.txt"),
        ("organisation_nouns.txt", "roles.txt"),
        ("person_nouns.txt", "roles.txt"),
        ("places.txt", "plurals.txt"),
        ("places.txt", "roles.txt"),
        ("places.txt", "small_words.txt"),
        ("plurals.txt", "roles.txt"),
        ("roles.txt", "small_words.txt"),
    ];
    for (one, other) in pairs {
        let mut shared: Vec<String> = words_of(one).intersection(&words_of(other)).cloned().collect();
        shared.sort();
        assert_eq!(shared, Vec::<String>::new(), "{one} and {other}");
    }
}

#[test]
fn lists_of_lowered_words_are_in_small_letters() {
    const AS_WRITTEN: [&str; 7] = [
        "clock_words.txt",
        "exclaimed_names.txt",
        "labels.txt",
        "months.txt",
        "name_abbreviations.txt",
        "post_nominals.txt",
        "weekdays.txt",
    ];
    for (name, file) in files().into_iter().filter(|(name, _)| !AS_WRITTEN.contains(&name.as_str())) {
        let large = parsed(&name, file).into_iter().find(|entry| entry.word != entry.word.to_lowercase());
        assert_eq!(large, None, "{name}");
    }
}

#[test]
fn the_year_begins_with_january_and_the_week_with_monday() {
    assert_eq!((MONTH_NAMES.len(), MONTH_NAMES[0], MONTH_NAMES[11]), (12, "January", "December"));
    assert_eq!((WEEKDAY_NAMES.len(), WEEKDAY_NAMES[0], WEEKDAY_NAMES[6]), (7, "Monday", "Sunday"));
}
