//! What falls with a change that is set apart.

use protocol::{Entry, Metadata};

use super::*;
use crate::test_support::{create, delete, directory, file, moved, path};

fn sift(unsettled: &mut Unsettled, changes: &[Change], failed: &[usize]) -> Vec<usize> {
    let failed = failed.iter().map(|index| (*index, Why::ContentChanged)).collect();
    let (kept, left_out) = unsettled.sift(changes.to_vec(), failed);
    assert_eq!(kept.len() + left_out.len(), changes.len());
    let place = |change: &Change| changes.iter().position(|other| other == change).expect("one of them");
    left_out.iter().map(|left| place(&left.change)).collect()
}

fn falls(changes: &[Change], failed: &[usize]) -> Vec<usize> {
    sift(&mut Unsettled::default(), changes, failed)
}

fn modify(at: &str) -> Change {
    Change::Modify { path: path(at), entry: file("new") }
}

#[test]
fn what_lies_in_a_directory_that_was_not_made_falls_with_it() {
    let changes =
        [create("d", directory()), create("d/e", directory()), create("d/e/f", file("1")), create("dd", file("1"))];
    assert_eq!(falls(&changes, &[0]), [0, 1, 2]);
    assert_eq!(falls(&changes, &[2]), [2]);
}

#[test]
fn a_circle_falls_together_and_so_does_what_wants_a_place_in_it() {
    let changes = [
        moved("a", "b", file("a")),
        moved("b", "c", file("b")),
        moved("c", "a", file("c")),
        moved("x", "y", file("x")),
    ];
    assert_eq!(falls(&changes, &[1]), [0, 1, 2]);
    assert_eq!(falls(&[delete("p"), create("p", file("1"))], &[0]), [0, 1]);
}

#[test]
fn a_directory_is_not_deleted_while_something_may_still_have_to_move_out() {
    assert_eq!(falls(&[moved("d/e/x", "x", file("1")), delete("d")], &[0]), [0, 1]);
    let replace = Change::Replace { path: path("d"), entry: file("1") };
    assert_eq!(falls(&[moved("d/e/x", "x", file("1")), replace], &[0]), [0, 1]);
    assert_eq!(falls(&[moved("dd/x", "x", file("1")), delete("d")], &[0]), [0]);
}

#[test]
fn what_did_not_move_out_of_a_moving_directory_is_not_overwritten_where_it_arrives() {
    let changes = [
        moved("b/c", "x", file("1")),
        moved("b", "d", directory()),
        moved("y", "d/c", file("2")),
        create("d/e", file("3")),
    ];
    assert_eq!(falls(&changes, &[0]), [0, 2]);
    let mut unsettled = Unsettled::default();
    assert_eq!(sift(&mut unsettled, &changes[..1], &[0]), [0]);
    assert_eq!(sift(&mut unsettled, &changes[1..2], &[]), [0; 0]);
    assert_eq!(sift(&mut unsettled, &changes[2..], &[]), [0], "in a later batch");
}

#[test]
fn contents_and_metadata_fall_alone() {
    let metadata = |at: RelPath| Change::Metadata { path: at, metadata: Metadata::default() };
    assert_eq!(falls(&[metadata(RelPath::root()), create("a", file("1"))], &[0]), [0]);
    assert_eq!(falls(&[modify("a"), metadata(path("b"))], &[0]), [0]);
}

#[test]
fn later_batches_fall_with_earlier_ones() {
    let mut unsettled = Unsettled::default();
    assert_eq!(sift(&mut unsettled, &[moved("a", "z", directory())], &[0]), [0]);
    let later = [delete("z/gone"), modify("a/x"), create("zz", file("1")), modify("b")];
    assert_eq!(sift(&mut unsettled, &later, &[]), [0, 1]);
    assert_eq!(sift(&mut unsettled, &[create("z/gone/x", file("1"))], &[]), [0]);
}

#[test]
fn a_long_circle_falls_in_time() {
    let name = |n: usize| format!("f{n}");
    let entry: Entry = file("x");
    let changes: Vec<Change> = (0..20_000).map(|n| moved(&name(n), &name((n + 1) % 20_000), entry.clone())).collect();
    assert_eq!(falls_count(&changes), 20_000);
}

fn falls_count(changes: &[Change]) -> usize {
    let failed = BTreeMap::from([(7, Why::ContentChanged)]);
    Unsettled::default().sift(changes.to_vec(), failed).1.len()
}
