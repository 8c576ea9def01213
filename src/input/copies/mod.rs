//! Which documents are copies of one that was read before: of the same text, or of nearly the same.
//!
//! What is found depends on the order of the input alone. Each run reads all of its input, what is done already too, so that a run
//! that goes on finds what it would have found otherwise.

/// Texts to what they are compared by.
mod minhash;

use std::collections::HashMap;

use crate::config::CopiesConfig;
use crate::record::Original;
pub(super) use minhash::Sketch;
use minhash::{Fingerprint, Signature};

/// Remembers originals, the latest ones. What is a copy itself is not remembered: a copy of a copy is one of the original, or is
/// an original of its own where it has drifted too far.
#[derive(Debug)]
pub(crate) struct Copies {
    /// The least similarity of a copy.
    least_percent: u8,
    /// So many originals are in a generation at most.
    originals: usize,
    current: Generation,
    /// Goes when the current one is full: so memory is bounded, and what is carried again and again stays.
    previous: Generation,
}

impl Copies {
    /// None where nothing is to be remembered.
    pub(crate) fn new(config: &CopiesConfig) -> Option<Self> {
        let originals = config.remember.as_size() / 2;
        (originals > 0).then(|| Self {
            least_percent: Original::percent(config.similarity.get()),
            originals,
            current: Generation::default(),
            previous: Generation::default(),
        })
    }

    /// What the document of this id and sketch is a copy of. Where it is none, it is remembered.
    pub(crate) fn original_of(&mut self, id: &str, sketch: Sketch) -> Option<Original> {
        let (current, previous) = (self.find(&self.current, &sketch), self.find(&self.previous, &sketch));
        // What is in both is in the current one as it was in the previous.
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

/// An original by its place, and how much of it there is in a copy.
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
        let similarity = |entry: u32| {
            let entry = entry as usize;
            let other = self.entries[entry].sketch.signature.as_deref()?;
            // 100 is kept for the same text.
            let percent = Original::percent(signature.similarity(other)).min(99);
            (percent >= least_percent).then_some(Found { entry, percent })
        };
        let found = candidates.into_iter().filter_map(similarity);
        found.reduce(|best, found| if found.percent > best.percent { found } else { best })
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
        copies.original_of(id, Sketch::of(text)).map(|original| (original.id, original.percent))
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
