//! Mount points below the root.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seams::fs::{FilesystemIdentity, Fs};
use seams::memory::{Memory, Operation, OperationKind};

use super::world::{World, name, planned, problems, rename};
use crate::finding::Finding;

/// A source with another file system at `m`, in which there is a file `f`; everything is delivered.
fn mounted() -> (World, Memory) {
    let mut world = World::new(&["a=1", "m"]);
    let disk = disk(&world, "disk");
    world.fs.mount(Path::new("/s/m"), &disk).expect("mounted");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(planned(&world.round()), ["Create a", "Create m", "Create m/f"]);
    assert_eq!(world.mounts.len(), 1);
    (world, disk)
}

/// Another file system, with a file `f`.
pub(super) fn disk(world: &World, id: &str) -> Memory {
    let disk = world.fs.another();
    let id = id.as_bytes().to_vec();
    disk.set_filesystem(FilesystemIdentity { kind: "memory".to_owned(), id, local: true, stable_inodes: true });
    let file = disk.open_root(Path::new("/")).and_then(|root| root.create_file(&name("f"))).expect("a file");
    file.write_all_at(b"on the disk", 0).expect("written");
    disk
}

#[test]
fn a_disk_that_is_mounted_again_under_another_device_number_is_unchanged() {
    let (mut world, disk) = mounted();
    world.fs.unmount_lazily(Path::new("/s/m")).expect("unmounted");
    world.fs.mount(Path::new("/s/m"), &disk).expect("mounted");
    let again = world.round();
    assert!(again.findings.is_empty() && again.mounts.is_empty(), "{again:?}");
    assert_eq!(again.counts.files_opened, 0);
}

#[test]
fn a_disk_that_is_not_mounted_is_a_problem_and_nothing_of_it_is_deleted() {
    let (mut world, _disk) = mounted();
    world.fs.unmount_lazily(Path::new("/s/m")).expect("unmounted");
    world.write("a=11");
    let scanned = world.scan().expect("a scan");
    assert_eq!((planned(&scanned), problems(&scanned)), (vec!["Modify a".to_owned()], vec!["! m".to_owned()]));
    let is_about_the_directory =
        |finding: &Finding| matches!(finding, Finding::Present { path, .. } if path.as_bytes() == b"m");
    assert!(!scanned.findings.iter().any(is_about_the_directory), "nor are its times those of the disk");
    world.rules.accept_mounts = true;
    assert_eq!(planned(&world.round()), ["Modify a", "Delete m/f"], "a person says so");
    world.rules.accept_mounts = false;
    assert!(world.round().findings.is_empty(), "and that is remembered");
}

#[test]
fn after_the_snapshot_was_lost_a_mounted_disk_is_known_again_without_a_person() {
    let (mut world, _disk) = mounted();
    world.mounts.clear();
    world.rows.readings().clear();
    let scanned = world.scan().expect("a scan");
    assert_eq!((planned(&scanned), problems(&scanned)), (Vec::new(), Vec::new()));
    assert_eq!(scanned.mounts.len(), 1, "and is recorded");
}

#[test]
fn another_disk_in_its_place_is_a_problem_and_neither_delivered_nor_recorded() {
    let (mut world, _disk) = mounted();
    world.fs.unmount_lazily(Path::new("/s/m")).expect("unmounted");
    let other = disk(&world, "another disk");
    rename_in(&other, "f", "g");
    world.fs.mount(Path::new("/s/m"), &other).expect("mounted");
    let scanned = world.scan().expect("a scan");
    assert_eq!((planned(&scanned), problems(&scanned)), (Vec::new(), vec!["! m".to_owned()]));
    assert!(scanned.mounts.is_empty());
    let said = format!("{:?}", scanned.findings);
    assert!(said.contains("memory disk") && said.contains("memory another disk"), "{said}");
    world.rules.accept_mounts = true;
    assert_eq!(planned(&world.round()), ["R m/f -> m/g"]);
}

fn rename_in(disk: &Memory, from: &str, to: &str) {
    let root = disk.open_root(Path::new("/")).expect("a directory");
    root.rename(&name(from), &*root, &name(to)).expect("renamed");
}

#[test]
fn a_disk_mounted_over_what_was_recorded_is_a_problem_and_over_an_empty_directory_none() {
    let mut world = World::new(&["e", "full/x=1"]);
    world.round();
    for at in ["/s/e", "/s/full"] {
        world.fs.mount(Path::new(at), &disk(&world, at)).expect("mounted");
    }
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), ["Create e/f"]);
    assert_eq!(problems(&scanned), ["! full"]);
    assert_eq!(scanned.mounts.len(), 1);
}

#[test]
fn a_mount_point_that_is_gone_stays_at_the_mirror_with_all_above_it() {
    let (mut world, disk) = mounted();
    world.write("d/x=2");
    world.write("d/disk/");
    world.fs.make_directory(Path::new("/s/d/disk")).expect("made");
    world.fs.unmount_lazily(Path::new("/s/m")).expect("unmounted");
    world.fs.mount(Path::new("/s/d/disk"), &disk).expect("mounted");
    world.rules.accept_mounts = true;
    world.round();
    world.rules.accept_mounts = false;
    world.fs.unmount_lazily(Path::new("/s/d/disk")).expect("unmounted");
    for gone in ["d/disk", "d/x", "d"] {
        world.remove(gone);
    }
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), ["Delete d/x"]);
    assert_eq!(problems(&scanned), ["! d/disk"]);
    world.rules.accept_mounts = true;
    assert_eq!(planned(&world.round()), ["Delete d"]);
}

#[test]
fn a_file_in_the_place_of_a_mount_point_replaces_nothing() {
    let (world, _disk) = mounted();
    world.fs.unmount_lazily(Path::new("/s/m")).expect("unmounted");
    rename(&world.fs, "m", "elsewhere");
    world.write("m=a file");
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), ["Create elsewhere"]);
    assert_eq!(problems(&scanned), ["! m"]);
}

#[test]
fn a_disk_that_is_unmounted_between_a_look_at_it_and_its_opening_loses_nothing() {
    let (world, _disk) = mounted();
    world.just_before(OperationKind::Filesystem, "m", |fs| {
        fs.unmount_lazily(Path::new("/s/m")).expect("unmounted");
    });
    let scanned = world.scan().expect("a scan");
    assert_eq!((planned(&scanned), problems(&scanned)), (Vec::new(), vec!["~ m".to_owned()]));
}

#[test]
fn a_disk_that_is_unmounted_at_any_moment_of_a_round_loses_nothing() {
    let operations = {
        let (world, _disk) = mounted();
        let count = Arc::new(AtomicUsize::new(0));
        unmount_at(&world, usize::MAX, &count);
        world.scan().expect("a scan");
        count.load(Ordering::Relaxed)
    };
    assert!(operations > 10, "{operations}");
    for moment in 0..operations {
        let (world, _disk) = mounted();
        unmount_at(&world, moment, &Arc::default());
        let scanned = world.scan().expect("a scan");
        assert_eq!(planned(&scanned), Vec::<String>::new(), "before operation {moment}");
    }
}

/// Unmounts the disk just before the operation of this number, and counts them.
fn unmount_at(world: &World, moment: usize, count: &Arc<AtomicUsize>) {
    let (fs, count) = (world.fs.clone(), Arc::clone(count));
    world.fs.set_fault_hook(Some(Arc::new(move |_: &Operation| {
        if count.fetch_add(1, Ordering::Relaxed) == moment {
            fs.unmount_lazily(Path::new("/s/m")).expect("unmounted");
        }
        None
    })));
}
