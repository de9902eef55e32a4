//! The scrub finds what rotted, in mirrors and among versions, within its time, a little at a time, also over restarts.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::Head;
use seams::clock::Clock;

use super::damage::noise;
use super::world::{DiskWorld, present};
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, directory, modify};

const EVERY: Duration = Duration::from_hours(24 * 30);
const TICK: Duration = Duration::from_hours(6);

fn rot(at: &Path) {
    let file = fs::File::options().write(true).open(at).expect("is there");
    let mtime = file.metadata().and_then(|found| found.modified()).expect("has a time");
    file.write_all_at(b"rot", 1).and_then(|()| file.set_modified(mtime)).expect("written");
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("there").map(|entry| entry.expect("listed")) {
        if entry.file_type().expect("there").is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

#[test]
fn everything_is_read_once_in_its_time_and_what_rotted_is_wanted() {
    let (world, clock) = (DiskWorld::new(), present());
    let mut store = world.open_at(clock.clone());
    let kept = {
        let mut peer = Peer::new(&store);
        let mut batch = vec![create("d", directory())];
        for number in 0..30u32 {
            batch.push(create(&format!("d/f{number}"), peer.file(noise(200_000, number + 1))));
        }
        peer.deliver(&batch);
        let new = peer.file(noise(50_000, 99));
        peer.deliver(&[modify("d/f0", new.clone()), modify("d/f1", new)]);
        peer.deliver(&[delete("d")]);
        let batch: Vec<_> = (0..30u32).map(|n| create(&format!("g{n}"), peer.file(noise(200_000, n + 500)))).collect();
        peer.deliver(&batch);
        files(&world.path().join("laptop/.roundsman/versions"))
    };
    assert_eq!(kept.len(), 32, "two old versions, and thirty in the deleted directory");
    let mirror = world.path().join("laptop").join(Peer::stranger(&store).mirror.as_str());
    let rotten = [mirror.join("g3"), mirror.join("g29"), kept[0].clone(), kept[20].clone()];
    rotten.iter().for_each(|at| rot(at));
    fs::remove_file(mirror.join("g7")).expect("there");

    let (mut ticks, mut found) = (0u32, BTreeSet::new());
    let end = clock.since_boot() + EVERY + 2 * TICK;
    while clock.since_boot() < end {
        store.scrub(EVERY, TICK, &|| true);
        clock.advance(TICK);
        ticks += 1;
        if ticks % 10 == 0 {
            drop(store);
            store = world.open_at(clock.clone());
        }
        let count = {
            let peer = Peer::stranger(&store);
            let client = store.known(&peer.client).expect("opens").expect("is there");
            client.catalog().count("damage")
        };
        found.insert(count);
    }
    assert_eq!(found.last(), Some(&5), "all that rotted, and what is missing: {found:?}");
    assert!(found.len() >= 4, "not all at once: {found:?}");
    let wanted = Peer::stranger(&store).contact_at(Head::genesis()).wanted;
    assert_eq!(wanted.len(), 3, "what the mirror has now is asked of the client");
}

#[test]
fn a_scrub_that_is_told_to_stop_stops() {
    let (world, clock) = (DiskWorld::new(), present());
    let store = world.open_at(clock.clone());
    let mut peer = Peer::new(&store);
    let file = peer.file(noise(200_000, 1));
    peer.deliver(&[create("a", file)]);
    rot(&world.path().join("laptop").join(peer.mirror.as_str()).join("a"));
    store.scrub(EVERY, TICK, &|| true);
    clock.advance(EVERY);
    store.scrub(EVERY, TICK, &|| false);
    assert_eq!(peer.contact_at(Head::genesis()).wanted, []);
    store.scrub(EVERY, TICK, &|| true);
    assert_eq!(peer.contact_at(Head::genesis()).wanted.len(), 1);
}
