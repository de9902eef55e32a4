//! The brake by the real command: what is held, what a person decides, and what the mirror is after each step.

use std::fs;
use std::path::Path;

use crate::support::tree::names;
use crate::support::world::exists;
use crate::support::{Outcome, World, assert_mirrored, write};

/// A mirrored tree of ten files in `d`, and one beside it.
fn ten_files() -> World {
    let world = World::with(&["keep=k"]);
    for number in 0..10 {
        write(&world.source(), &[&format!("d/{number}=file number {number}")]);
    }
    world.round();
    world
}

fn remove(world: &World, numbers: std::ops::Range<u32>) {
    for number in numbers {
        fs::remove_file(world.source().join(format!("d/{number}"))).expect("removed");
    }
}

/// The digest that a round says to approve.
#[track_caller]
fn held_list(round: &Outcome) -> String {
    round.summary()["held_list"].as_str().expect("a list is held").to_owned()
}

/// A round that must hold so many changes.
#[track_caller]
fn holds(world: &World, more: &[&str], held: u64) -> String {
    let round = world.scan(more).expect(25);
    assert_eq!(round.count("held"), held, "{}", round.stdout);
    held_list(&round)
}

/// The same of a list that was rejected: held, and nobody is asked about it.
fn holds_without_asking(world: &World, more: &[&str], held: u64) {
    let round = world.scan(more).expect(25);
    assert_eq!(round.count("held"), held, "{}", round.stdout);
    assert_eq!(round.summary().get("held_list"), None, "{}", round.stdout);
    assert!(!round.stderr.contains("roundsman approve"), "{}", round.stderr);
}

