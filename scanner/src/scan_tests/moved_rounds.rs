//! Directories that move while a round runs, or whose move is not delivered: nothing is lost, nothing is read twice.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use seams::memory::OperationKind;

use super::moved_directories::{delivered, plan, round, sorted};
use super::world::{World, planned, problems, rename, write};
use crate::found::MOST_LATE;
use crate::scan::ScanError;

/// Lets a minute pass.
fn later(world: &World) {
    world.clock.advance(Duration::from_secs(60));
}

#[test]
fn a_move_that_is_not_delivered_is_found_again_and_opens_nothing() {
    let mut world = delivered(&["old/a=1", "old/b=22", "old/d/c=333"]);
    rename(&world.fs, "old", "new");
    world.write("new/b=edited");
    world.write("new/d/fresh=4444");
    later(&world);
    let lines = sorted(plan(&["R old -> new", "Modify new/b", "Create new/d/fresh"]));
    let first = world.undelivered_round();
    assert_eq!((sorted(planned(&first)), first.counts.files_opened), (lines.clone(), 2));
    later(&world);
    let second = world.undelivered_round();
    assert_eq!((sorted(planned(&second)), second.counts.files_opened), (lines.clone(), 0));
    later(&world);
    let (third, opened) = round(&mut world);
    assert_eq!((sorted(third), opened), (lines, 0));
}

#[test]
fn a_swap_that_is_not_delivered_is_found_again() {
    let mut world = delivered(&["a/f=1", "a/x=22", "b/f=333", "b/y=4444"]);
    rename(&world.fs, "a", "c");
    rename(&world.fs, "b", "a");
    rename(&world.fs, "c", "b");
    world.write("a/y=edited");
    for opened in [1, 0] {
        later(&world);
        let scanned = world.undelivered_round();
        assert_eq!(planned(&scanned), ["R b -> a", "Modify a/y", "R a -> b"]);
        assert_eq!(scanned.counts.files_opened, opened);
    }
    world.round();
    assert!(world.is_delivered());
    assert_eq!(planned(&world.round()), Vec::<String>::new());
}

#[test]
fn a_directory_that_moves_on_before_its_move_is_delivered_is_one_move() {
    let mut world = delivered(&["a/f=1", "a/d/g=22"]);
    rename(&world.fs, "a", "b");
    world.undelivered_round();
    later(&world);
    rename(&world.fs, "b", "c");
    assert_eq!(round(&mut world), (plan(&["R a -> c"]), 0));
}

#[test]
fn a_directory_that_moves_back_before_its_move_is_delivered_is_as_it_was() {
    let mut world = delivered(&["a/f=1", "a/d/g=22"]);
    rename(&world.fs, "a", "b");
    world.write("a/h=333");
    world.undelivered_round();
    later(&world);
    world.remove("a/h");
    world.remove("a");
    rename(&world.fs, "b", "a");
    assert_eq!(round(&mut world), (Vec::new(), 0));
}

#[test]
fn a_new_directory_in_the_old_place_does_not_hide_the_move_from_later_rounds() {
    let mut world = delivered(&["log/1=one", "log/2=two"]);
    rename(&world.fs, "log", "log.old");
    world.write("log/1=three");
    let expected = sorted(plan(&["R log -> log.old", "Create log", "Create log/1"]));
    let first = world.undelivered_round();
    assert_eq!((sorted(planned(&first)), first.counts.files_opened), (expected.clone(), 1));
    later(&world);
    assert_eq!(sorted(planned(&world.undelivered_round())), expected);
}

/// Directories that move at an exact moment of a round, and what the next rounds make of it.
fn while_walking(items: &[&str], kind: OperationKind, at: &str, moves: &'static [(&str, &str)]) -> Vec<String> {
    let mut world = delivered(items);
    world.just_before(kind, at, move |fs| moves.iter().for_each(|(from, to)| rename(fs, from, to)));
    let first = world.scan().expect("a scan");
    world.rows.acknowledge(&first);
    world.fs.set_fault_hook(None);
    later(&world);
    let files = |world: &World| world.rows.tree.iter().filter(|(_, entry)| entry.content().is_some()).count();
    assert!(files(&world) >= items.len(), "nothing is lost: {:?}", planned(&first));
    round(&mut world);
    planned(&first)
}

