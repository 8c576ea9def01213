//! Finds documents that are copies of an earlier one: with the same text, or nearly the same.
//!
//! The result depends on the order of the input alone. Each run reads all of its input, including documents that are already done,
//! so a continued run finds the same copies as one that was never interrupted.

/// Texts to sketches, by which they are compared.
mod minhash;

use std::collections::HashMap;

use crate::config::CopiesConfig;
use crate::record::Original;
pub(crate) use minhash::Sketch;
use minhash::{Fingerprint, Signature};

/// The latest originals. A copy is not remembered: a copy of it is a copy of its original, or an original of its own if it
/// differs too much.
#[derive(Debug)]
pub(crate) struct Copies {
    /// The least similarity of a copy.
    least_percent: u8,
    /// The maximum number of originals in a generation.
    originals: usize,
    current: Generation,
    /// Dropped when the current one is full. This bounds memory, and keeps stories that are copied again and again.
    previous: Generation,
}

impl Copies {
    /// `None` if the configuration turns the search for copies off.
    pub(crate) fn new(config: &CopiesConfig) -> Option<Self> {
        let originals = config.remember.as_size() / 2;
        (originals > 0).then(|| Self {
            least_percent: Original::percent(config.similarity.get()),
            originals,
            current: Generation::default(),
            previous: Generation::default(),
        })
    }

    /// The original of the document with this id and sketch. A document that is not a copy is remembered.
    pub(crate) fn original_of(&mut self, id: &str, sketch: Sketch) -> Option<Original> {
        let current = self.find(&self.current, &sketch);
        let previous = self.find(&self.previous, &sketch);
        // An original in both generations is the same in both.
        match (current, previous) {
            (Some(current), previous) if previous.is_none_or(|previous| previous.percent <= current.percent) => {
                Some(self.current.original(current))
            }
            (_, Some(previous)) => {
                let original = self.previous.original(previous);
                let Entry { id, sketch } = self.previous.entries[previous.entry].clone();
                self.remember(&id, sketch);
                Some(original)
            }
            (_, None) => {
                self.remember(id, sketch);
                None
            }
        }
    }

    fn find(&self, generation: &Generation, sketch: &Sketch) -> Option<Found> {
        let exact =
            generation.exact.get(&sketch.fingerprint).map(|&entry| Found { entry: entry as usize, percent: 100 });
        exact.or_else(|| generation.nearest(sketch.signature.as_deref()?, self.least_percent))
    }

    fn remember(&mut self, id: &str, sketch: Sketch) {
        if self.current.entries.len() >= self.originals {
            self.previous = std::mem::take(&mut self.current);
        }
        self.current.add(Entry { id: id.into(), sketch });
    }
}

/// An original.
#[derive(Debug, Clone)]
struct Entry {
    id: Box<str>,
    sketch: Sketch,
}

/// An original by its place, and its similarity to a copy.
#[derive(Debug, Clone, Copy)]
struct Found {
    entry: usize,
    percent: u8,
}

/// Originals, in the order of the input.
#[derive(Debug, Default)]
struct Generation {
    entries: Vec<Entry>,
    exact: HashMap<Fingerprint, u32>,
    /// The first original with each band.
    bands: HashMap<u32, u32>,
}

impl Generation {
    fn add(&mut self, entry: Entry) {
        // A generation has fewer than 2^32 of them: `[input.copies] remember` has a limit.
        let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.exact.entry(entry.sketch.fingerprint).or_insert(place);
        for band in entry.sketch.signature.iter().flat_map(|signature| signature.bands) {
            self.bands.entry(band).or_insert(place);
        }
        self.entries.push(entry);
    }

    /// The most similar of those that share a band; the first of equals.
    fn nearest(&self, signature: &Signature, least_percent: u8) -> Option<Found> {
        let mut candidates: Vec<u32> =
            signature.bands.iter().filter_map(|band| self.bands.get(band).copied()).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let found = candidates.into_iter().filter_map(|entry| self.compare(entry, signature));
        let found = found.filter(|found| found.percent >= least_percent);
        found.reduce(|best, found| if found.percent > best.percent { found } else { best })
    }

