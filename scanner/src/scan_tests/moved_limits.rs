//! Where moves of directories meet filters, mounts and what must stay.

use std::path::Path;
use std::sync::Arc;

use seams::clock::Clock;
use seams::memory::Memory;

use super::moved_directories::{delivered, plan, round, sorted};
use super::world::{planned, problems, rename};

#[test]
fn what_a_filter_leaves_out_in_a_moved_directory_goes_along() {
    let mut world = delivered(&["d/f=1", "d/tmp/g=2"]);
    world.exclude(&["tmp"]);
    rename(&world.fs, "d", "n");
    let scanned = world.round();
    assert_eq!((planned(&scanned), scanned.counts.excluded_kept), (plan(&["R d -> n"]), 1));
    assert!(world.is_delivered(), "as the mirror has it, excluded or not");
}

#[test]
fn a_directory_that_moves_to_where_a_filter_leaves_it_out_is_deleted_and_one_that_comes_from_there_is_new() {
    let mut world = delivered(&["kept/f=1", "tmp/g=2"]);
    world.exclude(&["tmp", "cache"]);
    rename(&world.fs, "kept", "cache");
    rename(&world.fs, "tmp", "b");
    let scanned = world.round();
    assert_eq!(sorted(planned(&scanned)), sorted(plan(&["Delete kept", "Create b", "Create b/g"])));
}

#[test]
fn a_directory_does_not_take_the_place_of_one_in_which_something_must_stay() {
    let mut world = delivered(&["a/f=1", "b/g=2", "b/tmp/h=3"]);
    world.exclude(&["tmp"]);
    for gone in ["b/g", "b/tmp/h", "b/tmp", "b"] {
        world.remove(gone);
    }
    rename(&world.fs, "a", "b");
    let scanned = world.round();
    assert_eq!(sorted(planned(&scanned)), sorted(plan(&["R a/f -> b/f", "Delete a", "Delete b/g"])));
    let after = world.round();
    assert_eq!((planned(&after), problems(&after)), (vec![], vec![]));
}

#[test]
fn a_mount_below_a_moved_directory_goes_along() {
    let mut world = delivered(&["d/f=1", "d/m"]);
    let other = Memory::new(Arc::clone(&world.clock) as Arc<dyn Clock>);
    other.make_directory(Path::new("/in")).expect("made");
    world.fs.mount(Path::new("/s/d/m"), &other).expect("mounted");
    let mounted = world.round();
    assert_eq!(problems(&mounted), Vec::<String>::new());
    world.clock.advance(std::time::Duration::from_secs(60));
    rename(&world.fs, "d", "n");
    let scanned = world.scan().expect("a scan");
    assert_eq!((planned(&scanned), problems(&scanned)), (plan(&["R d -> n"]), vec![]));
}

#[test]
fn the_scrub_reads_files_of_moved_directories_where_they_are() {
    let mut world = delivered(&["d/f=1", "d/e/g=22"]);
    rename(&world.fs, "d", "n");
    world.rules.scrub_bytes = 100;
    let (lines, opened) = {
        let scanned = world.round();
        (planned(&scanned), scanned.counts.files_opened)
    };
    assert_eq!((lines, opened), (plan(&["R d -> n"]), 2));
    rename(&world.fs, "n", "m");
    world.fs.write_silently(Path::new("/s/m/f"), b"9", 0).expect("written");
    let scanned = world.round();
    assert_eq!(sorted(planned(&scanned)), sorted(plan(&["R n -> m", "Modify m/f"])));
    world.rules.scrub_bytes = 0;
    round(&mut world);
}
