//! What ends, what is held, and what a person let go.

use proptest::prelude::*;
use protocol::{Entry, Kind, RelPath, Tree};

use super::*;
use crate::perfect_scan::{findings, told};
use crate::perturbed::pairs;
use crate::plan::plan;
use crate::plan_literals::{Literal, fewer_cases, lines, literal, path, tree, trees};

/// A plan with what it was made of.
struct Case {
    findings: Vec<Finding>,
    changes: Vec<Change>,
}

impl Case {
    fn between(old: &Literal, new: &Literal) -> Self {
        Self::planned(findings(old, new))
    }

    fn planned(findings: Vec<Finding>) -> Self {
        let changes = plan(&findings).changes;
        Self { findings, changes }
    }

    fn of(old: &[&str], new: &[&str]) -> Self {
        Self::between(&literal(old), &literal(new))
    }

    fn endings(&self) -> Vec<(String, u64)> {
        let line = |(index, files): (usize, u64)| (lines(&self.changes[index..=index]).remove(0), files);
        endings(&self.changes, &self.findings).into_iter().map(line).collect()
    }

    fn braked(&self, rules: &BrakeRules, facts: &BrakeFacts, approved: &[&str]) -> Braked {
        let is_approved = |change: &Change, _| approved.contains(&&*lines(std::slice::from_ref(change))[0]);
        brake(&self.changes, &self.findings, rules, facts, is_approved)
    }

    fn held(&self, rules: &BrakeRules, facts: &BrakeFacts, approved: &[&str]) -> Vec<String> {
        let held = self.braked(rules, facts, approved).held;
        held.into_keys().flat_map(|index| lines(&self.changes[index..=index])).collect()
    }
}

fn at_most(files: u64) -> BrakeRules {
    BrakeRules { max_delete: Limit::Files(files), ..BrakeRules::default() }
}

fn is(endings: &[(&str, u64)]) -> Vec<(String, u64)> {
    endings.iter().map(|(line, files)| ((*line).to_owned(), *files)).collect()
}

const NONE: BrakeFacts = BrakeFacts { files_at_mirror: 0, ended_in_window: 0, approved_in_window: 0 };

#[test]
fn files_end_by_the_change_that_takes_them_away() {
    let old = ["a=1", "d/", "d/e/", "d/e/x=2", "d/y=3", "d/l>t", "k=4", "l>t", "r/", "r/x=5", "r/y=6"];
    let new = ["k/", "r=7"];
    let expected = is(&[("- a", 1), ("- d", 2), ("T k", 1), ("T r", 2)]);
    assert_eq!(Case::of(&old, &new).endings(), expected);
}

#[test]
fn what_moves_does_not_end_but_what_it_overwrites_does() {
    assert_eq!(Case::of(&["a=1#1"], &["b=1#1"]).endings(), is(&[]));
    assert_eq!(Case::of(&["a=1#1", "b=2#2"], &["b=1#1"]).endings(), is(&[("R a -> b", 1)]));
    assert_eq!(Case::of(&["a=1#1", "b=2#2"], &["a=2#2", "b=1#1"]).endings(), is(&[]));
    assert_eq!(Case::of(&["d/", "d/x=1#1", "d/y=2"], &["x=1#1"]).endings(), is(&[("- d", 1)]));
    assert_eq!(Case::of(&["a/", "a/b=1#1", "a/c=2"], &["a=1#1"]).endings(), is(&[("- a", 1)]));
    assert_eq!(Case::of(&["a=1#1", "l>t"], &["l=1#1"]).endings(), is(&[]));
}

#[test]
fn a_changed_file_does_not_end() {
    assert_eq!(Case::of(&["a=1", "b=2"], &["a=3", "b=2", "c=4"]).endings(), is(&[]));
}

