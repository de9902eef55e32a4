//! `status` by the real command: what people and programs learn of the mirrors of this machine.

use std::fs;

use crate::support::tree::{names, read};
use crate::support::world::exists;
use crate::support::{PATIENCE, World, write};

fn status(world: &World) -> serde_json::Value {
    let told = world.run(&["status", "--json"]).expect(0);
    assert_eq!(told.stdout.lines().count(), 1, "{}", told.stdout);
    serde_json::from_str(told.stdout.trim()).expect("an object")
}

#[test]
fn before_the_first_round_there_is_nothing_to_tell_and_nothing_is_made() {
    let world = World::with(&["a=1"]);
    let told = world.run(&["status"]).expect(0);
    assert_eq!(told.stdout, "");
    assert!(told.stderr.contains("no round was made yet"), "{}", told.stderr);
    assert!(!exists(&world.path("state")));
}

#[test]
fn each_mirror_tells_its_rounds_and_what_it_holds() {
    let world = World::with(&["a=12345"]);
    world.round();
    world.round();
    let told = world.run(&["status"]).expect(0);
    for part in [
        "/source -> ",
        "/data/local/source\n",
        "1 file (5 B) at revision 1",
        "nothing changed",
        "1 created",
        "pending            none",
    ] {
        assert!(told.stdout.contains(part), "{part} in\n{}", told.stdout);
    }
    assert!(told.stdout.contains("oldest unverified  a, "), "{}", told.stdout);
    let status = status(&world);
    assert_eq!(status["rounds"].as_array().expect("a list").len(), 2);
    assert_eq!(status["rounds"][1]["summary"]["created"], 1);
    assert_eq!((&status["files"], &status["revision"]), (&1.into(), &1.into()));
    assert_eq!(status["oldest_unverified"]["path"], "a");
}

#[test]
fn nothing_is_changed_by_asking_not_even_beside_the_databases() {
    let world = World::with(&["a=1"]);
    world.round();
    let before = read(&world.path("state"));
    world.run(&["status"]).expect(0);
    world.run(&["why", "source/a"]).expect(0);
    assert!(read(&world.path("state")) == before, "{:?}", names(&world.path("state")));
}

#[test]
fn why_tells_what_decides_about_a_path_wherever_one_stands() {
    let world = World::with(&["d/a=12345", "x.tmp=1"]);
    world.scan(&["--exclude", "*.tmp"]).expect(0);
    let why = |path: &str| -> serde_json::Value {
        let told = world.run(&["why", path, "--json"]).expect(0);
        serde_json::from_str(told.stdout.trim()).expect("an object")
    };
    assert_eq!(why("source/d/a")["at_mirror"]["size"], 5);
    assert_eq!(why("source/x.tmp")["verdict"], "left_out");
    assert_eq!(why("source/nowhere")["verdict"], "nowhere");
    write(&world.source(), &["d/a=other bytes"]);
    let changed = why(world.source().join("d/a").to_str().expect("is text"));
    assert_eq!((&changed["verdict"], &changed["differing"][0]), (&"to_be_read".into(), &"size".into()));
    fs::remove_file(world.source().join("d/a")).expect("removed");
    let people = world.run(&["why", "source/d/a"]).expect(0);
    for part in ["d/a in /", "verdict            gone", "last acknowledged  revision 1, "] {
        assert!(people.stdout.contains(part), "{part} in\n{}", people.stdout);
    }
    let elsewhere = world.run(&["why", "elsewhere"]).expect(2);
    assert!(
        elsewhere.stderr.contains("no mirrored source holds") && elsewhere.stderr.contains("/source"),
        "{}",
        elsewhere.stderr
    );
    let root = world.run(&["why", "source"]).expect(2);
    assert!(root.stderr.contains("is a source itself"), "{}", root.stderr);
}

#[test]
fn why_tells_of_every_mirror_of_a_source() {
    let world = World::with(&["a=1"]);
    world.round();
    world.run(&["scan", "source", "--to", "data2"]).expect(0);
    let told = world.run(&["why", "source/a"]).expect(0);
    for place in ["/data/local/source\n", "/data2/local/source\n"] {
        assert!(told.stdout.contains(place), "{place} in\n{}", told.stdout);
    }
}

#[test]
fn it_works_beside_a_running_loop() {
    let world = World::with(&["a=1"]);
    let running = world.start_loop("100ms");
    running.wait_for_rounds(2);
    assert!(!status(&world)["rounds"].as_array().expect("a list").is_empty());
    running.signal("TERM");
    running.ended(PATIENCE).expect(0);
}

#[test]
fn problems_are_told_until_they_are_gone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with(&["secret/a=1", "b=2"]).run_by_an_ordinary_user();
    let secret = world.source().join("secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("closed");
    world.scan(&[]).expect(3);
    let problems = &status(&world)["problems"];
    assert_eq!(problems[0]["path"], "secret", "{problems}");
    assert!(world.run(&["status"]).expect(0).stdout.contains("problems           secret: "));
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o755)).expect("opened");
    world.round();
    assert_eq!(status(&world)["problems"].as_array().expect("a list").len(), 0);
}

#[test]
fn a_mirror_that_cannot_be_read_hides_no_other() {
    let world = World::with(&["a=1"]);
    world.round();
    write(&world.path("state"), &["broken/snapshot.db=this is no database"]);
    let told = world.run(&["status"]).expect(1);
    assert!(told.stdout.contains("/data/local/source"), "{}", told.stdout);
    assert!(told.stderr.contains("broken/snapshot.db"), "{}", told.stderr);
}
