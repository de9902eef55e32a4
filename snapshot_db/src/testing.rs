//! What the tests share: short ways to write trees, readings and snapshots, and random histories of a small tree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use protocol::{Change, ContentId, Entry, Head, Lineage, LinkTarget, Metadata, Name, RelPath, Timestamp, Tree};
use seams::clock::BootId;
use seams::recorded::{DirectoryId, Evidence, Fingerprint, Moment, Reading, Recorded, Row, Trust};

use crate::{Counts, Snapshot};

pub(crate) const LINEAGE: Lineage = Lineage::from_bytes([7; 16]);

pub(crate) fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid in this test")
}

pub(crate) fn file(text: &str) -> Entry {
    Entry::File { metadata: Metadata::default(), size: text.len() as u64, content: ContentId::of(text.as_bytes()) }
}

pub(crate) fn directory() -> Entry {
    Entry::Directory { metadata: Metadata::default() }
}

pub(crate) fn create(at: &str, entry: Entry) -> Change {
    Change::Create { path: path(at), entry }
}

pub(crate) fn delete(at: &str) -> Change {
    Change::Delete { path: path(at) }
}

pub(crate) fn moved(from: &str, to: &str, entry: Entry) -> Change {
    Change::Move { from: path(from), to: path(to), entry }
}

pub(crate) fn head(number: u64) -> Head {
    Head { number, ..Head::genesis() }
}

/// A reading of `text`, whose evidence is the inode's.
pub(crate) fn reading(text: &str, inode: u64) -> Reading {
    Reading {
        evidence: Evidence {
            size: text.len() as u64,
            mtime: Timestamp::from_nanos(0),
            ctime: Timestamp::from_nanos(1_000 + inode.cast_signed()),
            inode,
        },
        fingerprint: Fingerprint([inode.to_le_bytes()[0]; 16]),
        content: ContentId::of(text.as_bytes()),
        first_seen: Moment { boot: BootId([3; 16]), since_boot: Duration::from_nanos(inode) },
        trust: Trust::Proven,
        verified: Timestamp::from_nanos(99),
    }
}

/// A snapshot of a tree written as `a/` for directories and `path=content` for files.
pub(crate) fn snapshot(items: &[&str]) -> Snapshot {
    let snapshot = Snapshot::in_memory(LINEAGE);
    let changes: Vec<Change> = items
        .iter()
        .map(|item| match item.split_once('=') {
            Some((at, content)) => create(at, file(content)),
            None => create(item.trim_end_matches('/'), directory()),
        })
        .collect();
    snapshot.acknowledge(head(1), &changes).expect("the items are a tree");
    snapshot
}

/// The row at a path, found through the public rows alone.
pub(crate) fn row(snapshot: &Snapshot, at: &str) -> Option<Row> {
    let mut id = DirectoryId::ROOT;
    let mut found = None;
    for component in path(at).components() {
        let row = snapshot.rows(id).expect("readable").into_iter().find(|row| row.name == component);
        id = row.as_ref().and_then(|row| row.directory).unwrap_or(DirectoryId(i64::MAX));
        found = Some(row);
    }
    found.flatten()
}

/// Every row by its path, and a check of what must hold at any time: each number leads to one place, every row is
/// reached from the root, nothing is acknowledged below what is not, and the kept counts are true.
pub(crate) fn sound_rows(snapshot: &Snapshot) -> BTreeMap<RelPath, Row> {
    let mut all = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    let mut counts = Counts::default();
    let mut waiting = vec![(RelPath::root(), DirectoryId::ROOT, true)];
    while let Some((parent, id, acknowledged)) = waiting.pop() {
        assert!(numbers.insert(id), "{id:?} is the number of two places");
        for row in snapshot.rows(id).expect("readable") {
            let at = parent.join(&row.name).expect("short");
            let is_directory = matches!(row.acknowledged, Some(Entry::Directory { .. }));
            assert!(row.acknowledged.is_none() || acknowledged, "{at} is acknowledged below what is not");
            assert!(!is_directory || row.directory.is_some(), "the directory {at} has no number");
            assert!(
                row.acknowledged.is_some() || row.reading.is_some() || row.directory.is_some(),
                "{at} says nothing"
            );
            counts += row.acknowledged.as_ref().map(Counts::of).unwrap_or_default();
            waiting.extend(row.directory.map(|id| (at.clone(), id, is_directory)));
            all.insert(at, row);
        }
    }
    assert_eq!(counts, snapshot.counts().expect("readable"));
    let rows = snapshot.writer().query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0));
    assert_eq!(usize::try_from(rows.expect("readable")).ok(), Some(all.len()), "a row is not reached from the root");
    all
}

