//! Old history goes when it is due, when the clock may be believed, and when it takes too much; and nothing else goes.

use std::time::Duration;

use protocol::wire::{ListAt, Proposed};
use protocol::{Change, Head, ProblemCode, Timestamp};

use super::world::MemoryWorld;
use crate::retention::{Keeping, Retention, Retentions};
use crate::store::Store;
use crate::store::conformance::peer::{
    Peer, code, create, delete, directory, lineage, link, metadata, modify, moved, path, replace,
};
use crate::tree_store::TreeStore;
use seams::clock::Clock;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A store that keeps what a client has for so long, in so many bytes.
pub(super) fn keeping(world: &MemoryWorld, keep: Option<Duration>, keep_size: Option<u64>) -> TreeStore {
    let usual = Retention { keep, keep_size };
    let history = Some(Retentions { usual, ..Retentions::default() });
    world.open().keeping(Keeping { history, ..Keeping::default() }, Duration::ZERO)
}

pub(super) fn keep_up(store: &TreeStore) {
    store.keep_up(&|| true);
}

/// Looks at what is due now and a day later, as a receiver that goes on running does.
pub(super) fn keep_up_twice(world: &MemoryWorld, store: &TreeStore) {
    keep_up(store);
    world.clock.advance(DAY);
    keep_up(store);
}

pub(super) fn is_listed(peer: &Peer<'_>, revision: u64) -> bool {
    let request = ListAt { mirror: peer.mirror.clone(), revision: Some(revision), after: None };
    match peer.store.list_at(&peer.client, &request) {
        Ok(_) => true,
        Err(problem) => {
            assert_eq!(problem.code, ProblemCode::NotFound);
            false
        }
    }
}

fn history_bytes(store: &TreeStore, peer: &Peer<'_>) -> u64 {
    let client = store.known(&peer.client).expect("can be opened").expect("has a mirror");
    let bytes = client.catalog().history_bytes();
    bytes.expect("one row")
}

/// Every file below a directory: how many, and their bytes.
fn on_disk(world: &MemoryWorld, peer: &Peer<'_>) -> Vec<Vec<u8>> {
    super::retention_histories::files_in_versions(world, peer)
}

#[test]
fn an_old_version_goes_after_its_time_and_the_head_never() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY * 30), None);
    let mut peer = Peer::new(&store);
    let one = peer.file("one");
    peer.deliver(&[create("f", one)]);
    world.clock.advance(DAY);
    let two = peer.file("two");
    peer.deliver(&[modify("f", two)]);
    world.clock.advance(DAY * 29);
    keep_up_twice(&world, &store);
    assert_eq!(peer.read(1, "f").expect("due once only"), b"one");
    world.clock.advance(DAY);
    keep_up(&store);
    assert!(!is_listed(&peer, 1));
    assert_eq!(code(peer.read(1, "f")), ProblemCode::NotFound);
    assert_eq!(on_disk(&world, &peer), Vec::<Vec<u8>>::new());
    assert_eq!(peer.read(2, "f").expect("is the head"), b"two");
    world.clock.advance(DAY * 3_000);
    keep_up_twice(&world, &store);
    assert_eq!(peer.read(2, "f").expect("is the head"), b"two");
}

#[test]
fn a_clock_that_jumps_and_comes_back_within_a_day_deletes_nothing() {
    for jump in [DAY * 365, DAY * 36_500] {
        let world = MemoryWorld::new(&["laptop"]);
        let store = keeping(&world, Some(DAY * 30), None);
        let mut peer = Peer::new(&store);
        for content in ["one", "two", "three"] {
            let entry = peer.file(content);
            peer.deliver(&[if content == "one" { create("f", entry) } else { modify("f", entry) }]);
            world.clock.advance(DAY);
        }
        let right = world.clock.now();
        world.clock.set_wall(right.plus_nanos(i64::try_from(jump.as_nanos()).expect("fits")));
        for _ in 0..23 {
            keep_up(&store);
            world.clock.advance(HOUR);
        }
        world.clock.set_wall(right.plus_nanos(23 * 3_600_000_000_000));
        for _ in 0..72 {
            keep_up(&store);
            world.clock.advance(HOUR);
        }
        assert_eq!(peer.read(1, "f").expect("was never due for a day"), b"one");
    }
}

