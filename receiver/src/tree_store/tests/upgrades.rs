//! Catalogs of released schemas: each fixture is the catalog of a client that an earlier version left.

use protocol::{Head, MirrorName};
use rusqlite::Connection;

use super::world::DiskWorld;
use crate::store::conformance::peer::{Peer, delete, path};

const V1: &str = include_str!("../../../fixtures/catalog_V1.sql");

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
