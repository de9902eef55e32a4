//! File systems whose inodes or ctimes change by themselves.

use std::time::Duration;

use seams::fs::FilesystemIdentity;

use super::world::{World, planned};
use crate::scan::Scanned;

/// A tree with enough files to tell a habit by.
fn world() -> World {
    let items: Vec<String> = (0..20).map(|n| format!("d{}/f{n}={n}", n % 3)).collect();
    let mut world = World::new(&items.iter().map(String::as_str).collect::<Vec<_>>());
    world.round();
    world
}

/// A round after something has happened to the file system, which keeps what it learned. How many files it opened.
fn opened_after(world: &mut World, happening: impl Fn(&World)) -> u64 {
    world.clock.advance(Duration::from_secs(60));
    happening(world);
    world.clock.advance(Duration::from_secs(60));
    let scanned = learn(world);
    assert!(scanned.findings.is_empty(), "{:?}", scanned.findings);
    scanned.counts.files_opened
}

fn learn(world: &mut World) -> Scanned {
    let scanned = world.round();
    world.known.habits.extend(scanned.habits.clone());
    scanned
}

#[test]
fn inodes_that_change_with_each_mount_are_read_in_two_rounds_and_then_never() {
    let mut world = world();
    let opened: Vec<u64> = (0..5).map(|_| opened_after(&mut world, |world| world.fs.renumber_inodes())).collect();
    assert_eq!(opened, [20, 20, 0, 0, 0]);
}

#[test]
fn ctimes_that_change_by_themselves_are_read_in_three_rounds_and_then_never() {
    let mut world = world();
    let opened: Vec<u64> = (0..5).map(|_| opened_after(&mut world, |world| world.fs.renew_ctimes())).collect();
    assert_eq!(opened, [20, 20, 20, 0, 0]);
    world.write("d0/f0=9999");
    assert_eq!(planned(&learn(&mut world)), ["Modify d0/f0"], "mtime and size still tell");
}

#[test]
fn a_round_in_which_the_inodes_hold_breaks_the_habit() {
    let mut world = world();
    for _ in 0..3 {
        assert_eq!(opened_after(&mut world, |world| world.fs.renumber_inodes()), 20);
        assert_eq!(opened_after(&mut world, |_| {}), 0);
    }
}

#[test]
fn a_full_round_looks_at_a_habit_anew() {
    let mut world = world();
    for _ in 0..3 {
        opened_after(&mut world, |world| world.fs.renumber_inodes());
    }
    world.rules.full = true;
    opened_after(&mut world, |_| {});
    world.rules.full = false;
    assert_eq!(opened_after(&mut world, |world| world.fs.renumber_inodes()), 20, "inodes count again");
}

#[test]
fn a_rule_or_a_kind_of_file_system_without_lasting_inodes_reads_nothing_from_the_start() {
    let mut ruled = world();
    ruled.rules.ignore_inodes = true;
    assert_eq!(opened_after(&mut ruled, |world| world.fs.renumber_inodes()), 0);
    ruled.rules.ignore_ctimes = true;
    assert_eq!(opened_after(&mut ruled, |world| world.fs.renew_ctimes()), 0);
    let mut unstable = world();
    let id = b"mount".to_vec();
    let kind = "fuse".to_owned();
    unstable.fs.set_filesystem(FilesystemIdentity { kind, id, local: true, stable_inodes: false });
    assert_eq!(opened_after(&mut unstable, |world| world.fs.renumber_inodes()), 0);
}

#[test]
fn a_restored_tree_is_no_habit_however_often_it_is_restored() {
    let mut world = world();
    let restored = |world: &World| {
        world.fs.renumber_inodes();
        world.fs.renew_ctimes();
    };
    let opened: Vec<u64> = (0..4).map(|_| opened_after(&mut world, restored)).collect();
    assert_eq!(opened, [20, 20, 20, 20]);
}
