//! Who waits for whom: repeated commits for the first, nobody else for anybody.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use protocol::wire::{Committed, Proposed};
use protocol::{Change, ClientName, Head, MirrorName};
use seams::memory::{FaultHook, OperationKind};

use super::world::MemoryWorld;
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, directory};

/// Whoever is not through by then waits for somebody.
const PATIENCE: Duration = Duration::from_secs(20);

/// Holds the first operation of a kind on a path with this part, until it is released.
fn hold_first(world: &MemoryWorld, kind: OperationKind, part: String) -> (Receiver<()>, Sender<()>) {
    let (reached, has_reached) = channel();
    let (release, released) = channel();
    let gate = Mutex::new(Some((reached, released)));
    let hook: FaultHook = Arc::new(move |operation| {
        let path = String::from_utf8_lossy(&operation.path).into_owned();
        if operation.kind == kind && path.contains(&part) {
            let taken = gate.lock().expect("not poisoned").take();
            if let Some((reached, released)) = taken {
                reached.send(()).expect("somebody waits");
                released.recv().expect("somebody releases");
            }
        }
        None
    });
    world.fs.set_fault_hook(Some(hook));
    (has_reached, release)
}

/// Holds the first sync of one client.
fn hold_first_sync(world: &MemoryWorld, client: &'static str) -> (Receiver<()>, Sender<()>) {
    hold_first(world, OperationKind::Sync, format!("/{client}/"))
}

#[test]
fn a_commit_in_flight_makes_only_its_own_repetition_wait() {
    let world = MemoryWorld::new(&["laptop", "other"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let mut other = Peer::stranger(&store);
    other.client = ClientName::parse("other").expect("a valid name");
    store.claim(&other.client, &other.claim("/other", None)).expect("a mirror of its own");
    let first = [create("f", peer.file("first"))];
    let ahead: [Change; 1] = [create("g", peer.file("ahead"))];
    let between = Head::genesis().after(&first);
    let plans = peer.plans(&first);
    let missing = peer.open(&first, plans.clone());
    peer.fill_missing(Head::genesis(), &first, &plans, &missing);
    let (reached, release) = hold_first_sync(&world, "laptop");
    thread::scope(|scope| {
        let commit = scope.spawn(|| peer.commit_on(Head::genesis(), &first));
        reached.recv().expect("the commit gets there");
        let repeated = scope.spawn(|| peer.commit_on(Head::genesis(), &first));
        other.deliver(&[create("d", directory())]);
        let Ok(Proposed::Open { missing, .. }) = peer.propose_on(between, &ahead) else { panic!("runs ahead") };
        peer.fill_missing(between, &ahead, &peer.plans(&ahead), &missing);
        assert_eq!(peer.head(), Head::genesis(), "reads go on, and see nothing of it yet");
        assert!(!repeated.is_finished());
        release.send(()).expect("the commit waits");
        for commit in [commit, repeated] {
            let committed = commit.join().expect("does not panic");
            assert!(matches!(committed, Ok(Committed::Durable { head, .. }) if head == between), "{committed:?}");
        }
    });
    assert!(matches!(peer.commit_on(between, &ahead), Ok(Committed::Durable { .. })));
    assert_eq!(peer.read(2, "g").expect("is there"), b"ahead");
}

/// Holds the first write to what one client is sent, until it is released.
fn hold_first_write(world: &MemoryWorld, client: &'static str) -> (Receiver<()>, Sender<()>) {
    hold_first(world, OperationKind::Write, format!("/{client}/.roundsman/staging/"))
}

#[test]
fn no_commit_waits_for_an_upload_of_another_client_or_to_another_mirror() {
    let world = MemoryWorld::new(&["laptop", "other"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let (mut other, mut second) = (Peer::stranger(&store), Peer::stranger(&store));
    other.client = ClientName::parse("other").expect("a valid name");
    second.mirror = MirrorName::parse(b"second").expect("a valid name");
    for peer in [&other, &second] {
        store.claim(&peer.client, &peer.claim("/other", None)).expect("a mirror of its own");
    }
    let large = [create("large", peer.file(vec![1; 3_000_000]))];
    let plans = peer.plans(&large);
    let missing = peer.open(&large, plans.clone());
    let (reached, release) = hold_first_write(&world, "laptop");
    thread::scope(|scope| {
        let upload = scope.spawn(|| peer.fill_missing(Head::genesis(), &large, &plans, &missing));
        reached.recv().expect("the upload gets there");
        let (delivered, are_delivered) = channel();
        scope.spawn(move || {
            for mut neighbour in [other, second] {
                let file = neighbour.file("small");
                let head = neighbour.deliver(&[create("f", file)]);
                assert_eq!(neighbour.read(head.number, "f").expect("acknowledged"), b"small");
            }
            delivered.send(()).expect("somebody waits");
        });
        let in_time = are_delivered.recv_timeout(PATIENCE);
        let is_under_way = !upload.is_finished();
        release.send(()).expect("the upload waits");
        assert!(is_under_way && in_time.is_ok(), "the others waited for the upload");
    });
    assert!(matches!(peer.commit_on(Head::genesis(), &large), Ok(Committed::Durable { .. })));
}
