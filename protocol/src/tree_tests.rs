//! What a set of changes does to a tree.

use super::*;
use crate::ContentId;

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid in this test")
}

fn file(text: &str) -> Entry {
    Entry::File { metadata: Metadata::default(), size: text.len() as u64, content: ContentId::of(text.as_bytes()) }
}

fn directory() -> Entry {
    Entry::Directory { metadata: Metadata::default() }
}

/// `a/` is a directory, anything else `path=content`.
fn tree(items: &[&str]) -> Tree {
    let mut tree = Tree::new();
    for item in items {
        match item.split_once('=') {
            Some((name, content)) => tree.insert(path(name), file(content)),
            None => tree.insert(path(item.trim_end_matches('/')), directory()),
        }
    }
    tree
}

fn moved(from: &str, to: &str, entry: Entry) -> Change {
    Change::Move { from: path(from), to: path(to), entry }
}

fn delete(at: &str) -> Change {
    Change::Delete { path: path(at) }
}

fn create(at: &str, entry: Entry) -> Change {
    Change::Create { path: path(at), entry }
}

fn check(old: &[&str], changes: &[Change], new: &[&str]) {
    assert_eq!(tree(old).apply(changes), Ok(tree(new)));
    let mut reversed = changes.to_vec();
    reversed.reverse();
    assert_eq!(tree(old).apply(&reversed), Ok(tree(new)), "a batch is a set");
}

fn refused(old: &[&str], changes: &[Change], reason: &RefusalReason) {
    let refusals = tree(old).apply(changes).expect_err("must be refused");
    assert!(refusals.iter().any(|refused| refused.reason == *reason), "{refusals:?}");
}

#[test]
fn two_files_swap_names() {
    check(&["a=1", "b=2"], &[moved("a", "b", file("1")), moved("b", "a", file("2"))], &["a=2", "b=1"]);
}

#[test]
fn two_directories_swap_names() {
    let changes = [moved("a", "b", directory()), moved("b", "a", directory())];
    check(&["a/", "a/x=1", "b/", "b/y=2"], &changes, &["a/", "a/y=2", "b/", "b/x=1"]);
}

#[test]
fn a_directory_moves_into_its_own_former_child() {
    let changes = [moved("a/b", "b", directory()), moved("a", "b/a", directory())];
    check(&["a/", "a/b/", "a/b/x=1", "a/y=2"], &changes, &["b/", "b/x=1", "b/a/", "b/a/y=2"]);
}

#[test]
fn a_child_takes_the_place_of_its_deleted_parent() {
    let changes = [delete("b"), moved("b/x", "b", file("1"))];
    check(&["b/", "b/x=1", "b/y=2"], &changes, &["b=1"]);
}

#[test]
fn what_moves_out_of_a_deleted_directory_survives() {
    check(&["d/", "d/x=1", "d/y=2"], &[delete("d"), moved("d/x", "x", file("1"))], &["x=1"]);
}

#[test]
fn something_is_deleted_in_a_directory_that_moves_out_of_a_deleted_one() {
    let changes = [delete("d"), moved("d/e", "e", directory()), delete("d/e/x")];
    check(&["d/", "d/e/", "d/e/x=1", "d/e/y=2", "d/z=3"], &changes, &["e/", "e/y=2"]);
    refused(&["d/", "d/e/", "d/e/x=1"], &[delete("d"), delete("d/e"), delete("d/e/x")], &RefusalReason::Contradiction);
}

#[test]
fn a_move_overwrites_a_file_but_never_a_directory() {
    check(&["a=1", "b=2"], &[moved("a", "b", file("1"))], &["b=1"]);
    refused(&["a=1", "b/"], &[moved("a", "b", file("1"))], &RefusalReason::Occupied);
}

#[test]
fn a_directory_gives_way_to_a_file_and_back() {
    let replace = |at: &str, entry| Change::Replace { path: path(at), entry };
    check(&["a/", "a/x=1"], &[replace("a", file("2"))], &["a=2"]);
    check(&["a=2"], &[replace("a", directory()), create("a/x", file("1"))], &["a/", "a/x=1"]);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    refused(&[], &[delete("a")], &RefusalReason::Missing);
    refused(&["a=1"], &[create("a", file("2"))], &RefusalReason::Occupied);
    refused(&[], &[create("a/b", file("2"))], &RefusalReason::NoParent);
    refused(&["a/"], &[Change::Modify { path: path("a"), entry: file("1") }], &RefusalReason::WrongKind);
    refused(&["a/", "a/b=1"], &[delete("a"), delete("a/b")], &RefusalReason::Contradiction);
    refused(&["a/"], &[moved("a", "a/b", directory())], &RefusalReason::NoParent);
    refused(&[], &[create("a", file("1")), create("a", file("2"))], &RefusalReason::Contradiction);
    refused(&["a=1"], &[moved("a", "b", file("1")), moved("a", "c", file("1"))], &RefusalReason::Contradiction);
    let bad = Metadata { mode: 0o10000, ..Metadata::default() };
    refused(&["a=1"], &[Change::Metadata { path: path("a"), metadata: bad }], &RefusalReason::Invalid);
}

#[test]
fn a_refusal_changes_nothing_and_names_every_change_concerned() {
    let changes = [create("ok", file("1")), delete("x"), delete("y")];
    let refusals = tree(&["a=1"]).apply(&changes).expect_err("must be refused");
    assert_eq!(refusals.iter().map(|refused| refused.index).collect::<Vec<_>>(), [1, 2]);
}

/// How many files cease to exist by these changes.
fn ended(old: &[&str], changes: &[Change]) -> u64 {
    let old = tree(old);
    let new = old.apply(changes).expect("a good batch in this test");
    old.ended_by(changes, &new)
}

#[test]
fn files_that_are_deleted_overwritten_or_replaced_end_and_no_others() {
    let old = &["a=1", "b=2", "d/", "d/x=3", "d/e/", "d/e/y=4"][..];
    let link = Entry::Symlink {
        metadata: Metadata::default(),
        target: crate::LinkTarget::parse(b"t").expect("valid in this test"),
    };
    assert_eq!(tree(old).files(), 4);
    assert_eq!(ended(old, &[delete("a")]), 1);
    assert_eq!(ended(old, &[delete("d")]), 2, "with everything below");
    assert_eq!(ended(old, &[delete("d"), moved("d/e", "e", directory())]), 1, "what moves out goes on");
    assert_eq!(ended(old, &[moved("d", "f", directory())]), 0);
    assert_eq!(ended(old, &[moved("a", "b", file("1"))]), 1, "overwritten");
    assert_eq!(ended(old, &[moved("a", "b", file("2")), moved("b", "a", file("1"))]), 0, "swapped");
    assert_eq!(ended(old, &[Change::Modify { path: path("a"), entry: file("9") }]), 0);
    assert_eq!(ended(old, &[Change::Replace { path: path("a"), entry: link }]), 1);
    assert_eq!(ended(old, &[Change::Replace { path: path("d"), entry: file("9") }]), 2);
    assert_eq!(ended(old, &[delete("a"), create("a", file("9"))]), 1, "another file under the same name");
    assert_eq!(ended(old, &[create("n", file("9"))]), 0);
}
