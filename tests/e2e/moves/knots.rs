//! Moves that need each other's places: swaps, circles, a child in the place of its parent, a file in that of a directory.

use super::{arrives, edit, mirrored, told};
use crate::support::place::Place;

#[test]
fn two_directories_swap_their_names() {
    arrives(&["a/f@1", "a/d/g=2", "b/f@3"], "mv a t; mv b a; mv t b", &["R b/ -> a/", "R a/ -> b/"]);
}

#[test]
fn two_files_swap_their_names() {
    arrives(&["a@1", "b@2"], "mv a t; mv b a; mv t b", &["R b -> a", "R a -> b"]);
}

#[test]
fn five_directories_and_five_files_go_round() {
    let before = ["d0/f@1", "d1/f@2", "d2/f@3", "d3/f@4", "d4/f@5", "f0@6", "f1@7", "f2@8", "f3@9", "f4@10"];
    let script = "for k in d f; do mv ${k}4 t; for n in 3 2 1 0; do mv $k$n $k$((n + 1)); done; mv t ${k}0; done";
    let expected = [
        "R d4/ -> d0/",
        "R d0/ -> d1/",
        "R d1/ -> d2/",
        "R d2/ -> d3/",
        "R d3/ -> d4/", //
        "R f4 -> f0",
        "R f0 -> f1",
        "R f1 -> f2",
        "R f2 -> f3",
        "R f3 -> f4",
    ];
    arrives(&before, script, &expected);
}

#[test]
fn a_directory_moves_into_its_own_former_child() {
    arrives(&["a/b/g@1", "a/f@2"], "mv a/b b; mv a b/a", &["R a/b/ -> b/", "R a/ -> b/a/"]);
}

#[test]
fn a_child_moves_out_of_its_parent_which_is_deleted() {
    arrives(&["a/b/g@1", "a/f=2"], "mv a/b b; rm -r a", &["- a/", "R a/b/ -> b/"]);
}

#[test]
fn a_child_takes_the_place_of_its_parent() {
    arrives(&["a/b/g@1", "a/f=2"], "mv a/b t; rm -r a; mv t a", &["R a/b/ -> a/", "- a/"]);
    arrives(&["a/a/g@1", "a/f@2"], "mv a/a t; mv a t/a; mv t a", &["R a/a/ -> a/", "R a/ -> a/a/"]);
}

#[test]
fn only_the_case_of_names_changes() {
    let script = "mv dir/Sub dir/sub; mv dir Dir; mv file FILE";
    let expected = ["R dir/ -> Dir/", "R dir/Sub/ -> Dir/sub/", "R file -> FILE"];
    arrives(&["dir/Sub/f@1", "dir/g=2", "file@3"], script, &expected);
}

#[test]
fn case_variants_swap_their_names() {
    arrives(&["a/f@1", "A/f@2"], "mv a t; mv A a; mv t A", &["R a/ -> A/", "R A/ -> a/"]);
}

#[test]
fn a_file_and_a_directory_swap_their_names() {
    arrives(&["a/f@1", "b@2"], "mv a t; mv b a; mv t b", &["R b -> a", "R a/ -> b/"]);
}

#[test]
fn a_file_comes_in_the_place_of_a_directory_and_a_directory_in_that_of_a_file() {
    let script = "rm -r d; printf file > d; rm f; mkdir f; printf in > f/in; mv moved keep/; rm l; mkdir l";
    let expected = ["T d", "T f/", "+ f/in", "R moved -> keep/moved", "T l/"];
    arrives(&["d/e/g=1", "d/h=2", "f=3", "keep/", "moved@4", "l>d"], script, &expected);
}

#[test]
fn a_file_moves_onto_another() {
    let place = mirrored(Place::here(), &["a@1", "b@2"]);
    edit(&place, "mv a b");
    assert_eq!(told(&place.round()), ["R a -> b"]);
}

#[test]
fn a_directory_moves_onto_an_empty_one_and_onto_one_that_was_emptied() {
    let script = "mv -T a empty; rm b/g; mv -T c b";
    let expected = ["R c/ -> b/", "- b/", "R a/ -> empty/", "- empty/"];
    arrives(&["a/f@1", "b/g=2", "c/h@3", "empty/"], script, &expected);
}

#[test]
fn a_chain_of_renames_ends_in_a_new_directory() {
    let script = "mkdir n; mv c n/c; mv b c; mv a b";
    arrives(&["a/f@1", "b/f@2", "c/f@3"], script, &["R a/ -> b/", "R b/ -> c/", "+ n/", "R c/ -> n/c/"]);
}
