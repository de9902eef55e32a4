//! Which source a mirror is the copy of: markers, replaced disks, second sources, lost state.

use std::fs;
use std::path::Path;

use crate::support::place::Place;
use crate::support::tree::{names, read};
use crate::support::world::exists;
use crate::support::{Kind, Mounts, Outcome, World, assert_mirrored, write};

const MARKER: &str = ".roundsman-marker";

/// Fails unless the round stopped, said all this, and left the mirror as it was.
#[track_caller]
fn assert_stopped(round: impl FnOnce() -> Outcome, mirror: &Path, says: &[&str]) {
    let before = read(mirror);
    let round = round().expect(1);
    for part in [says, &["Hint: "]].concat() {
        assert!(round.stderr.contains(part), "no `{part}` in {}", round.stderr);
    }
    assert_eq!(read(mirror), before, "the mirror is touched");
}

#[test]
fn a_marker_is_made_once_never_mirrored_and_stops_the_round_where_it_is_missing_or_another() {
    let world = World::with(&["a=1", "d/b=2"]);
    world.scan(&["--marker"]).expect(0);
    let marker = world.source().join(MARKER);
    let id = fs::read_to_string(&marker).expect("made by the first round");
    assert_eq!(names(&world.mirror()), ["a", "d", "d/b"]);
    world.scan(&["--marker"]).expect(0);
    assert_eq!(fs::read_to_string(&marker).expect("still there"), id);
    fs::remove_file(&marker).expect("removed");
    let stopped = || world.scan(&["--marker"]);
    assert_stopped(stopped, &world.mirror(), &[id.trim(), "none", "--accept-root"]);
    assert!(!exists(&marker), "a marker that is missing is not made unasked");
    fs::write(&marker, format!("{}\n", "0".repeat(32))).expect("another disk's marker");
    assert_stopped(stopped, &world.mirror(), &[id.trim(), &"0".repeat(32)]);
    fs::write(&marker, &id).expect("the right disk again");
    write(&world.source(), &["c=3"]);
    world.scan(&["--marker"]).expect(0);
    assert_eq!(names(&world.mirror()), ["a", "c", "d", "d/b"]);
}

#[test]
fn accept_root_takes_a_source_without_its_marker_and_makes_a_new_one() {
    let world = World::with(&["a=1"]);
    world.scan(&["--marker"]).expect(0);
    let marker = world.source().join(MARKER);
    let id = fs::read(&marker).expect("made");
    fs::remove_file(&marker).expect("removed");
    world.scan(&["--marker", "--accept-root"]).expect(0);
    assert_ne!(fs::read(&marker).expect("made anew"), id);
    world.scan(&["--marker"]).expect(0);
    assert_eq!(names(&world.mirror()), ["a"]);
}

#[test]
fn accept_root_takes_another_directory_at_the_same_path() {
    let world = World::with(&["a=1", "d/b=2"]);
    world.round();
    fs::rename(world.source(), world.path("away")).expect("renamed");
    write(&world.source(), &["a=1", "c=3"]);
    assert_stopped(|| world.scan(&[]), &world.mirror(), &["another directory", "expected", "found", "--accept-root"]);
    world.scan(&["--accept-root"]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
    world.round();
}

#[test]
fn accept_root_takes_an_emptied_source() {
    let world = World::with(&["a=1", "d/b=2"]);
    world.round();
    fs::remove_dir_all(world.source().join("d")).expect("removed");
    fs::remove_file(world.source().join("a")).expect("removed");
    assert_stopped(|| world.scan(&[]), &world.mirror(), &["the source is empty", "--accept-root"]);
    let accepted = world.scan(&["--accept-root"]).expect(0);
    assert_eq!(accepted.count("deleted"), 2, "{}", accepted.stdout);
    assert!(names(&world.mirror()).is_empty());
}

/// The second source is looked at by a client that remembers nothing, as on another machine.
#[test]
fn a_second_source_of_one_name_is_refused_both_are_named_and_nothing_is_touched() {
    let world = World::with(&["a=1", "d/b=2"]);
    world.round();
    write(&world.path("elsewhere/source"), &["z=26"]);
    for state in ["state", "other-state"] {
        let scan = ["scan", "elsewhere/source", "--to", "data", "--state-dir", state];
        for more in [&[][..], &["--accept-root"]] {
            let refused = || world.run(&[&scan, more].concat());
            let both = [world.source(), world.path("elsewhere/source")].map(|path| path.display().to_string());
            assert_stopped(refused, &world.mirror(), &[&both[0], &both[1], "--mirror", "--adopt"]);
        }
    }
    assert_eq!(names(&world.path("elsewhere/source")), ["z"]);
    world.round();
    let scan = ["scan", "elsewhere/source", "--to", "data", "--state-dir", "other-state"];
    world.run(&[&scan[..], &["--mirror", "second"]].concat()).expect(0);
    assert_mirrored(&world.path("elsewhere/source"), &world.path("data/local/second"));
    world.round();
}

#[test]
#[ignore = "needs root"]
fn a_replaced_disk_is_adopted_on_demand_and_what_is_equal_is_not_sent_again() {
    for remembers in [true, false] {
        let place = Place::on(Kind::Ext4);
        write(&place.source(), &["a=1", "d/b=2"]);
        fs::write(place.source().join("big"), crate::support::noise(1, 256 * 1024)).expect("written");
        place.round();
        place.run(
            "cp -a source backup; umount source; truncate -s 32M new.img; mkfs.ext4 -q -F new.img
             mount -o loop new.img source; rmdir source/lost+found; cp -a backup/. source/; rm source/a",
        );
        let mirror = place.world.mirror();
        if !remembers {
            fs::remove_dir_all(place.world.path("state")).expect("removed");
        }
        assert_stopped(|| place.scan(&[]), &mirror, &["expected ext4", "found ext4", "--accept-root"]);
        let adopted = place.scan(&["--adopt"]).expect(0);
        assert_eq!((adopted.count("deleted"), adopted.count("created")), (1, 0), "{}", adopted.stdout);
        assert!(adopted.count("bytes_sent") < 16 * 1024, "{}", adopted.stdout);
        assert_mirrored(&place.source(), &mirror);
        place.round();
    }
}

#[test]
#[ignore = "needs root"]
fn lost_state_and_an_unmounted_source_at_once_are_refused() {
    let world = World::new();
    let mounts = Mounts::new(&world, &(Kind::Ext4.script("disk", "source") + "rmdir source/lost+found"));
    write(&mounts.path(&world.source()), &["a=1", "d/b=2"]);
    let scan = || mounts.outcome(&world.command(&["scan", "source", "--to", "data", "--json"]));
    scan().expect(0);
    fs::remove_dir_all(world.path("state")).expect("removed");
    mounts.run("umount source");
    assert_stopped(scan, &world.mirror(), &["expected ext4", "found", "--accept-root"]);
    // Also where something lies below the mount point.
    write(&world.source(), &["below=3"]);
    assert_stopped(scan, &world.mirror(), &["expected ext4", "found", "--accept-root"]);
    mounts.run("mount -o loop disk.img source");
    scan().expect(0);
    assert_mirrored(&mounts.path(&world.source()), &world.mirror());
}
