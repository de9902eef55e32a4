//! Copies: the receiver has their contents already, so names and content ids are all that travels.

use std::fs;
use std::path::Path;

use crate::support::tree::many_files;
use crate::support::{Outcome, Receiver, World, assert_mirrored, noise};

const FILES: u64 = 500;
/// What a copied file may cost on the wire both ways, in bytes; its content id alone is 32 that do not compress.
const BYTES_A_FILE: u64 = 60;
/// What a round with one change may cost in all: five exchanges with their heads.
const BYTES_A_ROUND: u64 = 4 * 1024;

/// A folder as a camera leaves it, each file with bytes of its own that do not compress.
fn photos(folder: &Path) {
    fs::create_dir_all(folder).expect("made");
    for number in 0..FILES {
        let (hour, minute, second) = (8 + number / 60, number % 60, number * 7 % 60);
        let name = format!("IMG_20240517_{hour:02}{minute:02}{second:02}.jpg");
        fs::write(folder.join(name), noise(number + 1, 4096)).expect("written");
    }
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("read");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

#[track_caller]
fn round(world: &World, receiver: &Receiver) -> Outcome {
    let outcome = receiver.scan(world, &[]).expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(world));
    outcome
}

fn bytes_on_the_wire(outcome: &Outcome) -> u64 {
    outcome.count("bytes_sent") + outcome.count("bytes_received")
}

#[test]
fn a_copied_file_or_directory_costs_its_names_and_content_ids() {
    let world = World::new();
    let receiver = world.receiver();
    let source = world.source();
    photos(&source.join("Pictures/2024 May"));
    many_files(&source.join("unchanged"), 2000);
    fs::write(source.join("large"), noise(1_000_000, 1 << 20)).expect("written");
    round(&world, &receiver);

    fs::copy(source.join("large"), source.join("large (copy)")).expect("copied");
    let one = round(&world, &receiver);
    assert_eq!(one.count("created"), 1);
    assert!(bytes_on_the_wire(&one) <= BYTES_A_ROUND, "{} bytes for one copied file", bytes_on_the_wire(&one));

    copy_files(&source.join("Pictures/2024 May"), &source.join("Pictures/2024 May (copy)"));
    let all = round(&world, &receiver);
    assert_eq!(all.count("created"), FILES + 1);
    let bytes = bytes_on_the_wire(&all) - bytes_on_the_wire(&one);
    assert!(bytes <= FILES * BYTES_A_FILE, "{bytes} bytes for {FILES} copied files");
}
