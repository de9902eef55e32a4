//! Inodes that are given again, equal sizes and restored times, many times over: whatever stat says, the mirror has the
//! bytes of the source.

use std::time::Duration;

use protocol::Timestamp;
use seams::random::{Random, SeededRandom};

use super::moved_directories::delivered;
use super::world::{World, name, parent_of, rename};

/// Rounds, by `ROUNDSMAN_TEST_SIZE`.
fn rounds() -> u64 {
    match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("long") => 20_000,
        _ => 1_000,
    }
}

/// The time that every file has, whatever was done to it.
const MTIME: Timestamp = Timestamp::from_nanos(1_600_000_000_500_000_000);

/// Writes a file of eight bytes, and sets its time back.
fn put(world: &World, path: &str, text: u64) {
    world.write(&format!("{path}={text:08}"));
    set_back(world, path);
}

fn set_back(world: &World, path: &str) {
    let (parent, last) = parent_of(&world.fs, path);
    parent.set_mtime(&name(last), MTIME).expect("set");
}

fn inode(world: &World, path: &str) -> u64 {
    let (parent, last) = parent_of(&world.fs, path);
    parent.stat(&name(last)).expect("is there").inode
}

/// A source of files of equal size and time, where the number of what went is given again at once.
fn world() -> World {
    let mut world = delivered(&["other=00000000", "keep=1"]);
    world.fs = world.fs.clone().with_reused_inodes();
    for (number, path) in (1..).zip(["x", "other", "d/f", "d/g/h"]) {
        put(&world, path, number);
    }
    deliver(&mut world);
    world
}

/// Rounds until nothing waits.
fn deliver(world: &mut World) {
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(60));
        world.round();
    }
    assert!(world.is_delivered());
}

#[test]
fn a_removed_file_whose_inode_a_copy_gets_is_never_taken_for_that() {
    for number in 0..rounds() {
        let mut world = world();
        let (old, new) = (inode(&world, "x"), 1_000 + number);
        put(&world, "other", new);
        deliver(&mut world);
        world.remove("x");
        put(&world, "y", new);
        assert_eq!(inode(&world, "y"), old, "its number is given again");
        deliver(&mut world);
    }
}

/// One of the ways to hide other bytes behind what stat said before.
fn hide(world: &World, random: &SeededRandom, text: u64) {
    match random.below(6) {
        // `rm x; cp -p other x`, and the same to another name.
        0 => {
            world.remove("x");
            put(world, "x", text);
        }
        1 => {
            world.remove("x");
            put(world, "y", text);
            rename(&world.fs, "y", "x");
        }
        // `mv d e; mv e d`, and an edit with the old time in it; the same under another name for good.
        2 => {
            rename(&world.fs, "d", "e");
            put(world, "e/f", text);
            rename(&world.fs, "e", "d");
        }
        3 => {
            rename(&world.fs, "d", "e");
            put(world, "e/g/h", text);
        }
        // A directory that is made anew, of the same inodes.
        4 => {
            for path in ["d/f", "d/g/h", "d/g", "d"] {
                world.remove(path);
            }
            for path in ["e/f", "e/g/h"] {
                put(world, path, text);
            }
        }
        // Files that swap their names, of which one is edited.
        _ => {
            rename(&world.fs, "x", "t");
            rename(&world.fs, "other", "x");
            rename(&world.fs, "t", "other");
            put(world, "x", text);
        }
    }
}

#[test]
fn other_bytes_behind_equal_sizes_times_and_inodes_are_always_seen() {
    let random = SeededRandom::new(4);
    let mut world = world();
    for number in 0..rounds() {
        world.clock.advance(Duration::from_millis(random.below(3) * 500));
        hide(&world, &random, 10_000 + number);
        if random.below(2) == 0 {
            world.undelivered_round();
        }
        deliver(&mut world);
        back(&world);
        deliver(&mut world);
    }
}

/// What was `d` is `d` again.
fn back(world: &World) {
    let is_there = world.directory("").stat(&name("e")).is_ok();
    if is_there {
        rename(&world.fs, "e", "d");
    }
}