/// One thing that happens to the tree; indices are taken modulo what there is.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Create { parent: usize, name: u8, what: u8 },
    Delete { node: usize },
    Rename { node: usize, parent: usize, name: u8 },
    Swap { one: usize, other: usize },
    Content { node: usize, what: u8 },
    Mode { node: usize, mode: u16 },
    Become { node: usize, what: u8 },
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let node = || 0_usize..64;
    let (name, what) = (|| 0_u8..4, || 0_u8..6);
    prop_oneof![
        4 => (node(), name(), what()).prop_map(|(parent, name, what)| Edit::Create { parent, name, what }),
        2 => node().prop_map(|node| Edit::Delete { node }),
        6 => (node(), node(), name()).prop_map(|(node, parent, name)| Edit::Rename { node, parent, name }),
        3 => (node(), node()).prop_map(|(one, other)| Edit::Swap { one, other }),
        2 => (node(), what()).prop_map(|(node, what)| Edit::Content { node, what }),
        1 => (node(), 0_u16..0o1000).prop_map(|(node, mode)| Edit::Mode { node, mode }),
        2 => (node(), what()).prop_map(|(node, what)| Edit::Become { node, what }),
    ]
}

/// A tree to begin with, about half of it directories.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let create = (0_usize..64, 0_u8..4, 0_u8..6).prop_map(|(parent, name, what)| Edit::Create { parent, name, what });
    prop::collection::vec(create, 4..40).prop_map(|creates| {
        let mut world = World::default();
        creates.iter().for_each(|create| world.edit(create));
        world
    })
}

/// An entry that sits somewhere, and goes on being itself wherever it is moved.
#[derive(Debug, Clone)]
struct Node {
    parent: usize,
    name: u8,
    entry: Entry,
}

/// One is the beginning of another, and sorts before `/` in bytes but not in paths.
const NAMES: [&[u8]; 4] = [b"a", b"a!", b"b", b"c"];

/// A small tree whose nodes keep their identity, so that the changes between two of its states are known without
/// a planner. Node 0 is the root.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    nodes: BTreeMap<usize, Node>,
    made: usize,
    pub(crate) root: Metadata,
}

