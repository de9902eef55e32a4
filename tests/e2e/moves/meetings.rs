//! Where moves meet filters, hard links, and edits of what moved.

use std::fs;
use std::path::Path;

use super::{TALK, edit, mirrored, shown, told};
use crate::support::assert_mirrored;
use crate::support::place::Place;
use crate::support::tree::names;

/// What the mirror has.
fn in_mirror(place: &Place) -> Vec<String> {
    names(&place.world.mirror())
}

fn equal(place: &Place, source: &str, mirror: &str) {
    let read = |root: &Path, name: &str| fs::read(root.join(name)).expect("is there");
    assert!(read(&place.source(), source) == read(&place.world.mirror(), mirror), "{source} is not {mirror}");
}

#[test]
fn what_moves_to_where_it_is_left_out_is_deleted_and_what_comes_from_there_is_new() {
    let leave_out = ["--exclude", "/tmp/"];
    let place = Place::here();
    super::fill(&place, &["file@1", "kept/f@2", "tmp/file2@3", "tmp/d/g@4"]);
    place.scan(&leave_out).expect(0);
    assert_eq!(in_mirror(&place), ["file", "kept", "kept/f"]);
    edit(&place, "mv tmp/file2 file2; mv tmp/d d; mv file tmp/; mv kept tmp/");
    let expected = ["+ d/", "+ d/g", "- file", "+ file2", "- kept/"];
    assert_eq!(shown(&place, &leave_out), expected);
    let round = place.scan(&leave_out).expect(0);
    assert_eq!((told(&round), round.count("moved")), (expected.map(str::to_owned).to_vec(), 0));
    assert_eq!(in_mirror(&place), ["d", "d/g", "file2"]);
    equal(&place, "file2", "file2");
    edit(&place, "mv tmp/kept kept; mv tmp/file file; mv d tmp/; mv file2 tmp/");
    let round = place.scan(&leave_out).expect(0);
    assert_eq!(told(&round), ["- d/", "+ file", "- file2", "+ kept/", "+ kept/f"]);
    assert!(round.count("bytes_sent") < TALK, "the receiver keeps what was deleted: {}", round.stdout);
    equal(&place, "kept/f", "kept/f");
}

#[test]
fn what_was_left_out_later_goes_along_with_its_directory() {
    let place = mirrored(Place::here(), &["d/f@1", "d/cache/g@2"]);
    edit(&place, "mv d e");
    let leave_out = ["--exclude", "cache/"];
    assert_eq!(shown(&place, &leave_out), ["R d/ -> e/"]);
    place.scan(&leave_out).expect(0);
    assert_mirrored(&place.source(), &place.world.mirror());
}

#[test]
fn a_directory_that_takes_a_name_that_is_left_out_is_deleted_at_the_mirror() {
    let place = mirrored(Place::here(), &["d/f@1", "still=2"]);
    edit(&place, "mv d cache");
    let round = place.scan(&["--exclude", "cache/"]).expect(0);
    assert_eq!(told(&round), ["- d/"]);
    let round = place.round();
    assert_eq!(told(&round), ["+ cache/", "+ cache/f"]);
}

#[test]
fn several_names_of_one_inode_are_copies_and_no_moves() {
    let place = mirrored(Place::here(), &["a@1", "d/f@2", "d/e/g@3"]);
    edit(&place, "ln a b; cp -al d linked");
    let round = place.round();
    assert_eq!(told(&round), ["+ b", "+ linked/", "+ linked/e/", "+ linked/e/g", "+ linked/f"]);
    assert!(round.count("bytes_sent") < TALK, "{}", round.stdout);
    edit(&place, "rm a; rm -r d");
    assert_eq!(told(&place.round()), ["- a", "- d/"], "the other names stay what they are");
    edit(&place, "ln b c; rm b");
    assert_eq!(told(&place.round()), ["R b -> c"], "a link and an unlink are a rename");
}

#[test]
fn one_of_several_names_moves_and_the_others_stay() {
    let place = mirrored(Place::here(), &["a@1", "d/"]);
    edit(&place, "ln a b; ln a c");
    place.quiet();
    edit(&place, "mv b d/b");
    assert_eq!(told(&place.round()), ["R b -> d/b"]);
    edit(&place, "mv a d/a");
    let round = place.round();
    assert_eq!(told(&round), ["R a -> d/a"]);
    assert!(round.count("bytes_sent") < TALK, "{}", round.stdout);
}

#[test]
fn an_edit_of_one_name_is_an_edit_of_all_and_moves_nothing() {
    let place = mirrored(Place::here(), &["a=one", "b=two"]);
    edit(&place, "ln a d; ln a e");
    place.quiet();
    edit(&place, "printf other > d");
    assert_eq!(told(&place.round()), ["M a", "M d", "M e"]);
}

#[test]
fn a_file_that_is_renamed_and_edited_arrives_with_its_new_bytes() {
    let place = mirrored(Place::here(), &["a@1", "d/b@2", "d/c=3"]);
    edit(&place, "mv a z; printf more >> z; mv d e; printf more >> e/b");
    let round = place.round();
    let lines = told(&round);
    assert!(lines.contains(&"R d/ -> e/".to_owned()) && lines.contains(&"M e/b".to_owned()), "{lines:?}");
    assert_eq!(told(&place.round()), Vec::<String>::new());
}

#[test]
fn a_log_that_is_copied_and_cut_keeps_its_place() {
    let place = mirrored(Place::here(), &["log@1"]);
    edit(&place, "cp -p log log.1; printf new > log");
    let round = place.round();
    assert_eq!(told(&round), ["M log", "+ log.1"]);
    assert!(round.count("bytes_sent") < TALK, "{}", round.stdout);
}

#[test]
fn empty_files_are_not_taken_for_each_other() {
    let place = mirrored(Place::here(), &["a=", "d/b=", "d/c@1"]);
    edit(&place, "mv a z; mv d e");
    assert_eq!(told(&place.round()), ["- a", "R d/ -> e/", "+ z"]);
}
