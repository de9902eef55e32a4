//! What `versions` says of a path of whose past not everything is kept.

use std::time::Duration;

use protocol::wire::{Began, Version, Versions};

use super::retention::{keep_up_twice, keeping};
use super::world::MemoryWorld;
use crate::store::conformance::peer::{Peer, create, modify, path};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn versions(peer: &Peer<'_>, at: &str) -> Vec<(u64, Began, bool)> {
    let request = Versions { mirror: peer.mirror.clone(), path: path(at), until: None, along: None };
    let told = peer.store.versions(&peer.client, &request).expect("are told").versions;
    told.into_iter().map(|Version { from, began, may_be_older, .. }| (from, began, may_be_older)).collect()
}

#[test]
fn the_oldest_version_that_is_kept_is_not_said_to_be_the_first_there_was() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY * 5), None);
    let mut peer = Peer::new(&store);
    let [one, two, three, four] = ["one", "two", "three", "four"].map(|text| peer.file(text));
    peer.deliver(&[create("f", one.clone()), create("stays", one)]);
    world.clock.advance(DAY);
    peer.deliver(&[modify("f", two)]);
    world.clock.advance(DAY * 10);
    peer.deliver(&[modify("f", three.clone()), create("late", three)]);
    let all = [(3, Began::Modified, false), (2, Began::Modified, false), (1, Began::Created, false)];
    assert_eq!(versions(&peer, "f"), all);
    world.clock.advance(DAY * 10);
    peer.deliver(&[modify("f", four)]);
    keep_up_twice(&world, &store);
    // Revisions 1 and 2 are forgotten.
    assert_eq!(versions(&peer, "f")[1..], [(3, Began::Created, true)]);
    assert_eq!(versions(&peer, "stays"), [(1, Began::Created, false)], "nothing was there before the first revision");
    assert_eq!(versions(&peer, "late"), [(3, Began::Created, true)]);
}
