//! Acknowledged changes, as rows.

use proptest::prelude::*;
use protocol::{ContentId, RefusalReason, Timestamp};

use super::*;
use crate::testing::{
    Edit, World, create, delete, directory, edit, file, head, moved, path, reading, readings_of, row, snapshot,
    sound_rows, world,
};
use crate::{Snapshot, SnapshotError};

fn number(snapshot: &Snapshot, at: &str) -> DirectoryId {
    row(snapshot, at).and_then(|row| row.directory).expect("a directory is there")
}

#[test]
fn two_directories_swap_names_and_keep_their_numbers() {
    let snapshot = snapshot(&["a/", "a/x=1", "b/", "b/y=2"]);
    let (a, b) = (number(&snapshot, "a"), number(&snapshot, "b"));
    let changes = [moved("a", "b", directory()), moved("b", "a", directory())];
    snapshot.acknowledge(head(2), &changes).expect("fits");
    assert_eq!((number(&snapshot, "a"), number(&snapshot, "b")), (b, a));
    assert!(row(&snapshot, "b/x").is_some() && row(&snapshot, "a/y").is_some());
}

#[test]
fn a_directory_moves_into_its_own_former_child() {
    let snapshot = snapshot(&["a/", "a/b/", "a/b/x=1", "a/y=2"]);
    snapshot.acknowledge(head(2), &[moved("a/b", "b", directory()), moved("a", "b/a", directory())]).expect("fits");
    let rows = sound_rows(&snapshot);
    assert_eq!(rows.into_keys().collect::<Vec<_>>(), ["b", "b/a", "b/a/y", "b/x"].map(path));
}

#[test]
fn moving_a_directory_of_100_000_rows_changes_one_row() {
    let snapshot = Snapshot::in_memory(crate::testing::LINEAGE);
    let files =
        (0..100_000).map(|file_number| create(&format!("old/{:03}/{file_number}", file_number % 100), file("x")));
    let directories = (0..100).map(|number| create(&format!("old/{number:03}"), directory()));
    let changes: Vec<Change> = [create("old", directory())].into_iter().chain(directories).chain(files).collect();
    snapshot.acknowledge(head(1), &changes).expect("a tree");

    let before = snapshot.writer().total_changes();
    snapshot.acknowledge(head(2), &[moved("old", "new", directory())]).expect("fits");
    let rows_changed = snapshot.writer().total_changes() - before;
    assert!(rows_changed <= 5, "one row deleted, one put, and the state: {rows_changed}");
    assert!(row(&snapshot, "new/007/7").is_some());
}

#[test]
fn a_reading_recorded_under_the_new_path_survives_the_move_of_its_file() {
    let snapshot = snapshot(&["a=1"]);
    snapshot.record_readings(&[(path("a"), reading("1", 5))]).expect("recorded");
    snapshot.record_readings(&[(path("b"), reading("1", 6))]).expect("recorded");
    snapshot.acknowledge(head(2), &[moved("a", "b", file("1"))]).expect("fits");
    assert_eq!(row(&snapshot, "a"), None, "what was read of the old place goes with it");
    assert_eq!(row(&snapshot, "b").and_then(|row| row.reading), Some(reading("1", 6)));
}

#[test]
fn readings_of_two_swapped_files_stay_at_the_paths_they_were_made_at() {
    let snapshot = snapshot(&["a=1", "b=2"]);
    snapshot.record_readings(&[(path("a"), reading("2", 5)), (path("b"), reading("1", 6))]).expect("recorded");
    snapshot.acknowledge(head(2), &[moved("a", "b", file("1")), moved("b", "a", file("2"))]).expect("fits");
    assert_eq!(row(&snapshot, "a").and_then(|row| row.reading), Some(reading("2", 5)));
    assert_eq!(row(&snapshot, "b").and_then(|row| row.reading), Some(reading("1", 6)));
}

#[test]
fn readings_below_a_moved_directory_go_with_it_and_newer_ones_of_the_new_path_win() {
    let snapshot = snapshot(&["a/", "a/s/", "a/s/same=1", "a/s/edited=2"]);
    let old = [(path("a/s/same"), reading("1", 5)), (path("a/s/edited"), reading("2", 6))];
    snapshot.record_readings(&old).expect("recorded");
    let new = [(path("b/s/edited"), reading("3", 6)), (path("b/s/t/added"), reading("4", 7))];
    snapshot.record_readings(&new).expect("recorded");
    let id = number(&snapshot, "a/s");
    let changes = [
        moved("a", "b", directory()),
        Change::Modify { path: path("b/s/edited"), entry: file("3") },
        create("b/s/t", directory()),
        create("b/s/t/added", file("4")),
    ];
    snapshot.acknowledge(head(2), &changes).expect("fits");

    let rows = sound_rows(&snapshot);
    let read = |at: &str| rows[&path(at)].reading.clone();
    assert_eq!(read("b/s/same"), Some(reading("1", 5)));
    assert_eq!(read("b/s/edited"), Some(reading("3", 6)));
    assert_eq!(read("b/s/t/added"), Some(reading("4", 7)));
    assert_eq!(number(&snapshot, "b/s"), id);
}