#[test]
fn the_renamed_top_directory_ends_nothing_even_if_its_files_are_empty() {
    let old = ["top/", "top/a=1#1", "top/b/", "top/b/c=2#2", "top/__init__.py=#3", "top/b/__init__.py=#4"];
    let new = ["new/", "new/a=1#1", "new/b/", "new/b/c=2#2", "new/__init__.py=#3", "new/b/__init__.py=#4"];
    let case = Case::of(&old, &new);
    let braked = case.braked(&at_most(0), &NONE, &[]);
    assert_eq!(braked.held, BTreeMap::new());
    let delete = case.changes.iter().position(|change| change == &Change::Delete { path: path("top") });
    let delete = delete.expect("the old directory goes");
    assert_eq!(braked.excused, BTreeMap::from([(delete, 2)]), "the receiver counts them: the round has to know");
}

#[test]
fn a_directory_that_moved_ends_nothing_but_what_is_deleted_in_it_and_what_it_overwrites() {
    let old = ["a/", "a/1=1", "a/2=2", "a/3=3", "a/k/", "a/k/4=", "a/k/5=", "a/x=6", "b=7"];
    let new = ["b/", "b/1=1", "b/2=2", "b/3=3", "b/k=8"];
    let case = Case::planned(told(&literal(&old), &literal(&new), false));
    assert_eq!(case.endings(), is(&[("- a/x", 1), ("- b", 1), ("T b/k", 2)]));
}

#[test]
fn empty_files_that_do_not_come_again_count() {
    assert_eq!(Case::of(&["a/", "a/x=", "a/y="], &["b/", "b/x="]).held(&at_most(0), &NONE, &[]), ["- a"]);
    assert_eq!(Case::of(&["a/", "a/x=", "c/", "c/x="], &["b/", "b/x="]).held(&at_most(0), &NONE, &[]), ["- c"]);
    assert_eq!(Case::of(&["a/", "a/x=1"], &["b/", "b/x="]).held(&at_most(0), &NONE, &[]), ["- a"]);
}

#[test]
fn over_the_limit_everything_that_ends_a_file_is_held_and_nothing_else() {
    let case = Case::of(&["a=1", "b=2", "c=3#3", "d=4#4", "e/", "g=5"], &["c=7#7", "d=3#3", "f=8", "g=6", "h=4#4"]);
    assert_eq!(lines(&case.changes), ["- a", "- b", "+ c", "R c -> d", "- e", "+ f", "M g", "R d -> h"]);
    assert_eq!(case.held(&at_most(1), &NONE, &[]), ["- a", "- b"]);
    assert_eq!(case.held(&at_most(2), &NONE, &[]), [""; 0]);
}

#[test]
fn a_plan_that_ends_nothing_is_not_held_however_much_ended_before() {
    let facts = BrakeFacts { files_at_mirror: 10, ended_in_window: 1_000, approved_in_window: 0 };
    assert_eq!(Case::of(&["a=1"], &["a=2", "b=1", "d/"]).held(&at_most(0), &facts, &[]), [""; 0]);
    assert_eq!(Case::of(&[], &[]).braked(&at_most(0), &facts, &[]), Braked::default());
}

#[test]
fn what_ended_in_the_last_day_counts_unless_a_person_approved_it() {
    let case = Case::of(&["a=1"], &[]);
    let facts =
        |ended_in_window, approved_in_window| BrakeFacts { files_at_mirror: 1, ended_in_window, approved_in_window };
    assert_eq!(case.held(&at_most(10), &facts(9, 0), &[]), [""; 0]);
    assert_eq!(case.held(&at_most(10), &facts(10, 0), &[]), ["- a"]);
    assert_eq!(case.held(&at_most(10), &facts(12, 3), &[]), [""; 0]);
    assert_eq!(case.held(&at_most(10), &facts(12, 2), &[]), ["- a"]);
}

