//! [`Tree`]: a mirror as a value, and what a set of changes means to it.
//!
//! This is the specification of a batch. The receiver's stores and the client's snapshot do the same on their own
//! data structures; properties compare them with this one.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Change, Entry, Kind, Metadata, RefusalReason, Refused, RelPath};

/// A whole tree: the root's metadata and every entry by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    root: Metadata,
    entries: BTreeMap<RelPath, Entry>,
}

impl Tree {
    /// A tree with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The root's metadata.
    #[must_use]
    pub fn root(&self) -> &Metadata {
        &self.root
    }

    /// What is at a path.
    #[must_use]
    pub fn get(&self, path: &RelPath) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// All entries, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&RelPath, &Entry)> {
        self.entries.iter()
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many files it has.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.entries.values().filter(|entry| entry.kind() == Kind::File).count() as u64
    }

    /// How many files cease to exist by a set of changes that makes `after` of this tree: those that were, and that
    /// came, and are not. A file that only moves or changes goes on; one that is deleted on its own or with a
    /// directory, overwritten by a move, or replaced by another kind does not.
    #[must_use]
    pub fn ended_by(&self, changes: &[Change], after: &Self) -> u64 {
        let arriving = changes.iter().filter(|change| change.brings_file()).count() as u64;
        (self.files() + arriving).saturating_sub(after.files())
    }

    /// Sets the root's metadata.
    pub fn set_root(&mut self, metadata: Metadata) {
        self.root = metadata;
    }

    /// Puts an entry at a path, for building trees; no rule is checked.
    pub fn insert(&mut self, path: RelPath, entry: Entry) {
        self.entries.insert(path, entry);
    }

    /// The tree after a set of changes, each of which means this tree.
    ///
    /// # Errors
    /// All changes that cannot be applied, with their reasons; then nothing is.
    pub fn apply(&self, changes: &[Change]) -> Result<Self, Vec<Refused>> {
        let mut set =
            Application { tree: self.clone(), moved: Vec::new(), leaving: BTreeSet::new(), refused: Vec::new() };
        set.check_values(changes);
        set.name_what_leaves(changes);
        if set.refused.is_empty() {
            set.detach(changes);
            set.attach(changes);
        }
        if set.refused.is_empty() { Ok(set.tree) } else { Err(set.refused) }
    }

    /// Everything at and below a path, taken out.
    fn take_subtree(&mut self, path: &RelPath) -> Vec<(RelPath, Entry)> {
        let taken: Vec<RelPath> = self.subtree(path).cloned().collect();
        taken
            .into_iter()
            .map(|path| {
                let entry = self.entries.remove(&path).expect("was listed a line above");
                (path, entry)
            })
            .collect()
    }

    /// The paths at and below a path. A directory sorts directly before what is in it.
    fn subtree<'a>(&'a self, path: &'a RelPath) -> impl Iterator<Item = &'a RelPath> {
        self.entries
            .range(path.clone()..)
            .map(|(below, _)| below)
            .take_while(move |below| *below == path || below.is_below(path))
    }
}

/// The places that a set of changes vacates.
#[derive(Debug, Default)]
pub struct Leaving<'a> {
    deleted: BTreeSet<&'a RelPath>,
    moved: BTreeSet<&'a RelPath>,
}

impl<'a> Leaving<'a> {
    /// Those of these changes.
    #[must_use]
    pub fn of(changes: &'a [Change]) -> Self {
        let mut leaving = Self::default();
        for change in changes {
            match change {
                Change::Delete { path } => leaving.deleted.insert(path),
                Change::Move { from, .. } => leaving.moved.insert(from),
                _ => continue,
            };
        }
        leaving
    }

    /// Whether what is at a path of the base goes along with a deleted directory above it: so it does if the
    /// nearest directory above that leaves is deleted, and not if that moves out of there.
    #[must_use]
    pub fn takes_along(&self, path: &RelPath) -> bool {
        let leaves = |above: &RelPath| self.deleted.contains(above) || self.moved.contains(above);
        path.ancestors().filter(leaves).last().is_some_and(|nearest| self.deleted.contains(&nearest))
    }
}

/// A set of changes being applied: first everything that leaves its place goes, then everything that arrives comes.
struct Application {
    tree: Tree,
    /// What each move took along, by the move's index.
    moved: Vec<(usize, Vec<(RelPath, Entry)>)>,
    /// Base paths that are named as leaving.
    leaving: BTreeSet<RelPath>,
    refused: Vec<Refused>,
}

impl Application {
    fn refuse(&mut self, index: usize, reason: RefusalReason) {
        let index = u32::try_from(index).expect("a batch has fewer than 2^32 changes");
        self.refused.push(Refused { index, reason });
    }

    /// Values that no tree could hold, and two changes for one place.
    fn check_values(&mut self, changes: &[Change]) {
        let mut arriving = BTreeSet::new();
        for (index, change) in changes.iter().enumerate() {
            let root_allowed = matches!(change, Change::Metadata { .. });
            if change.path().is_root() && !root_allowed
                || change.metadata().is_some_and(|metadata| !metadata.is_valid())
            {
                self.refuse(index, RefusalReason::Invalid);
            }
            if !matches!(change, Change::Delete { .. }) && !arriving.insert(change.path()) {
                self.refuse(index, RefusalReason::Contradiction);
            }
        }
    }

