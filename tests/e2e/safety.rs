//! Never a wrong delete: what cannot be read, what is missing, what was replaced.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::tree::names;
use crate::support::world::exists;
use crate::support::{World, assert_mirrored, write};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode set");
}

#[test]
fn an_unreadable_directory_deletes_nothing_and_the_rest_is_delivered() {
    let world = World::with(&["locked/a=1", "locked/b/c=2", "open=3", "gone=4"]).run_by_an_ordinary_user();
    world.scan(&[]).expect(0);
    set_mode(&world.source().join("locked"), 0);
    fs::remove_file(world.source().join("gone")).expect("removed");
    write(&world.source(), &["open=changed"]);
    let round = world.scan(&[]).expect(3);
    assert_eq!((round.count("deleted"), round.count("problems")), (1, 1), "{}", round.stdout);
    assert!(round.stdout.contains("cannot open the directory"), "{}", round.stdout);
    assert_eq!(fs::read(world.mirror().join("locked/b/c")).expect("kept"), b"2");
    assert_eq!(fs::read(world.mirror().join("open")).expect("delivered"), b"changed");
    set_mode(&world.source().join("locked"), 0o755);
    world.scan(&[]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn an_unreadable_file_is_a_problem_and_its_old_version_stays() {
    let world = World::with(&["a=old", "b=1"]).run_by_an_ordinary_user();
    world.scan(&[]).expect(0);
    write(&world.source(), &["a=new bytes", "b=2"]);
    set_mode(&world.source().join("a"), 0);
    let round = world.scan(&[]).expect(3);
    assert_eq!(round.count("problems"), 1);
    assert_eq!(fs::read(world.mirror().join("a")).expect("kept"), b"old");
    assert_eq!(fs::read(world.mirror().join("b")).expect("delivered"), b"2");
}

#[test]
fn directories_of_mode_0555_and_0000_and_files_of_mode_0000_come_and_go_for_an_ordinary_user() {
    let world = World::with(&["r/a=1", "r/s/b=2", "n/c=3", "f=4"]).run_by_an_ordinary_user();
    world.scan(&[]).expect(0);
    for (path, mode) in [("r/s", 0o555), ("r", 0o555), ("f", 0o000), ("n", 0o000)] {
        set_mode(&world.source().join(path), mode);
    }
    // Neither can be read any more; what the mirror has of them stays, and their new modes arrive.
    let round = world.scan(&[]).expect(3);
    assert_eq!(round.count("deleted"), 0, "{}", round.stdout);
    let mode = |path: &str| fs::metadata(world.mirror().join(path)).expect("there").permissions().mode() & 0o7777;
    assert_eq!((mode("r"), mode("n")), (0o755, 0o700), "on disk a directory keeps u+rwx");
    assert_eq!(fs::read(world.mirror().join("n/c")).expect("kept"), b"3");
    for path in ["r", "r/s", "n", "f"] {
        set_mode(&world.source().join(path), 0o755);
    }
    fs::remove_dir_all(world.source().join("r")).expect("removed");
    world.scan(&[]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn a_missing_root_stops_the_round_and_deletes_nothing() {
    let world = World::with(&["a=1", "d/b=2"]);
    world.round();
    fs::rename(world.source(), world.path("away")).expect("renamed");
    let round = world.scan(&[]).expect(1);
    assert!(round.stderr.contains("Hint: "), "{}", round.stderr);
    assert_eq!(names(&world.mirror()), ["a", "d", "d/b"]);
    assert!(round.summary()["deleted"] == 0, "the summary is the last line whatever the exit code");
}

#[test]
fn an_emptied_root_stops_the_round_and_deletes_nothing() {
    let world = World::with(&["a=1", "d/b=2"]);
    world.round();
    fs::remove_dir_all(world.source().join("d")).expect("removed");
    fs::remove_file(world.source().join("a")).expect("removed");
    world.scan(&[]).expect(1);
    assert_eq!(names(&world.mirror()), ["a", "d", "d/b"]);
}

#[test]
fn a_fifo_a_socket_and_what_they_replace_are_never_opened() {
    let world = World::with(&["was-a-file=1", "a=2"]);
    world.round();
    fs::remove_file(world.source().join("was-a-file")).expect("removed");
    for name in ["was-a-file", "fifo"] {
        let made = std::process::Command::new("mkfifo").arg(world.source().join(name)).status().expect("mkfifo runs");
        assert!(made.success());
    }
    let _socket = std::os::unix::net::UnixListener::bind(world.source().join("socket")).expect("a socket");
    let round = world.scan(&[]).expect(0);
    assert_eq!(round.count("deleted"), 1);
    assert_eq!(names(&world.mirror()), ["a"]);
}

#[test]
fn a_dry_run_creates_no_file_anywhere() {
    let world = World::with(&["a=1"]);
    let plan = world.run(&["scan", "source", "--to", "data", "--dry-run"]).expect(0);
    assert!(plan.stdout.lines().any(|line| line == "+ a"), "{}", plan.stdout);
    assert!(!exists(&world.data()) && !exists(&world.path("state")));
    world.round();
    let before = names(&world.path(""));
    write(&world.source(), &["b=2"]);
    let plan = world.run(&["scan", "source", "--to", "data", "--dry-run"]).expect(0);
    assert!(plan.stdout.lines().any(|line| line == "+ b"), "{}", plan.stdout);
    fs::remove_file(world.source().join("b")).expect("removed");
    assert_eq!(names(&world.path("")), before);
}

#[test]
fn a_destination_that_lost_everything_is_not_filled_anew_until_a_person_says_so() {
    let world = World::with(&["a=1", "d/b=2"]);
    world.round();
    fs::rename(world.data(), world.path("away")).expect("renamed");
    fs::create_dir(world.data()).expect("an empty mount point");
    let refused = world.scan(&[]).expect(1);
    assert!(refused.stderr.contains("is its disk mounted?"), "{}", refused.stderr);
    assert!(names(&world.data()).is_empty(), "nothing was made");
    world.scan(&["--adopt"]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn a_source_that_holds_the_state_directory_or_is_it_gets_quiet() {
    for state in ["source", "source/own/state"] {
        let world = World::with(&["a=1"]);
        world.scan(&["--state-dir", state]).expect(0);
        assert_eq!(names(&world.mirror()), if state == "source" { vec!["a"] } else { vec!["a", "own"] });
        let settled = world.scan(&["--state-dir", state]).expect(0);
        let quiet = world.scan(&["--state-dir", state]).expect(0);
        assert!(settled.count("created") == 0 && quiet.count("metadata") == 0, "{}", quiet.stdout);
    }
}
