//! What is held back while a source moves about.

use protocol::{ContentId, Entry, Metadata};

use super::*;
use crate::finding::Deferral;
use crate::plan::plan;

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid in this test")
}

fn file(text: &str) -> Entry {
    Entry::File { metadata: Metadata::default(), size: text.len() as u64, content: ContentId::of(text.as_bytes()) }
}

fn directory() -> Entry {
    Entry::Directory { metadata: Metadata::default() }
}

fn gone(at: &str, was: Entry) -> Finding {
    Finding::Gone { path: path(at), was, old_inode: None }
}

fn present(at: &str, was: Option<Entry>, now: Entry, inodes: (u64, u64)) -> Finding {
    Finding::Present { path: path(at), base: None, was, now, old_inode: Some(inodes.0), inode: inodes.1, silent: false }
}

fn held(mut findings: Vec<Finding>) -> (Vec<String>, Vec<String>) {
    let held = topmost(hold_back(&mut findings).paths).iter().map(ToString::to_string).collect();
    (held, plan(&findings).changes.iter().map(|change| format!("{:?} {}", change.kind(), change.path())).collect())
}

fn is(expected: &[&str]) -> Vec<String> {
    expected.iter().map(|&line| line.to_owned()).collect()
}

#[test]
fn what_was_found_elsewhere_ends_nothing() {
    let mut findings = vec![gone("b", file("1")), present("a", None, file("1"), (0, 7)), gone("d", directory())];
    assert!(ended(&mut findings).is_empty());
    assert_eq!(held(findings), (is(&[]), is(&["Move a", "Delete d"])));
}

#[test]
fn a_deferral_and_a_problem_end_nothing() {
    let deferred = Finding::Deferred { path: path("a"), reason: Deferral::Moving, hint: None };
    assert!(ended(&mut [deferred]).is_empty());
}

#[test]
fn a_file_written_in_place_has_ended_and_one_that_was_replaced_may_be_elsewhere() {
    let in_place = present("a", Some(file("1")), file("2"), (7, 7));
    let replaced = present("b", Some(file("3")), file("4"), (7, 8));
    assert_eq!(held(vec![in_place, replaced]), (is(&["b"]), is(&["Modify a"])));
}

#[test]
fn a_directory_stays_with_what_is_held_in_it_and_is_named_alone() {
    let findings =
        vec![gone("d", directory()), gone("d/e", directory()), gone("d/e/f", file("1")), gone("z", directory())];
    assert_eq!(held(findings), (is(&["d"]), is(&["Delete z"])));
}

#[test]
fn what_takes_the_place_of_something_held_waits_with_it() {
    let findings = vec![
        present("a", Some(file("1")), directory(), (7, 8)),
        present("a/new", None, file("2"), (0, 9)),
        present("d", Some(directory()), file("3"), (5, 6)),
        gone("d/f", file("4")),
    ];
    assert_eq!(held(findings), (is(&["a", "d"]), is(&[])));
}

#[test]
fn a_directory_that_moves_takes_along_what_is_held_in_it() {
    let moved = Finding::Moved {
        from: path("d/a"),
        to: path("b"),
        was: directory(),
        now: directory(),
        old_inode: None,
        inode: 1,
    };
    let findings = vec![moved, gone("d", directory()), gone("d/a/x", file("1")), gone("d/a/y", directory())];
    assert_eq!(held(findings), (is(&["d/a/x"]), is(&["Move b", "Delete d", "Delete d/a/y"])));
}

#[test]
fn a_directory_does_not_come_to_the_place_of_one_that_is_held() {
    let moved = Finding::Moved {
        from: path("a"),
        to: path("d"),
        was: directory(),
        now: directory(),
        old_inode: None,
        inode: 1,
    };
    let new = present("d/new", None, file("2"), (0, 9));
    let findings = vec![moved, new, gone("d", directory()), gone("d/x", file("1")), gone("a/y", directory())];
    assert_eq!(held(findings), (is(&["d"]), is(&["Delete a/y"])));
}

#[test]
fn what_a_move_brought_to_a_place_that_is_held_stays_where_it_was() {
    let findings = vec![present("a", Some(file("1")), file("2"), (7, 8)), gone("b", file("2"))];
    assert_eq!(held(findings), (is(&["a", "b"]), is(&[])));
}
