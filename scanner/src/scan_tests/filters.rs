//! What a filter leaves out.

use super::world::{World, planned, problems, remove};

#[test]
fn what_is_excluded_is_neither_delivered_nor_deleted() {
    let mut world = World::new(&["keep=1", "x.tmp=2", "build/y=3"]);
    world.round();
    world.exclude(&["*.tmp", "build/"]);
    world.write("new.tmp=4");
    world.remove("build/y");
    assert_eq!(planned(&world.round()), Vec::<String>::new());
}

#[test]
fn what_is_excluded_stays_at_the_mirror_also_when_it_is_gone_and_so_do_its_directories() {
    let mut world = World::new(&["a.tmp=1", "d/e/b.tmp=2", "d/e/c=3", "d/f/g=4", "build/h=5", "k=6"]);
    world.round();
    world.exclude(&["*.tmp", "build/"]);
    for path in ["a.tmp", "d/e/b.tmp", "d/e/c", "d/e", "d/f/g", "d/f", "d", "build/h", "build", "k"] {
        world.remove(path);
    }
    world.write("stays=7");
    let deleted: Vec<_> = planned(&world.round()).into_iter().filter(|line| line.starts_with("Delete")).collect();
    assert_eq!(deleted, ["Delete d/e/c", "Delete d/f", "Delete k"]);
}

#[test]
fn what_is_left_out_and_held_at_the_mirror_is_counted_topmost_only() {
    let mut world = World::new(&["keep=1", "x.tmp=2", "build/y=3", "build/z=3", "d/a.tmp=4"]);
    world.round();
    world.exclude(&["*.tmp", "build/"]);
    world.write("never_recorded.tmp=5");
    assert_eq!(world.round().counts.excluded_kept, 3, "x.tmp, build and d/a.tmp");
    world.remove("d/a.tmp");
    world.remove("d");
    assert_eq!(world.round().counts.excluded_kept, 3, "also where the directory is gone");
}

#[test]
fn what_is_left_out_is_deleted_where_the_user_says_so_whether_it_is_there_or_not() {
    let mut world = World::new(&["keep=1", "x.tmp=2", "build/y=3", "gone.tmp=4"]);
    world.round();
    world.exclude(&["*.tmp", "build/"]);
    world.rules.delete_excluded = true;
    world.remove("gone.tmp");
    let scanned = world.round();
    assert_eq!(planned(&scanned), ["Delete build", "Delete gone.tmp", "Delete x.tmp"]);
    assert_eq!(scanned.counts.excluded_kept, 0);
}

#[test]
fn a_directory_in_which_something_is_left_out_is_not_replaced_by_a_file() {
    let mut world = World::new(&["d/a.tmp=1", "d/b=2", "e=3"]);
    world.round();
    world.exclude(&["*.tmp"]);
    world.remove("d/a.tmp");
    world.remove("d/b");
    remove(&world.fs, "d");
    world.write("d=now a file");
    world.write("e=33");
    let scanned = world.scan().expect("a scan");
    assert_eq!((planned(&scanned), problems(&scanned)), (vec!["Modify e".to_owned()], vec!["! d".to_owned()]));
    world.rules.delete_excluded = true;
    assert_eq!(planned(&world.round()), ["Replace d", "Modify e"]);
}

#[test]
fn what_is_taken_in_again_appears() {
    let mut world = World::new(&["x.tmp=2"]);
    world.exclude(&["*.tmp"]);
    assert_eq!(planned(&world.round()), Vec::<String>::new());
    world.exclude(&[]);
    assert_eq!(planned(&world.round()), ["Create x.tmp"]);
}
