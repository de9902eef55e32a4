//! Several processes and one local data directory: one of them serves it, the others go through that one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{PATIENCE, Receiver, Started, World, assert_mirrored, wait_until, write};

/// A loop over a source of the world.
fn start_loop(world: &World, source: &str, interval: &str) -> Started {
    world.start(&["scan", source, "--to", "data", "--interval", interval, "--json"])
}

fn holds(path: &Path, text: &str) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes())
}

#[track_caller]
fn end(started: Started) {
    started.signal("TERM");
    started.ended(PATIENCE).expect(0);
}

/// Ends a loop over a source that was edited, and makes one more round: one that ran beside the edit may have seen a
/// directory's mtime before it and the files after it.
#[track_caller]
fn settle(world: &World, started: Started, source: &str) {
    end(started);
    world.run(&["scan", source, "--to", "data", "--json"]).expect(0);
    assert_mirrored(&world.path(source), &world.path("data/local").join(source));
}

/// Who serves the data directory, as it is published.
fn server(world: &World) -> serde_json::Value {
    let address = fs::read(world.path("data/.roundsman/address")).expect("somebody serves");
    serde_json::from_slice(&address).expect("is JSON")
}

#[test]
fn two_mirrors_into_one_directory_are_both_right_when_the_first_to_start_ends_first() {
    let world = World::new();
    write(&world.path(""), &["first/a=1", "second/b=1"]);
    let first = start_loop(&world, "first", "1h");
    first.wait_for_rounds(1);
    let serves_first = server(&world)["pid"].clone();
    let second = start_loop(&world, "second", "100ms");
    second.wait_for_rounds(1);
    assert_eq!(server(&world)["pid"], serves_first, "the second went through the first");
    end(first);
    write(&world.path("second"), &["b=2", "d/c=3"]);
    let mirror = world.path("data/local/second");
    wait_until("the second took over", || holds(&mirror.join("b"), "2") && holds(&mirror.join("d/c"), "3"));
    assert_ne!(server(&world)["pid"], serves_first);
    settle(&world, second, "second");
    assert_mirrored(&world.path("first"), &world.path("data/local/first"));
}

#[test]
fn the_first_to_start_may_be_killed_as_well() {
    let world = World::new();
    write(&world.path(""), &["first/a=1", "second/b=1"]);
    let first = start_loop(&world, "first", "1h");
    first.wait_for_rounds(1);
    let second = start_loop(&world, "second", "100ms");
    second.wait_for_rounds(1);
    first.kill();
    write(&world.path("second"), &["b=2"]);
    let mirror = world.path("data/local/second");
    wait_until("the second took over", || holds(&mirror.join("b"), "2"));
    settle(&world, second, "second");
}

#[test]
fn ten_mirrors_that_start_at_once_share_one_directory() {
    let world = World::new();
    let names: Vec<String> = (0..10).map(|number| format!("s{number}")).collect();
    for name in &names {
        write(&world.path(name), &["a=1", "d/b=2"]);
    }
    let started: Vec<_> = names.iter().map(|name| world.start(&["scan", name, "--to", "data", "--json"])).collect();
    for one in started {
        one.ended(PATIENCE).expect(0);
    }
    for name in &names {
        assert_mirrored(&world.path(name), &world.path("data/local").join(name));
    }
}

#[test]
fn a_round_to_a_directory_that_a_receiver_serves_goes_through_it() {
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    assert_eq!(server(&world)["url"], receiver.url.as_str());
    world.round();
    assert_eq!(server(&world)["pid"], receiver.id(), "it still serves");
    receiver.scan(&world, &[]).expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
    assert_eq!(receiver.end("TERM", PATIENCE), Some(0));
    write(&world.source(), &["a=2"]);
    world.round();
}

#[test]
fn only_its_owner_may_read_what_lets_others_in() {
    let world = World::with(&["a=1"]);
    let held = world.start_loop("1h");
    held.wait_for_rounds(1);
    let mode = |path: &str| fs::metadata(world.path(path)).expect("is there").permissions().mode() & 0o7777;
    assert_eq!(mode("data/.roundsman/address"), 0o600);
    assert_eq!(mode("data/.roundsman"), 0o700);
    end(held);
    assert!(!world.path("data/.roundsman/address").exists(), "nobody serves any more");
}

#[test]
fn a_second_receiver_of_one_directory_is_refused() {
    let world = World::with(&["a=1"]);
    let _receiver = world.receiver();
    let second = world.run(&["receive", "--data", "data", "--listen", "127.0.0.1:0"]).expect(11);
    assert!(second.stderr.contains("Hint: "), "{}", second.stderr);
}

#[test]
fn a_receiver_at_an_address_that_is_taken_says_so_and_serves_nothing() {
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    let second = world.run(&["receive", "--data", "other", "--listen", &receiver.address()]).expect(2);
    assert!(second.stderr.contains(&receiver.address()) && second.stderr.contains("Hint: "), "{}", second.stderr);
    assert!(!world.path("other/.roundsman/address").exists());
}