    /// Deletes and moves: each names something of the base, and names it once.
    fn name_what_leaves(&mut self, changes: &[Change]) {
        let leaving = Leaving::of(changes);
        for (index, change) in changes.iter().enumerate() {
            let (Change::Delete { path: leaves } | Change::Move { from: leaves, .. }) = change else { continue };
            let gone_with_a_deleted_one = matches!(change, Change::Delete { .. }) && leaving.takes_along(leaves);
            match self.tree.get(leaves) {
                None => self.refuse(index, RefusalReason::Missing),
                Some(_) if gone_with_a_deleted_one => self.refuse(index, RefusalReason::Contradiction),
                Some(_) if !self.leaving.insert(leaves.clone()) => self.refuse(index, RefusalReason::Contradiction),
                Some(old) => {
                    if change.entry().is_some_and(|new| new.kind() != old.kind()) {
                        self.refuse(index, RefusalReason::WrongKind);
                    }
                }
            }
        }
    }

    /// Takes out what leaves, deepest first, so that what moves out of a directory does not go with it.
    fn detach(&mut self, changes: &[Change]) {
        let mut leaving: Vec<(usize, &RelPath)> = changes
            .iter()
            .enumerate()
            .filter_map(|(index, change)| match change {
                Change::Delete { path } => Some((index, path)),
                Change::Move { from, .. } => Some((index, from)),
                _ => None,
            })
            .collect();
        leaving.sort_by(|a, b| b.1.cmp(a.1));
        for (index, path) in leaving {
            let taken = self.tree.take_subtree(path);
            if matches!(changes[index], Change::Move { .. }) {
                self.moved.push((index, taken));
            }
        }
    }

    /// Puts in what arrives, a directory before what is in it.
    fn attach(&mut self, changes: &[Change]) {
        let mut moved: BTreeMap<usize, Vec<(RelPath, Entry)>> = self.moved.drain(..).collect();
        let mut arriving: Vec<usize> =
            (0..changes.len()).filter(|index| deleted_path(&changes[*index]).is_none()).collect();
        arriving.sort_by(|a, b| changes[*a].path().cmp(changes[*b].path()));
        for index in arriving {
            let change = &changes[index];
            if let Err(reason) = self.attach_one(change, moved.remove(&index).unwrap_or_default()) {
                self.refuse(index, reason);
            }
        }
    }

    fn attach_one(&mut self, change: &Change, taken: Vec<(RelPath, Entry)>) -> Result<(), RefusalReason> {
        self.check_parent(change.path())?;
        let there = self.tree.get(change.path()).map(Entry::kind);
        match (change, there) {
            (Change::Create { .. } | Change::Move { .. }, Some(Kind::Directory)) => Err(RefusalReason::Occupied),
            (Change::Create { .. }, Some(_)) => Err(RefusalReason::Occupied),
            (Change::Modify { .. } | Change::Replace { .. }, None) => Err(RefusalReason::Missing),
            (Change::Modify { entry, .. }, Some(kind)) if kind != entry.kind() || kind == Kind::Directory => {
                Err(RefusalReason::WrongKind)
            }
            (Change::Replace { entry, .. }, Some(kind)) if kind == entry.kind() => Err(RefusalReason::WrongKind),
            (Change::Metadata { path, metadata }, _) => self.set_metadata(path, metadata),
            (Change::Move { from, to, entry }, _) => {
                self.place_moved(from, to, entry, taken);
                Ok(())
            }
            (Change::Create { path, entry } | Change::Modify { path, entry } | Change::Replace { path, entry }, _) => {
                self.tree.take_subtree(path);
                self.tree.insert(path.clone(), entry.clone());
                Ok(())
            }
            (Change::Delete { .. }, _) => unreachable!("deletes never arrive"),
        }
    }

    fn check_parent(&self, path: &RelPath) -> Result<(), RefusalReason> {
        match path.parent() {
            Some(parent) if !parent.is_root() => match self.tree.get(&parent) {
                Some(Entry::Directory { .. }) => Ok(()),
                Some(_) | None => Err(RefusalReason::NoParent),
            },
            Some(_) | None => Ok(()),
        }
    }

    fn set_metadata(&mut self, path: &RelPath, metadata: &Metadata) -> Result<(), RefusalReason> {
        let place = if path.is_root() {
            &mut self.tree.root
        } else {
            self.tree.entries.get_mut(path).ok_or(RefusalReason::Missing)?.metadata_mut()
        };
        *place = metadata.clone();
        Ok(())
    }

    fn place_moved(&mut self, from: &RelPath, to: &RelPath, entry: &Entry, taken: Vec<(RelPath, Entry)>) {
        for (path, below) in taken {
            let path = path.rebased(from, to).expect("what a move took lies at or below its origin");
            self.tree.insert(path, below);
        }
        self.tree.insert(to.clone(), entry.clone());
    }
}

fn deleted_path(change: &Change) -> Option<&RelPath> {
    match change {
        Change::Delete { path } => Some(path),
        _ => None,
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
