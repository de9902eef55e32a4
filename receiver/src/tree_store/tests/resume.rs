//! What arrived before the receiver died is not asked for again: one large content, and very many small ones.

use protocol::limits::MAX_FRAME_BYTES;
use protocol::wire::{Committed, Compression, Fill, Missing};
use protocol::{ByteRange, Change, ContentId, Entry, Head, Piece};

use super::world::{DiskWorld, MemoryWorld};
use crate::store::conformance::peer::{Peer, create, metadata};

/// Frames of the large content: 512 MiB.
const FRAMES: u64 = 128;
const FRAME: u64 = MAX_FRAME_BYTES as u64;
const KILLS: u64 = 10;

/// The bytes of one frame; no two are alike.
fn frame(number: u64) -> Vec<u8> {
    let mut bytes = vec![0; MAX_FRAME_BYTES];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// The receiver dies while it writes down what arrived: the record is torn.
fn tear_last_record(world: &DiskWorld) {
    let staging = world.path().join("laptop/.roundsman/staging");
    for file in std::fs::read_dir(staging).expect("our own directory") {
        let file = file.expect("listed");
        if file.file_name().to_string_lossy().starts_with("r-") {
            let file = std::fs::File::options().write(true).open(file.path()).expect("our own file");
            let length = file.metadata().expect("is there").len();
            file.set_len(length.saturating_sub(5)).expect("can be cut");
        }
    }
}

fn send(peer: &Peer<'_>, changes: &[Change], range: ByteRange) {
    let request = Fill {
        mirror: peer.mirror.clone(),
        proposal: Head::genesis().after(changes).digest,
        pieces: vec![Piece { index: 0, offset: range.offset, length: range.length }],
        compression: Compression::None,
        data: frame(range.offset / FRAME).into(),
    };
    assert_eq!(peer.store.fill(&peer.client, &request).expect("taken").mismatched, []);
}

/// The first missing range, cut to one frame.
fn next_frame(missing: &[Missing], skip: u64) -> Option<ByteRange> {
    let whole = |range: &ByteRange| (0..range.length / FRAME).map(|n| range.offset + n * FRAME).collect::<Vec<_>>();
    let mut frames = missing.iter().flat_map(|missing| &missing.ranges).flat_map(whole);
    frames.nth(usize::try_from(skip).expect("small")).map(|offset| ByteRange { offset, length: FRAME })
}

#[test]
fn of_512_mib_that_were_cut_off_ten_times_few_bytes_travel_twice() {
    let world = DiskWorld::new();
    let mut hasher = blake3::Hasher::new();
    for number in 0..FRAMES {
        hasher.update(&frame(number));
    }
    let content: ContentId = hasher.finalize().into();
    let changes = [create("large", Entry::File { metadata: metadata(1), size: FRAMES * FRAME, content })];
    drop(Peer::new(&world.open()));
    let mut sent = 0;
    for life in 0..=KILLS {
        let store = world.open();
        let peer = Peer::stranger(&store);
        let missing = peer.open(&changes, peer.plans(&changes));
        let most = if life == KILLS { FRAMES } else { FRAMES / KILLS };
        for number in 0..most {
            let Some(range) = next_frame(&missing, number) else { break };
            send(&peer, &changes, range);
            sent += range.length;
        }
        if life == KILLS {
            assert!(matches!(peer.commit_on(Head::genesis(), &changes), Ok(Committed::Durable { .. })));
        } else {
            drop(store);
            tear_last_record(&world);
        }
    }
    let whole = FRAMES * FRAME;
    assert!((whole..=whole + KILLS * FRAME).contains(&sent), "{sent} of {whole}");
    assert!(sent * 10 <= whole * 11);
}

#[test]
fn ranges_that_a_crash_tore_are_asked_for_again() {
    let world = DiskWorld::new();
    let changes;
    {
        let store = world.open();
        let mut peer = Peer::new(&store);
        changes = [create("f", peer.file("0123456789"))];
        peer.open(&changes, peer.plans(&changes));
        let piece = |offset, length| Piece { index: 0, offset, length };
        let pieces = [(piece(0, 4), &b"0123"[..]), (piece(6, 4), &b"6789"[..])];
        peer.fill(Head::genesis(), &changes, &pieces).expect("taken");
    }
    let staging = world.path().join("laptop/.roundsman/staging");
    for file in std::fs::read_dir(staging).expect("our own directory") {
        let file = file.expect("listed");
        if file.file_name().to_string_lossy().starts_with("p-") {
            let part = std::fs::File::options().write(true).open(file.path()).expect("our own file");
            std::os::unix::fs::FileExt::write_all_at(&part, b"\0", 1).expect("as a power cut may leave it");
        }
    }
    let store = world.open();
    let peer = Peer::stranger(&store);
    let missing = peer.open(&changes, peer.plans(&changes));
    assert_eq!(missing, [Missing { index: 0, ranges: vec![ByteRange { offset: 0, length: 6 }] }]);
}

const SMALL: usize = 50_000;

#[test]
fn of_50_000_small_contents_only_those_that_had_not_come_are_missing_after_a_restart() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let changes: Vec<Change> = (0..SMALL).map(|n| create(&format!("f{n}"), peer.file(format!("{n}")))).collect();
    let plans = peer.plans(&changes);
    let missing = peer.open(&changes, plans.clone());
    assert_eq!(missing.len(), SMALL);
    peer.fill_missing(Head::genesis(), &changes, &plans, &missing[..SMALL / 2]);
    let known = peer.contents.clone();
    drop(peer);
    drop(store);
    let store = world.open();
    let mut peer = Peer::stranger(&store);
    peer.contents = known;
    assert_eq!(peer.open(&changes, plans.clone()), missing[SMALL / 2..]);
    peer.fill_missing(Head::genesis(), &changes, &plans, &missing[SMALL / 2..]);
    assert!(matches!(peer.commit_on(Head::genesis(), &changes), Ok(Committed::Durable { .. })));
}
