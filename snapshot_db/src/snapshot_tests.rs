//! What a snapshot costs, and what it tells.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::testing::{LINEAGE, create, directory, file, head, path, reading, row, snapshot, sound_rows};

/// DESIGN's aim, chunk lists apart.
const MOST_BYTES_A_FILE: u64 = 200;

#[test]
fn a_file_costs_at_most_200_bytes_on_disk() {
    const FILES: u64 = 80_000;
    let place = tempfile::tempdir().expect("a temporary directory");
    let at = place.path().join("snapshot.db");
    let snapshot = Snapshot::open(&at, LINEAGE).expect("opens").snapshot;
    let mut changes: Vec<Change> =
        (0..FILES / 20).map(|number| create(&format!("dir{number:05}"), directory())).collect();
    let mut readings = Vec::new();
    for number in 0..FILES {
        let text = format!("dir{:05}/an-ordinary-name-{number}.c", number / 20);
        let stamp = protocol::Timestamp::from_nanos(1_700_000_000_000_000_000 + (number * 7_919).cast_signed());
        let mut read = reading(&"x".repeat(12_000), 40_000_000 + number);
        (read.evidence.mtime, read.evidence.ctime, read.verified) = (stamp, stamp.plus_nanos(9), stamp.plus_nanos(99));
        read.first_seen.since_boot = std::time::Duration::from_secs(1_000_000);
        let metadata = Metadata { mode: 0o644, mtime: stamp, uid: 1000, gid: 1000, attributes: Vec::new() };
        changes.push(create(&text, Entry::File { metadata, size: read.evidence.size, content: read.content }));
        readings.push((path(&text), read));
    }
    // As a first round does it: read, deliver a batch, read on; within a directory in no order.
    for batch in 0..8 {
        let some_readings: Vec<_> = readings.iter().skip(batch).step_by(8).cloned().collect();
        snapshot.record_readings(&some_readings).expect("recorded");
    }
    snapshot.acknowledge(head(1), &changes).expect("fits");
    drop(snapshot);
    let bytes = std::fs::metadata(&at).expect("is there").len() / FILES;
    println!("{bytes} bytes a file, directories included");
    assert!(bytes <= MOST_BYTES_A_FILE, "{bytes} bytes a file");
}

#[test]
fn readers_in_four_threads_see_whole_changes_while_one_writes() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let snapshot = Snapshot::open(&place.path().join("snapshot.db"), LINEAGE).expect("opens").snapshot;
    let (done, seen) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let rows = snapshot.rows(DirectoryId::ROOT).expect("readable");
                    assert_eq!(rows.len() % 10, 0, "every batch has ten files");
                    seen.fetch_or(!rows.is_empty(), Ordering::Relaxed);
                }
            });
        }
        for batch in 0..100_u64 {
            let changes: Vec<Change> = (0..10).map(|at| create(&format!("{batch} {at}"), file("x"))).collect();
            snapshot.acknowledge(head(batch), &changes).expect("fits");
        }
        while !seen.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(snapshot.counts().expect("readable").files, 1_000);
}

#[test]
fn what_is_gone_before_it_was_delivered_is_forgotten_and_the_rest_stays() {
    let snapshot = snapshot(&["kept=1", "d/", "d/kept=1"]);
    let paths = ["d/gone", "kept", "new/deep/gone", "new/stays"].map(path);
    let readings: Vec<_> = paths.iter().map(|at| (at.clone(), reading("2", 5))).collect();
    snapshot.record_readings(&readings).expect("recorded");
    snapshot.forget_readings(&["d/gone", "kept", "never", "never/was", "new/deep"].map(path)).expect("forgotten");
    let rows = sound_rows(&snapshot);
    assert_eq!(rows.keys().cloned().collect::<Vec<_>>(), ["d", "d/kept", "kept", "new", "new/stays"].map(path));
    assert!(rows[&path("kept")].reading.is_some());
}

#[test]
fn inodes_of_directories_are_kept_when_they_move() {
    let snapshot = snapshot(&["a/", "a/b/"]);
    snapshot.record_inodes(&[(RelPath::root(), 1), (path("a"), 2), (path("a/b"), u64::MAX)]).expect("recorded");
    snapshot
        .acknowledge(head(2), &[Change::Move { from: path("a"), to: path("c"), entry: directory() }])
        .expect("fits");
    assert_eq!(row(&snapshot, "c").and_then(|row| row.inode), Some(2));
    assert_eq!(row(&snapshot, "c/b").and_then(|row| row.inode), Some(u64::MAX));
}

#[test]
fn what_is_noted_stays_noted() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    assert_eq!(
        snapshot.standing().expect("readable"),
        Standing { lineage: LINEAGE, head: Head::genesis(), store: None, in_flight: None }
    );
    assert_eq!((snapshot.root_record().expect("readable"), snapshot.root_metadata().expect("readable")), (None, None));
    let (lineage, store) = (Lineage::from_bytes([1; 16]), StoreId::from_bytes([2; 16]));
    snapshot.set_lineage(lineage).expect("noted");
    snapshot.set_store(store).expect("noted");
    snapshot.set_root_record(b"ext4").expect("noted");
    let standing = snapshot.standing().expect("readable");
    assert_eq!((standing.lineage, standing.store), (lineage, Some(store)));
    assert_eq!(snapshot.root_record().expect("readable").as_deref(), Some(&b"ext4"[..]));
    let metadata = Metadata { mode: 0o750, ..Metadata::default() };
    let change = Change::Metadata { path: RelPath::root(), metadata: metadata.clone() };
    snapshot.acknowledge(head(1), &[change]).expect("fits");
    assert_eq!(snapshot.root_metadata().expect("readable"), Some(metadata));
}

#[test]
fn a_commit_in_flight_is_durable_and_other_changes_are_not_slowed_by_it() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let snapshot = Snapshot::open(&place.path().join("snapshot.db"), LINEAGE).expect("opens").snapshot;
    snapshot.note_in_flight(RevisionDigest::from_bytes([9; 32])).expect("noted");
    let mut within = 0;
    let look = |table: &Table<'_>| {
        within = table.connection().pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?;
        Ok(())
    };
    snapshot.change_durably(look).expect("readable");
    assert_eq!(within, 2, "FULL");
    let pragma = |name| snapshot.writer().pragma_query_value(None, name, |row| row.get::<_, String>(0));
    assert_eq!(pragma("journal_mode").expect("readable"), "wal");
    let level = snapshot.writer().pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0));
    assert_eq!(level.expect("readable"), 1, "NORMAL again");
}

#[test]
fn a_directory_number_is_never_given_twice() {
    let snapshot = snapshot(&["a/"]);
    let first = row(&snapshot, "a").and_then(|row| row.directory);
    snapshot.acknowledge(head(2), &[Change::Delete { path: path("a") }]).expect("fits");
    snapshot.acknowledge(head(3), &[create("a", directory())]).expect("fits");
    assert!(row(&snapshot, "a").and_then(|row| row.directory) > first);
}
