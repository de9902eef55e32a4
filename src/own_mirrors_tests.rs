//! Mirrors found in a state directory, and nothing made there.

use protocol::{Lineage, MirrorName};
use scanner::FilterRules;

use super::*;
use crate::settings::value::To;

fn way(source: &str) -> Way {
    Way {
        source: source.into(),
        mirror: MirrorName::parse(b"photos").expect("valid"),
        to: To::Directory("/backup".into()),
        filter: FilterRules::default(),
        one_file_system: false,
        settle: std::time::Duration::ZERO,
        ignore_inodes: false,
        ignore_ctimes: false,
    }
}

/// A snapshot in a state directory of its own, with a way if one is given.
fn make(state: &Path, name: &str, way: Option<&str>) {
    fs::create_dir(state.join(name)).expect("creates");
    let opened = Snapshot::open(&state.join(name).join(SNAPSHOT), Lineage::from_bytes([7; 16])).expect("opens");
    if let Some(way) = way {
        opened.snapshot.set_way(way).expect("writes");
    }
}

fn listing(state: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = fs::read_dir(state)
        .expect("lists")
        .flat_map(|entry| fs::read_dir(entry.expect("an entry").path()).expect("lists"))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    names
}

#[test]
fn mirrors_are_found_by_source_and_nothing_is_made_beside_them() {
    let state = tempfile::tempdir().expect("a directory");
    make(state.path(), "b", Some(&way("/b").encode()));
    make(state.path(), "a", Some(&way("/a").encode()));
    make(state.path(), "no-round-yet", None);
    let before = listing(state.path());
    let found = OwnMirrors::find(state.path()).expect("lists");
    let titles: Vec<String> = found.mirrors.iter().map(OwnMirror::title).collect();
    assert_eq!(titles, ["/a -> /backup/local/photos", "/b -> /backup/local/photos"]);
    assert!(found.broken.is_empty());
    assert_eq!(found.mirrors[0].route().snapshot(), state.path().join("a").join(SNAPSHOT));
    assert_eq!(listing(state.path()), before);
}

#[test]
fn a_mirror_that_cannot_be_read_hides_no_other() {
    let state = tempfile::tempdir().expect("a directory");
    make(state.path(), "good", Some(&way("/a").encode()));
    make(state.path(), "odd", Some("{}"));
    fs::create_dir(state.path().join("bad")).expect("creates");
    fs::write(state.path().join("bad").join(SNAPSHOT), "no database").expect("writes");
    let found = OwnMirrors::find(state.path()).expect("lists");
    assert_eq!((found.mirrors.len(), found.broken.len()), (1, 2));
}

#[test]
fn a_state_directory_that_does_not_exist_holds_no_mirrors() {
    let found = OwnMirrors::find(Path::new("/no/such/state")).expect("is empty");
    assert!(found.mirrors.is_empty() && found.broken.is_empty());
    let file = tempfile::NamedTempFile::new().expect("a file");
    OwnMirrors::find(file.path()).expect_err("is no directory");
}
