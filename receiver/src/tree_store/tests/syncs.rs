//! A sync that fails after a revision was decided: nothing is answered, nothing staged is believed, and the same sync is
//! never made again: the steps are, and then the whole file system is made durable.

use std::io;
use std::sync::{Arc, Mutex};

use protocol::wire::{Committed, Contact, Proposed};
use protocol::{Change, Head, MirrorName, ProblemCode, Tree};
use seams::memory::{FaultHook, Operation, OperationKind};

use super::world::{MemoryWorld, assert_is};
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, directory};

type Trace = Arc<Mutex<Vec<Operation>>>;

/// Notes every operation; syncs fail once something came to its place in a mirror: that is after the decision.
fn fail_syncs_after_the_decision(world: &MemoryWorld, mirror: &str) -> Trace {
    let trace = Trace::default();
    let (noted, place) = (Arc::clone(&trace), format!("/{mirror}/").into_bytes());
    let hook: FaultHook = Arc::new(move |operation| {
        let mut noted = noted.lock().expect("not poisoned");
        noted.push(operation.clone());
        let comes = |to: &Vec<u8>| to.windows(place.len()).any(|part| part == place);
        let is_decided = noted.iter().any(|earlier| earlier.to.as_ref().is_some_and(comes));
        let is_sync = matches!(operation.kind, OperationKind::Sync | OperationKind::SyncFilesystem);
        (is_sync && is_decided).then(|| io::Error::from_raw_os_error(5))
    });
    world.fs.set_fault_hook(Some(hook));
    trace
}

/// From now on all goes well; what is done is noted.
fn note(world: &MemoryWorld) -> Trace {
    let trace = Trace::default();
    let noted = Arc::clone(&trace);
    let hook: FaultHook = Arc::new(move |operation| {
        noted.lock().expect("not poisoned").push(operation.clone());
        None
    });
    world.fs.set_fault_hook(Some(hook));
    trace
}

fn count(trace: &Trace, kind: OperationKind) -> usize {
    trace.lock().expect("not poisoned").iter().filter(|operation| operation.kind == kind).count()
}

/// A batch of so many files whose sync after the decision fails, and is tried again.
fn try_it(files: usize, fails: OperationKind) {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let base = peer.deliver(&[create("d", directory())]);
    let batch: Vec<Change> =
        (0..files).map(|n| create(&format!("d/f{n}"), peer.file(format!("content {n}")))).collect();
    let plans = peer.plans(&batch);
    let missing = peer.open(&batch, plans.clone());
    peer.fill_missing(base, &batch, &plans, &missing);
    let trace = fail_syncs_after_the_decision(&world, peer.mirror.as_str());
    for _ in 0..2 {
        let problem = peer.commit_on(base, &batch).expect_err("not durable");
        assert_eq!(problem.code, ProblemCode::RedoPending, "{problem}");
    }
    let contact = Contact { mirror: peer.mirror.clone(), lineage: peer.lineage, head: base };
    let told = store.contact(&peer.client, &contact).map_err(|problem| problem.code);
    assert_eq!(told, Err(ProblemCode::RedoPending), "nobody takes the head for an acknowledgement");
    assert!(count(&trace, fails) > 0, "{fails:?} failed");

    let again = note(&world);
    let committed = peer.commit_on(base, &batch);
    assert!(matches!(committed, Ok(Committed::Durable { .. })), "{committed:?}");
    assert_eq!(count(&again, OperationKind::Sync), 0, "no sync is made again");
    let again = again.lock().expect("not poisoned");
    let settled = again.iter().position(|done| done.kind == OperationKind::SetOwnMtime && done.path.ends_with(b"/d"));
    let synced = again.iter().position(|done| done.kind == OperationKind::SyncFilesystem);
    assert!(settled.expect("the steps are done again") < synced.expect("and all is made durable"));
    drop(again);
    assert_eq!(peer.read(2, "d/f0").expect("is there"), b"content 0");
}

