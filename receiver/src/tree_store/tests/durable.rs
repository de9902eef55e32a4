//! The order of operations: nothing is put in place before it is durable, nothing is answered before its place is.

use std::sync::{Arc, Mutex};

use protocol::{Change, Head};
use seams::memory::{FaultHook, Operation, OperationKind};

use super::world::MemoryWorld;
use crate::store::conformance::peer::{Peer, create, directory, modify};

/// Delivers a batch and answers what was done on disk from its commit on.
fn trace(files: usize) -> (Vec<Operation>, String) {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let mut changes: Vec<Change> =
        (0..files).map(|n| create(&format!("d/f{n}"), peer.file(format!("content {n}")))).collect();
    changes.push(modify("old", peer.file("new")));
    let old = peer.file("old");
    let base = peer.deliver(&[create("d", directory()), create("old", old)]);
    let plans = peer.plans(&changes);
    let missing = peer.open(&changes, plans.clone());
    peer.fill_missing(base, &changes, &plans, &missing);
    let done = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&done);
    let hook: FaultHook = Arc::new(move |operation| {
        seen.lock().expect("not poisoned").push(operation.clone());
        None
    });
    world.fs.set_fault_hook(Some(hook));
    peer.commit_on(base, &changes).expect("commits");
    world.fs.set_fault_hook(None);
    assert_eq!(peer.head(), base.after(&changes));
    assert_ne!(peer.head(), Head::genesis());
    let mirror = world.path().join("laptop").join(peer.mirror.as_str());
    let done = done.lock().expect("not poisoned").clone();
    (done, mirror.to_string_lossy().into_owned())
}

fn is_in(path: Option<&[u8]>, directory: &str) -> bool {
    path.is_some_and(|path| path.starts_with(directory.as_bytes()))
}

fn places(operations: &[Operation], mirror: &str) -> Vec<usize> {
    let puts =
        |operation: &Operation| operation.kind == OperationKind::Rename && is_in(operation.to.as_deref(), mirror);
    (0..operations.len()).filter(|at| puts(&operations[*at])).collect()
}

#[test]
fn few_files_are_synced_one_by_one_before_they_come_to_their_places() {
    let (operations, mirror) = trace(3);
    let placed = places(&operations, &mirror);
    assert_eq!(placed.len(), 4);
    let before = &operations[..placed[0]];
    for at in &placed {
        let staged = &operations[*at].path;
        let is_synced = |operation: &Operation| operation.kind == OperationKind::Sync && operation.path == *staged;
        assert!(before.iter().any(is_synced), "{:?}", operations[*at]);
    }
    let staging_synced = |operation: &Operation| {
        operation.kind == OperationKind::Sync && operation.path.ends_with(b"/.roundsman/staging")
    };
    assert!(before.iter().any(staging_synced), "their names are durable, too");
    let after = &operations[placed[3]..];
    for end in [mirror.clone(), format!("{mirror}/d")] {
        let is_synced =
            |operation: &Operation| operation.kind == OperationKind::Sync && operation.path == end.as_bytes();
        assert!(after.iter().any(is_synced), "{end}");
    }
    let versions_synced = |operation: &Operation| {
        operation.kind == OperationKind::Sync && operation.path.ends_with(b"/.roundsman/versions")
    };
    assert!(after.iter().any(versions_synced));
}

#[test]
fn many_files_become_durable_together_before_and_after_they_come_to_their_places() {
    let (operations, mirror) = trace(60);
    let placed = places(&operations, &mirror);
    assert_eq!(placed.len(), 61);
    let syncs = |operations: &[Operation]| {
        operations.iter().filter(|operation| operation.kind == OperationKind::SyncFilesystem).count()
    };
    assert_eq!(syncs(&operations[..placed[0]]), 1);
    assert_eq!(syncs(&operations[placed[60]..]), 1);
    let single = operations.iter().filter(|operation| operation.kind == OperationKind::Sync).count();
    assert_eq!(single, 0, "not one by one");
}

#[test]
fn a_file_that_is_overwritten_is_never_absent() {
    let (operations, mirror) = trace(1);
    let old = format!("{mirror}/old");
    let leaves = |operation: &Operation| {
        operation.path == old.as_bytes() && matches!(operation.kind, OperationKind::Rename | OperationKind::RemoveFile)
    };
    assert!(!operations.iter().any(leaves));
    let linked = operations.iter().position(|operation| operation.kind == OperationKind::Link);
    let over = operations.iter().position(|operation| operation.to.as_deref() == Some(old.as_bytes()));
    assert!(linked.expect("the old one is kept") < over.expect("the new one comes"));
}
