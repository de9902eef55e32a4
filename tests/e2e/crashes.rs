//! kill -9 of either side at any moment, and rounds that meet: the next round converges unaided.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{
    Outcome, PATIENCE, Receiver, Started, World, assert_mirrored, comes_true, many_files, wait_until,
};

/// Files in the tree whose first round is killed.
const FILES: usize = 1_500;
/// At how many moments of it.
const MOMENTS: u32 = 10;

/// Waits until a process should be killed: this moment of how long it takes when nobody kills it. Whether it was still
/// at work.
fn reaches(moment: u32, undisturbed: Duration, process: &mut Started) -> bool {
    !comes_true(undisturbed * moment / (MOMENTS + 1), || !process.is_running())
}

/// Nothing of ours is left over in the receiver's own part of a client's folder.
#[track_caller]
fn assert_tidy(client: &Path) {
    for place in ["staging", "parking"] {
        let left = fs::read_dir(client.join(".roundsman").join(place)).into_iter().flatten();
        let left: Vec<_> = left.map(|name| name.expect("a name").file_name()).collect();
        assert!(left.is_empty(), "left over in {place}: {left:?}");
    }
}

/// How long a first round of this world's source takes, to a data directory that nothing else uses.
fn undisturbed(world: &World) -> Duration {
    let began = Instant::now();
    world.run(&["scan", "source", "--to", "undisturbed", "--json"]).expect(0);
    began.elapsed()
}

#[test]
fn a_client_that_is_killed_at_any_moment_of_its_first_round_converges_when_run_again() {
    let world = World::new();
    many_files(&world.source(), FILES);
    let undisturbed = undisturbed(&world);
    let mut struck = 0;
    for moment in 1..=MOMENTS {
        let data = format!("data-{moment}");
        let to = ["scan", "source", "--to", &data, "--json"];
        let mut started = world.start(&to);
        struck += u32::from(reaches(moment, undisturbed, &mut started));
        started.kill();
        world.run(&to).expect(0);
        assert_mirrored(&world.source(), &world.path(&data).join("local/source"));
        assert_tidy(&world.path(&data).join("local"));
        fs::remove_dir_all(world.path(&data)).expect("removed");
    }
    assert!(struck >= MOMENTS / 2, "only {struck} of {MOMENTS} were killed in the middle");
}

#[test]
fn a_receiver_that_is_killed_at_any_moment_costs_its_client_nothing_but_time() {
    let tree = || {
        let world = World::new();
        many_files(&world.source(), FILES);
        world
    };
    let undisturbed = undisturbed(&tree());
    let mut struck = 0;
    for moment in 1..=MOMENTS {
        let world = tree();
        let receiver = world.receiver();
        let address = receiver.address();
        let mut client = receiver.start_scan(&world, &[]);
        struck += u32::from(reaches(moment, undisturbed, &mut client));
        receiver.kill();
        let _receiver = Receiver::start_at(&world, &address);
        client.ended(PATIENCE).expect(0);
        assert_mirrored(&world.source(), &Receiver::mirror(&world));
        assert_tidy(&world.path("data/tester"));
    }
    assert!(struck >= MOMENTS / 2, "only {struck} of {MOMENTS} were killed in the middle");
}

#[test]
fn a_round_that_meets_another_one_of_its_mirror_is_told_to_wait() {
    let world = World::with(&["a=1"]);
    let held = world.start_loop("1h");
    held.wait_for_rounds(1);
    let second = world.scan(&[]).expect(11);
    assert!(second.stderr.contains("Hint: "), "{}", second.stderr);
    assert_eq!(second.summary()["failed"], true);
    held.signal("TERM");
    held.ended(PATIENCE).expect(0);
    world.round();
}

#[test]
fn of_twenty_rounds_that_start_at_once_each_is_done_or_told_to_wait() {
    let world = World::with(&["a=1", "d/b=2", "d/e/c=3"]);
    let started: Vec<_> = (0..20).map(|_| world.start(&["scan", "source", "--to", "data", "--json"])).collect();
    let ended: Vec<Outcome> = started.into_iter().map(|one| one.ended(PATIENCE)).collect();
    for outcome in &ended {
        assert!([0, 11].contains(&outcome.code), "{outcome:?}");
    }
    assert!(ended.iter().any(|outcome| outcome.code == 0), "one of them did it");
    assert_mirrored(&world.source(), &world.mirror());
    assert_tidy(&world.path("data/local"));
    assert_eq!(world.round().count("created"), 0);
}

#[test]
fn a_loop_that_is_killed_leaves_no_lock_behind() {
    let world = World::with(&["a=1"]);
    let held = world.start_loop("1h");
    held.wait_for_rounds(1);
    held.kill();
    wait_until("the lock is free", || world.scan(&[]).code == 0);
    assert_mirrored(&world.source(), &world.mirror());
}
