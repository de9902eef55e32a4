//! The laws of plans, for all pairs of small trees.

use protocol::{Kind, RelPath, Tree};

use crate::directory_moves::infer;
use crate::finding::Finding;
use crate::perfect_scan::{Claims, findings, findings_by};
use crate::plan::plan;
use crate::plan_literals::{Literal, lines, literal, tree, words};

/// The contents that files have.
const CONTENTS: [&str; 2] = ["1", "2"];

/// All trees of up to so many entries under these names, files of two contents and directories.
fn small_trees(most: usize, names: &[&str]) -> Vec<Literal> {
    let trees = (0..=most).flat_map(|entries| below("", names, names, entries));
    trees.map(|items| literal(&items.iter().map(String::as_str).collect::<Vec<_>>())).collect()
}

/// All ways to have exactly so many entries in a directory, under some of these names.
fn below(at: &str, names: &[&str], all_names: &[&str], entries: usize) -> Vec<Vec<String>> {
    let Some((name, others)) = names.split_first() else {
        return if entries == 0 { vec![Vec::new()] } else { Vec::new() };
    };
    let mut all = below(at, others, all_names, entries);
    for size in 1..=entries {
        let rests = below(at, others, all_names, entries - size);
        for one in rooted(&format!("{at}{name}"), all_names, size) {
            all.extend(rests.iter().map(|rest| one.iter().chain(rest).cloned().collect::<Vec<_>>()));
        }
    }
    all
}

/// All ways to have something of exactly so many entries at a path.
fn rooted(here: &str, names: &[&str], entries: usize) -> Vec<Vec<String>> {
    let directory = format!("{here}/");
    let inside = below(&directory, names, names, entries - 1);
    let directories = inside.into_iter().map(|inside| std::iter::once(directory.clone()).chain(inside).collect());
    let files = CONTENTS.iter().filter(|_| entries == 1).map(|content| vec![format!("{here}={content}")]);
    files.chain(directories).collect()
}

/// All ways in which directories of one tree may be those of another.
fn all_claims(old: &Literal, new: &Literal) -> Vec<Claims> {
    let directories = |literal: &Literal| -> Vec<RelPath> {
        literal.iter().filter(|(_, (entry, _))| entry.kind() == Kind::Directory).map(|(path, _)| path.clone()).collect()
    };
    let new = directories(new);
    let mut all = vec![Claims::new()];
    for from in directories(old) {
        let mut more = Vec::new();
        for to in &new {
            let free = all.iter().filter(|claims| !claims.contains_key(to));
            more.extend(free.map(|claims| {
                claims
                    .iter()
                    .map(|(to, from)| (to.clone(), from.clone()))
                    .chain([(to.clone(), from.clone())])
                    .collect::<Claims>()
            }));
        }
        all.extend(more);
    }
    all
}

/// What is tried of all that there is, by `ROUNDSMAN_TEST_SIZE`: every so manieth pair, and whether with all claims or
/// with each in its turn.
fn size() -> (usize, bool) {
    match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("full") => (1, false),
        Ok("long") => (1, true),
        _ => (23, false),
    }
}

fn check_all(literals: &[Literal], pairs: usize) {
    assert_eq!(literals.len() * literals.len(), pairs);
    let trees: Vec<(&Literal, Tree)> = literals.iter().map(|literal| (literal, tree(literal))).collect();
    let (step, with_all_claims) = size();
    for pair in (0..pairs).step_by(step) {
        let ((old, base), (new, target)) = (&trees[pair / trees.len()], &trees[pair % trees.len()]);
        let check = |mut findings: Vec<Finding>| {
            infer(&mut findings);
            let changes = plan(&findings).changes;
            let result = base.apply(&changes);
            assert_eq!(result.as_ref(), Ok(target), "{:?}: {} -> {}", lines(&changes), words(old), words(new));
        };
        check(findings(old, new));
        let claims = all_claims(old, new);
        let turn = if with_all_claims { 0..claims.len() } else { pair % claims.len()..pair % claims.len() + 1 };
        claims[turn].iter().for_each(|claims| check(findings_by(old, new, claims)));
    }
}

#[test]
fn all_pairs_of_trees_of_up_to_four_entries_under_two_names() {
    check_all(&small_trees(4, &["a", "b"]), 179_776);
}

#[test]
fn all_pairs_of_trees_of_up_to_three_entries_under_three_names() {
    check_all(&small_trees(3, &["a", "b", "c"]), 172_225);
}
