//! Texts to sketches: a fingerprint of the whole text, and a signature. The more runs of words two texts share, the more similar are
//! their signatures.
//!
//! The signature is a `MinHash` (Broder 1997) by one permutation (Li, Owen, Zhang 2012), with empty bins filled from others
//! (Shrivastava 2017). It is the same on every machine and in every version.

use crate::digest::sha256_of_all;

/// The identity of a text: a truncated SHA-256.
pub(super) type Fingerprint = [u8; 16];

/// The number of words in a run.
const RUN: usize = 3;

/// Texts with fewer words share too few runs for their similarity to mean anything.
const FEWEST_WORDS: usize = 32;

/// The number of values in a signature.
const VALUES: usize = 64;

/// The number of values in a band. Two texts with half of their runs in common share a band in 94 of 100 cases; with a tenth in
/// common, in 2.
const BAND: usize = 3;

const BANDS: usize = VALUES / BAND;

/// The value of a bin that no run has fallen into.
const EMPTY: u64 = u64::MAX;

/// The fingerprint and the signature by which a text is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sketch {
    pub(super) fingerprint: Fingerprint,
    /// `None` if the text is short.
    pub(super) signature: Option<Box<Signature>>,
}

/// A `MinHash` of the runs of words in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    /// A hash of the values of each band. Similar texts share some of them.
    pub(super) bands: [u32; BANDS],
    /// The low byte of the least hash in each bin.
    values: [u8; VALUES],
    /// The number of runs.
    runs: u32,
}

impl Sketch {
    pub(in crate::input) fn from_text(text: &str) -> Self {
        let digest = sha256_of_all([text]);
        Self {
            fingerprint: std::array::from_fn(|place| digest[place]),
            signature: Signature::from_text(text).map(Box::new),
        }
    }
}

impl Sketch {
    /// Its bytes, for [`Self::from_bytes`].
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.fingerprint.to_vec();
        if let Some(Signature { bands, values, runs }) = self.signature.as_deref() {
            bytes.extend(runs.to_le_bytes());
            bytes.extend(bands.iter().flat_map(|band| band.to_le_bytes()));
            bytes.extend(values);
        }
        bytes
    }

    /// The sketch with these bytes, if there is one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (fingerprint, signature) = bytes.split_first_chunk()?;
        let signature = match signature {
            [] => None,
            signature => Some(Box::new(Signature::from_bytes(signature)?)),
        };
        Some(Self { fingerprint: *fingerprint, signature })
    }
}

