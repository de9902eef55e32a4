//! Held contents that are damaged: found, wanted again, not counted as held; their good ranges still serve.

use std::fs::{File, FileTimes};
use std::os::unix::fs::FileExt;

use protocol::wire::{Committed, Missing};
use protocol::{ByteRange, ContentId, ContentPlan, Head, Piece, Segment};

use super::world::DiskWorld;
use crate::store::conformance::peer::{Peer, create, path, recipe};

/// Bytes that repeat nowhere.
pub(super) fn noise(length: usize, seed: u32) -> Vec<u8> {
    let step = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(state.to_be_bytes()[0])
    };
    std::iter::repeat_n((), length).scan(seed, |state, ()| step(state)).collect()
}

/// Spoils bytes of a file so that nothing but reading it tells.
fn spoil(world: &DiskWorld, peer: &Peer<'_>, at: &str, offset: u64) {
    let file = world.path().join(peer.client.as_str()).join(peer.mirror.as_str()).join(at);
    let file = File::options().write(true).open(file).expect("is in the mirror");
    let mtime = file.metadata().and_then(|found| found.modified()).expect("has an mtime");
    file.write_all_at(b"damage", offset).expect("can be written");
    file.set_times(FileTimes::new().set_modified(mtime)).expect("can be touched");
}

const HALF: usize = 100_000;

/// A mirror with a damaged file, and a new content that is made of its halves with a word between them.
fn damaged<'a>(world: &DiskWorld, store: &'a crate::TreeStore) -> (Peer<'a>, Vec<u8>, Vec<u8>) {
    let mut peer = Peer::new(store);
    let old = noise(2 * HALF, 1);
    let file = peer.file(&old);
    peer.deliver(&[create("old", file)]);
    spoil(world, &peer, "old", 100);
    let new = [&old[..HALF], b"between", &old[HALF..]].concat();
    (peer, old, new)
}

fn half(of: &[u8], number: usize) -> Segment {
    Segment::Copy { content: ContentId::of(of), offset: (number * HALF) as u64, length: HALF as u64 }
}

fn range(offset: usize, length: usize) -> ByteRange {
    ByteRange { offset: offset as u64, length: length as u64 }
}

#[test]
fn a_damaged_source_is_wanted_and_only_its_bad_ranges_travel() {
    let world = DiskWorld::new();
    let store = world.open();
    let (mut peer, old, new) = damaged(&world, &store);
    let (base, between) = (peer.head(), Segment::Literal { length: 7 });
    let changes = [create("new", peer.file(&new))];
    peer.open(&changes, vec![recipe(&new, &[half(&old, 0), between, half(&old, 1)])]);
    let piece = Piece { index: 0, offset: HALF as u64, length: 7 };
    let filled = peer.fill(base, &changes, &[(piece, b"between")]).expect("the frame itself is right");
    let good = |copied: &protocol::wire::CopiedRange| {
        let span = usize::try_from(copied.range.offset).expect("small")..;
        copied.digest == ContentId::of(&new[span][..HALF])
    };
    let [mismatch] = &filled.mismatched[..] else { panic!("the copy is wrong: {filled:?}") };
    assert_eq!(mismatch.copied.iter().map(good).collect::<Vec<_>>(), [false, true]);

    let named = [create("twin", peer.file(&old))];
    assert_eq!(peer.open(&named, peer.plans(&named)).len(), 1, "what is damaged is not held");
    let better = recipe(&new, &[Segment::Literal { length: HALF as u64 }, between, half(&old, 1)]);
    let missing = peer.open(&changes, vec![better.clone()]);
    assert_eq!(missing, [Missing { index: 0, ranges: vec![range(0, HALF)] }], "the literal that arrived was kept");
    peer.fill_missing(base, &changes, &[better], &missing);
    let committed = peer.commit_on(base, &changes);
    assert_eq!(
        committed,
        Ok(Committed::Durable { head: base.after(&changes), wanted: vec![ContentId::of(&old)] }),
        "the damaged content is asked for"
    );
    assert_eq!(peer.read(2, "new").expect("is there"), new);
}

