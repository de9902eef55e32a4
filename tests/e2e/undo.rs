//! `roundsman restore --undo`: what a round changed is as it was before, and what was changed since is left.

use std::fs;

use crate::support::world::exists;
use crate::support::{World, write};

/// The id of the last round.
fn last_round(world: &World) -> String {
    let told = world.run(&["history", "--from", "data", "--json"]).expect(0).stdout;
    let last: serde_json::Value = serde_json::from_str(told.lines().last().expect("a round")).expect("is JSON");
    last["round"].as_str().expect("an id").to_owned()
}

fn read(world: &World, path: &str) -> String {
    fs::read_to_string(world.path("source").join(path)).unwrap_or_else(|error| error.to_string())
}

#[test]
fn everything_that_a_round_did_is_undone_in_the_source() {
    let world = World::with(&["edited=old", "gone/x=1", "gone/y=2", "d/kept=1", "d/moved=1", "a=A", "b=B"]);
    world.round();
    let before = world.path("before");
    assert!(
        std::process::Command::new("cp")
            .arg("-a")
            .args([world.source(), before.clone()])
            .status()
            .expect("runs")
            .success()
    );
    write(&world.source(), &["edited=newer", "new/z=1", "d/moved2=x"]);
    fs::remove_dir_all(world.path("source/gone")).expect("removed");
    fs::rename(world.path("source/d"), world.path("source/e")).expect("renamed");
    fs::rename(world.path("source/e/moved"), world.path("source/new/m")).expect("renamed");
    for (from, to) in [("a", "t"), ("b", "a"), ("t", "b")] {
        fs::rename(world.path("source").join(from), world.path("source").join(to)).expect("renamed");
    }
    world.round();
    let undone =
        world.run(&["restore", "--undo", &last_round(&world)[..10], "--from", "data", "--into", "source"]).expect(0);
    let same = std::process::Command::new("diff").arg("-r").args([&before, &world.source()]).output().expect("runs");
    assert!(same.status.success(), "{}\n{}", String::from_utf8_lossy(&same.stdout), undone.stdout);
    let time = |path: std::path::PathBuf| fs::metadata(path).expect("there").modified().expect("a time");
    for path in ["edited", "d", "d/kept", "gone/x", "a", "gone", ""] {
        assert_eq!(time(before.join(path)), time(world.source().join(path)), "{path}");
    }
    world.round();
}

#[test]
fn what_was_changed_since_is_left_and_told_unless_somebody_says_otherwise() {
    let world = World::with(&["edited=old", "moved=1", "again=1"]);
    world.round();
    write(&world.source(), &["edited=newer", "made=1", "again=22", "dir/in=1"]);
    fs::rename(world.path("source/moved"), world.path("source/there")).expect("renamed");
    world.round();
    let round = last_round(&world);
    write(&world.source(), &["again=333"]);
    world.round();
    write(&world.source(), &["edited=unsaved", "made=unsaved", "there=unsaved", "dir/more=unsaved"]);
    let left = world.run(&["restore", "--undo", &round, "--from", "data", "--into", "source"]).expect(3);
    assert_eq!(
        (read(&world, "edited"), read(&world, "made"), read(&world, "there")),
        ("unsaved".into(), "unsaved".into(), "unsaved".into())
    );
    assert_eq!(read(&world, "dir/more"), "unsaved");
    assert_eq!(
        (read(&world, "moved"), read(&world, "again")),
        ("1".into(), "1".into()),
        "the mirror has what gave way"
    );
    for path in ["edited", "made", "there", "dir"] {
        assert!(left.stderr.contains(&format!("Problem: {path}: left ")), "{path}: {}", left.stderr);
    }
    world.run(&["restore", "--undo", &round, "--from", "data", "--into", "source", "--overwrite"]).expect(3);
    assert_eq!(read(&world, "edited"), "old");
    assert!(!exists(&world.path("source/made")));
    assert_eq!(read(&world, "dir/more"), "unsaved", "nothing is removed with everything in it");
}

#[test]
fn into_another_directory_only_what_the_round_changed_comes_as_it_was() {
    let world = World::with(&["edited=old", "gone=1", "same=1", "moved=1"]);
    world.round();
    write(&world.source(), &["edited=newer", "new=1"]);
    fs::remove_file(world.path("source/gone")).expect("removed");
    fs::rename(world.path("source/moved"), world.path("source/there")).expect("renamed");
    world.round();
    world.run(&["restore", "--undo", "2", "--from", "data", "--into", "back"]).expect(0);
    let mut names: Vec<_> =
        fs::read_dir(world.path("back")).expect("there").flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["edited", "gone", "moved"]);
    assert_eq!(fs::read_to_string(world.path("back/edited")).expect("there"), "old");
    world.run(&["restore", "--undo", "7", "--from", "data", "--into", "back"]).expect(2);
}

#[test]
fn a_dry_run_of_an_undo_does_nothing_and_says_what_it_would() {
    let world = World::with(&["edited=old", "moved=1"]);
    world.round();
    write(&world.source(), &["edited=newer", "new=1"]);
    fs::rename(world.path("source/moved"), world.path("source/there")).expect("renamed");
    world.round();
    let planned = world.run(&["restore", "--undo", "2", "--from", "data", "--into", "source", "--dry-run"]).expect(0);
    for line in ["- new\n", "M edited\n", "R there -> moved\n"] {
        assert!(planned.stdout.contains(line), "{}", planned.stdout);
    }
    assert_eq!((read(&world, "edited"), exists(&world.path("source/new"))), ("newer".into(), true));
}
