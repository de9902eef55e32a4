//! A file that was renamed and edited is one move with another content, if its inode is still its own.

use super::moved_directories::{delivered, plan, round, sorted};
use super::world::{World, name, rename};

/// A delivered source, where the number of what went is given again at once.
fn world(items: &[&str]) -> World {
    let mut world = delivered(items);
    world.fs = world.fs.clone().with_reused_inodes();
    world
}

#[test]
fn a_file_renamed_and_edited_is_a_move_that_brings_another_content() {
    let mut world = world(&["log=one", "d/other=2"]);
    rename(&world.fs, "log", "d/log.1");
    world.write("d/log.1=one and two");
    world.write("log=three");
    // A new file stands in its old place: as far as anybody can tell, that was rewritten.
    let (lines, opened) = round(&mut world);
    assert_eq!((sorted(lines), opened), (plan(&["Create d/log.1", "Modify log"]), 2));
    rename(&world.fs, "log", "log.2");
    world.write("log.2=three and four");
    assert_eq!(round(&mut world), (plan(&["R log -> log.2"]), 1));
}

#[test]
fn a_file_renamed_and_edited_is_a_move_whether_or_not_new_files_fit_in_memory() {
    for most in [0, 1, usize::MAX] {
        let mut world = world(&["log=one", "keep=2"]);
        world.most_in_memory = most;
        rename(&world.fs, "log", "log.1");
        world.write("log.1=one and two");
        world.write("new=3");
        assert_eq!(sorted(round(&mut world).0), plan(&["Create new", "R log -> log.1"]), "{most} in memory");
        // It has the bytes of another now, whose mode changed: those bytes came from nowhere.
        rename(&world.fs, "log.1", "log.2");
        world.write("log.2=2");
        let keep = world.directory("").open_file_for_writing(&name("keep")).expect("there");
        keep.set_mode(0o640).expect("changed");
        assert_eq!(round(&mut world).0, plan(&["R log.1 -> log.2"]), "{most} in memory");
    }
}

#[test]
fn a_new_file_that_got_the_number_of_one_that_went_is_none() {
    let mut world = world(&["x=old", "keep=1"]);
    world.remove("x");
    world.write("y=another");
    let (lines, _) = round(&mut world);
    assert_eq!(sorted(lines), plan(&["Create y", "Delete x"]));
}

#[test]
fn what_can_be_told_by_its_content_is() {
    // The renamed file was edited, and the one whose content it has now went away, too.
    let mut world = world(&["a=1", "b=22"]);
    rename(&world.fs, "a", "c");
    world.write("c=22");
    world.remove("b");
    let (lines, _) = round(&mut world);
    assert_eq!(sorted(lines), plan(&["Delete a", "R b -> c"]));
    // Its old content is elsewhere.
    let mut world = self::world(&["a=1"]);
    rename(&world.fs, "a", "c");
    world.write("c=22");
    world.write("copy=1");
    let (lines, _) = round(&mut world);
    assert_eq!(sorted(lines), plan(&["Create c", "R a -> copy"]));
}

#[test]
fn empty_files_are_not_matched_and_edited_names_of_one_file_are_one_move() {
    let mut world = world(&["empty=", "keep=1"]);
    rename(&world.fs, "empty", "full");
    world.write("full=2");
    let (lines, _) = round(&mut world);
    assert_eq!(sorted(lines), plan(&["Create full", "Delete empty"]));
}

#[test]
fn a_file_renamed_and_edited_out_of_a_directory_that_moved_or_went_is_one_move() {
    let mut world = world(&["d/a=1", "d/b=22", "e/c=333"]);
    rename(&world.fs, "d", "n");
    rename(&world.fs, "n/a", "out");
    world.write("out=4444");
    rename(&world.fs, "e/c", "n/c");
    world.write("n/c=55555");
    world.remove("e");
    let (lines, _) = round(&mut world);
    assert_eq!(sorted(lines), plan(&["Delete e", "R d -> n", "R d/a -> out", "R e/c -> n/c"]));
}
