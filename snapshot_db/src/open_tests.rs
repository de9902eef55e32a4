//! Opening snapshots: again, newer, damaged, not ours.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use protocol::RelPath;
use rusqlite::params;

use super::*;
use crate::place::Place;
use crate::testing::{LINEAGE, create, directory, file, head, path, reading, row};

#[test]
fn a_snapshot_is_the_same_when_opened_again() {
    let place = Place::new();
    let opened = place.open();
    assert_eq!(opened.set_aside, None);
    opened.snapshot.acknowledge(head(1), &[create("d", directory()), create("d/a", file("1"))]).expect("fits");
    opened.snapshot.record_readings(&[(path("d/a"), reading("1", 5))]).expect("recorded");
    opened.snapshot.set_granularity(b"ext4:1", 4_000_000).expect("recorded");
    let tree = opened.snapshot.acknowledged_tree().expect("readable");
    drop(opened);

    let again = Snapshot::open(&place.database(), Lineage::from_bytes([8; 16])).expect("opens").snapshot;
    let standing = again.standing().expect("readable");
    assert_eq!((standing.lineage, standing.head), (LINEAGE, head(1)));
    assert_eq!(again.acknowledged_tree().expect("readable"), tree);
    assert_eq!(row(&again, "d/a").and_then(|row| row.reading), Some(reading("1", 5)));
    assert_eq!(again.granularity(b"ext4:1").expect("readable"), Some(4_000_000));
}

#[test]
fn a_killed_process_leaves_every_change_whole() {
    let place = Place::new();
    let snapshot = place.open().snapshot;
    snapshot.acknowledge(head(1), &[create("a", file("1"))]).expect("fits");
    let endless = std::iter::from_fn(|| None);
    let killed_within = std::cell::RefCell::new(None);
    let entries = [Ok((path("b"), file("2"))), Ok((path("c"), file("3")))].into_iter().chain(endless);
    let entries = entries.inspect(|_: &Result<(RelPath, _), SnapshotError>| {
        killed_within.replace(Some(place.killed()));
    });
    snapshot.replace_acknowledged(head(2), &protocol::Metadata::default(), entries).expect("replaced");

    let before = killed_within.into_inner().expect("two entries came").open().snapshot;
    assert!(row(&before, "a").is_some() && row(&before, "b").is_none());
    assert_eq!(before.standing().expect("readable").head, head(1));
    let after = place.killed().open().snapshot;
    assert!(row(&after, "a").is_none() && row(&after, "b").is_some());
    assert_eq!(after.standing().expect("readable").head, head(2));
}

#[test]
fn reading_only_creates_nothing() {
    let place = Place::new();
    let open = || Snapshot::open_read_only(&place.database()).expect("opens");
    assert!(open().is_none());
    assert_eq!(place.listing(), []);

    let writer = place.open().snapshot;
    writer.acknowledge(head(1), &[create("a", file("1"))]).expect("fits");
    let look = || {
        let before = place.listing();
        let snapshot = open().expect("is there");
        assert!(row(&snapshot, "a").is_some());
        assert!(snapshot.set_lineage(LINEAGE).is_err(), "nothing can be changed");
        drop(snapshot);
        assert_eq!(place.listing(), before);
        before.len()
    };
    assert_eq!(look(), 3, "beside a writer, its log is read as well");
    drop(writer);
    assert_eq!(look(), 1);
}

#[test]
fn reading_only_makes_no_index_for_a_log_that_was_left_alone() {
    let place = Place::new();
    let writer = place.open().snapshot;
    let copy = place.killed();
    drop(writer);
    fs::remove_file(beside(&copy.database(), "-shm")).expect("removed");
    let before = copy.listing();
    let error = Snapshot::open_read_only(&copy.database()).expect_err("cannot be read without an index");
    assert!(matches!(error, SnapshotError::LogAlone { .. }), "{error:?}");
    assert_eq!(copy.listing(), before);
    drop(copy.open());
    assert!(Snapshot::open_read_only(&copy.database()).expect("opens").is_some());
}

#[test]
fn reading_only_after_a_kill_creates_and_removes_nothing() {
    let place = Place::new();
    let writer = place.open().snapshot;
    writer.acknowledge(head(1), &[create("a", file("1"))]).expect("fits");
    let copy = place.killed();
    let before = copy.listing();
    let snapshot = Snapshot::open_read_only(&copy.database()).expect("opens").expect("is there");
    assert!(row(&snapshot, "a").is_some());
    drop(snapshot);
    assert_eq!(copy.listing(), before);
}

#[test]
fn reading_only_works_on_paths_that_a_uri_cannot_hold() {
    let place = Place::new();
    let odd = place.path().join(std::ffi::OsStr::from_bytes(b"50% #?&\xff d\xc3\xa9"));
    drop(Snapshot::open(&odd, LINEAGE).expect("opens"));
    let snapshot = Snapshot::open_read_only(&odd).expect("opens").expect("is there");
    assert_eq!(snapshot.standing().expect("readable").lineage, LINEAGE);
}

#[test]
fn a_file_that_is_no_database_is_set_aside_and_never_over_an_earlier_one() {
    let place = Place::new();
    for (round, expected) in [(1_u8, "snapshot.db.damaged"), (2, "snapshot.db.damaged.2"), (3, "snapshot.db.damaged.3")]
    {
        let garbage = vec![round; 5_000];
        fs::write(place.database(), &garbage).expect("written");
        fs::write(beside(&place.database(), "-wal"), &garbage).expect("written");
        let opened = place.open();
        let aside = opened.set_aside.expect("was set aside");
        assert_eq!(aside, place.path().join(expected));
        assert_eq!(fs::read(&aside).expect("is there"), garbage);
        assert_eq!(opened.snapshot.standing().expect("readable").lineage, LINEAGE);
    }
}

