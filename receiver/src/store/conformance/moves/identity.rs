//! [`Identity`]: which entries of one tree are the same things as which of another, and the changes that say so.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Change, Entry, Kind, RelPath, Tree};

/// For some entries of an old tree, where they are in a new one. Nothing is in two places, and no kind changes.
pub(crate) type Identity = BTreeMap<RelPath, RelPath>;

/// How a change set says that something gives way to something else at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wording {
    /// A delete, and a create or move.
    Apart,
    /// A replace, or a move that overwrites, where there is one that says it.
    Together,
}

/// All identities of two trees.
pub(crate) fn identities(old: &Tree, new: &Tree) -> Vec<Identity> {
    let mut all = vec![Identity::new()];
    for (path, entry) in old.iter() {
        let mut extended = all.clone();
        for (to, _) in new.iter().filter(|(_, there)| there.kind() == entry.kind()) {
            let is_free = |identity: &&Identity| !identity.values().any(|taken| taken == to);
            extended.extend(all.iter().filter(is_free).map(|identity| {
                let mut identity = identity.clone();
                identity.insert(path.clone(), to.clone());
                identity
            }));
        }
        all = extended;
    }
    all
}

/// The changes that make one tree of another, by an identity.
pub(crate) fn changes(old: &Tree, new: &Tree, identity: &Identity, wording: Wording) -> Vec<Change> {
    let origins = identity.iter().map(|(from, to)| (to, from)).collect();
    let differ = Differ { old, new, identity, origins, wording };
    let mut changes: Vec<Change> = new.iter().filter_map(|(path, entry)| differ.arrival(path, entry)).collect();
    changes.extend(old.iter().filter(|(path, _)| differ.is_deleted(path)).map(|(path, _)| delete(path)));
    changes
}

fn delete(path: &RelPath) -> Change {
    Change::Delete { path: path.clone() }
}

struct Differ<'a> {
    old: &'a Tree,
    new: &'a Tree,
    identity: &'a Identity,
    origins: BTreeMap<&'a RelPath, &'a RelPath>,
    wording: Wording,
}

impl Differ<'_> {
    /// What the new tree's entry at a path takes; nothing if it was there, as it is.
    fn arrival(&self, path: &RelPath, entry: &Entry) -> Option<Change> {
        let (path, entry) = (path.clone(), entry.clone());
        match self.origins.get(&path) {
            None if self.gives_way_at(&path).is_some() => Some(Change::Replace { path, entry }),
            None => Some(Change::Create { path, entry }),
            Some(from) if !self.stays(from) => Some(Change::Move { from: (*from).clone(), to: path, entry }),
            Some(from) if self.old.get(from) == Some(&entry) => None,
            Some(from) if self.old.get(from).is_some_and(|was| was.same_content(&entry)) => {
                Some(Change::Metadata { path, metadata: entry.metadata().clone() })
            }
            Some(_) => Some(Change::Modify { path, entry }),
        }
    }

    /// What is not in the new tree is deleted, unless it goes with a directory above it or gives way.
    fn is_deleted(&self, path: &RelPath) -> bool {
        if self.identity.contains_key(path) || self.given_way().contains(path) {
            return false;
        }
        let leaves = |above: &RelPath| !above.is_root() && !self.stays(above);
        // Sorted from the root down.
        let nearest = path.ancestors().filter(leaves).last();
        nearest.is_none_or(|nearest| self.identity.contains_key(&nearest))
    }

    /// Whether something of the old tree keeps its place: its name, in the same directory.
    fn stays(&self, from: &RelPath) -> bool {
        self.identity.get(from).is_some_and(|to| self.place_of(from).as_ref() == Some(to))
    }

    /// The path that an old place has in the new tree; nothing if its directory is not there.
    fn place_of(&self, from: &RelPath) -> Option<RelPath> {
        let (above, name) = from.split_last()?;
        let above = if above.is_root() { above } else { self.identity.get(&above)?.clone() };
        above.join(&name).ok()
    }

    /// Old entries that go because of what comes to their places, and that no delete names.
    fn given_way(&self) -> BTreeSet<RelPath> {
        self.new.iter().filter_map(|(path, _)| self.gives_way_at(path)).collect()
    }

    /// The old entry that a replace or an overwriting move at a path of the new tree does away with.
    fn gives_way_at(&self, path: &RelPath) -> Option<RelPath> {
        if self.wording == Wording::Apart {
            return None;
        }
        let kind = self.new.get(path)?.kind();
        let at_place = |from: &&RelPath| self.place_of(from).as_ref() == Some(path);
        let gone = |from: &&RelPath| !self.identity.contains_key(*from);
        let (from, was) = self.old.iter().find(|(from, _)| at_place(from) && gone(from))?;
        let is_named = match self.origins.get(path) {
            None => was.kind() != kind,
            Some(_) => was.kind() != Kind::Directory,
        };
        is_named.then(|| from.clone())
    }
}

#[test]
fn every_identity_of_small_trees_is_a_change_set_that_means_the_new_tree() {
    let trees = super::trees(3);
    let mut tried = 0u32;
    for (old, new) in trees.iter().flat_map(|old| trees.iter().map(move |new| (old, new))) {
        for identity in identities(old, new) {
            for wording in [Wording::Apart, Wording::Together] {
                let changes = changes(old, new, &identity, wording);
                assert_eq!(old.apply(&changes).as_ref(), Ok(new), "{changes:#?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 100_000, "{tried}");
}
