use std::collections::BTreeSet;

use proptest::prelude::*;
use protocol::{Metadata, Tree};
use seams::random::SeededRandom;

use super::*;
use crate::test_support::{World, create, delete, directory, file, moved, path, tree};

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
    assert_eq!(cut.len(), 3);
    assert_eq!(cut[0][0].path(), &path(&name(30_000)));
}

fn check_history(seed: u64, edits: usize, changes: usize, max_changes: usize) {
    let random = SeededRandom::new(seed);
    let mut world = World::random(&random, false);
    let (base, old) = (world.tree(), world.clone());
    (0..edits).for_each(|_| world.step(&random));
    let plan = world.plan_since(&old, &random);
    assert_eq!(base.apply(&plan), Ok(world.tree()), "the test's own plan: {plan:#?}");
    let moves_directories = plan.iter().any(|change| change.kind() == ChangeKind::Move && change.is_directory());
    let expected: BTreeSet<_> = plan.iter().map(|change| change.path().clone()).collect();
    match batches(plan, &sizes(changes, max_changes)) {
        Ok(cut) => {
            assert!(cut.iter().all(|batch| !batch.is_empty() && batch.len() <= max_changes));
            assert_eq!(apply_all(&base, &cut), world.tree(), "{cut:#?}");
            assert!(
                cut.iter().flatten().filter(|c| c.kind() != ChangeKind::Delete).all(|c| expected.contains(c.path()))
            );
        }
        Err(entangled) => assert!(moves_directories && entangled.changes > max_changes),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]
    #[test]
    fn batches_in_order_give_the_tree_of_the_plan(seed: u64, edits in 1usize..40, changes in 1usize..6) {
        check_history(seed, edits, changes, MAX_BATCH_CHANGES);
    }

    #[test]
    fn no_batch_is_ever_over_the_maximum(seed: u64, edits in 1usize..40, max_changes in 1usize..5) {
        check_history(seed, edits, max_changes, max_changes);
    }
}
