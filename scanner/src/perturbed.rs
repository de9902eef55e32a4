//! Pairs of trees of which one was made of the other by moves, edits and removals: for tests of what is pure.

use proptest::prelude::*;
use protocol::{ContentId, Entry, Kind, RelPath, Timestamp};

use crate::plan_literals::{Literal, path, trees};

/// An old tree and a new one, of which the one may have nothing to do with the other: so it is with one pair of four.
pub(crate) fn pairs() -> impl Strategy<Value = (Literal, Literal)> {
    prop_oneof![1 => (trees(), trees()), 3 => perturbed()]
}

/// An old tree and a new one, in which what moved has kept its inode.
pub(crate) fn perturbed() -> impl Strategy<Value = (Literal, Literal)> {
    let step = (0..6u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3usize, 0..4u64);
    (trees(), prop::collection::vec(step, 0..8)).prop_map(|(mut old, steps)| {
        (1..).zip(old.values_mut()).for_each(|(inode, (_, number))| *number = inode);
        let mut new = old.clone();
        for (inode, (kind, this, that, name, content)) in (100..).zip(steps) {
            let mut directories: Vec<RelPath> = new
                .iter()
                .filter(|(_, (entry, _))| entry.kind() == Kind::Directory)
                .map(|(at, _)| at.clone())
                .collect();
            directories.push(RelPath::root());
            let name = path(["a", "b", "c"][name]).name().expect("no root");
            let to = that.get(&directories).join(&name).expect("short");
            let this = new.keys().nth(this.index(new.len().max(1))).cloned();
            match (kind, this) {
                (0..=2, Some(this)) => relocate(&mut new, &this, &to),
                (3, Some(this)) => new.retain(|at, _| *at != this && !at.is_below(&this)),
                (4, Some(this)) => edit(&mut new, &this, content),
                _ => create(&mut new, to, content, inode),
            }
        }
        (old, new)
    })
}

/// Moves something with all in it; what is in the way goes, or changes places with it.
fn relocate(tree: &mut Literal, from: &RelPath, to: &RelPath) {
    if from == to || to.is_below(from) || from.is_below(to) {
        return;
    }
    let swaps = from.depth() == to.depth();
    let take = |tree: &mut Literal, from: &RelPath| -> Vec<_> {
        tree.extract_if(.., |at, _| at == from || at.is_below(from)).collect()
    };
    let (moved, there) = (take(tree, from), take(tree, to));
    let put = |tree: &mut Literal, taken: Vec<(RelPath, _)>, from: &RelPath, to: &RelPath| {
        tree.extend(taken.into_iter().filter_map(|(at, item)| Some((at.rebased(from, to)?, item))));
    };
    put(tree, moved, from, to);
    if swaps {
        put(tree, there, to, from);
    }
}

fn edit(tree: &mut Literal, at: &RelPath, content: u64) {
    let (entry, _) = tree.get_mut(at).expect("was picked from the tree");
    match entry {
        Entry::File { metadata, .. } => *entry = file(metadata.clone(), content),
        other => other.metadata_mut().mtime = Timestamp::from_nanos(i64::try_from(content).expect("small")),
    }
}

fn create(tree: &mut Literal, at: RelPath, content: u64, inode: u64) {
    let metadata = protocol::Metadata { mode: 0o644, ..protocol::Metadata::default() };
    let entry = if content == 0 { Entry::Directory { metadata } } else { file(metadata, content) };
    tree.entry(at).or_insert((entry, inode));
}

fn file(metadata: protocol::Metadata, content: u64) -> Entry {
    let bytes = vec![b'x'; usize::try_from(content).expect("small")];
    Entry::File { metadata, size: content, content: ContentId::of(&bytes) }
}
