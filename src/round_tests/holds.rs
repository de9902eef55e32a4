//! The brake over whole rounds: what would end too many files waits, everything else is delivered, and a person decides.

use std::path::Path;
use std::time::Duration;

use protocol::{Change, Name, RelPath, Timestamp};
use scanner::Limit;
use seams::clock::Clock;
use seams::fs::Fs;
use seams::random::Random;
use snapshot_db::{Decided, Decision, HeldDigest};

use super::world::{Kind, SOURCE, World, remove, size, write};
use crate::round::Report;

/// A mirror of so many files in ten directories below `top`, and of one beside it.
fn mirrored(files: usize, kind: Kind) -> World {
    let world = World::with(1, kind);
    write(&world, "beside", "it");
    (0..files).for_each(|number| write(&world, &place(number), &format!("content {number}")));
    world.clock.advance(Duration::from_secs(10));
    world.good_round();
    world
}

fn place(number: usize) -> String {
    format!("top/d{}/f{number}", number % 10)
}

fn files_at_the_mirror(world: &World) -> usize {
    world.mirrored().values().filter(|entry| entry.content().is_some()).count()
}

/// A round that must go well.
#[track_caller]
fn round(world: &World) -> Report {
    world.clock.advance(Duration::from_secs(60));
    let report = world.round();
    assert!(report.failure.is_none(), "{:?}", report.failure);
    report
}

#[track_caller]
fn held(report: &Report) -> HeldDigest {
    assert!(!report.held.is_empty());
    report.held_list.expect("what is held has a digest")
}

fn decide(world: &World, digest: &HeldDigest, decision: Decision) -> Decided {
    world.snapshot.decide(digest, decision, world.clock.now()).expect("writable")
}

#[test]
fn deletes_in_a_hundred_small_rounds_are_stopped_as_one_large_one_would_be() {
    for kind in [Kind::Model, Kind::Tree] {
        let world = mirrored(600, kind);
        let mut first_held = None;
        for step in 0..100 {
            (0..5).for_each(|more| remove(&world, &place(5 * step + more)));
            write(&world, "beside", &format!("round {step}"));
            let report = round(&world);
            let delivered = report.changes.iter().any(|change| matches!(change, Change::Modify { .. }));
            assert!(delivered, "everything else goes on: {:?}", report.changes);
            first_held = first_held.or((!report.held.is_empty()).then_some(step));
        }
        // Half of the 601 files that there were: 60 rounds of 5 files each.
        assert_eq!((first_held, files_at_the_mirror(&world), world.ended()), (Some(60), 301, 300));
    }
}

#[test]
fn a_day_later_as_many_may_go_again() {
    let world = mirrored(400, Kind::Model);
    (0..150).for_each(|number| remove(&world, &place(number)));
    assert!(round(&world).held.is_empty());
    (150..250).for_each(|number| remove(&world, &place(number)));
    assert_eq!(round(&world).held.len(), 100);
    world.clock.advance(Duration::from_hours(24));
    assert!(round(&world).held.is_empty());
    world.good_round();
}

#[test]
fn a_renamed_top_directory_ends_nothing() {
    let world = mirrored(500, Kind::Model);
    let root = world.fs.open_root(Path::new(SOURCE)).expect("there");
    let name = |text: &str| Name::parse(text.as_bytes()).expect("valid");
    root.rename(&name("top"), &*root, &name("moved")).expect("renamed");
    world.clock.advance(Duration::from_secs(10));
    let report = world.good_round();
    let moved = |change: &Change| matches!(change, Change::Move { .. });
    assert!(
        report.changes.len() == 2 && report.changes.iter().any(moved),
        "the root's times, and it: {:?}",
        report.changes
    );
    assert_eq!((report.held.len(), world.ended()), (0, 0));
}

#[test]
fn a_held_delete_whose_file_came_back_is_held_no_more() {
    let world = mirrored(300, Kind::Model);
    (0..200).for_each(|number| remove(&world, &place(number)));
    assert_eq!(round(&world).held.len(), 200);
    (0..120).for_each(|number| write(&world, &place(number), &format!("content {number}")));
    let report = round(&world);
    assert!(report.held.is_empty(), "80 of 300 are few: {:?}", report.held);
    assert!(world.snapshot.held_lists().expect("readable").is_empty(), "nobody is asked any more");
    world.good_round();
}

