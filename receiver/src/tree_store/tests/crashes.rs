//! Every operation of a commit fails once, alone or with all that follow; whatever happens, the next one converges.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use protocol::wire::{Committed, Contact, Proposed};
use protocol::{Change, Head, ProblemCode, RelPath, Tree};
use seams::memory::{FaultHook, OperationKind};

use super::world::{MemoryWorld, assert_is};
use crate::store::Store;
use crate::store::conformance::peer::{
    Peer, create, delete, directory, lineage, link, metadata, modify, moved, path, replace,
};
use crate::tree_store::{Catalogs, TreeStore};

pub(super) const EIO: i32 = 5;
/// EIO, EACCES, ENOSPC: what each operation fails with, one after the other.
pub(super) const ERRORS: [i32; 3] = [EIO, 13, 28];

/// What fails.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// Only the n-th operation.
    Once(u64),
    /// It and all that follow: the process is dead.
    FromThenOn(u64),
}

/// Counts operations, and fails some with EIO. The count tells whether the fault was reached.
pub(super) fn fail(world: &MemoryWorld, fault: Fault) -> Arc<AtomicU64> {
    fail_with(world, fault, EIO)
}

/// The same with any error.
pub(super) fn fail_with(world: &MemoryWorld, fault: Fault, errno: i32) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let hook: FaultHook = Arc::new(move |_| {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        let fails = match fault {
            Fault::Once(n) => number == n,
            Fault::FromThenOn(n) => number >= n,
        };
        fails.then(|| io::Error::from_raw_os_error(errno))
    });
    world.fs.set_fault_hook(Some(hook));
    count
}

fn contents(peer: &mut Peer<'_>) {
    for content in ["one", "two", "three", "four"] {
        peer.knows(content);
    }
}

/// A mirror with a bit of everything.
fn first_batch(peer: &mut Peer<'_>) -> Vec<Change> {
    contents(peer);
    let file = |content: &str| crate::store::conformance::peer::file(content);
    vec![
        create("a", file("one")),
        create("b", file("two")),
        create("x", directory()),
        create("x/y", directory()),
        create("x/y/f", file("one")),
        create("x/l", link("target")),
        create("p", directory()),
        create("p/f", file("three")),
        create("q", directory()),
        create("q/g", file("two")),
    ]
}

/// A batch in which everything happens that can.
fn knotty_batch() -> Vec<Change> {
    let file = |content: &str| crate::store::conformance::peer::file(content);
    vec![
        moved("a", "b", file("one")),
        moved("b", "a", file("two")),
        moved("x/y", "y", directory()),
        moved("x", "y/x", directory()),
        modify("y/f", file("four")),
        modify("y/x/l", link("elsewhere")),
        delete("p"),
        moved("p/f", "p", file("three")),
        replace("q", file("four")),
        create("new", directory()),
        create("new/deep", directory()),
        create("new/deep/f", file("three")),
        moved("q/g", "new/g", file("four")),
        Change::Metadata { path: RelPath::root(), metadata: metadata(3) },
    ]
}

/// Tries to deliver; answers nothing if a problem came in between.
pub(super) fn try_deliver(peer: &Peer<'_>, base: Head, changes: &[Change]) -> Option<Head> {
    let plans = peer.plans(changes);
    let missing = match peer.propose_on(base, changes).ok()? {
        Proposed::Open { missing, .. } => missing,
        Proposed::Done { head } => return Some(head),
        Proposed::Refused { refused } => panic!("{refused:?}"),
    };
    for missing in missing {
        let index = usize::try_from(missing.index).expect("small");
        let bytes = &peer.contents[&plans[index].content];
        let piece = protocol::Piece { index: missing.index, offset: 0, length: bytes.len() as u64 };
        peer.fill(base, changes, &[(piece, bytes)]).ok()?;
    }
    match peer.commit_on(base, changes).ok()? {
        Committed::Durable { head, .. } => Some(head),
        other => panic!("{other:?}"),
    }
}

/// Sets up a mirror, lets the fault happen in the second batch, opens anew if the process died, and converges.
/// False if the fault lies past the end.
fn survives(fault: Fault, errno: i32) -> bool {
    let world = MemoryWorld::new(&["laptop"]);
    let mut store = world.open();
    let mut peer = Peer::new(&store);
    let first = first_batch(&mut peer);
    let known = peer.contents.clone();
    let base = peer.deliver(&first);
    let old = Tree::new().apply(&first).expect("a good batch");
    let second = knotty_batch();
    let new = old.apply(&second).expect("a good batch");

    let count = fail_with(&world, fault, errno);
    let delivered = try_deliver(&peer, base, &second);
    world.fs.set_fault_hook(None);
    let (n, has_died) = match fault {
        Fault::Once(n) => (n, false),
        Fault::FromThenOn(n) => (n, true),
    };
    if count.load(Ordering::Relaxed) <= n {
        assert_eq!(delivered, Some(base.after(&second)));
        return false;
    }
    if has_died {
        drop(peer);
        store = world.open();
    }
    let mut peer = Peer::stranger(&store);
    peer.contents = known;
    converges(&world, &peer, (&old, &new), &second, base);
    true
}

