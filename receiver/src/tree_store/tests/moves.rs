//! Moves of files and directories: the mirror's real files are the tree, whatever goes where in one batch.

use super::world::{DiskWorld, MemoryWorld, assert_is, in_memory, present};
use crate::store::conformance::peer::Peer;
use crate::store::conformance::{
    AfterEach, MANY_COPIES, Walk, a_copied_directory_is_named_and_nothing_of_it_is_asked_for, partial_maps, trees,
};

/// So that histories stay short enough to be looked at whole.
const MAPS_OF_ONE_MIRROR: usize = 25;
/// Files that are copied on a real disk, which takes its time.
const COPIES_ON_DISK: u16 = 200;

/// Lets a walk look at what really lies in the mirror after each step, and at what is left over.
fn walk(lead: impl Fn(&mut Walk<'_>, &mut AfterEach<'_>)) {
    let world = MemoryWorld::with_reused_inodes(&["laptop"]);
    let store = world.open();
    let mut walk = Walk::begin(Peer::new(&store));
    let other = Peer::stranger(&store);
    let root = world.root(&other);
    lead(&mut walk, &mut |tree| {
        assert_is(&root, tree);
        world.is_tidy(&store, &other);
    });
    walk.every_revision_is_still_right();
}

#[test]
fn every_ordered_pair_of_trees_of_three_entries_is_right_on_disk() {
    let trees = trees(3);
    for (at, hub) in trees.iter().enumerate() {
        walk(|walk, after_each| walk.pairs(hub, &trees[at..], after_each));
    }
}

#[test]
fn every_partial_map_of_five_files_is_right_on_disk() {
    for maps in partial_maps(5).chunks(MAPS_OF_ONE_MIRROR) {
        walk(|walk, after_each| maps.iter().for_each(|map| walk.map(map, after_each)));
    }
}

#[test]
fn every_knot_is_right_on_disk() {
    walk(|walk, after_each| walk.knots(after_each));
}

#[test]
fn copies_are_named_and_not_asked_for() {
    a_copied_directory_is_named_and_nothing_of_it_is_asked_for(&in_memory(present()), MANY_COPIES);
    a_copied_directory_is_named_and_nothing_of_it_is_asked_for(&DiskWorld::new().open(), COPIES_ON_DISK);
}
