//! What stays because something was not read, and what goes all the same.

use proptest::prelude::*;
use protocol::{Change, Kind, Tree};

use super::*;
use crate::finding::{Deferral, Trouble};
use crate::perfect_scan::findings;
use crate::plan::{Planned, plan};
use crate::plan_literals::{Literal, lines, literal, path, tree, trees};

/// What a scan finds that cannot read the files at some paths.
fn findings_without(old: &Literal, new: &Literal, unread: &[&str]) -> Vec<Finding> {
    let unread: BTreeSet<RelPath> = unread.iter().map(|at| path(at)).collect();
    findings(old, new)
        .into_iter()
        .map(|finding| if unread.contains(finding.path()) { not_read(finding) } else { finding })
        .collect()
}

fn not_read(finding: Finding) -> Finding {
    match finding {
        Finding::Present { path, now: Entry::File { size, .. }, inode, .. } => {
            Finding::Deferred { path, reason: Deferral::Moving, hint: Some(Hint { inode, size }) }
        }
        other => other,
    }
}

#[track_caller]
fn check(old: &[&str], new: &[&str], unread: &[&str], changes: &[&str], waiting: &[&str]) {
    let (old, new) = (literal(old), literal(new));
    let planned = plan(&findings_without(&old, &new, unread));
    assert_eq!(lines(&planned.changes), changes);
    assert_eq!(planned.waiting, waiting.iter().map(|at| path(at)).collect::<Vec<_>>());
    tree(&old).apply(&planned.changes).expect("a plan can be applied");
}

#[test]
fn a_gone_file_stays_while_one_of_its_size_or_inode_is_not_read() {
    check(&["a=1#1"], &["b=2#9"], &["b"], &[], &["a"]);
    check(&["a=1#1"], &["b=234#1"], &["b"], &[], &["a"]);
    check(&["a=1#1"], &["b=234#9"], &["b"], &["- a"], &[]);
    check(&["a=#1"], &["b=#9"], &["b"], &["- a"], &[]);
    check(&["a=#1"], &["b=1#1"], &["b"], &[], &["a"]);
}

#[test]
fn what_was_found_elsewhere_does_not_wait() {
    check(&["a=1#1"], &["b=1#1", "c=2#9"], &["c"], &["R a -> b"], &[]);
}

#[test]
fn links_and_directories_do_not_wait_for_a_file() {
    check(&["d/#1", "l>t#2"], &["b=1#1", "c=1#2"], &["b", "c"], &["- d", "- l"], &[]);
}

#[test]
fn the_directories_above_stay_with_it_and_the_rest_goes() {
    let old = ["d/", "d/e/", "d/e/x=1#1", "d/e/y=234#2", "d/f/", "d/f/z=234#3"];
    check(&old, &["b=1#1"], &["b"], &["- d/e/y", "- d/f"], &["d/e/x"]);
}

#[test]
fn nothing_takes_the_place_of_a_directory_that_stays() {
    check(&["d/", "d/x=1#1", "d/y=234#2"], &["b=1#1", "d>t"], &["b"], &["- d/y"], &["d", "d/x"]);
}

#[test]
fn what_was_to_move_to_a_place_that_is_not_free_stays_too() {
    let old = ["d/", "d/x=1#1", "f/", "f/g=234#2"];
    check(&old, &["b=1#1", "d=234#2"], &["b"], &[], &["d", "d/x", "f/g"]);
    let (old, new) = (["d/", "d/x=1#1", "g=234#2", "h=567#3"], ["b=1#1", "d=234#2", "g/", "g/i=567#3"]);
    check(&old, &new, &["b"], &[], &["d", "d/x", "g", "g/i", "h"]);
}

#[test]
fn a_directory_above_what_could_not_be_looked_at_is_not_deleted() {
    let old = literal(&["d/", "d/x=1", "d/y=2"]);
    let with = |unseen: fn(RelPath) -> Finding| {
        let mut findings = findings(&old, &literal(&[]));
        findings[1] = unseen(path("d/x"));
        lines(&plan(&findings).changes)
    };
    let problem = |path| {
        let trouble = Trouble::Stat(std::io::Error::other("bad"));
        Finding::Problem { path, trouble, hint: None }
    };
    assert_eq!(with(|path| Finding::Deferred { path, reason: Deferral::Unsettled, hint: None }), ["- d/y"]);
    assert_eq!(with(problem), ["- d/y"]);
}

#[test]
fn what_stays_is_reported_and_nothing_else_is() {
    let planned = plan(&findings_without(&literal(&["a=1#1"]), &literal(&["b=1#1", "c=3"]), &["b"]));
    assert_eq!((lines(&planned.changes), planned.waiting), (vec!["+ c".to_owned()], vec![path("a")]));
    assert_eq!(plan(&[]), Planned::default());
}

fn moves(changes: &[Change]) -> impl Iterator<Item = (&RelPath, &RelPath)> {
    changes.iter().filter_map(|change| match change {
        Change::Move { from, to, .. } => Some((from, to)),
        _ => None,
    })
}

/// Whether a file may be read, by what stands at its path: a scan that cannot read what replaced a directory does not
/// say what became of the directory either.
fn may_stay_unread(old: &Literal, at: &RelPath) -> bool {
    old.get(at).is_none_or(|(was, _)| was.kind() != Kind::Directory)
}

fn content_at(tree: &Tree, at: &RelPath) -> Option<protocol::ContentId> {
    Some(tree.get(at)?.content()?.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn whatever_is_not_read_the_plan_can_be_applied_and_nothing_that_may_have_moved_is_lost(
        old in trees(), new in trees(), unread: u16,
    ) {
        let all = findings(&old, &new);
        let seen = plan(&all).changes;
        let mut bits = (0..16).cycle().map(|bit| unread >> bit & 1 == 1);
        let findings: Vec<Finding> = all.into_iter().map(|finding| {
            let chosen = bits.next().expect("it goes round") && may_stay_unread(&old, finding.path());
            if chosen { not_read(finding) } else { finding }
        }).collect();
        let planned = plan(&findings);
        let (before, after) = (tree(&old), tree(&old).apply(&planned.changes));
        prop_assert!(after.is_ok(), "{:?}", after);
        let after = after.expect("checked a line above");
        let arrived = |content| findings.iter().any(|finding| matches!(
            finding, Finding::Present { now, .. } if now.content().is_some_and(|(now, _)| now == content)));
        let hints: Vec<Hint> = findings.iter().filter_map(|finding| match finding {
            Finding::Deferred { hint, .. } => *hint,
            _ => None,
        }).collect();
        for finding in &findings {
            let Finding::Gone { path, was: was @ Entry::File { size, content, .. }, .. } = finding else { continue };
            if hints.iter().any(|hint| hint.size == *size) && *size > 0 && !arrived(*content) {
                prop_assert_eq!(after.get(path), Some(was), "it may have moved");
                prop_assert!(planned.waiting.contains(path));
            }
        }
        for (from, to) in moves(&seen) {
            let content = content_at(&before, from);
            prop_assert!(content_at(&after, to) == content || content_at(&after, from) == content
                || !planned.waiting.contains(from), "moved or stayed: {from} -> {to}");
        }
        let unread_without_hint = hints.is_empty();
        prop_assert!(!unread_without_hint || planned.changes == seen);
    }
}
