//! Disks that go away at any moment of a round, the source's own or one mounted below it: what was on them stays at the
//! mirror, everything else is still delivered, and when they are back all is as before.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use protocol::{Entry, RelPath};
use seams::fs::FilesystemIdentity;
use seams::memory::{Memory, Operation};

use super::world::{SOURCE, World, remove, write};

const NESTED: &str = "/source/d/nested";
const ESTALE: i32 = 116;

/// What happens to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Unmounted, whoever is still there: open handles go on, new ones find an empty directory.
    Unmounted,
    /// Another disk is there from now on, with a file of a name that the first one has, too.
    Exchanged,
    /// Everything on it fails.
    Stale,
}

/// A source on a disk of its own with another disk mounted below it, all of it mirrored.
struct Disks {
    world: World,
    nested: Memory,
    before: BTreeMap<RelPath, Entry>,
}

impl Disks {
    /// Some edits are made after the first rounds: the round that follows has something of each kind to do.
    fn new() -> Self {
        let world = World::mounted(1, |disk| named(disk, "outer"));
        world.fs.make_directory(Path::new(NESTED)).expect("made");
        let nested = named(world.fs.another(), "nested");
        world.fs.mount(Path::new(NESTED), &nested).expect("mounted");
        for (number, path) in ["a", "b", "d/c", "d/nested/e", "d/nested/f/g", "z/h"].iter().enumerate() {
            write(&world, path, &format!("content {number}"));
        }
        world.clock.advance(Duration::from_secs(10));
        (0..2).for_each(|_| drop(world.good_round()));
        let before = world.mirrored();
        remove(&world, "b");
        write(&world, "a", "edited");
        write(&world, "z/new", "new");
        world.clock.advance(Duration::from_secs(10));
        Self { world, nested, before }
    }

    /// A round in which a disk meets its fate just before the n-th operation; whether it came so far.
    fn round(&self, place: &'static str, fate: Fate, at: u64) -> bool {
        let (fs, count) = (self.world.fs.clone(), Arc::new(AtomicU64::new(0)));
        let seen = Arc::clone(&count);
        self.world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
            let before = seen.fetch_add(1, Ordering::Relaxed);
            match fate {
                Fate::Stale => (before >= at && lies_on(&operation.path, place)).then(stale),
                Fate::Unmounted | Fate::Exchanged => {
                    if before == at {
                        lose(&fs, place, fate);
                    }
                    None
                }
            }
        })));
        let report = self.world.round();
        self.world.fs.set_fault_hook(None);
        self.nothing_was_lost(&format!("{place} {fate:?} at {at}: {report:?}"));
        count.load(Ordering::Relaxed) > at
    }

    /// Every file but the one that was really removed is at the mirror, as it was or as it is.
    fn nothing_was_lost(&self, context: &str) {
        let mirrored = self.world.mirrored();
        for (path, entry) in self.before.iter().filter(|(path, _)| path.as_bytes() != b"b") {
            let now = mirrored.get(path).map(Entry::content);
            let expected = path.as_bytes() == b"a" || now == Some(entry.content());
            assert!(now.is_some() && expected, "{path}: {context}");
        }
    }

    /// Puts every disk back where it was.
    fn repair(&self) {
        // Not mounted is as good: it was unmounted already.
        drop(self.world.fs.unmount_lazily(Path::new(SOURCE)));
        for (place, disk) in [(SOURCE, &self.world.disk), (NESTED, &self.nested)] {
            self.world.fs.mount(Path::new(place), disk).expect("mounted again");
        }
    }
}

fn named(disk: Memory, id: &str) -> Memory {
    let id = id.as_bytes().to_vec();
    disk.set_filesystem(FilesystemIdentity { kind: "disk".to_owned(), id, local: true, stable_inodes: true });
    disk
}

fn lies_on(path: &[u8], place: &str) -> bool {
    path.strip_prefix(place.as_bytes()).is_some_and(|below| below.first().is_none_or(|byte| *byte == b'/'))
}

fn stale() -> io::Error {
    io::Error::from_raw_os_error(ESTALE)
}

fn lose(fs: &Memory, place: &str, fate: Fate) {
    fs.unmount_lazily(Path::new(place)).expect("it is mounted");
    if fate == Fate::Exchanged {
        let other = named(fs.another(), "other");
        other.make_directory(Path::new("/e")).expect("made");
        fs.mount(Path::new(place), &other).expect("mounted");
    }
}

/// Every fate of a disk, before every operation of a round.
fn whenever(place: &'static str) {
    for fate in [Fate::Unmounted, Fate::Exchanged, Fate::Stale] {
        for at in 0.. {
            let disks = Disks::new();
            if !disks.round(place, fate, at) {
                assert!(at > 30, "only {at} operations");
                break;
            }
            // Once more while it is gone, then with everything back.
            if fate != Fate::Stale {
                disks.world.round();
                disks.nothing_was_lost(&format!("{place} {fate:?} since {at}, in the round after"));
            }
            disks.repair();
            disks.world.clock.advance(Duration::from_secs(10));
            disks.world.good_round();
        }
    }
}

#[test]
fn the_sources_disk_may_go_away_before_any_operation_of_a_round() {
    whenever(SOURCE);
}

#[test]
fn a_disk_mounted_below_the_source_may_go_away_before_any_operation_of_a_round() {
    whenever(NESTED);
}

#[test]
fn while_a_disk_below_is_gone_everything_else_is_delivered_and_its_place_is_a_problem() {
    for fate in [Fate::Unmounted, Fate::Exchanged] {
        let disks = Disks::new();
        lose(&disks.world.fs, NESTED, fate);
        let report = disks.world.round();
        assert!(report.failure.is_none(), "{:?}", report.failure);
        let problems: Vec<_> = report.problems.iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(problems, ["d/nested"], "{fate:?}");
        let changed: Vec<_> = report.changes.iter().map(|change| change.path().to_string()).collect();
        assert_eq!(changed, [".", "a", "b", "z", "z/new"], "{fate:?}");
        disks.nothing_was_lost("with the disk gone");
    }
}

#[test]
fn the_place_of_a_disk_below_may_vanish_with_all_directories_above_it() {
    let disks = Disks::new();
    disks.world.fs.unmount(Path::new(NESTED)).expect("nobody is there");
    remove(&disks.world, "d/c");
    for place in ["d/nested", "d"] {
        remove(&disks.world, place);
    }
    let report = disks.world.round();
    assert!(report.failure.is_none(), "{:?}", report.failure);
    assert!(!report.problems.is_empty(), "the place of a mount is gone");
    let nested: Vec<_> = disks.before.keys().filter(|path| path.as_bytes().starts_with(b"d/nested")).collect();
    let mirrored = disks.world.mirrored();
    assert!(nested.iter().all(|path| mirrored.contains_key(path)), "{:?}", report.changes);
}