#[test]
fn a_share_is_of_the_files_there_were_before_the_last_day() {
    let names: Vec<String> = (0..60).map(|n| format!("f{n}={n}")).collect();
    let case = Case::of(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let facts =
        |files_at_mirror, ended_in_window| BrakeFacts { files_at_mirror, ended_in_window, approved_in_window: 0 };
    let held = |facts| case.held(&BrakeRules::default(), &facts, &[]).len();
    assert_eq!(held(facts(60, 40)), 0, "the floor: a hundred files of a small tree");
    assert_eq!(held(facts(60, 41)), 60, "over the floor");
    assert_eq!(held(facts(160, 140)), 60, "200 of 300");
    assert_eq!(held(facts(260, 140)), 0, "200 of 400");
}

#[test]
fn what_a_person_approved_is_let_go_and_not_counted() {
    let case = Case::of(&["a=1", "b=2", "d/", "d/x=3", "d/y=4"], &[]);
    assert_eq!(case.held(&at_most(1), &NONE, &[]), ["- a", "- b", "- d"]);
    assert_eq!(case.held(&at_most(1), &NONE, &["- d"]), ["- a", "- b"]);
    let braked = case.braked(&at_most(1), &NONE, &["- d", "- b"]);
    assert_eq!(braked.held, BTreeMap::new());
    assert_eq!(braked.excused, BTreeMap::from([(1, 1), (2, 2)]), "and the next rounds do not count it either");
}

#[test]
fn an_approval_is_asked_for_the_change_with_the_number_of_its_files() {
    let case = Case::of(&["d/", "d/x=3", "d/y=4"], &[]);
    let only = |files| move |_: &Change, these| these == files;
    assert_eq!(brake(&case.changes, &case.findings, &at_most(0), &NONE, only(2)).held.len(), 0);
    assert_eq!(brake(&case.changes, &case.findings, &at_most(0), &NONE, only(1)).held.len(), 1);
}

#[test]
fn many_overwritten_files_are_held_where_that_is_asked_for() {
    let case = Case::of(&["a=1", "b=2", "c=3", "l>t"], &["a=4", "b=5", "c=6", "d=7", "l>u"]);
    let rules = |limit| BrakeRules { max_overwrite: limit, ..BrakeRules::default() };
    assert_eq!(case.held(&rules(None), &NONE, &[]), [""; 0]);
    assert_eq!(case.held(&rules(Some(Limit::Files(3))), &NONE, &[]), [""; 0]);
    assert_eq!(case.held(&rules(Some(Limit::Files(2))), &NONE, &[]), ["M a", "M b", "M c"]);
    assert_eq!(case.held(&rules(Some(Limit::Files(2))), &NONE, &["M b"]), [""; 0], "the rest is within it");
    assert_eq!(case.held(&rules(Some(Limit::HALF)), &NONE, &[]), [""; 0], "the floor");
}

#[test]
fn content_that_changed_silently_is_held_where_that_is_asked_for() {
    let mut case = Case::of(&["a=1", "b=2"], &["a=3", "b=4"]);
    let Finding::Present { silent, .. } = &mut case.findings[1] else { panic!("b is there") };
    *silent = true;
    assert_eq!(case.held(&BrakeRules::default(), &NONE, &[]), [""; 0]);
    let rules = BrakeRules { hold_silent: true, ..BrakeRules::default() };
    assert_eq!(case.held(&rules, &NONE, &[]), ["M b"]);
    assert_eq!(case.held(&rules, &NONE, &["M b"]), [""; 0]);
}

#[test]
fn people_are_told_the_numbers_and_the_limit() {
    let case = Case::of(&["a=1", "b=2"], &[]);
    let facts = BrakeFacts { files_at_mirror: 2, ended_in_window: 7, approved_in_window: 1 };
    let held = case.braked(&at_most(5), &facts, &[]).held;
    assert_eq!(
        held[&0].why.to_string(),
        "2 files would cease to exist at the mirror and 6 did in the last 24 hours; max_delete = 5 allows 5"
    );
    assert_eq!((held.len(), held[&0].files), (2, 1));
}

#[test]
fn a_list_has_one_digest_in_any_order_and_another_one_for_other_numbers() {
    let delete = |at: &str| Change::Delete { path: path(at) };
    let one = held_digest(&[(delete("a"), 1), (delete("b"), 2)]);
    assert_eq!(one, held_digest(&[(delete("b"), 2), (delete("a"), 1)]));
    assert_ne!(one, held_digest(&[(delete("a"), 2), (delete("b"), 1)]));
    assert_ne!(one, held_digest(&[(delete("a"), 1)]));
    assert_ne!(held_digest(&[]), held_digest(&[(delete("a"), 0)]));
}

#[test]
fn the_digest_of_a_list_stays_what_it_was_in_older_versions() {
    // [[3, ["a"]], 1] in an array of one, hashed: approvals that are written down must be found again.
    let canonical = [0x81, 0x82, 0x82, 0x03, 0x81, 0x41, b'a', 0x01];
    let expected = *blake3::hash(&canonical).as_bytes();
    assert_eq!(held_digest(&[(Change::Delete { path: path("a") }, 1)]), expected);
}

fn files(tree: &Tree) -> u64 {
    tree.iter().filter(|(_, entry)| entry.kind() == Kind::File).count() as u64
}

fn arriving(changes: &[Change]) -> u64 {
    let arrives = |change: &&Change| matches!(change, Change::Create { entry, .. } | Change::Replace { entry, .. } if entry.kind() == Kind::File);
    changes.iter().filter(arrives).count() as u64
}

/// The same tree in a directory of another name.
fn below(literal: &Literal, top: &str) -> Literal {
    let top = path(top);
    let directory = Entry::Directory { metadata: protocol::Metadata::default() };
    let inside =
        literal.iter().map(|(at, item)| (at.rebased(&RelPath::root(), &top).expect("below the root"), item.clone()));
    std::iter::once((top.clone(), (directory, 1))).chain(inside).collect()
}

proptest! {
    #![proptest_config(fewer_cases())]
    #[test]
    fn the_client_counts_what_the_receiver_counts((old, new) in pairs(), by_inode: bool) {
        let case = Case::planned(told(&old, &new, by_inode));
        let ended: u64 = endings(&case.changes, &case.findings).values().sum();
        prop_assert_eq!(ended + files(&tree(&new)), files(&tree(&old)) + arriving(&case.changes));
    }

    #[test]
    fn a_plan_within_the_limit_is_untouched_and_one_over_it_keeps_every_file_that_counts(
        (old, new) in pairs(), by_inode: bool, limit in 0u64..8, before in 0u64..8,
    ) {
        let case = Case::planned(told(&old, &new, by_inode));
        let facts = BrakeFacts { ended_in_window: before, ..NONE };
        let braked = case.braked(&at_most(limit), &facts, &[]);
        let all = endings(&case.changes, &case.findings);
        let excused: u64 = braked.excused.values().sum();
        let let_go: u64 = all.iter().filter(|(index, _)| !braked.held.contains_key(index)).map(|(_, files)| files).sum();
        prop_assert!(braked.held.is_empty() || let_go == excused, "nothing that counts is let go");
        if all.values().sum::<u64>() + before <= limit {
            prop_assert!(braked.held.is_empty());
        }
        if !braked.held.is_empty() {
            prop_assert!(all.values().sum::<u64>() + before > limit);
        }
        let approved = brake(&case.changes, &case.findings, &at_most(0), &facts, |_, _| true);
        prop_assert_eq!(&approved.held, &BTreeMap::new());
        prop_assert_eq!(approved.excused, all);
    }

    #[test]
    fn renaming_the_top_directory_is_never_held(old in trees(), by_inode: bool) {
        let (old, new) = (below(&old, "old-top"), below(&old, "new-top"));
        let case = Case::planned(told(&old, &new, by_inode));
        prop_assert_eq!(case.held(&at_most(0), &NONE, &[]), [""; 0]);
    }
}
