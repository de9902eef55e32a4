//! What is told anew of a directory that moved, as its files say.

use super::*;
use crate::finding::{Deferral, Hint};
use crate::perfect_scan::findings;
use crate::plan::plan;
use crate::plan_literals::{lines, literal, path, tree};

fn inferred(old: &[&str], new: &[&str]) -> Vec<Finding> {
    let mut findings = findings(&literal(old), &literal(new));
    infer(&mut findings);
    findings
}

#[track_caller]
fn planned(old: &[&str], new: &[&str], expected: &[&str]) {
    let changes = plan(&inferred(old, new)).changes;
    assert_eq!(lines(&changes), expected);
    assert_eq!(tree(&literal(old)).apply(&changes), Ok(tree(&literal(new))));
}

#[test]
fn a_renamed_directory_is_one_move_with_all_that_is_in_it() {
    let old = ["a/", "a/d/", "a/d/e/", "a/d/x=1", "a/empty=", "a/l>t", "a/y=2"];
    let new = ["b/", "b/d/", "b/d/e/", "b/d/x=1", "b/empty=", "b/l>t", "b/y=2"];
    planned(&old, &new, &["R a -> b"]);
    assert_eq!(inferred(&old, &new).len(), 1);
}

#[test]
fn what_differs_in_it_is_told_as_a_difference() {
    let old = ["a/", "a/1=1", "a/2=2", "a/3=3", "a/4=4", "a/d/", "a/d/5=5", "a/k=6", "a/l>t"];
    let new = ["b/", "b/1=1", "b/2=2", "b/3=3", "b/4=edit", "b/d/", "b/d/5=5", "b/k/", "b/l>u", "b/n=new"];
    planned(&old, &new, &["R a -> b", "M b/4", "T b/k", "M b/l", "+ b/n"]);
    let old = ["a/", "a/1=1", "a/2=2", "a/3=3", "a/d/", "a/d/5=5", "a/l>t"];
    planned(&old, &new[..4], &["- a/d", "- a/l", "R a -> b"]);
}

#[test]
fn files_moved_within_it_out_of_it_and_into_it_are_moves() {
    let old = ["a/", "a/1=1", "a/2=2", "a/3=3", "a/in=4", "a/out=5", "to=6"];
    let new = ["b/", "b/1=1", "b/2=2", "b/3=3", "b/inside=4", "b/to=6", "out=5"];
    planned(&old, &new, &["R a -> b", "R a/in -> b/inside", "R to -> b/to", "R a/out -> out"]);
}

#[test]
fn a_directory_that_moved_out_of_it_is_a_move_of_its_own() {
    let old = ["a/", "a/1=1", "a/2=2", "a/d/", "a/d/3=3"];
    planned(&old, &["b/", "b/1=1", "b/2=2", "c/", "c/3=3"], &["R a -> b", "R a/d -> c"]);
    planned(
        &old,
        &["a/", "a/3=3", "a/d/", "a/d/1=1", "a/d/2=2"],
        &["R a/d/3 -> a/3", "R a/1 -> a/d/1", "R a/2 -> a/d/2"],
    );
    planned(&old, &["d/", "d/3=3"], &["- a", "R a/d -> d"]);
}

#[test]
fn a_directory_may_take_the_place_of_a_file_and_a_file_that_of_a_directory() {
    planned(&["a/", "a/1=1", "b=2"], &["b/", "b/1=1"], &["- b", "R a -> b"]);
    planned(&["a/", "a/1=1"], &["a=2", "b/", "b/1=1"], &["+ a", "R a -> b"]);
    planned(&["a/", "a/1=1", "b=2"], &["a=2", "b/", "b/1=1"], &["R b -> a", "R a -> b"]);
    planned(&["a/", "a/a/", "a/a/1=1"], &["a=2", "b/", "b/1=1"], &["T a", "R a/a -> b"]);
}

