//! The acknowledged half is replaced by a manifest; what was read stays.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seams::recorded::Reading;

use super::*;
use crate::testing::{
    World, directory, edit, file, head, path, reading, readings_of, row, snapshot, sound_rows, world,
};
use crate::{Snapshot, SnapshotError};

fn manifest<'a>(tree: &'a protocol::Tree) -> impl Iterator<Item = Result<(RelPath, Entry), SnapshotError>> + use<'a> {
    tree.iter().map(|(at, entry)| Ok((at.clone(), entry.clone())))
}

fn readings(snapshot: &Snapshot) -> BTreeMap<RelPath, Reading> {
    sound_rows(snapshot).into_iter().filter_map(|(at, row)| Some((at, row.reading?))).collect()
}

#[test]
fn a_manifest_that_is_no_sorted_tree_changes_nothing() {
    let snapshot = snapshot(&["a=1"]);
    let bad = [vec!["b", "a"], vec!["a", "a"], vec!["missing/a"], vec!["a", "a/b"]];
    for paths in bad {
        let entries = paths.iter().map(|at| Ok((path(at), file("2"))));
        let error = snapshot
            .replace_acknowledged::<SnapshotError>(head(5), &Metadata::default(), entries)
            .expect_err("is no sorted tree");
        assert!(matches!(error, SnapshotError::Disagrees { .. }), "{error}");
        assert_eq!(row(&snapshot, "a").and_then(|row| row.acknowledged), Some(file("1")));
        assert_eq!(snapshot.standing().expect("readable").head, head(1));
    }
}

#[test]
fn a_manifest_cut_short_half_way_changes_nothing() {
    #[derive(Debug)]
    struct CutShort;
    impl From<SnapshotError> for CutShort {
        fn from(_: SnapshotError) -> Self {
            Self
        }
    }
    let snapshot = snapshot(&["a=1", "z=1"]);
    let before = snapshot.acknowledged_tree().expect("readable");
    let entries = [Ok((path("b"), directory())), Ok((path("b/c"), file("2"))), Err(CutShort)];
    snapshot.replace_acknowledged(head(5), &Metadata::default(), entries.into_iter()).expect_err("was cut short");
    assert_eq!(snapshot.acknowledged_tree().expect("readable"), before);
    snapshot.set_root_record(b"x").expect("no transaction was left open");
}

#[test]
fn what_the_receiver_lost_need_not_be_read_again() {
    let snapshot = snapshot(&["d/", "d/e/", "d/e/x=1", "d/unread=2"]);
    snapshot.record_readings(&[(path("d/e/x"), reading("1", 5))]).expect("recorded");
    let nothing = std::iter::empty::<Result<(RelPath, Entry), SnapshotError>>();
    snapshot.replace_acknowledged(head(5), &Metadata::default(), nothing).expect("replaced");
    let rows = sound_rows(&snapshot);
    assert_eq!(rows.keys().cloned().collect::<Vec<_>>(), ["d", "d/e", "d/e/x"].map(path));
    assert_eq!(rows[&path("d/e/x")].reading, Some(reading("1", 5)));
}

#[test]
fn a_manifest_that_is_right_already_writes_no_row() {
    let snapshot = snapshot(&["a/", "a/x=1", "b=2"]);
    let tree = snapshot.acknowledged_tree().expect("readable");
    let before = snapshot.writer().total_changes();
    snapshot.replace_acknowledged(head(5), &Metadata::default(), manifest(&tree)).expect("replaced");
    let rows_changed = snapshot.writer().total_changes() - before;
    assert!(rows_changed <= 4, "the state only: {rows_changed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_acknowledged_halves_become_the_manifest_and_no_reading_is_lost(
        mut world in world(),
        edits in prop::collection::vec(edit(), 0..20),
        reads_again in any::<bool>(),
    ) {
        let snapshot = snapshot(&[]);
        snapshot.acknowledge(head(2), &World::default().changes_to(&world, false)).expect("fits");
        snapshot.record_readings(&readings_of(&world.tree(), 1)).expect("recorded");
        edits.iter().for_each(|edit| world.edit(edit));
        let tree = world.tree();
        if reads_again {
            snapshot.record_readings(&readings_of(&tree, 2)).expect("recorded");
        }
        let read_before = readings(&snapshot);
        snapshot.replace_acknowledged(head(5), tree.root(), manifest(&tree)).expect("replaced");
        prop_assert_eq!(&snapshot.acknowledged_tree().expect("readable"), &tree);
        prop_assert_eq!(readings(&snapshot), read_before);
        prop_assert_eq!(snapshot.standing().expect("readable").head, head(5));
    }
}
