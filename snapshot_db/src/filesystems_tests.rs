//! What is learned of file systems.

use super::*;
use crate::place::Place;
use crate::testing::LINEAGE;

fn key(name: &str) -> FilesystemKey {
    FilesystemKey(name.as_bytes().to_vec())
}

fn habits(items: &[(&str, u32, u32)]) -> BTreeMap<FilesystemKey, Habits> {
    let habits = |(name, inode_rounds, ctime_rounds): &(&str, u32, u32)| {
        (key(name), Habits { inode_rounds: *inode_rounds, ctime_rounds: *ctime_rounds })
    };
    items.iter().map(habits).collect()
}

fn kept(snapshot: &Snapshot) -> BTreeMap<FilesystemKey, Habits> {
    snapshot.known().expect("readable").habits
}

#[test]
fn habits_are_kept_beside_the_granularity_and_those_of_others_stay() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.set_granularity(&key("ext4").0, 4_000_000).expect("recorded");
    snapshot.record_habits(&habits(&[("ext4", 1, 0), ("fuse", 2, u32::MAX)])).expect("recorded");
    snapshot.record_habits(&habits(&[("ext4", 2, 3)])).expect("recorded");
    assert_eq!(kept(&snapshot), habits(&[("ext4", 2, 3), ("fuse", 2, u32::MAX)]));
    snapshot.set_granularity(&key("fuse").0, 1).expect("recorded");
    assert_eq!(snapshot.granularity(&key("ext4").0).expect("readable"), Some(4_000_000));
    assert_eq!(kept(&snapshot), habits(&[("ext4", 2, 3), ("fuse", 2, u32::MAX)]));
}

#[test]
fn a_habit_that_ended_is_none() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.record_habits(&habits(&[("ext4", 2, 3)])).expect("recorded");
    snapshot.record_habits(&habits(&[("ext4", 0, 0)])).expect("recorded");
    assert_eq!(kept(&snapshot), habits(&[]));
}

#[test]
fn habits_that_are_known_already_are_not_written() {
    let place = Place::new();
    let snapshot = place.open().snapshot;
    snapshot.record_habits(&habits(&[("ext4", 2, 3)])).expect("recorded");
    let busy = place.busy();
    busy.record_habits(&habits(&[("ext4", 2, 3), ("never seen", 0, 0)])).expect("nothing to write");
    busy.record_habits(&habits(&[("ext4", 2, 4)])).expect_err("would be written");
}
