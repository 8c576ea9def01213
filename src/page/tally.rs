//! Counts by key in bounded memory, and samples that do not depend on the order of what they are drawn from.

use std::collections::HashMap;
use std::hash::Hash;

use crate::digest::sha256_of_all;

/// The largest number of keys that a [`Tally`] holds.
const MAX_KEYS: usize = 1 << 16;

/// A value that is counted, and grows.
pub(super) trait Weighted {
    /// Its weight: of two keys the heavier one is kept.
    fn weight(&self) -> u64;
}

/// Values by key. Where there are more than [`MAX_KEYS`] keys, those with the least weight are left out, half of them at a time; a key
/// that comes back later begins anew. The heaviest keys are exact as long as they are never among the lighter half.
#[derive(Debug)]
pub(super) struct Tally<K, V> {
    values: HashMap<K, V>,
    max_keys: usize,
}

impl<K: Eq + Hash + Ord + Clone, V: Weighted + Default> Tally<K, V> {
    /// An empty tally.
    pub(super) fn new() -> Self {
        Self { values: HashMap::new(), max_keys: MAX_KEYS }
    }

    /// The value of `key`, which is made if need be.
    pub(super) fn value_mut(&mut self, key: K) -> &mut V {
        if self.values.len() >= self.max_keys && !self.values.contains_key(&key) {
            self.leave_out_half();
        }
        self.values.entry(key).or_default()
    }

    /// The `number` heaviest keys; of equals the first by key.
    pub(super) fn heaviest(self, number: usize) -> Vec<(K, V)> {
        let mut values: Vec<(K, V)> = self.values.into_iter().collect();
        values.sort_by(|(a_key, a), (b_key, b)| b.weight().cmp(&a.weight()).then_with(|| a_key.cmp(b_key)));
        values.truncate(number);
        values
    }

    fn leave_out_half(&mut self) {
        let values = std::mem::take(&mut self.values);
        let half = self.max_keys / 2;
        self.values = Self { values, max_keys: self.max_keys }.heaviest(half).into_iter().collect();
    }
}

/// At most so many items, drawn at random from any number of them: those with the smallest keys. The keys are hashes, so the sample is
/// always the same, in whatever order the items come.
#[derive(Debug, Clone)]
pub(super) struct Sample<T> {
    items: Vec<(u64, T)>,
    size: usize,
}

impl<T: Ord> Sample<T> {
    /// A sample of `size` items.
    pub(super) fn new(size: usize) -> Self {
        Self { items: Vec::new(), size }
    }

    /// True if an item with this key would be in the sample.
    pub(super) fn wants(&self, key: u64) -> bool {
        self.items.len() < self.size || self.items.last().is_some_and(|(last, _)| key < *last)
    }

    /// Offers an item.
    pub(super) fn offer(&mut self, key: u64, item: T) {
        if self.wants(key) {
            let place = self.items.partition_point(|(other, _)| *other < key);
            self.items.insert(place, (key, item));
            self.items.truncate(self.size);
        }
    }

    /// The items, in their random order.
    pub(super) fn into_items(self) -> impl Iterator<Item = T> {
        self.items.into_iter().map(|(_, item)| item)
    }
}

/// A hash of texts, evenly spread.
pub(super) fn seed<'t>(texts: impl IntoIterator<Item = &'t str>) -> u64 {
    let digest = sha256_of_all(texts);
    digest.iter().take(8).fold(0, |seed, &byte| seed << 8 | u64::from(byte))
}

/// The `number`th random number after a seed (`SplitMix64`).
pub(super) fn random(seed: u64, number: u64) -> u64 {
    let mut value = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Count(u64);

    impl Weighted for Count {
        fn weight(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn a_tally_keeps_the_heaviest_keys_and_no_more_than_its_size() {
        let mut tally: Tally<String, Count> = Tally { values: HashMap::new(), max_keys: 8 };
        for round in 0..100_u32 {
            tally.value_mut("often".to_owned()).0 += 2;
            tally.value_mut(format!("rare {round}")).0 += 1;
            assert!(tally.values.len() <= 8);
        }
        assert_eq!(tally.heaviest(1), [("often".to_owned(), Count(200))]);
    }

    #[test]
    fn of_equals_the_first_by_key_comes_first() {
        let mut tally: Tally<&str, Count> = Tally::new();
        for key in ["b", "c", "a"] {
            tally.value_mut(key).0 += 1;
        }
        let keys: Vec<_> = tally.heaviest(2).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["a", "b"]);
    }

    #[test]
    fn a_sample_does_not_depend_on_the_order() {
        let seed = seed(["night", "7"]);
        let mut forwards = Sample::new(5);
        let mut backwards = Sample::new(5);
        (0..1000).for_each(|number| forwards.offer(random(seed, number), number));
        (0..1000).rev().for_each(|number| backwards.offer(random(seed, number), number));
        let sample: Vec<_> = forwards.into_items().collect();
        assert_eq!(sample, backwards.into_items().collect::<Vec<_>>());
        assert_eq!(sample.len(), 5);
    }

    #[test]
    fn every_item_is_drawn_about_as_often() {
        let mut drawn = [0; 20];
        for night in 0..2000 {
            let mut sample = Sample::new(5);
            let seed = seed([night.to_string().as_str()]);
            (0..20).for_each(|number| sample.offer(random(seed, number), number));
            sample.into_items().for_each(|number| drawn[usize::try_from(number).unwrap()] += 1);
        }
        assert!(drawn.iter().all(|count| (400..600).contains(count)), "{drawn:?}");
    }
}
