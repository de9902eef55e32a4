//! What is a hole stays one, and takes no room; what is copied does.

use std::os::unix::fs::MetadataExt;

use protocol::wire::{Committed, Proposed};
use protocol::{ContentId, Segment};
use seams::memory::Memory;

use super::world::{DiskWorld, ID, present};
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, modify, recipe};
use crate::tree_store::{Catalogs, TreeStore};

const MIB: usize = 1024 * 1024;

/// Bytes that a file of the mirror takes on the disk.
fn allocated(world: &DiskWorld, peer: &Peer<'_>, name: &str) -> u64 {
    let file = world.path().join(peer.client.as_str()).join(peer.mirror.as_str()).join(name);
    std::fs::metadata(file).expect("is in the mirror").blocks() * 512
}

/// A file system that knows no holes, or a test would prove nothing.
fn knows_holes(world: &DiskWorld) -> bool {
    let file = std::fs::File::create(world.path().join("probe")).expect("a new file");
    file.set_len(16 * MIB as u64).expect("can grow");
    file.metadata().expect("is there").blocks() == 0
}

#[test]
fn zeros_stay_holes_in_new_files_in_copies_of_ranges_and_in_twins() {
    zeros_stay_holes(24 * MIB);
}

#[test]
fn zeros_stay_holes_also_in_contents_that_would_fit_into_memory() {
    zeros_stay_holes(MIB / 2);
}

fn zeros_stay_holes(zeros: usize) {
    let world = DiskWorld::new();
    if !knows_holes(&world) {
        println!("SKIP: this file system has no holes");
        return;
    }
    let store = world.open();
    let mut peer = Peer::new(&store);
    let sparse = [vec![0; zeros], b"end".to_vec()].concat();
    let id = ContentId::of(&sparse);
    let hole = Segment::Zeros { length: zeros as u64 };
    let first = [create("a", peer.file(&sparse))];
    let plan = recipe(&sparse, &[hole, Segment::Literal { length: 3 }]);
    let missing = peer.open(&first, vec![plan.clone()]);
    peer.fill_missing(peer.head(), &first, &[plan], &missing);
    assert!(matches!(peer.commit_on(peer.head(), &first), Ok(Committed::Durable { .. })));

    let longer = [b"begin", &sparse[..]].concat();
    let copy = Segment::Copy { content: id, offset: 0, length: sparse.len() as u64 };
    let plan = recipe(&longer, &[Segment::Literal { length: 5 }, copy]);
    let second = [create("b", peer.file(&longer)), create("c", peer.file(&sparse))];
    let mut plans = vec![plan, recipe(&sparse, &[])];
    plans.sort_by_key(|plan| plan.content);
    let base = peer.head();
    let missing = peer.open(&second, plans.clone());
    peer.fill_missing(base, &second, &plans, &missing);
    assert!(matches!(peer.commit_on(base, &second), Ok(Committed::Durable { .. })));
    for name in ["a", "b", "c"] {
        assert!(allocated(&world, &peer, name) < (zeros / 4) as u64, "{name} takes {}", allocated(&world, &peer, name));
    }
    assert!(peer.read(2, "b").expect("is there") == longer);
    assert!(peer.read(2, "c").expect("is there") == sparse);
}

/// A store with little room: so much, and a little more than what stays free of it.
fn tight(bytes: u64) -> TreeStore {
    let clock = present();
    let fs = Memory::new(clock.clone()).with_capacity(bytes + bytes / 8);
    fs.make_directory("/data".as_ref()).expect("an absolute path");
    TreeStore::open(&fs, "/data".as_ref(), ID, Catalogs::InMemory, clock).expect("the memory will do")
}

#[test]
fn copies_and_literals_need_room_and_zeros_do_not() {
    let store = tight(3 * MIB as u64);
    let mut peer = Peer::new(&store);
    let old = super::damage::noise(MIB, 7);
    let old_file = peer.file(&old);
    peer.deliver(&[create("old", old_file)]);
    let copy = Segment::Copy { content: ContentId::of(&old), offset: 0, length: MIB as u64 };
    let thrice = old.repeat(3);
    let too_much = [modify("old", peer.file(&thrice))];
    let answer =
        store.propose(&peer.client, &peer.proposal(peer.head(), &too_much, vec![recipe(&thrice, &[copy, copy, copy])]));
    assert!(matches!(answer, Ok(Proposed::Refused { .. })), "it alone is too large: {answer:?}");
    let mostly_zeros = [&old[..], &vec![0; 64 * MIB]].concat();
    let fits = [modify("old", peer.file(&mostly_zeros))];
    let zeros = Segment::Zeros { length: 64 * MIB as u64 };
    assert_eq!(peer.open(&fits, vec![recipe(&mostly_zeros, &[copy, zeros])]), []);
}
