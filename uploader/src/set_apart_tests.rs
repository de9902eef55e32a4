//! What is left of a plan can be applied, and what was set apart has not happened.

use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::{ContentId, RelPath, Tree};
use seams::random::{Random, SeededRandom};

use super::*;
use crate::test_support::{World, create, delete, directory, file, moved, path, tree};

fn places(of: &[usize]) -> BTreeSet<usize> {
    of.iter().copied().collect()
}

#[test]
fn nothing_set_apart_is_the_whole_plan() {
    let plan = vec![create("a", file("1")), delete("b")];
    assert_eq!(set_apart(plan.clone(), &places(&[])), Apart { kept: plan, ..Apart::default() });
}

#[test]
fn what_needs_the_place_waits_and_everything_else_is_delivered() {
    let plan = vec![delete("d"), moved("x", "d", file("x")), create("n", file("1")), delete("o")];
    let apart = set_apart(plan.clone(), &places(&[0]));
    assert_eq!((&apart.set_apart, &apart.dependents), (&vec![plan[0].clone()], &vec![plan[1].clone()]));
    assert_eq!(apart.kept, plan[2..]);
}

#[test]
fn what_moves_out_of_a_directory_that_is_not_deleted_yet_does_so() {
    let plan = vec![delete("d"), moved("d/x", "x", file("x"))];
    let apart = set_apart(plan.clone(), &places(&[0]));
    assert_eq!(apart.kept, plan[1..]);
    let base = tree(&["d/", "d/x=x", "d/y=y"]);
    assert_eq!(base.apply(&apart.kept), Ok(tree(&["d/", "d/y=y", "x=x"])));
}

#[test]
fn a_directory_is_not_deleted_with_what_was_to_be_moved_out_of_it() {
    let plan = vec![delete("d"), moved("d/x", "o", file("x"))];
    let apart = set_apart(plan.clone(), &places(&[1]));
    assert_eq!((apart.kept, apart.set_apart, apart.dependents), (vec![], plan[1..].to_vec(), plan[..1].to_vec()));
}

#[test]
fn a_replaced_directory_stays_with_all_that_is_in_it() {
    let replace = Change::Replace { path: path("d"), entry: file("1") };
    let plan = vec![replace, moved("d/e", "e", directory()), delete("d/e/x")];
    let apart = set_apart(plan.clone(), &places(&[0]));
    assert_eq!(apart.kept, plan[1..], "that moved out for itself");
    let apart = set_apart(plan.clone(), &places(&[2]));
    assert_eq!(apart.dependents, plan[..1]);
}

/// Where what is at a path of the base lies after changes: with the nearest directory above that moves.
fn after(at: &RelPath, changes: &[Change]) -> RelPath {
    let moves = changes.iter().filter_map(|change| match change {
        Change::Move { from, to, .. } => Some((from, to)),
        _ => None,
    });
    let above = moves.filter(|(from, _)| *from == at || at.is_below(from));
    let nearest = above.max_by_key(|(from, _)| from.depth());
    nearest.and_then(|(from, to)| at.rebased(from, to)).unwrap_or_else(|| at.clone())
}

/// Whether the result is as if a change had never been thought of: what was to go is there, what was to come is not.
/// Contents are distinct.
fn has_not_happened(change: &Change, base: &Tree, kept: &[Change], result: &Tree) -> bool {
    let is_still_there = |at: &RelPath| match (base.get(at), result.get(&after(at, kept))) {
        (Some(was), Some(now)) => was.same_content(now),
        _ => false,
    };
    match change {
        Change::Delete { path } | Change::Move { from: path, .. } => is_still_there(path),
        Change::Replace { entry, .. } | Change::Create { entry, .. } | Change::Modify { entry, .. } => {
            entry.content().is_none_or(|(content, _)| !contents(result).contains_key(&content))
        }
        Change::Metadata { .. } => true,
    }
}

/// The contents of a tree, and where each is.
fn contents(tree: &Tree) -> BTreeMap<ContentId, &RelPath> {
    tree.iter().filter_map(|(path, entry)| Some((entry.content()?.0, path))).collect()
}

/// Whether one of these changes by itself ends a file of the base.
fn end(changes: &[Change], at: &RelPath) -> bool {
    let then = after(at, changes);
    changes.iter().any(|change| match change {
        Change::Delete { path } => path == at || at.is_below(path),
        Change::Replace { path, .. } => *path == then || then.is_below(path),
        Change::Move { to, .. } => *to == then,
        Change::Create { .. } | Change::Modify { .. } | Change::Metadata { .. } => false,
    })
}

fn check(seed: u64, edits: usize) {
    let random = SeededRandom::new(seed);
    let mut world = World::random(&random, true);
    let (base, old) = (world.tree(), world.clone());
    (0..edits).for_each(|_| world.step(&random));
    let plan = world.plan_since(&old, &random);
    assert_eq!(base.apply(&plan), Ok(world.tree()), "the test's own plan: {plan:#?}");
    let chosen: BTreeSet<usize> = (0..plan.len()).filter(|_| random.below(5) == 0).collect();
    let apart = set_apart(plan.clone(), &chosen);
    assert_eq!(apart.kept.len() + apart.set_apart.len() + apart.dependents.len(), plan.len());
    assert_eq!(apart.set_apart.len(), chosen.len());
    let result = match base.apply(&apart.kept) {
        Ok(result) => result,
        Err(refused) => panic!("{refused:?} of {:#?} without {:#?}", apart.kept, apart.set_apart),
    };
    for change in apart.set_apart.iter().chain(&apart.dependents) {
        assert!(has_not_happened(change, &base, &apart.kept, &result), "{change:?} in spite of {apart:#?}");
    }
    let there = contents(&result);
    let planned = world.tree();
    let stay = contents(&planned);
    for (content, at) in contents(&base).into_iter().filter(|(content, _)| !there.contains_key(content)) {
        assert!(!stay.contains_key(&content), "{at} was not to end at all: {apart:#?}");
        assert!(end(&apart.kept, at), "{at} was to end by what was set apart: {apart:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8192, ..ProptestConfig::default() })]
    #[test]
    fn what_is_kept_applies_and_what_was_set_apart_has_not_happened(seed: u64, edits in 1usize..40) {
        check(seed, edits);
    }
}
