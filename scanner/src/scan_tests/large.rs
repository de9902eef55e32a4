//! Directories of more names or rows than are held at a time: found as any other.

use std::collections::BTreeSet;

use super::world::{World, planned, remove, rename};

fn items(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("d/f{number:02}={number}")).collect()
}

fn world(items: &[String]) -> World {
    World::new(&items.iter().map(String::as_str).collect::<Vec<_>>())
}

fn set(lines: Vec<String>) -> BTreeSet<String> {
    lines.into_iter().collect()
}

#[test]
fn a_large_directory_is_delivered_whole_and_then_unchanged() {
    let mut world = world(&items(0..50));
    assert_eq!(world.round().counts.files, 50);
    assert!(world.is_delivered());
    let scanned = world.scan().expect("a scan");
    assert!(scanned.findings.is_empty(), "{:?}", scanned.findings);
    assert_eq!(scanned.counts.files, 50);
}

#[test]
fn what_is_new_changed_moved_and_gone_in_a_large_directory_is_found() {
    let mut world = world(&items(0..50));
    world.round();
    for number in (0..50).filter(|number| number % 7 == 3) {
        remove(&world.fs, &format!("d/f{number:02}"));
    }
    rename(&world.fs, "d/f05", "d/g");
    world.write("d/f20=changed");
    world.write("d/a=new");
    world.write("d/z=newer");
    let gone = (0..50).filter(|number| number % 7 == 3).map(|number| format!("Delete d/f{number:02}"));
    let others = ["R d/f05 -> d/g", "Modify d/f20", "Create d/a", "Create d/z"].map(str::to_owned);
    assert_eq!(set(planned(&world.scan().expect("a scan"))), gone.chain(others).collect());
    world.round();
    assert!(world.is_delivered());
}

#[test]
fn a_large_directory_that_is_emptied_but_for_a_few_loses_the_rest() {
    let mut world = world(&items(0..50));
    world.round();
    (1..49).for_each(|number| remove(&world.fs, &format!("d/f{number:02}")));
    assert_eq!(planned(&world.scan().expect("a scan")).len(), 48);
    world.round();
    assert!(world.is_delivered());
}

#[test]
fn what_is_in_the_directories_of_a_large_one_is_compared_with_its_own_rows() {
    let mut all = items(0..20);
    all.extend((0..20).map(|number| format!("d/s{number:02}/x={number}")));
    let mut world = world(&all);
    world.rows.keep_inodes();
    world.round();
    let scanned = world.scan().expect("a scan");
    assert!(scanned.findings.is_empty(), "{:?}", scanned.findings);
    assert_eq!(scanned.counts.files_opened, 0, "all have rows that can be trusted");
    world.write("d/s19/x=other");
    rename(&world.fs, "d/s07", "d/t");
    assert_eq!(
        set(planned(&world.scan().expect("a scan"))),
        set(vec!["Modify d/s19/x".to_owned(), "R d/s07 -> d/t".to_owned(),])
    );
    world.round();
    assert!(world.is_delivered());
}
