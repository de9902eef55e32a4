//! What no honest client sends is refused with a code, and touches nothing.

use protocol::limits::{MAX_FRAME_BYTES, MAX_FRAME_PIECES};
use protocol::wire::{Committed, Compression, Fill};
use protocol::{Change, ContentId, Head, Piece, ProblemCode, Segment};

use super::world::MemoryWorld;
use crate::store::Store;
use crate::store::conformance::peer::{Peer, code, create, modify, recipe};

const BYTES: &[u8] = b"0123456789";

fn fill(peer: &Peer<'_>, base: Head, changes: &[Change], lengths: &[u64], data: Vec<u8>) -> Fill {
    Fill {
        mirror: peer.mirror.clone(),
        proposal: base.after(changes).digest,
        pieces: lengths.iter().map(|length| Piece { index: 0, offset: 0, length: *length }).collect(),
        compression: Compression::Zstd,
        data: data.into(),
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).expect("compresses in memory")
}

#[test]
fn spoiled_frames_are_refused_by_name_and_the_right_one_still_does() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let first = [create("f", peer.file("before"))];
    let base = peer.deliver(&first);
    let changes = [modify("f", peer.file(BYTES))];
    peer.open(&changes, peer.plans(&changes));
    let good = packed(BYTES);
    let mut corrupted = good.clone();
    corrupted[0] ^= 1;
    let refused = [
        ("corrupted", vec![10], corrupted, ProblemCode::Malformed),
        ("shortened", vec![10], good[..good.len() - 1].to_vec(), ProblemCode::Malformed),
        ("empty", vec![10], Vec::new(), ProblemCode::Malformed),
        ("followed by another", vec![10], [&good[..], &good].concat(), ProblemCode::Malformed),
        ("longer than its pieces", vec![9], good.clone(), ProblemCode::Malformed),
        ("a bomb", vec![10], packed(&vec![0; 64 << 20]), ProblemCode::Malformed),
        ("past the content", vec![11], packed(b"0123456789x"), ProblemCode::Malformed),
        ("of too many pieces", vec![0; MAX_FRAME_PIECES + 1], Vec::new(), ProblemCode::TooLarge),
    ];
    let staged = world.own(&peer, "staging").len();
    for (what, lengths, data, expected) in refused {
        let answer = store.fill(&peer.client, &fill(&peer, base, &changes, &lengths, data));
        assert_eq!(code(answer), expected, "{what}");
    }
    assert_eq!((peer.head(), world.own(&peer, "staging").len()), (base, staged));
    assert_eq!(peer.read(1, "f").expect("is there"), b"before");
    for _ in 0..2 {
        store.fill(&peer.client, &fill(&peer, base, &changes, &[10], good.clone())).expect("duplicated is no harm");
    }
    assert!(matches!(peer.commit_on(base, &changes), Ok(Committed::Durable { .. })));
}

#[test]
fn a_frame_over_the_limit_is_too_large_whatever_it_holds() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let large = vec![7; MAX_FRAME_BYTES + 1];
    let changes = [create("f", peer.file(&large))];
    peer.open(&changes, peer.plans(&changes));
    for lengths in [vec![large.len() as u64], vec![large.len() as u64 / 2 + 1; 2]] {
        let answer = store.fill(&peer.client, &fill(&peer, Head::genesis(), &changes, &lengths, packed(&large)));
        assert_eq!(code(answer), ProblemCode::TooLarge);
    }
}

#[test]
fn recipes_that_reach_too_far_are_refused_and_nothing_is_opened() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let digits = peer.file(BYTES);
    let base = peer.deliver(&[create("digits", digits)]);
    let content = ContentId::of(BYTES);
    let changes = [create("f", peer.file("0123"))];
    let copy = |offset, length| Segment::Copy { content, offset, length };
    let nobodys = Segment::Copy { content: ContentId::of(b"nobody has it"), offset: 0, length: 4 };
    let refused = [
        ("past the end", vec![copy(7, 4)], ProblemCode::Malformed),
        ("from past the end", vec![copy(u64::MAX - 1, 4)], ProblemCode::Malformed),
        ("of another length", vec![copy(0, 3)], ProblemCode::Malformed),
        ("of a length that overflows", vec![copy(0, 5), Segment::Zeros { length: u64::MAX }], ProblemCode::Malformed),
        ("from what is not held", vec![nobodys], ProblemCode::NotFound),
    ];
    for (what, segments, expected) in refused {
        let plan = recipe(b"0123", &segments);
        assert_eq!(code(store.propose(&peer.client, &peer.proposal(base, &changes, vec![plan]))), expected, "{what}");
        assert_eq!(code(peer.commit_on(base, &changes)), ProblemCode::UnknownProposal, "{what}");
    }
    assert_eq!((peer.head(), world.own(&peer, "staging").len()), (base, 0));
}
