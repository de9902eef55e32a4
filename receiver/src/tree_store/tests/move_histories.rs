//! Long histories of directories that move about: the tree as of every revision stays right, and each change of it costs
//! its own rows and no others.

use protocol::{Change, Entry, Kind, RelPath, Tree};
use seams::random::{Random, SeededRandom};

use super::world::MemoryWorld;
use crate::store::conformance::peer::{Peer, directory};
use crate::tree_store::TreeStore;

/// Revisions of one history.
const REVISIONS: u64 = 40;
/// Changes tried for one revision.
const TRIES: u64 = 5;
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A history, of which the seed decides everything.
struct History<'s> {
    random: SeededRandom,
    peer: Peer<'s>,
    /// The tree of each revision, from the genesis on.
    trees: Vec<Tree>,
    /// Directories that moved with something in them.
    moved: usize,
}

impl History<'_> {
    fn pick<'t, T>(&self, all: &'t [T]) -> &'t T {
        &all[usize::try_from(self.random.below(all.len() as u64)).expect("small")]
    }

    /// A directory, or the root.
    fn directory(&self, tree: &Tree) -> RelPath {
        let all: Vec<RelPath> = directories(tree).chain([RelPath::root()]).collect();
        self.pick(&all).clone()
    }

    /// Something to do to a tree, which may be impossible.
    fn change(&mut self, tree: &Tree) -> Change {
        let called: &&str = self.pick(&NAMES);
        let place = self.directory(tree).join(&name(called)).expect("short");
        let all: Vec<(&RelPath, &Entry)> = tree.iter().collect();
        match self.random.below(8) {
            0 => Change::Create { path: place, entry: directory() },
            1 | 2 => {
                let text = self.random.below(9).to_string();
                Change::Create { path: place, entry: self.peer.file(text) }
            }
            3 if !all.is_empty() => Change::Delete { path: self.pick(&all).0.clone() },
            4 if !all.is_empty() => {
                let (path, entry) = self.pick(&all);
                Change::Move { from: (*path).clone(), to: place, entry: (*entry).clone() }
            }
            _ => Change::Move { from: self.directory(tree), to: place, entry: directory() },
        }
    }

    /// As many changes as fit together, delivered as one revision.
    fn step(&mut self) -> Vec<Change> {
        let base = self.trees.last().expect("begins with the genesis").clone();
        let mut batch = Vec::new();
        for _ in 0..TRIES {
            let mut tried = batch.clone();
            tried.push(self.change(&base));
            // Swaps and circles fit only together.
            tried.push(self.change(&base));
            let fits = |changes: &[Change]| base.apply(changes).is_ok() && nothing_is_overwritten(&base, changes);
            if fits(&tried) {
                batch = tried;
            } else {
                tried.pop();
                if fits(&tried) {
                    batch = tried;
                }
            }
        }
        if !batch.is_empty() {
            self.moved += batch.iter().filter(|change| moves_something(change, &base)).count();
            self.peer.deliver(&batch);
            self.trees.push(base.apply(&batch).expect("was tried"));
        }
        batch
    }
}

fn name(text: &str) -> protocol::Name {
    protocol::Name::parse(text.as_bytes()).expect("valid in this test")
}

fn directories(tree: &Tree) -> impl Iterator<Item = RelPath> {
    tree.iter().filter(|(_, entry)| entry.kind() == Kind::Directory).map(|(path, _)| path.clone())
}

/// Whether nothing comes to where a file is and stays: that would close a row of which no change speaks.
fn nothing_is_overwritten(base: &Tree, batch: &[Change]) -> bool {
    let stays = |change: &&Change| !matches!(change, Change::Delete { .. });
    let without_deletes: Vec<Change> = batch.iter().filter(stays).cloned().collect();
    base.apply(&without_deletes).is_ok_and(|after| base.ended_by(&without_deletes, &after) == 0)
}

fn moves_something(change: &Change, base: &Tree) -> bool {
    let Change::Move { from, entry: Entry::Directory { .. }, .. } = change else { return false };
    base.iter().any(|(path, _)| path.is_below(from))
}

fn rows(store: &TreeStore, peer: &Peer<'_>, column: &str, revision: u64) -> usize {
    let client = store.known(&peer.client).expect("can be opened").expect("has a mirror");
    usize::try_from(client.catalog().count(&format!("entry WHERE {column} = {revision}"))).expect("not negative")
}

/// Rows opened by changes, and closed: one for what comes and one for what goes, whatever lies below.
fn rows_of(changes: &[Change]) -> [usize; 2] {
    let count = |is: fn(&Change) -> bool| changes.iter().filter(|change| is(change)).count();
    let moves = count(|change| matches!(change, Change::Move { .. }));
    let creates = count(|change| matches!(change, Change::Create { .. }));
    let deletes = count(|change| matches!(change, Change::Delete { .. }));
    [moves + creates, moves + deletes]
}

/// Plays one history; the number of directories that moved with something in them.
fn play(seed: u64) -> usize {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let random = SeededRandom::new(seed);
    let mut history = History { random, peer: Peer::new(&store), trees: vec![Tree::new()], moved: 0 };
    for _ in 0..REVISIONS {
        let batch = history.step();
        if !batch.is_empty() {
            let revision = history.trees.len() as u64 - 1;
            let found = ["from_rev", "to_rev"].map(|column| rows(&store, &history.peer, column, revision));
            assert_eq!(found, rows_of(&batch), "seed {seed}, revision {revision}: {batch:?}");
        }
    }
    for (revision, tree) in (0..).zip(&history.trees).skip(1) {
        assert_eq!(&history.peer.tree_at(revision), tree, "seed {seed}, revision {revision}");
    }
    history.moved
}

#[test]
fn the_tree_as_of_every_revision_is_right_while_directories_move_about() {
    let seeds = match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("full") => 20,
        Ok("long") => 500,
        _ => 5,
    };
    let moved: usize = (0..seeds).map(play).sum();
    assert!(moved as u64 > 5 * seeds, "directories move with something in them: {moved}");
}