#[test]
fn being_found_due_by_a_wrong_clock_does_not_count_later() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY * 30), None);
    let mut peer = Peer::new(&store);
    let (one, two) = (peer.file("one"), peer.file("two"));
    peer.deliver(&[create("f", one)]);
    world.clock.advance(DAY);
    peer.deliver(&[modify("f", two)]);
    let right = world.clock.now();
    world.clock.set_wall(right.plus_nanos(i64::try_from((DAY * 400).as_nanos()).expect("fits")));
    keep_up(&store);
    world.clock.set_wall(right);
    keep_up(&store);
    world.clock.advance(DAY * 30);
    keep_up(&store);
    assert!(is_listed(&peer, 1), "due for the first time");
    world.clock.advance(DAY);
    keep_up(&store);
    assert!(!is_listed(&peer, 1));
}

#[test]
fn a_state_in_between_that_is_forgotten_does_not_break_the_way_to_the_bytes() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY * 300), None);
    let mut peer = Peer::new(&store);
    let one = peer.file("one");
    peer.deliver(&[create("f", one)]);
    world.clock.advance(DAY * 2);
    for number in [3, 4, 5] {
        peer.deliver(&[Change::Metadata { path: path("f"), metadata: metadata(number) }]);
    }
    world.clock.advance(DAY * 40);
    keep_up_twice(&world, &store);
    assert_eq!([1, 2, 3, 4].map(|revision| is_listed(&peer, revision)), [true, false, false, true]);
    assert_eq!(peer.read(1, "f").expect("lies where the head has it"), b"one");
}

#[test]
fn a_clock_that_goes_back_deletes_nothing_and_revision_times_do_not_follow_it() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY * 30), None);
    let mut peer = Peer::new(&store);
    let one = peer.file("one");
    peer.deliver(&[create("f", one)]);
    world.clock.set_wall(Timestamp::from_parts(1_000_000_000, 0));
    let two = peer.file("two");
    peer.deliver(&[modify("f", two)]);
    for _ in 0..100 {
        keep_up(&store);
        world.clock.advance(DAY);
    }
    assert_eq!(peer.read(1, "f").expect("by its own time it is in the future"), b"one");
}

#[test]
fn being_due_counts_over_reboots_but_only_while_the_machine_runs() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY), None);
    let mut peer = Peer::new(&store);
    let one = peer.file("one");
    peer.deliver(&[create("f", one)]);
    let two = peer.file("two");
    peer.deliver(&[modify("f", two)]);
    world.clock.advance(DAY * 2);
    keep_up(&store);
    for _ in 0..3 {
        world.clock.reboot();
        world.clock.advance(HOUR * 7);
        keep_up(&store);
        assert!(is_listed(&peer, 1));
    }
    world.clock.reboot();
    world.clock.advance(HOUR * 3);
    keep_up(&store);
    assert!(!is_listed(&peer, 1), "24 hours in four boots");
}

#[test]
fn history_is_thinned_to_a_revision_a_day_and_then_a_week() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, None, None);
    let mut peer = Peer::new(&store);
    let first = peer.file("first");
    peer.deliver(&[create("f", first)]);
    for number in 0..40 {
        for part in 0..4 {
            let entry = peer.file(format!("{number} {part}"));
            peer.deliver(&[modify("f", entry)]);
            world.clock.advance(HOUR * 6);
        }
    }
    let head = peer.head().number;
    keep_up_twice(&world, &store);
    let listed: Vec<u64> = (1..=head).filter(|revision| is_listed(&peer, *revision)).collect();
    assert!((33..=40).contains(&listed.len()), "{} of {head}", listed.len());
    for revision in listed {
        assert!(peer.read(revision, "f").is_ok(), "{revision}");
    }
    assert_eq!(on_disk(&world, &peer).len() as u64 + 1, (1..=head).filter(|n| is_listed(&peer, *n)).count() as u64);
}

