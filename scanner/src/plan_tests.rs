//! What plans say.

use super::*;
use crate::perfect_scan::findings;
use crate::plan_literals::{lines, literal, path, tree};

fn planned(old: &[&str], new: &[&str], expected: &[&str]) {
    let (old, new) = (literal(old), literal(new));
    let changes = plan(&findings(&old, &new)).changes;
    assert_eq!(lines(&changes), expected);
    assert_eq!(tree(&old).apply(&changes), Ok(tree(&new)));
}

#[test]
fn nothing_new_is_an_empty_plan() {
    planned(&["a=1", "d/"], &["a=1", "d/"], &[]);
}

#[test]
fn a_file_made_changed_and_removed() {
    planned(&["b=1", "c=2"], &["a=3", "b=4"], &["+ a", "M b", "- c"]);
}

#[test]
fn a_renamed_file_is_one_move() {
    planned(&["a=1#5"], &["b=1#5"], &["R a -> b"]);
}

#[test]
fn two_files_swap_and_three_go_round() {
    planned(&["a=1#1", "b=2#2"], &["a=2#2", "b=1#1"], &["R b -> a", "R a -> b"]);
    let (old, new) = (["a=1#1", "b=2#2", "c=3#3"], ["a=3#3", "b=1#1", "c=2#2"]);
    planned(&old, &new, &["R c -> a", "R a -> b", "R b -> c"]);
}

#[test]
fn a_rename_over_an_existing_file_is_a_move() {
    planned(&["a=1#1", "b=2#2"], &["b=1#1"], &["R a -> b"]);
}

#[test]
fn a_move_and_a_new_file_in_its_place() {
    planned(&["a=1#1"], &["a=2#9", "b=1#1"], &["+ a", "R a -> b"]);
}

#[test]
fn a_copied_and_then_edited_file_is_a_new_one_and_an_edit() {
    planned(&["a=1#1"], &["a=2#1", "b=1#9"], &["M a", "+ b"]);
}

/// One inode, and the first name is still there: with a new mode, so that the round has something to say of it.
#[test]
fn another_name_of_a_file_is_no_move_of_it() {
    let (old, mut new) =
        (literal(&["a=1#1", "d/", "d/c=2#2"]), literal(&["a=1#1", "b=1#1", "d/", "d/c=2#2", "e/", "e/c=2#2"]));
    for at in ["a", "d/c"] {
        new.get_mut(&path(at)).expect("is there").0.metadata_mut().mode = 0o600;
    }
    let changes = plan(&findings(&old, &new)).changes;
    assert_eq!(lines(&changes), ["U a", "+ b", "U d/c", "+ e", "+ e/c"]);
    assert_eq!(tree(&old).apply(&changes), Ok(tree(&new)));
}

#[test]
fn a_directory_deleted_is_one_line_and_what_moved_out_of_it_another() {
    planned(&["d/", "d/x=1#1", "d/y=2", "d/e/"], &["x=1#1"], &["- d", "R d/x -> x"]);
}

#[test]
fn kinds_replace_each_other() {
    planned(&["a=1"], &["a/", "a/b=2"], &["T a", "+ a/b"]);
    planned(&["a/", "a/b=2", "a/c/"], &["a=1"], &["T a"]);
    planned(&["a/", "a/b=1"], &["a>b"], &["T a"]);
    planned(&["a>b"], &["a>c"], &["M a"]);
}

#[test]
fn a_child_takes_its_directorys_place() {
    planned(&["a/", "a/b=1#1", "a/c=2"], &["a=1#1"], &["- a", "R a/b -> a"]);
}

#[test]
fn a_file_moves_into_a_directory_that_takes_its_name() {
    planned(&["a=1#1"], &["a/", "a/a=1#1"], &["+ a", "R a -> a/a"]);
}

#[test]
fn empty_files_are_never_matched() {
    planned(&["a=#1"], &["b=#1"], &["- a", "+ b"]);
}

#[test]
fn a_problem_or_a_deferral_changes_nothing() {
    let trouble = crate::finding::Trouble::Read(std::io::Error::other("bad"));
    let problem = Finding::Problem { path: path("a"), trouble, hint: None };
    let deferred = Finding::Deferred { path: path("b"), reason: crate::finding::Deferral::Moving, hint: None };
    assert_eq!(plan(&[problem, deferred]), Planned::default());
}
