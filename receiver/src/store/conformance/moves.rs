//! Moves of files and directories, tried exhaustively on small trees.

mod identity;
mod maps;
mod trees;
mod walk;

pub(crate) use identity::{Identity, Wording, identities};
pub(crate) use maps::{NAMES, partial_maps};
pub(crate) use trees::{trees, written};
pub(crate) use walk::{Walk, pairs_in_a_row};

use crate::store::Store;
use crate::store::conformance::peer::Peer;

/// How much is tried: everything in a long run.
pub(crate) fn is_long() -> bool {
    std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() == Ok("long")
}

pub(crate) fn every_pair_of_small_trees_is_one_batch(store: &dyn Store) {
    let (trees, mut walk) = (trees(2), Walk::begin(Peer::new(store)));
    for (at, (old, new)) in pairs_in_a_row(&trees).into_iter().enumerate() {
        walk.to_some_identity(old, new, at, &mut |_| {});
    }
    walk.every_revision_is_still_right();
}

pub(crate) fn every_partial_map_of_three_files_is_one_batch(store: &dyn Store) {
    let mut walk = Walk::begin(Peer::new(store));
    for map in partial_maps(3) {
        walk.map(&map, &mut |_| {});
    }
    walk.every_revision_is_still_right();
}
