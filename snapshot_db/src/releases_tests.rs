//! What a person let go, in the brake's window.

use super::*;
use crate::place::Place;
use crate::testing::LINEAGE;

fn hours(hours: i64) -> Timestamp {
    Timestamp::from_parts(1_700_000_000 + hours * 3_600, 0)
}

fn rows(snapshot: &Snapshot) -> i64 {
    snapshot.writer().query_row("SELECT count(*) FROM released", [], |row| row.get(0)).expect("readable")
}

#[test]
fn what_was_let_go_counts_within_the_window_only() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    for (hour, files) in [(0, 1), (10, 20), (20, 300)] {
        snapshot.note_released(hours(hour), files).expect("noted");
    }
    let since = |hour| snapshot.released_since(hours(hour), hours(20)).expect("readable");
    assert_eq!((since(0), since(1), since(10), since(11), since(21)), (321, 320, 320, 300, 0));
}

#[test]
fn a_clock_that_ran_ahead_does_not_loosen_the_brake_afterwards() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.note_released(hours(24 * 365), 1_000_000).expect("noted");
    assert_eq!(snapshot.released_since(hours(0), hours(24)).expect("readable"), 0);
    snapshot.note_released(hours(24), 5).expect("noted");
    assert_eq!(snapshot.released_since(hours(0), hours(24 * 365)).expect("readable"), 5, "and is forgotten");
}

#[test]
fn what_is_older_than_two_days_is_forgotten() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    for hour in [0, 1, 49] {
        snapshot.note_released(hours(hour), 1).expect("noted");
    }
    assert_eq!(snapshot.released_since(hours(0), hours(49)).expect("readable"), 2);
    assert_eq!(rows(&snapshot), 2);
}

#[test]
fn no_more_than_ten_thousand_are_kept() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
        INSERT INTO released (at, files) SELECT ?1, 1 FROM n";
    snapshot.writer().execute(many, params![hours(1).as_nanos()]).expect("written");
    snapshot.note_released(hours(2), 7).expect("noted");
    assert_eq!(rows(&snapshot), 10_000);
    assert_eq!(snapshot.released_since(hours(2), hours(2)).expect("readable"), 7, "the oldest go");
}

#[test]
fn letting_go_no_file_writes_nothing_and_sums_do_not_overflow() {
    let place = Place::new();
    let snapshot = place.open().snapshot;
    place.busy().note_released(hours(0), 0).expect("nothing to write");
    snapshot.note_released(hours(0), u64::MAX).expect("noted");
    snapshot.note_released(hours(0), 1).expect("noted");
    assert_eq!(snapshot.released_since(hours(0), hours(0)).expect("readable"), u64::MAX);
}
