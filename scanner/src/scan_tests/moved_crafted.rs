//! Files made so that their xxh3 is the same: BLAKE3 says what moved, and nothing is taken for another.

use std::path::Path;

use protocol::ContentId;
use seams::fs::Fs;
use xxhash_rust::xxh3::xxh3_128;

use super::moved_directories::{delivered, plan, round, sorted};
use super::world::{World, name};

/// A file of 4 KiB with a number in it that its xxh3 does not see: where the lower half of a word is that of the secret,
/// only the word itself is summed up, and so it may lend its upper half to another word.
fn crafted(number: u32) -> Vec<u8> {
    /// The secret's halves at the first lanes of the first two stripes.
    const SECRET: [[u8; 4]; 2] = [[0xb8, 0xfe, 0x6c, 0x39], [0x7c, 0x01, 0x81, 0x2c]];
    let mut bytes = vec![0; 4096];
    for (at, secret, upper) in [(0, SECRET[0], number), (64, SECRET[1], 1_000 - number)] {
        bytes[at..at + 4].copy_from_slice(&secret);
        bytes[at + 4..at + 8].copy_from_slice(&upper.to_le_bytes());
    }
    bytes
}

fn put(world: &World, directory: &str, file: &str, bytes: &[u8]) {
    let at = Path::new("/s").join(directory);
    world.fs.make_directory(&at).expect("made");
    let file = world.fs.open_root(&at).and_then(|at| at.create_file(&name(file))).expect("a file");
    file.write_all_at(bytes, 0).expect("written");
}

#[test]
fn the_crafted_files_are_different_and_share_their_xxh3() {
    assert_eq!(xxh3_128(&crafted(1)), xxh3_128(&crafted(2)));
    assert_ne!(ContentId::of(&crafted(1)), ContentId::of(&crafted(2)));
}

#[test]
fn a_file_with_the_xxh3_of_one_that_vanished_is_new() {
    for ignore_inodes in [false, true] {
        let mut world = delivered(&["keep=1"]);
        world.rules.ignore_inodes = ignore_inodes;
        world.fs = world.fs.clone().with_reused_inodes();
        put(&world, "", "old", &crafted(1));
        put(&world, "d", "f", &crafted(2));
        round(&mut world);
        for gone in ["old", "d/f", "d"] {
            world.remove(gone);
        }
        put(&world, "e", "f", &crafted(3));
        put(&world, "", "new", &crafted(4));
        let expected = ["Delete old", "Delete d", "Create e", "Create e/f", "Create new"];
        assert_eq!(sorted(round(&mut world).0), sorted(plan(&expected)));
    }
}

#[test]
fn of_files_that_share_their_xxh3_each_is_found_again_where_it_is() {
    let mut world = delivered(&["keep=1"]);
    for number in 1..9 {
        put(&world, "from", &format!("f{number}"), &crafted(number));
    }
    world.write("to");
    round(&mut world);
    let expected: Vec<String> = (1..9).map(|number| format!("R from/f{number} -> to/f{}", 9 - number)).collect();
    for number in 1..9 {
        super::world::rename(&world.fs, &format!("from/f{number}"), &format!("to/f{}", 9 - number));
    }
    assert_eq!(sorted(round(&mut world).0), expected);
}
