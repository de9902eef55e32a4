//! Catalogs of released schemas: each fixture is the catalog of a client that an earlier version left.

use std::time::Duration;

use protocol::wire::CheckVerdict;
use protocol::{Head, MirrorName};
use rusqlite::Connection;

use super::mending_peer::{found, wanted};
use super::world::{DiskWorld, present};
use crate::retention::{Keeping, Retention, Retentions};
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, modify, path};
use crate::tree_store::TreeStore;

const V1: &str = include_str!("../../../fixtures/catalog_V1.sql");
const V3: &str = include_str!("../../../fixtures/catalog_V3.sql");
const V4: &str = include_str!("../../../fixtures/catalog_V4.sql");

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A data directory with this catalog, and without the files that it tells of.
fn left_by(catalog: &str) -> DiskWorld {
    let world = DiskWorld::new();
    let own = world.path().join("laptop/.roundsman");
    std::fs::create_dir_all(&own).expect("a place for the catalog");
    let connection = Connection::open(own.join("catalog.db")).expect("a new database");
    connection.execute_batch(catalog).expect("the fixture is well");
    world
}

fn counts(peer: &Peer<'_>) -> (u64, u64) {
    let reply = peer.contact_at(Head::genesis());
    (reply.ended_files, reply.files)
}

#[test]
fn a_catalog_of_schema_1_knows_its_tree_its_files_and_nothing_that_ended() {
    let world = left_by(V1);
    let store = world.open();
    let mut peer = Peer::stranger(&store);
    assert_eq!(peer.head().number, 3);
    let names = ["e", "e/f", "kept", "l"].map(path);
    assert!(peer.tree_at(3).iter().map(|(path, _)| path).eq(&names));
    assert_eq!(counts(&peer), (0, 2), "rows below a deleted directory are open and count for nothing");
    peer.mirror = MirrorName::parse(b"empty").expect("a valid name");
    assert_eq!(counts(&peer), (0, 0));
}

#[test]
fn a_catalog_of_schema_1_counts_from_its_upgrade_on_and_over_restarts() {
    let world = left_by(V1);
    {
        let store = world.open();
        let peer = Peer::stranger(&store);
        peer.deliver(&[delete("e")]);
        assert_eq!(counts(&peer), (1, 1));
    }
    let store = world.open();
    assert_eq!(counts(&Peer::stranger(&store)), (1, 1));
}

/// What all versions take, as the catalog counts it.
fn takes(store: &TreeStore, peer: &Peer<'_>, bytes: u64) -> bool {
    let client = store.known(&peer.client).expect("can be opened").expect("is there");
    client.catalog().count(&format!("history WHERE bytes = {bytes}")) == 1
}

#[test]
fn a_catalog_of_schema_3_knows_what_its_history_takes_and_its_tree_works_on() {
    let world = left_by(V3);
    {
        let store = world.open();
        let mut peer = Peer::stranger(&store);
        assert!(takes(&store, &peer, 3 + 1 + 7), "a deleted directory's files, a file, and something foreign");
        assert_eq!(counts(&peer), (0, 2));
        let [five, two] = ["12345", "12"].map(|text| peer.file(text));
        peer.deliver(&[create("new", five)]);
        peer.deliver(&[modify("new", two), delete("e")]);
        assert!(takes(&store, &peer, 3 + 1 + 7 + 5));
    }
    let store = world.open();
    let peer = Peer::stranger(&store);
    assert!(takes(&store, &peer, 3 + 1 + 7 + 5));
    assert_eq!(peer.tree_at(3).iter().count(), 4);
    assert_eq!(peer.tree_at(5).iter().count(), 3);
    assert_eq!(peer.read(4, "new").expect("kept"), b"12345");
}

#[test]
fn a_catalog_of_schema_4_learns_what_is_damaged_and_has_it_put_right() {
    let world = left_by(V4);
    let store = world.open();
    let mut peer = Peer::stranger(&store);
    assert_eq!(wanted(&peer), [], "nobody knew yet where damage is");
    // None of its files are there.
    let missing = [("e", CheckVerdict::Missing), ("e/f", CheckVerdict::Missing), ("kept", CheckVerdict::Missing)];
    let all = found(&peer);
    assert!(missing.iter().all(|(path, what)| all.contains(&((*path).to_owned(), *what))), "{all:?}");
    let kept = peer.tree_at(3).get(&path("kept")).and_then(protocol::Entry::content).expect("a file").0;
    assert_eq!(wanted(&peer).len(), 2);
    assert!(wanted(&peer).contains(&kept));
    let file = peer.file("anew");
    peer.deliver(&[modify("kept", file)]);
    assert_eq!(wanted(&peer).len(), 1);
    assert_eq!(peer.read(4, "kept").expect("is there"), b"anew");
}

#[test]
fn what_a_catalog_of_schema_4_found_due_goes_when_it_is_due_again() {
    let world = left_by(V4);
    let clock = present();
    let history = Some(Retentions { usual: Retention { keep: Some(HOUR), keep_size: None }, ..Retentions::default() });
    let keeping = Keeping { history, ..Keeping::default() };
    let store = world.open_at(clock.clone()).keeping(keeping, Duration::ZERO);
    let peer = Peer::stranger(&store);
    for _ in 0..3 {
        clock.advance(HOUR * 25);
        store.keep_up(&|| true);
    }
    assert!(takes(&store, &peer, 0), "what is older than an hour is gone");
    assert_eq!(peer.tree_at(3).iter().count(), 4, "the head stays");
}