#[test]
fn a_file_that_was_in_a_deleted_directory_is_let_go_while_the_directory_is_kept() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY * 300), None);
    let mut peer = Peer::new(&store);
    let (old, new, moved_in) = (peer.file("old"), peer.file("new"), peer.file("moved in"));
    peer.deliver(&[create("d", directory()), create("d/old", old), create("m", moved_in.clone())]);
    world.clock.advance(DAY * 2);
    // For a moment only: between two midnights, long ago by the time of the look.
    peer.deliver(&[create("d/new", new), moved("m", "d/m", moved_in)]);
    peer.deliver(&[delete("d")]);
    world.clock.advance(DAY * 40);
    keep_up_twice(&world, &store);
    assert!(!is_listed(&peer, 2));
    assert_eq!(peer.read(1, "d/old").expect("kept"), b"old");
    assert_eq!(peer.read(1, "m").expect("was taken out of the directory, or lies there still"), b"moved in");
    assert_eq!(on_disk(&world, &peer), [b"moved in".to_vec(), b"old".to_vec()]);
    assert_eq!(history_bytes(&store, &peer), 11);
}

#[test]
fn what_moved_into_a_directory_outlives_it() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY * 300), None);
    let mut peer = Peer::new(&store);
    let (f, g, h) = (peer.file("f"), peer.file("g"), peer.file("h"));
    peer.deliver(&[create("f", f.clone()), create("e", directory()), create("e/g", g)]);
    world.clock.advance(DAY * 2);
    peer.deliver(&[create("d", directory()), create("d/h", h.clone())]);
    peer.deliver(&[moved("f", "d/f", f), moved("e", "d/e", directory()), create("d/e/h", h)]);
    peer.deliver(&[delete("d")]);
    world.clock.advance(DAY * 40);
    keep_up_twice(&world, &store);
    assert_eq!([2, 3].map(|revision| is_listed(&peer, revision)), [false, false]);
    assert_eq!(peer.read(1, "f").expect("kept"), b"f");
    assert_eq!(peer.read(1, "e/g").expect("kept"), b"g");
    assert_eq!(on_disk(&world, &peer), [b"f".to_vec(), b"g".to_vec()]);
    assert_eq!(history_bytes(&store, &peer), 2);
}

#[test]
fn a_version_passes_to_an_earlier_state_of_the_same_file() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY * 300), None);
    let mut peer = Peer::new(&store);
    let (one, two) = (peer.file("one"), peer.file("two"));
    peer.deliver(&[create("f", one.clone())]);
    world.clock.advance(DAY * 2);
    peer.deliver(&[moved("f", "g", one)]);
    peer.deliver(&[modify("g", two)]);
    world.clock.advance(DAY * 40);
    keep_up_twice(&world, &store);
    assert!(!is_listed(&peer, 2));
    assert_eq!(peer.read(1, "f").expect("kept"), b"one");
    // And a content in between that is not needed does not break the way to where the bytes are now.
    assert_eq!(peer.read(3, "g").expect("is the head"), b"two");
}

#[test]
fn a_client_whose_head_was_thinned_is_told_so_and_gets_the_whole_tree() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY), None);
    let mut peer = Peer::new(&store);
    let (one, two) = (peer.file("one"), peer.file("two"));
    let first = peer.deliver(&[create("f", one)]);
    let gone = peer.deliver(&[create("short", two.clone())]);
    peer.deliver(&[delete("short")]);
    world.clock.advance(DAY * 3);
    keep_up_twice(&world, &store);
    for head in [first, gone] {
        let reply = peer.contact_at(head);
        assert!(!reply.in_chain, "what changed since cannot be told");
        let request = protocol::wire::ChangesSince { mirror: peer.mirror.clone(), since: head, until: None, skip: 0 };
        assert_eq!(code(peer.store.changes_since(&peer.client, &request)), ProblemCode::HeadMoved);
    }
    assert!(peer.contact_at(Head::genesis()).in_chain);
    assert!(peer.contact_at(peer.head()).in_chain);
    assert_eq!(peer.tree_at(peer.head().number).iter().count(), 1);
    let takeover = protocol::wire::TakeOver {
        mirror: peer.mirror.clone(),
        lineage: lineage(9),
        former: Some(lineage(1)),
        fork: Head::genesis(),
    };
    peer.store.take_over(&peer.client, &takeover).expect("from the beginning");
}