#[test]
fn a_directory_whose_sync_failed_after_the_decision_is_not_synced_again_but_written_again() {
    try_it(3, OperationKind::Sync);
}

#[test]
fn a_file_system_whose_sync_failed_after_the_decision_is_written_to_again_first() {
    try_it(60, OperationKind::SyncFilesystem);
}

/// Two mirrors with a batch each, of which the first is committed while something fails: what the second had sent is
/// asked for again.
fn others_staged_is_lost(files: usize, fail: impl FnOnce(&MemoryWorld, &Peer<'_>)) {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let mut other = Peer { mirror: MirrorName::parse(b"other").expect("a valid name"), ..Peer::stranger(&store) };
    store.claim(&other.client, &other.claim("/other", None)).expect("a mirror of its own");
    let ours: Vec<Change> = (0..files).map(|n| create(&format!("f{n}"), peer.file(format!("ours {n}")))).collect();
    let theirs = [create("g", other.file("theirs"))];
    for (peer, batch) in [(&peer, &ours[..]), (&other, &theirs)] {
        fill_all(peer, batch);
    }
    fail(&world, &peer);
    assert!(peer.commit_on(Head::genesis(), &ours).is_err());
    world.fs.set_fault_hook(None);
    let committed = other.commit_on(Head::genesis(), &theirs);
    assert!(matches!(committed, Ok(Committed::Incomplete { .. })), "must be sent again: {committed:?}");
    for (peer, batch) in [(&peer, &ours[..]), (&other, &theirs)] {
        fill_all(peer, batch);
        assert!(matches!(peer.commit_on(Head::genesis(), batch), Ok(Committed::Durable { .. })));
    }
}

/// Sends what a batch still needs.
fn fill_all(peer: &Peer<'_>, batch: &[Change]) {
    let plans = peer.plans(batch);
    if let Ok(Proposed::Open { missing, .. }) = peer.propose_on(Head::genesis(), batch) {
        peer.fill_missing(Head::genesis(), batch, &plans, &missing);
    }
}

#[test]
fn what_others_had_staged_when_a_sync_failed_after_the_decision_is_not_believed() {
    others_staged_is_lost(1, |world, peer| {
        fail_syncs_after_the_decision(world, peer.mirror.as_str());
    });
}

fn fail_each(world: &MemoryWorld, kind: OperationKind, end: &'static [u8]) {
    let hook: FaultHook = Arc::new(move |operation| {
        let is_it = operation.kind == kind && operation.path.ends_with(end);
        is_it.then(|| io::Error::from_raw_os_error(5))
    });
    world.fs.set_fault_hook(Some(hook));
}

#[test]
fn what_others_had_staged_when_the_file_system_could_not_be_synced_is_not_believed() {
    others_staged_is_lost(40, |world, _| fail_each(world, OperationKind::SyncFilesystem, b""));
}

#[test]
fn files_whose_names_could_not_be_made_durable_are_not_believed() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let batch = [create("f", peer.file("content"))];
    fill_all(&peer, &batch);
    fail_each(&world, OperationKind::Sync, b"/.roundsman/staging");
    assert!(peer.commit_on(Head::genesis(), &batch).is_err());
    world.fs.set_fault_hook(None);
    let again = peer.commit_on(Head::genesis(), &batch);
    assert!(matches!(again, Ok(Committed::Incomplete { .. })), "must be sent again: {again:?}");
}

#[test]
fn a_decided_revision_is_finished_at_the_start_before_anybody_asks() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let batch = [create("f", peer.file("content"))];
    fill_all(&peer, &batch);
    fail_each(&world, OperationKind::Rename, b"");
    let problem = peer.commit_on(Head::genesis(), &batch).expect_err("it cannot come to its place");
    assert_eq!(problem.code, ProblemCode::RedoPending);
    world.fs.set_fault_hook(None);
    drop(peer);
    let store = world.open();
    let peer = Peer::stranger(&store);
    store.known(&peer.client).expect("opens").expect("is there");
    assert_is(&world.root(&peer), &Tree::new().apply(&batch).expect("a good batch"));
}