impl World {
    pub(crate) fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Create { parent, name, what } => self.create(self.directory(*parent), *name, *what),
            Edit::Delete { node } => self.with(*node, Self::delete),
            Edit::Rename { node, parent, name } => {
                let parent = self.directory(*parent);
                self.with(*node, |world, node| world.rename(node, parent, *name));
            }
            Edit::Swap { one, other } => {
                self.with(*one, |world, one| world.with(*other, |world, other| world.swap(one, other)));
            }
            Edit::Content { node, what } => self.with(*node, |world, node| world.rewrite(node, *what)),
            Edit::Mode { node, mode } if *node == 0 => self.root.mode = *mode,
            Edit::Mode { node, mode } => self.with(*node, |world, node| {
                world.nodes.get_mut(&node).expect("was picked").entry.metadata_mut().mode = *mode;
            }),
            Edit::Become { node, what } => self.with(*node, |world, node| world.become_other(node, *what)),
        }
    }

    fn with(&mut self, pick: usize, act: impl FnOnce(&mut Self, usize)) {
        let picked = self.nodes.keys().nth(pick % self.nodes.len().max(1)).copied();
        if let Some(node) = picked {
            act(self, node);
        }
    }

    fn directory(&self, pick: usize) -> usize {
        let directories: Vec<usize> = std::iter::once(0)
            .chain(self.nodes.iter().filter(|(_, node)| node.entry == directory_like(&node.entry)).map(|(id, _)| *id))
            .collect();
        directories[pick % directories.len()]
    }

    fn child(&self, parent: usize, name: u8) -> Option<usize> {
        self.nodes.iter().find(|(_, node)| node.parent == parent && node.name == name).map(|(id, _)| *id)
    }

    fn is_within(&self, mut node: usize, above: usize) -> bool {
        while node != 0 && node != above {
            node = self.nodes[&node].parent;
        }
        node == above
    }

    fn create(&mut self, parent: usize, name: u8, what: u8) {
        if self.child(parent, name).is_none() && self.nodes.len() < 24 {
            self.made += 1;
            self.nodes.insert(self.made, Node { parent, name, entry: entry(what) });
        }
    }

    fn delete(&mut self, top: usize) {
        let gone: Vec<usize> = self.nodes.keys().copied().filter(|node| self.is_within(*node, top)).collect();
        self.nodes.retain(|node, _| !gone.contains(node));
    }

    fn rename(&mut self, node: usize, parent: usize, name: u8) {
        if self.child(parent, name).is_none() && !self.is_within(parent, node) {
            let moved = self.nodes.get_mut(&node).expect("was picked");
            (moved.parent, moved.name) = (parent, name);
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        if !self.is_within(one, other) && !self.is_within(other, one) {
            let place = |world: &Self, node| (world.nodes[&node].parent, world.nodes[&node].name);
            let places = (place(self, one), place(self, other));
            for (node, (parent, name)) in [(one, places.1), (other, places.0)] {
                let moved = self.nodes.get_mut(&node).expect("was picked");
                (moved.parent, moved.name) = (parent, name);
            }
        }
    }

    fn rewrite(&mut self, node: usize, what: u8) {
        let old = &mut self.nodes.get_mut(&node).expect("was picked").entry;
        let new = entry(what);
        if new.kind() == old.kind() {
            *old = new;
        }
    }

    fn become_other(&mut self, node: usize, what: u8) {
        let Node { parent, name, .. } = self.nodes[&node];
        self.delete(node);
        self.create(parent, name, what);
    }

    fn path(&self, node: usize) -> RelPath {
        match self.nodes.get(&node) {
            None => RelPath::root(),
            Some(Node { parent, name, .. }) => {
                let name = NAMES[usize::from(*name)];
                self.path(*parent).join(&Name::parse(name).expect("a name")).expect("short")
            }
        }
    }

    pub(crate) fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        tree.set_root(self.root.clone());
        for (id, node) in &self.nodes {
            tree.insert(self.path(*id), node.entry.clone());
        }
        tree
    }

    /// The changes that make this world into another one of its history.
    pub(crate) fn changes_to(&self, new: &Self, terse: bool) -> Vec<Change> {
        let mut changes: Vec<Change> = new.nodes.keys().filter_map(|node| self.arrival(*node, new)).collect();
        let is_gone = |node: &usize| !new.nodes.contains_key(node);
        for (id, node) in self.nodes.iter().filter(|(id, _)| is_gone(id)) {
            if node.parent == 0 || !is_gone(&node.parent) {
                self.departure(*id, new, terse, &mut changes);
            }
        }
        if self.root != new.root {
            changes.push(Change::Metadata { path: RelPath::root(), metadata: new.root.clone() });
        }
        changes
    }

    fn arrival(&self, id: usize, new: &Self) -> Option<Change> {
        let (path, now) = (new.path(id), &new.nodes[&id]);
        let entry = now.entry.clone();
        match self.nodes.get(&id) {
            None => Some(Change::Create { path, entry }),
            Some(was) if (was.parent, was.name) != (now.parent, now.name) => {
                Some(Change::Move { from: self.path(id), to: path, entry })
            }
            Some(was) if was.entry == entry => None,
            Some(was) if was.entry.same_content(&entry) => {
                Some(Change::Metadata { path, metadata: entry.metadata().clone() })
            }
            Some(_) => Some(Change::Modify { path, entry }),
        }
    }

    /// A delete; or, where a set says the same in fewer words, a replacement or an overwriting move.
    fn departure(&self, id: usize, new: &Self, terse: bool, changes: &mut Vec<Change>) {
        let path = self.path(id);
        let node = &self.nodes[&id];
        let holds_still = new.path(node.parent) == self.path(node.parent);
        let successor = changes.iter_mut().find(|change| terse && holds_still && *change.path() == path);
        match successor {
            Some(Change::Move { .. }) if node.entry != directory_like(&node.entry) => {}
            Some(change @ Change::Create { .. }) if change.entry().map(Entry::kind) != Some(node.entry.kind()) => {
                let entry = change.entry().cloned().expect("a create has an entry");
                *change = Change::Replace { path, entry };
            }
            _ => changes.push(Change::Delete { path }),
        }
    }
}

fn directory_like(entry: &Entry) -> Entry {
    Entry::Directory { metadata: entry.metadata().clone() }
}

fn entry(what: u8) -> Entry {
    match what {
        0 | 1 => file("one"),
        2 => file("other"),
        3 => Entry::Symlink { metadata: Metadata::default(), target: LinkTarget::parse(b"x").expect("a target") },
        _ => directory(),
    }
}

/// A reading of what a tree has at each path of a file, made up from the path so that it can be told again.
pub(crate) fn readings_of(tree: &Tree, salt: u64) -> Vec<(RelPath, Reading)> {
    tree.iter()
        .filter_map(|(at, entry)| {
            let (content, size) = entry.content()?;
            let inode = salt + at.as_bytes().iter().fold(0, |sum, byte| sum * 7 + u64::from(*byte));
            let mut reading = reading("", inode);
            (reading.content, reading.evidence.size) = (content, size);
            Some((at.clone(), reading))
        })
        .collect()
}
