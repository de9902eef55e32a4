//! What somebody did to the mirror behind the receiver's back is put right by the next round that hears of it, without a
//! person, without a revision, and with little more than what was damaged.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

use protocol::wire::{Check, CheckFinding};
use protocol::{ClientName, Entry, Name, RelPath};
use seams::fs::Fs;

use super::world::{Kind, World, remove, write, write_bytes};

/// Where the mirror's files lie.
const MIRROR: &str = "/data/local/source";

fn mirrored(files: &[(&str, Vec<u8>)]) -> World {
    let world = World::with(1, Kind::Tree);
    for (path, bytes) in files {
        write_bytes(&world.fs, path, bytes);
    }
    world.good_round();
    world.clock.advance(std::time::Duration::from_secs(60));
    world.good_round();
    world
}

fn noise(length: usize, seed: u32) -> Vec<u8> {
    let step = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(state.to_be_bytes()[0])
    };
    std::iter::repeat_n((), length).scan(seed, |state, ()| step(state)).collect()
}

/// Changes bytes of a mirror's file so that only reading it tells.
fn spoil(world: &World, path: &str, offset: u64) {
    let (directory, last) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = world.fs.open_root(&Path::new(MIRROR).join(directory)).expect("there");
    let file = directory.open_file_for_writing(&Name::parse(last.as_bytes()).expect("valid")).expect("there");
    let mtime = file.stat().expect("there").mtime;
    file.write_all_at(b"?", offset).and_then(|()| file.set_mtime(mtime)).expect("written");
}

fn check(world: &World, mend: bool) -> Vec<CheckFinding> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let request = Check { mirror: World::mirror(), after, read_contents: true, budget: None, mend };
        let page = world.store.check(&ClientName::local(), &request).expect("is checked");
        found.extend(page.findings);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

/// What really lies in the mirror. Owners are as they are in the source.
fn on_disk(world: &World) -> BTreeMap<RelPath, Entry> {
    world.on_disk(MIRROR)
}

#[test]
fn a_damaged_file_is_put_right_by_the_next_round_and_only_its_bad_piece_travels() {
    let world = mirrored(&[("large", noise(9_000_000, 1)), ("small", noise(2_000, 2)), ("other", noise(2_000, 3))]);
    let before = world.snapshot.standing().expect("readable").head;
    spoil(&world, "large", 5_000_000);
    spoil(&world, "small", 1_000);
    assert_eq!(check(&world, false).len(), 2);
    let report = world.good_round();
    assert_eq!((report.mended, report.changes.len()), (2, 0));
    assert!(report.volume.sent < 1_100_000, "{:?}", report.volume);
    assert_eq!(check(&world, false), []);
    assert_eq!(on_disk(&world), world.in_source());
    assert_eq!(world.snapshot.standing().expect("readable").head, before, "no revision comes of it");
}

#[test]
fn an_unchanged_mirror_costs_no_request_more() {
    let world = mirrored(&[("a", noise(2_000, 2))]);
    world.transport.trace.lock().expect("not poisoned").clear();
    world.good_round();
    assert_eq!(world.transport.trace.lock().expect("not poisoned").len(), 1);
}

#[test]
fn what_the_source_does_not_have_any_more_is_not_sent_and_named() {
    let world = mirrored(&[("a", noise(2_000, 2)), ("b", noise(2_000, 3))]);
    spoil(&world, "a", 7);
    check(&world, false);
    // A store through mmap: nothing tells that the file has changed.
    world.fs.write_silently(Path::new("/source/a"), b"silent", 0).expect("written");
    let report = world.round();
    assert!(report.failure.is_none());
    assert_eq!((report.mended, report.volume.sent), (0, 0));
    assert_eq!(report.problems.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_damaged_file_that_changed_in_the_source_is_simply_delivered() {
    let world = mirrored(&[("a", noise(2_000, 2))]);
    spoil(&world, "a", 7);
    check(&world, false);
    write(&world, "a", "new");
    let report = world.good_round();
    assert_eq!((report.mended, report.changes.len()), (0, 1));
    assert_eq!(on_disk(&world), world.in_source());
    remove(&world, "a");
    write(&world, "b", "x");
    world.good_round();
    assert_eq!(on_disk(&world), world.in_source());
}

#[test]
fn a_mirror_whose_files_were_all_taken_away_comes_again_in_one_round() {
    let files: Vec<(String, Vec<u8>)> =
        (0..2_300).map(|number| (format!("d{}/f{number}", number % 7), noise(50, number))).collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())).collect();
    let world = mirrored(&files);
    let data = world.fs.open_root(Path::new("/data/local")).expect("there");
    let (mirror, aside) = (Name::parse(b"source").expect("valid"), Name::parse(b"aside").expect("valid"));
    data.rename(&mirror, &*data, &aside).expect("moved");
    check(&world, true);
    world.transport.bytes.store(0, Ordering::Relaxed);
    let report = world.good_round();
    assert_eq!(report.mended, 2_300);
    assert_eq!(on_disk(&world), world.in_source());
    assert_eq!(check(&world, false), []);
    let requests =
        world.transport.trace.lock().expect("not poisoned").iter().filter(|line| line.starts_with("mend")).count();
    assert_eq!(requests, 3 + 3 * 2, "a page asked for, offered, put in place");
}
