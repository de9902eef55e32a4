//! Nothing ends at the mirror because it was moved past the walk.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seams::memory::{Operation, OperationKind};

use super::world::{World, planned, problems, rename, write};
use crate::found::MOST_WATCHED;
use crate::trust::Margins;

#[test]
fn a_file_moved_into_a_directory_that_was_listed_already_is_a_move() {
    let mut world = World::new(&["a/keep=0", "z/f=content"]);
    world.round();
    world.just_before(OperationKind::OpenDirectory, "z", |fs| rename(fs, "z/f", "a/f"));
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), ["R z/f -> a/f"]);
    assert_eq!(problems(&scanned), Vec::<String>::new());
}

#[test]
fn also_where_stamps_are_too_coarse_to_show_that_the_directory_changed() {
    let moved_past = |margins: Margins| {
        let mut world = World::new(&["a/keep=0", "z/f=content"]);
        world.fs = world.fs.clone().with_granularity(Duration::from_secs(1));
        world.rules.margins = margins;
        world.round();
        world.write("a/new=1");
        world.just_before(OperationKind::OpenDirectory, "z", |fs| rename(fs, "z/f", "a/f"));
        planned(&world.scan().expect("a scan"))
    };
    assert_eq!(moved_past(Margins::USUAL), ["R z/f -> a/f", "Create a/new"]);
    assert_eq!(moved_past(Margins::NONE), ["Create a/new", "Delete z/f"], "stamps taken at their word miss it");
}

#[test]
fn a_directory_moved_into_one_that_was_listed_already_takes_its_files_along() {
    let mut world = World::new(&["a/keep=0", "z/d/f=content", "z/d/e/g=more"]);
    world.round();
    world.just_before(OperationKind::OpenDirectory, "z", |fs| rename(fs, "z/d", "a/d"));
    assert_eq!(planned(&world.round()), ["R z/d -> a/d"]);
    assert_eq!(planned(&world.round()), Vec::<String>::new());
}

#[test]
fn a_file_that_is_moved_past_the_walk_and_replaced_at_once_is_not_overwritten() {
    let mut world = World::new(&["a/keep=0", "z/f=content"]);
    world.round();
    world.just_before(OperationKind::OpenDirectory, "z", |fs| {
        rename(fs, "z/f", "a/f");
        write(fs, "z/f=another file");
    });
    assert_eq!(planned(&world.scan().expect("a scan")), ["R z/f -> a/f", "Create z/f"]);
}

#[test]
fn directories_that_take_each_others_names_while_they_are_opened_are_listed_again() {
    let mut world = World::new(&["x", "y/f=content"]);
    world.round();
    let clock = Arc::clone(&world.clock);
    // The walk has opened the empty `x`; what is stat-ed and held is the other.
    world.just_before(OperationKind::Stat, "x", move |fs| {
        rename(fs, "x", "w");
        rename(fs, "y", "x");
        clock.advance(Duration::from_secs(60));
    });
    assert_eq!(planned(&world.scan().expect("a scan")), ["Create w", "R y/f -> x/f", "Delete y"]);
}

#[test]
fn a_directory_that_took_the_place_of_another_is_walked_anew() {
    let mut world = World::new(&["a/d/old=1", "z/d/f=content"]);
    world.round();
    world.just_before(OperationKind::OpenDirectory, "z", |fs| {
        rename(fs, "a/d", "b");
        rename(fs, "z/d", "a/d");
    });
    let expected = ["R z/d/f -> a/d/f", "Create b", "R a/d/old -> b/old", "Delete z/d"];
    assert_eq!(planned(&world.scan().expect("a scan")), expected);
}

#[test]
fn a_directory_that_takes_the_place_of_another_while_that_is_listed_again_is_walked_anew() {
    let mut world = World::new(&["p/a/d/old=1", "p/b/d/f=content", "p/c/x=2", "z/x=3"]);
    world.round();
    world.remove("z/x");
    world.write("p/a/young=4");
    let (fs, clock, opened) = (world.fs.clone(), Arc::clone(&world.clock), AtomicUsize::new(0));
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        let opens = operation.kind == OperationKind::OpenDirectory && operation.path == b"/s/p/a";
        // The walk opens it twice, then it is looked at again, then it is opened to be listed again.
        if opens && opened.fetch_add(1, Ordering::Relaxed) == 3 {
            rename(&fs, "p/a/d", "p/c/d");
            rename(&fs, "p/b/d", "p/a/d");
            clock.advance(Duration::from_secs(60));
        }
        None
    })));
    let mut changes = planned(&world.scan().expect("a scan"));
    changes.retain(|line| !line.starts_with("Create"));
    assert_eq!(changes, ["R p/b/d/f -> p/a/d/f", "Delete p/b/d", "R p/a/d/old -> p/c/d/old", "Delete z/x"]);
}

