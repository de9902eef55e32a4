//! What is gone is deleted when that is proven, and not before.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use seams::memory::{Operation, OperationKind};

use super::world::{World, planned, problems, remove, rename};

const EIO: i32 = 5;

#[test]
fn a_file_that_vanishes_between_listing_and_reading_is_deleted_in_the_same_round_and_said() {
    let mut world = World::new(&["a=1", "b=2"]);
    world.round();
    world.write("a=11");
    world.just_before(OperationKind::OpenFile, "a", |fs| remove(fs, "a"));
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), ["Delete a"]);
    assert_eq!(problems(&scanned), ["~ a"]);
}

#[test]
fn a_file_that_comes_back_before_the_second_look_is_not_deleted() {
    let mut world = World::new(&["a=1", "d/x=2"]);
    world.round();
    rename(&world.fs, "a", "hidden");
    // The walk lists the root before it opens `d`: then the file comes back.
    world.just_before(OperationKind::OpenDirectory, "d", |fs| rename(fs, "hidden", "a"));
    let scanned = world.scan().expect("a scan");
    assert!(!planned(&scanned).contains(&"Delete a".to_owned()), "{:?}", planned(&scanned));
}

#[test]
fn a_directory_that_cannot_be_looked_at_again_keeps_its_files() {
    let mut world = World::new(&["d/a=1", "d/b=2"]);
    world.round();
    world.remove("d/a");
    let opened = AtomicUsize::new(0);
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        let opens = operation.kind == OperationKind::OpenDirectory && operation.path == b"/s/d";
        (opens && opened.fetch_add(1, Ordering::Relaxed) > 1).then(|| io::Error::from_raw_os_error(EIO))
    })));
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), Vec::<String>::new());
    assert_eq!(problems(&scanned), ["! d"]);
}

#[test]
fn a_directory_that_vanishes_while_the_round_runs_is_deleted_and_no_problem() {
    let mut world = World::new(&["d/a=1", "e=2"]);
    world.round();
    world.just_before(OperationKind::OpenDirectory, "d", |fs| {
        remove(fs, "d/a");
        remove(fs, "d");
    });
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), ["Delete d"]);
    assert_eq!(problems(&scanned), ["~ d"]);
}
