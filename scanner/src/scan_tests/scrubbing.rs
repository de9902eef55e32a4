//! The scrub: every byte is read again within a bound, and what stat cannot see is found.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use seams::clock::Clock;
use seams::memory::OperationKind;

use super::evidence::silent;
use super::world::{World, planned, problems};
use crate::scan::ScanError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Fifty files of ten bytes in three directories, of which each round may read 100 bytes again.
fn world() -> World {
    let items: Vec<String> = (0..50).map(|n| format!("d{}/f{n}=bytes {n:04}", n % 3)).collect();
    let mut world = World::new(&items.iter().map(String::as_str).collect::<Vec<_>>());
    world.round();
    world.rules.scrub_bytes = 100;
    world
}

#[test]
fn every_byte_is_read_again_within_the_bound_and_no_round_reads_more_than_its_budget() {
    let mut world = world();
    let begun = world.clock.now();
    for _ in 0..5 {
        world.clock.advance(DAY);
        let scanned = world.round();
        assert_eq!((scanned.counts.bytes_scrubbed, scanned.counts.files_opened), (100, 10));
        assert!(scanned.findings.is_empty(), "{:?}", scanned.findings);
    }
    assert!(world.rows.readings().values().all(|reading| reading.verified > begun));
    world.clock.advance(DAY);
    world.round();
    let again = world.rows.readings().values().filter(|reading| reading.verified == world.clock.now()).count();
    assert_eq!(again, 10, "and it begins with the first again");
}

#[test]
fn a_silent_write_is_found_within_the_bound_wherever_it_is() {
    for n in [0, 17, 49] {
        let mut world = world();
        let path = &format!("d{}/f{n}", n % 3);
        world.clock.advance(DAY);
        world.fs.write_silently(&Path::new("/s").join(path), b"B", 0).expect("written");
        let rounds: Vec<_> = (0..5).map(|_| world.round()).collect();
        let found: Vec<String> = rounds.iter().flat_map(silent).collect();
        assert_eq!(found, [path.as_str()]);
        assert_eq!(rounds.iter().flat_map(planned).collect::<Vec<_>>(), [format!("Modify {path}")]);
    }
}

#[test]
fn a_file_larger_than_the_budget_has_its_turn_too() {
    let mut world = World::new(&["big=0123456789", "small=0"]);
    world.round();
    world.rules.scrub_bytes = 1;
    let mut scrubbed = Vec::new();
    for _ in 0..2 {
        world.clock.advance(DAY);
        scrubbed.push(world.round().counts.bytes_scrubbed);
    }
    assert_eq!(scrubbed, [10, 1]);
}

#[test]
fn without_a_budget_nothing_is_read_again() {
    let mut world = world();
    world.rules.scrub_bytes = 0;
    world.clock.advance(DAY);
    assert_eq!(world.round().counts.files_opened, 0);
}

#[test]
fn what_changes_while_the_round_runs_is_left_to_the_next_one() {
    let mut world = World::new(&["a=1"]);
    world.round();
    world.rules.scrub_bytes = 100;
    world.clock.advance(DAY);
    world.just_before(OperationKind::OpenFile, "a", |fs| super::world::write(fs, "a=2"));
    let scanned = world.round();
    assert_eq!((planned(&scanned), scanned.counts.bytes_scrubbed), (vec![], 0));
    assert_eq!(planned(&world.round()), ["Modify a"]);
}

#[test]
fn what_changed_since_it_was_compared_is_not_even_opened() {
    let mut world = World::new(&["a=1", "b=1"]);
    world.round();
    world.rules.scrub_bytes = 100;
    world.clock.advance(DAY);
    world.just_before(OperationKind::OpenFile, "a", |fs| super::world::write(fs, "b=2"));
    assert_eq!(world.round().counts.files_opened, 1);
    assert_eq!(planned(&world.round()), ["Modify b"]);
}

#[test]
fn a_scrub_that_is_stopped_ends_between_files_and_has_recorded_what_it_read() {
    let mut world = World::new(&["a=1", "b=1"]);
    world.round();
    world.rules.scrub_bytes = 100;
    world.clock.advance(DAY);
    let stop = Arc::clone(&world.stop);
    world.just_before(OperationKind::Read, "a", move |_| stop.store(true, Ordering::Relaxed));
    assert!(matches!(world.scan(), Err(ScanError::Stopped)));
    let now = world.clock.now();
    assert_eq!(["a", "b"].map(|path| world.rows.reading(path).verified == now), [true, false]);
}

#[test]
fn a_file_that_cannot_be_read_any_more_is_a_problem_and_never_a_delete() {
    let mut world = World::new(&["a=1", "b=2"]);
    world.round();
    world.rules.scrub_bytes = 100;
    world.fail(OperationKind::Read, "a", 5);
    let scanned = world.round();
    assert_eq!((problems(&scanned), planned(&scanned)), (vec!["! a".to_owned()], vec![]));
    assert_eq!(scanned.counts.bytes_scrubbed, 1, "the other one was read");
}
