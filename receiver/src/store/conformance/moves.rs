//! Moves of files and directories, tried exhaustively on small trees.

mod identity;
mod knots;
mod maps;
mod trees;
mod walk;

pub(crate) use identity::{Identity, Wording, changes, identities};
pub(crate) use knots::knots;
pub(crate) use maps::partial_maps;
pub(crate) use trees::{shown, trees};
pub(crate) use walk::{AfterEach, Walk};

use crate::store::Store;
use crate::store::conformance::peer::Peer;

/// How much is tried: everything in a long run.
pub(crate) fn is_long() -> bool {
    std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() == Ok("long")
}

pub(crate) fn every_knot_of_moves_is_one_batch(store: &dyn Store) {
    let mut walk = Walk::begin(Peer::new(store));
    walk.knots(&mut |_| {});
    walk.every_revision_is_still_right();
}

pub(crate) fn every_pair_of_tiny_trees_and_every_partial_map_of_two_files_is_one_batch(store: &dyn Store) {
    let mut walk = Walk::begin(Peer::new(store));
    let trees = trees(1);
    for (at, hub) in trees.iter().enumerate() {
        walk.pairs(hub, &trees[at..], &mut |_| {});
    }
    for map in partial_maps(2) {
        walk.map(&map, &mut |_| {});
    }
    walk.every_revision_is_still_right();
}