/// A closed database of enough rows for many pages, and its bytes.
fn many_rows(place: &Place) -> Vec<u8> {
    let snapshot = place.open().snapshot;
    let changes: Vec<_> = (0..2_000).map(|number| create(&format!("file {number:05}"), file("1"))).collect();
    snapshot.acknowledge(head(1), &changes).expect("fits");
    drop(snapshot);
    fs::read(place.database()).expect("readable")
}

#[test]
fn a_database_cut_short_or_overwritten_is_set_aside() {
    let place = Place::new();
    let whole = many_rows(&place);
    fs::write(place.database(), &whole[..whole.len() / 2]).expect("written");
    assert!(place.open().set_aside.is_some());
    let mut overwritten = whole.clone();
    overwritten[4_096..].fill(0x55);
    fs::write(place.database(), &overwritten).expect("written");
    assert!(place.open().set_aside.is_some());
    fs::write(place.database(), &whole).expect("written");
    assert!(place.open().set_aside.is_none());
}

#[test]
fn damage_that_a_quick_look_misses_is_named_when_it_is_met() {
    let place = Place::new();
    let mut bytes = many_rows(&place);
    let middle = bytes.windows(10).position(|window| window == b"file 01000").expect("is there") / 4_096 * 4_096;
    bytes[middle..middle + 4_096].fill(0x55);
    fs::write(place.database(), &bytes).expect("written");
    let opened = place.open();
    assert_eq!(opened.set_aside, None, "neither end of the rows is touched");
    let error = opened.snapshot.acknowledged_tree().expect_err("is damaged");
    assert!(error.is_damage(), "{error:?}");
    drop(opened);
    assert!(set_aside(&place.database()).is_ok());
    assert!(place.open().snapshot.acknowledged_tree().expect("readable").is_empty());
}

#[test]
fn another_programs_database_is_left_as_it_was() {
    let place = Place::new();
    let foreign = Connection::open(place.database()).expect("opens");
    foreign.execute_batch("CREATE TABLE theirs (x)").expect("made");
    drop(foreign);
    let bytes = fs::read(place.database()).expect("readable");
    let aside = place.open().set_aside.expect("was set aside");
    assert_eq!(fs::read(aside).expect("readable"), bytes);
}

#[test]
fn a_snapshot_of_a_newer_roundsman_is_refused_by_name_and_left_alone() {
    let place = Place::new();
    let snapshot = place.open().snapshot;
    let known = newest(&known());
    let sql = "UPDATE refinery_schema_history SET version = ?1 WHERE version = ?2";
    snapshot.writer().execute(sql, params![known + 1, known]).expect("marked");
    drop(snapshot);
    for error in [
        Snapshot::open(&place.database(), LINEAGE).expect_err("is newer"),
        Snapshot::open_read_only(&place.database()).expect_err("is newer"),
    ] {
        assert!(matches!(error, SnapshotError::Newer { .. }), "{error:?}");
        assert!(error.to_string().contains("made by a newer roundsman"), "{error}");
    }
    assert_eq!(place.listing().len(), 1);
}

#[test]
fn a_snapshot_of_an_older_schema_is_migrated_with_its_rows() {
    let place = Place::new();
    let snapshot = place.open().snapshot;
    snapshot.acknowledge(head(1), &[create("a", file("1"))]).expect("fits");
    let mut migrations = known().get_migrations().clone();
    let version = newest(&known()) + 1;
    let step =
        refinery::Migration::unapplied(&format!("V{version}__later"), "ALTER TABLE entry ADD COLUMN later INTEGER");
    migrations.push(step.expect("a migration"));
    let later = refinery::Runner::new(&migrations).set_grouped(true);
    migrate(&mut snapshot.writer(), &later, &place.database()).expect("migrated");
    assert_eq!(look(&snapshot.writer()).expect("readable"), Found::Schema(version));
    assert_eq!(row(&snapshot, "a").and_then(|row| row.acknowledged), Some(file("1")));
}

#[test]
fn a_database_whose_making_was_cut_short_is_made() {
    let place = Place::new();
    let cut_short = Connection::open(place.database()).expect("opens");
    cut_short.execute_batch("CREATE TABLE refinery_schema_history (version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))").expect("made");
    drop(cut_short);
    let opened = place.open();
    assert_eq!(opened.set_aside, None);
    assert_eq!(opened.snapshot.standing().expect("readable").lineage, LINEAGE);
}

#[test]
fn opening_beside_a_round_makes_nothing_and_sets_nothing_aside() {
    let place = Place::new();
    assert!(Snapshot::open_beside(&place.database()).expect("opens").is_none());
    connect(&place.database(), Access::WriteBeside).expect_err("was set aside just now");
    assert_eq!(place.listing(), []);
    let garbage = vec![1_u8; 5_000];
    fs::write(place.database(), &garbage).expect("written");
    let error = Snapshot::open_beside(&place.database()).expect_err("is damaged");
    assert!(error.is_damage(), "{error:?}");
    assert_eq!(fs::read(place.database()).expect("is there"), garbage);
    assert_eq!(place.listing().len(), 1);
}
