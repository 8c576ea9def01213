//! The results of passages that models inferred before. Wire copy repeats: a passage that was inferred once is not inferred
//! again, in the same run or in a later one. That is sound only for models whose results for a passage are the same bits in any
//! batch. Other models do not use the cache.
//!
//! A run never depends on the cache: if something is wrong with it, the run goes on without it.

/// Results in a file.
mod store;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::causes::chain;
use crate::config::CacheConfig;
use crate::config::values::Whole;
use crate::model::{self, HeadOutputs, Passage};
use crate::task::UsedModel;
use store::Store;

/// The identity of a passage for one model in one precision by one kind of kernels: a truncated SHA-256.
pub type Key = [u8; 16];

/// The results of passages: those of this run in memory, those of other runs in a file too.
#[derive(Debug)]
pub struct PassageCache {
    is_on: bool,
    memory: quick_cache::sync::Cache<Key, Arc<[u8]>, Bytes>,
    store: Option<Store>,
}

/// The size of an entry in memory, in bytes.
#[derive(Debug, Clone)]
struct Bytes;

impl quick_cache::Weighter<Key, Arc<[u8]>> for Bytes {
    fn weight(&self, _: &Key, value: &Arc<[u8]>) -> u64 {
        /// The approximate size of an entry without its value.
        const OVERHEAD: u64 = 96;
        value.len() as u64 + OVERHEAD
    }
}

/// The format of entries. Raise it by one if [`HeadOutputs`] gets another form.
const ENTRY_FORMAT: u8 = 1;

/// The keys of passages for one model in one precision by one kind of kernels.
#[derive(Debug, Clone)]
pub struct PassageKeys {
    /// The hash of all that the model's results depend on, except the passage.
    digest: Sha256,
}

impl PassageKeys {
    /// The keys for the model `used` on this machine.
    #[must_use]
    pub fn new(used: &UsedModel) -> Self {
        let runtime = &used.runtime;
        let kernels = runtime.kernels();
        let mut parts =
            vec![runtime.precision.as_str(), runtime.device.as_str(), &kernels, &used.folder.manifest().fingerprint];
        parts.extend(used.heads.iter().map(String::as_str));
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part);
            // Ends the part: "a", "bc" and "ab", "c" are to differ.
            digest.update([0]);
        }
        digest.update(model::REVISION.to_le_bytes());
        digest.update([ENTRY_FORMAT, u8::from(used.wants_vectors)]);
        Self { digest }
    }

    /// The key of `passage`: a hash of its tokens and of the bounds of its segments.
    #[must_use]
    pub fn key(&self, passage: &Passage) -> Key {
        let mut digest = self.digest.clone();
        passage.ids.iter().for_each(|id| digest.update(id.to_le_bytes()));
        for segment in &passage.segments {
            digest.update((segment.tokens.start as u64).to_le_bytes());
            digest.update((segment.tokens.end as u64).to_le_bytes());
        }
        let digest = digest.finalize();
        std::array::from_fn(|place| digest[place])
    }
}

impl PassageCache {
    /// Opens the cache that `config` describes. If its file cannot be used, logs a warning and goes on without the file.
    #[must_use]
    pub fn open(config: &CacheConfig) -> Self {
        /// The number of entries that memory is reserved for at first.
        const EXPECTED_ENTRIES: usize = 4096;
        let mut store = None;
        if config.max_bytes.get() > 0 {
            match Store::open(&config.directory, config.max_bytes.get()) {
                Ok(opened) => store = Some(opened),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "the cache file cannot be used; results of earlier runs are not available");
                }
            }
        }
        let is_on = store.is_some() || config.memory_bytes.get() > 0;
        Self {
            is_on,
            memory: quick_cache::sync::Cache::with_weighter(EXPECTED_ENTRIES, config.memory_bytes.get(), Bytes),
            store,
        }
    }

    /// As [`Self::open`], without a file: results of earlier runs are not available, and none are kept.
    #[must_use]
    pub fn in_memory(config: &CacheConfig) -> Self {
        Self::open(&CacheConfig { max_bytes: Whole::constant::<0>(), ..config.clone() })
    }

    /// True if the cache stores anything, in memory or in a file.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// The results of each of `passages`, in their order; `None` for those that are not in the cache.
    #[must_use]
    pub fn find(&self, passages: &[(Key, &Passage)]) -> Vec<Option<Vec<HeadOutputs>>> {
        let mut found: Vec<_> = passages.iter().map(|(key, _)| self.memory.get(key)).collect();
        if let Some(store) = &self.store {
            let missing: Vec<usize> = (0..passages.len()).filter(|&place| found[place].is_none()).collect();
            let keys: Vec<Key> = missing.iter().map(|&place| passages[place].0).collect();
            for ((place, key), value) in missing.into_iter().zip(&keys).zip(store.find(&keys)) {
                if let Some(value) = value {
                    let value: Arc<[u8]> = value.into();
                    self.memory.insert(*key, Arc::clone(&value));
                    found[place] = Some(value);
                }
            }
        }
        found.into_iter().zip(passages).map(|(value, (_, passage))| decode(&value?, passage)).collect()
    }

    /// Stores the results of passages.
    pub fn keep<'r>(&self, outputs: impl Iterator<Item = (Key, &'r [HeadOutputs])>) {
        let mut values: Vec<(Key, Arc<[u8]>)> = Vec::new();
        for (key, outputs) in outputs {
            if let Ok(value) = postcard::to_allocvec(outputs) {
                values.push((key, value.into()));
            }
        }
        if let Some(store) = &self.store {
            store.keep(&values);
        }
        for (key, value) in values {
            self.memory.insert(key, value);
        }
    }
}

