//! What walkdir says, as steps of a walk.

use super::*;

fn path(text: &str) -> &Path {
    Path::new(text)
}

#[test]
fn an_error_without_a_path_is_the_listing_that_broke_off() {
    assert_eq!(Blame::of(3, None, None), Blame::Listing { depth: 2 });
    assert_eq!(Blame::of(1, None, Some(path("/r"))), Blame::Listing { depth: 0 });
}

#[test]
fn an_error_with_the_path_just_named_is_a_directory_that_cannot_be_opened() {
    assert_eq!(Blame::of(2, Some(path("/r/a/b")), Some(path("/r/a/b"))), Blame::Listing { depth: 2 });
    assert_eq!(Blame::of(0, Some(path("/r")), None), Blame::Listing { depth: 0 });
}

#[test]
fn an_error_with_another_path_is_a_name_of_unknown_kind() {
    let name = Name::parse(b"b").expect("a name");
    assert_eq!(Blame::of(2, Some(path("/r/a/b")), Some(path("/r/a"))), Blame::Entry { depth: 2, name: name.clone() });
    assert_eq!(Blame::of(2, Some(path("/r/a/b")), None), Blame::Entry { depth: 2, name });
}
