//! What models have read before. Wire copy repeats: a passage that has been read once is not read again, in the same run or in
//! a later one. That is sound only for models whose reading of a passage does not depend, in a single bit, on what else is
//! in a batch; others are not asked about here.
//!
//! It is never needed: whatever is wrong with it, a run goes on without.

/// Readings in a file.
mod store;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::causes::chain;
use crate::config::CacheConfig;
use crate::model::{self, Passage, Reading};
use crate::task::UsedModel;
use store::Store;

/// What tells a passage, as one model in one precision reads it, from all others: a truncated SHA-256.
pub type Key = [u8; 16];

/// What has been read before: this run's in memory, other runs' in a file.
#[derive(Debug)]
pub struct Recall {
    is_on: bool,
    memory: quick_cache::sync::Cache<Key, Arc<[u8]>, Bytes>,
    store: Option<Store>,
}

/// Counts entries of the memory by the bytes that they take.
#[derive(Debug, Clone)]
struct Bytes;

impl quick_cache::Weighter<Key, Arc<[u8]>> for Bytes {
    fn weight(&self, _: &Key, value: &Arc<[u8]>) -> u64 {
        /// What an entry takes beside its reading, roughly.
        const OVERHEAD: u64 = 96;
        value.len() as u64 + OVERHEAD
    }
}

/// What tells one model in one precision on one kind of processor from others.
#[derive(Debug, Clone)]
pub struct Reader {
    digest: Sha256,
}

impl Reader {
    /// For the model `used` as it runs here.
    #[must_use]
    pub fn of(used: &UsedModel) -> Self {
        let mut digest = Sha256::new();
        let manifest = used.folder.manifest();
        let processor = model::processor();
        let (precision, device) = (used.runtime.precision.as_str(), used.runtime.device.as_str());
        for part in [precision, device, &processor, &manifest.fingerprint]
            .into_iter()
            .chain(used.heads.iter().map(String::as_str))
        {
            digest.update(part);
            digest.update([0]);
        }
        digest.update(model::REVISION.to_le_bytes());
        Self { digest }
    }

    /// The key of `passage`: of its tokens and of where its segments begin and end.
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

impl Recall {
    /// As `config` has it. Where the file cannot be used a warning says so.
    #[must_use]
    pub fn open(config: &CacheConfig) -> Self {
        /// How many readings the memory is laid out for at first.
        const READINGS: usize = 4096;
        let store = (config.max_bytes.get() > 0).then(|| Store::open(&config.directory, config.max_bytes.get()));
        let store = store.and_then(|opened| {
            let warn = |error| tracing::warn!(error = %chain(&error), "going on without what earlier runs have read");
            opened.map_err(warn).ok()
        });
        let is_on = store.is_some() || config.memory_bytes.get() > 0;
        Self {
            is_on,
            memory: quick_cache::sync::Cache::with_weighter(READINGS, config.memory_bytes.get(), Bytes),
            store,
        }
    }

    /// Whether it remembers anything.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// What has been read of each of `passages`, where it has been.
    #[must_use]
    pub fn find(&self, passages: &[(Key, &Passage)]) -> Vec<Option<Vec<Reading>>> {
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
        let readings = |(value, (_, passage)): (Option<Arc<[u8]>>, &(Key, &Passage))| decode(&value?, passage);
        found.into_iter().zip(passages).map(readings).collect()
    }

    /// Remembers what has been read of passages.
    pub fn keep<'r>(&self, readings: impl Iterator<Item = (Key, &'r [Reading])>) {
        let encode = |(key, readings)| Some((key, Arc::from(postcard::to_allocvec(readings).ok()?)));
        let values: Vec<(Key, Arc<[u8]>)> = readings.filter_map(encode).collect();
        if let Some(store) = &self.store {
            store.keep(&values);
        }
        for (key, value) in values {
            self.memory.insert(key, value);
        }
    }
}

/// The readings of a passage; none where what was kept does not fit it.
fn decode(value: &[u8], passage: &Passage) -> Option<Vec<Reading>> {
    let readings: Vec<Reading> = postcard::from_bytes(value).ok()?;
    let fits = readings.len() == passage.segments.len()
        && readings
            .iter()
            .zip(&passage.segments)
            .all(|(reading, segment)| reading.tokens.iter().all(|labels| labels.len() == segment.tokens.len()));
    fits.then_some(readings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::passage::Segment;

    fn passage(ids: &[u32]) -> Passage {
        let segment = Segment { tokens: 1..ids.len() - 1, offsets: Vec::new(), is_truncated: false };
        Passage { ids: ids.to_vec(), segments: vec![segment], has_document: false }
    }

    fn reading(share: f32) -> Vec<Reading> {
        vec![Reading { sequences: vec![vec![share, 1.0 - share]], tokens: vec![vec![3]] }]
    }

    fn reader() -> Reader {
        Reader { digest: Sha256::new() }
    }

    fn config(directory: &std::path::Path) -> CacheConfig {
        CacheConfig { directory: directory.to_owned(), ..CacheConfig::default() }
    }

    #[test]
    fn what_was_read_is_found_to_the_last_bit_also_by_a_later_run() {
        let folder = tempfile::tempdir().unwrap();
        let (known, unknown) = (passage(&[101, 7, 102]), passage(&[101, 8, 102]));
        let keys = [(reader().key(&known), &known), (reader().key(&unknown), &unknown)];
        let share = 0.1 + 0.2_f32.sqrt();
        {
            let recall = Recall::open(&config(folder.path()));
            assert_eq!(recall.find(&keys), [None, None]);
            recall.keep(std::iter::once((keys[0].0, reading(share).as_slice())));
            assert_eq!(recall.find(&keys), [Some(reading(share)), None]);
        }
        assert_eq!(Recall::open(&config(folder.path())).find(&keys), [Some(reading(share)), None]);
    }

    #[test]
    fn where_its_segments_lie_tells_a_passage_from_another_of_the_same_tokens() {
        let one = passage(&[101, 7, 8, 102]);
        let mut two = one.clone();
        two.segments = vec![
            Segment { tokens: 1..2, ..one.segments[0].clone() },
            Segment { tokens: 2..3, ..one.segments[0].clone() },
        ];
        assert_ne!(reader().key(&one), reader().key(&two));
        assert_eq!(decode(&postcard::to_allocvec(&reading(0.5)).unwrap(), &two), None);
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_only_what_earlier_runs_have_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "not a folder").unwrap();
        let recall = Recall::open(&config(&file));
        let known = passage(&[101, 7, 102]);
        let key = reader().key(&known);
        recall.keep(std::iter::once((key, reading(0.5).as_slice())));
        assert_eq!(recall.find(&[(key, &known)]), [Some(reading(0.5))]);
    }
}