/// Nothing acknowledged is lost, nothing is torn, and trying again is enough.
fn converges(world: &MemoryWorld, peer: &Peer<'_>, trees: (&Tree, &Tree), second: &[Change], base: Head) {
    let head = peer.head();
    assert!(head == base || head == base.after(second), "a batch as a whole or not at all");
    assert_eq!(&peer.tree_at(head.number), if head == base { trees.0 } else { trees.1 });
    if head == base {
        assert_is(&world.root(peer), trees.0);
    }
    assert_eq!(try_deliver(peer, base, second), Some(base.after(second)));
    // A commit that is durable already finishes what is left of it on disk.
    assert!(matches!(peer.commit_on(base, second), Ok(Committed::Durable { .. })));
    assert_is(&world.root(peer), trees.1);
    assert_eq!(peer.read(1, "p/f").expect("kept"), b"three");
    assert_eq!(peer.read(1, "q/g").expect("kept"), b"two");
    assert_eq!(peer.read(2, "y/f").expect("is there"), b"four");
    assert_eq!(world.own(peer, "parking"), []);
    let reopened = world.open();
    assert!(reopened.contact(&peer.client, &contact(peer)).is_ok());
    assert_eq!(world.own(peer, "staging"), [], "nothing is left over after a restart");
}

fn contact(peer: &Peer<'_>) -> protocol::wire::Contact {
    protocol::wire::Contact { mirror: peer.mirror.clone(), lineage: peer.lineage, head: Head::genesis() }
}

#[test]
fn an_error_at_any_operation_of_a_commit_harms_nothing() {
    for errno in ERRORS {
        let last = (0..).find(|n| !survives(Fault::Once(*n), errno)).expect("the batch ends");
        assert!(last > 100, "only {last} operations were tried");
    }
}

#[test]
fn dying_at_any_operation_of_a_commit_harms_nothing() {
    let last = (0..).find(|n| !survives(Fault::FromThenOn(*n), EIO)).expect("the batch ends");
    assert!(last > 100, "only {last} operations were tried");
}

#[test]
fn dying_again_while_steps_are_redone_harms_nothing() {
    let mut died_twice = 0;
    for (n, m) in (20..400).step_by(9).flat_map(|n| (0..40).step_by(7).map(move |m| (n, m))) {
        let world = MemoryWorld::new(&["laptop"]);
        let store = world.open();
        let mut peer = Peer::new(&store);
        let first = first_batch(&mut peer);
        let known = peer.contents.clone();
        let base = peer.deliver(&first);
        let old = Tree::new().apply(&first).expect("a good batch");
        let second = knotty_batch();
        let new = old.apply(&second).expect("a good batch");
        fail(&world, Fault::FromThenOn(n));
        try_deliver(&peer, base, &second);
        world.fs.set_fault_hook(None);
        fail(&world, Fault::FromThenOn(m));
        let clock: Arc<dyn seams::clock::Clock> = world.clock.clone();
        let reopened = TreeStore::open(&world.fs, &world.path(), super::world::ID, Catalogs::OnDisk, clock);
        died_twice += u32::from(reopened.is_err());
        world.fs.set_fault_hook(None);
        drop(reopened);
        let store = world.open();
        let mut peer = Peer::stranger(&store);
        peer.contents = known;
        converges(&world, &peer, (&old, &new), &second, base);
    }
    assert!(died_twice > 50, "{died_twice}");
}

#[test]
fn a_directory_whose_rights_somebody_took_away_gets_them_back() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    peer.deliver(&[create("d", directory())]);
    let is_allowed = Arc::new(AtomicU64::new(0));
    let hook: FaultHook = Arc::new(move |operation| {
        if operation.kind == OperationKind::SetOwnMode && operation.path.ends_with(b"/d") {
            is_allowed.store(1, Ordering::Relaxed);
        }
        let into_d =
            operation.kind == OperationKind::Rename && operation.to.as_deref().is_some_and(|to| to.ends_with(b"/d/f"));
        (into_d && is_allowed.load(Ordering::Relaxed) == 0).then(|| io::Error::from_raw_os_error(13))
    });
    world.fs.set_fault_hook(Some(hook));
    let changes = [create("d/f", peer.file("one"))];
    let head = peer.deliver(&changes);
    assert_eq!(peer.read(head.number, "d/f").expect("is there"), b"one");
}

fn fail_renames_to(world: &MemoryWorld, end: &'static [u8]) {
    let hook: FaultHook = Arc::new(move |operation| {
        let is_it =
            operation.kind == OperationKind::Rename && operation.to.as_deref().is_some_and(|to| to.ends_with(end));
        is_it.then(|| io::Error::from_raw_os_error(5))
    });
    world.fs.set_fault_hook(Some(hook));
}

