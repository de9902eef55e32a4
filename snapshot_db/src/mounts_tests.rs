//! Mount points by the numbers of their directories.

use super::*;
use crate::place::Place;
use crate::testing::{create, delete, directory, head, moved, path, row, snapshot, sound_rows};

fn key(name: &str) -> FilesystemKey {
    FilesystemKey(name.as_bytes().to_vec())
}

fn mounted(at: &str, on: &str) -> (RelPath, Option<FilesystemKey>) {
    (path(at), Some(key(on)))
}

/// The recorded mount points, as the paths of their directories.
fn kept(snapshot: &Snapshot) -> BTreeMap<RelPath, FilesystemKey> {
    let mut mounts = snapshot.known().expect("readable").mounts;
    let numbered = sound_rows(snapshot).into_iter().filter_map(|(at, row)| Some((at, row.directory?)));
    let kept = numbered.filter_map(|(at, number)| Some((at, mounts.remove(&number)?))).collect();
    assert!(mounts.is_empty(), "a mount point is nowhere: {mounts:?}");
    kept
}

fn paths<const N: usize>(items: [(&str, &str); N]) -> BTreeMap<RelPath, FilesystemKey> {
    items.into_iter().map(|(at, on)| (path(at), key(on))).collect()
}

#[test]
fn mount_points_are_kept_changed_and_forgotten_by_path() {
    let snapshot = snapshot(&["a/", "a/b/"]);
    snapshot.record_mounts(&[mounted("a/b", "xfs"), mounted("new/c", "nfs")]).expect("recorded");
    assert_eq!(kept(&snapshot), paths([("a/b", "xfs"), ("new/c", "nfs")]));
    snapshot.record_mounts(&[mounted("a/b", "ext4"), (path("new/c"), None)]).expect("recorded");
    assert_eq!(kept(&snapshot), paths([("a/b", "ext4")]));
}

#[test]
fn the_root_may_be_one_though_it_has_no_row() {
    let snapshot = snapshot(&[]);
    snapshot.record_mounts(&[(RelPath::root(), Some(key("xfs")))]).expect("recorded");
    assert_eq!(snapshot.known().expect("readable").mounts, BTreeMap::from([(DirectoryId::ROOT, key("xfs"))]));
}

#[test]
fn a_mount_point_moves_with_its_directory() {
    let snapshot = snapshot(&["a/", "a/b/"]);
    snapshot.record_mounts(&[mounted("a/b", "xfs")]).expect("recorded");
    snapshot.acknowledge(head(2), &[moved("a", "c", directory())]).expect("fits");
    assert_eq!(kept(&snapshot), paths([("c/b", "xfs")]));
}

#[test]
fn a_mount_point_recorded_under_the_new_path_of_a_move_is_the_newer_word() {
    let snapshot = snapshot(&["a/", "a/b/"]);
    snapshot.record_mounts(&[mounted("a/b", "xfs")]).expect("recorded");
    snapshot.record_mounts(&[mounted("c/b", "ext4")]).expect("recorded");
    snapshot.acknowledge(head(2), &[moved("a", "c", directory())]).expect("fits");
    assert_eq!(kept(&snapshot), paths([("c/b", "ext4")]));
}

#[test]
fn a_mount_point_goes_with_its_directory() {
    let snapshot = snapshot(&["a/", "a/b/", "c/"]);
    snapshot.record_mounts(&[mounted("a/b", "xfs")]).expect("recorded");
    snapshot.acknowledge(head(2), &[delete("a")]).expect("fits");
    assert_eq!(kept(&snapshot), paths([]));
    snapshot.acknowledge(head(3), &[create("a", directory()), create("a/b", directory())]).expect("fits");
    assert_eq!(kept(&snapshot), paths([]), "another directory of the same path");
    snapshot.record_mounts(&[mounted("c", "nfs")]).expect("recorded");
    let rows = snapshot.writer().query_row("SELECT count(*) FROM mount_point", [], |row| row.get::<_, i64>(0));
    assert_eq!(rows.expect("readable"), 1, "what names nothing is swept away");
}

#[test]
fn what_is_known_already_is_not_written() {
    let place = Place::new();
    let snapshot = place.open().snapshot;
    snapshot.record_mounts(&[mounted("a", "xfs")]).expect("recorded");
    let busy = place.busy();
    busy.record_mounts(&[]).expect("nothing to write");
    busy.record_mounts(&[mounted("a", "xfs"), (path("never/was"), None)]).expect("nothing to write");
    busy.record_mounts(&[mounted("a", "ext4")]).expect_err("would be written");
    busy.record_mounts(&[(path("a"), None)]).expect_err("would be written");
}

#[test]
fn forgetting_what_never_was_makes_no_row() {
    let snapshot = snapshot(&["a/"]);
    snapshot.record_mounts(&[mounted("a", "xfs"), (path("never/was"), None)]).expect("recorded");
    assert_eq!(row(&snapshot, "never"), None);
}
