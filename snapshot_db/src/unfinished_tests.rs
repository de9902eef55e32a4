//! What is left to do, and rows by path.

use super::*;
use crate::testing::{create, delete, file, head, moved, path, reading, snapshot};

#[test]
fn what_was_read_and_is_not_acknowledged_with_that_content_is_pending() {
    let snapshot = snapshot(&["same=1", "edited=1", "unread=1", "d/"]);
    let mut metadata_only = reading("1", 9);
    metadata_only.evidence.mtime = Timestamp::from_nanos(77);
    let readings = [("same", metadata_only), ("edited", reading("22", 5)), ("d/new", reading("4444", 6))];
    snapshot.record_readings(&readings.map(|(at, reading)| (path(at), reading))).expect("recorded");
    assert_eq!(snapshot.pending().expect("readable"), Pending { files: 2, bytes: 6 });
    snapshot.acknowledge(head(2), &[create("d/new", file("4444"))]).expect("fits");
    assert_eq!(snapshot.pending().expect("readable"), Pending { files: 1, bytes: 2 });
    snapshot.acknowledge(head(3), &[delete("edited"), moved("same", "edited", file("22"))]).expect("fits");
    assert_eq!(snapshot.pending().expect("readable"), Pending::default());
}

#[test]
fn sizes_that_a_file_system_made_up_do_not_overflow_the_sum() {
    let snapshot = snapshot(&[]);
    let mut huge = reading("1", 5);
    huge.evidence.size = u64::MAX;
    snapshot.record_readings(&[(path("a"), huge.clone()), (path("b"), huge)]).expect("recorded");
    assert_eq!(snapshot.pending().expect("readable"), Pending { files: 2, bytes: u64::MAX });
}

#[test]
fn the_oldest_verified_file_is_named_by_its_path() {
    let snapshot = snapshot(&["d/", "d/e/", "d/e/old=1", "young=1"]);
    assert_eq!(snapshot.oldest_verified().expect("readable"), None);
    let read_at = |at: &str, nanos| {
        let mut reading = reading("1", 5);
        reading.verified = Timestamp::from_nanos(nanos);
        (path(at), reading)
    };
    snapshot.record_readings(&[read_at("d/e/old", -5), read_at("young", 7)]).expect("recorded");
    let oldest = || snapshot.oldest_verified().expect("readable").map(|(path, at)| (path, at.as_nanos()));
    assert_eq!(oldest(), Some((path("d/e/old"), -5)));
    snapshot.record_readings(&[read_at("d/e/old", 9)]).expect("recorded");
    assert_eq!(oldest(), Some((path("young"), 7)));
}

#[test]
fn a_row_that_hangs_nowhere_or_below_itself_is_damage_and_no_endless_loop() {
    let broken = [
        "UPDATE entry SET id = NULL WHERE name = CAST('d' AS BLOB)",
        "UPDATE entry SET directory = id WHERE name = CAST('d' AS BLOB)",
    ];
    for spoil in broken {
        let snapshot = snapshot(&["d/", "d/a=1"]);
        snapshot.record_readings(&[(path("d/a"), reading("1", 5))]).expect("recorded");
        snapshot.writer().execute(spoil, []).expect("spoilt");
        assert!(snapshot.oldest_verified().expect_err("is damaged").is_damage(), "{spoil}");
    }
}

#[test]
fn a_row_is_found_by_its_path() {
    let snapshot = snapshot(&["d/", "d/e/", "d/e/a=1"]);
    let at = |at: &RelPath| snapshot.row_at(at).expect("readable");
    assert_eq!(at(&path("d/e/a")).and_then(|row| row.acknowledged), Some(file("1")));
    assert!(at(&path("d")).is_some_and(|row| row.directory.is_some()));
    for nowhere in [RelPath::root(), path("d/x"), path("x/y/z"), path("d/e/a/below a file")] {
        assert_eq!(at(&nowhere), None, "{nowhere}");
    }
}
