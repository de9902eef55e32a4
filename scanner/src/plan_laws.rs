//! The laws of plans: applied, a plan makes the mirror as the source is, with its moves or without them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use protocol::{Change, Entry, Kind, RelPath, Tree};

use crate::directory_moves::infer;
use crate::finding::Finding;
use crate::perfect_scan::{Claims, claims_by_inode, findings_by};
use crate::perturbed::pairs;
use crate::plan::plan;
use crate::plan_literals::{Literal, cases, lines, tree, words};

/// Checks the laws for what is found in both ways: if inodes tell which directories are which, and if they do not.
fn check(old: &Literal, new: &Literal, claims: &Claims) {
    for claims in [claims, &Claims::new()] {
        let found = || findings_by(old, new, claims);
        check_plan(old, new, &found());
        let mut inferred = found();
        infer(&mut inferred);
        check_plan(old, new, &inferred);
        let mut again = found();
        infer(&mut again);
        assert_eq!(plan(&inferred), plan(&again), "the same input gives the same plan");
    }
}

fn check_plan(old: &Literal, new: &Literal, findings: &[Finding]) {
    assert!(findings.is_sorted_by_key(Finding::path));
    let changes = plan(findings).changes;
    let (base, target) = (tree(old), tree(new));
    let shown = || format!("{:?}\nfrom {}\nto {}", lines(&changes), words(old), words(new));
    assert_eq!(base.apply(&changes), Ok(target.clone()), "{}", shown());
    assert!(changes.is_sorted_by_key(Change::path));
    assert_eq!(base.apply(&without_moves(&changes, &base)), Ok(target), "without moves: {}", shown());
    assert_eq!(
        contents_of(changes.iter().filter_map(Change::entry), old),
        contents_of(new.values().map(|(e, _)| e), old),
        "{}",
        shown()
    );
}

/// The contents among entries that no old file has: what has to be sent.
fn contents_of<'a>(entries: impl Iterator<Item = &'a Entry>, old: &Literal) -> BTreeSet<protocol::ContentId> {
    let had: BTreeSet<_> = old.values().filter_map(|(entry, _)| entry.content()).collect();
    entries.filter_map(Entry::content).filter(|content| !had.contains(content)).map(|(content, _)| content).collect()
}

/// The same changes with every move as a delete of all that was there and creates of all that came.
fn without_moves(changes: &[Change], old: &Tree) -> Vec<Change> {
    let mut plain = Plain { made: carried(changes, old), changes: Vec::new() };
    let mut leaving: Vec<&RelPath> = changes.iter().filter_map(leaves).collect();
    leaving.sort();
    let topmost = leaving.iter().filter(|path| !path.ancestors().any(|above| leaving.binary_search(&&above).is_ok()));
    plain.changes.extend(topmost.map(|path| Change::Delete { path: (*path).clone() }));
    let stays =
        |path: &RelPath| old.get(path).is_some() && !leaving.iter().any(|top| path == *top || path.is_below(top));
    for change in changes {
        plain.take(change, stays);
    }
    plain.changes.extend(plain.made.into_iter().map(|(path, entry)| Change::Create { path, entry }));
    plain.changes
}

fn leaves(change: &Change) -> Option<&RelPath> {
    match change {
        Change::Delete { path } | Change::Move { from: path, .. } => Some(path),
        _ => None,
    }
}

/// What directories take along, by where it comes to be.
fn carried(changes: &[Change], old: &Tree) -> BTreeMap<RelPath, Entry> {
    let leaving: BTreeMap<&RelPath, Option<&RelPath>> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Delete { path } => Some((path, None)),
            Change::Move { from, to, .. } => Some((from, Some(to))),
            _ => None,
        })
        .collect();
    let carried = |(path, entry): (&RelPath, &Entry)| {
        let nearest = path.ancestors().filter(|above| leaving.contains_key(above)).last()?;
        let to = leaving[&nearest].filter(|_| !leaving.contains_key(path))?;
        Some((path.rebased(&nearest, to)?, entry.clone()))
    };
    old.iter().filter_map(carried).collect()
}

/// Changes without moves, as they come to be.
struct Plain {
    /// What directories that moved take along is made anew.
    made: BTreeMap<RelPath, Entry>,
    changes: Vec<Change>,
}

impl Plain {
    fn take(&mut self, change: &Change, stays: impl Fn(&RelPath) -> bool) {
        let path = change.path().clone();
        match change {
            Change::Delete { .. } => {}
            Change::Move { entry, .. } => {
                if self.made.remove(&path).is_none() && stays(&path) {
                    self.changes.push(Change::Delete { path: path.clone() });
                }
                self.changes.push(Change::Create { path, entry: entry.clone() });
            }
            Change::Metadata { metadata, .. } if self.made.contains_key(&path) => {
                *self.made.get_mut(&path).expect("asked a line above").metadata_mut() = metadata.clone();
            }
            Change::Modify { entry, .. } | Change::Replace { entry, .. } if self.made.contains_key(&path) => {
                self.made.remove(&path);
                if entry.kind() != Kind::Directory {
                    self.made.retain(|at, _| !at.is_below(&path));
                }
                self.changes.push(Change::Create { path, entry: entry.clone() });
            }
            other => self.changes.push(other.clone()),
        }
    }
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn a_plan_makes_the_mirror_as_the_source_is_whatever_both_are((old, new) in pairs()) {
        check(&old, &new, &claims_by_inode(&old, &new));
    }
}
