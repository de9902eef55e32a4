//! What stays because something was not read, and what goes all the same.

use super::*;
use crate::finding::{Deferral, Trouble};
use crate::perfect_scan::findings;
use crate::plan::{Planned, plan};
use crate::plan_literals::{Literal, lines, literal, path, tree};

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

/// A directory that moved, as its inode says.
fn moved(from: &str, to: &str) -> Finding {
    let (directory, _) = literal(&["d/"]).remove(&path("d")).expect("is there");
    let (was, now) = (directory.clone(), directory);
    Finding::Moved { from: path(from), to: path(to), was, now, old_inode: None, inode: 1 }
}

fn told(mut findings: Vec<Finding>) -> (Vec<String>, Vec<RelPath>) {
    findings.sort_by(|a, b| a.path().cmp(b.path()));
    let Planned { changes, waiting, .. } = plan(&findings);
    (lines(&changes), waiting)
}

fn unread(at: &str, size: u64) -> Finding {
    Finding::Deferred { path: path(at), reason: Deferral::Moving, hint: Some(Hint { inode: 99, size }) }
}

#[test]
fn what_is_unread_in_a_directory_that_moved_keeps_nothing_of_where_it_was() {
    let mut found = findings(&literal(&["d/"]), &literal(&[]));
    found.extend([moved("d/e", "z"), unread("z/f", 7)]);
    assert_eq!(told(found), (vec!["- d".to_owned(), "R d/e -> z".to_owned()], vec![]));
}

#[test]
fn a_directory_does_not_move_to_a_place_that_is_not_free_and_what_is_in_it_waits_too() {
    let mut found = findings(&literal(&["d/", "d/x=1"]), &literal(&["d/new=22"]));
    found.extend([moved("s", "d"), unread("z", 1)]);
    found.retain(|finding| !matches!(finding, Finding::Present { path: at, .. } if *at == path("d")));
    assert_eq!(told(found), (vec![], ["d", "d/new", "d/x"].map(path).to_vec()));
}

#[test]
fn what_stays_in_a_directory_that_moves_goes_along_and_nothing_comes_to_its_new_place() {
    let mut found = findings(&literal(&["a/x=1"]), &literal(&["b/x=22"]));
    found.extend([moved("a", "b"), unread("z", 1)]);
    assert_eq!(told(found), (vec!["R a -> b".to_owned()], ["a/x", "b/x"].map(path).to_vec()));
}

#[test]
fn what_stays_is_reported_and_nothing_else_is() {
    let planned = plan(&findings_without(&literal(&["a=1#1"]), &literal(&["b=1#1", "c=3"]), &["b"]));
    assert_eq!((lines(&planned.changes), planned.waiting), (vec!["+ c".to_owned()], vec![path("a")]));
    assert_eq!(plan(&[]), Planned::default());
}
