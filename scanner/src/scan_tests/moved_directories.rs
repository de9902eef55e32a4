//! Directories that moved are found by their inodes, and nothing in them is opened.

use std::time::Duration;

use super::world::{World, planned, problems, rename};

/// A source whose directories' inodes are recorded, delivered a minute ago.
pub(super) fn delivered(items: &[&str]) -> World {
    let mut world = World::new(items);
    world.rows.keep_inodes();
    world.round();
    world.clock.advance(Duration::from_secs(60));
    world
}

/// A round in which everything is delivered, a minute later: what it planned, and how many files it opened.
pub(super) fn round(world: &mut World) -> (Vec<String>, u64) {
    world.clock.advance(Duration::from_secs(60));
    let scanned = world.round();
    assert_eq!(problems(&scanned), Vec::<String>::new());
    assert!(world.is_delivered(), "the mirror has what the source has");
    world.clock.advance(Duration::from_secs(60));
    let after = world.round();
    assert_eq!((planned(&after), after.counts.files_opened), (Vec::new(), 0), "nothing is left to do");
    (planned(&scanned), scanned.counts.files_opened)
}

pub(super) fn plan(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

#[test]
fn the_top_directory_renamed_is_one_move_and_opens_nothing() {
    let mut world = delivered(&["top/a=1", "top/b/c=2", "top/b/d/e=3", "top/empty"]);
    rename(&world.fs, "top", "renamed");
    assert_eq!(round(&mut world), (plan(&["R top -> renamed"]), 0));
}

#[test]
fn edits_inside_a_moved_directory_are_changes_of_their_own() {
    let mut world = delivered(&["old/a=1", "old/b=22", "old/d/c=333", "old/d/gone=4444", "old/same=5"]);
    rename(&world.fs, "old", "new");
    world.write("new/b=2222");
    world.remove("new/d/gone");
    world.write("new/d/fresh=66666");
    let expected = ["R old -> new", "Modify new/b", "Create new/d/fresh", "Delete old/d/gone"];
    assert_eq!(sorted(round_of_edits(&mut world, 2)), sorted(plan(&expected)));
}

/// The same as [`round`], where so many files are read, and directories are opened a second time.
fn round_of_edits(world: &mut World, read: u64) -> Vec<String> {
    let (lines, opened) = round(world);
    assert_eq!(opened, read);
    lines
}

pub(super) fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn files_move_out_of_a_moved_directory_and_into_it() {
    let mut world = delivered(&["old/a=1", "old/out=22", "in=333", "old/d/deep=4444"]);
    rename(&world.fs, "old", "new");
    rename(&world.fs, "new/out", "out");
    rename(&world.fs, "in", "new/in");
    rename(&world.fs, "new/d/deep", "new/deep");
    let expected = ["R old -> new", "R old/out -> out", "R in -> new/in", "R old/d/deep -> new/deep"];
    assert_eq!(sorted(round_of_edits(&mut world, 3)), sorted(plan(&expected)));
}

#[test]
fn two_directories_that_swap_their_names_are_two_moves() {
    let mut world = delivered(&["a/f=1", "a/only=22", "b/f=333", "b/d/e=4444"]);
    rename(&world.fs, "a", "c");
    rename(&world.fs, "b", "a");
    rename(&world.fs, "c", "b");
    assert_eq!(round(&mut world), (plan(&["R b -> a", "R a -> b"]), 0));
}

#[test]
fn a_directory_moves_into_its_own_former_child() {
    let mut world = delivered(&["a/f=1", "a/b/g=22"]);
    rename(&world.fs, "a/b", "b");
    rename(&world.fs, "a", "b/a");
    assert_eq!(round(&mut world), (plan(&["R a/b -> b", "R a -> b/a"]), 0));
}

#[test]
fn a_child_takes_the_name_of_its_parent_which_goes() {
    let mut world = delivered(&["a/f=1", "a/b/g=22"]);
    rename(&world.fs, "a/b", "b");
    world.remove("a/f");
    world.remove("a");
    assert_eq!(sorted(round(&mut world).0), sorted(plan(&["R a/b -> b", "Delete a"])));
    rename(&world.fs, "b", "b2");
    rename(&world.fs, "b2", "a");
    assert_eq!(round(&mut world), (plan(&["R b -> a"]), 0));
}

#[test]
fn a_child_takes_the_place_of_its_parent() {
    let mut world = delivered(&["a/f=1", "a/a/g=22"]);
    rename(&world.fs, "a/a", "c");
    world.remove("a/f");
    world.remove("a");
    rename(&world.fs, "c", "a");
    assert_eq!(sorted(round(&mut world).0), sorted(plan(&["R a/a -> a", "Delete a"])));
}

#[test]
fn a_directory_moves_below_a_new_one_of_its_old_name() {
    let mut world = delivered(&["a/f=1", "a/x=22", "a/d/g=333", "a/k/h=4444"]);
    rename(&world.fs, "a", "c");
    world.write("a/x=22");
    rename(&world.fs, "c", "a/sub");
    rename(&world.fs, "a/sub/k", "a/k");
    let (lines, opened) = round(&mut world);
    assert_eq!(sorted(lines), sorted(plan(&["R a -> a/sub", "R a/k -> a/k", "Create a", "Create a/x"])));
    assert_eq!(opened, 1, "what is new");
}

#[test]
fn a_new_directory_takes_the_old_name_of_one_that_moved_before_or_after_it_in_the_walk() {
    for elsewhere in ["b", "z"] {
        let mut world = delivered(&["m/f=1", "m/d/g=22"]);
        rename(&world.fs, "m", elsewhere);
        world.write("m/f=new");
        world.write("m/d/h=newer");
        let (lines, opened) = round(&mut world);
        let moved = format!("R m -> {elsewhere}");
        assert_eq!(sorted(lines), sorted(plan(&[&moved, "Create m", "Create m/f", "Create m/d", "Create m/d/h"])));
        assert_eq!(opened, 2);
    }
}

#[test]
fn a_moved_directory_takes_the_place_of_one_that_is_gone() {
    let mut world = delivered(&["a/f=1", "a/d/g=22", "b/h=333", "b/e/i=4444"]);
    for gone in ["b/h", "b/e/i", "b/e", "b"] {
        world.remove(gone);
    }
    rename(&world.fs, "a", "b");
    assert_eq!(sorted(round(&mut world).0), sorted(plan(&["R a -> b", "Delete b"])));
}

#[test]
fn a_moved_directory_takes_the_place_of_a_file_and_a_file_that_of_a_directory() {
    let mut world = delivered(&["a/f=1", "b=22", "c/g=333"]);
    world.remove("b");
    rename(&world.fs, "a", "b");
    rename(&world.fs, "c", "d");
    world.write("c=4444");
    let expected = ["R a -> b", "Delete b", "R c -> d", "Create c"];
    assert_eq!(sorted(round_of_edits(&mut world, 1)), sorted(plan(&expected)));
}

#[test]
fn a_directory_that_moved_out_of_a_moved_one_is_a_move_of_its_own() {
    let mut world = delivered(&["a/f=1", "a/b/g=22", "a/b/c/h=333"]);
    rename(&world.fs, "a", "x");
    rename(&world.fs, "x/b", "y");
    rename(&world.fs, "y/c", "x/c");
    assert_eq!(sorted(round(&mut world).0), sorted(plan(&["R a -> x", "R a/b -> y", "R a/b/c -> x/c"])));
}

#[test]
fn a_moved_directory_with_another_mode_is_one_move() {
    let mut world = delivered(&["a/f=1"]);
    rename(&world.fs, "a", "b");
    world.directory("b").set_own_mode(0o700).expect("set");
    assert_eq!(round(&mut world), (plan(&["R a -> b"]), 0));
}

#[test]
fn only_the_case_of_a_name_changes() {
    let mut world = delivered(&["dir/f=1", "dir/Sub/g=22"]);
    rename(&world.fs, "dir/Sub", "dir/sub");
    rename(&world.fs, "dir", "Dir");
    assert_eq!(sorted(round(&mut world).0), sorted(plan(&["R dir -> Dir", "R dir/Sub -> Dir/sub"])));
}
