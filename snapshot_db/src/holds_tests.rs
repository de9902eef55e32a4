//! Held lists: kept, decided about, let go; also from beside a running loop.

use protocol::Change;

use super::*;
use crate::place::Place;
use crate::testing::{LINEAGE, create, delete, file, head, path};

fn digest(number: u8) -> HeldDigest {
    HeldDigest::from_bytes([number; 32])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_parts(second, 0)
}

fn list(number: u8) -> HeldList {
    HeldList::new(digest(number), at(1), vec![(delete("a"), 7), (create("b", file("1")), u64::MAX)])
}

fn held(snapshot: &Snapshot) -> Vec<(HeldDigest, Option<Decision>)> {
    let lists = snapshot.held_lists().expect("readable");
    lists.iter().map(|list| (list.digest, list.decision.map(|(decision, _)| decision))).collect()
}

fn changes_kept(snapshot: &Snapshot) -> i64 {
    let count = snapshot.writer().query_row("SELECT count(*) FROM held_change", [], |row| row.get(0));
    count.expect("readable")
}

#[test]
fn a_held_list_is_kept_whole_and_its_changes_go_with_it() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.hold(&list(1)).expect("held");
    assert_eq!(snapshot.held_lists().expect("readable"), [list(1)]);
    assert_eq!(list(1).files(), u64::MAX, "sums saturate");
    snapshot.drop_held(&digest(1)).expect("dropped");
    assert_eq!((held(&snapshot), changes_kept(&snapshot)), (vec![], 0));
}

#[test]
fn the_same_list_held_again_keeps_its_time_and_its_decision() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.hold(&list(1)).expect("held");
    snapshot.decide(&digest(1), Decision::Approved, at(5)).expect("decided");
    snapshot.hold(&HeldList { since: at(9), ..list(1) }).expect("held");
    let approved = HeldList { decision: Some((Decision::Approved, at(5))), ..list(1) };
    assert_eq!(snapshot.held_lists().expect("readable"), [approved]);
}

#[test]
fn another_list_drops_the_undecided_and_the_rejected_and_keeps_the_approved() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.hold(&list(1)).expect("held");
    snapshot.decide(&digest(1), Decision::Approved, at(5)).expect("decided");
    snapshot.hold(&list(2)).expect("held");
    snapshot.hold(&list(3)).expect("held");
    assert_eq!(held(&snapshot), [(digest(1), Some(Decision::Approved)), (digest(3), None)]);
    snapshot.decide(&digest(3), Decision::Rejected, at(6)).expect("decided");
    snapshot.hold(&list(1)).expect("held");
    assert_eq!(held(&snapshot), [(digest(1), Some(Decision::Approved))]);
    assert_eq!(changes_kept(&snapshot), 2);
}

#[test]
fn a_rejected_list_cannot_be_approved_until_it_changes() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.hold(&list(1)).expect("held");
    snapshot.decide(&digest(1), Decision::Approved, at(5)).expect("decided");
    snapshot.decide(&digest(1), Decision::Rejected, at(6)).expect("decided");
    let again = snapshot.decide(&digest(1), Decision::Approved, at(7)).expect("decided");
    let rejected = (Decision::Rejected, at(6));
    assert_eq!(again, Decided::Held { before: Some(rejected), now: rejected });
    assert_eq!(held(&snapshot), [(digest(1), Some(Decision::Rejected))]);
    snapshot.hold(&list(2)).expect("held");
    let other = snapshot.decide(&digest(2), Decision::Approved, at(8)).expect("decided");
    assert_eq!(other, Decided::Held { before: None, now: (Decision::Approved, at(8)) });
}

#[test]
fn approving_twice_is_answered_while_it_is_held_and_after_it_went() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    let approve = |second| snapshot.decide(&digest(1), Decision::Approved, at(second)).expect("decided");
    assert_eq!(approve(4), Decided::Unknown);
    snapshot.hold(&list(1)).expect("held");
    let first = (Decision::Approved, at(5));
    assert_eq!(approve(5), Decided::Held { before: None, now: first });
    assert_eq!(approve(6), Decided::Held { before: Some(first), now: first });
    snapshot.drop_held(&digest(1)).expect("dropped");
    assert_eq!(approve(7), Decided::LetGo(at(5)));
    assert_eq!(snapshot.let_go().expect("readable"), [(digest(1), at(5))]);
    snapshot.hold(&list(1)).expect("held");
    assert_eq!(held(&snapshot), [(digest(1), None)], "the same files gone once more are held once more");
}

#[test]
fn a_list_that_was_not_approved_is_not_remembered_as_let_go() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.hold(&list(1)).expect("held");
    snapshot.decide(&digest(1), Decision::Rejected, at(5)).expect("decided");
    snapshot.drop_held(&digest(1)).expect("dropped");
    assert_eq!(snapshot.let_go().expect("readable"), []);
}

