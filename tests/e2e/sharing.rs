//! File systems that share blocks: an old version and the new one take the disk once, but for what was edited.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::support::{Mounts, World, assert_mirrored, noise};

const MIB: usize = 1024 * 1024;
/// The file, and what is overwritten in its middle.
const LARGE: usize = 64 * MIB;
const EDITED: usize = 100_001;
/// What the edit may take in all: the literals around it, metadata and the catalog.
const MOST_TAKEN: u64 = 8 * 1024 * 1024;

/// Bytes taken on the file system that holds a path, when all that is written has its place.
fn taken(mounts: &Mounts, path: &Path) -> u64 {
    mounts.run("sync -f shared");
    let room = rustix::fs::statvfs(path).expect("is mounted");
    (room.f_blocks - room.f_bfree) * room.f_frsize
}

/// Mounts what this makes, with the data of a receiver on it, and edits a large file in its middle.
#[track_caller]
fn shares_what_was_not_edited(make: &str) {
    let world = World::new();
    let mounts = Mounts::new(&world, &format!("mkdir shared\n{make}\nmount -o loop disk.img shared"));
    let scan = || mounts.outcome(&world.command(&["scan", "source", "--to", "shared/data", "--json"])).expect(0);
    let disk = mounts.path(&world.path("shared"));
    let file = world.source().join("large");
    let old = noise(1, LARGE);
    fs::write(&file, &old).expect("written");
    scan();
    let before = taken(&mounts, &disk);
    assert!(before > LARGE as u64, "{before} bytes hold the file");
    let edit = fs::File::options().write(true).open(&file).expect("opened");
    // Begins and ends within a block.
    edit.write_all_at(&noise(2, EDITED), LARGE as u64 / 2 + 1_234).expect("written");
    drop(edit);
    let round = scan();
    assert_eq!(round.count("modified"), 1);
    let grown = taken(&mounts, &disk).saturating_sub(before);
    println!("{make}: {EDITED} bytes edited of {LARGE} took {grown}");
    assert!(grown < MOST_TAKEN, "the edit took {grown} bytes");
    assert_mirrored(&world.source(), &disk.join("data/local/source"));
    let restore = world.command(&["restore", "--at", "1", "--from", "shared/data", "--into", "was"]);
    mounts.outcome(&restore).expect(0);
    assert!(fs::read(world.path("was/large")).expect("restored") == old, "the old version is whole");
}

#[test]
#[ignore = "needs root"]
fn versions_of_a_large_file_share_its_blocks_on_btrfs() {
    shares_what_was_not_edited("truncate -s 512M disk.img\nmkfs.btrfs -q disk.img >&2");
}

#[test]
#[ignore = "needs root"]
fn versions_of_a_large_file_share_its_blocks_on_xfs() {
    shares_what_was_not_edited("truncate -s 512M disk.img\nmkfs.xfs -q -m reflink=1 disk.img >&2");
}
