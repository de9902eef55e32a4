//! Random histories of a source whose directories move: whatever happens between rounds and during them, delivered or
//! not, the mirror ends up as the source is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use protocol::RelPath;
use seams::fs::Directory;
use seams::memory::{Memory, Operation};

use super::moved_directories::delivered;
use super::world::{World, name, planned, write};

/// Something that happens to a source. Places are indices into those there are, modulo how many.
#[derive(Debug, Clone)]
enum Event {
    /// Something is renamed to a name in a directory.
    Rename(usize, usize, u8),
    /// A file is written in a directory.
    Write(usize, u8, u8),
    /// A directory is made in one.
    Make(usize, u8),
    /// Something is removed, with all in it.
    Remove(usize),
    /// A round in which nothing is delivered.
    Undelivered,
    /// A round in which everything is.
    Delivered,
    /// The same, while things are renamed before its `n`th operation.
    Disturbed(usize, Vec<(usize, usize, u8)>),
}

fn rename() -> impl Strategy<Value = (usize, usize, u8)> {
    (0..40usize, 0..12usize, 0..4u8)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        5 => rename().prop_map(|(what, into, called)| Event::Rename(what, into, called)),
        2 => (0..12usize, 0..4u8, 0..9u8).prop_map(|(into, called, text)| Event::Write(into, called, text)),
        1 => (0..12usize, 0..4u8).prop_map(|(into, called)| Event::Make(into, called)),
        1 => (0..40usize).prop_map(Event::Remove),
        1 => Just(Event::Undelivered),
        1 => Just(Event::Delivered),
        1 => (0..120usize, prop::collection::vec(rename(), 1..4)).prop_map(|(at, moves)| Event::Disturbed(at, moves)),
    ];
    prop::collection::vec(event, 1..16)
}

/// Every path, directories among them apart; the source itself is the first directory.
fn places(fs: &Memory) -> (Vec<String>, Vec<String>) {
    let (mut all, mut directories, mut waiting) = (Vec::new(), Vec::new(), vec![String::new()]);
    while let Some(at) = waiting.pop() {
        let directory = open(fs, &at);
        for name in directory.list().expect("listed") {
            let path = if at.is_empty() { name.to_string() } else { format!("{at}/{name}") };
            if directory.open_directory(&name).is_ok() {
                waiting.push(path.clone());
            }
            all.push(path);
        }
        directories.push(at);
    }
    (all, directories)
}

fn open(fs: &Memory, path: &str) -> Arc<dyn Directory> {
    use seams::fs::Fs;
    fs.open_root(&std::path::Path::new("/s").join(path)).expect("a directory")
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Renames, if that is possible.
fn try_rename(fs: &Memory, (what, into, called): (usize, usize, u8)) {
    let (all, directories) = places(fs);
    let Some(from) = all.get(what % all.len().max(1)) else { return };
    let (above, last) = from.rsplit_once('/').unwrap_or(("", from));
    let (old, new) = (name(last), name(NAMES[usize::from(called)]));
    let into = open(fs, &directories[into % directories.len()]);
    // Into itself, or onto what is not empty: nothing happens.
    drop(open(fs, above).rename(&old, &*into, &new));
}

fn try_remove(fs: &Memory, what: usize) {
    let (all, _) = places(fs);
    let Some(top) = all.get(what % all.len().max(1)) else { return };
    let mut going: Vec<&String> =
        all.iter().filter(|path| *path == top || path.starts_with(&format!("{top}/"))).collect();
    going.sort();
    for path in going.into_iter().rev() {
        super::world::remove(fs, path);
    }
}

fn happens(world: &mut World, event: &Event) {
    world.clock.advance(Duration::from_millis(100));
    let fs = world.fs.clone();
    let (_, directories) = places(&fs);
    let path = |into: usize, called: u8| {
        let (at, name) = (&directories[into % directories.len()], NAMES[usize::from(called)]);
        if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") }
    };
    let is_free = |path: &str| RelPath::parse(path.as_bytes()).is_ok() && !places(&fs).0.contains(&path.to_owned());
    match event {
        Event::Rename(what, into, called) => try_rename(&fs, (*what, *into, *called)),
        Event::Write(into, called, text) if is_free(&path(*into, *called)) => {
            write(&fs, &format!("{}={}", path(*into, *called), "x".repeat(usize::from(*text))));
        }
        Event::Make(into, called) if is_free(&path(*into, *called)) => write(&fs, &path(*into, *called)),
        Event::Write(..) | Event::Make(..) => {}
        Event::Remove(what) => try_remove(&fs, *what),
        Event::Undelivered => drop(world.undelivered_round()),
        Event::Delivered => drop(world.round()),
        Event::Disturbed(at, moves) => disturbed(world, *at, moves.clone()),
    }
}

fn disturbed(world: &mut World, at: usize, moves: Vec<(usize, usize, u8)>) {
    let (fs, count) = (world.fs.clone(), AtomicUsize::new(0));
    world.fs.set_fault_hook(Some(Arc::new(move |_: &Operation| {
        if count.fetch_add(1, Ordering::Relaxed) == at {
            moves.iter().for_each(|it| try_rename(&fs, *it));
        }
        None
    })));
    world.round();
    world.fs.set_fault_hook(None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn the_mirror_ends_up_as_the_source_is(events in events()) {
        let mut world = delivered(&["a/a=1", "a/b/c=22", "a/b/d/a=333", "b/a=4444", "b/c/b=55555", "c=666666", "d"]);
        events.iter().for_each(|event| happens(&mut world, event));
        // What waits because the source moved about is delivered when it is quiet.
        for _ in 0..3 {
            world.clock.advance(Duration::from_secs(60));
            world.round();
        }
        prop_assert!(world.is_delivered());
        let after = world.round();
        prop_assert_eq!((planned(&after), after.counts.files_opened), (Vec::new(), 0));
    }

    #[test]
    fn directories_that_only_move_open_nothing(moves in prop::collection::vec(rename(), 1..8)) {
        let mut world = delivered(&["a/a=1", "a/b/c=22", "a/b/d/a=333", "b/a=4444", "b/c/b=55555"]);
        for (what, into, called) in moves {
            let (_, directories) = places(&world.fs);
            let from = directories[what % directories.len()].clone();
            let all = places(&world.fs).0;
            if let Some(what) = all.iter().position(|path| *path == from) {
                try_rename(&world.fs, (what, into, called));
            }
        }
        world.clock.advance(Duration::from_secs(60));
        let scanned = world.round();
        prop_assert!(world.is_delivered());
        prop_assert_eq!((planned(&world.round()), scanned.counts.files_opened), (Vec::new(), 0));
    }
}