#[test]
fn of_lists_approved_and_let_go_the_newest_hundred_are_kept() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    for number in 0..=101 {
        snapshot.hold(&list(number)).expect("held");
        snapshot.decide(&digest(number), Decision::Approved, at(5)).expect("decided");
    }
    snapshot.hold(&list(200)).expect("held");
    let lists = held(&snapshot);
    assert_eq!((lists.len(), lists[0].0), (101, digest(2)), "a hundred approved, and the one held now");
    for number in 2..=101 {
        snapshot.drop_held(&digest(number)).expect("dropped");
    }
    for number in [0, 1] {
        snapshot.hold(&list(number)).expect("held");
        snapshot.decide(&digest(number), Decision::Approved, at(6)).expect("decided");
        snapshot.drop_held(&digest(number)).expect("dropped");
    }
    let gone = snapshot.let_go().expect("readable");
    assert_eq!((gone.len(), gone[0].0, gone[99].0), (100, digest(4), digest(1)));
}

#[test]
fn holding_what_is_held_and_dropping_what_is_not_writes_nothing() {
    let place = Place::new();
    let writer = place.open().snapshot;
    writer.hold(&list(1)).expect("held");
    let busy = place.busy();
    busy.hold(&list(1)).expect("nothing to write");
    busy.drop_held(&digest(2)).expect("nothing to write");
    busy.hold(&list(2)).expect_err("would be written");
}

#[test]
fn a_decision_from_beside_a_running_loop_is_seen_by_it() {
    let place = Place::new();
    let running = place.open().snapshot;
    running.hold(&list(1)).expect("held");
    assert_eq!(held(&running), [(digest(1), None)]);
    place.beside().decide(&digest(1), Decision::Approved, at(5)).expect("decided");
    assert_eq!(held(&running), [(digest(1), Some(Decision::Approved))]);
    running.acknowledge(head(1), &[create("a", file("1"))]).expect("the round goes on");
    assert!(running.row_at(&path("a")).expect("readable").is_some());
}

#[test]
fn a_decision_waits_for_the_rounds_transaction_and_loses_nothing_of_either() {
    let place = Place::new();
    let running = place.open().snapshot;
    running.hold(&list(1)).expect("held");
    std::thread::scope(|scope| {
        let (begun, wait) = std::sync::mpsc::channel();
        let place = &place;
        let decided = scope.spawn(move || {
            wait.recv().expect("the round has begun to write");
            place.beside().decide(&digest(1), Decision::Approved, at(5))
        });
        let entries = (0..20_000).map(|number: u32| {
            if number == 1 {
                begun.send(()).expect("somebody waits");
            }
            Ok::<_, SnapshotError>((path(&format!("file {number:05}")), file("1")))
        });
        running.replace_acknowledged(head(1), &protocol::Metadata::default(), entries).expect("replaced");
        let decided = decided.join().expect("no panic").expect("waited");
        assert!(matches!(decided, Decided::Held { before: None, .. }), "{decided:?}");
    });
    assert_eq!(held(&running), [(digest(1), Some(Decision::Approved))]);
    assert_eq!(running.counts().expect("readable").files, 20_000);
}

#[test]
fn what_is_held_under_an_unknown_decision_or_is_no_change_is_damage() {
    for spoil in ["UPDATE held_list SET decision = 9", "UPDATE held_change SET change = x'00'"] {
        let snapshot = Snapshot::in_memory(LINEAGE);
        snapshot.hold(&list(1)).expect("held");
        snapshot.writer().execute(spoil, []).expect("spoilt");
        assert!(snapshot.held_lists().expect_err("is damaged").is_damage(), "{spoil}");
    }
}

#[test]
fn people_see_and_type_the_beginning_of_a_digest() {
    let digest = HeldDigest::from_bytes(std::array::from_fn(|at| u8::try_from(at + 0xa0).expect("small")));
    assert_eq!(digest.to_string(), "a0a1a2a3a4a5");
    for (typed, is_it) in [("a0a1a2", true), ("a0a1a2a3a4a5a6a7", true), ("a0a1a3", false), ("1a2a3", false)] {
        assert_eq!(digest.begins_with(typed), is_it, "{typed}");
    }
}

#[test]
fn every_kind_of_change_is_held_as_it_is() {
    let entry = file("1");
    let metadata = protocol::Metadata { mode: 0o600, ..protocol::Metadata::default() };
    let changes = [
        create("a", entry.clone()),
        delete("b"),
        crate::testing::moved("c", "d", entry.clone()),
        Change::Modify { path: path("e"), entry: entry.clone() },
        Change::Replace { path: path("f"), entry },
        Change::Metadata { path: path("g"), metadata },
    ];
    let held = HeldList::new(digest(1), at(1), changes.map(|change| (change, 0)).into());
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.hold(&held).expect("held");
    assert_eq!(snapshot.held_lists().expect("readable"), [held]);
}
