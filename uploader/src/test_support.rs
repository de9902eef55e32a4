//! What several tests need: short names for values, a small model of a receiver, a ledger in memory.

use protocol::{Change, ContentId, Entry, Metadata, RelPath, Tree};

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
