//! How a plan is cut into batches.

use protocol::{Metadata, Tree};

use super::*;
use crate::test_support::{create, delete, directory, file, moved, path, tree};

fn sizes(changes: usize, max_changes: usize) -> Sizes {
    Sizes { changes, max_changes, ..Sizes::default() }
}

/// Applies batches one after another, each a set on what the earlier ones made.
fn apply_all(base: &Tree, batches: &[Vec<Change>]) -> Tree {
    batches.iter().fold(base.clone(), |tree, batch| match tree.apply(batch) {
        Ok(next) => next,
        Err(refused) => panic!("{refused:?}\n of {batch:#?}\n on {tree:#?}\n in {batches:#?}"),
    })
}

#[test]
fn an_empty_plan_has_no_batches() {
    assert_eq!(batches(Vec::new(), &Sizes::default()), Ok(Vec::new()));
}

#[test]
fn parents_come_before_children_and_deletes_last() {
    let plan = vec![
        delete("a"),
        create("b/c", file("2")),
        create("b", directory()),
        Change::Metadata { path: RelPath::root(), metadata: Metadata::default() },
    ];
    let cut = batches(plan, &sizes(1, 9)).expect("no moves");
    let order: Vec<_> = cut.iter().map(|batch| (batch[0].kind(), batch[0].path().to_string())).collect();
    let expected = [
        ("b", ChangeKind::Create),
        ("b/c", ChangeKind::Create),
        (".", ChangeKind::Metadata),
        ("a", ChangeKind::Delete),
    ];
    assert_eq!(order, expected.map(|(path, kind)| (kind, path.to_owned())));
}

#[test]
fn what_moves_into_a_new_directory_waits_for_it_and_a_swap_stays_together() {
    let plan = vec![
        create("new", directory()),
        moved("x", "new/x", file("x")),
        moved("a", "b", file("a")),
        moved("b", "a", file("b")),
    ];
    let cut = batches(plan, &sizes(1, 9)).expect("only files move");
    assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(apply_all(&tree(&["a=a", "b=b", "x=x"]), &cut), tree(&["a=b", "b=a", "new/", "new/x=x"]));
}

#[test]
fn a_delete_below_a_directory_moved_earlier_is_named_by_its_new_place() {
    let plan = vec![delete("a/b/gone"), moved("a", "z", directory()), moved("a/b", "y", directory())];
    let cut = batches(plan, &sizes(1, 9)).expect("no circle");
    assert_eq!(cut.last(), Some(&vec![delete("y/gone")]));
    assert_eq!(apply_all(&tree(&["a/", "a/b/", "a/b/gone=1"]), &cut), tree(&["y/", "z/"]));
}

#[test]
fn a_circle_of_files_larger_than_a_batch_becomes_creates_and_deletes() {
    let plan = vec![moved("a", "b", file("a")), moved("b", "c", file("b")), moved("c", "a", file("c"))];
    let base = tree(&["a=a", "b=b", "c=c"]);
    for max in 1..=3 {
        let cut = batches(plan.clone(), &sizes(1, max)).expect("only files move");
        assert!(cut.iter().all(|batch| batch.len() <= max));
        assert_eq!(apply_all(&base, &cut), tree(&["a=c", "b=a", "c=b"]));
    }
}

#[test]
fn a_circle_of_files_can_be_taken_apart_in_a_directory_that_moves_out_of_a_deleted_one() {
    let plan = vec![
        delete("d"),
        moved("d/e", "z", directory()),
        moved("d/e/x", "z/y", file("x")),
        moved("d/e/y", "z/x", file("y")),
    ];
    let cut = batches(plan, &sizes(1, 1)).expect("only files move in a circle");
    assert_eq!(apply_all(&tree(&["d/", "d/e/", "d/e/x=x", "d/e/y=y"]), &cut), tree(&["z/", "z/x=y", "z/y=x"]));
}

#[test]
fn a_circle_of_directories_larger_than_a_batch_is_the_planners_business() {
    let plan = vec![moved("a", "b", directory()), moved("b", "a", directory())];
    assert_eq!(batches(plan, &sizes(1, 1)), Err(Entangled { changes: 2 }));
}

#[test]
fn contents_and_encoded_changes_fill_a_batch_too() {
    let plan: Vec<Change> = (0..10).map(|n| create(&format!("f{n}"), file("0123456789"))).collect();
    let by_content = Sizes { content_bytes: 30, ..Sizes::default() };
    assert_eq!(batches(plan.clone(), &by_content).expect("no moves").len(), 4);
    let one = canonical_batch(&plan[..1]).len();
    let by_request = Sizes { request_bytes: one * 5, ..Sizes::default() };
    assert_eq!(batches(plan.clone(), &by_request).expect("no moves").len(), 2);
    let large_file = Sizes { content_bytes: 1, ..Sizes::default() };
    assert_eq!(batches(plan, &large_file).expect("no moves").len(), 10);
}

#[test]
fn a_long_chain_of_renames_is_cut_in_order() {
    let name = |n: usize| format!("f{n:05}");
    let plan: Vec<Change> = (0..30_000).map(|n| moved(&name(n), &name(n + 1), file("x"))).collect();
    let cut = batches(plan, &Sizes::default()).expect("only files move");
    assert_eq!(cut.len(), 30_000_usize.div_ceil(TARGET_BATCH_CHANGES));
    assert_eq!(cut[0][0].path(), &path(&name(30_000)));
}

/// So many files in 100 directories move by themselves: to one of two new directories each.
fn many_moves(files: usize) -> Vec<Change> {
    let new = ["even", "odd"];
    let made = new.iter().map(|at| create(at, directory()));
    let places = (0..files).map(|n| (format!("d{}/f{n}", n % 100), format!("{}/f{n}", new[n % 2])));
    made.chain(places.map(|(from, to)| moved(&from, &to, file("same")))).collect()
}

#[test]
fn fifty_thousand_moves_need_no_more_than_their_new_directories() {
    let needs = [25_000, 50_000].map(|files| {
        let plan = many_moves(files);
        let needs: usize = Analysis::of(&plan).needs.iter().map(Vec::len).sum();
        assert_eq!(needs, files, "one for each move");
        let cut = batches(plan, &Sizes::default()).expect("no circle");
        assert_eq!(cut.iter().map(Vec::len).sum::<usize>(), files + 2);
        assert!(cut.len() <= files / TARGET_BATCH_CHANGES + 1);
        needs
    });
    assert_eq!(needs[1], 2 * needs[0]);
}

#[test]
fn circles_of_fifty_thousand_files_are_taken_apart_at_once() {
    let files = 50_000;
    for circle in [2, 50_000] {
        let next = |n: usize| if (n + 1).is_multiple_of(circle) { n + 1 - circle } else { n + 1 };
        let plan: Vec<Change> =
            (0..files).map(|n| moved(&format!("f{n}"), &format!("f{}", next(n)), file("x"))).collect();
        assert_eq!(Analysis::of(&plan).needs.iter().map(Vec::len).sum::<usize>(), files, "one for each move");
        let cut = batches(plan, &sizes(circle - 1, circle - 1)).expect("only files move");
        assert_eq!(cut.iter().map(Vec::len).sum::<usize>(), 2 * files, "a create and a delete each");
    }
}
