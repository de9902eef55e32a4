//! Errors of single paths are problems there, and never deletes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use seams::memory::{Operation, OperationKind};

use super::world::{World, planned, problems};
use crate::scan::ScanError;

const EACCES: i32 = 13;
const EIO: i32 = 5;
const EMFILE: i32 = 24;

#[test]
fn an_unreadable_directory_deletes_nothing_and_everything_else_goes_on() {
    let failures = [
        (OperationKind::OpenDirectory, "d", EACCES),
        (OperationKind::List, "d", EIO),
        (OperationKind::ListNext, "d/c", EIO),
    ];
    for (kind, path, errno) in failures {
        let mut world = World::new(&["a=1", "d/b=2", "d/c=3", "d/e/f=4", "z=5"]);
        world.round();
        world.write("a=11");
        world.remove("z");
        world.fail(kind, path, errno);
        let scanned = world.scan().expect("a scan");
        assert_eq!(planned(&scanned), ["Modify a", "Delete z"], "{kind:?}");
        assert_eq!(problems(&scanned), ["! d"], "{kind:?}");
    }
}

#[test]
fn a_file_that_cannot_be_looked_at_or_read_is_a_problem_never_a_delete() {
    for kind in [OperationKind::Stat, OperationKind::OpenFile, OperationKind::Read] {
        let mut world = World::new(&["a=1", "b=2"]);
        world.round();
        world.write("a=11");
        world.fail(kind, "a", EACCES);
        let scanned = world.scan().expect("a scan");
        assert_eq!(planned(&scanned), Vec::<String>::new(), "{kind:?}");
        assert_eq!(problems(&scanned), ["! a"], "{kind:?}");
    }
}

/// The errors that a path can have: EACCES, EIO, ESTALE, ELOOP, ENAMETOOLONG, ENOTDIR.
const OF_A_PATH: [i32; 6] = [EACCES, EIO, 116, 40, 36, 20];
/// What a machine can run out of: EMFILE, ENFILE, ENOMEM, ENOSPC.
const OF_THE_MACHINE: [i32; 4] = [EMFILE, 23, 12, 28];
/// Where errors come up, and the path they are then about.
const PLACES: [(OperationKind, &str, &str); 5] = [
    (OperationKind::OpenDirectory, "d", "! d"),
    (OperationKind::OwnStat, "d", "! d"),
    (OperationKind::List, "d", "! d"),
    (OperationKind::Stat, "d", "! d"),
    (OperationKind::Stat, "d/e", "! d/e"),
];

#[test]
fn every_error_of_a_path_vetoes_its_subtree_only() {
    for (kind, path, problem) in PLACES {
        for errno in OF_A_PATH {
            let mut world = World::new(&["a=1", "d/b=2", "d/e/f=4", "new=6", "z=5", "y/x=7"]);
            world.round();
            for gone in ["z", "y/x", "d/e/f"] {
                world.remove(gone);
            }
            world.write("a=11");
            world.fail(kind, path, errno);
            let scanned = world.scan().expect("a scan");
            assert_eq!(planned(&scanned), ["Modify a", "Delete y/x", "Delete z"], "{kind:?} {path} {errno}");
            assert_eq!(problems(&scanned), [problem], "{kind:?} {path} {errno}");
        }
    }
}

#[test]
fn what_the_machine_runs_out_of_is_a_problem_of_the_round_never_of_a_path() {
    for (kind, path, _) in PLACES {
        for errno in OF_THE_MACHINE {
            let mut world = World::new(&["d/b=2", "d/e/f=4"]);
            world.round();
            world.fail(kind, path, errno);
            assert!(matches!(world.scan(), Err(ScanError::Exhausted(_))), "{kind:?} {path} {errno}");
        }
    }
}

#[test]
fn a_directory_that_cannot_be_opened_again_lends_its_name_to_no_other() {
    let deep: String = (0..60).map(|n| format!("d{n:03}/")).collect();
    let mut world =
        World::new(&["README=the root's", "d000/d001/README=another", &format!("{deep}leaf=1"), "d000/d001/z=2"]);
    world.round();
    world.write("d000/d001/README=edited");
    world.write("README=the root's, edited");
    let opened = AtomicUsize::new(0);
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        let opens = operation.kind == OperationKind::OpenDirectory && operation.path == b"/s/d000/d001";
        (opens && opened.fetch_add(1, Ordering::Relaxed) > 0).then(|| io::Error::from_raw_os_error(EIO))
    })));
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), ["Modify README"]);
    assert_eq!(problems(&scanned), ["! d000/d001"]);
}
