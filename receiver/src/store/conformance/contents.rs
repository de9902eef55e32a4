//! Contents: recipes, frames, and bytes that are not what they are said to be.

use std::sync::Barrier;
use std::thread;

use protocol::wire::{Committed, Missing, ReadAt};
use protocol::{
    ByteRange, Change, ClientName, ContentId, ContentPlan, Entry, Head, MirrorName, Piece, ProblemCode, Segment,
};

use crate::store::Store;
use crate::store::conformance::peer::{Peer, code, create, delete, metadata, modify, moved, path, recipe};

const GENESIS: Head = Head::genesis();

fn piece(index: u32, offset: u64, bytes: &[u8]) -> (Piece, &[u8]) {
    (Piece { index, offset, length: bytes.len() as u64 }, bytes)
}

fn range(offset: u64, length: u64) -> ByteRange {
    ByteRange { offset, length }
}

fn is_durable(peer: &Peer<'_>, base: Head, changes: &[Change]) {
    let committed = peer.commit_on(base, changes);
    assert!(matches!(committed, Ok(Committed::Durable { .. })), "{committed:?}");
}

pub(crate) fn literals_arrive_in_any_order_and_repeated(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let changes = [create("f", peer.file("0123456789"))];
    let missing = peer.open(&changes, peer.plans(&changes));
    assert_eq!(missing, [Missing { index: 0, ranges: vec![range(0, 10)] }]);
    for (offset, bytes) in [(6, &b"6789"[..]), (0, b"012"), (0, b"012"), (2, b"2345")] {
        peer.fill(GENESIS, &changes, &[piece(0, offset, bytes)]).expect("taken");
    }
    peer.fill(GENESIS, &changes, &[piece(0, 0, b"0123456789")]).expect("once more is no harm");
    is_durable(&peer, GENESIS, &changes);
    assert_eq!(peer.read(1, "f").expect("is there"), b"0123456789");
}

pub(crate) fn a_content_that_is_held_is_never_missing(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let first = peer.file("first");
    let second = peer.file("second");
    peer.deliver(&[create("a", first.clone())]);
    peer.deliver(&[modify("a", second.clone())]);
    let changes = [create("old", first.clone()), create("current", second.clone()), create("twice", first)];
    assert_eq!(peer.open(&changes, peer.plans(&changes)), [], "current and kept contents are held");
    is_durable(&peer, peer.head(), &changes);
    let head = peer.deliver(&[delete("a"), delete("current"), moved("old", "back", second)]);
    assert_eq!(peer.read(head.number, "back").expect("is there"), b"second");
    assert_eq!(peer.read(head.number, "twice").expect("is there"), b"first");
}

pub(crate) fn what_arrived_is_kept_for_the_next_proposal(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let entry = peer.file("0123456789");
    let changes = [create("f", entry.clone())];
    peer.open(&changes, peer.plans(&changes));
    peer.fill(GENESIS, &changes, &[piece(0, 2, b"234")]).expect("taken");
    let other = [create("g", entry)];
    let missing = peer.open(&other, peer.plans(&other));
    assert_eq!(missing, [Missing { index: 0, ranges: vec![range(0, 2), range(5, 5)] }]);
    peer.fill_missing(GENESIS, &other, &peer.plans(&other), &missing);
    is_durable(&peer, GENESIS, &other);
    assert_eq!(peer.read(1, "g").expect("is there"), b"0123456789");
}

pub(crate) fn mirrors_that_commit_the_same_contents_at_once_do_not_take_them_from_each_other(store: &dyn Store) {
    const ROUNDS: u64 = 20;
    let at_once = Barrier::new(4);
    let rounds = |mirror: &str| {
        let mirror = MirrorName::parse(mirror.as_bytes()).expect("a valid name");
        let mut peer = Peer { mirror, ..Peer::stranger(store) };
        peer.store.claim(&peer.client, &peer.claim(peer.mirror.as_str(), None)).expect("nobody claimed it before");
        let mut unfit = Vec::new();
        for round in 0..ROUNDS {
            let changes: Vec<Change> =
                (0..4).map(|file| create(&format!("{round}-{file}"), peer.file(format!("{round} {file}")))).collect();
            let (base, plans) = (peer.head(), peer.plans(&changes));
            let missing = peer.open(&changes, plans.clone());
            peer.fill_missing(base, &changes, &plans, &missing);
            at_once.wait();
            let committed = peer.commit_on(base, &changes);
            let durable = Ok(Committed::Durable { head: base.after(&changes), wanted: Vec::new() });
            // No panic here: the others would wait for ever.
            unfit.extend((committed != durable).then_some((round, committed)));
        }
        assert_eq!(unfit, [], "all literals were sent");
    };
    thread::scope(|scope| {
        for mirror in ["a", "b", "c", "d"] {
            scope.spawn(|| rounds(mirror));
        }
    });
}

