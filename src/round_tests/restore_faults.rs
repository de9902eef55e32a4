//! An error at the n-th operation of a restore, n = 1 to the end: nothing is ever half under its own name, and the same
//! restore once more ends what this one began.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use protocol::{ContentId, Name, RelPath};
use restorer::{Rules, Run, RunError, restore};
use seams::fs::Fs;
use seams::memory::{FaultHook, OperationKind};
use seams::parallel::Parallel;

use super::restores::{Entries, run};
use super::world::{Kind, SOURCE, World, write};

/// EIO, EACCES, ENOSPC.
const ERRORS: [i32; 3] = [5, 13, 28];

/// What a restore asks of the disk that it restores to.
const NEEDED: [OperationKind; 13] = [
    OperationKind::OpenDirectory,
    OperationKind::Stat,
    OperationKind::CreateFile,
    OperationKind::Write,
    OperationKind::SetLength,
    OperationKind::Link,
    OperationKind::Rename,
    OperationKind::RemoveFile,
    OperationKind::SetMode,
    OperationKind::CreateDirectory,
    OperationKind::CreateSymlink,
    OperationKind::SetMtime,
    OperationKind::SyncFilesystem,
];

type Driven = Arc<Mutex<HashSet<(OperationKind, i32)>>>;

/// The n-th operation below a directory fails.
fn fail(world: &World, into: &str, number: u64, error: i32, driven: &Driven) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let (counted, note, into) = (Arc::clone(&count), Arc::clone(driven), into.as_bytes().to_vec());
    let hook: FaultHook = Arc::new(move |operation| {
        let is_ours = operation.path.starts_with(&into) && operation.kind != OperationKind::OpenRoot;
        let fails = is_ours && counted.fetch_add(1, Ordering::Relaxed) == number;
        fails.then(|| {
            note.lock().expect("not poisoned").insert((operation.kind, error));
            io::Error::from_raw_os_error(error)
        })
    });
    world.fs.set_fault_hook(Some(hook));
    count
}

/// Something else that is there already, and gives way.
const OTHER: &str = "somebody's own";

/// A mirror with something of every kind.
fn mirrored() -> World {
    let world = World::with(0, Kind::Tree);
    for path in ["a", "d/b", "d/e/c"] {
        write(&world, path, &format!("content of {path}"));
    }
    let root = world.fs.open_root(Path::new(SOURCE)).expect("there");
    let name = |text: &str| Name::parse(text.as_bytes()).expect("valid");
    root.create_symlink(&name("link"), b"a").expect("made");
    root.set_mode(&name("a"), 0o640).expect("set");
    root.set_mode(&name("d"), 0o750).expect("set");
    world.good_round();
    world
}

/// Something else in the place of a file that is to come.
fn put_other(world: &World, into: &str) {
    world.fs.make_directory(Path::new(into)).expect("made");
    let root = world.fs.open_root(Path::new(into)).expect("there");
    let file = root.create_file(&Name::parse(b"a").expect("valid")).expect("made");
    file.write_all_at(OTHER.as_bytes(), 0).expect("written");
}

/// What is under a name of the tree is what the tree has there, or was there before; whatever else is there is on its way.
fn assert_nothing_half(found: &Entries, tree: &Entries, what: &str) {
    let is_temporary = |path: &RelPath| path.as_bytes().windows(19).any(|part| part == b".roundsman-restore-");
    for (path, entry) in found.iter().filter(|(path, _)| !is_temporary(path)) {
        let wanted = tree.get(path).unwrap_or_else(|| panic!("{what}: {path} is not of this tree"));
        let is_other = entry.content().is_some_and(|(content, _)| content == ContentId::of(OTHER.as_bytes()));
        assert!(is_other || wanted.same_content(entry), "{what}: {path}");
    }
}

/// Restores the newest tree; whatever differs gives way.
fn restored(world: &World, into: &str) -> (Result<(), RunError>, Vec<String>) {
    run(world, into, |run| {
        let Run { past, root, rules, listener, stop, .. } = run;
        let (root, rules) = (root.clone(), Rules { overwrite: true, ..*rules });
        restore(&Run { past: *past, root, rules, listener: *listener, files: Parallel::in_order(), stop }, 1, &[])
    })
}

#[test]
fn an_error_at_any_operation_of_a_restore_leaves_nothing_half_and_the_next_run_ends_it() {
    let world = mirrored();
    let tree = world.in_source();
    let driven = Driven::default();
    for error in ERRORS {
        for number in 0.. {
            let into = format!("/back-{error}-{number}");
            let what = format!("error {error} at operation {number}");
            put_other(&world, &into);
            let count = fail(&world, &into, number, error, &driven);
            drop(restored(&world, &into));
            world.fs.set_fault_hook(None);
            assert_nothing_half(&world.on_disk(&into), &tree, &what);
            let (done, problems) = restored(&world, &into);
            done.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!((&world.on_disk(&into), problems), (&tree, vec![]), "{what}");
            if count.load(Ordering::Relaxed) <= number {
                assert!(number > 20, "there is something to fail");
                break;
            }
        }
    }
    let driven = driven.lock().expect("not poisoned");
    let each = NEEDED.iter().flat_map(|kind| ERRORS.map(|error| (*kind, error)));
    let missed: Vec<_> = each.filter(|one| !driven.contains(one)).collect();
    assert!(missed.is_empty(), "never failed: {missed:?} of {driven:?}");
}
