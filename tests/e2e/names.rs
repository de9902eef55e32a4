//! Names that other tools stumble over: bytes, not text, and paths past every limit but our own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};

use crate::support::{World, assert_mirrored};

#[test]
fn names_with_newline_space_dash_255_bytes_and_invalid_utf8_arrive_byte_for_byte() {
    let world = World::new();
    let longest = [b'x'; 255];
    let odd: [&[u8]; 9] =
        [b"a\nb", b" ", b"-rf", b"--", &longest, b"caf\xe9", b"back\\slash", b"\x1b[2J", b"tab\tand \"quotes\""];
    for name in odd {
        let directory = world.source().join(OsStr::from_bytes(name));
        fs::create_dir(&directory).expect("a directory of that name");
        fs::write(directory.join(OsStr::from_bytes(name)), name).expect("a file of that name");
    }
    let round = world.round();
    assert_eq!(round.count("created"), 18);
    assert!(!round.stdout.contains('\x1b'), "control characters are escaped when shown");
    let exact = round.stdout.lines().any(|line| line.contains("path_base64") && line.contains("Y2Fm6Q=="));
    assert!(exact, "a name that is not UTF-8 is told exactly: {}", round.stdout);
    fs::remove_dir_all(world.source().join(OsStr::from_bytes(b"caf\xe9"))).expect("removed");
    assert_eq!(world.round().count("deleted"), 1);
}

#[test]
fn names_that_differ_in_case_or_normal_form_only_are_different_names() {
    let world = World::with(&["A=1", "a=2", "\u{e9}=3", "e\u{301}=4"]);
    assert_eq!(world.round().count("created"), 4);
    fs::rename(world.source().join("A"), world.source().join("B")).expect("renamed");
    fs::rename(world.source().join("a"), world.source().join("A")).expect("renamed");
    assert_eq!(world.round().count("moved"), 2);
}

/// Directories of 200-byte names below each other, `depth` times, and a file in the last.
fn make_deep(root: &Path, depth: usize, text: &[u8]) {
    let mut at = fs::File::open(root).map(std::os::fd::OwnedFd::from).expect("the root opens");
    let name = "d".repeat(200);
    for _ in 0..depth {
        rustix::fs::mkdirat(&at, &*name, Mode::RWXU).expect("a directory is made");
        at = rustix::fs::openat(&at, &*name, OFlags::DIRECTORY, Mode::empty()).expect("it opens");
    }
    let file =
        rustix::fs::openat(&at, "leaf", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR | Mode::WUSR).expect("a file");
    rustix::io::write(&file, text).expect("written");
}

/// What the file at the end of such a chain holds.
fn read_deep(root: &Path, depth: usize) -> Vec<u8> {
    let mut at = fs::File::open(root).map(std::os::fd::OwnedFd::from).expect("the root opens");
    for _ in 0..depth {
        at = rustix::fs::openat(&at, &*"d".repeat(200), OFlags::DIRECTORY, Mode::empty()).expect("it opens");
    }
    let stat = rustix::fs::statat(&at, "leaf", AtFlags::SYMLINK_NOFOLLOW).expect("the leaf is there");
    let file = rustix::fs::openat(&at, "leaf", OFlags::RDONLY, Mode::empty()).expect("it opens");
    let mut bytes = vec![0; usize::try_from(stat.st_size).expect("small")];
    let read = rustix::io::read(&file, &mut bytes[..]).expect("read");
    bytes.truncate(read);
    bytes
}

#[test]
fn a_path_deeper_than_the_systems_longest_is_mirrored_and_removed() {
    let world = World::with(&["shallow=1"]);
    make_deep(&world.source(), 30, b"6,000 bytes down");
    world.scan(&[]).expect(0);
    assert_eq!(read_deep(&world.mirror(), 30), b"6,000 bytes down");
    let again = world.scan(&[]).expect(0);
    assert_eq!(again.count("created") + again.count("deleted") + again.count("bytes_read"), 0);
    let removed = std::process::Command::new("rm").arg("-rf").arg(world.source().join("d".repeat(200))).status();
    assert!(removed.expect("rm runs").success());
    world.round();
}

#[test]
fn a_mirror_may_have_an_odd_name_and_an_impossible_one_is_refused_with_a_hint() {
    let world = World::with(&["a=1"]);
    let named = |name: &str| world.run(&["scan", "source", "--to", "data", "--mirror", name]);
    named("Fotos 2026 – Öland").expect(0);
    assert_mirrored(&world.source(), &world.path("data/local/Fotos 2026 – Öland"));
    for bad in [".roundsman", "a/b", "..", "a\nb", ""] {
        let refused = named(bad).expect(2);
        assert!(refused.stderr.contains("mirror"), "{bad:?}: {}", refused.stderr);
    }
}