#[test]
fn a_reading_of_what_was_not_delivered_outlives_the_delete_of_its_path() {
    let snapshot = snapshot(&["kept=1", "gone=1"]);
    snapshot.record_readings(&[(path("gone"), reading("1", 5)), (path("kept"), reading("2", 6))]).expect("recorded");
    snapshot.acknowledge(head(2), &[delete("gone"), delete("kept")]).expect("fits");
    assert_eq!(row(&snapshot, "gone"), None);
    assert_eq!(row(&snapshot, "kept").and_then(|row| row.reading), Some(reading("2", 6)));
}

#[test]
fn an_edit_in_the_same_stamp_keeps_both_halves_apart() {
    let snapshot = snapshot(&["a=1"]);
    let mut read = reading("2", 5);
    read.evidence.mtime = Timestamp::default();
    snapshot.record_readings(&[(path("a"), read.clone())]).expect("recorded");
    let row = row(&snapshot, "a").expect("is there");
    assert_eq!((row.acknowledged, row.reading), (Some(file("1")), Some(read)));
}

#[test]
fn a_batch_that_does_not_fit_changes_nothing() {
    let unfit = [
        vec![delete("a"), delete("missing")],
        vec![create("a", file("2"))],
        vec![create("c", file("2")), create("missing/b", file("2"))],
        vec![moved("a", "d", file("1"))],
        vec![Change::Modify { path: path("d"), entry: file("1") }],
        vec![Change::Delete { path: RelPath::root() }],
    ];
    let snapshot = snapshot(&["a=1", "d/", "d/x=1"]);
    let before = (snapshot.acknowledged_tree().expect("readable"), snapshot.standing().expect("readable"));
    for changes in unfit {
        let error = snapshot.acknowledge(head(2), &changes).expect_err("does not fit");
        assert!(matches!(error, SnapshotError::Disagrees { .. }), "{error}");
        let after = (snapshot.acknowledged_tree().expect("readable"), snapshot.standing().expect("readable"));
        assert_eq!(after, before, "{changes:?}");
    }
}

#[test]
fn an_acknowledgement_ends_what_was_in_flight() {
    let snapshot = snapshot(&[]);
    let digest = protocol::RevisionDigest::from_bytes([9; 32]);
    snapshot.note_in_flight(digest).expect("noted");
    assert_eq!(snapshot.standing().expect("readable").in_flight, Some(digest));
    snapshot.acknowledge(head(2), &[create("a", file("1"))]).expect("fits");
    let standing = snapshot.standing().expect("readable");
    assert_eq!((standing.head, standing.in_flight), (head(2), None));
}

/// One round of a history: what happens to the source, what of it is read before it is delivered, and whether the
/// batch says what it can by replacements and overwriting moves.
type Round = (Vec<Edit>, bool, bool);

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    prop::collection::vec((prop::collection::vec(edit(), 1..16), any::<bool>(), any::<bool>()), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_batch_means_to_the_rows_what_it_means_to_a_tree(mut world in world(), rounds in rounds()) {
        let snapshot = snapshot(&[]);
        snapshot.acknowledge(head(1), &World::default().changes_to(&world, false)).expect("fits");
        for (round, (edits, reads_first, terse)) in (2..).zip(&rounds) {
            let old = world.clone();
            edits.iter().for_each(|edit| world.edit(edit));
            let changes = old.changes_to(&world, *terse);
            let expected = match old.tree().apply(&changes) {
                Ok(expected) => expected,
                Err(refused) => {
                    // What is deleted from a directory that itself moves out of a deleted one cannot be said in one set.
                    prop_assert!(refused.iter().all(|refused| refused.reason == RefusalReason::Contradiction));
                    world = old;
                    continue;
                }
            };
            prop_assert_eq!(&expected, &world.tree());
            if *reads_first {
                snapshot.record_readings(&readings_of(&expected, round)).expect("recorded");
            }
            snapshot.acknowledge(head(round), &changes).expect("fits");
            prop_assert_eq!(&snapshot.acknowledged_tree().expect("readable"), &expected);
            sound_rows(&snapshot);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn files_that_were_read_before_delivery_need_no_second_read(world in world()) {
        let snapshot = snapshot(&[]);
        let readings = readings_of(&world.tree(), 0);
        snapshot.record_readings(&readings).expect("recorded");
        snapshot.acknowledge(head(2), &World::default().changes_to(&world, false)).expect("fits");
        let rows = sound_rows(&snapshot);
        for (at, reading) in readings {
            prop_assert_eq!(rows[&at].reading.as_ref(), Some(&reading));
        }
    }
}

#[test]
fn a_content_id_is_never_taken_for_that_of_another_kind() {
    let snapshot = snapshot(&["a/"]);
    snapshot.record_readings(&[(path("a"), reading("1", 5))]).expect("recorded");
    snapshot.acknowledge(head(2), &[Change::Replace { path: path("a"), entry: file("1") }]).expect("fits");
    let row = row(&snapshot, "a").expect("is there");
    assert_eq!(row.reading.map(|reading| reading.content), Some(ContentId::of(b"1")));
    assert_eq!(row.directory, None);
}
