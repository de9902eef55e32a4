//! How a source is looked at, by the real command: settling, full reads, scrubs, and changes that stat does not show.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::{World, assert_mirrored, write};

/// Long ago, whatever the clock says.
fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

fn set_mtime(path: &Path, time: SystemTime) {
    let file = File::options().write(true).open(path).expect("opens");
    file.set_times(FileTimes::new().set_modified(time)).expect("sets times");
}

/// Other bytes of the same length, and nothing that `--ignore-ctimes` would notice.
fn rot(world: &World) {
    let path = world.source().join("old");
    let file = File::options().write(true).open(&path).expect("opens");
    file.write_all_at(b"two", 0).expect("writes");
    set_mtime(&path, long_ago());
}

/// A mirrored file whose bytes then change although nothing else of it seems to.
fn rotten() -> World {
    let world = World::with(&["old=one", "other=o"]);
    for name in ["old", "other"] {
        set_mtime(&world.source().join(name), long_ago());
    }
    world.scan(&["--ignore-ctimes"]).expect(0);
    rot(&world);
    world
}

fn in_mirror(world: &World) -> String {
    fs::read_to_string(world.mirror().join("old")).expect("is there")
}

#[test]
fn a_silent_change_is_found_by_a_full_round_and_shown_as_its_own_kind() {
    let world = rotten();
    let usual = world.scan(&["--ignore-ctimes"]).expect(0);
    assert_eq!((usual.count("modified"), usual.count("bytes_read")), (0, 0), "{}", usual.stdout);
    let full = world.scan(&["--ignore-ctimes", "--full"]).expect(0);
    assert_eq!((full.count("modified"), full.count("silent")), (1, 1), "{}", full.stdout);
    assert!(full.stdout.contains(r#""change":"silent","mark":"?","path":"old""#), "{}", full.stdout);
    assert_eq!(in_mirror(&world), "two");
}

#[test]
fn a_silent_change_is_held_where_that_is_asked_for_and_goes_when_it_is_approved() {
    let world = rotten();
    let arguments = ["--ignore-ctimes", "--full", "--hold-silent"];
    let held = world.scan(&arguments).expect(25);
    assert_eq!(in_mirror(&world), "one");
    let digest = held.summary()["held_list"].as_str().expect("a list is held").to_owned();
    world.run(&["approve", &digest]).expect(0);
    world.scan(&arguments).expect(0);
    assert_eq!(in_mirror(&world), "two");
}

#[test]
fn a_scrub_finds_a_silent_change_too() {
    let world = rotten();
    let scrub = world.scan(&["--ignore-ctimes", "--scrub", "1MB"]).expect(0);
    assert_eq!(scrub.count("silent"), 1, "{}", scrub.stdout);
    assert_eq!(in_mirror(&world), "two");
}

#[test]
fn a_full_round_reads_everything_and_sends_nothing_that_did_not_change() {
    let world = World::with(&["a=12345", "d/b=678"]);
    world.round();
    world.round();
    let full = world.scan(&["--full"]).expect(0);
    assert_eq!((full.count("bytes_read"), full.count("modified")), (8, 0), "{}", full.stdout);
}

#[test]
fn a_young_file_waits_until_it_has_settled() {
    let world = World::with(&["a=1"]);
    let young = world.scan(&["--settle", "1h"]).expect(24);
    assert_eq!((young.count("deferred"), young.count("created")), (1, 0), "{}", young.stdout);
    assert!(young.stdout.contains("it changed a moment ago"), "{}", young.stdout);
    world.round();
    write(&world.source(), &["a=2222"]);
    world.scan(&["--settle", "1h"]).expect(24);
    assert_eq!(fs::read_to_string(world.mirror().join("a")).expect("is there"), "1");
    world.round();
}

#[test]
fn a_path_that_is_left_out_now_stays_unless_it_is_to_be_deleted() {
    let world = World::with(&["a.tmp=1", "cache/b=2", "cache/c=3", "d=4"]);
    world.round();
    let filters = ["--exclude", "*.tmp", "--exclude", "/cache/"];
    let kept = world.scan(&filters).expect(0);
    assert_eq!((kept.count("excluded_kept"), kept.count("deleted")), (2, 0), "{}", kept.stdout);
    let people = world.run(&[&["scan", "source", "--to", "data"][..], &filters].concat()).expect(0);
    assert!(people.stderr.contains("2 paths are left out now and stay at the mirror"), "{}", people.stderr);
    let dry = world.scan(&[&filters[..], &["--delete-excluded", "--dry-run"]].concat()).expect(0);
    assert_eq!(dry.count("deleted"), 2, "{}", dry.stdout);
    assert!(world.mirror().join("cache/b").is_file());
    let deleted = world.scan(&[&filters[..], &["--delete-excluded"]].concat()).expect(0);
    assert_eq!((deleted.count("deleted"), deleted.count("excluded_kept")), (2, 0), "{}", deleted.stdout);
    assert_eq!(crate::support::tree::names(&world.mirror()), ["d"]);
    assert!(world.source().join("cache/b").is_file());
    let included = world.scan(&[]).expect(0);
    assert!(included.count("created") > 0, "{}", included.stdout);
    assert_mirrored(&world.source(), &world.mirror());
}