#[test]
fn a_content_of_copies_alone_is_answered_with_digests_at_its_commit() {
    let world = DiskWorld::new();
    let store = world.open();
    let (mut peer, old, _) = damaged(&world, &store);
    let swapped = [&old[HALF..], &old[..HALF]].concat();
    let changes = [create("swapped", peer.file(&swapped))];
    let base = peer.head();
    assert_eq!(peer.open(&changes, vec![recipe(&swapped, &[half(&old, 1), half(&old, 0)])]), []);
    let Ok(Committed::Incomplete { missing, mismatched }) = peer.commit_on(base, &changes) else { panic!("is wrong") };
    assert_eq!(missing, [Missing { index: 0, ranges: vec![range(0, 2 * HALF)] }]);
    assert_eq!(mismatched[0].copied[0].digest, ContentId::of(&old[HALF..]));
    assert_ne!(mismatched[0].copied[1].digest, ContentId::of(&old[..HALF]));
    peer.fill_missing(base, &changes, &peer.plans(&changes), &missing);
    assert!(matches!(peer.commit_on(base, &changes), Ok(Committed::Durable { .. })));
    assert_eq!(peer.read(2, "swapped").expect("is there"), swapped);
}

#[test]
fn damage_that_was_known_before_does_not_excuse_literals() {
    let world = DiskWorld::new();
    let store = world.open();
    let (mut peer, old, new) = damaged(&world, &store);
    let base = peer.head();
    let changes = [create("new", peer.file(&new))];
    let plan = recipe(&new, &[half(&old, 0), Segment::Literal { length: 7 }, half(&old, 1)]);
    let piece = Piece { index: 0, offset: HALF as u64, length: 7 };
    for attempt in 0..2 {
        peer.open(&changes, vec![plan.clone()]);
        let filled = peer.fill(base, &changes, &[(piece, if attempt == 0 { b"between" } else { b"BETWEEN" })]);
        let mismatched = filled.expect("the frame itself is right").mismatched;
        // What arrived first stays: the second literal is not even written, and the copies do for all of it again.
        assert_eq!(mismatched.len(), 1, "attempt {attempt}");
    }
    let missing = peer.open(&changes, vec![plan]);
    assert_eq!(missing, [Missing { index: 0, ranges: vec![range(HALF, 7)] }], "nothing is kept that may be wrong");
}

#[test]
fn a_content_that_came_again_is_held_again() {
    let world = DiskWorld::new();
    let store = world.open();
    let (mut peer, old, new) = damaged(&world, &store);
    let base = peer.head();
    let changes = [create("new", peer.file(&new)), create("twin", peer.file(&old))];
    let halves = [half(&old, 0), Segment::Literal { length: 7 }, half(&old, 1)];
    let only_new = [changes[0].clone()];
    peer.open(&only_new, vec![recipe(&new, &halves)]);
    let piece = Piece { index: 0, offset: HALF as u64, length: 7 };
    peer.fill(base, &only_new, &[(piece, b"between")]).expect("taken, and found wrong");
    let plans: Vec<ContentPlan> = peer.plans(&changes);
    let missing = peer.open(&changes, plans.clone());
    assert_eq!(missing.len(), 2);
    peer.fill_missing(base, &changes, &plans, &missing);
    let committed = peer.commit_on(base, &changes);
    let wanted = vec![ContentId::of(&old)];
    assert_eq!(
        committed,
        Ok(Committed::Durable { head: Head::after(&base, &changes), wanted }),
        "`old` is still damaged"
    );
    let again = [create("third", peer.file(&old))];
    assert_eq!(peer.open(&again, peer.plans(&again)), []);
    assert_eq!(peer.read_path(2, &path("twin")).expect("is there"), old);
}
