//! What outlives the process: staged literals, catalogs, whole data directories copied elsewhere.

use protocol::wire::{Committed, Missing};
use protocol::{ByteRange, Head, Piece, ProblemCode};

use super::world::{DiskWorld, MemoryWorld, assert_is};
use crate::store::Store;
use crate::store::conformance::peer::{Peer, code, create, delete, directory, link, modify, moved};
use crate::tree_store::{Catalogs, TreeStore};

#[test]
fn what_arrived_before_a_restart_is_not_asked_for_again() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let changes = [create("part", peer.file("0123456789")), create("whole", peer.file("whole"))];
    let plans = peer.plans(&changes);
    let known = peer.contents.clone();
    peer.open(&changes, plans.clone());
    let index_of = |length: u64| plans.iter().position(|plan| plan.length == length).expect("is planned");
    let part = u32::try_from(index_of(10)).expect("small");
    let piece = |index, offset, length| Piece { index, offset, length };
    peer.fill(Head::genesis(), &changes, &[(piece(part, 2, 3), b"234"), (piece(1 - part, 0, 5), b"whole")])
        .expect("taken");
    drop(peer);
    let store = world.open();
    let mut peer = Peer::stranger(&store);
    peer.contents = known;
    let missing = peer.open(&changes, plans.clone());
    let rest = vec![ByteRange { offset: 0, length: 2 }, ByteRange { offset: 5, length: 5 }];
    assert_eq!(missing, [Missing { index: part, ranges: rest }]);
    peer.fill_missing(Head::genesis(), &changes, &plans, &missing);
    assert!(matches!(peer.commit_on(Head::genesis(), &changes), Ok(Committed::Durable { .. })));
    assert_eq!(peer.read(1, "part").expect("is there"), b"0123456789");
}

#[test]
fn staged_bytes_that_were_lost_or_changed_are_asked_for_again() {
    let world = DiskWorld::new();
    let changes;
    {
        let store = world.open();
        let mut peer = Peer::new(&store);
        changes = [create("whole", peer.file("whole"))];
        peer.open(&changes, peer.plans(&changes));
        peer.fill(Head::genesis(), &changes, &[(Piece { index: 0, offset: 0, length: 5 }, b"whole")]).expect("taken");
    }
    let staging = world.path().join("laptop/.roundsman/staging");
    for staged in std::fs::read_dir(&staging).expect("our own directory") {
        std::fs::write(staged.expect("listed").path(), b"\0\0\0\0\0").expect("as a power cut may leave it");
    }
    let store = world.open();
    let peer = Peer::stranger(&store);
    assert_eq!(peer.open(&changes, peer.plans(&changes)).len(), 1);
}

#[test]
fn staged_leftovers_expire() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let changes = [create("f", peer.file("0123456789"))];
    peer.open(&changes, peer.plans(&changes));
    peer.fill(Head::genesis(), &changes, &[(Piece { index: 0, offset: 0, length: 1 }, b"0")]).expect("taken");
    drop(world.open());
    assert_eq!(world.own(&peer, "staging").len(), 2);
    world.clock.advance(protocol::limits::STAGED_EXPIRY + std::time::Duration::from_secs(1));
    drop(world.open());
    assert_eq!(world.own(&peer, "staging"), []);
}

#[test]
fn staged_leftovers_expire_while_the_store_runs() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let changes = [create("f", peer.file("0123456789"))];
    peer.open(&changes, peer.plans(&changes));
    peer.fill(Head::genesis(), &changes, &[(Piece { index: 0, offset: 0, length: 1 }, b"0")]).expect("taken");
    world.clock.advance(protocol::limits::STAGED_EXPIRY / 2);
    peer.open(&changes, peer.plans(&changes));
    assert_eq!(world.own(&peer, "staging").len(), 2);
    world.clock.advance(protocol::limits::STAGED_EXPIRY);
    let missing = peer.open(&changes, peer.plans(&changes));
    assert_eq!(missing, [Missing { index: 0, ranges: vec![ByteRange { offset: 0, length: 10 }] }]);
    assert_eq!(world.own(&peer, "staging"), []);
}

