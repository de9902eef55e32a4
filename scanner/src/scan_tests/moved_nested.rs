//! A directory moves out of another, which then moves too, and both come anew where they were: whichever the walk meets
//! first, each place is told once, and nothing is said to have vanished.

use super::moved_directories::{delivered, plan, round, sorted};
use super::world::{World, rename};

/// The names that the child and the parent go to, before and after their old one in the walk.
const NAMES: [(&str, &str); 6] = [("a", "b"), ("b", "a"), ("a", "z"), ("z", "a"), ("y", "z"), ("z", "y")];

fn delivered_parent() -> World {
    delivered(&["m/f=1", "m/g=22", "m/below/h=333", "m/below/i=4444"])
}

#[test]
fn both_come_anew() {
    for (child, parent) in NAMES {
        let mut world = delivered_parent();
        rename(&world.fs, "m/below", child);
        rename(&world.fs, "m", parent);
        world.write("m/below/new=55555");
        let moves = [format!("R m -> {parent}"), format!("R m/below -> {child}")];
        let expected = ["Create m", "Create m/below", "Create m/below/new", &moves[0], &moves[1]];
        assert_eq!(sorted(round(&mut world).0), sorted(plan(&expected)), "{child}, {parent}");
    }
}

#[test]
fn both_come_anew_and_the_child_also_in_its_moved_parent() {
    for (child, parent) in NAMES {
        let mut world = delivered_parent();
        rename(&world.fs, "m/below", child);
        world.write("m/below/old=666666");
        rename(&world.fs, "m", parent);
        world.write("m/below/new=55555");
        let moves = [format!("R m -> {parent}"), format!("R m/below -> {child}")];
        let anew = [format!("Create {parent}/below"), format!("Create {parent}/below/old")];
        let expected = ["Create m", "Create m/below", "Create m/below/new", &moves[0], &moves[1], &anew[0], &anew[1]];
        assert_eq!(sorted(round(&mut world).0), sorted(plan(&expected)), "{child}, {parent}");
    }
}

#[test]
fn the_child_takes_the_place_of_another_child_that_went() {
    for (child, parent) in NAMES {
        let mut world = delivered(&["m/f=1", "m/below/h=333", "n/g=22", "n/below/i=4444"]);
        rename(&world.fs, "m/below", child);
        rename(&world.fs, "n/below", "m/below");
        rename(&world.fs, "m", parent);
        rename(&world.fs, "n", "m");
        let expected = [
            format!("R m -> {parent}"),
            format!("R m/below -> {child}"),
            format!("R n/below -> {parent}/below"),
            "R n -> m".to_owned(),
        ];
        assert_eq!(sorted(round(&mut world).0), sorted(expected.to_vec()), "{child}, {parent}");
    }
}
