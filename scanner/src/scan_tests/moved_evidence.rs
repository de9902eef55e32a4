//! An inode alone makes no move: what is in a directory must hold by its whole evidence.

use std::collections::BTreeMap;

use seams::fs::FilesystemIdentity;

use super::moved_directories::{delivered, plan, round, sorted};
use super::world::{name, planned, rename, write};
use crate::finding::Finding;
use crate::scan::Scanned;

/// The moves of directories that inodes told of.
fn told(scanned: &Scanned) -> Vec<String> {
    let told = |finding: &Finding| match finding {
        Finding::Moved { from, to, old_inode: Some(old), inode, .. } if old == inode => Some(format!("{from} -> {to}")),
        _ => None,
    };
    scanned.findings.iter().filter_map(told).collect()
}

#[test]
fn a_reused_inode_makes_no_move() {
    let mut world = delivered(&["d/f=1", "keep=2"]);
    world.fs = world.fs.clone().with_reused_inodes();
    let old = world.directory("").stat(&name("d")).expect("there");
    world.remove("d/f");
    world.remove("d");
    write(&world.fs, "e");
    write(&world.fs, "e/f=other");
    assert_eq!(world.directory("").stat(&name("e")).expect("there").inode, old.inode, "its number is given again");
    assert_eq!(sorted(round(&mut world).0), sorted(plan(&["Delete d", "Create e", "Create e/f"])));
}

#[test]
fn a_copy_with_the_old_times_is_no_move_for_its_ctimes_are_new() {
    let mut world = delivered(&["d/f=1"]);
    world.fs = world.fs.clone().with_reused_inodes();
    let (old, old_directory) = (world.directory("d").stat(&name("f")).expect("there"), world.directory("d").own_stat());
    world.remove("d/f");
    world.remove("d");
    write(&world.fs, "e");
    write(&world.fs, "e/f=2");
    world.directory("e").set_mtime(&name("f"), old.mtime).expect("set");
    let new = world.directory("e").stat(&name("f")).expect("there");
    assert_eq!((new.inode, new.size, new.mtime), (old.inode, old.size, old.mtime), "only the ctime tells");
    assert_eq!(world.directory("e").own_stat().expect("there").inode, old_directory.expect("there").inode);
    let (lines, opened) = round(&mut world);
    assert_eq!((sorted(lines), opened), (sorted(plan(&["Delete d", "Create e", "Create e/f"])), 1));
}

#[test]
fn one_file_deep_inside_is_proof_enough() {
    let mut world = delivered(&["d/f=1", "d/g=2", "d/a/b/h=3", "d/e/i=4"]);
    rename(&world.fs, "d", "n");
    for edited in ["n/f=11", "n/g=22", "n/e/i=44"] {
        world.write(edited);
    }
    let (lines, opened) = round(&mut world);
    assert_eq!(sorted(lines), sorted(plan(&["R d -> n", "Modify n/f", "Modify n/g", "Modify n/e/i"])));
    assert_eq!(opened, 3);
}

#[test]
fn without_a_file_that_holds_the_path_decides() {
    let mut world = delivered(&["d/f=1", "empty", "links/a"]);
    rename(&world.fs, "d", "n");
    rename(&world.fs, "empty", "still-empty");
    world.write("n/f=other");
    let scanned = world.scan().expect("a scan");
    assert_eq!(told(&scanned), ["d/f -> n/f"], "no directory, but a file that was renamed and edited");
    round(&mut world);
}

#[test]
fn inodes_that_are_no_evidence_are_not_asked() {
    let opened = |ignore: bool| {
        let mut world = delivered(&["d/f=1", "d/g=2"]);
        world.rules.ignore_inodes = ignore;
        rename(&world.fs, "d", "n");
        let (lines, opened) = round(&mut world);
        assert_eq!(lines, plan(&["R d -> n"]));
        opened
    };
    assert_eq!((opened(false), opened(true)), (0, 2), "by content where inodes do not tell");
}

#[test]
fn a_file_system_whose_inodes_do_not_last_is_not_asked() {
    let mut world = delivered(&["d/f=1", "d/g=2"]);
    world.fs.set_filesystem(FilesystemIdentity {
        kind: "fuse.x".to_owned(),
        id: b"x".to_vec(),
        local: true,
        stable_inodes: false,
    });
    world.round();
    rename(&world.fs, "d", "n");
    assert_eq!(round(&mut world), (plan(&["R d -> n"]), 2));
}

#[test]
fn a_remount_that_numbers_everything_anew_moves_nothing() {
    let mut world = delivered(&["a/f=1", "a/b/g=2", "c/h=3"]);
    world.fs.renumber_inodes();
    let scanned = world.round();
    assert_eq!((told(&scanned), planned(&scanned)), (vec![], vec![]));
    assert!(world.is_delivered());
    rename(&world.fs, "a", "z");
    assert_eq!(round(&mut world), (plan(&["R a -> z"]), 0), "the new numbers are known");
}

#[test]
fn a_remount_that_gives_directories_each_others_numbers_moves_nothing() {
    let mut world = delivered(&["a/f=1", "b/g=22", "c/h=333"]);
    let inodes: BTreeMap<_, _> = ["a", "b", "c"]
        .into_iter()
        .zip(["b", "c", "a"])
        .map(|(path, other)| (path, world.directory(other).own_stat().expect("there").inode))
        .collect();
    for (path, inode) in inodes {
        world.rows.set_inode(path, inode);
    }
    let scanned = world.round();
    assert_eq!((told(&scanned), planned(&scanned), scanned.counts.files_opened), (vec![], vec![], 0));
}

#[test]
fn the_proof_is_not_looked_for_forever() {
    let files: Vec<String> = (0..40).map(|n| format!("d/f{n:02}=1")).collect();
    let mut world = delivered(&files.iter().map(String::as_str).collect::<Vec<_>>());
    rename(&world.fs, "d", "n");
    (0..39).for_each(|n| world.write(&format!("n/f{n:02}=22")));
    let (_, opened) = round(&mut world);
    assert_eq!(opened, 40, "also the one that would have proven it");
    rename(&world.fs, "n", "m");
    (2..40).for_each(|n| world.write(&format!("m/f{n:02}=333")));
    let (_, opened) = round(&mut world);
    assert_eq!(opened, 38, "all but those that prove it");
}
