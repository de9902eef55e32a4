//! What moves cost, by counts: twice as much is twice the work, and what did not change is not opened.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seams::memory::Operation;

use super::moved_directories::delivered;
use super::world::{World, planned, rename};
use crate::scan::Scanned;

/// So many files, by `ROUNDSMAN_TEST_SIZE`: all in the full and the long run, a twentieth else.
fn files(all: usize) -> usize {
    match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("full" | "long") => all,
        _ => all / 20,
    }
}

/// What a scan asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    /// Of the file system.
    operations: usize,
    /// Rows of the snapshot that were read.
    rows: usize,
    /// Questions which directories have an inode.
    inodes: usize,
    opened: u64,
}

impl Cost {
    /// Of one more scan, a minute later.
    fn of(world: &mut World) -> (Scanned, Self) {
        world.clock.advance(Duration::from_secs(60));
        let operations = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&operations);
        world.fs.set_fault_hook(Some(Arc::new(move |_: &Operation| {
            count.fetch_add(1, Ordering::Relaxed);
            None
        })));
        let given = |counter: &AtomicUsize| counter.swap(0, Ordering::Relaxed);
        given(&world.rows.rows_given);
        given(&world.rows.inodes_asked);
        let scanned = world.scan().expect("a scan");
        world.fs.set_fault_hook(None);
        let cost = Self {
            operations: given(&operations),
            rows: given(&world.rows.rows_given),
            inodes: given(&world.rows.inodes_asked),
            opened: scanned.counts.files_opened,
        };
        (scanned, cost)
    }

    /// Whether this is twice another, give or take a tenth.
    fn is_twice(self, half: Self) -> bool {
        let twice = |whole: usize, half: usize| 10 * whole <= 22 * half;
        twice(self.operations, half.operations) && twice(self.rows, half.rows) && self.opened <= 2 * half.opened
    }
}

/// A source with these files, of which every one has bytes of its own.
fn source(top: &str, numbers: Range<usize>, directories: usize) -> World {
    let files: Vec<String> = numbers.map(|n| format!("{top}/d{}/f{n}=file {n:06}", n % directories)).collect();
    delivered(&files.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn sixty_thousand_files_in_a_moved_directory_with_three_edits_are_four_changes_and_three_files_opened() {
    let files = files(60_000);
    let mut world = source("old", 0..files, 4);
    let (_, quiet) = Cost::of(&mut world);
    rename(&world.fs, "old", "new");
    for edited in [5, 502, 1_003] {
        world.write(&format!("new/d{}/f{edited}=edit {edited:06}", edited % 4));
    }
    let (scanned, cost) = Cost::of(&mut world);
    let expected = ["R old -> new", "Modify new/d1/f5", "Modify new/d2/f502", "Modify new/d3/f1003"];
    assert_eq!(planned(&scanned), expected);
    assert_eq!(cost.opened, 3);
    assert!(cost.rows <= 2 * quiet.rows, "the rows of each directory twice at most: {cost:?}, {quiet:?}");
    assert!(cost.operations < quiet.operations + 200, "as many looks as if nothing had moved: {cost:?}, {quiet:?}");
    assert_eq!(cost.inodes, 1, "the directories in it have the inodes that are recorded there");
}

#[test]
fn a_renamed_directory_of_a_hundred_thousand_children_costs_a_stat_and_a_row_for_each() {
    let costs = [1, 2].map(|times| {
        let mut world = source("old", 0..files(50_000) * times, 1);
        rename(&world.fs, "old/d0", "old/renamed");
        let (scanned, cost) = Cost::of(&mut world);
        assert_eq!(planned(&scanned), ["R old/d0 -> old/renamed"]);
        assert_eq!(cost.opened, 0);
        cost
    });
    assert!(costs[1].is_twice(costs[0]), "{costs:?}");
}

#[test]
fn files_that_move_one_by_one_are_read_once_each() {
    let costs = [1, 2].map(|times| {
        let files = files(8_000) * times;
        let mut world = source("from", 0..files, 2);
        world.write("to");
        world.round();
        (0..files).for_each(|n| rename(&world.fs, &format!("from/d{}/f{n}", n % 2), &format!("to/g{n}")));
        let (scanned, cost) = Cost::of(&mut world);
        let lines = planned(&scanned);
        assert_eq!(lines.iter().filter(|line| line.starts_with("R from/d")).count(), files);
        assert_eq!((lines.len(), cost.opened), (files, u64::try_from(files).expect("fits")));
        cost
    });
    assert!(costs[1].is_twice(costs[0]), "{costs:?}");
}

/// Many directories make place for new ones of their names, which are walked before those are found elsewhere.
#[test]
fn directories_that_are_first_walked_for_others_cost_twice_as_much_for_twice_as_many() {
    let costs = [1, 2].map(|times| {
        let directories = 200 * times;
        let files: Vec<String> = (0..directories).map(|n| format!("a/d{n}/f=file {n:06}")).collect();
        let mut world = delivered(&files.iter().map(String::as_str).collect::<Vec<_>>());
        for n in 0..directories {
            rename(&world.fs, &format!("a/d{n}"), &format!("z/d{n}"));
            world.write(&format!("a/d{n}/f=new {n:07}"));
        }
        let (scanned, cost) = Cost::of(&mut world);
        assert_eq!(planned(&scanned).iter().filter(|line| line.starts_with("R a/d")).count(), directories);
        assert_eq!(cost.opened, u64::try_from(directories).expect("fits"));
        cost
    });
    assert!(costs[1].is_twice(costs[0]), "{costs:?}");
}
