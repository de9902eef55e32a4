//! What was found damaged is wanted no longer than it is kept.

use std::time::Duration;

use protocol::Head;
use protocol::wire::Mend;
use seams::clock::Clock;

use super::retention::{keep_up_twice, keeping};
use super::world::MemoryWorld;
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, modify, path};

const DAY: Duration = Duration::from_hours(24);

#[test]
fn damage_of_an_old_version_goes_with_the_version() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY), None);
    let mut peer = Peer::new(&store);
    let old = peer.file("old");
    peer.deliver(&[create("f", old)]);
    let new = peer.file("new");
    peer.deliver(&[modify("f", new)]);
    let client = store.known(&peer.client).expect("can be opened").expect("has a mirror");
    let mirror = client.mirror(&peer.mirror).expect("is there");
    let row = client.catalog().row_at(mirror.root, &path("f"), 1).expect("readable").expect("was there");
    client.catalog().want(&row, world.clock.now()).expect("noted");
    assert_eq!(client.catalog().count("damage"), 1);
    world.clock.advance(DAY * 2);
    keep_up_twice(&world, &store);
    assert_eq!(client.catalog().count("damage"), 0);
    let request = Mend { mirror: peer.mirror.clone(), lineage: peer.lineage, contents: Vec::new(), after: None };
    let mended = store.mend(&peer.client, &request).expect("nothing to do");
    assert_eq!(mended.wanted, []);
    assert!(peer.head() != Head::genesis());
}