/// Something is renamed in `busy` whenever that is looked at.
fn keep_busy(world: &World) {
    let (fs, clock, count) = (world.fs.clone(), Arc::clone(&world.clock), AtomicUsize::new(0));
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.kind == OperationKind::OwnStat && operation.path == b"/s/busy" {
            clock.advance(Duration::from_millis(50));
            let count = count.fetch_add(1, Ordering::Relaxed);
            rename(&fs, &format!("busy/{count}"), &format!("busy/{}", count + 1));
        }
        None
    })));
}

#[test]
fn in_a_source_that_does_not_come_to_rest_what_would_end_waits_and_everything_else_goes_on() {
    let mut world = World::new(&["a=1", "busy/0=b", "d/f=2", "d/g=3", "old=4", "o=5"]);
    world.round();
    for gone in ["d/f", "d/g", "d", "old"] {
        world.remove(gone);
    }
    world.write("a=11");
    rename(&world.fs, "o", "p");
    keep_busy(&world);
    let scanned = world.scan().expect("a scan");
    let rest: Vec<String> = planned(&scanned).into_iter().filter(|line| !line.contains("busy")).collect();
    assert_eq!(rest, ["Modify a", "R o -> p"]);
    let waiting: Vec<String> = problems(&scanned).into_iter().filter(|line| !line.contains("busy")).collect();
    assert_eq!(waiting, ["~ d", "~ old"]);
    world.fs.set_fault_hook(None);
    let deleted: Vec<String> = planned(&world.round()).into_iter().filter(|line| line.starts_with("Delete")).collect();
    assert_eq!(deleted, ["Delete d", "Delete old"], "once it is quiet");
}

#[test]
fn what_was_read_is_not_read_again_because_its_directory_moves_about() {
    let mut world = World::new(&["d/old=1", "d/racy=2"]);
    world.round();
    world.remove("d/old");
    world.write("d/racy=3");
    world.write("d/new=4");
    let scanned = world.round();
    assert_eq!(planned(&scanned), ["Create d/new", "Delete d/old", "Modify d/racy"]);
    assert_eq!(scanned.counts.files_opened, 2, "each once, although the directory was listed twice");
    assert_eq!(scanned.counts.files, 2, "and counted once");
}

#[test]
fn directories_that_stand_still_are_listed_once_and_without_deletes_nothing_is_looked_at_again() {
    let mut world = World::new(&["a/b=1", "c/d=2"]);
    world.round();
    let listed = |world: &mut World| {
        let count = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&count);
        world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
            let lists = operation.kind == OperationKind::List && operation.path == b"/s/a";
            seen.fetch_add(usize::from(lists), Ordering::Relaxed);
            None
        })));
        world.round();
        count.load(Ordering::Relaxed)
    };
    world.write("a/new=3");
    assert_eq!(listed(&mut world), 1, "just changed, and nothing is deleted");
    world.clock.advance(Duration::from_secs(60));
    world.remove("c/d");
    assert_eq!(listed(&mut world), 1, "something is deleted elsewhere");
}

#[test]
fn in_a_tree_of_more_directories_than_can_be_watched_what_would_end_waits() {
    let directories: Vec<String> = (0..MOST_WATCHED).map(|n| format!("d{n}")).collect();
    let mut world = World::new(&directories.iter().map(String::as_str).collect::<Vec<_>>());
    world.write("f=1");
    world.round();
    world.remove("f");
    let scanned = world.round();
    assert_eq!((planned(&scanned), problems(&scanned)), (Vec::new(), vec!["~ f".to_owned()]));
    world.remove("d7");
    assert_eq!(planned(&world.round()), ["Delete d7", "Delete f"], "one directory less");
}