#[test]
fn a_step_that_cannot_be_done_leaves_the_mirror_redo_pending_and_others_alone() {
    let world = MemoryWorld::new(&["laptop"]);
    let store: TreeStore = world.open();
    let mut peer = Peer::new(&store);
    let mut other = Peer::stranger(&store);
    other.mirror = protocol::MirrorName::parse(b"other").expect("a valid name");
    store.claim(&other.client, &other.claim("/other", None)).expect("a mirror of its own");
    let changes = [create("kept", peer.file("kept")), create("stuck", peer.file("stuck"))];
    fail_renames_to(&world, b"/stuck");
    assert_eq!(try_deliver(&peer, Head::genesis(), &changes), None);
    let again = peer.commit_on(Head::genesis(), &changes).expect_err("still stuck");
    assert_eq!(again.code, ProblemCode::RedoPending);
    assert!(!again.detail.contains(&*world.path().to_string_lossy()), "{again}");
    assert_eq!(peer.read(1, "kept").expect("reads go on"), b"kept");
    other.deliver(&[create("d", directory())]);
    world.fs.set_fault_hook(None);
    assert!(matches!(peer.commit_on(Head::genesis(), &changes), Ok(Committed::Durable { .. })));
    assert_eq!(peer.read(1, "stuck").expect("is there now"), b"stuck");
}

#[test]
fn a_failed_sync_throws_away_what_was_staged() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let many: Vec<Change> = (0..40).map(|n| create(&format!("f{n}"), peer.file(format!("content {n}")))).collect();
    let plans = peer.plans(&many);
    let missing = peer.open(&many, plans.clone());
    peer.fill_missing(Head::genesis(), &many, &plans, &missing);
    let hook: FaultHook = Arc::new(|operation| {
        (operation.kind == OperationKind::SyncFilesystem).then(|| io::Error::from_raw_os_error(5))
    });
    world.fs.set_fault_hook(Some(hook));
    assert!(peer.commit_on(Head::genesis(), &many).is_err());
    world.fs.set_fault_hook(None);
    assert_eq!(peer.head(), Head::genesis());
    let Ok(Committed::Incomplete { missing, .. }) = peer.commit_on(Head::genesis(), &many) else {
        panic!("must refill")
    };
    assert_eq!(missing.len(), 40);
    peer.fill_missing(Head::genesis(), &many, &plans, &missing);
    assert!(matches!(peer.commit_on(Head::genesis(), &many), Ok(Committed::Durable { .. })));
}

#[test]
fn a_file_whose_own_sync_failed_is_never_believed_again() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let few: Vec<Change> = (0..3).map(|n| create(&format!("f{n}"), peer.file(format!("content {n}")))).collect();
    let plans = peer.plans(&few);
    let missing = peer.open(&few, plans.clone());
    peer.fill_missing(Head::genesis(), &few, &plans, &missing);
    let hook: FaultHook =
        Arc::new(|operation| (operation.kind == OperationKind::Sync).then(|| io::Error::from_raw_os_error(5)));
    world.fs.set_fault_hook(Some(hook));
    assert!(peer.commit_on(Head::genesis(), &few).is_err());
    world.fs.set_fault_hook(None);
    let Ok(Committed::Incomplete { missing, .. }) = peer.commit_on(Head::genesis(), &few) else {
        panic!("must refill")
    };
    assert!(!missing.is_empty());
    peer.fill_missing(Head::genesis(), &few, &plans, &missing);
    assert!(matches!(peer.commit_on(Head::genesis(), &few), Ok(Committed::Durable { .. })));
}

#[test]
fn a_decided_revision_is_finished_before_its_head_is_told() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let batch = [create("f", peer.file("content"))];
    let plans = peer.plans(&batch);
    let missing = peer.open(&batch, plans.clone());
    peer.fill_missing(Head::genesis(), &batch, &plans, &missing);
    let hook: FaultHook =
        Arc::new(|operation| (operation.kind == OperationKind::Rename).then(|| io::Error::from_raw_os_error(28)));
    world.fs.set_fault_hook(Some(hook));
    let problem = peer.commit_on(Head::genesis(), &batch).expect_err("no room for its name");
    assert_eq!(problem.code, ProblemCode::RedoPending);
    let contact = Contact { mirror: peer.mirror.clone(), lineage: lineage(1), head: Head::genesis() };
    let unanswered = peer.store.contact(&peer.client, &contact);
    assert_eq!(unanswered.map_err(|problem| problem.code), Err(ProblemCode::RedoPending));
    world.fs.set_fault_hook(None);
    assert_eq!(peer.head(), Head::genesis().after(&batch));
    assert_eq!(peer.read(1, "f").expect("is there"), b"content");
}

#[test]
fn a_change_of_metadata_alone_is_made_durable_before_the_answer() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let entry = peer.file("content");
    peer.deliver(&[create("f", entry.clone())]);
    let mut metadata = entry.metadata().clone();
    metadata.mode = 0o600;
    let synced = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&synced);
    let hook: FaultHook = Arc::new(move |operation| {
        seen.fetch_add(usize::from(operation.kind == OperationKind::SyncFilesystem), Ordering::SeqCst);
        None
    });
    world.fs.set_fault_hook(Some(hook));
    peer.deliver(&[Change::Metadata { path: path("f"), metadata }]);
    assert_eq!(synced.load(Ordering::SeqCst), 1, "syncing the directory would not be enough");
}