#[test]
fn what_an_open_proposal_counts_on_stays_until_it_is_done() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY), None);
    let mut peer = Peer::new(&store);
    let (one, two) = (peer.file("one"), peer.file("two"));
    peer.deliver(&[create("f", one.clone())]);
    peer.deliver(&[modify("f", two)]);
    world.clock.advance(DAY * 2);
    keep_up(&store);
    world.clock.advance(DAY);
    let again = [create("again", one)];
    let plans = peer.plans(&again);
    assert_eq!(peer.open(&again, plans), [], "it is held");
    keep_up(&store);
    assert!(matches!(peer.commit_on(peer.head(), &again), Ok(protocol::wire::Committed::Durable { .. })));
    assert_eq!(peer.read(3, "again").expect("was copied"), b"one");
    keep_up(&store);
    assert_eq!(on_disk(&world, &peer), Vec::<Vec<u8>>::new());
}

#[test]
fn foreign_things_go_after_their_time() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY * 5), None);
    let mut peer = Peer::new(&store);
    let one = peer.file("one");
    let root = world.root(&peer);
    let name = protocol::Name::parse(b"f").expect("a name");
    root.create_file(&name).and_then(|file| file.write_all_at(b"foreign", 0)).expect("somebody's file");
    peer.deliver(&[create("f", one)]);
    assert_eq!(on_disk(&world, &peer), [b"foreign".to_vec()]);
    world.clock.advance(DAY * 4);
    keep_up_twice(&world, &store);
    assert_eq!(on_disk(&world, &peer), [b"foreign".to_vec()]);
    keep_up_twice(&world, &store);
    assert_eq!(on_disk(&world, &peer), Vec::<Vec<u8>>::new());
    assert_eq!(peer.read(1, "f").expect("ours"), b"one");
}

#[test]
fn a_ceiling_lets_the_oldest_go_before_a_batch_is_decided() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, None, Some(10_000));
    let mut peer = Peer::new(&store);
    let big = |number: usize| vec![u8::try_from(number).expect("small"); 3_000];
    let first = peer.file(big(0));
    peer.deliver(&[create("f", first)]);
    for number in 1..10 {
        let entry = peer.file(big(number));
        peer.deliver(&[modify("f", entry)]);
        assert!(history_bytes(&store, &peer) <= 10_000);
        assert_eq!(on_disk(&world, &peer).concat().len() as u64, history_bytes(&store, &peer));
    }
    let listed: Vec<u64> = (1..=10).filter(|revision| is_listed(&peer, *revision)).collect();
    assert_eq!(listed, [7, 8, 9, 10]);
    assert_eq!(peer.read(7, "f").expect("kept"), big(6));
}

#[test]
fn a_batch_past_the_ceiling_is_taken_and_its_history_goes_at_the_next_look() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, None, Some(1_000));
    let mut peer = Peer::new(&store);
    let (big, small) = (peer.file(vec![1; 5_000]), peer.file("small"));
    peer.deliver(&[create("d", directory()), create("d/big", big), create("l", link("x"))]);
    peer.deliver(&[delete("d"), replace("l", small)]);
    assert_eq!(history_bytes(&store, &peer), 5_000);
    keep_up(&store);
    assert_eq!(history_bytes(&store, &peer), 0);
    assert_eq!(on_disk(&world, &peer), Vec::<Vec<u8>>::new());
    assert!(!is_listed(&peer, 1) && is_listed(&peer, 2));
}

#[test]
fn an_ended_pass_goes_on_the_next_time() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = keeping(&world, Some(DAY), None);
    let mut peer = Peer::new(&store);
    let mut batch = vec![create("d", directory())];
    for number in 0..40 {
        batch.push(create(&format!("d/e{number}"), directory()));
        let entry = peer.file(format!("{number}"));
        batch.push(create(&format!("d/e{number}/f"), entry));
    }
    peer.deliver(&batch);
    peer.deliver(&[delete("d")]);
    world.clock.advance(DAY * 2);
    keep_up(&store);
    world.clock.advance(DAY);
    let left = std::cell::Cell::new(0u32);
    let mut passes = 0;
    while !on_disk(&world, &peer).is_empty() {
        left.set(passes);
        store.keep_up(&|| left.replace(left.get().saturating_sub(1)) > 0);
        passes += 1;
        assert!(passes < 200);
    }
    assert!(passes > 5, "{passes}");
    assert!(matches!(
        peer.store.propose(&peer.client, &peer.proposal(peer.head(), &[create("d", directory())], vec![])),
        Ok(Proposed::Open { .. })
    ));
}
