//! Ids that are stable, unique within a run, and safe as file names.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::candidate::Candidate;
use crate::digest::{hexadecimal, sha256};

/// Longer ids are cut: file names end at 255 bytes, and the layout adds an ending.
const MAX_ID_BYTES: usize = 120;

/// The number of hexadecimal digits of an id that is a digest.
const CONTENT_ID_DIGITS: usize = 16;

/// Gives out ids. Remembers eight bytes an id, and nothing else of it: where two ids share a hash, the later one gets
/// a suffix that it would not have needed.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    seen: HashSet<u64>,
}

impl Identities {
    /// The id of a candidate with this [safe id](Candidate::safe_id) and this name: the safe id, with a suffix where another document has
    /// it already.
    pub(crate) fn assign(&mut self, safe: &str, name: &str) -> String {
        let mut id = safe.to_owned();
        let mut attempt = 0;
        while !self.seen.insert(fingerprint(&id)) {
            // By the record's place, so that the id does not depend on how many others had it before.
            id = format!("{safe}~{}", digest(&format!("{name} {attempt}")));
            attempt += 1;
        }
        id
    }
}

impl Candidate {
    /// The record's own id, or else its name, made safe.
    pub(crate) fn safe_id(&self) -> String {
        safe_id(self.own_id.as_deref().unwrap_or(&self.name))
    }

    /// The record's own id made safe, or else a digest of its content. It depends on the record alone, so two records can have the same.
    pub(crate) fn id_by_itself(&self) -> String {
        match &self.own_id {
            Some(own) => safe_id(own),
            None => hexadecimal(&self.digest)[..CONTENT_ID_DIGITS].to_owned(),
        }
    }
}

/// Letters, digits, `-`, `_` and `.` of ASCII stay; anything else becomes `_`, and a digest of the whole is added.
fn safe_id(wanted: &str) -> String {
    let is_safe = wanted.chars().all(is_kept) && !wanted.starts_with('.') && wanted.len() <= MAX_ID_BYTES;
    if is_safe && !wanted.is_empty() {
        return wanted.to_owned();
    }
    let replaced = wanted.chars().take(MAX_ID_BYTES).map(|character| if is_kept(character) { character } else { '_' });
    let kept: String = replaced.collect();
    format!("{}~{}", kept.trim_start_matches('.'), digest(wanted))
}

fn is_kept(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

/// Some file systems do not tell upper from lower case.
fn fingerprint(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.to_ascii_lowercase().hash(&mut hasher);
    hasher.finish()
}

fn digest(text: &str) -> String {
    sha256(text)[..8].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_stays_as_it_is() {
        assert_eq!(safe_id("2031.03.vote-1_b"), "2031.03.vote-1_b");
    }

    #[test]
    fn no_id_can_leave_the_folder_or_hide_in_it() {
        for wanted in ["../../etc/passwd", "..", ".", ".hidden", "a/b", "a\\b", "C:x", "", "a\0b", "ü", "a~b"] {
            let id = safe_id(wanted);
            assert!(
                id.chars().all(|character| character.is_ascii_alphanumeric() || "-_.~".contains(character)),
                "{id}"
            );
            assert!(!id.starts_with('.') && id.contains('~'), "{wanted} gives {id}");
        }
    }

    #[test]
    fn ids_that_differ_only_in_what_is_replaced_stay_apart() {
        assert_ne!(safe_id("a/b"), safe_id("a:b"));
        let long = "x".repeat(300);
        assert!(safe_id(&long).len() < 140);
        assert_ne!(safe_id(&long), safe_id(&format!("{long}y")));
    }
}
