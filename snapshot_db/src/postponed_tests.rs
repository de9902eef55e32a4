//! Paths that wait.

use super::*;
use crate::place::Place;
use crate::testing::{LINEAGE, path};

fn why(kind: PostponedKind, tries: u32) -> Postponement {
    let at = |second| Timestamp::from_parts(second, 0);
    Postponement { kind, reason: "it moves".to_owned(), since: at(1), tries, last_try: at(2), next_try: at(3) }
}

fn waiting(items: &[(&str, PostponedKind, u32)]) -> Waiting {
    items.iter().map(|(at, kind, tries)| (path(at), why(*kind, *tries))).collect()
}

fn kept(snapshot: &Snapshot) -> Waiting {
    snapshot.known().expect("readable").postponed
}

#[test]
fn exactly_what_waits_now_is_kept() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    let mut first = waiting(&[("a", PostponedKind::Problem, 1), ("b/\u{1}c", PostponedKind::Deferred, u32::MAX)]);
    first.insert(RelPath::root(), why(PostponedKind::Refused, 0));
    first.insert(RelPath::parse(b"not \xff UTF-8").expect("a path"), why(PostponedKind::Refused, 0));
    snapshot.set_postponed(&first).expect("kept");
    assert_eq!(kept(&snapshot), first);
    let second = waiting(&[("a", PostponedKind::Problem, 2), ("d", PostponedKind::Refused, 1)]);
    snapshot.set_postponed(&second).expect("kept");
    assert_eq!(kept(&snapshot), second);
    snapshot.set_postponed(&Waiting::new()).expect("kept");
    assert_eq!(kept(&snapshot), Waiting::new());
}

#[test]
fn only_the_difference_is_written_and_nothing_without_one() {
    let place = Place::new();
    let snapshot = place.open().snapshot;
    let mut paths: Waiting =
        (0..100).map(|number| (path(&format!("{number}")), why(PostponedKind::Problem, 1))).collect();
    snapshot.set_postponed(&paths).expect("kept");
    place.busy().set_postponed(&paths).expect("nothing to write");
    paths.remove(&path("7"));
    paths.insert(path("8"), why(PostponedKind::Problem, 2));
    let before = snapshot.writer().total_changes();
    snapshot.set_postponed(&paths).expect("kept");
    assert_eq!(snapshot.writer().total_changes() - before, 2, "one deleted, one put");
    assert_eq!(kept(&snapshot), paths);
}

#[test]
fn of_too_many_the_problems_are_forgotten_first_for_they_are_tried_anyway() {
    let mut many: Waiting =
        (0..70_000).map(|number| (path(&format!("{number:05}")), why(PostponedKind::Problem, 1))).collect();
    many.extend(waiting(&[("x", PostponedKind::Deferred, 3), ("y", PostponedKind::Refused, 3)]));
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.set_postponed(&many).expect("kept");
    let kept = kept(&snapshot);
    assert_eq!(kept.len(), 65_536);
    assert!(kept.contains_key(&path("x")) && kept.contains_key(&path("y")) && kept.contains_key(&path("00000")));
}

#[test]
fn a_path_that_waits_for_an_unknown_reason_is_damage() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.set_postponed(&waiting(&[("a", PostponedKind::Problem, 1)])).expect("kept");
    snapshot.writer().execute("UPDATE postponed SET kind = 9", []).expect("spoilt");
    assert!(snapshot.known().expect_err("is damaged").is_damage());
}
