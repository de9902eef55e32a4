//! What an open proposal needs stays, however old it is.

use std::time::Duration;

use protocol::limits::STAGED_EXPIRY;
use protocol::{ContentId, Head, MirrorName, Piece, Segment};

use super::world::MemoryWorld;
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, recipe};

#[test]
fn what_a_proposal_copies_from_and_what_it_fills_is_pinned_until_it_closes() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let old = peer.file("0123456789");
    peer.deliver(&[create("old", old)]);
    let (old, new) = (ContentId::of(b"0123456789"), ContentId::of(b"0123456789!"));
    let copy = Segment::Copy { content: old, offset: 0, length: 10 };
    let changes = [create("new", peer.file("0123456789!"))];
    let plan = recipe(b"0123456789!", &[copy, Segment::Literal { length: 1 }]);
    let base = peer.head();
    let client = store.known(&peer.client).expect("opens").expect("is there");
    assert!(client.pinned().is_empty());
    let missing = peer.open(&changes, vec![plan.clone()]);
    assert_eq!(client.pinned(), [old, new].into());
    peer.fill_missing(base, &changes, &[plan], &missing);
    peer.commit_on(base, &changes).expect("is durable");
    assert!(client.pinned().is_empty());
    peer.deliver(&[delete("old")]);
}

#[test]
fn staged_bytes_of_an_open_proposal_outlive_their_expiry() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let changes = [create("f", peer.file("0123456789"))];
    peer.open(&changes, peer.plans(&changes));
    peer.fill(Head::genesis(), &changes, &[(Piece { index: 0, offset: 0, length: 4 }, b"0123")]).expect("taken");
    let hours = |n: u64| Duration::from_secs(n * 60 * 60);
    world.clock.advance(STAGED_EXPIRY - hours(4));
    peer.open(&changes, peer.plans(&changes));
    world.clock.advance(STAGED_EXPIRY - hours(4));
    let other = MirrorName::parse(b"other").expect("a valid name");
    let mut second = Peer { mirror: other, ..Peer::stranger(&store) };
    store.claim(&second.client, &second.claim("/other", None)).expect("a new mirror");
    let sweeping = [create("g", second.file("g"))];
    second.open(&sweeping, second.plans(&sweeping));
    assert_eq!(world.own(&peer, "staging").len(), 2, "what the open proposal fills is there");
    world.clock.advance(hours(5));
    second.open(&sweeping, second.plans(&sweeping));
    assert_eq!(world.own(&peer, "staging").len(), 0, "nobody came back to it");
}
