//! What a filter leaves out.

use super::world::{World, planned};

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
