//! The format of the list files.

use std::collections::{HashMap, HashSet};

/// A line of a file: a word, the section it is in, and the marks after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Empty in a file without sections.
    pub section: &'static str,
    pub word: &'static str,
    pub marks: &'static str,
}

/// The words of a file with their sections and marks. Blank lines and comments are left out.
pub(super) fn entries(file: &'static str) -> impl Iterator<Item = Entry> {
    phrase_entries(file).map(|line| {
        let (word, marks) = line.word.split_once(' ').unwrap_or((line.word, ""));
        Entry { word, marks, ..line }
    })
}

/// All words of a file.
pub(super) fn words(file: &'static str) -> HashSet<&'static str> {
    entries(file).map(|entry| entry.word).collect()
}

/// The words of one section, in the order of the file.
pub(super) fn section(file: &'static str, name: &str) -> Vec<&'static str> {
    entries(file).filter(|entry| entry.section == name).map(|entry| entry.word).collect()
}

/// The lines of one section of a file of phrases, in the order of the file.
pub(super) fn phrases(file: &'static str, name: &str) -> Vec<&'static str> {
    phrase_entries(file).filter(|entry| entry.section == name).map(|entry| entry.word).collect()
}

/// The lines of a file of phrases with their sections. A line has no marks: its white space belongs to the phrase.
pub(super) fn phrase_entries(file: &'static str) -> impl Iterator<Item = Entry> {
    let mut section = "";
    let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(move |line| {
        if let Some(name) = section_name(line) {
            section = name;
            return None;
        }
        Some(Entry { section, word: line, marks: "" })
    })
}

fn section_name(line: &'static str) -> Option<&'static str> {
    line.strip_prefix('[').and_then(|line| line.strip_suffix(']'))
}

/// The words of a file with their kinds. Words without a kind are left out.
pub(super) fn kinds<Kind>(file: &'static str, kind: impl Fn(&Entry) -> Option<Kind>) -> HashMap<&'static str, Kind> {
    entries(file).filter_map(|entry| Some((entry.word, kind(&entry)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_word_and_marks_and_stands_in_a_section() {
        let file = "# A list.\n\n[one]\nking male surname\n\n[two]\naide\n";
        let king = Entry { section: "one", word: "king", marks: "male surname" };
        let aide = Entry { section: "two", word: "aide", marks: "" };
        assert_eq!(entries(file).collect::<Vec<_>>(), [king, aide]);
        assert_eq!(section(file, "two"), ["aide"]);
        assert_eq!(phrases(file, "one"), ["king male surname"]);
    }
}