pub(crate) fn a_commit_before_all_literals_names_the_rest(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let changes = [create("a", peer.file("aa")), create("f", peer.file("0123456789"))];
    let plans = peer.plans(&changes);
    let missing = peer.open(&changes, plans.clone());
    let early = peer.commit_on(GENESIS, &changes);
    assert_eq!(early, Ok(Committed::Incomplete { missing: missing.clone(), mismatched: vec![] }));
    peer.fill_missing(GENESIS, &changes, &plans, &missing);
    is_durable(&peer, GENESIS, &changes);
}

/// A held content to copy from.
fn peer_with_digits(store: &dyn Store) -> (Peer<'_>, ContentId) {
    let mut peer = Peer::new(store);
    let changes = [create("digits", peer.file("0123456789"))];
    peer.deliver(&changes);
    (peer, ContentId::of(b"0123456789"))
}

pub(crate) fn a_content_made_of_copies_literals_and_zeros_is_whole(store: &dyn Store) {
    let (mut peer, digits) = peer_with_digits(store);
    let made = b"345--\0\0\x0012!";
    let segments = [
        Segment::Copy { content: digits, offset: 3, length: 3 },
        Segment::Literal { length: 2 },
        Segment::Zeros { length: 3 },
        Segment::Copy { content: digits, offset: 1, length: 2 },
        Segment::Literal { length: 1 },
    ];
    let copied = [Segment::Copy { content: digits, offset: 2, length: 4 }];
    let changes = [create("made", peer.file(made)), create("part", peer.file("2345"))];
    let mut plans = vec![recipe(made, &segments), recipe(b"2345", &copied)];
    plans.sort_by_key(|plan| plan.content);
    let index = u32::from(plans[0].content == ContentId::of(b"2345"));
    let missing = peer.open(&changes, plans.clone());
    assert_eq!(missing, [Missing { index, ranges: vec![range(3, 2), range(10, 1)] }]);
    let base = peer.head();
    peer.fill_missing(base, &changes, &plans, &missing);
    is_durable(&peer, base, &changes);
    assert_eq!(peer.read(2, "made").expect("is there"), made);
    assert_eq!(peer.read(2, "part").expect("is there"), b"2345");
}

pub(crate) fn a_copy_that_is_not_what_the_id_says_is_answered_with_digests(store: &dyn Store) {
    let (mut peer, digits) = peer_with_digits(store);
    let wanted = b"543-";
    let segments = [Segment::Copy { content: digits, offset: 3, length: 3 }, Segment::Literal { length: 1 }];
    let changes = [create("f", peer.file(wanted))];
    let base = peer.head();
    peer.open(&changes, vec![recipe(wanted, &segments)]);
    let filled = peer.fill(base, &changes, &[piece(0, 3, b"-")]).expect("the frame itself is right");
    assert_eq!(filled.mismatched.len(), 1);
    assert_eq!(filled.mismatched[0].index, 0);
    let copied: Vec<_> = filled.mismatched[0].copied.iter().map(|c| (c.range, c.digest)).collect();
    assert_eq!(copied, [(range(0, 3), ContentId::of(b"345"))]);
    let incomplete = peer.commit_on(base, &changes);
    assert!(matches!(incomplete, Ok(Committed::Incomplete { .. })), "{incomplete:?}");
    let only_copies = [Segment::Copy { content: digits, offset: 0, length: 4 }];
    assert_eq!(peer.open(&changes, vec![recipe(wanted, &only_copies)]), []);
    let Ok(Committed::Incomplete { missing, .. }) = peer.commit_on(base, &changes) else { panic!("a wrong copy") };
    assert_eq!(missing, [Missing { index: 0, ranges: vec![range(0, 4)] }]);
    peer.fill_missing(base, &changes, &peer.plans(&changes), &missing);
    is_durable(&peer, base, &changes);
    assert_eq!(peer.read(2, "f").expect("is there"), wanted);
}

pub(crate) fn a_copy_past_the_end_or_of_another_clients_content_is_refused(store: &dyn Store) {
    let (mut peer, digits) = peer_with_digits(store);
    let changes = [create("f", peer.file("xyz"))];
    for (offset, length) in [(8, 3), (u64::MAX, 3), (11, 3)] {
        let plan = recipe(b"xyz", &[Segment::Copy { content: digits, offset, length }]);
        let answer = store.propose(&peer.client, &peer.proposal(peer.head(), &changes, vec![plan]));
        assert_eq!(code(answer), ProblemCode::Malformed);
    }
    peer.client = ClientName::parse("other").expect("a valid name");
    store.claim(&peer.client, &peer.claim("/source", None)).expect("a mirror of its own");
    let plan = recipe(b"xyz", &[Segment::Copy { content: digits, offset: 0, length: 3 }]);
    let answer = store.propose(&peer.client, &peer.proposal(GENESIS, &changes, vec![plan]));
    assert_eq!(code(answer), ProblemCode::NotFound);
}

