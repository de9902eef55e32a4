//! Somebody meddles with a mirror behind the receiver's back, as an ordinary user may: no round is stopped by that, and
//! nothing of theirs is destroyed.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use crate::support::world::ORDINARY_USER;
use crate::support::{World, assert_mirrored, write};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode set");
}

/// Nobody can move a directory elsewhere that belongs to root.
fn belongs_to_an_ordinary_user(path: &Path) {
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(path, Some(ORDINARY_USER), None).expect("changed");
    }
}

/// A mirror of some directories, and everything in it that a round can change.
fn mirrored() -> World {
    let items = ["edited/a=1", "edited/b/c=2", "emptied/x=3", "gone/y/z=4", "left/k=5", "moves/m=6"];
    let world = World::with(&items).run_by_an_ordinary_user();
    world.scan(&[]).expect(0);
    world
}

const DIRECTORIES: [&str; 7] = ["edited/b", "edited", "emptied", "gone/y", "gone", "left", "moves"];

/// Something of every kind of change, in each of the directories.
fn edit(world: &World) {
    write(&world.source(), &["edited/a=changed", "edited/b/c=changed", "edited/b/new=n"]);
    fs::remove_file(world.source().join("emptied/x")).expect("removed");
    fs::remove_dir_all(world.source().join("gone")).expect("removed");
    fs::rename(world.source().join("moves"), world.source().join("edited/moved")).expect("renamed");
}

#[test]
fn directories_of_a_mirror_that_lost_their_rights_stop_no_round_of_an_ordinary_user() {
    for mode in [0o555, 0o000, 0o300, 0o400] {
        let world = mirrored();
        for directory in DIRECTORIES {
            set_mode(&world.mirror().join(directory), mode);
        }
        edit(&world);
        world.scan(&[]).expect(0);
        // What no change touched is as somebody left it until a verify comes by.
        set_mode(&world.mirror().join("left"), 0o755);
        assert_mirrored(&world.source(), &world.mirror());
    }
}

#[test]
fn directories_of_a_mirror_that_lost_their_rights_are_put_right_by_verify_for_an_ordinary_user() {
    for mode in [0o555, 0o000, 0o300, 0o400] {
        let world = mirrored();
        for directory in DIRECTORIES {
            set_mode(&world.mirror().join(directory), mode);
        }
        set_mode(&world.mirror(), 0o555);
        let verify = ["verify", "source", "--from", "data", "--json"];
        let found = world.run(&verify).expect(3);
        assert!(found.stdout.contains("\"left\""), "{mode:o}: {}", found.stdout);
        let repaired = world.run(&[&verify[..], &["--repair"]].concat()).expect(0);
        assert_eq!(repaired.count("left"), 0, "{mode:o}: {}", repaired.stdout);
        assert_mirrored(&world.source(), &world.mirror());
        assert_eq!(world.run(&verify).expect(0).count("damaged"), 0);
        assert_eq!(world.scan(&[]).expect(0).count("revision"), 1, "no revision came of it");
    }
}

/// The bytes of every file that was kept of the local client, at any depth.
fn kept(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![world.data().join("local/.roundsman/versions")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).expect("listed").flatten() {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { found.push(fs::read_to_string(path).expect("read")) }
        }
    }
    found
}

#[test]
fn a_foreign_file_in_a_directory_that_goes_is_kept_and_stops_nothing() {
    let world = mirrored();
    fs::write(world.mirror().join("gone/theirs"), "theirs").expect("written");
    fs::create_dir(world.mirror().join("gone/y/dir")).expect("made");
    fs::write(world.mirror().join("gone/y/dir/deep"), "deep").expect("written");
    set_mode(&world.mirror().join("gone/y"), 0o555);
    edit(&world);
    world.scan(&[]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
    let found = kept(&world);
    for theirs in ["theirs", "deep"] {
        assert!(found.iter().any(|text| text == theirs), "{theirs} is lost: {found:?}");
    }
}

#[test]
fn what_is_foreign_in_a_directory_that_stays_is_left_there_and_kept_where_it_is_in_the_way() {
    let world = mirrored();
    write(&world.mirror(), &["edited/b/theirs=beside", "edited/b/new=in the way", "left/dir/deep=below"]);
    belongs_to_an_ordinary_user(&world.mirror().join("left/dir"));
    edit(&world);
    write(&world.source(), &["left/dir=a file"]);
    world.scan(&[]).expect(0);
    assert_eq!(fs::read_to_string(world.mirror().join("edited/b/theirs")).expect("still there"), "beside");
    for path in ["edited/b/new", "edited/b/c", "left/dir"] {
        let [ours, theirs] = [world.source(), world.mirror()].map(|root| fs::read(root.join(path)).expect("read"));
        assert_eq!(theirs, ours, "{path} is what the source has");
    }
    let found = kept(&world);
    for theirs in ["in the way", "below"] {
        assert!(found.iter().any(|text| text == theirs), "{theirs} is lost: {found:?}");
    }
}

#[test]
fn a_restore_that_finds_a_file_damaged_says_so_and_the_next_round_puts_it_right() {
    let world = World::with(&["a=one", "d/b=two"]);
    world.scan(&[]).expect(0);
    let damaged = world.mirror().join("d/b");
    let file = fs::File::options().write(true).open(&damaged).expect("there");
    let mtime = file.metadata().and_then(|found| found.modified()).expect("has a time");
    file.write_all_at(b"x", 1).expect("written");
    file.set_modified(mtime).expect("set back");
    let restored = world.run(&["restore", "--from", "data", "--into", "back"]).expect(3);
    assert!(restored.stderr.contains("d/b: what the receiver has kept of it is damaged"), "{}", restored.stderr);
    assert!(!world.path("back/d/b").exists(), "nothing damaged has its name");
    assert_eq!(fs::read(world.path("back/a")).expect("the rest is there"), b"one");
    let round = world.scan(&[]).expect(0);
    assert_eq!((round.count("mended"), round.count("revision")), (1, 1), "{}", round.stdout);
    world.run(&["restore", "--from", "data", "--into", "back"]).expect(0);
    assert_eq!(fs::read(world.path("back/d/b")).expect("there"), b"two");
}
