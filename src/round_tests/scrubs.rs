//! The scrub over whole rounds: what stat cannot see is found within the bound that was asked for.

use std::path::Path;
use std::time::Duration;

use protocol::{ContentId, RelPath};
use scanner::Limit;
use seams::memory::Memory;

use super::world::{World, write};
use crate::round::{Report, ScrubRate};

/// Files, all of one size.
const FILES: u64 = 50;
const BYTES: u64 = 100;

/// Mirrored, and every file of it known for sure.
fn world(rate: Option<ScrubRate>) -> World {
    let mut world = World::new(1);
    for number in 0..FILES {
        write(&world, &format!("f{number:02}"), &format!("{number:0100}"));
    }
    (0..3).for_each(|_| {
        world.clock.advance(Duration::from_secs(10));
        world.good_round();
    });
    world.rules.scrub = rate;
    world
}

/// As a store through a mapping does it where no stamp moves.
fn store(fs: &Memory, number: u64) {
    fs.write_silently(Path::new(&format!("/source/f{number:02}")), b"STORED", 3).expect("written");
}

fn path(number: u64) -> RelPath {
    RelPath::parse(format!("f{number:02}").as_bytes()).expect("valid")
}

fn round(world: &World, after: Duration) -> Report {
    world.clock.advance(after);
    let report = world.round();
    assert!(report.failure.is_none(), "{:?}", report.failure);
    report
}

fn is_repaired(world: &World) -> bool {
    world.mirrored() == world.in_source()
}

#[test]
fn without_a_scrub_nobody_sees_a_store_through_a_mapping_and_a_full_round_does() {
    let mut world = world(None);
    store(&world.fs, 7);
    round(&world, Duration::from_secs(60));
    assert!(!is_repaired(&world), "or this test would prove nothing");
    world.rules.look.full = true;
    let report = round(&world, Duration::from_secs(60));
    assert_eq!(report.silent.into_iter().collect::<Vec<_>>(), [path(7)]);
    assert!(is_repaired(&world));
}

#[test]
fn every_byte_is_read_again_within_the_bound_however_often_rounds_are_made() {
    // 10 % a day: all of it within ten days, of which the first has a day's worth to begin with.
    for interval in [Duration::from_hours(1), Duration::from_hours(24), Duration::from_mins(7)] {
        let world = world(Some(ScrubRate::PerDay(1_000)));
        (0..FILES).for_each(|number| store(&world.fs, number));
        let (mut passed, mut scrubbed, mut found) = (Duration::ZERO, 0, 0);
        while passed < Duration::from_hours(24 * 10) {
            let report = round(&world, interval);
            (passed, scrubbed) = (passed + interval, scrubbed + report.counts.bytes_scrubbed);
            found += report.silent.len();
        }
        assert!(is_repaired(&world), "{interval:?}: {found} found, {scrubbed} bytes");
        assert_eq!(found, usize::try_from(FILES).expect("small"), "{interval:?}");
        let budget = FILES * BYTES * 11 / 10 + BYTES;
        assert!(scrubbed <= budget, "{interval:?}: {scrubbed} bytes of {budget}");
    }
}

#[test]
fn a_writer_that_never_shows_is_followed_round_after_round() {
    let world = world(Some(ScrubRate::PerRound(10 * BYTES)));
    for number in 0..20 {
        store(&world.fs, number);
        let found = (0..FILES / 10).find(|_| {
            round(&world, Duration::from_secs(60));
            is_repaired(&world)
        });
        assert!(found.is_some(), "a store in f{number:02} was not found in {} rounds", FILES / 10);
        world.fs.write_silently(Path::new(&format!("/source/f{number:02}")), b"again!", 3).expect("written");
        (0..FILES / 10).for_each(|_| drop(round(&world, Duration::from_secs(60))));
        assert!(is_repaired(&world));
    }
}

#[test]
fn a_silent_change_is_held_where_that_is_asked_for_and_the_old_bytes_stay() {
    let mut world = world(Some(ScrubRate::PerRound(FILES * BYTES)));
    world.rules.brake.hold_silent = true;
    world.rules.brake.max_delete = Limit::Files(0);
    let before = ContentId::of(format!("{:0100}", 7).as_bytes());
    store(&world.fs, 7);
    let report = round(&world, Duration::from_secs(60));
    assert_eq!(report.held.len(), 1, "{report:?}");
    let again = round(&world, Duration::from_secs(60));
    assert_eq!(again.held, report.held, "it stays held, though its new bytes are known by now");
    assert_eq!(world.mirrored()[&path(7)].content(), Some((before, BYTES)));
}