/// The results of a passage from a stored value; `None` if they do not fit the passage.
fn decode(value: &[u8], passage: &Passage) -> Option<Vec<HeadOutputs>> {
    let outputs: Vec<HeadOutputs> = postcard::from_bytes(value).ok()?;
    let fits = outputs.len() == passage.segments.len()
        && outputs.iter().zip(&passage.segments).all(|(output, segment)| has_labels_of(output, segment.tokens.len()));
    fits.then_some(outputs)
}

/// Returns true if a result has a label and its probability for each of `tokens` tokens.
fn has_labels_of(output: &HeadOutputs, tokens: usize) -> bool {
    output.tokens.iter().all(|labels| labels.len() == tokens)
        && output.confidences.len() == output.tokens.len()
        && output.confidences.iter().all(|confidences| confidences.len() == tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SentenceVector;
    use crate::model::passage::Segment;

    fn passage(ids: &[u32]) -> Passage {
        let segment = Segment { tokens: 1..ids.len() - 1, offsets: Vec::new(), is_truncated: false };
        Passage { ids: ids.to_vec(), segments: vec![segment], has_document: false }
    }

    fn output(share: f32) -> Vec<HeadOutputs> {
        vec![HeadOutputs {
            sequences: vec![vec![share, 1.0 - share]],
            tokens: vec![vec![3]],
            confidences: vec![vec![200]],
            vector: Some(SentenceVector::quantized(&[share, -0.5])),
        }]
    }

    fn passage_keys() -> PassageKeys {
        PassageKeys { digest: Sha256::new() }
    }

    fn config(directory: &std::path::Path) -> CacheConfig {
        CacheConfig { directory: directory.to_owned(), ..CacheConfig::default() }
    }

    #[test]
    fn results_are_found_to_the_last_bit_also_by_a_later_run() {
        let folder = tempfile::tempdir().unwrap();
        let known = passage(&[101, 7, 102]);
        let unknown = passage(&[101, 8, 102]);
        let keys = [(passage_keys().key(&known), &known), (passage_keys().key(&unknown), &unknown)];
        let share = 0.1 + 0.2_f32.sqrt();
        {
            let cache = PassageCache::open(&config(folder.path()));
            assert_eq!(cache.find(&keys), [None, None]);
            cache.keep(std::iter::once((keys[0].0, output(share).as_slice())));
            assert_eq!(cache.find(&keys), [Some(output(share)), None]);
        }
        assert_eq!(PassageCache::open(&config(folder.path())).find(&keys), [Some(output(share)), None]);
    }

    #[test]
    fn passages_with_the_same_tokens_and_other_segments_have_other_keys() {
        let one = passage(&[101, 7, 8, 102]);
        let mut two = one.clone();
        two.segments = vec![
            Segment { tokens: 1..2, ..one.segments[0].clone() },
            Segment { tokens: 2..3, ..one.segments[0].clone() },
        ];
        assert_ne!(passage_keys().key(&one), passage_keys().key(&two));
        assert_eq!(decode(&postcard::to_allocvec(&output(0.5)).unwrap(), &two), None);
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_only_the_results_of_other_runs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "not a folder").unwrap();
        let cache = PassageCache::open(&config(&file));
        let known = passage(&[101, 7, 102]);
        let key = passage_keys().key(&known);
        cache.keep(std::iter::once((key, output(0.5).as_slice())));
        assert_eq!(cache.find(&[(key, &known)]), [Some(output(0.5))]);
    }
}
