//! Whose copy the mirror is: sources that are emptied, replaced, or of the same name; a snapshot that is lost.

use std::path::Path;

use protocol::Lineage;
use scanner::RootTrouble;
use snapshot_db::Snapshot;
use uploader::DeliverError;

use super::world::{World, remove, write};
use crate::round::RoundError;

#[test]
fn an_emptied_source_stops_the_round_and_deletes_nothing() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.good_round();
    let before = world.mirrored();
    remove(&world, "a");
    let report = world.round();
    assert!(matches!(report.failure, Some(RoundError::Root(RootTrouble::Emptied))), "{:?}", report.failure);
    assert_eq!(world.mirrored(), before);
}

#[test]
fn another_file_system_at_the_sources_path_stops_the_round_before_anything_is_compared() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.good_round();
    let before = world.mirrored();
    let other = seams::fs::FilesystemIdentity { kind: "xfs".into(), id: vec![9], local: true, stable_inodes: true };
    world.fs.set_filesystem(other);
    write(&world, "a", "22");
    let report = world.round();
    assert!(matches!(report.failure, Some(RoundError::Root(RootTrouble::OtherFilesystem { .. }))));
    assert_eq!((report.counts.files, world.mirrored()), (0, before));
    assert!(world.round_as(&world.snapshot, "/source", true).failure.is_none(), "unless a person says so");
}

#[test]
fn a_second_source_of_the_same_name_is_refused_and_both_are_named() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.good_round();
    let before = world.mirrored();
    world.fs.make_directory(Path::new("/other/source/x")).expect("made");
    let fresh = Snapshot::in_memory(Lineage::from_bytes([2; 16]));
    let report = world.round_as(&fresh, "/other/source", false);
    let message = report.failure.expect("refused").to_string();
    assert_eq!(message, "the mirror `source` is the copy of /source on test, not of /other/source on test");
    assert_eq!(world.mirrored(), before);
    world.good_round();
}

#[test]
fn a_lost_snapshot_is_rebuilt_and_only_what_differs_is_sent() {
    let world = World::new(1);
    write(&world, "a", "1");
    write(&world, "b", "2");
    world.good_round();
    write(&world, "b", "changed");
    let fresh = Snapshot::in_memory(Lineage::from_bytes([2; 16]));
    let report = world.round_as(&fresh, "/source", false);
    assert!(report.failure.is_none(), "{:?}", report.failure);
    let paths: Vec<String> = report.changes.iter().map(|change| change.path().to_string()).collect();
    assert_eq!(paths, ["b"]);
    assert_eq!(world.mirrored(), world.in_source());
    let fenced = world.round();
    assert!(matches!(fenced.failure, Some(RoundError::Deliver(DeliverError::Fenced { .. }))), "{:?}", fenced.failure);
}
