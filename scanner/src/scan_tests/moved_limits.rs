//! Where moves of directories meet filters, mounts and what must stay.

use std::path::Path;
use std::time::Duration;

use super::mounts::disk;
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
    world.fs.mount(Path::new("/s/d/m"), &disk(&world, "disk")).expect("mounted");
    let mounted = world.round();
    assert_eq!(problems(&mounted), Vec::<String>::new());
    world.clock.advance(Duration::from_secs(60));
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

#[test]
fn one_file_system_in_two_places_is_no_move() {
    let mut world = delivered(&["a"]);
    let disk = disk(&world, "disk");
    world.fs.mount(Path::new("/s/a"), &disk).expect("mounted");
    world.write("a/d/f=1");
    world.clock.advance(Duration::from_secs(60));
    world.round();
    world.write("z");
    world.fs.mount(Path::new("/s/z"), &disk).expect("mounted");
    let scanned = world.scan().expect("a scan");
    assert_eq!(sorted(planned(&scanned)), sorted(plan(&["Create z", "Create z/d", "Create z/d/f", "Create z/f"])));
}

#[test]
fn a_disk_that_is_mounted_elsewhere_is_no_move_of_its_root() {
    let mut world = delivered(&["m"]);
    let disk = disk(&world, "disk");
    world.fs.mount(Path::new("/s/m"), &disk).expect("mounted");
    world.clock.advance(Duration::from_secs(60));
    world.round();
    world.fs.unmount_lazily(Path::new("/s/m")).expect("unmounted");
    world.write("n");
    world.fs.mount(Path::new("/s/n"), &disk).expect("mounted");
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), plan(&["Create n", "Create n/f"]));
    assert_eq!(problems(&scanned), ["! m"], "it may come back");
}

#[test]
fn what_is_missing_where_a_filter_leaves_it_out_now_stays_though_its_directory_moved() {
    let mut world = delivered(&["d/f=1", "d/tmp/g=2", "e/h=3"]);
    world.exclude(&["/n/tmp"]);
    rename(&world.fs, "d", "n");
    world.remove("n/tmp/g");
    world.remove("n/tmp");
    assert_eq!(planned(&world.round()), plan(&["R d -> n"]));
}
