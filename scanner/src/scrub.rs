//! The scrub: reads again what was verified longest ago, to find what stat cannot see.
//!
//! A store through mmap may leave every stamp as it was, and media forget. So in each round a budget of bytes is read
//! of files that seem unchanged, the longest unverified first. They are chosen while the tree is compared, in bounded
//! memory, and read after that.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Mutex, MutexGuard};

use protocol::{RelPath, Timestamp};
use seams::recorded::DirectoryId;

/// How many files are chosen in one round at most: tens of megabytes of paths.
const MOST_FILES: usize = 262_144;

/// A file that may be read again. The order is by when it was last verified.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub verified: Timestamp,
    pub path: RelPath,
    /// The recorded number of its directory.
    pub directory: DirectoryId,
    pub size: u64,
}

/// The longest unverified of the files offered so far, within a budget.
///
/// Invariant: it holds exactly those older than the oldest that it had to refuse; there are at most `MOST_FILES`, and
/// their sizes sum up to the budget at most, unless a single file is larger than that.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    budget: u64,
    bytes: u64,
    /// The last verified on top.
    chosen: BinaryHeap<Candidate>,
    /// The oldest that had no room.
    refused: Option<Candidate>,
}

impl Selection {
    pub(crate) fn new(budget: u64) -> Self {
        Self { budget, ..Self::default() }
    }

    /// An empty one that refuses what this one would refuse.
    fn fresh(&self) -> Self {
        Self { budget: self.budget, refused: self.refused.clone(), ..Self::default() }
    }

    /// Whether a file last verified then may have a place in it.
    pub(crate) fn wants(&self, verified: Timestamp) -> bool {
        self.budget > 0 && self.refused.as_ref().is_none_or(|refused| verified <= refused.verified)
    }

    /// Takes a file, if it is old enough, and gives up what has no room any more.
    pub(crate) fn offer(&mut self, candidate: Candidate) {
        if self.budget == 0 || self.refused.as_ref().is_some_and(|refused| *refused <= candidate) {
            return;
        }
        self.bytes = self.bytes.saturating_add(candidate.size);
        self.chosen.push(candidate);
        while self.chosen.len() > 1 && (self.bytes > self.budget || self.chosen.len() > MOST_FILES) {
            let Some(last_verified) = self.chosen.pop() else { break };
            self.bytes = self.bytes.saturating_sub(last_verified.size);
            self.refused = Some(last_verified);
        }
    }

    /// Takes in another with the same budget.
    fn merge(&mut self, other: Self) {
        for candidate in other.chosen {
            self.offer(candidate);
        }
        if let Some(refused) = other.refused {
            self.refuse(refused);
        }
    }

    /// Gives up everything that is not older than this.
    fn refuse(&mut self, candidate: Candidate) {
        while let Some(last_verified) = self.chosen.peek().filter(|last_verified| **last_verified >= candidate) {
            self.bytes = self.bytes.saturating_sub(last_verified.size);
            self.chosen.pop();
        }
        if self.refused.as_ref().is_none_or(|refused| candidate < *refused) {
            self.refused = Some(candidate);
        }
    }

    /// What was chosen, by directory.
    fn by_directory(self) -> Vec<Group> {
        let mut groups: BTreeMap<(RelPath, DirectoryId), Vec<RelPath>> = BTreeMap::new();
        for Candidate { path, directory, .. } in self.chosen {
            let parent = path.parent().unwrap_or_else(RelPath::root);
            groups.entry((parent, directory)).or_default().push(path);
        }
        let group = |((path, directory), mut files): (_, Vec<RelPath>)| {
            files.sort();
            files.dedup();
            Group { path, directory, files }
        };
        groups.into_iter().map(group).collect()
    }
}

/// What was chosen in one directory.
#[derive(Debug)]
pub(crate) struct Group {
    pub path: RelPath,
    pub directory: DirectoryId,
    pub files: Vec<RelPath>,
}

/// The selection of one round, shared by its threads.
#[derive(Debug)]
pub(crate) struct Scrub(Mutex<Selection>);

impl Scrub {
    pub(crate) fn new(budget: u64) -> Self {
        Self(Mutex::new(Selection::new(budget)))
    }

    fn selection(&self) -> MutexGuard<'_, Selection> {
        self.0.lock().expect("no holder of this lock panics")
    }

    /// An empty selection for one directory.
    pub(crate) fn fresh(&self) -> Selection {
        self.selection().fresh()
    }

    /// What one directory's selection holds.
    pub(crate) fn merge(&self, selection: Selection) {
        if !selection.chosen.is_empty() || selection.refused.is_some() {
            self.selection().merge(selection);
        }
    }

    /// Takes what was chosen.
    pub(crate) fn take(&self) -> Vec<Group> {
        std::mem::take(&mut *self.selection()).by_directory()
    }
}

#[cfg(test)]
#[path = "scrub_tests.rs"]
mod tests;
