//! Texts to sketches: a fingerprint, and a signature that is the more alike the more runs of words two texts share.
//!
//! The signature is a `MinHash` (Broder 1997) by one permutation (Li, Owen, Zhang 2012), with empty bins filled from others
//! (Shrivastava 2017). It is the same on every machine and in every version.

use crate::digest::sha256_of_all;

/// What tells one text from another: the beginning of its SHA-256.
pub(super) type Fingerprint = [u8; 16];

/// How many words are looked at together.
const RUN: usize = 3;

/// Texts with fewer words share too few runs for their similarity to mean anything.
const FEWEST_WORDS: usize = 32;

/// How many values a signature has.
const VALUES: usize = 64;

/// How many values make a band. Where half of the runs that two texts have are in both, they share a band in 94 of 100 cases; where
/// a tenth is, in 2.
const BAND: usize = 3;

const BANDS: usize = VALUES / BAND;

/// No run has fallen into this bin.
const EMPTY: u64 = u64::MAX;

/// What a text is compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sketch {
    pub(super) fingerprint: Fingerprint,
    /// None where the text is short.
    pub(super) signature: Option<Box<Signature>>,
}

/// What of a text's runs of words is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    /// Hashes of values together. Texts that are alike share some of them.
    pub(super) bands: [u32; BANDS],
    /// The low byte of the least hash in each bin.
    values: [u8; VALUES],
    /// How many runs there are.
    runs: u32,
}

impl Sketch {
    pub(in crate::input) fn of(text: &str) -> Self {
        let digest = sha256_of_all([text]);
        Self { fingerprint: std::array::from_fn(|place| digest[place]), signature: Signature::of(text).map(Box::new) }
    }
}

impl Signature {
    fn of(text: &str) -> Option<Self> {
        let words = words(text);
        if words.len() < FEWEST_WORDS {
            return None;
        }
        let mut bins = [EMPTY; VALUES];
        for run in words.windows(RUN) {
            let hash = mix(run.iter().fold(0, |hash: u64, &word| hash.rotate_left(21) ^ word));
            let bin = &mut bins[bin_of(hash)];
            *bin = hash.min(*bin);
        }
        let bins = filled(&bins);
        let band = |band: usize| {
            let values = &bins[band * BAND..(band + 1) * BAND];
            low(values.iter().fold(band as u64, |hash, &value| mix(hash.rotate_left(5) ^ value)))
        };
        let values = bins.map(|value| value.to_le_bytes()[0]);
        let runs = u32::try_from(words.len() + 1 - RUN).unwrap_or(u32::MAX);
        Some(Self { bands: std::array::from_fn(band), values, runs })
    }

    /// The share of the shorter text's runs that are in the longer one, as it is estimated: 0 to 1. So a copy that has lost its last
    /// paragraphs is all of it a copy.
    pub(super) fn similarity(&self, other: &Self) -> f64 {
        let (ours, theirs) = (f64::from(self.runs), f64::from(other.runs));
        let in_both = self.in_both(other);
        (in_both * (ours + theirs) / ((1.0 + in_both) * ours.min(theirs))).min(1.0)
    }

    /// The share of runs that are in both texts, of all that are in either (Jaccard index), as it is estimated: 0 to 1, and within .06 of
    /// the truth two times out of three.
    #[expect(clippy::cast_precision_loss, reason = "64 values")]
    fn in_both(&self, other: &Self) -> f64 {
        /// How often bytes of different hashes are equal.
        const BY_CHANCE: f64 = 1.0 / 256.0;
        let equal = self.values.iter().zip(&other.values).filter(|(ours, theirs)| ours == theirs).count();
        ((equal as f64 / VALUES as f64 - BY_CHANCE) / (1.0 - BY_CHANCE)).max(0.0)
    }
}

/// A hash of each word: a run of letters and digits, whatever their case.
fn words(text: &str) -> Vec<u64> {
    let mut words = Vec::with_capacity(text.len() / 5);
    let mut word = Word::default();
    for character in text.chars() {
        let byte = LOWER.get(character as usize).copied().unwrap_or(0);
        if byte != 0 {
            word.push(byte);
        } else if !character.is_ascii() && character.is_alphanumeric() {
            for lower in character.to_lowercase() {
                lower.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| word.push(byte));
            }
        } else if word.is_begun() {
            words.push(std::mem::take(&mut word).hash());
        }
    }
    words.extend(word.is_begun().then(|| word.hash()));
    words
}

