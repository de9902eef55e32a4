//! [`Index`]: which list holds a chunk, for one chunk in eight or fewer.

use std::collections::BTreeMap;

use crate::{Chunk, ChunkList};

/// At first, chunks whose hash is divisible by this are kept: one in eight.
const SAMPLE_ONE_IN: u64 = 8;
/// Most lists named for one content.
const MOST_CANDIDATES: usize = 256;

/// One kept chunk: the hash, and the number of the list it is in.
type Entry = (u64, i64);

/// Chunks of many lists, sampled by their hashes, so that lists which share chunks keep the same ones. Bounded: where it
/// becomes full, every second chunk is dropped, and from then on half as many are kept.
#[derive(Debug)]
pub struct Index {
    /// Sorted by hash, and each hash once, when it is [`Self::sealed`].
    entries: Vec<Entry>,
    most: usize,
    one_in: u64,
}

impl Index {
    /// An index of at most `bytes` bytes of memory.
    #[must_use]
    pub fn within(bytes: usize) -> Self {
        Self { entries: Vec::new(), most: (bytes / size_of::<Entry>()).max(1), one_in: SAMPLE_ONE_IN }
    }

    /// Adds a list under its number.
    pub fn add(&mut self, number: i64, list: &ChunkList) {
        for (hash, _) in sampled(list.iter(), self.one_in) {
            if self.entries.len() == self.most {
                self.make_room();
            }
            if hash.is_multiple_of(self.one_in) {
                self.entries.push((hash, number));
            }
        }
    }

    /// Ends adding.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.sort();
        self.entries.shrink_to_fit();
        self
    }

    /// How many chunks it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no chunk.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The numbers of lists that share some of the chunks `new`, those that share most bytes first, 256 at most.
    #[must_use]
    pub fn candidates(&self, new: impl Iterator<Item = Chunk>) -> Vec<i64> {
        let mut shared: BTreeMap<i64, u64> = BTreeMap::new();
        for (hash, length) in sampled(new, self.one_in) {
            if let Ok(at) = self.entries.binary_search_by_key(&hash, |entry| entry.0) {
                *shared.entry(self.entries[at].1).or_default() += u64::from(length);
            }
        }
        let mut numbers: Vec<(i64, u64)> = shared.into_iter().collect();
        numbers.sort_by_key(|(number, bytes)| (std::cmp::Reverse(*bytes), *number));
        numbers.into_iter().map(|(number, _)| number).take(MOST_CANDIDATES).collect()
    }

    /// Drops what was kept twice; where that is not enough, every second chunk, until a quarter is free.
    fn make_room(&mut self) {
        self.sort();
        while self.entries.len() > self.most / 4 * 3 && self.one_in < u64::MAX / 2 {
            self.one_in *= 2;
            let one_in = self.one_in;
            self.entries.retain(|(hash, _)| hash.is_multiple_of(one_in));
        }
    }

    fn sort(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup_by_key(|entry| entry.0);
    }
}

/// The chunks that are kept, as hash and length.
fn sampled(chunks: impl Iterator<Item = Chunk>, one_in: u64) -> impl Iterator<Item = (u64, u32)> {
    chunks.filter_map(move |chunk| match chunk {
        Chunk::Bytes { hash, length } if hash.is_multiple_of(one_in) => Some((hash, length)),
        Chunk::Bytes { .. } | Chunk::Zeros { .. } => None,
    })
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
