//! A client's history that takes too much room: the oldest goes, before a batch is decided or at the next look.

use protocol::{Change, ProblemCode};

use super::retention::{is_listed, keep_up, keeping, on_disk};
use super::world::MemoryWorld;
use crate::retention::AtCeiling;
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, directory, link, modify, replace};
use crate::tree_store::TreeStore;

/// What the history of a client takes, as its catalog reckons.
pub(super) fn history_bytes(store: &TreeStore, peer: &Peer<'_>) -> u64 {
    let client = store.known(&peer.client).expect("can be opened").expect("has a mirror");
    let bytes = client.catalog().history_bytes();
    bytes.expect("one row")
}

#[test]
fn a_ceiling_lets_the_oldest_go_before_a_batch_is_decided() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, None, Some(10_000));
    let mut peer = Peer::new(&store);
    let big = |number: usize| vec![u8::try_from(number).expect("small"); 3_000];
    let first = peer.file(big(0));
    peer.deliver(&[create("f", first)]);
    for number in 1..10 {
        let entry = peer.file(big(number));
        peer.deliver(&[modify("f", entry)]);
        assert!(history_bytes(&store, &peer) <= 10_000);
        assert_eq!(on_disk(&world, &peer).concat().len() as u64, history_bytes(&store, &peer));
    }
    let listed: Vec<u64> = (1..=10).filter(|revision| is_listed(&peer, *revision)).collect();
    assert_eq!(listed, [7, 8, 9, 10]);
    assert_eq!(peer.read(7, "f").expect("kept"), big(6));
}

#[test]
fn a_batch_past_the_ceiling_is_taken_and_its_history_goes_at_the_next_look() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, None, Some(1_000));
    let mut peer = Peer::new(&store);
    let (big, small) = (peer.file(vec![1; 5_000]), peer.file("small"));
    peer.deliver(&[create("d", directory()), create("d/big", big), create("l", link("x"))]);
    peer.deliver(&[delete("d"), replace("l", small)]);
    assert_eq!(history_bytes(&store, &peer), 5_000);
    keep_up(&store);
    assert_eq!(history_bytes(&store, &peer), 0);
    assert_eq!(on_disk(&world, &peer), Vec::<Vec<u8>>::new());
    assert!(!is_listed(&peer, 1) && is_listed(&peer, 2));
}

/// Everything but the commit.
fn fill(peer: &Peer<'_>, changes: &[Change]) {
    let plans = peer.plans(changes);
    let missing = peer.open(changes, plans.clone());
    peer.fill_missing(peer.head(), changes, &plans, &missing);
}

#[test]
fn where_history_may_not_go_a_batch_past_the_ceiling_is_refused_and_changes_nothing() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, None, Some(1_000));
    let mut peer = Peer::new(&store);
    let [first, second, third] = [1, 2, 3].map(|number| peer.file(vec![number; 600]));
    peer.deliver(&[create("f", first)]);
    peer.deliver(&[modify("f", second)]);
    let (head, held) = (peer.head(), history_bytes(&store, &peer));
    let changes = [modify("f", third.clone())];
    fill(&peer, &changes);
    let commit = peer.commit_request(head, &changes);
    let refused = store.commit(&peer.client, &commit, AtCeiling::Refuse).expect_err("1,200 bytes of 1,000");
    assert_eq!(refused.code, ProblemCode::NoSpace);
    assert!(refused.detail.contains("600 of 1000 bytes"), "{refused}");
    keep_up(&store);
    assert_eq!((peer.head(), history_bytes(&store, &peer)), (head, held));
    assert_eq!(peer.read(1, "f").expect("kept"), vec![1; 600]);
    // What replaces nothing goes on.
    let new = [create("g", third)];
    fill(&peer, &new);
    store.commit(&peer.client, &peer.commit_request(head, &new), AtCeiling::Refuse).expect("nothing goes");
    assert_eq!(peer.head().number, head.number + 1);
}
