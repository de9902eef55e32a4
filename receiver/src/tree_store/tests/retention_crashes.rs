//! Letting history go, broken off at every operation of the disk: nothing that is kept is harmed, and nothing is left.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::crashes::{EIO, ERRORS, Fault, fail_with};
use super::retention::{is_listed, keep_up, keeping};
use super::retention_histories::files_in_versions;
use super::world::MemoryWorld;
use crate::store::conformance::peer::{Peer, create, delete, directory, link, modify, moved};
use crate::tree_store::TreeStore;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A mirror whose revisions 2 to 4 are due, and with a directory that is kept only in part.
fn prepared(world: &MemoryWorld, store: &TreeStore) {
    let mut peer = Peer::new(store);
    let [f, g, h, x] = ["f", "g", "h", "x"].map(|content| peer.file(content));
    let first = [
        create("f", f.clone()),
        create("e", directory()),
        create("e/g", g),
        create("d", directory()),
        create("d/x", x.clone()),
    ];
    peer.deliver(&first);
    world.clock.advance(DAY * 2);
    peer.deliver(&[create("d/h", h.clone()), create("t", directory()), create("t/h", h), create("t/l", link("l"))]);
    peer.deliver(&[moved("f", "d/f", f), moved("e", "d/e", directory())]);
    peer.deliver(&[modify("d/h", x)]);
    peer.deliver(&[delete("d"), delete("t")]);
    world.clock.advance(DAY * 40);
    keep_up(store);
    world.clock.advance(DAY);
}

fn is_as_it_should_be(world: &MemoryWorld, store: &TreeStore) {
    let peer = Peer::stranger(store);
    assert_eq!([1, 2, 3, 4, 5].map(|revision| is_listed(&peer, revision)), [true, false, false, false, true]);
    for (path, content) in [("f", "f"), ("e/g", "g"), ("d/x", "x")] {
        assert_eq!(peer.read(1, path).expect("kept"), content.as_bytes());
    }
    assert_eq!(files_in_versions(world, &peer), ["f", "g", "x"].map(|content| content.as_bytes().to_vec()));
}

/// What revision 1 has can be read at any moment.
fn first_revision_is_whole(store: &TreeStore) {
    let peer = Peer::stranger(store);
    for (path, content) in [("f", "f"), ("e/g", "g"), ("d/x", "x")] {
        assert_eq!(peer.read(1, path).expect("kept"), content.as_bytes(), "{path}");
    }
}

fn survives(fault: Fault, errno: i32) -> bool {
    let world = MemoryWorld::new(&["laptop"]);
    let mut store = keeping(&world, Some(DAY * 300), None);
    prepared(&world, &store);
    let count = fail_with(&world, fault, errno);
    keep_up(&store);
    world.fs.set_fault_hook(None);
    let (n, has_died) = match fault {
        Fault::Once(n) => (n, false),
        Fault::FromThenOn(n) => (n, true),
    };
    if has_died {
        store = keeping(&world, Some(DAY * 300), None);
        first_revision_is_whole(&store);
    }
    keep_up(&store);
    is_as_it_should_be(&world, &store);
    count.load(Ordering::Relaxed) > n
}

#[test]
fn an_error_at_any_operation_of_a_pass_harms_nothing() {
    for errno in ERRORS {
        let last = (0..).find(|n| !survives(Fault::Once(*n), errno)).expect("the pass ends");
        assert!(last > 15, "only {last} operations were tried");
    }
}

#[test]
fn dying_at_any_operation_of_a_pass_harms_nothing() {
    let last = (0..).find(|n| !survives(Fault::FromThenOn(*n), EIO)).expect("the pass ends");
    assert!(last > 15, "only {last} operations were tried");
}

#[test]
fn a_full_log_of_the_catalog_breaks_a_pass_off_between_transactions() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY * 300), None);
    prepared(&world, &store);
    let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
    for most in 0..60 {
        asked.store(0, Ordering::Relaxed);
        crate::store::Store::keep_up(&store, &|| asked.fetch_add(1, Ordering::Relaxed) < most);
        first_revision_is_whole(&store);
    }
    keep_up(&store);
    is_as_it_should_be(&world, &store);
}
