//! What changed is found, and nothing else is opened.

use std::path::Path;
use std::time::Duration;

use seams::parallel::Parallel;

use super::world::{World, planned, rename};

#[test]
fn an_unchanged_tree_is_not_opened_and_gives_an_empty_plan() {
    let mut world = World::new(&["a=1", "d/b=2", "d/e"]);
    assert_eq!(planned(&world.round()), ["Create a", "Create d", "Create d/b", "Create d/e"]);
    let again = world.round();
    assert!(again.findings.is_empty(), "{:?}", again.findings);
    assert_eq!((again.counts.files, again.counts.files_opened), (2, 0));
}

#[test]
fn a_same_size_edit_right_after_a_read_is_seen_in_the_next_round() {
    let mut world = World::new(&[]);
    world.fs = world.fs.clone().with_granularity(Duration::from_secs(1));
    world.write("a=1");
    world.round();
    world.write("a=2");
    assert_eq!(planned(&world.round()), ["Modify a"], "the same second, size and inode");
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.round().counts.files_opened, 1, "read a second time, now long after its stamps");
    assert_eq!(world.round().counts.files_opened, 0);
}

#[test]
fn special_files_are_counted_and_never_opened_and_take_the_place_of_files() {
    let mut world = World::new(&["a=1"]);
    world.round();
    world.remove("a");
    world.fs.make_special(Path::new("/s/a")).expect("made");
    world.fs.make_special(Path::new("/s/b")).expect("made");
    let scanned = world.round();
    assert_eq!(planned(&scanned), ["Delete a"]);
    assert_eq!((scanned.counts.special, scanned.counts.files_opened), (2, 0));
}

#[test]
fn a_renamed_directory_is_one_move() {
    let mut world = World::new(&["d/a=1", "d/b=22"]);
    world.round();
    rename(&world.fs, "d", "e");
    assert_eq!(planned(&world.round()), ["R d -> e"]);
}

#[test]
fn a_tree_deeper_than_the_held_descriptors_and_the_walks_reach_is_seen_whole() {
    let deep: String = (0..200).map(|n| format!("d{n:03}/")).collect();
    let mut world = World::new(&[&format!("{deep}leaf=1"), "d000/z=2", "d000/d001/y=3"]);
    world.fs = world.fs.clone().with_walk_reach(300);
    let scanned = world.round();
    assert_eq!(scanned.counts.files, 3);
    assert_eq!(planned(&scanned).len(), 203);
    assert!(world.round().findings.is_empty());
}

#[test]
fn several_threads_find_what_one_finds() {
    let items: Vec<String> = (0..300).map(|n| format!("d{}/e{}/f{n}={n}", n % 7, n % 3)).collect();
    let mut world = World::new(&items.iter().map(String::as_str).collect::<Vec<_>>());
    let one = planned(&world.scan().expect("a scan"));
    world.parallel = Parallel::new(4);
    assert_eq!(planned(&world.scan().expect("a scan")), one);
    assert_eq!(world.round().counts.files, 300);
}
