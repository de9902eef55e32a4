//! Moves that are cut short: by an error at any operation, or by death there; then and after the redo the mirror is
//! the whole old tree or the whole new one, as the catalog says.

use std::sync::atomic::Ordering;

use protocol::{Change, Head, Tree};

use super::crashes::{Fault, fail, try_deliver};
use super::world::{MemoryWorld, assert_is};
use crate::store::conformance::peer::Peer;
use crate::store::conformance::{Identity, Wording, changes, identities, is_long, knots, shown, trees};
use crate::tree_store::TreeStore;

/// Of so many ordered pairs of trees one is tried in a normal run.
const SAMPLE: usize = 1_201;

/// A mirror that goes to and fro between two trees, and is disturbed on the way there.
struct Disturbed<'a> {
    world: &'a MemoryWorld,
    old: &'a Tree,
    new: &'a Tree,
    there: Vec<Change>,
}

impl Disturbed<'_> {
    /// Every operation of the way there fails, or is the last one.
    fn is_harmless(&self) -> u64 {
        let mut store = self.world.open();
        let mut tried = 0;
        for fault in [Fault::Once as fn(u64) -> Fault, Fault::FromThenOn] {
            for n in 0.. {
                let (reopened, was_reached) = self.survives(store, fault(n));
                store = reopened;
                if !was_reached {
                    break;
                }
                tried += 1;
            }
        }
        tried
    }

    /// Goes there, is disturbed, finds itself at one of the two trees, goes there again, and back.
    fn survives(&self, store: TreeStore, fault: Fault) -> (TreeStore, bool) {
        let base = peer(&store).head();
        let counted = fail(self.world, fault);
        let delivered = try_deliver(&peer(&store), base, &self.there);
        self.world.fs.set_fault_hook(None);
        let was_reached = match fault {
            Fault::Once(n) | Fault::FromThenOn(n) => counted.load(Ordering::Relaxed) > n,
        };
        assert!(was_reached || delivered.is_some(), "{}: {:#?}", shown(self.old), self.there);
        let store = if matches!(fault, Fault::FromThenOn(_)) { reopened(self.world, store) } else { store };
        self.converges(&store, base);
        (store, was_reached)
    }

    fn converges(&self, store: &TreeStore, base: Head) {
        let peer = peer(store);
        let (head, root) = (peer.head(), self.world.root(&peer));
        let new_head = base.after(&self.there);
        assert!(head == base || head == new_head, "a batch as a whole or not at all");
        let found = if head == base { self.old } else { self.new };
        assert_eq!(&peer.tree_at(head.number), found);
        assert_is(&root, found);
        assert_eq!(peer.contact_at(base).wanted, [], "nothing got lost, so nothing is asked for again");
        assert_eq!(try_deliver(&peer, base, &self.there), Some(new_head));
        assert_is(&root, self.new);
        let back = changes(self.new, self.old, &Identity::new(), Wording::Apart);
        peer.deliver(&back);
        assert_is(&root, self.old);
        assert_eq!(self.world.own(&peer, "parking"), []);
    }
}

fn reopened(world: &MemoryWorld, store: TreeStore) -> TreeStore {
    drop(store);
    world.open()
}

fn peer(store: &TreeStore) -> Peer<'_> {
    let mut peer = Peer::stranger(store);
    for content in ["1", "2"] {
        peer.knows(content);
    }
    peer
}

/// Tries one way from one tree to another. Answers how many faults there were.
fn disturb(old: &Tree, new: &Tree, there: Vec<Change>) -> u64 {
    let world = MemoryWorld::with_reused_inodes(&["laptop"]);
    {
        let store = world.open();
        Peer::new(&store);
        peer(&store).deliver(&changes(&Tree::new(), old, &Identity::new(), Wording::Apart));
    }
    let tried = Disturbed { world: &world, old, new, there }.is_harmless();
    let store = world.open();
    world.is_tidy(&store, &peer(&store));
    tried
}

#[test]
fn a_knot_that_is_cut_short_anywhere_is_whole_afterwards() {
    for knot in knots() {
        let there = changes(&knot.old, &knot.new, &knot.identity, Wording::Together);
        let tried = disturb(&knot.old, &knot.new, there);
        assert!(tried > 30, "{}: {tried}", knot.what);
    }
}

#[test]
fn a_batch_between_small_trees_that_is_cut_short_anywhere_is_whole_afterwards() {
    let trees = trees(3);
    let pairs = trees.iter().flat_map(|old| trees.iter().map(move |new| (old, new)));
    for (number, (old, new)) in pairs.enumerate().filter(|(number, _)| is_long() || number % SAMPLE == SAMPLE / 2) {
        let identities = identities(old, new);
        let identity = &identities[number * 7_919 % identities.len()];
        let wording = if number.is_multiple_of(2) { Wording::Apart } else { Wording::Together };
        disturb(old, new, changes(old, new, identity, wording));
    }
}