pub(crate) fn bytes_that_are_not_what_their_id_says_are_thrown_away(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let changes = [create("f", peer.file("right"))];
    let plans = peer.plans(&changes);
    let missing = peer.open(&changes, plans.clone());
    let filled = peer.fill(GENESIS, &changes, &[piece(0, 0, b"wrong")]).expect("the frame itself is right");
    assert_eq!(filled.mismatched.len(), 1);
    assert_eq!(filled.mismatched[0].copied, []);
    assert_eq!(
        peer.commit_on(GENESIS, &changes),
        Ok(Committed::Incomplete { missing: missing.clone(), mismatched: vec![] })
    );
    peer.fill_missing(GENESIS, &changes, &plans, &missing);
    is_durable(&peer, GENESIS, &changes);
    assert_eq!(peer.read(1, "f").expect("is there"), b"right");
}

pub(crate) fn what_no_honest_client_proposes_is_malformed(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let changes = [create("f", peer.file("abc"))];
    let plan = |length, recipe: Vec<Segment>| ContentPlan { content: ContentId::of(b"abc"), length, recipe };
    let lies = [
        vec![],
        vec![plan(4, vec![])],
        vec![plan(3, vec![]), plan(3, vec![])],
        vec![plan(3, vec![Segment::Literal { length: 4 }])],
        vec![plan(3, vec![Segment::Literal { length: u64::MAX }, Segment::Zeros { length: 4 }])],
        vec![plan(3, vec![]), recipe(b"nobody names it", &[])],
    ];
    for contents in lies {
        let answer = store.propose(&peer.client, &peer.proposal(GENESIS, &changes, contents));
        assert_eq!(code(answer), ProblemCode::Malformed);
    }
    let endless = Entry::File { metadata: metadata(0), size: u64::MAX, content: ContentId::of(b"abc") };
    let answer = peer.propose_on(GENESIS, &[create("f", endless)]);
    assert_eq!(code(answer), ProblemCode::TooLarge);
    peer.deliver(&changes);
    let other_length = Entry::File { metadata: metadata(0), size: 4, content: ContentId::of(b"abc") };
    assert_eq!(code(peer.propose_on(peer.head(), &[create("g", other_length)])), ProblemCode::Malformed);
}

pub(crate) fn pieces_outside_the_literals_are_refused(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let changes = [create("f", peer.file(b"ab\0\0cd"))];
    let segments = [2, 2, 2].map(|length| Segment::Literal { length });
    let segments = [segments[0], Segment::Zeros { length: 2 }, segments[2]];
    peer.open(&changes, vec![recipe(b"ab\0\0cd", &segments)]);
    for bad in
        [piece(1, 0, b"ab"), piece(0, 1, b"b\0"), piece(0, 2, b"\0"), piece(0, 6, b"x"), piece(0, u64::MAX, b"x")]
    {
        assert_eq!(code(peer.fill(GENESIS, &changes, &[bad])), ProblemCode::Malformed, "{bad:?}");
    }
    let unknown = [create("g", peer.file(b"abcd"))];
    assert_eq!(code(peer.fill(GENESIS, &unknown, &[])), ProblemCode::UnknownProposal);
    peer.fill(GENESIS, &changes, &[piece(0, 0, b"ab"), piece(0, 4, b"cd")]).expect("taken");
    is_durable(&peer, GENESIS, &changes);
}

pub(crate) fn an_empty_file_needs_nobody_to_send_it(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let changes = [create("a", peer.file("")), create("b", peer.file(""))];
    assert_eq!(peer.open(&changes, peer.plans(&changes)), []);
    is_durable(&peer, GENESIS, &changes);
    assert_eq!(peer.read(1, "b").expect("is there"), b"");
}

pub(crate) fn a_large_content_arrives_in_many_frames(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let bytes: Vec<u8> = (0..9_000_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let changes = [create("large", peer.file(&bytes)), create("small", peer.file("small"))];
    let head = peer.deliver(&changes);
    assert!(peer.read(head.number, "large").expect("is there") == bytes);
}

pub(crate) fn bytes_are_read_at_every_revision(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let dir = crate::store::conformance::peer::directory();
    let (one, two) = (peer.file("one"), peer.file("two"));
    peer.deliver(&[create("d", dir.clone()), create("d/f", one.clone()), create("d/g", two.clone())]);
    peer.deliver(&[moved("d", "e", dir), modify("e/f", two)]);
    peer.deliver(&[moved("e/g", "f", one), delete("e")]);
    let read = |revision, at: &str| peer.read(revision, at).expect("is there");
    assert_eq!((read(1, "d/f"), read(1, "d/g")), (b"one".to_vec(), b"two".to_vec()));
    assert_eq!((read(2, "e/f"), read(2, "e/g")), (b"two".to_vec(), b"two".to_vec()));
    assert_eq!(read(3, "f"), b"one");
    for (revision, at) in [(1, "e/f"), (2, "d/f"), (3, "e/f"), (4, "f")] {
        assert_eq!(code(peer.read(revision, at)), ProblemCode::NotFound);
    }
    assert_eq!(code(peer.read(1, "d")), ProblemCode::Malformed);
    let middle =
        ReadAt { mirror: peer.mirror.clone(), revision: None, path: path("f"), range: range(1, 1), suspect: false };
    let page = store.read_at(&peer.client, &middle).expect("is there");
    assert_eq!((&page.data[..], page.entry.content()), (&b"n"[..], Some((ContentId::of(b"one"), 3))));
}
