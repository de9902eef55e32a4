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

/// The moments at which a process is killed, spread over the time that it takes when nobody kills it.
struct Moments {
    undisturbed: Duration,
    struck: u32,
    /// Processes that had ended before their moment.
    late: u32,
}

impl Moments {
    /// Measured by a first round of this world's source, to a data directory that nothing else uses.
    fn measured(world: &World) -> Self {
        let began = Instant::now();
        world.run(&["scan", "source", "--to", "undisturbed", "--json"]).expect(0);
        Self { undisturbed: began.elapsed(), struck: 0, late: 0 }
    }

    fn are_left(&self) -> bool {
        assert!(self.late <= 2 * MOMENTS, "too often too late: only {} were killed in the middle", self.struck);
        self.struck < MOMENTS
    }

    /// Waits for the next moment. One that ends before it was quicker than the one measured (the machine has other
    /// work too), so its time is the measure from then on.
    fn wait(&mut self, process: &mut Started) {
        let began = Instant::now();
        let moment = self.undisturbed * (self.struck + 1) / (MOMENTS + 1);
        if comes_true(moment, || !process.is_running()) {
            self.undisturbed = began.elapsed();
            self.late += 1;
        } else {
            self.struck += 1;
        }
    }
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

#[test]
fn a_client_that_is_killed_at_any_moment_of_its_first_round_converges_when_run_again() {
    let world = World::new();
    many_files(&world.source(), FILES);
    let mut moments = Moments::measured(&world);
    while moments.are_left() {
        let data = format!("data-{}-{}", moments.struck, moments.late);
        let to = ["scan", "source", "--to", &data, "--json"];
        let mut started = world.start(&to);
        moments.wait(&mut started);
        started.kill();
        world.run(&to).expect(0);
        assert_mirrored(&world.source(), &world.path(&data).join("local/source"));
        assert_tidy(&world.path(&data).join("local"));
        fs::remove_dir_all(world.path(&data)).expect("removed");
    }
}

#[test]
fn a_receiver_that_is_killed_at_any_moment_costs_its_client_nothing_but_time() {
    let tree = || {
        let world = World::new();
        many_files(&world.source(), FILES);
        world
    };
    let mut moments = Moments::measured(&tree());
    while moments.are_left() {
        let world = tree();
        let receiver = world.receiver();
        let address = receiver.address();
        let mut client = receiver.start_scan(&world, &[]);
        moments.wait(&mut client);
        receiver.kill();
        let _receiver = Receiver::start_at(&world, &address);
        client.ended(PATIENCE).expect(0);
        assert_mirrored(&world.source(), &Receiver::mirror(&world));
        assert_tidy(&world.path("data/tester"));
    }
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