#[test]
fn proposals_do_not_outlive_the_process_but_heads_do() {
    let world = DiskWorld::new();
    let first = [create("a", directory())];
    let second = [create("b", directory())];
    let head = {
        let store = world.open();
        let peer = Peer::new(&store);
        let head = peer.deliver(&first);
        peer.propose_on(head, &second).expect("opens");
        head
    };
    let store = world.open();
    let peer = Peer::stranger(&store);
    assert_eq!(peer.head(), head);
    assert_eq!(code(peer.commit_on(head, &second)), ProblemCode::UnknownProposal);
    assert!(matches!(peer.commit_on(Head::genesis(), &first), Ok(Committed::Durable { .. })));
    peer.deliver(&second);
}

/// Copies a tree with its times, as `cp -a` does: every inode is another.
fn copy_tree(from: &std::path::Path, to: &std::path::Path) {
    let status = std::process::Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status();
    assert!(status.expect("cp is there").success());
}

#[test]
fn a_copy_of_a_data_directory_is_a_complete_backup() {
    let world = DiskWorld::new();
    let mut tree = protocol::Tree::new();
    let mut known = std::collections::BTreeMap::new();
    {
        let store = world.open();
        let mut peer = Peer::new(&store);
        let batches = [
            vec![
                create("d", directory()),
                create("d/f", peer.file("one")),
                create("d/l", link("t")),
                create("g", peer.file("two")),
            ],
            vec![modify("d/f", peer.file("three")), delete("g")],
        ];
        for batch in &batches {
            tree = tree.apply(batch).expect("a good batch");
            peer.deliver(batch);
        }
        known.extend(peer.contents);
    }
    let backup = DiskWorld::new();
    copy_tree(world.path(), backup.path());
    drop(world);
    let store = backup.open();
    let mut peer = Peer::stranger(&store);
    peer.contents = known;
    assert_eq!(peer.read(1, "d/f").expect("kept"), b"one");
    assert_eq!(peer.read(1, "g").expect("kept"), b"two");
    let batch = [moved("d", "e", directory()), modify("e/f", peer.file("two")), moved("d/l", "l", link("t"))];
    peer.deliver(&batch);
    assert_is(&backup.root(&peer), &tree.apply(&batch).expect("a good batch"));
    assert_eq!(peer.read(2, "d/f").expect("kept"), b"three");
}

#[test]
fn a_damaged_or_newer_catalog_is_named_and_other_clients_are_served() {
    let world = DiskWorld::new();
    drop(Peer::new(&world.open()));
    let catalog = world.path().join("laptop/.roundsman/catalog.db");
    let newer = rusqlite::Connection::open(&catalog).expect("a database");
    newer.execute("UPDATE refinery_schema_history SET version = version + 97", []).expect("has a history");
    drop(newer);
    let store: TreeStore = world.open();
    let mut peer = Peer::stranger(&store);
    let request = protocol::wire::Contact { mirror: peer.mirror.clone(), lineage: peer.lineage, head: Head::genesis() };
    let problem = store.contact(&peer.client, &request).expect_err("must be refused");
    assert!(problem.detail.contains("newer"), "{problem}");
    std::fs::write(&catalog, b"this is no database, and long enough to tell").expect("our own file");
    assert_eq!(code(store.contact(&peer.client, &request)), ProblemCode::Damaged);
    peer.client = protocol::ClientName::parse("other").expect("a valid name");
    store.claim(&peer.client, &peer.claim("/source", None)).expect("another client");
}

#[test]
fn a_data_directory_that_is_not_there_is_named() {
    let nowhere = std::path::Path::new("/nowhere/at/all");
    let clock = std::sync::Arc::new(seams::clock::SystemClock::new());
    let error = TreeStore::open(&seams::disk::Disk, nowhere, super::world::ID, Catalogs::OnDisk, clock);
    assert!(error.expect_err("is not there").to_string().contains("/nowhere/at/all"));
}
