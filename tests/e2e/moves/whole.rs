//! Whole directories that move, alone and with edits in them; and copies, which are no moves and send nothing either.

use std::fs;

use super::{TALK, arrives, arrives_at, edit, fill, mirrored, told};
use crate::support::place::Place;

#[test]
fn a_renamed_top_directory_is_one_line_and_opens_and_sends_nothing() {
    let before = ["top/a@1", "top/d/b@2", "top/d/e/c=3", "top/d/l>b", "top/empty/", "still=4"];
    let round = arrives(&before, "mv top renamed", &["R top/ -> renamed/"]);
    assert_eq!(round.count("bytes_read"), 0, "{}", round.stdout);
    assert!(round.count("bytes_sent") < 4096, "{}", round.stdout);
}

#[test]
fn edits_in_a_moved_directory_are_lines_below_it() {
    let before = ["old/a@1", "old/b=2", "old/d/c=3", "old/d/gone=4", "old/mode@5"];
    let script = "mv old new; printf edited > new/b; printf fresh > new/d/fresh; rm new/d/gone; mv new/a new/d/a";
    let expected = ["R old/ -> new/", "M new/b", "R old/a -> new/d/a", "+ new/d/fresh", "- old/d/gone"];
    arrives(&before, script, &expected);
}

#[test]
fn a_thousand_files_in_a_moved_directory_with_three_edits_are_four_lines_and_three_files_read() {
    let place = Place::here();
    let names: Vec<String> = (0..1_000).map(|n| format!("old/d{}/f{n}=file {n:04}", n % 10)).collect();
    fill(&place, &names.iter().map(String::as_str).collect::<Vec<_>>());
    place.quiet();
    edit(&place, "mv old new; for n in 1 12 123; do printf 'edit %04d' $n > new/d$((n % 10))/f$n; done");
    let round = arrives_at(&place, &["R old/ -> new/", "M new/d1/f1", "M new/d2/f12", "M new/d3/f123"]);
    // For their xxh3, for their BLAKE3, and to be sent.
    assert!(round.count("bytes_read") <= 3 * 3 * 9, "{}", round.stdout);
}

#[test]
fn directories_move_into_new_ones_and_out_of_deleted_ones() {
    let script = "mkdir -p new/deep; mv a new/deep/a; mv gone/kept kept; rm -r gone";
    let expected = ["- gone/", "R gone/kept/ -> kept/", "+ new/", "+ new/deep/", "R a/ -> new/deep/a/"];
    arrives(&["a/f@1", "gone/kept/g@2", "gone/h=3"], script, &expected);
}

#[test]
fn a_directory_with_a_new_mode_is_one_line() {
    arrives(&["a/f@1"], "mv a b; chmod 700 b", &["R a/ -> b/"]);
}

#[test]
fn a_log_that_is_rotated_keeps_its_history() {
    let script = "mv log log.1; mkdir log; printf new > log/today";
    arrives(&["log/today@1", "log/d/x=2"], script, &["+ log/", "+ log/today", "R log/ -> log.1/"]);
}

#[test]
fn copies_of_files_and_directories_send_no_content() {
    let place = mirrored(Place::here(), &["one@1", "d/two@2", "d/e/three@3"]);
    edit(&place, "cp one d/copy; cp -p one kept; cp -r d copied");
    let round = place.round();
    let expected =
        ["+ copied/", "+ copied/copy", "+ copied/e/", "+ copied/e/three", "+ copied/two", "+ d/copy", "+ kept"];
    assert_eq!(told(&round), expected);
    assert!(round.count("bytes_sent") < TALK, "{}", round.stdout);
}

#[test]
fn a_copy_of_what_then_goes_sends_no_content_either() {
    let place = mirrored(Place::here(), &["d/one@1", "d/two@2", "d/small=3"]);
    edit(&place, "cp -r d copy; rm -r d");
    // By their contents these files moved, and with them their directory.
    let round = arrives_at(&place, &["R d/ -> copy/"]);
    let all: u64 = fs::read_dir(place.source().join("copy"))
        .expect("is there")
        .map(|name| name.and_then(|name| name.metadata()).expect("a file").len())
        .sum();
    assert_eq!(round.count("bytes_read"), all, "each is read once: {}", round.stdout);
}