#[test]
fn half_of_the_files_or_empty_ones_alone_are_no_directory_that_moved() {
    planned(&["a/", "a/1=1", "a/2=2"], &["b/", "b/1=1"], &["- a", "+ b", "R a/1 -> b/1"]);
    planned(&["a/", "a/1="], &["b/", "b/1="], &["- a", "+ b", "+ b/1"]);
}

#[test]
fn its_new_metadata_comes_along() {
    let mut new = literal(&["b/", "b/1=1"]);
    new.get_mut(&path("b")).expect("is there").0.metadata_mut().mode = 0o700;
    let mut findings = findings(&literal(&["a/", "a/1=1"]), &new);
    infer(&mut findings);
    let changes = plan(&findings).changes;
    assert_eq!(lines(&changes), ["R a -> b"]);
    assert_eq!(tree(&literal(&["a/", "a/1=1"])).apply(&changes), Ok(tree(&new)));
}

#[test]
fn what_could_not_be_looked_at_in_it_came_along() {
    let (old, new) = (["a/", "a/1=1", "a/2=2", "a/3=3", "a/d/", "a/d/4="], ["b/", "b/1=1", "b/2=2", "b/3=x", "b/d/"]);
    let mut findings = findings(&literal(&old), &literal(&new));
    findings.retain(|finding| *finding.path() != path("b/3"));
    let unread = |at: &str, hint| Finding::Deferred { path: path(at), reason: Deferral::Moving, hint };
    findings.push(unread("b/3", Some(Hint { inode: 77, size: 1 })));
    findings.push(unread("b/d", None));
    findings.sort_by(|a, b| a.path().cmp(b.path()));
    infer(&mut findings);
    let planned = plan(&findings);
    assert_eq!((lines(&planned.changes), planned.waiting), (vec!["R a -> b".to_owned()], vec![]));
}

#[test]
fn what_inodes_told_stays_told() {
    let known = |from: &str, to: &str| {
        let directory = literal(&["d/"])[&path("d")].0.clone();
        let (was, now) = (directory.clone(), directory);
        Finding::Moved { from: path(from), to: path(to), was, now, old_inode: None, inode: 1 }
    };
    let mut findings = findings(&literal(&["a/", "a/1=1"]), &literal(&["z/b/", "z/b/1=1"]));
    findings.push(known("y", "z"));
    infer(&mut findings);
    assert_eq!(lines(&plan(&findings).changes), ["R y -> z", "R a -> z/b"]);
}

#[test]
fn fifty_thousand_of_a_hundred_thousand_equal_files_move_in_linear_time() {
    let name = |top: &str, n: usize| format!("{top}/d{}/f{n}=same", n % 100);
    let directories =
        |top: &str| (0..100).map(|n| format!("{top}/d{n}/")).chain([format!("{top}/")]).collect::<Vec<_>>();
    let tree = |tops: [&str; 2]| {
        let mut items: Vec<String> = tops.iter().flat_map(|top| directories(top)).collect();
        items.extend(tops.iter().flat_map(|top| (0..50_000).map(|n| name(top, n))));
        literal(&items.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut findings = findings(&tree(["stays", "old"]), &tree(["stays", "new"]));
    assert_eq!(findings.len(), 2 * 50_101);
    infer(&mut findings);
    assert_eq!(lines(&plan(&findings).changes), ["R old -> new"]);
}

#[test]
fn sixteen_thousand_files_moved_one_by_one_are_as_many_moves() {
    let items = |top: &str| (0..16_000).map(|n| format!("{top}{}/f{n}={n}", n % 7)).collect::<Vec<_>>();
    let directories =
        ["p0/", "p1/", "p2/", "p3/", "p4/", "p5/", "p6/", "q0/", "q1/", "q2/", "q3/", "q4/", "q5/", "q6/"];
    let tree = |top: &str| {
        let items = items(top);
        literal(&directories.into_iter().chain(items.iter().map(String::as_str)).collect::<Vec<_>>())
    };
    let mut findings = findings(&tree("p"), &tree("q"));
    infer(&mut findings);
    assert_eq!(plan(&findings).changes.len(), 16_000);
}
