//! Edits at every distance from the round before: too close for coarse stamps, or comfortably far.

use std::fs::{self, rename};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::support::{World, assert_mirrored, write};

/// A thing that happens to a tree.
type Operation = fn(&Path);

/// The seven operations; each finds what those before it left, in a directory of its own.
const OPERATIONS: [(&str, Operation); 7] = [
    ("directory created", |at| fs::create_dir(at.join("d")).expect("made")),
    ("file created", |at| fs::write(at.join("d/f"), "1").expect("written")),
    ("file modified", |at| fs::write(at.join("d/f"), "2").expect("written")),
    ("directory moved", |at| rename(at.join("d"), at.join("e")).expect("renamed")),
    ("file moved", |at| rename(at.join("e/f"), at.join("g")).expect("renamed")),
    ("directory deleted", |at| fs::remove_dir(at.join("e")).expect("removed")),
    ("file deleted", |at| fs::remove_file(at.join("g")).expect("removed")),
];

/// The one place where a test waits for time to pass: here the distance in time is what is tested.
fn pause(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds));
}

#[test]
fn the_seven_operations_arrive_whatever_their_distance_from_the_round_before() {
    let distances = [0, 10, 1_500];
    let world = World::with(&["0/", "10/", "1500/", "stays=1"]);
    world.round();
    for (name, operation) in OPERATIONS {
        for milliseconds in distances {
            pause(milliseconds);
            operation(&world.source().join(milliseconds.to_string()));
            let round = world.scan(&[]).expect(0);
            let changes = ["created", "modified", "moved", "deleted"].map(|key| round.count(key));
            assert!(changes.iter().sum::<u64>() > 0, "{name} after {milliseconds} ms: {}", round.stdout);
            assert_mirrored(&world.source(), &world.mirror());
        }
    }
}

#[test]
fn a_rewrite_of_equal_size_right_after_a_round_is_never_missed_after_two_more() {
    let world = World::with(&["f=00000", "g=1"]);
    world.round();
    let mirrored = || fs::read(world.mirror().join("f")).expect("is there");
    for number in 1..=50 {
        let text = format!("{number:05}");
        write(&world.source(), &[&format!("f={text}")]);
        world.scan(&[]).expect(0);
        if mirrored() != text.as_bytes() {
            world.scan(&[]).expect(0);
        }
        assert_eq!(mirrored(), text.as_bytes(), "rewrite {number} was missed");
    }
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn a_rewrite_that_keeps_size_and_mtime_is_not_missed() {
    let world = World::with(&["f=old"]);
    world.round();
    let mtime = fs::metadata(world.source().join("f")).expect("is there").modified().expect("has one");
    fs::write(world.source().join("f"), "new").expect("written");
    let file = fs::File::options().append(true).open(world.source().join("f")).expect("opened");
    file.set_modified(mtime).expect("mtime set");
    drop(file);
    world.scan(&[]).expect(0);
    world.round();
}