#[test]
fn a_directory_that_moves_into_one_that_was_listed_is_a_move() {
    let lines =
        while_walking(&["a/keep=0", "z/d/f=1", "z/d/e/g=2"], OperationKind::OpenDirectory, "z", &[("z/d", "a/d")]);
    assert_eq!(lines, ["R z/d -> a/d"]);
}

#[test]
fn a_directory_that_moves_after_it_was_walked_to_where_the_walk_comes_later() {
    let lines =
        while_walking(&["a/d/f=1", "a/d/e/g=2", "z/keep=0"], OperationKind::OpenDirectory, "z", &[("a/d", "z/d")]);
    assert_eq!(lines, ["R a/d -> z/d"]);
}

#[test]
fn a_directory_that_is_replaced_after_it_was_walked_is_walked_again() {
    let moves = &[("a/d", "z/d"), ("z/n", "a/d")];
    let lines = while_walking(&["a/d/f=1", "a/d/e/g=2", "z/n/f=3"], OperationKind::OpenDirectory, "z", moves);
    assert_eq!(lines, ["R z/n -> a/d", "R a/d -> z/d"]);
}

#[test]
fn directories_that_swap_while_they_are_walked() {
    for at in ["a", "b", "a/d", "b/d", "z"] {
        let moves = &[("a/d", "x"), ("b/d", "a/d"), ("x", "b/d")];
        while_walking(
            &["a/d/f=1", "a/d/h=5", "b/d/f=2", "b/d/g=3", "z/keep=0"],
            OperationKind::OpenDirectory,
            at,
            moves,
        );
    }
}

#[test]
fn a_directory_that_moves_while_a_delete_settles_is_a_move() {
    let mut world = delivered(&["a/keep=0", "gone=1", "z/d/f=2", "z/d/e/g=3"]);
    world.remove("gone");
    write(&world.fs, "z/young=1");
    let moves = |fs: &seams::memory::Memory| rename(fs, "z/d", "a/d");
    world.just_before(OperationKind::List, "z", moves);
    let scanned = world.scan().expect("a scan");
    assert_eq!(problems(&scanned), Vec::<String>::new());
    world.rows.acknowledge(&scanned);
    world.fs.set_fault_hook(None);
    round(&mut world);
}

#[test]
fn of_what_is_read_in_the_place_of_another_directory_so_much_waits_and_the_rest_is_recorded_at_once() {
    let world = delivered(&["d/keep=0"]);
    rename(&world.fs, "d", "n");
    (0..2 * MOST_LATE).for_each(|n| world.write(&format!("d/f{n}={n}")));
    later(&world);
    let scanned = world.scan().expect("a scan");
    let at_once = world.rows.readings().len() - 1;
    assert_eq!(
        (scanned.late_readings.len() + at_once, scanned.counts.files_opened),
        (2 * MOST_LATE, 2 * MOST_LATE as u64)
    );
    assert_eq!(at_once, MOST_LATE);
}

#[test]
fn a_round_that_is_stopped_records_also_what_was_to_wait() {
    let world = delivered(&["d/keep=0", "z/f=1"]);
    rename(&world.fs, "d", "b");
    world.write("d/new=22");
    later(&world);
    let stop = Arc::clone(&world.stop);
    world.just_before(OperationKind::Stat, "z", move |_| stop.store(true, Ordering::Relaxed));
    assert!(matches!(world.scan(), Err(ScanError::Stopped)));
    world.fs.set_fault_hook(None);
    world.stop.store(false, Ordering::Relaxed);
    let scanned = world.scan().expect("a scan");
    assert_eq!(
        (sorted(planned(&scanned)), scanned.counts.files_opened),
        (sorted(plan(&["R d -> b", "Create d", "Create d/new"])), 0)
    );
}
