//! Plans by the real command: written down, thinned out, carried out as far as they still hold.

use std::fs;

use crate::support::tree::names;
use crate::support::world::exists;
use crate::support::{Outcome, World, assert_mirrored, write};

/// A mirrored tree with one edit of each kind waiting.
fn edited() -> World {
    let world = World::with(&["changed=1", "gone=2", "moved=33", "still=4"]);
    world.round();
    fs::remove_file(world.source().join("gone")).expect("removed");
    fs::rename(world.source().join("moved"), world.source().join("to")).expect("renamed");
    write(&world.source(), &["changed=one", "new=5"]);
    world
}

fn plan(world: &World) -> String {
    world.scan(&["--dry-run", "--plan", "plan"]).expect(0);
    fs::read_to_string(world.path("plan")).expect("is there")
}

fn apply(world: &World) -> Outcome {
    world.scan(&["--apply", "plan"])
}

/// Takes the lines out of the plan that hold a text.
fn take_out(world: &World, text: &str) {
    let plan = fs::read_to_string(world.path("plan")).expect("is there");
    let kept: Vec<&str> = plan.lines().filter(|line| !line.contains(text)).collect();
    fs::write(world.path("plan"), kept.join("\n") + "\n").expect("written");
}

#[test]
fn a_plan_is_written_by_a_dry_run_which_changes_nothing_else() {
    let world = edited();
    let before = names(&world.path(""));
    let plan = plan(&world);
    let mut after = names(&world.path(""));
    after.retain(|name| name != "plan");
    assert_eq!(after, before);
    assert_eq!(names(&world.mirror()), ["changed", "gone", "moved", "still"]);
    let changes: Vec<serde_json::Value> =
        plan.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(changes[0]["roundsman_plan"], 1);
    let mut shown: Vec<&str> = changes[1..].iter().map(|change| change["mark"].as_str().expect("a mark")).collect();
    shown.sort_unstable();
    assert_eq!(shown.join(""), "+-MRU", "the root has a new mtime");
}

#[test]
fn a_plan_carried_out_as_it_is_makes_the_mirror_the_source() {
    let world = edited();
    plan(&world);
    let round = apply(&world).expect(0);
    let counts = ["created", "modified", "moved", "deleted"].map(|key| round.count(key));
    assert_eq!(counts, [1, 1, 1, 1], "{}", round.stdout);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn a_line_taken_out_takes_its_change_out_and_the_next_round_has_it() {
    let world = edited();
    plan(&world);
    take_out(&world, r#""path":"gone""#);
    let round = apply(&world).expect(0);
    assert_eq!((round.count("deleted"), round.count("created")), (0, 1), "{}", round.stdout);
    assert!(exists(&world.mirror().join("gone")));
    assert!(round.stderr.contains("1 change is not in the plan and left alone"), "{}", round.stderr);
    world.round();
}

#[test]
fn what_moved_on_since_the_plan_is_named_and_left_out() {
    let world = edited();
    plan(&world);
    write(&world.source(), &["gone=back again", "newer=6"]);
    let round = apply(&world).expect(24);
    let moved_on = |path: &str| {
        format!(r#""path":"{path}","directory":false,"reason":"the plan's change does not hold any more""#)
    };
    assert!(round.stdout.contains(&moved_on("gone")), "{}", round.stdout);
    assert_eq!((round.count("deferred"), round.count("deleted")), (2, 0), "and the root's mtime: {}", round.stdout);
    assert!(!exists(&world.mirror().join("newer")), "nobody asked for it");
    assert_eq!(fs::read_to_string(world.mirror().join("changed")).expect("is there"), "one");
    world.round();
}

#[test]
fn a_plan_passes_no_guard() {
    let world = edited();
    plan(&world);
    let round = world.scan(&["--apply", "plan", "--max-delete", "0"]).expect(25);
    assert_eq!((round.count("held"), round.count("created")), (1, 1), "{}", round.stdout);
    assert!(exists(&world.mirror().join("gone")));
}

#[test]
fn a_first_plan_takes_an_absent_destination_as_empty_and_creates_nothing_there() {
    let world = World::with(&["a=1", "d/b=2"]);
    let plan = plan(&world);
    assert_eq!(plan.lines().count(), 1 + 3 + plan.lines().filter(|line| line.contains(r#""mark":"U""#)).count());
    assert!(!exists(&world.data()) && !exists(&world.path("state")));
    take_out(&world, r#""path":"d/"#);
    apply(&world).expect(0);
    assert_eq!(names(&world.mirror()), ["a"]);
}

#[test]
fn a_plan_of_another_mirror_or_source_is_refused_and_both_are_named() {
    let world = edited();
    plan(&world);
    write(&world.path("elsewhere"), &["a=1"]);
    let refused = world.run(&["scan", "elsewhere", "--to", "data", "--apply", "plan"]).expect(2);
    for part in ["/source -> ", "/elsewhere -> ", "data/local/source", "data/local/elsewhere"] {
        assert!(refused.stderr.contains(part), "{part} in {}", refused.stderr);
    }
    assert!(!exists(&world.path("data/local/elsewhere/a")));
    let other_place = world.run(&["scan", "source", "--to", "data2", "--apply", "plan"]).expect(2);
    assert!(other_place.stderr.contains("data2/local/source"), "{}", other_place.stderr);
}

#[test]
fn what_is_no_plan_is_refused_with_its_line() {
    let world = edited();
    let text = plan(&world);
    fs::write(world.path("plan"), text + "{}\n").expect("written");
    let refused = apply(&world).expect(2);
    assert!(refused.stderr.contains("plan:7: not a line of a plan"), "{}", refused.stderr);
    let missing = world.scan(&["--apply", "nowhere"]).expect(2);
    assert!(missing.stderr.contains("cannot read the plan nowhere"), "{}", missing.stderr);
    assert_eq!(names(&world.mirror()), ["changed", "gone", "moved", "still"]);
}

#[test]
fn plans_are_written_in_dry_runs_and_carried_out_in_single_real_rounds() {
    let world = edited();
    let refusal = |more: &[&str]| world.scan(more).expect(2).stderr;
    assert!(refusal(&["--plan", "plan"]).contains("say --dry-run as well"));
    assert!(refusal(&["--apply", "plan", "--dry-run"]).contains("leave out --dry-run"));
    assert!(refusal(&["--apply", "plan", "--interval", "1s"]).contains("leave out the interval"));
}

#[test]
fn a_plan_can_be_carried_out_at_a_receiver_elsewhere() {
    let world = World::with(&["a=1", "b=2"]);
    let receiver = world.receiver();
    receiver.scan(&world, &["--dry-run", "--plan", "plan"]).expect(0);
    take_out(&world, r#""path":"b""#);
    receiver.scan(&world, &["--apply", "plan"]).expect(0);
    assert_eq!(names(&crate::support::Receiver::mirror(&world)), ["a"]);
}