#[test]
fn more_deletes_than_allowed_are_held_and_everything_else_is_delivered() {
    let world = ten_files();
    remove(&world, 0..5);
    write(&world.source(), &["new=n", "keep=changed"]);
    let round = world.scan(&["--max-delete", "4"]).expect(25);
    let counts = ["held", "deleted", "created", "modified"].map(|key| round.count(key));
    assert_eq!(counts, [5, 0, 1, 1], "{}", round.stdout);
    assert!(round.stdout.contains(r#""change":"held","mark":"H","path":"d/0","#), "{}", round.stdout);
    assert_eq!(fs::read_to_string(world.mirror().join("keep")).expect("is there"), "changed");
    for number in 0..10 {
        assert!(exists(&world.mirror().join(format!("d/{number}"))), "d/{number}");
    }
    world.scan(&["--max-delete", "5"]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn approving_lets_exactly_that_list_go_and_twice_is_harmless() {
    let world = ten_files();
    remove(&world, 0..5);
    let digest = holds(&world, &["--max-delete", "2"], 5);
    let approved = world.run(&["approve", &digest[..6]]).expect(0);
    assert!(
        approved.stdout.contains("is approved: the next round lets exactly these go: 5 changes"),
        "{}",
        approved.stdout
    );
    let again = world.run(&["approve", &digest]).expect(0);
    assert!(again.stdout.contains("already"), "{}", again.stdout);
    remove(&world, 5..9);
    let round = world.scan(&["--max-delete", "2"]).expect(25);
    assert_eq!((round.count("deleted"), round.count("held")), (5, 4), "{}", round.stdout);
    assert_eq!(names(&world.mirror()), ["d", "d/5", "d/6", "d/7", "d/8", "d/9", "keep"]);
    let late = world.run(&["approve", &digest]).expect(0);
    assert!(late.stdout.contains("it has been let go"), "{}", late.stdout);
    let others = held_list(&round);
    assert_ne!(others, digest);
    world.run(&["approve", &others, "--json"]).expect(0);
    world.scan(&["--max-delete", "2"]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn what_was_approved_is_not_counted_against_later_deletes() {
    let world = ten_files();
    remove(&world, 0..5);
    let digest = holds(&world, &["--max-delete", "2"], 5);
    world.run(&["approve", &digest]).expect(0);
    world.scan(&["--max-delete", "2"]).expect(0);
    remove(&world, 5..7);
    let round = world.scan(&["--max-delete", "2"]).expect(0);
    assert_eq!(round.count("deleted"), 2, "{}", round.stdout);
    remove(&world, 7..8);
    holds(&world, &["--max-delete", "2"], 1);
}

#[test]
fn a_rejected_list_stays_until_it_changes() {
    let world = ten_files();
    remove(&world, 0..5);
    let digest = holds(&world, &["--max-delete", "2"], 5);
    let rejected = world.run(&["reject", &digest]).expect(0);
    assert!(rejected.stdout.contains("is rejected"), "{}", rejected.stdout);
    holds_without_asking(&world, &["--max-delete", "2"], 5);
    let refused = world.run(&["approve", &digest]).expect(1);
    assert!(refused.stderr.contains("was rejected"), "{}", refused.stderr);
    assert!(world.run(&["status"]).expect(0).stdout.contains("rejected"));
    remove(&world, 5..6);
    let changed = holds(&world, &["--max-delete", "2"], 6);
    assert_ne!(changed, digest);
    world.run(&["approve", &changed]).expect(0);
    world.scan(&["--max-delete", "2"]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn an_approval_may_be_taken_back_before_the_next_round() {
    let world = ten_files();
    remove(&world, 0..5);
    let digest = holds(&world, &["--max-delete", "2"], 5);
    world.run(&["approve", &digest]).expect(0);
    world.run(&["reject", &digest]).expect(0);
    holds_without_asking(&world, &["--max-delete", "2"], 5);
}

#[test]
fn a_held_delete_whose_file_came_back_is_no_longer_held() {
    let world = ten_files();
    let aside = world.path("aside");
    fs::rename(world.source().join("d"), &aside).expect("renamed");
    holds(&world, &["--max-delete", "2"], 1);
    fs::rename(&aside, world.source().join("d")).expect("renamed");
    world.scan(&["--max-delete", "2"]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
    assert!(!world.run(&["status"]).expect(0).stdout.contains("would cease to exist"));
}

#[test]
fn renaming_the_top_directory_ends_no_file() {
    let world = ten_files();
    fs::rename(world.source().join("d"), world.source().join("e")).expect("renamed");
    let round = world.scan(&["--max-delete", "0"]).expect(0);
    assert_eq!((round.count("held"), round.count("files_seen")), (0, 11), "{}", round.stdout);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn small_deletes_in_many_rounds_add_up() {
    let world = ten_files();
    for number in 0..3 {
        remove(&world, number..number + 1);
        world.scan(&["--max-delete", "3"]).expect(0);
    }
    remove(&world, 3..4);
    holds(&world, &["--max-delete", "3"], 1);
    assert!(exists(&world.mirror().join("d/3")));
}

#[test]
fn what_needs_the_place_of_a_held_delete_waits_with_it() {
    let world = ten_files();
    fs::remove_dir_all(world.source().join("d")).expect("removed");
    write(&world.source(), &["d=a file now", "other=o"]);
    let round = world.scan(&["--max-delete", "2"]).expect(25);
    assert_eq!((round.count("created"), round.count("deleted")), (1, 0), "{}", round.stdout);
    assert!(world.mirror().join("d/3").is_file());
    world.run(&["approve", &held_list(&round)]).expect(0);
    world.scan(&["--max-delete", "2"]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn more_new_contents_than_allowed_are_held_where_that_is_asked_for() {
    let world = ten_files();
    for number in 0..8 {
        write(&world.source(), &[&format!("d/{number}=encrypted by somebody {number}")]);
    }
    write(&world.source(), &["new=n"]);
    let round = world.scan(&["--max-overwrite", "5"]).expect(25);
    assert_eq!((round.count("held"), round.count("created")), (8, 1), "{}", round.stdout);
    assert_eq!(fs::read_to_string(world.mirror().join("d/3")).expect("is there"), "file number 3");
    world.scan(&["--max-overwrite", "8"]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn held_overwrites_go_when_they_are_approved() {
    let world = ten_files();
    for number in 0..8 {
        write(&world.source(), &[&format!("d/{number}=all of this is meant {number}")]);
    }
    let digest = holds(&world, &["--max-overwrite", "5"], 8);
    world.run(&["approve", &digest]).expect(0);
    world.scan(&["--max-overwrite", "5"]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn people_are_told_what_is_held_why_and_what_to_type_also_where_quiet_is_wanted() {
    let world = ten_files();
    fs::remove_dir_all(world.source().join("d")).expect("removed");
    let scan = |more: &[&str]| world.run(&[&["scan", "source", "--to", "data", "--max-delete", "2"], more].concat());
    let told = scan(&[]).expect(25);
    assert!(told.stdout.starts_with("H d/\n"), "{}", told.stdout);
    assert!(told.stdout.contains("1 held; "), "{}", told.stdout);
    let quiet = scan(&["--quiet"]).expect(25);
    assert_eq!(quiet.stdout, "");
    for part in ["Held: d/: ", "10 files", "`roundsman approve "] {
        assert!(
            told.stderr.contains(part) && quiet.stderr.contains(part),
            "{part} in {} and {}",
            told.stderr,
            quiet.stderr
        );
    }
    let dry = scan(&["--dry-run"]).expect(25);
    assert!(dry.stdout.starts_with("H d/\n"), "{}", dry.stdout);
}

#[test]
fn an_unknown_digest_is_answered_with_what_is_held() {
    let world = ten_files();
    let nothing = world.run(&["approve", "0123456789ab"]).expect(1);
    assert!(nothing.stderr.contains("nothing is held"), "{}", nothing.stderr);
    remove(&world, 0..5);
    let digest = holds(&world, &["--max-delete", "2"], 5);
    let unknown = if digest.starts_with("012345") { "abcdef" } else { "012345" };
    let refused = world.run(&["approve", unknown]).expect(1);
    assert!(refused.stderr.contains(&digest), "{}", refused.stderr);
    let typed_wrong = world.run(&["reject", "xyz"]).expect(2);
    assert!(typed_wrong.stderr.contains("hexadecimal"), "{}", typed_wrong.stderr);
    assert!(world.mirror().join("d/0").exists() && Path::new(&world.data()).exists());
}

#[test]
fn approving_works_beside_a_running_loop() {
    let world = ten_files();
    remove(&world, 0..5);
    let arguments = ["scan", "source", "--to", "data", "--max-delete", "2", "--interval", "200ms", "--json"];
    let running = world.start(&arguments);
    running.wait_for_rounds(1);
    let digest = running.rounds()[0]["held_list"].as_str().expect("a list is held").to_owned();
    world.run(&["approve", &digest]).expect(0);
    crate::support::wait_until("the approved deletes are gone", || !exists(&world.mirror().join("d/0")));
    running.signal("TERM");
    running.ended(crate::support::PATIENCE).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}
