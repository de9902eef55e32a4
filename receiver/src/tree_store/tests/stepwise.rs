//! Contents that are put together in many steps: bounded each, never begun anew without need, and never believed wrongly.

use protocol::wire::Committed;
use protocol::{Change, ContentId, ContentPlan, Head, Problem, ProblemCode, Segment};

use super::damage::noise;
use super::world::MemoryWorld;
use crate::store::conformance::peer::{Peer, create, recipe, usize_of};
use crate::tree_store::TreeStore;
use crate::tree_store::staging::lock;

const MIB: usize = 1024 * 1024;

/// One request's work on a content, with a budget of its own.
fn step(store: &TreeStore, peer: &Peer<'_>, plan: &ContentPlan, budget: usize) -> Result<bool, Problem> {
    let client = store.known(&peer.client)?.expect("has a mirror");
    let slot = client.staging.slot(plan.content);
    let wrong = client.assemble_within(plan, &mut lock(&slot), budget as u64)?;
    Ok(wrong.is_none())
}

fn commits(peer: &Peer<'_>, base: Head, changes: &[Change]) {
    let committed = peer.commit_on(base, changes);
    assert!(matches!(committed, Ok(Committed::Durable { .. })), "{committed:?}");
}

#[test]
fn zeros_without_end_cost_a_bounded_step_a_request() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let zeros = vec![0; 10 * MIB];
    let changes = [create("zeros", peer.file(&zeros))];
    let plan = recipe(&zeros, &[Segment::Zeros { length: 10 * MIB as u64 }]);
    assert_eq!(peer.open(&changes, vec![plan.clone()]), []);
    let read = super::frugal::count(&world);
    for steps in 1..=3 {
        let busy = step(&store, &peer, &plan, 3 * MIB).expect_err("is not done yet");
        assert_eq!((busy.code, busy.progress.map(u64::from)), (ProblemCode::Busy, Some(steps * 3 * MIB as u64)));
    }
    assert_eq!(read.of(seams::memory::OperationKind::Read), 0, "holes are hashed without being read");
    assert_eq!(step(&store, &peer, &plan, 3 * MIB), Ok(true), "each request went on where the last one ended");
    commits(&peer, Head::genesis(), &changes);
}

#[test]
fn what_takes_several_requests_is_left_to_the_commit_so_that_no_frame_goes_again() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let bytes = [vec![0; 65 * MIB], b"end".to_vec()].concat();
    let changes = [create("long", peer.file(&bytes))];
    let plan = recipe(&bytes, &[Segment::Zeros { length: 65 * MIB as u64 }, Segment::Literal { length: 3 }]);
    let missing = peer.open(&changes, vec![plan.clone()]);
    peer.fill_missing(Head::genesis(), &changes, &[plan], &missing);
    let busy = peer.commit_on(Head::genesis(), &changes).expect_err("is not done yet");
    assert_eq!((busy.code, busy.progress.map(u64::from)), (ProblemCode::Busy, Some(64 * MIB as u64)));
    commits(&peer, Head::genesis(), &changes);
}

#[test]
fn what_is_written_again_is_hashed_again() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let (held, new) = (noise(6 * MIB, 1), noise(6 * MIB, 2));
    let held_file = peer.file(&held);
    peer.deliver(&[create("held", held_file)]);
    let base = peer.head();
    let changes = [create("new", peer.file(&new))];
    let copy = Segment::Copy { content: ContentId::of(&held), offset: 0, length: 6 * MIB as u64 };
    let lie = recipe(&new, &[copy]);
    assert_eq!(peer.open(&changes, vec![lie.clone()]), []);
    step(&store, &peer, &lie, 5 * MIB).expect_err("most of it is copied, and wrong");
    let plans = peer.plans(&changes);
    let missing = peer.open(&changes, plans.clone());
    peer.fill_missing(base, &changes, &plans, &missing);
    commits(&peer, base, &changes);
    assert!(peer.read(2, "new").expect("is there") == new);
}

#[test]
fn a_content_that_was_said_to_be_longer_is_hashed_from_its_beginning() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let bytes = noise(2 * MIB, 3);
    let id = peer.knows(&bytes);
    let longer = [&bytes[..], &[7; MIB]].concat();
    let entry = |length: usize| protocol::Entry::File {
        metadata: crate::store::conformance::peer::metadata(1),
        size: length as u64,
        content: id,
    };
    let lie = [create("f", entry(4 * MIB))];
    let piece = protocol::Piece { index: 0, offset: 0, length: longer.len() as u64 };
    peer.open(&lie, peer.plans(&lie));
    peer.fill(Head::genesis(), &lie, &[(piece, &longer)]).expect("taken");
    let honest = [create("f", entry(2 * MIB))];
    assert_eq!(peer.open(&honest, peer.plans(&honest)), []);
    commits(&peer, Head::genesis(), &honest);
    assert!(peer.read(1, "f").expect("is there") == bytes);
}

#[test]
fn a_frame_that_comes_again_is_not_written_again() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let bytes = noise(MIB, 4);
    let changes = [create("f", peer.file(&bytes))];
    peer.open(&changes, peer.plans(&changes));
    let written = super::frugal::count(&world);
    for _ in 0..5 {
        let piece = protocol::Piece { index: 0, offset: 10, length: 1000 };
        peer.fill(Head::genesis(), &changes, &[(piece, &bytes[10..1010])]).expect("taken");
    }
    assert_eq!(written.of(seams::memory::OperationKind::Write), 2, "once the bytes, once the record");
}

#[test]
fn frames_in_any_order_make_the_same_content() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let bytes = noise(9 * MIB, 5);
    let changes = [create("f", peer.file(&bytes))];
    peer.open(&changes, peer.plans(&changes));
    for number in [1u64, 0, 2, 5, 4, 8, 3, 7, 6] {
        let piece = protocol::Piece { index: 0, offset: number * MIB as u64, length: MIB as u64 };
        let span = usize_of(piece.offset)..usize_of(piece.offset) + MIB;
        let filled = peer.fill(Head::genesis(), &changes, &[(piece, &bytes[span])]).expect("taken");
        assert_eq!(filled.mismatched, []);
    }
    commits(&peer, Head::genesis(), &changes);
    assert!(peer.read(1, "f").expect("is there") == bytes);
}
