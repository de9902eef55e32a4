//! Files that cease to exist: which changes end one, and for how long that counts.

use std::time::Duration;

use protocol::limits::BRAKE_WINDOW;
use protocol::wire::TakeOver;
use protocol::{Change, Head, MirrorName};
use seams::clock::Clock;
use seams::memory::ManualClock;

use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, directory, lineage, link, modify, moved, replace};

/// Files that ceased to exist by revisions in the window, and files in the mirror.
fn counts(peer: &Peer<'_>) -> (u64, u64) {
    let reply = peer.contact_at(Head::genesis());
    (reply.ended_files, reply.files)
}

/// A peer whose mirror holds six files: `a`, `b`, `d/x`, `d/y`, `d/e/z` and `k`.
fn six_files(store: &dyn Store) -> Peer<'_> {
    let mut peer = Peer::new(store);
    let mut changes = vec![create("d", directory()), create("d/e", directory()), create("l", link("t"))];
    changes.extend(["a", "b", "d/x", "d/y", "d/e/z", "k"].map(|name| create(name, peer.file(name))));
    peer.deliver(&changes);
    assert_eq!(counts(&peer), (0, 6));
    peer
}

/// What a batch on six files comes to.
fn after(store: &dyn Store, changes: impl FnOnce(&mut Peer<'_>) -> Vec<Change>) -> (u64, u64) {
    let mut peer = six_files(store);
    let changes = changes(&mut peer);
    peer.deliver(&changes);
    counts(&peer)
}

pub(crate) fn an_unknown_mirror_has_no_files(store: &dyn Store) {
    assert_eq!(counts(&Peer::stranger(store)), (0, 0));
    assert_eq!(counts(&Peer::new(store)), (0, 0));
}

pub(crate) fn a_deleted_file_is_counted_and_a_symlink_is_not(store: &dyn Store) {
    assert_eq!(after(store, |_| vec![delete("a"), delete("l")]), (1, 5));
}

pub(crate) fn a_deleted_directory_counts_every_file_below_it(store: &dyn Store) {
    assert_eq!(after(store, |_| vec![delete("d")]), (3, 3));
}

pub(crate) fn what_leaves_a_deleted_directory_first_is_not_counted(store: &dyn Store) {
    let out =
        |peer: &mut Peer<'_>| vec![delete("d"), moved("d/e", "e", directory()), moved("d/x", "x", peer.file("d/x"))];
    assert_eq!(after(store, out), (1, 5));
}

pub(crate) fn what_left_or_ended_before_its_directory_is_not_counted_again(store: &dyn Store) {
    let peer = six_files(store);
    peer.deliver(&[moved("d/e", "e", directory()), delete("d/x")]);
    assert_eq!(counts(&peer), (1, 5));
    peer.deliver(&[delete("d")]);
    assert_eq!(counts(&peer), (2, 4));
}

pub(crate) fn a_directory_replaced_by_a_file_counts_what_was_in_it(store: &dyn Store) {
    assert_eq!(after(store, |peer| vec![replace("d", peer.file("new"))]), (3, 4));
}

pub(crate) fn a_file_replaced_by_another_kind_is_counted(store: &dyn Store) {
    assert_eq!(after(store, |_| vec![replace("a", link("t")), replace("b", directory())]), (2, 4));
}

pub(crate) fn a_file_that_a_move_overwrites_is_counted(store: &dyn Store) {
    assert_eq!(after(store, |peer| vec![moved("a", "b", peer.file("a"))]), (1, 5));
}

pub(crate) fn another_file_under_the_name_of_a_deleted_one_does_not_hide_it(store: &dyn Store) {
    assert_eq!(after(store, |peer| vec![delete("a"), create("a", peer.file("other"))]), (1, 6));
}

pub(crate) fn swaps_renames_and_new_contents_end_nothing(store: &dyn Store) {
    let changes = |peer: &mut Peer<'_>| {
        let (a, b, other) = (peer.file("a"), peer.file("b"), peer.file("other"));
        vec![moved("a", "b", a), moved("b", "a", b), moved("d", "f", directory()), modify("k", other)]
    };
    assert_eq!(after(store, changes), (0, 6));
}

pub(crate) fn small_deletes_add_up(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let entry = peer.file("same");
    let name = |n: u64| format!("f{n}");
    peer.deliver(&(0..100).map(|n| create(&name(n), entry.clone())).collect::<Vec<_>>());
    for n in 0..100 {
        peer.deliver(&[delete(&name(n))]);
        assert_eq!(counts(&peer), (n + 1, 99 - n));
    }
}

pub(crate) fn mirrors_of_one_client_are_counted_apart(store: &dyn Store) {
    let mut peer = six_files(store);
    peer.deliver(&[delete("d")]);
    peer.mirror = MirrorName::parse(b"other").expect("a valid name");
    store.claim(&peer.client, &peer.claim("/other", None)).expect("nobody claimed it before");
    assert_eq!(counts(&peer), (0, 0));
}

pub(crate) fn a_takeover_keeps_the_window_whoever_asks_from_wherever(store: &dyn Store) {
    let mut peer = six_files(store);
    let fork = peer.head();
    peer.deliver(&[delete("d")]);
    let takeover = TakeOver { mirror: peer.mirror.clone(), lineage: lineage(2), former: Some(peer.lineage), fork };
    store.take_over(&peer.client, &takeover).expect("the fork is in the chain");
    peer.lineage = lineage(2);
    let head = peer.deliver(&[delete("a")]);
    for asking in [Head::genesis(), fork, head] {
        let reply = peer.contact_at(asking);
        assert_eq!((reply.ended_files, reply.files), (4, 2));
    }
}

pub(crate) fn a_day_later_a_revision_does_not_count_any_more(store: &dyn Store, clock: &ManualClock) {
    let peer = six_files(store);
    peer.deliver(&[delete("d")]);
    clock.advance(BRAKE_WINDOW / 2);
    peer.deliver(&[delete("a")]);
    clock.advance(BRAKE_WINDOW / 2 - Duration::from_secs(1));
    assert_eq!(counts(&peer), (4, 2));
    clock.advance(Duration::from_secs(1));
    assert_eq!(counts(&peer), (1, 2), "files that ended longer ago are forgotten, those that are there never");
    clock.advance(BRAKE_WINDOW / 2);
    assert_eq!(counts(&peer), (0, 2));
}

pub(crate) fn a_clock_set_back_lets_nothing_leave_the_window_early(store: &dyn Store, clock: &ManualClock) {
    let peer = six_files(store);
    peer.deliver(&[delete("d")]);
    let decided = clock.now();
    clock.set_wall(decided.plus_nanos(-10 * 86_400 * 1_000_000_000));
    peer.deliver(&[delete("a")]);
    assert_eq!(counts(&peer), (4, 2));
    clock.set_wall(decided);
    clock.advance(BRAKE_WINDOW - Duration::from_secs(1));
    assert_eq!(counts(&peer), (4, 2), "a revision is never older than the one before it");
    clock.advance(Duration::from_secs(1));
    assert_eq!(counts(&peer), (0, 2));
}
