//! Sparse files: their holes are neither read nor sent, nor do they take room at the mirror or memory on either side.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use crate::support::process::Peaks;
use crate::support::{Outcome, PATIENCE, Receiver, World, comes_true, noise};

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
/// Bytes of each of three pieces of data: at the beginning, in the middle, at the end.
const DATA: u64 = MIB;

fn length() -> u64 {
    let is_long = std::env::var_os("ROUNDSMAN_TEST_SIZE").is_some_and(|size| size == "long");
    if is_long { 20 * GIB } else { 2 * GIB }
}

/// A sparse file; nothing where the file system has no holes.
fn sparse(path: &Path, length: u64) -> Option<File> {
    let file = File::options().create(true).truncate(true).write(true).open(path).expect("made");
    file.set_len(length).expect("grown");
    for (seed, at) in (1..).zip([0, length / 3, length - DATA]) {
        file.write_all_at(&noise(seed, 1024 * 1024), at).expect("written");
    }
    file.sync_all().expect("on the disk");
    (allocated(path) < 4 * DATA).then_some(file)
}

fn allocated(path: &Path) -> u64 {
    fs::metadata(path).expect("is there").blocks() * 512
}

/// A round, and that neither side took too much memory for it.
#[track_caller]
fn round(world: &World, receiver: &Receiver) -> Outcome {
    let mut client = receiver.start_scan(world, &[]);
    let mut peaks = Peaks::default();
    let ended = comes_true(PATIENCE * 3, || {
        peaks.look(client.id(), receiver.id());
        !client.is_running()
    });
    assert!(ended, "it still runs: {}", client.stderr());
    let outcome = client.ended(PATIENCE).expect(0);
    println!("{}", outcome.stdout);
    peaks.are_within_the_promise();
    outcome
}

#[test]
fn the_holes_of_a_huge_file_are_neither_read_nor_sent_nor_kept() {
    let world = World::new();
    let (here, length) = (world.source().join("sparse"), length());
    let Some(file) = sparse(&here, length) else {
        println!("SKIP: this file system has no holes");
        return;
    };
    let receiver = world.receiver();
    let there = Receiver::mirror(&world).join("sparse");
    let first = round(&world, &receiver);
    // Each piece of data is read to know it and to send it, with what a buffer holds besides.
    assert!(first.count("bytes_read") < 9 * DATA, "{}", first.stdout);
    assert!(first.count("bytes_sent") < 4 * DATA, "{}", first.stdout);
    assert_eq!(first.count("bytes_seen"), length);
    assert!(allocated(&there) < 4 * DATA, "{} bytes on the disk", allocated(&there));

    file.write_all_at(b"no hole any more", length / 2).expect("written");
    let second = round(&world, &receiver);
    assert!(second.count("bytes_read") < 13 * DATA, "{}", second.stdout);
    assert!(second.count("bytes_sent") < DATA, "{}", second.stdout);
    assert!(allocated(&there) < 4 * DATA, "{} bytes on the disk", allocated(&there));
    let same = std::process::Command::new("cmp").args([&here, &there]).status().expect("cmp runs");
    assert!(same.success(), "the mirror has other bytes");
}
