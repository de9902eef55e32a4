//! What several tests need: short names for values, a small model of a receiver, a ledger in memory.

mod client;
mod receiver;
mod told;
mod world;

pub(crate) use client::{Client, Kept};
pub(crate) use receiver::{Flaky, ModelReceiver, Script, interrupted};
pub(crate) use told::Told;
pub(crate) use world::World;

use protocol::{Change, ContentId, Entry, Kind, Metadata, RelPath, Tree};

pub(crate) fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid in this test")
}

pub(crate) fn file(text: &str) -> Entry {
    Entry::File { metadata: Metadata::default(), size: text.len() as u64, content: ContentId::of(text.as_bytes()) }
}

pub(crate) fn directory() -> Entry {
    Entry::Directory { metadata: Metadata::default() }
}

/// `a/` is a directory, anything else `path=content`.
pub(crate) fn tree(items: &[&str]) -> Tree {
    let mut tree = Tree::new();
    for item in items {
        match item.split_once('=') {
            Some((name, content)) => tree.insert(path(name), file(content)),
            None => tree.insert(path(item.trim_end_matches('/')), directory()),
        }
    }
    tree
}

pub(crate) fn moved(from: &str, to: &str, entry: Entry) -> Change {
    Change::Move { from: path(from), to: path(to), entry }
}

pub(crate) fn delete(at: &str) -> Change {
    Change::Delete { path: path(at) }
}

pub(crate) fn create(at: &str, entry: Entry) -> Change {
    Change::Create { path: path(at), entry }
}

/// What turns one tree into another, without moves.
pub(crate) fn difference(old: &Tree, new: &Tree) -> Vec<Change> {
    let mut changes = Vec::new();
    for (path, _) in old.iter().filter(|(path, _)| new.get(path).is_none()) {
        let goes_with_its_directory =
            path.ancestors().any(|above| old.get(&above).is_some() && !is_directory(new, &above));
        if !goes_with_its_directory {
            changes.push(Change::Delete { path: path.clone() });
        }
    }
    for (path, entry) in new.iter() {
        let (path, entry) = (path.clone(), entry.clone());
        changes.extend(match old.get(&path) {
            None => Some(Change::Create { path, entry }),
            Some(was) if was.kind() != entry.kind() => Some(Change::Replace { path, entry }),
            Some(was) if !was.same_content(&entry) => Some(Change::Modify { path, entry }),
            Some(was) if *was != entry => Some(Change::Metadata { path, metadata: entry.metadata().clone() }),
            Some(_) => None,
        });
    }
    if old.root() != new.root() {
        changes.push(Change::Metadata { path: RelPath::root(), metadata: new.root().clone() });
    }
    changes
}

fn is_directory(tree: &Tree, path: &RelPath) -> bool {
    tree.get(path).is_some_and(|entry| entry.kind() == Kind::Directory)
}
