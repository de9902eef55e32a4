//! Directories that move, with the client's own snapshot: one change each, nothing opened, nothing sent, also where earlier
//! rounds could not deliver.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::wire::{Request, Response};
use protocol::{Change, Name};
use seams::fs::Fs;
use uploader::{Traffic, Transport, TransportError};

use super::world::{InProcess, SOURCE, World, remove, size, write};
use crate::round::Report;

/// A receiver that answers, and takes nothing.
#[derive(Debug)]
struct TakesNothing(Arc<InProcess>);

impl Transport for TakesNothing {
    fn call(&self, request: &Request) -> Result<Response, TransportError> {
        match request {
            Request::Hello(_) | Request::Contact(_) => self.0.call(request),
            _ => Err(TransportError::Protocol("not today".to_owned())),
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

/// A round that cannot deliver anything.
fn undelivered(world: &World) -> Report {
    world.clock.advance(Duration::from_secs(60));
    world.round_over(Arc::new(TakesNothing(Arc::clone(&world.transport))))
}

/// A source with these files, delivered.
fn delivered(paths: &[&str]) -> World {
    let world = World::new(1);
    paths.iter().for_each(|path| write(&world, path, path));
    delivers(&world);
    world
}

/// A minute later, a round that delivers: what it moved, and how many files it opened.
fn delivers(world: &World) -> (Vec<String>, u64) {
    world.clock.advance(Duration::from_secs(60));
    let report = world.good_round();
    (shown(&report), report.counts.files_opened)
}

/// Everything but metadata.
fn shown(report: &Report) -> Vec<String> {
    let line = |change: &Change| match change {
        Change::Metadata { .. } => None,
        Change::Move { from, to, .. } => Some(format!("R {from} -> {to}")),
        other => Some(format!("{:?} {}", other.kind(), other.path())),
    };
    let mut lines: Vec<String> = report.changes.iter().filter_map(line).collect();
    lines.sort();
    lines
}

fn rename(world: &World, from: &str, to: &str) {
    let parent = |path: &str| {
        let (above, last) = path.rsplit_once('/').unwrap_or(("", path));
        let above = world.fs.open_root(&Path::new(SOURCE).join(above)).expect("a directory");
        (above, Name::parse(last.as_bytes()).expect("valid"))
    };
    let ((from, old), (to, new)) = (parent(from), parent(to));
    from.rename(&old, &*to, &new).expect("renamed");
}

/// Nothing is left to do, and nothing to read.
fn assert_done(world: &World) {
    assert_eq!(delivers(world), (Vec::new(), 0));
}

#[test]
fn a_renamed_top_directory_is_one_change_and_opens_and_sends_nothing() {
    let world = delivered(&["photos/a", "photos/b/c", "photos/b/d/e"]);
    world.transport.trace.lock().expect("not poisoned").clear();
    rename(&world, "photos", "pictures");
    assert_eq!(delivers(&world), (vec!["R photos -> pictures".to_owned()], 0));
    let asked: Vec<String> = world.transport.trace.lock().expect("not poisoned").clone();
    assert_eq!(asked.len(), 3, "hello, propose and commit: {asked:?}");
    assert_done(&world);
}

#[test]
fn a_move_that_cannot_be_delivered_is_found_again_with_what_was_read_meanwhile() {
    let world = delivered(&["old/a", "old/b", "old/d/c", "old/d/e/f"]);
    rename(&world, "old", "new");
    write(&world, "new/b", "edited");
    write(&world, "new/d/fresh", "fresh");
    let lines = ["Create new/d/fresh", "Modify new/b", "R old -> new"].map(str::to_owned);
    for opened in [2, 0, 0] {
        let report = undelivered(&world);
        assert!(report.failure.is_some());
        assert_eq!(report.counts.files_opened, opened);
    }
    assert_eq!(delivers(&world), (lines.to_vec(), 0));
    assert_done(&world);
}

#[test]
fn a_log_that_is_rotated_is_found_again_though_its_place_is_taken() {
    let world = delivered(&["log/1", "log/2", "log/d/3"]);
    rename(&world, "log", "log.old");
    write(&world, "log/1", "new");
    write(&world, "log/d/4", "newer");
    let lines = ["Create log", "Create log/1", "Create log/d", "Create log/d/4", "R log -> log.old"].map(str::to_owned);
    assert_eq!(delivers(&world), (lines.to_vec(), 2));
    assert_done(&world);
    rename(&world, "log", "log.older");
    write(&world, "log/1", "newest");
    let lines = ["Create log", "Create log/1", "R log -> log.older"].map(str::to_owned);
    undelivered(&world);
    assert_eq!(delivers(&world).0, lines);
    delivers(&world);
    assert_done(&world);
}

#[test]
fn directories_that_swap_are_two_changes_delivered_late_or_not() {
    for late in [false, true] {
        let world = delivered(&["a/x", "a/d/y", "b/x", "b/e/z"]);
        rename(&world, "a", "c");
        rename(&world, "b", "a");
        rename(&world, "c", "b");
        if late {
            undelivered(&world);
        }
        assert_eq!(delivers(&world), (["R a -> b", "R b -> a"].map(str::to_owned).to_vec(), 0));
        assert_done(&world);
    }
}

#[test]
fn a_directory_that_goes_back_before_it_was_delivered_was_never_away() {
    let world = delivered(&["a/x", "a/d/y"]);
    rename(&world, "a", "b");
    write(&world, "b/z", "new");
    write(&world, "a/z", "other");
    undelivered(&world);
    remove(&world, "a/z");
    remove(&world, "a");
    rename(&world, "b", "a");
    assert_eq!(delivers(&world).0, ["Create a/z"]);
    delivers(&world);
    assert_done(&world);
}

#[test]
fn histories_of_which_some_rounds_are_not_delivered_end_in_equal_trees() {
    for seed in 0..size(150, 1_000, 10_000) {
        let world = World::new(1_000 + seed);
        write(&world, "keep", "a source that becomes empty stops the round");
        for _ in 0..6 {
            (0..1 + world.below(8)).for_each(|_| world.edit());
            match world.below(3) {
                0 => drop(undelivered(&world)),
                _ => drop(delivers(&world)),
            }
        }
        delivers(&world);
        delivers(&world);
        assert_done(&world);
    }
}