    /// An original with its similarity to `signature`; `None` if it has no signature.
    fn compare(&self, entry: u32, signature: &Signature) -> Option<Found> {
        let entry = entry as usize;
        let other = self.entries[entry].sketch.signature.as_deref()?;
        // Only identical texts have 100 percent.
        let percent = Original::percent(signature.similarity(other)).min(99);
        Some(Found { entry, percent })
    }

    fn original(&self, found: Found) -> Original {
        Original { id: self.entries[found.entry].id.to_string(), percent: found.percent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::values::{Share, Whole};

    fn copies(remember: usize) -> Copies {
        let config = match remember {
            4 => CopiesConfig { remember: Whole::constant::<4>(), ..CopiesConfig::default() },
            _ => CopiesConfig::default(),
        };
        Copies::new(&config).unwrap()
    }

    /// Words that no other text has.
    fn story(name: &str, words: usize) -> String {
        (0..words).map(|word| format!("{name}{word}")).collect::<Vec<_>>().join(" ")
    }

    fn found(copies: &mut Copies, id: &str, text: &str) -> Option<(String, u8)> {
        copies.original_of(id, Sketch::from_text(text)).map(|original| (original.id, original.percent))
    }

    #[test]
    fn the_same_text_is_a_copy_of_the_first_that_has_it() {
        let mut copies = copies(0);
        assert_eq!(found(&mut copies, "a", "Short."), None);
        assert_eq!(found(&mut copies, "b", "Short."), Some(("a".into(), 100)));
        assert_eq!(found(&mut copies, "c", "Short."), Some(("a".into(), 100)));
        assert_eq!(found(&mut copies, "d", "Shorter."), None);
    }

    #[test]
    fn a_text_that_has_lost_its_end_is_a_copy_and_one_that_shares_a_sentence_is_not() {
        let mut copies = copies(0);
        let (whole, other) = (story("strike", 300), story("budget", 300));
        let shared = story("boilerplate", 30);
        assert_eq!(found(&mut copies, "whole", &format!("{whole} {shared}")), None);
        let (original, percent) = found(&mut copies, "cut", &story("strike", 290)).unwrap();
        assert!(original == "whole" && (90..100).contains(&percent), "{percent}");
        assert_eq!(found(&mut copies, "other", &format!("{other} {shared}")), None);
    }

    #[test]
    fn a_copy_of_a_copy_that_has_drifted_too_far_is_an_original() {
        let mut copies = copies(0);
        assert_eq!(found(&mut copies, "first", &story("a", 400)), None);
        let drifted = format!("{} {}", story("a", 380), story("b", 30));
        assert_eq!(found(&mut copies, "second", &drifted).unwrap().0, "first");
        let further = format!("{} {}", story("a", 180), story("b", 200));
        assert_eq!(found(&mut copies, "third", &further), None);
    }

    #[test]
    fn what_is_carried_again_stays_and_what_is_not_is_forgotten() {
        let mut copies = copies(4);
        for text in ["story", "1", "2", "story", "3", "4", "story", "5", "6", "story"] {
            found(&mut copies, text, text);
            assert!(copies.current.entries.len() + copies.previous.entries.len() <= 4);
        }
        assert_eq!(found(&mut copies, "late", "story"), Some(("story".into(), 100)));
        assert_eq!(found(&mut copies, "again", "1"), None);
    }

    #[test]
    fn nothing_is_remembered_where_nothing_is_to_be() {
        assert!(Copies::new(&CopiesConfig { remember: Whole::constant::<0>(), ..CopiesConfig::default() }).is_none());
    }

    #[test]
    fn at_a_similarity_of_one_only_the_same_text_is_a_copy() {
        let config = CopiesConfig { similarity: Share::of_percent::<100>(), ..CopiesConfig::default() };
        let mut copies = Copies::new(&config).unwrap();
        let text = story("strike", 300);
        assert_eq!(found(&mut copies, "a", &text), None);
        assert_eq!(found(&mut copies, "b", &format!("New {text}")), None);
        assert_eq!(found(&mut copies, "c", &text), Some(("a".into(), 100)));
    }
}
