//! An error at the n-th operation of a round, n = 1 to the end, on the source's and the receiver's file systems alike:
//! whatever fails, no path gets bytes that it never had, nothing is deleted that is there, and the next rounds converge.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{Entry, Name, RelPath};
use seams::fs::Fs;
use seams::memory::{FaultHook, OperationKind};

use super::world::{Kind, SOURCE, World, remove, write};

/// EIO, EACCES, ENOSPC.
const ERRORS: [i32; 3] = [5, 13, 28];

/// What was made to fail so far: whether at the receiver, which operation, with which error.
type Driven = Arc<Mutex<HashSet<(bool, OperationKind, i32)>>>;

/// The n-th operation of all fails, whatever it is.
fn fail(world: &World, number: u64, error: i32, driven: &Driven) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let (counted, note) = (Arc::clone(&count), Arc::clone(driven));
    let hook: FaultHook = Arc::new(move |operation| {
        let fails = counted.fetch_add(1, Ordering::Relaxed) == number;
        fails.then(|| {
            let at_receiver = operation.path.starts_with(b"/data");
            note.lock().expect("not poisoned").insert((at_receiver, operation.kind, error));
            io::Error::from_raw_os_error(error)
        })
    });
    world.fs.set_fault_hook(Some(hook));
    count
}

/// Each operation that a round asks of either side failed, with each error.
fn assert_all_were_driven(driven: &Driven) {
    use OperationKind::{
        CreateDirectory, CreateFile, CreateSymlink, Link, List, OpenDirectory, OpenFile, OwnStat, Read, ReadLink,
        Rename, SetMtime, SetOwnMode, SetOwnMtime, Stat, Sync, SyncFilesystem, Write,
    };
    let of_the_source = [OpenDirectory, OwnStat, Stat, List, OpenFile, Read, ReadLink];
    let of_the_receiver = [
        OpenDirectory,
        OwnStat,
        Stat,
        OpenFile,
        Read,
        CreateFile,
        Write,
        Sync,
        SyncFilesystem,
        Rename,
        Link,
        CreateDirectory,
        CreateSymlink,
        SetOwnMode,
        SetOwnMtime,
        SetMtime,
    ];
    let sides = [(false, &of_the_source[..]), (true, &of_the_receiver[..])];
    let driven = driven.lock().expect("not poisoned");
    let wanted = sides.into_iter().flat_map(|(side, kinds)| kinds.iter().map(move |kind| (side, *kind)));
    let each = wanted.flat_map(|(side, kind)| ERRORS.map(|error| (side, kind, error)));
    let missed: Vec<_> = each.filter(|one| !driven.contains(one)).collect();
    assert!(missed.is_empty(), "never failed (whether at the receiver, what, with what): {missed:?} of {driven:?}");
}

/// A text of some chunks; two that differ share most of them.
fn numbers(first: u32) -> String {
    let rest: Vec<String> = (1_000..5_000).map(|number: u32| number.wrapping_mul(2_654_435_761).to_string()).collect();
    format!("{first} {}", rest.join(" "))
}

/// A mirror, and a source in which everything has happened that can.
fn eventful() -> (World, BTreeMap<RelPath, Entry>) {
    let world = World::with(0, Kind::Tree);
    for path in ["a", "b", "d/c", "d/e", "x/y/z", "gone/f", "kept/g"] {
        write(&world, path, &format!("content of {path}"));
    }
    write(&world, "large", &numbers(7));
    world.good_round();
    let before = world.mirrored();
    world.clock.advance(Duration::from_secs(60));
    write(&world, "a", "rewritten");
    write(&world, "new/n", "new");
    write(&world, "large", &numbers(8));
    remove(&world, "b");
    remove(&world, "gone/f");
    remove(&world, "gone");
    let root = world.fs.open_root(Path::new(SOURCE)).expect("there");
    let name = |text: &str| Name::parse(text.as_bytes()).expect("valid");
    root.rename(&name("x"), &*root, &name("moved")).expect("renamed");
    root.create_symlink(&name("link"), b"a").expect("made");
    let kept = root.open_directory(&name("kept")).expect("there");
    kept.set_mode(&name("g"), 0o640).expect("set");
    (world, before)
}

/// Every path has what it had, or what the source has now; what is in both is there.
fn assert_sound(
    mirror: &BTreeMap<RelPath, Entry>,
    before: &BTreeMap<RelPath, Entry>,
    now: &BTreeMap<RelPath, Entry>,
    what: &str,
) {
    for (path, entry) in mirror {
        let had = before.get(path).is_some_and(|old| old.content() == entry.content());
        let has = now.get(path).is_some_and(|new| new.content() == entry.content());
        assert!(had || has, "{what}: {path} has bytes that it never had");
    }
    for path in before.keys().filter(|path| now.contains_key(*path)) {
        assert!(mirror.contains_key(path), "{what}: {path} was deleted");
    }
}

#[test]
fn an_error_at_any_operation_of_a_round_breaks_no_promise_and_the_next_rounds_converge() {
    let driven = Driven::default();
    for error in ERRORS {
        for number in 0.. {
            let (world, before) = eventful();
            let what = format!("error {error} at operation {number}");
            let count = fail(&world, number, error, &driven);
            drop(world.round());
            world.fs.set_fault_hook(None);
            let was_reached = count.load(Ordering::Relaxed) > number;
            assert_sound(&world.mirrored(), &before, &world.in_source(), &what);
            for _ in 0..3 {
                world.clock.advance(Duration::from_hours(2));
                drop(world.round());
            }
            assert_eq!(world.mirrored(), world.in_source(), "{what}: converges");
            assert_eq!(world.on_disk("/data/local/source"), world.in_source(), "{what}: on disk, too");
            if !was_reached {
                assert!(number > 100, "there is something to fail");
                break;
            }
        }
    }
    assert_all_were_driven(&driven);
}
