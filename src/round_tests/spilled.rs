//! Rounds that find more than fits in memory: the same mirror, and the same report, whatever fits.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Change, Kind};
use scanner::Limit;
use seams::fs::Fs;
use seams::memory::{Operation, OperationKind};
use seams::random::{Random as _, SeededRandom};

use super::world::{SOURCE, World, remove, write, write_at};
use crate::round::Report;

/// Everything of a report that is told.
fn told(report: &Report) -> String {
    let Report { changes, problems, deferred, held, revision, .. } = report;
    // What is delivered apart comes in revisions of its own.
    let is_any = *revision > 0;
    format!("{changes:#?} {problems:?} {deferred:?} {held:?} {is_any}")
}

/// Some rounds with edits between them; what each told.
fn rounds(seed: u64, most_in_memory: usize) -> Vec<String> {
    let mut world = World::new(seed);
    world.most_in_memory = most_in_memory;
    write(&world, "kept", "always there");
    let mut all = Vec::new();
    for round in 0..5 {
        // How many requests a round makes decides nothing of what happens next.
        world.random = Arc::new(SeededRandom::new(100 * seed + round));
        for _ in 0..world.below(14) {
            world.edit();
            world.clock.advance(Duration::from_millis(world.random.below(30)));
        }
        all.push(told(&world.good_round()));
    }
    all
}

#[test]
fn a_round_tells_the_same_however_little_fits_in_memory() {
    for seed in 0..60 {
        let whole = rounds(seed, usize::MAX);
        for most in [0, 1, 3] {
            assert_eq!(rounds(seed, most), whole, "seed {seed}, {most} in memory");
        }
    }
}

#[test]
fn of_twenty_thousand_new_files_no_more_are_planned_in_memory_than_the_rest_needs() {
    let mut world = World::new(1);
    world.most_in_memory = 1_000;
    for number in 0..20_000 {
        write_at(&world.fs, &format!("{:02}/{number}", number % 50), &number.to_string());
    }
    let (report, spilled) = world.round_apart();
    assert!(report.failure.is_none(), "{:?}", report.failure);
    assert_eq!(spilled.len(), 20_000 + 50);
    let planned: Vec<_> = report.changes.iter().map(Change::kind).collect();
    assert_eq!(planned, [protocol::ChangeKind::Metadata], "the root's alone");
    let counts = world.snapshot.counts().expect("readable");
    assert_eq!((counts.files, counts.entries), (20_000, 20_050));
}

#[test]
fn new_metadata_of_many_files_is_no_plan_in_memory_either() {
    let mut world = World::new(1);
    (0..30).for_each(|number| write(&world, &format!("d/{number}"), "same"));
    world.good_round();
    world.clock.advance(Duration::from_secs(60));
    let directory = world.fs.open_root(&std::path::Path::new(SOURCE).join("d")).expect("there");
    for name in directory.list().expect("a list") {
        directory.open_file_for_writing(&name).and_then(|file| file.set_mode(0o640)).expect("changed");
    }
    world.most_in_memory = 10;
    let (report, spilled) = world.round_apart();
    assert_eq!((report.changes.len(), spilled.len()), (0, 30));
    assert!(spilled.iter().all(|plain| plain.was.as_ref().map(protocol::Entry::kind) == Some(Kind::File)));
    assert_eq!(world.mirrored(), world.in_source());
    assert_eq!(world.good_round().changes, []);
}

#[test]
fn deletes_come_after_what_did_not_fit_in_memory() {
    let world = World::new(1);
    write(&world, "old", "1");
    world.good_round();
    remove(&world, "old");
    (0..9).for_each(|number| write(&world, &format!("new{number}"), &format!("text {number}")));
    let after = world.good_round().revision;
    let files = |revision: u64| world.mirrored_at(Some(revision)).len();
    let all: Vec<usize> = (1..=after).map(files).collect();
    assert_eq!(all[all.len() - 2..], [10, 9], "the old one goes when all are there: {all:?}");
}

/// What a person thins out of a plan's file is not delivered, nor what needs it.
#[test]
fn a_plans_file_restricts_also_what_does_not_fit_in_memory() {
    let mut world = World::new(1);
    ["a/x", "b/x", "c"].iter().for_each(|path| write(&world, path, path));
    let plan = World::new(1);
    ["a/x", "b/x", "c"].iter().for_each(|path| write(&plan, path, path));
    let changes = plan.good_round().changes;
    let only = changes.iter().filter(|change| !["b", "c", "."].contains(&&*change.path().to_string()));
    world.rules.only = Some(only.cloned().collect());
    let report = world.round();
    let paths = |changes: &[Change]| -> Vec<String> { changes.iter().map(|c| c.path().to_string()).collect() };
    assert_eq!(paths(&report.changes), ["a", "a/x"]);
    assert_eq!(report.left_alone, 3);
    let deferred: Vec<_> = report.deferred.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(deferred, ["b/x"], "its directory was not asked for");
}

#[test]
fn what_needs_the_place_of_something_held_is_held_though_it_did_not_fit_in_memory() {
    for most in [usize::MAX, 0] {
        let mut world = World::new(1);
        world.most_in_memory = most;
        write(&world, "d", "a file");
        write(&world, "kept", "1");
        world.good_round();
        remove(&world, "d");
        write(&world, "d/x", "in a directory now");
        world.rules.brake.max_delete = Limit::Files(0);
        let held: Vec<_> = world.round().held.iter().map(|held| held.change.path().to_string()).collect();
        assert_eq!(held, ["d", "d/x"]);
    }
}

/// What `p/x` became cannot be read, so that it stays; so does `p`, so that the file `g` cannot come there and stays as
/// well, so that no directory comes there.
#[test]
fn where_something_stays_nothing_comes_that_did_not_fit_in_memory() {
    for most in [usize::MAX, 0] {
        let mut world = World::new(1);
        world.most_in_memory = most;
        ["p/x", "g"].iter().for_each(|path| write_at(&world.fs, path, path));
        world.good_round();
        let root = world.fs.open_root(std::path::Path::new(SOURCE)).expect("there");
        let name = |name: &[u8]| protocol::Name::parse(name).expect("valid");
        let below_p = root.open_directory(&name(b"p")).expect("there");
        below_p.rename(&name(b"x"), &*root, &name(b"unreadable")).expect("renamed");
        root.remove_directory(&name(b"p")).expect("empty");
        root.rename(&name(b"g"), &*root, &name(b"p")).expect("renamed");
        ["g/new", "other"].iter().for_each(|path| write_at(&world.fs, path, path));
        world.fs.set_fault_hook(Some(Arc::new(|operation: &Operation| {
            let is_refused = operation.kind == OperationKind::OpenFile && operation.path == b"/source/unreadable";
            is_refused.then(|| std::io::Error::from_raw_os_error(13))
        })));
        let report = world.round();
        world.fs.set_fault_hook(None);
        let problems: Vec<_> = report.problems.iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(problems, ["unreadable"], "{:?}", report.problems);
        let mirrored: Vec<_> = world.mirrored().keys().map(ToString::to_string).collect();
        assert_eq!(mirrored, ["g", "other", "p", "p/x"], "{most}");
        let deferred: Vec<_> = report.deferred.iter().map(|(path, _)| path.to_string()).collect();
        assert!(deferred.contains(&"g/new".to_owned()), "{most}: {deferred:?}");
        world.good_round();
        assert_eq!(world.mirrored(), world.in_source());
    }
}