/// Letters and digits of ASCII in lower case, 0 for what is none: most characters of most texts.
const LOWER: [u8; 128] = {
    let (mut lower, mut byte) = ([0; 128], 0_u8);
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            lower[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    lower
};

/// The bytes of a word, of which none is 0, eight at a time.
#[derive(Default)]
struct Word {
    /// Of the blocks that are full.
    hash: u64,
    block: u64,
}

impl Word {
    fn push(&mut self, byte: u8) {
        const FULL: u64 = 1 << 56;
        if self.block >= FULL {
            self.hash = self.hash();
            self.block = 0;
        }
        self.block = self.block << 8 | u64::from(byte);
    }

    fn is_begun(&self) -> bool {
        self.block != 0
    }

    fn hash(&self) -> u64 {
        mix(self.hash.rotate_left(5) ^ self.block)
    }
}

/// A bin has the hashes with its number in their highest bits.
fn bin_of(hash: u64) -> usize {
    const SHIFT: u32 = u64::BITS - VALUES.ilog2();
    usize::try_from(hash >> SHIFT).unwrap_or(0)
}

/// Each empty bin with what is in another, which its number chooses: in two texts the same one, where they are alike.
fn filled(bins: &[u64; VALUES]) -> [u64; VALUES] {
    let lender = |bin: usize| {
        let others = (1..).map(|attempt: u64| bins[bin_of(mix((bin as u64) << 32 | attempt))]);
        others.into_iter().find(|&value| value != EMPTY).unwrap_or(EMPTY)
    };
    std::array::from_fn(|bin| if bins[bin] == EMPTY { lender(bin) } else { bins[bin] })
}

/// Each bit of the input changes half of the output (the last steps of `SplitMix64`, Steele et al. 2014).
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn low(value: u64) -> u32 {
    let [first, second, third, fourth, ..] = value.to_le_bytes();
    u32::from_le_bytes([first, second, third, fourth])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn text(words: &[u32]) -> String {
        words.iter().map(|word| format!("w{word}")).collect::<Vec<_>>().join(" ")
    }

    fn shared_of_all(ours: &[u32], theirs: &[u32]) -> f64 {
        let runs = |words: &[u32]| words.windows(RUN).map(<[u32]>::to_vec).collect::<HashSet<_>>();
        let (ours, theirs) = (runs(ours), runs(theirs));
        let shared = ours.intersection(&theirs).count();
        #[expect(clippy::cast_precision_loss, reason = "some hundred runs")]
        let share = shared as f64 / (ours.len() + theirs.len() - shared) as f64;
        share
    }

    #[test]
    fn case_punctuation_and_white_space_make_no_difference() {
        let words: Vec<u32> = (0..50).collect();
        let (plain, other) = (text(&words), text(&words).to_uppercase().replace(' ', " \u{2014}\n\u{201c}"));
        assert_eq!(Signature::of(&plain), Signature::of(&other));
        assert_ne!(Sketch::of(&plain).fingerprint, Sketch::of(&other).fingerprint);
    }

    #[test]
    fn a_signature_is_what_it_was_in_other_versions_and_on_other_machines() {
        let signature = Signature::of(&text(&(0..100).collect::<Vec<_>>())).unwrap();
        let some = (signature.bands[0], signature.bands[20], &signature.values[..4]);
        assert_eq!(some, (4_210_947_034, 1_617_708_173, [29, 99, 205, 128].as_slice()));
    }

    #[test]
    fn what_has_lost_its_last_third_is_as_similar_as_what_has_lost_nothing() {
        let words: Vec<u32> = (0..300).collect();
        let [whole, cut] = [&words[..], &words[..200]].map(|words| Signature::of(&text(words)).unwrap());
        assert!(whole.similarity(&cut) > 0.85, "{}", whole.similarity(&cut));
        assert!((whole.similarity(&whole) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_short_text_has_no_signature() {
        assert_eq!(Signature::of(&text(&(0..31).collect::<Vec<_>>())), None);
        assert!(Signature::of(&text(&(0..32).collect::<Vec<_>>())).is_some());
        assert_eq!(Signature::of(""), None);
    }

    proptest! {
        #[test]
        fn the_estimate_is_near_the_truth(
            words in prop::collection::vec(any::<u32>(), 100..600),
            from in 0.0_f64..1.0,
            replaced in 0.0_f64..1.0,
        ) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place")]
            let place = |share: f64| (share * words.len() as f64) as usize;
            let (start, end) = (place(from), place((from + replaced).min(1.0)));
            let mut other = words.clone();
            other[start..end].iter_mut().for_each(|word| *word = word.wrapping_add(7));
            let [ours, theirs] = [&words, &other].map(|words| Signature::of(&text(words)).unwrap());
            let (estimate, truth) = (ours.in_both(&theirs), shared_of_all(&words, &other));
            // Six times the deviation that 64 values have at most.
            prop_assert!((estimate - truth).abs() < 0.375, "{} {}", estimate, truth);
            prop_assert!((ours.similarity(&theirs) - theirs.similarity(&ours)).abs() < f64::EPSILON);
        }

        #[test]
        fn any_text_has_the_sketch_that_it_had(text in any::<String>()) {
            prop_assert_eq!(Sketch::of(&text), Sketch::of(&text));
        }
    }
}