impl Signature {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (runs, bytes) = bytes.split_first_chunk()?;
        let (bands, values) = bytes.split_at_checked(BANDS * size_of::<u32>())?;
        let mut numbers =
            bands.chunks_exact(size_of::<u32>()).map(|band| u32::from_le_bytes(std::array::from_fn(|at| band[at])));
        Some(Self {
            bands: std::array::from_fn(|_| numbers.next().unwrap_or(0)),
            values: values.try_into().ok()?,
            runs: u32::from_le_bytes(*runs),
        })
    }

    /// The signature of `text`; `None` if it is short.
    fn from_text(text: &str) -> Option<Self> {
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
        let values = bins.map(|value| value.to_le_bytes()[0]);
        let runs = u32::try_from(words.len() + 1 - RUN).unwrap_or(u32::MAX);
        Some(Self { bands: std::array::from_fn(|band| band_hash(&bins, band)), values, runs })
    }

    /// The estimated share of the shorter text's runs that are in the longer one, 0 to 1. A copy that lost its last paragraphs
    /// therefore still has a similarity of 1.
    pub(super) fn similarity(&self, other: &Self) -> f64 {
        let ours = f64::from(self.runs);
        let theirs = f64::from(other.runs);
        let in_both = self.in_both(other);
        (in_both * (ours + theirs) / ((1.0 + in_both) * ours.min(theirs))).min(1.0)
    }

    /// The estimated share of runs that are in both texts, of all that are in either (Jaccard index), 0 to 1. Two times out of three
    /// it is within .06 of the truth.
    #[expect(clippy::cast_precision_loss, reason = "64 values")]
    fn in_both(&self, other: &Self) -> f64 {
        /// The share of different hashes that have equal bytes.
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

/// ASCII letters and digits in lower case, and 0 for other characters. The table is fast for most characters of most texts.
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

/// The hash of a word, which takes its bytes in blocks of eight. No byte is 0.
#[derive(Default)]
struct Word {
    /// The hash of the blocks that are full.
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

/// The bin of a hash: the number in its highest bits.
fn bin_of(hash: u64) -> usize {
    const SHIFT: u32 = u64::BITS - VALUES.ilog2();
    usize::try_from(hash >> SHIFT).unwrap_or(0)
}

/// The bins, with each empty one filled from another. The number of the empty bin decides which, so similar texts fill it from the
/// same one.
fn filled(bins: &[u64; VALUES]) -> [u64; VALUES] {
    std::array::from_fn(|bin| if bins[bin] == EMPTY { borrowed(bins, bin) } else { bins[bin] })
}

/// The value of the first bin with one that is tried for the empty `bin`.
fn borrowed(bins: &[u64; VALUES], bin: usize) -> u64 {
    let others = (1..).map(|attempt: u64| bins[bin_of(mix((bin as u64) << 32 | attempt))]);
    others.into_iter().find(|&value| value != EMPTY).unwrap_or(EMPTY)
}

/// The hash of the values in a band.
fn band_hash(bins: &[u64; VALUES], band: usize) -> u32 {
    let values = &bins[band * BAND..(band + 1) * BAND];
    low(values.iter().fold(band as u64, |hash, &value| mix(hash.rotate_left(5) ^ value)))
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
        assert_eq!(Signature::from_text(&plain), Signature::from_text(&other));
        assert_ne!(Sketch::from_text(&plain).fingerprint, Sketch::from_text(&other).fingerprint);
    }

    #[test]
    fn a_signature_is_what_it_was_in_other_versions_and_on_other_machines() {
        let signature = Signature::from_text(&text(&(0..100).collect::<Vec<_>>())).unwrap();
        let some = (signature.bands[0], signature.bands[20], &signature.values[..4]);
        assert_eq!(some, (4_210_947_034, 1_617_708_173, [29, 99, 205, 128].as_slice()));
    }

    #[test]
    fn a_sketch_comes_back_from_its_bytes() {
        for words in [10, 100] {
            let sketch = Sketch::from_text(&text(&(0..words).collect::<Vec<_>>()));
            let bytes = sketch.to_bytes();
            assert_eq!(Sketch::from_bytes(&bytes), Some(sketch));
            assert_eq!(Sketch::from_bytes(&bytes[..bytes.len() - 1]), None, "{words}");
        }
        assert_eq!(Sketch::from_bytes(&[0; 17]), None);
    }

    #[test]
    fn what_has_lost_its_last_third_is_as_similar_as_what_has_lost_nothing() {
        let words: Vec<u32> = (0..300).collect();
        let [whole, cut] = [&words[..], &words[..200]].map(|words| Signature::from_text(&text(words)).unwrap());
        assert!(whole.similarity(&cut) > 0.85, "{}", whole.similarity(&cut));
        assert!((whole.similarity(&whole) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_short_text_has_no_signature() {
        assert_eq!(Signature::from_text(&text(&(0..31).collect::<Vec<_>>())), None);
        assert!(Signature::from_text(&text(&(0..32).collect::<Vec<_>>())).is_some());
        assert_eq!(Signature::from_text(""), None);
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
            let [ours, theirs] = [&words, &other].map(|words| Signature::from_text(&text(words)).unwrap());
            let (estimate, truth) = (ours.in_both(&theirs), shared_of_all(&words, &other));
            // Six times the deviation that 64 values have at most.
            prop_assert!((estimate - truth).abs() < 0.375, "{} {}", estimate, truth);
            prop_assert!((ours.similarity(&theirs) - theirs.similarity(&ours)).abs() < f64::EPSILON);
        }

        #[test]
        fn any_text_has_the_sketch_that_it_had(text in any::<String>()) {
            prop_assert_eq!(Sketch::from_text(&text), Sketch::from_text(&text));
        }
    }
}