#[test]
fn an_approved_list_goes_and_is_not_counted_and_nothing_but_that_list() {
    let mut world = mirrored(300, Kind::Model);
    world.rules.brake.max_delete = Limit::Files(100);
    (0..150).for_each(|number| remove(&world, &place(number)));
    let digest = held(&round(&world));
    let now = (Decision::Approved, world.clock.now());
    assert_eq!(decide(&world, &digest, Decision::Approved), Decided::Held { before: None, now });
    assert_eq!(decide(&world, &digest, Decision::Approved), Decided::Held { before: Some(now), now }, "harmless");
    (150..230).for_each(|number| remove(&world, &place(number)));
    assert!(round(&world).held.is_empty(), "80 more are within the limit by themselves");
    assert_eq!((files_at_the_mirror(&world), world.ended()), (71, 230));
    assert!(matches!(decide(&world, &digest, Decision::Approved), Decided::LetGo(_)));
    (230..250).for_each(|number| remove(&world, &place(number)));
    assert!(round(&world).held.is_empty(), "100 of the last 24 hours were nobody's decision");
    write(&world, "x", "1");
    remove(&world, "beside");
    assert_eq!(round(&world).held.len(), 1, "one more is over it");
}

#[test]
fn a_rejected_list_stays_held_and_nobody_is_asked_until_it_changes() {
    let world = mirrored(300, Kind::Model);
    (0..200).for_each(|number| remove(&world, &place(number)));
    let digest = held(&round(&world));
    decide(&world, &digest, Decision::Rejected);
    let refused = decide(&world, &digest, Decision::Approved);
    assert!(matches!(refused, Decided::Held { now: (Decision::Rejected, _), .. }), "{refused:?}");
    let report = round(&world);
    assert_eq!((report.held.len(), report.held_list, files_at_the_mirror(&world)), (200, None, 301));
    remove(&world, &place(200));
    let other = held(&round(&world));
    assert_ne!(other, digest);
    decide(&world, &other, Decision::Approved);
    assert!(round(&world).held.is_empty());
    world.good_round();
}

#[test]
fn what_needs_the_place_of_a_held_change_waits_with_it() {
    let world = mirrored(300, Kind::Model);
    (0..300).for_each(|number| remove(&world, &place(number)));
    (0..10).for_each(|number| remove(&world, &format!("top/d{number}")));
    remove(&world, "top");
    write(&world, "top", "a file now");
    write(&world, "new", "1");
    let report = round(&world);
    let paths = |changes: Vec<&Change>| -> Vec<String> { changes.iter().map(|c| c.path().to_string()).collect() };
    assert_eq!(paths(report.held.iter().map(|held| &held.change).collect()), ["top"]);
    assert_eq!(paths(report.changes.iter().collect()), [".", "new"]);
    assert_eq!(files_at_the_mirror(&world), 302);
    decide(&world, &held(&report), Decision::Approved);
    assert!(round(&world).held.is_empty());
    world.good_round();
}

#[test]
fn whatever_is_edited_no_more_files_end_than_the_limit_says_and_all_that_is_held_can_be_approved() {
    for seed in 0..size(150, 1_500, 15_000) {
        let mut world = World::with(seed, Kind::Model);
        write(&world, "kept", "always there");
        let limit = world.random.below(4);
        world.rules.brake.max_delete = Limit::Files(limit);
        for _ in 0..6 {
            (0..=world.below(8)).for_each(|_| world.edit());
            let report = round(&world);
            // Empty files that came again elsewhere ended at the receiver, and are nobody's loss.
            let came_again = world.snapshot.released_since(Timestamp::from_nanos(0), world.clock.now());
            let ended = world.ended() - came_again.expect("the snapshot can be read");
            assert!(ended <= limit, "seed {seed}: {ended} ended: {report:?}");
            let stray = report.held.is_empty() && world.mirrored() != world.in_source();
            assert!(!stray, "seed {seed}: nothing is held and something not delivered: {report:?}");
        }
        while let Some(digest) = round(&world).held_list {
            decide(&world, &digest, Decision::Approved);
        }
        assert_eq!(world.mirrored(), world.in_source(), "seed {seed}");
    }
}

#[test]
fn every_path_that_is_not_held_is_as_the_source_has_it() {
    let world = mirrored(300, Kind::Model);
    (0..200).for_each(|number| remove(&world, &place(number)));
    write(&world, &place(250), "edited");
    let report = round(&world);
    let is_held = |path: &RelPath| report.held.iter().any(|held| held.change.path() == path);
    let (source, mirror) = (world.in_source(), world.mirrored());
    let differing = mirror.iter().filter(|(path, entry)| source.get(path) != Some(entry));
    let strays: Vec<_> = differing.filter(|(path, _)| !is_held(path)).map(|(path, _)| path.to_string()).collect();
    assert_eq!(strays, Vec::<String>::new());
}
